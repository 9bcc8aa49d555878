"""Write data/<name>, which every experiment on that data reads: `python stages/prepare.py mnist`."""

import sys

from netclaims.learn.command import command
from netclaims.learn.params import load_params
from netclaims.learn.prepare import prepare


@command
def main(name: str) -> None:
    """Prepare data `name` from the source that `params.yaml` picks."""
    sys.stderr.write(f"{prepare(name, load_params())}\n")


if __name__ == "__main__":
    main()
