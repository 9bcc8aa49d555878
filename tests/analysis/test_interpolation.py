"""Nets on a line: its ends, its shape for known losses, and barriers."""

from math import nan

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netclaims.analysis import interpolation
from netclaims.analysis.interpolation import along, barrier, between, line_numbers
from netclaims.analysis.sensitivity import COLUMNS, sensitivities
from netclaims.learn.data import Part
from netclaims.learn.networks import member
from netclaims.learn.streams import stream
from netclaims.learn.training import evaluate

ALPHA = np.linspace(-1, 2, 31)


def part(examples, features, classes, of) -> Part:
    x = torch.randn(examples, features, generator=stream(of, "x"))
    return Part(x, torch.randint(classes, (1, examples), generator=stream(of, "y")))


@pytest.fixture
def line(network_of):
    """A classifier, two sets of weights, and two data sets."""
    network = network_of([5, 4], (3,))
    weights = network.initial([stream("a"), stream("b")])
    data = {"train": part(30, 3, 4, "train"), "test": part(20, 3, 4, "test")}
    return network, member(weights, 0), member(weights, 1), data


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


@pytest.mark.parametrize("at_once", [1, 5, 31, 100])
def test_positions_do_not_mix(at_once, line, monkeypatch):
    network, start, end, data = line
    expected = along(network, start, end, ALPHA, "cross_entropy", data)
    monkeypatch.setattr(interpolation, "POSITIONS_AT_ONCE", at_once)
    found = along(network, start, end, ALPHA, "cross_entropy", data)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5)


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
    table = along(network, start, end, ALPHA, "mse", {"train": Part(x, y)})
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


def lines(*losses, model="DNN") -> pd.DataFrame:
    """Pairs of nets with these losses at -1, 0, 0.5, 1 on both data sets, the test loss 1 higher, out of order."""
    alpha = [-1.0, 0.0, 0.5, 1.0]
    tables = []
    for replica, loss in enumerate(losses):
        for split, more in (("train", 0), ("test", 1)):
            accuracy = [0.1, 0.4, 0.9 if split == "test" else 0.2, 0.5]
            columns = {"alpha": alpha, "split": split, "loss": np.array(loss) + more, "accuracy": accuracy}
            tables.append(pd.DataFrame(columns | {"model": model, "replica": replica}))
    return pd.concat(tables)


def test_numbers_of_pairs():
    numbers = line_numbers(lines([9.0, 1, 4, 3], [0.0, 1, 1, 1]))["DNN"]
    assert list(numbers) == ["train", "test"]
    assert numbers["train"] == {
        "barrier": {"mean": 1.0, "sd": 1.41421},  # 4 - (1 + 3) / 2, and 0
        "alpha_of_lowest_loss": {"mean": -0.5, "sd": 0.707107},  # 0, and -1
        "alpha_of_highest_accuracy": {"mean": 1.0, "sd": 0.0},
    }
    assert numbers["test"] == numbers["train"] | {"alpha_of_highest_accuracy": {"mean": 0.5, "sd": 0.0}}


def test_pairs_of_several_models_do_not_mix():
    one, other = [[9.0, 1, 4, 3], [0.0, 1, 1, 1]], [[1.0, 5, 9, 5]]
    numbers = line_numbers(pd.concat([lines(*other, model="B"), lines(*one, model="A")]))
    assert list(numbers) == ["B", "A"]
    assert numbers["A"] == line_numbers(lines(*one))["DNN"]
    assert numbers["B"] == line_numbers(lines(*other))["DNN"]
    assert numbers["B"]["train"]["barrier"] == {"mean": 4.0, "sd": None}


@pytest.mark.parametrize("loss", [[nan, nan, nan, nan], [nan, 1, nan, nan]])
def test_a_pair_with_a_net_that_diverged_has_no_numbers(loss):
    none = {"mean": None, "sd": None}
    for found in line_numbers(lines([9.0, 1, 4, 3], loss))["DNN"].values():
        assert found == {"barrier": none, "alpha_of_lowest_loss": none, "alpha_of_highest_accuracy": none}
