"""The verdicts, in the one place where they stand, and where others have to agree with them."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from netclaims.claims.verdicts import VERDICTS
from netclaims.present import style

ROOT = Path(__file__).parents[2]


def test_each_has_a_look_of_its_own():
    assert [*VERDICTS] == ["supported", "refuted", "undecided", "not testable", "not run"]
    for one, other in combinations(VERDICTS.values(), 2):
        assert one.mark != other.mark
        assert one.colour != other.colour
        assert one.marker != other.marker
    for name, verdict in VERDICTS.items():
        assert verdict.name == name
        assert len(verdict.mark) == 1
        assert verdict.marker in Line2D.markers
        assert len(to_rgb(verdict.colour)) == 3
    assert [VERDICTS[name].colour for name in ("supported", "refuted")] == style.PALETTE[:2]


@pytest.mark.parametrize("name", VERDICTS)
def test_pages_have_a_rule_for_each(name):
    """Their colours are for text, and of two kinds, for light and for dark pages."""
    rules = (ROOT / "src/netclaims/present/templates/page.css").read_text(encoding="utf-8")
    assert re.search(rf"^[^{{]*\.{name.replace(' ', '-')}\b[^{{]*\{{", rules, re.MULTILINE)
