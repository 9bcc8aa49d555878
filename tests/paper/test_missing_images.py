"""Images that are missing are named before a run starts, with what brings them."""

from pathlib import Path

from netclaims.data.prepare import Preparation
from netclaims.data.sources import Source
from netclaims.paper.images import missing_images


def preparation(name, place, source="images", **more) -> Preparation:
    where = {"path" if source == "images" else "root": str(place)}
    return Preparation(
        name=name, dataset=name, source=Source(source=source, **where, **more), train_size=1, test_size=1
    )


def test_what_is_missing_is_named_from_the_root_with_what_brings_it(tmp_path, monkeypatch):
    folder = tmp_path / "paper"
    folder.mkdir()
    monkeypatch.chdir(folder)
    found = [
        preparation("cifar10", Path("../data/images.zip")),
        preparation("mnist", Path("../data/torchvision"), "torchvision"),
    ]
    said = missing_images(found, tmp_path)
    assert said.startswith("data/images.zip: no such folder or zip archive, of images for cifar10; put it there, or ")
    assert "`cifar10: cifar10` is fetched" in said
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images.zip").touch()
    assert missing_images(found, tmp_path) == ""
