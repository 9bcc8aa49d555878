"""The hidden units of one net in the order that fits those of another best."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from netclaims.nets.network import Weights

# So much of a sum of products counts as rounding. Units that are equal would else change places for ever.
ROUNDING = 1e-12


def matched(start: Weights, end: Weights) -> Weights:
    """Permute the hidden units of the net `end` to match those of `start`: it stays the same function of the input.

    Weight matching (Ainsworth, Hayase & Srinivasa 2022, Algorithm 1): the permutations P_l of the hidden layers are
    to maximise the inner product of the weights of both nets,
    Σ_l ⟨W_l⁽¹⁾, P_l W_l⁽²⁾ P_{l-1}ᵀ⟩ + ⟨b_l⁽¹⁾, P_l b_l⁽²⟩, with inputs and outputs as they are. Each P_l is optimal
    given the others, as the solution of a linear assignment problem, layer after layer until none changes. That is a
    local maximum, and with one hidden layer the global one. The paper visits the layers in random order; here it is
    the first one first.

    Args:
        start: weights of a net of dense layers, tensors of shape (1, ...).
        end: weights of another of the same architecture.

    Returns:
        Permuted weights; `end` itself if a net has diverged, and there is nothing to match.
    """
    if not all(w.isfinite().all() for w in (*start.values(), *end.values())):
        return end
    hidden = range(1, max(int(name.partition(".")[0]) for name in start))
    changed = True
    while changed:
        changed = False
        for layer in hidden:
            products = _units(start, layer) @ _units(end, layer).T
            rows, order = map(torch.from_numpy, linear_sum_assignment(products, maximize=True))
            if products[rows, order].sum() - products.trace() > ROUNDING * products.abs().sum():
                end, changed = permuted(end, layer, order), True
    return end


def permuted(weights: Weights, layer: int, order: Tensor) -> Weights:
    """Return the same net with the hidden units of one dense layer in another order.

    Args:
        weights: tensors of shape (members, ...).
        layer: counted from 1 among those with weights; the next one is dense, too.
        order: (units,), for each place the unit that comes there.
    """
    own = {name: weights[name][:, order] for name in (f"{layer}.weight", f"{layer}.bias") if name in weights}
    following = f"{layer + 1}.weight"
    return weights | own | {following: weights[following][:, :, order]}


def _units(weights: Weights, layer: int) -> Tensor:
    """Return all weights that belong to each unit of a hidden layer: those into it, its bias and those out of it."""
    parts = [weights[f"{layer}.weight"], weights[f"{layer + 1}.weight"].transpose(1, 2)]
    if (bias := weights.get(f"{layer}.bias")) is not None:
        parts.append(bias.unsqueeze(2))
    return torch.cat(parts, 2)[0].double()
