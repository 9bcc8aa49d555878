"""The Hessian where the gradient vanishes: `python stages/hessian.py d-minimal-ratio`."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
import sys

import pandas as pd
from torch import Tensor

from netclaims.analysis.exact_hessian import LeastSquares, theta_of
from netclaims.analysis.minimal_ratio import DESCENT, MinimalRatio, critical_point, ratio_numbers, spectrum
from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.command import command
from netclaims.data.examples import function_values
from netclaims.data.functions import grid
from netclaims.files import read_table, write_table
from netclaims.nets.network import Network
from netclaims.parallel.jobs import in_parallel
from netclaims.recipes.read import read_recipe
from netclaims.tables.hessian import HESSIAN
from netclaims.training.artifacts import read_snapshots, read_weights
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
    trained = {run: theta_of(weights) for run, weights in read_weights(experiment.key).items()}
    rows = nets.to_dict("records")
    points = {start: [trained[row["run"]][row["member"]] for row in rows] for start in (DESCENT, "trained")}
    if {"early", "random"} & set(settings.starts):
        path, _, _ = read_snapshots(experiment.key, settings.stops)
        for number, start in enumerate(("random", "early")):
            points[start] = list(theta_of({name: w[:, number] for name, w in path.items()}))
    searches = [(row | {"start": start}, theta) for start in settings.starts
                for row, theta in zip(rows, points[start], strict=True)]  # fmt: skip
    found = in_parallel(_analyse, [(key, settings, *search) for search in searches], key)
    named = pd.DataFrame([row for row, _ in searches])[["model", "function", "replica", "start"]]
    table = pd.concat([named, pd.DataFrame([numbers for numbers, _ in found])], axis=1)
    eigenvalues = pd.concat([values.assign(start=row["start"], kind=numbers["kind"])
                             for (row, _), (numbers, values) in zip(searches, found, strict=True)])  # fmt: skip
    numbers = ratio_numbers(table) | {"diverged": diverged}
    write_analysis("hessian", key, experiment.key, table, numbers, spectrum=spectrum(eigenvalues))
    write_table(replicas_of(key, "hessian"), HESSIAN.checked(table))


def _analyse(key: str, settings: MinimalRatio, search: dict, theta: Tensor) -> tuple[dict, pd.DataFrame]:
    experiment = settings.nets
    network = Network(experiment.models[search["model"]], experiment.activation, experiment.example)
    data = function_values([search["function"]], grid(experiment.points), theta.dtype)
    problem = LeastSquares(network, data.x, data.y[0, :, 0])
    near = stream(settings.seed, key, search["run"], search["member"], search["start"], "neighbours")
    return critical_point(problem, theta, search["start"], settings, near)


if __name__ == "__main__":
    main()
