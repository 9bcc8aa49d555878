"""What the `figures:` of `reports/*.yaml` may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netclaims.learn.paths import REPORTS
from netclaims.learn.settings import Name, Settings, SettingsError, read_yaml, validate

Column = Annotated[str, Field(pattern=r"^\w+\.\w+$")]


class FigureSettings(Settings):
    """One figure.

    `y` names what is shown as `<table>.<column>` of the experiment's tables, a panel each, one below the other;
    `columns` sets panels side by side, one for each value of that column. `lines` names the column whose values are
    lines of their own. `only` picks rows. Axes whose columns are in `log` are logarithmic.

    `kind`: `lines` with a band over replicas; `scatter` of single nets; `paths` through a plane, a line per replica.
    """

    title: str
    kind: Literal["lines", "scatter", "paths"] = "lines"
    x: str
    x_label: str | None = None
    y: Annotated[list[Column], Field(min_length=1)]
    lines: str | None = None
    columns: str | None = None
    only: dict[str, str] = Field(default={})
    log: list[str] = Field(default=[])


class FiguresSettings(Settings):
    """The figures of one experiment, by the name of their file, and the experiment whose nets they show."""

    nets: Name
    draw: Annotated[dict[Name, FigureSettings], Field(min_length=1)]


def load_figures(report: str) -> dict[str, FiguresSettings]:
    """The figures of every experiment of a report, checked.

    Raises:
        SettingsError: there is no such report, or anything in its `figures:` is wrong.
    """
    path = REPORTS / f"{report}.yaml"
    entries = read_yaml(path).get("figures") or {}
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: figures: a mapping of experiments to their figures (found {entries!r})")
    return {key: validate(FiguresSettings, entry, path, f"figures.{key}") for key, entry in entries.items()}
