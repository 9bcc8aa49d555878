"""Effects and p values: against independent computations, with data under which the claim is false, and true."""

from collections.abc import Callable
from itertools import cycle, permutations, product
from math import atanh, exp, inf, isnan, log, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, linregress, norm, spearmanr, ttest_1samp, ttest_rel
from statsmodels.stats.weightstats import ttost_paired

from netclaims.claims import trend_tests
from netclaims.claims.evidence import Evidence, weakest
from netclaims.claims.judge import Finding, judge
from netclaims.claims.mean_tests import (
    equivalence,
    logarithms,
    mean_interval,
    median_interval,
    one_sided,
    ordering,
    signs,
    unlike,
)
from netclaims.claims.place_tests import extreme, valley
from netclaims.claims.power import least_p
from netclaims.claims.trend_tests import (
    rank_correlation,
    trend_along_series,
    trend_over_replicas,
    trend_over_settings,
)

FIRST = np.array([3.1, 2.7, 4.4, 3.9, 2.2])
SECOND = np.array([2.6, 2.9, 3.1, 3.0, 1.9])


@pytest.fixture
def random():
    return np.random.default_rng(0)


def p_values(found: Evidence) -> tuple[float, float]:
    return found.p_for, found.p_against


def undefined(*values: float) -> bool:
    return all(isnan(value) for value in values)


# ----------------------------------------------------------------------------------------------------- means: t-tests


def test_an_ordering_is_a_paired_t_test():
    found = ordering(FIRST - SECOND, ratio=False)
    sides = [ttest_rel(FIRST, SECOND, alternative=side).pvalue for side in ("greater", "less")]
    assert p_values(found) == pytest.approx(sides)
    assert found.p == pytest.approx(ttest_rel(FIRST, SECOND).pvalue)
    interval = ttest_rel(FIRST, SECOND).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.effect == pytest.approx(0.56)
    assert (found.unit, found.claimed, found.replicas, found.remark) == ("difference", (0, inf), 5, "")


def test_an_ordering_of_ratios_is_one_of_logarithms_shown_as_ratios():
    found = ordering(np.log(FIRST) - np.log(SECOND), ratio=True)
    plain = ttest_rel(np.log(FIRST), np.log(SECOND))
    interval = plain.confidence_interval(0.95)
    assert found.p == pytest.approx(plain.pvalue)
    assert found.effect == pytest.approx((FIRST / SECOND).prod() ** 0.2)  # the geometric mean
    assert (found.low, found.high) == pytest.approx((exp(interval.low), exp(interval.high)))
    assert (found.unit, found.claimed) == ("ratio", (1, inf))


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.5, 0.56, 3.0])
def test_one_sided_tests_of_a_threshold(threshold):
    values = FIRST - SECOND
    sides = [ttest_1samp(values, threshold, alternative=side).pvalue for side in ("greater", "less")]
    assert one_sided(values, threshold) == pytest.approx(sides)


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0, 2.0])
def test_equivalence_is_two_one_sided_tests(margin):
    found = equivalence(FIRST - SECOND, margin, ratio=False)
    assert found.p_for == pytest.approx(ttost_paired(FIRST, SECOND, -margin, margin)[0])
    beyond = [ttest_1samp(FIRST - SECOND, end, alternative=side).pvalue
              for end, side in ((-margin, "less"), (margin, "greater"))]  # fmt: skip
    assert found.p_against == pytest.approx(min(1, 2 * min(beyond)))
    assert (found.low, found.high) == mean_interval(FIRST - SECOND)
    assert (found.claimed, found.unit) == ((-margin, margin), "difference")


def test_equivalence_of_ratios_has_a_margin_as_far_below_as_above():
    found = equivalence(np.log(FIRST) - np.log(SECOND), log(1.25), ratio=True)
    assert found.claimed == pytest.approx((0.8, 1.25))
    expected = ttost_paired(FIRST, SECOND, 0.8, 1.25, transform=np.log)[0]
    assert found.p_for == pytest.approx(expected)


def test_unlike_is_the_opposite_of_equivalence_on_the_side_of_the_data():
    for sign in (1, -1):
        alike = equivalence(sign * (FIRST - SECOND), 0.3, ratio=False)
        found = unlike(sign * (FIRST - SECOND), 0.3, ratio=False)
        assert p_values(found) == p_values(alike)[::-1]
        assert found.effect == pytest.approx(0.56)
        assert (found.low, found.high) == pytest.approx(mean_interval(FIRST - SECOND))
        assert found.claimed == (0.3, inf)
    ratio = unlike(np.log(SECOND) - np.log(FIRST), log(1.1), ratio=True)
    assert ratio.effect == pytest.approx(1 / (SECOND / FIRST).prod() ** 0.2)
    assert ratio.claimed == pytest.approx((1.1, inf))


@pytest.mark.parametrize("replicas", [2, 3, 7])
@pytest.mark.parametrize(("value", "p"), [(2.0, (None, 1.0)), (-2.0, (1.0, None)), (0.0, (1.0, 1.0))])
def test_equal_differences_are_signs(value, p, replicas):
    found = ordering(np.full(replicas, value), ratio=False)
    assert p_values(found) == tuple(0.5**replicas if side is None else side for side in p)
    assert (found.effect, found.low, found.high) == (value, value, value)


@pytest.mark.parametrize(
    "values",
    [
        [0.9 - 0.8, 0.2 - 0.1],
        [0.7 - 0.6, 0.3 - 0.2, 0.2 - 0.1],
        [0.9001 - 0.9, 0.0301 - 0.03],  # accuracies on 10,000 images
        [2.30259 - 2.30258, 0.123461 - 0.123451],  # six digits are what tables hold
    ],
)
def test_differences_that_only_rounding_tells_apart_are_equal(values):
    """Without this two replicas would prove anything."""
    values = np.array(values)
    assert np.ptp(values) > 0
    assert one_sided(values, 0.0) == (0.5 ** len(values), 1)
    assert one_sided(-values, 0.0) == (1, 0.5 ** len(values))
    assert one_sided(values, round(values[0], 9)) == (1, 1)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_with_an_infinite_value_signs_are_counted(threshold):
    """Of the two that are equal to the threshold none tells anything."""
    values = np.array([inf, 2.0, 3.0, inf, -1.0, threshold, threshold])
    sides = [binomtest(4, 5, alternative=side).pvalue for side in ("greater", "less")]
    assert one_sided(values, threshold) == pytest.approx(sides)
    assert one_sided(-values, -threshold) == pytest.approx(sides[::-1])
    assert undefined(*mean_interval(values))
    assert ordering(values, ratio=False).effect == np.median(values)


def test_infinite_values_have_ranks():
    values = np.array([[1.0, 2, inf], [3.0, 5, inf], [2.0, inf, inf], [1, 7, 3]])
    ranks = np.array([[1.0, 2, 3], [1, 2, 3], [1, 2.5, 2.5], [1, 3, 2]])
    x = np.array([1.0, 2, 3])
    assert trend_over_settings(values, x, 1) == trend_over_settings(ranks, x, 1)
    assert trend_over_settings(np.full((3, 3), inf), x, 1).effect == 0
    assert rank_correlation(x, np.array([-inf, 0, inf])) == pytest.approx(1)


# ---------------------------------------------------------------------------------------- the typical net: sign tests


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_signs_are_counted_whatever_their_size(threshold):
    values = threshold + np.array([0.1, 5, inf, 0.2, -3, 1e-9, 0])  # the last two are on it, but for rounding
    for sign in (1, -1):
        sides = [binomtest(4, 5, alternative=side).pvalue for side in ("greater", "less")][::sign]
        if threshold:
            assert signs(sign * values, sign * threshold) == pytest.approx(sides)
    assert undefined(*signs(np.array([1.0]), 0.0))


def test_an_ordering_of_the_typical_net_is_a_sign_test_of_the_median():
    values = np.array([0.5, 0.1, 0.3, 0.2, 0.4, -900.0])  # one net collapsed
    found = ordering(values, ratio=False, typical=True)
    assert p_values(found) == pytest.approx([binomtest(5, 6, alternative=side).pvalue for side in ("greater", "less")])
    assert (found.effect, found.low, found.high) == (pytest.approx(0.25), -900, 0.5)
    assert found.test == "sign test"
    ratio = ordering(values, ratio=True, typical=True)
    assert (ratio.effect, ratio.high) == pytest.approx((exp(0.25), exp(0.5)))
    assert ordering(values, ratio=False).test == "t-test"


def test_equivalence_of_the_typical_net_is_two_sign_tests():
    values = np.array([0.05, -0.02, 0.01, 0.04, 0.0, 0.03, 9.0])
    found = equivalence(values, 0.1, ratio=False, typical=True)
    above, below = (binomtest(count, 7, alternative="greater").pvalue for count in (7, 6))
    assert found.p_for == pytest.approx(max(above, below))
    assert found.p_against == pytest.approx(min(1, 2 * binomtest(1, 7, alternative="greater").pvalue))
    other = unlike(values + 5, 0.1, ratio=False, typical=True)
    assert (other.p_for, other.effect) == (pytest.approx(2 / 2**7), pytest.approx(5.03))


@pytest.mark.parametrize("count", [1, 5, 6, 8, 9, 15, 20, 40])
def test_the_interval_of_a_median_holds_what_the_sign_test_does_not_refuse(count):
    values = np.arange(count, dtype=float)
    low, high = median_interval(values)
    if count < 6:
        assert undefined(low, high)
        return
    for inside in (low + 0.5, high - 0.5):
        assert min(signs(values, inside)) > 0.025
    for outside in (low - 0.5, high + 0.5):
        assert min(signs(values, outside)) <= 0.025


def test_equal_differences_within_and_beyond_a_margin():
    assert p_values(equivalence(np.full(4, 0.05), 0.1, ratio=False)) == (0.0625, 1)
    assert p_values(equivalence(np.full(4, 0.2), 0.1, ratio=False)) == (1, 0.125)  # the side was not said beforehand
    assert p_values(equivalence(np.full(4, 0.1), 0.1, ratio=False)) == (1, 1)


@pytest.mark.parametrize(
    ("test", "effects"),
    [
        (lambda values: ordering(values, ratio=False), (0.4, nan)),
        (lambda values: ordering(values, ratio=True), (exp(0.4), nan)),
        (lambda values: equivalence(values, 1.0, ratio=True), (exp(0.4), nan)),
        (lambda values: unlike(values, 0.1, ratio=False), (0.4, nan)),
    ],
)
def test_one_replica_has_an_effect_and_none_has_nothing(test, effects):
    for values, effect in zip(([0.4], []), effects, strict=True):
        found = test(np.array(values))
        assert found.effect == pytest.approx(effect, nan_ok=True)
        assert undefined(found.low, found.high, *p_values(found), found.p)
        assert found.replicas == len(values)


def test_an_interval_of_ratios_may_be_infinitely_wide():
    found = ordering(np.array([0.0, 300.0]), ratio=True)  # the t quantile of two values is 12.7
    assert found.high == inf
    assert found.low == 0
    assert found.effect == pytest.approx(exp(150))
    assert found.p == pytest.approx(0.5)


def test_logarithms_of_what_has_none_are_undefined():
    found = logarithms(pd.Series([1.0, 0.0, -2.0, nan, 10.0], index=[4, 3, 2, 1, 0]))
    assert found[4] == 0
    assert found[0] == pytest.approx(2.302585)
    assert undefined(*found[[3, 2, 1]])
    assert logarithms(pd.Series([1, 0])).tolist()[0] == 0


# ---------------------------------------------------------------------------------------------- trends: ranks, Page's L


@pytest.mark.parametrize(
    ("y", "expected"), [([1, 2, 3, 4], 1), ([4, 3, 2, 1], -1), ([10, 30, 20, 40], 0.8), ([1, 1, 1, 1], 0)]
)
def test_spearman_by_hand(y, expected):
    """1 - 6 Σd² / (n (n² - 1))."""
    assert rank_correlation(np.arange(4.0), np.array(y, float)) == pytest.approx(expected)
    assert rank_correlation(np.array(y, float), np.arange(4.0)) == pytest.approx(expected)


def test_spearman_with_ties_is_a_correlation_of_mean_ranks():
    expected = np.corrcoef([1.5, 1.5, 3, 4], [1, 3, 3, 3])[0, 1]
    assert rank_correlation(np.array([5.0, 5, 6, 9]), np.array([0.0, 2, 2, 2])) == pytest.approx(expected)


def test_a_trend_over_settings_is_a_t_test_of_every_replicas_slope():
    values = np.array([[10.0, 20, 35], [0.1, 0.3, 0.2], [5, 4, 9]])
    slopes = [(row[2] - row[0]) / 2 for row in values]  # on 1, 2, 3, whatever the settings are
    for sign in (1, -1):
        found = trend_over_settings(values, np.array([1.0, 10, 1000]), sign)
        sides = [ttest_1samp(sign * np.array(slopes), 0, alternative=side).pvalue for side in ("greater", "less")]
        assert p_values(found) == pytest.approx(sides)
        assert found.effect == pytest.approx(sign * (1 + 0.5 + 0.5) / 3)
        assert (found.low, found.high) == pytest.approx(
            np.clip(mean_interval(sign * np.array([1, 0.5, 0.5])), -1, 1).tolist()
        )
        assert (found.unit, found.claimed, found.replicas, found.remark) == ("rho", (0, inf), 3, "")


def test_slopes_are_those_of_lines_through_the_values(random):
    values = random.normal(size=(5, 7)).cumsum(axis=1) + np.arange(7)
    expected = [linregress(range(7), row).slope for row in values]
    found = trend_over_settings(values, np.arange(7.0), 1)
    assert found.p_for == pytest.approx(ttest_1samp(expected, 0, alternative="greater").pvalue)


def test_a_trend_over_settings_knows_their_order_alone(random):
    values = random.normal(size=(4, 5)) + np.arange(5)
    x = np.array([1.0, 2, 4, 8, 16])
    found = trend_over_settings(values, x, 1)
    assert trend_over_settings(values, np.log(x), 1) == found
    order = [3, 0, 4, 1, 2]
    assert trend_over_settings(values[:, order], x[order], 1) == found
    assert p_values(trend_over_settings(values, x[order], 1)) != p_values(found)
    shifted = trend_over_settings(values + np.arange(4.0)[:, None], x, 1)  # a level for each replica
    assert p_values(shifted) == pytest.approx(p_values(found))
    mirrored = trend_over_settings(values, x, -1)
    assert mirrored.p_against == pytest.approx(found.p_for)
    assert (mirrored.effect, mirrored.low, mirrored.high) == pytest.approx((-found.effect, -found.high, -found.low))


LOPSIDED = np.array([1.0, 0, 1, 2, 3])


def test_what_turns_back_supports_no_trend(random):
    noisy = random.normal(0, 0.1, (8, 5))
    for values in (LOPSIDED + noisy, 3 - LOPSIDED[::-1] + noisy):
        found = trend_over_settings(values, np.arange(5.0), 1)
        assert found.effect > 0.5
        assert (found.p_for, found.remark) == (1, "not monotone")
        assert trend_over_settings(values, np.arange(5.0), -1).p_against < 1e-4  # "falls" is refuted all the same
    assert trend_over_settings(np.maximum(LOPSIDED, 1) + noisy, np.arange(5.0), 1).p_for < 1e-4  # level, then it rises


def test_a_trend_may_have_to_be_steady(random):
    values = np.arange(6.0) + random.normal(0, 0.8, (10, 6))
    rho = np.array([spearmanr(range(6), row).statistic for row in values])
    for least in (0.5, 0.99):
        found = trend_over_settings(values, np.arange(6.0), 1, least)
        sides = [ttest_1samp(rho, least, alternative=side).pvalue for side in ("greater", "less")]
        rises = trend_over_settings(values, np.arange(6.0), 1).p_for
        assert found.p_for == pytest.approx(max(rises, sides[0]))
        assert found.p_against == pytest.approx(sides[1])
        assert found.claimed == (least, inf)
    series = [(np.arange(6.0), row) for row in values]
    z = np.arctanh(np.clip(rho, None, 1 - 6 / (6 * 35)))
    sides = [ttest_1samp(z, atanh(0.9), alternative=side).pvalue for side in ("greater", "less")]
    assert p_values(trend_along_series(series, 1, 0.9)) == pytest.approx(sides)


def test_settings_that_make_no_difference():
    found = trend_over_settings(np.ones((3, 4)), np.arange(4.0), 1)
    assert (found.effect, found.low, found.high) == (0, 0, 0)
    assert found.p == 1


def test_a_trend_over_settings_of_one_replica():
    found = trend_over_settings(np.array([[1.0, 2, 4]]), np.arange(3.0), -1)
    assert (found.effect, found.replicas) == (-1, 1)
    assert undefined(found.low, found.high, *p_values(found), found.p)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([5, 1, 3, 2], [9, 1, 2, 4]),
        ([5, 1, 3, 2, 4], [5, 1, 3, 2, 4]),
        ([5, 1, 3, 2, 4], [1, 5, 2, 4, 3]),
        ([1, 1, 2, 2, 3], [1, 2, 2, 5, 4]),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_trend_over_replicas_has_the_distribution_of_all_pairings(sign, x, y):
    """The t approximation of ρ gives five replicas in perfect order, one order in 120, a p value of 0."""
    x, y = np.array(x, float), np.array(y, float)
    found = trend_over_replicas(x, y, sign, seed=0)
    null = np.array([sign * spearmanr(x, order).statistic for order in permutations(y)])
    effect = sign * spearmanr(x, y).statistic
    assert found.effect == pytest.approx(effect)
    assert p_values(found) == pytest.approx((np.mean(null >= effect - 1e-9), np.mean(null <= effect + 1e-9)))
    assert (found.unit, found.claimed, found.replicas, found.remark) == ("rho", (0, inf), len(x), "")


def test_a_trend_over_many_replicas_is_near_its_t_approximation(random):
    x = random.normal(size=40)
    y = 0.4 * x + random.normal(size=40)
    found = trend_over_replicas(x, y, 1, seed=0)
    assert found.p_for == pytest.approx(spearmanr(x, y, alternative="greater").pvalue, abs=0.02)
    assert found.p_against == pytest.approx(spearmanr(x, y, alternative="less").pvalue, abs=0.02)
    error = sqrt(1.06 / 37)
    for end, side in ((found.low, -1.96), (found.high, 1.96)):
        assert (atanh(end) - atanh(found.effect)) / error == pytest.approx(side, rel=1e-3)
    steady = trend_over_replicas(x, y, 1, seed=0, least=0.8)
    off = (atanh(found.effect) - atanh(0.8)) / error
    assert steady.p_against == pytest.approx(norm.cdf(off))
    assert steady.p_for == pytest.approx(norm.sf(off))


def test_a_trend_over_replicas_depends_on_ranks_only(random):
    x, y = random.normal(size=(2, 6))
    found = trend_over_replicas(x, y, 1, seed=3)
    assert trend_over_replicas(np.exp(x), y**3, 1, seed=3) == found
    mirrored = trend_over_replicas(x, y, -1, seed=3)
    assert p_values(mirrored) == p_values(found)[::-1]
    assert mirrored.effect == -found.effect
    assert p_values(trend_over_replicas(y, x, 1, seed=3)) == pytest.approx(p_values(found))


@pytest.mark.parametrize(("x", "y"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [1, 1, 1])])
def test_a_trend_over_replicas_without_variation(x, y):
    found = trend_over_replicas(np.array(x, float), np.array(y, float), 1, seed=0)
    assert (found.effect, found.p, found.remark) == (0, 1, "no variation")


def test_two_replicas_have_no_trend():
    assert undefined(*p_values(trend_over_replicas(np.arange(2.0), np.arange(2.0), 1, seed=0)))


def test_a_trend_along_series_counts_replicas_and_tests_their_correlations():
    x = np.array([1.0, 10, 100, 1000])
    rows = [[1.0, 2, 3, 5], [1, 3, 2, 5], [4, 4.5, 6, 5.5], [4, 3, 6, 5.5]]
    z = np.arctanh([0.9, 0.8, 0.8, 0.6])  # of four places 1 counts as much as half an exchange of two neighbours
    for sign in (1, -1):
        found = trend_along_series([(x, np.array(row)) for row in rows], sign)
        assert found.effect == pytest.approx(sign * 0.8)
        sides = [ttest_1samp(sign * z, 0, alternative=side).pvalue for side in ("greater", "less")]
        assert p_values(found) == pytest.approx(sides)
        assert (found.unit, found.claimed, found.replicas) == ("rho", (0, inf), 4)
        rho = sign * np.array([1, 0.8, 0.8, 0.6])
        assert (found.low, found.high) == pytest.approx(np.clip(mean_interval(rho), -1, 1).tolist())


def test_series_of_different_lengths():
    found = trend_along_series([(np.arange(float(n)), np.arange(float(n)) ** 2 + n) for n in (4, 9, 30)], 1)
    z = np.arctanh([1 - 6 / (n * (n**2 - 1)) for n in (4, 9, 30)])
    assert found.effect == pytest.approx(1)
    assert found.p_for == pytest.approx(ttest_1samp(z, 0, alternative="greater").pvalue)
    alike = trend_along_series([(np.arange(9.0), np.arange(9.0) ** 2 + n) for n in range(5)], 1)
    assert p_values(alike) == (0.5**5, 1)  # signs


def test_series_that_do_not_change():
    found = trend_along_series([(np.arange(5.0), np.full(5, 0.3))] * 3, 1)
    assert (found.effect, *p_values(found)) == (0, 1, 1)


@pytest.mark.parametrize("y", [[1, 2, 3, 4, 5], [1, 2, 3, 4, -40], [3, 3, 3, 3, 3]])
def test_a_series_of_one_replica_has_no_test(y):
    found = trend_along_series([(np.arange(5.0), np.array(y, float))], 1)
    assert found.replicas == 1
    assert undefined(found.low, found.high, *p_values(found), found.p)


# ------------------------------------------------------------------------------------------- places: paired t-tests


@pytest.fixture
def _few_draws(monkeypatch):
    """A p value below 0.025 is still possible."""
    monkeypatch.setattr(trend_tests, "PERMUTATIONS", 199)


def highest(values: np.ndarray, one: int, others: list[int]) -> float:
    """The p value of a place being higher than all others."""
    return max(ttest_rel(values[:, one], values[:, other], alternative="greater").pvalue for other in others)


def test_an_extreme_is_where_one_place_is_higher_than_all_that_the_claim_leaves_out(random):
    values = random.normal(size=(6, 4)) + np.array([0, 3, 2, 1])
    found = extreme(values, np.array([False, True, False, False]))
    assert found.p_for == pytest.approx(highest(values, 1, [0, 2, 3]))
    assert found.p_against == pytest.approx(min(1, 3 * min(highest(values, one, [1]) for one in (0, 2, 3))))
    two = extreme(values, np.array([False, True, True, False]))
    assert two.p_for == pytest.approx(2 * min(highest(values, one, [0, 3]) for one in (1, 2)))
    assert two.p_against == pytest.approx(min(1, 2 * min(highest(values, one, [1, 2]) for one in (0, 3))))
    elsewhere = extreme(values, np.array([True, False, False, True]))
    assert p_values(elsewhere) == p_values(two)[::-1]
    assert elsewhere.effect == pytest.approx(-two.effect)


def test_the_effect_of_an_extreme_is_by_how_many_ranks_it_leads():
    # of four places the second is best by 1, 1 and 2 of three steps
    values = np.array([[0, 3, 1, 2.5], [0, 30, 10, 25], [1, 2, 0, 0.5]])
    found = extreme(values, np.array([False, True, False, False]))
    assert found.effect == pytest.approx(1 / 3)
    assert (found.low, found.high) == pytest.approx((1 / 3, 1 / 3))
    assert (found.unit, found.claimed, found.replicas, found.remark) == ("rank", (0, inf), 3, "")


def test_an_extreme_does_not_depend_on_the_order_of_places(random):
    values, allowed = random.normal(size=(4, 5)), np.array([True, False, False, True, False])
    found = extreme(values, allowed)
    order = [4, 2, 0, 1, 3]
    other = extreme(values[:, order], allowed[order])
    assert (*p_values(other), other.effect) == pytest.approx((*p_values(found), found.effect))
    shifted = extreme(values + np.arange(4.0)[:, None], allowed)
    assert p_values(shifted) == pytest.approx(p_values(found))


def test_a_place_at_which_nets_diverged_is_the_worst():
    values = np.array([[1.0, 2, -inf], [1.1, 2.4, -inf], [0.9, 1.8, -inf], [1, 2.2, -inf], [1, 2.1, -inf]])
    found = extreme(values, np.array([False, True, False]))
    assert found.p_for == pytest.approx(max(0.5**5, highest(values, 1, [0])))
    assert extreme(np.full((5, 3), -inf), np.array([False, True, False])).p == 1


def test_an_extreme_says_by_which_tests_it_was_found(random):
    """By signs where a place is worst in some replicas, which has no mean."""
    values = random.normal(size=(6, 3))
    assert extreme(values, np.array([False, True, False])).test == "paired t-tests"
    lost = np.where(np.arange(3) == 2, -inf, values)
    assert extreme(lost, np.array([False, True, False])).test == "paired t-tests and sign tests"
    only = extreme(lost, np.array([False, False, True]))
    assert only.test == "paired sign tests"
    assert only.p == least_p(only) == 4 * 0.5**6  # of the two places that the claim leaves out


def test_places_that_are_all_the_same():
    found = extreme(np.ones((3, 4)), np.array([True, True, False, False]))
    assert (found.effect, found.low, found.high, *p_values(found)) == (0, 0, 0, 1, 1)


@pytest.mark.usefixtures("_few_draws")
def test_what_no_draw_reaches_is_rare_and_not_impossible():
    rising = np.arange(12.0)
    assert p_values(trend_over_replicas(rising, rising, 1, seed=0)) == (pytest.approx(1 / 200), 1)
    assert p_values(trend_over_replicas(rising, rising, -1, seed=0)) == (1, pytest.approx(1 / 200))


def test_an_extreme_of_one_replica():
    found = extreme(np.array([[1.0, 5, 2]]), np.array([False, True, True]))
    assert (found.effect, found.replicas) == (1, 1)
    assert undefined(found.low, found.high, *p_values(found), found.p)


# ----------------------------------------------------------------------------------------------------- shapes: slopes


def fall_and_rise(values: np.ndarray, x: np.ndarray, turn: int) -> list[float]:
    """How far a line through the values up to a place falls, and one through those from it rises."""
    down, up = linregress(x[: turn + 1], values[: turn + 1]), linregress(x[turn:], values[turn:])
    return [-down.slope * (x[turn] - x[0]), up.slope * (x[-1] - x[turn])]


def test_a_valley_by_hand():
    # the middle place is the only one where the lines could meet; of each replica the standard deviation is 1
    values = np.array([[2.0, 0, 1], [1, 0, 2], [2, 0, 1], [2, 0, 1]]) * sqrt(3 / 2)
    found = valley(values, np.array([1.0, 5, 6]))
    assert found.effect == pytest.approx(1.25 * sqrt(3 / 2))  # it rises by 1, 2, 1 and 1, and falls by 2, 1, 2 and 2
    assert found.p_for == pytest.approx(ttest_1samp([1, 2, 1, 1], 0, alternative="greater").pvalue)
    assert found.p_against == pytest.approx(1, abs=0.02)
    assert (found.unit, found.claimed, found.replicas, found.comparisons) == ("height", (0, inf), 4, 1)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_valley_may_turn_at_any_inner_place(sign, random):
    """For the claim there is a best place, corrected for the choice; against it all of them have to speak."""
    x = np.array([0.0, 1, 3, 4, 5, 8])
    values = sign * (0.1 * (x - 3.5) ** 2 + random.normal(size=(5, 6)))
    p_for, p_against, effects = [], [], []
    for turn in range(1, 5):
        sides = np.array([fall_and_rise(row, x, turn) for row in values]).T
        larger, smaller = (
            [ttest_1samp(side, 0, alternative=way).pvalue for side in sides] for way in ("greater", "less")
        )
        p_for.append(max(larger))
        p_against.append(min(1, 2 * min(smaller)))
        effects.append(sides[np.argmax(larger)].mean() / sqrt(values.var(axis=1).mean()))
    found = valley(values, x)
    assert found.p_for == pytest.approx(min(1, 4 * min(p_for)))
    assert found.p_against == pytest.approx(max(p_against))
    assert found.effect == pytest.approx(effects[np.argmin(p_for)])
    assert (max(p_against) < 1) == (sign < 0)


def test_a_valley_knows_no_levels_and_units(random):
    x, values = np.array([1.0, 2, 3, 5]), random.normal(size=(4, 4))
    found = valley(values, x)
    for same in (valley(10 * values, x), valley(values + np.arange(4.0)[:, None], x), valley(values, 7 * x - 3)):
        assert p_values(same) == pytest.approx(p_values(found))
        assert (same.effect, same.low, same.high) == pytest.approx((found.effect, found.low, found.high))
    assert p_values(valley(values[:, ::-1], -x[::-1])) == pytest.approx(p_values(found))  # it is one from both sides


def test_a_valley_of_one_replica():
    found = valley(np.array([[5.0, 3, 1, 2]]), np.arange(4.0))
    assert found.effect > 0
    assert undefined(found.low, found.high, *p_values(found), found.p)
    assert found.replicas == 1


@pytest.mark.parametrize(("value", "places"), [(0.1, 4), (0.1, 7), (2.30259, 3)])
def test_a_flat_line_is_no_valley(value, places):
    found = valley(np.full((3, places), value), np.arange(float(places)))
    assert (found.effect, *p_values(found)) == (0, 1, 1)


@pytest.mark.parametrize(("sign", "side"), [(1, "p_for"), (-1, "p_against")])
def test_a_slope_alone_is_no_valley_and_a_peak_is_its_opposite(sign, side, random):
    x = np.arange(6.0)
    noise = random.normal(0, 0.1, (5, 6))
    assert getattr(valley(sign * (x - 2.5) ** 2 + noise, x), side) < 0.001
    assert valley(sign * x + noise, x).p_for > 0.9


# -------------------------------------------------------------------------------------------- several that have to hold


def found_of(p_for: float, p_against: float, effect: float = 0.0, remark: str = "") -> Evidence:
    return Evidence(effect, effect - 1, effect + 1, "difference", (0.0, inf), 5, p_for, p_against, "t-test", remark)


@pytest.mark.parametrize(
    ("several", "p_for", "p_against", "effect"),
    [
        ([(0.01, 0.99), (0.03, 0.97), (0.02, 0.98)], 0.03, 1, 1),
        ([(0.01, 0.99), (0.9, 0.1), (0.996, 0.004)], 0.996, 0.012, 2),
        ([(0.5, 0.5)], 0.5, 0.5, 0),
        ([(1.0, 1.0), (0.99, 0.01)], 1.0, 0.02, 1),
    ],
)
def test_the_weakest_of_several(several, p_for, p_against, effect):
    found = weakest([found_of(*p, effect=i) for i, p in enumerate(several)])
    assert p_values(found) == pytest.approx((p_for, p_against))
    assert (found.effect, found.low, found.high) == (effect, effect - 1, effect + 1)
    assert (found.comparisons, found.remark) == (len(several), "")


def test_without_a_test_for_one_there_is_none_for_all():
    found = weakest([found_of(0.01, 0.99), found_of(nan, nan, effect=7.0, remark="why"), found_of(0.02, 0.98)])
    assert undefined(found.p)
    assert (found.effect, found.remark) == (7, "why")


def test_remarks_are_kept_once():
    found = weakest([found_of(0.1, 0.9, remark="one"), found_of(0.2, 0.8, remark="two"), found_of(0.1, 0.9, 0, "one")])
    assert found.remark == "one; two"
    assert weakest([found, found_of(0.3, 0.7, remark="three"), found]).comparisons == 7


@pytest.mark.parametrize(("sides", "p"), [((0.01, 0.99), 0.02), ((0.7, 0.3), 0.6), ((1.0, 1.0), 1), ((nan, nan), nan)])
def test_the_two_sided_p_value(sides, p):
    assert found_of(*sides).p == pytest.approx(p, nan_ok=True)


# ------------------------------------------------------------------------------------- where the claim is not so: rates

REPLICAS = (3, 5, 10)
SIDE = 0.025  # of 5 %, and nobody says beforehand which


def noise(random, replicas, places):
    """Independent values about a level that each replica has."""
    return random.normal(size=(replicas, places)) + random.normal(0, 3, (replicas, 1))


def walks(random, replicas, length=30):
    return [(np.arange(float(length)), random.normal(size=length).cumsum()) for _ in range(replicas)]


def falling(random, replicas, places):
    """First steeply, and then hardly any more: a parabola would turn up at the end."""
    return 3 * np.exp(-np.arange(places)) + 0.1 * noise(random, replicas, places)


def half_a_valley(random, replicas, places):
    """It falls, and is level from the middle on."""
    return np.maximum(1 - 2 * np.linspace(0, 1, places), 0) * 5 + noise(random, replicas, places)


class Null(NamedTuple):
    """Data under which what is claimed is false, and its opposite too, or one of the two as `sides` says.

    `exact` are the sides on which the test is exact for normal data, so that it should not be less often wrong either.
    """

    simulations: int
    make: Callable[[np.random.Generator, int], Evidence]
    sides: tuple[str, ...] = ("for", "against")
    exact: tuple[str, ...] = ()


BOTH, FOR, AGAINST = ("for", "against"), ("for",), ("against",)
NULLS = {
    "ordering": Null(700, lambda random, n: ordering(random.normal(size=n), ratio=False), exact=BOTH),
    "equivalence on the margin": Null(
        700, lambda random, n: equivalence(random.normal(1, 0.3, n), 1.0, ratio=False), exact=FOR
    ),
    "equivalence on the other margin": Null(
        700, lambda random, n: equivalence(random.normal(-1, 0.3, n), 1.0, ratio=False), exact=FOR
    ),
    "equivalence inside": Null(
        700, lambda random, n: equivalence(random.normal(0.5, 1, n), 1.0, ratio=False), sides=AGAINST
    ),
    "equivalence outside": Null(
        700, lambda random, n: equivalence(random.normal(1.2, 0.5, n), 1.0, ratio=False), sides=FOR
    ),
    "unlike on the margin": Null(
        700, lambda random, n: unlike(random.normal(1, 0.3, n), 1.0, ratio=False), exact=AGAINST
    ),
    "unlike inside": Null(700, lambda random, n: unlike(random.normal(0, 1, n), 1.0, ratio=False), sides=FOR),
    "trend over 3 settings": Null(
        1000, lambda random, n: trend_over_settings(noise(random, n, 3), np.arange(3.0), 1)
    ),
    "trend over 6 settings": Null(
        1000, lambda random, n: trend_over_settings(noise(random, n, 6), np.arange(6.0), 1)
    ),
    "trend over replicas": Null(
        250, lambda random, n: trend_over_replicas(*random.normal(size=(2, n)), 1, seed=int(random.integers(2**31)))
    ),
    "trend along series": Null(300, lambda random, n: trend_along_series(walks(random, n), 1)),
    "highest at one of 3": Null(
        1000, lambda random, n: extreme(noise(random, n, 3), np.array([1, 0, 0], bool)),
    ),
    "highest at two of 6": Null(
        1000, lambda random, n: extreme(
            noise(random, n, 6), np.array([0, 0, 1, 1, 0, 0], bool)
        ),
    ),
    "valley of 3": Null(700, lambda random, n: valley(noise(random, n, 3), np.arange(3.0))),
    "valley of 6": Null(300, lambda random, n: valley(noise(random, n, 6), np.arange(6.0))),
    "half a valley of 3": Null(700, lambda random, n: valley(half_a_valley(random, n, 3), np.arange(3.0)), exact=FOR),
    "half a valley of 7": Null(300, lambda random, n: valley(half_a_valley(random, n, 7), np.arange(7.0))),
    "the other half": Null(300, lambda random, n: valley(half_a_valley(random, n, 7)[:, ::-1], np.arange(7.0))),
    "ever less steep": Null(300, lambda random, n: valley(falling(random, n, 7), np.arange(7.0)), sides=FOR),
    "one of two": Null(
        700,
        lambda random, n: weakest([ordering(random.normal(mean, 1, n), ratio=False) for mean in (0, 20)]),
        exact=FOR,
    ),
    "neither of two": Null(
        700, lambda random, n: weakest([ordering(random.normal(0, 1, n), ratio=False) for _ in range(2)])
    ),
}  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Simulate with every number of replicas, or without `--every-case` with one, from null to null another.

    Of 50 ledgers 7 may be decided; without a correction 32 would be.
    """
    every = metafunc.config.getoption("--every-case")
    if "null" in metafunc.fixturenames:
        found = product(NULLS, REPLICAS) if every else zip(NULLS, cycle(REPLICAS))
        metafunc.parametrize(("null", "replicas"), [*found])
    elif "ledgers" in metafunc.fixturenames:
        metafunc.parametrize(("replicas", "ledgers"), [*product(REPLICAS, [150])] if every else [(5, 50)])


@pytest.mark.usefixtures("_few_draws")
def test_chance_decides_no_more_often_than_it_may(null, replicas):
    random = np.random.default_rng([replicas, list(NULLS).index(null)])
    null = NULLS[null]
    all_found = [null.make(random, replicas) for _ in range(null.simulations)]
    decided = [found for found in all_found if found.p < 0.05]
    times = {"for": sum(found.p_for < found.p_against for found in decided)}
    times["against"] = len(decided) - times["for"]
    error = 3 * sqrt(SIDE * (1 - SIDE) / null.simulations)
    for side in null.sides:
        assert times[side] / null.simulations <= SIDE + error
    for side in null.exact:
        assert times[side] / null.simulations >= SIDE - error


IN_A_LEDGER = {
    "ordering": 5, "equivalence on the margin": 3, "unlike on the margin": 2, "trend over 3 settings": 1,
    "trend over replicas": 1, "trend along series": 1, "valley of 3": 2, "half a valley of 3": 2, "one of two": 3,
}  # fmt: skip


@pytest.mark.usefixtures("_few_draws")
def test_chance_decides_on_some_claim_of_a_ledger_no_more_often_than_it_may(replicas, ledgers, monkeypatch):
    # Holm's correction calls it, which takes longer than all the rest.
    monkeypatch.setattr("gc.collect", lambda: None)
    decided = 0
    kinds = [name for name, times in IN_A_LEDGER.items() for _ in range(times)]
    assert len(kinds) == 20
    for ledger in range(ledgers):
        random = np.random.default_rng([replicas, ledger])
        found = {str(i): Finding(NULLS[name].make(random, replicas)) for i, name in enumerate(kinds)}
        decided += judge(dict.fromkeys(found, "capacity"), found)["verdict"].isin(["supported", "refuted"]).any()
    assert decided / ledgers <= 0.05 + 3 * sqrt(0.05 * 0.95 / ledgers)


# ----------------------------------------------------------------------------------------- where it is, or its opposite


def bump(places: int) -> np.ndarray:
    return 5.0 * (np.arange(places) == 1)


CLEAR = {
    "ordering": lambda random, sign: ordering(sign * random.normal(5, 1, 5), ratio=False),
    "ordering of ratios": lambda random, sign: ordering(sign * random.normal(5, 1, 5), ratio=True),
    "equivalence": lambda random, sign: equivalence(random.normal(0 if sign > 0 else 9, 0.5, 5), 2.0, ratio=False),
    "equivalence from below": lambda random, sign: equivalence(random.normal(-9, 0.5, 5), 2.0 + 9 * (sign + 1), False),
    "unlike": lambda random, sign: unlike(random.normal(9 if sign > 0 else 0, 0.5, 5), 2.0, ratio=False),
    "unlike below": lambda random, sign: unlike(random.normal(-9 if sign > 0 else 0, 0.5, 5), 2.0, ratio=False),
    "trend over settings": lambda random, sign: trend_over_settings(
        noise(random, 5, 4) + 5 * np.arange(4), np.arange(4.0), sign
    ),
    "trend over replicas": lambda random, sign: trend_over_replicas(
        np.arange(8.0), 5 * np.arange(8) + random.normal(size=8), sign, seed=0
    ),
    "trend along series": lambda random, sign: trend_along_series(
        [(x, y + 2 * x) for x, y in walks(random, 5)], sign
    ),
    "extreme": lambda random, sign: extreme(
        noise(random, 5, 5) + 2 * bump(5), np.array([1, 1, 0, 0, 0], bool) == (sign > 0)
    ),
    "valley": lambda random, sign: valley(
        sign * 3 * np.linspace(-1, 1, 5) ** 2 + 0.3 * noise(random, 5, 5), np.arange(5.0)
    ),
    "weakest": lambda random, sign: weakest(
        [ordering(random.normal(mean, 1, 5), ratio=False) for mean in (9, 5 * sign, 7)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", CLEAR)
def test_a_large_effect_decides_in_the_right_direction(name, sign):
    for seed in range(5):
        found = CLEAR[name](np.random.default_rng(seed), sign)
        assert found.p < 0.05
        assert (found.p_for < found.p_against) == (sign > 0)
        low, high = found.claimed
        assert (low < found.effect < high) == (sign > 0)
