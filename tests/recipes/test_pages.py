"""What pages and figures are made of: every claim and every figure as the reports say, and no library to compute."""

import json
import re
from contextlib import chdir
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from netclaims.claims.entries import STATISTICAL
from netclaims.present.figure_spec import FigureSpec
from netclaims.present.report_page import Page
from netclaims.present.shown_claim import ShownClaim
from netclaims.recipes.facts import facts_of_report
from netclaims.recipes.write import all_recipes
from netclaims.settings.reports import load_settings

ROOT = Path(__file__).parents[2]
REPORTS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "reports").glob("*.yaml"))
}
CLAIMS = {key: claim for content in REPORTS.values() for key, claim in content["claims"].items()}
FIGURES = {key: entry for content in REPORTS.values() for key, entry in content["figures"].items()}
KINDS = [*STATISTICAL, "arithmetic", "definition", "untestable"]  # of several, a claim has the first
DEFAULTS = {"kind": "lines", "x_label": None, "lines": None, "columns": None, "only": {}, "log": [], "symlog": [],
            "note": None, "path": None}  # fmt: skip


@pytest.fixture(scope="module")
def read(recipes):
    """The settings of a recipe, as its stage reads them."""

    def settings(name: str, kind: type):
        return TypeAdapter(kind).validate_python(json.loads(recipes[Path(f"recipes/{name}.json")])["settings"])

    return settings


@pytest.fixture(scope="module")
def page(read) -> Page:
    return read("report", Page)


# -------------------------------------------------------------------------------------------------------------- claims


def test_every_claim_is_shown_as_its_entry_says(page, read):
    assert list(page.claims) == list(CLAIMS)
    for key, claim in CLAIMS.items():
        said = ("report", "quote", "part", "experiment", "question", "answer", "read")
        kind = next(kind for kind in KINDS if kind in claim)
        assert page.claims[key] == ShownClaim(
            **{name: claim[name] for name in said},
            figure=claim.get("figure"),
            kind=kind,
            tested=kind in STATISTICAL,
        ), key
    assert read("ledger", import_module("stages.ledger").Ledger).claims == page.claims
    assert {claim.kind for claim in page.claims.values()} == set(KINDS)


def test_a_test_is_not_shown_and_reaches_no_page(recipes):
    """So that another margin makes nothing be drawn again, unless a verdict changes."""
    for name in ("ledger", "report"):
        for claim in json.loads(recipes[Path(f"recipes/{name}.json")])["settings"]["claims"].values():
            assert set(claim) == set(ShownClaim.__dataclass_fields__)


# ------------------------------------------------------------------------------------------------------------- figures


def guesses(key: str, figure: dict) -> dict:
    """How many classes the nets of a figure tell apart, and among how many a guess chooses that the figure shows."""
    nets = FIGURES[key]["nets"]
    classes = None if REPORTS[nets[0]]["experiments"][nets]["data"] == "functions" else 10
    return {"classes": classes, "chance": 10 if figure.get("chance") else None}


def test_every_figure_is_drawn_as_its_entry_says(page, read):
    kind = import_module("stages.figures").Figures
    drawn = {key: found for report in REPORTS for key, found in read(f"figures/{report}", kind).figures.items()}
    assert list(drawn) == list(page.figures) == list(FIGURES)
    for key, entry in FIGURES.items():
        expected = {
            name: FigureSpec(**DEFAULTS | figure | guesses(key, figure)) for name, figure in entry["draw"].items()
        }
        assert drawn[key].draw == page.figures[key].draw == expected, key
        assert list(drawn[key].draw) == list(expected)
        assert (drawn[key].nets, page.figures[key].question) == (entry["nets"], entry["question"])
    assert {figure.kind for found in drawn.values() for figure in found.draw.values()} == (
        {"lines", "points", "scatter", "paths", "contours"}
    )


def test_figures_of_a_report_are_its_own(read):
    for report, content in REPORTS.items():
        assert list(read(f"figures/{report}", import_module("stages.figures").Figures).figures) == list(
            content["figures"]
        )


def test_a_batch_size_that_is_picked_is_the_one_that_was_trained(files):
    """A figure of batch size 1024 has rows at every scale: where that is all there is, of nets of as many."""
    path = files / "reports" / "d.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    loss = content["figures"]["d-sensitivity"]["draw"]["loss"]
    largest = max(content["experiments"]["d-sensitivity"]["sweep"]["batch_size"])
    loss |= {"only": {"batch_size": largest, "equal": "epochs"}, "x": "parameters", "log": []}
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    for scale, expected in (("quick", min(largest, 4000)), ("smoke", 200)):
        params = (files / "params.yaml").read_text(encoding="utf-8")
        (files / "params.yaml").write_text(re.sub(r"(?m)^scale: \w+", f"scale: {scale}", params), encoding="utf-8")
        recipes = all_recipes()
        drawn = json.loads(recipes[Path("recipes/figures/d.json")])["settings"]["figures"]["d-sensitivity"]["draw"]
        assert drawn["loss"]["only"] == {"batch_size": expected, "equal": "epochs"}
        page = json.loads(recipes[Path("recipes/report.json")])["settings"]["figures"]["d-sensitivity"]["draw"]
        assert page == drawn


# --------------------------------------------------------------------------------------------------------------- facts


def test_facts_are_read_back_as_they_are_found(page, read):
    with chdir(ROOT):
        expected = {report.name: facts_of_report(report) for report in load_settings()[1]}
    assert read("docs", import_module("stages.docs").Docs).reports == expected
    assert page.facts == [fact for facts in expected.values() for fact in facts]


def test_the_report_page_knows_the_knobs(page):
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    names = ("scale", "seed", "batch_size")
    assert {name: getattr(page, name) for name in names} == {name: knobs[name] for name in names}


# ---------------------------------------------------------------------------------------------------- what reaches what


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("title", {"figures/d", "report"}),
        ("log", {"figures/d", "report"}),
        ("name", {"figures/d", "report", "docs"}),  # where there is a link to it
        ("question", {"report"}),
        ("stated", {"docs", "report"}),
    ],
)
def test_what_is_shown_makes_pages_and_figures_alone_be_made_again(name, expected, reached):
    def change(content):
        entry = content["figures"]["d-capacity"]
        match name:
            case "title":
                entry["draw"]["loss"]["title"] = "Other words"
            case "log":
                entry["draw"]["loss"]["log"] = ["loss"]
            case "name":
                entry["draw"]["more"] = entry["draw"]["density"]
            case "question":
                entry["question"] = "interpolation" if entry["question"] == "capacity" else "capacity"
            case "stated":
                content["experiments"]["d-capacity"]["stated"] = "Other words."

    assert reached("d", change) == expected
