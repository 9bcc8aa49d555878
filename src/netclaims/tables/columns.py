"""How the tables of single nets are declared, for the code that writes them and the claims that name their columns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# A sweep or a tuning may vary these; tables call them so.
SETTINGS = ["optimiser", "learning_rate", "batch_size", "shuffle_labels", "equal"]
# These numbers were set, not measured. Tables keep all their digits, because rows are found by them.
EXACT = {"learning_rate", "batch_size", "shuffle_labels", "parameters"}
# These columns hold words, in whichever table: a net may be called 1, NA or True, which is no number and no gap.
WORDS = {
    "function", "model", "optimiser", "equal", "series", "region", "scope", "split", "kind", "pair",
    "basis", "plane", "at", "part", "start",
    "claim", "report", "experiment", "scale", "data", "quote", "unit", "test", "verdict", "because", "provisional",
}  # fmt: skip
# These hold yes or no, which tables write as True and False.
YES_OR_NO = {"diverged"}


def holds_words(column: str) -> bool:
    """Tell whether a column, in whichever table, holds words, or yes and no."""
    return column in WORDS | YES_OR_NO


def is_category(column: str) -> bool:
    """Tell whether a column says which nets or which part of them a row is of: a name, or a number that was set."""
    return column in WORDS | EXACT | {"layers", "replica"}


def identity(functions: Collection[str] | None, varied: Collection[str]) -> list[str]:
    """Name the columns that tell nets apart, besides the replica: of target functions, if any, and varied settings."""
    return [*(["function"] if functions else []), "model", *(name for name in SETTINGS if name in varied)]


Condition = Callable[[Any, dict[str, Any] | None], bool]


def always(experiment: Any, entry: dict[str, Any] | None) -> bool:
    """Hold for every experiment."""
    return True


def tells_apart(name: str) -> Condition:
    """Return the condition that a column tells nets of the experiment apart."""
    return lambda experiment, entry: name in experiment.identity


def on_images(experiment: Any, entry: dict[str, Any] | None) -> bool:
    """Hold where the experiment classifies images: only then is there an accuracy."""
    return not experiment.functions


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: what it is called.
        when: whether the table has it, by the experiment and by the analysis's entry in the report file.
        words: those that it may hold, where neither the experiment nor the analysis's entry says which.
        stored: whether the file has it. Others are made where claims read the table.
        offered: whether claims may name it.
    """

    name: str
    when: Condition = always
    words: tuple[str, ...] = ()
    stored: bool = True
    offered: bool = True


@dataclass(frozen=True)
class Table:
    """A table with a row, or a series of rows, for every net, or for every kind of net.

    Attributes:
        name: what claims or figures call it.
        columns: what it has.
        by: the columns that tell its rows apart, or the series, where it has them.
        coordinate: the column along which there is a series for each, if there is.
        every_setting: whether it has all settings of a tuning, and not the best alone.
    """

    name: str
    columns: tuple[Column, ...]
    by: tuple[str, ...]
    coordinate: str | None = None
    every_setting: bool = False

    def offered(self, experiment: Any, entry: dict[str, Any] | None) -> set[str]:
        """Name the columns that claims or figures may use, of this experiment and this entry of the analysis."""
        return {column.name for column in self.columns if column.offered and column.when(experiment, entry)}

    @property
    def words(self) -> dict[str, list[str]]:
        """The words that columns may hold, of those that have words of their own."""
        return {column.name: list(column.words) for column in self.columns if column.words}

    def checked(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table that is about to be written, if it is as declared here.

        Raises:
            ValueError: it lacks a column, has another one, or words that are not declared.
        """
        stored = {column.name: column for column in self.columns if column.stored}
        needed = {name for name, column in stored.items() if column.when is always}
        faults = [f"lacks the column {name}" for name in sorted(needed - set(table))]
        faults += [f"has the column {name}, which is not declared" for name in sorted(set(table) - set(stored))]
        for name, allowed in self.words.items():
            if name in table and (unknown := set(table[name].dropna()) - set(allowed)):
                faults.append(f"has {', '.join(sorted(map(repr, unknown)))} in the column {name}")
        if faults:
            raise ValueError(f"the table {self.name} {'; '.join(faults)}: netclaims.tables declares its columns")
        return table


def named(*names: str, **options: Any) -> tuple[Column, ...]:
    """Return columns that differ in nothing but their name."""
    return tuple(Column(name, **options) for name in names)
