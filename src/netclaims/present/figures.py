"""Figures from tables: what to draw a `FigureSpec` says, how is said here once."""

from __future__ import annotations

from math import ceil
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netclaims.present import overlays, style
from netclaims.present.axes import colour_bar, label_decades, shape_axis
from netclaims.present.captions import caption, diverged
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.marks import KINDS, NEVER, nothing
from netclaims.present.quantities import PLANE, value
from netclaims.present.tables import (
    FEW,
    correlation,
    ends_of,
    facets_of,
    of_facet,
    panels,
    path_of,
    quantity,
    thinned,
)

SPREADS = {"lines": " (line: mean, band: smallest to largest)", "points": " (dot: mean, bar: smallest to largest)"}
WIDTH, ABREAST = 4.6, 2  # inches, and panels side by side: what a column of a page can show in letters of a good size
TALL, HIGH, LOW = 2.6, 1.9, 1.55  # inches: a panel alone, one of several side by side, one of several below each other
START_HIDES = 8  # an axis does without the first epoch where accuracies span more than so many times as much with it
APART = ("function", "plane")  # panels for these have axes of their own; others are compared


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
    tables, path = panels(key, spec, about), path_of(key, spec, about)
    facets = facets_of(tables, spec)
    figure, grid = _panels(len(tables), len(facets), spec)
    left = [thinned(table, spec) for table in tables]
    for row, (_, column), table in zip(grid, spec.shown, left, strict=True):
        name = fill(quantity(column, spec, about, table), width=round(10.5 * _height(figure, row[0])))
        for axes, facet in zip(row, facets, strict=True):
            rows = of_facet(table, spec, facet)
            if spec.plane or axes.get_subplotspec().colspan.start == 0:
                axes.set_ylabel(PLANE[1] if spec.plane else name)
            if rows.empty:
                nothing(axes)
                continue
            _shape(axes, table, spec, column)  # all facets count, so that those of a row are alike
            filled = KINDS[spec.kind](axes, rows, spec, column)
            if filled is not None:
                colour_bar(axes, filled, name)
            if path is not None:
                overlays.walk(axes, of_facet(path, spec, facet), spec)
            if spec.kind in SPREADS and column == NEVER:
                overlays.censored(axes, rows, spec, column, about["epochs"])
            elif spec.kind in SPREADS and diverged(about):
                overlays.crosses(axes, rows, spec, column)
            if spec.chance and column == "accuracy":
                overlays.chance(axes, spec.chance, about["test_examples"])
            if spec.kind == "lines":
                overlays.references(axes, rows, spec, column, about, _spanned(_in_view(rows, spec, column), column))
    _name(grid, facets, spec, about, tables)
    if spec.note:
        overlays.note(grid[0][0], correlation(key, spec), round(13 * WIDTH / min(ABREAST, len(facets))))
    for axes in grid.flat:  # only now do those that share an axis show all that is on it
        label_decades(axes)
        _bare(axes)
    above = _legend(figure, grid)
    banded = any(f"{column}_low" in table for (_, column), table in zip(spec.shown, tables, strict=True))
    spread = SPREADS.get(spec.kind, "") if banded and about["replicas"] > 1 else ""
    few = "" if left[0] is tables[0] else f"{FEW} of {tables[0][spec.lines].nunique()} nets shown"
    _frame(figure, spec.title, " · ".join(filter(None, [caption(about), ends_of(key, spec), few])) + spread, above)
    return figure


def draw_failure(title: str, reason: str) -> Figure:
    """Draw what stands in place of a figure that could not be drawn: its title, and why."""
    style.apply()
    figure = Figure(figsize=(WIDTH, 1.2))
    figure.text(0.01, 0.9, fill(title, width=52), va="top", fontsize=11, fontweight="bold", parse_math=False)
    figure.text(0.01, 0.1, fill(f"not drawn: {reason}", width=72), fontsize=8, color=style.QUIET, parse_math=False)
    return figure


def _panels(shown: int, facets: int, spec: FigureSpec) -> tuple[Figure, np.ndarray]:
    """Return a figure and its panels: a row for each quantity, a column for each facet, however they lie on it."""
    abreast = min(facets, 1 if spec.plane else ABREAST)
    blocks = ceil(facets / abreast)
    high = TALL if abreast == shown == 1 else HIGH if shown == 1 else LOW
    figure = Figure(figsize=(WIDTH, 0.5 + high * shown * blocks), layout="constrained")
    places = figure.add_gridspec(shown * blocks, abreast)
    grid = np.empty((shown, facets), dtype=object)
    for row in range(shown):
        for facet in range(facets):
            block, column = divmod(facet, abreast)
            beside = grid[row][0] if facet and spec.columns not in APART and spec.kind != "points" else None
            first = grid[0][facet] if beside is None else grid[0][0]
            axes = figure.add_subplot(places[block * shown + row, column], sharex=first, sharey=beside)
            axes.tick_params(labelbottom=row == shown - 1, labelleft=beside is None or column == 0)
            grid[row][facet] = axes
    return figure, grid


def _height(figure: Figure, axes: Axes) -> float:
    """Return about how high a panel is, in inches."""
    return figure.get_figheight() / axes.get_gridspec().nrows


def _bare(axes: Axes) -> None:
    """Leave an axis without numbers if no panel that shares it has a value."""
    if not any(np.isfinite(one.dataLim.intervaly).all() for one in axes.get_shared_y_axes().get_siblings(axes)):
        axes.set_yticks([])


def _shape(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    """Set scale and number format of the axes, but of those that the kind of figure itself sees to."""
    if spec.kind != "points":
        shape_axis(axes, spec.x, "x", spec.scale(spec.x), _spanned(table, spec.x))
    if not spec.plane:
        view = _in_view(table, spec, column)
        values = _spanned(view, column)
        shape_axis(axes, column, "y", spec.scale(column), values)
        if view is not table:
            room = (max(values) - min(values)) / 20
            axes.set_ylim(min(values) - room, max(values) + room)


def _in_view(table: pd.DataFrame, spec: FigureSpec, column: str) -> pd.DataFrame:
    """Return the rows that a panel has to show: of accuracies those after the first epoch, if it hides their course.

    An untrained net guesses. Where one epoch brings it to 98 %, an axis that shows both shows nothing of what follows.
    """
    if (spec.kind, spec.x, column) != ("lines", "epoch", "accuracy") or spec.chance:
        return table
    later = table[table["epoch"] > table["epoch"].min()]
    every, then = (_spanned(rows, column) for rows in (table, later))
    if not then or len(set(later["epoch"])) == 1:
        return table
    hidden = 0 < START_HIDES * (max(then) - min(then)) < max(every) - min(every)
    return later if hidden else table


def _spanned(table: pd.DataFrame, column: str) -> list[float]:
    """Return the values of a column and of its band, as far as they are there."""
    columns = [name for name in (column, f"{column}_low", f"{column}_high") if name in table]
    return table[columns].replace([np.inf, -np.inf], np.nan).melt()["value"].dropna().tolist()


def _name(grid: np.ndarray, facets: list[object], spec: FigureSpec, about: dict, tables: list[pd.DataFrame]) -> None:
    """Write above each column of panels which value it is for, and below it what lies across."""
    for axes, facet in zip(grid[0], facets, strict=True):
        if facet is not None:
            axes.set_title(fill(value(spec.columns, facet), width=32), parse_math=False)
    figure = grid[0][0].figure
    name = spec.x_label or (PLANE[0] if spec.plane else quantity(spec.x, spec, about, tables[0]))
    last = grid[0][0].get_gridspec().nrows - grid.shape[0]
    for axes in grid[-1]:
        below = axes.get_subplotspec().rowspan.start - grid.shape[0] + 1 == last
        if below or spec.columns in APART or len(facets) % ABREAST:
            axes.set_xlabel(fill(name, width=round(11 * WIDTH / min(ABREAST, len(facets)))), parse_math=False)
    figure.align_ylabels([axes for axes in grid.flat if axes.get_subplotspec().colspan.start == 0])


def _legend(figure: Figure, grid: np.ndarray) -> float:
    """Set one legend for all panels above them, where there is more than a line alone.

    Returns:
        Its height, in inches.
    """
    found: dict[str, Artist] = {}
    for axes in grid.flat:
        for artist, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(fill(name, width=34), artist)
    if len(found) < 2 and all(artist.get_zorder() == Line2D.zorder for artist in found.values()):
        return 0.0
    longest = max(len(line) for name in found for line in name.split("\n"))
    columns = max(1, min(len(found), round(14 * WIDTH / (longest + 6))))
    legend = figure.legend(found.values(), found.keys(), loc="lower left", bbox_to_anchor=(0, 1), ncols=columns,
                           columnspacing=1.2, borderaxespad=0)  # fmt: skip
    legend.set_in_layout(False)
    return ceil(10 * legend.get_window_extent().height / figure.dpi) / 10  # coarse, it gives the same bytes everywhere


def _frame(figure: Figure, title: str, below: str, above: float) -> None:
    """Write a title above a figure and its legend, which is so many inches high, and below what its numbers are."""
    high = figure.get_figheight()
    title = fill(title, width=round(11.5 * WIDTH))
    look = {"fontsize": 10.5, "fontweight": "bold", "parse_math": False}
    figure.text(0.01, 1 + (above + 0.06) / high, title, ha="left", va="bottom", gid="title", **look).set_in_layout(
        False
    )
    below = fill(below, width=round(19 * WIDTH))
    look = {"fontsize": 7, "color": style.QUIET, "parse_math": False}
    figure.text(0.01, 0.0, below, ha="left", va="top", gid="caption", **look).set_in_layout(False)
