"""Which stages ran again, and why: `dvc.lock` at the base beside that of the working tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from netclaims.paths import PARAMS, SETTINGS, report_path
from netclaims.review.base import Base, ReviewError, read_now

LOCK = Path("dvc.lock")
UNEXPLAINED = "no change of code or settings"  # on another machine, or by force


@dataclass(frozen=True)
class Rerun:
    """A stage whose entry in `dvc.lock` is another than at the base, and why.

    `how` is one of "new", "gone", "same results" and "other results".
    `causes` are settings, code and commands of its own; `follows` are stages before it whose results are others; where
    it has neither, the cause is UNEXPLAINED.
    """

    stage: str
    how: str
    causes: list[str] = field(default_factory=list)
    follows: list[str] = field(default_factory=list)


def _stages(lock: str | None) -> dict[str, dict]:
    try:
        return (yaml.safe_load(lock) or {}).get("stages", {}) if lock else {}
    except yaml.YAMLError as error:
        raise ReviewError(f"{LOCK}: cannot be read: {' '.join(str(error).split())}") from error


def _hashes(entry: dict, kind: str) -> dict[str, Any]:
    return {item["path"]: item.get("md5", item.get("hash")) for item in entry.get(kind, [])}


def find_reruns(base: Base) -> tuple[list[Rerun], int]:
    """The stages that ran again since `base`, in the order of `dvc.lock`, and how many stages there are in all.

    Raises:
        ReviewError: either `dvc.lock` cannot be read.
    """
    before, after = _stages(base.read(LOCK)), _stages(read_now(LOCK))
    return list(_reruns(base, before, after)), len(after)


def _reruns(base: Base, before: dict[str, dict], after: dict[str, dict]) -> Iterator[Rerun]:
    written = [{out: (stage, md5) for stage, entry in lock.items() for out, md5 in _hashes(entry, "outs").items()}
               for lock in (before, after)]  # fmt: skip
    others = {
        out: stage
        for out, (stage, _) in (written[0] | written[1]).items()
        if written[0].get(out, (None, None))[1] != written[1].get(out, (None, None))[1]
    }
    for stage in [*after, *(stage for stage in before if stage not in after)]:
        old, new = before.get(stage), after.get(stage)
        if old is None or new is None:
            yield Rerun(stage, "new" if old is None else "gone")
        elif old != new:
            same = _hashes(old, "outs") == _hashes(new, "outs")
            causes, follows = _causes(base, old, new, others)
            if not causes and not follows:
                causes = [UNEXPLAINED]
            yield Rerun(stage, "same results" if same else "other results", causes, follows)


def _causes(base: Base, old: dict, new: dict, others: dict[str, str]) -> tuple[list[str], list[str]]:
    causes = ["another command"] if old.get("cmd") != new.get("cmd") else []
    causes += _differences([flat(entry.get("params", {}).get(PARAMS.name, {})) for entry in (old, new)])
    follows: list[str] = []
    deps = [_hashes(entry, "deps") for entry in (old, new)]
    for dep in dict.fromkeys([*deps[0], *deps[1]]):
        if deps[0].get(dep) == deps[1].get(dep):
            continue
        if Path(dep).is_relative_to(SETTINGS):
            causes += _differences([_entry(Path(dep), read) for read in (base.read, read_now)])
        else:
            stages = [stage for out, stage in others.items() if out == dep or out.startswith(f"{dep}/")]
            follows += stages
            if not stages:
                causes += [path.as_posix() for path in base.changed(Path(dep))] or [dep]
    return causes, list(dict.fromkeys(follows))


def _entry(file: Path, read: Callable[[Path], str | None]) -> dict[str, Any]:
    """The entry of a report that `data/settings/<section>/<key>.json` holds, by its dotted keys in `reports/`."""
    section, key = file.parent.name, file.stem
    entries = (yaml.safe_load(read(report_path(key)) or "") or {}).get(section) or {}
    return flat({section: entries if section == "figures" else {key: entries.get(key)}})


def _differences(settings: list[dict[str, Any]]) -> list[str]:
    """What differs in settings by their dotted keys, before and after."""
    values = {name: [said.get(name) for said in settings] for name in dict.fromkeys([*settings[0], *settings[1]])}
    return [
        f"{name}: {' → '.join('none' if value is None else str(value) for value in pair)}"
        for name, pair in values.items()
        if pair[0] != pair[1]
    ]


def flat(values: Any, name: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys."""
    if not isinstance(values, dict):
        return {name: values}
    return {
        key: value for part, inner in values.items() for key, value in flat(inner, f"{name}.{part}".lstrip(".")).items()
    }
