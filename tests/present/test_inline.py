"""Figures inside a page: what is drawn is what the file draws, and figures do not get in each other's way."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netclaims.present.figures import draw
from netclaims.present.inline import Figures, caption_of
from netclaims.present.svg import save
from netclaims.settings.figures import FigureSettings

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" '
SIZE = 'width="120.4pt" height="60.6pt" viewBox="0 0 120.4 60.6">'
ABOUT = {"data": "Some digits", "scale": "quick", "train_examples": 4000, "test_examples": 1000, "epochs": 7,
         "epochs_stated": 7, "replicas": 3, "loss": "mse", "models": {}}  # fmt: skip
LEFT_OUT = {"metadata", "style"}
REFERENCE = re.compile(r"#([^)\s]+)")
RULE = re.compile(r"\.([\w-]+)\s*\{([^}]*)\}")
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
ARGUMENTS = {"M": 2, "L": 2, "C": 6, "Q": 4, "Z": 0}


def file(content: str) -> str:
    """A file as matplotlib writes it, around this."""
    return f'<?xml version="1.0" encoding="utf-8" standalone="no"?>\n{HEAD}{SIZE}{content}</svg>'


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 (written here)


def inlined(content: str) -> ElementTree.Element:
    return parsed(Figures().inline(file(content), "A figure"))


def local(name: str) -> str:
    return name.rpartition("}")[2]


def named(root: ElementTree.Element) -> list[str]:
    return [element.get("id") for element in root.iter() if "id" in element.attrib]


def references(root: ElementTree.Element) -> list[str]:
    values = [value for element in root.iter() for name, value in element.attrib.items()
              if local(name) == "href" or "url(" in value]  # fmt: skip
    return [name for value in values for name in REFERENCE.findall(value)]


def commands(path: str) -> list[tuple[str, list[float]]]:
    """A path by the grammar of SVG, all places absolute: those that follow an M or an L without a letter are lines."""
    found, letter, rest, steps, at = [], "", path.strip(), False, (0.0, 0.0)
    start = at
    while rest:
        if rest[0].isalpha():
            steps = rest[0] == "l"
            letter, rest = rest[0].upper(), rest[1:].lstrip()
            count = ARGUMENTS[letter]
        else:
            assert ARGUMENTS[letter], f"numbers after {letter}: {path}"
            letter = "L" if letter == "M" else letter
        numbers = []
        for _ in range(count):
            number = re.match(rf"({NUMBER})(?:\s*,\s*|\s*)", rest)
            assert number, f"no number at {rest!r} of {path!r}"
            numbers.append(float(number[1]))
            rest = rest[number.end() :]
        if steps:
            numbers = [at[0] + numbers[0], at[1] + numbers[1]]
        at = tuple(numbers[-2:]) or start
        start = at if letter == "M" else start
        found.append((letter, numbers))
    return found


def style_of(rule: str) -> dict[str, str]:
    return dict(part.strip().split(": ", 1) for part in rule.split(";") if part.strip())


def rules(figures: Figures) -> dict[str, str]:
    """What the page says of every class; of none twice, and nothing else."""
    written = str(figures.style())
    found = RULE.findall(written)
    assert RULE.sub("", written).strip() == ""
    assert len({name for name, _ in found}) == len(found)
    return dict(found)


def shown(root: ElementTree.Element, by_class: dict[str, str]) -> tuple[list, list[float]]:
    """All that is drawn, and the numbers of its paths.

    Every element that is not a group, in order, with its text, its style and other attributes, and those of the groups
    around it; what it refers to stands in place of the reference.
    """
    places: list[float] = []
    by_id = {element.get("id"): element for element in root.iter() if "id" in element.attrib}

    def attributes(element: ElementTree.Element) -> list:
        said = []
        for name, value in ((local(name), value) for name, value in element.attrib.items()):
            if name in ("style", "class"):
                said += style_of(by_class[value] if name == "class" else value).items()
            elif name == "d":
                path = commands(value)
                places.extend(number for _, numbers in path for number in numbers)
                said.append((name, "".join(letter for letter, _ in path)))
            elif name == "href" or "url(" in value:
                (target,) = REFERENCE.findall(value)
                said.append((name, look(by_id[target], [])))
            elif name != "id":
                said.append((name, value))
        return sorted(said)

    def look(element: ElementTree.Element, around: list) -> list:
        if local(element.tag) in LEFT_OUT | {"defs"} or element.get("id") == "caption":
            return []
        here = attributes(element)
        if local(element.tag) == "g":
            return [part for child in element for part in look(child, around + here)]
        inside = [look(child, []) for child in element]
        words = [(said or "").strip() for said in (element.text, element.tail)]
        return [(local(element.tag), words, here, around, inside)]

    return [part for child in root for part in look(child, [])], places


def same_drawing(svg: str, label: str = "A figure") -> int:
    """Assert that a figure inside a page is drawn as its file is; returns how many things are drawn."""
    figures = Figures()
    figures.inline(svg, "another, so that classes and ids are not those of a first figure")
    found = parsed(figures.inline(svg, label))
    before, places = shown(parsed(svg), {})
    after, shorter = shown(found, rules(figures))
    assert after == before
    np.testing.assert_allclose(shorter, places, rtol=0, atol=0.0500001)
    return len(before)


# ------------------------------------------------------------------------------------------------------ ids and classes


MARK = '<defs><path id="mark" d="M 0 0 L 1 1" style="stroke: {}"/></defs><use xlink:href="#mark" x="5" y="6"/>'
CLIP = '<defs><clipPath id="clip"><rect x="1" y="2" width="3" height="4"/></clipPath></defs>'
CLIPPED = f'{CLIP}<path d="M 0 0 L 9 9" clip-path="url(#clip)" style="fill: none"/>'


def test_ids_are_of_one_figure_and_references_lead_to_its_own():
    figures = Figures()
    roots = [parsed(figures.inline(file(MARK.format(colour) + CLIPPED), colour))
             for colour in ("#ff0000", "#00ff00", "#00ff00")]  # fmt: skip
    ids = [named(root) for root in roots]
    assert [len(names) for names in ids] == [2, 2, 2]
    assert len({name for names in ids for name in names}) == 6
    for root, names in zip(roots, ids, strict=True):
        assert sorted(references(root)) == sorted(names)
        assert [local(element.tag) for element in root.iter() if "id" in element.attrib] == ["path", "clipPath"]


def test_an_id_that_nothing_refers_to_is_left_out():
    assert named(inlined('<g id="figure_1"><path id="patch_1" d="M 0 0 L 1 1" style="fill: none"/></g>')) == []


def test_equal_styles_are_one_rule_of_the_page():
    figures = Figures()
    first, second = (
        parsed(figures.inline(file("".join(f'<path d="M 0 0" style="{of}"/>' for of in styles)), "One"))
        for styles in (["fill: none", "fill: none", "stroke: #ff0000"], ["stroke: #0000ff", "fill: none"])
    )
    none, same, red = (path.get("class") for path in first)
    blue, again = (path.get("class") for path in second)
    assert none == same == again
    assert len({none, red, blue}) == 3
    found = {name: style_of(rule) for name, rule in rules(figures).items()}
    assert found == {none: {"fill": "none"}, red: {"stroke": "#ff0000"}, blue: {"stroke": "#0000ff"}}


def test_a_style_that_refers_to_something_still_does():
    """A hatched area: its style names the pattern."""
    pattern = '<defs><pattern id="hatch"><path d="M 0 0 L 1 1"/></pattern></defs>'
    figures = Figures()
    svg = file(f'{pattern}<path d="M 0 0" style="fill: url(#hatch)"/>')
    roots = [parsed(figures.inline(svg, "One")) for _ in range(2)]
    for root in roots:
        (hatch,) = named(root)
        assert style_of(rules(figures)[root[-1].get("class")]) == {"fill": f"url(#{hatch})"}


# ---------------------------------------------------------------------------------------------------- what is left out


def test_what_only_a_file_needs_is_gone():
    written = str(Figures().inline(
        file(
            '<metadata><creator xmlns="urn:x">matplotlib</creator></metadata>'
            '<defs><style type="text/css">*{stroke-linecap: butt}</style></defs><!-- a comment -->\n'
            '<g id="figure_1">\n <g opacity="1">\n  <path d="M 0 0 \nL 1 1 \n" style="fill: none"/>\n </g>\n <g/>\n</g>'
        ),
        "A figure",
    ))  # fmt: skip
    root = parsed(written)
    assert [local(element.tag) for element in root.iter()] == ["svg", "g", "path"]
    assert not re.search(r"matplotlib|comment|linecap|\n|xmlns|<\?xml", written)
    assert "style" not in root[0][0].attrib
    assert {"width", "height", "version"}.isdisjoint(root.attrib)


def test_black_and_white_of_a_plane_are_those_of_the_page_and_its_colours_stay():
    drawing = file(
        '<path d="M 0 0 L 1 1" style="fill: #440154; stroke: #ffffff"/><path d="M 0 0" style="fill: #000000"/>'
    )
    figures = Figures()
    assert parsed(figures.inline(drawing, "A plane", plane=True)).get("class") == "plane"
    rules = str(figures.style())
    assert "fill: #440154; stroke: var(--blank)" in rules
    assert "fill: var(--drawn)" in rules
    figures = Figures()
    assert parsed(figures.inline(drawing, "Lines")).get("class") is None
    assert "var(" not in figures.style()


def test_the_words_below_a_figure_are_told():
    words = '<g id="caption"><text>Digits, 5</text>\n<text>replicas &amp; more</text></g>'
    assert caption_of(file(f'<g id="title"><text>A title</text></g>{words}')) == "Digits, 5 replicas & more"
    assert caption_of(file('<g id="title"><text>A title</text></g>')) == ""


def test_groups_that_say_something_stay():
    root = inlined('<g id="a"><g clip-path="url(#clip)"><g><text x="1">a</text><text x="2">b</text></g></g></g>' + CLIP)
    group, defs = root
    assert (group.tag, list(group.attrib), len(group), defs.tag) == ("g", ["clip-path"], 2, "defs")


def test_a_figure_says_its_shape_and_what_it_shows():
    root = inlined("<text>a</text>")
    assert root.get("viewBox") == "0 0 120.4 60.6"
    assert style_of(root.get("style")) == {"--width": "120", "aspect-ratio": "120 / 61"}
    assert (root.get("role"), root.get("aria-label")) == ("img", "A figure")


def test_the_line_below_a_figure_is_left_to_the_page():
    lines = "".join(f'<g><text transform="translate(5 {y})">below</text></g>' for y in (50, 58))
    root = inlined(f'<text transform="translate(5 40)">above</text><g id="caption">{lines}</g>')
    assert [element.text for element in root.iter() if local(element.tag) == "text"] == ["above"]
    assert root.get("viewBox") == "0 0 120.4 42"  # down to the top of the letters of its first line
    assert style_of(root.get("style")) == {"--width": "120", "aspect-ratio": "120 / 42"}


class Reader(HTMLParser):
    """What a browser makes of it: the label, and all text."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.label, self.text = None, ""
        self.feed(written)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.label = self.label or dict(attrs).get("aria-label")

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"><path d="M 0 0"/></g>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="alert(1)"/></foreignObject>',
        '<a xlink:href="javascript:alert(1)"><text>here</text></a>',
        '<use xlink:href="https://alert.example/x.svg#a"/>',
        '<image xlink:href="data:image/svg+xml,alert(1)"/>',
        '<set attributeName="onmouseover" to="alert(1)"/>',
        '<g style="}&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;"><path d="M 0 0"/></g>',
    ],
)
def test_nothing_of_a_figure_runs_in_a_page(content):
    figures = Figures()
    page = figures.inline(file(f"{content}<g><text>drawn</text></g>"), "A figure") + figures.style()
    assert "alert" not in page
    assert "drawn" in page


@pytest.mark.parametrize("words", ["a < b & c > d", "\"quoted\" and 'quoted'", "</svg><script>", "&amp;", "λ₁ − ‖∇L‖"])
def test_any_words_are_kept_as_words(words):
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    found = Reader(str(Figures().inline(file(f"<text>{escaped}</text>"), f"{words} in a label")))
    assert found.tags == ["svg", "text"]
    assert found.label == f"{words} in a label"
    assert found.text == words


# -------------------------------------------------------------------------------------------------------------- paths


NUMBERS = st.decimals(-2000, 2000, allow_nan=False, places=6).flatmap(
    lambda number: st.integers(0, 6).map(lambda digits: f"{number:.{digits}f}")
)


@st.composite
def paths(draw) -> str:
    """A path as matplotlib writes it: begins with a move, a command on each line, every letter written."""
    letters = ["M", *draw(st.lists(st.sampled_from(["M", "L", "L", "C", "Q", "z"]), max_size=12))]
    lines = [" ".join([letter, *(draw(NUMBERS) for _ in range(ARGUMENTS[letter.upper()]))]) for letter in letters]
    return " \n".join(lines) + draw(st.sampled_from(["", " \n"]))


def test_the_parser_of_this_module_knows_the_grammar():
    assert commands("M1 2 3 4L5-6 7.5.5zM-1,-2") == [
        ("M", [1, 2]), ("L", [3, 4]), ("L", [5, -6]), ("L", [7.5, 0.5]), ("Z", []), ("M", [-1, -2]),
    ]  # fmt: skip
    with pytest.raises(AssertionError):
        commands("M1 2z3 4")
    with pytest.raises(AssertionError):
        commands("M1 2 3")


@given(paths())
def test_a_shortened_path_is_the_same_path(path):
    (drawn,) = inlined(f'<path d="{path}"/>')
    before, after = commands(path), commands(drawn.get("d"))
    assert [letter for letter, _ in after] == [letter for letter, _ in before]
    for (_, short), (_, exact) in zip(after, before, strict=True):
        np.testing.assert_allclose(short, exact, rtol=0, atol=0.0500001)
    assert len(drawn.get("d")) <= len(path)


def test_a_path_is_as_short_as_it_can_be():
    (drawn,) = inlined('<path d="M 46.91 251.50 \nL 312.98 -0.04 \nL -1 22.00 \nz \nL 5 6 \n"/>')
    assert drawn.get("d") == "M46.9 251.5l266.1-251.5-314 22zl-41.9-245.5"


# ------------------------------------------------------------------------------------------------------- real figures


@pytest.fixture
def figure(write, tmp_path):
    """The file of a figure of some tables."""
    epochs = [
        {"model": model, "data": data, "epoch": epoch, "loss": level / (1 + epoch), "accuracy": epoch / 9}
        for model, level in (("A<B", 1.0), ("C & D", 50.0))
        for data in "xy"
        for epoch in range(1, 9)
    ]
    curves = write(epochs).eval("loss_low = loss * 0.5\nloss_high = loss * 2")
    write(curves)
    write(curves[curves["epoch"] == 8], "final")
    write({"replica": [0, 0, 0, 1, 1, 1], "epoch": [1, 2, 3] * 2, "pc1": [-1, 0, 2, 1, 0, -3], "pc2": range(6)}, "pca")
    cells = [{"x": x, "y": y, "loss": 0.1 + x**2 + y**2} for x in np.linspace(-3, 3, 9) for y in np.linspace(-2, 2, 7)]
    write(cells, "surface")
    write([{"x": x, "y": x / 2, "epoch": x, "at": "on the path"} for x in (0, 1, 2)], "path")

    def make(**entry) -> str:
        shown = draw("x-y", FigureSettings(title="A < B & “C”", **entry).plain(), ABOUT)
        save(shown, tmp_path / "figure.svg")
        return (tmp_path / "figure.svg").read_text(encoding="utf-8")

    return make


REAL = {
    "lines with bands": {"x": "epoch", "y": ["curves.loss", "curves.accuracy"], "lines": "model", "columns": "data",
                         "log": ["loss"]},
    "points": {"kind": "points", "x": "model", "y": ["final.loss"], "lines": "data"},
    "scatter": {"kind": "scatter", "x": "accuracy", "y": ["curves.loss"], "lines": "model"},
    "paths": {"kind": "paths", "x": "pc1", "y": ["pca.pc2"]},
    "contours, a colour bar and a path": {"kind": "contours", "x": "x", "y": ["surface.loss"], "path": "path"},
}  # fmt: skip


@pytest.mark.parametrize("entry", REAL.values(), ids=REAL)
def test_a_real_figure_is_drawn_as_in_its_file(entry, figure):
    svg = figure(**entry)
    assert same_drawing(svg, "A < B") > 20
    inside = Figures().inline(svg, "A < B")
    assert len(inside) < 0.7 * len(svg)
    read = Reader(str(inside))
    assert "A < B & “C”" in read.text
    assert "3 replicas" in svg
    assert "3 replicas" not in read.text
    bases = [float(y) for y in re.findall(r'<text[^>]* transform="(?:translate\(|rotate\(\S+ )\S+ (\S+)\)', inside)]
    assert 100 < max(bases) < float(parsed(inside).get("viewBox").split()[3])
    if "lines" in entry and entry["lines"] == "model":
        assert all(name in read.text for name in ("A<B", "C & D"))
