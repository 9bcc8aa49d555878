"""Entries of analyses in the report files, and what they need of an experiment."""

from math import nan
from pathlib import Path

import pytest
import yaml

from netclaims.errors import SettingsError
from netclaims.settings.analyses import (
    ANALYSES,
    FitSettings,
    GradientSettings,
    HessianSettings,
    InterpolateSettings,
    PcaSettings,
    Section,
    SensitivitySettings,
)
from netclaims.settings.experiments import load_experiments
from netclaims.settings.schema import validate

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.stem for path in (ROOT / "reports").glob("*.yaml"))
NETS = {"report": "d", "nets": "d-b"}
CURVATURE = {"examples": 5, "iterations": 2, "starts": 1, "probes": 1, "epsilon": 0.5}
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


def entry_of(section, **changes) -> Section:
    """The entry of a section, checked, with changes; None takes a key away."""
    content = {key: value for key, value in (SECTIONS[section][1] | changes).items() if value is not None}
    return ANALYSES[section].model_validate(content)


def line(section, content) -> str:
    """The line that says what is wrong with an entry."""
    with pytest.raises(SettingsError) as error:
        validate(SECTIONS[section][0], content, Path("reports/d.yaml"), f"{section}.d-a")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_kind_of_analysis_is_tested_here():
    assert {section: kind for section, (kind, _) in SECTIONS.items()} == ANALYSES


@pytest.mark.parametrize("section", SECTIONS)
def test_an_entry(section):
    found = entry_of(section)
    for name, value in SECTIONS[section][1].items():
        said = getattr(found, name)
        assert (said.model_dump() if isinstance(value, dict) else said) == value


def test_what_an_entry_need_not_say():
    pca = entry_of("pca", layer=None, assumed=None)
    assert (pca.layer, pca.assumed) == (1, [])
    assert entry_of("interpolate", examples=None).examples is None


@pytest.mark.parametrize("report", REPORTS)
def test_the_entries_of_this_project(report):
    path = ROOT / "reports" / f"{report}.yaml"
    sections, experiments = yaml.safe_load(path.read_text(encoding="utf-8")), load_experiments(path)
    entries = [entry for kind in ANALYSES for entry in sections.get(kind, {}).items()]
    found = [ANALYSES[kind].model_validate(entry) for kind in ANALYSES for entry in sections.get(kind, {}).values()]
    assert len(entries) == len(found) > 4
    for (key, content), entry in zip(entries, found, strict=True):
        assert (entry.report, entry.model_fields_set) == (report, content.keys())
        assert key.startswith(f"{report}-")
        assert not list(entry.faults(experiments[entry.nets]))


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
        ("hessian", {"starts": []}, "starts: list should have at least 1 item after validation, not 0 (found [])"),
        (
            "hessian",
            {"starts": ["late"]},
            "starts.0: input should be 'descended', 'trained', 'early' or 'random' (found 'late')",
        ),
        ("hessian", {"starts": ["early", "early"]}, "starts: a start twice in ['early', 'early']"),
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
def test_a_mistake_is_one_line(section, changes, expected):
    assert line(section, SECTIONS[section][1] | changes) == f"reports/d.yaml: {section}.d-a.{expected}"


def test_what_an_entry_leaves_to_its_default_is_not_assumed_by_it():
    entry = {key: value for key, value in SECTIONS["pca"][1].items() if key != "layer"}
    assert line("pca", entry) == "reports/d.yaml: pca.d-a.assumed: the entry has no layer"


@pytest.mark.parametrize(
    ("section", "name"), [("fit", "nets"), ("gradient", "against"), ("hessian", "radius"), ("sensitivity", "report")]
)
def test_a_setting_that_is_not_there(section, name):
    entry = {key: value for key, value in SECTIONS[section][1].items() if key != name}
    assert line(section, entry) == f"reports/d.yaml: {section}.d-a.{name}: required, and not there"


# ---------------------------------------------------------------------------------------- what an analysis works on

RATES = {"learning_rate": None}
SIZES = {"sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}
WEIGHTS = {"record": {"weights_every": 1}}
ONE_NET = "works on an experiment that records weights_every, of one net with one setting"
TRUE_LABELS = "works on an experiment that shuffles no labels: it is measured on the true ones"
ALL_IMAGES = "works on an experiment that resamples no images: it is measured on all of them"
IMAGES = "works on an experiment that classifies images"
BIASES = "works on an experiment that fits functions with biases in every layer"
TWO = {"A": {"layers": [8, 10]}, "B": {"layers": [10]}}

# Section, changes of its entry, data, changes of the experiment's entry.
ACCEPTED = [
    ("fit", {}, "functions", {}),
    (
        "fit",
        {},
        "functions",
        {"functions": ["quadratic", "sinc5"], "models": {"A": {"layers": [1]}, "B": {"layers": [1]}}},
    ),
    ("fit", {}, "functions", RATES | {"tune": {"learning_rate": [0.1, 0.2]}}),
    ("pca", {}, "mnist", WEIGHTS | {"models": {"A": {"layers": [8, 10]}}}),
    ("pca", {"layer": 1}, "mnist", WEIGHTS),
    ("pca", {"layer": 2}, "mnist", WEIGHTS | {"models": {"A": {"layers": [{"conv": 2}, {"pool": 2}, 10, "softmax"]}}}),
    ("pca", {"data": "functions"}, "functions", WEIGHTS),
    ("pca", {"layer": 1}, "mnist", WEIGHTS | {"shuffle_labels": 0}),
    ("gradient", {}, "mnist", {"record": {"gradient_norm": "epoch"}}),
    ("gradient", {"against": "step"}, "functions", {"record": {"gradient_norm": "step"}}),
    ("gradient", {}, "mnist", SIZES | {"record": {"gradient_norm": "epoch"}, "models": TWO, "shuffle_labels": 1}),
    ("gradient", {}, "mnist", RATES | {"record": {"gradient_norm": "epoch"}, "tune": {"learning_rate": [0.1, 0.2]}}),
    ("hessian", {}, "functions", {}),
    ("interpolate", {}, "mnist", SIZES),
    ("interpolate", {}, "mnist", SIZES | {"models": TWO, "shuffle_labels": 0, "control": 4}),
    ("interpolate", {}, "mnist", SIZES | {"sweep": {"batch_size": [8, 4], "equal": ["epochs", "steps"]}}),
    (
        "interpolate",
        {"over": "learning_rate", "between": [0.1, 0.01], "data": "cifar10"},
        "cifar10",
        RATES | {"sweep": {"learning_rate": [0.01, 0.1], "shuffle_labels": [0]}, "against": "learning_rate"},
    ),
    ("sensitivity", {}, "mnist", SIZES),
    ("sensitivity", {}, "mnist", {"against": "batch_size", "models": TWO}),  # which is the knob's
    ("sensitivity", {"against": "parameters", "data": "cifar10"}, "cifar10", {"sweep": {"shuffle_labels": [0]}}),
]
REFUSED = [
    ("fit", {}, "mnist", {}, "", "works on an experiment that fits functions"),
    (
        "fit",
        {},
        "functions",
        RATES | {"sweep": {"learning_rate": [0.1, 0.2]}},
        "",
        "works on an experiment that sweeps nothing (found learning_rate)",
    ),
    ("fit", {"report": "e"}, "functions", {}, "report", "the experiment has d (found 'e')"),
    ("pca", {}, "mnist", {}, "", ONE_NET),
    ("pca", {}, "mnist", {"record": {"gradient_norm": "step"}}, "", ONE_NET),
    ("pca", {}, "mnist", WEIGHTS | {"models": TWO}, "", ONE_NET),
    ("pca", {"data": "functions"}, "functions", WEIGHTS | {"functions": ["quadratic", "sinc5"]}, "", ONE_NET),
    ("pca", {}, "mnist", WEIGHTS | RATES | {"sweep": {"learning_rate": [0.1, 0.2]}}, "", ONE_NET),
    ("pca", {}, "mnist", WEIGHTS | RATES | {"tune": {"learning_rate": [0.1, 0.2]}}, "", ONE_NET),
    ("pca", {}, "mnist", WEIGHTS | {"sweep": {"batch_size": [4]}}, "", ONE_NET),
    ("pca", {"layer": 1}, "mnist", WEIGHTS | {"shuffle_labels": 1}, "", TRUE_LABELS),
    ("pca", {"layer": 1}, "mnist", WEIGHTS | {"shuffle_labels": 1e-3}, "", TRUE_LABELS),
    ("pca", {"layer": 1}, "mnist", WEIGHTS | {"resample": True}, "", ALL_IMAGES),
    ("interpolate", {}, "mnist", SIZES | {"resample": True}, "", ALL_IMAGES),
    ("sensitivity", {}, "mnist", SIZES | {"resample": True}, "", ALL_IMAGES),
    ("pca", {"data": "cifar10", "layer": 1}, "mnist", WEIGHTS, "data", "the experiment has mnist (found 'cifar10')"),
    ("pca", {}, "mnist", WEIGHTS, "layer", "the net has 1 layers (found 2)"),
    (
        "pca",
        {"layer": 3},
        "mnist",
        WEIGHTS | {"models": {"A": {"layers": [{"conv": 2}, {"pool": 2}, 10, "softmax"]}}},
        "layer",
        "the net has 2 layers (found 3)",
    ),
    ("gradient", {}, "mnist", {}, "", "works on an experiment that records gradient_norm"),
    ("gradient", {}, "mnist", WEIGHTS, "", "works on an experiment that records gradient_norm"),
    (
        "gradient",
        {},
        "mnist",
        {"record": {"gradient_norm": "step"}},
        "against",
        "the experiment has step (found 'epoch')",
    ),
    ("hessian", {}, "mnist", {}, "", BIASES),
    ("hessian", {}, "functions", {"models": {"A": {"layers": [{"dense": 6, "bias": False}, 1]}}}, "", BIASES),
    (
        "hessian",
        {},
        "functions",
        {"models": {"A": {"layers": [1]}, "B": {"layers": [6, {"dense": 1, "bias": False}]}}},
        "",
        BIASES,
    ),
    *(
        (
            "hessian",
            {"starts": ["descended", start]},
            "functions",
            {},
            "",
            "works on an experiment that records weights_every, for the starts early and random",
        )
        for start in ("early", "random")
    ),
    *(
        (
            "hessian",
            {},
            "functions",
            RATES | {how: {"learning_rate": [0.1, 0.2]}},
            "",
            "works on an experiment that sweeps and tunes nothing (found learning_rate)",
        )
        for how in ("sweep", "tune")
    ),
    (
        "interpolate",
        {"data": "functions"},
        "functions",
        SIZES | {"batch_size": None},
        "",
        IMAGES,
    ),
    ("interpolate", {}, "mnist", SIZES | {"shuffle_labels": 0.5}, "", TRUE_LABELS),
    (
        "interpolate",
        {},
        "mnist",
        {"sweep": {"batch_size": [4, 8], "shuffle_labels": [0, 1]}},
        "",
        TRUE_LABELS,
    ),
    (
        "interpolate",
        {},
        "mnist",
        RATES
        | {
            "sweep": {"batch_size": [4, 8], "learning_rate": [0.1, 0.2]},
            "tune": {"optimiser": ["adam"]},
            "optimiser": None,
        },
        "",
        "works on an experiment that sweeps batch_size, and nothing besides (found learning_rate, optimiser)",
    ),
    ("interpolate", {}, "mnist", {}, "between", "batch_size is not swept at [4.0, 8.0]; values: []"),
    (
        "interpolate",
        {"between": [4, 9]},
        "mnist",
        SIZES,
        "between",
        "batch_size is not swept at [9.0]; values: [4, 8, 16]",
    ),
    ("interpolate", {"data": "cifar10"}, "mnist", SIZES, "data", "the experiment has mnist (found 'cifar10')"),
    ("sensitivity", {"data": "functions"}, "functions", SIZES | {"batch_size": None}, "", IMAGES),
    ("sensitivity", {}, "mnist", SIZES | {"shuffle_labels": 1}, "", TRUE_LABELS),
    (
        "sensitivity",
        {"against": "shuffle_labels"},
        "mnist",
        {"sweep": {"shuffle_labels": [0, 0.1]}, "against": "shuffle_labels"},
        "",
        TRUE_LABELS,
    ),
    ("sensitivity", {}, "mnist", {"tune": {"shuffle_labels": [0, 1]}, "against": "batch_size"}, "", TRUE_LABELS),
    (
        "sensitivity",
        {},
        "mnist",
        RATES | {"tune": {"learning_rate": [0.1, 0.2]}, "against": "batch_size"},
        "",
        "works on an experiment that tunes nothing (found learning_rate)",
    ),
    ("sensitivity", {}, "mnist", {}, "against", "the experiment has parameters (found 'batch_size')"),
    ("sensitivity", {"data": "cifar10"}, "mnist", SIZES, "data", "the experiment has mnist (found 'cifar10')"),
    ("sensitivity", {"report": "e"}, "mnist", SIZES, "report", "the experiment has d (found 'e')"),
]


@pytest.mark.parametrize(("section", "changes", "data", "experiment"), ACCEPTED)
def test_what_an_analysis_can_work_on(section, changes, data, experiment, checked):
    assert list(entry_of(section, **changes).faults(checked(data, **experiment))) == []


@pytest.mark.parametrize(("section", "changes", "data", "experiment", "key", "expected"), REFUSED)
def test_what_an_analysis_cannot_work_on(section, changes, data, experiment, key, expected, checked):
    found = list(entry_of(section, **changes).faults(checked(data, **experiment)))
    assert (key, expected) in found
    assert found[0] == (key, expected)  # which is what is told


def test_every_need_is_tested(checked):
    """Needs in words, without what was found, are those of the tables above."""
    told = {text.removeprefix("works on an experiment that ").partition(" (found")[0] for *_, text in REFUSED}
    for section in SECTIONS:
        for need in entry_of(section).needs(checked()):
            assert need.partition(" (found")[0] in told
