"""How long a cold run takes on other numbers of cores: reasoned from measured stages, not measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import ceil
from pathlib import Path

from pydantic import TypeAdapter

from netclaims.repro.order import chains
from netclaims.training.budget import epoch_seconds
from netclaims.training.runs import runs_of
from netclaims.training.settings import Training

ANALYSES = ("fit", "pca", "hessian", "interpolate", "sensitivity")  # their work is spread over the nets


@dataclass(frozen=True)
class Stage:
    """What a stage takes, in seconds of a core.

    Attributes:
        start: from the start of Python to the first job; no more cores make it shorter.
        jobs: pieces of work, each for one core, which can be done at the same time.
    """

    start: float
    jobs: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """All of it together."""
        return self.start + sum(self.jobs)


def split(kind: str, key: str, spent: float, start: float, recipes: Path) -> Stage:
    """Divide what a stage took into jobs: a training's runs by their nominal seconds, an analysis evenly over its nets.

    Args:
        kind: of the stage, such as `train`.
        key: of the stage, such as `d-capacity`.
        spent: seconds of a core that it took.
        start: seconds of these that its start took.
        recipes: the folder of all recipes.
    """
    work = max(spent - start, 0.0)
    if kind == "train":
        training = _training(recipes, key)
        shares = [
            len(run.members)
            * epoch_seconds(training, run.model, run.batch_size)
            * run.steps / ceil(training.train_size / run.batch_size)
            for run in runs_of(training, "cpu")
        ]  # fmt: skip
    elif kind in ANALYSES:
        settings = json.loads((recipes / kind / f"{key}.json").read_bytes())["settings"]
        training = _training(recipes, settings["nets"]["key"])
        shares = [1.0] * sum(len(run.members) for run in runs_of(training, "cpu"))
    else:  # the rest is done by one process
        return Stage(start + work)
    return Stage(start, tuple(work * share / sum(shares) for share in sorted(shares, reverse=True)))


def _training(recipes: Path, key: str) -> Training:
    settings = json.loads((recipes / "train" / f"{key}.json").read_bytes())["settings"]
    return TypeAdapter(Training).validate_python(settings)


def makespan(
    needs: Mapping[str, list[str]], stages: Mapping[str, Stage], cores: int, at_once: int, between: float
) -> float:
    """Return when the last stage ends, in seconds; the stage that leads to the most work goes first.

    Args:
        needs: the stages that each needs, which come before it.
        stages: what each takes.
        cores: as many jobs, and starts of stages, go on at the same time.
        at_once: stages that have begun and are not done, at the most.
        between: seconds that DVC takes for every stage, one after another.
    """
    first = chains(needs, {name: stage.seconds for name, stage in stages.items()})
    waiting = {name: set(needed) for name, needed in needs.items()}
    ready: list[tuple[float, str]] = []  # by what they lead to, as the tasks of those that have begun
    tasks: list[tuple[float, str, float, str]] = []
    ends: list[tuple[float, str, str]] = []
    undone: dict[str, int] = {}  # tasks of the stages that have begun
    now = dvc_free = 0.0
    while waiting or ready or ends:
        for name in [name for name, needed in waiting.items() if not needed]:
            del waiting[name]
            heappush(ready, (-first[name], name))
        while ready and len(undone) < at_once:
            priority, name = heappop(ready)
            undone[name] = 1
            heappush(tasks, (priority, name, -stages[name].start, "start"))
        while tasks and sum(kind != "dvc" for _, _, kind in ends) < cores:
            _, name, seconds, kind = heappop(tasks)
            heappush(ends, (now - seconds, name, kind))
        now, name, kind = heappop(ends)
        undone[name] -= 1
        if kind == "start":
            undone[name] = len(stages[name].jobs)
            for seconds in stages[name].jobs:
                heappush(tasks, (-first[name], name, -seconds, "job"))
        if kind == "dvc":
            del undone[name]
            for needed in waiting.values():
                needed.discard(name)
        elif not undone[name]:
            undone[name], dvc_free = 1, max(dvc_free, now) + between
            heappush(ends, (dvc_free, name, "dvc"))
    return now
