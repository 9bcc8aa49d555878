"""Networks as lists of layers: their shapes and parameter counts, worked out without building anything.

The activation follows every dense and convolutional layer but the last one; the input is flattened before the first
dense layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: y = W x + b."""

    dense: int
    bias: bool = True

    def output(self, shape: Shape) -> Shape:
        """Return the shape of the output of one example of the given shape."""
        return (self.dense,)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the trainable tensors, inputs first."""
        return {"weight": (self.dense, prod(shape)), **({"bias": (self.dense,)} if self.bias else {})}


@dataclass(frozen=True)
class Conv:
    """A 2-D convolution of stride 1 over channels x height x width."""

    conv: int
    kernel: int = 3
    padding: int = 1

    def output(self, shape: Shape) -> Shape:
        """Return the shape of the output of one example of the given shape."""
        height, width = (side + 2 * self.padding - self.kernel + 1 for side in _image(self, shape)[1:])
        return (self.conv, height, width)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the trainable tensors."""
        channels = _image(self, shape)[0]
        return {"weight": (self.conv, channels, self.kernel, self.kernel), "bias": (self.conv,)}


@dataclass(frozen=True)
class Pool:
    """Max-pooling over non-overlapping squares; a remainder at the edge is dropped."""

    pool: int

    def output(self, shape: Shape) -> Shape:
        """Return the shape of the output of one example of the given shape."""
        channels, height, width = _image(self, shape)
        return (channels, height // self.pool, width // self.pool)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Return nothing: there are no trainable tensors."""
        return {}


@dataclass(frozen=True)
class Resize:
    """The image scaled to so many pixels a side, bilinearly."""

    resize: int

    def output(self, shape: Shape) -> Shape:
        """Return the shape of the output of one example of the given shape."""
        return (_image(self, shape)[0], self.resize, self.resize)

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Return nothing: there are no trainable tensors."""
        return {}


@dataclass(frozen=True)
class Softmax:
    """exp(z) / Σ exp(z), over the outputs of the layer before."""

    softmax: bool  # is always true; a recipe tells the layer by it

    def output(self, shape: Shape) -> Shape:
        """Return the shape of the output of one example of the given shape."""
        if len(shape) != 1:
            raise ValueError(f"softmax needs a dense layer before it, and is given {shape}")
        return shape

    def parameters(self, shape: Shape) -> dict[str, Shape]:
        """Return nothing: there are no trainable tensors."""
        return {}


Layer = Dense | Conv | Pool | Resize | Softmax


def _image(layer: Layer, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ValueError(f"{describe(layer)} needs channels x height x width, and is given {shape}")
    return shape


def describe(layer: Layer) -> str:
    """Return a layer as the report files write it."""
    match layer:
        case Softmax():
            return "softmax"
        case Dense(bias=True):
            return str(layer.dense)
    said = {name: value for name, value in vars(layer).items() if value != getattr(type(layer), name, None)}
    return "{" + ", ".join(f"{name}: {value}" for name, value in said.items()) + "}"


def shapes(layers: list[Layer], example: Shape) -> list[Shape]:
    """Return the shape of one example that enters each layer.

    Args:
        layers: the network, input first.
        example: shape of one input: (1,) for a function of x, (channels, height, width) for an image.

    Raises:
        ValueError: a layer does not fit the shape it is given.
    """
    found = []
    shape = example
    for layer in layers:
        found.append(shape)
        shape = layer.output(shape)
        if isinstance(layer, Softmax) and len(found) < len(layers):
            raise ValueError("softmax comes last, if at all")
        if min(shape) < 1:
            raise ValueError(f"nothing is left of an input of {found[-1]} after {describe(layer)}")
    return found


def parameter_shapes(layers: list[Layer], example: Shape) -> dict[str, Shape]:
    """Return the shapes of the trainable tensors by name: the layer's number, from 1, among those that have any."""
    found, number = {}, 0
    for layer, shape in zip(layers, shapes(layers, example), strict=True):
        tensors = layer.parameters(shape)
        number += bool(tensors)
        found |= {f"{number}.{name}": size for name, size in tensors.items()}
    return found


def weighted_layers(layers: list[Layer]) -> int:
    """Return the number of layers with weights, the last one included."""
    return sum(isinstance(layer, Dense | Conv) for layer in layers)


def count_parameters(layers: list[Layer], example: Shape) -> int:
    """Return the number of trainable parameters of the network."""
    return sum(prod(size) for size in parameter_shapes(layers, example).values())


def count_operations(layers: list[Layer], example: Shape) -> tuple[int, int]:
    """Count what one example costs in a forward pass.

    Args:
        layers: the network, input first.
        example: shape of one input.

    Returns:
        The number of multiplications by a weight, and of numbers that all layers compute together, from the first one
        with weights on: what comes before it is computed once for all nets of a batch.
    """
    multiplications = numbers = 0
    for layer, shape in zip(layers, shapes(layers, example), strict=True):
        output = layer.output(shape)
        positions = prod(output[1:])  # a convolution has many, a dense layer 1
        multiplications += positions * prod(layer.parameters(shape).get("weight", (0,)))
        numbers += prod(output) if multiplications else 0
    return multiplications, numbers
