"""Whether the gradient vanishes at a point, in the sense that a net with kinks allows, and the curvature there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from netclaims.analysis.exact_hessian import LeastSquares
from netclaims.analysis.kinks import Surface, nearest_to_zero, no_kinks, switching_distances
from netclaims.linear_algebra import eigvalsh

ZERO_GRADIENT = 1e-7  # the gradient counts as zero below this norm; losses and eigenvalues are about one
ON_A_KINK = 1e-9  # below this switching distance a unit's kink lies on a training example
WINDOW = (0.1, 1.0, 10.0)  # a count has to be the same at so many times the tolerance


@dataclass(frozen=True)
class Point:
    """What the loss is like at one place.

    Attributes:
        theta: where, (P,).
        slope: of all one-sided gradients and their mixtures the one nearest to 0, (P,): the gradient, without kinks.
        gradient_norm: its norm.
        nearest_kink: the smallest switching distance; infinite for a smooth activation.
        jumping: the kinks at which the gradient jumps, (m, 2); none where these leave no surface to go along.
        convex: whether the loss rises across all of these, or falls more slowly.
        hessians: the Gauss-Newton part and the residual part of the Hessian along the surface of these kinks, (P - m,
            P - m) each. Where kinks without a jump change the curvature, both sides of all of them are listed.
        tolerance: how small an eigenvalue has to be to count as zero.
        positive: eigenvalues above the tolerance, and the kinks, away from which the loss rises at once; NaN where the
            gradient does not vanish, or the count is not the same at a tenth of the tolerance, at ten times that, and
            on both sides of kinks.
        zero: likewise those within the tolerance.
        negative: likewise those below it.
    """

    theta: Tensor
    slope: Tensor
    gradient_norm: float
    nearest_kink: float
    jumping: Tensor
    convex: bool
    hessians: list[tuple[Tensor, Tensor]]
    tolerance: float
    positive: float
    zero: float
    negative: float

    @property
    def vanishing(self) -> bool:
        """Whether the gradient is zero, or 0 a mixture of the one-sided gradients."""
        return self.gradient_norm <= ZERO_GRADIENT

    @property
    def settled(self) -> bool:
        """Whether the gradient vanishes and all counts are known."""
        return not np.isnan([self.positive, self.zero, self.negative]).any()

    def kind(self, bounded: bool) -> str:
        """Name the kind of end of a search.

        Args:
            bounded: whether the search was stopped before it ended.
        """
        if self.settled:
            if not len(self.jumping):
                return "zero gradient"
            return "kinked minimum" if self.convex and self.negative == 0 else "kinked saddle"
        if bounded:
            return "bound reached"
        if self.vanishing:
            return "not resolved"
        return "stalled at a kink" if self.nearest_kink <= ON_A_KINK else "elsewhere"


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
    largest = float(eigenvalues.abs().max()) if len(eigenvalues) else 0.0  # none are left where kinks fix a point
    rounding = len(eigenvalues) * torch.finfo(eigenvalues.dtype).eps * largest
    return max(rounding, gradient_norm)


def count_signs(eigenvalues: Tensor, tolerance: float) -> tuple[int, int, int]:
    """Count the positive, zero and negative eigenvalues; one of at most the tolerance is zero."""
    zero = eigenvalues.abs() <= tolerance
    return int((~zero & (eigenvalues > 0)).sum()), int(zero.sum()), int((~zero & (eigenvalues < 0)).sum())


def stable_signs(spectra: list[Tensor], tolerance: float) -> list[float]:
    """Count positive, zero and negative eigenvalues; NaN for a count that depends on where the line is drawn.

    A count is given where it is the same for all spectra and at a tenth of the tolerance, at the tolerance, and at ten
    times as much. A spectrum that goes on falling through the tolerance has no number of eigenvalues that are zero.

    Args:
        spectra: eigenvalues, (P,) each.
        tolerance: how small an eigenvalue has to be to count as zero.
    """
    counts = {count_signs(spectrum, tolerance * factor) for spectrum in spectra for factor in WINDOW}
    return [found.pop() if len(found := set(of_sign)) == 1 else np.nan for of_sign in zip(*counts, strict=True)]


def examine(problem: LeastSquares, theta: Tensor) -> Point:
    """Look at the gradient and the curvature at a point.

    Where hidden units switch exactly on training examples, the gradient nearest to 0 is taken of the hull of the
    one-sided ones. Across kinks where it jumps, the loss changes its slope; along their surface it is smooth, and its
    Hessian there is that of the mixture whose gradient vanishes (the U-Hessian of Lemaréchal et al. 2000).

    Args:
        problem: the net's loss.
        theta: where, (P,).
    """
    distances = switching_distances(problem, theta) if problem.low is not None else theta.new_zeros(0, 0)
    here = Surface(problem, theta, (distances <= ON_A_KINK).nonzero() if distances.numel() else no_kinks())
    shares, gradient_norm = nearest_to_zero(here.piece(0.0).gradient(theta), here.normals, here.jumps)
    jumping = here.jumps.abs() * here.normals.norm(dim=1) > ZERO_GRADIENT
    kinks, convex = int(jumping.sum()), bool((here.jumps[jumping] > 0).all())
    across = Surface(problem, theta, here.kinks[jumping])
    corner = kinks > 0 and not across.independent  # its normals leave no surface along which the loss is smooth
    if corner:
        across = Surface(problem, theta, no_kinks())
    sides = [shares] if jumping.all() else [torch.where(jumping, shares, side) for side in (0.0, 1.0)]
    hessians = [tuple(across.within(part) for part in here.piece(side).curvature(theta)) for side in sides]
    spectra = [eigvalsh(sum(parts)) for parts in hessians]
    tolerance = max(eigenvalue_tolerance(spectrum, gradient_norm) for spectrum in spectra)
    counted = gradient_norm <= ZERO_GRADIENT and not corner
    positive, zero, negative = stable_signs(spectra, tolerance) if counted else [np.nan] * 3
    return Point(
        theta=theta,
        slope=here.piece(shares).gradient(theta),
        gradient_norm=gradient_norm,
        nearest_kink=float(distances.min()) if distances.numel() else np.inf,
        jumping=across.kinks,
        convex=convex,
        hessians=hessians,
        tolerance=tolerance,
        positive=positive + kinks,
        zero=zero,
        negative=negative,
    )


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


def null_directions(problem: LeastSquares, theta: Tensor) -> int:
    """Count the zero eigenvalues that symmetries of a ReLU or leaky-ReLU net account for where the gradient is zero.

    There is one for each hidden unit, from rescaling it. Weights that no output depends on, those of a unit that is off
    on every example, are null directions one by one, and count as such.

    Args:
        problem: the net's loss.
        theta: its parameters, (P,).
    """
    idle = (sum(problem.curvature(theta)) == 0).all(1)
    directions = rescalings(problem, theta)[:, ~idle]
    return int(idle.sum()) + int(np.linalg.matrix_rank(directions)) if directions.numel() else int(idle.sum())
