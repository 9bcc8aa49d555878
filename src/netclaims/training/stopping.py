"""When the nets of a run end before its epochs are over."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from netclaims.training.settings import Stop


class Stopping:
    """Decides for every member of a run by itself: no member's end depends on the others.

    A net ends by the experiment's rule, or because its loss has become infinite or undefined. One that has ended takes
    no further part in the run, whose other members train on.

    Attributes:
        active: whether each member still trains: (members,).
        diverged: whether its loss became infinite or undefined: (members,).
        finished: whether all members have ended.
    """

    def __init__(self, rule: Stop | None, members: int, device: str) -> None:
        """Begin with a run of which no member has ended.

        Args:
            rule: of the experiment, if it has one.
            members: of the run.
            device: where their losses lie.
        """
        self._loss_change, self._gradient_norm = (rule.loss_change, rule.gradient_norm) if rule else (None, None)
        self.active = torch.ones(members, dtype=torch.bool, device=device)
        self.diverged = torch.zeros_like(self.active)
        self.finished = False
        self._settled = torch.zeros_like(self.active)
        self._previous = torch.full((members,), torch.inf, device=device)

    def due(self, loss: Tensor, recorded: bool) -> Tensor | None:
        """Tell which members are to be measured after an epoch, (members,): None if none of them.

        After an epoch that the run records these are all that still train, and after any other those that end with it,
        because their loss hardly changed. Without a rule on the loss, nothing here waits for a number.

        Args:
            loss: of the epoch, as its mini-batches had it: (members,).
            recorded: whether the run records the epoch.
        """
        if self._loss_change:
            self._settled = self.active & ((loss - self._previous).abs() < self._loss_change)
            self._previous = loss
        if recorded:
            return self.active
        return self._settled if self._loss_change and self._settled.any() else None

    def judge(self, due: Tensor, loss: Tensor, gradient_norm: Tensor | None) -> Tensor:
        """Decide which of the members that were measured have ended, and return these: (members,).

        Args:
            due: which were measured, (members,).
            loss: on the training set, (members,).
            gradient_norm: likewise of its gradient, if that was measured.
        """
        diverged = due & ~loss.isfinite()
        ended = diverged | self._settled
        if self._gradient_norm:
            ended |= due & (gradient_norm < self._gradient_norm)
        self.diverged = self.diverged | diverged
        self.active = self.active & ~ended
        self.finished = bool((~self.active).all())
        return ended

    def state(self) -> dict[str, Any]:
        """Return what the next decisions depend on."""
        return {"active": self.active, "diverged": self.diverged, "previous": self._previous}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a state saved by `state()`."""
        device = self.active.device
        self.active, self.diverged = state["active"].to(device), state["diverged"].to(device)
        self._previous = state["previous"].to(device)
        self.finished = bool((~self.active).all())
