"""Figures from tables: what to draw is an entry of `figures:` in a report's YAML, how is said here once."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netclaims.learn.functions import formula
from netclaims.learn.paths import plots_of
from netclaims.learn.settings import SettingsError
from netclaims.present import style
from netclaims.present.config import FigureSettings


def caption(about: dict) -> str:
    """What a figure's numbers are of: data set, scale, replicas."""
    cut = "" if about["epochs"] == about["epochs_stated"] else f" of {about['epochs_stated']:,}"
    return (
        f"{about['data']} · {about['scale']} scale: {about['train_examples']:,} training examples, "
        f"{about['epochs']:,}{cut} epochs · {about['replicas']} replicas"
    )


def draw(key: str, settings: FigureSettings, about: dict) -> Figure:
    """Draw one figure from the tables in `plots/<report>/<key>/`.

    Args:
        about: the experiment's metrics: data set, scale, replicas, loss.

    Raises:
        SettingsError: a table or a column that the entry names does not exist, or no row is left.
    """
    style.apply()
    panels = [_table(key, *name.split("."), settings) for name in settings.y]
    facets = list(dict.fromkeys(panels[0][settings.columns])) if settings.columns else [None]
    width, height = max(5.2, 3.0 * len(facets)), 0.9 + (3.0 if len(panels) == 1 else 1.9 * len(panels))
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(len(panels), len(facets), squeeze=False, sharex="col")
    for row, (name, table) in enumerate(zip(settings.y, panels, strict=True)):
        column = name.split(".")[1]
        for axes, facet in zip(grid[row], facets, strict=True):
            part = table if facet is None else table[table[settings.columns] == facet]
            KINDS[settings.kind](axes, part, settings, column)
            # by all facets, so that those of a row are alike
            style.shape_axis(axes, settings.x, "x", settings.x in settings.log, table[settings.x].tolist())
            style.shape_axis(axes, column, "y", column in settings.log, _spanned(table, column))
            if facet is not None and row == 0:
                axes.set_title(formula(facet) if settings.columns == "function" else str(facet))
        grid[row][0].set_ylabel(style.label(column, about["loss"]))
    for axes in grid[-1]:
        axes.set_xlabel(settings.x_label or style.label(settings.x, about["loss"]))
    _legend(figure, grid, settings)
    title = fill(settings.title, width=round(9 * (width - (1.3 if figure.legends else 0))))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    band = " (line: mean, band: smallest to largest)" if settings.kind == "lines" and about["replicas"] > 1 else ""
    text = fill(caption(about) + band, width=round(21 * width))
    figure.text(0.01, 0.0, text, ha="left", va="top", fontsize=6.5, color=style.QUIET)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write an SVG without a date, so that the same figure is the same file, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight", pad_inches=0.08)


def _table(key: str, name: str, column: str, settings: FigureSettings) -> pd.DataFrame:
    path = plots_of(key) / f"{name}.csv"
    if not path.exists():
        raise SettingsError(f"{path}: the figure {settings.title!r} needs this table, and it is not there")
    table = pd.read_csv(path)
    wanted = {column, settings.x, *settings.only, *filter(None, [settings.columns, settings.lines])}
    if missing := wanted - set(table.columns):
        raise SettingsError(f"{path}: no column {', '.join(sorted(missing))}; there are {', '.join(table.columns)}")
    for name, value in settings.only.items():
        table = table[table[name].astype(str) == value]
    if table.empty:
        raise SettingsError(f"{path}: the figure {settings.title!r} shows {settings.only}, and there is no such row")
    return table


def _spanned(table: pd.DataFrame, column: str) -> list[float]:
    """The values of a column and of its band, as far as they are there."""
    columns = [name for name in (column, f"{column}_low", f"{column}_high") if name in table]
    return table[columns].melt()["value"].dropna().tolist()


def _lines(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    names = list(dict.fromkeys(table[settings.lines])) if settings.lines else [None]
    splits = list(dict.fromkeys(table["split"])) if "split" in table else [None]
    palette = style.colours(names if settings.lines else splits)
    if "truth" in table:
        once = table.drop_duplicates(settings.x)
        axes.plot(once[settings.x], once["truth"], color=style.TRUTH, lw=0.9, ls=":", label="truth", zorder=3)
    for name in names:
        for split in splits:
            rows = table if name is None else table[table[settings.lines] == name]
            rows = (rows if split is None else rows[rows["split"] == split]).sort_values(settings.x)
            words = [str(name)] if name is not None else []
            if split is not None and (len(splits) > 1 or name is None):
                words.append(style.SPLITS[split])
            colour = palette[name if settings.lines else split]
            marker = "o" if len(rows) <= 12 else None
            axes.plot(rows[settings.x], rows[column], color=colour, ls=style.DASHES.get(split, "-"),
                      marker=marker, ms=3, label=", ".join(words) or "_")  # fmt: skip
            axes.fill_between(rows[settings.x], rows[f"{column}_low"], rows[f"{column}_high"],
                              color=colour, alpha=0.18, lw=0)  # fmt: skip


def _scatter(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    axes.plot(table[settings.x], table[column], "o", ms=4, color=style.PALETTE[0], alpha=0.7, mew=0)


def _paths(axes: Axes, table: pd.DataFrame, settings: FigureSettings, column: str) -> None:
    replicas = list(dict.fromkeys(table["replica"]))
    palette = style.colours(replicas)
    for replica in replicas:
        rows = table[table["replica"] == replica].sort_values("epoch")
        x, y = rows[settings.x].to_numpy(), rows[column].to_numpy()
        axes.plot(x, y, "-o", color=palette[replica], ms=3, lw=1, label=f"run {replica + 1}")
        axes.plot(x[:1], y[:1], "o", ms=7, mfc="white", color=palette[replica], zorder=3)
        for i in (0, -1):
            text = f"{rows['epoch'].iloc[i]}"
            axes.annotate(text, (x[i], y[i]), (4, 4), textcoords="offset points", fontsize=6.5, color=style.QUIET)


KINDS = {"lines": _lines, "scatter": _scatter, "paths": _paths}


def _legend(figure: Figure, grid: np.ndarray, settings: FigureSettings) -> None:
    """One legend for all panels, to their right, where there is more than one thing to tell apart."""
    found: dict[str, Line2D] = {}
    for axes in grid.flat:
        found |= {name: line for line, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if len(found) > 1:
        figure.legend(found.values(), found.keys(), loc="outside right upper")
