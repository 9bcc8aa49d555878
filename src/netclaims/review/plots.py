"""The tables that differ, as Vega-Lite draws both sides of each on one axis."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

from netclaims.paths import METRICS, PLOTS
from netclaims.review.base import Base, read_now

DIGITS = 3  # of a number that is drawn: nobody sees more, and a page is a tenth lighter than with four
ADDED = {"filename", "field"}  # to every row by DVC


def find_plots(base: Base, dvc: Callable[..., dict]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the specification of every table that differs, by path, and a line for those that cannot be compared.

    They are those of `dvc plots diff`, with data, scale and epochs below the title.

    Args:
        base: since when.
        dvc: runs a command of DVC and returns what it prints.
    """
    changed = [path for path in base.changed(PLOTS) if path.suffix == ".csv"]
    tables = [path.as_posix() for path in changed if path.exists()]
    lines = _line("Tables that are gone", [path.as_posix() for path in changed if not path.exists()])
    if not tables:
        return {}, lines
    found = dvc("plots", "diff", base.commit[:7], "--json", "--targets", *tables).get("data", {})
    plots, others = {}, []
    for name, drawn in sorted(found.items()):
        if drawn and drawn[0]["type"] == "vega":
            plot = drawn[0]["content"]
            if not _alike(base, Path(name), plot):
                plot["data"]["values"] = [row for row in plot["data"]["values"] if row["rev"] == "workspace"]
                others.append(name)
            plots[name] = _compact(plot, _facts(base, Path(name)))
    return plots, lines + _line("Plots of now alone, as the tables of then have other columns", others)


def _line(title: str, names: list[str]) -> list[str]:
    return [f"{title}: {', '.join(names)}."] if names else []


def _alike(base: Base, path: Path, plot: dict[str, Any]) -> bool:
    """Tell whether the same columns tell rows apart in both tables, of those that the plot reads."""
    read = set(re.findall(r"\w+", json.dumps(plot | {"data": {}}))) - _numbers(plot)
    texts = [text for text in (base.read(path), read_now(path)) if text]
    keys = [set(next(csv.reader([text.partition("\n")[0]]))) & read for text in texts]
    return all(some == keys[0] for some in keys)


def _compact(plot: dict[str, Any], facts: list[str]) -> dict[str, Any]:
    """Return a specification with what is of now first, so that it is drawn first, and with fewer digits."""
    numbers = _numbers(plot)
    rows = [
        {name: _short(value) if name in numbers else value for name, value in row.items() if name not in ADDED}
        | {"rev": "after" if row["rev"] == "workspace" else "before"}
        for row in plot["data"]["values"]
    ]
    plot["data"]["values"] = sorted(rows, key=lambda row: row["rev"])
    if isinstance(plot.get("title"), dict):
        said = plot["title"].get("subtitle", [])
        plot["title"]["subtitle"] = facts + ([said] if isinstance(said, str) else said)
    return plot


def _numbers(plot: dict[str, Any]) -> set[str]:
    """Return the columns that a template reads as numbers; DVC's own, for tables without a template, names none."""
    return set(plot["data"].get("format", {}).get("parse", ()))


def _short(text: str) -> float | int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if not isfinite(number) else int(number) if number.is_integer() else float(f"{number:.{DIGITS}g}")


def _facts(base: Base, path: Path) -> list[str]:
    """Return data set, scale and epochs of what an experiment's table is of: a line, or one for each side."""
    if len(path.parts) != len((PLOTS / "report" / "key" / "table.csv").parts):
        return []
    report, key = path.parts[1:3]
    said = []
    for read in (base.read, read_now):
        texts = filter(None, (read(METRICS / report / f"{key}{end}.json") for end in ENDS))
        said.append(next((_said(json.loads(text)) for text in texts), ""))
    before, after = said
    if before == after or not before:
        return [after] if after else []
    return [f"before: {before}", f"after: {after}"] if after else [before]


# Of a training, or of the analyses that nets of another experiment can have.
ENDS = ("", ".fit", ".pca", ".gradient", ".hessian", ".interpolate", ".sensitivity")


def _said(about: dict[str, Any]) -> str:
    """Return what metrics say of where they come from, whichever version wrote them."""
    epochs, stated = about.get("epochs"), about.get("epochs_stated")
    trained = ""
    if isinstance(epochs, int | float):  # less than one where not even that fits into the scale's bound
        trained = f"{epochs:,.10g}{f' of {stated:,}' if isinstance(stated, int) and stated != epochs else ''} epochs"
    scale = f"{about['scale']} scale" if "scale" in about else ""
    return " · ".join(filter(None, [str(about.get("data", "")), scale, trained]))
