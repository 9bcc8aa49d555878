"""The report page in a browser: all of it is drawn, and every control does what it says."""

import json
import re
from collections.abc import Callable
from contextlib import chdir
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from pydantic import TypeAdapter

from netclaims.present.report_page import Page as Settings
from netclaims.present.report_page import report_page
from netclaims.questions import QUESTIONS
from netclaims.recipes.write import all_recipes

ROOT = Path(__file__).parents[2]
TABLE = pd.read_csv(ROOT / "plots/claims.csv").set_index("claim")
KEPT = ("simulate", "trajectory", "minimal-ratio")  # questions of the short page: figures of every kind
SHORT, WIDE, PAPER = 390, 1440, 718  # pixels: a telephone, a screen, A4 within its margins
KINDS = {
    "lines with bands": "b-simulate.sinc5",
    "several panels": "d-simulate.loss",
    "points": "d-simulate.errors",
    "paths": "d-trajectory.whole-model",
    "contours": "d-trajectory.surface",
    "scatter": "d-minimal-ratio.minimal-ratio",
}
LARGE = 64  # of 255: a difference that is seen, not one of an edge by a tenth of a point
WIDTHS = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
SCROLLED = """(box) => {
  box.scrollLeft = 99;
  const place = box.getBoundingClientRect();
  return [place.left, place.right, box.scrollWidth - box.clientWidth, box.scrollLeft];
}"""
ALONE = """(selector) => {
  const svg = document.querySelector(selector);
  document.body.replaceChildren(svg);
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.style.cssText = "position: absolute; left: 0; top: 0; width: 100vw; height: 100vh";
}"""
LOOKS = """() => [...document.querySelectorAll("svg :is(path, use, rect, text, tspan)")].map((found) => {
  const style = getComputedStyle(found);
  return [found.tagName, style.fill, style.fillOpacity, style.stroke, style.strokeOpacity, style.strokeWidth,
    style.strokeDasharray, style.strokeLinejoin, style.strokeLinecap, style.opacity,
    ...(found.matches("tspan, text:not(:has(*))")
      ? [style.fontFamily, style.fontSize, style.fontWeight, style.textAnchor] : [])];
})"""
SMALLEST = """() => [...document.querySelectorAll("figure svg")].map((svg) => {
  const place = svg.getBoundingClientRect(), drawn = svg.getBBox();
  return Math.min(place.width, place.height, drawn.width, drawn.height);
})"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The page as the pipeline makes it."""
    path = tmp_path_factory.mktemp("report") / "index.html"
    with chdir(ROOT):
        settings = json.loads(all_recipes()[Path("recipes/report.json")])["settings"]
        page = report_page(TypeAdapter(Settings).validate_python(settings))
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def short(whole) -> Path:
    """The same with few questions: it opens at once."""
    others = rf'<section class="question" id="(?!(?:{"|".join(KEPT)})").*?</section>'
    page, count = re.subn(others, "", whole.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert count == len(QUESTIONS) - len(KEPT)
    path = whole.with_name("short.html")
    path.write_text(page, encoding="utf-8")
    return path


def picture(of: Page | Locator, **options: object) -> Image.Image:
    return Image.open(BytesIO(of.screenshot(**options))).convert("RGB")


def differing(first: Image.Image, second: Image.Image, by: int) -> float:
    """The share of pixels that differ by more than so much in any colour."""
    pixels = (np.asarray(image, dtype=int) for image in (first, second))
    return float((abs(np.subtract(*pixels)).max(axis=2) > by).mean())


def background(image: Image.Image) -> int:
    """How light the corner is, from 0 to 255."""
    return image.convert("L").getpixel((2, 2))


def rows(page: Page) -> list[str]:
    """The claims that can be seen."""
    return page.evaluate(
        "() => [...document.querySelectorAll('#ledger tbody tr')].filter((row) => row.getClientRects().length)"
        ".map((row) => row.id)"
    )


def colour(page: Page, selector: str) -> str:
    return page.locator(selector).first.evaluate("(found) => getComputedStyle(found).backgroundColor")


# ---------------------------------------------------------------------------------------------------------- all of it


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_drawn(scheme, visit, whole):
    visited = visit(whole, color_scheme=scheme)
    sizes = visited.page.evaluate(SMALLEST)
    assert len(sizes) == len(list((ROOT / "plots/figures").rglob("*.svg")))
    assert min(sizes) > 80
    for name in KINDS.values():
        image = picture(visited.page.locator(f"[id='{name}'] svg"))
        paper = Image.new("RGB", image.size, image.getpixel((2, 2)))
        assert (background(image) > 240) if scheme == "light" else (background(image) < 40), name
        assert 0.01 < differing(image, paper, by=LARGE) < 0.9, name
    whole_page = picture(visited.page)
    assert (background(whole_page) > 240) if scheme == "light" else (background(whole_page) < 40)
    assert visited.complaints == []
    assert visited.requests == []


def test_nothing_goes_beyond_the_sides(visit, whole):
    """On a telephone, a screen, and paper; wide tables and rows of cards scroll within their own boxes."""
    page = visit(whole, viewport={"width": WIDE, "height": 900}, color_scheme="dark").page
    for width in (WIDE, SHORT):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(WIDTHS) == [width, width]
        page.evaluate("() => scrollTo(99, 0)")
        assert page.evaluate("() => scrollX") == 0
        for box in page.locator(".cards").all():
            left, right, inside, moved = box.evaluate(SCROLLED)
            assert left >= 0
            assert right <= width + 1
            assert moved > 0 or inside == 0
            assert inside > 0 or width == WIDE

    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate(WIDTHS) == [PAPER, PAPER]
    for selector, beyond in ((".card", 0.5), (".drawn svg", 0.5), ("table", 0.5)):
        ends = page.locator(selector).evaluate_all(
            "(all) => all.map((found) => found.getBoundingClientRect()).map((place) => [place.left, place.right])"
        )
        assert min(left for left, _ in ends) >= -beyond, selector
        assert max(right for _, right in ends) <= PAPER + beyond, selector
    hidden = page.locator("nav, form, button, dialog, input, select").evaluate_all(
        "(all) => all.filter((found) => found.getClientRects().length).length"
    )
    assert hidden == 0
    assert colour(page, "body") == "rgb(255, 255, 255)"
    assert page.locator(".drawn svg").first.evaluate("(svg) => getComputedStyle(svg).filter") == "none"
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("() => [...document.querySelectorAll('details')].every((part) => part.open)")


def test_without_javascript_nothing_is_missing_and_no_control_is_dead(visit, short):
    visited = visit(short, java_script_enabled=False)
    page = visited.page
    assert rows(page) == list(TABLE.index)
    assert min(page.evaluate(SMALLEST)) > 80
    assert page.locator("button, input, select, form, dialog").evaluate_all(
        "(all) => all.filter((found) => found.getClientRects().length).map((found) => found.outerHTML)"
    ) == []  # fmt: skip
    assert visited.complaints == visited.requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rules_of_accessibility(scheme, visit, short):
    visited = visit(short, color_scheme=scheme)
    visited.page.evaluate("() => { for (const part of document.querySelectorAll('details')) part.open = true; }")
    assert visited.violations() == []


@pytest.mark.parametrize("name", KINDS.values(), ids=KINDS)
def test_a_figure_looks_as_its_file_does(name, visit, short):
    """In every style and pixel by pixel, at one size, each alone on an empty page."""
    key, _, figure = name.partition(".")
    file = (ROOT / f"plots/figures/{key[0]}/{key}/{figure}.svg").read_text(encoding="utf-8")
    size = [round(float(side) * 4 / 3) for side in re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', file).groups()]
    page = visit(short, viewport=dict(zip(("width", "height"), size, strict=True))).page
    page.evaluate(ALONE, f"[id='{name}'] svg")
    inside, looks = picture(page), page.evaluate(LOOKS)
    page.goto("about:blank")
    page.set_content(f"<!DOCTYPE html><body>{file[file.index('<svg') :]}</body>")
    page.evaluate(ALONE, "svg")
    before = picture(page)
    assert looks == page.evaluate(LOOKS)
    assert differing(before, Image.new("RGB", before.size, "white"), by=LARGE) > 0.01
    assert differing(before, inside, by=LARGE) < 1e-4
    assert differing(before, inside, by=LARGE // 2) < 0.005


# ----------------------------------------------------------------------------------------------------------- the filter


def control(page: Page, name: str) -> Locator:
    return page.locator(f"form.filters [name={name}]")


def filtered(**wanted: str) -> list[str]:
    """The claims whose columns have these values."""
    return [key for key, row in TABLE.iterrows() if all(row[name] == value for name, value in wanted.items())]


def test_the_filter_shows_what_is_asked_for(visit, short):
    visited = visit(short)
    page, count = visited.page, visited.page.locator("form output")
    every, words = list(TABLE.index), control(page, "words")
    texts = page.evaluate("() => Object.fromEntries([...document.querySelectorAll('#ledger tbody tr')]"
                          ".map((row) => [row.id, row.innerText.toLowerCase()]))")  # fmt: skip

    def assert_shown(keys: list[str]) -> None:
        expect(count).to_have_text(f"{len(keys)} of {len(every)}" if len(keys) < len(every) else f"all {len(every)}")
        assert rows(page) == keys

    assert_shown(every)
    for verdict in ("supported", "not testable"):
        control(page, "verdict").select_option(verdict)
        assert_shown(filtered(verdict=verdict))
    control(page, "report").select_option("b")
    assert_shown(filtered(verdict="not testable", report="b"))
    page.get_by_role("button", name="Show all").click()
    assert_shown(every)
    assert page.locator("form select").evaluate_all("(all) => all.map((select) => select.value)") == ["", "", ""]

    words.fill("  LOSS d-  ")
    found = [key for key in every if "loss" in texts[key] and "d-" in texts[key]]
    assert 0 < len(found) < len(every)
    assert_shown(found)
    words.press("Enter")
    assert_shown(found)
    control(page, "report").select_option("d")
    assert_shown([key for key in found if TABLE["report"][key] == "d"])
    words.fill("no claim says this")
    assert_shown([])
    page.get_by_role("button", name="Show all").click()
    assert_shown(every)

    question = control(page, "question").locator("option").nth(1).inner_text()
    control(page, "question").select_option(question)
    assert_shown(page.locator("#ledger tbody tr").evaluate_all(
        "(all, question) => all.filter((row) => row.querySelector('th small').textContent === question)"
        ".map((row) => row.id)", question,
    ))  # fmt: skip
    assert 0 < len(rows(page)) < len(every)
    page.set_viewport_size({"width": SHORT, "height": 900})  # where rows are laid out as blocks
    words.fill("no claim says this")
    assert_shown([])
    assert visited.complaints == []


def test_a_link_to_a_row_that_is_filtered_out_brings_it_back(visit, short):
    page = visit(short).page
    link = page.locator(".card li a").first
    key = link.get_attribute("href").removeprefix("#")
    for _ in range(2):  # the second time to where one is already
        control(page, "words").fill("no claim says this")
        assert rows(page) == []
        link.click()
        expect(page.locator("form output")).to_have_text(f"all {len(TABLE)}")
        expect(page.locator(f"#{key}")).to_be_in_viewport()
        assert control(page, "words").input_value() == ""
        page.wait_for_function(
            "(key) => document.getElementById(key).getBoundingClientRect().top"
            " >= document.querySelector('nav').getBoundingClientRect().bottom",
            arg=key,
        )
    control(page, "report").select_option(TABLE["report"][key])
    link.click()
    assert rows(page) == filtered(report=TABLE["report"][key])  # it can be seen: the filter stays


def test_what_a_link_leads_to_is_marked(visit, short):
    page = visit(short).page
    key = TABLE.index[5]
    plain = colour(page, f"#{key}")
    page.goto(f"{page.url}#{key}")
    assert colour(page, f"#{key}") not in (plain, "rgba(0, 0, 0, 0)")
    expect(page.locator(f"#{key}")).to_be_in_viewport()
    page.locator("#ledger a", has_text="d-trajectory").first.click()
    card = page.locator("#d-trajectory")
    expect(card).to_be_in_viewport()
    assert card.evaluate("(found) => getComputedStyle(found).outlineStyle") == "solid"
    assert page.locator("#e-trajectory").evaluate("(found) => getComputedStyle(found).outlineStyle") == "none"
    assert colour(page, f"#{key}") == plain


# ---------------------------------------------------------------------------------------------------------- larger


def larger(page: Page) -> tuple[Locator, Locator, Locator, Callable[[], float]]:
    """A figure's button, the figure, the dialog, and what measures the enlarged figure."""
    figure = page.locator("[id='d-trajectory.surface']")
    dialog = page.locator("dialog")
    width = lambda: dialog.locator("svg").bounding_box()["width"]  # noqa: E731
    return figure.get_by_role("button"), figure, dialog, width


def assert_closed(page: Page, was: str) -> None:
    button, figure, dialog, _ = larger(page)
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    assert dialog.locator("svg").count() == 0
    assert figure.locator(".drawn").inner_html() == was
    assert not figure.locator(".drawn").get_attribute("style")


def test_a_figure_is_enlarged_by_click(visit, short):
    visited = visit(short)
    page = visited.page
    button, figure, dialog, width = larger(page)
    was = figure.locator(".drawn").inner_html()
    before, height = figure.locator("svg").bounding_box()["width"], figure.bounding_box()["height"]
    button.click()
    expect(dialog).to_be_visible()
    assert dialog.locator("p").inner_text() == button.get_attribute("data-title")
    assert dialog.locator("svg").get_attribute("aria-label") in was
    assert figure.locator("svg").count() == 0
    assert figure.bounding_box()["height"] == pytest.approx(height, abs=1)
    fitted = width()
    assert fitted > 1.5 * before
    for name, times in (("Larger", 1.5), ("Larger", 2.25), ("Smaller", 1.5)):
        dialog.get_by_role("button", name=name).click()
        assert width() == pytest.approx(times * fitted, rel=0.02)
    dialog.get_by_role("button", name="Close").click()
    assert_closed(page, was)
    button.click()
    assert width() == pytest.approx(fitted, rel=0.02)
    assert visited.complaints == []


def test_a_figure_is_enlarged_by_keyboard(visit, short):
    visited = visit(short)
    page = visited.page
    button, figure, dialog, width = larger(page)
    was = figure.locator(".drawn").inner_html()
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    fitted = width()
    for key, times in (("+", 1.5), ("=", 2.25), ("-", 1.5), ("0", 1), ("-", 1), *[("+", None)] * 8):
        page.keyboard.press(key)
        if times:
            assert width() == pytest.approx(times * fitted, rel=0.01)
    assert width() == pytest.approx(8 * fitted, rel=0.01)
    page.keyboard.press("Escape")
    assert_closed(page, was)
    other = page.locator("[id='b-simulate.sinc5']")
    other.get_by_role("button").focus()
    page.keyboard.press("Space")
    assert dialog.locator("p").inner_text().startswith("b-simulate: ")
    page.keyboard.press("Escape")
    assert other.locator("svg").count() == 1
    assert visited.complaints == []


# ------------------------------------------------------------------------------------------------------ light and dark


@pytest.mark.parametrize(
    ("scheme", "names"), [("light", ["Dark", "Light", "Dark"]), ("dark", ["Light", "Dark", "Light"])]
)
def test_the_theme_can_be_changed(scheme, names, visit, short):
    visited = visit(short, color_scheme=scheme)
    page, button = visited.page, visited.page.locator("#theme")
    figure = page.locator("[id='b-simulate.sinc5'] svg")
    for name in names:
        expect(button).to_have_text(name)
        light = name == "Dark"  # what it would change to
        assert (colour(page, "body") == "rgb(255, 255, 255)") == light
        assert (background(picture(figure)) > 240) == light
        page.emulate_media(media="print")
        assert colour(page, "body") == "rgb(255, 255, 255)"
        assert figure.evaluate("(svg) => getComputedStyle(svg).filter") == "none"
        page.emulate_media(media="screen")
        button.click()
    assert visited.complaints == []


def test_a_change_of_the_system_is_followed(visit, short):
    page = visit(short, color_scheme="light").page
    page.emulate_media(color_scheme="dark")
    expect(page.locator("#theme")).to_have_text("Light")
    assert colour(page, "body") != "rgb(255, 255, 255)"
