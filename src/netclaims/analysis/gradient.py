"""The gradient norm along training, beside the loss."""

from __future__ import annotations

import pandas as pd

from netclaims.learn.tables import mean_and_deviation, spread


def gradient_curves(table: pd.DataFrame, along: str, by: list[str]) -> tuple[pd.DataFrame, dict]:
    """Loss and gradient norm along training, over replicas.

    Args:
        table: a row per net and moment: replica, loss, gradient_norm, and the columns `along` and `by`. The norm is
            that of the gradient of that loss, before the next step.
        along: the column that counts moments: `step` or `epoch`.
        by: the columns that tell nets apart, besides the replica, the first of which names them.

    Returns:
        A table of these columns and the mean, smallest and largest of both; and for each kind of net the mean and
        standard deviation over replicas of the gradient norm in the first and in the last tenth of the moments.
    """
    numbers = {}
    for name, rows in table.groupby(by[0], sort=False):
        last = rows[along].max()
        tenths = {
            "first_tenth": rows[rows[along] <= max(1, last / 10)],
            "last_tenth": rows[rows[along] > last * 9 / 10],
        }
        numbers[name] = {
            f"gradient_norm_{name}": mean_and_deviation(part.groupby("replica")["gradient_norm"].agg(_mean))
            for name, part in tenths.items()
        }
    return spread(table, [*by, along], ["loss", "gradient_norm"]), numbers


def _mean(norms: pd.Series) -> float:
    """The mean, undefined if a norm is: pandas skips what is undefined."""
    return norms.mean(skipna=False)
