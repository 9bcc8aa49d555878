"""The training loss on planes through weight space, around the path that a run took and around where it ended."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import pandas as pd
import torch
from torch import Tensor
from torch.linalg import vector_norm

from netclaims.analysis.weight_pca import upright
from netclaims.data.examples import Examples
from netclaims.files import first
from netclaims.linear_algebra import right_singular_vectors
from netclaims.nets.evaluation import evaluate
from netclaims.nets.network import Network, Weights, flatten, unflatten

POSITIONS_AT_ONCE = 8


@dataclass(frozen=True)
class Plane:
    """A plane through weight space, θ(x, y) = origin + x · directions[0] + y · directions[1], of P weights.

    Attributes:
        name: what it is called in the tables.
        origin: (P,), in float64.
        directions: (2, P), in float64.
        x: positions of the grid on the first axis, (points,).
        y: likewise on the second.
        snapshots: weights to show on the plane, tensors of shape (snapshots, ...).
        epochs: when they were taken.
        projected: where on the plane they project to, (snapshots, 2).
    """

    name: str
    origin: Tensor
    directions: Tensor
    x: Tensor
    y: Tensor
    snapshots: Weights
    epochs: list[int]
    projected: Tensor


def main_plane(run: Weights, epochs: list[int], points: int) -> Plane:
    """Lay the orthonormal plane of the two main components of a run's own snapshots through their mean.

    The grid covers the path and on each side a quarter of its extent more; an axis along which the path is shorter
    than a fifth of its extent along the other is as long as if it were that. With two snapshots, the second direction
    is an arbitrary one.

    Args:
        run: snapshots, tensors of shape (epochs, ...), at least two.
        epochs: after which they were taken.
        points: positions of the grid on each axis.
    """
    weights = flatten(run).double()
    origin = weights.mean(0)
    directions = right_singular_vectors(weights - origin)[:2]
    scores = (weights - origin) @ directions.T
    sign = upright(scores)
    directions, scores = directions * sign.unsqueeze(1), scores * sign
    low, high = scores.aminmax(dim=0)
    reach = 0.75 * (high - low).clamp(min=(high - low).max() / 5)
    x, y = ((low + high) / 2 + reach * _axis(points).unsqueeze(1)).T
    return Plane("main components", origin, directions, x, y, run, epochs, scores)


def random_plane(run: Weights, epochs: list[int], points: int, stream: torch.Generator) -> Plane:
    """Lay a plane through a run's last snapshot along two random directions, both axes from -1 to 1.

    Args:
        run: snapshots, tensors of shape (epochs, ...), at least two.
        epochs: after which they were taken.
        points: positions of the grid on each axis.
        stream: where the directions come from.
    """
    final = {name: w[-1:] for name, w in run.items()}
    directions = flatten(filter_normalised(final, stream))
    axis = _axis(points)
    projected = torch.zeros(1, 2, dtype=torch.float64)
    origin = flatten(final)[0].double()
    return Plane("random, filter-normalised", origin, directions, axis, axis, final, epochs[-1:], projected)


def _axis(points: int) -> Tensor:
    """Return positions evenly from -1 to 1, with exact opposites and an exact 0, which linspace does not give."""
    return torch.arange(1 - points, points, 2, dtype=torch.float64) / (points - 1)


def filter_normalised(weights: Weights, stream: torch.Generator) -> Weights:
    """Draw two random directions whose every filter is as long as that of the weights (Li et al. 2018, section 4).

    Each d is Gaussian, and then dᵢ ← dᵢ ‖θᵢ‖ / ‖dᵢ‖ for the incoming weights of every unit of a dense layer and of
    every output channel of a convolution. Biases stay as they are: d is 0.

    Args:
        weights: tensors of shape (1, ...).
        stream: where the directions come from.

    Returns:
        Tensors of shape (2, ...), in float64.
    """
    directions = {}
    for name, w in weights.items():
        direction = torch.zeros(2, *w.shape[1:], dtype=torch.float64)
        if name.endswith(".weight"):
            direction.normal_(generator=stream)
            filters = tuple(range(2, w.dim()))
            direction /= vector_norm(direction, dim=filters, keepdim=True)
            direction *= vector_norm(w.double(), dim=filters, keepdim=True)
        directions[name] = direction
    return directions


def losses_on(network: Network, plane: Plane, loss: str, data: Examples) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Work out the loss on the grid of a plane, and at the snapshots that belong on it.

    Losses that are not finite are left out.

    Args:
        network: the architecture.
        plane: the plane, with its grid and its snapshots.
        loss: `mse` or `cross_entropy`.
        data: examples that the loss is the mean over.

    Returns:
        A table of plane, x, y, loss; and one of plane, at, epoch, x, y, loss, where the loss is `on the path` that of
        the snapshot itself, and `in the plane` that of the weights at its position on the plane.
    """
    grid = torch.cartesian_prod(plane.x, plane.y)
    surface = _table(plane, grid, _losses_at(network, plane, grid, loss, data))
    path = {
        "on the path": evaluate(network, plane.snapshots, loss, data)[0],
        "in the plane": _losses_at(network, plane, plane.projected, loss, data),
    }
    tables = [_table(plane, plane.projected, found).assign(at=at, epoch=plane.epochs) for at, found in path.items()]
    return surface, first(pd.concat(tables), ["plane", "at", "epoch"])


def _losses_at(network: Network, plane: Plane, positions: Tensor, loss: str, data: Examples) -> Tensor:
    found = []
    for some in positions.split(POSITIONS_AT_ONCE):
        weights = (plane.origin + some @ plane.directions).to(data.x.dtype)
        found.append(evaluate(network, unflatten(weights, plane.snapshots), loss, data)[0])
    return torch.cat(found)


def _table(plane: Plane, positions: Tensor, losses: Tensor) -> pd.DataFrame:
    losses = losses.where(losses.isfinite(), torch.nan).double()
    return pd.DataFrame({"plane": plane.name, "x": positions[:, 0], "y": positions[:, 1], "loss": losses})


def plane_numbers(plane: Plane, path: pd.DataFrame) -> dict[str, float | None]:
    """Tell how much of a path is lost by looking at its plane; None where a number is not finite.

    Args:
        plane: the plane of the path's own main components.
        path: as `losses_on` gives it.

    Returns:
        `largest_relative_gap`: over snapshots, |loss in the plane / loss on the path - 1|; and `variance_in_plane`: the
        share of the snapshots' variance that lies in the plane.
    """
    on, within = (path.loc[path["at"] == at, "loss"].to_numpy() for at in ("on the path", "in the plane"))
    found = {
        "largest_relative_gap": float(abs(within / on - 1).max()),
        "variance_in_plane": float(
            plane.projected.square().sum() / (flatten(plane.snapshots) - plane.origin).square().sum()
        ),
    }
    return {name: value if isfinite(value) else None for name, value in found.items()}
