"""Nets that fit a function, beside the function."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats takes half a second to import

from netclaims.files import first
from netclaims.spread import mean_and_deviation, rounded, spread

EDGE = 0.8  # a point of [-1, 1] counts as at the edges if |x| is above this


def fitted_curves(
    nets: pd.DataFrame,
    outputs: dict[int, NDArray[np.float32]],
    x: NDArray[np.float64],
    truth: dict[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """Tabulate what the nets give on the held-out points.

    Args:
        nets: run, member, model, function, replica, diverged: the nets to show.
        outputs: for every run, (members, points). Those of a net that diverged may be finite, and count for nothing.
        x: held-out points (points,).
        truth: values of each function there (points,).

    Returns:
        A table of function, model, x, truth, and mean, smallest and largest prediction over replicas, undefined where
        a net diverged.
    """
    tables = [
        pd.DataFrame(
            {
                "function": net.function,
                "model": net.model,
                "x": x,
                "truth": truth[net.function],
                "prediction": _prediction(net, outputs),
            }
        )
        for net in nets.itertuples()
    ]
    table = pd.concat(tables)
    return first(spread(table, ["function", "model", "x", "truth"], ["prediction"]), ["function", "model"])


def _prediction(net: tuple, outputs: dict[int, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return what a net, a row of `nets`, gives on the held-out points, (points,); undefined if it diverged."""
    found = outputs[net.run][net.member]
    return np.full_like(found, np.nan) if net.diverged else found


def errors(
    nets: pd.DataFrame,
    outputs: dict[int, NDArray[np.float32]],
    x: NDArray[np.float64],
    truth: dict[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """Tabulate how every net does on held-out points: inside the domain, at its edges (|x| > 0.8), in all.

    Args:
        nets: the nets, as for `fitted_curves`.
        outputs: what they give, by run: (members, points).
        x: held-out points (points,).
        truth: values of each function there (points,).

    Returns:
        A table of function, model, replica, region (`inside`, `edges`, `upper edge` or `whole`), mean_square, and
        right_sign, the share of points at which the net has the sign of the function, of those where that is not 0.
        Both are undefined of a net that diverged, and the latter where the function is 0 everywhere.
    """
    regions = {"inside": abs(x) <= EDGE, "edges": abs(x) > EDGE, "upper edge": x > EDGE, "whole": abs(x) >= 0}
    return pd.DataFrame(
        [
            {"function": net.function, "model": net.model, "replica": net.replica, "region": region}
            | _compared(_prediction(net, outputs)[chosen], truth[net.function][chosen])
            for net in nets.itertuples()
            for region, chosen in regions.items()
        ]
    )


def _compared(prediction: NDArray[np.float32], truth: NDArray[np.float64]) -> dict[str, float]:
    signs = np.sign(prediction) * np.sign(truth)  # 1 and -1, 0 where the function is, undefined where the net diverged
    told = signs[truth != 0]
    share = (told > 0).mean() if len(told) and np.isfinite(told).all() else np.nan
    return {"mean_square": ((prediction - truth) ** 2).mean(), "right_sign": share}


def error_numbers(table: pd.DataFrame) -> dict:
    """Compare, for each function and region, the error of each model with that of the first, in pairs.

    Replica i of every model sees its data in the same order, so that models are compared replica by replica, by the
    logarithm of the ratio of their errors: errors differ by factors.

    Args:
        table: as `errors` gives it.

    Returns:
        By function, region and model: the error's mean and standard deviation, and `times_first`, the geometric mean
        over replicas of the error divided by the first model's, with its 95 % t-interval; null for the first itself,
        where there are fewer than two pairs, and where a net diverged.
    """
    numbers: dict = {}
    for (function, region), rows in table.groupby(["function", "region"], sort=False):
        by_model = {name: part.set_index("replica")["mean_square"] for name, part in rows.groupby("model", sort=False)}
        reference = next(iter(by_model.values()))
        numbers.setdefault(function, {})[region] = {
            name: mean_and_deviation(error) | {"times_first": _times(error, reference)}
            for name, error in by_model.items()
        }
    return numbers


def _times(error: pd.Series, reference: pd.Series) -> dict[str, float] | None:
    with np.errstate(all="ignore"):
        ratio = np.log(error / reference)
    if error is reference or len(ratio) < 2 or not np.isfinite(ratio).all():
        return None
    half = stdtrit(len(ratio) - 1, 0.975) * ratio.std() / np.sqrt(len(ratio))
    middle = ratio.mean()
    return {name: rounded(float(np.exp(value))) for name, value in
            (("ratio", middle), ("low", middle - half), ("high", middle + half))}  # fmt: skip


def fit_numbers(curves: pd.DataFrame) -> dict:
    """Return, for each function and model, how far the mean prediction is off: in the mean square, and at the worst.

    Both are None where a net diverged.

    Args:
        curves: as `fitted_curves` gives them.
    """
    numbers: dict = {}
    for (function, model), rows in curves.groupby(["function", "model"], sort=False):
        error = rows["prediction"] - rows["truth"]
        found = {"mean_square": float((error**2).mean()), "largest": float(error.abs().max())}
        if error.isna().any():  # a net has diverged
            found = dict.fromkeys(found)
        numbers.setdefault(function, {})[model] = found
    return numbers
