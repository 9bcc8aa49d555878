"""netclaims itself: `train`, one run after another on one core, or `train_all`, as many runs at once as cores."""

from __future__ import annotations

import shutil

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.problem import Problem
from benchmarks.timing import Contender
from netclaims.paths import CHECKPOINTS
from netclaims.training.all_runs import train_all
from netclaims.training.loop import train
from netclaims.training.recorder import TrainingRecord


class Ours(Contender):
    """Does `count` trainings of `members` nets each, in as many runs as netclaims makes of them.

    With `processes` the start of the processes counts, and that each of them reads the data.
    """

    def __init__(self, problem: Problem, count: int = 1, members: int = 1, processes: bool = False) -> None:
        """Set this process to one thread.

        Args:
            problem: network, data and settings.
            count: how many trainings.
            members: nets in each.
            processes: whether the runs go to processes of their own, as many at once as cores.
        """
        torch.set_num_threads(1)
        self._problem, self._count, self._members, self._processes = problem, count, members, processes
        self.pieces = count * members

    def work(self, repeat: int) -> list[TrainingRecord]:
        """Return the records of all runs."""
        runs = self._problem.runs(repeat, self._count, self._members)
        if self._processes:
            traces = train_all(runs, self._problem.experiment, {})
            shutil.rmtree(CHECKPOINTS)
            return traces
        return [train(run, self._problem.experiment) for run in runs]

    def outcome(self, done: list[TrainingRecord]) -> NDArray[np.floating]:
        """Return the final training loss of every net."""
        return np.concatenate([record.history["train_loss"][:, -1].numpy() for record in done])
