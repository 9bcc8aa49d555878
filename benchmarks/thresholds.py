"""What verdicts become where the thresholds that claims are read by are others: `python -m benchmarks.thresholds`.

Judges the results at hand anew, those of the paper scale in the folder of `make paper` and those of the scale that is
set, each claim with a quarter, half, twice and four times its thresholds, and with each meaning of sensitivity, and
writes `benchmarks/thresholds.md`. Nothing is trained.
"""

from __future__ import annotations

import sys
from contextlib import chdir
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from netclaims.claims.judge import Conclusions, find, find_all, judge
from netclaims.claims.thresholds import at_thresholds
from netclaims.paper.__main__ import FOLDER as PAPER
from netclaims.present.markdown import table
from netclaims.present.wording import MARKS
from netclaims.recipes.read import read_recipe

REPORT = Path(__file__).with_suffix(".md")
HEAD = """# Verdicts at other thresholds

`python -m benchmarks.thresholds` judges the results so: those of the paper scale where a claim has data there, and else
those of the scale that is run by default. A row is a claim and a kind of threshold, with its values and the verdict at
each; the first is that by which the claim is read. Claims without data at either scale have none. {changed} of {all}
rows have more than one verdict. Places along a course or a setting (`between`, `during`) are not varied.
"""


def main() -> None:
    """Judge, and write the table."""
    reports = sorted(path.stem for path in Path("recipes/claims").glob("*.json"))
    found = []
    for folder in (PAPER, Path()):
        if (folder / "recipes").is_dir():
            with chdir(folder):
                found += [judged(report) for report in tqdm(reports, str(folder), disable=None)]
    REPORT.write_text(render(pd.concat(found, ignore_index=True)), encoding="utf-8")
    sys.stdout.write(f"{REPORT}\n")


def judged(report: str) -> pd.DataFrame:
    """Judge the claims of a report in the current folder: claim, threshold, value, verdict, read, and scale."""
    settings = read_recipe("claims", report, Conclusions).settings
    tables = settings.tables()
    findings = find_all(settings.claims, tables, settings.seed)
    tests = {key: claim.test for key, claim in settings.claims.items()}

    def ask(key: str, test: object) -> object:
        return find(test, tables[settings.claims[key].experiment], settings.seed)

    return at_thresholds(tests, findings, ask, partial(judge, settings.questions)).assign(scale=settings.scale)


def render(found: pd.DataFrame) -> str:
    """Return the page, in Markdown.

    Args:
        found: claim, threshold, value, verdict, read and scale; of a claim at several scales, the first counts.
    """
    found = found[found["scale"] == found.groupby("claim")["scale"].transform("first")].sort_values(
        "claim", kind="stable"
    )
    rows, changed = [], 0
    for (claim, threshold), some in found.groupby(["claim", "threshold"], sort=False):
        verdicts = [f"{MARKS[one.verdict]} {one.value}" for one in some.itertuples()]
        several = len(set(some["verdict"])) > 1
        changed += several
        rows.append([f"**{claim}**" if several else claim, some["scale"].iloc[0], threshold, ", ".join(verdicts)])
    legend = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
    head = HEAD.format(changed=changed, all=len(rows))
    return f"{head}\n{legend}\n\n" + table(["claim", "scale", "threshold", "verdicts"], rows)


if __name__ == "__main__":
    main()
