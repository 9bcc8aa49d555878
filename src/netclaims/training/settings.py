"""What training has to do, with every setting resolved: the settings of a `train` recipe."""

from __future__ import annotations

from dataclasses import dataclass

from netclaims.experiment import Experiment


@dataclass(frozen=True)
class Schedule:
    """The learning rate times `factor` after every `step` epochs (torch's StepLR)."""

    step: int
    factor: float


@dataclass(frozen=True)
class Augment:
    """Random changes of every training image each time it is used; losses are measured on the images as they are.

    Attributes:
        crop: the image is shifted by up to so many pixels each way, black coming in.
        flip: every second image is mirrored, left to right.
    """

    crop: int | None
    flip: bool


@dataclass(frozen=True)
class Record:
    """What training writes down beyond losses and accuracies after each epoch.

    Attributes:
        gradient_norm: `step`, that of every mini-batch; `epoch`, that of the training set after each recorded epoch.
        weights_every: all weights are kept at the start and after every so many epochs.
    """

    gradient_norm: str | None
    weights_every: int | None


@dataclass(frozen=True)
class Stop:
    """When a net is done before its epochs are over: one of two rules.

    Attributes:
        gradient_norm: that of the whole training set falls below it, looked at after each recorded epoch.
        loss_change: the training loss, as the epoch's mini-batches had it, changes by less than this in an epoch.
    """

    gradient_norm: float | None
    loss_change: float | None


@dataclass(frozen=True)
class Fitted:
    """When a net counts as having fitted its training set: one of two rules.

    Attributes:
        unexplained: of a function, the loss is at most this share of the variance of the targets.
        accuracy: of images, at least so many are classified right.
    """

    unexplained: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Setting:
    """One combination of what a sweep or a tuning varies, and how long it is trained.

    Attributes:
        batch_size: at most the size of the training set.
        equal: what it has in common with the other batch sizes: `epochs` or `steps`.
        epochs: passes over the training set, the last of which may end early.
        steps: optimiser steps in all.
        epoch_steps: optimiser steps that the learning-rate schedule counts as an epoch.
        control: whether the data come in another order than the replicas' own.
    """

    optimiser: str
    learning_rate: float
    batch_size: int
    shuffle_labels: float
    equal: str
    epochs: int
    steps: int
    epoch_steps: int
    control: bool = False


@dataclass(frozen=True, kw_only=True)
class Training(Experiment):
    """An experiment and how its nets are trained.

    Attributes:
        seed: root of every random stream.
        scale: name of the scale, which metrics repeat.
        replicas: runs of every network and setting from different initial weights.
        epochs_stated: as many as the report took; the scale may cut them.
        settings: every combination that is trained, those of the control last.
        resample: whether each replica's training set is drawn anew from all images, with replacement.
    """

    seed: int
    scale: str
    replicas: int
    epochs_stated: int
    settings: list[Setting]
    momentum: float
    weight_decay: float
    schedule: Schedule | None
    resample: bool
    augment: Augment | None
    stop: Stop | None
    fitted: Fitted | None
    record: Record
