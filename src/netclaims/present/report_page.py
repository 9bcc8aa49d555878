"""The report page: which claims hold, and question by question the figures of all reports side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from netclaims.claims.entries import Claim
from netclaims.claims.verdicts import VERDICTS
from netclaims.files import read_csv, read_json
from netclaims.paths import FIGURES, METRICS, PLOTS, REPORTS, metrics_of, report_of
from netclaims.present.alt_text import describe
from netclaims.present.captions import caption
from netclaims.present.facts import Facts, facts_of_report
from netclaims.present.inline import Figures
from netclaims.present.pages import render
from netclaims.present.wording import MARKS, effect, short
from netclaims.questions import ANSWERED, CHAPTERS
from netclaims.settings.figures import FiguresSettings, load_figures
from netclaims.settings.params import Params

REPORT_PAGE = Path("report/index.html")


@dataclass(frozen=True)
class Row:
    """A claim in the ledger."""

    key: str
    claim: Claim
    verdict: str
    because: str
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
    figures: list[Drawn]
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


def report_page(claims: dict[str, Claim], params: Params) -> str:
    """Return the page, from the settings, `metrics/` and `plots/`.

    Args:
        claims: every claim by its name.
        params: those of the run.
    """
    table = read_csv(PLOTS / "claims.csv")
    rows = _ledger(claims, table)
    figures = Figures()
    cards = list(_cards(figures, rows))
    chapters = {
        chapter: {
            name: (question.text, [card for answered, card in cards if answered == name])
            for name, question in questions.items()
        }
        for chapter, questions in CHAPTERS.items()
    }
    about = [read_json(metrics_of(key)) for key in dict.fromkeys(card.facts.nets for _, card in cards)]
    return render(
        "report.html",
        params=params,
        data=Counter("functions" if numbers["loss"] == "mse" else numbers["data"] for numbers in about),
        cut=sum(numbers["epochs"] < numbers["epochs_stated"] for numbers in about),
        trained=len(about),
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
    """How many claims of each report have each verdict."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.claim.report, Counter())[row.verdict] += 1
    return counts


def _ledger(claims: dict[str, Claim], table: pd.DataFrame) -> list[Row]:
    found = table.set_index("claim")
    return [
        Row(
            key=key,
            claim=claim,
            verdict=found.loc[key, "verdict"],
            because=found.loc[key, "because"] if isinstance(found.loc[key, "because"], str) else "",
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


def _cards(figures: Figures, rows: list[Row]) -> Iterable[tuple[str, Card]]:
    """Yield every experiment that has figures, with the question that it helps to answer."""
    stated = read_json(METRICS / "stated.json")
    for path in sorted(REPORTS.glob("*.yaml")):
        drawn = load_figures(path.stem)
        for facts in facts_of_report(path):
            if facts.key in drawn:
                settings, about = drawn[facts.key], read_json(metrics_of(facts.nets))
                card = Card(
                    facts=facts,
                    about=caption(about),
                    figures=_drawn(figures, facts.key, settings, about),
                    numbers=_numbers(stated.get(facts.key, {})),
                    claims=[row for row in rows if row.claim.experiment == facts.key],
                )
                yield settings.question, card


def _drawn(figures: Figures, key: str, settings: FiguresSettings, about: dict) -> list[Drawn]:
    folder = FIGURES / report_of(key) / key
    return [
        Drawn(
            name=name,
            title=figure.title,
            svg=figures.inline(
                (folder / f"{name}.svg").read_text(encoding="utf-8"), describe(key, figure.plain(), about)
            ),
        )
        for name, figure in settings.draw.items()
    ]


def _numbers(stated: dict[str, dict]) -> list[Number]:
    """Stated numbers and ours, with their spread, or why there is none."""
    found = []
    for name, number in stated.items():
        said = f"{'about ' if number.get('about') else ''}{short(number['stated'], 5)}"
        spread = (
            f"{short(number['mean'])} ({short(number['low'])} to {short(number['high'])})" if number["replicas"] else ""
        )
        ours = "; ".join(filter(None, [spread, number.get("remark")]))
        found.append(Number(name, said, ours))
    return found
