"""How verdicts, effects and their intervals are written, on every page alike."""

from __future__ import annotations

from math import isfinite, nan

import pandas as pd

from netclaims.claims.verdicts import VERDICTS

MARKS = {name: verdict.mark for name, verdict in VERDICTS.items()}
UNITS = {
    "rho": "ρ = {}",
    "rank": "rank difference {}",
    "ratio": "× {}",
    "difference": "{}",
    "height": "{} standard deviations",
}


def short(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, or a whole one from a thousand on, with a true minus sign."""
    value += 0.0  # nought has no sign
    said = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return said.replace("-", "−")


def effect(row: pd.Series) -> list[str]:
    """Write a claim's effect with its interval, its p, and what so many replicas can show, a line each.

    What there is none of is left out.

    Args:
        row: of `plots/claims.csv`, perhaps as an earlier version wrote it, with fewer columns.
    """
    lines = []
    needed, least, p_least = (row.get(name, nan) for name in ("replicas_needed", "effect_least", "p_least"))
    if isinstance(row["unit"], str) and isfinite(row["effect"]):
        ends = (row["low"], row["high"])
        interval = f" ({short(ends[0])} to {short(ends[1])})" if all(map(isfinite, ends)) else ""
        lines.append(UNITS[row["unit"]].format(f"{short(row['effect'])}{interval}"))
    if isfinite(row["p_holm"]):
        test = f" ({row['test']})" if "test" in row else ""
        lines.append(f"p = {short(row['p_holm'], 2)}{test}, {row['replicas']:.0f} replicas")
    if isfinite(least):
        p_from = f", p from {short(p_least, 2)}" if p_least > 0 else ""
        lines.append(f"{row['replicas']:.0f} show {UNITS[row['unit']].format(short(least, 2))} and more{p_from}")
    if isfinite(needed):
        lines.append(f"about {needed:,.0f} replicas would decide")
    return lines
