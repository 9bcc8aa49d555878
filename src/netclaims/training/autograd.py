"""Steps of any net by torch: autograd and its optimisers, on the processor or on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import ceil
from typing import Any

import torch
from torch import Tensor

from netclaims.data.augment import augmented
from netclaims.data.examples import Examples, black
from netclaims.nets.evaluation import evaluate, gradient, norm, pieces
from netclaims.nets.losses import losses
from netclaims.nets.network import Network, Weights
from netclaims.training.optimisers import Optimiser
from netclaims.training.runs import Run
from netclaims.training.settings import Training

Streams = list[torch.Generator]


class AutogradSteps:
    """Trains the members of a run side by side, as one batch of matrices.

    Nothing in it waits for a number from the device.

    Attributes:
        weights: of all members, (members, ...), which steps change in place.
    """

    def __init__(
        self,
        run: Run,
        experiment: Training,
        network: Network,
        initial: Weights,
        data: Examples,
        order: Streams,
        augment: Streams,
    ) -> None:
        """Begin without moments.

        Args:
            run: what to train.
            experiment: what it belongs to.
            network: the architecture.
            initial: weights to start from, (members, ...).
            data: the training set.
            order: streams of the order of the data, one for each member.
            augment: likewise, of the changes of images.
        """
        self._run, self._experiment, self._network, self._data = run, experiment, network, data
        self._order, self._augment = order, augment
        self._black = black(experiment.data).to(run.device) if experiment.augment else None
        self.weights = {name: w.to(run.device).requires_grad_() for name, w in initial.items()}
        self._optimiser = Optimiser(run, experiment, list(self.weights.values()))

    def laid_out(self, part: Examples) -> Examples:
        """Return a set of examples as measurements take it: as it is."""
        return part

    def advance(self, first: int, last: int, active: Tensor) -> tuple[Tensor, Tensor | None]:
        """Take all steps of the epochs after `first` up to `last`; members that are not `active` go along.

        Returns:
            The loss of the last epoch, as its mini-batches had it, (members,), and, if they are recorded, loss and
            gradient norm of each mini-batch: (steps, 2, members).
        """
        examples, found = len(self._data.x), []
        for epoch in range(first, last):
            epoch_loss = torch.zeros(len(active), device=active.device)
            left = self._run.steps - epoch * ceil(examples / self._run.batch_size)
            for batch in islice(_batches(self._data, self._run.batch_size, self._order), left):
                x, y = _take(self._data, batch)
                if self._experiment.augment:
                    x = augmented(x, self._experiment.augment, self._black, self._augment)
                self._optimiser.zero_grad()
                loss = self._backward(x, y)
                if self._experiment.record.gradient_norm == "step":
                    found.append(torch.stack([loss, norm([w.grad for w in self.weights.values()])]))
                self._optimiser.step()
                epoch_loss += loss * (x.shape[1] / examples)
        return epoch_loss, torch.stack(found) if found else None

    def _backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of every member on a mini-batch, (members,), and leave its gradient in the weights."""
        members = len(self.weights["1.weight"])
        total = torch.zeros(members, device=x.device)
        for some_x, some_y in pieces(x, y):
            targets = some_y.expand(members, *some_y.shape[1:])
            some = losses(self._experiment.loss, self._network(self.weights, some_x), targets)
            some = some * (some_x.shape[1] / x.shape[1])
            some.sum().backward()
            total += some.detach()
        return total

    def measure(self, part: Examples) -> tuple[Tensor, Tensor]:
        """Return loss and accuracy of every member on a set, as `evaluate` does: (members,)."""
        return evaluate(self._network, self.weights, self._experiment.loss, part)[:2]

    def gradient_norm(self, part: Examples) -> Tensor:
        """Return the norm of every member's gradient on a set: (members,)."""
        return norm(list(gradient(self._network, self.weights, self._experiment.loss, part).values()))

    def state(self) -> dict[str, Any]:
        """Return what the next steps depend on."""
        return {
            "weights": list(self.weights.values()),
            "optimiser": self._optimiser.state(),
            "streams": [one.get_state() for one in (*self._order, *self._augment)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Load a state saved by `state()`."""
        with torch.no_grad():
            for weight, saved in zip(self.weights.values(), state["weights"], strict=True):
                weight.copy_(saved)
        self._optimiser.restore(state["optimiser"])
        for one, at in zip((*self._order, *self._augment), state["streams"], strict=True):
            one.set_state(at)


def _batches(data: Examples, size: int, streams: Streams) -> Iterator[Tensor | None]:
    """Yield indices of an epoch's mini-batches, (members, batch), in each member's order; None for the whole set."""
    if size >= len(data.x):
        yield None
        return
    order = torch.stack([torch.randperm(len(data.x), generator=s) for s in streams])
    yield from order.to(data.x.device).split(size, dim=1)


def _take(data: Examples, batch: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return inputs and targets, both (members or 1, batch, ...), of a mini-batch, or of the whole set."""
    if batch is None:
        return data.x.unsqueeze(0), data.y
    if len(batch) == 1:
        return data.x[batch[0]].unsqueeze(0), data.y[:, batch[0]]
    rows = torch.arange(len(batch), device=batch.device).unsqueeze(1)
    return data.x[batch], data.y.expand(len(batch), *data.y.shape[1:])[rows, batch]
