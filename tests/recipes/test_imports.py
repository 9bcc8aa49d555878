"""What Python loads when a script of `stages/` starts: no library that it does not use, no code beside its recipe."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netclaims.recipes.code import NOT_IN_RESULTS, closure

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "stages").glob("*.py"))

# To import one of these takes from a tenth of a second to seconds.
SLOW = {
    "PIL", "curvlinops", "dvc", "jinja2", "matplotlib", "mlxtend", "numba", "numpy", "pandas", "ray", "scipy",
    "scipy.optimize", "scipy.stats", "sklearn", "statsmodels", "torch", "torchvision", "vl_convert",
}  # fmt: skip
TABLES = {"numpy", "pandas"}
NETS = TABLES | {"torch"}
SHARED = ("numpy", "pandas", "torch")  # of which a script that loads one loads those before it
LOADED = {
    "recipes": {"numpy"},
    "prepare": TABLES,  # image sets bring more, each when it is read
    "train": NETS,
    "fit": TABLES | {"scipy"},
    "pca": NETS,
    "gradient": TABLES,
    "hessian": NETS | {"scipy", "scipy.optimize"},  # its linear algebra, and a small quadratic programme
    "interpolate": NETS | {"scipy", "scipy.optimize"},  # linear assignment
    "sensitivity": NETS | {"scipy", "curvlinops"},
    "claims": TABLES | {"scipy", "scipy.optimize", "scipy.stats", "statsmodels"},
    "ledger": TABLES | {"matplotlib", "PIL"},
    "docs": set(),
    "figures": TABLES | {"matplotlib", "PIL"},
    "report": TABLES | {"jinja2"},
}

# A line for every script: its modules, as a process of its own has them after the imports of the script. Other words
# are libraries that all scripts after them load, which is done once.
LOAD = """if True:
    import importlib, json, os, runpy, sys
    for word in sys.argv[1:]:
        if not word.endswith(".py"):
            importlib.import_module(word)
            continue
        child = os.fork()
        if not child:
            runpy.run_path(word, run_name="imported")
            print(json.dumps([name for name, module in sys.modules.items()
                              if getattr(module, "__file__", None)]), flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, word"""


def run(code: str, *words: str) -> str:
    """What a Python of its own says in the folder of the scripts."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-c", code, *words]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603 (ours)


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules that each script loads, by its name."""
    names, words = [], []
    for number, library in enumerate(("netclaims", *SHARED)):
        found = [name for name in SCRIPTS if len(LOADED[name] & {*SHARED}) == number]
        names += found
        words += [library, *(f"stages/{name}.py" for name in found)]
    done = run(LOAD, *words)
    return {name: set(json.loads(line)) for name, line in zip(names, done.splitlines(), strict=True)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_loads_no_slow_library_that_it_does_not_use(name, loaded):
    assert SLOW & loaded[name] == LOADED[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_loads_the_package_first_which_chooses_the_kernels_of_numpy_and_torch(name):
    """Else a script that `dvc repro` starts takes others than one that `make repro` does, which has them chosen."""
    lines = ast.parse((ROOT / "stages" / f"{name}.py").read_text(encoding="utf-8")).body
    imported = [node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                for node in lines if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    first = next(module for module in imported if module.partition(".")[0] not in sys.stdlib_module_names)
    assert first.partition(".")[0] == "netclaims"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_module_that_a_script_loads_is_in_its_recipe(name, loaded):
    ours = {module for module in loaded[name] if module.startswith("netclaims.")}
    assert ours
    assert ours - NOT_IN_RESULTS.keys() <= set(closure(Path("stages", f"{name}.py"), ROOT).modules)


def test_writing_recipes_does_not_wait_for_what_computes():
    """Not by an import within a function either."""
    code = "import sys; from netclaims.recipes.write import all_recipes; assert all_recipes(); print(*sys.modules)"
    assert SLOW & set(run(code).split()) == {"numpy"}
