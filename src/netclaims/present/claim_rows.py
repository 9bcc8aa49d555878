"""The claims as the report page shows them: what each says, and its verdict at every scale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from markupsafe import Markup

from netclaims.claims.ledger import verdicts_of
from netclaims.paths import recipe_of, report_path
from netclaims.present.badges import of_verdict
from netclaims.present.interval_axis import axis
from netclaims.present.scales import Scale
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.wording import MARKS, claimed, effect, p_value, size, typeset, would_decide
from netclaims.questions import ANSWERED

DECIDED = ("supported", "refuted")
ANSWERS = (*DECIDED, "undecided")
BASES = ("training", "arithmetic", "nothing")  # what decides a claim


@dataclass(frozen=True)
class Judged:
    """The verdict on a claim at one scale.

    Attributes:
        scale: its name.
        found: the row of the ledger.
        stale: the stages behind it that ran with other code or settings than those of today, and which.
        recipe: of the stage that judged it, from the root of the repository.
        table: that it stands in, likewise.
    """

    scale: str
    found: pd.Series
    stale: list[str]
    recipe: str
    table: str

    @property
    def verdict(self) -> str:
        """Its name."""
        return self.found["verdict"]

    @property
    def mark(self) -> str:
        """The sign that stands for it."""
        return MARKS[self.verdict]

    @property
    def provisional(self) -> str:
        """Why it is provisional; empty if it is not."""
        return _text(self.found["provisional"])

    @property
    def because(self) -> str:
        """The reason that goes with it, if any."""
        return typeset(_text(self.found["because"]))

    @cached_property
    def badges(self) -> list[str]:
        """On how little training it rests."""
        old = ["older"] if self.stale else []
        return of_verdict(self.provisional, self.because) + old

    @property
    def measured(self) -> str:
        """The quantity that the verdict rests on; empty where there is none."""
        return typeset(_text(self.found.get("measured")))

    @property
    def compared(self) -> str:
        """The means that were compared; empty where the effect is not one of two."""
        return typeset(_text(self.found.get("compared")))

    @property
    def size(self) -> str:
        """The effect with its interval; empty if there is none."""
        return size(self.found)

    @property
    def claimed(self) -> str:
        """Which effects the claim allows."""
        return claimed(self.found)

    @property
    def effect(self) -> list[str]:
        """The effect, and p with the number of replicas."""
        return effect(self.found)

    @cached_property
    def axis(self) -> Markup:
        """The effect, drawn."""
        return axis(self.found, self.verdict)

    @property
    def p(self) -> float:
        """After Holm's correction; not a number where nothing was tested."""
        return self.found["p_holm"]

    @property
    def tested(self) -> str:
        """The p value before and after Holm's correction, and of which test; empty where nothing was tested."""
        found = self.found
        if pd.isna(found["p"]):
            return ""
        after = p_value(found["p_holm"], "after Holm's correction").replace("correction =", "correction")
        return f"{p_value(found['p'])}, {after} ({found['test']}, {self.replicas} replicas)."

    @property
    def needed(self) -> str:
        """About how many replicas would decide; empty where that is not known."""
        would = would_decide(self.found["replicas_needed"])
        return f"{would[0].upper()}{would[1:]}." if would else ""

    @property
    def replicas(self) -> str:
        """How many there are."""
        return f"{self.found['replicas']:.0f}" if pd.notna(self.found["replicas"]) else ""


@dataclass(frozen=True)
class Row:
    """A claim, with its verdicts: that of the paper scale first; that it has not run there, if nothing else answers."""

    key: str
    claim: ShownClaim
    judged: list[Judged]
    entry: str  # of reports/, in YAML

    @property
    def best(self) -> Judged:
        """The verdict that counts."""
        return self.judged[0]

    @property
    def question(self) -> str:
        """What the claim answers, in words."""
        return ANSWERED[self.claim.question]

    @property
    def basis(self) -> str:
        """What decides it: training, arithmetic, or nothing."""
        training, arithmetic, nothing = BASES
        return training if self.claim.tested else arithmetic if self.claim.kind == arithmetic else nothing


def claim_rows(claims: Mapping[str, ShownClaim], found: list[Scale], stages: Mapping[str, list[str]]) -> list[Row]:
    """Return a row for every claim.

    Args:
        claims: by name.
        found: the scales that there are results of, that of the run last.
        stages: of every experiment and analysis, those that make its results.
    """
    tables = {scale: scale.ledger() for scale in found}
    answered = tables[found[-1]]["verdict"] != "not testable"  # at the scale of the run
    behind = {f"claims@{claim.report}" for claim in claims.values()}.union(*stages.values())
    stale = {(scale, stage): scale.stale([stage]) for scale in found for stage in behind}
    entries: dict[str, str] = {}
    for experiment in dict.fromkeys(claim.experiment for claim in claims.values()):
        path = report_path(experiment)
        if path.as_posix() not in entries:
            entries[path.as_posix()] = path.read_text(encoding="utf-8")
    rows = []
    for key, claim in claims.items():
        made_by = [*stages.get(claim.experiment, []), f"claims@{claim.report}"]
        judged = [
            Judged(
                scale.name,
                table.loc[key],
                [line for stage in made_by for line in stale[scale, stage]],
                (scale.root / recipe_of("claims", claim.report)).as_posix(),
                (scale.root / verdicts_of(claim.report)).as_posix(),
            )
            for scale, table in tables.items()
            if scale is found[-1]
            or (claim.tested and key in table.index and not (table.loc[key, "verdict"] == "not run" and answered[key]))
        ]
        rows.append(Row(key, claim, judged, _entry(key, entries[report_path(claim.experiment).as_posix()])))
    return rows


def _entry(key: str, text: str) -> str:
    """Return the lines of an entry as its report's file has them; nothing if it is not written line by line there."""
    section = text.partition("\nclaims:\n")[2]
    found = re.search(rf"^  {re.escape(key)}:\n(?:(?: {{4}}.*)?\n)+", f"{section}\n", re.MULTILINE)
    return "\n".join(line[2:] for line in found[0].rstrip().splitlines()) if found else ""


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""
