"""Where things lie, from the root of the repository."""

from __future__ import annotations

import re
from errno import EINVAL
from pathlib import Path
from stat import S_ISREG

# The name of an entry is part of file names, and of the command that DVC gives to a shell.
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

PARAMS, REPORTS = Path("params.yaml"), Path("reports")
DATA, RUNS, METRICS, PLOTS = Path("data"), Path("runs"), Path("metrics"), Path("plots")
CHECKPOINTS = Path("checkpoints")
FIGURES = PLOTS / "figures"
RECIPES = Path("recipes")
EXPERIMENTS_TABLE = Path("docs/experiments.md")


def report_of(key: str) -> str:
    """Return the report that the experiment `<report>-<name>` belongs to."""
    return key.partition("-")[0]


def report_path(key: str) -> Path:
    """Return the file that holds the experiment `<report>-<name>`."""
    return REPORTS / f"{report_of(key)}.yaml"


def plots_of(key: str) -> Path:
    """Return the folder of an experiment's tables for plots."""
    return PLOTS / report_of(key) / key


def metrics_of(key: str, analysis: str | None = None) -> Path:
    """Return the file of an experiment's metrics, or of those of one of its analyses."""
    return METRICS / report_of(key) / (f"{key}.{analysis}.json" if analysis else f"{key}.json")


def recipe_of(stage: str, key: str | None = None) -> Path:
    """Return the recipe of a stage: all that decides what it writes."""
    return RECIPES / stage / f"{key}.json" if key else RECIPES / f"{stage}.json"


def file_size(path: Path) -> int:
    """Return the size of a file, in bytes.

    Raises:
        OSError: it is missing, or not a regular file: to read a pipe or a device might never end.
    """
    status = path.stat()
    if not S_ISREG(status.st_mode):
        raise OSError(EINVAL, "not a regular file", str(path))
    return status.st_size
