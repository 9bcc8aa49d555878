"""Doing independent work, several pieces at once: on the cores of this machine, or of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

from netclaims.parallel.processes import each

Result = TypeVar("Result")


def in_parallel(function: Callable[..., Result], jobs: Sequence[tuple], label: str) -> list[Result]:
    """`function` of the arguments of every job: on every core of this machine, or of a Ray cluster.

    Returns:
        The results, in the order of the jobs.
    """
    torch.set_num_threads(1)
    alone = [(_alone, (function, job)) for job in jobs]
    return _on_cluster(alone, label) if _cluster() else each(alone, label)


def _cluster() -> str | None:
    """Where Ray's cluster is, by the variable that Ray itself reads; no stage depends on it."""
    return os.environ.get("RAY_ADDRESS")


def _on_cluster(*arguments: Any) -> list:
    from netclaims.parallel.ray_cluster import on_cluster  # Ray is an extra

    return on_cluster(*arguments)


def _alone(function: Callable[..., Result], arguments: tuple) -> Result:
    torch.set_num_threads(1)
    return function(*arguments)
