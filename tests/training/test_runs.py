"""The list of runs: epochs and steps within the scale, settings in every combination, members in groups, a control."""

from dataclasses import replace
from itertools import pairwise
from math import ceil

import pytest

from netclaims.settings.experiments import Sweep
from netclaims.training import budget as cost
from netclaims.training.budget import epoch_seconds
from netclaims.training.runs import SETTINGS, Member, plan, recorded_epochs, snapshot_epochs

FOLLOWS = {"follows": ["replicas", "scale"]}
OWN = {"follows": ["seed", "scale"]}  # replicas, and a batch size
CNN = {"layers": [{"conv": 2}, 10]}


@pytest.fixture
def _a_second_a_step(monkeypatch):
    """A step of one net costs a second, and nothing else costs anything."""
    for name in ("STEP", "STACKED_STEP"):
        monkeypatch.setattr(cost, name, 1.0)
    for name in ("PARAMETER", "MULTIPLICATION", "NUMBER"):
        monkeypatch.setattr(cost, name, 0.0)


@pytest.mark.usefixtures("_a_second_a_step")
@pytest.mark.parametrize(
    ("changes", "seconds", "expected"),
    [
        ({"epochs": 3}, 1e9, 3),  # the entry's own
        ({"epochs": 50}, 84, 4),  # of 3 replicas; 100 examples in batches of 16 are 7 steps
        ({"epochs": 50}, 83.9, 3),
        ({"epochs": 50}, 1050, 50),
        ({"epochs": 50}, 20, 1),  # at least one
        ({"epochs": 50}, 1e-9, 1),
        ({"epochs": 50, "batch_size": 50, **FOLLOWS}, 60, 10),
        ({"epochs": 50, "batch_size": 64, **FOLLOWS}, 60, 10),
        ({"epochs": 50, "batch_size": 100, **FOLLOWS}, 60, 10),  # counts as two steps
        ({"epochs": 50, "batch_size": 1000, **FOLLOWS}, 60, 10),  # as large as the set
        ({"epochs": 50, "batch_size": "full", **FOLLOWS}, 60, 10),
        ({"epochs": 50, "sweep": {"batch_size": [50, 10, 100]}, **FOLLOWS}, 84, 2),  # 2 + 10 + 2 steps
        ({"epochs": 50, "learning_rate": None, "tune": {"learning_rate": [0.1, 0.2, 0.3]}}, 126, 2),
        ({"epochs": 50, "models": {"A": {"layers": [10]}, "B": CNN}}, 84, 2),
    ],
)
def test_epochs_are_cut_to_the_scale_for_all_alike(changes, seconds, expected, experiment, params):
    runs = plan("d-a", experiment(**changes), params(train_seconds=seconds), examples=100)
    assert {run.epochs for run in runs} == {expected}


@pytest.mark.usefixtures("_a_second_a_step")
@pytest.mark.parametrize(("batch_size", "expected"), [("full", 30), (40, 30), (100, 30), (10, 7), (20, 15), (39, 15)])
@pytest.mark.parametrize(("functions", "times"), [(["sinc5"], 1), (["sinc5", "swish"], 2)])
def test_epochs_of_a_fit(batch_size, expected, functions, times, experiment, params):
    entry = experiment("functions", functions=functions, epochs=5000, batch_size=batch_size)
    (run, *_) = plan("d-a", entry, params(train_seconds=90 * times), examples=40)
    assert run.epochs == expected


@pytest.mark.usefixtures("_a_second_a_step")
@pytest.mark.parametrize(("knob", "most"), [(1, 100), (2, 2), (3, 100), (50, 100)])
def test_the_replicas_knob_does_not_change_the_epochs(knob, most, experiment, params):
    settings = params(replicas=knob, max_replicas=most, train_seconds=84)
    runs = plan("d-a", experiment(epochs=50), settings, 100)
    assert {run.epochs for run in runs} == {4}
    assert sum(len(run.members) for run in runs) == min(knob, most)


@pytest.mark.usefixtures("_a_second_a_step")
def test_neither_do_more_replicas_than_it_says(experiment, params):
    runs = plan("d-a", experiment(epochs=50, least_replicas=7), params(replicas=3, train_seconds=84), 100)
    assert {run.epochs for run in runs} == {4}
    assert sum(len(run.members) for run in runs) == 7


@pytest.mark.usefixtures("_a_second_a_step")
@pytest.mark.parametrize(("own", "most", "expected"), [(1, 100, 24), (3, 100, 8), (8, 100, 3), (8, 2, 12)])
def test_the_entrys_own_replicas_do(own, most, expected, experiment, params):
    entry = experiment(epochs=50, replicas=own, follows=["seed", "batch_size"])
    runs = plan("d-a", entry, params(replicas=5, max_replicas=most, train_seconds=168), 100)
    assert {run.epochs for run in runs} == {expected}


LARGE = {"models": {"A": {"layers": [{"conv": 8}, {"pool": 2}, 64, 10]}, "B": {"layers": [512, 10]}}}
BOUNDED = [
    ("mnist", {}),
    ("mnist", LARGE),
    ("mnist", LARGE | {"sweep": {"batch_size": [16, 1000]}, **FOLLOWS}),
    ("mnist", LARGE | {"sweep": {"batch_size": [16, 1000]}, "against": "batch_size", "control": 16, **FOLLOWS}),
    ("mnist", {"sweep": {"shuffle_labels": [0, 0.5, 1]}, "against": "shuffle_labels", "control": 1}),
    ("mnist", {"replicas": 7, "follows": ["seed", "batch_size"]}),
    ("functions", {"functions": ["sinc5", "swish"], "models": {"A": {"layers": [6, 1]}, "B": {"layers": [99, 1]}}}),
    ("functions", {"learning_rate": None, "tune": {"learning_rate": [0.1, 0.2]}, "replicas": 2, **OWN}),
]


@pytest.mark.parametrize("seconds", [0.001, 0.1, 20, 300])
@pytest.mark.parametrize(("data", "changes"), BOUNDED)
def test_the_nominal_cost_of_all_runs_is_just_below_the_bound(data, changes, seconds, experiment, params):
    entry = experiment(data, epochs=10_000, **changes)
    runs = plan("d-a", entry, params(replicas=3, train_seconds=seconds), 1000)
    (epochs,) = {run.epochs for run in runs}
    epoch = sum(epoch_seconds(entry, run.model, min(run.batch_size, 1000), 1000) * len(run.members) for run in runs)
    assert epochs == 1 or epochs * epoch <= seconds * 1.000001
    assert epochs == 10_000 or (epochs + 1) * epoch > seconds * 0.999999
    assert 1 <= epochs <= 10_000


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_a_batch_knob_above_64_buys_no_epochs_for_images(seconds, experiment, params):
    found = {
        size: plan("d-a", experiment(epochs=10**6), params(batch_size=size, train_seconds=seconds), 1000)[0].epochs
        for size in (16, 64, 128, 1000, 4096)
    }
    assert found[16] < found[64] == found[128] == found[1000] == found[4096] > 1


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
        {"optimiser": optimiser, "learning_rate": rate, "batch_size": size, "shuffle_labels": 0.0, "equal": "epochs"}
        for size in (8, 4)
        for optimiser in ("adam", "sgd")
        for rate in (0.1, 0.2)
    ]
    assert [(run.model, run.setting) for run in runs] == [(model, s) for model in "AB" for s in settings]
    assert {(run.key, run.seed, run.epochs) for run in runs} == {("d-a", 7, 3)}
    assert {run.members for run in runs} == {(Member(None, 0), Member(None, 1))}


def test_settings_of_an_entry_without_a_sweep(experiment, params):
    (run,) = plan("d-a", experiment(), params(), 100)
    own = {"optimiser": "sgd", "learning_rate": 0.05, "batch_size": 16, "shuffle_labels": 0.0, "equal": "epochs"}
    assert run.setting == own
    assert (run.epochs, run.steps, run.epoch_steps, run.control) == (3, 21, 7, False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0.0]),
        ({"shuffle_labels": 0.0}, [0.0]),
        ({"shuffle_labels": 0.3}, [0.3]),
        ({"sweep": {"shuffle_labels": [0.5, 0, 1]}}, [0.5, 0.0, 1.0]),
    ],
)
def test_the_share_of_shuffled_labels_is_that_of_the_entry_or_of_its_sweep(changes, expected, experiment, params):
    runs = plan("d-a", experiment(**changes), params(), 100)
    assert [run.shuffle_labels for run in runs] == expected


def test_settings_are_named_alike_in_runs_and_sweeps(experiment, params):
    (run,) = plan("d-a", experiment(), params(), 100)
    assert list(run.setting) == SETTINGS == list(Sweep.model_fields)


# -------------------------------------------------------------------------------------- equal epochs and equal steps

EQUAL = {"against": "batch_size", **FOLLOWS}


def lengths(runs) -> dict[str, dict[int, tuple[int, int, int]]]:
    """Epochs, steps and the steps that the schedule counts as an epoch, of every kind and batch size."""
    found = {}
    for run in runs:
        found.setdefault(run.equal, {})[run.batch_size] = (run.epochs, run.steps, run.epoch_steps)
    return found


@pytest.mark.parametrize(
    ("sizes", "epochs", "steps"),
    [
        # 100 examples; the middle one is 50, of two steps an epoch
        ([50, 10, 100], 3, {50: (3, 6, 2), 10: (1, 6, 2), 100: (6, 6, 2)}),
        # of an even number, the smaller of the two in the middle: 10, of ten
        ([100, 50, 10, 5], 3, {100: (30, 30, 10), 50: (15, 30, 10), 10: (3, 30, 10), 5: (2, 30, 10)}),
        # 16 ends after 5 steps of 7 in its second epoch
        ([16, 30, 1000], 3, {16: (2, 12, 4), 30: (3, 12, 4), 1000: (12, 12, 4)}),
        ([7], 2, {7: (2, 30, 15)}),
        # two that take the whole set: the middle is by size, not by steps
        ([100, 60, 200], 4, {100: (4, 4, 1), 60: (2, 4, 1), 200: (4, 4, 1)}),
    ],
)
@pytest.mark.parametrize("order", [["epochs", "steps"], ["steps", "epochs"]])
def test_equal_steps_are_those_of_the_middle_batch_size(sizes, epochs, steps, order, experiment, params):
    entry = experiment(epochs=epochs, sweep={"batch_size": sizes, "equal": order}, **EQUAL)
    found = lengths(plan("d-a", entry, params(), 100))
    in_an_epoch = {size: ceil(100 / size) for size in sizes}
    assert found == {"epochs": {size: (epochs, epochs * n, n) for size, n in in_an_epoch.items()}, "steps": steps}
    assert list(found) == order


@pytest.mark.usefixtures("_a_second_a_step")
@pytest.mark.parametrize(
    ("sizes", "seconds", "epochs", "steps"),
    [
        # of 3 replicas: an epoch of all is 26 steps, as one of more than 64 images counts as two, and a step of all 6
        ([1000, 9, 10, 100], 312, 4, 17),  # of the 40 that 10 takes
        ([1000, 9, 10, 100], 305.9, 3, 16),
        ([1000, 9, 10, 100], 19, 1, 1),
        ([1000, 9, 10, 100], 1e-9, 1, 1),
        ([1000, 9, 10, 100], 1e9, 50, 500),
        # an epoch of all is 14 steps, and a step of all 4, of which 14 would fit
        ([50, 10, 100], 168, 4, 8),
    ],
)
def test_equal_steps_are_cut_to_the_scale(sizes, seconds, epochs, steps, experiment, params):
    entry = experiment(epochs=50, sweep={"batch_size": sizes, "equal": ["epochs", "steps"]}, **EQUAL)
    found = lengths(plan("d-a", entry, params(train_seconds=seconds), 100))
    assert {each for each, *_ in found["epochs"].values()} == {epochs}
    assert {size: each[:2] for size, each in found["steps"].items()} == {
        size: (ceil(steps / ceil(100 / size)), steps) for size in sizes
    }


@pytest.mark.parametrize("seconds", [0.001, 1, 20, 300])
@pytest.mark.parametrize("sizes", [[16, 1000], [5, 64, 2000, 250, 16], [999, 500]])
def test_equal_steps_cost_no_more_than_the_bound_and_see_no_more_than_the_middle(sizes, seconds, experiment, params):
    sweep = {"batch_size": sizes, "equal": ["epochs", "steps"]}
    entry = experiment(epochs=10_000, **LARGE, sweep=sweep, **EQUAL)
    runs = plan("d-a", entry, params(replicas=3, train_seconds=seconds), 1000)
    (epochs,) = {run.epochs for run in runs if run.equal == "epochs"}
    runs = [run for run in runs if run.equal == "steps"]
    (steps,) = {run.steps for run in runs}
    step = sum(epoch_seconds(entry, run.model, run.batch_size, 1000) / ceil(1000 / run.batch_size) * len(run.members)
               for run in runs)  # fmt: skip
    most = epochs * ceil(1000 / sorted(sizes)[(len(sizes) - 1) // 2])
    assert steps == 1 or steps * step <= seconds * 1.000001
    assert steps == most or (steps + 1) * step > seconds * 0.999999
    assert 1 <= steps <= most


def test_equal_steps_leave_equal_epochs_what_they_are(experiment, params):
    settings = params(train_seconds=0.5)
    sweep = {"batch_size": [16, 4, 64]}
    alone = plan("d-a", experiment(epochs=500, sweep=sweep, **EQUAL), settings, 100)
    both = plan("d-a", experiment(epochs=500, sweep=sweep | {"equal": ["epochs", "steps"]}, **EQUAL), settings, 100)
    assert 1 < alone[0].epochs < 500
    assert [run for run in both if run.equal == "epochs"] == alone


# ------------------------------------------------------------------------------------------------------- the control

TWO = {"models": {"A": {"layers": [10]}, "B": {"layers": [64, 10]}}}  # B trains one at a time


def controls(runs) -> list:
    """The runs of the control, which come last."""
    count = sum(run.control for run in runs)
    assert all(run.control for run in runs[len(runs) - count :])
    return runs[len(runs) - count :]


@pytest.mark.parametrize("equal", [None, ["epochs"], ["epochs", "steps"]])
def test_the_control_is_one_value_of_every_model_once_more_and_last(equal, experiment, params):
    sweep = {"batch_size": [50, 10, 100]} | ({"equal": equal} if equal else {})
    runs = plan("d-a", experiment(**TWO, sweep=sweep, control=10, **EQUAL), params(), 100)
    found = controls(runs)
    others = [run for run in runs if not run.control]
    again = [run for run in others if run.batch_size == 10 and run.equal == "epochs"]
    assert [replace(run, control=False) for run in found] == again
    assert [(run.model, len(run.members)) for run in found] == [("A", 2), ("B", 1), ("B", 1)]
    without = plan("d-a", experiment(**TWO, sweep=sweep, **EQUAL), params(), 100)
    assert others == without


def test_the_control_of_one_setting_is_trained_with_every_value_of_the_others(experiment, params):
    sweep = {"batch_size": [8, 4], "learning_rate": [0.1, 0.01], "optimiser": ["sgd", "adam"]}
    none = {"optimiser": None, "learning_rate": None}
    entry = experiment(**none, sweep=sweep, control=0.01, **EQUAL | {"against": "learning_rate"})
    found = controls(plan("d-a", entry, params(), 100))
    expected = [("sgd", 0.01, 8), ("adam", 0.01, 8), ("sgd", 0.01, 4), ("adam", 0.01, 4)]
    assert sorted((run.optimiser, run.learning_rate, run.batch_size) for run in found) == sorted(expected)


def test_a_control_at_nothing_is_a_control(experiment, params):
    sweep = {"shuffle_labels": [0.5, 0]}
    runs = plan("d-a", experiment(sweep=sweep, against="shuffle_labels", control=0), params(), 100)
    assert [(run.shuffle_labels, run.control) for run in runs] == [(0.5, False), (0.0, False), (0.0, True)]


@pytest.mark.usefixtures("_a_second_a_step")
def test_the_control_counts_towards_the_bound(experiment, params):
    sweep = {"batch_size": [50, 10]}  # 12 steps an epoch, and 22 with the control
    settings = params(train_seconds=3 * 12 * 11)
    without = plan("d-a", experiment(epochs=50, sweep=sweep, **EQUAL), settings, 100)
    with_it = plan("d-a", experiment(epochs=50, sweep=sweep, control=10, **EQUAL), settings, 100)
    assert ({run.epochs for run in without}, {run.epochs for run in with_it}) == ({11}, {6})
    assert len(with_it) == 3


# ----------------------------------------------------------------------------------------------- members of the runs


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
    entry = experiment(epochs=stated, record={"weights_every": every} if every else {})
    assert snapshot_epochs(entry, epochs) == expected
