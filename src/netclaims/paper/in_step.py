"""Which results in `results/paper` are not those of the code and the settings any more, and why."""

from __future__ import annotations

import shutil
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from dvc.exceptions import DvcException
from dvc.repo import Repo

from netclaims.environment import settle
from netclaims.errors import DataError, SettingsError
from netclaims.paper.experiments import conclusions, tables_of
from netclaims.paper.folder import RESULTS, fill
from netclaims.paths import REPORTS, report_of
from netclaims.recipes.write import all_recipes
from netclaims.review.base import LOCK, ReviewError
from netclaims.review.staleness import stage_faults


def paper_faults() -> list[str]:
    """Return a line for each stage whose results are there and out of step. Nothing but what Git holds is needed.

    So are verdicts and figures where something was brought since from which nothing is concluded yet.

    Raises:
        DvcException: `dvc.lock` or `dvc.yaml` cannot be read.
        SettingsError, DataError: a file of settings, or of images that a data set is made of, cannot be read.
        ReviewError: Git fails.
    """
    if not (RESULTS / LOCK).exists():
        return []
    with TemporaryDirectory(dir=".", prefix=".in-step-") as name:  # places of data are meant from a folder in the root
        folder = Path(name).resolve()
        fill(folder)
        shutil.copytree(REPORTS, folder / REPORTS)
        shutil.copy("dvc.yaml", folder)
        (folder / ".dvc").mkdir()
        (folder / ".dvc" / "config").write_text(
            f'[core]\n    no_scm = true\n    site_cache_dir = "{folder / ".dvc"}"\n', encoding="utf-8"
        )
        with chdir(folder), Repo() as repo:
            recipes = all_recipes()
            there = {stage.addressing for stage in repo.index.stages if any(out.hash_info for out in stage.outs)}
            faults = stage_faults(repo, recipes)
            kept = {stage.addressing: [RESULTS / path for path in tables_of(stage)] for stage in repo.index.stages}
    for name in there:
        faults[name] += ["no tables of its replicas"] * (not all(path.exists() for path in kept[name]))
    reports = {report_of(name.partition("@")[2]) for name in there if kept[name]}
    concluded = {name for report in reports for name in conclusions(report)}
    for name in concluded - there:
        faults[name] = ["older than what it is made of"]
    return [f"{name}: {', '.join(what)}" for name, what in faults.items() if what and name in there | concluded]


def main() -> None:
    """Print a line for each; they are no fault of a change, and are mended by hours of work."""
    try:
        settle()
        for line in paper_faults():
            print(f"{RESULTS}: {line}; `make paper` runs it again")  # noqa: T201
    except (DvcException, SettingsError, DataError, ReviewError, OSError) as error:
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main()
