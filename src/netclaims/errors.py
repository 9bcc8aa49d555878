"""What goes wrong for reasons that a person can mend, told in one line each."""

from __future__ import annotations

from typing import Any

LONGEST_FOUND = 200  # characters of a wrong value that a message repeats


class SettingsError(ValueError):
    """One or more faults in a settings file, one line each."""


def shown(value: Any) -> str:
    """Return a wrong value as messages repeat it: the beginning of a long one."""
    text = repr(value)
    return f"{text[:LONGEST_FOUND]}…" if len(text) > LONGEST_FOUND else text


class DataError(ValueError):
    """Data that is missing or not as expected, in one line: where, what, and what is expected."""
