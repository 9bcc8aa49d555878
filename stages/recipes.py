"""Check params.yaml and reports/*.yaml, and write what every stage has to know: `python stages/recipes.py`."""

import sys

from netclaims.command import command
from netclaims.recipes.write import write_recipes


@command
def main() -> None:
    """Check every setting, and write a recipe for every stage; what comes after waits for that."""
    sys.stderr.write(f"{write_recipes()} recipes\n")


if __name__ == "__main__":
    main()
