"""What goes on top of a panel: the path through a plane, nets that diverged, what guessing comes to, a correlation."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from netclaims.present import style
from netclaims.present.captions import DIVERGED
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.marks import MARKED, aside, draw_path, series_of


def walk(axes: Axes, path: pd.DataFrame, spec: FigureSpec) -> None:
    """Draw the path over a plane, if there is one, legible on every colour.

    Args:
        axes: the panel.
        path: rows as `tables.path_of` gives them, of this panel.
        spec: the figure.
    """
    rows = path[path["at"] == "on the path"]
    for artist in draw_path(axes, rows, (spec.x, "y"), "black", "_") if len(rows) else []:
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
        axes.plot([], [], "x", ms=5, color=style.QUIET, label=DIVERGED)
    if not np.isfinite(table[column]).any():
        axes.set_yticks([])


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
    """Write a rank correlation into the corner of a panel, above what the panel shows.

    Args:
        axes: the panel.
        found: as `tables.correlation` gives it.
        width: of its lines, in characters.
    """
    value = "undefined" if found["rho"] is None else f"{found['rho']:.2f}"
    nets = f"{found['n']} nets"
    if found["low"] is not None:
        nets = f"95 % interval {found['low']:.2f} to {found['high']:.2f}, {nets}"
    equals = ":" if found["rho"] is None else " ="
    text = fill(f"Spearman's ρ{equals} {value} ({nets})".replace("-", "−"), width=width)
    axes.margins(y=0.12 * (1 + text.count("\n")))
    axes.text(0.99, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=7, color=style.QUIET)
