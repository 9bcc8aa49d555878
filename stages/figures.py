"""Draw the figures of a report: `python stages/figures.py d`."""

import shutil
import sys
from dataclasses import dataclass

from netclaims.command import command
from netclaims.errors import attempt
from netclaims.files import read_json
from netclaims.parallel.processes import each
from netclaims.paths import FIGURES, metrics_of, plots_of, report_of, report_path
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.figures import draw, draw_failure
from netclaims.present.svg import save
from netclaims.recipes.read import read_recipe


@dataclass(frozen=True)
class Drawn:
    """What is drawn of one experiment or analysis: figures by the name of their file, of the nets of an experiment."""

    nets: str
    draw: dict[str, FigureSpec]


@dataclass(frozen=True)
class Figures:
    """The settings of a `figures` recipe, by experiment or analysis."""

    figures: dict[str, Drawn]


@command
def main(report: str) -> None:
    """Draw every figure of `report` whose nets are trained and analysed into `plots/figures/<report>/<experiment>/`."""
    drawn = read_recipe("figures", report, Figures).settings.figures
    untrained = [key for key, one in drawn.items() if not metrics_of(one.nets).exists()]
    trained = [
        (key, one.nets, name, figure)
        for key, one in drawn.items()
        if key not in untrained
        for name, figure in one.draw.items()
    ]
    jobs = [(key, nets, name, figure) for key, nets, name, figure in trained if _analysed(key, figure)]
    unanalysed = [f"{key}.{name}" for key, _, name, figure in trained if not _analysed(key, figure)]
    for why, left_out in (("trained", untrained), ("analysed", unanalysed)):
        if left_out:
            sys.stderr.write(f"not drawn, as their nets are not {why}: {', '.join(left_out)}\n")
    shutil.rmtree(FIGURES / report, ignore_errors=True)
    (FIGURES / report).mkdir(parents=True)  # a report may have none
    each([(_draw, job) for job in jobs], f"figures of report {report}")


def _analysed(key: str, figure: FigureSpec) -> bool:
    return all((plots_of(key) / f"{table}.csv").exists() for table, _ in figure.shown)


def _draw(key: str, nets: str, name: str, figure: FigureSpec) -> None:
    path = FIGURES / report_of(key) / key / f"{name}.svg"
    attempt(
        f"{report_path(key)}: figures.{key}.draw.{name}",
        lambda: save(draw(key, figure, read_json(metrics_of(nets))), path),
        lambda reason: save(draw_failure(figure.title, reason), path),
    )


if __name__ == "__main__":
    main()
