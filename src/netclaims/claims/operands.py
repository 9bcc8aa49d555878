"""What a claim compares: a number for every replica, out of a table that the pipeline leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from netclaims.settings.schema import Name, Number, Settings, Share
from netclaims.tables.columns import Column, Table
from netclaims.tables.fit import FIT
from netclaims.tables.hessian import HESSIAN
from netclaims.tables.interpolate import INTERPOLATE
from netclaims.tables.pca import PCA
from netclaims.tables.sensitivity import SENSITIVITY
from netclaims.tables.training import HISTORY, NETS, STEPS


def _norm_by_epoch(experiment: Any, entry: dict[str, Any] | None) -> bool:
    return experiment.record.gradient_norm == "epoch"


def _with(table: Table, *columns: Column) -> Table:
    return replace(table, columns=(*table.columns, *columns))


# Besides what the files have there are columns that are worked out where claims read them (experiment_tables.py).
TABLES = {
    table.name: table
    for table in (
        NETS,
        _with(
            HISTORY,
            Column("gradient_norm_spike", when=_norm_by_epoch, stored=False),
            Column("train_loss_bend", stored=False),
        ),
        STEPS,
        FIT,
        _with(PCA, Column("gradient_norm", when=_norm_by_epoch, stored=False)),
        HESSIAN,
        INTERPOLATE,
        SENSITIVITY,
    )
}
# The column along which a table has many rows for each net.
COORDINATE = {name: table.coordinate for name, table in TABLES.items() if table.coordinate}


class EntryError(ValueError):
    """An entry that is valid by itself asks for what is not there."""


class Range(Settings):
    """From one value to another, both included; either end may be left open."""

    from_: Number | None = Field(default=None, alias="from")
    to: Number | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.from_ is None and self.to is None:
            raise ValueError("from: give it or to, or both")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("from: a smaller value than to")
        return self


Value = str | Number
# One value, a list of them, or a range. How they are written tells them apart, so that a mistake in one is one fault.
Wanted = Annotated[
    Annotated[Value, Tag("value")] | Annotated[list[Value], Tag("values")] | Annotated[Range, Tag("range")],
    Discriminator(lambda value: "values" if isinstance(value, list)
                  else "range" if isinstance(value, dict | Range) else "value"),
]  # fmt: skip


class Until(Settings):
    """How far along a series its value gets for the first time below a value, above one, or close to its lowest.

    `fallen: 0.95` is 95 % of the way from its start down to its lowest, which is where a curve looks level on a linear
    axis. A series that never gets there counts with its full length.
    """

    below: Number | None = None
    above: Number | None = None
    fallen: Share | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        one_of(self, "below", "above", "fallen")
        return self


class Operand(Settings):
    """A number for every replica: a column of a table, in the rows that `where` picks.

    Of a table with a series for each net (`history`, `steps`, `interpolate`, `pca`) `take` says what of it: the value
    at its `start` or `end`, the `lowest`, `highest` or `mean` one, the `growth` from start to end (their ratio), the
    `gain` (their difference), the `swing` from value to value (the root mean square of successive differences over √2:
    von Neumann et al. 1941, which a trend hardly adds to), the share of steps that `rise`, or the share of inner places
    where it `turns`, from rising to falling or the other way; or `until` how far it gets. `during: [0, 0.1]` looks at
    the first tenth of the series only. `over: parameters` makes a series of the nets of a replica, along a setting, in
    a table that has none; `over: model`, of which nothing can be taken, sets them beside each other for a trend along
    another column.

    Of nets that were tuned, those of the best setting are looked at, or of another one that `where` names.

    In `history` and `steps` every loss has a `<loss>_change`: how much it changed since the row before, without its
    sign. In `history`, `gradient_norm_spike` is how far the norm stands out from those before and after it, and
    `train_loss_bend` how much the loss changes its slope, without its sign; both of logarithms, so that the decay of a
    course is not in them. In `pca`, `gradient_norm` is that at the end of a step.
    """

    of: Annotated[str, Field(pattern=r"^\w+\.\w+$")]
    where: dict[str, Wanted] = Field(default={})
    during: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None
    over: Name | None = None
    take: Literal["start", "end", "lowest", "highest", "mean", "growth", "gain", "swing", "rise", "turns"] | None = None
    until: Until | None = None

    @field_validator("of")
    @classmethod
    def _table_known(cls, of: str) -> str:
        if of.partition(".")[0] not in TABLES:
            raise ValueError(f"no table {of.partition('.')[0]!r}; there are {', '.join(TABLES)}")
        return of

    @model_validator(mode="after")
    def _of_one_piece(self) -> Self:
        if self.take and self.until:
            raise ValueError("until: give it or take, not both")
        if self.during and self.during[0] >= self.during[1]:
            raise ValueError(f"during: from a smaller to a larger share (found {self.during})")
        if self.over and self.table in COORDINATE:
            raise ValueError(f"over: {self.table} has a series along {COORDINATE[self.table]} already")
        if not self.coordinate and (self.take or self.until or self.during):
            raise ValueError(f"take: goes with a table of series: {', '.join(COORDINATE)}")
        return self

    @property
    def table(self) -> str:
        """The table's name."""
        return self.of.partition(".")[0]

    @property
    def column(self) -> str:
        """The column's name."""
        return self.of.partition(".")[2]

    @property
    def coordinate(self) -> str | None:
        """The column along which there is a series, for each net or over nets, if there is."""
        return self.over or COORDINATE.get(self.table)

    @property
    def is_number(self) -> bool:
        """Whether it comes to one number a replica: there is no series, or it is said what to take of it."""
        return self.coordinate is None or bool(self.take or self.until)


# An operand, or a number to compare with.
Side = Annotated[
    Annotated[Operand, Tag("operand")] | Annotated[Number, Tag("number")],
    Discriminator(lambda value: "operand" if isinstance(value, dict | Operand) else "number"),
]


def one_of(settings: Settings, *names: str) -> None:
    """Check that one of some keys is given, and no other of them."""
    given = [name for name in names if getattr(settings, name) is not None]
    if len(given) != 1:
        raise ValueError(f"{names[0]}: give one of {', '.join(names)} (found {', '.join(given) or 'none'})")
