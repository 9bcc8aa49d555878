"""Nets that fit a function, beside the function."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netclaims.learn.tables import first, spread


def fitted_curves(
    nets: pd.DataFrame,
    outputs: dict[int, NDArray[np.float32]],
    x: NDArray[np.float64],
    truth: dict[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """What the nets give on the held-out points.

    Args:
        nets: run, member, model, function, replica: the nets to show.
        outputs: for every run, (members, points).
        x: held-out points (points,).
        truth: values of each function there (points,).

    Returns:
        A table of function, model, x, truth, and mean, smallest and largest prediction over replicas.
    """
    tables = [
        pd.DataFrame(
            {
                "function": net.function,
                "model": net.model,
                "x": x,
                "truth": truth[net.function],
                "prediction": outputs[net.run][net.member],
            }
        )
        for net in nets.itertuples()
    ]
    table = pd.concat(tables)
    return first(spread(table, ["function", "model", "x", "truth"], ["prediction"]), ["function", "model"])


def fit_numbers(curves: pd.DataFrame) -> dict:
    """For each function and model, how far the mean prediction is off: in the mean square, and at the worst.

    Both are None where a net diverged.

    Args:
        curves: as `fitted_curves` gives them.
    """
    numbers: dict = {}
    for (function, model), rows in curves.groupby(["function", "model"], sort=False):
        error = rows["prediction"] - rows["truth"]
        found = {"mean_square": float((error**2).mean()), "largest": float(error.abs().max())}
        if error.isna().any():  # a net that diverged
            found = dict.fromkeys(found)
        numbers.setdefault(function, {})[model] = found
    return numbers
