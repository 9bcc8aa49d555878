"""The recipe of a stage: all that decides what it writes, but for its data and the results of other stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from netclaims.errors import SettingsError
from netclaims.paths import recipe_of
from netclaims.recipes.code import changed

ROOT = Path(__file__).resolve().parents[3]  # of the code that runs: the folder of stages/ and src/
Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Recipe(Generic[Settings]):
    """What `recipes/<stage>/<key>.json` holds.

    Attributes:
        settings: every setting that reaches the stage, resolved.
        code: digests of the modules of the stage.
        libraries: versions of the libraries that they use.
    """

    settings: Settings
    code: dict[str, str]
    libraries: dict[str, str]

    @property
    def versions(self) -> dict[str, str]:
        """The code and the libraries, by name."""
        return self.code | self.libraries


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
    path = recipe_of(stage, key)
    again = "`dvc repro` writes it anew"
    try:
        recipe = TypeAdapter(Recipe[kind]).validate_json(path.read_bytes(), strict=True)
        others = [*changed(recipe.code, Path("stages", f"{stage}.py"), ROOT), *_other_versions(recipe.libraries)]
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such recipe; `dvc repro` writes all that there are") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        fault = f"{where}: {first['msg']}" if where else first["msg"]
        raise SettingsError(f"{path}: not as the stage recipes wrote it: {fault}; {again}") from None
    except SyntaxError as error:
        raise SettingsError(str(error)) from None
    if others:
        raise SettingsError(f"{path}: written for other code than {', '.join(others)}; {again}")
    return recipe


def _other_versions(libraries: dict[str, str]) -> Iterator[str]:
    """Yield the libraries of which another version is installed than is said, or none."""
    for name, said in libraries.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "which is not installed"
        if found != said:
            yield f"{name} {found}"
