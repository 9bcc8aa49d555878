"""Nets on the straight line between two trained nets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netclaims.analysis.sensitivity import sensitivities
from netclaims.data.examples import Examples
from netclaims.nets.evaluation import evaluate
from netclaims.nets.network import Network, Weights
from netclaims.spread import mean_and_deviation, spread

MATCHED = "two starts, matched"


def pairs(
    nets: pd.DataFrame, over: str, values: list[float], dense: list[str], controls: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Pair the nets at both ends of every line, by kind of pair.

    - `two starts`: replica i at the first value and replica i + 1 at the second (after the last comes the first):
      other initial weights, and the data in another order, as in nets that are trained without regard to each other.
      There is none of a single replica.
    - `two starts, matched`: the same nets, the second to be matched to the first, of models with dense layers alone.
    - `one start`: replica i at both values: the same initial weights, and the data in the same order. Where both values
      come to the same, as batch sizes above the training set do, that is one net, and there is no line to it.
    - `control`: replica i at the first value, and a net of the same value from the same initial weights with the data
      in another order (Frankle et al. 2020, section 2).

    Where nets were trained both at equal epochs and at equal steps, those of equal epochs are taken.

    Args:
        nets: run, member, model, replica, the column `over`, and perhaps `equal`.
        over: the swept setting.
        values: what it is at the start and at the end.
        dense: the models with dense layers alone.
        controls: the further nets of the first value, with the same columns.

    Returns:
        A table of model, replica (that at the start), run_start, member_start, run_end, member_end, pair, and whether
        it is the report's own kind of pair, the first of these that there is.
    """
    nets = _at_equal_epochs(nets)
    start, end = (nets[nets[over] == value] for value in values)
    replicas = nets["replica"].nunique()
    ends = {"one start": end} if values[0] != values[1] or replicas == 1 else {}
    if replicas > 1:
        other = end.assign(replica=(end["replica"] - 1) % replicas)
        ends = {"two starts": other, MATCHED: other[other["model"].isin(dense)]} | ends
    if controls is not None:
        ends["control"] = _at_equal_epochs(controls)
    by, where = ["model", "replica"], ["run", "member"]
    tables = [
        start[by + where]
        .merge(other[by + where], on=by, suffixes=("_start", "_end"), validate="one_to_one")
        .assign(pair=pair, own=pair == next(iter(ends)))
        for pair, other in ends.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _at_equal_epochs(nets: pd.DataFrame) -> pd.DataFrame:
    return nets[nets["equal"] == "epochs"] if "equal" in nets else nets


def between(start: Weights, end: Weights, alpha: torch.Tensor) -> Weights:
    """Return the weights at positions α on the line: θ(α) = (1 - α) θ₁ + α θ₂ (Goodfellow et al. 2015, eq. 1).

    Args:
        start: θ₁, tensors of shape (1, ...).
        end: θ₂, likewise.
        alpha: (positions,).

    Returns:
        Tensors of shape (positions, ...).
    """
    return {name: torch.lerp(w, end[name], alpha.to(w).view(-1, *[1] * (w.dim() - 1))) for name, w in start.items()}


def inside(alpha: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which positions lie between the two nets, the nets themselves included: α in [0, 1], but for rounding."""
    return (alpha >= -1e-9) & (alpha <= 1 + 1e-9)


def along(
    network: Network,
    start: Weights,
    end: Weights,
    alpha: NDArray[np.float64],
    loss: str,
    data: dict[str, Examples],
    probe: Examples | None = None,
) -> pd.DataFrame:
    """Measure loss and accuracy at every position on the line, on each data set.

    Args:
        network: the architecture of both nets.
        start: the net at α = 0, tensors of shape (1, ...).
        end: the net at α = 1, likewise.
        alpha: positions (n,).
        loss: `mse` or `cross_entropy`.
        data: what to measure on, by the name of the split.
        probe: examples of the split `test` to measure the three sensitivities on, if any.

    Returns:
        A table of alpha, split, loss, accuracy and, for the split `test`, the sensitivities.
    """
    rows = []
    for position in torch.from_numpy(alpha).split(1):  # activations of several CNNs do not fit in the cache
        weights = between(start, end, position)
        sensitivity = sensitivities(network, weights, loss, probe) if probe else {}
        for split, part in data.items():
            value, accuracy, _ = evaluate(network, weights, loss, part)
            found = {"loss": value, "accuracy": accuracy} | (sensitivity if split == "test" else {})
            rows.append({"alpha": position.item(), "split": split, **{name: v.item() for name, v in found.items()}})
    return pd.DataFrame(rows).sort_values(["split", "alpha"], ascending=[False, True], ignore_index=True)


def barrier(alpha: NDArray[np.float64], loss: NDArray[np.float64]) -> float:
    """Return how far the loss on the line rises over the straight line between the losses of its ends (α = 0 and 1).

    It is max over α in [0, 1] of L(θ(α)) - [(1 - α) L(θ₁) + α L(θ₂)] (Frankle et al. 2020, section 2; Entezari et al.
    2022, eq. 1), at least 0, because the ends themselves count. It is undefined where a loss in between is. Of minus
    the accuracy it is how far the accuracy falls below the straight line.

    Args:
        alpha: positions (n,), 0 and 1 among them.
        loss: loss at each (n,).
    """
    ends = [loss[abs(alpha - end).argmin()] for end in (0, 1)]
    rise = loss - np.interp(alpha, (0, 1), ends)
    return float(rise[inside(alpha)].max())


def line_numbers(lines: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Find the barriers and the places of the extremes, for each model, kind of pair and data set.

    The highest point of a line and the places are to within a step of the grid. A place is among the positions that the
    kind of pair is drawn at; where several are equally good, it is the first.

    Args:
        lines: model, pair, replica, alpha, split, loss, accuracy.

    Returns:
        A table of model, pair, split and the mean, smallest and largest over replicas of `loss_barrier` and
        `accuracy_barrier`; and by model, pair and split the mean and standard deviation of `barrier` (of the loss),
        `accuracy_barrier`, `alpha_of_lowest_loss` and `alpha_of_highest_accuracy`. All undefined if the loss at a
        position of a replica is.
    """
    by = ["model", "pair", "split"]
    found = pd.DataFrame(
        [
            dict(zip(by, kind, strict=False)) | _numbers(line)
            for kind, line in lines.groupby([*by, "replica"], sort=False)
        ]
    )
    numbers: dict = {}
    for (model, pair, split), rows in found.groupby(by, sort=False):
        means = {name: mean_and_deviation(rows[name]) for name in found.columns.drop(by)}
        numbers.setdefault(model, {}).setdefault(pair, {})[split] = means
    barriers = spread(found.rename(columns={"barrier": "loss_barrier"}), by, ["loss_barrier", "accuracy_barrier"])
    return barriers, numbers


def _numbers(line: pd.DataFrame) -> dict[str, float]:
    alpha, loss, accuracy = (line[name].to_numpy() for name in ("alpha", "loss", "accuracy"))
    found = {
        "barrier": barrier(alpha, loss),
        "accuracy_barrier": barrier(alpha, -accuracy),
        "alpha_of_lowest_loss": alpha[loss.argmin()],
        "alpha_of_highest_accuracy": alpha[accuracy.argmax()],
    }
    return found if np.isfinite(loss).all() else dict.fromkeys(found, np.nan)
