"""SVG files: places are those of matplotlib, to hundredths of a point."""

import re
from io import StringIO
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from netclaims.present import style
from netclaims.present.rounding import round_numbers
from netclaims.present.svg import save

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
PLACES = ("d", "x", "y", "x1", "x2", "y1", "y2", "transform")


@pytest.mark.parametrize(("number", "short"), [
    ("46.919", "46.92"), ("46.911", "46.91"), ("0.996", "1"), ("99.999", "100"), ("251.50", "251.5"),
    ("-46.919", "-46.92"), ("-0.996", "-1"), ("-0.006", "-0.01"), ("-0.004", "0"), ("-0.00", "0"), ("0.000001", "0"),
    ("1.2345e2", "123.45"), ("-1.2345e1", "-12.35"), ("6.789e-2", "0.07"), ("1e-05", "0"), ("-1e-05", "0"),
    ("3e2", "300"), ("-0", "0"), ("12", "12"), ("-7", "-7"), ("100", "100"), ("0", "0"), ("2000", "2000"),
])  # fmt: skip
def test_a_number_is_rounded_and_as_short_as_it_can_be(number, short):
    assert round_numbers(number, 2) == short


def test_numbers_of_a_path_and_of_a_transform_are_rounded_each_and_letters_stay():
    assert round_numbers("M 46.919 251.505001 \nL -0.004 12 \nQ 1e-05 -3.999 100 7.125001 \nz \n", 2) == (
        "M 46.92 251.51 \nL 0 12 \nQ 0 -4 100 7.13 \nz \n"
    )
    assert round_numbers("translate(3.14159 -2.71828) rotate(-35)", 2) == "translate(3.14 -2.72) rotate(-35)"
    assert round_numbers("M46.96L-0.04,3.05", 1) == "M47L0,3"


@given(st.lists(st.floats(-1e4, 1e4), min_size=1), st.integers(1, 6), st.sampled_from([".6f", ".3f", "g", "e", "r"]))
def test_no_number_moves_by_more_than_half_of_the_last_digit(numbers, digits, written):
    before = " ".join(repr(number) if written == "r" else f"{number:{written}}" for number in numbers)
    after = round_numbers(before, digits)
    assert len(after) <= len(before) or "e" in before
    for old, new in zip(before.split(" "), after.split(" "), strict=True):
        assert abs(float(new) - float(old)) <= 0.5000001 * 10.0**-digits
        assert new != "-0"
        assert len(new.partition(".")[2]) <= digits


@pytest.fixture
def figure():
    """A figure of lines, a band, marks, and words aslant."""
    style.apply()
    figure = Figure(figsize=(4.01, 3.03))
    axes = figure.subplots()
    x = [i / 7 for i in range(30)]
    axes.plot(x, [(i * 37 % 11) / 3 for i in range(30)], "o-")
    axes.fill_between(x, [-value for value in x], x)
    axes.tick_params(axis="x", rotation=35)
    axes.set_title("0.123456 and 1e-05 are words here")
    return figure


def test_a_file_is_what_matplotlib_draws_with_rounded_places(figure, tmp_path):
    exact = StringIO()
    figure.savefig(exact, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.08)
    save(figure, tmp_path / "new" / "figure.svg")
    written = (tmp_path / "new" / "figure.svg").read_text(encoding="utf-8")
    before, after = (list(ElementTree.fromstring(svg).iter()) for svg in (exact.getvalue(), written))  # noqa: S314 (matplotlib drew it)
    moved = 0
    for old, new in zip(before, after, strict=True):
        assert (old.tag, old.text, list(old.attrib)) == (new.tag, new.text, list(new.attrib))
        for name, value in old.attrib.items():
            if name not in PLACES:
                assert new.attrib[name] == value
                continue
            assert NUMBER.sub("#", new.attrib[name]) == NUMBER.sub("#", value)
            pairs = zip(NUMBER.findall(value), NUMBER.findall(new.attrib[name]), strict=True)
            distances = [abs(float(long) - float(short)) for long, short in pairs]
            assert max(distances, default=0) <= 0.005 + 1e-9
            moved += sum(distance > 0 for distance in distances)
    assert moved > 100
    assert len(written) < len(exact.getvalue())


@pytest.mark.parametrize(("words", "written"), [
    ("-1.5", "−1.5"), ("from -3 to (-.5)", "from −3 to (−.5)"), ("5x² - 0.5x", "5x² − 0.5x"), ("a - b", "a − b"),
    ("1e-05, d-capacity, 2020-01-02, x-1 <-> y", None),
])  # fmt: skip
def test_minus_signs_are_true_ones_and_hyphens_stay(words, written, tmp_path):
    style.apply()
    figure = Figure(figsize=(1, 1))
    figure.text(0, 0, words)
    save(figure, tmp_path / "figure.svg")
    root = ElementTree.parse(tmp_path / "figure.svg").getroot()  # noqa: S314 (a file of the project's own)
    assert (written or words) in [element.text for element in root.iter() if element.tag.endswith("}text")]
