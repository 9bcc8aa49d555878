"""Nets that fit a function, beside it: `python stages/fit.py d-simulate`."""

import numpy as np
from safetensors.numpy import load_file

from netclaims.analysis.fit import fit_numbers, fitted_curves
from netclaims.analysis.sections import FitSettings, load_section, write_analysis
from netclaims.learn.command import command
from netclaims.learn.config import load_experiment
from netclaims.learn.paths import DATA, RUNS
from netclaims.learn.summary import tuned
from netclaims.learn.tables import read_table


@command
def main(key: str) -> None:
    """Compare the nets of experiment `key` with their functions on the held-out points."""
    settings = load_section("fit", key, FitSettings)
    experiment = load_experiment(settings.nets)
    outputs = {int(run): values for run, values in load_file(RUNS / settings.nets / "outputs.safetensors").items()}
    x, *truth = (np.load(DATA / "functions" / f"{name}.npy") for name in ["test_x", *experiment.functions])
    curves = fitted_curves(
        tuned(experiment, read_table(settings.nets, "nets")),
        outputs,
        x,
        dict(zip(experiment.functions, truth, strict=True)),
    )
    write_analysis("fit", key, settings.nets, curves, fit_numbers(curves))


if __name__ == "__main__":
    main()
