"""Figures in words: the numbers are those of the tables, and whatever is not a number is never told as one."""

import re
from contextlib import chdir
from math import inf, isfinite, nan
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from netclaims.files import read_json
from netclaims.paths import metrics_of
from netclaims.present.alt_text import MOST, describe
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.tables import panels
from netclaims.settings.figures import FigureSettings
from netclaims.settings.reports import load_report

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.stem for path in (ROOT / "reports").glob("*.yaml"))
NO_NUMBER = re.compile(r"\b(nan|inf|infinity|none|null)\b", re.IGNORECASE)
LONGEST = 2000  # characters: what somebody would still listen to

ABOUT = {"replicas": 3, "epochs": 50, "models": {"A": {"diverged": 0}}}


def of_x_y(spec: FigureSpec, about: dict) -> str:
    return describe(spec, panels("x-y", spec, about), about)


def told(loss="mse", **changes) -> str:
    """What is said of a figure of the table `curves`, after its title."""
    entry = {"title": "A title", "x": "epoch", "y": ["curves.loss"]} | changes
    title, _, rest = of_x_y(FigureSettings(**entry).plain(), ABOUT | {"loss": loss}).partition(". ")
    assert title == "A title"
    return rest


def course(losses, epochs=None, **columns):
    return pd.DataFrame({"epoch": range(len(losses)) if epochs is None else epochs, "loss": losses} | columns)


# ---------------------------------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize(("losses", "said"), [
    ([3, 1, 5, 2], "goes from 3 at 0 to 2 at 3, lowest 1 at 1, highest 5 at 2"),
    ([3, 4, 5, 2], "goes from 3 at 0 to 2 at 3, highest 5 at 2"),
    ([3, 1, 2, 4], "goes from 3 at 0 to 4 at 3, lowest 1 at 1"),
    ([3, 2, 1, 1], "goes from 3 at 0 to 1 at 3"),
    ([2, 2, 2], "goes from 2 at 0 to 2 at 2"),
    ([7], "goes from 7 at 0 to 7 at 0"),
    ([-3, -5, -1], "goes from −3 at 0 to −1 at 2, lowest −5 at 1"),
    ([1234567, 0.000123456, 999.4], "goes from 1,234,567 at 0 to 999 at 2, lowest 0.000123 at 1"),
])  # fmt: skip
def test_a_line_is_told_by_its_ends_and_its_extremes(losses, said, write):
    write(course(losses))
    assert told() == f"Mean squared error by epoch: {said}."


def test_a_line_goes_along_its_axis_whatever_the_order_of_the_rows(write):
    write(course([2, 3, 9, 1], epochs=[20, 10, 15, 12]))
    assert told() == "Mean squared error by epoch: goes from 3 at 10 to 2 at 20, lowest 1 at 12, highest 9 at 15."


@pytest.mark.parametrize(("losses", "said"), [
    ([nan, 2, 3], "goes from 2 at 1 to 3 at 2"),
    ([4, 2, nan], "goes from 4 at 0 to 2 at 1"),
    ([4, nan, 2], "goes from 4 at 0 to 2 at 2"),
    ([4, inf, -inf, 2], "goes from 4 at 0 to 2 at 3"),
    ([inf, 1, 2, inf], "goes from 1 at 1 to 2 at 2"),
    ([nan, nan], "nothing that is finite"),
    ([inf, nan], "nothing that is finite"),
])  # fmt: skip
def test_what_is_missing_or_infinite_is_no_place_of_a_line(losses, said, write):
    write(course(losses))
    assert told() == f"Mean squared error by epoch: {said}."


def test_lines_and_their_parts_have_names(write):
    write(pd.concat([course([level, 2 * level], series=series, split=split)
                     for series, level in (("A", 1), ("B", 10)) for split in ("train", "test")]))  # fmt: skip
    assert told("cross_entropy", lines="series") == (
        "Cross-entropy (nats) by epoch: A, training goes from 1 at 0 to 2 at 1; A, test goes from 1 at 0 to 2 at 1; "
        "B, training goes from 10 at 0 to 20 at 1; B, test goes from 10 at 0 to 20 at 1."
    )
    assert told(lines="split", only={"series": "B"}) == (
        "Mean squared error by epoch: training goes from 10 at 0 to 20 at 1; test goes from 10 at 0 to 20 at 1."
    )
    assert told(only={"series": "B"}) == told(lines="split", only={"series": "B"})


def test_nets_are_told_in_the_order_of_their_sizes(write):
    write(pd.concat([course([1, 2], model="large"), course([3, 4], model="small")]))
    entry = FigureSettings(title="A title", x="epoch", y=["curves.loss"], lines="model").plain()
    models = {"large": {"parameters": 90}, "small": {"parameters": 30}}
    assert of_x_y(entry, {"loss": "mse", "replicas": 3, "epochs": 50, "models": models}) == (
        "A title. Mean squared error by epoch: small goes from 3 at 0 to 4 at 1; large goes from 1 at 0 to 2 at 1."
    )


def test_many_lines_are_told_together(write):
    def lines(count):
        write(pd.concat([course([i + 1, 0.5 * i, inf], series=f"L{i}") for i in range(count)]))
        return told(lines="series", x_label="time")

    assert lines(MOST).count("goes from") == MOST
    assert lines(MOST + 1) == f"Mean squared error by epoch: {MOST + 1} lines by epoch, from 0 to {MOST + 1}."


def test_panels_are_told_one_by_one(write):
    """Rows of panels are quantities, columns are values of a column; each tells what it shows alone."""
    write(pd.concat([course([level, 2 * level], function=name, accuracy=level / 100)
                     for name, level in (("sinc5", 1), ("quadratic", 10))]))  # fmt: skip
    assert told(columns="function", y=["curves.loss", "curves.accuracy"]) == (
        "Mean squared error by epoch (sin(5πx)/(5πx)): goes from 1 at 0 to 2 at 1. "
        "Mean squared error by epoch (5x² − 0.5x + 0.2): goes from 10 at 0 to 20 at 1. "
        "Accuracy by epoch (sin(5πx)/(5πx)): goes from 0.01 at 0 to 0.01 at 1. "
        "Accuracy by epoch (5x² − 0.5x + 0.2): goes from 0.1 at 0 to 0.1 at 1."
    )


def test_panels_of_two_tables(write):
    write(course([1, 2]))
    write(course([3, 4]).rename(columns={"loss": "gap"}), "more")
    assert told(y=["curves.loss", "more.gap"]) == (
        "Mean squared error by epoch: goes from 1 at 0 to 2 at 1. Gap by epoch: goes from 3 at 0 to 4 at 1."
    )


@given(st.lists(st.floats(-1e6, 1e6) | st.sampled_from([nan, inf, -inf]), min_size=1, max_size=9))
@given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # every example writes its own table
@example([0.0, -0.0])
def test_the_numbers_told_of_a_line_are_its_own(write, losses):
    write(course(losses))
    losses = [value + 0.0 for value in losses]  # nought has no sign
    rounded = {
        value: f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}" for value in losses if isfinite(value)
    }
    said = told().translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789"))
    said = re.sub(r"·10(-?)(\d+)", lambda power: f"e{power[1] or '+'}{power[2]:0>2}", said)
    assert not NO_NUMBER.search(said)
    numbers = re.findall(r"(?:from|to|lowest|highest) (\S+) at", said)
    assert set(numbers) <= set(rounded.values())
    assert (len(numbers) >= 2) == bool(rounded)
    if rounded:
        assert {rounded[min(rounded)], rounded[max(rounded)]} <= set(numbers)


# --------------------------------------------------------------------------------------------------- the other kinds


def test_points_are_told_by_category(write):
    write(pd.DataFrame({"model": ["A", "B", "C", "D"], "loss": [0.5, nan, inf, 12345]}))
    assert told(kind="points", x="model") == "Mean squared error: A 0.5, B none, C none, D 12,345."


def test_points_of_several_lines_and_panels(write):
    write(pd.DataFrame([
        {"function": function, "model": model, "region": region, "loss": level + step}
        for function, level in (("sinc5", 0), ("quadratic", 10))
        for region, step in (("inside", 0.1), ("edge", 0.2))
        for model in "AB"
    ]))  # fmt: skip
    assert told(kind="points", x="model", lines="region", columns="function") == (
        "Mean squared error (sin(5πx)/(5πx)): inside: A 0.1, B 0.1; edge: A 0.2, B 0.2. "
        "Mean squared error (5x² − 0.5x + 0.2): inside: A 10.1, B 10.1; edge: A 10.2, B 10.2."
    )


def test_many_points_are_told_by_their_range(write):
    def points(count):
        write(pd.DataFrame({"model": [f"N{i}" for i in range(count)], "loss": [*range(1, count), nan]}))
        return told(kind="points", x="model")

    assert points(MOST).count("N") == MOST
    assert points(MOST + 1) == f"Mean squared error: from 1 to {MOST}."


def test_values_are_named_as_in_the_figure(write):
    write(pd.DataFrame({"shuffle_labels": [0, 0.5, 1], "loss": [1, 2, 3]}))
    assert told(kind="points", x="shuffle_labels") == (
        "Mean squared error: 0 % shuffled 1, 50 % shuffled 2, 100 % shuffled 3."
    )


def test_a_scatter_is_told_by_number_and_ranges(write):
    write(pd.DataFrame({
        "kind": ["stalled at a kink"] * 4 + ["elsewhere"] * 2 + ["bound reached"],
        "minimal_ratio": [0.25, nan, 0.75, 0.5, 0.5, 0.125, nan],
        "loss": [3, 1, inf, 2, 4, 4000, 5],
    }))  # fmt: skip
    across = "minimal ratio: share of positive eigenvalues"
    assert told(kind="scatter", x="minimal_ratio", lines="kind") == (
        f"Mean squared error: 2 nets stalled at a kink from 2 to 3, {across} from 0.25 to 0.5; "
        f"2 nets elsewhere from 4 to 4,000, {across} from 0.125 to 0.5."
    )
    assert told(kind="scatter", x="minimal_ratio") == (
        f"Mean squared error: 4 nets from 2 to 4,000, {across} from 0.125 to 0.5."
    )


def test_paths_are_told_by_where_they_begin_and_end(write):
    write(pd.DataFrame({
        "replica": [0, 0, 0, 1, 1, 1],
        "epoch": [10, 0, 5, 0, 5, 10],
        "pc1": [4, 1, 99, 2, -99, 3],
        "pc2": [-4, -1, 77, -2, -77, -3],
    }))  # fmt: skip
    assert told(kind="paths", x="pc1", y=["curves.pc2"]) == (
        "Second component: 2 runs, which begin from −2 to −1 and end from −4 to −3; "
        "first component: begin from 1 to 2, end from 3 to 4."
    )


def test_paths_that_start_far_apart_are_told_from_their_starts(write):
    write({"replica": [0, 0, 1, 1], "epoch": [0, 5, 0, 5], "pc1": [1, 4, 90, 92], "pc2": [0, 1, -50, -48]})
    assert told(kind="paths", x="pc1", y=["curves.pc2"]) == (
        "Second component, from the start: 2 runs, which begin at 0 and end from 1 to 2; "
        "first component, from the start: begin at 0, end from 2 to 3."
    )


def test_a_loss_in_a_plane_is_told_less_that_on_the_path(write):
    write(pd.concat([course([3, 2, 1], at="on the path"), course([3, 4, 1], at="in the plane")]))
    assert told(lines="at") == (
        "Mean squared error, in the plane less on the path by epoch: "
        "in the plane goes from 0 at 0 to 0 at 2, highest 2 at 1."
    )


@pytest.mark.parametrize(("losses", "said"), [
    ([0.5, 7, 3000, 1], "from 0.5 to 3,000 over the plane"),
    ([nan, 7, inf, 2], "from 2 to 7 over the plane"),
    ([nan, inf, -inf, nan], "nothing that is finite over the plane"),
])  # fmt: skip
def test_contours_are_told_by_their_range(losses, said, write):
    write(pd.DataFrame({"x": [0, 0, 1, 1], "y": [0, 1, 0, 1], "loss": losses}))
    assert told(kind="contours", x="x") == f"Mean squared error: {said}."


# ---------------------------------------------------------------------------------------------- figures of the project


@pytest.mark.parametrize("report", REPORTS)
def test_every_figure_of_the_project_is_told(report):
    """By its title first, at a length to listen to, every panel by its quantity, and without what is no number."""
    with chdir(ROOT):
        for key, settings in load_report(Path("reports", f"{report}.yaml")).figures.items():
            about = read_json(metrics_of(settings.nets))
            for name, figure in settings.draw.items():
                spec = figure.plain()
                tables = panels(key, spec, about)
                said = describe(spec, tables, about)
                where = f"{key}.{name}: {said}"
                facets = tables[0][figure.columns].nunique() if figure.columns else 1
                assert said.startswith(f"{figure.title}. "), where
                assert len(f"{figure.title}. ") < len(said) <= LONGEST, where
                assert not re.search(r"\b(nan|inf|infinity)\b", said, re.IGNORECASE), where
                assert said.count(": ") >= facets * len(figure.y), where
                assert said.endswith(".") and "  " not in said and "_" not in said, where


def test_a_place_that_is_no_number_is_not_told(write):
    write(course([3, 1, 5], epochs=[nan, 1, 2]))
    assert told() == "Mean squared error by epoch: goes from 1 at 1 to 5 at 2."
    write(course([3, 1], epochs=[nan, nan]))
    assert told() == "Mean squared error by epoch: nothing that is finite."


def test_nets_that_diverged_are_told(write):
    write(course([3.0, nan]))
    entry = FigureSettings(title="A title", x="epoch", y=["curves.loss"]).plain()
    about = ABOUT | {"loss": "mse", "models": {"M1": {"diverged": 2}}}
    assert of_x_y(entry, about).endswith("Diverged: M1 (2 of 3).")
