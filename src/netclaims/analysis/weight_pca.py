"""Weights during training along their main directions of variation, beside random walks of the same steps.

A run is its starting point and the steps between its snapshots. Principal components need nothing but the inner
products of these steps, (members, epochs, members, epochs): a few hundred numbers a side, however many weights there
are. All of it is in float64.
"""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor

from netclaims.files import first
from netclaims.linear_algebra import eigh, eigvalsh
from netclaims.nets.network import Weights
from netclaims.spread import mean_and_deviation, spread

COMPONENTS = 10  # the table of shares goes as far as this
WALKS = 20
DECIMALS = 12  # what is smaller in a share is the rounding error of eigenvalues
WEIGHTS_AT_ONCE = 2**12  # so many, in float64 and of all snapshots, stay in the processor's cache


def step_products(snapshots: Tensor) -> Tensor:
    """Return the inner products of all steps of all runs, (members, epochs, members, epochs), in squared weights.

    The step at the first epoch is the starting point less the mean of all starting points, every other one the change
    since the snapshot before. The products of several tensors add up to those of the weights together.

    Args:
        snapshots: one tensor of weights, (members, epochs, ...).
    """
    shape = snapshots.shape[:2]
    total = torch.zeros(shape.numel(), shape.numel(), dtype=torch.float64)
    for some in snapshots.flatten(2).split(WEIGHTS_AT_ONCE, 2):
        some = some.double()
        start = some[:, :1] - some[:, :1].mean(0)
        steps = torch.cat([start, some.diff(dim=1)], 1).flatten(0, 1)
        total += steps @ steps.T
    return total.view(*shape, *shape)


def together(steps: Tensor) -> Tensor:
    """Return the inner products of the snapshots of all runs, less the mean of all: (..., snapshots, snapshots).

    Args:
        steps: inner products of steps, (..., members, epochs, members, epochs).
    """
    points = steps.cumsum(-3).cumsum(-1)
    return _centred(points.flatten(-4, -3).flatten(-2, -1))


def apart(steps: Tensor) -> Tensor:
    """Return the inner products of each run's snapshots, less the mean of that run: (..., members, epochs, epochs).

    They come from the steps after the start alone, so that a run that stands still has exactly no variance.

    Args:
        steps: inner products of steps, (..., members, epochs, members, epochs).
    """
    own = steps.diagonal(dim1=-4, dim2=-2).movedim(-1, -3).clone()
    own[..., 0, :] = own[..., :, 0] = 0
    return _centred(own.cumsum(-2).cumsum(-1))


def _centred(products: Tensor) -> Tensor:
    """Return the inner products of points less their mean, from those of the points (Torgerson 1952)."""
    half = products - products.mean(-1, keepdim=True)
    return half - half.mean(-2, keepdim=True)


def principal_components(products: Tensor, components: int = 2) -> tuple[Tensor, float]:
    """Find principal components (Pearson 1901) from inner products of centred points: U √Λ of U Λ Uᵀ.

    Args:
        products: (rows, rows).
        components: how many to keep.

    Returns:
        Scores (rows, components), in units of the weights, the one that is farthest from 0 positive; and the total
        variance: the trace of the covariance of the rows.
    """
    eigenvalues, vectors = eigh(products)
    scores = vectors.flip(1)[:, :components] * eigenvalues.flip(0)[:components].clamp(min=0).sqrt()
    return scores * upright(scores), float(products.trace() / (len(products) - 1))


def upright(scores: Tensor) -> Tensor:
    """Return the sign, ±1, that makes the score farthest from 0 positive, for every component: (components,).

    Args:
        scores: (rows, components).
    """
    farthest = scores.gather(0, scores.abs().argmax(0, keepdim=True))[0]
    return torch.where(farthest < 0, -1.0, 1.0).to(scores)


def explained_shares(products: Tensor, weights: int) -> Tensor:
    """Return the share of the variance that each main component explains, largest first: (..., components).

    There are as many components as rows less one, and no more than weights. At most `COMPONENTS` of them are given.
    They are undefined where there is no variance.

    Args:
        products: inner products of centred points, (..., rows, rows).
        weights: dimension of the points.
    """
    count = min(COMPONENTS, products.shape[-1] - 1, weights)
    total = products.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
    shares = eigvalsh(products).flip(-1)[..., :count] / total
    return shares.clamp(min=0).round(decimals=DECIMALS)


def random_walks(steps: Tensor, weights: int, count: int, stream: torch.Generator) -> Tensor:
    """Draw random walks like these runs: inner products of their steps, (count, members, epochs, members, epochs).

    A walk has the runs' number, length and dimension. It starts at an isotropic Gaussian point and takes independent
    isotropic Gaussian steps, whose mean-square lengths at every epoch are those of the runs: for steps, their mean
    over runs; for starting points, the sum of squared distances from their mean over one less than their number.

    The inner products of n standard Gaussian vectors of dimension d have a Wishart distribution. They are drawn as
    L Lᵀ (Bartlett 1933; with d < n, L is cut at d columns): in an orthonormal basis that the vectors themselves span
    one after the other, the i-th has standard Gaussian coordinates along those before it and the rest of its length,
    χ distributed with d - i + 1 degrees of freedom, along a new one. So the draw is exact, and takes n · min(n, d)
    numbers in place of n · d.

    Args:
        steps: inner products of the runs' steps, (members, epochs, members, epochs).
        weights: d, dimension of the points.
        count: number of draws.
        stream: where they come from.
    """
    members, epochs = steps.shape[:2]
    vectors = members * epochs
    square = steps.flatten(0, 1).flatten(1, 2).diagonal().view(members, epochs).sum(0) / members
    square[0] *= members / max(1, members - 1)  # a single start is its own mean
    lower = torch.randn(count, vectors, min(vectors, weights), generator=stream, dtype=torch.float64).tril(-1)
    freedom = weights - torch.arange(lower.shape[2], dtype=torch.float64).expand(count, -1)
    # χ² with k degrees of freedom is twice a gamma of shape k / 2; torch.distributions.Chi2 takes no generator.
    lower.diagonal(dim1=1, dim2=2).copy_((2 * torch._standard_gamma(freedom / 2, generator=stream)).sqrt())
    scaled = lower * (square / weights).sqrt().repeat(members).unsqueeze(1)
    return (scaled @ scaled.mT).view(count, members, epochs, members, epochs)


def shares_by_basis(steps: Tensor, weights: int, stream: torch.Generator) -> dict[str, Tensor]:
    """Return the shares of the variance that main components explain, by whose they are: each (samples, components).

    Of all runs together there is one sample; of each run by itself, one per run. Then both for random walks like them
    (Antognini & Sohl-Dickstein 2018): a sample per draw, for walks by themselves the mean over the walks of the draw.

    Args:
        steps: inner products of the runs' steps, (members, epochs, members, epochs).
        weights: dimension of the points.
        stream: where random walks come from.
    """
    walks = random_walks(steps, weights, WALKS, stream)
    return {
        "all runs": explained_shares(together(steps), weights).unsqueeze(0),
        "each run its own": explained_shares(apart(steps), weights),
        "random walk, all runs": explained_shares(together(walks), weights),
        "random walk, each its own": explained_shares(apart(walks), weights).mean(1),
    }


def distances(
    snapshots: Weights, replicas: list[int], epochs: list[int], scopes: dict[str, int | None]
) -> pd.DataFrame:
    """Measure how far every run is from the others, in all dimensions and in the plane of figures, and how far it went.

    The mean square of `from_mean` over runs, times their number over one less, is the trace of the covariance of the
    weights over runs; `per_weight` is `from_mean` divided by the square root of the number of weights.

    Args:
        snapshots: tensors of shape (members, epochs, ...), a member per run, all finite.
        replicas: which replica each member is.
        epochs: after which the snapshots were taken, at least two.
        scopes: what to look at: a name, and the layer, or None for all.

    Returns:
        A table of scope, replica, epoch, `from_mean`, the Euclidean distance from the mean of all runs at that epoch,
        `per_weight`, `step`, the length of the way since the snapshot before, undefined at the first, `in_plane`,
        the share of its squared distance from the mean of all other runs that lies in the plane of their two main
        components, and `nearest`, the distance from the nearest other run at that epoch, in the plane of all runs.
    """
    tables = []
    for scope, layer in scopes.items():
        chosen = [name for name in snapshots if layer is None or name.startswith(f"{layer}.")]
        steps = sum(step_products(snapshots[name]) for name in chosen)
        weights = sum(snapshots[name][0, 0].numel() for name in chosen)
        points = steps.cumsum(1).cumsum(3)
        plane = principal_components(together(steps))[0].view(len(replicas), len(epochs), -1)
        in_plane = [_in_plane_of_others(points, member).numpy() for member in range(len(replicas))]
        for i, epoch in enumerate(epochs):
            from_mean = _centred(points[:, i, :, i]).diagonal().clamp(min=0).sqrt()
            step = steps[:, i, :, i].diagonal().sqrt().numpy() if i else float("nan")
            apart_there = torch.cdist(plane[:, i], plane[:, i]).fill_diagonal_(float("inf")).amin(1)
            found = {"from_mean": from_mean.numpy(), "per_weight": (from_mean / weights**0.5).numpy(), "step": step}
            found |= {"in_plane": [share[i] for share in in_plane], "nearest": apart_there.numpy()}
            tables.append(pd.DataFrame({"scope": scope, "replica": replicas, "epoch": epoch} | found))
    return pd.concat(tables, ignore_index=True)


def _in_plane_of_others(points: Tensor, member: int) -> Tensor:
    """Return which share of a run's squared distance from the mean of the others lies in their main plane: (epochs,).

    Args:
        points: inner products of the snapshots of all runs, (members, epochs, members, epochs).
        member: the run.
    """
    others = torch.arange(len(points)) != member
    among = points[others][:, :, others].flatten(2, 3).flatten(0, 1)
    eigenvalues, vectors = eigh(_centred(among))
    to_others = points[member][:, others].flatten(1, 2)
    from_mean = to_others - to_others.mean(1, keepdim=True) - among.mean(0) + among.mean()  # less the mean of others
    square = points[member, :, member].diagonal() - 2 * to_others.mean(1) + among.mean()
    within = (from_mean @ vectors[:, -2:]).square() / eigenvalues[-2:]
    return within.sum(1) / square


def trajectories(
    snapshots: Weights,
    replicas: list[int],
    epochs: list[int],
    scopes: dict[str, int | None],
    stream: torch.Generator,
) -> tuple[pd.DataFrame, dict, pd.DataFrame]:
    """Project every run's path on the plane of the two main components of all runs, and say how much these explain.

    Args:
        snapshots: tensors of shape (members, epochs, ...), a member per run, all finite.
        replicas: which replica each member is: not every number occurs where some diverged.
        epochs: after which the snapshots were taken, at least two.
        scopes: what to look at: a name, and the layer, weights and biases, or None for all.
        stream: where random walks come from.

    Returns:
        A table of scope, replica, epoch, pc1, pc2; for each scope its number of weights, the share of the variance
        that each of the two explains, the total variance, and the share of the first two components together by basis,
        mean and standard deviation over runs or draws; and a table of scope, basis, component, and mean, smallest and
        largest share over runs or draws.
    """
    index = pd.MultiIndex.from_product([replicas, epochs], names=["replica", "epoch"])
    products = {name: step_products(w) for name, w in snapshots.items()}
    paths, numbers, explained = [], {}, []
    for scope, layer in scopes.items():
        chosen = [name for name in snapshots if layer is None or name.startswith(f"{layer}.")]
        steps = sum(products[name] for name in chosen)
        weights = sum(snapshots[name][0, 0].numel() for name in chosen)
        scores, variance = principal_components(together(steps))
        path = pd.DataFrame(scores.numpy(), index=index, columns=["pc1", "pc2"])
        paths.append(path.reset_index().assign(scope=scope))
        shares = shares_by_basis(steps, weights, stream)
        first_two = {basis: found[:, :2].sum(1).round(decimals=DECIMALS) for basis, found in shares.items()}
        numbers[scope] = {
            "weights": weights,
            "explained": shares["all runs"][0, :2].tolist(),
            "variance": variance,
            "share_of_first_two": {b: mean_and_deviation(pd.Series(found.numpy())) for b, found in first_two.items()},
        }
        explained.append(_long(shares).assign(scope=scope))
    by = ["scope", "basis", "component"]
    return first(pd.concat(paths), ["scope"]), numbers, spread(pd.concat(explained), by, ["share"])


def _long(shares: dict[str, Tensor]) -> pd.DataFrame:
    """Return a row for every basis, sample and component."""
    tables = []
    for basis, found in shares.items():
        table = pd.DataFrame(found.numpy(), columns=range(1, found.shape[1] + 1))
        tables.append(table.melt(var_name="component", value_name="share").assign(basis=basis))
    return pd.concat(tables)
