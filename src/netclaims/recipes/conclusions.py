"""What a report concludes, as the stage that judges it has to know it."""

from __future__ import annotations

from typing import Any

from netclaims.claims.entries import Claim, ClaimTest
from netclaims.recipes.resolve import plain_nets
from netclaims.settings.params import Params
from netclaims.settings.reports import Report
from netclaims.settings.schema import Settings
from netclaims.training.settings import Training


def conclusions(
    params: Params, report: Report, trainings: dict[str, Training], analyses: dict[tuple[str, str], dict], made_by: str
) -> dict[str, Any]:
    """Resolve what there is to judge: the settings of `claims.judge.Conclusions`.

    Args:
        params: the knobs.
        report: whose claims these are.
        trainings: every experiment, resolved.
        analyses: the settings of every analysis, by kind and name.
        made_by: digest of the recipes of the report's trainings and analyses.
    """
    lines = {key: (found["over"], found["between"]) for (kind, key), found in analyses.items() if kind == "interpolate"}
    looked_at = [key for claim in report.claims.values() for key in (claim.experiment, claim.again) if key]
    keys = dict.fromkeys([*looked_at, *report.results])
    nets = {key: report.nets_of(key) for key in keys}
    return {
        "seed": params.seed,
        "scale": params.scale,
        "experiments": {key: plain_nets(trainings[key]) for key in dict.fromkeys(nets.values())},
        "looks": {key: {"nets": nets[key], "line": lines.get(key)} for key in keys},
        "claims": {key: _sentence(claim) for key, claim in report.claims.items()},
        "stated": {key: {name: _dump(one) for name, one in numbers.items()} for key, numbers in report.results.items()},
        "made_by": made_by,
    }


def _dump(block: Settings) -> dict[str, Any]:
    return block.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _sentence(claim: Claim) -> dict[str, Any]:
    """Return a claim as far as its verdict depends on it: not how its words were read, or in which words it answers."""
    test = {name: value for name, value in _dump(claim).items() if name in ClaimTest.model_fields}
    said = {"experiment": claim.experiment, "question": claim.question, "quote": claim.quote, "test": test}
    return said | ({"again": claim.again} if claim.again else {})
