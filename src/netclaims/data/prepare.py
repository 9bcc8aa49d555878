"""Writing `data/<name>`: the arrays that every experiment on that data reads, and what they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netclaims.data.functions import DOMAIN, FUNCTIONS, evaluate, formula, grid
from netclaims.data.image_set import Split, balanced_split
from netclaims.data.registry import DATA_KINDS
from netclaims.data.sources import Source, read_source
from netclaims.errors import DataError
from netclaims.files import write_json
from netclaims.paths import DATA

TEST_POINTS = 1000

Arrays = dict[str, NDArray[Any]]
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Preparation:
    """What `data/<name>` is made of: the settings of a `prepare` recipe.

    Attributes:
        name: a key of `registry.DATA_KINDS`.
        dataset: the row of `datasets` that stands for it; None for functions, as the rest.
        source: where its images come from.
        train_size: training images at the most.
        test_size: test images at the most.
    """

    name: str
    dataset: str | None = None
    source: Source | None = None
    train_size: int | None = None
    test_size: int | None = None


def prepare(preparation: Preparation, data: Path = DATA) -> str:
    """Write the folder `name` in `data`, in place of the one that is there, and say what was written.

    For images: `train_images.npy` and `test_images.npy`, uint8 of shape (n, channels, height, width), and
    `train_labels.npy` and `test_labels.npy`, int64 of shape (n,). For functions: `test_x.npy`, held-out points,
    and the values there of each function in `<function>.npy`, float64 of shape (points,). For all:
    `manifest.json`, with a SHA-256 digest over the arrays. The same settings and source give the same bytes.

    Raises:
        DataError: the source is missing, damaged or does not fit; the folder stays as it was.
    """
    arrays, manifest, summary = _functions() if preparation.source is None else _images(preparation)
    _write(data / preparation.name, arrays, manifest)
    return f"{preparation.name}: {summary}"


def _functions() -> tuple[Arrays, Manifest, str]:
    x = grid(TEST_POINTS)
    arrays = {"test_x": x, **{name: evaluate(name, x) for name in FUNCTIONS}}
    manifest = {
        "title": "Functions in closed form",
        "formulas": {name: formula(name) for name in FUNCTIONS},
        "domain": list(DOMAIN),
        "test_points": TEST_POINTS,
        "sha256": _digest(arrays),
    }
    return arrays, manifest, f"{len(FUNCTIONS)} functions at {TEST_POINTS:,} points"


def _images(preparation: Preparation) -> tuple[Arrays, Manifest, str]:
    name, row, kind = preparation.name, preparation.dataset, DATA_KINDS[preparation.name]
    found = read_source(preparation.source, kind.shape)
    if found.shape != kind.shape:
        raise DataError(f"datasets.{row}: images of shape {found.shape}, and {name} needs {kind.shape}")

    def per_class(split: Split) -> dict[str, int]:
        counts = np.bincount(split.labels, minlength=len(found.classes)).tolist()
        return dict(zip(found.classes, counts, strict=True))

    train = balanced_split(found.train, preparation.train_size)
    test = balanced_split(found.test, preparation.test_size)
    arrays = {
        "train_images": np.ascontiguousarray(train.images),
        "train_labels": train.labels,
        "test_images": np.ascontiguousarray(test.images),
        "test_labels": test.labels,
    }
    manifest = {
        "title": found.title,
        "dataset": row,
        "source": preparation.source.source,
        "shape": list(found.shape),
        "classes": list(found.classes),
        "train_size": len(train.labels),
        "test_size": len(test.labels),
        "train_per_class": per_class(train),
        "test_per_class": per_class(test),
        "sha256": _digest(arrays),
        "licence": found.licence,
        "citation": found.citation,
    }
    return arrays, manifest, f"{len(train.labels):,} + {len(test.labels):,} images, {found.title}"


def _digest(arrays: Arrays) -> str:
    """Return the SHA-256 over the bytes of the arrays, one after the other."""
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(array.data)
    return digest.hexdigest()


def _write(folder: Path, arrays: Arrays, manifest: Manifest) -> None:
    """Fill a new folder beside the old one and swap them, so that a failure on the way changes nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new = Path(temporary, "new")
        new.mkdir()
        for name, array in arrays.items():
            np.save(new / f"{name}.npy", array, allow_pickle=False)
        write_json(new / "manifest.json", manifest)
        if folder.exists():
            folder.rename(Path(temporary, "old"))
        new.rename(folder)
