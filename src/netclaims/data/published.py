"""MNIST and CIFAR-10 from their published files.

A published file is compared with its known digest before any of it is parsed, and nothing is unpickled:
CIFAR-10 is read from its binary archive, where torchvision would read the pickled one.
"""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
from collections.abc import Callable
from http.client import HTTPException
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netclaims.data.image_set import ImageSet, Split
from netclaims.data.mnist_m import MNIST_CITATION, MNIST_LICENCE
from netclaims.errors import DataError
from netclaims.paths import file_size

LARGEST_FILE = 500_000_000  # bytes; the published ones have up to 170 million

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# The address, MD5 and layout are those of https://www.cs.toronto.edu/~kriz/cifar.html ("binary version").
CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
CIFAR10_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CIFAR10_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
CIFAR10_TEST = "cifar-10-batches-bin/test_batch.bin"
CIFAR10_RECORDS = 10_000  # each of the six files has so many
CIFAR10_SHAPE = (3, 32, 32)
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


# ----------------------------------------------------------------------------------------------------- MNIST


def read_mnist(root: Path, download: bool) -> ImageSet:
    """Read MNIST, 60,000 + 10,000 images of shape (1, 28, 28), from the IDX files in `root/MNIST/raw`.

    Raises:
        DataError: a file is missing and not to be fetched, or cannot be; or it is not the genuine one.
    """
    raw = root / "MNIST" / "raw"
    if download and not all((raw / name).exists() for name in MNIST_SHA256):
        _download(_fetch_mnist, raw)
    return ImageSet(
        title="MNIST",
        classes=tuple("0123456789"),
        train=_mnist_split(raw, "train"),
        test=_mnist_split(raw, "t10k"),
        licence=MNIST_LICENCE,
        citation=MNIST_CITATION,
    )


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


def _mnist_split(raw: Path, prefix: str) -> Split:
    images, labels = (
        parse_idx(_verified(raw / name, MNIST_SHA256[name]), dimensions, raw / name)
        for name, dimensions in ((f"{prefix}-images-idx3-ubyte", 3), (f"{prefix}-labels-idx1-ubyte", 1))
    )
    return _labelled(images[:, None], labels, raw / f"{prefix}-labels-idx1-ubyte")


def _fetch_mnist(raw: Path) -> None:
    from torchvision.datasets import MNIST  # imported here, because it takes seconds
    from torchvision.datasets.utils import download_and_extract_archive

    # MNIST(root, download=True) would do this too, but it prefers, and unpickles, what lies in root/processed.
    for name, md5 in MNIST.resources:
        download_and_extract_archive(MNIST.mirrors[0] + name, str(raw), md5=md5)


# -------------------------------------------------------------------------------------------------- CIFAR-10


def read_cifar10(root: Path, download: bool) -> ImageSet:
    """Read CIFAR-10, 50,000 + 10,000 images of shape (3, 32, 32), from `root/cifar-10-binary.tar.gz`.

    Raises:
        DataError: the archive is missing and not to be fetched, or cannot be; or it is not the genuine one.
    """
    path = root / "cifar-10-binary.tar.gz"
    if download and not path.exists():
        _download(_fetch_cifar10, path)
    content = _verified(path, CIFAR10_SHA256)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        # It is read once, in the archive's order: going back in it would unpack it again from the start.
        batches = {
            member.name: parse_cifar10(archive.extractfile(member).read(), path / member.name)
            for member in archive
            if member.name in (*CIFAR10_TRAIN, CIFAR10_TEST)
        }
    images, labels = zip(*(batches[name] for name in CIFAR10_TRAIN), strict=True)
    return ImageSet(
        title="CIFAR-10",
        classes=CIFAR10_CLASSES,
        train=Split(np.concatenate(images), np.concatenate(labels)),
        test=batches[CIFAR10_TEST],
        licence="none stated by its authors, who ask to cite their technical report",
        citation=(
            "A. Krizhevsky. Learning multiple layers of features from tiny images. "
            "Technical report, University of Toronto, 2009."
        ),
    )


def parse_cifar10(content: bytes, where: Path) -> Split:
    """Return the images of one file of the archive: 10,000 records of a label and the pixels, one byte each.

    Raises:
        DataError: the content has another length, or a label above 9.
    """
    length = 1 + prod(CIFAR10_SHAPE)
    if len(content) != CIFAR10_RECORDS * length:
        expected = f"{CIFAR10_RECORDS:,} records of {length:,}"
        raise DataError(f"{where}: {len(content):,} bytes, expected {expected}")
    records = np.frombuffer(content, np.uint8).reshape(CIFAR10_RECORDS, length)
    return _labelled(records[:, 1:].reshape(CIFAR10_RECORDS, *CIFAR10_SHAPE), records[:, 0], where)


def _fetch_cifar10(path: Path) -> None:
    from torchvision.datasets.utils import download_url  # imported here, because it takes seconds

    download_url(CIFAR10_URL, str(path.parent), path.name, CIFAR10_MD5)


# ------------------------------------------------------------------------------------------------------ both


def _download(fetch: Callable[[Path], None], path: Path) -> None:
    try:
        fetch(path)
    except (OSError, RuntimeError, HTTPException) as error:
        raise DataError(f"{path}: download failed: {' '.join(str(error).split())}") from None


def _verified(path: Path, sha256: str) -> bytes:
    """Read a file that has to have the given digest."""
    try:
        if (size := file_size(path)) > LARGEST_FILE:
            raise DataError(f"{path}: {size:,} bytes, expected {LARGEST_FILE:,} at the most")
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; put it there, or set download: true") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        advice = "delete it, and download: true fetches it again"
        raise DataError(f"{path}: not the published file: SHA-256 {found}, expected {sha256}; {advice}")
    return content


def _labelled(images: NDArray[np.uint8], labels: NDArray[np.uint8], where: Path) -> Split:
    if len(images) != len(labels):
        raise DataError(f"{where}: {len(labels):,} labels, expected one for each of {len(images):,} images")
    if labels.max(initial=0) > 9:
        raise DataError(f"{where}: a label {labels.max()}, expected 0 to 9")
    return Split(images, labels.astype(np.int64))
