"""docs/claims.md: every claim once, with what was found, where to look, and what other reports say."""

import json
import re
from dataclasses import asdict, replace
from math import inf, nan
from pathlib import Path

import pandas as pd
import pytest

from netclaims.claims.evidence import Evidence
from netclaims.claims.judge import Finding, judge
from netclaims.claims.ledger import gather, write_ledger, write_verdicts
from netclaims.claims.verdicts import VERDICTS
from netclaims.paper.folder import RESULTS
from netclaims.paths import FIGURES
from netclaims.present.claims_page import CLAIMS_PAGE, MARKS, claims_page
from netclaims.present.shown_claim import ShownClaim

ROOT = Path(__file__).parents[2]
ABOVE = (0.0, inf)


def claim(report="a", kind="trend", **changes) -> ShownClaim:
    tested = kind == "trend"
    said = {"report": report, "quote": f"it falls in {report}", "part": "3-3", "experiment": f"{report}-nets",
            "question": "capacity", "answer": f"it does, says {report}", "figure": "loss" if tested else None,
            "read": "As it says."}  # fmt: skip
    return ShownClaim(**said | changes, kind=kind, tested=tested)


def found(effect=0.5, low=0.4, high=0.6, unit="rho", p_for=1e-9, p_against=1.0, claimed=ABOVE, replicas=5) -> Finding:
    return Finding(Evidence(effect, low, high, unit, claimed, replicas, p_for, p_against, "t-test"))


SUPPORTED, REFUTED = found(), found(-0.5, -0.6, -0.4, p_for=1.0, p_against=1e-9)
UNDECIDED = found(0.1, -0.2, 0.4, p_for=0.3, p_against=0.7)
UNTESTABLE = Finding(verdict="not testable", because="nobody made that run")


@pytest.fixture
def tabled(tmp_path, monkeypatch):
    """`plots/claims.csv` of these claims and what was found of each, as it is read back."""
    monkeypatch.chdir(tmp_path)

    def table(entries: dict[str, tuple[ShownClaim, Finding]], **about) -> pd.DataFrame:
        about = {"scale": "quick", "data": "Some digits", "epochs": 25, "epochs_stated": 25} | about
        for entry, _ in entries.values():
            path = Path("metrics", entry.report, f"{entry.report}-nets.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(about))
        claims = {key: entry for key, (entry, _) in entries.items()}
        for report in {entry.report for entry in claims.values()}:
            mine = {key: entry for key, entry in claims.items() if entry.report == report}
            said = [{"claim": key, "nets": entry.experiment, "scale": "quick"} | asdict(entry)
                    for key, entry in mine.items()]  # fmt: skip
            questions = {key: entry.question for key, entry in mine.items()}
            write_verdicts(report, said, judge(questions, {key: entries[key][1] for key in mine}))
        write_ledger(gather([{"claim": key} | asdict(entry) for key, entry in claims.items()], "quick"), "quick")
        return pd.read_csv("plots/claims.csv")

    return table


@pytest.fixture
def page(tabled):
    def make(entries, scale="quick", **about) -> str:
        return claims_page({key: entry for key, (entry, _) in entries.items()}, tabled(entries, **about), scale)

    return make


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^##? (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def cells(line: str) -> list[str]:
    """The cells of a line of a table; an escaped bar ends none."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(text: str) -> list[list[list[str]]]:
    """Every table: its lines of cells, the rule below the head left out."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[cells(line) for line in block.splitlines() if not re.fullmatch(r"[| -]+", line)] for block in blocks]


def rows(text: str) -> dict[str, list[str]]:
    """The line of each claim, by the claim's name."""
    lines = [line for table in tables(text) for line in table]
    return {re.search(r'<a id="([^"]*)">', line[0])[1]: line for line in lines if "<a id=" in line[0]}


EVERY = {
    "a-one": (claim(), SUPPORTED),
    "a-two": (claim(question="overfitting"), REFUTED),
    "a-word": (claim(kind="definition"), UNTESTABLE),
    "b-one": (claim("b"), UNDECIDED),
    "b-two": (claim("b", question="sharpness"), UNTESTABLE),
    "b-count": (claim("b", "arithmetic", question="overfitting"),
                Finding(verdict="supported", because="n 1")),
    "c-one": (claim("c"), REFUTED),
    "c-again": (claim("c", answer="or it does not"), UNDECIDED),
    "c-two": (claim("c", question="sharpness"), SUPPORTED),
}  # fmt: skip


def test_every_claim_is_there_once_under_its_report(page):
    text = page(EVERY)
    assert re.findall(r'<a id="([^"]*)">', text) == list(EVERY)
    for report in "abc":
        here = rows(sections(text)[f"Report {report}"])
        assert list(here) == [key for key in EVERY if key.startswith(report)]
        for key, line in here.items():
            entry = EVERY[key][0]
            assert line[0].endswith(f"“{entry.quote}”")
            assert line[1].startswith(f"[{report}-nets](" if entry.tested else f"{entry.kind}, `{report}-nets`")


def test_every_link_leads_somewhere(page):
    text = page(EVERY)
    anchors = re.findall(r"\]\(#([^)]*)\)", text)
    assert len(anchors) == 6
    assert all(text.count(f'<a id="{anchor}">') == 1 for anchor in anchors)
    shown = {key: re.findall(r"\[([^]]*)\]\((\.\./[^)]*)\)", line[1]) for key, line in rows(text).items()}
    for key, (entry, _) in EVERY.items():
        figure = FIGURES / key[0] / f"{key[0]}-nets" / "loss.svg"
        assert shown[key] == ([(f"{key[0]}-nets", f"../{figure}")] if entry.tested else [])
    others = set(re.findall(r"\]\(([^#)][^)]*)\)", text)) - {link for links in shown.values() for _, link in links}
    of_paper = f"../{RESULTS}/docs/claims.md"  # named by the page at the root alone
    assert others == {f"../{FIGURES}/claims.svg", of_paper}
    assert Path("docs") == CLAIMS_PAGE.parent  # from which they lead


def test_a_claim_without_a_comparison_names_its_experiment(page):
    found = rows(page(EVERY))
    assert found["a-word"][1] == "definition, `a-nets`"
    assert found["b-count"][1] == "arithmetic, `b-nets`"


def test_the_counts_add_up(page):
    (counts,) = tables(sections(page(EVERY))["Which claims hold"])
    assert counts == [
        ["report", *VERDICTS],
        ["a", "1", "1", "0", "1", "0"],
        ["b", "1", "0", "1", "1", "0"],
        ["c", "1", "1", "1", "0", "0"],
        ["all", "3", "2", "2", "2", "0"],
        ["of these arithmetic or a definition", "1", "0", "0", "1", "0"],
        ["of these provisional", "0", "0", "0", "0", "0"],
    ]


def test_provisional_verdicts_are_counted_and_say_why(page):
    few = {"provisional": "3 of 50 epochs; 4,000 of 60,000 images | some"}
    entries = EVERY | {
        "a-one": (claim(), replace(SUPPORTED, **few)),
        "b-one": (claim("b"), replace(UNDECIDED, because="1 of 5 nets did not learn (A)", **few)),
        "c-one": (claim("c"), replace(REFUTED, **few)),
        "c-two": (claim("c", question="sharpness"), replace(SUPPORTED, **few)),
    }
    text = page(entries)
    (counts,) = tables(sections(text)["Which claims hold"])
    assert counts[-3] == ["all", "3", "2", "2", "2", "0"]
    assert counts[-1] == ["of these provisional", "2", "1", "1", "0", "0"]
    verdicts = {key: line[3] for key, line in rows(text).items()}
    why = "<br>*3 of 50 epochs*; *4,000 of 60,000 images \\| some*"
    assert verdicts["a-one"] == f"✔ supported provisionally{why}"
    both = "? undecided provisionally: the interval reaches both sides"
    assert verdicts["b-one"] == f"{both}{why}; *up to 1 of 5 nets not learnt*"
    assert [key for key, verdict in verdicts.items() if " provisionally" in verdict] == [
        *("a-one", "b-one", "c-one", "c-two"),
    ]


@pytest.mark.parametrize(
    ("provisional", "said"),
    [
        ("3 of 2,500 epochs", "*3 of 2,500 epochs*"),
        ("4,000 of 60,000 images", "*on 4,000 of 60,000 images*"),
        ("3 of 50 epochs; some digits in place of MNIST", "*3 of 50 epochs*; *on some digits in place of MNIST*"),
        ("1,000 images", "*on 1,000 images*"),
    ],
)
def test_on_how_little_training_a_verdict_rests(provisional, said, page):
    line = rows(page({"a-one": (claim(), replace(SUPPORTED, provisional=provisional))}))["a-one"]
    assert line[3] == f"✔ supported provisionally<br>{said}"


@pytest.mark.parametrize(
    ("because", "said"),
    [
        ("not at this scale: hardly learnt in 3 of 2,500 epochs (A)", "*3 of 2,500 epochs*; *not learnt: at chance*"),
        ("not at this scale: 12 steps, 0.1 of 50 epochs", "*0.1 of 50 epochs*"),
        ("10 of the 25 epochs it speaks of", "*10 of 25 epochs*"),
        ("2 of 2 nets did not learn (A)", "*not learnt: at chance*"),
        ("1 of 5 nets did not learn (A); 2 of 4 nets did not learn (B)", "*up to 2 of 4 nets not learnt*"),
    ],
)
def test_a_reason_that_is_little_training_is_said_in_few_words(because, said, page):
    line = rows(page({"a-one": (claim(), replace(UNTESTABLE, because=because))}))["a-one"]
    assert line[3] == f"– not testable<br>{said}"


def test_replicas_that_are_left_out_are_told(page):
    found = Finding(
        replace(SUPPORTED.evidence, remark="not monotone; 15 of 20 replicas left out: a value is undefined")
    )
    line = rows(page({"a-one": (claim(), found)}))["a-one"]
    assert line[3].endswith(": 15 of 20 replicas left out: a value is undefined")


def test_verdicts_are_told_apart_and_say_why(page):
    assert list(MARKS) == list(VERDICTS)
    assert len({mark[0] for mark in MARKS.values()}) == len(MARKS)
    verdicts = {key: line[3] for key, line in rows(page(EVERY)).items()}
    assert verdicts["a-one"] == "✔ supported"
    assert verdicts["a-two"] == "✘ refuted"
    assert verdicts["a-word"] == "– not testable: nobody made that run"
    assert verdicts["b-one"] == "? undecided: the interval reaches both sides"
    assert verdicts["b-count"] == "✔ supported: n 1"


# ------------------------------------------------------------------------------------------------------ several reports


def questions(text: str) -> list[list[str]]:
    (table,) = tables(sections(text)["The same question, several reports"])
    return table


def test_answers_to_one_question_stand_side_by_side(page):
    head, *lines = questions(page(EVERY))
    assert head == ["question", "a", "b", "c"]
    assert lines == [
        ["**What do more parameters bring?**", "✔ [it does, says a](#a-one)", "? [it does, says b](#b-one)",
         "✘ [it does, says c](#c-one)<br>? [or it does not](#c-again)"],
        ["**Do large batches end in sharper minima?**", "", "– [it does, says b](#b-two)",
         "✔ [it does, says c](#c-two)"],
    ]  # fmt: skip


def test_a_question_that_one_report_alone_tests_is_left_out(page):
    """Overfitting: the other report's answer is a matter of arithmetic."""
    assert "Do large nets overfit?" not in page(EVERY)
    both = EVERY | {"b-low": (claim("b", question="overfitting"), UNDECIDED)}
    assert "**Do large nets overfit?**" in page(both)


def test_a_page_of_one_report(page):
    text = page({key: entry for key, entry in EVERY.items() if key.startswith("c")})
    assert list(rows(text)) == ["c-one", "c-again", "c-two"]
    assert "[or it does not]" not in text
    assert "Report a" not in text
    (counts,) = tables(sections(text)["Which claims hold"])
    assert counts[:3] == [["report", *VERDICTS], ["c", "1", "1", "1", "0", "0"], ["all", "1", "1", "1", "0", "0"]]
    assert counts[4:] == [["of these provisional", "0", "0", "0", "0", "0"]]


# ------------------------------------------------------------------------------------------------------------- the head


def test_the_head_says_on_what_the_claims_were_tested(page):
    text = page(EVERY)
    assert "at the **quick** scale, on little data" in text
    assert "\n6 claims are tested on data." in text
    assert f"![Effects and intervals of all tested claims](../{FIGURES}/claims.svg)" in text


@pytest.mark.parametrize(("scale", "warned"), [("smoke", True), ("quick", True), ("paper", False)])
def test_a_scale_that_is_not_the_reports_is_warned_of(scale, warned, page):
    text = page(EVERY, scale)
    assert f"at the **{scale}** scale" in text
    assert ("fewer epochs than the reports took" in text) == warned


def test_a_single_claim_is_one_in_words(page):
    tested = next(name for name in EVERY if "1 claim is tested on data." in page({name: EVERY[name]}))
    assert "claims are tested" not in page({tested: EVERY[tested]})


def test_nothing_tested_at_all(page):
    text = page({"a-word": EVERY["a-word"], "b-word": (claim("b"), UNTESTABLE)})
    assert "\n0 claims are tested on data." in text
    assert [line[2] for line in rows(text).values()] == ["", ""]
    assert "nan" not in text


# -------------------------------------------------------------------------------------------------------------- effects


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (found(0.51234, 0.4, 0.6), "ρ = 0.512 [0.4, 0.6]"),
        (found(-0.5, -0.75, -0.25, "rank"), "rank difference −0.5 [−0.75, −0.25]"),
        (found(2.5, 1.25, 5, "ratio"), "× 2.5 [1.25, 5]"),
        (found(123456.0, 1000, 1e7, "ratio"), "× 123,456 [1,000, 1·10⁷]"),
        (found(-0.001234, -0.002, -5e-7, "difference"), "difference −0.00123 [−0.002, −5·10⁻⁷]"),
        (found(1.5, 1, 2, "height"), "1.5 [1, 2] standard deviations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_effect_has_its_unit_and_its_interval(finding, said, page):
    assert rows(page({"a-one": (claim(), finding)}))["a-one"][2] == f"{said}<br>p < 0.0001 (t-test), 5 replicas"


def test_p_values_allow_for_the_number_of_claims(page):
    entries = {f"a-{i}": (claim(), found(p_for=0.01)) for i in range(4)}
    said = "p = 0.08 (t-test), 5 replicas<br>about 6 replicas would decide"  # (2.497705 / 2.326348)² x 5 = 5.76
    assert {line[2] for line in rows(page(entries)).values()} == {f"ρ = 0.5 [0.4, 0.6]<br>{said}"}


def test_what_is_not_decided_says_which_test_it_was_and_how_many_replicas_would_do(page):
    """(1.959964 / 0.524401)² x 5 = 69.8, as p 0.6 is that of a deviate of 0.524401."""
    line = rows(page({"b-one": EVERY["b-one"]}))["b-one"]
    assert line[2] == "ρ = 0.1 [−0.2, 0.4]<br>p = 0.6 (t-test), 5 replicas<br>about 70 replicas would decide"
    signs = Finding(replace(SUPPORTED.evidence, test="sign test", p_for=1 / 32))
    line = rows(page({"b-one": (claim("b"), signs)}))["b-one"]
    assert line[2].endswith("(sign test), 5 replicas<br>5 can show no p below 0.062<br>about 6 replicas would decide")
    assert line[3] == "? undecided: 5 replicas are too few for a sign test"


def test_one_replica_has_an_effect_and_no_more(page):
    line = rows(page({"a-one": (claim(), found(0.5, nan, nan, p_for=nan, p_against=nan, replicas=1))}))["a-one"]
    assert line[2:] == ["ρ = 0.5", "? undecided: fewer than two replicas"]


@pytest.mark.parametrize("ends", [(-inf, inf), (-inf, 0.6), (0.4, inf), (nan, nan), (0.4, nan)])
@pytest.mark.parametrize("unit", ["difference", "ratio"])
def test_an_interval_without_ends_is_left_out(ends, unit, page):
    line = rows(page({"a-one": (claim(), found(0.5, *ends, unit))}))["a-one"]
    assert line[2] == f"{'× ' if unit == 'ratio' else 'difference '}0.5<br>p < 0.0001 (t-test), 5 replicas"


def test_no_replica_is_no_effect(page):
    empty = found(nan, nan, nan, "ratio", nan, nan, replicas=0)
    line = rows(page({"a-one": (claim(), empty), "a-two": (claim(), SUPPORTED)}))["a-one"]
    assert line[2:] == ["", "? undecided: fewer than two replicas"]


# ------------------------------------------------------------------------------------------------------------ any words


WORDS = [
    "a | b",
    "a < b > c",
    "10<sup>2</sup>",
    "*bold* and _slanted_",
    "`code` and [link](#a-one)",
    "\\ and \\|",
    "<br>",
    "a & b &lt; c",
    "$x$",
]


def shown(text: str) -> str:
    """What a reader sees of a cell: escaped signs are signs."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text).replace("&amp;", "&")


@pytest.mark.parametrize("words", WORDS)
def test_words_of_a_report_are_shown_as_they_are(words, page):
    entries = {"a-one": (claim(quote=words, read=words, answer=words), Finding(verdict="not testable", because=words)),
               "b-one": (claim("b", answer=words), SUPPORTED)}  # fmt: skip
    text = page(entries)
    for table in tables(text):
        assert {len(line) for line in table} == {len(table[0])}
    line = rows(text)["a-one"]
    plain = re.sub(r"(?<!\\)([*_<>`\[\]])", "\0", line[0].removeprefix('<a id="a-one"></a>'))
    assert "\0" not in plain  # nothing that means more to Markdown than itself
    assert shown(line[0]) == f'<a id="a-one"></a>“{words}”'
    assert shown(line[3]) == f"– not testable: {words}"
    assert shown(questions(text)[1][1]) == f"– [{words}](#a-one)"


@pytest.mark.parametrize("words", ["in two\nlines", "in two\n\nparagraphs", " at its ends \n"])
def test_a_cell_is_one_line(words, page):
    text = page({"a-one": (claim(read=words, quote=words, answer=words), UNTESTABLE), "b-one": EVERY["b-one"]})
    said = " ".join(words.split())
    assert rows(text)["a-one"][0].endswith(f"“{said}”")
    assert f"[{said}](#a-one)" in questions(text)[1][1]


def test_what_was_not_run_has_a_row_without_numbers(tabled):
    table = tabled(EVERY | {"d-one": (claim("d"), Finding(verdict="not run", because="train@d-nets has not run"))},
                   epochs=1000, epochs_stated=2000)  # fmt: skip
    late = table["report"] == "d"
    table.loc[late, ["data", "epochs", "epochs_stated"]] = None
    claims = {key: entry for key, (entry, _) in EVERY.items()} | {"d-one": claim("d")}
    found = rows(claims_page(claims, table, "quick"))
    assert found["d-one"][1] == "`d-nets`"  # without a link: no figure was drawn
    assert found["d-one"][2:] == ["", "○ not run: train@d-nets has not run"]
