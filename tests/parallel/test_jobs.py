"""Several runs at once: the same traces, in the order of the runs."""

import shutil
from dataclasses import replace
from time import sleep

import pytest
import torch

from netclaims.parallel import processes
from netclaims.parallel.jobs import in_parallel
from netclaims.paths import CHECKPOINTS
from netclaims.training import all_runs
from netclaims.training.all_runs import train_all
from netclaims.training.loop import train
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import runs_of

pytestmark = pytest.mark.usefixtures("prepared")

MODELS = {"A": {"layers": [10]}, "B": {"layers": [16, 10]}, "C": {"layers": [3, 10]}}


def workers(monkeypatch, count: int) -> None:
    monkeypatch.setattr(processes, "cpu_count", lambda: count)


def equal(one: TrainingRecord, other: TrainingRecord) -> bool:
    return (one.epochs, one.last, one.diverged) == (other.epochs, other.last, other.diverged) and all(
        a.keys() == b.keys() and all(torch.equal(x, b[name]) for name, x in a.items())
        for a, b in ((one.weights, other.weights), (one.history, other.history), (one.steps, other.steps))
    )


def work(number: int, word: str) -> tuple[str, int]:
    """The earlier, the slower; other processes find it by its name."""
    sleep(0.02 * (5 - number))
    return f"{word} {number}", torch.get_num_threads()


@pytest.mark.parametrize("count", [1, 2, 8])
def test_results_are_in_the_order_of_the_jobs_and_each_has_one_thread(count, monkeypatch, capfd):
    workers(monkeypatch, count)
    torch.set_num_threads(2)
    found = in_parallel(work, [(number, "job") for number in range(5)], "five jobs")
    assert found == [(f"job {number}", 1) for number in range(5)]
    assert capfd.readouterr() == ("", "")  # no progress where nobody watches


@pytest.mark.parametrize("count", [1, 2, 8])
def test_traces_do_not_depend_on_the_number_of_workers(count, experiment, monkeypatch):
    entry = experiment(models=MODELS, optimiser="adam", record={"gradient_norm": "step"}, shuffle_labels=0.5)
    runs = runs_of(entry, "cpu")
    assert len(runs) == 4
    workers(monkeypatch, count)
    found = train_all(runs, entry, {})
    assert len(found) == 4
    assert all(equal(trace, train(run, entry)) for run, trace in zip(runs, found, strict=True))


def test_the_order_of_the_runs_does_not_matter(experiment, monkeypatch):
    entry = experiment(models=MODELS)
    runs = runs_of(entry, "cpu")
    workers(monkeypatch, 1)
    one = train_all(runs, entry, {})
    shutil.rmtree(CHECKPOINTS)
    other = train_all(runs[::-1], entry, {})
    assert all(map(equal, one, other[::-1]))


def test_largest_first(experiment, monkeypatch):
    entry, done = experiment(models=MODELS, replicas=1), []

    def pretend(run, experiment, watch, checkpoint):
        done.append(run.model)
        return TrainingRecord(diverged=[False], last=[len(done)])

    monkeypatch.setattr(all_runs, "train", pretend)
    workers(monkeypatch, 1)
    traces = train_all(runs_of(entry, "cpu"), entry, {})
    assert done == ["B", "A", "C"]
    assert [trace.last for trace in traces] == [[2], [1], [3]]  # of A, B, C


def test_a_run_that_diverges_is_said_once_on_stderr(experiment, run_of, monkeypatch, capfd):
    entry = experiment("functions", activation="leaky_relu", epochs=20)
    good = run_of(entry, replicas=2, key="d-a")
    workers(monkeypatch, 1)
    traces = train_all([good, replace(good, learning_rate=1e6)], entry, {})
    assert [trace.diverged for trace in traces] == [[False, False], [True, True]]
    assert capfd.readouterr() == ("", "d-a: run 2 of 2, A: 2 of 2 nets diverged\n")
