"""Independent work on the machines of a Ray cluster."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from tqdm import tqdm

from netclaims.data.registry import DATA_KINDS
from netclaims.errors import SettingsError
from netclaims.parallel.processes import Job
from netclaims.paths import DATA

Result = TypeVar("Result")


def on_cluster(
    jobs: Sequence[Job], label: str, keep: Callable[[int, Result], None] = lambda place, result: None
) -> list[Result]:
    """Do every job, a function of its arguments: each on one core of the cluster that `RAY_ADDRESS` names.

    The machines need the same Python and packages; code and prepared data are sent to them. A job whose machine is lost
    is done by another.

    Args:
        jobs: functions with their arguments.
        label: of a line of progress, in jobs.
        keep: told the place of a job and its result as soon as it is here.

    Returns:
        The results, in the order of the jobs.

    Raises:
        SettingsError: Ray is not installed, or there is no cluster at that address.
    """
    try:
        import ray
    except ImportError:
        raise SettingsError("RAY_ADDRESS: set, and Ray is not installed: pip install -e '.[cluster]'") from None
    with TemporaryDirectory() as folder:
        _pack(Path(folder))
        try:
            _reach(os.environ["RAY_ADDRESS"])
            ray.init(runtime_env={"working_dir": folder}, logging_level="error")
        except (OSError, RuntimeError, ValueError) as error:
            raise SettingsError(f"RAY_ADDRESS: no cluster to use: {str(error).splitlines()[0]}") from None
        try:
            alone = ray.remote(num_cpus=1, max_retries=-1)
            places = {alone(function).remote(*arguments): place for place, (function, arguments) in enumerate(jobs)}
            results: dict[int, Result] = {}
            waiting = list(places)
            with tqdm(total=len(jobs), desc=label, leave=False, disable=None) as bar:
                while waiting:  # results that are here cannot be lost with another machine
                    (done,), waiting = ray.wait(waiting)
                    results[places[done]] = ray.get(done)
                    keep(places[done], results[places[done]])
                    bar.update()
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        finally:
            ray.shutdown()
    return [results[place] for place in range(len(jobs))]


def _reach(address: str) -> None:
    """Raise OSError where nothing answers at `host:port`, for which Ray itself waits minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _pack(folder: Path) -> None:
    """Lay out the package and the prepared data for a process that starts in the folder."""
    package = Path(__file__).parents[1]
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in DATA_KINDS:
        if (DATA / name).exists():
            shutil.copytree(DATA / name, folder / DATA / name)
