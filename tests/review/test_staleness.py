"""`make in-step` in clones of a small pipeline: what is cached by DVC is not there, what is in Git is."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo

from netclaims.review.staleness import REMEDY, faults, main

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC's own code

PIPELINE = """
stages:
  train:
    foreach: [x, y]
    do:
      cmd: mkdir -p runs/${item} && tee runs/${item}/net metrics/${item}.json plots/${item}.csv < code.py
      deps: [code.py]
      params: [seed]
      outs: ["runs/${item}"]
      metrics: ["metrics/${item}.json": {cache: false}]
      plots: ["plots/${item}.csv": {cache: false}]
  fit:
    cmd: cp runs/x/net runs/x.fit.csv && cp runs/x/net metrics/fit.json
    deps: [runs/x, code]
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
    write(folder, {"dvc.yaml": PIPELINE, "params.yaml": "seed: 1\n", "code.py": "1\n", "code/fit.py": "2\n"})
    write(folder, {".gitignore": "/runs/\n"})
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
    return folder


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


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "params.yaml",
            "seed: 2\n",
            {"train@x": "params.yaml: seed modified", "train@y": "params.yaml: seed modified"},
        ),
        ("code.py", "3\n", {"train@x": "code.py modified", "train@y": "code.py modified"}),
        ("code/fit.py", "3\n", {"fit": "code modified"}),
        ("code/new.py", "3\n", {"fit": "code modified"}),
        ("metrics/y.json", "3\n", {"train@y": "metrics/y.json modified", "claims": "metrics modified"}),
        ("plots/x.csv", "3\n", {"train@x": "plots/x.csv modified", "figures": "plots/x.csv modified"}),
        ("claims.md", "3\n", {"claims": "claims.md modified"}),
        ("metrics/z.json", "3\n", {"claims": "metrics modified", "metrics/z.json": "no stage writes it"}),
        ("plots/z/z.csv", "3\n", {"plots/z/z.csv": "no stage writes it"}),
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
        ("code.py", {"train@x": "code.py deleted", "train@y": "code.py deleted"}),
    ],
)
def test_a_file_that_was_deleted(clone, name, expected):
    git(clone, "rm", "-q", name)
    assert told() == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cp runs/x/net runs/x.fit.csv", "cp  runs/x/net runs/x.fit.csv", "another command"),
        ("[runs/x, code]", "[runs/x, code, params.yaml]", "params.yaml not in dvc.lock"),
        ("[runs/x, code]", "[runs/x, runs/y, code]", "runs/y not in dvc.lock"),
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
    write(clone, {"params.yaml": "seed: 2\n", "code.py": "3\n", "metrics/x.json": "3\n"})
    assert told()["train@x"] == "code.py modified, params.yaml: seed modified, metrics/x.json modified"


def test_the_command_ends_with_status_1(clone):
    write(clone, {"code/fit.py": "3\n"})
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == f"fit: code modified; {REMEDY}"  # a text is written to stderr, and the status is 1


def test_a_pipeline_that_cannot_be_read_is_one_line(clone):
    write(clone, {"dvc.yaml": "stages: ["})
    with pytest.raises(DvcException):
        faults()
    with pytest.raises(SystemExit, match=r"dvc\.yaml") as ended:
        main()
    assert "\n" not in ended.value.code
