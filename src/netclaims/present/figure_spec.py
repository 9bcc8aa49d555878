"""One figure as it is drawn: plain values, all of them given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FigureSpec:
    """What to draw, with every default filled in; `FigureSettings` in settings/figures.py says what each part means.

    All of it can be written as JSON and read back: `FigureSpec(**content)`. `chance` is the number of classes that a
    guess chooses among, where the figure marks the range of guesses; `classes` is that number wherever there is one.
    """

    title: str
    kind: str
    x: str
    x_label: str | None
    y: Sequence[str]
    lines: str | None
    columns: str | None
    only: Mapping[str, str | float]
    log: Sequence[str]
    symlog: Sequence[str]
    chance: int | None
    note: str | None
    path: str | None
    classes: int | None = None

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The table and the column that each row of panels shows."""
        return [(table, column) for table, _, column in (name.partition(".") for name in self.y)]

    @property
    def plane(self) -> bool:
        """Whether both axes are directions of a plane, and the quantity is a height."""
        return self.kind == "contours"

    def scale(self, column: str) -> str:
        """Return the kind of axis that a column is shown on: `linear`, `log` or `symlog`."""
        return "log" if column in self.log else "symlog" if column in self.symlog else "linear"
