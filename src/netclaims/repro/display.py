"""What is said of a run while it goes on: in a terminal one line that changes, in a log a line for every stage.

In a log the line that changes is written every minute.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Iterable, Mapping
from time import monotonic

CLEAR = "\r\x1b[K"
OFTEN = 60  # seconds between two such lines in a log
# Work that counts for the estimate before anything is done: seconds, and a share of all, as the first short stages of a
# long run say little of it.
TRUSTED, TRUSTED_SHARE = 60, 1 / 50
MOST_FASTER = 3  # times than by the estimate


class Display:
    """The lines of one run."""

    def __init__(self, stages: Mapping[str, str]) -> None:
        """Say nothing yet.

        Args:
            stages: what each of them does, by name.
        """
        self._terminal = sys.stderr.isatty()
        self._stages = stages
        self._shown = ""
        self._next = monotonic() + OFTEN

    def say(self, line: str) -> None:
        """Write a line that stays, of what a stage has said or of a fault."""
        self._clear()
        print(line, file=sys.stderr, flush=True)  # noqa: T201
        self._draw()

    def finished(self, stage: str, how: str, done: int) -> None:
        """Write a line for a stage that is done, where no terminal shows it otherwise.

        Args:
            stage: its name.
            how: it was done.
            done: stages that are done, with this one.
        """
        if not self._terminal:
            does = f"{self._stages[stage]}; " if self._stages[stage] else ""
            print(f"{stage}: {does}{how} ({done} of {len(self._stages)})", flush=True)  # noqa: T201

    def show(self, done: int, running: Collection[str], seconds: float) -> None:
        """Renew the line that changes.

        Args:
            done: how many stages are done.
            running: which ones run.
            seconds: how many are left, by an estimate.
        """
        left = f"; about {duration(seconds)} left" if seconds else ""
        line = f"{done} of {len(self._stages)} stages{left}; {', '.join(running)}"
        for name in running:  # what they do, as far as there is room
            line += f"; {self._stages[name]}" if self._stages[name] else ""
        self._shown = line
        self._draw()
        if not self._terminal and monotonic() >= self._next:
            self._next = monotonic() + OFTEN
            print(line, flush=True)  # noqa: T201

    def close(self) -> None:
        """Take the line away."""
        self._clear()
        self._shown = ""

    def _clear(self) -> None:
        if self._terminal and self._shown:
            sys.stderr.write(CLEAR)

    def _draw(self) -> None:
        if self._terminal and self._shown:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(CLEAR + self._shown[:width])
            sys.stderr.flush()


class Estimate:
    """How long the rest of a run takes, from the work that it is and from what the stages took that are finished.

    Not from the time that has passed: much of it may have gone into stages that are not finished.
    """

    def __init__(self, cores: int) -> None:
        """Know nothing yet.

        Args:
            cores: that work is done on.
        """
        self._cores = cores
        self._end = 0.0

    def update(self, took: Mapping[str, float], nominal: Mapping[str, float], left: Iterable[str]) -> None:
        """Say what finished stages took, and what is left.

        A stage that took less than a third of its nominal time went on with what an earlier run had left of it.

        Args:
            took: by the names of finished stages, seconds of cores.
            nominal: by the names of all stages, seconds of one core.
            left: the names of stages that are not finished.
        """
        done = sum(nominal[name] for name in took)
        spent = sum(max(seconds, nominal[name] / MOST_FASTER) for name, seconds in took.items())
        trusted = max(TRUSTED, TRUSTED_SHARE * sum(nominal.values()))
        pace = (spent + trusted) / (done + trusted)
        self._end = monotonic() + pace * sum(nominal[name] for name in left) / self._cores

    def seconds(self) -> float:
        """Return how many seconds are left, by the last update."""
        return max(0.0, self._end - monotonic())


def duration(seconds: float) -> str:
    """Say how long something takes, as one would."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
