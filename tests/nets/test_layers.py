"""Shapes and parameter counts of layer lists, against the modules of torch.nn that they stand for."""

from pathlib import Path

import pytest
import torch
import yaml
from pydantic import ValidationError
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netclaims.data.registry import DATA_KINDS
from netclaims.nets.layers import (
    Conv,
    Dense,
    Pool,
    Resize,
    Softmax,
    count_operations,
    count_parameters,
    describe,
    parameter_shapes,
    shapes,
    weighted_layers,
)

REPORTS = Path(__file__).parents[2] / "reports"

ARCHITECTURES = [
    ([10, 25, 10, 1], (1,)),
    ([7], (1, 28, 28)),
    ([{"dense": 5, "bias": False}, {"dense": 3}], (4,)),
    ([{"conv": 16}, {"pool": 2}, {"conv": 32}, {"pool": 2}, 128, 10], (3, 32, 32)),
    ([{"conv": 4, "kernel": 5, "padding": 0}, {"pool": 3}, {"conv": 2, "kernel": 1, "padding": 2}, 10], (1, 28, 28)),
    ([{"pool": 5}, {"conv": 3, "kernel": 4}, {"pool": 2}, 6], (3, 32, 31)),
    ([{"conv": 2, "kernel": 3, "padding": 0}], (1, 3, 3)),
    ([{"resize": 32}, 10, "softmax"], (1, 28, 28)),
    ([{"conv": 3}, {"resize": 7}, {"conv": 2}, {"pool": 2}, 4], (2, 9, 12)),
    ([6, "softmax"], (4,)),
]
OURS = (nn.Linear, nn.Conv2d, nn.MaxPool2d, nn.Upsample, nn.Softmax)

STATED = [
    pytest.param(model["layers"], DATA_KINDS[entry["data"]].shape, model["parameters"], id=f"{key}-{name}")
    for path in sorted(REPORTS.glob("*.yaml"))
    for key, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["experiments"].items()
    for name, model in entry["models"].items()
    if "parameters" in model
]


def passed(module, example) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Shapes of what enters and leaves each layer of ours, where a dense one takes the image itself."""
    x = before = torch.zeros(1, *example)
    found = []
    for child in module:
        x = child(x)
        if isinstance(child, OURS):
            found.append((tuple(before.shape[1:]), tuple(x.shape[1:])))
        if not isinstance(child, nn.Flatten):
            before = x
    return found


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_shapes_and_parameters_are_those_of_torch(layers, example, layers_of, module_of):
    module, layers = module_of(layers, example), layers_of(layers)
    found = shapes(layers, example)
    outputs = [layer.output(shape) for layer, shape in zip(layers, found, strict=True)]
    assert list(zip(found, outputs, strict=True)) == passed(module, example)
    sizes = parameter_shapes(layers, example)
    assert list(sizes.values()) == [tuple(p.shape) for p in module.parameters()]
    assert count_parameters(layers, example) == sum(p.numel() for p in module.parameters())
    assert weighted_layers(layers) == sum(isinstance(child, nn.Linear | nn.Conv2d) for child in module)


@pytest.mark.parametrize(("layers", "example"), ARCHITECTURES)
def test_operations_are_those_that_torch_counts(layers, example, layers_of, module_of):
    module = module_of(layers, example)
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, *example))
    with_weights = [len([*child.parameters()]) > 0 for child in module if isinstance(child, OURS)]
    every_net = passed(module, example)[with_weights.index(True) :]  # what comes before is computed once for all
    numbers = sum(torch.Size(after).numel() for _, after in every_net)
    # torch counts a multiplication and the addition of its result as two
    assert count_operations(layers_of(layers), example) == (counter.get_total_flops() / 2, numbers)


@pytest.mark.parametrize(
    ("layers", "example", "multiplications", "numbers"),
    [
        ([10], (1, 28, 28), 7840, 10),
        ([10, 25, 10, 1], (1,), 10 + 250 + 250 + 10, 46),
        ([{"dense": 5, "bias": False}, 3, "softmax"], (4,), 20 + 15, 5 + 3 + 3),
        ([{"conv": 4, "kernel": 5, "padding": 0}, {"pool": 24}, 2], (1, 28, 28), 24**2 * 25 * 4 + 8, 24**2 * 4 + 4 + 2),
        ([{"conv": 2}, 1], (3, 5, 7), 35 * 9 * 3 * 2 + 70, 70 + 1),
        ([{"resize": 4}, 3], (2, 9, 5), 32 * 3, 3),
        ([{"resize": 9}, {"pool": 2}, {"conv": 2}, {"pool": 2}, 3], (1, 5, 5), 16 * 9 * 2 + 8 * 3, 16 * 2 + 8 + 3),
    ],
)
def test_operations_by_hand(layers, example, multiplications, numbers, layers_of):
    assert count_operations(layers_of(layers), example) == (multiplications, numbers)


def test_tensors_are_named_by_the_number_of_their_layer_among_those_with_weights(layers_of):
    layers = layers_of([{"pool": 2}, {"conv": 2}, {"pool": 2}, {"dense": 4, "bias": False}, 3])
    names = ["1.weight", "1.bias", "2.weight", "3.weight", "3.bias"]
    assert list(parameter_shapes(layers, (1, 28, 28))) == names


def test_the_reports_state_counts():
    assert len(STATED) >= 20


@pytest.mark.parametrize(("layers", "example", "stated"), STATED)
def test_every_count_that_a_report_states(layers, example, stated, layers_of, module_of):
    assert count_parameters(layers_of(layers), example) == stated
    with torch.device("meta"):  # millions of parameters that nobody fills
        assert sum(p.numel() for p in module_of(layers, example).parameters()) == stated


@pytest.mark.parametrize(
    ("layers", "example", "message"),
    [
        ([{"conv": 2}], (1,), "{conv: 2} needs channels x height x width, and is given (1,)"),
        ([5, {"conv": 2}], (1, 8, 8), "{conv: 2} needs channels x height x width, and is given (5,)"),
        ([5, {"pool": 2}, 1], (1, 8, 8), "{pool: 2} needs channels x height x width, and is given (5,)"),
        ([5, {"resize": 2}, 1], (1, 8, 8), "{resize: 2} needs channels x height x width, and is given (5,)"),
        (["softmax", 5], (1, 8, 8), "softmax needs a dense layer before it, and is given (1, 8, 8)"),
        ([{"pool": 2}, "softmax"], (1, 8, 8), "softmax needs a dense layer before it, and is given (1, 4, 4)"),
        ([5, "softmax", 3], (1, 8, 8), "softmax comes last, if at all"),
        ([5, "softmax", "softmax"], (1, 8, 8), "softmax comes last, if at all"),
        ([{"pool": 9}, 1], (1, 8, 8), "nothing is left of an input of (1, 8, 8) after {pool: 9}"),
        (
            [{"conv": 4, "kernel": 11}, 1],
            (1, 8, 8),
            "nothing is left of an input of (1, 8, 8) after {conv: 4, kernel: 11}",
        ),
        (
            [{"pool": 2}, {"pool": 2}, {"conv": 4, "padding": 0}, 1],
            (1, 8, 8),
            "nothing is left of an input of (1, 2, 2) after {conv: 4, padding: 0}",
        ),
    ],
)
def test_a_layer_that_does_not_fit(layers, example, message, layers_of):
    for work_out in (shapes, parameter_shapes, count_parameters, count_operations):
        with pytest.raises(ValueError) as error:
            work_out(layers_of(layers), example)
        assert str(error.value) == message


def test_the_smallest_image_that_a_layer_takes(layers_of):
    assert shapes(layers_of([{"conv": 1, "kernel": 8, "padding": 0}, 1]), (1, 8, 8))[-1] == (1, 1, 1)
    assert shapes(layers_of([{"pool": 8}, 1]), (1, 8, 15))[-1] == (1, 1, 1)


@pytest.mark.parametrize(
    "layer",
    [
        "10",
        True,
        2.0,
        None,
        [3],
        {},
        {"pooling": 2},
        0,
        -3,
        {"conv": 0},
        {"pool": 0},
        {"resize": 0},
        {"resize": 3, "pool": 2},
        {"softmax": 3},
        "Softmax",
        {"dense": 0},
        {"conv": 3, "stride": 2},
        {"conv": 3, "padding": -1},
        {"conv": 3, "kernel": 0},
        {"dense": 3, "bias": 1},
        {"conv": 3, "pool": 2},
    ],
)
def test_what_is_no_layer(layer, layers_of):
    with pytest.raises(ValidationError):
        layers_of([layer])


@pytest.mark.parametrize(
    "layer",
    [
        *(12, "softmax"),
        *({"conv": 3}, {"conv": 3, "kernel": 5, "padding": 0}, {"pool": 2}, {"resize": 9}, {"dense": 4, "bias": False}),
    ],
)
def test_describe_writes_a_layer_as_a_report_file_does(layer, layers_of):
    (checked,) = layers_of([layer])
    assert yaml.safe_load(describe(checked)) == layer


def test_a_layer_is_what_its_entry_says_with_every_default_filled_in(layers_of):
    entries = [{"resize": 9}, {"conv": 4}, {"conv": 2, "kernel": 5, "padding": 0}, {"pool": 2}]
    found = layers_of([*entries, 7, {"dense": 6}, {"dense": 3, "bias": False}, "softmax"])
    images = [Resize(9), Conv(4, kernel=3, padding=1), Conv(2, kernel=5, padding=0), Pool(2)]
    assert found == [*images, Dense(7, bias=True), Dense(6, bias=True), Dense(3, bias=False), Softmax(softmax=True)]
    assert describe(Dense(6)) == "6"
