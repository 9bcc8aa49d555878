"""What training costs, and how many epochs a scale's bound leaves: a fixed estimate, the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from netclaims.experiment import Experiment
from netclaims.nets.layers import count_operations
from netclaims.training.runs import small_and_dense
from netclaims.training.settings import Training


@dataclass(frozen=True)
class Cost:
    """Seconds of one core of a laptop, fitted to measured steps of this project's nets; right within a factor of two.

    Attributes:
        step: of an optimiser step.
        parameter: of updating a parameter.
        multiplication: of a multiplication by a weight: forward, backward and evaluation after the epoch.
        number: of a number that a layer computes, likewise.
    """

    step: float
    parameter: float
    multiplication: float
    number: float


COSTS = {
    "kernel": Cost(3e-6, 4e-10, 1.4e-10, 5e-10),
    "torch": Cost(2.5e-4, 4e-9, 6e-11, 7e-9),
}
# Nets learn from small batches in more steps. A batch knob turned up would buy more epochs without this bound.
EXAMPLES_A_STEP = 64


@dataclass(frozen=True)
class Length:
    """How long a setting is trained: `epochs`, `steps` in all, and steps that its schedule counts as an epoch."""

    epochs: int
    steps: int
    epoch_steps: int


def epoch_seconds(experiment: Experiment, model: str, batch_size: int) -> float:
    """Estimate the seconds of an epoch of one net.

    Args:
        experiment: says the size of the training set.
        model: name of the network.
        batch_size: of the training.
    """
    multiplications, numbers = count_operations(experiment.models[model], experiment.example)
    parameters, examples = experiment.parameters(model), experiment.train_size
    steps = ceil(examples / (batch_size if experiment.functions else min(batch_size, EXAMPLES_A_STEP)))
    cost = COSTS["kernel" if small_and_dense(experiment, model) else "torch"]
    step = cost.step + cost.parameter * parameters
    return steps * step + examples * (multiplications * cost.multiplication + numbers * cost.number)


def core_seconds(training: Training) -> float:
    """Estimate the seconds of one core that all nets of a training take together."""
    nets = training.replicas * len(training.functions or [None])
    return nets * sum(
        epoch_seconds(training, model, setting.batch_size)
        * setting.steps / ceil(training.train_size / setting.batch_size)
        for model in training.models
        for setting in training.settings
    )  # fmt: skip


def lengths(
    experiment: Experiment, stated: int, seconds: float, trained: list[tuple[str, int]]
) -> dict[tuple[str, int], Length]:
    """Find out how long every setting is trained within a bound.

    Equal epochs are as many as the report states or as fit. Where not even one fits, it is cut short, by the same share
    for all. Equal steps are as many as the middle batch size takes in those epochs, or as fit. Each of the two kinds
    has the whole bound, and takes one step at least. Where the stated epochs fit, equal steps take no longer than they.

    Args:
        experiment: the nets.
        stated: epochs that the report took.
        seconds: the bound for one net of every model and setting.
        trained: what is equal, `epochs` or `steps`, and the batch size of every setting.

    Returns:
        A length for each of `trained`.
    """
    in_an_epoch = {size: ceil(experiment.train_size / size) for size in sorted({size for _, size in trained})}
    middle = list(in_an_epoch.values())[(len(in_an_epoch) - 1) // 2]
    cost = {size: sum(epoch_seconds(experiment, model, size) for model in experiment.models) for size in in_an_epoch}
    by_epochs, by_steps = ([size for equal, size in trained if equal == kind] for kind in ("epochs", "steps"))
    one_epoch = sum(cost[size] for size in by_epochs)
    epochs = min(stated, seconds / one_epoch)
    if epochs >= 1:
        epochs = int(epochs)
    found = {}
    for size in by_epochs:
        steps = max(1, int(epochs * in_an_epoch[size]))
        found["epochs", size] = Length(ceil(steps / in_an_epoch[size]), steps, in_an_epoch[size])
    if by_steps:
        most = epochs * sum(cost[size] for size in by_steps) if epochs == stated else seconds
        fit = most / sum(cost[size] / in_an_epoch[size] for size in by_steps)
        steps = max(1, int(min(epochs * middle, fit)))
        found |= {("steps", size): Length(ceil(steps / in_an_epoch[size]), steps, middle) for size in by_steps}
    return found
