"""Points where the gradient almost vanishes, and the signs of the curvature there.

Everything works on many nets at once: a loss takes the flat parameters of each, (members, parameters), and gives
the loss of each, (members,). It has to be twice differentiable and is meant to be in float64.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

from netclaims.analysis.sections import HessianSettings
from netclaims.learn.data import Part
from netclaims.learn.networks import Network, Weights, flatten, losses, unflatten
from netclaims.learn.tables import mean_and_deviation

Loss = Callable[[Tensor], Tensor]

DAMPING_TRIES = 10


def training_loss(network: Network, like: Weights, kind: str, data: Part) -> Loss:
    """The loss over the whole of `data` as a function of flat float64 parameters.

    Args:
        like: weights that say how the flat parameters split into tensors.
        kind: `mse` or `cross_entropy`.
        data: the training set, in float64, whose targets all members share.
    """

    def loss(parameters: Tensor) -> Tensor:
        outputs = network(unflatten(parameters, like), data.x.unsqueeze(0))
        return losses(kind, outputs, data.y.expand(len(parameters), *data.y.shape[1:]))

    return loss


def parameters_of(weights: Weights) -> Tensor:
    """Weights of every member as float64 rows: (members, parameters)."""
    return flatten({name: w.double() for name, w in weights.items()})


def gradients(loss: Loss, parameters: Tensor) -> Tensor:
    """∇L of every member: (members, parameters)."""
    return _differentiable_gradients(loss, parameters)[0].detach()


def _differentiable_gradients(loss: Loss, parameters: Tensor) -> tuple[Tensor, Tensor]:
    at = parameters.detach().requires_grad_()
    return torch.autograd.grad(loss(at).sum(), at, create_graph=True)[0], at


def hessians(loss: Loss, parameters: Tensor) -> Tensor:
    """Exact Hessian ∂²L/∂θ∂θᵀ of every member: (members, parameters, parameters), symmetric.

    One Hessian-vector product per parameter (Pearlmutter 1994), for all members together. Mirrored entries, which
    differ by rounding, are averaged.
    """
    gradient, at = _differentiable_gradients(loss, parameters)
    columns = [torch.autograd.grad(column.sum(), at, retain_graph=True)[0] for column in gradient.unbind(1)]
    hessian = torch.stack(columns, 2)
    return (hessian + hessian.transpose(1, 2)) / 2


def lower_gradient_norm(loss: Loss, parameters: Tensor, iterations: int) -> Tensor:
    """Minimise ‖∇L‖² from where training ended, by Levenberg-Marquardt steps on ∇L(θ) = 0.

    A step is -(H² + μ I)⁻¹ H ∇L, the damped Gauss-Newton step for ‖∇L‖² / 2, whose Jacobian is the Hessian H
    (Nocedal & Wright 2006, section 10.3). It heads for a point of zero gradient of any kind, and is taken only
    if it lowers the gradient norm; otherwise the damping μ of that member grows and the step is tried again.

    Args:
        parameters: (members, parameters).
        iterations: Hessians to compute at the most.

    Returns:
        Parameters of the same shape, none with a larger gradient norm than it came with.
    """
    point = parameters.clone()
    slope = gradients(loss, point)
    damping = torch.full((len(point),), 1e-3, dtype=point.dtype)
    for _ in range(iterations):
        curvature, directions = torch.linalg.eigh(hessians(loss, point))
        along = torch.einsum("mpk,mp->mk", directions, slope)
        scale = curvature.square().amax(1)
        waiting = torch.ones(len(point), dtype=torch.bool)
        for _ in range(DAMPING_TRIES):
            length = curvature * along / (curvature.square() + (damping * scale).unsqueeze(1))
            trial = point - torch.einsum("mpk,mk->mp", directions, length)
            trial_slope = gradients(loss, trial)
            better = waiting & (trial_slope.norm(dim=1) < slope.norm(dim=1))
            point[better], slope[better] = trial[better], trial_slope[better]
            waiting &= ~better
            damping = torch.where(better, damping / 10, torch.where(waiting, damping * 5, damping))
            if not waiting.any():
                break
    return point


def eigenvalue_tolerance(eigenvalues: Tensor, gradient_norm: Tensor) -> Tensor:
    """How small an eigenvalue has to be to count as zero, for every member: (members,).

    The larger of two limits below which its sign means nothing: the rounding error of the eigenvalues,
    P · ε · max|λ| with P parameters and ε the machine's float64 precision (as for the rank of a matrix), and the
    gradient norm. The latter because directions that leave the function of a net unchanged, such as the rescaling
    of a ReLU unit, have curvature zero only where the gradient is zero, and of its order elsewhere.

    Args:
        eigenvalues: (members, P).
        gradient_norm: (members,).
    """
    rounding = eigenvalues.shape[1] * torch.finfo(eigenvalues.dtype).eps * eigenvalues.abs().amax(1)
    return torch.maximum(rounding, gradient_norm)


def count_signs(eigenvalues: Tensor, tolerance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers of positive, zero and negative eigenvalues of every member, each (members,).

    Args:
        eigenvalues: (members, P).
        tolerance: (members,); an eigenvalue of at most this size is zero.
    """
    limit = tolerance.unsqueeze(1)
    return (eigenvalues > limit).sum(1), (eigenvalues.abs() <= limit).sum(1), (eigenvalues < -limit).sum(1)


def higher_neighbours(loss: Loss, parameters: Tensor, count: int, radius: float, stream: torch.Generator) -> Tensor:
    """Share of sampled neighbours with a higher loss, for every member: (members,).

    Neighbours lie in uniformly random directions at a distance of `radius` times the norm of the parameters.
    """
    here = loss(parameters).detach()
    distance = radius * parameters.norm(dim=1, keepdim=True)
    higher = torch.zeros_like(here)
    for _ in range(count):
        direction = torch.randn(parameters.shape, generator=stream, dtype=parameters.dtype)
        neighbour = parameters + distance * direction / direction.norm(dim=1, keepdim=True)
        higher += loss(neighbour).detach() > here
    return higher / count


def critical_points(
    loss: Loss, parameters: Tensor, settings: HessianSettings, stream: torch.Generator
) -> dict[str, Tensor]:
    """From the end of training to a smaller gradient norm, and the curvature there.

    Returns:
        For every member, each (members,): `trained_gradient_norm` at the end of training; and where the gradient
        norm is lowest `loss`, `gradient_norm`, the numbers of `positive`, `zero` and `negative` eigenvalues of the
        Hessian, the `minimal_ratio` positive / P, and the share `higher_neighbours`.
    """
    point = lower_gradient_norm(loss, parameters, settings.iterations)
    slope = gradients(loss, point).norm(dim=1)
    eigenvalues = torch.linalg.eigvalsh(hessians(loss, point))
    positive, zero, negative = count_signs(eigenvalues, eigenvalue_tolerance(eigenvalues, slope))
    return {
        "loss": loss(point).detach(),
        "trained_gradient_norm": gradients(loss, parameters).norm(dim=1),
        "gradient_norm": slope,
        "positive": positive,
        "zero": zero,
        "negative": negative,
        "minimal_ratio": positive / eigenvalues.shape[1],
        "higher_neighbours": higher_neighbours(loss, point, settings.neighbours, settings.radius, stream),
    }


def ratio_numbers(table: pd.DataFrame) -> dict:
    """Means and standard deviations over nets, and the quantiles of the gradient norm before and after."""
    columns = ["loss", "positive", "zero", "negative", "minimal_ratio", "higher_neighbours"]
    quantiles = {
        f"{name}_quantiles": {f"{q:.0%}": float(table[name].quantile(q)) for q in (0, 0.25, 0.5, 0.75, 1)}
        for name in ("trained_gradient_norm", "gradient_norm")
    }
    return {name: mean_and_deviation(table[name]) for name in columns} | quantiles
