"""What is written down while a run trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from netclaims.data.examples import Examples
from netclaims.nets.evaluation import evaluate, gradient, norm
from netclaims.nets.network import Network, Weights
from netclaims.training.training import Training


@dataclass
class TrainingRecord:
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


# What the recorder knows of each member: (members,).
_OF_MEMBERS = ["_previous", "_done", "_diverged", "_settled", "_last"]


class Recorder:
    """Collects a trace while training goes on, and says when every member is finished."""

    def __init__(
        self, network: Network, weights: Weights, experiment: Training, data: Examples, test: Examples
    ) -> None:
        """For the weights (members, ...) that training updates in place."""
        self._network, self._weights, self._experiment = network, weights, experiment
        self._parts = {"train": data, "test": test}
        self._names = ["loss"] if experiment.functions else ["loss", "accuracy"]
        self._trace = TrainingRecord()
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

    def state(self) -> dict[str, Any]:
        """All that has been recorded."""
        return {
            "epochs": [self._trace.epochs, self._trace.snapshot_epochs],
            "history": {name: torch.stack(values) for name, values in self._history.items()},
            "steps": torch.stack(self._steps) if self._steps else None,
            "snapshots": {name: torch.stack([s[name] for s in self._snapshots]) for name in self._weights}
            if self._snapshots
            else {},
            "final": self._final,
            "members": {name: getattr(self, name) for name in _OF_MEMBERS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` said."""
        device = self._previous.device
        self._trace.epochs, self._trace.snapshot_epochs = state["epochs"]
        self._history = {name: list(values.to(device)) for name, values in state["history"].items()}
        self._steps = [] if state["steps"] is None else list(state["steps"].to(device))
        snapshots = {name: w.to(device) for name, w in state["snapshots"].items()}
        self._snapshots = [
            {name: w[i] for name, w in snapshots.items()} for i in range(len(self._trace.snapshot_epochs))
        ]
        self._final = {name: w.to(device) for name, w in state["final"].items()}
        for name in _OF_MEMBERS:
            setattr(self, name, state["members"][name].to(device))

    def trace(self) -> TrainingRecord:
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
