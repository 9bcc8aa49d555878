"""Repositories with a branch that changes results: a copy of this one, and a small one whose lock is made up."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from netclaims.review import staleness
from netclaims.review.changes import Changes, find_changes
from tests import forks

ROOT = Path(__file__).parents[2]

UNSHIFTED = {  # metrics that differ by no number of standard deviations
    "before": {
        "equal": {"mean": 1.0, "sd": 0.0},
        "single": {"mean": 1.0},
        "unknown": {"mean": 1.0, "sd": None},
        "diverged": {"mean": 1.0, "sd": 0.5},
        "did": {"mean": None, "sd": 0.5},
        "other": {"loss": 1.0, "sd": 0.5},
    },
    "after": {
        "equal": {"mean": 2.0, "sd": 0.0},
        "single": {"mean": 2.0},
        "unknown": {"mean": 2.0, "sd": None},
        "diverged": {"mean": None, "sd": 0.5},
        "did": {"mean": 2.0, "sd": 0.5},
        "other": {"loss": 2.0, "sd": 0.5},
    },
}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, encoding="utf-8")  # noqa: S603, S607 (Git, on what the test wrote)
    return done.stdout


class Repository:
    """A folder with a Git history, to be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        return git(self.folder, *words)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def write(self, texts: dict[str, str]) -> None:
        for name, text in texts.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands exactly once in a file."""
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write({name: text.replace(old, new)})

    def commit(self, message: str) -> str:
        """Commit everything; its hash."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD").strip()

    @contextlib.contextmanager
    def json(self, name: str):
        """The content of a file of metrics, to be changed."""
        content = json.loads(self.read(name))
        yield content
        self.write({name: json.dumps(content)})

    def changes(self, base: str = "main") -> Changes:
        with contextlib.chdir(self.folder):
            return find_changes(base)


def recipe(settings: dict, code: dict | None = None, libraries: dict | None = None) -> str:
    """The text of a recipe."""
    content = {"settings": settings, "code": {"netclaims.training.loop": "1"} if code is None else code}
    return json.dumps(content | {"libraries": {"torch": "2.9.0"} if libraries is None else libraries}, indent=1) + "\n"


def rows(*verdicts: tuple[str, str]) -> str:
    """A table of claims, each with its verdict, of which a supported one has an effect."""
    head = "claim,experiment,quote,unit,effect,low,high,replicas,test,p_holm,replicas_needed,verdict\n"
    effect = {"supported": "rho,0.85,0.7,0.95,10,t-test,0.002,"}
    return head + "".join(
        f'{claim},x,"it says, {claim}",{effect.get(verdict, ",,,,,,,")},{verdict}\n' for claim, verdict in verdicts
    )


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Repository]:
    """A copy of this repository as it stands, without a commit: what Git holds, no data, runs or cache."""

    def make() -> Repository:
        repository = Repository(tmp_path_factory.mktemp("copy"))
        for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
            if (ROOT / name).is_file():
                (repository.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (repository.folder / name).write_bytes((ROOT / name).read_bytes())
        return repository

    return make


@pytest.fixture(scope="session")
def branch(copy: Callable[[], Repository]) -> Repository:
    """The copy, on a branch where a batch size changed, and with it what follows. Not to be changed.

    So that the tests know what was before, `main` begins with some results of their own.
    """
    repository = copy()
    capacity = "plots/figures/d/d-capacity"
    before = {"mean": 1.0, "sd": 0.5}
    with repository.json("metrics/d/d-capacity.json") as metrics:
        metrics["models"]["M1"] |= {"train_loss": before, "test_loss": before, "train_accuracy": before}
        metrics |= {"data": "MNIST", "unshifted": UNSHIFTED["before"]}
    claims = ["kept", "supported"], ["gone", "refuted"], ["sides", "supported"], ["decided", "undecided"]
    untestable = ["untestable", "refuted"]
    repository.write({"plots/claims.csv": rows(*claims, untestable)})
    repository.git("add", "-A")
    repository.git("rm", "-q", "--cached", "plots/d/d-capacity/gap.csv")
    repository.git("commit", "-qm", "Before <b>")
    repository.git("checkout", "-qb", "branch")

    repository.edit("params.yaml", "\nbatch_size: 64 ", "\nbatch_size: 1024 ")
    entry = repository.read("reports/d.yaml").partition("\n  d-capacity:\n")[2].partition("\n\n")[0]
    repository.edit("reports/d.yaml", entry, entry.replace("epochs: 5", "epochs: 2"))
    with repository.json("metrics/d/d-capacity.json") as metrics:
        metrics["models"]["M1"]["train_loss"] = {"mean": 1.05, "sd": 0.1}
        metrics["models"]["M1"]["test_loss"] = {"mean": 0.0, "sd": 0.5}
        metrics |= {"data": "MNIST, all of it", "unshifted": UNSHIFTED["after"]}
    new, changed = ["new", "supported"], {"sides": "refuted", "decided": "supported", "untestable": "not testable"}
    claims = [[claim, changed.get(claim, verdict)] for claim, verdict in (claims[0], untestable, *claims[2:], new)]
    repository.write({"plots/claims.csv": rows(*claims)})
    repository.edit("plots/d/d-capacity/final.csv", "\nM1,M1,52650,train,", "\nM1,M one,52650,train,")
    repository.write({f"{capacity}/loss.svg": repository.read(f"{capacity}/loss.svg") + "<!-- another -->"})
    repository.git("mv", f"{capacity}/gap.svg", f"{capacity}/renamed.svg")
    repository.git("rm", "-q", "plots/d/d-capacity/curves.csv")
    repository.commit("A change")
    left = repository.git("rev-parse", "main").strip()

    repository.git("checkout", "-q", "main")  # and goes on: nothing of that is the branch's doing
    repository.edit("params.yaml", "\nseed: 0 ", "\nseed: 1 ")
    repository.git("rm", "-q", f"{capacity}/accuracy.svg")
    repository.write({"plots/figures/z.svg": "<svg/>", "plots/claims.csv": rows(["kept", "refuted"])})
    repository.git("add", "plots", "params.yaml")
    repository.git("commit", "-qm", "After")
    repository.git("checkout", "-q", "branch")

    with repository.json("metrics/d/d-capacity.json") as metrics:  # and this is not committed
        metrics["models"]["M1"]["train_accuracy"] = {"mean": 1.5, "sd": 0.5}
    repository.write({"plots/figures/d/untracked.svg": "<svg/>"})
    assert repository.git("merge-base", "main", "HEAD").strip() == left
    return repository


@pytest.fixture(scope="session")
def changes(branch: Repository) -> Changes:
    """What that branch changes."""
    return branch.changes()


PIPELINE = """
stages:
  recipes:
    cmd: python recipes.py
    deps: [params.yaml, train.py]
    outs: [recipes: {cache: false, persist: true}]
  train:
    cmd: python train.py
    deps: [recipes/train.json]
    outs: [runs]
    metrics: [metrics/x.json: {cache: false}]
  figures:
    cmd: python figures.py
    deps: [metrics/x.json]
    plots: [plots/figures: {cache: false}]
"""
LOCK = {
    "recipes": {
        "cmd": "python recipes.py",
        "deps": [{"path": path, "hash": "md5", "md5": "1" * 32} for path in ("params.yaml", "train.py")],
        "outs": [{"path": "recipes", "hash": "md5", "md5": "2" * 32 + ".dir"}],
    },
    "train": {
        "cmd": "python train.py",
        "deps": [{"path": "recipes/train.json", "hash": "md5", "md5": "1" * 32}],
        "outs": [{"path": path, "hash": "md5", "md5": "2" * 32} for path in ("metrics/x.json", "runs")],
    },
    "figures": {
        "cmd": "python figures.py",
        "deps": [{"path": "metrics/x.json", "hash": "md5", "md5": "2" * 32}],
        "outs": [{"path": "plots/figures", "hash": "md5", "md5": "3" * 32 + ".dir"}],
    },
}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository of three stages with one commit, on a branch, as the current folder."""
    monkeypatch.setattr(staleness, "all_recipes", lambda: {Path("recipes/train.json"): recipe({"nets": [{"seed": 1}]})})
    monkeypatch.setattr(sys, "executable", str(forks.folder() / "python"))
    repository = Repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    Repo.init().close()
    repository.write({"dvc.yaml": PIPELINE, "dvc.lock": json.dumps({"schema": "2.0", "stages": LOCK})})
    repository.write({"params.yaml": "seed: 1\n", "train.py": "1\n", "plots/claims.csv": rows(("one", "supported"))})
    repository.write({"recipes/train.json": recipe({"nets": [{"seed": 1}]})})
    repository.write({"metrics/x.json": '{"mean": 1.0, "sd": 0.5}', "plots/figures/x.svg": "<svg/>"})
    repository.commit("first")
    repository.git("checkout", "-qb", "branch")
    return repository
