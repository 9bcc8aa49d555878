"""The gradient norm along training, beside the loss."""

from __future__ import annotations

import pandas as pd

from netclaims.spread import mean_and_deviation, spread


def gradient_curves(table: pd.DataFrame, along: str, by: list[str]) -> tuple[pd.DataFrame, dict]:
    """Summarise loss and gradient norm along training over replicas.

    Args:
        table: a row per net and moment: replica, diverged, loss, gradient_norm, and the columns `along` and `by`. The
            norm is that of the gradient of that loss, before the next step.
        along: the column that counts moments: `step` or `epoch`.
        by: the columns that tell nets apart, besides the replica, the first of which names them.

    Returns:
        A table of these columns and the mean, smallest and largest of both; and for each kind of net (by its name, and
        by function where there are any) the mean and standard deviation over replicas of the gradient norm in the
        first and in the last tenth of each replica's moments. From where a net diverged on there is no mean; one that a
        rule stopped keeps what it had at its end while others of its kind go on.
    """
    after = _after_the_end(table, along, by)
    own = pd.concat([table, after[after["diverged"]]])
    numbers: dict = {}
    kinds = [by[0], *(name for name in by if name == "function")]
    for values, rows in own.groupby(kinds, sort=False):
        found = pd.DataFrame([_tenths(replica, along) for _, replica in rows.groupby("replica")])
        place = numbers
        for value in values:
            place = place.setdefault(value, {})
        place |= {name: mean_and_deviation(found[name]) for name in found}
    curves = pd.concat([table, after])
    nets = curves.groupby(by)["replica"].transform("nunique")
    of_all = curves.groupby([*by, along])["replica"].transform("size") == nets  # elsewhere only one stopped
    return spread(curves[of_all], [*by, along], ["loss", "gradient_norm"]), numbers


def _after_the_end(table: pd.DataFrame, along: str, by: list[str]) -> pd.DataFrame:
    """Return rows for nets that ended before others of their kind, at the moments that these have.

    Without them a mean over replicas would go on as one over those that are left. They have no numbers where the net
    diverged, and the last ones where a rule stopped it.
    """
    net = [*by, "replica"]
    last = table.sort_values(along, kind="stable").drop_duplicates(net, keep="last")
    moments = last[[*net, along, "diverged", "loss", "gradient_norm"]]
    moments = moments.merge(table[[*by, along]].drop_duplicates(), on=by, suffixes=("_of_end", ""))
    after = moments[moments[along] > moments[f"{along}_of_end"]].drop(columns=f"{along}_of_end")
    after.loc[after["diverged"], ["loss", "gradient_norm"]] = float("nan")
    return after


def _tenths(replica: pd.DataFrame, along: str) -> dict[str, float]:
    """Return the mean gradient norm in the first and the last tenth, undefined if a norm is; pandas would skip it."""
    last = replica[along].max()
    first, end = replica[along] <= max(1, last / 10), replica[along] > last * 9 / 10
    return {
        "gradient_norm_first_tenth": replica.loc[first, "gradient_norm"].mean(skipna=False),
        "gradient_norm_last_tenth": replica.loc[end, "gradient_norm"].mean(skipna=False),
    }
