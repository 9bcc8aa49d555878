"""Run what has to run at the paper scale, in a folder of its own: `python -m netclaims.paper [EXPERIMENT …]`.

`make paper` calls it. The folder is a worktree of the commit that is checked out, so that what is edited meanwhile does
not reach what runs there; DVC's cache is that of this one.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from dvc.config import Config
from dvc.exceptions import DvcException
from dvc.repo import Repo

from netclaims.environment import settle
from netclaims.errors import SettingsError
from netclaims.paper.folder import BUSY, SETTINGS, fill
from netclaims.review.base import ReviewError, run

FOLDER = Path("paper")
HELD = Path(".dvc/tmp/paper.lock")


def main(words: list[str]) -> int:
    """Make the folder, or bring it to the commit that is checked out, and run there; return the status."""
    try:
        settle()
        hold(HELD)
        edited = check_out(FOLDER)
        fill(FOLDER)
    except (DvcException, ReviewError, SettingsError) as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing has begun\n")
        return 130
    commit = run("git", "rev-parse", "--short", "HEAD").strip()
    print(f"{FOLDER}: commit {commit}" + ", without what is not committed here" * edited, flush=True)  # noqa: T201
    path = os.pathsep.join(filter(None, [str((FOLDER / "src").resolve()), os.environ.get("PYTHONPATH")]))
    home = str(Path.cwd())
    os.chdir(FOLDER)
    os.execve(  # noqa: S606 (no shell)
        sys.executable, [sys.executable, "-m", "netclaims.paper.run", home, *words], os.environ | {"PYTHONPATH": path}
    )  # fmt: skip


def hold(path: Path) -> None:
    """Lock a file until this process, or the program that takes its place, is at its end.

    Before the folder is touched: a second run would put what is kept in the place of what the first one has written.

    Raises:
        ReviewError: another run holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ReviewError(BUSY) from None
    os.set_inheritable(held, True)


def check_out(folder: Path) -> bool:
    """Bring a worktree to the commit that is checked out here, with DVC's cache and remotes of this one.

    Returns:
        Whether there is anything in code and settings that is not committed.

    Raises:
        ReviewError: Git fails, or something else lies there.
        DvcException: DVC's own settings cannot be read.
    """
    run("git", "worktree", "prune")
    commit = run("git", "rev-parse", "HEAD").strip()
    if not folder.exists():
        run("git", "worktree", "add", "--detach", str(folder), commit)
    elif Path(run("git", "-C", str(folder), "rev-parse", "--show-toplevel").strip()) == folder.resolve():
        run("git", "-C", str(folder), "checkout", "--quiet", "--detach", "--force", commit)
    else:
        raise ReviewError(f"{folder}: something else lies there; move it away, as the paper scale runs in it")
    with Repo() as repo, Config(str(folder / ".dvc")).edit("local") as local:
        local["cache"] = {"dir": repo.cache.local_cache_dir}
        local["remote"] = dict(repo.config["remote"])
        local["core"] = {name: repo.config["core"][name] for name in ("remote",) if name in repo.config["core"]}
    return bool(run("git", "status", "--porcelain", "--", "src", "stages", "reports", "params.yaml", str(SETTINGS)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
