"""The whole pipeline at the smoke scale, in a copy of the repository."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
REPORTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "reports").glob("*.yaml")}
EXPERIMENTS = {key: entry for report in REPORTS.values() for key, entry in report["experiments"].items()}
KINDS = ["fit", "pca", "gradient", "hessian", "interpolate", "sensitivity"]
NETS = {f"{kind}@{key}": entry["nets"]
        for report in REPORTS.values() for kind in KINDS for key, entry in report.get(kind, {}).items()}  # fmt: skip


def trainings(condition):
    return {f"train@{key}" for key, entry in EXPERIMENTS.items() if condition(entry)}


def analyses(trained):
    """The analyses of the nets of these trainings."""
    return {stage for stage, nets in NETS.items() if f"train@{nets}" in trained}


DATA = {"prepare@functions", "prepare@mnist", "prepare@cifar10"}
TRAINING = trainings(lambda entry: True)
IN_BATCHES = trainings(lambda entry: "batch_size" not in {**entry, **entry.get("sweep", {}), **entry.get("tune", {})})
OWN_REPLICAS = trainings(lambda entry: "replicas" in entry)
ANALYSES = set(NETS)
RANDOM = {stage for stage in ANALYSES if stage.startswith(("hessian", "pca", "sensitivity"))}
FIGURES = {f"figures@{report}" for report in REPORTS}
CLAIMS = {"claims", "ledger"}
ALL = {"check", "docs", "report"} | DATA | TRAINING | ANALYSES | FIGURES | CLAIMS


def test_the_five_reports_are_there():
    assert sorted(REPORTS) == ["a", "b", "c", "d", "e"]
    assert (len(TRAINING), len(ANALYSES), len(IN_BATCHES), len(OWN_REPLICAS)) == (43, 39, 15, 9)
    assert len(ALL) > 80


def ran(result):
    return re.findall(r"^Running stage '(.+)':$", result.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def smoke(clone):
    """The copy after a run at the smoke scale, committed."""
    clone.edit("params.yaml", "scale: quick", "scale: smoke")
    result = clone.dvc("repro")
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(ran(result)) == ALL - {"docs"}  # which says nothing of the scale
    clone.git("add", "-A")
    clone.git("commit", "-qm", "smoke")
    return clone


def test_every_metric_says_its_scale_and_data(smoke):
    files = sorted((smoke.folder / "metrics").glob("*/*.json"))
    assert len(files) == len(TRAINING | ANALYSES)
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["scale"] == "smoke"
        assert content["data"]


def test_every_claim_has_a_verdict(smoke):
    found = json.loads((smoke.folder / "metrics" / "claims.json").read_text(encoding="utf-8"))
    assert found["scale"] == "smoke"
    assert {report: set(verdicts) for report, verdicts in found["verdicts"].items()} == {
        report: set(content["claims"]) for report, content in REPORTS.items()
    }
    assert sum(found["counts"].values()) == found["claims"]
    page = (smoke.folder / "docs" / "claims.md").read_text(encoding="utf-8")
    assert "**smoke** scale" in page
    assert all(f'<a id="{key}">' in page for content in REPORTS.values() for key in content["claims"])


def test_every_stated_number_has_ours_beside_it(smoke):
    found = json.loads((smoke.folder / "metrics" / "stated.json").read_text(encoding="utf-8"))
    assert found.pop("scale") == "smoke"
    entries = {key: numbers for content in REPORTS.values() for key, numbers in content.get("results", {}).items()}
    assert {key: list(numbers) for key, numbers in found.items()} == {key: list(said) for key, said in entries.items()}
    for key, numbers in found.items():
        for name, number in numbers.items():
            assert number["stated"] == entries[key][name]["stated"]
            assert (number["mean"] is None) == (number["replicas"] == 0)
            assert number["mean"] is not None or number["remark"]


def test_every_figure_is_drawn(smoke):
    folder = smoke.folder / "plots" / "figures"
    declared = {Path(report, key, f"{name}.svg") for report, content in REPORTS.items()
                for key, entry in content["figures"].items() for name in entry["draw"]}  # fmt: skip
    declared |= {Path("claims.svg"), Path("verdicts.svg")}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == declared
    assert all("<svg" in (folder / path).read_text(encoding="utf-8") for path in declared)


def test_the_report_page_is_that_of_the_run(smoke):
    page = (smoke.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "<strong>smoke</strong> scale" in page
    assert all(
        f'<article class="card" id="{key}"' in page for content in REPORTS.values() for key in content["figures"]
    )


def test_every_experiment_of_every_report_has_a_figure():
    for report in REPORTS.values():
        keys = {key for section, entries in report.items() if section not in ("figures", "results", "claims")
                for key in entries}  # fmt: skip
        assert keys == set(report["figures"])


def test_metrics_hold_the_parameter_count_of_every_model(smoke):
    for key, entry in EXPERIMENTS.items():
        metrics = json.loads((smoke.folder / "metrics" / entry["report"] / f"{key}.json").read_text(encoding="utf-8"))
        assert list(metrics["models"]) == list(entry["models"])
        for name, model in entry["models"].items():
            assert metrics["models"][name]["parameters"] == model.get(
                "parameters", metrics["models"][name]["parameters"]
            )


def test_a_second_run_does_nothing(smoke):
    result = smoke.dvc("repro")
    assert ran(result) == []
    assert smoke.stages_to_run() == set()


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("params.yaml", "batch_size: 64", "batch_size: 32"), IN_BATCHES),
        (("params.yaml", "replicas: 5 ", "replicas: 2 "), TRAINING - OWN_REPLICAS),
        (("params.yaml", "seed: 0", "seed: 1"), TRAINING | RANDOM | {"claims"}),
        (("params.yaml", "train_seconds: 6\n", "train_seconds: 7\n"), set()),
        (("params.yaml", "train_seconds: 0.1", "train_seconds: 0.2"), TRAINING),
        (("params.yaml", "train_size: 200", "train_size: 150"), DATA),
        (("reports/d.yaml", "M1: {layers: [64, 32, 10], parameters: 52650}", "M1: {layers: [60, 32, 10]}"),
         {"train@d-capacity"}),
        (("reports/d.yaml", "radius: 1.0e-3", "radius: 1.0e-2"), {"hessian@d-minimal-ratio"}),
        (("reports/d.yaml", "Accuracy against size", "Accuracy by size"), {"figures@d"}),
        (("src/netclaims/present/style.py", "#E4E4E4", "#E5E5E5"), FIGURES | {"ledger"}),
        (("src/netclaims/analysis/gradient.py", "first_tenth", "first_part"), ANALYSES | CLAIMS),
        (("src/netclaims/claims/ledger.py", "LEVEL = 0.05", "LEVEL = 0.01"), CLAIMS),
        (("stages/train.py", "Train experiment", "Train the experiment"), TRAINING),
        (("src/netclaims/learn/streams.py", ">> 1", ">> 2"), ALL - {"check"}),
        (("README.md", "# netclaims", "# Netclaims"), set()),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_change_reruns_what_depends_on_it_and_nothing_else(smoke, edit, expected):
    smoke.edit(*edit)
    try:
        if edit[0].startswith("reports"):  # whose entries the stage check hands on one by one
            assert smoke.dvc("repro", "check").returncode == 0
        found = smoke.stages_to_run()
    finally:
        smoke.restore()
        smoke.dvc("checkout", "check")
    everywhere = {"check", "docs", "report"}  # what depends on most folders of the package
    always = {
        "params.yaml": {"check", "report"},
        "reports": everywhere - {"check"} | CLAIMS,
        "src/netclaims/learn": everywhere,
        "src/netclaims/analysis": {"check", "report"},
        "src/netclaims/claims": {"check", "report"},
        "src/netclaims/present": everywhere,
    }
    assert found == expected | next((more for start, more in always.items() if edit[0].startswith(start)), set())


def test_a_batch_size_reruns_the_trainings_that_follow_it_and_what_comes_after(smoke):
    """Of one report: all five take too long."""
    result = smoke.dvc("exp", "run", "-S", "batch_size=32", "figures@d")
    assert result.returncode == 0, result.stdout + result.stderr
    expected = {stage for stage in IN_BATCHES | analyses(IN_BATCHES) if "@d-" in stage}
    assert len(expected) > 5
    assert set(ran(result)) == {"check", "figures@d"} | expected
    assert "batch_size" in smoke.dvc("params", "diff").stdout
    html = smoke.dvc("plots", "diff", "HEAD")
    assert html.returncode == 0, html.stderr
    smoke.restore()
    smoke.dvc("checkout")


def test_a_forced_rerun_gives_the_same_bytes(smoke):
    """Of one stage of every kind: all of them take too long."""
    before = (smoke.folder / "dvc.lock").read_bytes()
    kinds = {stage.partition("@")[0]: stage for stage in sorted(ALL - {"docs"})} | {
        "convolutions": "train@c-trajectory"
    }
    result = smoke.dvc("repro", "--force", "--single-item", *kinds.values())
    assert set(ran(result)) == set(kinds.values())
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
