"""Verdicts at other thresholds: which there are in a test, and what becomes of them."""

from functools import partial

import pytest

from netclaims.claims.entries import ClaimTest
from netclaims.claims.judge import find, judge
from netclaims.claims.thresholds import at_thresholds, readings
from netclaims.files import write_json
from netclaims.paths import metrics_of

ACCURACY, LOSS = {"of": "nets.train_accuracy"}, {"of": "nets.train_loss"}


def found(**test) -> list[tuple[str, str]]:
    return [(name, value) for name, value, _ in readings(ClaimTest.model_validate(test))]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"ordering": {"lower": LOSS, "than": 0.2}}, [("than", v) for v in ("0.2", "0.05", "0.1", "0.4", "0.8")]),
        # What an accuracy lacks to 1 is scaled.
        ({"ordering": {"higher": ACCURACY, "than": 0.99}},
         [("than", v) for v in ("0.99", "0.9975", "0.995", "0.98", "0.96")]),
        ({"ordering": {"higher": ACCURACY, "than": 0.8}}, [("than", v) for v in ("0.8", "0.95", "0.9", "0.6", "0.2")]),
        # Four times as far from 1 there is no accuracy.
        ({"ordering": {"higher": ACCURACY, "than": 0.7}}, [("than", v) for v in ("0.7", "0.925", "0.85", "0.4")]),
        # Of shares alone: half an eigenvalue is none, and no share of places is more than all of them.
        ({"ordering": {"higher": {"of": "hessian.negative"}, "than": 0.5}},
         [("than", v) for v in ("0.5", "0.125", "0.25", "1", "2")]),
        ({"ordering": {"higher": {"of": "history.train_loss", "take": "turns"}, "than": 0.3}},
         [("than", v) for v in ("0.3", "0.075", "0.15", "0.6")]),
        # Several are one kind, and 0 and other sides are none.
        ({"ordering": [{"lower": LOSS, "than": [0.2, 0]}, {"lower": LOSS, "than": 0.3}]},
         [("than", v) for v in ("0.2, 0.3", "0.05, 0.075", "0.1, 0.15", "0.4, 0.6", "0.8, 1.2")]),
        ({"ordering": {"lower": LOSS, "than": [0, ACCURACY]}}, []),
        ({"trend": {"falls": LOSS, "along": "batch_size"}}, []),
        # Margins are scaled as they are, and a number of epochs is none.
        ({"equivalence": {"of": LOSS, "to": 0.9, "within": 0.6}},
         [("within", v) for v in ("0.6", "0.15", "0.3", "1.2", "2.4")]),
        ({"ordering": {"lower": {"of": "history.train_loss", "until": {"fallen": 0.95}}, "than": 36}},
         [("fallen", v) for v in ("0.95", "0.9875", "0.975", "0.9", "0.8")]),
        ({"trend": {"falls": {"of": "sensitivity.loss_by_input"}, "along": "batch_size"}},
         [("sensitivity", v) for v in ("loss_by_input", "output_by_input", "loss_by_parameters")]),
        ({"trend": {"falls": {"of": "sensitivity.loss_by_parameters"}, "along": "batch_size"}},
         [("sensitivity", v) for v in ("loss_by_parameters", "loss_by_input", "output_by_input")]),
    ],
)  # fmt: skip
def test_thresholds_of_a_test(test, expected):
    assert found(**test) == expected


def test_a_test_as_read_is_itself_and_others_differ_in_the_threshold_alone():
    test = ClaimTest.model_validate({"ordering": {"lower": LOSS | {"where": {"batch_size": 16}}, "than": 0.2}})
    (_, _, same), (_, _, other), *_ = readings(test)
    assert same == test
    assert other.ordering[0].than == [0.05]
    assert other.ordering[0].lower == test.ordering[0].lower


def test_verdicts_go_over_where_the_data_are(leave, experiment):
    losses = [0.3, 0.31, 0.29, 0.3, 0.31, 0.3]
    tables = leave(experiment(), lambda net: {"train_loss": losses[net["replica"]]}, replicas=6)
    write_json(metrics_of("d-a"), {"scale": "small", "epochs": 1, "epochs_stated": 1, "data": "Noise"})
    tests = {
        "low": ClaimTest.model_validate({"ordering": {"lower": LOSS, "than": 0.2}}),
        "gone": ClaimTest.model_validate({"ordering": {"lower": LOSS | {"where": {"batch_size": 7}}, "than": 0.2}}),
        "said": ClaimTest.model_validate({"untestable": "Nobody made that run."}),
    }
    findings = {key: find(test, tables, 0) for key, test in tests.items()}
    judged = partial(judge, dict.fromkeys(tests, "capacity"))
    table = at_thresholds(tests, findings, lambda key, test: find(test, tables, 0), judged)
    assert set(table["claim"]) == {"low"}
    assert table[["value", "verdict"]].to_numpy().tolist() == [
        ["0.2", "refuted"], ["0.05", "refuted"], ["0.1", "refuted"], ["0.4", "supported"], ["0.8", "supported"]
    ]  # fmt: skip
    assert table["read"].tolist() == [True, *[False] * 4]
