"""`dvc.lock`, which DVC reads and writes as a whole: here for several stages at once."""

from __future__ import annotations

from collections.abc import Container
from time import monotonic

from dvc.stage import PipelineStage, Stage
from dvc.stage.serialize import to_single_stage_lockfile

SHARE = 1 / 20  # of the time may be spent on writing it


class LockFile:
    """The file, and what is not written into it yet; that comes out of DVC's cache if this process is killed."""

    def __init__(self, stages: list[Stage]) -> None:
        """Look what the file has of the stages.

        Args:
            stages: in the order of `dvc repro`.
        """
        self._stages = stages
        files = {stage.path: stage.dvcfile for stage in stages if isinstance(stage, PipelineStage)}
        self._there: dict[str, dict] = {}
        for file in files.values():
            self._there |= file.lockfile_contents.get("stages", {})
        self._finished: dict[str, dict] = {}
        self._not_before = 0.0

    def add(self, stage: Stage) -> None:
        """Keep what is to be written of a stage that is finished, if the file says something else of it."""
        entry = to_single_stage_lockfile(stage)
        if self._there.get(stage.addressing) != entry:
            self._finished[stage.addressing] = entry

    def write(self, unfinished: Container[str], in_time: bool = False) -> None:
        """Write what is finished; of what is new in the file only what no unfinished stage comes before.

        DVC puts a stage that the file does not have at its end. So the lines stand in the order of `dvc repro`.

        Args:
            unfinished: names of the stages that may yet be finished.
            in_time: only if the last time was long enough ago.
        """
        begun = monotonic()
        if in_time and begun < self._not_before:
            return
        writable, in_order = [], True
        for stage in self._stages:
            name = stage.addressing
            if name in self._finished and (in_order or name in self._there):
                writable.append(stage)
            in_order &= name not in unfinished or name in self._there
        for path in {stage.path for stage in writable}:
            found = [stage for stage in writable if stage.path == path]
            found[0].dvcfile.dump_stages(found, update_pipeline=False)
        for stage in writable:
            self._there[stage.addressing] = self._finished.pop(stage.addressing)
        self._not_before = monotonic() + (monotonic() - begun) / SHARE
