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
    table = pd.DataFrame({"scope": "whole model", "replica": 0, "epoch": [0, 1], "pc1": [1 / 3, nan], "pc2": 0})
    surface = pd.DataFrame({"plane": "main components", "x": [0.0], "y": 0, "loss": [nan]})
    numbers = {"A": {"mean": np.float64(2 / 3), "list": [np.float64(1e-9 / 3), 2], "none": None, "count": 12345678}}
    write_analysis("pca", "d-a", "d-b", table, numbers, surface=surface)
    assert Path("plots/d/d-a/surface.csv").read_text() == "plane,x,y,loss\nmain components,0,0,\n"
    rows = "whole model,0,0,0.333333,0\nwhole model,0,1,,0\n"
    assert Path("plots/d/d-a/pca.csv").read_text() == f"scope,replica,epoch,pc1,pc2\n{rows}"
    expected = {"mean": 0.666667, "list": [3.33333e-10, 2], "none": None, "count": 12345678}
    assert json.loads(Path("metrics/d/d-a.pca.json").read_text()) == about | {"A": expected}


def test_every_analysis_has_a_table_of_replicas_of_its_own():
    paths = {replicas_of(key, section) for key in ("d-a", "d-b") for section in ANALYSES}
    assert len(paths) == 2 * len(ANALYSES)
    assert replicas_of("d-a", "fit") == Path("runs/d-a.fit.csv")


@pytest.mark.usefixtures("about")
def test_a_number_that_is_not_finite_is_never_written():
    table = pd.DataFrame({"scope": "whole model", "replica": 0, "epoch": [0], "pc1": 1, "pc2": 0})
    with pytest.raises(ValueError, match="JSON"):
        write_analysis("pca", "d-a", "d-b", table, {"a": [nan]})
    assert not Path("metrics/d/d-a.pca.json").exists()


@pytest.mark.usefixtures("about")
def test_a_table_that_is_not_as_declared_is_never_written():
    table = pd.DataFrame({"scope": "whole model", "replica": 0, "epoch": [0], "pc1": 1})
    with pytest.raises(ValueError, match=r"^the table pca lacks the column pc2: "):
        write_analysis("pca", "d-a", "d-b", table, {})
    assert not Path("plots/d/d-a/pca.csv").exists()
