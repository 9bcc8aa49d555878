"""What goes on top of a panel: a path, nets that diverged or never fitted, what guessing comes to, a correlation."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from netclaims.data.functions import FUNCTIONS, evaluate, grid
from netclaims.present import style
from netclaims.present.captions import DIVERGED
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.marks import MARKED, aside, draw_path, series_of
from netclaims.present.tables import differs
from netclaims.present.wording import short


def walk(axes: Axes, path: pd.DataFrame, spec: FigureSpec) -> None:
    """Draw the path over a plane, if there is one, with its first and last epoch, legible on every colour.

    Args:
        axes: the panel.
        path: rows as `tables.path_of` gives them, of this panel.
        spec: the figure.
    """
    rows = path[path["at"] == "on the path"].sort_values("epoch")
    if rows.empty:
        return
    look = {"xytext": (4, 4), "textcoords": "offset points", "fontsize": 6.5}
    ends = rows.iloc[sorted({0, len(rows) - 1})][["epoch", spec.x, "y"]].to_numpy()
    numbers = [axes.annotate(f"{epoch:,.10g}", (x, y), **look) for epoch, x, y in ends]
    for artist in [*draw_path(axes, rows, (spec.x, "y"), "black", "_"), *numbers]:
        artist.set(color="black", path_effects=[withStroke(linewidth=2, foreground="white")])


def crosses(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    """Set a cross at the upper edge where there is no value since a net diverged; of a long line, where that begins.

    Args:
        axes: the panel.
        table: its rows.
        spec: the figure, of lines or points.
        column: what the panel shows.
    """
    series = list(series_of(table, spec))
    colours = list(dict.fromkeys(colour for _, colour, _, _ in series))
    for (rows, colour, _, _), shift in zip(series, aside(len(series)), strict=True):
        missing = ~np.isfinite(rows[column])
        if spec.kind == "lines" and len(rows) > MARKED:
            missing &= ~missing.shift(fill_value=False)
        x = rows[spec.x] if spec.kind == "lines" else rows[spec.x].cat.codes + shift
        y = np.full(missing.sum(), 0.96 - 0.07 * (colours.index(colour) % MARKED))
        axes.plot(x[missing], y, "x", ms=5, color=colour, transform=axes.get_xaxis_transform(), zorder=4)
    if not np.isfinite(table[column]).all():
        axes.plot([], [], "x", ms=5, color=style.QUIET, label=DIVERGED, zorder=4)


def censored(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str, epochs: float) -> None:
    """Set an open triangle at the last epoch where there is no value, as a replica was not there within the training.

    Args:
        axes: the panel.
        table: its rows.
        spec: the figure, of lines or points.
        column: what the panel shows, in epochs.
        epochs: that nets were trained.
    """
    series = list(series_of(table, spec))
    for (rows, colour, _, _), shift in zip(series, aside(len(series)), strict=True):
        missing = rows[column].isna()
        x = rows[spec.x] if spec.kind == "lines" else rows[spec.x].cat.codes + shift
        axes.plot(x[missing], np.full(missing.sum(), epochs), "^", ms=6, color=colour, mfc="white", clip_on=False)
    high = max(epochs, table[f"{column}_high"].max() if f"{column}_high" in table else 0)
    axes.set_ylim(0 if spec.scale(column) == "linear" else None, 1.08 * high)
    if table[column].isna().any():
        name = f"not within {epochs:,.10g} epochs, in one replica at least"
        axes.plot([], [], "^", ms=6, color=style.QUIET, mfc="white", label=name, zorder=4)


def references(
    axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str, about: Mapping, values: list[float]
) -> None:
    """Draw lines to compare with: what guessing comes to, no gap, the two nets that a line leads through.

    Args:
        axes: the panel.
        table: its rows.
        spec: the figure.
        column: what the panel shows.
        about: the experiment's metrics.
        values: that the panel shows; a reference far from all of them is left out.
    """
    look = {"color": style.QUIET, "lw": 0.9, "ls": (0, (1, 1.5)), "zorder": 0.5}
    if spec.x == "alpha":
        for end in (0, 1):
            axes.axvline(end, **look)
    found = _reference(table, spec, column, about)
    if found and values and _near(found[0], values, spec.scale(column)):
        axes.axhline(found[0], label=found[1], **look)


def _reference(table: pd.DataFrame, spec: FigureSpec, column: str, about: Mapping) -> tuple[float, str] | None:
    """Return a number to compare with, and what it is."""
    if differs(spec):
        return 0.0, "no difference"
    if column.endswith("_gap"):
        return 0.0, "no gap"
    if column == "accuracy" and spec.classes and not spec.chance:
        return 1 / spec.classes, f"guessing: {short(100 / spec.classes)} %"
    if column == "loss" and spec.classes:
        return log(spec.classes), f"guessing: ln {spec.classes}"
    functions = set(table["function"]) if "function" in table else _functions(about["models"])
    if column == "loss" and about["loss"] == "mse" and len(functions) == 1:
        return float(evaluate(functions.pop(), grid(about["train_examples"])).var()), "variance of the function"
    return None


def _functions(metrics: Mapping) -> set[str]:
    parts = [(name, part) for name, part in metrics.items() if isinstance(part, Mapping)]
    return {name for name, _ in parts if name in FUNCTIONS}.union(*(_functions(part) for _, part in parts))


def _near(number: float, values: list[float], scale: str) -> bool:
    low, high = min(values), max(values)
    if scale == "log":
        return low / 3 <= number <= 3 * high
    return low - (high - low) / 2 <= number <= high + (high - low) / 2


def chance(axes: Axes, classes: int, examples: int) -> None:
    """Shade the central 95 % of the accuracies of guessing among equally likely classes, a binomial distribution.

    Args:
        axes: the panel.
        classes: among which a guess chooses.
        examples: that are guessed.
    """
    from scipy.special import bdtrik  # in some figures only; scipy.stats takes half a second

    low, high = (np.ceil(bdtrik(tail, examples, 1 / classes)) / examples for tail in (0.025, 0.975))
    axes.axhspan(low, high, color=style.QUIET, alpha=0.2, lw=0, zorder=0, label="95 % of guesses on the test set")


def note(axes: Axes, found: dict, width: int) -> None:
    """Write a rank correlation between a panel and its title, where it covers nothing; none of no nets.

    Args:
        axes: the panel.
        found: as `tables.correlation` gives it.
        width: of its lines, in characters.
    """
    if not found["n"]:
        return
    value = "is undefined" if found["rho"] is None else f"= {found['rho']:.2f}"
    if found["low"] is not None:
        value += f" [{found['low']:.2f}, {found['high']:.2f}]"
    text = fill(f"Spearman's ρ {value} ({found['n']} nets)".replace("-", "−"), width=width)
    axes.set_title(axes.get_title(), pad=6 + 9 * (1 + text.count("\n")), parse_math=False)
    look = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 7, "color": style.QUIET}
    axes.annotate(text, (0.5, 1), (0, 3), ha="center", va="bottom", **look)
