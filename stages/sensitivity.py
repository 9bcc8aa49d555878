"""Three kinds of sensitivity of trained nets: `python stages/sensitivity.py d-sensitivity`."""

import pandas as pd
import torch

from netclaims.analysis.sections import SensitivitySettings, load_section, write_analysis
from netclaims.analysis.sensitivity import sensitivities
from netclaims.learn.command import command
from netclaims.learn.config import EXAMPLE, load_experiment
from netclaims.learn.data import Part, images
from netclaims.learn.networks import Network
from netclaims.learn.store import read_weights
from netclaims.learn.summary import identity, with_series
from netclaims.learn.tables import mean_and_deviation, read_table, spread


@command
def main(key: str) -> None:
    """Measure the nets of experiment `key`."""
    torch.set_num_threads(2)
    settings, experiment = load_section("sensitivity", key, SensitivitySettings), load_experiment(key)
    test = images(experiment.data)[1]
    test = Part(test.x[: settings.examples], test.y[:, : settings.examples])
    weights, rows = read_weights(key), []
    for run, nets in read_table(key, "nets").groupby("run"):
        model = experiment.models[nets["model"].iloc[0]]
        network = Network(model.layers, experiment.activation, EXAMPLE[experiment.data])
        found = sensitivities(network, weights[run], experiment.loss, test)
        rows.append(nets.assign(**{name: value.numpy() for name, value in found.items()}))
    table = with_series(experiment, pd.concat(rows))
    columns = ["loss_by_input", "output_by_input", "loss_by_parameters"]
    curves = spread(table, ["series", *identity(experiment), "parameters"], columns)
    numbers = {
        series: {name: mean_and_deviation(group[name]) for name in columns}
        for series, group in table.groupby("series", sort=False)
    }
    write_analysis("sensitivity", key, curves, numbers)


if __name__ == "__main__":
    main()
