"""Tables on disk: what is read back is what was written."""

from io import StringIO
from math import nan

import numpy as np
import pandas as pd
import pytest

from netclaims.digits import all_digits, percent
from netclaims.files import parse_csv, read_csv, write_table
from netclaims.tables.columns import EXACT, WORDS

NAMES = ["NA", "nan", "null", "None", "1", "007", "1e3", "True", "inf", "-1.50", "N/A", "A"]


@pytest.mark.parametrize("names", [NAMES, ["1", "007", "-1.50"], ["True", "False"], ["NA", "null"]])
@pytest.mark.parametrize("column", sorted(WORDS))
def test_words_stay_words(column, names, tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, pd.DataFrame({column: names, "loss": 0.5}))
    assert read_csv(path)[column].tolist() == names
    assert parse_csv(StringIO(path.read_text()))[column].tolist() == names


def test_what_is_empty_is_a_gap(tmp_path):
    path = tmp_path / "t.csv"
    table = pd.DataFrame(
        {"function": [None, None], "model": ["NA", None], "loss": [nan, 1.5], "diverged": [True, False]}
    )
    write_table(path, table)
    found = read_csv(path)
    assert found.isna().to_numpy().tolist() == [[True, False, True, False], [True, True, False, False]]
    assert found["loss"].dtype == float
    assert found["diverged"].tolist() == [True, False]


@pytest.mark.parametrize("column", sorted(EXACT))
def test_what_was_set_keeps_all_its_digits(column, tmp_path):
    random = np.random.default_rng(0)
    values = [
        0.0,
        1.0,
        0.1,
        1 / 3,
        0.001234567,
        1e-10,
        1234567.0,
        1_000_005.0,
        2.0**53,
        *10 ** random.uniform(-9, 9, 500),
    ]
    path = tmp_path / "t.csv"
    write_table(path, pd.DataFrame({column: values, "loss": values}))
    found = read_csv(path)
    assert found[column].tolist() == values
    assert found["loss"].tolist() == [float(f"{value:.6g}") for value in values]  # measured numbers have six
    write_table(path, pd.DataFrame({column: [1_000_000, 1_000_005]}))
    assert path.read_text() == f"{column}\n1000000\n1000005\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(64, "64"), (0.05, "0.05"), (0.0, "0"), (1e-5, "1e-05"), (1e6, "1e+06"), (1_000_005, "1000005"),
     (0.001234567, "0.001234567"), (np.float64(1 / 3), "0.3333333333333333"), (np.int64(1234567), "1234567")],
)  # fmt: skip
def test_as_many_digits_as_there_are(value, expected):
    assert all_digits(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, "0"), (1.0, "100"), (0.07, "7"), (0.25, "25"), (1e-6, "0.0001"), (0.1234567, "12.34567"),
     (0.12345671, "12.345671")],
)  # fmt: skip
def test_per_cent_with_as_many_digits_as_there_are(share, expected):
    assert percent(share) == expected


def test_a_gap_in_a_column_of_set_numbers(tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, pd.DataFrame({"learning_rate": [0.05, nan], "loss": [1.0, 2.0]}))
    assert path.read_text() == "learning_rate,loss\n0.05,1\n,2\n"
