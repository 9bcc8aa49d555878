"""Arithmetic that gives the same bytes on every x86-64 processor with AVX2, where torch's own does not.

torch leaves matrix products, decompositions and some functions to Intel's MKL, which takes other kernels on an AMD
processor than on an Intel one, whatever MKL_CBWR says. numpy leaves products and decompositions to OpenBLAS, which
takes the kernels that OPENBLAS_CORETYPE names (`netclaims/__init__.py`), and has functions of its own; it is as fast.
To import this module hands torch's products and functions on the processor to numpy, in this process, and so in
libraries too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def _library() -> torch.library.Library:
    return torch.library.Library("aten", "IMPL", "CPU")


# Torch notes the file that a library of kernels is from, and takes no path that is not UTF-8.
_library.__code__ = _library.__code__.replace(co_filename="linear_algebra.py")
_KERNELS = _library()  # they are in use as long as this exists


def _product(a: Tensor, b: Tensor) -> Tensor:
    return torch.as_tensor(np.matmul(a.detach().numpy(), b.detach().numpy()))


def _product_and_sum(c: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    product = _product(a, b)
    return product.add_(c.detach()) if beta == alpha == 1 else product.mul_(alpha).add_(c.detach(), alpha=beta)


def _by_numpy(function: np.ufunc) -> Callable[[Tensor], Tensor]:
    def apply(x: Tensor) -> Tensor:
        return torch.as_tensor(function((x if x.is_floating_point() else x.float()).detach().numpy()))

    return apply


for _name in ("exp", "log", "sqrt", "tanh"):
    _KERNELS.impl(_name, _by_numpy(getattr(np, _name)), allow_override=True)
for _name in ("mm", "bmm", "mv", "dot"):
    _KERNELS.impl(_name, _product, allow_override=True)
for _name in ("addmm", "baddbmm", "addmv"):
    _KERNELS.impl(_name, _product_and_sum, allow_override=True)


def eigh(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues, ascending, (..., n), and eigenvectors as columns, (..., n, n), of symmetric matrices."""
    eigenvalues, vectors = np.linalg.eigh(matrix.numpy())
    return torch.from_numpy(eigenvalues), torch.from_numpy(vectors)


def eigvalsh(matrix: Tensor) -> Tensor:
    """Return the eigenvalues, ascending, (..., n), of symmetric matrices."""
    return torch.from_numpy(np.linalg.eigvalsh(matrix.numpy()))


def right_singular_vectors(matrix: Tensor) -> Tensor:
    """Return the right singular vectors of a matrix (n, m) as rows, largest singular value first: (min(n, m), m)."""
    return torch.from_numpy(np.linalg.svd(matrix.numpy(), full_matrices=False).Vh)
