"""The kernel against torch: the same initial weights and batches, and so the same nets, to rounding."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from netclaims.data.examples import Examples, images, parts
from netclaims.kernel.layout import LANES
from netclaims.nets.evaluation import evaluate, gradient, norm
from netclaims.nets.layers import Dense
from netclaims.nets.network import Network, flatten, member
from netclaims.training import autograd, fused, loop
from netclaims.training import runs as plan
from netclaims.training.fused import FusedSteps
from netclaims.training.loop import train
from netclaims.training.random_streams import stream
from netclaims.training.runs import Member, runs_of, trained_by

pytestmark = pytest.mark.usefixtures("prepared")

ACTIVATIONS = ("relu", "leaky_relu", "tanh")
OPTIMISERS = (
    {"optimiser": "adam", "learning_rate": 3e-3},
    {"optimiser": "sgd", "learning_rate": 0.02},
    {"optimiser": "sgd", "learning_rate": 0.02, "momentum": 0.9},
    {"optimiser": "rmsprop", "learning_rate": 1e-3},
    {"optimiser": "rmsprop", "learning_rate": 1e-3, "momentum": 0.5},
)


@pytest.fixture
def both(monkeypatch):
    """Trains a run by the kernel and by torch."""

    def make(run, entry):
        assert trained_by(entry, run.model, run.device) == "kernel"
        by_kernel = train(run, entry)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "trained_by", lambda *_: "torch")
            return by_kernel, train(run, entry)

    return make


def apart(one, other) -> float:
    """How far weights are apart, in units of their own length."""
    one, other = flatten(one), flatten(other)
    return float(((one - other).norm(dim=1) / other.norm(dim=1)).max())


def steps_of(entry, run) -> tuple[FusedSteps, Network, dict, Examples]:
    """The kernel at the initial weights, and the network, its weights and the training set."""
    network = Network(entry.models[run.model], entry.activation, entry.example)
    weights = network.initial([stream("weights", one.replica) for one in run.members])
    data, _ = parts(entry, [one.function for one in run.members])
    return (
        FusedSteps(run, entry, network, weights, data, [stream(i) for i in range(len(run.members))]),
        network,
        weights,
        data,
    )


# ------------------------------------------------------------------------------------------------------ which path


@pytest.mark.parametrize(
    ("expected", "data", "layers", "device", "changes"),
    [
        ("kernel", "mnist", [10], "cpu", {}),
        ("kernel", "mnist", [{"resize": 4}, 20, {"dense": 10, "bias": False}], "cpu", {}),
        ("kernel", "functions", [97, 97, 1], "cpu", {}),  # 9,798 parameters
        ("torch", "functions", [99, 99, 1], "cpu", {}),  # 10,198
        ("torch", "mnist", [10], "cuda", {}),
        ("torch", "mnist", [{"conv": 2}, 10], "cpu", {}),
        ("torch", "mnist", [{"pool": 4}, 10], "cpu", {}),
        ("torch", "mnist", [4, 10, "softmax"], "cpu", {}),
        ("torch", "mnist", [10], "cpu", {"augment": {"flip": True}}),
    ],
)
def test_small_dense_nets_on_the_processor_go_to_the_kernel(expected, data, layers, device, changes, experiment):
    assert trained_by(experiment(data, models={"A": {"layers": layers}}, **changes), "A", device) == expected


def test_the_path_that_is_chosen_is_taken(experiment, run_of, monkeypatch):
    monkeypatch.setattr(autograd.AutogradSteps, "advance", None)
    train(run_of(entry := experiment()), entry)
    with pytest.raises(TypeError):
        train(run_of(entry := experiment(models={"A": {"layers": [4, 10, "softmax"]}})), entry)


# ------------------------------------------------------------------------------- weights after 1, 10 and 1,000 steps

# Distances in units of the weights' own length. A rounding error grows with the steps, as those of torch do; RMSprop
# divides a gradient that is all but 0 by its own size, and makes the most of it. Torch needs most of the time for 1,000
# steps; with `--every-case` every combination takes them, else each optimiser, with one activation or another, once on
# functions and once on images.
BOUNDS = {1: 3e-6, 10: 3e-6, 1000: 5e-4}
RMSPROP_BOUNDS = BOUNDS | {1000: 1e-2}
OPTIONS = [
    pytest.param(
        activation, optimiser, weight_decay, id="-".join(map(str, [activation, *optimiser.values(), weight_decay]))
    )
    for activation, optimiser, weight_decay in product(ACTIVATIONS, OPTIMISERS, [0.0, 1e-3])
]


@pytest.fixture
def bounds(request, activation, optimiser, weight_decay) -> dict[int, float]:
    """How far weights may be apart after so many steps."""
    found = RMSPROP_BOUNDS if optimiser["optimiser"] == "rmsprop" else BOUNDS
    one, other = ACTIVATIONS.index(activation), OPTIMISERS.index(optimiser)
    long = one == other % len(ACTIVATIONS) and (one + other) % 2 == bool(weight_decay)
    if long or request.config.getoption("--every-case"):
        return found
    return {steps: bound for steps, bound in found.items() if steps < 1000}


@pytest.mark.parametrize(("activation", "optimiser", "weight_decay"), OPTIONS)
def test_fits_of_functions_by_one_batch(activation, optimiser, weight_decay, bounds, experiment, run_of, both):
    entry = experiment(
        "functions",
        functions=["sin_affine", "quadratic"],
        models={"A": {"layers": [7, {"dense": 5, "bias": not weight_decay}, 1]}},
        activation=activation,
        weight_decay=weight_decay,
        **optimiser,
    )
    for steps, bound in bounds.items():
        ours, theirs = both(run_of(entry, epochs=steps), entry)
        assert apart(ours.weights, theirs.weights) < bound, steps
    for name in ("train_loss", "test_loss"):
        torch.testing.assert_close(ours.history[name][:, :3], theirs.history[name][:, :3], rtol=1e-4, atol=1e-6)
    network = Network(entry.models["A"], activation, entry.example)
    initial = network.initial([stream(0, "d-test", 0, "weights")] * 2)
    assert apart(ours.weights, initial) > (1e-2 if 1000 in bounds else 1e-4)


LAYERS = [[10], [{"resize": 4}, 9, 10], [{"resize": 5}, 6, 7, {"dense": 10, "bias": False}]]


@pytest.mark.parametrize(("activation", "optimiser", "weight_decay"), OPTIONS[::2] + OPTIONS[1::6])
def test_classifiers_by_mini_batches(activation, optimiser, weight_decay, bounds, experiment, run_of, both):
    entry = experiment(
        models={"A": {"layers": LAYERS[ACTIVATIONS.index(activation)]}},
        activation=activation,
        epochs=250,
        batch_size=16,  # of 60: the last batch of an epoch has 12
        shuffle_labels=0.5,
        weight_decay=weight_decay,
        schedule={"step": 100, "factor": 0.5},
        **optimiser,
    )
    run = run_of(entry, replicas=2)
    for steps, bound in bounds.items():
        ours, theirs = both(replace(run, steps=steps, epochs=-(-steps // 4)), entry)
        assert apart(ours.weights, theirs.weights) < bound, steps


def test_losses_on_the_way_are_of_the_first_images_and_those_at_the_end_of_all(experiment, run_of, both):
    entry = experiment(shuffle_labels=0.5)
    assert len(images("mnist")[1].x) < entry.train_size
    ours, theirs = both(run_of(entry, replicas=2), entry)
    for name, values in theirs.history.items():
        torch.testing.assert_close(ours.history[name], values, rtol=1e-5, atol=0)


def test_what_is_recorded_of_steps(experiment, run_of, both):
    for data, changes in (("functions", {"functions": ["sinc5", "log_abs"]}), ("mnist", {"batch_size": 7})):
        entry = experiment(data, record={"gradient_norm": "step"}, epochs=5, momentum=0.5, **changes)
        ours, theirs = both(run_of(entry, replicas=2), entry)
        for name in ("loss", "gradient_norm"):
            torch.testing.assert_close(ours.steps[name], theirs.steps[name], rtol=1e-4, atol=1e-6)


# ------------------------------------------------------------------------------------------------------- gradients


def assert_gradients(entry, run, data=None, bound=1e-6) -> None:
    """Loss, accuracy, gradient and its norm are those of torch in float64."""
    steps, network, weights, train_set = steps_of(entry, run)
    data = data or train_set
    loss, accuracy = steps.measure(steps.laid_out(data))
    length = steps.gradient_norm(steps.laid_out(data))
    exact = {name: w.double() for name, w in weights.items()}
    # Images are resized in float32 here as well: what is compared begins after that.
    before, dense = (
        [one for one in network.layers if isinstance(one, Dense) == is_dense] for is_dense in (False, True)
    )
    x = Network(before, network.activation, network.example)({}, data.x.unsqueeze(0))[0].flatten(1)
    network = Network(dense, network.activation, x.shape[1:])
    data = Examples(x.double(), data.y.double() if entry.functions else data.y)
    expected = evaluate(network, exact, entry.loss, data)
    torch.testing.assert_close(loss.double(), expected[0], rtol=1e-6, atol=0)
    if not entry.functions:
        assert torch.equal(accuracy, expected[1].float())
    slope = gradient(network, exact, entry.loss, data)
    assert apart({name: g.double() for name, g in steps.gradients.items()}, slope) < bound
    torch.testing.assert_close(length.double(), norm(list(slope.values())), rtol=1e-6, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("data", "layers"),
    [
        ("functions", [1]),
        ("functions", [1, 1, 1]),
        ("functions", [{"dense": 3, "bias": False}, {"dense": 1, "bias": False}]),
        ("functions", [5, 10, 10, 10, 10, 10, 5, 1]),
        ("functions", [10, 18, 15, 4, 1]),
        ("functions", [190, 1]),
        ("functions", [2, 97, 3, 1]),
        ("mnist", [10]),
        ("mnist", [{"dense": 10, "bias": False}]),
        ("mnist", [1, 1, 10]),
        ("mnist", [5, {"dense": 30, "bias": False}, 10]),
        ("mnist", [{"resize": 1}, 3, 10]),
        ("mnist", [{"resize": 4}, 12, 10]),
        ("mnist", [{"resize": 14}, {"resize": 5}, 12, 10]),
        ("cifar10", [3, 10]),
    ],
)
def test_gradients_are_those_of_autograd(data, layers, activation, experiment, run_of):
    entry = experiment(data, models={"A": {"layers": layers}}, activation=activation, **(
        {"functions": ["sinc5", "quadratic"]} if data == "functions" else {}
    ))  # fmt: skip
    assert_gradients(entry, run_of(entry, replicas=2))


def test_gradients_of_layers_of_every_size_up_to_two_blocks(experiment, run_of):
    for units in range(1, 14):
        layers = [units, 14 - units, units, 1]
        entry = experiment("functions", models={"A": {"layers": layers}}, activation="leaky_relu")
        assert_gradients(entry, run_of(entry))


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 31, 40])
@pytest.mark.parametrize(
    ("data", "layers"), [("functions", [6, 4, 1]), ("mnist", [4, 10]), ("mnist", [{"resize": 3}, 10])]
)
@pytest.mark.parametrize("numbers", [1, 1500, 2**16])
def test_gradients_of_so_many_examples_in_tiles(data, layers, count, numbers, experiment, run_of, monkeypatch):
    monkeypatch.setattr(fused, "TILE_NUMBERS", numbers)
    entry = experiment(data, models={"A": {"layers": layers}})
    whole, _ = parts(entry, entry.functions or [None])
    assert_gradients(entry, run_of(entry), Examples(whole.x[:count], whole.y[:, :count]))


@pytest.mark.parametrize(
    ("examples", "numbers"), [(1, 5), (16, 57), (64, 820), (300, 57), (300, 191), (5000, 57), (9, 10**6)]
)
def test_tiles_are_odd_multiples_of_a_vector_and_fit(examples, numbers):
    tile = fused._tile(examples, numbers)
    assert tile % (2 * LANES) == LANES
    assert tile * numbers < fused.TILE_NUMBERS + 2 * LANES * numbers
    assert tile < examples + 2 * LANES
    assert 2 * tile > min(examples, fused.TILE_NUMBERS // numbers)  # so that there are no more of them than need be


# ------------------------------------------------------------------------------------------------------- every bit


def bits(record, index=0) -> list[torch.Tensor]:
    """All numbers of a member of a record."""
    one = record.member(index)
    found = [*one.weights.values(), *one.history.values(), *one.steps.values(), *one.snapshots.values()]
    return [tensor.nan_to_num(nan=12345.0) for tensor in found]


CASES = {
    "one batch": ("functions", {"functions": ["sinc5", "quadratic"], "epochs": 30, "optimiser": "adam"}),
    "batches": (
        "functions",
        {"functions": ["sinc5", "quadratic"], "batch_size": 7, "record": {"gradient_norm": "step"}},
    ),
    "images": ("mnist", {"shuffle_labels": 0.5, "optimiser": "rmsprop", "momentum": 0.9, "learning_rate": 1e-3}),
    "diverging": ("functions", {"activation": "relu", "learning_rate": 1.0, "epochs": 30}),
    "stopping": ("functions", {"functions": ["sin_affine"], "epochs": 60, "stop": {"loss_change": 1e-3}}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_net_has_the_same_bits_in_whatever_company_it_trains(name, experiment, run_of):
    data, changes = CASES[name]
    entry = experiment(data, **changes)
    run = run_of(entry, replicas=3)
    together, backwards = train(run, entry), train(replace(run, members=run.members[::-1]), entry)
    for index, one in enumerate(run.members):
        alone = train(replace(run, members=(one,)), entry)
        for found in (bits(together, index), bits(backwards, len(run.members) - 1 - index)):
            assert all(torch.equal(a, b) for a, b in zip(found, bits(alone), strict=True))
    assert not torch.equal(bits(together, 0)[0], bits(together, 1)[0])


@pytest.mark.parametrize("grid", [1, 3, 200])
def test_epochs_at_once_are_epochs_one_by_one(grid, experiment, run_of, monkeypatch):
    entry = experiment("functions", epochs=30, optimiser="adam", schedule={"step": 7, "factor": 0.5})
    every = train(run_of(entry), entry)
    monkeypatch.setattr(plan, "RECORDED_EPOCHS", grid)
    some = train(run_of(entry), entry)
    assert all(torch.equal(w, every.weights[name]) for name, w in some.weights.items())
    assert torch.equal(some.history["test_loss"], every.history["test_loss"][:, some.epochs])


# ------------------------------------------------------------------------------------------- divergence and stopping


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("data", ["functions", "mnist"])
@pytest.mark.parametrize("rate", [3.0, 1e6, 1e20])
def test_nets_that_diverge_do_so_when_those_of_torch_do(rate, data, activation, experiment, run_of, both):
    layers = {"models": {"A": {"layers": [4, 4, 1 if data == "functions" else 10]}}}
    entry = experiment(data, activation=activation, learning_rate=rate, epochs=40, batch_size=16, **layers)
    ours, theirs = both(run_of(entry, replicas=3), entry)
    if activation != "tanh" and rate > 100:
        assert any(theirs.diverged)
    assert (ours.diverged, ours.last) == (theirs.diverged, theirs.last)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e30])
@pytest.mark.parametrize(
    ("data", "layers"), [("functions", [6, 1]), ("mnist", [6, 10]), ("mnist", [{"resize": 3}, 6, 10])]
)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_weight_that_is_not_finite_is_seen_in_the_loss(activation, data, layers, value, experiment, run_of):
    entry = experiment(data, models={"A": {"layers": layers}}, activation=activation)
    steps, network, weights, train_set = steps_of(entry, run_of(entry, replicas=2))
    for name, index in product(("1.weight", "2.bias"), (0, -1)):
        before = steps.weights[name][0, index].clone()
        for some in (steps.weights, weights):
            some[name][0, index] = value
        loss, accuracy = steps.measure(steps.laid_out(train_set))
        expected = evaluate(network, weights, entry.loss, train_set)
        assert torch.equal(loss.isfinite(), expected[0].isfinite())
        assert torch.equal(accuracy.isnan(), expected[1].isnan()) or data == "functions"
        assert loss.isfinite()[1]
        for some in (steps.weights, weights):
            some[name][0, index] = before


@pytest.mark.parametrize(
    ("data", "changes", "rule"),
    [
        ("functions", {"functions": ["sin_affine"], "epochs": 60}, {"loss_change": 1e-3}),
        ("functions", {"functions": ["sin_affine"], "epochs": 60, "batch_size": 16}, {"loss_change": 1e-3}),
        ("functions", {"epochs": 60}, {"gradient_norm": 0.5}),
        ("mnist", {"models": {"A": {"layers": [4, 10]}}, "epochs": 40}, {"gradient_norm": 0.3}),
    ],
)
def test_nets_end_by_a_rule_when_those_of_torch_do(data, changes, rule, experiment, run_of, both):
    entry = experiment(data, stop=rule, **changes)
    ours, theirs = both(run_of(entry, replicas=4), entry)
    assert (ours.last, ours.epochs) == (theirs.last, theirs.epochs)
    assert len(set(ours.last)) > 1
    assert apart(ours.weights, theirs.weights) < 1e-4


# ----------------------------------------------------------------------------------------------- sizes of all kinds


@pytest.mark.parametrize(
    ("data", "layers", "changes"),
    [
        ("functions", [1], {"points": 2}),
        ("functions", [3, 1], {"batch_size": 1}),
        ("functions", [3, 1], {"batch_size": 39}),  # the last batch has one example
        ("mnist", [10], {"examples": 1}),
        ("mnist", [10], {"batch_size": 1}),
        ("mnist", [1, 10], {"batch_size": 59}),
        ("mnist", [{"resize": 1}, 10], {"batch_size": 7}),
        ("cifar10", [3, 10], {"batch_size": 10}),
    ],
)
def test_unusual_sizes(data, layers, changes, experiment, run_of, both):
    entry = experiment(data, models={"A": {"layers": layers}}, optimiser="adam", learning_rate=0.01, **changes)
    ours, theirs = both(run_of(entry, replicas=2), entry)
    assert apart(ours.weights, theirs.weights) < 1e-5
    for name, values in ours.history.items():
        torch.testing.assert_close(values, theirs.history[name], rtol=1e-4, atol=1e-6)


def test_labels_of_10_classes_are_all_told_apart(experiment, run_of):
    entry = experiment(models={"A": {"layers": [10]}}, batch_size="full", learning_rate=0.1, epochs=300)
    record = train(run_of(entry), entry)
    assert record.history["train_accuracy"][0, -1] == 1
    data, _ = images("mnist")
    network = Network(entry.models["A"], entry.activation, entry.example)
    assert torch.equal(network(member(record.weights, 0), data.x.unsqueeze(0))[0].argmax(1), data.y[0])


def test_runs_cut_otherwise_are_the_same_nets(experiment, monkeypatch):
    entry = experiment("functions", functions=["sinc5", "quadratic"], knobs={"replicas": 4}, optimiser="adam")
    found = []
    for together in (1, 3, 8):
        monkeypatch.setattr(plan, "FUSED_MEMBERS", together)
        records = [(run, train(run, entry)) for run in runs_of(entry, "cpu")]
        found.append({one: bits(record, i) for run, record in records for i, one in enumerate(run.members)})
    assert len(found[0]) == 8
    assert found[0].keys() == found[1].keys() == found[2].keys() == {
        Member(name, i) for name in ("sinc5", "quadratic") for i in range(4)
    }  # fmt: skip
    for other in found[1:]:
        assert all(torch.equal(a, b) for one in other for a, b in zip(found[0][one], other[one], strict=True))
