"""The files that hold the verdicts: of each report, and of all."""

import json
from dataclasses import replace
from math import inf, nan

import pandas as pd
import pytest

from netclaims.claims.evidence import Evidence
from netclaims.claims.judge import Finding, judge
from netclaims.claims.ledger import (
    COLUMNS,
    JUDGED,
    SAID,
    counts,
    gather,
    stated_of,
    verdicts_of,
    write_ledger,
    write_verdicts,
)
from netclaims.claims.verdicts import VERDICTS
from netclaims.errors import DataError
from netclaims.files import read_csv

ONE = Evidence(0.5, 1 / 3, inf, "difference", (0.0, inf), 5, p_for=5e-10, p_against=1.0, test="t-test",
               sample=(0.3, 0.4, 0.5, 0.6, 0.7))  # fmt: skip
TWO = Evidence(-0.5, -1.0, 2.0, "ratio", (-0.1234567, 0.1234567), 3, p_for=1.0, p_against=5e-8, test="sign test")
FINDINGS = {
    "d-one": Finding(ONE, provisional="3 of 50 epochs"),
    "d-two": Finding(verdict="not testable", because="vague"),
    "e-one": Finding(TWO),
    "d-three": Finding(replace(ONE, low=nan, high=nan, replicas=1, p_for=nan, p_against=nan)),
    "e-two": Finding(verdict="supported", because="units 10"),
}
NOTHING = "," * len(JUDGED)  # in the columns of what was tested on data
CLAIMS = [{"claim": key, "report": key[0], "experiment": f"{key[0]}-a", "kind": "ordering", "quote": f"{key}, she said"}
          for key in FINDINGS]  # fmt: skip


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Leaves the table of a report as the stage that judges its claims does."""
    monkeypatch.chdir(tmp_path)

    def write(report: str, findings=FINDINGS, scale="small", nets=None, trained=True) -> str:
        mine = {key: finding for key, finding in findings.items() if key[0] == report}
        about = {"nets": nets or f"{report}-a", "scale": scale}
        said = [claim | about for claim in CLAIMS if claim["claim"] in mine]
        metrics = tmp_path / "metrics" / report / f"{nets or report + '-a'}.json"
        metrics.parent.mkdir(parents=True, exist_ok=True)
        about = {"scale": "another", "data": "Noise", "epochs": 3, "epochs_stated": 50}
        if trained:
            metrics.write_text(json.dumps(about))
        write_verdicts(report, said, judge(dict.fromkeys(mine, "capacity"), mine))
        return (tmp_path / verdicts_of(report)).read_text(encoding="utf-8")

    return write


@pytest.fixture
def written(tmp_path):
    """What gathering claims leaves: the table, its text and the numbers."""

    def write(claims=CLAIMS, scale="small") -> tuple[pd.DataFrame, str, dict]:
        write_ledger(gather(claims, scale), scale)
        text = (tmp_path / "plots" / "claims.csv").read_text(encoding="utf-8")
        metrics = (tmp_path / "metrics" / "claims.json").read_text(encoding="utf-8")
        assert "Infinity" not in metrics
        assert "NaN" not in metrics
        return read_csv(tmp_path / "plots" / "claims.csv"), text, json.loads(metrics)

    return write


# -------------------------------------------------------------------------------------------------------- of a report


def test_where_they_lie():
    assert verdicts_of("d").as_posix() == "plots/claims/d.csv"
    assert stated_of("d").as_posix() == "metrics/stated/d.json"


def test_the_table_of_a_report_has_a_row_for_each_of_its_claims(judged):
    lines = judged("d").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    about = "d,d-a,ordering,small,Noise,3,50"
    numbers = ",,difference,0.5,0.333333,,0,,5,t-test,1e-09,1e-09,0,0.265947,,supported,,3 of 50 epochs"
    assert lines[1] == f'd-one,{about},"d-one, she said",{numbers}'
    assert lines[2] == f'd-two,{about},"d-two, she said",{NOTHING}not testable,vague,'
    assert [line[:7] for line in lines[3:]] == ["d-three"]


def test_numbers_are_those_of_the_nets_that_an_analysis_looks_at(judged):
    """Not of its own name, under which training left no metrics."""
    assert ",d-a,ordering,small,Noise,3,50," in judged("d", nets="d-b")


def test_of_nets_that_were_not_trained_there_is_nothing_to_say(judged):
    found = judged("d", {"d-one": Finding(verdict="not run", because="train@d-a has not run")}, trained=False)
    about = 'd-one,d,d-a,ordering,small,,,,"d-one, she said"'
    assert found.splitlines()[1] == f"{about},{NOTHING}not run,train@d-a has not run,"


def test_what_is_not_decided_has_the_replicas_that_would_do(judged):
    """4 of 5 signs: 3 / √5 = 1.341641; (2.241403 / 1.341641)² x 5 = 13.96, at 0.025 for each of two claims."""
    few = Finding(replace(ONE, p_for=6 / 32, p_against=31 / 32, test="sign test"))
    line = judged("d", {"d-one": few, "d-two": FINDINGS["d-one"]}).splitlines()[1]
    assert line.endswith(",5,sign test,0.375,0.375,0.0625,,14,undecided,5 replicas are too few for a sign test,")


def test_a_report_without_claims(judged, written):
    assert judged("d", {}) == ",".join(COLUMNS) + "\n"
    assert written([])[0].empty


# ------------------------------------------------------------------------------------------------------------- of all


def test_the_ledger_has_the_rows_of_all_reports_in_the_order_of_the_claims(judged, written):
    parts = {report: judged(report).splitlines() for report in "de"}
    table, text, _ = written()
    assert list(table) == COLUMNS == [*SAID, *JUDGED, "verdict", "because", "provisional"]
    rows = {line.partition(",")[0]: line for lines in parts.values() for line in lines}
    assert text.splitlines() == [rows[key] for key in ("claim", *FINDINGS)]
    assert table["verdict"].tolist() == ["supported", "not testable", "refuted", "undecided", "supported"]
    assert table["p_holm"].tolist() == pytest.approx([1e-9, nan, 1e-7, nan, nan], nan_ok=True)
    assert table["provisional"].fillna("").tolist() == ["3 of 50 epochs", "", "", "", ""]
    assert "-0.123457,0.123457,3,sign test,1e-07,1e-07,0.25,,,refuted" in text
    assert "inf" not in text


def test_the_numbers_have_the_verdicts_by_report(judged, written):
    judged("d")
    judged("e")
    assert written()[2] == {
        "scale": "small",
        "claims": 5,
        "tested": 2,
        "counts": {"supported": 2, "refuted": 1, "undecided": 1, "not testable": 1, "not run": 0},
        "provisional": {"supported": 1, "refuted": 0, "undecided": 0, "not testable": 0, "not run": 0},
        "verdicts": {
            "d": {"d-one": "supported", "d-two": "not testable", "d-three": "undecided"},
            "e": {"e-one": "refuted", "e-two": "supported"},
        },
        "power": {"d": {"d-one": {"effect_least": 0.265947}}, "e": {"e-one": {"p_least": 0.25}}},
    }


@pytest.mark.parametrize(
    ("scale", "because"), [(None, "claims@e has not run"), ("quick", "claims@e has not run at the small scale")]
)
def test_claims_of_a_report_that_was_not_judged_or_at_another_scale_were_not_run(scale, because, judged, written):
    judged("d")
    if scale:
        judged("e", scale=scale)
    table, text, numbers = written()
    assert table["verdict"].tolist() == ["supported", "not testable", "not run", "undecided", "not run"]
    assert f'e-one,e,e-a,ordering,small,,,,"e-one, she said",{NOTHING}not run,{because},\n' in text
    assert "d-one,d,d-a,ordering,small,Noise,3,50," in text  # as if all were there
    assert numbers["counts"] == {"supported": 1, "refuted": 0, "undecided": 1, "not testable": 1, "not run": 2}
    assert (numbers["claims"], numbers["tested"]) == (5, 1)
    assert numbers["verdicts"]["e"] == {"e-one": "not run", "e-two": "not run"}


def test_a_claim_that_is_newer_than_the_table_of_its_report_was_not_run(judged, written):
    judged("d", {"d-one": FINDINGS["d-one"]})
    table, _, _ = written([claim for claim in CLAIMS if claim["report"] == "d"])
    assert table["verdict"].tolist() == ["supported", "not run", "not run"]


def test_a_damaged_table_is_told(judged):
    judged("d")
    verdicts_of("d").write_text('"')
    with pytest.raises(DataError, match=r"^plots/claims/d\.csv: not as its stage wrote it"):
        gather(CLAIMS, "small")


def test_a_ledger_without_claims(judged, written):
    table, _, numbers = written([])
    assert (len(table), list(table)) == (0, COLUMNS)
    assert (numbers["claims"], numbers["tested"], numbers["verdicts"]) == (0, 0, {})


def test_counts():
    assert counts([]) == dict.fromkeys(VERDICTS, 0)
    found = counts(["refuted", "supported", "not testable", "refuted", "undecided", "refuted", "not run"])
    assert found == {"supported": 1, "refuted": 3, "undecided": 1, "not testable": 1, "not run": 1}
    assert list(found) == list(VERDICTS)
    assert counts(pd.Series(["supported"]))["supported"] == 1
