"""The rows that a figure shows, and the correlation that it notes, from the files of an experiment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from netclaims.errors import SettingsError
from netclaims.files import read_csv, read_json
from netclaims.paths import metrics_of, plots_of
from netclaims.present.captions import ends
from netclaims.present.figure_spec import FigureSpec
from netclaims.tables.plots import PLOTTED

CORRELATION = ("rho", "low", "high", "n")


def panels(key: str, spec: FigureSpec) -> list[pd.DataFrame]:
    """Return the rows of each row of panels, from the tables in `plots/<report>/<key>/`.

    Raises:
        SettingsError: a table or a column that the figure names does not exist.
    """
    tables = _alike([_table(key, name, column, spec) for name, column in spec.shown], spec.lines or "split")
    return _alike(tables, spec.x) if spec.kind == "points" else tables


def path_of(key: str, spec: FigureSpec) -> pd.DataFrame | None:
    """Return the rows of the path through a plane, if the figure has one.

    Raises:
        SettingsError: as `panels`.
    """
    return _table(key, spec.path, "at", spec) if spec.path else None


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
