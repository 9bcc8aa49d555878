"""The nominal cost of an epoch: the terms, each counted by hand with the others at nothing."""

import pytest

from netclaims.training import budget as cost
from netclaims.training.budget import epoch_seconds
from netclaims.training.runs import plan

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
        return epoch_seconds(experiment(data, models=MODELS[data]), model, batch_size, examples)

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
    whole = epoch_seconds(experiment(models=MODELS["mnist"]), model, 16, 100)
    each = {name: getattr(cost, name) for name in PARTS}
    assert 0 < each["STACKED_STEP"] < each["STEP"]
    used = {name: value for name, value in each.items() if not name.endswith("STEP") or name == step}
    assert all(value > 0 for value in used.values())
    assert whole == pytest.approx(sum(value * seconds(name, "mnist", model, 16) for name, value in used.items()))


@pytest.mark.parametrize("units", [370, 371])
def test_a_step_costs_less_where_the_plan_puts_nets_together(units, experiment, params, monkeypatch):
    entry = experiment(models={"A": {"layers": [{"pool": 7}, units, 10]}})
    together = len(plan("d-a", entry, params(), 100)) == 1
    for name in PARTS:
        monkeypatch.setattr(cost, name, {"STEP": 3.0, "STACKED_STEP": 2.0}.get(name, 0.0))
    assert epoch_seconds(entry, "A", 100, 64) == (2 if together else 3)
    assert together == (units == 370)
