"""Eigenvalues of the Hessian of nets that are too large for the matrix: from products with vectors.

The products are in the precision of the nets, float32. Its rounding moves the largest eigenvalue by less than a
ten-thousandth, and other examples by more than a twentieth; float64 takes up to twice as long.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor
from torch.linalg import vector_norm

from netclaims.data.examples import Examples
from netclaims.linear_algebra import eigh
from netclaims.nets.losses import losses
from netclaims.nets.network import Network, Weights, unflatten
from netclaims.spread import spread

with warnings.catch_warnings(action="ignore"):  # a package that curvlinops imports still compiles with torch.jit.script
    from curvlinops._torch_base import PyTorchLinearOperator
    from curvlinops.papyan2020traces.spectrum import lanczos_approximate_spectrum_from_iter

Loss = Callable[[Tensor], Tensor]

POSITIONS = 32
# The first sets the width of the Gaussians, the second by what share of the range the grid goes beyond the
# eigenvalues: Papyan 2020, section D.2.
KAPPA, MARGIN = 3.0, 0.05


@dataclass(frozen=True)
class Curvature:
    """How the curvature of the training loss is measured.

    Attributes:
        examples: first ones of the training set, whose loss that is.
        iterations: steps of a Lanczos run, which gives the largest eigenvalue and the spectral density.
        starts: random vectors that a Lanczos run begins with, one each.
        probes: random vectors that give the trace (Hutchinson 1989).
        epsilon: size of the box in which sharpness looks for a higher loss (Keskar et al. 2017).
    """

    examples: int
    iterations: int
    starts: int
    probes: int
    epsilon: float


def training_loss(network: Network, like: Weights, kind: str, data: Examples) -> Loss:
    """Return the mean loss over `data` as a function of the parameters of one net, (P,).

    Args:
        network: the architecture.
        like: weights that say how the parameters split into tensors.
        kind: `mse` or `cross_entropy`.
        data: the examples, whose targets all nets share.
    """

    def loss(theta: Tensor) -> Tensor:
        return losses(kind, network(unflatten(theta.unsqueeze(0), like), data.x.unsqueeze(0)), data.y)[0]

    return loss


class Hessian(PyTorchLinearOperator):
    """H = ∂²L/∂θ∂θᵀ at one θ, (P, P), as an operator of curvlinops.

    The graph of the gradient is built once, and a product is one pass back through it, Hv = ∂(∇L·v)/∂θ (Pearlmutter
    1994). The library's own Hessian differentiates anew for each product, which takes two to four times as long.
    """

    SELF_ADJOINT = True

    def __init__(self, loss: Loss, theta: Tensor) -> None:
        """Differentiate the loss once, at `theta`, (P,)."""
        super().__init__([(len(theta),)], [(len(theta),)])
        self._theta = theta.detach().requires_grad_()
        value = loss(self._theta)
        (self._gradient,) = torch.autograd.grad(value, self._theta, create_graph=True)
        self.loss = value.detach()

    @property
    def device(self) -> torch.device:
        """Where the products are computed."""
        return self._theta.device

    @property
    def dtype(self) -> torch.dtype:
        """In what precision."""
        return self._theta.dtype

    def _matmat(self, matrix: list[Tensor]) -> list[Tensor]:
        columns = [torch.autograd.grad(self._gradient, self._theta, v, retain_graph=True)[0] for v in matrix[0].T]
        return [torch.stack(columns, 1)]


def spectrum(loss: Loss, theta: Tensor, settings: Curvature, stream: torch.Generator) -> tuple[float, pd.DataFrame]:
    """Return the trace and the spectrum of the Hessian of one net.

    The trace is the mean of vᵀHv over vectors v of random signs (Hutchinson 1989). The spectrum is that of the
    tridiagonal matrices T of Lanczos runs from random vectors: their largest eigenvalue comes close to that of H from
    below; and with the squared first components of its eigenvectors for weights, each is a Gaussian quadrature of the
    density of all eigenvalues of H, of which the mean is taken (Golub & Welsch 1969; Ghorbani et al. 2019, section 2).

    The sum of the absolute eigenvalues of H is at least |trace|, and at least the Frobenius norm, of whose square the
    mean of ‖Hv‖² is an estimate. Where both are within the rounding error of 1 + L, as with a softmax that is
    saturated, H counts as zero. The trace alone does not tell: eigenvalues of both signs may cancel.

    Args:
        loss: of the parameters of one net, (P,).
        theta: where, (P,).
        settings: how many runs of Lanczos and of what length, and how many probes for the trace.
        stream: seeds the random vectors.

    Returns:
        The trace; and a table of eigenvalue, ascending, and weight, of which the sum is 1, with a row per iteration of
        every run.
        They are zero where H counts as zero, and undefined where the loss is not finite.
    """
    hessian = Hessian(loss, theta)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream.initial_seed())
        traces, squares = zip(*(_probe(hessian) for _ in range(settings.probes)), strict=True)
        trace, frobenius = torch.stack(traces).mean(), torch.stack(squares).mean().sqrt()
        if torch.maximum(trace.abs(), frobenius) > (1 + hessian.loss) * torch.finfo(hessian.dtype).eps:
            runs = [lanczos(hessian, settings.iterations) for _ in range(settings.starts)]
            eigenvalues, order = torch.cat([eigenvalues for eigenvalues, _ in runs]).sort(stable=True)
            weights = torch.cat([weights for _, weights in runs])[order] / settings.starts
        else:
            trace = 0 * trace
            eigenvalues = trace.expand(settings.iterations * settings.starts)
            weights = torch.full_like(eigenvalues, 1 / len(eigenvalues))
    return trace.item(), pd.DataFrame({"eigenvalue": eigenvalues.numpy(), "weight": weights.numpy()})


def _probe(hessian: Hessian) -> tuple[Tensor, Tensor]:
    """Return vᵀHv and ‖Hv‖² of a vector v of random signs: on average the trace and the squared Frobenius norm of H."""
    v = torch.empty(hessian.shape[1], 1, device=hessian.device, dtype=hessian.dtype).bernoulli_(0.5) * 2 - 1
    product = hessian @ v
    return (v * product).sum(), product.square().sum()


def lanczos(operator: PyTorchLinearOperator, iterations: int) -> tuple[Tensor, Tensor]:
    """Run Lanczos, and return the eigenvalues and the weights of the quadrature that it leads to.

    They are the eigenvalues of the tridiagonal matrix T of the run, and the squared first components of its
    eigenvectors. The vectors are not orthogonalised again (Papyan 2020, algorithm 2). Where they have come to span a
    space that the operator maps into itself, nothing is left for the next one, and the run ends: the eigenvalues are
    exact then. In the rows that are missing stands the largest once more, with a weight of 0. curvlinops would divide
    by zero there.

    Returns:
        Both (iterations,), the eigenvalues ascending.
    """
    v, before = torch.randn(operator.shape[1], device=operator.device, dtype=operator.dtype), None
    v /= vector_norm(v)
    on, beside = v.new_zeros(iterations), v.new_zeros(iterations)  # the diagonal of T
    for i in range(iterations):
        rest = operator @ v if before is None else operator @ v - beside[i - 1] * before
        on[i] = (rest * v).sum()
        rest -= on[i] * v
        beside[i] = vector_norm(rest)
        done = i + 1
        if beside[i] == 0:
            break
        before, v = v, rest / beside[i]
    next_to = torch.diag(beside[: done - 1], 1)
    eigenvalues, vectors = eigh(torch.diag(on[:done]) + next_to + next_to.T)
    found = torch.nn.functional.pad(torch.stack([eigenvalues, vectors[0].square()]), (0, iterations - done))
    found[0, done:] = eigenvalues[-1]
    return found[0], found[1]


def density(spectra: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the density of the eigenvalues of nets, on one grid for all replicas of a kind.

    Every eigenvalue in a table of `spectrum` counts as a Gaussian with its weight (Papyan 2020, algorithm 2). Far from
    all of them the sum falls without end: it is cut at a hundredth of what one of P eigenvalues adds to the highest
    point, so that a logarithmic axis shows the rest.

    Args:
        spectra: the tables of all nets, with the columns `names`, and with `run`, `member` and `parameters`.
        names: the columns that tell kinds of nets apart.

    Returns:
        A table of the names, eigenvalue, and density in its mean, smallest and largest over replicas. A kind of which
        a net has diverged, or of which all eigenvalues are zero, has one row without numbers.
    """
    tables = []
    for _, kind in spectra.groupby(names, sort=False):
        low, high = kind["eigenvalue"].min(skipna=False), kind["eigenvalue"].max(skipna=False)
        for _, net in kind.groupby(["run", "member"]):
            grid, height = torch.full((2, 1), torch.nan)
            if low < high:
                nodes, weights = torch.tensor(net[["eigenvalue", "weight"]].to_numpy()).T
                run = nodes, weights.sqrt().unsqueeze(0)  # as Lanczos gives them: the first components of the vectors
                grid, height = lanczos_approximate_spectrum_from_iter(run, (low, high), POSITIONS, KAPPA, MARGIN)
                height = height.clamp(min=height.max() / (100 * net["parameters"].iloc[0]))
            named = {name: net[name].iloc[0] for name in names}
            tables.append(pd.DataFrame({**named, "eigenvalue": grid, "density": height}))
    return spread(pd.concat(tables), [*names, "eigenvalue"], ["density"])
