"""Several `dvc repro` in one working tree, or experiments of the queue, at once: each leaves what it does alone."""

import re
import time

import pytest
import yaml

SHORT, OTHER = "train@d-gradient-norm", "train@d-minimal-ratio"
READY = ("prepare@mnist", "prepare@functions")


@pytest.fixture(scope="module")
def ready(report_d, tmp_path_factory):
    """A repository of a report, with data, in which nothing has been trained."""
    clone = report_d.copy(tmp_path_factory.mktemp("ready"))
    result = clone.dvc("repro", *READY)
    assert result.returncode == 0, result.stderr
    clone.git("commit", "-qam", "data")
    return clone


@pytest.fixture(scope="module")
def alone(ready, tmp_path_factory):
    """What the two trainings leave, one after the other."""
    clone = ready.copy(tmp_path_factory.mktemp("alone"))
    for stage in (SHORT, OTHER):
        assert clone.dvc("repro", "-s", stage).returncode == 0
    return entries(clone)


def entries(clone) -> dict[str, dict]:
    return yaml.load((clone.folder / "dvc.lock").read_text(encoding="utf-8"), yaml.CSafeLoader)["stages"]


def says(log, words: str, seconds: float = 120) -> bool:
    """Wait for words in what a process says."""
    end = time.monotonic() + seconds
    while words not in log.read_text(encoding="utf-8"):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_two_stages_at_once_leave_what_they_leave_one_after_the_other(request, tmp_path):
    """And a second `dvc repro` of what the first is at says who it would have to wait for."""
    if not request.config.getoption("--kills"):
        pytest.skip("half a minute for what tests/repro shows of a small pipeline: --kills 1")
    ready, alone = (request.getfixturevalue(name) for name in ("ready", "alone"))
    clone = ready.copy(tmp_path / "copy")
    logs = {stage: tmp_path / stage for stage in (SHORT, OTHER)}
    runs = [clone.start("dvc", "--wait-for-lock", "repro", "-s", stage, log=log) for stage, log in logs.items()]
    assert says(logs[SHORT], "Running stage")
    again = clone.dvc("--wait-for-lock", "repro", "-s", SHORT)
    assert [run.wait() for run in runs] == [0, 0], [log.read_text(encoding="utf-8") for log in logs.values()]
    if again.returncode:  # else it came when the first was done
        assert f"is busy, it is being blocked by:\n  (PID {runs[0].pid})" in again.stderr
        assert "Traceback" not in again.stderr
    assert entries(clone) == alone
    assert "up to date" in clone.dvc("status", SHORT, OTHER).stdout


def test_experiments_of_the_queue_at_once_leave_what_each_leaves_alone(request, tmp_path):
    if not request.config.getoption("--kills"):
        pytest.skip("the queue is slow to start: --kills 1")
    ready = request.getfixturevalue("ready")
    clone = ready.copy(tmp_path / "copy")
    sizes, name = (16, 32), "metrics/d/d-gradient-norm.json"
    result = clone.dvc("exp", "run", "--queue", "-S", f"batch_size={','.join(map(str, sizes))}", SHORT)
    assert result.returncode == 0, result.stderr
    assert clone.dvc("queue", "start", "-j", "2").returncode == 0
    end = time.monotonic() + 300
    while re.search("Queued|Running", clone.dvc("queue", "status").stdout) and time.monotonic() < end:
        time.sleep(1)
    status = clone.dvc("queue", "status").stdout
    clone.dvc("queue", "stop", "--kill")
    assert status.count("Success") == len(sizes), status + clone.dvc("queue", "logs", status.split()[4]).stdout
    refs = clone.git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    found = {
        int(yaml.safe_load(clone.git("show", f"{ref}:params.yaml"))["batch_size"]): clone.git("show", f"{ref}:{name}")
        for ref in refs
        if re.fullmatch(r"refs/exps/\w\w/\w{38}/.+", ref)
    }
    for size in sizes:
        single = ready.copy(tmp_path / f"single-{size}")
        assert single.dvc("exp", "run", "-S", f"batch_size={size}", SHORT).returncode == 0
        assert found[size] == (single.folder / name).read_text(encoding="utf-8")
