"""`make repro`, which runs stages beside each other, leaves the bytes that `dvc repro` leaves."""

from hashlib import md5
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import ran, ran_beside

LEFT = ("dvc.lock", "recipes", "data", "runs", "metrics", "plots", "docs", "report", ".dvc/cache")


def left(folder: Path) -> dict[str, str]:
    """The digest of every file that a run can leave, by its path."""
    paths = [path for name in LEFT for path in [folder / name, *(folder / name).rglob("*")] if path.is_file()]
    return {path.relative_to(folder).as_posix(): _digest(path) for path in paths}


def _digest(path: Path) -> str:
    return md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def test_the_same_bytes_as_one_after_the_other(request, report_d, tmp_path):
    """Of one report; with no `dvc.lock`, in which the order of the stages is then that in which they are run."""
    if not request.config.getoption("--every-stage"):
        pytest.skip("minutes for what tests/repro shows of a small pipeline: --every-stage")
    found = {}
    for name in ("dvc", "beside"):
        clone = found[name] = report_d.copy(tmp_path / name)
        (clone.folder / "dvc.lock").unlink()
        result, done = (clone.repro(), ran_beside) if name == "beside" else (clone.dvc("repro"), ran)
        assert result.returncode == 0, result.stdout + result.stderr
        entries = yaml.load((clone.folder / "dvc.lock").read_text(encoding="utf-8"), yaml.CSafeLoader)["stages"]
        assert set(done(result)) == set(entries) > {"recipes", "report", "figures@d"}
    assert left(found["dvc"].folder) == left(found["beside"].folder)
    clone = found["beside"]
    assert "up to date" in clone.dvc("status").stdout
    result = clone.repro()
    assert ran_beside(result) == ["recipes"]
    assert result.stdout.splitlines()[-1] == "open report/index.html"
