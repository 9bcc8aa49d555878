"""The nominal cost of an epoch, each term counted by hand with the others at nothing; and the epochs that it leaves."""

from math import ceil

import pytest

from netclaims.training import budget as cost
from netclaims.training.budget import Length, epoch_seconds, lengths
from netclaims.training.runs import runs_of

PARTS = ("STEP", "STACKED_STEP", "PARAMETER", "MULTIPLICATION", "NUMBER")
MODELS = {
    "mnist": {
        "A": {"layers": [{"conv": 2}, {"pool": 4}, 10, "softmax"]},
        "B": {"layers": [10]},
        "C": {"layers": [64, 10]},
        "D": {"layers": [{"resize": 9}, {"pool": 3}, 5, 10]},
    },
    "functions": {"A": {"layers": [6, 1]}, "B": {"layers": [1]}, "C": {"layers": [99, 99, 1]}},
}
COUNTS = {
    ("mnist", "A"): {
        "PARAMETER": 2 * 9 + 2 + 98 * 10 + 10,
        "MULTIPLICATION": 28**2 * 9 * 2 + 98 * 10,
        "NUMBER": 28**2 * 2 + 7**2 * 2 + 10 + 10,
    },
    ("mnist", "B"): {"PARAMETER": 7850, "MULTIPLICATION": 7840, "NUMBER": 10},
    ("mnist", "C"): {"PARAMETER": 50_890, "MULTIPLICATION": 50_816, "NUMBER": 74},
    ("mnist", "D"): {"PARAMETER": 9 * 5 + 5 + 5 * 10 + 10, "MULTIPLICATION": 9 * 5 + 5 * 10, "NUMBER": 5 + 10},
    ("functions", "A"): {"PARAMETER": 6 + 6 + 6 + 1, "MULTIPLICATION": 6 + 6, "NUMBER": 6 + 1},
    ("functions", "B"): {"PARAMETER": 2, "MULTIPLICATION": 1, "NUMBER": 1},
    ("functions", "C"): {"PARAMETER": 10_198, "MULTIPLICATION": 9999, "NUMBER": 199},
}


@pytest.fixture
def seconds(experiment, monkeypatch):
    """Seconds of an epoch, where only this part costs anything, and that 1 each time."""

    def make(part, data, model, batch_size, examples=100):
        for name in PARTS:
            monkeypatch.setattr(cost, name, float(name == part))
        size = {"points": examples} if data == "functions" else {"images": examples}
        return epoch_seconds(experiment(data, models=MODELS[data], **size), model, batch_size)

    return make


@pytest.mark.parametrize(("data", "model"), COUNTS)
@pytest.mark.parametrize(("batch_size", "steps"), [(1, 100), (16, 7), (50, 2), (51, 2)])
def test_what_a_step_costs(data, model, batch_size, steps, seconds):
    kind, other = ("STEP", "STACKED_STEP") if model == "C" else ("STACKED_STEP", "STEP")
    assert seconds(kind, data, model, batch_size) == steps
    assert seconds(other, data, model, batch_size) == 0
    assert seconds("PARAMETER", data, model, batch_size) == steps * COUNTS[data, model]["PARAMETER"]


@pytest.mark.parametrize(
    ("data", "steps"), [("mnist", {63: 67, 64: 65, 65: 65, 4160: 65}), ("functions", {63: 67, 64: 65, 65: 64, 4160: 1})]
)
def test_a_step_of_more_than_64_images_counts_as_several(data, steps, seconds):
    assert {size: seconds("STEP", data, "C", size, 4160) for size in steps} == steps


@pytest.mark.parametrize("batch_size", [1, 16, 100])
@pytest.mark.parametrize(("data", "model"), COUNTS)
def test_what_an_example_costs(data, model, batch_size, seconds):
    for part in ("MULTIPLICATION", "NUMBER"):
        assert seconds(part, data, model, batch_size) == 100 * COUNTS[data, model][part]


@pytest.mark.parametrize(("model", "step"), [("A", "STACKED_STEP"), ("C", "STEP")])
def test_the_terms_add_up(model, step, experiment, seconds):
    whole = epoch_seconds(experiment(models=MODELS["mnist"], images=100), model, 16)
    each = {name: getattr(cost, name) for name in PARTS}
    assert 0 < each["STACKED_STEP"] < each["STEP"]
    used = {name: value for name, value in each.items() if not name.endswith("STEP") or name == step}
    assert all(value > 0 for value in used.values())
    assert whole == pytest.approx(sum(value * seconds(name, "mnist", model, 16) for name, value in used.items()))


@pytest.mark.parametrize("units", [370, 371])
def test_a_step_costs_less_where_nets_train_together(units, experiment, monkeypatch):
    found = experiment(models={"A": {"layers": [{"pool": 7}, units, 10]}}, images=64)
    together = len(runs_of(found, "cpu")) == 1
    for name in PARTS:
        monkeypatch.setattr(cost, name, {"STEP": 3.0, "STACKED_STEP": 2.0}.get(name, 0.0))
    assert epoch_seconds(found, "A", 64) == (2 if together else 3)
    assert together == (units == 370)


# ------------------------------------------------------------------------------------------------------- how long

EPOCHS, STEPS = [("epochs", size) for size in (10, 25, 100)], [("steps", size) for size in (10, 25, 100)]


@pytest.mark.usefixtures("a_second_a_step")
@pytest.mark.parametrize(
    ("seconds", "trained", "epochs", "steps"),
    [
        # 100 points: an epoch of all three sizes takes 10 + 4 + 1 steps, and a step of each takes 3
        (1e9, EPOCHS + STEPS, 8, 32),  # those of 25, in its 8 epochs
        (120, EPOCHS + STEPS, 8, 32),
        (119.9, EPOCHS + STEPS, 7, 28),
        (31, EPOCHS + STEPS, 2, 8),  # of the 10 that would fit
        (15, EPOCHS + STEPS, 1, 4),
        (14, EPOCHS + STEPS, 14 / 15, 3),  # no whole epoch fits
        (7.5, EPOCHS + STEPS, 0.5, 2),
        (0.1, EPOCHS + STEPS, 0, 1),  # one step each
        (31, EPOCHS, 2, None),
        (31, [*EPOCHS, ("epochs", 10)], 1, None),  # a size that is trained twice costs as much again
        (50, [*EPOCHS, ("epochs", 10)], 2, None),
    ],
)
def test_lengths(seconds, trained, epochs, steps, experiment):
    found = lengths(experiment("functions", points=100), 8, seconds, trained)
    taken = {size: max(1, int(epochs * ceil(100 / size))) for _, size in EPOCHS}
    expected = {("epochs", size): Length(max(1, epochs // 1), taken[size], ceil(100 / size)) for size in taken}
    if steps:
        expected |= {(kind, size): Length(ceil(steps / ceil(100 / size)), steps, 4) for kind, size in STEPS}
    assert found == expected


@pytest.mark.usefixtures("a_second_a_step")
def test_the_bound_is_for_one_net_of_every_model(experiment):
    models = {"A": {"layers": [6, 1]}, "B": {"layers": [99, 99, 1]}}
    found = lengths(experiment("functions", points=100, models=models), 50, 40, [("epochs", 25)])
    assert found == {("epochs", 25): Length(5, 20, 4)}


@pytest.mark.usefixtures("a_second_a_step")
def test_equal_steps_take_no_longer_than_equal_epochs(experiment):
    """Those of the middle batch would: 8 epochs of batches of 100 are 8 steps, and a step of each of the others 2."""
    trained = [("epochs", 100), *[("steps", size) for size in (10, 25, 50)]]
    found = lengths(experiment("functions", points=100), 8, 1e9, trained)
    assert {size: length.steps for (kind, size), length in found.items() if kind == "steps"} == {10: 2, 25: 2, 50: 2}
