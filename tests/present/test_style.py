"""The look of figures is the project's own: nothing that a user has set up for matplotlib changes a byte."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

PACKAGE = Path(__file__).parents[2] / "src"
CODE = """
import sys
from pathlib import Path
from types import SimpleNamespace
from netclaims.files import read_csv
from netclaims.present.claims_figure import draw_claims
from netclaims.present.figures import draw
from netclaims.present.svg import save
from netclaims.present.verdicts_figure import draw_verdicts
from netclaims.settings.figures import FigureSettings

folder = Path(sys.argv[1])
about = {"data": "Digits", "scale": "quick", "train_examples": 40, "test_examples": 10, "epochs": 3, "epochs_stated": 3,
         "replicas": 3, "loss": "mse", "models": {"A": {"diverged": 0}}}
spec = FigureSettings(title="A title", x="epoch", y=["curves.loss"], lines="model", log=["loss"]).plain()
save(draw("x-y", spec, about), folder / "lines.svg")
contours = FigureSettings(title="A title", kind="contours", x="x", y=["surface.loss"]).plain()
save(draw("x-y", contours, about), folder / "contours.svg")
save(draw_claims(read_csv(Path("claims.csv")), "quick"), folder / "claims.svg")
claim = SimpleNamespace(report="a", part="1-1", question="capacity")
save(draw_verdicts({"a-one": claim}, {"a-one": "refuted"}, ["a-one"], "quick"), folder / "verdicts.svg")
"""
OWN = """
backend: agg
font.family: serif
font.serif: STIXGeneral
font.size: 17
mathtext.fontset: stix
axes.titlesize: 30
axes.labelcolor: red
axes.facecolor: yellow
axes.prop_cycle: cycler('color', ['00ff00', 'ff00ff'])
axes.unicode_minus: False
axes.formatter.limits: -1, 1
axes.xmargin: 0.4
text.color: red
lines.markeredgewidth: 4
lines.solid_capstyle: round
image.cmap: gray
figure.dpi: 300
figure.constrained_layout.h_pad: 0.5
legend.edgecolor: blue
legend.labelspacing: 2
savefig.dpi: 50
savefig.facecolor: black
savefig.transparent: True
svg.fonttype: path
svg.hashsalt: mine
path.simplify: False
xtick.direction: in
xtick.minor.visible: True
contour.linewidth: 5
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Draws four figures in a process of its own, with an environment; their bytes by name."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "plots/x/x-y").mkdir(parents=True)
    lines = [{"model": model, "epoch": epoch, "loss": 10.0 ** (epoch - 2 * (model == "A"))}
             for model in "AB" for epoch in range(4)]  # fmt: skip
    pd.DataFrame(lines).to_csv(folder / "plots/x/x-y/curves.csv", index=False)
    cells = [{"x": x, "y": y, "loss": x**2 + y} for x in range(4) for y in range(4)]
    pd.DataFrame(cells).to_csv(folder / "plots/x/x-y/surface.csv", index=False)
    row = {"claim": "a-one", "report": "a", "quote": "it falls", "unit": "rho", "effect": -0.5, "low": -0.7,
           "high": -0.1, "claimed_low": 0, "claimed_high": 1, "verdict": "refuted"}  # fmt: skip
    pd.DataFrame([row]).to_csv(folder / "claims.csv", index=False)

    def draw(name: str, **environment: str) -> dict[str, bytes]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith("MPL") and key != "MATPLOTLIBRC"}
        mine |= {"PYTHONPATH": str(PACKAGE)} | environment
        subprocess.run([sys.executable, "-c", CODE, name], cwd=folder, env=mine, check=True)  # noqa: S603 (a list, no shell)
        return {path.name: path.read_bytes() for path in (folder / name).iterdir()}

    return draw


@pytest.fixture(scope="module")
def plain(drawn):
    return drawn("plain")


def test_a_matplotlibrc_changes_nothing(drawn, plain, tmp_path):
    (tmp_path / "matplotlibrc").write_text(OWN)
    assert drawn("own", MATPLOTLIBRC=str(tmp_path / "matplotlibrc")) == plain
    assert set(plain) == {"lines.svg", "contours.svg", "claims.svg", "verdicts.svg"}


@pytest.mark.parametrize("backend", ["pdf", "tkagg"])
def test_a_backend_changes_nothing(backend, drawn, plain):
    assert drawn(backend, MPLBACKEND=backend) == plain


def test_what_draws_needs_neither_torch_nor_the_schema_of_settings():
    code = (
        "import sys; from netclaims.present import alt_text, claims_figure, figures, svg; "
        "print(*{'torch', 'pydantic'} & set(sys.modules))"
    )
    words = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE)}
    found = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 (a list, no shell)
    assert found.stdout.split() == []
