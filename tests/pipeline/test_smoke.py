"""The whole pipeline of two reports, with `--every-report` of all, at the smoke scale, in a copy of the repository."""

import json
from pathlib import Path

import pytest

from netclaims.claims.operands import TABLES
from netclaims.files import read_csv
from tests.pipeline.conftest import ran
from tests.pipeline.facts import (
    ALL,
    ANALYSES,
    IN_BATCHES,
    KINDS,
    OWN_REPLICAS,
    REPORTS,
    SHORTENED,
    TRAINING,
    analyses,
    kind,
    of_contents,
)

# What only others than the two reports have: tests of training and of figures have it too.
ELSEWHERE = {
    "activation: tanh", "augment", "interpolate: examples", "layer: bias", "layer: dense", "sweep: learning_rate",
    "weight_decay",
}  # fmt: skip


def variety(contents) -> set[str]:
    """What settings, layers and tests there are in the entries of reports, and which data."""
    entries = [entry for content in contents.values() for entry in content["experiments"].values()]
    layers = [layer for entry in entries for model in entry["models"].values() for layer in model["layers"]]
    found = {name for entry in entries for name in entry}
    found |= {f"{name}: {entry[name]}" for entry in entries for name in ("data", "loss", "activation")}
    found |= {f"{name}: {knob}" for name in ("sweep", "tune") for entry in entries for knob in entry.get(name, {})}
    found |= {f"layer: {name}" for layer in layers if isinstance(layer, dict) for name in layer}
    found |= {f"{section}: {name}" for section in KINDS for content in contents.values()
              for entry in content.get(section, {}).values() for name in entry}  # fmt: skip
    claims = [claim for content in contents.values() for claim in content["claims"].values()]
    return found | {f"claim: {name}" for claim in claims for name in claim}


def test_the_two_reports_have_nearly_all_that_there_is():
    assert {kind(stage) for stage in of_contents(ALL, SHORTENED)} == {kind(stage) for stage in ALL}
    assert variety(REPORTS) - variety(SHORTENED) == ELSEWHERE
    assert {"data: functions", "data: mnist", "data: cifar10", "layer: conv", "claim: shape"} <= variety(SHORTENED)


def test_the_five_reports_are_there():
    assert sorted(REPORTS) == ["a", "b", "c", "d", "e"]
    assert (len(TRAINING), len(ANALYSES), len(IN_BATCHES), len(OWN_REPLICAS)) == (47, 39, 16, 9)
    assert len(ALL) > 80


def test_every_metric_says_its_scale_and_data(smoke, contents):
    files = [path for report in contents for path in sorted((smoke.folder / "metrics" / report).glob("*.json"))]
    assert len(files) == len(of_contents(TRAINING | ANALYSES, contents))
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["scale"] == "smoke"
        assert content["data"]


def test_every_table_of_single_nets_is_as_declared(smoke):
    seen = set()
    for path in sorted((smoke.folder / "runs").rglob("*.csv")):
        name = path.stem.rpartition(".")[2].replace("controls", "nets")
        TABLES[name].checked(read_csv(path))
        seen.add(name)
    assert seen == set(TABLES)


def test_every_claim_has_a_verdict(smoke, contents):
    found = json.loads((smoke.folder / "metrics" / "claims.json").read_text(encoding="utf-8"))
    assert found["scale"] == "smoke"
    assert {report: set(verdicts) for report, verdicts in found["verdicts"].items()} == {
        report: set(content["claims"]) for report, content in contents.items()
    }
    assert sum(found["counts"].values()) == found["claims"]
    page = (smoke.folder / "docs" / "claims.md").read_text(encoding="utf-8")
    assert "**smoke** scale" in page
    assert all(f'<a id="{key}">' in page for content in contents.values() for key in content["claims"])


def test_every_stated_number_has_ours_beside_it(smoke, contents):
    for report, content in contents.items():
        found = json.loads((smoke.folder / "metrics" / "stated" / f"{report}.json").read_text(encoding="utf-8"))
        assert found.pop("scale") == "smoke"
        entries = content.get("results", {})
        assert set(found.pop("data")) == set(entries)
        assert {key: list(numbers) for key, numbers in found.items()} == {key: list(of) for key, of in entries.items()}
        for key, numbers in found.items():
            for name, number in numbers.items():
                assert number["stated"] == entries[key][name]["stated"]
                assert (number["mean"] is None) == (number["replicas"] == 0)
                assert number["mean"] is not None or number["remark"]


def test_every_figure_is_drawn(smoke, contents):
    folder = smoke.folder / "plots" / "figures"
    declared = {Path(report, key, f"{name}.svg") for report, content in contents.items()
                for key, entry in content["figures"].items() for name in entry["draw"]}  # fmt: skip
    declared |= {Path("claims.svg"), Path("verdicts.svg")}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == declared
    assert all("<svg" in (folder / path).read_text(encoding="utf-8") for path in declared)


def test_the_report_page_is_that_of_the_run(smoke, contents):
    page = (smoke.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "<strong>smoke</strong> scale" in page
    assert all(
        f'<article class="card" id="{key}"' in page for content in contents.values() for key in content["figures"]
    )


def test_every_experiment_of_every_report_has_a_figure():
    for report in REPORTS.values():
        keys = {key for section, entries in report.items() if section not in ("figures", "results", "claims")
                for key in entries}  # fmt: skip
        assert keys == set(report["figures"])


def test_metrics_hold_the_parameter_count_of_every_model(smoke, contents):
    for key, entry in ((key, entry) for content in contents.values() for key, entry in content["experiments"].items()):
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


def test_a_batch_size_reruns_the_trainings_that_follow_it_and_what_comes_after(request, smoke):
    """Of one report: all five take too long."""
    if not request.config.getoption("--every-report"):
        pytest.skip("a minute for what test_edits shows of one training: --every-report")
    result = smoke.dvc("exp", "run", "-S", "batch_size=32", "figures@d")
    assert result.returncode == 0, result.stdout + result.stderr
    expected = {stage for stage in IN_BATCHES | analyses(IN_BATCHES) if "@d-" in stage}
    assert len(expected) > 5
    assert set(ran(result)) == {"recipes", "figures@d"} | expected
    assert "batch_size" in smoke.dvc("params", "diff").stdout
    html = smoke.dvc("plots", "diff", "HEAD")
    assert html.returncode == 0, html.stderr
    smoke.restore()
    smoke.dvc("checkout")


MISTAKES = [
    (("params.yaml", "scale: smoke", "scale: huge"),
     "params.yaml: scale: no 'huge' in scales; there are smoke, quick, paper"),
    (("params.yaml", "batch_size: 64", "batch_size: 0"),
     "params.yaml: batch_size: input should be greater than or equal to 1 (found 0)"),
    (("reports/d.yaml", "optimiser: [adam, sgd, rmsprop]", "optimiser: [adam, sdg]"),
     "reports/d.yaml: experiments.d-simulate.tune.optimiser.1: input should be 'adam', 'sgd' or 'rmsprop' (found "),
    (("reports/d.yaml", "layers: [10, 25, 10, 1]", "layers: [11, 25, 10, 1]"),
     "reports/d.yaml: experiments.d-simulate.models.DNN1: has 593 parameters, and the report states 566"),
    (("reports/d.yaml", "title: Random labels", "titel: Random labels"),
     "reports/d.yaml: experiments.d-random-labels.title: required, and not there"),  # and that titel is unknown
]  # fmt: skip
# What dvc.yaml takes from an entry, DVC misses before it runs anything; `make repro` says it in our words.
BY_DVC = {"title": "failed to parse 'stages.train@d-random-labels.desc' in 'dvc.yaml': Could not find 'item.title'"}


@pytest.mark.parametrize(("edit", "message"), MISTAKES)
def test_a_mistake_in_the_settings_stops_everything_with_one_line(request, smoke, edit, message):
    """What DVC says is looked at of two of them, and with `--every-case` of all."""
    smoke.edit(*edit)
    try:
        checked = smoke.script("recipes")
        assert checked.returncode == 1
        line, *others = checked.stderr.splitlines()
        assert line.startswith(message)
        assert len(others) == ("title" in message)
        if (edit, message) not in (MISTAKES[0], MISTAKES[-1]) and not request.config.getoption("--every-case"):
            return
        result = smoke.dvc("repro")
        said = result.stdout + result.stderr
        assert result.returncode != 0
        assert next((words for key, words in BY_DVC.items() if key in message), line) in said
        assert "Traceback" not in said
        assert set(ran(result)) <= {"recipes"}
        assert smoke.git("status", "--porcelain", "metrics", "plots", "recipes", "dvc.lock") == ""
    finally:
        smoke.restore()
