"""Nets on the line between two trained ones: `python stages/interpolate.py d-interpolation`."""

import numpy as np
import pandas as pd

from netclaims.analysis.interpolation import along, line_numbers
from netclaims.analysis.sections import InterpolateSettings, load_section, write_analysis
from netclaims.analysis.sensitivity import COLUMNS
from netclaims.learn.command import command
from netclaims.learn.config import EXAMPLE, Experiment, load_experiment
from netclaims.learn.data import Part, images
from netclaims.learn.execution import in_parallel
from netclaims.learn.networks import Network, Weights, member
from netclaims.learn.store import read_weights
from netclaims.learn.tables import read_table, spread


@command
def main(key: str) -> None:
    """Interpolate between the nets that `key` names, model by model and replica by replica."""
    settings = load_section("interpolate", key, InterpolateSettings)
    experiment = load_experiment(settings.nets)
    weights, nets = read_weights(settings.nets), read_table(settings.nets, "nets")
    images(experiment.data)  # read once, for all processes
    start, end = (nets[nets[settings.over] == value] for value in settings.between)
    jobs = [
        (experiment, settings, one.model, one.replica, *(member(weights[net.run], net.member) for net in (one, other)))
        for one, other in zip(start.itertuples(), end.itertuples(), strict=True)
    ]
    table = pd.concat(in_parallel(_line, jobs, key))
    curves = spread(table, ["model", "split", "alpha"], ["loss", "accuracy", *(COLUMNS if settings.examples else [])])
    write_analysis("interpolate", key, settings.nets, curves, line_numbers(table))


def _line(
    experiment: Experiment, settings: InterpolateSettings, model: str, replica: int, start: Weights, end: Weights
) -> pd.DataFrame:
    network = Network(experiment.models[model].layers, experiment.activation, EXAMPLE[experiment.data])
    train, test = images(experiment.data)
    probe = Part(test.x[: settings.examples], test.y[:, : settings.examples]) if settings.examples else None
    alpha = np.linspace(*settings.alpha, settings.points)
    line = along(network, start, end, alpha, experiment.loss, {"train": train, "test": test}, probe)
    return line.assign(model=model, replica=replica)


if __name__ == "__main__":
    main()
