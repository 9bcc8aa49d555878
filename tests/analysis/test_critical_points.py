"""The searches for points of zero gradient on nets, and on functions whose critical points are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import grad, hessian, jacrev

from netclaims.analysis.critical_points import ROUNDING, Descent
from netclaims.analysis.critical_points import lower_gradient_norm as counted_gradient_norm
from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.nets.layers import Dense
from netclaims.nets.network import Network
from netclaims.training.random_streams import stream


def lower_loss(problem, theta: Tensor, iterations: int) -> Tensor:
    descent = Descent(problem, theta)
    descent.lower(iterations)
    return descent.theta


def lower_gradient_norm(problem, theta: Tensor, iterations: int) -> Tensor:
    return counted_gradient_norm(problem, theta, iterations)[0]


SEARCHES = [lower_loss, lower_gradient_norm]
ACTIVATIONS = ["tanh", "relu", "leaky_relu"]


def row(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def normal(*shape: int, of="normal") -> Tensor:
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


def net_of(hidden=(4, 3), features=2, activation="tanh", examples=20, seed=0) -> tuple[LeastSquares, Tensor]:
    """A net of random weights θ on random data."""
    network = Network([Dense(units) for units in (*hidden, 1)], activation, (features,))
    x, y = normal(examples, features, of=(seed, "x")), normal(examples, of=(seed, "y"))
    return LeastSquares(network, x, y), 2 * theta_of(network.initial([stream(seed, "weights")]))[0]


def teacher_of(activation: str) -> tuple[LeastSquares, Tensor]:
    """A net θ whose own outputs are the targets."""
    network, x = Network([Dense(4), Dense(3), Dense(1)], activation, (2,)), normal(60, 2, of="x")
    theta = 2 * theta_of(network.initial([stream("teacher")]))[0]
    y, _ = LeastSquares(network, x, torch.zeros(60).double()).linearised(theta)
    return LeastSquares(network, x, y), theta


def function(residuals) -> SimpleNamespace:
    """Any other problem of least squares, L(θ) = mean r(θ)², from its residuals."""

    def loss(theta):
        return residuals(theta).square().mean()

    return SimpleNamespace(
        low=None,
        loss=loss,
        gradient=grad(loss),
        linearised=lambda theta: (residuals(theta), jacrev(residuals)(theta)),
        curvature=lambda theta: (torch.zeros(len(theta), len(theta)).to(theta), hessian(loss)(theta)),
    )


BOWL = function(lambda p: torch.stack([3 * (p[0] - 1), p[0] + p[1] + 1, 0.1 * (p[1] + 2)]))  # L = 0 at (1, -2)
TWO_BOWLS = function(lambda p: torch.stack([p[0] ** 2 - 1, p[1]]))  # L = 0 at (±1, 0), and between them a saddle


def counted(problem, calls: list[str]) -> SimpleNamespace:
    """The same problem, which notes the calls of its methods."""

    def noted(name):
        def call(theta):
            calls.append(name)
            return getattr(problem, name)(theta)

        return call

    watched = {name: noted(name) for name in ("loss", "gradient", "linearised", "curvature")}
    others = ("activity", "switches", "with_slopes", "low")
    return SimpleNamespace(**watched, **{name: getattr(problem, name, None) for name in others})


# ------------------------------------------------------------------------------------------------- known functions


@pytest.mark.parametrize("search", SEARCHES)
def test_both_find_the_bottom_of_a_bowl(search):
    found = search(BOWL, row(3.0, 4.0), 60)
    torch.testing.assert_close(found, row(1.0, -2.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("start", [row(0.2, 0.3), row(-0.3, -0.1), row(0.05, -1.0)])
def test_between_two_minima_the_loss_leads_to_one_and_the_gradient_norm_to_the_saddle(start):
    torch.testing.assert_close(lower_loss(TWO_BOWLS, start, 60), row(start[0].sign(), 0.0), rtol=0, atol=1e-12)
    saddle = lower_gradient_norm(TWO_BOWLS, start, 60)
    torch.testing.assert_close(saddle, row(0.0, 0.0), rtol=0, atol=1e-12)
    assert torch.linalg.eigvalsh(TWO_BOWLS.curvature(saddle)[1]).sign().tolist() == [-1, 1]


def test_the_top_of_a_hill_is_a_zero_of_the_gradient_too():
    hill = function(lambda p: torch.exp(-p.square().sum() / 2).unsqueeze(0))
    found = lower_gradient_norm(hill, row(0.3, -0.2), 60)
    torch.testing.assert_close(found, row(0.0, 0.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("search", SEARCHES)
def test_directions_that_change_nothing_are_left_alone(search):
    found = search(function(lambda p: (p[0] + p[2] - 1).unsqueeze(0)), row(3.0, 4.0, 1.0), 60)
    torch.testing.assert_close(found, row(1.5, 4.0, -0.5), rtol=0, atol=1e-12)


def test_a_minimum_of_the_gradient_norm_above_zero_is_found_and_not_left():
    # L = 1 + x³/3 + x/10 + y²/2 has the slope x² + 1/10 along x: flat along its own gradient at 0 (Frye et al. 2021).
    flat = function(lambda p: (1 + p[0] ** 3 / 3 + p[0] / 10 + p[1] ** 2 / 2).sqrt().unsqueeze(0))
    found = lower_gradient_norm(flat, row(0.5, 0.5), 200)
    torch.testing.assert_close(found, row(0.0, 0.0), rtol=0, atol=1e-6)
    torch.testing.assert_close(flat.gradient(found).norm(), row(0.1)[0], rtol=1e-12, atol=0)
    assert torch.equal(lower_gradient_norm(flat, row(0.0, 0.0), 20), row(0.0, 0.0))


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_quadratic_of_any_signature_leads_to_its_critical_point(sizes, signs):
    curvatures = torch.diag(row(*(size if sign else -size for size, sign in zip(sizes, signs, strict=False))))
    problem = SimpleNamespace(
        gradient=lambda theta: curvatures @ (theta - 1),
        curvature=lambda theta: (curvatures / 3, curvatures * 2 / 3),  # the sum counts
    )
    found = lower_gradient_norm(problem, normal(len(sizes)), 60)
    torch.testing.assert_close(found, torch.ones_like(found), rtol=0, atol=1e-12)


# ------------------------------------------------------------------------------------------------------------ nets


@pytest.mark.parametrize("search", SEARCHES)
def test_linear_regression_leads_to_the_least_squares_fit(search):
    problem, theta = net_of((), features=3)
    x, y = normal(20, 3, of=(0, "x")), normal(20, of=(0, "y"))
    inputs = torch.cat([x, torch.ones(20, 1, dtype=torch.float64)], 1)
    found = search(problem, theta, 60)
    torch.testing.assert_close(found, torch.linalg.lstsq(inputs, y).solution, rtol=1e-10, atol=0)
    assert problem.gradient(lower_gradient_norm(problem, found, 5)).norm() <= ROUNDING


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("measure", ["loss", "gradient norm"])
def test_what_is_lowered_never_goes_up(measure, activation, seed):
    problem, theta = net_of(activation=activation, seed=seed)
    if measure == "loss":
        values = [float(problem.loss(lower_loss(problem, theta, n))) for n in range(16)]
    else:
        values = [float(problem.gradient(lower_gradient_norm(problem, theta, n)).norm()) for n in range(16)]
    assert values == sorted(values, reverse=True)
    assert values[1] < values[0]
    assert values[-1] < 0.6 * values[0]


@pytest.mark.parametrize("search", SEARCHES)
def test_the_start_is_left_as_it_was_and_the_end_is_always_the_same(search):
    problem, theta = net_of()
    before = theta.clone()
    found = search(problem, theta, 5)
    assert torch.equal(theta, before)
    assert not torch.equal(found, before)
    assert torch.equal(search(problem, theta, 5), found)


@pytest.mark.parametrize("search", SEARCHES)
def test_no_iterations_change_nothing(search):
    problem, theta = net_of()
    assert torch.equal(search(problem, theta, 0), theta)


@pytest.mark.parametrize(("search", "method"), [(lower_loss, "linearised"), (lower_gradient_norm, "curvature")])
def test_so_many_iterations_at_the_most(search, method):
    problem, theta = net_of()
    calls: list[str] = []
    search(counted(problem, calls), theta, 7)
    assert calls.count(method) == 7


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_net_that_made_the_targets_is_kept(activation):
    problem, theta, calls = *teacher_of(activation), []
    watched = counted(problem, calls)
    assert problem.gradient(theta).norm() <= ROUNDING
    assert torch.equal(lower_gradient_norm(watched, lower_loss(watched, theta, 9), 9), theta)
    assert calls == ["loss", "linearised", "gradient"]  # no trial, and no Hessian


def test_the_net_that_made_the_targets_is_found_again_from_nearby():
    problem, theta = teacher_of("tanh")
    start = theta + 0.05 * normal(len(theta))
    assert problem.loss(start) > 1e-4
    found = lower_loss(problem, start, 60)
    assert problem.loss(found) < 1e-26
    torch.testing.assert_close(found, theta, rtol=0, atol=1e-9)


def test_a_matrix_that_cannot_be_factorised_is_damped_before_its_step_is_tried():
    # 10¹⁸ [[2, 2], [2, 2]] + μ is positive definite for any μ > 0, but not when rounded, unless μ is above 100 or so.
    problem, start, calls = function(lambda p: 1e9 * (p.sum() - 1).unsqueeze(0)), row(3.0, 4.0), []
    found = lower_loss(counted(problem, calls), start, 1)
    assert calls == ["loss", "linearised", "loss"]
    assert problem.loss(found) < 0.1 * problem.loss(start)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hidden", [1, 3])
def test_a_fit_ends_at_the_minimum_that_scipy_finds_with_a_gradient_of_rounding(hidden, seed):
    x = torch.linspace(-1, 1, 30, dtype=torch.float64)
    y = x.exp() * (4 * x).sin()
    network = Network([Dense(hidden), Dense(1)], "tanh", (1,))
    problem = LeastSquares(network, x.unsqueeze(1), y)
    start = theta_of(network.initial([stream(seed, "weights")]))[0]
    lower = lower_loss(problem, start, 60)
    assert problem.gradient(lower).norm() < 1e-8
    found = lower_gradient_norm(problem, lower, 20)
    assert problem.gradient(found).norm() <= ROUNDING

    def residuals(theta):
        first, last = theta[: 2 * hidden].reshape(hidden, 2), theta[2 * hidden :]
        return np.tanh(np.outer(x, first[:, 0]) + first[:, 1]) @ last[:-1] + last[-1] - y.numpy()

    fit = scipy.optimize.least_squares(residuals, lower.numpy() + 1e-3, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert problem.loss(found) == pytest.approx(np.square(fit.fun).mean(), rel=1e-10)
    assert problem.loss(lower) == pytest.approx(float(problem.loss(found)), rel=1e-12)


def test_lowering_the_loss_leaves_a_net_that_diverged_as_it_is():
    problem, theta = net_of()
    assert lower_loss(problem, torch.full_like(theta, torch.nan), 5).isnan().all()
