"""One budget of cores for stages that run beside each other: a lock file for each core.

A process takes a free one before it does a job and gives it back after; one that is killed gives it back by that. What
a stage does besides its jobs, such as its start, is not counted, so that it overlaps with the work of others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep
from typing import BinaryIO

# In the environment of a stage: the folder of the lock files, and the process that has started it.
CORES, RUNNER = "NETCLAIMS_CORES", "NETCLAIMS_RUNNER"
TURN = "turn"
PAUSE = 0.01  # seconds between two looks for a free core


def share_cores(folder: Path, number: int) -> dict[str, str]:
    """Make the lock files of so many cores, and return what stages have in their environment to share them."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {TURN, *map(str, range(number))}
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
    keeps its cores until it has no more jobs for them.
    """
    folder = os.environ.get(CORES)
    if folder is None:
        yield
        return
    with ExitStack() as files:
        cores = [files.enter_context(path.open("rb")) for path in Path(folder).iterdir() if path.name != TURN]
        if not any(map(_taken, cores)):
            with Path(folder, TURN).open("rb") as turn:
                _take(turn)
                while not any(map(_taken, cores)):
                    sleep(PAUSE)
        yield


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
