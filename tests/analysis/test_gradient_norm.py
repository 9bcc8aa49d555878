"""Gradient norms over replicas, by hand."""

from math import inf, nan

import pandas as pd
import pytest

from netclaims.analysis.gradient_norm import gradient_curves

BY = ["series", "model"]


def table(norms: dict[tuple[str, int], list[float]], along="step", **columns) -> pd.DataFrame:
    """Nets, each a series and replica, with these gradient norms and half of them as losses, from moment 1 on."""
    rows = [
        {"run": series, "replica": replica, "series": series, "model": f"net {series}", along: moment}
        | {"diverged": False, "loss": norm / 2, "gradient_norm": norm}
        | columns
        for (series, replica), values in norms.items()
        for moment, norm in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("along", ["step", "epoch"])
def test_mean_and_range_at_every_moment(along):
    rows = table({("A", 0): [4.0, 2.0], ("A", 1): [8.0, 1.0], ("B", 0): [5.0, 5.0]}, along)
    curves, _ = gradient_curves(rows, along, BY)
    expected = pd.DataFrame(
        {
            "series": ["A", "A", "B", "B"],
            "model": ["net A", "net A", "net B", "net B"],
            along: [1, 2, 1, 2],
            **{"loss": [3, 0.75, 2.5, 2.5], "loss_low": [2, 0.5, 2.5, 2.5], "loss_high": [4, 1, 2.5, 2.5]},
            **{"gradient_norm": [6, 1.5, 5, 5], "gradient_norm_low": [4, 1.0, 5, 5]},
            "gradient_norm_high": [8, 2.0, 5, 5],
        }
    )
    pd.testing.assert_frame_equal(curves, expected, check_dtype=False)


def test_nets_of_one_model_that_differ_in_a_setting_are_series_of_their_own():
    rows = pd.concat(
        [
            table({("batch size 8", 0): [1.0, 3.0], ("batch size 8", 1): [3.0, 5.0]}, batch_size=8, model="DNN"),
            table({("batch size 64", 0): [7.0], ("batch size 64", 1): [9.0]}, batch_size=64, model="DNN"),
        ]
    )
    curves, numbers = gradient_curves(rows, "step", ["series", "model", "batch_size"])
    assert list(curves)[:4] == ["series", "model", "batch_size", "step"]
    assert curves[["batch_size", "step", "gradient_norm"]].to_numpy().tolist() == [[8, 1, 2], [8, 2, 4], [64, 1, 8]]
    assert {name: found["gradient_norm_last_tenth"]["mean"] for name, found in numbers.items()} == {
        "batch size 8": 4,
        "batch size 64": 8,  # of its own steps, of which there are fewer
    }


def test_functions_are_curves_of_their_own():
    rows = pd.concat([table({("A", 0): [level]}, function=name) for name, level in (("f", 1.0), ("g", 100.0))])
    curves, numbers = gradient_curves(rows, "step", ["series", "function", "model"])
    assert dict(zip(curves["function"], curves["gradient_norm"], strict=True)) == {"f": 1, "g": 100}
    means = {function: found["gradient_norm_first_tenth"]["mean"] for function, found in numbers["A"].items()}
    assert means == {"f": 1, "g": 100}


def test_the_last_tenth_of_a_replica_that_was_stopped_is_its_own():
    _, numbers = gradient_curves(table({("A", 0): [5.0] * 20, ("A", 1): [3.0] * 4 + [1.0]}), "step", BY)
    assert numbers["A"]["gradient_norm_last_tenth"] == {"mean": 3, "sd": pytest.approx(2 * 2**0.5, rel=1e-5)}


def test_a_net_that_was_stopped_keeps_its_last_numbers_while_others_go_on():
    rows = table({("A", 0): [4.0, 2.0], ("A", 1): [8.0, 6.0, 4.0, 0.0], ("B", 0): [5.0, 5.0, 5.0]})
    curves, _ = gradient_curves(rows, "step", BY)
    found = curves.set_index(["series", "step"])
    assert found["gradient_norm"].to_dict() == {
        **{("A", 1): 6, ("A", 2): 4, ("A", 3): 3, ("A", 4): 1},  # with 2 and 2
        **{("B", 1): 5, ("B", 2): 5, ("B", 3): 5},
    }
    assert found.loc["A", "gradient_norm_high"].tolist() == [8, 6, 4, 2]
    assert found.loc["A", "loss"].tolist() == [3, 2, 1.5, 0.5]


def test_an_epoch_at_which_one_net_alone_was_measured_as_it_stopped_has_no_mean():
    rows = table({("A", 0): [4.0, 2.0, 1.0], ("A", 1): [8.0, 6.0, 5.0, 3.0]}, "epoch")
    rows.loc[rows["replica"] == 0, "epoch"] = [0, 10, 13]
    rows.loc[rows["replica"] == 1, "epoch"] = [0, 10, 20, 27]
    curves, _ = gradient_curves(rows, "epoch", BY)
    assert curves["epoch"].tolist() == [0, 10, 20, 27]
    assert curves["gradient_norm"].tolist() == [6, 4, 3, 2]


def test_first_and_last_tenth():
    first, last = [10.0, 20.0], [1.0, 3.0]
    middle = [100.0] * 16
    rows = table({("A", 0): first + middle + last, ("A", 1): [5, 5, *middle, 4, 4], ("B", 0): [7.0, 7, *middle, 9, 11]})
    assert gradient_curves(rows, "step", BY)[1] == {
        "A": {
            "gradient_norm_first_tenth": {"mean": 10.0, "sd": 7.07107},  # 15 and 5
            "gradient_norm_last_tenth": {"mean": 3.0, "sd": 1.41421},  # 2 and 4
        },
        "B": {
            "gradient_norm_first_tenth": {"mean": 7.0, "sd": None},
            "gradient_norm_last_tenth": {"mean": 10.0, "sd": None},
        },
    }


def test_tenths_of_epochs_count_from_the_start_of_training():
    norms = [float(epoch) for epoch in range(21)]
    rows = table({("A", 0): norms}, "epoch")
    rows["epoch"] -= 1  # the first record is that of the initial weights, epoch 0
    found = gradient_curves(rows, "epoch", BY)[1]["A"]
    assert found["gradient_norm_first_tenth"]["mean"] == 1  # epochs 0, 1 and 2
    assert found["gradient_norm_last_tenth"]["mean"] == 19.5  # epochs 19 and 20


@pytest.mark.parametrize("steps", [1, 2, 8, 9, 10, 11])
def test_a_tenth_of_few_steps_is_one_step_at_least(steps):
    rows = table({("B", 0): [3.0, *([5.0] * (steps - 2)), 7.0][-steps:]})
    found = gradient_curves(rows, "step", BY)[1]["B"]
    assert found["gradient_norm_first_tenth"]["mean"] == (3 if steps > 1 else 7)
    assert found["gradient_norm_last_tenth"]["mean"] == {11: 6}.get(steps, 7)


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_replica_that_diverges_in_the_last_tenth_is_not_averaged_over_its_better_steps(bad):
    norms = [1.0] * 19 + [bad]
    curves, numbers = gradient_curves(table({("A", 0): norms, ("A", 1): [1.0] * 20}), "step", BY)
    assert numbers["A"]["gradient_norm_last_tenth"] == {"mean": None, "sd": None}
    assert numbers["A"]["gradient_norm_first_tenth"] == {"mean": 1.0, "sd": 0.0}
    assert curves["gradient_norm"].isna().tolist() == [False] * 19 + [True]


@pytest.mark.parametrize("last", [3.0, nan])
def test_a_net_that_diverged_early_leaves_no_mean_of_the_others(last):
    """Its table ends there. What it has in its last row may be finite: a step later it is not."""
    norms = {("A", 0): [1.0, last], ("A", 1): [5.0] * 20, ("B", 0): [2.0] * 20}
    rows = table(norms)
    rows["diverged"] = (rows["series"] == "A") & (rows["replica"] == 0)
    curves, numbers = gradient_curves(rows, "step", BY)
    mean = curves[curves["series"] == "A"].set_index("step")["gradient_norm"]
    assert mean.tolist() == pytest.approx([3.0, (5 + last) / 2, *[nan] * 18], nan_ok=True)
    assert numbers["A"]["gradient_norm_last_tenth"] == {"mean": None, "sd": None}
    assert curves.loc[curves["series"] == "B", "gradient_norm"].tolist() == [2.0] * 20
    assert numbers["B"]["gradient_norm_last_tenth"]["mean"] == 2.0
