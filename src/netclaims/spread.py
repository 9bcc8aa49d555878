"""Means and spreads over replicas."""

from __future__ import annotations

import pandas as pd


def spread(table: pd.DataFrame, by: list[str], columns: list[str]) -> pd.DataFrame:
    """Tabulate mean, smallest and largest over replicas of each column: `<column>`, `<column>_low`, `<column>_high`.

    A group with a value that is not finite has no mean: it is left empty rather than averaged over the others.

    Args:
        table: a row per net, or per net and moment.
        by: the columns that tell groups of replicas apart.
        columns: what to average.
    """
    groups = table.groupby(by, sort=False, dropna=False)
    parts = []
    for name in columns:
        finite = table[name].abs().lt(float("inf")).groupby([table[c] for c in by], sort=False, dropna=False).all()
        part = groups[name].agg(["mean", "min", "max"]).where(finite)
        parts.append(part.set_axis([name, f"{name}_low", f"{name}_high"], axis=1))
    return pd.concat(parts, axis=1).reset_index()


def mean_and_deviation(values: pd.Series) -> dict[str, float | None]:
    """Return mean and standard deviation (n - 1) over replicas; null where a value is not finite or stands alone."""
    if values.empty or not values.abs().lt(float("inf")).all():
        return {"mean": None, "sd": None}
    return {"mean": rounded(values.mean()), "sd": rounded(values.std()) if len(values) > 1 else None}


def rounded(value: float) -> float:
    """Round to six significant digits: more than any spread here supports, few enough to read in a diff."""
    return float(f"{value:.6g}")
