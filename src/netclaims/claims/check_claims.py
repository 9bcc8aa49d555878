"""A claim against the experiment that it speaks of, before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from netclaims.claims.arithmetic import work_out
from netclaims.claims.entries import Claim, Comparison, Extreme, Shape, Trend, operands
from netclaims.claims.operands import TABLES, EntryError, Operand, Range, Wanted
from netclaims.data.registry import DATA_KINDS
from netclaims.errors import SettingsError, shown, told_with
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.schema import validate
from netclaims.tables.columns import Table, holds_words, is_category
from netclaims.tables.rows import several, values_of
from netclaims.tables.training import STEPS


def load_claims(path: Path, content: dict[str, Any], experiments: dict[str, ExperimentEntry]) -> dict[str, Claim]:
    """Return the claims of one report file, checked against its experiments.

    Args:
        path: of the file.
        content: of the file.
        experiments: those in it.

    Raises:
        SettingsError: a line for every fault in them.
    """
    entries = content.get("claims") or {}
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: claims: a mapping of names to claims (found {shown(entries)})")
    claims, faults = {}, []
    for key, entry in entries.items():
        with told_with(faults):
            claims[str(key)] = _claim(str(key), entry, path, content, experiments)
    if faults:
        raise SettingsError("\n".join(faults))
    return claims


def _claim(key: str, entry: Any, path: Path, content: dict[str, Any], experiments: dict[str, ExperimentEntry]) -> Claim:
    claim = validate(Claim, entry, path, f"claims.{key}")
    try:
        if claim.report != path.stem or not re.fullmatch(rf"{path.stem}-[\w.-]+", key):
            raise EntryError(f"named <report>-<name>, with report: {path.stem}")
        check_claim(claim, experiments[nets_of(claim.experiment, content)], content)
        if claim.again:
            if claim.again not in experiments:
                raise EntryError(f"again: no experiment {claim.again!r}; there are {', '.join(experiments)}")
            for comparison in claim.comparisons:
                _check_comparison(comparison, Looked(claim.again, experiments[claim.again], content))
    except EntryError as error:
        raise SettingsError(f"{path}: claims.{key}: {error}") from None
    return claim


def nets_of(key: str, content: dict[str, Any]) -> str:
    """Name the experiment that trained the nets of an experiment or of an analysis, by a report file's content.

    Raises:
        EntryError: there is no such experiment or analysis.
    """
    if key in content["experiments"]:
        return key
    sections = [section for name, section in content.items() if name not in ("results", "claims") and section]
    for section in sections:
        if isinstance(section, dict) and "nets" in (section.get(key) or {}):
            return section[key]["nets"]
    known = ", ".join(dict.fromkeys(str(known) for section in sections for known in section))
    raise EntryError(f"experiment: no {key!r}; there are {known}")


def check_claim(claim: Claim, experiment: ExperimentEntry, content: dict[str, Any]) -> None:
    """Check that the tables, columns, values and figures that a claim names are there.

    Args:
        claim: to be checked.
        experiment: the one that trained the nets.
        content: of the report file.

    Raises:
        EntryError: which key is wrong, and what is allowed there.
    """
    drawn = ((content.get("figures") or {}).get(claim.experiment) or {}).get("draw") or {}
    if claim.figure and claim.figure not in drawn:
        raise EntryError(f"figure: {claim.experiment} has no {claim.figure!r}; it has {', '.join(drawn) or 'none'}")
    if claim.arithmetic:
        work_out(claim.arithmetic, experiment.networks, DATA_KINDS[experiment.data].shape)
    for comparison in claim.comparisons:
        _check_comparison(comparison, Looked(claim.experiment, experiment, content))


@dataclass(frozen=True)
class Looked:
    """Whose tables are looked at.

    Attributes:
        key: the experiment or the analysis.
        experiment: the one that trained the nets.
        content: of the report file.
    """

    key: str
    experiment: ExperimentEntry
    content: dict[str, Any]

    def entry(self, section: str) -> dict[str, Any] | None:
        """Return the entry of an analysis under this key, if there is one."""
        return (self.content.get(section) or {}).get(self.key)


def _check_comparison(comparison: Comparison, looked_at: Looked) -> None:
    along = [comparison.along] if hasattr(comparison, "along") else []
    if any(map(holds_words, along)):
        raise EntryError(f"along: {along[0]} holds words, not numbers")
    if "function" in comparison.each and not looked_at.experiment.functions:
        raise EntryError("each: images have no function")
    by = [*comparison.each, *along]
    if twice := [name for name in by if by.count(name) > 1]:
        raise EntryError(f"each: {twice[0]} is named twice, in each or as along")
    for check in (check_columns, check_number):
        for operand in operands(comparison):
            check(operand, comparison.each, along, looked_at)
    if isinstance(comparison, Trend) and comparison.operand.coordinate in comparison.each:
        raise EntryError(f"each: {comparison.operand.coordinate} is the course of the series, which a trend goes along")
    if along:
        _check_places(comparison, looked_at)


def _check_places(comparison: Trend | Extreme | Shape, looked_at: Looked) -> None:
    """Check the values of a setting that a comparison is along, as the entry of the experiment has them."""
    operand, along = comparison.operand, comparison.along
    table, entry, experiment = TABLES[operand.table], looked_at.entry(operand.table), looked_at.experiment
    if along != operand.coordinate and is_category(along):
        values = values_of(table, experiment, entry).get(along, [])  # of a knob it is not known, and there is one
        wanted = operand.where.get(along)
        values = [value for value in values if wanted is None or _fits(value, wanted)]
        if not operand.is_number and operand.coordinate not in comparison.each:
            raise EntryError(f"{operand.of} is a series, and {along} is a setting: say what to take of it")
        if along in experiment.tune.varied and not table.every_setting:
            raise EntryError(f"along: {along} is tuned, and there are nets of its best value alone")
        if len(values) < 3:
            raise EntryError(f"along: takes three values of {along} and more; there are {values or 'fewer'}")
        if isinstance(comparison, Extreme):
            within = [value for value in values if comparison.between[0] <= value <= comparison.between[1]]
            if len(within) in (0, len(values)):
                which = "every one" if within else "none"
                raise EntryError(f"between: {which} of the values of {along} lies there; there are {values}")
    elif along != operand.coordinate and not isinstance(comparison, Trend):
        raise EntryError(f"along: {along} is measured; a swept setting is not, nor the course of a series")
    elif along != operand.coordinate and operand.coordinate and operand.is_number:
        raise EntryError(f"along: {along} is a series, and {operand.of} comes to one number a replica")
    if isinstance(comparison, Shape) and comparison.log:
        _check_logarithm(comparison, table, experiment, entry)


def _check_logarithm(comparison: Shape, table: Table, experiment: ExperimentEntry, entry: dict | None) -> None:
    """Check that what a logarithmic axis shows is above 0, as far as it is known before anything runs."""
    operand, along = comparison.operand, comparison.along
    wanted = operand.where.get(along)
    if along == operand.coordinate:
        lowest = _start(operand, wanted, entry)
    else:
        known = values_of(table, experiment, entry)[along]
        lowest = min((value for value in known if wanted is None or _fits(value, wanted)), default=inf)
    if lowest <= 0:
        raise EntryError(f"log: {along} is {lowest:g} at one of its values, and a logarithm needs more than 0")


def _start(operand: Operand, wanted: Wanted | None, entry: dict[str, Any] | None) -> float:
    """Return the smallest place of a series that an operand looks at; beyond its first one as far as is known."""
    if operand.coordinate == "alpha":
        low, high = min(entry["alpha"]), max(entry["alpha"])
    else:
        low, high = (1 if operand.coordinate == "step" else 0), inf
    if isinstance(wanted, Range):
        low = low if wanted.from_ is None else max(low, wanted.from_)
        high = high if wanted.to is None else min(high, wanted.to)
    elif wanted is not None:
        low, high = min(chosen := wanted if isinstance(wanted, list) else [wanted]), max(chosen)
    share = operand.during[0] if operand.during else 0
    return low + share * (high - low) if share else low


def check_columns(operand: Operand, each: list[str], along: list[str], looked_at: Looked) -> None:
    """Check that there are the table, the columns and the values that an operand names.

    Args:
        operand: to be checked.
        each: the columns for whose values it is looked at one by one.
        along: the column that it is looked at along, if there is one.
        looked_at: whose tables are meant.

    Raises:
        EntryError: which key is wrong, and what is allowed there.
    """
    table, entry, experiment = TABLES[operand.table], looked_at.entry(operand.table), looked_at.experiment
    if table.name not in ("nets", "history", "steps") and entry is None:
        raise EntryError(f"{operand.of}: {looked_at.key} has no entry under {table.name}")
    recorded = experiment.record.gradient_norm
    if (table is STEPS and recorded != "step") or (operand.of == "history.gradient_norm" and recorded != "epoch"):
        raise EntryError(f"{operand.of}: the experiment does not record it")
    there = table.offered(experiment, entry)
    if operand.over and (operand.over == "replica" or not is_category(operand.over)):
        raise EntryError(f"over: {operand.over} says not which nets there are; names and settings do")
    if operand.over and operand.is_number and holds_words(operand.over):
        raise EntryError(f"over: {operand.over} holds words, which have no order to take something along")
    for column in [operand.column, *operand.where, *each, *along, *([operand.over] if operand.over else [])]:
        if column not in there:
            raise EntryError(f"{table.name}.{column}: no such column; there are {', '.join(sorted(there))}")
    if holds_words(operand.column):
        raise EntryError(f"{operand.of}: words, not numbers")
    values = values_of(table, experiment, entry)
    tuned = experiment.tune.varied
    named = [len(_picked(operand.where[column], values.get(column))) for column in tuned if column in operand.where]
    if named and not table.every_setting and named != [1] * len(tuned):
        raise EntryError(f"{operand.of} where: one value of {', '.join(tuned)}, each, or none, for the best setting")
    for column, wanted in operand.where.items():
        if column in values or holds_words(column) or not isinstance(wanted, Range):
            _check_values(f"{operand.of} where {column}", column, wanted, values.get(column))


def check_number(operand: Operand, each: list[str], along: list[str], looked_at: Looked) -> None:
    """Check that an operand comes to one number, or one series, for every replica.

    Args:
        operand: to be checked, as there is what it names.
        each: the columns for whose values it is looked at one by one.
        along: the column that it is looked at along, if there is one.
        looked_at: whose tables are meant.

    Raises:
        EntryError: which key is wrong, and what is allowed there.
    """
    table, entry, experiment = TABLES[operand.table], looked_at.entry(operand.table), looked_at.experiment
    if operand.column in ("replica", operand.coordinate):
        raise EntryError(f"{operand.of}: counts rows, and is nothing that is measured")
    for name, columns in (("each", each), ("along", along)):
        if operand.column in columns:
            raise EntryError(f"{name}: {operand.column} is what is compared")
        if "replica" in columns:
            raise EntryError(f"{name}: replicas are what every comparison is over")
    for column in each:
        if column != operand.coordinate and not is_category(column):
            raise EntryError(f"each: {column} is measured; names and settings are not")
    values = values_of(table, experiment, entry)
    told = {"replica"} | {column for column in (*each, *along) if is_category(column)}
    told |= {operand.over} if operand.over else set()
    told |= {column for column, wanted in operand.where.items() if len(_picked(wanted, values.get(column))) == 1}
    if left := several(table, experiment, entry, told):
        raise EntryError(f"{operand.of} has several rows a replica: say which by {', '.join(left)}")


def _picked(wanted: Wanted, values: list | None) -> list:
    """Return the values that `where` picks, of those of which it is known that there are."""
    if isinstance(wanted, Range):
        return [value for value in values or [] if _fits(value, wanted)]
    return list(dict.fromkeys(wanted)) if isinstance(wanted, list) else [wanted]


def _check_values(where: str, name: str, wanted: Any, there: list | None) -> None:
    if isinstance(wanted, Range):
        if holds_words(name):
            raise EntryError(f"{where}: words have no range")
        if not any(_fits(value, wanted) for value in there):
            ends = {"from": wanted.from_, "to": wanted.to}
            words = " ".join(f"{end} {value:g}" for end, value in ends.items() if value is not None)
            raise EntryError(f"{where}: none {words}; there are {there}")
        return
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if there is not None and value not in there:
            raise EntryError(f"{where}: no {value!r}; there are {there}")
        if isinstance(value, str) and not holds_words(name):
            raise EntryError(f"{where}: numbers (found {value!r})")


def _fits(value: float | str, wanted: Wanted) -> bool:
    if isinstance(wanted, Range):
        low, high = (-inf if wanted.from_ is None else wanted.from_), (inf if wanted.to is None else wanted.to)
        return low <= value <= high
    return value in wanted if isinstance(wanted, list) else value == wanted
