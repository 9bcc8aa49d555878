"""A review as a page: verdicts first, then each experiment's changes, which are unpacked when it is opened."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from netclaims.paths import report_of
from netclaims.present.packed import pack
from netclaims.present.pages import render
from netclaims.present.rounding import round_numbers
from netclaims.present.wording import MARKS
from netclaims.review.changes import Change, Changes
from netclaims.review.comment import causes_of, named, summary
from netclaims.review.intervals import drawing
from netclaims.review.plots_template import vega
from netclaims.review.reruns import behind, by_cause
from netclaims.review.verdicts import Flip

ALL = "all reports"  # what is of no experiment: the ledger, its figures
PATH = re.compile(r' d="[^"]*"')
METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
GAPS = re.compile(r">\s+<")
OPEN = 2  # so many experiments are open from the start


@dataclass
class Experiment:
    """What is other of an experiment: metrics, plots by the name of their table, and figures before and after."""

    name: str
    metrics: list[Change] = field(default_factory=list)
    plots: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    @property
    def packed(self) -> str:
        """All of it as the page's script reads it."""
        rows = [[change.name, change.before, change.after, change.shift] for change in self.metrics]
        plots = {name: plot | {"data": plot["data"] | {"values": _columns(plot["data"]["values"])}}
                 for name, plot in self.plots.items()}  # fmt: skip
        figures = {name: [svg and _shorter(svg) for svg in pair] for name, pair in self.figures.items()}
        return pack(json.dumps({"metrics": rows, "plots": plots, "figures": figures}, separators=(",", ":")))


def review_page(changes: Changes, faults: list[str]) -> str:
    """Return the page.

    Args:
        changes: what the branch changes.
        faults: where the results are not in step with code and settings.
    """
    flips: dict[tuple[str, ...], list[tuple[Flip, Markup]]] = {}
    for flip in changes.flips:
        if None not in (flip.before, flip.after):
            flips.setdefault(causes_of(changes, flip), []).append((flip, drawing(*flip.intervals)))
    experiments = _experiments(changes)
    groups: dict[tuple[str, ...], list[Experiment]] = {}
    for name, experiment in sorted(experiments.items(), key=lambda item: (item[0] == ALL, item[0])):
        causes = () if name == ALL else behind(changes.reruns, name)
        causes = causes or behind(changes.reruns, "", f"figures@{report_of(name)}")
        groups.setdefault(causes, []).append(experiment)
    return render(
        "review.html",
        folder=Path(__file__).parent,
        changes=changes,
        summary=summary(changes),
        faults=faults,
        marks=MARKS,
        flips=flips,
        new_or_gone={
            "new": [flip for flip in changes.flips if flip.before is None],
            "gone": [flip for flip in changes.flips if flip.after is None],
        },
        groups=groups,
        names=set(experiments),
        moved=moved,
        opened=len(experiments) <= OPEN,
        stages=by_cause(changes.reruns),
        named=named,
        vega=pack(vega()) if changes.plots else "",
        rules="",
    )


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return rows by their columns, half the size where there are many."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _shorter(svg: str) -> str:
    """Return a figure with its paths to tenths of a point, which nobody sees either, and without what is not drawn."""
    drawn = GAPS.sub("><", METADATA.sub("", svg))
    return PATH.sub(lambda path: round_numbers(path[0], 1).replace(" \n", ""), drawn)


def _experiments(changes: Changes) -> dict[str, Experiment]:
    found: dict[str, Experiment] = {}

    def of(name: str) -> Experiment:
        return found.setdefault(name, Experiment(name))

    for change in changes.metrics:
        of(_experiment(Path(change.file))).metrics.append(change)
    for path, plot in changes.plots.items():
        of(_experiment(Path(path).parent)).plots[Path(path).stem] = plot
    for pair in changes.figures:
        of(_experiment(Path(pair.name).parent)).figures[Path(pair.name).name] = (pair.before, pair.after)
    return found


def _experiment(path: Path) -> str:
    """Return whose a file of metrics or a folder of plots or figures is, by its name `<report>-<experiment>`."""
    name = path.name.partition(".")[0]
    return name if "-" in name else ALL


def moved(experiment: Experiment) -> Iterator[Change]:
    """Yield the mean of an experiment that moved by most standard deviations, if any did."""
    shifted = [change for change in experiment.metrics if change.shift is not None]
    yield from sorted(shifted, key=lambda change: -abs(change.shift or 0))[:1]
