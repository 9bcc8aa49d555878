"""Tests of means over replicas: are differences, or logarithms of ratios, above 0, within a margin, or beyond it?"""

from __future__ import annotations

from math import inf, log, nan

import numpy as np
import pandas as pd
from scipy.stats import binom
from statsmodels.stats.weightstats import DescrStatsW

from netclaims.claims.evidence import POSITIVE, Evidence, Numbers


def one_sided(values: Numbers, threshold: float) -> tuple[float, float]:
    """Return p values of the mean being larger, and smaller, than a threshold: t-tests, undefined with fewer than two.

    Values that are equal but for rounding have no spread to judge by, and with an infinite one there is no mean. They
    are taken as signs (sign test), on the sides they are on, if any.
    """
    if len(values) < 2:
        return nan, nan
    if not np.isfinite(values).all():
        above, below = int((values > threshold).sum()), int((values < threshold).sum())
        return tuple(float(binom.sf(count - 1, above + below, 0.5)) for count in (above, below))
    if equal(values):
        certain, off = 0.5 ** len(values), values[0] - threshold
        if equal(np.array([values[0], threshold])):
            return 1.0, 1.0
        return (certain, 1.0) if off > 0 else (1.0, certain)
    found = DescrStatsW(values)
    return tuple(float(found.ttest_mean(threshold, alternative=side)[1]) for side in ("larger", "smaller"))


def equal(values: Numbers) -> bool:
    """Tell whether numbers are the same to the six digits that tables hold."""
    return np.ptp(values) <= 1e-6 * np.abs(values).max()


def mean_interval(values: Numbers) -> tuple[float, float]:
    """Return the 95 % t-interval of the mean, undefined with fewer than two values, and with an infinite one."""
    if len(values) < 2 or not np.isfinite(values).all():
        return nan, nan
    return tuple(map(float, DescrStatsW(values).tconfint_mean(0.05)))


def ordering(differences: Numbers, ratio: bool) -> Evidence:
    """Test whether paired differences, or logarithms of paired ratios, are above 0 in the mean: paired t-tests.

    Args:
        differences: one for each replica, positive where it is as claimed.
        ratio: whether they are logarithms of ratios.
    """
    p_for, p_against = one_sided(differences, 0.0)
    return _mean_evidence(differences, ratio, POSITIVE, p_for, p_against)


def equivalence(differences: Numbers, margin: float, ratio: bool) -> Evidence:
    """Test whether paired differences, or logarithms of ratios, are within ±`margin` in the mean (Schuirmann 1987).

    For: two one-sided tests, of which the larger p counts. Against: the mean is beyond one of the margins, by the test
    of the side it is on, doubled as there are two sides.

    Args:
        differences: one for each replica.
        margin: as the differences are: of ratios its logarithm.
        ratio: whether they are logarithms of ratios.
    """
    above_low, below_low = one_sided(differences, -margin)
    above_high, below_high = one_sided(differences, margin)
    if len(differences) < 2:
        return _mean_evidence(differences, ratio, (-margin, margin), nan, nan)
    p_for, p_against = max(above_low, below_high), min(1.0, 2 * min(below_low, above_high))
    return _mean_evidence(differences, ratio, (-margin, margin), p_for, p_against)


def unlike(differences: Numbers, margin: float, ratio: bool) -> Evidence:
    """Test the opposite of `equivalence`; the effect is shown on the side that it is on.

    Args:
        differences: as for `equivalence`.
        margin: likewise.
        ratio: likewise.
    """
    side = -1 if _centre(differences) < 0 else 1
    found = equivalence(differences, margin, ratio)
    return _mean_evidence(side * differences, ratio, (margin, inf), found.p_against, found.p_for)


def _mean_evidence(
    values: Numbers, ratio: bool, claimed: tuple[float, float], p_for: float, p_against: float
) -> Evidence:
    shown = _exponential if ratio else float
    low, high = mean_interval(values)
    return Evidence(
        shown(_centre(values)), shown(low), shown(high), "ratio" if ratio else "difference",
        (shown(claimed[0]), shown(claimed[1])), len(values), p_for, p_against,
    )  # fmt: skip


def _centre(values: Numbers) -> float:
    """Return the mean, or the median where an infinite value leaves none: what a t-test and a sign test are about."""
    if not len(values):
        return nan
    with np.errstate(invalid="ignore"):  # -∞ and ∞ have no mean
        return values.mean() if np.isfinite(values).all() else np.median(values)


def _exponential(value: float) -> float:
    with np.errstate(over="ignore"):  # an interval may reach as far as infinity
        return float(np.exp(value))


def logarithms(values: pd.Series) -> pd.Series:
    """Return natural logarithms, undefined for what has none. What is below all other values, -∞, stays so."""
    return values.map(lambda value: log(value) if value > 0 else value if value == -inf else nan)
