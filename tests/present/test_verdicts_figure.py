"""The figure of all verdicts: a mark for every claim, where its question and its report meet."""

from collections import Counter
from types import SimpleNamespace

import pytest

from netclaims.claims.verdicts import VERDICTS
from netclaims.present.svg import save
from netclaims.present.verdicts_figure import ABREAST, CELL, LABEL, draw_verdicts
from netclaims.questions import ANSWERED

CLAIMS = {
    "a-late": ("a", "3-1", "sharpness"),
    "a-first": ("a", "1-1", "simulate"),
    "a-second": ("a", "1-1", "simulate"),
    "c-first": ("c", "1-1", "simulate"),
    "c-middle": ("c", "2-1", "trajectory"),
}
FOUND = dict(zip(CLAIMS, ["refuted", "undecided", "supported", "not testable", "supported"], strict=True))
NAMES = {text: name for name, text in ANSWERED.items()}


def drawn(claims=CLAIMS, verdicts=FOUND, provisional=(), scale="quick"):
    keys = ("report", "part", "question")
    shown = {key: SimpleNamespace(**dict(zip(keys, claim, strict=True))) for key, claim in claims.items()}
    figure = draw_verdicts(shown, verdicts, provisional, scale)
    (axes,) = figure.axes
    names = {(verdict.colour, verdict.marker): name for name, verdict in VERDICTS.items()}
    texts = {text.get_text(): text.get_position() for text in axes.texts}
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0], names[line.get_color(), line.get_marker()])
        for line in axes.lines
        if line.get_marker() not in (None, "None", "")
    ]
    return figure, texts, marks


def test_questions_stand_in_the_order_of_the_assignment_and_reports_from_left_to_right():
    _, texts, _ = drawn()
    heights = [texts[ANSWERED[name]][1] for name in ("simulate", "trajectory", "sharpness")]
    assert heights == sorted(heights)
    assert texts["a"][0] < texts["c"][0]
    assert "b" not in texts


def test_every_claim_has_the_mark_of_its_verdict_in_its_cell():
    _, texts, marks = drawn()
    cells = Counter()
    for x, y, verdict in marks:
        report = "ac"[int((x - LABEL) // CELL)]
        question = min(NAMES, key=lambda text: abs(texts[text][1] - y) if text in texts else 99)
        cells[report, NAMES[question], verdict] += 1
    assert cells == Counter((report, question, FOUND[key]) for key, (report, _, question) in CLAIMS.items())


def test_marks_of_a_cell_are_in_the_order_of_the_verdicts_and_wrap_before_the_next_cell():
    many = {f"a-{i}": ("a", "1-1", "simulate") for i in range(ABREAST + 2)} | {"b-0": ("b", "1-1", "simulate")}
    verdicts = {key: list(VERDICTS)[-i % len(VERDICTS)] for i, key in enumerate(many)}
    _, texts, marks = drawn(many, verdicts)
    mine = [mark for mark in marks if mark[0] < texts["b"][0]]
    assert len(mine) == ABREAST + 2
    assert len({y for _, y, _ in mine}) == 2
    order = [list(VERDICTS).index(verdict) for _, _, verdict in sorted(mine, key=lambda mark: (mark[1], mark[0]))]
    assert order == sorted(order)


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_the_title_and_the_legend_say_how_many_of_what_at_which_scale(scale):
    figure, texts, _ = drawn(scale=scale)
    assert f"Verdicts on 5 claims, at the {scale} scale" in texts
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == [
        "2 supported",
        "1 refuted",
        "1 undecided",
        "1 not testable",
        "0 not run",
        "0 of these provisional",
    ]
    figure, _, _ = drawn(provisional=["a-late", "c-middle"], scale=scale)
    last = figure.axes[0].get_legend().get_texts()[-1]
    assert last.get_text() == "2 of these provisional"


def test_marks_of_provisional_verdicts_have_no_filling():
    """And come after the others of the same verdict in a cell."""
    many = {f"a-{i}": ("a", "1-1", "simulate") for i in range(4)}
    verdicts = dict(zip(many, ["supported", "refuted", "supported", "supported"], strict=True))
    figure, _, marks = drawn(many, verdicts, provisional=["a-0", "a-3"])
    lines = [line for line in figure.axes[0].lines if line.get_marker() not in (None, "None", "")]
    found = sorted(zip(marks, [line.get_fillstyle() for line in lines], strict=True))
    assert [(verdict, filled) for (_, _, verdict), filled in found] == [
        *(("supported", "full"), ("supported", "none"), ("supported", "none"), ("refuted", "full")),
    ]


def test_the_same_claims_give_the_same_bytes(tmp_path):
    for name in "xy":
        save(drawn()[0], tmp_path / f"{name}.svg")
    assert (tmp_path / "x.svg").read_bytes() == (tmp_path / "y.svg").read_bytes()
