"""One report of several: it is trained, drawn and judged by itself, and the pages say what was not run."""

import json
from pathlib import Path

import pytest

from netclaims.files import read_csv
from tests.pipeline.conftest import Clone, ran, ran_beside
from tests.test_readme import follow


@pytest.fixture(scope="module")
def sixth(one_training: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository of report d, with results of another scale, and of the report that the README begins."""
    found = one_training.copy(tmp_path_factory.mktemp("sixth"))
    result = found.module("netclaims.new_report", "f")
    assert result.returncode == 0, result.stderr
    follow(found.folder / "reports/f.yaml")
    found.edit("reports/f.yaml", "iterations: 20, starts: 3, probes: 20", "iterations: 4, starts: 2, probes: 2")
    return found


def test_a_report_by_the_readme_is_run_without_the_others(sixth):
    result = sixth.repro("figures@f", "claims@f")
    assert result.returncode == 0, result.stdout + result.stderr
    trained = {"train@f-capacity", "train@f-wider", "sensitivity@f-wider"}
    assert set(ran_beside(result)) - {"recipes", "prepare@mnist"} == trained | {"figures@f", "claims@f"}
    assert {path.name for path in (sixth.folder / "runs").iterdir()} == {
        "f-capacity", "f-wider", "f-wider.sensitivity.csv",
    }  # fmt: skip
    figures = {path.relative_to(sixth.folder / "plots/figures/f") for path in sixth.folder.glob("plots/figures/f/*/*")}
    assert figures == {Path("f-capacity/loss.svg"), Path("f-wider/accuracy.svg")}
    verdicts = read_csv(sixth.folder / "plots/claims/f.csv")
    assert set(verdicts["claim"]) == {"f-capacity-better", "f-wider-better"}
    assert verdicts["p"].between(0, 1).all()


def test_the_pages_say_what_was_not_run(sixth):
    result = sixth.dvc("repro", "--single-item", "ledger", "docs", "report")
    assert (result.returncode, ran(result)) == (0, ["ledger", "docs", "report"]), result.stderr
    assert "### f-wider: A wider net" in (sixth.folder / "docs/experiments.md").read_text(encoding="utf-8")
    numbers = json.loads((sixth.folder / "metrics/claims.json").read_text(encoding="utf-8"))
    assert set(numbers["verdicts"]["d"].values()) == {"not run"}
    assert "not run" not in numbers["verdicts"]["f"].values()
    assert numbers["counts"]["not run"] == len(numbers["verdicts"]["d"])
    assert numbers["tested"] == 2
    because = read_csv(sixth.folder / "plots/claims.csv").set_index("claim")["because"]
    assert set(because[list(numbers["verdicts"]["d"])]) == {"claims@d has not run at the smoke scale"}
    page = (sixth.folder / "report/index.html").read_text(encoding="utf-8")
    assert "Which claims of 2 student reports hold?" in page
    assert 'id="f-wider.accuracy"' in page


def test_nothing_of_another_report_that_was_there_is_touched(sixth):
    changed = sixth.git("status", "--porcelain", "metrics", "plots").splitlines()
    assert {line[3:] for line in changed if not line.startswith("??")} == {
        "metrics/claims.json", "plots/claims.csv", "plots/figures/claims.svg", "plots/figures/verdicts.svg",
    }  # fmt: skip


def test_an_experiment_alone_is_judged_on_what_is_there(sixth):
    """The other one of the report is gone; its claim does not take the rest with it."""
    (sixth.folder / "metrics/f/f-capacity.json").unlink()
    result = sixth.dvc("repro", "--single-item", "claims@f")
    assert result.returncode == 0, result.stderr
    verdicts = read_csv(sixth.folder / "plots/claims/f.csv").set_index("claim")
    assert verdicts.loc["f-capacity-better", ["verdict", "because"]].tolist() == [
        "not run",
        "train@f-capacity has not run",
    ]
    assert verdicts.loc["f-wider-better", "verdict"] != "not run"
