"""Gradient norm and loss along training: `python stages/gradient.py d-gradient-norm`."""

from netclaims.analysis.gradient_norm import gradient_curves
from netclaims.analysis.output import write_analysis
from netclaims.command import command
from netclaims.files import read_table
from netclaims.settings.analyses import GradientSettings, load_section
from netclaims.settings.experiments import load_experiment
from netclaims.training.selection import identity, tuned, with_series


@command
def main(key: str) -> None:
    """Analyse the gradient norms of experiment `key`."""
    settings = load_section("gradient", key, GradientSettings)
    experiment = load_experiment(settings.nets)
    if settings.against == "step":
        table = read_table(settings.nets, "steps")
    else:  # the loss whose gradient it is: that of the training set
        table = read_table(settings.nets, "history").rename(columns={"train_loss": "loss"})
    names = identity(experiment)
    nets = with_series(experiment, tuned(experiment, read_table(settings.nets, "nets")))
    nets = nets[["series", "run", "member", "replica", "diverged", *names]]
    table = table[["run", "member", settings.against, "loss", "gradient_norm"]].merge(nets, on=["run", "member"])
    curves, numbers = gradient_curves(table, settings.against, ["series", *names])
    write_analysis("gradient", key, settings.nets, curves, numbers)


if __name__ == "__main__":
    main()
