"""The claims of a report, and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite, nan

import pandas as pd
from statsmodels.stats.multitest import multipletests
from tqdm import tqdm

from netclaims.claims.again import beside, spread
from netclaims.claims.arithmetic import work_out
from netclaims.claims.compare import compare
from netclaims.claims.entries import ClaimTest, Comparison, operands
from netclaims.claims.evidence import IN_THE_MEAN, Evidence, weakest
from netclaims.claims.experiment_tables import NotRunError, Tables, UntestableError
from netclaims.claims.ledger import JUDGED
from netclaims.claims.operands import Wanted
from netclaims.claims.power import least_effect, least_p, replicas_needed
from netclaims.claims.stated_entries import Stated
from netclaims.claims.trend_tests import NOT_MONOTONE
from netclaims.claims.trust import answered
from netclaims.errors import attempt
from netclaims.experiment import Experiment
from netclaims.paths import report_path

LEVEL = 0.05
WORDED = ("measured", "compared", "unit", "test")  # columns of words


@dataclass(frozen=True)
class Sentence:
    """A claim, as far as its verdict depends on it.

    Attributes:
        experiment: the experiment or analysis, whose tables it is tested on.
        question: that it answers; the claims on one question are judged together.
        quote: the report's words.
        test: how it is tested.
        again: an experiment whose nets it is put to as well, which does not decide it.
    """

    experiment: str
    question: str
    quote: str
    test: ClaimTest
    again: str | None = None


@dataclass(frozen=True)
class Look:
    """What an experiment or an analysis, by whose name tables are kept, looks at.

    Attributes:
        nets: the experiment that trained them.
        line: of an interpolation, the swept setting and its two values.
    """

    nets: str
    line: tuple[str, list[float]] | None


@dataclass(frozen=True)
class Conclusions:
    """What a report concludes: the settings of its `claims` recipe.

    Attributes:
        seed: of permutations.
        scale: that the nets have to be trained at to count.
        experiments: by their names, those whose nets are looked at.
        looks: what each experiment and analysis looks at.
        claims: every claim by its name, in the order of the report.
        stated: numbers that the report states, by experiment or analysis, and name.
        made_by: digest of the recipes of all trainings and analyses of the report, by which its tables were made.
            Nothing reads it: with it the stage runs again when they do, though DVC has no name for their files alone.
    """

    seed: int
    scale: str
    experiments: dict[str, Experiment]
    looks: dict[str, Look]
    claims: dict[str, Sentence]
    stated: dict[str, dict[str, Stated]]
    made_by: str

    def tables(self) -> dict[str, Tables]:
        """Return the tables of every experiment and analysis."""
        return {
            key: Tables(key, self.experiments[look.nets], self.scale, look.line) for key, look in self.looks.items()
        }

    @property
    def questions(self) -> dict[str, str]:
        """The question that each claim answers."""
        return {key: claim.question for key, claim in self.claims.items()}

    def said(self, report: str) -> list[dict[str, str]]:
        """Return what the ledger says of each claim of the report besides its verdict."""
        return [
            {"claim": key, "report": report, "experiment": claim.experiment, "nets": self.looks[claim.experiment].nets}
            | {"kind": claim.test.kind, "scale": self.scale, "quote": claim.quote}
            for key, claim in self.claims.items()
        ]


@dataclass(frozen=True)
class Finding:
    """What came of a claim before all of them are judged together: evidence, or a verdict that needs none.

    Attributes:
        evidence: what the replicas say, if it is tested on them.
        verdict: without evidence.
        because: the reason for it, or what has to be known besides.
        provisional: why the verdict is that, empty if it is not.
        weakest: the comparison of which the evidence is.
    """

    evidence: Evidence | None = None
    verdict: str | None = None
    because: str = ""
    provisional: str = ""
    weakest: Comparison | None = field(default=None, compare=False, repr=False)


def find(claim: ClaimTest, tables: Tables, seed: int) -> Finding:
    """Put one claim to the test.

    Args:
        claim: how a sentence is tested.
        tables: what there is to test it on.
        seed: of permutations.

    Raises:
        EntryError: the entry asks for what is not there.
    """
    if claim.arithmetic:
        holds, computed = work_out(claim.arithmetic, tables.experiment.models, tables.experiment.example)
        said = ", ".join(f"{name.replace('_', ' ')} = {_number(value)}" for name, value in computed.items())
        return Finding(verdict="supported" if holds else "refuted", because=said)
    if not claim.comparisons:
        by_definition = f"by definition: {claim.definition}" if claim.definition else claim.untestable
        return Finding(verdict="not testable", because=by_definition)
    try:
        tables.check_training(claim.needs)
        tables.check_batches([batch for comparison in claim.comparisons for batch in _batches(comparison)])
        each = [compare(comparison, tables, seed) for comparison in claim.comparisons]
        looked_at = [operand for comparison in claim.comparisons for operand in operands(comparison)]
        provisional, remark = answered(tables, looked_at, any(one.test in IN_THE_MEAN for one in each))
        found = weakest(each)
        of = claim.comparisons[[one.measured for one in each].index(found.measured)]
        return Finding(found, because=remark, provisional=provisional, weakest=of)
    except NotRunError as reason:
        return Finding(verdict="not run", because=str(reason))
    except UntestableError as reason:
        return Finding(verdict="not testable", because=str(reason))


def _batches(comparison: Comparison) -> list[Wanted | None]:
    """Return the batch sizes that a comparison names: of the nets it looks at, or between which something lies."""
    named = [operand.where.get("batch_size") for operand in operands(comparison)]
    along = getattr(comparison, "along", None)
    return [*named, getattr(comparison, "between", None) if along == "batch_size" else None]


def find_all(claims: dict[str, Sentence], tables: dict[str, Tables], seed: int) -> dict[str, Finding]:
    """Put every claim to the test, with progress for whoever watches.

    A test that fails is told, and the claim counts as not testable.

    Args:
        claims: every claim by its name.
        tables: those of every experiment and analysis.
        seed: of permutations.

    Raises:
        DataError: a table is not as its stage wrote it.
    """
    found = {}
    for key, claim in tqdm(claims.items(), desc="claims", leave=False, disable=None):
        found[key] = attempt(
            f"{report_path(key)}: claims.{key}",
            partial(_find_twice, claim, tables, seed),
            lambda reason: Finding(verdict="not testable", because=f"the test failed: {reason}"),
        )
    return found


def _find_twice(claim: Sentence, tables: dict[str, Tables], seed: int) -> Finding:
    """Put a claim to the test, and to the nets that `again` names, of which the reason then tells."""
    found = find(claim.test, tables[claim.experiment], seed)
    other = find(claim.test, tables[claim.again], seed) if claim.again else found
    if claim.again is None or found.evidence is None:
        return found
    said = other.because
    if other.evidence:
        spreads = (spread(found.weakest, tables[key]) for key in (claim.experiment, claim.again))
        said = beside(other.evidence, found.evidence.measured, *spreads)
    return replace(found, because="; ".join(filter(None, [found.because, f"with {claim.again}: {said}"])))


def _number(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(_number, value))
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def judge(questions: Mapping[str, str], findings: Mapping[str, Finding]) -> pd.DataFrame:
    """Judge the claims of a report, at a family-wise error rate of 5 % for those on one question (Holm 1979).

    A claim is supported where its corrected two-sided p value is below 5 % and the data are on its side, refuted where
    they are on the other, and undecided otherwise. What else the report claims, and what other reports do, makes no
    difference to it.

    Args:
        questions: that each claim answers.
        findings: what came of each, in the order of the rows.

    Returns:
        A row for every claim, in order: claim, the columns `JUDGED`, verdict, because, and provisional.
    """
    families: dict[str, dict[str, float]] = {}
    for key, found in findings.items():
        if found.evidence and isfinite(found.evidence.p):
            families.setdefault(questions[key], {})[key] = found.evidence.p
    corrected: dict[str, float] = {}
    for family in families.values():
        corrected |= zip(family, multipletests(list(family.values()), LEVEL, "holm")[1], strict=True)
    rows = [
        _row(key, finding, corrected.get(key, nan), len(families.get(questions[key], {})))
        for key, finding in findings.items()
    ]
    return pd.DataFrame(rows, columns=["claim", *JUDGED, "verdict", "because", "provisional"])


def _row(key: str, finding: Finding, p_holm: float, family: int) -> dict:
    evidence = finding.evidence
    if evidence is None:
        row = dict.fromkeys(JUDGED, nan) | dict.fromkeys(WORDED, "")
        return {"claim": key, **row, "verdict": finding.verdict, "because": finding.because, "provisional": ""}
    verdict, reason = _verdict(evidence, p_holm, family)
    several = f"the weakest of {evidence.comparisons} comparisons" if evidence.comparisons > 1 else ""
    said = "; ".join(filter(None, [reason, several, evidence.remark, finding.because]))
    because = "; ".join(dict.fromkeys(said.split("; ")))
    row = {name: getattr(evidence, name) for name in (*WORDED, "effect", "low", "high", "replicas", "p")}
    row |= {"claimed_low": evidence.claimed[0], "claimed_high": evidence.claimed[1], "p_holm": p_holm}
    level = LEVEL / max(family, 1)  # with a p value below it a claim is decided, whatever the others have
    row |= {"p_least": least_p(evidence), "effect_least": least_effect(evidence, level)}
    unsure = verdict == "undecided" and NOT_MONOTONE not in evidence.remark  # which more replicas do not change
    row |= {"replicas_needed": replicas_needed(evidence, level) if unsure else nan}
    return {"claim": key, **row, "verdict": verdict, "because": because, "provisional": finding.provisional}


def _verdict(evidence: Evidence, p_holm: float, family: int) -> tuple[str, str]:
    """Return the verdict and, where nothing is decided, the reason of this case."""
    if not isfinite(evidence.p):
        return "undecided", "fewer than two replicas"
    if p_holm < LEVEL:
        return ("supported" if evidence.p_for < evidence.p_against else "refuted"), ""
    if evidence.p < LEVEL:
        return "undecided", f"not after Holm's correction for the {family} claims on this question"
    if NOT_MONOTONE in evidence.remark:
        return "undecided", NOT_MONOTONE
    if least_p(evidence) >= LEVEL:
        return "undecided", f"{evidence.replicas} replicas are too few for a {evidence.test}"
    low, high = evidence.claimed
    if evidence.low <= high and evidence.high >= low and not (low <= evidence.low and evidence.high <= high):
        return "undecided", "the interval reaches both sides"
    return "undecided", "on one side, and not surely enough"
