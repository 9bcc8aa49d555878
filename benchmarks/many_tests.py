"""The tests of claims, for many samples at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import binom

from netclaims.claims.trend_tests import REVERSAL

Numbers = NDArray[np.float64]
Sides = tuple[Numbers, Numbers]  # p values for and against, of every sample


def t_tests(values: Numbers, threshold: float = 0.0) -> Sides:
    """Return one-sided p values of the mean of every row being above, and below, a threshold.

    Rows without a spread are taken as signs.
    """
    n = values.shape[1]
    flat = np.ptp(values, axis=1) <= 1e-6 * np.abs(values).max(axis=1)
    spread = np.where(flat, 1.0, values.std(axis=1, ddof=1))
    t = (values.mean(axis=1) - threshold) / (spread / np.sqrt(n))
    by_signs = sign_tests(values, threshold)
    return tuple(np.where(flat, by_signs[side], stdtr(n - 1, sign * t)) for side, sign in enumerate((-1, 1)))


def sign_tests(values: Numbers, threshold: float = 0.0) -> Sides:
    """Return one-sided p values of the median of every row being above, and below, a threshold."""
    above, below = (values > threshold).sum(axis=1), (values < threshold).sum(axis=1)
    return binom.sf(above - 1, above + below, 0.5), binom.sf(below - 1, above + below, 0.5)


def within(values: Numbers, margin: float, test: Callable[[Numbers, float], Sides]) -> Sides:
    """Return p values of rows lying within ±margin, and beyond it."""
    low, high = test(values, -margin), test(values, margin)
    return np.maximum(low[0], high[1]), np.minimum(1, 2 * np.minimum(low[1], high[0]))


def slopes(values: Numbers) -> Numbers:
    """Return the slope of every row of (samples, replicas, places)."""
    places = np.arange(values.shape[2]) - (values.shape[2] - 1) / 2
    return values @ places / (places @ places)


def trends(values: Numbers, test: Callable[[Numbers], Sides] = t_tests) -> Sides:
    """Return p values of (samples, replicas, settings) rising, and falling: of slopes, in the mean or by signs."""
    p_for, p_against = test(slopes(values))
    inner = range(1, values.shape[2] - 1)
    parts = [part for turn in inner for part in (values[..., : turn + 1], values[..., turn:])]
    for part in parts:
        p_for = np.where(test(slopes(part))[1] < REVERSAL / len(parts), 1.0, p_for)
    return p_for, p_against


def extremes(values: Numbers, allowed: NDArray[np.bool_]) -> Sides:
    """Return p values of the highest of (samples, replicas, places) being at an allowed place, and at another."""

    def one(claimed: NDArray[np.bool_]) -> Numbers:
        by_place = [
            np.max([t_tests(values[..., i] - values[..., j])[0] for j in np.flatnonzero(~claimed)], axis=0)
            for i in np.flatnonzero(claimed)
        ]
        return np.minimum(1, len(by_place) * np.min(by_place, axis=0))

    return one(allowed), one(~allowed)


def valleys(values: Numbers) -> Sides:
    """Return p values of (samples, replicas, settings) falling and then rising, and of the opposite."""
    best, against = np.ones(len(values)), np.zeros(len(values))
    turns = range(1, values.shape[2] - 1)
    for turn in turns:
        falls, rises = t_tests(-slopes(values[..., : turn + 1])), t_tests(slopes(values[..., turn:]))
        best = np.minimum(best, np.maximum(falls[0], rises[0]))
        against = np.maximum(against, np.minimum(1, 2 * np.minimum(falls[1], rises[1])))
    return np.minimum(1, len(turns) * best), against
