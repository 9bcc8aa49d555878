"""A claim's effect on a small axis: the point, its 95 % interval, and the part of the axis that the claim allows."""

from __future__ import annotations

from math import exp, isfinite, log

import pandas as pd
from markupsafe import Markup

from netclaims.present.wording import claimed, short, size

WIDTH, HEIGHT, LINE, MARGIN = 260, 44, 16, 8  # of the drawing, its middle line and its margins, in CSS pixels
APART = 60  # of two numbers that stand in the middle of their ticks, in CSS pixels
BOUNDED = ("rho", "rank")  # these go from -1 to 1


def axis(row: pd.Series, verdict: str) -> Markup:
    """Draw the effect of a claim as SVG; nothing if it has none.

    Args:
        row: of `plots/claims.csv`.
        verdict: on the claim, which gives the colour.
    """
    said = size(row)
    if not said:
        return Markup()
    ratio = row["unit"] == "ratio"
    to, back = (log, exp) if ratio else (float, float)
    numbers = {name: to(row[name]) for name in ("effect", "low", "high", "claimed_low", "claimed_high")
               if isfinite(row[name]) and (row[name] > 0 or not ratio)}  # fmt: skip
    if "effect" not in numbers:
        return Markup()
    least, most = _reach(list(numbers.values()), row["unit"])

    def place(number: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (number - least) / (most - least), 1)

    start, end = place(numbers.get("claimed_low", least)), place(numbers.get("claimed_high", most))
    parts = [f'<rect class="claimed" x="{start}" y="4" width="{round(end - start, 1)}" height="{2 * LINE - 8}"/>']
    if "low" in numbers and "high" in numbers:
        parts.append(f'<path class="line" d="M{place(numbers["low"])} {LINE}H{place(numbers["high"])}"/>')
    parts.append(f'<circle cx="{place(numbers["effect"])}" cy="{LINE}" r="4.5"/>')
    ticks = sorted({numbers[name] for name in ("claimed_low", "claimed_high") if name in numbers})
    parts += [f'<path class="tick" d="M{place(tick)} 2V{2 * LINE - 2}"/>' for tick in ticks]
    parts += _numbers([(place(tick), short(back(tick))) for tick in ticks])
    label = f"{said}; claimed: {claimed(row)}"
    head = Markup('<svg class="axis {}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        verdict.replace(" ", "-"), WIDTH, HEIGHT, label
    )
    return head + Markup("".join(parts)) + Markup("</svg>")  # noqa: S704 (of numbers alone)


def _reach(numbers: list[float], unit: str) -> tuple[float, float]:
    """Return the ends of the axis: somewhat beyond all numbers."""
    if unit in BOUNDED:
        return -1.05, 1.05
    least, most = min(numbers), max(numbers)
    beyond = 0.18 * (most - least) or max(0.5, 0.5 * abs(least))
    return least - beyond, most + beyond


def _numbers(ticks: list[tuple[float, str]]) -> list[str]:
    """Write what stands at ticks, from left to right; where two are close, away from one another."""
    anchors = ["start" if x < WIDTH / 4 else "end" if x > WIDTH * 3 / 4 else "middle" for x, _ in ticks]
    if len(ticks) == 2 and ticks[1][0] - ticks[0][0] < APART:
        anchors = ["end", "start"]
    return [f'<text x="{x}" y="{HEIGHT - 3}" text-anchor="{anchor}">{said}</text>'
            for (x, said), anchor in zip(ticks, anchors, strict=True)]  # fmt: skip
