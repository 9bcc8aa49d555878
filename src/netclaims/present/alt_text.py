"""What a figure shows, in words, for those who cannot see it: from the same tables, by the same entry."""

from __future__ import annotations

import numpy as np
import pandas as pd

from netclaims.present.captions import diverged
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.quantities import label, value
from netclaims.present.tables import facets_of, of_facet, points_of, quantity
from netclaims.present.wording import short

MOST = 8  # so many lines or values are told one by one


def describe(spec: FigureSpec, tables: list[pd.DataFrame], about: dict) -> str:
    """Say a figure in some sentences: its title, its axes, and the course of every line or the range of what it shows.

    Args:
        spec: the figure.
        tables: the rows that it shows, by `tables.panels`.
        about: the experiment's metrics, as for `figures.draw`.
    """
    told = [f"{spec.title}."]
    for (_, column), table in zip(spec.shown, tables, strict=True):
        for facet in facets_of([table], spec):
            where = "" if facet is None else f" ({value(spec.columns, facet)})"
            rows = of_facet(table, spec, facet)
            said = "nothing" if rows.empty else KINDS[spec.kind](rows, spec, column, about)
            along = f" by {quantity(spec.x, spec, about, table)}" if spec.kind == "lines" else ""
            told.append(_sentence(f"{quantity(column, spec, about, table)}{along}{where}: {said}."))
    if gone := diverged(about):
        told.append(_sentence(f"{gone}."))
    return " ".join(" ".join(told).split())


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _range(values: pd.Series) -> str:
    values = values.replace([np.inf, -np.inf], np.nan).dropna()
    if values.empty:
        return "nothing that is finite"
    ends = short(values.min()), short(values.max())
    return f"from {ends[0]} to {ends[1]}" if ends[0] != ends[1] else f"at {ends[0]}"


def _groups(rows: pd.DataFrame, spec: FigureSpec) -> list[tuple[str, pd.DataFrame]]:
    by = list(dict.fromkeys(name for name in (spec.lines, "split") if name and name in rows))
    if not by:
        return [("", rows)]
    found = rows.groupby(by, sort=False, observed=True)
    return [(", ".join(value(*part) for part in zip(by, names, strict=True)), of) for names, of in found]


def _lines(rows: pd.DataFrame, spec: FigureSpec, column: str, about: dict) -> str:
    rows = rows[np.isfinite(rows[column]) & rows[spec.x].notna()]
    if rows.empty:
        return "nothing that is finite"
    if len(groups := _groups(rows, spec)) > MOST:
        return f"{len(groups)} lines by {label(spec.x, about['loss'])}, {_range(rows[column])}"
    return "; ".join(f"{name} {_course(group, spec.x, column)}".strip() for name, group in groups)


def _course(rows: pd.DataFrame, x: str, column: str) -> str:
    """Say where a line begins and ends, and its lowest or highest place if that is in between."""
    rows = rows.sort_values(x)
    values, places = rows[column].to_numpy(), rows[x].to_numpy()
    told = f"goes from {short(values[0])} at {short(places[0])} to {short(values[-1])} at {short(places[-1])}"
    for word, i in (("lowest", values.argmin()), ("highest", values.argmax())):
        if values[i] not in (values[0], values[-1]):
            told += f", {word} {short(values[i])} at {short(places[i])}"
    return told


def _points(rows: pd.DataFrame, spec: FigureSpec, column: str, about: dict) -> str:
    told = []
    for name, group in _groups(rows, spec):
        if len(group) > MOST:
            told.append(f"{name} {_range(group[column])}")
            continue
        values = [
            f"{value(spec.x, place)} {short(height) if np.isfinite(height) else 'none'}"
            for place, height in zip(group[spec.x], group[column], strict=True)
        ]
        told.append(f"{name}: {', '.join(values)}" if name else ", ".join(values))
    return "; ".join(told)


def _scatter(rows: pd.DataFrame, spec: FigureSpec, column: str, about: dict) -> str:
    x, there = label(spec.x, about["loss"]), points_of(rows, spec.x, column)
    told = [
        f"{len(group)} net{'s' * (len(group) != 1)} {name}".strip()
        + f" {_range(group[column])}, {x} {_range(group[spec.x])}"
        for name, group in _groups(there, spec)
        if len(group)
    ]
    return "; ".join(told) or "nothing that is finite"


def _paths(rows: pd.DataFrame, spec: FigureSpec, column: str, about: dict) -> str:
    ends = rows.sort_values("epoch").groupby("replica")
    return (
        f"{rows['replica'].nunique()} runs, which begin {_range(ends[column].first())} and end "
        f"{_range(ends[column].last())}; {quantity(spec.x, spec, about, rows)}: begin "
        f"{_range(ends[spec.x].first())}, end {_range(ends[spec.x].last())}"
    )


def _contours(rows: pd.DataFrame, spec: FigureSpec, column: str, about: dict) -> str:
    return f"{_range(rows[column])} over the plane"


KINDS = {"lines": _lines, "points": _points, "scatter": _scatter, "paths": _paths, "contours": _contours}
