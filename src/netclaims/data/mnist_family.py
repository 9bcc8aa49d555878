"""MNIST and its relatives from their published files, as torchvision lays them out: `root/<name>/raw`.

Sizes and SHA-256 digests of the compressed files, and of EMNIST's archive, are those of TensorFlow Datasets
(`tensorflow_datasets/url_checksums`), addresses those of torchvision and of there. Fashion-MNIST's labels were compared
with the files in its authors' repository. Those of MNIST's unpacked files were worked out from the files.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netclaims.data.image_set import Split
from netclaims.data.published import Choices, PublishedFile, labelled, read_published
from netclaims.errors import DataError

DIGITS = tuple("0123456789")
CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIFFERENT = tuple("abdefghnqrt")  # small letters that look unlike their capitals
SMALL = tuple("abcdefghijklmnopqrstuvwxyz")
# EMNIST's splits: classes in the order of labels, training images, test images.
EMNIST_SPLITS = {
    "balanced": (DIGITS + CAPITALS + DIFFERENT, 112_800, 18_800),
    "byclass": (DIGITS + CAPITALS + SMALL, 697_932, 116_323),
    "bymerge": (DIGITS + CAPITALS + DIFFERENT, 697_932, 116_323),
    "digits": (DIGITS, 240_000, 40_000),
    "letters": (SMALL, 124_800, 20_800),  # labelled from 1 on
    "mnist": (DIGITS, 60_000, 10_000),
}
EMNIST_ARCHIVE = PublishedFile(
    561_753_746,
    "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
)

PARTS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MIRRORS = {
    "MNIST": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    "FashionMNIST": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    "KMNIST": ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
}
# Of each part in the order of PARTS, compressed.
COMPRESSED = {
    "MNIST": (
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    "FashionMNIST": (
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    "KMNIST": (
        (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ),
}
UNPACKED = {
    "MNIST": (
        (47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        (60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        (7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        (10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
}


def idx_files(name: str, root: Path) -> list[Choices]:
    """Return the four files of a data set, images and labels of training and test, each unpacked or compressed.

    Of MNIST alone the digests of the unpacked files are known.

    Args:
        name: MNIST, FashionMNIST or KMNIST.
        root: where torchvision's folder of that name lies.
    """
    raw = root / name / "raw"
    files: list[Choices] = [{} for _ in PARTS]
    for choices, part, known in zip(files, PARTS, UNPACKED.get(name, ()), strict=False):
        choices[raw / part] = PublishedFile(*known)
    for choices, part, known in zip(files, PARTS, COMPRESSED[name], strict=True):
        choices[raw / f"{part}.gz"] = PublishedFile(*known, tuple(f"{url}{part}.gz" for url in MIRRORS[name]))
    return files


def read_idx(name: str, root: Path, download: bool) -> tuple[Split, Split]:
    """Read 60,000 + 10,000 images of shape (1, 28, 28) and ten classes from IDX files.

    Raises:
        DataError: a file is missing and not to be fetched, or cannot be; or it is not the published one.
    """
    found = []
    for choices, dimensions in zip(idx_files(name, root), (3, 1, 3, 1), strict=True):
        path, content = read_published(choices, download)
        found.append((_unpacked(content, dimensions, path), path))
    return tuple(
        labelled(images[:, None], labels, len(DIGITS), where)
        for (images, _), (labels, where) in (found[:2], found[2:])
    )  # fmt: skip


def emnist_files(root: Path) -> list[Choices]:
    """Return the one file of EMNIST: the archive of all its splits, which torchvision leaves in place."""
    return [{root / "EMNIST" / "raw" / "gzip.zip": EMNIST_ARCHIVE}]


def read_emnist(split: str, root: Path, download: bool) -> tuple[Split, Split]:
    """Read a split of EMNIST: images of shape (1, 28, 28), with rows and columns exchanged, as they are published.

    Raises:
        DataError: the archive is missing and not to be fetched, or cannot be; or it is not the published one.
    """
    (choices,) = emnist_files(root)
    path, content = read_published(choices, download)
    classes, *sizes = EMNIST_SPLITS[split]
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for part, size in zip(("train", "test"), sizes, strict=True):
            where = [f"gzip/emnist-{split}-{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
            images, labels = (
                _unpacked(archive.read(member), dimensions, path / member)
                for member, dimensions in zip(where, (3, 1), strict=True)
            )
            if len(images) != size:
                raise DataError(f"{path / where[0]}: {len(images):,} images, expected {size:,}")
            labels = labels - np.uint8(split == "letters")
            found.append(labelled(images[:, None], labels, len(classes), path / where[1]))
    return tuple(found)


def parse_idx(content: bytes, dimensions: int, where: Path) -> NDArray[np.uint8]:
    """Return the array in an IDX file of unsigned bytes with the given number of dimensions.

    The format is: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a big-endian
    32-bit integer, and the values in C order.

    Args:
        content: of the file.
        dimensions: as many as the array has to have.
        where: the file's path, which an error names.

    Raises:
        DataError: the content is anything else, or longer or shorter than its header says.
    """
    magic, start = bytes((0, 0, 8, dimensions)), 4 + 4 * dimensions
    if content[:4] != magic:
        raise DataError(f"{where}: starts with {content[:4].hex() or 'nothing'}, expected IDX {magic.hex()}")
    if len(content) < start:
        raise DataError(f"{where}: {len(content)} bytes, expected a header of {start}")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) != start + prod(shape):
        raise DataError(f"{where}: {len(content):,} bytes, expected {start + prod(shape):,} for shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _unpacked(content: bytes, dimensions: int, where: Path) -> NDArray[np.uint8]:
    """Return the array in a published file: its digest tells how large it is, unpacked."""
    return parse_idx(gzip.decompress(content) if where.suffix == ".gz" else content, dimensions, where)
