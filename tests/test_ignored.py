"""What editors and systems leave in a folder is no change of it, neither for DVC nor for Git; ends of lines neither."""

import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC's own code

ROOT = Path(__file__).parents[1]
PIPELINE = "stages: {count: {cmd: ls src > count, deps: [src], outs: [count: {cache: false}]}}\n"
LEFT = [
    ".loop.py.swp", "loop.py.swo", "loop.py~", ".#loop.py", "#loop.py#", "loop.py.orig", "loop.py.rej",
    ".idea/workspace.xml", ".vscode/settings.json", "._loop.py", ".DS_Store", "Thumbs.db", "desktop.ini",
    "__pycache__/loop.cpython-311.pyc",
]  # fmt: skip


def git(*words: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True)  # noqa: S603, S607 (Git, on what the test wrote)
    return done.stdout


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with what this one ignores, of a stage that has run and depends on a folder."""
    folder = tmp_path_factory.mktemp("settled")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        git("init", "-q")
        Repo.init().close()
        for name in (".dvcignore", ".gitignore", ".gitattributes"):
            shutil.copyfile(ROOT / name, name)
        for name in ("src/loop.py", "src/training/loop.py"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("1\n", encoding="utf-8")
        Path("dvc.yaml").write_text(PIPELINE, encoding="utf-8")
        with Repo() as repo:
            repo.reproduce()
        git("add", "-A")
        git("commit", "-qm", "settled")
    return folder


@pytest.fixture
def clone(settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(settled, tmp_path / "clone")
    monkeypatch.chdir(folder)
    return folder


def changed() -> dict:
    with Repo() as repo:
        return repo.status()


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("folder", ["src", "src/training"])
def test_what_is_left_in_a_folder_is_no_change(clone, folder, name):
    path = Path(folder, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("left", encoding="utf-8")
    assert changed() == {}
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["src/optimisers.py", "src/#loop.py", "src/swp", "src/training/loop.tmp"])
def test_anything_else_is(clone, name):
    Path(name).write_text("2\n", encoding="utf-8")
    assert changed() == {"count": [{"changed deps": {"src": "modified"}}]}
    assert name in git("status", "--porcelain").replace('"', "")


def test_a_checkout_has_the_same_bytes_whatever_ends_of_lines_git_is_told_to_give(clone, tmp_path):
    git("-c", "core.autocrlf=true", "clone", "-q", str(clone), str(tmp_path / "other"))
    git("-c", "core.autocrlf=true", "-C", str(tmp_path / "other"), "checkout", "-q", "HEAD", "--", ".")
    names = git("ls-files").split()
    assert "src/loop.py" in names
    assert [name for name in names if (tmp_path / "other" / name).read_bytes() != Path(name).read_bytes()] == []


def test_what_git_holds_here_has_such_ends_of_lines():
    listed = subprocess.run(["git", "ls-files", "--eol"], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S607 (Git)
    lines = [line.split() for line in listed.splitlines()]
    assert [line for line in lines if "i/crlf" in line or "i/mixed" in line] == []
