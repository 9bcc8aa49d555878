"""Steps of small dense nets by the kernel: forward, backward and update of one net after the other."""

from __future__ import annotations

from ctypes import c_int64
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from netclaims.data.examples import Examples
from netclaims.kernel.compiled import kernel
from netclaims.kernel.layout import ACTIVATIONS, LANES, LOSSES, OPTIMISERS, filled
from netclaims.nets.layers import Dense
from netclaims.nets.network import Network, Weights
from netclaims.training.runs import Run
from netclaims.training.settings import Training

# Inputs of more features than this stay examples first: to transpose every mini-batch would take longer.
FEATURES_FIRST = 16
# The numbers that a net makes of a tile of examples are so many at most, so that they stay in a core's own cache.
TILE_NUMBERS = 2**16

Streams = list[torch.Generator]


class FusedSteps:
    """Trains the members of a run on the processor, one after the other, in float32.

    Attributes:
        weights: of all members, (members, ...), which steps change in place.
    """

    def __init__(
        self, run: Run, experiment: Training, network: Network, initial: Weights, data: Examples, order: Streams
    ) -> None:
        """Lay everything out as the kernel takes it.

        Args:
            run: what to train.
            experiment: what it belongs to.
            network: the architecture, of dense layers, before which images may be resized.
            initial: weights to start from, (members, ...).
            data: the training set.
            order: streams of the order of the data, one for each member.
        """
        self._run, self._order, self._kernel = run, order, kernel()
        self._optimiser = OPTIMISERS[run.optimiser]
        self._norms = experiment.record.gradient_norm == "step"
        self._constants = experiment.momentum, experiment.weight_decay
        before = [layer for layer in network.layers if not isinstance(layer, Dense)]
        self._before = Network(before, network.activation, network.example)
        layers = [layer for layer in network.layers if isinstance(layer, Dense)]
        sizes = [initial["1.weight"].shape[2], *(layer.dense for layer in layers)]
        self._examples_first = sizes[0] > FEATURES_FIRST
        self._bias, x_row = layers[0].bias, filled(sizes[0] + 1) if self._examples_first else sizes[0]
        numbers = x_row + 1 + sum(size + 1 for size in sizes[1:])
        tile = _tile(min(run.batch_size, len(data.x)), numbers)
        kinds = ACTIVATIONS[network.activation], LOSSES[experiment.loss]
        net, places, end = [len(layers), *kinds, tile, self._examples_first, x_row], [], 0
        for number, (layer, (inputs, units)) in enumerate(zip(layers, pairwise(sizes), strict=True), start=1):
            row = x_row if number == 1 and self._examples_first else inputs + layer.bias
            net += [inputs, units, row, layer.bias]
            places.append((number, end, units, row, inputs))
            end += units * row
        self._net = (c_int64 * len(net))(*net)
        # weights, two moments and gradients
        self._flats = [torch.zeros(len(run.members), filled(end)) for _ in range(4)]
        self.weights, *_, self.gradients = (_views(tensor, places, initial) for tensor in self._flats)
        for name, weight in self.weights.items():
            weight.copy_(initial[name])
        self._work = torch.empty((numbers + 2) * tile)
        self._all = torch.ones(len(run.members), dtype=torch.bool)
        self._rates, self._taken = torch.from_numpy(rates(run, experiment)), 0
        self._examples, self._data = data, self._rows(data)

    def _rows(self, part: Examples) -> Examples:
        """Return inputs as rows of numbers, with what the kernel wants after them, and targets as float32."""
        x = self._before({}, part.x.unsqueeze(0))[0].flatten(1)
        if self._examples_first:
            x = functional.pad(x, (0, 1), value=float(self._bias))
            x = functional.pad(x, (0, filled(x.shape[1]) - x.shape[1]))
        return Examples(x.contiguous(), part.y.flatten(1).float().contiguous())

    def laid_out(self, part: Examples) -> Examples:
        """Return a set of examples as measurements take it; the first of these are laid out as well."""
        return self._data if part is self._examples else self._rows(part)

    def advance(self, first: int, last: int, active: Tensor) -> tuple[Tensor, Tensor | None]:
        """Take all steps of the epochs after `first` up to `last`, with every member that is `active`, (members,).

        Returns:
            The loss of the last epoch, as its mini-batches had it, (members,), and, if they are recorded, loss and
            gradient norm of each mini-batch: (steps, 2, members).
        """
        examples = len(self._data.x)
        in_an_epoch = ceil(examples / self._run.batch_size)
        # One batch of everything needs no order: many epochs are taken at once.
        ends = [last] if in_an_epoch == 1 else range(first + 1, last + 1)
        loss, found = torch.zeros(len(self._order)), []
        for end in ends:
            order = None
            if in_an_epoch > 1:
                order = torch.stack([torch.randperm(examples, generator=one) for one in self._order])
            steps = min(end * in_an_epoch, self._run.steps) - self._taken
            records = torch.zeros(len(self._order), steps, 2) if self._norms else None
            loss = self._call(self._data, active, steps, order, records)[0]
            self._taken += steps
            if records is not None:
                found.append(records.permute(1, 2, 0))
        return loss, torch.cat(found) if found else None

    def measure(self, part: Examples) -> tuple[Tensor, Tensor]:
        """Return loss and accuracy of every member on a set that is laid out, (members,).

        Accuracy has no meaning for functions, and is undefined where the loss is not finite.
        """
        return self._call(part, self._all, 0, None, None)

    def gradient_norm(self, part: Examples) -> Tensor:
        """Return the norm of every member's gradient on a set that is laid out; `gradients` are these gradients."""
        norms = torch.zeros(len(self._order))
        self._call(part, self._all, 0, None, norms)
        return norms

    def _call(
        self, data: Examples, active: Tensor, steps: int, order: Tensor | None, records: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Take steps, or with none to take measure; return loss and accuracy of each member."""
        (members, parameters), examples = self._flats[0].shape, len(data.x)
        losses, accuracies = torch.zeros(members), torch.zeros(members)
        own, batch = 0 if len(data.y) == 1 else data.y.stride(0), min(self._run.batch_size, examples)
        task = members, parameters, examples, own, batch, steps, self._optimiser, records is not None
        tensors = (
            self._rates[self._taken :],
            *self._flats,
            data.x,
            data.y,
            order,
            active,
            losses,
            accuracies,
            records,
            self._work,
        )
        addresses = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
        self._kernel(self._net, (c_int64 * len(task))(*task), *self._constants, *addresses)
        return losses, accuracies

    def state(self) -> dict[str, Any]:
        """Return what the next steps depend on."""
        streams = [one.get_state() for one in self._order]
        return {"taken": self._taken, "numbers": self._flats[:3], "order": streams}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a state saved by `state()`."""
        self._taken = state["taken"]
        for own, saved in zip(self._flats, state["numbers"], strict=False):
            own.copy_(saved)
        for one, at in zip(self._order, state["order"], strict=True):
            one.set_state(at)


def rates(run: Run, experiment: Training) -> NDArray[np.float32]:
    """Return what the kernel multiplies by at each step: (steps, 2).

    The first is the learning rate, which follows the schedule as `Optimiser` has it; Adam's is divided by 1 - β₁ᵗ, and
    the second is its 1 / √(1 - β₂ᵗ) (Kingma and Ba 2015). Powers are products: those of the C library may differ in
    the last digit.
    """
    rate = np.full(run.steps, run.learning_rate)
    if schedule := experiment.schedule:
        passed = np.arange(run.steps) // (schedule.step * run.epoch_steps)
        rate *= np.concatenate([[1.0], _powers(schedule.factor, int(passed[-1]))])[passed]
    correction = np.zeros(run.steps)
    if run.optimiser == "adam":
        rate /= 1 - _powers(0.9, run.steps)
        correction = 1 / np.sqrt(1 - _powers(0.999, run.steps))
    return np.stack([rate, correction], 1).astype(np.float32)


def _powers(base: float, count: int) -> NDArray[np.floating]:
    """Return the first powers of a number, beginning with itself."""
    return np.multiply.accumulate(np.full(count, base))


def _tile(examples: int, numbers: int) -> int:
    """Return how many examples go through a net at once, of a batch of so many, of each of which it makes such numbers.

    It is an odd multiple of `LANES`: with powers of 2 between rows, all of a column would want one place of the cache.
    """
    tiles = ceil(examples * numbers / TILE_NUMBERS)
    return (ceil(examples / tiles / LANES) | 1) * LANES


def _views(flat: Tensor, places: list[tuple[int, int, int, int, int]], like: Weights) -> Weights:
    """Return rows of numbers as tensors shaped like weights: the bias of a unit follows its weights."""
    views = {}
    for number, at, units, row, inputs in places:
        rows = flat[:, at : at + units * row].unflatten(1, (units, row))
        views[f"{number}.weight"] = rows[:, :, :inputs]
        if f"{number}.bias" in like:
            views[f"{number}.bias"] = rows[:, :, inputs]
    return views
