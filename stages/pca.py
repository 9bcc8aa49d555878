"""Trajectories of the weights in their main plane, and the loss around them: `python stages/pca.py d-trajectory`."""

import netclaims  # noqa: F401  # isort: skip (first: it tells numpy and torch which kernels to take)
import sys
from dataclasses import dataclass

import pandas as pd
import torch

from netclaims.analysis.loss_landscape import losses_on, main_plane, plane_numbers, random_plane
from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.analysis.weight_pca import distances, trajectories
from netclaims.command import command
from netclaims.data.examples import Examples, parts
from netclaims.experiment import Experiment
from netclaims.files import write_table
from netclaims.nets.network import Network
from netclaims.parallel.jobs import in_parallel
from netclaims.recipes.read import read_recipe
from netclaims.tables.pca import PCA
from netclaims.training.artifacts import read_snapshots
from netclaims.training.random_streams import stream


@dataclass(frozen=True)
class Pca:
    """The settings of a `pca` recipe.

    Attributes:
        nets: the experiment, of one net.
        seed: of random walks and directions.
        stops: whether a rule may have ended the nets before their epochs were over.
        layer: the layer that is followed by itself, counted from 1 among those with weights.
        points: positions a side of the planes on which the loss is drawn.
        examples: first ones of the training set, whose loss that is.
    """

    nets: Experiment
    seed: int
    stops: bool
    layer: int
    points: int
    examples: int


@command
def main(key: str) -> None:
    """Analyse the snapshots of experiment `key`, and the surface around those of its first net that did not diverge."""
    torch.set_num_threads(1)  # bytes are the same on any number of cores then
    settings = read_recipe("pca", key, Pca).settings
    experiment, seed = settings.nets, settings.seed
    snapshots, replicas, epochs = read_snapshots(experiment.key, settings.stops)
    if not replicas:
        sys.exit(f"{key}: every net diverged, and there is no path to follow")
    scopes = {f"layer {settings.layer}": settings.layer, "whole model": None}
    paths, numbers, explained = trajectories(snapshots, replicas, epochs, scopes, stream(seed, key, "walk"))
    (layers,) = experiment.models.values()
    network = Network(layers, experiment.activation, experiment.example)
    train, _ = parts(experiment, (experiment.functions or [])[:1])
    data = Examples(train.x[: settings.examples], train.y[:, : settings.examples])
    run = {name: w[0] for name, w in snapshots.items()}
    planes = [
        main_plane(run, epochs, settings.points),
        random_plane(run, epochs, settings.points, stream(seed, key, "surface")),
    ]
    found = in_parallel(losses_on, [(network, plane, experiment.loss, data) for plane in planes], key)
    numbers |= {"surface": plane_numbers(planes[0], found[0][1])}
    surface, path = (pd.concat(tables) for tables in zip(*found, strict=True))
    write_analysis("pca", key, experiment.key, paths, numbers, explained=explained, surface=surface, path=path)
    write_table(replicas_of(key, "pca"), PCA.checked(distances(snapshots, replicas, epochs, scopes)))


if __name__ == "__main__":
    main()
