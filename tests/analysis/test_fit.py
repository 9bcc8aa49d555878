"""Fits beside their functions, by hand."""

from math import inf, nan

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from netclaims.analysis.fit import error_numbers, errors, fit_numbers, fitted_curves

X = np.array([-1.0, 1.0])
TRUTH = {"f": np.array([0.0, 2.0]), "g": np.array([5.0, 5.0])}
NETS = pd.DataFrame(
    {
        "run": [0, 0, 1, 1],
        "member": [0, 2, 1, 0],
        "model": ["A", "A", "A", "B"],
        "function": ["f", "f", "g", "f"],
        "replica": [0, 1, 0, 0],
        "diverged": False,
    }
)
OUTPUTS = {0: np.array([[1, 2], [100, 100], [3, 5]], np.float32), 1: np.array([[0, 2], [4, 8]], np.float32)}


def test_curves():
    expected = pd.DataFrame(
        {
            "function": ["f", "f", "g", "g", "f", "f"],
            "model": ["A", "A", "A", "A", "B", "B"],
            "x": [-1, 1, -1, 1, -1, 1.0],
            "truth": [0, 2, 5, 5, 0, 2.0],
            "prediction": [2, 3.5, 4, 8, 0, 2],
            "prediction_low": [1, 2, 4, 8, 0, 2],
            "prediction_high": [3, 5, 4, 8, 0, 2],
        }
    )
    pd.testing.assert_frame_equal(fitted_curves(NETS, OUTPUTS, X, TRUTH), expected, check_dtype=False)


def test_numbers():
    found = fit_numbers(fitted_curves(NETS, OUTPUTS, X, TRUTH))
    assert found == {
        "f": {"A": {"mean_square": (4 + 1.5**2) / 2, "largest": 2.0}, "B": {"mean_square": 0.0, "largest": 0.0}},
        "g": {"A": {"mean_square": 5.0, "largest": 3.0}},
    }


@pytest.mark.parametrize("bad", [[nan, nan], [inf, 2], [nan, 2], [1e30, -1e30]])
def test_a_fit_that_diverged_has_no_numbers(bad):
    """Its loss can be infinite where its outputs are not: squares of large numbers are larger."""
    outputs = OUTPUTS | {0: np.array([[1, 2], [100, 100], bad], np.float32)}
    nets = NETS.assign(diverged=[False, True, False, False])
    found = fit_numbers(fitted_curves(nets, outputs, X, TRUTH))
    assert found["f"]["A"] == {"mean_square": None, "largest": None}
    assert found["g"]["A"] == {"mean_square": 5.0, "largest": 3.0}
    square = errors(nets, outputs, np.array([0.0, 1.0]), TRUTH)["mean_square"]
    assert square[::4].tolist() == pytest.approx([1, nan, 1, 0], nan_ok=True)  # inside
    assert square[1::4].tolist() == pytest.approx([0, nan, 9, 0], nan_ok=True)  # at the edges


POINTS = np.array([-0.9, -0.8, 0.0, 0.8, 0.9])
TABLE = pd.DataFrame(
    [
        {"function": "f", "model": model, "replica": i, "region": region, "mean_square": value}
        for region in ("inside", "edges")
        for model, values in (("A", [1.0, 2.0, 4.0]), ("B", [3.0, 4.0, 20.0]))
        for i, value in enumerate(values)
    ]
)


def test_errors_inside_and_at_the_edges():
    nets = NETS.iloc[:1]
    outputs = {0: np.array([[3, 1, 1, 1, 1]], np.float32)}
    found = errors(nets, outputs, POINTS, {"f": np.array([0, 0, 1, 1, 0.0])})
    assert found.to_dict("records") == [
        {"function": "f", "model": "A", "replica": 0, "region": region, "mean_square": pytest.approx(square)}
        | {"right_sign": pytest.approx(share, nan_ok=True)}
        for region, square, share in (
            ("inside", 1 / 3, 1),  # of the two points where the function is not 0
            ("edges", (9 + 1) / 2, nan),
            ("upper edge", 1, nan),
            ("whole", (9 + 1 + 1) / 5, 1),
        )
    ]


def test_the_share_of_points_that_have_the_right_sign():
    """0 has none, and so has a net that diverged."""
    truth = {"f": np.array([1, -1, 0, 1, -1.0])}
    outputs = {0: np.array([[0.1, 2, 5, 0, -3], [1, -1, 1, 1, -1]], np.float32)}
    nets = NETS.iloc[:2].assign(member=[0, 1], diverged=[False, True])
    found = errors(nets, outputs, POINTS, truth).set_index(["replica", "region"])["right_sign"]
    assert found[0].to_dict() == {"inside": 0, "edges": 1, "upper edge": 1, "whole": 0.5}
    assert found[1].isna().all()


def test_models_are_compared_replica_by_replica():
    found = error_numbers(TABLE)["f"]["edges"]
    assert found["A"] == {"mean": pytest.approx(7 / 3, rel=1e-5), "sd": pytest.approx(1.52753), "times_first": None}
    test = stats.ttest_rel(np.log([3, 4, 20]), np.log([1, 2, 4])).confidence_interval(0.95)
    expected = {"ratio": (3 * 2 * 5) ** (1 / 3), "low": np.exp(test.low), "high": np.exp(test.high)}
    assert found["B"]["times_first"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("change", [{"replica": [0]}, {"value": nan}, {"value": inf}])
def test_there_is_no_comparison_of_what_is_not_there(change):
    table = TABLE[TABLE["replica"].isin(change.get("replica", [0, 1, 2]))].copy()
    if "value" in change:
        table.loc[(table["model"] == "B") & (table["replica"] == 1), "mean_square"] = change["value"]
    assert error_numbers(table)["f"]["inside"]["B"]["times_first"] is None
