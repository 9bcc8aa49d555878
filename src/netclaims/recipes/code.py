"""Which code and which libraries decide what a stage computes.

That is found by reading the code, not by running it: a script, the modules of the package that it imports, those that
these import, and so on; and the templates that any of them names. This module needs the standard library alone, so that
any Python can check its digests.
"""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from sys import stdlib_module_names
from typing import NamedTuple

PACKAGE = Path("src/netclaims")  # scripts import it by the name of this folder
DIGITS = 16  # hexadecimal, of a digest

# Another version of these libraries changes no result. Keys are the names that code imports.
NO_RESULT = {
    "dvc": "says what has to run, and runs it",
    "filelock": "lets one process at a time compile",
    "joblib": "counts the cores, and results are the same on any number of them",
    "psutil": "looks at processes",
    "pydantic": "reads settings, and what it read stands in the recipe",
    "ray": "decides where something runs",
    "tqdm": "shows progress",
    "yaml": "reads settings, as pydantic does",
}
# These modules of the package decide how a stage starts, fails and shares its work, not what it writes.
NOT_IN_RESULTS = {
    "netclaims.command": "starts and ends scripts",
    "netclaims.errors": "says what is wrong",
    "netclaims.parallel.cores": "hands out cores",
    "netclaims.parallel.processes": "hands pieces of work, each with random streams of its own, to processes",
    "netclaims.parallel.ray_cluster": "hands them to other machines",
    "netclaims.recipes.code": "works out digests; another way to do that shows in all of them",
    "netclaims.recipes.read": "reads recipes",
    "netclaims.training.device": "chooses where nets train, which changes last digits only; metrics say what it chose",
}
# Distributions of another name than what code imports. A test compares them with `importlib.metadata`, which is slow.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "curvlinops": "curvlinops-for-pytorch",
    "sklearn": "scikit-learn",
    "vl_convert": "vl-convert-python",
}

# What a name in quotes may look like in a template. Overlapping, because a quotation mark may stand alone before it.
QUOTED = re.compile(r"""(?=(["'])([^"'\n]+)\1)""")


@dataclass(frozen=True)
class Code:
    """Digests of the code that a stage runs, and versions of the libraries, both sorted by name."""

    modules: dict[str, str]  # by script (`stages/train.py`), module (`netclaims.files`) or file (`netclaims/a.html`)
    libraries: dict[str, str]  # versions, by name of the distribution


class _File(NamedTuple):
    """What is known of a file from its content."""

    digest: str
    modules: frozenset[str]  # of the package, that it may import
    libraries: frozenset[str]  # that it imports, by the names in the code
    strings: frozenset[str]  # which may name other files


def closure(script: Path, root: Path = Path()) -> Code:
    """Return the code and the libraries that decide what a script computes, without `NOT_IN_RESULTS`.

    Imports count wherever they stand: in a function, or under `if TYPE_CHECKING`, too.

    Raises:
        OSError: the script cannot be read.
        SyntaxError: a file is no Python code; the message begins with its path.
        LookupError: an imported library is not installed, in one line.
    """
    return closure_of([script], root)


def closure_of(starts: Iterable[Path], root: Path = Path()) -> Code:
    """Return the code and the libraries that any of several files needs, as `closure` does for one."""
    files = _reached(starts, root)
    return Code({name: file.digest for name, file in files.items()}, _libraries(files))


def changed(code: Mapping[str, str], script: Path, root: Path = Path()) -> list[str]:
    """Return what differs between the code of a recipe and the code that a script would run now, sorted.

    Args:
        code: digests by name, as `Code.modules` holds them.
        script: the script of the stage.
        root: the root of the repository.

    Returns:
        The names whose digest is another now, that are new, or that are gone.

    Raises:
        OSError: the script cannot be read.
        SyntaxError: a file is no Python code; the message begins with its path.
    """
    now = {name: file.digest for name, file in _reached([script], root).items()}
    return sorted(name for name in code.keys() | now.keys() if code.get(name) != now.get(name))


def digest(path: Path) -> str:
    """Return the digest of a file, which is the same under any version of Python.

    Of Python code it is that of the syntax tree: comments, layout, docstrings and other strings that stand alone make
    no difference, nor does the encoding. Of other files it is that of their bytes. Line endings never matter.

    Raises:
        SyntaxError: a file `*.py` is no Python code; the message begins with its path.
    """
    return _read(path).digest


def _reached(starts: Iterable[Path], root: Path) -> dict[str, _File]:
    """Return what is known of some files, and of all files of the package that they need, sorted by name."""
    paths, places = _package_files(root)
    waiting = []
    for start in starts:
        place = Path(os.path.relpath(root / start, root))
        inside = place.is_relative_to(PACKAGE)
        name = _name(place.relative_to(PACKAGE.parent).parts) if inside else place.as_posix()
        paths[name] = root / start
        waiting.append(name)
    found: dict[str, _File] = {}
    while waiting:
        name = waiting.pop()
        if name not in found and name not in NOT_IN_RESULTS:
            file = found[name] = _read(paths[name], name)
            waiting += [module for module in file.modules if module in paths]
            waiting += [other for text in places if text in file.strings for other in places[text]]
    return dict(sorted(found.items()))


def _package_files(root: Path) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """Return the paths of all files of the package by name, and the names of those not Python by what paths end in."""
    paths, places = {}, defaultdict(list)
    for folder, folders, files in os.walk(root / PACKAGE):
        folders[:] = [name for name in folders if name != "__pycache__"]
        parts = Path(folder).relative_to((root / PACKAGE).parent).parts
        for file in files:
            name = _name((*parts, file))
            paths[name] = Path(folder, file)  # x/__init__.py comes after x.py, and counts, as in Python
            if not file.endswith(".py") and not file.startswith("."):
                places[file].append(name)
    return paths, places


def _name(parts: tuple[str, ...]) -> str:
    """Return the name of a file of the package, whose path in parts begins with that of the package."""
    if not parts[-1].endswith(".py"):
        return "/".join(parts)
    return ".".join([*parts[:-1], parts[-1].removesuffix(".py")]).removesuffix(".__init__")


def _libraries(files: Mapping[str, _File]) -> dict[str, str]:
    """Return the versions of the libraries that files import, sorted by name."""
    importers = {library: name for name, file in files.items() for library in file.libraries}
    versions = {}
    for library in sorted(importers.keys() - stdlib_module_names - NO_RESULT.keys()):
        distribution = DISTRIBUTIONS.get(library, library.replace("_", "-"))
        try:
            versions[distribution] = _version(distribution, metadata.version)
        except metadata.PackageNotFoundError:
            raise LookupError(
                f"{importers[library]}: imports {library}, and no package {distribution} is installed"
            ) from None
    return dict(sorted(versions.items()))


@cache
def _version(distribution: str, find: Callable[[str], str]) -> str:
    return find(distribution)


def _read(path: Path, name: str = "") -> _File:
    """Return what is known of a file, of which `name` says where relative imports start."""
    content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if path.suffix != ".py":
        return _text_file(content)
    inside = f"{name}.".startswith(f"{PACKAGE.name}.")
    package = (name if path.name == "__init__.py" else name.rpartition(".")[0]) if inside else ""
    return _module(str(path), package, content)


@cache
def _text_file(content: bytes) -> _File:
    quoted = frozenset(name for _, name in QUOTED.findall(content.decode("utf-8", "replace")))
    return _File(_digest(content), frozenset(), frozenset(), quoted)


@cache
def _module(path: str, package: str, content: bytes) -> _File:
    try:
        waiting: list[str | ast.AST] = [ast.parse(content)]
    except SyntaxError as error:
        raise SyntaxError(f"{path}, line {error.lineno}: {error.msg}") from None
    except ValueError as error:  # some releases of Python refuse null bytes and wrong f-strings so
        raise SyntaxError(f"{path}: {error}") from None
    written, imported, strings = [], [], []
    while waiting:  # expressions may be nested more deeply than calls of a function by itself
        item = waiting.pop()
        if isinstance(item, str):
            written.append(item)
            continue
        waiting += reversed(_pieces(item))
        if isinstance(item, ast.Constant):
            strings.append(item.value)
        elif isinstance(item, ast.Import):
            imported += [alias.name for alias in item.names]
        elif isinstance(item, ast.ImportFrom) and (base := _base(item, package)):
            imported += [base, *(f"{base}.{alias.name}" for alias in item.names)]
    ours = [name.split(".") for name in imported if f"{name}.".startswith(f"{PACKAGE.name}.")]
    return _File(
        _digest("".join(written).encode("ascii")),
        frozenset(".".join(parts[:end]) for parts in ours for end in range(1, len(parts) + 1)),
        frozenset(name.partition(".")[0] for name in imported) - {PACKAGE.name},
        frozenset(value for value in strings if isinstance(value, str)),
    )


def _base(item: ast.ImportFrom, package: str) -> str:
    """Return the module that something is imported from, by its full name; none for a relative import in a script."""
    if not item.level:
        return item.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) + 1 - item.level]
    return ".".join([*parts, item.module] if item.module else parts) if package else ""


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:DIGITS]


def _pieces(node: ast.AST) -> list[str | ast.AST]:
    """Return a node as text, in pieces with its children between; the same for the trees of all versions of Python.

    Versions differ in the order of fields, in fields that are new, and empty or 0 unless code uses new syntax, and in
    how they cut the text of f-strings. A constant's type is seen from how Python writes it.
    """
    kind = type(node)
    if kind in (ast.Constant, ast.MatchSingleton):  # Python writes no long integers in decimal
        value = hex(node.value) if type(node.value) is int else ascii(node.value)
        return [f"{kind.__name__} {value}"]
    pieces, text = [], f"{kind.__name__}("
    for field in _fields(kind):
        value = getattr(node, field)
        if kind is ast.JoinedStr:
            value = _merged(value)
        elif field == "format_spec" and value is not None:  # Python 3.13 has had constants here
            value = _merged([value])
        if not value:  # None, an empty list, or 0 as in `is_lazy` of imports, which is new in Python 3.15
            continue
        for child in value if isinstance(value, list) else (value,):
            if type(child) is ast.Name:  # a third of all nodes are names: this is for speed
                text += f"{field}=Name(id={child.id!a},),"
            elif not isinstance(child, ast.AST):
                text += f"{field}={child!a},"
            elif _alone(child):
                continue
            else:
                pieces += (f"{text}{field}=", child)
                text = ","
    return [*pieces, f"{text})"]


@cache
def _fields(kind: type[ast.AST]) -> list[str]:
    return sorted(set(kind._fields) - {"ctx"})  # whether a name is read or set stands in its parent as well


def _alone(node: object) -> bool:
    """Return whether a statement is nothing but a string, such as a docstring."""
    return type(node) is ast.Expr and type(node.value) is ast.Constant and isinstance(node.value.value, str)


def _merged(values: Iterable[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string: its text in pieces as long as can be, none of them empty."""
    parts: list[ast.expr] = []
    for value in values:
        for part in _merged(value.values) if isinstance(value, ast.JoinedStr) else [value]:
            if not isinstance(part, ast.Constant):
                parts.append(part)
            elif parts and isinstance(parts[-1], ast.Constant):
                parts[-1] = ast.Constant(parts[-1].value + part.value)
            elif part.value:
                parts.append(part)
    return parts
