"""How commands end that run stages: with one line for what has gone wrong, whatever it was."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from signal import SIGINT

from dvc.exceptions import DvcException
from dvc.lock import LockError

from netclaims.errors import DataError, SettingsError
from netclaims.repro.side_by_side import Stopped
from netclaims.review.base import ReviewError


def status_of(work: Callable[[], int], command: str, busy: str) -> int:
    """Do the work of a command, without the lines that DVC has of its own, and return the command's status.

    Args:
        work: returns the status where nothing is wrong that keeps it from its end.
        command: goes on with what is not finished.
        busy: says that another process has the repository's lock.
    """
    logging.getLogger("dvc").setLevel(logging.WARNING)
    logging.getLogger("dvc.progress").setLevel(logging.CRITICAL)
    try:
        return work()
    except LockError:
        fault = busy
    except (DvcException, ReviewError, SettingsError, DataError) as error:
        fault = " ".join(str(error).split())
    except OSError as error:
        fault = f"{error.filename}: {error.strerror}"
    except (Stopped, KeyboardInterrupt) as error:
        sys.stderr.write(f"stopped; `{command}` goes on with what is not finished\n")
        return 128 + next(iter(error.args), SIGINT)
    sys.stderr.write(f"{fault}\n")
    return 1
