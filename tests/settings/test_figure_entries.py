"""What the `figures:` of a report may say, and what of it drawing reads."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from netclaims.errors import SettingsError
from netclaims.present.figure_spec import FigureSpec
from netclaims.settings.figures import FigureSettings, FiguresSettings
from netclaims.settings.reports import load_report

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.stem for path in (ROOT / "reports").glob("*.yaml"))

ENTRY = {
    "nets": "x-z",
    "question": "capacity",
    "draw": {"loss": {"title": "A title", "x": "epoch", "y": ["curves.loss"]}},
}


def changed(**changes):
    return ENTRY | {"draw": {"loss": ENTRY["draw"]["loss"] | changes}}


@pytest.fixture
def reports(tmp_path, monkeypatch, entry):
    """Writes `reports/x.yaml`, with the experiments x-y and x-z."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    experiments = {key: entry("functions", report="x") for key in ("x-y", "x-z")}
    return lambda content: Path("reports/x.yaml").write_text(
        yaml.dump({"experiments": experiments} | content, sort_keys=False)
    )


def load_figures(report: str) -> dict[str, FiguresSettings]:
    return load_report(Path("reports") / f"{report}.yaml").figures


def test_the_figures_of_a_report(reports):
    fits = {key: {"report": "x", "nets": "x-z"} for key in ("x-z", "x-w")}
    errors = {"title": "A title", "x": "model", "y": ["errors.mean_square"], "kind": "points", "lines": "region"}
    figures = {"x-z": ENTRY, "x-w": ENTRY | {"draw": {"errors": errors}}, "x-y": ENTRY | {"nets": "x-y"}}
    reports({"fit": fits, "figures": figures})
    found = load_figures("x")
    assert [(key, figures.nets) for key, figures in found.items()] == [("x-z", "x-z"), ("x-w", "x-z"), ("x-y", "x-y")]
    assert found["x-z"].draw["loss"] == FigureSettings(**ENTRY["draw"]["loss"])


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"figures": {"x-y": ENTRY}}, "figures.x-y.nets: what is named x-y is of the nets of x-y (found 'x-z')"),
        ({"fit": {"x-y": {"report": "x", "nets": "x-z"}}}, "fit.x-y.nets: what is named x-y is of the nets of x-y "),
        (
            {"fit": {"x-w": {"report": "x", "nets": "x-z"}}, "figures": {"x-w": ENTRY | {"nets": "x-y"}}},
            "figures.x-w.nets: what is named x-w is of the nets of x-z (found 'x-y')",
        ),
        ({"figures": {"x-w": ENTRY}}, "figures.x-w.draw.loss.y: no table 'curves' here; there are none"),
    ],
)
def test_what_has_one_name_is_of_the_same_nets(sections, expected, reports):
    reports(sections)
    with pytest.raises(SettingsError) as caught:
        load_report(Path("reports/x.yaml"))
    assert str(caught.value).startswith(f"reports/x.yaml: {expected}")


def test_a_plain_figure_has_every_default_filled_in():
    plain = FigureSettings(title="A title", x="epoch", y=["curves.loss"]).plain(10)
    assert asdict(plain) == {
        "title": "A title", "kind": "lines", "x": "epoch", "x_label": None, "y": ["curves.loss"], "lines": None,
        "columns": None, "only": {}, "log": [], "symlog": [], "chance": None, "note": None, "path": None,
        "classes": 10,
    }  # fmt: skip


@pytest.mark.parametrize(("classes", "several"), [(None, None), (1, None), (2, 2)])
def test_a_plain_figure_knows_the_classes_among_which_a_guess_chooses(classes, several):
    assert FigureSettings(title="A title", x="epoch", y=["curves.loss"]).plain(classes).classes == several


@pytest.mark.parametrize("report", REPORTS)
def test_plain_figures_are_written_and_read_back(report, monkeypatch):
    monkeypatch.chdir(ROOT)
    for figures in load_figures(report).values():
        for figure in figures.draw.values():
            plain = figure.plain(10)
            assert FigureSpec(**json.loads(json.dumps(asdict(plain)))) == plain
            given = figure.model_dump(exclude_unset=True)
            assert {name: getattr(plain, name) for name in given} == given | ({"chance": 10} if figure.chance else {})


def test_a_plain_figure_knows_its_axes():
    entry = ENTRY["draw"]["loss"] | {"y": ["curves.loss", "final.gap"], "log": ["epoch"], "symlog": ["gap"]}
    plain = FigureSettings(**entry).plain(10)
    assert plain.shown == [("curves", "loss"), ("final", "gap")]
    assert [plain.scale(column) for column in ("epoch", "loss", "gap")] == ["log", "linear", "symlog"]
    assert [FigureSettings(**entry | {"kind": kind}).plain().plane for kind in ("lines", "contours")] == [False, True]


@pytest.mark.parametrize("content", [{}, {"figures": {}}])
def test_a_report_without_figures(content, reports):
    reports(content)
    assert load_figures("x") == {}


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"question": "capacity", "draw": ENTRY["draw"]}, "nets: required, and not there"),
        ({"nets": "x-z", "question": "capacity"}, "draw: required, and not there"),
        ({"nets": "x-z", "draw": ENTRY["draw"]}, "question: required, and not there"),
        (ENTRY | {"nets": "x-a"}, "nets: no experiment 'x-a'; there are x-y, x-z"),
        (ENTRY | {"question": "size"}, "question: one of simulate, actual-task, "),
        (ENTRY | {"draw": {}}, "draw: dictionary should have at least 1 item"),
        (ENTRY | {"report": "x"}, "report: unknown key"),
        (ENTRY | {"draw": {"../loss": ENTRY["draw"]["loss"]}}, "draw.../loss"),
        (ENTRY | {"draw": {"loss": {"title": "A title", "x": "epoch"}}}, "draw.loss.y: required, and not there"),
        (changed(only={"split": [3]}), "draw.loss.only.split: input sho"),
        (changed(log=["los"]), "draw.loss.log: no axis shows los; they show epoch, loss"),
        (changed(symlog=["loss", "rank"]), "draw.loss.symlog: no axis shows rank; they show epoch, loss"),
        (changed(log=["epoch", "loss"], symlog=["loss"]), "draw.loss.symlog: loss is in log as well"),
        (changed(chance=True), "draw.loss.chance: goes with a panel of accuracy"),
        (changed(path="path"), "draw.loss.path: goes with kind: contours"),
        (changed(note="hessian"), "draw.loss.note: string should match pattern"),
        (changed(kind="dots"), "draw.loss.kind: input should be 'lines', 'points', 'scatter', 'paths' or 'contours'"),
    ],
)
def test_a_mistake_in_an_entry_is_one_line(figures, message, reports):
    reports({"figures": {"x-z": figures}})
    with pytest.raises(SettingsError) as caught:
        load_figures("x")
    assert str(caught.value).startswith(f"reports/x.yaml: figures.x-z.{message}")
    assert "\n" not in str(caught.value)


def test_figures_that_are_no_mapping_are_one_line(reports):
    reports({"figures": ["x-y"]})
    with pytest.raises(SettingsError, match=r"^reports/x.yaml: figures: a mapping of experiments"):
        load_figures("x")


def test_a_report_that_is_not_there(reports):
    reports({})
    with pytest.raises(SettingsError, match=r"^reports/z\.yaml: no such file$"):
        load_figures("z")


@pytest.mark.parametrize("report", REPORTS)
def test_the_figures_of_this_project(report, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = load_figures(report)
    assert len(found) > 7
    assert all(name.startswith(f"{report}-") for key, figures in found.items() for name in (key, figures.nets))
