"""Minima of functions with kinks: the hull of one-sided gradients, and searches that go along kinks."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from netclaims.analysis.critical_points import Descent, lower_gradient_norm
from netclaims.analysis.exact_hessian import NEGATIVE_SLOPE, LeastSquares, theta_of
from netclaims.analysis.kinks import Surface, nearest_to_zero, switching_distances
from netclaims.analysis.stationary import examine
from netclaims.nets.layers import Dense
from netclaims.nets.network import Network
from netclaims.training.random_streams import stream

KINKED = ["relu", "leaky_relu"]


def row(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def normal(*shape: int, of="normal") -> Tensor:
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


def net_of(hidden=(4, 3), activation="relu", examples=20, seed=0) -> tuple[LeastSquares, Tensor]:
    """A net of random weights θ on random data."""
    network = Network([Dense(units) for units in (*hidden, 1)], activation, (1,))
    x, y = torch.linspace(-1, 1, examples, dtype=torch.float64).unsqueeze(1), normal(examples, of=(seed, "y"))
    return LeastSquares(network, x, y), 2 * theta_of(network.initial([stream(seed, "weights")]))[0]


class Hinges:
    """L(θ) = the mean over functions of (smooth_i(θ) + Σ_j w_ij max(0, a_j·θ - b_j))², an interface as that of a net.

    Every hinge is a hidden unit on one example of its own.
    """

    low = 0.0

    def __init__(self, normals: Tensor, offsets: Tensor, weights: Tensor, smooth, held=None) -> None:
        self._a, self._b, self._w, self._smooth, self._held = normals, offsets, weights, smooth, held

    def with_slopes(self, kinks, slopes):
        return Hinges(self._a, self._b, self._w, self._smooth, (kinks[:, 1], slopes))

    def _residuals(self, theta):
        z = self._a @ theta - self._b
        on = (z > 0).to(theta)
        if self._held:
            on = on.index_put((self._held[0],), self._held[1])
        return self._smooth(theta) + self._w @ (on * z)

    def loss(self, theta):
        return self._residuals(theta).square().mean()

    def gradient(self, theta):
        return jacobian(self.loss, theta)

    def linearised(self, theta):
        return self._residuals(theta), jacobian(self._residuals, theta)

    def curvature(self, theta):
        return torch.zeros(len(theta), len(theta)).to(theta), hessian(self.loss, theta)

    def activity(self, theta):
        return (self._a @ theta - self._b).unsqueeze(0)

    def switches(self, theta, kinks):
        found = kinks[:, 1]
        residuals = self._residuals(theta)
        jumps = (2 * residuals.unsqueeze(1) * self._w).mean(0)[found]
        return (self._a @ theta - self._b)[found], self._a[found], jumps


def absolute(normals: Tensor, offsets: Tensor, smooth=lambda theta: theta.new_zeros(1), lift=10.0) -> Hinges:
    """(lift + smooth + Σ |a_j·θ - b_j|)², which is least where the sum is; |z| = 2 max(0, z) - z."""

    def rest(theta):
        return lift + smooth(theta) - (normals @ theta - offsets).sum().unsqueeze(0)

    return Hinges(normals, offsets, torch.full((1, len(offsets)), 2.0).double(), rest)


def least(problem, start, steps=100) -> Descent:
    found = Descent(problem, start)
    found.lower(steps)
    return found


# ------------------------------------------------------------------------------------------------------------ the hull


@pytest.mark.parametrize("count", [0, 1, 2, 4])
@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_mixture_is_the_nearest_point_of_the_hull_of_all_one_sided_gradients(count, seed):
    gradient, normals, jumps = (normal(*shape, of=(seed, count)) for shape in ((3,), (count, 3), (count,)))
    shares, distance = nearest_to_zero(gradient, normals, jumps)
    corners = np.array([(gradient + row(*sides) @ (jumps.unsqueeze(1) * normals)).numpy() if count else gradient.numpy()
                        for sides in product((0.0, 1.0), repeat=count)])  # fmt: skip
    share = np.full(len(corners), 1 / len(corners))
    found = minimize(lambda v: np.square(v @ corners).sum(), share, bounds=[(0, 1)] * len(corners), tol=1e-14,
                     constraints={"type": "eq", "fun": lambda v: v.sum() - 1})  # fmt: skip
    assert distance == pytest.approx(np.sqrt(found.fun), rel=1e-4, abs=1e-5)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert distance == pytest.approx(float((gradient + shares @ (jumps.unsqueeze(1) * normals)).norm()), abs=1e-12)


@pytest.mark.parametrize(("slope", "inside"), [(0.0, True), (0.9, True), (-1.0, True), (1.1, False), (-3.0, False)])
def test_zero_is_in_the_hull_of_an_absolute_value_and_a_line_less_steep(slope, inside):
    _, distance = nearest_to_zero(row(slope - 1), row(1.0).unsqueeze(0), row(2.0))  # |x| + slope x, at 0
    assert distance == pytest.approx(max(abs(slope) - 1, 0), abs=1e-15)
    assert (distance < 1e-12) == inside


# ---------------------------------------------------------------------------------------------------- known functions


@pytest.mark.parametrize("start", [1.0, -1.0, 0.3])
def test_the_minimum_of_an_absolute_value_and_a_square_is_at_its_kink(start):
    problem = absolute(torch.eye(1).double(), row(0.0), smooth=torch.square)
    found = least(problem, row(start))
    assert found.theta.abs() < 1e-12
    assert found.kinks.tolist() == [[0, 0]]


@pytest.mark.parametrize("line", [2.0, -2.0])
def test_a_kink_that_a_line_tilts_over_is_left_for_the_smooth_minimum(line):
    # x² + |x| + line x has no minimum at 0, but at ∓1/2.
    problem = absolute(torch.eye(1).double(), row(0.0), smooth=lambda p: p.square() + line * p)
    for start in (1.0, -1.0, 1e-3, -1e-3):
        found = least(problem, row(start))
        torch.testing.assert_close(found.theta, row(-line / 4), rtol=0, atol=1e-6)
        assert len(found.kinks) == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_least_absolute_deviations_are_those_of_a_linear_programme(dimension, seed):
    count = 7
    a, b = normal(count, dimension, of=(seed, "a")), normal(count, of=(seed, "b"))
    found = least(absolute(a, b), normal(dimension, of=seed), 300)
    cost = np.r_[np.zeros(dimension), np.ones(count)]
    sides = np.block([[a.numpy(), -np.eye(count)], [-a.numpy(), -np.eye(count)]])
    bounds = [(None, None)] * (dimension + count)
    best = linprog(cost, A_ub=sides, b_ub=np.r_[b, -b], bounds=bounds)
    assert float((a @ found.theta - b).abs().sum()) == pytest.approx(best.fun, rel=1e-9)
    assert len(found.kinks) == dimension


def test_along_a_valley_with_a_kinked_floor_the_smooth_minimum_is_found_to_rounding():
    net, theta = kinked_valley()
    found = least(net, theta, 200)
    end, _ = lower_gradient_norm(net, found.theta, 30, found.kinks)
    surface = Surface(net, end, found.kinks)
    _, distance = nearest_to_zero(surface.piece(0.0).gradient(end), surface.normals, surface.jumps)
    assert len(found.kinks) > 0
    assert distance < 1e-12


def kinked_valley() -> tuple[LeastSquares, Tensor]:
    """A net whose descent ends on kinks: a line of three points that one unit cannot fit."""
    network = Network([Dense(1), Dense(1)], "relu", (1,))
    x, y = row(-1.0, 0.0, 1.0, 2.0).unsqueeze(1), row(0.0, -1.0, 1.0, 2.0)
    return LeastSquares(network, x, y), row(1.0, 0.3, 1.0, -0.2)


# ---------------------------------------------------------------------------------------------------------------- nets


def on_a_kink(activation: str, seed: int) -> tuple[LeastSquares, Tensor, Tensor]:
    """A net with kinks of units in both layers exactly on examples, brought there by Newton's method."""
    problem, theta = net_of(activation=activation, seed=seed)
    z = problem.activity(theta)
    kinks = torch.tensor([[int(z[:, unit].abs().argmin()), unit] for unit in (0, 5)])
    for _ in range(20):
        theta = Surface(problem, theta, kinks).back(theta)
    return problem, theta, kinks


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", KINKED)
def test_the_gradient_jumps_by_what_is_said_across_each_kink(activation, seed):
    problem, theta, kinks = on_a_kink(activation, seed)
    z, normals, jumps = problem.switches(theta, kinks)
    assert z.abs().max() < 1e-12
    for k in range(len(kinks)):
        step = 1e-7 * torch.linalg.pinv(normals)[:, k]  # the other stays where it is
        other = torch.arange(len(kinks)) == k
        sides = [problem.gradient(theta + sign * step) for sign in (1, -1)]
        held = [Surface(problem, theta, kinks[other]).piece(share).gradient(theta) for share in (1.0, 0.0)]
        torch.testing.assert_close(held[0] - held[1], jumps[k] * normals[k], rtol=0, atol=1e-12)
        torch.testing.assert_close(sides[0] - sides[1], jumps[k] * normals[k], rtol=0, atol=1e-4)


@pytest.mark.parametrize("activation", KINKED)
def test_z_changes_as_its_normal_says(activation):
    problem, theta = net_of((4, 3, 2), activation)
    kinks = torch.tensor([[3, 1], [7, 4], [9, 6], [11, 8]])
    normals = problem.switches(theta, kinks)[1]
    exact = jacobian(lambda t: problem.activity(t)[tuple(kinks.T)], theta + 0)
    steps = 1e-6 * torch.eye(len(theta), dtype=theta.dtype)
    numeric = torch.stack([problem.activity(theta + s)[tuple(kinks.T)] - problem.activity(theta - s)[tuple(kinks.T)]
                           for s in steps], 1) / 2e-6  # fmt: skip
    torch.testing.assert_close(normals, numeric, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(normals, exact, rtol=1e-10, atol=1e-12)


def test_slopes_that_are_held_do_not_change_the_loss_on_the_kink_and_give_both_sides_derivatives():
    problem, theta, kinks = on_a_kink("leaky_relu", 1)
    for share in (0.0, 0.4, 1.0):
        piece = Surface(problem, theta, kinks).piece(share)
        torch.testing.assert_close(piece.loss(theta), problem.loss(theta), rtol=0, atol=1e-13)
        torch.testing.assert_close(sum(piece.curvature(theta)), hessian(piece.loss, theta), rtol=0, atol=1e-9)
        torch.testing.assert_close(piece.gradient(theta), jacobian(piece.loss, theta), rtol=0, atol=1e-12)
    assert NEGATIVE_SLOPE["leaky_relu"] == problem.low


@pytest.mark.parametrize("activation", KINKED)
@pytest.mark.parametrize("seed", range(4))
def test_no_point_near_the_end_of_a_search_is_lower(activation, seed):
    problem, theta = net_of((5,), activation, seed=seed)
    found = least(problem, theta, 400)
    end, _ = lower_gradient_norm(problem, found.theta, 40, found.kinks)
    point = examine(problem, end)
    here = problem.loss(end)
    assert here < problem.loss(theta)
    if point.settled and point.negative == 0:
        steps = 1e-5 * normal(300, len(theta), of="near")
        assert min(float(problem.loss(end + step) - here) for step in steps) > -1e-13
    assert point.kind(False) in {
        "zero gradient",
        "kinked minimum",
        "kinked saddle",
        "not resolved",
        "stalled at a kink",
    }


def test_a_kinked_minimum_is_told_from_a_point_that_only_stalled():
    # One unit max(0, x + b) with its weights held by the data: f(x) = v max(0, w x + b) + c.
    network = Network([Dense(1), Dense(1)], "relu", (1,))
    x = torch.linspace(-1, 1, 9, dtype=torch.float64).unsqueeze(1)
    theta = row(1.0, 0.0, 1.0, 0.0)  # its kink lies on x = 0
    far = LeastSquares(network, x, x[:, 0].clamp(min=0) + normal(9, of="far"))
    assert examine(far, theta).kind(False) == "stalled at a kink"
    # Residuals that are even around the kink have a slope in b, but for one on the kink itself that balances it.
    outputs = x[:, 0].clamp(min=0)
    _, jacobian = far.linearised(theta)
    on = jacobian.clone()
    on[4, 1] = 1.0  # the derivative by b at the kink, of the side where the unit is on
    mixture = jacobian.clone()
    mixture[4, :2] = row(0.0, 0.5)
    left, singular, _ = torch.linalg.svd(mixture, full_matrices=False)
    basis = left[:, singular > 1e-12]
    random = normal(9, of="residuals")
    residuals = random - basis @ (basis.T @ random)
    residuals *= residuals[4].sign()
    balanced = LeastSquares(network, x, outputs - 0.01 * residuals)
    point = examine(balanced, theta)
    assert point.gradient_norm < 1e-12
    assert len(point.jumping) == 1
    assert point.kind(False) == "kinked minimum"
    reflected = LeastSquares(network, x, outputs + 0.01 * residuals)  # its slope falls across the kink: a ridge
    assert examine(reflected, theta).gradient_norm < 1e-12
    assert examine(reflected, theta).kind(False) == "kinked saddle"


# ----------------------------------------------------------------------------------------------- switching distance


def units(*rows: tuple[float, float], x=(0.0, 1.0, 2.0, 4.0)) -> tuple[LeastSquares, Tensor]:
    """Hidden units w x + b on a grid, each row one of (w, b)."""
    network = Network([Dense(len(rows)), Dense(1)], "relu", (1,))
    inputs = row(*x)
    theta = torch.cat([row(*(number for each in rows for number in each)), torch.ones(len(rows) + 1).double()])
    return LeastSquares(network, inputs.unsqueeze(1), torch.zeros_like(inputs)), theta


def distance(problem: LeastSquares, theta: Tensor) -> float:
    found = switching_distances(problem, theta)
    return float(found.min()) if found.numel() else torch.inf


@pytest.mark.parametrize(
    ("rows", "x", "expected"),
    [
        ([(1.0, -1.0)], (0.0, 1.0, 2.0), 0.0),  # on an example
        ([(1.0, -0.5)], (0.0, 1.0, 2.0), 0.5),  # in the middle between two
        ([(-8.0, 4.0)], (0.0, 1.0, 2.0), 0.5),
        ([(1.0, -0.25)], (0.0, 1.0, 2.0), 0.25),
        ([(1.0, -1.75)], (0.0, 1.0, 2.0), 0.25),
        ([(1.0, 3.0)], (0.0, 1.0, 2.0), 3.0),  # beyond the ends
        ([(1.0, -5.0)], (0.0, 1.0, 2.0), 3.0),
        ([(1.0, -0.5)], (0.0, 1.0, 4.0), 1 / 6),  # the largest step is 3
        ([(1.0, -0.5), (2.0, -3.5)], (0.0, 1.0, 2.0), 0.25),  # the nearest unit counts, in its own steps
        ([(2.0, -3.5), (1.0, -0.5)], (0.0, 1.0, 2.0), 0.25),
        ([(1.0, -0.5), (0.0, 0.0)], (0.0, 1.0, 2.0), 0.5),  # one that never moves does not
        ([(0.0, 0.0)], (0.0, 1.0, 2.0), torch.inf),
    ],
)
def test_switching_distance_of_one_layer(rows, x, expected):
    assert distance(*units(*rows, x=x)) == pytest.approx(expected, rel=1e-15)


def test_switching_distance_looks_at_every_layer():
    network = Network([Dense(1), Dense(1), Dense(1)], "relu", (1,))
    problem = LeastSquares(network, row(0.0, 1.0, 2.0).unsqueeze(1), torch.zeros(3).double())
    on = [1.0, 10.0]  # z = x + 10
    assert distance(problem, row(*on, 1.0, -11.25, 1.0, 0.0)) == pytest.approx(0.25)
    assert distance(problem, row(*on, 1.0, -11.0, 1.0, 0.0)) == 0.0
    off = [1.0, -10.0]  # what it feeds does not move
    assert distance(problem, row(*off, 1.0, 0.0, 1.0, 0.0)) == 8.0


def test_without_hidden_units_nothing_switches():
    problem, theta = net_of(())
    assert distance(problem, theta) == torch.inf


@given(st.floats(0.01, 100), st.integers(0, 3))
def test_switching_distance_is_that_of_the_function(factor, unit):
    problem, theta = net_of((4, 3))
    other = theta.clone()
    first, second, _ = problem.layers(other)
    first[unit] *= factor
    second[:, unit] /= factor
    assert distance(problem, other) == pytest.approx(distance(problem, theta), rel=1e-10)
