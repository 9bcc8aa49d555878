"""The experiments of a pipeline: which stages each has, and which of them are done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dvc.repo import Repo
from dvc.stage import Stage

from netclaims.paths import RUNS, report_of
from netclaims.repro.order import nominal_seconds
from netclaims.settings.analyses import ANALYSES


@dataclass(frozen=True)
class Experiment:
    """A training with the analyses of its nets.

    Attributes:
        key: its name.
        stages: the names of their stages, the training first.
        seconds: nominal ones of a core, that each of them takes.
    """

    key: str
    stages: list[str]
    seconds: dict[str, float]

    @property
    def report(self) -> str:
        """The report that it belongs to."""
        return report_of(self.key)


def experiments(repo: Repo) -> list[Experiment]:
    """Return all experiments of a repository, the cheapest first, by its recipes, which are in the current folder."""
    stages = {stage.addressing: stage for stage in repo.index.stages}
    found = {name: [name] for name in stages if name.startswith("train@")}
    for name, stage in stages.items():
        if name.partition("@")[0] in ANALYSES:
            found[next(one for one in found if _reads(stage, stages[one]))].append(name)
    seconds = nominal_seconds(stages)
    all_of_them = [
        Experiment(names[0].partition("@")[2], names, {name: seconds[name] for name in names})
        for names in found.values()
    ]
    return sorted(all_of_them, key=lambda one: sum(one.seconds.values()))


def _reads(stage: Stage, training: Stage) -> bool:
    return not {dep.fs_path for dep in stage.deps}.isdisjoint(out.fs_path for out in training.outs)


def conclusions(report: str) -> list[str]:
    """Return the stages that say what comes of a report's experiments, in the order in which they run."""
    return [f"claims@{report}", f"figures@{report}", "ledger"]


def files_of(repo: Repo, stages: Iterable[str]) -> list[Path]:
    """List the files and folders of stages that Git holds: recipes, and what is written and not in DVC's cache."""
    root = Path(repo.root_dir)
    wanted = [stage for stage in repo.index.stages if stage.addressing in stages]
    found = [Path(dep.fs_path).relative_to(root) for stage in wanted for dep in stage.deps]
    outs = [Path(out.fs_path).relative_to(root) for stage in wanted for out in stage.outs if not out.use_cache]
    return [path for path in found if path.parts[0] == "recipes"] + outs


def tables_of(stage: Stage) -> list[Path]:
    """List the tables that a stage has of its replicas, by which claims are judged; of a training `nets.csv` last.

    That of steps is among them only if the current folder has it.
    """
    root, found = Path(stage.repo.root_dir), []
    for out in stage.outs:
        path = Path(out.fs_path).relative_to(root)
        if RUNS not in path.parents:
            continue
        steps = [path / "steps.csv"] * (path / "steps.csv").exists()
        found += [path] if path.suffix else [path / "history.csv", *steps, path / "nets.csv"]
    return found
