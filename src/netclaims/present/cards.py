"""Experiments as the report page shows them: figures and numbers of every scale, claims, settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from netclaims.errors import attempt
from netclaims.paths import plots_of, report_of, report_path
from netclaims.present.alt_text import describe
from netclaims.present.badges import of_training
from netclaims.present.captions import caption
from netclaims.present.claim_rows import Row
from netclaims.present.facts import Facts
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.in_words import in_words
from netclaims.present.inline import Figures, caption_of
from netclaims.present.packed import pack
from netclaims.present.pages import render
from netclaims.present.scales import Scale
from netclaims.present.tables import panels, points_of
from netclaims.present.wording import short, spread


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
class Drawn:
    """A figure on the page."""

    id: str
    key: str
    title: str
    svg: Markup
    scale: str
    caption: str
    words: str  # what it shows; where that is two points or less, they stand in its place


@dataclass(frozen=True)
class Number:
    """What a report states, beside what came out at each scale."""

    name: str
    stated: str
    found: list[str]


@dataclass(frozen=True)
class Run:
    """How an experiment was trained at one scale.

    Attributes:
        scale: its name.
        caption: of which nets numbers and figures are.
        badges: where it falls short of the report's training.
        stale: the stages that ran with other code or settings than those of today, and which.
    """

    scale: str
    caption: str
    badges: list[str]
    stale: list[str]


@dataclass(frozen=True)
class Card:
    """An experiment: what it is, what came out, and what its report concludes.

    Attributes:
        facts: what it is.
        runs: at which scales it was trained, the paper scale first.
        figure: the one to look at first, if any was drawn.
        beside: the same of the other scale, packed; empty if there is none.
        more: all other figures, packed; empty if there are none.
        names: of the figures in `more`.
        tables: the CSV files behind the figures, from the root of the repository.
        numbers: that the report states.
        differ: why ours may lie on one side of them; empty where none does.
        claims: about the experiment.
    """

    facts: Facts
    runs: list[Run]
    figure: Drawn | None
    beside: str
    more: str
    names: list[str]
    tables: list[str]
    numbers: list[Number]
    differ: str = ""
    claims: list[Row] = field(default_factory=list)

    @property
    def report(self) -> str:
        """The report that it belongs to."""
        return report_of(self.facts.key)

    @property
    def counts(self) -> dict[str, int]:
        """How many of its tested claims have each verdict."""
        return Counter(row.best.verdict for row in self.claims if row.claim.tested)

    @property
    def title(self) -> str:
        """That of its training; of an analysis of nets that another card shows, what it looks at."""
        return (
            self.facts.title if self.facts.trained else self.facts.key.partition("-")[2].replace("-", " ").capitalize()
        )


def cards(
    facts: list[Facts], shown: Mapping[str, Shown], found: list[Scale], figures: Figures, rows: list[Row]
) -> Iterator[tuple[str, Card]]:
    """Yield every experiment that has figures, with the question that it helps to answer.

    Args:
        facts: of every experiment and analysis.
        shown: what is drawn of each.
        found: the scales that there are results of.
        figures: those of the page, to which these are added.
        rows: the claims.
    """
    reports = dict.fromkeys(report_of(fact.key) for fact in facts)
    stated = {report: [scale.stated(report) for scale in found] for report in reports}
    for fact in facts:
        if fact.key in shown:
            yield shown[fact.key].question, _card(fact, shown[fact.key].draw, found, figures, rows, stated)


def _card(
    fact: Facts,
    draw: Mapping[str, FigureSpec],
    found: list[Scale],
    figures: Figures,
    rows: list[Row],
    stated: Mapping[str, list[dict]],
) -> Card:
    key = fact.key
    claims = [row for row in rows if row.claim.experiment == key]
    trained = [(scale, about) for scale in found if (about := scale.about(fact.nets))]
    pairs = {name: _pair(figures, key, name, figure, trained) for name, figure in draw.items()}
    pairs = {name: pair for name, pair in pairs.items() if pair}
    first = _first(list(pairs), claims)
    (best, *others), left = pairs.get(first, [None]), {name: pair for name, pair in pairs.items() if name != first}
    names = {figure.shown[i][0]: None for figure in draw.values() for i in range(len(figure.shown))}
    roots = dict.fromkeys(scale.root for scale, _ in trained)
    paths = [root / plots_of(key) / f"{name}.csv" for root in roots for name in names]
    runs = [
        Run(scale.name, caption(about), of_training(about, fact.data[0]), scale.stale(fact.stages))
        for scale, about in trained
    ]
    ours = [numbers.get(key, {}) for numbers in stated[report_of(key)]]
    return Card(
        facts=fact,
        runs=runs,
        figure=best,
        beside=_packed([others]) if others else "",
        more=_packed(list(left.values())) if left else "",
        names=[drawn.id for pair in left.values() for drawn in pair],
        tables=[path.as_posix() for path in paths if path.exists()],
        numbers=_numbers(ours),
        differ=_differ(ours[found.index(trained[0][0])], runs[0], fact) if trained else "",
        claims=claims,
    )


def _first(names: list[str], claims: list[Row]) -> str | None:
    """Return the figure to look at first: that which most claims speak of, or else the first."""
    told = Counter(row.claim.figure for row in claims)
    return max(names, key=lambda name: told[name]) if names else None


def _packed(pairs: list[list[Drawn]]) -> str:
    return pack(render("figures.html", pairs=pairs))


def _pair(figures: Figures, key: str, name: str, figure: FigureSpec, trained: list[tuple[Scale, dict]]) -> list[Drawn]:
    """Return a figure at every scale; one that is the same at a second, as trainings of functions are, once."""
    found: dict[str, Drawn] = {}
    for scale, about in trained:
        path = scale.figure(key, name)
        if not path.exists():
            continue
        svg = path.read_text(encoding="utf-8")
        same = svg.replace(f"{scale.name} scale", "")
        if same in found:
            found[same] = replace(found[same], caption=f"{found[same].caption} · the same at the {scale.name} scale")
        else:
            place = f"{key}.{name}@{scale.name}" if found else f"{key}.{name}"
            found[same] = _drawn(figures, place, key, name, figure, scale, about, svg)
    return list(found.values())


def _drawn(
    figures: Figures, place: str, key: str, name: str, figure: FigureSpec, scale: Scale, about: dict, svg: str
) -> Drawn:
    words, little = _looked_at(key, name, figure, about, scale.root)
    shown = Markup() if little else figures.inline(svg, words, figure.plane)
    said = caption(about) if little else caption_of(svg)
    return Drawn(place, key, figure.title, shown, scale.name, said, words)


def _looked_at(key: str, name: str, figure: FigureSpec, about: dict, root: Path) -> tuple[str, bool]:
    """Return a figure in words, and whether it has little to show; of one that could not be drawn, its title."""

    def look() -> tuple[str, bool]:
        tables = panels(key, figure, about)
        return describe(figure, tables, about), _little(figure, tables)

    with chdir(root):
        return attempt(f"{report_path(key)}: figures.{key}.draw.{name}", look, lambda reason: (figure.title, False))


def _little(figure: FigureSpec, tables: list[pd.DataFrame]) -> bool:
    """Tell whether a figure has little to show: lines of two points, as of nets trained for an epoch, or one column."""
    most = {"lines": 2, "scatter": 1}.get(figure.kind)
    if most is None:
        return False
    if figure.kind == "scatter":
        tables = [points_of(table, figure.x, column) for table, (_, column) in zip(tables, figure.shown, strict=True)]
    return all(table[figure.x].nunique() <= most for table in tables)


def _numbers(scales: list[dict[str, dict]]) -> list[Number]:
    """Return stated numbers and ours at every scale, with their spread, or why there is none."""
    names = dict.fromkeys(name for numbers in scales for name in numbers)
    found = []
    for name in names:
        said = next(numbers[name] for numbers in scales if name in numbers)
        stated = f"{'about ' if said.get('about') else ''}{short(said['stated'], 5)}"
        found.append(Number(name, stated, [_ours(numbers.get(name)) for numbers in scales]))
    return found


def _ours(number: dict | None) -> str:
    if number is None:
        return "not run"
    ours = f"{short(number['mean'])} ({spread(number['low'], number['high'])})" if number["replicas"] else ""
    side = f"all {'higher' if number['low'] > number['stated'] else 'lower'}" if number.get("outside") else ""
    return "; ".join(filter(None, [ours, side, number.get("remark")]))


def _differ(numbers: Mapping[str, dict], run: Run, fact: Facts) -> str:
    """Say, where a stated number lies outside all of ours, what here is not the report's, or not known."""
    outside = [number for number in numbers.values() if number.get("outside")]
    if not outside:
        return ""
    assumed = dict.fromkeys(map(in_words, [*fact.nets_assumed, *fact.assumed]))
    reads = dict.fromkeys(f"we read {number['read']}" for number in outside if "read" in number)
    why = [*run.badges, *fact.notes, *reads, *([f"we assume {', '.join(assumed)}"] if assumed else [])]
    said = f"this may be why: {'; '.join(why)}" if why else "nothing that we know of is not as it has it"
    return f"Where all our replicas lie on one side of the report's number, {said}."
