"""The paper scale in its folder, here with the settings of the smoke scale: brought home, gone on with, out of step."""

from __future__ import annotations

import signal
from time import sleep

import pandas as pd
import pytest
import yaml

from netclaims.paper.folder import RESULTS
from tests.pipeline.conftest import Clone

KEYS = ["e-trajectory", "e-simulate"]


@pytest.fixture(scope="module")
def paper(tmp_path_factory) -> Clone:
    """A copy of the repository with one report and none of the results at the paper scale."""
    clone = Clone.of_the_working_tree(tmp_path_factory.mktemp("paper"))
    clone.keep(["e"])
    clone.git(
        "rm", "-rq", "--ignore-unmatch", *(f"{RESULTS}/{name}" for name in ("metrics", "plots", "recipes", "docs"))
    )
    clone.git("rm", "-q", "--ignore-unmatch", f"{RESULTS}/dvc.lock", f"{RESULTS}/costs.csv")
    (clone.folder / RESULTS / "settings.yaml").write_text("scale: smoke\nseed: 7\n", encoding="utf-8")
    clone.git("add", "-A")
    clone.git("commit", "-qm", "the paper scale is that of the tests")
    return clone


def brought(clone: Clone) -> set[str]:
    """The stages of which `results/paper` has a line."""
    lock = clone.folder / RESULTS / "dvc.lock"
    return set(yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]) if lock.exists() else set()


def test_killed_it_goes_on_and_what_is_done_is_brought_home(paper):
    """In one test, since each run takes its time."""
    results, log = paper.folder / RESULTS, paper.folder / "log"
    before = paper.git("status", "--porcelain")
    process = paper.start("netclaims.paper", *KEYS, log=log)
    while process.poll() is None and "train@e-trajectory: " not in log.read_text(encoding="utf-8"):
        sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    log.unlink()
    assert not {"fit@e-simulate"} & brought(paper)

    said = paper.module("netclaims.paper", *KEYS)
    assert said.returncode == 0, said.stderr
    assert "train@e-trajectory: from the cache" in said.stdout
    assert "e-simulate: brought to results/paper (" in said.stdout
    assert {"train@e-trajectory", "pca@e-trajectory", "claims@e", "ledger"} <= brought(paper)
    assert not {"train@e-actual-task", "sensitivity@e-sensitivity"} & brought(paper)
    assert {"train@e-simulate", "fit@e-simulate"} <= brought(paper)
    for path in ("metrics/e/e-simulate.fit.json", "plots/e/e-trajectory/pca.csv", "recipes/pca/e-trajectory.json",
                 "docs/claims.md", "plots/figures/e/e-simulate/fit.svg"):  # fmt: skip
        assert (results / path).is_file(), path
    costs = pd.read_csv(results / "costs.csv").set_index("stage")
    assert (costs.loc["fit@e-simulate"] > 0).all()
    changed = paper.git("status", "--porcelain").splitlines()
    assert [line for line in changed if "results/paper/" not in line] == before.splitlines()  # nothing else is touched

    said = paper.module("netclaims.paper", *KEYS)
    assert said.returncode == 0
    assert said.stdout.splitlines()[-1].startswith("2 of ")
    assert paper.module("netclaims.paper.in_step").stdout == ""


def test_what_is_out_of_step_is_named_with_the_reason(paper):
    paper.edit("src/netclaims/analysis/fit.py", "from __future__", "REASON = 1\nfrom __future__")
    said = paper.module("netclaims.paper.in_step")
    lines = said.stdout.splitlines()
    paper.restore()
    assert said.returncode == 0
    assert [line.split(": ")[1] for line in lines if "netclaims.analysis.fit" in line] == ["fit@e-simulate"]


def test_an_unknown_experiment_is_refused_in_a_line(paper):
    said = paper.module("netclaims.paper", "e-simulated")
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("no experiment e-simulated; there are e-actual-task, ")
