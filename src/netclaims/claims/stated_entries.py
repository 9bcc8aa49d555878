"""What the `results:` of `reports/*.yaml` may say: numbers that the reports state of their nets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from netclaims.claims.check_claims import Looked, check_columns, check_number, nets_of
from netclaims.claims.entries import Needs, Words
from netclaims.claims.operands import EntryError, Operand
from netclaims.errors import SettingsError, shown, told_with
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.schema import Name, Number, validate
from netclaims.tables.columns import holds_words

NAME = r"[A-Za-z0-9][\w ,-]*"  # no dots: `dvc metrics diff` puts them between keys


class Stated(Operand):
    """A number that a report states, `about` so or exactly, and the operand that gives ours for every replica.

    With `lowest_along` or `highest_along` ours is a place: the value of that column, a swept setting or the coordinate
    of a series, at which the operand is lowest or highest, the smallest of several. `needs` is as in a claim: with
    fewer epochs the number would say how long training took, and there is none. `read` says how the report's words were
    read, where the number depends on it.
    """

    stated: Number
    about: bool = False
    lowest_along: Name | None = None
    highest_along: Name | None = None
    needs: Needs | None = None
    read: Words | None = None

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


def load_results(path: Path, content: dict[str, Any], experiments: dict[str, ExperimentEntry]) -> Results:
    """Return the stated numbers of one report file, checked against its experiments.

    Args:
        path: of the file.
        content: of the file.
        experiments: those in it.

    Raises:
        SettingsError: a line for every fault in them.
    """
    sections = content.get("results") or {}
    if not isinstance(sections, dict):
        raise SettingsError(f"{path}: results: a mapping of experiments to their numbers (found {shown(sections)})")
    results: Results = {}
    faults: list[str] = []
    for key, entries in sections.items():
        where = f"results.{key}"
        try:
            nets = nets_of(key, content)
        except EntryError as error:
            faults.append(f"{path}: {where}: {error}")
            continue
        if not isinstance(entries, dict) or not entries:
            faults.append(f"{path}: {where}: a mapping of names to numbers (found {shown(entries)})")
            continue
        for name, entry in entries.items():
            with told_with(faults):
                found = _stated(name, entry, path, where, Looked(key, experiments[nets], content))
                results.setdefault(key, {})[name] = found
    if faults:
        raise SettingsError("\n".join(faults))
    return results


def _stated(name: str, entry: Any, path: Path, where: str, looked_at: Looked) -> Stated:
    if not re.fullmatch(NAME, name):
        raise SettingsError(f"{path}: {where}: named by letters, digits, spaces, commas, - (found {name!r})")
    stated = validate(Stated, entry, path, f"{where}.{name}")
    along = [] if stated.along is None else [stated.along]
    try:
        if any(map(holds_words, along)):
            raise EntryError(f"{stated.along} holds words, and no place along it is a number")
        for check in (check_columns, check_number):
            check(stated, [], along, looked_at)
    except EntryError as error:
        raise SettingsError(f"{path}: {where}.{name}: {error}") from None
    return stated
