"""Train the networks of one experiment: `python stages/train.py d-capacity`."""

from netclaims.command import command
from netclaims.parallel.jobs import cluster
from netclaims.recipes.read import read_recipe
from netclaims.training.all_runs import train_all
from netclaims.training.artifacts import write_runs
from netclaims.training.device import choose, wanted
from netclaims.training.runs import runs_of
from netclaims.training.settings import Training
from netclaims.training.summary import write_summary


@command
def main(key: str) -> None:
    """Train experiment `key` and write its runs, metrics and curves."""
    recipe = read_recipe("train", key, Training)
    runs = runs_of(recipe.settings, choose(wanted(), bool(cluster())))
    write_runs(recipe.settings, runs, train_all(runs, recipe.settings, recipe.versions))
    write_summary(recipe.settings, runs)


if __name__ == "__main__":
    main()
