"""Trajectories of the weights in their main plane: `python stages/pca.py d-trajectory`."""

from netclaims.analysis.sections import PcaSettings, load_section, write_analysis
from netclaims.analysis.trajectory import trajectories
from netclaims.learn.command import command
from netclaims.learn.store import read_snapshots


@command
def main(key: str) -> None:
    """Analyse the snapshots of experiment `key`."""
    settings = load_section("pca", key, PcaSettings)
    snapshots, epochs = read_snapshots(settings.nets)
    scopes = {f"layer {settings.layer}": settings.layer, "whole model": None}
    write_analysis("pca", key, settings.nets, *trajectories(snapshots, epochs, scopes))


if __name__ == "__main__":
    main()
