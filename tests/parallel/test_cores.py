"""Cores that stages share: never more jobs at once than cores, and one that a killed process had is free again."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from netclaims.parallel import processes
from netclaims.parallel.cores import CORES, RUNNER, TURN, core, share_cores
from netclaims.parallel.processes import each

DEADLINE = 30


@pytest.fixture
def two_cores(tmp_path, monkeypatch):
    """Two of them, for processes that would take four each."""
    monkeypatch.setattr(processes, "cpu_count", lambda: 4)
    for name, value in share_cores(tmp_path / "cores", 2).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def until(condition) -> None:
    end = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < end
        sleep(0.01)


def at_work(folder: Path, number: int) -> int:
    """Tell how many jobs are at work with this one, which waits for a second to be so, until nobody else is left."""
    mark = folder / f"working-{number}"
    mark.touch()
    until(lambda: len(list(folder.glob("working-*"))) > 1 or len(list(folder.glob("done-*"))) == 5)
    sleep(0.05)  # for a third, if that could be
    found = len(list(folder.glob("working-*")))
    (folder / f"done-{number}").touch()
    mark.unlink()
    return found


def test_as_many_jobs_at_once_as_there_are_cores(two_cores):
    found = each([(at_work, (two_cores, number)) for number in range(6)])
    assert max(found) == 2


# A stage of its own: another process with the same budget.
SCRIPT = """
import sys
from pathlib import Path
from time import sleep
from netclaims.parallel.cores import core
with core():
    Path(sys.argv[1]).touch()
    sleep(60)
"""


def stage(folder: Path, name: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, name], cwd=folder)  # noqa: S603 (a list, no shell)


def test_stages_share_them_and_a_killed_one_gives_its_core_back(two_cores):
    names = ["a", "b", "c"]
    running = {name: stage(two_cores, name) for name in names}
    try:
        until(lambda: sum((two_cores / name).exists() for name in names) == 2)
        sleep(0.3)
        (waiting,) = [name for name in names if not (two_cores / name).exists()]
        first = next(name for name in names if name != waiting)
        running[first].send_signal(signal.SIGKILL)
        until((two_cores / waiting).exists)
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def test_a_job_in_the_process_itself_takes_one_too(two_cores, monkeypatch):
    monkeypatch.setattr(processes, "cpu_count", lambda: 1)
    (free,) = each([(free_cores, (two_cores / "cores",))])
    assert free == 1
    assert free_cores(two_cores / "cores") == 2


def free_cores(folder: Path) -> int:
    import fcntl

    found = 0
    for path in folder.iterdir():
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found += path.name != TURN
            except BlockingIOError:
                continue
    return found


def test_without_a_runner_nothing_waits(monkeypatch):
    monkeypatch.delenv(CORES, raising=False)
    with core(), core(), core():
        pass


def test_another_number_of_cores_leaves_no_others(tmp_path):
    share_cores(tmp_path / "cores", 16)
    environment = share_cores(tmp_path / "cores", 3)
    assert {path.name for path in (tmp_path / "cores").iterdir()} == {TURN, "0", "1", "2"}
    assert environment == {CORES: str(tmp_path / "cores"), RUNNER: str(os.getpid())}
