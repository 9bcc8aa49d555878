"""A copy of the repository to run the pipeline in, so that the tests leave the one that they stand in alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline.facts import ALL, REPORTS, ROOT

EPOCHS = 150  # of the long training, in each of its four runs: together some seconds


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
        listed = self._run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT).stdout
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
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder / "src"), "DVC_NO_ANALYTICS": "1"}

    def _run(self, words: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(words, cwd=cwd or self.folder, env=self._environment(), capture_output=True, text=True)  # noqa: S603 (a list, no shell)

    def script(self, name: str, *words: str) -> subprocess.CompletedProcess:
        """A script of `stages/`, started by hand."""
        return self._run([sys.executable, f"stages/{name}.py", *words])

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        return self._run(["git", *who, *words]).stdout

    def dvc(self, *words: str) -> subprocess.CompletedProcess:
        return self._run([sys.executable, "-m", "dvc", *words])

    def repro(self, *stages: str) -> subprocess.CompletedProcess:
        """What `make repro` runs: stages beside each other."""
        return self._run([sys.executable, "-m", "netclaims.repro", *stages])

    def start(self, module: str, *words: str, log: Path) -> subprocess.Popen:
        """Either without waiting for its end, in a session of its own, with all that it says in a file."""
        with log.open("w", encoding="utf-8") as file:
            return subprocess.Popen(  # noqa: S603 (words of this module)
                [sys.executable, "-m", module, *words],
                cwd=self.folder, env=self._environment(), stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def recover(self) -> list[str]:
        """What `make repro` does first, by itself."""
        result = self._run([sys.executable, "-m", "netclaims.recover"])
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    def in_step(self) -> subprocess.CompletedProcess:
        return self._run([sys.executable, "-m", "netclaims.review.staleness"])

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

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands exactly once in a file."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def restore(self) -> None:
        """Put every tracked file back as it was committed."""
        self.git("checkout", "-q", "--", ".")


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository as it stands, without results or cache beyond those in Git."""
    return Clone.of_the_working_tree(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository after a run of the whole pipeline at the smoke scale, committed: what takes minutes."""
    clone = Clone.of_the_working_tree(tmp_path_factory.mktemp("smoke"))
    clone.edit("params.yaml", "scale: quick", "scale: smoke")
    result = clone.repro()
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(ran_beside(result)) == ALL - {"docs"}  # which says nothing of the scale
    clone.git("add", "-A")
    clone.git("commit", "-qm", "smoke")
    return clone


@pytest.fixture(scope="module")
def report_d(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository of report d alone, at the smoke scale, in which nothing has run."""
    clone = Clone.of_the_working_tree(tmp_path_factory.mktemp("report"))
    others = [report for report in REPORTS if report != "d"]
    for report in others:  # DVC needs a fraction of the time without them
        clone.git(
            "rm",
            "-rq",
            f"reports/{report}.yaml",
            *(f"{name}/{report}" for name in ("metrics", "plots", "plots/figures")),
        )
    everything = ", ".join(f"reports/{report}.yaml" for report in REPORTS)
    for name in ("vars: [", "params: [params.yaml, "):
        clone.edit("dvc.yaml", f"{name}{everything}]", f"{name}reports/d.yaml]")
    clone.edit("dvc.yaml", "".join(f"metrics/{report}, " for report in REPORTS), "metrics/d, ")
    clone.edit("dvc.yaml", f"foreach: [{', '.join(REPORTS)}]", "foreach: [d]")
    lock = clone.folder / "dvc.lock"
    content = yaml.load(lock.read_text(encoding="utf-8"), yaml.CSafeLoader)
    other = re.compile(rf"\w+@[{''.join(others)}](-.*)?")
    content["stages"] = {name: entry for name, entry in content["stages"].items() if not other.fullmatch(name)}
    lock.write_text(yaml.dump(content, sort_keys=False), encoding="utf-8")
    clone.edit("params.yaml", "scale: quick", "scale: smoke")
    clone.edit("params.yaml", "train_seconds: 0.1", "train_seconds: 1")
    clone.edit("src/netclaims/training/checkpoint.py", "SECONDS, SHARE = 5.0,", "SECONDS, SHARE = 0.2,")
    clone.git("commit", "-qam", "one report")
    return clone


@pytest.fixture(scope="module")
def long_training(report_d: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The same, and the training `d-gradient-norm` takes some seconds."""
    clone = report_d.copy(tmp_path_factory.mktemp("long"))
    clone.edit("params.yaml", "train_seconds: 1\n", "train_seconds: 1.0e+9\n")
    clone.edit("params.yaml", "max_replicas: 2", "max_replicas: 4")
    recorded = "    record:\n      gradient_norm: step\n"
    clone.edit("reports/d.yaml", f"    epochs: 5\n{recorded}", f"    epochs: {EPOCHS}\n{recorded}")
    clone.git("commit", "-qam", "a long training")
    return clone
