"""The loss of every net of a batch."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def losses(kind: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of every member, averaged over its examples.

    Args:
        kind: `mse`, the mean squared error, or `cross_entropy` of the logits, in nats.
        outputs: (members, batch, outputs).
        targets: (members, batch, 1) values for `mse`, (members, batch) classes for `cross_entropy`.

    Returns:
        Tensor of shape (members,).
    """
    if kind == "mse":
        return (outputs - targets).square().mean((1, 2))
    each = functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
    return each.unflatten(0, targets.shape).mean(1)
