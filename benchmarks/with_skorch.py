"""skorch, a scikit-learn interface to torch: its NeuralNetClassifier on tensors."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

from benchmarks.homework import network, training_loss
from benchmarks.problem import Problem
from benchmarks.timing import Contender
from netclaims.data.examples import parts


class Skorch(Contender):
    """Trains one classifier with all of torch's threads; the test set is its validation set, after every epoch."""

    def __init__(self, problem: Problem) -> None:
        """Load all examples into memory, standardised."""
        self._problem = problem
        self._data, self._test = parts(problem.experiment, [])

    def work(self, repeat: int) -> nn.Module:
        """Return the trained network."""
        torch.manual_seed(repeat)
        experiment = self._problem.experiment
        net = NeuralNetClassifier(
            partial(network, self._problem.layers, experiment.activation, self._problem.example),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=self._problem.setting.learning_rate,
            max_epochs=self._problem.setting.epochs,
            batch_size=self._problem.batch_size,
            iterator_train__shuffle=True,
            train_split=predefined_split(Dataset(self._test.x, self._test.y[0])),
            verbose=0,
        )
        return net.fit(self._data.x, self._data.y[0]).module_

    def outcome(self, done: nn.Module) -> NDArray[np.floating]:
        """Return its final training loss."""
        return np.array([training_loss(done, nn.CrossEntropyLoss(), self._data)])
