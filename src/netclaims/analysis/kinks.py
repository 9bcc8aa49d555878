"""Where hidden units of a piecewise linear net switch exactly on training examples, and the gradient of the loss jumps.

A kink is a hidden unit and an example at which its z, what it is given before the activation, is 0. Across the surface
z = 0 the loss goes on and its gradient jumps, so that the jump is along ∂z/∂θ: as z grows, by jump · ∂z/∂θ. Where the
z of several kinks vary independently, the one-sided gradients are g + Σ_k t_k jump_k ∂z_k/∂θ with t_k either 0 or 1,
and their convex hull is that with t_k from 0 to 1 (Clarke 1983, theorem 2.5.1). Kinks of two layers on one example do
not quite: the normal of the upper one depends on the side of the lower one, which is taken to be z < 0. At a minimum
of the loss 0 lies in the hull.

On the surface where all these z stay 0 the loss is smooth, and so it is searched there (Lemaréchal, Oustry &
Sagastizábal 2000, "The U-Lagrangian of a convex function").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.optimize import lsq_linear
from torch import Tensor

from netclaims.analysis.exact_hessian import LeastSquares

INDEPENDENT = 1e-10  # below this share of its length what a normal adds to the others is rounding
EXACT = 1e-13  # rounding of z


def no_kinks() -> Tensor:
    """Return an empty list of kinks: (0, 2)."""
    return torch.zeros(0, 2, dtype=torch.long)


def switching_distances(problem: LeastSquares, theta: Tensor) -> Tensor:
    """Return how near every hidden unit is to switching on every training example: (n, hidden units).

    It is |z| in units of the unit's largest change of z from one example to the next: 0 means that its kink lies on the
    example, and 1/2 that it lies as far from all of them as can be. It is infinite for a unit whose z is the same
    everywhere. It has a meaning for nets of one input, in whose order the examples are, and for activations with a
    kink.
    """
    z = problem.activity(theta)
    return (z.abs() / z.diff(dim=0).abs().amax(0)).nan_to_num(torch.inf, torch.inf)


@dataclass(frozen=True)
class Surface:
    """The points around θ at which kinks stay kinks.

    Attributes:
        problem: the net's loss.
        theta: a point on it, (P,).
        kinks: rows of example and hidden unit, counted through all hidden layers: (m, 2).
    """

    problem: LeastSquares
    theta: Tensor
    kinks: Tensor

    @cached_property
    def _switches(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.problem.switches(self.theta, self.kinks)

    @property
    def normals(self) -> Tensor:
        """∂z/∂θ of each kink: (m, P)."""
        return self._switches[1]

    @property
    def jumps(self) -> Tensor:
        """By how much of its normal the gradient jumps at each kink as z grows: (m,)."""
        return self._switches[2]

    @cached_property
    def _decomposed(self) -> tuple[Tensor, Tensor]:
        q, r = np.linalg.qr(self.normals.numpy().T)
        return torch.from_numpy(q), torch.from_numpy(r)

    @property
    def independent(self) -> bool:
        """Whether no normal lies, but for rounding, in the span of those before it."""
        lengths = self.normals.norm(dim=1)
        new = self._decomposed[1].diagonal().abs()
        return len(self.kinks) <= len(self.theta) and bool((new > INDEPENDENT * lengths).all())

    def along(self, vectors: Tensor) -> Tensor:
        """Return the part of a vector, (P,), or of each row of a matrix that is along the surface."""
        if not len(self.kinks):
            return vectors
        q = self._decomposed[0]
        return vectors - vectors @ q @ q.T

    def within(self, matrix: Tensor) -> Tensor:
        """Return a symmetric matrix (P, P) in an orthonormal basis of the directions along the surface."""
        if not len(self.kinks):
            return matrix
        basis = torch.from_numpy(np.linalg.qr(self.normals.numpy().T, mode="complete")[0][:, len(self.kinks) :].copy())
        return basis.T @ matrix @ basis

    def multipliers(self, gradient: Tensor) -> Tensor:
        """Return how much of each normal, added to a gradient (P,), takes away what it has across the surface: (m,)."""
        q, r = self._decomposed
        return -torch.from_numpy(np.linalg.solve(r.numpy(), (gradient @ q).numpy()))

    def back(self, theta: Tensor) -> Tensor:
        """Bring a point nearby back onto the surface by Newton's method, its normals being renewed once if need be."""
        if not len(self.kinks):
            return theta
        for surface in (self, Surface(self.problem, theta, self.kinks)):
            q, r = surface._decomposed
            for _ in range(2):
                z = self.problem.activity(theta)[tuple(self.kinks.T)]
                if z.abs().max() <= EXACT:
                    return theta
                theta = theta - q @ torch.from_numpy(np.linalg.solve(r.numpy().T, z.numpy()))
        return theta

    def piece(self, share: Tensor | float) -> LeastSquares:
        """Return the problem whose units have, at the kinks, slopes between that at z < 0 and that at z > 0.

        Args:
            share: how far between, 0 to 1, of each kink, (m,), or the same for all.
        """
        if not len(self.kinks):
            return self.problem
        low = self.problem.low
        return self.problem.with_slopes(self.kinks, low + (1 - low) * self.theta.new_zeros(len(self.kinks)).add(share))


def nearest_to_zero(gradient: Tensor, normals: Tensor, jumps: Tensor) -> tuple[Tensor, float]:
    """Return how near the hull of the one-sided gradients comes to 0: a quadratic programme with bounds.

    It is the smallest ‖g + Σ_k t_k jump_k n_k‖ over t in [0, 1], by the method of Stark & Parker 1995 in scipy.

    Args:
        gradient: g where all kinks are at z < 0, (P,).
        normals: n, the derivatives of z of each kink, (m, P).
        jumps: of each kink, (m,).

    Returns:
        t, (m,), and the smallest norm.
    """
    if not len(jumps):
        return jumps, float(gradient.norm())
    found = lsq_linear((normals * jumps.unsqueeze(1)).numpy().T, -gradient.numpy(), (0, 1), method="bvls", tol=1e-15)
    return torch.from_numpy(found.x), float(np.linalg.norm(found.fun))
