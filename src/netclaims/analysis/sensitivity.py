"""Three quantities that go by the name of sensitivity, each on one fixed set of examples.

The set does not change with the batch size of the training, so that nets of different batch sizes compare.
"""

from __future__ import annotations

import torch
from torch import Tensor

from netclaims.data.examples import Examples
from netclaims.nets.evaluation import gradient, norm
from netclaims.nets.losses import losses
from netclaims.nets.network import Network, Weights

EXAMPLES_AT_ONCE = 250
COLUMNS = ["loss_by_input", "output_by_input", "loss_by_parameters"]


def loss_by_input(network: Network, weights: Weights, loss: str, data: Examples) -> Tensor:
    """Return the mean over examples of ‖∂ℓ(x)/∂x‖₂, the gradient norm of an example's loss in its input: (members,).

    Inputs are counted as the net sees them, standardised.

    Args:
        network: the architecture.
        weights: tensors of shape (members, ...).
        loss: `mse` or `cross_entropy`.
        data: the examples.
    """
    norms = []
    for x, y in zip(data.x.split(EXAMPLES_AT_ONCE), data.y.split(EXAMPLES_AT_ONCE, dim=1), strict=True):
        inputs = _inputs(weights, x)
        targets = y.expand(len(inputs), *y.shape[1:])
        total = (losses(loss, network(weights, inputs), targets) * len(x)).sum()  # in a sum no example scales another
        norms.append(torch.autograd.grad(total, inputs)[0].flatten(2).norm(dim=2))
    return torch.cat(norms, 1).mean(1)


def output_by_input(network: Network, weights: Weights, data: Examples) -> Tensor:
    """Return the mean over examples of ‖∂p(x)/∂x‖_F, the Jacobian norm of the class probabilities p: (members,).

    The measure is that of Novak et al. 2018, section 3.1. Inputs are counted as the net sees them, standardised.

    Args:
        network: the architecture.
        weights: tensors of shape (members, ...).
        data: the examples.
    """
    norms = []
    for x in data.x.split(EXAMPLES_AT_ONCE):
        inputs = _inputs(weights, x)
        probabilities = network.probabilities(weights, inputs).sum(1)  # (members, classes): examples do not mix
        square = 0
        for k in range(probabilities.shape[1]):
            (slope,) = torch.autograd.grad(probabilities[:, k].sum(), inputs, retain_graph=True)
            square = square + slope.flatten(2).square().sum(2)
        norms.append(square.sqrt())
    return torch.cat(norms, 1).mean(1)


def loss_by_parameters(network: Network, weights: Weights, loss: str, data: Examples) -> Tensor:
    """Return ‖∂L/∂θ‖₂, the norm of the gradient of the mean loss over the set in the parameters: (members,).

    Args:
        network: the architecture.
        weights: tensors of shape (members, ...).
        loss: `mse` or `cross_entropy`.
        data: the examples.
    """
    return norm(list(gradient(network, weights, loss, data).values()))


def _inputs(weights: Weights, x: Tensor) -> Tensor:
    """Copy the inputs for every member, (members, examples, ...), to differentiate by them."""
    members = len(weights["1.weight"])
    return x.unsqueeze(0).expand(members, *x.shape).clone().requires_grad_()


def sensitivities(network: Network, weights: Weights, loss: str, data: Examples) -> dict[str, Tensor]:
    """Return all three by the name of their column in the tables, each (members,).

    Args:
        network: the architecture.
        weights: tensors of shape (members, ...).
        loss: `mse` or `cross_entropy`.
        data: the examples.
    """
    return {
        "loss_by_input": loss_by_input(network, weights, loss, data),
        "output_by_input": output_by_input(network, weights, data),
        "loss_by_parameters": loss_by_parameters(network, weights, loss, data),
    }
