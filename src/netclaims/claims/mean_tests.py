"""Tests of differences, or logarithms of ratios: are they above 0, within a margin, or beyond it?

In the mean over replicas, by t-tests; or in the typical net, the median one, by the exact sign test, which asks no more
of the nets than to be drawn alike. No test of a mean survives outcomes of two kinds (most nets fit, a fifth never do):
few replicas may show one kind alone.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan, sqrt

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit
from scipy.stats import binom

from netclaims.claims.evidence import POSITIVE, Evidence, Kind, Numbers


def one_sided(values: Numbers, threshold: float) -> tuple[float, float]:
    """Return p values of the mean being larger, and smaller, than a threshold: t-tests, undefined with fewer than two.

    Values that are equal but for rounding have no spread to judge by, and with an infinite one there is no mean. They
    are taken as signs.
    """
    if len(values) < 2:
        return nan, nan
    if by_signs(values):
        return signs(values, threshold)
    t = (values.mean() - threshold) / _standard_error(values)
    return float(stdtr(len(values) - 1, -t)), float(stdtr(len(values) - 1, t))


def _standard_error(values: Numbers) -> float:
    return values.std(ddof=1) / sqrt(len(values))


def by_signs(values: Numbers) -> bool:
    """Tell whether values have no mean, or no spread to judge it by, so that they are taken as signs."""
    return len(values) > 1 and (not np.isfinite(values).all() or equal(values))


def signs(values: Numbers, threshold: float) -> tuple[float, float]:
    """Return p values of the median being larger, and smaller, than a threshold: sign tests.

    Values on the threshold, but for rounding, are on neither side. Undefined with fewer than two values.
    """
    if len(values) < 2:
        return nan, nan
    on = np.array([equal(np.array([value, threshold])) for value in values])
    above, below = int((values > threshold)[~on].sum()), int((values < threshold)[~on].sum())
    return tuple(float(binom.sf(count - 1, above + below, 0.5)) for count in (above, below))


def equal(values: Numbers) -> bool:
    """Tell whether numbers are the same to the six digits that tables hold."""
    return bool(np.isfinite(values).all() and np.ptp(values) <= 1e-6 * np.abs(values).max())


def mean_interval(values: Numbers) -> tuple[float, float]:
    """Return the 95 % t-interval of the mean, undefined with fewer than two values, and with an infinite one."""
    if len(values) < 2 or not np.isfinite(values).all():
        return nan, nan
    half = stdtrit(len(values) - 1, 0.975) * _standard_error(values)
    return float(values.mean() - half), float(values.mean() + half)


def bounded_interval(values: Numbers) -> tuple[float, float]:
    """Return the 95 % t-interval of the mean of what lies between -1 and 1, as far as it lies there too."""
    low, high = np.clip(mean_interval(values), -1, 1)
    return float(low), float(high)


def median_interval(values: Numbers) -> tuple[float, float]:
    """Return the 95 % interval of the median between two of the ordered values, undefined with fewer than six.

    It holds the medians that the sign test does not tell from the data at 5 %.
    """
    place = int(binom.ppf(0.025, len(values), 0.5))  # from below, and from above, the first being 1
    if place < 1:
        return nan, nan
    ordered = np.sort(values)
    return float(ordered[place - 1]), float(ordered[-place])


def ordering(differences: Numbers, ratio: bool, typical: bool = False) -> Evidence:
    """Test whether paired differences, or logarithms of paired ratios, are above 0.

    Args:
        differences: one for each replica, positive where it is as claimed.
        ratio: whether they are logarithms of ratios.
        typical: whether in the median, by the sign test, and not in the mean.
    """
    p_for, p_against = (signs if typical else one_sided)(differences, 0.0)
    return _evidence(differences, ratio, typical, POSITIVE, p_for, p_against)


def equivalence(differences: Numbers, margin: float, ratio: bool, typical: bool = False) -> Evidence:
    """Test whether paired differences, or logarithms of ratios, are within ±`margin` (Schuirmann 1987).

    For: two one-sided tests, of which the larger p counts. Against: the mean, or the median, is beyond one of the
    margins, by the test of the side it is on, doubled as there are two sides.

    Args:
        differences: one for each replica.
        margin: as the differences are: of ratios its logarithm.
        ratio: whether they are logarithms of ratios.
        typical: whether in the median, by the sign test, and not in the mean.
    """
    test = signs if typical else one_sided
    above_low, below_low = test(differences, -margin)
    above_high, below_high = test(differences, margin)
    if len(differences) < 2:
        return _evidence(differences, ratio, typical, (-margin, margin), nan, nan)
    p_for, p_against = max(above_low, below_high), min(1.0, 2 * min(below_low, above_high))
    found = _evidence(differences, ratio, typical, (-margin, margin), p_for, p_against)
    return replace(found, tries_against=2)


def unlike(differences: Numbers, margin: float, ratio: bool, typical: bool = False) -> Evidence:
    """Test the opposite of `equivalence`; the effect is shown on the side that it is on.

    Args:
        differences: as for `equivalence`.
        margin: likewise.
        ratio: likewise.
        typical: likewise.
    """
    side = -1 if _centre(differences, typical) < 0 else 1
    opposite = equivalence(differences, margin, ratio, typical)
    found = _evidence(side * differences, ratio, typical, (margin, inf), opposite.p_against, opposite.p_for)
    return replace(found, tries_for=2)


def _evidence(
    values: Numbers, ratio: bool, typical: bool, claimed: tuple[float, float], p_for: float, p_against: float
) -> Evidence:
    shown = exponential if ratio else float
    low, high = median_interval(values) if typical else mean_interval(values)
    test = Kind.MEDIAN if typical or by_signs(values) else Kind.MEAN
    return Evidence(
        shown(_centre(values, typical)), shown(low), shown(high), "ratio" if ratio else "difference",
        (shown(claimed[0]), shown(claimed[1])), len(values), p_for, p_against, test, sample=tuple(values.tolist()),
    )  # fmt: skip


def _centre(values: Numbers, typical: bool) -> float:
    """Return the mean, or the median, which stands for it where an infinite value leaves no mean."""
    if not len(values):
        return nan
    with np.errstate(invalid="ignore"):  # -∞ and ∞ have no mean
        return np.median(values) if typical or not np.isfinite(values).all() else values.mean()


def centre(values: Numbers, ratio: bool, typical: bool) -> float:
    """Return the mean, or the median, of one side of a comparison; the geometric one where it is by ratio.

    Args:
        values: one for each replica.
        ratio: whether the comparison is of ratios.
        typical: whether it is of medians.
    """
    shown, of = (exponential, logarithms(pd.Series(values)).to_numpy()) if ratio else (float, values)
    return shown(_centre(of, typical))


def exponential(value: float) -> float:
    """Return the ratio of which this is the logarithm."""
    with np.errstate(over="ignore"):  # an interval may reach as far as infinity
        return float(np.exp(value))


def logarithms(values: pd.Series) -> pd.Series:
    """Return natural logarithms, undefined for what has none. What is below all other values, -∞, stays so."""
    return values.map(lambda value: log(value) if value > 0 else value if value == -inf else nan)
