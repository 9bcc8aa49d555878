"""The commit that a working tree is reviewed against, and what differs from it, as Git has it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


class ReviewError(Exception):
    """There is nothing to compare with; one line says why."""


@dataclass(frozen=True)
class Base:
    """The commit that the working tree is compared with."""

    commit: str
    subject: str

    def read(self, path: Path) -> str | None:
        """The content of a file there; None if there is no such file."""
        return run("git", "show", f"{self.commit}:{path.as_posix()}", missing=True)

    def changed(self, *paths: Path) -> list[Path]:
        """The files in some folders that are new, gone or different in the working tree, by name."""
        return [file for file in self._changed if any(file.is_relative_to(path) for path in paths)]

    @cached_property
    def _changed(self) -> list[Path]:
        differ = run("git", "diff", "--name-only", "--no-renames", "-z", self.commit)
        new = run("git", "ls-files", "--others", "--exclude-standard", "-z")
        return sorted({Path(name) for name in (differ + new).split("\0") if name})


def find_base(name: str) -> Base:
    """Where the branch that is checked out left another one, or any other commit.

    Raises:
        ReviewError: no such commit, none in common, or not a Git repository.
    """
    if run("git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", missing=True) is None:
        raise ReviewError(f"BASE: a branch, tag or commit of this repository (found {name!r})")
    commit = run("git", "merge-base", "--end-of-options", name, "HEAD", missing=True)
    if commit is None:
        raise ReviewError(f"BASE: a commit with which HEAD has one in common (found {name!r})")
    subject = run("git", "show", "--no-patch", "--format=%s", commit.strip())
    return Base(commit.strip(), subject.strip())


def read_now(path: Path) -> str | None:
    """The content of a file in the working tree; None if there is no such file."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def run(*words: str, missing: bool = False) -> Any:
    """What a command prints; None if it fails and that only means that something is `missing`.

    Raises:
        ReviewError: it fails.
    """
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 (a list, no shell)
    if done.returncode and missing:
        return None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise ReviewError(f"{' '.join(words[:3])}: {said[-1]}")
    return done.stdout
