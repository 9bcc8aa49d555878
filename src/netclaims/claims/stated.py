"""Numbers that the reports state of their nets (`results:` in `reports/*.yaml`), and ours beside them."""

from __future__ import annotations

import re
from math import isnan
from pathlib import Path
from typing import Any, Self

import pandas as pd
from pydantic import model_validator

from netclaims.claims.check_claims import check_operand, holds_words, nets_of
from netclaims.claims.compare import block, finite
from netclaims.claims.entries import Needs
from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.operands import EntryError, Operand
from netclaims.claims.per_replica import numbers
from netclaims.errors import SettingsError, shown
from netclaims.files import write_json
from netclaims.paths import METRICS, REPORTS, report_path
from netclaims.settings.experiments import Experiment, load_experiments
from netclaims.settings.schema import Name, Number, validate
from netclaims.settings.strict_yaml import read_yaml
from netclaims.spread import rounded

NAME = r"[A-Za-z0-9][\w ,-]*"  # no dots: `dvc metrics diff` puts them between keys


class Stated(Operand):
    """A number that a report states, `about` so or exactly, and the operand that gives ours for every replica.

    With `lowest_along` or `highest_along` ours is a place: the value of that column, a swept setting or the coordinate
    of a series, at which the operand is lowest or highest, the smallest of several. `needs` is as in a claim: with
    fewer epochs the number would say how long training took, and there is none.
    """

    stated: Number
    about: bool = False
    lowest_along: Name | None = None
    highest_along: Name | None = None
    needs: Needs | None = None

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if self.lowest_along and self.highest_along:
            raise ValueError("highest_along: give it or lowest_along, not both")
        if self.along is not None and self.along == self.coordinate:
            if self.is_number:
                key = "lowest_along" if self.lowest_along else "highest_along"
                raise ValueError(f"{key}: {self.along} is the course of the series, of which nothing is left to take")
        elif not self.is_number:
            raise ValueError(f"take: {self.of} is a series: say what to take of it")
        return self

    @property
    def along(self) -> str | None:
        """The column that our number is a place along, if it is one."""
        return self.lowest_along or self.highest_along


Results = dict[str, dict[str, Stated]]  # by experiment and name


def load_results(path: Path, content: dict[str, Any], experiments: dict[str, Experiment]) -> Results:
    """Return the stated numbers of one report file, checked against its experiments.

    Args:
        path: of the file.
        content: of the file.
        experiments: those in it.

    Raises:
        SettingsError: anything in them is wrong.
    """
    sections = content.get("results") or {}
    if not isinstance(sections, dict):
        raise SettingsError(f"{path}: results: a mapping of experiments to their numbers (found {shown(sections)})")
    results: Results = {}
    for key, entries in sections.items():
        where = f"results.{key}"
        try:
            nets = nets_of(key, content)
        except EntryError as error:
            raise SettingsError(f"{path}: {where}: {error}") from None
        if not isinstance(entries, dict) or not entries:
            raise SettingsError(f"{path}: {where}: a mapping of names to numbers (found {shown(entries)})")
        for name, entry in entries.items():
            if not re.fullmatch(NAME, str(name)):
                raise SettingsError(f"{path}: {where}: named by letters, digits, spaces, commas, - (found {name!r})")
            stated = validate(Stated, entry, path, f"{where}.{name}")
            try:
                _check(stated, key, experiments[nets], content)
            except EntryError as error:
                raise SettingsError(f"{path}: {where}.{name}: {error}") from None
            results.setdefault(key, {})[str(name)] = stated
    return results


def _check(stated: Stated, key: str, experiment: Experiment, content: dict[str, Any]) -> None:
    along = [] if stated.along is None else [stated.along]
    check_operand(stated, along, key, experiment, content)
    if any(map(holds_words, along)):
        raise EntryError(f"{stated.along} holds words, and no place along it is a number")


def load_all_results(scale: str | None = None) -> dict[str, tuple[dict[str, Stated], Tables]]:
    """Return the stated numbers of every report, by experiment, with the tables of that scale that ours come from.

    Raises:
        SettingsError: anything in them is wrong.
    """
    found = {}
    for path in sorted(REPORTS.glob("*.yaml")):
        content, experiments = read_yaml(path), load_experiments(path)
        for key, entries in load_results(path, content, experiments).items():
            nets = nets_of(key, content)
            found[key] = (entries, Tables(key, nets, experiments[nets], scale))
    return found


def beside(stated: Stated, tables: Tables) -> dict[str, float | int | str | bool | None]:
    """Set ours beside a stated number: mean, standard deviation (n - 1), smallest and largest over replicas, how many.

    Replicas in which a value is undefined are left out. Where none is left, or there is nothing to look at, ours are
    null. A `remark` says why, and whatever else a reader has to know, if anything; `about` is there if the report says
    about.

    Raises:
        EntryError: the entry asks for what is not there.
    """
    try:
        values, remark = _of_replicas(stated, tables)
    except UntestableError as reason:
        values, remark = pd.Series(dtype=float), str(reason)
    spread = {"mean": values.mean(), "sd": values.std(), "low": values.min(), "high": values.max()}
    ours = {name: None if isnan(value) else rounded(value) for name, value in spread.items()}
    more = {"about": True} if stated.about else {}
    more |= {"remark": remark} if remark else {}
    return {"stated": stated.stated, **ours, "replicas": len(values), **more}


def _of_replicas(stated: Stated, tables: Tables) -> tuple[pd.Series, str]:
    """Return our number of every replica that has one, and a remark."""
    tables.check_training(stated.needs)
    if stated.along is None:
        table, remark = finite(*numbers(tables, stated, ["replica"]), ["value"])
        return table["value"], remark
    table, remark = numbers(tables, stated, ["replica", stated.along])
    values, places, remark = block(table, stated.along, remark)
    return pd.Series(places[values.argmin(axis=1) if stated.lowest_along else values.argmax(axis=1)]), remark


def write_stated(results: dict[str, tuple[dict[str, Stated], Tables]], scale: str) -> None:
    """Write `metrics/stated.json`: by experiment and name, every stated number beside ours.

    Args:
        results: as `load_all_results` gives them.
        scale: that of the runs.

    Raises:
        SettingsError: an entry asks for what is not there.
    """
    found: dict[str, dict] = {}
    for key, (entries, tables) in results.items():
        for name, stated in entries.items():
            try:
                found.setdefault(key, {})[name] = beside(stated, tables)
            except EntryError as error:
                raise SettingsError(f"{report_path(key)}: results.{key}.{name}: {error}") from None
    write_json(METRICS / "stated.json", {"scale": scale, **found})
