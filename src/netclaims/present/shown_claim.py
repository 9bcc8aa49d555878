"""A claim as pages and figures show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ShownClaim:
    """What a report says and where to look, without the test itself.

    Attributes:
        report: that makes the claim.
        quote: its words.
        part: of the report, in which they stand.
        experiment: the experiment or analysis that it speaks of.
        question: what it answers, by its name in questions.py.
        answer: what it says of that.
        figure: the one of the experiment's in which to look, if any.
        read: how the words were read.
        kind: of the test.
        tested: whether data decide.
    """

    report: str
    quote: str
    part: str
    experiment: str
    question: str
    answer: str
    figure: str | None
    read: str
    kind: str
    tested: bool
