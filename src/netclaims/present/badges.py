"""Badges: in a few words, on how much training a number or a verdict rests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import inf, log, nan

from netclaims.claims.trust import IMAGES, OF_TWO_KINDS, UNLEARNT, has_learnt, same_data
from netclaims.data.functions import FUNCTIONS, evaluate, grid

NOT_LEARNT = re.compile(r"(\d+) of (\d+) nets did not learn")
EPOCHS = re.compile(r"([\d.,]+) of (?:the )?([\d.,]+) epochs")
HARDLY = "hardly learnt"
SHORT = {OF_TWO_KINDS: "some nets learnt, some did not"}


def of_training(about: Mapping, meant: str) -> list[str]:
    """Say where a training falls short of the report's.

    Args:
        about: the metrics of the experiment.
        meant: the report's data set.
    """
    found = []
    if about["epochs"] < about["epochs_stated"]:
        found.append(f"{about['epochs']:,.10g} of {about['epochs_stated']:,.10g} epochs")
    if about["loss"] != "mse":
        if not same_data(about["data"], meant):
            data = about["data"].partition(" from ")[0]  # "MNIST-M from 5,000 digits"
            found.append(f"on {data} in place of {meant}")
        if about["scale"] != "paper" and about["train_examples"] < min(IMAGES.values()):
            found.append(f"on {about['train_examples']:,} images")
    nets = [not learnt for learnt in _learnt(about["models"], about, None)]
    if nets and all(nets):
        found.append("not learnt: at chance")
    elif any(nets):
        found.append(f"{sum(nets)} of {len(nets)} kinds of nets not learnt")
    return found


def of_verdict(provisional: str, because: str) -> list[str]:
    """Say on how little training a verdict rests, from what the ledger says of it.

    Args:
        provisional: why it is provisional, if it is.
        because: the reason that goes with it.
    """
    parts = [part for part in provisional.split("; ") if part not in ("", UNLEARNT)]
    found = [f"on {part}" if " in place of " in part or part.endswith(" images") else SHORT.get(part, part)
             for part in parts]  # fmt: skip
    if not found and (epochs := EPOCHS.search(because)):
        found.append(" of ".join(f"{float(number.replace(',', '')):,.10g}" for number in epochs.groups()) + " epochs")
    if HARDLY in because:
        found.append("not learnt: at chance")
    counts = [tuple(map(int, pair)) for pair in NOT_LEARNT.findall(because)]
    if counts:
        bad, of = max(counts, key=lambda pair: pair[0] / pair[1])
        found.append("not learnt: at chance" if bad == of else f"up to {bad} of {of} nets not learnt")
    return found


def _learnt(metrics: Mapping, about: Mapping, function: str | None) -> Iterator[bool]:
    """Yield whether nets have learnt, in the mean, for every kind of net, of a tuned one as it was chosen."""
    if "train_loss" in metrics:
        loss, accuracy = metrics["train_loss"]["mean"], metrics.get("train_accuracy", {}).get("mean")
        largest = about.get("largest_class")
        guess = -log(largest) if largest else inf if function is None else _variance(about, function)
        # One that diverged leaves no mean.
        yield has_learnt(inf if loss is None else loss, nan if accuracy is None else accuracy, guess, largest or nan)
        return
    tuned = metrics.get("tuned")
    for name, part in ({tuned: metrics[tuned]} if tuned else metrics).items():
        if isinstance(part, Mapping):
            yield from _learnt(part, about, name if name in FUNCTIONS else function)


def _variance(about: Mapping, function: str) -> float:
    return float(evaluate(function, grid(about["train_examples"])).var())
