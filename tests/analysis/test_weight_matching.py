"""Permuted hidden units: the same function, and the best order of all where that can be counted through."""

from itertools import pairwise, permutations
from math import inf, nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netclaims.analysis import weight_matching as matching
from netclaims.analysis.interpolation import along, barrier
from netclaims.analysis.weight_matching import matched, permuted
from netclaims.data.examples import Examples
from netclaims.nets.network import member
from netclaims.training.random_streams import stream

IMAGE = (1, 6, 6)


def pair(network, seed=0, dtype=torch.float64):
    """Weights of two nets from different starts."""
    weights = {name: w.to(dtype) for name, w in network.initial([stream(seed, "a"), stream(seed, "b")]).items()}
    return member(weights, 0), member(weights, 1)


def widths(weights) -> list[int]:
    """Units of each hidden layer."""
    return [w.shape[1] for name, w in weights.items() if name.endswith("weight")][:-1]


def shuffled(weights, seed=0):
    """All hidden units in a random order."""
    for layer, units in enumerate(widths(weights), start=1):
        weights = permuted(weights, layer, torch.randperm(units, generator=stream(seed, layer)))
    return weights


def product(start, end) -> float:
    """The inner product of all weights and biases."""
    return sum((w * end[name]).sum().item() for name, w in start.items())


def same(one, other) -> bool:
    return list(one) == list(other) and all(torch.equal(w, other[name]) for name, w in one.items())


@st.composite
def nets(draw):
    """Layers, with biases or without, shape of one input, activation and a seed."""
    units = st.integers(1, 8)
    dense = units | st.builds(lambda n, bias: {"dense": n, "bias": bias}, units, st.booleans())
    image = draw(st.booleans())
    first = draw(st.sampled_from([[], [{"resize": 4}], [{"pool": 2}]])) if image else []
    layers = [*first, *draw(st.lists(dense, min_size=1, max_size=5)), *draw(st.sampled_from([[], ["softmax"]]))]
    example = IMAGE if image else (draw(st.integers(1, 5)),)
    return layers, example, draw(st.sampled_from(["relu", "leaky_relu", "tanh"])), draw(st.integers(0, 100))


def inputs(example, count=7):
    return torch.randn(1, count, *example, generator=stream("x"), dtype=torch.float64)


# ---------------------------------------------------------------------------------------------------- permutations


@settings(max_examples=60, deadline=None, derandomize=True)
@given(net=nets())
def test_a_permuted_net_computes_the_same_function(net, network_of):
    layers, example, activation, seed = net
    network = network_of(layers, example, activation)
    start, end = pair(network, seed)
    both = {name: torch.cat([w, end[name]]) for name, w in start.items()}
    x = inputs(example)
    torch.testing.assert_close(network(shuffled(both, seed), x), network(both, x), rtol=1e-12, atol=1e-13)


def test_a_unit_takes_its_weights_along():
    weights = {
        "1.weight": torch.tensor([[[1.0, 2], [3, 4], [5, 6]]]),
        "1.bias": torch.tensor([[7.0, 8, 9]]),
        "2.weight": torch.tensor([[[10.0, 11, 12], [13, 14, 15]]]),
        "2.bias": torch.tensor([[16.0, 17]]),
    }
    found = permuted(weights, 1, torch.tensor([2, 0, 1]))
    expected = {
        "1.weight": torch.tensor([[[5.0, 6], [1, 2], [3, 4]]]),
        "1.bias": torch.tensor([[9.0, 7, 8]]),
        "2.weight": torch.tensor([[[12.0, 10, 11], [15, 13, 14]]]),
        "2.bias": weights["2.bias"],
    }
    assert same(found, expected)


# -------------------------------------------------------------------------------------------------------- matching


@settings(max_examples=60, deadline=None, derandomize=True)
@given(net=nets())
def test_a_matched_net_computes_the_same_function_and_is_no_further_away(net, network_of):
    layers, example, activation, seed = net
    network = network_of(layers, example, activation)
    start, end = pair(network, seed)
    found = matched(start, end)
    x = inputs(example)
    torch.testing.assert_close(network(found, x), network(end, x), rtol=1e-12, atol=1e-13)
    assert product(start, found) >= product(start, end)
    assert same(matched(start, found), found)  # nothing is left to gain
    assert {name: (w.shape, w.dtype) for name, w in found.items()} == {n: (w.shape, w.dtype) for n, w in end.items()}
    for name, w in found.items():
        assert sorted(w.flatten().tolist()) == sorted(end[name].flatten().tolist())


@pytest.mark.parametrize(
    "layers",
    [
        [40, 10],
        [40, 30, 10],
        [{"dense": 40, "bias": False}, 30, {"dense": 20, "bias": False}, 10],
        [{"resize": 12}, 40, 30, 10, "softmax"],
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_permuted_copy_is_matched_back_exactly(layers, dtype, network_of):
    network = network_of(layers, (1, 10, 10), "relu")
    start, _ = pair(network, dtype=dtype)
    copy = shuffled(start)
    assert not same(copy, start)
    found = matched(start, copy)
    assert same(found, start)
    data = Examples(inputs((1, 10, 10), 30)[0].to(dtype), torch.randint(10, (1, 30), generator=stream("y")))
    alpha = np.linspace(0, 1, 5)
    loss = {"copy": copy, "found": found}
    for name, end in loss.items():
        loss[name] = along(network, start, end, alpha, "cross_entropy", {"test": data})["loss"].to_numpy()
    assert barrier(alpha, loss["found"]) == 0
    assert np.ptp(loss["copy"]) > 1e-5


@settings(max_examples=40, deadline=None, derandomize=True)
@given(units=st.lists(st.integers(2, 12), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_the_inner_product_never_falls(units, seed, network_of):
    start, end = pair(network_of([*units, 3], (4,)), seed)
    reached = [product(start, end)]

    def recorded(*arguments):
        found = permuted(*arguments)
        reached.append(product(start, found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "permuted", recorded)
        found = matched(start, end)
    assert product(start, found) == reached[-1]
    assert all(now > before for before, now in pairwise(reached))


def best_by_counting(start, end, layer) -> tuple[float, dict]:
    """The highest inner product over all orders of one hidden layer, with permutation matrices, and its weights."""
    into, bias, out = f"{layer}.weight", f"{layer}.bias", f"{layer + 1}.weight"
    found = []
    for order in permutations(range(end[into].shape[1])):
        p = torch.eye(len(order), dtype=torch.float64)[list(order)]
        moved = end | {into: p @ end[into], out: end[out] @ p.T}
        if bias in end:
            moved[bias] = end[bias] @ p.T
        found.append((product(start, moved), moved))
    return max(found, key=lambda one: one[0])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_one_hidden_layer_is_in_the_best_of_all_orders(seed, bias, network_of):
    network = network_of([{"dense": 6, "bias": bias}, 2], (3,))
    start, end = pair(network, seed)
    found = matched(start, end)
    value, best = best_by_counting(start, end, 1)
    assert product(start, found) == pytest.approx(value, rel=1e-13)
    for name, w in best.items():
        torch.testing.assert_close(found[name], w, rtol=1e-15, atol=0)
    assert same(matched(start, shuffled(end, seed)), found)  # whatever order they came in


@pytest.mark.parametrize("seed", range(4))
def test_each_hidden_layer_is_in_the_best_order_given_the_others(seed, network_of):
    start, end = pair(network_of([5, {"dense": 4, "bias": False}, 5, 2], (3,)), seed)
    found = matched(start, end)
    assert product(start, found) > product(start, end)
    for layer in (1, 2, 3):
        value, _ = best_by_counting(start, found, layer)
        assert product(start, found) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("name", ["1.weight", "1.bias", "2.weight"])
def test_weights_into_a_unit_its_bias_and_weights_out_of_it_all_count(name, network_of):
    start, _ = pair(network_of([5, 2], (3,)))
    blind = {other: w if other == name else torch.ones_like(w) for other, w in start.items()}
    assert same(matched(blind, shuffled(blind)), blind)


# ------------------------------------------------------------------------------------------------------ edge cases


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e30])
@pytest.mark.parametrize("equal", [2, 5, 20])
def test_units_that_are_equal_do_not_change_places_for_ever(equal, scale, network_of, monkeypatch):
    start, end = pair(network_of([20, 20, 3], (4,)))
    alike = torch.arange(20) // equal
    for layer in (1, 2):
        end = permuted(end, layer, alike)  # no permutation: units several times, and others not at all
    end = {name: w * scale for name, w in end.items()}
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        assert len(calls) < 50
        return permuted(*arguments)

    monkeypatch.setattr(matching, "permuted", counted)
    assert product(start, matched(start, end)) >= product(start, end)


def test_nothing_to_match_leaves_the_net_as_it_is(network_of):
    start, end = pair(network_of([4], (3,)))  # no hidden layer
    assert matched(start, end) is end
    start, _ = pair(network_of([4, 4, 2], (3,)))
    assert matched(start, start) is start


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("which", [0, 1])
def test_a_net_that_diverged_is_not_matched(which, bad, network_of):
    both = pair(network_of([4, 2], (3,)))
    both[which]["2.bias"][0, 0] = bad
    assert matched(*both) is both[1]


def test_the_same_bytes_every_time_and_no_change_to_what_comes_in(network_of):
    network = network_of([30, 20, 5], IMAGE)
    start, end = pair(network, dtype=torch.float32)
    copies = [{name: w.clone() for name, w in weights.items()} for weights in (start, end)]
    one, other = matched(start, end), matched(start, end)
    assert same(one, other)
    assert not same(one, end)
    assert same(start, copies[0])
    assert same(end, copies[1])
