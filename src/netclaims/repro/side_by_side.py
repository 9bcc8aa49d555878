"""A run of the pipeline in which stages go on beside each other, with the bytes that `dvc repro` leaves.

DVC runs one stage at a time (treeverse/dvc#755). Here its own steps for a stage, before the command and after it, are
done for one stage after the other, in this process; only the commands run at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from queue import Empty, SimpleQueue
from signal import SIGINT, SIGTERM, signal
from time import monotonic
from typing import NamedTuple

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.stage import Stage

from netclaims.repro.child import Child, Event, Usage
from netclaims.repro.display import Display, Estimate, duration
from netclaims.repro.dvc_stages import claimed, restored, runs_apart, save
from netclaims.repro.lock_file import LockFile
from netclaims.repro.order import chains, nominal_seconds

# Stages at once, besides one for every two cores: there is work for all cores while some stages start, and more stages
# bring nothing but take memory, each as much as torch takes.
SPARE = 2


class Stopped(Exception):  # noqa: N818 (nothing is wrong)
    """A signal has ended the run: its number."""


class Running(NamedTuple):
    """A stage whose command runs."""

    child: Child
    claim: ExitStack
    begun: float


class SideBySide:
    """One run. A stage is waiting for others, stale, running, failed, skipped, or done.

    Attributes:
        ran: stages whose commands have run, with success.
        restored: stages that came out of DVC's cache.
        failed: what went wrong, by stage.
        skipped: stages that need one that failed.
    """

    def __init__(
        self,
        repo: Repo,
        needs: Mapping[Stage, list[Stage]],
        always: str,
        cores: int,
        environment: Mapping[str, str],
        ranks: Mapping[str, float] | None = None,
        done: Callable[[str, Usage | None], None] = lambda *_: None,
    ) -> None:
        """Prepare; nothing is looked at yet.

        Args:
            repo: locked.
            needs: the stages, in the order of `dvc repro`, each with those that it needs.
            always: the stage that runs in any case.
            cores: that stages share.
            environment: variables for the commands.
            ranks: a number for every stage: of those that may begin, the one with the largest does; by default the one
                that leads to the most work.
            done: is called after each stage that has run, or has come out of DVC's cache, with what it took, if it ran.
        """
        self.ran: list[str] = []
        self.restored: list[str] = []
        self.failed: dict[str, str] = {}
        self.skipped: set[str] = set()
        self._took: dict[str, float] = {}  # seconds of cores
        self._repo, self._always, self._environment = repo, always, environment
        self._most = cores // 2 + SPARE
        self._stages = {stage.addressing: stage for stage in needs}
        self._upstream = {stage.addressing: found for stage, found in needs.items()}
        self._needs = {name: {one.addressing for one in found} for name, found in self._upstream.items()}
        self._waiting = {name: set(found) for name, found in self._needs.items()}  # for which ones
        self._stale: list[str] = []
        self._running: dict[str, Running] = {}
        self._lock_file = LockFile(list(needs))
        self._given_ranks, self._tell = ranks, done
        self._signal = 0
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._display = Display({stage.addressing: stage.short_description() or "" for stage in needs})
        self._estimate = Estimate(cores)

    def run(self) -> None:
        """Run what has to run; the repository is locked but for the time in which this waits for commands.

        Raises:
            Stopped: by a signal; no command runs any more.
            DvcException, OSError: `dvc.lock` cannot be written.
        """
        handlers = {number: signal(number, self._heed) for number in (SIGINT, SIGTERM)}
        try:
            while self._look() or self._begin() or self._wait():
                if self._signal:
                    raise Stopped(self._signal)
        finally:
            self._end_all()
            self._display.close()
            if self._repo.lock.is_locked:
                self._lock_file.write(self._open())
            for number, handler in handlers.items():
                signal(number, handler)

    def _look(self) -> bool:
        """Look at a stage of which all needs are met, whether it has to run; tell whether there was one."""
        name = next((name for name, needs in self._waiting.items() if not needs), None)
        if name is None:
            return False
        del self._waiting[name]
        with self._may_fail(name):
            if name == self._always or self._stages[name].changed(upstream=self._upstream[name]):
                self._stale.append(name)
            else:
                self._settle(name)
        return True

    def _begin(self) -> bool:
        """Begin with a stage that has to run; tell whether there was one, and room for it."""
        if not self._stale or len(self._running) == self._most:
            return False
        # Estimates wait for a choice, and so for the first stage, which writes what they are made of.
        name = max(self._stale, key=self._ranks.__getitem__) if len(self._stale) > 1 else self._stale[0]
        self._stale.remove(name)
        stage, begun = self._stages[name], monotonic()
        with self._may_fail(name):
            if not runs_apart(stage):
                stage.reproduce(upstream=self._upstream[name], force=name == self._always)
                self._finish(name, self.ran, duration(monotonic() - begun))
            elif restored(stage):
                save(stage)
                self._finish(name, self.restored, "from the cache")
            else:
                with ExitStack() as claim:
                    claim.enter_context(claimed(stage))
                    child = Child(stage, self._environment, self._events)
                    self._running[name] = Running(child, claim.pop_all(), begun)
        return True

    def _wait(self) -> bool:
        """Wait for the end of a command, if one runs, and take in what it has written; tell whether one ran."""
        if not self._running:
            return False
        self._lock_file.write(self._open(), in_time=True)
        if self.ran:
            self._estimate.update(self._took, self._seconds, self._open())
        self._repo.lock.unlock()
        name = self._listen()
        self._lock_again()
        if name is None:
            return True
        child, claim, begun = self._running.pop(name)
        claim.close()
        fault = child.fault()
        if not fault:
            with self._may_fail(name):
                save(self._stages[name])
                self._finish(name, self.ran, duration(monotonic() - begun), child.usage)
        elif not self._signal:  # Ctrl-C ends commands as well
            self._fail(name, fault)
        return True

    def _listen(self) -> str | None:
        """Show what commands say until one has ended, and return its stage; None after a signal."""
        while True:
            self._display.show(self._done(), self._running, self._estimate.seconds())
            try:
                event = self._events.get(timeout=1.0)
            except Empty:
                continue
            if event is None or event.line is None:
                return event and event.stage
            if not self._signal:
                self._display.say(f"{event.stage}: {event.line}")

    def _lock_again(self) -> None:
        """Wait for the lock of the repository, for as long as another DVC process has it.

        Raises:
            Stopped: by a signal; the repository is not locked.
        """
        while True:
            try:
                return self._repo.lock.lock()
            except LockError:
                if self._signal:
                    raise Stopped(self._signal) from None

    def _heed(self, number: int, _: object) -> None:
        self._signal = number
        self._events.put(None)

    def _end_all(self) -> None:
        """End the commands that run, with their workers."""
        for child, _, _ in self._running.values():
            child.tell_to_end()
        for child, claim, _ in self._running.values():
            child.end()
            claim.close()

    @contextmanager
    def _may_fail(self, name: str) -> Iterator[None]:
        try:
            yield
        except (DvcException, OSError) as error:
            self._fail(name, " ".join(str(error).split()))

    def _fail(self, name: str, fault: str) -> None:
        self.failed[name] = fault
        self._display.say(f"{name}: failed")
        without = {name}
        for other, needs in self._needs.items():
            if needs & without:
                without.add(other)
                self._waiting.pop(other, None)  # another failure may have taken it
        self.skipped |= without - {name}

    def _finish(self, name: str, others: list[str], how: str, usage: Usage | None = None) -> None:
        self._lock_file.add(self._stages[name])
        self._settle(name)
        others.append(name)
        if usage:
            self._took[name] = usage.seconds
        self._display.finished(name, how, self._done())
        self._tell(name, usage)

    def _settle(self, name: str) -> None:
        for needs in self._waiting.values():
            needs.discard(name)

    def _open(self) -> list[str]:
        """List the stages that something is left to do for."""
        return [*self._waiting, *self._stale, *self._running]

    def _done(self) -> int:
        return len(self._needs) - len(self._open()) - len(self.failed) - len(self.skipped)

    @cached_property
    def _seconds(self) -> dict[str, float]:
        return nominal_seconds(self._needs)

    @cached_property
    def _ranks(self) -> Mapping[str, float]:
        return self._given_ranks or chains(self._needs, self._seconds)
