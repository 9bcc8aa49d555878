"""The machine's own peak: how fast torch multiplies large square matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.timing import ALL, ONE, Contender, Entry, interleave

SIDE = 2048
REPEATS = 7


class Multiply(Contender):
    """One product of two matrices."""

    def __init__(self, dtype: str) -> None:
        """Draw random numbers of this type."""
        self._left, self._right = torch.rand(2, SIDE, SIDE, dtype=getattr(torch, dtype))

    def work(self, repeat: int) -> torch.Tensor:
        """Return the product."""
        return self._left @ self._right

    def outcome(self, done: torch.Tensor) -> NDArray[np.floating]:
        """Return nothing to compare."""
        return np.empty(0)


def measure_peak(folder: Path) -> dict[str, float]:
    """Measure floating-point operations in a second, the best of all repeats.

    Returns:
        Operations by type and cores, such as `float32, one core`: `float32` and `float64`, on one core and on all.
    """
    entries = [
        Entry(f"{dtype}, {cores}", "", "benchmarks.peak:Multiply", {"dtype": dtype}, cores, process=cores)
        for cores in (ONE, ALL)
        for dtype in ("float32", "float64")
    ]
    timed = interleave(entries, folder, REPEATS, "peak")
    return {name: 2 * SIDE**3 / min(result.seconds) for name, result in timed.items()}
