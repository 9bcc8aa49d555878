"""Train the networks of one experiment: `python stages/train.py d-capacity`."""

from netclaims.command import command
from netclaims.data.examples import train_size
from netclaims.settings.experiments import load_experiment
from netclaims.settings.params import load_params
from netclaims.training.all_runs import train_all
from netclaims.training.artifacts import write_runs
from netclaims.training.runs import plan
from netclaims.training.summary import write_summary


@command
def main(key: str) -> None:
    """Train experiment `key` and write its runs, metrics and curves."""
    params, experiment = load_params(), load_experiment(key)
    runs = plan(key, experiment, params, train_size(experiment))
    write_runs(experiment, runs, train_all(runs, experiment))
    write_summary(experiment, params, runs)


if __name__ == "__main__":
    main()
