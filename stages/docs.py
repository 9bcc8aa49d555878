"""Write the table of all experiments: `python stages/docs.py`."""

from netclaims.command import command
from netclaims.paths import EXPERIMENTS_TABLE
from netclaims.present.experiments_table import experiments_table


@command
def main() -> None:
    """Write `docs/experiments.md`."""
    EXPERIMENTS_TABLE.parent.mkdir(exist_ok=True)
    EXPERIMENTS_TABLE.write_text(experiments_table(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
