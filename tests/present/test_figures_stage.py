"""The stage that draws the figures of a report: one that fails does not take the others with it."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from netclaims.errors import DataError
from netclaims.files import write_json
from netclaims.settings.figures import FigureSettings

STAGE = Path(__file__).parents[2] / "stages" / "figures.py"
ABOUT = {
    "data": "Some digits", "scale": "quick", "train_examples": 4000, "test_examples": 1000, "epochs": 7,
    "epochs_stated": 25, "replicas": 3, "loss": "cross_entropy", "models": {"A": {"parameters": 9, "diverged": 0}},
}  # fmt: skip


@pytest.fixture
def draw_report(write, write_recipe, monkeypatch):
    """Runs the stage on the figures of x-y."""
    write([{"epoch": epoch, "series": "A", "loss": 1.0} for epoch in range(3)])
    write_json(Path("metrics/x/x-y.json"), ABOUT)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")

    def run(**figures) -> None:
        plain = {name: vars(FigureSettings(title="A title", x="epoch", y=[y]).plain()) for name, y in figures.items()}
        drawn = {"x-y": {"nets": "x-y", "draw": plain}} if plain else {}
        write_recipe("figures", "x", json.loads(json.dumps({"figures": drawn})))
        monkeypatch.setattr(sys, "argv", [str(STAGE), "x"])
        runpy.run_path(str(STAGE), run_name="__main__")

    return run


def test_a_figure_that_fails_is_named_and_the_others_are_drawn(draw_report, capfd):
    draw_report(broken="curves.height", sound="curves.loss")
    told = capfd.readouterr().err
    where = "reports/x.yaml: figures.x-y.draw"
    assert f"{where}.broken: plots/x/x-y/curves.csv: no column height; there are epoch, series, loss\n" in told
    assert "sound" not in told
    folder = Path("plots/figures/x/x-y")
    assert sorted(path.stem for path in folder.iterdir()) == ["broken", "sound"]
    text = {path.stem: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert "not drawn: " in text["broken"]
    assert "not drawn" not in text["sound"]


def test_a_figure_of_what_has_not_run_is_told_and_not_there(draw_report, capfd):
    old = Path("plots/figures/x/x-y/more.svg")
    old.parent.mkdir(parents=True)
    old.write_text("of another run", encoding="utf-8")
    draw_report(more="other.loss", sound="curves.loss")
    assert capfd.readouterr().err == "not drawn, as their nets are not analysed: x-y.more\n"
    assert [path.stem for path in old.parent.iterdir()] == ["sound"]


def test_a_damaged_table_fails_the_stage(draw_report):
    Path("plots/x/x-y/curves.csv").write_text('"')
    with pytest.raises((SystemExit, DataError)) as stopped:
        draw_report(sound="curves.loss")
    assert "plots/x/x-y/curves.csv: not as its stage wrote it" in str(stopped.value)


def test_a_report_without_figures_has_a_folder_for_them(draw_report):
    """DVC takes a stage that has not written what it says for one that failed."""
    draw_report()
    assert list(Path("plots/figures/x").iterdir()) == []
