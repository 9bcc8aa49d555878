"""Nets on the straight line between two trained nets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netclaims.analysis.sensitivity import sensitivities
from netclaims.learn.data import Part
from netclaims.learn.networks import Network, Weights
from netclaims.learn.tables import mean_and_deviation
from netclaims.learn.training import evaluate

POSITIONS_AT_ONCE = 8


def between(start: Weights, end: Weights, alpha: torch.Tensor) -> Weights:
    """Weights at positions α on the line: θ(α) = (1 - α) θ₁ + α θ₂ (Goodfellow et al. 2015, eq. 1).

    Args:
        start: θ₁, tensors of shape (1, ...).
        end: θ₂, likewise.
        alpha: (positions,).

    Returns:
        Tensors of shape (positions, ...).
    """
    return {name: torch.lerp(w, end[name], alpha.to(w).view(-1, *[1] * (w.dim() - 1))) for name, w in start.items()}


def along(
    network: Network,
    start: Weights,
    end: Weights,
    alpha: NDArray[np.float64],
    loss: str,
    data: dict[str, Part],
    probe: Part | None = None,
) -> pd.DataFrame:
    """Loss and accuracy at every position on the line, on each data set.

    Args:
        data: what to measure on, by the name of the split.
        probe: examples of the split `test` to measure the three sensitivities on, if any.

    Returns:
        A table of alpha, split, loss, accuracy and, for the split `test`, the sensitivities.
    """
    tables = []
    for positions in torch.from_numpy(alpha).split(POSITIONS_AT_ONCE):
        weights = between(start, end, positions)
        sensitivity = sensitivities(network, weights, loss, probe) if probe else {}
        for split, part in data.items():
            value, accuracy, _ = evaluate(network, weights, loss, part)
            columns = {"alpha": positions, "split": split, "loss": value, "accuracy": accuracy}
            columns |= sensitivity if split == "test" else {}
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables).sort_values(["split", "alpha"], ascending=[False, True], ignore_index=True)


def barrier(alpha: NDArray[np.float64], loss: NDArray[np.float64]) -> float:
    """How far the loss on the line rises over the straight line between the losses of its ends (α = 0 and 1).

    max over α in [0, 1] of L(θ(α)) - [(1 - α) L(θ₁) + α L(θ₂)] (Frankle et al. 2020, section 2; Entezari et
    al. 2022, eq. 1). At least 0: the ends themselves count. Undefined where a loss in between is.

    Args:
        alpha: positions (n,), 0 and 1 among them.
        loss: loss at each (n,).
    """
    at = {end: loss[np.argmin(abs(alpha - end))] for end in (0, 1)}
    inside = (alpha >= -1e-9) & (alpha <= 1 + 1e-9)
    return float(np.maximum(0.0, (loss - ((1 - alpha) * at[0] + alpha * at[1]))[inside].max()))


def line_numbers(lines: pd.DataFrame) -> dict:
    """For each model and data set the barrier and the places of the extremes: mean and deviation over pairs.

    Args:
        lines: model, replica, alpha, split, loss, accuracy.
    """
    numbers: dict = {}
    for (model, split), rows in lines.groupby(["model", "split"], sort=False):
        found = pd.DataFrame([_pair_numbers(pair) for _, pair in rows.groupby("replica")])
        numbers.setdefault(model, {})[split] = {name: mean_and_deviation(found[name]) for name in found}
    return numbers


def _pair_numbers(pair: pd.DataFrame) -> dict[str, float]:
    """What `line_numbers` averages, for one pair; all undefined if a net of the pair diverged."""
    alpha, loss, accuracy = (pair[name].to_numpy() for name in ("alpha", "loss", "accuracy"))
    found = {
        "barrier": barrier(alpha, loss),
        "alpha_of_lowest_loss": alpha[loss.argmin()],
        "alpha_of_highest_accuracy": alpha[accuracy.argmax()],
    }
    return dict.fromkeys(found, np.nan) if np.isnan(loss).any() else found
