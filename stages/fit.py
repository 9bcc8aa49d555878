"""Nets that fit a function, beside it: `python stages/fit.py d-simulate`."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
from dataclasses import dataclass

from safetensors.numpy import load_file

from netclaims.analysis.fit import error_numbers, errors, fit_numbers, fitted_curves
from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.command import command
from netclaims.experiment import Experiment
from netclaims.files import as_written, read_array, read_table, write_table
from netclaims.paths import DATA, RUNS
from netclaims.recipes.read import read_recipe
from netclaims.spread import spread
from netclaims.tables.fit import DRAWN, FIT
from netclaims.training.selection import tuned


@dataclass(frozen=True)
class Fit:
    """The settings of a `fit` recipe: the nets that fit functions."""

    nets: Experiment


@command
def main(key: str) -> None:
    """Compare the nets of experiment `key` with their functions on the held-out points."""
    experiment = read_recipe("fit", key, Fit).settings.nets
    path = RUNS / experiment.key / "outputs.safetensors"
    with as_written(path):
        outputs = {int(run): values for run, values in load_file(path).items()}
    x, *truth = (read_array(DATA / "functions" / f"{name}.npy") for name in ["test_x", *experiment.functions])
    nets = tuned(experiment, read_table(experiment.key, "nets"))
    compared = (nets, outputs, x, dict(zip(experiment.functions, truth, strict=True)))
    curves, table = fitted_curves(*compared), errors(*compared)
    drawn = table[table["region"].isin(DRAWN)]
    numbers = fit_numbers(curves) | {"regions": error_numbers(drawn)}
    over_replicas = spread(drawn, ["function", "model", "region"], ["mean_square"])
    write_analysis("fit", key, experiment.key, curves, numbers, errors=over_replicas)
    write_table(replicas_of(key, "fit"), FIT.checked(table))


if __name__ == "__main__":
    main()
