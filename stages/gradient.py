"""Gradient norm and loss along training: `python stages/gradient.py d-gradient-norm`."""

from dataclasses import dataclass

from netclaims.analysis.gradient_norm import gradient_curves
from netclaims.analysis.output import write_analysis
from netclaims.command import command
from netclaims.experiment import Experiment
from netclaims.files import read_table
from netclaims.recipes.read import read_recipe
from netclaims.training.selection import tuned, with_series


@dataclass(frozen=True)
class GradientNorm:
    """The settings of a `gradient` recipe: the nets, and what their gradient norm is recorded by, `step` or `epoch`."""

    nets: Experiment
    against: str


@command
def main(key: str) -> None:
    """Analyse the gradient norms of experiment `key`."""
    settings = read_recipe("gradient", key, GradientNorm).settings
    experiment = settings.nets
    if settings.against == "step":
        table = read_table(experiment.key, "steps")
    else:  # the gradient is that of the loss on the training set
        table = read_table(experiment.key, "history").rename(columns={"train_loss": "loss"})
    names = experiment.identity
    nets = with_series(experiment, tuned(experiment, read_table(experiment.key, "nets")))
    nets = nets[["series", "run", "member", "replica", "diverged", *names]]
    table = table[["run", "member", settings.against, "loss", "gradient_norm"]].merge(nets, on=["run", "member"])
    curves, numbers = gradient_curves(table, settings.against, ["series", *names])
    write_analysis("gradient", key, experiment.key, curves, numbers)


if __name__ == "__main__":
    main()
