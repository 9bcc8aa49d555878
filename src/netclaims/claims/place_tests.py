"""Tests of places along a setting or a line: where the best one lies, and whether values turn there."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from netclaims.claims.evidence import POSITIVE, Evidence, Kind, Numbers, weakest
from netclaims.claims.mean_tests import bounded_interval, by_signs, one_sided, ordering


def extreme(values: Numbers, allowed: NDArray[np.bool_]) -> Evidence:
    """Test whether the highest values are at places where the claim has them: an intersection-union test (Berger 1982).

    For: one of the places that the claim allows is higher than every other place, by paired t-tests over replicas (by
    signs, where a difference has no mean, or no spread), of which the largest p counts; the smallest of these over the
    allowed places, times their number (Bonferroni). Against: the same with allowed and other places exchanged. It needs
    no more of values along the places than of pairs of them.

    The effect is how much higher the best allowed place ranks than the best other one, in the mean over replicas (in
    units of all ranks: from -1 to 1), with its t-interval.

    Args:
        values: (replicas, places), finite or infinite.
        allowed: which places the claim allows, some but not all (places,).
    """
    ranks = (rankdata(values, axis=1) - 1) / (values.shape[1] - 1)
    ahead = ranks[:, allowed].max(axis=1) - ranks[:, ~allowed].max(axis=1)
    low, high = bounded_interval(ahead)
    with np.errstate(invalid="ignore"):  # of two infinite values neither is higher
        pairs = np.nan_to_num(values[:, allowed, None] - values[:, None, ~allowed], posinf=inf, neginf=-inf)
    differences = pairs.transpose(1, 2, 0)  # allowed places, other places, replicas
    kinds = {Kind.PLACE_SIGNS if by_signs(pair) else Kind.PLACES for row in differences for pair in row}
    test = Kind.PLACES_OR_SIGNS if len(kinds) > 1 else kinds.pop()
    p_for, p_against = _one_is_highest(differences), _one_is_highest(-differences.swapaxes(0, 1))
    return Evidence(
        float(ahead.mean()), low, high, "rank", POSITIVE, len(values), p_for, p_against, test,
        tries_for=len(differences), tries_against=differences.shape[1],
    )  # fmt: skip


def _one_is_highest(differences: Numbers) -> float:
    """Return the p value of one place being higher than all of the others.

    Args:
        differences: (places, others, replicas).
    """
    if differences.shape[2] < 2:
        return nan
    by_place = [max(one_sided(to_another, 0.0)[0] for to_another in of_one) for of_one in differences]
    return min(1.0, len(by_place) * min(by_place))


def valley(values: Numbers, x: Numbers) -> Evidence:
    """Test whether values fall and then rise: a line down to an inner place and one up from it.

    T-tests over replicas find the slopes of the two below and above 0 (two lines: Simonsohn 2018, Adv. Meth. Pract.
    Psych. Sci. 1). Both have to be; against is either the other way. A parabola would not do: it rises at one end
    wherever values fall ever less steeply.

    Every inner place is tried. For is the best of them, its p value times their number (Bonferroni); against has to
    hold at all of them. The effect is the fall or the rise along the lines at the best place, whichever is the less
    certain, in standard deviations of the values of a replica.

    Args:
        values: (replicas, settings), at least three settings.
        x: the settings in order (settings,).
    """
    places = []
    for turn in range(1, len(x) - 1):
        falls, rises = (np.polyfit(x[part], values[:, part].T, 1)[0] * np.ptp(x[part])
                        for part in (slice(None, turn + 1), slice(turn, None)))  # fmt: skip
        places.append(weakest([ordering(-falls, ratio=False), ordering(rises, ratio=False)]))
    best = min(places, key=lambda place: (place.p_for, -place.effect))
    deviation = np.sqrt(values.var(axis=1).mean())
    flat = deviation <= 1e-12 * np.abs(values).max()
    effect, low, high = (0.0 if flat else size / deviation for size in (best.effect, best.low, best.high))
    p_for, p_against = min(1.0, len(places) * best.p_for), max(place.p_against for place in places)
    if flat or len(values) < 2:
        p_for = p_against = 1.0 if len(values) > 1 else nan
    return replace(
        best, effect=effect, low=low, high=high, p_for=p_for, p_against=p_against, unit="height", comparisons=1,
        test=Kind.VALLEY, sample=(),
    )  # fmt: skip
