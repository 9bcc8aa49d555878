"""The report page, built from the repository's own metrics and plots: all of it is there, and nothing from outside."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import chdir
from dataclasses import replace
from html.parser import HTMLParser
from math import isfinite
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pandas as pd
import pytest
import yaml
from pydantic import TypeAdapter

from netclaims.claims.verdicts import VERDICTS
from netclaims.present.report_page import Page, report_page
from netclaims.present.wording import MARKS
from netclaims.questions import ANSWERED, CHAPTERS
from netclaims.recipes.write import all_recipes, write_recipes

ROOT = Path(__file__).parents[2]
REPORTS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "reports").glob("*.yaml"))
}
FIGURES = {key: entry for content in REPORTS.values() for key, entry in content["figures"].items()}
STATED = {
    key: numbers
    for report in REPORTS
    for key, numbers in json.loads((ROOT / f"metrics/stated/{report}.json").read_text(encoding="utf-8")).items()
}
STATED.pop("scale")
TABLE = pd.read_csv(ROOT / "plots/claims.csv").set_index("claim")
LARGEST = 6_000_000  # bytes
EMPTY = {"meta", "link", "input", "br", "img", "hr"}
WORDS = "<script>alert(1)</script> & \"two\" 'one' {{ rows }}"


class Tree(HTMLParser):
    """The elements of a page; a tag that is not closed where it should be is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._builder, self._open = ElementTree.TreeBuilder(), []
        self.feed(page)
        super().close()
        assert self._open == []
        self.root: Element = self._builder.close()

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in EMPTY:
            self._builder.end(tag)
        else:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        self._builder.end(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"
        self._builder.end(tag)

    def handle_data(self, data):
        self._builder.data(data)


def settings() -> Page:
    """What the page is made of besides results, by the settings in the current folder."""
    return TypeAdapter(Page).validate_python(json.loads(all_recipes()[Path("recipes/report.json")])["settings"])


@pytest.fixture(scope="module")
def of_project() -> Page:
    with chdir(ROOT):
        return settings()


@pytest.fixture(scope="module")
def claims(of_project):
    return of_project.claims


@pytest.fixture(scope="module")
def page(of_project) -> str:
    with chdir(ROOT):
        return report_page(of_project)


@pytest.fixture(scope="module")
def root(page) -> Element:
    return Tree(page).root


@pytest.fixture(scope="module")
def cards(root) -> dict[str, Element]:
    found = [element for element in root.iter("article") if element.get("class") == "card"]
    assert len({card.get("id") for card in found}) == len(found)
    return {card.get("id"): card for card in found}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Builds the page in a folder with report b alone, where tables can be changed; changes are those of the claims."""
    monkeypatch.chdir(tmp_path)
    for folder in ("reports", "plots"):
        (tmp_path / folder).mkdir()
    for name in ("metrics", "params.yaml", "reports/b.yaml", "plots/b", "plots/figures"):
        (tmp_path / name).symlink_to(ROOT / name)
    TABLE.to_csv("plots/claims.csv")

    def build(scale="quick", **changes) -> str:
        found = settings()
        first, claim = next(iter(found.claims.items()))
        return report_page(replace(found, scale=scale, claims=found.claims | {first: replace(claim, **changes)}))

    return build


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def of_class(element: Element, name: str) -> list[Element]:
    return [found for found in element.iter() if name in found.get("class", "").split()]


def by_id(root: Element, name: str) -> Element:
    (found,) = (element for element in root.iter() if element.get("id") == name)
    return found


def table_of(element: Element, *heads: str) -> Element | None:
    """The only table with these heads, or None."""
    found = [table for table in element.iter("table") if [text(head) for head in table.find("thead/tr")] == [*heads]]
    assert len(found) < 2
    return found[0] if found else None


def table_rows(element: Element) -> list[list[Element]]:
    """The cells of the rows of a table's body."""
    return [list(row) for row in element.find("tbody")]


def number(said: str) -> float:
    return float(said.replace("−", "-").replace(",", ""))


# --------------------------------------------------------------------------------------------------------------- claims


def test_every_claim_is_one_row_with_its_verdict(root, claims):
    rows = list(by_id(root, "ledger").find("tbody"))
    assert [row.get("id") for row in rows] == list(claims) == list(TABLE.index)
    for row in rows:
        claim, found = claims[row.get("id")], TABLE.loc[row.get("id")]
        verdict, words, reading, effect = row
        assert row.get("data-verdict") == found["verdict"]
        assert (row.get("data-report"), row.get("data-question")) == (claim.report, ANSWERED[claim.question])
        why = found["provisional"] if isinstance(found["provisional"], str) else ""
        assert text(verdict) == f"{MARKS[found['verdict']]} {found['verdict']}{' provisionally' * bool(why)}{why}"
        look = ["verdict", found["verdict"].replace(" ", "-"), *["provisional"] * bool(why)]
        assert verdict[0].get("class").split() == look
        assert text(words) == f"{claim.report} “{claim.quote}”{ANSWERED[claim.question]}"
        assert text(reading) == " ".join(f"{claim.read}{claim.kind}, {claim.experiment}".split())
        because = found["because"] if isinstance(found["because"], str) else ""
        assert text(effect).endswith(" ".join(because.split()))
        if isfinite(found["effect"]):
            told = number(re.search(r"[−\d.,]+(e[+−]?\d+)?", text(effect))[0])
            assert told == pytest.approx(found["effect"], rel=6e-3), row.get("id")
        else:
            assert text(effect) == " ".join(because.split())


def test_the_counts_add_up(root, claims):
    counts = json.loads((ROOT / "metrics/claims.json").read_text(encoding="utf-8"))
    overview = table_of(root, "report", *(f"{MARKS[name]} {name}" for name in VERDICTS), "")
    found = {text(row[0]): [int(text(cell)) for cell in row[1:6]] for row in table_rows(overview)}
    for report, of in found.items():
        verdicts = Counter(counts["verdicts"][report].values())
        assert of == [verdicts[name] for name in VERDICTS]
        assert sum(of) == sum(claim.report == report for claim in claims.values())
    assert list(found) == list(REPORTS)
    assert [sum(column) for column in zip(*found.values(), strict=True)] == list(counts["counts"].values())
    (said,) = re.findall(r"(\d+) claims, (\d+) of them tested", text(by_id(root, "claims")))
    assert tuple(map(int, said)) == (len(claims), counts["tested"])
    assert text(next(root.iter("output"))) == f"all {len(claims)}"


def test_bars_are_as_long_as_the_counts(root):
    for bar in of_class(root, "bar"):
        shares = {part.get("class"): int(part.get("style").removeprefix("flex: ")) for part in bar}
        assert all(shares.values())
        assert sum(shares.values()) == sum(TABLE["report"] == list(REPORTS)[of_class(root, "bar").index(bar)])


def test_the_filter_offers_what_there_is(root, claims):
    offered = {select.get("name"): [text(option) for option in select] for select in root.iter("select")}
    assert offered == {
        "verdict": ["any", *VERDICTS],
        "report": ["any", *REPORTS],
        "question": ["any", *dict.fromkeys(ANSWERED[claim.question] for claim in claims.values())],
    }


# ------------------------------------------------------------------------------------------------- questions and cards


def test_experiments_stand_under_their_questions(root):
    """In the order of the assignment, and the reports side by side."""
    sections = [section for section in root.iter("section") if section.get("class") == "question"]
    found = {section.get("id"): [card.get("id") for card in of_class(section, "card")] for section in sections}
    wanted = {name: [key for key, entry in FIGURES.items() if entry["question"] == name]
              for questions in CHAPTERS.values() for name in questions}  # fmt: skip
    assert found == wanted
    assert list(found) == list(wanted)
    texts = {name: asked.text for questions in CHAPTERS.values() for name, asked in questions.items()}
    assert {section.get("id"): text(section.find("h3")) for section in sections} == texts
    assert [text(head) for head in root.iter("h2")][1:] == list(CHAPTERS)


def test_a_card_has_every_figure_of_its_experiment(cards):
    for key, entry in FIGURES.items():
        figures = list(cards[key].iter("figure"))
        assert [figure.get("id") for figure in figures] == [f"{key}.{name}" for name in entry["draw"]]
        for figure, (name, settings) in zip(figures, entry["draw"].items(), strict=True):
            (drawn,) = figure.iter("svg")
            assert drawn.get("aria-label").startswith(f"{' '.join(settings['title'].split())}. ")
            file = ElementTree.parse(ROOT / f"plots/figures/{key[0]}/{key}/{name}.svg")  # noqa: S314 (the project's)
            assert [found.text for found in drawn.iter("text")] == (
                [found.text if found.text.strip() else None for found in file.iter("{http://www.w3.org/2000/svg}text")]
            )
            assert text(figure.find("figcaption/a")) == f"{key}.{name}"
            assert figure.find("figcaption/button").get("data-title") == f"{key}: {settings['title']}"


def test_a_card_says_what_it_is_of(cards):
    for key, card in cards.items():
        entry = FIGURES[key]
        about = json.loads((ROOT / f"metrics/{key[0]}/{entry['nets']}.json").read_text(encoding="utf-8"))
        code, said = text(card.find("div/small")).split(" · ", 1)
        assert code == key
        assert said.startswith(f"{about['data']} · {about['scale']} scale: {about['train_examples']:,} training")
        assert f"{about['replicas']} replicas" in said
        assert text(card.find("div/h4/span")) == key[0]
        if entry["nets"] == key:
            title = REPORTS[key[0]]["experiments"][key]["title"]
            assert text(card.find("div/h4")) == f"{key[0]} {' '.join(title.split())}"
        facts = dict(zip([text(found) for found in card.iter("dt")], [text(found) for found in card.iter("dd")],
                         strict=True))  # fmt: skip
        assert all(facts.values()), key
        assert facts["stages"].split()[0] == f"train@{entry['nets']}"


def test_cards_of_one_report_and_question_have_titles_of_their_own(root):
    for section in root.iter("section"):
        titles = [text(card.find("div/h4")) for card in of_class(section, "card")]
        assert len(set(titles)) == len(titles), titles


def test_a_claim_stands_in_the_card_of_its_experiment(cards, claims):
    for key, card in cards.items():
        found = [(item.find("a").get("href"), text(item)) for item in card.iter("li")]
        said = TABLE["verdict"] + TABLE["provisional"].notna().map({True: " provisionally", False: ""})
        wanted = [(f"#{name}", f"{MARKS[TABLE['verdict'][name]]} {said[name]} “{claim.quote}”")
                  for name, claim in claims.items() if claim.experiment == key]  # fmt: skip
        assert sorted(found) == sorted(wanted)
        sums = [name for name, claim in claims.items() if claim.experiment == key and claim.kind == "arithmetic"]
        folded = [item.find("a").get("href") for part in card.iter("details") for item in part.iter("li")]
        assert folded == [f"#{name}" for name in sums]
        if sums:
            marks = " ".join(MARKS[TABLE["verdict"][name]] for name in sums)
            assert text(card.find(".//summary")) == f"{len(sums)} on its numbers, by arithmetic: {marks}"
    assert {claim.experiment for claim in claims.values()} <= set(cards)


def test_a_stated_number_stands_beside_ours(cards):
    assert set(STATED) <= set(cards)
    for key, card in cards.items():
        found = table_of(card, "number", "report", "here")
        rows = {} if found is None else {text(row[0]): [text(cell) for cell in row[1:]] for row in table_rows(found)}
        assert list(rows) == list(STATED.get(key, {}))
        for name, (stated, ours) in rows.items():
            entry = STATED[key][name]
            assert stated.startswith("about ") == entry.get("about", False)
            assert number(stated.removeprefix("about ")) == pytest.approx(entry["stated"], rel=1e-4)
            if entry["mean"] is None:
                assert ours == entry["remark"]
            else:
                told = [number(part) for part in re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", ours).groups()]
                assert told == pytest.approx([entry[part] for part in ("mean", "low", "high")], rel=6e-3)


# ------------------------------------------------------------------------------------------------------ one whole file


def test_ids_are_unique_and_every_link_resolves(root):
    ids = [element.get("id") for element in root.iter() if "id" in element.attrib]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    targets = [value.removeprefix("#") for element in root.iter()
               for name, value in element.attrib.items() if name == "href" and value != "data:,"]  # fmt: skip
    labels = [name for element in root.iter() for name in element.get("aria-labelledby", "").split()]
    shown = [name for element in root.iter() for value in element.attrib.values()
             for name in re.findall(r"url\(#([^)]+)\)", value)]  # fmt: skip
    assert len(targets) > len(TABLE) and labels and shown
    assert {*targets, *labels, *shown} - set(ids) == set()


def test_every_class_of_a_figure_has_its_rule(page, root):
    (style,) = root.iter("style")
    rules = re.findall(r"^\.(f\d+) \{", style.text, re.MULTILINE)
    used = {element.get("class") for svg in root.iter("svg") for element in svg.iter() if "class" in element.attrib}
    assert len(rules) == len(set(rules))
    assert set(rules) == used


def test_nothing_comes_from_outside(page, root):
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name not in ("src", "srcset", "data", "action", "formaction", "poster", "background"), element.tag
            if name.endswith("href"):
                assert value.startswith("#") or (element.tag, value) == ("link", "data:,"), value
    assert not re.search(
        r"https?:|@import|\bimport\s*[({]|\bfetch\(|XMLHttpRequest|<(iframe|object|embed|img|base)\b", page
    )
    assert all(name.startswith("#") for name in re.findall(r"url\(([^)]*)\)", page))
    assert [found.get("rel") for found in root.iter("link")] == ["icon"]
    assert len(list(root.iter("script"))) == 1


def test_the_page_is_not_too_large(page):
    assert len(page.encode()) < LARGEST


def test_the_stage_writes_the_same_bytes(small):
    """In a process of its own, in which sets have another order."""
    page = small()
    write_recipes()
    environment = os.environ | {"PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"}
    subprocess.run([sys.executable, ROOT / "stages/report.py"], check=True, env=environment)  # noqa: S603 (a script of ours)
    assert Path("report/index.html").read_bytes() == page.encode()


# --------------------------------------------------------------------------------------------------------- what is said


def test_words_of_a_report_are_words(small):
    TABLE.assign(because=f"because {WORDS}").to_csv("plots/claims.csv")
    tree = Tree(small(quote=f"quote {WORDS}", read=f"read {WORDS}"))
    assert len(list(tree.root.iter("script"))) == 1
    first, *others = by_id(tree.root, "ledger").find("tbody")
    assert all(f"{what} {WORDS}" in text(first) for what in ("quote", "read", "because"))
    assert all(text(row).endswith(f"because {WORDS}") for row in others)
    assert sum(f"quote {WORDS}" in text(item) for item in tree.root.iter("li")) == 1


def test_a_provisional_verdict_says_so_and_why_and_others_do_not(small):
    TABLE.assign(verdict="refuted", provisional="").to_csv("plots/claims.csv")
    tree = Tree(small())
    assert of_class(tree.root, "provisional") == []
    assert "provisionally" not in text(by_id(tree.root, "ledger"))
    TABLE.assign(verdict="refuted", provisional=f"3 of 50 epochs {WORDS}").to_csv("plots/claims.csv")
    tree = Tree(small())
    assert len(list(tree.root.iter("script"))) == 1
    rows = list(by_id(tree.root, "ledger").find("tbody"))
    assert {text(row[0]) for row in rows} == {f"{MARKS['refuted']} refuted provisionally3 of 50 epochs {WORDS}"}
    assert {row.get("data-verdict") for row in rows} == {"refuted"}  # as the filter has it
    items = [text(item) for card in of_class(tree.root, "card") for item in card.iter("li")]
    assert items and all(item.startswith(f"{MARKS['refuted']} refuted provisionally “") for item in items)


def test_titles_and_labels_of_figures_are_words(small, tmp_path):
    content = yaml.safe_load((ROOT / "reports/b.yaml").read_text(encoding="utf-8"))
    key, entry = next(iter(content["figures"].items()))
    name, figure = next(iter(entry["draw"].items()))
    figure["title"] = WORDS
    (tmp_path / "reports/b.yaml").unlink()
    (tmp_path / "reports/b.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    tree = Tree(small())
    assert len(list(tree.root.iter("script"))) == 1
    shown = by_id(tree.root, f"{key}.{name}")
    assert shown.find("figcaption/button").get("data-title") == f"{key}: {WORDS}"
    assert shown.find("div").get("aria-label") == f"{key}: {WORDS}"
    assert next(shown.iter("svg")).get("aria-label").startswith(f"{WORDS}. ")


def about(root: Element) -> dict[str, str]:
    (listed,) = of_class(root, "about")
    return dict(zip([text(found) for found in listed.iter("dt")], [text(found) for found in listed.iter("dd")],
                    strict=True))  # fmt: skip


def test_the_head_says_what_was_run(root):
    params, said = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")), about(root)
    assert said["Scale"] == params["scale"]
    assert said["Seed, batch size"].startswith(f"{params['seed']}; {params['batch_size']} ")
    trainings = [json.loads((ROOT / f"metrics/{key[0]}/{key}.json").read_text(encoding="utf-8"))
                 for key in {entry["nets"] for entry in FIGURES.values()}]  # fmt: skip
    counted = re.findall(r"(\d+) in (\d+)", said["Replicas"].removeprefix("of every network "))
    assert {int(number): int(count) for number, count in counted} == Counter(found["replicas"] for found in trainings)
    assert [int(number) for number, _ in counted] == sorted({found["replicas"] for found in trainings})
    counted = re.findall(r"(\d+) trainings on (.+?)(?:; |$)", said["Data"])
    assert {name: int(count) for count, name in counted} == (
        Counter("functions" if numbers["loss"] == "mse" else numbers["data"] for numbers in trainings)
    )
    cut = sum(numbers["epochs"] < numbers["epochs_stated"] for numbers in trainings)
    (warning,) = of_class(root, "warning")
    assert f"fewer epochs than stated in {cut} of {len(trainings)} trainings" in text(warning)


@pytest.mark.parametrize(("scale", "warned"), [("smoke", True), ("paper", False)])
def test_a_scale_that_is_not_the_reports_is_warned_of(scale, warned, small):
    root = Tree(small(scale)).root
    assert about(root)["Scale"] == scale
    assert [text(found).startswith(f"The {scale} scale shows") for found in of_class(root, "warning")] == [
        True
    ] * warned


def test_the_head_counts_and_names_the_reports(root, small):
    for page, names in ((root, sorted(REPORTS)), (Tree(small()).root, ["b"])):
        title = f"Which claims of {len(names)} student report{'s' * (len(names) > 1)} hold?"
        assert text(next(page.iter("h1"))) == title
        assert text(next(page.iter("title"))) == f"netclaims: w{title[1:-1]}"
        assert f"are called {' '.join(names)} and all" in text(page.find("body/header"))


def test_what_was_not_run_is_on_the_page_and_says_so(small, tmp_path):
    """In a clone in which another report has been run, or none."""
    (tmp_path / "metrics").unlink()
    TABLE.assign(verdict="not run", because="claims@b has not run").to_csv("plots/claims.csv")
    root = Tree(small()).root
    cards = of_class(root, "card")
    assert {card.get("id") for card in cards} == {key for key in FIGURES if key.startswith("b-")}
    for card in cards:
        assert text(card.find("div/small")) == f"{card.get('id')} · not run"
        assert list(card.iter("figure")) == []
    rows = list(by_id(root, "ledger").find("tbody"))
    assert {row.get("data-verdict") for row in rows} == {"not run"}
    assert all(text(row).endswith("claims@b has not run") for row in rows)


def test_figures_that_were_not_drawn_are_left_out(small, tmp_path):
    (tmp_path / "plots/figures").unlink()
    (tmp_path / "plots/figures").mkdir()
    for name in ("verdicts", "claims"):
        shutil.copy(ROOT / f"plots/figures/{name}.svg", "plots/figures")
    cards = of_class(Tree(small()).root, "card")
    assert cards
    assert [figure for card in cards for figure in card.iter("figure")] == []
    assert not any(text(card.find("div/small")).endswith("not run") for card in cards)
