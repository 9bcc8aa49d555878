"""What a branch changes: stages, settings, metrics, verdicts, figures and plots, from what Git holds alone."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from netclaims.files import parse_csv
from netclaims.paths import FIGURES, PLOTS, RECIPES
from netclaims.present.wording import effect
from netclaims.review.base import Base, Change, find_base, read_now, run
from netclaims.review.reruns import Rerun, find_reruns

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
        """Return 0 for a change of sides, 1 for one from or to undecided, 2 for a claim new, gone or not testable."""
        sides = {"supported", "refuted"}
        if {self.before, self.after} == sides:
            return 0
        return 1 if {self.before, self.after} <= sides | {"undecided"} else 2


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
    recipes: dict[str, list[str]] = field(default_factory=dict)  # "new" and "gone", by name

    @property
    def causes(self) -> dict[str, int]:
        """Count, for what made stages run again, the stages that it reached directly, most of them first."""
        return dict(Counter(cause for rerun in self.reruns for cause in rerun.causes).most_common())


def find_changes(name: str) -> Changes:
    """Compare the working tree with the base that `name` leads to.

    Raises:
        ReviewError: see `find_base`; or DVC cannot compare.
    """
    base = find_base(name)
    parameters = list(_values(_dvc("params", "diff", "--json", base.commit)))
    reruns, stages = find_reruns(base, parameters)
    return Changes(
        base=base,
        stages=stages,
        reruns=reruns,
        flips=_flips(base.read(CLAIMS), read_now(CLAIMS)),
        parameters=parameters,
        metrics=_metrics(base),
        figures=[
            FigurePair(path.relative_to(FIGURES).with_suffix("").as_posix(), base.read(path), read_now(path))
            for path in base.changed(FIGURES)
        ],
        plots=_plots(base),
        recipes=_recipes(base),
    )


def _dvc(*words: str) -> dict:
    return json.loads(run(sys.executable, "-m", "dvc", *words) or "{}")


def _recipes(base: Base) -> dict[str, list[str]]:
    before, now = base.files(RECIPES), {path for path in RECIPES.rglob("*.json") if path.is_file()}
    return {
        how: sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in paths)
        for how, paths in {"new": now - before, "gone": before - now}.items()
        if paths
    }


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
    """Find the metrics that differ, means that moved by most standard deviations first."""
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


def flat(values: Any, name: str = "") -> dict[str, Any]:
    """Return nested values by their dotted keys."""
    if not isinstance(values, dict):
        return {name: values}
    return {
        key: value for part, inner in values.items() for key, value in flat(inner, f"{name}.{part}".lstrip(".")).items()
    }


# --------------------------------------------------------------------------------------------------------------- plots


def _plots(base: Base) -> dict[str, Any]:
    """Return the Vega-Lite specification of every table that differs, with both sides, as `dvc plots diff` has it."""
    tables = [path.as_posix() for path in base.changed(PLOTS) if path.suffix == ".csv"]
    if not tables:
        return {}
    found = _dvc("plots", "diff", base.commit[:7], "--json", "--targets", *tables).get("data", {})
    return {name: drawn[0]["content"] for name, drawn in sorted(found.items()) if drawn and drawn[0]["type"] == "vega"}
