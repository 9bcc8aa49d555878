"""The page of verdicts at other thresholds."""

import pandas as pd

from benchmarks.thresholds import render

COLUMNS = ["claim", "threshold", "value", "verdict", "read", "scale"]


def test_a_row_has_every_value_and_rows_that_change_stand_out():
    verdicts = {"1": "supported", "2": "refuted"}
    rows = [("a-one", "than", value, verdict, value == "1", "quick") for value, verdict in verdicts.items()]
    rows += [("a-one", "within", value, "undecided", value == "1", "quick") for value in ("1", "2")]
    text = render(pd.DataFrame(rows, columns=COLUMNS))
    assert "| **a-one** | quick | than | ✔ 1, ✘ 2 |" in text
    assert "| a-one | quick | within | ? 1, ? 2 |" in text
    assert " 1 of 2 rows" in " ".join(text.split())


def test_a_claim_stands_at_the_scale_that_comes_first():
    rows = [("b-two", "than", "1", "supported", True, "paper"), ("a-one", "than", "1", "refuted", True, "quick")]
    rows += [("b-two", "than", "1", "undecided", True, "quick")]
    lines = render(pd.DataFrame(rows, columns=COLUMNS)).splitlines()
    assert lines[-2:] == ["| a-one | quick | than | ✘ 1 |", "| b-two | paper | than | ✔ 1 |"]
