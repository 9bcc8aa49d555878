"""The tables of packages in docs/licences.md: `python -m netclaims.licences` writes them anew from requirements.txt.

What needs a package is read from the comments there, and its licence from the metadata of what is installed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

PAGE, PINS, PROJECT = Path("docs/licences.md"), Path("requirements.txt"), Path("pyproject.toml")
HEADINGS = ("## Packages, to run", "## Packages, for several machines and for development")


class Pin(NamedTuple):
    """A package in requirements.txt."""

    versions: list[str]  # there are several if they depend on the version of Python
    parents: set[str]  # the packages that need it


def pinned(requirements: str) -> dict[str, Pin]:
    """Return what a requirements.txt of uv pins, by name of the package."""
    pins: dict[str, Pin] = {}
    for line in requirements.splitlines():
        if found := re.match(r"([a-z0-9-]+)==([^ ;]+)", line):
            name, version = found.groups()
            pins.setdefault(name, Pin([], set())).versions.append(version)
        elif found := re.fullmatch(r" +#(?: via|  ) (\S.*)", line):
            pins[name].parents.add(found[1].removesuffix(" (pyproject.toml)"))
    return pins


def needed(pins: dict[str, Pin], dependencies: Iterable[str]) -> set[str]:
    """Return the names of the given dependencies, as pyproject.toml has them, and of all that they need in turn."""
    names = {re.match(r"[\w.-]+", dependency)[0].lower().replace(".", "-") for dependency in dependencies}
    while more := {name for name, pin in pins.items() if pin.parents & names} - names:
        names |= more
    return names


def licence(about: Message) -> str:
    """Return the licence that the metadata of a package state, in their own words.

    They do so in an SPDX expression, or in the older field, which some fill with the whole text, or in classifiers.
    """
    field = about.get("License", "")
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier", []) if text.startswith("License")]
    if expression := about.get("License-Expression"):
        return expression
    if field and "\n" not in field and len(classifiers) < 2:
        return field
    return ", ".join(classifiers) or "not stated"


def table(pins: dict[str, Pin]) -> str:
    """Return a row per package, in Markdown."""
    rows = ["| package | version | licence | needed by |", "|---|---|---|---|"]
    for name, pin in pins.items():
        try:
            stated = licence(metadata.metadata(name))
        except metadata.PackageNotFoundError:
            stated = "not installed on the system where this was written"
        cells = (name, ", ".join(pin.versions), stated.replace("|", r"\|"), ", ".join(sorted(pin.parents)))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Write the tables; what stands above them is left alone."""
    pins = pinned(PINS.read_text(encoding="utf-8"))
    run = needed(pins, tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"])
    parts = [{name: pin for name, pin in pins.items() if (name in run) is wanted} for wanted in (True, False)]
    above, _, _ = PAGE.read_text(encoding="utf-8").partition(HEADINGS[0])
    tables = (f"{heading}\n\n{table(part)}\n" for heading, part in zip(HEADINGS, parts, strict=True))
    PAGE.write_text(above + "\n".join(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
