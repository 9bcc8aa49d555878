"""What a branch changes: stages, settings, metrics, verdicts, figures and plots, from what Git holds alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from netclaims.learn.paths import FIGURES, PLOTS
from netclaims.present.verdicts import effect

LOCK = Path("dvc.lock")
CLAIMS = PLOTS / "claims.csv"
NONE = "no change of code or settings"  # on another machine, or by force


class ReviewError(Exception):
    """There is nothing to compare with; one line says why."""


@dataclass(frozen=True)
class Base:
    """The commit that the working tree is compared with."""

    commit: str
    subject: str

    def read(self, path: Path) -> str | None:
        """The content of a file there; None if there is no such file."""
        return _run("git", "show", f"{self.commit}:{path.as_posix()}", missing=True)

    def changed(self, *paths: Path) -> list[Path]:
        """The files in some folders that are new, gone or different in the working tree, by name."""
        return [file for file in self._changed if any(file.is_relative_to(path) for path in paths)]

    @cached_property
    def _changed(self) -> list[Path]:
        differ = _run("git", "diff", "--name-only", "--no-renames", "-z", self.commit)
        new = _run("git", "ls-files", "--others", "--exclude-standard", "-z")
        return sorted({Path(name) for name in (differ + new).split("\0") if name})


def find_base(name: str) -> Base:
    """Where the branch that is checked out left another one, or any other commit.

    Raises:
        ReviewError: no such commit, none in common, or not a Git repository.
    """
    if _run("git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", missing=True) is None:
        raise ReviewError(f"BASE: a branch, tag or commit of this repository (found {name!r})")
    commit = _run("git", "merge-base", "--end-of-options", name, "HEAD", missing=True)
    if commit is None:
        raise ReviewError(f"BASE: a commit with which HEAD has one in common (found {name!r})")
    subject = _run("git", "show", "--no-patch", "--format=%s", commit.strip())
    return Base(commit.strip(), subject.strip())


@dataclass(frozen=True)
class Rerun:
    """A stage whose entry in `dvc.lock` is another than at the base, and why.

    `causes` are settings, code and commands of its own; `follows` are stages before it whose results are others; where
    it has neither, the cause is NONE.
    """

    stage: str
    how: str
    causes: list[str] = field(default_factory=list)
    follows: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Flip:
    """A claim whose verdict is another; None where there is none, as the claim is new or gone."""

    claim: str
    experiment: str
    quote: str
    before: str | None
    after: str | None
    effect_before: list[str]
    effect_after: list[str]

    @property
    def weight(self) -> int:
        """0 for a change of sides, 1 for one from or to undecided, 2 for claims that are new, gone or not testable."""
        sides = {"supported", "refuted"}
        if {self.before, self.after} == sides:
            return 0
        return 1 if {self.before, self.after} <= sides | {"undecided"} else 2


@dataclass(frozen=True)
class Change:
    """A parameter or a metric that has another value; `shift` is that of a mean, in standard deviations at the base."""

    file: str
    name: str
    before: Any
    after: Any
    shift: float | None = None


@dataclass(frozen=True)
class FigurePair:
    """A figure that differs, with its SVG before and after; None where there is none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changes:
    """All of them."""

    base: Base
    stages: int
    reruns: list[Rerun]
    flips: list[Flip]
    parameters: list[Change]
    metrics: list[Change]
    figures: list[FigurePair]
    plots: dict[str, Any]

    @property
    def causes(self) -> dict[str, int]:
        """What made stages run again, with the number of stages that it reached directly, most of them first."""
        return dict(Counter(cause for rerun in self.reruns for cause in rerun.causes).most_common())


def find_changes(name: str) -> Changes:
    """Compare the working tree with the base that `name` leads to.

    Raises:
        ReviewError: see `find_base`; or DVC cannot compare.
    """
    base = find_base(name)
    locks = [_stages(base.read(LOCK)), _stages(_now(LOCK))]
    return Changes(
        base=base,
        stages=len(locks[1]),
        reruns=list(_reruns(base, *locks)),
        flips=_flips(base.read(CLAIMS), _now(CLAIMS)),
        parameters=list(_values(_dvc("params", "diff", "--json", base.commit))),
        metrics=_metrics(base),
        figures=[
            FigurePair(path.relative_to(FIGURES).with_suffix("").as_posix(), base.read(path), _now(path))
            for path in base.changed(FIGURES)
        ],
        plots=_plots(base),
    )


def _run(*words: str, missing: bool = False) -> Any:
    """What a command prints; None if it fails and may."""
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 (a list, no shell)
    if done.returncode and missing:
        return None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise ReviewError(f"{' '.join(words[:3])}: {said[-1]}")
    return done.stdout


def _dvc(*words: str) -> dict:
    return json.loads(_run(sys.executable, "-m", "dvc", *words) or "{}")


def _now(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


# ------------------------------------------------------------------------------------------------------------- stages


def _stages(lock: str | None) -> dict[str, dict]:
    try:
        return (yaml.safe_load(lock) or {}).get("stages", {}) if lock else {}
    except yaml.YAMLError as error:
        raise ReviewError(f"{LOCK}: cannot be read: {' '.join(str(error).split())}") from error


def _hashes(entry: dict, kind: str) -> dict[str, Any]:
    return {item["path"]: item.get("md5", item.get("hash")) for item in entry.get(kind, [])}


def _flat(values: Any, name: str = "") -> dict[str, Any]:
    """Nested settings by their dotted keys."""
    if not isinstance(values, dict):
        return {name: values}
    return {
        key: value
        for part, inner in values.items()
        for key, value in _flat(inner, f"{name}.{part}".lstrip(".")).items()
    }


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
                causes = [NONE]
            yield Rerun(stage, "same results" if same else "other results", causes, follows)


def _causes(base: Base, old: dict, new: dict, others: dict[str, str]) -> tuple[list[str], list[str]]:
    causes = ["another command"] if old.get("cmd") != new.get("cmd") else []
    settings = [
        {
            (file, name): value
            for file, values in entry.get("params", {}).items()
            for name, value in _flat(values).items()
        }
        for entry in (old, new)
    ]
    for file, name in dict.fromkeys([*settings[0], *settings[1]]):
        values = [said.get((file, name)) for said in settings]
        if values[0] != values[1]:
            causes.append(f"{name}: {' → '.join('none' if value is None else str(value) for value in values)}")
    follows: list[str] = []
    deps = [_hashes(entry, "deps") for entry in (old, new)]
    for dep in dict.fromkeys([*deps[0], *deps[1]]):
        if deps[0].get(dep) != deps[1].get(dep):
            stages = [stage for out, stage in others.items() if out == dep or out.startswith(f"{dep}/")]
            follows += stages
            if not stages:
                causes += [path.as_posix() for path in base.changed(Path(dep))] or [dep]
    return causes, list(dict.fromkeys(follows))


# ----------------------------------------------------------------------------------------------------------- verdicts


def _flips(before: str | None, after: str | None) -> list[Flip]:
    tables = [pd.read_csv(StringIO(text)).set_index("claim") if text else pd.DataFrame() for text in (before, after)]
    found = []
    for claim in dict.fromkeys([*tables[0].index, *tables[1].index]):
        rows = [table.loc[claim] if claim in table.index else None for table in tables]
        verdicts = [None if row is None else row["verdict"] for row in rows]
        if verdicts[0] != verdicts[1]:
            told = rows[0] if rows[1] is None else rows[1]
            effects = [[] if row is None else effect(row) for row in rows]
            found.append(Flip(claim, told["experiment"], told["quote"], *verdicts, *effects))
    return sorted(found, key=lambda flip: flip.weight)


# -------------------------------------------------------------------------------------------------- settings, metrics


def _values(diff: dict[str, dict]) -> Iterator[Change]:
    for file, names in diff.items():
        for name, values in names.items():
            yield Change(file, name, values.get("old"), values.get("new"))


def _metrics(base: Base) -> list[Change]:
    """The metrics that differ, means that moved by most standard deviations first."""
    found, spreads = [], {}
    for change in _values(_dvc("metrics", "diff", "--json", base.commit)):
        if change.file not in spreads:
            spreads[change.file] = _flat(json.loads(base.read(Path(change.file)) or "{}"))
        found.append(
            Change(change.file, change.name, change.before, change.after, _shift(change, spreads[change.file]))
        )
    return sorted(found, key=lambda change: -inf if change.shift is None else abs(change.shift), reverse=True)


def _shift(change: Change, spreads: dict[str, Any]) -> float | None:
    stem, _, last = change.name.rpartition(".")
    spread = spreads.get(f"{stem}.sd")
    numbers = (change.before, change.after, spread)
    if (
        last != "mean"
        or not all(isinstance(number, int | float) and isfinite(number) for number in numbers)
        or not spread
    ):
        return None
    return (change.after - change.before) / spread


# --------------------------------------------------------------------------------------------------------------- plots


def _plots(base: Base) -> dict[str, Any]:
    """The Vega-Lite specification of every table that differs, before and after in one, as `dvc plots diff` has it."""
    tables = [path.as_posix() for path in base.changed(PLOTS) if path.suffix == ".csv"]
    if not tables:
        return {}
    found = _dvc("plots", "diff", base.commit[:7], "--json", "--targets", *tables).get("data", {})
    return {name: drawn[0]["content"] for name, drawn in sorted(found.items()) if drawn and drawn[0]["type"] == "vega"}
