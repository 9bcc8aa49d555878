"""Loss and gradient of a dense net on a few examples.

Activations lie features first: a row for each unit, and one of ones for the bias; a column for each example of a tile,
which is narrow enough to stay in the cache. Beyond the last example columns repeat it, up to a multiple of `LANES`.
Going back, the gradient by a unit takes the place of its activation.

Inputs of many features stay examples first, so that nothing is transposed: the two products change places there. Each
ends with a one if there is a bias, and zeros up to a multiple of `LANES`.
"""

from __future__ import annotations

import numpy as np
from numba.core import types

from netclaims.kernel.functions import exp, log, tanh
from netclaims.kernel.layout import (
    ACTIVATION,
    EXAMPLES_FIRST,
    FIRST_LAYER,
    HAS_BIAS,
    INPUTS,
    LANES,
    LAYERS,
    LOSS,
    MSE,
    PER_LAYER,
    PLAIN,
    ROW,
    SLOPE_OF,
    TANH,
    TILE,
    UNITS,
    X_ROW,
)
from netclaims.kernel.products import BIAS, NOTHING, RESULT, add_products, combine
from netclaims.kernel.vectors import (
    FLOATS,
    INTEGER,
    INTEGERS,
    compiled,
    fma,
    load,
    shifted,
    store,
    total,
    where_less,
    zeros,
)

BOOLEAN, DOUBLE = types.boolean, types.float64
RESULTS = types.Tuple((DOUBLE, INTEGER))


@compiled(INTEGERS, INTEGER, INTEGER, returns=INTEGER)
def _layer(net, number, what):
    return net[FIRST_LAYER + number * PER_LAYER + what]


@compiled(INTEGERS, INTEGER, returns=INTEGER)
def _place(net, level):
    """Return where the activations of a level begin: 0 are the inputs, and the last are the outputs."""
    if level == 0:
        return 0
    rows = net[X_ROW] if net[EXAMPLES_FIRST] else _layer(net, 0, INPUTS) + 1
    for number in range(level - 1):
        rows += _layer(net, number, UNITS) + 1
    return rows * net[TILE]


@compiled(INTEGERS, FLOATS)
def fill_ones(net, work):
    """Write the rows of ones, which stay."""
    tile = net[TILE]
    for number in range(net[EXAMPLES_FIRST], net[LAYERS]):
        at = _place(net, number) + _layer(net, number, INPUTS) * tile
        for p in range(at, at + tile, LANES):
            store(work, p, 0, zeros(1) + 1.0)


@compiled(INTEGERS, FLOATS, FLOATS, INTEGERS, BOOLEAN, INTEGER, INTEGER, INTEGER, FLOATS, FLOATS)
def _gather(net, x, y, order, ordered, begin, count, points, work, targets):
    """Lay examples out as inputs of the first layer, and their targets in a row."""
    tile, x_row = net[TILE], net[X_ROW]
    examples_first = net[EXAMPLES_FIRST] != 0
    for p in range(points):
        i = begin + min(p, count - 1)
        if ordered:
            i = order[i]
        targets[p] = y[i]
        if examples_first:
            for f in range(0, x_row, LANES):
                store(work, p * x_row + f, 0, load(1, x, i * x_row + f, 0))
        else:
            for f in range(x_row):
                work[f * tile + p] = x[i * x_row + f]


@compiled(INTEGERS, FLOATS, FLOATS, INTEGER)
def _forward(net, weights, work, points):
    """Work out all activations of a tile, layer after layer."""
    tile, x_row, last = net[TILE], net[X_ROW], net[LAYERS] - 1
    for number in range(last + 1):
        inputs, units, row = _layer(net, number, INPUTS), _layer(net, number, UNITS), _layer(net, number, ROW)
        before, after = shifted(work, _place(net, number)), shifted(work, _place(net, number + 1))
        end = net[ACTIVATION] if number < last else PLAIN
        if number == 0 and net[EXAMPLES_FIRST]:
            combine(NOTHING, PLAIN, weights, 0, 0, units, 0, before, 0, after, tile, points)
            add_products(weights, row, units, before, x_row, points, x_row, after, tile, 1)
            combine(RESULT, end, weights, 0, 0, units, 0, before, 0, after, tile, points)
        else:
            begin = BIAS if _layer(net, number, HAS_BIAS) else NOTHING
            combine(begin, end, weights, row, 1, units, inputs, before, tile, after, tile, points)
        if end == TANH:
            for unit in range(units):
                for p in range(unit * tile, unit * tile + points, LANES):
                    store(after, p, 0, tanh(load(1, after, p, 0)))
        weights = shifted(weights, units * row)


@compiled(INTEGERS, FLOATS, FLOATS, FLOATS, INTEGER, INTEGER)
def _backward(net, weights, gradient, work, count, points):
    """Add the gradient of a tile, of which the gradient by the outputs lies in their place."""
    tile, x_row, at = net[TILE], net[X_ROW], 0
    for number in range(net[LAYERS]):
        at += _layer(net, number, UNITS) * _layer(net, number, ROW)
    for number in range(net[LAYERS] - 1, -1, -1):
        inputs, units, row = _layer(net, number, INPUTS), _layer(net, number, UNITS), _layer(net, number, ROW)
        before, after = shifted(work, _place(net, number)), shifted(work, _place(net, number + 1))
        at -= units * row
        w, g = shifted(weights, at), shifted(gradient, at)
        if number == 0 and net[EXAMPLES_FIRST]:
            combine(RESULT, PLAIN, after, tile, 1, units, count, before, x_row, g, row, x_row)
        else:
            add_products(after, tile, units, before, tile, inputs + _layer(net, number, HAS_BIAS), points, g, row, 1)
        if number > 0:
            combine(NOTHING, SLOPE_OF + net[ACTIVATION], w, 1, row, inputs, units, after, tile, before, tile, points)


@compiled(FLOATS, FLOATS, INTEGER, INTEGER, DOUBLE, returns=DOUBLE)
def _mean_squared_error(outputs, targets, count, points, share):
    """Return the sum of squared errors of a tile, and put the gradient of `share` times it in place of the outputs."""
    for p in range(0, points, LANES):
        store(outputs, p, 0, load(1, outputs, p, 0) - load(1, targets, p, 0))
    for p in range(count, points):
        outputs[p] = 0.0
    squares = zeros(1)
    for p in range(0, points, LANES):
        error = load(1, outputs, p, 0)
        squares = fma(error, error, squares)
        store(outputs, p, 0, error * (2.0 * share))
    return total(squares)


@compiled(FLOATS, FLOATS, INTEGER, INTEGER, INTEGER, INTEGER, DOUBLE, returns=RESULTS)
def _cross_entropy(outputs, targets, tile, classes, count, points, share):
    """Return the sum of the cross-entropies of a tile and how many it has right; see `_mean_squared_error`.

    `targets` has room for a row more.
    """
    loss, correct = 0.0, 0
    for p in range(0, points, LANES):
        largest = load(1, outputs, p, 0)
        for c in range(1, classes):
            z = load(1, outputs, c * tile + p, 0)
            largest = where_less(largest, z, z, largest)
        for i in range(p, p + LANES):
            best = 0
            for c in range(1, classes):
                if outputs[c * tile + i] > outputs[best * tile + i]:
                    best = c
            own = int(targets[i])
            targets[tile + i] = outputs[own * tile + i]
            correct += i < count and best == own
        whole = zeros(1)
        for c in range(classes):
            e = exp(load(1, outputs, c * tile + p, 0) - largest)
            store(outputs, c * tile + p, 0, e)
            whole = whole + e
        store(targets, tile + p, 0, log(whole) - (load(1, targets, tile + p, 0) - largest))
        part = share / whole
        for c in range(classes):
            store(outputs, c * tile + p, 0, load(1, outputs, c * tile + p, 0) * part)
    for i in range(count):
        loss += targets[tile + i]
        place = int(targets[i]) * tile + i
        outputs[place] = outputs[place] - np.float32(share)
    for c in range(classes):
        for i in range(count, points):
            outputs[c * tile + i] = 0.0
    return loss, correct


@compiled(
    INTEGERS, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS, INTEGERS, BOOLEAN, INTEGER, INTEGER, BOOLEAN, returns=RESULTS
)
def loss_of(net, weights, gradient, work, x, y, order, ordered, begin, count, slope):
    """Return the mean loss of some examples, and how many of them are classified right.

    Args:
        net: the network.
        weights: layer after layer.
        gradient: likewise; that of the mean loss is added if there is a `slope`.
        work: room for activations, and after these for two rows.
        x: inputs, examples first.
        y: targets.
        order: of examples, if they are `ordered`.
        ordered: whether examples are taken in that order.
        begin: place of the first.
        count: how many.
        slope: whether the gradient is wanted.
    """
    tile, layers = net[TILE], net[LAYERS]
    outputs, targets = shifted(work, _place(net, layers)), shifted(work, _place(net, layers + 1))
    loss, correct, start = 0.0, 0, 0
    while start < count:
        some = min(tile, count - start)
        points = (some + LANES - 1) // LANES * LANES
        _gather(net, x, y, order, ordered, begin + start, some, points, work, targets)
        _forward(net, weights, work, points)
        if net[LOSS] == MSE:
            loss += _mean_squared_error(outputs, targets, some, points, 1.0 / count)
        else:
            classes = _layer(net, layers - 1, UNITS)
            more, right = _cross_entropy(outputs, targets, tile, classes, some, points, 1.0 / count)
            loss += more
            correct += right
        if slope:
            _backward(net, weights, gradient, work, some, points)
        start += tile
    return loss / count, correct
