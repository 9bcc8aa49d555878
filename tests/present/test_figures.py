"""Figures: what they show, and that the same table gives the same bytes."""

import itertools
import json
from math import inf, nan
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.colors import LogNorm, to_hex, to_rgba
from matplotlib.contour import QuadContourSet
from scipy.stats import binom

from netclaims.errors import SettingsError
from netclaims.present import style
from netclaims.present.axes import SYMLOG_DECADES, decades, linear_within
from netclaims.present.captions import caption
from netclaims.present.figures import WIDTH, draw, draw_failure
from netclaims.present.quantities import label
from netclaims.present.svg import save
from netclaims.settings.figures import FigureSettings

ABOUT = {
    "data": "Some digits", "scale": "quick", "train_examples": 4000, "test_examples": 1000, "epochs": 7,
    "epochs_stated": 25, "replicas": 3, "loss": "cross_entropy", "models": {"A": {"parameters": 9, "diverged": 0}},
}  # fmt: skip


@pytest.fixture
def curves(write):
    """Two nets whose training and test losses are known."""
    rows = [
        {"series": series, "split": split, "epoch": epoch, "loss": level / (1 + epoch)}
        for series, level in (("A", 1.0), ("B", 10.0))
        for split in ("train", "test")
        for epoch in range(5)
    ]
    return write(pd.DataFrame(rows).eval("loss_low = loss * 0.5\nloss_high = loss * 2"))


def spec(classes=None, **changes):
    entry = {"title": "A title", "x": "epoch", "y": ["curves.loss"], "lines": "series"} | changes
    return FigureSettings(**entry).plain(classes)


def figure(**changes):
    return draw("x-y", spec(**changes), ABOUT)


def panel(**changes):
    return figure(**changes).axes[0]


def drawn(axes):
    """The lines that have points, not those that are there for the legend or to compare with."""
    return [line for line in axes.lines if len(line.get_xdata()) and line.get_zorder() >= 1]


def compared(axes):
    """What the lines to compare with are called, and where they lie: across, or up."""
    lines = [line for line in axes.lines if line.get_zorder() < 1]
    return [(line.get_label(), line.get_ydata()[0]) for line in lines if list(line.get_xdata()) == [0, 1]] + [
        line.get_xdata()[0] for line in lines if list(line.get_ydata()) == [0, 1]
    ]


def legend(shown):
    (found,) = shown.legends or [None]
    return found and [text.get_text() for text in found.get_texts()]


def ticks_of(axes):
    """What stands along a vertical axis."""
    low, high = axes.get_ylim()
    return [text.get_text() for text in axes.get_yticklabels() if low <= text.get_position()[1] <= high]


def said(shown):
    """The line below a figure."""
    return shown.texts[-1].get_text().replace("\n", " ")


# ---------------------------------------------------------------------------------------------------------------- lines


def test_lines_and_bands_are_the_numbers_of_the_table(curves):
    axes = panel(only={"split": "train"})
    a = curves[(curves["series"] == "A") & (curves["split"] == "train")]
    assert len(axes.lines) == 2
    np.testing.assert_allclose(axes.lines[0].get_ydata(), a["loss"])
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(a["loss_low"].min())
    assert band[:, 1].max() == pytest.approx(a["loss_high"].max())


def test_training_and_test_are_lines_of_their_own(curves):
    axes = panel()
    assert len(drawn(axes)) == 4
    for line, (_, part) in zip(drawn(axes), curves.groupby(["series", "split"], sort=False), strict=True):
        np.testing.assert_allclose(line.get_ydata(), part["loss"])


@pytest.mark.usefixtures("curves")
def test_colour_tells_lines_apart_and_dashes_training_and_test():
    shown = figure()
    looks = [(line.get_color(), line.get_linestyle()) for line in drawn(shown.axes[0])]
    blue, orange = style.PALETTE[:2]
    assert looks == [(blue, "-"), (blue, "--"), (orange, "-"), (orange, "--")]
    assert legend(shown) == ["A", "B", "training", "test"]
    handles = shown.legends[0].get_lines()
    assert [line.get_linestyle() for line in handles] == ["-", "-", "-", "--"]
    assert [line.get_color() for line in handles] == [blue, orange, style.QUIET, style.QUIET]


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("lines", [None, "split"])
def test_without_other_lines_training_and_test_have_colours_of_their_own(lines):
    shown = figure(lines=lines, only={"series": "A"})
    looks = [(line.get_color(), line.get_linestyle()) for line in drawn(shown.axes[0])]
    assert looks == [(style.PALETTE[0], "-"), (style.PALETTE[1], "--")]
    assert legend(shown) == ["training", "test"]


def test_lines_that_others_run_over_are_wider(write):
    """One of each dashes for every line over it; those that leave each other soon, or are zero both, are not."""
    courses = {"A": [1, 10, 100, 1000], "B": [1, 10.1, 101, 999], "C": [1, 10, 100, 1001], "D": [1, 20, 300, 4000]}
    write(
        [
            {"series": name, "epoch": i, "loss": loss}
            for name, losses in courses.items()
            for i, loss in enumerate(losses)
        ]
    )
    widths = [line.get_linewidth() for line in drawn(panel(log=["loss"]))]
    assert widths[0] > widths[1] > widths[2] == widths[3]
    write([{"series": name, "split": split, "epoch": i, "loss": 1.0} for name in "AB" for i in range(4)
           for split in ("train", "test")])  # fmt: skip
    widths = [line.get_linewidth() for line in drawn(panel())]
    assert widths[0] == widths[1] > widths[2] == widths[3]
    zero = {"A": [1, 0, 0, 0, 0], "B": [-1, 0, 0, 0, 0]}
    write(
        [{"series": name, "epoch": i, "loss": loss} for name, losses in zero.items() for i, loss in enumerate(losses)]
    )
    assert len({line.get_linewidth() for line in drawn(panel(symlog=["loss"]))}) == 1


def test_an_epoch_that_was_only_begun_ends_where_it_ended(curves):
    about = ABOUT | {"epochs": 3.25}
    lines = drawn(draw("x-y", spec(), about).axes[0])
    assert list(lines[0].get_xdata()) == [0, 1, 2, 3, 3.25]
    assert list(drawn(panel())[0].get_xdata()) == list(range(5))


def test_a_line_alone_has_no_legend(curves):
    write_back = curves[curves["split"] == "train"].drop(columns="split")
    write_back.to_csv("plots/x/x-y/curves.csv", index=False)
    assert legend(figure(lines=None, only={"series": "A"})) is None


def test_a_table_without_a_band_has_lines_alone_and_the_caption_does_not_speak_of_one(curves, write):
    assert said(figure()).endswith("3 replicas (line: mean, band: smallest to largest)")
    write(curves[["series", "split", "epoch", "loss"]])
    shown = figure()
    assert len(drawn(shown.axes[0])) == 4
    assert list(shown.axes[0].collections) == []
    assert said(shown) == caption(ABOUT)
    write(curves, "more")
    assert said(figure(y=["curves.loss", "more.loss"])).endswith("(line: mean, band: smallest to largest)")


@pytest.mark.usefixtures("curves")
def test_a_single_replica_has_no_spread():
    assert said(draw("x-y", spec(), ABOUT | {"replicas": 1})).endswith("1 replicas")


@pytest.mark.parametrize(("rows", "marker"), [(12, "o"), (13, "None")])
def test_only_short_lines_have_marks(rows, marker, write):
    write({"epoch": range(rows), "loss": range(rows)})
    assert panel(lines=None).lines[0].get_marker() == marker


def test_an_axis_is_logarithmic_where_asked_and_the_values_span_enough(curves, write):
    assert panel(log=["loss"]).get_yscale() == "log"
    assert panel().get_yscale() == "linear"
    narrow = curves.assign(loss=1 + curves["loss"] / 100)
    for band, scale in (("loss_low", "log"), ("loss_high", "linear")):  # the one band, and then the other, is narrowed
        narrow = narrow.assign(**{band: narrow["loss"]})
        write(narrow)
        assert panel(log=["loss"]).get_yscale() == scale


def test_panels_side_by_side_have_scales_of_one_kind(curves, write):
    flat = curves["loss"].where(curves["series"] == "A", 1.0)  # alone, the panel of B would be linear
    write(curves.assign(loss=flat, loss_low=flat, loss_high=flat))
    shown = figure(lines=None, columns="series", log=["loss"], only={"split": "test"})
    assert [axes.get_yscale() for axes in shown.axes] == ["log", "log"]


@pytest.mark.parametrize(("losses", "labels"), [
    ([2e-5, 1e-3], ["2e−05", "5e−05", "0.0001", "0.0002", "0.0005", "0.001"]),
    ([1.3e3, 5.1e3], ["2,000", "5,000"]),
    ([1e3, 1e6], ["$\\mathdefault{10^{3}}$", "$\\mathdefault{10^{4}}$", "$\\mathdefault{10^{5}}$",
                  "$\\mathdefault{10^{6}}$"]),
])  # fmt: skip
def test_short_logarithmic_axes_are_labelled_between_the_decades(losses, labels, write):
    write([{"epoch": i, "plane": plane, "loss": loss} for plane, of in (("A", [1e-9, 1e9]), ("B", losses))
           for i, loss in enumerate(of)])  # fmt: skip
    shown = figure(lines=None, columns="plane", log=["loss"])
    shown.draw_without_rendering()
    assert ticks_of(shown.axes[1]) == labels


def test_panels_that_share_an_axis_are_labelled_by_all_that_is_on_it(write):
    write([{"epoch": i, "model": model, "loss": loss} for model, of in (("A", [1, 9]), ("B", [1e-9, 1e9]))
           for i, loss in enumerate(of)])  # fmt: skip
    shown = figure(lines=None, columns="model", log=["loss"])
    shown.draw_without_rendering()
    assert next(filter(None, ticks_of(shown.axes[0]))).startswith("$\\mathdefault{10^{-")


def test_a_column_without_a_name_of_its_own_is_shown_by_its_words(curves, write):
    write(curves.assign(some_thing=curves["loss"], some_thing_low=0, some_thing_high=1))
    assert panel(y=["curves.some_thing"]).get_ylabel() == "some thing"


@pytest.mark.usefixtures("curves")
def test_a_panel_for_each_value_of_a_column():
    assert [axes.get_title() for axes in figure(columns="split").axes] == ["training", "test"]


def test_a_line_has_its_colour_in_every_panel(curves, write):
    write(curves, "all")
    write(curves[curves["series"] == "B"])
    shown = figure(y=["all.loss", "curves.loss"], only={"split": "test"})
    assert [line.get_color() for line in drawn(shown.axes[1])] == [style.PALETTE[1]]
    write(curves[(curves["series"] == "B") | (curves["split"] == "train")])
    shown = figure(columns="split")
    assert [line.get_color() for line in drawn(shown.axes[1])] == [style.PALETTE[1]]


def test_values_are_named_in_words(write):
    rows = [{"epoch": 0, "equal": equal, "shuffle_labels": share, "function": name, "loss": 1.0}
            for equal in ("epochs", "steps") for share in (0.0, 0.25) for name in ("sinc5", "swish")]  # fmt: skip
    write(rows)
    shown = figure(lines="equal", columns="function", only={"shuffle_labels": 0.25})
    assert legend(shown) == ["equal epochs", "equal steps"]
    assert [axes.get_title() for axes in shown.axes] == ["sin(5πx)/(5πx)", "x·σ(x)"]
    shown = figure(lines="shuffle_labels", columns="function", only={"equal": "steps"})
    assert legend(shown) == ["0 % shuffled", "25 % shuffled"]


def test_a_mean_that_is_missing_is_a_gap_in_the_line(curves, write):
    write(curves.assign(loss=curves["loss"].where(curves["epoch"] < 3)))
    assert np.isnan(panel(log=["loss"]).lines[0].get_ydata()[3:]).all()


@pytest.mark.parametrize("column", ["loss", "accuracy"])
def test_a_table_without_any_value_is_drawn_as_nothing(column, write):
    write({"epoch": [0, 1], column: [np.nan, np.nan]})
    for changes in ({}, {"log": [column]}, {"symlog": [column]}, {"kind": "points"}):
        assert np.isnan(panel(y=[f"curves.{column}"], lines=None, **changes).lines[0].get_ydata()).all()


def test_the_caption_says_data_scale_epochs_and_replicas():
    assert caption(ABOUT) == "Some digits · quick scale: 4,000 training examples, 7 of 25 epochs · 3 replicas"
    assert "7 epochs" in caption(ABOUT | {"epochs_stated": 7})


SWEPT = {"A": {"parameters": 9, "rate 8": {"diverged": 0}, "rate 16": {"diverged": 3}}, "B": {"diverged": 1}}
FITS = {"A": {"sinc5": {"tuned": "adam", "adam": {"diverged": 1}, "sgd": {"diverged": 3}}, "g": {"diverged": 2}}}


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (SWEPT, "A, rate 16 (3 of 3); B (1 of 3)"),
        (FITS, "A, sin(5πx)/(5πx), adam (1 of 3); A, sin(5πx)/(5πx), sgd (3 of 3); A, g (2 of 3)"),
        (FITS | {"B": {"diverged": 1}, "C": {"diverged": 0}}, "7 of 15 nets"),
    ],
)
def test_the_caption_says_which_nets_diverged(models, expected):
    assert caption(ABOUT | {"models": models}) == f"{caption(ABOUT)} · diverged: {expected}"


def crosses(axes):
    """Places along x, and the colour, of the crosses in a panel, series by series."""
    found = [line for line in drawn(axes) if line.get_marker() == "x"]
    assert all(0.8 < y < 1 for line in found for y in line.get_ydata())
    return [(list(line.get_xdata()), line.get_color()) for line in found]


GONE = ABOUT | {"models": {"A": {"diverged": 2}}}


@pytest.mark.parametrize("values", [[2.0, np.nan, 1.0, np.inf], [np.nan] * 4])
def test_a_cross_stands_where_a_value_is_missing_since_a_net_diverged(values, write):
    loss = {"epoch": [0, 1, 2, 3] * 2, "series": ["A"] * 4 + ["B"] * 4, "loss": [*values, 5.0, 4.0, 3.0, 2.0]}
    write(pd.DataFrame(loss | {"split": "train"}))
    shown = draw("x-y", spec(), GONE)
    missing = [epoch for epoch, value in enumerate(values) if not np.isfinite(value)]
    assert crosses(shown.axes[0]) == [(missing, style.PALETTE[0])]
    assert legend(shown) == ["A", "B", "diverged"]
    assert shown.axes[0].get_xlim()[1] > 3
    assert said(shown) == f"{caption(ABOUT)} · diverged: A (2 of 3)"
    assert crosses(panel()) == []  # where none diverged a gap is something else


def test_a_long_line_has_a_cross_where_it_ends(write):
    losses = [1.0] * 10 + [np.nan] * 10
    write(pd.DataFrame({"epoch": range(20), "series": "A", "split": "train", "loss": losses}))
    shown = draw("x-y", spec(), GONE)
    assert crosses(shown.axes[0]) == [([10], style.PALETTE[0])]
    assert legend(shown) == ["A", "diverged"]


def test_a_setting_at_which_all_diverged_stays_on_its_axis(write):
    rates = {"rate": [1e-3, 1e-2, 1e-1], "split": "train", "loss": [2.0, 1.0, np.nan]}
    write(pd.DataFrame(rates | {"loss_low": [1, 0.5, np.nan], "loss_high": [3, 2, np.nan]}))
    axes = draw("x-y", spec(x="rate", lines=None, log=["rate"]), GONE).axes[0]
    assert axes.get_xlim()[1] > 0.1
    assert crosses(axes) == [([0.1], style.PALETTE[0])]


def test_crosses_stand_beside_each_other_in_a_category(write):
    rows = [("A", "train", np.nan), ("B", "train", 1.0), ("A", "test", np.nan), ("B", "test", 2.0)]
    write(pd.DataFrame(rows, columns=["pair", "split", "loss"]))
    axes = draw("x-y", spec(kind="points", x="pair", lines="split"), GONE).axes[0]
    assert crosses(axes) == [([pytest.approx(-0.08)], style.PALETTE[0]), ([pytest.approx(0.08)], style.PALETTE[1])]


def test_nets_that_never_fitted_have_not_diverged(write):
    write(pd.DataFrame({"epoch": [0, 1], "series": "A", "epochs_to_fit": [3.0, np.nan]}))
    axes = draw("x-y", spec(y=["curves.epochs_to_fit"]), GONE).axes[0]
    assert crosses(axes) == []


@pytest.mark.usefixtures("curves")
def test_rows_are_chosen_by_numbers_too():
    assert [list(line.get_xdata()) for line in drawn(panel(only={"epoch": 3}))] == [[3]] * 4


def test_nets_are_in_the_order_of_their_sizes(write):
    """But in that of the report where they are of about one size."""
    write([{"model": model, "epoch": epoch, "loss": i} for i, model in enumerate("ABC") for epoch in range(3)])
    for sizes, order in (((90, 10, 50), "BCA"), ((12, 10, 11), "ABC")):
        models = {model: {"parameters": size} for model, size in zip("ABC", sizes, strict=True)}
        shown = draw("x-y", spec(lines="model"), ABOUT | {"models": models})
        assert "".join(legend(shown)) == order
        assert [line.get_color() for line in shown.axes[0].lines] == style.PALETTE[:3]
        assert [line.get_ydata()[0] for line in shown.axes[0].lines] == ["ABC".index(model) for model in order]


@pytest.mark.parametrize(("nets", "shown", "said_below"), [
    (6, [0, 1, 2, 3, 4, 5], "3 replicas"), (7, [0, 2, 4, 6], "4 of 7 nets shown"),
    (10, [0, 3, 6, 9], "4 of 10 nets shown"),
])  # fmt: skip
def test_of_many_lines_four_are_drawn(nets, shown, said_below, write):
    write([{"series": f"net {i}", "epoch": epoch, "loss": i} for i in range(nets) for epoch in range(3)])
    found = figure()
    assert [line.get_ydata()[0] for line in found.axes[0].lines] == shown
    assert legend(found) == [f"net {i}" for i in shown]
    assert said(found).endswith(said_below)


def test_a_long_band_holds_all_of_its_rows(write):
    """Of fewer places, for a small file."""
    low = np.random.default_rng(0).uniform(0, 1, 1001)
    table = write({"epoch": range(1001), "loss": low + 1, "loss_low": low, "loss_high": low + 2})
    axes = panel(lines=None)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), table["loss"])
    (outline,) = axes.collections[0].get_paths()
    x, y = outline.vertices.T
    assert (x.min(), x.max(), y.min(), y.max()) == (0, 1000, low.min(), low.max() + 2)
    assert len(set(x)) < 120


# ------------------------------------------------------------------------------------------------ lines to compare with


@pytest.mark.parametrize(("column", "values", "line"), [
    ("accuracy", [0.2, 0.8], ("guessing: 10 %", 0.1)),
    ("loss", [0.1, 2.0], ("guessing: ln 10", pytest.approx(2.302585))),
    ("loss_gap", [-0.1, 2.0], ("no gap", 0.0)),
    ("accuracy_gap", [0.01, 0.2], ("no gap", 0.0)),
    ("trace", [0.0, 1.0], None), ("accuracy", [0.9, 0.99], None), ("loss", [0.0, 0.1], None),  # far from what is shown
])  # fmt: skip
def test_what_guessing_comes_to_is_a_line_to_compare_with(column, values, line, write):
    write({"epoch": [0, 1], column: values})
    shown = figure(y=[f"curves.{column}"], lines=None, classes=10)
    assert compared(shown.axes[0]) == ([line] if line else [])
    assert legend(shown) == ([line[0]] if line else None)  # which has to be said, beside a line alone
    assert compared(panel(y=[f"curves.{column}"], lines=None)) == ([line] if column.endswith("_gap") else [])


def test_the_band_of_guesses_needs_no_line(write):
    write({"epoch": [0, 1], "accuracy": [0.1, 0.8]})
    assert compared(panel(y=["curves.accuracy"], lines=None, classes=10, chance=True)) == []


def test_a_loss_is_compared_with_the_variance_of_its_function(write):
    fits = ABOUT | {"loss": "mse", "train_examples": 5, "models": {"A": {"quadratic": {}, "swish": {}}}}
    variance = ("variance of the function", np.var([5.7, 1.7, 0.2, 1.2, 4.7]))  # 5x² - 0.5x + 0.2 at -1, -0.5, …, 1
    write([{"function": name, "epoch": i, "loss": 4.0 - i} for name in ("quadratic", "swish") for i in (0, 1)])
    left, right = draw("x-y", spec(lines=None, columns="function"), fits).axes
    assert compared(left) == [pytest.approx(variance)]
    assert compared(right) == []  # which hardly varies
    assert compared(draw("x-y", spec(lines="function"), fits).axes[0]) == []
    write({"epoch": [0, 1], "loss": [4.0, 3.0]})
    alone = fits | {"models": {"A": {"quadratic": {}}, "B": {"quadratic": {}}}}
    assert compared(draw("x-y", spec(lines=None), alone).axes[0]) == [pytest.approx(variance)]


def test_the_two_nets_of_a_line_are_marked(write):
    write({"alpha": [-1, 0, 1, 2], "trace": [4.0, 1.0, 1.0, 5.0]})
    assert compared(panel(x="alpha", y=["curves.trace"], lines=None)) == [0, 1]


TRIANGLE = "not within 7 epochs, in one\nreplica at least"


def triangles(axes):
    found = [line for line in drawn(axes) if line.get_marker() == "^"]
    return [(*line.get_xydata()[0], line.get_color()) for line in found]


@pytest.mark.parametrize("kind", ["lines", "points"])
def test_what_was_not_reached_within_the_training_is_a_triangle_at_its_end(kind, write):
    rows = [{"rate": rate, "series": series, "epochs_to_fit": found}
            for rate, series, found in ((1, "A", 2.0), (2, "A", nan), (1, "B", 3.0), (2, "B", 5.0))]  # fmt: skip
    asked = {"kind": kind, "x": "rate", "y": ["curves.epochs_to_fit"]}
    write(rows)
    shown = figure(**asked)
    shift = 0.0 if kind == "lines" else -0.08 - 1
    assert triangles(shown.axes[0]) == [(pytest.approx(2 + shift), 7, style.PALETTE[0])]
    assert legend(shown) == ["A", "B", TRIANGLE]
    low, high = shown.axes[0].get_ylim()
    assert low == 0
    assert high > 7
    write(rows[:1])
    assert legend(figure(**asked)) is None
    write(rows[1:2])
    assert legend(figure(**asked)) == ["A", TRIANGLE]
    assert triangles(panel(**asked))
    assert not panel(**asked).texts


# ----------------------------------------------------------------------------------------------------------------- axes


@pytest.mark.parametrize(("column", "shown"), [
    ("share", "share of the variance"), ("component", "component"), ("eigenvalue", "eigenvalue"), ("rank", "rank"),
    ("density", "spectral density"), ("largest_eigenvalue", "largest Hessian eigenvalue λ₁"),
    ("trace", "trace of the Hessian"), ("sharpness", "sharpness (%)"), ("loss_gap", "test − training loss"),
    ("accuracy_gap", "training − test accuracy"), ("mean_square", "mean squared error"),
    ("shuffle_labels", "share of shuffled labels"), ("minimal_ratio_nonzero", "minimal ratio without zero eigenvalues"),
    ("gradient_norm", "gradient norm ‖∇L‖"), ("gradient_curvature", "‖H g‖ / ‖g‖"),
    ("null_expected", "rescaling directions expected"), ("zero", "eigenvalues counted as zero"),
    ("loss", "cross-entropy (nats)"),
])  # fmt: skip
def test_quantities_are_named_in_words(column, shown):
    assert label(column, "cross_entropy") == shown


@pytest.mark.parametrize("column", ["accuracy", "accuracy_gap", "share", "shuffle_labels"])
def test_shares_are_per_cent(column, write):
    write({"epoch": [0, 1], column: [0.0, 1.0]})
    axes = panel(y=[f"curves.{column}"], lines=None)
    axes.figure.draw_without_rendering()
    assert "100%" in [text.get_text() for text in axes.get_yticklabels()]


@pytest.mark.parametrize("column", ["epoch", "step", "rank", "component"])
def test_whole_numbers_have_whole_ticks(column, write):
    write({column: [1, 2, 3], "loss": [3.0, 2.0, 1.0]})
    ticks = panel(x=column, lines=None).get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


EIGENVALUES = [30.0, 0.4, 2e-3, 1e-9, 0.0, 0.0, -1e-7, -0.02]


def spectrum(write, values=EIGENVALUES):
    write({"rank": range(1, len(values) + 1), "eigenvalue": values}, "spectrum")
    return {"x": "rank", "y": ["spectrum.eigenvalue"], "lines": None}


def test_a_symmetric_logarithmic_axis_shows_both_signs_and_zero(write):
    asked = spectrum(write)
    assert panel(**asked).get_yscale() == "linear"
    axes = panel(**asked, symlog=["eigenvalue"])
    assert axes.get_yscale() == "symlog"
    assert axes.yaxis.get_transform().linthresh == pytest.approx(1e-4)  # six decades up to the one of 30
    np.testing.assert_allclose(axes.lines[0].get_ydata(), EIGENVALUES)
    np.testing.assert_allclose(axes.get_yticks(), [-1e-3, 0, 1e-3, 1e-1, 1e1])
    assert axes.get_ylim()[0] < -0.02
    assert axes.get_ylim()[1] > 30
    write({"eigenvalue": sorted(set(EIGENVALUES)), "rank": range(7)}, "spectrum")
    axes = panel(x="eigenvalue", y=["spectrum.rank"], lines=None, symlog=["eigenvalue"])
    assert (axes.get_xscale(), axes.get_yscale()) == ("symlog", "linear")


def test_a_band_counts_for_a_symmetric_axis(write):
    write({"rank": [1, 2], "eigenvalue": [1.0, 0.5], "eigenvalue_low": [1e-2, 0.5], "eigenvalue_high": [1.0, 700.0]})
    axes = panel(x="rank", y=["curves.eigenvalue"], lines=None, symlog=["eigenvalue"])
    assert axes.yaxis.get_transform().linthresh == pytest.approx(1e-2)
    assert max(axes.get_yticks()) == pytest.approx(100)


@pytest.mark.parametrize("places", [[0.0928, 0.0928], [0.0912, 0.0975], [0.02, 0.3], [0.0, 12000.0]])
def test_numbers_below_narrow_panels_do_not_collide(places, write):
    write(pd.DataFrame([
        {"model": "A", "minimal_ratio": place, "loss": 1.0, "kind": "zero gradient", "start": start}
        for start in ("descended", "random") for place in places
    ]))  # fmt: skip
    shown = figure(kind="scatter", x="minimal_ratio", lines=None, columns="start")
    shown.canvas.draw()
    for axes in shown.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_only_zeros_leave_a_symmetric_axis_linear(write):
    assert panel(**spectrum(write, [0.0, 0.0]), symlog=["eigenvalue"]).get_yscale() == "linear"


sizes = st.builds(lambda digits, power: digits * 10.0**power, st.integers(-99, 99), st.integers(-30, 30))


@given(st.lists(sizes, min_size=1).filter(any))
def test_a_symmetric_axis_is_linear_up_to_a_decade_worth_showing(values):
    within = linear_within(values)
    largest = max(map(abs, values))
    smallest = min(abs(value) for value in values if value)
    assert within == pytest.approx(10.0 ** round(np.log10(within)))
    assert within > largest * 10.0**-SYMLOG_DECADES / 1.001
    assert within <= max(smallest, largest * 10.0 ** (1 - SYMLOG_DECADES)) * 1.001
    assert within > smallest / 10.001


@given(st.lists(sizes, min_size=1).filter(any), st.sampled_from([3, 4]))
@example([9.999999999999999e-11], 3)
def test_ticks_of_a_symmetric_axis_lie_within_the_values(values, most):
    ticks = decades(values, most)
    assert ticks == sorted(set(ticks))
    assert 0.0 in ticks
    assert sum(tick > 0 for tick in ticks) <= most
    assert sum(tick < 0 for tick in ticks) <= most
    assert all(min(0, *values) <= tick <= max(0, *values) for tick in ticks)
    assert max(map(abs, ticks)) * 10.001 > max(map(abs, values))  # the largest decade is among them


# --------------------------------------------------------------------------------------------------------------- points


PAIRS = ["two starts", "one start", "control"]


def barriers(write, name="barriers", pairs=PAIRS, splits=("test", "train")):
    rows = [
        {"pair": pair, "split": split, "height": i + 0.1 * j, "height_low": i - 0.3, "height_high": i + 0.5}
        for i, pair in enumerate(pairs)
        for j, split in enumerate(splits)
    ]
    return write(rows, name)


POINTS = {"kind": "points", "x": "pair", "y": ["barriers.height"], "lines": "split"}


def ends(bars):
    return [(*low, *high) for low, high in bars.get_segments()]


def test_points_are_the_numbers_of_the_table_by_categories(write):
    table = barriers(write)
    shown = figure(**POINTS)
    axes = shown.axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == PAIRS
    assert list(axes.get_xticks()) == [0, 1, 2]
    assert legend(shown) == ["test", "training"]
    for line, bars, (_, part), side in zip(
        axes.lines, axes.collections, table.groupby("split", sort=False), (-1, 1), strict=True
    ):
        np.testing.assert_allclose(line.get_ydata(), part["height"])
        shift = line.get_xdata() - np.arange(3)
        assert ((side * shift > 0.02) & (side * shift < 0.45)).all()
        expected = zip(line.get_xdata(), part["height_low"], line.get_xdata(), part["height_high"], strict=True)
        np.testing.assert_allclose(ends(bars), list(expected))
        assert line.get_linestyle() == "None"
        assert to_hex(bars.get_color()[0]) == to_hex(line.get_color())
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    assert said(shown).endswith("(dot: mean, bar: smallest to largest)")


def test_points_alone_stand_at_their_category_and_need_no_bar(write):
    write({"pair": PAIRS, "height": [1.0, np.nan, 3.0]}, "barriers")
    shown = figure(**POINTS | {"lines": None})
    (line,) = shown.axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(line.get_ydata(), [1.0, np.nan, 3.0])
    assert list(shown.axes[0].collections) == []
    assert said(shown) == caption(ABOUT)
    assert legend(shown) is None


@pytest.mark.parametrize("number", range(1, 9))
def test_points_side_by_side_stay_apart_and_within_their_category(number, write):
    names = [f"net {i}" for i in range(number)]
    write([{"pair": pair, "model": name, "height": 1.0} for pair in PAIRS for name in names], "barriers")
    x = np.array([line.get_xdata() for line in panel(**POINTS | {"lines": "model"}).lines])
    np.testing.assert_allclose(x.mean(0), [0, 1, 2], atol=1e-12)
    assert np.abs(x - [0, 1, 2]).max() < 0.45
    assert number == 1 or np.diff(x, axis=0).min() > 0.05


def test_points_of_training_and_test_in_one_colour_are_full_and_open(write):
    write([{"pair": pair, "model": model, "split": split, "height": 1.0}
           for pair in PAIRS for model in "AB" for split in ("train", "test")], "barriers")  # fmt: skip
    shown = figure(**POINTS | {"lines": "model"})
    blue, orange = style.PALETTE[:2]
    looks = [(line.get_color(), line.get_markerfacecolor()) for line in drawn(shown.axes[0])]
    assert looks == [(blue, blue), (blue, "white"), (orange, orange), (orange, "white")]
    assert legend(shown) == ["A", "B", "training", "test"]


def test_a_panel_without_a_single_point_says_so(write):
    write({"pair": ["one", "two"] * 2, "plane": ["f", "f", "g", "g"], "height": [1.0, 2.0, np.nan, np.nan]}, "barriers")
    shown = figure(**POINTS | {"lines": None, "columns": "plane"})
    left, right = shown.axes
    assert [text.get_text() for text in right.texts] == ["none"]
    assert len(right.get_yticks()) == 0
    assert not left.texts
    assert len(left.get_yticks()) > 1


def test_categories_are_the_same_in_all_panels(write):
    barriers(write, pairs=["control", "two starts"])
    barriers(write, "more")  # the other way round, and one that is not in the first panel
    shown = figure(**POINTS | {"y": ["barriers.height", "more.height"]})
    assert [text.get_text() for text in shown.axes[1].get_xticklabels()] == ["control", "two starts", "one start"]
    np.testing.assert_array_equal(shown.axes[0].lines[0].get_xdata().round(), [0, 1])
    np.testing.assert_array_equal(shown.axes[1].lines[0].get_xdata().round(), [0, 1, 2])
    np.testing.assert_allclose(shown.axes[1].lines[0].get_ydata(), [2, 0, 1])


def boxes(texts):
    return [text.get_window_extent() for text in texts if text.get_text()]


def overlap(found):
    return any(one.overlaps(other) for one, other in itertools.combinations(found, 2))


LONG = {
    "two lines": ["two starts", "two starts, matched", "one start", "control with another order of the data"],
    "many": [f"net {i}" for i in range(11)],
    "one word": ["overparametrisation", "regularisation", "backpropagation", "interpolation"],
}


@pytest.mark.parametrize("columns", [None, "split"])
@pytest.mark.parametrize("names", LONG)
def test_names_of_categories_do_not_overlap(names, columns, write):
    barriers(write, pairs=LONG[names])
    shown = figure(**POINTS | {"columns": columns})
    shown.draw_without_rendering()
    labels = shown.axes[0].get_xticklabels()
    aslant = labels[0].get_rotation() > 0
    assert aslant == (names == "one word" or columns == "split")
    if aslant:  # then their boxes do overlap, while the lines of text lie beside each other
        steps = np.diff([box.x1 for box in boxes(labels)])
        lines = max(text.get_text().count("\n") for text in labels) + 1
        assert (steps * np.sin(np.deg2rad(labels[0].get_rotation())) > 9 * lines).all()
    else:
        assert not overlap(boxes(labels))


# ------------------------------------------------------------------------------------------------------------- contours


SURFACE = {"kind": "contours", "x": "x", "y": ["surface.loss"], "lines": None}
PLANES = {"first": (np.linspace(-3, 4, 8), np.linspace(0, 10, 6)), "second": (np.linspace(-1, 1, 5),) * 2}


def surface(write, loss, planes=PLANES):
    """A table of the loss on planes, in an order that is not that of the grid."""
    rows = [
        {"plane": plane, "x": a, "y": b, "loss": loss(a, b)} for plane, (x, y) in planes.items() for a in x for b in y
    ]
    return write(pd.DataFrame(rows).sample(frac=1, random_state=0).sort_values("plane"), "surface")


def slope(x, y):
    return 2.0 + 0.1 * x + 0.05 * y


def contour_sets(axes):
    """The thin lines and the filled areas of a panel."""
    return [found for found in axes.collections if isinstance(found, QuadContourSet)]


def test_contours_are_where_the_table_has_their_heights(write):
    surface(write, slope)
    lines, areas = contour_sets(panel(**SURFACE, only={"plane": "first"}))
    assert (lines.filled, areas.filled) == (False, True)
    passed = 0
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        x, y = path.vertices.T
        np.testing.assert_allclose(slope(x, y), level)  # of a plane, lines between points of the grid are exact
        passed += len(x)
    assert passed > 20
    for low, high, path in zip(areas.levels[:-1], areas.levels[1:], areas.get_paths(), strict=True):
        x, y = path.vertices.T
        assert (slope(x, y) > low - 1e-9).all()
        assert (slope(x, y) < high + 1e-9).all()
    np.testing.assert_allclose(areas.levels[[0, -1]], [1.7, 2.9])


@pytest.mark.parametrize(("loss", "log"), [
    (lambda x, y: 10 ** (x / 4), True),
    (lambda x, y: 1 + (x + 3) * 3.9 / 7, False),  # spans less than five times
    (lambda x, y: 10 ** (x / 4) - 0.3, False),  # has negative values
])  # fmt: skip
def test_contours_are_logarithmic_where_the_heights_are_positive_and_span_enough(loss, log, write):
    table = surface(write, loss)
    _, areas = contour_sets(panel(**SURFACE, only={"plane": "first"}))
    heights = table.loc[table["plane"] == "first", "loss"]
    assert isinstance(areas.norm, LogNorm) == log
    steps = np.diff(np.log(areas.levels) if log else areas.levels)
    np.testing.assert_allclose(steps, steps[0])
    assert len(steps) > 7
    assert areas.levels[0] <= heights.min() < heights.max() <= areas.levels[-1] * (1 + 1e-12)


def test_a_logarithmic_colour_bar_has_plain_numbers(write):
    surface(write, lambda x, y: 10 ** (x / 4))
    shown = figure(**SURFACE, only={"plane": "first"})
    shown.draw_without_rendering()
    assert ticks_of(shown.axes[1]) == ["0.2", "0.5", "1", "2", "5", "10"]


def test_a_panel_for_each_plane_has_its_own_ranges_and_its_own_colours(write):
    surface(write, slope)
    shown = figure(**SURFACE, columns="plane")
    first, second, *bars = shown.axes
    assert [first.get_title(), second.get_title()] == ["first", "second"]
    assert (first.get_xlim(), first.get_ylim()) == ((-3, 4), (0, 10))
    assert (second.get_xlim(), second.get_ylim()) == ((-1, 1), (-1, 1))
    assert [first.get_xlabel(), second.get_xlabel()] == ["first direction"] * 2
    assert first.get_ylabel() == "second direction"
    assert [bar.get_ylabel() for bar in bars] == ["cross-entropy (nats)"] * 2
    for axes, bar in zip((first, second), bars, strict=True):
        np.testing.assert_allclose(bar.get_ylim(), contour_sets(axes)[1].levels[[0, -1]])
    assert contour_sets(second)[1].levels[-1] < 2.5 < contour_sets(first)[1].levels[-1]
    shown.draw_without_rendering()
    assert all(len(ticks_of(bar)) > 3 for bar in bars)
    assert said(shown) == caption(ABOUT)


def test_a_plain_at_the_largest_height_is_filled(write):
    surface(write, lambda x, y: 2.4 if x < 0 else 2.7)  # levels from 2.4 to 2.6999999999999997
    _, areas = contour_sets(panel(**SURFACE, only={"plane": "first"}))
    assert areas.levels[-1] < 2.7
    assert all(any(path.contains_point((x, 5)) for path in areas.get_paths()) for x in (-2.5, 1.5, 2.5, 3.5))


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_cells_without_a_height_stay_empty(missing, write):
    surface(write, lambda x, y: missing if x > 0 and y > 6 else slope(x, y))
    _, areas = contour_sets(panel(**SURFACE, only={"plane": "first"}))
    inside = [[any(path.contains_point((x, y)) for path in areas.get_paths()) for x in (-1.5, 3.5)] for y in (3, 9)]
    assert inside == [[True, True], [True, False]]


def test_a_row_of_the_grid_without_heights_is_not_bridged(write):
    surface(write, lambda x, y: np.nan if x == 0 else slope(x, y))
    _, areas = contour_sets(panel(**SURFACE, only={"plane": "first"}))
    assert [any(path.contains_point((x, 5)) for path in areas.get_paths()) for x in (-1.5, -0.5, 0.5, 1.5)] == [
        True, False, False, True
    ]  # fmt: skip


def test_a_plane_without_any_height_is_empty(write):
    surface(write, lambda x, y: np.nan)
    assert contour_sets(panel(**SURFACE, only={"plane": "first"})) == []


def test_a_plane_of_one_height_is_drawn(write, tmp_path):
    surface(write, lambda x, y: 0.0)
    shown = figure(**SURFACE, only={"plane": "first"})
    save(shown, tmp_path / "figure.svg")
    levels = contour_sets(shown.axes[0])[1].levels
    assert levels[0] < 0 < levels[-1]


def walked(write):
    rows = [
        {"plane": "first", "at": at, "epoch": epoch, "x": epoch / 2 - 2, "y": epoch + up, "loss": 1.0}
        for epoch in (4, 0, 2)
        for at, up in (("on the path", 1), ("in the plane", 1))
    ]
    rows.append({"plane": "second", "at": "on the path", "epoch": 4, "x": 0.0, "y": 0.5, "loss": 1.0})
    surface(write, slope, PLANES | {"third": PLANES["second"]})
    write(rows, "path")


def numbers(axes):
    return {text.get_text(): text.xy for text in axes.texts}


def test_the_path_through_a_plane_is_that_of_the_table(write):
    walked(write)
    first, second, third, *_ = figure(**SURFACE, path="path", columns="plane").axes
    path, start = first.lines
    np.testing.assert_array_equal(path.get_xydata(), [[-2, 1], [-1, 3], [0, 5]])
    np.testing.assert_array_equal(start.get_xydata(), [[-2, 1]])
    assert to_rgba(start.get_markerfacecolor()) == to_rgba("white")
    assert numbers(first) == {"0": (-2, 1), "4": (0, 5)}
    (dot,) = second.lines  # a single net
    np.testing.assert_array_equal(dot.get_xydata(), [[0, 0.5]])
    assert to_rgba(dot.get_markerfacecolor()) == to_rgba("black")
    assert numbers(second) == {"4": (0, 0.5)}
    assert len(second.texts) == 1
    assert (len(third.lines), len(third.texts)) == (0, 0)
    assert (first.get_xlim(), first.get_ylim()) == ((-3, 4), (0, 10))


def test_a_path_is_chosen_with_the_plane(write):
    walked(write)
    axes = panel(**SURFACE, path="path", only={"plane": "second"})
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[0, 0.5]])


def test_paths_of_runs_start_at_an_open_circle(write):
    write([{"replica": r, "epoch": e, "pc1": r + e, "pc2": r - e} for r in (0, 1) for e in (3, 0)], "pca")
    shown = figure(kind="paths", x="pc1", y=["pca.pc2"], lines=None)
    one, start, *_ = shown.axes[0].lines
    np.testing.assert_array_equal(one.get_xydata(), [[0, 0], [3, -3]])
    np.testing.assert_array_equal(start.get_xydata(), [[0, 0]])
    assert legend(shown) == ["run 1", "run 2", "epoch 0, up to 3"]


def test_paths_that_start_far_apart_are_taken_from_their_starts(write):
    rows = [{"replica": r, "epoch": e, "pc1": far * r + e, "pc2": far * r - e} for far in (1, 9) for r in (0, 1)
            for e in (3, 0)]  # fmt: skip
    asked = {"kind": "paths", "x": "pc1", "y": ["pca.pc2"], "lines": None}
    write(rows[:4], "pca")
    assert (panel(**asked).get_xlabel(), panel(**asked).get_ylabel()) == ("first component", "second component")
    write(rows[4:], "pca")
    axes = panel(**asked)
    names = (axes.get_xlabel(), axes.get_ylabel())
    assert names == ("first component, from the start", "second component, from the start")
    for path in axes.lines[:-1:2]:
        np.testing.assert_array_equal(path.get_xydata(), [[0, 0], [3, -3]])
    write([rows[0] | {"scope": "layer 1"}], "pca")
    assert panel(**asked, only={"scope": "layer 2"}).texts[0].get_text() == "none"


def along(write):
    """The loss on a path and in a plane, at other epochs for each plane, in some order."""
    write([{"plane": plane, "at": at, "epoch": epoch, "loss": level + 10 * epoch + (at == "in the plane") * epoch}
           for plane, level in (("first", 0.0), ("second", 100.0)) for epoch in (4, 0, 2)
           for at in ("on the path", "in the plane")], "path")  # fmt: skip
    return {"y": ["path.loss"], "lines": "at"}


def test_a_loss_in_a_plane_is_shown_less_that_on_the_path(write):
    asked = along(write)
    shown = figure(**asked, columns="plane")
    for axes in shown.axes:
        (line,) = drawn(axes)
        np.testing.assert_array_equal(line.get_xydata(), [[0, 0], [2, 2], [4, 4]])
        assert compared(axes) == [("no difference", 0.0)]
    assert " ".join(shown.axes[0].get_ylabel().split()) == "cross-entropy (nats), in the plane less on the path"
    assert legend(shown) == ["in the plane", "no difference"]
    one = panel(**asked, only={"plane": "second"})
    np.testing.assert_array_equal(drawn(one)[0].get_ydata(), [0, 2, 4])
    one = panel(**asked, only={"plane": "second", "at": "on the path"})
    np.testing.assert_array_equal(drawn(one)[0].get_ydata(), [100, 120, 140])
    assert one.get_ylabel() == "cross-entropy (nats)"


# ----------------------------------------------------------------------------------------------------- chance and notes


def accuracies(write):
    write({"epoch": [0, 1, 2], "loss": [3.0, 2.0, 1.0], "accuracy": [0.1, 0.4, 0.8]})
    return {"y": ["curves.loss", "curves.accuracy"], "lines": None}


@pytest.mark.parametrize(("classes", "examples"), [(10, 24), (10, 1000), (10, 10000), (2, 24), (3, 1000), (47, 18800)])
def test_guesses_are_the_central_part_of_a_binomial(classes, examples, write):
    asked = spec(classes, **accuracies(write), chance=True)
    loss, accuracy = draw("x-y", asked, ABOUT | {"test_examples": examples}).axes
    assert list(loss.patches) == []
    (band,) = accuracy.patches
    low, high = band.get_y() * examples, (band.get_y() + band.get_height()) * examples
    assert (low, high) == (pytest.approx(round(low)), pytest.approx(round(high)))
    mass = binom.pmf(np.arange(examples + 1), examples, 1 / classes)
    for tail in (mass[: round(low)].sum(), mass[round(high) + 1 :].sum()):
        assert tail < 0.025
    assert mass[: round(low) + 1].sum() >= 0.025
    assert mass[round(high) :].sum() > 0.025
    assert (band.get_x(), band.get_width()) == (0, 1)  # in parts of the axis: over all of it


def test_guesses_are_in_the_legend_and_only_where_asked_for(write):
    asked = accuracies(write)
    assert list(figure(**asked).axes[1].patches) == []
    shown = figure(**asked | {"y": ["curves.accuracy", "curves.accuracy"]}, chance=True, classes=10)
    assert [len(axes.patches) for axes in shown.axes] == [1, 1]
    write({"epoch": [0, 0], "split": ["train", "test"], "accuracy": [0.5, 0.2]})
    shown = figure(y=["curves.accuracy"], lines=None, chance=True, classes=10)
    assert [text.replace("\n", " ") for text in legend(shown)] == [
        "training", "test", "95 % of guesses on the test set"
    ]  # fmt: skip


NETS = {"kind": "scatter", "x": "ratio", "y": ["nets.loss"], "lines": None, "note": "hessian.rank_correlation"}


def nets(write, **found):
    write({"ratio": np.linspace(0, 1, 30), "loss": np.geomspace(1, 1e3, 30)}, "nets")
    Path("metrics/x").mkdir(parents=True)
    Path("metrics/x/x-y.hessian.json").write_text(json.dumps(found))
    return NETS


@pytest.mark.parametrize(("found", "text"), [
    ({"rho": -0.234, "low": -0.411, "high": -0.019, "n": 97},
     "Spearman's ρ = −0.23 [−0.41, −0.02] (97 nets)"),
    ({"rho": 0.5, "low": None, "high": None, "n": 3}, "Spearman's ρ = 0.50 (3 nets)"),
    ({"rho": None, "low": None, "high": None, "n": 2}, "Spearman's ρ is undefined (2 nets)"),
])  # fmt: skip
@pytest.mark.parametrize("log", [[], ["loss"]])
def test_a_note_says_the_correlation_above_the_panel(found, text, log, write):
    shown = figure(**nets(write, rank_correlation=found), log=log)
    axes = shown.axes[0]
    (note,) = axes.texts
    assert note.get_text() == text
    shown.draw_without_rendering()
    box = note.get_window_extent()
    assert axes.bbox.containsx(box.x0)
    assert axes.bbox.containsx(box.x1)
    assert box.y0 > axes.bbox.y1


def test_no_nets_have_no_note(write):
    assert (
        list(figure(**nets(write, rank_correlation=dict.fromkeys(("rho", "low", "high")) | {"n": 0})).axes[0].texts)
        == []
    )


def test_a_long_note_is_two_lines_in_a_narrow_panel(write):
    asked = nets(write, rank_correlation={"rho": -0.23, "low": -0.41, "high": -0.02, "n": 97})
    write([{"ratio": i, "loss": i, "model": model} for i in range(9) for model in "AB"], "nets")
    shown = figure(**asked, columns="model")
    (note,) = shown.axes[0].texts
    shown.draw_without_rendering()
    assert list(shown.axes[1].texts) == []
    assert note.get_text().count("\n") == 1
    assert note.get_window_extent().x0 > shown.axes[0].bbox.x0
    assert note.get_window_extent().y0 > shown.axes[0].bbox.y1
    assert shown.axes[0].title.get_window_extent().y0 > note.get_window_extent().y1


def test_a_note_may_lie_deeper(write):
    asked = nets(write, all_nets={"spearman": {"rho": 0.5, "low": None, "high": None, "n": 3}}, few={"spearman": None})
    assert figure(**asked | {"note": "hessian.all_nets.spearman"}).axes[0].texts[0].get_text().startswith("Spearman")
    for name in ("few.spearman", "all_nets.spearman.rho.more", "all_nets.pearson", "all_nets"):
        assert fault(asked | {"note": f"hessian.{name}"}).endswith(f"needs {name}, with rho, low, high, n")


def test_a_scatter_shows_single_nets_and_their_kinds_in_colours(write):
    table = write({"ratio": [0.1, 0.2, 0.3, 0.4], "loss": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "b", "a", "b"]}, "nets")
    alone = {"kind": "scatter", "x": "ratio", "y": ["nets.loss"], "lines": None}
    shown = figure(**alone)
    np.testing.assert_array_equal(shown.axes[0].lines[0].get_xydata(), table[["ratio", "loss"]])
    assert legend(shown) is None
    shown = figure(**alone | {"lines": "kind"})
    for line, (_, part), colour in zip(shown.axes[0].lines, table.groupby("kind"), style.PALETTE[:2], strict=True):
        np.testing.assert_array_equal(line.get_xydata(), part[["ratio", "loss"]])
        assert (line.get_color(), line.get_linestyle()) == (colour, "None")
    assert legend(shown) == ["a", "b"]


def test_a_scatter_names_no_kind_without_a_point(write):
    """Of a net whose search reached its bound there is no ratio."""
    rows = {"ratio": [0.1, nan, 0.3, nan], "loss": [1.0, 2.0, 3.0, inf], "kind": ["a", "b", "c", "b"]}
    write(rows, "nets")
    shown = figure(kind="scatter", x="ratio", y=["nets.loss"], lines="kind")
    assert legend(shown) == ["a", "c"]
    write({name: values[1:2] for name, values in rows.items()}, "nets")
    alone = figure(kind="scatter", x="ratio", y=["nets.loss"], lines="kind").axes[0]
    assert [text.get_text() for text in alone.texts] == ["none"]


@pytest.mark.parametrize(
    "kinds", [["elsewhere", "kinked minimum"], ["kinked minimum", "zero gradient"], ["kinked minimum"]]
)
def test_a_kind_of_net_has_one_colour_in_all_figures(kinds, write):
    write([{"ratio": 0.1 * i, "loss": 1.0, "kind": kind} for i, kind in enumerate(kinds)], "nets")
    lines = figure(kind="scatter", x="ratio", y=["nets.loss"], lines="kind").axes[0].lines
    colours = {"zero gradient": style.PALETTE[0], "kinked minimum": style.PALETTE[1], "elsewhere": style.PALETTE[6]}
    assert [line.get_color() for line in lines] == [colours[kind] for kind in kinds]


@pytest.mark.parametrize("found", [{}, {"rank_correlation": 0.5}, {"rank_correlation": {"rho": 0.5, "n": 3}}])
def test_a_note_that_is_not_there_is_named(found, write):
    asked = nets(write, **found)
    assert fault(asked) == (
        "metrics/x/x-y.hessian.json: the figure 'A title' needs rank_correlation, with rho, low, high, n"
    )
    Path("metrics/x/x-y.hessian.json").unlink()
    assert fault(asked) == ("metrics/x/x-y.hessian.json: the figure 'A title' needs this file, and it is not there")


# ------------------------------------------------------------------------------------------------------- room for words


LONG_TITLE = "Loss, accuracy, the gap between them, three sensitivities, sharpness, and the largest eigenvalue"


@pytest.mark.parametrize(("rows", "columns"), [(1, None), (6, None), (2, "third")])
@pytest.mark.parametrize("names", [("A", "B"), ("a longer name", "another name that is long enough for two lines")])
def test_words_do_not_overlap(rows, columns, names, write):
    table = [{"series": name, "split": split, "epoch": epoch, "third": third, "largest_eigenvalue": 1e4 * epoch}
             for name in names for split in ("train", "test") for epoch in (0, 1) for third in range(3)]  # fmt: skip
    write([row for row in table if columns == "third" or row["third"] == 0])
    shown = figure(y=["curves.largest_eigenvalue"] * rows, columns=columns, title=LONG_TITLE)
    shown.draw_without_rendering()
    panels = [text for axes in shown.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    around = [*boxes(shown.texts), shown.legends[0].get_window_extent()]
    assert not overlap([*boxes(panels), *around])
    assert not any(axes.bbox.overlaps(box) for axes in shown.axes for box in around)
    (height,) = {round(axes.bbox.height) for axes in shown.axes}
    assert all(box.height < height for box in boxes([axes.yaxis.label for axes in shown.axes]))
    assert all(box.x0 >= 0 and box.x1 <= shown.bbox.x1 for box in around)
    first = shown.axes[0]
    assert first.bbox.width / shown.dpi > (1.4 if columns else 3)  # however long the names in the legend


def cells(shown):
    """Row and column of each panel."""
    places = [axes.get_subplotspec() for axes in shown.axes]
    return [(place.rowspan.start, place.colspan.start) for place in places if place]


def test_panels_lie_in_rows_of_two(write):
    rows = [{"function": name, "model": f"M{i}", "epoch": epoch, "loss": 10.0**i, "accuracy": 0.1 * i}
            for i, name in enumerate(["sinc5", "swish", "quadratic"]) for epoch in (0, 1)]  # fmt: skip
    write(rows)
    assert cells(figure(lines=None, columns="function")) == [(0, 0), (0, 1), (1, 0)]
    two = figure(lines=None, columns="model", y=["curves.loss", "curves.accuracy"])
    assert cells(two) == [(0, 0), (0, 1), (2, 0), (1, 0), (1, 1), (3, 0)]
    assert [axes.get_title() for axes in two.axes] == ["M0", "M1", "M2", "", "", ""]
    assert [axes.get_ylabel()[:13] for axes in two.axes] == [
        "cross-entropy",
        "",
        "cross-entropy",
        "accuracy",
        "",
        "accuracy",
    ]
    surface(write, slope)
    assert cells(figure(**SURFACE, columns="plane")) == [(0, 0), (1, 0)]  # each with its bar of colours


def test_panels_that_are_compared_share_their_axes_and_functions_have_their_own(write):
    write([{"function": name, "model": f"M{i}", "epoch": i + epoch, "loss": 10.0 * i + epoch}
           for i, name in enumerate(["sinc5", "swish"]) for epoch in (0, 1)])  # fmt: skip
    left, right = figure(lines=None, columns="model").axes
    assert (left.get_xlim(), left.get_ylim()) == (right.get_xlim(), right.get_ylim())
    left, right = figure(lines=None, columns="function").axes
    assert left.get_ylim()[1] < right.get_ylim()[0]
    assert left.get_xlim() != right.get_xlim()


@pytest.mark.parametrize("facets", [1, 2, 3, 4])
def test_every_figure_is_of_one_width(facets, write, tmp_path):
    """That of the card which it stands in, however long its words are."""
    write([{"series": f"a net of a rather long name, number {i}", "epoch": epoch, "third": f"part {i % facets} of all",
            "largest_eigenvalue": 1e4 * epoch} for i in range(4) for epoch in (0, 1)])  # fmt: skip
    save(figure(y=["curves.largest_eigenvalue"], columns="third", title=LONG_TITLE), tmp_path / "x.svg")
    root = ElementTree.parse(tmp_path / "x.svg").getroot()  # noqa: S314 (a file of the project's own)
    assert 320 < float(root.get("width").removesuffix("pt")) < 72 * (WIDTH + 2 * 0.08) + 1


@pytest.mark.parametrize(("planes", "rows"), [(1, 1), (2, 1), (4, 1), (1, 2), (2, 2)])
def test_a_long_name_of_a_quantity_is_no_higher_than_its_panel(planes, rows, write):
    places = ("on the path", "in the plane")
    write([{"plane": f"{plane}", "at": at, "epoch": epoch, "loss": epoch + places.index(at)}
           for plane in range(planes) for at in places for epoch in (0, 1)], "path")  # fmt: skip
    for only in ({}, {"at": "on the path"}):  # the difference, and the loss itself
        shown = figure(y=["path.loss"] * rows, lines="at", columns="plane", only=only)
        shown.draw_without_rendering()
        for axes in shown.axes:
            assert axes.yaxis.label.get_window_extent().height <= axes.bbox.height


def test_labels_of_rows_stand_below_each_other(write):
    write({"epoch": [0, 1], "loss": [1e-3, 2e-3], "trace": [1e6, 2e6]})
    shown = figure(y=["curves.loss", "curves.trace"], lines=None)
    shown.draw_without_rendering()
    left, right = (axes.yaxis.label.get_window_extent() for axes in shown.axes)
    assert left.x0 == pytest.approx(right.x0, abs=1)  # of letters, which are not all of one height


# ----------------------------------------------------------------------------------------------------- bytes and faults


EVERY_KIND = {
    "lines": {"y": ["curves.signed"], "symlog": ["signed"]}, "points": POINTS, "scatter": NETS,
    "contours": SURFACE | {"path": "path", "columns": "plane"},
    "paths": {"kind": "paths", "x": "x", "y": ["path.y"], "lines": None},
}  # fmt: skip


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_same_table_gives_the_same_bytes(kind, curves, write, tmp_path):
    write(curves.assign(signed=curves["loss"] - 1))
    walked(write)
    path = pd.read_csv("plots/x/x-y/path.csv")
    write(path[path["at"] == "on the path"].assign(replica=0), "path")
    barriers(write)
    nets(write, rank_correlation={"rho": 0.5, "low": 0.1, "high": 0.7, "n": 30})
    for name in ("one", "two"):
        save(figure(**EVERY_KIND[kind]), tmp_path / "new" / name / "figure.svg")
    content = (tmp_path / "new" / "one" / "figure.svg").read_bytes()
    assert content == (tmp_path / "new" / "two" / "figure.svg").read_bytes()
    assert b"<dc:date>" not in content


def fault(changes) -> str:
    with pytest.raises(SettingsError) as caught:
        draw("x-y", spec(**changes), ABOUT)
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


def test_a_path_that_is_not_there_is_named(write):
    surface(write, slope)
    assert fault(SURFACE | {"path": "path"}).startswith("plots/x/x-y/path.csv: the figure 'A title' needs this table")
    write({"x": [0], "y": [0], "epoch": [0]}, "path")
    assert fault(SURFACE | {"path": "path"}).startswith("plots/x/x-y/path.csv: no column at; there are x, y, epoch")


# ------------------------------------------------------------------------------------------------ what there is none of


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("kind", ["lines", "scatter"])
@pytest.mark.parametrize("only", [{"series": "C"}, {"split": "Train"}, {"series": "A", "split": "validation"}])
def test_a_choice_that_no_net_meets_is_a_panel_that_says_so(only, kind, tmp_path):
    """No net may have ended on a kink, which nobody knows before it is trained."""
    shown = figure(only=only, kind=kind, columns="split", log=["loss"])
    assert [[text.get_text() for text in axes.texts] for axes in shown.axes] == [["none"]]
    save(shown, tmp_path / "none.svg")


def test_of_two_tables_one_may_have_none(curves, write):
    write(curves.assign(gap=1.0)[["series", "split", "epoch", "gap"]].iloc[:0], "gaps")
    shown = figure(y=["curves.loss", "gaps.gap"], columns="split")
    assert [[text.get_text() for text in axes.texts] for axes in shown.axes] == [[], [], ["none"], ["none"]]
    assert [axes.get_title() for axes in shown.axes] == ["training", "test", "", ""]


def test_a_panel_of_none_takes_nothing_from_the_panel_beside_it(curves, write):
    """They share an axis, and its name stands at the first of them."""
    write(curves.assign(gap=1.0 + curves["epoch"])[curves["series"] == "B"], "gaps")
    for kind in ("lines", "scatter"):
        shown = figure(y=["curves.loss", "gaps.gap"], columns="series", lines="split", kind=kind)
        *_, none, some = shown.axes
        assert [text.get_text() for text in none.texts] == ["none"]
        assert none.get_ylabel() == "gap"
        assert len(some.get_yticks()) > 2
    (alone,) = figure(y=["gaps.gap"], only={"series": "A"}, columns=None).axes
    assert len(alone.get_yticks()) == 0


def test_crosses_alone_take_nothing_from_the_panel_beside_them(curves, write):
    write(curves.assign(loss=curves["loss"].where(curves["series"] == "B"))[["series", "split", "epoch", "loss"]])
    left, right = draw("x-y", spec(columns="series", lines="split"), GONE).axes
    assert crosses(left)
    assert len(right.get_yticks()) > 2
    (alone,) = draw("x-y", spec(only={"series": "A"}), GONE).axes
    assert len(alone.get_yticks()) == 0


def test_the_way_of_a_net_that_stood_still_spans_no_plane(write):
    surface(write, slope)
    write(pd.read_csv("plots/x/x-y/surface.csv").assign(x=0.0), "surface")
    assert [text.get_text() for text in panel(**SURFACE).texts] == ["none"]


# ------------------------------------------------------------------------------------------------------- anyone's text


def words(path: Path) -> list[str]:
    """What stands in a picture."""
    root = ElementTree.parse(path).getroot()  # noqa: S314 (a file of the project's own)
    return [element.text.strip() for element in root.iter() if element.text]


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize(
    "text", ["From $10 to $20", "a $x^2$", r"\$x$", "$", r"{\frac", "<script>alert(1)</script> & <b>", "${item.title}"]
)
def test_a_text_is_shown_as_it_is_written(text, tmp_path):
    """It is neither mathematics nor a part of the file."""
    shown = draw("x-y", spec(title=text, x_label=text), ABOUT | {"data": text})
    save(shown, tmp_path / "figure.svg")
    said = "".join("".join(words(tmp_path / "figure.svg")).split())
    assert said.count("".join(text.split())) >= 3


def test_what_stands_in_place_of_a_figure_says_why(tmp_path):
    save(draw_failure("A title of $5", "KeyError: 'loss' <b>"), tmp_path / "figure.svg")
    assert {"A title of $5", "not drawn: KeyError: 'loss' <b>"} <= set(words(tmp_path / "figure.svg"))


def course(write, values, **asked):
    """The panel of one net's accuracies from epoch 0 on."""
    write({"epoch": range(len(values)), "accuracy": values})
    return panel(y=["curves.accuracy"], lines=None, **asked)


def test_a_start_that_would_hide_the_course_of_accuracies_lies_below_the_panel(write):
    axes = course(write, [0.1, 0.97, 0.98, 0.99], classes=10)
    assert axes.get_ylim() == pytest.approx((0.969, 0.991))
    assert compared(axes) == []  # nor is there room for what guessing comes to
    assert list(drawn(axes)[0].get_ydata()) == [0.1, 0.97, 0.98, 0.99]  # the line comes from there


@pytest.mark.parametrize(
    ("values", "chance"),
    [
        ([0.1, 0.6, 0.8, 0.9], False),  # what follows spans enough to be seen
        ([0.1, 0.9, 0.9], False),  # no course to show
        ([0.1, 0.98], False),
        ([0.1], False),
        ([0.1, 0.97, 0.98, 0.99], True),  # beside guesses
    ],
)
def test_otherwise_the_start_is_shown(write, values, chance):
    axes = course(write, values, classes=10, chance=chance)
    low, high = axes.get_ylim()
    assert low < 0.1 <= max(values) < high


def test_accuracies_without_a_value_after_the_start_are_drawn(write):
    assert course(write, [0.1, nan, nan]).get_ylim()[0] < 0.1
