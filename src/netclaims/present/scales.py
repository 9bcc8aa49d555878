"""The scales whose results a page shows side by side: the paper scale, as far as it has been run, and the run's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from netclaims.claims.ledger import stated_of
from netclaims.files import read_csv, read_json
from netclaims.paper.folder import RESULTS
from netclaims.paths import FIGURES, PLOTS, metrics_of, recipe_of, report_of

LEDGER = PLOTS / "claims.csv"
COMPUTES = ("code", "libraries")  # parts of a recipe that are the same at every scale


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
        """Return which of some stages ran with other code or libraries than the recipes at the root name.

        Args:
            stages: as DVC calls them, such as `train@d-capacity`.
        """
        return [stage for stage in stages if self.root != Path() and self._differs(recipe_of(*stage.split("@")))]

    def _differs(self, recipe: Path) -> bool:
        then, now = self.root / recipe, recipe
        if not then.exists() or not now.exists():
            return then.exists()
        ran, runs = read_json(then), read_json(now)
        return any(ran.get(part) != runs.get(part) for part in COMPUTES)


def scales(own: str) -> list[Scale]:
    """Return the scales that there are results of: the paper scale first, then that of the run.

    Args:
        own: the scale of the run.
    """
    paper = [Scale("paper", RESULTS)] if own != "paper" and (RESULTS / LEDGER).exists() else []
    return [*paper, Scale(own)]
