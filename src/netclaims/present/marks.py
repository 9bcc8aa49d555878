"""What stands for the rows of a table in a panel, by kind of figure: lines, points, paths, contours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet

from netclaims.present import style
from netclaims.present.axes import levels, name_ticks
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.quantities import value
from netclaims.present.tables import points_of

NEVER = "epochs_to_fit"  # it also has no value where a net never fitted
MARKED = 12  # a line of more values needs no marks
SAME = 0.02  # of what an axis shows: lines closer than this lie on one another
BAND = 100  # a band has about so many places at most
Series = tuple[pd.DataFrame, str, str, str]


def series_of(table: pd.DataFrame, spec: FigureSpec) -> Iterator[Series]:
    """Yield each line: its rows, its colour, its name in the legend, and its split."""
    by = spec.lines or ("split" if "split" in table else None)
    names = table[by] if by else pd.Series("_", table.index)
    splits = table["split"] if "split" in table else pd.Series("", table.index)
    palette = style.colours(list(names.cat.categories) if by else ["_"])
    for (name, split), rows in table.groupby([names, splits], sort=False, observed=True):
        yield rows.sort_values(spec.x), palette[name], value(by, name), split


def nothing(axes: Axes) -> None:
    """Say in a panel that there is nothing to show in it."""
    axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=style.QUIET)


def aside(series: int) -> np.ndarray:
    """Return how far the points of each of so many series lie beside their category."""
    return np.linspace(-1, 1, series) * min(0.3, 0.08 * (series - 1))


def _splits(table: pd.DataFrame, spec: FigureSpec) -> list[str]:
    """Name training and test where lines of both have one colour."""
    splits = list(dict.fromkeys(table["split"])) if spec.lines not in (None, "split") and "split" in table else []
    return splits if len(splits) > 1 else []


def _lines(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    if "truth" in table:
        once = table.drop_duplicates(spec.x)
        axes.plot(once[spec.x], once["truth"], color=style.TRUTH, lw=0.9, ls=":", label="truth", zorder=3)
    series = list(series_of(table, spec))
    for (rows, colour, name, split), over in zip(series, _over(axes, series, spec, column), strict=True):
        marker = "o" if len(rows) <= MARKED else None
        look = {"lw": 1.4 + 1.1 * over, "ms": 3 + 1.5 * over} | ({"mew": 0, "alpha": 0.6} if over else {})
        axes.plot(rows[spec.x], rows[column], color=colour, ls=style.DASHES.get(split, "-"),
                  marker=marker, label=name, **look)  # fmt: skip
        if f"{column}_low" in rows:
            band = _band(rows, spec.x, column)
            axes.fill_between(band.index, band["low"], band["high"], color=colour, alpha=0.18, lw=0)
    for split in _splits(table, spec):
        axes.plot([], [], color=style.QUIET, ls=style.DASHES[split], label=value("split", split))


def _over(axes: Axes, series: list[Series], spec: FigureSpec, column: str) -> list[int]:
    """Count for each line the later ones of the same dashes that run over it for most of its course.

    Where both are zero, on an axis that shows little else, they may.
    """
    scale = axes.yaxis.get_transform().transform
    lines = [pd.Series(scale(rows[column].to_numpy(float)), rows[spec.x]) for rows, _, _, _ in series]
    lines = [line[np.isfinite(line)] for line in lines]
    near = SAME * np.ptp(np.concatenate(lines)) if any(map(len, lines)) else 0.0
    return [
        sum(
            later[3] == one[3] and _runs_over(above, line, near, spec.scale(column) == "symlog")
            for above, later in zip(lines[i + 1 :], series[i + 1 :], strict=True)
        )
        for i, (line, one) in enumerate(zip(lines, series, strict=True))
    ]


def _runs_over(upper: pd.Series, lower: pd.Series, near: float, about_zero: bool) -> bool:
    upper, lower = upper.align(lower, join="inner")
    counted = (upper.abs() > near) | (lower.abs() > near) if about_zero else slice(None)
    return bool(((upper - lower).abs() <= near)[counted].mean() >= 0.7)


def _band(rows: pd.DataFrame, x: str, column: str) -> pd.DataFrame:
    """Return the ends of a band, `low` and `high`, by `x`; of a long one those of some rows together."""
    together = max(1, len(rows) // BAND)
    groups = np.arange(len(rows)) // together
    ends = pd.DataFrame({"x": rows[x].to_numpy(), "low": rows[f"{column}_low"].to_numpy(),
                         "high": rows[f"{column}_high"].to_numpy()})  # fmt: skip
    found = ends.groupby(groups).agg({"x": "first", "low": "min", "high": "max"})
    if together > 1:  # it ends where the line does
        found = pd.concat([found, ends.tail(1)])
    return found.set_index("x")


def _points(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    series, splits = list(series_of(table, spec)), _splits(table, spec)
    for (rows, colour, name, split), shift in zip(series, aside(len(series)), strict=True):
        x = rows[spec.x].cat.codes + shift
        if f"{column}_low" in rows:
            axes.vlines(x, rows[f"{column}_low"], rows[f"{column}_high"], color=colour, lw=2.5, alpha=0.4)
        face = "white" if split in splits[1:] else colour
        axes.plot(x, rows[column], "o", ms=4.5, color=colour, mfc=face, label=name)
    for split in splits:
        face = "white" if split in splits[1:] else style.QUIET
        axes.plot([], [], "o", ms=4.5, color=style.QUIET, mfc=face, label=value("split", split))
    if table[column].isna().all() and column != NEVER:
        nothing(axes)
    names = [value(spec.x, name) for name in table[spec.x].cat.categories]
    name_ticks(axes, names, axes.figure.get_figwidth() / axes.get_gridspec().ncols)


def _scatter(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    names = table[spec.lines] if spec.lines else pd.Series("_", table.index).astype("category")
    palette = style.colours(list(names.cat.categories))
    there = points_of(table, spec.x, column)
    if there.empty:
        nothing(axes)
    for name, rows in there.groupby(names[there.index], sort=False, observed=True):
        axes.plot(rows[spec.x], rows[column], "o", ms=4, color=palette[name], alpha=0.7, mew=0,
                  label=value(spec.lines, name))  # fmt: skip


def _paths(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> None:
    replicas = list(dict.fromkeys(table["replica"]))
    palette = style.colours(replicas)
    for replica in replicas:
        rows = table[table["replica"] == replica]
        draw_path(axes, rows, (spec.x, column), palette[replica], f"run {replica + 1}")
    last = table.groupby("replica")["epoch"].max()
    ends = " or ".join(f"{epoch:,.10g}" for epoch in sorted(set(last)))
    first = f"{table['epoch'].min():,.10g}"
    axes.plot([], [], "o", ms=7, mfc="white", color=style.QUIET, label=f"epoch {first}, up to {ends}")


def draw_path(axes: Axes, rows: pd.DataFrame, columns: tuple[str, str], colour: str, name: str) -> list[Artist]:
    """Draw a path from an open circle at its first epoch to its last; or a dot at the only one.

    Args:
        axes: the panel.
        rows: a place for every `epoch`.
        columns: those of the places, across and up.
        colour: of the line.
        name: for the legend.

    Returns:
        All that was drawn.
    """
    rows = rows.sort_values("epoch")
    x, y = (rows[column].to_numpy() for column in columns)
    line = axes.plot(x, y, "-o", color=colour, ms=3, lw=1, label=name)
    start = axes.plot(x[0], y[0], "o", ms=7, mfc="white", color=colour, zorder=3) if len(rows) > 1 else []
    return line + start


def _contours(axes: Axes, table: pd.DataFrame, spec: FigureSpec, column: str) -> ContourSet | None:
    heights = table.pivot_table(column, index="y", columns=spec.x, dropna=False)
    x, y, z = heights.columns, heights.index, np.ma.masked_invalid(heights)
    if z.mask.all() or min(z.shape) < 2:  # the way of a net that stood still spans no plane
        nothing(axes)
        return None
    steps, norm = levels(float(z.min()), float(z.max()))
    z = z.clip(steps[0], steps[-1])  # the ends are rounded, and what lies beyond them would be left out
    axes.grid(visible=False)
    axes.contour(x, y, z, steps, colors="white", linewidths=0.4, alpha=0.7)
    return axes.contourf(x, y, z, steps, norm=norm, cmap=style.SCALE, zorder=0)


# Each kind draws a column of a table into a panel, and returns what a bar of colours is to explain, if anything.
KINDS = {"lines": _lines, "points": _points, "scatter": _scatter, "paths": _paths, "contours": _contours}
