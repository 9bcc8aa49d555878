"""How verdicts, effects and their intervals are written, on every page alike.

[a, b] is a 95 % interval; a … b goes from the smallest to the largest over replicas.
"""

from __future__ import annotations

import re
from math import isfinite, nan
from typing import TYPE_CHECKING

from netclaims.claims.verdicts import VERDICTS

if TYPE_CHECKING:
    import pandas as pd

MARKS = {name: verdict.mark for name, verdict in VERDICTS.items()}
NOTATION = "[a, b] is a 95 % interval, a … b the smallest and the largest of the replicas."
UNITS = {
    "rho": "ρ = {}",
    "rank": "rank difference {}",
    "ratio": "× {}",
    "difference": "difference {}",
    "height": "{} standard deviations",
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LEAST_P = 1e-4  # a smaller p says no more
MANY = 1000  # of more replicas that would be needed, the number says no more than that there is little to see
MINUS = re.compile(r"(?<![\w²)])-(?=[\d.])|(?<= )-(?= )")
POWER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-]?\d+)\b")


def minus(text: str) -> str:
    """Return text with true minus signs, before numbers and between terms, in place of hyphens."""
    return MINUS.sub("−", text)


def typeset(text: str) -> str:
    """Return text with true minus signs, and with powers of ten: "3.1·10⁻⁵"."""
    return minus(POWER.sub(lambda found: f"{found[1]}·10{_raised(found[2])}", text))


def _raised(exponent: str) -> str:
    return str(int(exponent)).translate(RAISED)


def short(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, or a whole one from a thousand to ten million: "−3.1·10⁻⁵"."""
    value += 0.0  # nought has no sign
    said = f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.{digits}g}"
    return typeset(said)


def interval(low: float, high: float) -> str:
    """Write a 95 % interval."""
    return f"[{short(low)}, {short(high)}]"


def spread(low: float, high: float) -> str:
    """Write the smallest and the largest of the replicas."""
    return f"{short(low)} … {short(high)}"


def p_value(p: float, name: str = "p") -> str:
    """Write a p value; one that is next to nothing as less than `LEAST_P`."""
    return f"{name} < {LEAST_P:f}".rstrip("0") if p < LEAST_P else f"{name} = {short(p, 2)}"


def size(row: pd.Series) -> str:
    """Write a claim's effect with its interval; nothing where there is none. `row` is of `plots/claims.csv`."""
    if not isinstance(row["unit"], str) or not isfinite(row["effect"]):
        return ""
    ends = (row["low"], row["high"])
    return UNITS[row["unit"]].format(
        f"{short(row['effect'])}{f' {interval(*ends)}' if all(map(isfinite, ends)) else ''}"
    )


def claimed(row: pd.Series) -> str:
    """Say which effects a claim allows: "above 1", or "from 0.5 to 2"; nothing where there is no effect."""
    low, high = row["claimed_low"], row["claimed_high"]
    if not isfinite(low):
        return f"below {short(high)}" if isfinite(high) else ""
    return f"from {short(low)} to {short(high)}" if isfinite(high) else f"above {short(low)}"


def would_decide(replicas: float) -> str:
    """Say how many replicas would decide a claim; nothing where that is not known."""
    if not isfinite(replicas):
        return ""
    return f"{f'about {replicas:,.0f}' if replicas <= MANY else 'more than a thousand'} replicas would decide"


def effect(row: pd.Series) -> list[str]:
    """Write a claim's effect with its interval, its p, and what so many replicas can show, a line each.

    What there is none of is left out.

    Args:
        row: of `plots/claims.csv`, perhaps as an earlier version wrote it, with fewer columns.
    """
    lines = [size(row)]
    needed, least, p_least = (row.get(name, nan) for name in ("replicas_needed", "effect_least", "p_least"))
    if isfinite(row["p_holm"]):
        test = f" ({row['test']})" if "test" in row else ""
        lines.append(f"{p_value(row['p_holm'])}{test}, {row['replicas']:.0f} replicas")
    can_show = [f"{UNITS[row['unit']].format(short(least, 2))} or more"] if isfinite(least) else []
    can_show += [f"no p below {short(p_least, 2)}"] if isfinite(p_least) and p_least > 0 else []
    if can_show:
        lines.append(f"{row['replicas']:.0f} can show {', and '.join(can_show)}")
    if would := would_decide(needed):
        lines.append(would)
    return [line for line in lines if line]
