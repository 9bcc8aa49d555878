"""From an experiment's settings to the list of runs that training has to do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil

from netclaims.learn.config import Experiment
from netclaims.learn.cost import STACKED_PARAMETERS, epoch_seconds
from netclaims.learn.params import Params

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
    """Nets of one architecture trained with one setting, together."""

    key: str
    seed: int
    model: str
    optimiser: str
    learning_rate: float
    batch_size: int
    epochs: int
    members: tuple[Member, ...]

    @property
    def setting(self) -> dict[str, str | float | int]:
        """What a sweep or a tuning may vary."""
        return {
            "optimiser": self.optimiser,
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
        }


def plan(key: str, experiment: Experiment, params: Params, examples: int) -> list[Run]:
    """Every run of an experiment at the chosen scale.

    Args:
        key: the experiment's name.
        examples: size of the training set; a `full` batch, and one larger than the set, takes all of it.
    """
    varied = experiment.varied
    batch_size = params.batch_size if experiment.batch_size is None else experiment.batch_size
    settings = {
        "optimiser": experiment.optimiser,
        "learning_rate": experiment.learning_rate,
        "batch_size": batch_size,
    }
    combinations = [settings | dict(zip(varied, values, strict=True)) for values in product(*varied.values())]
    for setting in combinations:
        if setting["batch_size"] == "full":
            setting["batch_size"] = examples
    epochs = _epochs(experiment, params, [setting["batch_size"] for setting in combinations], examples)
    replicas = range(experiment.replicas_within(params))
    members = [Member(function, i) for function in experiment.functions or [None] for i in replicas]
    runs = []
    for model, setting in product(experiment.models, combinations):
        together = STACKED_MEMBERS if experiment.parameters(model) <= STACKED_PARAMETERS else 1
        for start in range(0, len(members), together):
            group = tuple(members[start : start + together])
            runs.append(Run(key, params.seed, model, **setting, epochs=epochs, members=group))
    return runs


def _epochs(experiment: Experiment, params: Params, batch_sizes: list[int], examples: int) -> int:
    """Epochs within the scale's bound: as many for every network and swept value, and at least one."""
    nets = len(experiment.functions or [None])
    nets *= experiment.replicas_within(params) if experiment.replicas else NOMINAL_REPLICAS
    seconds = sum(
        epoch_seconds(experiment, model, size, examples) for model, size in product(experiment.models, batch_sizes)
    )
    return min(experiment.epochs, max(1, int(params.chosen_scale.train_seconds / (nets * seconds))))


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
