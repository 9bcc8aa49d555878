"""What no way of training with torch's operations can go below: its matrix products and convolutions alone."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import conv2d

from benchmarks.problem import Problem
from benchmarks.timing import Contender
from netclaims.nets.layers import Conv, Dense, shapes


class Products(Contender):
    """The products of every step of a net: one forward and two backward in each layer, and nothing else.

    No activations, no pooling, no loss, no optimiser, no evaluation, and no graph of what was done.
    """

    def __init__(self, problem: Problem, members: int = 1) -> None:
        """Draw random numbers in place of weights, activations and gradients.

        Args:
            problem: network, data and settings.
            members: nets that are trained as one batch of matrices; one, if there are convolutions.
        """
        torch.set_num_threads(1)
        batch = min(problem.batch_size, problem.examples)
        self.pieces, self._steps = members, problem.setting.epochs * ceil(problem.examples / batch)
        self._layers: list[Callable[[], None]] = []
        for layer, shape in zip(problem.layers, shapes(problem.layers, problem.example), strict=True):
            inputs = not self._layers  # nobody asks for the gradient of the images
            match layer:
                case Dense():
                    self._layers.append(_dense(members, batch, prod(shape), layer.dense, inputs))
                case Conv():
                    self._layers.append(_convolution(batch, shape, layer, inputs))

    @torch.no_grad()
    def work(self, repeat: int) -> None:
        """Multiply for as many steps as the training has."""
        for _ in range(self._steps):
            for layer in self._layers:
                layer()

    def outcome(self, done: None) -> NDArray[np.floating]:
        """Return no losses: nothing is trained."""
        return np.empty(0)


def _dense(members: int, batch: int, before: int, after: int, first: bool) -> Callable[[], None]:
    shapes = (after, before), (before, batch), (after, batch)
    weight, activation, gradient = (torch.rand(members, *shape) for shape in shapes)

    def multiply() -> None:
        weight @ activation
        gradient @ activation.mT
        if not first:
            weight.mT @ gradient

    return multiply


def _convolution(batch: int, shape: tuple[int, ...], layer: Conv, first: bool) -> Callable[[], None]:
    weight = torch.rand(layer.conv, shape[0], layer.kernel, layer.kernel)
    images = torch.rand(batch, *shape)
    gradient = torch.rand_like(conv2d(images, weight, padding=layer.padding))
    pads, ones, wanted = [layer.padding] * 2, [1, 1], [not first, True, False]

    def convolve() -> None:
        conv2d(images, weight, padding=layer.padding)
        torch.ops.aten.convolution_backward(gradient, images, weight, None, ones, pads, ones, False, [0, 0], 1, wanted)

    return convolve
