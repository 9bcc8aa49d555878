"""What a branch changes: stages, settings, metrics, verdicts, figures and plots, from what Git holds alone."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from netclaims.files import parse_csv
from netclaims.paths import FIGURES, PLOTS
from netclaims.present.wording import effect
from netclaims.review.base import Base, find_base, read_now, run
from netclaims.review.reruns import Rerun, find_reruns, flat

CLAIMS = PLOTS / "claims.csv"


@dataclass(frozen=True)
class Flip:
    """A claim whose verdict is another; None where there is none, as the claim is new or gone."""

    claim: str
    experiment: str
    quote: str
    before: str | None
    after: str | None
    effect_before: list[str]
    effect_after: list[str]

    @property
    def weight(self) -> int:
        """0 for a change of sides, 1 for one from or to undecided, 2 for claims that are new, gone or not testable."""
        sides = {"supported", "refuted"}
        if {self.before, self.after} == sides:
            return 0
        return 1 if {self.before, self.after} <= sides | {"undecided"} else 2


@dataclass(frozen=True)
class Change:
    """A parameter or a metric that has another value; `shift` is that of a mean, in standard deviations at the base."""

    file: str
    name: str
    before: Any
    after: Any
    shift: float | None = None


@dataclass(frozen=True)
class FigurePair:
    """A figure that differs, with its SVG before and after; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changes:
    """All of them."""

    base: Base
    stages: int
    reruns: list[Rerun]
    flips: list[Flip]
    parameters: list[Change]
    metrics: list[Change]
    figures: list[FigurePair]
    plots: dict[str, Any]

    @property
    def causes(self) -> dict[str, int]:
        """What made stages run again, with the number of stages that it reached directly, most of them first."""
        return dict(Counter(cause for rerun in self.reruns for cause in rerun.causes).most_common())


def find_changes(name: str) -> Changes:
    """Compare the working tree with the base that `name` leads to.

    Raises:
        ReviewError: see `find_base`; or DVC cannot compare.
    """
    base = find_base(name)
    reruns, stages = find_reruns(base)
    return Changes(
        base=base,
        stages=stages,
        reruns=reruns,
        flips=_flips(base.read(CLAIMS), read_now(CLAIMS)),
        parameters=list(_values(_dvc("params", "diff", "--json", base.commit))),
        metrics=_metrics(base),
        figures=[
            FigurePair(path.relative_to(FIGURES).with_suffix("").as_posix(), base.read(path), read_now(path))
            for path in base.changed(FIGURES)
        ],
        plots=_plots(base),
    )


def _dvc(*words: str) -> dict:
    return json.loads(run(sys.executable, "-m", "dvc", *words) or "{}")


# ----------------------------------------------------------------------------------------------------------- verdicts


def _flips(before: str | None, after: str | None) -> list[Flip]:
    tables = [parse_csv(StringIO(text)).set_index("claim") if text else pd.DataFrame() for text in (before, after)]
    found = []
    for claim in dict.fromkeys([*tables[0].index, *tables[1].index]):
        rows = [table.loc[claim] if claim in table.index else None for table in tables]
        verdicts = [None if row is None else row["verdict"] for row in rows]
        if verdicts[0] != verdicts[1]:
            told = rows[0] if rows[1] is None else rows[1]
            effects = [[] if row is None else effect(row) for row in rows]
            found.append(Flip(claim, told["experiment"], told["quote"], *verdicts, *effects))
    return sorted(found, key=lambda flip: flip.weight)


# -------------------------------------------------------------------------------------------------- settings, metrics


def _values(diff: dict[str, dict]) -> Iterator[Change]:
    for file, names in diff.items():
        for name, values in names.items():
            yield Change(file, name, values.get("old"), values.get("new"))


def _metrics(base: Base) -> list[Change]:
    """The metrics that differ, means that moved by most standard deviations first."""
    found, spreads = [], {}
    for change in _values(_dvc("metrics", "diff", "--json", base.commit)):
        if change.file not in spreads:
            spreads[change.file] = flat(json.loads(base.read(Path(change.file)) or "{}"))
        found.append(
            Change(change.file, change.name, change.before, change.after, _shift(change, spreads[change.file]))
        )
    return sorted(found, key=lambda change: -inf if change.shift is None else abs(change.shift), reverse=True)


def _shift(change: Change, spreads: dict[str, Any]) -> float | None:
    stem, _, last = change.name.rpartition(".")
    spread = spreads.get(f"{stem}.sd")
    numbers = (change.before, change.after, spread)
    if (
        last != "mean"
        or not all(isinstance(number, int | float) and isfinite(number) for number in numbers)
        or not spread
    ):
        return None
    return (change.after - change.before) / spread


# --------------------------------------------------------------------------------------------------------------- plots


def _plots(base: Base) -> dict[str, Any]:
    """The Vega-Lite specification of every table that differs, before and after in one, as `dvc plots diff` has it."""
    tables = [path.as_posix() for path in base.changed(PLOTS) if path.suffix == ".csv"]
    if not tables:
        return {}
    found = _dvc("plots", "diff", base.commit[:7], "--json", "--targets", *tables).get("data", {})
    return {name: drawn[0]["content"] for name, drawn in sorted(found.items()) if drawn and drawn[0]["type"] == "vega"}
