"""What figures and pages have to know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from netclaims.claims.entries import Claim
from netclaims.present.shown_claim import ShownClaim
from netclaims.recipes.facts import facts_of_report
from netclaims.recipes.resolve import effective
from netclaims.settings.figures import FiguresSettings
from netclaims.settings.params import Params
from netclaims.settings.reports import Report
from netclaims.training.settings import Training


def pages(
    params: Params, reports: list[Report], trainings: dict[str, Training]
) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Yield stage, key and settings of what draws and writes.

    Args:
        params: the knobs.
        reports: all of them.
        trainings: every experiment, resolved.
    """
    facts = {report.name: [asdict(fact) for fact in facts_of_report(report)] for report in reports}
    claims = {key: asdict(_shown(claim)) for report in reports for key, claim in report.claims.items()}
    drawn = {
        key: {"nets": entry.nets, "question": entry.question, "draw": _draw(entry, trainings[entry.nets], report)}
        for report in reports
        for key, entry in report.figures.items()
    }
    for report in reports:
        of_report = {key: {part: drawn[key][part] for part in ("nets", "draw")} for key in report.figures}
        yield "figures", report.name, {"figures": of_report}
    yield "docs", None, {"reports": facts}
    yield "ledger", None, {"scale": params.scale, "claims": claims}
    yield "report", None, {
        "scale": params.scale, "seed": params.seed, "batch_size": params.batch_size,
        "facts": [fact for of_report in facts.values() for fact in of_report],
        "figures": {key: {part: found[part] for part in ("question", "draw")} for key, found in drawn.items()},
        "claims": claims,
    }  # fmt: skip


def _draw(entry: FiguresSettings, nets: Training, report: Report) -> dict[str, dict]:
    """Return the figures of an experiment; tables have the batch sizes that were trained, at most the training set."""
    classes = report.experiments[entry.nets].outputs(next(iter(nets.models)))
    return {
        name: asdict(figure.plain(classes))
        | {"only": {column: effective(column, value, nets.train_size) for column, value in figure.only.items()}}
        for name, figure in entry.draw.items()
    }


def _shown(claim: Claim) -> ShownClaim:
    return ShownClaim(
        report=claim.report,
        quote=claim.quote,
        part=claim.part,
        experiment=claim.experiment,
        question=claim.question,
        answer=claim.answer,
        figure=claim.figure,
        read=claim.read,
        kind=claim.kind,
        tested=bool(claim.comparisons),
    )
