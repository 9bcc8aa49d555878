"""Where nets train: on a GPU, if there is one, or on the processor."""

from __future__ import annotations

import os
import subprocess
import sys

import torch
import yaml

from netclaims.errors import SettingsError
from netclaims.paths import PARAMS

# What a driver reports can be too old for torch, or taken: that shows in the first product. In a process of its own, as
# forked processes cannot use a GPU that their parent has opened.
PROBE = """
import sys, torch
try:
    (torch.ones(2, 2, device="cuda") @ torch.ones(2, 2, device="cuda")).cpu()
except Exception as error:
    sys.exit(str(error).splitlines()[0])
"""
PATIENCE = 120  # seconds in which a GPU answers


def wanted() -> str:
    """Return what `params.yaml` asks for: auto, cpu or cuda.

    It stands in no recipe: where nets train changes last digits only, and a machine with a GPU need not train all anew.
    """
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8")).get("device", "auto")


def choose(device: str, cluster: bool = False) -> str:
    """Choose `cuda` or `cpu` by what is asked for; `auto` takes a GPU where torch finds one that can be used.

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
    if device == "cpu" or not torch.cuda.is_available():
        fault = "torch finds no GPU"
    elif reason := _fault():
        fault = f"the GPU that torch finds cannot be used: {reason}"
        if device == "auto":
            sys.stderr.write(f"nets train on the processor, as {fault}\n")
    else:
        return "cuda"
    if device == "cuda":
        raise SettingsError(f"{PARAMS}: device: auto or cpu, as {fault} (found 'cuda')")
    return "cpu"


def _fault() -> str:
    """Tell in a line why the GPU cannot be used; an empty one if it can."""
    try:
        result = subprocess.run(  # noqa: S603 (words of this module)
            [sys.executable, "-c", PROBE], capture_output=True, encoding="utf-8", errors="replace", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"it does not answer in {PATIENCE} s"
    said = result.stderr.strip().splitlines() or [f"a first product ends with status {result.returncode}"]
    return said[-1] if result.returncode else ""
