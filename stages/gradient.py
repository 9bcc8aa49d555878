"""Gradient norm and loss, step by step: `python stages/gradient.py d-gradient-norm`."""

from netclaims.analysis.gradient import gradient_curves
from netclaims.analysis.sections import GradientSettings, load_section, write_analysis
from netclaims.learn.command import command
from netclaims.learn.tables import read_table


@command
def main(key: str) -> None:
    """Analyse the steps of experiment `key`."""
    load_section("gradient", key, GradientSettings)
    write_analysis("gradient", key, *gradient_curves(read_table(key, "steps"), read_table(key, "nets")))


if __name__ == "__main__":
    main()
