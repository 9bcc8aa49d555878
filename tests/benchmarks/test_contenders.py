"""The contenders of the benchmarks do the same work: from the same weights they come to the same numbers."""

import numpy as np
import pytest
import torch

from benchmarks import homework, problem
from benchmarks.comparisons import Bench
from benchmarks.floor import Products
from benchmarks.hessians import Exact, Largest
from benchmarks.homework import Homework
from benchmarks.ours import Ours
from benchmarks.problem import FUNCTION, IMAGES, Problem, make_params, prepare_data
from benchmarks.timing import ONE, Entry, interleave
from netclaims.data.examples import images
from netclaims.nets.network import Network, flatten
from netclaims.training.random_streams import stream

CNN = [{"conv": 3}, {"pool": 2}, {"conv": 4}, {"pool": 4}, 8, 10]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all data, as the benchmarks prepare it."""
    found = tmp_path_factory.mktemp("benchmarks")
    params = make_params(None)
    sizes = params.chosen_scale.data.model_copy(update={"train_size": 40, "test_size": 20})
    small = params.chosen_scale.model_copy(update={"data": sizes})
    params = params.model_copy(update={"scales": {"quick": small}})
    prepare_data(found, params, {"functions", "mnist", "cifar10"})
    return found, params


@pytest.fixture
def made(folder, monkeypatch):
    """A problem, and the current folder with its data."""
    monkeypatch.chdir(folder[0])
    images.cache_clear()  # it remembers data by name, not by folder

    def make(data="functions", layers=(4, 5, 1), **changes) -> Problem:
        entry = FUNCTION | {"points": 30} if data == "functions" else IMAGES | {"data": data, "batch_size": 40}
        return Bench(*folder, full=False, peak={}).problem(entry, list(layers), **({"epochs": 12} | changes))

    yield make
    images.cache_clear()


def initial(of: Problem):
    """The weights from which netclaims starts in repeat 0."""
    network = Network(of.layers, of.experiment.activation, of.example)
    return network.initial([stream(0, "benchmarks-timed", 0, "weights")])


@pytest.fixture
def same_start(monkeypatch):
    """Let networks of torch.nn start from the weights of netclaims."""

    def patch(of: Problem, module=homework) -> None:
        built = homework.network

        def network(*arguments):
            net = built(*arguments)
            with torch.no_grad():
                for parameter, weight in zip(net.parameters(), initial(of).values(), strict=True):
                    parameter.copy_(weight[0])
            return net

        monkeypatch.setattr(module, "network", network)

    return patch


@pytest.mark.parametrize(
    ("data", "layers", "loader"),
    [("functions", (4, 5, 1), True), ("functions", (4, 5, 1), False), ("mnist", CNN, True), ("cifar10", CNN, True)],
)
def test_homework_loop_and_netclaims_reach_the_same_loss(made, same_start, data, layers, loader):
    of = made(data, layers)
    same_start(of)
    ours, theirs = Ours(of), Homework(of, loader=loader)
    expected = ours.outcome(ours.work(0))
    assert theirs.outcome(theirs.work(0)) == pytest.approx(expected, rel=1e-4)
    assert ours.outcome(ours.work(1)) != pytest.approx(expected, rel=1e-3)  # another repeat, another seed


def test_skorch_reaches_the_same_loss(made, same_start):
    with_skorch = pytest.importorskip("benchmarks.with_skorch", reason="skorch is not installed")
    of = made("mnist", CNN)
    same_start(of, with_skorch)
    ours, theirs = Ours(of), with_skorch.Skorch(of)
    assert theirs.outcome(theirs.work(0)) == pytest.approx(ours.outcome(ours.work(0)), rel=1e-4)


def test_jax_reaches_the_same_loss(made, monkeypatch):
    with_jax = pytest.importorskip("benchmarks.with_jax", reason="JAX is not installed")
    of = made(layers=(5, 4, 3, 1))
    start = [w[0].numpy() for w in initial(of).values()]
    pairs = [(w, b[:, None]) for w, b in zip(start[::2], start[1::2], strict=True)]
    monkeypatch.setattr(with_jax, "_initial", lambda key, sizes: pairs)
    ours, theirs = Ours(of), with_jax.Jax(of, members=2)
    expected = ours.outcome(ours.work(0))
    assert theirs.outcome(theirs.work(0)) == pytest.approx(np.repeat(expected, 2), rel=1e-4)


def test_networks_of_torch_and_of_netclaims_start_from_the_same_distribution(made):
    of = made("mnist", (200, 10))
    torch.manual_seed(0)
    theirs = homework.network(of.layers, "relu", of.example)
    for parameter, weight in zip(theirs.parameters(), initial(of).values(), strict=True):
        if parameter.numel() > 1000:
            bound = (784 if len(parameter) == 200 else 200) ** -0.5
            for some in (parameter.detach(), weight[0]):
                assert float(some.abs().max()) == pytest.approx(bound, rel=0.01)
                assert float(some.std()) == pytest.approx(bound / 3**0.5, rel=0.05)


def test_runs_of_a_repeat_have_seeds_of_their_own(made):
    of = made()
    seeds = [run.seed for repeat in range(3) for run in of.runs(repeat, 4)]
    assert len(set(seeds)) == 12
    runs = of.runs(0, 2, members=24)
    assert [sum(len(run.members) for run in runs if run.seed == seed) for seed in (0, 1)] == [24, 24]
    assert {run.epochs for run in runs} == {of.setting.epochs}


def test_the_size_of_a_problem_does_not_hang_on_the_current_folder(made, tmp_path, monkeypatch):
    of, few = made("mnist", CNN), made("mnist", CNN, examples=7)
    monkeypatch.chdir(tmp_path)
    assert (of.examples, of.batch_size, few.examples, few.batch_size) == (40, 40, 7, 7)


def test_operations_count_forward_and_backward(made):
    assert made().operations == 6 * (4 + 20 + 5) * 30 * 12


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", ["autograd", "vectorised", "func", "curvlinops", "eigenthings"])
def test_exact_hessians_agree(made, kind, activation):
    if kind == "eigenthings":
        pytest.importorskip("hessian_eigenthings", reason="hessian-eigenthings is not installed")
    of = made(activation=activation)
    ours, theirs = Exact(of, "ours"), Exact(of, kind)
    expected = ours.outcome(ours.work(3))
    np.testing.assert_allclose(theirs.outcome(theirs.work(3)), expected, atol=1e-12 * np.abs(expected).max())
    assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("kind", ["ours", "curvlinops", "eigenthings"])
def test_largest_eigenvalue_is_that_of_the_whole_matrix(made, kind):
    if kind == "eigenthings":
        pytest.importorskip("hessian_eigenthings", reason="hessian-eigenthings is not installed")
    of = made()
    exact, iterated = Exact(of, "ours"), Largest(of, kind, iterations=10)
    largest = np.linalg.eigvalsh(exact.outcome(exact.work(2)))[-1]
    assert iterated.outcome(iterated.work(2))[0] == pytest.approx(largest, rel=1e-3)


def test_contenders_take_turns_in_processes_of_their_own(made, folder):
    of = made()
    alone = {"problem": of}
    entries = [
        Entry("ours", "", "benchmarks.ours:Ours", alone | {"count": 2, "processes": True}),
        Entry("one", "", "benchmarks.ours:Ours", alone | {"count": 2}, ONE),
        Entry("floor", "", "benchmarks.floor:Products", alone | {"members": 3}, ONE, process="one"),
    ]
    timed = interleave(entries, folder[0], 2, "test")
    assert [(t.pieces, len(t.seconds)) for t in timed.values()] == [(2, 2), (2, 2), (3, 2)]
    np.testing.assert_array_equal(timed["ours"].outcomes, timed["one"].outcomes)
    assert len(np.unique(timed["ours"].outcomes)) == 4
    assert Products(of, 3).outcome(None).size == 0


def test_a_contender_that_fails_ends_the_comparison(made, folder, capfd):
    entries = [Entry("wrong", "", "benchmarks.ours:Ours", {"problem": made(), "nonsense": 1})]
    with pytest.raises(RuntimeError, match="the process of wrong ended"):
        interleave(entries, folder[0], 1, "test")
    assert "nonsense" in capfd.readouterr().err


def test_mnist_files_hold_the_prepared_images(made):
    of = made("mnist", CNN)
    train, test = homework._image_sets(of)
    data, held_out = images("mnist")
    for some, part in ((train, data), (test, held_out)):
        assert len(some) == len(part.x)
        torch.testing.assert_close(torch.stack([x for x, _ in some]), part.x.contiguous(), rtol=1e-4, atol=1e-5)
        assert [y for _, y in some] == part.y[0].tolist()


def test_flat_loss_is_that_of_the_network(made):
    of = made()
    exact = Exact(of, "func")
    weights = exact.weights(0)
    assert float(exact.loss(flatten(weights)[0])) == pytest.approx(
        float((exact.network(weights, exact.x.unsqueeze(0))[0] - exact.y).square().mean())
    )


def test_problem_reads_the_knobs_of_the_repository():
    params = make_params(None)
    assert params.device == "cpu"
    assert params.chosen_scale.data.train_size == 4000
    assert make_params(problem.ROOT).chosen_scale.data.train_size == 60_000
