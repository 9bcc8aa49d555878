"""What the `figures:` of `reports/*.yaml` may say."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from netclaims.present.figure_spec import FigureSpec
from netclaims.questions import of_assignment
from netclaims.settings.schema import Line, Name, Number, Settings

Column = Annotated[str, Field(pattern=r"^\w+\.\w+$")]
Place = Annotated[str, Field(pattern=r"^\w+(\.\w+)+$")]


class FigureSettings(Settings):
    """One figure.

    `y` names what is shown as `<table>.<column>` of the experiment's tables, a panel each, one below the other;
    `columns` sets panels side by side, one for each value of that column. `lines` names the column whose values are
    lines, or points, of a colour of their own. `only` picks rows. Axes whose columns are in `log` are logarithmic,
    those in `symlog` on both sides of a zero.

    `kind`: `lines` with a band over replicas; `points` of categories with a bar over replicas; `scatter` of single
    nets; `paths` through a plane, a line per replica; `contours` over a plane, with a path through it from the table
    that `path` names.

    `chance` marks in panels of accuracy what guessing comes to. `note` puts a rank correlation into the figure, by its
    place in the experiment's metrics: `<analysis>.<name>`, and further names where it lies deeper.
    """

    title: Line
    kind: Literal["lines", "points", "scatter", "paths", "contours"] = "lines"
    x: str
    x_label: Line | None = None
    y: Annotated[list[Column], Field(min_length=1)]
    lines: str | None = None
    columns: str | None = None
    only: dict[str, str | Number] = Field(default={})
    log: list[str] = Field(default=[])
    symlog: list[str] = Field(default=[])
    chance: bool = False
    note: Place | None = None
    path: Name | None = None

    @model_validator(mode="after")
    def _of_one_piece(self) -> Self:
        shown = [self.x, *(name.split(".")[1] for name in self.y)]
        for scale in ("log", "symlog"):
            if unknown := [name for name in getattr(self, scale) if name not in shown]:
                raise ValueError(f"{scale}: no axis shows {', '.join(unknown)}; they show {', '.join(shown)}")
        if both := [name for name in self.log if name in self.symlog]:
            raise ValueError(f"symlog: {', '.join(both)} is in log as well")
        if self.chance and "accuracy" not in shown:
            raise ValueError("chance: goes with a panel of accuracy")
        if self.path and self.kind != "contours":
            raise ValueError("path: goes with kind: contours")
        return self

    def plain(self, classes: int | None = None) -> FigureSpec:
        """Return what drawing reads, with every default filled in.

        Args:
            classes: that the nets tell apart; without, nothing is said of what guessing comes to.
        """
        several = classes if classes and classes > 1 else None
        return FigureSpec(**self.model_dump() | {"chance": classes if self.chance else None, "classes": several})


class FiguresSettings(Settings):
    """The figures of one experiment, by the name of their file.

    `nets` is the experiment whose nets they show, `question` what they help to answer, by its name in
    questions.py.
    """

    nets: Name
    question: Annotated[str, AfterValidator(of_assignment)]
    draw: Annotated[dict[Name, FigureSettings], Field(min_length=1)]
