"""Whether there is room for a run at the paper scale, before it starts: rough, and rather too much than too little."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from math import prod
from pathlib import Path

import psutil

from netclaims.training.settings import Training

FLOAT = 4  # bytes
PROCESS = 0.8e9  # bytes of a process that has torch and has trained
COPIES = 3  # of what a training writes: in `checkpoints` until it is stored, in `runs`, and in DVC's cache
HELD = 2  # times that an analysis holds the images


def disk(trainings: Iterable[Training]) -> float:
    """Estimate the bytes of all weights that trainings keep, at their ends and on the way."""
    return COPIES * FLOAT * sum(
        training.replicas * len(training.functions or [None]) * training.parameters(model)
        * (1 + (setting.epochs // training.record.weights_every if training.record.weights_every else 0))
        for training in trainings
        for model in training.models
        for setting in training.settings
    )  # fmt: skip


def memory(trainings: Iterable[Training], processes: int) -> float:
    """Estimate the bytes of memory that so many processes take, each at the training with the most data."""
    images = max((training.train_size * prod(training.example) for training in trainings), default=0)
    return processes * (PROCESS + HELD * FLOAT * images)


def shortage(trainings: list[Training], processes: int, folder: Path) -> str:
    """Say in a line what there is too little of, if anything.

    Args:
        trainings: those to be run.
        processes: how many work at once.
        folder: where they write.
    """
    wanted, free = disk(trainings), shutil.disk_usage(folder).free
    if wanted > free:
        return f"{folder.resolve()}: {wanted / 1e9:.1f} GB of trained nets to be kept, and {free / 1e9:.1f} GB free"
    wanted, free = memory(trainings, processes), psutil.virtual_memory().available
    if wanted > free:
        return (
            f"{processes} processes take about {wanted / 1e9:.0f} GB of memory, and {free / 1e9:.0f} GB are available"
        )
    return ""
