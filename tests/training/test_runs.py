"""The list of runs: every model with every setting, members in groups, the control last; and what runs record."""

from itertools import pairwise
from math import ceil

import pytest

from netclaims.tables.columns import SETTINGS
from netclaims.training.runs import Member, recorded_epochs, runs_of, snapshot_epochs

TWO = {"models": {"A": {"layers": [10]}, "B": {"layers": [64, 10]}}}  # B trains one at a time
BATCHES = {"sweep": {"batch_size": [8, 4], "equal": ["epochs", "steps"]}, "against": "batch_size"}


# ----------------------------------------------------------------------------------------------- models and settings


def test_every_model_with_every_setting(experiment):
    found = experiment(models={"A": {"layers": [10]}, "B": {"layers": [3, 10]}}, knobs={"seed": 7}, **BATCHES)
    runs = runs_of(found, "cpu")
    assert len(found.settings) == 4
    assert [run.model for run in runs] == ["A"] * 4 + ["B"] * 4
    for run, setting in zip(runs, found.settings * 2, strict=True):
        assert {name: getattr(run, name) for name in vars(setting)} == vars(setting)
    assert {(run.key, run.seed) for run in runs} == {("d-test", 7)}
    assert {run.members for run in runs} == {(Member(None, 0), Member(None, 1))}


def test_the_setting_of_a_run_is_what_a_sweep_can_vary(experiment):
    (run,) = runs_of(experiment(), "cpu")
    own = {"optimiser": "sgd", "learning_rate": 0.05, "batch_size": 16, "shuffle_labels": 0.0, "equal": "epochs"}
    assert run.setting == own
    assert list(run.setting) == SETTINGS


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_run_is_on_the_device(device, experiment):
    assert {run.device for run in runs_of(experiment(**TWO, **BATCHES, control=4), device)} == {device}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_control_is_trained_with_every_model_once_more_and_last(device, experiment):
    runs = runs_of(experiment(**TWO, **BATCHES, control=4), device)
    others = runs_of(experiment(**TWO, **BATCHES), device)
    assert runs[: len(others)] == others
    groups = {"cpu": [("A", 2), ("B", 1), ("B", 1)], "cuda": [("A", 2), ("B", 2)]}
    found = [(run.model, len(run.members)) for run in runs if run.control]
    assert found == groups[device]
    assert {(run.batch_size, run.equal, run.control) for run in runs[len(others) :]} == {(4, "epochs", True)}


# ----------------------------------------------------------------------------------------------- members of the runs


@pytest.mark.parametrize(
    ("layers", "replicas", "groups"),
    [
        ([10], 3, [3]),
        ([10], 25, [5, 5, 5, 5, 5]),  # by the kernel, which has no use of more together
        ([10], 7, [5, 2]),
        ([{"resize": 4}, 3, 10], 7, [5, 2]),
        ([3, 10, "softmax"], 60, [25, 25, 10]),
        ([{"pool": 4}, 164, 10], 3, [3]),  # 9,850 parameters
        ([{"pool": 4}, 167, 10], 3, [1, 1, 1]),  # 10,030
        ([64, 10], 2, [1, 1]),
    ],
)
def test_small_nets_train_together(layers, replicas, groups, experiment):
    runs = runs_of(experiment(models={"A": {"layers": layers}}, knobs={"replicas": replicas}), "cpu")
    assert [len(run.members) for run in runs] == groups
    assert [net for run in runs for net in run.members] == [Member(None, i) for i in range(replicas)]


@pytest.mark.parametrize(("replicas", "groups"), [(3, [3]), (60, [25, 25, 10])])
def test_on_a_gpu_large_nets_do_as_well(replicas, groups, experiment):
    runs = runs_of(experiment(models={"A": {"layers": [64, 10]}}, knobs={"replicas": replicas}), "cuda")
    assert [len(run.members) for run in runs] == groups


@pytest.mark.parametrize(("hidden", "parameters", "runs"), [(370, 10_000, 1), (371, 10_027, 2)])
def test_the_bound_of_small(hidden, parameters, runs, experiment):
    found = experiment(models={"A": {"layers": [{"pool": 7}, hidden, 10]}})  # of 16 inputs
    assert found.parameters("A") == parameters
    assert len(runs_of(found, "cpu")) == runs


def test_nets_of_all_functions_train_together(experiment):
    runs = runs_of(experiment("functions", functions=["sinc5", "quadratic", "log_abs"], replicas=9), "cpu")
    nets = [Member(name, i) for name in ("sinc5", "quadratic", "log_abs") for i in range(9)]
    assert [run.members for run in runs] == [tuple(nets[i : i + 5]) for i in range(0, 27, 5)]


# ---------------------------------------------------------------------------------------------- what they write down


@pytest.mark.parametrize("epochs", [*range(1, 12), 199, 200, 201, 399, 400, 401, 402, 5000, 10_001])
def test_recorded_epochs(epochs):
    found = recorded_epochs(epochs)
    assert found[0] == 0
    assert found[-1] == epochs
    assert found == sorted(set(found))
    assert len(found) <= 201
    gaps = {after - before for before, after in pairwise(found[:-1])}
    assert gaps <= {ceil(epochs / 200)}
    assert found[-1] - found[-2] <= ceil(epochs / 200)
    if epochs <= 200:
        assert found == list(range(epochs + 1))


@pytest.mark.parametrize(
    ("every", "stated", "epochs", "expected"),
    [
        (3, 15, 15, [0, 3, 6, 9, 12, 15]),
        (3, 16, 16, [0, 3, 6, 9, 12, 15]),
        (1, 5, 5, [0, 1, 2, 3, 4, 5]),
        (9, 5, 5, [0]),
        (10, 50, 25, [0, 5, 10, 15, 20, 25]),
        (10, 50, 24, [0, 4, 8, 12, 16, 20, 24]),  # 4.8 epochs apart: no fewer than stated
        (3, 15, 5, [0, 1, 2, 3, 4, 5]),
        (3, 15, 2, [0, 1, 2]),
        (3, 15, 1, [0, 1]),
        (None, 15, 15, []),
        (None, 15, 1, []),
    ],
)
def test_snapshots_lie_closer_together_where_epochs_are_cut(every, stated, epochs, expected, experiment):
    found = experiment(epochs=stated, record={"weights_every": every} if every else {})
    assert snapshot_epochs(found, epochs) == expected
