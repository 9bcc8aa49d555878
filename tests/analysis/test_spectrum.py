"""Hessians of nets in products, traces and spectra against dense matrices, closed forms and curvlinops' own."""

from math import log, nan, pi, sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from curvlinops import HessianLinearOperator, hutchinson_trace, lanczos_approximate_spectrum
from curvlinops.papyan2020traces.spectrum import fast_lanczos
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh
from torch import nn

from netclaims.analysis.spectrum import POSITIONS, Curvature, Hessian, density, lanczos, spectrum, training_loss
from netclaims.data.examples import Examples
from netclaims.nets.evaluation import evaluate
from netclaims.nets.network import flatten, member
from netclaims.training.random_streams import stream

NETS = [
    pytest.param([4, 3], (5,), "tanh", id="tanh"),
    pytest.param([4, 3], (1, 2, 2), "relu", id="relu on images"),
    pytest.param([4, 3, "softmax"], (5,), "tanh", id="softmax"),
    pytest.param([{"conv": 2}, {"pool": 2}, {"dense": 3, "bias": False}], (2, 4, 4), "relu", id="cnn"),
]


def asked(**changes) -> Curvature:
    return Curvature(**{"examples": 13, "iterations": 6, "starts": 1, "probes": 2, "epsilon": 1e-3} | changes)


def normal(*shape, of="normal"):
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


def symmetric(size, of="symmetric"):
    matrix = normal(size, size, of=of)
    return (matrix + matrix.T) / 2


def bowl(matrix, level=1.0):
    """½ θᵀAθ and a constant."""
    return lambda theta: theta @ matrix @ theta / 2 + level


def dense(loss, theta):
    return torch.func.hessian(loss)(theta)


@pytest.fixture
def nets(network_of):
    """A network, float64 weights of two nets, and 13 examples with their classes."""

    def make(layers, example, activation="tanh", classes=3):
        network = network_of(layers, example, activation)
        weights = {name: w.double() for name, w in network.initial([stream("a"), stream("b")]).items()}
        return (
            network,
            weights,
            Examples(normal(13, *example, of="x"), torch.randint(classes, (1, 13), generator=stream())),
        )

    return make


# ------------------------------------------------------------------------------------------------------ the loss


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_the_loss_is_that_of_training(layers, example, activation, nets):
    network, weights, data = nets(layers, example, activation)
    expected = evaluate(network, weights, "cross_entropy", data)[0]
    loss = training_loss(network, weights, "cross_entropy", data)
    assert expected[0] != expected[1]
    torch.testing.assert_close(torch.stack([loss(theta) for theta in flatten(weights)]), expected, rtol=1e-14, atol=0)


def test_the_loss_of_a_regression(nets):
    network, weights, data = nets([1], (4,))
    y = normal(1, 13, 1, of="y")
    loss = training_loss(network, weights, "mse", Examples(data.x, y))
    expected = evaluate(network, weights, "mse", Examples(data.x, y))[0]
    torch.testing.assert_close(torch.stack([loss(theta) for theta in flatten(weights)]), expected, rtol=1e-14, atol=0)


# ------------------------------------------------------------------------------------------------------ products


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_products_against_the_matrix_of_torch(layers, example, activation, nets):
    network, weights, data = nets(layers, example, activation)
    loss = training_loss(network, weights, "cross_entropy", data)
    for theta in flatten(weights):
        hessian, matrix = Hessian(loss, theta), dense(loss, theta)
        vectors = normal(len(theta), 3, of="v")
        torch.testing.assert_close(hessian @ vectors, matrix @ vectors, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(hessian @ vectors[:, 1], matrix @ vectors[:, 1], rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(hessian.loss, loss(theta))
        assert not hessian.loss.requires_grad
        assert not theta.requires_grad


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_products_against_those_of_curvlinops(layers, example, activation, nets, module_of):
    network, weights, data = nets(layers, example, activation)
    loss = training_loss(network, weights, "cross_entropy", data)
    for index in range(2):
        net = module_of(layers, example, activation, weights, index)
        batches = list(zip(data.x.split(5), data.y[0].split(5), strict=True))
        theirs = HessianLinearOperator(net, nn.CrossEntropyLoss(), list(net.parameters()), batches)
        ours = Hessian(loss, flatten(weights)[index])
        assert ours.shape == theirs.shape
        v = normal(ours.shape[1], of="v")
        torch.testing.assert_close(ours @ v, theirs @ v, rtol=1e-12, atol=1e-14)


def test_a_quadratic_bowl():
    matrix = symmetric(6)
    hessian = Hessian(bowl(matrix), normal(6, of="at"))
    torch.testing.assert_close(hessian @ torch.eye(6, dtype=torch.float64), matrix, rtol=0, atol=1e-15)


def test_linear_regression(nets):
    network, weights, data = nets([1], (4,))
    loss = training_loss(network, weights, "mse", Examples(data.x, normal(1, 13, 1, of="y")))
    x = torch.cat([data.x, torch.ones(13, 1, dtype=torch.float64)], 1)
    found = Hessian(loss, flatten(weights)[0]) @ torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(found, 2 / 13 * x.T @ x, rtol=1e-14, atol=1e-15)


def test_softmax_regression(nets):
    network, weights, data = nets([{"dense": 3, "bias": False}], (4,))
    loss = training_loss(network, weights, "cross_entropy", data)
    p = (data.x @ weights["1.weight"][0].T).softmax(1)
    covariance = torch.diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)
    expected = torch.einsum("nij,np,nq->ipjq", covariance, data.x, data.x).reshape(12, 12) / 13
    found = Hessian(loss, flatten(weights)[0]) @ torch.eye(12, dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-15)


# ----------------------------------------------------------------------------------------------- trace and spectrum


def test_logistic_regression(nets):
    network, weights, data = nets([{"dense": 2, "bias": False}], (4,), classes=2)
    loss = training_loss(network, weights, "cross_entropy", data)
    weight = weights["1.weight"][0]
    p = torch.sigmoid(data.x @ (weight[1] - weight[0]))
    matrix = data.x.T @ ((p * (1 - p)).unsqueeze(1) * data.x) / 13
    # The two rows of weights move the logit in opposite directions: [[1, -1], [-1, 1]] ⊗ the matrix.
    expected = 2 * torch.linalg.eigvalsh(matrix)
    _, table = spectrum(loss, flatten(weights)[0], asked(iterations=5), stream("s"))  # four, and 0
    np.testing.assert_allclose(table["eigenvalue"], [0, *expected], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_the_largest_eigenvalue_of_a_net(layers, example, activation, nets):
    network, weights, data = nets(layers, example, activation)
    loss = training_loss(network, weights, "cross_entropy", data)
    for theta in flatten(weights):
        eigenvalues = torch.linalg.eigvalsh(dense(loss, theta))
        _, table = spectrum(loss, theta, asked(iterations=30), stream("s"))
        assert table["eigenvalue"].iloc[-1] == pytest.approx(eigenvalues[-1].item(), rel=1e-12)
        assert table["eigenvalue"].iloc[0] == pytest.approx(eigenvalues[0].item(), rel=1e-6)
        arpack = eigsh(Hessian(loss, theta).to_scipy(), k=1, which="LA", return_eigenvectors=False)
        assert table["eigenvalue"].iloc[-1] == pytest.approx(arpack[0], rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(size=st.integers(3, 12), key=st.integers(0, 1000))
def test_more_iterations_only_come_closer(size, key):
    matrix = symmetric(size, of=key)
    eigenvalues = torch.linalg.eigvalsh(matrix)
    ends = []
    for iterations in range(2, size + 1):
        _, table = spectrum(bowl(matrix), normal(size), asked(iterations=iterations), stream("s"))
        assert len(table) == iterations
        assert table["eigenvalue"].is_monotonic_increasing
        assert table["weight"].sum() == pytest.approx(1, rel=1e-12)
        ends.append(table["eigenvalue"].iloc[[0, -1]].tolist())
    slack = 1e-10 * eigenvalues.abs().max().item()
    lowest, highest = np.array(ends).T
    assert (np.diff(highest) >= -slack).all()
    assert (np.diff(lowest) <= slack).all()
    assert highest.max() <= eigenvalues[-1] + slack
    assert lowest.min() >= eigenvalues[0] - slack


def test_of_several_starts_the_mean_is_taken():
    matrix = symmetric(30)
    one, many = (spectrum(bowl(matrix), normal(30), asked(starts=n), stream("s"))[1] for n in (1, 200))
    assert len(many) == 200 * len(one)
    assert many["eigenvalue"].is_monotonic_increasing
    assert many["weight"].sum() == pytest.approx(1, rel=1e-5)
    moment = float((many["weight"] * many["eigenvalue"]).sum())
    spread = float((2 * matrix.square().sum() / 30 / 32 / 200).sqrt())  # of vᵀHv over unit vectors v, at most
    assert moment == pytest.approx(float(matrix.trace()) / 30, abs=4 * spread)


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_the_quadrature_is_exact_for_the_moments_of_its_vector(layers, example, activation, nets):
    # With m iterations from v, Σ w λᵏ = vᵀHᵏv for k up to 2m - 1: but for rounding, as the powers grow.
    network, weights, data = nets(layers, example, activation)
    loss, theta = training_loss(network, weights, "cross_entropy", data), flatten(weights)[0]
    matrix = dense(loss, theta)
    _, table = spectrum(loss, theta, asked(iterations=4, probes=2), stream("s"))
    with torch.random.fork_rng(devices=[]):  # the same draws
        torch.manual_seed(stream("s").initial_seed())
        hutchinson_trace(matrix, 2)
        v = torch.randn(len(theta), dtype=torch.float64)
    v /= v.norm()
    scale = table["eigenvalue"].abs().max()
    for k in range(9):
        found = (table["weight"] * (table["eigenvalue"] / scale) ** k).sum()
        expected = (v @ torch.linalg.matrix_power(matrix / scale, k) @ v).item()
        assert (found == pytest.approx(expected, rel=1e-10)) == (k <= 7)


def test_the_trace_of_a_diagonal_is_exact():
    matrix = torch.diag(torch.arange(1.0, 8, dtype=torch.float64))  # signs have squares of 1
    for probes in (1, 3):
        trace, _ = spectrum(bowl(matrix), normal(7), asked(probes=probes), stream("s"))
        assert trace == pytest.approx(28, rel=1e-14)


def test_the_trace_is_hutchinsons_mean():
    matrix = symmetric(8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream("s").initial_seed())
        signs = torch.stack([torch.empty(8, dtype=torch.float64).bernoulli_(0.5) * 2 - 1 for _ in range(5)])
    expected = torch.einsum("kp,pq,kq->k", signs, matrix, signs).mean().item()
    assert spectrum(bowl(matrix), normal(8), asked(probes=5), stream("s"))[0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("layers", "example", "activation"), NETS[:1])
def test_the_trace_of_a_net_within_its_standard_error(layers, example, activation, nets):
    network, weights, data = nets(layers, example, activation)
    loss, theta = training_loss(network, weights, "cross_entropy", data), flatten(weights)[0]
    matrix = dense(loss, theta)
    off_diagonal = matrix - torch.diag(matrix.diagonal())
    probes = 500
    error = (2 * off_diagonal.square().sum() / probes).sqrt()  # Hutchinson 1989, proposition 1
    trace, _ = spectrum(loss, theta, asked(probes=probes), stream("s"))
    assert 1e-6 < abs(trace - matrix.trace()) < 3 * error
    assert error < 0.1 * matrix.trace()


def test_a_steeper_loss_has_as_much_larger_eigenvalues(nets):
    network, weights, data = nets([4, 3], (5,))
    loss, theta = training_loss(network, weights, "cross_entropy", data), flatten(weights)[0]
    trace, table = spectrum(loss, theta, asked(), stream("s"))
    more, larger = spectrum(lambda at: 8 * loss(at), theta, asked(), stream("s"))
    assert more == pytest.approx(8 * trace, rel=1e-12)
    np.testing.assert_allclose(larger["eigenvalue"], 8 * table["eigenvalue"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(larger["weight"], table["weight"], rtol=1e-9)


def test_the_order_of_the_examples_does_not_matter(nets):
    network, weights, data = nets([4, 3], (5,))
    order = torch.randperm(13, generator=stream("order"))
    found = [
        spectrum(training_loss(network, weights, "cross_entropy", part), flatten(weights)[0], asked(), stream("s"))
        for part in (data, Examples(data.x[order], data.y[:, order]), Examples(data.x[order], data.y))
    ]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-8, atol=1e-12)
    assert found[2][0] != pytest.approx(found[0][0], rel=1e-3)  # the labels belong to their examples


def test_the_vectors_come_from_the_stream_alone():
    matrix, at = symmetric(20), normal(20)
    before = torch.random.get_rng_state()
    one = spectrum(bowl(matrix), at, asked(), stream("s"))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(7)
    again = spectrum(bowl(matrix), at, asked(), stream("s"))
    torch.random.set_rng_state(before)
    other = spectrum(bowl(matrix), at, asked(), stream("t"))
    assert one[0] == again[0] != other[0]
    pd.testing.assert_frame_equal(one[1], again[1], check_exact=True)
    assert (one[1]["eigenvalue"] != other[1]["eigenvalue"]).all()


def test_float32_as_the_stage_has_it(nets):
    network, weights, data = nets([4, 3], (5,))
    loss = training_loss(network, weights, "cross_entropy", data)
    exact = torch.linalg.eigvalsh(dense(loss, flatten(weights)[0]))[-1].item()
    single = {name: w.float() for name, w in weights.items()}
    loss = training_loss(network, single, "cross_entropy", Examples(data.x.float(), data.y))
    _, table = spectrum(loss, flatten(single)[0], asked(iterations=15), stream("s"))
    assert (table.dtypes == np.float32).all()
    assert table["eigenvalue"].iloc[-1] == pytest.approx(exact, rel=1e-5)


# -------------------------------------------------------------------------------------------- where there is nothing


def test_a_saturated_softmax_has_no_curvature(nets):
    network, weights, data = nets([4, 3, "softmax"], (5,))
    single = {name: w.float() for name, w in member(weights, 0).items()}
    single["2.bias"] += torch.tensor([0.0, 1e6, 0.0])
    loss = training_loss(network, single, "cross_entropy", Examples(data.x.float(), data.y))
    trace, table = spectrum(loss, flatten(single)[0], asked(), stream("s"))
    assert trace == 0
    assert (table["eigenvalue"] == 0).all()
    assert table["weight"].sum() == pytest.approx(1)


@pytest.mark.parametrize("size", [1e-30, -1e-30, 1e-9])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_curvature_that_rounding_hides_is_none(size, level):
    diagonal = torch.diag(torch.arange(1.0, 10))  # of trace 45
    trace, table = spectrum(bowl(size * diagonal, level), normal(9).float(), asked(iterations=9), stream("s"))
    assert trace == 0
    assert (table["eigenvalue"] == 0).all()
    factor = 2e-7 / 45 * (1 + level)  # float32 has 1.2e-7 between 1 and the next number
    trace, table = spectrum(bowl(factor * diagonal, level), normal(9).float(), asked(iterations=9), stream("s"))
    assert trace == pytest.approx(45 * factor, rel=1e-5)
    assert table["eigenvalue"].iloc[-1] == pytest.approx(9 * factor, rel=1e-4)
    assert spectrum(bowl(factor * diagonal / 2, level), normal(9).float(), asked(), stream("s"))[0] == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("iterations", [2, 6, 20])
@pytest.mark.parametrize("diagonal", [[10, -10], [10, -10] * 4, [3, 1, -2, -2]])
def test_eigenvalues_that_cancel_in_the_trace_are_no_zero_matrix(diagonal, iterations, dtype):
    matrix = torch.diag(torch.tensor(diagonal, dtype=dtype))
    for key in range(20):
        trace, table = spectrum(
            bowl(matrix), normal(len(diagonal)).to(dtype), asked(iterations=iterations), stream(key)
        )
        assert trace == 0
        assert len(table) == iterations
        assert table["weight"].sum() == pytest.approx(1, rel=1e-5)
        if iterations > 2 or len(set(diagonal)) == 2:  # as many iterations as different eigenvalues
            ends = table["eigenvalue"].iloc[[0, -1]].tolist()
            assert ends == pytest.approx([min(diagonal), max(diagonal)], rel=1e-3)


def test_the_moments_of_eigenvalues_that_cancel():
    """H² = 100 I: whatever the vector, Σ w λ² is 100, and one in each direction is all there is."""
    matrix = torch.diag(torch.tensor([10.0, -10.0], dtype=torch.float64))
    _, table = spectrum(bowl(matrix), normal(2), asked(iterations=2), stream("s"))
    np.testing.assert_allclose(table["eigenvalue"], [-10, 10], rtol=1e-12)
    assert (table["weight"] * table["eigenvalue"] ** 2).sum() == pytest.approx(100, rel=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("size", [1, 5])
def test_the_zero_matrix(size, level):
    zero = torch.zeros(size, size, dtype=torch.float64)
    trace, table = spectrum(bowl(zero, level), normal(size), asked(), stream("s"))
    assert trace == 0
    assert (table["eigenvalue"] == 0).all()
    assert table["weight"].tolist() == [1 / 6] * 6


@pytest.mark.parametrize("size", [1, 2, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_run_that_has_found_all_eigenvalues_ends(size, dtype):
    """One iteration finds the eigenvalue of c I, and curvlinops then divides by zero, for many starting vectors."""
    matrix, broken = 10 * torch.eye(size, dtype=dtype), 0
    hessian = Hessian(bowl(matrix), normal(size).to(dtype))
    for key in range(30):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key)
            eigenvalues, weights = lanczos(hessian, 5)
            torch.manual_seed(key)
            try:
                theirs, _ = fast_lanczos(hessian, 5)
            except torch.linalg.LinAlgError:
                theirs = torch.full((5,), nan)
        torch.testing.assert_close(eigenvalues, torch.full((5,), 10, dtype=dtype), rtol=1e-5, atol=0)
        assert weights.sum() == pytest.approx(1, rel=1e-5)
        if theirs.isfinite().all():
            torch.testing.assert_close(eigenvalues, theirs, rtol=1e-5, atol=0)
        else:
            broken += 1
    assert broken


@pytest.mark.parametrize("iterations", [1, 2, 20])
def test_lanczos_is_that_of_curvlinops_bit_for_bit(iterations):
    hessian = Hessian(bowl(symmetric(40)), normal(40))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        eigenvalues, weights = lanczos(hessian, iterations)
        torch.manual_seed(3)
        theirs, vectors = fast_lanczos(hessian, iterations)
    assert torch.equal(eigenvalues, theirs)
    assert torch.equal(weights, vectors[0].square())


def test_a_loss_that_falls_most_may_have_a_negative_trace():
    matrix = torch.diag(torch.tensor([-3.0, -1.0, 1.0], dtype=torch.float64))
    trace, table = spectrum(bowl(matrix), normal(3), asked(iterations=3), stream("s"))
    assert trace == pytest.approx(-3)
    np.testing.assert_allclose(table["eigenvalue"], [-3, -1, 1], rtol=1e-10)


@pytest.mark.parametrize("value", [nan, torch.inf])
def test_a_net_that_diverged(value, nets):
    network, weights, data = nets([4, 3], (5,))
    weights["1.weight"][0, 0, 0] = value
    loss = training_loss(network, weights, "cross_entropy", data)
    broken, sound = (spectrum(loss, theta, asked(), stream("s")) for theta in flatten(weights))
    if value is nan:  # an infinite weight only saturates a tanh
        assert np.isnan(broken[0])
        assert broken[1]["eigenvalue"].isna().all()
        assert len(broken[1]) == 6
    assert sound[1].notna().all(axis=None)


# ---------------------------------------------------------------------------------------------------------- density


def spectra_of(*nets, parameters=50, **names):
    """The table that `density` takes, of nets given as lists of eigenvalues and of weights."""
    tables = [
        pd.DataFrame({"eigenvalue": values, "weight": weights}).assign(run=i, member=0, parameters=parameters, **names)
        for i, (values, weights) in enumerate(nets)
    ]
    return pd.concat(tables)


def test_density_against_that_of_curvlinops():
    matrix, at = symmetric(40), normal(40)
    settings = asked(iterations=8, probes=2)
    _, table = spectrum(bowl(matrix), at, settings, stream("s"))
    found = density(table.assign(series="a", run=0, member=0, parameters=40), ["series"])
    ends = (table["eigenvalue"].min(), table["eigenvalue"].max())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream("s").initial_seed())
        hutchinson_trace(matrix, 2)
        grid, expected = lanczos_approximate_spectrum(Hessian(bowl(matrix), at), 8, POSITIONS, boundaries=ends)
    assert list(found) == ["series", "eigenvalue", "density", "density_low", "density_high"]
    np.testing.assert_allclose(found["eigenvalue"], grid, rtol=1e-13)
    high = (expected > expected.max() / 4000).numpy()
    assert high.sum() > POSITIONS / 2
    np.testing.assert_allclose(found["density"][high], expected[high], rtol=1e-9)


def test_density_in_closed_form():
    values, weights = [-1.0, 0.0, 3.0], [0.2, 0.7, 0.1]
    found = density(spectra_of((values, weights)), ["parameters"])
    low, high = -1 - 0.05 * 4, 3 + 0.05 * 4
    np.testing.assert_allclose(found["eigenvalue"], np.linspace(low, high, POSITIONS), rtol=1e-13)
    half = (high - low) / 2
    width = half * 2 / (3 - 1) / sqrt(8 * log(3))  # the three would lie one apart on [-1, 1]
    z = (found["eigenvalue"].to_numpy()[:, None] - values) / width
    expected = (np.exp(-(z**2) / 2) / (width * sqrt(2 * pi))) @ weights
    np.testing.assert_allclose(found["density"], expected, rtol=1e-12)
    for end in ("low", "high"):
        np.testing.assert_array_equal(found[f"density_{end}"], found["density"])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_a_density_is_one_in_all_and_moves_with_its_eigenvalues(key, factor):
    values, _ = torch.randn(9, generator=stream(key), dtype=torch.float64).sort()
    weights = torch.rand(9, generator=stream(key, "w"), dtype=torch.float64)
    weights[0] = weights[-1] = 0  # of what lies at the ends, the margin cuts off half
    weights = weights / weights.sum()
    found = density(spectra_of((values, weights)), ["parameters"])
    area = np.trapezoid(found["density"], found["eigenvalue"])
    assert 0.8 < area < 1.02
    wider = density(spectra_of((factor * values, weights)), ["parameters"])
    np.testing.assert_allclose(wider["eigenvalue"], factor * found["eigenvalue"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(wider["density"], found["density"] / factor, rtol=1e-6)


def test_replicas_share_a_grid_and_kinds_do_not():
    weights = [0.5, 0.5]
    first, second = ([0.0, 1.0], weights), ([2.0, 4.0], weights)
    together = density(spectra_of(first, second, series="a"), ["series"])
    assert len(together) == POSITIONS
    assert together["eigenvalue"].iloc[[0, -1]].tolist() == pytest.approx([-0.2, 4.2])
    assert (together["density_low"] < together["density_high"]).all()
    mean = (together["density_low"] + together["density_high"]) / 2
    np.testing.assert_allclose(together["density"], mean, rtol=1e-12)
    apart = pd.concat([spectra_of(first, series="b"), spectra_of(second, series="a")])
    apart = density(apart, ["series"])
    assert apart["series"].tolist() == ["b"] * POSITIONS + ["a"] * POSITIONS
    assert apart.groupby("series", sort=False)["eigenvalue"].min().tolist() == pytest.approx([-0.05, 1.9])


def test_the_nets_of_one_run_are_replicas():
    nets = spectra_of(([0.0, 1.0], [0.5, 0.5]), ([0.0, 4.0], [0.5, 0.5]), series="a")
    stacked = nets.assign(member=nets["run"], run=0)
    pd.testing.assert_frame_equal(density(stacked, ["series"]), density(nets, ["series"]))


@pytest.mark.parametrize("parameters", [10, 1000])
def test_the_density_does_not_fall_without_end(parameters):
    # Twenty nodes, all but the last next to 0: Gaussians too narrow to reach from one end to the other.
    values, weights = [*np.linspace(0, 1e-3, 19), 1.0], [*[1 / 20] * 19, 1 / 20]
    found = density(spectra_of((values, weights), parameters=parameters, series="a"), ["series"])["density"]
    assert found.min() == pytest.approx(found.max() / (100 * parameters), rel=1e-12)
    assert (found == found.min()).sum() > POSITIONS / 3
    assert (found > 2 * found.min()).sum() > 3


@pytest.mark.parametrize("values", [[nan, nan], [0.0, 0.0]])
def test_a_kind_without_a_density_has_one_row(values):
    weights = [0.5, 0.5]
    table = pd.concat([spectra_of(([0.0, 1.0], weights), series="a"), spectra_of((values, weights), series="b")])
    found = density(table, ["series"])
    assert found["series"].tolist() == ["a"] * POSITIONS + ["b"]
    assert found[found["series"] == "b"].drop(columns="series").isna().all(axis=None)
    assert found[found["series"] == "a"].notna().all(axis=None)
    alone = density(spectra_of((values, weights), series="b"), ["series"])
    assert len(alone) == 1


def test_one_net_that_diverged_leaves_its_kind_without_a_density():
    weights = [0.5, 0.5]
    table = spectra_of(([0.0, 1.0], weights), ([nan, nan], weights), series="a")
    found = density(table, ["series"])
    assert len(found) == 1
    assert found.drop(columns="series").isna().all(axis=None)


def test_there_are_as_many_products_as_the_settings_say(monkeypatch):
    products = []
    product = Hessian._matmat
    monkeypatch.setattr(Hessian, "_matmat", lambda self, matrix: products.append(matrix) or product(self, matrix))
    spectrum(bowl(symmetric(30)), normal(30), asked(iterations=7, probes=4), stream("s"))
    assert len(products) == 7 + 4
    assert all(matrix[0].shape == (30, 1) for matrix in products)
