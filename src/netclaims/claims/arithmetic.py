"""Expressions over what a report states."""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import Any

from simpleeval import EvalWithCompoundTypes

from netclaims.claims.config import Arithmetic, EntryError
from netclaims.learn.config import EXAMPLE, Experiment
from netclaims.learn.layers import Conv, parameter_shapes


def work_out(arithmetic: Arithmetic, experiment: Experiment) -> tuple[bool, dict[str, Any]]:
    """Whether the condition holds, and the numbers that were computed.

    Raises:
        EntryError: an expression is not one, uses a name that is not there, or does not give what it should.
    """
    functions = {
        "ceil": ceil, "floor": floor, "sqrt": sqrt, "round": round, "abs": abs, "min": min, "max": max, "len": len,
        "parameters": experiment.parameters,
        "layers": lambda model: weighted_layers(experiment, model),
        "convolutions": lambda model: sum(isinstance(layer, Conv) for layer in experiment.models[model].layers),
    }  # fmt: skip
    computed: dict[str, Any] = {}
    for name, expression in arithmetic.computed.items():
        computed[name] = _evaluate(f"computed.{name}", str(expression), functions, computed)
    holds = _evaluate("holds", arithmetic.holds, functions, computed)
    if not isinstance(holds, bool):
        raise EntryError(f"holds: a condition, true or false (found {arithmetic.holds!r})")
    return holds, computed


def _evaluate(where: str, expression: str, functions: dict, names: dict[str, Any]) -> Any:
    try:
        return EvalWithCompoundTypes(functions=functions, names=names).eval(expression)
    except Exception as error:  # of many kinds: names, types, syntax, division by zero
        raise EntryError(f"{where}: {error or type(error).__name__} (found {expression!r})") from None


def weighted_layers(experiment: Experiment, model: str) -> int:
    """Number of layers with weights, the last one included."""
    shapes = parameter_shapes(experiment.models[model].layers, EXAMPLE[experiment.data])
    return len({name.partition(".")[0] for name in shapes})
