"""The blocks that an entry of `experiments:` is made of."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from netclaims.settings.layers import LayerEntry
from netclaims.settings.schema import Count, Positive, Settings, Share


class Model(Settings):
    """A network.

    `parameters` is the number that the report gives for it, if it does, and that the network has to have. Where no
    network of the report's description has that number, `stated` says what the report has in place of it.
    """

    layers: Annotated[list[LayerEntry], Field(min_length=1)]
    parameters: Count | None = None
    stated: str | None = None


class Augment(Settings):
    """Random changes of every training image each time it is used; losses are measured on the images as they are.

    `crop: n` shifts the image by up to n pixels each way, black coming in; `flip: true` mirrors every second one,
    left to right.
    """

    crop: Count | None = None
    flip: bool = False

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.crop or self.flip):
            raise ValueError("crop: give it, or flip: true, or leave augment out")
        return self


class Schedule(Settings):
    """The learning rate times `factor` after every `step` epochs (torch's StepLR)."""

    step: Count
    factor: Positive


Against = Literal["parameters", "learning_rate", "batch_size", "shuffle_labels"]
OptimiserName = Literal["adam", "sgd", "rmsprop"]


class Sweep(Settings):
    """Settings tried in every combination, each with every model.

    `equal` says what nets of several batch sizes have in common: the number of `epochs`, and so of examples seen, or
    of optimiser `steps`. They take as many steps as the middle batch size does in its epochs, within the scale's bound.
    """

    optimiser: Annotated[list[OptimiserName], Field(min_length=1)] | None = None
    learning_rate: Annotated[list[Positive], Field(min_length=1)] | None = None
    batch_size: Annotated[list[Count], Field(min_length=1)] | None = None
    shuffle_labels: Annotated[list[Share], Field(min_length=1)] | None = None
    equal: Annotated[list[Literal["epochs", "steps"]], Field(min_length=1)] | None = None

    @property
    def varied(self) -> dict[str, list]:
        """The settings it names and the values of each."""
        return {name: values for name in type(self).model_fields if (values := getattr(self, name))}


class Record(Settings):
    """What training writes down beyond losses and accuracies after each epoch.

    `gradient_norm: step` is the norm of the mini-batch gradient at every optimiser step, `gradient_norm: epoch` that
    of the whole training set after each recorded epoch; `weights_every: n` is all weights at the start and after
    every n epochs (fewer where the scale cuts epochs, so that there are as many).
    """

    gradient_norm: Literal["step", "epoch"] | None = None
    weights_every: Count | None = None


class Fitted(Settings):
    """When a net counts as having fitted its training set.

    `unexplained`: of a function, the loss is at most this share of the variance of the targets, the loss of the best
    constant. `accuracy`: of images, at least so many are classified right.
    """

    unexplained: Share | None = None
    accuracy: Share | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.unexplained is None) == (self.accuracy is None):
            raise ValueError("unexplained: give it or accuracy, one of the two")
        return self


class Stop(Settings):
    """When a replica is done before its epochs are over.

    `gradient_norm`: that of the whole training set falls below it, looked at after each recorded epoch.
    `loss_change`: the training loss, as the epoch's mini-batches had it, changes by less than this from one epoch
    to the next.
    """

    gradient_norm: Positive | None = None
    loss_change: Positive | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.gradient_norm is None) == (self.loss_change is None):
            raise ValueError("gradient_norm: give it or loss_change, one of the two")
        return self
