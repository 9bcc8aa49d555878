"""From claims to verdicts."""

import json
from contextlib import chdir
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from statsmodels.stats.multitest import multipletests

from netclaims.claims import judge as module
from netclaims.claims.compare import compare
from netclaims.claims.entries import Claim, ClaimTest
from netclaims.claims.evidence import Evidence, weakest
from netclaims.claims.experiment_tables import Tables
from netclaims.claims.judge import (
    Conclusions,
    Finding,
    Look,
    Sentence,
    find,
    find_all,
    judge,
)
from netclaims.claims.mean_tests import equivalence, ordering
from netclaims.claims.power import least_effect, replicas_needed
from netclaims.errors import DataError
from netclaims.recipes.write import all_recipes

ROOT = Path(__file__).parents[2]
NUMBERS = ["effect", "low", "high", "claimed_low", "claimed_high", "replicas", "p", "p_holm", "p_least"]
COLUMNS = [
    *("claim", "measured", "compared", "unit", *NUMBERS[:6], "test", *NUMBERS[6:], "effect_least", "replicas_needed"),
    *("verdict", "because", "provisional"),
]
FEW = "Noise in place of MNIST; 60 of 60,000 images"  # what the nets of `tables` were trained on
TRAIN = np.array([0.5, 0.4, 0.7, 0.6])
TEST = np.array([0.9, 1.1, 1.0, 1.3])
ENTRY = {
    "report": "d",
    "quote": "the test loss is higher",
    "part": "1-1",
    "experiment": "d-a",
    "question": "capacity",
    "answer": "the test loss",
    "figure": "loss",
    "read": "In the mean over replicas.",
}
HIGHER = {"higher": {"of": "nets.test_loss"}, "than": {"of": "nets.train_loss"}}
LOWER = {"lower": {"of": "nets.test_loss"}, "than": 1.0}


def claim(**test) -> Claim:
    return Claim.model_validate(ENTRY | test)


def sentence(question="capacity", **test) -> Sentence:
    """A claim as the stage that judges it knows it."""
    return Sentence("d-a", question, "the test loss is higher", ClaimTest.model_validate(test))


def found_of(p: float, sign: int = 1, **changes) -> Evidence:
    """Evidence with a two-sided p value, for a claim or (-1) against it."""
    sides = (p / 2, 1 - p / 2)[::sign]
    numbers = {
        "effect": 0.5 * sign,
        "low": -1.0,
        "high": 2.0,
        "unit": "difference",
        "claimed": (0.0, inf),
        "replicas": 5,
    }
    return Evidence(**numbers | {"p_for": sides[0], "p_against": sides[1], "test": "t-test"} | changes)


def judged_on_one_question(findings: dict[str, Finding]) -> pd.DataFrame:
    return judge(dict.fromkeys(findings, "capacity"), findings)


@pytest.fixture
def tables(leave, experiment):
    """Tables and metrics of four nets that were trained for all 3 epochs."""
    return leave(
        experiment(), lambda net: {"train_loss": TRAIN[net["replica"]], "test_loss": TEST[net["replica"]]}, replicas=4
    )


# --------------------------------------------------------------------------------------------------------- one by one


def test_a_claim_is_put_to_the_replicas(tables):
    assert find(claim(ordering=HIGHER), tables, seed=0) == Finding(ordering(TEST - TRAIN, ratio=False), provisional=FEW)


def test_all_comparisons_of_all_kinds_have_to_hold(tables):
    alike = {"of": {"of": "nets.train_loss"}, "to": 0.5, "within": 0.4}
    found = find(claim(equivalence=alike, ordering=[HIGHER, LOWER]), tables, seed=0).evidence
    each = [
        ordering(TEST - TRAIN, ratio=False),
        ordering(1 - TEST, ratio=False, typical=True),
        equivalence(TRAIN - 0.5, 0.4, ratio=False, typical=True),
    ]
    assert str(replace(found, sample=())) == str(replace(weakest(each), sample=()))  # without an interval
    assert found.sample == pytest.approx([0.1, -0.1, 0, -0.3])
    assert found.effect == pytest.approx(-0.05)  # of 0.1, -0.1, 0 and -0.3
    assert (found.p_for, found.p_against) == (7 / 8, 1)  # one of three signs, as 0 has none; and 3 x 4/8
    assert found.p_for == pytest.approx(each[1].p_for)
    assert found.p_against == pytest.approx(min(1, 3 * each[1].p_against))


@pytest.mark.parametrize(("holds", "verdict"), [("all_of_them == 7850", "supported"), ("ratio > 0.5", "refuted")])
def test_arithmetic_needs_no_replicas(holds, verdict, tables, tmp_path):
    (tmp_path / "metrics" / "d" / "d-a.json").unlink()
    computed = {
        "all_of_them": "parameters('A')",
        "ratio": "1 / 3",
        "per_epoch": "ceil(60000 / 64)",
        "both": "[layers('A'), 1234567]",
        "whole": 1e6,
    }
    found = find(claim(arithmetic={"computed": computed, "holds": holds}), tables, seed=0)
    said = "all of them = 7,850, ratio = 0.333333, per epoch = 938, both = 1; 1,234,567, whole = 1e+06"
    assert found == Finding(verdict=verdict, because=said)


@pytest.mark.parametrize(
    ("test", "because"),
    [
        ({"definition": "a loss is not negative"}, "by definition: a loss is not negative"),
        ({"untestable": "vague"}, "vague"),
    ],
)
def test_what_no_data_could_tell(test, because, tables, tmp_path):
    (tmp_path / "metrics" / "d" / "d-a.json").unlink()
    assert find(claim(**test), tables, seed=0) == Finding(verdict="not testable", because=because)


def test_nets_of_another_scale_tell_nothing(tables):
    here, elsewhere = replace(tables, scale="small"), replace(tables, scale="paper")
    assert find(claim(ordering=HIGHER), here, seed=0) == find(claim(ordering=HIGHER), tables, seed=0)
    found = find(claim(ordering=HIGHER), elsewhere, seed=0)
    assert found == Finding(verdict="not run", because="its nets were trained at the small scale")


@pytest.mark.parametrize(
    ("gone", "because"),
    [
        ("metrics/d/d-a.json", "train@d-a has not run"),
        ("runs/d-a/nets.csv", "train@d-a has not run"),
        ("runs/d-a.fit.csv", "fit@d-a has not run"),
        ("runs/d-a/steps.csv", "train@d-a has not run"),
    ],
)
def test_what_was_not_run_is_no_fault_of_a_claim(gone, because, tables, tmp_path, capsys):
    """Of the tables of analyses and of steps there are none here."""
    columns = {"runs/d-a.fit.csv": "fit.mean_square", "runs/d-a/steps.csv": "steps.gradient_norm"}
    taken = {"take": "end"} if "steps" in gone else {}
    one = sentence(ordering={"higher": {"of": columns.get(gone, "nets.test_loss")} | taken, "than": 0.0})
    (tmp_path / gone).unlink(missing_ok=True)
    arithmetic = sentence(arithmetic={"computed": {"n": "parameters('A')"}, "holds": "n > 0"})
    found = find_all({"d-one": one, "d-sum": arithmetic}, {"d-a": tables}, seed=0)
    assert found["d-one"] == Finding(verdict="not run", because=because)
    assert found["d-sum"].verdict == "supported"  # whatever was run
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("needed", [3, 4, 50])
def test_a_claim_on_more_epochs_than_there_were(needed, tables):
    found = find(claim(ordering=HIGHER, needs={"epochs": needed}), tables, seed=0)
    if needed == 3:
        assert found.evidence is not None
    else:
        assert found == Finding(verdict="not testable", because=f"3 of the {needed} epochs it speaks of")


def test_a_claim_on_runs_that_nobody_made(tables):
    of_b = {"higher": {"of": "nets.test_loss", "where": {"model": "B"}}, "than": 0.0}
    found = find(claim(ordering=[HIGHER, of_b]), tables, seed=0)
    assert found == Finding(verdict="not testable", because="no run has what it needs: model B")


# ------------------------------------------------------------------------------------------- batches of all there is


def of_batch(wanted, **more) -> dict:
    """That the test loss of nets of some batch size is above 0."""
    return {"ordering": {"higher": {"of": "nets.test_loss", "where": {"batch_size": wanted}}, "than": 0.0} | more}


LOSS = {"of": "nets.test_loss"}
OTHER_SIDE = {"ordering": {"higher": LOSS, "than": [0, LOSS | {"where": {"batch_size": 64}}]}}
PLACE = {"lowest": LOSS, "along": "batch_size"}


@pytest.mark.parametrize(
    ("test", "batch"),
    [
        (of_batch(61), "61"),
        (of_batch(13500), "13,500"),
        (of_batch([16, 128, 64]), "128"),  # the first that is too large
        (of_batch({"from": 61}), "61"),
        (of_batch({"from": 16, "to": 2048}), "2,048"),
        (of_batch({"to": 64}), "64"),
        (OTHER_SIDE, "64"),
        ({"equivalence": {"of": LOSS, "to": LOSS | {"where": {"batch_size": 64}}, "within": 0.1}}, "64"),
        ({"trend": {"falls": LOSS | {"where": {"batch_size": [64]}}, "along": "parameters"}}, "64"),
        ({"shape": {"valley": LOSS | {"where": {"batch_size": {"from": 100}}}, "along": "batch_size"}}, "100"),
        ({"extreme": PLACE | {"between": [16, 64]}}, "64"),
        ({"extreme": PLACE | {"between": [1024, 13500]}}, "1,024"),
        ({"ordering": [HIGHER, of_batch(64)["ordering"]]}, "64"),
        ({"equivalence": {"of": LOSS, "to": 1, "within": 9}} | of_batch(64), "64"),
    ],
)
def test_a_batch_size_above_the_training_set_is_that_of_no_net(test, batch, tables):
    """Its nets would be those of any other such batch size: of one batch of all 60 examples."""
    found = find(claim(**test), tables, seed=0)
    assert found == Finding(
        verdict="not testable", because=f"a batch of {batch} is all of the 60 training examples here"
    )


@pytest.mark.parametrize("wanted", [60, 16, [16, 60], {"from": 60}, {"to": 60}, {"from": 1, "to": 60}])
def test_a_batch_size_of_as_many_as_there_are_is_one_that_was_trained(wanted, leave, experiment):
    swept = {"sweep": {"batch_size": [16, 60]}, "against": "batch_size"}
    tables = leave(experiment(**swept), replicas=4)
    found = find(claim(**of_batch(wanted, each=["batch_size"])), tables, seed=0)
    assert found.verdict is None
    assert (found.evidence.effect, found.evidence.replicas) == (2.0, 4)


def test_between_limits_batches_along_batch_sizes_alone(tables):
    """Along the number of parameters, 7,850 is no batch."""
    tables.read("nets")["parameters"] = 7850
    found = find(claim(extreme=PLACE | {"along": "parameters", "between": [61, 9000]}), tables, seed=0)
    assert found == Finding(
        verdict="not testable", because="it takes three values of parameters and more, and there are 1"
    )


def test_the_scale_and_the_epochs_come_before_batches(tables):
    found = find(claim(**of_batch(64), needs={"epochs": 4}), tables, seed=0)
    assert found.because == "3 of the 4 epochs it speaks of"


# -------------------------------------------------------------------------------------------------------- all of them


def test_all_claims_are_found_in_order(tables):
    tests = {"d-two": {"ordering": LOWER}, "d-one": {"untestable": "vague"}, "d-three": {"ordering": HIGHER}}
    claims = {key: sentence(**test) for key, test in tests.items()}
    found = find_all(claims, {"d-a": tables}, seed=0)
    assert found == {key: find(one.test, tables, seed=0) for key, one in claims.items()}
    assert list(found) == list(claims)


@pytest.mark.parametrize("failure", [None, ZeroDivisionError("in a mean"), KeyError("epoch"), AssertionError()])
def test_a_claim_whose_test_fails_is_named_and_the_others_are_judged(failure, tables, monkeypatch, capsys):
    bad = sentence(ordering={"higher": {"of": "nets.sharpness"}, "than": 0.0})
    because = "the table nets has no column sharpness"
    good = find(sentence(ordering=HIGHER).test, tables, seed=0)
    if failure:
        because = {"ZeroDivisionError": "ZeroDivisionError: in a mean", "KeyError": "KeyError: 'epoch'"}.get(
            type(failure).__name__, "AssertionError: "
        )

        def broken(comparison, *rest):
            if comparison.operand.column == "sharpness":
                raise failure
            return compare(comparison, *rest)

        monkeypatch.setattr(module, "compare", broken)
    found = find_all({"d-good": sentence(ordering=HIGHER), "d-bad": bad}, {"d-a": tables}, seed=0)
    assert found == {"d-good": good, "d-bad": Finding(None, "not testable", f"the test failed: {because}")}
    assert capsys.readouterr().err == f"reports/d.yaml: claims.d-bad: {because}\n"


def test_a_damaged_table_is_no_fault_of_a_claim(tables):
    Path("runs/d-a/nets.csv").write_text('"')
    with pytest.raises(DataError, match=r"^runs/d-a/nets\.csv: not as its stage wrote it"):
        find_all({"d-good": sentence(ordering=HIGHER)}, {"d-a": tables}, seed=0)


# ----------------------------------------------------------------------------------------------------------- together


def test_holms_correction_by_hand():
    judged = judged_on_one_question(
        {name: Finding(found_of(p)) for name, p in {"a": 0.01, "b": 0.04, "c": 0.03}.items()}
    )
    assert judged["claim"].tolist() == ["a", "b", "c"]
    assert judged["p"].tolist() == pytest.approx([0.01, 0.04, 0.03])
    assert judged["p_holm"].tolist() == pytest.approx([0.03, 0.06, 0.06])  # 3 x 0.01, the larger of 2 x 0.03 and 0.04
    assert judged["verdict"].tolist() == ["supported", "undecided", "undecided"]


def test_holms_correction_of_many():
    p_values = np.random.default_rng(0).uniform(size=40) ** 4
    findings = {str(i): Finding(found_of(p, (-1) ** i)) for i, p in enumerate(p_values)}
    judged = judged_on_one_question(findings)
    rejected, expected = multipletests(p_values, 0.05, "holm")[:2]
    assert judged["p_holm"].tolist() == pytest.approx(expected)
    decided = judged["verdict"].isin(["supported", "refuted"])
    assert decided.tolist() == rejected.tolist()
    assert 1 < decided.sum() < (p_values < 0.05).sum()
    assert (judged["verdict"][decided] == "supported").tolist() == (judged["effect"][decided] > 0).tolist()


def test_what_a_report_claims_on_another_question_makes_no_difference():
    """Two families by hand: 2 x 0.02 and 0.03, and 3 x 0.01, 2 x 0.03, 0.9."""
    p_values = {"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.03, "e": 0.9}
    questions = {"a": "depth", "b": "capacity", "c": "depth", "d": "capacity", "e": "depth"}
    judged = judge(questions, {key: Finding(found_of(p)) for key, p in p_values.items()})
    assert judged["claim"].tolist() == list(p_values)
    assert judged["p_holm"].tolist() == pytest.approx([0.03, 0.04, 0.06, 0.04, 0.9])
    assert judged["verdict"].tolist() == ["supported", "supported", "undecided", "supported", "undecided"]


@pytest.mark.parametrize(
    ("p", "sign", "verdict", "because"),
    [
        (0.001, 1, "supported", ""),
        (0.001, -1, "refuted", ""),
        (0.02, 1, "undecided", "not after Holm's correction for the 4 claims on this question"),
        (0.02, -1, "undecided", "not after Holm's correction for the 4 claims on this question"),
        (0.06, 1, "undecided", "the interval reaches both sides"),
        (1.0, -1, "undecided", "the interval reaches both sides"),
        (nan, 1, "undecided", "fewer than two replicas"),
    ],
)
@pytest.mark.parametrize("remark", ["", "1 of 6 replicas left out: a value is undefined"])
def test_verdicts(remark, p, sign, verdict, because, tables):
    findings = {"one": Finding(found_of(p, sign, remark=remark))} | {
        str(i): Finding(found_of(0.7)) for i in range(3)
    }  # of four, 0.0125 is the first to be rejected
    row = judged_on_one_question(findings).iloc[0]
    assert (row["verdict"], row["because"]) == (verdict, "; ".join(filter(None, [because, remark])))


@pytest.mark.parametrize(
    ("claimed", "ends", "said"),
    [
        ((0.0, inf), (-1.0, 2.0), "the interval reaches both sides"),
        ((0.0, inf), (0.1, 2.0), "on one side, and not surely enough"),  # where it is claimed
        ((0.0, inf), (-2.0, -0.1), "on one side, and not surely enough"),  # where it is not
        ((-1.0, 1.0), (-0.5, 0.5), "on one side, and not surely enough"),
        ((-1.0, 1.0), (-2.0, 0.5), "the interval reaches both sides"),
        ((-1.0, 1.0), (-2.0, 2.0), "the interval reaches both sides"),
        ((-1.0, 1.0), (1.5, 2.0), "on one side, and not surely enough"),
        ((0.0, inf), (nan, nan), "on one side, and not surely enough"),
    ],
)
def test_where_the_interval_lies_says_why_nothing_is_decided(claimed, ends, said):
    low, high = ends
    findings = {"one": Finding(found_of(0.06, low=low, high=high, claimed=claimed))}
    assert judged_on_one_question(findings)["because"].tolist() == [said]


@pytest.mark.parametrize(
    ("test", "replicas", "p", "said"),
    [
        ("sign test", 5, 0.0625, "5 replicas are too few for a sign test"),
        ("sign test", 2, 1.0, "2 replicas are too few for a sign test"),
        ("sign test", 6, 0.0625, "the interval reaches both sides"),  # all six signs alike have 0.03125
        ("permutation test", 4, 0.25, "4 replicas are too few for a permutation test"),
        ("permutation test", 5, 0.25, "the interval reaches both sides"),
        ("t-test", 2, 0.25, "the interval reaches both sides"),
    ],
)
def test_so_few_replicas_that_no_data_could_decide(test, replicas, p, said):
    few = found_of(p, test=test, replicas=replicas)
    assert judged_on_one_question({"one": Finding(few)})["because"].tolist() == [said]


def test_values_that_are_equal_are_too_few_signs():
    """They have no spread, so that no t-test is made of them, and none is named."""
    equal = judged_on_one_question({"one": Finding(ordering(np.full(5, 0.5), ratio=False))}).iloc[0]
    assert (equal["p"], equal["p_least"], equal["test"]) == (0.0625, 0.0625, "sign test")
    assert (equal["verdict"], equal["because"]) == ("undecided", "5 replicas are too few for a sign test")
    more = judged_on_one_question({"one": Finding(ordering(np.full(6, 0.5), ratio=False))})
    assert more["verdict"].tolist() == ["supported"]


def test_of_how_many_comparisons_it_is_the_weakest():
    several = judged_on_one_question(
        {"one": Finding(found_of(0.7, comparisons=2, remark="why")), "two": Finding(found_of(0.7))}
    )
    differ = "the interval reaches both sides"
    assert several["because"].tolist() == [f"{differ}; the weakest of 2 comparisons; why", differ]


def test_what_is_not_tested_does_not_count():
    p = 0.02
    alone = judged_on_one_question({"one": Finding(found_of(p))})
    others = {
        "sums": Finding(verdict="supported", because="units 10"),
        "vague": Finding(verdict="not testable", because="vague"),
        "single": Finding(found_of(nan, replicas=1)),
        "later": Finding(verdict="not run", because="train@d-a has not run"),
    }
    judged = judged_on_one_question(others | {"one": Finding(found_of(p))})
    assert judged["p_holm"].tolist() == pytest.approx([nan, nan, nan, nan, p], nan_ok=True)
    assert alone["verdict"].tolist() == ["supported"]
    assert judged["verdict"].tolist() == ["supported", "not testable", "undecided", "not run", "supported"]
    said = ["units 10", "vague", "fewer than two replicas", "train@d-a has not run", ""]
    assert judged["because"].tolist() == said
    assert judged["unit"].tolist() == ["", "", "difference", "", "difference"]
    assert judged.loc[:1, [*NUMBERS, "effect_least", "replicas_needed"]].isna().all(axis=None)
    more = judged_on_one_question(
        {"one": Finding(found_of(p)), "two": Finding(found_of(0.9)), "three": Finding(found_of(0.8))}
    )
    assert more["p_holm"].tolist() == pytest.approx([0.06, 1, 1])
    assert more["verdict"].tolist() == ["undecided"] * 3


def test_a_row_holds_what_was_found():
    one = found_of(0.01, effect=1.5, low=1.1, high=2.0, unit="ratio", claimed=(1.0, inf), replicas=7)
    one = replace(one, measured="loss", compared="means 3 and 2")
    judged = judged_on_one_question({"one": Finding(one)})
    assert list(judged) == COLUMNS
    p = pytest.approx(0.01)
    said = ["loss", "means 3 and 2"]
    expected = ["one", *said, "ratio", 1.5, 1.1, 2.0, 1.0, inf, 7, "t-test", p, p, 0, None, None, "supported", "", ""]
    assert judged.astype(object).where(judged.notna(), None).iloc[0].tolist() == expected


def test_what_is_not_decided_says_how_many_replicas_would_do():
    """6 of 8 signs: (2 x 6 - 8) / √8 = 1.414214, and (1.959964 / 1.414214)² x 8 = 15.4."""
    one = found_of(2 * (28 + 8 + 1) / 256, test="sign test", replicas=8)
    row = judged_on_one_question({"one": Finding(one, provisional="3 of 50 epochs")}).iloc[0]
    assert (row["p_least"], row["replicas_needed"]) == (2 / 256, 16)
    assert (row["verdict"], row["provisional"]) == ("undecided", "3 of 50 epochs")
    reversed_ = Finding(replace(one, remark="not monotone"))  # which more replicas would not make another
    assert judged_on_one_question({"one": reversed_})["replicas_needed"].isna().all()


def test_what_replicas_can_show_is_at_the_level_that_the_claims_on_a_question_leave():
    """At 0.05 / 3, though Holm's p of each is 1; of what is decided there is no number of replicas to add."""
    open_one = Finding(found_of(0.5, sample=(0.1, 0.5, 0.9, 0.2, 0.8)))
    judged = judged_on_one_question({"one": open_one, "two": open_one, "three": Finding(found_of(0.001))})
    assert judged["p_holm"].tolist() == pytest.approx([1, 1, 0.003])
    level = 0.05 / 3
    assert judged["replicas_needed"].tolist() == pytest.approx(
        [replicas_needed(found_of(0.5), level)] * 2 + [nan], nan_ok=True
    )
    assert judged["effect_least"].tolist() == pytest.approx(
        [least_effect(open_one.evidence, level)] * 2 + [nan], nan_ok=True
    )


def test_a_verdict_that_needs_no_evidence_is_never_provisional():
    judged = judged_on_one_question({"sums": Finding(verdict="supported", because="units 10")})
    assert judged["provisional"].tolist() == [""]
    assert judged["test"].tolist() == [""]


@pytest.mark.parametrize("findings", [{}, {"vague": Finding(verdict="not testable", because="vague")}])
def test_a_ledger_with_nothing_tested(findings):
    judged = judged_on_one_question(findings)
    assert list(judged) == COLUMNS
    assert judged["claim"].tolist() == list(findings)
    assert judged["p_holm"].isna().all()


# ------------------------------------------------------------------------------------------------------- the recipe


def test_every_experiment_and_analysis_has_tables_of_its_own_on_its_nets(experiment):
    nets = {key: replace(experiment(), key=key) for key in ("d-a", "d-b")}
    line = ("batch_size", [4.0, 8.0])
    looks = {"d-a": Look("d-a", None), "d-line": Look("d-a", line), "d-b": Look("d-b", None)}
    claims = {"d-one": sentence("depth", ordering=HIGHER)}
    conclusions = Conclusions(3, "small", experiments=nets, looks=looks, claims=claims, stated={}, made_by="1a2b")
    assert conclusions.questions == {"d-one": "depth"}
    about = {"claim": "d-one", "report": "d", "experiment": "d-a", "nets": "d-a", "kind": "ordering", "scale": "small"}
    assert conclusions.said("d") == [about | {"quote": "the test loss is higher"}]
    found = conclusions.tables()
    assert found == {
        "d-a": Tables("d-a", nets["d-a"], "small"),
        "d-line": Tables("d-line", nets["d-a"], "small", line),
        "d-b": Tables("d-b", nets["d-b"], "small"),
    }
    assert all(found[key].experiment is nets[look.nets] for key, look in looks.items())


@pytest.fixture(scope="module")
def committed():
    """What each report of the repository concludes."""
    with chdir(ROOT):
        recipes = all_recipes()
    return {
        path.stem: TypeAdapter(Conclusions).validate_python(json.loads(text)["settings"])
        for path, text in recipes.items()
        if path.parent.name == "claims"
    }


def test_every_report_of_the_repository_has_claims_that_can_be_put_to_the_test(committed):
    assert set(committed) == {path.stem for path in ROOT.glob("reports/*.yaml")}
    for report, conclusions in committed.items():
        tables = conclusions.tables()
        for key, one in conclusions.claims.items():
            there = tables[one.experiment]
            assert (there.key, there.scale) == (one.experiment, conclusions.scale)
            assert {name.partition("-")[0] for name in (key, one.experiment, there.experiment.key)} == {report}
            if one.test.arithmetic:
                assert find(one.test, there, seed=0).verdict in ("supported", "refuted")


# ----------------------------------------------------------------------------------------------------- on other nets


def test_a_claim_is_put_to_other_nets_as_well_which_decide_nothing(tables, monkeypatch):
    one, other = found_of(0.01, low=-1.0, high=1.0), found_of(0.9, effect=0.25, low=-2.0, high=3.0)
    compared = sentence(ordering=HIGHER).test.comparisons[0]
    by_key = {"d-a": Finding(one, because="a remark", weakest=compared), "d-b": Finding(other)}
    monkeypatch.setattr(module, "find", lambda test, tables, seed: by_key[tables.key])
    there = {key: replace(tables, key=key) for key in by_key}
    claims = {"d-one": sentence(ordering=HIGHER), "d-two": replace(sentence(ordering=HIGHER), again="d-b")}
    found = find_all(claims, there, seed=0)
    assert found["d-one"] == by_key["d-a"]
    assert found["d-two"].evidence == one
    assert found["d-two"].because == "a remark; with d-b: effect 0.25 (-2 to 3), outcomes spread 1 times as far"
    by_key["d-b"] = Finding(verdict="not testable", because="too short")
    assert find_all(claims, there, seed=0)["d-two"].because == "a remark; with d-b: too short"
