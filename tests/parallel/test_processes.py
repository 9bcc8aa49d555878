"""Worker processes: what becomes of them when something ends before its time."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
import torch

from netclaims.parallel import processes
from netclaims.parallel.cores import RUNNER
from netclaims.parallel.processes import each

SOON = 60  # seconds in which everything has begun or is over, on a machine with much else to do


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(processes, "cpu_count", lambda: 2)


def written(folder: Path, names: list[str]) -> list[psutil.Process]:
    """The processes whose numbers stand in some files, once they do."""
    deadline = monotonic() + SOON
    while True:
        numbers = [path.read_text() if (path := folder / name).exists() else "" for name in names]
        if all(number.endswith("\n") for number in numbers):
            return [psutil.Process(int(number)) for number in numbers]
        assert monotonic() < deadline
        sleep(0.05)


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def sums(tensor: torch.Tensor) -> float:
    return tensor.sum().item()


def kill_myself_if(it: bool) -> None:
    if it:
        os.kill(os.getpid(), signal.SIGKILL)
    sleep(600)


def fail_if(it: bool) -> None:
    if it:
        raise ValueError("a fault of the job's own")
    sleep(600)


def test_results_are_in_order_and_from_other_processes():
    found = each([(square, (number,)) for number in range(6)])
    assert [result for result, _ in found] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for _, process in found}
    assert each([(sums, (torch.full((size,), 2.0),)) for size in (3, 5)]) == [6, 10]


def test_where_processes_are_not_forked(monkeypatch):
    monkeypatch.setattr(processes, "METHOD", "spawn")
    assert each([(pow, (number, 2)) for number in range(4)]) == [0, 1, 4, 9]


def test_one_job_needs_no_process():
    assert each([(square, (3,))]) == [(9, os.getpid())]
    assert each([]) == []


@pytest.mark.parametrize(("job", "error", "message"), [
    (kill_myself_if, ChildProcessError, "a worker process was killed, as for want of memory"),
    (fail_if, ValueError, "a fault of the job's own"),
])  # fmt: skip
def test_the_first_that_fails_ends_all_at_once(job, error, message):
    begun, before = monotonic(), set(psutil.Process().children())
    with pytest.raises(error, match=message):
        each([(job, (number == 1,)) for number in range(4)])
    assert monotonic() - begun < 5 * SOON  # the others would take ten minutes
    assert set(psutil.Process().children()) <= before


SCRIPT = """
import os, sys
from pathlib import Path
from time import sleep
from netclaims.parallel import processes
from netclaims.parallel.cores import RUNNER

def job(number):
    Path(f"worker-{number}").write_text(f"{os.getpid()}\\n")
    sleep(600)

processes.cpu_count = lambda: 2
processes.each([(job, (number,)) for number in range(3)])
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(how, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's job in the background ignores it
    )  # fmt: skip
    workers = written(tmp_path, ["worker-0", "worker-1"])
    parent.send_signal(how)
    assert parent.wait(SOON) != 0
    _, alive = psutil.wait_procs(workers, SOON)
    assert not alive


def test_a_script_that_dvc_started_ends_with_it(tmp_path):
    """Also where a shell, which lives on, stands between them."""
    (tmp_path / "script.py").write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from time import sleep\n"
        "from netclaims.command import command\n"
        "@command\n"
        "def main():\n"
        "    Path('script').write_text(f'{os.getpid()}\\n')\n"
        "    sleep(600)\n"
        "main()\n"
    )
    (tmp_path / "dvc.py").write_text(
        "import os, subprocess, sys\n"
        "environment = {**os.environ, 'DVC_STAGE': 'train@x'}\n"
        "subprocess.run(['/bin/sh', '-c', f'{sys.executable} script.py; true'], env=environment)\n"
    )
    dvc = subprocess.Popen([sys.executable, "dvc.py"], cwd=tmp_path)
    (script,) = written(tmp_path, ["script"])
    sleep(1)
    assert script.is_running()
    dvc.kill()
    dvc.wait()
    psutil.wait_procs([script], SOON)
    assert not script.is_running()


def test_a_script_whose_runner_is_gone_before_it_begins_ends(tmp_path):
    """Its parent is another process by then, which does not end."""
    (tmp_path / "script.py").write_text(
        "from time import sleep\nfrom netclaims.command import command\n@command\ndef main():\n    sleep(600)\nmain()\n"
    )
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    environment = os.environ | {"DVC_STAGE": "train@x", RUNNER: str(gone.pid)}
    assert subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, timeout=SOON).returncode == 1
