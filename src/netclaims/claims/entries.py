"""What the `claims:` of `reports/*.yaml` may say, and reading them.

A claim is a sentence of a report, turned into one or several comparisons of numbers that the pipeline has for every
replica. All of them have to hold for the claim to hold.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from netclaims.questions import of_claims
from netclaims.settings.schema import Count, Name, Number, Positive, Settings, Share

Column = Annotated[str, Field(pattern=r"^\w+\.\w+$")]
Words = Annotated[str, Field(min_length=1)]
QUOTED_WORDS = 12
# The column along which a table has many rows for each net.
COORDINATE = {"history": "epoch", "steps": "step", "interpolate": "alpha", "pca": "epoch"}
TABLES = ("nets", "history", "steps", "fit", "pca", "hessian", "interpolate", "sensitivity")


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
# One value, a list of them, or a range: told apart by how they are written, so that a mistake in one is one fault.
Wanted = Annotated[
    Annotated[Value, Tag("value")] | Annotated[list[Value], Tag("values")] | Annotated[Range, Tag("range")],
    Discriminator(lambda value: "values" if isinstance(value, list)
                  else "range" if isinstance(value, dict | Range) else "value"),
]  # fmt: skip


class Until(Settings):
    """How far along a series its value gets for the first time below a value, above one, or close to its lowest.

    `within: 0.05` is at most 5 % above the lowest. A series that never gets there counts with its full length.
    """

    below: Number | None = None
    above: Number | None = None
    within: Positive | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        _one_of(self, "below", "above", "within")
        return self


class Operand(Settings):
    """A number for every replica: a column of a table, in the rows that `where` picks.

    Of a table with a series for each net (`history`, `steps`, `interpolate`, `pca`) `take` says what of it: the value
    at its `start` or `end`, the `lowest`, `highest` or `mean` one, the `swing` from value to value (the root mean
    square of successive differences over √2: von Neumann et al. 1941, which a trend hardly adds to), or the share of
    steps that `rise`; or `until` how far it gets. `during: [0, 0.1]` looks at the first tenth of the series only. In
    `history` and `steps` every loss has a `<loss>_change`: how much it changed since the row before, without its sign.
    """

    of: Column
    where: dict[str, Wanted] = Field(default={})
    during: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None
    take: Literal["start", "end", "lowest", "highest", "mean", "swing", "rise"] | None = None
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
        if self.table not in COORDINATE and (self.take or self.until or self.during):
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
        """The column along which the table has a series for each net, if it has."""
        return COORDINATE.get(self.table)

    @property
    def is_number(self) -> bool:
        """Whether it comes to one number a replica: there is no series, or it is said what to take of it."""
        return self.coordinate is None or bool(self.take or self.until)


# An operand, or a number to compare with.
Side = Annotated[
    Annotated[Operand, Tag("operand")] | Annotated[Number, Tag("number")],
    Discriminator(lambda value: "operand" if isinstance(value, dict | Operand) else "number"),
]


def _one_of(settings: Settings, *names: str) -> None:
    given = [name for name in names if getattr(settings, name) is not None]
    if len(given) != 1:
        raise ValueError(f"{names[0]}: give one of {', '.join(names)} (found {', '.join(given) or 'none'})")


def _whole_course(settings: Trend | Extreme | Shape) -> None:
    if settings.along == settings.operand.coordinate and settings.operand.is_number:
        raise ValueError(f"along: {settings.along} is the course of the series, of which nothing is left to take")


def _needs_number(settings: Comparison, *names: str) -> None:
    """One number a replica, or one for every place of a series that `each` goes through."""
    for name in names:
        operands = getattr(settings, name)
        for operand in operands if isinstance(operands, list) else [operands]:
            if isinstance(operand, Operand) and operand.is_number == (operand.coordinate in settings.each):
                what = "has each of its places" if operand.is_number else "is a series: say what to take of it"
                raise ValueError(f"{name}: {operand.of} {what}")


class Comparison(Settings):
    """What the kinds of comparison share: `each` repeats it for every value of some columns, and all have to hold.

    The coordinate of a series may be among them: `each: [epoch]` compares epoch by epoch.
    """

    each: list[Name] = Field(default=[])


class Directed(Comparison):
    """A comparison that goes one of two ways, each a key of its own that holds the operand."""

    WAYS: ClassVar[dict[str, int]]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _one_of(self, *self.WAYS)
        return self

    @property
    def operand(self) -> Operand:
        """What the claim says something of."""
        return next(operand for name in self.WAYS if (operand := getattr(self, name)))

    @property
    def sign(self) -> int:
        """1 or -1, by the key that is given."""
        return next(sign for name, sign in self.WAYS.items() if getattr(self, name))


class Trend(Directed):
    """`rises` or `falls` with `along`: a swept setting, or something measured on each replica.

    Of a series of which nothing is taken it is the course: `along` its coordinate, or another of its columns.
    """

    WAYS: ClassVar = {"rises": 1, "falls": -1}

    rises: Operand | None = None
    falls: Operand | None = None
    along: Name

    @model_validator(mode="after")
    def _course(self) -> Self:
        _whole_course(self)
        return self


class Ordering(Directed):
    """`higher` or `lower` than every one of `than`, operands or numbers; with `ratio`, in proportion."""

    WAYS: ClassVar = {"higher": 1, "lower": -1}

    higher: Operand | None = None
    lower: Operand | None = None
    than: Annotated[
        list[Side], BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
        Field(min_length=1),
    ]  # fmt: skip
    ratio: bool = False

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        _needs_number(self, "higher", "lower", "than")
        return self


class Equivalence(Comparison):
    """`of` is as large as `to`, to `within` a margin: a difference, or with `ratio` a share (0.1: 10 %).

    Or the opposite: it differs, to either side, by more than the margin `beyond`.
    """

    of: Operand
    to: Side
    within: Positive | None = None
    beyond: Positive | None = None
    ratio: bool = False

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        _one_of(self, "within", "beyond")
        _needs_number(self, "of", "to")
        return self

    @property
    def margin(self) -> float:
        """The margin, whichever side of it is claimed."""
        return self.within or self.beyond


class Extreme(Directed):
    """The `lowest` or `highest` value along a setting or a series lies `between` two places, both included."""

    WAYS: ClassVar = {"lowest": -1, "highest": 1}

    lowest: Operand | None = None
    highest: Operand | None = None
    along: Name
    between: Annotated[list[Number], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _place(self) -> Self:
        if self.between[0] > self.between[1]:
            raise ValueError(f"between: from a smaller to a larger value (found {self.between})")
        _whole_course(self)
        if self.along != self.operand.coordinate:
            _needs_number(self, "lowest", "highest")
        return self


class Shape(Directed):
    """A `valley` (falls, then rises) or a `peak` along a swept setting, on a logarithmic axis with `log`."""

    WAYS: ClassVar = {"valley": 1, "peak": -1}

    valley: Operand | None = None
    peak: Operand | None = None
    along: Name
    log: bool = False

    @model_validator(mode="after")
    def _turn(self) -> Self:
        _whole_course(self)
        if self.along != self.operand.coordinate:
            _needs_number(self, "valley", "peak")
        return self


class Arithmetic(Settings):
    """Numbers worked out from what the report states, and a condition on them: expressions, without data.

    They may use `parameters('M1')`, `layers('M1')` (those with weights) and `convolutions('M1')` of the experiment's
    models, and `ceil`, `floor`, `sqrt`, `round`, `abs`, `min`, `max`, `len`; `holds` uses the names of `computed`.
    """

    computed: Annotated[dict[Name, str | Number], Field(min_length=1)]
    holds: str


class Needs(Settings):
    """What has to be there for the claim to speak of it: so many `epochs` of training."""

    epochs: Count


def _several(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


KINDS = {"trend": Trend, "ordering": Ordering, "equivalence": Equivalence, "extreme": Extreme, "shape": Shape}
STATISTICAL = tuple(KINDS)


class Claim(Settings):
    """A sentence of a report and how it is tested.

    `quote` is a short one of `part` of the report, `read` says how its words were read; `question` is what it answers,
    by its name in questions.py, and `answer` what the claim says of it. `figure` is one of the experiment's,
    in which to look.

    The test is one or several comparisons of one or several kinds, `arithmetic`, or neither: a sentence that is so, or
    is not, by `definition`, and one that is `untestable`, for the reason given.
    """

    report: Name
    quote: Words
    part: Words
    experiment: Name
    question: Annotated[str, AfterValidator(of_claims)]
    answer: Words
    figure: Name | None = None
    read: Words
    needs: Needs | None = None
    trend: Annotated[list[Trend], BeforeValidator(_several), Field(min_length=1)] | None = None
    ordering: Annotated[list[Ordering], BeforeValidator(_several), Field(min_length=1)] | None = None
    equivalence: Annotated[list[Equivalence], BeforeValidator(_several), Field(min_length=1)] | None = None
    extreme: Annotated[list[Extreme], BeforeValidator(_several), Field(min_length=1)] | None = None
    shape: Annotated[list[Shape], BeforeValidator(_several), Field(min_length=1)] | None = None
    arithmetic: Arithmetic | None = None
    definition: Words | None = None
    untestable: Words | None = None

    @field_validator("quote")
    @classmethod
    def _short(cls, quote: str) -> str:
        if len(quote.split()) > QUOTED_WORDS:
            raise ValueError(f"at most {QUOTED_WORDS} words")
        return quote

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        others = [name for name in ("arithmetic", "definition", "untestable") if getattr(self, name) is not None]
        if bool(self.comparisons) + len(others) != 1:
            kinds = ", ".join([*STATISTICAL[1:], "arithmetic, definition or untestable"])
            raise ValueError(f"trend: give it or {kinds}")
        if self.comparisons and self.figure is None:
            raise ValueError("figure: required, the figure in which the comparison can be seen")
        return self

    @property
    def comparisons(self) -> list[Comparison]:
        """All comparisons, by kind."""
        return [comparison for kind in STATISTICAL for comparison in getattr(self, kind) or []]

    @property
    def kind(self) -> str:
        """The kind of the test, of its first comparison where there are several."""
        return next(kind for kind in (*STATISTICAL, "arithmetic", "definition", "untestable") if getattr(self, kind))


def nets_of(key: str, content: dict[str, Any]) -> str | None:
    """The experiment that trained the nets of an experiment or of an analysis, by a report file's content."""
    if key in content["experiments"]:
        return key
    sections = (section for name, section in content.items() if name not in ("results", "claims"))
    entries = (section[key] for section in sections if isinstance(section, dict) and key in section)
    return next((entry["nets"] for entry in entries if "nets" in entry), None)
