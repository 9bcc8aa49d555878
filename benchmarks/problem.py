"""What is trained: the same data, network and settings for every contender."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netclaims.data.prepare import prepare
from netclaims.files import read_json
from netclaims.nets.layers import Shape, count_operations
from netclaims.paths import PARAMS
from netclaims.settings.experiments import EXAMPLE, Experiment
from netclaims.settings.params import Params, Torchvision, load_params
from netclaims.training.runs import Run, plan

ROOT = Path(__file__).parents[1]
# An entry like those of reports/*.yaml; what differs, each comparison says.
ENTRY = {
    "report": "benchmarks",
    "title": "Timed",
    "activation": "relu",
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "follows": ["replicas", "scale"],
    "against": "parameters",
}
IMAGES = ENTRY | {"loss": "cross_entropy"}
FUNCTION = ENTRY | {"data": "functions", "functions": ["sinc5"], "loss": "mse", "batch_size": "full"}


@dataclass(frozen=True)
class Problem:
    """One network, its data and how it is trained.

    Attributes:
        folder: which has `data/`, as preparation leaves it, and `torchvision/`, the same images in MNIST's files.
        experiment: an entry with one model.
        params: `params.yaml` with a scale that cuts no epochs.
    """

    folder: Path
    experiment: Experiment
    params: Params

    def runs(self, seed: int, count: int, members: int = 1) -> list[Run]:
        """So many runs of so many nets each, no two of the same seed."""
        found = []
        for i in range(count):
            params = self.params.model_copy(update={"seed": seed * count + i, "replicas": members})
            found += plan("benchmarks-timed", self.experiment, params, self.examples)
        return found

    @property
    def layers(self) -> list:
        """The network, as report files list it."""
        (model,) = self.experiment.models.values()
        return model.layers

    @property
    def example(self) -> Shape:
        """Shape of one input."""
        return EXAMPLE[self.experiment.data]

    @property
    def examples(self) -> int:
        """Size of the training set."""
        if self.experiment.points:
            return self.experiment.points
        size = read_json(self.folder / "data" / self.experiment.data / "manifest.json")["train_size"]
        return min(size, self.experiment.examples or size)

    @property
    def batch_size(self) -> int:
        """Examples in a step."""
        size = self.experiment.batch_size
        return self.examples if size == "full" else min(size, self.examples)

    @property
    def operations(self) -> float:
        """Floating-point operations by which one net is trained, as they are usually counted.

        Two for every multiplication by a weight, and three times as many as the forward pass takes: backward there are
        two products for every one. Evaluation, activations and the optimiser are left out.
        """
        return 6.0 * count_operations(self.layers, self.example)[0] * self.examples * self.experiment.epochs


def make_params(mnist: Path | None) -> Params:
    """`params.yaml` at the quick scale without its bound; with `mnist`, all images that lie in this folder."""
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

    Raises:
        DataError: the source is missing or damaged.
    """
    for name in sorted(names):
        prepare(name, params, folder / "data")
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
