"""Where the time of a cold `make repro` goes, and how much memory it takes: `python -m benchmarks.cold_run [STAGE …]`.

Runs the pipeline of the last commit in a clone without a cache, and notes how much of the processor the script of each
stage takes, with its workers. It then starts every script with arguments that it refuses after its imports: that is its
start-up. What is left is DVC's, and cores that wait. Stages whose results are all in Git do not run. Writes
`benchmarks/cold_run.md`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from contextlib import chdir
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter

import psutil
from dvc.repo import Repo
from tqdm import tqdm

from benchmarks.many_cores import makespan, split
from netclaims.parallel.cores import cpu_count
from netclaims.repro.dvc_stages import planned
from netclaims.repro.order import SECONDS, nominal_seconds
from netclaims.repro.side_by_side import SPARE

ROOT = Path(__file__).parents[1]
REPORT = Path(__file__).with_suffix(".md")
# Stands for `python` in the commands of dvc.yaml.
NOTING = """#!{python}
import resource, subprocess, sys
status = subprocess.call([{python!r}, *sys.argv[1:]])
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
with open({notes!r}, "a") as file:
    print(*sys.argv[1:], spent.ru_utime + spent.ru_stime, file=file)
sys.exit(status)
"""
ANALYSES = ["fit", "pca", "gradient", "hessian", "interpolate", "sensitivity", "claims"]
Spent = dict[str, dict[str, float]]
KINDS = {"train": "training", "prepare": "data"} | dict.fromkeys(ANALYSES, "analysis")


def main() -> None:
    """Run, and write the table."""
    with TemporaryDirectory() as name:
        clone, notes, bin_folder = Path(name, "clone"), Path(name, "notes"), Path(name, "bin")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S603, S607 (paths of our own)
        bin_folder.mkdir()
        noting = bin_folder / "python"
        noting.write_text(NOTING.format(python=sys.executable, notes=str(notes)), encoding="utf-8")
        noting.chmod(0o755)
        path = os.pathsep.join([str(bin_folder), str(Path(sys.executable).parent), os.environ["PATH"]])
        wall, busy, memory = _repro(clone, {**os.environ, "PATH": path}, sys.argv[1:])
        spent: dict[str, dict[str, float]] = defaultdict(dict)
        for line in notes.read_text(encoding="utf-8").splitlines():
            script, *key, seconds = line.split()
            spent[Path(script).stem]["".join(key)] = float(seconds)
        start_up = {kind: _start_up(clone, kind) for kind in tqdm(spent, desc="start-up", disable=None)}
        idle = min(_repro(clone, {**os.environ, "PATH": path}, sys.argv[1:])[0] for _ in range(3))
        between = (busy - sum(sum(of_keys.values()) for of_keys in spent.values())) / sum(map(len, spent.values()))
        reasoned = _reasoned(clone, spent, start_up, between)
        words = ["git", "status", "--porcelain"]
        status = subprocess.run(words, cwd=clone, check=True, capture_output=True, text=True)  # noqa: S603 (a list, no shell)
    other = len(status.stdout.splitlines())
    REPORT.write_text(render(wall, busy, memory, spent, start_up, idle, other) + reasoned, encoding="utf-8")
    sys.stdout.write(REPORT.read_text(encoding="utf-8"))


def _processor() -> float:
    """Return the seconds of a processor that processes which this one has waited for have taken, with theirs."""
    spent = getrusage(RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _repro(clone: Path, environment: dict[str, str], targets: list[str]) -> tuple[float, float, int]:
    """Run the pipeline as `make repro` does.

    Returns:
        Seconds that it took, those of a processor, and the most memory of all its processes together, in bytes (PSS).
    """
    begun, before, peak, done = perf_counter(), _processor(), [0], Event()
    environment = environment | {"PYTHONPATH": str(clone / "src")}
    running = psutil.Popen(
        [sys.executable, "-m", "netclaims.repro", *targets], cwd=clone, env=environment, stdout=subprocess.DEVNULL
    )

    def watch() -> None:
        while not done.wait(2):  # more often takes a tenth of a core
            total = 0
            for process in [running, *running.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:  # it has ended meanwhile
                    continue
            peak[0] = max(peak[0], total)

    watching = Thread(target=watch)
    watching.start()
    status = running.wait()
    done.set()
    watching.join()
    if status:
        sys.exit(f"the pipeline ended with status {status}")
    return perf_counter() - begun, _processor() - before, peak[0]


def _start_up(clone: Path, stage: str) -> float:
    """Return the median seconds of a core of a script that ends after its imports, saying what arguments it takes."""
    spent = []
    for _ in range(5):
        before = _processor()
        words = [sys.executable, f"stages/{stage}.py", *["too many"] * 9]
        subprocess.run(words, cwd=clone, capture_output=True, check=False)  # noqa: S603 (a list, no shell)
        spent.append(_processor() - before)
    return median(spent)


def _reasoned(clone: Path, spent: Spent, start_up: dict[str, float], between: float) -> str:
    """Return how long the stages that ran take on other numbers of cores, in Markdown, by `many_cores.makespan`."""
    with Repo(str(clone)) as repo:
        needs = {stage.name: [one.name for one in found] for stage, found in planned(repo, []).items()}
    stages = {
        f"{kind}@{key}" if key else kind: split(kind, key, seconds, min(start_up[kind], seconds), clone / "recipes")
        for kind, of_keys in spent.items()
        for key, seconds in of_keys.items()
    }
    needs = {name: [some for some in needed if some in stages] for name, needed in needs.items() if name in stages}
    with chdir(clone):  # recipes lie there
        nominal = nominal_seconds(f"train@{key}" for key in spent["train"])
    shares = {name: stages[name].seconds / seconds for name, seconds in nominal.items()}
    longest = max(shares, key=shares.get)
    one = makespan(needs, stages, 1, 1, between)
    lines = [
        "",
        f"Trainings took from {min(shares.values()):.1f} to {shares[longest]:.1f} times their nominal seconds (the "
        f"scale's bound, and {SECONDS['train']} for their start): {longest} took the most.",
        "",
        "## Other numbers of cores: reasoned, not measured",
        "",
        "From what each stage took here: its start on one core, then its jobs, each on a core, the longest first (the "
        "runs of a training by their nominal seconds, analyses evenly over their nets), and DVC's part, one stage "
        "after another. `dvc repro` runs one stage at a time, `make repro` several.",
        "",
        "| cores | `dvc repro` | faster than one core | `make repro` | faster than one core |",
        "|---|---|---|---|---|",
    ]
    for cores in (1, 2, 4, 8, 16):
        serial = makespan(needs, stages, cores, 1, between)
        beside = makespan(needs, stages, cores, cores // 2 + SPARE, between)
        lines.append(f"| {cores} | {serial:.0f} s | {one / serial:.1f}× | {beside:.0f} s | {one / beside:.1f}× |")
    return "\n".join([*lines, ""])


def render(
    wall: float, busy: float, memory: int, seconds: Spent, start_up: dict[str, float], idle: float, other: int
) -> str:
    """Return the table, in Markdown.

    Args:
        wall: seconds of the whole run.
        busy: seconds of a processor that it took.
        memory: the most that all of its processes took together, in bytes.
        seconds: of a processor, of every run of a script, by the kind of its stage and its key.
        start_up: likewise of a script that does nothing after its imports, by the kind of its stage.
        idle: seconds of a run that has nothing to do.
        other: files in Git that the run left with other bytes.
    """
    lines = ["| stages | number | seconds in all | of these start-up | work |", "|---|---|---|---|---|"]
    work: dict[str, float] = defaultdict(float)
    started = 0.0
    for stage, of_keys in seconds.items():
        spent = of_keys.values()
        begins = start_up[stage] * len(spent)
        started += begins
        work[KINDS.get(stage, "settings, figures and pages")] += sum(spent) - begins
        lines.append(
            f"| {stage} | {len(spent)} | {sum(spent):.0f} | {begins:.0f} ({start_up[stage]:.1f} each) "
            f"| {sum(spent) - begins:.0f} |"
        )
    stages, cores = sum(map(len, seconds.values())), cpu_count()
    between = busy - sum(sum(of_keys.values()) for of_keys in seconds.values())
    parts = {**work, "start-up of the scripts": started, "DVC": between, "cores that wait": wall * cores - busy}
    shares = [f"| {name} | {spent:.0f} s | {spent / (wall * cores):.0%} |" for name, spent in parts.items()]
    return "\n".join([
        "# A cold `make repro`",
        "",
        f"{stages} stages, {wall:.0f} s on {cores} cores; at the most {memory / 1e9:.1f} GB of memory, of all "
        f"processes together. A further run, which has nothing to do, takes {idle:.1f} s. Of the results in Git "
        f"{other} files came out otherwise. Seconds below are a core's.",
        "",
        "| what | time | share |",
        "|---|---|---|",
        *shares,
        "",
        *lines,
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
