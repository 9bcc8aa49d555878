"""The process of a command: what it says, how it ends, and what it has taken."""

import shlex
import sys
from queue import SimpleQueue
from types import SimpleNamespace

from netclaims.repro.child import Child, Event

# A worker of its own takes most of the time and of the memory.
WORKS = """
import subprocess, sys
print("begun", flush=True)
busy = "import time; held = bytearray(200_000_000); [None for _ in iter(lambda: time.process_time() < 0.3, False)]"
subprocess.run([sys.executable, "-c", busy], check=True)
"""


def test_what_a_command_has_taken_is_with_its_workers(tmp_path):
    stage = SimpleNamespace(
        addressing="train@x", wdir=str(tmp_path), repo=SimpleNamespace(root_dir=str(tmp_path)),
        cmd=shlex.join([sys.executable, "-c", WORKS]),
    )  # fmt: skip
    events = SimpleQueue()
    child = Child(stage, {}, events)
    assert events.get(timeout=100) == Event("train@x", "begun")
    assert events.get(timeout=100) == Event("train@x", None)
    assert child.fault() == ""
    assert 0.3 <= child.usage.seconds < 30
    assert 2e8 <= child.usage.memory < 2e9
