"""Put right what a stopped `dvc repro` can leave behind: `python -m netclaims.recover`, which `make repro` runs first.

DVC writes `dvc.lock` and `.dvc/tmp/rwlock` in place, and what it copies under another name first. Stopped in between
(Ctrl-C, a kill, a full disk), it leaves half of the one, which the next `dvc repro` refuses to read, or the other among
the results, which a stage that depends on their folder takes for one of them. It also makes the folder in which it will
remember that a stage has run before it writes the file in it, and fails at one that is empty.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from dvc.lock import Lock, LockError

from netclaims.paths import DATA, METRICS, PLOTS, RUNS
from netclaims.review.base import run

LOCK, RWLOCK, AT_WORK = Path("dvc.lock"), Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/lock")
RESULTS = (DATA, METRICS, PLOTS, RUNS, Path("docs"), Path("report"))
HAVE_RUN = Path(".dvc/cache/runs")  # what DVC remembers of stages that have run, a folder for each
UNFINISHED = "*." + "[A-Za-z0-9_-]" * 22 + ".tmp"  # how DVC names a file until it is all there
STOPPED = "DVC was stopped while it wrote this"


def recover() -> list[str]:
    """Put right what there is to be put right, in the current folder, and say what that was: a line each.

    While another DVC process is at work nothing is touched: what it has half written is its own.
    """
    if not AT_WORK.parent.is_dir():
        return []
    try:
        with Lock(AT_WORK):
            return [*_restore_lock(), *_drop_rwlock(), *_drop_unfinished(), *_drop_empty()]
    except LockError:
        return []


def _restore_lock() -> list[str]:
    committed = run("git", "show", f":./{LOCK}", missing=True)
    if committed is None or not LOCK.exists():  # nothing to put back, or conflicts, which are for people to resolve
        return []
    if is_whole(LOCK.read_text(encoding="utf-8"), set(yaml.load(committed, yaml.CSafeLoader)["stages"])):
        return []
    LOCK.write_text(committed, encoding="utf-8", newline="\n")
    return [f"{LOCK}: {STOPPED}; put back as in Git, and what has been run since comes out of DVC's cache"]


def is_whole(text: str, stages: set[str]) -> bool:
    """Whether a text is all of a `dvc.lock` that has at least these stages.

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
    found = [path for folder in (*RESULTS, HAVE_RUN) for path in folder.rglob(UNFINISHED)]
    for path in found:
        path.unlink()
    return [f"{path}: {STOPPED}; removed" for path in found]


def _drop_empty() -> list[str]:
    """Without these `dvc repro` fails at the stage ever after: it takes for granted that there is something in them."""
    found = [folder for folder in HAVE_RUN.glob("*/*") if folder.is_dir() and not any(folder.iterdir())]
    for folder in found:
        folder.rmdir()
    return [f"{folder}: {STOPPED}; removed" for folder in found]


if __name__ == "__main__":
    try:
        for line in recover():
            print(line)  # noqa: T201
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
