"""From an experiment's settings to the list of runs that training has to do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil

from netclaims.settings.experiments import Experiment
from netclaims.settings.params import Params
from netclaims.tables.columns import SETTINGS
from netclaims.training.budget import STACKED_PARAMETERS, epoch_seconds
from netclaims.training.device import choose

STACKED_MEMBERS = 25
RECORDED_EPOCHS = 200
# A scale's bound is for this many replicas, so that the knob changes how long a stage takes rather than the epochs.
NOMINAL_REPLICAS = 3


@dataclass(frozen=True)
class Member:
    """One net of a run: which target function it fits (None on images), and which replica it is."""

    function: str | None
    replica: int


@dataclass(frozen=True)
class Run:
    """Nets of one architecture trained with one setting, together.

    Attributes:
        equal: what the run has in common with those of other batch sizes: `epochs` or `steps`.
        epochs: passes over the training set, the last of which may end early.
        steps: optimiser steps in all.
        epoch_steps: optimiser steps that the learning-rate schedule counts as an epoch.
        control: whether the data come in another order than the replicas' own.
        device: `cpu` or `cuda`.
    """

    key: str
    seed: int
    model: str
    optimiser: str
    learning_rate: float
    batch_size: int
    shuffle_labels: float
    equal: str
    epochs: int
    steps: int
    epoch_steps: int
    members: tuple[Member, ...]
    control: bool = False
    device: str = "cpu"

    @property
    def setting(self) -> dict[str, str | float | int]:
        """What a sweep or a tuning may vary."""
        return {name: getattr(self, name) for name in SETTINGS}


def plan(key: str, experiment: Experiment, params: Params, examples: int) -> list[Run]:
    """Every run of an experiment at the chosen scale, those of the control last.

    Args:
        key: the experiment's name.
        examples: size of the training set; a `full` batch, and one larger than the set, takes all of it.
    """
    varied = experiment.varied
    batch_size = params.batch_size if experiment.batch_size is None else experiment.batch_size
    own = {
        "optimiser": experiment.optimiser,
        "learning_rate": experiment.learning_rate,
        "batch_size": examples if batch_size == "full" else batch_size,
        "shuffle_labels": experiment.shuffle_labels or 0.0,
        "equal": "epochs",
    }
    settings = [own | dict(zip(varied, values, strict=True)) for values in product(*varied.values())]
    controls = [
        setting
        for setting in settings
        if experiment.control is not None
        and setting[experiment.against] == experiment.control
        and setting["equal"] == "epochs"
    ]
    lengths = _lengths(experiment, params, [*settings, *controls], examples)
    replicas = range(experiment.replicas_within(params))
    members = [Member(function, i) for function in experiment.functions or [None] for i in replicas]
    device = choose(params.device)
    runs = []
    for control, group in ((False, settings), (True, controls)):
        for model, setting in product(experiment.models, group):
            length = lengths[setting["equal"], setting["batch_size"]]
            # A GPU has room for several nets of any size.
            stacked = device == "cuda" or experiment.parameters(model) <= STACKED_PARAMETERS
            together = STACKED_MEMBERS if stacked else 1
            for start in range(0, len(members), together):
                some = tuple(members[start : start + together])
                one = Run(key, params.seed, model, **setting, **length, members=some, control=control, device=device)
                runs.append(one)
    return runs


def _lengths(
    experiment: Experiment, params: Params, settings: list[dict], examples: int
) -> dict[tuple[str, int], dict[str, int]]:
    """Epochs and steps for each kind of equality and batch size among the settings, each kind within the scale's bound.

    Equal epochs are at least one; equal steps are as many as the middle batch size takes in those epochs, or as fit,
    and at least one.
    """
    nets = len(experiment.functions or [None])
    nets *= experiment.replicas_within(params) if experiment.replicas else NOMINAL_REPLICAS
    kinds = list(dict.fromkeys(setting["equal"] for setting in settings))
    seconds = params.chosen_scale.train_seconds / nets
    in_an_epoch = {size: ceil(examples / size) for size in sorted({setting["batch_size"] for setting in settings})}
    middle = list(in_an_epoch.values())[(len(in_an_epoch) - 1) // 2]
    cost = {size: sum(epoch_seconds(experiment, model, size, examples) for model in experiment.models)
            for size in in_an_epoch}  # fmt: skip

    def sizes(kind: str) -> list[int]:
        return [setting["batch_size"] for setting in settings if setting["equal"] == kind]

    epochs = min(experiment.epochs, max(1, int(seconds / sum(cost[size] for size in sizes("epochs")))))
    found = {("epochs", size): {"epochs": epochs, "steps": epochs * n, "epoch_steps": n}
             for size, n in in_an_epoch.items()}  # fmt: skip
    if "steps" in kinds:
        steps = max(1, int(seconds / sum(cost[size] / in_an_epoch[size] for size in sizes("steps"))))
        steps = min(epochs * middle, steps)
        found |= {("steps", size): {"epochs": ceil(steps / n), "steps": steps, "epoch_steps": middle}
                  for size, n in in_an_epoch.items()}  # fmt: skip
    return found


def recorded_epochs(epochs: int) -> list[int]:
    """The epochs after which losses and accuracies are measured: 0, the last, and evenly in between."""
    every = ceil(epochs / RECORDED_EPOCHS)
    return [*range(0, epochs, every), epochs]


def snapshot_epochs(experiment: Experiment, epochs: int) -> list[int]:
    """The epochs after which all weights are kept: 0 and every so many, closer together where the scale cuts epochs."""
    if not experiment.record.weights_every:
        return []
    every = max(1, experiment.record.weights_every * epochs // experiment.epochs)
    return list(range(0, epochs + 1, every))
