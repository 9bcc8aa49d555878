"""The two products of matrices that a dense layer takes, in blocks that stay in the processor's registers.

A matrix is a pointer to where it begins and the distance between its rows. Rows that vectors go along are a multiple of
`LANES` long.
"""

from __future__ import annotations

from collections.abc import Callable

from netclaims.kernel.layout import LANES, LEAKY_RELU, RELU, SLOPE_OF
from netclaims.kernel.vectors import (
    FLOATS,
    INTEGER,
    add_sums,
    compiled,
    fma,
    load,
    shifted,
    spread,
    store,
    where_less,
    zeros,
)

# AVX2 has sixteen registers of half a vector: a block of six vectors leaves four for what is multiplied.
MOST = 6
# A block of one vector would wait for its own last addition.
ACROSS = 4

NOTHING, BIAS, RESULT = range(3)  # what `combine` begins with
NEGATIVE_SLOPE = 0.01  # of leaky_relu: torch's default

MATRIX = FLOATS, INTEGER


def _combine(rows: int, across: int) -> Callable[..., int]:
    """Return `combine` for so many rows and, of a single row, so many vectors at once; it returns how far it came."""
    count, step = rows * across, across * LANES

    @compiled(INTEGER, INTEGER, *MATRIX, INTEGER, INTEGER, *MATRIX, *MATRIX, INTEGER, INTEGER, returns=INTEGER)
    def combine_block(begin, end, a, a_row, a_column, terms, b, b_row, c, c_row, first, length):
        apart = LANES if across > 1 else c_row
        while first + step <= length:
            if begin == BIAS:
                block = zeros(count) + spread(rows, a, terms * a_column, a_row)
            elif begin == RESULT:
                block = load(count, c, first, apart)
            else:
                block = zeros(count)
            for k in range(terms):
                block = fma(spread(rows, a, k * a_column, a_row), load(across, b, k * b_row + first, LANES), block)
            if end == RELU:
                block = where_less(block, 0.0, 0.0, block)
            elif end == LEAKY_RELU:
                block = where_less(block, 0.0, block * NEGATIVE_SLOPE, block)
            elif end >= SLOPE_OF:
                result = load(count, c, first, apart)
                if end == SLOPE_OF + RELU:
                    block = where_less(0.0, result, block, 0.0)
                elif end == SLOPE_OF + LEAKY_RELU:
                    block = where_less(0.0, result, block, block * NEGATIVE_SLOPE)
                else:
                    block = block * (1.0 - result * result)
            store(c, first, apart, block)
            first += step
        return first

    return combine_block


def _add_products(rows: int) -> Callable[..., None]:
    """Return `add_products` for so many rows of a."""

    @compiled(*MATRIX, *MATRIX, INTEGER, INTEGER, *MATRIX, INTEGER)
    def add_products_block(a, a_row, b, b_row, terms, length, c, c_row, c_column):
        for k in range(terms):
            block = zeros(rows)
            for p in range(0, length, LANES):
                block = fma(load(rows, a, p, a_row), load(1, b, k * b_row + p, 0), block)
            add_sums(c, k * c_column, c_row, block)

    return add_products_block


_across = _combine(1, ACROSS)
_one, _two, _three, _four, _five, _six = (_combine(rows, 1) for rows in range(1, MOST + 1))
_add_one, _add_two, _add_three, _add_four, _add_five, _add_six = (_add_products(rows) for rows in range(1, MOST + 1))


@compiled(INTEGER, returns=INTEGER)
def _next_block(rows):
    """Return how many of so many rows the next block takes: blocks are about equal."""
    blocks = (rows + MOST - 1) // MOST
    return (rows + blocks - 1) // blocks


@compiled(INTEGER, INTEGER, *MATRIX, INTEGER, INTEGER, INTEGER, *MATRIX, *MATRIX, INTEGER)
def combine(begin, end, a, a_row, a_column, rows, terms, b, b_row, c, c_row, length):
    """Set c to a b: rows of b, weighted by numbers in a, are added.

    Args:
        begin: to what: `NOTHING`; `BIAS`, the number that follows a row of a; or `RESULT`, what c was.
        end: what is made of the sum: nothing, `PLAIN`; an activation but tanh, which has a pass of its own; or, with
            `SLOPE_OF` an activation, it is multiplied by the slope of that, whose result c was.
        a: row r has its k-th number at r · a_row + k · a_column.
        a_row: see a.
        a_column: see a.
        rows: of a and of c.
        terms: columns of a and rows of b.
        b: vectors go along its rows, as along those of c.
        b_row: from a row to the next.
        c: the result.
        c_row: from a row to the next.
        length: of the rows of b and c.
    """
    done = 0
    while done < rows:
        count, x, y = _next_block(rows - done), shifted(a, done * a_row), shifted(c, done * c_row)
        if count == 1:
            first = _across(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, 0, length)
            _one(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, first, length)
        elif count == 2:
            _two(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, 0, length)
        elif count == 3:
            _three(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, 0, length)
        elif count == 4:
            _four(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, 0, length)
        elif count == 5:
            _five(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, 0, length)
        else:
            _six(begin, end, x, a_row, a_column, terms, b, b_row, y, c_row, 0, length)
        done += count


@compiled(*MATRIX, INTEGER, *MATRIX, INTEGER, INTEGER, *MATRIX, INTEGER)
def _add_by_rows(a, a_row, rows, b, b_row, terms, length, c, c_row, c_column):
    done = 0
    while done < rows:
        count, x, y = _next_block(rows - done), shifted(a, done * a_row), shifted(c, done * c_row)
        if count == 1:
            _add_one(x, a_row, b, b_row, terms, length, y, c_row, c_column)
        elif count == 2:
            _add_two(x, a_row, b, b_row, terms, length, y, c_row, c_column)
        elif count == 3:
            _add_three(x, a_row, b, b_row, terms, length, y, c_row, c_column)
        elif count == 4:
            _add_four(x, a_row, b, b_row, terms, length, y, c_row, c_column)
        elif count == 5:
            _add_five(x, a_row, b, b_row, terms, length, y, c_row, c_column)
        else:
            _add_six(x, a_row, b, b_row, terms, length, y, c_row, c_column)
        done += count


@compiled(*MATRIX, INTEGER, *MATRIX, INTEGER, INTEGER, *MATRIX, INTEGER)
def add_products(a, a_row, rows, b, b_row, terms, length, c, c_row, c_column):
    """Add a bᵀ to c: products of rows with rows.

    Args:
        a: vectors go along its rows, as along those of b.
        a_row: from a row to the next.
        rows: of a.
        b: the other matrix.
        b_row: from a row to the next.
        terms: rows of b.
        length: of the rows.
        c: of row r of a and row k of b it has the product at r · c_row + k · c_column.
        c_row: see c.
        c_column: see c.
    """
    if rows >= terms:
        _add_by_rows(a, a_row, rows, b, b_row, terms, length, c, c_row, c_column)
    else:
        _add_by_rows(b, b_row, terms, a, a_row, rows, length, c, c_column, c_row)
