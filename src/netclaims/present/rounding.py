"""Numbers in the text of an SVG file, with fewer digits."""

from __future__ import annotations

import re

# A number that has a part below one, or an exponent, or is nought with a sign; others are as short as they can be.
LONG = re.compile(r"-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)|-0(?!\d)")


def round_numbers(text: str, digits: int) -> str:
    """Return a text with every number in it rounded, and as short as it can be.

    `digits` is how many it keeps after the point, one or more. There is space or a letter before every number, as
    matplotlib writes them.
    """
    return LONG.sub(lambda number: _rounded(number[0], digits), text)


def _rounded(number: str, digits: int) -> str:
    short = f"{float(number):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short
