"""What the replicas say for and against a comparison: an effect with its interval, and two one-sided tests.

Every kind of comparison gives the probability `p_for` of data as much in favour if the claim did not hold, and
`p_against` of data as much against if it did. The replicas are the sample: every one is a training from its own initial
weights, on the same data set. With fewer than two there is no test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf, isfinite, nan

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
PERMUTATIONS = 9999
POSITIVE = (0.0, inf)  # the claim says no more than which way


class Kind(StrEnum):
    """What a test is called: of which numbers it is, and by which statistic."""

    MEAN = "t-test"
    MEDIAN = "sign test"
    SLOPES = "t-test of slopes"
    SLOPE_SIGNS = "sign test of slopes"
    COURSES = "t-test of ρ"  # of each replica's rank correlation along its course
    PAIRINGS = "permutation test"  # of the rank correlation over replicas
    PLACES = "paired t-tests"  # of one place of a setting or a line with every other
    PLACE_SIGNS = "paired sign tests"
    PLACES_OR_SIGNS = "paired t-tests and sign tests"  # by signs where a difference has no mean, or no spread
    VALLEY = "t-tests of two slopes"


# Tests of outcomes themselves, by their mean, and not of ranks or signs.
IN_THE_MEAN = {Kind.MEAN, Kind.SLOPES, Kind.PLACES, Kind.PLACES_OR_SIGNS, Kind.VALLEY}
BY_SIGNS = {Kind.MEDIAN, Kind.SLOPE_SIGNS, Kind.PLACE_SIGNS}
OF_PLACES = {Kind.PLACES, Kind.PLACE_SIGNS, Kind.PLACES_OR_SIGNS, Kind.VALLEY}


@dataclass(frozen=True)
class Evidence:
    """What was found.

    Attributes:
        effect: how large, in units of `unit`.
        low, high: its 95 % interval; undefined where replicas are too few for one.
        unit: `difference`, `ratio`, `rho`, `rank` or `height`.
        claimed: the effects that the claim has, from and to.
        replicas: how many it rests on.
        p_for, p_against: of the two one-sided tests; undefined with fewer than two replicas.
        test: which one.
        remark: what a reader has to know besides.
        measured: the quantity, in words.
        compared: the centres of what was compared, in words; empty where the effect is not one of two sides.
        comparisons: of how many this is the one that speaks least for the claim.
        tries_for, tries_against: of how many one-sided tests p_for, p_against is the smallest, times their number
            (Bonferroni): as beyond a margin on either side.
        sample: the values of which the effect is the mean, or the median, one for each replica; of ratios logarithms.
            Empty where it is of no such values.
    """

    effect: float
    low: float
    high: float
    unit: str
    claimed: tuple[float, float]
    replicas: int
    p_for: float
    p_against: float
    test: Kind
    remark: str = ""
    comparisons: int = 1
    tries_for: int = 1
    tries_against: int = 1
    sample: tuple[float, ...] = ()
    measured: str = field(default="", compare=False, repr=False)
    compared: str = field(default="", compare=False, repr=False)

    @property
    def tries(self) -> int:
        """Of how many one-sided tests the smallest p counts, on the side that the effect is on."""
        low, high = self.claimed
        return self.tries_for if low <= self.effect <= high else self.tries_against

    @property
    def p(self) -> float:
        """Two-sided: twice the smaller of the two."""
        return min(1.0, 2 * min(self.p_for, self.p_against)) if isfinite(self.p_for) else nan


def weakest(found: Sequence[Evidence]) -> Evidence:
    """Return, of several comparisons that all have to hold, the one that speaks least for the claim.

    It is shown with the p value for all of them (the largest: Berger 1982) and against one of them (the smallest, times
    their number: Bonferroni).
    """
    for one in found:  # without a test for one there is none for all
        if not isfinite(one.p_for):
            return one
    least = max(found, key=lambda one: one.p_for - one.p_against)
    against = min(1.0, len(found) * min(one.p_against for one in found))
    remark = "; ".join(dict.fromkeys(said for one in found for said in one.remark.split("; ") if said))
    return replace(
        least, p_for=max(one.p_for for one in found), p_against=against, remark=remark,
        comparisons=sum(one.comparisons for one in found), tries_against=len(found) * least.tries_against,
    )  # fmt: skip
