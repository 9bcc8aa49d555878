"""Write data/<name>, which every experiment on that data reads: `python stages/prepare.py mnist`."""

import sys

from netclaims.command import command
from netclaims.data.prepare import Preparation, prepare
from netclaims.recipes.read import read_recipe


@command
def main(name: str) -> None:
    """Prepare data `name` from the source that its recipe names."""
    sys.stderr.write(f"{prepare(read_recipe('prepare', name, Preparation).settings)}\n")


if __name__ == "__main__":
    main()
