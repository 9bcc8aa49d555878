"""The training loop that every experiment goes through."""

from __future__ import annotations

from collections.abc import Callable

import torch

from netclaims.data.examples import Examples, parts, resampled, shuffled
from netclaims.nets.network import Network
from netclaims.training.autograd import AutogradSteps, Streams
from netclaims.training.checkpoint import Checkpoint
from netclaims.training.random_streams import stream
from netclaims.training.recorder import Recorder, TrainingRecord
from netclaims.training.runs import Run, recorded_epochs, snapshot_epochs, trained_by
from netclaims.training.settings import Training
from netclaims.training.stopping import Stopping

Watch = Callable[[int, float], None]


def train(
    run: Run, experiment: Training, watch: Watch = lambda epoch, loss: None, checkpoint: Checkpoint | None = None
) -> TrainingRecord:
    """Train the members of a run, each until its epochs are over or its own end.

    Nothing is recorded any more of a member that has ended. Only after epochs at which something is recorded, or a rule
    looks at the loss, does anything wait for a number.

    Args:
        run: what to train; its random streams follow from its seed, experiment and replicas alone.
        experiment: what the run belongs to.
        watch: told the epoch and the mean training loss of the members that were measured after it.
        checkpoint: where an earlier attempt may have left its state, from which this one goes on as if it had never
            been interrupted, and where this one leaves its own.
    """
    network = Network(experiment.models[run.model], experiment.activation, experiment.example)
    weights, order, labels, augment, sample = (
        [stream(run.seed, run.key, member.replica, use) for member in run.members]
        for use in ("weights", "another order" if run.control else "order", "labels", "augment", "sample")
    )
    data, test = _examples(run, experiment, labels, sample)
    what = run, experiment, network, network.initial(weights), data, order
    if trained_by(experiment, run.model, run.device) == "kernel":
        from netclaims.training.fused import FusedSteps  # which brings LLVM along

        steps = FusedSteps(*what)
    else:
        steps = AutogradSteps(*what, augment)
    recorder = Recorder(network, steps, experiment, data, test)
    stopping = Stopping(experiment.stop, len(run.members), run.device)
    recorded, kept = set(recorded_epochs(run.epochs)), set(snapshot_epochs(experiment, run.epochs))
    each = experiment.stop and experiment.stop.loss_change
    looked_at = range(1, run.epochs + 1) if each else sorted((recorded | kept) - {0})

    # The moments that Adam keeps of dead units become denormal numbers, which cost a fifth of the time.
    torch.set_flush_denormal(True)
    if state := checkpoint and checkpoint.state():
        done = state["epoch"]
        steps.restore(state["steps"])
        recorder.restore(state["recorder"])
        stopping.restore(state["stopping"])
    else:
        done = 0
        if kept:
            recorder.snapshot(0, stopping.active)
        recorder.keep(stopping.judge(stopping.active, *recorder.measure(0, stopping.active)))

    for epoch in looked_at:
        if stopping.finished:
            break
        if epoch <= done:
            continue
        loss, records = steps.advance(done, epoch, stopping.active)
        done = epoch
        if records is not None:
            recorder.record_steps(records)
        if epoch in kept:
            recorder.snapshot(epoch, stopping.active)
        due = stopping.due(loss, recorded=epoch in recorded)
        if due is not None:
            train_loss, gradient_norm = recorder.measure(epoch, due)
            ended = stopping.judge(due, train_loss, gradient_norm)
            if ended.any():
                recorder.keep(ended)
            watch(epoch, (train_loss.where(due, 0).sum() / due.sum()).item())
        if checkpoint and checkpoint.due:
            checkpoint.save_state({
                "epoch": epoch,
                "steps": steps.state(),
                "recorder": recorder.state(),
                "stopping": stopping.state(),
            })  # fmt: skip
    torch.set_flush_denormal(False)
    recorder.keep(stopping.active)
    return recorder.record(stopping.diverged)


def _examples(run: Run, experiment: Training, labels: Streams, sample: Streams) -> tuple[Examples, Examples]:
    """Return the training and test set on the run's device.

    If the experiment asks for it, the training set is drawn anew; labels are shuffled for every member if the run does.
    """
    data, test = parts(experiment, [member.function for member in run.members])
    if experiment.resample:
        data = resampled(data, *sample)
    if run.shuffle_labels:
        data = Examples(data.x, torch.stack([shuffled(data.y[0], run.shuffle_labels, one) for one in labels]))
    return data.to(run.device), test.to(run.device)
