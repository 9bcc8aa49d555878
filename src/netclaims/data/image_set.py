"""Labelled images as every source gives them, and choosing some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netclaims.nets.layers import Shape


class Split(NamedTuple):
    """Images, uint8 of shape (n, channels, height, width), and their labels, int64 of shape (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class ImageSet:
    """A data set: its training and test images, the class name of each label, and where it comes from."""

    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    licence: str
    citation: str

    @property
    def shape(self) -> Shape:
        """Channels, height and width of an image."""
        return self.train.images.shape[1:]


def balanced(labels: NDArray[np.int64], size: int) -> NDArray[np.intp]:
    """Return the positions of `size` examples, as many of each class as there are or as balance allows.

    They are in an order whose every beginning is balanced too, so that the first n stand for all, and a smaller choice
    is the beginning of a larger one. The choice depends on nothing but the labels.
    """
    shuffled = np.random.default_rng(0).permutation(len(labels))
    turn = np.empty_like(labels)  # the examples of each class take turns 0, 1, 2, ...
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        turn[members] = np.arange(len(members))
    return np.lexsort((labels, turn))[:size]


def balanced_split(split: Split, size: int) -> Split:
    """Return at most `size` images of the split, in a balanced order."""
    chosen = balanced(split.labels, size)
    return Split(split.images[chosen], split.labels[chosen])
