"""Every output of a stage has the same bytes when it is made elsewhere, from no more than what the stage depends on.

Elsewhere is another folder, with the code and only those files that dvc.lock lists as dependencies, such as its recipe:
neither reports are there nor params.yaml, of which a training reads the device alone. A stage that reads a file in
secret fails, or gives something else. The locale, the time zone, Python's hash seed and the number of threads are
others too, and runs go one after another.
"""

import os
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest
import yaml

from netclaims import KERNELS
from netclaims.paths import CHECKPOINTS, PARAMS
from netclaims.recipes.code import PACKAGE
from tests.pipeline.facts import ALL, REPORTS, SHORTENED, kind, of_contents

ELSEWHERE = {
    "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",  # text is ASCII, unless a file is said to be UTF-8
    "TZ": "Pacific/Kiritimati",
    "PYTHONHASHSEED": "4711",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LOKY_MAX_CPU_COUNT": "1",  # what joblib takes for the number of cores
    **{f"{library}_NUM_THREADS": "3" for library in ("OMP", "MKL", "OPENBLAS")},
}  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        stages = sorted(of_contents(ALL, REPORTS if metafunc.config.getoption("--every-report") else SHORTENED))
        one_of_each_kind = {kind(stage): stage for stage in stages} | {"convolutions": "train@e-actual-task"}
        every = metafunc.config.getoption("--every-stage")
        metafunc.parametrize("stage", stages if every else sorted(one_of_each_kind.values()))


@pytest.fixture(scope="module")
def locked(smoke):
    """What dvc.lock says of every stage."""
    return yaml.safe_load((smoke.folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with spaces and a letter beyond ASCII in its name, which does not outlive the test: data are large."""
    folder = tmp_path / "quelque part là"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_a_stage_gives_the_same_bytes_elsewhere(smoke, locked, elsewhere, stage):
    entry = locked[stage]
    assert "params" not in entry
    for name in {"src", "stages", *(dep["path"] for dep in entry["deps"])} - {PACKAGE.as_posix()}:
        copy(smoke.folder / name, elsewhere / name)
    if stage.startswith("claims@"):  # its recipe has a digest of all that made these, in their place
        copy(smoke.folder / "runs", elsewhere / "runs")
    if stage.startswith("train@"):  # on which hardware, is asked for beside the recipe
        (elsewhere / PARAMS).write_text("device: auto\n", encoding="utf-8")
    outs = [out["path"] for out in entry["outs"]]
    for out in outs:
        (elsewhere / out).parent.mkdir(parents=True, exist_ok=True)
    there = digests(elsewhere, ["."])
    _, *words = entry["cmd"].split()
    inherited = {name: value for name, value in os.environ.items() if name not in KERNELS}  # the script chooses them
    environment = inherited | ELSEWHERE | {"PYTHONPATH": ""}
    result = subprocess.run(  # noqa: S603 (a command of the pipeline)
        [sys.executable, *words], cwd=elsewhere, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    shutil.rmtree(elsewhere / CHECKPOINTS, ignore_errors=True)  # of a training, until the claims are judged
    written = {name: digest for name, digest in digests(elsewhere, ["."]).items() if there.get(name) != digest}
    assert written == digests(smoke.folder, outs)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.egg-info"))
    else:
        shutil.copyfile(source, target)


def digests(folder: Path, names: list[str]) -> dict[str, str]:
    """The digest of each of these files, and of those in these folders, by its path."""
    paths = [path for name in names for path in [folder / name, *(folder / name).rglob("*")] if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in paths
    }
