"""Interrupted runs go on from their checkpoints, bit for bit; nothing else ever reads these."""

import json
from dataclasses import replace

import pytest
import torch

from netclaims.paths import CHECKPOINTS, RUNS
from netclaims.training import all_runs
from netclaims.training import checkpoint as module
from netclaims.training.all_runs import train_all
from netclaims.training.checkpoint import Checkpoint
from netclaims.training.leftovers import discard
from netclaims.training.loop import train
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import Member, runs_of

pytestmark = pytest.mark.usefixtures("prepared")

CNN = {"A": {"layers": [{"conv": 3}, {"pool": 2}, {"conv": 4}, 10]}}
CASES = {
    "adam": ("mnist", {"optimiser": "adam", "weight_decay": 1e-4}),
    "momentum": ("mnist", {"momentum": 0.9}),
    "rmsprop": ("mnist", {"optimiser": "rmsprop", "momentum": 0.5}),
    "schedule": ("mnist", {"optimiser": "adam", "schedule": {"step": 2, "factor": 0.1}}),
    "steps": ("mnist", {"record": {"gradient_norm": "step", "weights_every": 1}}),
    "labels": ("mnist", {"shuffle_labels": 0.5, "optimiser": "adam"}),
    "convolutions": ("mnist", {"models": CNN, "optimiser": "adam"}),
    "augmented": ("cifar10", {"models": CNN, "augment": {"crop": 4, "flip": True}}),
    "function": ("functions", {"functions": ["sinc5", "quadratic"], "batch_size": 16, "record": {"weights_every": 2}}),
    "gradients": ("functions", {"activation": "leaky_relu", "record": {"gradient_norm": "epoch"}}),
    "diverging": ("functions", {"activation": "leaky_relu", "learning_rate": 1.0, "epochs": 20}),
    "stopping": ("functions", {"stop": {"loss_change": 1e-2}, "epochs": 40}),
    "stopping, with steps": (
        "functions",
        {"stop": {"loss_change": 1e-2}, "epochs": 40, "record": {"gradient_norm": "step", "weights_every": 2}},
    ),
    "stopping where flat": (
        "functions",
        {"stop": {"gradient_norm": 0.4}, "epochs": 40, "record": {"weights_every": 2}},
    ),
}


CODE = {"netclaims.training.loop": "0123456789abcdef", "torch": "2.9.1"}


class Interruption(BaseException):
    pass


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Checkpoints after every epoch."""
    monkeypatch.setattr(module, "SECONDS", 0)
    monkeypatch.setattr(module, "SHARE", 1e9)


@pytest.fixture
def case(experiment, run_of):
    def make(name: str):
        data, changes = CASES[name]
        entry = experiment(data, **{"epochs": 6} | changes)
        return run_of(entry, replicas=3 if entry.functions else 1), entry

    return make


def same(one: TrainingRecord, other: TrainingRecord) -> bool:
    def equal(a, b) -> bool:
        if isinstance(a, torch.Tensor):
            return torch.equal(a, b) or ((a.isnan() == b.isnan()).all() and torch.equal(a.nan_to_num(), b.nan_to_num()))
        if isinstance(a, dict):
            return list(a) == list(b) and all(equal(a[name], b[name]) for name in a)
        return a == b

    return equal(vars(one), vars(other))


def interrupt(run, entry, after: int) -> None:
    """Train, and stop on the way to the checkpoint of the epoch after this one."""

    def watch(epoch, loss):
        if epoch > after:
            raise Interruption

    with pytest.raises(Interruption):
        train(run, entry, watch, Checkpoint(run, entry, CODE))


@pytest.mark.parametrize("after", [1, 3, 5])
@pytest.mark.parametrize("name", CASES)
def test_an_interrupted_run_ends_as_one_that_was_not(name, after, case):
    run, entry = case(name)
    expected, seen = train(run, entry), []
    interrupt(run, entry, after)
    found = train(run, entry, lambda epoch, loss: seen.append(epoch), Checkpoint(run, entry, CODE))
    assert seen[0] == after + 1
    assert same(found, expected)


@pytest.mark.parametrize(
    ("name", "places"), [("augmented", (1, 2, 4)), ("diverging", (2, 7, 10)), ("stopping", (5, 12))]
)
def test_several_interruptions_are_no_more_than_one(name, places, case):
    run, entry = case(name)
    for after in places:
        interrupt(run, entry, after)
    assert same(train(run, entry, checkpoint=Checkpoint(run, entry, CODE)), train(run, entry))


@pytest.mark.parametrize("name", ["diverging", "stopping", "stopping, with steps", "stopping where flat"])
def test_members_end_at_different_times(name, case):
    """Else the cases above would say nothing of that."""
    last = train(*case(name)).last
    assert 5 < min(last) < max(last)


def test_a_checkpoint_is_written_only_when_it_is_due(case, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 1000)
    run, entry = case("adam")
    train(run, entry, checkpoint=Checkpoint(run, entry, CODE))
    assert not Checkpoint(run, entry, CODE).path.exists()


def test_saving_takes_a_small_share_of_the_time(case, monkeypatch):
    monkeypatch.setattr(module, "SHARE", 0.05)
    clock = iter([0.0, 0.0, 1.0, 4.0, 4.0, 63.9, 64.1])
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    checkpoint = Checkpoint(*case("adam"), CODE)  # at 0, due at once
    assert checkpoint.due
    checkpoint.save_state({})  # takes 3 seconds, until 4: the next is due a minute later
    assert not checkpoint.due
    assert checkpoint.due


def change(value):
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case tuple():
            return (Member(None, 5),)
    return f"{value}-x"


def test_every_setting_of_a_run_counts(case):
    run, entry = case("adam")
    entry = replace(entry, models={"A": entry.models["A"], "A-x": entry.models["A"]})
    paths = {Checkpoint(replace(run, **{name: change(value)}), entry, CODE).path for name, value in vars(run).items()}
    assert len(paths | {Checkpoint(run, entry, CODE).path}) == len(vars(run)) + 1


@pytest.mark.parametrize("changes", [{"weight_decay": 0.1}, {"activation": "relu"}, {"record": {"weights_every": 1}},
                                     {"models": {"A": {"layers": [12, 10]}}}, {"augment": {"flip": True}}])  # fmt: skip
def test_settings_that_differ_never_share_a_checkpoint(changes, experiment, run_of):
    run, entry, other = run_of(experiment()), experiment(), experiment(**changes)
    Checkpoint(run, entry, CODE).save_record(train(run, entry))
    assert Checkpoint(run, entry, CODE).record()
    assert Checkpoint(run, other, CODE).record() is None
    assert Checkpoint(run, other, CODE).state() is None


def test_other_data_never_share_a_checkpoint(case, prepared):
    run, entry = case("adam")
    before = Checkpoint(run, entry, CODE).path
    manifest = prepared / "data" / "mnist" / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"sha256": "another"}))
    assert Checkpoint(run, entry, CODE).path != before


def test_other_code_and_other_libraries_never_share_a_checkpoint(case):
    run, entry = case("adam")
    others = [CODE | {"netclaims.training.loop": "edited"}, CODE | {"torch": "2.9.2"}, CODE | {"new": "1"}, {}]
    paths = {Checkpoint(run, entry, code).path for code in (CODE, *others)}
    assert len(paths) == 5
    assert Checkpoint(run, entry, dict(reversed(CODE.items()))).path == Checkpoint(run, entry, CODE).path


def test_what_else_there_is_to_train_is_nothing_to_a_run(experiment, run_of):
    """So that a further model, replica or swept value leaves what is trained already."""
    alone = experiment(models={"A": {"layers": [10]}})
    run = run_of(alone)
    path = Checkpoint(run, alone, CODE).path
    sweep = {"sweep": {"batch_size": [16, 8]}, "against": "batch_size"}
    for changes in ({"models": {"A": {"layers": [10]}, "B": {"layers": [3, 10]}}}, {"fitted": {"accuracy": 0.9}},
                    {"knobs": {"replicas": 9}}, sweep, {"tune": {"batch_size": [16, 8]}}):  # fmt: skip
        assert Checkpoint(run, experiment(**changes), CODE).path == path


@pytest.mark.parametrize("damage", [b"", b"\x00" * 100, lambda content: content[:-20], lambda content: content[:200]])
def test_a_damaged_file_is_as_good_as_none(damage, case):
    run, entry = case("adam")
    interrupt(run, entry, 3)
    path = Checkpoint(run, entry, CODE).path
    path.write_bytes(damage(path.read_bytes()) if callable(damage) else damage)
    assert Checkpoint(run, entry, CODE).state() is None
    assert same(train(run, entry, checkpoint=Checkpoint(run, entry, CODE)), train(run, entry))


def test_a_write_that_fails_leaves_the_file_as_it_was(case, monkeypatch):
    run, entry = case("adam")
    checkpoint = Checkpoint(run, entry, CODE)
    checkpoint.save_state({"epoch": 3})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save_state({"epoch": 4})
    assert checkpoint.state() == {"epoch": 3}
    assert list(checkpoint.path.parent.iterdir()) == [checkpoint.path]


def test_finished_runs_are_not_trained_again(experiment, monkeypatch):
    entry = experiment(models={"A": {"layers": [10]}, "B": {"layers": [16, 10]}, "C": {"layers": [3, 10]}})
    runs = runs_of(entry, "cpu")
    expected, trained = [train(run, entry) for run in runs], []
    Checkpoint(runs[1], entry, CODE).save_record(expected[1])

    def spy(run, *rest):
        trained.append(run)
        return train(run, *rest)

    monkeypatch.setattr(all_runs, "train", spy)
    monkeypatch.setattr("netclaims.parallel.processes.cpu_count", lambda: 1)
    found = train_all(runs, entry, CODE)
    assert sorted(map(repr, trained)) == sorted(repr(run) for run in runs if run != runs[1])
    assert all(map(same, found, expected))
    train_all(runs, entry, CODE)
    assert len(trained) == len(runs) - 1


def test_only_what_has_outputs_is_discarded(case):
    run, entry = case("adam")
    trace = train(run, entry)
    checkpoints = [Checkpoint(replace(run, key=key), entry, CODE) for key in ("d-a", "d-b", "e-a")]
    for checkpoint in checkpoints:
        checkpoint.save_record(trace)
    for key in ("d-a", "e-a"):
        (RUNS / key).mkdir(parents=True)
    discard("d")
    assert [bool(checkpoint.record()) for checkpoint in checkpoints] == [False, True, True]
    (RUNS / "d-b").mkdir()
    discard("d")
    assert [bool(checkpoint.record()) for checkpoint in checkpoints] == [False, False, True]
    discard("e")
    assert not CHECKPOINTS.exists()
    discard("e")  # nothing there is no mistake
