"""What a figure shows, in words, for those who cannot see it: from the same tables, by the same entry."""

from __future__ import annotations

import numpy as np
import pandas as pd

from netclaims.present import style
from netclaims.present.figures import diverged, panels
from netclaims.present.wording import short
from netclaims.settings.figures import FigureSettings

MOST = 8  # lines or values that are told one by one


def describe(key: str, settings: FigureSettings, about: dict) -> str:
    """A figure in some sentences: its title, its axes, and the course of every line or the range of what it shows.

    Args:
        about: the experiment's metrics, as for `figures.draw`.

    Raises:
        SettingsError: as `figures.draw`.
    """
    told = [f"{settings.title}."]
    names = [name.split(".")[1] for name in settings.y]
    for column, table in zip(names, panels(key, settings), strict=True):
        quantity = style.label(column, about["loss"])
        for facet in dict.fromkeys(table[settings.columns]) if settings.columns else [None]:
            rows = table if facet is None else table[table[settings.columns] == facet]
            where = "" if facet is None else f" ({style.value(settings.columns, facet)})"
            told.append(f"{quantity}{where}: {KINDS[settings.kind](rows, settings, column, about)}.")
    if gone := diverged(about):
        told.append(f"{gone[0].upper()}{gone[1:]}.")
    return " ".join(" ".join(told).split())


def _range(values: pd.Series) -> str:
    values = values.replace([np.inf, -np.inf], np.nan).dropna()
    return f"from {short(values.min())} to {short(values.max())}" if len(values) else "nothing that is finite"


def _groups(rows: pd.DataFrame, settings: FigureSettings) -> list[tuple[str, pd.DataFrame]]:
    by = list(dict.fromkeys(name for name in (settings.lines, "split") if name and name in rows))
    if not by:
        return [("", rows)]
    found = rows.groupby(by, sort=False, observed=True)
    return [(", ".join(style.value(*part) for part in zip(by, names, strict=True)), of) for names, of in found]


def _lines(rows: pd.DataFrame, settings: FigureSettings, column: str, about: dict) -> str:
    groups = [(name, group) for name, group in _groups(rows, settings) if np.isfinite(group[column]).any()]
    if not groups:
        return "nothing that is finite"
    if len(groups) > MOST:
        return f"{len(groups)} lines by {style.label(settings.x, about['loss'])}, {_range(rows[column])}"
    return "; ".join(f"{name} {_course(group, settings.x, column)}".strip() for name, group in groups)


def _course(rows: pd.DataFrame, x: str, column: str) -> str:
    """Where a line begins and ends, and its lowest or highest place if that is in between."""
    rows = rows[np.isfinite(rows[column])].sort_values(x)
    values, places = rows[column].to_numpy(), rows[x].to_numpy()
    told = f"goes from {short(values[0])} at {short(places[0])} to {short(values[-1])} at {short(places[-1])}"
    for word, i in (("lowest", values.argmin()), ("highest", values.argmax())):
        if values[i] not in (values[0], values[-1]):
            told += f", {word} {short(values[i])} at {short(places[i])}"
    return told


def _points(rows: pd.DataFrame, settings: FigureSettings, column: str, about: dict) -> str:
    told = []
    for name, group in _groups(rows, settings):
        if len(group) > MOST:
            told.append(f"{name} {_range(group[column])}")
            continue
        values = [
            f"{style.value(settings.x, place)} {short(value) if np.isfinite(value) else 'none'}"
            for place, value in zip(group[settings.x], group[column], strict=True)
        ]
        told.append(f"{name}: {', '.join(values)}" if name else ", ".join(values))
    return "; ".join(told)


def _scatter(rows: pd.DataFrame, settings: FigureSettings, column: str, about: dict) -> str:
    x = style.label(settings.x, about["loss"])
    return "; ".join(
        f"{len(group)} nets {name}".strip() + f" {_range(group[column])}, {x} {_range(group[settings.x])}"
        for name, group in _groups(rows, settings)
    )


def _paths(rows: pd.DataFrame, settings: FigureSettings, column: str, about: dict) -> str:
    ends = rows.sort_values("epoch").groupby("replica")
    return (
        f"{rows['replica'].nunique()} runs, which begin {_range(ends[column].first())} and end "
        f"{_range(ends[column].last())}; {style.label(settings.x, about['loss'])}: begin "
        f"{_range(ends[settings.x].first())}, end {_range(ends[settings.x].last())}"
    )


def _contours(rows: pd.DataFrame, settings: FigureSettings, column: str, about: dict) -> str:
    return f"{_range(rows[column])} over the plane"


KINDS = {"lines": _lines, "points": _points, "scatter": _scatter, "paths": _paths, "contours": _contours}
