"""Doing independent work: several pieces at once, with progress for whoever watches.

A piece is done by one thread and draws on random streams of its own: its numbers depend neither on the other pieces,
nor on how many go on at once, nor on which machine of a cluster does it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import current_process
from typing import TypeVar

import torch
from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from netclaims.learn.config import Experiment
from netclaims.learn.plan import Run
from netclaims.learn.training import Trace, train

Result = TypeVar("Result")


def in_parallel(function: Callable[..., Result], jobs: Sequence[tuple], label: str) -> list[Result]:
    """`function` of the arguments of every job: on every core of this machine, or of a Ray cluster.

    Returns:
        The results, in the order of the jobs.
    """
    shown = jobs if _cluster() else tqdm(jobs, desc=label, leave=False, disable=None)
    return _each(function, shown, len(jobs), label)


def train_all(runs: list[Run], experiment: Experiment) -> list[Trace]:
    """Train every run, the largest networks first, and show the epochs of those that go on here.

    Returns:
        The traces, in the order of the runs.
    """
    largest_first = sorted(range(len(runs)), key=lambda i: -experiment.parameters(runs[i].model))
    jobs = [(number, len(runs), runs[i], experiment) for number, i in enumerate(largest_first, start=1)]
    traces = _each(_train, jobs, len(jobs), runs[0].key)
    return [trace for _, trace in sorted(zip(largest_first, traces, strict=True), key=lambda pair: pair[0])]


def _cluster() -> str | None:
    """Where Ray's cluster is, by the variable that Ray itself reads; no stage depends on it."""
    return os.environ.get("RAY_ADDRESS")


def _each(function: Callable[..., Result], jobs: Iterable[tuple], count: int, label: str) -> list[Result]:
    if _cluster():
        from netclaims.learn.cluster import on_cluster  # Ray is an extra

        return on_cluster(_alone, [(function, job) for job in jobs], label)
    torch.set_num_threads(1)
    workers = min(cpu_count(), count)
    calls = (delayed(_alone)(function, job) for job in jobs)
    return Parallel(n_jobs=workers, backend="multiprocessing", pre_dispatch=workers)(calls)


def _alone(function: Callable[..., Result], arguments: tuple) -> Result:
    torch.set_num_threads(1)
    return function(*arguments)


def _train(number: int, count: int, run: Run, experiment: Experiment) -> Trace:
    # Each worker has a line of its own; without a terminal there is none at all.
    worker = next(iter(current_process()._identity), 1) - 1
    label = f"{run.key}: run {number} of {count}, {run.model}"
    with tqdm(total=run.epochs, desc=label, unit="epoch", position=worker, leave=False, disable=None) as bar:

        def watch(epoch: int, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            bar.update(epoch - bar.n)

        trace = train(run, experiment, watch)
    if any(trace.diverged):
        print(f"{label}: {sum(trace.diverged)} of {len(run.members)} nets diverged", file=sys.stderr)  # noqa: T201
    return trace
