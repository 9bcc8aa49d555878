"""Stacked networks against torch.nn modules with the same weights."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torchvision.transforms.functional import resize

from netclaims.nets.layers import Dense
from netclaims.nets.losses import losses
from netclaims.nets.network import Network, flatten, member, unflatten
from netclaims.training.random_streams import stream

MLP = [7, 5, 3]
NARROW = [{"dense": 6, "bias": False}, {"dense": 4, "bias": False}]
CNN = [{"conv": 4}, {"pool": 2}, {"conv": 3, "kernel": 2, "padding": 0}, {"pool": 2}, 6, 5]
POOL_FIRST = [{"pool": 3}, {"conv": 2, "kernel": 5, "padding": 2}, 4]
RESIZED = [{"resize": 11}, {"conv": 3}, {"resize": 4}, 6, 5]
SOFTMAX = [{"conv": 4}, {"pool": 2}, 6, {"dense": 5, "bias": False}, "softmax"]

ARCHITECTURES = [
    pytest.param(MLP, (2,), id="mlp"),
    pytest.param(MLP, (2, 3, 4), id="mlp on images"),
    pytest.param(NARROW, (3,), id="no bias"),
    pytest.param([4], (5,), id="one layer"),
    pytest.param(CNN, (2, 12, 9), id="cnn"),
    pytest.param(POOL_FIRST, (1, 9, 9), id="pool first"),
    pytest.param(RESIZED, (2, 9, 7), id="resized"),
    pytest.param(SOFTMAX, (2, 9, 7), id="softmax"),
    pytest.param([4, "softmax"], (3,), id="one layer and softmax"),
]


def streams(count: int) -> list[torch.Generator]:
    return [stream("test", i) for i in range(count)]


# ------------------------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_every_member_gives_what_torch_nn_gives(layers, example, activation, network_of, module_of):
    network = network_of(layers, example, activation)
    weights = network.initial(streams(3))
    x = torch.randn(3, 8, *example, generator=stream("x"))
    found = network(weights, x)
    expected = [module_of(layers, example, activation, weights, i)(x[i]) for i in range(3)]
    torch.testing.assert_close(found, torch.stack(expected))
    assert found.std() > 0.01  # not all nothing
    assert not torch.allclose(found[0], found[1])


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_one_batch_for_all_members(layers, example, network_of):
    network = network_of(layers, example)
    weights = network.initial(streams(2))
    x = torch.randn(1, 5, *example, generator=stream("x"))
    torch.testing.assert_close(network(weights, x), network(weights, x.expand(2, *x.shape[1:])), rtol=0, atol=0)


@pytest.mark.parametrize(
    "layers",
    [
        [{"resize": 6}, 5, 3],
        [{"pool": 2}, {"resize": 5}, 5, {"dense": 3, "bias": False}],
        [{"resize": 7}, {"conv": 2}, {"pool": 2}, 3, "softmax"],
    ],
)
def test_what_comes_before_the_first_weights_is_computed_once_for_all(layers, network_of, module_of, monkeypatch):
    network = network_of(layers, (2, 9, 8), "relu")
    weights = {name: w.requires_grad_() for name, w in network.initial(streams(25)).items()}
    x = torch.randn(1, 6, 2, 9, 8, generator=stream("x"))
    sizes = []

    def counted(original):
        return lambda h, *arguments, **options: sizes.append(len(h)) or original(h, *arguments, **options)

    for name in ("interpolate", "max_pool2d"):
        monkeypatch.setattr(functional, name, counted(getattr(functional, name)))
    found = network(weights, x)
    monkeypatch.undo()
    first = next(i for i, layer in enumerate(layers) if isinstance(layer, int) or "conv" in layer)
    assert sizes == [6] * first + [25 * 6] * (len(sizes) - first)
    found.square().sum().backward()
    for i in range(25):
        module = module_of(layers, (2, 9, 8), "relu", weights, i)
        expected = module(x[0])
        torch.testing.assert_close(found[i], expected)
        expected.square().sum().backward()
        for weight, parameter in zip(weights.values(), module.parameters(), strict=True):
            torch.testing.assert_close(weight.grad[i], parameter.grad)


def test_a_member_without_finite_weights_leaves_the_others_theirs(network_of):
    network = network_of([{"resize": 6}, 5, 3], (2, 9, 8))
    weights = network.initial(streams(3))
    x = torch.randn(1, 6, 2, 9, 8, generator=stream("x"))
    before = network(weights, x)
    weights["1.weight"][1, 0, 0] = torch.nan
    found = network(weights, x)
    assert found.isfinite().all((1, 2)).tolist() == [True, False, True]
    assert torch.equal(found[[0, 2]], before[[0, 2]])


def test_images_with_channels_last_in_memory(network_of):
    network = network_of(CNN, (2, 12, 9), "relu")
    weights = network.initial(streams(2))
    x = torch.randn(6, 2, 12, 9, generator=stream("x"))
    last = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(weights, last.unsqueeze(0)), network(weights, x.unsqueeze(0)))


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_members_do_not_mix(layers, example, network_of):
    network = network_of(layers, example)
    weights = network.initial(streams(3))
    x = torch.randn(3, 4, *example, generator=stream("x"))
    together = network(weights, x)
    for i in range(3):
        torch.testing.assert_close(network(member(weights, i), x[i : i + 1]), together[i : i + 1])


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_gradients_of_every_member_are_those_of_torch_nn(layers, example, network_of, module_of):
    network = network_of(layers, example)
    weights = {name: w.requires_grad_() for name, w in network.initial(streams(2)).items()}
    x = torch.randn(2, 4, *example, generator=stream("x"))
    network(weights, x).square().sum().backward()
    for i in range(2):
        module = module_of(layers, example, weights=weights, member=i)
        module(x[i]).square().sum().backward()
        for weight, parameter in zip(weights.values(), module.parameters(), strict=True):
            torch.testing.assert_close(weight.grad[i], parameter.grad)


def pixels(network, x: torch.Tensor, channel: int) -> torch.Tensor:
    """What a resize before a net of one dense layer comes to, read off by giving each weight in turn a 1."""
    size = network.initial(streams(1))["1.weight"].shape[2]
    weights = {"1.weight": torch.eye(size).unsqueeze(1), "1.bias": torch.zeros(size, 1)}  # a member for every pixel
    side = int((size / x.shape[1]) ** 0.5)
    return network(weights, x.unsqueeze(0))[:, :, 0].T.unflatten(1, (-1, side, side))[:, channel]


@pytest.mark.parametrize("shape", [(28, 28), (5, 9), (9, 5)])
@pytest.mark.parametrize("side", [32, 7, 1])
def test_resize_interpolates_linearly_between_the_centres_of_the_pixels(shape, side, network_of):
    x = torch.randn(2, 2, *shape, generator=stream("x"))
    found = pixels(network_of([{"resize": side}, 1], (2, *shape)), x, 1)

    def along(values, axis):
        before = values.shape[axis]
        at = (np.arange(side) + 0.5) * before / side - 0.5
        return np.apply_along_axis(lambda line: np.interp(at, np.arange(before), line), axis, values)

    expected = along(along(x[:, 1].double().numpy(), 1), 2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_larger_image_is_the_one_that_torchvision_makes(network_of):
    x = torch.rand(3, 1, 28, 28, generator=stream("x"))
    found = pixels(network_of([{"resize": 32}, 1], (1, 28, 28)), x, 0)
    torch.testing.assert_close(found, resize(x, [32, 32])[:, 0])


@pytest.mark.parametrize("example", [(3,), (2, 4, 4)])
def test_probabilities_are_the_softmax_of_the_logits_with_and_without_a_layer_for_it(example, network_of):
    logits, network = network_of([6, 4], example), network_of([6, 4, "softmax"], example)
    weights = logits.initial(streams(3))
    x = 20 * torch.randn(1, 8, *example, generator=stream("x"))
    z = logits(weights, x).double()
    expected = z.exp() / z.exp().sum(2, keepdim=True)
    for found in (network(weights, x), network.probabilities(weights, x), logits.probabilities(weights, x)):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(logits(weights, x), network(weights, x), atol=0.1)


def test_a_softmax_has_no_weights(network_of):
    weights = network_of([6, 4, "softmax"], (3,)).initial(streams(2))
    without = network_of([6, 4], (3,)).initial(streams(2))
    assert list(weights) == list(without) == ["1.weight", "1.bias", "2.weight", "2.bias"]
    assert all(torch.equal(w, without[name]) for name, w in weights.items())


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    order=st.permutations(range(6)),
    hidden=st.sampled_from([1, 2]),
    activation=st.sampled_from(["relu", "leaky_relu", "tanh"]),
)
def test_the_order_of_hidden_units_does_not_matter(order, hidden, activation):
    network = Network([Dense(6), Dense(6), Dense(3)], activation, (4,))
    weights = network.initial(streams(2))
    x = torch.randn(1, 9, 4, generator=stream("x"))
    permuted = dict(weights)
    for name in (f"{hidden}.weight", f"{hidden}.bias"):
        permuted[name] = weights[name][:, order]
    permuted[f"{hidden + 1}.weight"] = weights[f"{hidden + 1}.weight"][:, :, order]
    torch.testing.assert_close(network(permuted, x), network(weights, x))
    if list(order) != list(range(6)):  # permuting the incoming weights alone is another function
        half = permuted | {f"{hidden + 1}.weight": weights[f"{hidden + 1}.weight"]}
        assert not torch.allclose(network(half, x), network(weights, x), atol=1e-4)


# ------------------------------------------------------------------------------------------------ initial weights


@pytest.mark.parametrize(("layers", "example"), [([400, 300], (50,)), ([{"conv": 64, "kernel": 5}, 30], (16, 8, 8))])
def test_initial_weights_have_the_distribution_of_torch_nn(layers, example, network_of, module_of):
    weights = network_of(layers, example).initial(streams(2))
    torch.manual_seed(0)
    module = module_of(layers, example)
    for (name, weight), parameter in zip(weights.items(), module.parameters(), strict=True):
        number = name.partition(".")[0]
        bound = weights[f"{number}.weight"][0, 0].numel() ** -0.5
        assert weight.dtype == torch.float32
        for values in (*weight, parameter.detach()):
            assert values.abs().max() <= bound
            if values.numel() > 1000:
                assert values.abs().max() > 0.99 * bound
                assert values.std() == pytest.approx(bound / 3**0.5, rel=0.05)
                assert abs(values.mean()) < 0.05 * bound


def test_initial_weights_depend_on_the_stream_alone(network_of):
    network = network_of(MLP, (2,))
    three = network.initial([stream("a"), stream("b"), stream("a")])
    one = network.initial([stream("b")])
    for name, weight in three.items():
        assert torch.equal(weight[1:2], one[name])
        assert torch.equal(weight[0], weight[2])
        assert not torch.equal(weight[0], weight[1])


def test_global_random_state_is_neither_used_nor_changed(network_of):
    network = network_of(MLP, (2,))
    torch.manual_seed(1)
    first, state = network.initial([stream("a")]), torch.random.get_rng_state()
    torch.manual_seed(2)
    second = network.initial([stream("a")])
    assert all(torch.equal(w, second[name]) for name, w in first.items())
    torch.manual_seed(1)
    assert torch.equal(torch.random.get_rng_state(), state)


# --------------------------------------------------------------------------------------------------------- losses


def test_losses_are_those_of_torch_for_every_member():
    outputs = torch.randn(3, 7, 4, generator=stream("outputs"))
    classes = torch.randint(4, (3, 7), generator=stream("classes"))
    expected = [functional.cross_entropy(outputs[i], classes[i]) for i in range(3)]
    torch.testing.assert_close(losses("cross_entropy", outputs, classes), torch.stack(expected))
    values = torch.randn(3, 7, 4, generator=stream("values"))
    expected = [functional.mse_loss(outputs[i], values[i]) for i in range(3)]
    torch.testing.assert_close(losses("mse", outputs, values), torch.stack(expected))


def test_a_member_without_a_loss_leaves_the_others_theirs():
    outputs = torch.randn(3, 7, 4, generator=stream("outputs"))
    outputs[1, 2, 3] = float("nan")
    classes = torch.zeros(3, 7, dtype=torch.long)
    found = losses("cross_entropy", outputs, classes)
    assert found.isfinite().tolist() == [True, False, True]


# -------------------------------------------------------------------------------------------------------- flatten


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_unflatten_undoes_flatten(layers, example, network_of):
    weights = network_of(layers, example).initial(streams(3))
    flat = flatten(weights)
    assert flat.shape == (3, sum(w[0].numel() for w in weights.values()))
    back = unflatten(flat, weights)
    assert list(back) == list(weights)
    assert all(torch.equal(w, back[name]) for name, w in weights.items())
    assert torch.equal(flatten(unflatten(flat, member(weights, 0))), flat)  # whatever the members of the pattern


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_flat_weights_are_in_the_order_of_torch(layers, example, network_of, module_of):
    weights = network_of(layers, example).initial(streams(2))
    expected = torch.nn.utils.parameters_to_vector(module_of(layers, example, weights=weights, member=1).parameters())
    assert torch.equal(flatten(weights)[1], expected)


def test_a_member_stays_stacked(network_of):
    weights = network_of(MLP, (2,)).initial(streams(3))
    for name, weight in member(weights, 2).items():
        assert torch.equal(weight, weights[name][2:])
