"""What training comes to: the metrics and the plot tables of an experiment."""

from __future__ import annotations

import pandas as pd

from netclaims.learn.config import Experiment
from netclaims.learn.functions import formula
from netclaims.learn.params import Params
from netclaims.learn.paths import DATA, metrics_of, plots_of
from netclaims.learn.plan import Run, recorded_epochs
from netclaims.learn.tables import first, mean_and_deviation, read_json, read_table, spread, write_json, write_table

SETTINGS = ["optimiser", "learning_rate", "batch_size"]


def identity(experiment: Experiment) -> list[str]:
    """The columns that tell an experiment's nets apart, besides the replica."""
    return [
        *(["function"] if experiment.functions else []),
        "model",
        *(name for name in SETTINGS if name in experiment.varied),
    ]


def _settings_label(row: pd.Series, names: list[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {row[name]:g}" if name != "optimiser" else row[name] for name in names)


def with_series(experiment: Experiment, table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `series`: what a legend calls a net, by its model and its swept settings."""
    swept = [name for name in SETTINGS if name in experiment.sweep.varied]
    several = len(experiment.models) > 1 or not swept
    labels = [
        ", ".join([*([row["model"]] if several else []), *([_settings_label(row, swept)] if swept else [])])
        for _, row in table.iterrows()
    ]
    return first(table.assign(series=labels), ["series"])


def _by_split(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """From train_loss, test_loss, … to a column per quantity and a row per split."""
    sides = []
    for split in ("train", "test"):
        columns = {name: name.removeprefix(f"{split}_") for name in table.columns if name.startswith(f"{split}_")}
        sides.append(table[[*keys, *columns]].rename(columns=columns).assign(split=split))
    return first(pd.concat(sides), [*keys, "split"])


def tuned(experiment: Experiment, nets: pd.DataFrame) -> pd.DataFrame:
    """The nets of the best setting of a tuning: lowest mean final training loss, for each model and function.

    A setting with a net that diverged counts as worse than any other.
    """
    names = list(experiment.tune.varied)
    if not names:
        return nets
    rest = [name for name in identity(experiment) if name not in names]
    scores = nets.assign(train_loss=nets["train_loss"].fillna(float("inf")))
    means = scores.groupby([*rest, *names], sort=False)["train_loss"].mean().reset_index()
    best = means.loc[means.groupby(rest, sort=False)["train_loss"].idxmin(), [*rest, *names]]
    return nets.merge(best, on=[*rest, *names])


def held(history: pd.DataFrame, epochs: list[int], nets: pd.DataFrame) -> pd.DataFrame:
    """The history at these epochs, in which a net that a rule stopped before keeps what it had at its end.

    Without this a mean over replicas would be, late, one over those that took long. After a net has diverged there is
    nothing: its mean is undefined.

    Args:
        history: run, member, epoch and what was measured.
        nets: run, member, diverged.
    """
    rows = []
    for net in nets.itertuples():
        mine = history[(history["run"] == net.run) & (history["member"] == net.member)].set_index("epoch")
        mine = mine.reindex(epochs, method=None if net.diverged else "ffill")
        rows.append(mine.assign(run=net.run, member=net.member).rename_axis("epoch").reset_index())
    return pd.concat(rows, ignore_index=True)


def write_summary(experiment: Experiment, params: Params, runs: list[Run]) -> None:
    """Write the metrics of an experiment, and its tables `curves.csv` and `final.csv`.

    `curves.csv` has loss and accuracy after each recorded epoch, `final.csv` at the end: mean, smallest and
    largest over replicas. After a tuning the curves are those of each model's best setting.
    """
    key = runs[0].key
    nets, history = read_table(key, "nets"), read_table(key, "history")
    quantities = [name for name in history.columns if name.startswith(("train_", "test_"))]
    names = identity(experiment)
    best = tuned(experiment, nets)
    longest = nets["epoch"].max()
    epochs = [*(epoch for epoch in recorded_epochs(runs[0].epochs) if epoch < longest), longest]
    history = held(history, epochs, nets)
    curves = history.merge(best[["run", "member", *names, "replica"]], on=["run", "member"])
    curves = with_series(experiment, spread(curves, [*names, "epoch"], quantities))
    final = with_series(experiment, spread(nets, [*names, "parameters"], quantities))
    folder = plots_of(key)
    write_table(folder / "curves.csv", _by_split(curves, ["series", *names, "epoch"]))
    write_table(folder / "final.csv", _by_split(final, ["series", *names, "parameters"]))
    write_json(
        metrics_of(key),
        about(experiment, params, runs) | {"models": _metrics(experiment, nets, best)},
    )


def _metrics(experiment: Experiment, nets: pd.DataFrame, best: pd.DataFrame) -> dict:
    """Nested: model, then function and setting where there are several, then mean and standard deviation."""
    quantities = [f"{split}_{name}" for split in ("train", "test")
                  for name in (["loss"] if experiment.functions else ["loss", "accuracy"])]  # fmt: skip
    varied = [name for name in identity(experiment) if name in SETTINGS]
    models: dict = {}
    for values, group in nets.groupby(identity(experiment), sort=False):
        row = dict(zip(identity(experiment), values, strict=True))
        place = models.setdefault(row["model"], {"parameters": int(group["parameters"].iloc[0])})
        if experiment.functions:
            place = place.setdefault(row["function"], {})
            if experiment.tune.varied:
                mine = best[(best["model"] == row["model"]) & (best["function"] == row["function"])].iloc[0]
                place["tuned"] = _settings_label(mine, varied)
        if varied:
            place = place.setdefault(_settings_label(pd.Series(row), varied), {})
        place |= {name: mean_and_deviation(group[name]) for name in quantities}
        if experiment.stop:
            place["epochs"] = mean_and_deviation(group["epoch"])
        place["diverged"] = int(group["diverged"].sum())
    return models


def about(experiment: Experiment, params: Params, runs: list[Run]) -> dict:
    """What a reader has to know about the numbers of an experiment: scale, data set, sizes, replicas."""
    data = read_json(DATA / experiment.data / "manifest.json")
    if experiment.functions:
        sizes = {"train_examples": experiment.points, "test_examples": data["test_points"]}
        title = "; ".join(formula(name) for name in experiment.functions)
    else:
        sizes = {"train_examples": data["train_size"], "test_examples": data["test_size"]}
        title = data["title"]
    return {
        "experiment": runs[0].key,
        "title": experiment.title,
        "scale": params.scale,
        "data": title,
        "loss": experiment.loss,
        **sizes,
        "replicas": experiment.replicas_within(params),
        "epochs": runs[0].epochs,
        "epochs_stated": experiment.epochs,
        "seed": params.seed,
    }
