"""The rows that a figure shows, and the correlation that it notes, from the files of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import numpy as np
import pandas as pd

from netclaims.errors import SettingsError
from netclaims.files import read_csv, read_json
from netclaims.paths import metrics_of, plots_of
from netclaims.present.captions import ends
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.quantities import label
from netclaims.tables.plots import PLOTTED

CORRELATION = ("rho", "low", "high", "n")
AT, PLACES = "at", ("on the path", "in the plane")  # where a loss along a path was measured
LARGER = 1.5  # times as many parameters: nets of about one size stay in the order that the report has them
STILL = 0.5  # of the distance between starts: a shorter way is lost among them
MANY, FEW = 6, 4  # of more lines, so few are drawn


def panels(key: str, spec: FigureSpec, about: Mapping) -> list[pd.DataFrame]:
    """Return the rows of each row of panels, from the tables in `plots/<report>/<key>/`.

    Nets of several sizes are in the order of these. Paths are taken from their starts where these lie so far apart that
    no motion could be seen.

    Args:
        key: the experiment or analysis.
        spec: the figure.
        about: the experiment's metrics.

    Raises:
        SettingsError: a table or a column that the figure names does not exist.
    """
    tables = [_by_size(_cut_short(_table(key, name, column, spec), about), about) for name, column in spec.shown]
    if spec.kind == "paths":
        return [_moved(table, spec, column) for table, (_, column) in zip(tables, spec.shown, strict=True)]
    if differs(spec):
        return [_less(table, spec, column) for table, (_, column) in zip(tables, spec.shown, strict=True)]
    tables = _alike(tables, spec.lines or "split")
    return _alike(tables, spec.x) if spec.kind == "points" else tables


def _cut_short(table: pd.DataFrame, about: Mapping) -> pd.DataFrame:
    """Return the rows with the last epoch as far as it went: tables count one that was begun."""
    epochs = about["epochs"]
    if "epoch" not in table or epochs == ceil(epochs):
        return table
    return table.assign(epoch=table["epoch"].where(table["epoch"] != ceil(epochs), epochs))


def _by_size(table: pd.DataFrame, about: Mapping) -> pd.DataFrame:
    """Return the rows with nets in the order of their parameters, if these differ by a factor and more."""
    sizes = {name: net["parameters"] for name, net in about["models"].items() if "parameters" in net}
    if "model" not in table or not sizes or max(sizes.values()) < LARGER * min(sizes.values()):
        return table
    return table.sort_values("model", key=lambda names: names.map(sizes), kind="stable")


def differs(spec: FigureSpec) -> bool:
    """Tell whether a figure shows what a quantity is in the plane less what it is on the path."""
    return spec.kind == "lines" and spec.lines == AT and AT not in spec.only


def _less(table: pd.DataFrame, spec: FigureSpec, column: str) -> pd.DataFrame:
    """Return what a quantity is in the plane less what it is on the path: as lines they would hide each other."""
    place = [spec.x, *filter(None, [spec.columns])]
    on, off = (table[table[AT] == at].set_index(place)[column] for at in PLACES)
    rows = table[table[AT] == PLACES[1]].astype({AT: "category"})
    return rows.assign(**{column: (off - on.reindex(off.index)).to_numpy()})


def _moved(table: pd.DataFrame, spec: FigureSpec, column: str) -> pd.DataFrame:
    """Return paths from their starts, if these lie much farther apart than any of them leads."""
    starts = _starts(table, spec, [spec.x, column])
    moved = table[[spec.x, column]] - starts
    apart = (starts.max() - starts.min()).max()
    return table.assign(**moved) if moved.abs().max().max() < STILL * apart else table


def _starts(table: pd.DataFrame, spec: FigureSpec, columns: list[str]) -> pd.DataFrame:
    """Return for each row of a table where its path starts."""
    paths = table.sort_values("epoch").groupby(["replica", *filter(None, [spec.columns])])
    return paths[columns].transform("first")


def quantity(column: str, spec: FigureSpec, about: Mapping, table: pd.DataFrame) -> str:
    """Return the name of what a column of a figure's table holds, as `panels` gives it.

    Args:
        column: along `x`, or one that is shown.
        spec: the figure.
        about: the experiment's metrics.
        table: its rows.
    """
    said = label(column, about["loss"])
    if differs(spec) and column != spec.x:
        return f"{said}, in the plane less on the path"
    moved = spec.kind == "paths" and len(set(table["replica"])) > 1
    return f"{said}, from the start" if moved and not _starts(table, spec, [column]).to_numpy().any() else said


def thinned(table: pd.DataFrame, spec: FigureSpec) -> pd.DataFrame:
    """Return the rows of four lines out of many, the first and the last among them; the same table if there are few."""
    if spec.kind != "lines" or not spec.lines or table[spec.lines].nunique() <= MANY:
        return table
    names = list(table[spec.lines].cat.categories)
    kept = [names[round(i * (len(names) - 1) / (FEW - 1))] for i in range(FEW)]
    rows = table[table[spec.lines].isin(kept)]
    return rows.assign(**{spec.lines: rows[spec.lines].cat.remove_unused_categories()})


def path_of(key: str, spec: FigureSpec, about: Mapping) -> pd.DataFrame | None:
    """Return the rows of the path through a plane, if the figure has one.

    Args:
        key: the experiment or analysis.
        spec: the figure.
        about: the experiment's metrics.

    Raises:
        SettingsError: as `panels`.
    """
    return _cut_short(_table(key, spec.path, "at", spec), about) if spec.path else None


def facets_of(tables: list[pd.DataFrame], spec: FigureSpec) -> list[object]:
    """Return the values that have a panel each, side by side; None alone where there is one panel for all."""
    found = dict.fromkeys(facet for table in tables for facet in table[spec.columns]) if spec.columns else []
    return list(found) or [None]


def of_facet(table: pd.DataFrame, spec: FigureSpec, facet: object) -> pd.DataFrame:
    """Return the rows of one panel.

    Args:
        table: the rows of all panels side by side.
        spec: the figure.
        facet: one of `facets_of`.
    """
    return table if facet is None else table[table[spec.columns] == facet]


def correlation(key: str, spec: FigureSpec) -> dict:
    """Return the rank correlation that a figure notes: `rho`, its interval from `low` to `high`, and `n`.

    Raises:
        SettingsError: it is not in the experiment's metrics.
    """
    analysis, *names = spec.note.split(".")
    path = metrics_of(key, analysis)
    if not path.exists():
        raise SettingsError(f"{path}: the figure {spec.title!r} needs this file, and it is not there")
    found = read_json(path)
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or any(part not in found for part in CORRELATION):
        needed = f"{'.'.join(names)}, with {', '.join(CORRELATION)}"
        raise SettingsError(f"{path}: the figure {spec.title!r} needs {needed}")
    return found


def ends_of(key: str, spec: FigureSpec) -> str:
    """Return how the searches ended whose points a figure shows, in words; nothing if it shows none."""
    path = metrics_of(key, "hessian")
    shown = {name for name, _ in spec.shown} & {table.name for table in PLOTTED["hessian"]}
    return ends(read_json(path)) if shown and path.exists() else ""


def _table(key: str, name: str, column: str, spec: FigureSpec) -> pd.DataFrame:
    path = plots_of(key) / f"{name}.csv"
    if not path.exists():
        raise SettingsError(f"{path}: the figure {spec.title!r} needs this table, and it is not there")
    table = read_csv(path)
    wanted = {column, spec.x, *spec.only, *filter(None, [spec.columns, spec.lines])}
    if missing := wanted - set(table.columns):
        raise SettingsError(f"{path}: no column {', '.join(sorted(missing))}; there are {', '.join(table.columns)}")
    for name, value in spec.only.items():
        table = table[table[name] == value]
    return table


def _alike(tables: list[pd.DataFrame], column: str) -> list[pd.DataFrame]:
    """Make a column one of categories that are the same in all tables, in the order of the rows."""
    found = [table[column] for table in tables if column in table]
    order = pd.CategoricalDtype(pd.concat(found).dropna().unique()) if found else None
    return [table.astype({column: order}) if column in table else table for table in tables]


def points_of(table: pd.DataFrame, x: str, column: str) -> pd.DataFrame:
    """Return the rows of a table that a scatter shows: those of kinds without a point are in no legend either."""
    return table[np.isfinite(table[x]) & np.isfinite(table[column])]
