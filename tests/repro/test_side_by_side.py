"""Stages beside each other, in a small pipeline: the bytes that `dvc repro` leaves, whatever ends before its time."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
import yaml
from dvc.lock import Lock

from netclaims.errors import LESS_MEMORY
from tests.forks import forked

PIPELINE = """
stages:
  recipes:
    cmd: python stage.py recipes
    deps: [code]
    outs: [recipes: {cache: false, persist: true}]
  train:
    foreach: [x, y, z]
    do:
      cmd: python stage.py ${item}
      deps: ["recipes/${item}.json"]
      outs: ["runs/${item}"]
      metrics: ["metrics/${item}.json": {cache: false}]
  claims:
    cmd: python stage.py claims
    deps: [runs, metrics/x.json, metrics/y.json, metrics/z.json]
    outs: [claims.md: {cache: false}]
"""
# A file lets a training wait as long as it is there, another tells it how to fail.
STAGE = """
import os, sys
from pathlib import Path
from time import sleep

def main(name):
    Path("marks").mkdir(exist_ok=True)
    Path("marks", f"begun-{name}").write_text(str(os.getpid()))
    if name == "recipes":
        Path("recipes").mkdir(exist_ok=True)
        for key in "xyz":
            Path(f"recipes/{key}.json").write_text(Path("code").read_text())
    elif name == "claims":
        Path("claims.md").write_text(" ".join(sorted(path.name for path in Path("runs").iterdir())))
    else:
        print(f"{name} begins", flush=True)
        while Path(f"{name}-waits").exists():
            sleep(0.02)
        fault = Path(f"{name}-fails")
        if fault.exists():
            fail = {"by a word": lambda: sys.exit("a fault of its own"), "by status": lambda: os._exit(3),
                    "by a kill": lambda: os.kill(os.getpid(), 9), "by halves": lambda: os._exit(0)}
            fail[fault.read_text()]()
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "net").write_text(Path(f"recipes/{name}.json").read_text())
        Path(f"metrics/{name}.json").write_text("{}")
        sys.stderr.write(f"{name} ends\\n")
    Path("marks", f"ended-{name}").touch()

if Path("watched").exists():  # as the scripts of the pipeline, at the price of some imports
    from netclaims.command import command
    main = command(main)
    main()
else:
    main(*sys.argv[1:])
"""
RUN = [sys.executable, "-m", "netclaims.repro"]
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "LOKY_MAX_CPU_COUNT": "2",  # what joblib takes for the number of cores: three stages at once
    "DVC_NO_ANALYTICS": "1",
    "COLUMNS": "60",
}
DEADLINE = 60


def dvc(*words: str) -> subprocess.CompletedProcess:
    return forked(["-m", "dvc", *words], Path.cwd(), ENVIRONMENT)


def repro(*stages: str) -> subprocess.CompletedProcess:
    return forked(["-m", "netclaims.repro", *stages], Path.cwd(), ENVIRONMENT)


def begin(words: list[str] = RUN, log: str = "log") -> subprocess.Popen:
    with Path(log).open("w", encoding="utf-8") as file:
        return subprocess.Popen(words, env=ENVIRONMENT, stdout=file, stderr=file, start_new_session=True)  # noqa: S603 (words of this module)


def until(condition: Callable[[], object], log: str = "log") -> None:
    end = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < end, Path(log).read_text(encoding="utf-8")
        sleep(0.02)


def marked(*names: str) -> bool:
    return all(Path("marks", name).exists() for name in names)


def hold(*names: str) -> None:
    """Let trainings wait."""
    for name in names:
        Path(f"{name}-waits").touch()


def free(*names: str) -> None:
    for name in names:
        Path(f"{name}-waits").unlink()


def how(result: subprocess.CompletedProcess | Path) -> dict[str, str]:
    """How each stage was done."""
    text = result.read_text(encoding="utf-8") if isinstance(result, Path) else result.stdout
    found = re.findall(r"^(\S+): (.+) \(\d of \d\)$", text, re.MULTILINE)
    return {name: "run" if words.endswith(" s") else words for name, words in found if name != "recipes"}


def left() -> dict[str, bytes]:
    """All that a run leaves, by its path."""
    found = ["dvc.lock", "claims.md", *(f"{name}/**/*" for name in ("recipes", "runs", "metrics", ".dvc/cache"))]
    return {path.as_posix(): path.read_bytes() for name in found for path in Path().glob(name) if path.is_file()}


def change(text: str) -> None:
    Path("code").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One in which nothing has run, and one in which `dvc repro` has."""
    new, plain = tmp_path_factory.mktemp("new"), tmp_path_factory.mktemp("plain") / "copy"
    (new / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (new / "stage.py").write_text(STAGE, encoding="utf-8")
    (new / "code").write_text("1", encoding="utf-8")
    (new / "metrics").mkdir()
    (new / ".gitignore").write_text("/runs/\n/marks/\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(new)
        subprocess.run(["git", "init", "-q"], check=True)  # noqa: S607 (Git)
        assert dvc("init", "-q").returncode == 0
        subprocess.run(["git", "add", "-A"], check=True)  # noqa: S607 (Git)
        shutil.copytree(new, plain)
        patch.chdir(plain)
        assert dvc("repro").returncode == 0
        shutil.rmtree("marks")
    return new, plain


@pytest.fixture
def new(folders, tmp_path, monkeypatch) -> None:
    """The current folder is one in which nothing has run."""
    monkeypatch.chdir(shutil.copytree(folders[0], tmp_path / "new"))


@pytest.fixture(scope="module")
def plain(folders) -> dict[str, bytes]:
    """What `dvc repro` leaves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folders[1])
        return left()


def test_the_same_bytes_though_they_end_in_another_order(new, plain):
    hold("x", "y")
    run = begin()
    for ended, next_ in (("z", "y"), ("y", "x")):
        until(lambda name=f"train@{ended}": name in how(Path("log")))
        free(next_)
    assert run.wait(DEADLINE) == 0
    assert list(how(Path("log"))) == ["train@z", "train@y", "train@x", "claims"]
    assert Path("log").read_text(encoding="utf-8").splitlines()[-1] == "open report/index.html"
    assert left() == plain
    assert "up to date" in dvc("status").stdout
    assert how(dvc("repro")) == how(repro()) == {}
    assert left() == plain


def test_the_same_bytes_after_a_change_and_out_of_the_cache(folders, tmp_path, monkeypatch):
    for start, name in ((folders[0], "mixed"), (folders[1], "before")):
        shutil.copytree(start, tmp_path / name)
    found = {}
    for name, run in (("mixed", repro), ("before", lambda: dvc("repro"))):
        monkeypatch.chdir(tmp_path / name)
        if name == "mixed":
            assert repro().returncode == 0
        for text in ("2", "1"):
            change(text)
            result = run()
            assert result.returncode == 0, result.stderr
            if name == "mixed":
                expected = "from the cache" if text == "1" else "run"
                # DVC does not remember files without a cache that are neither metrics nor plots.
                assert how(result) == {f"train@{key}": expected for key in "xyz"} | {"claims": "run"}
        found[name] = left()
    assert found["mixed"] == found["before"]


def results() -> dict[str, bytes]:
    """All but dvc.lock, whose entries stand in another order after a fault, as `dvc repro --keep-going` leaves them."""
    return {name: content for name, content in left().items() if name != "dvc.lock"}


FAULTS = {
    "by a word": "a fault of its own",
    "by status": "y begins",
    "by a kill": "killed by SIGKILL",
    "by halves": "output 'runs/y' does not exist",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_that_fails_stops_what_needs_it_and_is_named_last(request, new, plain, fault):
    if fault != "by a word" and not request.config.getoption("--every-case"):
        pytest.skip("the next test has the other faults at once: --every-case")
    Path("y-fails").write_text(fault, encoding="utf-8")
    result = repro()
    assert result.returncode == 1
    assert how(result) == {"train@x": "run", "train@z": "run"}
    assert result.stderr.splitlines()[-1] == f"train@y failed: {FAULTS[fault]}"
    assert "1 stage not run" in result.stdout
    assert "Traceback" not in result.stderr
    assert list(yaml.safe_load(Path("dvc.lock").read_text())["stages"]) == ["recipes", "train@x", "train@z"]
    Path("y-fails").unlink()
    assert how(repro()) == {"train@y": "run", "claims": "run"}
    assert results() == {name: content for name, content in plain.items() if name != "dvc.lock"}


def test_several_that_fail_in_all_ways_are_all_named(new, plain):
    faults = {"x": "by status", "y": "by a kill", "z": "by halves"}
    for key, fault in faults.items():
        Path(f"{key}-fails").write_text(fault, encoding="utf-8")
    result = repro()
    assert (result.returncode, how(result)) == (1, {})
    assert sorted(result.stderr.splitlines()[-3:]) == [
        "train@x failed: x begins", f"train@y failed: killed, as for want of memory; {LESS_MEMORY}",
        "train@z failed: output 'runs/z' does not exist",
    ]  # fmt: skip
    assert "Traceback" not in result.stderr
    assert list(yaml.safe_load(Path("dvc.lock").read_text())["stages"]) == ["recipes"]
    for key in faults:
        Path(f"{key}-fails").unlink()
    assert how(repro()) == {f"train@{key}": "run" for key in faults} | {"claims": "run"}
    assert results() == {name: content for name, content in plain.items() if name != "dvc.lock"}


def test_a_mistake_in_the_settings_is_the_only_thing_said(new):
    Path("code").unlink()
    result = repro()
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("recipes failed: ")
    assert how(result) == {}


@pytest.mark.parametrize(
    ("number", "group", "status"),
    [
        (signal.SIGINT, False, 130),
        (signal.SIGINT, True, 130),
        (signal.SIGTERM, False, 143),
        (signal.SIGKILL, False, -signal.SIGKILL),
    ],
)
def test_stopped_it_leaves_nothing_running_and_goes_on(request, new, plain, number, group, status):
    """Also where one stage has ended that others come before in dvc.lock."""
    if (number, group) == (signal.SIGINT, False) and not request.config.getoption("--kills"):
        pytest.skip("seconds for what SIGTERM and Ctrl-C mostly show: --kills 1")
    Path("watched").touch()
    hold("x", "y")
    run = begin()
    until(lambda: marked("begun-x", "begun-y", "ended-z") and "train@z" in how(Path("log")))
    stages = [psutil.Process(int(Path("marks", f"begun-{key}").read_text())) for key in "xy"]
    (os.killpg if group else os.kill)(run.pid, number)
    assert run.wait(DEADLINE) == status
    assert not psutil.wait_procs(stages, DEADLINE)[1]
    said = Path("log").read_text(encoding="utf-8")
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert said.splitlines()[-1] == "stopped; `make repro` goes on with what is not finished"
        assert "failed" not in said
    free("x", "y")
    result = repro()
    assert result.returncode == 0, result.stderr
    assert how(result) == {"train@x": "run", "train@y": "run", "train@z": "from the cache", "claims": "run"}
    assert left() == plain


def test_the_repository_is_free_while_commands_run_and_the_run_waits_for_others(new, plain):
    hold(*"xyz")
    run = begin()
    until(lambda: marked(*(f"begun-{key}" for key in "xyz")))
    lock = Lock(".dvc/tmp/lock")
    until(lambda: not locked(lock))
    free(*"xyz")
    until(lambda: marked(*(f"ended-{key}" for key in "xyz")))
    sleep(4)  # longer than DVC waits for a lock
    assert run.poll() is None
    lock.unlock()
    assert run.wait(DEADLINE) == 0, Path("log").read_text(encoding="utf-8")
    assert left() == plain


def locked(lock: Lock) -> bool:
    """Whether somebody else has the lock; this process has it, if not."""
    from dvc.lock import LockError

    try:
        lock.lock()
    except LockError:
        return True
    return False


def test_a_repository_at_which_another_dvc_works(new):
    with Lock(".dvc/tmp/lock"):
        result = repro()
    assert result.returncode == 1
    assert result.stderr == "another DVC process is at work in this repository; try again when it has ended\n"


def test_a_stage_at_which_another_dvc_works(new, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "LOKY_MAX_CPU_COUNT", "1")
    hold(*"xyz")
    run = begin()
    until(lambda: marked("begun-x", "begun-y"))  # and there is no room for the third
    other = begin([sys.executable, "-m", "dvc", "repro", "-s", "train@z"], "other")
    until(lambda: marked("begun-z"))
    result = repro()  # which cannot write recipes while others read them
    assert result.stderr.splitlines()[-1].startswith("recipes failed: ")
    assert f"is busy, it is being blocked by: (PID {run.pid})" in result.stderr.splitlines()[-1]
    free("x", "y")
    assert run.wait(DEADLINE) == 1
    assert how(Path("log")) == {"train@x": "run", "train@y": "run"}
    assert f"is busy, it is being blocked by: (PID {other.pid})" in Path("log").read_text(encoding="utf-8")
    free("z")
    assert other.wait(DEADLINE) == 0
    assert how(repro()) == {"claims": "run"}


def test_two_dvcs_at_once_leave_what_one_leaves(new, plain):
    """And a third, of what the first is at, says who it would have to wait for."""
    assert dvc("repro", "recipes").returncode == 0
    hold("x", "y")
    words = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "-s"]
    runs = [begin([*words, f"train@{key}"], key) for key in "xy"]
    until(lambda: marked("begun-x", "begun-y"), "x")
    again = dvc("repro", "-s", "train@x")
    assert again.returncode
    assert f"is busy, it is being blocked by:\n  (PID {runs[0].pid})" in again.stderr
    assert "Traceback" not in again.stderr
    free("x", "y")
    assert [run.wait(DEADLINE) for run in runs] == [0, 0]
    assert how(repro()) == {"train@z": "run", "claims": "run"}
    assert results() == {name: content for name, content in plain.items() if name != "dvc.lock"}


def test_stages_that_are_named(new):
    result = repro("train@y")
    assert how(result) == {"train@y": "run"}
    assert result.stdout.splitlines()[-1] == "open runs/y, metrics/y.json"
    result = repro("train@nobody")
    assert result.returncode == 1
    assert result.stderr == "Stage 'train@nobody' not found inside 'dvc.yaml' file\n"


def test_a_command_for_a_shell_is_left_to_dvc(new):
    path = Path("dvc.yaml")
    shell = "cmd: tr 0-9 a-z < recipes/x.json > copy\n    deps: [recipes/x.json]\n    outs: [copy]\n"
    path.write_text(f"{path.read_text()}  shell:\n    {shell}", encoding="utf-8")
    result = repro()
    assert result.returncode == 0, result.stderr
    assert Path("copy").read_text(encoding="utf-8") == "b"
    assert how(result) == {f"train@{key}": "run" for key in "xyz"} | {"claims": "run", "shell": "run"}
    assert "up to date" in dvc("status").stdout


def test_in_a_terminal_one_line_changes_and_others_stay(new):
    main, other = pty.openpty()
    run = subprocess.Popen(RUN, env=ENVIRONMENT, stdout=other, stderr=other)  # noqa: S603 (words of this module)
    os.close(other)
    said = b""
    while True:
        try:
            said += os.read(main, 4096)
        except OSError:  # that is how a terminal ends
            break
    assert run.wait() == 0, said
    lines = re.split(r"\r\x1b\[K|\r\n", said.decode().replace("\x1b[0m", ""))
    assert {f"train@{key}: {key} {words}" for key in "xyz" for words in ("begins", "ends")} <= set(lines)
    changing = [line for line in lines if re.match(r"\d of 5 stages", line)]
    assert changing
    assert all(len(line) < 60 for line in changing)
    assert any("; about " in line and "train@x" in line for line in changing)
    assert lines[-2:] == ["open report/index.html", ""]
