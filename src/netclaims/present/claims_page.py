"""The page of all claims, in Markdown: verdicts by report, and the questions that several reports answer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from netclaims.claims.verdicts import VERDICTS
from netclaims.paths import FIGURES, report_of
from netclaims.present.markdown import plain
from netclaims.present.markdown import table as table_of
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.wording import MARKS, effect
from netclaims.questions import ANSWERED

CLAIMS_PAGE = Path("docs/claims.md")
HEAD = """# Which claims hold

Written by the stage `ledger`. Every sentence quoted below is a claim that a report makes, tested on this project's own
runs at the **{scale}** scale{warning}. The test stands in its entry under `claims` in [reports/](../reports).

*Effect*: positive, or above 1, where it is as claimed, with its 95 % interval over replicas; of a claim that makes
several comparisons, the one that speaks least for it. *p*: two-sided, after Holm's correction for the claims of the
report on the same question; {tested} claims are tested on data. What so many replicas *show* is how far beyond the
border of what is claimed an effect has to lie for them to decide it four times in five, varying as they do, and the
smallest p that they can have. **Supported** and **refuted** are claims with p below
5 %, and those that arithmetic settles; **undecided** are those on which the replicas at hand do not suffice; **not
testable** are those that are so by definition, too vague, or ask for more than this scale has; **not run** are those
whose trainings or analyses were not run at it. A verdict is *provisional* where nets were trained for fewer epochs than
the report took, on fewer images, or on others in place of its own; where they hardly learnt, there is none.

![Effects and intervals of all tested claims](../{figure})
"""
WARNING = ", on little data and with fewer epochs than the reports took: they speak of that data"


def claims_page(claims: dict[str, ShownClaim], table: pd.DataFrame, scale: str) -> str:
    """Return the page.

    Args:
        claims: every claim by its name.
        table: `plots/claims.csv`.
        scale: that of the runs.
    """
    rows = table.set_index("claim")
    head = HEAD.format(
        scale=scale, tested=int(table["p"].notna().sum()), figure=FIGURES / "claims.svg",
        warning="" if scale == "paper" else WARNING,
    )  # fmt: skip
    parts = [head, _counts(table), _questions(claims, rows)]
    for report in dict.fromkeys(claim.report for claim in claims.values()):
        mine = {key: claim for key, claim in claims.items() if claim.report == report}
        parts.append(_report(report, mine, rows))
    return "\n".join(parts)


def _counts(table: pd.DataFrame) -> str:
    found = pd.crosstab(table["report"], table["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    rows = [[report, *map(str, counts)] for report, counts in zip(found.index, found.to_numpy(), strict=True)]
    provisional = table[table["provisional"].notna()]["verdict"].value_counts()
    last = ["of these provisional", *(str(provisional.get(name, 0)) for name in VERDICTS)]
    return table_of(["report", *VERDICTS], [*rows, ["all", *map(str, found.sum())], last])


def _questions(claims: dict[str, ShownClaim], rows: pd.DataFrame) -> str:
    """Set the questions that several reports answer from their figures side by side."""
    reports = list(dict.fromkeys(claim.report for claim in claims.values()))
    answers: dict[str, dict[str, list[str]]] = {}
    for key, claim in claims.items():
        if claim.tested:
            mark = MARKS[rows.loc[key, "verdict"]]
            cells = answers.setdefault(claim.question, {report: [] for report in reports})
            cells[claim.report].append(f"{mark} [{plain(claim.answer)}](#{key})")
    several = {question: cells for question, cells in answers.items() if sum(map(bool, cells.values())) > 1}
    lines = [
        [f"**{ANSWERED[question]}**", *("<br>".join(cell) for cell in cells.values())]
        for question, cells in several.items()
    ]
    legend = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
    return f"## The same question, several reports\n\n{legend}\n\n" + table_of(["question", *reports], lines)


def _report(report: str, claims: dict[str, ShownClaim], rows: pd.DataFrame) -> str:
    lines = []
    for key, claim in claims.items():
        row = rows.loc[key]
        because = f": {plain(row['because'])}" if isinstance(row["because"], str) else ""
        lines.append([
            f'<a id="{key}"></a>“{plain(claim.quote)}” ({plain(claim.part)})',
            f"{plain(claim.read)}<br>{_where(claim, row)}",
            "<br>".join(effect(row)),
            f"{MARKS[row['verdict']]} {row['verdict']}{because}{_provisional(row)}",
        ])  # fmt: skip
    return f"## Report {report}\n\n" + table_of(["claim", "how it was read, and where", "effect", "verdict"], lines)


def _provisional(row: pd.Series) -> str:
    """Return why a verdict is provisional, if it is."""
    return f"<br>*provisional*: {plain(row['provisional'])}" if isinstance(row["provisional"], str) else ""


def _where(claim: ShownClaim, row: pd.Series) -> str:
    if not claim.tested:
        return f"{claim.kind}, `{claim.experiment}`"
    path = FIGURES / report_of(claim.experiment) / claim.experiment / f"{claim.figure}.svg"
    cut = row["epochs"] < row["epochs_stated"]
    trained = f"{row['epochs']:,.10g} of {row['epochs_stated']:,.10g} epochs" if cut else ""
    data = plain(row["data"]) if isinstance(row["data"], str) else ""  # of nets that were not trained there is none
    return ", ".join(filter(None, [claim.kind, f"[{claim.experiment}](../{path})", data, trained]))
