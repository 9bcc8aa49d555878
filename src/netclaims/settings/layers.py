"""Layers as report files write them.

A network is written as

    layers: [{conv: 16}, {pool: 2}, {conv: 32}, {pool: 2}, 128, 10]

where a bare number is a dense layer of that many units and the word `softmax` turns logits into probabilities.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from netclaims.nets import layers
from netclaims.settings.schema import Count, Settings


class DenseLayer(Settings):
    """Units of a fully connected layer."""

    dense: Count
    bias: bool = True


class ConvLayer(Settings):
    """Output channels of a convolution, and the sides of its kernel and of the zeros around the image."""

    conv: Count
    kernel: Count = 3
    padding: Annotated[int, Field(ge=0, le=10**9)] = 1


class PoolLayer(Settings):
    """The side of the squares that are pooled."""

    pool: Count


class ResizeLayer(Settings):
    """The side that the image is scaled to."""

    resize: Count


def _kind(value: Any) -> str:
    """Return the tag of a layer: no key of its own, which a fault's place could be taken for."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "units"
    if value == "softmax":
        return "softmax"
    if isinstance(value, Settings):
        return f"{next(iter(type(value).model_fields))} layer"
    if isinstance(value, dict):
        return next((f"{kind} layer" for kind in ("dense", "conv", "pool", "resize") if kind in value), "unknown")
    return "unknown"


LayerEntry = Annotated[
    Annotated[Count, Tag("units")]
    | Annotated[DenseLayer, Tag("dense layer")]
    | Annotated[ConvLayer, Tag("conv layer")]
    | Annotated[PoolLayer, Tag("pool layer")]
    | Annotated[ResizeLayer, Tag("resize layer")]
    | Annotated[Literal["softmax"], Tag("softmax")],
    Discriminator(
        _kind,
        custom_error_type="layer",
        custom_error_message="a layer is a number of units, {dense: n}, {conv: n}, {pool: n}, {resize: n} or softmax",
    ),
]


def plain(entry: LayerEntry) -> layers.Layer:
    """Return the layer that an entry describes, with every default filled in."""
    match entry:
        case int():
            return layers.Dense(entry)
        case DenseLayer():
            return layers.Dense(entry.dense, entry.bias)
        case ConvLayer():
            return layers.Conv(entry.conv, entry.kernel, entry.padding)
        case PoolLayer():
            return layers.Pool(entry.pool)
        case ResizeLayer():
            return layers.Resize(entry.resize)
        case _:
            return layers.Softmax(softmax=True)
