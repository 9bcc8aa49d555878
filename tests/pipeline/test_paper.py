"""The paper scale in its folder, here with the settings of the smoke scale: brought home, gone on with, out of step."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from contextlib import suppress

import pandas as pd
import pytest
import yaml
from dvc.config import Config
from dvc.repo import Repo

from netclaims.paper.folder import RESULTS
from tests.pipeline.conftest import Clone
from tests.pipeline.facts import REPORTS, without

KEYS = ["e-trajectory", "e-simulate"]
CONCLUDED = {"claims@e", "figures@e", "ledger"}
CONTENTS = {"e": without(REPORTS["e"], REPORTS["e"]["figures"].keys() - {*KEYS, "e-gradient-norm"})}


@pytest.fixture(scope="module")
def paper(tree, tmp_path_factory) -> Clone:
    """A copy of the repository with two experiments of a report and none of the results at the paper scale."""
    clone = tree.copy(tmp_path_factory.mktemp("paper"))
    clone.keep(["e"])
    clone.shorten(CONTENTS)
    clone.git(
        "rm",
        "-rq",
        "--ignore-unmatch",
        *(f"{RESULTS}/{name}" for name in ("metrics", "plots", "recipes", "docs", "runs")),
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


def files(clone: Clone) -> dict[str, bytes]:
    """What lies in `results/paper`, but for what the runs took."""
    folder = clone.folder / RESULTS
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "costs.csv"
    }


def elsewhere(clone: Clone) -> list[str]:
    """What has changed, but for `results/paper`."""
    return [line for line in clone.git("status", "--porcelain").splitlines() if "results/paper/" not in line]


@pytest.fixture(scope="module")
def trained(paper) -> tuple[set[str], dict[str, bytes]]:
    """What is brought home of an experiment of which an analysis fails."""
    paper.edit("stages/pca.py", "@command", "raise SystemExit('no plane')\n@command")
    paper.git("commit", "-qam", "an analysis fails")
    said = paper.paper("e-trajectory")
    paper.git("reset", "-q", "--hard", "HEAD~")
    assert said.returncode == 1
    assert "train@e-trajectory: brought to results/paper (0 of 2 experiments)" in said.stdout
    assert "pca@e-trajectory failed: " in said.stderr
    return brought(paper), files(paper)


def test_a_training_is_brought_home_before_the_analyses_of_its_nets(trained):
    stages, there = trained
    drawn = {name.rpartition("/")[2] for name in there if name.startswith("plots/figures/e/e-trajectory/")}
    assert stages == {"prepare@functions", "train@e-trajectory", "gradient@e-gradient-norm", *CONCLUDED}
    assert "metrics/e/e-trajectory.json" in there
    assert not any("pca" in name for name in there)
    assert drawn == set()
    assert b"pca@e-trajectory has not run" in there["plots/claims.csv"]


@pytest.fixture(scope="module")
def done(paper, trained) -> Clone:
    """The same, with an experiment that is done."""
    before = elsewhere(paper)
    said = paper.paper("e-trajectory")
    assert said.returncode == 0, said.stderr
    assert "e-trajectory: brought to results/paper (1 of 2 experiments)" in said.stdout
    assert elsewhere(paper) == before  # nothing else is touched
    return paper


def test_what_is_done_is_brought_home(done):
    stages = {"train@e-trajectory", "gradient@e-gradient-norm", "pca@e-trajectory"}
    assert brought(done) == {"prepare@functions", *stages, *CONCLUDED}
    there = set(files(done))
    assert {"metrics/e/e-trajectory.json", "plots/e/e-trajectory/pca.csv", "recipes/pca/e-trajectory.json",
            "docs/claims.md", "plots/figures/e/e-trajectory/loss-along-path.svg"} <= there  # fmt: skip
    assert {name for name in there if name.startswith("runs/")} == {
        *(f"runs/e-trajectory/{table}.csv" for table in ("history", "nets", "steps")), "runs/e-trajectory.pca.csv",
    }  # fmt: skip
    assert not [name for name in there if "e-simulate" in name]
    costs = pd.read_csv(done.folder / RESULTS / "costs.csv").set_index("stage")
    assert set(costs.index) == {"prepare@functions", *stages}
    assert costs.loc["train@e-trajectory", "gigabytes"] > 0
    assert done.module("netclaims.paper.in_step").stdout == ""
    with Repo(str(done.folder)) as here, Repo(str(done.folder / "paper")) as there:
        assert here.cache.local.path == there.cache.local.path  # nothing is stored twice


def test_killed_at_any_moment_it_goes_on(done, tmp_path, request):
    """`--kills`: each time later than before, until it is done; the results are those of a run that went through."""
    if not request.config.getoption("--kills"):
        pytest.skip("takes minutes: --kills 1")
    whole, killed = done.copy(tmp_path / "whole"), done.copy(tmp_path / "killed")
    for clone in (whole, killed):
        clone.git("worktree", "prune")
        shutil.rmtree(clone.folder / "paper")
    assert whole.paper(*KEYS).returncode == 0
    log, times = killed.folder / "log", 0
    for seconds in (1, 3, 5, 7, 9, 11, 13, 60):
        process = killed.start("netclaims.paper", *KEYS, log=log)
        with suppress(subprocess.TimeoutExpired):
            assert process.wait(seconds) == 0
            break
        process.kill()
        process.wait()
        times += 1
    assert times >= 5
    log.unlink()
    assert files(killed) == files(whole)


def test_what_is_out_of_step_is_named_with_the_reason(done):
    done.edit("src/netclaims/analysis/weight_pca.py", "from __future__", "REASON = 1\nfrom __future__")
    said = done.module("netclaims.paper.in_step")
    done.git("checkout", "-q", "--", "src", "reports")
    assert said.returncode == 0
    told = dict(line.removeprefix("results/paper: ").split(": ", 1) for line in said.stdout.splitlines())
    assert told.pop("claims@e").startswith("made_by: ")  # which stands for the recipes of all its experiments
    assert told == {"pca@e-trajectory": "netclaims.analysis.weight_pca; `make paper` runs it again"}


def test_verdicts_are_judged_anew_where_there_are_no_trained_nets(done, tmp_path):
    """As in a clone of the repository: what Git holds of the replicas is enough, and nothing trains."""
    clone = done.copy(tmp_path / "clone")
    clone.git("worktree", "prune")
    for folder in ("paper", ".dvc/cache"):
        shutil.rmtree(clone.folder / folder)
    before = files(clone)
    with Config(str(clone.folder / ".dvc")).edit("local") as local:  # a remote of one's own, that Git does not hold
        local["remote"]["store"] = {"url": str(tmp_path / "store")}
        local["core"]["remote"] = "store"
    clone.edit("reports/e.yaml", "counted == 571", "counted == 572")
    clone.git("commit", "-qam", "another reading")
    said = clone.paper("e-trajectory")
    assert said.returncode == 0, said.stderr
    assert "train@" not in said.stdout + said.stderr
    assert clone.module("netclaims.paper.in_step").stdout == ""
    differ = {name for name, content in files(clone).items() if content != before[name]}
    assert {"plots/claims/e.csv", "docs/claims.md", "metrics/claims.json"} <= differ
    assert not {name for name in differ if name.startswith(("runs/", "metrics/e/", "plots/e/"))}
    with Repo(str(clone.folder / "paper")) as there:  # `dvc push` and `dvc pull` there know it
        assert there.cloud.get_remote().path == str(tmp_path / "store")


def test_what_lacks_the_tables_of_its_replicas_is_done_again_and_named_until_then(done, tmp_path):
    clone = done.copy(tmp_path / "clone")
    clone.git("worktree", "prune")
    shutil.rmtree(clone.folder / "paper")
    before = files(clone)
    (clone.folder / RESULTS / "runs" / "e-trajectory.pca.csv").unlink()
    clone.git("add", "-A")
    clone.git("commit", "-qm", "a table is gone")
    said = clone.module("netclaims.paper.in_step").stdout
    assert said == "results/paper: pca@e-trajectory: no tables of its replicas; `make paper` runs it again\n"
    assert clone.paper("e-trajectory").returncode == 0
    assert files(clone) == before


def test_what_nothing_is_concluded_from_yet_is_named(done):
    lock = done.folder / RESULTS / "dvc.lock"
    whole = lock.read_text(encoding="utf-8")
    stages = yaml.safe_load(whole)["stages"]
    lock.write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {name: of for name, of in stages.items() if name != "claims@e"}}),
        encoding="utf-8",
    )
    said = done.module("netclaims.paper.in_step").stdout
    lock.write_text(whole, encoding="utf-8")
    assert said == "results/paper: claims@e: older than what it is made of; `make paper` runs it again\n"


def test_data_that_were_prepared_otherwise_are_prepared_anew_and_a_verdict_that_fails_is_told_by_the_status(done):
    """Who reads the same data as before does not train again: the digest of code that prepares is in no such recipe."""
    first = "from __future__ import annotations\n"
    done.edit("src/netclaims/data/prepare.py", first, f"{first}REASON = 1\n")
    done.edit("stages/claims.py", "@command", "raise SystemExit('no verdict')\n@command")
    done.git("commit", "-qam", "prepared otherwise, to the same end, and not judged")
    assert "prepare@functions: netclaims.data.prepare" in done.module("netclaims.paper.in_step").stdout
    said = done.paper("e-trajectory")
    assert "prepare@functions: " in said.stdout
    assert "train@e-trajectory" not in said.stdout
    assert "prepare@" not in done.module("netclaims.paper.in_step").stdout
    assert said.returncode == 1
    assert "claims@e failed" in said.stderr
    done.git("checkout", "-q", "HEAD~", "--", "stages", "src")
    done.git("commit", "-qm", "as before")


def test_an_unknown_experiment_is_refused_in_a_line(paper):
    said = paper.paper("e-simulated")
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("no experiment e-simulated; there are e-simulate, ")


def test_a_second_run_is_refused_before_it_touches_what_the_first_one_writes(done):
    """The folder's own files stand for results that are not brought home yet."""
    written = done.folder / "paper" / "metrics" / "e" / "e-simulate.json"
    written.write_text("{}", encoding="utf-8")
    with (done.folder / ".dvc" / "tmp" / "paper.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = done.paper()
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "the paper scale runs already; stop that, or wait for its end\n"
    assert written.read_text(encoding="utf-8") == "{}"
    written.unlink()
