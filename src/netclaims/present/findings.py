"""What came out, in a few sentences: the claims that the ledger decides most surely, one for a question."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from netclaims.present.claim_rows import DECIDED, Judged, Row
from netclaims.questions import ANSWERED, CHAPTERS, Question

MOST = 7
FARED = {"supported": ("holds", "hold"), "refuted": ("does not", "do not"), "undecided": ("undecided", "undecided")}
SAID = {"supported": "holds", "refuted": "does not hold"}


@dataclass(frozen=True)
class Finding:
    """The surest verdict on a question, and how the other claims on it went.

    Attributes:
        chapter: of the assignment.
        name: of the question.
        text: of the question that the claim answers, which may be within it.
        row: the claim.
        judged: the verdict that is shown.
        counts: of the claims on that question that data decide, by verdict.
        reports: how many make them.
    """

    chapter: str
    name: str
    text: str
    row: Row
    judged: Judged
    counts: Counter[str]
    reports: int

    @property
    def said(self) -> str:
        """The verdict, as a sentence says it."""
        return f"{SAID[self.judged.verdict]}{', provisionally' if self.judged.provisional else ''}"

    @property
    def found(self) -> str:
        """What was measured, what was compared, and the effect; a sign is not parted from its number."""
        parts = ((self.judged.measured, ": "), (self.judged.compared, "; "), (self.judged.size, ""))
        said = "".join(f"{part}{end}" for part, end in parts if part)
        return re.sub(r"(?<=[×=]) | (?=[=%])", "\N{NO-BREAK SPACE}", said)

    @property
    def others(self) -> str:
        """How all claims on the question went, in words."""
        told = [f"{count} {said[count > 1]}" for name, said in FARED.items() if (count := self.counts[name])]
        total = sum(self.counts.values())
        claims = f"{total} claim{'s' * (total > 1)} of {self.reports} report{'s' * (self.reports > 1)} on this"
        left = total - sum(self.counts[name] for name in FARED)
        return f"{claims}: {', '.join([*told, *([f'{left} not answered yet'] if left else [])])}."


def findings(rows: list[Row]) -> list[Finding]:
    """Return at most seven findings, in the order of the assignment: of every question the claim decided most surely.

    Verdicts count for more that rest on the current code, on as much training as the report's, and at the paper scale;
    among these the smallest p counts. What nets do that have not learnt is no finding. Each chapter keeps its surest
    question.
    """
    found = [
        finding
        for chapter, questions in CHAPTERS.items()
        for name, question in questions.items()
        if (finding := _finding(chapter, name, question, rows))
    ]
    surest = sorted(found, key=lambda finding: _doubt(finding.judged))
    first = {finding.chapter: finding for finding in reversed(surest)}.values()
    kept = [*first, *(finding for finding in surest if finding not in first)][:MOST]
    return [finding for finding in found if finding in kept]


def _finding(chapter: str, name: str, question: Question, rows: list[Row]) -> Finding | None:
    asked = {name, *question.within}
    mine = [row for row in rows if row.claim.question in asked and row.claim.tested]
    decided = [(row, judged) for row in mine for judged in row.judged if _settled(judged)]
    if not decided:
        return None
    row, judged = min(decided, key=lambda pair: _doubt(pair[1]))
    alike = [one for one in mine if one.claim.question == row.claim.question]
    counts, reports = Counter(one.best.verdict for one in alike), len({one.claim.report for one in alike})
    return Finding(chapter, name, ANSWERED[row.claim.question], row, judged, counts, reports)


def _settled(judged: Judged) -> bool:
    learnt = not any("not learnt" in badge for badge in judged.badges)
    return judged.verdict in DECIDED and bool(judged.size) and learnt


def _doubt(judged: Judged) -> tuple[bool, bool, bool, float]:
    """Return what speaks against showing a verdict; the least comes first."""
    return bool(judged.stale), bool(judged.provisional), judged.scale != "paper", judged.p
