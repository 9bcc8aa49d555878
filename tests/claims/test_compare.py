"""Comparisons put to tables as the pipeline leaves them, for effects that are known."""

from dataclasses import replace
from math import inf, isfinite, isnan, log, nan

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, ttest_1samp

from netclaims.claims import mean_tests as means
from netclaims.claims import place_tests as places
from netclaims.claims import trend_tests as trends
from netclaims.claims.compare import compare
from netclaims.claims.entries import Equivalence, Extreme, Ordering, Shape, Trend
from netclaims.claims.evidence import Evidence, weakest
from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.operands import EntryError
from netclaims.files import write_table

A, B, C = (np.array(values) for values in ([0.5, 0.4, 0.7, 0.6], [0.9, 1.1, 1.0, 1.2], [2.0, 1.0, 3.0, 1.5]))
THREE = {"models": {"A": {"layers": [10]}, "B": {"layers": [4, 10]}, "C": {"layers": [12, 10]}}}
PARAMETERS = {"A": 7850, "B": 3190, "C": 9550}
LOSS = {"of": "nets.test_loss"}
LEFT_OUT = "1 of 4 replicas left out: a value is undefined"


@pytest.fixture
def leave(leave):
    """Of four replicas, unless a test says how many."""
    return lambda entry, nets=lambda net: {}, replicas=4, **series: leave(entry, nets, replicas, **series)


@pytest.fixture
def models(leave, experiment):
    """Three models with given test losses, one for each replica, infinite or undefined where a net diverged.

    None where a replica was not trained.
    """

    def make(**losses) -> Tables:
        def loss(net):
            values = losses.get(net["model"], [])
            value = values[net["replica"]] if net["replica"] < len(values) else None
            return None if value is None else {"test_loss": value, "diverged": not isfinite(value)}

        return leave(experiment(**THREE), loss, replicas=max(map(len, losses.values())))

    return make


@pytest.fixture
def sizes(leave, experiment):
    """Nets of several batch sizes with test losses (replicas, sizes); undefined ones diverged, if they may."""

    def make(losses, values=(4, 8, 16, 32), diverged=False) -> Tables:
        sweep = {"sweep": {"batch_size": list(values)}, "against": "batch_size"}
        found = dict(zip(values, np.array(losses, float).T, strict=True))

        def net_of(net):
            loss = found[net["batch_size"]][net["replica"]]
            return {"test_loss": loss, "diverged": diverged and isnan(loss)}

        return leave(experiment(images=1000, **sweep), net_of, len(losses))

    return make


@pytest.fixture
def courses(leave, experiment):
    """Training losses of replicas at epochs 0, 1, ..., with an accuracy that goes the other way."""

    def make(*losses) -> Tables:
        def course(net):
            values = np.array(losses[net["replica"]], float)
            return {"epoch": range(len(values)), "train_loss": values, "train_accuracy": 1 - values / 10}

        return leave(experiment(), replicas=len(losses), history=course)

    return make


def loss_of(model: str) -> dict:
    return {"of": "nets.test_loss", "where": {"model": model}}


def ordering(**keys) -> Ordering:
    return Ordering.model_validate(keys)


def no_test(found: Evidence) -> bool:
    return isnan(found.p) and isnan(found.p_for) and isnan(found.p_against)


# ---------------------------------------------------------------------------------------------------------- orderings


@pytest.mark.parametrize(("way", "sign"), [("lower", -1), ("higher", 1)])
def test_an_ordering_of_two_models(way, sign, models):
    found = compare(ordering(**{way: loss_of("A")}, than=loss_of("B")), models(A=A, B=B), seed=0)
    assert found == means.ordering(sign * (A - B), ratio=False)
    assert found.effect == pytest.approx(-sign * 0.5)
    assert (found.p < 0.05, found.p_for < found.p_against) == (True, sign < 0)


@pytest.mark.parametrize(
    ("keys", "than", "test"),
    [
        ({}, "B", "t-test"),  # what is left open: the mean of differences between nets
        ({"about": "mean"}, "B", "t-test"),
        ({"about": "typical"}, "B", "sign test"),
        ({}, 2.0, "sign test"),  # and the typical net beside a number
        ({"about": "mean"}, 2.0, "t-test"),
        ({"about": "typical"}, 2.0, "sign test"),
    ],
)
def test_what_a_comparison_is_about(keys, than, test, models):
    """One of five nets is far off: the median difference is 0.4, and four of five signs are for it."""
    a, b = np.array([1.0, 1.1, 1.2, 1.3, 9.0]), np.array([1.4, 1.4, 1.7, 1.7, 1.0])
    other = {"B": (b - a, 0.4), 2.0: (2.0 - a, 0.8)}[than]
    than = loss_of("B") if than == "B" else than
    found = compare(ordering(lower=loss_of("A"), than=than, **keys), models(A=a, B=b), seed=0)
    assert found.test == test
    if test == "sign test":
        assert (found.effect, found.p_for, found.p_against) == (pytest.approx(other[1]), 6 / 32, 31 / 32)
    else:
        assert found.effect == pytest.approx(other[0].mean())
        assert found.p_for == pytest.approx(ttest_1samp(other[0], 0, alternative="greater").pvalue)


def test_of_ratios_the_typical_net_has_the_median_of_their_logarithms(models):
    a, b = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 8.0, 1.0, 0.5])
    found = compare(ordering(higher=loss_of("B"), than=1.0, ratio=True), models(A=a, B=b), seed=0)
    assert found.effect == pytest.approx(2**0.5)  # halfway between 1 and 2 on their logarithms
    assert (found.p_for, found.p_against) == (4 / 8, 7 / 8)  # two of three signs: 1 has none


@pytest.mark.parametrize("about", ["mean", "typical", None])
@pytest.mark.parametrize("kind", ["within", "beyond"])
def test_what_an_equivalence_is_about(kind, about, models):
    """Four of five differences are within 0.3, and the fifth is far off."""
    a, b = np.array([1.0, 1.1, 1.2, 1.3, 9.0]), np.array([1.1, 1.2, 1.3, 1.4, 1.0])
    keys = {"of": loss_of("B"), "to": loss_of("A"), kind: 0.3} | ({"about": about} if about else {})
    found = compare(Equivalence.model_validate(keys), models(A=a, B=b), seed=0)
    alike, unlike = (found.p_for, found.p_against)[:: 1 if kind == "within" else -1]
    if about == "typical":
        assert (alike, unlike) == (6 / 32, 1)  # four signs of five above -0.3; and 2 x 31/32 is no more than 1
        assert abs(found.effect) == pytest.approx(0.1)
    else:
        low = ttest_1samp(b - a, -0.3, alternative="greater").pvalue
        assert alike == pytest.approx(max(low, ttest_1samp(b - a, 0.3, alternative="less").pvalue))
        assert abs(found.effect) == pytest.approx(1.52)


def test_the_difference_that_a_claim_says_may_be_the_larger_part_of_the_effect(models):
    tables = models(A=A, B=B)
    found = compare(ordering(higher=loss_of("B"), than=1.0), tables, seed=0)
    assert str(found) == str(means.ordering(B - 1.0, ratio=False, typical=True))  # without an interval
    assert found.p > 0.05
    mean = compare(ordering(higher=loss_of("B"), than=1.0, about="mean"), tables, seed=0)
    assert mean == means.ordering(B - 1.0, ratio=False)
    typical = compare(ordering(higher=loss_of("B"), than=loss_of("A"), about="typical"), tables, seed=0)
    assert str(typical) == str(means.ordering(B - A, ratio=False, typical=True))
    found = compare(ordering(lower=loss_of("B"), than=2.0, ratio=True), tables, seed=0)
    assert str(found) == str(means.ordering(np.log(2.0) - np.log(B), ratio=True, typical=True))
    assert found.effect == pytest.approx(np.exp(np.median(np.log(2 / B))))


def test_evidence_says_what_was_measured_and_compared(models, sizes):
    found = compare(ordering(higher=loss_of("B"), than=loss_of("A")), models(A=A, B=B), seed=0)
    assert (found.measured, found.compared) == ("test loss", "means 1.05 (B) and 0.55 (A)")
    falls = Trend.model_validate({"falls": LOSS, "along": "batch_size"})
    found = compare(falls, sizes([[1, 2, 3, 4], [1, 2, 4, 3]]), seed=0)
    assert (found.measured, found.compared) == ("fall of the test loss with the batch size", "")


def test_an_ordering_of_ratios(models):
    found = compare(ordering(higher=loss_of("B"), than=loss_of("A"), ratio=True), models(A=A, B=B), seed=0)
    assert found.effect == pytest.approx((B / A).prod() ** 0.25)
    assert found.p_for == pytest.approx(means.ordering(np.log(B / A), ratio=True).p_for)
    assert (found.unit, found.claimed) == ("ratio", (1, inf))


def test_replicas_are_paired_by_number_in_whatever_order_they_lie(models, tmp_path):
    tables = models(A=A, B=B)
    expected = compare(ordering(lower=loss_of("A"), than=loss_of("B")), tables, seed=0)
    path = tmp_path / "runs" / "d-a" / "nets.csv"
    nets = pd.read_csv(path)
    for seed in range(3):
        write_table(path, nets.sample(frac=1, random_state=seed))
        found = compare(ordering(lower=loss_of("A"), than=loss_of("B")), Tables("d-a", tables.experiment), 0)
        assert (found.p_for, found.effect) == pytest.approx((expected.p_for, expected.effect))


@pytest.mark.parametrize("sign", [1, -1])
def test_several_to_be_beaten_are_all_to_be_beaten(sign, models):
    number = 0.8
    than = [loss_of("B"), loss_of("C"), number]
    found = compare(ordering(**{"lower" if sign > 0 else "higher": loss_of("A")}, than=than), models(A=A, B=B, C=C), 0)
    each = [means.ordering(sign * (other - A), ratio=False, typical=other is number) for other in (B, C, number)]
    assert found == weakest(each)
    assert found.p_for == pytest.approx(max(one.p_for for one in each))
    assert found.p_against == pytest.approx(min(1, 3 * min(one.p_against for one in each)))
    assert (found.comparisons, found.remark) == (3, "")


def test_a_tie(models):
    found = compare(ordering(higher=loss_of("A"), than=loss_of("B")), models(A=A, B=A), seed=0)
    assert (found.effect, found.low, found.high, found.p) == (0, 0, 0, 1)


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_few_replicas(replicas, models):
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B")), models(A=A[:replicas], B=B[:replicas]), seed=0)
    assert found.replicas == replicas
    assert found.effect == pytest.approx((B - A)[:replicas].mean())
    assert no_test(found) == (replicas == 1)
    if replicas > 1:
        assert found.p_for == means.one_sided((B - A)[:replicas], 0.0)[0]


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("side", ["A", "B"])
@pytest.mark.parametrize("ratio", [False, True])
def test_a_net_that_diverged_is_worse_than_the_one_beside_it(ratio, side, bad, models):
    """It is not left out, which would be in favour of nets that diverge; and as there is no mean, signs are counted."""
    losses = {"A": A.tolist(), "B": B.tolist()}
    losses[side][2] = bad
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B"), ratio=ratio), models(**losses), seed=0)
    assert (found.replicas, found.remark) == (4, f"1 of 4 nets diverged ({side})")
    signs = {"B": (1 / 16, 1), "A": (5 / 16, 15 / 16)}[side]  # all for the claim, or three of four
    assert (found.p_for, found.p_against) == pytest.approx(signs)
    effects = np.append(np.delete(np.log(B / A) if ratio else B - A, 2), inf if side == "B" else -inf)
    assert found.effect == pytest.approx(np.exp(np.median(effects)) if ratio else np.median(effects))
    assert isnan(found.low)


def test_nets_that_diverged_on_both_sides_tell_nothing(models):
    losses = {"A": [*A[:3], nan], "B": [*B[:3], inf]}
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B")), models(**losses), seed=0)
    expected = means.ordering((B - A)[:3], ratio=False)
    remark = f"1 of 4 nets diverged (A); 1 of 4 nets diverged (B); {LEFT_OUT}"
    assert found == replace(expected, remark=remark)


def test_what_several_comparisons_say_is_said_once(models):
    found = compare(
        ordering(lower=loss_of("A"), than=[loss_of("B"), loss_of("C")]),
        models(A=[*A[:3], inf], B=[*B[:3], nan], C=C),
        0,
    )
    said = ["1 of 4 nets diverged (A)", "1 of 4 nets diverged (B)", LEFT_OUT]
    assert (found.comparisons, found.remark.split("; ")) == (2, said)


def test_if_all_diverged_it_is_known_and_not_by_how_much(models):
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B")), models(A=A, B=[nan] * 4), seed=0)
    assert (found.effect, found.p_for, found.p_against) == (inf, 1 / 16, 1)
    assert (found.replicas, found.remark) == (4, "4 of 4 nets diverged (B)")


@pytest.mark.parametrize(("way", "p"), [("higher", 1 / 16), ("lower", 1)])
def test_the_accuracy_of_nets_that_diverged_is_below_all_others(way, p, leave, experiment):
    tables = leave(
        experiment(**THREE),
        lambda net: {"diverged": True, "test_accuracy": nan} if net["model"] == "B" else {"test_accuracy": 0.01},
    )
    sides = ({"of": "nets.test_accuracy", "where": {"model": model}} for model in "AB")
    found = compare(ordering(**{way: next(sides)}, than=next(sides)), tables, seed=0)
    assert (found.p_for, found.replicas) == (p, 4)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_what_has_no_ratio_is_left_out_of_ratios_only(bad, models):
    tables = models(A=[A[0], bad, *A[2:]], B=B)
    comparison = {"lower": loss_of("A"), "than": loss_of("B")}
    found = compare(ordering(**comparison, ratio=True), tables, seed=0)
    assert (found.replicas, found.remark) == (3, LEFT_OUT)
    assert found.effect == pytest.approx(np.delete(B / A, 1).prod() ** (1 / 3))
    assert compare(ordering(**comparison), tables, seed=0).replicas == 4
    assert compare(ordering(lower=loss_of("B"), than=bad, ratio=True), tables, seed=0).replicas == 0


def test_replicas_that_one_side_lacks_are_left_out(models):
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B")), models(A=A, B=[0.9, None, 1.0]), seed=0)
    assert (found.replicas, found.effect) == (2, pytest.approx((0.4 + 0.3) / 2))


def test_without_a_replica_in_common_there_is_nothing_to_compare(models):
    tables = models(A=[0.5, 0.4, None, None], B=[None, None, 1.0, 1.2])
    with pytest.raises(UntestableError, match=r"^no replica has both sides of the comparison$"):
        compare(ordering(lower=loss_of("A"), than=loss_of("B")), tables, seed=0)


@pytest.mark.parametrize("keys", [{"lower": loss_of("A"), "than": loss_of("B")}, {"higher": loss_of("B"), "than": 0.1}])
def test_a_model_that_was_not_trained(keys, models):
    with pytest.raises(UntestableError, match=r"^no run has what it needs: model B$"):
        compare(ordering(**keys), models(A=A, C=C), seed=0)


def test_each_function_has_to_agree(leave, experiment):
    losses = {
        ("sinc5", "A"): A,
        ("sinc5", "B"): B,
        ("quadratic", "A"): A,
        ("quadratic", "B"): A + np.array([0.2, -0.1, 0.1, 0.3]),
    }
    two = {"A": {"layers": [6, 1]}, "B": {"layers": [4, 1]}}
    entry = experiment("functions", models=two, functions=["sinc5", "quadratic"])
    tables = leave(entry, lambda net: {"test_loss": losses[net["function"], net["model"]][net["replica"]]})
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B"), each=["function"]), tables, seed=0)
    each = [means.ordering(np.round(difference, 12), ratio=False) for difference in (B - A, [0.2, -0.1, 0.1, 0.3])]
    assert (found.p_for, found.p_against) == pytest.approx((each[1].p_for, min(1, 2 * each[1].p_against)))
    assert found.effect == pytest.approx(0.125)
    with pytest.raises(EntryError, match="several rows a replica: say which by function"):
        compare(ordering(lower=loss_of("A"), than=loss_of("B")), tables, seed=0)
    found = compare(ordering(lower=loss_of("A"), than=[loss_of("B"), 0.9], each=["function"]), tables, seed=0)
    assert found.comparisons == 4


def test_epoch_by_epoch(courses):
    tables = courses([5, 3, 1, 1], [6, 2, 2, 1.5], [4, 3, 1.5, 2])
    operand = {"of": "history.train_loss"}
    found = compare(ordering(lower=operand, than=3.5, each=["epoch"]), tables, seed=0)
    assert found.effect == pytest.approx(-1.5)  # in epoch 0
    assert found.comparisons == 4
    later = operand | {"where": {"epoch": {"from": 2}}}
    found = compare(ordering(lower=later, than=3.5, each=["epoch"]), tables, seed=0)
    assert found == weakest(
        [means.ordering(3.5 - np.array(values), ratio=False, typical=True) for values in ([1, 2, 1.5], [1, 1.5, 2])]
    )


def test_series_that_never_get_there_are_remarked_on(courses):
    tables = courses([5, 3, 1, 1], [6, 2, 2, 1.5], [4, 3, 3, 2])
    until = {"of": "history.train_loss", "until": {"below": 1.5}}
    found = compare(ordering(lower=until, than=3.5), tables, seed=0)
    assert found.effect == pytest.approx(3.5 - 3)
    assert found.remark == "1 of 3 never get there, and count with their full length"
    other = until | {"until": {"above": 6.0}}
    found = compare(ordering(higher=until, than=other), tables, seed=0)
    remarks = [f"{n} of 3 never get there, and count with their full length" for n in (1, 2)]
    assert found.remark == "; ".join(remarks)
    with pytest.raises(UntestableError, match=r"no run gets train_loss below 0\.5"):
        compare(ordering(lower=until | {"until": {"below": 0.5}}, than=3.5), tables, seed=0)


def test_one_remark_for_both_sides(courses):
    until = {"of": "history.train_loss", "until": {"below": 1.5}}
    found = compare(ordering(lower=until, than=until), courses([5, 3, 1], [6, 2, 2]), seed=0)
    assert found.remark == "1 of 2 never get there, and count with their full length"


# ------------------------------------------------------------------------------------------------------- equivalences


@pytest.mark.parametrize(
    ("margin", "ratio", "differences", "used"),
    [
        ({"within": 0.4}, False, C - B, 0.4),
        ({"within": 0.4}, True, np.log(C) - np.log(B), log(1.4)),
        ({"beyond": 0.1}, False, C - B, 0.1),
        ({"beyond": 0.1}, True, np.log(C) - np.log(B), log(1.1)),
    ],
)
def test_equivalence_and_its_opposite(margin, ratio, differences, used, models):
    comparison = Equivalence.model_validate({"of": loss_of("C"), "to": loss_of("B"), "ratio": ratio} | margin)
    found = compare(comparison, models(B=B, C=C), seed=0)
    test = means.equivalence if "within" in margin else means.unlike
    expected = test(differences, used, ratio)
    assert (found.p_for, found.p_against) == pytest.approx((expected.p_for, expected.p_against))
    assert (found.effect, *found.claimed) == pytest.approx((expected.effect, *expected.claimed))


def test_equivalence_to_a_number(models):
    losses = [0.52, 0.49, 0.5, 0.51, 0.5]
    for margin, side in ((0.1, "p_for"), (0.001, "p_against")):
        comparison = Equivalence.model_validate(
            {"of": loss_of("A"), "to": 0.5 if margin == 0.1 else 0.9, "within": margin}
        )
        found = compare(comparison, models(A=losses), seed=0)
        assert getattr(found, side) == (1 / 32 if side == "p_for" else 2 / 32)  # five signs
        found = compare(comparison.model_copy(update={"about": "mean"}), models(A=losses), seed=0)
        assert getattr(found, side) < 0.001
    found = compare(Equivalence.model_validate({"of": loss_of("A"), "to": 0.9, "beyond": 0.1}), models(A=losses), 0)
    assert found.p_for == 2 / 32
    assert found.effect == pytest.approx(0.9 - 0.5)


def test_equivalence_leaves_out_what_is_undefined(models):
    comparison = Equivalence.model_validate({"of": loss_of("A"), "to": loss_of("B"), "within": 0.1})
    found = compare(comparison, models(A=[*A[:3], inf], B=[*B[:3], nan]), seed=0)
    assert (found.replicas, found.remark.endswith(LEFT_OUT)) == (3, True)


@pytest.mark.parametrize(("keys", "p_for"), [({"within": 0.6}, 1), ({"beyond": 0.6}, 1 / 8)])
def test_a_net_that_diverged_is_unlike_one_that_did_not(keys, p_for, models):
    comparison = Equivalence.model_validate({"of": loss_of("A"), "to": loss_of("B")} | keys)
    found = compare(comparison, models(A=A, B=[inf] * 4), seed=0)
    assert (found.p_for, found.replicas, found.effect) == (p_for, 4, inf if "beyond" in keys else -inf)


# ------------------------------------------------------------------------------------------------------------- trends


TABLE = np.array([[4.0, 3, 2, 1], [9, 8, 5, 6], [3, 2, 2.5, 1], [7, 6, 5, 4]])


@pytest.mark.parametrize(("way", "sign"), [("rises", 1), ("falls", -1)])
def test_a_trend_over_a_setting(way, sign, sizes):
    found = compare(Trend.model_validate({way: LOSS, "along": "batch_size"}), sizes(TABLE), seed=0)
    assert found == trends.trend_over_settings(TABLE, np.array([4.0, 8, 16, 32]), sign)
    assert (found.p < 0.05, found.p_for < found.p_against) == (True, sign < 0)


@pytest.mark.parametrize("least", [0.5, 0.9, 0.95])
def test_a_trend_has_to_be_as_steep_as_it_is_said(least, sizes):
    """The ρ of the four replicas are 1, 0.8, 0.8 and 1."""
    trend = {"falls": LOSS, "along": "batch_size"}
    any_fall = compare(Trend.model_validate(trend), sizes(TABLE), seed=0)
    found = compare(Trend.model_validate(trend | {"least": least}), sizes(TABLE), seed=0)
    t_test = [ttest_1samp([1, 0.8, 0.8, 1], least, alternative=side).pvalue for side in ("greater", "less")]
    assert (found.p_for, found.p_against) == pytest.approx((max(any_fall.p_for, t_test[0]), t_test[1]))
    assert (found.effect, found.claimed, any_fall.claimed) == (pytest.approx(0.9), (least, inf), (0, inf))
    assert (found.p_for > any_fall.p_for) == (least > 0.5)  # which is steep enough as soon as they fall at all


def test_a_trend_that_is_not_monotone_is_not_steep_enough_either(sizes):
    """Up to the last setting they rise, by far, but in that one they fall below the first."""
    table = np.array([[1.0, 5, 9, 0.5], [1.1, 5, 9.2, 0.4], [0.9, 5, 9, 0.6], [1, 5.1, 9, 0.5]])
    found = compare(Trend.model_validate({"falls": LOSS, "along": "batch_size", "least": 0.1}), sizes(table), seed=0)
    assert (found.p_for, found.remark) == (1, "not monotone")


def test_a_trend_over_a_setting_goes_by_its_values_and_not_by_their_order(sizes):
    tables = sizes(TABLE[:, [2, 0, 3, 1]], values=(16, 4, 32, 8))
    found = compare(Trend.model_validate({"falls": LOSS, "along": "batch_size"}), tables, seed=0)
    assert found == trends.trend_over_settings(TABLE, np.array([4.0, 8, 16, 32]), -1)


def test_a_trend_over_models(models):
    found = compare(Trend.model_validate({"rises": LOSS, "along": "parameters"}), models(A=A, B=B, C=C), seed=0)
    x = np.array([PARAMETERS[name] for name in "ABC"], float)
    assert found.effect == trends.trend_over_settings(np.array([A, B, C]).T, x, 1).effect == pytest.approx(0.25)


def test_a_trend_over_settings_leaves_out_replicas_and_settings(sizes):
    table = TABLE.copy()
    table[1, 2], table[:, 3] = nan, nan
    found = compare(Trend.model_validate({"falls": LOSS, "along": "batch_size"}), sizes(table), seed=0)
    expected = trends.trend_over_settings(TABLE[[0, 2, 3], :3], np.array([4.0, 8, 16]), -1)
    lost = "undefined in every replica at batch_size 32"
    assert found == replace(expected, remark=f"{lost}; {LEFT_OUT}")


@pytest.mark.parametrize(("way", "sign"), [("rises", 1), ("falls", -1)])
def test_a_setting_at_which_nets_diverged_is_the_worst_of_a_trend(way, sign, sizes):
    """Left out, losses that rise to infinity at the end would be a trend to lower ones."""
    table = TABLE.copy()
    table[:, 3], table[0, 2] = nan, nan
    worst = np.where(np.isnan(table), inf, table)
    found = compare(Trend.model_validate({way: LOSS, "along": "batch_size"}), sizes(table, diverged=True), seed=0)
    expected = trends.trend_over_settings(worst, np.array([4.0, 8, 16, 32]), sign)
    remark = "1 of 4 nets diverged (batch size 16); 4 of 4 nets diverged (batch size 32)"
    assert found == replace(expected, remark="; ".join(filter(None, [remark, expected.remark])))
    assert (found.effect > 0) == (way == "rises")


def test_the_best_place_is_not_where_nets_diverged(sizes):
    table = TABLE.copy()
    table[:, 3] = nan
    lowest = {"lowest": LOSS, "along": "batch_size", "between": [16, 32]}
    found = compare(Extreme.model_validate(lowest), sizes(table, diverged=True), seed=2)
    expected = places.extreme(-np.where(np.isnan(table), inf, table), np.array([False, False, True, True]))
    assert found == replace(expected, remark="4 of 4 nets diverged (batch size 32)")


def test_no_line_goes_through_an_infinite_value(sizes):
    table = TABLE.copy()
    table[0, 3] = nan
    with pytest.raises(UntestableError, match=r"^a net diverged, and there is no line through an infinite value$"):
        compare(Shape.model_validate({"valley": LOSS, "along": "batch_size"}), sizes(table, diverged=True), seed=0)


def test_too_few_settings(sizes, models):
    trend = Trend.model_validate({"falls": LOSS, "along": "batch_size"})
    with pytest.raises(UntestableError, match=r"^it takes three values of batch_size and more, and there are 2$"):
        compare(trend, sizes(TABLE[:, :2], values=(4, 8)), seed=0)
    table = TABLE.copy()
    table[:, 1] = table[:, 2] = nan
    with pytest.raises(UntestableError, match=r"there are 2$"):
        compare(trend, sizes(table), seed=0)
    with pytest.raises(UntestableError, match=r"^every replica has a value that is undefined$"):
        compare(trend, sizes(np.where(np.eye(4), nan, TABLE)), seed=0)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_trend_over_a_setting_of_few_replicas(replicas, sizes):
    found = compare(Trend.model_validate({"falls": LOSS, "along": "batch_size"}), sizes(TABLE[:replicas]), seed=0)
    assert (found.replicas, found.effect > 0.8, no_test(found)) == (replicas, True, replicas == 1)


def test_a_trend_over_what_was_measured_on_replicas(leave, experiment):
    x, y = [0.3, 0.1, 0.5, 0.2, 0.4], [3.0, 1.0, 4.0, 2.0, 9.0]
    tables = leave(
        experiment(), lambda net: {"train_loss": x[net["replica"]], "test_loss": y[net["replica"]]}, replicas=5
    )
    for way, sign in (("rises", 1), ("falls", -1)):
        found = compare(Trend.model_validate({way: LOSS, "along": "train_loss"}), tables, seed=7)
        assert found == trends.trend_over_replicas(np.array(x), np.array(y), sign, seed=7)
        assert found.effect == pytest.approx(sign * 0.9)


def test_a_trend_over_replicas_has_to_be_as_steep_as_it_is_said(leave, experiment):
    """Of 120 pairings, 5 have a ρ of 0.9 or more; Fisher's z is less sure of 0.5."""
    x, y = [0.3, 0.1, 0.5, 0.2, 0.4], [3.0, 1.0, 4.0, 2.0, 9.0]
    tables = leave(
        experiment(), lambda net: {"train_loss": x[net["replica"]], "test_loss": y[net["replica"]]}, replicas=5
    )
    trend = {"rises": LOSS, "along": "train_loss"}
    assert compare(Trend.model_validate(trend), tables, seed=7).p_for == pytest.approx(5 / 120)
    found = compare(Trend.model_validate(trend | {"least": 0.5}), tables, seed=7)
    off = (np.arctanh(0.9) - np.arctanh(0.5)) / np.sqrt(1.06 / 2)
    assert (found.p_for, found.p_against) == pytest.approx((norm.sf(off), norm.cdf(off)))
    barely = compare(Trend.model_validate(trend | {"least": 0.01}), tables, seed=7)
    assert barely.p_for == pytest.approx(5 / 120)  # the larger one


@pytest.mark.parametrize(("column", "values"), [("train_loss", [1, 2, nan, 4]), ("test_loss", [1, 2, 4, inf])])
def test_a_trend_over_replicas_leaves_out_what_is_undefined(column, values, leave, experiment):
    tables = leave(
        experiment(),
        lambda net: {"train_loss": net["replica"], "test_loss": net["replica"]} | {column: values[net["replica"]]},
    )
    trend = Trend.model_validate({"rises": LOSS, "along": "train_loss"})
    found = compare(trend, tables, seed=0)
    assert (found.replicas, found.remark) == (3, LEFT_OUT)
    nets = tables.read("nets")
    nets.loc[0, column] = nan
    with pytest.raises(UntestableError, match=r"^a trend over replicas takes three and more$"):
        compare(trend, tables, seed=0)


def test_a_trend_over_what_is_the_same_in_all_replicas(leave, experiment):
    tables = leave(experiment(), lambda net: {"test_loss": net["replica"]})
    found = compare(Trend.model_validate({"rises": LOSS, "along": "train_loss"}), tables, seed=0)
    assert (found.p, found.remark) == (1, "no variation")


def test_the_course_of_a_series(courses):
    losses = [[5, 3, 2, 1], [9, 4, 5, 2, 1], [6, 5, 4, 2]]
    series = [(np.arange(len(values), dtype=float), np.array(values, float)) for values in losses]
    tables = courses(*losses)
    for way, sign in (("rises", 1), ("falls", -1)):
        found = compare(Trend.model_validate({way: {"of": "history.train_loss"}, "along": "epoch"}), tables, seed=0)
        assert found == trends.trend_along_series(series, sign)
    during = {"of": "history.train_loss", "where": {"epoch": {"from": 1}}}
    found = compare(Trend.model_validate({"falls": during, "along": "epoch"}), tables, seed=0)
    assert found == trends.trend_along_series([(x[1:], y[1:]) for x, y in series], -1)


@pytest.mark.parametrize("least", [0, 0.5, 0.9])
def test_a_course_has_to_be_as_steep_as_it_is_said(least, courses):
    """The ρ are 1, 0.8, 0.8 and 1, of which 1 counts as 0.9, halfway to 0.8."""
    trend = Trend.model_validate({"falls": {"of": "history.train_loss"}, "along": "epoch", "least": least})
    found = compare(trend, courses(*TABLE.tolist()), seed=0)
    z = np.arctanh([0.9, 0.8, 0.8, 0.9])
    expected = [ttest_1samp(z, np.arctanh(least), alternative=side).pvalue for side in ("greater", "less")]
    assert (found.p_for, found.p_against) == pytest.approx(expected)
    assert (found.effect, found.claimed) == (pytest.approx(0.9), (least, inf))


@pytest.mark.parametrize("least", [-0.1, 1, 1.5])
def test_no_rank_correlation_is_above_one(least):
    with pytest.raises(ValueError, match="least"):
        Trend.model_validate({"falls": LOSS, "along": "batch_size", "least": least})


@pytest.mark.parametrize("places", [4, 6])
def test_trends_that_are_the_same_in_all_replicas_are_signs(places, courses, sizes):
    """Without a spread there is no t-test, and none is named."""
    table = np.arange(places)[::-1] + np.array([[1.0], [5], [2], [9], [4]])
    course = Trend.model_validate({"falls": {"of": "history.train_loss"}, "along": "epoch"})
    setting = Trend.model_validate({"falls": LOSS, "along": "batch_size"})
    for found, test in (
        (compare(course, courses(*table.tolist()), seed=0), "sign test"),
        (compare(setting, sizes(table, values=[2**i for i in range(places)]), seed=0), "sign test of slopes"),
    ):
        assert (found.effect, found.p, found.test) == (1, 1 / 16, test)


def test_a_trend_of_the_typical_net_is_of_the_signs_of_slopes(sizes):
    """One net in six collapses at the last setting, and its slope makes the mean; five fall, and one rises."""
    table = np.repeat([[4.0, 3, 2, 1]], 6, axis=0) + np.arange(6)[:, None] / 10
    table[5] = [4, 3, 2, 900]

    def about(which: str) -> Evidence:
        trend = {"falls": LOSS, "along": "batch_size", "about": which}
        return compare(Trend.model_validate(trend), sizes(table), seed=0)

    assert about("mean").p_for > 0.5
    typical = about("typical")
    assert (typical.effect, typical.test, typical.p_for) == (1, "sign test of slopes", 7 / 64)  # 5 of 6, or 6
    assert typical.p_against == 63 / 64


def test_a_trend_along_a_course_is_about_no_typical_net(courses):
    course = Trend.model_validate({"falls": {"of": "history.train_loss"}, "along": "epoch", "about": "typical"})
    with pytest.raises(EntryError, match="about"):
        compare(course, courses([3.0, 2, 1], [3, 2, 1]), seed=0)


def test_the_course_along_another_column(courses):
    trend = Trend.model_validate({"falls": {"of": "history.train_loss"}, "along": "train_accuracy"})
    found = compare(trend, courses([5, 3, 2, 1], [9, 4, 5, 2]), seed=0)
    assert found.effect == pytest.approx(1)  # one falls by as much as the other rises, step by step
    assert found.replicas == 2


def test_courses_with_a_value_that_is_undefined_are_left_out_and_counted(courses):
    trend = Trend.model_validate({"falls": {"of": "history.train_loss"}, "along": "epoch"})
    found = compare(trend, courses([5, 3, 2, 1], [5, 3, 2, nan], [6, 4, 3, 2.5], [7, 4, inf]), seed=0)
    assert found.replicas == 2
    assert found.remark == "2 of 4 replicas left out: a value is undefined"


def test_a_course_takes_three_records(courses):
    trend = Trend.model_validate({"falls": {"of": "history.train_loss"}, "along": "epoch"})
    with pytest.raises(UntestableError, match=r"^a course of train_loss takes three epochs and more$"):
        compare(trend, courses([5, 3], [5, 2]), seed=0)


def test_a_course_of_snapshots_starts_with_the_second_one(leave, experiment, tmp_path):
    leave(experiment(), history=lambda net: {"epoch": [0, 2, 4, 6]})
    steps = [nan, 4, 2, 1, nan, 5, 3.5, 3]
    pca = {"scope": "whole model", "replica": [0] * 4 + [1] * 4, "epoch": [0, 2, 4, 6] * 2, "step": steps}
    write_table(tmp_path / "runs" / "d-a.pca.csv", pd.DataFrame(pca).assign(from_mean=lambda table: table["epoch"]))
    falls = {"of": "pca.step", "where": {"epoch": {"from": 1}}}
    for trend in ({"falls": falls, "along": "epoch"}, {"falls": {"of": "pca.from_mean"}, "along": "step"}):
        found = compare(Trend.model_validate(trend), Tables("d-a", experiment()), 0)
        assert (found.effect, found.replicas) == (1, 2)


def test_a_trend_of_what_is_taken_of_series(leave, experiment):
    sweep = {"sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}
    lowest = lambda net: net["batch_size"] - 3 * net["replica"]  # noqa: E731
    course = {"history": lambda net: {"epoch": range(4), "train_loss": [99, 50, lowest(net), 60]}}
    tables = leave(experiment(**sweep), **course)
    operand = {"of": "history.train_loss", "take": "lowest"}
    found = compare(Trend.model_validate({"rises": operand, "along": "batch_size"}), tables, seed=0)
    assert found == trends.trend_over_settings(np.arange(12.0).reshape(4, 3), np.array([4.0, 8, 16]), 1)


def test_each_model_has_to_show_the_trend(leave, experiment):
    sweep = {"sweep": {"batch_size": [4, 8, 16, 32]}, "against": "batch_size"}
    table = {"A": TABLE, "B": -TABLE, "C": TABLE}
    column = {4: 0, 8: 1, 16: 2, 32: 3}
    tables = leave(
        experiment(**THREE | sweep),
        lambda net: {"test_loss": table[net["model"]][net["replica"], column[net["batch_size"]]]},
    )
    found = compare(Trend.model_validate({"falls": LOSS, "along": "batch_size", "each": ["model"]}), tables, seed=0)
    one = trends.trend_over_settings(-TABLE, np.arange(4.0), -1)
    assert (found.p_for, found.p_against) == pytest.approx((one.p_for, 3 * one.p_against))
    assert found.effect == one.effect < 0


# -------------------------------------------------------------------------------------------------- places and shapes


@pytest.mark.parametrize(("way", "sign"), [("lowest", -1), ("highest", 1)])
@pytest.mark.parametrize(
    ("between", "allowed"), [([16.0, 32.0], [0, 0, 1, 1]), ([5, 16], [0, 1, 1, 0]), ([4, 4], [1, 0, 0, 0])]
)
def test_where_an_extreme_lies(between, allowed, way, sign, sizes):
    comparison = Extreme.model_validate({way: LOSS, "along": "batch_size", "between": between})
    found = compare(comparison, sizes(TABLE), seed=5)
    assert found == places.extreme(sign * TABLE, np.array(allowed, bool))


@pytest.mark.parametrize(
    ("between", "said"),
    [([1, 100], "every batch_size that was tried is from 1 to 100"), ([9, 15], "no batch_size that was tried is")],
)
def test_an_extreme_that_no_place_could_speak_for_or_against(between, said, sizes):
    comparison = Extreme.model_validate({"lowest": LOSS, "along": "batch_size", "between": between})
    with pytest.raises(UntestableError, match=said):
        compare(comparison, sizes(TABLE), seed=0)


def test_an_extreme_along_a_line(leave, experiment, tmp_path):
    sweep = {"sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}
    training = leave(experiment(**sweep)).experiment
    losses = np.array([[5, 1, 3, 2], [4, 0.5, 3, 1], [9, 2, 3, nan]])
    line = {"replica": np.repeat([0, 1, 2], 4), "model": "A", "alpha": [-1, 0.1, 0.3, 1] * 3, "loss": losses.ravel()}
    write_table(tmp_path / "runs" / "d-a.interpolate.csv", pd.DataFrame(line))
    lowest = {"lowest": {"of": "interpolate.loss"}, "along": "alpha", "between": [0.1, 0.3]}
    tables = Tables("d-a", training, line=("batch_size", [4.0, 16.0]))
    found = compare(Extreme.model_validate(lowest), tables, seed=2)
    expected = places.extreme(-losses[:2], np.array([False, True, True, False]))
    assert found == replace(expected, remark="1 of 3 replicas left out: a value is undefined")
    assert found.effect == pytest.approx(1 / 3)


@pytest.mark.parametrize(("kind", "sign"), [("valley", 1), ("peak", -1)])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_shape(logarithmic, kind, sign, sizes):
    x = np.array([4.0, 8, 16, 64])
    found = compare(
        Shape.model_validate({kind: LOSS, "along": "batch_size", "log": logarithmic}), sizes(TABLE, (4, 8, 16, 64)), 0
    )
    expected = places.valley(sign * TABLE, np.log(x) if logarithmic else x)
    assert (found.p_for, found.p_against, found.effect) == pytest.approx(
        (expected.p_for, expected.p_against, expected.effect)
    )


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_a_shape_on_an_axis_that_has_no_logarithm_is_not_testable(lowest, leave, experiment):
    """What is measured is known after training alone; of what is set the check of claims says so before."""
    place = {"A": lowest, "B": 1.0, "C": 2.0}
    tables = leave(experiment(**THREE), lambda net: {"train_loss": place[net["model"]], "test_loss": net["replica"]})
    shape = {"valley": LOSS, "along": "train_loss"}
    with pytest.raises(UntestableError, match=f"^there is no logarithm of train_loss {lowest:g}$"):
        compare(Shape.model_validate(shape | {"log": True}), tables, 0)
    assert compare(Shape.model_validate(shape), tables, 0).replicas == 4


# ------------------------------------------------------------------------------------------------------------- tuning


def test_tuned_nets_are_those_of_the_best_setting(leave, experiment):
    tune = {"learning_rate": None, "tune": {"learning_rate": [0.1, 0.01]}, **THREE}
    losses = {"A": {0.1: A, 0.01: C}, "B": {0.1: C, 0.01: B}, "C": {0.1: C, 0.01: C + 1}}

    def loss(net):
        value = losses[net["model"]][net["learning_rate"]][net["replica"]]
        return {"train_loss": value, "test_loss": value}

    tables = leave(experiment(**tune), loss)
    found = compare(ordering(lower=loss_of("A"), than=loss_of("B")), tables, seed=0)
    assert found == means.ordering(B - A, ratio=False)
    found = compare(Trend.model_validate({"rises": LOSS, "along": "parameters"}), tables, seed=0)
    assert found.effect == pytest.approx(0.25)


# ------------------------------------------------------------------------------------------- nets beside each other


@pytest.mark.parametrize(
    ("accuracies", "effect"),
    [
        ({"A": 0.5, "B": 0.7, "C": 0.9}, 1),  # where losses are 3, 2 and 1
        ({"A": 0.9, "B": 0.7, "C": 0.5}, -1),
        ({"A": 0.5, "B": 0.9, "C": 0.7}, 0.5),
    ],
)
def test_whether_the_net_of_the_lower_loss_has_the_higher_accuracy(accuracies, effect, leave, experiment):
    losses = {"A": 3, "B": 2, "C": 1}

    def net(row):
        model, shift = row["model"], row["replica"] / 100
        return {"test_loss": losses[model] + 50 * shift, "test_accuracy": accuracies[model] + shift**2}

    tables = leave(experiment(**THREE), net, replicas=4)  # replicas differ more than the nets of one
    trend = Trend.model_validate({"falls": {"of": "nets.test_accuracy", "over": "model"}, "along": "test_loss"})
    found = compare(trend, tables, 0)
    assert (found.effect, found.replicas) == (pytest.approx(effect), 4)
    assert (found.p_for < found.p_against) == (effect > 0)


def test_where_a_curve_over_sizes_turns(leave, experiment):
    sweep = {"sweep": {"batch_size": [4, 8, 16, 32]}, "against": "batch_size"}
    goes = {4: [1, 1], 8: [2, 2], 16: [1, 3], 32: [2, 4]}
    tables = leave(experiment(**sweep), lambda net: {"test_loss": goes[net["batch_size"]][net["replica"]]}, replicas=2)
    turns = {"of": "nets.test_loss", "over": "batch_size", "take": "turns"}
    found = compare(Ordering.model_validate({"higher": turns, "than": 0.25}), tables, 0)
    assert found.effect == 0.25  # in one replica at both places inside, in the other at none
