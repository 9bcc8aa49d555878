"""A training, what follows from it, and figures have the same bytes under any of many circumstances of a machine.

Every night, as each case runs them anew, in a copy of the repository with report d alone at the smoke scale. What else
may differ, such as the locale, is in `test_determinism`.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest

from tests.pipeline.conftest import Clone

STAGES = ["train@d-simulate", "fit@d-simulate", "gradient@d-gradient-norm"]
DRAWN = ["runs", "metrics/d", "plots/d"]


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
    """The repository in which data and recipes are there, and nothing else has run."""
    found = report_d.copy(tmp_path_factory.mktemp("data"))
    result = found.repro("prepare@functions", "prepare@mnist")
    assert result.returncode == 0, result.stderr
    return found


@pytest.fixture(scope="module")
def usual(ran: Clone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the stages write here."""
    return results(ran.copy(tmp_path_factory.mktemp("usual")))


def results(
    clone: Clone, variables: dict[str, str] | None = None, limit: Callable[[], None] | None = None
) -> dict[str, str]:
    """Run the stages, and return the digests of what they have written."""
    result = subprocess.run(  # noqa: S603 (words of this module)
        [sys.executable, "-m", "netclaims.repro", *STAGES, "figures@d"], cwd=clone.folder, preexec_fn=limit,
        env=clone._environment() | (variables or {}), capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return digests(clone.folder)


def digests(folder: Path) -> dict[str, str]:
    paths = [path for name in [*DRAWN, "plots/figures/d"] for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in paths}


def test_with_other_variables(ran, usual, variables, tmp_path):
    assert results(ran.copy(tmp_path / "copy"), ENVIRONMENTS[variables]) == usual


def test_with_less_of_the_machine(ran, usual, limit, tmp_path):
    assert results(ran.copy(tmp_path / "copy"), limit=LIMITS[limit]) == usual


def test_with_links_into_the_cache(ran, usual, link, tmp_path):
    """Out of the cache, and by hand over what came from there: the cache stays whole."""
    found = ran.copy(tmp_path / "copy")
    found.dvc("config", "--local", "cache.type", link)
    assert results(found) == usual
    assert found.dvc("checkout", "--relink", "--force").returncode == 0
    cache = digests(found.folder / ".dvc/cache/files")
    for name, key in (stage.split("@") for stage in STAGES):
        assert found.script(name, key).returncode == 0
    assert digests(found.folder) == usual
    assert digests(found.folder / ".dvc/cache/files") == cache


def test_two_clones_on_one_cache(request, tmp_path):
    """At the same time."""
    if not request.config.getoption("--every-stage"):
        pytest.skip("every night")
    ran, usual = (request.getfixturevalue(name) for name in ("ran", "usual"))
    clones = [ran.copy(tmp_path / name) for name in ("one", "other")]
    for clone in clones:
        clone.dvc("config", "--local", "cache.dir", str(tmp_path / "cache"))
    runs = [
        clone.start("netclaims.repro", *STAGES, "figures@d", log=tmp_path / f"{i}") for i, clone in enumerate(clones)
    ]
    assert [run.wait() for run in runs] == [0, 0]
    assert [digests(clone.folder) for clone in clones] == [usual, usual]
