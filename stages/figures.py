"""Draw the figures of a report: `python stages/figures.py d`."""

from netclaims.command import command
from netclaims.files import read_json
from netclaims.parallel.processes import each
from netclaims.paths import FIGURES, metrics_of, report_of
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.figures import draw
from netclaims.present.svg import save
from netclaims.settings.figures import load_figures


@command
def main(report: str) -> None:
    """Draw every figure of `report` into `plots/figures/<report>/<experiment>/`."""
    jobs = [
        (key, settings.nets, name, figure.plain())
        for key, settings in load_figures(report).items()
        for name, figure in settings.draw.items()
    ]
    each([(_draw, job) for job in jobs], f"figures of report {report}")


def _draw(key: str, nets: str, name: str, figure: FigureSpec) -> None:
    save(draw(key, figure, read_json(metrics_of(nets))), FIGURES / report_of(key) / key / f"{name}.svg")


if __name__ == "__main__":
    main()
