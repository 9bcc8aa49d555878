"""Figures inside a page: their SVG without what only a file of its own needs, a third of the size."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

from netclaims.present.rounding import round_numbers

REFERENCE = re.compile(r"#([\w.-]+)")
# Matplotlib draws with these. A page is better without what else an SVG can hold, such as scripts.
DRAWN = {"g", "defs", "clipPath", "path", "rect", "use", "text", "tspan", "image", "pattern"}
# A figure may lead to parts of itself, and to pixels that lie in it. Its style becomes part of the page's.
INSIDE = re.compile(r"#|data:image/png;")
RULE = re.compile(r"[^<>{}]*")
CAPTION, ASCENT = "caption", 8.0  # the id of the line below a figure; from its base up, in points
TRANSLATED = re.compile(r"translate\(\S+ (-?[\d.]+)\)")
OF_PAGE = {"#000000": "var(--drawn)", "#ffffff": "var(--blank)"}
COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")


class Figures:
    """The figures of one page. They share the rules of their styles; an id belongs to one figure alone."""

    def __init__(self) -> None:
        """Begin a page without figures."""
        self._rules: dict[str, str] = {}
        self._count = 0

    def inline(self, svg: str, label: str, plane: bool = False) -> Markup:
        """Return the `<svg>` element of a figure that matplotlib drew, for HTML; what would run in a page is left out.

        Args:
            svg: the content of the file.
            label: what the figure shows, for those who cannot see it.
            plane: whether its colours mean something, so that a dark page may turn around black and white alone.
        """
        self._count += 1
        for colour, of_page in OF_PAGE.items() if plane else ():
            svg = svg.replace(colour, of_page)
        root = ElementTree.fromstring(svg)  # noqa: S314 (a file of the project's own)
        used = {name for element in root.iter() for value in element.attrib.values()
                for name in REFERENCE.findall(value)}  # fmt: skip
        width, height = (float(root.attrib.pop(side).removesuffix("pt")) for side in ("width", "height"))
        height -= _without_caption(root, height)
        self._clean(root, used)
        root.attrib = {
            "viewBox": f"0 0 {width:.6g} {height:.6g}",
            "role": "img",
            "aria-label": label,
            "style": f"--width: {width:.0f}; aspect-ratio: {width:.0f} / {height:.0f}",
            **({"class": "plane"} if plane else {}),
        }
        return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 (its texts are escaped)

    def style(self) -> Markup:
        """Return the rules of all figures so far, as CSS."""
        rules = "\n".join(f".{name} {{ {rule} }}" for rule, name in self._rules.items())
        return Markup(rules)  # noqa: S704 (what matplotlib wrote)

    def _clean(self, element: Element, used: set[str]) -> None:
        element.tag = _local(element.tag)
        element.attrib = dict(filter(None, (self._attribute(*item, used) for item in element.attrib.items())))
        if not (element.text or "").strip():
            element.text = None
        children = []
        for child in element:
            if _local(child.tag) not in DRAWN:
                continue
            self._clean(child, used)
            bare = child.tag in ("g", "defs") and not (child.attrib and len(child))
            children += list(child) if bare and child.tag == "g" else [] if bare and not len(child) else [child]
        element[:] = children
        for child in children:
            child.tail = None

    def _attribute(self, name: str, value: str, used: set[str]) -> tuple[str, str] | None:
        """Return an attribute as it is written here; None where it is not."""
        name = _local(name)
        if name.startswith("on") or (name == "href" and not INSIDE.match(value)):
            return None
        if name == "id":
            return (name, self._own(value)) if value in used else None
        if name == "href" or "url(" in value:
            value = REFERENCE.sub(lambda found: f"#{self._own(found[1])}", value)
        if name == "style" and RULE.fullmatch(value):
            return "class", self._rules.setdefault(value, f"f{len(self._rules)}")
        return None if name == "style" else (name, _path(value) if name == "d" else value)

    def _own(self, name: str) -> str:
        return f"g{self._count}-{name}"


def caption_of(svg: str) -> str:
    """Return the words below a figure that matplotlib drew; nothing if there are none."""
    root = ElementTree.fromstring(svg)  # noqa: S314 (a file of the project's own)
    told = [text for child in root.iter() if child.get("id") == CAPTION for text in child.itertext()]
    return " ".join(" ".join(told).split())


def _without_caption(root: Element, height: float) -> float:
    """Take the line below a figure away, which the page says in its own letters, and return how high it was."""
    for parent in root.iter():
        for child in parent:
            if child.get("id") == CAPTION:
                tops = [float(place[1]) for text in child.iter()
                        if (place := TRANSLATED.search(text.get("transform", "")))]  # fmt: skip
                parent.remove(child)
                return max(0.0, height - min(tops) + ASCENT) if tops else 0.0
    return 0.0


def _local(name: str) -> str:
    """Return a name without its XML namespace, of which HTML knows nothing."""
    return name.rpartition("}")[2]


def _path(drawn: str) -> str:
    """Shorten a path to tenths of a point, lines as steps, without the spaces and letters that it can do without."""
    found = COMMAND.findall(drawn)
    if {command for command, _ in found} <= {"M", "L", "z"}:
        return _steps(found)
    short, before = [], ""
    for command, places in COMMAND.findall(round_numbers(drawn, 1)):
        follows = command == "L" and before in ("M", "L")  # more places after M or L are lines anyhow
        short.append((" " if follows else command) + " ".join(places.split()))
        before = command
    return "".join(short).replace(" -", "-")


def _steps(found: list[tuple[str, str]]) -> str:
    """Write lines as steps from place to place, each from where the last one, in tenths, has led."""
    short, at, start, before = [], (0, 0), (0, 0), ""
    for command, places in found:
        if command == "z":
            short.append("z")
            at = start
        else:
            x, y = (round(10 * float(number)) for number in places.split())
            pair = (x, y) if command == "M" else (x - at[0], y - at[1])
            letter = "M" if command == "M" else "" if before == "l" else "l"
            short.append(letter + _tenths(pair[0], not letter) + _tenths(pair[1], True))
            at, start = (x, y), (x, y) if command == "M" else start
            command = "M" if command == "M" else "l"
        before = command
    return "".join(short)


def _tenths(number: int, follows: bool) -> str:
    whole, tenth = divmod(abs(number), 10)
    said = f"{whole or ''}.{tenth}" if tenth else str(whole)
    return ("-" if number < 0 else " " if follows else "") + said
