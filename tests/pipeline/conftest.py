"""A copy of the repository to run the pipeline in, so that the tests leave the one that they stand in alone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline.facts import ALL, ROOT


def ran(result: subprocess.CompletedProcess) -> list[str]:
    """The stages that DVC has run."""
    return re.findall(r"^Running stage '(.+)':$", result.stdout, re.MULTILINE)


class Clone:
    """A copy of the working tree, with a Git history and a DVC cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = self._run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "a copy")

    def _run(self, words: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
        return subprocess.run(words, cwd=cwd or self.folder, env=environment, capture_output=True, text=True)  # noqa: S603 (a list, no shell)

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        return self._run(["git", *who, *words]).stdout

    def dvc(self, *words: str) -> subprocess.CompletedProcess:
        return self._run([sys.executable, "-m", "dvc", *words])

    def in_step(self) -> subprocess.CompletedProcess:
        return self._run([sys.executable, "-m", "netclaims.review.in_step"])

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
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository after a run of the whole pipeline at the smoke scale, committed: what takes minutes."""
    clone = Clone(tmp_path_factory.mktemp("smoke"))
    clone.edit("params.yaml", "scale: quick", "scale: smoke")
    result = clone.dvc("repro")
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(ran(result)) == ALL - {"docs"}  # which says nothing of the scale
    clone.git("add", "-A")
    clone.git("commit", "-qm", "smoke")
    return clone
