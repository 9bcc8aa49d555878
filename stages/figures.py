"""Draw the figures of a report: `python stages/figures.py d`."""

from netclaims.learn.command import command
from netclaims.learn.paths import FIGURES, metrics_of, report_of
from netclaims.learn.processes import each
from netclaims.learn.tables import read_json
from netclaims.present.config import FigureSettings, load_figures
from netclaims.present.figures import draw, save


@command
def main(report: str) -> None:
    """Draw every figure of `report` into `plots/figures/<report>/<experiment>/`."""
    jobs = [
        (key, settings.nets, name, figure)
        for key, settings in load_figures(report).items()
        for name, figure in settings.draw.items()
    ]
    each([(_draw, job) for job in jobs], f"figures of report {report}")


def _draw(key: str, nets: str, name: str, figure: FigureSettings) -> None:
    save(draw(key, figure, read_json(metrics_of(nets))), FIGURES / report_of(key) / key / f"{name}.svg")


if __name__ == "__main__":
    main()
