"""Exact derivatives of dense nets that fit a function, in closed form.

They are of one net at a time, in float64. Its parameters θ are one row: layer by layer and unit by unit, the weights
of the unit's inputs and then its bias. With P parameters and n examples a Hessian takes about n P² multiplications,
where P Hessian-vector products by automatic differentiation take far longer.
"""

from __future__ import annotations

from copy import copy
from itertools import accumulate, pairwise
from math import prod

import torch
from torch import Tensor

from netclaims.nets.layers import Dense
from netclaims.nets.network import Network, Weights

NEGATIVE_SLOPE = {"relu": 0.0, "leaky_relu": 0.01}


def theta_of(weights: Weights) -> Tensor:
    """Return the weights of dense layers with biases, of every member, as float64 rows θ: (members, P)."""
    layers = [name.removesuffix(".weight") for name in weights if name.endswith(".weight")]
    each = [torch.cat([weights[f"{n}.weight"], weights[f"{n}.bias"].unsqueeze(2)], 2) for n in layers]
    return torch.cat([layer.flatten(1) for layer in each], 1).double()


def _activate(kind: str, z: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return φ(z) with its first and second derivative; None for the second where it is zero wherever it exists."""
    if kind == "tanh":
        a = z.tanh()
        slope = 1 - a.square()
        return a, slope, -2 * a * slope
    slope = torch.ones_like(z).where(z > 0, NEGATIVE_SLOPE[kind])
    return z * slope, slope, None


class LeastSquares:
    """The mean squared error L(θ) = 1/n Σ_i (f(x_i, θ) - y_i)² of a dense net f with one output.

    Attributes:
        sizes: width of the input, of every hidden layer, and 1.
        parameters: P, the length of θ.
        low: slope of the activation at z < 0 where it has a kink at 0, and is 1 above; None where it is smooth.
    """

    def __init__(self, network: Network, x: Tensor, y: Tensor) -> None:
        """Take a network of dense layers with biases, and its data.

        Args:
            network: the architecture.
            x: inputs (n, features), in float64.
            y: targets (n,), in float64.

        Raises:
            ValueError: the network has other layers, or more than one output.
        """
        layers = network.layers
        if not all(isinstance(layer, Dense) and layer.bias for layer in layers) or layers[-1].dense != 1:
            raise ValueError("exact Hessians are for nets of dense layers with biases and one output")
        self.sizes = [prod(network.example), *(layer.dense for layer in layers)]
        self._spans = [units * (inputs + 1) for inputs, units in pairwise(self.sizes)]
        self.parameters = sum(self._spans)
        self.low = NEGATIVE_SLOPE.get(network.activation)
        self._activation, self._x, self._y = network.activation, x, y
        self._columns = [0, *accumulate(self.sizes[1:-1])]  # where the units of each hidden layer begin
        self._held: list[tuple[Tensor, Tensor, Tensor]] = []  # of each hidden layer: examples, units, slopes

    def with_slopes(self, kinks: Tensor, slopes: Tensor) -> LeastSquares:
        """Return the same problem with the activation a = s z at some units and examples.

        Where z is 0 there, the loss is the same for every s. Its derivatives are those of the activation at z < 0, at
        z > 0, and of all mixtures of both, as s goes from the slope on one side to that on the other.

        Args:
            kinks: rows of example and hidden unit, counted through all hidden layers: (m, 2).
            slopes: s of each, (m,).
        """
        found = copy(self)
        found._held = []
        for first, last in pairwise(self._columns):
            here = (kinks[:, 1] >= first) & (kinks[:, 1] < last)
            found._held.append((kinks[here, 0], kinks[here, 1] - first, slopes[here]))
        return found

    def layers(self, theta: Tensor) -> list[Tensor]:
        """Return the weights of every layer with its biases as the last column: views of (units, inputs + 1)."""
        return [
            part.unflatten(0, (units, -1)) for part, units in zip(theta.split(self._spans), self.sizes[1:], strict=True)
        ]

    def _forward(self, theta: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor | None], list[Tensor]]:
        """Work out the outputs of the net, and what its derivatives need.

        Returns:
            Outputs (n,); what enters each layer, with a column of ones; φ' and φ'' of each hidden layer; its z.
        """
        a, inputs, slopes, bends, sums = self._x, [], [], [], []
        layers = self.layers(theta)
        for number, weights in enumerate(layers, start=1):
            inputs.append(torch.cat([a, a.new_ones(len(a), 1)], 1))
            z = inputs[-1] @ weights.T
            if number < len(layers):
                a, slope, bend = _activate(self._activation, z)
                if self._held:
                    examples, units, held = self._held[number - 1]
                    at = examples, units
                    a, slope = a.index_put(at, held * z[at]), slope.index_put(at, held)
                slopes.append(slope)
                bends.append(bend)
                sums.append(z)
        return z.squeeze(1), inputs, slopes, bends, sums

    @staticmethod
    def _backward(layers: list[Tensor], slopes: list[Tensor], top: Tensor) -> list[Tensor]:
        """Return ∂/∂z of every layer, (n, units), of what has the derivative `top` by the z of the last of them."""
        deltas = [top]
        for weights, slope in zip(layers[:0:-1], slopes[::-1], strict=True):
            deltas.insert(0, deltas[0] @ weights[:, :-1] * slope)
        return deltas

    @staticmethod
    def _jacobian(inputs: list[Tensor], deltas: list[Tensor]) -> Tensor:
        return torch.cat([(d.unsqueeze(2) * h.unsqueeze(1)).flatten(1) for d, h in zip(deltas, inputs, strict=True)], 1)

    def loss(self, theta: Tensor) -> Tensor:
        """Return L(θ), a scalar."""
        return (self._forward(theta)[0] - self._y).square().mean()

    def activity(self, theta: Tensor) -> Tensor:
        """Return what all hidden units are given, z before the activation: (n, hidden units)."""
        return torch.cat([self._x.new_zeros(len(self._x), 0), *self._forward(theta)[4]], 1)

    def switches(self, theta: Tensor, kinks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Describe how the gradient jumps where z = 0 at some units and examples: by jump_k · ∂z_k/∂θ as z_k grows.

        Args:
            theta: where, (P,).
            kinks: rows of example and hidden unit, counted through all hidden layers: (m, 2).

        Returns:
            z, (m,); ∂z/∂θ, (m, P); and the jumps, (m,), which are ∂L/∂a times the change of the activation's slope.
        """
        z, jumps = theta.new_zeros(2, len(kinks))
        normals = theta.new_zeros(len(kinks), self.parameters)
        if not len(kinks):
            return z, normals, jumps
        outputs, inputs, slopes, _, sums = self._forward(theta)
        layers = self.layers(theta)
        deltas = self._backward(layers, slopes, torch.ones_like(outputs).unsqueeze(1))
        for number, (first, last) in enumerate(pairwise(self._columns)):
            here = ((kinks[:, 1] >= first) & (kinks[:, 1] < last)).nonzero().squeeze(1)
            examples, units = kinks[here, 0], kinks[here, 1] - first
            z[here] = sums[number][examples, units]
            above = (deltas[number + 1][examples] * layers[number + 1][:, units].T).sum(1)
            jumps[here] = (1 - self.low) * above * (outputs - self._y)[examples] * (2 / len(outputs))
            one = torch.nn.functional.one_hot(units, last - first).to(theta)
            below = self._backward(layers[: number + 1], [slope[examples] for slope in slopes[:number]], one)
            part = self._jacobian([rows[examples] for rows in inputs[: number + 1]], below)
            normals[here, : part.shape[1]] = part
        return z, normals, jumps

    def linearised(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the residuals r_i = f(x_i, θ) - y_i, (n,), and their Jacobian ∂f(x_i, θ)/∂θ, (n, P)."""
        outputs, inputs, slopes, _, _ = self._forward(theta)
        return outputs - self._y, self._jacobian(
            inputs, self._backward(self.layers(theta), slopes, torch.ones_like(outputs).unsqueeze(1))
        )

    def gradient(self, theta: Tensor) -> Tensor:
        """Return ∇L(θ) = 2/n Σ_i r_i ∂f_i/∂θ: (P,)."""
        residuals, jacobian = self.linearised(theta)
        return jacobian.T @ residuals * (2 / len(residuals))

    def curvature(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two parts of the Hessian ∂²L/∂θ∂θᵀ, each (P, P) and symmetric.

        The first is the Gauss-Newton part 2/n Σ_i (∂f_i/∂θ)(∂f_i/∂θ)ᵀ, which is never negative. The second is the
        residual part 2/n Σ_i r_i ∂²f_i/∂θ∂θᵀ (Nocedal & Wright 2006, section 10.2), with the second derivatives of f
        after Bishop 1992, "Exact Calculation of the Hessian Matrix for the Multilayer Perceptron". A ReLU given exactly
        0 counts as off.
        """
        outputs, inputs, slopes, bends, _ = self._forward(theta)
        layers = self.layers(theta)
        deltas = self._backward(layers, slopes, torch.ones_like(outputs).unsqueeze(1))
        jacobian = self._jacobian(inputs, deltas)
        weighted = ((outputs - self._y) * (2 / len(self._x))).unsqueeze(1)
        residual = self._x.new_zeros(self.parameters, self.parameters)
        blocks = [row.split(self._spans, 1) for row in residual.split(self._spans)]
        second = self._second_derivatives(layers, slopes, bends, deltas)
        for low in range(len(layers)):
            left = (inputs[low] * weighted).T
            if second[low] is not None:
                blocks[low][low].add_(_contract(left, second[low].unsqueeze(3) * inputs[low][:, None, None, :]))
            reach = None  # ∂a/∂z from the units of layer `low` to what enters layer `high`: (n, inputs, units)
            for high in range(low + 1, len(layers)):
                block = blocks[low][high].unflatten(1, (self.sizes[high + 1], -1))  # the last column holds the biases
                if reach is None:  # a unit reaches only the weights that it feeds
                    near = (slopes[low].unsqueeze(2) * deltas[high].unsqueeze(1)).flatten(1)
                    own = block.unflatten(0, (self.sizes[low + 1], -1))[..., :-1].diagonal(dim1=0, dim2=3)
                    own.add_((left @ near).view(len(left), self.sizes[low + 1], -1).transpose(1, 2))
                else:
                    far = deltas[high][:, None, :, None] * reach.transpose(1, 2).unsqueeze(2)
                    block[..., :-1].add_(_contract(left, far).unflatten(1, (self.sizes[high + 1], -1)))
                if high == len(layers) - 1:
                    break  # nothing lies above the output, and it is linear
                reach = torch.diag_embed(slopes[low]) if reach is None else reach
                above = layers[high][:, :-1] @ reach  # ∂z of layer `high`
                if second[high] is not None:
                    bent = above.transpose(1, 2) @ second[high]
                    blocks[low][high].add_(_contract(left, bent.unsqueeze(3) * inputs[high][:, None, None, :]))
                reach = slopes[high].unsqueeze(2) * above
        for low in range(len(layers)):
            for high in range(low + 1, len(layers)):
                blocks[high][low].copy_(blocks[low][high].T)
        return jacobian.T @ jacobian * (2 / len(jacobian)), residual

    def _second_derivatives(
        self, layers: list[Tensor], slopes: list[Tensor], bends: list[Tensor | None], deltas: list[Tensor]
    ) -> list[Tensor | None]:
        """Return ∂²f/∂z∂zᵀ of every layer, (n, units, units), or None where it is zero."""
        found: list[Tensor | None] = [None]
        if not bends or bends[0] is None:
            return found * len(layers)
        for number in range(len(layers) - 2, -1, -1):
            weights, slope = layers[number + 1][:, :-1], slopes[number]
            second = torch.diag_embed(bends[number] * (deltas[number + 1] @ weights))
            if found[0] is not None:
                second += slope.unsqueeze(2) * (weights.T @ found[0] @ weights) * slope.unsqueeze(1)
            found.insert(0, second)
        return found


def _contract(left: Tensor, right: Tensor) -> Tensor:
    """Return Σ_i left_i ⊗ right_i as a block of a Hessian.

    Args:
        left: (inputs + 1, n).
        right: (n, units, other units, columns).

    Returns:
        (units · (inputs + 1), other units · columns).
    """
    block = (left @ right.flatten(1)).view(len(left), *right.shape[1:])
    return block.transpose(0, 1).flatten(0, 1).flatten(1)
