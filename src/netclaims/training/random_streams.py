"""Random streams that depend on what they are for and on nothing else."""

from __future__ import annotations

from hashlib import sha256

import torch


def stream(*key: str | int) -> torch.Generator:
    """Return a generator seeded by the parts of `key`, such as (seed, experiment, replica, purpose).

    Equal keys give equal streams and different keys give independent ones, in whatever order or process they
    are asked for. Nets whose keys are equal are paired: replica i of every model and swept value starts from
    the same weights, where the shapes are equal, and sees its data in the same order.
    """
    digest = sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
