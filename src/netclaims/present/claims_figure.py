"""The figure of all tested claims: effects and intervals, report by report."""

from __future__ import annotations

from math import isfinite
from textwrap import shorten

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from netclaims.claims.verdicts import VERDICTS
from netclaims.present import style
from netclaims.present.axes import PLAIN
from netclaims.present.style import QUIET

TESTED = [VERDICTS[name] for name in ("supported", "refuted", "undecided")]  # the figure has no others
# The panels: a title, and what its axis shows of which units.
PANELS = {
    "ranks": ("rank correlation ρ, or\ndifference of mean ranks", ("rho", "rank")),
    "ratio": ("ratio", ("ratio",)),
    "difference": ("difference", ("difference",)),
    "height": ("fall and rise, the smaller\n(standard deviations)", ("height",)),
}
RATIOS = (0.02, 50)  # what lies farther out is drawn at the edge, as an arrow
DIFFERENCES = (-100, -1, -0.01, 0, 0.01, 1, 100)  # where their axis has numbers
LINEAR = 1e-3  # accuracies, losses and epochs share an axis, which is logarithmic from here on, both ways
ROW, PANEL, WIDE, LABEL, TITLE = 0.19, 1.6, 2.6, 5.0, 1.1  # inches; differences need a wide panel
CLAIMED = "#E9EEF5"
QUOTED_LETTERS = 84


def draw_claims(claims: pd.DataFrame, scale: str) -> Figure:
    """Draw a row for every tested claim, with a point and its 95 % interval in the panel of its unit.

    Effects point to the right where they are as claimed; a shaded part of a row is what the claim says.

    Args:
        claims: the table `plots/claims.csv`.
        scale: named in the title.
    """
    style.apply()
    tested = claims[claims["unit"].notna() & (claims["unit"] != "")]
    shown = {name: panel for name, panel in PANELS.items() if tested["unit"].isin(panel[1]).any()}
    places, heads, bottom = _places(tested)
    height = bottom * ROW + TITLE + 0.9
    wide = [WIDE if name == "difference" else PANEL for name in shown] or [PANEL]
    width = LABEL + sum(wide) + 0.3
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(
        1, max(1, len(shown)), sharey=True, squeeze=False, gridspec_kw={"wspace": 0.2, "width_ratios": wide}
    )[0]
    figure.subplots_adjust(LABEL / width, 0.75 / height, 1 - 0.3 / width, 1 - TITLE / height)
    for axes, (name, (title, units)) in zip(grid, shown.items(), strict=False):
        _panel(axes, tested[tested["unit"].isin(units)], places, title, name)
    first = grid[0]
    first.set_ylim(bottom - 0.4, -0.9)
    first.set_yticks([places[key] for key in tested["claim"]],
                     [f"“{shorten(quote, QUOTED_LETTERS, placeholder='…')}”" for quote in tested["quote"]])  # fmt: skip
    for tick, verdict in zip(first.get_yticklabels(), tested["verdict"], strict=True):
        tick.set(size=7, parse_math=False, color=VERDICTS[verdict].colour if verdict != "undecided" else QUIET)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=8, labeltop=True)
        for place in heads.values():
            axes.axhline(place + 0.55, color="#B0B0B0", linewidth=0.6)
    for report, place in heads.items():
        first.text(0.01, place, f"Report {report}", weight="bold", va="center", size=9,
                   transform=blended_transform_factory(figure.transFigure, first.transData))  # fmt: skip
    found, reports = claims["verdict"].value_counts(), claims["report"].nunique()
    said = ", ".join(f"{found.get(name, 0)} {name}" for name in VERDICTS)
    figure.suptitle(f"{len(claims)} claims of {reports} report{'s' * (reports > 1)}, at the {scale} scale: {said}",
                    x=0.01, y=1 - 0.12 / height, ha="left", va="top", size=11)  # fmt: skip
    marks = [Line2D([], [], color=verdict.colour, marker=verdict.marker, linestyle="-", markersize=5,
                    label=verdict.name) for verdict in TESTED]  # fmt: skip
    figure.legend(handles=[*marks, Patch(color=CLAIMED, label="what the claim says")], ncols=4, loc="upper left",
                  bbox_to_anchor=(0.005, 1 - 0.32 / height))  # fmt: skip
    figure.text(0.01, 0.12 / height, "Points: effect, positive (or above 1) as claimed; of several comparisons the one "
                "that speaks least for the claim. Bars: 95 % intervals\nover replicas, each by itself; verdicts allow "
                "for all claims of a report on a question (Holm 1979).",
                size=7.5, color=QUIET, va="bottom")  # fmt: skip
    return figure


def _places(tested: pd.DataFrame) -> tuple[dict[str, float], dict[str, float], float]:
    """Return the heights of the claims' rows and of the reports' headings, and where the last row ends."""
    places, heads, at = {}, {}, 0.0
    for report, rows in tested.groupby("report", sort=False):
        heads[report] = at
        places |= {key: at + 1 + i for i, key in enumerate(rows["claim"])}
        at += len(rows) + 1.4
    return places, heads, at


def _panel(axes: Axes, rows: pd.DataFrame, places: dict[str, float], title: str, name: str) -> None:
    axes.set_title(title, size=8)
    axes.grid(axis="y", color="#F2F2F2")
    axes.spines["left"].set_visible(False)
    low, high = _limits(rows, name)
    if name == "ratio":
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(PLAIN)
    elif name == "difference":
        axes.set_xscale("symlog", linthresh=LINEAR)
        axes.xaxis.set_major_locator(FixedLocator([tick for tick in DIFFERENCES if low <= tick <= high]))
        axes.xaxis.set_major_formatter(PLAIN)
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(low, high)
    axes.axvline(1 if name == "ratio" else 0, color="#707070", linewidth=0.8)
    for row in rows.itertuples():
        y, verdict = places[row.claim], VERDICTS[row.verdict]
        claimed = (row.claimed_low, row.claimed_high if isfinite(row.claimed_high) else high)
        axes.barh(y, claimed[1] - claimed[0], left=claimed[0], height=0.86, color=CLAIMED, zorder=0.5)
        if isfinite(row.low) and isfinite(row.high):
            axes.plot(np.clip([row.low, row.high], low, high), [y, y], color=verdict.colour, linewidth=1.3)
        outside = row.effect < low or row.effect > high
        mark = ("<" if row.effect < low else ">") if outside else verdict.marker
        axes.plot(np.clip(row.effect, low, high), y, marker=mark, color=verdict.colour, markersize=4.2, clip_on=False)


def _limits(rows: pd.DataFrame, name: str) -> tuple[float, float]:
    if name == "ranks":
        return -1.08, 1.08
    numbers = rows[["effect", "low", "high"]].to_numpy(float)
    numbers = numbers[np.isfinite(numbers)] if np.isfinite(numbers).any() else np.ones(1)
    if name == "ratio":
        reach = max(abs(np.log(np.clip(numbers, *RATIOS))).max() * 1.1, np.log(1.5))
        return float(np.exp(-reach)), float(np.exp(reach))
    reach = max(1.1 * abs(numbers).max(), 10 * LINEAR)
    return -float(reach), float(reach)
