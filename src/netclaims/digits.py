"""Numbers that were set, as tables and words have them."""

from __future__ import annotations

from decimal import Decimal


def all_digits(value: float) -> str:
    """Write a number with six significant digits where that is all of it, and else with as many as tell it apart."""
    short = f"{value:.6g}"
    return short if float(short) == value else repr(float(value)).removesuffix(".0")


def percent(share: float) -> str:
    """Write a share in per cent, with as many digits as tell it apart from others."""
    return f"{(Decimal(all_digits(share)) * 100).normalize():f}"
