"""The page of a review, with figures and plots of a repository of its own, opened in a browser without a network."""

import contextlib
import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from netclaims.review.base import Base
from netclaims.review.changes import Change, Changes, find_changes
from netclaims.review.intervals import drawing
from netclaims.review.page import review_page
from netclaims.review.reruns import Rerun
from netclaims.review.verdicts import Flip, Interval
from tests.pages.conftest import Visit

ROOT = Path(__file__).resolve().parents[2]
CAPACITY = "d/d-capacity"
TABLES = {
    "plots/claims.csv": "template: claims, x: effect, y: claim",
    f"plots/{CAPACITY}/final.csv": "template: final_cross_entropy, x: parameters, y: loss",
    f"plots/{CAPACITY}/gap.csv": "template: gap, x: parameters, y: loss_gap",
    "plots/d/d-trajectory/pca.csv": "template: pca, x: pc1, y: pc2",
}
FIGURES = [f"plots/figures/{CAPACITY}/{name}.svg" for name in ("accuracy", "loss")]
HOSTILE = "</script><b>&amp;\"'"
MODEL = "</script><b>"
LONG = "a_very_long_name_" * 20
EXPERIMENTS = ["d-capacity", "d-trajectory"]
INTERVALS = (Interval("rho", 0.9, 0.8, 1.0), Interval("rho", -0.5, -0.6, -0.4))
NOTHING = Changes(Base("0123456789abcdef" * 2, "first"), 90, [], [], [], [], [], {})

# What Vega says of plots that are as they should be: of panels with axes of their own, and of a panel of claims for
# which no range is claimed.
REMARKS = ("WARN Detected faceted independent scales", "WARN Infinite extent for field")

DRAWN = """part => [...part.querySelectorAll('.drawn:has(> div)')].every(box =>
  [...box.querySelectorAll('[class*="mark-"].role-mark path')].some(mark => mark.getBoundingClientRect().width > 0))
  && [...part.querySelectorAll('img')].every(image => image.complete && image.naturalWidth > 0)
  && part.dataset.filled !== undefined"""


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 (Git, on what the test wrote)


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Changes:
    """Plots and figures as Git and DVC tell them; everything else made up, with names of all sorts."""
    folder = tmp_path_factory.mktemp("review")
    for name in (".dvc/config", ".dvc/plots", *TABLES, *FIGURES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, folder / name)
    declared = ", ".join(f"{name}: {{cache: false, {drawn}}}" for name, drawn in TABLES.items())
    (folder / "dvc.yaml").write_text(f"stages: {{plot: {{cmd: x, plots: [{declared}]}}}}", encoding="utf-8")
    new = folder / f"plots/{CAPACITY}/gap.csv"
    kept = new.rename(folder / "kept.csv").read_bytes()
    _git(folder, "init", "-q")
    _git(folder, "add", ".dvc", "dvc.yaml", "plots")
    _git(folder, "commit", "-qm", f"{HOSTILE} {LONG}")
    new.write_bytes(kept)
    for name in TABLES:
        text = (folder / name).read_text(encoding="utf-8")
        shorter = text[: text.rindex("\n", 0, -1) + 1]
        (folder / name).write_text(shorter.replace("M1,M1,", f"{MODEL},{MODEL},"), encoding="utf-8")
    accuracy, loss = (folder / name for name in FIGURES)
    accuracy.rename(folder / "plots/figures/verdicts.svg")  # as a section of the page is called
    loss.write_text(loss.read_text(encoding="utf-8").replace("#0072b2", "#ff0000"), encoding="utf-8")
    with contextlib.chdir(folder):
        found = find_changes("HEAD")
    assert len(found.plots) == len(TABLES)
    assert MODEL in {row["model"] for row in found.plots[f"plots/{CAPACITY}/final.csv"]["data"]["values"]}
    rho = ["ρ = 0.9 (0.8 to 1)", "p = 0.01, 10 replicas"]
    causes = ["batch_size: 64 → 1024", f"x: {HOSTILE} → {LONG}"]
    return replace(
        found,
        stages=90,
        reruns=[
            Rerun("train@d-capacity", "other results", causes),
            Rerun(f"train@{LONG}", "same results", causes[:1]),
            Rerun("claims", "other results", causes[:1], [f"train@{i}" for i in range(7)]),
            Rerun(f"train@{HOSTILE}", "new"),
        ],
        flips=[
            Flip("d-sides", "d-capacity", HOSTILE, "supported", "refuted", rho, rho, INTERVALS),
            Flip("d-decided", "d-capacity", LONG, "undecided", "supported", [], rho),
            Flip("d-new", "d-capacity", "new", None, "not testable", [], []),
            Flip("d-gone", "d-capacity", "gone", "refuted", None, rho, []),
        ],
        parameters=[Change("params.yaml", "batch_size", 64, 1024), Change("reports/d.yaml", LONG, HOSTILE, LONG)],
        recipes={"new": ["train/d-new", HOSTILE, LONG], "gone": ["train/d-gone"]},
        metrics=[
            *(Change("metrics/d/d-capacity.json", f"models.M{i}.loss.mean", i, 0, -i / 2) for i in range(60, 0, -1)),
            Change("metrics/d/d-capacity.json", "data", HOSTILE, None),
        ],
    )


@pytest.fixture(scope="module")
def path(changes: Changes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page."""
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(review_page(changes, ["train@d-capacity: code modified", HOSTILE, LONG]), encoding="utf-8")
    return file


def _open_all(page: Page) -> None:
    for part in page.locator("details.experiment").all():
        part.evaluate("part => { part.open = true; }")
        page.wait_for_function(DRAWN, arg=part.element_handle())


@pytest.fixture(scope="module")
def opened(path: Path, shared: Callable[..., Visit]) -> Page:
    """The page with all its parts open, for tests that do no more than read."""
    page = shared(path, viewport={"width": 1400, "height": 900}).page
    _open_all(page)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole_and_accessible(path, visit, scheme):
    found = visit(path, color_scheme=scheme)
    page = found.page
    assert page.locator("details.experiment strong").all_inner_texts() == [*EXPERIMENTS, "all reports"]
    assert page.locator("details.experiment :is(svg, img)").count() == 0  # drawn when opened
    _open_all(page)
    assert [text for text in found.complaints if not text.startswith(REMARKS)] == found.requests == []
    assert found.violations(only="cat.color" if scheme == "dark" else None) == []
    for drawn in (page, page.locator("figure img").first, page.locator("details .drawn").first):
        corner = Image.open(io.BytesIO(drawn.screenshot())).convert("L").getpixel((2, 2))
        assert corner < 64 if scheme == "dark" else corner > 192


def test_names_and_values_are_text(opened):
    assert opened.locator("b").count() == 0
    assert opened.locator("#verdicts th", has_text=f"“{HOSTILE}”").count() == 1
    assert opened.locator("#experiments td", has_text=HOSTILE).count() == 1
    assert opened.locator("#in-step code", has_text=HOSTILE).count() == 1


def test_verdicts_come_first_whatever_is_not_in_step(opened):
    """What is not in step is a line, and the list of it comes last."""
    assert opened.locator("main > section").evaluate_all("parts => parts.map(part => part.id)") == [
        *("verdicts", "experiments", "stages", "parameters", "in-step")
    ]
    assert opened.locator("header .warning").inner_text().endswith("3 places.")


def test_every_number_of_the_changes_is_there(opened, changes):
    head = opened.locator("header").inner_text()
    assert "4 of 90 stages ran again; 4 verdicts, 2 parameters, 61 metrics, 3 figures, 4 plots differ." in head
    assert changes.base.commit[:7] in opened.title()
    rows = [row.locator("th, td").all_inner_texts() for row in opened.locator("#stages-table tbody tr").all()]
    assert [[cell.partition("\n")[0] for cell in row] for row in rows] == [
        ["batch_size: 64 → 1024", f"train@{LONG} (same results), claims"],
        [f"batch_size: 64 → 1024, x: {HOSTILE} → {LONG}", "train@d-capacity"],
        ["results of other stages, or new or gone", f"train@{HOSTILE} (new)"],
    ]
    verdicts = [row.locator("td").all_inner_texts() for row in opened.locator("#verdicts tbody tr").all()]
    rho = "ρ = 0.9 (0.8 to 1)\np = 0.01, 10 replicas"
    assert [cells[:2] for cells in verdicts] == [
        [f"✔ supported\n{rho}", f"✘ refuted\n{rho}"],
        ["? undecided", f"✔ supported\n{rho}"],
    ]
    assert opened.locator("#verdicts h3").inner_text().startswith("Because of batch_size: 64 → 1024, x: ")
    assert opened.locator("#verdicts summary").all_inner_texts() == ["1 claim is new", "1 claim is gone"]
    part = opened.locator("details.experiment").first
    assert "61 metrics, 2 plots, 2 figures; most: models.M60.loss.mean -30.0 sd" in part.inner_text().replace("\n", " ")
    metrics = part.locator("details table tbody tr")
    part.locator("details > summary").click()
    assert metrics.first.locator("td").all_inner_texts() == ["60", "0", "−30.0 sd"]
    assert metrics.last.locator("td").all_inner_texts() == [HOSTILE, "–", ""]


def test_both_effects_are_on_one_axis(opened):
    (axis,) = opened.locator("#verdicts td svg").all()
    places = {name: float(axis.locator(f"circle.{name}").get_attribute("cx")) for name in ("before", "after")}
    zero, low, high = float(axis.locator(".neutral").get_attribute("x1")), 26, 194  # −0.6 and 1 at its ends
    assert places["before"] == pytest.approx(low + (0.9 + 0.6) / 1.6 * (high - low), abs=0.1)
    assert places["after"] == pytest.approx(low + (-0.5 + 0.6) / 1.6 * (high - low), abs=0.1)
    assert zero == pytest.approx(low + 0.6 / 1.6 * (high - low), abs=0.1)
    assert axis.locator("text").all_text_contents() == ["−0.6", "1"]


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [(Interval("ratio", 0.1, nan, nan), Interval("ratio", 10.0, nan, nan), 0.5), (None, INTERVALS[0], None),
     (INTERVALS[0], Interval("ratio", 2.0, nan, nan), None)],
)  # fmt: skip
def test_ratios_are_on_a_logarithmic_axis_and_other_units_on_none(before, after, share):
    drawn = drawing(before, after)
    assert bool(drawn) == (share is not None)
    if share:
        assert 'class="neutral" x1="110.0"' in drawn


def test_figures_are_shown_before_and_after(opened):

    def colours(name: str) -> set:
        image = Image.open(io.BytesIO(opened.locator(f"img[alt='{name}']").screenshot())).convert("RGB")
        return {colour for _, colour in image.getcolors(1 << 24)}

    gone, changed, new = opened.locator(".pair").all()
    assert (gone.locator("img").count(), gone.locator("> p").all_inner_texts()) == (1, ["Gone."])
    assert (new.locator("img").count(), new.locator("> p").all_inner_texts()) == (1, ["New."])
    assert (changed.locator("img").count(), changed.locator("> p").count()) == (2, 0)
    before, after = (colours(f"d-capacity/loss, {when}") for when in ("before", "after"))
    assert len(colours("d-capacity/accuracy, before")) > 9
    assert (255, 0, 0) in after - before
    assert (0, 114, 178) in before - after


def test_plots_show_both_sides(opened):
    for name in ("d-capacity, final", "d-capacity, gap", "d-trajectory, pca", "all reports, claims"):
        said = opened.get_by_role("region", name=name).locator("svg text").all_text_contents()
        assert "after" in said
        assert ("before" in said) == ("gap" not in name)  # that one is new


def test_every_link_leads_somewhere(path, visit):
    page = visit(path).page
    linked = {link.get_attribute("href") for link in page.locator("a").all()}
    sections = {"#verdicts", "#experiments", "#stages", "#parameters", "#in-step"}
    assert linked >= {*sections, "#experiment/d-capacity"}
    page.locator("#verdicts a").first.click()
    expect(page.locator("details.experiment").first).to_have_attribute("open", "")
    assert {link for link in linked if not link.startswith("#")} == set()
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in linked} <= set(ids)


def test_a_phone_scrolls_what_is_wide_and_not_the_page(path, visit):
    page = visit(path, viewport={"width": 390, "height": 800}).page
    _open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for box in (".wide:has(#stages-table)", ".pair img", "details .drawn"):
        assert page.locator(box).first.evaluate("box => box.getBoundingClientRect().right") <= 390
    assert page.locator(".wide:has(#parameters-table)").evaluate("box => box.scrollWidth > box.clientWidth")


def test_a_plot_that_cannot_be_drawn_says_why_in_its_place(visit, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(
        review_page(replace(NOTHING, plots={"plots/d/d-x/y.csv": {"mark": "none", "data": {"values": []}}}), []),
        encoding="utf-8",
    )
    page = visit(file).page
    assert page.locator("details.experiment").get_attribute("open") == ""  # the only one
    expect(page.locator("details .drawn")).to_contain_text("Not drawn: ")


def test_a_page_without_changes(visit, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(review_page(NOTHING, []), encoding="utf-8")
    found = visit(file, viewport={"width": 390, "height": 800})
    assert "0 of 90 stages ran again, and nothing differs." in found.page.locator("header").inner_text()
    said = [
        found.page.locator(f"#{name}").inner_text().split("\n")[-1] for name in ("verdicts", "experiments", "stages")
    ]
    assert said == ["None.", "None.", "None."]
    assert found.page.locator("table, form.filters, details, .warning").count() == 0
    assert (found.complaints, found.requests, found.violations()) == ([], [], [])
    assert file.stat().st_size < 50_000  # nothing is drawn, so Vega is not there
