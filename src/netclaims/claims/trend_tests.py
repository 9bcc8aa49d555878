"""Tests of trends: over the values of a setting, over the replicas, and along the course of a series."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh, nan, sqrt, tanh

import numpy as np
from scipy.stats import norm, permutation_test, rankdata, spearmanr

from netclaims.claims.evidence import PERMUTATIONS, POSITIVE, Evidence, Kind, Numbers
from netclaims.claims.mean_tests import bounded_interval, by_signs, median_interval, one_sided, signs

# At which level a slope the other way, of a part of the settings, is one, over all parts (Bonferroni). A tenth, as five
# replicas hardly tell a reversal at a stricter one; without the correction too much that rises and then is level fails.
REVERSAL = 0.1
NOT_MONOTONE = "not monotone"  # the remark that there is one


def rank_correlation(x: Numbers, y: Numbers) -> float:
    """Return Spearman's ρ; 0 where either does not vary."""
    if (x == x[0]).all() or (y == y[0]).all():
        return 0.0
    return float(spearmanr(x, y).statistic)


def trend_over_settings(values: Numbers, x: Numbers, sign: int, least: float = 0.0, typical: bool = False) -> Evidence:
    """Test whether values rise (sign 1) or fall (-1) with a setting that every replica was trained with all values of.

    The p values are those of a t-test over replicas of the slope of each replica's values on the places of the
    settings, first, second, and so on: values of a replica depend on one another, and it is replicas that are counted.
    Where values go significantly the other way up to a setting, or from one on (t-tests of the slopes there, Bonferroni
    over all of them), nothing is supported. The effect is Spearman's ρ, the mean over replicas, with its t-interval. Of
    the typical net there are sign tests in place of t-tests, and medians in place of means.

    A value may be infinite, that of a net that diverged: then ranks within replicas take the place of values.

    Args:
        values: (replicas, settings), finite or infinite.
        x: the settings (settings,), all different.
        sign: 1 or -1.
        least: the ρ from which on the claim holds.
        typical: whether in the median, by sign tests, and not in the mean.
    """
    test = signs if typical else one_sided
    rho = np.array([sign * rank_correlation(x, row) for row in values])
    ordered = sign * values[:, np.argsort(x)]
    if not np.isfinite(ordered).all():
        ordered = rankdata(ordered, axis=1)
    slopes = _slopes(ordered)
    p_for, p_against = test(slopes, 0.0)
    remark = ""
    if len(values) > 1 and reversed_somewhere(ordered, typical):
        p_for, remark = 1.0, NOT_MONOTONE
    if least:
        p_for, p_against = max(p_for, test(rho, least)[0]), test(rho, least)[1]
    kind = Kind.SLOPE_SIGNS if typical or by_signs(slopes) else Kind.SLOPES
    return _of_rho(rho, least, p_for, p_against, kind, remark, typical)


def _slopes(values: Numbers) -> Numbers:
    """Return the slope of every row on the numbers of its places."""
    places = np.arange(values.shape[1], dtype=float)
    places -= places.mean()
    return values @ places / (places @ places)


def reversed_somewhere(values: Numbers, typical: bool = False) -> bool:
    """Tell whether values that should rise fall significantly up to one of their places, or from one on.

    Args:
        values: (replicas, places), in the order of the places.
        typical: whether in the median, by sign tests, and not in the mean.
    """
    test = signs if typical else one_sided
    turns = range(1, values.shape[1] - 1)
    parts = [part for turn in turns for part in (values[:, : turn + 1], values[:, turn:])]
    return any(test(_slopes(part), 0.0)[1] < REVERSAL / len(parts) for part in parts)


def trend_over_replicas(x: Numbers, y: Numbers, sign: int, seed: int, least: float = 0.0) -> Evidence:
    """Test whether replicas with a larger x have a larger (sign 1) or smaller (-1) y: Spearman's ρ over the replicas.

    The p values are those of a permutation test of the pairings, of all of them where replicas are few. The interval is
    that of Fisher's z with the variance 1.06 / (n - 3) of Fieller, Hartley and Pearson (1957, Biometrika 44).

    Args:
        x: one for each replica.
        y: likewise.
        sign: 1 or -1.
        seed: of the permutations.
        least: the ρ from which on the claim holds.
    """
    test, claimed = Kind.PAIRINGS, (least, POSITIVE[1])
    if len(x) < 3:  # the correlation of two points is 1 or -1, whatever they are
        return Evidence(sign * rank_correlation(x, y), nan, nan, "rho", claimed, len(x), nan, nan, test)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Evidence(0.0, nan, nan, "rho", claimed, len(x), 1.0, 1.0, test, "no variation")

    def rho(a: Numbers, b: Numbers, axis: int) -> Numbers:
        a, b = (rankdata(values, axis=axis) for values in (a, b))
        a, b = (values - values.mean(axis=axis, keepdims=True) for values in (a, b))
        scale = np.sqrt((a**2).sum(axis=axis) * (b**2).sum(axis=axis))
        return np.divide((a * b).sum(axis=axis), scale, out=np.zeros_like(scale), where=scale > 0)

    p_for, p_against = (
        float(permutation_test((x,), lambda a, axis: rho(a, np.broadcast_to(sign * y, a.shape), axis),
              permutation_type="pairings", n_resamples=PERMUTATIONS, alternative=side, vectorized=True,
              rng=np.random.default_rng(seed)).pvalue)
        for side in ("greater", "less")
    )  # fmt: skip
    effect = sign * rank_correlation(x, y)
    low, high = nan, nan
    if len(x) > 3 and abs(effect) < 1:
        error = sqrt(1.06 / (len(x) - 3))
        low, high = (tanh(atanh(effect) + norm.ppf(side) * error) for side in (0.025, 0.975))
        if least:
            off = (atanh(effect) - atanh(least)) / error
            p_for, p_against = max(p_for, float(norm.sf(off))), float(norm.cdf(off))
    return Evidence(effect, low, high, "rho", claimed, len(x), p_for, p_against, test)


def trend_along_series(series: Sequence[tuple[Numbers, Numbers]], sign: int, least: float = 0.0) -> Evidence:
    """Test whether series rise (sign 1) or fall (-1) along x, replica by replica.

    Values along a series depend on one another, so that it is not they but the replicas that are counted: the p values
    are those of a t-test of z = atanh ρ of every replica's Spearman ρ (Fisher 1921, Metron 1), where a ρ of 1 counts as
    halfway to the next possible one below. The effect is the mean ρ, with its t-interval.

    Args:
        series: x and y of each replica.
        sign: 1 or -1.
        least: the mean ρ from which on the claim holds.
    """
    rho = np.array([sign * rank_correlation(x, y) for x, y in series])
    z = np.array([_z(one, len(x)) for one, (x, _) in zip(rho, series, strict=True)])
    p_for, p_against = one_sided(z, atanh(least))
    return _of_rho(rho, least, p_for, p_against, Kind.MEDIAN if by_signs(z) else Kind.COURSES)


def _of_rho(
    rho: Numbers, least: float, p_for: float, p_against: float, test: Kind, remark: str = "", typical: bool = False
) -> Evidence:
    centre = float(np.median(rho) if typical else rho.mean())
    low, high = median_interval(rho) if typical else bounded_interval(rho)
    return Evidence(
        centre, low, high, "rho", (least, POSITIVE[1]), len(rho), p_for, p_against, test, remark,
        sample=tuple(rho.tolist()),
    )  # fmt: skip


def _z(rho: float, places: int) -> float:
    most = 1 - 6 / (places * (places**2 - 1))  # two neighbours exchanged make it 1 - 12 / …
    return atanh(max(-most, min(most, rho)))
