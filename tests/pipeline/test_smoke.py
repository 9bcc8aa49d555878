"""The whole pipeline at the smoke scale, in a copy of the repository."""

import json
import re

import pytest

DATA = {"prepare@functions", "prepare@mnist", "prepare@cifar10"}
IN_BATCHES = {
    "train@d-actual-task",
    "train@d-trajectory",
    "train@d-gradient-norm",
    "train@d-random-labels",
    "train@d-capacity",
}
OWN_BATCHES = {"train@d-simulate", "train@d-minimal-ratio", "train@d-interpolation", "train@d-sensitivity"}
OWN_REPLICAS = {"train@d-trajectory", "train@d-minimal-ratio"}
TRAINING = IN_BATCHES | OWN_BATCHES
ANALYSES = {
    "fit@d-simulate",
    "pca@d-trajectory",
    "gradient@d-gradient-norm",
    "hessian@d-minimal-ratio",
    "interpolate@d-interpolation",
    "sensitivity@d-sensitivity",
}
FIGURES = {stage.replace("train", "figures") for stage in TRAINING}
ALL = {"check"} | DATA | TRAINING | ANALYSES | FIGURES


def ran(result):
    return re.findall(r"^Running stage '(.+)':$", result.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def smoke(clone):
    """The copy after a run at the smoke scale, committed."""
    clone.edit("params.yaml", "scale: quick", "scale: smoke")
    result = clone.dvc("repro")
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(ran(result)) == ALL
    clone.git("add", "-A")
    clone.git("commit", "-qm", "smoke")
    return clone


def test_every_metric_says_its_scale_and_data(smoke):
    files = sorted((smoke.folder / "metrics").glob("*.json"))
    assert len(files) == len(TRAINING | ANALYSES)
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["scale"] == "smoke"
        assert content["data"]


def test_every_figure_is_drawn(smoke):
    figures = list((smoke.folder / "plots" / "figures").glob("*/*.svg"))
    assert {f"figures@{path.parent.name}" for path in figures} == FIGURES
    assert all("<svg" in path.read_text(encoding="utf-8") for path in figures)


def test_a_second_run_does_nothing(smoke):
    result = smoke.dvc("repro")
    assert ran(result) == []
    assert smoke.stages_to_run() == set()


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("params.yaml", "batch_size: 64", "batch_size: 32"), IN_BATCHES),
        (("params.yaml", "replicas: 3 ", "replicas: 2 "), TRAINING - OWN_REPLICAS),
        (("params.yaml", "seed: 0", "seed: 1"), TRAINING | {"hessian@d-minimal-ratio"}),
        (("params.yaml", "dense: 5000", "dense: 5001"), set()),
        (("params.yaml", "functions: 30 ", "functions: 31 "), TRAINING),
        (("params.yaml", "train_size: 200", "train_size: 150"), DATA),
        (("reports/d.yaml", "M1: {layers: [64, 32, 10], parameters: 52650}", "M1: {layers: [60, 32, 10]}"),
         {"train@d-capacity"}),
        (("reports/d.yaml", "radius: 1.0e-3", "radius: 1.0e-2"), {"hessian@d-minimal-ratio"}),
        (("reports/d.yaml", "Accuracy against size", "Accuracy by size"), {"figures@d-capacity"}),
        (("src/netclaims/present/style.py", "#E4E4E4", "#E5E5E5"), FIGURES),
        (("src/netclaims/analysis/gradient.py", "first_tenth", "first_part"), ANALYSES),
        (("stages/train.py", "Train experiment", "Train the experiment"), TRAINING),
        (("src/netclaims/learn/streams.py", ">> 1", ">> 2"), ALL - {"check"}),
        (("README.md", "# netclaims", "# Netclaims"), None),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_change_reruns_what_depends_on_it_and_nothing_else(smoke, edit, expected):
    smoke.edit(*edit)
    try:
        found = smoke.stages_to_run()
    finally:
        smoke.restore()
    assert found == (set() if expected is None else expected | ({"check"} if edit[0] != "stages/train.py" else set()))


def test_a_batch_size_reruns_the_trainings_that_follow_it_and_what_comes_after(smoke):
    result = smoke.dvc("exp", "run", "-S", "batch_size=32")
    assert result.returncode == 0, result.stdout + result.stderr
    after = {"pca@d-trajectory", "gradient@d-gradient-norm"}
    figures = {stage.replace("train", "figures") for stage in IN_BATCHES}
    assert set(ran(result)) == {"check"} | IN_BATCHES | after | figures
    assert "batch_size" in smoke.dvc("params", "diff").stdout
    html = smoke.dvc("plots", "diff", "HEAD")
    assert html.returncode == 0, html.stderr
    smoke.restore()
    smoke.dvc("checkout")


def test_a_forced_rerun_gives_the_same_bytes(smoke):
    before = (smoke.folder / "dvc.lock").read_bytes()
    result = smoke.dvc("repro", "--force")
    assert set(ran(result)) == ALL
    assert (smoke.folder / "dvc.lock").read_bytes() == before
    assert smoke.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("params.yaml", "scale: smoke", "scale: huge"), "params.yaml: scale: no 'huge'"),
        (("params.yaml", "batch_size: 64", "batch_size: 0"), "params.yaml: batch_size: "),
        (("reports/d.yaml", "optimiser: [adam, sgd, rmsprop]", "optimiser: [adam, sdg]"),
         "reports/d.yaml: experiments.d-simulate.tune.optimiser.1: "),
        (("reports/d.yaml", "M1: {layers: [64, 32, 10]", "M1: {layers: [65, 32, 10]"),
         "reports/d.yaml: experiments.d-capacity.models.M1: has 53,4"),
        (("reports/d.yaml", "title: Random labels", "titel: Random labels"),
         "reports/d.yaml: experiments.d-random-labels.titel: unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_settings_stops_everything_with_one_line(smoke, edit, message):
    smoke.edit(*edit)
    result = smoke.dvc("repro")
    try:
        assert result.returncode != 0
        said = result.stdout + result.stderr
        assert message in said or "failed to parse" in said
        assert "Traceback" not in said
        assert set(ran(result)) <= {"check"}
        assert smoke.git("status", "--porcelain", "metrics", "plots", "dvc.lock") == ""
    finally:
        smoke.restore()
