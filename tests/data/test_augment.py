"""Random crops and mirror images, against every crop that torchvision's padding and cropping can give."""

from itertools import product

import pytest
import torch
from torchvision.transforms.functional import crop, hflip, pad

from netclaims.data.augment import augmented
from netclaims.training.random_streams import stream
from netclaims.training.settings import Augment

BLACK = torch.tensor([-1.0, -2.0])
SHAPE = (2, 5, 4)


def images(count: int, members: int = 1) -> torch.Tensor:
    """Images of which no two pixels are equal, and none is black."""
    size = members * count * torch.Size(SHAPE).numel()
    return torch.arange(size, dtype=torch.float32).view(members, count, *SHAPE)


def possible(x: torch.Tensor, n: int, flip: bool) -> torch.Tensor:
    """Everything that can become of each image: (changes, batch, channels, height, width)."""
    padded = torch.stack([pad(x[:, i], [n], fill=black.item()) for i, black in enumerate(BLACK)], 1)
    cut = [crop(padded, top, left, *SHAPE[1:]) for top, left in product(range(2 * n + 1), repeat=2)]
    return torch.stack([*cut, *(map(hflip, cut) if flip else [])])


def changes(found: torch.Tensor, x: torch.Tensor, n: int, flip: bool) -> torch.Tensor:
    """Which of all possible changes each image of one member underwent."""
    matches = (possible(x, n, flip) == found).flatten(2).all(2)
    assert (matches.sum(0) == 1).all()
    return matches.int().argmax(0)


@pytest.mark.parametrize(("n", "flip"), [(0, True), (1, True), (1, False), (2, True), (2, False)])
def test_every_shift_and_mirror_image_occurs_as_often_as_any_other(n, flip):
    x = images(3000)
    found = augmented(x, Augment(crop=n or None, flip=flip), BLACK, [stream("a", n)])
    assert found.shape == x.shape
    counts = changes(found[0], x[0], n, flip).bincount(minlength=(2 * n + 1) ** 2 * (1 + flip))
    assert len(counts) == (2 * n + 1) ** 2 * (1 + flip)
    expected = 3000 / len(counts)
    degrees = len(counts) - 1
    assert ((counts - expected) ** 2 / expected).sum() <= degrees + 4 * (2 * degrees) ** 0.5  # χ²
    assert counts.min() > 0


def test_a_crop_larger_than_the_image_can_leave_it_black():
    x = images(300)
    found = augmented(x, Augment(crop=6, flip=False), BLACK, [stream("a")])[0]
    assert (possible(x[0], 6, False) == found).flatten(2).all(2).any(0).all()  # several changes make it black
    nothing = (found == BLACK.view(1, 2, 1, 1)).flatten(1).all(1)
    assert 0 < nothing.sum() < 300


@pytest.mark.parametrize("shared", [True, False])
def test_members_are_changed_by_streams_of_their_own(shared):
    x = images(200, 1 if shared else 3)
    settings = Augment(crop=2, flip=True)
    found = augmented(x, settings, BLACK, [stream("a", i) for i in range(3)])
    assert found.shape == (3, 200, *SHAPE)
    done = []
    for i in range(3):
        own = x[0 if shared else i]
        assert torch.equal(found[i], augmented(own.unsqueeze(0), settings, BLACK, [stream("a", i)])[0])
        done.append(changes(found[i], own, 2, True))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (done[one] == done[other]).float().mean() < 0.1  # by chance 1 in 50


def test_a_stream_changes_images_otherwise_each_time_and_again_the_same_from_its_start():
    x, settings = images(200), Augment(crop=2, flip=True)
    runs = []
    for _ in range(2):
        streams = [stream("a")]
        runs.append([augmented(x, settings, BLACK, streams) for _ in range(2)])
        torch.manual_seed(len(runs))  # of no consequence
    assert torch.equal(runs[0][0], runs[1][0])
    assert torch.equal(runs[0][1], runs[1][1])
    one, other = (changes(found[0], x[0], 2, True) for found in runs[0])
    assert (one == other).float().mean() < 0.1


def test_the_originals_and_how_they_lie_in_memory_do_not_matter():
    x = images(50)
    last = x[0].contiguous(memory_format=torch.channels_last).unsqueeze(0)
    settings = Augment(crop=1, flip=True)
    expected = augmented(x, settings, BLACK, [stream("a")])
    assert torch.equal(augmented(last, settings, BLACK, [stream("a")]), expected)
    assert torch.equal(x, images(50))
    assert not torch.equal(x, expected)
