"""Nets whose names look like numbers, gaps, or yes and no, and settings of many digits: from training to figures."""

from pathlib import Path

import pandas as pd
import pytest

from netclaims.analysis.interpolation import pairs
from netclaims.claims.check_claims import load_claims
from netclaims.claims.compare import compare
from netclaims.claims.experiment_tables import Tables
from netclaims.claims.operands import Operand
from netclaims.claims.per_replica import values_per_replica
from netclaims.files import read_json, read_table
from netclaims.paths import metrics_of
from netclaims.present.quantities import value
from netclaims.present.tables import panels
from netclaims.settings.figures import FigureSettings
from netclaims.training.artifacts import write_runs
from netclaims.training.loop import train
from netclaims.training.runs import runs_of
from netclaims.training.summary import write_summary

NAMES = ["NA", "nan", "1", "007", "True", "1e3"]
MODELS = {name: {"layers": [4 + i, 10]} for i, name in enumerate(NAMES)}


@pytest.fixture
def trained(prepared, experiment):
    """An experiment whose nets have those names, as training leaves it."""
    entry = experiment(models=MODELS, epochs=1)
    runs = runs_of(entry, "cpu")
    write_runs(entry, runs, [train(run, entry) for run in runs])
    write_summary(entry, runs)
    return entry


def test_tables_of_training(trained):
    assert read_table("d-a", "nets")["model"].drop_duplicates().tolist() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_claims(name, trained):
    tables = Tables("d-a", trained)
    sizes = dict(zip(NAMES, (trained.parameters(model) for model in NAMES), strict=True))
    for of, more in (("nets.parameters", {}), ("history.parameters", {"take": "end"})):
        operand = Operand.model_validate({"of": of, "where": {"model": name}} | more)
        found, _ = values_per_replica(tables, operand, ["replica"])
        assert found["value"].tolist() == [sizes[name]] * 2
    assert (tables.read("nets")["layers"] == 2).all()


def test_a_claim_on_each_of_them(trained, checked):
    tables = Tables("d-a", trained)
    text = {"report": "d", "quote": "it falls", "part": "3-3", "experiment": "d-a", "question": "capacity",
            "answer": "it does", "figure": "loss", "read": "As it says."}  # fmt: skip
    ordering = {"higher": {"of": "nets.parameters", "where": {"model": NAMES[1:]}}, "than": 0, "each": ["model"]}
    content = {"experiments": {"d-a": {}}, "figures": {"d-a": {"draw": {"loss": {}}}}}
    content["claims"] = {"d-more": text | {"ordering": ordering}}
    (claim,) = load_claims(Path("reports/d.yaml"), content, {"d-a": checked(models=MODELS)}).values()
    assert compare(claim.comparisons[0], tables, 0).comparisons == len(NAMES) - 1


def test_tables_of_figures(trained):
    for table, x in (("final", "parameters"), ("curves", "epoch")):
        settings = FigureSettings.model_validate({"title": "A", "x": x, "y": [f"{table}.loss"], "lines": "model"})
        (shown,) = panels("d-a", settings.plain(), read_json(metrics_of("d-a")))
        assert list(pd.Series(shown["model"]).cat.categories) == NAMES
        assert shown["series"].drop_duplicates().tolist() == NAMES


# ---------------------------------------------------------------------------------------------- settings of many digits

RATES = [0.001234567, 0.001234568]


@pytest.fixture
def rates(prepared, experiment):
    """An experiment that sweeps two learning rates which differ in the seventh digit, as training leaves it."""
    sweep = {"learning_rate": None, "sweep": {"learning_rate": RATES}, "against": "learning_rate"}
    entry = experiment(**sweep, epochs=1)
    runs = runs_of(entry, "cpu")
    write_runs(entry, runs, [train(run, entry) for run in runs])
    write_summary(entry, runs)
    return entry


def test_a_swept_value_is_found_again(rates):
    nets = read_table("d-a", "nets")
    assert [(nets["learning_rate"] == rate).sum() for rate in RATES] == [2, 2]
    lines = pairs(nets, "learning_rate", RATES, dense=["A"])
    assert sorted(lines["pair"].unique()) == ["one start", "two starts", "two starts, matched"]
    assert set(zip(lines["run_start"], lines["run_end"], strict=True)) == {(0, 1)}


def test_nets_of_values_that_hardly_differ_are_two_kinds(rates):
    settings = {"title": "A", "x": "epoch", "y": ["curves.loss"], "lines": "series", "only": {"split": "train"}}
    (shown,) = panels("d-a", FigureSettings.model_validate(settings).plain(), read_json(metrics_of("d-a")))
    assert shown["series"].drop_duplicates().tolist() == ["learning rate 0.001234567", "learning rate 0.001234568"]
    assert len(shown) == 2 * 2  # epochs 0 and 1
    assert list(read_json(metrics_of("d-a"))["models"]["A"])[2:] == shown["series"].drop_duplicates().tolist()


def test_shares_that_hardly_differ_are_two_kinds(prepared, experiment):
    shares = [0.1234567, 0.12345671]
    entry = experiment(sweep={"shuffle_labels": shares}, against="shuffle_labels", epochs=1)
    runs = runs_of(entry, "cpu")
    write_runs(entry, runs, [train(run, entry) for run in runs])
    write_summary(entry, runs)
    told = [f"{share} % of the labels shuffled" for share in ("12.34567", "12.345671")]
    assert list(read_json(metrics_of("d-a"))["models"]["A"])[2:] == told
    assert value("shuffle_labels", shares[0]) != value("shuffle_labels", shares[1])
