"""What so many replicas can show, against simulations and numbers by hand."""

from dataclasses import replace
from math import inf, isnan, log, nan

import numpy as np
import pytest
from scipy.stats import binom

from netclaims.claims.evidence import Evidence, Kind, weakest
from netclaims.claims.mean_tests import equivalence, one_sided, ordering, signs, unlike
from netclaims.claims.place_tests import extreme, valley
from netclaims.claims.power import least_effect, least_p, replicas_needed
from netclaims.claims.trend_tests import trend_along_series, trend_over_replicas, trend_over_settings

STREAM = np.random.default_rng(0)


def found_of(p: float = 0.5, **changes) -> Evidence:
    """Evidence with a two-sided p value for a claim."""
    numbers = {"effect": 0.5, "low": -1.0, "high": 2.0, "unit": "difference", "claimed": (0.0, inf), "replicas": 5}
    return Evidence(**numbers | {"p_for": p / 2, "p_against": 1 - p / 2, "test": "t-test"} | changes)


# ------------------------------------------------------------------------------------------------ the smallest p value


@pytest.mark.parametrize(
    ("test", "replicas", "least"),
    [
        ("sign test", 1, 1),
        ("sign test", 5, 1 / 16),
        ("sign test", 6, 1 / 32),
        ("permutation test", 3, 2 / 6),
        ("permutation test", 5, 2 / 120),
        ("permutation test", 7, 2 / 5040),
        ("permutation test", 8, 2 / 10_000),  # of 40,320 pairings 9,999 are drawn, and the one at hand
        ("t-test", 2, 0),
        ("t-test of slopes", 5, 0),
    ],
)
def test_the_smallest_p_value_that_so_many_replicas_can_have(test, replicas, least):
    assert least_p(found_of(test=test, replicas=replicas)) == least


@pytest.mark.parametrize("replicas", [2, 5, 6, 9])
def test_no_data_have_a_smaller_p_value_of_the_sign_test(replicas):
    found = ordering(np.arange(1.0, replicas + 1), ratio=False, typical=True)
    assert found.p == least_p(found) == 2 * 0.5**replicas


@pytest.mark.parametrize("replicas", [3, 4, 5, 9])
def test_no_data_have_a_smaller_p_value_of_the_permutation_test(replicas):
    x = np.arange(float(replicas))
    found = trend_over_replicas(x, x**2, 1, seed=0)
    assert found.p == pytest.approx(least_p(found))


# ------------------------------------------------------------------------------------------------- the smallest effect


def shares_that_show(effect: float, test, replicas: int, level: float) -> float:
    """The share of simulated experiments, normal with a standard deviation of 1, in which the effect is shown."""
    values = effect + STREAM.standard_normal((2000, replicas))
    return np.mean([2 * test(one, 0.0)[0] < level for one in values])


@pytest.mark.parametrize(("replicas", "level"), [(5, 0.05), (5, 0.0125), (15, 0.05)])
def test_a_mean_of_the_smallest_effect_is_found_four_times_in_five(replicas, level):
    """Of values whose standard deviation is 1, by the t-test that judges."""
    normal = STREAM.standard_normal(replicas)
    found = ordering((normal - normal.mean()) / normal.std(ddof=1), ratio=False)
    assert shares_that_show(least_effect(found, level), one_sided, replicas, level) == pytest.approx(0.8, abs=0.03)


def test_a_mean_by_the_tables_of_cohen():
    """Power .80 at a two-sided .05: a standardised difference of pairs of 0.94 takes 11 of them, of 0.5 takes 34."""
    for replicas, size in ((11, 0.94), (34, 0.495)):
        values = np.resize([1.0, -1.0], replicas)
        values -= values.mean()
        found = ordering(values / values.std(ddof=1), ratio=False)
        assert least_effect(found, 0.05) == pytest.approx(size, abs=0.01)


@pytest.mark.parametrize(("replicas", "level"), [(12, 0.05), (15, 0.05), (30, 0.0125)])
def test_a_median_of_the_smallest_effect_is_found_four_times_in_five(replicas, level):
    """The mean over samples, as each has quantiles of its own; by the sign test that judges. All are on one side."""
    samples = 9 + STREAM.standard_normal((100, replicas))
    least = [least_effect(ordering(sample, ratio=False, typical=True), level) for sample in samples]
    assert shares_that_show(np.mean(least), signs, replicas, level) == pytest.approx(0.8, abs=0.05)


def test_a_median_by_hand():
    """Six alike of six have a p value of 0.03: a share of 0.8^(1/6) = 0.9635 gives that four times in five.

    That is beyond all six values, 0 to 5. Of 15, 12 alike take a share of 0.8428: (15 + 1/3) · 0.1572 + 1/3 = 2.743
    (Hyndman & Fan 1996, type 8) of 0, 1, … 14 lie below 1.743, and 7 is their median.
    """
    found = ordering(np.arange(6.0), ratio=False, typical=True)
    assert least_effect(found, 0.05) == 2.5
    more = ordering(np.arange(15.0), ratio=False, typical=True)
    assert least_effect(more, 0.05) == pytest.approx(7 - 1.743, abs=0.002)


def test_a_median_lies_as_far_beyond_the_border_as_values_reach_back_to_it():
    """Of two kinds of nets, most at 19 and few at 0, the few keep a median of 19 from being shown to be above 1."""
    far = np.array([0, 1, 2, 3, 4, 50.0])
    for values, least in ((far, 2.5), (-far, 2.5), (50 - far, 47.5)):
        assert least_effect(ordering(values, ratio=False, typical=True), 0.05) == least
    of_two_kinds = ordering(np.repeat([0.0, 19.0], [5, 10]) - 1, ratio=False, typical=True)
    assert of_two_kinds.effect < least_effect(of_two_kinds, 0.05) == 19
    inside = equivalence(far - 2, 1.0, ratio=False, typical=True)  # to either side, the farther
    assert least_effect(inside, 0.05) == 47.5


def test_of_ratios_the_smallest_effect_is_a_factor():
    values = np.array([0.1, 0.4, 0.2, 0.7])
    as_ratio, as_difference = (least_effect(ordering(values, ratio), 0.05) for ratio in (True, False))
    assert log(as_ratio) == pytest.approx(as_difference)
    beyond = equivalence(values, 0.1, ratio=True)  # a margin, of which either side counts
    assert least_effect(beyond, 0.05) == pytest.approx(least_effect(ordering(values, ratio=True), 0.025))


def test_a_correlation_of_the_smallest_size_is_found_four_times_in_five():
    x = np.arange(12.0)
    least = least_effect(found_of(test="permutation test", unit="rho", replicas=12), 0.05)
    r = 2 * np.sin(np.pi * least / 6)  # whose Spearman's ρ is that (Pearson 1907)
    first, noise = STREAM.standard_normal((2, 4000, 12))
    ranks = [one.argsort(1).argsort(1) for one in (first, r * first + np.sqrt(1 - r**2) * noise)]
    rho = 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum(1) / (12 * 143)
    limit = 0.587  # of ρ at a two-sided 5 %, twelve pairs (Zar 1972)
    assert (rho >= limit).mean() == pytest.approx(0.8, abs=0.04)
    assert trend_over_replicas(x, x, 1, seed=0).sample == ()


def test_courses_of_replicas_go_by_the_spread_of_their_correlations_and_trends_of_slopes_by_nothing():
    x = np.arange(5.0)
    values = STREAM.standard_normal((8, 5)) + 0.5 * x
    found = trend_along_series([(x, row) for row in values], 1)
    assert least_effect(found, 0.05) == pytest.approx(least_effect(ordering(np.array(found.sample), ratio=False), 0.05))
    assert isnan(least_effect(trend_over_settings(values, x, 1), 0.05))


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (ordering(np.arange(5.0), ratio=False, typical=True), 0.05),  # five signs alike have 0.0625
        (ordering(np.arange(6.0), ratio=False, typical=True), 0.025),
        (ordering(np.array([1.0]), ratio=False), 0.05),
        (ordering(np.array([0.1, inf, 0.2, 0.3, 0.1, 0.2, 0.4]), ratio=False, typical=True), 0.05),
        (found_of(test="permutation test", unit="rho", replicas=3), 0.05),
        (trend_over_settings(np.array([[1.0, 2, 3], [3, 2, 1], [1, 2, 3]]), np.arange(3.0), 1), 0.05),  # beyond ρ = 1
        (extreme(np.array([[1.0, 2, 0], [1, 3, 0], [0, 2, 1]]), np.array([False, True, False])), 0.05),
        (valley(np.array([[2.0, 1, 2], [3, 1, 2], [2, 0, 3]]), np.arange(3.0)), 0.05),
    ],
)
def test_where_no_effect_can_be_shown_or_the_test_is_of_others_there_is_none(found, level):
    assert isnan(least_effect(found, level))


# ---------------------------------------------------------------------------------------------------- how many replicas


@pytest.mark.parametrize(
    ("test", "replicas", "p", "claims", "needed"),
    [
        # Squares of (1.959964 / 1.644854), of p 0.05 and 0.1, times 5: 7.099
        ("t-test", 5, 0.1, 1, 8),
        # Of two claims, at 0.025, of which the deviate is 2.241403: 1.856886 x 5 = 9.284
        ("t-test", 5, 0.1, 2, 10),
        # (1.959964 / 0.674490)² x 10 = 84.44
        ("t-test", 10, 0.5, 1, 85),
        # Of 4 claims, at 0.0125: (2.497705 / 0.674490)² x 10 = 137.1, though Holm's p is 1 for any p above 0.25
        ("t-test", 10, 0.5, 4, 138),
        # Significant but for the correction: (2.497705 / 2.326348)² x 6 = 6.916
        ("t-test", 6, 0.02, 4, 7),
        # All of three signs alike, and of 6, which have 0.03125; 12 of 16 have 0.0768: (1.959964 / 2)² x 16 = 15.4
        ("sign test", 3, 0.25, 1, 6),
        ("sign test", 16, 2 * binom.sf(11, 16, 0.5), 1, 16),
        # 8 of 12: (2 x 8 - 12) / √12 = 1.154701, and (1.959964 / 1.154701)² x 12 = 34.57
        ("sign test", 12, 2 * binom.sf(7, 12, 0.5), 1, 35),
        # (1.959964 / 1.880794)² x 3 = 3.258
        ("t-test", 3, 0.06, 1, 4),
        # (1.959964 / 0.125661)² = 243.277: 973.1, and 1216.4
        ("t-test", 4, 0.9, 1, 974),
        ("t-test", 5, 0.9, 1, 1217),
        ("t-test", 5, 1.0, 1, nan),
        ("t-test", 5, 0.0, 1, nan),
        ("t-test", 1, nan, 1, nan),
    ],
)
def test_about_how_many_replicas_would_decide(test, replicas, p, claims, needed):
    found = replicas_needed(found_of(p, test=test, replicas=replicas), 0.05 / claims)
    assert found == needed or (isnan(found) and isnan(needed))


def test_beyond_a_margin_either_side_counts_which_is_multiplied_twice():
    """Eight of eight beyond it: 0.5⁸, doubled for the side and doubled for the two-sided p."""
    far = np.linspace(2.0, 3.0, 8)
    refuted, supported = (test(far, 1.0, ratio=False, typical=True) for test in (equivalence, unlike))
    within = equivalence(far - 2.5, 1.0, ratio=False, typical=True)
    assert refuted.p == supported.p == least_p(refuted) == least_p(supported) == 4 * 0.5**8
    assert within.p == least_p(within) == 2 * 0.5**8
    assert isnan(least_effect(refuted, 0.01))  # as of 7 for one side
    assert least_effect(within, 0.01) > 0
    assert least_p(weakest([refuted, refuted, refuted])) == weakest([refuted, refuted, refuted]).p == 12 * 0.5**8


def test_where_the_smallest_of_two_counts_more_replicas_work_on_each_of_them():
    """Of p against 0.4, doubled: (isf(0.0125) / isf(0.2))² x 5 = (2.241403 / 0.841621)² x 5 = 35.46."""
    found = replace(found_of(0.8, replicas=5), p_for=0.7, p_against=0.4, tries_against=2)
    assert replicas_needed(found, 0.05) == 36
    assert isnan(replicas_needed(replace(found, p_against=1.0), 0.05))
    assert isnan(replicas_needed(replace(found, comparisons=2), 0.05))
    assert isnan(replicas_needed(replace(found, test=Kind.PLACES), 0.05))


@pytest.mark.parametrize("typical", [False, True])
def test_so_many_replicas_do_decide(typical):
    """What is said of an equivalence that is undecided, with the same replicas again and again."""
    values = np.array([0.2, 1.4, 1.9, 0.8, 1.6, 2.2, 0.9, 1.3])
    found = equivalence(values, 1.0, ratio=False, typical=typical)
    assert found.p > 0.05
    times = replicas_needed(found, 0.05) / len(values)
    decided = [equivalence(np.tile(values, n), 1.0, ratio=False, typical=typical).p < 0.05
               for n in (round(times / 2), round(2 * times))]  # fmt: skip
    assert decided == [False, True]
