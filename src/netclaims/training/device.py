"""Where nets train: on a GPU, if there is one, or on the processor."""

from __future__ import annotations

import os

import torch
import yaml

from netclaims.errors import SettingsError
from netclaims.paths import PARAMS


def wanted() -> str:
    """Return what `params.yaml` asks for: auto, cpu or cuda.

    It stands in no recipe: where nets train changes last digits only, and a machine with a GPU need not train all anew.
    """
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8")).get("device", "auto")


def choose(device: str, cluster: bool = False) -> str:
    """Choose `cuda` or `cpu` by what is asked for; `auto` takes a GPU where torch finds one.

    Random streams are the processor's on either, so that a net starts from the same weights and sees its data in the
    same order; sums are rounded in another order.

    Args:
        device: auto, cpu or cuda.
        cluster: whether runs go to other machines, whose processors alone they ask for.

    Raises:
        SettingsError: `cuda` is asked for, and there is no GPU to use.
    """
    if cluster:
        if device == "cuda":
            raise SettingsError(
                f"{PARAMS}: device: auto or cpu, as Ray's machines train on their processors (found 'cuda')"
            )
        return "cpu"
    # With this, torch asks the driver for its GPUs without opening one: forked processes could not use it then.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    available = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not available:
        raise SettingsError(f"{PARAMS}: device: auto or cpu, as torch finds no GPU (found 'cuda')")
    return "cuda" if available else "cpu"
