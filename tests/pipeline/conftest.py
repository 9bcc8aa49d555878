"""A copy of the repository to run the pipeline in, so that the tests leave the one that they stand in alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest
import yaml

from netclaims import KERNELS
from tests.forks import forked, with_forks
from tests.pipeline.facts import ALL, KINDS, ONE_TRAINING, REPORTS, ROOT, SHORTENED, TWO, of_contents, of_reports

LONG, SHORT = 100, 20  # epochs of each of four runs
PAUSE = 0.06  # seconds that each of these epochs waits: the trainings are as long on any machine, and use little of it


def ran(result: subprocess.CompletedProcess) -> list[str]:
    """The stages that DVC has run."""
    return re.findall(r"^Running stage '(.+)':$", result.stdout, re.MULTILINE)


def ran_beside(result: subprocess.CompletedProcess) -> list[str]:
    """The stages that `make repro` has run."""
    return re.findall(r"^(\S+): .+ (?:s|min) \(\d+ of \d+\)$", result.stdout, re.MULTILINE)


class Clone:
    """A copy of the working tree, with a Git history and a DVC cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_the_working_tree(cls, folder: Path) -> Clone:
        self = cls(folder)
        listed = self.git("-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "a copy")
        return self

    def copy(self, folder: Path) -> Clone:
        """Another, with the same files, history and cache."""
        return Clone(Path(shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)))

    def _environment(self) -> dict[str, str]:
        """That of a set-up of this copy: its own package is what Python imports."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        inherited = {name: value for name, value in os.environ.items() if name not in KERNELS}  # scripts choose them
        own = {"PATH": path, "PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**inherited, **own, "DVC_NO_ANALYTICS": "1"}

    def _run(self, *words: str) -> subprocess.CompletedProcess:
        return forked([*words], self.folder, self._environment())

    def script(self, name: str, *words: str) -> subprocess.CompletedProcess:
        """A script of `stages/`, started by hand."""
        return self._run(f"stages/{name}.py", *words)

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        return subprocess.run(["git", *who, *words], cwd=self.folder, capture_output=True, text=True).stdout  # noqa: S603, S607 (Git, on what the test wrote)

    def dvc(self, *words: str) -> subprocess.CompletedProcess:
        return forked(["-m", "dvc", *words], self.folder, with_forks(self._environment()))

    def module(self, name: str, *words: str) -> subprocess.CompletedProcess:
        """A module that is a command."""
        return self._run("-m", name, *words)

    def repro(self, *stages: str) -> subprocess.CompletedProcess:
        """What `make repro` runs: stages beside each other."""
        return forked(["-m", "netclaims.repro", *stages], self.folder, with_forks(self._environment()))

    def paper(self, *experiments: str) -> subprocess.CompletedProcess:
        """What `make paper` runs."""
        return forked(["-m", "netclaims.paper", *experiments], self.folder, with_forks(self._environment()))

    def start(self, module: str, *words: str, log: Path) -> subprocess.Popen:
        """Either without waiting for its end, in a session of its own, with all that it says in a file."""
        with log.open("w", encoding="utf-8") as file:
            return subprocess.Popen(  # noqa: S603 (words of this module)
                [sys.executable, "-m", module, *words],
                cwd=self.folder, env=self._environment(), stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def recover(self) -> list[str]:
        """What `make repro` does first, by itself."""
        result = self.module("netclaims.recover")
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    def in_step(self) -> subprocess.CompletedProcess:
        return self.module("netclaims.review.staleness")

    def in_step_of(self, stages: list[str]) -> list[str]:
        """The same of some stages, a line for each that is not in step."""
        told = self.in_step()
        assert "Traceback" not in told.stderr
        return [line for line in told.stderr.splitlines() if line.partition(": ")[0] in stages]

    def stages_to_run(self) -> set[str]:
        """What `dvc status` says has changed."""
        result = self.dvc("status", "--json")
        assert result.returncode == 0, result.stderr
        return set(yaml.safe_load(result.stdout))

    def edit(self, name: str, old: str, new: str, times: int = 1) -> None:
        """Replace a text that stands exactly once in a file, or so many times."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == times, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def keep(self, reports: list[str]) -> None:
        """Take all other reports out of the pipeline, with their results: DVC then needs a fraction of the time."""
        others = [report for report in REPORTS if report not in reports]
        results = [f"{name}/{report}" for name in ("metrics", "plots", "plots/figures") for report in others]
        results += [f"{name}/{report}.{end}" for name, end in (("plots/claims", "csv"), ("metrics/stated", "json"))
                    for report in others]  # fmt: skip
        self.git("rm", "-rq", *(f"reports/{report}.yaml" for report in others), *results)
        files, kept = (", ".join(f"reports/{report}.yaml" for report in names) for names in (REPORTS, reports))
        for name in ("vars: [", "params: [params.yaml, "):
            self.edit("dvc.yaml", f"{name}{files}]", f"{name}{kept}]")
        self.edit("dvc.yaml", f"foreach: [{', '.join(REPORTS)}]", f"foreach: [{', '.join(reports)}]", times=2)
        lock = self.folder / "dvc.lock"
        content = yaml.load(lock.read_text(encoding="utf-8"), yaml.CSafeLoader)
        there = of_reports(content["stages"], reports)
        content["stages"] = {name: entry for name, entry in content["stages"].items() if name in there}
        lock.write_text(yaml.dump(content, sort_keys=False), encoding="utf-8")

    def shorten(self, contents: dict[str, dict]) -> None:
        """Give reports less content, take out the results of the rest, and most of what Lanczos' method does."""
        nowhere = {kind: {} for kind in KINDS if not any(kind in content for content in contents.values())}
        for report, content in contents.items():
            path = self.folder / "reports" / f"{report}.yaml"
            text = path.read_text(encoding="utf-8")
            if content != REPORTS[report]:
                text = yaml.dump(
                    content | nowhere, Dumper=yaml.CSafeDumper, sort_keys=False, default_flow_style=None, width=1000
                )
            text = text.replace("iterations: 15, starts: 3, probes: 20", "iterations: 4, starts: 2, probes: 2")
            path.write_text(text, encoding="utf-8")
        left_out = {key for report, content in contents.items()
                    for key in REPORTS[report]["figures"].keys() - content["figures"].keys()}  # fmt: skip
        listed = self.git("ls-files", "metrics", "plots").split()
        self.git(
            "rm", "-q", *(name for name in listed if left_out & {Path(name).stem.partition(".")[0], *Path(name).parts})
        )

    def restore(self) -> None:
        """Put every tracked file back as it was committed."""
        self.git("checkout", "-q", "--", ".")


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository as it stands, without results or cache beyond those in Git: what others are copies of."""
    found = Clone.of_the_working_tree(tmp_path_factory.mktemp("tree"))
    # Once for all copies; by digests, as an edit may leave a module as long as it was, and in the same second.
    compile_dir(found.folder / "src", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return found


@pytest.fixture(scope="session")
def clone(tree: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same, to be edited and restored."""
    return tree.copy(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def contents(request: pytest.FixtureRequest) -> dict[str, dict]:
    """The reports of a pipeline that is run as a whole, and what they say."""
    return REPORTS if request.config.getoption("--every-report") else SHORTENED


@pytest.fixture(scope="session")
def fresh(tree: Clone, contents: dict[str, dict], tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository of these reports at the smoke scale, in which nothing has run."""
    found = tree.copy(tmp_path_factory.mktemp("fresh"))
    found.edit("params.yaml", "scale: quick", "scale: smoke")
    if contents is SHORTENED:
        found.keep(TWO)
        found.shorten(SHORTENED)
    found.git("commit", "-qam", "smoke")
    return found


@pytest.fixture(scope="session")
def smoke(fresh: Clone, contents: dict[str, dict], tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same after a run of the whole pipeline, committed: what takes minutes."""
    found = fresh.copy(tmp_path_factory.mktemp("smoke"))
    result = found.repro()
    assert result.returncode == 0, result.stdout + result.stderr
    unchanged = set() if contents is SHORTENED else {"docs"}  # which say nothing of the scale
    assert set(ran_beside(result)) == of_contents(ALL, contents) - unchanged
    found.git("add", "-A")
    found.git("commit", "-qm", "results")
    return found


def report_alone(tree: Clone, folder: Path) -> Clone:
    """A copy with report d alone, at the smoke scale, in which nothing has run."""
    found = tree.copy(folder)
    found.keep(["d"])
    found.edit("params.yaml", "scale: quick", "scale: smoke")
    found.edit("params.yaml", "train_seconds: 0.1", "train_seconds: 1")
    found.edit("src/netclaims/training/checkpoint.py", "SECONDS, SHARE = 5.0,", "SECONDS, SHARE = 0.2,")
    found.git("commit", "-qam", "one report")
    return found


@pytest.fixture(scope="session")
def report_d(tree: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository of report d, for what runs every night."""
    return report_alone(tree, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def one_training(tree: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same with one training and one analysis, of the gradient: every command of DVC takes half the time."""
    found = report_alone(tree, tmp_path_factory.mktemp("one"))
    found.shorten(ONE_TRAINING)
    found.git("commit", "-qam", "one training")
    return found


def with_epochs(one_training: Clone, epochs: int, folder: Path) -> Clone:
    """A copy in which the training `d-gradient-norm` has so many epochs, with a pause after each, and four runs."""
    found = one_training.copy(folder)
    found.edit("params.yaml", "train_seconds: 1\n", "train_seconds: 1.0e+9\n")
    found.edit("params.yaml", "max_replicas: 2\n", "max_replicas: 4\n")
    found.edit("reports/d.yaml", "    epochs: 5\n", f"    epochs: {epochs}\n")
    checkpoint, asked = "src/netclaims/training/checkpoint.py", "        return monotonic() >= self._next\n"
    found.edit(checkpoint, asked, f"        sleep({PAUSE})\n{asked}")
    found.edit(checkpoint, "from time import monotonic\n", "from time import monotonic, sleep\n")
    found.git("commit", "-qam", f"{epochs} epochs")
    return found


@pytest.fixture(scope="session")
def long_training(one_training: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository in which the training `d-gradient-norm` takes some seconds."""
    return with_epochs(one_training, LONG, tmp_path_factory.mktemp("long"))


@pytest.fixture(scope="session")
def short_training(one_training: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same with a shorter one, of several checkpoints."""
    return with_epochs(one_training, SHORT, tmp_path_factory.mktemp("short"))
