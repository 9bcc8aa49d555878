"""The report page: what came out, which claims hold, and question by question the figures of all reports."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from netclaims.claims.verdicts import VERDICTS
from netclaims.paths import report_of
from netclaims.present.cards import Shown, cards
from netclaims.present.claim_rows import ANSWERS, BASES, Row, claim_rows
from netclaims.present.facts import Facts
from netclaims.present.findings import findings
from netclaims.present.findings_figure import findings_figure
from netclaims.present.glossary import explained, glossary
from netclaims.present.inline import Figures
from netclaims.present.pages import render
from netclaims.present.scales import Scale, scales
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.wording import MARKS, NOTATION
from netclaims.questions import ACROSS, ANSWERED, CHAPTERS

REPORT_PAGE, PICTURE = Path("report/index.html"), Path("docs/findings.svg")


@dataclass(frozen=True)
class Page:
    """What the page is made of besides results: the settings of the `report` recipe.

    Attributes:
        scale: of the run, as `seed` and `batch_size`: the knobs.
        facts: every experiment and analysis, report by report.
        figures: by experiment or analysis.
        claims: every claim by its name.
    """

    scale: str
    seed: int
    batch_size: int
    facts: list[Facts]
    figures: dict[str, Shown]
    claims: dict[str, ShownClaim]


def report_page(page: Page) -> tuple[str, str]:
    """Return the page, and the picture of its findings, from its settings and from what lies in the current folder.

    That is `metrics/`, `plots/`, `recipes/` and `reports/`, the same of the paper scale in `results/paper`, if there is
    any, and docs/quantities.md.
    """
    found = scales(page.scale)
    rows = claim_rows(page.claims, found, {fact.key: fact.stages for fact in page.facts})
    figures, terms = Figures(), glossary()
    shown = list(cards(page.facts, page.figures, found, figures, rows))
    chapters = {
        chapter: {
            name: (question.text, [card for asked, card in shown if asked == name])
            for name, question in questions.items()
        }
        for chapter, questions in CHAPTERS.items()
    }
    reports = list(dict.fromkeys(report_of(fact.key) for fact in page.facts))
    came_out = findings(rows)
    html = render(
        "report.html",
        page=page,
        reports=reports,
        scales=[scale.name for scale in found],
        trained={scale.name: _trained(scale, page) for scale in found},
        rows=sorted(rows, key=lambda row: BASES.index(row.basis)),
        basis=Counter(row.basis for row in rows),
        tested=sum(row.basis == "training" and row.best.verdict in ANSWERS for row in rows),
        counts=_counts(rows, found),
        findings=came_out,
        map=_map(rows, reports),
        verdicts=VERDICTS,
        marks=MARKS,
        notation=NOTATION,
        answered={name: ANSWERED[name] for name in dict.fromkeys(row.claim.question for row in rows)},
        chapters=chapters,
        terms=terms,
        explained=lambda text: explained(text, terms),
        rules=figures.style(),
    )
    return html, findings_figure(came_out)


def _trained(scale: Scale, page: Page) -> dict[str, int]:
    """Count the trainings that the page shows, those that there are at a scale, and those cut short."""
    keys = dict.fromkeys(fact.nets for fact in page.facts if fact.key in page.figures)
    about = [numbers for numbers in map(scale.about, keys) if numbers]
    cut = sum(numbers["epochs"] < numbers["epochs_stated"] for numbers in about)
    return {"all": len(keys), "done": len(about), "cut": cut}


def _counts(rows: list[Row], found: list[Scale]) -> dict[str, Counter[str]]:
    """Count the verdicts: of claims tested by training at each scale, and of those that arithmetic settles."""
    tested = [row.key for row in rows if row.claim.tested]
    counts = {
        f"by training, {scale.name} scale": Counter(scale.ledger()["verdict"].reindex(tested, fill_value="not run"))
        for scale in found
    }
    return counts | {"by arithmetic": Counter(row.best.verdict for row in rows if row.basis == "arithmetic")}


def _map(rows: list[Row], reports: list[str]) -> dict[str, dict[str, dict[str, list[Row]]]]:
    """Return the claims by chapter, question and report; the question of the assignment before those within it."""
    groups = {
        chapter: [name for key, question in questions.items() for name in (key, *question.within)]
        for chapter, questions in CHAPTERS.items()
    }
    sums = {row.claim.question for row in rows if row.basis == "arithmetic"}
    list(groups.values())[-1].extend(name for name in ACROSS if name not in sums)
    groups["Across experiments"] = [name for name in ACROSS if name in sums]
    return {
        chapter: {
            name: {report: [row for row in asked if row.claim.report == report] for report in reports}
            for name in names
            if (asked := [row for row in rows if row.claim.question == name])
        }
        for chapter, names in groups.items()
    }
