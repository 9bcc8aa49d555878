"""What is written down while a run trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netclaims.data.examples import Examples, measured_part
from netclaims.nets.evaluation import evaluate
from netclaims.nets.network import Network, Weights
from netclaims.training.settings import Training

if TYPE_CHECKING:
    from netclaims.training.autograd import AutogradSteps
    from netclaims.training.fused import FusedSteps


@dataclass
class TrainingRecord:
    """What a run leaves behind: every tensor has the run's members as its first dimension.

    Members end at different epochs where a rule stops them or where they diverge. What a table has no number for,
    because the member was not measured then, is undefined (NaN); `member` gives the record of one without these gaps.

    Attributes:
        epochs: after which any member was measured, 0 for the initial weights.
        measured: whether each member was: (members, epochs). Nothing is measured of a member after its end.
        history: train_loss, test_loss, for classifiers train_accuracy and test_accuracy, and, if recorded by epoch,
            gradient_norm over the training set: (members, epochs). Training losses and accuracies are of the first
            examples, `measured_part`, and of all in the last record of each member.
        last: index into `epochs` of each member's last record: earlier than the end if it stopped or diverged.
        diverged: whether the loss of the member became infinite or undefined.
        steps: if recorded, loss and gradient_norm of the mini-batch at every step: (members, steps).
        steps_taken: if steps are recorded, how many each member took until its end.
        snapshots: if recorded, every weight at the epochs `snapshot_epochs`: (members, epochs, ...). A member that has
            ended stands still: later ones are its final weights.
        weights: the final weights: (members, ...).
        outputs: outputs on the test set of nets that fit a function: (members, points).
    """

    epochs: list[int] = field(default_factory=list)
    measured: list[list[bool]] = field(default_factory=list)
    history: dict[str, Tensor] = field(default_factory=dict)
    last: list[int] = field(default_factory=list)
    diverged: list[bool] = field(default_factory=list)
    steps: dict[str, Tensor] = field(default_factory=dict)
    steps_taken: list[int] = field(default_factory=list)
    snapshot_epochs: list[int] = field(default_factory=list)
    snapshots: Weights = field(default_factory=dict)
    weights: Weights = field(default_factory=dict)
    outputs: Tensor | None = None

    def member(self, index: int) -> TrainingRecord:
        """Return the record of one member, up to its end: that of a run in which it trains alone."""
        own = slice(index, index + 1)
        measured = [at for at, is_own in enumerate(self.measured[index]) if is_own]
        end = self.epochs[self.last[index]]
        kept = [epoch for epoch in self.snapshot_epochs if epoch <= end]
        return TrainingRecord(
            epochs=[self.epochs[at] for at in measured],
            measured=[[True] * len(measured)],
            history={name: values[own, measured] for name, values in self.history.items()},
            last=[len(measured) - 1],
            diverged=self.diverged[own],
            steps={name: values[own, : self.steps_taken[index]] for name, values in self.steps.items()},
            steps_taken=self.steps_taken[own],
            snapshot_epochs=kept,
            snapshots={name: w[own, : len(kept)] for name, w in self.snapshots.items()},
            weights={name: w[own] for name, w in self.weights.items()},
            outputs=None if self.outputs is None else self.outputs[own],
        )


class Recorder:
    """Measures the members of a run while they train, and keeps what it found."""

    def __init__(
        self,
        network: Network,
        steps: AutogradSteps | FusedSteps,
        experiment: Training,
        data: Examples,
        test: Examples,
    ) -> None:
        """Begin with nothing recorded.

        Args:
            network: the architecture.
            steps: what trains, and measures what it trains.
            experiment: what to record.
            data: the training set, whose whole loss only the last record of a member has: see `measured_part`.
            test: the test set.
        """
        self._network, self._trained, self._experiment, self._test = network, steps, experiment, test
        self._weights = weights = steps.weights
        self._whole = steps.laid_out(data)
        self._parts = {"train": measured_part(experiment, self._whole, test), "test": steps.laid_out(test)}
        self._names = ["loss"] if experiment.functions else ["loss", "accuracy"]
        self._epochs: list[int] = []
        self._measured: list[Tensor] = []
        self._history: dict[str, list[Tensor]] = {}
        self._steps: list[Tensor] = []
        self._snapshot_epochs: list[int] = []
        self._snapshots: list[Weights] = []
        # Each member is kept as it was when it ended.
        self._final = {name: w.detach().clone() for name, w in weights.items()}
        self._last = torch.zeros(len(weights["1.weight"]), dtype=torch.long, device=weights["1.weight"].device)
        self._steps_taken = torch.zeros_like(self._last)

    def record_steps(self, records: Tensor) -> None:
        """Record loss and gradient norm of mini-batches, before the update: (steps, 2, members)."""
        self._steps.append(records)

    def snapshot(self, epoch: int, active: Tensor) -> None:
        """Record all weights: of members that are not `active`, (members,), those that they ended with."""
        self._snapshot_epochs.append(epoch)
        self._snapshots.append(self._standing(active))

    def measure(self, epoch: int, due: Tensor) -> tuple[Tensor, Tensor | None]:
        """Measure, after an epoch, the members that are `due`, (members,).

        Returns:
            The loss on the training examples that are measured, and the norm of the gradient of the whole training
            loss if a record or a rule asks for it: (members,), of no meaning for other members.
        """
        for which, part in self._parts.items():
            for name, value in zip(self._names, self._trained.measure(part), strict=False):
                self._history.setdefault(f"{which}_{name}", []).append(value)
        slope, rule = None, self._experiment.stop
        if self._experiment.record.gradient_norm == "epoch" or (rule and rule.gradient_norm):
            slope = self._trained.gradient_norm(self._whole)
        if self._experiment.record.gradient_norm == "epoch":
            self._history.setdefault("gradient_norm", []).append(slope)
        self._last = torch.where(due, len(self._epochs), self._last)
        self._steps_taken = torch.where(due, sum(map(len, self._steps)), self._steps_taken)
        self._epochs.append(epoch)
        self._measured.append(due)
        return self._history["train_loss"][-1], slope

    def keep(self, ended: Tensor) -> None:
        """Keep the weights of members that have just ended, (members,)."""
        self._final = self._standing(ended)

    def _standing(self, moving: Tensor) -> Weights:
        """Return the weights of members that move, (members,), and of others those at which they ended."""
        return {
            name: torch.where(moving.view(-1, *[1] * (final.dim() - 1)), self._weights[name].detach(), final)
            for name, final in self._final.items()
        }

    def state(self) -> dict[str, Any]:
        """Return all that has been recorded."""
        return {
            "epochs": [self._epochs, self._snapshot_epochs],
            "measured": torch.stack(self._measured),
            "history": {name: torch.stack(values) for name, values in self._history.items()},
            "steps": torch.cat(self._steps) if self._steps else None,
            "snapshots": {name: torch.stack([s[name] for s in self._snapshots]) for name in self._weights}
            if self._snapshots
            else {},
            "final": self._final,
            "last": [self._last, self._steps_taken],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Load a state saved by `state()`."""
        device = self._last.device
        self._epochs, self._snapshot_epochs = state["epochs"]
        self._measured = list(state["measured"].to(device))
        self._history = {name: list(values.to(device)) for name, values in state["history"].items()}
        self._steps = [] if state["steps"] is None else [state["steps"].to(device)]
        snapshots = {name: w.to(device) for name, w in state["snapshots"].items()}
        self._snapshots = [{name: w[i] for name, w in snapshots.items()} for i in range(len(self._snapshot_epochs))]
        self._final = {name: w.to(device) for name, w in state["final"].items()}
        self._last, self._steps_taken = (values.to(device) for values in state["last"])

    def record(self, diverged: Tensor) -> TrainingRecord:
        """Return the finished record, in the processor's memory.

        Args:
            diverged: whether the loss of each member became infinite or undefined: (members,).
        """
        measured = torch.stack(self._measured, 1)
        history = {name: torch.stack(values, 1) for name, values in self._history.items()}
        for name, weight in self._weights.items():
            weight.detach().copy_(self._final[name])
        for name, values in zip(self._names, self._trained.measure(self._whole), strict=False):
            history[f"train_{name}"].scatter_(1, self._last.unsqueeze(1), values.unsqueeze(1))
        record = TrainingRecord(
            epochs=self._epochs,
            measured=measured.tolist(),
            history={name: values.where(measured, torch.nan).cpu() for name, values in history.items()},
            last=self._last.tolist(),
            diverged=diverged.tolist(),
            snapshot_epochs=self._snapshot_epochs,
            weights={name: w.cpu() for name, w in self._final.items()},
        )
        if self._experiment.record.gradient_norm == "step":
            none = self._final["1.weight"].new_empty(2, len(self._last), 0)  # all members ended before the first step
            steps = torch.cat(self._steps).permute(1, 2, 0) if self._steps else none
            taken = torch.arange(steps.shape[2], device=steps.device) < self._steps_taken.unsqueeze(1)
            loss_and_norm = steps.where(taken, torch.nan).cpu()
            record.steps = dict(zip(("loss", "gradient_norm"), loss_and_norm, strict=True))
            record.steps_taken = self._steps_taken.tolist()
        for name in self._weights if self._snapshots else ():
            record.snapshots[name] = torch.stack([snapshot[name] for snapshot in self._snapshots], 1).cpu()
        if self._experiment.functions:
            outputs = evaluate(self._network, self._final, self._experiment.loss, self._test)[2]
            record.outputs = outputs.squeeze(2).cpu()
        return record
