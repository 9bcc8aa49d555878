"""Trajectories of the weights in their main plane, and the loss around them: `python stages/pca.py d-trajectory`."""

import sys

import pandas as pd
import torch

from netclaims.analysis.loss_landscape import losses_on, main_plane, plane_numbers, random_plane
from netclaims.analysis.output import replicas_of, write_analysis
from netclaims.analysis.weight_pca import distances, trajectories
from netclaims.command import command
from netclaims.data.examples import Examples, parts
from netclaims.files import write_table
from netclaims.nets.network import Network
from netclaims.parallel.jobs import in_parallel
from netclaims.settings.analyses import PcaSettings, load_section
from netclaims.settings.experiments import EXAMPLE, load_experiment
from netclaims.settings.params import load_params
from netclaims.training.artifacts import read_snapshots
from netclaims.training.random_streams import stream


@command
def main(key: str) -> None:
    """Analyse the snapshots of experiment `key`, and the surface around those of its first net that did not diverge."""
    torch.set_num_threads(1)  # the same bytes on any number of cores
    settings, seed = load_section("pca", key, PcaSettings), load_params().seed
    experiment = load_experiment(settings.nets)
    snapshots, replicas, epochs = read_snapshots(settings.nets, experiment)
    if not replicas:
        sys.exit(f"{key}: every net diverged, and there is no path to follow")
    scopes = {f"layer {settings.layer}": settings.layer, "whole model": None}
    paths, numbers, explained = trajectories(snapshots, replicas, epochs, scopes, stream(seed, key, "walk"))
    (model,) = experiment.models.values()
    network = Network(model.layers, experiment.activation, EXAMPLE[experiment.data])
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
    write_analysis("pca", key, settings.nets, paths, numbers, explained=explained, surface=surface, path=path)
    write_table(replicas_of(key, "pca"), distances(snapshots, replicas, epochs, scopes))


if __name__ == "__main__":
    main()
