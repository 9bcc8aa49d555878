"""How much the training loss can rise close by."""

from __future__ import annotations

import torch
from torch import Tensor

from netclaims.analysis.spectrum import Loss

ITERATIONS = 10


def sharpness(loss: Loss, theta: Tensor, epsilon: float) -> float:
    """100 · (max L(θ + z) - L(θ)) / (1 + L(θ)) over the box |zᵢ| ≤ ε (|θᵢ| + 1), in per cent.

    Keskar et al. 2017, eq. 3 and metric 2.1 in the full space, and like theirs the highest loss that 10 iterations find
    from z = 0: a lower bound on the maximum. They take L-BFGS-B. Where the loss is convex along its steps, that has no
    curvature to go by and is a projection of the gradient, and the search of its box takes ten times as long as the
    derivatives. Here a step goes to the corner that the gradient points to, where the linear loss is highest (Journée
    et al. 2010, algorithm 1): so a convex loss can only rise, and is found as high or higher.

    At a point where the gradient is exactly zero neither leaves z = 0, and the sharpness is 0; training ends nearby.

    Args:
        loss: of the parameters of one net, (P,).
        theta: (P,).
        epsilon: size of the box.
    """
    size = epsilon * (theta.abs() + 1)
    at, found = theta, []
    for _ in range(ITERATIONS):
        at = at.detach().requires_grad_()
        value = loss(at)
        found.append(value.detach())
        at = theta + size * torch.autograd.grad(value, at)[0].sign()
    found.append(loss(at).detach())
    here, highest = found[0], torch.stack(found).max()
    return (100 * (highest - here) / (1 + here)).item()
