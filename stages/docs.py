"""Write the table of all experiments: `python stages/docs.py`."""

from dataclasses import dataclass

from netclaims.command import command
from netclaims.paths import EXPERIMENTS_TABLE
from netclaims.present.experiments_table import experiments_table
from netclaims.present.facts import Facts
from netclaims.recipes.read import read_recipe


@dataclass(frozen=True)
class Docs:
    """The settings of the `docs` recipe: the experiments of every report."""

    reports: dict[str, list[Facts]]


@command
def main() -> None:
    """Write `docs/experiments.md`."""
    text = experiments_table(read_recipe("docs", None, Docs).settings.reports)
    EXPERIMENTS_TABLE.parent.mkdir(exist_ok=True)
    EXPERIMENTS_TABLE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
