"""From an experiment to the list of runs that training has to do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil

from netclaims.experiment import Experiment
from netclaims.nets.layers import Dense, Resize
from netclaims.tables.columns import SETTINGS
from netclaims.training.settings import Training

# Nets up to this size train as one batch of matrices: a step of one costs mostly its fixed overhead. Above it a
# batch brings nothing (784-256-256-256-10: 11.8 ms for eight together, 1.35 ms for one).
STACKED_PARAMETERS = 10_000
STACKED_MEMBERS = 25
FUSED_MEMBERS = 5
RECORDED_EPOCHS = 200


@dataclass(frozen=True)
class Member:
    """One net of a run: which target function it fits (None on images), and which replica it is."""

    function: str | None
    replica: int


@dataclass(frozen=True)
class Run:
    """Nets of one architecture trained with one setting, together.

    Attributes:
        key: the experiment's name.
        device: `cpu` or `cuda`.

    The others are those of `settings.Setting` and `settings.Training`.
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
    def passes(self) -> float:
        """How often every training example is used: less than once where the scale cuts the first epoch."""
        return self.epochs if self.steps >= self.epoch_steps else float(f"{self.steps / self.epoch_steps:.2g}")

    @property
    def setting(self) -> dict[str, str | float | int]:
        """What a sweep or a tuning may vary."""
        return {name: getattr(self, name) for name in SETTINGS}


def runs_of(training: Training, device: str) -> list[Run]:
    """List every run of a training, those of the control last.

    Args:
        training: what there is to train.
        device: where: `cpu` or `cuda`. A GPU has room for several nets of any size.
    """
    members = [Member(function, i) for function in training.functions or [None] for i in range(training.replicas)]
    runs = []
    for control in (False, True):
        settings = [setting for setting in training.settings if setting.control == control]
        for model, setting in product(training.models, settings):
            fused = trained_by(training, model, device) == "kernel"
            stacked = device == "cuda" or training.parameters(model) <= STACKED_PARAMETERS
            together = FUSED_MEMBERS if fused else STACKED_MEMBERS if stacked else 1
            if training.resample:  # the members of a run share their images
                together = 1
            for start in range(0, len(members), together):
                some = tuple(members[start : start + together])
                run = Run(training.key, training.seed, model, **vars(setting), members=some, device=device)
                runs.append(run)
    return runs


def trained_by(training: Training, model: str, device: str) -> str:
    """Return what takes the steps of a net: `kernel`, for small dense nets on the processor, or `torch`."""
    return "kernel" if small_and_dense(training, model) and device == "cpu" and not training.augment else "torch"


def small_and_dense(experiment: Experiment, model: str) -> bool:
    """Tell whether the kernel can train a net, and is the faster way to."""
    simple = all(isinstance(layer, Dense | Resize) for layer in experiment.models[model])
    return simple and experiment.parameters(model) <= STACKED_PARAMETERS


def recorded_epochs(epochs: int) -> list[int]:
    """List the epochs after which losses and accuracies are measured: 0, the last, and evenly in between."""
    every = ceil(epochs / RECORDED_EPOCHS)
    return [*range(0, epochs, every), epochs]


def snapshot_epochs(training: Training, epochs: int) -> list[int]:
    """List the epochs after which all weights are kept: 0 and every so many, closer where the scale cuts epochs."""
    if not training.record.weights_every:
        return []
    every = max(1, training.record.weights_every * epochs // training.epochs_stated)
    return list(range(0, epochs + 1, every))
