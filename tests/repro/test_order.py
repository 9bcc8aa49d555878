"""Which stage begins first, and what is said of the time left."""

import pytest

from netclaims.recipes.resolve import NOMINAL_REPLICAS
from netclaims.repro import display
from netclaims.repro.display import Estimate, duration
from netclaims.repro.order import OTHERS, SECONDS, chains, nominal_seconds
from netclaims.training.budget import epoch_seconds


def test_a_chain_is_as_long_as_the_longest_way_to_an_end():
    needs = {"data": [], "long": ["data"], "short": ["data"], "analysis": ["short"], "report": ["long", "analysis"]}
    seconds = {"data": 1, "long": 10, "short": 2, "analysis": 20, "report": 3}
    assert chains(needs, seconds) == {"data": 26, "long": 13, "short": 25, "analysis": 23, "report": 3}


@pytest.fixture
def written(tmp_path, monkeypatch, experiment, write_recipe):
    """Writes the recipe of a training, with knobs and changes of its entry."""
    monkeypatch.chdir(tmp_path)

    def write(data="mnist", **changes):
        found = experiment(data, **changes)
        write_recipe("train", "d-test", found)
        return found

    return write


def test_a_training_takes_its_epochs_for_every_net(written):
    found = written(models={"A": {"layers": [10]}, "B": {"layers": [30, 10]}}, epochs=7, knobs={"replicas": 4})
    each = 4 * 7 * sum(epoch_seconds(found, model, 16) for model in "AB")
    assert nominal_seconds(["train@d-test"]) == {"train@d-test": pytest.approx(SECONDS["train"] + each)}


def test_a_training_that_the_scale_cuts_takes_its_bound(written):
    found = written("functions", functions=["quadratic", "log_abs"], epochs=10**6, knobs={"train_seconds": 10})
    (seconds,) = nominal_seconds(["train@d-test"]).values()
    epochs = found.settings[0].epochs
    assert epochs < 10**6
    bound = 10 * found.replicas / NOMINAL_REPLICAS
    assert bound * epochs / (epochs + 1) < seconds - SECONDS["train"] <= bound * (1 + 1e-9)


@pytest.mark.parametrize("content", [None, "", "{}", '{"settings": {"key": 1}}', "[]"])
def test_a_recipe_that_cannot_be_read_is_no_reason_to_stop(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "recipes" / "train").mkdir(parents=True)
        (tmp_path / "recipes" / "train" / "d-test.json").write_text(content)
    names = ["train@d-test", "hessian@d-test", "docs"]
    assert list(nominal_seconds(names).values()) == [SECONDS["train"], SECONDS["hessian"], OTHERS]


def test_the_time_left_follows_what_finished_stages_took(monkeypatch):
    now, nominal = [100.0], {"one": 1e6, "two": 1e6, "rest": 400.0}
    monkeypatch.setattr(display, "monotonic", lambda: now[0])
    estimate = Estimate(cores=4)
    assert estimate.seconds() == 0
    estimate.update({}, nominal, ["rest"])
    assert estimate.seconds() == pytest.approx(100)  # four cores, each as fast as is thought
    now[0] += 40
    assert estimate.seconds() == pytest.approx(60)
    now[0] += 1e6
    assert estimate.seconds() == 0
    for took, seconds in (({"one": 2e6}, 200), ({"one": 2e6, "two": 1e6}, 150), ({"one": 1.0}, 100 / 3)):
        estimate.update(took, nominal, ["rest"])
        assert estimate.seconds() == pytest.approx(seconds, rel=0.1)


def test_a_short_stage_says_little_of_the_time_that_a_long_run_takes(monkeypatch):
    monkeypatch.setattr(display, "monotonic", lambda: 0.0)
    estimate = Estimate(cores=2)
    estimate.update({"prepare": 41.0}, {"prepare": 4.0, "train": 36_000.0}, ["train"])
    assert estimate.seconds() == pytest.approx(18_000, rel=0.1)


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (99, "99 s"), (101, "2 min"), (5400, "90 min"),
                                                (7260, "2 h 1 min")])  # fmt: skip
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
