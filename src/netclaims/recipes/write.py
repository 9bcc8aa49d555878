"""Every recipe of the pipeline, as settings, code and libraries give them now: `recipes/`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from netclaims.data.registry import DATA_KINDS
from netclaims.errors import SettingsError
from netclaims.paths import RECIPES, RUNS, recipe_of, report_of
from netclaims.recipes.code import DIGITS, closure
from netclaims.recipes.conclusions import conclusions
from netclaims.recipes.pages import pages
from netclaims.recipes.read import ROOT
from netclaims.recipes.resolve import analysis, check_classes, preparation, training, training_size
from netclaims.settings.params import Params
from netclaims.settings.reports import Report, load_settings

WIDTH = 120  # characters of a line


def all_recipes() -> dict[Path, str]:
    """Return the text of every recipe by its path, from the settings in the current folder and the code beside them.

    Raises:
        SettingsError: a setting is wrong, or does not go with the data, or a module cannot be read.
        DataError: images that a data set is made of are missing.
    """
    _versions.cache_clear()  # code may have been edited since the last time
    params, reports = load_settings()
    return {recipe_of(stage, key): _text(stage, settings) for stage, key, settings in _settings(params, reports)}


def write_recipes() -> int:
    """Write what has changed in `recipes/`, and remove what belongs to no stage any more, there and in `runs/`.

    A file is replaced at one stroke: whoever stops this leaves old recipes and new ones, none by half.

    Returns:
        The number of recipes.

    Raises:
        SettingsError, DataError: as `all_recipes`; nothing is written then.
    """
    recipes = all_recipes()
    _write(recipes)
    if (edited := all_recipes()) != recipes:  # meanwhile; DVC takes what it finds at the end for what was read
        recipes = edited
        _write(recipes)
    _remove_leftovers({path.relative_to(RECIPES).with_suffix("") for path in recipes})
    return len(recipes)


def _write(recipes: dict[Path, str]) -> None:
    for path, text in recipes.items():
        if not path.exists() or path.read_bytes() != text.encode():
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".json.new")
            new.write_text(text, encoding="utf-8", newline="\n")
            os.replace(new, path)  # noqa: PTH105 (as Path.replace)
    for path in sorted(RECIPES.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path not in recipes:
            path.unlink()


def _remove_leftovers(stages: set[Path]) -> None:
    """Remove from `runs/` what no stage writes any more, so that nobody takes it for a result."""
    names = [(stage.parent.name, stage.name) for stage in stages]
    kept = {key if kind == "train" else f"{key}.{kind}.csv" for kind, key in names}
    for path in RUNS.glob("[!.]*"):
        if path.name in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _text(stage: str, settings: dict[str, Any]) -> str:
    content = {"settings": settings} | _versions(stage)
    return _lines(content) + "\n"


def _lines(value: Any, indent: str = "") -> str:
    """Return JSON in which a line holds as much as fits, so that what changes is a line of a diff."""
    whole = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or len(indent) + len(whole) <= WIDTH:
        return whole
    inner = indent + "  "
    if isinstance(value, list):
        parts = [_lines(item, inner) for item in value]
    else:
        parts = [f"{json.dumps(name, ensure_ascii=False)}: {_lines(item, inner)}" for name, item in value.items()]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}{closing}"


@cache
def _versions(stage: str) -> dict[str, dict[str, str]]:
    try:
        found = closure(Path("stages", f"{stage}.py"), ROOT)
    except (LookupError, SyntaxError, OSError) as error:
        raise SettingsError(f"{getattr(error, 'filename', None) or f'stages/{stage}.py'}: {error}") from None
    return {"code": found.modules, "libraries": found.libraries}


def _settings(params: Params, reports: list[Report]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Yield stage, key and settings of every recipe."""
    check_classes(params, reports)
    used = {entry.data for report in reports for entry in report.experiments.values()}
    images = {name: training_size(name, params) for name in used if name != "functions"}
    trainings = {
        key: training(key, entry, params, images.get(entry.data))
        for report in reports
        for key, entry in report.experiments.items()
    }
    for name in DATA_KINDS:
        yield "prepare", name, preparation(name, params)
    for key, found in trainings.items():
        yield "train", key, asdict(found)
    analyses = {
        (kind, key): analysis(entry, trainings[entry.nets])
        for report in reports
        for kind, entries in report.analyses.items()
        for key, entry in entries.items()
    }
    for (kind, key), settings in analyses.items():
        yield kind, key, settings
    made = {("train", key): asdict(found) for key, found in trainings.items()} | analyses
    for report in reports:
        texts = [_text(kind, made[kind, key]) for kind, key in sorted(made) if report_of(key) == report.name]
        made_by = sha256("".join(texts).encode()).hexdigest()[:DIGITS]
        yield "claims", report.name, conclusions(params, report, trainings, analyses, made_by)
    yield from pages(params, reports, trainings)
