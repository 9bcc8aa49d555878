"""What verdicts become where the thresholds that claims are read by are others: `python -m benchmarks.thresholds`.

Judges the results at hand anew, each claim with a quarter, half, twice and four times its thresholds, and with each
meaning of sensitivity, and writes `benchmarks/thresholds.md`. Nothing is trained.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from netclaims.claims.judge import Conclusions, find, find_all, judge
from netclaims.claims.thresholds import at_thresholds
from netclaims.present.markdown import table
from netclaims.present.wording import MARKS
from netclaims.recipes.read import read_recipe

REPORT = Path(__file__).with_suffix(".md")
HEAD = """# Verdicts at other thresholds

`python -m benchmarks.thresholds` judges the results of the {scale} scale so. A row is a claim and a kind of threshold,
with its values and the verdict at each; the first is that by which the claim is read. Claims without data have none.
{changed} of {all} rows have more than one verdict.
"""


def main() -> None:
    """Judge, and write the table."""
    found = []
    reports = sorted(path.stem for path in Path("recipes/claims").glob("*.json"))
    for report in tqdm(reports, disable=None):
        settings = read_recipe("claims", report, Conclusions).settings
        tables = settings.tables()
        findings = find_all(settings.claims, tables, settings.seed)
        tests = {key: claim.test for key, claim in settings.claims.items()}
        judged = partial(judge, settings.questions)

        def ask(key: str, test: object, settings: Conclusions = settings, tables: dict = tables) -> object:
            return find(test, tables[settings.claims[key].experiment], settings.seed)

        found.append(at_thresholds(tests, findings, ask, judged))
    REPORT.write_text(render(pd.concat(found), settings.scale), encoding="utf-8")
    sys.stdout.write(f"{REPORT}\n")


def render(found: pd.DataFrame, scale: str) -> str:
    """Return the page, in Markdown.

    Args:
        found: claim, threshold, value, verdict and read.
        scale: of the results.
    """
    rows, changed = [], 0
    for (claim, threshold), some in found.groupby(["claim", "threshold"], sort=False):
        verdicts = [f"{MARKS[one.verdict]} {one.value}" for one in some.itertuples()]
        several = len(set(some["verdict"])) > 1
        changed += several
        rows.append([f"**{claim}**" if several else claim, threshold, ", ".join(verdicts)])
    legend = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
    head = HEAD.format(scale=scale, changed=changed, all=len(rows))
    return f"{head}\n{legend}\n\n" + table(["claim", "threshold", "verdicts"], rows)


if __name__ == "__main__":
    main()
