"""What the scripts in `stages` have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import signature

from netclaims.learn.image_set import DataError
from netclaims.learn.settings import SettingsError


def command(main: Callable[..., None]) -> Callable[[], None]:
    """Call `main` with the words of the command line, one per parameter.

    A mistake in the words, in the settings or in the data, and a file that an earlier stage has not written, end the
    script with one line and status 1.
    """

    @wraps(main)
    def wrapped() -> None:
        words = list(signature(main).parameters)
        if len(sys.argv) - 1 != len(words):
            sys.exit(" ".join(["usage: python", sys.argv[0], *map(str.upper, words)]))
        try:
            main(*sys.argv[1:])
        except (SettingsError, DataError) as error:
            sys.exit(str(error))
        except FileNotFoundError as error:
            sys.exit(f"{error.filename}: no such file; `dvc repro` runs the stage that writes it first")

    return wrapped
