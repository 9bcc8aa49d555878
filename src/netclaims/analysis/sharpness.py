"""How much the training loss can rise close by."""

from __future__ import annotations

import torch
from torch import Tensor

from netclaims.analysis.spectrum import Loss

ITERATIONS = 10


def sharpness(loss: Loss, theta: Tensor, epsilon: float) -> float:
    """Return how much the loss can rise nearby, in percent.

    It is 100 · (max L(θ + z) - L(θ)) / (1 + L(θ)) over the box |zᵢ| ≤ ε (|θᵢ| + 1): Keskar et al. 2017, eq. 3 and
    metric 2.1, in the full space. As theirs, the maximum is the highest loss that ten iterations find from z = 0, and
    the sharpness a lower bound. An iteration goes to the corner of the box where the linearised loss is highest, at
    which a convex loss is no lower than before (Journée et al. 2010). The paper's L-BFGS-B gets about as far at ten
    times the cost: it learns nothing from the curvature of a convex loss that it is to maximise, follows the projected
    gradient, and sorts all parameters at each iteration.

    Where the gradient is exactly zero, both stay at z = 0; training ends near such a point and not at it.

    Args:
        loss: of the parameters of one net, (P,).
        theta: where, (P,).
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
