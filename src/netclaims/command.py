"""What the scripts in `stages` have in common."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from errno import ENOMEM
from functools import wraps
from inspect import signature
from pathlib import Path
from threading import Thread
from time import sleep

import psutil
import yaml

from netclaims.errors import LESS_MEMORY, DataError, SettingsError
from netclaims.parallel.cores import RUNNER
from netclaims.recipes.read import check_recipes, in_use

SHELLS = ("sh", "dash", "bash", "zsh", "fish")
LOCK = Path("dvc.lock")
BINDING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")
# How torch, numpy and CUDA say that there is too little memory, and how much they asked for.
NO_MEMORY = re.compile(r"alloc|(out of|not enough) memory", re.IGNORECASE)
ASKED_FOR = re.compile(r"allocate ([\d.]+?)\.? ([KMGTPE]iB|bytes)")


def command(main: Callable[..., None]) -> Callable[[], None]:
    """Call `main` with the words of the command line, one per parameter.

    A mistake in the words, in the settings or in the data, a file that an earlier stage has not written, a recipe that
    was written anew meanwhile, and what the machine refuses (a full disk, a process killed) end the script with one
    line and status 1; Ctrl-C with status 130.
    """

    @wraps(main)
    def wrapped() -> None:
        words = list(signature(main).parameters)
        if len(sys.argv) - 1 != len(words):
            sys.exit(" ".join(["usage: python", sys.argv[0], *map(str.upper, words)]))
        _end_with_dvc()
        in_use.clear()
        try:
            _leave_the_core()
            _drop_links()
            main(*sys.argv[1:])
            check_recipes()
        except (SettingsError, DataError) as error:
            sys.exit(str(error))
        except FileNotFoundError as error:
            sys.exit(f"{error.filename}: no such file; `dvc repro` runs the stage that writes it first")
        except OSError as error:
            reason = _too_little(error) if error.errno == ENOMEM else error.strerror or error
            sys.exit(f"{error.filename or ' '.join(sys.argv)}: {reason}")
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and not NO_MEMORY.search(str(error)):
                raise
            sys.exit(f"{' '.join(sys.argv)}: {_too_little(error)}")
        except KeyboardInterrupt:
            sys.stderr.write(f"{' '.join(sys.argv)}: interrupted; `dvc repro` goes on with what is not finished\n")
            sys.exit(130)

    return wrapped


def _too_little(error: Exception) -> str:
    """Say that there is too little memory, how much was asked for, if that is known, and what to turn down."""
    words, size = str(error), ASKED_FOR.search(str(error))
    told = "not enough memory"
    if "CUDA" in words:
        told += " on the GPU, which `device: cpu` leaves alone"
    if size:
        number, unit = size.groups()
        told += f", {int(number) / 1e9:.3g} GB asked for" if unit == "bytes" else f", {number} {unit} asked for"
    return f"{told}; {LESS_MEMORY}"


def _leave_the_core() -> None:
    """Take this process off the core that OpenMP has bound it to, where variables of the environment say so.

    It does so when torch loads, and workers that are forked would all be on that core. Its parent has those it may use.
    """
    if any(name in os.environ for name in BINDING) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, os.sched_getaffinity(os.getppid()))


def _drop_links() -> None:
    """Remove what is a link into DVC's cache among the outputs of a script that is run by hand, as DVC itself would.

    With `cache.type` hardlink or symlink, to write into such a file would write into the cache.
    """
    if "DVC_STAGE" in os.environ or not LOCK.exists():
        return
    for out in _outputs():
        for path in [out, *out.rglob("*")]:
            if path.is_symlink() or (path.is_file() and path.stat().st_nlink > 1):
                path.unlink()


def _outputs() -> Iterator[Path]:
    """Yield what this script writes with these words, by `dvc.lock`, which lists all that can come from the cache."""
    script, words = Path(sys.argv[0]).name, sys.argv[1:]
    try:
        for entry in yaml.load(LOCK.read_text(encoding="utf-8"), yaml.CSafeLoader)["stages"].values():
            _, path, *others = entry["cmd"].split()
            if (Path(path).name, others) == (script, words):
                yield from (Path(out["path"]) for out in entry["outs"])
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError):
        raise DataError(f"{LOCK}: not as DVC writes it; `make repro` puts right what a stopped run has left") from None


def _end_with_dvc() -> None:
    """See to it that this process ends when the DVC that started it is gone, however that ended.

    The next `dvc repro` would start the stage again, and the two would write the same files.
    """
    if "DVC_STAGE" not in os.environ:  # DVC sets it for what it runs
        return
    child, dvc = psutil.Process(), psutil.Process().parent()
    while dvc and dvc.name() in SHELLS:  # a shell in between lives on without DVC
        child, dvc = dvc, dvc.parent()
    # A runner says who it is, since it can be gone by now; the parent is another process then.
    if RUNNER in os.environ and int(os.environ[RUNNER]) not in {process.pid for process in psutil.Process().parents()}:
        os._exit(1)
    if dvc:
        Thread(target=_watch, args=(child, dvc.pid), daemon=True).start()


def _watch(child: psutil.Process, parent: int) -> None:
    try:
        while child.ppid() == parent:
            sleep(0.5)
    except psutil.NoSuchProcess:
        pass
    os._exit(1)
