"""A figure as an SVG file."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from matplotlib.figure import Figure

from netclaims.present.rounding import round_numbers
from netclaims.present.wording import minus

WORDS = re.compile(r">[^<>]+</t(?:ext|span)>")
PLACES = re.compile(r' (?:d|x|y|x1|x2|y1|y2|transform)="[^"]*"')
DIGITS = 2


def save(figure: Figure, path: Path) -> None:
    """Write an SVG without a date, so that the same figure is the same file, and the folder that it lies in.

    Places are rounded to hundredths of a point, which nobody sees and which halves the file. Minus signs are true ones.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = StringIO()
    figure.savefig(
        written,
        format="svg",
        metadata={"Date": None},
        bbox_inches="tight",
        pad_inches=0.08,
        bbox_extra_artists=[*figure.texts, *figure.legends],  # those as well that no panel has to make room for
    )
    shorter = PLACES.sub(lambda place: round_numbers(place[0], DIGITS), written.getvalue())
    shorter = WORDS.sub(lambda words: minus(words[0]), shorter)
    path.write_text(shorter, encoding="utf-8", newline="\n")
