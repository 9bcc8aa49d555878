"""Entries of analyses in the report files, and the two files that an analysis leaves."""

import json
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.errors import SettingsError
from netclaims.settings.analyses import (
    FitSettings,
    GradientSettings,
    HessianSettings,
    InterpolateSettings,
    PcaSettings,
    SensitivitySettings,
    load_section,
)

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.stem for path in (ROOT / "reports").glob("*.yaml"))
NETS = {"report": "d", "nets": "d-b"}
CURVATURE = {"examples": 5, "iterations": 2, "probes": 1, "epsilon": 0.5}
SECTIONS = {
    "fit": (FitSettings, NETS),
    "pca": (PcaSettings, NETS | {"data": "mnist", "layer": 2, "points": 3, "examples": 9, "assumed": ["layer"]}),
    "gradient": (GradientSettings, NETS | {"against": "epoch"}),
    "hessian": (
        HessianSettings,
        NETS | {"descent": 0, "iterations": 0, "neighbours": 5, "radius": 1e-3, "assumed": ["radius"]},
    ),
    "interpolate": (
        InterpolateSettings,
        NETS | {"data": "mnist", "over": "batch_size", "between": [4, 8], "alpha": [-1, 2], "points": 7, "examples": 3},
    ),
    "sensitivity": (
        SensitivitySettings,
        NETS | {"data": "mnist", "against": "batch_size", "examples": 9, "curvature": CURVATURE},
    ),
}


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """Writes `reports/d.yaml`."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    return lambda content: Path("reports/d.yaml").write_text(yaml.dump(content, sort_keys=False))


def line(section, kind, key="d-a") -> str:
    with pytest.raises(SettingsError) as error:
        load_section(section, key, kind)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("section", SECTIONS)
def test_an_entry(section, reports):
    kind, entry = SECTIONS[section]
    reports({section: {"d-a": entry}})
    found = load_section(section, "d-a", kind)
    assert type(found) is kind
    for name, value in entry.items():
        said = getattr(found, name)
        assert (said.model_dump() if isinstance(value, dict) else said) == value


def test_what_an_entry_need_not_say(reports):
    line = {key: value for key, value in SECTIONS["interpolate"][1].items() if key != "examples"}
    path = {key: value for key, value in SECTIONS["pca"][1].items() if key not in ("layer", "assumed")}
    reports({"pca": {"d-a": path}, "interpolate": {"d-a": line}})
    pca = load_section("pca", "d-a", PcaSettings)
    assert (pca.layer, pca.assumed) == (1, [])
    assert load_section("interpolate", "d-a", InterpolateSettings).examples is None


@pytest.mark.parametrize("report", REPORTS)
def test_the_entries_of_this_project(report, monkeypatch):
    monkeypatch.chdir(ROOT)
    sections = yaml.safe_load(Path(f"reports/{report}.yaml").read_text(encoding="utf-8"))
    entries = [(section, key) for section in SECTIONS for key in sections.get(section, {})]
    assert len(entries) > 4
    for section, key in entries:
        assert load_section(section, key, SECTIONS[section][0]).report == report


@pytest.mark.parametrize(
    ("section", "changes", "expected"),
    [
        ("fit", {"points": 3}, "points: unknown key"),
        ("fit", {"assumed": ["layer"]}, "assumed: the entry has no layer"),
        ("pca", {"assumed": ["layer", "over", "x"]}, "assumed: the entry has no over, x"),
        ("pca", {"assumed": "layer"}, "assumed: input should be a valid list (found 'layer')"),
        ("pca", {"nets": None}, "nets: input should be a valid string (found None)"),
        ("gradient", {"against": "batch_size"}, "against: input should be 'step' or 'epoch' (found 'batch_size')"),
        ("interpolate", {"examples": 0}, "examples: input should be greater than or equal to 1 (found 0)"),
        (
            "sensitivity",
            {"against": "step"},
            "against: input should be 'parameters', 'learning_rate', 'batch_size' or 'shuffle_labels' (found 'step')",
        ),
        ("pca", {"layer": 0}, "layer: input should be greater than or equal to 1 (found 0)"),
        ("pca", {"report": None}, "report: input should be a valid string (found None)"),
        ("pca", {"points": 2}, "points: input should be greater than or equal to 3 (found 2)"),
        ("hessian", {"descent": -1}, "descent: input should be greater than or equal to 0 (found -1)"),
        ("hessian", {"iterations": -1}, "iterations: input should be greater than or equal to 0 (found -1)"),
        ("hessian", {"neighbours": 0}, "neighbours: input should be greater than or equal to 1 (found 0)"),
        ("hessian", {"radius": 0}, "radius: input should be greater than 0 (found 0)"),
        (
            "interpolate",
            {"between": [64]},
            "between: list should have at least 2 items after validation, not 1 (found [64])",
        ),
        ("interpolate", {"points": 60}, "points: 0 and 1 have to be among 60 positions from [-1.0, 2.0]"),
        ("interpolate", {"alpha": [0, 0.9]}, "points: 0 and 1 have to be among 7 positions from [0.0, 0.9]"),
        ("interpolate", {"between": [64, 64]}, "between: two values that differ (found [64.0, 64.0])"),
        ("interpolate", {"alpha": [0, nan]}, "alpha.1: input should be a finite number (found nan)"),
        ("interpolate", {"points": 1}, "points: input should be greater than or equal to 2 (found 1)"),
        (
            "interpolate",
            {"over": "optimiser"},
            "over: input should be 'batch_size' or 'learning_rate' (found 'optimiser')",
        ),
        ("sensitivity", {"examples": True}, "examples: input should be a valid integer (found True)"),
        (
            "sensitivity",
            {"curvature": CURVATURE | {"iterations": 1}},
            "curvature.iterations: input should be greater than or equal to 2 (found 1)",
        ),
        ("sensitivity", {"curvature": CURVATURE | {"probe": 1}}, "curvature.probe: unknown key"),
        ("sensitivity", {"data": "x"}, "data: input should be 'functions', 'mnist' or 'cifar10' (found 'x')"),
    ],
)
def test_a_mistake_is_one_line(section, changes, expected, reports):
    kind, entry = SECTIONS[section]
    reports({section: {"d-a": entry | changes}})
    assert line(section, kind) == f"reports/d.yaml: {section}.d-a.{expected}"


def test_what_an_entry_leaves_to_its_default_is_not_chosen_by_it(reports):
    entry = {key: value for key, value in SECTIONS["pca"][1].items() if key != "layer"}
    reports({"pca": {"d-a": entry}})
    assert line("pca", PcaSettings) == "reports/d.yaml: pca.d-a.assumed: the entry has no layer"


@pytest.mark.parametrize(
    ("section", "name"), [("fit", "nets"), ("gradient", "against"), ("hessian", "radius"), ("sensitivity", "report")]
)
def test_a_setting_that_is_not_there(section, name, reports):
    kind, entry = SECTIONS[section]
    reports({section: {"d-a": {key: value for key, value in entry.items() if key != name}}})
    assert line(section, kind) == f"reports/d.yaml: {section}.d-a.{name}: required, and not there"


@pytest.mark.parametrize(
    ("content", "known"),
    [
        ({"fit": {"d-b": {}, "d-c": {}}}, "d-b, d-c"),
        ({"fit": None}, "none"),
        ({"fit": {}}, "none"),
        ({"pca": {}}, "none"),
    ],
)
def test_an_entry_that_is_not_there(content, known, reports):
    reports(content)
    assert line("fit", FitSettings) == f"reports/d.yaml: fit.d-a: no such entry; there are {known}"


@pytest.mark.parametrize("entries", [["d-a"], "d-a", [{"d-a": 1}], 7])
def test_a_section_that_is_no_mapping(entries, reports):
    reports({"fit": entries})
    expected = f"reports/d.yaml: fit: a mapping of experiments to their settings (found {entries!r})"
    assert line("fit", FitSettings) == expected


def test_another_report(reports):
    reports({"fit": {}})
    assert line("fit", FitSettings, "e-a") == "reports/e.yaml: no such file"


# ------------------------------------------------------------------------------------------------------------ files


@pytest.fixture
def about(tmp_path, monkeypatch):
    """The metrics of the nets that an analysis works on, beside those of its own name."""
    monkeypatch.chdir(tmp_path)
    Path("metrics/d").mkdir(parents=True)
    for key, scale in (("d-a", "large"), ("d-b", "small")):
        said = {"experiment": key, "title": "x", "scale": scale, "data": f"Noise of {key}", "replicas": 3, "models": {}}
        Path(f"metrics/d/{key}.json").write_text(json.dumps(said))
    return {"experiment": "d-a", "scale": "small", "data": "Noise of d-b", "replicas": 3}


def test_an_analysis_says_of_what_nets_it_is(about):
    table = pd.DataFrame({"alpha": [0, 1], "loss": [1 / 3, nan]})
    numbers = {"A": {"mean": np.float64(2 / 3), "list": [np.float64(1e-9 / 3), 2], "none": None, "count": 12345678}}
    write_analysis("fit", "d-a", "d-b", table, numbers, more=table.iloc[1:])
    assert Path("plots/d/d-a/more.csv").read_text() == "alpha,loss\n1,\n"
    assert Path("plots/d/d-a/fit.csv").read_text() == "alpha,loss\n0,0.333333\n1,\n"
    expected = {"mean": 0.666667, "list": [3.33333e-10, 2], "none": None, "count": 12345678}
    assert json.loads(Path("metrics/d/d-a.fit.json").read_text()) == about | {"A": expected}


def test_every_analysis_has_a_table_of_replicas_of_its_own():
    paths = {replicas_of(key, section) for key in ("d-a", "d-b") for section in SECTIONS}
    assert len(paths) == 2 * len(SECTIONS)
    assert replicas_of("d-a", "fit") == Path("runs/d-a.fit.csv")


@pytest.mark.usefixtures("about")
def test_a_number_that_is_not_finite_is_never_written():
    with pytest.raises(ValueError, match="JSON"):
        write_analysis("fit", "d-a", "d-b", pd.DataFrame({"x": [1]}), {"a": [nan]})
    assert not Path("metrics/d/d-a.fit.json").exists()
