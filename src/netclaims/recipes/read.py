"""The recipe of a stage: all that decides what it writes, but for its data and the results of other stages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from netclaims.errors import SettingsError, shown
from netclaims.paths import KEY, RECIPES, recipe_of
from netclaims.recipes.code import changed

in_use: dict[Path, bytes] = {}  # every recipe that this script has read, by its path
ROOT = Path(__file__).resolve().parents[3]  # the folder of stages/ and src/, from which the code runs
Settings = TypeVar("Settings")
VERSIONS = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class Recipe(Generic[Settings]):
    """What `recipes/<stage>/<key>.json` holds.

    Attributes:
        settings: every setting that reaches the stage, resolved.
        versions: digests of the modules of the stage, and versions of the libraries that they use.
    """

    settings: Settings
    versions: dict[str, str]


def read_recipe(stage: str, key: str | None, kind: type[Settings]) -> Recipe[Settings]:
    """Read the recipe of a stage, and see to it that the code is still the one that it names.

    Without that, results of code that was edited while `dvc repro` was at work would count as those of the old one.

    Args:
        stage: its name, as that of its script.
        key: the experiment, data set or report; None of a stage that there is one of.
        kind: a dataclass of the settings.

    Raises:
        SettingsError: there is no such recipe, it was edited, or code or libraries are others than it names.
    """
    if key is not None and not KEY.fullmatch(key):
        raise SettingsError(f"{RECIPES / stage}: no name {shown(key)}; names have letters, digits, _ and -")
    path = recipe_of(stage, key)
    again = "`dvc repro` writes it anew"
    try:
        text = in_use[path] = path.read_bytes()
        content = json.loads(text)
        settings = TypeAdapter(kind).validate_python(content["settings"])
        code, libraries = (VERSIONS.validate_python(content[name]) for name in ("code", "libraries"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such recipe; `dvc repro` writes one for every entry of reports/") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SettingsError(f"{path}: not as the stage recipes wrote it: {_first(error)}; {again}") from None
    try:
        others = changed(code, Path("stages", f"{stage}.py"), ROOT)
    except SyntaxError as error:
        raise SettingsError(str(error)) from None
    others += [f"{name} {found}" for name, said in libraries.items() if (found := _installed(name)) != said]
    if others:
        raise SettingsError(f"{path}: written for other code than {shown(', '.join(others))[1:-1]}; {again}")
    return Recipe(settings, code | libraries)


def check_recipes() -> None:
    """See to it that the recipes are still those that were read, when results are written.

    DVC looks at what a stage depends on when the stage has ended: with a recipe that was written anew meanwhile, it
    would take the results for those of the new one.

    Raises:
        SettingsError: one of them is another now.
    """
    for path, text in in_use.items():
        if not path.exists() or path.read_bytes() != text:
            raise SettingsError(f"{path}: written anew while this ran; `dvc repro` runs it again")


def _first(error: Exception) -> str:
    """Tell what is wrong, in one line, and of the first of several faults where."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors()[0]
    return f"{first['msg']}, at {shown('.'.join(map(str, first['loc'])))[1:-1]}" if first["loc"] else first["msg"]


def _installed(library: str) -> str:
    try:
        return version(library)
    except (PackageNotFoundError, ValueError):  # the name is empty
        return "(not installed)"
