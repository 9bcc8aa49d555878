"""Draw the figures of an experiment: `python stages/figures.py d-capacity`."""

from netclaims.analysis.sections import load_section
from netclaims.learn.command import command
from netclaims.learn.tables import METRICS, PLOTS, read_json
from netclaims.present.config import FiguresSettings
from netclaims.present.figures import draw, save


@command
def main(key: str) -> None:
    """Draw every figure of experiment `key` into `plots/figures/<key>/`."""
    settings = load_section("figures", key, FiguresSettings)
    about = read_json(METRICS / f"{key}.json")
    folder = PLOTS / "figures" / key
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in settings.draw.items():
        save(draw(key, figure, about), folder / f"{name}.svg")


if __name__ == "__main__":
    main()
