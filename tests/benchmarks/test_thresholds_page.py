"""The page of verdicts at other thresholds."""

import pandas as pd

from benchmarks.thresholds import render


def test_a_row_has_every_value_and_rows_that_change_stand_out():
    verdicts = {"1": "supported", "2": "refuted"}
    rows = [("a-one", "than", value, verdict, value == "1") for value, verdict in verdicts.items()]
    rows += [("a-one", "within", value, "undecided", value == "1") for value in ("1", "2")]
    text = render(pd.DataFrame(rows, columns=["claim", "threshold", "value", "verdict", "read"]), "quick")
    assert "| **a-one** | than | ✔ 1, ✘ 2 |" in text
    assert "| a-one | within | ? 1, ? 2 |" in text
    assert "results of the quick scale" in text
    assert "1 of 2 rows" in text
