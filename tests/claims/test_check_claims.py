"""Claims against the experiments that they speak of: what is named is there, before anything runs."""

import importlib.util
import re
import sys
from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest
import yaml

from netclaims.analysis.interpolation import MATCHED
from netclaims.analysis.sensitivity import COLUMNS as SENSITIVITIES
from netclaims.claims.check_claims import check_claim, load_claims, nets_of
from netclaims.claims.entries import Claim
from netclaims.claims.experiment_tables import Tables
from netclaims.claims.operands import COORDINATE, TABLES, EntryError, Operand
from netclaims.errors import SettingsError
from netclaims.files import read_csv, read_json
from netclaims.parallel import jobs
from netclaims.paths import metrics_of, plots_of
from netclaims.present.style import OWN_COLOURS
from netclaims.recipes.read import read_recipe
from netclaims.recipes.resolve import effective
from netclaims.recipes.write import write_recipes
from netclaims.settings.experiments import ExperimentEntry
from netclaims.tables.columns import EXACT, SETTINGS, WORDS, YES_OR_NO
from netclaims.tables.fit import FIT
from netclaims.tables.hessian import HESSIAN
from netclaims.tables.interpolate import INTERPOLATE
from netclaims.tables.plots import CORRELATIONS, PLOTTED
from netclaims.tables.rows import values_of
from netclaims.training import all_runs
from netclaims.training.loop import train
from netclaims.training.settings import Training

ROOT = Path(__file__).parents[2]
REPORT = Path("reports/d.yaml")
CLAIM = {"report": "d", "quote": "it falls", "part": "3-3", "experiment": "d-nets", "question": "capacity",
         "answer": "it does", "figure": "loss", "read": "As it says."}  # fmt: skip
ANALYSES = ["fit", "pca", "gradient", "hessian", "interpolate", "sensitivity"]
WIDE = {"report": "d", "nets": "d-nets", "data": "mnist", "over": "batch_size", "between": [16, 64]}
WIDE |= {"alpha": [-1, 2], "points": 13}
CURVED = {"largest_eigenvalue", "trace", "sharpness"}
CURVATURE = {"examples": 12, "iterations": 3, "starts": 1, "probes": 2, "epsilon": 1e-3}


@pytest.fixture(scope="module")
def content(entry):
    """A report with images and functions, series of every kind, and an analysis of each kind."""
    swept = {"against": "batch_size"}
    two = {"A": {"layers": [4, 1]}, "B": {"layers": [3, 1]}}
    fits = {"functions": ["quadratic", "sinc5"], "models": two, "record": {"gradient_norm": "epoch"}}
    experiments = {
        "d-nets": entry(models={"A": {"layers": [5, 10]}}, sweep={"batch_size": [16, 64], "equal": ["epochs", "steps"]},
                        record={"gradient_norm": "step"}, **swept),
        "d-fits": entry("functions", **fits),
        "d-sizes": entry(sweep={"shuffle_labels": [0, 0.25, 0.5, 1]}, against="shuffle_labels"),
        "d-one": entry("functions", models={"A": {"layers": [4, 1]}}, record={"weights_every": 1}),
    }  # fmt: skip
    line = {"report": "d", "data": "mnist", "over": "batch_size", "between": [16, 64], "alpha": [0, 1], "points": 3}
    found = {
        "experiments": experiments,
        "fit": {"d-fits": {"nets": "d-fits"}},
        "pca": {"d-path": {"nets": "d-one", "data": "functions", "layer": 2, "points": 3, "examples": 9}},
        "gradient": {"d-fits": {"nets": "d-fits", "against": "epoch"}, "d-nets": {"nets": "d-nets", "against": "step"}},
        "hessian": {"d-fits": {"nets": "d-fits", "descent": 2, "iterations": 2, "neighbours": 2,
                               "radius": 1e-3}},
        "interpolate": {"d-line": line | {"nets": "d-nets"}, "d-norms": line | {"nets": "d-nets", "examples": 5}},
        "sensitivity": {"d-norms": {"nets": "d-nets", "data": "mnist", "against": "batch_size", "examples": 5,
                                    "curvature": CURVATURE}},
    }  # fmt: skip
    for section in ANALYSES:
        found[section] = {key: {"report": "d"} | settings for key, settings in found[section].items()}
    keys = dict.fromkeys(key for section in found.values() for key in section)
    shown = {
        "pca": ("pc1", "pca.pc2"),
        "interpolate": ("alpha", "interpolate.loss"),
        "experiments": ("epoch", "curves.loss"),
    }

    def drawn(key) -> dict:
        x, y = next(shown[section] for section in shown if key in found[section])
        loss = {"title": "A title", "kind": "scatter", "x": x, "y": [y]}
        return {"nets": nets_of(key, found), "question": "capacity", "draw": {"loss": loss}}

    return found | {"figures": {key: drawn(key) for key in keys if key != "d-one"}}


@pytest.fixture(scope="module")
def load(content):
    """Reads one claim as it stands in `reports/d.yaml`."""
    experiments = {key: ExperimentEntry.model_validate(entry) for key, entry in content["experiments"].items()}

    def read(changes, key="d-claim", **sections) -> Claim:
        claim = {name: value for name, value in (CLAIM | changes).items() if value is not None}
        return load_claims(REPORT, content | {"claims": {key: claim}} | sections, experiments)[key]

    return read


@pytest.fixture(scope="module")
def fault(load):
    """The one line that is said of a mistake, after the claim's name."""

    def said(changes, **sections) -> str:
        with pytest.raises(SettingsError) as caught:
            load(changes, **sections)
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(f"{REPORT}: claims.d-claim: ")
        return message.removeprefix(f"{REPORT}: claims.d-claim: ")

    return said


def higher(of, experiment="d-nets", each=(), **more) -> dict:
    return {"ordering": {"higher": {"of": of} | more, "than": 0, "each": list(each)}, "experiment": experiment}


# ------------------------------------------------------------------------------------------------------- what there is


@pytest.mark.parametrize("claims", [None, {}])
def test_a_report_without_claims(claims, content):
    assert load_claims(REPORT, content | {"claims": claims}, {}) == load_claims(REPORT, content, {}) == {}


@pytest.mark.parametrize("claims", [["d-claim"], "d-claim", 3])
def test_claims_are_a_mapping(claims, content):
    with pytest.raises(SettingsError) as caught:
        load_claims(REPORT, content | {"claims": claims}, {})
    assert str(caught.value) == f"{REPORT}: claims: a mapping of names to claims (found {claims!r})"


@pytest.mark.parametrize("claim", [None, "it falls", ["it falls"]])
def test_a_claim_is_a_mapping(claim, content):
    with pytest.raises(SettingsError) as caught:
        load_claims(REPORT, content | {"claims": {"d-claim": claim}}, {})
    assert str(caught.value).startswith(f"{REPORT}: claims.d-claim: input should be a valid dictionary ")
    assert str(caught.value).endswith(f"(found {claim!r})")


def test_claims_come_in_order_and_every_fault_is_told(content, load):
    entry = CLAIM | {"definition": "So it is.", "experiment": "d-nets"}
    experiments = {"d-nets": ExperimentEntry.model_validate(content["experiments"]["d-nets"])}
    claims = {"d-b": entry, "d-a": entry | {"experiment": "d-line"}, "d-c": entry}
    found = load_claims(REPORT, content | {"claims": claims}, experiments)
    assert [(key, claim.experiment) for key, claim in found.items()] == [
        ("d-b", "d-nets"), ("d-a", "d-line"), ("d-c", "d-nets")
    ]  # fmt: skip
    claims = claims | {"d-c": entry | {"experiment": "d-x"}, "d-a": entry | {"figure": "los"}}
    with pytest.raises(SettingsError) as caught:
        load_claims(REPORT, content | {"claims": claims}, experiments)
    told = [line.split(": ")[1:3] for line in str(caught.value).splitlines()]
    assert told == [["claims.d-a", "figure"], ["claims.d-c", "experiment"]]


@pytest.mark.parametrize("experiment", ["d-net", "e-nets", "loss"])
def test_an_experiment_that_is_not_there(experiment, fault):
    known = "d-nets, d-fits, d-sizes, d-one, d-path, d-line, d-norms"
    assert fault({"definition": "So it is.", "experiment": experiment}) == (
        f"experiment: no {experiment!r}; there are {known}"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"figure": "los"}, "figure: d-nets has no 'los'; it has loss"),
        ({"figure": "los", "experiment": "d-line"}, "figure: d-line has no 'los'; it has loss"),
        ({"experiment": "d-one"}, "figure: d-one has no 'loss'; it has none"),
    ],
)
def test_a_figure_that_is_not_there(changes, message, load, fault):
    assert fault({"definition": "So it is."} | changes) == message
    load({"definition": "So it is."} | changes | {"figure": None})


@pytest.mark.parametrize("figures", [None, {}, {"d-nets": None}, {"d-nets": {"nets": "d-nets"}}])
def test_a_report_without_figures(figures, fault):
    assert fault({"definition": "So it is."}, figures=figures) == "figure: d-nets has no 'loss'; it has none"


def test_arithmetic_is_worked_out_on_the_nets_of_the_experiment(load, fault):
    count = {"computed": {"counted": "parameters('A')"}, "holds": "counted == 7 * (4 + 1)"}
    load({"arithmetic": count, "experiment": "d-nets"})  # whether it holds is not looked at
    assert fault({"arithmetic": count | {"computed": {"counted": "parameters('B')"}}}).startswith("computed.counted: ")
    load({"arithmetic": count | {"computed": {"counted": "parameters('B')"}}, "experiment": "d-fits"})
    assert fault({"arithmetic": count | {"holds": "counted / 0 == 1"}}) == (
        "holds: division by zero (found 'counted / 0 == 1')"
    )


# --------------------------------------------------------------------------------------------------- tables and columns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (higher("nets.loss"), "nets.loss: no such column; there are accuracy_gap, batch_size, diverged, epoch, "),
        (higher("fit.mean_square"), "fit.mean_square: d-nets has no entry under fit"),
        (higher("pca.step", take="end"), "pca.step: d-nets has no entry under pca"),
        (higher("hessian.loss"), "hessian.loss: d-nets has no entry under hessian"),
        (higher("interpolate.loss", take="end"), "interpolate.loss: d-nets has no entry under interpolate"),
        (higher("sensitivity.trace"), "sensitivity.trace: d-nets has no entry under sensitivity"),
        (higher("sensitivity.trace", "d-line"), "sensitivity.trace: d-line has no entry under sensitivity"),
        (higher("steps.loss", "d-fits", take="end"), "steps.loss: the experiment does not record it"),
        (higher("history.gradient_norm", take="end"), "history.gradient_norm: the experiment does not record it"),
        ({"trend": {"falls": {"of": "history.test_loss"}, "along": "gradient_norm"}}, "history.gradient_norm: no "),
        (higher("nets.test_loss", over="colour", take="end"), "over: colour says not which nets there are; names "),
        (higher("nets.test_loss", over="replica", take="end"), "over: replica says not which nets there are; names "),
        (higher("nets.test_loss", over="train_loss", take="end"), "over: train_loss says not which nets there are; "),
        (higher("nets.test_loss", over="model", take="end"), "over: model holds words, which have no order to take "),
        ({"trend": {"falls": {"of": "nets.test_loss", "over": "learning_rate"}, "along": "los"}}, "nets.los: no such"),
        ({"trend": {"falls": {"of": "nets.test_loss", "over": "parameters"}, "along": "train_loss"}},
         "nets.test_loss has several rows a replica: say which by batch_size, equal"),
        (higher("history.gradient_norm_spike", take="end"), "history.gradient_norm_spike: no such column; there are "),
        (higher("pca.gradient_norm", "d-path", take="end"), "pca.gradient_norm: no such column; there are epoch, "),
        (higher("nets.test_loss", where={"colour": "red"}), "nets.colour: no such column; there are accuracy_gap, "),
        (higher("nets.test_loss", each=["colour"]), "nets.colour: no such column; there are accuracy_gap, "),
        ({"trend": {"falls": {"of": "nets.test_loss"}, "along": "alpha"}}, "nets.alpha: no such column; there are "),
        ({"ordering": {"lower": {"of": "nets.test_loss"}, "than": [1, {"of": "nets.los"}]}}, "nets.los: no such "),
        ({"equivalence": {"of": {"of": "nets.test_loss"}, "to": {"of": "nets.los"}, "within": 1}}, "nets.los: no "),
        ({"shape": {"peak": {"of": "nets.los"}, "along": "batch_size"}}, "nets.los: no such column; there are "),
        ({"extreme": {"lowest": {"of": "nets.los"}, "along": "batch_size", "between": [0, 1]}}, "nets.los: no such "),
        ({"ordering": {"lower": {"of": "nets.test_loss"}, "than": {"of": "history.train_loss", "take": "end"},
                       "each": ["accuracy_gap"]}}, "history.accuracy_gap: no such column; there are batch_size, "),
        # what there is of a table depends on the experiment
        (higher("nets.test_accuracy", "d-fits"), "nets.test_accuracy: no such column; there are batch_size, "),
        (higher("nets.accuracy_gap", "d-fits"), "nets.accuracy_gap: no such column; there are batch_size, "),
        (higher("history.train_accuracy", "d-fits", take="end"), "history.train_accuracy: no such column; there are "),
        (higher("history.train_loss", take="end", where={"learning_rate": 0.05}), "history.learning_rate: no such "),
        (higher("interpolate.output_by_input", "d-line", take="end"), "interpolate.output_by_input: no such column; "),
        (higher("interpolate.trace", "d-norms", take="end"), "interpolate.trace: no such column; there are accuracy, "),
        # numbers are compared
        (higher("nets.model"), "nets.model: "),
        (higher("fit.region", "d-fits"), "fit.region: "),
        ({"trend": {"falls": {"of": "nets.test_loss"}, "along": "model"}}, "along: "),
        ({"shape": {"peak": {"of": "nets.test_loss"}, "along": "equal"}}, "along: "),
        ({"extreme": {"lowest": {"of": "nets.test_loss"}, "along": "optimiser", "between": [0, 1]}}, "along: "),
        (higher("nets.test_loss", each=["function"]), "each: images have no function"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_table_or_a_column_that_is_not_there(changes, message, fault):
    assert fault(changes).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (higher("nets.test_loss", where={"model": "B"}), "nets.test_loss where model: no 'B'; there are ['A']"),
        (higher("nets.test_loss", where={"model": ["A", "B"]}), "nets.test_loss where model: no 'B'; there are ['A']"),
        (higher("nets.test_loss", "d-fits", where={"model": "C"}),
         "nets.test_loss where model: no 'C'; there are ['A', 'B']"),
        (higher("fit.mean_square", "d-fits", where={"function": "log_abs"}),
         "fit.mean_square where function: no 'log_abs'; there are ['quadratic', 'sinc5']"),
        (higher("nets.test_loss", where={"batch_size": 32}),
         "nets.test_loss where batch_size: no 32.0; there are [16, 64]"),
        (higher("nets.test_loss", where={"batch_size": [16, 32]}),
         "nets.test_loss where batch_size: no 32.0; there are [16, 64]"),
        (higher("history.test_loss", take="end", where={"equal": "epoch"}),
         "history.test_loss where equal: no 'epoch'; there are ['epochs', 'steps']"),
        (higher("fit.mean_square", "d-fits", where={"region": "all"}),
         "fit.mean_square where region: no 'all'; there are ['inside', 'edges', 'upper edge', 'whole']"),
        (higher("hessian.loss", "d-fits", where={"kind": "zero"}), "hessian.loss where kind: no 'zero'; there are ["),
        (higher("interpolate.loss", "d-line", take="end", where={"pair": "two"}),
         "interpolate.loss where pair: no 'two'; there are ['two starts', "),
        (higher("interpolate.loss", "d-line", take="end", where={"split": "training"}),
         "interpolate.loss where split: no 'training'; there are ['train', 'test']"),
        (higher("pca.step", "d-path", take="end", where={"scope": "layer 1"}),
         "pca.step where scope: no 'layer 1'; there are ['layer 2', 'whole model']"),
        (higher("pca.step", "d-path", take="end", where={"scope": ["whole model", "layer 1"]}),
         "pca.step where scope: no 'layer 1'; there are ['layer 2', 'whole model']"),
        # what the experiment does not sweep has one value
        (higher("nets.test_loss", where={"optimiser": "adam"}),
         "nets.test_loss where optimiser: no 'adam'; there are ['sgd']"),
        (higher("nets.test_loss", where={"learning_rate": 0.5}),
         "nets.test_loss where learning_rate: no 0.5; there are [0.05]"),
        (higher("nets.test_loss", where={"shuffle_labels": 1}),
         "nets.test_loss where shuffle_labels: no 1.0; there are [0.0]"),
        (higher("nets.test_loss", "d-fits", where={"equal": "steps"}),
         "nets.test_loss where equal: no 'steps'; there are ['epochs']"),
        (higher("nets.test_loss", where={"parameters": 100}),
         "nets.test_loss where parameters: no 100.0; there are [3985]"),
        (higher("nets.test_loss", where={"layers": 3}), "nets.test_loss where layers: no 3.0; there are [2]"),
        # ranges
        (higher("nets.test_loss", where={"batch_size": {"from": 17, "to": 63}}),
         "nets.test_loss where batch_size: none from 17 to 63; there are [16, 64]"),
        (higher("nets.test_loss", where={"parameters": {"from": 10000}}), "nets.test_loss where parameters: none "),
        (higher("nets.test_loss", where={"model": {"from": 1}}), "nets.test_loss where model: "),
        # words, where there are numbers that are not known before anything runs
        (higher("nets.test_loss", "d-fits", where={"batch_size": "full"}),
         "nets.test_loss where batch_size: numbers (found 'full')"),
        (higher("fit.mean_square", "d-fits", where={"replica": [0, "1"]}),
         "fit.mean_square where replica: numbers (found '1')"),
        (higher("history.test_loss", take="end", where={"epoch": "last"}),
         "history.test_loss where epoch: numbers (found 'last')"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_value_that_is_not_there(changes, message, fault):
    assert fault(changes).startswith(message)


@pytest.mark.parametrize("wanted", [16, 64.0, [16, 64], {"from": 64}, {"to": 16}, {"from": 1, "to": 20}])
def test_a_swept_value_in_every_spelling(wanted, load):
    load(higher("nets.test_loss", where={"batch_size": wanted}, each=["batch_size", "equal"]))


@pytest.mark.parametrize(
    "changes",
    [
        higher("nets.test_loss", where={"model": "A", "optimiser": "sgd", "learning_rate": 5e-2, "batch_size": 16},
               each=["equal"]),
        higher("nets.test_loss", where={"shuffle_labels": 0, "parameters": {"from": 3985}},
               each=["equal", "batch_size"]),
        higher("nets.accuracy_gap", "d-line", each=["batch_size", "equal"]),
        higher("steps.gradient_norm", take="swing", during=[0.9, 1], where={"equal": "steps"}, each=["batch_size"]),
        higher("history.gradient_norm", "d-fits", until={"fallen": 0.9}, each=["function", "model"]),
        higher("fit.mean_square", "d-fits", where={"function": "sinc5", "region": "edges", "layers": 2},
               each=["model"]),
        higher("hessian.minimal_ratio", "d-fits", where={"kind": ["zero gradient", "kinked minimum"]},
               each=["function", "model"]),
        higher("pca.step", "d-path", take="mean", where={"scope": "layer 2"}),
        higher("pca.step", "d-path", take="mean", where={"epoch": {"from": 1}}, each=["scope"]),
        higher("interpolate.loss", "d-line", take="lowest", where={"pair": "two starts, matched", "split": "test"}),
        higher("interpolate.output_by_input", "d-norms", take="start", each=["pair"],
               where={"alpha": {"to": 0.5}, "split": ["test"]}),
        higher("sensitivity.sharpness", "d-norms", where={"equal": "epochs", "batch_size": 64}),
        {"trend": {"rises": {"of": "nets.test_loss"}, "along": "train_loss", "each": ["equal", "batch_size"]}},
        {"trend": {"rises": {"of": "hessian.loss"}, "along": "minimal_ratio", "each": ["function", "model"]},
         "experiment": "d-fits"},
        {"trend": {"rises": {"of": "interpolate.loss"}, "along": "alpha", "each": ["split", "pair"]},
         "experiment": "d-line"},
    ],
    ids=lambda changes: str(next(iter(changes.values())))[:60],
)  # fmt: skip
def test_what_is_there_may_be_named(changes, load):
    assert load(changes).comparisons


def valley(of, along, experiment, log=True, **more) -> dict:
    table = of.partition(".")[0]
    each = {"interpolate": ["pair", "split"], "pca": ["scope"]}.get(table, ["batch_size", "equal"])
    each = [] if experiment == "d-sizes" else each
    return {"shape": {"valley": {"of": of} | more, "along": along, "log": log, "each": each}, "experiment": experiment}


@pytest.mark.parametrize(
    ("changes", "lowest"),
    [
        (valley("interpolate.loss", "alpha", "d-line"), 0),
        (valley("interpolate.loss", "alpha", "d-wide"), -1),
        (valley("interpolate.loss", "alpha", "d-wide", where={"alpha": {"from": -0.5, "to": 1}}), -0.5),
        (valley("interpolate.loss", "alpha", "d-wide", where={"alpha": {"to": 1}}), -1),
        (valley("interpolate.loss", "alpha", "d-wide", where={"alpha": [0.5, 0, 1]}), 0),
        (valley("interpolate.loss", "alpha", "d-wide", during=[0.25, 1]), -0.25),  # of the way from -1 to 2
        (valley("history.test_loss", "epoch", "d-nets"), 0),
        (valley("history.test_loss", "epoch", "d-nets", during=[0, 0.5]), 0),
        (valley("pca.step", "epoch", "d-path"), 0),
        (valley("nets.test_loss", "shuffle_labels", "d-sizes"), 0),
    ],
)
def test_a_logarithm_of_what_is_not_above_0(changes, lowest, fault, load, content):
    wide = {"interpolate": content["interpolate"] | {"d-wide": WIDE}}
    wide["figures"] = content["figures"] | {"d-wide": content["figures"]["d-line"]}
    along = changes["shape"]["along"]
    said = f"log: {along} is {lowest:g} at one of its values, and a logarithm needs more than 0"
    assert fault(changes, **wide) == said
    load(changes | {"shape": changes["shape"] | {"log": False}}, **wide)


@pytest.mark.parametrize(
    "changes",
    [
        valley("interpolate.loss", "alpha", "d-wide", where={"alpha": {"from": 0.25}}),
        valley("interpolate.loss", "alpha", "d-wide", where={"alpha": [0.5, 0.75, 1]}),
        valley("interpolate.loss", "alpha", "d-wide", during=[0.5, 1]),
        valley("history.test_loss", "epoch", "d-nets", where={"epoch": {"from": 1}}),
        valley("history.test_loss", "epoch", "d-nets", during=[0.1, 1]),
        valley("steps.loss", "step", "d-nets"),
        valley("nets.test_loss", "shuffle_labels", "d-sizes", where={"shuffle_labels": {"from": 0.1}}),
    ],
)
def test_a_logarithm_of_what_is_above_0(changes, load, content):
    wide = {"interpolate": content["interpolate"] | {"d-wide": WIDE}}
    assert load(changes, **wide, figures=content["figures"] | {"d-wide": content["figures"]["d-line"]}).comparisons


RATES = {"learning_rate": None, "sweep": {"learning_rate": [1e-3, 1e-2, 0.1]}, "against": "learning_rate"}
SEVERAL = " has several rows a replica: say which by "


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (higher("nets.test_loss"), "nets.test_loss has several rows a replica: say which by batch_size, equal"),
        (higher("nets.test_loss", where={"equal": "steps", "batch_size": {"from": 16}}),
         f"nets.test_loss{SEVERAL}batch_size"),
        (higher("nets.test_loss", each=["batch_size"]), f"nets.test_loss{SEVERAL}equal"),
        (higher("history.test_loss", take="end", each=["equal"]), f"history.test_loss{SEVERAL}batch_size"),
        (higher("fit.mean_square", "d-fits"), f"fit.mean_square{SEVERAL}function, model, region"),
        (higher("hessian.loss", "d-fits", where={"layers": 2}), f"hessian.loss{SEVERAL}function, model"),
        (higher("hessian.loss", "d-fits", where={"parameters": 13}, each=["function"]), "hessian.parameters: no "),
        (higher("interpolate.loss", "d-line", take="end", where={"split": ["train", "test"]}),
         f"interpolate.loss{SEVERAL}pair, split"),
        (higher("pca.step", "d-path", take="end"), f"pca.step{SEVERAL}scope"),
        ({"ordering": {"higher": {"of": "nets.test_loss", "where": {"batch_size": 16, "equal": "steps"}},
                       "than": {"of": "nets.test_loss", "where": {"batch_size": 64}}}}, f"nets.test_loss{SEVERAL}eq"),
        ({"trend": {"rises": {"of": "nets.test_loss", "where": {"equal": "epochs"}}, "along": "train_loss"}},
         f"nets.test_loss{SEVERAL}batch_size"),  # what is measured tells no nets apart
        # what is compared, and what it is compared over
        ({"trend": {"rises": {"of": "nets.test_loss"}, "along": "test_loss"}}, "along: test_loss is what is compared"),
        (higher("nets.parameters", each=["parameters"]), "each: parameters is what is compared"),
        (higher("nets.test_loss", each=["replica"]), "each: replicas are what every comparison is over"),
        ({"trend": {"rises": {"of": "nets.test_loss"}, "along": "replica"}}, "along: replicas are what every "),
        (higher("nets.test_loss", each=["train_loss"]), "each: train_loss is measured; names and settings are not"),
        (higher("nets.test_loss", each=["equal", "equal"]), "each: equal is named twice, in each or as along"),
        ({"trend": {"rises": {"of": "nets.test_loss"}, "along": "batch_size", "each": ["batch_size"]}},
         "each: batch_size is named twice"),
        ({"trend": {"rises": {"of": "history.test_loss"}, "along": "train_loss",
                    "each": ["epoch", "batch_size", "equal"]}}, "each: epoch is the course of the series"),
        (higher("history.epoch", take="end", each=["batch_size", "equal"]), "history.epoch: counts rows, and is "),
        (higher("nets.replica", each=["batch_size", "equal"]), "nets.replica: counts rows, and is nothing that"),
        ({"trend": {"rises": {"of": "history.test_loss"}, "along": "parameters", "each": ["batch_size", "equal"]}},
         "history.test_loss is a series, and parameters is a setting: say what to take of it"),
        ({"trend": {"rises": {"of": "history.test_loss", "take": "end"}, "along": "train_loss",
                    "each": ["batch_size", "equal"]}}, "along: train_loss is a series, and history.test_loss comes "),
        # places
        ({"trend": {"rises": {"of": "nets.test_loss"}, "along": "batch_size", "each": ["equal"]}},
         "along: takes three values of batch_size and more; there are [16, 64]"),
        ({"shape": {"valley": {"of": "nets.test_loss", "where": {"shuffle_labels": {"to": 0.3}}},
                    "along": "shuffle_labels"}, "experiment": "d-sizes"},
         "along: takes three values of shuffle_labels and more; there are [0.0, 0.25]"),
        ({"shape": {"valley": {"of": "nets.test_loss"}, "along": "train_loss", "each": ["shuffle_labels"]},
          "experiment": "d-sizes"},
         "along: train_loss is measured; a swept setting is not, nor the course of a series"),
        ({"extreme": {"lowest": {"of": "nets.test_loss"}, "along": "shuffle_labels", "between": [0, 1]},
          "experiment": "d-sizes"}, "between: every one of the values of shuffle_labels lies there; there are [0.0, "),
        ({"extreme": {"lowest": {"of": "nets.test_loss"}, "along": "shuffle_labels", "between": [0.6, 0.9]},
          "experiment": "d-sizes"}, "between: none of the values of shuffle_labels lies there; there are [0.0, 0.25"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_comes_to_no_number_a_replica_is_told_before_anything_runs(changes, message, fault):
    assert fault(changes).startswith(message)


@pytest.mark.parametrize("tuned", [False, True])
def test_of_tuned_nets_there_are_those_of_the_best_setting_alone(tuned, content, checked):
    """A claim need not say which, and cannot look along the values that were tried."""
    experiment = checked(**RATES | ({"sweep": None, "tune": RATES["sweep"]} if tuned else {}))

    def said(changes) -> str:
        try:
            load_claims(REPORT, content | {"claims": {"d-claim": CLAIM | changes}}, {"d-nets": experiment})
        except SettingsError as error:
            return str(error).removeprefix(f"{REPORT}: claims.d-claim: ")
        return ""

    falls = {"trend": {"falls": {"of": "nets.test_loss"}, "along": "learning_rate"}}
    assert said(higher("nets.test_loss")) == ("" if tuned else f"nets.test_loss{SEVERAL}learning_rate")
    assert said(falls) == ("along: learning_rate is tuned, and there are nets of its best value alone" if tuned else "")
    rates = RATES["sweep"]["learning_rate"]
    for wanted, one in ((rates[0], True), (rates[:1], True), (rates[:2], False), ({"from": rates[0]}, False)):
        told = said(higher("nets.test_loss", where={"learning_rate": wanted}))
        assert (told == "nets.test_loss where: one value of learning_rate, each, or none, for the best setting") == (
            tuned and not one
        )
        assert not (one and told)


@pytest.mark.parametrize(("sizes", "told"), [([4, 5, 6], ""), ([4, 5, 5], f"nets.test_loss{SEVERAL}model")])
def test_a_number_of_parameters_tells_models_apart_that_are_not_equally_large(sizes, told, content, checked):
    models = {f"M{i}": {"layers": [size, 10]} for i, size in enumerate(sizes)}
    trend = {"trend": {"falls": {"of": "nets.test_loss"}, "along": "parameters"}}
    text = content | {"claims": {"d-claim": CLAIM | trend}}
    if not told:
        assert load_claims(REPORT, text, {"d-nets": checked(models=models)})
        return
    with pytest.raises(SettingsError, match=told):
        load_claims(REPORT, text, {"d-nets": checked(models=models)})


def test_a_trajectory_is_of_the_first_layer_unless_the_entry_says_another(content, load, fault):
    pca = deepcopy(content["pca"])
    del pca["d-path"]["layer"]
    first = higher("pca.step", "d-path", take="end", where={"scope": "layer 1"})
    load(first, pca=pca)
    first["ordering"]["higher"]["where"] = {"scope": "layer 2"}
    assert fault(first, pca=pca).endswith("no 'layer 2'; there are ['layer 1', 'whole model']")


# ------------------------------------------------------------------------------------------------------ on other nets


def test_a_claim_may_be_put_to_the_nets_of_another_experiment(load, fault):
    by_share = higher("nets.test_loss", "d-sizes", where={"shuffle_labels": 0.5})
    assert load(by_share | {"again": None}).again is None
    plain = higher("nets.test_loss", "d-sizes", where={"shuffle_labels": 0})
    assert load(plain | {"again": "d-sizes"}).again == "d-sizes"
    assert fault(plain | {"again": "d-six"}).startswith("again: no experiment 'd-six'; there are d-nets, d-fits, ")
    assert fault(plain | {"again": "d-line"}).startswith("again: no experiment 'd-line'")  # an analysis
    told = fault(plain | {"again": "d-nets"})
    assert told == "nets.test_loss has several rows a replica: say which by batch_size, equal"
    untested = {"untestable": "vague", "ordering": None, "figure": None, "again": "d-sizes"}
    with pytest.raises(SettingsError, match=r"claims\.d-claim\.again: goes with a comparison"):
        load(untested)


# --------------------------------------------------------------------------------------------- what the pipeline writes


def has_table(key: str, table: str, content: dict, experiment: ExperimentEntry) -> bool:
    if table == "steps":
        return experiment.record.gradient_norm == "step"
    return table in ("nets", "history") or key in (content.get(table) or {})


def offered(key: str, table: str, content: dict, experiment: ExperimentEntry) -> set[str]:
    """The columns of a table that claims may use."""
    content = content | {"figures": {key: {"draw": {"loss": {}}}}}
    taken = {"take": "end"} if table in COORDINATE else {}
    found = set()
    for name in {column.name for other in TABLES.values() for column in other.columns}:
        asked = {"higher": {"of": f"{table}.replica", "where": {name: "a word"}} | taken, "than": 0}
        claim = Claim.model_validate(CLAIM | {"experiment": key, "ordering": asked})
        try:
            check_claim(claim, experiment, content)
        except EntryError as error:
            if "no such column" in str(error):
                continue
        found.add(name)
    return found


def held(column: pd.Series) -> set:
    return set(column.dropna())


@pytest.fixture
def pipeline(prepared, content, params, monkeypatch):
    """All that the pipeline leaves of the report: nets of two replicas, hardly trained, and every analysis of them."""

    def train_all(runs, experiment, code):
        return [train(run, experiment) for run in runs]

    monkeypatch.setattr(jobs, "in_parallel", lambda function, several, label: [function(*job) for job in several])
    monkeypatch.setattr(all_runs, "train_all", train_all)
    settings = params().model_dump(exclude_none=True)
    (prepared / "params.yaml").write_text(yaml.dump(settings))
    REPORT.parent.mkdir()
    REPORT.write_text(yaml.dump(content, sort_keys=False))
    write_recipes()
    for stage in ("train", *ANALYSES):
        spec = importlib.util.spec_from_file_location(stage, ROOT / "stages" / f"{stage}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for key in content["experiments" if stage == "train" else stage]:
            monkeypatch.setattr(sys, "argv", [stage, key])
            module.main()
    return {key: read_recipe("train", key, Training).settings for key in content["experiments"]}


def test_the_columns_are_those_that_the_pipeline_writes(pipeline, content):
    entries = {key: ExperimentEntry.model_validate(entry) for key, entry in content["experiments"].items()}
    seen = {name: [] for name in TABLES}
    for key in content["figures"]:
        nets = nets_of(key, content)
        tables = Tables(key, pipeline[nets])
        for name in TABLES:
            if has_table(key, name, content, entries[nets]):
                found = tables.read(name)
                assert offered(key, name, content, entries[nets]) == set(found) - {"run", "member", "series"}
                seen[name].append(found)
    for name, table in TABLES.items():
        lacking = {column.name for column in table.columns} - set().union(*seen[name])
        # What a series has where it tells nets apart, and what these nets do not record by epoch.
        assert lacking <= {"function", "gradient_norm", "gradient_norm_spike", *SETTINGS}, name
        for column, words in table.words.items():
            assert set().union(*(held(found[column]) for found in seen[name])) <= set(words)
    scopes = held(Tables("d-path", pipeline["d-one"]).read("pca")["scope"])
    assert scopes == {"layer 2", "whole model"}


def test_the_tables_of_figures_have_the_columns_that_are_declared(pipeline, content):
    entries = {key: ExperimentEntry.model_validate(entry) for key, entry in content["experiments"].items()}
    for section, tables in PLOTTED.items():
        for key in content["experiments" if section == "train" else section]:
            entry = None if section == "train" else content[section][key]
            experiment = entries[nets_of(key, content)]
            for table in tables:
                found = read_csv(plots_of(key) / f"{table.name}.csv")
                assert set(found) == table.offered(experiment, entry), (key, table.name)
                values = values_of(table, experiment, entry)
                for name in set(found) & set(values):
                    there = {
                        effective(name, value, pipeline[nets_of(key, content)].train_size) for value in values[name]
                    }
                    assert set(found[name].dropna()) <= there, (key, table.name, name)
                apart = [name for name in table.by if name in found]
                assert not found.duplicated([*apart, *filter(None, [table.coordinate])]).any(), (key, table.name)
    written = {path.name.partition(".")[0] for path in Path("plots").rglob("*.csv")}
    assert written == {table.name for tables in PLOTTED.values() for table in tables}


def test_the_correlations_that_figures_note_are_in_the_metrics(pipeline):
    for section, names in CORRELATIONS.items():
        numbers = read_json(metrics_of("d-fits", section))
        for name in names:
            nets, correlation = name.split(".")
            assert {"rho", "low", "high", "n"} <= set(numbers[nets][correlation])


def test_words_are_declared_in_every_table_and_set_numbers_are_none_of_them(pipeline):
    files = [*Path("runs").rglob("*.csv"), *Path("plots").rglob("*.csv")]
    assert len(files) > 20
    for file in files:
        written = pd.read_csv(file, dtype=str, keep_default_na=False)  # as it stands there
        for name in written:
            numbers = pd.to_numeric(written[name].replace("", None), errors="coerce")
            is_words = numbers.isna().any() and (written.loc[numbers.isna(), name] != "").any()
            assert is_words <= (name in WORDS | YES_OR_NO), (file, name)
            assert not (is_words and name in EXACT), (file, name)


def test_a_table_that_is_not_as_declared_is_not_written():
    rows = pd.DataFrame({"function": "sinc5", "model": "A", "replica": [0, 0], "region": ["inside", "edges"]})
    found = rows.assign(mean_square=1.0, right_sign=1.0)
    assert FIT.checked(found) is found
    for table, fault in (
        (found.drop(columns="mean_square"), "the table fit lacks the column mean_square: netclaims.tables "),
        (found.assign(scope=1), "the table fit has the column scope, which is not declared: "),
        (found.assign(layers=1), "the table fit has the column layers, which is not declared: "),  # made in reading
        (found.assign(region="all"), "the table fit has 'all' in the column region: "),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
            FIT.checked(table)


def test_the_words_of_tables_are_those_that_the_analyses_know():
    assert MATCHED in INTERPOLATE.words["pair"]
    assert set(HESSIAN.words["kind"]) == set(OWN_COLOURS)
    assert CURVED.union(SENSITIVITIES) <= {column.name for column in TABLES["sensitivity"].columns}


def test_every_column_that_claims_may_use_can_be_named():
    for name, table in TABLES.items():
        assert table.coordinate is None or table.coordinate in {column.name for column in table.columns}
        assert all(Operand.model_validate({"of": f"{name}.{column.name}"}) for column in table.columns)
