"""What DVC does for a stage, in two parts: before its command and after it, so that other stages can run in between.

`dvc.stage.Stage.reproduce` of DVC 3.67 does the same in one part, with the command in the middle of it. All of this
wants the lock of the repository, which is free while commands run, as with DVC.
"""

from __future__ import annotations

import shlex
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from dvc.dvcfile import PROJECT_FILE
from dvc.repo import Repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.rwlock import rwlock
from dvc.stage import Stage
from dvc.stage.cache import RunCacheNotFoundError


def planned(repo: Repo, targets: list[str]) -> dict[Stage, list[Stage]]:
    """Return the stages that some targets need, in the order of `dvc repro`: each with those that it needs itself.

    Args:
        repo: its graph is read.
        targets: names of stages; all stages of `dvc.yaml` without any.

    Raises:
        DvcException: `dvc.yaml` is wrong, or there is no such stage.
    """
    graph = get_active_graph(repo.index.graph)
    project = str(Path(repo.root_dir, PROJECT_FILE))
    wanted = collect_stages(repo, targets) if targets else [stage for stage in graph if stage.path == project]
    return {stage: list(graph.successors(stage)) for stage in plan_repro(graph, wanted)}


def runs_apart(stage: Stage) -> bool:
    """Tell whether a stage's command is plain words, which need no shell; any other is left to DVC."""
    return not stage.frozen and isinstance(stage.cmd, str) and shlex.join(shlex.split(stage.cmd)) == stage.cmd


def restored(stage: Stage) -> bool:
    """Remove what a stage has written, and put there what DVC remembers, if it does; tell whether so."""
    stage.remove_outs(ignore_remove=False, force=False)
    try:
        stage.repo.stage_cache.restore(stage)
    except RunCacheNotFoundError:
        stage.save_deps()
        return False
    return True


def claimed(stage: Stage) -> AbstractContextManager[None]:
    """Keep other DVC processes from what a stage reads and writes, while its command runs.

    Raises:
        LockError: another one is at it.
    """
    repo, reads, writes = stage.repo, *([item.fs_path for item in items] for items in (stage.deps, stage.outs))
    # A name of its own for each stage: DVC's locks cannot tell one from the other by the process.
    name = f"{' '.join(sys.argv)} ({stage.addressing})"
    return rwlock(repo.tmp_dir, repo.fs, name, reads, writes, repo.config["core"].get("hardlink_lock", False))


def save(stage: Stage) -> None:
    """Take what a stage has written into DVC's cache, and remember what it was made of."""
    remembered = all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs)
    stage.save(run_cache=remembered)
    stage.commit()
