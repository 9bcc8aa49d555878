"""Networks as pure functions of stacked weights, so that many replicas train as one batch of matrices.

Every weight tensor carries a leading dimension of members: nets of one architecture with weights of their own.
A member's result does not depend on which others are stacked with it, beyond rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

import netclaims.linear_algebra  # noqa: F401 (the products of this module and of its gradients)
from netclaims.nets.layers import (
    Conv,
    Layer,
    Pool,
    Resize,
    Shape,
    Softmax,
    parameter_shapes,
)

Weights = dict[str, Tensor]

ACTIVATIONS = {"relu": torch.relu, "leaky_relu": functional.leaky_relu, "tanh": torch.tanh}


@dataclass(frozen=True)
class Network:
    """An architecture, without weights.

    Attributes:
        layers: as the report files list them, input first.
        activation: follows every dense and convolutional layer but the last.
        example: shape of one input: (features,) or (channels, height, width).
    """

    layers: list[Layer]
    activation: str
    example: Shape

    def initial(self, streams: list[torch.Generator]) -> Weights:
        """Draw initial weights, one member per stream, as torch's own default for Linear and Conv2d.

        Weights and biases are uniform on ±1/√fan_in (LeCun et al. 2012; `torch.nn.Linear.reset_parameters`).

        Returns:
            Tensors of shape (members, *shape of the parameter), float32.
        """
        weights = {}
        sizes = parameter_shapes(self.layers, self.example)
        for name, shape in sizes.items():
            fan_in = prod(sizes[f"{name.partition('.')[0]}.weight"][1:])
            members = [torch.empty(shape).uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=s) for s in streams]
            weights[name] = torch.stack(members)
        return weights

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the outputs of every member: function values, logits, or probabilities where a softmax comes last.

        Args:
            weights: tensors of shape (members, ...), as `initial` gives them.
            x: inputs of shape (members, batch, *example), or (1, batch, *example) for the same to all.

        Returns:
            Tensor of shape (members, batch, outputs).
        """
        activate = ACTIVATIONS[self.activation]
        h = x
        number, last = 0, len({name.partition(".")[0] for name in weights})
        flat = False  # dense layers work on (members, features, batch), which is twice as fast where they are narrow
        waiting = False  # an activation grows with its input: after max-pooling it gives the same, of fewer numbers
        for layer in self.layers:
            if waiting and not isinstance(layer, Pool):
                h, waiting = activate(h), False
            match layer:
                case Pool():
                    h = functional.max_pool2d(h.flatten(0, 1), layer.pool).unflatten(0, h.shape[:2])
                    continue
                case Resize():
                    size = (layer.resize, layer.resize)
                    h = functional.interpolate(h.flatten(0, 1), size, mode="bilinear").unflatten(0, h.shape[:2])
                    continue
                case Softmax():
                    h = h.softmax(1)
                    continue
            h = h.expand(len(weights["1.weight"]), *h.shape[1:])  # only now, because the members share what comes first
            number += 1
            weight, bias = weights[f"{number}.weight"], weights.get(f"{number}.bias")
            if isinstance(layer, Conv):
                h = _convolve(h, weight, bias, layer.padding)
            else:
                if not flat:
                    h, flat = h.flatten(2).transpose(1, 2), True
                h = torch.bmm(weight, h) if bias is None else torch.baddbmm(bias.unsqueeze(2), weight, h)
            waiting = number < last
        return h.transpose(1, 2) if flat else h

    def probabilities(self, weights: Weights, x: Tensor) -> Tensor:
        """Return the class probabilities of every member, shaped like its outputs: the softmax of logits."""
        outputs = self(weights, x)
        return outputs if isinstance(self.layers[-1], Softmax) else outputs.softmax(2)


def _convolve(h: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    if h.shape[2] == 1:
        # A single channel lies in memory alike, first or last. Strides that say last make the result so, and
        # max-pooling of that is several times as fast.
        h = h.squeeze(2).unsqueeze(4).movedim(4, 2)
    found = [functional.conv2d(*member, padding=padding) for member in zip(h, weight, bias, strict=True)]
    return torch.stack(found) if len(found) > 1 else found[0].unsqueeze(0)  # stacking copies


def member(weights: Weights, index: int) -> Weights:
    """Return the weights of one member, still stacked: tensors of shape (1, ...)."""
    return {name: tensor[index : index + 1] for name, tensor in weights.items()}


def flatten(weights: Weights) -> Tensor:
    """Return all weights of each member in one row: (members, parameters), in the order of the layers."""
    return torch.cat([tensor.flatten(1) for tensor in weights.values()], 1)


def unflatten(flat: Tensor, like: Weights) -> Weights:
    """Undo `flatten`: return rows of shape (members, parameters) as tensors shaped like those of `like`."""
    parts = flat.split([tensor[0].numel() for tensor in like.values()], 1)
    return {name: part.unflatten(1, tensor.shape[1:]) for part, (name, tensor) in zip(parts, like.items(), strict=True)}
