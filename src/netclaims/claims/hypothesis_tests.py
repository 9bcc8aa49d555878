"""What the replicas say for and against a comparison: an effect with its interval, and two one-sided tests.

Every kind of comparison gives the probability `p_for` of data as much in favour if the claim did not hold, and
`p_against` of data as much against if it did. The replicas are the sample: every one is a training from its own initial
weights, on the same data set. With fewer than two there is no test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, log, nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom, bootstrap, page_trend_test, permutation_test, rankdata, spearmanr
from statsmodels.stats.weightstats import DescrStatsW

Numbers = NDArray[np.float64]
RESAMPLES, PERMUTATIONS = 1999, 9999
POSITIVE = (0.0, inf)


@dataclass(frozen=True)
class Evidence:
    """What was found.

    Attributes:
        effect: how large, in units of `unit`.
        low, high: its 95 % interval; undefined with fewer than two replicas.
        unit: `difference`, `ratio`, `rho`, `rank` or `height`.
        claimed: the effects that the claim has, from and to.
        replicas: how many it rests on.
        p_for, p_against: of the two one-sided tests; undefined with fewer than two replicas.
        remark: what a reader has to know besides.
        comparisons: of how many this is the one that speaks least for the claim.
    """

    effect: float
    low: float
    high: float
    unit: str
    claimed: tuple[float, float]
    replicas: int
    p_for: float
    p_against: float
    remark: str = ""
    comparisons: int = 1

    @property
    def p(self) -> float:
        """Two-sided: twice the smaller of the two."""
        return min(1.0, 2 * min(self.p_for, self.p_against)) if isfinite(self.p_for) else nan


def one_sided(values: Numbers, threshold: float) -> tuple[float, float]:
    """P values of the mean being larger, and smaller, than a threshold: t-tests, undefined with fewer than two values.

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
    """Whether numbers are the same to the six digits that tables hold."""
    return np.ptp(values) <= 1e-6 * np.abs(values).max()


def mean_interval(values: Numbers) -> tuple[float, float]:
    """The 95 % t-interval of the mean, undefined with fewer than two values, and with an infinite one."""
    if len(values) < 2 or not np.isfinite(values).all():
        return nan, nan
    return tuple(map(float, DescrStatsW(values).tconfint_mean(0.05)))


def ordering(differences: Numbers, ratio: bool) -> Evidence:
    """Whether paired differences, or logarithms of paired ratios, are above 0 in the mean: paired t-tests.

    Args:
        differences: one for each replica, positive where it is as claimed.
        ratio: whether they are logarithms of ratios.
    """
    p_for, p_against = one_sided(differences, 0.0)
    return _mean_evidence(differences, ratio, POSITIVE, p_for, p_against)


def equivalence(differences: Numbers, margin: float, ratio: bool) -> Evidence:
    """Whether paired differences, or logarithms of ratios, are within ±`margin` in the mean (Schuirmann 1987).

    For: two one-sided tests, of which the larger p counts. Against: the mean is beyond one of the margins, by the test
    of the side it is on, doubled as there are two sides.
    """
    above_low, below_low = one_sided(differences, -margin)
    above_high, below_high = one_sided(differences, margin)
    if len(differences) < 2:
        return _mean_evidence(differences, ratio, (-margin, margin), nan, nan)
    p_for, p_against = max(above_low, below_high), min(1.0, 2 * min(below_low, above_high))
    return _mean_evidence(differences, ratio, (-margin, margin), p_for, p_against)


def unlike(differences: Numbers, margin: float, ratio: bool) -> Evidence:
    """The opposite of `equivalence`; the effect is shown on the side that it is on."""
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
    """The mean, or the median where an infinite value leaves none: what a t-test and a sign test are about."""
    if not len(values):
        return nan
    with np.errstate(invalid="ignore"):  # between -∞ and ∞ there is none
        return values.mean() if np.isfinite(values).all() else np.median(values)


def _exponential(value: float) -> float:
    with np.errstate(over="ignore"):  # an interval may reach as far as infinity
        return float(np.exp(value))


def rank_correlation(x: Numbers, y: Numbers) -> float:
    """Spearman's ρ; 0 where either does not vary."""
    if (x == x[0]).all() or (y == y[0]).all():
        return 0.0
    return float(spearmanr(x, y).statistic)


def trend_over_settings(values: Numbers, x: Numbers, sign: int) -> Evidence:
    """Whether values rise (sign 1) or fall (-1) with a setting that every replica was trained with all values of.

    The effect is Spearman's ρ, the mean over replicas, with a bootstrap interval over replicas. Page's test (1963,
    JASA 58), whose statistic is a linear function of that mean, gives the p values: under its null hypothesis every
    order of a replica's values is as likely.

    Args:
        values: (replicas, settings), finite or infinite.
        x: the settings (settings,), all different.
    """
    order = np.argsort(x)
    rho = np.array([sign * rank_correlation(x, row) for row in values])
    p_for, p_against = nan, nan
    if len(values) > 1:
        ranks = np.argsort(order) + 1  # the columns' own places
        p_for, p_against = (
            float(page_trend_test(side * sign * values, predicted_ranks=ranks).pvalue) for side in (1, -1)
        )
    low, high = _bootstrap_mean(rho)
    return Evidence(float(rho.mean()), low, high, "rho", POSITIVE, len(values), p_for, p_against)


def trend_over_replicas(x: Numbers, y: Numbers, sign: int, seed: int) -> Evidence:
    """Whether replicas with a larger x have a larger (sign 1) or smaller (-1) y: Spearman's ρ over the replicas.

    The interval is a bootstrap over replicas; the p values are those of a permutation test of the pairings, of all of
    them where replicas are few.
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
    """Whether series rise (sign 1) or fall (-1) along x, replica by replica.

    The effect is the mean of every replica's Spearman ρ. Values along a series depend on one another, so that it is
    not they but the replicas that are counted: the p values are those of t-tests of the slope of y on the ranks of x,
    which says how much, where ρ says how steadily. Where the two are on different sides nothing is decided.

    Args:
        series: x and y of each replica.
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


def extreme(values: Numbers, allowed: NDArray[np.bool_], seed: int) -> Evidence:
    """Whether the highest values are at places where the claim has them: a permutation test of ranks within replicas.

    The statistic is the mean rank over replicas of the best place that the claim allows less that of the best other
    one (in units of all ranks: from -1 to 1). It is compared with its values when every order of a replica's values is
    as likely, as in Friedman's test (1937, JASA 32). A place that is not the best speaks neither for the claim, however
    rare its rank, nor against it the other way round. The interval is a bootstrap over replicas.

    Args:
        values: (replicas, places), finite or infinite.
        allowed: which places the claim allows, some but not all (places,).
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
    """Whether values fall and then rise: a line down to an inner place and one up from it (Simonsohn 2018, Adv. Meth.
    Pract. Psych. Sci. 1), whose slopes t-tests over replicas find below and above 0. Both have to be; against is either
    the other way. A parabola would not do: it rises at one end wherever values fall ever less steeply.

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


def weakest(found: Sequence[Evidence]) -> Evidence:
    """Of several comparisons that all have to hold, the one that speaks least for it.

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
        comparisons=sum(one.comparisons for one in found),
    )  # fmt: skip


def logarithms(values: pd.Series) -> pd.Series:
    """Natural logarithms, undefined for what has none. What is below all other values, -∞, stays so."""
    return values.map(lambda value: log(value) if value > 0 else value if value == -inf else nan)
