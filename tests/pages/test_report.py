"""The report page in a browser: all of it is drawn, and every control does what it says."""

import json
import re
from collections.abc import Callable
from contextlib import chdir
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from pydantic import TypeAdapter

from netclaims.present.report_page import Page as Settings
from netclaims.present.report_page import report_page
from netclaims.questions import QUESTIONS
from netclaims.recipes.write import all_recipes

ROOT = Path(__file__).parents[2]
TABLE = pd.read_csv(ROOT / "plots/claims.csv").set_index("claim")
BASIS = (
    TABLE["kind"].map({"arithmetic": "arithmetic", "definition": "nothing", "untestable": "nothing"}).fillna("training")
)
IN_PAPER = pd.read_csv(ROOT / "results/paper/plots/claims.csv").set_index("claim")
IN_PAPER = IN_PAPER[(IN_PAPER["verdict"] != "not run") | (TABLE["verdict"].reindex(IN_PAPER.index) == "not testable")]
BEST = TABLE.assign(
    basis=BASIS, question=None
)  # the paper scale's verdict where there is one; rows as the page has them
BEST.update(IN_PAPER[BASIS.reindex(IN_PAPER.index) == "training"])
BEST = BEST.sort_values(
    "basis", key=lambda names: names.map(["training", "arithmetic", "nothing"].index), kind="stable"
)
FIGURES = {key: entry for path in sorted((ROOT / "reports").glob("*.yaml"))
           for key, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["figures"].items()}  # fmt: skip
KEPT = ("simulate", "trajectory", "minimal-ratio")  # questions of the short page: figures of every kind
SHORT, SCREENS, PAPER = 390, (1400, 1920), 718  # pixels: a telephone, two screens, A4 within its margins
LARGEST, STOPS, SHEETS = 3_000_000, 200, 40  # bytes, tab stops, pages of paper: as many at most
NO_WORD = "quxquux"  # in no claim
FEW = 20  # rows that are there at first
KINDS = {
    "lines with bands": "b-simulate.sinc5",
    "several panels": "d-simulate.loss",
    "points": "d-simulate.errors",
    "paths": "d-trajectory.whole-model",
    "contours": "d-trajectory.surface",
    "scatter": "d-minimal-ratio.minimal-ratio",
}
LARGE = 64  # of 255: a difference that is seen, not one of an edge by a tenth of a point
SIDES = ("top", "right", "bottom", "left")
WIDTHS = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
SCROLLED = """(box) => {
  box.scrollLeft = 99;
  const place = box.getBoundingClientRect();
  return [place.left, place.right, box.scrollWidth - box.clientWidth, box.scrollLeft];
}"""
KEEP = """(names) => {
  window.kept = Object.fromEntries(names.map((name) => [name, document.querySelector(`[id='${name}'] svg`)]));
}"""
ALONE = """(name) => {
  const svg = name ? kept[name] : document.querySelector("svg");
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
OPEN = """async () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
  const more = document.querySelector(".rest button");
  if (more.checkVisibility()) more.click();
  await Promise.all([...document.querySelectorAll(".packed")].map((place) => unpacked(place)));
}"""
# Of rows, cards and marks, no more than have all elements in all classes: rules of colour say the same of the others.
THINNED = """() => {
  const seen = new Set();
  const path = (one) => (one === document.body ? "" : `${path(one.parentElement)}>${one.localName}.${one.className}`);
  for (const part of document.querySelectorAll("#map td a, tr, li, .card")) {
    if (!part.isConnected) continue;
    const paths = [part, ...part.querySelectorAll("*")].map(path).filter((one) => !seen.has(one));
    if (!paths.length) part.remove();
    paths.forEach((one) => seen.add(one));
  }
}"""
BEYOND = """(inner) => [...document.querySelectorAll(`.card :is(${inner})`)].filter((part) => part.checkVisibility())
  .filter((part) => {
    const card = part.closest(".card").getBoundingClientRect(), place = part.getBoundingClientRect();
    return place.left < card.left || place.right > card.right + 0.5;
  }).map((part) => `${part.closest(".card").id} ${part.localName}`)"""
BROKEN = """(cells) => cells.filter((cell) => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  const lines = new Set([...text.getClientRects()].map((place) => Math.round(place.top)));
  return lines.size > cell.innerText.split(" ").length;
}).map((cell) => cell.innerText)"""
FOCUSED = """() => {
  const found = document.activeElement;
  return found === document.body ? null : [found.outerHTML.slice(0, 200), found.checkVisibility()];
}"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The page as the pipeline makes it."""
    path = tmp_path_factory.mktemp("root") / "report/index.html"
    path.parent.mkdir()
    for name in ("plots", "results"):  # to which it leads
        path.parent.with_name(name).symlink_to(ROOT / name)
    with chdir(ROOT):
        settings = json.loads(all_recipes()[Path("recipes/report.json")])["settings"]
        page, _ = report_page(TypeAdapter(Settings).validate_python(settings))
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(whole, shared):
    """All of it opened and unpacked."""
    visited = shared(whole, viewport={"width": SCREENS[0], "height": 900}, color_scheme="light")
    visited.page.evaluate(OPEN)
    return visited


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


def test_every_figure_is_drawn(opened):
    page = opened.page
    names = [f"figures/{key[0]}/{key}/{name}.svg" for key, entry in FIGURES.items() for name in entry["draw"]]
    figures = {(ROOT / folder / "plots" / name).read_text(encoding="utf-8").replace(f"{scale} scale", "")
               for name in names for folder, scale in (("", "quick"), ("results/paper", "paper"))
               if (ROOT / folder / "plots" / name).exists()}  # fmt: skip
    assert len(figures) > len(FIGURES)
    assert page.locator("figure").count() == len(figures)
    sizes, told = page.evaluate(SMALLEST), page.locator("figure > p").all_inner_texts()
    assert len(sizes) + len(told) == len(figures)
    assert min(sizes) > 80
    assert all(len(words) > 40 for words in told)
    assert opened.complaints == []
    assert opened.requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_have_lines_and_the_paper_of_their_scheme(scheme, visit, short):
    visited = visit(short, viewport={"width": SCREENS[0], "height": 900}, color_scheme=scheme)
    page = visited.page
    page.evaluate(OPEN)
    for name in KINDS.values():
        image = picture(page.locator(f"[id='{name}'] svg"))
        paper = Image.new("RGB", image.size, image.getpixel((2, 2)))
        assert (background(image) > 240) if scheme == "light" else (background(image) < 40), name
        assert 0.01 < differing(image, paper, by=LARGE) < 0.9, name
    page.evaluate("() => scrollTo(0, 0)")
    whole_page = picture(page)
    assert (background(whole_page) > 240) if scheme == "light" else (background(whole_page) < 40)
    assert visited.complaints == []
    assert visited.requests == []


@pytest.mark.parametrize("width", [*SCREENS, SHORT])
def test_nothing_goes_beyond_the_sides(width, opened):
    """With everything opened; rows of cards scroll within their own boxes, and nothing is wider than its card."""
    page = opened.page
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(WIDTHS) == [width, width]
    page.evaluate("() => scrollTo(99, 0)")
    assert page.evaluate("() => scrollX") == 0
    for box in page.locator(".cards").all():
        left, right, inside, moved = box.evaluate(SCROLLED)
        assert left >= 0
        assert right <= width + 1
        assert moved > 0 or inside == 0
        assert inside > 0 or width != SHORT
    assert page.evaluate(BEYOND, "figure, svg, figcaption, table, dl, ul, p, .badge") == []
    assert page.evaluate(BEYOND.replace(".card", "#claims"), "tr, table, pre, svg, p") == []


def test_numbers_of_a_report_are_not_broken(opened):
    page = opened.page
    page.set_viewport_size({"width": SHORT, "height": 900})
    numbers = page.locator(".card .numbers td:nth-child(2), .card .numbers thead th")
    assert numbers.count() > 20
    assert numbers.evaluate_all(BROKEN) == []


@pytest.mark.parametrize(("width", "height"), [(SCREENS[0], 900), (SCREENS[1], 1080)])
def test_the_first_screen_shows_all_findings(width, height, visit, short):
    page = visit(short, viewport={"width": width, "height": height}).page
    ends = page.locator(".finding").evaluate_all("(all) => all.map((found) => found.getBoundingClientRect().bottom)")
    assert 5 <= len(ends) <= 7
    assert max(ends) <= height


def test_it_is_not_too_large(whole):
    assert whole.stat().st_size <= LARGEST


def test_paper_has_all_of_it_and_no_control(visit, whole):
    page = visit(whole, viewport={"width": PAPER, "height": 1000}, color_scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate(WIDTHS) == [PAPER, PAPER]
    for selector in (".card", ".drawn svg", "table"):
        ends = page.locator(selector).evaluate_all(
            "(all) => all.map((found) => found.getBoundingClientRect()).map((place) => [place.left, place.right])"
        )
        assert min(left for left, _ in ends) >= -0.5, selector
        assert max(right for _, right in ends) <= PAPER + 0.5, selector
    hidden = page.locator("nav, form, button, dialog, input, select, #tip").evaluate_all(
        "(all) => all.filter((found) => found.getClientRects().length).length"
    )
    assert hidden == 0
    assert colour(page, "body") == "rgb(255, 255, 255)"
    assert page.locator(".drawn svg").first.evaluate("(svg) => getComputedStyle(svg).filter") == "none"
    assert len(rows(page)) == len(TABLE)  # those as well that a screen shows later


def test_on_paper_it_is_not_too_long_and_no_heading_stands_alone(visit, whole):
    """A heading is told from the outline of the PDF: its page, and how high it stands on it."""
    page = visit(whole).page
    margin, line = 36, 14  # points
    content = page.pdf(format="A4", outline=True, tagged=True, margin=dict.fromkeys(SIDES, f"{margin / 72}in"))
    assert 5 < len(re.findall(rb"/Type /Page\b", content)) <= SHEETS
    places = re.findall(rb"/Title \((?:\\.|[^)\\])*\)\n/Dest \[(\d+) 0 R /XYZ [\d.]+ ([\d.]+)", content)
    page.emulate_media(media="print")
    levels = page.locator(":is(h1, h2, h3, h4)").evaluate_all(
        "(all) => all.filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))"
    )
    assert len(places) == len(levels) > 50
    assert min(float(height) for _, height in places) > margin + 2 * line  # its own, and at least one below it
    sheets = {heading: sheet for heading, (sheet, _) in zip(deepest_first(levels), places, strict=True)}
    questions = [i for i, level in enumerate(levels[1:]) if (levels[i], level) == (3, 4)]
    assert len(questions) == len(QUESTIONS)
    assert [i for i in questions if sheets[i] != sheets[i + 1]] == []  # a question is where its first card is


def deepest_first(levels: list[int]) -> list[int]:
    """The places of headings in the order of an outline of a PDF, which has those below a heading before it."""
    found, above = [], []
    for place, level in enumerate(levels):
        while above and levels[above[-1]] >= level:
            found.append(above.pop())
        above.append(place)
    return found + above[::-1]


def test_without_javascript_nothing_is_missing_and_no_control_is_dead(visit, short):
    visited = visit(short, java_script_enabled=False)
    page = visited.page
    assert sorted(rows(page)) == sorted(TABLE.index)
    assert min(page.evaluate(SMALLEST)) > 80
    assert page.locator("button, input, select, form, dialog, #tip").evaluate_all(
        "(all) => all.filter((found) => found.getClientRects().length).map((found) => found.outerHTML)"
    ) == []  # fmt: skip
    packed = page.locator(".card").first.locator(".packed[data-figures]")
    page.locator(".card summary").first.click()
    for name in packed.get_attribute("data-figures").split():
        assert name in packed.inner_text()  # and where it lies
    assert "plots/figures/" in packed.inner_text()
    assert visited.complaints == visited.requests == []


# -------------------------------------------------------------------------------------------------------- accessibility


def test_rules_of_accessibility(visit, whole):
    """Of all of the page, with every row opened; a figure is one picture with a label, whose lines no rule is about.

    Those of colour, which take most of the time, are tried on elements of every kind, and not on all of them.
    """
    visited = visit(whole, color_scheme="light")
    page = visited.page
    page.evaluate(OPEN)
    page.evaluate("() => { for (const svg of document.querySelectorAll('figure svg')) svg.replaceChildren(); }")
    assert visited.violations(but="color-contrast") == []
    page.evaluate(THINNED)
    assert 5 < page.locator("#ledger tbody tr").count() < len(TABLE) // 2
    assert visited.violations(only="color-contrast") == []
    page.emulate_media(color_scheme="dark")
    assert visited.violations(only="cat.color") == []
    page.add_style_tag(content="#ledger p { color: #333 !important }")
    assert visited.violations(only="color-contrast")


def test_rules_of_accessibility_of_the_page_as_it_is_at_first(visit, short):
    visited = visit(short, color_scheme="light", viewport={"width": SHORT, "height": 900})
    assert visited.violations() == []
    visited.page.evaluate(THINNED)
    visited.page.emulate_media(color_scheme="dark")
    assert visited.violations(only="cat.color") == []


def test_the_keyboard_comes_through_the_page_in_few_stops(visit, whole):
    page, stops = visit(whole).page, []
    for _ in range(STOPS + 1):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        assert focused[1], focused[0]  # it can be seen
        stops.append(focused[0])
    assert 50 < len(stops) <= STOPS
    assert sum("<summary" in stop and 'class="report"' in stop for stop in stops) == 1  # the rows
    assert sum('class="mark ' in stop or "data-question" in stop for stop in stops) == 1  # the map


def test_arrows_go_from_mark_to_mark_and_from_row_to_row(visit, short):
    page = visit(short).page
    for items in ("#map a", "#ledger summary"):
        seen = page.locator(items).evaluate_all("(all) => all.filter((one) => one.checkVisibility()).length")
        assert 0 < seen < page.locator(items).count()  # others are folded away
        for key, place in (("End", seen - 1), ("ArrowDown", seen - 1), ("ArrowUp", seen - 2), ("Home", 0),
                           ("ArrowUp", 0), ("ArrowDown", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):  # fmt: skip
            page.locator(f"{items}[tabindex='0']").press(key)
            assert page.evaluate(
                "(items) => [...document.querySelectorAll(items)].filter((one) => one.checkVisibility())"
                ".indexOf(document.activeElement)", items,
            ) == place  # fmt: skip
            assert page.locator(f"{items}[tabindex='0']").count() == 1


def test_the_keyboard_reaches_the_rows_that_a_filter_leaves(visit, short):
    page = visit(short).page
    first = page.locator("#ledger summary[tabindex='0']")
    for verdict in ("not testable", "supported", ""):
        control(page, "verdict").select_option(verdict)
        assert first.count() == 1
        assert first.is_visible()
    page.get_by_role("button", name="what we found").click()  # another order
    assert first.is_visible()


@pytest.fixture(scope="module")
def alone(shared, short) -> tuple[Page, Page]:
    """The page that keeps a figure of every kind for `ALONE`, and an empty one."""
    page = shared(short).page
    page.evaluate(OPEN)
    page.evaluate(KEEP, list(KINDS.values()))
    return page, page.context.new_page()


@pytest.mark.parametrize("name", KINDS.values(), ids=KINDS)
def test_a_figure_looks_as_its_file_does(name, alone):
    """In every style and pixel by pixel, at one size, each alone on an empty page; but for the line below it."""
    key, _, figure = name.partition(".")
    folder = next(
        path for path in ("results/paper/plots", "plots") if (ROOT / path / f"figures/{key[0]}/{key}").exists()
    )
    file = (ROOT / folder / f"figures/{key[0]}/{key}/{figure}.svg").read_text(encoding="utf-8")
    page, empty = alone
    box = page.evaluate("(name) => kept[name].getAttribute('viewBox')", name)
    width, height = (round(float(side) * 4 / 3) for side in box.split()[2:])
    for one in alone:
        one.set_viewport_size({"width": width, "height": height})
    page.evaluate(ALONE, name)
    empty.set_content(f"<!DOCTYPE html><body>{file[file.index('<svg') :]}</body>")
    empty.evaluate("(box) => { document.querySelector('#caption')?.remove();"
                   " document.querySelector('svg').setAttribute('viewBox', box); }", box)  # fmt: skip
    empty.evaluate(ALONE, None)
    assert page.evaluate(LOOKS) == empty.evaluate(LOOKS)
    inside, before = picture(page), picture(empty)
    assert differing(before, Image.new("RGB", before.size, "white"), by=LARGE) > 0.01
    assert differing(before, inside, by=LARGE) < 1e-4
    assert differing(before, inside, by=LARGE // 2) < 0.005


# ----------------------------------------------------------------------------------------------------------- the filter


def control(page: Page, name: str) -> Locator:
    return page.locator(f"form.filters [name={name}]")


def filtered(**wanted: str) -> list[str]:
    """The claims whose columns have these values."""
    return [key for key, row in BEST.iterrows() if all(row[name] == value for name, value in wanted.items())]


def assert_shown(page: Page, keys: list[str]) -> None:
    """These rows, the first of them if there are many, and how many there are."""
    count = f"{len(keys)} of {len(BEST)}" if len(keys) < len(BEST) else f"all {len(BEST)}"
    expect(page.locator("form output")).to_have_text(count)
    more = page.locator(".rest button")
    if more.is_visible():
        assert more.inner_text() == f"Show {len(keys) - FEW} more"
        assert rows(page) == keys[:FEW]
    else:
        assert rows(page) == keys
    expect(page.locator(".nothing")).to_be_visible(visible=not keys)


def test_few_rows_are_there_at_first_and_all_of_them_at_a_click(visit, short):
    page = visit(short).page
    assert_shown(page, list(BEST.index))
    page.locator(".rest button").click()
    assert page.locator(".rest button").is_hidden()
    assert_shown(page, list(BEST.index))


def test_the_filter_shows_what_is_asked_for(visit, short):
    visited = visit(short)
    page, words = visited.page, control(visited.page, "words")
    every = list(BEST.index)
    texts = page.evaluate("() => Object.fromEntries([...document.querySelectorAll('#ledger tbody tr')]"
                          ".map((row) => [row.id, row.textContent.toLowerCase()]))")  # fmt: skip
    for verdict in ("supported", "not testable"):
        control(page, "verdict").select_option(verdict)
        assert_shown(page, filtered(verdict=verdict))
    control(page, "report").select_option("b")
    assert_shown(page, filtered(verdict="not testable", report="b"))
    control(page, "basis").select_option("nothing")
    assert_shown(page, filtered(verdict="not testable", report="b", basis="nothing"))
    page.locator("form").get_by_role("button", name="Show all").click()
    assert_shown(page, every)
    assert set(page.locator("form select").evaluate_all("(all) => all.map((select) => select.value)")) == {""}

    words.fill("  LOSS d-  ")
    found = [key for key in every if "loss" in texts[key] and "d-" in texts[key]]
    assert 0 < len(found) < len(every)
    assert_shown(page, found)
    words.press("Enter")
    assert_shown(page, found)
    control(page, "report").select_option("d")
    assert_shown(page, [key for key in found if BEST["report"][key] == "d"])
    words.fill(NO_WORD)
    assert_shown(page, [])
    page.locator(".nothing button").click()
    assert_shown(page, every)

    question = control(page, "question").locator("option").nth(1).get_attribute("value")
    control(page, "question").select_option(question)
    asked = page.locator("#ledger tbody tr").evaluate_all(
        "(all, question) => all.filter((row) => row.dataset.question === question).map((row) => row.id)", question
    )
    assert 0 < len(asked) < len(every)
    assert_shown(page, asked)
    page.set_viewport_size({"width": SHORT, "height": 900})  # where rows are laid out as blocks
    words.fill(NO_WORD)
    assert_shown(page, [])
    assert visited.complaints == []


def test_the_filter_is_kept_in_the_address(visit, short):
    visited = visit(short)
    page = visited.page
    wanted = {"words": "loss & more", "verdict": "not testable", "basis": "nothing", "report": "d"}
    control(page, "words").fill(wanted["words"])
    for name in ("verdict", "basis", "report"):
        control(page, name).select_option(wanted[name])
    assert dict(parse_qsl(urlsplit(page.url).query)) == wanted
    page.goto(page.url.replace("loss+%26+more", "loss"))
    assert {name: control(page, name).input_value() for name in wanted} == wanted | {"words": "loss"}
    left = rows(page)
    assert 0 < len(left) < len(filtered(verdict="not testable", basis="nothing", report="d"))
    page.reload()
    assert rows(page) == left
    page.locator("form").get_by_role("button", name="Show all").click()
    page.wait_for_function("() => location.search === ''")
    page.goto(f"{page.url}?verdict=undecided#claims")
    assert_shown(page, filtered(verdict="undecided"))
    assert page.url.endswith("?verdict=undecided#claims")
    page.goto(page.url.replace("undecided", "no-such-verdict&theme=1"))
    assert_shown(page, list(BEST.index))
    assert visited.complaints == []


def test_rows_are_sorted(visit, short):
    page = visit(short).page
    page.locator(".rest button").click()
    order = ["supported", "refuted", "undecided", "not testable", "not run"]
    for name, column, key in (
        ("verdict", "verdict", lambda names: names.map(order.index)),
        ("what we found", "p_holm", None),
    ):
        head = page.get_by_role("columnheader", name=name)
        for direction in ("ascending", "descending"):
            head.get_by_role("button").click()
            assert head.get_attribute("aria-sort") == direction
            values = BEST[column].fillna(2) if key is None else key(BEST[column])
            found = [values[row] for row in rows(page)]
            assert found == sorted(found, reverse=direction == "descending")
            assert page.locator("#ledger th[aria-sort]").count() == 1
    page.get_by_role("columnheader", name="claim").get_by_role("button").click()
    assert rows(page) == list(BEST.index)


# ------------------------------------------------------------------------------------------------ rows, links, the map


def test_rows_are_closed_at_first_and_open(visit, short):
    page = visit(short).page
    assert page.locator("#ledger details[open], .card details[open]").count() == 0
    key = BEST.index[3]
    row, read = page.locator(f"#{key}"), page.locator(f"#{key} .opened")
    assert read.is_hidden()
    row.locator("summary").click()
    expect(read).to_be_visible()
    assert f"recipes/claims/{key[0]}.json" in read.inner_text()
    row.locator("summary").press("Enter")
    expect(read).to_be_hidden()
    row.locator("summary").press("Space")
    expect(read).to_be_visible()


def test_a_mark_of_the_map_leads_to_its_claim(visit, short):
    visited = visit(short)
    page = visited.page
    for key in (BEST.index[0], BEST.index[FEW + 30]):  # the other one is not shown at first
        page.locator(f"#map a[href='#{key}']").first.click()
        expect(page.locator(f"#{key}")).to_be_in_viewport()
        assert page.locator(f"#{key} .opened").is_visible()
        assert page.url.endswith(f"#{key}")
        assert page.locator("#ledger details[open]").count() == [BEST.index[0], BEST.index[FEW + 30]].index(key) + 1
    link = page.locator("#map [data-question]").first
    link.click()
    expect(page.locator("#claims")).to_be_in_viewport()
    name = link.get_attribute("data-question")
    assert control(page, "question").input_value() == name
    assert set(page.locator("#ledger tbody tr:not([hidden])").evaluate_all(
        "(all) => all.map((row) => row.dataset.question)")) == {name}  # fmt: skip
    assert visited.complaints == []


def test_a_finding_leads_to_its_claim(visit, short):
    page = visit(short).page
    link = page.locator(".finding p a").last
    link.click()
    key = link.get_attribute("href").removeprefix("#")
    expect(page.locator(f"#{key}")).to_be_in_viewport()
    assert page.locator(f"#{key} .opened").is_visible()


def test_a_link_to_a_row_that_is_filtered_out_brings_it_back(visit, short):
    page = visit(short).page
    page.locator(".card summary").first.click()
    link = page.locator(".card li a").first
    key = link.get_attribute("href").removeprefix("#")
    for _ in range(2):  # the second time to where one is already
        control(page, "words").fill(NO_WORD)
        assert rows(page) == []
        link.click()
        expect(page.locator("form output")).to_have_text(f"all {len(BEST)}")
        expect(page.locator(f"#{key}")).to_be_in_viewport()
        assert control(page, "words").input_value() == ""
        page.wait_for_function(
            "(key) => document.getElementById(key).getBoundingClientRect().top"
            " >= document.querySelector('nav').getBoundingClientRect().bottom",
            arg=key,
        )
    control(page, "report").select_option(BEST["report"][key])
    link.click()
    expect(page.locator(f"#{key}")).to_be_in_viewport()
    assert rows(page) == filtered(report=BEST["report"][key])  # it can be seen: the filter stays


def test_what_a_link_leads_to_is_marked(visit, short):
    page = visit(short).page
    key = BEST.index[5]
    plain = colour(page, f"#{key}")
    page.goto(f"{page.url}#{key}")
    assert colour(page, f"#{key}") not in (plain, "rgba(0, 0, 0, 0)")
    expect(page.locator(f"#{key}")).to_be_in_viewport()
    assert page.locator(f"#{key} .opened").is_visible()
    page.goto(f"{page.url.partition('#')[0]}#d-trajectory")
    card = page.locator("#d-trajectory")
    expect(card).to_be_in_viewport()
    assert card.evaluate("(found) => getComputedStyle(found).outlineStyle") == "solid"
    assert page.locator("#e-trajectory").evaluate("(found) => getComputedStyle(found).outlineStyle") == "none"
    assert colour(page, f"#{key}") == plain


def test_a_claim_leads_to_its_figure_wherever_it_lies(visit, short):
    """To one that is packed as well, which is unpacked then."""
    page = visit(short).page
    packed = page.locator(".packed[data-figures]").evaluate_all(
        "(all) => all.flatMap((one) => one.dataset.figures.split(' '))"
    )
    links = page.locator("#ledger a[data-figure]").evaluate_all(
        "(all) => all.map((one) => [one.closest('tr').id, one.dataset.figure])"
    )
    kept = [(key, name) for key, name in links if name.partition("-")[2].startswith(KEPT)]
    inside, outside = (next(pair for pair in kept if (pair[1] in packed) == there) for there in (True, False))
    for key, name in (inside, outside):
        page.goto(f"{page.url.partition('#')[0]}#{key}")
        page.locator(f"#{key} a[data-figure]").click()
        expect(page.locator(f"[id='{name}']")).to_be_in_viewport()
        assert page.url.endswith(f"#{name}")
    page.goto(f"{page.url.partition('#')[0]}?#{inside[1]}")  # from outside
    expect(page.locator(f"[id='{inside[1]}']")).to_be_in_viewport()


def test_the_data_behind_a_figure_is_there_to_be_had(visit, whole):
    page = visit(whole).page
    for card, table in (
        ("d-capacity", "plots/d/d-capacity/final.csv"),
        ("b-trajectory", "results/paper/plots/b/b-trajectory/pca.csv"),
    ):
        page.locator(f"#{card} summary").click()
        with page.expect_download() as saved:
            page.locator(f"#{card} a[href='../{table}']").click()
        assert Path(saved.value.path()).read_bytes() == (ROOT / table).read_bytes()
        assert saved.value.suggested_filename == Path(table).name


def test_terms_are_explained_where_one_points_at_them(visit, short):
    visited = visit(short)
    page, tip = visited.page, visited.page.locator("#tip")
    page.locator("#d-minimal-ratio summary").click()
    term = page.locator("#d-minimal-ratio a.term").first
    name = term.get_attribute("href").removeprefix("#")
    meaning = page.locator(f"#{name} + dd").text_content()
    assert len(meaning) > 20
    assert tip.is_hidden()
    term.hover()
    expect(tip).to_be_visible()
    assert tip.inner_text() == meaning
    tip.hover()
    assert tip.is_visible()  # for those who follow it with the pointer
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    term.focus()
    expect(tip).to_be_visible()
    assert term.get_attribute("aria-describedby") == "tip"
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    term.hover()
    page.set_viewport_size({"width": SHORT, "height": 900})
    term.hover()
    place = tip.bounding_box()
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= SHORT
    page.keyboard.press("Escape")
    term.press("Enter")
    expect(page.locator(f"#{name}")).to_be_in_viewport()
    assert page.locator(f"#{name} + dd").is_visible()
    assert visited.complaints == []


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
    page.evaluate(OPEN)
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
    page.evaluate(OPEN)
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
