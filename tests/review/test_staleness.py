"""`make in-step` in clones of a small pipeline: what is cached by DVC is not there, what is in Git is."""

import contextlib
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo

from netclaims.errors import DataError, SettingsError
from netclaims.review import staleness
from netclaims.review.staleness import REMEDY, faults, main

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC's own code

PIPELINE = """
stages:
  recipes:
    cmd: python write.py
    deps: [params.yaml, code, write.py]
    outs: [recipes: {cache: false, persist: true}]
  train:
    foreach: [x, y]
    do:
      cmd: >-
        mkdir -p runs/${item} &&
        tee runs/${item}/net metrics/${item}.json plots/${item}.csv < recipes/train/${item}.json
      deps: ["recipes/train/${item}.json"]
      outs: ["runs/${item}"]
      metrics: ["metrics/${item}.json": {cache: false}]
      plots: ["plots/${item}.csv": {cache: false}]
  fit:
    cmd: cp runs/x/net runs/x.fit.csv && cp runs/x/net metrics/fit.json
    deps: [runs/x, recipes/fit.json]
    outs: [runs/x.fit.csv]
    metrics: [metrics/fit.json: {cache: false}]
  claims:
    cmd: cat metrics/*.json > claims.md && ls -R runs >> claims.md
    deps: [runs, metrics]
    outs: [claims.md: {cache: false}]
  figures:
    cmd: mkdir -p plots/figures && cp plots/x.csv plots/figures/x.svg
    deps: [plots/x.csv]
    plots: [plots/figures: {cache: false}]
"""

# Recipes of the two trainings, with a knob and an epoch count of each, and of the fit, which has code of its own. The
# file LIBRARY stands for what is installed.
WRITE = """
import json
from pathlib import Path

def all_recipes():
    params = dict(line.split(": ") for line in Path("params.yaml").read_text().splitlines())
    code = {f"code.{path.stem}": path.read_text().strip() for path in sorted(Path("code").glob("*.py"))}
    train, fit = ({name: code[name] for name in names} for names in (["code.train"], ["code.fit", "code.train"]))
    told = {f"recipes/train/{key}.json": ({"seed": params["seed"], "epochs": params[key]}, train) for key in "xy"}
    told |= {"recipes/fit.json": ({}, fit)}
    own = {"libraries": {"torch": Path("LIBRARY").read_text().strip()}}
    parts = {path: {"settings": settings, "code": code} | own for path, (settings, code) in told.items()}
    return {Path(path): json.dumps(part, indent=1) + chr(10) for path, part in parts.items()}

if __name__ == "__main__":
    for path, text in all_recipes().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
"""
PARAMS = "seed: 1\nx: 5\ny: 5\n"


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 (Git, on what the test wrote)


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a pipeline that has run, and a clone of it that no test changes."""
    folder = tmp_path_factory.mktemp("run")
    git(folder, "init", "-q")
    Repo.init(str(folder)).close()
    write(folder, {"dvc.yaml": PIPELINE, "write.py": WRITE, "params.yaml": PARAMS, "LIBRARY": "2.9.0\n"})
    write(folder, {"code/train.py": "1\n", "code/fit.py": "1\n", ".gitignore": "/runs/\n__pycache__/\n"})
    write(folder, {".dvcignore": "__pycache__\n.DS_Store\n"})
    for results in ("metrics", "plots"):
        (folder / results).mkdir()
    with contextlib.chdir(folder), Repo() as repo:
        repo.reproduce()
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "results")
    clone = tmp_path_factory.mktemp("clone") / "clone"
    git(folder, "clone", "-q", str(folder), str(clone))
    return clone


@pytest.fixture
def clone(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone to change, as the current folder."""
    folder = shutil.copytree(committed, tmp_path / "clone")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(staleness, "all_recipes", lambda: runpy.run_path("write.py")["all_recipes"]())
    return folder


def repro(*targets: str, single: bool = False) -> None:
    """Run stages, as a person does."""
    with Repo() as repo:
        repo.reproduce(list(targets) or None, single_item=single)


def told() -> dict[str, str]:
    """What is told of every stage, and of every file that no stage writes."""
    lines = faults()
    assert all(line.endswith((REMEDY, "remove it")) and "\n" not in line for line in lines)
    return dict(line.partition(";")[0].split(": ", 1) for line in lines)


def test_a_fresh_clone_is_in_step(clone, capsys):
    assert not (clone / "runs").exists()
    assert faults() == []
    main()
    assert capsys.readouterr() == ("", "")


def test_what_only_the_cache_holds_is_not_looked_at(clone):
    write(clone, {"runs/x/net": "unfinished", "runs/other": "left"})
    assert faults() == []


RECIPES_STAGE = {"recipes": "params.yaml modified"}
CODE = {"recipes": "code modified"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "params.yaml",
            "seed: 2\nx: 5\ny: 5\n",
            RECIPES_STAGE | {"train@x": "seed: 1 → 2", "train@y": "seed: 1 → 2"},
        ),
        ("params.yaml", "seed: 1\nx: 5\ny: 9\n", RECIPES_STAGE | {"train@y": "epochs: 5 → 9"}),
        ("params.yaml", "y: 5\nx: 5\nseed: 1\n", RECIPES_STAGE),
        (
            "code/train.py",
            "3\n",
            CODE | {"train@x": "code.train", "train@y": "code.train", "fit": "code.train"},
        ),
        ("code/fit.py", "3\n", CODE | {"fit": "code.fit"}),
        ("code/new.py", "3\n", CODE),
        (
            "LIBRARY",
            "2.9.1\n",
            dict.fromkeys(("train@x", "train@y", "fit"), "torch 2.9.0 → 2.9.1"),
        ),
        ("recipes/fit.json", "{}\n", {"recipes": "recipes modified", "fit": "recipes/fit.json modified"}),
        ("recipes/old.json", "{}\n", {"recipes": "recipes modified", "recipes/old.json": "no stage writes it"}),
        ("metrics/y.json", "3\n", {"train@y": "metrics/y.json modified", "claims": "metrics modified"}),
        ("plots/x.csv", "3\n", {"train@x": "plots/x.csv modified", "figures": "plots/x.csv modified"}),
        ("claims.md", "3\n", {"claims": "claims.md modified"}),
        ("metrics/z.json", "3\n", {"claims": "metrics modified", "metrics/z.json": "no stage writes it"}),
        ("plots/z/z.csv", "3\n", {"plots/z/z.csv": "no stage writes it"}),
        ("plots/.DS_Store", "3\n", {}),
    ],
)
def test_a_file_that_was_changed_or_added(clone, name, text, expected):
    write(clone, {name: text})
    assert told() == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("metrics/y.json", {"train@y": "metrics/y.json deleted", "claims": "metrics modified"}),
        ("plots/figures/x.svg", {"figures": "plots/figures deleted"}),
        ("recipes/fit.json", {"recipes": "recipes modified", "fit": "recipes/fit.json deleted"}),
    ],
)
def test_a_file_that_was_deleted(clone, name, expected):
    git(clone, "rm", "-q", name)
    assert told() == expected


# ------------------------------------------------------------------------------- what changes while the pipeline runs


def test_an_edit_before_one_stage_is_run_alone(clone):
    """`dvc repro --single-item` takes the recipe that there is: of the settings before the edit."""
    repro()
    write(clone, {"params.yaml": "seed: 1\nx: 9\ny: 5\n"})
    repro("train@x", single=True)
    assert told() == RECIPES_STAGE | {"train@x": "epochs: 5 → 9"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("params.yaml", "seed: 1\nx: 2\ny: 9\n", RECIPES_STAGE | {"train@y": "epochs: 5 → 9"}),
        ("code/fit.py", "3\n", CODE | {"fit": "code.fit"}),
        ("LIBRARY", "2.9.1\n", dict.fromkeys(("train@x", "train@y", "fit"), "torch 2.9.0 → 2.9.1")),
    ],
)
@pytest.mark.parametrize("committed_meanwhile", [True, False])
def test_an_edit_in_the_middle_of_a_run(clone, name, text, expected, committed_meanwhile):
    """The recipes have been written; what the stages ran with is in recipes/, or in Git."""
    write(clone, {"params.yaml": "seed: 1\nx: 2\ny: 5\n"})
    repro("recipes")
    write(clone, {name: text})
    train = "train@x", "train@y", "fit", "claims", "figures"
    for stage in train:
        repro(stage, single=True)
    if committed_meanwhile:
        git(clone, "add", "-A")
        git(clone, "commit", "-qm", "results")
    assert told() == expected


def test_recipes_that_were_written_anew_and_not_run_with(clone):
    """What the stages ran with is in Git only; then nowhere."""
    write(clone, {"code/fit.py": "3\n"})
    repro("recipes")
    assert told() == {"fit": "code.fit"}
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "recipes alone")
    assert told() == {"fit": "recipes/fit.json is another one than settings, code and libraries give"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cp runs/x/net runs/x.fit.csv", "cp  runs/x/net runs/x.fit.csv", "another command"),
        ("[runs/x, recipes/fit.json]", "[runs/x, recipes/fit.json, LIBRARY]", "LIBRARY not in dvc.lock"),
        ("[runs/x, recipes/fit.json]", "[runs/x, runs/y, recipes/fit.json]", "runs/y not in dvc.lock"),
        ("outs: [runs/x.fit.csv]", "outs: [runs/x.fit.csv, runs/more]", "runs/more not in dvc.lock"),
        (
            "[metrics/fit.json:",
            "[metrics/more.json: {cache: false}, metrics/fit.json:",
            "metrics/more.json not in dvc.lock",
        ),
    ],
)
def test_another_pipeline(clone, old, new, expected):
    assert PIPELINE.count(old) == 1
    write(clone, {"dvc.yaml": PIPELINE.replace(old, new)})
    assert told() == {"fit": expected}


def test_an_entry_that_dvc_lock_lacks_is_one_fault(clone):
    lock = yaml.safe_load((clone / "dvc.lock").read_text(encoding="utf-8"))
    del lock["stages"]["train@x"]
    write(clone, {"dvc.lock": yaml.safe_dump(lock)})
    assert told() == {"train@x": "no entry in dvc.lock"}


def test_entries_of_two_runs_side_by_side(clone):
    """What a merge of two branches can leave, and no file in Git shows."""
    lock = yaml.safe_load((clone / "dvc.lock").read_text(encoding="utf-8"))
    (written,) = (out for out in lock["stages"]["train@x"]["outs"] if out["path"] == "runs/x")
    written["md5"] = "0" * 32 + ".dir"
    write(clone, {"dvc.lock": yaml.safe_dump(lock)})
    assert told() == {"fit": "runs/x is another one than train@x wrote"}


def test_several_faults_of_a_stage_are_one_line(clone):
    write(clone, {"params.yaml": "seed: 2\nx: 9\ny: 5\n", "code/train.py": "3\n", "metrics/x.json": "3\n"})
    assert told()["train@x"] == "seed: 1 → 2, epochs: 5 → 9, code.train, metrics/x.json modified"


def test_the_command_ends_with_status_1(clone):
    write(clone, {"claims.md": "3\n"})
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == f"claims: claims.md modified; {REMEDY}"  # a text is written to stderr, the status is 1


@pytest.mark.parametrize("kind", [SettingsError, DataError])
def test_settings_or_images_that_cannot_be_read_are_one_line(clone, monkeypatch, kind):
    def refuse() -> None:
        raise kind("params.yaml: seed: a number")

    monkeypatch.setattr(staleness, "all_recipes", refuse)
    with pytest.raises(SystemExit, match=r"^params\.yaml: seed: a number$"):
        main()


def test_where_git_refuses_it_says_what_to_do(clone, monkeypatch):
    write(clone, {"code/fit.py": "3\n"})
    repro("recipes")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # which Git knows for its own tests
    with pytest.raises(SystemExit, match=r"^git .*dubious ownership.*git config --global --add safe\.directory"):
        main()


def test_a_pipeline_that_cannot_be_read_is_one_line(clone):
    write(clone, {"dvc.yaml": "stages: ["})
    with pytest.raises(DvcException):
        faults()
    with pytest.raises(SystemExit, match=r"dvc\.yaml") as ended:
        main()
    assert "\n" not in ended.value.code
