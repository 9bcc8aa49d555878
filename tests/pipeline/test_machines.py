"""A training, what follows from it, and figures have the same bytes under any of many circumstances of a machine.

Every night, in copies of a repository with report d alone at the smoke scale. What else may differ, such as the locale,
is in `test_determinism`.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import md5
from pathlib import Path

import pytest

from tests.pipeline.conftest import Clone

SCRIPTS = [("train", "d-simulate"), ("fit", "d-simulate"), ("gradient", "d-gradient-norm"), ("figures", "d")]
WRITTEN = ["runs", "metrics/d", "plots/d", "plots/figures/d"]


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def small_files() -> None:
    os.umask(0o077)


def one_core() -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def no_input() -> None:
    os.close(0)


ENVIRONMENTS = {
    "many threads": {"OMP_NUM_THREADS": "64", "MKL_NUM_THREADS": "64", "OPENBLAS_NUM_THREADS": "64"},
    "threads bound to a core": {"OMP_PROC_BIND": "close"},
    "no GPU": {"CUDA_VISIBLE_DEVICES": ""},
    "hash seed": {"PYTHONHASHSEED": "4711"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "a window for figures": {"MPLBACKEND": "TkAgg", "MPLCONFIGDIR": "/proc/none"},  # where nobody can write
    "without assertions": {"PYTHONOPTIMIZE": "2"},
    "safe path": {"PYTHONSAFEPATH": "1"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "a home that is not there": {"HOME": "/nonexistent/home"},
}
LIMITS = {"few files": few_files, "private files": small_files, "one core": one_core, "no input": no_input}
LINKS = ["hardlink", "symlink", "reflink,copy"]  # a file system without reflinks has copies


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make no cases but at night."""
    every = metafunc.config.getoption("--every-stage")
    for name, cases in {"variables": ENVIRONMENTS, "limit": LIMITS, "link": LINKS}.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, list(cases) if every else [])


@pytest.fixture(scope="module")
def ran(report_d: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository after a run of all that figures need."""
    found = report_d.copy(tmp_path_factory.mktemp("ran"))
    result = found.repro("figures@d")
    assert result.returncode == 0, result.stderr
    return found


@pytest.fixture
def copy(ran: Clone, tmp_path: Path) -> Clone:
    """A copy of it, in which what the scripts write is still there."""
    return ran.copy(tmp_path / "copy")


def digests(folder: Path, names: list[str]) -> dict[str, str]:
    """The digest of each file in these folders, by its path."""
    paths = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in paths}


def remove_outputs(clone: Clone) -> None:
    shutil.rmtree(clone.folder / "runs/d-simulate")
    shutil.rmtree(clone.folder / "plots/figures/d")
    for path in ("runs/d-simulate.fit.csv", "metrics/d/d-simulate.json", "metrics/d/d-gradient-norm.gradient.json"):
        (clone.folder / path).unlink()


def run_again(
    clone: Clone, variables: dict[str, str], limit: Callable[[], None] | None = None, within: Sequence[str] = ()
) -> None:
    """Run the scripts anew, each by the command `within`, and see that `make repro` finds nothing to do."""
    remove_outputs(clone)
    for words in [*([f"stages/{name}.py", key] for name, key in SCRIPTS), ["-m", "netclaims.repro", "figures@d"]]:
        result = subprocess.run(  # noqa: S603 (words of this module)
            [*within, sys.executable, *words], cwd=clone.folder, preexec_fn=limit,
            env=clone._environment() | variables, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
    assert "all as it should be" in result.stdout


def test_with_other_variables(ran, copy, variables):
    run_again(copy, ENVIRONMENTS[variables])
    assert digests(copy.folder, WRITTEN) == digests(ran.folder, WRITTEN)


def test_with_less_of_the_machine(ran, copy, limit):
    run_again(copy, {}, LIMITS[limit])
    assert digests(copy.folder, WRITTEN) == digests(ran.folder, WRITTEN)


def test_with_little_shared_memory(request, tmp_path):
    """In namespaces in which a folder of 1 MB is mounted over `/dev/shm`."""
    if not request.config.getoption("--every-stage"):
        pytest.skip("every night")
    within = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"', "--"]
    if subprocess.run([*within, "true"], capture_output=True).returncode:  # noqa: S603 (words of this module)
        pytest.skip("this machine gives no namespaces to its users")
    ran = request.getfixturevalue("ran")
    copy = ran.copy(tmp_path / "copy")
    run_again(copy, {}, within=within)
    assert digests(copy.folder, WRITTEN) == digests(ran.folder, WRITTEN)


def test_with_links_into_the_cache(ran, copy, link):
    """By hand, over what came out of the cache: no file of that is written, not even with the same bytes."""
    copy.dvc("config", "--local", "cache.type", link)
    relinked = copy.dvc("checkout", "--relink", "--force", "train@d-simulate", "fit@d-simulate")
    assert relinked.returncode == 0, relinked.stderr
    table = copy.folder / "runs/d-simulate.fit.csv"
    assert (table.is_symlink() or table.stat().st_nlink > 1) == (link in ("hardlink", "symlink"))
    files = [path for path in (copy.folder / ".dvc/cache/files").rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert before
    for name, key in SCRIPTS:
        result = copy.script(name, key)
        assert result.returncode == 0, result.stderr
    assert digests(copy.folder, WRITTEN) == digests(ran.folder, WRITTEN)
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert not table.is_symlink()
    assert table.stat().st_nlink == 1


def test_two_clones_on_one_cache(request, tmp_path):
    """Which is elsewhere, and new; at the same time."""
    if not request.config.getoption("--every-stage"):
        pytest.skip("every night")
    ran = request.getfixturevalue("ran")
    clones = [ran.copy(tmp_path / name) for name in ("one", "other")]
    for clone in clones:
        clone.dvc("config", "--local", "cache.dir", str(tmp_path / "cache"))
        remove_outputs(clone)
    words = ["fit@d-simulate", "gradient@d-gradient-norm"]
    runs = [clone.start("netclaims.repro", *words, log=clone.folder / "log") for clone in clones]
    assert [run.wait() for run in runs] == [0, 0]
    names = ["runs", "metrics/d", "plots/d"]
    for clone in clones:
        assert digests(clone.folder, names) == digests(ran.folder, names)
