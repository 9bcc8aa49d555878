"""A comparison of a claim, put to the replicas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import log, log1p

import numpy as np
import pandas as pd

from netclaims.claims import mean_tests, place_tests, trend_tests, words
from netclaims.claims.entries import Comparison, Equivalence, Extreme, Ordering, Shape, Trend
from netclaims.claims.evidence import Evidence, Numbers, weakest
from netclaims.claims.experiment_tables import Tables, UntestableError, within
from netclaims.claims.operands import EntryError, Operand
from netclaims.claims.per_replica import values_per_replica


def compare(comparison: Comparison, tables: Tables, seed: int) -> Evidence:
    """Return what the replicas say for and against a comparison, over all values of the columns in `each`.

    What is infinite, as the loss of a net that diverged, takes part where its rank or its sign is all that counts: in
    trends over settings, extremes, orderings and equivalences. Replicas in which a value is undefined are left out, as
    are infinite ones from other trends, and counted in the remark.

    Args:
        comparison: of a claim.
        tables: what there is to test it on.
        seed: of permutations.

    Raises:
        UntestableError: there is nothing to compare.
        EntryError: the entry asks for what is not there.
    """
    test = {Trend: _trend, Ordering: _ordering, Equivalence: _equivalence, Extreme: _extreme, Shape: _shape}
    found = test[type(comparison)](comparison, tables, seed)
    return weakest(found)


def _groups(comparison: Comparison, table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the parts of a table for which the comparison is repeated, and what each is of."""
    if not comparison.each:
        return [("", table)]
    return [(words.of_group(comparison.each, key), rows) for key, rows in table.groupby(comparison.each, sort=False)]


def _paired(
    comparison: Comparison, tables: Tables, first: Operand, second: Operand | float, ratio: bool
) -> tuple[pd.DataFrame, str]:
    """Return first less second, or the logarithm of their ratio, of the replicas that have both; with a remark."""
    by = ["replica", *comparison.each]
    table, remark = values_per_replica(tables, first, by)
    remarks = [remark]
    if isinstance(second, Operand):
        other, remark = values_per_replica(tables, second, by)
        remarks.append(remark)
        table = table.merge(other, on=by, suffixes=("", "_other"))
        if table.empty:
            raise UntestableError("no replica has both sides of the comparison")
    else:
        table = table.assign(value_other=float(second))
    sides = [table["value"], table["value_other"]]
    if ratio:
        sides = [mean_tests.logarithms(side) for side in sides]
    table = table.assign(difference=sides[0] - sides[1])
    return table, _joined(*remarks)


def _joined(*remarks: str) -> str:
    return "; ".join(dict.fromkeys(filter(None, remarks)))


def _left_out(remark: str, kept: int, replicas: int) -> str:
    """Return the remark, and how many replicas were left out, if any."""
    lost = replicas - kept
    return _joined(remark, f"{lost} of {replicas} replicas left out: a value is undefined" if lost else "")


def finite(rows: pd.DataFrame, remark: str, columns: list[str]) -> tuple[pd.DataFrame, str]:
    """Return the rows in which everything is finite, and a remark that says how many replicas were left out.

    Args:
        rows: one for each replica.
        remark: what there is to say already.
        columns: those in which it has to be finite.
    """
    return _defined(rows.replace([np.inf, -np.inf], np.nan), remark, columns)


def _defined(rows: pd.DataFrame, remark: str, columns: list[str]) -> tuple[pd.DataFrame, str]:
    """Return the rows in which nothing is undefined, and a remark that says how many replicas were left out."""
    kept = rows.dropna(subset=columns)
    return kept, _left_out(remark, len(kept), len(rows))


def _with(found: Evidence, remark: str, measured: str, group: str, compared: str = "") -> Evidence:
    what = ", ".join(filter(None, [measured, group]))
    return replace(found, remark=_joined(remark, found.remark), measured=what, compared=compared)


def _ordering(comparison: Ordering, tables: Tables, seed: int) -> list[Evidence]:
    def test(differences: Numbers, ratio: bool, typical: bool) -> Evidence:
        return mean_tests.ordering(comparison.sign * differences, ratio, typical)

    return [
        one for than in comparison.than for one in _of_two_sides(comparison, tables, comparison.operand, than, test)
    ]


def _equivalence(comparison: Equivalence, tables: Tables, seed: int) -> list[Evidence]:
    margin = log1p(comparison.margin) if comparison.ratio else comparison.margin
    test = partial(mean_tests.equivalence if comparison.within else mean_tests.unlike, margin=margin)
    return _of_two_sides(comparison, tables, comparison.of, comparison.to, test)


def _of_two_sides(
    comparison: Ordering | Equivalence, tables: Tables, first: Operand, second: Operand | float,
    test: Callable[..., Evidence],
) -> list[Evidence]:  # fmt: skip
    """Put the differences of two sides, or the logarithms of their ratios, to a test, group by group."""
    table, remark = _paired(comparison, tables, first, second, comparison.ratio)
    how = {"ratio": comparison.ratio, "typical": comparison.of_the_typical_net(second)}
    found = []
    for group, rows in _groups(comparison, table):
        kept, said = _defined(rows, remark, ["difference"])
        evidence = test(kept["difference"].to_numpy(float), **how)
        sides = (kept["value"].to_numpy(float), kept["value_other"].to_numpy(float))
        compared = words.compared(first, second, sides, **how)
        found.append(_with(evidence, said, words.measured(first, second), group, compared))
    return found


def _trend(comparison: Trend, tables: Tables, seed: int) -> list[Evidence]:
    operand, along = comparison.operand, comparison.along
    course = [] if operand.is_number else [operand.coordinate]
    table, remark = values_per_replica(
        tables, operand, list(dict.fromkeys(["replica", *comparison.each, *course, along]))
    )
    found, measured = [], words.trend(operand, along, comparison.sign)
    over_settings = not course and table.duplicated(["replica", *comparison.each]).any()
    if comparison.about and not over_settings:
        raise EntryError("about: of a trend, goes with one over settings")
    for group, rows in _groups(comparison, table):
        if course:
            series, said = _courses(rows, operand, along, remark)
            evidence = trend_tests.trend_along_series(series, comparison.sign, comparison.least)
        elif over_settings:
            values, x, said = block(rows, along, remark)
            typical = comparison.about == "typical"
            evidence = trend_tests.trend_over_settings(values, x, comparison.sign, comparison.least, typical)
        else:
            kept, said = finite(rows, remark, [along, "value"])
            x, y = (kept[name].to_numpy(float) for name in (along, "value"))
            if len(kept) < 3:
                raise UntestableError("a trend over replicas takes three and more")
            evidence = trend_tests.trend_over_replicas(x, y, comparison.sign, seed, comparison.least)
        found.append(_with(evidence, said, measured, group))
    return found


def _courses(
    rows: pd.DataFrame, operand: Operand, along: str, remark: str
) -> tuple[list[tuple[np.ndarray, np.ndarray]], str]:
    """Return x and y of every replica's series, of those in which nothing is undefined."""
    rows = rows.dropna(subset=along)  # the first row has no change
    parts = [part for _, part in rows.groupby("replica")]
    if max(map(len, parts), default=0) < 3:
        raise UntestableError(f"a course of {operand.column} takes three {operand.coordinate}s and more")
    kept = [part for part in parts if np.isfinite(part[[along, "value"]]).all(axis=None) and len(part) > 2]
    if not kept:
        raise UntestableError("every replica has a value that is undefined")
    series = [(part[along].to_numpy(float), part["value"].to_numpy(float)) for part in kept]
    return series, _left_out(remark, len(kept), len(parts))


def block(rows: pd.DataFrame, along: str, remark: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Return values as (replicas, settings), of the replicas that have all of them, and the settings in order.

    Values of nets that diverged may be infinite.

    Args:
        rows: replica, value and the column `along`.
        along: the setting.
        remark: what there is to say already.

    Returns:
        Values (replicas, settings), settings (settings,), and the remark, which says what was left out.

    Raises:
        UntestableError: there are fewer than three settings, or no replica has a value at all of them.
    """
    table = rows.pivot_table(index="replica", columns=along, values="value", dropna=False, aggfunc="mean")
    lost = table.columns[table.isna().all()]
    if len(lost):
        remark = _joined(remark, f"undefined in every replica at {along} {', '.join(f'{value:g}' for value in lost)}")
    table = table.drop(columns=lost)
    if table.shape[1] < 3:
        raise UntestableError(f"it takes three values of {along} and more, and there are {table.shape[1]}")
    kept = table.dropna()
    if kept.empty:
        raise UntestableError("every replica has a value that is undefined")
    return kept.to_numpy(float), kept.columns.to_numpy(float), _left_out(remark, len(kept), len(table))


def _extreme(comparison: Extreme, tables: Tables, seed: int) -> list[Evidence]:
    along, (low, high) = comparison.along, comparison.between
    table, remark = values_per_replica(tables, comparison.operand, ["replica", *comparison.each, along])
    found = []
    for group, rows in _groups(comparison, table):
        values, places, said = block(rows, along, remark)
        allowed = within(pd.Series(places, name=along), low, high).to_numpy()
        if allowed.all() or not allowed.any():
            which = "every" if allowed.all() else "no"
            raise UntestableError(f"{which} {along} that was tried is from {low:g} to {high:g}")
        evidence = place_tests.extreme(comparison.sign * values, allowed)
        found.append(_with(evidence, said, words.along(comparison.operand, along), group))
    return found


def _shape(comparison: Shape, tables: Tables, seed: int) -> list[Evidence]:
    table, remark = values_per_replica(tables, comparison.operand, ["replica", *comparison.each, comparison.along])
    found = []
    for group, rows in _groups(comparison, table):
        values, x, said = block(rows, comparison.along, remark)
        if not np.isfinite(values).all():
            raise UntestableError("a net diverged, and there is no line through an infinite value")
        if comparison.log and x[0] <= 0:
            raise UntestableError(f"there is no logarithm of {comparison.along} {x[0]:g}")
        x = np.array([log(value) for value in x]) if comparison.log else x
        evidence = place_tests.valley(comparison.sign * values, x)
        found.append(_with(evidence, said, words.along(comparison.operand, comparison.along), group))
    return found
