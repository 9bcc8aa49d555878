"""What the tests of data share."""

import numpy as np
import pytest

from netclaims.errors import DataError


@pytest.fixture
def random():
    return np.random.default_rng(0)


def refused(*expected: str):
    """A DataError of one line that has all these parts in it."""
    pattern = "".join(f"(?=.*{part})" for part in expected)
    return pytest.raises(DataError, match=rf"\A{pattern}[^\n]+\Z")
