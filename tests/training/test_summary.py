"""From tables of nets to metrics and curves: means over replicas, gaps, intervals, epochs to fit, tuning, labels."""

import json
from math import inf, nan
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netclaims.files import first, read_json, read_table, write_json, write_table
from netclaims.spread import mean_and_deviation, rounded, spread
from netclaims.training.artifacts import write_runs
from netclaims.training.budget import epoch_seconds
from netclaims.training.loop import train
from netclaims.training.runs import recorded_epochs, runs_of
from netclaims.training.selection import tuned, with_series
from netclaims.training.summary import about, epochs_to_fit, held, interval, write_summary

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
    folder = tmp_path / "runs" / "d-test"  # which writing makes
    write_table(folder / "t.csv", pd.DataFrame({"n": [1, 2], "x": [1 / 3, nan], "name": ["a", None]}))
    assert (folder / "t.csv").read_bytes() == b"n,x,name\n1,0.333333,a\n2,,\n"
    assert read_table("d-test", "t")["x"].isna().tolist() == [False, True]
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

SWEEP = {"sweep": {"batch_size": [8, 4]}, "against": "batch_size"}
TUNE = {
    "functions": ["sinc5", "quadratic"],
    "optimiser": None,
    "learning_rate": None,
    "tune": {"optimiser": ["adam", "sgd"], "learning_rate": [0.1, 0.01]},
}


TWO = {"models": {"A": {"layers": [10]}, "B": {"layers": [3, 10]}}}


def nets_of(entry, losses, ends=lambda net: None, also=lambda net: {}) -> pd.DataFrame:
    """`nets.csv` as training writes it.

    From its row `losses` gives the final training loss of a net, `ends` the epoch in which it stopped, if it did, and
    `also` what else it has that is not like the others.
    """
    rows = []
    for number, run in enumerate(runs_of(entry, "cpu")):
        for index, net in enumerate(run.members):
            if run.control:
                continue
            row = {"run": number, "member": index, "function": net.function, "model": run.model, **run.setting}
            row |= {"replica": net.replica, "parameters": entry.parameters(run.model)}
            loss = losses(row)
            row |= {"diverged": not abs(loss) < inf, "epoch": ends(row) or run.epochs}
            row |= {"train_loss": loss, "test_loss": 2 * loss}
            if not entry.functions:
                row |= {"train_accuracy": 0.5 + net.replica / 4, "test_accuracy": 0.25}
            rows.append(row | also(row))
    return pd.DataFrame(rows)


@pytest.fixture
def summarise(prepared):
    """Writes an experiment's tables with the given losses, at every epoch up to a net's end, and summarises them.

    A net that diverged has a loss of 1 until then. `course` may change the history before it is written.
    """

    def make(entry, losses, ends=lambda net: None, also=lambda net: {}, course=lambda history: history):
        runs = runs_of(entry, "cpu")
        nets = nets_of(entry, losses, ends, also)
        folder = prepared / "runs" / "d-test"
        write_table(folder / "nets.csv", nets)
        # a stop is recorded for every net of its run that is still in training
        grid = [(number, epoch) for number, run in enumerate(runs)
                for epoch in sorted({*recorded_epochs(run.epochs), *nets["epoch"][nets["run"] == number]})]  # fmt: skip
        grid = pd.DataFrame(grid, columns=["run", "epoch"])
        quantities = [name for name in nets if name.startswith(("train_", "test_"))]
        history = nets.rename(columns={"epoch": "end"})[["run", "member", "end", *quantities]].merge(grid, on="run")
        history = history[history["epoch"] <= history["end"]]
        for name in quantities:
            history[name] = history[name].where(history[name].abs().lt(inf) | (history["epoch"] == history["end"]), 1.0)
        history = course(first(history.drop(columns="end"), ["run", "member", "epoch"]))
        write_table(folder / "history.csv", history)
        write_summary(entry, runs)
        metrics = json.loads(Path("metrics/d/d-test.json").read_text())
        assert metrics == read_json(folder / "about.json") | {"models": metrics["models"]}
        return metrics, *(pd.read_csv(f"plots/d/d-test/{name}.csv") for name in ("curves", "final"))

    return make


def both(mean, sd) -> dict:
    """Training loss as given, and the test loss that is twice that."""
    twice = {"mean": 2 * mean, "sd": None if sd is None else rounded(2 * sd)}
    return {"train_loss": {"mean": mean, "sd": sd}, "test_loss": twice}


ACCURACY = {
    "train_accuracy": {"mean": 0.625, "sd": 0.176777},
    "test_accuracy": {"mean": 0.25, "sd": 0.0},
    "test_accuracy_interval": [0.119994, 0.448994],  # of 6 of 24
}


def test_a_plain_experiment(experiment, summarise):
    entry = experiment(models={"A": {"layers": [10]}, "B": {"layers": [3, 10]}})
    metrics, curves, final = summarise(entry, lambda net: net["replica"] + {"A": 1, "B": 5}[net["model"]])
    assert metrics == {
        "experiment": "d-test",
        "scale": "small",
        "data": "Noise for mnist",
        "loss": "cross_entropy",
        "train_examples": 60,
        "train_examples_on_the_way": 24,
        "test_examples": 24,
        "largest_class": 0.125,
        "replicas": 2,
        "epochs": 3,
        "epochs_stated": 3,
        "seed": 0,
        "device": "cpu",
        "models": {
            "A": {"parameters": 7850, "trained_by": "kernel", **both(1.5, 0.707107), **ACCURACY, "diverged": 0},
            "B": {"parameters": 2395, "trained_by": "kernel", **both(5.5, 0.707107), **ACCURACY, "diverged": 0},
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
    metrics, _, final = summarise(experiment(replicas=1), lambda net: 1.0)
    assert metrics["models"]["A"]["train_loss"] == {"mean": 1.0, "sd": None}
    assert metrics["replicas"] == 1
    assert final["loss_low"].tolist() == final["loss_high"].tolist() == [1, 2]


def test_replicas_and_epochs_within_the_scale(experiment, summarise):
    seconds = 5.5 * 3 * epoch_seconds(experiment(), "A", 16)
    knobs = {"replicas": 4, "max_replicas": 3, "train_seconds": seconds}
    metrics, curves, _ = summarise(experiment(epochs=50, knobs=knobs), lambda net: 1.0)
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
    entry = experiment("functions", replicas=3, **STOP)
    ends = {0: 2, 1: 3, 2: None}
    metrics, *_ = summarise(entry, lambda net: 1.0, ends=lambda net: ends[net["replica"]])
    found = metrics["models"]["A"]["quadratic"]
    assert found == {**both(1.0, 0.0), "epochs": {"mean": 3.0, "sd": 1.0}, "diverged": 0}
    assert list(found) == ["train_loss", "test_loss", "epochs", "diverged"]


def test_metrics_of_a_sweep_say_the_epochs_of_each_setting(experiment, summarise):
    entry = experiment(**SWEEP, **STOP)
    metrics, *_ = summarise(entry, lambda net: 1.0, ends=lambda net: net["replica"] + net["batch_size"] // 4)
    means = {label: metrics["models"]["A"][label]["epochs"] for label in ("batch size 8", "batch size 4")}
    assert means == {"batch size 8": {"mean": 2.5, "sd": 0.707107}, "batch size 4": {"mean": 1.5, "sd": 0.707107}}


def test_curves_go_on_with_the_last_values_of_nets_that_stopped(experiment, summarise):
    entry = experiment("functions", replicas=3, **STOP)
    ends = {0: 1, 1: None, 2: 3}
    _, curves, final = summarise(
        entry, lambda net: [3.0, 9.0, 6.0][net["replica"]], ends=lambda net: ends[net["replica"]]
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
def test_after_training_with_a_rule_the_curves_end_in_the_final_values(experiment):
    rule = {"stop": {"loss_change": 2e-3}, "record": {"gradient_norm": "epoch"}}
    entry = experiment("functions", functions=["sin_affine"], epochs=30, replicas=3, **rule)
    runs = runs_of(entry, "cpu")
    write_runs(entry, runs, [train(run, entry) for run in runs])
    write_summary(entry, runs)
    ends = read_table("d-test", "nets")["epoch"]
    assert ends.min() < ends.max() < 30
    mean = read_json(Path("metrics/d/d-test.json"))["models"]["A"]["sin_affine"]["epochs"]["mean"]
    assert mean == pytest.approx(ends.mean(), rel=1e-5)
    curves, final = (pd.read_csv(f"plots/d/d-test/{name}.csv") for name in ("curves", "final"))
    assert curves["epoch"].tolist() == [*range(ends.max() + 1)] * 2  # no further than the last of the nets
    spreads = ["loss", "loss_low", "loss_high"]
    assert list(curves) == ["series", "function", "model", "epoch", "split", *spreads]
    at_the_end = curves.loc[curves["epoch"] == ends.max(), spreads].reset_index(drop=True)
    pd.testing.assert_frame_equal(at_the_end, final[spreads], rtol=1e-4)


def table(rows: list[tuple], columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


@pytest.fixture
def _few_records(monkeypatch):
    """A run of 5 epochs records 0, 2, 4 and 5."""
    monkeypatch.setattr("netclaims.training.runs.RECORDED_EPOCHS", 3)


@pytest.mark.usefixtures("_few_records")
def test_held_fills_the_grid_with_what_a_net_had_at_its_end():
    # member 1 of run 0 stopped at 3, off the grid, which all of that run recorded; run 1 stopped at 4
    rows = [(0, 0, 0, 9.0, 0.1), (0, 0, 2, 8.0, 0.2), (0, 0, 3, 7.5, 0.3), (0, 0, 4, 7.0, 0.4), (0, 0, 5, 6.0, 0.5)]
    rows += [(0, 1, 0, 5.0, 0.6), (0, 1, 2, 4.0, 0.7), (0, 1, 3, 3.0, 0.8)]
    rows += [(1, 0, 0, 2.0, 0.9), (1, 0, 2, nan, 1.0), (1, 0, 4, 1.0, nan)]
    history = table(rows, "run member epoch train_loss test_accuracy")
    nets = table([(0, 0, 5, False), (0, 1, 3, False), (1, 0, 4, False)], "run member epoch diverged")
    found = held(history, nets, {0: 5, 1: 5})
    expected = [(0, 0, 0, 9.0, 0.1), (0, 0, 2, 8.0, 0.2), (0, 0, 4, 7.0, 0.4), (0, 0, 5, 6.0, 0.5)]
    expected += [(0, 1, 0, 5.0, 0.6), (0, 1, 2, 4.0, 0.7), (0, 1, 4, 3.0, 0.8), (0, 1, 5, 3.0, 0.8)]
    expected += [(1, 0, 0, 2.0, 0.9), (1, 0, 2, nan, 1.0), (1, 0, 4, 1.0, nan), (1, 0, 5, 1.0, nan)]
    expected = table(expected, "run member epoch train_loss test_accuracy")
    pd.testing.assert_frame_equal(found[list(expected)], expected)
    assert set(found) == set(expected)


@pytest.mark.usefixtures("_few_records")
def test_held_leaves_a_net_that_diverged_empty_after_its_end():
    rows = [(0, 0, 0, 1.0), (0, 0, 2, inf), (1, 0, 0, 1.0), (1, 0, 2, 4.0), (1, 0, 3, inf)]
    rows += [(1, 1, 0, 1.0), (1, 1, 2, 1.0), (1, 1, 3, 2.0)]
    nets = table([(0, 0, 2, True), (1, 0, 3, True), (1, 1, 4, False)], "run member epoch diverged")
    found = held(table(rows, "run member epoch loss"), nets, {0: 5, 1: 5})
    expected = [(0, 0, 0, 1.0), (0, 0, 2, inf), (0, 0, 4, nan), (1, 0, 0, 1.0), (1, 0, 2, 4.0), (1, 0, 4, nan)]
    expected += [(1, 1, 0, 1.0), (1, 1, 2, 1.0), (1, 1, 4, 2.0)]
    expected = table(expected, "run member epoch loss")
    pd.testing.assert_frame_equal(found[list(expected)], expected)


@pytest.mark.usefixtures("_few_records")
def test_held_changes_nothing_where_all_nets_went_to_the_end():
    history = table([(0, i, epoch, i + epoch / 8) for i in range(3) for epoch in (0, 2, 4, 5)], "run member epoch loss")
    nets = table([(0, i, 5, False) for i in range(3)], "run member epoch diverged")
    pd.testing.assert_frame_equal(held(history, nets, {0: 5})[list(history)], history)


@pytest.mark.usefixtures("_few_records")
def test_held_leaves_every_run_its_own_length():
    # runs 0 and 3 were to take 2 epochs, 1 and 2 were to take 7, of which no net took more than 6; 4 is a control
    ends = {(0, 0): 2, (0, 1): 1, (1, 0): 3, (2, 0): 6, (3, 0): 1}
    grids = {0: [0, 1, 2], 1: [0, 3, 6, 7], 2: [0, 3, 6, 7], 3: [0, 1, 2]}
    rows = [(*net, epoch, 10.0 * net[0] + net[1] + epoch / 8)
            for net, end in ends.items() for epoch in grids[net[0]] if epoch <= end]  # fmt: skip
    nets = table([(*net, end, False) for net, end in ends.items()], "run member epoch diverged")
    found = held(table(rows, "run member epoch loss"), nets, {0: 2, 1: 7, 2: 7, 3: 2, 4: 9})
    expected = [(*net, epoch, 10.0 * net[0] + net[1] + min(epoch, end) / 8)
                for net, end in ends.items() for epoch in grids[net[0]] if epoch < 7]  # fmt: skip
    expected = table(expected, "run member epoch loss")
    pd.testing.assert_frame_equal(found[list(expected)], expected)


# -------------------------------------------------------------------------------------------- equal steps, a control

EQUAL = {**SWEEP, "sweep": {"batch_size": [8, 4], "equal": ["epochs", "steps"]}}


def test_metrics_and_curves_of_equal_steps(experiment, summarise):
    metrics, curves, final = summarise(
        experiment(**EQUAL), lambda net: net["batch_size"] + 10 * (net["equal"] == "steps")
    )
    # an epoch is 8 steps in batches of 8, and 15 in batches of 4, the smaller one of the two in the middle
    assert (metrics["epochs"], metrics["epochs_stated"], metrics["equal_steps"]) == (
        3,
        3,
        32,
    )  # not 45: in the time of equal epochs
    series = {"batch size 8, equal epochs": 3, "batch size 8, equal steps": 4}
    series |= {"batch size 4, equal epochs": 3, "batch size 4, equal steps": 3}
    assert list(metrics["models"]["A"]) == ["parameters", "trained_by", *series]
    losses = {name: metrics["models"]["A"][name]["train_loss"]["mean"] for name in series}
    assert list(losses.values()) == [8, 18, 4, 14]
    assert curves.groupby(["series", "split"])["epoch"].agg(list).to_dict() == {
        (name, split): list(range(end + 1)) for name, end in series.items() for split in ("train", "test")
    }
    assert list(curves)[:5] == ["series", "model", "batch_size", "equal", "epoch"]
    train_losses = final[final["split"] == "train"].set_index("series")["loss"]
    assert train_losses.to_dict() == losses


def outputs(folder) -> dict[str, bytes]:
    """Metrics and plot tables."""
    paths = [*folder.glob("metrics/d/*"), *folder.glob("plots/d/d-test/*")]
    return {path.name: path.read_bytes() for path in paths}


def test_the_control_is_in_no_summary(experiment, prepared):
    found = []
    for control in (None, 4):
        entry = experiment(**EQUAL, control=control)
        runs = runs_of(entry, "cpu")
        write_runs(entry, runs, [train(run, entry) for run in runs])
        write_summary(entry, runs)
        found.append(outputs(prepared))
        (prepared / "metrics" / "d" / "d-test.json").unlink()
    assert len(runs) == 5
    assert len(read_table("d-test", "controls")) == 2
    assert set(found[0]) == {"d-test.json", "curves.csv", "final.csv", "gap.csv"}
    assert found[0] == found[1]


# ----------------------------------------------------------------------------------- gaps, intervals, epochs to fit


def test_the_generalisation_gap_is_that_of_each_replica(experiment, summarise):
    measured = {  # train_loss, test_loss, train_accuracy, test_accuracy
        ("A", 0): (1.0, 5.0, 0.5, 0.75),
        ("A", 1): (3.0, 4.0, 1.0, 0.5),
        ("A", 2): (2.0, 1.5, 0.75, 0.5),
        ("B", 0): (1.0, 2.0, 1.0, 1.0),
        ("B", 1): (2.0, inf, 0.5, nan),
        ("B", 2): (3.0, 4.0, 1.0, 1.0),
    }
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")

    def also(net):
        return dict(zip(names, measured[net["model"], net["replica"]], strict=True))

    summarise(experiment(replicas=3, **TWO), lambda net: 1.0, also=also)
    gap = pd.read_csv("plots/d/d-test/gap.csv")
    ends = ("", "_low", "_high")
    columns = [f"{name}_gap{end}" for name in ("loss", "accuracy") for end in ends]
    assert list(gap) == ["series", "model", "parameters", *columns]
    assert gap[["series", "parameters"]].to_numpy().tolist() == [["A", 7850], ["B", 2395]]
    # of A: 4, 1 and -0.5; -0.25, 0.5 and 0.25
    assert gap.loc[0, columns].tolist() == pytest.approx([1.5, -0.5, 4, 1 / 6, -0.25, 0.5], rel=1e-5)
    assert gap.loc[1, columns].isna().all()


def test_the_gap_of_a_fit_is_one_of_losses_alone_and_that_of_a_tuning_has_every_setting(experiment, summarise):
    summarise(experiment("functions", **TUNE), lambda net: 1.0 + net["replica"])
    gap = pd.read_csv("plots/d/d-test/gap.csv")
    assert list(gap)[-4:] == ["parameters", "loss_gap", "loss_gap_low", "loss_gap_high"]
    assert len(gap) == 2 * 4
    assert gap[["loss_gap", "loss_gap_low", "loss_gap_high"]].drop_duplicates().to_numpy().tolist() == [[1.5, 1, 2]]


def wilson(correct: int, examples: int) -> tuple[float, float]:
    """The shares p for which |correct/examples - p| = z √(p (1 - p) / examples): the roots of a quadratic."""
    z, share = NormalDist().inv_cdf(0.975), correct / examples
    roots = np.roots([1 + z**2 / examples, -(2 * share + z**2 / examples), share**2])
    return tuple(sorted(roots.real))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilsons(counts):
    correct, examples = counts
    low, high = interval(correct / examples, examples)
    assert (low, high) == pytest.approx(wilson(correct, examples), rel=1e-5, abs=1e-7)
    assert 0 <= low <= correct / examples * 1.00001
    assert correct / examples * 0.99999 <= high <= 1
    assert interval(1 - correct / examples, examples) == pytest.approx([1 - high, 1 - low], abs=2e-6)


@pytest.mark.parametrize(
    ("correct", "examples", "expected"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_the_interval_is_that_of_newcombe_1998(correct, examples, expected):
    assert interval(correct / examples, examples) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("examples", [1, 24, 1000, 10_000])
def test_the_interval_of_none_and_of_all_ends_there(examples):
    assert interval(0.0, examples)[0] == 0
    assert interval(1.0, examples)[1] == 1


def test_the_interval_is_that_of_the_mean_over_replicas_on_one_test_set(experiment, summarise):
    accuracies = [0.125, 0.5, 0.25]  # 3, 12 and 6 of 24
    metrics, *_ = summarise(
        experiment(replicas=3), lambda net: 1.0, also=lambda net: {"test_accuracy": accuracies[net["replica"]]}
    )
    found = metrics["models"]["A"]
    assert found["test_accuracy"]["mean"] == pytest.approx(7 / 24, rel=1e-5)
    assert found["test_accuracy_interval"] == pytest.approx(wilson(7, 24), rel=1e-5)


def test_without_all_accuracies_there_is_no_interval(experiment, summarise):
    accuracies = [0.25, nan]
    metrics, *_ = summarise(
        experiment(), lambda net: 1.0, also=lambda net: {"test_accuracy": accuracies[net["replica"]]}
    )
    assert "test_accuracy_interval" not in metrics["models"]["A"]


HISTORY = {  # training accuracy by epoch, of run and member
    (0, 0): {0: 0.1, 2: 0.85, 4: 0.9, 6: 0.7, 8: 1.0},  # at 4, whatever it has later
    (0, 1): {0: 0.1, 2: 0.2, 4: 0.3, 6: 0.4, 8: 0.899},  # never
    (1, 0): {0: 0.95, 3: 0.2},  # before it has learnt anything
    (1, 1): {0: 0.1, 3: 1.0},  # at its end
    (2, 0): {0: 0.1, 1: nan},  # diverged
    (2, 1): {0: 0.1, 1: 0.9, 2: nan},  # diverged after it had fitted
}


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [(0.9, [4, nan, 0, 3, nan, 1]), (0.1, [0] * 6), (1, [8, nan, nan, 3, nan, nan]), (0, [0] * 6)],
)
def test_epochs_to_fit_images(accuracy, expected, experiment):
    rows = [(*net, epoch, value) for net, course in HISTORY.items() for epoch, value in course.items()]
    history = table(rows, "run member epoch train_accuracy").sample(frac=1, random_state=0)
    order = [5, 3, 1, 0, 2, 4]  # of the nets: another than that of the history
    nets = table([[*HISTORY][i] for i in order], "run member")
    found = epochs_to_fit(experiment(fitted={"accuracy": accuracy}), history, nets)
    np.testing.assert_array_equal(found, [expected[i] for i in order])


@pytest.mark.parametrize("points", [2, 17, 40])
@pytest.mark.parametrize("unexplained", [1, 0.05, 1e-6])
def test_epochs_to_fit_a_function_go_by_the_share_of_its_variance(points, unexplained, experiment):
    x = np.linspace(-1, 1, points)
    values = {"quadratic": 5 * x**2 - 0.5 * x + 0.2, "sin_affine": np.sin(0.2 * x + 1)}
    best_constant = {name: np.mean((y - np.mean(y)) ** 2) for name, y in values.items()}
    limit = {name: unexplained * loss for name, loss in best_constant.items()}
    courses = [
        *((name, {0: 9.0, 3: 1.000001 * at, 5: 0.999999 * at, 7: 9.0}, 5) for name, at in limit.items()),
        *((name, {0: 9.0, 3: 1.000001 * at, 5: inf}, nan) for name, at in limit.items()),
        ("quadratic", {0: 9.0, 3: 0.0, 5: nan}, 3),
        # what is good enough for one function is not for the other, whose variance is smaller
        ("quadratic", {0: 9.0, 3: 0.9 * limit["quadratic"]}, 3),
        ("sin_affine", {0: 9.0, 3: 0.9 * limit["quadratic"]}, nan),
    ]
    assert limit["sin_affine"] < 0.9 * limit["quadratic"]
    rows = [(0, i, epoch, loss) for i, (_, course, _) in enumerate(courses) for epoch, loss in course.items()]
    nets = table([(0, i, name) for i, (name, *_) in enumerate(courses)], "run member function")
    entry = experiment("functions", functions=["quadratic", "sin_affine"], points=points,
                       fitted={"unexplained": unexplained})  # fmt: skip
    found = epochs_to_fit(entry, table(rows, "run member epoch train_loss"), nets)
    np.testing.assert_array_equal(found, [epoch for *_, epoch in courses])


def test_where_nothing_may_be_unexplained_a_loss_of_nothing_has_fitted(experiment):
    history = table([(0, 0, 0, 1e-9), (0, 0, 3, 0.0)], "run member epoch train_loss")
    entry = experiment("functions", fitted={"unexplained": 0})
    assert epochs_to_fit(entry, history, table([(0, 0, "quadratic")], "run member function")) == [3]


def test_without_a_rule_no_net_has_epochs_to_fit(experiment):
    nets = table([(0, 0), (0, 1)], "run member")
    history = table([(0, 0, 0, 1.0), (0, 1, 0, 1.0)], "run member epoch train_accuracy")
    assert np.isnan(epochs_to_fit(experiment(), history, nets)).tolist() == [True, True]


def test_metrics_say_how_many_replicas_fitted_and_after_how_many_epochs_if_all_did(experiment, summarise):
    fits = {(8, 0): 1, (8, 1): 3, (4, 0): 2, (4, 1): None, (2, 0): None, (2, 1): None}
    sweep = SWEEP | {"sweep": {"batch_size": [8, 4, 2]}}
    sizes = [8, 4, 2]

    def course(history):
        fitted = [fits[sizes[net.run], net.member] for net in history.itertuples()]
        enough = [at is not None and net.epoch >= at for net, at in zip(history.itertuples(), fitted, strict=True)]
        return history.assign(train_accuracy=np.where(enough, 0.99, 0.98))

    metrics, *_ = summarise(experiment(**sweep, fitted={"accuracy": 0.99}), lambda net: 1.0, course=course)
    none = {"mean": None, "sd": None}
    assert {label: found["fitted"] for label, found in metrics["models"]["A"].items() if isinstance(found, dict)} == {
        "batch size 8": {"replicas": 2, "epochs": {"mean": 2.0, "sd": 1.41421}},
        "batch size 4": {"replicas": 1, "epochs": none},
        "batch size 2": {"replicas": 0, "epochs": none},
    }
    gap = pd.read_csv("plots/d/d-test/gap.csv")
    names = [f"{name}{end}" for name in ("loss_gap", "accuracy_gap", "epochs_to_fit") for end in ("", "_low", "_high")]
    assert list(gap) == ["series", "model", "batch_size", "parameters", *names]
    assert gap["series"].tolist() == [f"batch size {size}" for size in sizes]
    assert gap.loc[0, names[-3:]].tolist() == [2, 1, 3]
    assert gap.loc[1:, names[-3:]].isna().to_numpy().all()


@pytest.mark.usefixtures("prepared")
def test_after_training_the_epochs_to_fit_are_those_of_the_history(experiment):
    functions, rule = ["quadratic", "sin_affine"], {"unexplained": 0.9}
    changes = {"learning_rate": 0.1, "epochs": 50, "replicas": 3}
    entry = experiment("functions", functions=functions, fitted=rule, **changes)
    runs = runs_of(entry, "cpu")
    write_runs(entry, runs, [train(run, entry) for run in runs])
    write_summary(entry, runs)
    metrics = read_json(Path("metrics/d/d-test.json"))["models"]["A"]
    nets = read_table("d-test", "nets")[["run", "member", "function"]]
    history = read_table("d-test", "history").merge(nets, on=["run", "member"])
    x = np.linspace(-1, 1, 40)
    limits = {"quadratic": 0.9 * np.var(5 * x**2 - 0.5 * x + 0.2), "sin_affine": 0.9 * np.var(np.sin(0.2 * x + 1))}
    fitted = {}
    for name, limit in limits.items():
        mine = history[history["function"] == name]
        above = (
            (mine["train_loss"] > limit).groupby([mine["run"], mine["member"]]).sum()
        )  # whose losses fall all the time
        fitted[name] = above[above <= 50]
    some, every = fitted["quadratic"], fitted["sin_affine"]
    assert (len(some), len(every), len(set(every))) == (1, 3, 3)
    assert metrics["quadratic"]["fitted"] == {"replicas": 1, "epochs": {"mean": None, "sd": None}}
    epochs = {"mean": rounded(every.mean()), "sd": rounded(every.std())}
    assert metrics["sin_affine"]["fitted"] == {"replicas": 3, "epochs": epochs}


# ------------------------------------------------------------------------------------------------ sweeps and tunings


def test_a_sweep(experiment, summarise):
    metrics, curves, final = summarise(experiment(**SWEEP), lambda net: net["batch_size"] + net["replica"])
    assert metrics["models"] == {
        "A": {
            "parameters": 7850,
            "trained_by": "kernel",
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
            "trained_by": "kernel",
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


def test_tuned_keeps_the_nets_of_the_best_mean(experiment):
    entry = experiment("functions", models={"A": {"layers": [6, 1]}, "B": {"layers": [3, 1]}}, **TUNE)

    def losses(net):
        return tuning_losses(net) if net["model"] == "A" else net["learning_rate"] + (net["optimiser"] == "adam")

    nets = nets_of(entry, losses)
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


def test_without_a_tuning_all_nets_are_kept(experiment):
    entry = experiment(**SWEEP)
    nets = nets_of(entry, lambda net: 1.0)
    assert tuned(entry, nets) is nets


def test_a_tuning_beside_a_sweep_is_for_each_swept_value(experiment):
    entry = experiment(learning_rate=None, tune={"learning_rate": [0.1, 0.2]}, **SWEEP)
    nets = nets_of(entry, lambda net: abs(net["learning_rate"] - net["batch_size"] / 40))  # best: b / 40
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
        ("mnist", EQUAL, ["model", "batch_size", "equal"]),
        ("mnist", {"sweep": {"shuffle_labels": [0, 1]}}, ["model", "shuffle_labels"]),
    ],
)
def test_what_tells_nets_apart(data, changes, expected, experiment):
    assert experiment(data, **changes).identity == expected


ROW = {"model": "A", "optimiser": "adam", "learning_rate": 1e-4, "batch_size": 1024}
ROW |= {"shuffle_labels": 0.25, "equal": "steps"}


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
        (EQUAL, "batch size 1024, equal steps"),
        (EQUAL | TWO, "A, batch size 1024, equal steps"),
        ({"sweep": {"shuffle_labels": [0, 0.25]}}, "25 % of the labels shuffled"),
        (
            EQUAL | {"sweep": {"shuffle_labels": [0, 0.25], "batch_size": [8], "equal": ["epochs"]}},
            "batch size 1024, 25 % of the labels shuffled, equal steps",
        ),
    ],
)
def test_series(changes, expected, experiment):
    found = with_series(experiment(**changes), pd.DataFrame([ROW]))
    assert found["series"].tolist() == [expected]
    assert list(found) == ["series", *ROW]


@pytest.mark.usefixtures("prepared")
def test_about_says_what_the_report_states_and_what_was_done(experiment):
    knobs = {"seed": 9, "train_seconds": 30.5 * 3 * epoch_seconds(experiment("functions"), "A", 40)}
    entry = experiment("functions", epochs=5000, knobs=knobs)
    found = about(entry, runs_of(entry, "cpu"))
    assert (found["epochs"], found["epochs_stated"], found["seed"]) == (30, 5000, 9)
    assert not {"largest_class", "equal_steps"} & set(found)


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(("data", "wanted", "sizes"), [("mnist", None, (60, 24)), ("mnist", 7, (7, 24)),
                                                       ("mnist", 99, (60, 24)), ("cifar10", 7, (7, 12))])  # fmt: skip
def test_about_says_how_many_examples_there_are_and_the_share_of_the_largest_class(data, wanted, sizes, experiment):
    entry = experiment(data, examples=wanted, models={"A": {"layers": [10]}})
    found = about(entry, runs_of(entry, "cpu"))
    assert (found["train_examples"], found["test_examples"]) == sizes
    assert found["largest_class"] == rounded(-(-sizes[1] // 10) / sizes[1])
    assert "equal_steps" not in found
