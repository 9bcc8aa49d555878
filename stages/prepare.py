"""Write data/<name>, which every experiment on that data reads: `python stages/prepare.py mnist`."""

import sys

from netclaims.command import command
from netclaims.data.prepare import prepare
from netclaims.settings.params import load_params


@command
def main(name: str) -> None:
    """Prepare data `name` from the source that `params.yaml` picks."""
    sys.stderr.write(f"{prepare(name, load_params())}\n")


if __name__ == "__main__":
    main()
