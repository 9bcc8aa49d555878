"""The small axis of a claim's effect."""

import re

import pandas as pd
import pytest

from netclaims.present.interval_axis import WIDTH, axis


def drawn(**values) -> list[tuple[float, str, str]]:
    """The numbers on the axis: place, anchor and text."""
    row = {"unit": "ratio", "effect": 0.17, "low": 0.13, "high": 0.21, "claimed_low": 0.5, "claimed_high": 3.0} | values
    found = re.findall(r'<text x="([^"]+)" y="[^"]+" text-anchor="(\w+)">([^<]+)', axis(pd.Series(row), "refuted"))
    return [(float(x), anchor, said) for x, anchor, said in found]


@pytest.mark.parametrize(("low", "high"), [(0.833, 1.2), (0.95, 1.05), (0.01, 100.0), (0.1, 0.101)])
def test_numbers_of_the_claimed_range_do_not_collide(low, high):
    left, right = drawn(claimed_low=low, claimed_high=high)
    size = 7  # of a digit, at most
    ends = [x + size * len(said) * {"start": 1, "middle": 0.5, "end": 0}[anchor] for x, anchor, said in (left, right)]
    starts = [x - size * len(said) * {"start": 0, "middle": 0.5, "end": 1}[anchor] for x, anchor, said in (left, right)]
    assert ends[0] <= starts[1]
    assert starts[0] >= 0
    assert ends[1] <= WIDTH


def test_a_claim_without_an_end_has_one_number():
    assert [said for _, _, said in drawn(claimed_high=float("inf"))] == ["0.5"]


@pytest.mark.parametrize("lacks", ["effect", "unit"])
def test_nothing_is_drawn_of_no_effect(lacks):
    assert drawn(**{lacks: float("nan")}) == []
