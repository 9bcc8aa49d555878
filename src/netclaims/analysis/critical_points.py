"""From the end of training to a point of zero gradient: the loss first, then the gradient norm.

Both searches go on until the gradient norm is at the rounding error, or no step helps. Where a hidden unit of a ReLU
net switches exactly on a training example the gradient jumps, and it need not vanish even at a minimum of the loss
(Laurent & von Brecht 2018, "The Multilinear Structure of ReLU Networks").
"""

from __future__ import annotations

import torch
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from torch import Tensor

from netclaims.analysis.exact_hessian import LeastSquares
from netclaims.linear_algebra import eigh

ROUNDING = 1e-14  # a gradient norm that float64 cannot tell from zero, at losses of about one
TRIES = 12  # one step is tried so often, each time with more damping


def lower_loss(problem: LeastSquares, theta: Tensor, iterations: int) -> Tensor:
    """Minimise the loss by Levenberg-Marquardt steps -(G + μI)⁻¹ ∇L, G being the Gauss-Newton part of the Hessian.

    The method is that of Nocedal & Wright 2006, section 10.3. A step is taken if it lowers the loss. Otherwise the
    damping μ grows, and the step is tried again.

    Args:
        problem: the net's loss.
        theta: where to start, (P,).
        iterations: steps at the most.

    Returns:
        Where the search ends, (P,).
    """
    damping, loss = 1e-2, problem.loss(theta)
    for _ in range(iterations):
        residuals, jacobian = problem.linearised(theta)
        moving = jacobian.any(0)  # the others keep still, half of them where ReLU units are off
        jacobian = jacobian[:, moving]
        slope = jacobian.T @ residuals * (2 / len(residuals))
        if slope.norm() <= ROUNDING:
            break
        gauss_newton = jacobian.T @ jacobian * (2 / len(residuals))
        eye = torch.eye(len(slope), dtype=theta.dtype)
        for _ in range(TRIES):
            step = _solve(gauss_newton + damping * eye, slope)
            if step is not None:
                trial = theta.clone()
                trial[moving] -= step
                trial_loss = problem.loss(trial)
                if trial_loss < loss:
                    break
            damping *= 4
        else:
            break
        theta, loss, damping = trial, trial_loss, max(damping / 3, 1e-15)
    return theta


def lower_gradient_norm(problem: LeastSquares, theta: Tensor, iterations: int) -> Tensor:
    """Minimise ‖∇L‖² by Levenberg-Marquardt steps on ∇L(θ) = 0.

    A step is -(H² + μI)⁻¹ H ∇L, the damped Gauss-Newton step for ‖∇L‖² / 2, whose Jacobian is the Hessian H. It heads
    for a zero of the gradient of any kind, saddles too, and is taken if it lowers the gradient norm.

    Args:
        problem: the net's loss.
        theta: where to start, (P,).
        iterations: Hessians to compute at the most.

    Returns:
        Where the search ends, (P,).
    """
    damping, slope = 1e-3, problem.gradient(theta)
    for _ in range(iterations):
        if slope.norm() <= ROUNDING:
            break
        hessian = sum(problem.curvature(theta))
        moving = hessian.any(0)
        curvature, directions = eigh(hessian[moving][:, moving])
        along, square = directions.T @ slope[moving], curvature.square()
        for _ in range(TRIES):
            trial = theta.clone()
            trial[moving] -= directions @ (curvature * along / (square + damping * square.max()))
            trial_slope = problem.gradient(trial)
            if trial_slope.norm() < slope.norm():
                break
            damping *= 5
        else:
            break
        theta, slope, damping = trial, trial_slope, max(damping / 10, 1e-22)
    return theta


def switching_distance(problem: LeastSquares, theta: Tensor) -> float:
    """Return how near the net is to a point where a hidden unit switches on a training example.

    It is the smallest |z| over units and examples, in units of each unit's largest change of z from one example to the
    next: 0 means that a unit's kink lies on an example, and 1/2 that all lie as far from any as can be. It has a
    meaning for nets of one input, in whose order the examples are, and for activations with a kink.
    """
    nearest = torch.inf
    for z in problem.activity(theta):
        step = z.diff(dim=0).abs().amax(0)
        moving = step > 0
        if moving.any():
            nearest = min(nearest, float((z.abs()[:, moving] / step[moving]).min()))
    return nearest


def _solve(matrix: Tensor, right: Tensor) -> Tensor | None:
    """Solve A x = b by Cholesky's decomposition, A being (n, n) and b (n,); None where A is not positive definite."""
    try:
        factor = cho_factor(matrix.numpy(), lower=True, check_finite=False)
    except LinAlgError:
        return None
    return torch.from_numpy(cho_solve(factor, right.numpy(), check_finite=False))
