"""Doing independent work, several pieces at once: on the cores of this machine, or of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

from netclaims.parallel.processes import each

Result = TypeVar("Result")


def in_parallel(function: Callable[..., Result], jobs: Sequence[tuple], label: str) -> list[Result]:
    """Call a function with the arguments of every job: on every core of this machine, or of a Ray cluster.

    Args:
        function: what is to be done.
        jobs: its arguments, a tuple for each job.
        label: of a line of progress.

    Returns:
        The results, in the order of the jobs.
    """
    torch.set_num_threads(1)
    alone = [(in_one_thread, (function, job)) for job in jobs]
    return on_cluster(alone, label) if cluster() else each(alone, label)


def cluster() -> str | None:
    """Return the address of Ray's cluster, by the variable that Ray itself reads; no stage depends on it."""
    return os.environ.get("RAY_ADDRESS")


def on_cluster(*arguments: Any) -> list:
    """Do jobs on the machines of the cluster: `ray_cluster.on_cluster`, imported where there is one."""
    from netclaims.parallel.ray_cluster import on_cluster  # Ray is an extra

    return on_cluster(*arguments)


def in_one_thread(function: Callable[..., Result], arguments: tuple) -> Result:
    """Call a function in a process that does its arithmetic in one thread."""
    torch.set_num_threads(1)
    return function(*arguments)
