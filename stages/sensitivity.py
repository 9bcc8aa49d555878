"""Three kinds of sensitivity of trained nets: `python stages/sensitivity.py d-sensitivity`."""

import pandas as pd

from netclaims.analysis.sections import SensitivitySettings, load_section, write_analysis
from netclaims.analysis.sensitivity import COLUMNS, sensitivities
from netclaims.learn.command import command
from netclaims.learn.config import EXAMPLE, Experiment, load_experiment
from netclaims.learn.data import Part, images
from netclaims.learn.execution import in_parallel
from netclaims.learn.networks import Network, Weights
from netclaims.learn.store import read_weights
from netclaims.learn.summary import identity, with_series
from netclaims.learn.tables import mean_and_deviation, read_table, spread


@command
def main(key: str) -> None:
    """Measure the nets that `key` names."""
    settings = load_section("sensitivity", key, SensitivitySettings)
    experiment = load_experiment(settings.nets)
    weights, nets = read_weights(settings.nets), read_table(settings.nets, "nets")
    images(experiment.data)  # read once, for all processes
    jobs = [(experiment, settings.examples, group, weights[run]) for run, group in nets.groupby("run")]
    table = with_series(experiment, pd.concat(in_parallel(_measure, jobs, key)))
    curves = spread(table, ["series", *identity(experiment), "parameters"], COLUMNS)
    numbers = {
        series: {name: mean_and_deviation(group[name]) for name in COLUMNS}
        for series, group in table.groupby("series", sort=False)
    }
    write_analysis("sensitivity", key, settings.nets, curves, numbers)


def _measure(experiment: Experiment, examples: int, nets: pd.DataFrame, weights: Weights) -> pd.DataFrame:
    """The nets of one run, all of one architecture, with a column for each sensitivity."""
    network = Network(experiment.models[nets["model"].iloc[0]].layers, experiment.activation, EXAMPLE[experiment.data])
    _, test = images(experiment.data)
    probe = Part(test.x[:examples], test.y[:, :examples])
    found = sensitivities(network, weights, experiment.loss, probe)
    return nets.assign(**{name: value.numpy() for name, value in found.items()})


if __name__ == "__main__":
    main()
