"""Tables as the pipeline leaves them, made up."""

from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a table of the experiment x-y."""
    monkeypatch.chdir(tmp_path)
    folder = Path("plots/x/x-y")
    folder.mkdir(parents=True)

    def table(rows, name="curves"):
        frame = pd.DataFrame(rows)
        frame.to_csv(folder / f"{name}.csv", index=False)
        return frame

    return table
