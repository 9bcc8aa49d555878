"""Badges: in a few words, on how much training a number or a verdict rests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import inf, log

from netclaims.claims.trust import IMAGES, LEARNT, OF_TWO_KINDS, UNLEARNT, same_data
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
    nets = [loss >= LEARNT * guess for loss, guess in _losses(about["models"], about, None)]
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


def _losses(metrics: Mapping, about: Mapping, function: str | None) -> Iterator[tuple[float, float]]:
    """Yield the mean training loss of every kind of net, of a tuned one as it was chosen, and the loss of a guess."""
    tuned = metrics.get("tuned")
    for name, part in ({tuned: metrics[tuned]} if tuned else metrics).items():
        if not isinstance(part, Mapping):
            continue
        if name == "train_loss":
            yield inf if part["mean"] is None else part["mean"], _guess(about, function)  # None: one diverged
        else:
            yield from _losses(part, about, name if name in FUNCTIONS else function)


def _guess(about: Mapping, function: str | None) -> float:
    if about["loss"] == "mse":
        return float(evaluate(function, grid(about["train_examples"])).var()) if function else inf
    return -log(about["largest_class"]) if about.get("largest_class") else inf
