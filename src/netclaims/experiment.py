"""An experiment as stages know it: plain values, with every setting resolved."""

from __future__ import annotations

from dataclasses import dataclass

from netclaims.data.registry import DATA_KINDS
from netclaims.nets.layers import Layer, Shape, count_parameters
from netclaims.tables.columns import identity


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Nets that were trained together, as far as those who look at them afterwards have to know.

    Attributes:
        key: its name, `<report>-<name>`.
        data: name of the prepared data, a key of `DATA_KINDS`.
        functions: names of the target functions, None on images.
        points: size of the training set of a function, on a grid; None on images.
        train_size: size of the training set.
        examples: as many images of it as the report took, if not all.
        models: layers of every network, by its name.
        activation: relu, leaky_relu or tanh.
        loss: mse or cross_entropy.
        swept: the settings that a sweep varies.
        tuned: the settings of which the best value is looked for.
    """

    key: str
    data: str
    functions: list[str] | None
    points: int | None
    train_size: int
    examples: int | None
    models: dict[str, list[Layer]]
    activation: str
    loss: str
    swept: list[str]
    tuned: list[str]

    @property
    def example(self) -> Shape:
        """The shape of one input."""
        return DATA_KINDS[self.data].shape

    @property
    def identity(self) -> list[str]:
        """The columns that tell its nets apart in tables, besides the replica."""
        return identity(self.functions, (*self.swept, *self.tuned))

    def parameters(self, model: str) -> int:
        """Return the number of trainable parameters of the named network."""
        return count_parameters(self.models[model], self.example)
