"""Which nets of an experiment are meant, and what they are called."""

from __future__ import annotations

import pandas as pd

from netclaims.digits import all_digits, percent
from netclaims.experiment import Experiment
from netclaims.files import first
from netclaims.tables.columns import SETTINGS


def settings_label(row: pd.Series, names: list[str]) -> str:
    """Return the values of the named settings of a net, as a legend or a key of metrics says them."""
    return ", ".join(_setting_label(name, row[name]) for name in names)


def _setting_label(name: str, value: str | float) -> str:
    match name:
        case "optimiser":
            return str(value)
        case "equal":
            return f"equal {value}"
        case "shuffle_labels":
            return f"{percent(value)} % of the labels shuffled"
    return f"{name.replace('_', ' ')} {all_digits(value)}"


def with_series(experiment: Experiment, table: pd.DataFrame) -> pd.DataFrame:
    """Add a column `series` to a table: what a legend calls a net, by its model and its swept settings."""
    swept = [name for name in SETTINGS if name in experiment.swept]
    several = len(experiment.models) > 1 or not swept
    labels = [
        ", ".join([*([row["model"]] if several else []), *([settings_label(row, swept)] if swept else [])])
        for _, row in table.iterrows()
    ]
    return first(table.assign(series=labels), ["series"])


def tuned(experiment: Experiment, nets: pd.DataFrame) -> pd.DataFrame:
    """Pick the nets of the best setting of a tuning: lowest mean final training loss, for each model and function.

    A setting with a net that diverged counts as worse than any other.
    """
    names = experiment.tuned
    if not names:
        return nets
    rest = [name for name in experiment.identity if name not in names]
    scores = nets.assign(train_loss=nets["train_loss"].fillna(float("inf")))
    means = scores.groupby([*rest, *names], sort=False)["train_loss"].mean().reset_index()
    best = means.loc[means.groupby(rest, sort=False)["train_loss"].idxmin(), [*rest, *names]]
    return nets.merge(best, on=[*rest, *names])
