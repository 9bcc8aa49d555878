"""What is made up: numbers for tables, and chances for hypothesis."""

import numpy as np
from hypothesis import strategies as st


def rarely(draw, of: int) -> bool:
    """Tell yes once in so many times. Hypothesis prefers the ends of a range, and so it is its middle."""
    return draw(st.integers(0, of - 1)) == of // 2


def numbers(random: np.random.Generator, size: int, kind: str) -> np.ndarray:
    """What was measured: of every sign and size, all the same, or with gaps."""
    found = random.normal(size=size) * 10.0 ** random.integers(-3, 4)
    match kind:
        case "same":
            found[:] = found[0]
        case "whole":
            found = np.abs(found).round()
        case "gaps":
            found[random.random(size) < 0.3] = np.nan
        case "huge":
            found *= 1e300
    return found
