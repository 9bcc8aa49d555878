"""How often the tests of claims decide wrongly, and how often rightly: `python -m benchmarks.error_rates`.

Simulates outcomes of n replicas of which the truth is known, and counts verdicts at two-sided levels of 5 % and 0.1 %,
which Holm's correction asks of the first of fifty. Among them are outcomes as alike, from setting to setting, as those
of the sweeps at hand. Tests are computed here for many samples at once, and the first samples of every row are held
against the functions that judge claims. Writes `benchmarks/error_rates.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.many_tests import Numbers
from benchmarks.outcomes import FOR, OVER_SETTINGS, ROWS, Row, over_settings
from netclaims.claims.compare import block
from netclaims.claims.experiment_tables import UntestableError
from netclaims.claims.judge import Conclusions
from netclaims.claims.per_replica import values_per_replica
from netclaims.recipes.read import read_recipe

REPORT = Path(__file__).with_suffix(".md")
REPLICAS = (5, 8, 10, 15, 20)
SAMPLES, COMPARED = 20_000, 20
LEVELS = (0.05, 0.001)
Rates = list[tuple[float, ...]]  # at each level, for every number of replicas
OF_SWEEPS = "level, settings as alike as in {number} sweeps of this project: the {which}"
NOT_MEANT = """\
A few replicas do not show that outcomes are skewed, or of two kinds: a third of all samples of five holds none of the
fifth of nets that collapse. Entries on nets that never learn at times are therefore about the typical net, whose tests
stand above, and where some nets of a kind learnt and some did not, a verdict on their mean is provisional. Losses are
compared with those of other nets by their ratios, of which the logarithms are hardly skewed. And a reversal within the
noise is not told from a trend, nor is one in five replicas always."""
TABLES = {
    "Wrong verdicts": (lambda row: row.wrong and row.taken, ""),
    "Wrong verdicts on outcomes for which a test is not meant": (lambda row: row.wrong and not row.taken, NOT_MEANT),
    "Right verdicts, where there is something to find": (lambda row: not row.wrong, ""),
}


def rates(row: Row, n: int, samples: int = SAMPLES) -> tuple[float, ...]:
    """Return the share of wrong verdicts at each level, or of right ones where all are.

    Raises:
        AssertionError: a test of many samples gives another p value than that which judges claims.
    """
    random = np.random.default_rng([n, *row.truth.encode()])
    values = row.draw(random, min(samples, row.samples or samples), n)
    p_for, p_against = row.many(values)
    for i in range(min(COMPARED, len(values))):
        found = row.one(values[i])
        np.testing.assert_allclose((p_for[i], p_against[i]), (found.p_for, found.p_against), rtol=1e-7, atol=1e-12)
    p = np.minimum(1, 2 * np.minimum(p_for, p_against))
    counted = np.zeros(len(values), bool)
    for side, here in (("for", p_for < p_against), ("against", p_for > p_against)):
        if side in (row.wrong or FOR):
            counted |= here
    return tuple(float(np.mean(counted & (p < level))) for level in LEVELS)


def sweeps_at_hand() -> list[Numbers]:
    """Return the outcomes (replicas, settings) of every trend over settings that a claim speaks of, where finite."""
    found = []
    for report in sorted(path.stem for path in Path("recipes/claims").glob("*.json")):
        settings = read_recipe("claims", report, Conclusions).settings
        tables = settings.tables()
        for claim in settings.claims.values():
            for trend in claim.test.trend or []:
                by = ["replica", *trend.each, trend.along]
                if not trend.operand.is_number:
                    continue
                try:
                    rows, _ = values_per_replica(tables[claim.experiment], trend.operand, list(dict.fromkeys(by)))
                    groups = [group for _, group in rows.groupby(trend.each)] if trend.each else [rows]
                    found += [block(group, trend.along, "")[0] for group in groups if group.duplicated("replica").any()]
                except UntestableError:
                    continue
    return [values for values in found if len(values) > 2 and np.isfinite(values).all()]


def as_alike_as(outcomes: Numbers) -> Row:
    """Return a row of normal outcomes with the covariance of some, and level means."""
    deviations = outcomes - outcomes.mean(axis=0)
    deviations /= np.abs(deviations).max() or 1.0
    spread = deviations / np.sqrt(len(outcomes) - 1)  # its square is the covariance

    def draw(random: np.random.Generator, samples: int, n: int) -> Numbers:
        return random.normal(size=(samples, n, len(spread))) @ spread

    return over_settings("level, normal", draw)


def of_sweeps(sweeps: Sequence[Numbers]) -> Iterator[tuple[Row, Rates]]:
    """Yield the median, and the largest, of the rates over sweeps: rows of whose outcomes each is as alike as one."""
    rows = [as_alike_as(outcomes) for outcomes in sweeps]
    each = np.array([[rates(row, n) for n in REPLICAS] for row in tqdm(rows, "sweeps", disable=None)])
    for name, shares in {"median": np.median(each, axis=0), "largest": each.max(axis=0)}.items():
        yield replace(rows[0], truth=OF_SWEEPS.format(number=len(sweeps), which=name)), list(map(tuple, shares))


def render(found: Iterable[tuple[Row, Rates]]) -> str:
    """Return the tables, in Markdown, of rows and their rates."""
    found = list(found)
    few = {row.test: row.samples for row, _ in found if row.samples}
    fewer = "".join(f"; {test}: {samples:,}" for test, samples in few.items())
    lines = [
        "# Wrong verdicts, and right ones",
        "",
        "`python -m benchmarks.error_rates` simulates this: outcomes of n replicas, of which the truth is known, put "
        f"to the tests of claims, {SAMPLES:,} times each{fewer}. Shares at a two-sided level of .05 | .001.",
        "",
    ]
    for title, (chosen, remark) in TABLES.items():
        lines += [f"## {title}", ""] + [remark, ""] * bool(remark)
        lines.append(f"| test | truth | {' | '.join(f'n = {n}' for n in REPLICAS)} |")
        lines.append("|---" * (2 + len(REPLICAS)) + "|")
        for row, shares in found:
            if chosen(row):
                cells = [" \\| ".join(map(_share, each)) for each in shares]
                lines.append(f"| {row.test} | {row.truth} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _share(share: float) -> str:
    text = f"{share:.3f}" if share < 0.1 else f"{share:.2f}"
    return text.removeprefix("0")


def main() -> None:
    """Simulate, and write the tables."""
    found = [(row, [rates(row, n) for n in REPLICAS]) for row in tqdm(ROWS, "outcomes", disable=None)]
    after = 1 + max(place for place, row in enumerate(ROWS) if row.test == OVER_SETTINGS)
    found[after:after] = of_sweeps(sweeps_at_hand())
    REPORT.write_text(render(found), encoding="utf-8")
    sys.stdout.write(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
