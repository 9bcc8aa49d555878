"""The settings of the project in a folder of their own, where they can be changed."""

import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from netclaims.recipes.write import all_recipes

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A current folder with the settings of the project."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def recipes() -> dict[Path, str]:
    """The recipes of the project."""
    with chdir(ROOT):
        return all_recipes()


@pytest.fixture
def reached(files, recipes):
    """Changes what a report file says, by a function of its content, and names the recipes that come out otherwise."""

    def edit(report: str, change: Callable[[dict], None]) -> set[str]:
        path = files / "reports" / f"{report}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
        after = all_recipes()
        assert recipes.keys() == after.keys()
        return {
            path.relative_to("recipes").with_suffix("").as_posix() for path in recipes if recipes[path] != after[path]
        }

    return edit
