"""Tests of trends: over the values of a setting, over the replicas, and along the course of a series."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np
from scipy.stats import bootstrap, page_trend_test, permutation_test, rankdata, spearmanr

from netclaims.claims.evidence import PERMUTATIONS, POSITIVE, RESAMPLES, Evidence, Numbers
from netclaims.claims.mean_tests import one_sided


def rank_correlation(x: Numbers, y: Numbers) -> float:
    """Return Spearman's ρ; 0 where either does not vary."""
    if (x == x[0]).all() or (y == y[0]).all():
        return 0.0
    return float(spearmanr(x, y).statistic)


def trend_over_settings(values: Numbers, x: Numbers, sign: int) -> Evidence:
    """Test whether values rise (sign 1) or fall (-1) with a setting that every replica was trained with all values of.

    The effect is Spearman's ρ, the mean over replicas, with a bootstrap interval over replicas. Page's test (1963,
    JASA 58), whose statistic is a linear function of that mean, gives the p values: under its null hypothesis every
    order of a replica's values is as likely.

    Args:
        values: (replicas, settings), finite or infinite.
        x: the settings (settings,), all different.
        sign: 1 or -1.
    """
    order = np.argsort(x)
    rho = np.array([sign * rank_correlation(x, row) for row in values])
    p_for, p_against = nan, nan
    if len(values) > 1:
        ranks = np.argsort(order) + 1  # inverts the order: each column gets its place
        p_for, p_against = (
            float(page_trend_test(side * sign * values, predicted_ranks=ranks).pvalue) for side in (1, -1)
        )
    low, high = _bootstrap_mean(rho)
    return Evidence(float(rho.mean()), low, high, "rho", POSITIVE, len(values), p_for, p_against)


def trend_over_replicas(x: Numbers, y: Numbers, sign: int, seed: int) -> Evidence:
    """Test whether replicas with a larger x have a larger (sign 1) or smaller (-1) y: Spearman's ρ over the replicas.

    The interval is a bootstrap over replicas; the p values are those of a permutation test of the pairings, of all of
    them where replicas are few.

    Args:
        x: one for each replica.
        y: likewise.
        sign: 1 or -1.
        seed: of the permutations and the bootstrap.
    """
    if len(x) < 3:  # the correlation of two points is 1 or -1, whatever they are
        return Evidence(sign * rank_correlation(x, y), nan, nan, "rho", POSITIVE, len(x), nan, nan)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Evidence(0.0, nan, nan, "rho", POSITIVE, len(x), 1.0, 1.0, "no variation")

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
    found = bootstrap((x, sign * y), rho, paired=True, vectorized=True, n_resamples=RESAMPLES, method="percentile",
                      rng=np.random.default_rng(seed)).confidence_interval  # fmt: skip
    return Evidence(
        sign * rank_correlation(x, y), float(found.low), float(found.high), "rho", POSITIVE, len(x), p_for, p_against
    )


def trend_along_series(series: Sequence[tuple[Numbers, Numbers]], sign: int) -> Evidence:
    """Test whether series rise (sign 1) or fall (-1) along x, replica by replica.

    The effect is the mean of every replica's Spearman ρ. Values along a series depend on one another, so that it is
    not they but the replicas that are counted: the p values are those of t-tests of the slope of y on the ranks of x,
    which says how much, where ρ says how steadily. Where the two are on different sides nothing is decided.

    Args:
        series: x and y of each replica.
        sign: 1 or -1.
    """
    rho = np.array([sign * rank_correlation(x, y) for x, y in series])
    slopes = np.array([sign * np.polyfit(rankdata(x), y, 1)[0] for x, y in series])
    p_for, p_against = one_sided(slopes, 0.0)
    if len(slopes) > 1 and rho.mean() * slopes.mean() <= 0:
        p_for = p_against = 1.0
    low, high = _bootstrap_mean(rho)
    return Evidence(float(rho.mean()), low, high, "rho", POSITIVE, len(rho), p_for, p_against)


def _bootstrap_mean(values: Numbers) -> tuple[float, float]:
    if len(values) < 2:
        return nan, nan
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
