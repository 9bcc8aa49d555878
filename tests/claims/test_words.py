"""What a comparison measures, in words."""

from math import inf, nan

import numpy as np
import pytest

from netclaims.claims import words
from netclaims.claims.operands import Operand

LOSS = {"of": "history.train_loss"}


def operand(of, **rest) -> Operand:
    return Operand.model_validate({"of": of} | rest)


@pytest.mark.parametrize(("entry", "said"), [
    (LOSS, "training loss"),
    ({"of": "nets.test_accuracy"}, "test accuracy"),
    ({"of": "nets.epoch"}, "epochs trained"),
    ({"of": "interpolate.loss", "where": {"split": "test"}}, "test loss"),
    ({"of": "sensitivity.sharpness"}, "sharpness"),
    ({"of": "hessian.gradient_norm"}, "gradient norm where the search ends"),
    (LOSS | {"take": "lowest"}, "lowest training loss"),
    (LOSS | {"take": "growth"}, "growth of the training loss"),
    (LOSS | {"take": "gain"}, "what training adds to the training loss"),
    (LOSS | {"until": {"fallen": 0.95}}, "epochs until the training loss has come 95 % of its way down"),
    (LOSS | {"until": {"below": 0.01}}, "epochs until the training loss is below 0.01"),
    (LOSS | {"take": "mean", "during": [0.9, 1]}, "mean training loss, from 90 to 100 % of the course"),
])  # fmt: skip
def test_an_operand_has_a_name(entry, said):
    assert words.measured(operand(**entry)) == words.measured(operand(**entry), 0.5) == said


def test_two_quantities_are_named_both_and_what_they_share_once():
    start, end = (operand(**LOSS, take=take, during=[0.5, 1]) for take in ("start", "end"))
    assert words.measured(start, start) == "training loss at the start, from 50 to 100 % of the course"
    assert words.measured(start, end) == (
        "training loss at the start against training loss at the end, from 50 to 100 % of the course"
    )
    early = operand(**LOSS, take="end", during=[0, 0.5])
    assert words.measured(early, end) == "training loss at the end"
    assert words.sides(early, end) == ["from 0 to 50 % of the course", "from 50 to 100 % of the course"]


def test_a_trend_says_which_way():
    assert (
        words.trend(operand("nets.test_loss"), "parameters", -1)
        == "fall of the test loss with the number of parameters"
    )
    assert words.trend(operand("steps.loss"), "step", 1) == "rise of the loss with the step"
    assert words.along(operand("nets.test_loss"), "batch_size") == "test loss by batch size"


@pytest.mark.parametrize(("one", "other", "names"), [
    ({"model": "A"}, {"model": "B"}, ["A", "B"]),
    ({"model": "A", "function": "sinc5"}, {"model": "A", "function": "quadratic"},
     ["sin(5πx)/(5πx)", "5x² - 0.5x + 0.2"]),
    ({"batch_size": 13500}, {"batch_size": 50}, ["batch size 13,500", "batch size 50"]),
    ({"model": ["A", "B"]}, {"model": "A"}, ["A and B", "A"]),
    ({"epoch": {"to": 5}}, {"epoch": {"from": 2, "to": 5}}, ["epoch to 5", "epoch from 2 to 5"]),
    ({"model": "sinc5"}, {}, ["sinc5", ""]),
    ({"split": "train"}, {"split": "test"}, ["", ""]),
])  # fmt: skip
def test_sides_are_told_apart_by_what_differs(one, other, names):
    assert words.sides(operand("interpolate.loss", where=one), operand("interpolate.loss", where=other)) == names


def test_a_group_says_of_what_it_is():
    assert words.of_group(["function", "model"], ("sinc5", "A")) == "sin(5πx)/(5πx), A"
    assert words.of_group(["split", "epoch"], ("train", np.float64(3))) == "training, epoch 3"


@pytest.mark.parametrize(("second", "ratio", "typical", "said"), [
    ({"model": "B"}, False, False, "means 4 (A) and 20 (B)"),
    ({"model": "B"}, True, False, "geometric means 3 (A) and 18 (B)"),
    ({"model": "B"}, True, True, "medians 3 (A) and 18 (B)"),
    (0.25, False, True, "median 3, against 20"),
])  # fmt: skip
def test_means_that_were_compared(second, ratio, typical, said):
    """Their ratio, or difference, is the effect."""
    other = second if isinstance(second, float) else operand(**LOSS, where=second)
    values = np.array([1.0, 3.0, 9.0]), np.array([9.0, 18.0, 36.0])
    if not ratio:
        values = np.array([1.0, 3.0, 8.0]), np.array([10.0, 20.0, 30.0])
    assert words.compared(operand(**LOSS, where={"model": "A"}), other, values, ratio, typical) == said


@pytest.mark.parametrize("side", [[1.0, inf], [1.0, nan], [nan]])
def test_no_centre_is_told_that_is_not_finite(side):
    one = operand(**LOSS)
    assert words.compared(one, 1.0, (np.array(side), np.ones(len(side))), False, False) == ""
    assert words.compared(one, 1.0, (np.array([0.0, 1.0]), np.ones(2)), True, False) == ""
