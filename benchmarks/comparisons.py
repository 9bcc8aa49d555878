"""What is compared: each comparison gives its numbers as `results.json` keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.peak import measure_peak
from benchmarks.problem import FUNCTION, IMAGES, Problem, make_params, prepare_data
from benchmarks.timing import ALL, ONE, Entry, Timed, interleave
from netclaims.parallel.cores import cpu_count
from netclaims.recipes.resolve import training, training_size
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.params import Params

Results = dict[str, Any]

SMALL = [5, 10, 10, 10, 10, 10, 5, 1]
MLP = [256, 256, 256, 10]
CNN = [{"conv": 16}, {"pool": 2}, {"conv": 32}, {"pool": 2}, 64, 10]
CIFAR_CNN = [{"conv": 16}, {"pool": 2}, {"conv": 32}, {"pool": 2}, 128, 10]
SMALL_EPOCHS = 1000
REPEATS = 5


@dataclass(frozen=True)
class Bench:
    """Where the comparisons of one call work.

    Attributes:
        folder: with the prepared data.
        params: what the data are, with a scale that cuts nothing.
        full: whether MNIST is all of it, for the comparisons that differ then.
        peak: the machine's, see `measure_peak`.
    """

    folder: Path
    params: Params
    full: bool
    peak: dict[str, float]

    def problem(self, entry: dict, layers: list, **changes: Any) -> Problem:
        """Make a problem of a network and an entry with changes.

        Args:
            entry: as an entry of reports/*.yaml has it, without models.
            layers: the network, as the entry would list it.
            changes: keys of the entry that are other here.
        """
        content = entry | {"models": {"net": {"layers": layers}}} | changes
        checked = ExperimentEntry.model_validate(content)
        images = None if checked.functions else training_size(checked.data, self.params)
        return Problem(self.folder, training("benchmarks-timed", checked, self.params, images))


def make_bench(folder: Path, names: Iterable[str], mnist: Path | None) -> Bench:
    """Prepare the data that the comparisons need, and measure the peak.

    Args:
        folder: where the data go.
        names: of the comparisons.
        mnist: folder of all images of MNIST, in torchvision's layout; None for the 5,000 of the quick scale.
    """
    params = make_params(mnist)
    prepare_data(folder, params, {data for name in names for data in COMPARISONS[name].data})
    return Bench(folder, params, mnist is not None, measure_peak(folder))


def contender(entry: Entry, timed: Timed, operations: float | None = None, peak: float | None = None) -> Results:
    """Return what a contender took, and the share of the peak at which its operations are done.

    Args:
        entry: the contender.
        timed: what it took.
        operations: floating-point operations of one piece of work, if they are counted.
        peak: operations in a second that the machine can do, if they are.
    """
    found: Results = {
        "title": entry.title,
        "cores": entry.cores,
        "pieces": timed.pieces,
        "first_seconds": timed.first_seconds,
        "seconds": timed.seconds,
    }
    if timed.compile_seconds is not None:
        found["compile_seconds"] = timed.compile_seconds
    if operations and peak:
        found["share_of_peak"] = operations * timed.pieces / median(timed.seconds) / peak
    return found


# ------------------------------------------------------------------------------------------------------- training

OURS, HOMEWORK = "benchmarks.ours:Ours", "benchmarks.homework:Homework"
SKORCH, JAX = "benchmarks.with_skorch:Skorch", "benchmarks.with_jax:Jax"
FLOOR = "benchmarks.floor:Products"


def _trained(bench: Bench, problem: Problem, entries: list[Entry], about: Results) -> Results:
    timed = interleave(entries, bench.folder, REPEATS, about["title"])
    contenders = {
        entry.name: contender(entry, timed[entry.name], problem.operations, bench.peak[f"float32, {entry.cores}"])
        | {"losses": [outcome.tolist() for outcome in timed[entry.name].outcomes]}
        for entry in entries
    }
    return about | {"epochs": problem.setting.epochs, "peak": bench.peak, "contenders": contenders}


def small(bench: Bench) -> Results:
    """Time the net of 571 parameters, 8 and 24 replicas together."""
    problem = bench.problem(FUNCTION, SMALL, points=300, epochs=SMALL_EPOCHS)
    alone, plain = {"problem": problem}, {"problem": problem, "nets": 2, "loader": False}
    found = {}
    for n in (8, 24):
        about = {
            "title": f"Small nets, {n} replicas together",
            "work": (
                f"571 parameters (layers {_written(SMALL)}), 300 points of a function, full batch, Adam, "
                f"{SMALL_EPOCHS:,} epochs"
            ),
        }
        run = alone | {"members": n}
        entries = [
            Entry(
                "ours", f"netclaims, two trainings of {n}, on all cores", OURS, run | {"count": 2, "processes": True}
            ),
            Entry("ours-one-core", f"netclaims, one training of {n}", OURS, run, ONE, process="one core"),
            Entry("homework", "homework loop, full batch without a DataLoader", HOMEWORK, plain, process="homework"),
            Entry("homework-one-core", "the same", HOMEWORK, plain, ONE, process="one core"),
            Entry("homework-loader", "homework loop with a DataLoader", HOMEWORK, alone, process="homework"),
            Entry("jax", f"JAX, {n} nets by vmap", JAX, run),
            Entry("jax-two", f"JAX, {n} nets by vmap on each of two devices", JAX, run | {"devices": 2}),
            Entry("floor", f"torch's matrix products for {n} nets, nothing else", FLOOR, run, ONE),
        ]
        found[f"small-{n}"] = _trained(bench, problem, entries, about)
    return found


def _classifiers(bench: Bench, name: str, data: str, layers: list, epochs: int, nets: int, title: str) -> Results:
    full = bench.full and data == "mnist"
    epochs, nets, images = (1, 2, "60,000") if full else (epochs, nets, "4,000")
    problem = bench.problem(IMAGES, layers, data=data, batch_size=64, epochs=epochs)
    alone = {"problem": problem}
    about = {
        "title": f"{title}, {images} images",
        "work": f"layers {_written(layers)}, batches of 64, Adam, {epochs} epoch{'s' * (epochs > 1)}",
    }
    entries = [
        Entry(
            "ours",
            f"netclaims, {nets} nets, as many at once as cores",
            OURS,
            alone | {"count": nets, "processes": True},
        ),
        Entry("ours-one-core", "netclaims, one net", OURS, alone, ONE, process="one core"),
        Entry("homework", "homework loop", HOMEWORK, alone, process="peers"),
        Entry("homework-one-core", "homework loop", HOMEWORK, alone, ONE, process="one core"),
        Entry("skorch", "skorch", SKORCH, alone, process="peers"),
        Entry("skorch-one-core", "skorch", SKORCH, alone, ONE, process="one core"),
        Entry("floor", "torch's matrix products and convolutions, nothing else", FLOOR, alone, ONE),
    ]
    return {f"{name}-full" if full else name: _trained(bench, problem, entries, about)}


def _written(layers: list) -> str:
    return ", ".join(
        str(layer) if isinstance(layer, int) else " ".join(f"{k} {v}" for k, v in layer.items()) for layer in layers
    )


def mlp(bench: Bench) -> Results:
    """Time a dense net on MNIST."""
    return _classifiers(bench, "mlp", "mnist", MLP, 4, 6, "MLP on MNIST")


def cnn(bench: Bench) -> Results:
    """Time a convolutional net on MNIST."""
    return _classifiers(bench, "cnn", "mnist", CNN, 2, 4, "CNN on MNIST")


def cifar(bench: Bench) -> Results:
    """Time a convolutional net on images like CIFAR-10's."""
    return _classifiers(bench, "cifar", "cifar10", CIFAR_CNN, 2, 4, "CNN on MNIST-M (in place of CIFAR-10)")


# ------------------------------------------------------------------------------------------------------- Hessians

EXACT = {
    "autograd": "torch.autograd.functional.hessian",
    "vectorised": "the same, vectorize=True",
    "func": "torch.func.hessian",
    "curvlinops": "curvlinops, H @ identity",
    "eigenthings": "hessian-eigenthings, products with unit vectors",
}
ITERATIONS = 30
LANCZOS_EXAMPLES = 1000


def hessian(bench: Bench) -> Results:
    """Time the exact Hessian of the net of 571 parameters, in float64."""
    where, found = "benchmarks.hessians:Exact", {}
    for activation in ("relu", "tanh"):
        problem = bench.problem(FUNCTION, SMALL, points=300, epochs=1, activation=activation)
        ours = {"problem": problem, "kind": "ours"}
        entries = [
            Entry("ours", "netclaims, closed form", where, ours, process="all"),
            Entry("ours-one-core", "netclaims, closed form", where, ours, ONE),
            *(Entry(kind, title, where, ours | {"kind": kind}, process="all") for kind, title in EXACT.items()),
        ]
        timed = interleave(entries, bench.folder, REPEATS, f"exact Hessians, {activation}")
        ours = timed["ours"].outcomes
        operations = 2.0 * problem.experiment.points * ours[0].size
        contenders = {}
        for entry in entries:
            result = timed[entry.name]
            difference = max(float(np.abs(a - b).max()) for a, b in zip(result.outcomes, ours, strict=True))
            peak = bench.peak[f"float64, {entry.cores}"]
            contenders[entry.name] = contender(entry, result, operations, peak) | {"difference": difference}
        found[f"hessian-{activation}"] = {
            "title": f"Exact Hessian, {activation}",
            "work": (
                f"571 parameters (layers {_written(SMALL)}), 300 points, float64; largest entry "
                f"{max(np.abs(matrix).max() for matrix in ours):.2g}"
            ),
            "peak": bench.peak,
            "contenders": contenders,
        }
    return found


def lanczos(bench: Bench) -> Results:
    """Time the largest eigenvalue of the Hessian of the MLP on MNIST."""
    problem = bench.problem(IMAGES, MLP, data="mnist", batch_size=64, epochs=1, examples=LANCZOS_EXAMPLES)
    titles = {"ours": "netclaims", "curvlinops": "curvlinops", "eigenthings": "hessian-eigenthings"}
    settings = {"problem": problem, "iterations": ITERATIONS}
    entries = [
        Entry(kind, title, "benchmarks.hessians:Largest", settings | {"kind": kind}, process="all")
        for kind, title in titles.items()
    ]
    timed = interleave(entries, bench.folder, REPEATS, "largest eigenvalues")
    about = {
        "title": "Largest Hessian eigenvalue of the MLP",
        "work": f"layers {_written(MLP)}, {LANCZOS_EXAMPLES:,} images, {ITERATIONS} iterations of Lanczos, float32",
    }
    contenders = {
        entry.name: contender(entry, timed[entry.name])
        | {"eigenvalues": [float(outcome[0]) for outcome in timed[entry.name].outcomes]}
        for entry in entries
    }
    return {"lanczos": about | {"contenders": contenders}}


# -------------------------------------------------------------------------------------------------------- scaling

CURVE_EPOCHS = 100  # of small nets
CURVE_REPEATS = 3


def curves(bench: Bench) -> Results:
    """Time how cost grows with replicas, parameters, data and batch size: ours on one core, the homework on all."""
    function = bench.problem(FUNCTION, SMALL, points=300, epochs=CURVE_EPOCHS)

    def on_mnist(width: int = 256, examples: int = 4000, batch_size: int = 64) -> Problem:
        layers = [width, width, width, 10]
        return bench.problem(IMAGES, layers, data="mnist", batch_size=batch_size, examples=examples, epochs=1)

    widths = {width: on_mnist(width) for width in (16, 64, 256, 1024)}
    parameters = {problem.experiment.parameters("net"): problem for problem in widths.values()}
    axes = {
        "replicas": {count: (function, count) for count in (1, 2, 4, 8, 24)},
        "parameters": {size: (problem, 1) for size, problem in parameters.items()},
        "examples": {size: (on_mnist(examples=size), 1) for size in (500, 1000, 2000, 4000)},
        "batch_size": {size: (on_mnist(batch_size=size), 1) for size in (16, 64, 256, 1024)},
    }
    entries = {}
    for axis, values in axes.items():
        for value, (problem, nets) in values.items():
            ours = {"problem": problem, "members": nets}
            theirs = {"problem": problem, "nets": nets, "loader": axis != "replicas"}
            name = f"{axis} {value}"
            entries[axis, value, "ours"] = Entry(f"{name} ours", "", OURS, ours, ONE, "ours")
            entries[axis, value, "homework"] = Entry(f"{name} homework", "", HOMEWORK, theirs, ALL, "homework")
    timed = interleave(list(entries.values()), bench.folder, CURVE_REPEATS, "how cost grows")
    table: Results = {axis: {"values": list(values), "seconds": {}} for axis, values in axes.items()}
    for (axis, _, who), entry in entries.items():
        table[axis]["seconds"].setdefault(who, []).append(timed[entry.name].seconds)
    return {"curves": {"title": "How cost grows", "axes": table, "epochs": CURVE_EPOCHS}}


def processes(bench: Bench) -> Results:
    """Time the same list of runs in one process and in as many as there are cores."""
    found = {}
    lists = {
        "small": (
            bench.problem(FUNCTION, SMALL, points=300, epochs=SMALL_EPOCHS),
            4,
            24,
            "4 trainings of 24 small nets",
        ),
        "cnn": (bench.problem(IMAGES, CNN, data="mnist", batch_size=64, epochs=2), 4, 1, "4 CNNs on MNIST, 2 epochs"),
    }
    for name, (problem, count, members, work) in lists.items():
        settings = {"problem": problem, "count": count, "members": members}
        entries = [Entry("one", "", OURS, settings, ONE), Entry("all", "", OURS, settings | {"processes": True})]
        timed = interleave(entries, bench.folder, REPEATS, f"processes, {name}")
        found[name] = {
            "work": work,
            "processes": min(len(problem.runs(0, count, members)), cpu_count()),
            "seconds": {entry: result.seconds for entry, result in timed.items()},
        }
    return {"processes": {"title": "One process, and one for every core", "lists": found}}


@dataclass(frozen=True)
class Comparison:
    """A word of the command line: what it runs, the data and the packages that it needs."""

    run: Callable[[Bench], Results]
    data: tuple[str, ...]
    peers: tuple[str, ...] = ()


COMPARISONS = {
    "small": Comparison(small, ("functions",), ("jax", "optax")),
    "mlp": Comparison(mlp, ("mnist",), ("skorch",)),
    "cnn": Comparison(cnn, ("mnist",), ("skorch",)),
    "cifar": Comparison(cifar, ("cifar10",), ("skorch",)),
    "hessian": Comparison(hessian, ("functions",), ("hessian_eigenthings",)),
    "lanczos": Comparison(lanczos, ("mnist",), ("hessian_eigenthings",)),
    "curves": Comparison(curves, ("functions", "mnist")),
    "processes": Comparison(processes, ("functions", "mnist")),
}
