"""From entries to what stages have to know: every default filled in, every knob put in, as much as the scale allows."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import product

from netclaims.data.sources import Source, content_of, sizes
from netclaims.errors import SettingsError
from netclaims.experiment import Experiment
from netclaims.paths import PARAMS
from netclaims.settings.analyses import (
    GradientSettings,
    HessianSettings,
    InterpolateSettings,
    PcaSettings,
    Section,
    SensitivitySettings,
)
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.params import Params
from netclaims.settings.reports import Report
from netclaims.training.budget import core_seconds, lengths
from netclaims.training.settings import Augment, Fitted, Record, Schedule, Setting, Stop, Training

# A scale's bound is for this many replicas, so that the knob changes how long a stage takes rather than the epochs.
NOMINAL_REPLICAS = 3


def preparation(name: str, params: Params) -> dict:
    """Resolve what a data set is made of: the settings of `data.prepare.Preparation`.

    Raises:
        DataError: images that it is made of are missing.
    """
    if name == "functions":
        return {"name": name}
    wanted = params.chosen_scale.data
    row = getattr(wanted, name)
    source = _source(row, params)
    source = asdict(source) | {"content": content_of(source)}
    return {"name": name, "dataset": row, "source": {k: v for k, v in source.items() if v is not None}} | {
        "train_size": wanted.train_size, "test_size": wanted.test_size}  # fmt: skip


def _source(row: str, params: Params) -> Source:
    return Source(**params.datasets[row].model_dump())


def training_size(name: str, params: Params) -> int:
    """Return how many training images there are of a data set at the chosen scale.

    Raises:
        DataError: images that it is made of are missing.
    """
    wanted = params.chosen_scale.data
    images, _ = sizes(_source(getattr(wanted, name), params))
    return min(wanted.train_size, images)


def check_classes(params: Params, reports: list[Report]) -> None:
    """Check that every net that classifies images has an output for each class that there is at the chosen scale.

    Raises:
        SettingsError: a line for every experiment with nets that have more or fewer, or for a data set of one class.
        DataError: images are missing.
    """
    faults = []
    entries = [(report.path, key, entry) for report in reports for key, entry in report.experiments.items()]
    for name in dict.fromkeys(entry.data for _, _, entry in entries if not entry.functions):
        row = getattr(params.chosen_scale.data, name)
        _, classes = sizes(_source(row, params))
        if classes < 2:
            faults.append(f"{PARAMS}: datasets.{row}: one class, expected two at the least")
            continue
        for path, key, entry in entries:
            wrong = [model for model in entry.models if entry.data == name and entry.outputs(model) != classes]
            if wrong:
                more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
                what = f"{entry.outputs(wrong[0])} outputs, and datasets.{row} has {classes:,} classes"
                rule = f"make {classes} the units of {'its' if len(wrong) == 1 else 'their'} last layer"
                faults.append(f"{path}: experiments.{key}.models.{wrong[0]}{more}: {what}; {rule}")
    if faults:
        raise SettingsError("\n".join(dict.fromkeys(faults)))


def training(key: str, entry: ExperimentEntry, params: Params, images: int | None) -> Training:
    """Resolve an experiment.

    Args:
        key: its name.
        entry: what its report's file says.
        params: the knobs.
        images: training images of its data set; None for functions.
    """
    train_size = entry.points or min(images, entry.examples or images)
    experiment = Experiment(
        key=key,
        data=entry.data,
        functions=entry.functions,
        points=entry.points,
        train_size=train_size,
        examples=entry.examples,
        models={model: entry.layers(model) for model in entry.models},
        activation=entry.activation,
        loss=entry.loss,
        swept=list(entry.sweep.varied),
        tuned=list(entry.tune.varied),
    )
    found = Training(
        **vars(experiment),
        seed=params.seed,
        scale=params.scale,
        replicas=entry.replicas_within(params),
        epochs_stated=entry.epochs,
        settings=_settings(entry, params, experiment),
        momentum=entry.momentum,
        weight_decay=entry.weight_decay,
        schedule=entry.schedule and Schedule(**entry.schedule.model_dump()),
        resample=entry.resample,
        augment=entry.augment and Augment(**entry.augment.model_dump()),
        stop=entry.stop and Stop(**entry.stop.model_dump()),
        fitted=entry.fitted and Fitted(**entry.fitted.model_dump()),
        record=Record(**entry.record.model_dump()),
    )
    costly = params.chosen_scale.costly
    if costly and core_seconds(found) > costly.core_seconds:
        return replace(found, replicas=min(found.replicas, costly.replicas))
    return found


def effective(setting: str, value: object, train_size: int) -> object:
    """Return what the value of a setting comes to: a batch is the whole training set at the most, as `full` is.

    Args:
        setting: its name.
        value: as the entry has it.
        train_size: of the experiment.
    """
    if setting != "batch_size":
        return value
    return train_size if value == "full" else min(value, train_size)


def _settings(entry: ExperimentEntry, params: Params, experiment: Experiment) -> list[Setting]:
    """List every combination that is trained, once where several come to the same, those of the control last."""
    own = {
        "optimiser": entry.optimiser,
        "learning_rate": entry.learning_rate,
        "batch_size": params.batch_size if entry.batch_size is None else entry.batch_size,
        "shuffle_labels": entry.shuffle_labels or 0.0,
        "equal": "epochs",
    }
    found = {}
    for values in product(*entry.varied.values()):
        one = own | dict(zip(entry.varied, values, strict=True))
        one = {name: effective(name, value, experiment.train_size) for name, value in one.items()}
        control = entry.control is not None and one["equal"] == "epochs" and (
            one[entry.against] == effective(entry.against, entry.control, experiment.train_size))  # fmt: skip
        found.setdefault(tuple(one.values()), (one, control))
    trained = [(one["equal"], one["batch_size"]) for one, _ in found.values()]
    controls = [(one, True) for one, control in found.values() if control]
    nets = len(entry.functions or [None]) * (entry.replicas_within(params) if entry.replicas else NOMINAL_REPLICAS)
    seconds = params.chosen_scale.train_seconds / nets
    trained += [(one["equal"], one["batch_size"]) for one, _ in controls]
    length = lengths(experiment, entry.epochs, seconds, trained)
    every = [(one, False) for one, _ in found.values()] + controls
    return [Setting(**one, **vars(length[one["equal"], one["batch_size"]]), control=control) for one, control in every]


def analysis(entry: Section, nets: Training) -> dict:
    """Resolve an analysis: the settings of its stage, and the nets that it works on.

    Args:
        entry: what the report's file says.
        nets: the training that it names.
    """
    settings = entry.model_dump(exclude={"report", "nets", "data", "against", "assumed"})
    if isinstance(entry, InterpolateSettings):
        settings["between"] = [effective(entry.over, value, nets.train_size) for value in entry.between]
        starts = [getattr(setting, entry.over) for setting in nets.settings if setting.control]
        settings["control"] = settings["between"][0] in starts
    elif isinstance(entry, GradientSettings):
        settings["against"] = entry.against
    elif isinstance(entry, PcaSettings):
        settings["examples"] = min(entry.examples, nets.train_size)
    elif isinstance(entry, SensitivitySettings):
        settings["curvature"]["examples"] = min(entry.curvature.examples, nets.train_size)
    if isinstance(entry, PcaSettings | HessianSettings):  # these read where nets were in the course of training
        settings["stops"] = nets.stop is not None
    if isinstance(entry, PcaSettings | HessianSettings | SensitivitySettings):  # these draw random numbers
        settings["seed"] = nets.seed
    return {"nets": plain_nets(nets)} | settings


def plain_nets(found: Training) -> dict:
    """Return what those who look at nets have to know of their training: the fields of `experiment.Experiment`."""
    return asdict(Experiment(**{name: getattr(found, name) for name in Experiment.__dataclass_fields__}))
