"""Figures from tables: what to draw a `FigureSpec` says, how is said here once."""

from __future__ import annotations

from math import ceil
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from netclaims.present import overlays, style
from netclaims.present.axes import colour_bar, label_decades, shape_axis
from netclaims.present.captions import DIVERGED, caption, diverged
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.marks import KINDS, nothing
from netclaims.present.quantities import PLANE, label, value
from netclaims.present.tables import correlation, ends_of, facets_of, of_facet, panels, path_of

NEVER = "epochs_to_fit"  # it also has no value where a net never fitted
SPREADS = {"lines": " (line: mean, band: smallest to largest)", "points": " (dot: mean, bar: smallest to largest)"}


def draw(key: str, spec: FigureSpec, about: dict) -> Figure:
    """Draw one figure from the tables in `plots/<report>/<key>/`.

    Args:
        key: the experiment or analysis that the tables are of.
        spec: what to draw of them.
        about: the experiment's metrics: data set, scale, examples, replicas, loss.

    Raises:
        SettingsError: a table, a column or a note that the figure names does not exist.
    """
    style.apply()
    tables, path = panels(key, spec), path_of(key, spec)
    facets = facets_of(tables, spec)
    high = 3.0 if len(tables) == 1 else 1.9
    across = max(4.3, (3.7 if spec.plane else 3.0) * len(facets))
    figure = Figure(figsize=(across, 0.9 + high * len(tables)), layout="constrained")
    grid = figure.subplots(len(tables), len(facets), squeeze=False, sharex="col")
    for row, (_, column), table in zip(grid, spec.shown, tables, strict=True):
        quantity = fill(label(column, about["loss"]), width=round(12 * high))
        for axes, facet in zip(row, facets, strict=True):
            rows = of_facet(table, spec, facet)
            if rows.empty:
                nothing(axes)
                continue
            _shape(axes, table, spec, column)  # all facets count, so that those of a row are alike
            filled = KINDS[spec.kind](axes, rows, spec, column)
            if filled is not None:
                colour_bar(axes, filled, quantity)
            if path is not None:
                overlays.walk(axes, of_facet(path, spec, facet), spec)
            if spec.kind in SPREADS and column != NEVER and diverged(about):
                overlays.crosses(axes, rows, spec, column)
            if spec.chance and column == "accuracy":
                overlays.chance(axes, spec.chance, about["test_examples"])
            label_decades(axes)
        row[0].set_ylabel(PLANE[1] if spec.plane else quantity)
    _name(grid, facets, spec, about)
    if spec.note:
        overlays.note(grid[0][0], correlation(key, spec), round(16 * across / len(facets)))
    beside = _legend(figure, grid)
    banded = any(f"{column}_low" in table for (_, column), table in zip(spec.shown, tables, strict=True))
    spread = SPREADS.get(spec.kind, "") if banded and about["replicas"] > 1 else ""
    ended = ends_of(key, spec)
    _frame(figure, spec.title, " · ".join(filter(None, [caption(about), ended])) + spread, beside)
    return figure


def draw_failure(title: str, reason: str) -> Figure:
    """Draw what stands in place of a figure that could not be drawn: its title, and why."""
    style.apply()
    figure = Figure(figsize=(5.2, 1.2))
    figure.text(0.01, 0.9, fill(title, width=52), va="top", fontsize=11, fontweight="bold", parse_math=False)
    figure.text(0.01, 0.1, fill(f"not drawn: {reason}", width=80), fontsize=8, color=style.QUIET, parse_math=False)
    return figure


def _shape(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    """Set scale and number format of the axes, but of those that the kind of figure itself sees to."""
    if spec.kind != "points":
        shape_axis(axes, spec.x, "x", spec.scale(spec.x), _spanned(table, spec.x))
    if not spec.plane:
        shape_axis(axes, column, "y", spec.scale(column), _spanned(table, column))


def _spanned(table: pd.DataFrame, column: str) -> list[float]:
    """Return the values of a column and of its band, as far as they are there."""
    columns = [name for name in (column, f"{column}_low", f"{column}_high") if name in table]
    return table[columns].replace([np.inf, -np.inf], np.nan).melt()["value"].dropna().tolist()


def _name(grid: np.ndarray, facets: list[object], spec: FigureSpec, about: dict) -> None:
    """Write above each column of panels which value it is for, and below it what lies across."""
    for axes, facet in zip(grid[0], facets, strict=True):
        if facet is not None:
            axes.set_title(value(spec.columns, facet), parse_math=False)
    figure = grid[0][0].figure
    name = spec.x_label or (PLANE[0] if spec.plane else label(spec.x, about["loss"]))
    for axes in grid[-1]:
        axes.set_xlabel(fill(name, width=round(11 * figure.get_figwidth() / len(facets))), parse_math=False)
    figure.align_ylabels(grid[:, 0])


def _legend(figure: Figure, grid: np.ndarray) -> float:
    """Set one legend for all panels to their right, where there is more than one thing to tell apart.

    Returns:
        Its width, in inches.
    """
    found: dict[str, Artist] = {}
    for axes in grid.flat:
        for artist, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(fill(name, width=24), artist)
    if len(found) < 2 and DIVERGED not in found:
        return 0.0
    legend = figure.legend(found.values(), found.keys(), loc="outside right upper")
    return ceil(10 * legend.get_window_extent().width / figure.dpi) / 10  # coarse, it gives the same bytes everywhere


def _frame(figure: Figure, title: str, below: str, beside: float) -> None:
    """Make room for the legend, so many inches, and write a title above the figure and a line below it."""
    width = max(5.2, figure.get_figwidth() + beside)
    figure.set_figwidth(width)
    title = fill(title, width=round(10 * (width - beside)))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", parse_math=False)
    below = fill(below, width=round(21 * width))
    figure.text(0.01, 0.0, below, ha="left", va="top", fontsize=6.5, color=style.QUIET, parse_math=False)
