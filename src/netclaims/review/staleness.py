"""Whether the results in Git are those of the code and the settings in Git: `python -m netclaims.review.staleness`.

It needs neither `data/` nor `runs/`, so that a fresh clone can be judged before anything is fetched or trained. What
lies in DVC's cache alone is judged by its hashes in `dvc.lock`: a stage must have read what the stage before it wrote.
That leaves out `runs` as a whole, which the claims read; a change there shows in the metrics, which they read as well.
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

from netclaims.errors import SettingsError
from netclaims.paths import METRICS, PLOTS
from netclaims.settings.check import settings_files

REMEDY = "run `make repro` and commit what it writes"


def faults() -> list[str]:
    """Where the repository is not in step: a line per stage, then one per file of results that no stage writes.

    Raises:
        DvcException: a file of the pipeline cannot be read.
        SettingsError: a file of settings cannot be read.
    """
    with Repo() as repo:
        stages = repo.index.stages
        outs = {Path(out.fs_path): out for stage in stages for out in stage.outs}
        root = Path(repo.root_dir)
        settings = {root / path: _digest(text) for path, text in settings_files()}
        told = [(stage.addressing, list(_faults_of(stage, outs, settings))) for stage in stages]
    lines = [f"{name}: {', '.join(what)}; {REMEDY}" for name, what in told if what]
    results = [path for folder in (METRICS, PLOTS) for path in sorted((root / folder).rglob("*")) if path.is_file()]
    left = [path for path in results if not any(path.is_relative_to(out) for out in outs)]
    return lines + [f"{path.relative_to(root)}: no stage writes it; remove it" for path in left]


def _digest(text: str) -> str:
    """What DVC calls the content of a file by."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _faults_of(stage: Stage, outs: dict[Path, Output], settings: dict[Path, str]) -> Iterator[str]:
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
        elif path in settings:
            if dep.hash_info.value != settings[path]:
                yield f"{dep} is another one than reports/ gives"
        elif not _in_cache(path, outs):
            yield from _changes(dep)
    for out in stage.outs:
        if not out.hash_info:
            yield f"{out} not in dvc.lock"
        elif not out.use_cache:
            yield from _changes(out)


def _in_cache(folder: Path, outs: dict[Path, Output]) -> bool:
    """Whether DVC's cache, and not Git, holds some of what lies in a folder."""
    return any(out.use_cache and path.is_relative_to(folder) for path, out in outs.items())


def _changes(entry: Output) -> Iterator[str]:
    """What differs from `dvc.lock`: a file or a folder, or settings in a file of settings."""
    for path, change in entry.status().items():
        if isinstance(change, dict):
            yield from (f"{path}: {name} {how}" for name, how in change.items())
        else:
            yield f"{path} {change}"


def main() -> None:
    """End with status 1, and with one line per fault, if the results are not in step."""
    try:
        found = faults()
    except (DvcException, SettingsError) as error:
        sys.exit(str(error))
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
