"""From a series of values, as of a loss by epoch, to one number."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import numpy as np
import pandas as pd

from netclaims.claims.experiment_tables import UntestableError
from netclaims.claims.operands import Operand, Until

TAKE: dict[str, Callable[[np.ndarray], float]] = {
    "start": lambda y: y[0],
    "end": lambda y: y[-1],
    "lowest": np.min,
    "highest": np.max,
    "mean": np.mean,
    "growth": lambda y: y[-1] / y[0] if y[0] else nan,
    "gain": lambda y: y[-1] - y[0],
    "swing": lambda y: np.sqrt(np.mean(np.diff(y) ** 2) / 2),
    "rise": lambda y: np.mean(np.diff(y) > 0),
    "turns": lambda y: np.mean(np.diff(y)[1:] * np.diff(y)[:-1] < 0),
}
SHORTEST = {"growth": 2, "gain": 2, "swing": 2, "rise": 2, "turns": 3}  # of which they can be taken


def reduced(rows: pd.DataFrame, operand: Operand) -> tuple[float, bool]:
    """Return what is taken of a series, and whether it got as far as `until` says.

    Of a net that diverged the end is infinite, and so is the way to wherever `until` says: it does not stay there.
    """
    rows = rows.sort_values(operand.coordinate)
    x, y = rows[operand.coordinate].to_numpy(), rows[operand.column].to_numpy(float)
    at_first, at_last = (may and np.isnan(y[place]) for may, place in zip(_without(operand), (0, -1), strict=True))
    inside = slice(int(at_first), len(y) - int(at_last))
    x, y = x[inside], y[inside]
    if operand.table == "history" and np.isinf(y[-1]) and (operand.until or operand.take == "end"):
        return (float("inf"), False) if operand.until else (float(y[-1]), True)
    if not np.isfinite(y).all() or len(y) < SHORTEST.get(operand.take, 1):
        return nan, True
    if operand.until is None:
        return float(TAKE[operand.take](y)), True
    there = np.flatnonzero(_there(y, operand.until))
    return (float(x[there[0]]), True) if len(there) else (float(x[-1]), False)


def _without(operand: Operand) -> tuple[bool, bool]:
    """Tell whether a column may have no value at the first place and at the last: where that has no neighbour."""
    both = operand.column.endswith(("_bend", "_spike"))
    # The first snapshot has no step before it.
    return both or operand.column.endswith("_change") or (operand.table, operand.coordinate) == ("pca", "epoch"), both


def _there(y: np.ndarray, until: Until) -> np.ndarray:
    if until.below is not None:
        return y <= until.below
    if until.above is not None:
        return y >= until.above
    return y <= y[0] - until.fallen * (y[0] - y.min())


def part(table: pd.DataFrame, operand: Operand, by: list[str]) -> pd.DataFrame:
    """Return the part of every series that `during` says: shares of its own course, from its first place to its last.

    Steps are counted from 1: the course begins where the first of them does.

    Args:
        table: the rows of all series.
        operand: what is looked at.
        by: the columns that tell series apart.

    Raises:
        UntestableError: a series has no row in that part.
    """
    places = table.groupby(by)[operand.coordinate]
    first, last = places.transform("min"), places.transform("max")
    finite = np.isfinite(table[operand.column])
    for may, edge in zip(_without(operand), (first, last), strict=True):
        finite |= may & (table[operand.coordinate] == edge)
    first -= 1 if operand.coordinate == "step" else 0
    start, end = (first + share * (last - first) for share in operand.during)
    diverged = ~finite.groupby([table[name] for name in by]).transform("all")  # these stay whole, without a number
    found = table[diverged | table[operand.coordinate].between(start - 1e-9, end + 1e-9)]
    if len(found[by].drop_duplicates()) < len(table[by].drop_duplicates()):
        words = " to ".join(f"{100 * share:g} %" for share in operand.during)
        raise UntestableError(f"no record of {operand.column} from {words} of the course")
    return found
