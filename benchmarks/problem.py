"""What is trained: the same data, network and settings for every contender."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from netclaims.data.prepare import Preparation, prepare
from netclaims.nets.layers import Layer, Shape, count_operations
from netclaims.paths import PARAMS
from netclaims.recipes.resolve import preparation
from netclaims.settings.params import Params, Torchvision, load_params
from netclaims.training.runs import Run, runs_of
from netclaims.training.settings import Setting, Training

ROOT = Path(__file__).parents[1]
# An entry like those of reports/*.yaml. Each comparison says what differs from it.
ENTRY = {
    "report": "benchmarks",
    "title": "Timed",
    "activation": "relu",
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "against": "parameters",
}
IMAGES = ENTRY | {"loss": "cross_entropy"}
FUNCTION = ENTRY | {"data": "functions", "functions": ["sinc5"], "loss": "mse", "batch_size": "full"}


@dataclass(frozen=True)
class Problem:
    """One network, its data and how it is trained.

    Attributes:
        folder: which has `data/`, as preparation leaves it, and `torchvision/`, the same images in MNIST's files.
        experiment: of one model and one setting.
    """

    folder: Path
    experiment: Training

    def runs(self, seed: int, count: int, members: int = 1) -> list[Run]:
        """List the runs of so many trainings of so many nets each, no two of the same seed.

        Args:
            seed: trainings of another seed are other ones.
            count: how many trainings.
            members: nets in each.
        """
        trainings = [replace(self.experiment, seed=seed * count + i, replicas=members) for i in range(count)]
        return [run for training in trainings for run in runs_of(training, "cpu")]

    @property
    def layers(self) -> list[Layer]:
        """The network, input first."""
        (layers,) = self.experiment.models.values()
        return layers

    @property
    def setting(self) -> Setting:
        """Learning rate, batch size and epochs."""
        (setting,) = self.experiment.settings
        return setting

    @property
    def example(self) -> Shape:
        """Shape of one input."""
        return self.experiment.example

    @property
    def examples(self) -> int:
        """Size of the training set."""
        return self.experiment.train_size

    @property
    def batch_size(self) -> int:
        """Examples in a step."""
        return self.setting.batch_size

    @property
    def operations(self) -> float:
        """Floating-point operations by which one net is trained, as they are usually counted.

        Two for every multiplication by a weight, and three times as many as the forward pass takes: backward there are
        two products for every one. Evaluation, activations and the optimiser are left out.
        """
        return 6.0 * count_operations(self.layers, self.example)[0] * self.examples * self.setting.epochs


def make_params(mnist: Path | None) -> Params:
    """Read `params.yaml`, and take its quick scale without a bound; with `mnist`, all images in this folder."""
    params = load_params(ROOT / PARAMS)
    scale = params.scales["quick"].model_copy(update={"train_seconds": 1e12})
    datasets = params.datasets
    if mnist:
        sizes = {"mnist": "mnist", "train_size": 60_000, "test_size": 10_000}
        scale = scale.model_copy(update={"data": scale.data.model_copy(update=sizes)})
        source = Torchvision(source="torchvision", name="MNIST", root=str(mnist.resolve()))
        datasets = datasets | {"mnist": source}
    return params.model_copy(
        update={"device": "cpu", "scale": "quick", "scales": {"quick": scale}, "datasets": datasets}
    )


def prepare_data(folder: Path, params: Params, names: set[str]) -> None:
    """Write `data/` for these data sets into the folder, and for `mnist` the same images as MNIST's own files.

    Args:
        folder: where `data/` goes.
        params: what the data are.
        names: of the data sets.

    Raises:
        DataError: the source is missing or damaged.
    """
    for name in sorted(names):
        prepare(TypeAdapter(Preparation).validate_python(preparation(name, params)), folder / "data")
    if "mnist" in names:
        raw = folder / "torchvision" / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for part, prefix in (("train", "train"), ("test", "t10k")):
            images = np.load(folder / "data" / "mnist" / f"{part}_images.npy", allow_pickle=False)
            labels = np.load(folder / "data" / "mnist" / f"{part}_labels.npy", allow_pickle=False)
            _write_idx(raw / f"{prefix}-images-idx3-ubyte", images[:, 0])
            _write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels.astype(np.uint8))


def _write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    path.write_bytes(struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())
