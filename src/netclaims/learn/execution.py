"""Doing independent work: several pieces at once, with progress for whoever watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
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
    """`function` of the arguments of every job, in processes of one thread, as many as there are cores.

    Returns:
        The results, in the order of the jobs.
    """
    torch.set_num_threads(1)
    workers = min(cpu_count(), len(jobs))
    calls = (delayed(_alone)(function, job) for job in tqdm(jobs, desc=label, leave=False, disable=None))
    return Parallel(n_jobs=workers, backend="multiprocessing", pre_dispatch=workers)(calls)


def _alone(function: Callable[..., Result], arguments: tuple) -> Result:
    torch.set_num_threads(1)
    return function(*arguments)


def train_all(runs: list[Run], experiment: Experiment) -> list[Trace]:
    """Train every run, in processes of one thread, as many as there are cores.

    A run's numbers depend neither on the other runs nor on how many go on at once.

    Returns:
        The traces, in the order of the runs.
    """
    torch.set_num_threads(1)
    workers = min(cpu_count(), len(runs))
    largest_first = sorted(range(len(runs)), key=lambda i: -experiment.parameters(runs[i].model))
    jobs = (delayed(_train)(number, i, runs, experiment) for number, i in enumerate(largest_first, start=1))
    traces = Parallel(n_jobs=workers, backend="multiprocessing")(jobs)
    return [trace for _, trace in sorted(zip(largest_first, traces, strict=True), key=lambda pair: pair[0])]


def _train(number: int, index: int, runs: list[Run], experiment: Experiment) -> Trace:
    torch.set_num_threads(1)
    run = runs[index]
    # Each worker has a line of its own; without a terminal there is none at all.
    worker = next(iter(current_process()._identity), 1) - 1
    label = f"{run.key}: run {number} of {len(runs)}, {run.model}"
    with tqdm(total=run.epochs, desc=label, unit="epoch", position=worker, leave=False, disable=None) as bar:

        def watch(epoch: int, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            bar.update(epoch - bar.n)

        trace = train(run, experiment, watch)
    if any(trace.diverged):
        print(f"{label}: {sum(trace.diverged)} of {len(run.members)} nets diverged", file=sys.stderr)  # noqa: T201
    return trace
