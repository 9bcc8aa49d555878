"""The pages of `dvc plots show` and `dvc plots diff`, made by DVC and opened in a browser without a network."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.forks import forked
from tests.pages.conftest import Visit

ROOT = Path(__file__).resolve().parents[2]

# For each template in .dvc/plots one of the tables that it draws; figures of one experiment, and that of all claims.
TABLES = [
    "plots/a/a-simulate/fit.csv",
    "plots/claims.csv",
    *(f"plots/d/d-capacity/{name}.csv" for name in ("curves", "density", "final", "gap", "sensitivity")),
    "plots/d/d-gradient-norm/gradient.csv",
    *(f"plots/d/d-interpolation/{name}.csv" for name in ("barriers", "interpolate")),
    *(f"plots/d/d-minimal-ratio/{name}.csv" for name in ("curves", "final", "hessian", "spectrum")),
    "plots/d/d-simulate/errors.csv",
    *(f"plots/d/d-trajectory/{name}.csv" for name in ("explained", "path", "pca", "surface")),
]
FIGURES = ["plots/figures/claims.svg", *(f"plots/figures/d/d-capacity/{name}.svg" for name in ("accuracy", "loss"))]
IDS = [re.sub(r"[/.]", "_", path) for path in TABLES + FIGURES]

# What Vega says of plots that are as they should be: of panels with axes of their own, and of a panel of claims for
# which no range is claimed.
REMARKS = ("WARN Detected faceted independent scales", "WARN Infinite extent for field")

DRAWN = """id => {
  const box = document.getElementById(id).querySelector('.box');
  const images = [...box.querySelectorAll('img')];
  if (images.length) return images.every(image => image.complete && image.naturalWidth > 0);
  const canvas = box.querySelector('canvas');
  if (!canvas?.width || !canvas.height) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 9;  // not an empty one
}"""


class Repository:
    """A few of the plots, with the pipeline that declares them, in a Git repository of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("dvc.yaml", "params.yaml", "reports", ".dvc/config", ".dvc/plots", *TABLES, *FIGURES):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, folder / name)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "plots")
        self.module("netclaims.review.plots_template", ".dvc/plots.html")
        self.dvc("config", "--local", "plots.html_template", "plots.html")

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)  # noqa: S603, S607 (Git, on what the test wrote)

    def module(self, *words: str) -> None:
        result = forked(["-m", *words], self.folder, os.environ | {"DVC_NO_ANALYTICS": "1"})
        assert result.returncode == 0, result.stderr

    def dvc(self, *words: str) -> None:
        self.module("dvc", *words)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The page of each command, and one more of a template that cannot be drawn."""
    repository = Repository(tmp_path_factory.mktemp("plots"))
    repository.dvc("plots", "show", "-o", "show", *TABLES, *FIGURES)
    for name in ("gap", "final"):
        repository.edit(f"plots/d/d-capacity/{name}.csv", ",0.", ",0.9")
    _trained_longer(repository.folder / "plots/claims.csv", "d-capacity")
    repository.dvc("plots", "diff", "-o", "diff", "HEAD", "--targets", *TABLES, *FIGURES)
    shutil.copyfile(repository.folder / ".dvc/plots/gap.json", repository.folder / ".dvc/plots/broken.json")
    repository.edit(".dvc/plots/broken.json", '"type": "rule"', '"type": "no such mark"')
    repository.dvc("plots", "show", "-o", "broken", "-t", "broken", "plots/d/d-capacity/gap.csv")
    return {kind: repository.folder / kind / "index.html" for kind in ("show", "diff", "broken")}


@pytest.fixture(scope="module")
def shown(pages, shared) -> Visit:
    """The page of `dvc plots show`, for tests that leave it as it is."""
    return shared(pages["show"])


def _trained_longer(ledger: Path, experiment: str) -> None:
    table = pd.read_csv(ledger)
    table.loc[table["experiment"] == experiment, "epochs"] = table["epochs_stated"]
    table.to_csv(ledger, index=False)


def _draw(page, names: list[str] = IDS) -> None:
    for name in names:
        page.locator(f"figure[id='{name}']").scroll_into_view_if_needed()
        page.wait_for_function(DRAWN, arg=name)


def _complaints(found) -> list[str]:
    return [text for text in found.complaints if not text.startswith(REMARKS)]


def _shown(page, selector: str) -> list[str]:
    return [element.inner_text() for element in page.locator(selector).all() if element.is_visible()]


@pytest.mark.parametrize(("kind", "scheme"), [("show", "light"), ("diff", "dark")])
def test_every_plot_is_drawn_and_every_figure_loaded(pages, visit, kind, scheme):
    found = visit(pages[kind], color_scheme=scheme)
    _draw(found.page)
    assert found.page.locator(".failed").count() == 0
    assert (_complaints(found), found.requests) == ([], [])
    assert found.violations() == []


def test_nothing_is_drawn_before_it_is_near(pages, visit):
    page = visit(pages["show"]).page
    page.wait_for_function(DRAWN, arg="plots_a_a-simulate_fit_csv")
    last = page.locator("#plots_claims_csv")
    assert last.locator("canvas").count() == 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(DRAWN, arg="plots_claims_csv")


def test_plots_come_by_report_and_experiment_and_name_with_the_figures_last(shown):
    page = shown.page
    assert page.locator("h1").inner_text() == "netclaims: plots"
    assert _shown(page, "main h2") == ["Report a", "Report d", "Claims"]
    experiments = ["capacity", "gradient-norm", "interpolation", "minimal-ratio", "simulate", "trajectory"]
    assert _shown(page, "main h3") == ["a-simulate", *(f"d-{name}" for name in experiments)]
    paths = _shown(page, "figcaption span:not(.facts)")
    assert sorted(paths) == sorted(TABLES + FIGURES)
    assert [path for path in paths if "d-capacity" in path] == [
        *(f"plots/d/d-capacity/{name}.csv" for name in ("curves", "density", "final", "gap", "sensitivity")),
        *(f"plots/figures/d/d-capacity/{name}.svg" for name in ("accuracy", "loss")),
    ]


def test_captions_say_the_data_and_the_scale_and_the_epochs_of_each_side(pages, shown, visit):
    row = pd.read_csv(ROOT / "plots/claims.csv").set_index("experiment").loc["d-capacity"].iloc[0]
    assert row["epochs"] < row["epochs_stated"] == 5  # as report d says
    cut, whole = (f"{row['data']} · {row['scale']} scale · {of} epochs" for of in (f"{row['epochs']:g} of 5", "5"))
    opened = {"show": shown.page, "diff": visit(pages["diff"]).page}
    said = {kind: _shown(page, "#plots_d_d-capacity_final_csv .facts") for kind, page in opened.items()}
    assert said == {"show": [cut], "diff": [f"workspace: {whole}", f"HEAD: {cut}"]}


def test_every_link_within_the_page_leads_somewhere(shown):
    page = shown.page
    linked = {link.get_attribute("href")[1:] for link in page.locator("a[href^='#']").all()}
    assert linked >= {*IDS, "d-capacity", "report-d", "report-claims"}
    assert (
        page.evaluate("ids => ids.filter(id => document.querySelectorAll(`[id='${id}']`).length !== 1)", [*linked])
        == []
    )


def test_an_address_with_an_anchor_opens_there(pages, visit):
    page = visit(pages["show"]).page
    page.goto(f"{page.url}#plots_d_d-trajectory_surface_csv")
    page.reload()
    page.wait_for_function(DRAWN, arg="plots_d_d-trajectory_surface_csv")
    page.wait_for_function(
        "document.getElementById('plots_d_d-trajectory_surface_csv').getBoundingClientRect().top < 900"
    )


def test_the_filter_leaves_what_has_all_words_and_counts_it(shown):
    page = shown.page
    count = page.locator("#count")
    assert count.inner_text() == f"{len(IDS)} of {len(IDS)} shown"
    page.get_by_label("Filter by name").fill("D-capacity")
    assert count.inner_text() == f"7 of {len(IDS)} shown"
    assert all("d-capacity" in path for path in _shown(page, "figcaption span:not(.facts)"))
    assert _shown(page, "main h2") == ["Report d"]
    assert _shown(page, "main h3") == _shown(page, "nav .experiment > a") == ["d-capacity"]
    page.get_by_label("Filter by name").fill("loss d-cap")
    assert _shown(page, "figcaption span:not(.facts)") == ["plots/figures/d/d-capacity/loss.svg"]
    page.get_by_label("Filter by name").fill("no such plot")
    assert (count.inner_text(), _shown(page, "main h2")) == (f"0 of {len(IDS)} shown", [])
    page.get_by_label("Filter by name").fill("")
    assert count.inner_text() == f"{len(IDS)} of {len(IDS)} shown"


def test_the_page_says_which_revisions_it_shows(pages, shown, visit):
    assert shown.page.locator("#revisions").inner_text() == "Revision: workspace"
    assert shown.page.locator("main img").first.get_attribute("alt") == "Figure d-capacity, accuracy (workspace)"
    compared = visit(pages["diff"]).page
    assert compared.locator("#revisions").inner_text() in {
        f"Revisions compared: {names}" for names in ("workspace, HEAD", "HEAD, workspace")
    }
    images = compared.locator("[id='plots_figures_d_d-capacity_accuracy_svg'] img").all()
    assert {image.get_attribute("alt") for image in images} == {
        f"Figure d-capacity, accuracy ({name})" for name in ("workspace", "HEAD")
    }
    assert {*_shown(compared, "figure[id='plots_figures_d_d-capacity_accuracy_svg'] p")} == {"workspace", "HEAD"}


def test_a_phone_scrolls_wide_plots_and_not_the_page(pages, visit):
    found = visit(pages["diff"], viewport={"width": 390, "height": 800})
    _draw(found.page, [name for name in IDS if "d-capacity" in name])
    assert found.page.evaluate("document.documentElement.scrollWidth") == 390
    box = found.page.locator("[id='plots_d_d-capacity_curves_csv'] .box")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.get_attribute("tabindex") == "0"
    assert not found.page.locator("nav details").evaluate("details => details.open")
    assert found.violations() == []


@pytest.mark.parametrize(("button", "start"), [("SVG", b"<svg"), ("PNG", b"\x89PNG")])
def test_a_plot_can_be_saved(shown, button, start):
    page = shown.page
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save Plot a-simulate, fit as {button}").click()
    assert download.value.suggested_filename == f"a-simulate-fit.{button.lower()}"
    assert Path(download.value.path()).read_bytes().startswith(start)


def test_a_plot_that_cannot_be_drawn_says_why_in_its_place(pages, visit):
    page = visit(pages["broken"]).page
    assert page.locator("[id='plots_d_d-capacity_gap_csv'] .failed").inner_text().startswith("Not drawn: ")


def test_the_page_holds_no_address_of_another_and_one_place_for_the_plots(pages):
    template = (pages["show"].parents[1] / ".dvc" / "plots.html").read_text(encoding="utf-8")
    assert template.count("{plot_divs}") == 1
    assert re.findall(r"<(?:script|link)[^>]+(?:src|href)=\"(?!data:)[^>]*>", template) == []
    assert template.count("</script>") == template.count("<script>") == 2


def test_the_set_up_makes_the_page_and_tells_dvc_of_it():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "PLOTS := .dvc/plots.html\n" in makefile
    assert "\tpython -m netclaims.review.plots_template $(PLOTS)\n" in makefile
    assert "/.dvc/plots.html" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
