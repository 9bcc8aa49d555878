"""What goes wrong for reasons that a person can mend, told in one line each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")
LONGEST_FOUND = 200  # characters of a wrong value that a message repeats
LESS_MEMORY = (
    "less takes a lower LOKY_MAX_CPU_COUNT (pieces of work at once), batch_size, replicas, train_size or examples"
)


class SettingsError(ValueError):
    """One or more faults in a settings file, one line each."""


@contextmanager
def told_with(faults: list[str]) -> Iterator[None]:
    """Add a fault in settings to others, so that all of them are told at once."""
    try:
        yield
    except SettingsError as error:
        faults.append(str(error))


def attempt(where: str, make: Callable[[], Result], otherwise: Callable[[str], Result]) -> Result:
    """Make one of many things, which do not wait for one that is broken: that one is told, and something in its place.

    Args:
        where: the place in the settings that a failure names.
        make: what makes it.
        otherwise: what makes something in its place, out of the reason.

    Raises:
        DataError, OSError, MemoryError: these are no fault of the one.
    """
    try:
        return make()
    except (DataError, OSError, MemoryError):
        raise
    except Exception as error:  # whatever it is
        words = " ".join(str(error).split())
        reason = words if isinstance(error, ValueError) and words else f"{type(error).__name__}: {words}"
        sys.stderr.write(f"{where}: {reason}\n")
        return otherwise(reason)


def shown(value: Any) -> str:
    """Return a wrong value as messages repeat it: the beginning of a long one."""
    text = repr(value)
    return f"{text[:LONGEST_FOUND]}…" if len(text) > LONGEST_FOUND else text


class DataError(ValueError):
    """Data that is missing or not as expected, in one line: where, what, and what is expected."""
