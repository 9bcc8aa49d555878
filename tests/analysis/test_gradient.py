"""Gradient norms over replicas, by hand."""

from math import inf, nan

import pandas as pd
import pytest

from netclaims.analysis.gradient import gradient_curves


def table(norms: dict[tuple[int, int], list[float]]) -> pd.DataFrame:
    """`steps.csv` of nets, each a run and member, with these gradient norms and half of them as losses."""
    rows = [
        {"run": run, "member": member, "step": step, "loss": norm / 2, "gradient_norm": norm}
        for (run, member), values in norms.items()
        for step, norm in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows)


NETS = pd.DataFrame({"run": [0, 0, 1], "member": [0, 1, 0], "model": ["A", "A", "B"], "replica": [0, 1, 0]})


def test_mean_and_range_at_every_step():
    curves, _ = gradient_curves(table({(0, 0): [4.0, 2.0], (0, 1): [8.0, 1.0], (1, 0): [5.0, 5.0]}), NETS)
    expected = pd.DataFrame(
        {
            "model": ["A", "A", "B", "B"],
            "step": [1, 2, 1, 2],
            **{"loss": [3, 0.75, 2.5, 2.5], "loss_low": [2, 0.5, 2.5, 2.5], "loss_high": [4, 1, 2.5, 2.5]},
            **{"gradient_norm": [6, 1.5, 5, 5], "gradient_norm_low": [4, 1.0, 5, 5]},
            "gradient_norm_high": [8, 2.0, 5, 5],
        }
    )
    pd.testing.assert_frame_equal(curves, expected, check_dtype=False)


def test_first_and_last_tenth():
    first, last = [10.0, 20.0], [1.0, 3.0]
    middle = [100.0] * 16
    _, numbers = gradient_curves(
        table({(0, 0): first + middle + last, (0, 1): [5, 5, *middle, 4, 4], (1, 0): [7.0, 7, *middle, 9, 11]}), NETS
    )
    assert numbers == {
        "A": {
            "gradient_norm_first_tenth": {"mean": 10.0, "sd": 7.07107},  # 15 and 5
            "gradient_norm_last_tenth": {"mean": 3.0, "sd": 1.41421},  # 2 and 4
        },
        "B": {
            "gradient_norm_first_tenth": {"mean": 7.0, "sd": None},
            "gradient_norm_last_tenth": {"mean": 10.0, "sd": None},
        },
    }


@pytest.mark.parametrize("steps", [1, 2, 8, 9, 10, 11])
def test_a_tenth_of_few_steps_is_one_step_at_least(steps):
    _, numbers = gradient_curves(table({(1, 0): [3.0, *([5.0] * (steps - 2)), 7.0][-steps:]}), NETS)
    assert numbers["B"]["gradient_norm_first_tenth"]["mean"] == (3 if steps > 1 else 7)
    assert numbers["B"]["gradient_norm_last_tenth"]["mean"] == {11: 6}.get(steps, 7)


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_replica_that_diverges_in_the_last_tenth_is_not_averaged_over_its_better_steps(bad):
    norms = [1.0] * 19 + [bad]
    curves, numbers = gradient_curves(table({(0, 0): norms, (0, 1): [1.0] * 20}), NETS)
    assert numbers["A"]["gradient_norm_last_tenth"] == {"mean": None, "sd": None}
    assert numbers["A"]["gradient_norm_first_tenth"] == {"mean": 1.0, "sd": 0.0}
    assert curves["gradient_norm"].isna().tolist() == [False] * 19 + [True]
