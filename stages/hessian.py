"""The Hessian where the gradient almost vanishes: `python stages/hessian.py d-minimal-ratio`."""

import sys

import pandas as pd

from netclaims.analysis.curvature import critical_points, parameters_of, ratio_numbers, training_loss
from netclaims.analysis.sections import HessianSettings, load_section, write_analysis
from netclaims.learn.command import command
from netclaims.learn.config import EXAMPLE, Experiment, load_experiment
from netclaims.learn.data import Part, parts
from netclaims.learn.execution import in_parallel
from netclaims.learn.networks import Network, Weights
from netclaims.learn.params import load_params
from netclaims.learn.store import read_weights
from netclaims.learn.streams import stream
from netclaims.learn.tables import read_table


@command
def main(key: str) -> None:
    """Analyse the nets of experiment `key`."""
    settings, seed = load_section("hessian", key, HessianSettings), load_params().seed
    experiment = load_experiment(settings.nets)
    nets, weights = read_table(settings.nets, "nets"), read_weights(settings.nets)
    groups = list(nets[~nets["diverged"]].groupby("run"))
    if not groups:
        sys.exit(f"{key}: every net diverged, and there is no point to analyse")
    jobs = [(settings.nets, seed, experiment, settings, group, weights[run]) for run, group in groups]
    table = pd.concat(in_parallel(_analyse, jobs, key))
    write_analysis(
        "hessian", key, settings.nets, table, ratio_numbers(table) | {"diverged": int(nets["diverged"].sum())}
    )


def _analyse(
    key: str, seed: int, experiment: Experiment, settings: HessianSettings, nets: pd.DataFrame, weights: Weights
) -> pd.DataFrame:
    """The nets of one run, all of one architecture."""
    network = Network(experiment.models[nets["model"].iloc[0]].layers, experiment.activation, EXAMPLE[experiment.data])
    data, _ = parts(experiment, nets["function"].tolist())
    loss = training_loss(network, weights, experiment.loss, Part(data.x.double(), data.y.double()))
    parameters = parameters_of(weights)[nets["member"].tolist()]
    neighbours = stream(seed, key, int(nets["run"].iloc[0]), "neighbours")
    found = critical_points(loss, parameters, settings, neighbours)
    return nets[["model", "function", "replica"]].assign(**{name: value.numpy() for name, value in found.items()})


if __name__ == "__main__":
    main()
