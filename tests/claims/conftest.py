"""Tables as the pipeline leaves them, made up."""

from dataclasses import replace

import pandas as pd
import pytest

from netclaims.claims.experiment_tables import Tables
from netclaims.files import write_json, write_table
from netclaims.paths import metrics_of
from netclaims.training.runs import runs_of
from netclaims.training.settings import Training


@pytest.fixture(scope="session")
def experiment(experiment):
    """An entry, resolved, under the name of the tables."""
    return lambda *args, **changes: replace(experiment(*args, **changes), key="d-a")


@pytest.fixture
def leave(tmp_path, monkeypatch):
    """Leaves an experiment's tables as training does, and opens them.

    `nets` gives what a net's row has besides its settings, from these, or None where it was not trained, `about`
    what metrics say in another way than that all epochs were trained, and `series` the table of one net's course.
    """
    monkeypatch.chdir(tmp_path)

    def make(training: Training, nets=lambda net: {}, replicas=3, about=None, **series) -> Tables:
        rows, runs = [], runs_of(replace(training, replicas=replicas), "cpu")
        for number, run in enumerate(runs):
            for index, net in enumerate(run.members):
                row = {"run": number, "member": index, "function": net.function, "model": run.model, **run.setting}
                row |= {"replica": net.replica, "parameters": training.parameters(run.model), "diverged": False}
                row |= {"epoch": max(1, (about or {}).get("epochs", run.epochs)), "train_loss": 1.0, "test_loss": 2.0}
                row |= {} if training.functions else {"train_accuracy": 0.75, "test_accuracy": 0.5}
                if (also := nets(row)) is not None:
                    rows.append(row | also)
        write_table(tmp_path / "runs" / "d-a" / "nets.csv", pd.DataFrame(rows))
        for name, course in series.items():
            parts = [pd.DataFrame(course(row)).assign(run=row["run"], member=row["member"]) for row in rows]
            write_table(tmp_path / "runs" / "d-a" / f"{name}.csv", pd.concat(parts))
        steps = {run.steps for run in runs if run.equal == "steps"}
        said = {"scale": training.scale, "data": "Noise", "train_examples": training.train_size, "replicas": replicas}
        said |= {"epochs": training.epochs_stated, "epochs_stated": training.epochs_stated}
        said |= {"equal_steps": steps.pop()} if steps else {}
        write_json(tmp_path / metrics_of("d-a"), said | (about or {}))
        return Tables("d-a", training)

    return make
