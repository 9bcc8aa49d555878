"""What becomes of a verdict where the thresholds that its reading takes are others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from netclaims.claims.entries import ClaimTest
from netclaims.claims.judge import Finding

FACTORS = (0.25, 0.5, 2, 4)
NAMES = ("than", "within", "beyond", "below", "above", "fallen", "least")
SHARES = ("accuracy", "right_sign", "in_plane")  # ends of columns that hold shares
TAKEN_SHARES = ("rise", "turns")  # what is a share whatever series it is taken of
MEANINGS = [f"sensitivity.{name}" for name in ("loss_by_input", "output_by_input", "loss_by_parameters")]


def readings(test: ClaimTest) -> Iterator[tuple[str, str, ClaimTest]]:
    """Yield a test as it is read, and with other thresholds, kind of threshold by kind, all of a kind at once.

    Thresholds are a quarter, half, twice and four times what they are; of a share from one half on, such as an accuracy
    of 0.99 or 95 % of the way down, what it lacks to 1 is, and no share is above 1. A number of epochs to which `until`
    is compared is no threshold, nor is 0. Where a sensitivity is looked at, each of its three meanings takes its place.

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
            changed = _replaced(content, name, lambda value, share, f=factor, v=values: _scaled(value, share, f, v))
            if values and all(value > 0 for value in values):
                said = ", ".join(f"{value:.4g}" for value in dict.fromkeys(values))
                yield name, said, ClaimTest.model_validate(changed)
    found: list[str] = []
    _replaced(content, "of", lambda column, _: found.append(column) or column)
    if meant := [column for column in dict.fromkeys(found) if column in MEANINGS]:
        for meaning in [*meant, *(other for other in MEANINGS if other not in meant)]:
            changed = _replaced(content, "of", lambda column, _, m=meaning: m if column in MEANINGS else column)
            yield "sensitivity", meaning.partition(".")[2], ClaimTest.model_validate(changed)


def _scaled(value: float, share: bool, factor: float, values: list[float]) -> float:
    """Return a threshold times a factor, and note it; below 0, which is none, for a share above 1."""
    scaled = 1 - (1 - value) * factor if share and value >= 0.5 else value * factor
    values.append(-1.0 if share and scaled > 1 else scaled)
    return scaled


def _replaced(content: Any, name: str, change: Callable[[Any, bool], Any]) -> Any:
    """Return a copy of nested content with every value under a key changed: text, and numbers that are thresholds.

    `change` is told whether the number is a share.
    """
    if isinstance(content, list):
        return [_replaced(item, name, change) for item in content]
    if not isinstance(content, dict):
        return content
    side = content.get("higher") or content.get("lower") or {}
    share = name in ("fallen", "least") or (name == "than" and _is_share(side))
    fixed = name == "than" and "until" in side  # a place

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(item) for item in value]
        if isinstance(value, dict):
            return _replaced(value, name, change)
        return value if value == 0 or fixed else change(value, share)

    return {key: changed(value) if key == name else _replaced(value, name, change) for key, value in content.items()}


def _is_share(operand: Mapping[str, Any]) -> bool:
    take = operand.get("take")
    return take in TAKEN_SHARES or (operand.get("of", "").endswith(SHARES) and take not in ("growth", "gain", "swing"))


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
