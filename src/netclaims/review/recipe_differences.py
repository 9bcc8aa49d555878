"""What differs between two recipes of a stage: settings, modules and libraries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from netclaims.review.base import ReviewError

LONGEST = 100  # so many characters of a value are shown


def parse_recipe(text: str, path: Path) -> dict[str, dict]:
    """Return the content of a recipe.

    Raises:
        ReviewError: it is none, as where a merge left conflicts.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ReviewError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
        raise ReviewError(f"{path}: cannot be read: mappings of settings, code and libraries expected")
    return content


def differences(
    before: dict[str, dict], after: dict[str, dict], named: Callable[[str, Any, Any], str] = lambda name, *_: name
) -> list[str]:
    """Tell what differs: `epochs: 5 → 2`, `netclaims.training.loop`, `torch 2.9.0 → 2.9.1`.

    Args:
        before: a recipe.
        after: another one.
        named: what a setting is called, of its dotted keys and its two values.
    """
    settings, code, libraries = (
        (before.get(part, {}), after.get(part, {})) for part in ("settings", "code", "libraries")
    )
    told = [
        *(_told(named(name, old, new), old, new) for name, old, new in _settings(*settings)),
        *(f"{name}{_presence(old, new)}" for name, old, new in _pairs(*code)),
        *(f"{name} {_shown(old)} → {_shown(new)}" for name, old, new in _pairs(*libraries)),
    ]
    return list(dict.fromkeys(told))  # what changes alike in several entries of a list is told once


def _pairs(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield what has another value, None where there is none."""
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield name, old, new


def _settings(before: dict[str, Any], after: dict[str, Any], where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield settings by their dotted keys, with both values; as a whole what is a mapping in one of them only."""
    for key, old, new in _pairs(before, after):
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _settings(old, new, f"{where}{key}.")
        elif _are_entries(old) and _are_entries(new) and len(old) == len(new):
            for entries in zip(old, new, strict=True):
                yield from _settings(*entries, f"{where}{key}[].")
        else:
            yield f"{where}{key}", old, new


def _are_entries(value: Any) -> bool:
    """Tell whether a value is a list of mappings."""
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _told(name: str, old: Any, new: Any) -> str:
    if any(isinstance(value, dict) for value in (old, new)) and (presence := _presence(old, new)):
        return f"{name}{presence}"
    if old and new and _are_entries(old) and _are_entries(new):
        return f"{name}: {len(old)} → {len(new)} entries"
    return f"{name}: {_shown(old)} → {_shown(new)}"


def _presence(old: Any, new: Any) -> str:
    return ": new" if old is None else ": gone" if new is None else ""


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return f"{text[:LONGEST]}…" if len(text) > LONGEST else text
