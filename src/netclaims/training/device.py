"""Where nets train: on a GPU, if there is one, or on the processor."""

from __future__ import annotations

import os

import torch

from netclaims.errors import SettingsError
from netclaims.paths import PARAMS


def choose(device: str) -> str:
    """`cuda` or `cpu`: what `device` asks for, a GPU being taken by `auto` where torch finds one.

    Random streams are the processor's on either, so that a net starts from the same weights and sees its data in the
    same order; sums are rounded in another order.

    Raises:
        SettingsError: `cuda` is asked for, and torch finds no GPU.
    """
    # Asks the driver for its GPUs without opening one, which would bar forked processes from using it.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    available = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not available:
        raise SettingsError(f"{PARAMS}: device: auto or cpu, as torch finds no GPU (found 'cuda')")
    return "cuda" if available else "cpu"
