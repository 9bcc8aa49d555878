"""The target functions that the reports fit, each as a closed form of x in [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DOMAIN = (-1.0, 1.0)

FUNCTIONS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "sinc5": ("sin(5πx)/(5πx)", lambda x: np.sinc(5 * x)),
    "sign_sin5": ("sgn(sin(5πx))", lambda x: np.sign(np.sin(5 * np.pi * x))),
    "swish": ("x·σ(x)", lambda x: x / (1 + np.exp(-x))),
    "sign_cos10": ("sgn(cos(10x)/x)", lambda x: np.sign(np.cos(10 * x)) / np.sign(x)),  # it has no value at 0
    "sin_affine": ("sin(0.2x + 1)", lambda x: np.sin(0.2 * x + 1)),
    "quadratic": ("5x² - 0.5x + 0.2", lambda x: 5 * x**2 - 0.5 * x + 0.2),
    "log_abs": ("log|2x + 0.5|", lambda x: np.log(np.abs(2 * x + 0.5))),
}


def formula(name: str) -> str:
    """Return the function as people write it."""
    return FUNCTIONS[name][0]


def evaluate(name: str, x: Array) -> Array:
    """Return the values of the named function at `x`, of the same shape."""
    return FUNCTIONS[name][1](x)


def grid(points: int) -> Array:
    """Return `points` equally spaced positions on the domain, ends included."""
    return np.linspace(*DOMAIN, points)
