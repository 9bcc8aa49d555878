"""A claim against the experiment that it speaks of, before anything runs."""

from __future__ import annotations

import re
from math import inf
from pathlib import Path
from typing import Any

from netclaims.claims.arithmetic import work_out
from netclaims.claims.entries import Claim, Shape, operands
from netclaims.claims.operands import TABLES, EntryError, Operand, Range, Wanted
from netclaims.data.registry import DATA_KINDS
from netclaims.errors import SettingsError, shown
from netclaims.nets.layers import weighted_layers
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.schema import validate
from netclaims.tables.columns import WORDS, YES_OR_NO


def load_claims(path: Path, content: dict[str, Any], experiments: dict[str, ExperimentEntry]) -> dict[str, Claim]:
    """Return the claims of one report file, checked against its experiments.

    Args:
        path: of the file.
        content: of the file.
        experiments: those in it.

    Raises:
        SettingsError: anything in them is wrong.
    """
    entries = content.get("claims") or {}
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: claims: a mapping of names to claims (found {shown(entries)})")
    claims = {}
    for key, entry in entries.items():
        claim = validate(Claim, entry, path, f"claims.{key}")
        try:
            if claim.report != path.stem or not re.fullmatch(rf"{path.stem}-[\w.-]+", str(key)):
                raise EntryError(f"named <report>-<name>, with report: {path.stem}")
            check_claim(claim, experiments[nets_of(claim.experiment, content)], content)
        except EntryError as error:
            raise SettingsError(f"{path}: claims.{key}: {error}") from None
        claims[str(key)] = claim
    return claims


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


def holds_words(column: str) -> bool:
    """Tell whether a column, in whichever table, holds words, or yes and no."""
    return column in WORDS | YES_OR_NO


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
        along = [comparison.along] if hasattr(comparison, "along") else []
        if any(map(holds_words, along)):
            raise EntryError(f"along: {along[0]} holds words, not numbers")
        if "function" in comparison.each and not experiment.functions:
            raise EntryError("each: images have no function")
        for operand in operands(comparison):
            check_operand(operand, [*comparison.each, *along], claim.experiment, experiment, content)
        if isinstance(comparison, Shape) and comparison.log:
            _check_logarithm(comparison, claim.experiment, experiment, content)


def _check_logarithm(comparison: Shape, key: str, experiment: ExperimentEntry, content: dict[str, Any]) -> None:
    """Check that what a logarithmic axis shows is above 0, as far as it is known before anything runs."""
    operand, along = comparison.operand, comparison.along
    wanted = operand.where.get(along)
    if along == operand.coordinate:
        lowest = _start(operand, wanted, (content.get(operand.table) or {}).get(key))
    else:
        known = _values(experiment).get(along, [])
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


def check_operand(
    operand: Operand, more: list[str], key: str, experiment: ExperimentEntry, content: dict[str, Any]
) -> None:
    """Check an operand, and `more` columns that its table has to have.

    Args:
        operand: to be checked.
        more: names of columns.
        key: the experiment or the analysis, whose tables are meant.
        experiment: the one that trained the nets.
        content: of the report file.

    Raises:
        EntryError: which key is wrong, and what is allowed there.
    """
    table, entry = operand.table, (content.get(operand.table) or {}).get(key)
    if table not in ("nets", "history", "steps") and entry is None:
        raise EntryError(f"{operand.of}: {key} has no entry under {table}")
    recorded = experiment.record.gradient_norm
    if (table == "steps" and recorded != "step") or (operand.of == "history.gradient_norm" and recorded != "epoch"):
        raise EntryError(f"{operand.of}: the experiment does not record it")
    there = TABLES[table].offered(experiment, entry)
    for name in [operand.column, *operand.where, *more]:
        if name not in there:
            raise EntryError(f"{table}.{name}: no such column; there are {', '.join(sorted(there))}")
    if holds_words(operand.column):
        raise EntryError(f"{operand.of}: words, not numbers")
    values = _values(experiment) | TABLES[table].words
    if table == "pca":
        values["scope"] = [f"layer {entry.get('layer', 1)}", "whole model"]
    for name, wanted in operand.where.items():
        if name in values or holds_words(name) or not isinstance(wanted, Range):
            _check_values(f"{operand.of} where {name}", name, wanted, values.get(name))


def _values(experiment: ExperimentEntry) -> dict[str, list]:
    """Return what columns may hold, of those of which it can be known from the experiment."""
    values = {
        "model": list(experiment.models),
        "function": experiment.functions or [],
        "optimiser": [experiment.optimiser],
        "learning_rate": [experiment.learning_rate],
        "shuffle_labels": [experiment.shuffle_labels or 0.0],
        "equal": ["epochs"],
        "parameters": sorted({experiment.parameters(model) for model in experiment.models}),
        "layers": sorted({weighted_layers(layers) for layers in experiment.networks.values()}),
    }
    if isinstance(experiment.batch_size, int):
        values["batch_size"] = [experiment.batch_size]
    return values | experiment.varied


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
