"""JAX: a whole training as one compiled function, the steps by `lax.scan`, the replicas by `vmap`."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec
from numpy.typing import NDArray

from benchmarks.problem import Problem
from benchmarks.timing import Contender
from netclaims.data.examples import parts
from netclaims.training.runs import recorded_epochs

Weights = list[tuple[jax.Array, jax.Array]]


def _initial(key: jax.Array, sizes: list[int]) -> Weights:
    """Draw weights and biases uniform on ±1/√fan_in."""
    weights = []
    for (inputs, units), layer in zip(pairwise(sizes), jax.random.split(key, len(sizes) - 1), strict=True):
        bound = inputs**-0.5
        some = jax.random.uniform(layer, (units, inputs + 1), minval=-bound, maxval=bound)
        weights.append((some[:, :-1], some[:, -1:]))
    return weights


def _loss(weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the mean squared error; inputs and targets are (1, points), which suits narrow layers."""
    for weight, bias in weights[:-1]:
        x = jax.nn.relu(weight @ x + bias)
    weight, bias = weights[-1]
    return jnp.square(weight @ x + bias - y).mean()


class Jax(Contender):
    """Trains `members` ReLU nets on each of so many devices, which share the cores of the processor.

    As netclaims does, it measures the losses on the training and on the test set at 200 epochs.
    """

    def __init__(self, problem: Problem, members: int, devices: int = 1) -> None:
        """Compile the training.

        Args:
            problem: network, data and settings.
            members: nets on each device.
            devices: how many, which share the cores.
        """
        jax.config.update("jax_num_cpu_devices", devices)
        experiment = problem.experiment
        data, test = ((part.x.numpy().T, part.y[0].numpy().T) for part in parts(experiment, experiment.functions))
        sizes = [1, *(layer.dense for layer in problem.layers)]
        optimiser = optax.adam(problem.setting.learning_rate)
        every = recorded_epochs(problem.setting.epochs)[1]

        def train(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            def step(state: tuple, _: None) -> tuple[tuple, None]:
                weights, moments = state
                updates, moments = optimiser.update(jax.grad(_loss)(weights, *data), moments)
                return (optax.apply_updates(weights, updates), moments), None

            def record(state: tuple, _: None) -> tuple[tuple, tuple]:
                state, _ = lax.scan(step, state, length=every)
                return state, (_loss(state[0], *data), _loss(state[0], *test))

            weights = _initial(key, sizes)
            state = weights, optimiser.init(weights)
            return lax.scan(record, state, length=problem.setting.epochs // every)[1]

        self.pieces = members * devices
        nets = jax.make_mesh((devices,), ("nets",))
        self._apart = NamedSharding(nets, PartitionSpec("nets"))  # each device trains its share of the nets
        start = perf_counter()
        self._train = jax.jit(jax.vmap(train)).lower(self._keys(0)).compile()
        self.compile_seconds = perf_counter() - start

    def _keys(self, repeat: int) -> jax.Array:
        return jax.device_put(jax.random.split(jax.random.key(repeat), self.pieces), self._apart)

    def work(self, repeat: int) -> tuple[jax.Array, jax.Array]:
        """Return losses on the training and on the test set: (nets, recorded epochs)."""
        return jax.block_until_ready(self._train(self._keys(repeat)))

    def outcome(self, done: tuple[jax.Array, jax.Array]) -> NDArray[np.floating]:
        """Return the final training loss of every net."""
        return np.asarray(done[0])[:, -1]
