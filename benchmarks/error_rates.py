"""How often the tests of claims decide wrongly, and how often rightly: `python -m benchmarks.error_rates`.

Simulates outcomes of n replicas of which the truth is known, and counts verdicts at two-sided levels of 5 % and 0.1 %,
which Holm's correction asks of the first of fifty. Tests are computed here for many samples at once, and the first
samples of every row are held against the functions that judge claims. Writes `benchmarks/error_rates.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import binom
from tqdm import tqdm

from netclaims.claims.evidence import Evidence
from netclaims.claims.mean_tests import equivalence, ordering
from netclaims.claims.place_tests import extreme, valley
from netclaims.claims.trend_tests import REVERSAL, trend_along_series, trend_over_settings

REPORT = Path(__file__).with_suffix(".md")
REPLICAS = (5, 8, 10, 15, 20)
SAMPLES, COMPARED = 20_000, 20
LEVELS = (0.05, 0.001)
Numbers = NDArray[np.float64]
Sides = tuple[Numbers, Numbers]  # p values for and against, of every sample


# --------------------------------------------------------------------------- tests of many samples: (samples, replicas)


def t_tests(values: Numbers, threshold: float = 0.0) -> Sides:
    """Return one-sided p values of the mean of every row being above, and below, a threshold."""
    n = values.shape[1]
    t = (values.mean(axis=1) - threshold) / (values.std(axis=1, ddof=1) / np.sqrt(n))
    return stdtr(n - 1, -t), stdtr(n - 1, t)


def sign_tests(values: Numbers, threshold: float = 0.0) -> Sides:
    """Return one-sided p values of the median of every row being above, and below, a threshold."""
    above, below = (values > threshold).sum(axis=1), (values < threshold).sum(axis=1)
    return binom.sf(above - 1, above + below, 0.5), binom.sf(below - 1, above + below, 0.5)


def within(values: Numbers, margin: float, test: Callable[[Numbers, float], Sides]) -> Sides:
    """Return p values of rows lying within ±margin, and beyond it."""
    low, high = test(values, -margin), test(values, margin)
    return np.maximum(low[0], high[1]), np.minimum(1, 2 * np.minimum(low[1], high[0]))


def slopes(values: Numbers) -> Numbers:
    """Return the slope of every row of (samples, replicas, places)."""
    places = np.arange(values.shape[2]) - (values.shape[2] - 1) / 2
    return values @ places / (places @ places)


def trends(values: Numbers) -> Sides:
    """Return p values of (samples, replicas, settings) rising, and falling."""
    p_for, p_against = t_tests(slopes(values))
    inner = range(1, values.shape[2] - 1)
    parts = [part for turn in inner for part in (values[..., : turn + 1], values[..., turn:])]
    for part in parts:
        p_for = np.where(t_tests(slopes(part))[1] < REVERSAL / len(parts), 1.0, p_for)
    return p_for, p_against


def extremes(values: Numbers, allowed: NDArray[np.bool_]) -> Sides:
    """Return p values of the highest of (samples, replicas, places) being at an allowed place, and at another."""

    def one(claimed: NDArray[np.bool_]) -> Numbers:
        by_place = [
            np.max([t_tests(values[..., i] - values[..., j])[0] for j in np.flatnonzero(~claimed)], axis=0)
            for i in np.flatnonzero(claimed)
        ]
        return np.minimum(1, len(by_place) * np.min(by_place, axis=0))

    return one(allowed), one(~allowed)


def valleys(values: Numbers) -> Sides:
    """Return p values of (samples, replicas, settings) falling and then rising, and of the opposite."""
    best, against = np.ones(len(values)), np.zeros(len(values))
    turns = range(1, values.shape[2] - 1)
    for turn in turns:
        falls, rises = t_tests(-slopes(values[..., : turn + 1])), t_tests(slopes(values[..., turn:]))
        best = np.minimum(best, np.maximum(falls[0], rises[0]))
        against = np.maximum(against, np.minimum(1, 2 * np.minimum(falls[1], rises[1])))
    return np.minimum(1, len(turns) * best), against


# -------------------------------------------------------------------------------------------------------- outcomes


def correlated(random: np.random.Generator, samples: int, n: int, places: int, rho: float) -> Numbers:
    """Draw (samples, replicas, places), each place being like the one before: a stationary AR(1) course."""
    noise = random.normal(size=(samples, n, places))
    for place in range(1, places):
        noise[..., place] = rho * noise[..., place - 1] + np.sqrt(1 - rho**2) * noise[..., place]
    return noise


def with_collapse(values: Numbers, random: np.random.Generator, share: float = 0.2, off: float = 8.0) -> Numbers:
    """Let a share of the nets collapse: their outcomes lie so many standard deviations off."""
    return values + off * (random.random(values.shape) < share)


def log_normal(random: np.random.Generator, samples: int, n: int) -> Numbers:
    """Draw log-normal outcomes less their mean."""
    return np.exp(random.normal(size=(samples, n))) - np.exp(0.5)


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
    """

    test: str
    truth: str
    draw: Callable[[np.random.Generator, int, int], Numbers]
    many: Callable[[Numbers], Sides]
    one: Callable[[Numbers], Evidence]
    wrong: tuple[str, ...] = ("for", "against")


BOTH, FOR, NONE = ("for", "against"), ("for",), ()


def _normal(shift: float = 0.0) -> Callable[[np.random.Generator, int, int], Numbers]:
    return lambda random, samples, n: random.normal(shift, 1, (samples, n))


def _median_of_collapsing(random: np.random.Generator, samples: int, n: int) -> Numbers:
    values = with_collapse(random.normal(size=(samples, n)), random)
    return values - 0.318639  # the median: Φ⁻¹(0.5 / 0.8)


def _orderings() -> list[Row]:
    mean = "ordering, mean of differences", t_tests, lambda row: ordering(row, ratio=False)
    typical = "ordering, typical net", sign_tests, lambda row: ordering(row, ratio=False, typical=True)

    def pair_collapsing(random: np.random.Generator, samples: int, n: int) -> Numbers:
        one, other = (with_collapse(random.normal(size=(samples, n)), random) for _ in range(2))
        return one - other

    def tied(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return np.round(random.normal(size=(samples, n)))

    rows = []
    for (name, many, one), drawn in (
        (mean, {"no difference, normal": _normal(), "no difference, both collapse at times": pair_collapsing}),
        (
            typical,
            {
                "at the number, normal": _normal(),
                "at the number, log-normal": lambda random, samples, n: np.exp(random.normal(size=(samples, n))) - 1,
                "at the number, a fifth of nets collapse": _median_of_collapsing,
                "no difference, ties": tied,
            },
        ),
    ):
        rows += [Row(name, truth, draw, many, one) for truth, draw in drawn.items()]
        rows += [Row(name, f"{sd} sd apart", _normal(sd), many, one, NONE) for sd in (1, 2)]
    return rows


def _equivalences() -> list[Row]:
    rows = []
    for typical, test in ((False, t_tests), (True, sign_tests)):
        name = "equivalence, typical net" if typical else "equivalence, mean"

        def one(row: Numbers, typical: bool = typical) -> Evidence:
            return equivalence(row, 2.0, ratio=False, typical=typical)

        def many(values: Numbers, test: Callable = test) -> Sides:
            return within(values, 2.0, test)

        rows += [
            Row(name, "on the margin, normal", _normal(2.0), many, one),
            Row(name, "no difference, margin 2 sd", _normal(), many, one, NONE),
        ]
    return rows


def _trends() -> list[Row]:
    def one(row: Numbers) -> Evidence:
        return trend_over_settings(row, np.arange(float(row.shape[1])), 1)

    def rising(total: float) -> Callable[[np.random.Generator, int, int], Numbers]:
        return lambda random, samples, n: correlated(random, samples, n, 5, 0.7) + total * np.linspace(0, 1, 5)

    def lopsided(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return 0.3 * random.normal(size=(samples, n, 5)) + np.array([1, 0, 1, 2, 3.0])

    name = "trend over settings"
    nulls = {
        "level, independent": lambda random, samples, n: random.normal(size=(samples, n, 5)),
        "level, settings alike (AR 0.7), 5 of them": lambda *drawn: correlated(*drawn, 5, 0.7),
        "level, settings alike (AR 0.9), 10 of them": lambda *drawn: correlated(*drawn, 10, 0.9),
        "level, the spread grows": lambda random, samples, n: random.normal(size=(samples, n, 5)) * np.arange(1, 6.0),
        "level means, log-normal, the spread grows": lambda random, samples, n: (
            np.arange(1, 6.0) * np.dstack([log_normal(random, samples, n) for _ in range(5)])
        ),
    }
    rows = [Row(name, truth, draw, trends, one) for truth, draw in nulls.items()]
    rows.append(Row(name, "1, 0, 1, 2, 3 with noise of 0.3: no trend", lopsided, trends, one, FOR))
    return rows + [Row(name, f"rises by {sd} sd in all (AR 0.7)", rising(sd), trends, one, NONE) for sd in (1, 2)]


def _courses() -> list[Row]:
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

    name = "trend along a course"
    return [
        Row(name, "random walks", walk, many, one),
        Row(name, "random walks that drift by a fifth of a step", drifting, many, one, NONE),
    ]


def _highest(places: int, first: int, last: int) -> list[Row]:
    allowed = np.zeros(places, bool)
    allowed[first : last + 1] = True
    away = np.abs(np.arange(places) - (first + last) // 2)

    def flat(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return correlated(random, samples, n, places, 0.7)

    def peak(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return flat(random, samples, n) - 2 * np.minimum(1, away / (last - first))

    name = f"highest of {places} places"
    many, one = (lambda values: extremes(values, allowed)), (lambda row: extreme(row, allowed))
    return [
        Row(name, "level (AR 0.7)", flat, many, one),
        Row(name, "2 sd higher where it is claimed", peak, many, one, NONE),
    ]


def _shapes() -> list[Row]:
    def one(row: Numbers) -> Evidence:
        return valley(row, np.arange(float(row.shape[1])))

    def half(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, 5)) + np.maximum(1 - np.linspace(0, 2, 5), 0) * 5

    def both(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, 5)) + 2 * np.abs(np.linspace(-1, 1, 5))

    name = "shape: a valley of 5 settings"
    return [Row(name, "falls, then level", half, valleys, one), Row(name, "2 sd deep", both, valleys, one, NONE)]


ROWS = [*_orderings(), *_equivalences(), *_trends(), *_courses(), *_highest(5, 1, 2), *_highest(21, 8, 12), *_shapes()]


def rates(row: Row, n: int, samples: int = SAMPLES) -> tuple[float, ...]:
    """Return the share of wrong verdicts at each level, or of right ones where all are.

    Raises:
        AssertionError: a test of many samples gives another p value than that which judges claims.
    """
    random = np.random.default_rng([n, ROWS.index(row)])
    values = row.draw(random, samples, n)
    p_for, p_against = row.many(values)
    for i in range(min(COMPARED, samples)):
        found = row.one(values[i])
        np.testing.assert_allclose((p_for[i], p_against[i]), (found.p_for, found.p_against), rtol=1e-7, atol=1e-12)
    p = np.minimum(1, 2 * np.minimum(p_for, p_against))
    counted = np.zeros(samples, bool)
    for side, here in (("for", p_for < p_against), ("against", p_for > p_against)):
        if side in (row.wrong or FOR):
            counted |= here
    return tuple(float(np.mean(counted & (p < level))) for level in LEVELS)


def render(found: dict[int, list[tuple[float, ...]]]) -> str:
    """Return the tables, in Markdown, of rates by the place of a row and the number of replicas."""
    lines = [
        "# Wrong verdicts, and right ones",
        "",
        "`python -m benchmarks.error_rates` simulates this: outcomes of n replicas, of which the truth is known, put "
        f"to the tests of claims, {SAMPLES:,} times each. Shares at a two-sided level of .05 | .001.",
        "",
    ]
    for title, chosen in (("Wrong verdicts", True), ("Right verdicts, where there is something to find", False)):
        lines += [f"## {title}", "", f"| test | truth | {' | '.join(f'n = {n}' for n in REPLICAS)} |"]
        lines.append("|---" * (2 + len(REPLICAS)) + "|")
        for place, row in enumerate(ROWS):
            if bool(row.wrong) == chosen:
                cells = [" \\| ".join(_share(share) for share in shares) for shares in found[place]]
                lines.append(f"| {row.test} | {row.truth} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _share(share: float) -> str:
    text = f"{share:.3f}" if share < 0.1 else f"{share:.2f}"
    return text.removeprefix("0")


def main() -> None:
    """Simulate, and write the tables."""
    shown = tqdm(enumerate(ROWS), total=len(ROWS), disable=None)
    found = {place: [rates(row, n) for n in REPLICAS] for place, row in shown}
    REPORT.write_text(render(found), encoding="utf-8")
    sys.stdout.write(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
