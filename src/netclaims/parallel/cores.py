"""How many cores there are, and one budget of them for stages that run beside each other: a lock file for each core.

A process takes a free one before it does a job and gives it back after; one that is killed gives it back by that. What
a stage does besides its jobs, such as its start, is not counted, so that it overlaps with the work of others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path
from time import sleep
from typing import BinaryIO

from netclaims.errors import SettingsError, shown

# In the environment of a stage: the folder of the lock files, and the process that has started it.
CORES, RUNNER = "NETCLAIMS_CORES", "NETCLAIMS_RUNNER"
STAGE = "DVC_STAGE"  # likewise its name
TURN, FIRST = "turn", "first"  # locks of the one training that looks for a core next, and of the one other stage
PAUSE = 0.01  # seconds between two looks for a free core
MOST = "LOKY_MAX_CPU_COUNT"
GROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def cpu_count() -> int:
    """Return how many cores this process may use.

    joblib looks at those that it may run on, at LOKY_MAX_CPU_COUNT, and at the quota of a container. Batch systems and
    systemd give quotas to groups further down.

    Raises:
        SettingsError: the variable is no number.
    """
    import joblib  # numpy comes with it, which most scripts that count no cores have no use for

    try:
        found = joblib.cpu_count()
    except ValueError:
        told = shown(os.environ.get(MOST))
        raise SettingsError(f"{MOST}: a number of cores, of this environment variable (found {told})") from None
    return min([found, *(max(1, ceil(quota)) for quota in _quotas())])


def _quotas() -> Iterator[float]:
    """Yield the quotas, in cores, of the control groups of this process and of those around them (man 7 cgroups)."""
    groups = OWN_GROUPS.read_text(encoding="utf-8").splitlines() if OWN_GROUPS.exists() else []
    for _, controllers, name in (group.split(":", 2) for group in groups):
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = GROUPS / "cpu" if controllers else GROUPS  # in version 2 there is one tree for all controllers
        own = root / name.lstrip("/")
        for folder in (own, *own.parents):
            if folder == root.parent:
                break
            yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota, period = ((folder / f"cpu.cfs_{it}_us").read_text(encoding="utf-8") for it in ("quota", "period"))
        if float(quota) > 0:  # in version 1, -1 is none
            yield float(quota) / float(period)
    except (OSError, ValueError):  # there is none, or it is called max
        return


def share_cores(folder: Path, number: int) -> dict[str, str]:
    """Make the lock files of so many cores, and return what stages have in their environment to share them."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {TURN, FIRST, *map(str, range(number))}
    for name in wanted:
        (folder / name).touch()
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    return {CORES: str(folder.resolve()), RUNNER: str(os.getpid())}


@contextmanager
def core() -> Iterator[None]:
    """Wait for a free core, and keep it as long as the block lasts; where cores are not shared, at once and none.

    Whoever has just given one back finds it free, and those who wait take turns. So a stage that has begun its work
    keeps its cores until it has no more jobs for them. Between two jobs trainings alone let all others go first: an
    analysis that waited for the end of a long one would keep its experiment from being done for hours.
    """
    folder = os.environ.get(CORES)
    if folder is None:
        yield
        return
    first, trains = Path(folder, FIRST), os.environ.get(STAGE, "").startswith("train@")
    with ExitStack() as files:
        cores = [files.enter_context(path.open("rb")) for path in Path(folder).iterdir() if path.name.isdigit()]

        def found() -> bool:
            return not (trains and _held(first)) and any(map(_taken, cores))

        if not found():
            with (Path(folder, TURN) if trains else first).open("rb") as turn:
                _take(turn)
                while not found():
                    sleep(PAUSE)
        yield


def _held(path: Path) -> bool:
    with path.open("rb") as file:
        return not _taken(file)


def _take(file: BinaryIO) -> None:
    import fcntl  # there is none on Windows, where cores are not shared

    fcntl.flock(file, fcntl.LOCK_EX)


def _taken(file: BinaryIO) -> bool:
    """Take a lock if it is free, and tell whether it was."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
