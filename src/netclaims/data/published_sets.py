"""Data sets that are known before their files are there: what they are, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from netclaims.data.cifar10 import CLASSES as CIFAR10_CLASSES
from netclaims.data.cifar10 import cifar10_files, read_cifar10
from netclaims.data.image_set import ImageSet, Split
from netclaims.data.mnist_family import DIGITS, EMNIST_SPLITS, emnist_files, idx_files, read_emnist, read_idx
from netclaims.data.mnist_m import MNIST_CITATION, MNIST_LICENCE
from netclaims.data.published import Choices


@dataclass(frozen=True)
class PublishedSet:
    """A data set whose files have known digests.

    Attributes:
        title: what it is called.
        classes: the name of each label.
        train_size: training images.
        licence: as far as its publishers state one.
        citation: of the work that describes it.
        files: what is read of a root folder.
        splits: reads that, or fetches it: the training and the test images.
    """

    title: str
    classes: tuple[str, ...]
    train_size: int
    licence: str
    citation: str
    files: Callable[[Path], list[Choices]]
    splits: Callable[[Path, bool], tuple[Split, Split]]

    def read(self, root: Path, download: bool) -> ImageSet:
        """Read it.

        Raises:
            DataError: a file is missing and not to be fetched, or cannot be; or it is not the published one.
        """
        return ImageSet(self.title, self.classes, *self.splits(root, download), self.licence, self.citation)


def _idx(name: str, title: str, classes: tuple[str, ...], licence: str, citation: str) -> PublishedSet:
    return PublishedSet(
        title, classes, 60_000, licence, citation, partial(idx_files, name), partial(read_idx, name)
    )  # fmt: skip


SETS = {
    ("MNIST", None): _idx("MNIST", "MNIST", DIGITS, MNIST_LICENCE, MNIST_CITATION),
    ("FashionMNIST", None): _idx(
        "FashionMNIST",
        "Fashion-MNIST",
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "MIT; copyright Zalando SE",
        "H. Xiao, K. Rasul and R. Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking machine learning "
        "algorithms. arXiv:1708.07747, 2017.",
    ),
    ("KMNIST", None): _idx(
        "KMNIST",
        "Kuzushiji-MNIST",
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        "CC BY-SA 4.0; made by ROIS-DS Center for Open Data in the Humanities from the Kuzushiji data set of NIJL and "
        "others",
        "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto and D. Ha. Deep learning for classical "
        "Japanese literature. arXiv:1812.01718, 2018.",
    ),
    ("CIFAR10", None): PublishedSet(
        "CIFAR-10",
        CIFAR10_CLASSES,
        50_000,
        "none stated by its authors, who ask to cite their technical report",
        "A. Krizhevsky. Learning multiple layers of features from tiny images. "
        "Technical report, University of Toronto, 2009.",
        cifar10_files,
        read_cifar10,
    ),
} | {
    ("EMNIST", split): PublishedSet(
        f"EMNIST {split}",
        classes,
        train_size,
        "none stated by its authors, who ask to cite their paper",
        "G. Cohen, S. Afshar, J. Tapson and A. van Schaik. EMNIST: extending MNIST to handwritten letters. "
        "International Joint Conference on Neural Networks, 2017.",
        emnist_files,
        partial(read_emnist, split),
    )
    for split, (classes, train_size, _) in EMNIST_SPLITS.items()
}
