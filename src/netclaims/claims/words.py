"""What a comparison measures, in words: a quantity, and which nets or parts of them it is of."""

from __future__ import annotations

from math import isfinite

import numpy as np

from netclaims.claims.evidence import Numbers
from netclaims.claims.mean_tests import centre
from netclaims.claims.operands import Operand, Range, Wanted
from netclaims.data.functions import formula

# Of one table, or of all.
QUANTITIES = {
    "nets.epoch": "epochs trained",
    "pca.step": "distance that the weights go in a step",
    "hessian.loss": "loss where the search ends",
    "hessian.gradient_norm": "gradient norm where the search ends",
    "loss_gap": "test less training loss",
    "accuracy_gap": "training less test accuracy",
    "mean_square": "mean squared error of the fit",
    "right_sign": "share of points with the right sign",
    "gradient_norm_spike": "spikes of the gradient norm",
    "train_loss_bend": "bends of the training loss",
    "trained_gradient_norm": "gradient norm at the end of training",
    "largest_eigenvalue": "largest Hessian eigenvalue",
    "trace": "trace of the Hessian",
    "negative": "negative Hessian eigenvalues",
    "loss_by_input": "sensitivity of the loss to the input",
    "output_by_input": "sensitivity of the output to the input",
    "loss_by_parameters": "sensitivity of the loss to the weights",
    "per_weight": "distance between runs, by weight",
    "nearest": "distance to the nearest other run",
    "in_plane": "share of a run in the two main components of the others",
    "layers": "number of layers",
    "parameters": "number of parameters",
}
TAKEN = {
    "start": "{} at the start",
    "end": "{} at the end",
    "lowest": "lowest {}",
    "highest": "highest {}",
    "mean": "mean {}",
    "growth": "growth of the {}",
    "gain": "what training adds to the {}",
    "swing": "swing of the {} from value to value",
    "rise": "share of steps in which the {} rises",
    "turns": "share of places where the {} turns",
}
SPLITS = {"train": "training", "test": "test"}


def quantity(table: str, column: str, split: Wanted | None = None) -> str:
    """Return what a column is called; of a loss or an accuracy, on which images or points."""
    if name := QUANTITIES.get(f"{table}.{column}") or QUANTITIES.get(column):
        return name
    part, _, rest = column.partition("_")
    if part in SPLITS and rest:
        return f"{SPLITS[part]} {quantity(table, rest)}"
    said = column.replace("_", " ")
    return f"{SPLITS[split]} {said}" if split in SPLITS else said


def measured(*sides: Operand | float) -> str:
    """Return what an operand is, or what two sides are of which a number is none, but for which nets they are of."""
    operands = [side for side in sides if isinstance(side, Operand)]
    names = dict.fromkeys(map(_name, operands))
    parts = dict.fromkeys(map(_part, operands))
    return ", ".join(filter(None, [" against ".join(names), *(parts if len(parts) == 1 else ())]))


def trend(operand: Operand, column: str, sign: int) -> str:
    """Return what is tested for a trend along a column: a rise, or with sign -1 a fall."""
    way = "rise" if sign > 0 else "fall"
    return f"{way} of the {measured(operand)} with the {quantity(operand.table, column)}"


def along(operand: Operand, column: str) -> str:
    """Return what is tested for a place along a column."""
    return f"{measured(operand)} by {quantity(operand.table, column)}"


def _name(operand: Operand) -> str:
    name = quantity(operand.table, operand.column, operand.where.get("split"))
    if operand.until:
        ((rule, value),) = operand.until.model_dump(exclude_none=True).items()
        there = f"has come {100 * value:g} % of its way down" if rule == "fallen" else f"is {rule} {value:g}"
        return f"{operand.coordinate}s until the {name} {there}"
    return TAKEN[operand.take].format(name) if operand.take else name


def _part(operand: Operand) -> str:
    if not operand.during:
        return ""
    start, end = (f"{100 * share:g}" for share in operand.during)
    return f"from {start} to {end} % of the course"


def sides(first: Operand, second: Operand) -> list[str]:
    """Return what tells the sides of a comparison apart, but for their quantities, which `measured` names in order."""
    both = first, second
    differ = [name for name in {**first.where, **second.where} if first.where.get(name) != second.where.get(name)]
    parts = [_part(side) if _part(first) != _part(second) else "" for side in both]
    return [
        ", ".join(filter(None, [part, *(_named(name, side.where.get(name)) for name in differ if name != "split")]))
        for side, part in zip(both, parts, strict=True)
    ]


def _named(column: str, wanted: Wanted | None) -> str:
    """Return values of a column as a reader knows them; nothing where all are wanted."""
    if wanted is None:
        return ""
    if isinstance(wanted, Range):
        ends = [("from", wanted.from_), ("to", wanted.to)]
        return " ".join([quantity("", column), *(f"{word} {_short(end)}" for word, end in ends if end is not None)])
    if isinstance(wanted, list):
        return " and ".join(_named(column, one) for one in wanted)
    if isinstance(wanted, str):
        return formula(wanted) if column == "function" else SPLITS[wanted] if column == "split" else wanted
    return f"{quantity('', column)} {_short(wanted)}"


def of_group(by: list[str], values: tuple[object, ...]) -> str:
    """Return which of the groups that a comparison is repeated for this is."""
    return ", ".join(_named(name, value) for name, value in zip(by, values, strict=True))


def compared(
    first: Operand, second: Operand | float, values: tuple[Numbers, Numbers], ratio: bool, typical: bool
) -> str:
    """Return the centres of both sides over replicas, of which the effect is the difference or the ratio.

    Args:
        first: what is compared.
        second: with what.
        values: of both, one for each replica, those that the test is of.
        ratio: whether the effect is one of geometric means.
        typical: whether it is of medians.

    Returns:
        "means 0.12 (A) and 0.34 (B)"; nothing where a centre is not finite.
    """
    found = [centre(side, ratio, typical) for side in values]
    if not all(map(isfinite, found)):
        return ""
    typical = typical or not all(np.isfinite(side).all() for side in values)  # as `mean_tests.centre` takes it
    what = "median" if typical else "geometric mean" if ratio else "mean"
    if not isinstance(second, Operand):
        return f"{what} {_short(found[0])}, against {_short(found[1])}"
    names = [f" ({name})" if name else "" for name in sides(first, second)]
    return f"{what}s " + " and ".join(f"{_short(number)}{name}" for number, name in zip(found, names, strict=True))


def _short(number: float) -> str:
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e7 else f"{number:.3g}"
