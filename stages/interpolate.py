"""Nets on the line between two trained ones: `python stages/interpolate.py d-interpolation`."""

import numpy as np
import pandas as pd
import torch

from netclaims.analysis.interpolation import along, line_numbers
from netclaims.analysis.sections import InterpolateSettings, load_section, write_analysis
from netclaims.learn.command import command
from netclaims.learn.config import EXAMPLE, load_experiment
from netclaims.learn.data import images
from netclaims.learn.networks import Network, member
from netclaims.learn.store import read_weights
from netclaims.learn.tables import read_table, spread


@command
def main(key: str) -> None:
    """Interpolate between the nets of experiment `key`, replica by replica."""
    torch.set_num_threads(2)
    settings, experiment = load_section("interpolate", key, InterpolateSettings), load_experiment(key)
    weights, nets = read_weights(key), read_table(key, "nets")
    data = dict(zip(("train", "test"), images(experiment.data), strict=True))
    start, end = (nets[nets[settings.over] == value] for value in settings.between)
    alpha = np.linspace(*settings.alpha, settings.points)
    lines = []
    for one, other in zip(start.itertuples(), end.itertuples(), strict=True):
        network = Network(experiment.models[one.model].layers, experiment.activation, EXAMPLE[experiment.data])
        ends = (member(weights[net.run], net.member) for net in (one, other))
        lines.append(along(network, *ends, alpha, experiment.loss, data).assign(replica=one.replica))
    table = pd.concat(lines)
    curves = spread(table, ["split", "alpha"], ["loss", "accuracy"])
    write_analysis("interpolate", key, curves, line_numbers(table))


if __name__ == "__main__":
    main()
