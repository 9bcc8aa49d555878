"""Doing independent work: several pieces at once, with progress for whoever watches.

A piece is done by one thread and draws on random streams of its own: its numbers depend neither on the other pieces,
nor on how many go on at once, nor on which machine of a cluster does it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing import current_process
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from netclaims.learn.checkpoint import Checkpoint
from netclaims.learn.config import Experiment
from netclaims.learn.plan import Run
from netclaims.learn.processes import each
from netclaims.learn.recorder import Trace
from netclaims.learn.training import train

Result = TypeVar("Result")


def in_parallel(function: Callable[..., Result], jobs: Sequence[tuple], label: str) -> list[Result]:
    """`function` of the arguments of every job: on every core of this machine, or of a Ray cluster.

    Returns:
        The results, in the order of the jobs.
    """
    torch.set_num_threads(1)
    alone = [(_alone, (function, job)) for job in jobs]
    return _on_cluster(alone, label) if _cluster() else each(alone, label)


def train_all(runs: list[Run], experiment: Experiment) -> list[Trace]:
    """Train every run that an earlier attempt has not finished, the largest networks first, and show their epochs.

    Finished runs leave their traces as checkpoints, until these are discarded.

    Returns:
        The traces, in the order of the runs.
    """
    torch.set_num_threads(1)
    checkpoints = [Checkpoint(run, experiment) for run in runs]
    left = [i for i, checkpoint in enumerate(checkpoints) if not checkpoint.trace()]
    left.sort(key=lambda i: -experiment.parameters(runs[i].model))
    labels = [f"{runs[i].key}: run {place} of {len(left)}, {runs[i].model}" for place, i in enumerate(left, start=1)]
    if _cluster():

        def keep(place: int, trace: Trace) -> None:
            _keep(checkpoints[left[place]], trace, labels[place])

        _on_cluster([(_alone, (train, (runs[i], experiment))) for i in left], runs[0].key, keep)
    else:
        jobs = [(runs[i], experiment, checkpoints[i], label) for i, label in zip(left, labels, strict=True)]
        each([(_alone, (_train, job)) for job in jobs])
    return [checkpoint.trace() for checkpoint in checkpoints]


def _cluster() -> str | None:
    """Where Ray's cluster is, by the variable that Ray itself reads; no stage depends on it."""
    return os.environ.get("RAY_ADDRESS")


def _on_cluster(*arguments: Any) -> list:
    from netclaims.learn.cluster import on_cluster  # Ray is an extra

    return on_cluster(*arguments)


def _alone(function: Callable[..., Result], arguments: tuple) -> Result:
    torch.set_num_threads(1)
    return function(*arguments)


def _train(run: Run, experiment: Experiment, checkpoint: Checkpoint, label: str) -> None:
    # Each worker has a line of its own; without a terminal there is none at all.
    worker = next(iter(current_process()._identity), 1) - 1
    with tqdm(total=run.epochs, desc=label, unit="epoch", position=worker, leave=False, disable=None) as bar:

        def watch(epoch: int, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            bar.update(epoch - bar.n)

        trace = train(run, experiment, watch, checkpoint)
    _keep(checkpoint, trace, label)


def _keep(checkpoint: Checkpoint, trace: Trace, label: str) -> None:
    if any(trace.diverged):
        print(f"{label}: {sum(trace.diverged)} of {len(trace.diverged)} nets diverged", file=sys.stderr)  # noqa: T201
    checkpoint.save_trace(trace)
