"""All claims, and their verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite, nan

import pandas as pd
from statsmodels.stats.multitest import multipletests
from tqdm import tqdm

from netclaims.claims.arithmetic import work_out
from netclaims.claims.compare import compare
from netclaims.claims.entries import ClaimTest, Comparison, operands
from netclaims.claims.evidence import Evidence, weakest
from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.operands import Wanted
from netclaims.claims.stated_entries import Stated
from netclaims.claims.verdicts import VERDICTS
from netclaims.errors import attempt
from netclaims.experiment import Experiment
from netclaims.files import read_json, write_json, write_table
from netclaims.paths import METRICS, PLOTS, metrics_of, report_path

LEVEL = 0.05
SAID = ["claim", "report", "experiment", "kind", "scale", "data", "epochs", "epochs_stated", "quote"]
COLUMNS = ["unit", "effect", "low", "high", "claimed_low", "claimed_high", "replicas", "p", "p_holm"]


@dataclass(frozen=True)
class Sentence:
    """A claim, as far as its verdict depends on it.

    Attributes:
        report: that makes it.
        experiment: the experiment or analysis, whose tables it is tested on.
        quote: the report's words.
        test: how it is tested.
    """

    report: str
    experiment: str
    quote: str
    test: ClaimTest


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
    """What the reports conclude: the settings of the `claims` recipe.

    Attributes:
        seed: of permutations and bootstraps.
        scale: that the nets have to be trained at to count.
        experiments: every experiment by its name.
        looks: what each experiment and analysis looks at.
        claims: every claim by its name, in the order of the reports.
        stated: numbers that the reports state, by experiment or analysis, and name.
    """

    seed: int
    scale: str
    experiments: dict[str, Experiment]
    looks: dict[str, Look]
    claims: dict[str, Sentence]
    stated: dict[str, dict[str, Stated]]

    def tables(self) -> dict[str, Tables]:
        """Return the tables of every experiment and analysis."""
        return {
            key: Tables(key, self.experiments[look.nets], self.scale, look.line) for key, look in self.looks.items()
        }


@dataclass(frozen=True)
class Finding:
    """What came of a claim before all of them are judged together: evidence, or a verdict that needs none."""

    evidence: Evidence | None = None
    verdict: str | None = None
    because: str = ""


def find(claim: ClaimTest, tables: Tables, seed: int) -> Finding:
    """Put one claim to the test.

    Args:
        claim: how a sentence is tested.
        tables: what there is to test it on.
        seed: of permutations and bootstraps.

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
        return Finding(weakest([compare(comparison, tables, seed) for comparison in claim.comparisons]))
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
        seed: of permutations and bootstraps.

    Raises:
        DataError: a table is not as its stage wrote it.
    """
    found = {}
    for key, claim in tqdm(claims.items(), desc="claims", leave=False, disable=None):
        found[key] = attempt(
            f"{report_path(key)}: claims.{key}",
            partial(find, claim.test, tables[claim.experiment], seed),
            lambda reason: Finding(verdict="not testable", because=f"the test failed: {reason}"),
        )
    return found


def _number(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(_number, value))
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def judge(findings: dict[str, Finding]) -> pd.DataFrame:
    """Judge every claim, at a family-wise error rate of 5 % for all that are tested (Holm 1979).

    A claim is supported where its corrected two-sided p value is below 5 % and the data are on its side, refuted where
    they are on the other, and undecided otherwise.

    Returns:
        A row for every claim, in order: claim, unit, effect, low, high, claimed_low, claimed_high, replicas, p, p_holm,
        verdict, because.
    """
    tested = {key: found.evidence for key, found in findings.items() if found.evidence and isfinite(found.evidence.p)}
    corrected = {}
    if tested:
        p_values = multipletests([evidence.p for evidence in tested.values()], LEVEL, "holm")[1]
        corrected = dict(zip(tested, p_values, strict=True))
    rows = [_row(key, finding, corrected.get(key, nan)) for key, finding in findings.items()]
    return pd.DataFrame(rows, columns=["claim", *COLUMNS, "verdict", "because"])


def _row(key: str, finding: Finding, p_holm: float) -> dict:
    evidence = finding.evidence
    if evidence is None:
        numbers = dict.fromkeys(COLUMNS, nan) | {"unit": ""}
        return {"claim": key, **numbers, "verdict": finding.verdict, "because": finding.because}
    verdict, reason = _verdict(evidence, p_holm)
    numbers = [evidence.unit, evidence.effect, evidence.low, evidence.high, *evidence.claimed, evidence.replicas,
               evidence.p, p_holm]  # fmt: skip
    several = f"the weakest of {evidence.comparisons} comparisons" if evidence.comparisons > 1 else ""
    because = "; ".join(filter(None, [reason, several, evidence.remark]))
    return {"claim": key, **dict(zip(COLUMNS, numbers, strict=True)), "verdict": verdict, "because": because}


def _verdict(evidence: Evidence, p_holm: float) -> tuple[str, str]:
    if not isfinite(evidence.p):
        return "undecided", "fewer than two replicas"
    if p_holm < LEVEL:
        return ("supported" if evidence.p_for < evidence.p_against else "refuted"), ""
    if evidence.p < LEVEL:
        return "undecided", "not after Holm's correction"
    return "undecided", "the replicas differ too much" if evidence.low < evidence.high else "too few replicas"


def counts(verdicts: Iterable[str]) -> dict[str, int]:
    """Count the claims of every verdict."""
    found = list(verdicts)
    return {name: found.count(name) for name in VERDICTS}


def write_ledger(claims: dict[str, Sentence], looks: dict[str, Look], judged: pd.DataFrame, scale: str) -> None:
    """Write `metrics/claims.json`, the counts and the verdicts, and `plots/claims.csv`, a row for every claim.

    Args:
        claims: every claim by its name.
        looks: which nets they are about, by experiment or analysis.
        judged: as `judge` gives it.
        scale: that of the runs.
    """
    said = [
        read_json(metrics_of(looks[claim.experiment].nets))
        | {"claim": key, "report": claim.report, "experiment": claim.experiment}
        | {"kind": claim.test.kind, "quote": claim.quote}
        for key, claim in claims.items()
    ]
    said = pd.DataFrame(said, columns=SAID)
    judged = judged.replace([inf, -inf], nan).astype({"replicas": "Int64"})
    write_table(PLOTS / "claims.csv", said.merge(judged, on="claim"))
    verdicts: dict[str, dict[str, str]] = {}
    for key, verdict in zip(judged["claim"], judged["verdict"], strict=True):
        verdicts.setdefault(claims[key].report, {})[key] = verdict
    numbers = {"scale": scale, "claims": len(judged), "tested": int(judged["p"].notna().sum())}
    write_json(METRICS / "claims.json", numbers | {"counts": counts(judged["verdict"]), "verdicts": verdicts})
