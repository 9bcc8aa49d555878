"""How a script ends when something is wrong: one line, and a status that is not zero."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from netclaims import command as starts
from netclaims.command import command
from netclaims.errors import LESS_MEMORY, DataError, SettingsError
from netclaims.parallel import processes


@pytest.mark.parametrize(("error", "line"), [
    (SettingsError("params.yaml: seed: required"), "params.yaml: seed: required"),
    (DataError("a.zip: damaged"), "a.zip: damaged"),
    (FileNotFoundError(2, "No such file", "runs/x"),
     "runs/x: no such file; `dvc repro` runs the stage that writes it first"),
    (OSError(28, "No space left on device", "runs/x"), "runs/x: No space left on device"),
    (OSError(28, "No space left on device"), "train.py x: No space left on device"),
    (OSError("4096 requested and 0 written"), "train.py x: 4096 requested and 0 written"),
    (MemoryError(), f"train.py x: not enough memory; {LESS_MEMORY}"),
    (OSError(12, "Cannot allocate memory"), f"train.py x: not enough memory; {LESS_MEMORY}"),
    (RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 15.77 GiB"),
     f"train.py x: not enough memory on the GPU, which `device: cpu` leaves alone, 20.00 GiB asked for; {LESS_MEMORY}"),
    (ChildProcessError("a worker process was killed"), "train.py x: a worker process was killed"),
])  # fmt: skip
def test_one_line(error, line, monkeypatch):
    @command
    def main(key):
        raise error

    monkeypatch.setattr(sys, "argv", ["train.py", "x"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == line


def test_ctrl_c(monkeypatch, capsys):
    @command
    def main(key):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["train.py", "x"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "train.py x: interrupted; `dvc repro` goes on with what is not finished\n"


# Each asks for more than the address space of a process has.
ASKING = {
    "torch": (lambda: torch.zeros(10**14), ", 4e+05 GB asked for"),
    "numpy": (lambda: np.zeros(10**14), ", 728 TiB asked for"),
    "Python": (lambda: bytearray(10**15), ""),
}


@pytest.mark.parametrize("who", ASKING)
@pytest.mark.parametrize("in_workers", [False, True])
def test_too_much_memory_asked_for(who, in_workers, monkeypatch):
    ask, asked = ASKING[who]

    @command
    def main():
        processes.each([(ask, ())] * 2) if in_workers else ask()

    monkeypatch.setattr(processes, "cpu_count", lambda: 2)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == f"train.py: not enough memory{asked}; {LESS_MEMORY}"


def test_other_faults_are_no_want_of_memory(monkeypatch):
    @command
    def main():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")

    monkeypatch.setattr(sys, "argv", ["train.py"])
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        main()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no such call")
@pytest.mark.parametrize("name", [None, *starts.BINDING])
def test_openmp_leaves_all_cores_to_the_workers(name, monkeypatch):
    """It binds the first thread to one core when torch loads: here before, as that cannot be had twice."""
    bound = []
    for other in starts.BINDING:
        monkeypatch.delenv(other, raising=False)
    if name:
        monkeypatch.setenv(name, "close")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(os, "getppid", lambda: 4711)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2} if pid == 4711 else {0})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: bound.append((pid, cores)))
    command(lambda: None)()
    assert bound == ([(0, {0, 1, 2})] if name else [])


@pytest.fixture
def linked(tmp_path, monkeypatch) -> Callable[..., None]:
    """Outputs of a stage that are links into a cache, and a script of it, that writes in their place."""
    monkeypatch.chdir(tmp_path)
    names = ["runs/x/nets.csv", "runs/x.fit.csv", "metrics/x.json", "runs/y.fit.csv"]
    outs = {"x": ["runs/x", "runs/x.fit.csv", "metrics/x.json"], "y": ["runs/y.fit.csv"]}
    stages = {f"fit@{key}": {"cmd": f"python stages/fit.py {key}", "outs": [{"path": path} for path in paths]}
              for key, paths in outs.items()}  # fmt: skip
    Path("dvc.lock").write_text(yaml.dump({"stages": stages}), encoding="utf-8")

    def link(how: Callable[[Path, Path], None]) -> None:
        for number, name in enumerate(names):
            cached, path = tmp_path / "cache" / str(number), Path(name)
            cached.parent.mkdir(exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            cached.write_text("old", encoding="utf-8")
            cached.chmod(0o444)
            how(path, cached)

    return link


@pytest.mark.parametrize("how", [Path.hardlink_to, Path.symlink_to], ids=["hardlink", "symlink"])
@pytest.mark.parametrize("script", ["stages/fit.py", "/somewhere/stages/fit.py"])
def test_a_script_by_hand_writes_into_no_cache(how, script, linked, monkeypatch):
    @command
    def main(key):
        for path in (Path("runs/x/nets.csv"), Path("runs/x.fit.csv"), Path("metrics/x.json")):
            assert not path.exists()  # as under DVC
            path.write_text("new", encoding="utf-8")

    linked(how)
    monkeypatch.setattr(sys, "argv", [script, "x"])
    monkeypatch.delenv("DVC_STAGE", raising=False)
    main()
    assert {path.read_text(encoding="utf-8") for path in Path("cache").iterdir()} == {"old"}
    assert Path("runs/y.fit.csv").read_text(encoding="utf-8") == "old"  # of another stage


def test_what_is_no_link_stays(linked, monkeypatch):
    linked(lambda path, cached: path.write_bytes(cached.read_bytes()))
    monkeypatch.setattr(sys, "argv", ["stages/fit.py", "x"])
    monkeypatch.delenv("DVC_STAGE", raising=False)
    seen = []
    command(lambda key: seen.extend(path for path in Path("runs").rglob("*.csv")))()
    assert len(seen) == 3


def test_by_hand_beside_half_a_lock_file(linked, monkeypatch):
    Path("dvc.lock").write_text("stages:\n  fit@x:\n    cmd: pyth", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["stages/fit.py", "x"])
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with pytest.raises(SystemExit) as ended:
        command(lambda key: None)()
    assert ended.value.code == "dvc.lock: not as DVC writes it; `make repro` puts right what a stopped run has left"
