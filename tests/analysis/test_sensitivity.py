"""Three sensitivities against autograd one example at a time, and in closed form."""

from functools import partial

import pytest
import torch
from torch.autograd.functional import jacobian
from torch.nn import functional

from netclaims.analysis import sensitivity
from netclaims.analysis.sensitivity import COLUMNS, loss_by_input, loss_by_parameters, output_by_input, sensitivities
from netclaims.learn import training
from netclaims.learn.data import Part
from netclaims.learn.streams import stream

NETS = [
    pytest.param([6, 3], (4,), "tanh", id="mlp"),
    pytest.param([6, 3], (1, 3, 3), "leaky_relu", id="mlp on images"),
    pytest.param([{"conv": 2}, {"pool": 2}, 3], (2, 5, 5), "relu", id="cnn"),
]


@pytest.fixture
def nets(network_of):
    """A network, float64 weights of two nets, and 13 examples."""

    def make(layers, example, activation="tanh"):
        network = network_of(layers, example, activation)
        weights = {name: w.double() for name, w in network.initial([stream("a"), stream("b")]).items()}
        x = torch.randn(13, *example, generator=stream("x"), dtype=torch.float64)
        classes = layers[-1]["dense"] if isinstance(layers[-1], dict) else layers[-1]
        return network, weights, Part(x, torch.randint(classes, (1, 13), generator=stream("y")))

    return make


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_against_one_example_at_a_time(layers, example, activation, nets, module_of):
    network, weights, data = nets(layers, example, activation)
    found = sensitivities(network, weights, "cross_entropy", data)
    assert list(found) == COLUMNS == ["loss_by_input", "output_by_input", "loss_by_parameters"]
    for index in range(2):
        module = module_of(layers, example, activation, weights, index)

        def loss(x, y, module=module):
            return functional.cross_entropy(module(x.unsqueeze(0)), y.unsqueeze(0))

        def probabilities(x, module=module):
            return module(x.unsqueeze(0)).softmax(1)[0]

        by_input, by_output, by_parameters = [], [], []
        for x, y in zip(data.x, data.y[0], strict=True):
            by_input.append(jacobian(partial(loss, y=y), x).norm())
            by_output.append(jacobian(probabilities, x).norm())
            grads = torch.autograd.grad(loss(x, y), list(module.parameters()))
            by_parameters.append(torch.cat([g.flatten() for g in grads]))
        expected = {
            "loss_by_input": torch.stack(by_input).mean(),
            "output_by_input": torch.stack(by_output).mean(),
            "loss_by_parameters": torch.stack(by_parameters).mean(0).norm(),
        }
        for name, value in expected.items():
            torch.testing.assert_close(found[name][index], value)
            assert not torch.isclose(found[name][0], found[name][1])


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_of_a_net_that_ends_in_a_softmax(layers, example, activation, nets, network_of, module_of):
    logits, weights, data = nets(layers, example, activation)
    network = network_of([*layers, "softmax"], example, activation)
    found = sensitivities(network, weights, "cross_entropy", data)
    for index in range(2):
        module = module_of(layers, example, activation, weights, index)

        def outputs(x, module=module):
            return module(x.unsqueeze(0)).softmax(1)[0]

        def loss(x, y, outputs=outputs):  # of the probabilities, taken for logits
            return functional.cross_entropy(outputs(x), y)

        by_output = torch.func.vmap(torch.func.jacrev(outputs))(data.x)
        by_input = torch.func.vmap(torch.func.jacrev(loss))(data.x, data.y[0])
        mean = torch.stack([loss(x, y) for x, y in zip(data.x, data.y[0], strict=True)]).mean()
        slopes = torch.autograd.grad(mean, list(module.parameters()))
        torch.testing.assert_close(found["output_by_input"][index], by_output.flatten(1).norm(dim=1).mean())
        torch.testing.assert_close(found["loss_by_input"][index], by_input.flatten(1).norm(dim=1).mean())
        torch.testing.assert_close(found["loss_by_parameters"][index], torch.cat([s.flatten() for s in slopes]).norm())
    without = sensitivities(logits, weights, "cross_entropy", data)
    torch.testing.assert_close(found["output_by_input"], without["output_by_input"])  # the same probabilities
    assert not torch.isclose(found["loss_by_input"], without["loss_by_input"]).any()


def test_softmax_regression_in_closed_form(nets):
    network, weights, data = nets([3], (4,))
    found = sensitivities(network, weights, "cross_entropy", data)
    for index in range(2):
        weight, bias = weights["1.weight"][index], weights["1.bias"][index]
        p = (data.x @ weight.T + bias).softmax(1)
        error = p - functional.one_hot(data.y[0], 3)
        covariance = torch.diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)
        slope = torch.cat([error.T @ data.x, error.sum(0).unsqueeze(1)], 1) / 13
        torch.testing.assert_close(found["loss_by_input"][index], (error @ weight).norm(dim=1).mean())
        torch.testing.assert_close(found["output_by_input"][index], (covariance @ weight).norm(dim=(1, 2)).mean())
        torch.testing.assert_close(found["loss_by_parameters"][index], slope.norm())


def test_logistic_regression_in_closed_form(nets):
    network, weights, data = nets([{"dense": 2, "bias": False}], (4,))
    weights["1.weight"][:, 0] = 0
    w = weights["1.weight"][:, 1]
    p = torch.sigmoid(data.x @ w.T).T  # of the second class
    error = (p - data.y).abs()
    torch.testing.assert_close(loss_by_input(network, weights, "cross_entropy", data), error.mean(1) * w.norm(dim=1))
    torch.testing.assert_close(output_by_input(network, weights, data), 2**0.5 * (p * (1 - p)).mean(1) * w.norm(dim=1))


def test_scaling_the_first_layer_up_and_the_inputs_down(nets):
    network, weights, data = nets([6, 3], (4,))
    scaled = weights | {"1.weight": 4 * weights["1.weight"]}
    smaller = Part(data.x / 4, data.y)
    for one, other in (
        (
            loss_by_input(network, scaled, "cross_entropy", smaller),
            loss_by_input(network, weights, "cross_entropy", data),
        ),
        (output_by_input(network, scaled, smaller), output_by_input(network, weights, data)),
    ):
        torch.testing.assert_close(one, 4 * other)


@pytest.mark.parametrize("at_once", [1, 5, 13, 1000])
def test_neither_the_order_of_the_examples_nor_how_many_at_once_matters(at_once, nets, monkeypatch):
    network, weights, data = nets([{"conv": 2}, 3], (2, 5, 5))
    expected = sensitivities(network, weights, "cross_entropy", data)
    monkeypatch.setattr(sensitivity, "EXAMPLES_AT_ONCE", at_once)
    monkeypatch.setattr(training, "NUMBERS_AT_ONCE", 50 * at_once)
    order = torch.randperm(13, generator=stream("order"))
    for part in (data, Part(data.x[order], data.y[:, order])):
        for name, value in sensitivities(network, weights, "cross_entropy", part).items():
            torch.testing.assert_close(value, expected[name])
    wrong = Part(data.x[order], data.y)  # the labels belong to their examples
    assert not torch.allclose(loss_by_input(network, weights, "cross_entropy", wrong), expected["loss_by_input"])


def test_one_example_twice_counts_as_once(nets):
    network, weights, data = nets([3], (4,))
    expected = sensitivities(network, weights, "cross_entropy", data)
    twice = Part(data.x.repeat(2, 1), data.y.repeat(1, 2))
    for name, value in sensitivities(network, weights, "cross_entropy", twice).items():
        torch.testing.assert_close(value, expected[name])


def test_parameters_of_a_perfect_fit(network_of):
    network = network_of([1], (2,))
    weights = network.initial([stream("a"), stream("b")])
    x = torch.randn(9, 2, generator=stream("x"))
    data = Part(x, network(weights, x.unsqueeze(0)))
    assert loss_by_parameters(network, weights, "mse", data).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert loss_by_parameters(network, weights, "mse", Part(x, data.y + 1)).min() > 1
