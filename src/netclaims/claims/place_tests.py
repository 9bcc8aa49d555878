"""Tests of places along a setting or a line: where the best one lies, and whether values turn there."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from netclaims.claims.evidence import PERMUTATIONS, POSITIVE, RESAMPLES, Evidence, Numbers, weakest
from netclaims.claims.mean_tests import ordering


def extreme(values: Numbers, allowed: NDArray[np.bool_], seed: int) -> Evidence:
    """Test whether the highest values are at places where the claim has them, by permutations of ranks within replicas.

    The statistic is the mean rank over replicas of the best place that the claim allows less that of the best other
    one (in units of all ranks: from -1 to 1). It is compared with its values when every order of a replica's values is
    as likely, as in Friedman's test (1937, JASA 32). A place that is not the best speaks neither for the claim, however
    rare its rank, nor against it the other way round. The interval is a bootstrap over replicas.

    Args:
        values: (replicas, places), finite or infinite.
        allowed: which places the claim allows, some but not all (places,).
        seed: of the permutations and the bootstrap.
    """
    ranks = (rankdata(values, axis=1) - 1) / (values.shape[1] - 1)

    def statistic(table: Numbers, axis: int = 0) -> Numbers:  # (..., replicas, places) to (...,)
        mean = table.mean(axis=axis)
        return mean[..., allowed].max(axis=-1) - mean[..., ~allowed].max(axis=-1)

    effect, n = float(statistic(ranks)), len(ranks)
    if n < 2:
        return Evidence(effect, nan, nan, "rank", POSITIVE, n, nan, nan)
    stream = np.random.default_rng(seed)
    random = np.array([statistic(stream.permuted(ranks, axis=1)) for _ in range(PERMUTATIONS)])
    p_for = (1 + np.sum(random >= effect - 1e-12)) / (PERMUTATIONS + 1) if effect > 0 else 1.0
    p_against = (1 + np.sum(random <= effect + 1e-12)) / (PERMUTATIONS + 1) if effect < 0 else 1.0
    again = statistic(ranks[stream.integers(n, size=(RESAMPLES, n))], axis=1)
    low, high = np.quantile(again, [0.025, 0.975])
    return Evidence(effect, float(low), float(high), "rank", POSITIVE, n, float(p_for), float(p_against))


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
        best, effect=effect, low=low, high=high, p_for=p_for, p_against=p_against, unit="height", comparisons=1
    )
