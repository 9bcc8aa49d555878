"""What the `experiments:` of `reports/*.yaml` may say, and reading them."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from netclaims.data.functions import FUNCTIONS, evaluate, grid
from netclaims.data.registry import DATA_KINDS
from netclaims.errors import SettingsError, shown, told_with
from netclaims.nets.layers import Layer, count_parameters, shapes
from netclaims.paths import KEY
from netclaims.settings.experiment_parts import (
    Against,
    Augment,
    Fitted,
    Model,
    OptimiserName,
    Record,
    Schedule,
    Stop,
    Sweep,
)
from netclaims.settings.layers import plain
from netclaims.settings.params import Params
from netclaims.settings.schema import (
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
from netclaims.tables.columns import identity

DataName = Literal[tuple(DATA_KINDS)]
MOST_COMBINATIONS = 1000  # values of a sweep and a tuning, multiplied
LARGEST_NETWORK = 10**8  # trainable parameters, and numbers in a layer's output: beyond it memory would be short


class ExperimentEntry(Settings):
    """One experiment of one report, as an entry of `experiments:`.

    `assumed` lists the settings that the report leaves open and this project fills in. `batch_size` among them, where
    the entry leaves it to the knob, says that the report names none, and `domain` that it does not say on which
    interval functions are fitted. `stated` is what the report says where the entry is something else: where its words
    and its numbers are two different things the entry is what gives the numbers.

    `examples` takes so many images of the training set, the first ones. `control` is a swept value that is trained once
    more, from the same initial weights with the data in another order, for interpolation to compare with. With `fitted`
    the metrics say how many epochs that took. With `resample` every replica has a training set of its own, drawn with
    replacement from the images: its results vary as they would with other data, too. `least_replicas` are trained even
    if the knob says fewer: where nets are so small that more cost little, and eight where nets are compared with a
    number that a report states, which a sign test of fewer does not tell from theirs among six claims on a question
    (eight tell them from a margin around it, of which either side counts, among three claims). Without `batch_size` or
    `replicas`, the knobs of `params.yaml` say how many.
    """

    report: Name
    title: Line
    data: DataName
    functions: Annotated[list[Name], Field(min_length=1)] | None = None
    points: Annotated[int, Field(ge=2, le=10**6)] | None = None
    examples: Count | None = None
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    activation: Literal["relu", "leaky_relu", "tanh"]
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
    resample: bool = False
    augment: Augment | None = None
    sweep: Sweep = Sweep()
    tune: Sweep = Sweep()
    control: Number | None = None
    stop: Stop | None = None
    fitted: Fitted | None = None
    record: Record = Record()
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
        for name in ("augment", "examples", "control", "resample"):
            if fits and (value := getattr(self, name)) is not None and value is not False:
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
        for name in ("batch_size", "shuffle_labels"):
            if getattr(self, name) is not None and name in varied:
                raise ValueError(f"{name}: give it in the entry or in its sweep or tune, not in both")
        if self.replicas is not None and self.least_replicas is not None:
            raise ValueError("least_replicas: the entry has its own number of replicas")
        if self.against not in {"parameters", *varied, *(["batch_size"] if self.follows_batch_size else [])}:
            raise ValueError(f"against: {self.against} does not vary in this experiment")
        there = {*self.model_fields_set, *self.knobs, *(["domain"] if fits else [])}
        unknown = [name for name in self.assumed if name.split(".")[0] not in there]
        if unknown:
            raise ValueError(f"assumed: the entry has no {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _networks_fit(self) -> Self:
        kind = DATA_KINDS[self.data]
        for name, model in self.models.items():
            where = f"models.{name}"
            layers = self.layers(name)
            try:
                sizes = shapes(layers, kind.shape)
                found = count_parameters(layers, kind.shape)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from None
            outputs = [layer.output(size) for layer, size in zip(layers, sizes, strict=True)]
            if max(found, *map(prod, outputs)) > LARGEST_NETWORK:
                raise ValueError(f"{where}: more than {LARGEST_NETWORK:,} parameters, or outputs of a layer")
            if self.functions and model.layers[-1] == "softmax":
                raise ValueError(f"{where}: softmax gives probabilities, and a function has none")
            if len(outputs[-1]) > 1 or (self.functions and outputs[-1] != (kind.outputs,)):
                needs = "functions needs 1 output" if self.functions else f"{self.data} needs one output a class"
                raise ValueError(f"{where}: ends with shape {outputs[-1]}; {needs}")
            if model.parameters not in (None, found):
                raise ValueError(f"{where}: has {found:,} parameters, and the report states {model.parameters:,}")
        return self

    @model_validator(mode="after")
    def _crops_leave_something(self) -> Self:
        crop = self.augment and self.augment.crop
        if crop and crop >= (side := DATA_KINDS[self.data].shape[-1]):  # shifted so far, an image can be black all over
            raise ValueError(f"augment.crop: at most {side - 1}, as images have {side} pixels a side (found {crop})")
        return self

    @property
    def varied(self) -> dict[str, list]:
        """The settings that a sweep or a tuning varies, and the values of each."""
        return {**self.sweep.varied, **self.tune.varied}

    @property
    def identity(self) -> list[str]:
        """The columns that tell its nets apart in tables, besides the replica."""
        return identity(self.functions, self.varied)

    @property
    def networks(self) -> dict[str, list[Layer]]:
        """The layers of every network."""
        return {model: self.layers(model) for model in self.models}

    @property
    def follows_batch_size(self) -> bool:
        """Whether the batch size is that of `params.yaml`."""
        return self.batch_size is None and "batch_size" not in self.varied

    @property
    def knobs(self) -> list[str]:
        """The settings that the entry leaves to `params.yaml`."""
        left = {"batch_size": self.follows_batch_size, "replicas": self.replicas is None}
        return [name for name, follows in left.items() if follows]

    def replicas_within(self, params: Params) -> int:
        """Return the runs of each network: the entry's own number or the knob's, within the scale's bound."""
        wanted = self.replicas or max(params.replicas, self.least_replicas or 1)
        return min(wanted, params.chosen_scale.max_replicas)

    def layers(self, model: str) -> list[Layer]:
        """Return the layers of the named network."""
        return [plain(entry) for entry in self.models[model].layers]

    def outputs(self, model: str) -> int:
        """Return how many numbers the named network gives."""
        layers = self.layers(model)
        (outputs,) = layers[-1].output(shapes(layers, DATA_KINDS[self.data].shape)[-1])
        return outputs

    def parameters(self, model: str) -> int:
        """Return the number of trainable parameters of the named network."""
        return count_parameters(self.layers(model), DATA_KINDS[self.data].shape)


def load_experiments(path: Path) -> dict[str, ExperimentEntry]:
    """Read and check the experiments of one report file.

    Raises:
        SettingsError: a line for every fault in them.
    """
    experiments, faults = {}, []
    for key, entry in _entries(path).items():
        with told_with(faults):
            experiments[key] = _experiment(key, entry, path)
    if faults:
        raise SettingsError("\n".join(faults))
    return experiments


def check_key(key: str, path: Path, section: str) -> None:
    """Check what an entry of a report is called.

    Args:
        key: its name.
        path: the report file.
        section: where it stands in that.

    Raises:
        SettingsError: it is not named after the report, or with other characters than letters, digits, _ and -.
    """
    if not KEY.fullmatch(key) or not key.startswith(f"{path.stem}-"):
        rule = f"named {path.stem}-<name>, of at most 100 letters, digits, _ and -"
        raise SettingsError(f"{path}: {section}.{shown(key)[1:-1]}: {rule}")


def _entries(path: Path) -> dict[str, object]:
    entries = read_yaml(path).get("experiments")
    if not isinstance(entries, dict) or not entries:
        raise SettingsError(f"{path}: experiments: required, a mapping of at least one entry")
    return entries


def _experiment(key: str, entry: object, path: Path) -> ExperimentEntry:
    check_key(key, path, "experiments")
    experiment = validate(ExperimentEntry, entry, path, f"experiments.{key}")
    if experiment.report != path.stem:
        raise SettingsError(f"{path}: experiments.{key}.report: {path.stem} (found {experiment.report!r})")
    return experiment
