"""Files whose digests are known: what is made of them, which are read, and how missing ones are fetched."""

import gzip
import hashlib
import io
import struct
import tarfile
import urllib.request
import zipfile
from contextlib import closing
from errno import ENOSPC
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from torchvision import datasets as torchvision

from netclaims.data import cifar10 as cifar
from netclaims.data import mnist_family
from netclaims.data.cifar10 import parse_cifar10
from netclaims.data.mnist_family import EMNIST_SPLITS, PARTS, parse_idx
from netclaims.data.published import PublishedFile, read_published
from netclaims.data.published_sets import SETS
from netclaims.data.sources import Source, content_of, read_source, sizes
from tests.data.conftest import refused

GREY, COLOUR = (1, 28, 28), (3, 32, 32)
NOWHERE = Path("file")
RELATIVES = ["MNIST", "FashionMNIST", "KMNIST"]


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def digest(content: bytes) -> tuple[int, str]:
    return len(content), hashlib.sha256(content).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ------------------------------------------------------------------------------------------- MNIST and relatives


@pytest.fixture
def arrays(random):
    """What four IDX files hold."""
    return {
        "train-images-idx3-ubyte": random.integers(256, size=(30, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": random.integers(10, size=30, dtype=np.uint8),
        "t10k-images-idx3-ubyte": random.integers(256, size=(7, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": random.integers(10, size=7, dtype=np.uint8),
    }


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Lets IDX files pass for the published ones of a data set, and gives their contents by path."""

    def publish(name: str, arrays: dict[str, np.ndarray]) -> dict[Path, bytes]:
        raw = tmp_path / name / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        plain = [idx(array) for array in arrays.values()]
        packed = [gzip.compress(content, mtime=0) for content in plain]
        monkeypatch.setitem(mnist_family.COMPRESSED, name, tuple(map(digest, packed)))
        if name in mnist_family.UNPACKED:
            monkeypatch.setitem(mnist_family.UNPACKED, name, tuple(map(digest, plain)))
        both = dict(zip(PARTS, plain, strict=True)) | {
            f"{part}.gz": content for part, content in zip(PARTS, packed, strict=True)
        }
        return {raw / name: content for name, content in both.items()}

    return publish


@pytest.fixture
def mnist(publish, arrays, tmp_path):
    """A folder of four IDX files that pass for the published ones."""
    for path, content in publish("MNIST", arrays).items():
        if path.suffix != ".gz":
            path.write_bytes(content)
    return tmp_path / "MNIST" / "raw"


def read(root: Path, name="MNIST", download=False, split=None):
    return read_source(Source("torchvision", name=name, split=split, root=str(root), download=download), GREY)


def test_mnist_is_read_from_its_files(mnist, arrays):
    found = read(mnist.parents[1])
    assert found.title == "MNIST"
    assert found.shape == GREY
    assert found.classes == tuple("0123456789")
    assert found.train.images.dtype == np.uint8
    assert found.train.labels.dtype == np.int64
    np.testing.assert_array_equal(found.train.images[:, 0], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(found.train.labels, arrays["train-labels-idx1-ubyte"])
    np.testing.assert_array_equal(found.test.images[:, 0], arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(found.test.labels, arrays["t10k-labels-idx1-ubyte"])


@pytest.mark.parametrize("name", RELATIVES)
def test_compressed_files_are_read_as_they_are(publish, arrays, tmp_path, name):
    for path, content in publish(name, arrays).items():
        if path.suffix == ".gz":
            path.write_bytes(content)
    found = read(tmp_path, name)
    np.testing.assert_array_equal(found.train.images[:, 0], arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(found.test.labels, arrays["t10k-labels-idx1-ubyte"])
    assert len(contents(tmp_path / name / "raw")) == 4  # nothing is unpacked there


@pytest.mark.parametrize("name", RELATIVES)
def test_files_layout_and_classes_are_torchvisions(name):
    kind = getattr(torchvision, name)
    known = SETS[name, None]
    files = known.files(Path("root"))
    packed = [path for choices in files for path in choices if path.suffix == ".gz"]
    assert [path.as_posix() for path in packed] == [f"root/{name}/raw/{file}" for file, _ in kind.resources]
    addresses = [published.urls for choices in files for path, published in choices.items() if path in packed]
    for (file, _), urls in zip(kind.resources, addresses, strict=True):
        assert {f"{mirror}{file}" for mirror in kind.mirrors} <= set(urls)
    assert [label.split(" - ")[0] for label in kind.classes] == list(known.classes)


def test_labels_of_fashion_mnist_are_those_in_the_repository_of_its_authors():
    """Digests of the two files of labels, taken there."""
    of_labels = mnist_family.COMPRESSED["FashionMNIST"][1::2]
    assert of_labels == (
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    )


def test_one_flipped_bit_is_noticed(mnist):
    path = mnist / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    _, expected = digest(content)
    content[1000] ^= 1
    path.write_bytes(content)
    with refused("t10k-images-idx3-ubyte: not the published file: SHA-256", expected):
        read(mnist.parents[1])


def test_files_that_are_not_the_published_ones_are_not_read(mnist, monkeypatch):
    monkeypatch.undo()  # the published digests again
    with refused("train-images-idx3-ubyte: not the published file: 23,536 bytes, expected 47,040,016$"):
        read(mnist.parents[1])


@pytest.mark.parametrize("missing", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_missing_file(mnist, missing):
    (mnist / missing).unlink()
    with refused(f"{mnist / missing}: no such file", "download: true"):
        read(mnist.parents[1])


def test_missing_root(tmp_path):
    with refused(f"{tmp_path}/none/MNIST/raw/train-images-idx3-ubyte: no such file"):
        read(tmp_path / "none")
    with refused(f"{tmp_path}/none/KMNIST/raw/train-images-idx3-ubyte.gz: no such file"):
        read(tmp_path / "none", "KMNIST")


def test_a_home_folder_may_stand_as_a_tilde(mnist, monkeypatch):
    monkeypatch.setenv("HOME", str(mnist.parents[1].parent))
    assert len(read(Path("~") / mnist.parents[1].name).train.labels) == 30


def test_as_many_labels_as_images(publish, arrays, tmp_path):
    arrays["train-labels-idx1-ubyte"] = arrays["train-labels-idx1-ubyte"][:-1]
    for path, content in publish("MNIST", arrays).items():
        path.write_bytes(content)
    with refused("train-labels-idx1-ubyte: 29 labels", "30 images"):
        read(tmp_path)


def test_label_out_of_range(publish, arrays, tmp_path):
    arrays["t10k-labels-idx1-ubyte"] = np.array([0, 1, 2, 10, 4, 5, 6], np.uint8)
    for path, content in publish("MNIST", arrays).items():
        path.write_bytes(content)
    with refused("t10k-labels-idx1-ubyte: a label 10", "0 to 9"):
        read(tmp_path)


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


# -------------------------------------------------------------------------------------------------------- EMNIST


@pytest.fixture
def emnist(tmp_path, monkeypatch, random):
    """Writes an archive with one split that passes for the published one, and gives what it holds."""

    def write(split: str, labels: tuple[list[int], list[int]]) -> dict[str, np.ndarray]:
        held = {}
        for part, own in zip(("train", "test"), labels, strict=True):
            held[f"{part}-images-idx3"] = random.integers(256, size=(len(own), 28, 28), dtype=np.uint8)
            held[f"{part}-labels-idx1"] = np.array(own, np.uint8)
        path = tmp_path / "EMNIST" / "raw" / "gzip.zip"
        path.parent.mkdir(parents=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in held.items():
                archive.writestr(f"gzip/emnist-{split}-{name}-ubyte.gz", gzip.compress(idx(array)))
        monkeypatch.setattr(mnist_family, "EMNIST_ARCHIVE", PublishedFile(*digest(path.read_bytes())))
        monkeypatch.setitem(EMNIST_SPLITS, split, (EMNIST_SPLITS[split][0], *map(len, labels)))
        return held

    return write


@pytest.mark.parametrize(
    ("split", "labels", "expected"),
    [
        ("balanced", [0, 10, 36, 46], ["0", "A", "a", "t"]),
        ("byclass", [9, 10, 36, 61], ["9", "A", "a", "z"]),
        ("bymerge", [0, 10, 36, 46], ["0", "A", "a", "t"]),
        ("digits", [0, 9], ["0", "9"]),
        ("letters", [1, 26], ["a", "z"]),
        ("mnist", [0, 9], ["0", "9"]),
    ],
)
def test_emnist_is_read_from_its_archive(emnist, tmp_path, split, labels, expected):
    held = emnist(split, (labels, labels[::-1]))
    found = read(tmp_path, "EMNIST", split=split)
    assert [found.classes[label] for label in found.train.labels] == expected
    assert [found.classes[label] for label in found.test.labels] == expected[::-1]
    np.testing.assert_array_equal(found.train.images[:, 0], held["train-images-idx3"])
    np.testing.assert_array_equal(found.test.images[:, 0], held["test-images-idx3"])
    assert (found.title, found.train.labels.dtype) == (f"EMNIST {split}", np.int64)


@pytest.mark.parametrize("split", EMNIST_SPLITS)
def test_classes_of_emnist_are_torchvisions(split):
    classes = torchvision.EMNIST.classes_split_dict[split]
    assert list(SETS["EMNIST", split].classes) == [name for name in classes if name != "N/A"]
    assert sizes(Source("torchvision", name="EMNIST", split=split))[1] == len(SETS["EMNIST", split].classes)
    assert torchvision.EMNIST.url in mnist_family.EMNIST_ARCHIVE.urls


def test_a_letter_without_a_number_is_refused(emnist, tmp_path):
    emnist("letters", ([1, 0], [1, 2]))
    with refused("emnist-letters-train-labels-idx1-ubyte.gz: a label 255, expected 0 to 25"):
        read(tmp_path, "EMNIST", split="letters")


def test_emnist_of_another_size_than_is_known_beforehand(emnist, tmp_path, monkeypatch):
    emnist("digits", ([1, 2], [3]))
    monkeypatch.setitem(EMNIST_SPLITS, "digits", (EMNIST_SPLITS["digits"][0], 2, 5))
    with refused("emnist-digits-test-images-idx3-ubyte.gz: 1 images, expected 5"):
        read(tmp_path, "EMNIST", split="digits")


# --------------------------------------------------------------------------------------------------- CIFAR-10


@pytest.fixture
def cifar10(tmp_path, monkeypatch, random):
    """A folder with an archive of six files of 20 records that passes for the published one, and the records."""
    monkeypatch.setattr(cifar, "RECORDS", 20)
    batches = {name: records(random) for name in (*cifar.TRAIN, cifar.TEST)}
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
    monkeypatch.setattr(cifar, "ARCHIVE", PublishedFile(*digest(path.read_bytes()), cifar.ARCHIVE.urls))


def read_cifar10(root: Path, download: bool = False):
    return read_source(Source("torchvision", name="CIFAR10", root=str(root), download=download), COLOUR)


def test_cifar10_is_read_from_its_archive(cifar10):
    root, batches = cifar10
    found = read_cifar10(root)
    train = np.concatenate([batches[name] for name in cifar.TRAIN])
    assert found.shape == COLOUR
    assert found.classes[3] == "cat"
    assert found.train.labels.dtype == np.int64
    np.testing.assert_array_equal(found.train.labels, train[:, 0])
    np.testing.assert_array_equal(found.train.images.reshape(100, 3072), train[:, 1:])
    np.testing.assert_array_equal(found.test.labels, batches[cifar.TEST][:, 0])
    np.testing.assert_array_equal(found.test.images.reshape(20, 3072), batches[cifar.TEST][:, 1:])
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
    monkeypatch.setattr(cifar.tarfile, "open", lambda **_: pytest.fail("opened"))
    with refused("cifar-10-binary.tar.gz", "SHA-256"):
        read_cifar10(root)


def test_missing_archive(tmp_path):
    with refused(f"{tmp_path}/cifar-10-binary.tar.gz: no such file", "download: true"):
        read_cifar10(tmp_path)


def test_records_of_another_length():
    with refused("^file: 3,073 bytes, expected 10,000 records of 3,073"):
        parse_cifar10(bytes(3073), NOWHERE)


def test_record_with_a_label_out_of_range(monkeypatch):
    monkeypatch.setattr(cifar, "RECORDS", 2)
    content = bytearray(2 * 3073)
    content[3073] = 10
    with refused("^file: a label 10"):
        parse_cifar10(bytes(content), NOWHERE)


# ------------------------------------------------------------------------------------------------------ fetching


@pytest.fixture
def web(monkeypatch):
    """What addresses answer, and the list of those that were asked."""
    answers: dict[str, bytes | Exception] = {}
    asked: list[str] = []

    def urlopen(request, timeout):
        asked.append(request.full_url)
        found = answers.get(request.full_url, URLError("no\nnetwork"))
        if isinstance(found, Exception):
            raise found
        return closing(io.BytesIO(found))

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return answers, asked


GENUINE = b"the published content"
ONE, TWO = "https://one.example/f.gz", "https://two.example/f.gz"


def choices(folder: Path) -> dict[Path, PublishedFile]:
    """One file, unpacked or compressed, of which the compressed one can be fetched."""
    return {
        folder / "f": PublishedFile(*digest(b"unpacked")),
        folder / "f.gz": PublishedFile(*digest(GENUINE), (ONE, TWO)),
    }


def test_files_are_fetched_only_when_missing(publish, arrays, tmp_path, web):
    answers, asked = web
    files = publish("FashionMNIST", arrays)
    for path, content in files.items():
        for mirror in mnist_family.MIRRORS["FashionMNIST"][:1]:
            answers[f"{mirror}{path.name}"] = content
    found = read(tmp_path, "FashionMNIST", download=True)
    assert asked == [f"{mnist_family.MIRRORS['FashionMNIST'][0]}{part}.gz" for part in PARTS]
    np.testing.assert_array_equal(found.train.labels, arrays["train-labels-idx1-ubyte"])
    assert contents(tmp_path / "FashionMNIST" / "raw") == {
        path.name: content for path, content in files.items() if path.suffix == ".gz"
    }
    del asked[:]
    read(tmp_path, "FashionMNIST", download=True)
    assert asked == []
    (tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    read(tmp_path, "FashionMNIST", download=True)
    assert [url.rpartition("/")[2] for url in asked] == ["t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize(
    "first", [URLError("down"), TimeoutError("slow"), GENUINE[:-1], GENUINE + b"more", b"<html>moved</html>"]
)
def test_the_next_address_where_one_fails_or_gives_something_else(tmp_path, web, first):
    answers, asked = web
    answers.update({ONE: first, TWO: GENUINE})
    folder = tmp_path / "new"
    assert read_published(choices(folder), download=True) == (folder / "f.gz", GENUINE)
    assert asked == [ONE, TWO]
    assert contents(folder) == {"f.gz": GENUINE}


def test_failing_download_is_one_line_that_names_every_address(tmp_path, web):
    answers, _ = web
    answers[TWO] = b"something else"
    with refused(f"{tmp_path}/f.gz: download failed: ", f"{ONE}: .*no network.*; {TWO}: gives another file"):
        read_published(choices(tmp_path), download=True)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("part", [b"", GENUINE[:1], GENUINE[:-1]])
def test_what_an_interrupted_download_left_is_fetched_again(tmp_path, web, part):
    answers, _ = web
    answers[ONE] = GENUINE
    (tmp_path / "f.gz").write_bytes(part)
    assert read_published(choices(tmp_path), download=True) == (tmp_path / "f.gz", GENUINE)
    assert contents(tmp_path) == {"f.gz": GENUINE}


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize("own", [b"my own", GENUINE[:-1] + b"x", GENUINE + b"x"])
def test_what_somebody_brought_is_never_written_over(tmp_path, web, own, download):
    answers, _ = web
    answers[ONE] = GENUINE
    (tmp_path / "f.gz").write_bytes(own)
    with refused(f"^{tmp_path}/f.gz: not the published file: ") as caught:
        read_published(choices(tmp_path), download=download)
    assert "delete" not in str(caught.value)
    assert contents(tmp_path) == {"f.gz": own}


def test_an_unpacked_file_that_is_cut_off_stays_and_the_compressed_one_is_read(tmp_path, web):
    answers, _ = web
    answers[ONE] = GENUINE
    (tmp_path / "f").write_bytes(b"unpa")
    with refused(f"^{tmp_path}/f: not the published file: 4 bytes, expected 8$"):
        read_published(choices(tmp_path), download=False)
    assert read_published(choices(tmp_path), download=True)[1] == GENUINE
    assert contents(tmp_path) == {"f": b"unpa", "f.gz": GENUINE}
    assert read_published(choices(tmp_path), download=False)[1] == GENUINE


def test_a_full_disk_leaves_nothing_by_half(tmp_path, web, monkeypatch):
    answers, _ = web
    answers[ONE] = GENUINE

    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:3])
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with refused(f"{tmp_path}/f.gz: cannot be written: No space left on device"):
        read_published(choices(tmp_path), download=True)
    assert contents(tmp_path) == {}


# ------------------------------------------------------------------------------------- what a recipe says of them


@pytest.mark.parametrize("download", [False, True])
def test_files_that_are_not_the_published_ones_show_in_what_is_known_of_a_source(mnist, download):
    source = Source("torchvision", name="MNIST", root=str(mnist.parents[1]), download=download)
    assert content_of(source) is None
    path = mnist / "train-labels-idx1-ubyte"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert content_of(source) == f"not as published: {path.name}"
    path.write_bytes(before + b"x")
    assert content_of(source) == f"not as published: {path.name}"
    path.write_bytes(before[:-1])
    assert content_of(source) == (None if download else f"not as published: {path.name}")  # which is fetched again
    path.unlink()
    assert content_of(source) is None  # what was prepared of it stays right
