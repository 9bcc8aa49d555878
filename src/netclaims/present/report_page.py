"""The report page: which claims hold, and question by question the figures of all reports side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from netclaims.claims.ledger import stated_of
from netclaims.claims.verdicts import VERDICTS
from netclaims.errors import attempt
from netclaims.files import read_csv, read_json
from netclaims.paths import FIGURES, PLOTS, metrics_of, report_of, report_path
from netclaims.present.alt_text import describe
from netclaims.present.captions import caption
from netclaims.present.facts import Facts
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.inline import Figures
from netclaims.present.pages import render
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.wording import MARKS, effect, short
from netclaims.questions import ANSWERED, CHAPTERS

REPORT_PAGE = Path("report/index.html")


@dataclass(frozen=True)
class Row:
    """A claim in the ledger."""

    key: str
    claim: ShownClaim
    verdict: str
    because: str
    provisional: str
    effect: list[str]

    @property
    def mark(self) -> str:
        """The sign that stands for the verdict."""
        return MARKS[self.verdict]

    @property
    def question(self) -> str:
        """What the claim answers, in words."""
        return ANSWERED[self.claim.question]


@dataclass(frozen=True)
class Drawn:
    """A figure on the page."""

    name: str
    title: str
    svg: Markup


@dataclass(frozen=True)
class Number:
    """What a report states, beside what came out here."""

    name: str
    stated: str
    found: str


@dataclass(frozen=True)
class Card:
    """An experiment: what it is, what came out, and what its report concludes."""

    facts: Facts
    about: str
    figures: list[Drawn]  # as far as they were drawn
    numbers: list[Number]
    claims: list[Row]

    @property
    def report(self) -> str:
        """The report that it belongs to."""
        return report_of(self.facts.key)

    @property
    def title(self) -> str:
        """That of its training; of an analysis of nets that another card shows, what it looks at."""
        return (
            self.facts.title if self.facts.trained else self.facts.key.partition("-")[2].replace("-", " ").capitalize()
        )


@dataclass(frozen=True)
class Shown:
    """What is drawn of an experiment or analysis.

    Attributes:
        question: of the assignment, which it helps to answer.
        draw: its figures by the name of their file.
    """

    question: str
    draw: dict[str, FigureSpec]


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


def report_page(page: Page) -> str:
    """Return the page, from its settings, `metrics/` and `plots/`."""
    table = read_csv(PLOTS / "claims.csv")
    rows = _ledger(page.claims, table)
    figures = Figures()
    cards = list(_cards(page, figures, rows))
    chapters = {
        chapter: {
            name: (question.text, [card for answered, card in cards if answered == name])
            for name, question in questions.items()
        }
        for chapter, questions in CHAPTERS.items()
    }
    found = [_about(key) for key in dict.fromkeys(card.facts.nets for _, card in cards)]
    about = [numbers for numbers in found if numbers]
    return render(
        "report.html",
        page=page,
        reports=list(dict.fromkeys(report_of(fact.key) for fact in page.facts)),
        data=Counter("functions" if numbers["loss"] == "mse" else numbers["data"] for numbers in about),
        cut=sum(numbers["epochs"] < numbers["epochs_stated"] for numbers in about),
        trained=len(about),
        replicas=sorted(Counter(numbers["replicas"] for numbers in about).items()),
        rows=rows,
        tested=int(table["p"].notna().sum()),
        verdicts=VERDICTS,
        marks=MARKS,
        counts=_counts(rows),
        questions=list(dict.fromkeys(row.question for row in rows)),
        overview=_overview(figures, rows, "verdicts", "A mark for every claim, by question and report"),
        effects=_overview(figures, rows, "claims", "Effects and 95 % intervals of the claims tested on data"),
        chapters=chapters,
        rules=figures.style(),
    )


def _counts(rows: list[Row]) -> dict[str, Counter[str]]:
    """Count how many claims of each report have each verdict."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.claim.report, Counter())[row.verdict] += 1
    return counts


def _ledger(claims: dict[str, ShownClaim], table: pd.DataFrame) -> list[Row]:
    found = table.set_index("claim")
    return [
        Row(
            key=key,
            claim=claim,
            verdict=found.loc[key, "verdict"],
            because=found["because"].fillna("")[key],
            provisional=found["provisional"].fillna("")[key],
            effect=effect(found.loc[key]),
        )
        for key, claim in claims.items()
    ]


def _overview(figures: Figures, rows: list[Row], name: str, shows: str) -> Markup:
    """Return a figure of all claims, whose numbers the table has too."""
    counts = Counter(row.verdict for row in rows)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
    svg = (FIGURES / f"{name}.svg").read_text(encoding="utf-8")
    return figures.inline(svg, f"{shows}, as in the table of claims. Of all claims: {said}.")


def _cards(page: Page, figures: Figures, rows: list[Row]) -> Iterable[tuple[str, Card]]:
    """Yield every experiment that has figures, with the question that it helps to answer."""
    stated = {name: _stated(name) for name in dict.fromkeys(report_of(facts.key) for facts in page.facts)}
    for facts in page.facts:
        if facts.key in page.figures:
            shown, about = page.figures[facts.key], _about(facts.nets)
            card = Card(
                facts=facts,
                about=caption(about) if about else "not run",
                figures=_drawn(figures, facts.key, shown.draw, about) if about else [],
                numbers=_numbers(stated[report_of(facts.key)].get(facts.key, {})),
                claims=[row for row in rows if row.claim.experiment == facts.key],
            )
            yield shown.question, card


def _about(nets: str) -> dict:
    """Return the metrics of an experiment; nothing if it was not trained."""
    path = metrics_of(nets)
    return read_json(path) if path.exists() else {}


def _stated(report: str) -> dict[str, dict]:
    """Return the numbers that a report states, beside ours, by experiment; none if its claims were not judged."""
    path = stated_of(report)
    return read_json(path) if path.exists() else {}


def _drawn(figures: Figures, key: str, draw: dict[str, FigureSpec], about: dict) -> list[Drawn]:
    folder = FIGURES / report_of(key) / key
    return [
        Drawn(
            name=name,
            title=figure.title,
            svg=figures.inline((folder / f"{name}.svg").read_text(encoding="utf-8"), _words(key, name, figure, about)),
        )
        for name, figure in draw.items()
        if (folder / f"{name}.svg").exists()
    ]


def _words(key: str, name: str, figure: FigureSpec, about: dict) -> str:
    """Return a figure in words; of one that could not be drawn, its title."""
    where = f"{report_path(key)}: figures.{key}.draw.{name}"
    return attempt(where, partial(describe, key, figure, about), lambda reason: figure.title)


def _numbers(stated: dict[str, dict]) -> list[Number]:
    """Return stated numbers and ours, with their spread, or why there is none."""
    found = []
    for name, number in stated.items():
        said = f"{'about ' if number.get('about') else ''}{short(number['stated'], 5)}"
        spread = (
            f"{short(number['mean'])} ({short(number['low'])} to {short(number['high'])})" if number["replicas"] else ""
        )
        ours = "; ".join(filter(None, [spread, number.get("remark")]))
        found.append(Number(name, said, ours))
    return found
