"""Timing contenders in turn, in processes of their own.

A repeat lets every contender do its piece of work once, one after another, so that whatever else the machine does
meets all of them alike, and ratios are taken repeat by repeat.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from netclaims import KERNELS

ONE, ALL = "one core", "all cores"
OURS = {"benchmarks.ours", "benchmarks.hessians"}  # modules that import netclaims' networks


class Contender:
    """One way to do a piece of work. What it takes to get ready, its constructor does, and is not timed.

    Attributes:
        pieces: how many pieces of work (nets, Hessians) one call of `work` does.
        compile_seconds: what compilation took, where there is any.
    """

    pieces = 1
    compile_seconds: float | None = None

    def work(self, repeat: int) -> Any:
        """Do what is timed; `repeat` seeds everything that is random in it."""
        raise NotImplementedError

    def outcome(self, done: Any) -> NDArray[np.floating]:
        """Return what came of the work, for comparison with the others; this is not timed."""
        raise NotImplementedError


@dataclass(frozen=True)
class Entry:
    """A contender by name, to be made in the process that it runs in: only there its module is imported.

    Attributes:
        name: as `results.json` calls it.
        title: as the table does.
        where: `module:class`.
        settings: arguments of the class.
        cores: that it may use; on one core torch has one thread, and otherwise its default, as many as cores.
        process: entries of the same name share a process; empty for one of its own.
    """

    name: str
    title: str
    where: str
    settings: dict[str, Any]
    cores: str = ALL
    process: str = ""

    @property
    def place(self) -> str:
        """The process that it runs in."""
        return self.process or self.name


@dataclass
class Timed:
    """What a contender took.

    Attributes:
        pieces: how many pieces of work a call does.
        compile_seconds: of compilation, apart from the rest.
        first_seconds: of the first call, which does not count.
        seconds: of every repeat.
        outcomes: of every repeat.
    """

    pieces: int
    compile_seconds: float | None
    first_seconds: float
    seconds: list[float] = field(default_factory=list)
    outcomes: list[NDArray[np.floating]] = field(default_factory=list)


class _Worker:
    """A fresh process in which contenders are made and work."""

    def __init__(self, folder: Path, modules: list[str]) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._connection, other = fresh.Pipe()
        arguments = (other, folder, multiprocessing.get_start_method(), modules)
        self._process = fresh.Process(target=_serve, args=arguments)
        before = dict(os.environ)
        if not OURS.intersection(modules):
            os.environ.update(dict.fromkeys(KERNELS, ""))  # others take the fastest kernels that they know
        self._process.start()
        os.environ.update(before)
        other.close()

    def ask(self, *message: Any) -> Any:
        """Return the answer to a message.

        Raises:
            RuntimeError: the process ended instead; what it said is on the standard error.
        """
        self._connection.send(message)
        return self.wait(message[1])

    def wait(self, name: str) -> Any:
        """Return what it says next.

        Raises:
            RuntimeError: see `ask`.
        """
        try:
            return self._connection.recv()
        except EOFError:
            raise RuntimeError(f"the process of {name} ended") from None

    def end(self) -> None:
        """Let it finish; a process that does not is stopped."""
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.terminate()


def _serve(connection: Connection, folder: Path, start_method: str, modules: list[str]) -> None:
    os.chdir(folder)
    # A process that was spawned spawns others by itself; netclaims is to start its own as it does everywhere.
    multiprocessing.set_start_method(start_method, force=True)
    for module in modules:  # all processes import at once; timing begins when each has answered
        import_module(module)
    for name in [name for name in KERNELS if not os.environ.get(name)]:  # torch warns of one that is empty
        os.environ.pop(name, None)
    connection.send("ready")
    made: dict[str, Contender] = {}
    while True:
        try:
            task, name, *content = connection.recv()
        except EOFError:
            return
        if task == "make":
            (entry,) = content
            made[name] = _make(entry)
            connection.send((made[name].pieces, made[name].compile_seconds))
        else:
            (repeat,) = content
            start = perf_counter()
            done = made[name].work(repeat)
            seconds = perf_counter() - start
            connection.send((seconds, made[name].outcome(done)))


def _make(entry: Entry) -> Contender:
    if entry.cores == ONE:
        import torch  # imported here, because not every contender uses it

        torch.set_num_threads(1)
    module, _, contender = entry.where.partition(":")
    return getattr(import_module(module), contender)(**entry.settings)


def interleave(entries: Sequence[Entry], folder: Path, repeats: int, label: str) -> dict[str, Timed]:
    """Let every entry work once to warm up, and then `repeats` times, in turn.

    Args:
        entries: with different names.
        folder: the current folder of their processes.
        repeats: how many times each works, and is timed.
        label: of the progress bar.

    Returns:
        What each took, by its name.
    """
    workers: dict[str, _Worker] = {}
    try:
        for place in dict.fromkeys(entry.place for entry in entries):
            modules = {entry.where.partition(":")[0] for entry in entries if entry.place == place}
            workers[place] = _Worker(folder, sorted(modules))
        for place, worker in workers.items():
            worker.wait(place)
        timed = {}
        with tqdm(total=(repeats + 1) * len(entries), desc=label, leave=False, disable=None) as bar:
            for entry in entries:
                worker = workers[entry.place]
                made = worker.ask("make", entry.name, entry)
                timed[entry.name] = Timed(*made, worker.ask("work", entry.name, repeats)[0])
                bar.update()
            for repeat in range(repeats):
                for entry in entries:
                    seconds, outcome = workers[entry.place].ask("work", entry.name, repeat)
                    timed[entry.name].seconds.append(seconds)
                    timed[entry.name].outcomes.append(outcome)
                    bar.update()
        return timed
    finally:
        for worker in workers.values():
            worker.end()
