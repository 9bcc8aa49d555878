"""What analyses leave behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from netclaims.files import read_json, write_json, write_table
from netclaims.paths import RUNS, metrics_of, plots_of
from netclaims.spread import rounded
from netclaims.tables.plots import PLOTTED


def replicas_of(key: str, section: str) -> Path:
    """Return the table in which an analysis has a row, or several, for every replica."""
    return RUNS / f"{key}.{section}.csv"


def write_analysis(section: str, key: str, nets: str, table: pd.DataFrame, numbers: dict, **more: pd.DataFrame) -> None:
    """Write what an analysis found, with the scale and the data set of the nets that it worked on.

    Args:
        section: kind of the analysis.
        key: the experiment or analysis that the results are named after.
        nets: the experiment that trained the nets.
        table: what becomes `<section>.csv`.
        numbers: the metrics.
        more: further tables, by the name of their file.
    """
    about = read_json(RUNS / nets / "about.json")
    said = {"experiment": key} | {name: about[name] for name in ("scale", "data", "replicas")}
    declared = {table.name: table for table in PLOTTED[section]}
    for name, content in {section: table, **more}.items():
        write_table(plots_of(key) / f"{name}.csv", declared[name].checked(content))
    write_json(metrics_of(key, section), said | _rounded(numbers))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return rounded(value) if isinstance(value, float) else value
