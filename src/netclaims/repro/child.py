"""The command of a stage, in a process of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from queue import SimpleQueue
from signal import SIGKILL, Signals
from threading import Thread
from typing import NamedTuple

from dvc.stage import Stage
from dvc.stage.run import prepare_kwargs

from netclaims.errors import LESS_MEMORY

PATIENCE = 10  # seconds in which a process that is told to end may put its things in order


class Event(NamedTuple):
    """What a command has said, a line; or that it has ended, where there is none."""

    stage: str
    line: str | None


class Usage(NamedTuple):
    """What a command has taken, with its workers: seconds of cores, and bytes of memory in the largest process."""

    seconds: float
    memory: int


class Child:
    """The process, what it says, and its `usage` once it has ended."""

    def __init__(self, stage: Stage, environment: Mapping[str, str], events: SimpleQueue[Event]) -> None:
        """Start the command of a stage as DVC does, but without a shell, and without a terminal to read from.

        Args:
            stage: its command is plain words.
            environment: variables besides those that DVC gives it.
            events: where its lines and its end are put.

        Raises:
            OSError: there is no such program.
        """
        settings = prepare_kwargs(stage, run_env=environment)
        self._process = subprocess.Popen(  # noqa: S603 (words of dvc.yaml, no shell)
            shlex.split(stage.cmd), **settings | {"shell": False}, encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._last = ""
        self.usage = Usage(0.0, 0)
        Thread(target=self._listen, args=(stage.addressing, events), daemon=True).start()

    def _listen(self, name: str, events: SimpleQueue[Event]) -> None:
        for line in self._process.stdout:
            if line := line.rstrip():
                self._last = line
                events.put(Event(name, line))
        with suppress(ChildProcessError):  # another thread has waited for it
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self.usage = Usage(usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss)
        events.put(Event(name, None))

    def fault(self) -> str:
        """Return why the process ended before its time, in a line; an empty one if it did not."""
        status = self._process.wait()
        if not status:
            return ""
        if status == -SIGKILL:
            return f"killed, as for want of memory; {LESS_MEMORY}"
        return f"killed by {Signals(-status).name}" if status < 0 else self._last or f"ended with status {status}"

    def tell_to_end(self) -> None:
        """Ask the process to end; its workers end with it."""
        self._process.terminate()

    def end(self) -> None:
        """Wait for the end of a process that was told to end, and kill it if it does not."""
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
