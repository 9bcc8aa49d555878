"""Whether the results in Git are those of the code and the settings in Git: `python -m netclaims.review.staleness`.

It needs neither `data/` nor `runs/`, so that a fresh clone can be judged before anything is fetched or trained. What
lies in DVC's cache alone is judged by its hashes in `dvc.lock`: a stage must have read what the stage before it wrote.
That leaves out `runs` as a whole, which the claims read; a change there shows in the metrics, which they read as well.

Recipes are worked out anew from settings, code and installed libraries, because those in Git can be older: a setting or
a module that was edited while the pipeline ran, a library that was upgraded, `dvc repro --single-item`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import Stage

from netclaims.environment import settle
from netclaims.errors import DataError, SettingsError
from netclaims.paths import METRICS, PLOTS, RECIPES
from netclaims.recipes.write import all_recipes
from netclaims.review.base import ReviewError, read_committed, read_now
from netclaims.review.recipe_differences import differences, parse_recipe

REMEDY = "run `make repro` and commit what it writes"


def faults() -> list[str]:
    """Tell where the repository is not in step: a line per stage, then one per file of results that no stage writes.

    Raises:
        DvcException: a file of the pipeline cannot be read.
        SettingsError, DataError: a file of settings, or of images that a data set is made of, cannot be read.
        ReviewError: Git fails.
    """
    recipes = all_recipes()
    with Repo() as repo:
        stages = repo.index.stages
        outs = {Path(out.fs_path): out for stage in stages for out in stage.outs}
        told = stage_faults(repo, recipes)
        root = Path(repo.root_dir)
        results = [
            path
            for folder in (RECIPES, METRICS, PLOTS)
            for path in sorted((root / folder).rglob("*"))
            if path.is_file() and not repo.dvcignore.is_ignored_file(str(path))
        ]
    lines = [f"{name}: {', '.join(what)}; {REMEDY}" for name, what in told.items() if what]
    written = {root / path for path in recipes} | (outs.keys() - {root / RECIPES})
    left = [path for path in results if written.isdisjoint([path, *path.parents])]
    return lines + [f"{path.relative_to(root)}: no stage writes it; remove it" for path in left]


def stage_faults(repo: Repo, recipes: dict[Path, str]) -> dict[str, list[str]]:
    """Tell of every stage of a repository what is not in step.

    Args:
        repo: it is at the current folder.
        recipes: what all recipes should be, by path from there.
    """
    outs = {Path(out.fs_path): out for stage in repo.index.stages for out in stage.outs}
    return {stage.addressing: list(_faults_of(stage, outs, recipes)) for stage in repo.index.stages}


def _faults_of(stage: Stage, outs: dict[Path, Output], recipes: dict[Path, str]) -> Iterator[str]:
    """Yield what of a stage is not in step.

    Args:
        stage: the stage.
        outs: what all stages write, by path.
        recipes: what all recipes should be, by path from the root.
    """
    if not any(out.hash_info for out in stage.outs):
        yield "no entry in dvc.lock"
        return
    if stage.changed_stage():
        yield "another command"
    for dep in stage.deps:
        path = Path(dep.fs_path)
        written = outs.get(path)
        if not dep.hash_info:
            yield f"{dep} not in dvc.lock"
        elif written and written.use_cache:
            if written.hash_info and dep.hash_info != written.hash_info:
                yield f"{dep} is another one than {written.stage.addressing} wrote"
        elif Path(dep.def_path) in recipes:
            yield from _recipe_faults(dep, recipes[Path(dep.def_path)])
        elif not _in_cache(path, outs):
            yield from _changes(dep)
    for out in stage.outs:
        if not out.hash_info:
            yield f"{out} not in dvc.lock"
        elif not out.use_cache:
            yield from _changes(out)


def _recipe_faults(dep: Output, recipe: str) -> Iterator[str]:
    """Yield what a stage ran with that is no longer so. Its recipe of then is the one in its place, or in Git."""
    ran_with, path = dep.hash_info.value, Path(dep.def_path)
    if ran_with == _digest(recipe):
        yield from _changes(dep)
        return
    for read in (read_now, lambda path: read_committed(path, "HEAD")):
        text = read(path)
        if text is not None and _digest(text) == ran_with:
            yield from differences(parse_recipe(text, path), parse_recipe(recipe, path)) or [f"{dep} modified"]
            return
    yield f"{dep} is another one than settings, code and libraries give"


def _digest(text: str) -> str:
    """Return what DVC calls the content of a file by."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _in_cache(folder: Path, outs: dict[Path, Output]) -> bool:
    """Tell whether DVC's cache, and not Git, holds some of what lies in a folder."""
    return any(out.use_cache and path.is_relative_to(folder) for path, out in outs.items())


def _changes(entry: Output) -> Iterator[str]:
    """Yield how a file or a folder differs from `dvc.lock`."""
    yield from (f"{path} {change}" for path, change in entry.status().items())


def main() -> None:
    """End with status 1, and with one line per fault, if the results are not in step."""
    try:
        settle()
        found = faults()
    except (DvcException, SettingsError, DataError, ReviewError) as error:
        sys.exit(str(error))
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
