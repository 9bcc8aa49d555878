"""Run what has to run, stages beside each other: `python -m netclaims.repro [STAGE …]`, which `make repro` calls."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages

from netclaims.environment import settle
from netclaims.parallel.cores import cpu_count, share_cores
from netclaims.recover import recover
from netclaims.repro.display import duration
from netclaims.repro.dvc_stages import planned
from netclaims.repro.ending import status_of
from netclaims.repro.side_by_side import SideBySide

# Libraries, and images outside the repository, are looked at by this stage: DVC sees neither.
ALWAYS = "recipes"
REPORT = Path("report/index.html")


def main(targets: list[str]) -> int:
    """Put right what a stopped run has left, run what some stages need, or all, and return the status."""
    busy = "another DVC process is at work in this repository; try again when it has ended"
    return status_of(lambda: _run(targets), "make repro", busy)


def _run(targets: list[str]) -> int:
    settle()
    for line in recover():
        print(line)  # noqa: T201
    with Repo() as repo, lock_repo(repo):
        return _reproduce(repo, targets)


def _reproduce(repo: Repo, targets: list[str]) -> int:
    begun, cores = monotonic(), cpu_count()
    environment = share_cores(Path(repo.tmp_dir, "cores"), cores)
    try:
        needs, fault = planned(repo, targets), None
    except DvcException as error:  # a mistake in the settings, perhaps, which the stage tells in better words
        needs, fault = {stage: [] for stage in collect_stages(repo, [ALWAYS])}, error
    run = SideBySide(repo, needs, ALWAYS, cores, environment)
    run.run()
    if fault and not run.failed:
        raise fault
    took = duration(monotonic() - begun)
    if run.failed:
        if run.skipped:
            print(f"{_stages(len(run.skipped))} not run, for want of what has failed; {took}")  # noqa: T201
        for name, cause in run.failed.items():
            sys.stderr.write(f"{name} failed: {cause}\n")
        return 1
    ran, restored = len(run.ran) - 1, len(run.restored)
    told = [f"{_stages(ran)} run"] * bool(ran) + [f"{_stages(restored)} from the cache"] * bool(restored)
    print(f"{', '.join(told) or 'all as it should be'}; {took}")  # noqa: T201
    print(f"open {', '.join(_to_open(repo, targets))}")  # noqa: T201
    return 0


def _to_open(repo: Repo, targets: list[str]) -> list[str]:
    """List the page of everything, or what some stages have written: of tables for plots the folder."""
    if not targets:
        return [str(REPORT)]
    outs = [out for target in targets for stage in collect_stages(repo, [target]) for out in stage.outs]
    places = [Path(out.def_path).parent if out.def_path.endswith(".csv") else Path(out.def_path) for out in outs]
    return list(dict.fromkeys(map(str, places)))


def _stages(number: int) -> str:
    return f"{number} stage{'s' * (number != 1)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
