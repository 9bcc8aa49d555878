"""From tables of nets to metrics and curves: means over replicas, tuning, labels."""

import json
from math import inf, nan
from pathlib import Path

import pandas as pd
import pytest

from netclaims.learn.cost import epoch_seconds
from netclaims.learn.plan import plan, recorded_epochs
from netclaims.learn.store import write_runs
from netclaims.learn.summary import about, held, identity, tuned, with_series, write_summary
from netclaims.learn.tables import (
    first,
    mean_and_deviation,
    read_json,
    read_table,
    rounded,
    spread,
    write_json,
    write_table,
)
from netclaims.learn.training import train

# ---------------------------------------------------------------------------------------------------------- tables


def test_spread():
    table = pd.DataFrame(
        {"model": ["B", "B", "A", "A", "A"], "size": [1, 1, 1, 1, 2], "loss": [1.0, 4.0, 2.0, 2.0, 7.0], "n": 3.0}
    )
    expected = pd.DataFrame(
        {
            "model": ["B", "A", "A"],
            "size": [1, 1, 2],
            **{"loss": [2.5, 2.0, 7.0], "loss_low": [1.0, 2.0, 7.0], "loss_high": [4.0, 2.0, 7.0]},
            **{"n": 3.0, "n_low": 3.0, "n_high": 3.0},
        }
    )
    pd.testing.assert_frame_equal(spread(table, ["model", "size"], ["loss", "n"]), expected)


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_spread_leaves_a_group_empty_where_a_value_is_not_finite(bad):
    table = pd.DataFrame({"model": ["A", "A", "B", "B"], "loss": [1.0, bad, 3.0, 5.0], "accuracy": [0.5, 0.25, 1, 1]})
    found = spread(table, ["model"], ["loss", "accuracy"])
    assert found[["loss", "loss_low", "loss_high"]].isna().all(axis=1).tolist() == [True, False]
    assert found["loss"].tolist()[1] == 4
    assert found["accuracy"].tolist() == [0.375, 1]


def test_spread_over_groups_without_a_name():
    table = pd.DataFrame({"function": [None, None], "model": ["A", "A"], "loss": [1.0, 2.0]})
    assert spread(table, ["function", "model"], ["loss"])["loss"].tolist() == [1.5]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 3.0], {"mean": 2.0, "sd": 1.41421}),
        ([2.0, 2.0, 5.0], {"mean": 3.0, "sd": 1.73205}),
        ([1 / 3], {"mean": 0.333333, "sd": None}),
        ([1.0, nan], {"mean": None, "sd": None}),
        ([1.0, inf], {"mean": None, "sd": None}),
        ([-inf], {"mean": None, "sd": None}),
        ([], {"mean": None, "sd": None}),
    ],
)
def test_mean_and_deviation(values, expected):
    assert mean_and_deviation(pd.Series(values, dtype=float)) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 0.0), (1234567.0, 1234570.0), (1.23456789e-7, 1.23457e-7), (-2.0, -2.0)]
)
def test_rounded(value, expected):
    assert rounded(value) == expected


def test_columns_to_the_front():
    assert list(first(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), ["c", "b"]).columns) == ["c", "b", "a"]


def test_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "d-a"  # which writing makes
    write_table(folder / "t.csv", pd.DataFrame({"n": [1, 2], "x": [1 / 3, nan], "name": ["a", None]}))
    assert (folder / "t.csv").read_bytes() == b"n,x,name\n1,0.333333,a\n2,,\n"
    assert read_table("d-a", "t")["x"].isna().tolist() == [False, True]
    path = tmp_path / "metrics" / "d" / "n.json"
    write_json(path, {"é": [1.5, None]})
    assert path.read_text(encoding="utf-8") == '{\n  "é": [\n    1.5,\n    null\n  ]\n}\n'
    assert read_json(path) == {"é": [1.5, None]}


@pytest.mark.parametrize("bad", [nan, inf])
def test_no_number_that_json_does_not_know(bad, tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "n.json", {"a": bad})
    assert not (tmp_path / "n.json").exists()


# ------------------------------------------------------------------------------------------------------ experiments

SWEEP = {"sweep": {"batch_size": [8, 4]}, "follows": ["replicas", "scale"], "against": "batch_size"}
TUNE = {
    "functions": ["sinc5", "quadratic"],
    "optimiser": None,
    "learning_rate": None,
    "tune": {"optimiser": ["adam", "sgd"], "learning_rate": [0.1, 0.01]},
}


def nets_of(entry, params, losses, ends=lambda net: None) -> pd.DataFrame:
    """`nets.csv` as training writes it.

    `losses` gives the final training loss of a net from its row, and `ends` the epoch in which it stopped, if it did.
    """
    rows = []
    for number, run in enumerate(plan("d-a", entry, params, 60)):
        for index, net in enumerate(run.members):
            row = {"run": number, "member": index, "function": net.function, "model": run.model, **run.setting}
            row |= {"replica": net.replica, "parameters": entry.parameters(run.model)}
            loss = losses(row)
            row |= {"diverged": not abs(loss) < inf, "epoch": ends(row) or run.epochs}
            row |= {"train_loss": loss, "test_loss": 2 * loss}
            if not entry.functions:
                row |= {"train_accuracy": 0.5 + net.replica / 4, "test_accuracy": 0.25}
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def summarise(prepared, params):
    """Writes an experiment's tables with the given losses, at every epoch up to a net's end, and summarises them.

    A net that diverged has a loss of 1 until then.
    """

    def make(entry, losses, ends=lambda net: None, **changes):
        settings = params(**changes)
        nets = nets_of(entry, settings, losses, ends)
        folder = prepared / "runs" / "d-a"
        write_table(folder / "nets.csv", nets)
        grid = recorded_epochs(plan("d-a", entry, settings, 60)[0].epochs)
        # a stop is recorded for every net of its run that is still in training
        grid = pd.Series(sorted({*grid, *nets["epoch"]}), name="epoch")
        quantities = [name for name in nets if name.startswith(("train_", "test_"))]
        history = nets.rename(columns={"epoch": "end"})[["run", "member", "end", *quantities]].merge(grid, how="cross")
        history = history[history["epoch"] <= history["end"]]
        for name in quantities:
            history[name] = history[name].where(history[name].abs().lt(inf) | (history["epoch"] == history["end"]), 1.0)
        history = history.drop(columns="end")
        write_table(folder / "history.csv", first(history, ["run", "member", "epoch"]))
        write_summary(entry, settings, plan("d-a", entry, settings, 60))
        metrics = json.loads(Path("metrics/d/d-a.json").read_text())
        return metrics, *(pd.read_csv(f"plots/d/d-a/{name}.csv") for name in ("curves", "final"))

    return make


def both(mean, sd) -> dict:
    """Training loss as given, and the test loss that is twice that."""
    twice = {"mean": 2 * mean, "sd": None if sd is None else rounded(2 * sd)}
    return {"train_loss": {"mean": mean, "sd": sd}, "test_loss": twice}


ACCURACY = {"train_accuracy": {"mean": 0.625, "sd": 0.176777}, "test_accuracy": {"mean": 0.25, "sd": 0.0}}


def test_a_plain_experiment(experiment, summarise):
    entry = experiment(models={"A": {"layers": [10]}, "B": {"layers": [3, 10]}})
    metrics, curves, final = summarise(entry, lambda net: net["replica"] + {"A": 1, "B": 5}[net["model"]])
    assert metrics == {
        "experiment": "d-a",
        "title": "A small classifier",
        "scale": "small",
        "data": "Noise for mnist",
        "loss": "cross_entropy",
        "train_examples": 60,
        "test_examples": 24,
        "replicas": 2,
        "epochs": 3,
        "epochs_stated": 3,
        "seed": 0,
        "models": {
            "A": {"parameters": 7850, **both(1.5, 0.707107), **ACCURACY, "diverged": 0},
            "B": {"parameters": 2395, **both(5.5, 0.707107), **ACCURACY, "diverged": 0},
        },
    }
    spreads = [f"{name}{end}" for name in ("loss", "accuracy") for end in ("", "_low", "_high")]
    assert list(curves) == ["series", "model", "epoch", "split", *spreads]
    assert list(final) == ["series", "model", "parameters", "split", *spreads]
    assert len(curves) == 2 * 2 * 4
    assert curves["epoch"].drop_duplicates().tolist() == [0, 1, 2, 3]
    assert len(final) == 2 * 2
    row = final[(final["model"] == "B") & (final["split"] == "test")].iloc[0]
    assert row[["series", "parameters", "loss", "loss_low", "loss_high"]].tolist() == ["B", 2395, 11, 10, 12]
    row = curves[(curves["model"] == "A") & (curves["split"] == "train") & (curves["epoch"] == 3)].iloc[0]
    assert row[["loss", "loss_low", "loss_high", "accuracy"]].tolist() == [1.5, 1, 2, 0.625]


def test_one_replica_has_no_deviation(experiment, summarise):
    metrics, _, final = summarise(experiment(), lambda net: 1.0, replicas=1)
    assert metrics["models"]["A"]["train_loss"] == {"mean": 1.0, "sd": None}
    assert metrics["replicas"] == 1
    assert final["loss_low"].tolist() == final["loss_high"].tolist() == [1, 2]


def test_replicas_and_epochs_within_the_scale(experiment, summarise):
    entry = experiment(epochs=50)
    seconds = 5.5 * 3 * epoch_seconds(entry, "A", 16, 60)
    metrics, curves, _ = summarise(entry, lambda net: 1.0, replicas=4, max_replicas=3, train_seconds=seconds)
    assert (metrics["replicas"], metrics["epochs"], metrics["epochs_stated"]) == (3, 5, 50)
    assert curves["epoch"].max() == 5


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_net_that_diverged_is_counted_and_not_averaged(bad, experiment, summarise):
    metrics, curves, final = summarise(experiment(), lambda net: bad if net["replica"] else 1.0)
    model = metrics["models"]["A"]
    assert model["train_loss"] == model["test_loss"] == {"mean": None, "sd": None}
    assert model["diverged"] == 1
    assert final["loss"].isna().all()
    assert curves["loss"].isna().tolist() == [False, False, False, True] * 2


STOP = {"stop": {"loss_change": 1e-6}, "epochs": 4}


def test_metrics_say_how_many_epochs_a_rule_allowed(experiment, summarise):
    entry = experiment("functions", **STOP)
    ends = {0: 2, 1: 3, 2: None}
    metrics, *_ = summarise(entry, lambda net: 1.0, ends=lambda net: ends[net["replica"]], replicas=3)
    found = metrics["models"]["A"]["quadratic"]
    assert found == {**both(1.0, 0.0), "epochs": {"mean": 3.0, "sd": 1.0}, "diverged": 0}
    assert list(found) == ["train_loss", "test_loss", "epochs", "diverged"]


def test_metrics_of_a_sweep_say_the_epochs_of_each_setting(experiment, summarise):
    entry = experiment(**SWEEP, **STOP)
    metrics, *_ = summarise(entry, lambda net: 1.0, ends=lambda net: net["replica"] + net["batch_size"] // 4)
    means = {label: metrics["models"]["A"][label]["epochs"] for label in ("batch size 8", "batch size 4")}
    assert means == {"batch size 8": {"mean": 2.5, "sd": 0.707107}, "batch size 4": {"mean": 1.5, "sd": 0.707107}}


def test_curves_go_on_with_the_last_values_of_nets_that_stopped(experiment, summarise):
    entry = experiment("functions", **STOP)
    ends = {0: 1, 1: None, 2: 3}
    _, curves, final = summarise(
        entry, lambda net: [3.0, 9.0, 6.0][net["replica"]], ends=lambda net: ends[net["replica"]], replicas=3
    )
    train = curves[curves["split"] == "train"]
    assert train["epoch"].tolist() == [0, 1, 2, 3, 4]
    spreads = ["loss", "loss_low", "loss_high"]
    assert train[spreads].to_numpy().tolist() == [[6, 3, 9]] * 5
    assert final.loc[final["split"] == "train", spreads].to_numpy().tolist() == [[6, 3, 9]]


def test_curves_have_no_mean_once_a_net_has_diverged(experiment, summarise):
    entry = experiment("functions", **STOP)
    _, curves, _ = summarise(entry, lambda net: [1.0, inf][net["replica"]], ends=lambda net: [None, 2][net["replica"]])
    assert curves["epoch"].tolist() == [0, 1, 2, 3, 4] * 2
    assert curves["loss"].isna().tolist() == [False, False, True, True, True] * 2


@pytest.mark.usefixtures("prepared")
def test_after_training_with_a_rule_the_curves_end_in_the_final_values(experiment, params):
    rule = {"stop": {"loss_change": 2e-3}, "record": {"gradient_norm": "epoch"}}
    entry = experiment("functions", functions=["sin_affine"], epochs=30, **rule)
    settings = params(replicas=3)
    runs = plan("d-a", entry, settings, 40)
    write_runs(entry, runs, [train(run, entry) for run in runs])
    write_summary(entry, settings, runs)
    ends = read_table("d-a", "nets")["epoch"]
    assert ends.min() < ends.max() < 30
    mean = read_json(Path("metrics/d/d-a.json"))["models"]["A"]["sin_affine"]["epochs"]["mean"]
    assert mean == pytest.approx(ends.mean(), rel=1e-5)
    curves, final = (pd.read_csv(f"plots/d/d-a/{name}.csv") for name in ("curves", "final"))
    assert curves["epoch"].tolist() == [*range(ends.max() + 1)] * 2  # no further than the last of the nets
    spreads = ["loss", "loss_low", "loss_high"]
    assert list(curves) == ["series", "function", "model", "epoch", "split", *spreads]
    at_the_end = curves.loc[curves["epoch"] == ends.max(), spreads].reset_index(drop=True)
    pd.testing.assert_frame_equal(at_the_end, final[spreads], rtol=1e-4)


def table(rows: list[tuple], columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def test_held_fills_the_grid_with_what_a_net_had_at_its_end():
    # member 1 of run 0 stopped at 3, off the grid, which all of that run recorded; run 1 stopped at 4
    rows = [(0, 0, 0, 9.0, 0.1), (0, 0, 2, 8.0, 0.2), (0, 0, 3, 7.5, 0.3), (0, 0, 4, 7.0, 0.4), (0, 0, 5, 6.0, 0.5)]
    rows += [(0, 1, 0, 5.0, 0.6), (0, 1, 2, 4.0, 0.7), (0, 1, 3, 3.0, 0.8)]
    rows += [(1, 0, 0, 2.0, 0.9), (1, 0, 2, nan, 1.0), (1, 0, 4, 1.0, nan)]
    history = table(rows, "run member epoch train_loss test_accuracy")
    nets = table([(0, 0, False), (0, 1, False), (1, 0, False)], "run member diverged")
    found = held(history, [0, 2, 4, 5], nets)
    expected = [(0, 0, 0, 9.0, 0.1), (0, 0, 2, 8.0, 0.2), (0, 0, 4, 7.0, 0.4), (0, 0, 5, 6.0, 0.5)]
    expected += [(0, 1, 0, 5.0, 0.6), (0, 1, 2, 4.0, 0.7), (0, 1, 4, 3.0, 0.8), (0, 1, 5, 3.0, 0.8)]
    expected += [(1, 0, 0, 2.0, 0.9), (1, 0, 2, nan, 1.0), (1, 0, 4, 1.0, nan), (1, 0, 5, 1.0, nan)]
    expected = table(expected, "run member epoch train_loss test_accuracy")
    pd.testing.assert_frame_equal(found[list(expected)], expected)
    assert set(found) == set(expected)


def test_held_leaves_a_net_that_diverged_empty_after_its_end():
    rows = [(0, 0, 0, 1.0), (0, 0, 2, inf), (1, 0, 0, 1.0), (1, 0, 2, 4.0), (1, 0, 3, inf)]
    nets = table([(0, 0, True), (1, 0, True)], "run member diverged")
    found = held(table(rows, "run member epoch loss"), [0, 2, 4], nets)
    expected = table([(0, 0, 0, 1.0), (0, 0, 2, inf), (0, 0, 4, nan), (1, 0, 0, 1.0), (1, 0, 2, 4.0), (1, 0, 4, nan)],
                     "run member epoch loss")  # fmt: skip
    pd.testing.assert_frame_equal(found[list(expected)], expected)


def test_held_changes_nothing_where_all_nets_went_to_the_end():
    history = table([(0, i, epoch, i + epoch / 8) for i in range(3) for epoch in (0, 3, 5)], "run member epoch loss")
    nets = table([(0, i, False) for i in range(3)], "run member diverged")
    pd.testing.assert_frame_equal(held(history, [0, 3, 5], nets)[list(history)], history)


def test_a_sweep(experiment, summarise):
    metrics, curves, final = summarise(experiment(**SWEEP), lambda net: net["batch_size"] + net["replica"])
    assert metrics["models"] == {
        "A": {
            "parameters": 7850,
            "batch size 8": {**both(8.5, 0.707107), **ACCURACY, "diverged": 0},
            "batch size 4": {**both(4.5, 0.707107), **ACCURACY, "diverged": 0},
        }
    }
    assert list(final)[:4] == ["series", "model", "batch_size", "parameters"]
    assert final.loc[final["split"] == "train", ["series", "batch_size", "loss"]].to_numpy().tolist() == [
        ["batch size 8", 8, 8.5],
        ["batch size 4", 4, 4.5],
    ]
    assert list(curves)[:4] == ["series", "model", "batch_size", "epoch"]


def tuning_losses(net) -> float:
    """Adam at 0.1 has the best net and the worst mean on sinc5, SGD at 0.01 the best mean; else Adam at 0.01."""
    setting = (net["optimiser"], net["learning_rate"])
    if net["function"] == "sinc5":
        worst = [1.0, 7.0][net["replica"]]
        return {("adam", 0.1): worst, ("adam", 0.01): 3.0, ("sgd", 0.1): inf, ("sgd", 0.01): 2.0}[setting]
    if setting == ("sgd", 0.1):  # one net diverged, the other is better than all
        return [0.001, nan][net["replica"]]
    return 1.0 if setting == ("adam", 0.01) else 1.5


def test_a_tuning(experiment, summarise):
    entry = experiment("functions", **TUNE)
    metrics, curves, final = summarise(entry, tuning_losses)
    assert (metrics["data"], metrics["train_examples"], metrics["test_examples"]) == (
        "sin(5πx)/(5πx); 5x² - 0.5x + 0.2",
        40,
        18,
    )
    none = {"mean": None, "sd": None}
    assert metrics["models"] == {
        "A": {
            "parameters": 19,
            "sinc5": {
                "tuned": "sgd, learning rate 0.01",
                "adam, learning rate 0.1": {**both(4.0, 4.24264), "diverged": 0},
                "adam, learning rate 0.01": {**both(3.0, 0.0), "diverged": 0},
                "sgd, learning rate 0.1": {"train_loss": none, "test_loss": none, "diverged": 2},
                "sgd, learning rate 0.01": {**both(2.0, 0.0), "diverged": 0},
            },
            "quadratic": {
                "tuned": "adam, learning rate 0.01",
                "adam, learning rate 0.1": {**both(1.5, 0.0), "diverged": 0},
                "adam, learning rate 0.01": {**both(1.0, 0.0), "diverged": 0},
                "sgd, learning rate 0.1": {"train_loss": none, "test_loss": none, "diverged": 1},
                "sgd, learning rate 0.01": {**both(1.5, 0.0), "diverged": 0},
            },
        }
    }
    train = curves[(curves["split"] == "train") & (curves["epoch"] == 3)]  # the best settings alone
    found = train[["series", "function", "optimiser", "learning_rate", "loss"]].to_numpy().tolist()
    assert sorted(found) == [["A", "quadratic", "adam", 0.01, 1.0], ["A", "sinc5", "sgd", 0.01, 2.0]]
    assert len(final) == 2 * 4 * 2
    assert "accuracy" not in final


def test_tuned_keeps_the_nets_of_the_best_mean(experiment, params):
    entry = experiment("functions", models={"A": {"layers": [6, 1]}, "B": {"layers": [3, 1]}}, **TUNE)

    def losses(net):
        return tuning_losses(net) if net["model"] == "A" else net["learning_rate"] + (net["optimiser"] == "adam")

    nets = nets_of(entry, params(), losses)
    best = tuned(entry, nets)
    found = best.groupby(["model", "function"])[["optimiser", "learning_rate"]].agg(lambda values: {*values})
    assert {index: tuple(row) for index, row in zip(found.index, found.to_numpy().tolist(), strict=True)} == {
        ("A", "sinc5"): ({"sgd"}, {0.01}),
        ("A", "quadratic"): ({"adam"}, {0.01}),
        ("B", "sinc5"): ({"sgd"}, {0.01}),
        ("B", "quadratic"): ({"sgd"}, {0.01}),
    }
    assert best.groupby(["model", "function"])["replica"].agg(sorted).tolist() == [[0, 1]] * 4
    assert set(best.columns) == set(nets.columns)


def test_without_a_tuning_all_nets_are_kept(experiment, params):
    entry = experiment(**SWEEP)
    nets = nets_of(entry, params(), lambda net: 1.0)
    assert tuned(entry, nets) is nets


def test_a_tuning_beside_a_sweep_is_for_each_swept_value(experiment, params):
    entry = experiment(learning_rate=None, tune={"learning_rate": [0.1, 0.2]}, **SWEEP)
    nets = nets_of(entry, params(), lambda net: abs(net["learning_rate"] - net["batch_size"] / 40))  # best: b / 40
    best = tuned(entry, nets)
    assert {*zip(best["batch_size"], best["learning_rate"], strict=True)} == {(8, 0.2), (4, 0.1)}
    assert len(best) == 4


@pytest.mark.parametrize(
    ("data", "changes", "expected"),
    [
        ("mnist", {}, ["model"]),
        ("mnist", SWEEP, ["model", "batch_size"]),
        ("functions", {}, ["function", "model"]),
        ("functions", TUNE, ["function", "model", "optimiser", "learning_rate"]),
    ],
)
def test_what_tells_nets_apart(data, changes, expected, experiment):
    assert identity(experiment(data, **changes)) == expected


TWO = {"models": {"A": {"layers": [10]}, "B": {"layers": [3, 10]}}}
ROW = {"model": "A", "optimiser": "adam", "learning_rate": 1e-4, "batch_size": 1024}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "A"),
        (TWO, "A"),
        (SWEEP, "batch size 1024"),
        (SWEEP | TWO, "A, batch size 1024"),
        (
            {"optimiser": None, "learning_rate": None}
            | {"sweep": {"learning_rate": [0.1], "optimiser": ["sgd"]}, "against": "learning_rate"},
            "adam, learning rate 0.0001",
        ),
        ({"learning_rate": None, "tune": {"learning_rate": [0.1]}}, "A"),
    ],
)
def test_series(changes, expected, experiment):
    found = with_series(experiment(**changes), pd.DataFrame([ROW]))
    assert found["series"].tolist() == [expected]
    assert list(found) == ["series", *ROW]


@pytest.mark.usefixtures("prepared")
def test_about_says_what_the_report_states_and_what_was_done(experiment, params):
    entry = experiment("functions", epochs=5000)
    settings = params(seed=9, train_seconds=30.5 * 3 * epoch_seconds(entry, "A", 40, 40))
    found = about(entry, settings, plan("d-a", entry, settings, 40))
    assert (found["epochs"], found["epochs_stated"], found["seed"]) == (30, 5000, 9)
