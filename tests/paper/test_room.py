"""What a run at the paper scale takes, told before it starts."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from netclaims.paper import room


@pytest.mark.parametrize(("weights_every", "kept"), [(None, 1), (2, 4), (7, 1)])
def test_the_disk_holds_all_weights_three_times(weights_every, kept, experiment):
    found = experiment(images=100, epochs=6, replicas=3, record={"weights_every": weights_every})
    parameters = sum(found.parameters(model) for model in found.models)
    assert room.disk([found, found]) == 2 * 3 * 4 * 3 * parameters * kept


def test_what_is_short_is_said_in_a_line(experiment, monkeypatch):
    found = [experiment(images=100, epochs=6)]
    assert room.shortage(found, 3, Path()) == ""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2.4e9))
    assert room.shortage(found, 3, Path()) == "3 processes take about 2 GB of memory, and 2 GB are available"
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    assert room.shortage(found, 3, Path()).endswith(": 0.0 GB of trained nets to be kept, and 0.0 GB free")
