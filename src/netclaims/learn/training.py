"""The training loop that every experiment goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

import torch
from torch import Tensor

from netclaims.learn.augment import augmented
from netclaims.learn.config import EXAMPLE, Experiment
from netclaims.learn.data import Part, parts, shuffled
from netclaims.learn.networks import Network, Weights, losses
from netclaims.learn.optimisers import Optimiser
from netclaims.learn.plan import Run, recorded_epochs, snapshot_epochs
from netclaims.learn.streams import stream

# Numbers of input that go through a net at once: the activations of more leave the processor's cache, and a CNN
# takes twice as long. Losses and gradients of the pieces add up to those of the whole. A GPU has room for more.
NUMBERS_AT_ONCE, NUMBERS_AT_ONCE_ON_A_GPU = 2**18, 2**22

Watch = Callable[[int, float], None]


@dataclass
class Trace:
    """What a run leaves behind. Every tensor has the run's members as its first dimension.

    Attributes:
        epochs: the recorded epochs, 0 for the initial weights.
        history: train_loss, test_loss, for classifiers train_accuracy and test_accuracy, and, if recorded by epoch,
            gradient_norm over the training set: (members, epochs).
        last: index into `epochs` of each member's last record: earlier than the end if it stopped or diverged.
        diverged: whether the loss of the member became infinite or undefined.
        steps: if recorded, loss and gradient_norm of the mini-batch at every step: (members, steps).
        snapshots: if recorded, every weight at the epochs `snapshot_epochs`: (members, epochs, ...).
        weights: the final weights: (members, ...).
        outputs: outputs on the test set of nets that fit a function: (members, points).
    """

    epochs: list[int] = field(default_factory=list)
    history: dict[str, Tensor] = field(default_factory=dict)
    last: list[int] = field(default_factory=list)
    diverged: list[bool] = field(default_factory=list)
    steps: dict[str, Tensor] = field(default_factory=dict)
    snapshot_epochs: list[int] = field(default_factory=list)
    snapshots: Weights = field(default_factory=dict)
    weights: Weights = field(default_factory=dict)
    outputs: Tensor | None = None


def train(run: Run, experiment: Experiment, watch: Watch = lambda epoch, loss: None) -> Trace:
    """Train the members of a run side by side.

    Nothing in the loop waits for a number: what is recorded stays in tensors until an epoch is evaluated.

    Args:
        run: what to train; its random streams follow from its seed, experiment and replicas alone.
        experiment: the entry that the run belongs to.
        watch: told the epoch and the mean training loss after each recorded epoch.
    """
    members = run.members
    network = Network(experiment.models[run.model].layers, experiment.activation, EXAMPLE[experiment.data])
    order = "another order" if run.control else "order"
    streams = {
        use: [stream(run.seed, run.key, m.replica, use) for m in members]
        for use in ("weights", order, "labels", "augment")
    }
    data, test = parts(experiment, [m.function for m in members])
    if run.shuffle_labels:
        labels = [shuffled(data.y[0], run.shuffle_labels, labels) for labels in streams["labels"]]
        data = Part(data.x, torch.stack(labels))
    data, test = data.to(run.device), test.to(run.device)
    black = data.x.amin((0, 2, 3)) if experiment.augment else None  # every channel has a black pixel somewhere

    initial = network.initial(streams["weights"])
    weights = {name: w.to(run.device).requires_grad_() for name, w in initial.items()}
    optimiser = Optimiser(run, experiment, list(weights.values()))
    recorder = _Recorder(network, weights, experiment, data, test)
    recorded, kept = set(recorded_epochs(run.epochs)), set(snapshot_epochs(experiment, run.epochs))

    # The moments that Adam keeps of dead units become denormal numbers, which cost a fifth of the time.
    torch.set_flush_denormal(True)
    recorder.epoch(0)
    if kept:
        recorder.snapshot(0)
    for epoch in range(1, run.epochs + 1):
        epoch_loss = torch.zeros(len(members), device=run.device)
        left = run.steps - (epoch - 1) * ceil(len(data.x) / run.batch_size)
        for batch in islice(_batches(data, run.batch_size, streams[order]), left):
            x, y = _take(data, batch)
            if experiment.augment:
                x = augmented(x, experiment.augment, black, streams["augment"])
            optimiser.zero_grad()
            loss = torch.zeros_like(epoch_loss)
            for some_x, some_y in _pieces(x, y):
                some = losses(experiment.loss, network(weights, some_x), some_y.expand(len(members), *some_y.shape[1:]))
                some = some * (some_x.shape[1] / x.shape[1])
                some.sum().backward()
                loss += some.detach()
            if experiment.record.gradient_norm == "step":
                recorder.step(loss)
            optimiser.step()
            epoch_loss += loss * (x.shape[1] / len(data.x))
        if epoch in kept:
            recorder.snapshot(epoch)
        if recorder.settled(epoch_loss) or epoch in recorded:
            watch(epoch, recorder.epoch(epoch))
            if recorder.finished:
                break
    torch.set_flush_denormal(False)
    return recorder.trace()


def _batches(data: Part, size: int, streams: list[torch.Generator]) -> Iterator[Tensor | None]:
    """Indices of one epoch's mini-batches, (members, batch), in each member's own order; None for the whole set."""
    if size >= len(data.x):
        yield None
        return
    order = torch.stack([torch.randperm(len(data.x), generator=s) for s in streams])
    yield from order.to(data.x.device).split(size, dim=1)


def _take(data: Part, batch: Tensor | None) -> tuple[Tensor, Tensor]:
    """Inputs and targets, both (members or 1, batch, ...), of a mini-batch, or of the whole set."""
    if batch is None:
        return data.x.unsqueeze(0), data.y
    if len(batch) == 1:
        return data.x[batch[0]].unsqueeze(0), data.y[:, batch[0]]
    rows = torch.arange(len(batch), device=batch.device).unsqueeze(1)
    return data.x[batch], data.y.expand(len(batch), *data.y.shape[1:])[rows, batch]


def _pieces(x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and targets, (members or 1, examples, ...), a few examples at a time."""
    size = max(1, (NUMBERS_AT_ONCE_ON_A_GPU if x.is_cuda else NUMBERS_AT_ONCE) // x[0, 0].numel())
    return zip(x.split(size, 1), y.split(size, 1), strict=True)


@torch.no_grad()
def evaluate(network: Network, weights: Weights, loss: str, data: Part) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, accuracy and outputs of every member on a data set.

    Returns:
        Mean loss (members,), share of correct classes (members,) (of no meaning for functions, undefined where the
        loss is not finite), and outputs (members, examples, outputs).
    """
    members = len(weights["1.weight"])
    targets = data.y.expand(members, *data.y.shape[1:])
    outputs = torch.cat([network(weights, x) for x, _ in _pieces(data.x.unsqueeze(0), data.y)], 1)
    correct = outputs.argmax(2) == targets if targets.dim() == 2 else outputs.new_zeros(members, 1)
    mean_loss, accuracy = losses(loss, outputs, targets), correct.float().mean(1)
    return mean_loss, accuracy.where(mean_loss.isfinite(), torch.nan), outputs


def gradient(network: Network, weights: Weights, loss: str, data: Part) -> Weights:
    """Gradient of the mean loss over a whole data set, for every member."""
    members = len(weights["1.weight"])
    weights = {name: w.detach().requires_grad_() for name, w in weights.items()}
    total = {name: torch.zeros_like(w) for name, w in weights.items()}
    for x, y in _pieces(data.x.unsqueeze(0), data.y):
        value = losses(loss, network(weights, x), y.expand(members, *y.shape[1:])).sum()
        for name, g in zip(weights, torch.autograd.grad(value, list(weights.values())), strict=True):
            total[name] += g * (x.shape[1] / len(data.x))
    return total


def norm(gradients: list[Tensor]) -> Tensor:
    """Euclidean norm of every member's gradient over all its tensors: (members,)."""
    return sum(g.flatten(1).square().sum(1) for g in gradients).sqrt()


class _Recorder:
    """Collects a trace while training goes on, and says when every member is finished."""

    def __init__(self, network: Network, weights: Weights, experiment: Experiment, data: Part, test: Part) -> None:
        self._network, self._weights, self._experiment = network, weights, experiment
        self._parts = {"train": data, "test": test}
        self._names = ["loss"] if experiment.functions else ["loss", "accuracy"]
        self._trace = Trace()
        self._history: dict[str, list[Tensor]] = {}
        self._steps: list[Tensor] = []
        self._snapshots: list[Weights] = []
        self._final = self._copy()
        self._previous = weights["1.weight"].new_full((len(weights["1.weight"]),), torch.inf)
        self._done = torch.zeros_like(self._previous, dtype=torch.bool)
        self._diverged, self._settled = self._done.clone(), self._done.clone()
        self._last = torch.zeros_like(self._previous, dtype=torch.long)

    def _copy(self) -> Weights:
        return {name: w.detach().clone() for name, w in self._weights.items()}

    def epoch(self, epoch: int) -> float:
        """Measure every member; returns the mean training loss."""
        loss = self._experiment.loss
        for which, part in self._parts.items():
            values = evaluate(self._network, self._weights, loss, part)
            for name, value in zip(self._names, values, strict=False):
                self._history.setdefault(f"{which}_{name}", []).append(value)
        active = ~self._done
        for name, final in self._final.items():
            self._final[name] = torch.where(
                active.view(-1, *[1] * (final.dim() - 1)), self._weights[name].detach(), final
            )
        self._last = torch.where(active, len(self._trace.epochs), self._last)
        self._trace.epochs.append(epoch)
        train_loss = self._history["train_loss"][-1]
        self._diverged |= active & ~train_loss.isfinite()
        self._done |= self._diverged | self._settled
        limit = self._experiment.stop and self._experiment.stop.gradient_norm
        if limit or self._experiment.record.gradient_norm == "epoch":
            slope = norm(list(gradient(self._network, self._weights, loss, self._parts["train"]).values()))
            if limit:
                self._done |= slope < limit
            if self._experiment.record.gradient_norm == "epoch":
                self._history.setdefault("gradient_norm", []).append(slope)
        return train_loss.mean().item()

    def settled(self, loss: Tensor) -> bool:
        """Whether, by a stopping rule on its loss (members,), a member ends with this epoch."""
        limit = self._experiment.stop and self._experiment.stop.loss_change
        if not limit:
            return False
        now = ~self._done & ((loss - self._previous).abs() < limit)
        self._previous = loss
        self._settled |= now
        return bool(now.any())

    @property
    def finished(self) -> bool:
        """Whether every member has stopped or diverged."""
        return bool(self._done.all())

    def step(self, loss: Tensor) -> None:
        """Record the mini-batch loss and the norm of its gradient, before the update."""
        self._steps.append(torch.stack([loss.detach(), norm([w.grad for w in self._weights.values()])]))

    def snapshot(self, epoch: int) -> None:
        """Record all weights."""
        self._trace.snapshot_epochs.append(epoch)
        self._snapshots.append(self._copy())

    def trace(self) -> Trace:
        """The finished trace, in the processor's memory."""
        trace = self._trace
        trace.history = {name: torch.stack(values, 1).cpu() for name, values in self._history.items()}
        trace.last, trace.diverged = self._last.tolist(), self._diverged.tolist()
        if self._steps:
            trace.steps = dict(zip(("loss", "gradient_norm"), torch.stack(self._steps, 2).cpu(), strict=True))
        for name in self._weights if self._snapshots else ():
            trace.snapshots[name] = torch.stack([snapshot[name] for snapshot in self._snapshots], 1).cpu()
        trace.weights = {name: w.cpu() for name, w in self._final.items()}
        if self._experiment.functions:
            outputs = evaluate(self._network, self._final, self._experiment.loss, self._parts["test"])[2]
            trace.outputs = outputs.squeeze(2).cpu()
        return trace
