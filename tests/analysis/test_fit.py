"""Fits beside their functions, by hand."""

from math import inf, nan

import numpy as np
import pandas as pd
import pytest

from netclaims.analysis.fit import fit_numbers, fitted_curves

X = np.array([-1.0, 1.0])
TRUTH = {"f": np.array([0.0, 2.0]), "g": np.array([5.0, 5.0])}
NETS = pd.DataFrame(
    {
        "run": [0, 0, 1, 1],
        "member": [0, 2, 1, 0],
        "model": ["A", "A", "A", "B"],
        "function": ["f", "f", "g", "f"],
        "replica": [0, 1, 0, 0],
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


@pytest.mark.parametrize("bad", [[nan, nan], [inf, 2], [nan, 2]])
def test_a_fit_that_diverged_has_no_numbers(bad):
    outputs = OUTPUTS | {0: np.array([[1, 2], [100, 100], bad], np.float32)}
    found = fit_numbers(fitted_curves(NETS, outputs, X, TRUTH))
    assert found["f"]["A"] == {"mean_square": None, "largest": None}
    assert found["g"]["A"] == {"mean_square": 5.0, "largest": 3.0}
