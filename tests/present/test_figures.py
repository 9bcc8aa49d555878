"""Figures: what they show, and that the same table gives the same bytes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from netclaims.learn.settings import SettingsError
from netclaims.present.config import FigureSettings, load_figures
from netclaims.present.figures import caption, draw, save

ROOT = Path(__file__).parents[2]
ABOUT = {
    "data": "Some digits", "scale": "quick", "train_examples": 4000, "epochs": 7, "epochs_stated": 25, "replicas": 3,
    "loss": "cross_entropy",
}  # fmt: skip


@pytest.fixture
def curves(tmp_path, monkeypatch):
    """Two nets whose training and test losses are known."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots" / "x" / "x-y").mkdir(parents=True)
    rows = [
        {"series": series, "split": split, "epoch": epoch, "loss": level / (1 + epoch)}
        for series, level in (("A", 1.0), ("B", 10.0))
        for split in ("train", "test")
        for epoch in range(5)
    ]
    table = pd.DataFrame(rows).eval("loss_low = loss * 0.5\nloss_high = loss * 2")
    table.to_csv(tmp_path / "plots" / "x" / "x-y" / "curves.csv", index=False)
    return table


def settings(**changes):
    return FigureSettings(**({"title": "A title", "x": "epoch", "y": ["curves.loss"], "lines": "series"} | changes))


def test_lines_and_bands_are_the_numbers_of_the_table(curves):
    axes = draw("x-y", settings(only={"split": "train"}), ABOUT).axes[0]
    a = curves[(curves["series"] == "A") & (curves["split"] == "train")]
    assert len(axes.lines) == 2
    np.testing.assert_allclose(axes.lines[0].get_ydata(), a["loss"])
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(a["loss_low"].min())
    assert band[:, 1].max() == pytest.approx(a["loss_high"].max())


def test_training_and_test_are_lines_of_their_own(curves):
    assert len(draw("x-y", settings(), ABOUT).axes[0].lines) == 4


def test_an_axis_is_logarithmic_where_asked_and_the_values_span_enough(curves):
    assert draw("x-y", settings(log=["loss"]), ABOUT).axes[0].get_yscale() == "log"
    assert draw("x-y", settings(), ABOUT).axes[0].get_yscale() == "linear"
    narrow = curves.assign(loss=1 + curves["loss"] / 100)
    for band, scale in (("loss_low", "log"), ("loss_high", "linear")):  # the one band, and then the other, is narrowed
        narrow = narrow.assign(**{band: narrow["loss"]})
        narrow.to_csv("plots/x/x-y/curves.csv", index=False)
        assert draw("x-y", settings(log=["loss"]), ABOUT).axes[0].get_yscale() == scale


def test_panels_side_by_side_have_scales_of_one_kind(curves):
    flat = curves["loss"].where(curves["series"] == "A", 1.0)  # alone, the panel of B would be linear
    curves.assign(loss=flat, loss_low=flat, loss_high=flat).to_csv("plots/x/x-y/curves.csv", index=False)
    figure = draw("x-y", settings(lines=None, columns="series", log=["loss"], only={"split": "test"}), ABOUT)
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log"]


def test_a_column_without_a_name_of_its_own_is_shown_by_its_words(curves):
    curves.assign(some_thing=curves["loss"], some_thing_low=0, some_thing_high=1).to_csv("plots/x/x-y/curves.csv")
    assert draw("x-y", settings(y=["curves.some_thing"]), ABOUT).axes[0].get_ylabel() == "some thing"


def test_a_panel_for_each_value_of_a_column(curves):
    figure = draw("x-y", settings(columns="split"), ABOUT)
    assert [axes.get_title() for axes in figure.axes] == ["train", "test"]


def test_a_mean_that_is_missing_is_a_gap_in_the_line(curves):
    curves.assign(loss=curves["loss"].where(curves["epoch"] < 3)).to_csv("plots/x/x-y/curves.csv", index=False)
    axes = draw("x-y", settings(log=["loss"]), ABOUT).axes[0]
    assert np.isnan(axes.lines[0].get_ydata()[3:]).all()


def test_the_caption_says_data_scale_epochs_and_replicas():
    assert caption(ABOUT) == "Some digits · quick scale: 4,000 training examples, 7 of 25 epochs · 3 replicas"
    assert "7 epochs" in caption(ABOUT | {"epochs_stated": 7})


def test_the_same_table_gives_the_same_bytes(curves, tmp_path):
    for name in ("one", "two"):
        save(draw("x-y", settings(), ABOUT), tmp_path / "new" / name / "figure.svg")
    content = (tmp_path / "new" / "one" / "figure.svg").read_bytes()
    assert content == (tmp_path / "new" / "two" / "figure.svg").read_bytes()
    assert b"<dc:date>" not in content


def fault(changes) -> str:
    with pytest.raises(SettingsError) as caught:
        draw("x-y", settings(**changes), ABOUT)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": ["nothing.loss"]}, "plots/x/x-y/nothing.csv: the figure 'A title' needs this table"),
        ({"y": ["curves.height"]}, "plots/x/x-y/curves.csv: no column height"),
        ({"lines": "colour"}, "plots/x/x-y/curves.csv: no column colour"),
        ({"columns": "colour"}, "plots/x/x-y/curves.csv: no column colour"),
        ({"only": {"colour": "red"}}, "plots/x/x-y/curves.csv: no column colour"),
        ({"y": ["curves.loss", "nothing.loss"]}, "plots/x/x-y/nothing.csv: the figure 'A title' needs this table"),
    ],
)
def test_a_table_or_column_that_is_not_there_is_named(changes, message):
    assert fault(changes).startswith(message)


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("only", [{"series": "C"}, {"split": "Train"}, {"series": "A", "split": "validation"}])
def test_a_choice_of_rows_that_leaves_none_is_a_fault(only):
    expected = f"plots/x/x-y/curves.csv: the figure 'A title' shows {only}, and there is no such row"
    assert fault({"only": only}) == expected


def test_rows_are_chosen_by_numbers_too(curves):
    assert [len(line.get_xdata()) for line in draw("x-y", settings(only={"epoch": "3"}), ABOUT).axes[0].lines] == [
        1
    ] * 4


# -------------------------------------------------------------------------------------------------------- entries


ENTRY = {"nets": "x-z", "draw": {"loss": {"title": "A title", "x": "epoch", "y": ["curves.loss"]}}}


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """Writes `reports/x.yaml`."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    return lambda content: Path("reports/x.yaml").write_text(yaml.dump(content, sort_keys=False))


def test_the_figures_of_a_report(reports):
    reports({"fit": {"x-z": {}}, "figures": {"x-y": ENTRY, "x-z": ENTRY | {"nets": "x-y"}}})
    found = load_figures("x")
    assert [(key, figures.nets) for key, figures in found.items()] == [("x-y", "x-z"), ("x-z", "x-y")]
    assert found["x-y"].draw["loss"] == FigureSettings(**ENTRY["draw"]["loss"])


@pytest.mark.parametrize("content", [{"experiments": {}}, {"figures": {}}, {"figures": None}])
def test_a_report_without_figures(content, reports):
    reports(content)
    assert load_figures("x") == {}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"draw": ENTRY["draw"]}, "nets: required, and not there"),
        ({"nets": "x-z"}, "draw: required, and not there"),
        (ENTRY | {"draw": {}}, "draw: dictionary should have at least 1 item"),
        (ENTRY | {"report": "x"}, "report: unknown key"),
        (ENTRY | {"draw": {"../loss": ENTRY["draw"]["loss"]}}, "draw.../loss"),
        (ENTRY | {"draw": {"loss": {"title": "A title", "x": "epoch"}}}, "draw.loss.y: required, and not there"),
        (ENTRY | {"draw": {"loss": ENTRY["draw"]["loss"] | {"only": {"epoch": 3}}}}, "draw.loss.only.epoch: input sho"),
    ],
)
def test_a_mistake_in_an_entry_is_one_line(entry, message, reports):
    reports({"figures": {"x-y": entry}})
    with pytest.raises(SettingsError) as caught:
        load_figures("x")
    assert str(caught.value).startswith(f"reports/x.yaml: figures.x-y.{message}")
    assert "\n" not in str(caught.value)


def test_figures_that_are_no_mapping_are_one_line(reports):
    reports({"figures": ["x-y"]})
    with pytest.raises(SettingsError, match=r"^reports/x.yaml: figures: a mapping of experiments"):
        load_figures("x")


def test_a_report_that_is_not_there(reports):
    reports({})
    with pytest.raises(SettingsError, match=r"^reports/z\.yaml: no such file$"):
        load_figures("z")


@pytest.mark.parametrize("report", sorted(path.stem for path in (ROOT / "reports").glob("*.yaml")))
def test_the_figures_of_this_project(report, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = load_figures(report)
    assert len(found) > 7
    assert all(name.startswith(f"{report}-") for key, figures in found.items() for name in (key, figures.nets))
