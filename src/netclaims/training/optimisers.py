"""Adam, SGD and RMSprop: torch's own, by the functions that `torch.optim.Adam` and its like call.

The classes import torch's compiler at their first step, which takes a process more than a second; the functions do not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from netclaims.training.runs import Run
from netclaims.training.settings import Training


class Optimiser:
    """Updates weights by their gradients, with torch's defaults for what the experiment does not set.

    The learning rate follows the experiment's schedule: it is multiplied by its factor after every so many epochs.
    """

    def __init__(self, run: Run, experiment: Training, weights: list[Tensor]) -> None:
        """Begin without moments.

        Args:
            run: which optimiser, its learning rate, and what its schedule counts as an epoch.
            experiment: momentum, weight decay and schedule.
            weights: those to update, (members, ...), which have gradients when it steps.
        """
        self._run, self._schedule, self._weights = run, experiment.schedule, weights
        self._steps = 0
        first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))  # moments of the gradients
        common = {"weight_decay": experiment.weight_decay, "maximize": False}
        momentum = {"momentum": experiment.momentum}
        match run.optimiser:
            case "adam":
                self._buffers = first, second, [], [torch.zeros((), device=run.device) for _ in weights]
                moments = {"amsgrad": False, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
                self._update = partial(_update, adam, self._buffers, fused=True, **common, **moments)
            case "sgd":
                self._buffers = ([None] * len(weights),)
                plain = {"dampening": 0.0, "nesterov": False}
                self._update = partial(_update, sgd, self._buffers, fused=True, **common, **momentum, **plain)
            case "rmsprop":
                self._buffers = second, [], first if experiment.momentum else [], [torch.zeros(()) for _ in weights]
                squares = {"alpha": 0.99, "eps": 1e-8, "centered": False}
                self._update = partial(_update, rmsprop, self._buffers, **common, **momentum, **squares)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        decays = self._steps // (self._schedule.step * self._run.epoch_steps) if self._schedule else 0
        return self._run.learning_rate * (self._schedule.factor**decays if decays else 1)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for w in self._weights:
            w.grad = None

    def step(self) -> None:
        """Update the weights."""
        self._update(self._weights, lr=self.learning_rate)
        self._steps += 1

    def state(self) -> dict[str, Any]:
        """Return what the next steps depend on besides the weights."""
        return {"steps": self._steps, "buffers": list(self._buffers)}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a state saved by `state()`."""
        self._steps = state["steps"]
        for own, saved in zip(self._buffers, state["buffers"], strict=True):
            for i, (weight, buffer) in enumerate(zip(self._weights, saved, strict=False)):  # some are not in use
                if buffer is not None:  # momentum is None until the first step
                    own[i] = torch.empty_like(weight if own[i] is None else own[i]).copy_(buffer)


@torch.no_grad()
def _update(function: Callable[..., None], state: tuple, weights: list[Tensor], **settings: Any) -> None:
    function(weights, [w.grad for w in weights], *state, **settings)
