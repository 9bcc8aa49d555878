"""What becomes of a verdict where the thresholds that its reading takes are others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from netclaims.claims.entries import ClaimTest
from netclaims.claims.judge import Finding

FACTORS = (0.25, 0.5, 2, 4)
NAMES = ("than", "within", "beyond", "below", "above", "fallen", "least")
MARGINS = ("within", "beyond")
MEANINGS = [f"sensitivity.{name}" for name in ("loss_by_input", "output_by_input", "loss_by_parameters")]


def readings(test: ClaimTest) -> Iterator[tuple[str, str, ClaimTest]]:
    """Yield a test as it is read, and with other thresholds, kind of threshold by kind, all of a kind at once.

    Thresholds are a quarter, half, twice and four times what they are; of a share from one half on, such as an accuracy
    of 0.99 or 95 % of the way down, what it lacks to 1 is. A number of epochs to which `until` is compared is none, nor
    is 0. Where a sensitivity is looked at, each of its three meanings takes its place.

    Args:
        test: how a sentence is tested.

    Yields:
        The key under which the thresholds stand, what they are then, and the test. Of each kind the test as it is read
        comes first.
    """
    content = test.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name in NAMES:
        for factor in (1, *FACTORS):
            values: list[float] = []
            changed = _replaced(content, name, lambda value, f=factor, n=name, v=values: _scaled(n, value, f, v))
            if values and all(value > 0 for value in values):
                said = ", ".join(f"{value:.4g}" for value in dict.fromkeys(values))
                yield name, said, ClaimTest.model_validate(changed)
    found: list[str] = []
    _replaced(content, "of", lambda column: found.append(column) or column)
    if meant := [column for column in dict.fromkeys(found) if column in MEANINGS]:
        for meaning in [*meant, *(other for other in MEANINGS if other not in meant)]:
            changed = _replaced(content, "of", lambda column, m=meaning: m if column in MEANINGS else column)
            yield "sensitivity", meaning.partition(".")[2], ClaimTest.model_validate(changed)


def _scaled(name: str, value: float, factor: float, values: list[float]) -> float:
    """Return a threshold times a factor, and note it."""
    from_one = name in ("fallen", "least") or (name not in MARGINS and 0.5 <= value < 1)
    values.append(1 - (1 - value) * factor if from_one else value * factor)
    return values[-1]


def _replaced(content: Any, name: str, change: Callable[[Any], Any]) -> Any:
    """Return a copy of nested content with every value under a key changed: text, and numbers that are thresholds."""
    if isinstance(content, list):
        return [_replaced(item, name, change) for item in content]
    if not isinstance(content, dict):
        return content
    place = "until" in (content.get("higher") or content.get("lower") or {})
    return {
        key: _changed(value, name, change, place) if key == name else _replaced(value, name, change)
        for key, value in content.items()
    }


def _changed(value: Any, name: str, change: Callable[[Any], Any], place: bool) -> Any:
    if isinstance(value, list):
        return [_changed(item, name, change, place) for item in value]
    if isinstance(value, dict):
        return _replaced(value, name, change)
    return value if value == 0 or (place and name == "than") else change(value)


def at_thresholds(
    tests: Mapping[str, ClaimTest],
    findings: Mapping[str, Finding],
    find: Callable[[str, ClaimTest], Finding],
    judge: Callable[[Mapping[str, Finding]], pd.DataFrame],
) -> pd.DataFrame:
    """Judge every claim that data could be brought to bear on at other thresholds, with the other claims as read.

    Args:
        tests: every claim by its name.
        findings: what came of each.
        find: puts a test to the tables of a claim, by its name.
        judge: judges all findings together, a row for each with `claim` and `verdict`.

    Returns:
        A table of claim, threshold (the key that it stands under), value, verdict, and read: whether it is as read.
    """
    rows = []
    as_read = judge(findings).set_index("claim")["verdict"]
    for key, test in tests.items():
        seen = set()
        for name, value, other in readings(test) if findings[key].evidence else ():
            if read := name not in seen:
                verdict = as_read[key]
            else:
                verdict = judge({**findings, key: find(key, other)}).set_index("claim").loc[key, "verdict"]
            rows.append((key, name, value, verdict, read))
            seen.add(name)
    return pd.DataFrame(rows, columns=["claim", "threshold", "value", "verdict", "read"])
