"""Everything that the settings files say, checked at once, and then entry by entry for DVC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from netclaims.claims.check_claims import load_claims
from netclaims.claims.stated import load_results
from netclaims.errors import SettingsError, shown
from netclaims.nets.layers import Dense, parameter_shapes
from netclaims.paths import REPORTS, SETTINGS
from netclaims.settings.analyses import (
    FitSettings,
    GradientSettings,
    HessianSettings,
    InterpolateSettings,
    PcaSettings,
    Section,
    SensitivitySettings,
)
from netclaims.settings.experiments import EXAMPLE, Experiment, check_key, load_experiments
from netclaims.settings.figures import FiguresSettings
from netclaims.settings.params import load_params
from netclaims.settings.schema import validate
from netclaims.settings.strict_yaml import read_yaml

SECTIONS: dict[str, type[Section | FiguresSettings]] = {
    "fit": FitSettings,
    "pca": PcaSettings,
    "gradient": GradientSettings,
    "hessian": HessianSettings,
    "interpolate": InterpolateSettings,
    "sensitivity": SensitivitySettings,
    "figures": FiguresSettings,
}


def check_settings() -> int:
    """Check `params.yaml` and every file in `reports/`.

    Returns:
        The number of experiments.

    Raises:
        SettingsError: a line for every fault that was found, over all files.
    """
    faults, count = [], 0
    try:
        load_params()
    except SettingsError as error:
        faults.append(str(error))
    paths = sorted(REPORTS.glob("*.yaml"))
    if not paths:
        faults.append(f"{REPORTS}: no report there, expected a file <report>.yaml for each")
    for path in paths:
        try:
            count += _check_report(path)
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return count


def settings_files() -> Iterator[tuple[Path, str]]:
    """What the stages depend on of `reports/*.yaml`: files of one entry, so that a change reruns what it concerns.

    As `params` of stages the entries would stand in `dvc.lock` as well, which DVC reads and writes anew for every stage
    that runs, and every stage would read the whole report file to compare its own entry.

    Yields:
        Path and content of `data/settings/<section>/<key>.json`, for figures `data/settings/figures/<report>.json`.
    """
    for path in sorted(REPORTS.glob("*.yaml")):
        content = read_yaml(path)
        for section in ("experiments", *SECTIONS):
            entries = content.get(section) or {}
            for key, entry in {path.stem: entries}.items() if section == "figures" else entries.items():
                yield SETTINGS / section / f"{key}.json", json.dumps(entry, indent=1, ensure_ascii=False) + "\n"


def _check_report(path: Path) -> int:
    content, experiments = read_yaml(path), load_experiments(path)
    for section, entries in content.items():
        if section in ("experiments", "results", "claims"):
            continue
        if section not in SECTIONS:
            raise SettingsError(
                f"{path}: {section}: unknown section; there are experiments, {', '.join(SECTIONS)}, results, claims"
            )
        if not isinstance(entries, dict):
            raise SettingsError(
                f"{path}: {section}: a mapping of experiments to their settings (found {shown(entries)})"
            )
        for key, entry in entries.items():
            where = f"{section}.{key}"
            check_key(key, path, section)
            settings = validate(SECTIONS[section], entry, path, where)
            if settings.nets not in experiments:
                known = ", ".join(experiments)
                raise SettingsError(f"{path}: {where}.nets: no experiment {settings.nets!r}; there are {known}")
            _check_agreement(settings, experiments[settings.nets], path, where)
    load_results(path, content, experiments)
    load_claims(path, content, experiments)
    return len(experiments)


# What an analysis repeats of its experiment, so that DVC can see it.
REPEATED = ("report", "data", "against")


def _nets(experiment: Experiment) -> int:
    return len(experiment.models) * len(experiment.functions or [None])


def _unbiased(experiment: Experiment) -> bool:
    layers = [layer for model in experiment.models.values() for layer in model.layers]
    return any(isinstance(layer, Dense) and not layer.bias for layer in layers)


# What the experiment has to be for the analysis to have something to work on.
NEEDS = {
    FitSettings: ("fits functions", lambda e: e.functions is not None),
    PcaSettings: ("records weights_every, of one net", lambda e: e.record.weights_every and _nets(e) == 1),
    GradientSettings: ("records gradient_norm", lambda e: e.record.gradient_norm),
    HessianSettings: ("fits functions with biases in every layer", lambda e: e.functions and not _unbiased(e)),
    InterpolateSettings: ("sweeps that setting, on images", lambda e: e.functions is None),
    SensitivitySettings: ("classifies images", lambda e: e.functions is None),
}


def _check_agreement(settings: Section | FiguresSettings, experiment: Experiment, path: Path, where: str) -> None:
    need, met = NEEDS.get(type(settings), ("", lambda e: True))
    if not met(experiment):
        raise SettingsError(f"{path}: {where}: works on an experiment that {need}")
    for name in REPEATED:
        said, meant = getattr(settings, name, None), getattr(experiment, name)
        if name == "against" and isinstance(settings, GradientSettings):
            meant = experiment.record.gradient_norm
        if said is not None and said != meant:
            raise SettingsError(f"{path}: {where}.{name}: the experiment has {meant} (found {said!r})")
    if isinstance(settings, PcaSettings):
        (model,) = experiment.models.values()
        layers = len({name.partition(".")[0] for name in parameter_shapes(model.layers, EXAMPLE[experiment.data])})
        if settings.layer > layers:
            raise SettingsError(f"{path}: {where}.layer: the net has {layers} layers (found {settings.layer})")
    if isinstance(settings, InterpolateSettings):
        values = experiment.varied.get(settings.over, [])
        if missing := [value for value in settings.between if value not in values]:
            raise SettingsError(f"{path}: {where}.between: {settings.over} is not swept at {missing}; values: {values}")
        if others := set(experiment.varied) - {settings.over, "equal"}:
            raise SettingsError(f"{path}: {where}.nets: sweeps {', '.join(sorted(others))} besides {settings.over}")
