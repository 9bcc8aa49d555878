"""The page of all claims, in Markdown: verdicts by report, and the questions that several reports answer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from netclaims.claims.verdicts import VERDICTS
from netclaims.paths import FIGURES, report_of
from netclaims.present.badges import of_verdict
from netclaims.present.markdown import plain
from netclaims.present.markdown import table as table_of
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.wording import MARKS, NOTATION, effect
from netclaims.questions import ANSWERED

CLAIMS_PAGE = Path("docs/claims.md")
HEAD = """# Which claims hold

Written by the stage `ledger`, at the **{scale}** scale{warning}. Quoted is what a report says; how we read it, and the
test, stand in its entry under `claims` in `reports/`, and on the page that `make report` builds. `docs/statistics.md`
says what the verdicts mean.

{tested} tested on data. The effect is positive, or above 1, where it is as claimed; of several comparisons
it is the one that speaks least for the claim. {notation} p allows for all claims of the report on the question.
Replicas *can show* an effect that lies so far beyond the border of what is claimed: four times in five they decide it.

![Effects and intervals of all tested claims](../{figure})
"""
WARNING = (
    ", on little data and with fewer epochs than the reports took: verdicts speak of these short runs.\n"
    "Those of the paper scale are in [results/paper](../results/paper/docs/claims.md)"
)


def claims_page(claims: dict[str, ShownClaim], table: pd.DataFrame, scale: str) -> str:
    """Return the page.

    Args:
        claims: every claim by its name.
        table: `plots/claims.csv`.
        scale: that of the runs.
    """
    rows, tested = table.set_index("claim"), int(table["p"].notna().sum())
    head = HEAD.format(
        scale=scale, tested="1 claim is" if tested == 1 else f"{tested} claims are", figure=FIGURES / "claims.svg",
        warning="" if scale == "paper" else WARNING, notation=NOTATION,
    )  # fmt: skip
    parts = [head, _counts(claims, table), _questions(claims, rows)]
    for report in dict.fromkeys(claim.report for claim in claims.values()):
        mine = {key: claim for key, claim in claims.items() if claim.report == report}
        parts.append(_report(report, mine, rows))
    return "\n".join(parts)


def _counts(claims: dict[str, ShownClaim], table: pd.DataFrame) -> str:
    found = pd.crosstab(table["report"], table["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    rows = [[report, *map(str, counts)] for report, counts in zip(found.index, found.to_numpy(), strict=True)]
    rows.append(["all", *map(str, found.sum())])
    parts = {
        "arithmetic or a definition": ~table["claim"].map(lambda key: claims[key].tested),
        "provisional": table["provisional"].notna(),
    }
    for name, which in parts.items():
        counts = table[which]["verdict"].value_counts()
        rows.append([f"of these {name}", *(str(counts.get(verdict, 0)) for verdict in VERDICTS)])
    return table_of(["report", *VERDICTS], rows)


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
        lines.append(
            [f'<a id="{key}"></a>“{plain(claim.quote)}”', _where(claim, row), "<br>".join(effect(row)), _verdict(row)]
        )
    return f"## Report {report}\n\n" + table_of(["claim", "look at", "effect", "verdict"], lines)


def _verdict(row: pd.Series) -> str:
    """Return a verdict, on how much training it rests, the reason if data do not decide it, and which are left out."""
    provisional, because = (cell if isinstance(cell, str) else "" for cell in (row["provisional"], row["because"]))
    badges = [f"*{plain(badge)}*" for badge in of_verdict(provisional, because)]
    reasons = [plain(because)] if because and not badges and pd.isna(row["p"]) else []
    if pd.notna(row["p"]):
        parts = because.split("; ")
        undecided = parts[:1] if row["verdict"] == "undecided" else []
        reasons = [plain(part) for part in undecided + [part for part in parts if "left out" in part]]
    reason = f": {'; '.join(reasons)}" if reasons else ""
    said = f"{MARKS[row['verdict']]} {row['verdict']}{' provisionally' if provisional else ''}{reason}"
    return "<br>".join([said, *(["; ".join(badges)] if badges else [])])


def _where(claim: ShownClaim, row: pd.Series) -> str:
    """Name what decides a claim: a link to its figure, if its nets were trained."""
    if not claim.tested:
        return f"{claim.kind}, `{claim.experiment}`"
    if row["verdict"] == "not run":
        return f"`{claim.experiment}`"
    path = FIGURES / report_of(claim.experiment) / claim.experiment / f"{claim.figure}.svg"
    return f"[{claim.experiment}](../{path})"
