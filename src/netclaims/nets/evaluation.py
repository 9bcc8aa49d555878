"""Loss, accuracy and gradient of nets on a whole data set."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from netclaims.data.examples import Examples
from netclaims.nets.losses import losses
from netclaims.nets.network import Network, Weights

# Numbers of input that go through a net at once: the activations of more leave the processor's cache, and a CNN
# takes twice as long. Losses and gradients of the pieces add up to those of the whole. A GPU has room for more.
NUMBERS_AT_ONCE, NUMBERS_AT_ONCE_ON_A_GPU = 2**18, 2**22


def pieces(x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and targets, (members or 1, examples, ...), a few examples at a time."""
    size = max(1, (NUMBERS_AT_ONCE_ON_A_GPU if x.is_cuda else NUMBERS_AT_ONCE) // x[0, 0].numel())
    return zip(x.split(size, 1), y.split(size, 1), strict=True)


@torch.no_grad()
def evaluate(network: Network, weights: Weights, loss: str, data: Examples) -> tuple[Tensor, Tensor, Tensor]:
    """Work out loss, accuracy and outputs of every member on a data set.

    Args:
        network: the architecture.
        weights: tensors of shape (members, ...).
        loss: `mse` or `cross_entropy`.
        data: the examples.

    Returns:
        Mean loss (members,), share of correct classes (members,) (of no meaning for functions, undefined where the
        loss is not finite), and outputs (members, examples, outputs).
    """
    members = len(weights["1.weight"])
    targets = data.y.expand(members, *data.y.shape[1:])
    outputs = torch.cat([network(weights, x) for x, _ in pieces(data.x.unsqueeze(0), data.y)], 1)
    correct = outputs.argmax(2) == targets if targets.dim() == 2 else outputs.new_zeros(members, 1)
    mean_loss, accuracy = losses(loss, outputs, targets), correct.float().mean(1)
    return mean_loss, accuracy.where(mean_loss.isfinite(), torch.nan), outputs


def gradient(network: Network, weights: Weights, loss: str, data: Examples) -> Weights:
    """Return the gradient of the mean loss over a whole data set, for every member.

    Args:
        network: the architecture.
        weights: tensors of shape (members, ...).
        loss: `mse` or `cross_entropy`.
        data: the examples.

    Returns:
        Tensors shaped like the weights.
    """
    members = len(weights["1.weight"])
    weights = {name: w.detach().requires_grad_() for name, w in weights.items()}
    total = {name: torch.zeros_like(w) for name, w in weights.items()}
    for x, y in pieces(data.x.unsqueeze(0), data.y):
        value = losses(loss, network(weights, x), y.expand(members, *y.shape[1:])).sum()
        for name, g in zip(weights, torch.autograd.grad(value, list(weights.values())), strict=True):
            total[name] += g * (x.shape[1] / len(data.x))
    return total


def norm(gradients: list[Tensor]) -> Tensor:
    """Return the Euclidean norm of every member's gradient over all its tensors: (members,)."""
    return sum(g.flatten(1).square().sum(1) for g in gradients).sqrt()
