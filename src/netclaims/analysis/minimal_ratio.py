"""Points of zero gradient, the signs of the curvature there, and the minimal ratio."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from netclaims.analysis.critical_points import Descent, lower_gradient_norm
from netclaims.analysis.exact_hessian import LeastSquares
from netclaims.analysis.stationary import Point, examine, null_directions
from netclaims.experiment import Experiment
from netclaims.linear_algebra import eigvalsh
from netclaims.spread import mean_and_deviation, rounded, spread

PARTS = ["Hessian", "Gauss-Newton part", "residual part"]
DESCENT = "descended"  # the start whose loss is lowered first
CRITICAL = ["zero gradient", "kinked minimum", "kinked saddle"]  # the kinds of points whose eigenvalues are counted
FIRST = 100  # steps of a descent before the first look, and after each look as many as before it
SHAKE = 1e-4  # by so much of itself a parameter changes, in standard deviations, where a descent has stalled


@dataclass(frozen=True)
class MinimalRatio:
    """The settings of a `hessian` recipe.

    Attributes:
        nets: the experiment.
        seed: of the points around each net.
        starts: where searches begin: `descended`, `trained`, `early`, `random`.
        stops: whether a rule may end the training of a net.
        descent: steps at the most that lower the loss further.
        iterations: steps at the most that then lower the gradient norm.
        neighbours: points that are sampled around each net.
        radius: how far from it, as a share of the norm of its parameters.
    """

    nets: Experiment
    seed: int
    starts: list[str]
    stops: bool
    descent: int
    iterations: int
    neighbours: int
    radius: float


def higher_neighbours(
    problem: LeastSquares, theta: Tensor, count: int, radius: float, stream: torch.Generator
) -> float:
    """Return the share of sampled neighbours with a higher loss.

    Neighbours lie in uniformly random directions at a distance of `radius` times the norm of the parameters.

    Args:
        problem: the net's loss.
        theta: its parameters, (P,).
        count: neighbours to sample.
        radius: their distance, in norms of the parameters.
        stream: where their directions come from.
    """
    here, distance = problem.loss(theta), radius * theta.norm()
    directions = torch.randn(count, len(theta), generator=stream, dtype=theta.dtype)
    steps = distance * directions / directions.norm(dim=1, keepdim=True)
    return sum(bool(problem.loss(theta + step) > here) for step in steps) / count


def descend(
    problem: LeastSquares, theta: Tensor, settings: MinimalRatio, stream: torch.Generator
) -> tuple[Point, bool]:
    """Lower the loss, and every so often the gradient norm from there, until the counts of eigenvalues are stable.

    A descent that has ended elsewhere, in a corner of kinks or where rounding hides the way, goes on from a point close
    by, a random one as in gradient sampling (Burke, Lewis & Overton 2005).

    Args:
        problem: the net's loss.
        theta: where to start, (P,).
        settings: how far to search.
        stream: where the points close by come from.

    Returns:
        Where the last search for a lower gradient norm ended, and whether the bound on steps did.
    """
    descent, left, due = Descent(problem, theta), settings.descent, FIRST
    while True:
        left -= descent.lower(min(due, left))
        end, taken = lower_gradient_norm(problem, descent.theta, settings.iterations, descent.kinks)
        point = examine(problem, end)
        if point.settled or not left:
            return point, not (descent.ended and taken < settings.iterations)
        if descent.ended:
            noise = torch.randn(len(theta), generator=stream, dtype=theta.dtype)
            descent, due = Descent(problem, descent.theta * (1 + SHAKE * noise)), FIRST
        else:
            due *= 2


def critical_point(
    problem: LeastSquares, theta: Tensor, start: str, settings: MinimalRatio, stream: torch.Generator
) -> tuple[dict, pd.DataFrame]:
    """Go to a point of zero gradient, and describe the curvature there.

    Args:
        problem: the net's loss.
        theta: where the search starts, (P,).
        start: what that point is; from `descended` the loss is lowered first, from others the gradient norm alone.
        settings: how far to search, and which neighbours to sample.
        stream: where the neighbours come from.

    Returns:
        Numbers, and a table of part, rank and eigenvalue, largest first. The numbers: `trained_gradient_norm` at the
        start; and at the end `loss`, `gradient_norm` (of all mixtures of one-sided gradients the smallest),
        `gradient_curvature` ‖H∇L‖/‖∇L‖ (about 0 where the gradient norm has a minimum without being zero: Frye et al.
        2021), `switching_distance`, `kind`, how many `kinks` the gradient jumps at, the numbers of `positive`, `zero`
        and `negative` eigenvalues of the Hessian (undefined where they depend on the tolerance) and the `tolerance`,
        `null_expected` from the net's symmetries, `minimal_ratio` positive / P and `minimal_ratio_nonzero` positive /
        (positive + negative), the share `higher_neighbours`, and `residual_share`, the Frobenius norm of the residual
        part in that of the Hessian. Along kinks the loss has no second derivative across them: it counts as positive.
    """
    if start == DESCENT:
        point, bounded = descend(problem, theta, settings, stream)
    else:
        end, taken = lower_gradient_norm(problem, theta, settings.iterations)
        point, bounded = examine(problem, end), taken == settings.iterations
    gauss_newton, residual = point.hessians[0]
    hessian = gauss_newton + residual
    signed = point.positive + point.negative
    numbers = {
        "kind": point.kind(bounded),
        "loss": float(problem.loss(point.theta)),
        "trained_gradient_norm": float(problem.gradient(theta).norm()),
        "gradient_norm": point.gradient_norm,
        "gradient_curvature": float((sum(problem.curvature(point.theta)) @ point.slope).norm() / point.slope.norm()),
        "switching_distance": point.nearest_kink,
        "kinks": len(point.jumping),
        "positive": point.positive,
        "zero": point.zero,
        "negative": point.negative,
        "tolerance": point.tolerance,
        "null_expected": null_directions(problem, point.theta) if problem.low is not None else 0,
        "minimal_ratio": point.positive / len(theta) if point.settled else np.nan,
        "minimal_ratio_nonzero": point.positive / signed if point.settled and signed else np.nan,
        "higher_neighbours": higher_neighbours(problem, point.theta, settings.neighbours, settings.radius, stream),
        "residual_share": float(residual.norm() / hessian.norm()),
    }
    spectra = [eigvalsh(matrix).flip(0) for matrix in (hessian, gauss_newton, residual)]
    rank = np.arange(1 + len(point.jumping), len(theta) + 1)  # those before are the kinks
    tables = [pd.DataFrame({"part": part, "rank": rank, "eigenvalue": values})
              for part, values in zip(PARTS, spectra, strict=True)]  # fmt: skip
    return numbers, pd.concat(tables)


def spearman(x: pd.Series, y: pd.Series) -> dict[str, float | int | None]:
    """Return Spearman's ρ of two columns, with its 95 % interval by Bonett & Wright (2000, Psychometrika 65, eq. 4).

    The interval is tanh(artanh ρ ± 1.96 √((1 + ρ²/2) / (n - 3))). It is null where a column is constant or has a gap,
    or where there are fewer than four rows.
    """
    found = {"rho": None, "low": None, "high": None, "n": len(x)}
    if len(x) < 4 or any(column.hasnans or column.min() == column.max() for column in (x, y)):
        return found
    rho = float(x.rank().corr(y.rank()))
    half = NormalDist().inv_cdf(0.975) * np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    middle = np.arctanh(np.clip(rho, -1 + 1e-15, 1 - 1e-15))
    return found | {
        "rho": rounded(rho),
        "low": rounded(np.tanh(middle - half)),
        "high": rounded(np.tanh(middle + half)),
    }


def spectrum(eigenvalues: pd.DataFrame) -> pd.DataFrame:
    """Average eigenvalues by rank over the searches of each start and kind of end: mean, smallest and largest.

    Args:
        eigenvalues: start, kind, part, rank, eigenvalue of every search.
    """
    return spread(eigenvalues, ["start", "kind", "part", "rank"], ["eigenvalue"])


def ratio_numbers(table: pd.DataFrame) -> dict:
    """Summarise how searches ended, and what the points of zero gradient are like.

    Args:
        table: a row per search, of what `critical_point` found, and its `start`.

    Returns:
        For each start the number of searches by the kind of their end, the quantiles of gradient norms, and of
        `gradient_curvature` where the gradient is not zero; and for `critical_points` of all starts, and of each start,
        means and standard deviations, Spearman's ρ of ratio and loss, and how many have as many zero eigenvalues as
        their symmetries account for, or more.
    """
    found = table[table["kind"].isin(CRITICAL)]
    return {"critical_points": _summary(found)} | {
        start: _ends(rows) | _summary(found[found["start"] == start])
        for start, rows in table.groupby("start", sort=False)
    }


def _ends(table: pd.DataFrame) -> dict:
    kinds = table["kind"].value_counts().sort_index().to_dict()
    columns = {name: table[name] for name in ("trained_gradient_norm", "gradient_norm")}
    left = table.loc[~table["kind"].isin(CRITICAL), "gradient_curvature"]
    columns |= {"gradient_curvature": left} if len(left) else {}
    return {"searches": len(table), "kinds": kinds} | {
        f"{name}_quantiles": {f"{q:.0%}": float(values.quantile(q)) for q in (0, 0.25, 0.5, 0.75, 1)}
        for name, values in columns.items()
    }


def _summary(rows: pd.DataFrame) -> dict:
    means = ["loss", "positive", "zero", "negative", "kinks", "null_expected", "minimal_ratio",
             "minimal_ratio_nonzero", "higher_neighbours", "residual_share"]  # fmt: skip
    return {column: mean_and_deviation(rows[column]) for column in means} | {
        "spearman": spearman(rows["minimal_ratio"], rows["loss"]),
        "spearman_nonzero": spearman(rows["minimal_ratio_nonzero"], rows["loss"]),
        "spearman_neighbours": spearman(rows["higher_neighbours"], rows["loss"]),
        "nets_with_negative_eigenvalues": int((rows["negative"] > 0).sum()),
        "nets_with_the_expected_zeros": int((rows["zero"] == rows["null_expected"]).sum()),
        "nets_with_more_zeros": int((rows["zero"] > rows["null_expected"]).sum()),
        "nets_with_fewer_zeros": int((rows["zero"] < rows["null_expected"]).sum()),
    }
