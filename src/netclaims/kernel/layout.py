"""What the kernel's arguments mean: one list for the code that is compiled and for the code that calls it."""

from __future__ import annotations

LANES = 16  # numbers in a vector: rows that vectors go along are filled up to a multiple of it

# What `net`, an array of integers, says of a network, and then of each layer. A layer's weights are rows of so many
# numbers, one for each unit: for its inputs, and for the bias if there is one.
LAYERS, ACTIVATION, LOSS, TILE, EXAMPLES_FIRST, X_ROW, FIRST_LAYER = range(7)
INPUTS, UNITS, ROW, HAS_BIAS, PER_LAYER = range(5)

# What `task`, another one, says of a call.
MEMBERS, PARAMETERS, EXAMPLES, Y_ROW, BATCH, STEPS, OPTIMISER, RECORDS = range(8)

# How a layer ends: without an activation, with one, or, on the way back, multiplied by the slope of one.
PLAIN, RELU, LEAKY_RELU, TANH, SLOPE_OF = range(5)
MSE, CROSS_ENTROPY = range(2)
ADAM, SGD, RMSPROP = range(3)
ACTIVATIONS = {"relu": RELU, "leaky_relu": LEAKY_RELU, "tanh": TANH}
LOSSES = {"mse": MSE, "cross_entropy": CROSS_ENTROPY}
OPTIMISERS = {"adam": ADAM, "sgd": SGD, "rmsprop": RMSPROP}


def filled(count: int) -> int:
    """Return the next multiple of `LANES`."""
    return -(-count // LANES) * LANES
