"""Text in pages of Markdown."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    """Return text in one line, of which Markdown makes nothing else than itself: no mark, link, formula or HTML."""
    return re.sub(r"([*_<>`$\[\]\\])", r"\\\1", " ".join(text.split())).replace("&", "&amp;")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table; a bar in a cell would end it, and is escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
