"""The files that an analysis leaves."""

import json
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.settings.analyses import ANALYSES


@pytest.fixture
def about(tmp_path, monkeypatch):
    """What is said of the nets that an analysis works on, beside those of its own name."""
    monkeypatch.chdir(tmp_path)
    for key, scale in (("d-a", "large"), ("d-b", "small")):
        said = {"experiment": key, "title": "x", "scale": scale, "data": f"Noise of {key}", "replicas": 3, "models": {}}
        Path(f"runs/{key}").mkdir(parents=True)
        Path(f"runs/{key}/about.json").write_text(json.dumps(said))
    return {"experiment": "d-a", "scale": "small", "data": "Noise of d-b", "replicas": 3}


def test_an_analysis_says_of_what_nets_it_is(about):
    table = pd.DataFrame({"alpha": [0, 1], "loss": [1 / 3, nan]})
    numbers = {"A": {"mean": np.float64(2 / 3), "list": [np.float64(1e-9 / 3), 2], "none": None, "count": 12345678}}
    write_analysis("fit", "d-a", "d-b", table, numbers, more=table.iloc[1:])
    assert Path("plots/d/d-a/more.csv").read_text() == "alpha,loss\n1,\n"
    assert Path("plots/d/d-a/fit.csv").read_text() == "alpha,loss\n0,0.333333\n1,\n"
    expected = {"mean": 0.666667, "list": [3.33333e-10, 2], "none": None, "count": 12345678}
    assert json.loads(Path("metrics/d/d-a.fit.json").read_text()) == about | {"A": expected}


def test_every_analysis_has_a_table_of_replicas_of_its_own():
    paths = {replicas_of(key, section) for key in ("d-a", "d-b") for section in ANALYSES}
    assert len(paths) == 2 * len(ANALYSES)
    assert replicas_of("d-a", "fit") == Path("runs/d-a.fit.csv")


@pytest.mark.usefixtures("about")
def test_a_number_that_is_not_finite_is_never_written():
    with pytest.raises(ValueError, match="JSON"):
        write_analysis("fit", "d-a", "d-b", pd.DataFrame({"x": [1]}), {"a": [nan]})
    assert not Path("metrics/d/d-a.fit.json").exists()
