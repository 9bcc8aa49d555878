"""The verdicts on claims, and how pages and figures show each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """A verdict.

    Attributes:
        name: what it is called, in metrics, tables and pages.
        mark: the sign that stands for it in text.
        colour: that of its points in figures, told apart by people with any common colour blindness.
        marker: the shape of its points in figures, as matplotlib calls it.
    """

    name: str
    mark: str
    colour: str
    marker: str


# Pages and figures list them in this order.
VERDICTS = {
    verdict.name: verdict
    for verdict in (
        Verdict("supported", "✔", "#0072B2", "o"),
        Verdict("refuted", "✘", "#D55E00", "X"),
        Verdict("undecided", "?", "#8C8C8C", "D"),
        Verdict("not testable", "–", "#C4C4C4", "_"),
        Verdict("not run", "○", "#DADADA", "."),
    )
}
