"""The training loop against plain PyTorch, and against itself with other company."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import ceil

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from netclaims.data.augment import augmented
from netclaims.data.examples import Examples, first_examples, images, parts, shuffled
from netclaims.data.registry import DATA_KINDS
from netclaims.nets import evaluation
from netclaims.nets.evaluation import evaluate, gradient, norm
from netclaims.nets.layers import Softmax
from netclaims.nets.network import Network, flatten, member
from netclaims.training import autograd, fused, loop, optimisers
from netclaims.training import runs as plan
from netclaims.training.loop import train
from netclaims.training.optimisers import Optimiser
from netclaims.training.random_streams import stream
from netclaims.training.runs import Member, runs_of
from netclaims.training.settings import Augment

pytestmark = pytest.mark.usefixtures("prepared")

CNN = {"A": {"layers": [{"conv": 2}, {"pool": 8}, 10]}}


def same(one, other) -> bool:
    """Whether two records agree in every bit."""
    tensors = [
        (one.weights, other.weights),
        (one.history, other.history),
        (one.steps, other.steps),
        (one.snapshots, other.snapshots),
        ({"outputs": one.outputs}, {"outputs": other.outputs}),
    ]
    lists = ("epochs", "measured", "last", "diverged", "steps_taken", "snapshot_epochs")
    return all(getattr(one, name) == getattr(other, name) for name in lists) and all(
        a.keys() == b.keys() and all(x is b[name] is None or torch.equal(x, b[name]) for name, x in a.items())
        for a, b in tensors
    )


def assert_member(record, index: int, other, at: int = 0) -> None:
    """A member of a record is, up to rounding, one of another: such as that of training it by itself."""
    found, expected = record.member(index), other.member(at)
    for name in ("epochs", "measured", "last", "diverged", "steps_taken", "snapshot_epochs"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("weights", "history", "steps", "snapshots"):
        mine, theirs = getattr(found, name), getattr(expected, name)
        assert mine.keys() == theirs.keys()
        for key, value in mine.items():
            torch.testing.assert_close(value, theirs[key], rtol=1e-4, atol=1e-5, equal_nan=True)
    assert (found.outputs is None) == (expected.outputs is None)
    if found.outputs is not None:
        torch.testing.assert_close(found.outputs, expected.outputs, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.fixture
def by_torch(monkeypatch):
    """Small dense nets are trained by torch as well, on whose steps a test can look."""
    monkeypatch.setattr(loop, "trained_by", lambda *_: "torch")


@pytest.fixture
def batches(by_torch, monkeypatch):
    """Targets of every mini-batch that training takes, in order: each (members, batch, ...)."""
    seen, original = [], autograd.losses

    def losses(kind, outputs, targets):
        if outputs.requires_grad:  # no evaluation
            seen.append(targets)
        return original(kind, outputs, targets)

    monkeypatch.setattr(autograd, "losses", losses)
    return seen


# ------------------------------------------------------------------------------------------------- plain PyTorch


def plain(run, experiment, index, module_of, inputs=None):
    """One member by torch.nn and torch.optim, one mini-batch after the other: weights, history, loss and slopes.

    `inputs`, if given, are those of each mini-batch in turn, in place of the examples' own. The learning rate decays by
    the epoch, which is right where all of them are whole.
    """
    replica = run.members[index].replica
    layers, example = experiment.models[run.model], DATA_KINDS[experiment.data].shape
    network = Network(layers, experiment.activation, example)
    weights = network.initial([stream(run.seed, run.key, replica, "weights")])
    layers = ["softmax" if isinstance(layer, Softmax) else vars(layer) for layer in layers]
    module = module_of(layers, example, experiment.activation, weights)
    kinds = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop}
    options = {"lr": run.learning_rate, "weight_decay": experiment.weight_decay, "foreach": False}
    if run.optimiser != "adam":
        options["momentum"] = experiment.momentum
    optimiser = kinds[run.optimiser](module.parameters(), **options)
    criterion = functional.mse_loss if experiment.loss == "mse" else functional.cross_entropy
    data, test = parts(experiment, [run.members[index].function])
    order = stream(run.seed, run.key, replica, "another order" if run.control else "order")
    history, steps = [], []

    def measure(end=False):
        with torch.no_grad():
            row = []
            for part in (data if end or experiment.functions else first_examples(data, len(test.x)), test):
                outputs = module(part.x)
                row += [criterion(outputs, part.y[0]).item(), (outputs.argmax(1) == part.y[0]).float().mean().item()]
            history.append(row)

    measure()
    for epoch in range(1, run.epochs + 1):
        if experiment.schedule:
            passed = (epoch - 1) // experiment.schedule.step
            optimiser.param_groups[0]["lr"] = run.learning_rate * experiment.schedule.factor**passed
        full = run.batch_size >= len(data.x)
        permutation = torch.arange(len(data.x)) if full else torch.randperm(len(data.x), generator=order)
        for start in range(0, len(data.x), run.batch_size):
            if len(steps) == run.steps:
                break
            batch = permutation[start : start + run.batch_size]
            optimiser.zero_grad()
            x = data.x[batch] if inputs is None else inputs[len(steps)]
            loss = criterion(module(x), data.y[0][batch])
            loss.backward()
            slope = torch.nn.utils.parameters_to_vector([p.grad for p in module.parameters()]).norm()
            steps.append((loss.item(), slope.item()))
            optimiser.step()
        measure(epoch == run.epochs)
    vector = torch.nn.utils.parameters_to_vector(module.parameters()).detach()
    return vector, torch.tensor(history), torch.tensor(steps)


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ("mnist", {}),
        ("mnist", {"momentum": 0.9}),
        ("mnist", {"momentum": 0.5, "weight_decay": 0.1}),
        ("mnist", {"optimiser": "adam", "learning_rate": 0.01}),
        ("mnist", {"optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.1}),
        ("mnist", {"optimiser": "rmsprop", "learning_rate": 0.001}),
        ("mnist", {"optimiser": "rmsprop", "learning_rate": 0.001, "momentum": 0.5, "weight_decay": 0.01}),
        ("mnist", {"schedule": {"step": 2, "factor": 0.1}, "epochs": 5}),
        ("mnist", {"models": {"A": {"layers": [12, {"dense": 10, "bias": False}]}}, "activation": "leaky_relu"}),
        ("mnist", {"models": {"A": {"layers": [10]}}, "shuffle_labels": 0.0}),
        ("mnist", {"batch_size": "full"}),
        ("mnist", {"models": {"A": {"layers": [{"resize": 12}, 6, 10, "softmax"]}}, "learning_rate": 0.5}),
        ("mnist", {"examples": 37}),
        ("cifar10", {"models": CNN, "examples": 5, "activation": "relu"}),
        ("cifar10", {"models": CNN, "optimiser": "adam", "learning_rate": 0.01, "activation": "relu"}),
        ("functions", {"epochs": 30}),
        ("functions", {"epochs": 30, "optimiser": "adam", "activation": "relu"}),
        ("functions", {"batch_size": 16, "momentum": 0.9}),
    ],
)
@pytest.mark.parametrize("path", ["kernel", "torch"])
def test_training_is_that_of_plain_pytorch(data, changes, path, experiment, run_of, module_of, request):
    if path == "torch":
        request.getfixturevalue("by_torch")
    entry = experiment(data, record={"gradient_norm": "step"}, **changes)
    run = run_of(entry, members=(Member((entry.functions or [None])[0], 3),))
    record = train(run, entry)
    weights, history, steps = plain(run, entry, 0, module_of)
    torch.testing.assert_close(flatten(record.weights)[0], weights, rtol=1e-4, atol=1e-5)
    names = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    used = [name for name in names if entry.loss == "cross_entropy" or name.endswith("loss")]
    assert set(record.history) == set(used)
    for name in used:
        torch.testing.assert_close(record.history[name][0], history[:, names.index(name)], rtol=1e-4, atol=1e-5)
    assert len(history) == len(record.epochs)
    torch.testing.assert_close(record.steps["loss"][0], steps[:, 0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(record.steps["gradient_norm"][0], steps[:, 1], rtol=1e-4, atol=1e-5)
    assert record.history["train_loss"][0, -1] < record.history["train_loss"][0, 0]
    assert (record.last, record.diverged) == ([len(record.epochs) - 1], [False])


# --------------------------------------------------------------------------------------- equal steps, equal epochs


@pytest.fixture
def rates(by_torch, monkeypatch):
    """The learning rate of every optimiser step of a training."""
    seen, original = [], Optimiser.step

    def step(optimiser):
        seen.append(optimiser.learning_rate)
        original(optimiser)

    monkeypatch.setattr(Optimiser, "step", step)
    return seen


SIZES = [1000, 7, 16, 39, 25]  # 1, 9, 4, 2 and 3 steps an epoch
EQUAL = {"sweep": {"batch_size": SIZES, "equal": ["epochs", "steps"]}, "against": "batch_size"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"epochs": 4}, 10),  # so that 7 ends after the first of its 9 in the second epoch
        ({"epochs": 5, "optimiser": "adam", "learning_rate": 0.01, "examples": 40}, 10),
        ({"epochs": 1, "momentum": 0.9, "weight_decay": 0.1}, 2),  # not half an epoch for 7
    ],
)
def test_equal_steps_are_as_many_for_every_batch_size_and_those_of_plain_pytorch(
    changes, expected, experiment, module_of
):
    entry = experiment(record={"gradient_norm": "step"}, **EQUAL, **changes)
    runs = [run for run in runs_of(entry, "cpu") if run.equal == "steps"]
    examples = changes.get("examples", 60)
    assert [run.batch_size for run in runs] == [min(size, examples) for size in SIZES]
    for run in runs:
        record = train(run, entry)
        assert record.steps["loss"].shape == (2, expected)
        assert record.epochs == list(range(ceil(expected / ceil(examples / run.batch_size)) + 1))
        for index in range(2):
            weights, history, steps = plain(run, entry, index, module_of)
            assert len(steps) == expected
            torch.testing.assert_close(flatten(record.weights)[index], weights, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(record.steps["loss"][index], steps[:, 0], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(record.history["train_loss"][index], history[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 5, 6, 7, 8])
def test_a_run_of_so_many_steps_is_the_beginning_of_a_longer_one(steps, experiment, run_of):
    entry = experiment(record={"gradient_norm": "step"}, optimiser="adam", schedule={"step": 1, "factor": 0.5})
    longer = train(run_of(entry), entry)
    record = train(run_of(entry, steps=steps, epochs=ceil(steps / 4)), entry)
    for name, values in record.steps.items():
        assert torch.equal(values, longer.steps[name][:, :steps])
    whole = steps // 4 + 1  # epochs, and the beginning
    assert torch.equal(record.history["test_loss"][:, :whole], longer.history["test_loss"][:, :whole])
    if steps % 4:
        assert not torch.equal(record.history["test_loss"][:, whole], longer.history["test_loss"][:, whole])


@pytest.mark.parametrize("every", [1, 2])
def test_at_equal_epochs_the_learning_rate_decays_by_the_epoch_as_torch_has_it(every, experiment, rates):
    entry = experiment(epochs=5, schedule={"step": every, "factor": 0.3}, **EQUAL)
    for run in runs_of(entry, "cpu"):
        if run.equal == "steps":
            continue
        optimiser = torch.optim.SGD([torch.zeros(1)], 0.05)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, every, 0.3)
        expected = []
        for _ in range(5):
            expected += schedule.get_last_lr() * ceil(60 / run.batch_size)
            optimiser.step()
            schedule.step()
        rates.clear()
        train(run, entry)
        assert rates == pytest.approx(expected, rel=1e-14)
        assert fused.rates(run, entry)[:, 0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("every", [1, 2])
def test_at_equal_steps_it_decays_after_as_many_for_every_batch_size(every, experiment, rates):
    entry = experiment(epochs=5, schedule={"step": every, "factor": 0.3}, **EQUAL)
    for run in runs_of(entry, "cpu"):
        if run.equal == "epochs":
            continue
        rates.clear()
        train(run, entry)
        # three steps are an epoch of the middle batch size
        expected = [0.05 * 0.3 ** (step // (3 * every)) for step in range(12)]
        assert rates == pytest.approx(expected, rel=1e-12)
        assert fused.rates(run, entry)[:, 0] == pytest.approx(expected, rel=1e-7)


# ------------------------------------------------------------------------------------------------------ the control


@pytest.mark.parametrize(
    "changes", [{}, {"momentum": 0.9, "examples": 30}, {"models": {"A": {"layers": [{"pool": 4}, 6, 10]}}}]
)
def test_the_control_is_plain_training_from_the_same_weights_in_another_order(changes, experiment, run_of, module_of):
    entry = experiment(record={"weights_every": 1, "gradient_norm": "step"}, **changes)
    ours = train(run_of(entry, replicas=2), entry)
    record = train(run := run_of(entry, replicas=2, control=True), entry)
    for name, weight in record.snapshots.items():
        assert torch.equal(weight[:, 0], ours.snapshots[name][:, 0])
    for index in range(2):
        weights, _, steps = plain(run, entry, index, module_of)
        torch.testing.assert_close(flatten(record.weights)[index], weights, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(record.steps["loss"][index], steps[:, 0], rtol=1e-4, atol=1e-5)
        assert not torch.isclose(record.steps["loss"][index], ours.steps["loss"][index], rtol=1e-4).any()
        assert not torch.allclose(flatten(record.weights)[index], flatten(ours.weights)[index], atol=1e-3)


@pytest.mark.parametrize("batch_size", [60, 1000])
def test_one_batch_of_the_whole_set_has_no_other_order(batch_size, experiment, run_of):
    entry = experiment()
    ours = train(run_of(entry, batch_size=batch_size), entry)
    assert same(ours, train(run_of(entry, batch_size=batch_size, control=True), entry))


# ------------------------------------------------------------------------------------------------ pieces of a batch


@pytest.mark.parametrize("at_once", [1, 5, 7, 16])
@pytest.mark.parametrize(
    ("data", "batch_size", "changes"),
    [
        ("mnist", 16, {"optimiser": "adam", "learning_rate": 0.01}),  # 60 images: the last batch has 12
        ("mnist", 60, {"momentum": 0.9, "shuffle_labels": 0.5}),
        ("cifar10", 23, {"models": CNN, "augment": {"crop": 2, "flip": True}}),
        ("functions", 40, {"functions": ["sinc5", "log_abs"]}),
        ("functions", 9, {"functions": ["sinc5", "log_abs"]}),
    ],
)
def test_pieces_of_a_batch_add_up_to_it(data, batch_size, changes, at_once, experiment, run_of, batches, monkeypatch):
    entry = experiment(data, record={"gradient_norm": "step"}, **changes)
    run = run_of(entry, replicas=2, batch_size=batch_size)
    whole = train(run, entry)
    taken = [batch.shape[1] for batch in batches]
    batches.clear()
    monkeypatch.setattr(evaluation, "NUMBERS_AT_ONCE", at_once * torch.Size(DATA_KINDS[data].shape).numel())
    pieces = train(run, entry)
    assert [batch.shape[1] for batch in batches] == [
        min(at_once, size - start) for size in taken for start in range(0, size, at_once)
    ]
    assert whole.steps["loss"].shape[1] == len(taken)
    for index in range(len(run.members)):
        assert_member(pieces, index, whole, index)


def test_an_example_of_more_numbers_than_go_at_once_goes_alone(experiment, run_of, batches, monkeypatch):
    monkeypatch.setattr(evaluation, "NUMBERS_AT_ONCE", 100)
    train(run_of(entry := experiment(epochs=1)), entry)
    assert [batch.shape[1] for batch in batches] == [1] * 60


# ------------------------------------------------------------------------------------------------------ augmentation


@pytest.fixture
def changed(monkeypatch):
    """What augmentation is given and what it gives, for every mini-batch: originals, settings, black, results."""
    seen = []

    def spy(x, settings, black, streams):
        found = augmented(x, settings, black, streams)
        seen.append((x, settings, black, found))
        return found

    monkeypatch.setattr(autograd, "augmented", spy)
    return seen


AUGMENT = {"augment": {"crop": 4, "flip": True}}


@pytest.mark.parametrize(
    ("data", "changes", "batch_size"),
    [
        ("mnist", {}, 16),
        ("mnist", {}, 60),
        ("cifar10", {"models": CNN, "optimiser": "adam", "learning_rate": 0.01, "activation": "relu"}, 16),
    ],
)
def test_training_with_augmentation_is_plain_training_on_the_changed_images(
    data, changes, batch_size, experiment, run_of, module_of, changed
):
    entry = experiment(data, record={"gradient_norm": "step"}, **AUGMENT, **changes)
    run = run_of(entry, replicas=2, batch_size=batch_size)
    record = train(run, entry)
    assert {settings for _, settings, _, _ in changed} == {Augment(crop=4, flip=True)}
    for index in range(2):
        each = [found[index] for *_, found in changed]
        weights, history, steps = plain(run, entry, index, module_of, each)
        torch.testing.assert_close(flatten(record.weights)[index], weights, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(record.steps["loss"][index], steps[:, 0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(record.history["train_loss"][index], history[:, 0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(record.history["test_loss"][index], history[:, 2], rtol=1e-4, atol=1e-5)
        assert any(not torch.equal(x[min(index, len(x) - 1)], found[index]) for x, *_, found in changed)


def test_every_use_of_an_image_changes_it_anew(experiment, run_of, changed):
    train(run_of(entry := experiment(**AUGMENT), batch_size=60, replicas=2), entry)
    original = images("mnist")[0].x.unsqueeze(0)
    assert all(torch.equal(x, original) for x, *_ in changed)
    uses = [*(found[0] for *_, found in changed), *(found[1] for *_, found in changed)]
    assert len(uses) == 6  # three epochs of two members
    same_image = torch.stack([(one == other).flatten(1).all(1).float().mean() for one, other in pairwise(uses)])
    assert same_image.max() < 0.1  # by chance 1 in 162


def test_black_is_what_a_pixel_of_0_becomes(experiment, run_of, changed, prepared):
    path = prepared / "data" / "cifar10" / "train_images.npy"
    np.save(path, np.maximum(np.load(path), 10))  # no image has a black pixel
    train(run_of(entry := experiment("cifar10", models=CNN, **AUGMENT)), entry)
    pixels = np.load(path) / 255
    expected = -pixels.mean((0, 2, 3)) / pixels.std((0, 2, 3))
    for _, _, black, _ in changed:
        np.testing.assert_allclose(black, expected, rtol=1e-5)


def test_replicas_share_their_changes_across_models(experiment, run_of, changed):
    seen = []
    for layers, seed in (([10], 0), ([4, 10], 0), ([10], 1)):
        changed.clear()
        entry = experiment(models={"A": {"layers": layers}}, **AUGMENT)
        train(run_of(entry, replicas=2, seed=seed), entry)
        seen.append(torch.cat([found for *_, found in changed], 1))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


# --------------------------------------------------------------------------------------------- members of a run


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ("mnist", {"optimiser": "adam", "learning_rate": 0.01}),
        ("mnist", {"shuffle_labels": 0.5}),
        ("mnist", {"batch_size": "full"}),
        ("mnist", {"batch_size": 1000, "shuffle_labels": 1.0}),
        ("cifar10", {"models": CNN, "momentum": 0.9}),
        ("mnist", AUGMENT),
        ("mnist", {"augment": {"crop": 4}, "batch_size": "full"}),
        ("functions", {"functions": ["sinc5", "log_abs"], "epochs": 20}),
        ("functions", {"functions": ["sinc5", "log_abs"], "batch_size": 16, "optimiser": "rmsprop"}),
    ],
)
def test_members_are_the_same_trained_one_at_a_time(data, changes, experiment, run_of):
    entry = experiment(data, record={"gradient_norm": "step"}, **changes)
    run = run_of(entry, replicas=3)
    record = train(run, entry)
    assert len(record.last) == len(run.members) == 3 * len(entry.functions or [None])
    for index, one in enumerate(run.members):
        alone = train(run_of(entry, members=(one,)), entry)
        assert_member(record, index, alone)
    assert not torch.allclose(flatten(record.weights)[0], flatten(record.weights)[1], atol=1e-2)


def test_two_trainings_agree_in_every_bit(experiment, run_of):
    record = {"gradient_norm": "step", "weights_every": 1}
    entry = experiment(record=record, optimiser="adam", shuffle_labels=0.5, **AUGMENT)
    run = run_of(entry, replicas=2)
    torch.manual_seed(0)
    one = train(run, entry)
    torch.manual_seed(1)  # of no consequence
    assert same(one, train(run, entry))
    assert not same(one, train(run_of(entry, replicas=2, seed=1), entry))
    assert not same(one, train(run_of(entry, replicas=2, key="d-other"), entry))


def test_outputs_are_those_of_the_final_weights_on_the_held_out_points(experiment, run_of, module_of):
    entry = experiment("functions", functions=["sinc5", "log_abs"])
    record = train(run_of(entry), entry)
    _, test = parts(entry, entry.functions)
    for index in range(2):
        module = module_of([6, 1], (1,), "tanh", record.weights, index)
        torch.testing.assert_close(record.outputs[index], module(test.x).detach()[:, 0])
    assert train(run_of(image := experiment()), image).outputs is None


# --------------------------------------------------------------------------------------------- order of examples


def positions(seen: list[torch.Tensor], points: int) -> list[torch.Tensor]:
    """Which example each target belongs to, where every target is another and they ascend with the examples."""
    values = seen[0].new_tensor(sorted({value for batch in seen for value in batch.flatten().tolist()}))
    assert len(values) == points
    return [torch.searchsorted(values, batch.squeeze(2).contiguous()) for batch in seen]


def orders(entry, run_of, batches, **changes) -> torch.Tensor:
    """The examples in the order in which training takes them: (members, epochs, points)."""
    batches.clear()
    run = run_of(entry, **changes)
    train(run, entry)
    taken = torch.cat(positions(batches, entry.points), 1)
    return taken.unflatten(1, (run.epochs, entry.points))


@pytest.fixture
def ascending(experiment):
    """Fits of a function whose values ascend, so that the target tells the example."""
    return lambda **changes: experiment("functions", **{"functions": ["sin_affine"], "batch_size": 16} | changes)


def test_every_example_is_seen_once_an_epoch_and_the_last_batch_is_what_is_left(ascending, run_of, batches):
    entry = ascending()
    order = orders(entry, run_of, batches, replicas=2)
    assert [batch.shape[1] for batch in batches] == [16, 16, 8] * 3
    assert torch.equal(order.sort(2).values, torch.arange(40).expand(2, 3, 40))
    flat = [tuple(epoch.tolist()) for epoch in order.flatten(0, 1)]
    assert len(set(flat)) == 6  # another order in every epoch, and for every replica
    assert tuple(range(40)) not in flat


def test_replicas_share_their_order_across_models_batch_sizes_and_optimisers(ascending, run_of, batches):
    reference = orders(ascending(), run_of, batches, replicas=2)
    others = [
        (ascending(models={"B": {"layers": [3, 4, 1]}}), {"replicas": 2}),
        (ascending(), {"replicas": 2, "batch_size": 7}),
        (ascending(), {"replicas": 2, "batch_size": 1}),
        (ascending(optimiser="adam"), {"replicas": 2, "learning_rate": 1e-3}),
        (ascending(), {"members": (Member("sin_affine", 0), Member("sin_affine", 1), Member("sin_affine", 7))}),
    ]
    for entry, changes in others:
        assert torch.equal(orders(entry, run_of, batches, **changes)[:2], reference)
    swapped = orders(ascending(), run_of, batches, members=(Member("sin_affine", 1), Member("sin_affine", 0)))
    assert torch.equal(swapped.flip(0), reference)
    assert not torch.equal(orders(ascending(), run_of, batches, replicas=2, seed=1), reference)


def test_the_control_takes_every_example_once_an_epoch_in_an_order_of_its_own(ascending, run_of, batches):
    order = orders(ascending(), run_of, batches, replicas=3, control=True)
    assert torch.equal(order.sort(2).values, torch.arange(40).expand(3, 3, 40))
    found = {tuple(epoch.tolist()) for epoch in order.flatten(0, 1)}
    others = {tuple(epoch.tolist()) for epoch in orders(ascending(), run_of, batches, replicas=3).flatten(0, 1)}
    assert len(found) == len(others) == 9
    assert not found & others
    again = orders(ascending(optimiser="adam"), run_of, batches, replicas=3, control=True, batch_size=7)
    assert torch.equal(again, order)


def test_replicas_share_their_initial_weights_across_settings_and_functions(experiment, run_of):
    record = {"weights_every": 3}
    entry = experiment("functions", functions=["sinc5", "quadratic"], record=record)
    start = {name: w[:, 0] for name, w in train(run_of(entry, replicas=2), entry).snapshots.items()}
    other = experiment("functions", record=record, models={"B": {"layers": [6, 1]}}, optimiser="adam", points=13)
    for index, (name, weight) in enumerate(train(run_of(other, replicas=2, batch_size=5), other).snapshots.items()):
        assert torch.equal(weight[:, 0], start[name][:2])  # the replicas of the first function
        assert torch.equal(weight[:, 0], start[name][2:])
        assert not torch.equal(weight[0, 0], weight[1, 0]), index


# --------------------------------------------------------------------------------------------------- shuffled labels


@pytest.mark.parametrize("batch_size", [16, 60])
@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.5, 15, 30), (1.0, 40, 60)])
def test_labels_are_shuffled_once_and_keep_their_classes(share, least, most, batch_size, experiment, run_of, batches):
    entry = experiment(shuffle_labels=share)
    train(run_of(entry, replicas=2, batch_size=batch_size), entry)
    seen, labels = list(batches), images("mnist")[0].y[0]
    for replica in range(2):
        order = stream(0, "d-test", replica, "order")
        found = []
        for epoch in range(3):
            rows = seen[epoch * len(seen) // 3 : (epoch + 1) * len(seen) // 3]
            taken = torch.cat([row[min(replica, len(row) - 1)] for row in rows])
            whole = batch_size == 60
            permutation = torch.arange(60) if whole else torch.randperm(60, generator=order)
            found.append(torch.empty(60, dtype=torch.long).scatter_(0, permutation, taken))
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[0], found[2])
        assert Counter(found[0].tolist()) == Counter(labels.tolist())
        assert least <= (found[0] != labels).sum() <= most


def test_shuffling_leaves_the_test_set_alone_and_differs_by_replica_only(experiment, run_of):
    plain = train(run_of(clear := experiment(), replicas=2), clear)
    record = train(run_of(entry := experiment(shuffle_labels=1.0), replicas=2), entry)
    assert torch.equal(record.history["test_loss"][:, 0], plain.history["test_loss"][:, 0])
    assert not torch.isclose(record.history["train_loss"][:, 0], plain.history["train_loss"][:, 0]).any()
    data, test = images("mnist")
    network = Network(entry.models["A"], "tanh", (1, 28, 28))
    value, accuracy, _ = evaluate(network, record.weights, "cross_entropy", test)
    torch.testing.assert_close(value, record.history["test_loss"][:, -1])
    torch.testing.assert_close(accuracy, record.history["test_accuracy"][:, -1])
    true, _, _ = evaluate(network, record.weights, "cross_entropy", data)
    assert (record.history["train_loss"][:, -1] < true).all()  # it fits the labels that it was shown


@pytest.mark.parametrize("control", [False, True])
def test_every_share_of_a_sweep_shuffles_labels_by_the_same_stream(control, experiment, batches):
    shares = [0.5, 0, 1, 0.25]
    entry = experiment(
        batch_size="full",
        sweep={"shuffle_labels": shares},
        against="shuffle_labels",
        control=0.5 if control else None,
        epochs=1,
    )
    labels = images("mnist")[0].y[0]
    runs = runs_of(entry, "cpu")
    assert [run.shuffle_labels for run in runs] == shares + [0.5] * control
    for run in runs:
        batches.clear()
        train(run, entry)
        (found,) = batches
        for replica in range(2):
            expected = shuffled(labels, run.shuffle_labels, stream(0, "d-test", replica, "labels"))
            assert torch.equal(found[replica], expected)


def test_shuffled_labels_are_the_same_for_every_model(experiment, run_of, batches):
    seen = []
    for layers in ([10], [4, 10]):
        batches.clear()
        entry = experiment(models={"A": {"layers": layers}}, shuffle_labels=1.0)
        train(run_of(entry), entry)
        seen.append(torch.cat(batches, 1))
    assert torch.equal(*seen)


# ----------------------------------------------------------------------------------------------- what is recorded


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 60), (7, 9), (20, 3), (59, 2), (60, 1), (1000, 1)])
def test_one_step_for_every_batch(batch_size, steps, experiment, run_of):
    entry = experiment(record={"gradient_norm": "step"}, epochs=2)
    record = train(run_of(entry, batch_size=batch_size), entry)
    assert record.steps["loss"].shape == record.steps["gradient_norm"].shape == (1, 2 * steps)


def test_nothing_but_losses_unless_asked(experiment, run_of):
    record = train(run_of(entry := experiment()), entry)
    assert (record.steps, record.snapshots, record.snapshot_epochs) == ({}, {}, [])
    assert record.epochs == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("every", "stated", "epochs", "expected"),
    [
        (1, 3, 3, [0, 1, 2, 3]),
        (2, 5, 5, [0, 2, 4]),
        (3, 3, 3, [0, 3]),
        (4, 3, 3, [0]),
        (8, 12, 3, [0, 2]),
        (4, 12, 3, [0, 1, 2, 3]),
    ],
)
def test_snapshots(every, stated, epochs, expected, experiment, run_of):
    entry = experiment(record={"weights_every": every}, epochs=stated, optimiser="adam")
    record = train(run_of(entry, replicas=2, epochs=epochs), entry)
    assert record.snapshot_epochs == expected
    network = Network(entry.models["A"], "tanh", (1, 28, 28))
    initial = network.initial([stream(0, "d-test", i, "weights") for i in range(2)])
    for at, epoch in enumerate(expected):
        there = train(run_of(entry, replicas=2, epochs=epoch), entry).weights if epoch else initial
        for name, weight in record.snapshots.items():
            assert torch.equal(weight[:, at], there[name])
    assert all(w.shape[:2] == (2, len(expected)) for w in record.snapshots.values())


def test_losses_are_measured_at_some_epochs_only_in_a_long_run(experiment, run_of, monkeypatch):
    entry = experiment("functions", epochs=11)
    every = train(run_of(entry), entry)
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", 4)
    heard = []
    record = train(run_of(entry), entry, lambda epoch, loss: heard.append((epoch, loss)))
    assert record.epochs == [0, 3, 6, 9, 11]
    assert torch.equal(record.history["train_loss"], every.history["train_loss"][:, record.epochs])
    assert torch.equal(flatten(record.weights), flatten(every.weights))
    assert heard == [
        (epoch, pytest.approx(every.history["train_loss"][0, epoch].item())) for epoch in record.epochs[1:]
    ]


def slopes(entry, run, record) -> torch.Tensor:
    """Norm of the gradient over the whole training set at every epoch, by autograd one net at a time."""
    network = Network(entry.models["A"], entry.activation, DATA_KINDS[entry.data].shape)
    data, _ = parts(entry, [m.function for m in run.members])
    found = torch.empty(len(run.members), len(record.epochs))
    for i in range(len(run.members)):
        for at in range(len(record.epochs)):
            weights = {n: w[i : i + 1, at].clone().requires_grad_() for n, w in record.snapshots.items()}
            y = data.y[i if len(data.y) > 1 else 0]
            outputs = network(weights, data.x.unsqueeze(0))[0]
            loss = functional.mse_loss(outputs, y) if entry.loss == "mse" else functional.cross_entropy(outputs, y)
            grads = torch.autograd.grad(loss, list(weights.values()))
            found[i, at] = torch.cat([g.flatten() for g in grads]).norm()
    return found


EVERY_EPOCH = {"record": {"gradient_norm": "epoch", "weights_every": 1}}


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ("mnist", {}),
        ("mnist", {"optimiser": "adam", "learning_rate": 0.01, "augment": {"crop": 4, "flip": True}}),
        ("cifar10", {"models": CNN}),
        ("functions", {"functions": ["sinc5", "log_abs"], "epochs": 8}),
        ("functions", {"functions": ["sinc5", "log_abs"], "batch_size": 16, "momentum": 0.9}),
    ],
)
def test_the_gradient_norm_of_an_epoch_is_that_of_the_training_set_after_it(data, changes, experiment, run_of):
    entry = experiment(data, **EVERY_EPOCH, **changes)
    record = train(run := run_of(entry, replicas=2), entry)
    torch.testing.assert_close(record.history["gradient_norm"], slopes(entry, run, record), rtol=1e-4, atol=1e-5)
    assert record.steps == {}


@pytest.mark.parametrize(("data", "changes"), [("mnist", {"shuffle_labels": 1.0}), ("functions", {})])
def test_a_step_of_gradient_descent_is_as_long_as_the_gradient_before_it(data, changes, experiment, run_of):
    entry = experiment(data, **EVERY_EPOCH, **changes)
    record = train(run_of(entry, replicas=2, batch_size=60), entry)
    steps = torch.cat([w.diff(dim=1).flatten(2) for w in record.snapshots.values()], 2).norm(dim=2)
    torch.testing.assert_close(record.history["gradient_norm"][:, :-1], steps / 0.05, rtol=1e-3, atol=1e-4)


def test_gradient_norms_of_a_long_run_are_those_of_the_recorded_epochs(experiment, run_of, monkeypatch):
    entry = experiment("functions", epochs=11, record={"gradient_norm": "epoch"})
    every = train(run_of(entry), entry)
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", 4)
    record = train(run_of(entry), entry)
    assert record.epochs == [0, 3, 6, 9, 11]
    assert torch.equal(record.history["gradient_norm"], every.history["gradient_norm"][:, record.epochs])


# ------------------------------------------------------------------------------------------- divergence and stopping


@pytest.fixture
def exploding(monkeypatch):
    """Nets whose third replica starts from weights that are 30 times too large, far outside where SGD is stable."""
    initial = Network.initial

    def scaled(self, streams):
        weights = initial(self, streams)
        seeds = [s.initial_seed() for s in streams]
        bad = stream(0, "d-test", 2, "weights").initial_seed()
        return {name: torch.stack([w * (30 if s == bad else 1) for w, s in zip(tensor, seeds, strict=True)])
                for name, tensor in weights.items()}  # fmt: skip

    monkeypatch.setattr(Network, "initial", scaled)


@pytest.mark.usefixtures("exploding")
@pytest.mark.parametrize("rule", [None, {"loss_change": 1e-9}])  # which no net meets
def test_a_net_that_diverges_leaves_the_others_alone(rule, experiment, run_of):
    entry = experiment("functions", activation="leaky_relu", epochs=12, record={"gradient_norm": "step"}, stop=rule)
    record = train(run_of(entry, replicas=4), entry)
    assert record.diverged == [False, False, True, False]
    assert record.epochs == list(range(13))
    last = record.last[2]
    assert 0 < last < 12
    finite = record.history["train_loss"].isfinite()
    assert finite[2, :last].all()
    assert not finite[2, last:].any()
    for index in (0, 1, 3):
        alone = train(run_of(entry, members=(Member("quadratic", index),)), entry)
        assert_member(record, index, alone)
        assert record.last[index] == 12
    alone = train(run_of(entry, members=(Member("quadratic", 2),)), entry)
    assert_member(record, 2, alone)
    assert alone.diverged == [True]
    assert alone.epochs == list(range(last + 1))  # with nobody left to train it ends
    assert alone.last == [last]


def test_a_net_that_stopped_does_not_diverge_later(experiment, run_of):
    settings = {"activation": "leaky_relu", "learning_rate": 1e6, "epochs": 20, "record": {"weights_every": 1}}
    entry = experiment("functions", **settings)
    run = run_of(entry, replicas=2)
    free = train(run, entry)
    assert free.diverged == [True, True]
    before = slopes(entry, run, free)[:, 0]
    record = train(run, experiment("functions", **settings, stop={"gradient_norm": before.mean().item()}))
    first = int(before.argmin())
    assert record.last[first] == 0
    assert record.diverged == [first != 0, first != 1]
    assert flatten(record.weights)[first].isfinite().all()


@pytest.mark.parametrize("data", ["mnist", "cifar10", "functions"])
def test_a_learning_rate_that_is_far_too_large(data, experiment, run_of):
    models = {"A": {"layers": [{"conv": 2}, {"conv": 2}, 10]}} if data == "cifar10" else None
    layers = {"models": models or {"A": {"layers": [4, 4, 1 if data == "functions" else 10]}}}
    entry = experiment(data, activation="relu", learning_rate=1e6, epochs=30, **layers)
    record = train(run_of(entry, replicas=2), entry)
    if data == "functions":
        assert record.diverged == [True, True]
    for index, diverged in enumerate(record.diverged):
        last = record.history["train_loss"][index, record.last[index]]
        assert diverged == (not last.isfinite())


def test_divergence_before_the_first_step(experiment, run_of, monkeypatch):
    initial = Network.initial
    monkeypatch.setattr(Network, "initial", lambda *a: {name: w * 1e25 for name, w in initial(*a).items()})
    entry = experiment("functions", activation="relu")
    record = train(run_of(entry), entry)
    assert (record.diverged, record.last) == ([True], [0])


@pytest.mark.parametrize("data", ["functions", "mnist"])
def test_stop_freezes_a_member_where_its_gradient_is_small_enough(data, experiment, run_of):
    settings = {"record": {"weights_every": 1}, "epochs": 40 if data == "functions" else 12}
    settings |= {} if data == "functions" else {"models": {"A": {"layers": [4, 10]}}}
    entry = experiment(data, **settings)
    run = run_of(entry, replicas=3, batch_size=60)
    free = train(run, entry)
    norms = slopes(entry, run, free)
    if data == "functions":
        limit = norms.min(1).values.sort().values[1:].mean().item()  # which one of three does not reach
    else:
        limit = norms[:, 6].median().item() * 1.001
    reached = [next((at for at, value in enumerate(row) if value < limit), None) for row in norms]
    assert len(set(reached)) > 1
    assert (None in reached) == (data == "functions")
    stopped = experiment(data, **settings, stop={"gradient_norm": limit})
    record = train(run, stopped)
    assert record.last == [settings["epochs"] if at is None else at for at in reached]
    assert record.epochs == list(range(max(record.last) + 1))
    assert record.diverged == [False] * 3
    for i, at in enumerate(record.last):
        for name, weight in record.weights.items():
            assert torch.equal(weight[i], free.snapshots[name][i, at])
            assert not torch.equal(weight[i], free.snapshots[name][i, at - 1])
    early = train(run, experiment(data, **settings, stop={"gradient_norm": norms.max().item() * 1.01}))
    assert early.last == [0, 0, 0]
    assert early.epochs == [0]  # looked at before the first epoch, too
    assert early.snapshot_epochs == [0]
    if data == "functions":
        network = Network(entry.models["A"], "tanh", (1,))
        test = parts(entry, ["quadratic"] * 3)[1]
        expected = network(record.weights, test.x.unsqueeze(0)).squeeze(2)
        torch.testing.assert_close(record.outputs, expected)


def test_a_net_stops_where_its_recorded_gradient_norm_says(experiment, run_of):
    settings = {"epochs": 30, "record": {"gradient_norm": "epoch"}}
    entry = experiment("functions", **settings)
    run = run_of(entry, replicas=2)
    free = train(run, entry).history["gradient_norm"]
    limit = free.min(1).values.max().item() * 1.5
    reached = [int((row < limit).int().argmax()) for row in free]
    record = train(run, experiment("functions", **settings, stop={"gradient_norm": limit}))
    assert record.last == reached
    assert 0 < reached[0] != reached[1] > 0
    for index, at in enumerate(reached):
        assert torch.equal(record.member(index).history["gradient_norm"][0], free[index, : at + 1])
        assert record.history["gradient_norm"][index, at + 1 :].isnan().all()


def epoch_losses(run, entry, index, module_of) -> torch.Tensor:
    """The training loss of every epoch as plain training has it in its mini-batches."""
    _, _, steps = plain(run, entry, index, module_of)
    examples = len(parts(entry, [run.members[index].function])[0].x)
    sizes = torch.tensor([min(run.batch_size, examples - at) for at in range(0, examples, run.batch_size)])
    return (steps[:, 0].view(run.epochs, -1) * sizes / examples).sum(1)


@pytest.mark.parametrize(
    ("data", "changes", "batch_size"),
    [
        ("functions", {"functions": ["sin_affine"]}, 40),
        ("functions", {"functions": ["sin_affine"]}, 16),
        ("functions", {"learning_rate": 0.2}, 40),  # whose changes grow again
        ("mnist", {"models": {"A": {"layers": [4, 10]}}, "learning_rate": 0.2}, 16),
    ],
)
def test_a_member_stops_in_the_epoch_in_which_its_loss_hardly_changes(
    data, changes, batch_size, experiment, run_of, module_of, monkeypatch
):
    settings = {"epochs": 40, "record": {"weights_every": 1}, **changes}
    entry = experiment(data, **settings)
    run = run_of(entry, replicas=4, batch_size=batch_size)
    free = train(run, entry)
    found = torch.stack([epoch_losses(run, entry, i, module_of) for i in range(4)]).diff(dim=1).abs()
    limit = found.min(1).values.sort().values[2:].mean().item()  # which one of four does not reach
    assert ((found / limit - 1).abs() > 1e-3).all()
    reached = [next((epoch for epoch, value in enumerate(row, start=2) if value < limit), None) for row in found]
    assert reached.count(None) == 1
    assert len(set(reached)) > 2
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", 4)
    heard = []
    stopped = experiment(data, **settings, stop={"loss_change": limit})
    record = train(run, stopped, lambda epoch, loss: heard.append(epoch))
    assert record.epochs == sorted({0, 10, 20, 30, 40, *(epoch for epoch in reached if epoch)})
    assert heard == record.epochs[1:]
    assert [record.epochs[last] for last in record.last] == [epoch or 40 for epoch in reached]
    assert record.diverged == [False] * 4
    for i, epoch in enumerate(reached):
        own = record.member(i)
        assert own.epochs == sorted({*(at for at in (0, 10, 20, 30, 40) if at < (epoch or 40)), epoch or 40})
        for name, values in own.history.items():
            assert torch.equal(values[0, :-1], free.history[name][i, own.epochs[:-1]])
            if name.startswith("test") or entry.functions:  # the last of images is that of the whole training set
                assert values[0, -1] == free.history[name][i, own.epochs[-1]]
        for name, weight in record.weights.items():
            assert torch.equal(weight[i], free.snapshots[name][i, epoch or 40])


@pytest.mark.parametrize(("grid", "epochs"), [(200, [0, 1, 2]), (4, [0, 2])])
def test_the_first_epoch_has_no_change_and_a_run_ends_when_all_have_stopped(
    grid, epochs, experiment, run_of, monkeypatch
):
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", grid)
    entry = experiment("functions", epochs=40, stop={"loss_change": 1e9})
    record = train(run_of(entry, replicas=3), entry)
    assert record.epochs == epochs
    assert record.last == [len(epochs) - 1] * 3
    two = experiment("functions", epochs=2)
    free = train(run_of(two, replicas=3), two)
    assert torch.equal(flatten(record.weights), flatten(free.weights))
    assert torch.equal(record.outputs, free.outputs)


def test_a_net_whose_loss_stopped_it_does_not_diverge_later(experiment, run_of):
    settings = {"activation": "leaky_relu", "learning_rate": 3.0, "epochs": 30, "record": {"gradient_norm": "step"}}
    entry = experiment("functions", **settings)
    run = run_of(entry, replicas=2)
    free = train(run, entry)
    assert free.diverged == [True, True]
    found = free.steps["loss"].diff(dim=1).abs()
    limit = found[:, 0].mean().item()
    first = int(found[:, 0].argmin())
    assert (found[1 - first] > limit).all()
    record = train(run, experiment("functions", **settings, stop={"loss_change": limit}))
    assert record.last[first] == 2
    assert record.diverged == [first != 0, first != 1]
    assert flatten(record.weights)[first].isfinite().all()


# What a member leaves must not depend on when others end: data, settings, and the rule.
ENDING = {
    "gradient norm": ("functions", {"epochs": 40}, "gradient_norm"),
    "gradient norm of classifiers": ("mnist", {"models": {"A": {"layers": [4, 10]}}, "epochs": 12}, "gradient_norm"),
    "loss change": ("functions", {"functions": ["sin_affine"], "epochs": 40}, "loss_change"),
    "loss change in batches": (
        "functions",
        {"functions": ["sin_affine"], "epochs": 40, "batch_size": 16},
        "loss_change",
    ),
    "loss change of classifiers": ("mnist", {"models": {"A": {"layers": [4, 10]}}, "epochs": 30}, "loss_change"),
}


def limit_of(entry, rule, run) -> float:
    """A limit between those of the four members of a run a third of the way: half of them have met it then."""
    free = train(run, entry)
    if rule == "gradient_norm":
        return free.history["gradient_norm"][:, run.epochs // 3].sort().values[1:3].mean().item()
    per_epoch = len(free.steps["loss"][0]) // run.epochs
    losses = free.steps["loss"].unflatten(1, (run.epochs, per_epoch)).mean(2)
    return losses.diff(dim=1).abs()[:, run.epochs // 3].sort().values[1:3].mean().item()


@pytest.mark.parametrize("grid", [200, 8])
@pytest.mark.parametrize("recorded", ["step", "epoch"])
@pytest.mark.parametrize("name", ENDING)
def test_a_net_that_stops_leaves_what_it_would_leave_alone(name, recorded, grid, experiment, run_of, monkeypatch):
    data, settings, rule = ENDING[name]
    measured = experiment(data, **settings, record={"gradient_norm": "epoch" if rule == "gradient_norm" else "step"})
    limit = limit_of(measured, rule, run_of(measured, replicas=4))
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", grid)
    record = {"gradient_norm": recorded, "weights_every": 3}
    entry = experiment(data, **settings, record=record, stop={rule: limit})
    run = run_of(entry, replicas=4)
    together = train(run, entry)
    ends = [together.epochs[last] for last in together.last]
    assert len(set(ends)) > 1
    assert min(ends) < run.epochs - 3  # so that others go on to a snapshot
    for index, one in enumerate(run.members):
        alone = train(run_of(entry, members=(one,)), entry)
        assert_member(together, index, alone)
        assert alone.epochs[-1] == ends[index]
        assert together.member(index).snapshot_epochs == list(range(0, ends[index] + 1, 3))
        for tensor, weight in together.snapshots.items():  # it stands still
            later = weight[index, ends[index] // 3 + 1 :]
            assert torch.equal(later, together.weights[tensor][index].expand_as(later))


@pytest.mark.usefixtures("exploding")
@pytest.mark.parametrize("recorded", ["step", "epoch"])
@pytest.mark.parametrize("grid", [200, 4])
def test_a_net_that_diverges_leaves_what_it_would_leave_alone(grid, recorded, experiment, run_of, monkeypatch):
    """Also where others stop in between: it is not looked at then."""
    settings = {"activation": "leaky_relu", "epochs": 24}
    free = train(
        run_of(entry := experiment("functions", **settings, record={"gradient_norm": "step"}), replicas=4), entry
    )
    changes = free.steps["loss"].diff(dim=1).abs()[[0, 1, 3]]
    limit = (changes[:, 8].sort().values[:2].mean()).item()
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", grid)
    record = {"gradient_norm": recorded, "weights_every": 1}
    entry = experiment("functions", **settings, record=record, stop={"loss_change": limit})
    run = run_of(entry, replicas=4)
    together = train(run, entry)
    assert together.diverged == [False, False, True, False]
    assert len(set(together.last)) > 2
    for index, one in enumerate(run.members):
        assert_member(together, index, train(run_of(entry, members=(one,)), entry))


def test_a_net_that_meets_its_rule_at_the_start_takes_no_step(experiment, run_of):
    record = {"gradient_norm": "step", "weights_every": 1}
    entry = experiment("functions", record=record, stop={"gradient_norm": 1e9})
    found = train(run_of(entry, replicas=2), entry)
    assert (found.epochs, found.last, found.diverged) == ([0], [0, 0], [False, False])
    assert (found.snapshot_epochs, found.steps_taken) == ([0], [0, 0])
    assert [values.shape for values in found.steps.values()] == [(2, 0), (2, 0)]
    initial = train(run_of(free := experiment("functions", record=record), replicas=2), free).snapshots
    assert all(torch.equal(weight, initial[name][:, 0]) for name, weight in found.weights.items())


# ------------------------------------------------------------------------------------------- measures of whole sets


@pytest.fixture
def classifiers(network_of):
    """Three nets and a set of examples whose targets they share."""
    network = network_of([5, 4], (3,))
    weights = network.initial([stream("w", i) for i in range(3)])
    x = torch.randn(23, 3, generator=stream("x"))
    return network, weights, Examples(x, torch.randint(4, (1, 23), generator=stream("y")))


@pytest.mark.parametrize("at_once", [1, 7, 23, 1000])
def test_evaluation_is_the_mean_over_all_examples(at_once, classifiers, module_of, monkeypatch):
    monkeypatch.setattr(evaluation, "NUMBERS_AT_ONCE", 3 * at_once)
    network, weights, data = classifiers
    value, accuracy, outputs = evaluate(network, weights, "cross_entropy", data)
    for i in range(3):
        logits = module_of([5, 4], (3,), "tanh", weights, i)(data.x).detach()
        torch.testing.assert_close(outputs[i], logits)
        torch.testing.assert_close(value[i], functional.cross_entropy(logits, data.y[0]))
        assert accuracy[i] == pytest.approx((logits.argmax(1) == data.y[0]).sum().item() / 23)


@pytest.mark.parametrize("at_once", [1, 7, 23, 1000])
@pytest.mark.parametrize("shared", [True, False])
def test_gradient_is_that_of_the_mean_loss(at_once, shared, classifiers, module_of, monkeypatch):
    monkeypatch.setattr(evaluation, "NUMBERS_AT_ONCE", 3 * at_once)
    network, weights, data = classifiers
    if not shared:
        data = Examples(data.x, torch.randint(4, (3, 23), generator=stream("own")))
    found = gradient(network, weights, "cross_entropy", data)
    for i in range(3):
        module = module_of([5, 4], (3,), "tanh", weights, i)
        functional.cross_entropy(module(data.x), data.y[0 if shared else i]).backward()
        for g, parameter in zip(found.values(), module.parameters(), strict=True):
            torch.testing.assert_close(g[i], parameter.grad, rtol=1e-4, atol=1e-6)
    assert all(not w.requires_grad for w in weights.values())


def test_norm_is_over_all_tensors_of_a_member():
    assert norm([torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[[4.0]], [[1.0]]])]).tolist() == [
        5.0,
        pytest.approx(3**0.5),
    ]


def test_members_of_evaluation_do_not_mix(classifiers):
    network, weights, data = classifiers
    value, accuracy, _ = evaluate(network, weights, "cross_entropy", data)
    for i in range(3):
        one = evaluate(network, member(weights, i), "cross_entropy", data)
        torch.testing.assert_close((one[0][0], one[1][0]), (value[i], accuracy[i]))


def test_the_accuracy_of_a_net_without_a_finite_loss_is_undefined(network_of):
    network, data = network_of([10], DATA_KINDS["mnist"].shape), images("mnist")[1]
    weights = network.initial([stream(0), stream(1)])
    weights["1.bias"][1, 0] = torch.nan
    value, accuracy, _ = evaluate(network, weights, "cross_entropy", data)
    assert value.isfinite().tolist() == accuracy.isfinite().tolist() == [True, False]


# ------------------------------------------------------------------------------------------------- on another device


class Waits(TorchFunctionMode):
    """Counts how often something waits for a number from the device; tensors without data say 0 then."""

    ANSWERS = {"item": 0.0, "tolist": [0], "__bool__": False, "cpu": torch.zeros(2, 2)}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.count = Counter()

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        name = getattr(function, "__name__", "")
        if name not in self.ANSWERS:
            return function(*arguments, **(keywords or {}))
        self.count[name] += 1
        return self.ANSWERS[name]


def fused_update(weights, gradients, *state, **settings):
    """Stands in for torch's fused kernels, which know no such device: all that they read goes into the weights."""
    for tensors in zip(weights, gradients, *filter(None, state), strict=True):
        tensors[0].add_(sum(tensor for tensor in tensors[1:] if tensor is not None))


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ("functions", {"record": {"gradient_norm": "step", "weights_every": 1}}),
        ("functions", {"batch_size": 5, "stop": {"gradient_norm": 1e-9}}),
        ("mnist", {"models": {"A": {"layers": [{"conv": 2}, {"pool": 4}, 10]}}, "record": {"gradient_norm": "epoch"}}),
        ("mnist", {"shuffle_labels": 0.5, **AUGMENT}),
    ],
)
def test_everything_lies_on_the_device_and_no_step_waits_for_it(data, changes, experiment, run_of, monkeypatch):
    """On torch's device `meta`, which has shapes and no data: an operation that mixes devices is an error there too."""
    monkeypatch.setattr(optimisers, "adam", fused_update)
    monkeypatch.setattr(optimisers, "sgd", fused_update)
    for optimiser in ("adam", "sgd", "rmsprop"):
        entry = experiment(data, epochs=7, **changes)
        run = replace(run_of(entry, replicas=2), optimiser=optimiser, device="meta")
        with Waits() as waits:
            record = train(run, entry)
        assert record.epochs == list(range(8))
        # After every recorded epoch: the loss that is shown, whether any member ended, and whether all have, also at 0.
        assert (waits.count["item"], waits.count["__bool__"]) == (7, 7 + 8)
        outcome = [record.history, record.steps, record.snapshots, record.weights]
        assert waits.count["cpu"] == sum(map(len, outcome)) + (data == "functions") - (len(record.steps) > 1)
        assert all(not tensor.is_meta for tensors in outcome for tensor in tensors.values())


@pytest.mark.usefixtures("by_torch")
def test_training_losses_are_of_the_first_images_until_the_last_record_which_is_of_all(experiment, run_of):
    entry = experiment("mnist")
    data, test = parts(entry, [None])
    assert len(test.x) < len(data.x)
    run = run_of(entry, replicas=2)
    network = Network(entry.models["A"], entry.activation, entry.example)
    initial = network.initial([stream(run.seed, run.key, replica, "weights") for replica in range(2)])
    record = train(run, entry)
    for weights, part, at in ((initial, first_examples(data, len(test.x)), 0), (record.weights, data, -1)):
        value, accuracy, _ = evaluate(network, weights, "cross_entropy", part)
        torch.testing.assert_close(record.history["train_loss"][:, at], value)
        torch.testing.assert_close(record.history["train_accuracy"][:, at], accuracy)


# --------------------------------------------------------------------------------------------------- images anew


@pytest.mark.parametrize("layers", [[10], [{"conv": 2}, {"pool": 8}, 10]], ids=["kernel", "torch"])
def test_a_replica_trains_and_is_measured_on_images_that_are_drawn_for_it(layers, experiment, monkeypatch):
    entry = experiment(models={"A": {"layers": layers}}, resample=True)
    runs = runs_of(entry, "cpu")
    assert [len(run.members) for run in runs] == [1, 1]
    train_set, test_set = images("mnist")
    records = []
    for replica, run in enumerate(runs):
        drawn = torch.randint(60, (60,), generator=stream(0, "d-test", replica, "sample"))
        assert 30 < len(set(drawn.tolist())) < 48  # (1 - 1/e) of 60 are 38
        records.append(train(run, entry))
        mine = Examples(train_set.x[drawn], train_set.y[:, drawn])
        with monkeypatch.context() as patch:
            patch.setattr(loop, "parts", lambda *_, mine=mine: (mine, test_set))
            assert same(records[-1], train(run, replace(entry, resample=False)))
    assert not same(*records)


def test_images_are_drawn_alike_for_every_model_and_setting(experiment, batches):
    models = {name: {"layers": layers} for name, layers in {"A": [10], "B": [4, 10]}.items()}
    sweep = {"learning_rate": [0.1, 0.01]}
    entry = experiment(
        models=models,
        resample=True,
        batch_size="full",
        epochs=1,
        learning_rate=None,
        sweep=sweep,
        against="learning_rate",
    )
    seen = []
    for run in runs_of(entry, "cpu"):
        batches.clear()
        train(run, entry)
        seen.append((run.members[0].replica, *batches))
    for replica in range(2):
        first, *others = (labels for index, labels in seen if index == replica)
        assert len(others) == 3
        assert all(torch.equal(first, other) for other in others)
