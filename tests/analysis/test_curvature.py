"""Gradients, Hessians and saddles against closed forms and against torch's own Hessian."""

import numpy as np
import pandas as pd
import pytest
import torch

from netclaims.analysis.curvature import (
    count_signs,
    critical_points,
    eigenvalue_tolerance,
    gradients,
    hessians,
    higher_neighbours,
    lower_gradient_norm,
    parameters_of,
    ratio_numbers,
    training_loss,
)
from netclaims.analysis.sections import HessianSettings
from netclaims.learn.data import Part
from netclaims.learn.networks import flatten, losses
from netclaims.learn.streams import stream

SETTINGS = HessianSettings(report="d", nets="d-x", data="functions", iterations=8, neighbours=50, radius=1e-3)


def bowl(matrix):
    """½ θᵀAθ of every member."""
    matrix = torch.as_tensor(matrix, dtype=torch.float64)
    return lambda parameters: torch.einsum("mp,pq,mq->m", parameters, matrix, parameters) / 2


def normal(*shape, of="normal"):
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


@pytest.fixture
def net_loss(network_of):
    """The loss of nets on random data, and random float64 parameters of three of them."""

    def make(layers, features, kind="mse", activation="tanh", examples=11, outputs=1, own=False):
        network = network_of(layers, (features,), activation)
        like = network.initial([stream("weights", i) for i in range(3)])
        x, members = normal(examples, features, of="x"), 3 if own else 1
        if kind == "mse":
            y = normal(members, examples, outputs, of="y")
        else:
            y = torch.randint(outputs, (members, examples), generator=stream("y"))
        return training_loss(network, like, kind, Part(x, y)), parameters_of(like), network, like, Part(x, y)

    return make


# --------------------------------------------------------------------------------------------- derivatives


def test_quadratic_bowl():
    matrix = normal(6, 6)
    symmetric = (matrix + matrix.T) / 2
    at = normal(3, 6, of="at")
    torch.testing.assert_close(gradients(bowl(matrix), at), at @ symmetric)
    torch.testing.assert_close(hessians(bowl(matrix), at), symmetric.expand(3, 6, 6))


def test_derivatives_that_change_from_place_to_place():
    at = normal(4, 3)
    found = hessians(lambda p: p.pow(4).sum(1) + p[:, 0] * p[:, 1] * p[:, 2], at)
    expected = torch.diag_embed(12 * at**2)
    for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
        expected[:, i, j] = expected[:, j, i] = at[:, k]
    torch.testing.assert_close(found, expected)


def test_linear_regression(net_loss):
    loss, parameters, _, _, data = net_loss([1], 3)
    x = torch.cat([data.x, torch.ones(11, 1, dtype=torch.float64)], 1)
    torch.testing.assert_close(hessians(loss, parameters), (2 / 11 * x.T @ x).expand(3, 4, 4))
    residuals = parameters @ x.T - data.y[0].T
    torch.testing.assert_close(gradients(loss, parameters), 2 / 11 * residuals @ x)


@pytest.mark.parametrize(("kind", "outputs"), [("mse", 1), ("mse", 2), ("cross_entropy", 3)])
@pytest.mark.parametrize("own", [False, True])
def test_tanh_net_against_the_hessian_of_torch(kind, outputs, own, net_loss):
    loss, parameters, network, like, data = net_loss([4, 3, outputs], 2, kind, outputs=outputs, own=own)
    assert parameters.shape == (3, 8 + 4 + 12 + 3 + 3 * outputs + outputs)
    found, slope = hessians(loss, parameters), gradients(loss, parameters)
    assert found.dtype == torch.float64
    assert torch.equal(found, found.transpose(1, 2))
    for i in range(3):
        alone = Part(data.x, data.y[i : i + 1] if own else data.y)
        one = training_loss(network, like, kind, alone)
        expected = torch.autograd.functional.hessian(lambda p, one=one: one(p.unsqueeze(0))[0], parameters[i])
        torch.testing.assert_close(found[i], expected, rtol=0, atol=1e-13)
        jacobian = torch.autograd.functional.jacobian(lambda p, one=one: one(p.unsqueeze(0))[0], parameters[i])
        torch.testing.assert_close(slope[i], jacobian, rtol=0, atol=1e-13)
    assert not slope.requires_grad
    assert not found.requires_grad


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
def test_hessian_against_finite_differences(activation, net_loss):
    loss, parameters, *_ = net_loss([4, 1], 2, activation=activation)
    step = 1e-5
    columns = []
    for unit in torch.eye(parameters.shape[1], dtype=torch.float64):
        ahead, behind = (gradients(loss, parameters + sign * step * unit) for sign in (1, -1))
        columns.append((ahead - behind) / (2 * step))
    torch.testing.assert_close(hessians(loss, parameters), torch.stack(columns, 2), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("own", [False, True])
def test_training_loss_is_that_of_training(own, net_loss):
    loss, parameters, network, like, data = net_loss([4, 1], 2, own=own)
    assert parameters.dtype == torch.float64
    torch.testing.assert_close(parameters, flatten(like).double(), rtol=0, atol=0)
    outputs = network(like, data.x.float().unsqueeze(0))
    expected = losses("mse", outputs, data.y.float())
    torch.testing.assert_close(loss(parameters).float(), expected, rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------------------------------- lower gradient norm


@pytest.mark.parametrize("diagonal", [(3.0, 2.0, 1.0), (3.0, -2.0, 0.5), (-1.0, -2.0, -3.0)])
def test_a_quadratic_of_any_signature_leads_to_its_stationary_point(diagonal):
    loss = bowl(torch.diag(torch.tensor(diagonal)))
    start = normal(4, 3)
    before = start.clone()
    found = lower_gradient_norm(loss, start, iterations=8)
    assert torch.equal(start, before)
    torch.testing.assert_close(found, torch.zeros(4, 3, dtype=torch.float64), rtol=0, atol=1e-12)


def test_flat_directions_are_left_alone():
    loss = bowl(torch.diag(torch.tensor([2.0, 0.0, -1.0])))
    start = normal(4, 3)
    found = lower_gradient_norm(loss, start, iterations=10)
    torch.testing.assert_close(found, start * torch.tensor([0.0, 1.0, 0.0]), rtol=0, atol=1e-9)


def test_a_curved_saddle_is_found_and_not_left_downwards():
    def loss(p):  # stationary at (0, 0), a saddle, alone near the start: it falls without end along y
        x, y = p.unbind(1)
        return x**2 - y**2 + x * y**2 + x**3 / 3

    start = torch.tensor([[0.2, 0.3], [-0.1, 0.2], [0.05, -0.3]], dtype=torch.float64)
    found = lower_gradient_norm(loss, start, iterations=12)
    assert gradients(loss, found).norm(dim=1).max() < 1e-10
    torch.testing.assert_close(found, torch.zeros(3, 2, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize("iterations", [0, 1, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_gradient_norm_never_grows(activation, iterations, net_loss):
    loss, parameters, *_ = net_loss([5, 4, 1], 2, activation=activation)
    parameters = torch.cat([parameters, 3 * parameters])
    before = gradients(loss, parameters).norm(dim=1)
    found = lower_gradient_norm(loss, parameters, iterations)
    after = gradients(loss, found).norm(dim=1)
    assert (after <= before).all()
    assert torch.equal(found, parameters) == (iterations == 0)
    if iterations:
        assert (after < 0.9 * before).any()


def test_more_iterations_get_further(net_loss):
    loss, parameters, *_ = net_loss([5, 1], 2)
    norms = [gradients(loss, lower_gradient_norm(loss, parameters, n)).norm(dim=1) for n in (0, 5, 20)]
    assert (norms[1] < norms[0]).all()
    assert (norms[2] < norms[1]).all()
    assert (norms[2] < 1e-2 * norms[0]).all()


def test_a_step_that_makes_it_worse_is_not_taken():
    def loss(p):  # |∇L| has its local minimum, 0.5, at 0: no damped step can lower it
        return 0.5 * p[:, 0] + p[:, 0] ** 3 / 3

    start = torch.zeros(1, 1, dtype=torch.float64)
    assert torch.equal(lower_gradient_norm(loss, start, 5), start)
    start = torch.tensor([[1e-3]], dtype=torch.float64)
    found = lower_gradient_norm(loss, start, 5)
    assert 0.5 <= gradients(loss, found).item() <= gradients(loss, start).item()


def test_members_are_independent(net_loss):
    loss, parameters, *_ = net_loss([4, 1], 2)
    together = lower_gradient_norm(loss, parameters, 4)
    for i in range(3):
        alone = lower_gradient_norm(loss, parameters[i : i + 1], 4)
        torch.testing.assert_close(alone[0], together[i], rtol=1e-6, atol=1e-8)


def test_a_stationary_point_stays():
    start = torch.zeros(2, 3, dtype=torch.float64)
    assert torch.equal(lower_gradient_norm(bowl(torch.diag(torch.tensor([1.0, -1.0, 2.0]))), start, 3), start)


# ------------------------------------------------------------------------------------------------- signatures


def test_count_signs_of_known_spectra():
    eigenvalues = torch.tensor([[-3.0, -1e-3, 0.0, 1e-3, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0], [-1.0, -1.0, 0.0, 0.0, 0.0]])
    counts = count_signs(eigenvalues, torch.tensor([0.01, 0.0, 0.5]))
    assert torch.stack(counts, 1).tolist() == [[1, 3, 1], [5, 0, 0], [0, 3, 2]]


def test_an_eigenvalue_of_the_size_of_the_tolerance_is_zero():
    just_above = float(np.nextafter(0.5, 1))
    eigenvalues = torch.tensor([[-0.5, 0.5], [-just_above, just_above]], dtype=torch.float64)
    counts = count_signs(eigenvalues, torch.tensor([0.5, 0.5], dtype=torch.float64))
    assert torch.stack(counts, 1).tolist() == [[0, 2, 0], [1, 0, 1]]


def test_tolerance_is_the_larger_of_rounding_and_the_gradient_norm():
    eigenvalues = torch.tensor([[-8.0, 1.0, 2.0]] * 2, dtype=torch.float64)
    found = eigenvalue_tolerance(eigenvalues, torch.tensor([0.0, 1e-3], dtype=torch.float64))
    assert found.tolist() == [3 * 2.0**-52 * 8, 1e-3]


@pytest.mark.parametrize(("hidden", "features"), [(2, 1), (3, 2)])
def test_the_origin_of_a_two_layer_net_is_a_saddle_of_known_signature(hidden, features, net_loss):
    # Near 0 tanh is linear to the second order, so that L = mean (w₂ᵀ W₁ x - y)² + o(θ²): for each hidden unit the
    # only curvature is between w₂ and W₁, -2 mean(x y): two eigenvalues ±2 |mean(x y)|, and features - 1 zeros.
    layers = [{"dense": hidden, "bias": False}, {"dense": 1, "bias": False}]
    loss, parameters, _, _, data = net_loss(layers, features)
    origin = torch.zeros_like(parameters[:1])
    assert gradients(loss, origin).norm() == 0
    eigenvalues = torch.linalg.eigvalsh(hessians(loss, origin))
    size = 2 * (data.x * data.y[0]).mean(0).norm()
    expected = torch.cat([-size.expand(hidden), torch.zeros(hidden * (features - 1)), size.expand(hidden)])
    torch.testing.assert_close(eigenvalues[0], expected, rtol=1e-12, atol=1e-14)
    counts = count_signs(eigenvalues, eigenvalue_tolerance(eigenvalues, torch.zeros(1, dtype=torch.float64)))
    assert [count.item() for count in counts] == [hidden, hidden * (features - 1), hidden]


def test_saddle_of_an_autoencoder_from_nearby(network_of):
    features, hidden = 3, 2
    network = network_of([{"dense": hidden, "bias": False}, {"dense": features, "bias": False}], (features,))
    like = network.initial([stream("a"), stream("b")])
    x = normal(20, features, of="x")
    loss = training_loss(network, like, "mse", Part(x, x.unsqueeze(0)))
    start = 0.05 * parameters_of(like)
    found = critical_points(loss, start, SETTINGS, stream("neighbours"))
    assert (found["trained_gradient_norm"] > 1e-3).all()
    assert (found["gradient_norm"] < 1e-12).all()
    torch.testing.assert_close(found["loss"], x.square().mean().expand(2))  # at the origin nothing is reproduced
    assert found["positive"].tolist() == [features * hidden] * 2
    assert found["zero"].tolist() == [0, 0]
    assert found["negative"].tolist() == [features * hidden] * 2
    assert found["minimal_ratio"].tolist() == [0.5, 0.5]
    point = lower_gradient_norm(loss, start, SETTINGS.iterations)
    found = torch.linalg.eigvalsh(hessians(loss, point))[:, features * hidden :]
    variances = torch.linalg.eigvalsh(x.T @ x / 20)  # each hidden unit couples along the principal axes
    torch.testing.assert_close(found[0], 2 / features * variances.repeat_interleave(hidden), rtol=1e-8, atol=0)


def rescaling(weights, unit):
    """The direction that scales up what enters a hidden unit of a two-layer net and scales down what leaves it."""
    direction = {name: torch.zeros_like(w) for name, w in weights.items()}
    for name in ("1.weight", "1.bias"):
        direction[name][:, unit] = weights[name][:, unit]
    direction["2.weight"][:, :, unit] = -weights["2.weight"][:, :, unit]
    return flatten(direction).double()


def test_rescaling_a_relu_unit_has_curvature_of_the_order_of_the_gradient(net_loss):
    # L is constant along θ(t) = (eᵗ w₁, eᵗ b₁, e⁻ᵗ w₂) of a unit; two derivatives in t give H v = -(g₁, -g₂).
    loss, parameters, _, like, _ = net_loss([4, 1], 2, activation="relu", examples=40)
    hessian, slope = hessians(loss, parameters), gradients(loss, parameters)
    for unit in range(4):
        direction = rescaling(like, unit)
        torch.testing.assert_close((slope * direction).sum(1), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-13)
        signs = (rescaling({name: torch.ones_like(w) for name, w in like.items()}, unit) * -slope).unsqueeze(2)
        torch.testing.assert_close(hessian @ direction.unsqueeze(2), signs, rtol=0, atol=1e-13)
    assert slope.norm(dim=1).min() > 0.1


def test_rescaling_directions_count_as_zero_where_the_gradient_vanishes(network_of):
    hidden = 3
    network = network_of([hidden, 1], (2,), "relu")
    like = network.initial([stream("a"), stream("b")])
    like = {name: w.double() for name, w in like.items()}
    x = normal(60, 2, of="x")
    loss = training_loss(network, like, "mse", Part(x, network(like, x.unsqueeze(0))))  # each fits its own outputs
    parameters = parameters_of(like)
    assert torch.equal(lower_gradient_norm(loss, parameters, 3), parameters)
    found = critical_points(loss, parameters, SETTINGS, stream("neighbours"))
    eigenvalues, directions = torch.linalg.eigh(hessians(loss, parameters))
    tolerance = eigenvalue_tolerance(eigenvalues, gradients(loss, parameters).norm(dim=1))
    for member in range(2):
        null = directions[member][:, eigenvalues[member].abs() <= tolerance[member]]
        for unit in range(hidden):
            direction = rescaling(like, unit)[member]
            torch.testing.assert_close(null @ (null.T @ direction), direction, rtol=0, atol=1e-6)
    assert found["gradient_norm"].max() < 1e-15
    assert found["negative"].tolist() == [0, 0]
    assert (found["zero"] >= hidden).all()
    assert (found["positive"] + found["zero"] == 13).all()
    assert found["zero"].tolist() == [hidden, hidden]


# ------------------------------------------------------------------------------------------------- neighbours


def test_neighbours_of_extremes_and_of_a_saddle():
    def share(curvature):
        def loss(p):
            return ((p - 1).square() * torch.tensor(curvature)).sum(1)

        return higher_neighbours(loss, torch.ones(2, 2, dtype=torch.float64), 200, 1e-2, stream("n"))

    assert share([1.0, 2.0]).tolist() == [1, 1]
    assert share([-1.0, -2.0]).tolist() == [0, 0]
    assert share([0.0, 0.0]).tolist() == [0, 0]  # as high is not higher
    saddle = share([1.0, -1.0])
    assert ((saddle > 0.35) & (saddle < 0.65)).all()
    assert saddle[0] != saddle[1]  # each member looks in directions of its own


def test_neighbours_lie_on_a_sphere_in_all_directions():
    visited = []

    def loss(p):
        visited.append(p)
        return p.square().sum(1)

    at = normal(3, 5)
    higher_neighbours(loss, at, 400, 0.1, stream("n"))
    assert torch.equal(visited[0], at)
    steps = torch.stack(visited[1:]) - at
    assert len(steps) == 400
    torch.testing.assert_close(steps.norm(dim=2), (0.1 * at.norm(dim=1)).expand(400, 3))
    unit = steps / steps.norm(dim=2, keepdim=True)
    assert unit.mean(0).abs().max() < 0.1
    covariance = torch.einsum("nmp,nmq->mpq", unit, unit) / 400
    torch.testing.assert_close(covariance, torch.eye(5, dtype=torch.float64).expand(3, 5, 5) / 5, rtol=0, atol=0.05)


def test_neighbours_depend_on_the_stream_alone():
    loss, at = bowl(torch.diag(torch.tensor([1.0, -1.0, 0.5]))), normal(2, 3)
    one, two, other = (higher_neighbours(loss, at, 60, 1.0, stream(name)) for name in ("a", "a", "b"))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


# ---------------------------------------------------------------------------------------------------- together


def test_critical_points_of_a_minimum(net_loss):
    loss, parameters, _, _, data = net_loss([1], 3)
    found = critical_points(loss, parameters, SETTINGS, stream("n"))
    x = torch.cat([data.x, torch.ones(11, 1, dtype=torch.float64)], 1)
    _, residual, *_ = np.linalg.lstsq(x.numpy(), data.y[0].numpy())
    expected = {"positive": 4, "zero": 0, "negative": 0, "minimal_ratio": 1.0, "higher_neighbours": 1.0}
    for name, value in expected.items():
        assert found[name].tolist() == [value] * 3
    np.testing.assert_allclose(found["loss"], np.full(3, residual / 11))
    torch.testing.assert_close(found["trained_gradient_norm"], gradients(loss, parameters).norm(dim=1))
    assert (found["gradient_norm"] < 1e-12).all()
    assert not any(value.requires_grad for value in found.values())


def test_eigenvalues_within_the_gradient_norm_do_not_count(net_loss):
    loss, parameters, *_ = net_loss([4, 1], 2)
    settings = SETTINGS.model_copy(update={"iterations": 0})
    found = critical_points(loss, parameters, settings, stream("n"))
    torch.testing.assert_close(found["gradient_norm"], found["trained_gradient_norm"], rtol=0, atol=0)
    eigenvalues, limit = torch.linalg.eigvalsh(hessians(loss, parameters)), found["gradient_norm"].unsqueeze(1)
    assert (found["zero"] > 0).all()
    assert found["zero"].tolist() == (eigenvalues.abs() <= limit).sum(1).tolist()
    assert found["positive"].tolist() == (eigenvalues > limit).sum(1).tolist()
    assert found["negative"].tolist() == (eigenvalues < -limit).sum(1).tolist()


def test_numbers_over_nets():
    counts = {"positive": [3, 5], "zero": [2, 0], "negative": [1, 1]}
    table = pd.DataFrame(
        {"loss": [1.0, 2.0], **counts, "minimal_ratio": [0.5, 0.75], "higher_neighbours": [1.0, 1.0]}
        | {"trained_gradient_norm": [0.0, 4.0], "gradient_norm": [1.0, 2.0]}
    )
    numbers = ratio_numbers(table)
    half = pytest.approx(2**0.5, rel=1e-5)
    assert numbers["positive"] == {"mean": 4.0, "sd": half}
    assert numbers["minimal_ratio"]["mean"] == 0.625
    assert numbers["higher_neighbours"] == {"mean": 1.0, "sd": 0.0}
    assert numbers["trained_gradient_norm_quantiles"] == {"0%": 0.0, "25%": 1.0, "50%": 2.0, "75%": 3.0, "100%": 4.0}
    assert numbers["gradient_norm_quantiles"]["50%"] == 1.5
    assert set(numbers) == {
        "loss",
        "positive",
        "zero",
        "negative",
        "minimal_ratio",
        "higher_neighbours",
        "trained_gradient_norm_quantiles",
        "gradient_norm_quantiles",
    }
