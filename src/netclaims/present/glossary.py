"""What quantities mean, from docs/quantities.md, for those who meet the word on a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

QUANTITIES = Path("docs/quantities.md")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
SHOWN = re.compile(r"plots/figures/\w+/([\w-]+)/")


@dataclass(frozen=True)
class Term:
    """A quantity.

    Attributes:
        name: as docs/quantities.md has it.
        meaning: what it is, in plain words.
        experiments: whose figures show it.
    """

    name: str
    meaning: str
    experiments: frozenset[str]

    @property
    def id(self) -> str:
        """Where the glossary explains it."""
        return f"term-{self.name.lower().replace(' ', '-')}"

    def link(self, words: str = "") -> Markup:
        """Return words, or its name, that lead to its meaning; the page's script shows this beside them."""
        return Markup('<a class="term" href="#{}">{}</a>').format(self.id, words or self.name)


def glossary() -> list[Term]:
    """Return all quantities; none where the page is missing."""
    if not QUANTITIES.exists():
        return []
    lines = QUANTITIES.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))] for row in rows]
    return [
        Term(name, LINK.sub(r"\1", meaning).replace("\\|", "|"), frozenset(SHOWN.findall(row)))
        for row, (name, meaning, _) in zip(rows, cells, strict=True)
    ]


def explained(text: str, terms: list[Term]) -> Markup:
    """Return a text in which the first quantity that it names leads to its meaning."""
    longest = sorted(terms, key=lambda term: -len(term.name))
    named = [(found.start(), term, found[0]) for term in longest
             if (found := re.search(rf"\b{re.escape(term.name)}\b", text, re.IGNORECASE))]  # fmt: skip
    if not named:
        return escape(text)
    start, term, words = min(named, key=lambda place: place[0])
    return escape(text[:start]) + term.link(words) + escape(text[start + len(words) :])
