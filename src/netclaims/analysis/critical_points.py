"""To a point of zero gradient: by lowering the loss, or the gradient norm.

Where a hidden unit of a ReLU net switches exactly on a training example the gradient jumps, and it need not vanish even
at a minimum of the loss (Laurent & von Brecht 2018, "The Multilinear Structure of ReLU Networks"). A search that meets
such a kink, beyond which the loss rises, goes on along it: an active-set method (Nocedal & Wright 2006, chapter 16).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from torch import Tensor

from netclaims.analysis.exact_hessian import LeastSquares
from netclaims.analysis.kinks import Surface, nearest_to_zero, no_kinks
from netclaims.linear_algebra import eigh

ROUNDING = 1e-14  # a gradient norm that float64 cannot tell from zero, at losses of about one
TRIES = 12  # one step is tried so often, each time with more damping
HALVINGS = 8  # a step without kinks is shortened so often


class Descent:
    """A search for a lower loss, which can be taken up again.

    Attributes:
        theta: where it is, (P,).
        kinks: those that it goes along, (m, 2).
        ended: whether the gradient is zero or no step helps.
    """

    def __init__(self, problem: LeastSquares, theta: Tensor) -> None:
        """Begin at `theta`, (P,)."""
        self.theta, self.kinks, self.ended = theta, no_kinks(), False
        self._problem, self._loss, self._damping = problem, problem.loss(theta), 1e-2
        self._leaving: tuple[Tensor, float] | None = None  # a kink, and 0 or 1 for the side to which it is left
        self._patience = 1.0

    def lower(self, iterations: int) -> int:
        """Take Levenberg-Marquardt steps -(G + μI)⁻¹ ∇L, G being the Gauss-Newton part of the Hessian.

        The method is that of Nocedal & Wright 2006, section 10.3. A step is taken if it lowers the loss. Otherwise the
        step may have crossed kinks: it ends at the first beyond which the loss rises, and the search then goes along
        that kink. If there is none, the damping μ grows, and the step is tried again.

        A kink is left where the loss falls to one of its sides, by more than it falls along the surface.

        Args:
            iterations: steps at the most.

        Returns:
            How many steps it took.
        """
        for taken in range(iterations):
            if self.ended:
                return taken
            self._step()
        return iterations

    def _step(self) -> None:
        surface = Surface(self._problem, self.theta, self.kinks)
        residuals, jacobian = self._piece(surface).linearised(self.theta)
        gradient = jacobian.T @ residuals * (2 / len(residuals))
        slope = surface.along(gradient)
        if self._leaving is None and len(self.kinks):
            below = surface.multipliers(gradient)
            excess = torch.maximum(-below, below - surface.jumps) * surface.normals.norm(dim=1)
            worst = int(excess.argmax())
            if excess[worst] > max(self._patience * float(slope.norm()), ROUNDING):
                side = 0.0 if below[worst] < 0 and -below[worst] >= below[worst] - surface.jumps[worst] else 1.0
                self._leaving = self.kinks[worst], side
                self.kinks = torch.cat([self.kinks[:worst], self.kinks[worst + 1 :]])
                self._step()
                return
        if slope.norm() <= ROUNDING:
            self.ended = True
            return
        moved = surface.along(jacobian)
        moving = moved.any(0)  # the others keep still, half of them where ReLU units are off
        moved = moved[:, moving]
        gauss_newton = moved.T @ moved * (2 / len(residuals))
        eye = torch.eye(len(gauss_newton), dtype=slope.dtype)
        for _ in range(TRIES):
            found = _solve(gauss_newton + self._damping * eye, slope[moving])
            if found is not None:
                step = torch.zeros_like(slope)
                step[moving] -= found
                if self._leaving and not self._leaves(step):
                    self.kinks = torch.cat([self.kinks, self._leaving[0].unsqueeze(0)])
                    self._leaving, self._patience = None, 10 * self._patience
                    return
                if self._go(surface, step):
                    return
            self._damping *= 4
        self.ended = True

    def _piece(self, surface: Surface) -> LeastSquares:
        """Return the smooth problem whose step is next: also a kink that is left lies on one side."""
        if self._leaving is None:
            return surface.piece(0.0)
        kink, side = self._leaving
        kinks = torch.cat([self.kinks, kink.unsqueeze(0)])
        shares = torch.zeros(len(kinks), dtype=self.theta.dtype)
        shares[-1] = side
        return Surface(self._problem, self.theta, kinks).piece(shares)

    def _leaves(self, step: Tensor) -> bool:
        kink, side = self._leaving
        away = float(self._problem.switches(self.theta, kink.unsqueeze(0))[1][0] @ step)
        return away < 0 if side == 0 else away > 0

    def _go(self, surface: Surface, step: Tensor) -> bool:
        """Go along a step where the loss gets lower, to its end or to a kink; tell whether it does."""
        if self._accepts(surface.back(self.theta + step)):
            self._damping = max(self._damping / 3, 1e-15)
            return True
        crossed = self._crossed(step)
        found = self._first_rise(surface, step, crossed) if len(crossed) else self._shorter(surface, step)
        if found:
            self._damping *= 2
        return found

    def _accepts(self, trial: Tensor, *new: Tensor) -> bool:
        loss = self._problem.loss(trial)
        if not loss < self._loss:
            return False
        self.theta, self._loss, self._leaving, self._patience = trial, loss, None, 1.0
        self.kinks = torch.cat([self.kinks, *new])
        return True

    def _crossed(self, step: Tensor) -> list[tuple[float, Tensor]]:
        """Return the kinks that a step crosses, and at which share of it, in their order."""
        if self._problem.low is None:
            return []
        here, there = self._problem.activity(self.theta), self._problem.activity(self.theta + step)
        across = (here > 0) != (there > 0)
        for kink in [*self.kinks, *([self._leaving[0]] if self._leaving else [])]:
            across[tuple(kink)] = False
        kinks = across.nonzero()
        shares = (here / (here - there))[across]
        order = shares.argsort(stable=True)
        return list(zip(shares[order].tolist(), kinks[order].unsqueeze(1), strict=True))

    def _first_rise(self, surface: Surface, step: Tensor, crossed: list[tuple[float, Tensor]]) -> bool:
        """Look between kinks for where the loss begins to rise along a step, by bisection, and go there."""
        shares = [0.0, *(share for share, _ in crossed), 1.0]
        middles = [(a + b) / 2 for a, b in pairwise(shares)]
        falls, rises = -1, len(middles) - 1
        while rises - falls > 1:
            at = (falls + rises) // 2
            if self._slope(self.theta + middles[at] * step, self.kinks, 0.0, step) < 0:
                falls = at
            else:
                rises = at
        if rises > 0 and self._stops_at(*crossed[rises - 1], step):
            return True
        trials = [middles[rises], *([middles[falls]] if falls >= 0 else [])]
        points = [surface.back(self.theta + share * step) for share in trials]
        best = min(points, key=lambda point: float(self._problem.loss(point)))
        return self._accepts(best) or self._shorter(surface, middles[0] * step)

    def _stops_at(self, share: float, kink: Tensor, step: Tensor) -> bool:
        """Go to a kink if the loss falls up to it, and rises beyond."""
        kinks = torch.cat([self.kinks, kink])
        surface = Surface(self._problem, self.theta + share * step, kinks)
        if not surface.independent:
            return False
        point = surface.back(surface.theta)
        before, after = (0.0, 1.0) if surface.normals[-1] @ step > 0 else (1.0, 0.0)
        falls = self._slope(point, kinks, before, step) < 0 <= self._slope(point, kinks, after, step)
        return falls and self._accepts(point, kink)

    def _slope(self, point: Tensor, kinks: Tensor, last: float, step: Tensor) -> float:
        """Return the slope of the loss along a step, the last of the kinks being on one side."""
        shares = torch.zeros(len(kinks), dtype=point.dtype)
        shares[-1:] = last
        return float(Surface(self._problem, point, kinks).piece(shares).gradient(point) @ step)

    def _shorter(self, surface: Surface, step: Tensor) -> bool:
        return self._problem.low is not None and any(
            self._accepts(surface.back(self.theta + step / 4**n)) for n in range(1, HALVINGS)
        )


def lower_gradient_norm(
    problem: LeastSquares, theta: Tensor, iterations: int, kinks: Tensor | None = None
) -> tuple[Tensor, int]:
    """Minimise ‖∇L‖² by Levenberg-Marquardt steps on ∇L(θ) = 0.

    A step is -(H² + μI)⁻¹ H ∇L, the damped Gauss-Newton step for ‖∇L‖² / 2, whose Jacobian is the Hessian H. It heads
    for a zero of the gradient of any kind, saddles too, and is taken if it lowers the gradient norm. Where kinks are to
    be kept, all of this is along their surface, and of the gradient in the hull of the one-sided ones that is nearest
    to 0 there.

    Args:
        problem: the net's loss.
        theta: where to start, (P,).
        iterations: Hessians to compute at the most.
        kinks: those that are kept, (m, 2).

    Returns:
        Where the search ends, (P,), and how many Hessians it computed: fewer than it might where the gradient is zero
        or no step helps.
    """
    surface, piece, slope = _along(problem, theta, no_kinks() if kinks is None else kinks)
    damping = 1e-3
    for taken in range(iterations):
        if slope.norm() <= ROUNDING:
            return theta, taken
        hessian = surface.along(surface.along(sum(piece.curvature(theta))).T)
        moving = hessian.any(0)
        if not moving.any():
            return theta, taken
        curvature, directions = eigh(hessian[moving][:, moving])
        along, square = directions.T @ slope[moving], curvature.square()
        for _ in range(TRIES):
            step = torch.zeros_like(slope)
            step[moving] -= directions @ (curvature * along / (square + damping * square.max()))
            trial = surface.back(theta + step)
            found = _along(problem, trial, surface.kinks)
            if found[2].norm() < slope.norm():
                break
            damping *= 5
        else:
            return theta, taken
        theta, damping = trial, max(damping / 10, 1e-22)
        surface, piece, slope = found
    return theta, iterations


def _along(problem: LeastSquares, theta: Tensor, kinks: Tensor) -> tuple[Surface, LeastSquares, Tensor]:
    """Return the surface of kinks at a point, the smooth piece with the gradient nearest to zero, and that gradient."""
    surface = Surface(problem, theta, kinks)
    if not len(kinks):
        return surface, problem, problem.gradient(theta)
    shares, _ = nearest_to_zero(surface.piece(0.0).gradient(theta), surface.normals, surface.jumps)
    piece = surface.piece(shares)
    return surface, piece, surface.along(piece.gradient(theta))


def _solve(matrix: Tensor, right: Tensor) -> Tensor | None:
    """Solve A x = b by Cholesky's decomposition, A being (n, n) and b (n,); None where A is not positive definite."""
    try:
        factor = cho_factor(matrix.numpy(), lower=True, check_finite=False)
    except LinAlgError:
        return None
    return torch.from_numpy(cho_solve(factor, right.numpy(), check_finite=False))
