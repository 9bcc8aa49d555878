"""Torch's products and some functions on the processor are numpy's, in every way that torch asks for them."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import netclaims.linear_algebra  # noqa: F401

LEFT, RIGHT = (torch.randn(*shape, generator=torch.Generator().manual_seed(0)) for shape in ((2, 3, 4), (2, 4, 5)))


@pytest.mark.parametrize(("asked", "given"), [
    (lambda: LEFT[0] @ RIGHT[0], LEFT[0].numpy() @ RIGHT[0].numpy()),
    (lambda: LEFT @ RIGHT, LEFT.numpy() @ RIGHT.numpy()),
    (lambda: LEFT[0].T.double().T @ RIGHT[0].double(), LEFT[0].numpy().astype(float) @ RIGHT[0].numpy().astype(float)),
    (lambda: LEFT[0] @ RIGHT[0, :, 0], LEFT[0].numpy() @ RIGHT[0, :, 0].numpy()),
    (lambda: LEFT[0, 0] @ RIGHT[0, :, 0], LEFT[0, 0].numpy() @ RIGHT[0, :, 0].numpy()),
    (lambda: torch.einsum("bij,bjk->bik", LEFT, RIGHT), LEFT.numpy() @ RIGHT.numpy()),
    (lambda: functional.linear(LEFT[0], RIGHT[0].T, RIGHT[0, 0]),
     LEFT[0].numpy() @ RIGHT[0].numpy() + RIGHT[0, 0].numpy()),
    (lambda: torch.baddbmm(RIGHT[:, :1], LEFT, RIGHT, beta=2, alpha=3),
     3 * (LEFT.numpy() @ RIGHT.numpy()) + 2 * RIGHT[:, :1].numpy()),
    (lambda: torch.addmv(LEFT[0, :, 0], LEFT[0], RIGHT[0, :, 0]),
     LEFT[0].numpy() @ RIGHT[0, :, 0].numpy() + LEFT[0, :, 0].numpy()),
])  # fmt: skip
def test_products(asked, given):
    found = asked()
    assert found.dtype == torch.as_tensor(given).dtype
    assert np.array_equal(found.numpy(), given)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_functions(name, dtype):
    x = RIGHT.to(dtype).abs()
    for one in (x, x.mT, x[0, 0, 0]):
        found = getattr(torch, name)(one)
        assert found.dtype == dtype
        assert np.array_equal(found.numpy(), getattr(np, name)(one.numpy()))
    assert torch.equal(getattr(torch, name)(torch.tensor([1, 4])), getattr(torch, name)(torch.tensor([1.0, 4.0])))


def test_derivatives_of_any_order():
    a, b = LEFT[0].double().requires_grad_(), RIGHT[0].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: (a @ b).tanh(), (a, b))
    assert torch.autograd.gradgradcheck(lambda a, b: (a @ b).tanh(), (a, b))
