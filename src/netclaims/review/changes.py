"""What a branch changes: stages, settings, metrics, verdicts, figures and plots, from what Git holds alone.

The base can be any commit: what it holds in a layout of its own is left out, and a line says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import Any

from netclaims.paths import FIGURES, PARAMS, RECIPES
from netclaims.review.base import Base, Change, find_base, read_now, run
from netclaims.review.plots import find_plots
from netclaims.review.reruns import Rerun, find_reruns
from netclaims.review.verdicts import CLAIMS, Flip, find_flips


@dataclass(frozen=True)
class FigurePair:
    """A figure that differs, with its SVG before and after; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changes:
    """All of them; `recipes` are "new" and "gone", by name, and `incomparable` is a line for each layout of then."""

    base: Base
    stages: int
    reruns: list[Rerun]
    flips: list[Flip]
    parameters: list[Change]
    metrics: list[Change]
    figures: list[FigurePair]
    plots: dict[str, Any]
    recipes: dict[str, list[str]] = field(default_factory=dict)
    incomparable: list[str] = field(default_factory=list)


def find_changes(name: str) -> Changes:
    """Compare the working tree with the base that `name` leads to.

    Raises:
        ReviewError: see `find_base`; or DVC cannot compare.
    """
    base = find_base(name)
    with ThreadPoolExecutor(1) as beside:  # DVC takes some seconds for each
        differing = beside.submit(_dvc, "metrics", "diff", "--json", base.commit)
        parameters = sorted(
            _values(_dvc("params", "diff", "--json", base.commit)), key=lambda change: change.file != PARAMS.as_posix()
        )
        reruns, stages = find_reruns(base, parameters)
        flips, of_ledgers = find_flips(base.read(CLAIMS), read_now(CLAIMS))
        plots, of_tables = find_plots(base, _dvc)
        metrics = _metrics(base, differing.result())
    return Changes(
        base=base,
        stages=stages,
        reruns=reruns,
        flips=flips,
        parameters=parameters,
        metrics=metrics,
        figures=[
            FigurePair(path.relative_to(FIGURES).with_suffix("").as_posix(), base.read(path), read_now(path))
            for path in base.changed(FIGURES)
        ],
        plots=plots,
        recipes=_recipes(base),
        incomparable=of_ledgers + of_tables,
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


# -------------------------------------------------------------------------------------------------- settings, metrics


def _values(diff: dict[str, dict]) -> Iterator[Change]:
    for file, names in diff.items():
        for name, values in names.items():
            yield Change(file, name, values.get("old"), values.get("new"))


def _metrics(base: Base, diff: dict[str, dict]) -> list[Change]:
    """Return the metrics that differ, means that moved by most standard deviations first."""
    found, spreads = [], {}
    for change in _values(diff):
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
