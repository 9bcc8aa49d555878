"""Outcomes of replicas of which the truth is known, and the tests that they are put to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy.stats import norm

from benchmarks.many_tests import Numbers, Sides, extremes, sign_tests, t_tests, trends, valleys, within
from netclaims.claims.evidence import Evidence
from netclaims.claims.mean_tests import equivalence, ordering
from netclaims.claims.place_tests import extreme, valley
from netclaims.claims.trend_tests import trend_along_series, trend_over_replicas, trend_over_settings

Draw = Callable[[np.random.Generator, int, int], Numbers]  # (samples, replicas), or more
COLLAPSING, OFF = 0.2, 8.0  # the share of nets that collapse, and how many standard deviations off that is
MEDIAN = norm.ppf(0.5 / (1 - COLLAPSING))  # of standard normal outcomes of which that share lies far above


@dataclass(frozen=True)
class Row:
    """Outcomes of which the truth is known, and their tests.

    Attributes:
        test: what it is called.
        truth: what is true, in words.
        draw: gives samples of n replicas.
        many: the tests of all of them.
        one: that of one sample, as claims are judged.
        wrong: which verdicts are wrong: `for`, `against` or both; right ones are counted where there are none.
        taken: whether the test is meant for such outcomes.
        samples: how many are drawn; as many as for all others if None.
    """

    test: str
    truth: str
    draw: Draw
    many: Callable[[Numbers], Sides]
    one: Callable[[Numbers], Evidence]
    wrong: tuple[str, ...] = ("for", "against")
    taken: bool = True
    samples: int | None = None


FOR, NONE = ("for",), ()


def correlated(random: np.random.Generator, samples: int, n: int, places: int, rho: float) -> Numbers:
    """Draw (samples, replicas, places), each place being like the one before: a stationary AR(1) course."""
    noise = random.normal(size=(samples, n, places))
    for place in range(1, places):
        noise[..., place] = rho * noise[..., place - 1] + np.sqrt(1 - rho**2) * noise[..., place]
    return noise


def with_collapse(values: Numbers, random: np.random.Generator) -> Numbers:
    """Let a share of the nets collapse."""
    return values + OFF * (random.random(values.shape) < COLLAPSING)


def _normal(shift: float = 0.0) -> Draw:
    return lambda random, samples, n: random.normal(shift, 1, (samples, n))


def _log_normal(shift: float = 0.0) -> Draw:
    """Draw log-normal outcomes of that mean."""
    return lambda random, samples, n: np.exp(random.normal(size=(samples, n))) - np.exp(0.5) + shift


def _one_collapsing(shift: float = 0.0, off: float = COLLAPSING * OFF) -> Draw:
    """Draw differences of pairs of which one side collapses at times, less their mean, or something else."""
    return lambda random, samples, n: with_collapse(random.normal(size=(samples, n)), random) - off + shift


def _of_two(draw: Draw) -> Draw:
    """Draw differences between two outcomes of a kind."""
    return lambda *drawn: draw(*drawn) - draw(*drawn)


def _orderings() -> Iterator[Row]:
    mean = "ordering, mean of differences", t_tests, lambda row: ordering(row, ratio=False)
    typical = "ordering, typical net", sign_tests, lambda row: ordering(row, ratio=False, typical=True)

    def tied(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return np.round(random.normal(size=(samples, n)))

    def log_normal(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return np.exp(random.normal(size=(samples, n))) - 1

    for truth, draw in {
        "no difference, normal": _normal(),
        "no difference, both sides log-normal": _of_two(_log_normal()),
        "no difference, both sides collapse at times": _of_two(_one_collapsing()),
    }.items():
        yield _row(mean, truth, draw)
    for truth, draw in {
        "differences are log-normal, of mean 0": _log_normal(),
        "one side collapses at times, means are equal": _one_collapsing(),
    }.items():
        yield replace(_row(mean, truth, draw), taken=False)
    for truth, draw in {
        "at the number, normal": _normal(),
        "at the number, log-normal": log_normal,
        "at the number, a fifth of nets collapse": _one_collapsing(off=MEDIAN),
        "one side collapses at times, the median difference is 0": _one_collapsing(off=MEDIAN),
        "no difference, ties": tied,
    }.items():
        yield _row(typical, truth, draw)
    for test in (mean, typical):
        for sd in (1, 2):
            yield _row(test, f"{sd} sd apart", _normal(sd), wrong=NONE)


def _row(test: tuple, truth: str, draw: Draw, **others: object) -> Row:
    name, many, one = test
    return Row(name, truth, draw, many, one, **others)


def _equivalences() -> Iterator[Row]:
    def test(name: str, typical: bool) -> tuple:
        return (
            f"equivalence, {name}",
            lambda values: within(values, 2.0, sign_tests if typical else t_tests),
            lambda row: equivalence(row, 2.0, ratio=False, typical=typical),
        )

    mean, typical = test("mean", typical=False), test("typical net", typical=True)
    yield _row(mean, "on the margin, normal", _normal(2.0))
    yield _row(mean, "on the margin, both sides log-normal", lambda *drawn: _of_two(_log_normal())(*drawn) + 2)
    yield replace(_row(mean, "on the margin, differences are log-normal", _log_normal(2.0)), taken=False)
    yield replace(_row(mean, "on the margin, one side collapses at times", _one_collapsing(2.0)), taken=False)
    yield _row(typical, "on the margin, normal", _normal(2.0))
    yield _row(typical, "on the margin, one side collapses at times", _one_collapsing(2.0, MEDIAN))
    for one in (mean, typical):
        yield _row(one, "no difference, margin 2 sd", _normal(), wrong=NONE)


OVER_SETTINGS = "trend over settings"


def over_settings(truth: str, draw: Draw, **others: object) -> Row:
    """Return a row of trends over settings.

    Args:
        truth: what is true, in words.
        draw: gives outcomes (samples, replicas, settings).
        others: what else the row says.
    """
    return Row(
        OVER_SETTINGS, truth, draw, trends,
        lambda row: trend_over_settings(row, np.arange(float(row.shape[1])), 1), **others,
    )  # fmt: skip


def _trends() -> Iterator[Row]:
    def level(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, 5))

    def rising(total: float) -> Draw:
        return lambda random, samples, n: correlated(random, samples, n, 5, 0.7) + total * np.linspace(0, 1, 5)

    def lopsided(noise: float) -> Draw:
        return lambda *drawn: noise * level(*drawn) + np.array([1, 0, 1, 2, 3.0])

    def last_collapsing(off: float) -> Draw:
        """Let the last setting collapse at times, less so much of all slopes."""
        return lambda random, samples, n: (
            level(random, samples, n)
            + OFF * np.eye(5)[4] * (random.random((samples, n, 1)) < COLLAPSING)
            - off * np.arange(5)
        )

    def skewed(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return np.arange(1, 6.0) * (np.exp(random.normal(size=(samples, n, 5))) - np.exp(0.5))

    yield over_settings("level, independent", level)
    yield over_settings("level, settings alike (AR 0.7), 5 of them", lambda *drawn: correlated(*drawn, 5, 0.7))
    yield over_settings("level, settings alike (AR 0.9), 10 of them", lambda *drawn: correlated(*drawn, 10, 0.9))
    yield over_settings("level, the spread grows", lambda *drawn: level(*drawn) * np.arange(1, 6.0))
    yield over_settings("level, ties", lambda *drawn: np.round(level(*drawn)))
    yield over_settings("level, log-normal", lambda *drawn: np.exp(level(*drawn)))
    yield over_settings("1, 0, 1, 2, 3 with noise of 0.3: no trend", lopsided(0.3), wrong=FOR, taken=False)
    yield over_settings("1, 0, 1, 2, 3 with noise of 1: no trend", lopsided(1.0), wrong=FOR, taken=False)
    yield over_settings("level means, log-normal, the spread grows", skewed, taken=False)
    slope = 2 * OFF * COLLAPSING / 10  # of the means; places -2, -1, 0, 1, 2 have a sum of squares of 10
    yield over_settings("level means, the last setting collapses at times", last_collapsing(slope), taken=False)
    yield replace(
        over_settings("the median slope is 0, the last setting collapses at times", last_collapsing(MEDIAN / sqrt(10))),
        test=f"{OVER_SETTINGS}, typical net",
        many=lambda values: trends(values, sign_tests),
        one=lambda row: trend_over_settings(row, np.arange(5.0), 1, typical=True),
    )
    for sd in (1, 2):
        yield over_settings(f"rises by {sd} sd in all (AR 0.7)", rising(sd), wrong=NONE)
    for places in (5, 10):
        rise = 2 * np.minimum(1, np.arange(places) / (places // 4))

        def saturating(random: np.random.Generator, samples: int, n: int, rise: Numbers = rise) -> Numbers:
            return correlated(random, samples, n, len(rise), 0.7) + rise

        yield over_settings(f"rises by 2 sd and then is level, {places} settings (AR 0.7)", saturating, wrong=NONE)


def _relations() -> Iterator[Row]:
    def one(pair: Numbers) -> Evidence:
        return trend_over_replicas(*pair.T, 1, seed=0)

    def many(values: Numbers) -> Sides:
        found = [one(pair) for pair in values]
        return np.array([each.p_for for each in found]), np.array([each.p_against for each in found])

    def related(r: float) -> Draw:
        def draw(random: np.random.Generator, samples: int, n: int) -> Numbers:
            x, noise = random.normal(size=(2, samples, n))
            return np.stack([x, r * x + np.sqrt(1 - r**2) * noise], axis=2)

        return draw

    test = "trend over replicas", many, one
    few = {"samples": 2000}  # each is a test of thousands of permutations
    yield _row(test, "no relation", related(0.0), **few)
    yield _row(test, "no relation, log-normal", lambda *drawn: np.exp(related(0.0)(*drawn)), **few)
    yield _row(test, "a correlation of 0.8", related(0.8), wrong=NONE, **few)


def _courses() -> Iterator[Row]:
    def walk(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, 30)).cumsum(axis=2)

    def many(values: Numbers) -> Sides:
        order = values.argsort(axis=2).argsort(axis=2) + 1.0  # no ties among them
        places = np.arange(values.shape[2]) - (values.shape[2] - 1) / 2
        rho = order @ places / (places @ places)
        most = 1 - 6 / (values.shape[2] * (values.shape[2] ** 2 - 1))
        return t_tests(np.arctanh(np.clip(rho, -most, most)))

    def one(rows: Numbers) -> Evidence:
        return trend_along_series([(np.arange(float(len(row))), row) for row in rows], 1)

    def drifting(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return walk(random, samples, n) + 0.2 * np.arange(30)

    test = "trend along a course", many, one
    yield _row(test, "random walks", walk)
    yield _row(test, "random walks that drift by a fifth of a step", drifting, wrong=NONE)


def _highest(places: int, first: int, last: int) -> Iterator[Row]:
    allowed = np.zeros(places, bool)
    allowed[first : last + 1] = True
    away = np.abs(np.arange(places) - (first + last) // 2)

    def flat(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return correlated(random, samples, n, places, 0.7)

    def collapsing(random: np.random.Generator, samples: int, n: int) -> Numbers:
        lower = (random.random((samples, n, 1)) < COLLAPSING) - COLLAPSING
        return flat(random, samples, n) - OFF * np.where(allowed, 0, lower)

    def peak(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return flat(random, samples, n) - 2 * np.minimum(1, away / (last - first))

    test = f"highest of {places} places", lambda values: extremes(values, allowed), lambda row: extreme(row, allowed)
    yield _row(test, "level (AR 0.7)", flat)
    yield _row(test, "level, log-normal", lambda *drawn: np.exp(flat(*drawn)))
    yield _row(test, "level, ties", lambda *drawn: np.round(flat(*drawn)))
    yield replace(_row(test, "level means, nets collapse at times where it is not claimed", collapsing), taken=False)
    yield _row(test, "2 sd higher where it is claimed", peak, wrong=NONE)


def _shapes() -> Iterator[Row]:
    def half(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, 5)) + np.maximum(1 - np.linspace(0, 2, 5), 0) * 5

    def both(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, 5)) + 2 * np.abs(np.linspace(-1, 1, 5))

    test = "shape: a valley of 5 settings", valleys, lambda row: valley(row, np.arange(float(row.shape[1])))
    yield _row(test, "falls, then level", half)
    yield _row(test, "falls, then level, ties", lambda *drawn: np.round(half(*drawn)))
    yield _row(test, "falls, then level, log-normal", lambda *drawn: np.exp(half(*drawn) / 2))
    yield _row(test, "2 sd deep", both, wrong=NONE)


ROWS = [
    *_orderings(), *_equivalences(), *_trends(), *_relations(), *_courses(), *_highest(5, 1, 2), *_highest(21, 8, 12),
    *_shapes(),
]  # fmt: skip
