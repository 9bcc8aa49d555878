"""The nominal cost of an epoch, each term counted by hand with the others at nothing; and the epochs that it leaves."""

from math import ceil

import pytest

from netclaims.training import budget as cost
from netclaims.training.budget import Cost, Length, epoch_seconds, lengths
from netclaims.training.runs import trained_by

PARTS = ("step", "parameter", "multiplication", "number")
KERNEL = {("mnist", "B"), ("functions", "A"), ("functions", "B")}  # the small dense ones
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
        "parameter": 2 * 9 + 2 + 98 * 10 + 10,
        "multiplication": 28**2 * 9 * 2 + 98 * 10,
        "number": 28**2 * 2 + 7**2 * 2 + 10 + 10,
    },
    ("mnist", "B"): {"parameter": 7850, "multiplication": 7840, "number": 10},
    ("mnist", "C"): {"parameter": 50_890, "multiplication": 50_816, "number": 74},
    ("mnist", "D"): {"parameter": 9 * 5 + 5 + 5 * 10 + 10, "multiplication": 9 * 5 + 5 * 10, "number": 5 + 10},
    ("functions", "A"): {"parameter": 6 + 6 + 6 + 1, "multiplication": 6 + 6, "number": 6 + 1},
    ("functions", "B"): {"parameter": 2, "multiplication": 1, "number": 1},
    ("functions", "C"): {"parameter": 10_198, "multiplication": 9999, "number": 199},
}


def nothing_but(part: str) -> Cost:
    return Cost(**{name: float(name == part) for name in PARTS})


@pytest.fixture
def seconds(experiment, monkeypatch):
    """Seconds of an epoch, where only this part costs anything, and that 1 each time; of one way to train, if named."""

    def make(part, data, model, batch_size, examples=100, way=None):
        for name in cost.COSTS:
            monkeypatch.setitem(cost.COSTS, name, nothing_but(part if way in (None, name) else ""))
        size = {"points": examples} if data == "functions" else {"images": examples}
        return epoch_seconds(experiment(data, models=MODELS[data], **size), model, batch_size)

    return make


@pytest.mark.parametrize(("data", "model"), COUNTS)
@pytest.mark.parametrize(("batch_size", "steps"), [(1, 100), (16, 7), (50, 2), (51, 2)])
def test_what_a_step_costs(data, model, batch_size, steps, seconds):
    way, other = ("kernel", "torch") if (data, model) in KERNEL else ("torch", "kernel")
    assert seconds("step", data, model, batch_size, way=way) == steps
    assert seconds("step", data, model, batch_size, way=other) == 0
    assert seconds("parameter", data, model, batch_size) == steps * COUNTS[data, model]["parameter"]


@pytest.mark.parametrize(
    ("data", "steps"), [("mnist", {63: 67, 64: 65, 65: 65, 4160: 65}), ("functions", {63: 67, 64: 65, 65: 64, 4160: 1})]
)
def test_a_step_of_more_than_64_images_counts_as_several(data, steps, seconds):
    assert {size: seconds("step", data, "C", size, 4160) for size in steps} == steps


@pytest.mark.parametrize("batch_size", [1, 16, 100])
@pytest.mark.parametrize(("data", "model"), COUNTS)
def test_what_an_example_costs(data, model, batch_size, seconds):
    for part in ("multiplication", "number"):
        assert seconds(part, data, model, batch_size) == 100 * COUNTS[data, model][part]


@pytest.mark.parametrize(("model", "way"), [("A", "torch"), ("B", "kernel")])
def test_the_terms_add_up(model, way, experiment, seconds):
    whole = epoch_seconds(experiment(models=MODELS["mnist"], images=100), model, 16)
    each = vars(cost.COSTS[way])
    assert all(value > 0 for value in each.values())
    assert whole == pytest.approx(sum(value * seconds(name, "mnist", model, 16) for name, value in each.items()))


@pytest.mark.parametrize("layers", [[12, 10], [13, 10], [{"pool": 7}, 10]])
def test_what_is_counted_as_the_kernels_is_what_it_trains(layers, experiment, monkeypatch):
    monkeypatch.setattr(cost, "COSTS", {"kernel": Cost(2, 0, 0, 0), "torch": Cost(3, 0, 0, 0)})
    found = experiment(models={"A": {"layers": layers}}, images=64)
    assert epoch_seconds(found, "A", 64) == (2 if trained_by(found, "A", "cpu") == "kernel" else 3)


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
