"""The signs of the curvature where the gradient vanishes, and the minimal ratio."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from netclaims.analysis.critical_points import lower_gradient_norm, lower_loss, switching_distance
from netclaims.analysis.exact_hessian import LeastSquares
from netclaims.experiment import Experiment
from netclaims.linear_algebra import eigvalsh
from netclaims.spread import mean_and_deviation, rounded, spread

ZERO_GRADIENT = 1e-7  # the gradient counts as zero below this norm; losses and eigenvalues are about one
ON_A_KINK = 1e-6  # below this switching distance a unit's kink lies on a training example
PARTS = ["Hessian", "Gauss-Newton part", "residual part"]


@dataclass(frozen=True)
class MinimalRatio:
    """The settings of a `hessian` recipe.

    Attributes:
        nets: the experiment.
        seed: of the points around each net.
        descent: steps at the most that lower the loss further.
        iterations: steps at the most that then lower the gradient norm.
        neighbours: points that are sampled around each net.
        radius: how far from it, as a share of the norm of its parameters.
    """

    nets: Experiment
    seed: int
    descent: int
    iterations: int
    neighbours: int
    radius: float


def eigenvalue_tolerance(eigenvalues: Tensor, gradient_norm: float) -> float:
    """Return how small an eigenvalue has to be to count as zero.

    It is the larger of two limits below which its sign means nothing: the rounding error of the eigenvalues, P · ε ·
    max|λ| with P parameters and ε the machine's float64 precision (as for the rank of a matrix), and the gradient norm.
    The latter counts because directions that leave the function of a net unchanged, such as the rescaling of a ReLU
    unit, have curvature zero only where the gradient is zero, and of its order elsewhere.

    Args:
        eigenvalues: those of the Hessian, (P,).
        gradient_norm: ‖∇L‖ at the same place.
    """
    rounding = len(eigenvalues) * torch.finfo(eigenvalues.dtype).eps * float(eigenvalues.abs().max())
    return max(rounding, gradient_norm)


def count_signs(eigenvalues: Tensor, tolerance: float) -> tuple[int, int, int]:
    """Count the positive, zero and negative eigenvalues; one of at most the tolerance is zero."""
    zero = eigenvalues.abs() <= tolerance
    return int((~zero & (eigenvalues > 0)).sum()), int(zero.sum()), int((~zero & (eigenvalues < 0)).sum())


def rescalings(problem: LeastSquares, theta: Tensor) -> Tensor:
    """Return the directions that leave the function of a ReLU or leaky-ReLU net unchanged: (hidden units, P).

    Multiplying what enters a hidden unit by c > 0 and what leaves it by 1/c changes nothing, so that along the
    derivative by c at 1, what enters less what leaves, the loss is constant (Dinh et al. 2017, section 3).
    """
    layers = problem.layers(theta)
    found = []
    for number, (weights, following) in enumerate(pairwise(layers)):
        for unit in range(len(weights)):
            direction = torch.zeros_like(theta)
            parts = problem.layers(direction)
            parts[number][unit] = weights[unit]
            parts[number + 1][:, unit] = -following[:, unit]
            found.append(direction)
    return torch.stack(found) if found else theta.new_zeros(0, len(theta))


def null_directions(problem: LeastSquares, theta: Tensor, hessian: Tensor) -> int:
    """Count the zero eigenvalues that symmetries of a ReLU or leaky-ReLU net account for where the gradient is zero.

    There is one for each hidden unit, from rescaling it. Weights that no output depends on, those of a unit that is off
    on every example, are null directions one by one, and count as such.

    Args:
        problem: the net's loss.
        theta: its parameters, (P,).
        hessian: the Hessian there, (P, P).
    """
    idle = (hessian == 0).all(1)
    directions = rescalings(problem, theta)[:, ~idle]
    return int(idle.sum()) + int(np.linalg.matrix_rank(directions)) if directions.numel() else int(idle.sum())


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


def critical_point(
    problem: LeastSquares, theta: Tensor, settings: MinimalRatio, piecewise_linear: bool, stream: torch.Generator
) -> tuple[dict, pd.DataFrame]:
    """Go from the end of training to a smaller gradient norm, and describe the curvature there.

    Args:
        problem: the net's loss.
        theta: where training ended, (P,).
        settings: how far to search, and which neighbours to sample.
        piecewise_linear: whether the activation is, so that its units can be rescaled and have kinks.
        stream: where the neighbours come from.

    Returns:
        Numbers, and a table of part, rank and eigenvalue, largest first. The numbers: `trained_gradient_norm` at the
        end of training; and where the gradient norm is lowest `loss`, `gradient_norm`, `gradient_curvature` ‖H∇L‖/‖∇L‖
        (about 0 where the gradient norm has a minimum without being zero: Frye et al. 2021), `switching_distance`,
        `kind` (`zero gradient`, `on a kink` or `elsewhere`), the numbers of `positive`, `zero` and `negative`
        eigenvalues of the Hessian and the `tolerance`, `null_expected` from the net's symmetries, `minimal_ratio`
        positive / P and `minimal_ratio_nonzero` positive / (positive + negative), the share `higher_neighbours`, and
        `residual_share`, the Frobenius norm of the residual part in that of the Hessian.
    """
    point = lower_gradient_norm(problem, lower_loss(problem, theta, settings.descent), settings.iterations)
    slope = problem.gradient(point)
    gradient_norm = float(slope.norm())
    gauss_newton, residual = problem.curvature(point)
    hessian = gauss_newton + residual
    spectra = [eigvalsh(matrix).flip(0) for matrix in (hessian, gauss_newton, residual)]
    tolerance = eigenvalue_tolerance(spectra[0], gradient_norm)
    positive, zero, negative = count_signs(spectra[0], tolerance)
    distance = switching_distance(problem, point) if piecewise_linear else torch.inf
    kind = "on a kink" if distance <= ON_A_KINK else "zero gradient" if gradient_norm <= ZERO_GRADIENT else "elsewhere"
    numbers = {
        "kind": kind,
        "loss": float(problem.loss(point)),
        "trained_gradient_norm": float(problem.gradient(theta).norm()),
        "gradient_norm": gradient_norm,
        "gradient_curvature": float((hessian @ slope).norm() / slope.norm()),
        "switching_distance": distance,
        "positive": positive,
        "zero": zero,
        "negative": negative,
        "tolerance": tolerance,
        "null_expected": null_directions(problem, point, hessian) if piecewise_linear else 0,
        "minimal_ratio": positive / len(point),
        "minimal_ratio_nonzero": positive / (positive + negative) if positive + negative else np.nan,
        "higher_neighbours": higher_neighbours(problem, point, settings.neighbours, settings.radius, stream),
        "residual_share": float(residual.norm() / hessian.norm()),
    }
    rank = np.arange(1, len(point) + 1)
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
    """Average eigenvalues by rank over the nets of each kind: mean, smallest and largest.

    Args:
        eigenvalues: kind, part, rank, eigenvalue of every net.
    """
    return spread(eigenvalues, ["kind", "part", "rank"], ["eigenvalue"])


def ratio_numbers(table: pd.DataFrame) -> dict:
    """Summarise all nets, and those with zero gradient apart.

    Args:
        table: a row per net, of what `critical_point` found.

    Returns:
        The number of nets of each kind; the quantiles of the gradient norms and, over the nets whose gradient is not
        zero, of `gradient_curvature`; and for all nets and for those of zero gradient means and standard deviations,
        Spearman's ρ of ratio and loss, and how many nets have as many zero eigenvalues as their symmetries account for,
        or more.
    """
    left = table.loc[table["kind"] != "zero gradient", "gradient_curvature"]
    quantiles = {"trained_gradient_norm": table["trained_gradient_norm"], "gradient_norm": table["gradient_norm"]}
    numbers = {"kinds": table["kind"].value_counts().sort_index().to_dict()}
    quantiles |= {"gradient_curvature": left} if len(left) else {}
    numbers |= {
        f"{name}_quantiles": {f"{q:.0%}": float(values.quantile(q)) for q in (0, 0.25, 0.5, 0.75, 1)}
        for name, values in quantiles.items()
    }
    for name, rows in (("all_nets", table), ("zero_gradient", table[table["kind"] == "zero gradient"])):
        means = ["loss", "positive", "zero", "negative", "null_expected", "minimal_ratio", "minimal_ratio_nonzero",
                 "higher_neighbours", "residual_share"]  # fmt: skip
        numbers[name] = {column: mean_and_deviation(rows[column]) for column in means} | {
            "spearman": spearman(rows["minimal_ratio"], rows["loss"]),
            "spearman_nonzero": spearman(rows["minimal_ratio_nonzero"], rows["loss"]),
            "spearman_neighbours": spearman(rows["higher_neighbours"], rows["loss"]),
            "nets_with_negative_eigenvalues": int((rows["negative"] > 0).sum()),
            "nets_with_the_expected_zeros": int((rows["zero"] == rows["null_expected"]).sum()),
            "nets_with_more_zeros": int((rows["zero"] > rows["null_expected"]).sum()),
            "nets_with_fewer_zeros": int((rows["zero"] < rows["null_expected"]).sum()),
        }
    return numbers
