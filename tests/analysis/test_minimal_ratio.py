"""Signs of the curvature at points of zero gradient that are built to be such, and the numbers over many nets."""

import json
from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor
from torch.autograd import functional

from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.analysis.minimal_ratio import (
    MinimalRatio,
    critical_point,
    higher_neighbours,
    ratio_numbers,
    spearman,
    spectrum,
)
from netclaims.analysis.stationary import (
    ON_A_KINK,
    ZERO_GRADIENT,
    count_signs,
    eigenvalue_tolerance,
    examine,
    null_directions,
    rescalings,
    stable_signs,
)
from netclaims.nets.layers import Dense
from netclaims.nets.network import Network
from netclaims.training.random_streams import stream

EPSILON = 2.0**-52
KINKED = ["relu", "leaky_relu"]
GRID = torch.linspace(-1, 1, 60, dtype=torch.float64).unsqueeze(1)


def settings_of(descent=0, iterations=0, neighbours=50, radius=1e-3) -> MinimalRatio:
    """By default the net stays where it is."""
    return MinimalRatio(
        nets=None, seed=0, starts=[], stops=False,  # which a stage looks at, and no point of one net
        descent=descent, iterations=iterations, neighbours=neighbours, radius=radius,
    )  # fmt: skip


def row(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def normal(*shape: int, of="normal") -> Tensor:
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


def net_of(hidden=(4, 3), activation="relu", features=2, examples=60, seed=0) -> tuple[LeastSquares, Tensor]:
    """A net of random weights θ on random data."""
    network = Network([Dense(units) for units in (*hidden, 1)], activation, (features,))
    x, y = normal(examples, features, of=(seed, "x")), normal(examples, of=(seed, "y"))
    return LeastSquares(network, x, y), 2 * theta_of(network.initial([stream(seed, "weights")]))[0]


def critical(hidden: tuple, activation: str, x: Tensor, theta: Tensor) -> LeastSquares:
    """Targets for which the gradient is zero at θ and the loss 1: residuals at right angles to the Jacobian."""
    network = Network([Dense(units) for units in (*hidden, 1)], activation, (x.shape[1],))
    outputs, jacobian = LeastSquares(network, x, torch.zeros_like(x[:, 0])).linearised(theta)
    left, singular, _ = torch.linalg.svd(jacobian, full_matrices=False)
    basis = left[:, singular > 1e-12 * singular[0]]
    random = normal(len(x), of="residuals")
    residuals = random - basis @ (basis.T @ random)
    return LeastSquares(network, x, outputs - residuals / residuals.square().mean().sqrt())


def kinks(*places: float, activation="relu") -> tuple[LeastSquares, Tensor]:
    """A critical point of one hidden layer on a grid from -1 to 1, whose units have their kinks at these places."""
    slopes, outgoing = normal(len(places), of="slopes").sign() * 1.5, normal(len(places), of="out").sign() * 0.7
    theta = torch.cat([torch.stack([slopes, -slopes * row(*places)], 1).flatten(), outgoing, row(0.3)])
    return critical((len(places),), activation, GRID, theta), theta


def hessian_of(problem: LeastSquares, theta: Tensor) -> Tensor:
    return sum(problem.curvature(theta))


def signs_of(problem: LeastSquares, theta: Tensor) -> tuple[int, int, int]:
    eigenvalues = torch.linalg.eigvalsh(hessian_of(problem, theta))
    return count_signs(eigenvalues, eigenvalue_tolerance(eigenvalues, float(problem.gradient(theta).norm())))


# ----------------------------------------------------------------------------------------------------------- signs


def test_tolerance_is_the_larger_of_rounding_and_the_gradient_norm():
    eigenvalues = row(2.0, 1.0, -8.0)
    assert eigenvalue_tolerance(eigenvalues, 0.0) == 3 * EPSILON * 8
    assert eigenvalue_tolerance(eigenvalues, 1e-3) == 1e-3
    assert eigenvalue_tolerance(-eigenvalues.float(), 0.0) == 3 * 2.0**-23 * 8


@given(st.lists(st.floats(-10, 10), min_size=1), st.floats(0, 1))
def test_every_eigenvalue_is_positive_zero_or_negative(values, tolerance):
    found = count_signs(row(*values), tolerance)
    above, below = sum(value > tolerance for value in values), sum(value < -tolerance for value in values)
    assert found == (above, len(values) - above - below, below)
    assert count_signs(-row(*values), tolerance) == found[::-1]


def test_an_eigenvalue_of_the_size_of_the_tolerance_is_zero():
    just_above = float(np.nextafter(0.5, 1))
    assert count_signs(row(-0.5, 0.0, 0.5), 0.5) == (0, 3, 0)
    assert count_signs(row(-just_above, just_above), 0.5) == (1, 0, 1)
    assert count_signs(row(0.0, -0.0), 0.0) == (0, 2, 0)


# ------------------------------------------------------------------------------------------------- null directions


@given(
    st.sampled_from(KINKED), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 2), st.integers(0, 999)
)
@settings(max_examples=20, deadline=None)
def test_rescalings_leave_the_function_as_it_is(activation, hidden, features, seed):
    problem, theta = net_of(hidden, activation, features, seed=seed)
    directions = rescalings(problem, theta)
    assert directions.shape == (sum(hidden), len(theta))
    residuals, jacobian = problem.linearised(theta)
    torch.testing.assert_close(jacobian @ directions.T, torch.zeros(60, sum(hidden)).double(), rtol=0, atol=1e-12)
    # A unit rescaled by c, here by hand, moves along its direction.
    number = seed % len(hidden)
    unit, c = seed % hidden[number], 1 + 1e-6
    other = theta.clone()
    layers = problem.layers(other)
    layers[number][unit] *= c
    layers[number + 1][:, unit] /= c
    torch.testing.assert_close(problem.linearised(other)[0], residuals, rtol=0, atol=1e-13)
    direction = directions[sum(hidden[:number]) + unit]
    torch.testing.assert_close((other - theta) / 1e-6, direction, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("activation", KINKED)
@pytest.mark.parametrize("hidden", [(5,), (4, 3), (3, 2, 2)])
def test_a_rescaling_has_curvature_of_the_order_of_the_gradient(hidden, activation):
    # ∇L · t = 0 wherever the net is; its derivative along θ is H t = -(∂L by what enters) + (∂L by what leaves).
    problem, theta = net_of(hidden, activation)
    slope = problem.gradient(theta)
    signs = rescalings(problem, torch.ones_like(theta))  # 1 for what enters, -1 for what leaves
    assert slope.norm() > 0.1
    found = rescalings(problem, theta) @ hessian_of(problem, theta)
    torch.testing.assert_close(found, -signs * slope, rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", KINKED)
@pytest.mark.parametrize("hidden", [(5,), (4, 3), (3, 2, 2)])
def test_a_rescaling_is_a_null_direction_where_the_gradient_vanishes(hidden, activation):
    _, theta = net_of(hidden, activation)
    problem = critical(hidden, activation, normal(200, 2), theta)
    hessian = hessian_of(problem, theta)
    assert problem.gradient(theta).norm() < 1e-13
    assert (rescalings(problem, theta) @ hessian).norm() < 1e-12 * hessian.norm()
    off = int((problem.activity(theta) <= 0).all(0).sum()) if activation == "relu" else 0
    idle = int((hessian == 0).all(1).sum())
    assert off <= idle
    assert null_directions(problem, theta) == sum(hidden) - off + idle


@pytest.mark.parametrize("activation", KINKED)
@pytest.mark.parametrize("places", [(0.11,), (-0.6, 0.12), (-0.72, -0.31, 0.05, 0.38, 0.67)])
def test_kinks_inside_the_data_leave_one_null_direction_to_each_unit(places, activation):
    problem, theta = kinks(*places, activation=activation)
    assert problem.gradient(theta).norm() < 1e-13
    assert signs_of(problem, theta) == (2 * len(places) + 1, len(places), 0)
    assert null_directions(problem, theta) == len(places)


@pytest.mark.parametrize("dead", [1, 2])
def test_the_weights_of_a_dead_unit_are_null_directions_one_by_one(dead):
    _, theta = kinks(-0.4, 0.05, 0.5, *[0.8] * dead)
    incoming = theta[: 2 * (3 + dead)].view(-1, 2)
    incoming[3:] = row(0.5, -2.0)  # off on the whole grid
    problem = critical((3 + dead,), "relu", GRID, theta)
    assert signs_of(problem, theta) == (7, 3 + 3 * dead, 0)
    assert null_directions(problem, theta) == 3 + 3 * dead


def test_a_dead_unit_below_others_takes_its_outgoing_weights_along():
    _, theta = net_of((3, 4))
    grid = normal(200, 2)
    first, second, _ = LeastSquares(Network([Dense(3), Dense(4), Dense(1)], "relu", (2,)), grid, grid[:, 0]).layers(
        theta
    )
    first[:, -1], second[:, -1] = 5.0, 5.0  # the others are on somewhere
    first[1] = row(0.1, 0.1, -9.0)
    problem = critical((3, 4), "relu", grid, theta)
    dead = {i for i in range(len(theta)) if not hessian_of(problem, theta)[i].any()}
    assert dead == {3, 4, 5, *(9 + 4 * unit + 1 for unit in range(4))}
    assert null_directions(problem, theta) == len(dead) + 2 + 4


def test_a_unit_that_is_on_everywhere_brings_a_zero_that_no_symmetry_explains():
    _, theta = kinks(-0.4, 0.3, -1.5)
    theta[4:6] = row(1.0, 1.5)  # its bias does what the bias of the output does
    problem = critical((3,), "relu", GRID, theta)
    assert null_directions(problem, theta) == 3
    assert signs_of(problem, theta) == (6, 4, 0)


def test_without_hidden_units_there_is_no_null_direction():
    problem, theta = net_of(())
    assert rescalings(problem, theta).shape == (0, 3)
    assert null_directions(problem, theta) == 0


# ------------------------------------------------------------------------------------------------------ neighbours


def landscape(*curvatures: float) -> SimpleNamespace:
    """A loss of ½ Σ curvature (θ - 1)²."""
    return SimpleNamespace(loss=lambda theta: (row(*curvatures) * (theta - 1).square()).sum() / 2)


def test_neighbours_of_extremes_of_a_plain_and_of_a_saddle():
    def share(*curvatures):
        return higher_neighbours(landscape(*curvatures), row(1.0, 1.0), 200, 1e-2, stream("n"))

    assert share(1.0, 2.0) == 1
    assert share(-1.0, -2.0) == 0
    assert share(0.0, 0.0) == 0  # as high is not higher
    assert 0.4 < share(1.0, -1.0) < 0.6
    assert share(3.0, -1.0) == pytest.approx(2 / 3, abs=0.1)  # |tan φ| < √3


def test_neighbours_lie_on_a_sphere_in_all_directions():
    visited = []
    at = normal(5)
    higher_neighbours(SimpleNamespace(loss=lambda theta: visited.append(theta) or theta[0]), at, 400, 0.1, stream("n"))
    assert torch.equal(visited[0], at)
    steps = torch.stack(visited[1:]) - at
    assert steps.shape == (400, 5)
    torch.testing.assert_close(steps.norm(dim=1), (0.1 * at.norm()).expand(400))
    unit = steps / steps.norm(dim=1, keepdim=True)
    assert unit.mean(0).abs().max() < 0.1
    torch.testing.assert_close(unit.T @ unit / 400, torch.eye(5).double() / 5, rtol=0, atol=0.05)


def test_neighbours_depend_on_the_stream_alone():
    at = normal(3)
    one, two, other = (higher_neighbours(landscape(1.0, -1.0, 0.5), at, 101, 1.0, stream(name)) for name in "aab")
    assert one == two
    assert one != other


# ------------------------------------------------------------------------------------------------ a critical point


def stand_in(loss) -> SimpleNamespace:
    """Any other function of θ; all of its Hessian in the residual part."""
    return SimpleNamespace(
        low=None,
        switches=lambda theta, kinks: (theta.new_zeros(0), theta.new_zeros(0, len(theta)), theta.new_zeros(0)),
        loss=loss,
        gradient=lambda theta: functional.jacobian(loss, theta),
        linearised=lambda theta: (row(loss(theta).sqrt()), functional.jacobian(lambda t: loss(t).sqrt()[None], theta)),
        curvature=lambda theta: (torch.zeros(len(theta), len(theta)).double(), functional.hessian(loss, theta)),
    )


def at(problem, theta, start="trained", **settings) -> dict:
    return critical_point(problem, theta, start, settings_of(**settings), stream("n"))[0]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_number_at_a_critical_point_that_is_kept(activation):
    x, activate = normal(80, 2, of="x"), getattr(torch, activation)
    theta = 2 * theta_of(Network([Dense(4), Dense(3), Dense(1)], activation, (2,)).initial([stream(8, "weights")]))[0]
    problem = critical((4, 3), activation, x, theta)

    def outputs(theta):
        first, second, last = theta[:12].view(4, 3), theta[12:27].view(3, 5), theta[27:].view(1, 4)
        h = activate(activate(x @ first[:, :-1].T + first[:, -1]) @ second[:, :-1].T + second[:, -1])
        return (h @ last[:, :-1].T + last[:, -1])[:, 0]

    y = outputs(theta) - problem.linearised(theta)[0]
    hessian = functional.hessian(lambda t: (outputs(t) - y).square().mean(), theta)
    jacobian = functional.jacobian(outputs, theta)
    gauss_newton = jacobian.T @ jacobian * (2 / 80)
    numbers, table = critical_point(problem, theta, "trained", settings_of(), stream("n"))
    for part, matrix in zip(
        ("Hessian", "Gauss-Newton part", "residual part"), (hessian, gauss_newton, hessian - gauss_newton), strict=True
    ):
        rows = table[table["part"] == part]
        assert rows["rank"].tolist() == list(range(1, 32))
        np.testing.assert_allclose(rows["eigenvalue"], torch.linalg.eigvalsh(matrix).flip(0), rtol=0, atol=1e-12)
    assert table.columns.tolist() == ["part", "rank", "eigenvalue"]
    assert len(table) == 3 * 31

    eigenvalues = torch.linalg.eigvalsh(hessian)
    assert numbers["loss"] == pytest.approx(1, rel=1e-14)
    assert numbers["gradient_norm"] == numbers["trained_gradient_norm"] < 1e-13
    assert numbers["kind"] == "zero gradient"
    assert numbers["positive"] == (eigenvalues > 1e-12).sum()
    assert numbers["negative"] == (eigenvalues < -1e-12).sum() > 0
    assert numbers["positive"] + numbers["zero"] + numbers["negative"] == 31
    assert numbers["tolerance"] == pytest.approx(
        max(31 * EPSILON * float(eigenvalues.abs().max()), numbers["gradient_norm"])
    )
    assert numbers["minimal_ratio"] == numbers["positive"] / 31
    assert numbers["minimal_ratio_nonzero"] == numbers["positive"] / (numbers["positive"] + numbers["negative"])
    assert numbers["residual_share"] == pytest.approx(float((hessian - gauss_newton).norm() / hessian.norm()))
    if activation == "relu":
        assert numbers["zero"] == numbers["null_expected"] == null_directions(problem, theta) >= 7
        assert ON_A_KINK < numbers["switching_distance"] < inf
    else:
        assert numbers["null_expected"] == 0
        assert numbers["switching_distance"] == inf


def test_linear_regression_from_its_start_to_its_fit():
    problem, theta = net_of((), features=3)
    x, y = normal(60, 3, of=(0, "x")), normal(60, of=(0, "y"))
    inputs = torch.cat([x, torch.ones(60, 1).double()], 1)
    numbers, table = critical_point(problem, theta, "descended", settings_of(descent=40, iterations=5), stream("n"))
    assert numbers["loss"] == pytest.approx(float(np.linalg.lstsq(inputs, y)[1][0]) / 60, rel=1e-14)
    assert numbers["trained_gradient_norm"] == float(problem.gradient(theta).norm()) > 0.1
    assert numbers["gradient_norm"] < 1e-14
    assert numbers["kind"] == "zero gradient"
    assert [numbers[name] for name in ("positive", "zero", "negative", "null_expected")] == [4, 0, 0, 0]
    assert [numbers[name] for name in ("minimal_ratio", "minimal_ratio_nonzero", "higher_neighbours")] == [1, 1, 1]
    assert numbers["residual_share"] == 0
    expected = torch.linalg.eigvalsh(2 / 60 * inputs.T @ inputs).flip(0)
    np.testing.assert_allclose(table["eigenvalue"], torch.cat([expected, expected, torch.zeros(4)]), atol=1e-14)


def test_the_loss_goes_down_first_and_then_the_gradient_norm():
    two_bowls = stand_in(lambda p: (p[0] ** 2 - 1) ** 2 + p[1] ** 2)
    start = row(0.3, 0.2)
    saddle = at(two_bowls, start, iterations=40)
    assert [saddle[name] for name in ("positive", "zero", "negative")] == [1, 0, 1]
    assert saddle["loss"] == pytest.approx(1)
    assert saddle["gradient_norm"] < 1e-14
    assert saddle["minimal_ratio"] == saddle["minimal_ratio_nonzero"] == 0.5
    minimum = at(two_bowls, start, "descended", descent=40, iterations=40)
    assert [minimum[name] for name in ("positive", "zero", "negative")] == [2, 0, 0]
    assert minimum["loss"] < 1e-25
    assert minimum["minimal_ratio"] == 1
    assert minimum["trained_gradient_norm"] == saddle["trained_gradient_norm"] == pytest.approx(np.hypot(1.092, 0.4))


def test_neighbours_as_many_and_as_far_as_the_settings_say():
    def volcano(p):  # its rim is nearer than 1 to (1, 0), and the plain beyond lies lower
        square = (p - row(1.0, 0.0)).square().sum()
        return square - square**2

    near, far = (at(stand_in(volcano), row(1.0, 0.0), radius=radius)["higher_neighbours"] for radius in (0.9, 1.1))
    assert (near, far) == (1, 0)
    saddle, theta = stand_in(lambda p: p[0] ** 2 - p[1] ** 2 + p.sum()), row(1.0, 2.0)
    found = at(saddle, theta, neighbours=7)["higher_neighbours"]
    assert 0 < found == higher_neighbours(saddle, theta, 7, 1e-3, stream("n")) < 1
    assert (7 * found) % 1 == pytest.approx(0, abs=1e-12)


def test_where_the_gradient_is_not_zero_no_eigenvalue_is_counted():
    problem, theta = net_of((4,), "tanh")
    numbers, _ = critical_point(problem, theta, "trained", settings_of(), stream("n"))
    assert numbers["tolerance"] == numbers["gradient_norm"] == float(problem.gradient(theta).norm())
    for name in ("positive", "zero", "negative", "minimal_ratio", "minimal_ratio_nonzero"):
        assert np.isnan(numbers[name])


@pytest.mark.parametrize(
    ("spectra", "expected"),
    [
        ([[5.0, 2.0, 0.0, -3.0]], [2, 1, 1]),
        ([[5.0, 2.0, 0.5, -3.0]], [nan, nan, 1]),  # 0.5 is positive at a tenth of the tolerance and zero at ten times
        ([[5.0, 2.0, 0.0, -3.0], [5.0, -2.0, 0.0, -3.0]], [nan, 1, nan]),
        ([[5.0, 2.0, 0.0, -3.0], [9.0, 1.5, 0.0, -2.0]], [2, 1, 1]),
    ],
)
def test_a_count_is_given_where_it_does_not_depend_on_the_tolerance(spectra, expected):
    np.testing.assert_array_equal(stable_signs([row(*values) for values in spectra], 0.1), expected)


def test_where_no_eigenvalue_counts_there_is_no_ratio_of_those_that_do():
    numbers = at(stand_in(lambda p: 1e-8 * p[0] + 0 * p[0] ** 2), row(1e-9))
    assert [numbers[name] for name in ("positive", "zero", "negative", "minimal_ratio")] == [0, 1, 0, 0]
    assert np.isnan(numbers["minimal_ratio_nonzero"])


def test_the_gradient_is_flat_where_its_norm_has_a_minimum_above_zero_and_not_elsewhere():
    # The slope x² + 1/10 along x is lowest at 0, where the curvature along it, 2x, vanishes (Frye et al. 2021).
    flat = stand_in(lambda p: 1 + p[0] ** 3 / 3 + p[0] / 10 + p[1] ** 2 / 2)
    found = at(flat, row(0.5, 0.5), iterations=200)
    assert found["gradient_norm"] == pytest.approx(0.1)
    assert found["kind"] in ("elsewhere", "bound reached")
    assert found["gradient_curvature"] < 1e-6
    start = at(flat, row(0.3, 0.5))
    slope, curvatures = np.array([0.19, 0.5]), np.array([0.6, 1.0])
    assert start["gradient_norm"] == pytest.approx(np.linalg.norm(slope))
    assert start["gradient_curvature"] == pytest.approx(np.linalg.norm(curvatures * slope) / np.linalg.norm(slope))


def test_kinds_of_points():
    problem, theta = kinks(-0.6, 0.12)
    assert examine(problem, theta).kind(False) == "zero gradient"
    off = examine(problem, theta + 1e-3 * normal(len(theta)))
    assert (off.kind(False), off.kind(True)) == ("elsewhere", "bound reached")
    for size, kind in ((0.9, "zero gradient"), (1.1, "elsewhere")):
        bowl = stand_in(lambda p, slope=size * ZERO_GRADIENT: slope * p[0] + p.square().sum())
        assert examine(bowl, row(0.0, 0.0)).kind(False) == kind
    rounds = stand_in(lambda p: 1e-8 * p[0] + p[0] ** 2 + 1e-8 * p[1] ** 2)
    found = examine(rounds, row(0.0, 0.0))
    assert found.kind(False) == "not resolved"
    assert found.negative == 0


def test_a_kink_without_a_jump_is_resolved_only_where_both_sides_count_the_same():
    for offset in (0.5, 2.0):  # in units of the limit
        problem, theta = kinks(-0.6, float(GRID[40]) + offset * ON_A_KINK * 2 / 59)
        found = examine(problem, theta)
        assert found.nearest_kink == pytest.approx(offset * ON_A_KINK, abs=1e-13)
        assert len(found.hessians) == (2 if offset < 1 and not len(found.jumping) else 1)


def test_a_descent_goes_on_until_counts_are_stable():
    problem, theta = net_of((3,), "tanh", examples=30)
    rough, fine = (at(problem, theta, "descended", descent=steps, iterations=30) for steps in (1, 400))
    assert fine["kind"] == "zero gradient"
    assert fine["negative"] == 0
    assert fine["loss"] <= rough["loss"]


def test_the_same_net_gives_the_same_numbers():
    problem, theta = net_of((4,), "tanh")
    (one, table), (two, again) = (
        critical_point(problem, theta, "descended", settings_of(descent=5, iterations=5), stream("n")) for _ in range(2)
    )
    pd.testing.assert_frame_equal(pd.DataFrame([one]), pd.DataFrame([two]), check_exact=True)
    pd.testing.assert_frame_equal(table, again, check_exact=True)


# ---------------------------------------------------------------------------------------------------- rank correlation


def columns(*pairs: tuple[float, float]) -> tuple[pd.Series, pd.Series]:
    table = pd.DataFrame(pairs, columns=["x", "y"], dtype=float)
    return table["x"], table["y"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=40))
@settings(max_examples=50, deadline=None)
def test_spearman_against_scipy_and_the_closed_form_of_its_interval(pairs):
    x, y = columns(*pairs)
    found = spearman(x, y)
    assert found["n"] == len(pairs)
    if 1 in (len(set(x)), len(set(y))):
        assert found["rho"] is found["low"] is found["high"] is None
        return
    rho = stats.spearmanr(x, y).statistic
    assert found["rho"] == pytest.approx(rho, abs=1e-6)
    assert found["rho"] == pytest.approx(np.corrcoef(x.rank(), y.rank())[0, 1], abs=1e-6)
    if abs(rho) < 1 - 1e-12:
        half = 1.959963984540054 * ((1 + rho**2 / 2) / (len(pairs) - 3)) ** 0.5
        assert found["low"] == pytest.approx(np.tanh(np.arctanh(rho) - half), abs=1e-6)
        assert found["high"] == pytest.approx(np.tanh(np.arctanh(rho) + half), abs=1e-6)
    assert -1 <= found["low"] <= found["rho"] <= found["high"] <= 1


def test_spearman_of_an_example_by_hand():
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: ρ = 1 - 6 Σd² / n(n² - 1) = 1 - 24 / 120.
    found = spearman(*columns((1, 20), (2, 10), (3, 40), (4, 30), (100, 50)))
    half = 1.959963984540054 * (1.32 / 2) ** 0.5
    assert found["rho"] == 0.8
    assert found["low"] == pytest.approx(np.tanh(np.log(3) - half), abs=1e-6)
    assert found["high"] == pytest.approx(np.tanh(np.log(3) + half), abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("rows", [4, 100])
def test_a_monotone_relation_has_a_correlation_of_one(sign, rows):
    with np.errstate(all="raise"):
        found = spearman(*columns(*((i, sign * i**3) for i in range(rows))))
    assert found == {"rho": sign, "low": sign, "high": sign, "n": rows}


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(1, 2), (2, 3), (3, 5)],  # the interval needs more than three
        [(1, i) for i in range(9)],
        [(i, 0.3) for i in range(9)],
        [(nan, 1), (2, 3), (3, 5), (4, 4), (5, 9)],
        [(1, 1), (2, 3), (3, 5), (4, nan), (5, 9)],
    ],
)
def test_where_there_is_no_correlation_it_is_null(pairs):
    assert spearman(*columns(*pairs)) == {"rho": None, "low": None, "high": None, "n": len(pairs)}


# ------------------------------------------------------------------------------------------------------ many nets


def test_spectrum_over_the_nets_of_each_kind():
    nets = [("a", [3.0, 1.0, -1.0]), ("b", [9.0, 8.0, 7.0]), ("a", [5.0, 2.0, -4.0])]
    table = pd.concat(
        pd.DataFrame(
            {
                "part": part,
                "rank": [1, 2, 3],
                "eigenvalue": np.multiply(values, factor),
                "kind": kind,
                "start": "descended",
            }
        )
        for kind, values in nets
        for part, factor in (("Hessian", 1), ("residual part", 0.5))
    )
    found = spectrum(table).drop(columns="start").set_index(["kind", "part", "rank"])
    assert found.columns.tolist() == ["eigenvalue", "eigenvalue_low", "eigenvalue_high"]
    assert len(found) == 12
    assert found.loc[("a", "Hessian", 1)].tolist() == [4, 3, 5]
    assert found.loc[("a", "Hessian", 3)].tolist() == [-2.5, -4, -1]
    assert found.loc[("a", "residual part", 2)].tolist() == [0.75, 0.5, 1]
    assert found.loc[("b", "Hessian", 2)].tolist() == [8, 8, 8]


MEANS = ["loss", "positive", "zero", "negative", "kinks", "null_expected", "minimal_ratio",
         "minimal_ratio_nonzero", "higher_neighbours", "residual_share"]  # fmt: skip


@pytest.fixture
def nets():
    """Seven nets as `critical_point` describes them, five of zero gradient."""
    random = np.random.default_rng(3)
    table = pd.DataFrame(
        {"kind": ["zero gradient", "elsewhere", *["zero gradient"] * 3, "stalled at a kink", "zero gradient"]}
        | {"positive": [3, 9, 4, 5, 7, 9, 6], "zero": [4, 0, 5, 6, 7, 8, 9], "negative": [0, 1, 2, 0, 1, 3, 0]}
        | {"null_expected": [4, 4, 4, 6, 9, 7, 9], "kinks": [0, 0, 0, 1, 0, 2, 0], "start": "descended"}
    )
    names = ["loss", "trained_gradient_norm", "gradient_norm", "gradient_curvature", "minimal_ratio",
             "minimal_ratio_nonzero", "higher_neighbours", "residual_share"]  # fmt: skip
    return table.assign(**{name: random.random(7) for name in names})


def test_there_is_no_curvature_along_a_gradient_that_is_zero(nets):
    found = ratio_numbers(nets[nets["kind"] == "zero gradient"])
    assert "gradient_curvature_quantiles" not in found["descended"]


def test_numbers_of_all_starts_and_of_each(nets):
    both = pd.concat([nets, nets.assign(start="random", kind="bound reached").iloc[:2]])
    numbers = ratio_numbers(both)
    assert list(numbers) == ["critical_points", "descended", "random"]
    assert numbers["random"]["kinds"] == {"bound reached": 2}
    assert numbers["random"]["searches"] == 2
    assert numbers["descended"]["kinds"] == {"elsewhere": 1, "stalled at a kink": 1, "zero gradient": 5}
    for name in ("trained_gradient_norm", "gradient_norm", "gradient_curvature"):
        found = numbers["descended"][f"{name}_quantiles"]
        of = nets.iloc[[1, 5]] if name == "gradient_curvature" else nets  # of rounding errors it says nothing
        assert list(found) == ["0%", "25%", "50%", "75%", "100%"]
        np.testing.assert_allclose(list(found.values()), np.quantile(of[name], [0, 0.25, 0.5, 0.75, 1]), rtol=1e-12)
    zero = nets.iloc[[0, 2, 3, 4, 6]]
    for rows, found, counts in (
        (zero, numbers["critical_points"], {"negative_eigenvalues": 2, "the_expected": 3, "more": 1, "fewer": 1}),
        (zero, numbers["descended"], {"negative_eigenvalues": 2, "the_expected": 3, "more": 1, "fewer": 1}),
    ):
        for name in MEANS:
            expected = {"mean": np.mean(rows[name]), "sd": np.std(rows[name], ddof=1)}
            assert found[name] == pytest.approx(expected, rel=1e-5)
        for name, column in (("", "minimal_ratio"), ("_nonzero", "minimal_ratio_nonzero")):
            assert found[f"spearman{name}"]["rho"] == pytest.approx(stats.spearmanr(rows[column], rows["loss"])[0])
        assert found["spearman_neighbours"] == spearman(rows["higher_neighbours"], rows["loss"])
        assert found["spearman"]["n"] == len(rows)
        assert found["nets_with_negative_eigenvalues"] == counts["negative_eigenvalues"]
        assert found["nets_with_the_expected_zeros"] == counts["the_expected"]
        assert found["nets_with_more_zeros"] == counts["more"]
        assert found["nets_with_fewer_zeros"] == counts["fewer"]


@pytest.mark.parametrize("count", [0, 1])
def test_of_too_few_nets_of_zero_gradient_there_is_little_to_say(count, nets):
    rows = pd.concat([nets[nets["kind"] != "zero gradient"], nets[:count]])
    found = ratio_numbers(rows)
    zero = found["critical_points"]
    assert found["descended"]["kinds"].get("zero gradient", 0) == count
    for name in MEANS:
        assert zero[name]["sd"] is None
        assert (zero[name]["mean"] is None) == (count == 0)
    for name in ("spearman", "spearman_nonzero", "spearman_neighbours"):
        assert zero[name] == {"rho": None, "low": None, "high": None, "n": count}
    assert zero["nets_with_the_expected_zeros"] == count
    assert zero["nets_with_negative_eigenvalues"] == zero["nets_with_more_zeros"] == zero["nets_with_fewer_zeros"] == 0


def test_the_numbers_can_be_written_even_with_a_net_without_a_ratio(nets):
    nets.loc[2, "minimal_ratio_nonzero"] = nan
    numbers = ratio_numbers(nets)
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    assert numbers["critical_points"]["minimal_ratio_nonzero"] == {"mean": None, "sd": None}
    assert numbers["critical_points"]["spearman_nonzero"]["rho"] is None
    assert numbers["critical_points"]["spearman"]["rho"] is not None


def test_numbers_of_nets_that_were_analysed():
    found = [critical_point(*kinks(*places), "trained", settings_of(), stream("n")) for places in ((0.1,), (-0.4, 0.3))]
    numbers = ratio_numbers(pd.DataFrame([each | {"start": "trained"} for each, _ in found]))
    assert numbers["trained"]["kinds"] == {"zero gradient": 2}
    assert numbers["critical_points"]["loss"]["mean"] == 1
    assert numbers["critical_points"]["positive"] == {"mean": 4, "sd": pytest.approx(2**0.5, rel=1e-5)}  # 3 and 5
    assert numbers["critical_points"]["nets_with_the_expected_zeros"] == 2
    table = spectrum(pd.concat(values.assign(kind=each["kind"], start="trained") for each, values in found))
    assert len(table) == 3 * 7
