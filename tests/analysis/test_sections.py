"""Entries of analyses in the report files, and the two files that an analysis leaves."""

import json
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from netclaims.analysis.sections import (
    FitSettings,
    GradientSettings,
    HessianSettings,
    InterpolateSettings,
    PcaSettings,
    SensitivitySettings,
    load_section,
    write_analysis,
)
from netclaims.learn.settings import SettingsError

ROOT = Path(__file__).parents[2]
SECTIONS = {
    "fit": (FitSettings, {"report": "d"}),
    "pca": (PcaSettings, {"report": "d", "layer": 2}),
    "gradient": (GradientSettings, {"report": "d"}),
    "hessian": (
        HessianSettings,
        {"report": "d", "data": "functions", "iterations": 0, "neighbours": 5, "radius": "1e-3"},
    ),
    "interpolate": (
        InterpolateSettings,
        {"report": "d", "data": "mnist", "over": "batch_size", "between": [4, 8], "alpha": [-1, 2.5], "points": 7},
    ),
    "sensitivity": (SensitivitySettings, {"report": "d", "data": "mnist", "against": "batch_size", "examples": 9}),
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
        assert getattr(found, name) == (0.001 if value == "1e-3" else value)


def test_the_first_layer_unless_said(reports):
    reports({"pca": {"d-a": {"report": "d"}}})
    assert load_section("pca", "d-a", PcaSettings).layer == 1


@pytest.mark.parametrize("section", SECTIONS)
def test_the_entries_of_this_project(section, monkeypatch):
    monkeypatch.chdir(ROOT)
    entries = yaml.safe_load(Path("reports/d.yaml").read_text(encoding="utf-8"))[section]
    assert entries
    for key in entries:
        assert load_section(section, key, SECTIONS[section][0]).report == "d"


@pytest.mark.parametrize(
    ("section", "changes", "expected"),
    [
        ("fit", {"points": 3}, "points: unknown key"),
        ("pca", {"layer": 0}, "layer: input should be greater than or equal to 1 (found 0)"),
        ("pca", {"report": None}, "report: input should be a valid string (found None)"),
        ("hessian", {"iterations": -1}, "iterations: input should be greater than or equal to 0 (found -1)"),
        ("hessian", {"neighbours": 0}, "neighbours: input should be greater than or equal to 1 (found 0)"),
        ("hessian", {"radius": 0}, "radius: input should be greater than 0 (found 0)"),
        (
            "interpolate",
            {"between": [64]},
            "between: list should have at least 2 items after validation, not 1 (found [64])",
        ),
        ("interpolate", {"alpha": [0, nan]}, "alpha.1: input should be a finite number (found nan)"),
        ("interpolate", {"points": 1}, "points: input should be greater than or equal to 2 (found 1)"),
        (
            "interpolate",
            {"over": "optimiser"},
            "over: input should be 'batch_size' or 'learning_rate' (found 'optimiser')",
        ),
        ("sensitivity", {"examples": True}, "examples: input should be a valid integer (found True)"),
        ("sensitivity", {"data": "x"}, "data: input should be 'functions', 'mnist' or 'cifar10' (found 'x')"),
    ],
)
def test_a_mistake_is_one_line(section, changes, expected, reports):
    kind, entry = SECTIONS[section]
    reports({section: {"d-a": entry | changes}})
    assert line(section, kind) == f"reports/d.yaml: {section}.d-a.{expected}"


@pytest.mark.parametrize(
    ("content", "known"),
    [({"fit": {"d-b": {}, 3: {}}}, "d-b, 3"), ({"fit": None}, "none"), ({"fit": {}}, "none"), ({"pca": {}}, "none")],
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
    monkeypatch.chdir(tmp_path)
    said = {"experiment": "d-a", "scale": "small", "data": "Noise", "replicas": 3}
    Path("metrics").mkdir()
    Path("metrics/d-a.json").write_text(json.dumps(said | {"title": "x", "models": {}}))
    return said


def test_an_analysis_says_of_what_it_is(about):
    table = pd.DataFrame({"alpha": [0, 1], "loss": [1 / 3, nan]})
    numbers = {"A": {"mean": np.float64(2 / 3), "list": [np.float64(1e-9 / 3), 2], "none": None, "count": 12345678}}
    write_analysis("fit", "d-a", table, numbers)
    assert Path("plots/d-a/fit.csv").read_text() == "alpha,loss\n0,0.333333\n1,\n"
    expected = {"mean": 0.666667, "list": [3.33333e-10, 2], "none": None, "count": 12345678}
    assert json.loads(Path("metrics/d-a.fit.json").read_text()) == about | {"A": expected}


@pytest.mark.usefixtures("about")
def test_a_number_that_is_not_finite_is_never_written():
    with pytest.raises(ValueError, match="JSON"):
        write_analysis("fit", "d-a", pd.DataFrame({"x": [1]}), {"a": [nan]})
    assert not Path("metrics/d-a.fit.json").exists()
