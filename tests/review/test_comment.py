"""The comment says the most telling first, keeps to its limit, and nothing in it can be mistaken for Markdown."""

import re
from dataclasses import replace

import pytest

from netclaims.review.base import Base
from netclaims.review.changes import Change, Changes, FigurePair
from netclaims.review.comment import comment, summary
from netclaims.review.reruns import Rerun
from netclaims.review.verdicts import Flip

LIMIT = 65_536  # of GitHub
LINK = "https://example.org/runs/1"
NOTHING = Changes(Base("0123456789abcdef" * 2, "first"), 90, [], [], [], [], [], {})
FLIP = Flip("a-claim", "a-experiment", "deeper is better", "supported", "refuted", ["ρ = 0.9", "p = 0.01"], [])
EVERYTHING = replace(
    NOTHING,
    reruns=[
        Rerun("train@a", "other results", ["batch_size: 64 → 1024", "src/train.py"]),
        Rerun("train@b", "same results", ["batch_size: 64 → 1024"]),
        Rerun("fit@a", "other results", [], ["train@a"]),
        Rerun("train@c", "new"),
        Rerun("train@d", "gone"),
    ],
    flips=[FLIP],
    parameters=[Change("params.yaml", "batch_size", 64, 1024)],
    metrics=[Change("metrics/a.json", "loss.mean", 1.0, 2.0, 2.0), Change("metrics/a.json", "data", "one", "two")],
    figures=[FigurePair("a/a/loss", "<svg/>", None)],
    plots={"plots/a/a/final.csv": {}},
    recipes={"new": ["train/c", "claims"], "gone": ["train/d"]},
)
HOSTILE = "a|b || c\\| `d` ` ```e``` @octocat &#64;octocat #1 <b>f</b>\n\n| g | h |\n# i *j* _k_ [l](m) ~~n~~ $o$"


def tables(text: str) -> list[list[list[str]]]:
    """The cells of every table: rows of lines that begin with a bar, split at every bar that no backslash escapes."""
    found = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()] for table in found]


def outside_code(text: str) -> str:
    """The text without its spans of code, in which a backslash escapes nothing."""
    lines = [re.sub(r"(\\.)|`[^`]*`", r"\1", line) for line in text.splitlines()]
    assert [line for line in lines if re.search(r"(?<!\\)`", line)] == []
    return "\n".join(lines)


def test_verdicts_come_first_even_when_results_are_not_in_step():
    text = comment(replace(EVERYTHING, incomparable=["Of *then*."]), ["train@a: src/train.py modified"], LINK)
    assert re.findall(r"^(?:##|\*\*|- ).*?(?=\*\*:|$)", text, flags=re.MULTILINE) == [
        "## What this changes",
        "### Verdicts that flipped",
        "**Not in step (1): these results are not those of this code and these settings",
        "- Of \\*then\\*.",
        "### Why stages ran again",
        "**Recipes that are new",
        "**Recipes that are gone",
        "### Parameters",
        "### Metrics, of each file the one that moved most",
        "**Figures that differ",
        "**Plots that differ",
    ]
    assert text.endswith(f": {LINK}\n")


def test_all_that_changed_is_told():
    text = comment(EVERYTHING, ["train@a: src/train.py modified"])
    assert "Against `0123456`: 4 of 90 stages ran again; 1 verdict, 1 parameter, 2 metrics, 1 figure, 1 plot d" in text
    assert [[[cell.strip() for cell in row] for row in table if row[0] != " --- "] for table in tables(text)] == [
        [
            ["claim", "", "before", "after"],
            ["`a-claim`", "“deeper is better”", "✔ supported<br>ρ = 0.9<br>p = 0.01", "✘ refuted"],
        ],
        [
            ["because of", "stages"],
            ["`batch_size: 64 → 1024`, `src/train.py`", "1"],
            ["`batch_size: 64 → 1024`", "1"],
        ],
        [["", "before", "after"], ["`params.yaml: batch_size`", "`64`", "`1024`"]],
        [
            ["", "before", "after", "moved by"],
            ["`metrics/a.json: loss.mean`", "`1.0`", "`2.0`", "+2.0 sd"],
        ],
    ]
    assert "*… and 1 more.*" in text  # of the same file
    assert "\n1 follow from these, 1 came to the same results, 1 are new, 1 are gone\n" in text
    assert "**Recipes that are new**: `train/c`, `claims`\n\n**Recipes that are gone**: `train/d`\n" in text
    for name in ("train@a: src/train.py modified", "a/a/loss", "plots/a/a/final.csv"):
        assert f"**: `{name}`" in text


def test_verdicts_are_grouped_by_what_made_them_others():
    """Settings are named before code, and three causes at most."""
    causes = {"a-one": ["x.py", "y.py", "z.py", "seed: 0 → 1"], "b-two": ["seed: 0 → 1"]}
    text = comment(
        replace(
            NOTHING,
            reruns=[Rerun(f"train@{name}", "other results", some) for name, some in causes.items()],
            flips=[replace(FLIP, claim=f"{name}-{i}", experiment=name) for i in range(2) for name in causes],
        ),
        [],
    )
    said = re.findall(r"^Because of .*|^\| `[ab]-\w+-\d`", text, flags=re.MULTILINE)
    assert said == [
        "Because of `seed: 0 → 1`, `x.py`, `y.py` and 1 more:",
        "| `a-one-0`",
        "| `a-one-1`",
        "Because of `seed: 0 → 1`:",
        "| `b-two-0`",
        "| `b-two-1`",
    ]


def test_claims_that_are_new_or_gone_are_counted_and_named():
    text = comment(
        replace(NOTHING, flips=[replace(FLIP, claim="x", before=None), replace(FLIP, claim="y", after=None)]), []
    )
    assert tables(text) == []
    assert "**Claims that are new**: `x`\n\n**Claims that are gone**: `y`\n" in text


@pytest.mark.parametrize("link", ["", LINK])
def test_without_a_link_nothing_is_said_of_one(link):
    text = comment(EVERYTHING, [], link)
    assert ("Every change" in text) == ("http" in text) == bool(link)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_no_changes():
    text = comment(NOTHING, [])
    assert text == (
        "## What this changes\n\nAgainst `0123456`: 0 of 90 stages ran again, and nothing differs.\n\n"
        "### Verdicts\n\nNone flipped.\n"
    )


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "0 of 90 stages ran again, and nothing differs"),
        ({"plots": {"plots/x.csv": {}}}, "0 of 90 stages ran again; 1 plot differs"),
        ({"plots": {"x": {}, "y": {}}}, "0 of 90 stages ran again; 2 plots differ"),
        ({"reruns": [Rerun("x", "gone"), Rerun("y", "new")]}, "1 of 90 stages ran again, and nothing differs"),
        ({"flips": [FLIP], "figures": EVERYTHING.figures}, "0 of 90 stages ran again; 1 verdict, 1 figure differ"),
    ],
)
def test_the_sentence_that_sums_up(parts, said):
    assert summary(replace(NOTHING, **parts)) == said


def test_long_tables_and_lists_are_cut_and_say_so():
    names = [f"x{i}" for i in range(1000)]
    changes = replace(
        NOTHING,
        flips=[replace(FLIP, claim=name) for name in names],
        parameters=[Change("params.yaml", name, 1, 2) for name in names],
        figures=[FigurePair(name, None, "<svg/>") for name in names],
    )
    text = comment(changes, [], LINK)
    assert [len(table) for table in tables(text)] == [22, 12]
    assert [f"*… and {left} more.*" in text for left in (980, 990)] == [True, True]
    assert "`x5` and 994 more" in text
    assert "`x6`" not in text.partition("**Figures")[2]


@pytest.mark.parametrize("link", ["", LINK])
@pytest.mark.parametrize(
    ("count", "lengths"),
    [(5000, [100]), (25, range(600, 3000, 40)), (25, [LIMIT, 3 * LIMIT])],  # many, long, and longer than all may be
)
def test_a_comment_is_never_too_long(count, lengths, link):
    for length in lengths:
        value = "x" * length
        changes = replace(
            EVERYTHING,
            reruns=[Rerun(f"train@{i}", "other results", [f"x{i}: 1 → {value}"]) for i in range(count)],
            flips=[replace(FLIP, claim=f"claim-{i}", quote=value) for i in range(count)],
            parameters=[Change("params.yaml", f"x{i}", value, value) for i in range(count)],
            metrics=[Change(f"metrics/{i}.json", "x", value, value) for i in range(count)],
        )
        text = comment(changes, [value] * count, link)
        assert len(text) <= LIMIT
        assert not link or text.endswith(f": {link}\n")
        outside_code(text)  # no line is cut in two
        assert all(len({len(row) for row in table}) == 1 for table in tables(text))


def test_values_are_no_markdown():
    """None breaks a row, mentions anybody, refers to an issue, or begins an element."""
    changes = replace(
        EVERYTHING,
        reruns=[Rerun(HOSTILE, "other results", [HOSTILE])],
        flips=[Flip(HOSTILE, HOSTILE, HOSTILE, "supported", "refuted", [HOSTILE], [HOSTILE])],
        parameters=[Change(HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        metrics=[Change(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1.0)],
        figures=[FigurePair(HOSTILE, None, "<svg/>")],
        plots={HOSTILE: {}},
        recipes={"new": [HOSTILE]},
    )
    text = comment(changes, [HOSTILE])
    assert [[len(row) for row in table] for table in tables(text)] == [[4] * 3, [2] * 3, [3] * 3, [4] * 3]
    assert sum(1 for line in text.splitlines() if line.startswith("#")) == 5
    plain = outside_code(text)
    assert "octocat" in plain  # the quote is there, as words
    assert re.search(r"[@#]\w", plain) is None  # an escaped one would do as well, so there is a gap
    assert re.search(r"(?<!\\)&", plain) is None
    assert re.sub(r"<br>|\\.", "", plain).count("<") == 0
    assert re.search(r"[*_~$\[\]`]", re.sub(r"\\.|\*….*?\*|\*\*", "", plain)) is None
    assert "k\\_" in plain
