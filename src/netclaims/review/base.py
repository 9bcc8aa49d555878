"""The commit that a working tree is reviewed against, and what differs from it, as Git has it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from netclaims.paths import METRICS, PLOTS, RECIPES

LOCK = Path("dvc.lock")
RESULTS = (LOCK, METRICS, PLOTS, RECIPES)


class ReviewError(Exception):
    """There is nothing to compare with; one line says why."""


@dataclass(frozen=True)
class Base:
    """The commit that the working tree is compared with."""

    commit: str
    subject: str

    def read(self, path: Path) -> str | None:
        """Return the content of a file of results there; None if there is no such file."""
        return self._texts.get(path) if path in self._changed else read_now(path)

    def files(self, folder: Path) -> set[Path]:
        """Return all files there that lie in a folder."""
        listed = run("git", "ls-tree", "-r", "-z", "--name-only", self.commit, "--", f"{folder.as_posix()}/")
        return {Path(name) for name in listed.split("\0") if name}

    def changed(self, *paths: Path) -> list[Path]:
        """Return the files in some folders that are new, gone or different in the working tree, by name."""
        return [file for file in self._changed if any(file.is_relative_to(path) for path in paths)]

    @cached_property
    def _changed(self) -> dict[Path, None]:
        differ = run("git", "diff", "--name-only", "--no-renames", "-z", self.commit)
        new = run("git", "ls-files", "--others", "--exclude-standard", "-z")
        return dict.fromkeys(sorted({Path(name) for name in (differ + new).split("\0") if name}))

    @cached_property
    def _texts(self) -> dict[Path, str]:
        """The files of results there that differ, read by one process, as hundreds of processes take long."""
        listed = run("git", "ls-tree", "-r", "-z", self.commit, "--", *map(str, RESULTS)).split("\0")
        blobs = {Path(name): kind.split()[2] for kind, _, name in (line.partition("\t") for line in listed) if name}
        wanted = {path: blobs[path] for path in self._changed if path in blobs}
        said = BytesIO(_run("git", "cat-file", "--batch", given="".join(f"{blob}\n" for blob in wanted.values())))
        texts = {}
        for path in wanted:
            size = int(said.readline().split()[2])
            texts[path] = said.read(size + 1)[:-1].decode(errors="replace")
        return texts


@dataclass(frozen=True)
class Change:
    """A parameter or a metric that has another value; `shift` is that of a mean, in standard deviations at the base."""

    file: str
    name: str
    before: Any
    after: Any
    shift: float | None = None


def find_base(name: str) -> Base:
    """Find where the branch that is checked out left another one, or any other commit.

    Raises:
        ReviewError: no such commit, none in common, or Git fails.
    """
    if run("git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", missing=True) is None:
        raise ReviewError(f"BASE: a branch, tag or commit of this repository (found {name!r})")
    commit = run("git", "merge-base", "--end-of-options", name, "HEAD", missing=True)
    if commit is None:
        raise ReviewError(f"BASE: a commit with which HEAD has one in common (found {name!r})")
    subject = run("git", "show", "--no-patch", "--format=%s", commit.strip())
    return Base(commit.strip(), subject.strip())


def read_committed(path: Path, revision: str) -> str | None:
    """Return the content of a file in a commit, or in the index: ""; None if there is no such file or commit.

    Raises:
        ReviewError: Git fails.
    """
    name = f"{revision}:./{path.as_posix()}"
    blob = run("git", "rev-parse", "--verify", "--quiet", "--end-of-options", name, missing=True)
    return None if blob is None else run("git", "cat-file", "blob", blob.strip())


def read_now(path: Path) -> str | None:
    """Return the content of a file in the working tree; None if there is no such file."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def run(*words: str, missing: bool = False) -> Any:
    """Return what a command prints.

    Args:
        *words: the command.
        missing: whether status 1 says that something is not there, as it does of `git rev-parse --verify --quiet` and
            `git merge-base`; then None is returned. Where Git refuses (no repository, another owner's) it is 128.

    Raises:
        ReviewError: it fails; in one line all that it says, with which Git also tells what to do.
    """
    said = _run(*words, missing=missing)
    return None if said is None else said.decode()


def _run(*words: str, missing: bool = False, given: str = "") -> Any:
    """Return the bytes that a command prints, of what it is `given`; see `run`."""
    try:
        done = subprocess.run(words, capture_output=True, input=given.encode(), check=False)  # noqa: S603 (a list, no shell)
    except OSError as error:
        raise ReviewError(f"{words[0]}: {error.strerror}") from error
    if done.returncode == 1 and missing:
        return None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split()) or f"status {done.returncode}"
        raise ReviewError(f"{' '.join(words[:3])}: {said}")
    return done.stdout
