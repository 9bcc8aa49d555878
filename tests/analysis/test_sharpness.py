"""Sharpness in closed form, by looking at every corner of the box, and against L-BFGS-B."""

from itertools import product
from math import isnan, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, minimize

from netclaims.analysis.sharpness import ITERATIONS, sharpness
from netclaims.analysis.spectrum import training_loss
from netclaims.data.examples import Examples
from netclaims.nets.network import flatten
from netclaims.training.random_streams import stream


def normal(*shape, of="normal"):
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


def relative_rise(loss, theta, highest):
    here = loss(theta).item()
    return 100 * (highest - here) / (1 + here)


def corners(theta, epsilon):
    """Every corner of the box around θ."""
    signs = torch.tensor(list(product([-1.0, 1.0], repeat=len(theta))), dtype=theta.dtype)
    return theta + epsilon * (theta.abs() + 1) * signs


@pytest.fixture
def net_loss(network_of):
    """The loss of a net on 13 examples, and float64 parameters."""

    def make(layers, example, activation="tanh", classes=3):
        network = network_of(layers, example, activation)
        weights = {name: w.double() for name, w in network.initial([stream("a")]).items()}
        data = Examples(normal(13, *example, of="x"), torch.randint(classes, (1, 13), generator=stream("y")))
        return training_loss(network, weights, "cross_entropy", data), flatten(weights)[0]

    return make


@settings(max_examples=50, deadline=None)
@given(
    size=st.integers(1, 20),
    key=st.integers(0, 1000),
    epsilon=st.floats(1e-6, 10),
    level=st.floats(0, 100),
)
def test_a_linear_loss(size, key, epsilon, level):
    slope, theta = normal(size, of=(key, "g")), normal(size, of=(key, "θ"))
    expected = epsilon * (slope.abs() * (theta.abs() + 1)).sum().item()
    here = 50 + level  # far above 0, wherever θ is
    found = sharpness(lambda at: here + slope @ (at - theta), theta, epsilon)
    assert found == pytest.approx(100 * expected / (1 + here), rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 20), key=st.integers(0, 1000), epsilon=st.floats(1e-4, 1))
def test_a_separable_convex_loss(size, key, epsilon):
    steep, theta = normal(size, of=(key, "h")).square(), normal(size, of=(key, "θ"))

    def loss(at):
        return steep @ at.square() / 2

    highest = loss(theta.abs() + epsilon * (theta.abs() + 1)).item()  # away from 0 on every axis
    assert sharpness(loss, theta, epsilon) == pytest.approx(relative_rise(loss, theta, highest), rel=1e-9)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-3, 1e-2])
@pytest.mark.parametrize(("layers", "example"), [([{"dense": 3, "bias": False}], (3,)), ([3], (2,)), ([1, 3], (2,))])
def test_against_every_corner(layers, example, epsilon, net_loss):
    loss, theta = net_loss(layers, example)
    highest = max(loss(corner).item() for corner in corners(theta, epsilon))
    assert sharpness(loss, theta, epsilon) == pytest.approx(relative_rise(loss, theta, highest), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(key=st.integers(0, 1000), epsilon=st.floats(1e-3, 1))
def test_nothing_in_the_box_of_a_convex_loss_is_higher_than_its_highest_corner(key, epsilon):
    root, theta = normal(5, 5, of=(key, "A")), normal(5, of=(key, "θ"))

    def loss(at):
        return (root @ at).square().sum()

    found = sharpness(loss, theta, epsilon)
    highest = max(loss(corner).item() for corner in corners(theta, epsilon))
    limit = relative_rise(loss, theta, highest)
    assert found <= limit * (1 + 1e-12)
    first = theta + epsilon * (theta.abs() + 1) * (root.T @ root @ theta).sign()
    assert found >= relative_rise(loss, theta, loss(first).item()) * (1 - 1e-12)


def test_a_further_iteration_finds_more_than_the_first():
    def loss(at):  # convex; at the start the second term decides where y goes, at the first corner the first one
        x, y = at
        return 1e4 * ((x + 1e-3 * y) ** 2 + 1.2e-5 * y**2)

    theta = torch.tensor([0.01, -1.0], dtype=torch.float64)
    size = 0.01 * (theta.abs() + 1)
    first, second = (theta + size * torch.tensor(signs) for signs in ([1.0, -1.0], [1.0, 1.0]))
    rises = [relative_rise(loss, theta, loss(corner).item()) for corner in (first, second)]
    assert rises[0] < 0.999 * rises[1]
    assert sharpness(loss, theta, 0.01) == pytest.approx(rises[1], rel=1e-12)


@pytest.mark.parametrize("epsilon", [5e-4, 1e-3, 1e-2])
@pytest.mark.parametrize(
    ("layers", "example", "activation"),
    [
        ([6, 3], (5,), "tanh"),
        ([6, 3], (5,), "relu"),
        ([6, 3, "softmax"], (5,), "tanh"),
        ([{"conv": 2}, {"pool": 2}, 3], (2, 4, 4), "relu"),
    ],
)
def test_as_high_as_with_the_paper_s_l_bfgs_b(layers, example, activation, epsilon, net_loss):
    loss, theta = net_loss(layers, example, activation)
    size = (epsilon * (theta.abs() + 1)).numpy()

    def negative(z):
        at = (theta + torch.from_numpy(z)).requires_grad_()
        value = loss(at)
        return -value.item(), -torch.autograd.grad(value, at)[0].numpy()

    theirs = minimize(
        negative, np.zeros(len(theta)), jac=True, method="L-BFGS-B", bounds=Bounds(-size, size),
        options={"maxiter": 10, "ftol": 0, "gtol": 0},
    )  # fmt: skip
    expected = relative_rise(loss, theta, -theirs.fun)
    # In a small box both find the corner that the gradient points to; in a large one neither is sure of the maximum.
    assert sharpness(loss, theta, epsilon) == pytest.approx(expected, rel=1e-9 if epsilon < 1e-2 else 0.05)


def test_it_looks_at_the_start_and_at_corners_of_the_box(net_loss):
    loss, theta = net_loss([6, 3], (5,))
    visited = []

    def seen(at):
        visited.append(at.detach().clone())
        return loss(at)

    found = sharpness(seen, theta, 1e-2)
    assert len(visited) == ITERATIONS + 1 == 11
    assert torch.equal(visited[0], theta)
    for at in visited[1:]:
        torch.testing.assert_close((at - theta).abs() / (theta.abs() + 1), torch.full_like(theta, 1e-2))
    assert found == pytest.approx(relative_rise(loss, theta, max(loss(at).item() for at in visited)), rel=1e-12)
    assert not theta.requires_grad


def test_a_larger_box_has_no_lower_maximum(net_loss):
    loss, theta = net_loss([6, 3], (5,), "relu")
    found = [sharpness(loss, theta, epsilon) for epsilon in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)]
    assert (np.diff(found) > 0).all()
    assert found[1] == pytest.approx(10 * found[0], rel=0.01)  # where the loss is as good as linear


def test_where_nothing_changes_there_is_no_sharpness():
    assert sharpness(lambda at: 0 * at.sum() + 3, normal(4), 1e-3) == 0
    assert sharpness(lambda at: at.square().sum(), torch.zeros(4), 1e-3) == 0  # a minimum, and a gradient of zero
    assert sharpness(lambda at: 3 - at.square().sum(), torch.zeros(4), 1e-3) == 0


def test_a_parameter_that_does_not_matter_stays():
    visited = []

    def loss(at):
        visited.append(at.detach())
        return at[0].square()

    sharpness(loss, torch.ones(2), 0.1)
    assert all(at[1] == 1 for at in visited)


def test_a_maximum_in_the_box_is_no_lower_than_the_start():
    theta = torch.tensor([1e-3], dtype=torch.float64)  # next to a maximum, which every corner lies beyond
    assert sharpness(lambda at: 3 - at.square().sum(), theta, 0.5) == 0


@pytest.mark.parametrize("value", [nan, torch.inf])
def test_a_net_that_diverged(value, net_loss):
    loss, theta = net_loss([6, 3], (5,), "relu")
    theta[0] = value
    assert isnan(sharpness(loss, theta, 1e-3))


def test_float32_as_the_stage_has_it(net_loss):
    loss, theta = net_loss([6, 3], (5,))
    single, there = net_loss([6, 3], (5,))[0], theta.float()
    assert sharpness(lambda at: single(at.double()).float(), there, 1e-3) == pytest.approx(
        sharpness(loss, there.double(), 1e-3), rel=1e-4
    )
