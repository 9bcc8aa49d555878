"""Where images of one's own may lie: in no folder that a stage writes."""

from __future__ import annotations

import os
from pathlib import Path

from netclaims.data.registry import DATA_KINDS
from netclaims.paths import CHECKPOINTS, DATA, METRICS, PLOTS, RECIPES, RUNS

# Stages write these, and DVC removes them before it runs the stages.
WRITTEN = [
    *(DATA / name for name in DATA_KINDS),
    RUNS,
    METRICS,
    PLOTS,
    RECIPES,
    CHECKPOINTS,
    Path("report"),
]


def home_expanded(place: str) -> Path:
    """Return a place as a path, with a home folder in place of a leading `~`, or `~name`, if there is one."""
    return Path(os.path.expanduser(place))  # noqa: PTH111 (Path.expanduser raises where there is none)


def outlives_stages(place: Path) -> None:
    """Check that a place is in no folder that a stage writes.

    Raises:
        ValueError: it is in one, or a link leads there; it says in which.
    """
    real = Path(os.path.realpath(place))  # Path.resolve raises where links lead in a circle
    for folder in WRITTEN:
        if real.is_relative_to(os.path.realpath(folder)):
            raise ValueError(f"a place outside {folder}, which a stage removes and writes anew")
