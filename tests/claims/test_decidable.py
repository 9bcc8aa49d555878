"""At the paper scale no claim is read such that its replicas could never decide it."""

from pathlib import Path

import pytest

from netclaims.claims.entries import Equivalence, Ordering
from netclaims.claims.judge import LEVEL
from netclaims.recipes.resolve import training, training_size
from netclaims.settings.params import load_params
from netclaims.settings.reports import load_report

ROOT = Path(__file__).parents[2]


def of_typical_nets() -> dict[str, int]:
    """How many replicas there are for every claim that is put to a sign test."""
    params = load_params(ROOT / "params.yaml").model_copy(update={"scale": "paper"})
    found = {}
    for path in sorted((ROOT / "reports").glob("*.yaml")):
        report = load_report(path)
        for key, claim in report.claims.items():
            tested = [one for one in claim.comparisons if isinstance(one, Ordering | Equivalence)]
            sides = [(one, side) for one in tested for side in (one.than if isinstance(one, Ordering) else [one.to])]
            if any(one.of_the_typical_net(side) for one, side in sides):
                nets = report.nets_of(claim.experiment)
                entry = report.experiments[nets]
                size = None if entry.data == "functions" else training_size(entry.data, params)
                found[key] = training(nets, entry, params, size).replicas
    return found


@pytest.mark.parametrize(("claim", "replicas"), of_typical_nets().items())
def test_as_many_signs_as_there_are_replicas_decide_if_all_are_alike(claim, replicas):
    assert 2 * 0.5**replicas < LEVEL, claim
