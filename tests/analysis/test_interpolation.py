"""Nets on a line: which nets, its ends, its shape for known losses, and barriers."""

import json
import sys
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from netclaims.analysis.interpolation import MATCHED, along, barrier, between, inside, line_numbers, pairs
from netclaims.analysis.sensitivity import COLUMNS, sensitivities
from netclaims.analysis.weight_matching import matched
from netclaims.data.examples import Examples, first_examples, images
from netclaims.nets.evaluation import evaluate
from netclaims.nets.layers import Conv, Dense, Pool
from netclaims.nets.network import Network, member
from netclaims.recipes.resolve import analysis
from netclaims.settings.analyses import InterpolateSettings
from netclaims.training.random_streams import stream
from stages import interpolate as script

ALPHA = np.linspace(-1, 2, 31)


def part(examples, features, classes, of) -> Examples:
    x = torch.randn(examples, features, generator=stream(of, "x"))
    return Examples(x, torch.randint(classes, (1, examples), generator=stream(of, "y")))


@pytest.fixture
def line(network_of):
    """A classifier, two sets of weights, and two data sets."""
    network = network_of([5, 4], (3,))
    weights = network.initial([stream("a"), stream("b")])
    data = {"train": part(30, 3, 4, "train"), "test": part(20, 3, 4, "test")}
    return network, member(weights, 0), member(weights, 1), data


# -------------------------------------------------------------------------------------------------- pairs of nets


def table_of(values, models=("DNN",), replicas=3, first_run=0) -> pd.DataFrame:
    """A table of nets, one run per model and value; some runs hold their members backwards."""
    rows = [
        {"run": first_run + run, "member": replicas - 1 - i if run % 2 else i, "model": model, "replica": i}
        | {"batch_size": value}
        for run, (model, value) in enumerate((model, value) for model in models for value in values)
        for i in range(replicas)
    ]
    return pd.DataFrame(rows)


def ends(found: pd.DataFrame, kind: str) -> dict:
    """Start and end, each as (run, member), by model and replica, of one kind of pair."""
    return {
        (row.model, row.replica): ((row.run_start, row.member_start), (row.run_end, row.member_end))
        for row in found[found["pair"] == kind].itertuples()
    }


def test_pairs_of_three_replicas():
    nets = table_of([16, 64, 256, 1024])
    controls = table_of([64], first_run=4)
    found = pairs(nets.sample(frac=1, random_state=1), "batch_size", [64.0, 1024.0], ["DNN"], controls)
    runs_of_64, runs_of_1024 = [(1, 2), (1, 1), (1, 0)], [(3, 2), (3, 1), (3, 0)]
    two_starts = {("DNN", i): (runs_of_64[i], runs_of_1024[(i + 1) % 3]) for i in range(3)}
    assert ends(found, "two starts") == two_starts
    assert ends(found, MATCHED) == two_starts
    assert ends(found, "one start") == {("DNN", i): (runs_of_64[i], runs_of_1024[i]) for i in range(3)}
    assert ends(found, "control") == {("DNN", i): (runs_of_64[i], (4, i)) for i in range(3)}
    assert found["pair"].unique().tolist() == ["two starts", MATCHED, "one start", "control"]
    assert len(found) == 12
    assert found["own"].tolist() == [True] * 3 + [False] * 9


def test_the_start_is_the_first_of_the_values():
    nets = table_of([64, 1024])
    forth, back = (pairs(nets, "batch_size", values, []) for values in ([64, 1024], [1024, 64]))
    assert {start[0] for start, _ in ends(forth, "one start").values()} == {0}
    assert {start[0] for start, _ in ends(back, "one start").values()} == {1}


def test_two_replicas_change_places():
    found = pairs(table_of([64, 1024], replicas=2), "batch_size", [64, 1024], ["DNN"])
    expected = {("DNN", 0): ((0, 0), (1, 0)), ("DNN", 1): ((0, 1), (1, 1))}  # the second run is backwards
    assert ends(found, "two starts") == expected
    assert ends(found, "one start") == {("DNN", 0): ((0, 0), (1, 1)), ("DNN", 1): ((0, 1), (1, 0))}


def test_a_single_replica_has_no_second_start_and_its_own_pair_is_of_one_start():
    nets, controls = table_of([64, 1024], replicas=1), table_of([64], replicas=1, first_run=2)
    found = pairs(nets, "batch_size", [64, 1024], ["DNN"], controls)
    assert found["pair"].tolist() == ["one start", "control"]
    assert found["own"].tolist() == [True, False]


def test_without_controls_there_is_no_such_pair():
    found = pairs(table_of([64, 1024]), "batch_size", [64, 1024], ["DNN"])
    assert found["pair"].unique().tolist() == ["two starts", MATCHED, "one start"]


def test_only_models_of_dense_layers_are_matched_and_models_do_not_mix():
    nets, controls = table_of([64, 1024], ("A", "B")), table_of([64], ("A", "B"), first_run=4)
    found = pairs(nets, "batch_size", [64, 1024], ["B"], controls)
    assert found.groupby("pair")["model"].unique().map(list).to_dict() == {
        "two starts": ["A", "B"], MATCHED: ["B"], "one start": ["A", "B"], "control": ["A", "B"]}  # fmt: skip
    runs = {"A": (0, 1, 4), "B": (2, 3, 5)}
    for kind in found["pair"].unique():
        for (model, _), (start, end) in ends(found, kind).items():
            assert (start[0], end[0]) == (runs[model][0], runs[model][2 if kind == "control" else 1])
    matched_pairs = ends(found, MATCHED)
    assert matched_pairs == {which: both for which, both in ends(found, "two starts").items() if which[0] == "B"}


def test_of_equal_epochs_and_equal_steps_the_epochs_count():
    nets = pd.concat([table_of([64, 1024]).assign(equal="epochs"),
                      table_of([64, 1024], first_run=2).assign(equal="steps")])  # fmt: skip
    controls = pd.concat([table_of([64], first_run=4).assign(equal="steps"),
                          table_of([64], first_run=5).assign(equal="epochs")])  # fmt: skip
    found = pairs(nets, "batch_size", [64, 1024], ["DNN"], controls)
    pd.testing.assert_frame_equal(
        found, pairs(table_of([64, 1024]), "batch_size", [64, 1024], ["DNN"], table_of([64], first_run=5))
    )


def test_a_net_twice_is_an_error():
    nets = pd.concat([table_of([64, 1024]), table_of([1024], first_run=2)])
    with pytest.raises(pd.errors.MergeError):
        pairs(nets, "batch_size", [64, 1024], ["DNN"])


# ------------------------------------------------------------------------------------------------------- the line


def test_weights_between(line):
    _, start, end, _ = line
    found = between(start, end, torch.tensor([0.0, 1.0, 0.25, -1.0, 2.0]))
    assert list(found) == list(start)
    for name, weight in found.items():
        assert weight.shape == (5, *start[name].shape[1:])
        assert weight.dtype == torch.float32
        assert torch.equal(weight[0], start[name][0])
        assert torch.equal(weight[1], end[name][0])
        for i, alpha in ((2, 0.25), (3, -1), (4, 2)):
            torch.testing.assert_close(weight[i], ((1 - alpha) * start[name] + alpha * end[name])[0])


def test_ends_are_the_nets_themselves(line):
    network, start, end, data = line
    table = along(network, start, end, np.array([0.0, 1.0]), "cross_entropy", data)
    for split, values in data.items():
        for alpha, weights in ((0, start), (1, end)):
            row = table[(table["split"] == split) & (table["alpha"] == alpha)].iloc[0]
            loss, accuracy, _ = evaluate(network, weights, "cross_entropy", values)
            assert (row["loss"], row["accuracy"]) == pytest.approx((loss.item(), accuracy.item()), rel=1e-6)


def test_a_row_for_every_position_and_data_set(line):
    network, start, end, data = line
    table = along(network, start, end, ALPHA[::-1].copy(), "cross_entropy", data)
    assert list(table) == ["alpha", "split", "loss", "accuracy"]
    assert table["split"].tolist() == ["train"] * 31 + ["test"] * 31
    np.testing.assert_array_equal(table["alpha"], [*ALPHA, *ALPHA])
    assert table.index.tolist() == list(range(62))
    assert table["loss"].between(0, 10).all()
    assert table["accuracy"].nunique() > 3


def test_a_part_of_the_line_is_the_same_there(line):
    network, start, end, data = line
    whole = along(network, start, end, ALPHA, "cross_entropy", data)
    part_of_it = along(network, start, end, ALPHA[inside(ALPHA)], "cross_entropy", data)
    assert len(part_of_it) == 2 * 11
    pd.testing.assert_frame_equal(
        part_of_it, whole[inside(whole["alpha"].to_numpy())].reset_index(drop=True), check_exact=True
    )


@pytest.mark.parametrize(("low", "high", "points"), [(-1, 2, 61), (-2, 2, 21), (0, 1, 11), (1, 0, 11), (-0.7, 1.7, 25)])
def test_inside_are_both_nets_and_what_lies_between_them(low, high, points):
    alpha = np.linspace(low, high, points)
    found = np.sort(alpha[inside(alpha)])
    step = abs(high - low) / (points - 1)
    np.testing.assert_allclose(found, np.linspace(0, 1, round(1 / step) + 1), atol=1e-12)


def test_backwards_is_the_same_line(line):
    network, start, end, data = line
    forth = along(network, start, end, np.linspace(0, 1, 9), "cross_entropy", data)
    back = along(network, end, start, np.linspace(0, 1, 9), "cross_entropy", data)
    for split in data:
        one, other = (table.loc[table["split"] == split, "loss"].to_numpy() for table in (forth, back))
        np.testing.assert_allclose(one, other[::-1], rtol=1e-5)
        assert not np.allclose(one, other, rtol=1e-3)


def test_sensitivities_along_the_line_are_those_of_the_nets_there(line):
    network, start, end, data = line
    alpha, probe = np.linspace(-1, 2, 11), part(7, 3, 4, "probe")
    table = along(network, start, end, alpha, "cross_entropy", data, probe)
    assert list(table) == ["alpha", "split", "loss", "accuracy", *COLUMNS]
    plain = along(network, start, end, alpha, "cross_entropy", data)
    pd.testing.assert_frame_equal(table[list(plain)], plain)
    rows = table[table["split"] == "test"]
    for row in rows.to_dict("records"):
        weights = between(start, end, torch.tensor([row["alpha"]]))
        expected = sensitivities(network, weights, "cross_entropy", probe)
        assert [row[name] for name in COLUMNS] == pytest.approx([expected[name].item() for name in COLUMNS], 1e-4)
    assert all(rows[name].nunique() == len(alpha) for name in COLUMNS)
    assert table.loc[table["split"] == "train", COLUMNS].isna().all(axis=None)  # the examples are of the test set


def test_loss_of_a_linear_model_is_a_parabola(network_of):
    network = network_of([1], (3,))
    weights = {name: w.double() for name, w in network.initial([stream("a"), stream("b")]).items()}
    x = torch.randn(20, 3, generator=stream("x"), dtype=torch.float64)
    y = torch.randn(1, 20, 1, generator=stream("y"), dtype=torch.float64)
    start, end = member(weights, 0), member(weights, 1)
    table = along(network, start, end, ALPHA, "mse", {"train": Examples(x, y)})
    step = (network(end, x.unsqueeze(0)) - network(start, x.unsqueeze(0)))[0]
    residual = (network(start, x.unsqueeze(0)) - y)[0]
    expected = [((step * alpha + residual) ** 2).mean().item() for alpha in ALPHA]
    np.testing.assert_allclose(table["loss"], expected, rtol=1e-12)
    np.testing.assert_allclose(
        np.polyfit(ALPHA, table["loss"], 4)[:2], 0, atol=1e-12
    )  # nothing of third or fourth degree
    assert barrier(ALPHA, table["loss"].to_numpy()) < 1e-15


# ------------------------------------------------------------------------------------------------------- barriers


@settings(max_examples=50, deadline=None, derandomize=True)
@given(lowest=st.floats(-2, 3), width=st.floats(0.1, 10), slope=st.floats(-5, 5))
def test_a_convex_loss_has_no_barrier(lowest, width, slope):
    assert barrier(ALPHA, width * (ALPHA - lowest) ** 2 + slope * ALPHA) < 1e-9


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ((2 * ALPHA - 1) ** 4 - 2 * (2 * ALPHA - 1) ** 2 + 1, 1),  # a double well, its minima at the ends
        ((2 * ALPHA - 1) ** 4 - 2 * (2 * ALPHA - 1) ** 2 + 3 * ALPHA, 1),  # tilted: over the line between the ends
        (1 - (2 * ALPHA - 1) ** 2, 1),
        (np.where((ALPHA < -0.01) | (ALPHA > 1.01), 100.0, 2.0), 0),  # nothing outside [0, 1] counts
        (np.where(np.isclose(ALPHA, 0.3), 5.0, ALPHA), 4.7),
        (np.full(31, 3.0), 0),
    ],
)
def test_known_barriers(loss, expected):
    assert barrier(ALPHA, loss) == pytest.approx(expected, abs=1e-9)


def test_a_barrier_with_a_loss_that_is_undefined_is_undefined():
    assert np.isnan(barrier(ALPHA, np.where(np.isclose(ALPHA, 0.5), nan, 1.0)))
    assert np.isnan(barrier(ALPHA, np.full(31, nan)))


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        (np.where(np.isclose(ALPHA, 0.5), 0.4, 0.9), 0.5),
        (np.where(np.isclose(ALPHA, 0.2), 0.4, 0.9 - 0.1 * ALPHA), 0.48),
        (np.where(np.isclose(ALPHA, 0.5), 0.95, 0.9), 0),  # higher than the ends
        (np.where(ALPHA > 1.01, 0.1, 0.9), 0),
    ],
)
def test_of_minus_the_accuracy_it_is_what_the_accuracy_falls(accuracy, expected):
    assert barrier(ALPHA, -accuracy) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(one=st.floats(0, 100, width=32), other=st.floats(0, 100, width=32), off=st.floats(-1e-10, 1e-10))
def test_a_barrier_is_never_negative_and_of_a_level_line_it_is_zero(one, other, off):
    assert barrier(ALPHA, np.full(31, one, dtype=np.float32)) == 0
    assert barrier(ALPHA + off, np.where(ALPHA < 0.01, one, np.where(ALPHA > 0.99, other, -1))) >= 0


def lines(*losses, model="DNN", pair="two starts") -> pd.DataFrame:
    """Pairs of nets with these losses at -1, 0, 0.5, 1 on both data sets, the test loss 1 higher."""
    alpha = [-1.0, 0.0, 0.5, 1.0]
    tables = []
    for replica, loss in enumerate(losses):
        for split, more in (("train", 0), ("test", 1)):
            accuracy = [0.1, 0.4, 0.9 if split == "test" else 0.2, 0.5]
            columns = {"alpha": alpha, "split": split, "loss": np.array(loss) + more, "accuracy": accuracy}
            tables.append(pd.DataFrame(columns | {"model": model, "pair": pair, "replica": replica}))
    return pd.concat(tables)


def test_numbers_of_pairs():
    barriers, numbers = line_numbers(lines([9.0, 1, 4, 3], [0.0, 1, 1, 2]))
    assert list(numbers) == ["DNN"]
    assert list(numbers["DNN"]) == ["two starts"]
    found = numbers["DNN"]["two starts"]
    assert list(found) == ["train", "test"]
    assert found["train"] == {
        "barrier": {"mean": 1.0, "sd": 1.41421},  # 4 - (1 + 3) / 2, and 0
        "accuracy_barrier": {"mean": 0.25, "sd": 0.0},  # (0.4 + 0.5) / 2 - 0.2
        "alpha_of_lowest_loss": {"mean": -0.5, "sd": 0.707107},  # 0, and -1
        "alpha_of_highest_accuracy": {"mean": 1.0, "sd": 0.0},
    }
    assert found["test"] == found["train"] | {
        "accuracy_barrier": {"mean": 0.0, "sd": 0.0},
        "alpha_of_highest_accuracy": {"mean": 0.5, "sd": 0.0},
    }
    expected = pd.DataFrame(
        {
            "model": "DNN",
            "pair": "two starts",
            "split": ["train", "test"],
            "loss_barrier": 1.0,
            "loss_barrier_low": 0.0,
            "loss_barrier_high": 2.0,
            "accuracy_barrier": [0.25, 0.0],
            "accuracy_barrier_low": [0.25, 0.0],
            "accuracy_barrier_high": [0.25, 0.0],
        }
    )
    pd.testing.assert_frame_equal(barriers, expected, check_dtype=False)


def test_several_models_and_kinds_of_pairs_do_not_mix():
    one, other, third = [[9.0, 1, 4, 3], [0.0, 1, 1, 1]], [[1.0, 5, 9, 5]], [[0.0, 1, 2, 1]]
    barriers, numbers = line_numbers(
        pd.concat([lines(*other, model="B"), lines(*third, model="B", pair="control"), lines(*one, model="A")])
    )
    assert list(numbers) == ["B", "A"]
    assert list(numbers["B"]) == ["two starts", "control"]
    assert numbers["A"] == line_numbers(lines(*one))[1]["DNN"]
    assert numbers["B"]["two starts"] == line_numbers(lines(*other))[1]["DNN"]["two starts"]
    assert numbers["B"]["two starts"]["train"]["barrier"] == {"mean": 4.0, "sd": None}
    assert numbers["B"]["control"]["train"]["barrier"] == {"mean": 1.0, "sd": None}
    kinds = [("B", "two starts"), ("B", "control"), ("A", "two starts")]
    rows = [(model, pair, split) for model, pair in kinds for split in ("train", "test")]
    assert list(zip(barriers["model"], barriers["pair"], barriers["split"], strict=True)) == rows
    assert barriers["loss_barrier"].tolist() == [4, 4, 1, 1, 1, 1]


@pytest.mark.parametrize("loss", [[nan, nan, nan, nan], [nan, 1, nan, nan], [inf, 1, 1, 1], [9, 1, inf, 3]])
def test_a_pair_with_a_loss_that_is_undefined_has_no_numbers(loss):
    barriers, numbers = line_numbers(lines([9.0, 1, 4, 3], loss))
    for found in numbers["DNN"]["two starts"].values():
        assert list(found) == ["barrier", "accuracy_barrier", "alpha_of_lowest_loss", "alpha_of_highest_accuracy"]
        assert all(value == {"mean": None, "sd": None} for value in found.values())
    assert barriers.drop(columns=["model", "pair", "split"]).isna().all(axis=None)


# ------------------------------------------------------------------------------------------------------ the stage

KINDS = ["two starts", MATCHED, "one start", "control"]
MODELS = {"A": {"layers": [8, 6, 10]}, "B": {"layers": [{"conv": 2}, {"pool": 4}, 10]}}
LAYERS = {"A": [Dense(8), Dense(6), Dense(10)], "B": [Conv(2), Pool(4), Dense(10)]}


@pytest.fixture
def stage(prepared, experiment, params, write_recipe, monkeypatch):
    """Runs the stage on untrained nets of two batch sizes and a control; returns the tables and the numbers."""
    monkeypatch.setattr(script, "in_parallel", lambda function, jobs, label: [function(*job) for job in jobs])
    monkeypatch.setattr(sys, "argv", ["interpolate.py", "d-line"])

    def run(replicas=2, control=8, sizes=(8, 16), **changes) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
        sweep = {"sweep": {"batch_size": [8, 16]}, "against": "batch_size", "control": control}
        line = {"report": "d", "nets": "d-test", "data": "mnist", "over": "batch_size", "between": list(sizes)}
        line |= {"alpha": [-1, 2], "points": 7} | changes
        nets = experiment(models=MODELS, examples=20, replicas=replicas, **sweep)
        write_recipe("interpolate", "d-line", analysis(InterpolateSettings.model_validate(line), nets))
        Path("runs/d-test").mkdir(parents=True, exist_ok=True)
        about = {"scale": "small", "data": "noise", "replicas": replicas}
        Path("runs/d-test/about.json").write_text(json.dumps(about))
        nets, controls = table_of([8, 16], MODELS, replicas), table_of([8], MODELS, replicas, first_run=4)
        nets.to_csv("runs/d-test/nets.csv", index=False)
        if control:
            controls.to_csv("runs/d-test/controls.csv", index=False)
        save_file(
            {f"{run}/{name}": w for run in range(6) for name, w in weights_of(run, replicas).items()},
            "runs/d-test/weights.safetensors",
        )
        script.main()
        tables = [pd.read_csv(f"plots/d/d-line/{name}.csv") for name in ("interpolate", "barriers")]
        return *tables, json.loads(Path("metrics/d/d-line.interpolate.json").read_text())

    return run


def net_of(run: int) -> Network:
    """The network of a run of `stage`."""
    return Network(LAYERS["AABBAB"[run]], "tanh", (1, 28, 28))


def weights_of(run: int, replicas: int):
    return net_of(run).initial([stream(run, i) for i in range(replicas)])


def test_the_stage_draws_all_kinds_of_pairs(stage):
    table, barriers, numbers = stage(examples=5)
    spreads = [f"{name}{end}" for name in ["loss", "accuracy", *COLUMNS] for end in ("", "_low", "_high")]
    assert list(table) == ["model", "pair", "split", "alpha", *spreads]
    for model, kinds in (("A", KINDS), ("B", [kind for kind in KINDS if kind != MATCHED])):
        rows = table[table["model"] == model]
        assert rows["pair"].unique().tolist() == kinds
        assert list(numbers[model]) == kinds
        for (kind, split), line in rows.groupby(["pair", "split"]):
            assert line["alpha"].tolist() == ([-1, -0.5, 0, 0.5, 1, 1.5, 2] if kind == "two starts" else [0, 0.5, 1])
            assert line["loss"].notna().all()
            measured = line[COLUMNS].notna().to_numpy()
            assert measured.all() if (kind, split) == ("two starts", "test") else not measured.any()
    assert len(barriers) == 2 * 7
    assert numbers["A"]["control"]["test"]["barrier"]["mean"] == pytest.approx(
        barriers.query("model == 'A' and pair == 'control' and split == 'test'")["loss_barrier"].item(), rel=1e-5
    )


def test_the_stage_interpolates_between_the_right_nets(stage):
    table, _, _ = stage(examples=5)
    middle = table[(table["alpha"] == 0.5) & (table["model"] == "A")].set_index(["split", "pair"])
    a, b, c = (weights_of(run, 2) for run in (0, 1, 4))  # of 8, of 16 (which holds its members backwards), controls
    both = {
        "two starts": [(member(a, 0), member(b, 0)), (member(a, 1), member(b, 1))],
        "one start": [(member(a, 0), member(b, 1)), (member(a, 1), member(b, 0))],
        "control": [(member(a, 0), member(c, 0)), (member(a, 1), member(c, 1))],
    }
    both[MATCHED] = [(start, matched(start, end)) for start, end in both["two starts"]]
    train, test = images("mnist")
    parts = {"train": first_examples(train, 20), "test": test}  # what the nets are trained on, not all there is
    for kind, nets in both.items():
        half = [between(start, end, torch.tensor([0.5])) for start, end in nets]
        for split, data in parts.items():
            loss = [evaluate(net_of(0), weights, "cross_entropy", data)[0].item() for weights in half]
            found = middle.loc[(split, kind), ["loss_low", "loss_high"]].tolist()
            assert found == pytest.approx([min(loss), max(loss)], rel=1e-5)
    half = [between(start, end, torch.tensor([0.5])) for start, end in both["two starts"]]
    found = [sensitivities(net_of(0), weights, "cross_entropy", first_examples(test, 5)) for weights in half]
    for name in COLUMNS:
        mean = sum(one[name].item() for one in found) / 2
        assert middle.loc[("test", "two starts"), name] == pytest.approx(mean, rel=1e-4)


@pytest.mark.parametrize(("control", "sizes"), [(None, (8, 16)), (16, (8, 16)), (8, (16, 8))])
def test_controls_are_those_of_the_start_or_none(control, sizes, stage):
    table, _, numbers = stage(control=control, sizes=sizes)
    assert "control" not in table["pair"].tolist()
    assert list(numbers["A"]) == KINDS[:3]
    assert list(table) == ["model", "pair", "split", "alpha"] + [
        f"{name}{end}" for name in ("loss", "accuracy") for end in ("", "_low", "_high")
    ]


def test_a_single_replica_has_its_line_on_the_whole_range(stage):
    table, barriers, _ = stage(replicas=1, examples=5)
    assert barriers["pair"].unique().tolist() == ["one start", "control"]
    assert table.groupby("pair")["alpha"].nunique().to_dict() == {"one start": 7, "control": 3}
    assert table.query("pair == 'one start' and split == 'test'")[COLUMNS].notna().all(axis=None)
