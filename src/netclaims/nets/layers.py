"""Networks as lists of layers: their shapes and parameter counts, worked out without building anything.

In a report's YAML a network is written as

    layers: [{conv: 16}, {pool: 2}, {conv: 32}, {pool: 2}, 128, 10]

where a bare number is a dense layer of that many units and the word `softmax` turns logits into probabilities. The
activation follows every dense and convolutional layer but the last one; the input is flattened before the first
dense layer.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from netclaims.settings.schema import Count, Settings

Activation = Literal["relu", "leaky_relu", "tanh"]
Shape = tuple[int, ...]


class Dense(Settings):
    """A fully connected layer: y = W x + b."""

    dense: Count
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """Shape of the output of one example of the given shape."""
        return (self.dense,)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Shapes of the trainable tensors, inputs first."""
        return {"weight": (self.dense, prod(shape)), **({"bias": (self.dense,)} if self.bias else {})}


class Conv(Settings):
    """A 2-D convolution of stride 1 over channels x height x width."""

    conv: Count
    kernel: Count = 3
    padding: Annotated[int, Field(ge=0)] = 1

    def output(self, shape: Shape) -> Shape:
        """Shape of the output of one example of the given shape."""
        height, width = (side + 2 * self.padding - self.kernel + 1 for side in _image(self, shape)[1:])
        return (self.conv, height, width)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Shapes of the trainable tensors."""
        channels = _image(self, shape)[0]
        return {"weight": (self.conv, channels, self.kernel, self.kernel), "bias": (self.conv,)}


class Pool(Settings):
    """Max-pooling over non-overlapping squares; a remainder at the edge is dropped."""

    pool: Count

    def output(self, shape: Shape) -> Shape:
        """Shape of the output of one example of the given shape."""
        channels, height, width = _image(self, shape)
        return (channels, height // self.pool, width // self.pool)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """No trainable tensors."""
        return {}


class Resize(Settings):
    """The image scaled to so many pixels a side, bilinearly."""

    resize: Count

    def output(self, shape: Shape) -> Shape:
        """Shape of the output of one example of the given shape."""
        return (_image(self, shape)[0], self.resize, self.resize)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """No trainable tensors."""
        return {}


class Softmax(Settings):
    """exp(z) / Σ exp(z), over the outputs of the layer before."""

    def output(self, shape: Shape) -> Shape:
        """Shape of the output of one example of the given shape."""
        if len(shape) != 1:
            raise ValueError(f"softmax needs a dense layer before it, and is given {shape}")
        return shape

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """No trainable tensors."""
        return {}


AnyLayer = Dense | Conv | Pool | Resize | Softmax


def _image(layer: Settings, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ValueError(f"{describe(layer)} needs channels x height x width, and is given {shape}")
    return shape


def _kind(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "units"
    if value == "softmax":
        return "softmax"
    if isinstance(value, Settings):
        return f"{type(value).__name__.lower()} layer"
    if isinstance(value, dict):
        return next((f"{kind} layer" for kind in ("dense", "conv", "pool", "resize") if kind in value), "unknown")
    return "unknown"


Layer = Annotated[
    Annotated[Count, Tag("units")]
    | Annotated[Dense, Tag("dense layer")]
    | Annotated[Conv, Tag("conv layer")]
    | Annotated[Pool, Tag("pool layer")]
    | Annotated[Resize, Tag("resize layer")]
    | Annotated[Literal["softmax"], Tag("softmax")],
    Discriminator(
        _kind,
        custom_error_type="layer",
        custom_error_message="a layer is a number of units, {dense: n}, {conv: n}, {pool: n}, {resize: n} or softmax",
    ),
]


def describe(layer: Layer | AnyLayer) -> str:
    """A layer as the report files write it."""
    if isinstance(layer, int | str):
        return str(layer)
    if isinstance(layer, Softmax):
        return "softmax"
    return "{" + ", ".join(f"{key}: {value}" for key, value in layer.model_dump(exclude_defaults=True).items()) + "}"


def shapes(layers: list[Layer], example: Shape) -> list[tuple[AnyLayer, Shape]]:
    """Each layer with the shape of one example that enters it.

    Args:
        layers: the network, input first.
        example: shape of one input: (1,) for a function of x, (channels, height, width) for an image.

    Raises:
        ValueError: a layer does not fit the shape it is given.
    """
    found = []
    shape = example
    for layer in layers:
        layer = Dense(dense=layer) if isinstance(layer, int) else Softmax() if layer == "softmax" else layer
        found.append((layer, shape))
        shape = layer.output(shape)
        if isinstance(layer, Softmax) and len(found) < len(layers):
            raise ValueError("softmax comes last, if at all")
        if min(shape) < 1:
            raise ValueError(f"nothing is left of an input of {found[-1][1]} after {describe(layer)}")
    return found


def parameter_shapes(layers: list[Layer], example: Shape) -> dict[str, Shape]:
    """Shapes of the trainable tensors by name: the layer's number, from 1, counting only layers that have any."""
    found, number = {}, 0
    for layer, shape in shapes(layers, example):
        tensors = layer.parameters(shape)
        number += bool(tensors)
        found |= {f"{number}.{name}": size for name, size in tensors.items()}
    return found


def count_parameters(layers: list[Layer], example: Shape) -> int:
    """Number of trainable parameters of the network."""
    return sum(prod(size) for size in parameter_shapes(layers, example).values())


def count_operations(layers: list[Layer], example: Shape) -> tuple[int, int]:
    """What one example costs in a forward pass.

    Args:
        layers: the network, input first.
        example: shape of one input.

    Returns:
        The number of multiplications by a weight, and of numbers that all layers compute together, from the first one
        with weights on: what comes before it is computed once for all nets of a batch.
    """
    multiplications = numbers = 0
    for layer, shape in shapes(layers, example):
        output = layer.output(shape)
        positions = prod(output[1:])  # of a convolution: 1 for a dense layer
        multiplications += positions * prod(layer.parameters(shape).get("weight", (0,)))
        numbers += prod(output) if multiplications else 0
    return multiplications, numbers
