"""Cores that stages share: never more jobs at once than cores, and one that a killed process had is free again."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from netclaims.errors import SettingsError
from netclaims.parallel import cores, processes
from netclaims.parallel.cores import CORES, FIRST, RUNNER, STAGE, TURN, core, share_cores
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
    words = [sys.executable, "-c", SCRIPT, name]
    return subprocess.Popen(words, cwd=folder, env=os.environ | {STAGE: name})  # noqa: S603 (a list, no shell)


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


# A stage that goes from job to job; the first of a training goes on until it is told that others wait.
JOBS = """
import sys
from pathlib import Path
from time import sleep
from netclaims.parallel.cores import core
for name in sys.argv[1:]:
    with core():
        with Path("jobs").open("a") as file:
            file.write(f"{name}\\n")
        while name == "train@x" and not Path("waits").exists():
            sleep(0.01)
"""


def test_a_training_lets_an_analysis_go_first_between_two_of_its_jobs(two_cores):
    share_cores(two_cores / "cores", 1)
    jobs, running = two_cores / "jobs", []

    def start(*names: str) -> None:
        words = [sys.executable, "-c", JOBS, *names]
        running.append(subprocess.Popen(words, cwd=two_cores, env=os.environ | {STAGE: names[0]}))  # noqa: S603 (a list, no shell)

    def waits(name: str) -> bool:
        with (two_cores / "cores" / name).open("rb") as file:
            return not cores._taken(file)

    try:
        start("train@x", "train@x", "train@x")
        until(jobs.exists)
        start("train@y")
        until(lambda: waits(TURN))
        start("pca@x", "pca@x")
        until(lambda: waits(FIRST))
        (two_cores / "waits").touch()
        assert [process.wait(DEADLINE) for process in running] == [0, 0, 0]
    finally:
        for process in running:
            process.kill()
            process.wait()
    first, *others = jobs.read_text(encoding="utf-8").split()
    assert (first, others[:2], sorted(others[2:])) == ("train@x", ["pca@x"] * 2, ["train@x", "train@x", "train@y"])


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
                found += path.name.isdigit()
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
    assert {path.name for path in (tmp_path / "cores").iterdir()} == {TURN, FIRST, "0", "1", "2"}
    assert environment == {CORES: str(tmp_path / "cores"), RUNNER: str(os.getpid())}


QUOTAS = {  # what /proc/self/cgroup says, the files of the groups, and how many of eight cores that leaves
    "none": ("0::/", {}, 8),
    "no limit": ("0::/job", {"job/cpu.max": "max 100000"}, 8),
    "a container's": ("0::/", {"cpu.max": "250000 100000"}, 3),
    "a job's": ("0::/user.slice/job", {"user.slice/job/cpu.max": "200000 100000"}, 2),
    "of the group around": ("0::/user.slice/job", {"user.slice/cpu.max": "50000 100000",
                                                   "user.slice/job/cpu.max": "max 100000"}, 1),
    "version 1": ("7:memory:/other\n4:cpu,cpuacct:/job\n0::/", {"cpu/job/cpu.cfs_quota_us": "400000",
                                                               "cpu/job/cpu.cfs_period_us": "100000"}, 4),
    "version 1, none": ("4:cpuacct,cpu:/job", {"cpu/job/cpu.cfs_quota_us": "-1",
                                               "cpu/job/cpu.cfs_period_us": "100000"}, 8),
    "outside": ("0::/../../x", {}, 8),
}  # fmt: skip


@pytest.mark.parametrize("case", QUOTAS)
def test_a_quota_of_a_control_group(case, tmp_path, monkeypatch):
    said, groups, expected = QUOTAS[case]
    root = tmp_path / "sys/fs/cgroup"
    for name, text in groups.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n", encoding="utf-8")
    (tmp_path / "own").write_text(f"{said}\n", encoding="utf-8")
    monkeypatch.setattr(cores, "GROUPS", root)
    monkeypatch.setattr(cores, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    assert cores.cpu_count() == expected


def test_where_there_are_no_control_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "OWN_GROUPS", tmp_path / "none")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert cores.cpu_count() == 1


def test_a_number_of_cores_that_is_none(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "two")
    with pytest.raises(SettingsError) as error:
        cores.cpu_count()
    assert str(error.value) == "LOKY_MAX_CPU_COUNT: a number of cores, of this environment variable (found 'two')"
