"""Trainings and analyses give the bytes that stand here, on every x86-64 processor with AVX2.

Where a digest does not hold, the message names the processor: the pinned libraries took other kernels on it.
"""

import platform
from collections.abc import Iterable
from hashlib import sha256

import numpy as np
import pytest
import torch

import netclaims
from netclaims.analysis.critical_points import Descent, lower_gradient_norm
from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.analysis.loss_landscape import main_plane
from netclaims.analysis.sensitivity import output_by_input
from netclaims.analysis.spectrum import Curvature, spectrum, training_loss
from netclaims.analysis.weight_pca import principal_components, step_products, together
from netclaims.data.examples import parts
from netclaims.linear_algebra import eigvalsh
from netclaims.nets.network import Network, flatten
from netclaims.training.loop import train
from netclaims.training.random_streams import stream

INFO = netclaims.PROCESSOR.read_text() if netclaims.PROCESSOR.exists() else ""
PROCESSOR = next((line.partition(": ")[2] for line in INFO.splitlines() if line.startswith("model name")), "unknown")

pytestmark = [
    pytest.mark.usefixtures("prepared"),
    pytest.mark.skipif(platform.machine() != "x86_64" or " avx2 " not in INFO, reason="no x86-64 processor with AVX2"),
]

CNN = {"A": {"layers": [{"conv": 4}, {"pool": 2}, {"conv": 8}, {"pool": 2}, 32, 10]}}
LARGE = {"A": {"layers": [64, 64, 10]}}
RESIZED = {"A": {"layers": [{"resize": 4}, {"dense": 15, "bias": False}, 10]}}
SMALL = {"A": {"layers": [8, 8, 1]}}


def digest(values: Iterable[torch.Tensor | np.ndarray]) -> str:
    found = sha256()
    for value in values:
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()[:12]


def check(values: Iterable[torch.Tensor | np.ndarray], expected: str) -> None:
    assert digest(values) == expected, f"other bytes on this processor: {PROCESSOR}"


@pytest.mark.parametrize(
    ("data", "changes", "expected"),
    [
        ("cifar10", {"models": CNN, "optimiser": "adam", "learning_rate": 0.01, "activation": "relu"}, "d6f03f9cc02f"),
        ("mnist", {"models": CNN, "optimiser": "rmsprop", "learning_rate": 0.001, "momentum": 0.5}, "fc5701d60c1e"),
        ("mnist", {"models": LARGE, "batch_size": 8, "activation": "tanh"}, "654abda09247"),
        ("mnist", {"models": LARGE, "augment": {"crop": 2, "flip": True}}, "52ad111a21ec"),
        ("mnist", {"batch_size": 8, "activation": "leaky_relu", "record": {"gradient_norm": "step"}}, "87bdf154e007"),
        ("functions", {"models": SMALL, "optimiser": "adam", "learning_rate": 0.01, "epochs": 200}, "8ca50cb30667"),
        ("functions", {"models": SMALL, "batch_size": 16, "momentum": 0.9, "activation": "relu"}, "17ebd7fea002"),
        (
            "functions",
            {"models": SMALL, "optimiser": "rmsprop", "learning_rate": 0.01, "activation": "leaky_relu"},
            "b1ebc47001c4",
        ),
        ("mnist", {"models": RESIZED, "optimiser": "rmsprop", "learning_rate": 0.01, "momentum": 0.5}, "5405c0a5f453"),
        ("mnist", {"models": RESIZED, "optimiser": "adam", "weight_decay": 0.1, "activation": "relu"}, "47d4fb30fb57"),
    ],
)
def test_trainings(data, changes, expected, experiment, run_of):
    entry = experiment(data, **changes)
    record = train(run_of(entry, replicas=2 if entry.functions else 1), entry)
    check([*record.weights.values(), *record.history.values(), *record.steps.values()], expected)


def test_points_of_zero_gradient(experiment, run_of):
    entry = experiment("functions", models=SMALL)
    network = Network(entry.models["A"], entry.activation, entry.example)
    data, _ = parts(entry, ["quadratic"])
    problem = LeastSquares(network, data.x.double(), data.y[0, :, 0].double())
    theta = theta_of(network.initial([stream(0)]))[0]
    descent = Descent(problem, theta)
    descent.lower(20)
    found, _ = lower_gradient_norm(problem, descent.theta, 5)
    gauss_newton, residual = problem.curvature(found)
    check([found, gauss_newton, residual, eigvalsh(gauss_newton + residual)], "06c8e6557d36")


@pytest.mark.parametrize(("models", "expected"), [(CNN, "02f62ceffb40"), (LARGE, "fae9cc89be6b")])
def test_curvature_and_sensitivity(models, expected, experiment):
    entry = experiment("mnist", models=models)
    network = Network(entry.models["A"], entry.activation, entry.example)
    data, _ = parts(entry, [None])
    weights = network.initial([stream(0)])
    loss = training_loss(network, weights, "cross_entropy", data)
    trace, found = spectrum(loss, flatten(weights)[0], Curvature(60, 8, 1, 3, 1e-3), stream(1))
    check([np.array(trace), found.to_numpy(), output_by_input(network, weights, data)], expected)


def test_main_components(experiment, run_of):
    entry = experiment("functions", models=SMALL, epochs=6, record={"weights_every": 1})
    record = train(run_of(entry, replicas=3), entry)
    products = sum(step_products(snapshots) for snapshots in record.snapshots.values())
    plane = main_plane({name: w[0] for name, w in record.snapshots.items()}, list(range(7)), 5)
    check([principal_components(together(products))[0], plane.directions, plane.projected], "35a2dcc20799")
