"""When nets end: by a rule on the gradient or on the loss, or because they diverged; each by itself."""

from math import inf, nan

import pytest
import torch

from netclaims.training.settings import Stop
from netclaims.training.stopping import Stopping


def stopping(members=3, **rule) -> Stopping:
    return Stopping(Stop(**{"gradient_norm": None, "loss_change": None} | rule) if rule else None, members, "cpu")


def of(*values) -> torch.Tensor:
    return torch.tensor([float(value) for value in values])


def test_without_a_rule_all_are_measured_at_recorded_epochs_and_none_at_others():
    nets = stopping()
    assert nets.due(of(1, 1, 1), recorded=False) is None
    assert nets.due(of(1, 1, 1), recorded=True).tolist() == [True] * 3
    nets.judge(nets.active, of(1, 1, 1), None)
    assert nets.active.tolist() == [True] * 3
    assert not nets.finished


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_a_loss_that_is_not_finite_ends_a_net_as_diverged(loss):
    nets = stopping()
    nets.judge(nets.active, of(1, loss, 1), None)
    assert nets.active.tolist() == [True, False, True]
    assert nets.diverged.tolist() == [False, True, False]
    assert nets.due(of(1, 1, 1), recorded=True).tolist() == [True, False, True]


def test_a_gradient_below_its_limit_ends_a_net():
    nets = stopping(gradient_norm=0.5)
    nets.judge(nets.active, of(1, 1, 1), of(0.5, 0.49, nan))
    assert nets.active.tolist() == [True, False, True]
    nets.judge(nets.active, of(1, nan, nan), of(0.4, 1, nan))
    assert nets.active.tolist() == [False, False, False]
    assert nets.diverged.tolist() == [False, False, True]  # the second had ended before
    assert nets.finished


def test_a_loss_that_changes_by_less_than_its_limit_ends_a_net_in_any_epoch():
    nets = stopping(loss_change=0.5)
    assert nets.due(of(5, 5, 5), recorded=False) is None  # the first epoch changes nothing
    found = nets.due(of(4, 4.75, 5.5), recorded=False)
    assert found.tolist() == [False, True, False]  # a change of 0.5 is none below it
    nets.judge(found, of(1, 1, 1), None)
    assert nets.active.tolist() == [True, False, True]
    found = nets.due(of(4.25, 4.75, 6.5), recorded=True)
    assert found.tolist() == [True, False, True]  # at a recorded epoch all that still train
    nets.judge(found, of(1, 1, 1), None)
    assert nets.active.tolist() == [False, False, True]
    assert nets.due(of(4.25, 4.75, 7.5), recorded=False) is None


def test_a_net_is_not_judged_where_only_others_end():
    """Alone, it would not have been looked at before the next recorded epoch."""
    nets = stopping(loss_change=0.5)
    nets.due(of(1, 1, 1), recorded=False)
    found = nets.due(of(1, 9, 9), recorded=False)
    nets.judge(found, of(1, nan, 9), None)
    assert nets.active.tolist() == [False, True, True]
    assert nets.diverged.tolist() == [False] * 3
    nets.judge(nets.due(of(1, nan, 20), recorded=True), of(1, nan, 9), None)
    assert nets.diverged.tolist() == [False, True, False]


def test_what_is_restored_decides_alike():
    nets, later = stopping(loss_change=0.5), stopping(loss_change=0.5)
    nets.due(of(1, 1, 5), recorded=True)
    nets.judge(nets.active, of(nan, 1, 1), None)
    later.restore(nets.state())
    for one in (nets, later):
        assert one.due(of(1, 1.25, 9), recorded=False).tolist() == [False, True, False]
        assert (one.diverged.tolist(), one.finished) == ([True, False, False], False)
    nets.judge(nets.active, of(nan, nan, nan), None)
    later.restore(nets.state())
    assert later.finished
