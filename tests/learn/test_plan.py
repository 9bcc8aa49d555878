"""The list of runs: epochs within the scale, settings in every combination, members in groups."""

from itertools import pairwise
from math import ceil

import pytest

from netclaims.learn.plan import Member, plan, recorded_epochs

FOLLOWS = {"follows": ["replicas", "scale"]}
CNN = {"layers": [{"conv": 2}, 10]}


@pytest.mark.parametrize(
    ("changes", "limits", "expected"),
    [
        ({"epochs": 3}, {"dense": 1000}, 3),  # the entry's own
        ({"epochs": 50}, {"dense": 28}, 4),  # 100 examples in batches of 16 are 7 steps
        ({"epochs": 50}, {"dense": 27}, 3),
        ({"epochs": 50}, {"dense": 1}, 1),  # at least one
        ({"epochs": 50, "batch_size": 100, **FOLLOWS}, {"dense": 20}, 10),  # a batch counts as two steps
        ({"epochs": 50, "batch_size": 1000, **FOLLOWS}, {"dense": 20}, 10),
        ({"epochs": 50, "batch_size": "full", **FOLLOWS}, {"dense": 20}, 10),
        ({"epochs": 50, "sweep": {"batch_size": [50, 10, 100]}, **FOLLOWS}, {"dense": 20}, 2),  # by the smallest
        ({"epochs": 50, "models": {"A": CNN}}, {"convolutional": 14}, 2),
        ({"epochs": 50, "models": {"A": {"layers": [10]}, "B": CNN}}, {"dense": 700, "convolutional": 14}, 2),
        ({"epochs": 50, "models": {"A": {"layers": [{"pool": 2}, 10]}}}, {"dense": 21, "convolutional": 7}, 3),
    ],
)
def test_epochs_are_cut_to_the_scale_for_all_alike(changes, limits, expected, experiment, params):
    runs = plan("d-a", experiment(**changes), params(**limits), examples=100)
    assert {run.epochs for run in runs} == {expected}


@pytest.mark.parametrize(("batch_size", "expected"), [("full", 30), (40, 30), (10, 7), (20, 15)])
def test_epochs_of_a_fit(batch_size, expected, experiment, params):
    entry = experiment("functions", epochs=5000, batch_size=batch_size)
    (run, *_) = plan("d-a", entry, params(functions=30, dense=1, convolutional=1), examples=40)
    assert run.epochs == expected


@pytest.mark.parametrize(
    ("own", "follows", "expected"), [(None, ["replicas", "batch_size"], 16), (32, ["replicas", "scale"], 32)]
)
def test_batch_size_is_that_of_the_entry_or_of_params(own, follows, expected, experiment, params):
    runs = plan("d-a", experiment(batch_size=own, follows=follows), params(), 100)
    assert [run.batch_size for run in runs] == [expected]


def test_a_full_batch_is_the_whole_set(experiment, params):
    (run,) = plan("d-a", experiment(batch_size="full", follows=["replicas", "scale"]), params(), 123)
    assert run.batch_size == 123


def test_every_model_with_every_combination(experiment, params):
    entry = experiment(
        models={"A": {"layers": [10]}, "B": {"layers": [3, 10]}},
        optimiser=None,
        learning_rate=None,
        sweep={"batch_size": [8, 4]},
        tune={"learning_rate": [0.1, 0.2], "optimiser": ["adam", "sgd"]},
        follows=["replicas", "scale"],
        against="batch_size",
    )
    runs = plan("d-a", entry, params(seed=7), 100)
    settings = [
        {"optimiser": optimiser, "learning_rate": rate, "batch_size": size}
        for size in (8, 4)
        for optimiser in ("adam", "sgd")
        for rate in (0.1, 0.2)
    ]
    assert [(run.model, run.setting) for run in runs] == [(model, s) for model in "AB" for s in settings]
    assert {(run.key, run.seed, run.epochs) for run in runs} == {("d-a", 7, 1)}
    assert {run.members for run in runs} == {(Member(None, 0), Member(None, 1))}


def test_settings_of_an_entry_without_a_sweep(experiment, params):
    (run,) = plan("d-a", experiment(), params(), 100)
    assert run.setting == {"optimiser": "sgd", "learning_rate": 0.05, "batch_size": 16}


@pytest.mark.parametrize(
    ("layers", "replicas", "groups"),
    [
        ([10], 3, [3]),
        ([10], 25, [25]),
        ([10], 60, [25, 25, 10]),
        ([{"pool": 4}, 164, 10], 3, [3]),  # 9,850 parameters
        ([{"pool": 4}, 167, 10], 3, [1, 1, 1]),  # 10,030
        ([64, 10], 2, [1, 1]),
    ],
)
def test_small_nets_train_together(layers, replicas, groups, experiment, params):
    runs = plan("d-a", experiment(models={"A": {"layers": layers}}), params(replicas=replicas), 100)
    assert [len(run.members) for run in runs] == groups
    assert [net for run in runs for net in run.members] == [Member(None, i) for i in range(replicas)]


@pytest.mark.parametrize(("hidden", "parameters", "runs"), [(370, 10_000, 1), (371, 10_027, 2)])
def test_the_bound_of_small(hidden, parameters, runs, experiment, params):
    entry = experiment(models={"A": {"layers": [{"pool": 7}, hidden, 10]}})  # of 16 inputs
    assert entry.parameters("A") == parameters
    assert len(plan("d-a", entry, params(), 100)) == runs


def test_nets_of_all_functions_train_together(experiment, params):
    entry = experiment("functions", functions=["sinc5", "quadratic", "log_abs"], replicas=9, follows=["seed", "scale"])
    runs = plan("d-a", entry, params(), 40)
    nets = [Member(name, i) for name in ("sinc5", "quadratic", "log_abs") for i in range(9)]
    assert [run.members for run in runs] == [tuple(nets[:25]), tuple(nets[25:])]


@pytest.mark.parametrize(("own", "common", "most", "expected"), [(None, 4, 9, 4), (7, 4, 9, 7), (7, 4, 3, 3)])
def test_replicas(own, common, most, expected, experiment, params):
    follows = ["replicas", "batch_size"] if own is None else ["seed", "batch_size"]
    runs = plan("d-a", experiment(replicas=own, follows=follows), params(replicas=common, max_replicas=most), 100)
    assert [len(run.members) for run in runs] == [expected]


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
