"""`dvc repro`, or `make repro`, stopped at any moment and started again ends as if it had never been stopped.

With `--kills N` the pipeline of a report is stopped at N random moments: `pytest tests/pipeline/test_interruption.py
-k random_moments --kills 50`.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import psutil
import pytest
import yaml
from safetensors import safe_open

from netclaims.recover import UNFINISHED

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
VICTIMS = ("stage", "worker", "dvc", "group")
SOON = 30  # seconds in which everything has to be over, on a machine with much else to do


def processes(session: int) -> list[psutil.Process]:
    """What belongs to the session that DVC leads, also when DVC is gone."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(psutil.Process(pid))
    return found


def of_a_stage(process: psutil.Process | None) -> bool:
    with contextlib.suppress(psutil.Error):
        return process is not None and any(word.startswith("stages/") for word in process.cmdline())
    return False


def victims(session: int, kind: str) -> list[psutil.Process]:
    """The processes of a session that are of a kind: a stage's script, its workers, or DVC, which stands for all."""
    if kind in ("dvc", "group"):
        return [psutil.Process(session)]
    found = []
    for process in processes(session):
        with contextlib.suppress(psutil.Error):
            if of_a_stage(process) and of_a_stage(process.parent()) == (kind == "worker"):
                found.append(process)
    return found


def until(condition: Callable[[], object], seconds: float = SOON) -> bool:
    """Wait for something to be the case."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)  # a look at all processes of the machine takes some milliseconds
    return True


def digest(path: Path) -> str:
    """What DVC calls the content of a file by, or that of a folder."""
    if not path.is_dir():
        return md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    inside = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())
    listed = json.dumps([{"md5": digest(file), "relpath": name} for name, file in inside], sort_keys=True)
    return md5(listed.encode(), usedforsecurity=False).hexdigest() + ".dir"


def entries(text: str) -> dict[str, dict]:
    return (yaml.load(text, yaml.CSafeLoader) or {}).get("stages", {}) if text else {}


def cache(clone) -> Path:
    return clone.folder / ".dvc" / "cache" / "files" / "md5"


def files(clone) -> set[Path]:
    """All results, by name."""
    found = [path for name in ("data", "metrics", "plots", "runs") for path in (clone.folder / name).rglob("*")]
    return {path.relative_to(clone.folder) for path in found if path.is_file()}


def lock(clone) -> str:
    path = clone.folder / "dvc.lock"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def assert_nothing_is_half_done(clone, expected: dict[str, dict]) -> None:
    """Every file in the cache is whole, and so are the outputs of the stages that have been finished."""
    for path in cache(clone).rglob("*"):
        if path.is_file() and not path.match(UNFINISHED):
            assert digest(path) == (path.parent.name + path.name).removesuffix(".dir"), f"{path} is damaged"
    for name, entry in entries(lock(clone)).items():
        if entry == expected.get(name):
            written = {out["path"]: out["md5"] for out in entry["outs"]}
            assert {path: digest(clone.folder / path) for path in written} == written, name


@dataclass(frozen=True)
class Kill:
    """A signal to a process of a kind, so many seconds after the first stage runs that is not skipped."""

    victim: str
    signal: signal.Signals
    after: float


@dataclass(frozen=True)
class Finished:
    """What an uninterrupted run leaves."""

    lock: str
    files: set[Path]
    ran: dict[str, dict]  # the entries of the stages that ran


def finish(clone, *target: str) -> Finished:
    before = entries(clone.git("show", "HEAD:dvc.lock"))
    result = clone.dvc("repro", *target)
    assert result.returncode == 0, result.stdout + result.stderr
    ran = {name: entry for name, entry in entries(lock(clone)).items() if entry != before.get(name)}
    return Finished(lock(clone), files(clone), ran)


class Interrupted:
    """`dvc repro` of a target again and again, with kills on the way, until it is done; or `make repro`."""

    def __init__(self, clone, target: str, expected: Finished, counts: Counter, beside: bool = False) -> None:
        self.clone, self.target, self.expected, self.beside = clone, target, expected, beside
        self.log, self.run, self.counts = clone.folder.parent / "log", None, counts
        self.killed = False  # whether this run was, or a stage or worker of it

    def start(self) -> None:
        if not self.beside:  # else that is done by itself
            for line in self.clone.recover():
                self.counts[f"recovered: {line.partition(':')[0]}"] += 1
        words = ["netclaims.repro"] if self.beside else ["dvc", "repro"]
        self.run, self.killed = self.clone.start(*words, self.target, log=self.log), False

    def tell(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def running(self) -> str:
        """The scripts that run, or nothing while DVC is at work between stages."""
        found = []
        for process in victims(self.run.pid, "stage"):
            with contextlib.suppress(psutil.Error):
                found.append(" ".join(Path(word).stem for word in process.cmdline()[1:]))
        return ", ".join(sorted(found)) or "between stages"

    def kill(self, kill: Kill) -> bool:
        """False if `dvc repro` was done before."""
        if self.run is None:
            self.start()
        until(lambda: self.run.poll() is not None or victims(self.run.pid, "stage"), 10 * SOON)
        until(lambda: self.run.poll() is not None, kill.after)
        until(lambda: self.run.poll() is not None or victims(self.run.pid, kill.victim), 10 * SOON)
        if self.run.poll() is not None:
            failed, said = self.end(), self.tell()
            assert not failed or self.killed, f"fails by itself: {said}"
            return failed
        stage, at_work = self.running(), victims(self.run.pid, "stage")
        with contextlib.suppress(ProcessLookupError, psutil.Error, IndexError):
            victim = victims(self.run.pid, kill.victim)[-1]
            if kill.victim in ("stage", "worker"):  # others that run beside it go on
                at_work = [victim if kill.victim == "stage" else victim.parent()]
            if kill.victim == "group":
                os.killpg(self.run.pid, kill.signal)
            else:
                victim.send_signal(kill.signal)
            self.killed = True
            self.counts["kill"] += 1
            self.counts[f"kill of {kill.victim} by {kill.signal.name}"] += 1
            self.counts[f"kill in {stage}"] += 1
        # DVC leaves SIGINT to the stage that runs, and a worker to its parent: to one of them alone it changes nothing.
        if kill.signal != signal.SIGINT or kill.victim not in ("worker", *["dvc"] * (not self.beside)):
            orphaned = kill == Kill("dvc", signal.SIGKILL, kill.after)  # nobody tells the stage, which goes to its end
            over = until(lambda: not psutil.wait_procs(at_work, 0)[1], 10 * SOON if orphaned else SOON)
            assert over, f"{stage} goes on after {kill}: {self.tell()}"
        if until(lambda: self.run.poll() is not None, 3):
            self.end()
        return True

    def end(self) -> bool:
        """After the end of a `dvc repro`: nothing of it goes on and nothing is damaged."""
        code, run, self.run = self.run.wait(), self.run, None
        assert until(lambda: not processes(run.pid)), f"left running: {processes(run.pid)}"
        said = self.tell()
        assert "Traceback" not in said or "KeyboardInterrupt" in said, said
        self.counts[f"status {code}"] += 1
        with contextlib.suppress(yaml.YAMLError, AttributeError, KeyError, TypeError):  # half a file: see test_recover
            assert_nothing_is_half_done(self.clone, self.expected.ran)
        return code != 0

    def finish(self) -> None:
        if self.beside and self.killed and self.run is not None:  # what does not need the killed stage goes on
            self.end()
        if self.run is None:
            self.start()
        assert self.run.wait() == 0, self.tell()
        self.end()
        assert lock(self.clone) == self.expected.lock
        assert files(self.clone) == self.expected.files
        assert not [path for path, (epoch, _) in checkpoints(self.clone).items() if epoch], "unfinished"
        status = self.clone.dvc("status", self.target)
        assert "up to date" in status.stdout, status.stdout


TARGET, TRAINING = "gradient@d-gradient-norm", "train@d-gradient-norm"


@pytest.fixture(scope="module")
def prepared(long_training, tmp_path_factory):
    """A clone with data, in which nothing has been trained."""
    clone = long_training.copy(tmp_path_factory.mktemp("prepared"))
    finish(clone, "prepare@mnist")
    return clone


@pytest.fixture(scope="module")
def uninterrupted(prepared, tmp_path_factory) -> Finished:
    """What a run of a small target leaves."""
    return finish(prepared.copy(tmp_path_factory.mktemp("uninterrupted")), TARGET)


def test_a_run_stopped_in_all_ways_ends_like_one_that_never_was(long_training, uninterrupted, tmp_path):
    run = Interrupted(long_training.copy(tmp_path / "copy"), TARGET, uninterrupted, Counter())
    for kill in (
        Kill("stage", signal.SIGTERM, 1.0),
        Kill("group", signal.SIGINT, 4.0),
        Kill("worker", signal.SIGKILL, 1.0),
        Kill("dvc", signal.SIGKILL, 2.0),  # the last: the stage goes to its end
    ):
        assert run.kill(kill), "done too soon"
    run.finish()


def checkpoints(clone) -> dict[Path, tuple[int | None, int]]:
    """The epoch that every run with a checkpoint has come to, None if it is finished; and when that was saved."""
    found = {}
    for path in (clone.folder / "checkpoints").glob("*/*.safetensors"):
        with contextlib.suppress(FileNotFoundError), safe_open(path, "pt") as file:
            content = json.loads(file.metadata()["content"])
            found[path] = content.get("state", {}).get("epoch"), path.stat().st_mtime_ns
    return found


def test_finished_runs_are_kept_and_an_unfinished_one_goes_on(request, prepared, uninterrupted, tmp_path):
    if not request.config.getoption("--every-case"):
        pytest.skip("half a minute for what test_checkpoint shows of one training: --every-case")
    run = Interrupted(prepared.copy(tmp_path / "copy"), TARGET, uninterrupted, Counter())
    run.start()

    def in_the_middle() -> bool:
        epochs = [epoch for epoch, _ in checkpoints(run.clone).values()]
        return None in epochs and any(epoch and epoch > 20 for epoch in epochs)

    assert until(in_the_middle, 10 * SOON), run.tell()
    os.killpg(run.run.pid, signal.SIGKILL)
    run.end()
    before = checkpoints(run.clone)
    run.start()
    seen: dict[Path, set] = {path: set() for path in before}

    def done() -> bool:
        for path, (epoch, saved) in checkpoints(run.clone).items():
            seen.setdefault(path, set()).add((epoch, saved))
        return run.run.poll() is not None

    assert until(done, 10 * SOON)
    for path, (epoch, saved) in before.items():
        if epoch is None:
            assert seen[path] <= {(None, saved)}
        else:
            assert all(later is None or later >= epoch for later, _ in seen[path])
    assert len(seen) == 4
    run.finish()


@pytest.mark.parametrize("beside", [False, True], ids=["dvc", "beside"])
def test_stopped_at_random_moments_a_report_ends_as_if_it_never_was(
    request, report_d, tmp_path_factory, capsys, beside
):
    kills, seed = request.config.getoption("--kills"), request.config.getoption("--kill-seed")
    if not kills:
        pytest.skip("takes minutes: --kills 50")
    draw = random.Random(seed)  # noqa: S311 (no secret)
    target = "figures@d"
    expected = finish(report_d.copy(tmp_path_factory.mktemp("uninterrupted")), target)
    counts: Counter = Counter()
    while counts["kill"] < kills:
        run = Interrupted(report_d.copy(tmp_path_factory.mktemp("stopped") / "copy"), target, expected, counts, beside)
        while counts["kill"] < kills:
            kill = Kill(draw.choice(VICTIMS), draw.choice(SIGNALS), draw.uniform(0, 8))
            if not run.kill(kill):
                break
            with capsys.disabled():
                print(f"{counts['kill']}: {kill}")  # noqa: T201
        run.finish()
        with capsys.disabled():
            print(table(counts))  # noqa: T201


def table(counts: Counter) -> str:
    """How often what was killed by which signal in which stage, and what came of it."""
    return "\n".join(f"{number:4}  {what}" for what, number in sorted(counts.items()))


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of its own in a folder; what is yielded gives it another size."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(words, capture_output=True, text=True)  # noqa: S603 (words of this module)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    try:
        yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)  # noqa: S603, S607 (words of this module)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 (words of this module)


@pytest.mark.parametrize(
    ("name", "size"), [("runs", "500k"), ("checkpoints", "500k"), (".dvc/cache", "2m"), (".", None)]
)
def test_a_full_disk_stops_a_stage_with_one_line_and_space_lets_it_go_on(
    request, prepared, uninterrupted, tmp_path, name, size
):
    if size and not request.config.getoption("--kills"):
        pytest.skip("seconds for what the whole repository on a full disk mostly shows: --kills 1")
    folder = tmp_path / "copy" / name
    with small_disk(folder, size or "100m") as resize:
        clone = prepared.copy(tmp_path / "copy")
        if size is None:
            used = shutil.disk_usage(folder).used
            resize(f"{used + 500_000}")
        result = clone.dvc("repro", TARGET)
        said = result.stdout + result.stderr
        assert result.returncode != 0
        assert "No space left on device" in said, said
        assert "Traceback" not in said
        resize("200m")
        clone.recover()
        assert finish(clone, TARGET) == uninterrupted
