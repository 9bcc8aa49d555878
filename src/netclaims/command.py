"""What the scripts in `stages` have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from inspect import signature
from threading import Thread
from time import sleep

import psutil

from netclaims.errors import DataError, SettingsError
from netclaims.parallel.cores import RUNNER
from netclaims.recipes.read import check_recipes, in_use

SHELLS = ("sh", "dash", "bash", "zsh", "fish")


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
            main(*sys.argv[1:])
            check_recipes()
        except (SettingsError, DataError) as error:
            sys.exit(str(error))
        except FileNotFoundError as error:
            sys.exit(f"{error.filename}: no such file; `dvc repro` runs the stage that writes it first")
        except OSError as error:
            sys.exit(f"{error.filename or ' '.join(sys.argv)}: {error.strerror or error}")
        except MemoryError:
            sys.exit(f"{' '.join(sys.argv)}: not enough memory")
        except KeyboardInterrupt:
            sys.stderr.write(f"{' '.join(sys.argv)}: interrupted; `dvc repro` goes on with what is not finished\n")
            sys.exit(130)

    return wrapped


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
