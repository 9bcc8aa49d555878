"""What so many replicas can show: the smallest p value, the smallest effect, and how many would decide a claim."""

from __future__ import annotations

from math import atanh, ceil, factorial, isinf, log2, nan, sqrt, tanh

import numpy as np
from scipy.special import betaincinv, nctdtrinc, stdtrit
from scipy.stats import binom, norm

from netclaims.claims.evidence import BY_SIGNS, OF_PLACES, PERMUTATIONS, Evidence, Kind
from netclaims.claims.mean_tests import exponential

POWER = 0.8  # an effect can be shown if four of five such experiments show it


def least_p(evidence: Evidence) -> float:
    """Return the smallest two-sided p value that so many replicas can have on the side that the effect is on.

    It is 0 for tests that know no smallest one.
    """
    least = 0.0
    if evidence.test in BY_SIGNS:
        least = 0.5**evidence.replicas
    elif evidence.test == Kind.PAIRINGS:
        least = 1 / min(factorial(evidence.replicas), PERMUTATIONS + 1)
    return min(1.0, 2 * evidence.tries * least)


def least_effect(evidence: Evidence, level: float) -> float:
    """Return how far beyond the border of what is claimed an effect has to lie for these replicas to show it.

    That is what a two-sided test at this level finds with a probability of 80 %, if the replicas vary as they do: in
    the effect's unit, of ratios a factor. Undefined where no effect can be shown, and for places, shapes and trends
    over settings, whose tests are of other numbers than the effect: of slopes, where the effect is ρ.

    Args:
        evidence: what the replicas say.
        level: at which the claim is decided.
    """
    if least_p(evidence) >= level:
        return nan
    level /= evidence.tries
    match evidence.test:
        case Kind.PAIRINGS:
            distance = _of_pairings(evidence, level)
        case Kind.MEDIAN:
            distance = _of_median(evidence, level)
        case Kind.MEAN | Kind.COURSES:
            distance = _of_mean(evidence, level)
        case _:
            return nan
    if evidence.unit == "rho" and evidence.claimed[0] + distance >= 1:
        return nan
    return exponential(distance) if evidence.unit == "ratio" else float(distance)


def _of_pairings(evidence: Evidence, level: float) -> float:
    """Return it for the ρ of replicas: by Fisher's z, as its interval is."""
    if evidence.replicas < 4:
        return nan
    border, deviates = evidence.claimed[0], norm.isf(level / 2) + norm.ppf(POWER)
    return tanh(atanh(border) + deviates * sqrt(1.06 / (evidence.replicas - 3))) - border


def _of_mean(evidence: Evidence, level: float) -> float:
    """Return it for a mean: by the noncentral t distribution."""
    values = _varying(evidence)
    if values is None:
        return nan
    freedom = len(values) - 1
    return nctdtrinc(freedom, 1 - POWER, stdtrit(freedom, 1 - level / 2)) * values.std(ddof=1) / sqrt(len(values))


def _of_median(evidence: Evidence, level: float) -> float:
    """Return it for a median: so far that as large a share of the values lies beyond the border as the sign test takes.

    That is on the side where the median is. Where the share is nearly all of few values, it is rather more.
    """
    values = _varying(evidence)
    if values is None:
        return nan
    count = len(values)
    alike = int(binom.isf(level / 2, count, 0.5)) + 1  # so many signs have a p value below the level
    share = betaincinv(alike, count - alike + 1, POWER)  # with it as many or more are had with the power
    last, first = np.quantile(values, [1 - share, share], method="median_unbiased")
    below, above = np.median(values) - last, first - np.median(values)
    low, high = evidence.claimed
    if evidence.effect < low:
        return above
    return below if isinf(high) or evidence.effect > high else max(below, above)


def _varying(evidence: Evidence) -> np.ndarray | None:
    """Return the values of replicas, if there are several and all are finite."""
    values = np.array(evidence.sample)
    return values if len(values) > 1 and np.isfinite(values).all() else None


def replicas_needed(evidence: Evidence, level: float) -> float:
    """Return about how many replicas would decide a claim that is undecided, if further ones were as those at hand.

    That is where the normal deviate of p, or of the number of signs that are alike, reaches the level: it grows with
    the square root of the number of replicas. Where p is the smallest of several, times their number, it is the deviate
    of that one. Undefined where p says nothing, of the weakest of several comparisons, and of places and valleys, as
    others may be the best among more replicas.

    Args:
        evidence: what the replicas say.
        level: at which the claim is decided.
    """
    for_it = evidence.p_for < evidence.p_against
    p, tries = (evidence.p_for, evidence.tries_for) if for_it else (evidence.p_against, evidence.tries_against)
    if evidence.test in OF_PLACES or evidence.comparisons > 1 or not 0 < p < min(1, tries / 2):
        return nan
    wanted, count = norm.isf(level / 2 / tries), evidence.replicas
    if evidence.test not in BY_SIGNS:
        return ceil(count * (wanted / norm.isf(p / tries)) ** 2)
    alike = binom.isf(p / tries * (1 + 1e-9), count, 0.5) + 1  # so many signs have this p
    if 2 * alike <= count:
        return nan
    return max(ceil((count * wanted / (2 * alike - count)) ** 2), ceil(log2(2 * tries / level)))
