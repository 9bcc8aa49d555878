"""Nets on the line between two trained ones: `python stages/interpolate.py d-interpolation`."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
from dataclasses import dataclass

import numpy as np
import pandas as pd

from netclaims.analysis.interpolation import MATCHED, along, inside, line_numbers, pairs
from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.analysis.sensitivity import COLUMNS
from netclaims.analysis.weight_matching import matched
from netclaims.command import command
from netclaims.data.examples import first_examples, images, measured_part, parts
from netclaims.experiment import Experiment
from netclaims.files import read_table, write_table
from netclaims.nets.layers import Conv
from netclaims.nets.network import Network, Weights, member
from netclaims.parallel.jobs import in_parallel
from netclaims.recipes.read import read_recipe
from netclaims.spread import spread
from netclaims.tables.interpolate import INTERPOLATE
from netclaims.training.artifacts import read_weights


@dataclass(frozen=True)
class Interpolation:
    """The settings of an `interpolate` recipe.

    Attributes:
        nets: the experiment.
        over: the swept setting.
        between: its values at α = 0 and at α = 1.
        alpha: range of α.
        points: positions on it, ends included.
        examples: of the test set, on which sensitivities are measured; None if they are not.
        control: whether nets of the first value were trained once more, with the data in another order.
    """

    nets: Experiment
    over: str
    between: list[float]
    alpha: list[float]
    points: int
    examples: int | None
    control: bool


@command
def main(key: str) -> None:
    """Interpolate between the nets that `key` names, kind of pair by kind of pair and replica by replica."""
    settings = read_recipe("interpolate", key, Interpolation).settings
    experiment = settings.nets
    weights, nets = read_weights(experiment.key), read_table(experiment.key, "nets")
    controls = read_table(experiment.key, "controls") if settings.control else None
    dense = [name for name, layers in experiment.models.items() if Conv not in map(type, layers)]
    images(experiment.data)  # all processes share what is read here
    jobs = []
    for line in pairs(nets, settings.over, settings.between, dense, controls).to_dict("records"):
        start, end = (member(weights[line[f"run_{at}"]], line[f"member_{at}"]) for at in ("start", "end"))
        jobs.append((settings, line, start, end))
    table = pd.concat(in_parallel(_line, jobs, key))
    columns = ["loss", "accuracy", *(COLUMNS if settings.examples else [])]
    curves = spread(table, ["model", "pair", "split", "alpha"], columns)
    barriers, numbers = line_numbers(table)
    write_analysis("interpolate", key, experiment.key, curves, numbers, barriers=barriers)
    write_table(replicas_of(key, "interpolate"), INTERPOLATE.checked(table))


def _line(settings: Interpolation, line: dict, start: Weights, end: Weights) -> pd.DataFrame:
    """Measure one pair: the report's own kind on the whole range, the others where the barrier is defined."""
    experiment = settings.nets
    network = Network(experiment.models[line["model"]], experiment.activation, experiment.example)
    train, test = parts(experiment, [])
    splits = {"train": measured_part(experiment, train, test), "test": test}
    alpha, probe = np.linspace(*settings.alpha, settings.points), None
    if not line["own"]:
        alpha = alpha[inside(alpha)]
    elif settings.examples:
        probe = first_examples(test, settings.examples)
    if line["pair"] == MATCHED:
        end = matched(start, end)
    table = along(network, start, end, alpha, experiment.loss, splits, probe)
    return table.assign(**{name: line[name] for name in ("model", "pair", "replica")})


if __name__ == "__main__":
    main()
