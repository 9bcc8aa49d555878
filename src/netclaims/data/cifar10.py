"""CIFAR-10 from its published binary archive, where torchvision would unpickle another."""

from __future__ import annotations

import io
import tarfile
from math import prod
from pathlib import Path

import numpy as np

from netclaims.data.image_set import Split
from netclaims.data.published import Choices, PublishedFile, labelled, read_published
from netclaims.errors import DataError

# The address and the layout are those of https://www.cs.toronto.edu/~kriz/cifar.html ("binary version"), the size and
# the digest those of TensorFlow Datasets.
ARCHIVE = PublishedFile(
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)
TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
TEST = "cifar-10-batches-bin/test_batch.bin"
RECORDS = 10_000  # each of the six files has so many
SHAPE = (3, 32, 32)
CLASSES = (
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


def cifar10_files(root: Path) -> list[Choices]:
    """Return the one file of CIFAR-10."""
    return [{root / "cifar-10-binary.tar.gz": ARCHIVE}]


def read_cifar10(root: Path, download: bool) -> tuple[Split, Split]:
    """Read CIFAR-10, 50,000 + 10,000 images of shape (3, 32, 32), from `root/cifar-10-binary.tar.gz`.

    Raises:
        DataError: the archive is missing and not to be fetched, or cannot be; or it is not the published one.
    """
    (choices,) = cifar10_files(root)
    path, content = read_published(choices, download)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        # It is read once, in the archive's order: going back in it would unpack it again from the start.
        batches = {
            member.name: parse_cifar10(archive.extractfile(member).read(), path / member.name)
            for member in archive
            if member.name in (*TRAIN, TEST)
        }
    images, labels = zip(*(batches[name] for name in TRAIN), strict=True)
    return Split(np.concatenate(images), np.concatenate(labels)), batches[TEST]


def parse_cifar10(content: bytes, where: Path) -> Split:
    """Return the images of one file of the archive: 10,000 records of a label and the pixels, one byte each.

    Raises:
        DataError: the content has another length, or a label above 9.
    """
    length = 1 + prod(SHAPE)
    if len(content) != RECORDS * length:
        expected = f"{RECORDS:,} records of {length:,}"
        raise DataError(f"{where}: {len(content):,} bytes, expected {expected}")
    records = np.frombuffer(content, np.uint8).reshape(RECORDS, length)
    return labelled(records[:, 1:].reshape(RECORDS, *SHAPE), records[:, 0], len(CLASSES), where)
