"""Which stages ran again, and why: `dvc.lock` and the recipes at the base beside those of the working tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from netclaims.paths import PARAMS, RECIPES, recipe_of
from netclaims.review.base import LOCK, Base, Change, ReviewError, read_now
from netclaims.review.recipe_differences import differences, parse_recipe

UNEXPLAINED = "no change of code or settings"  # it ran on another machine, or by force
NEW_RECIPE = "recipe is new"  # the base may have none of it, as where it has no recipes at all


@dataclass(frozen=True)
class Rerun:
    """A stage whose entry in `dvc.lock` is another than at the base, and why.

    `how` is one of "new", "gone", "same results" and "other results".
    `causes` are settings, modules, libraries and commands of its own; `follows` are stages before it whose results are
    others; where it has neither, the cause is UNEXPLAINED.
    """

    stage: str
    how: str
    causes: list[str] = field(default_factory=list)
    follows: list[str] = field(default_factory=list)


def behind(reruns: list[Rerun], key: str, last: str | None = None) -> tuple[str, ...]:
    """Return what made results of an experiment others: causes of its stages and of all that these follow.

    Args:
        reruns: the stages that ran again.
        key: the experiment or analysis, by which its stages are called.
        last: a stage that makes something of its results and of others'; of this one its own causes alone count.
    """
    by_name = {rerun.stage: rerun for rerun in reruns}
    found = dict.fromkeys(by_name[last].causes if last in by_name else [])
    todo, seen = [name for name in by_name if name.partition("@")[2] == key], set()
    while todo:
        name = todo.pop(0)
        if name in by_name and name not in seen:
            seen.add(name)
            rerun = by_name[name]
            found |= dict.fromkeys(rerun.causes or ([f"stage is {rerun.how}"] if rerun.how in ("new", "gone") else []))
            todo += rerun.follows
    return tuple(found)


def by_cause(reruns: list[Rerun]) -> dict[tuple[str, ...], list[Rerun]]:
    """Group the stages that ran again by causes of their own, those that reach most first."""
    groups: dict[tuple[str, ...], list[Rerun]] = {}
    for rerun in reruns:
        groups.setdefault(tuple(rerun.causes), []).append(rerun)
    return dict(sorted(groups.items(), key=lambda group: (not group[0], -len(group[1]))))


def _stages(lock: str | None) -> dict[str, dict]:
    try:
        return (yaml.load(lock, yaml.CSafeLoader) or {}).get("stages", {}) if lock else {}
    except yaml.YAMLError as error:
        raise ReviewError(f"{LOCK}: cannot be read: {' '.join(str(error).split())}") from error


def _hashes(entry: dict, kind: str) -> dict[str, Any]:
    return {item["path"]: item.get("md5", item.get("hash")) for item in entry.get(kind, [])}


def find_reruns(base: Base, parameters: list[Change]) -> tuple[list[Rerun], int]:
    """Find the stages that ran again, in the order of `dvc.lock`, and how many stages there are in all.

    Args:
        base: since when.
        parameters: what differs in `params.yaml` and `reports/`, by which a setting is called if it comes from there.

    Raises:
        ReviewError: either `dvc.lock` or a recipe cannot be read.
    """
    before, after = _stages(base.read(LOCK)), _stages(read_now(LOCK))
    return list(_reruns(base, parameters, before, after)), len(after)


def _reruns(base: Base, parameters: list[Change], before: dict[str, dict], after: dict[str, dict]) -> Iterator[Rerun]:
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
            causes, follows = _causes(base, parameters, stage, old, new, others)
            if not causes and not follows:
                causes = [UNEXPLAINED]
            yield Rerun(stage, "same results" if same else "other results", causes, follows)


def _causes(
    base: Base, parameters: list[Change], stage: str, old: dict, new: dict, others: dict[str, str]
) -> tuple[list[str], list[str]]:
    causes = ["another command"] if old.get("cmd") != new.get("cmd") else []
    follows: list[str] = []
    deps = [_hashes(entry, "deps") for entry in (old, new)]
    changed = [dep for dep in dict.fromkeys([*deps[1], *deps[0]]) if deps[0].get(dep) != deps[1].get(dep)]
    recipe = recipe_of(*stage.split("@"))  # a stage depends on that alone, or on the folder with all of them
    if any(Path(dep) in (recipe, RECIPES) for dep in changed) and base.read(recipe) != read_now(recipe):
        causes += _recipe_causes(base, parameters, recipe)
    if NEW_RECIPE in causes:  # it stands for the sources that the stage depends on at the base
        changed = [dep for dep in changed if dep in deps[1]]
    for dep in changed:
        if Path(dep) != recipe:
            stages = [name for out, name in others.items() if out == dep or out.startswith(f"{dep}/")]
            follows += stages
            causes += [] if stages else [dep]
    return causes, list(dict.fromkeys(follows))


def _recipe_causes(base: Base, parameters: list[Change], path: Path) -> list[str]:
    texts = base.read(path), read_now(path)
    if texts[0] is None:
        return [NEW_RECIPE]
    if texts[1] is None:
        return [f"{path.as_posix()}: gone"]
    recipes = [parse_recipe(text, path) for text in texts]
    key = path.stem

    def named(name: str, *values: Any) -> str:
        """Call a setting by the one entry that changed like it in `params.yaml` or, of this stage, in `reports/`."""
        leaf = name.rpartition(".")[2]
        found = {
            change.name
            for change in parameters
            if change.name.rpartition(".")[2] == leaf
            and [str(change.before), str(change.after)] == [*map(str, values)]
            and (change.file == PARAMS.as_posix() or key in (Path(change.file).stem, *change.name.split(".")))
        }
        return found.pop() if len(found) == 1 else name

    return differences(*recipes, named) or [path.as_posix()]
