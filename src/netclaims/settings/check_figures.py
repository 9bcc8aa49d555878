"""Figures against the tables that they show, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netclaims.settings.analyses import Section
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.figures import FigureSettings, FiguresSettings
from netclaims.tables.columns import Table, holds_words, is_category
from netclaims.tables.plots import CORRELATIONS, PLOTTED
from netclaims.tables.rows import several, values_of

MOST_PANELS = 20  # side by side
Fault = tuple[str, str]
# The columns by which these kinds of figures place a row; others go by `x`.
PLACE = {"contours": {"x", "y"}, "paths": {"replica", "epoch"}}


def check_figures(
    entry: FiguresSettings,
    key: str,
    experiments: Mapping[str, ExperimentEntry],
    analyses: Mapping[str, Mapping[str, Section]],
) -> Iterator[Fault]:
    """Yield what figures need of their tables and do not find: a key of the entry, and what is allowed there.

    Args:
        entry: the figures of an experiment or an analysis.
        key: its name.
        experiments: those of the report.
        analyses: those of the report, by kind and name.
    """
    experiment = experiments[entry.nets]
    there = {table.name: (table, None) for table in PLOTTED["train"]} if key in experiments else {}
    for kind, entries in analyses.items():
        if key in entries:
            there |= {table.name: (table, entries[key].model_dump()) for table in PLOTTED[kind]}
    for name, figure in entry.draw.items():
        fault = next(_faults(figure, experiment, there), None)
        if fault:
            yield f"draw.{name}.{fault[0]}", fault[1]


def _faults(
    figure: FigureSettings, experiment: ExperimentEntry, there: Mapping[str, tuple[Table, dict[str, Any] | None]]
) -> Iterator[Fault]:
    """Yield what is wrong with a figure, in an order in which each check relies on those before it."""
    shown = [("y", *name.split(".")) for name in figure.y]
    shown += [("path", figure.path, "y")] if figure.path else []
    for key, name, _ in shown:
        if name not in there:
            yield key, f"no table {name!r} here; there are {', '.join(there) or 'none'}"
    for key, name, column in shown:
        yield from _columns(figure, key, column, there[name], experiment)
    if figure.note:
        noted = [f"{kind}.{name}" for kind, names in CORRELATIONS.items() if kind in there for name in names]
        if figure.note not in noted:
            yield "note", f"one of the rank correlations here: {', '.join(noted) or 'none'} (found {figure.note!r})"
    for key, name, _ in shown:
        yield from _rows(figure, key, name, there[name], experiment)


def _columns(
    figure: FigureSettings,
    key: str,
    column: str,
    of: tuple[Table, dict[str, Any] | None],
    experiment: ExperimentEntry,
) -> Iterator[Fault]:
    """Yield what is wrong with the columns of one table that a figure names."""
    table, entry = of
    there = table.offered(experiment, entry)
    named = [(key, column), ("x", figure.x), ("lines", figure.lines), ("columns", figure.columns)]
    named += [("only", name) for name in figure.only]
    named += [(key, name) for name in sorted(PLACE.get(figure.kind, ()))]
    named += [(key, name) for name in ("at", "epoch") if key == "path"]
    for where, name in named:
        if name is not None and name not in there:
            yield where, f"{table.name} has no column {name!r}; there are {', '.join(sorted(there))}"
    if holds_words(column):
        yield key, f"numbers; {column} holds words"
    if figure.kind == "points":
        if not is_category(figure.x):
            yield "x", f"a name or a setting, as points stand at categories (found {figure.x!r})"
    elif holds_words(figure.x):
        yield "x", f"numbers; {figure.x} holds words, which kind: points shows"
    if figure.kind == "contours" and figure.x != "x":
        yield "x", f"x, the first direction of the plane (found {figure.x!r})"
    for place, name in (("x", figure.x), ("lines", figure.lines), ("columns", figure.columns)):
        if column == name:
            yield key, f"another column than {place} (found {column!r} in both)"
    if figure.lines == figure.x and figure.kind != "points":
        yield "lines", f"another column than x (found {figure.x!r} in both)"
    if figure.lines and figure.kind in ("contours", "paths"):
        yield "lines", f"kind: {figure.kind} has none"
    for where, name in (("lines", figure.lines), ("columns", figure.columns)):
        if name is not None and not is_category(name):
            yield where, f"a name or a setting; {name} is measured, or the course of a series"
    values = values_of(table, experiment, entry)
    if len(panels := values.get(figure.columns, [])) > MOST_PANELS:
        yield "columns", f"at most {MOST_PANELS} panels, and {figure.columns} has {len(panels)} values"
    for name, wanted in figure.only.items():
        if not is_category(name) or name not in values:
            known = [name for name in sorted(there) if is_category(name) and name in values]
            yield "only", f"{name} has no values known before anything runs; those of {', '.join(known)} are"
        elif isinstance(wanted, str) != holds_words(name):
            yield f"only.{name}", f"{'words' if holds_words(name) else 'a number'} (found {wanted!r})"
        elif wanted not in values[name]:
            yield f"only.{name}", f"no {wanted!r}; there are {values[name]}"


def _rows(
    figure: FigureSettings,
    key: str,
    name: str,
    of: tuple[Table, dict[str, Any] | None],
    experiment: ExperimentEntry,
) -> Iterator[Fault]:
    """Yield which rows of a table would be at one place of a line, a category, a path or a plane."""
    table, entry = of
    if figure.kind == "scatter":
        return
    told = {*figure.only, figure.columns, *({"at", "epoch"} if key == "path" else PLACE.get(figure.kind, {figure.x}))}
    if figure.kind in ("lines", "points"):
        told.add("split")  # its two values are dashes, or open points
        if "truth" in table.offered(experiment, entry) and "function" in several(table, experiment, entry, told):
            yield "only", "several functions in a panel: only or columns has to say which"
        told.add(figure.lines)
    left = several(table, experiment, entry, told - {None})
    if table.coordinate and table.coordinate not in told:
        left.append(table.coordinate)
    if left:
        yield key, f"{name} has several rows at one place: only, lines or columns has to say which {', '.join(left)}"
