"""The Hessian where the gradient almost vanishes: `python stages/hessian.py d-minimal-ratio`."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
import sys

import pandas as pd
from torch import Tensor

from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.analysis.minimal_ratio import MinimalRatio, critical_point, ratio_numbers, spectrum
from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.command import command
from netclaims.data.examples import function_values
from netclaims.data.functions import grid
from netclaims.files import read_table, write_table
from netclaims.nets.network import Network
from netclaims.parallel.jobs import in_parallel
from netclaims.recipes.read import read_recipe
from netclaims.tables.hessian import HESSIAN
from netclaims.training.artifacts import read_weights
from netclaims.training.random_streams import stream


@command
def main(key: str) -> None:
    """Analyse the nets of experiment `key`, one by one."""
    settings = read_recipe("hessian", key, MinimalRatio).settings
    experiment = settings.nets
    nets = read_table(experiment.key, "nets")
    diverged = int(nets["diverged"].sum())
    nets = nets.loc[~nets["diverged"], ["run", "member", "model", "function", "replica"]]
    if nets.empty:
        sys.exit(f"{key}: every net diverged, and there is no point to analyse")
    theta = {run: theta_of(weights) for run, weights in read_weights(experiment.key).items()}
    rows = nets.to_dict("records")
    jobs = [(key, settings, row, theta[row["run"]][row["member"]]) for row in rows]
    found = in_parallel(_analyse, jobs, key)
    names = ["model", "function", "replica"]
    table = pd.concat([nets[names].reset_index(drop=True), pd.DataFrame([numbers for numbers, _ in found])], axis=1)
    eigenvalues = pd.concat([values.assign(kind=numbers["kind"]) for numbers, values in found])
    numbers = ratio_numbers(table) | {"diverged": diverged}
    write_analysis("hessian", key, experiment.key, table, numbers, spectrum=spectrum(eigenvalues))
    write_table(replicas_of(key, "hessian"), HESSIAN.checked(table))


def _analyse(key: str, settings: MinimalRatio, net: dict, theta: Tensor) -> tuple[dict, pd.DataFrame]:
    experiment = settings.nets
    network = Network(experiment.models[net["model"]], experiment.activation, experiment.example)
    data = function_values([net["function"]], grid(experiment.points), theta.dtype)
    problem = LeastSquares(network, data.x, data.y[0, :, 0])
    neighbours = stream(settings.seed, key, net["run"], net["member"], "neighbours")
    return critical_point(problem, theta, settings, experiment.activation != "tanh", neighbours)


if __name__ == "__main__":
    main()
