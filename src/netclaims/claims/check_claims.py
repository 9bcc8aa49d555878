"""A claim against the experiment that it speaks of, before anything runs."""

from __future__ import annotations

import re
from math import inf
from pathlib import Path
from typing import Any

from netclaims.claims.arithmetic import weighted_layers, work_out
from netclaims.claims.entries import Claim, Comparison, EntryError, Operand, Range, nets_of
from netclaims.errors import SettingsError, shown
from netclaims.settings.experiments import Experiment
from netclaims.settings.schema import validate
from netclaims.training.runs import SETTINGS
from netclaims.training.selection import identity

OF_A_NET = {"replica", "parameters", "layers"}
NETS = {*OF_A_NET, "function", "model", *SETTINGS}
LOSSES = {"train_loss", "test_loss", "train_accuracy", "test_accuracy"}
SENSITIVITIES = {"loss_by_input", "output_by_input", "loss_by_parameters"}
# Columns that hold words, or yes and no.
WORDS = {"function", "model", "optimiser", "equal", "region", "scope", "split", "kind", "pair", "diverged"}
HESSIAN = {
    "kind", "loss", "trained_gradient_norm", "gradient_norm", "gradient_curvature", "switching_distance", "positive",
    "zero", "negative", "tolerance", "null_expected", "minimal_ratio", "minimal_ratio_nonzero", "higher_neighbours",
    "residual_share",
}  # fmt: skip
COLUMNS = {
    "nets": {*NETS, *LOSSES, "loss_gap", "accuracy_gap", "epoch", "diverged"},
    "history": {*NETS, *LOSSES, "train_loss_change", "test_loss_change", "epoch", "gradient_norm"},
    "steps": {*NETS, "step", "loss", "loss_change", "gradient_norm"},
    "fit": {"replica", "function", "model", "layers", "region", "mean_square"},
    "pca": {"replica", "scope", "epoch", "from_mean", "per_weight", "step"},
    "hessian": {"replica", "function", "model", "layers", *HESSIAN},
    "interpolate": {"replica", "model", "layers", "pair", "split", "alpha", "loss", "accuracy", *SENSITIVITIES},
    "sensitivity": {*NETS, *LOSSES, *SENSITIVITIES, "largest_eigenvalue", "trace", "sharpness", "epoch", "diverged"},
}
# What the columns may hold that neither the experiment nor a measurement says.
VALUES = {
    "region": ["inside", "edges"],
    "split": ["train", "test"],
    "kind": ["zero gradient", "on a kink", "elsewhere"],
    "pair": ["two starts", "two starts, matched", "one start", "control"],
}


def load_claims(path: Path, content: dict[str, Any], experiments: dict[str, Experiment]) -> dict[str, Claim]:
    """The claims of one report file, checked against its experiments.

    Args:
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
            check_claim(claim, experiments[nets_looked_at(claim.experiment, content)], content)
        except EntryError as error:
            raise SettingsError(f"{path}: claims.{key}: {error}") from None
        claims[str(key)] = claim
    return claims


def nets_looked_at(key: str, content: dict[str, Any]) -> str:
    """The experiment that trained the nets of an experiment or of an analysis, by a report file's content.

    Raises:
        EntryError: there is no such experiment or analysis.
    """
    nets = nets_of(key, content)
    if nets is None:
        sections = [entries for name, entries in content.items() if name not in ("results", "claims") and entries]
        known = ", ".join(dict.fromkeys(str(known) for entries in sections for known in entries))
        raise EntryError(f"experiment: no {key!r}; there are {known}")
    return nets


def check_claim(claim: Claim, experiment: Experiment, content: dict[str, Any]) -> None:
    """Check that the tables, columns, values and figures that a claim names are there.

    Args:
        experiment: the one that trained the nets.
        content: of the report file.

    Raises:
        EntryError: which key is wrong, and what is allowed there.
    """
    drawn = ((content.get("figures") or {}).get(claim.experiment) or {}).get("draw") or {}
    if claim.figure and claim.figure not in drawn:
        raise EntryError(f"figure: {claim.experiment} has no {claim.figure!r}; it has {', '.join(drawn) or 'none'}")
    if claim.arithmetic:
        work_out(claim.arithmetic, experiment)
    for comparison in claim.comparisons:
        along = [comparison.along] if hasattr(comparison, "along") else []
        if set(along) & WORDS:
            raise EntryError(f"along: {along[0]} holds words, not numbers")
        if getattr(comparison, "log", False) and 0 in experiment.varied.get(comparison.along, []):
            raise EntryError(f"log: {comparison.along} is 0 at one of its values")
        if "function" in comparison.each and not experiment.functions:
            raise EntryError("each: images have no function")
        for operand in operands(comparison):
            check_operand(operand, [*comparison.each, *along], claim.experiment, experiment, content)


def operands(comparison: Comparison) -> list[Operand]:
    """Every operand of a comparison."""
    values = [getattr(comparison, name) for name in type(comparison).model_fields]
    return [v for value in values for v in (value if isinstance(value, list) else [value]) if isinstance(v, Operand)]


def check_operand(operand: Operand, more: list[str], key: str, experiment: Experiment, content: dict[str, Any]) -> None:
    """Check an operand, and `more` columns that its table has to have.

    Args:
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
    there = _columns(table, experiment, entry)
    for name in [operand.column, *operand.where, *more]:
        if name not in there:
            raise EntryError(f"{table}.{name}: no such column; there are {', '.join(sorted(there))}")
    if operand.column in WORDS:
        raise EntryError(f"{operand.of}: words, not numbers")
    values = _values(experiment)
    if table == "pca":
        values["scope"] = [f"layer {entry.get('layer', 1)}", "whole model"]
    for name, wanted in operand.where.items():
        if name in values or name in WORDS:
            _check_values(f"{operand.of} where {name}", name, wanted, values.get(name))


def _columns(table: str, experiment: Experiment, entry: dict[str, Any] | None) -> set[str]:
    """What there is of a table depends on the experiment, and on the entry of the analysis."""
    there = set(COLUMNS[table])
    if table in ("history", "steps"):
        there = there - NETS | OF_A_NET | set(identity(experiment))
        there -= {"gradient_norm"} if table == "history" and experiment.record.gradient_norm != "epoch" else set()
    if experiment.functions:
        there -= {"train_accuracy", "test_accuracy", "accuracy_gap"}
    if table == "interpolate" and not entry.get("examples"):
        there -= SENSITIVITIES
    return there


def _values(experiment: Experiment) -> dict[str, list]:
    """What columns may hold, of those of which it can be known."""
    values = VALUES | {
        "model": list(experiment.models),
        "function": experiment.functions or [],
        "optimiser": [experiment.optimiser],
        "learning_rate": [experiment.learning_rate],
        "shuffle_labels": [experiment.shuffle_labels or 0.0],
        "equal": ["epochs"],
        "parameters": sorted({experiment.parameters(model) for model in experiment.models}),
        "layers": sorted({weighted_layers(experiment, model) for model in experiment.models}),
    }
    if isinstance(experiment.batch_size, int):
        values["batch_size"] = [experiment.batch_size]
    return values | experiment.varied


def _check_values(where: str, name: str, wanted: Any, there: list | None) -> None:
    if isinstance(wanted, Range):
        if name in WORDS:
            raise EntryError(f"{where}: words have no range")
        low, high = (-inf if wanted.from_ is None else wanted.from_), (inf if wanted.to is None else wanted.to)
        if not any(low <= value <= high for value in there):
            words = " ".join([*([f"from {low:g}"] if low > -inf else []), *([f"to {high:g}"] if high < inf else [])])
            raise EntryError(f"{where}: none {words}; there are {there}")
        return
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if there is not None and value not in there:
            raise EntryError(f"{where}: no {value!r}; there are {there}")
