"""An effect before and after, with both intervals on one axis, as a small SVG."""

from __future__ import annotations

from math import isfinite, log10

from markupsafe import Markup, escape

from netclaims.present.wording import short
from netclaims.review.verdicts import Interval

WIDTH, HEIGHT, EDGE = 220, 46, 26
NEUTRAL = {"rho": 0.0, "rank": 0.0, "ratio": 1.0, "difference": 0.0, "height": 0.0}  # no effect, by unit


def drawing(before: Interval | None, after: Interval | None) -> Markup:
    """Draw both above one axis, with a line where there is no effect.

    Nothing is drawn where either is missing or they are in different units, which have no axis in common.
    """
    if before is None or after is None or before.unit != after.unit:
        return Markup("")
    neutral = NEUTRAL[after.unit]
    shown = [value for some in (before, after) for value in (some.effect, some.low, some.high) if isfinite(value)]
    logarithmic = after.unit == "ratio" and min(shown) > 0
    low, high = min([*shown, neutral]), max([*shown, neutral])

    def at(value: float) -> float:
        ends = [log10(low), log10(high), log10(value)] if logarithmic else [low, high, value]
        share = (ends[2] - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else 0.5
        return round(EDGE + share * (WIDTH - 2 * EDGE), 1)

    parts = [f'<line class="neutral" x1="{at(neutral)}" x2="{at(neutral)}" y1="2" y2="30"/>']
    for name, some, y in (("before", before, 9), ("after", after, 22)):
        if isfinite(some.low) and isfinite(some.high):
            parts.append(f'<line class="{name}" x1="{at(some.low)}" x2="{at(some.high)}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="{name}" cx="{at(some.effect)}" cy="{y}" r="3.5"/>')
    for value in dict.fromkeys((low, high)):
        parts.append(f'<text x="{at(value)}" y="42" text-anchor="middle">{escape(short(value, 2))}</text>')
    label = f"before {short(before.effect)}, after {short(after.effect)}"
    return Markup(  # noqa: S704 (of numbers)
        f'<svg class="axis" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
