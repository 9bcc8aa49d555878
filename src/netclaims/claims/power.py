"""What so many replicas can show: the smallest p value, the smallest effect, and how many would decide a claim."""

from __future__ import annotations

from math import atanh, ceil, factorial, isinf, log2, nan, sqrt, tanh

import numpy as np
from scipy.special import betaincinv, nctdtrinc, stdtrit
from scipy.stats import binom, norm

from netclaims.claims.evidence import PERMUTATIONS, Evidence
from netclaims.claims.mean_tests import exponential

POWER = 0.8  # an effect can be shown if four of five such experiments show it
MOST = 1000  # above it, numbers of replicas say no more than that there is nothing to see


def least_p(evidence: Evidence) -> float:
    """Return the smallest two-sided p value that so many replicas can have; 0 for tests that know no smallest one."""
    if "sign test" in evidence.test and "t-test" not in evidence.test:
        return 2 * 0.5**evidence.replicas
    if evidence.test == "permutation test":
        return 2 / min(factorial(evidence.replicas), PERMUTATIONS + 1)
    return 0.0


def least_effect(evidence: Evidence, level: float) -> float:
    """Return how far beyond the border of what is claimed an effect has to lie for these replicas to show it.

    That is what a two-sided test at this level finds with a probability of 80 %, if the replicas vary as they do: in
    the effect's unit, of ratios a factor. Of a mean by the noncentral t distribution. Of a median so far that as large
    a share of the values lies beyond the border as the sign test takes, on the side where the median is; where that is
    nearly all of few, it is rather more. Of the ρ of replicas by Fisher's z, as its interval is.
    Undefined where no effect can be shown, and for places, shapes and trends over settings, whose tests are of other
    numbers than the effect: of slopes, where the effect is ρ.

    Args:
        evidence: what the replicas say.
        level: at which the claim is decided.
    """
    border = evidence.claimed[0]
    if least_p(evidence) >= level or evidence.test.endswith("of slopes"):
        return nan
    if evidence.test == "permutation test":
        if evidence.replicas < 4:
            return nan
        deviates = norm.isf(level / 2) + norm.ppf(POWER)
        distance = tanh(atanh(border) + deviates * sqrt(1.06 / (evidence.replicas - 3))) - border
    elif len(evidence.sample) < 2 or not np.isfinite(evidence.sample).all():
        return nan
    else:
        sample = np.array(evidence.sample)
        if evidence.test == "sign test":
            below, above = _beside_median(sample, level)
            low, high = evidence.claimed
            distance = (
                above
                if evidence.effect < low
                else below
                if isinf(high) or evidence.effect > high
                else max(below, above)
            )
        else:
            distance = _of_mean(sample, level)
    if evidence.unit == "rho" and border + distance >= 1:
        return nan
    return exponential(distance) if evidence.unit == "ratio" else float(distance)


def _of_mean(values: np.ndarray, level: float) -> float:
    freedom = len(values) - 1
    return nctdtrinc(freedom, 1 - POWER, stdtrit(freedom, 1 - level / 2)) * values.std(ddof=1) / sqrt(len(values))


def _beside_median(values: np.ndarray, level: float) -> tuple[float, float]:
    """Return how far below and above their median so many values end as a sign test takes for its power."""
    count = len(values)
    alike = int(binom.isf(level / 2, count, 0.5)) + 1  # so many signs have a p value below the level
    share = betaincinv(alike, count - alike + 1, POWER)  # with it as many or more are had with the power
    low, high = np.quantile(values, [1 - share, share], method="median_unbiased")
    return np.median(values) - low, high - np.median(values)


def replicas_needed(evidence: Evidence, level: float) -> float:
    """Return about how many replicas would decide a claim that is undecided, if further ones were as those at hand.

    That is where the normal deviate of p, which grows with the square root of their number, reaches the level.
    Undefined where p says nothing, and above a thousand.

    Args:
        evidence: what the replicas say.
        level: at which the claim is decided.
    """
    if not 0 < evidence.p < 1:
        return nan
    number = ceil(evidence.replicas * (norm.isf(level / 2) / norm.isf(evidence.p / 2)) ** 2)
    if evidence.test.startswith("sign test"):
        number = max(number, ceil(log2(2 / level)))
    return number if number <= MOST else nan
