"""Prepared data as tensors in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from netclaims.data.functions import evaluate, grid
from netclaims.experiment import Experiment
from netclaims.files import read_array
from netclaims.paths import DATA


@dataclass(frozen=True)
class Examples:
    """Examples as the networks take them.

    Attributes:
        x: inputs of shape (examples, *shape of one input).
        y: targets, with a leading dimension of members or of 1 if they share them: classes (members, examples),
            or function values (members, examples, 1).
    """

    x: Tensor
    y: Tensor

    def to(self, device: str) -> Examples:
        """Return the same examples on a device."""
        return Examples(self.x.to(device), self.y.to(device))


@cache
def images(name: str) -> tuple[Examples, Examples]:
    """Read the training and test images of the prepared data set.

    Pixels are scaled to [0, 1] and standardised by the mean and standard deviation of each channel over the
    training set (the reports do not say how they scaled theirs).
    """
    mean, deviation = standard(name)

    def part(which: str) -> Examples:
        x = (read_array(DATA / name / f"{which}_images.npy") / np.float32(255) - mean) / deviation
        # Convolutions on the CPU are about a third faster with the channels last in memory.
        x = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
        return Examples(x, torch.from_numpy(read_array(DATA / name / f"{which}_labels.npy")).unsqueeze(0))

    return part("train"), part("test")


@cache
def standard(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each channel over the training set, of pixels in [0, 1]."""
    pixels, axes = read_array(DATA / name / "train_images.npy"), (0, 2, 3)
    mean = (pixels.mean(axes, keepdims=True) / 255).astype(np.float32)
    deviation = (pixels.std(axes, keepdims=True) / 255).astype(np.float32)
    deviation[deviation == 0] = 1  # a channel of one colour stays at 0
    return mean, deviation


def black(name: str) -> Tensor:
    """Return what a pixel of 0 becomes in each channel of the prepared data set: (channels,)."""
    mean, deviation = standard(name)
    return torch.from_numpy(-mean / deviation).flatten()


def function_values(functions: list[str], x: np.ndarray, dtype: torch.dtype = torch.float32) -> Examples:
    """Return positions as inputs, and the values there of each function as one member's targets.

    Args:
        functions: names, one per member.
        x: positions (points,).
        dtype: of inputs and targets.
    """
    y = np.stack([evaluate(name, x) for name in functions])
    return Examples(torch.from_numpy(x).to(dtype).unsqueeze(1), torch.from_numpy(y).to(dtype).unsqueeze(2))


def held_out(functions: list[str]) -> Examples:
    """Read the prepared grid of held-out points, with the values of each function as one member's targets."""
    folder = DATA / "functions"
    x = read_array(folder / "test_x.npy")
    y = np.stack([read_array(folder / f"{name}.npy") for name in functions])
    return Examples(torch.from_numpy(x).float().unsqueeze(1), torch.from_numpy(y).float().unsqueeze(2))


def parts(experiment: Experiment, functions: list[str]) -> tuple[Examples, Examples]:
    """Return training and test data of nets that fit `functions` (one name per net), or of image classifiers.

    Images are standardised by the whole training set, also where the experiment takes its first examples alone.
    """
    if experiment.points:
        return function_values(functions, grid(experiment.points)), held_out(functions)
    train, test = images(experiment.data)
    return first_examples(train, experiment.train_size), test


def first_examples(part: Examples, count: int) -> Examples:
    """Return the first `count` examples, or all where there are fewer."""
    return Examples(part.x[:count], part.y[:, :count])


def measured_part(experiment: Experiment, train: Examples, test: Examples) -> Examples:
    """Return the training examples whose loss is measured along a training or a line between nets: the first ones.

    To classify all images after every epoch would take a third of a training. As many as the test set has give both
    losses the same sampling error. Functions have few points, and all of them count.
    """
    return train if experiment.functions or len(train.x) <= len(test.x) else first_examples(train, len(test.x))


def resampled(part: Examples, seed: torch.Generator) -> Examples:
    """Draw as many images as there are, with replacement (a bootstrap sample: Efron 1979).

    Args:
        part: images and their classes.
        seed: stream that draws.
    """
    drawn = torch.randint(len(part.x), (len(part.x),), generator=seed)
    return Examples(part.x[drawn].contiguous(memory_format=torch.channels_last), part.y[:, drawn])


def shuffled(labels: Tensor, share: float, seed: torch.Generator) -> Tensor:
    """Permute a random `share` of the labels among itself: the classes keep their sizes.

    Args:
        labels: (examples,).
        share: of the examples, in [0, 1].
        seed: stream that picks and permutes.
    """
    chosen = torch.randperm(len(labels), generator=seed)[: round(share * len(labels))]
    result = labels.clone()
    result[chosen] = labels[chosen[torch.randperm(len(chosen), generator=seed)]]
    return result
