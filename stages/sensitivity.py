"""Sensitivity of trained nets, and curvature of their loss: `python stages/sensitivity.py d-sensitivity`."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
from dataclasses import dataclass

import pandas as pd

from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.analysis.sensitivity import COLUMNS, sensitivities
from netclaims.analysis.sharpness import sharpness
from netclaims.analysis.spectrum import Curvature, density, spectrum, training_loss
from netclaims.command import command
from netclaims.data.examples import Examples, first_examples, images, parts
from netclaims.experiment import Experiment
from netclaims.files import read_table, write_table
from netclaims.nets.network import Network, Weights, flatten
from netclaims.parallel.jobs import in_parallel
from netclaims.recipes.read import read_recipe
from netclaims.spread import mean_and_deviation, spread
from netclaims.tables.sensitivity import SENSITIVITY
from netclaims.training.artifacts import read_weights
from netclaims.training.random_streams import stream
from netclaims.training.selection import with_series

CURVATURE = ["largest_eigenvalue", "trace", "sharpness"]


@dataclass(frozen=True)
class Sensitivity:
    """The settings of a `sensitivity` recipe.

    Attributes:
        nets: the experiment.
        seed: of random vectors.
        examples: first ones of the test set, on which sensitivities are measured.
        curvature: how second derivatives are.
    """

    nets: Experiment
    seed: int
    examples: int
    curvature: Curvature


@command
def main(key: str) -> None:
    """Measure the nets that `key` names."""
    settings = read_recipe("sensitivity", key, Sensitivity).settings
    experiment = settings.nets
    weights, nets = read_weights(experiment.key), read_table(experiment.key, "nets")
    images(experiment.data)  # all processes share what is read here
    jobs = [(settings, group, weights[run]) for run, group in nets.groupby("run")]
    found, spectra = (pd.concat(tables) for tables in zip(*in_parallel(_measure, jobs, key), strict=True))
    table, spectra = with_series(experiment, found), with_series(experiment, spectra)
    columns, names = [*COLUMNS, *CURVATURE], ["series", *experiment.identity]
    curves = spread(table, [*names, "parameters"], columns)
    numbers = {
        series: {name: mean_and_deviation(group[name]) for name in columns}
        for series, group in table.groupby("series", sort=False)
    }
    write_analysis("sensitivity", key, experiment.key, curves, numbers, density=density(spectra, names))
    write_table(replicas_of(key, "sensitivity"), SENSITIVITY.checked(table))


def _measure(settings: Sensitivity, nets: pd.DataFrame, weights: Weights) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure the nets of one run, all of one architecture: a column for each quantity, and their spectra."""
    experiment = settings.nets
    network = Network(experiment.models[nets["model"].iloc[0]], experiment.activation, experiment.example)
    train, test = parts(experiment, [])
    found = sensitivities(network, weights, experiment.loss, first_examples(test, settings.examples))
    nets = nets.assign(**{name: value.numpy() for name, value in found.items()})
    some = first_examples(train, settings.curvature.examples)
    # Convolutions are faster with the channels last in memory, but their second derivatives with the channels first.
    loss = training_loss(network, weights, experiment.loss, Examples(some.x.contiguous(), some.y))
    curvature, spectra = [], []
    for theta, net in zip(flatten(weights), nets.to_dict("records"), strict=True):
        vectors = stream(settings.seed, experiment.key, net["run"], net["member"], "curvature")
        trace, eigenvalues = spectrum(loss, theta, settings.curvature, vectors)
        highest = sharpness(loss, theta, settings.curvature.epsilon)
        curvature.append((eigenvalues["eigenvalue"].iloc[-1], trace, highest))
        spectra.append(eigenvalues.assign(**net))
    nets[CURVATURE] = curvature
    return nets, pd.concat(spectra)


if __name__ == "__main__":
    main()
