"""What quantities mean, from docs/quantities.md, for those who meet the word on a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup, escape

QUANTITIES = Path("docs/quantities.md")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def glossary() -> dict[str, str]:
    """Return what each quantity is, in plain words, by its name; nothing where the page is missing."""
    if not QUANTITIES.exists():
        return {}
    lines = QUANTITIES.read_text(encoding="utf-8").splitlines()
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines if line.startswith("| ")]
    return {row[0].strip(): LINK.sub(r"\1", row[1]).replace("\\|", "|").strip() for row in cells[1:]}


def explained(text: str, terms: Mapping[str, str]) -> Markup:
    """Return a text in which the first of the terms that it has shows its meaning to whoever points at it."""
    words = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    found = re.search(rf"\b({words})\b", text, re.IGNORECASE) if terms else None
    if not found:
        return escape(text)
    start, end = found.span()
    shown = Markup('<abbr title="{}">{}</abbr>').format(terms[found[0].lower()], found[0])
    return escape(text[:start]) + shown + escape(text[end:])
