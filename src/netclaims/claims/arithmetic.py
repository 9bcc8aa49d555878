"""Expressions over what a report states."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from math import ceil, floor, isfinite, sqrt
from typing import Any

from simpleeval import DEFAULT_OPERATORS, EvalWithCompoundTypes, safe_power

from netclaims.claims.entries import Arithmetic
from netclaims.claims.operands import EntryError
from netclaims.nets.layers import Conv, Layer, Shape, count_parameters, weighted_layers

# Only numbers are joined: strings and lists might get very long.
JOINED = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
          ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: safe_power}  # fmt: skip
COMPARED = (ast.Eq, ast.NotEq, ast.Gt, ast.Lt, ast.GtE, ast.LtE, ast.In, ast.NotIn, ast.Not, ast.USub, ast.UAdd)
LEFT_OUT = ("Attribute", "JoinedStr", "FormattedValue", "Set", "Lambda", "NamedExpr", "Assign", "AugAssign",
            "Import", "DictComp", "SetComp", "GeneratorExp")  # fmt: skip


def work_out(arithmetic: Arithmetic, networks: dict[str, list[Layer]], example: Shape) -> tuple[bool, dict[str, Any]]:
    """Return whether the condition holds, and the numbers that were computed.

    Args:
        arithmetic: the expressions of a claim.
        networks: the layers of the experiment's models, by name.
        example: shape of one input.

    Raises:
        EntryError: an expression is not one, uses a name that is not there, or does not give what it should.
    """

    def of_model(count: Callable[[list[Layer]], int]) -> Callable[[str], int]:
        def counted(model: str) -> int:
            if model not in networks:
                raise ValueError(f"no model {model!r}; there are {', '.join(networks)}")
            return count(networks[model])

        return counted

    functions = {
        "ceil": ceil, "floor": floor, "sqrt": sqrt, "round": round, "abs": abs, "min": min, "max": max, "len": len,
        "parameters": of_model(lambda layers: count_parameters(layers, example)),
        "layers": of_model(weighted_layers),
        "convolutions": of_model(lambda layers: sum(isinstance(layer, Conv) for layer in layers)),
    }  # fmt: skip
    computed: dict[str, Any] = {}
    for name, expression in arithmetic.computed.items():
        computed[name] = _evaluate(f"computed.{name}", str(expression), functions, computed)
        if not _is_number(computed[name]):
            raise EntryError(f"computed.{name}: a number, or a list of numbers (found {str(expression)!r})")
    holds = _evaluate("holds", arithmetic.holds, functions, computed)
    if not isinstance(holds, bool):
        raise EntryError(f"holds: a condition, true or false (found {arithmetic.holds!r})")
    return holds, computed


def _evaluate(where: str, expression: str, functions: dict, names: dict[str, Any]) -> Any:
    operators = {kind: _of_numbers(join) for kind, join in JOINED.items()}
    operators |= {kind: DEFAULT_OPERATORS[kind] for kind in COMPARED}
    evaluator = EvalWithCompoundTypes(operators=operators, functions=dict(functions), names=dict(names))
    for kind in LEFT_OUT:
        evaluator.nodes.pop(getattr(ast, kind), None)
    try:
        return evaluator.eval(expression, previously_parsed=ast.parse(expression.strip(), mode="eval").body)
    except Exception as error:  # names, types, syntax, division by zero, nesting: each raises another kind
        message = " ".join(str(error).split()) or type(error).__name__
        raise EntryError(f"{where}: {message} (found {expression!r})") from None


def _of_numbers(join: Callable) -> Callable:
    def joined(left: Any, right: Any) -> Any:
        if not all(isinstance(side, int | float) for side in (left, right)):
            raise TypeError("only numbers are added, multiplied and so on")
        return join(left, right)

    return joined


def _is_number(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_is_number, value))
    try:
        return isinstance(value, int | float) and isfinite(value)
    except OverflowError:  # the whole number is too long for a float
        return False
