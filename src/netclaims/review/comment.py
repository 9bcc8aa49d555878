"""A review as a comment on a pull request, in Markdown: the most telling first, and never longer than one may be."""

from __future__ import annotations

import re
from collections import Counter

from netclaims.present.wording import MARKS
from netclaims.review.changes import Change, Changes

LIMIT = 60_000  # characters; GitHub takes 65,536
ROWS = 20  # shown of a table
NAMES = 12  # listed in a sentence


def comment(changes: Changes, faults: list[str], link: str = "") -> str:
    """Return the comment.

    Args:
        changes: what the branch changes.
        faults: where the results are not in step with code and settings.
        link: where the whole page can be had, if anywhere.
    """
    parts = [
        f"## What this changes\n\nAgainst `{changes.base.commit[:7]}`: {summary(changes)}.",
        _names("Not in step: these results are not those of this code and these settings", faults),
        _verdicts(changes),
        _stages(changes),
        *(_names(f"Recipes that are {how}", names) for how, names in changes.recipes.items()),
        _values("Parameters", changes.parameters),
        _values("Metrics, of each file the one that moved most", changes.metrics, of_each_file=True),
        _names("Figures that differ", [pair.name for pair in changes.figures]),
        _names("Plots that differ", list(changes.plots)),
    ]
    rest = f"\nEvery change, with figures and plots before and after: {link}\n" if link else ""
    text = "\n\n".join(filter(None, parts)) + "\n" + rest
    if len(text) <= LIMIT:
        return text
    room = LIMIT - len(rest) - 100
    return f"{text[:room].rpartition(chr(10))[0]}\n\n*Cut here: a comment cannot be longer.*\n{rest}"


def summary(changes: Changes) -> str:
    """Tell how much changes, in one sentence."""
    counts = {
        "verdicts": len(changes.flips),
        "parameters": len(changes.parameters),
        "metrics": len(changes.metrics),
        "figures": len(changes.figures),
        "plots": len(changes.plots),
    }
    said = ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in counts.items() if count)
    ran = sum(rerun.how != "gone" for rerun in changes.reruns)
    differ = "differs" if sum(counts.values()) == 1 else "differ"
    return f"{ran} of {changes.stages} stages ran again{f'; {said} {differ}' if said else ', and nothing differs'}"


def _code(value: object) -> str:
    """Return a value that Markdown makes nothing of, nor a mention."""
    if value is None:
        return "–"
    return f"`{' '.join(str(value).replace('`', chr(39)).replace('|', '¦').split())}`"


def _table(head: list[str], rows: list[list[str]], total: int | None = None) -> str:
    """Return the first rows, and how many more there are of `total`."""
    shown = rows[:ROWS]
    left = (len(rows) if total is None else total) - len(shown)
    lines = [head, ["---"] * len(head), *shown]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + (f"\n*… and {left} more.*\n" if left else "")


def _names(title: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"### {title}\n\n{', '.join(map(_code, names[:NAMES]))}{more}"


def _verdicts(changes: Changes) -> str:
    if not changes.flips:
        return "### Verdicts\n\nNone flipped."
    rows = [
        [_code(flip.claim), f"“{_plain(flip.quote)}”", _verdict(flip.before, flip.effect_before),
         _verdict(flip.after, flip.effect_after)]
        for flip in changes.flips
    ]  # fmt: skip
    return "### Verdicts that flipped\n\n" + _table(["claim", "", "before", "after"], rows)


def _plain(text: str) -> str:
    """Return text that Markdown makes nothing of.

    GitHub reads a mention from an escaped @ as well, but not with a gap.
    """
    escaped = "".join(f"\\{sign}" if sign in r"\`*_~$<>[]|&" else sign for sign in " ".join(text.split()))
    return re.sub("([@#])", "\\1\N{ZERO WIDTH SPACE}", escaped)


def _verdict(verdict: str | None, effect: list[str]) -> str:
    return "–" if verdict is None else "<br>".join([f"{MARKS[verdict]} {verdict}", *map(_plain, effect)])


def _stages(changes: Changes) -> str:
    if not changes.reruns:
        return ""
    rows = [[_code(cause), str(count)] for cause, count in changes.causes.items()]
    text = "### Why stages ran again\n\n"
    text += _table(["cause", "stages that it reaches directly"], rows) if rows else ""
    followed = sum(1 for rerun in changes.reruns if rerun.follows and not rerun.causes)
    came = Counter(rerun.how for rerun in changes.reruns)
    parts = {
        "follow from these": followed,
        "came to the same results": came["same results"],
        "are new": came["new"],
        "are gone": came["gone"],
    }
    return text + "\n" + ", ".join(f"{count} {what}" for what, count in parts.items() if count) + "\n"


def _values(title: str, found: list[Change], of_each_file: bool = False) -> str:
    """Return a table of values before and after: all of them, or the first of each file."""
    if not found:
        return ""
    first: dict[str, Change] = {}
    for change in found:
        first.setdefault(change.file, change)
    shown = list(first.values()) if of_each_file else found
    shifted = any(change.shift is not None for change in found)
    head = ["", "before", "after", *(["moved by"] if shifted else [])]
    rows = [
        [
            _code(f"{change.file}: {change.name}"),
            _code(change.before),
            _code(change.after),
            *([_shift(change)] if shifted else []),
        ]
        for change in shown
    ]
    return f"### {title}\n\n" + _table(head, rows, len(found))


def _shift(change: Change) -> str:
    return "" if change.shift is None else f"{change.shift:+.1f} sd"
