"""How long stages take on many cores: a schedule worked out by hand, and the recipes of this pipeline."""

from pathlib import Path

import pytest

from benchmarks.many_cores import Stage, makespan, split
from netclaims.paths import RECIPES

NEEDS = {"first": [], "long": ["first"], "short": [], "last": ["long", "short"]}
STAGES = {
    "first": Stage(1.0),
    "long": Stage(1.0, (3.0, 2.0, 2.0)),
    "short": Stage(1.0, (2.0,)),
    "last": Stage(2.0),
}


@pytest.mark.parametrize(
    ("cores", "at_once", "seconds"),
    [
        (1, 1, 14.0),  # all of it
        (1, 3, 14.0),
        (2, 1, 1 + 1 + 4 + 1 + 2 + 2),  # 3, and 2 + 2, beside each other
        (2, 2, 9.0),  # long starts beside the job of short; its jobs of 3, and 2 + 2, end at 5 and 7
        (16, 4, 1 + 1 + 3 + 2),  # the longest chain
    ],
)
def test_schedules_are_those_worked_out_by_hand(cores, at_once, seconds):
    assert makespan(NEEDS, STAGES, cores, at_once, between=0.0) == pytest.approx(seconds)


def test_dvc_takes_stages_one_after_another():
    needs = {name: [] for name in "abc"}
    assert makespan(needs, dict.fromkeys(needs, Stage(1.0)), 16, 16, between=0.5) == pytest.approx(2.5)


def test_work_is_spread_over_runs_and_nets():
    training = split("train", "d-capacity", 10.0, 2.0, RECIPES)
    assert training.start == 2.0
    assert sum(training.jobs) == pytest.approx(8.0)
    assert len(training.jobs) > 10
    assert training.jobs[0] > 2 * training.jobs[-1]  # larger nets take longer
    analysis = split("sensitivity", "d-sensitivity", 10.0, 2.0, RECIPES)
    assert len(set(analysis.jobs)) == 1
    assert sum(analysis.jobs) == pytest.approx(8.0)
    assert split("figures", "d", 10.0, 2.0, Path("nowhere")) == Stage(10.0)
