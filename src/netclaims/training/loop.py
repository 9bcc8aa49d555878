"""The training loop that every experiment goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import ceil

import torch
from torch import Tensor

from netclaims.data.augment import augmented
from netclaims.data.examples import Examples, parts, shuffled
from netclaims.nets.evaluation import pieces
from netclaims.nets.losses import losses
from netclaims.nets.network import Network, Weights
from netclaims.training.checkpoint import Checkpoint
from netclaims.training.optimisers import Optimiser
from netclaims.training.random_streams import stream
from netclaims.training.recorder import Recorder, TrainingRecord
from netclaims.training.runs import Run, recorded_epochs, snapshot_epochs
from netclaims.training.settings import Training
from netclaims.training.stopping import Stopping

Watch = Callable[[int, float], None]


def train(
    run: Run, experiment: Training, watch: Watch = lambda epoch, loss: None, checkpoint: Checkpoint | None = None
) -> TrainingRecord:
    """Train the members of a run side by side, each until its epochs are over or its own end.

    A member that has ended stays in the batch of matrices, and nothing is recorded of it any more.

    Nothing in the loop waits for a number: what is recorded stays in tensors until an epoch is evaluated.

    Args:
        run: what to train; its random streams follow from its seed, experiment and replicas alone.
        experiment: what the run belongs to.
        watch: told the epoch and the mean training loss of the members that were measured after it.
        checkpoint: where an earlier attempt may have left its state, from which this one goes on as if it had never
            been interrupted, and where this one leaves its own.
    """
    network = Network(experiment.models[run.model], experiment.activation, experiment.example)
    order = "another order" if run.control else "order"
    streams = {
        use: [stream(run.seed, run.key, member.replica, use) for member in run.members]
        for use in ("weights", order, "labels", "augment")
    }
    data, test = _examples(run, experiment, streams["labels"])
    black = data.x.amin((0, 2, 3)) if experiment.augment else None  # every channel has a black pixel somewhere
    initial = network.initial(streams["weights"])
    weights = {name: w.to(run.device).requires_grad_() for name, w in initial.items()}
    optimiser = Optimiser(run, experiment, list(weights.values()))
    recorder = Recorder(network, weights, experiment, data, test)
    stopping = Stopping(experiment.stop, len(run.members), run.device)
    recorded, kept = set(recorded_epochs(run.epochs)), set(snapshot_epochs(experiment, run.epochs))

    # The moments that Adam keeps of dead units become denormal numbers, which cost a fifth of the time.
    torch.set_flush_denormal(True)
    consumed = [*streams[order], *streams["augment"]]
    if state := checkpoint and checkpoint.state():
        done = state["epoch"]
        with torch.no_grad():
            for weight, saved in zip(weights.values(), state["weights"], strict=True):
                weight.copy_(saved)
        optimiser.restore(state["optimiser"])
        recorder.restore(state["recorder"])
        stopping.restore(state["stopping"])
        for one, at in zip(consumed, state["streams"], strict=True):
            one.set_state(at)
    else:
        done = 0
        if kept:
            recorder.snapshot(0, stopping.active)
        stopping.judge(stopping.active, *recorder.measure(0, stopping.active))

    for epoch in range(done + 1, run.epochs + 1):
        if stopping.finished:
            break
        epoch_loss = torch.zeros(len(run.members), device=run.device)
        left = run.steps - (epoch - 1) * ceil(len(data.x) / run.batch_size)
        for batch in islice(_batches(data, run.batch_size, streams[order]), left):
            x, y = _take(data, batch)
            if experiment.augment:
                x = augmented(x, experiment.augment, black, streams["augment"])
            optimiser.zero_grad()
            loss = _backward(network, weights, experiment.loss, x, y)
            recorder.step(loss)
            optimiser.step()
            epoch_loss += loss * (x.shape[1] / len(data.x))
        if epoch in kept:
            recorder.snapshot(epoch, stopping.active)
        due = stopping.due(epoch_loss, recorded=epoch in recorded)
        if due is not None:
            train_loss, gradient_norm = recorder.measure(epoch, due)
            stopping.judge(due, train_loss, gradient_norm)
            watch(epoch, (train_loss.where(due, 0).sum() / due.sum()).item())
        if checkpoint and checkpoint.due:
            checkpoint.save_state({
                "epoch": epoch,
                "weights": list(weights.values()),
                "optimiser": optimiser.state(),
                "recorder": recorder.state(),
                "stopping": stopping.state(),
                "streams": [one.get_state() for one in consumed],
            })  # fmt: skip
    torch.set_flush_denormal(False)
    return recorder.record(stopping.diverged)


def _examples(run: Run, experiment: Training, labels: list[torch.Generator]) -> tuple[Examples, Examples]:
    """Return the training and test set on the run's device, labels shuffled for every member if the run asks for it."""
    data, test = parts(experiment, [member.function for member in run.members])
    if run.shuffle_labels:
        data = Examples(data.x, torch.stack([shuffled(data.y[0], run.shuffle_labels, one) for one in labels]))
    return data.to(run.device), test.to(run.device)


def _backward(network: Network, weights: Weights, kind: str, x: Tensor, y: Tensor) -> Tensor:
    """Return the loss of every member on a mini-batch, (members,), and leave its gradient in the weights."""
    members = len(weights["1.weight"])
    total = torch.zeros(members, device=x.device)
    for some_x, some_y in pieces(x, y):
        some = losses(kind, network(weights, some_x), some_y.expand(members, *some_y.shape[1:]))
        some = some * (some_x.shape[1] / x.shape[1])
        some.sum().backward()
        total += some.detach()
    return total


def _batches(data: Examples, size: int, streams: list[torch.Generator]) -> Iterator[Tensor | None]:
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
