"""The gradient norm along training, beside the loss."""

from __future__ import annotations

import pandas as pd

from netclaims.learn.tables import mean_and_deviation, spread


def gradient_curves(steps: pd.DataFrame, nets: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Loss and gradient norm of the mini-batches, step by step, over replicas.

    Args:
        steps: run, member, step, loss, gradient_norm: the norm is that of the mini-batch gradient before the step.
        nets: run, member, model, replica.

    Returns:
        A table of model, step and the mean, smallest and largest of both; and for each model the mean and standard
        deviation over replicas of the gradient norm in the first and in the last tenth of the steps.
    """
    table = steps.merge(nets[["run", "member", "model", "replica"]], on=["run", "member"])
    numbers = {}
    for model, rows in table.groupby("model", sort=False):
        last = rows["step"].max()
        tenths = {
            "first_tenth": rows[rows["step"] <= max(1, last / 10)],
            "last_tenth": rows[rows["step"] > last * 9 / 10],
        }
        numbers[model] = {
            f"gradient_norm_{name}": mean_and_deviation(part.groupby("replica")["gradient_norm"].agg(_mean))
            for name, part in tenths.items()
        }
    return spread(table, ["model", "step"], ["loss", "gradient_norm"]), numbers


def _mean(norms: pd.Series) -> float:
    """The mean, undefined if a norm is: pandas skips what is undefined."""
    return norms.mean(skipna=False)
