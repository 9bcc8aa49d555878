"""What no way of training with torch's operations can go below: its matrix products alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.problem import Problem
from benchmarks.timing import Contender


class Products(Contender):
    """The matrix products of every step of a dense net: one forward and two backward in each layer, and nothing else.

    No activations, no loss, no optimiser, no evaluation, and no graph of what was done.
    """

    def __init__(self, problem: Problem, members: int) -> None:
        """Draw random numbers in place of weights, activations and gradients."""
        torch.set_num_threads(1)
        self.pieces, self._steps = members, problem.setting.epochs
        points = problem.experiment.points
        sizes = list(pairwise([1, *(layer.dense for layer in problem.layers)]))
        self._layers = [
            (
                torch.rand(members, after, before),
                torch.rand(members, before, points),
                torch.rand(members, after, points),
            )
            for before, after in sizes
        ]

    @torch.no_grad()
    def work(self, repeat: int) -> None:
        """Multiply for as many steps as there are epochs."""
        for _ in range(self._steps):
            for weight, activation, gradient in self._layers:
                weight @ activation
                gradient @ activation.mT
                weight.mT @ gradient

    def outcome(self, done: None) -> NDArray[np.floating]:
        """Return no losses: nothing is trained."""
        return np.empty(0)
