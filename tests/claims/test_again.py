"""What is told of the nets to which a claim is put as well."""

from dataclasses import replace
from math import inf, isnan, log, nan, sqrt

import pytest

from netclaims.claims.again import beside, spread
from netclaims.claims.entries import ClaimTest, Comparison
from netclaims.claims.evidence import POSITIVE, Evidence

BY_SIZE = {"of": "nets.test_loss"}
SWEEP = {"batch_size": None, "sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}


def of(low, high) -> Evidence:
    return Evidence(2.0, low, high, "ratio", POSITIVE, 5, 0.5, 0.5, "t-test")


def test_how_far_outcomes_spread_there_is_told_with_the_effect():
    assert beside(of(0.25, 4.0), "", 2.0, 3.0) == "effect 2 (0.25 to 4), outcomes spread 1.5 times as far"
    for ours, theirs in ((nan, 1.0), (1.0, nan), (0.0, 1.0)):
        assert beside(of(0.25, 4.0), "", ours, theirs) == "effect 2 (0.25 to 4)"


def test_what_is_the_weakest_there_is_named_if_it_is_something_else():
    other = replace(of(0.25, 4.0), measured="test loss")
    assert beside(other, "test loss", nan, 1.0) == "effect 2 (0.25 to 4)"
    assert beside(other, "training loss", nan, 1.0) == "effect of test loss 2 (0.25 to 4)"


def comparison(**entry) -> Comparison:
    return ClaimTest.model_validate(entry).comparisons[0]


def test_outcomes_spread_as_their_standard_deviation_pooled_over_settings(leave, experiment):
    losses = {4: [1.0, 3, 5], 8: [10.0, 10, 13], 16: [0.0, 0, 0]}  # variances of 4, 3 and 0
    tables = leave(
        experiment(images=100, **SWEEP), lambda net: {"test_loss": losses[net["batch_size"]][net["replica"]]}, 3
    )
    trend = comparison(trend={"falls": BY_SIZE, "along": "batch_size"})
    assert spread(trend, tables) == pytest.approx(sqrt(7 / 3))
    one = {"of": "nets.test_loss", "where": {"batch_size": 4}}
    assert spread(comparison(ordering={"lower": one, "than": 1}), tables) == 2
    ratio = comparison(ordering={"lower": one, "than": 1, "ratio": True})
    mean = log(15) / 3
    expected = sqrt(sum((log(value) - mean) ** 2 for value in (1, 3, 5)) / 2)
    assert spread(ratio, tables) == pytest.approx(expected)


def test_settings_at_which_a_net_diverged_have_no_spread(leave, experiment):
    losses = {4: [1.0, 3, 5], 8: [10.0, inf, 13], 16: [inf, inf, inf]}

    def net_of(net):
        loss = losses[net["batch_size"]][net["replica"]]
        return {"test_loss": loss, "diverged": loss == inf}

    tables = leave(experiment(images=100, **SWEEP), net_of, 3)
    assert spread(comparison(trend={"falls": BY_SIZE, "along": "batch_size"}), tables) == 2


def test_a_course_has_none(leave, experiment):
    course = comparison(trend={"falls": {"of": "history.train_loss"}, "along": "epoch"})
    assert isnan(spread(course, leave(experiment())))
