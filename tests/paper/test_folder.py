"""Settings of the paper scale over those of the repository, and the files that are kept of it."""

import pytest
import yaml

from netclaims.errors import SettingsError
from netclaims.paper.folder import RESULTS, SETTINGS, copy, fill

PARAMS = """
scale: quick
scales: {paper: {data: {mnist: mnist, cifar10: cifar10}}}
datasets:
  mnist: {root: data/torchvision, download: true}
  pets: {path: ~/pets}
  far: {path: /far}
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / RESULTS).mkdir(parents=True)
    (tmp_path / SETTINGS).write_text("scale: paper\n")
    (tmp_path / "there").mkdir()
    return tmp_path


def filled(repository) -> dict:
    fill(repository / "there")
    return yaml.safe_load((repository / "there" / "params.yaml").read_text())


def test_settings_are_replaced_one_by_one_and_places_meant_from_the_root(repository):
    (repository / SETTINGS).write_text(
        "scale: paper\nscales: {paper: {data: {cifar10: own}}}\n"
        "datasets: {mnist: {download: false}, own: {path: ../own.zip}}\n"
    )
    assert filled(repository) == {
        "scale": "paper",
        "scales": {"paper": {"data": {"mnist": "mnist", "cifar10": "own"}}},
        "datasets": {
            "mnist": {"root": "../data/torchvision", "download": False},
            "pets": {"path": "~/pets"},
            "far": {"path": "/far"},
            "own": {"path": "../../own.zip"},
        },
    }


def test_a_value_in_the_place_of_a_mapping_is_refused(repository):
    (repository / SETTINGS).write_text("scales: {paper: 3}\n")
    with pytest.raises(SettingsError, match=r"^results/paper/settings\.yaml: scales\.paper: a mapping, as in params"):
        filled(repository)


def test_results_take_the_place_of_others(repository):
    for name in ("there/metrics/a", "there/plots/b", "results/paper/metrics/c"):
        (repository / name).mkdir(parents=True)
        (repository / name / "x").write_text(name)
    (repository / "there" / "dvc.lock").write_text("quick")
    fill(repository / "there")
    left = sorted(
        path.relative_to(repository / "there") for path in (repository / "there").rglob("*") if path.is_file()
    )
    assert [path.as_posix() for path in left] == ["metrics/c/x", "params.yaml"]


def test_a_copy_of_nothing_is_nothing(tmp_path):
    (tmp_path / "to").write_text("left")
    copy(tmp_path / "from", tmp_path / "to")
    assert not (tmp_path / "to").exists()
    copy(tmp_path / "from", tmp_path / "to")
