"""What the `claims:` of `reports/*.yaml` may say, and reading them.

A claim is a sentence of a report, turned into one or several comparisons of numbers that the pipeline has for every
replica. All of them have to hold for the claim to hold.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from netclaims.claims.operands import Operand, Side, one_of
from netclaims.questions import of_claims
from netclaims.settings.schema import Count, Name, Number, Positive, Settings

Words = Annotated[str, Field(min_length=1)]
QUOTED_WORDS = 12


def _whole_course(settings: Trend | Extreme | Shape) -> None:
    if settings.along == settings.operand.coordinate and settings.operand.is_number:
        raise ValueError(f"along: {settings.along} is the course of the series, of which nothing is left to take")


def _needs_number(settings: Comparison, *names: str) -> None:
    """Check that operands come to one number a replica, or to one for every place of a series that `each` names."""
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


def operands(comparison: Comparison) -> list[Operand]:
    """Return every operand of a comparison."""
    values = [getattr(comparison, name) for name in type(comparison).model_fields]
    return [v for value in values for v in (value if isinstance(value, list) else [value]) if isinstance(v, Operand)]


class Directed(Comparison):
    """A comparison that goes one of two ways, each a key of its own that holds the operand."""

    WAYS: ClassVar[dict[str, int]]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        one_of(self, *self.WAYS)
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

    A series of which nothing is taken is tested in its course: `along` its coordinate, or another of its columns.
    `least` is the mean rank correlation that the words take, such as 0.9 for "steadily". Over settings it is the trend
    of the mean, unless `about` has it be that of the `typical` net.
    """

    WAYS: ClassVar = {"rises": 1, "falls": -1}

    rises: Operand | None = None
    falls: Operand | None = None
    along: Name
    least: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    about: Literal["mean", "typical"] | None = None

    @model_validator(mode="after")
    def _course(self) -> Self:
        _whole_course(self)
        return self


class Typical(Comparison):
    """A comparison in the `mean` over replicas, or of the `typical` net, the median one.

    What `about` leaves open: the mean of differences between nets, which are alike to both sides of their mean, but the
    typical net where a number is all that it is compared with.
    """

    about: Literal["mean", "typical"] | None = None

    def of_the_typical_net(self, other: Side) -> bool:
        """Tell whether the comparison with the other side is of the typical net."""
        return self.about == "typical" if self.about else not isinstance(other, Operand)


class Ordering(Directed, Typical):
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


class Equivalence(Typical):
    """`of` is as large as `to`, to `within` a margin: a difference, or with `ratio` a share (0.1: 10 %).

    Or the claim is the opposite: it differs, to either side, by more than the margin `beyond`.
    """

    of: Operand
    to: Side
    within: Positive | None = None
    beyond: Positive | None = None
    ratio: bool = False

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        one_of(self, "within", "beyond")
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


class ClaimTest(Settings):
    """How a sentence of a report is tested.

    The test is one or several comparisons of one or several kinds, or `arithmetic`, or neither: a sentence is so, or is
    not, by `definition`, or it is `untestable`, for the reason given.
    """

    needs: Needs | None = None
    trend: Annotated[list[Trend], BeforeValidator(_several), Field(min_length=1)] | None = None
    ordering: Annotated[list[Ordering], BeforeValidator(_several), Field(min_length=1)] | None = None
    equivalence: Annotated[list[Equivalence], BeforeValidator(_several), Field(min_length=1)] | None = None
    extreme: Annotated[list[Extreme], BeforeValidator(_several), Field(min_length=1)] | None = None
    shape: Annotated[list[Shape], BeforeValidator(_several), Field(min_length=1)] | None = None
    arithmetic: Arithmetic | None = None
    definition: Words | None = None
    untestable: Words | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        others = [name for name in ("arithmetic", "definition", "untestable") if getattr(self, name) is not None]
        if bool(self.comparisons) + len(others) != 1:
            kinds = ", ".join([*STATISTICAL[1:], "arithmetic, definition or untestable"])
            raise ValueError(f"trend: give it or {kinds}")
        return self

    @property
    def comparisons(self) -> list[Comparison]:
        """All comparisons, by kind."""
        return [comparison for kind in STATISTICAL for comparison in getattr(self, kind) or []]

    @property
    def kind(self) -> str:
        """The kind of the test, of its first comparison where there are several."""
        return next(kind for kind in (*STATISTICAL, "arithmetic", "definition", "untestable") if getattr(self, kind))


class Claim(ClaimTest):
    """A sentence of a report and how it is tested.

    `quote` is a short one of `part` of the report, `read` says how its words were read; `question` is what it answers,
    by its name in questions.py, and `answer` what the claim says of it. `figure` is one of the experiment's,
    in which to look. `again` is another experiment of the report, whose nets the comparison is put to as well, such as
    those trained on other images: the ledger says what comes out there, and how much wider the interval is.
    """

    report: Name
    quote: Words
    part: Words
    experiment: Name
    question: Annotated[str, AfterValidator(of_claims)]
    answer: Words
    figure: Name | None = None
    again: Name | None = None
    read: Words

    @field_validator("quote")
    @classmethod
    def _short(cls, quote: str) -> str:
        if len(quote.split()) > QUOTED_WORDS:
            raise ValueError(f"at most {QUOTED_WORDS} words")
        return quote

    @model_validator(mode="after")
    def _shown(self) -> Self:
        if self.comparisons and self.figure is None:
            raise ValueError("figure: required, the figure in which the comparison can be seen")
        if self.again and not self.comparisons:
            raise ValueError("again: goes with a comparison")
        return self
