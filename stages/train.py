"""Train the networks of one experiment: `python stages/train.py d-capacity`."""

from netclaims.learn.command import command
from netclaims.learn.config import load_experiment
from netclaims.learn.data import examples
from netclaims.learn.execution import train_all
from netclaims.learn.params import load_params
from netclaims.learn.plan import plan
from netclaims.learn.store import write_runs
from netclaims.learn.summary import write_summary


@command
def main(key: str) -> None:
    """Train experiment `key` and write its runs, metrics and curves."""
    params, experiment = load_params(), load_experiment(key)
    runs = plan(key, experiment, params, examples(experiment))
    write_runs(experiment, runs, train_all(runs, experiment))
    write_summary(experiment, params, runs)


if __name__ == "__main__":
    main()
