"""Every output of a stage has the same bytes when it is made elsewhere, from no more than what the stage depends on.

Elsewhere is another folder, with only those files that dvc.lock lists as dependencies, and with other values for every
parameter that it does not list: a stage that reads a file or a parameter in secret fails, or gives something else. The
locale, the time zone, Python's hash seed and the number of threads are others too, and runs go one after another.
"""

import json
import os
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest
import yaml

from netclaims.paths import CHECKPOINTS, PARAMS, SETTINGS, report_path
from tests.pipeline.facts import ALL, EXPERIMENTS, kind

ONE_OF_EACH_KIND = {kind(stage): stage for stage in sorted(ALL)} | {"convolutions": "train@c-trajectory"}
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
        every = metafunc.config.getoption("--every-stage")
        metafunc.parametrize("stage", sorted(ALL if every else ONE_OF_EACH_KIND.values()))


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
    for dep in entry["deps"]:
        copy(smoke.folder / dep["path"], elsewhere / dep["path"])
    (elsewhere / "stages" / "netclaims").symlink_to("../src/netclaims")
    write_entries(elsewhere)
    if not (elsewhere / PARAMS).exists():
        write_params(elsewhere, entry.get("params", {}).get("params.yaml", {}))
    outs = [out["path"] for out in entry["outs"]]
    for out in outs:
        (elsewhere / out).parent.mkdir(parents=True, exist_ok=True)
    there = digests(elsewhere, ["."])
    _, *words = entry["cmd"].split()
    result = subprocess.run(  # noqa: S603 (a command of the pipeline)
        [sys.executable, *words], cwd=elsewhere, env=os.environ | ELSEWHERE, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    shutil.rmtree(elsewhere / CHECKPOINTS, ignore_errors=True)  # of a training, until the claims are judged
    written = {name: digest for name, digest in digests(elsewhere, ["."]).items() if there.get(name) != digest}
    assert written == digests(smoke.folder, outs)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def digests(folder: Path, names: list[str]) -> dict[str, str]:
    """The digest of each of these files, and of those in these folders, by its path."""
    paths = [path for name in names for path in [folder / name, *(folder / name).rglob("*")] if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in paths
    }


def write_entries(folder: Path) -> None:
    """The reports, of a stage that depends on an entry alone: this, and the experiment whose nets it analyses."""
    for path in (folder / SETTINGS).rglob("*.json"):
        entry, section = json.loads(path.read_text(encoding="utf-8")), path.parent.name
        content = {section: entry if section == "figures" else {path.stem: entry}}
        if section not in ("figures", "experiments"):
            content["experiments"] = {entry["nets"]: EXPERIMENTS[entry["nets"]]}
        write_yaml(folder / report_path(path.stem), content)


def write_params(folder: Path, locked: dict) -> None:
    """All parameters with values that no scale of the project has, but for those that a stage depends on."""
    content = yaml.safe_load(Path(PARAMS).read_text(encoding="utf-8"))
    for scale in content["scales"].values():
        sizes = {"train_size": 7, "test_size": 7}
        scale |= {"data": {"mnist": "cifar10", "cifar10": "mnist", **sizes}, "max_replicas": 1, "train_seconds": 77}
    content |= {"seed": 7, "batch_size": 7, "replicas": 7, "scale": "paper"}
    for name, value in locked.items():
        *above, last = name.split(".")
        block = content
        for key in above:
            block = block[key]
        block[last] = value
    write_yaml(folder / PARAMS, content)


def write_yaml(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
