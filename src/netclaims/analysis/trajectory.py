"""Weights during training, seen along their main directions of variation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from netclaims.learn.networks import Weights


def rows(snapshots: Weights, layer: int | None) -> NDArray[np.float64]:
    """Snapshots as one row of weights each: (members · epochs, parameters), member by member.

    Args:
        snapshots: tensors of shape (members, epochs, ...).
        layer: weights and biases of this layer alone, or of all if None.
    """
    chosen: list[Tensor] = [w for name, w in snapshots.items() if layer is None or name.startswith(f"{layer}.")]
    return np.concatenate([w.flatten(0, 1).flatten(1).double().numpy() for w in chosen], axis=1)


def principal_components(points: NDArray[np.float64], components: int = 2) -> tuple[NDArray, NDArray, float]:
    """Principal component analysis of all rows together (Pearson 1901; scikit-learn's exact SVD).

    Args:
        points: (rows, parameters).
        components: how many to keep.

    Returns:
        Scores (rows, components), the share of the variance that each component explains (components,), and the
        total variance: the trace of the covariance of the rows, in squared units of the weights.
    """
    pca = PCA(components, svd_solver="full")
    scores = pca.fit_transform(points)
    return scores, pca.explained_variance_ratio_, float(points.var(axis=0, ddof=1).sum())


def trajectories(snapshots: Weights, epochs: list[int], scopes: dict[str, int | None]) -> tuple[pd.DataFrame, dict]:
    """Every run's path through the plane of the two main components of all runs.

    Args:
        snapshots: tensors of shape (members, epochs, ...), a member per run.
        epochs: after which the snapshots were taken.
        scopes: what to look at: a name, and the layer or None for all.

    Returns:
        A table of scope, replica, epoch, pc1, pc2; and for each scope its number of weights, the share of the
        variance that each component explains, and the total variance.
    """
    members = len(next(iter(snapshots.values())))
    tables, numbers = [], {}
    for scope, layer in scopes.items():
        points = rows(snapshots, layer)
        scores, explained, variance = principal_components(points)
        index = pd.MultiIndex.from_product([range(members), epochs], names=["replica", "epoch"])
        table = pd.DataFrame(scores, index=index, columns=["pc1", "pc2"]).reset_index()
        table.insert(0, "scope", scope)
        tables.append(table)
        numbers[scope] = {"weights": points.shape[1], "explained": list(explained), "variance": variance}
    return pd.concat(tables), numbers
