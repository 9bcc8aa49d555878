"""The figure of all tested claims: each in its row, where the table says."""

from itertools import combinations, pairwise
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from netclaims.claims.verdicts import VERDICTS as ALL_VERDICTS
from netclaims.present import style
from netclaims.present import wording as verdicts
from netclaims.present.claims_figure import CLAIMED, PANELS, RATIOS, TESTED, draw_claims
from netclaims.present.svg import save

VERDICTS = {verdict.name: (verdict.colour, verdict.marker) for verdict in TESTED}
UNITS = [unit for _, units in PANELS.values() for unit in units]
TITLES = {unit: title for title, units in PANELS.values() for unit in units}
RANGES = {"rho": (-1, 1), "rank": (-1, 1), "difference": (-2, 2), "height": (-3, 3)}


def row(claim="a-one", unit="rho", effect=0.5, low=0.25, high=0.75, verdict="supported", **changes) -> dict:
    ends = (1 if unit == "ratio" else 0, nan)
    return {"claim": claim, "report": claim[0], "experiment": f"{claim[0]}-nets", "quote": f"it falls in {claim}",
            "unit": unit, "effect": effect, "low": low, "high": high, "claimed_low": ends[0], "claimed_high": ends[1],
            "verdict": verdict} | changes  # fmt: skip


def untested(claim="a-word", verdict="not testable") -> dict:
    return row(claim, **dict.fromkeys(["unit", "effect", "low", "high", "claimed_low"], nan), verdict=verdict)


def many(reports="abcde", each=12) -> pd.DataFrame:
    """A claim of every unit and verdict in each report, and some that nothing was tested of."""
    random, found = np.random.default_rng(3), []
    for report in reports:
        for i in range(each):
            unit = UNITS[i % len(UNITS)]
            if unit == "ratio":
                effect, spread = np.exp(random.normal()), np.exp(random.uniform(0.1, 1))
                ends = (effect / spread, effect * spread)
            else:
                low, high = RANGES[unit]
                effect = random.uniform(0.9 * low, 0.9 * high)
                ends = (max(low, effect - 0.2), min(high, effect + 0.3))
            quote = "a rather long sentence of a report, in at most twelve words of it"[
                : random.integers(9, 67)
            ].strip()
            verdict = list(VERDICTS)[i // 2 % 3]
            found.append(row(f"{report}-{i}", unit, effect, *ends, verdict, quote=quote))
        found.insert(-3, untested(f"{report}-word"))
        found.append(untested(f"{report}-count", "refuted"))
    return pd.DataFrame(found)


def figure(*rows, scale="quick"):
    return draw_claims(pd.DataFrame(rows) if rows and isinstance(rows[0], dict) else rows[0], scale)


def panels(shown) -> dict:
    """The panels by their titles."""
    return {axes.get_title(): axes for axes in shown.axes}


def places(shown, table) -> dict[str, float]:
    """The height of each claim's row."""
    ticks, tested = shown.axes[0].get_yticks(), table[table["unit"].notna()]
    return dict(zip(tested["claim"], np.round(ticks, 6), strict=True))


def drawn(shown, unit, y):
    """The point and the bar in a row: its place, colour and mark, and its ends."""
    at = [line for line in panels(shown)[TITLES[unit]].lines if np.allclose(line.get_ydata(), y)]
    points = [(line.get_xdata()[0], line.get_color(), line.get_marker()) for line in at if len(line.get_xdata()) == 1]
    bars = [(list(line.get_xdata()), line.get_color()) for line in at if len(line.get_xdata()) == 2]
    return [point for point in points if np.isfinite(point[0])], bars


def shaded(shown, unit) -> dict[float, tuple[float, float]]:
    """From where to where each row of a panel is shaded, by its height."""
    boxes = [box for box in panels(shown)[TITLES[unit]].patches
             if isinstance(box, Rectangle) and to_hex(box.get_facecolor()).upper() == CLAIMED]  # fmt: skip
    ends = [(box.get_x(), box.get_x() + box.get_width()) for box in boxes]
    return {round(box.get_y() + box.get_height() / 2, 6): pair for box, pair in zip(boxes, ends, strict=True)}


def said(shown) -> str:
    return shown.get_suptitle()


# ----------------------------------------------------------------------------------------------------------------- rows


def test_every_tested_claim_has_a_row_in_order():
    table = many()
    shown = draw_claims(table, "quick")
    first = shown.axes[0]
    tested = table[table["unit"].notna()]
    ticks = list(first.get_yticks())
    assert len(ticks) == len(tested) == 60
    assert ticks == sorted(set(ticks))
    low, high = sorted(first.get_ylim())
    assert low < min(ticks) - 0.5
    assert max(ticks) + 0.5 < high
    assert first.yaxis_inverted()
    labels = [text.get_text() for text in first.get_yticklabels()]
    assert labels == [f"“{quote}”" for quote in tested["quote"]]
    assert all(axes.get_ylim() == first.get_ylim() for axes in shown.axes)


def test_every_report_has_a_heading_above_its_rows():
    table = many("bd")
    shown = draw_claims(table, "quick")
    heads = {text.get_text(): text.get_position()[1] for text in shown.axes[0].texts}
    assert list(heads) == ["Report b", "Report d"]
    at = places(shown, table)
    assert heads["Report b"] < at["b-0"] < at["b-11"] < heads["Report d"] < at["d-0"]


def test_points_bars_and_shades_are_where_the_table_says():
    table = many()
    shown = draw_claims(table, "quick")
    at = places(shown, table)
    for claim in table[table["unit"].notna()].itertuples():
        y, (colour, mark) = at[claim.claim], VERDICTS[claim.verdict]
        points, bars = drawn(shown, claim.unit, y)
        assert points == [(pytest.approx(claim.effect), colour, mark)]
        assert bars == [([pytest.approx(claim.low), pytest.approx(claim.high)], colour)]
        edge = panels(shown)[TITLES[claim.unit]].get_xlim()[1]
        assert shaded(shown, claim.unit)[y] == pytest.approx((claim.claimed_low, edge))
    for unit, axes in panels(shown).items():
        rows = table[table["unit"].map(TITLES) == unit]
        marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
        assert len(marks) == len(rows)  # and nowhere else


def test_colours_and_marks_tell_verdicts_apart_in_the_legend_too():
    assert [*VERDICTS, "not testable", "not run"] == list(ALL_VERDICTS)
    assert len({colour for colour, _ in VERDICTS.values()}) == len({mark for _, mark in VERDICTS.values()}) == 3
    (legend,) = draw_claims(many(), "quick").legends
    assert [text.get_text() for text in legend.get_texts()] == [*VERDICTS, "what the claim says"]
    looks = [(line.get_color(), line.get_marker()) for line in legend.get_lines()]
    assert looks == list(VERDICTS.values())


def test_labels_have_the_colour_of_a_verdict_that_was_reached():
    verdicts = ["supported", "refuted", "undecided"]
    shown = figure(*(row(f"a-{verdict}", verdict=verdict) for verdict in verdicts))
    colours = [text.get_color() for text in shown.axes[0].get_yticklabels()]
    assert colours == [VERDICTS["supported"][0], VERDICTS["refuted"][0], style.QUIET]


def test_every_unit_has_a_panel_and_words_on_the_page():
    assert sorted(UNITS) == sorted(verdicts.UNITS)


@pytest.mark.parametrize("unit", UNITS)
def test_there_are_panels_for_what_there_is(unit):
    assert list(panels(figure(row(unit=unit)))) == [TITLES[unit]]
    assert list(panels(draw_claims(many(), "quick"))) == [title for title, _ in PANELS.values()]


def test_differences_have_a_wide_panel_for_numbers_of_their_many_sizes():
    widths = {title: axes.bbox.width for title, axes in panels(draw_claims(many(), "quick")).items()}
    wide = widths.pop(TITLES["difference"])
    (narrow,) = {round(width, 3) for width in widths.values()}
    assert wide / narrow == pytest.approx(2.6 / 1.6, rel=1e-3)


@pytest.mark.parametrize(("unit", "scale", "middle"), [
    ("rho", "linear", 0), ("rank", "linear", 0), ("height", "linear", 0),
    ("difference", "symlog", 0), ("ratio", "log", 1),
])  # fmt: skip
def test_a_line_where_nothing_speaks_for_a_claim_or_against(unit, scale, middle):
    (axes,) = figure(row(unit=unit)).axes
    assert axes.get_xscale() == scale
    assert [list(line.get_xdata()) for line in axes.lines if list(line.get_ydata()) == [0, 1]] == [[middle, middle]]
    low, high = axes.get_xlim()
    assert (low * high if unit == "ratio" else low + high) == pytest.approx(middle)  # as far to both sides


def test_a_claim_of_equality_is_shaded_between_its_margins():
    table = pd.DataFrame([row("a-0", "difference", 0.3, 0.1, 0.4, claimed_low=-0.2, claimed_high=0.2),
                          row("a-1", "ratio", 1.5, 1.2, 1.8, claimed_low=0.5, claimed_high=2)])  # fmt: skip
    shown = draw_claims(table, "quick")
    at = places(shown, table)
    assert shaded(shown, "difference") == {at["a-0"]: pytest.approx((-0.2, 0.2))}
    assert shaded(shown, "ratio") == {at["a-1"]: pytest.approx((0.5, 2))}


# ---------------------------------------------------------------------------------------------------- what is not there


@pytest.mark.parametrize("unit", UNITS)
def test_a_point_without_an_interval_has_no_bar(unit):
    table = pd.DataFrame([row(unit=unit, low=nan, high=nan)])
    shown = draw_claims(table, "quick")
    assert drawn(shown, unit, places(shown, table)["a-one"]) == ([(0.5, *VERDICTS["supported"])], [])


@pytest.mark.parametrize("ends", [(0.4, nan), (nan, 0.6), (-inf, 0.6), (0.4, inf)])
def test_half_an_interval_is_none(ends):
    table = pd.DataFrame([row("a-one", "difference", 0.5, *ends), row("a-two", "difference", -0.5, -0.6, -0.4)])
    shown = draw_claims(table, "quick")
    at = places(shown, table)
    assert drawn(shown, "difference", at["a-one"])[1] == []
    assert drawn(shown, "difference", at["a-two"])[1] == [([-0.6, -0.4], VERDICTS["supported"][0])]
    assert np.isfinite(shown.axes[0].get_xlim()).all()


@pytest.mark.parametrize("unit", UNITS)
def test_a_claim_without_an_effect_has_an_empty_row(unit):
    table = pd.DataFrame([row(unit=unit, effect=nan, low=nan, high=nan, verdict="undecided")])
    shown = draw_claims(table, "quick")
    y = places(shown, table)["a-one"]
    assert drawn(shown, unit, y) == ([], [])
    assert [text.get_text() for text in shown.axes[0].get_yticklabels()] == ["“it falls in a-one”"]
    assert y in shaded(shown, unit)


@pytest.mark.parametrize("unit", ["rho", "ratio"])
def test_text_that_is_empty_is_no_unit(unit):
    """As in the table before it is written."""
    shown = figure(row(unit=unit), untested() | {"unit": ""})
    assert len(shown.axes[0].get_yticks()) == 1
    assert said(shown).startswith("2 claims of 1 report, ")


@pytest.mark.parametrize("table", [[untested()], [untested(), untested("b-count", "refuted")]])
def test_nothing_tested_at_all(table, tmp_path):
    shown = draw_claims(pd.DataFrame(table), "quick")
    save(shown, tmp_path / "claims.svg")
    assert list(shown.axes[0].get_yticks()) == []
    assert shown.axes[0].texts[:] == []
    assert "0 supported" in said(shown)


# -------------------------------------------------------------------------------------------------------------- far out


@pytest.mark.parametrize(("effect", "ends", "mark"), [(1e6, (1e5, 1e7), ">"), (1e-5, (1e-6, 1e-4), "<"),
                                                      (1e200, (1e-200, 1e300), ">")])  # fmt: skip
def test_a_ratio_far_out_is_an_arrow_at_the_edge(effect, ends, mark):
    table = pd.DataFrame([row("a-one", "ratio", effect, *ends, "refuted"), row("a-two", "ratio", 1.5, 1.25, 2)])
    shown = draw_claims(table, "quick")
    (axes,) = shown.axes
    at, limits = places(shown, table), axes.get_xlim()
    edge = limits[mark == ">"]
    points, bars = drawn(shown, "ratio", at["a-one"])
    assert points == [(pytest.approx(edge), VERDICTS["refuted"][0], mark)]
    ((found, _),) = bars
    assert min(limits) <= min(found) <= max(found) <= max(limits)
    assert drawn(shown, "ratio", at["a-two"])[0] == [(1.5, *VERDICTS["supported"])]
    assert RATIOS[0] / 2 < limits[0] < limits[1] < RATIOS[1] * 2


@pytest.mark.parametrize("unit", ["difference", "height"])
def test_other_effects_are_all_inside(unit):
    table = pd.DataFrame([row("a-0", unit, 500.0, -100.0, 900.0), row("a-1", unit, -0.01, -0.02, 0.005)])
    (axes,) = draw_claims(table, "quick").axes
    low, high = axes.get_xlim()
    assert low < -100 < 900 < high


def test_small_differences_are_told_apart_beside_large_ones():
    """Accuracies, losses and epochs share an axis."""
    table = pd.DataFrame([row("a-0", "difference", 500.0, 100.0, 900.0), row("a-1", "difference", 0.02, 0.01, 0.03)])
    (axes,) = draw_claims(table, "quick").axes
    zero, small, large = (axes.transData.transform((x, 0))[0] for x in (0, 0.02, 500))
    assert small - zero > 0.1 * (large - zero)


# ---------------------------------------------------------------------------------------------------------------- words


def test_the_axis_of_differences_has_numbers_for_small_ones_too():
    shown = figure(*(row(f"a-{i}", "difference", effect, effect, effect) for i, effect in enumerate((0.0055, 30, 200))))
    axes = panels(shown)[TITLES["difference"]]
    assert [tick for tick in axes.get_xticks() if tick > 0] == [0.01, 1, 100]
    shown.canvas.draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()][:7]  # above the panel; below it once more
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize("scale", ["quick", "paper"])
def test_the_title_counts_claims_and_verdicts_and_names_the_scale(scale):
    table = pd.DataFrame([row(), row("b-one", verdict="refuted"), untested("b-word"), untested("b-count", "refuted"),
                          row("c-one", verdict="undecided")])  # fmt: skip
    assert said(draw_claims(table, scale)) == (
        f"5 claims of 3 reports, at the {scale} scale: 1 supported, 2 refuted, 1 undecided, 1 not testable, 0 not run"
    )


def test_one_report_only():
    shown = draw_claims(many("c", 10), "quick")
    assert [text.get_text() for text in shown.axes[0].texts] == ["Report c"]
    assert len(shown.axes[0].get_yticks()) == 10
    assert said(shown).startswith("12 claims of 1 report, at the quick scale: ")


@pytest.mark.parametrize("quote", ["a | b < c > d", "10<sup>2</sup>", "$x_1$ and $y", "50 % & more", "\\alpha"])
def test_a_quote_is_shown_as_it_is(quote, tmp_path):
    shown = figure(row(quote=quote))
    save(shown, tmp_path / "claims.svg")
    (label,) = shown.axes[0].get_yticklabels()
    assert label.get_text() == f"“{quote}”"
    assert not (label.get_parse_math() and "$" in quote)  # which would be taken for mathematics


def test_a_long_quote_is_cut_at_a_word():
    words = " ".join(["characteristically"] * 12)
    (label,) = figure(row(quote=words)).axes[0].get_yticklabels()
    assert label.get_text().startswith("“characteristically characteristically")
    assert label.get_text().endswith("characteristically…”")
    assert len(label.get_text()) < 90


def boxes(texts) -> list:
    return [text.get_window_extent() for text in texts if text.get_text()]


@pytest.mark.parametrize("reports", ["a", "abcde"])
def test_words_do_not_overlap(reports):
    shown = draw_claims(many(reports, 12 if len(reports) > 1 else 5), "quick")
    shown.draw_without_rendering()
    first = shown.axes[0]
    ticks = [text for axes in shown.axes for text in axes.get_xticklabels()
             if axes.get_xlim()[0] <= text.get_position()[0] <= axes.get_xlim()[1]]  # fmt: skip
    words = [shown._suptitle, *shown.texts, *first.texts, *first.get_yticklabels(), *ticks,
             *(axes.title for axes in shown.axes), *shown.legends[0].get_texts()]  # fmt: skip
    found = boxes(dict.fromkeys(words))
    assert len(found) > len(ticks) + len(first.get_yticks())
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))
    assert all(box.x0 >= 0 and box.x1 <= shown.bbox.x1 for box in found)
    assert all(box.x1 <= first.bbox.x0 for box in boxes(first.get_yticklabels()))


# ---------------------------------------------------------------------------------------------------------------- bytes


@pytest.mark.parametrize("reports", ["a", "abcde"])
def test_the_same_table_gives_the_same_bytes(reports, tmp_path):
    for name in ("one", "two"):
        save(draw_claims(many(reports), "quick"), tmp_path / f"{name}.svg")
    one, two = ((tmp_path / f"{name}.svg").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"<dc:date>" not in one


def test_another_table_gives_other_bytes(tmp_path):
    table = many("a")
    save(draw_claims(table, "quick"), tmp_path / "one.svg")
    save(draw_claims(table.assign(effect=table["effect"] * 0.99), "quick"), tmp_path / "two.svg")
    assert Path(tmp_path / "one.svg").read_bytes() != Path(tmp_path / "two.svg").read_bytes()
