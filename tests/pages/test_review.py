"""The page of a review, with figures and plots of a repository of its own, opened in a browser without a network."""

import contextlib
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from netclaims.review.base import Base
from netclaims.review.changes import Change, Changes, Flip, find_changes
from netclaims.review.page import review_page
from netclaims.review.reruns import Rerun

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
NOTHING = Changes(Base("0123456789abcdef" * 2, "first"), 90, [], [], [], [], [], {})

# What Vega says of plots that are as they should be: of panels with axes of their own, and of a panel of claims for
# which no range is claimed.
REMARKS = ("WARN Detected faceted independent scales", "WARN Infinite extent for field")

DRAWN = """part => {
  const svg = part.querySelector('.drawn svg');
  const marks = svg ? [...svg.querySelectorAll('[class*="mark-"].role-mark path')] : [];
  return marks.some(mark => mark.getBoundingClientRect().width > 0);
}"""


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
            Flip("d-sides", "d-capacity", HOSTILE, "supported", "refuted", rho, rho),
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
    for part in page.locator("details.plot").all():
        part.locator("summary").click()
        page.wait_for_function(DRAWN, arg=part.element_handle())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole_and_accessible(path, visit, scheme):
    found = visit(path, color_scheme=scheme)
    page = found.page
    assert page.locator("details.plot").count() == len(TABLES)
    assert page.locator("details.plot svg").count() == 0  # drawn when opened
    _open_all(page)
    assert [text for text in found.complaints if not text.startswith(REMARKS)] == found.requests == []
    assert found.violations() == []
    for drawn in (page, page.locator("figure .drawn").first, page.locator("details.plot .drawn").first):
        corner = Image.open(io.BytesIO(drawn.screenshot())).convert("L").getpixel((2, 2))
        assert corner < 64 if scheme == "dark" else corner > 192


def test_names_and_values_are_text(path, visit):
    page = visit(path).page
    assert page.locator("b").count() == 0
    assert page.locator("#verdicts th", has_text=f"“{HOSTILE}”").count() == 1
    assert page.locator("#metrics td", has_text=HOSTILE).count() == 1
    assert page.locator(".warning code", has_text=HOSTILE).count() == 1
    assert page.evaluate("document.scripts.length") == len(TABLES) + 3  # specifications, Vega, and two of the page


def test_every_number_of_the_changes_is_there(path, visit, changes):
    page = visit(path).page
    head = page.locator("header").inner_text()
    assert "4 of 90 stages ran again; 4 verdicts, 2 parameters, 61 metrics, 3 figures, 4 plots differ." in head
    assert changes.base.commit[:7] in page.title()
    cells = [row.locator("th, td").all_inner_texts() for row in page.locator("#stages-table tbody tr").all()]
    assert cells[2] == [
        "claims",
        "other results",
        "batch_size: 64 → 1024; other results of train@0, train@1, train@2, train@3, train@4 and 2 more",
    ]
    assert cells[3] == [f"train@{HOSTILE}", "new", ""]
    assert page.locator("#stages li").first.inner_text() == "batch_size: 64 → 1024: 3 stages directly"
    verdicts = [row.locator("td").all_inner_texts() for row in page.locator("#verdicts tbody tr").all()]
    rho = "ρ = 0.9 (0.8 to 1)\np = 0.01, 10 replicas"
    assert verdicts == [
        [f"✔ supported\n{rho}", f"✘ refuted\n{rho}"],
        ["? undecided", f"✔ supported\n{rho}"],
        ["–", "– not testable"],
        [f"✘ refuted\n{rho}", "–"],
    ]
    assert page.locator("#metrics-table tbody tr").first.locator("td").all_inner_texts() == ["60", "0", "-30.0 sd"]
    assert page.locator("#metrics-table tbody tr").last.locator("td").all_inner_texts() == [HOSTILE, "–", ""]


def test_figures_are_drawn_before_and_after(path, visit):
    page = visit(path).page

    def colours(name: str) -> set:
        drawn = page.locator(f"figure[id='{name}'] .drawn")
        image = Image.open(io.BytesIO(drawn.screenshot())).convert("RGB")
        return {colour for _, colour in image.getcolors(1 << 24)}

    names = page.locator("#figures h3").all_inner_texts()
    assert names == [f"{CAPACITY}/accuracy", f"{CAPACITY}/loss", "verdicts"]
    gone, changed, new = page.locator("#figures .pair").all()
    assert (gone.locator("svg").count(), gone.locator("> p").all_inner_texts()) == (1, ["Gone."])
    assert (new.locator("svg").count(), new.locator("> p").all_inner_texts()) == (1, ["New."])
    assert (changed.locator("svg").count(), changed.locator("> p").count()) == (2, 0)
    before, after = (colours(f"{CAPACITY}/loss.{when}") for when in ("before", "after"))
    assert len(colours(f"{CAPACITY}/accuracy.before")) > 9
    assert (255, 0, 0) in after - before
    assert (0, 114, 178) in before - after
    label = changed.locator("svg").last.get_attribute("aria-label")
    assert label == f"{CAPACITY}/loss, after"


def test_plots_show_both_revisions(path, visit, changes):
    page = visit(path).page
    _open_all(page)
    for name in TABLES:
        part = page.locator("details.plot", has=page.get_by_text(name, exact=True))
        said = part.locator("svg text").all_text_contents()
        assert "workspace" in said
        assert (changes.base.commit[:7] in said) == ("gap" not in name)  # that one is new


def test_a_filter_leaves_the_rows_that_have_all_words(path, visit):
    page = visit(path).page
    form = page.get_by_role("search", name="Filter the metrics")
    rows = page.locator("#metrics-table tbody tr:visible")
    said = form.locator("output")
    assert (rows.count(), said.inner_text()) == (61, "all 61")
    form.get_by_label("Words").fill("LOSS m60")
    assert (rows.count(), said.inner_text()) == (1, "1 of 61")
    assert "models.M60.loss.mean" in rows.inner_text()
    assert page.locator("#parameters-table tbody tr:visible").count() == 2  # one of its own
    form.get_by_label("Words").fill("no such metric")
    assert (rows.count(), said.inner_text()) == (0, "0 of 61")
    form.get_by_role("button", name="Show all").click()
    expect(said).to_have_text("all 61")
    assert rows.count() == 61
    stages = page.get_by_role("search", name="Filter the stages")
    stages.get_by_label("Words").fill("train@3")
    assert page.locator("#stages-table tbody tr:visible th").all_inner_texts() == ["claims"]
    stages.get_by_label("Words").press("Enter")
    assert page.url == path.as_uri()


def test_every_link_leads_somewhere(path, visit):
    page = visit(path).page
    linked = {link.get_attribute("href") for link in page.locator("a").all()}
    sections = {"#verdicts", "#stages", "#parameters", "#metrics", "#figures", "#plots"}
    assert linked >= {*sections, f"#figure/{CAPACITY}/loss", f"#{CAPACITY}/loss.before"}
    assert {link for link in linked if not link.startswith("#")} == set()
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in linked} <= set(ids)


def test_a_phone_scrolls_what_is_wide_and_not_the_page(path, visit):
    page = visit(path, viewport={"width": 390, "height": 800}).page
    _open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for box in (".wide:has(#metrics-table)", ".pair .drawn >> nth=0"):
        assert page.locator(box).evaluate("box => box.getBoundingClientRect().right") <= 390
    assert page.locator(".wide:has(#parameters-table)").evaluate("box => box.scrollWidth > box.clientWidth")


def test_a_plot_that_cannot_be_drawn_says_why_in_its_place(visit, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(review_page(replace(NOTHING, plots={"plots/x.csv": {"mark": "none"}}), []), encoding="utf-8")
    page = visit(file).page
    page.locator("summary").click()
    expect(page.locator("details .drawn")).to_contain_text("Not drawn: ")


def test_a_page_without_changes(visit, tmp_path):
    file = tmp_path / "index.html"
    file.write_text(review_page(NOTHING, []), encoding="utf-8")
    found = visit(file, viewport={"width": 390, "height": 800})
    assert "0 of 90 stages ran again, and nothing differs." in found.page.locator("header").inner_text()
    said = [found.page.locator(f"#{name}").inner_text().split("\n")[-1] for name in ("verdicts", "stages", "plots")]
    assert said == ["None.", "None.", "None differ."]
    assert found.page.locator("table, form.filters, details, .warning").count() == 0
    assert (found.complaints, found.requests, found.violations()) == ([], [], [])
    assert file.stat().st_size < 50_000  # nothing is drawn, so Vega is not there
