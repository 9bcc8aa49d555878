"""Figures from tables: what to draw is an entry of `figures:` in a report's YAML, how is said here once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from math import ceil
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from netclaims.data.functions import FUNCTIONS, formula
from netclaims.errors import SettingsError
from netclaims.files import read_csv, read_json
from netclaims.paths import metrics_of, plots_of
from netclaims.present import style
from netclaims.settings.figures import FigureSettings

CLASSES = 10
MARKED = 12  # a line of more values needs no marks
DIVERGED = "diverged"
TOLD = 3  # kinds of nets that diverged, of which a caption says more than how many
CORRELATION = ("rho", "low", "high", "n")
PLACES = re.compile(r' (?:d|x|y|x1|x2|y1|y2|transform)="[^"]*"')
FINER = re.compile(r"(\.\d\d)\d+")
NEVER = "epochs_to_fit"  # has no value where a net never fitted, too
SPREADS = {"lines": " (line: mean, band: smallest to largest)", "points": " (dot: mean, bar: smallest to largest)"}


def caption(about: dict) -> str:
    """What a figure's numbers are of: data set, scale, replicas, and which nets diverged, if any."""
    cut = "" if about["epochs"] == about["epochs_stated"] else f" of {about['epochs_stated']:,}"
    said = (
        f"{about['data']} · {about['scale']} scale: {about['train_examples']:,} training examples, "
        f"{about['epochs']:,}{cut} epochs · {about['replicas']} replicas"
    )
    return " · ".join(filter(None, [said, diverged(about)]))


def diverged(about: dict) -> str:
    """Which of an experiment's nets diverged, and how many of how many; nothing if none did.

    Args:
        about: the experiment's metrics.
    """
    kinds, replicas = dict(_diverged(about["models"], [])), about["replicas"]
    told = [f"{name} ({count} of {replicas})" for name, count in kinds.items() if count]
    if len(told) > TOLD:
        told = [f"{sum(kinds.values())} of {len(kinds) * replicas} nets"]
    return f"{DIVERGED}: {'; '.join(told)}" if told else ""


def _diverged(metrics: dict, names: list[str]) -> Iterator[tuple[str, int]]:
    """Names and numbers, from metrics by model, function and setting."""
    for name, part in metrics.items():
        if isinstance(part, dict) and DIVERGED in part:
            yield ", ".join([*names, _said(name)]), part[DIVERGED]
        elif isinstance(part, dict):
            yield from _diverged(part, [*names, _said(name)])


def _said(name: str) -> str:
    return formula(name) if name in FUNCTIONS else name


def draw(key: str, settings: FigureSettings, about: dict) -> Figure:
    """Draw one figure from the tables in `plots/<report>/<key>/`.

    Args:
        about: the experiment's metrics: data set, scale, examples, replicas, loss.

    Raises:
        SettingsError: a table, a column or a note that the entry names does not exist, no row is left, or several
            rows are at one place.
    """
    style.apply()
    plane = settings.kind == "contours"
    columns = [name.split(".")[1] for name in settings.y]
    tables = panels(key, settings)
    path = _table(key, settings.path, "at", settings) if settings.path else None
    gaps = bool(diverged(about))
    facets = list(dict.fromkeys(tables[0][settings.columns])) if settings.columns else [None]
    wide, high = 3.7 if plane else 3.0, 3.0 if len(tables) == 1 else 1.9
    across = max(4.3, wide * len(facets))
    figure = Figure(figsize=(across, 0.9 + high * len(tables)), layout="constrained")
    grid = figure.subplots(len(tables), len(facets), squeeze=False, sharex="col")
    for row, (column, table) in enumerate(zip(columns, tables, strict=True)):
        quantity = fill(style.label(column, about["loss"]), width=round(12 * high))
        for axes, facet in zip(grid[row], facets, strict=True):
            _shape(axes, table, settings, column)  # by all facets, so that those of a row are alike
            rows = _of(facet, table, settings)
            filled = KINDS[settings.kind](axes, rows, settings, column)
            if gaps and settings.kind in SPREADS and column != NEVER:
                _crosses(axes, rows, settings, column)
            if filled is not None:
                style.colour_bar(figure, axes, filled, quantity)
            if path is not None:
                _walk(axes, _of(facet, path, settings), settings)
            if settings.chance and column == "accuracy":
                _chance(axes, about["test_examples"])
            style.label_decades(axes)
            if facet is not None and row == 0:
                axes.set_title(style.value(settings.columns, facet))
        grid[row][0].set_ylabel(style.PLANE[1] if plane else quantity)
    x_label = style.PLANE[0] if plane else style.label(settings.x, about["loss"])
    for axes in grid[-1]:
        axes.set_xlabel(fill(settings.x_label or x_label, width=round(11 * across / len(facets))))
    figure.align_ylabels(grid[:, 0])
    if settings.note:
        _note(grid[0][0], _number(key, settings), round(16 * across / len(facets)))
    beside = _legend(figure, grid)
    width = max(5.2, across + beside)
    figure.set_figwidth(width)
    title = fill(settings.title, width=round(10 * (width - beside)))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    banded = any(f"{column}_low" in table for column, table in zip(columns, tables, strict=True))
    spread = SPREADS.get(settings.kind, "") if banded and about["replicas"] > 1 else ""
    text = fill(caption(about) + spread, width=round(21 * width))
    figure.text(0.01, 0.0, text, ha="left", va="top", fontsize=6.5, color=style.QUIET)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write an SVG without a date, so that the same figure is the same file, and the folder that it lies in.

    Places are rounded to hundredths of a point, which nobody sees and which halves the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.08)
    rounded = PLACES.sub(lambda place: FINER.sub(r"\1", place[0]), written.getvalue())
    path.write_text(rounded, encoding="utf-8", newline="\n")


# ---------------------------------------------------------------------------------------------- what there is to draw


def _table(key: str, name: str, column: str, settings: FigureSettings) -> pd.DataFrame:
    path = plots_of(key) / f"{name}.csv"
    if not path.exists():
        raise SettingsError(f"{path}: the figure {settings.title!r} needs this table, and it is not there")
    table = read_csv(path)
    wanted = {column, settings.x, *settings.only, *filter(None, [settings.columns, settings.lines])}
    if missing := wanted - set(table.columns):
        raise SettingsError(f"{path}: no column {', '.join(sorted(missing))}; there are {', '.join(table.columns)}")
    for name, value in settings.only.items():
        table = table[table[name].astype(str) == value]
    if table.empty:
        raise SettingsError(f"{path}: the figure {settings.title!r} shows {settings.only}, and there is no such row")
    return table


def panels(key: str, settings: FigureSettings) -> list[pd.DataFrame]:
    """The rows that each panel of a figure shows, from the tables in `plots/<report>/<key>/`.

    Raises:
        SettingsError: a table or a column that the entry names does not exist, or no row is left.
    """
    tables = _alike([_table(key, *name.split("."), settings) for name in settings.y], settings.lines or "split")
    return _alike(tables, settings.x) if settings.kind == "points" else tables


def _number(key: str, settings: FigureSettings) -> dict:
    analysis, *names = settings.note.split(".")
    path = metrics_of(key, analysis)
    if not path.exists():
        raise SettingsError(f"{path}: the figure {settings.title!r} needs this file, and it is not there")
    found = read_json(path)
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or any(part not in found for part in CORRELATION):
        needed = f"{'.'.join(names)}, with {', '.join(CORRELATION)}"
        raise SettingsError(f"{path}: the figure {settings.title!r} needs {needed}")
    return found


def _alike(tables: list[pd.DataFrame], column: str) -> list[pd.DataFrame]:
    """The tables with a column of categories, in the order of the rows, that are the same in all of them."""
    found = [table[column] for table in tables if column in table]
    order = pd.CategoricalDtype(pd.concat(found).dropna().unique()) if found else None
    return [table.astype({column: order}) if column in table else table for table in tables]


def _of(facet: object, table: pd.DataFrame, settings: FigureSettings) -> pd.DataFrame:
    return table if facet is None else table[table[settings.columns] == facet]


def _shape(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    """Scale and number format of the axes, but of those that the kind of figure itself sees to."""
    if settings.kind != "points":
        style.shape_axis(axes, settings.x, "x", settings.scale(settings.x), _spanned(table, settings.x))
    if settings.kind != "contours":
        style.shape_axis(axes, column, "y", settings.scale(column), _spanned(table, column))


def _spanned(table: pd.DataFrame, column: str) -> list[float]:
    """The values of a column and of its band, as far as they are there."""
    columns = [name for name in (column, f"{column}_low", f"{column}_high") if name in table]
    return table[columns].replace([np.inf, -np.inf], np.nan).melt()["value"].dropna().tolist()


def _single(rows: pd.DataFrame, place: list[str], settings: FigureSettings) -> pd.DataFrame:
    if rows.duplicated(place).any():  # a line would go to and fro between them
        raise SettingsError(
            f"the figure {settings.title!r} has several rows at one {', '.join(place)}: "
            "only, lines or columns has to tell them apart"
        )
    return rows


def _series(table: pd.DataFrame, settings: FigureSettings) -> Iterator[tuple[pd.DataFrame, str, str, str]]:
    """Each line: its rows, its colour, its name in the legend, and its split."""
    by = settings.lines or ("split" if "split" in table else None)
    names = table[by] if by else pd.Series("_", table.index)
    splits = table["split"] if "split" in table else pd.Series("", table.index)
    palette = style.colours(list(names.cat.categories) if by else ["_"])
    for (name, split), rows in table.groupby([names, splits], sort=False, observed=True):
        yield _single(rows, [settings.x], settings).sort_values(settings.x), palette[name], style.value(by, name), split


def _splits(table: pd.DataFrame, settings: FigureSettings) -> list[str]:
    """Training and test, where lines of both have one colour."""
    splits = list(dict.fromkeys(table["split"])) if settings.lines not in (None, "split") and "split" in table else []
    return splits if len(splits) > 1 else []


# ----------------------------------------------------------------------------------------------------- kinds of panels


def _lines(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    if "truth" in table:
        once = table.drop_duplicates(settings.x)
        axes.plot(once[settings.x], once["truth"], color=style.TRUTH, lw=0.9, ls=":", label="truth", zorder=3)
    for rows, colour, name, split in _series(table, settings):
        marker = "o" if len(rows) <= MARKED else None
        axes.plot(rows[settings.x], rows[column], color=colour, ls=style.DASHES.get(split, "-"),
                  marker=marker, ms=3, label=name)  # fmt: skip
        if f"{column}_low" in rows:
            axes.fill_between(rows[settings.x], rows[f"{column}_low"], rows[f"{column}_high"],
                              color=colour, alpha=0.18, lw=0)  # fmt: skip
    for split in _splits(table, settings):
        axes.plot([], [], color=style.QUIET, ls=style.DASHES[split], label=style.value("split", split))


def _points(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    series, splits = list(_series(table, settings)), _splits(table, settings)
    for (rows, colour, name, split), shift in zip(series, _aside(len(series)), strict=True):
        x = rows[settings.x].cat.codes + shift
        if f"{column}_low" in rows:
            axes.vlines(x, rows[f"{column}_low"], rows[f"{column}_high"], color=colour, lw=2.5, alpha=0.4)
        face = "white" if split in splits[1:] else colour
        axes.plot(x, rows[column], "o", ms=4.5, color=colour, mfc=face, label=name)
    for split in splits:
        face = "white" if split in splits[1:] else style.QUIET
        axes.plot([], [], "o", ms=4.5, color=style.QUIET, mfc=face, label=style.value("split", split))
    if table[column].isna().all():
        axes.set_yticks([])
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=style.QUIET)
    names = [style.value(settings.x, name) for name in table[settings.x].cat.categories]
    style.name_ticks(axes, names, axes.figure.get_figwidth() / axes.get_gridspec().ncols)


def _aside(series: int) -> np.ndarray:
    """How far the points of each series lie beside their category."""
    return np.linspace(-1, 1, series) * min(0.3, 0.08 * (series - 1))


def _scatter(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    names = table[settings.lines] if settings.lines else pd.Series("_", table.index).astype("category")
    palette = style.colours(list(names.cat.categories))
    for name, rows in table.groupby(names, sort=False, observed=True):
        axes.plot(rows[settings.x], rows[column], "o", ms=4, color=palette[name], alpha=0.7, mew=0,
                  label=style.value(settings.lines, name))  # fmt: skip


def _paths(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    replicas = list(dict.fromkeys(table["replica"]))
    palette = style.colours(replicas)
    for replica in replicas:
        _path(axes, table[table["replica"] == replica], settings.x, column, palette[replica], f"run {replica + 1}")


def _path(axes: Axes, rows: pd.DataFrame, across: str, up: str, colour: str, name: str) -> list[Artist]:
    """From an open circle at the first epoch to the last one, with the numbers of both; or a dot at the only one."""
    rows = rows.sort_values("epoch")
    x, y, epochs = (rows[column].to_numpy() for column in (across, up, "epoch"))
    line = axes.plot(x, y, "-o", color=colour, ms=3, lw=1, label=name)
    start = axes.plot(x[0], y[0], "o", ms=7, mfc="white", color=colour, zorder=3) if len(rows) > 1 else []
    ends = sorted({0, len(rows) - 1})
    look = {"textcoords": "offset points", "fontsize": 6.5, "color": style.QUIET}
    return line + start + [axes.annotate(f"{epochs[i]}", (x[i], y[i]), (4, 4), **look) for i in ends]


def _contours(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> ContourSet | None:
    cells = _single(table, [settings.x, "y"], settings)
    heights = cells.pivot_table(column, index="y", columns=settings.x, dropna=False)
    x, y, z = heights.columns, heights.index, np.ma.masked_invalid(heights)
    if z.mask.all():
        return None
    levels, norm = style.levels(float(z.min()), float(z.max()))
    z = z.clip(levels[0], levels[-1])  # the ends are rounded, and what lies beyond them would be left out
    axes.grid(visible=False)
    axes.contour(x, y, z, levels, colors="white", linewidths=0.4, alpha=0.7)
    return axes.contourf(x, y, z, levels, norm=norm, cmap=style.SCALE, zorder=0)


KINDS = {"lines": _lines, "points": _points, "scatter": _scatter, "paths": _paths, "contours": _contours}


# ---------------------------------------------------------------------------------------------------- what goes on top


def _walk(axes: Axes, path: pd.DataFrame, settings: FigureSettings) -> None:
    """The path over a plane, if there is one, legible on every colour."""
    rows = path[path["at"] == "on the path"]
    for artist in _path(axes, rows, settings.x, "y", "black", "_") if len(rows) else []:
        artist.set(color="black", path_effects=[withStroke(linewidth=2, foreground="white")])


def _crosses(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    """A cross at the upper edge where there is no value since a net diverged; of a long line, where that begins."""
    series = list(_series(table, settings))
    colours = list(dict.fromkeys(colour for _, colour, _, _ in series))
    for (rows, colour, _, _), shift in zip(series, _aside(len(series)), strict=True):
        missing = ~np.isfinite(rows[column])
        if settings.kind == "lines" and len(rows) > MARKED:
            missing &= ~missing.shift(fill_value=False)
        x = rows[settings.x] if settings.kind == "lines" else rows[settings.x].cat.codes + shift
        y = np.full(missing.sum(), 0.96 - 0.07 * (colours.index(colour) % MARKED))
        axes.plot(x[missing], y, "x", ms=5, color=colour, transform=axes.get_xaxis_transform(), zorder=4)
    if not np.isfinite(table[column]).all():
        axes.plot([], [], "x", ms=5, color=style.QUIET, label=DIVERGED)
    if not np.isfinite(table[column]).any():
        axes.set_yticks([])


def _chance(axes: Axes, examples: int) -> None:
    """The central 95 % of the accuracies of guessing among equally likely classes, a binomial distribution."""
    from scipy.stats import binom

    low, high = (binom.ppf(tail, examples, 1 / CLASSES) / examples for tail in (0.025, 0.975))
    axes.axhspan(low, high, color=style.QUIET, alpha=0.2, lw=0, zorder=0, label="95 % of guesses on the test set")


def _note(axes: Axes, found: dict, width: int) -> None:
    """A rank correlation, in the corner of a panel, above what the panel shows."""
    value = "undefined" if found["rho"] is None else f"{found['rho']:.2f}"
    nets = f"{found['n']} nets"
    if found["low"] is not None:
        nets = f"95 % interval {found['low']:.2f} to {found['high']:.2f}, {nets}"
    equals = ":" if found["rho"] is None else " ="
    text = fill(f"Spearman's ρ{equals} {value} ({nets})".replace("-", "−"), width=width)
    axes.margins(y=0.12 * (1 + text.count("\n")))
    axes.text(0.99, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=7, color=style.QUIET)


def _legend(figure: Figure, grid: np.ndarray) -> float:
    """One legend for all panels, to their right, where there is more than one thing to tell apart; its width."""
    found: dict[str, Artist] = {}
    for axes in grid.flat:
        for artist, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(fill(name, width=24), artist)
    if len(found) < 2 and DIVERGED not in found:
        return 0.0
    legend = figure.legend(found.values(), found.keys(), loc="outside right upper")
    return ceil(10 * legend.get_window_extent().width / figure.dpi) / 10  # coarse, for the same bytes everywhere
