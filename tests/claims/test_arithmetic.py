"""Expressions over what a report states: what they give, and what they cannot do."""

import math
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netclaims.claims.arithmetic import work_out
from netclaims.claims.entries import Arithmetic
from netclaims.claims.operands import EntryError
from netclaims.nets.layers import weighted_layers

MODELS = {
    "M1": {"layers": [64, 32, 10]},
    "M2": {"layers": [128, {"dense": 10, "bias": False}]},
    "C1": {"layers": [{"conv": 4}, {"pool": 2}, {"conv": 8}, {"pool": 2}, 16, 10]},
    "C2": {"layers": [{"resize": 20}, {"conv": 4, "kernel": 5, "padding": 0}, {"pool": 4}, 10, "softmax"]},
}
PARAMETERS = {  # weights and biases, counted by hand
    "M1": 784 * 64 + 64 + 64 * 32 + 32 + 32 * 10 + 10,
    "M2": 784 * 128 + 128 + 128 * 10,
    "C1": 9 * 4 + 4 + 9 * 4 * 8 + 8 + 8 * 7 * 7 * 16 + 16 + 16 * 10 + 10,
    "C2": 25 * 4 + 4 + 4 * 4 * 4 * 10 + 10,
}


@pytest.fixture(scope="module")
def models(layers_of):
    """The layers of every network, and the shape of one input."""
    return {name: layers_of(model["layers"]) for name, model in MODELS.items()}, (1, 28, 28)


@pytest.fixture(scope="module")
def compute(models):
    """The value of the last of some expressions, each by its name."""

    def value(**expressions):
        holds, computed = work_out(Arithmetic(computed=expressions, holds="1 == 1"), *models)
        assert holds is True
        assert list(computed) == list(expressions)
        return computed[next(reversed(expressions))]

    return value


@pytest.fixture(scope="module")
def fault(models):
    """What is wrong with a condition and the names in it, in one line."""

    def said(holds="x == x", **expressions):
        with pytest.raises(EntryError) as caught:
            work_out(Arithmetic(computed=expressions or {"x": 1}, holds=holds), *models)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return said


@pytest.mark.parametrize("model", MODELS)
def test_numbers_of_the_models(model, models, compute):
    assert compute(x=f"parameters('{model}')") == PARAMETERS[model]
    layers = [layer for layer in MODELS[model]["layers"] if isinstance(layer, int) or {"conv", "dense"} & set(layer)]
    assert compute(x=f"layers('{model}')") == weighted_layers(models[0][model]) == len(layers)
    assert compute(x=f"convolutions('{model}')") == sum(isinstance(layer, dict) and "conv" in layer for layer in layers)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (3, 3),
        (0.5, 0.5),
        ("1e-3", 0.001),
        ("3 * 4 + 5", 17),
        ("2 + 3 * (4 - 1) ** 2 / 2", 15.5),
        ("-7 // 2", -4),
        ("17 % 5", 2),
        ("60000 / 128", 468.75),
        ("ceil(60000 / 128)", 469),
        ("floor(60000 / 128)", 468),
        ("sqrt(2) ** 2", pytest.approx(2)),
        ("round(2.567, 1)", 2.6),
        ("round(2.5)", 2),
        ("abs(3 - 5)", 2),
        ("min(3, 2, 1) + max([1, 2])", 3),
        ("[1, 2.5, 1 + 2]", [1, 2.5, 3]),
        ("[parameters(name) for name in ['M1', 'M2']]", [PARAMETERS["M1"], PARAMETERS["M2"]]),
        ("len([layers(name) for name in ['M1', 'C1', 'C2'] if convolutions(name)])", 2),
        ("[1, [2, 3]][1][0]", 2),
        ("5 if layers('M1') == 3 else 6", 5),
        (" 1 + 1 \n", 2),
        ("[1,\n 2]", [1, 2]),
    ],
)
def test_what_expressions_give(expression, value, compute):
    assert compute(x=expression) == value


def test_names_are_of_what_was_computed_before(compute, fault):
    assert compute(units=190, weights="3 * units", all="weights + 1") == 571
    assert fault(a="b + 1", b=2).startswith("computed.a: 'b' is not defined")


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        ("x == 2", True),
        ("x != 2", False),
        ("1 < x <= 2", True),
        ("x == 3 or y == [2, 4]", True),
        ("x == 2 and y[1] == 5", False),
        ("not x == 2", False),
        ("x in y", True),
        ("parameters('M1') == 52650", True),
        ("max(y) - min(y) == 2", True),
    ],
)
def test_a_condition_holds_or_does_not(holds, expected, models):
    found, computed = work_out(Arithmetic(computed={"x": 2, "y": "[x, 2 * x]"}, holds=holds), *models)
    assert found is expected
    assert computed == {"x": 2, "y": [2, 4]}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(a=st.integers(-1000, 1000), b=st.floats(-10, 10), c=st.integers(1, 1000), sign=st.sampled_from("+-*"))
def test_arithmetic_is_that_of_python(compute, a, b, c, sign):
    join = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
    assert compute(a=a, b=b, x=f"(a {sign} b) / {c}") == join(a, b) / c


@settings(max_examples=30, deadline=None, derandomize=True)
@given(hidden=st.integers(2, 5000))
def test_the_counting_of_a_report_can_be_checked(compute, hidden):
    assert compute(h=hidden, x="(3 * h + 1 - 1) / 3 == h") is True
    assert compute(h=hidden, x="(3 * h + 2 - 1) / 3 == floor((3 * h + 2 - 1) / 3)") is False


# --------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 / 0", "division by zero"),
        ("5 % 0", ""),
        ("sqrt(-1)", ""),
        ("1 +", "invalid syntax"),
        ("", ""),
        ("(1", "'(' was never closed"),
        ("parametres('M1')", "Function 'parametres' not defined"),
        ("parameters('M3')", "no model 'M3'; there are M1, M2, C1, C2"),
        ("layers('M3')", "no model 'M3'; there are M1, M2, C1, C2"),
        ("convolutions('M3')", "no model 'M3'; there are M1, M2, C1, C2"),
        ("parameters()", ""),
        ("M1", "'M1' is not defined"),
        ("(y\n+ 1)", "'y' is not defined"),
        ("len(5)", ""),
        ("[1, 2][2]", "list index out of range"),
        ("min()", ""),
        ("10.0 ** 400", ""),
    ],
)
def test_a_mistake_says_where_it_is_and_what_was_found(expression, message, fault):
    assert fault(x=expression).startswith(f"computed.x: {message}")
    assert fault(x=expression).endswith(f"(found {expression!r})")
    assert fault(holds=f"x == 1 and ({expression})" if "\n" not in expression else expression).startswith("holds: ")


# What is written down of it has to be a number, or numbers.
@pytest.mark.parametrize("expression", ["parameters", "'M1'", "['M1', 'M2']", "None", "[]", "{1: 2}", "[1, [None]]",
                                        "1e999", "1e308 * 10 - 1e308 * 10", "10 ** 5000", "[10 ** 400]"])  # fmt: skip
def test_what_is_computed_is_a_number_or_a_list_of_them(expression, fault):
    assert fault(x=expression) == f"computed.x: a number, or a list of numbers (found {expression!r})"


@pytest.mark.parametrize("holds", ["x", "x + 1", "1 if x else 0", "[x == 1]", "x and 1", "'x == 1'", "None", "max"])
def test_a_condition_is_true_or_false(holds, fault):
    assert fault(holds) == f"holds: a condition, true or false (found {holds!r})"


@pytest.mark.parametrize("expression", ["x = 1", "x == 1; x == 2", "x == 1\nx == 2", "x += 1", "import os", "del x",
                                        "def f(): 1", "x := 1", "assert x"])  # fmt: skip
def test_a_statement_is_no_expression(expression, fault):
    assert fault(expression).startswith("holds: ")
    assert fault(x=1, y=expression).startswith("computed.y: ")


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').getcwd()",
        "__builtins__",
        "open('params.yaml')",
        "eval('1')",
        "exec('1')",
        "getattr(1, 'real')",
        "globals()",
        "lambda: 1",
        "(lambda: 1)()",
        "(1).__class__",
        "parameters.__self__",
        "parameters.__func__.__globals__",
        "[].__class__.__bases__",
        "(1).real",
        "'a'.upper() == 'A'",
        "'{0.__class__}'.format(1)",
        "rand()",
        "randint(3)",
        "str(1)",
        "9 ** 9 ** 9 ** 9",
        "2 ** (10 ** 9)",
        "1 << 10 ** 9",
        "'a' * 10 ** 9",
        "[0] * 10 ** 9",
        "[i for i in [1] * 90000]",
        "'a'.ljust(20000000) == 1",
        "'%20000000d' % 1 == 1",
        "f'{1:20000000d}' == 1",
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 50000 + "1",
    ],
    ids=lambda expression: expression[:30],
)
def test_nothing_dangerous_is_done(expression, fault):
    assert fault(x=expression).startswith("computed.x: ")
    assert fault(expression).startswith("holds: ")


PIECES = ["x", "1", "2.5", "'M1'", "(", ")", "[", "]", ",", "+", "-", "*", "/", "//", "%", "==", "<", " and ", " not ",
          " if ", " else ", " for ", " in ", "=", ";", "\n", ".", ":", "parameters", "layers", "len", "max", "round",
          "real", "\\", "é", "#", "{", "}", "\0"]  # fmt: skip


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of a call of a number, and the like
@settings(max_examples=300, deadline=None, derandomize=True)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=9))
def test_whatever_is_written_is_a_value_or_one_line(models, pieces):
    expression = "".join(pieces)
    try:
        holds, computed = work_out(Arithmetic(computed={"x": 2, "y": expression}, holds="x == 2"), *models)
    except EntryError as error:
        assert str(error).startswith("computed.y: ")
        assert str(error).endswith(f"(found {expression!r})")
        assert "\n" not in str(error)
    else:
        assert holds is True
        assert computed["x"] == 2
        values = computed["y"] if isinstance(computed["y"], list) else [computed["y"]]
        assert all(math.isfinite(value) for value in values)
