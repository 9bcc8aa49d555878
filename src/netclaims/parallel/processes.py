"""Processes that do independent work on the cores of this machine, and that leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import TypeVar

from tqdm import tqdm

from netclaims.errors import LESS_MEMORY
from netclaims.parallel.cores import core, cpu_count

Result = TypeVar("Result")
Job = tuple[Callable[..., Result], tuple]

# Forked processes have everything imported and all data at hand; macOS forbids much to them, and Windows has none.
METHOD = "fork" if sys.platform == "linux" else "spawn"


def each(jobs: Sequence[Job], label: str | None = None) -> list[Result]:
    """Do every job, a function of its arguments: as many at once as there are cores, in processes of their own.

    Where stages share the cores, a job waits for a free one.

    joblib is no choice here: it waits for ever for the result of a worker that was killed.

    Args:
        jobs: functions with their arguments.
        label: of a line of progress, in jobs; none without it.

    Returns:
        The results, in the order of the jobs.

    Raises:
        ChildProcessError: a worker was killed; the others have been ended.
    """
    workers = min(cpu_count(), len(jobs))
    with tqdm(total=len(jobs), desc=label, leave=False, disable=None if label else True) as bar:
        if workers < 2:
            results = []
            for function, arguments in jobs:
                with core():
                    results.append(function(*arguments))
                bar.update()
            return results
        pool = ProcessPoolExecutor(workers, get_context(METHOD), _begin, (jobs,))
        try:
            futures = [pool.submit(_do, place) for place in range(len(jobs))]
            for future in as_completed(futures):
                future.result()  # the first error ends all of them
                bar.update()
        except BaseException as error:
            for worker in active_children():
                worker.kill()
            if isinstance(error, BrokenProcessPool):
                raise ChildProcessError(f"a worker process was killed, as for want of memory; {LESS_MEMORY}") from None
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


_jobs: Sequence[Job] = []  # a worker gets them once, when it begins


def _begin(jobs: Sequence[Job]) -> None:
    """Leave Ctrl-C to the parent, and end when that does, however it does."""
    global _jobs
    _jobs = jobs
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _do(place: int) -> Result:
    function, arguments = _jobs[place]
    with core():
        return function(*arguments)


def _end_with_parent() -> None:
    wait([parent_process().sentinel])
    os._exit(1)
