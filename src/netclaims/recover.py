"""Put right what a stopped `dvc repro` can leave behind: `python -m netclaims.recover`, which `make repro` runs first.

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place, and what it copies under another name first. Stopped in between
(Ctrl-C, a kill, a full disk), it leaves half of the one, which the next `dvc repro` refuses to read, or the other among
the results, which a stage that depends on their folder takes for one of them. It also makes the folder in which it will
remember that a stage has run before it writes the file in it, and fails at one that is empty. The stage that writes
the recipes puts each in its place when it is whole; stopped, it leaves the one that it was at under another name.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from time import sleep

import yaml
from dvc.config import Config
from dvc.exceptions import DvcException
from dvc.lock import Lock, LockError

from netclaims.environment import settle
from netclaims.errors import SettingsError
from netclaims.paths import DATA, METRICS, PLOTS, RECIPES, RUNS
from netclaims.review.base import LOCK, ReviewError, read_committed

RWLOCK, AT_WORK = Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/lock")
RESULTS = (DATA, METRICS, PLOTS, RUNS, Path("docs"), Path("report"))
UNFINISHED = "*." + "[A-Za-z0-9_-]" * 22 + ".tmp"  # DVC names a file so until it is all there
UNFINISHED_RECIPE = "*.json.new"
PATIENCE = 1.0  # seconds in which a DVC at work, in another clone with the same cache, finishes a file of its memory
STOPPED = "DVC was stopped while it wrote this"


def recover(lock_in_git: bool = True) -> list[str]:
    """Put right what there is to be put right, in the current folder, and say what that was: a line each.

    While another DVC process is at work nothing is touched: what it has half written is its own.

    Args:
        lock_in_git: whether Git has an older `dvc.lock` of this folder, to be put in the place of a half-written one.

    Raises:
        ReviewError: Git cannot tell what is committed.
        DvcException: DVC's own settings cannot be read.
        OSError: a file cannot be written or removed.
    """
    if not AT_WORK.parent.is_dir():
        return []
    try:
        with Lock(AT_WORK):
            restored = _restore_lock() if lock_in_git else []
            return [*restored, *_drop_rwlock(), *_drop_unfinished(), *_drop_half_remembered()]
    except LockError:
        return []


def _restore_lock() -> list[str]:
    committed = read_committed(LOCK, "")
    if committed is None or not LOCK.exists():  # there is nothing to put back, or conflicts, which people resolve
        return []
    if is_whole(LOCK.read_text(encoding="utf-8"), set(yaml.load(committed, yaml.CSafeLoader)["stages"])):
        return []
    LOCK.write_text(committed, encoding="utf-8", newline="\n")
    return [f"{LOCK}: {STOPPED}; put back as in Git, and what has been run since comes out of DVC's cache"]


def is_whole(text: str, stages: set[str]) -> bool:
    """Tell whether a text is all of a `dvc.lock` that has at least these stages.

    A text that ends early can be YAML that DVC takes: a hash cut short, which means another training, or a last size.
    """
    try:
        found = yaml.load(text, yaml.CSafeLoader)["stages"]
        *_, last = found.values()
        sized = all("nfiles" in item or ("size" in item and not item["md5"].endswith(".dir")) for item in last["outs"])
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError):
        return False
    return text.endswith("\n") and stages <= set(found) and sized


def _drop_rwlock() -> list[str]:
    try:
        json.loads(RWLOCK.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError:
        RWLOCK.unlink()
        return [f"{RWLOCK}: {STOPPED}; removed"]
    return []


def _drop_unfinished() -> list[str]:
    found = [path for folder in RESULTS for path in folder.rglob(UNFINISHED)]
    found += RECIPES.rglob(UNFINISHED_RECIPE)
    for path in found:
        path.unlink()
    return [f"{path}: {STOPPED}; removed" for path in found]


def _drop_half_remembered() -> list[str]:
    """Drop what keeps `dvc repro` from going on: it takes for granted that there is something in these folders."""
    found = _half_remembered()
    if found:
        sleep(PATIENCE)
        found &= _half_remembered()
    for path in sorted((path for path, _ in found), reverse=True):  # files go before the folder that they lie in
        path.rmdir() if path.is_dir() else path.unlink()
    return [f"{path}: {STOPPED}; removed" for path, _ in sorted(found)]


def _half_remembered() -> set[tuple[Path, int]]:
    """Find, in what DVC remembers of stages that have run, unfinished files and the folders with nothing else in them.

    Returns:
        Each with the time of its last change, in nanoseconds.
    """
    memory = Path(Config(".dvc")["cache"].get("dir", ".dvc/cache")) / "runs"  # each run has a folder of files
    unfinished = {*memory.rglob(UNFINISHED)}
    found = set()
    for path in (*unfinished, *memory.glob("*/*")):
        with suppress(FileNotFoundError):  # DVC has finished it meanwhile
            if path in unfinished or (path.is_dir() and {*path.iterdir()} <= unfinished):
                found.add((path, path.stat().st_mtime_ns))
    return found


if __name__ == "__main__":
    try:
        settle()
        for line in recover():
            print(line)  # noqa: T201
    except (ReviewError, DvcException, SettingsError) as error:
        sys.exit(" ".join(str(error).split()))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
