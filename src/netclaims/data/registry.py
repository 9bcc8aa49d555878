"""What experiments can be on: each prepared data set has a folder `data/<name>`."""

from __future__ import annotations

from dataclasses import dataclass

from netclaims.nets.layers import Shape


@dataclass(frozen=True)
class DataKind:
    """What nets on a data set take and give.

    Attributes:
        title: what the reports call it.
        shape: of one input: (features,) or (channels, height, width).
        outputs: numbers that a net gives: one value of a function, or one logit for each class of the reports' data.
    """

    title: str
    shape: Shape
    outputs: int


DATA_KINDS = {
    "functions": DataKind("functions", (1,), 1),
    "mnist": DataKind("MNIST", (1, 28, 28), 10),
    "cifar10": DataKind("CIFAR-10", (3, 32, 32), 10),
}
