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
from netclaims.parallel import jobs
from netclaims.present.style import OWN_COLOURS
from netclaims.recipes.read import read_recipe
from netclaims.recipes.write import write_recipes
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.reports import load_report
from netclaims.tables.columns import EXACT, SETTINGS, WORDS, YES_OR_NO
from netclaims.tables.fit import FIT
from netclaims.tables.hessian import HESSIAN
from netclaims.tables.interpolate import INTERPOLATE
from netclaims.training import all_runs
from netclaims.training.loop import train
from netclaims.training.settings import Training

ROOT = Path(__file__).parents[2]
REPORT = Path("reports/d.yaml")
CLAIM = {"report": "d", "quote": "it falls", "part": "3-3", "experiment": "d-nets", "question": "capacity",
         "answer": "it does", "figure": "loss", "read": "As it says."}  # fmt: skip
ANALYSES = ["fit", "pca", "hessian", "interpolate", "sensitivity"]
WIDE = {"report": "d", "nets": "d-nets", "data": "mnist", "over": "batch_size", "between": [16, 64]}
WIDE |= {"alpha": [-1, 2], "points": 13}
CURVED = {"largest_eigenvalue", "trace", "sharpness"}
CURVATURE = {"examples": 12, "iterations": 3, "probes": 2, "epsilon": 1e-3}


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
        "d-one": entry("functions", models={"A": {"layers": [4, 1]}}, record={"weights_every": 1}),
    }  # fmt: skip
    line = {"report": "d", "data": "mnist", "over": "batch_size", "between": [16, 64], "alpha": [0, 1], "points": 3}
    found = {
        "experiments": experiments,
        "fit": {"d-fits": {"nets": "d-fits"}},
        "pca": {"d-path": {"nets": "d-one", "data": "functions", "layer": 2, "points": 3, "examples": 9}},
        "hessian": {"d-fits": {"nets": "d-fits", "descent": 2, "iterations": 2, "neighbours": 2,
                               "radius": 1e-3}},
        "interpolate": {"d-line": line | {"nets": "d-nets"}, "d-norms": line | {"nets": "d-nets", "examples": 5}},
        "sensitivity": {"d-norms": {"nets": "d-nets", "data": "mnist", "against": "batch_size", "examples": 5,
                                    "curvature": CURVATURE}},
    }  # fmt: skip
    for section in ANALYSES:
        found[section] = {key: {"report": "d"} | settings for key, settings in found[section].items()}
    keys = dict.fromkeys(key for section in found.values() for key in section)
    loss = {"title": "A title", "x": "epoch", "y": ["curves.loss"]}
    drawn = {"question": "capacity", "draw": {"loss": loss}}
    return found | {"figures": {key: drawn | {"nets": nets_of(key, found)} for key in keys if key != "d-one"}}


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


def test_claims_come_in_order_and_the_first_fault_is_told(content, load):
    entry = CLAIM | {"definition": "So it is.", "experiment": "d-nets"}
    experiments = {"d-nets": ExperimentEntry.model_validate(content["experiments"]["d-nets"])}
    claims = {"d-b": entry, "d-a": entry | {"experiment": "d-line"}, "d-c": entry}
    found = load_claims(REPORT, content | {"claims": claims}, experiments)
    assert [(key, claim.experiment) for key, claim in found.items()] == [
        ("d-b", "d-nets"), ("d-a", "d-line"), ("d-c", "d-nets")
    ]  # fmt: skip
    claims = claims | {"d-c": entry | {"experiment": "d-x"}, "d-a": entry | {"figure": "los"}}
    with pytest.raises(SettingsError, match=r"^reports/d\.yaml: claims\.d-a: figure: "):
        load_claims(REPORT, content | {"claims": claims}, experiments)


@pytest.mark.parametrize("experiment", ["d-net", "e-nets", "loss"])
def test_an_experiment_that_is_not_there(experiment, fault):
    known = "d-nets, d-fits, d-one, d-path, d-line, d-norms"
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


def test_the_examples_of_the_readme_are_valid(tmp_path, monkeypatch):
    """Together they are a report file: an experiment, an analysis of it, figures and a claim."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = [yaml.safe_load(part) for part in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    experiment, analysis, figures, claim, _ = examples
    monkeypatch.chdir(tmp_path)
    REPORT.parent.mkdir()
    REPORT.write_text(yaml.dump({"experiments": experiment, "figures": figures, "claims": claim} | analysis))
    report = load_report(REPORT)
    (key,) = report.experiments
    assert list(report.analyses["sensitivity"]) == list(report.figures) == [key]
    (found,) = report.claims.values()
    assert (found.experiment, list(report.figures[key].draw)) == (key, [found.figure])


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
         "fit.mean_square where region: no 'all'; there are ['inside', 'edges']"),
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
    load(higher("nets.test_loss", where={"batch_size": wanted}))


@pytest.mark.parametrize(
    "changes",
    [
        higher("nets.test_loss", where={"model": "A", "optimiser": "sgd", "learning_rate": 5e-2}),
        higher("nets.test_loss", where={"shuffle_labels": 0, "parameters": {"from": 3985}}, each=["equal"]),
        higher("nets.accuracy_gap", "d-line", each=["batch_size", "equal"]),
        higher("steps.gradient_norm", take="swing", during=[0.9, 1], where={"equal": "steps"}, each=["batch_size"]),
        higher("history.gradient_norm", "d-fits", until={"within": 0.1}, each=["function", "model"]),
        higher("fit.mean_square", "d-fits", where={"function": "sinc5", "region": "edges", "layers": 2}),
        higher("hessian.minimal_ratio", "d-fits", where={"kind": ["zero gradient", "on a kink"]}),
        higher("pca.step", "d-path", take="mean", where={"scope": "layer 2"}),
        higher("pca.step", "d-path", take="mean", where={"epoch": {"from": 1}}, each=["scope"]),
        higher("interpolate.loss", "d-line", take="lowest", where={"pair": "two starts, matched", "split": "test"}),
        higher("interpolate.output_by_input", "d-norms", take="start", where={"alpha": {"to": 0.5}}),
        higher("sensitivity.sharpness", "d-norms", where={"equal": "epochs", "batch_size": 64}),
        {"trend": {"rises": {"of": "nets.test_loss", "where": {"equal": "epochs"}}, "along": "parameters"}},
        {"trend": {"rises": {"of": "hessian.loss"}, "along": "minimal_ratio"}, "experiment": "d-fits"},
        {"trend": {"rises": {"of": "interpolate.loss"}, "along": "alpha", "each": ["split"]}, "experiment": "d-line"},
    ],
    ids=lambda changes: str(next(iter(changes.values())))[:60],
)  # fmt: skip
def test_what_is_there_may_be_named(changes, load):
    assert load(changes).comparisons


def valley(of, along, experiment, log=True, **more) -> dict:
    shape = {"valley": {"of": of} | more, "along": along, "log": log}
    return {"shape": shape, "experiment": experiment}


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
        (valley("nets.test_loss", "shuffle_labels", "d-nets"), 0),
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
        valley("nets.test_loss", "batch_size", "d-nets"),
        valley("nets.test_loss", "parameters", "d-nets"),
    ],
)
def test_a_logarithm_of_what_is_above_0(changes, load, content):
    wide = {"interpolate": content["interpolate"] | {"d-wide": WIDE}}
    assert load(changes, **wide, figures=content["figures"] | {"d-wide": content["figures"]["d-line"]}).comparisons


def test_a_trajectory_is_of_the_first_layer_unless_the_entry_says_another(content, load, fault):
    pca = deepcopy(content["pca"])
    del pca["d-path"]["layer"]
    first = higher("pca.step", "d-path", take="end", where={"scope": "layer 1"})
    load(first, pca=pca)
    first["ordering"]["higher"]["where"] = {"scope": "layer 2"}
    assert fault(first, pca=pca).endswith("no 'layer 2'; there are ['layer 1', 'whole model']")


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
        assert lacking <= {"function", "gradient_norm", *SETTINGS}, name
        for column, words in table.words.items():
            assert set().union(*(held(found[column]) for found in seen[name])) <= set(words)
    scopes = held(Tables("d-path", "d-one", pipeline["d-one"]).read("pca")["scope"])
    assert scopes == {"layer 2", "whole model"}


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
    found = rows.assign(mean_square=1.0)
    assert FIT.checked(found) is found
    for table, fault in (
        (rows, "the table fit lacks the column mean_square: netclaims.tables declares its columns"),
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
