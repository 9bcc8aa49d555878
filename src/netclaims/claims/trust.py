"""How much of an answer nets can give: whether they have learnt, for as long as the report trained them, on its data.

One rule for all claims. Nets that the scale trained shorter than the report answer nothing if they took fewer than 100
steps, or if the typical one has not left the loss of a guess behind. Nets that were trained shorter, on fewer images or
on others in place of the report's answer provisionally. So do nets of a kind of which the typical one is no better than
a guess after as many epochs as the report took, or where a rule of the report ended their training: that they do not
learn is a finding, but what else they do is hardly what the report speaks of. And so does a mean over nets of a kind of
which some have learnt and some have not: a test of it errs, as a few replicas may show one of the two alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, e, log
from typing import NamedTuple

import numpy as np
import pandas as pd

from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.operands import Operand
from netclaims.data.functions import evaluate, formula, grid
from netclaims.data.registry import DATA_KINDS
from netclaims.experiment import Experiment
from netclaims.files import read_json
from netclaims.nets.layers import Softmax
from netclaims.paths import metrics_of
from netclaims.training.selection import with_series

LEAST_STEPS = 100
LEARNT = 0.9  # of the loss of guessing: a typical net below it, a tenth of the way down, has learnt something
UNLEARNT = "most nets did not learn"  # of a kind; the remark says how many
OF_TWO_KINDS = "a mean of nets that learnt and nets that did not"  # of one kind
IMAGES = {"mnist": 60_000, "cifar10": 50_000}  # the training sets of the reports that took all of it


class Answer(NamedTuple):
    """What a verdict rests on.

    Attributes:
        provisional: why it is that, empty if it is not.
        remark: how many nets did not learn, if any.
    """

    provisional: str
    remark: str


def answered(tables: Tables, operands: Iterable[Operand], in_the_mean: bool = False) -> Answer:
    """Say what the nets that a claim looks at can answer.

    Args:
        tables: of the experiment.
        operands: of the claim.
        in_the_mean: whether they are compared in the mean of their outcomes.

    Raises:
        UntestableError: nothing: they were hardly trained.
    """
    experiment, trained = tables.experiment, read_json(metrics_of(tables.experiment.key))
    nets = pd.concat([tables.nets_of(operand) for operand in operands]).drop_duplicates(["run", "member"])
    if nets.empty:
        return Answer("", "")
    nets = nets.assign(
        steps=[_steps(net, trained, experiment) for net in nets.itertuples()],
        learnt=nets["train_loss"] < _learnt_below(nets, experiment),
    )
    shorter = nets[~_ended(nets, trained)] if trained["epochs"] < trained["epochs_stated"] else nets[:0]
    said = f"{trained['epochs']:,.10g} of {trained['epochs_stated']:,.10g} epochs"
    if shorter["steps"].min() < LEAST_STEPS:
        raise UntestableError(f"not at this scale: {shorter['steps'].min():,} steps, {said}")
    for kind, learnt in _kinds(shorter, experiment):
        if 2 * learnt.sum() <= len(learnt):
            raise UntestableError(f"not at this scale: hardly learnt in {said} ({kind})")
    kinds = _kinds(nets, experiment)
    remarks = [f"{(~of).sum()} of {len(of)} nets did not learn ({kind})" for kind, of in kinds if not of.all()]
    provisional = [said] * (not shorter.empty) + _other_data(experiment, trained["data"])
    provisional += [UNLEARNT] * any(2 * learnt.sum() <= len(learnt) for _, learnt in kinds)
    provisional += [OF_TWO_KINDS] * (in_the_mean and any(len(set(learnt)) > 1 for _, learnt in kinds))
    return Answer("; ".join(provisional), "; ".join(remarks))


def _ended(nets: pd.DataFrame, trained: dict) -> pd.Series:
    """Tell which nets a rule of the report ended before their epochs were over, as that the loss hardly changes."""
    return (nets["equal"] != "steps") & ~nets["diverged"] & (nets["epoch"] < trained["epochs"])


def _steps(net: tuple, trained: dict, experiment: Experiment) -> int:
    if net.equal == "steps":
        return trained["equal_steps"]
    return max(1, round(trained["epochs"] * ceil(experiment.train_size / net.batch_size)))  # a part of one is rounded


def _learnt_below(nets: pd.DataFrame, experiment: Experiment) -> np.ndarray | pd.Series:
    """Return for every net the loss that is a tenth of the way from that of the best constant to the least there is.

    That of the best constant is the variance of a function, or the entropy of even classes. The least is 0; or, with
    a softmax before the cross-entropy, log(e + k - 1) - 1 of k classes: 1.46 of ten, where a guess has 2.30.
    """
    if experiment.functions:
        variances = {name: evaluate(name, grid(experiment.points)).var() for name in experiment.functions}
        return LEARNT * nets["function"].map(variances).to_numpy()
    classes = DATA_KINDS[experiment.data].outputs
    bounded = {name for name, layers in experiment.models.items() if isinstance(layers[-1], Softmax)}
    least = np.where(nets["model"].isin(bounded), log(e + classes - 1) - 1, 0.0)
    return least + LEARNT * (log(classes) - least)


def _kinds(nets: pd.DataFrame, experiment: Experiment) -> list[tuple[str, pd.Series]]:
    """Return which nets have learnt, by what a legend calls them."""
    named = with_series(experiment, nets)
    if experiment.functions:
        named["series"] += ", " + named["function"].map(formula)
    return list(named.groupby("series", sort=False)["learnt"])


def same_data(title: str, meant: str) -> bool:
    """Tell by their titles whether images are those of a data set, if only some of them: `MNIST, a subset`."""
    name, _, kind = title.partition(", ")
    return name == meant and (not kind or "subset" in kind)


def _other_data(experiment: Experiment, title: str) -> list[str]:
    if experiment.functions:
        return []
    meant, size = DATA_KINDS[experiment.data].title, experiment.examples or IMAGES[experiment.data]
    found = [] if same_data(title, meant) else [f"{title} in place of {meant}"]
    return found + ([f"{experiment.train_size:,} of {size:,} images"] if experiment.train_size < size else [])
