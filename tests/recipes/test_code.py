"""The code that decides what a stage computes: how it is found, and when its digests change."""

import ast
import json
import os
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from shutil import which

import pytest

from netclaims.recipes import code as code_module
from netclaims.recipes.code import (
    DISTRIBUTIONS,
    NO_RESULT,
    NOT_IN_RESULTS,
    PACKAGE,
    changed,
    closure,
    closure_of,
    digest,
)

ROOT = Path(__file__).parents[2]
SCRIPT = Path("stages/s.py")
STAGES = sorted(Path("stages", path.name) for path in (ROOT / "stages").glob("*.py"))

# What versions of Python parse or print in different ways, or once did.
SPECIMEN = r'''
"""Docstring."""
from __future__ import annotations
def f(a, /, b: int = 1, *args: str, c, d=None, **rest) -> None:
    """Docstring."""
    "another"
    return lambda *, x, y=None: {**rest, None: 1, "k": 0xFFFF_FFFF_FFFF_FFFF_FFFF}
class C(dict, metaclass=type):
    """Docstring."""
    x: int
    """Of an attribute."""
    (y): float = -1e-300
async def g():
    async with a as b, c: pass
    async for i in g(): yield [j async for j in i if j], await i
    with (open("x") as d, open("y")): ...
try: pass
except* (ValueError, TypeError) as e: raise e from None
match f:
    case {"a": None, "b": -1.5 - 2j, **rest} | [1, *_, True]: pass
    case C(x=1, y="é") if e: pass
    case str() | b"\xff" | (3 as z): pass
a[1:2, ..., *b] = 1e999, 2j, u"a" "b" u"c", b"a" b"b", "\ud800\U0001f600\N{BULLET}\x00"
print(f"", f"a", f"{a}", f"a{{b" "c" f"{a!r:>{b}}{c:}{d:.2f}" f"" "}}" u"u", f"{a = }", f"{a=!s:^{b}.{c}}")
print(f"{a:{b}{c}}", f"{f'{a}' 'b'}", f'{a:{b}x{c}y}', f"{a=:.3f}", f"""{
    a}\
    é""", rf"\d{a}\{b}", f"\N{BULLET}{a}", f"{a:%Y-%m-%d {b} %H}", f"{(lambda x: x)(1)}", f"{a!a}")
ﬁ = not-1 if a else (yield_ := +1 @ 2 // ~3)
global_ = [*a, *b], {*a}, (), [], {}, a < b <= c != d is not e not in f, 9**99, 0o17, 1_0.0
x = y = del_ = None
del x, (y)
'''


def write(root, files):
    """A repository with the given files, by paths in the package; `s.py` is the script of a stage."""
    for name, content in files.items():
        path = root / (SCRIPT if name == SCRIPT.name else PACKAGE / name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def modules(root, **files):
    """The names in the closure of a script, without the script, of a repository with these files."""
    write(root, {f"{name.replace('__', '/')}.py": content for name, content in files.items()})
    names = [*closure(SCRIPT, root).modules]
    assert names == sorted(names)
    assert SCRIPT.as_posix() in names
    return {name.removeprefix("netclaims.") for name in names} - {SCRIPT.as_posix()}


def of(tmp_path, content, name="m.py"):
    write(tmp_path, {name: content})
    return digest(tmp_path / PACKAGE / name)


def test_digests_of_scripts_modules_and_other_files(tmp_path):
    write(tmp_path, {"s.py": "import netclaims.a.b", "a/b.py": "open('x.css')", "a/c/x.css": "p {}", "a/d.py": "1"})
    code = closure(SCRIPT, tmp_path)
    assert list(code.modules) == ["netclaims.a.b", "netclaims/a/c/x.css", "stages/s.py"]
    assert code.modules["netclaims.a.b"] == digest(tmp_path / PACKAGE / "a/b.py")
    assert code.modules["netclaims/a/c/x.css"] == digest(tmp_path / PACKAGE / "a/c/x.css")
    assert all(len(value) == 16 and int(value, 16) >= 0 for value in code.modules.values())
    assert code.libraries == {}


@pytest.mark.parametrize(
    "line",
    [
        "import netclaims.a.b",
        "import os, netclaims.a.b as c",
        "from netclaims.a import b",
        "from netclaims.a import b as c",
        "from netclaims.a.b import f",
        "from netclaims.a.b import *",
        "def f():\n    if True:\n        from netclaims.a import b",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import netclaims.a.b",
        "try:\n    import netclaims.a.b\nexcept ImportError:\n    pass",
    ],
)
def test_every_form_of_import_is_followed(line, tmp_path):
    assert modules(tmp_path, s=line, a__b="f = 1", a__c="f = 1", b="f = 1") == {"a.b"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from . import c", {"a.c"}),
        ("from .c import f", {"a.c"}),
        ("from .. import c", {"c"}),
        ("from ..c import f", {"c"}),
        ("from ..a.c import f", {"a.c"}),
    ],
)
def test_relative_imports_start_at_the_package_of_the_module(line, expected, tmp_path):
    files = {"s": "import netclaims.a.b", "a__b": line, "a__c": "f = 1", "c": "f = 1"}
    assert modules(tmp_path, **files) == expected | {"a.b"}


def test_packages_on_the_way_run_as_well(tmp_path):
    write(tmp_path, {"__init__.py": "from . import top", "a/__init__.py": "from . import d", "a/b/__init__.py": ""})
    found = modules(tmp_path, s="from netclaims.a.b.c import f", a__b__c="f = 1", a__d="", top="", a__b__e="")
    assert found == {"netclaims", "a", "a.b", "a.b.c", "a.d", "top"}


def test_of_a_module_and_a_package_of_one_name_the_package_is_taken(tmp_path):
    write(tmp_path, {"a.py": "import netclaims.b", "a/__init__.py": "import netclaims.c"})
    assert modules(tmp_path, s="import netclaims.a", b="", c="") == {"a", "c"}


def test_modules_that_import_each_other_and_what_they_import(tmp_path):
    files = {"s": "import netclaims.a", "a": "import netclaims.b", "b": "import netclaims.a, netclaims.c", "c": ""}
    assert modules(tmp_path, **files, d="import netclaims.a") == {"a", "b", "c"}


def test_an_import_of_what_is_not_there_is_left_to_python(tmp_path):
    assert modules(tmp_path, s="import netclaims.a\nfrom . import b\nfrom .c import d", b="") == set()


def test_a_new_import_brings_a_module_in_and_a_deleted_one_takes_it_out(tmp_path):
    assert modules(tmp_path, s="import netclaims.a", a="", b="") == {"a"}
    assert modules(tmp_path, a="import netclaims.b") == {"a", "b"}
    assert modules(tmp_path, a="") == {"a"}


def test_files_that_code_names_and_files_that_these_name(tmp_path):
    files = {
        "s.py": "import netclaims.a",
        "a.py": "render('page.html')",
        "t/page.html": """It isn't 5" wide: {% extends "base.html" %} {% include 'page.css' %} other.html""",
        "t/base.html": "{% from 'macros.html' import m %}",
        "t/macros.html": "",
        "t/page.css": "",
        "t/other.html": "",
        "t/docstring.html": "",
        "u/page.css": "",
        "__pycache__/page.css": "",
    }
    write(tmp_path, files | {"b.py": "'docstring.html'\nx = 'other.html'"})
    reached = {"t/page.html", "t/base.html", "t/macros.html", "t/page.css", "u/page.css"}
    assert set(closure(SCRIPT, tmp_path).modules) == {f"netclaims/{name}" for name in reached} | {
        "netclaims.a",
        "stages/s.py",
    }


def test_a_change_of_a_template_reaches_the_recipe(tmp_path):
    write(tmp_path, {"s.py": "x = 'a.html'", "a.html": "'b.css'", "b.css": "p {}"})
    before = closure(SCRIPT, tmp_path).modules
    write(tmp_path, {"b.css": "p { color: red }"})
    assert changed(before, SCRIPT, tmp_path) == ["netclaims/b.css"]


def test_files_to_start_from_are_scripts_or_files_of_the_package(tmp_path):
    write(tmp_path, {"s.py": "", "a/__main__.py": "from . import b", "a/b.py": "import netclaims.c", "c.py": ""})
    starts = [SCRIPT, PACKAGE / "a/__main__.py", tmp_path / PACKAGE / "c.py"]
    names = ["netclaims.a.__main__", "netclaims.a.b", "netclaims.c", "stages/s.py"]
    assert list(closure_of(starts, tmp_path).modules) == names


def test_the_root_and_the_script_may_be_relative_or_absolute(tmp_path, monkeypatch):
    write(tmp_path, {"s.py": "import netclaims.a", "a.py": ""})
    monkeypatch.chdir(tmp_path)
    code = closure(SCRIPT)
    assert code == closure(SCRIPT, tmp_path) == closure(tmp_path / SCRIPT) == closure(tmp_path / SCRIPT, tmp_path)


CODE = '''"""Of the module."""


@decorate(1)
def f(x: int = 2) -> int:
    """Of a function."""
    return x + 3.5


class C:
    """Of a class."""

    a: str = "text"
    """Of an attribute."""

    def g(self):
        for i in range(3):
            print(f"{i} of {self.a:>5}")
        else:
            print(None)
'''


@pytest.mark.parametrize(
    "same",
    [
        CODE.encode().replace(b"\n", b"\r\n"),
        CODE.encode().replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + CODE.encode(),
        b"# -*- coding: latin-1 -*-\n" + CODE.encode(),
        f"# comment\n{CODE}\n# comment\n".replace("3.5", "(3.50)  # comment"),
        CODE.replace("    ", "  "),
        CODE.replace("Of the module.", "Of another."),
        CODE.replace('"""Of the module."""', ""),
        CODE.replace("Of a function.", "Of another."),
        CODE.replace('    """Of a function."""\n', ""),
        CODE.replace('    """Of a class."""\n', ""),
        CODE.replace("Of an attribute.", "Of another."),
        CODE.replace('    """Of an attribute."""\n', ""),
        CODE.replace("print(None)", "print(None)\n            'a string alone'"),
        CODE.replace("range(3)", "range(0x3)"),
        CODE.replace('"text"', "'te' 'xt'"),
        CODE.replace("return x + 3.5", "return (\n        x + 3.5\n    )"),
    ],
)
def test_what_makes_no_difference(same, tmp_path):
    assert of(tmp_path, same) == of(tmp_path, CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3.5", "3.25"),
        ("range(3)", "range(3.0)"),
        ("range(3)", "range(True)"),
        ('"text"', 'b"text"'),
        ('"text"', "text"),
        ('"text"', '"text "'),
        ("int = 2", "int = 4"),
        ("decorate(1)", "decorate(2)"),
        ("@decorate(1)\n", ""),
        ("x: int", "x: float"),
        ("-> int", "-> float"),
        ("a: str", "a: bytes"),
        ("x + 3.5", "x - 3.5"),
        ("x + 3.5", "3.5 + x"),
        ("def f", "def h"),
        ("def f", "async def f"),
        (":>5", ":>6"),
        (":>5", "!r:>5"),
        (" of ", " in "),
        ("print(None)", "print()"),
        ("print(None)", "pass"),
        ("            print(None)", "            pass\n        print(None)"),
        ("class C:", "class C(object):"),
        ("range(3)", "range(*3)"),
        ('    """Of a class."""\n', '    f"""Of a class."""\n'),
    ],
)
def test_what_makes_a_difference(old, new, tmp_path):
    assert CODE.count(old) == 1
    assert of(tmp_path, CODE.replace(old, new)) != of(tmp_path, CODE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(*, a): pass", "def f(*, a=None): pass"),
        ("x = {**a}", "x = {None: a}"),
        ("x = a", "x = 'a'"),
        ("x = [1, [2]]", "x = [[1], 2]"),
        ("x = a[1:]", "x = a[:1]"),
        ("x = a[::1]", "x = a[:1:]"),
        ("return_ = None", "return_ = 'None'"),
        ("f(a, b=c)", "f(a, c, b=c)"),
        ("f(a)(b)", "f(a, b)"),
        ("from . import a", "from .. import a"),
        ("import a as b", "import a, b"),
        ("x: int", "(x): int"),
        ("x = 'a,b'", "x = 'a', 'b'"),
        ("x = f'{a}b'", "x = f'{a}' 'c'"),
        ("if a:\n    b\n    c", "if a:\n    b\nc"),
        ("if a:\n    b\nelse:\n    c", "if a:\n    b\n    c"),
        ("def f(): return 1\ndef g(): return 2", "def g(): return 2\ndef f(): return 1"),
        ("import b\nimport a", "import a\nimport b"),
        ("[x for y in z]", "[x async for y in z]"),
        ("match x:\n    case None: pass", "match x:\n    case False: pass"),
        ("match x:\n    case 0: pass", "match x:\n    case False: pass"),
        ("x = 0", "x = None"),
        ("x = ''", "x = b''"),
        ("x = 1", "x = 1j"),
    ],
)
def test_what_is_alike_and_differs(one, other, tmp_path):
    assert of(tmp_path, one) != of(tmp_path, other)


@pytest.mark.parametrize("same", ["x = f'{a}bc'", "x = f'{a}' 'bc'", "x = f'{a}b' f'' f'c' ''", "x = f'''{a}bc'''"])
def test_f_strings_are_the_same_however_their_text_is_cut(same, tmp_path):
    assert of(tmp_path, same) == of(tmp_path, "x = f'{a}b' 'c'")


def test_every_name_reaches_the_digest(tmp_path):
    """Each name in a specimen is changed in turn, and `ast.unparse` writes the code with the change."""
    tree = ast.parse(SPECIMEN)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.arg | ast.alias)]
    seen = {of(tmp_path, ast.unparse(tree))}
    for node in nodes:
        field = next(name for name in ("id", "arg", "name") if hasattr(node, name))
        old = getattr(node, field)
        setattr(node, field, "other")
        seen.add(of(tmp_path, ast.unparse(tree)))
        setattr(node, field, old)
    assert len(seen) == len(nodes) + 1 > 80


class AsElsewhere(ast.NodeTransformer):
    """Changes a syntax tree into what some other version of Python makes, made or could make of the same code."""

    def visit_JoinedStr(self, node):
        self.generic_visit(node)
        values = [ast.Constant("")]
        for part in node.values:
            values += map(ast.Constant, part.value) if isinstance(part, ast.Constant) else [part]
        return ast.JoinedStr([ast.JoinedStr(values), ast.Constant("")])

    def visit_FormattedValue(self, node):
        spec = node.format_spec
        if spec and all(isinstance(part, ast.Constant) for part in spec.values):  # Python 3.13, before its release
            node.format_spec = ast.Constant("".join(part.value for part in spec.values))
        return self.generic_visit(node)

    def visit_ImportFrom(self, node):
        node.is_lazy = 0
        return node


def test_trees_as_other_versions_of_python_make_them(monkeypatch, tmp_path):
    before, tree = of(tmp_path, SPECIMEN), ast.parse(SPECIMEN)
    with monkeypatch.context() as patch:  # which ends before pytest needs `ast.parse`
        patch.setattr(ast, "parse", lambda content: AsElsewhere().visit(tree))
        patch.setattr(ast.ImportFrom, "_fields", ("is_lazy", *reversed(ast.ImportFrom._fields)))
        patch.setattr(code_module, "_fields", code_module._fields.__wrapped__)  # not those of before
        after = of(tmp_path, SPECIMEN, "other.py")
    assert after == before


def test_code_that_is_nested_deeper_than_calls_may_be(tmp_path):
    assert of(tmp_path, "x = " + "1 + " * 1500 + "1") != of(tmp_path, "x = " + "1 + " * 1500 + "2")


def test_integers_longer_than_python_writes_in_decimal(tmp_path):
    assert of(tmp_path, f"x = 0x{'f' * 9000}") != of(tmp_path, f"x = 0x{'f' * 8999}e")


@pytest.mark.parametrize("name", ["a.css", "a.html", "a.js"])
def test_of_other_files_line_endings_make_no_difference_and_all_else_does(name, tmp_path):
    assert len({of(tmp_path, text, name) for text in (b"a\nb\n", b"a\r\nb\r\n", b"a\rb\r")}) == 1
    assert len({of(tmp_path, text, name) for text in (b"a\nb\n", b"a\n\nb\n", b"a b\n", b"\xef\xbb\xbfa\nb\n")}) == 4


@pytest.mark.parametrize("fault", ["x = (", "x = 1\n  y = 2", "x = '\0'", b"x = '\xff'"])
def test_a_module_that_does_not_parse_is_named_in_one_line(fault, tmp_path):
    write(tmp_path, {"s.py": "import netclaims.a", "a.py": fault})
    with pytest.raises(SyntaxError) as caught:
        closure(SCRIPT, tmp_path)
    assert str(caught.value).startswith(str(tmp_path / PACKAGE / "a.py"))
    assert "\n" not in str(caught.value)


@pytest.fixture
def versions(monkeypatch):
    """The versions of the only distributions that are installed."""
    installed = {"torch": "2.9", "scikit-learn": "1.7", "pillow": "12", "curvlinops-for-pytorch": "3", "two-words": "1"}

    def version(name):
        try:
            return installed[name]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(metadata, "version", version)
    return installed


def test_libraries_that_any_module_imports(versions, tmp_path):
    files = {
        "s.py": "import os, netclaims.a\nfrom torch import Tensor",
        "a.py": "def f():\n    import sklearn.datasets, PIL.Image, torch.nn\n    from .b import c",
        "b.py": "import two_words, curvlinops.x as c",
        "c.py": "import scipy",
    }
    write(tmp_path, files)
    libraries = closure(SCRIPT, tmp_path).libraries
    assert libraries == versions
    assert list(libraries) == sorted(libraries)


def test_another_version_of_a_library(monkeypatch, versions, tmp_path):
    write(tmp_path, {"s.py": "import torch"})
    assert closure(SCRIPT, tmp_path).libraries == {"torch": "2.9"}
    monkeypatch.setattr(metadata, "version", {"torch": "2.10"}.get)
    assert closure(SCRIPT, tmp_path).libraries == {"torch": "2.10"}


def test_libraries_that_reach_no_result_are_left_out_installed_or_not(versions, tmp_path):
    write(tmp_path, {"s.py": "\n".join(f"import {name}" for name in NO_RESULT)})
    assert closure(SCRIPT, tmp_path).libraries == {}


def test_a_library_that_is_not_installed(versions, tmp_path):
    write(tmp_path, {"s.py": "import netclaims.a", "a.py": "import torch, no_such.part"})
    with pytest.raises(LookupError) as caught:
        closure(SCRIPT, tmp_path)
    assert str(caught.value) == "netclaims.a: imports no_such, and no package no-such is installed"


def test_what_changed_since_a_recipe_was_written(tmp_path):
    write(tmp_path, {"s.py": "import netclaims.a", "a.py": "import netclaims.b", "b.py": "x = 1", "c.py": ""})
    code = closure(SCRIPT, tmp_path).modules
    assert changed(code, SCRIPT, tmp_path) == []
    write(tmp_path, {"b.py": "x = 1  # comment"})
    assert changed(code, SCRIPT, tmp_path) == []
    write(tmp_path, {"b.py": "x = 2"})
    assert changed(code, SCRIPT, tmp_path) == ["netclaims.b"]
    write(tmp_path, {"a.py": "import netclaims.c"})
    assert changed(code, SCRIPT, tmp_path) == ["netclaims.a", "netclaims.b", "netclaims.c"]


def test_modules_that_decide_no_result_are_there_and_in_no_closure():
    for name in NOT_IN_RESULTS:
        assert (ROOT / "src" / Path(*name.split("."))).with_suffix(".py").exists()
    for script in STAGES:
        assert not NOT_IN_RESULTS.keys() & closure(script, ROOT).modules.keys()


def test_every_file_of_the_package_that_is_no_module_is_reached():
    files = [path.relative_to(ROOT) for path in (ROOT / PACKAGE).rglob("*.*") if "__pycache__" not in path.parts]
    code = closure_of([path for path in files if path.suffix == ".py"], ROOT)
    others = {path.relative_to("src").as_posix() for path in files if path.suffix != ".py"}
    assert others
    assert others == {name for name in code.modules if "/" in name}


def test_names_of_distributions_are_those_that_are_installed():
    code = closure_of([path.relative_to(ROOT) for path in (ROOT / PACKAGE).rglob("*.py")], ROOT)
    provided = {
        library: {name.lower().replace("_", "-") for name in names}
        for library, names in metadata.packages_distributions().items()
    }
    names = {DISTRIBUTIONS.get(library, library.replace("_", "-")): library for library in provided}
    assert {name for name in code.libraries if name not in provided[names[name]]} == set()


@pytest.mark.parametrize("script", STAGES, ids=lambda script: script.stem)
def test_every_stage_has_a_closure(script):
    code = closure(script, ROOT)
    assert script.as_posix() in code.modules
    assert changed(code.modules, script, ROOT) == []


def python(minor):
    """Another Python of the PATH, or None; a name may be there that leads to none, as those of pyenv can."""
    path = which(f"python3.{minor}")
    say = "import sys; print(*sys.version_info[:2])"
    if not path or minor == sys.version_info.minor:
        return None
    done = subprocess.run([path, "-c", say], capture_output=True, text=True, check=False)  # noqa: S603 (a Python)
    return path if done.stdout.split() == ["3", str(minor)] else None


@pytest.mark.parametrize("minor", range(11, 16))
def test_digests_are_the_same_under_other_versions_of_python(minor, tmp_path):
    other = python(minor)
    if not other:
        pytest.skip(f"no other Python 3.{minor} on the PATH")
    (tmp_path / "specimen.py").write_text(SPECIMEN, encoding="utf-8")
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("[a-d]*.py"))
    ours = [
        path for folder in ("benchmarks", "src", "stages", "tests") for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    paths = [tmp_path / "specimen.py", *ours, *library]
    say = """if True:
        import json, sys
        from pathlib import Path
        from netclaims.recipes.code import digest
        def found(path):
            try:
                return digest(Path(path))
            except SyntaxError:
                return None
        print(json.dumps([found(path) for path in json.load(sys.stdin)]))"""
    done = subprocess.run(  # noqa: S603 (a Python, and code of ours)
        [other, "-W", "ignore", "-c", say],
        input=json.dumps([str(path) for path in paths]),
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = dict(zip(paths, json.loads(done.stdout), strict=True))
    assert {path for path in [paths[0], *ours] if theirs[path] is None} == set()
    assert {path for path in paths if theirs[path] not in (None, digest(path))} == set()
