"""A claim against the experiment that it speaks of, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netclaims.claims.arithmetic import work_out
from netclaims.claims.config import Claim, Comparison, EntryError, Operand, Range, nets_of
from netclaims.learn.config import Experiment
from netclaims.learn.plan import SETTINGS
from netclaims.learn.settings import SettingsError, validate

NETS = {"replica", "function", "model", "parameters", "layers", *SETTINGS}
LOSSES = {"train_loss", "test_loss", "train_accuracy", "test_accuracy"}
SENSITIVITIES = {"loss_by_input", "output_by_input", "loss_by_parameters"}
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
        raise SettingsError(f"{path}: claims: a mapping of names to claims (found {entries!r})")
    claims = {}
    for key, entry in entries.items():
        claim = validate(Claim, entry, path, f"claims.{key}")
        try:
            if claim.report != path.stem or not str(key).startswith(f"{path.stem}-"):
                raise EntryError(f"named <report>-<name>, with report: {path.stem}")
            nets = nets_of(claim.experiment, content)
            if nets is None:
                raise EntryError(f"experiment: no {claim.experiment!r}; there are {', '.join(experiments)}")
            check_claim(claim, experiments[nets], content)
        except EntryError as error:
            raise SettingsError(f"{path}: claims.{key}: {error}") from None
        claims[str(key)] = claim
    return claims


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
        tables = [_check_operand(operand, claim.experiment, experiment, content) for operand in operands(comparison)]
        for name in [*comparison.each, *([comparison.along] if hasattr(comparison, "along") else [])]:
            for table in tables:
                _check_column(table, name)


def operands(comparison: Comparison) -> list[Operand]:
    """Every operand of a comparison."""
    values = [getattr(comparison, name) for name in type(comparison).model_fields]
    return [v for value in values for v in (value if isinstance(value, list) else [value]) if isinstance(v, Operand)]


def _check_column(table: str, name: str) -> None:
    if name not in COLUMNS[table]:
        raise EntryError(f"{table}.{name}: no such column; there are {', '.join(sorted(COLUMNS[table]))}")


def _check_operand(operand: Operand, key: str, experiment: Experiment, content: dict[str, Any]) -> str:
    """The operand's table, once everything that it names is there."""
    table = operand.table
    if table in ("fit", "pca", "hessian", "interpolate", "sensitivity") and key not in (content.get(table) or {}):
        raise EntryError(f"{operand.of}: {key} has no entry under {table}")
    recorded = experiment.record.gradient_norm
    if (table == "steps" and recorded != "step") or (operand.of == "history.gradient_norm" and recorded != "epoch"):
        raise EntryError(f"{operand.of}: the experiment does not record it")
    for name in [operand.column, *operand.where]:
        _check_column(table, name)
    allowed = VALUES | {"model": list(experiment.models), "function": experiment.functions or []} | experiment.varied
    for name, wanted in operand.where.items():
        if name in allowed and not isinstance(wanted, Range):
            for value in wanted if isinstance(wanted, list) else [wanted]:
                if value not in allowed[name]:
                    raise EntryError(f"{operand.of} where {name}: no {value!r}; there are {allowed[name]}")
    if isinstance(operand.where.get("scope"), str) and table == "pca":
        scopes = [f"layer {content['pca'][key].get('layer', 1)}", "whole model"]
        if operand.where["scope"] not in scopes:
            raise EntryError(f"{operand.of} where scope: no {operand.where['scope']!r}; there are {scopes}")
    return table
