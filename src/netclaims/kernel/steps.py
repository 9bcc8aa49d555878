"""What the kernel does: steps of an optimiser, or a measurement of a whole set, of one net after the other."""

from __future__ import annotations

import math

from numba.core import types

from netclaims.kernel.dense import fill_ones, loss_of
from netclaims.kernel.layout import (
    ADAM,
    BATCH,
    EXAMPLES,
    LANES,
    MEMBERS,
    OPTIMISER,
    PARAMETERS,
    RECORDS,
    SGD,
    STEPS,
    Y_ROW,
)
from netclaims.kernel.vectors import FLOATS, INTEGER, INTEGERS, compiled, fma, load, shifted, sqrt, store, total, zeros

FLOAT, BYTES = types.float32, types.CPointer(types.uint8)


@compiled(FLOATS, INTEGER)
def _clear(values, count):
    for i in range(0, count, LANES):
        store(values, i, 0, zeros(1))


@compiled(FLOATS, INTEGER, returns=FLOAT)
def _norm(values, count):
    """Return the Euclidean norm of so many numbers."""
    squares = zeros(1)
    for i in range(0, count, LANES):
        number = load(1, values, i, 0)
        squares = fma(number, number, squares)
    return math.sqrt(total(squares))


@compiled(INTEGER, FLOATS, FLOATS, FLOATS, FLOATS, INTEGER, *[FLOAT] * 4)
def _update(optimiser, weights, gradient, first, second, count, rate, correction, momentum, weight_decay):
    """Update weights and moments as torch does; Adam's rate is divided by 1 - β₁ᵗ, its correction 1 / √(1 - β₂ᵗ)."""
    for i in range(0, count, LANES):
        w, m, v = load(1, weights, i, 0), load(1, first, i, 0), load(1, second, i, 0)
        g = fma(w, weight_decay, load(1, gradient, i, 0))
        if optimiser == ADAM:
            m = fma(g - m, 0.1, m)
            v = fma(v, 0.999, g * g * 0.001)
            change = m / fma(sqrt(v), correction, 1e-8)
        elif optimiser == SGD:
            m = fma(m, momentum, g)
            change = m
        else:
            v = fma(v, 0.99, g * g * 0.01)
            m = fma(m, momentum, g / (sqrt(v) + 1e-8))
            change = m
        store(weights, i, 0, fma(change, -rate, w))
        store(first, i, 0, m)
        store(second, i, 0, v)


@compiled(
    INTEGERS, INTEGERS, FLOAT, FLOAT, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS,
    FLOATS, FLOATS, INTEGERS, BYTES, FLOATS, FLOATS, FLOATS, FLOATS,
)  # fmt: skip
def kernel(
    net, task, momentum, weight_decay, rates, weights, first, second, gradients,
    x, y, order, active, losses, accuracies, records, work,
):  # fmt: skip
    """Take steps with every member that is active, or, with none to take, measure it.

    Args:
        net: the network, see `dense`.
        task: integers that say the sizes of everything.
        momentum: of SGD and RMSprop.
        weight_decay: times the weights is added to the gradient.
        rates: two numbers for each step, see `_update`.
        weights: (members, parameters); parameters are a multiple of `LANES`.
        first: moments, likewise.
        second: moments, likewise.
        gradients: likewise; in a measurement they are wanted if it records.
        x: inputs, (examples, net[X_ROW]).
        y: targets (members or 1, examples); from a member to the next it is y_row, 0 where they share them.
        order: (members, examples), the order in which batches take them, if they do not take all.
        active: (members,).
        losses: (members,), results; after steps that of the last epoch, as its batches had it.
        accuracies: (members,), results of a measurement, undefined where the loss is not finite.
        records: (members, steps, 2), loss and gradient norm of each batch, if wanted; in a measurement the norm alone.
        work: room for the activations of a tile, and for two rows more.
    """
    parameters, examples, batch, steps = task[PARAMETERS], task[EXAMPLES], task[BATCH], task[STEPS]
    in_an_epoch, record = (examples + batch - 1) // batch, task[RECORDS] != 0
    fill_ones(net, work)
    for member in range(task[MEMBERS]):
        if not active[member]:
            continue
        start = member * parameters
        w, m, v, g = shifted(weights, start), shifted(first, start), shifted(second, start), shifted(gradients, start)
        own_y, own_order = shifted(y, member * task[Y_ROW]), shifted(order, member * examples)
        if steps == 0:
            _clear(g, parameters)
            loss, correct = loss_of(net, w, g, work, x, own_y, order, False, 0, examples, record)
            losses[member] = loss
            accuracies[member] = correct / examples if math.isfinite(loss) else math.nan
            if record:
                records[member] = _norm(g, parameters)
            continue
        mean = 0.0
        for step in range(steps):
            begin = (step % in_an_epoch) * batch
            count = min(batch, examples - begin)
            _clear(g, parameters)
            loss, _ = loss_of(net, w, g, work, x, own_y, own_order, in_an_epoch > 1, begin, count, True)
            mean = loss * count / examples + (mean if begin else 0.0)
            if record:
                place = 2 * (member * steps + step)
                records[place], records[place + 1] = loss, _norm(g, parameters)
            rate, correction = rates[2 * step], rates[2 * step + 1]
            _update(task[OPTIMISER], w, g, m, v, parameters, rate, correction, momentum, weight_decay)
        losses[member] = mean
