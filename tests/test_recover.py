"""What a stopped `dvc repro` leaves behind is put right, in a small pipeline."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo

from netclaims.recover import is_whole, recover

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC's own code

PIPELINE = """
stages:
  train:
    foreach: [x, y]
    do:
      cmd: echo ${item} >> ran && mkdir -p runs/${item} && tee runs/${item}/net metrics/${item}.json < code.py
      deps: [code.py]
      outs: ["runs/${item}"]
      metrics: ["metrics/${item}.json": {cache: false}]
  claims:
    cmd: echo claims >> ran && ls -aR runs > metrics/claims.json
    deps: [runs, metrics/x.json, metrics/y.json]
    metrics: [metrics/claims.json: {cache: false}]
"""


def git(*words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)  # noqa: S603, S607 (Git, and words of this module)


def reproduce() -> list[str]:
    """The stages that `dvc repro` runs."""
    with Repo() as repo:
        repo.reproduce()
    log = Path("ran")
    stages = log.read_text(encoding="utf-8").split() if log.exists() else []
    log.unlink(missing_ok=True)
    return stages


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline has run, was committed, and has run anew after a change."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        git("init", "-q")
        Repo.init().close()
        Path("metrics").mkdir()
        Path("dvc.yaml").write_text(PIPELINE, encoding="utf-8")
        Path(".gitignore").write_text("/runs/\n", encoding="utf-8")
        for code in ("1\n", "2\n"):
            git("add", "-A")
            git("commit", "--allow-empty", "-qm", "results")
            Path("code.py").write_text(code, encoding="utf-8")
            assert reproduce() == ["x", "y", "claims"]
    return folder


@pytest.fixture
def clone(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(finished, tmp_path / "clone")
    monkeypatch.chdir(folder)
    return folder


def test_of_a_whole_state_nothing_is_touched(clone):
    before = Path("dvc.lock").read_bytes()
    assert recover() == []
    assert Path("dvc.lock").read_bytes() == before
    assert reproduce() == []


CUTS = {  # where the file ends: after the last place that fits
    "nothing is left": r"^",
    "in a key": r"^sch",
    "before the stages": r"^schema: .*\nstages:\n",
    "in a stage's name": r"  train@",
    "after a stage's name": r"  train@y:",
    "in a hash": r"md5: \w{9}",
    "between stages": r"\n(?=  train@y:)",
    "before the last size": r"\n(?=      size:)",
    "in the last size": r"      size: \d",
    "before the last line's end": r"\d(?=\n)",
}


def cut(text: str, place: str) -> str:
    *_, last = re.finditer(CUTS[place], text)
    return text[: last.end()]


@pytest.mark.parametrize("place", CUTS)
def test_with_half_a_dvc_lock_nothing_is_run_again(clone, place):
    text = Path("dvc.lock").read_text(encoding="utf-8")
    Path("dvc.lock").write_text(cut(text, place), encoding="utf-8")
    (line,) = recover()
    assert line.startswith("dvc.lock: ")
    assert reproduce() == []
    assert Path("dvc.lock").read_text(encoding="utf-8") == text


def test_every_cut_of_dvc_lock_is_found(clone):
    text = Path("dvc.lock").read_text(encoding="utf-8")
    stages = yaml.safe_load(text)["stages"]
    taken = [end for end in range(len(text)) if is_whole(text[:end], set(stages))]
    assert taken == []  # with a second output: at the end of the first, where DVC sees that one is missing
    assert is_whole(text, set(stages))


def test_half_a_dvc_lock_is_what_dvc_refuses(clone):
    """Else there is nothing to recover from any more."""
    text = Path("dvc.lock").read_text(encoding="utf-8")
    Path("dvc.lock").write_text(cut(text, "in a stage's name"), encoding="utf-8")
    with pytest.raises(DvcException, match=r"dvc\.lock"):
        reproduce()


def test_dvc_lock_with_conflicts_is_left_to_whoever_merges(clone):
    git("stash", "-q")
    git("checkout", "-qb", "other")
    Path("dvc.lock").write_text("schema: '3.0'\n", encoding="utf-8")
    git("commit", "-qam", "other")
    git("checkout", "-q", "-")
    git("stash", "pop", "-q")
    git("commit", "-qam", "ours")
    assert subprocess.run(["git", "merge", "-q", "other"], capture_output=True).returncode  # noqa: S607 (Git)
    text = Path("dvc.lock").read_text(encoding="utf-8")
    assert "<<<<<<<" in text
    assert recover() == []
    assert Path("dvc.lock").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("left", ["", '{"write": {"/so'])
def test_half_a_file_of_locks_is_removed(clone, left):
    Path(".dvc/tmp/rwlock").write_text(left, encoding="utf-8")
    Path("dvc.lock").unlink()
    with pytest.raises(DvcException) as refused:
        reproduce()
    assert "rwlock" in str(refused.value.__cause__)
    git("checkout", "-q", "dvc.lock")
    (line,) = recover()
    assert line.startswith(".dvc/tmp/rwlock: ")
    assert reproduce() == []


@pytest.mark.parametrize("left", [None, ".S6a6h6RpAYOyHn4bl4xQvw.tmp"])
def test_a_stage_of_which_dvc_had_just_begun_to_remember_that_it_ran_runs_again(clone, left):
    text = Path("dvc.lock").read_text(encoding="utf-8")
    claims = [path for path in Path(".dvc/cache/runs").glob("*/*/*") if "ls -aR" in path.read_text(encoding="utf-8")]
    entry = max(claims, key=lambda path: path.stat().st_mtime_ns)
    entry.unlink()
    if left:
        (entry.parent / left).write_text("cmd: ec", encoding="utf-8")
    git("checkout", "-q", "dvc.lock")
    if not left:
        with pytest.raises(DvcException):
            reproduce()
    (line,) = [line for line in recover() if "cache/runs" in line][-1:]
    assert line.startswith(".dvc/cache/runs/")
    assert reproduce() == ["claims"]
    assert Path("dvc.lock").read_text(encoding="utf-8") == text


def test_what_dvc_had_half_copied_is_no_result(clone):
    text = Path("dvc.lock").read_text(encoding="utf-8")
    left = [Path("runs/.S6a6h6RpAYOyHn4bl4xQvw.tmp"), Path("runs/x/net.xJzIPIU3fKQGlvSOX-5ZNa.tmp")]
    for path in left:
        path.write_text("hal", encoding="utf-8")
    kept = Path("runs/x.tmp")
    kept.write_text("mine", encoding="utf-8")
    assert len(recover()) == 2
    assert not any(path.exists() for path in left)
    kept.unlink()
    assert reproduce() == []
    assert Path("dvc.lock").read_text(encoding="utf-8") == text


def test_what_a_dvc_at_work_has_half_written_is_its_own(clone):
    Path("dvc.lock").write_text("sche", encoding="utf-8")
    with Repo() as repo, repo.lock:
        assert recover() == []
    assert Path("dvc.lock").read_text(encoding="utf-8") == "sche"
    assert len(recover()) == 1
    assert json.loads(Path(".dvc/tmp/rwlock").read_text(encoding="utf-8")) == {}
