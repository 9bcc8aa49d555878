"""A review as a comment on a pull request, in Markdown: verdicts first, and as short as it can be.

However much changed, it is shorter than GitHub's 65,536 characters: of each table and sentence it shows so much, and
says how much more there is.
"""

from __future__ import annotations

import re
from collections import Counter

from netclaims.paths import report_of
from netclaims.present.wording import MARKS
from netclaims.review.changes import Change, Changes
from netclaims.review.reruns import behind, by_cause
from netclaims.review.verdicts import Flip

ROWS = 20  # shown of a table
NAMES = 6  # listed in a sentence
CAUSES = 3  # named of what made something others
LONGEST = 160  # characters of a name or a value


def comment(changes: Changes, faults: list[str], link: str = "") -> str:
    """Return the comment.

    Args:
        changes: what the branch changes.
        faults: where the results are not in step with code and settings.
        link: where the whole page can be had, if anywhere.
    """
    parts = [
        f"## What this changes\n\nAgainst `{changes.base.commit[:7]}`: {summary(changes)}.",
        _verdicts(changes),
        _faults(faults),
        "\n".join(f"- {_plain(line)}" for line in changes.incomparable),
        _stages(changes),
        *(_names(f"Recipes that are {how}", names) for how, names in changes.recipes.items()),
        _values("Parameters", changes.parameters),
        _values("Metrics, of each file the one that moved most", changes.metrics, of_each_file=True),
        _names("Figures that differ", [pair.name for pair in changes.figures]),
        _names("Plots that differ", list(changes.plots)),
        f"Every change, with figures and plots before and after: {link}" if link else "",
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


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


def causes_of(changes: Changes, flip: Flip) -> tuple[str, ...]:
    """Return what made a verdict another one."""
    return behind(changes.reruns, flip.experiment, f"claims@{report_of(flip.experiment)}")


def named(causes: tuple[str, ...] | list[str]) -> tuple[list[str], int]:
    """Return the causes to name, settings before code, and how many more there are."""
    ordered = sorted(causes, key=lambda cause: " → " not in cause)
    return ordered[:CAUSES], max(0, len(ordered) - CAUSES)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _code(value: object) -> str:
    """Return a value that Markdown makes nothing of, nor a mention."""
    if value is None:
        return "–"
    return f"`{_cut(' '.join(str(value).replace('`', chr(39)).replace('|', '¦').split()))}`"


def _table(head: list[str], rows: list[list[str]], total: int | None = None) -> str:
    """Return the first rows, and how many more there are of `total`."""
    shown = rows[:ROWS]
    left = (len(rows) if total is None else total) - len(shown)
    lines = [head, ["---"] * len(head), *shown]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + (f"\n*… and {left:,} more.*\n" if left else "")


def _names(title: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"**{title}**: {', '.join(map(_code, names[:NAMES]))}{more}"


def _faults(faults: list[str]) -> str:
    return _names(f"Not in step ({len(faults)}): these results are not those of this code and these settings", faults)


def _because(causes: tuple[str, ...]) -> str:
    shown, more = named(causes)
    return ", ".join(map(_code, shown)) + (f" and {more} more" if more else "")


def _verdicts(changes: Changes) -> str:
    """Return a table of verdicts that flipped for each cause, and how many claims are new or gone."""
    if not changes.flips:
        return "### Verdicts\n\nNone flipped."
    both = [flip for flip in changes.flips if None not in (flip.before, flip.after)]
    groups: dict[tuple[str, ...], list[list[str]]] = {}
    for flip in both[:ROWS]:
        row = [_code(flip.claim), f"“{_plain(flip.quote)}”", _verdict(flip.before, flip.effect_before),
               _verdict(flip.after, flip.effect_after)]  # fmt: skip
        groups.setdefault(causes_of(changes, flip), []).append(row)
    text = "### Verdicts that flipped\n\n"
    for causes, rows in groups.items():
        text += f"Because of {_because(causes)}:\n\n" if causes else ""
        text += _table(["claim", "", "before", "after"], rows) + "\n"
    if len(both) > ROWS:
        text += f"*… and {len(both) - ROWS:,} more.*\n\n"
    for how, names in {
        "new": [flip.claim for flip in changes.flips if flip.before is None],
        "gone": [flip.claim for flip in changes.flips if flip.after is None],
    }.items():
        text += f"{_names(f'Claims that are {how}', names)}\n\n" if names else ""
    return text


def _plain(text: str) -> str:
    """Return text that Markdown makes nothing of.

    GitHub reads a mention from an escaped @ as well, but not with a gap.
    """
    escaped = "".join(f"\\{sign}" if sign in r"\`*_~$<>[]|&" else sign for sign in _cut(" ".join(text.split())))
    return re.sub("([@#])", "\\1\N{ZERO WIDTH SPACE}", escaped)


def _verdict(verdict: str | None, effect: list[str]) -> str:
    return "–" if verdict is None else "<br>".join([f"{MARKS[verdict]} {verdict}", *map(_plain, effect)])


def _stages(changes: Changes) -> str:
    if not changes.reruns:
        return ""
    groups = by_cause(changes.reruns)
    rows = [[_because(causes), str(len(reruns))] for causes, reruns in groups.items() if causes]
    text = "### Why stages ran again\n\n"
    text += _table(["because of", "stages"], rows[: ROWS // 2], len(rows)) + "\n" if rows else ""
    followed = sum(1 for rerun in changes.reruns if rerun.follows and not rerun.causes)
    came = Counter(rerun.how for rerun in changes.reruns)
    parts = {
        "follow from these": followed,
        "came to the same results": came["same results"],
        "are new": came["new"],
        "are gone": came["gone"],
    }
    return text + ", ".join(f"{count} {what}" for what, count in parts.items() if count) + "\n"


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
    return f"### {title}\n\n" + _table(head, rows[: ROWS // 2], len(found))


def _shift(change: Change) -> str:
    return "" if change.shift is None else f"{change.shift:+.1f} sd"
