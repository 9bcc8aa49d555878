"""A folder in which the pipeline runs at the paper scale: its settings, and the results that there are.

`results/paper` holds what Git keeps of that scale, laid out as at the root: recipes, metrics, plots, `dvc.lock` and the
ledger. Its `settings.yaml` says what `params.yaml` has to say otherwise.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from netclaims.data.places import home_expanded
from netclaims.errors import SettingsError
from netclaims.paths import METRICS, PARAMS, PLOTS, RECIPES
from netclaims.present.claims_page import CLAIMS_PAGE
from netclaims.review.base import LOCK
from netclaims.settings.strict_yaml import read_yaml

RESULTS = Path("results/paper")
SETTINGS = RESULTS / "settings.yaml"
BUSY = "the paper scale runs already; stop that, or wait for its end"
KEPT = [LOCK, CLAIMS_PAGE, RECIPES, METRICS, PLOTS]


def fill(folder: Path) -> None:
    """Put the settings of the paper scale and the results that are kept of it into a folder, from the current one.

    What the folder has of either is replaced. Places of data are meant from the root of the repository, and written as
    from a folder in that.

    Raises:
        SettingsError: a file of settings cannot be read, or says what the other has no place for.
    """
    (folder / PARAMS).write_text(_params(), encoding="utf-8", newline="\n")
    for path in KEPT:
        copy(RESULTS / path, folder / path)


def copy(path: Path, to: Path) -> None:
    """Put a copy of a file or folder in the place of another, and nothing where there is none."""
    new = to.with_name(f".{to.name}.new")
    if path.is_dir():
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(path, new)
    if to.is_dir():
        shutil.rmtree(to)
    if path.is_dir():
        new.rename(to)
    elif path.exists():
        write_whole(to, path.read_bytes())
    else:
        to.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, and the folder that it lies in, such that whoever stops this leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(new, path)  # noqa: PTH105 (as Path.replace)


def _params() -> str:
    params = _merged(read_yaml(PARAMS), read_yaml(SETTINGS), "")
    for row in params.get("datasets", {}).values():
        for place in row.keys() & {"root", "path"}:
            if not home_expanded(row[place]).is_absolute():
                row[place] = Path("..", row[place]).as_posix()
    head = f"# {PARAMS} of the repository with what {SETTINGS} says; written anew by each `make paper`.\n"
    return head + yaml.safe_dump(params, sort_keys=False, allow_unicode=True)


def _merged(params: Any, changes: Any, where: str) -> Any:
    """Return settings with the changes: mappings key by key, anything else as a whole."""
    if not (isinstance(params, dict) and isinstance(changes, dict)):
        if isinstance(params, dict):
            raise SettingsError(f"{SETTINGS}: {where}: a mapping, as in {PARAMS} (found {changes!r})")
        return changes
    found = dict(params)
    for key, value in changes.items():
        name = f"{where}.{key}" if where else str(key)
        found[key] = _merged(params[key], value, name) if key in params and value is not None else value
    return found
