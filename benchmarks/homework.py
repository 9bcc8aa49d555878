"""The usual homework loop: a DataLoader over torchvision's data set, `.item()` every step, one net after another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import transforms
from torchvision.datasets import CIFAR10, MNIST

from benchmarks.problem import Problem
from benchmarks.timing import Contender
from netclaims.data.examples import Examples, parts
from netclaims.nets.layers import Conv, Dense, Layer, Pool, Shape, shapes

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh}


def network(layers: list[Layer], activation: str, example: Shape) -> nn.Sequential:
    """Build a network of dense, convolutional and pooling layers with torch.nn, from torch's global generator.

    Args:
        layers: the network, input first.
        activation: relu, leaky_relu or tanh.
        example: shape of one input.
    """
    found: list[nn.Module] = []
    for layer, shape in zip(layers, shapes(layers, example), strict=True):
        match layer:
            case Dense():
                if len(shape) > 1:
                    found.append(nn.Flatten())
                found += [nn.Linear(int(np.prod(shape)), layer.dense, layer.bias), ACTIVATIONS[activation]()]
            case Conv():
                convolution = nn.Conv2d(shape[0], layer.conv, layer.kernel, padding=layer.padding)
                found += [convolution, ACTIVATIONS[activation]()]
            case Pool():
                found.append(nn.MaxPool2d(layer.pool))
            case _:
                raise ValueError(f"{layer}: not in these networks")
    return nn.Sequential(*found[:-1])  # no activation follows the last layer


@torch.no_grad()
def training_loss(net: nn.Module, criterion: nn.Module, data: Examples) -> float:
    """Return the mean loss over a whole data set.

    Args:
        net: the network.
        criterion: the mean loss of a batch.
        data: the examples.
    """
    pieces = zip(data.x.split(500), data.y[0].split(500), strict=True)
    return sum(criterion(net(x), y).item() * len(x) for x, y in pieces) / len(data.x)


class _Arrays(CIFAR10):
    """torchvision's CIFAR-10 with other images than its own."""

    def __init__(self, folder: Path, part: str, transform: transforms.Compose) -> None:
        images = np.load(folder / f"{part}_images.npy", allow_pickle=False)
        self.data = images.transpose(0, 2, 3, 1)
        self.targets = np.load(folder / f"{part}_labels.npy", allow_pickle=False).tolist()
        self.transform, self.target_transform = transform, None


def _image_sets(problem: Problem) -> list[Dataset]:
    """Return training and test images with the usual transforms, standardised as netclaims does."""
    folder = problem.folder / "data" / problem.experiment.data
    pixels = np.load(folder / "train_images.npy", allow_pickle=False)
    mean, deviation = (of.astype(np.float32) / 255 for of in (pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))))
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, deviation)])
    if problem.experiment.data == "mnist":
        train, test = (MNIST(problem.folder / "torchvision", train=part, transform=transform) for part in (True, False))
    else:
        train, test = (_Arrays(folder, part, transform) for part in ("train", "test"))
    return [Subset(train, range(problem.examples)), test]


class Homework(Contender):
    """Trains `nets` networks, one after another, with all of torch's threads.

    Of image classifiers the loss and the accuracy on the test set are measured after every epoch; of nets that fit a
    function only the loss of every step is. With `loader` false a full batch is passed as it is, without a DataLoader.
    """

    def __init__(self, problem: Problem, nets: int = 1, loader: bool = True) -> None:
        """Read the data set.

        Args:
            problem: network, data and settings.
            nets: how many are trained.
            loader: whether a full batch, too, comes from a DataLoader.
        """
        self._problem, self.pieces = problem, nets
        functions = problem.experiment.functions
        self._data, _ = parts(problem.experiment, functions or [])
        self._criterion = nn.MSELoss() if functions else nn.CrossEntropyLoss()
        if not loader:
            self._batches, self._test = [(self._data.x, self._data.y[0])], None
            return
        sets = [TensorDataset(self._data.x, self._data.y[0])] if functions else _image_sets(problem)
        self._batches = DataLoader(sets[0], batch_size=problem.batch_size, shuffle=True)
        self._test = None if functions else DataLoader(sets[1], batch_size=1000)

    def work(self, repeat: int) -> list[nn.Module]:
        """Return the trained networks."""
        return [self._train(repeat * self.pieces + i) for i in range(self.pieces)]

    def outcome(self, done: list[nn.Module]) -> NDArray[np.floating]:
        """Return the final training loss of every net."""
        return np.array([training_loss(net, self._criterion, self._data) for net in done])

    def _train(self, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        experiment = self._problem.experiment
        net = network(self._problem.layers, experiment.activation, self._problem.example)
        optimiser = torch.optim.Adam(net.parameters(), lr=self._problem.setting.learning_rate)
        history = []
        for _ in range(self._problem.setting.epochs):
            for x, y in self._batches:
                optimiser.zero_grad()
                loss = self._criterion(net(x), y)
                loss.backward()
                optimiser.step()
                history.append(loss.item())
            if self._test:
                history.append(self._evaluate(net, self._test))
        return net

    @torch.no_grad()
    def _evaluate(self, net: nn.Module, test: DataLoader) -> tuple[float, float]:
        loss = correct = 0.0
        for x, y in test:
            outputs = net(x)
            loss += self._criterion(outputs, y).item() * len(x)
            correct += (outputs.argmax(1) == y).sum().item()
        return loss / len(test.dataset), correct / len(test.dataset)
