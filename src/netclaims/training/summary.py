"""What training comes to: the metrics and the plot tables of an experiment."""

from __future__ import annotations

from math import nan, sqrt
from statistics import NormalDist

import pandas as pd

from netclaims.data.functions import evaluate, formula, grid
from netclaims.files import first, read_json, read_table, write_json, write_table
from netclaims.paths import DATA, RUNS, metrics_of, plots_of
from netclaims.spread import mean_and_deviation, rounded, spread
from netclaims.tables.columns import SETTINGS
from netclaims.training.recorder import measured_examples
from netclaims.training.runs import Run, recorded_epochs, trained_by
from netclaims.training.selection import settings_label, tuned, with_series
from netclaims.training.settings import Training


def _by_split(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Turn train_loss, test_loss, … into a column per quantity and a row per split."""
    sides = []
    for split in ("train", "test"):
        columns = {name: name.removeprefix(f"{split}_") for name in table.columns if name.startswith(f"{split}_")}
        sides.append(table[[*keys, *columns]].rename(columns=columns).assign(split=split))
    return first(pd.concat(sides), [*keys, "split"])


def held(history: pd.DataFrame, nets: pd.DataFrame, planned: dict[int, int]) -> pd.DataFrame:
    """Extend the history of nets: one that a rule stopped keeps what it had at its end while others go on.

    Without this a mean over replicas would be, late, one over those that took long. After a net has diverged there is
    nothing, and its mean is undefined.

    Args:
        history: run, member, epoch and what was measured.
        nets: run, member, epoch of the end, diverged.
        planned: the epochs that each run was to take; the longest of those with as many sets the end of all.

    Returns:
        The columns of `history`, with a row per net for every epoch that its kind recorded.
    """
    ends = nets.groupby(nets["run"].map(planned))["epoch"].max()
    rows = []
    for net in nets.itertuples():
        end = ends[planned[net.run]]
        epochs = [*(epoch for epoch in recorded_epochs(planned[net.run]) if epoch < end), end]
        mine = history[(history["run"] == net.run) & (history["member"] == net.member)].set_index("epoch")
        mine = mine.reindex(epochs, method=None if net.diverged else "ffill")
        rows.append(mine.assign(run=net.run, member=net.member).rename_axis("epoch").reset_index())
    return pd.concat(rows, ignore_index=True)


def write_summary(experiment: Training, runs: list[Run]) -> None:
    """Write the metrics of an experiment, and its tables `curves.csv`, `final.csv` and `gap.csv`.

    `curves.csv` has loss and accuracy after each recorded epoch, `final.csv` at the end, and `gap.csv` the
    generalisation gap there, test less training loss and training less test accuracy, and the epochs that fitting
    took, where the experiment says what that is. All are mean, smallest and largest over replicas. After a tuning the
    curves are those of each model's best setting. `runs/<experiment>/about.json` says what the numbers are of.
    """
    key = runs[0].key
    nets, history = read_table(key, "nets"), read_table(key, "history")
    quantities = [name for name in history.columns if name.startswith(("train_", "test_"))]
    names = experiment.identity
    nets = nets.assign(loss_gap=nets["test_loss"] - nets["train_loss"])
    if not experiment.functions:
        nets = nets.assign(accuracy_gap=nets["train_accuracy"] - nets["test_accuracy"])
    nets = nets.assign(epochs_to_fit=epochs_to_fit(experiment, history, nets))
    best = tuned(experiment, nets)
    history = held(history, nets, {i: run.epochs for i, run in enumerate(runs)})
    curves = history.merge(best[["run", "member", *names, "replica"]], on=["run", "member"])
    curves = with_series(experiment, spread(curves, [*names, "epoch"], quantities))
    final = with_series(experiment, spread(nets, [*names, "parameters"], quantities))
    folder = plots_of(key)
    write_table(folder / "curves.csv", _by_split(curves, ["series", *names, "epoch"]))
    write_table(folder / "final.csv", _by_split(final, ["series", *names, "parameters"]))
    gaps = ["loss_gap", "accuracy_gap", "epochs_to_fit"]
    gaps = [name for name in gaps if name in nets and (name != "epochs_to_fit" or experiment.fitted)]
    write_table(folder / "gap.csv", with_series(experiment, spread(nets, [*names, "parameters"], gaps)))
    said = about(experiment, runs)
    write_json(RUNS / key / "about.json", said)
    write_json(
        metrics_of(key), said | {"models": _metrics(experiment, nets, best, said["test_examples"], said["device"])}
    )


def epochs_to_fit(experiment: Training, history: pd.DataFrame, nets: pd.DataFrame) -> list[float]:
    """Find the first recorded epoch at which each net has fitted its training set, by the experiment's rule `fitted`.

    Args:
        experiment: with the rule, if it has one.
        history: run, member, epoch, and loss or accuracy on the training set.
        nets: run and member, and which function each fits.

    Returns:
        A number for every row of `nets`, undefined for a net that never has, and for all where there is no rule.
    """
    rule = experiment.fitted
    if rule is None:
        return [nan] * len(nets)
    if experiment.functions:
        variance = {name: evaluate(name, grid(experiment.points)).var() for name in experiment.functions}
        history = history.merge(nets[["run", "member", "function"]], on=["run", "member"])
        enough = history["train_loss"] <= rule.unexplained * history["function"].map(variance)
    else:
        enough = history["train_accuracy"] >= rule.accuracy
    first_epoch = history[enough].groupby(["run", "member"])["epoch"].min()
    return [float(first_epoch.get((net.run, net.member), nan)) for net in nets.itertuples()]


def _fitted(epochs: pd.Series) -> dict:
    """Return how many replicas fitted, and after how many epochs: of all of them, or not at all."""
    return {"replicas": int(epochs.notna().sum()), "epochs": mean_and_deviation(epochs)}


def interval(accuracy: float, examples: int) -> list[float]:
    """Return the 95 % interval of a share of correct answers on so many examples, by Wilson's score (1927, JASA 22).

    It is (p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n). SciPy's `binomtest` has it too, and would double what
    a training stage has to import.
    """
    correct, z = round(accuracy * examples), NormalDist().inv_cdf(0.975)
    p, square = correct / examples, z**2 / examples
    half = sqrt(p * (1 - p) * square + square**2 / 4)
    low, high = (p + square / 2 - half) / (1 + square), (p + square / 2 + half) / (1 + square)
    return [rounded(low) if correct else 0.0, rounded(high) if correct < examples else 1.0]


def _metrics(experiment: Training, nets: pd.DataFrame, best: pd.DataFrame, test_examples: int, device: str) -> dict:
    """Return metrics nested by model, then by function and setting where there are several: mean and deviation.

    The interval of the test accuracy is that of its mean on the test set, which all replicas share.
    """
    quantities = [f"{split}_{name}" for split in ("train", "test")
                  for name in (["loss"] if experiment.functions else ["loss", "accuracy"])]  # fmt: skip
    varied = [name for name in experiment.identity if name in SETTINGS]
    models: dict = {}
    for values, group in nets.groupby(experiment.identity, sort=False):
        row = dict(zip(experiment.identity, values, strict=True))
        which = {
            "parameters": int(group["parameters"].iloc[0]),
            "trained_by": trained_by(experiment, row["model"], device),
        }
        place = models.setdefault(row["model"], which)
        if experiment.functions:
            place = place.setdefault(row["function"], {})
            if experiment.tuned:
                mine = best[(best["model"] == row["model"]) & (best["function"] == row["function"])].iloc[0]
                place["tuned"] = settings_label(mine, varied)
        if varied:
            place = place.setdefault(settings_label(pd.Series(row), varied), {})
        place |= {name: mean_and_deviation(group[name]) for name in quantities}
        if experiment.fitted:
            place["fitted"] = _fitted(group["epochs_to_fit"])
        if not experiment.functions and group["test_accuracy"].notna().all():
            place["test_accuracy_interval"] = interval(group["test_accuracy"].mean(), test_examples)
        if experiment.stop:
            place["epochs"] = mean_and_deviation(group["epoch"])
        place["diverged"] = int(group["diverged"].sum())
    return models


def about(experiment: Training, runs: list[Run]) -> dict:
    """Return what a reader has to know about the numbers of an experiment: scale, data set, sizes, replicas."""
    data = read_json(DATA / experiment.data / "manifest.json")
    if experiment.functions:
        sizes = {"train_examples": experiment.train_size, "test_examples": data["test_points"]}
        title = "; ".join(formula(name) for name in experiment.functions)
    else:
        largest = max(data["test_per_class"].values()) / data["test_size"]
        sizes = {
            "train_examples": experiment.train_size,
            "train_examples_on_the_way": measured_examples(experiment, data["test_size"]),
            "test_examples": data["test_size"],
            "largest_class": rounded(largest),
        }
        title = data["title"]
    steps = {run.steps for run in runs if run.equal == "steps"}
    return {
        "experiment": runs[0].key,
        "scale": experiment.scale,
        "data": title,
        "loss": experiment.loss,
        **sizes,
        "replicas": experiment.replicas,
        "epochs": next(run.passes for run in runs if run.equal == "epochs"),
        "epochs_stated": experiment.epochs_stated,
        **({"equal_steps": steps.pop()} if steps else {}),
        "seed": experiment.seed,
        "device": runs[0].device,
    }
