"""Analyses as entries of `reports/*.yaml`: one section per kind of analysis, one entry per experiment.

Each leaves tables in `plots/<report>/<experiment>/`, of which one is `<section>.csv`, and numbers
`metrics/<report>/<experiment>.<section>.json`. What it found of every replica by itself, claims are tested on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from netclaims.nets.layers import Dense, weighted_layers
from netclaims.settings.experiment_parts import Against
from netclaims.settings.experiments import DataName, ExperimentEntry
from netclaims.settings.schema import Count, Name, Number, Positive, Settings
from netclaims.tables.hessian import STARTS


class Section(Settings):
    """What every analysis entry has: its report, and the experiment whose nets it works on.

    That is mostly the one that the entry is named after. Where a report looks at the same nets twice, they are
    trained once, and the second experiment is an analysis of the first one's `nets`. `assumed` lists the settings that
    the report leaves open.
    """

    report: Name
    nets: Name
    assumed: list[str] = Field(default=[])

    @model_validator(mode="after")
    def _assumed_exist(self) -> Self:
        if unknown := [name for name in self.assumed if name not in self.model_fields_set]:
            raise ValueError(f"assumed: the entry has no {', '.join(unknown)}")
        return self

    # An entry repeats these of its experiment, so that dvc.yaml can name them.
    REPEATED: ClassVar = ("report", "data", "against")

    def faults(self, experiment: ExperimentEntry) -> Iterator[tuple[str, str]]:
        """Yield what this analysis needs of its experiment and does not find: a key of the entry, and what is allowed.

        The key is empty where it is the experiment as a whole that cannot be analysed.
        """
        for need, met in self.needs(experiment).items():
            if not met:
                yield "", f"works on an experiment that {need}"
        for name in self.REPEATED:
            said, meant = getattr(self, name, None), getattr(experiment, name)
            if said is not None and said != meant:
                yield name, f"the experiment has {meant} (found {said!r})"

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment, in words, and whether it is so."""
        raise NotImplementedError


def _as_it_is(experiment: ExperimentEntry) -> dict[str, bool]:
    """Return the needs of analyses that measure on the training set as it is: nets have learnt it, and no other."""
    shuffled = [experiment.shuffle_labels or 0.0, *experiment.varied.get("shuffle_labels", [])]
    return {
        "shuffles no labels: it is measured on the true ones": not any(shuffled),
        "resamples no images: it is measured on all of them": not experiment.resample,
    }


def _varies_nothing(how: str, varied: dict[str, list]) -> dict[str, bool]:
    """Return the need of analyses whose tables have no column for what a sweep or a tuning varies."""
    return {f"{how} nothing (found {', '.join(varied)})": not varied}


class DataSection(Section):
    """An entry of an analysis that reads the experiment's data, which it names for DVC."""

    data: DataName


class FitSettings(Section):
    """An entry of `fit:`: the experiment has to fit functions. Of a tuning, the best nets are taken."""

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment."""
        return {"fits functions": experiment.functions is not None} | _varies_nothing("sweeps", experiment.sweep.varied)


class PcaSettings(DataSection):
    """An entry of `pca:`.

    `layer` is the layer followed by itself, counted from 1 among those with weights; the whole model comes with it.
    The loss on planes through weight space is that of the first `examples` of the training set, at `points` positions
    a side.
    """

    layer: Count = 1
    points: Annotated[int, Field(ge=3, le=1000)]
    examples: Count

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment: replicas of one net, of which nothing else varies."""
        one = len(experiment.models) * len(experiment.functions or [None]) == 1 and not experiment.varied
        recorded = experiment.record.weights_every is not None
        return {"records weights_every, of one net with one setting": one and recorded} | _as_it_is(experiment)

    def faults(self, experiment: ExperimentEntry) -> Iterator[tuple[str, str]]:
        """Yield what is wrong, also where the net has fewer layers, or no path between its snapshots."""
        yield from super().faults(experiment)
        layers = max(weighted_layers(experiment.layers(model)) for model in experiment.models)
        if self.layer > layers:
            yield "layer", f"the net has {layers} layers (found {self.layer})"
        every = experiment.record.weights_every or 0
        if every > experiment.epochs and not experiment.stop:
            yield "nets", f"its record.weights_every is at most its {experiment.epochs:,} epochs (found {every:,})"


class GradientSettings(Section):
    """An entry of `gradient:`: the experiment has to record `gradient_norm`, `against` step or epoch."""

    against: Literal["step", "epoch"]
    REPEATED: ClassVar = ("report",)

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment."""
        return {"records gradient_norm": experiment.record.gradient_norm is not None}

    def faults(self, experiment: ExperimentEntry) -> Iterator[tuple[str, str]]:
        """Yield what is wrong, also where the norm is recorded otherwise."""
        yield from super().faults(experiment)
        recorded = experiment.record.gradient_norm
        if recorded not in (None, self.against):
            yield "against", f"the experiment has {recorded} (found {self.against!r})"


class HessianSettings(Section):
    """An entry of `hessian:`.

    A search for a point of zero gradient begins at each of the `starts`: `descended` is the end of training, with the
    loss lowered first and then the gradient norm; `trained` is that with the gradient norm alone, as are `early`, the
    first record of the weights in the course of training, and `random`, the initial weights.

    `descent` bounds the steps that lower the loss further, and `iterations` those that then lower the gradient norm;
    `neighbours` points are sampled around each net, at `radius` times the norm of its parameters.
    """

    starts: Annotated[list[Literal[*STARTS]], Field(min_length=1)] = STARTS[:1]
    descent: Annotated[int, Field(ge=0, le=10**6)]
    iterations: Annotated[int, Field(ge=0, le=10**6)]
    neighbours: Annotated[int, Field(ge=1, le=10_000)]
    radius: Positive

    @model_validator(mode="after")
    def _each_start_once(self) -> Self:
        if len(set(self.starts)) < len(self.starts):
            raise ValueError(f"starts: a start twice in {self.starts}")
        return self

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment."""
        layers = [layer for model in experiment.models for layer in experiment.layers(model)]
        biased = all(layer.bias for layer in layers if isinstance(layer, Dense))
        fits = {"fits functions with biases in every layer": experiment.functions is not None and biased}
        recorded = not {"early", "random"} & set(self.starts) or experiment.record.weights_every is not None
        fits["records weights_every, for the starts early and random"] = recorded
        return fits | _varies_nothing("sweeps and tunes", experiment.varied)


class InterpolateSettings(DataSection):
    """An entry of `interpolate:`: from the nets of one value of a swept setting (α = 0) to those of another (α = 1).

    `alpha` is the range of α and `points` the number of positions on it, ends included; 0 and 1 have to be among them.
    With `examples`, the three sensitivities are measured along the line as well, on so many images of the test set.
    """

    over: Literal["batch_size", "learning_rate"]
    between: Annotated[list[Number], Field(min_length=2, max_length=2)]
    alpha: Annotated[list[Number], Field(min_length=2, max_length=2)]
    points: Annotated[int, Field(ge=2, le=10_000)]
    examples: Count | None = None

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment."""
        others = set(experiment.varied) - {self.over, "equal", "shuffle_labels"}
        alone = f"sweeps {self.over}, and nothing besides (found {', '.join(sorted(others))})"
        return {"classifies images": experiment.functions is None} | _as_it_is(experiment) | {alone: not others}

    def faults(self, experiment: ExperimentEntry) -> Iterator[tuple[str, str]]:
        """Yield what is wrong, also where a value is not swept."""
        yield from super().faults(experiment)
        values = experiment.varied.get(self.over, [])
        if missing := [value for value in self.between if value not in values]:
            yield "between", f"{self.over} is not swept at {missing}; values: {values}"

    @model_validator(mode="after")
    def _ends_on_the_line(self) -> Self:
        if self.between[0] == self.between[1]:
            raise ValueError(f"between: two values that differ (found {self.between})")
        grid = np.linspace(*self.alpha, self.points)
        if not all(np.isclose(grid, end).any() for end in (0, 1)):
            raise ValueError(f"points: 0 and 1 have to be among {self.points} positions from {self.alpha}")
        return self


class CurvatureSettings(Settings):
    """How the curvature of the training loss is measured, on the first `examples` of the training set.

    Runs of `iterations` Lanczos steps from `starts` random vectors give the largest eigenvalue and the spectral
    density, `probes` random vectors the trace (Hutchinson); `epsilon` is the size of the box in which sharpness looks
    for a higher loss (Keskar et al. 2017).
    """

    examples: Count
    iterations: Annotated[int, Field(ge=2, le=1000)]
    starts: Annotated[int, Field(ge=1, le=1000)]
    probes: Annotated[int, Field(ge=1, le=10_000)]
    epsilon: Positive


class SensitivitySettings(DataSection):
    """An entry of `sensitivity:`.

    `examples` is the size of the evaluation set, the first images of the test set; `against` is the experiment's;
    `curvature` says how the second derivatives are measured.
    """

    against: Against
    examples: Count
    curvature: CurvatureSettings

    def needs(self, experiment: ExperimentEntry) -> dict[str, bool]:
        """Return what the analysis needs of an experiment."""
        images = {"classifies images": experiment.functions is None}
        return images | _as_it_is(experiment) | _varies_nothing("tunes", experiment.tune.varied)


ANALYSES: dict[str, type[Section]] = {
    "fit": FitSettings,
    "pca": PcaSettings,
    "gradient": GradientSettings,
    "hessian": HessianSettings,
    "interpolate": InterpolateSettings,
    "sensitivity": SensitivitySettings,
}
