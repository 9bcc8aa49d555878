"""Analyses as entries of `reports/*.yaml`: one section per kind of analysis, one entry per experiment.

Each leaves tables in `plots/<report>/<experiment>/`, of which one is `<section>.csv`, and numbers
`metrics/<report>/<experiment>.<section>.json`. What it found of every replica by itself, claims are tested on.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from netclaims.errors import SettingsError, shown
from netclaims.settings.experiments import Against, DataName, report_file
from netclaims.settings.schema import Count, Name, Number, Positive, Settings, validate
from netclaims.settings.strict_yaml import read_yaml


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
    def _chosen_exist(self) -> Self:
        if unknown := [name for name in self.assumed if name not in self.model_fields_set]:
            raise ValueError(f"assumed: the entry has no {', '.join(unknown)}")
        return self


class DataSection(Section):
    """An entry of an analysis that reads the experiment's data, which it names for DVC."""

    data: DataName


class FitSettings(Section):
    """An entry of `fit:`: the experiment has to fit functions."""


class PcaSettings(DataSection):
    """An entry of `pca:`.

    `layer` is the layer followed by itself, counted from 1 among those with weights; the whole model comes with it.
    The loss on planes through weight space is that of the first `examples` of the training set, at `points` positions
    a side.
    """

    layer: Count = 1
    points: Annotated[int, Field(ge=3, le=1000)]
    examples: Count


class GradientSettings(Section):
    """An entry of `gradient:`: the experiment has to record `gradient_norm`, `against` step or epoch."""

    against: Literal["step", "epoch"]


class HessianSettings(Section):
    """An entry of `hessian:`.

    `descent` bounds the steps that lower the loss further, and `iterations` those that then lower the gradient norm;
    `neighbours` points are sampled around each net, at `radius` times the norm of its parameters.
    """

    descent: Annotated[int, Field(ge=0, le=10**6)]
    iterations: Annotated[int, Field(ge=0, le=10**6)]
    neighbours: Annotated[int, Field(ge=1, le=10_000)]
    radius: Positive


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

    `iterations` Lanczos steps give the largest eigenvalues and the spectral density, `probes` random vectors the trace
    (Hutchinson); `epsilon` is the size of the box in which sharpness looks for a higher loss (Keskar et al. 2017).
    """

    examples: Count
    iterations: Annotated[int, Field(ge=2, le=1000)]
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


Kind = TypeVar("Kind", bound=Section)


def load_section(section: str, key: str, kind: type[Kind]) -> Kind:
    """The entry of an experiment in one of the sections of its report file, checked.

    Raises:
        SettingsError: there is none, or anything in it is wrong.
    """
    path = report_file(key, section)
    entries = read_yaml(path).get(section) or {}
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: {section}: a mapping of experiments to their settings (found {shown(entries)})")
    if key not in entries:
        known = ", ".join(map(str, entries)) or "none"
        raise SettingsError(f"{path}: {section}.{key}: no such entry; there are {known}")
    return validate(kind, entries[key], path, f"{section}.{key}")
