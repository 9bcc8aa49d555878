"""Hessians by one library after another: the whole matrix of a small net, the largest eigenvalue of a large one.

All are given the same weights and the same examples, one batch of all.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import functional
from torch.func import functional_call

from benchmarks.homework import network
from benchmarks.problem import Problem
from benchmarks.timing import Contender
from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.analysis.spectrum import Hessian, lanczos, training_loss
from netclaims.data.examples import parts
from netclaims.nets.network import Network, Weights, flatten, unflatten
from netclaims.training.random_streams import stream

with warnings.catch_warnings(action="ignore"):  # a package that curvlinops imports still compiles with torch.jit.script
    from curvlinops import HessianLinearOperator


class _AtWeights(Contender):
    """A network at weights that follow from the repeat, as netclaims has it and as a module of torch.nn."""

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        experiment = problem.experiment
        self.experiment = experiment
        self.network = Network(problem.layers, experiment.activation, problem.example)
        self.data, _ = parts(experiment, experiment.functions or [])
        self.x = self.data.x.to(dtype)
        self.y = self.data.y[0].to(dtype) if experiment.functions else self.data.y[0]
        self.module = network(problem.layers, experiment.activation, problem.example).to(dtype)
        self.criterion = nn.MSELoss() if experiment.functions else nn.CrossEntropyLoss()
        self.size = experiment.parameters("net")
        self._dtype = dtype

    def weights(self, repeat: int) -> Weights:
        """Return initial weights, (1, ...), and give them to the module, too."""
        found = {name: w.to(self._dtype) for name, w in self.network.initial([stream(repeat, "weights")]).items()}
        with torch.no_grad():
            for parameter, weight in zip(self.module.parameters(), found.values(), strict=True):
                parameter.copy_(weight[0])
        return found

    def loss(self, flat: Tensor) -> Tensor:
        """Return the loss of all parameters in one row, layer by layer the weights and then the biases."""
        tensors, start = {}, 0
        for name, parameter in self.module.named_parameters():
            tensors[name] = flat[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()
        return self.criterion(functional_call(self.module, tensors, (self.x,)), self.y)

    def eigenthings(self) -> Any:
        """Return the operator of hessian-eigenthings."""
        from hessian_eigenthings import HessianOperator, supervised_loss  # the others do without it

        return HessianOperator(self.module, [(self.x, self.y)], supervised_loss(self.criterion))

    def curvlinops(self) -> HessianLinearOperator:
        """Return the operator of curvlinops."""
        parameters = list(self.module.parameters())
        return HessianLinearOperator(
            self.module, self.criterion, parameters, [(self.x, self.y)], check_deterministic=False
        )


class Exact(_AtWeights):
    """The whole matrix in float64, from `kind` of code."""

    def __init__(self, problem: Problem, kind: str) -> None:
        """Choose the code; nothing is computed yet."""
        super().__init__(problem, torch.float64)
        self._compute = {
            "ours": self._closed_form,
            "autograd": lambda weights: functional.hessian(self.loss, flatten(weights)[0]),
            "vectorised": lambda weights: functional.hessian(self.loss, flatten(weights)[0], vectorize=True),
            "func": lambda weights: torch.func.hessian(self.loss)(flatten(weights)[0]),
            "curvlinops": lambda _: self.curvlinops() @ torch.eye(self.size, dtype=torch.float64),
            "eigenthings": self._by_eigenthings,
        }[kind]
        self._unit_by_unit = kind == "ours"

    def work(self, repeat: int) -> Tensor:
        """Return the matrix, (P, P)."""
        return self._compute(self.weights(repeat))

    def outcome(self, done: Tensor) -> NDArray[np.floating]:
        """Return the matrix, its rows and columns in the order of the module's parameters."""
        if self._unit_by_unit:
            numbers = torch.arange(self.size).unsqueeze(0)
            place = theta_of(unflatten(numbers, self.weights(0)))[0].long().argsort()
            done = done[place][:, place]
        return done.detach().numpy()

    def _closed_form(self, weights: Weights) -> Tensor:
        problem = LeastSquares(self.network, self.x, self.y.squeeze(1))
        return sum(problem.curvature(theta_of(weights)[0]))

    def _by_eigenthings(self, _: Weights) -> Tensor:
        operator = self.eigenthings()
        return torch.stack([operator.matvec(v) for v in torch.eye(self.size, dtype=torch.float64)])


class Largest(_AtWeights):
    """The largest eigenvalue by so many iterations of Lanczos in float32, from `kind` of code."""

    def __init__(self, problem: Problem, kind: str, iterations: int) -> None:
        """Choose the code; nothing is computed yet.

        Args:
            problem: network and data.
            kind: whose code: ours, or that of a library.
            iterations: of Lanczos.
        """
        super().__init__(problem, torch.float32)
        self._kind, self._iterations = kind, iterations

    def work(self, repeat: int) -> Tensor:
        """Return the eigenvalue."""
        weights = self.weights(repeat)
        torch.manual_seed(repeat)  # the first vector is random
        if self._kind == "eigenthings":
            from hessian_eigenthings import lanczos as theirs  # the others do without it

            return theirs(self.eigenthings(), k=1, max_iter=self._iterations, which="LA", seed=repeat).eigenvalues
        if self._kind == "curvlinops":
            operator = self.curvlinops()
        else:
            loss = training_loss(self.network, weights, self.experiment.loss, self.data)
            operator = Hessian(loss, flatten(weights)[0])
        return lanczos(operator, self._iterations)[0].max()

    def outcome(self, done: Tensor) -> NDArray[np.floating]:
        """Return the eigenvalue as an array."""
        return done.detach().numpy().reshape(1)
