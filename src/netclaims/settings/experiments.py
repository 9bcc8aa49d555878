"""What the `experiments:` of `reports/*.yaml` may say, and reading them."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from netclaims.data.functions import FUNCTIONS, evaluate, grid
from netclaims.errors import SettingsError, shown
from netclaims.nets.layers import Activation, Layer, Shape, count_parameters, shapes
from netclaims.paths import REPORTS, report_path
from netclaims.settings.params import Params
from netclaims.settings.schema import (
    KEY,
    Count,
    Line,
    Name,
    NonNegative,
    Number,
    Positive,
    Replicas,
    Settings,
    Share,
    validate,
)
from netclaims.settings.strict_yaml import read_yaml

DataName = Literal["functions", "mnist", "cifar10"]
# Shape of one input and number of outputs, which every network on that data has to take and give.
EXAMPLE: dict[str, Shape] = {"functions": (1,), "mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
OUTPUTS: dict[str, int] = {"functions": 1, "mnist": 10, "cifar10": 10}
MOST_COMBINATIONS = 1000  # of the values of a sweep and a tuning
LARGEST_NETWORK = 10**8  # trainable parameters, and numbers in a layer's output: beyond it memory would be short


class Model(Settings):
    """A network.

    `parameters` is the number that the report gives for it, if it does, and that the network has to have. Where no
    network of the report's description has that number, `stated` says what the report has in place of it.
    """

    layers: Annotated[list[Layer], Field(min_length=1)]
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


class Experiment(Settings):
    """One experiment of one report, as an entry of `experiments:`.

    `assumed` lists the settings that the report leaves open and this project fills in; `batch_size` among them, where
    the entry follows the knob, says that the report names no batch size. `stated` is what the report says where that
    and its numbers are two different things: the entry is then what gives the numbers.

    `examples` takes so many images of the training set, the first ones. `control` is a swept value that is trained once
    more, from the same initial weights with the data in another order, for interpolation to compare with. With `fitted`
    the metrics say how many epochs that took. `least_replicas` are trained even if the knob says fewer, where nets are
    so small that more cost little.
    """

    report: Name
    title: Line
    data: DataName
    functions: Annotated[list[Name], Field(min_length=1)] | None = None
    points: Annotated[int, Field(ge=2, le=10**6)] | None = None
    examples: Count | None = None
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
    replicas: Replicas | None = None
    least_replicas: Replicas | None = None
    shuffle_labels: Share | None = None
    augment: Augment | None = None
    sweep: Sweep = Sweep()
    tune: Sweep = Sweep()
    control: Number | None = None
    stop: Stop | None = None
    fitted: Fitted | None = None
    record: Record = Record()
    follows: Annotated[list[Literal["seed", "scale", "replicas", "batch_size"]], Field(min_length=2, max_length=2)]
    against: Against
    assumed: list[str] = Field(default=[])
    stated: str | None = None

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
        if fits and (self.shuffle_labels is not None or "shuffle_labels" in varied):
            raise ValueError("shuffle_labels: functions have no labels")
        for name in ("augment", "examples", "control"):
            if fits and getattr(self, name) is not None:
                raise ValueError(f"{name}: functions have no images")
        if self.fitted and fits == (self.fitted.unexplained is None):
            raise ValueError("fitted: unexplained goes with functions, accuracy with images")
        if set(self.sweep.varied) & set(self.tune.varied):
            raise ValueError("tune: names a setting that sweep names")
        for name in ("optimiser", "learning_rate"):
            if (getattr(self, name) is None) == (name not in varied):
                raise ValueError(f"{name}: give it once, in the entry or in its sweep or tune")
        combinations = prod(map(len, varied.values()))
        if combinations > MOST_COMBINATIONS:
            raise ValueError(f"sweep: {combinations:,} combinations, and at most {MOST_COMBINATIONS:,} are tried")
        if self.momentum and "adam" in (self.tune.optimiser or self.sweep.optimiser or [self.optimiser]):
            raise ValueError("momentum: adam has none to set; sgd and rmsprop have")
        for name, values in (("functions", self.functions or []), *varied.items()):
            if len(set(values)) < len(values):  # their nets would count as further replicas
                raise ValueError(f"{name}: a value twice in {values}")
        if "equal" in varied and ("batch_size" not in self.sweep.varied or "epochs" not in (self.sweep.equal or [])):
            raise ValueError("equal: goes with the batch sizes of a sweep, and has epochs among its values")
        if self.control is not None and self.control not in self.sweep.varied.get(self.against, []):
            raise ValueError(f"control: one of the values of {self.against} in the sweep (found {self.control:g})")
        own_batch = self.batch_size is not None or "batch_size" in varied
        for name in ("batch_size", "shuffle_labels"):
            if getattr(self, name) is not None and name in varied:
                raise ValueError(f"{name}: give it in the entry or in its sweep or tune, not in both")
        for name, own in (("batch_size", own_batch), ("replicas", self.replicas is not None)):
            if own == (name in self.follows):
                rule = "leave it out of follows" if own else f"give it, or list {name} in follows"
                raise ValueError(f"{name}: the entry {'has its own' if own else 'has none'}: {rule}")
        if self.replicas is not None and self.least_replicas is not None:
            raise ValueError("least_replicas: the entry has its own number of replicas")
        if self.against not in {"parameters", *varied, *self.follows}:
            raise ValueError(f"against: {self.against} does not vary in this experiment")
        unknown = [name for name in self.assumed if name.split(".")[0] not in {*self.model_fields_set, *self.follows}]
        if unknown:
            raise ValueError(f"assumed: the entry has no {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _networks_fit(self) -> Self:
        example, outputs = EXAMPLE[self.data], OUTPUTS[self.data]
        for name, model in self.models.items():
            where = f"models.{name}"
            try:
                layers = shapes(model.layers, example)
                found = count_parameters(model.layers, example)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
            last, shape = layers[-1]
            if max(found, *(prod(layer.output(size)) for layer, size in layers)) > LARGEST_NETWORK:
                raise ValueError(f"{where}: more than {LARGEST_NETWORK:,} parameters, or outputs of a layer")
            if self.functions and model.layers[-1] == "softmax":
                raise ValueError(f"{where}: softmax gives probabilities, and a function has none")
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
        wanted = self.replicas or max(params.replicas, self.least_replicas or 1)
        return min(wanted, params.chosen_scale.max_replicas)

    def parameters(self, model: str) -> int:
        """Number of trainable parameters of the named network."""
        return count_parameters(self.models[model].layers, EXAMPLE[self.data])


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
    path = report_file(key, "experiments")
    entries = _entries(path)
    if key not in entries:
        raise SettingsError(f"{path}: experiments.{key}: no such experiment; there are {', '.join(entries)}")
    return _experiment(key, entries[key], path)


def check_key(key: str, path: Path, section: str) -> None:
    """Check what an entry of a report is called.

    Raises:
        SettingsError: it is not named after the report, or with other characters than letters, digits, _ and -.
    """
    if not KEY.fullmatch(key) or not key.startswith(f"{path.stem}-"):
        rule = f"named {path.stem}-<name>, of at most 100 letters, digits, _ and -"
        raise SettingsError(f"{path}: {section}.{shown(key)[1:-1]}: {rule}")


def report_file(key: str, section: str) -> Path:
    """The file that an entry of that name is in, if there is one.

    Raises:
        SettingsError: no entry can have that name.
    """
    if not KEY.fullmatch(key):
        raise SettingsError(f"{REPORTS}: {section}: no name {shown(key)}; names have letters, digits, _ and -")
    return report_path(key)


def _entries(path: Path) -> dict[str, object]:
    entries = read_yaml(path).get("experiments")
    if not isinstance(entries, dict) or not entries:
        raise SettingsError(f"{path}: experiments: required, a mapping of at least one entry")
    return entries


def _experiment(key: str, entry: object, path: Path) -> Experiment:
    check_key(key, path, "experiments")
    experiment = validate(Experiment, entry, path, f"experiments.{key}")
    if experiment.report != path.stem:
        raise SettingsError(f"{path}: experiments.{key}.report: {path.stem} (found {experiment.report!r})")
    return experiment
