"""The run at the paper scale, in the folder that is made for it: `python -m netclaims.paper.run HOME [EXPERIMENT …]`.

Each training and each analysis that is finished is brought to `results/paper` of the repository HOME at once, with the
verdicts and figures of its report, so that nothing of it is lost when the run is stopped. The tables of its replicas
come with it: verdicts are judged on these, and there, so that they can be judged anew wherever Git has brought them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.stage import Stage
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import dumps_yaml

from netclaims.data.prepare import Preparation
from netclaims.errors import SettingsError
from netclaims.paper.experiments import Experiment, conclusions, experiments, files_of, tables_of
from netclaims.paper.folder import BUSY, RESULTS, copy, write_whole
from netclaims.paper.images import missing_images
from netclaims.paper.room import shortage
from netclaims.parallel.cores import cpu_count, share_cores
from netclaims.paths import CHECKPOINTS, RECIPES, report_of
from netclaims.recipes.read import read_recipe
from netclaims.recover import recover
from netclaims.repro.__main__ import ALWAYS
from netclaims.repro.child import Usage
from netclaims.repro.display import duration
from netclaims.repro.dvc_stages import planned, save
from netclaims.repro.ending import status_of
from netclaims.repro.order import training_of
from netclaims.repro.side_by_side import SPARE, SideBySide
from netclaims.review.base import LOCK
from netclaims.review.staleness import stage_faults

COSTS = "costs.csv"  # what stages took: seconds of cores, and gigabytes of the largest process


class PaperRun:
    """One run; `failed` where a stage has.

    An experiment is done when all its stages are in step with their recipes, by the lines of `dvc.lock` that are kept,
    and the tables of its replicas are there.
    """

    def __init__(self, repo: Repo, home: Path) -> None:
        """Look at what is done.

        Args:
            repo: the one of the current folder, locked, with recipes as they should be.
            home: the repository whose `results/paper` is written.
        """
        self._repo, self._results = repo, home / RESULTS
        self._unjudged: set[str] = set()  # reports with something new
        self._costs: dict[str, Usage] = {}
        self.failed = False
        self._stages = {stage.addressing: stage for stage in repo.index.stages}
        recipes = {path: path.read_text(encoding="utf-8") for path in RECIPES.rglob("*.json")}
        self._stale = {name for name, faults in stage_faults(repo, recipes).items() if faults}
        self._every = experiments(repo)
        without = {name for name, stage in self._stages.items() if not self._kept(stage)}
        self._left = {one.key: (self._stale | without).intersection(one.stages) for one in self._every}

    def prepare(self, wanted: list[str]) -> None:
        """Prepare data anew that some experiments have read otherwise.

        Who has read others than there are now is seen by a look at the repository after that.

        Raises:
            As `run`.
        """
        data = self._data([name for one in self._ordered(wanted) for name in one.stages]) & self._stale
        again = sorted(name for name in data if any(out.hash_info for out in self._stages[name].outs))
        if again:
            run = self._side_by_side(again, {})
            self._copy(sorted(set(again) - run.failed.keys() - run.skipped))

    def run(self, wanted: list[str]) -> None:
        """Run the experiments that are asked for, or all, as far as they are not done.

        Raises:
            SettingsError: there is no experiment of a name that is asked for, or too little memory or disk.
            Stopped: by a signal.
            DvcException, OSError: results cannot be written.
        """
        to_do = [one for one in self._ordered(wanted) if self._left[one.key]]
        seconds = sum(one.seconds[name] for one in to_do for name in self._left[one.key])
        left = f"; {len(to_do)} to do, about {duration(seconds)} of one core" * bool(to_do)
        print(f"{len(self._done())} of {len(self._every)} experiments are done{left}", flush=True)  # noqa: T201
        for report in dict.fromkeys(one.report for one in self._every if self._finished(one)):
            if self._stale.intersection(conclusions(report)):
                self._conclude(report)
        if to_do:
            if missing := missing_images(self._sources(to_do), self._results.parents[1]):
                raise SettingsError(missing)
            trainings = [training_of(one.key) for one in to_do if one.stages[0] in self._left[one.key]]
            if short := shortage(trainings, cpu_count() + SPARE, Path()):
                raise SettingsError(short)
            self._run(to_do)

    def _sources(self, to_do: list[Experiment]) -> list[Preparation]:
        """Return what is still to be prepared of images, for experiments."""
        data = self._data([name for one in to_do for name in one.stages])
        names = [name.partition("@")[2] for name in sorted(data) if not self._stages[name].outs[0].exists]
        settings = [read_recipe("prepare", name, Preparation).settings for name in names]
        return [one for one in settings if one.source]

    def _ordered(self, wanted: list[str]) -> list[Experiment]:
        """Return the experiments that are asked for, in that order, or all."""
        keys = [one.key for one in self._every]
        for key in wanted:
            if key not in keys:
                raise SettingsError(f"no experiment {key}; there are {', '.join(sorted(keys))}")
        order = wanted or keys
        return sorted((one for one in self._every if one.key in order), key=lambda one: order.index(one.key))

    def _side_by_side(self, names: list[str], place: Mapping[str, int]) -> SideBySide:
        cores = cpu_count()
        needs = planned(self._repo, [ALWAYS, *names])
        self._stages |= {stage.addressing: stage for stage in needs}  # these are told what they have read and written
        ranks = {stage.addressing: -place.get(stage.addressing, -1) for stage in needs}
        environment = share_cores(Path(self._repo.tmp_dir, "cores"), cores)
        run = SideBySide(self._repo, needs, ALWAYS, cores, environment, ranks, self._take)
        run.run()
        for name, cause in run.failed.items():
            sys.stderr.write(f"{name} failed: {cause}\n")
        self.failed |= bool(run.failed)
        return run

    def _run(self, to_do: list[Experiment]) -> None:
        place = {name: number for number, one in enumerate(to_do) for name in one.stages}
        run = self._side_by_side(list(place), place)
        for one in to_do:
            for name in sorted(self._left[one.key] - run.failed.keys() - run.skipped):
                self._bring(one, name)
        for report in sorted(self._unjudged):
            self._conclude(report)

    def _take(self, name: str, usage: Usage | None) -> None:
        """Take note of a stage that is finished, and bring it home; what follows from it at once if it has run.

        What cannot be brought is told, and brought by the next `make paper`: the stage itself is done.
        """
        if usage:
            self._costs[name] = usage
        for one in self._every:
            if name not in one.stages:
                continue
            try:
                self._bring(one, name)
                if usage:
                    self._conclude(one.report)
            except (DvcException, OSError, SettingsError) as error:
                sys.stderr.write(f"{name}: not brought to {RESULTS}: {' '.join(str(error).split())}\n")
                self._left[one.key].add(name)
                self.failed = True

    def _bring(self, one: Experiment, name: str) -> None:
        """Bring what a stage of an experiment has written, of which a report's verdicts know nothing yet."""
        wanted = files_of(self._repo, [name]) + tables_of(self._stages[name])
        if missing := [path for path in wanted if not path.exists()]:
            sys.stderr.write(f"{name}: not brought, {', '.join(map(str, missing))} missing\n")
            self.failed = True
            return
        self._left[one.key].discard(name)
        self._copy([*self._data([name]), name])
        self._unjudged.add(one.report)
        if name.startswith("train@"):  # DVC has stored what it wrote
            shutil.rmtree(CHECKPOINTS / one.key, ignore_errors=True)
        done = f"{len(self._done())} of {len(self._every)} experiments"
        brought = name if self._left[one.key] else one.key
        print(f"{brought}: brought to {RESULTS} ({done})", flush=True)  # noqa: T201

    def _data(self, names: list[str]) -> set[str]:
        """Return the stages that prepare what these read."""
        needs = {need.addressing for name in names for need in self._repo.index.graph.successors(self._stages[name])}
        return {need for need in needs if need.startswith("prepare@")}

    def _conclude(self, report: str) -> None:
        """Judge the claims of a report, on what is finished, and draw its figures."""
        left = [name for one in self._every if one.report == report for name in self._left[one.key] - self._stale]
        if left:
            sys.stderr.write(
                f"report {report}: {len(left)} stages have to be done again, as tables of replicas are missing; what "
                "is concluded from it stays as it was until then\n"
            )
            return
        for name in conclusions(report):
            # Where the results are, which is all that it reads; and not by DVC, whose locks keep it from what other
            # experiments of the report are about to write.
            stage = self._stages[name]
            environment = os.environ | {"DVC_STAGE": name}  # so that it ends when this process is gone
            program, script, *words = shlex.split(stage.cmd)
            for path in files_of(self._repo, [name]):
                if path.is_relative_to(RECIPES):
                    copy(path, self._results / path)
                else:
                    (self._results / path).parent.mkdir(parents=True, exist_ok=True)
            ended = subprocess.run(  # noqa: S603 (no shell)
                [program, Path.cwd() / script, *words],
                check=False, stdin=subprocess.DEVNULL, env=environment, cwd=self._results,
            )  # fmt: skip
            if ended.returncode:
                sys.stderr.write(f"{name} failed\n")
                self.failed = True
                return
            for path in files_of(self._repo, [name]):
                copy(self._results / path, path)
            save(stage)
        self._copy(conclusions(report))
        self._unjudged.discard(report)

    def _kept(self, stage: Stage) -> bool:
        """Tell whether the tables of a stage's replicas are where they are judged, if it has any."""
        return all((self._results / path).exists() for path in tables_of(stage))

    def _finished(self, one: Experiment) -> list[str]:
        return [name for name in one.stages if name not in self._left[one.key]]

    def _done(self) -> list[Experiment]:
        return [one for one in self._every if not self._left[one.key]]

    def _copy(self, names: list[str]) -> None:
        """Copy what Git holds of stages, then their lines of `dvc.lock` and their costs."""
        for path in files_of(self._repo, names):
            copy(path, self._results / path)
        for name in names:
            for path in tables_of(self._stages[name]):
                copy(path, self._results / path)
        lock = self._results / LOCK
        there = _stages_in(lock) if lock.exists() else {}
        # What was concluded from less is not in step any more, even if this process ends before it is concluded anew.
        for report in {report_of(name.partition("@")[2]) for name in names if not name.startswith("prepare@")}:
            for name in conclusions(report):
                there.pop(name, None)
        there |= {name: to_single_stage_lockfile(self._stages[name]) for name in names}
        write_whole(lock, dumps_yaml({"schema": "2.0", "stages": dict(sorted(there.items()))}))
        self._write_costs(names)

    def _write_costs(self, names: list[str]) -> None:
        path = self._results / COSTS
        there = _costs_in(path) if path.exists() else pd.DataFrame(columns=["core_seconds", "gigabytes"])
        for name in names:
            if name in self._costs:
                usage = self._costs[name]
                there.loc[name] = [round(usage.seconds, 1), round(usage.memory / 1e9, 2)]
        write_whole(path, there.sort_index().to_csv(index_label="stage", lineterminator="\n"))


def _stages_in(lock: Path) -> dict:
    """Return the lines of a `dvc.lock`.

    Raises:
        SettingsError: it is not as DVC writes it, as where a merge left its marks.
    """
    try:
        return yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    except (yaml.YAMLError, LookupError, TypeError):
        raise SettingsError(f"{lock}: not as DVC writes it") from None


def _costs_in(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"core_seconds": float, "gigabytes": float}).set_index("stage")
    except (ValueError, KeyError):  # pandas' own errors of reading are ValueErrors
        raise SettingsError(f"{path}: not as `make paper` writes it") from None


def main(home: str, *wanted: str) -> int:
    """Run, and return the status."""
    return status_of(lambda: _run(Path(home), list(wanted)), "make paper", BUSY)


def _run(home: Path, wanted: list[str]) -> int:
    for line in recover(lock_in_git=False):
        print(line)  # noqa: T201
    for words in (["-m", "netclaims.kernel.compiled"], ["stages/recipes.py"]):
        if subprocess.run([sys.executable, *words], check=False).returncode:  # noqa: S603 (no shell)
            return 1  # it has said why
    failed = False
    for work in (PaperRun.prepare, PaperRun.run):
        with Repo() as repo, lock_repo(repo):
            paper = PaperRun(repo, home)
            work(paper, wanted)
            failed |= paper.failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
