"""Prepared data as tensors, and shuffled labels."""

import numpy as np
import pytest
import torch

from netclaims.data.examples import Examples, first_examples, function_values, held_out, images, parts, shuffled
from netclaims.data.functions import FUNCTIONS, evaluate, formula, grid
from netclaims.training.random_streams import stream

# ---------------------------------------------------------------------------------------------------------- images


@pytest.mark.parametrize(("name", "channels", "side"), [("mnist", 1, 28), ("cifar10", 3, 32)])
def test_images_are_standardised_by_the_training_set(name, channels, side, prepared):
    raw = {part: np.load(prepared / "data" / name / f"{part}_images.npy") for part in ("train", "test")}
    for part, found in zip(("train", "test"), images(name), strict=True):
        assert found.x.shape == raw[part].shape == (len(raw[part]), channels, side, side)
        assert found.x.dtype == torch.float32
        for channel in range(channels):
            known = raw["train"][:, channel].astype(float)
            expected = (raw[part][:, channel] - known.mean()) / known.std()
            np.testing.assert_allclose(found.x[:, channel], expected, rtol=1e-5, atol=1e-5)
    train, test = images(name)
    torch.testing.assert_close(train.x.mean((0, 2, 3)), torch.zeros(channels), rtol=0, atol=1e-5)
    torch.testing.assert_close(train.x.std((0, 2, 3), correction=0), torch.ones(channels))
    assert test.x.mean().abs() > 1e-4  # not by its own mean


def test_labels_are_those_of_all_members(prepared):
    for part, found in zip(("train", "test"), images("mnist"), strict=True):
        labels = np.load(prepared / "data" / "mnist" / f"{part}_labels.npy")
        assert found.y.shape == (1, len(labels))
        assert found.y.dtype == torch.int64
        np.testing.assert_array_equal(found.y[0], labels)


@pytest.mark.usefixtures("prepared")
def test_images_are_read_once():
    assert images("mnist") is images("mnist")


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize(("wanted", "found"), [(1, 1), (7, 7), (60, 60), (61, 60), (10**6, 60)])
def test_an_experiment_on_the_first_examples(wanted, found, experiment):
    train, test = parts(experiment(examples=wanted), [None])
    whole, whole_test = images("mnist")
    assert (len(train.x), train.y.shape) == (found, (1, found))
    assert torch.equal(train.x, whole.x[:found])  # standardised by the whole set
    assert torch.equal(train.y, whole.y[:, :found])
    assert test is whole_test


@pytest.mark.parametrize(("count", "expected"), [(2, 2), (5, 5), (9, 5)])
def test_the_first_examples_keep_the_targets_of_every_member(count, expected):
    part = Examples(torch.arange(10.0).view(5, 2), torch.arange(15).view(3, 5))
    found = first_examples(part, count)
    assert found.x.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]][:expected]
    assert found.y.tolist() == [row[:expected] for row in ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14])]


# ------------------------------------------------------------------------------------------------------- functions


@pytest.mark.parametrize("x", [-0.97, -0.3, 1e-9, 0.15, 0.5, 0.7, 0.99])
def test_the_functions_are_those_that_they_are_called(x):
    values = {
        "sinc5": np.sin(5 * np.pi * x) / (5 * np.pi * x),
        "sign_sin5": 1 if (5 * x) % 2 < 1 else -1,
        "swish": x * (1 + np.tanh(x / 2)) / 2,
        "sign_cos10": (-1) ** int(10 * abs(x) / np.pi + 0.5) * (1 if x > 0 else -1),
        "sin_affine": np.sin(x / 5 + 1),
        "quadratic": 5 * x * x - x / 2 + 1 / 5,
        "log_abs": np.log(abs(2 * x + 1 / 2)),
    }
    assert set(values) == set(FUNCTIONS)
    for name, value in values.items():
        assert evaluate(name, np.array([x])) == pytest.approx([value], abs=1e-12)
    assert formula("sin_affine") == "sin(0.2x + 1)"


def test_the_functions_at_their_special_points():
    assert evaluate("sinc5", np.array([0.0])) == 1
    assert evaluate("sinc5", np.array([-1.0, 0.2, 1.0])) == pytest.approx([0, 0, 0], abs=1e-15)
    assert evaluate("sign_sin5", np.array([0.0])) == 0
    assert evaluate("swish", np.array([0.0])) == 0
    jumps = {"sign_sin5": np.array([0.2, 0.4, 0.6, 0.8]), "sign_cos10": np.pi / 20 * np.array([1, 3, 5])}
    for name, places in jumps.items():
        for side, start in ((-1e-3, 1), (1e-3, -1)):
            expected = [start, -start, start, -start][: len(places)]
            np.testing.assert_array_equal(evaluate(name, places + side), expected)
            np.testing.assert_array_equal(evaluate(name, -places - side), np.negative(expected))
    assert evaluate("log_abs", np.array([0.25])) == 0


def test_grid():
    np.testing.assert_allclose(grid(5), [-1, -0.5, 0, 0.5, 1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_function_values(dtype):
    x = np.array([-1.0, 0.0, 0.25])
    part = function_values(["quadratic", "sinc5", "quadratic"], x, dtype)
    assert part.x.dtype == part.y.dtype == dtype
    assert part.x.tolist() == [[-1.0], [0.0], [0.25]]
    assert part.y.shape == (3, 3, 1)
    assert torch.equal(part.y[0], part.y[2])
    np.testing.assert_allclose(part.y[0, :, 0], [5.7, 0.2, 0.3875], rtol=1e-6)
    np.testing.assert_allclose(part.y[1, :, 0], np.sinc(5 * x), rtol=1e-6, atol=1e-7)


def test_held_out_points_are_those_that_were_prepared(prepared):
    np.save(prepared / "data" / "functions" / "sinc5.npy", values := np.linspace(3, 4, 18))
    part = held_out(["quadratic", "sinc5"])
    assert part.x.dtype == part.y.dtype == torch.float32
    np.testing.assert_allclose(part.x[:, 0], np.linspace(-1, 1, 18), rtol=1e-6)
    np.testing.assert_allclose(part.y[1, :, 0], values, rtol=1e-6)
    np.testing.assert_allclose(part.y[0, :, 0], evaluate("quadratic", np.linspace(-1, 1, 18)), rtol=1e-6)


@pytest.mark.usefixtures("prepared")
def test_parts_of_an_experiment(experiment):
    train, test = parts(experiment("functions", points=11), ["sinc5", "sinc5", "quadratic"])
    assert (train.x.shape, train.y.shape, test.x.shape, test.y.shape) == ((11, 1), (3, 11, 1), (18, 1), (3, 18, 1))
    np.testing.assert_allclose(train.x[:, 0], np.linspace(-1, 1, 11), rtol=1e-6, atol=1e-7)
    train, test = parts(experiment("mnist"), [None])
    whole, whole_test = images("mnist")
    assert torch.equal(train.x, whole.x)
    assert torch.equal(train.y, whole.y)
    assert test is whole_test


# --------------------------------------------------------------------------------------------------- shuffled labels

LABELS = torch.arange(10).repeat(100)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.25, 0.5, 1.0])
def test_shuffling_keeps_the_classes_and_moves_the_share(share):
    before = LABELS.clone()
    found = shuffled(LABELS, share, stream("s"))
    assert torch.equal(LABELS, before)
    assert torch.equal(found.bincount(), LABELS.bincount())
    changed = (found != LABELS).sum().item()
    assert changed <= share * 1000
    assert changed == pytest.approx(0.9 * share * 1000, abs=40)  # a tenth meets its own class again
    if share in (0.0, 0.001):
        assert torch.equal(found, LABELS)


def test_which_examples_are_shuffled_is_random():
    found = torch.stack([shuffled(LABELS, 0.5, stream("s", i)) != LABELS for i in range(40)]).float().mean(0)
    assert found.max() < 0.9
    assert found.min() > 0.05
    assert found[:500].mean() == pytest.approx(found[500:].mean().item(), abs=0.03)


@pytest.mark.parametrize(("smaller", "larger"), [(0.1, 0.2), (0.25, 0.5), (0.5, 0.75), (0.9, 1.0)])
def test_the_examples_of_a_smaller_share_are_among_those_of_a_larger_one(smaller, larger):
    names = torch.arange(2000)  # a label of its own for every example: none meets its own again but by staying
    some, more = (shuffled(names, share, stream("s")) != names for share in (smaller, larger))
    assert some.sum() == pytest.approx(2000 * smaller, abs=8)
    assert more.sum() == pytest.approx(2000 * larger, abs=8)
    assert (some & ~more).sum() < 8  # a permutation leaves one where it is, on average


def test_shuffling_depends_on_the_stream_alone():
    one, again, other = (shuffled(LABELS, 1.0, stream(name)) for name in ("a", "a", "b"))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_shuffled_labels_say_nothing_of_the_true_ones():
    found = shuffled(LABELS, 1.0, stream("s"))
    table = torch.zeros(10, 10).index_put_((LABELS, found), torch.ones(1000), accumulate=True)
    assert ((table - 10) ** 2 / 10).sum() < 150  # χ² of 81 degrees of freedom: 81 ± 13


def test_a_channel_of_one_colour_is_not_divided_by_zero(prepared):
    for part in ("train", "test"):
        path = prepared / "data" / "cifar10" / f"{part}_images.npy"
        pixels = np.load(path)
        pixels[:, 1] = 7
        np.save(path, pixels)
    for part in images("cifar10"):
        assert part.x.isfinite().all()
        assert (part.x[:, 1].abs() < 1e-5).all()
