"""Trajectories of the weights in their main plane, and the loss around them: `python stages/pca.py d-trajectory`."""

import sys

import pandas as pd
import torch

from netclaims.analysis.sections import PcaSettings, load_section, replicas_of, write_analysis
from netclaims.analysis.surface import losses_on, main_plane, plane_numbers, random_plane
from netclaims.analysis.trajectory import distances, trajectories
from netclaims.learn.command import command
from netclaims.learn.config import EXAMPLE, load_experiment
from netclaims.learn.data import Part, parts
from netclaims.learn.execution import in_parallel
from netclaims.learn.networks import Network
from netclaims.learn.params import load_params
from netclaims.learn.store import read_snapshots
from netclaims.learn.streams import stream
from netclaims.learn.tables import write_table


@command
def main(key: str) -> None:
    """Analyse the snapshots of experiment `key`, and the surface around those of its first run."""
    torch.set_num_threads(1)  # the same bytes on any number of cores
    settings, seed = load_section("pca", key, PcaSettings), load_params().seed
    experiment = load_experiment(settings.nets)
    snapshots, epochs = read_snapshots(settings.nets)
    if not len(snapshots["1.weight"]):
        sys.exit(f"{key}: every net diverged, and there is no path to follow")
    scopes = {f"layer {settings.layer}": settings.layer, "whole model": None}
    paths, numbers, explained = trajectories(snapshots, epochs, scopes, stream(seed, key, "walk"))
    (model,) = experiment.models.values()
    network = Network(model.layers, experiment.activation, EXAMPLE[experiment.data])
    train, _ = parts(experiment, (experiment.functions or [])[:1])
    data = Part(train.x[: settings.examples], train.y[:, : settings.examples])
    run = {name: w[0] for name, w in snapshots.items()}
    planes = [
        main_plane(run, epochs, settings.points),
        random_plane(run, epochs, settings.points, stream(seed, key, "surface")),
    ]
    found = in_parallel(losses_on, [(network, plane, experiment.loss, data) for plane in planes], key)
    numbers |= {"surface": plane_numbers(planes[0], found[0][1])}
    surface, path = (pd.concat(tables) for tables in zip(*found, strict=True))
    write_analysis("pca", key, settings.nets, paths, numbers, explained=explained, surface=surface, path=path)
    write_table(replicas_of(key, "pca"), distances(snapshots, epochs, scopes))


if __name__ == "__main__":
    main()
