"""The settings as they are committed, and what is said of the sections beside `experiments`."""

import shutil
from pathlib import Path

import pytest

from netclaims.check import check_settings
from netclaims.learn.settings import SettingsError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def files(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_committed_settings_are_valid(files):
    assert check_settings() >= 9


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\npca:", "\npka:", "pka: unknown section"),
        ("d-trajectory: {report: d, l", "d-path: {report: d, l", "pca.d-path: no such experiment"),
        ("{report: d, layer: 1}", "{report: d, layer: 0}", "pca.d-trajectory.layer: "),
        ("{report: d, layer: 1}", "{report: d, layer: 4}", "pca.d-trajectory.layer: the net has 3 layers"),
        ("{report: d, layer: 1}", "{report: e, layer: 1}", "pca.d-trajectory.report: the experiment has d"),
        ("{report: d, data: mnist, over", "{report: d, data: cifar10, over", "interpolate.d-interpolation.data: "),
        ("between: [64, 1024]", "between: [64, 512]", "interpolate.d-interpolation.between: "),
        ("gradient_norm: step", "weights_every: 1", "gradient.d-gradient-norm: works on an experiment that"),
        ("iterations: 5", "iterations: many", "hessian.d-minimal-ratio.iterations: "),
        ("kind: scatter", "kind: pie", "figures.d-minimal-ratio.draw.minimal-ratio.kind: "),
        ("y: [curves.accuracy]", "y: [accuracy]", "figures.d-actual-task.draw.accuracy.y.0: "),
    ],
)
def test_a_mistake_in_a_section_is_one_line(files, old, new, message):
    path = files / "reports" / "d.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        check_settings()
    assert str(caught.value).startswith(f"reports/d.yaml: {message}")
    assert "\n" not in str(caught.value)


def test_faults_of_several_files_are_all_told(files):
    for name in ("params.yaml", "reports/d.yaml"):
        (files / name).write_text("- a list\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        check_settings()
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["params.yaml", "reports/d.yaml"]
