"""What the reports conclude, as the stage that judges it has to know it."""

from __future__ import annotations

from typing import Any

from netclaims.claims.entries import Claim, ClaimTest
from netclaims.paths import report_of
from netclaims.recipes.resolve import plain_nets
from netclaims.settings.params import Params
from netclaims.settings.reports import Report
from netclaims.settings.schema import Settings
from netclaims.training.settings import Training


def conclusions(
    params: Params, reports: list[Report], trainings: dict[str, Training], analyses: dict[tuple[str, str], dict]
) -> dict[str, Any]:
    """Resolve what there is to judge: the settings of `claims.ledger.Conclusions`.

    Args:
        params: the knobs.
        reports: all of them.
        trainings: every experiment, resolved.
        analyses: the settings of every analysis, by kind and name.
    """
    lines = {key: (found["over"], found["between"]) for (kind, key), found in analyses.items() if kind == "interpolate"}
    claims = {key: claim for report in reports for key, claim in report.claims.items()}
    stated = {key: numbers for report in reports for key, numbers in report.results.items()}
    keys = dict.fromkeys([*(claim.experiment for claim in claims.values()), *stated])
    by_name = {report.name: report for report in reports}
    nets = {key: by_name[report_of(key)].nets_of(key) for key in keys}
    return {
        "seed": params.seed,
        "scale": params.scale,
        "experiments": {key: plain_nets(trainings[key]) for key in dict.fromkeys(nets.values())},
        "looks": {key: {"nets": nets[key], "line": lines.get(key)} for key in keys},
        "claims": {key: _sentence(claim) for key, claim in claims.items()},
        "stated": {key: {name: _dump(one) for name, one in numbers.items()} for key, numbers in stated.items()},
    }


def _dump(block: Settings) -> dict[str, Any]:
    return block.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _sentence(claim: Claim) -> dict[str, Any]:
    """Return a claim as far as its verdict depends on it: not how its words were read, or what it answers."""
    test = {name: value for name, value in _dump(claim).items() if name in ClaimTest.model_fields}
    return {"report": claim.report, "experiment": claim.experiment, "quote": claim.quote, "test": test}
