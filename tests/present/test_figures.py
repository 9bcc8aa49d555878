"""Figures: what they show, and that the same table gives the same bytes."""

import numpy as np
import pandas as pd
import pytest

from netclaims.learn.settings import SettingsError
from netclaims.present.config import FigureSettings
from netclaims.present.figures import caption, draw, save

ABOUT = {
    "data": "Some digits", "scale": "quick", "train_examples": 4000, "epochs": 7, "epochs_stated": 25, "replicas": 3,
    "loss": "cross_entropy",
}  # fmt: skip


@pytest.fixture
def curves(tmp_path, monkeypatch):
    """Two nets whose training and test losses are known."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots" / "x-y").mkdir(parents=True)
    rows = [
        {"series": series, "split": split, "epoch": epoch, "loss": level / (1 + epoch)}
        for series, level in (("A", 1.0), ("B", 10.0))
        for split in ("train", "test")
        for epoch in range(5)
    ]
    table = pd.DataFrame(rows).eval("loss_low = loss * 0.5\nloss_high = loss * 2")
    table.to_csv(tmp_path / "plots" / "x-y" / "curves.csv", index=False)
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
    narrow.to_csv("plots/x-y/curves.csv", index=False)
    assert draw("x-y", settings(log=["loss"]), ABOUT).axes[0].get_yscale() == "linear"


def test_a_panel_for_each_value_of_a_column(curves):
    figure = draw("x-y", settings(columns="split"), ABOUT)
    assert [axes.get_title() for axes in figure.axes] == ["train", "test"]


def test_a_mean_that_is_missing_is_a_gap_in_the_line(curves):
    curves.assign(loss=curves["loss"].where(curves["epoch"] < 3)).to_csv("plots/x-y/curves.csv", index=False)
    axes = draw("x-y", settings(log=["loss"]), ABOUT).axes[0]
    assert np.isnan(axes.lines[0].get_ydata()[3:]).all()


def test_the_caption_says_data_scale_epochs_and_replicas():
    assert caption(ABOUT) == "Some digits · quick scale: 4,000 training examples, 7 of 25 epochs · 3 replicas"
    assert "7 epochs" in caption(ABOUT | {"epochs_stated": 7})


def test_the_same_table_gives_the_same_bytes(curves, tmp_path):
    for name in ("one.svg", "two.svg"):
        save(draw("x-y", settings(), ABOUT), tmp_path / name)
    content = (tmp_path / "one.svg").read_bytes()
    assert content == (tmp_path / "two.svg").read_bytes()
    assert b"<dc:date>" not in content


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": ["nothing.loss"]}, "plots/x-y/nothing.csv: the figure 'A title' needs this table"),
        ({"y": ["curves.height"]}, "plots/x-y/curves.csv: no column height"),
        ({"lines": "colour"}, "plots/x-y/curves.csv: no column colour"),
    ],
)
def test_a_table_or_column_that_is_not_there_is_named(curves, changes, message):
    with pytest.raises(SettingsError) as caught:
        draw("x-y", settings(**changes), ABOUT)
    assert str(caught.value).startswith(message)
