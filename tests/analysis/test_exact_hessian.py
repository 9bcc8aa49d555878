"""Exact derivatives against torch, against curvlinops, and at points where they are known in closed form."""

from typing import NamedTuple

import pytest
import torch
from curvlinops import GGNLinearOperator, HessianLinearOperator
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import functional
from torch.func import grad, jacrev

from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.nets.layers import Dense
from netclaims.nets.network import Network, Weights, flatten, unflatten
from netclaims.training.random_streams import stream

ACTIVATIONS = ["tanh", "relu", "leaky_relu"]
NETS = {
    "activation": st.sampled_from(ACTIVATIONS),
    "hidden": st.lists(st.integers(1, 6), max_size=3),
    "features": st.integers(1, 3),
    "examples": st.integers(1, 12),
    "seed": st.integers(0, 10**6),
}


class Net(NamedTuple):
    """A net of random weights, its data and its least-squares problem."""

    problem: LeastSquares
    theta: Tensor
    network: Network
    weights: Weights
    x: Tensor
    y: Tensor

    def outputs(self, flat: Tensor) -> Tensor:
        """What the network itself makes of all weights in one row, in its own order."""
        return self.network(unflatten(flat.unsqueeze(0), self.weights), self.x.unsqueeze(0))[0, :, 0]

    def loss(self, flat: Tensor) -> Tensor:
        return (self.outputs(flat) - self.y).square().mean()

    @property
    def flat(self) -> Tensor:
        return flatten(self.weights)[0]

    @property
    def order(self) -> Tensor:
        """Where in the network's own order each parameter of θ stands."""
        return theta_of(unflatten(torch.arange(self.problem.parameters).unsqueeze(0), self.weights))[0].long()

    def ordered(self, matrix: Tensor) -> Tensor:
        """Second derivatives by the weights in the network's own order, as those by θ."""
        return matrix[..., self.order, :][..., self.order]


def normal(*shape: int, of="normal") -> Tensor:
    return torch.randn(shape, generator=stream(of), dtype=torch.float64)


def net_of(hidden=(4, 3), features=2, activation="tanh", examples=12, seed=0) -> Net:
    network = Network([Dense(units) for units in (*hidden, 1)], activation, (features,))
    weights = {name: 1.5 * w.double() for name, w in network.initial([stream(seed, "weights")]).items()}
    x, y = normal(examples, features, of=(seed, "x")), normal(examples, of=(seed, "y"))
    return Net(LeastSquares(network, x, y), theta_of(weights)[0], network, weights, x, y)


def at_critical_point(net: Net) -> LeastSquares:
    """Other targets, for which the gradient is zero where the net is: residuals at right angles to the Jacobian."""
    residuals, jacobian = net.problem.linearised(net.theta)
    left, singular, _ = torch.linalg.svd(jacobian, full_matrices=False)
    basis = left[:, singular > 1e-12 * singular[0]]
    random = normal(len(net.x), of="residuals")
    wanted = random - basis @ (basis.T @ random)
    return LeastSquares(net.network, net.x, residuals + net.y - wanted)


def hessian_of(problem: LeastSquares, theta: Tensor) -> Tensor:
    return sum(problem.curvature(theta))


def relative_difference(found: Tensor, expected: Tensor) -> float:
    """Of their Frobenius norms; 0 if both are zero."""
    assert found.dtype == torch.float64
    assert found.shape == expected.shape
    return float((found - expected).norm() / expected.norm()) if expected.any() or found.any() else 0.0


def inertia(matrix: Tensor) -> tuple[int, int, int]:
    """Numbers of positive, zero and negative eigenvalues."""
    eigenvalues = torch.linalg.eigvalsh(matrix)
    limit = 1e-11 * eigenvalues.abs().max()
    return tuple(int(sign.sum()) for sign in (eigenvalues > limit, eigenvalues.abs() <= limit, eigenvalues < -limit))


# ---------------------------------------------------------------------------------------------- the parameters


def test_theta_goes_layer_by_layer_and_unit_by_unit_with_the_bias_last():
    weights = {
        "1.weight": torch.tensor([[[1.0, 2.0], [4.0, 5.0]]]),
        "1.bias": torch.tensor([[3.0, 6.0]]),
        "2.weight": torch.tensor([[[7.0, 8.0]]]),
        "2.bias": torch.tensor([[9.0]]),
    }
    both = {name: torch.cat([w, -w]) for name, w in weights.items()}
    found = theta_of(both)
    assert found.dtype == torch.float64
    assert found.tolist() == [list(range(1, 10)), list(range(-1, -10, -1))]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3, 2)])
def test_theta_gives_the_same_function_as_the_network(hidden, activation):
    network = Network([Dense(units) for units in (*hidden, 1)], activation, (2,))
    weights = network.initial([stream("a"), stream("b")])
    x = normal(9, 2)
    outputs = network({name: w.double() for name, w in weights.items()}, x.unsqueeze(0))
    problem = LeastSquares(network, x, torch.zeros(9, dtype=torch.float64))
    theta = theta_of(weights)
    assert theta.shape == (2, problem.parameters)
    for member in range(2):
        found, _ = problem.linearised(theta[member])
        assert relative_difference(found, outputs[member, :, 0]) < 1e-14


def test_layers_are_views_of_theta():
    net = net_of((4, 3), features=2)
    assert net.problem.sizes == [2, 4, 3, 1]
    assert net.problem.parameters == 12 + 15 + 4
    layers = net.problem.layers(net.theta)
    assert [layer.shape for layer in layers] == [(4, 3), (3, 5), (1, 4)]
    for number, layer in enumerate(layers, start=1):
        assert torch.equal(layer[:, :-1], net.weights[f"{number}.weight"][0])
        assert torch.equal(layer[:, -1], net.weights[f"{number}.bias"][0])
    layers[1][2, 4] = 7.0
    assert net.theta[12 + 14] == 7.0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activity_is_what_enters_the_activations(activation, module_of):
    net = net_of((4, 3), activation=activation)
    module, entering = module_of([4, 3, 1], (2,), activation, net.weights), []
    for layer in list(module)[1::2]:
        layer.register_forward_hook(lambda _, inputs, __: entering.append(inputs[0].detach()))
    module(net.x)
    found = net.problem.activity(net.theta)
    assert len(entering) == 2
    assert relative_difference(found, torch.cat(entering, 1)) < 1e-14


def test_images_are_taken_in_flattened():
    network = Network([Dense(3), Dense(1)], "tanh", (1, 2, 2))
    images, y = normal(7, 1, 2, 2), normal(7, of="y")
    weights = {name: w.double() for name, w in network.initial([stream("w")]).items()}
    problem = LeastSquares(network, images.flatten(1), y)
    assert problem.sizes == [4, 3, 1]
    found, _ = problem.linearised(theta_of(weights)[0])
    assert relative_difference(found + y, network(weights, images.unsqueeze(0))[0, :, 0]) < 1e-14


@pytest.mark.parametrize(
    ("layers", "example"),
    [
        ([{"dense": 3, "bias": False}, 1], (2,)),
        ([3, {"dense": 1, "bias": False}], (2,)),
        ([3, 2], (2,)),
        ([3, 1, "softmax"], (2,)),
        ([{"conv": 2}, 1], (1, 4, 4)),
        ([{"pool": 2}, 1], (1, 4, 4)),
    ],
)
def test_other_networks_are_refused(layers, example, network_of):
    with pytest.raises(ValueError, match="one output"):
        LeastSquares(network_of(layers, example), normal(3, 2), normal(3))


# ------------------------------------------------------------------------------------- against other libraries


@given(**NETS)
@settings(max_examples=40, deadline=None)
def test_against_torch_func(activation, hidden, features, examples, seed):
    net = net_of(hidden, features, activation, examples, seed)
    flat, order = net.flat, net.order
    residuals, first = net.outputs(flat) - net.y, jacrev(net.outputs)(flat)[:, order]
    second, whole = (net.ordered(found(flat)) for found in (jacrev(jacrev(net.outputs)), jacrev(grad(net.loss))))
    assert relative_difference(net.problem.loss(net.theta), net.loss(flat)) < 1e-12
    assert relative_difference(net.problem.gradient(net.theta), grad(net.loss)(flat)[order]) < 1e-12
    found_residuals, found_jacobian = net.problem.linearised(net.theta)
    assert relative_difference(found_residuals, residuals) < 1e-12
    assert relative_difference(found_jacobian, first) < 1e-12
    gauss_newton, residual = net.problem.curvature(net.theta)
    assert relative_difference(gauss_newton, 2 / examples * first.T @ first) < 1e-12
    assert relative_difference(residual, 2 / examples * torch.einsum("i,ipq->pq", residuals, second)) < 1e-12
    assert relative_difference(gauss_newton + residual, whole) < 1e-12


@given(**NETS)
@settings(max_examples=15, deadline=None)
def test_against_torch_autograd(activation, hidden, features, examples, seed):
    net = net_of(hidden, features, activation, examples, seed)
    slope, whole = functional.jacobian(net.loss, net.flat), functional.hessian(net.loss, net.flat)
    assert relative_difference(net.problem.gradient(net.theta), slope[net.order]) < 1e-12
    assert relative_difference(hessian_of(net.problem, net.theta), net.ordered(whole)) < 1e-12


@given(**NETS)
@settings(max_examples=15, deadline=None)
def test_against_curvlinops(module_of, activation, hidden, features, examples, seed):
    net = net_of(hidden, features, activation, examples, seed)
    module, data = module_of([*hidden, 1], (features,), activation, net.weights), [(net.x, net.y.unsqueeze(1))]
    operators = [
        kind(module, nn.MSELoss(), list(module.parameters()), data, check_deterministic=False)
        for kind in (HessianLinearOperator, GGNLinearOperator)
    ]
    eye = torch.eye(net.problem.parameters, dtype=torch.float64)
    whole, gauss_newton = (net.ordered(operator @ eye) for operator in operators)
    found, residual = net.problem.curvature(net.theta)
    assert relative_difference(found, gauss_newton) < 1e-12
    assert relative_difference(found + residual, whole) < 1e-12


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_unit_given_exactly_zero_counts_as_off(activation):
    net = net_of((3, 2), features=1, activation=activation)
    first, second = net.problem.layers(net.theta)[:2]
    first[0] = torch.tensor([2.0, -2.0 * net.x[4, 0]])  # its kink lies on an example
    second[1] = torch.tensor([0.0, 0.0, 0.0, 0.0])  # on every example
    assert (net.problem.activity(net.theta)[:, 0] == 0).sum() == 1
    flat = torch.empty_like(net.theta).index_put((net.order,), net.theta)
    slope, whole = functional.jacobian(net.loss, flat), functional.hessian(net.loss, flat)
    assert relative_difference(net.problem.gradient(net.theta), slope[net.order]) < 1e-12
    assert relative_difference(hessian_of(net.problem, net.theta), net.ordered(whole)) < 1e-12


# ------------------------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_linear_regression(activation):
    net = net_of((), features=3, activation=activation)
    inputs = torch.cat([net.x, torch.ones(12, 1, dtype=torch.float64)], 1)
    residuals = inputs @ net.theta - net.y
    gauss_newton, residual = net.problem.curvature(net.theta)
    assert relative_difference(net.problem.loss(net.theta), residuals.square().mean()) < 1e-14
    assert relative_difference(net.problem.gradient(net.theta), 2 / 12 * inputs.T @ residuals) < 1e-14
    assert relative_difference(gauss_newton, 2 / 12 * inputs.T @ inputs) < 1e-14
    assert not residual.any()
    assert net.problem.activity(net.theta).shape == (12, 0)


@given(**NETS)
@settings(max_examples=40, deadline=None)
def test_both_parts_are_symmetric_and_gauss_newton_has_no_negative_eigenvalue(
    activation, hidden, features, examples, seed
):
    net = net_of(hidden, features, activation, examples, seed)
    gauss_newton, residual = net.problem.curvature(net.theta)
    size = gauss_newton.abs().max()
    for part in (gauss_newton, residual):
        torch.testing.assert_close(part, part.T, rtol=0, atol=1e-14 * float(size))
    positive, _, negative = inertia(gauss_newton)
    assert negative == 0
    assert 1 <= positive <= examples


@pytest.mark.parametrize(("activation", "slope"), [("tanh", 1.0), ("leaky_relu", 0.01), ("relu", 0.0)])
@pytest.mark.parametrize(("hidden", "features"), [(1, 1), (3, 2)])
def test_the_origin_of_a_two_layer_net_is_a_saddle_of_known_eigenvalues(hidden, features, activation, slope):
    # There f = b₂ + slope Σ_j w₂_j (W₁_j x + b₁_j) to the second order. Besides 2 for b₂ only w₂_j and W₁_j are
    # coupled, by 2 slope mean(r x) with r = -y of mean 0: eigenvalues ±2 slope |mean(x y)| for each hidden unit.
    net = net_of((hidden,), features, activation)
    problem = LeastSquares(net.network, net.x, net.y - net.y.mean())
    origin = torch.zeros_like(net.theta)
    assert problem.gradient(origin).norm() < 1e-15
    size = 2 * slope * ((net.y - net.y.mean()).unsqueeze(1) * net.x).mean(0).norm()
    zeros = torch.zeros(len(origin) - 2 * hidden - 1, dtype=torch.float64)
    expected = torch.cat([-size.expand(hidden), zeros, size.expand(hidden), torch.tensor([2.0])])
    found = hessian_of(problem, origin)
    torch.testing.assert_close(torch.linalg.eigvalsh(found), expected.sort().values, rtol=1e-13, atol=1e-15)
    assert inertia(found) == ((1 + hidden, hidden * features, hidden) if slope else (1, len(origin) - 1, 0))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_origin_of_a_deeper_net_has_no_direction_of_descent_to_second_order(activation):
    # Kawaguchi 2016, theorem 2.3: with two or more hidden layers the Hessian there has no negative eigenvalue.
    net = net_of((3, 2), activation=activation)
    problem = LeastSquares(net.network, net.x, net.y - net.y.mean())
    expected = torch.zeros(len(net.theta), len(net.theta), dtype=torch.float64)
    expected[-1, -1] = 2.0
    torch.testing.assert_close(hessian_of(problem, torch.zeros_like(net.theta)), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("hidden", [1, 2, 4])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_saddle_of_a_linear_net(hidden, activation):
    # Biases so large that every unit is on make the net linear, f = w₂ᵀ(W₁ x + b₁) + b₂, whose critical points are
    # global minima or saddles (Baldi & Hornik 1989). One is at w₂ = 0, b₂ = mean y and W₁ c = 0, c = mean(r x).
    features = 3
    net = net_of((hidden,), features, activation, examples=30)
    residuals = net.y.mean() - net.y
    c = (residuals.unsqueeze(1) * net.x).mean(0)
    theta = net.theta.clone()
    first, last = net.problem.layers(theta)
    first[:, :-1] -= first[:, :-1] @ torch.outer(c, c) / c.square().sum()
    first[:, -1] = 10.0
    last[0] = torch.tensor([0.0] * hidden + [net.y.mean()])
    assert net.problem.activity(theta)[0].min() > 0
    assert net.problem.gradient(theta).norm() < 1e-13
    # W₁_j along c and w₂_j are coupled by 2 |c|, hence a pair of signs per unit; b₂ is one more positive direction.
    assert inertia(hessian_of(net.problem, theta)) == (hidden + 1, hidden * features, hidden)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_minimum_of_a_linear_net(activation):
    # At the least-squares fit the residuals are at right angles to 1 and x, of which all that f depends on is made:
    # no residual part, and as many positive eigenvalues as a linear function has coefficients.
    features = 3
    net = net_of((4, 2), features, activation, examples=30)
    first, second, last = net.problem.layers(net.theta)
    first[:, -1] = 20.0
    second[:] = second.abs()
    inputs = torch.cat([net.x, torch.ones(30, 1, dtype=torch.float64)], 1)
    fit = torch.linalg.lstsq(inputs, net.y).solution
    weights = last[0, :-1] @ second[:, :-1]
    first[:, :-1] = torch.outer(weights / weights.square().sum(), fit[:-1])
    last[0, -1] = fit[-1] - last[0, :-1] @ second[:, -1] - weights @ first[:, -1]
    assert min(z.min() for z in net.problem.activity(net.theta)) > 0
    assert relative_difference(net.problem.linearised(net.theta)[0], inputs @ fit - net.y) < 1e-13
    gauss_newton, residual = net.problem.curvature(net.theta)
    assert residual.norm() < 1e-13 * gauss_newton.norm()
    assert inertia(gauss_newton + residual) == (features + 1, len(net.theta) - features - 1, 0)


# ----------------------------------------------------------------------------------- ReLU nets, where piecewise linear


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_the_residual_part_of_one_hidden_layer_is_the_gradient_divided_by_weights(activation):
    net = net_of((5,), features=2, activation=activation, examples=30)
    residual, slope = net.problem.curvature(net.theta)[1], net.problem.layers(net.problem.gradient(net.theta))[0]
    outgoing = net.problem.layers(net.theta)[1][0]
    expected = torch.zeros_like(residual)
    for unit in range(5):
        entering, leaving = slice(3 * unit, 3 * unit + 3), 15 + unit
        expected[entering, leaving] = expected[leaving, entering] = slope[unit] / outgoing[unit]
    assert residual.norm() > 0.1
    assert relative_difference(residual, expected) < 1e-13


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("seed", range(4))
def test_a_critical_point_of_one_hidden_layer_has_no_negative_eigenvalue(seed, activation):
    net = net_of((6,), features=2, activation=activation, examples=80, seed=seed)
    assert net.problem.layers(net.theta)[1].abs().min() > 1e-3
    problem = at_critical_point(net)
    assert problem.loss(net.theta) > 0.1
    assert problem.gradient(net.theta).norm() < 1e-13
    gauss_newton, residual = problem.curvature(net.theta)
    assert residual.norm() < 1e-12 * gauss_newton.norm()
    assert inertia(gauss_newton + residual)[2] == 0


@pytest.mark.parametrize(("hidden", "activation"), [((6, 4), "relu"), ((6, 4), "leaky_relu"), ((6,), "tanh")])
def test_other_critical_points_have_negative_eigenvalues(hidden, activation):
    net = net_of(hidden, features=2, activation=activation, examples=80)
    problem = at_critical_point(net)
    assert problem.gradient(net.theta).norm() < 1e-13
    assert problem.curvature(net.theta)[1].norm() > 1e-3
    assert inertia(hessian_of(problem, net.theta))[2] > 0


def rescale(problem: LeastSquares, theta: Tensor, factors: list[Tensor]) -> Tensor:
    """What enters each hidden unit multiplied by its factor, and what leaves it divided by it; on ones, the matrix."""
    theta = theta.clone()
    layers = problem.layers(theta)
    for layer, following, factor in zip(layers, layers[1:], factors, strict=False):
        layer *= factor.unsqueeze(1)
        following[:, :-1] /= factor
    return theta


@given(
    st.sampled_from(["relu", "leaky_relu"]),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(0, 10**6),
)
@settings(max_examples=25, deadline=None)
def test_rescaling_hidden_units_is_a_congruence(activation, hidden, seed):
    net = net_of(hidden, 2, activation, examples=40, seed=seed)
    problem = at_critical_point(net)
    factors = [normal(units, of=(seed, units)).exp() for units in hidden]
    other = rescale(problem, net.theta, factors)
    diagonal = rescale(problem, torch.ones_like(net.theta), factors)
    assert relative_difference(problem.loss(other), problem.loss(net.theta)) < 1e-13
    before, after = hessian_of(problem, net.theta), hessian_of(problem, other)
    assert relative_difference(diagonal.unsqueeze(1) * after * diagonal, before) < 1e-12


@pytest.mark.parametrize(("hidden", "activation"), [((5,), "relu"), ((5, 4), "relu"), ((4, 3), "leaky_relu")])
def test_rescaling_hidden_units_changes_eigenvalues_and_not_their_signs(hidden, activation):
    net = net_of(hidden, activation=activation, examples=80)
    problem = at_critical_point(net)
    other = rescale(problem, net.theta, [normal(units, of="factors").exp() for units in hidden])
    before, after = hessian_of(problem, net.theta), hessian_of(problem, other)
    assert inertia(before) == inertia(after)  # Sylvester's law
    assert relative_difference(torch.linalg.eigvalsh(after), torch.linalg.eigvalsh(before)) > 0.1


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_order_of_hidden_units_does_not_matter(activation):
    net = net_of((5, 4), activation=activation)
    theta = net.theta.clone()
    layers = net.problem.layers(theta)
    for number, order in enumerate((torch.tensor([3, 0, 4, 1, 2]), torch.tensor([1, 3, 2, 0]))):
        layers[number][:] = layers[number][order]
        layers[number + 1][:, :-1] = layers[number + 1][:, order]
    assert (theta - net.theta).norm() > 1
    assert relative_difference(net.problem.loss(theta), net.problem.loss(net.theta)) < 1e-14
    for before, after in zip(net.problem.curvature(net.theta), net.problem.curvature(theta), strict=True):
        eigenvalues = torch.linalg.eigvalsh(before)
        torch.testing.assert_close(torch.linalg.eigvalsh(after), eigenvalues, rtol=0, atol=1e-13)


# ------------------------------------------------------------------------------------------------------ edge cases


def test_a_net_that_diverged_has_no_derivatives():
    net = net_of()
    theta = torch.full_like(net.theta, torch.nan)
    assert net.problem.loss(theta).isnan()
    assert net.problem.gradient(theta).isnan().all()
    assert all(part.isnan().any() for part in net.problem.curvature(theta))


def test_nothing_is_changed_and_every_call_gives_the_same():
    net = net_of()
    before = net.theta.clone(), net.x.clone(), net.y.clone()
    first, second = net.problem.curvature(net.theta), net.problem.curvature(net.theta)
    assert all(torch.equal(*both) for both in zip(first, second, strict=True))
    assert all(torch.equal(*both) for both in zip(before, (net.theta, net.x, net.y), strict=True))
