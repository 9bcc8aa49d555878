"""The scales whose results a page shows side by side: the paper scale, as far as it has been run, and the run's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from netclaims.claims.ledger import stated_of
from netclaims.files import read_csv, read_json
from netclaims.paper.folder import RESULTS
from netclaims.paths import FIGURES, PLOTS, metrics_of, recipe_of, report_of
from netclaims.review.recipe_differences import differences

LEDGER = PLOTS / "claims.csv"
# Settings that are a scale's own; all others are the same at every scale, as code and libraries are.
OF_A_SCALE = {"scale", "replicas", "train_size", "test_size", "dataset", "source", "made_by"}
# Of trainings, which end earlier where there is less data, and no batch is larger than that; claims speak of them.
LENGTHS = {"epochs", "steps", "epoch_steps", "batch_size", "between"}
CLAIM = re.compile(r"^claims\.([^.]+).*")
TOLD = 3  # reasons at the most


@dataclass(frozen=True)
class Scale:
    """Results of one scale.

    Attributes:
        name: of the scale.
        root: the folder in which its metrics, plots and recipes lie, laid out as at the root of the repository.
    """

    name: str
    root: Path = Path()

    def ledger(self) -> pd.DataFrame:
        """Return the verdicts on all claims, by claim."""
        return read_csv(self.root / LEDGER).set_index("claim")

    def about(self, nets: str) -> dict:
        """Return the metrics of an experiment; nothing if it was not trained."""
        path = self.root / metrics_of(nets)
        return read_json(path) if path.exists() else {}

    def stated(self, report: str) -> dict[str, dict]:
        """Return the numbers that a report states, beside ours, by experiment; none if its claims were not judged."""
        path = self.root / stated_of(report)
        return read_json(path) if path.exists() else {}

    def figure(self, key: str, name: str) -> Path:
        """Return where a figure lies, if it was drawn."""
        return self.root / FIGURES / report_of(key) / key / f"{name}.svg"

    def stale(self, stages: list[str]) -> list[str]:
        """Return which of some stages ran otherwise than the recipes at the root say, and in what: a line for each.

        Args:
            stages: as DVC calls them, such as `train@d-capacity`.
        """
        found = {stage: self._older(*stage.split("@")) for stage in stages if self.root != Path()}
        return [f"{stage} ({_few(reasons)})" for stage, reasons in found.items() if reasons]

    def _older(self, kind: str, key: str) -> list[str]:
        """Return what differs: settings that are the same at every scale, modules and libraries."""
        then, now = self.root / recipe_of(kind, key), recipe_of(kind, key)
        if not then.exists() or not now.exists():
            return ["not in the pipeline any more"] * then.exists()
        apart = OF_A_SCALE | (set() if kind == "claims" else LENGTHS)
        told = differences(*(_without(read_json(path), apart) for path in (then, now)))
        return list(dict.fromkeys(CLAIM.sub(r"\1", reason.partition(": ")[0]) for reason in told))


def _without(value: Any, names: set[str]) -> Any:
    """Return a recipe without some settings, wherever they stand in it; what is alike then is trained once."""
    if isinstance(value, list):
        return [_without(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: _without(inner, names) for name, inner in value.items() if name not in names}
    if isinstance(trained := found.get("settings"), list):
        found["settings"] = [one for place, one in enumerate(trained) if one not in trained[:place]]
    return found


def _few(reasons: list[str]) -> str:
    left = len(reasons) - TOLD
    return ", ".join(reasons[:TOLD]) + (f" and {left} more" if left > 0 else "")


def scales(own: str) -> list[Scale]:
    """Return the scales that there are results of: the paper scale first, then that of the run.

    Args:
        own: the scale of the run.
    """
    paper = [Scale("paper", RESULTS)] if own != "paper" and (RESULTS / LEDGER).exists() else []
    return [*paper, Scale(own)]
