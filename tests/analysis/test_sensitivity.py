"""Three sensitivities against autograd one example at a time, and in closed form; and the stage."""

import json
import sys
from functools import partial
from itertools import product
from math import nan
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from torch.autograd.functional import jacobian
from torch.nn import functional

from netclaims.analysis import sensitivity
from netclaims.analysis.sensitivity import COLUMNS, loss_by_input, loss_by_parameters, output_by_input, sensitivities
from netclaims.analysis.sharpness import sharpness
from netclaims.analysis.spectrum import POSITIONS, training_loss
from netclaims.data.examples import Examples, first_examples, images
from netclaims.nets import evaluation
from netclaims.nets.layers import Conv, Dense, Pool, Resize
from netclaims.nets.network import Network, flatten
from netclaims.recipes.resolve import analysis
from netclaims.settings.analyses import SensitivitySettings
from netclaims.training.random_streams import stream
from netclaims.training.runs import runs_of
from stages import sensitivity as script

NETS = [
    pytest.param([6, 3], (4,), "tanh", id="mlp"),
    pytest.param([6, 3], (1, 3, 3), "leaky_relu", id="mlp on images"),
    pytest.param([{"conv": 2}, {"pool": 2}, 3], (2, 5, 5), "relu", id="cnn"),
]


@pytest.fixture
def nets(network_of):
    """A network, float64 weights of two nets, and 13 examples."""

    def make(layers, example, activation="tanh"):
        network = network_of(layers, example, activation)
        weights = {name: w.double() for name, w in network.initial([stream("a"), stream("b")]).items()}
        x = torch.randn(13, *example, generator=stream("x"), dtype=torch.float64)
        classes = layers[-1]["dense"] if isinstance(layers[-1], dict) else layers[-1]
        return network, weights, Examples(x, torch.randint(classes, (1, 13), generator=stream("y")))

    return make


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_against_one_example_at_a_time(layers, example, activation, nets, module_of):
    network, weights, data = nets(layers, example, activation)
    found = sensitivities(network, weights, "cross_entropy", data)
    assert list(found) == COLUMNS == ["loss_by_input", "output_by_input", "loss_by_parameters"]
    for index in range(2):
        module = module_of(layers, example, activation, weights, index)

        def loss(x, y, module=module):
            return functional.cross_entropy(module(x.unsqueeze(0)), y.unsqueeze(0))

        def probabilities(x, module=module):
            return module(x.unsqueeze(0)).softmax(1)[0]

        by_input, by_output, by_parameters = [], [], []
        for x, y in zip(data.x, data.y[0], strict=True):
            by_input.append(jacobian(partial(loss, y=y), x).norm())
            by_output.append(jacobian(probabilities, x).norm())
            grads = torch.autograd.grad(loss(x, y), list(module.parameters()))
            by_parameters.append(torch.cat([g.flatten() for g in grads]))
        expected = {
            "loss_by_input": torch.stack(by_input).mean(),
            "output_by_input": torch.stack(by_output).mean(),
            "loss_by_parameters": torch.stack(by_parameters).mean(0).norm(),
        }
        for name, value in expected.items():
            torch.testing.assert_close(found[name][index], value)
            assert not torch.isclose(found[name][0], found[name][1])


@pytest.mark.parametrize(("layers", "example", "activation"), NETS)
def test_of_a_net_that_ends_in_a_softmax(layers, example, activation, nets, network_of, module_of):
    logits, weights, data = nets(layers, example, activation)
    network = network_of([*layers, "softmax"], example, activation)
    found = sensitivities(network, weights, "cross_entropy", data)
    for index in range(2):
        module = module_of(layers, example, activation, weights, index)

        def outputs(x, module=module):
            return module(x.unsqueeze(0)).softmax(1)[0]

        def loss(x, y, outputs=outputs):  # of the probabilities, taken for logits
            return functional.cross_entropy(outputs(x), y)

        by_output = torch.func.vmap(torch.func.jacrev(outputs))(data.x)
        by_input = torch.func.vmap(torch.func.jacrev(loss))(data.x, data.y[0])
        mean = torch.stack([loss(x, y) for x, y in zip(data.x, data.y[0], strict=True)]).mean()
        slopes = torch.autograd.grad(mean, list(module.parameters()))
        torch.testing.assert_close(found["output_by_input"][index], by_output.flatten(1).norm(dim=1).mean())
        torch.testing.assert_close(found["loss_by_input"][index], by_input.flatten(1).norm(dim=1).mean())
        torch.testing.assert_close(found["loss_by_parameters"][index], torch.cat([s.flatten() for s in slopes]).norm())
    without = sensitivities(logits, weights, "cross_entropy", data)
    torch.testing.assert_close(found["output_by_input"], without["output_by_input"])  # the same probabilities
    assert not torch.isclose(found["loss_by_input"], without["loss_by_input"]).any()


def test_softmax_regression_in_closed_form(nets):
    network, weights, data = nets([3], (4,))
    found = sensitivities(network, weights, "cross_entropy", data)
    for index in range(2):
        weight, bias = weights["1.weight"][index], weights["1.bias"][index]
        p = (data.x @ weight.T + bias).softmax(1)
        error = p - functional.one_hot(data.y[0], 3)
        covariance = torch.diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1)
        slope = torch.cat([error.T @ data.x, error.sum(0).unsqueeze(1)], 1) / 13
        torch.testing.assert_close(found["loss_by_input"][index], (error @ weight).norm(dim=1).mean())
        torch.testing.assert_close(found["output_by_input"][index], (covariance @ weight).norm(dim=(1, 2)).mean())
        torch.testing.assert_close(found["loss_by_parameters"][index], slope.norm())


def test_logistic_regression_in_closed_form(nets):
    network, weights, data = nets([{"dense": 2, "bias": False}], (4,))
    weights["1.weight"][:, 0] = 0
    w = weights["1.weight"][:, 1]
    p = torch.sigmoid(data.x @ w.T).T  # of the second class
    error = (p - data.y).abs()
    torch.testing.assert_close(loss_by_input(network, weights, "cross_entropy", data), error.mean(1) * w.norm(dim=1))
    torch.testing.assert_close(output_by_input(network, weights, data), 2**0.5 * (p * (1 - p)).mean(1) * w.norm(dim=1))


def test_scaling_the_first_layer_up_and_the_inputs_down(nets):
    network, weights, data = nets([6, 3], (4,))
    scaled = weights | {"1.weight": 4 * weights["1.weight"]}
    smaller = Examples(data.x / 4, data.y)
    for one, other in (
        (
            loss_by_input(network, scaled, "cross_entropy", smaller),
            loss_by_input(network, weights, "cross_entropy", data),
        ),
        (output_by_input(network, scaled, smaller), output_by_input(network, weights, data)),
    ):
        torch.testing.assert_close(one, 4 * other)


@pytest.mark.parametrize("at_once", [1, 5, 13, 1000])
def test_neither_the_order_of_the_examples_nor_how_many_at_once_matters(at_once, nets, monkeypatch):
    network, weights, data = nets([{"conv": 2}, 3], (2, 5, 5))
    expected = sensitivities(network, weights, "cross_entropy", data)
    monkeypatch.setattr(sensitivity, "EXAMPLES_AT_ONCE", at_once)
    monkeypatch.setattr(evaluation, "NUMBERS_AT_ONCE", 50 * at_once)
    order = torch.randperm(13, generator=stream("order"))
    for part in (data, Examples(data.x[order], data.y[:, order])):
        for name, value in sensitivities(network, weights, "cross_entropy", part).items():
            torch.testing.assert_close(value, expected[name])
    wrong = Examples(data.x[order], data.y)  # the labels belong to their examples
    assert not torch.allclose(loss_by_input(network, weights, "cross_entropy", wrong), expected["loss_by_input"])


def test_one_example_twice_counts_as_once(nets):
    network, weights, data = nets([3], (4,))
    expected = sensitivities(network, weights, "cross_entropy", data)
    twice = Examples(data.x.repeat(2, 1), data.y.repeat(1, 2))
    for name, value in sensitivities(network, weights, "cross_entropy", twice).items():
        torch.testing.assert_close(value, expected[name])


def test_parameters_of_a_perfect_fit(network_of):
    network = network_of([1], (2,))
    weights = network.initial([stream("a"), stream("b")])
    x = torch.randn(9, 2, generator=stream("x"))
    data = Examples(x, network(weights, x.unsqueeze(0)))
    assert loss_by_parameters(network, weights, "mse", data).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert loss_by_parameters(network, weights, "mse", Examples(x, data.y + 1)).min() > 1


# ------------------------------------------------------------------------------------------------------ the stage

CURVATURE = ["largest_eigenvalue", "trace", "sharpness"]
MODELS = {
    "A": {"layers": [{"resize": 4}, 3, 10], "parameters": 91},
    "B": {"layers": [{"resize": 8}, {"conv": 1}, {"pool": 4}, 10], "parameters": 60},
}
LAYERS = {"A": [Resize(4), Dense(3), Dense(10)], "B": [Resize(8), Conv(1), Pool(4), Dense(10)]}
SWEEP = {"batch_size": [16, 60], "equal": ["epochs", "steps"]}
TRAINED = {"diverged": False, "epoch": 3, "train_loss": 1.0, "test_loss": 2.0}
FILES = ["plots/d/d-curved/sensitivity.csv", "plots/d/d-curved/density.csv", "metrics/d/d-curved.sensitivity.json"]


def net_of(model: str) -> Network:
    return Network(LAYERS[model], "tanh", (1, 28, 28))


def weights_of(model: str, run: int):
    """Untrained weights of the two nets of a run."""
    return net_of(model).initial([stream(run, i) for i in range(2)])


@pytest.fixture
def stage(prepared, experiment, params, write_recipe, monkeypatch):
    """Runs the stage on the nets of a sweep, or on those of two models; returns the two tables and the numbers."""
    monkeypatch.setattr(script, "in_parallel", lambda function, jobs, label: [function(*job) for job in jobs])
    monkeypatch.setattr(sys, "argv", ["sensitivity.py", "d-curved"])

    def run(sweep=SWEEP, limit=None, weights=weights_of, **changes) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
        against = "batch_size" if sweep else "parameters"
        models = {"A": MODELS["A"]} if sweep else MODELS
        nets = experiment(models=models, sweep=sweep or None, against=against, examples=limit)
        section = {"report": "d", "nets": "d-test", "data": "mnist", "against": against, "examples": 5}
        section["curvature"] = {"examples": 12, "iterations": 25, "starts": 1, "probes": 3, "epsilon": 1e-3} | changes
        settings = analysis(SensitivitySettings.model_validate(section), nets)
        write_recipe("sensitivity", "d-curved", settings)
        Path("runs/d-test").mkdir(parents=True, exist_ok=True)
        Path("runs/d-test/about.json").write_text(json.dumps({"scale": "small", "data": "noise", "replicas": 2}))
        runs = runs_of(nets, "cpu")
        rows = [
            {"run": i, "member": j, "function": None, "model": run.model, **run.setting, "replica": net.replica}
            | {"parameters": MODELS[run.model]["parameters"]}
            | TRAINED
            for i, run in enumerate(runs)
            for j, net in enumerate(run.members)
        ]
        pd.DataFrame(rows).to_csv("runs/d-test/nets.csv", index=False)
        tensors = {f"{i}/{name}": w for i, run in enumerate(runs) for name, w in weights(run.model, i).items()}
        save_file(tensors, "runs/d-test/weights.safetensors")
        script.main()
        return *map(pd.read_csv, FILES[:2]), json.loads(Path(FILES[2]).read_text())

    return run


def measured(model: str, run: int, examples: int) -> dict[str, list[float]]:
    """What the curvature of the two nets of a run is, from the whole Hessian in float64."""
    weights = {name: w.double() for name, w in weights_of(model, run).items()}
    train = first_examples(images("mnist")[0], examples)
    loss = training_loss(net_of(model), weights, "cross_entropy", Examples(train.x.double(), train.y))
    hessians = [torch.func.hessian(loss)(theta) for theta in flatten(weights)]
    return {
        "largest_eigenvalue": [torch.linalg.eigvalsh(hessian)[-1].item() for hessian in hessians],
        "trace": [hessian.trace().item() for hessian in hessians],
        "sharpness": [sharpness(loss, theta, 1e-3) for theta in flatten(weights)],
    }


def test_the_stage_measures_every_net_and_spreads_over_replicas(stage):
    table, _, numbers = stage()
    columns = [*COLUMNS, *CURVATURE]
    names = ["series", "model", "batch_size", "equal", "parameters"]
    assert list(table) == [*names, *(f"{name}{end}" for name in columns for end in ("", "_low", "_high"))]
    assert list(zip(table["batch_size"], table["equal"], strict=True)) == list(product(*SWEEP.values()))
    assert list(numbers) == ["experiment", "scale", "data", "replicas", *table["series"]]
    for row in table.to_dict("records"):
        assert list(numbers[row["series"]]) == columns
    for run, row in enumerate(table.to_dict("records")):
        probe = first_examples(images("mnist")[1], 5)
        norms = sensitivities(net_of("A"), weights_of("A", run), "cross_entropy", probe)
        found = measured("A", run, 12) | {name: value.tolist() for name, value in norms.items()}
        for name in set(columns) - {"trace"}:
            assert row[name] == pytest.approx(sum(found[name]) / 2, rel=1e-4)
            assert row[f"{name}_low"] == pytest.approx(min(found[name]), rel=1e-4)
            assert row[f"{name}_high"] == pytest.approx(max(found[name]), rel=1e-4)
            assert numbers[row["series"]][name]["mean"] == row[name]


def test_the_stage_takes_nets_of_several_architectures(stage):
    table, densities, numbers = stage(sweep={}, examples=1000, probes=150)
    assert table["model"].tolist() == ["A", "B"]
    for run, row in enumerate(table.to_dict("records")):
        found = {name: sum(values) / 2 for name, values in measured(row["model"], run, 60).items()}  # all there are
        for name, rel in (("largest_eigenvalue", 1e-4), ("sharpness", 1e-4), ("trace", 0.1)):
            assert row[name] == pytest.approx(found[name], rel=rel)
        assert numbers[row["series"]]["trace"]["sd"] > 0
    assert densities["model"].tolist() == ["A"] * POSITIONS + ["B"] * POSITIONS


def test_the_stage_keeps_to_the_examples_that_the_nets_were_trained_on(stage):
    table, *_ = stage(limit=7)
    found = measured("A", 0, 7)
    for name in ("largest_eigenvalue", "sharpness"):
        assert table[name][0] == pytest.approx(sum(found[name]) / 2, rel=1e-4)


def test_the_stage_writes_a_density_for_every_series(stage):
    table, found, _ = stage()
    names = ["series", "model", "batch_size", "equal"]
    assert list(found) == [*names, "eigenvalue", "density", "density_low", "density_high"]
    assert list(dict.fromkeys(found["series"])) == table["series"].tolist()
    highest = table.set_index("series")["largest_eigenvalue_high"]
    for series, rows in found.groupby("series"):
        assert len(rows) == POSITIONS
        ends = rows["eigenvalue"].min(), rows["eigenvalue"].max()
        assert ends[1] - highest[series] == pytest.approx((ends[1] - ends[0]) / 22, rel=1e-3)  # 5 % more at both ends
        assert (rows["density_low"] > 0).all()
        assert (rows["density_low"] < rows["density"]).any()
        assert (rows["density"] < rows["density_high"]).any()


def test_the_stage_writes_the_same_bytes_again(stage):
    contents = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        stage()
        contents.append([Path(name).read_bytes() for name in FILES])
    assert contents[0] == contents[1]


def test_every_net_has_random_vectors_of_its_own(stage):
    def alike(model, run):
        return {name: w[:1].repeat(2, *[1] * (w.dim() - 1)) for name, w in weights_of(model, 0).items()}

    table, *_ = stage(weights=alike)
    for name in ("largest_eigenvalue", "sharpness"):
        assert table[f"{name}_low"].tolist() == pytest.approx([table[name][0]] * 4, rel=1e-3)
    assert pd.concat([table["trace_low"], table["trace_high"]]).nunique() == 8


def test_nets_that_diverged_have_no_curvature(stage):
    def broken(model, run):
        weights = weights_of(model, run)
        weights["1.weight"][{1: [0], 2: [0, 1]}.get(run, [])] = nan
        return weights

    table, densities, numbers = stage(weights=broken)
    whole, *_ = stage()
    for name in CURVATURE:
        assert table[name].isna().tolist() == [False, True, True, False]
        assert [numbers[series][name]["mean"] is None for series in table["series"]] == [False, True, True, False]
        assert table[name][[0, 3]].tolist() == whole[name][[0, 3]].tolist()
    assert densities.groupby("series", sort=False).size().tolist() == [POSITIONS, 1, 1, POSITIONS]
