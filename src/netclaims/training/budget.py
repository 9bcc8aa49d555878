"""What training costs: a fixed estimate, so that a scale's bound means the same epochs on every machine."""

from __future__ import annotations

from math import ceil

from netclaims.nets.layers import count_operations
from netclaims.settings.experiments import EXAMPLE, Experiment

# Nets up to this size train as one batch of matrices: a step on one costs mostly its fixed overhead. Above it a
# batch brings nothing (784-256-256-256-10: 11.8 ms for eight together, 1.35 ms for one).
STACKED_PARAMETERS = 10_000
# Seconds of one core of a laptop, fitted to measured steps of this project's networks; right within a factor of two.
STEP = 2.5e-4  # of an optimiser step of a net that trains alone
STACKED_STEP = 5e-5  # of one that shares it with others
PARAMETER = 4e-9  # of updating a parameter
MULTIPLICATION = 6e-11  # of a multiplication by a weight: forward, backward and evaluation after the epoch
NUMBER = 7e-9  # of a number that a layer computes, likewise
# Nets learn from small batches in more steps. A batch knob turned up would buy more epochs without this bound.
EXAMPLES_A_STEP = 64


def epoch_seconds(experiment: Experiment, model: str, batch_size: int, examples: int) -> float:
    """Nominal seconds of an epoch of one net.

    Args:
        model: name of the network.
        batch_size: of the training.
        examples: size of the training set.
    """
    multiplications, numbers = count_operations(experiment.models[model].layers, EXAMPLE[experiment.data])
    parameters = experiment.parameters(model)
    steps = ceil(examples / (batch_size if experiment.functions else min(batch_size, EXAMPLES_A_STEP)))
    step = (STACKED_STEP if parameters <= STACKED_PARAMETERS else STEP) + PARAMETER * parameters
    return steps * step + examples * (multiplications * MULTIPLICATION + numbers * NUMBER)
