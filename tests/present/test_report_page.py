"""The report page, built from the repository's own metrics and plots: all of it is there, and nothing from outside."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
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
from netclaims.present.cards import Run, _differ
from netclaims.present.facts import Facts
from netclaims.present.glossary import Term, explained
from netclaims.present.report_page import PICTURE, Page, report_page
from netclaims.present.wording import MARKS, typeset
from netclaims.questions import ANSWERED, CHAPTERS, QUESTIONS
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
STATED = {key: numbers for key, numbers in STATED.items() if key not in ("scale", "data")}
TABLE = pd.read_csv(ROOT / "plots/claims.csv").set_index("claim")
LARGEST = 3_000_000  # bytes
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
        return report_page(of_project)[0]


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
    for folder in ("reports", "plots", "docs"):
        (tmp_path / folder).mkdir()
    for name in ("metrics", "params.yaml", "reports/b.yaml", "plots/b", "plots/figures", "docs/quantities.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    TABLE.to_csv("plots/claims.csv")

    def build(scale="quick", **changes) -> str:
        found = settings()
        first, claim = next(iter(found.claims.items()))
        return report_page(replace(found, scale=scale, claims=found.claims | {first: replace(claim, **changes)}))[0]

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
    digits = said.replace("·10", "e").translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789"))
    return float(digits.replace(",", ""))


# --------------------------------------------------------------------------------------------------------------- claims


def own(judged: Element) -> Element:
    """The verdict at the scale of the run, which comes last."""
    return of_class(judged, "at")[-1]


def test_every_claim_is_one_row_with_its_verdict(root, claims):
    """At the scale of the run, whatever else there is of the paper scale; those that training decides come first."""
    rows = list(by_id(root, "ledger").find("tbody"))
    assert {row.get("id") for row in rows} == set(claims) == set(TABLE.index)
    bases = [row.get("data-basis") for row in rows]
    assert bases == sorted(bases, key=["training", "arithmetic", "nothing"].index)
    for row in rows:
        claim, found = claims[row.get("id")], TABLE.loc[row.get("id")]
        verdict, words, _ = row
        assert (row.get("data-report"), row.get("data-question")) == (claim.report, claim.question)
        assert (row.get("data-basis") == "training") == claim.tested
        said = f"{MARKS[found['verdict']]} {found['verdict']}{' provisionally' * isinstance(found['provisional'], str)}"
        assert text(of_class(own(verdict), "verdict")[0]) == said
        assert text(words.find("details/summary")) == f"{claim.report} “{claim.quote}”"
        opened = text(of_class(words, "opened")[0])
        assert " ".join(claim.read.split()) in opened
        assert ANSWERED[claim.question] in opened
        if isinstance(found["because"], str):
            assert typeset(" ".join(found["because"].split())) in opened
        assert f"stage claims@{claim.report}, recipe recipes/claims/{claim.report}.json" in opened
        assert f"{row.get('id')}: report: {claim.report}" in opened  # the entry, in YAML
        if isfinite(found["effect"]):
            last = of_class(words, "tested")[-1]
            assert len(of_class(last, "axis")) == 1
            told = number(re.search(r"[−\d.,]+(·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?", text(last.findall("p")[1]))[0].rstrip("."))
            assert told == pytest.approx(found["effect"], rel=6e-3), row.get("id")
        assert words.find("small/a").get("href") == f"#{row.get('id')}"


def test_every_claim_is_a_mark_of_the_map_with_the_answer(root, claims):
    marks = {mark.get("href").removeprefix("#"): mark for mark in of_class(by_id(root, "map"), "mark")}
    assert set(marks) == set(claims)
    for key, mark in marks.items():
        assert text(mark).endswith(" ".join(claims[key].answer.split()))
        assert mark.get("aria-label").endswith(f": {claims[key].answer}")


def test_the_counts_add_up(root, claims):
    overview = table_of(root, "decided", *(f"{MARKS[name]} {name}" for name in VERDICTS), "")
    found = {text(row[0]): [int(text(cell)) for cell in row[1:6]] for row in table_rows(overview)}
    tested = TABLE[[claims[key].tested for key in TABLE.index]]["verdict"].value_counts()
    assert found["by training, quick scale"] == [tested.get(name, 0) for name in VERDICTS]
    settled = TABLE[TABLE["kind"] == "arithmetic"]["verdict"].value_counts()
    assert found["by arithmetic"] == [settled.get(name, 0) for name in VERDICTS]
    (said,) = re.findall(
        r"(\d+) claims: (\d+) are about trainings, of which (\d+) are tested so far, (\d+) are settled by arithmetic, "
        r"and (\d+) cannot be tested", text(root),
    )  # fmt: skip
    every, trained, answered, by_arithmetic, never = map(int, said)
    assert every == len(claims) == trained + by_arithmetic + never
    assert (trained, by_arithmetic) == (tested.sum(), settled.sum())
    marks = Counter(row.get("data-verdict") for row in by_id(root, "ledger").find("tbody")
                    if row.get("data-basis") == "training")  # fmt: skip
    assert answered == sum(marks[name] for name in ("supported", "refuted", "undecided"))
    of_paper = PAPER["verdict"].reindex([key for key in claims if claims[key].tested], fill_value="not run")
    assert found["by training, paper scale"] == [(of_paper == name).sum() for name in VERDICTS]
    assert text(next(root.iter("output"))) == f"all {len(claims)}"
    for bar, counts in zip(of_class(root, "bar"), found.values(), strict=True):
        assert [int(part.get("style").removeprefix("flex: ")) for part in bar] == [count for count in counts if count]


def test_the_filter_offers_what_there_is(root, claims):
    offered = {select.get("name"): [text(option) for option in select] for select in root.iter("select")}
    assert {name: sorted(values) for name, values in offered.items()} == {
        "verdict": sorted(["any", *VERDICTS]),
        "basis": ["any", "arithmetic", "nothing", "training"],
        "report": sorted(["any", *REPORTS]),
        "question": sorted(["any", *{ANSWERED[claim.question] for claim in claims.values()}]),
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
    assert [text(head) for head in root.iter("h2")][3:-1] == list(CHAPTERS)


def unpacked(card: Element) -> list[Element]:
    """The figures of a card, those as well that its script unpacks."""
    inside = [gzip.decompress(b64decode(part.get("data-packed"))).decode() for part in of_class(card, "packed")]
    return [
        *card.iter("figure"),
        *(figure for part in inside for figure in Tree(f"<div>{part}</div>").root.iter("figure")),
    ]


def test_a_card_has_every_figure_of_its_experiment(cards):
    for key, entry in FIGURES.items():
        figures = {figure.get("id").partition("@")[0]: figure for figure in unpacked(cards[key])}
        assert set(figures) == {f"{key}.{name}" for name in entry["draw"]}
        for name, settings in entry["draw"].items():
            figure, title = figures[f"{key}.{name}"], " ".join(settings["title"].split())
            drawn = list(figure.iter("svg"))
            if not drawn:  # two points or less, or a single column of them, are told in words
                assert text(figure.find("p")).startswith(f"{title}. ")
                continue
            assert drawn[0].get("aria-label").startswith(f"{title}. ")
            assert figure.find("figcaption/button").get("data-title") == f"{key}: {settings['title']}"


def test_points_in_a_single_column_are_told_in_words(cards):
    drawn = {figure.get("id"): bool(list(figure.iter("svg"))) for figure in unpacked(cards["e-minimal-ratio"])}
    table = pd.read_csv(ROOT / "plots/e/e-minimal-ratio/hessian.csv")
    for name, column in (("minimal-ratio", "minimal_ratio"), ("nonzero", "minimal_ratio_nonzero")):
        assert drawn[f"e-minimal-ratio.{name}@quick"] == (len(set(table[column].dropna())) > 1)
    assert not drawn["e-minimal-ratio.nonzero@quick"]


def test_a_card_says_what_it_is_of(cards):
    for key, card in cards.items():
        entry = FIGURES[key]
        about = json.loads((ROOT / f"metrics/{key[0]}/{entry['nets']}.json").read_text(encoding="utf-8"))
        facts = dict(zip([text(found) for found in card.iter("dt")], [text(found) for found in card.iter("dd")],
                         strict=True))  # fmt: skip
        assert all(facts.values()), key
        said = facts["quick scale"]
        start = f"{about['data']} · {about['scale']} scale: {about['train_examples']:,} training"
        assert said.startswith(typeset(start))
        assert f"{about['replicas']} replicas" in said
        badge = f"{about['epochs']:,.10g} of {about['epochs_stated']:,.10g} epochs"
        assert (badge in text(card.find("div"))) == (about["epochs"] < about["epochs_stated"])
        assert text(card.find("div/h4/span")) == key[0]
        if entry["nets"] == key:
            title = REPORTS[key[0]]["experiments"][key]["title"]
            assert text(card.find("div/h4")) == f"{key[0]} {' '.join(title.split())}"
        assert facts["stages"].split()[0] == f"train@{entry['nets']}"


def test_cards_of_one_report_and_question_have_titles_of_their_own(root):
    for section in root.iter("section"):
        titles = [text(card.find("div/h4")) for card in of_class(section, "card")]
        assert len(set(titles)) == len(titles), titles


def test_a_claim_stands_in_the_card_of_its_experiment(cards, claims):
    for key, card in cards.items():
        found = [(item.find("a").get("href"), text(item.find("a"))) for item in card.iter("li")]
        wanted = [(f"#{name}", f"“{claim.quote}”") for name, claim in claims.items() if claim.experiment == key]
        assert sorted(found) == sorted(wanted)
    assert {claim.experiment for claim in claims.values()} <= set(cards)


def test_a_stated_number_stands_beside_ours(cards):
    assert set(STATED) <= set(cards)
    for key, card in cards.items():
        tables = of_class(card, "numbers")
        rows = {text(row[0]): [text(cell) for cell in row[1:]] for table in tables for row in table_rows(table)}
        assert set(STATED.get(key, {})) <= set(rows)
        for name, entry in STATED.get(key, {}).items():
            stated, ours = rows[name][0], rows[name][-1]
            assert stated.startswith("about ") == entry.get("about", False)
            assert number(stated.removeprefix("about ")) == pytest.approx(entry["stated"], rel=1e-4)
            if entry["mean"] is None:
                assert ours == entry["remark"]
            else:
                told = [number(part) for part in re.match(r"(\S+) \((\S+) … (\S+)\)", ours).groups()]
                assert told == pytest.approx([entry[part] for part in ("mean", "low", "high")], rel=6e-3)
                assert ("all higher" in ours) == (entry["low"] > entry["stated"])
                assert ("all lower" in ours) == (entry["high"] < entry["stated"])


def test_a_card_says_why_its_numbers_may_lie_on_one_side_of_those_that_are_stated():
    run = Run("paper", "", ["2 of 10 epochs"], [])
    inside, outside = {"stated": 1, "low": 0.5, "high": 2}, {"stated": 1, "low": 2, "high": 3, "outside": True}
    words = {name: [] for name in ("data", "stated", "stages", "figures", "networks")}
    fact = Facts("c-a", "c-a", "", notes=[], nets_assumed=["augment flip yes"], assumed=["augment flip yes"], **words)
    assert _differ({"A, loss": inside}, run, fact) == ""
    said = _differ({"A, loss": inside, "B, loss": outside}, run, fact)
    assert said.endswith("number, this may be why: 2 of 10 epochs; we assume random mirror images.")
    of_analysis = replace(fact, notes=["for M1 the report has padding 1"], assumed=["interpolate points 5"])
    numbers = {"A, loss": inside | {"read": "it so"}, "B, loss": outside | {"read": "it otherwise"}}
    said = _differ(numbers, run, of_analysis)
    assert "; for M1 the report has padding 1; we read it otherwise; we assume random mirror images, " in said
    nothing = replace(fact, nets_assumed=[], assumed=[])
    assert "nothing that we know of" in _differ({"B, loss": outside}, Run("paper", "", [], []), nothing)


@pytest.mark.parametrize("scale", ["", "results/paper"])
def test_wherever_a_stated_number_lies_on_one_side_of_ours_a_sentence_says_why_that_may_be(scale, of_project):
    facts_of_all = {fact.key: fact for fact in of_project.facts}
    for path in sorted((ROOT / scale / "metrics" / "stated").glob("*.json")):
        for key, numbers in json.loads(path.read_text(encoding="utf-8")).items():
            if key in facts_of_all and any(number.get("outside") for number in numbers.values()):
                said = _differ(numbers, Run("paper", "", [], []), facts_of_all[key])
                assert "this may be why" in said, key


# -------------------------------------------------------------------------------------------------------------- scales

PAPER = pd.read_csv(ROOT / "results/paper/plots/claims.csv").set_index("claim")


def test_the_verdict_of_the_paper_scale_comes_first_where_there_is_one(root, claims):
    both = set()
    for row in by_id(root, "ledger").find("tbody"):
        key = row.get("id")
        judged = [
            (
                text(of_class(one, "scale")[0]) if of_class(one, "scale") else "quick",
                text(of_class(one, "verdict")[0]).split(maxsplit=1)[1],
            )
            for one in of_class(row[0], "at")
        ]
        wanted = [(scale, f"{table['verdict'][key]}{' provisionally' * isinstance(table['provisional'][key], str)}")
                  for scale, table in (("paper", PAPER), ("quick", TABLE))
                  if scale == "quick" or (claims[key].tested and key in PAPER.index
                                          and (PAPER["verdict"][key] != "not run"
                                               or TABLE["verdict"][key] == "not testable"))]  # fmt: skip
        assert judged == wanted, key
        best = (PAPER if len(wanted) > 1 else TABLE).loc[key]
        assert row.get("data-verdict") == best["verdict"]
        assert row.get("data-p") == ("" if pd.isna(best["p_holm"]) else f"{best['p_holm']:.6g}")
        (mark,) = (mark for mark in of_class(by_id(root, "map"), "mark") if mark.get("href") == f"#{key}")
        assert mark.get("class").split()[1] == best["verdict"].replace(" ", "-")
        assert ("provisional" in mark.get("class").split()) == isinstance(best["provisional"], str)
        both |= {key} if len(wanted) > 1 else set()
    assert both


def test_a_verdict_says_in_which_files_it_stands(root):
    for row in by_id(root, "ledger").find("tbody"):
        named = [text(code) for code in row.iter("code")]
        for one in of_class(row, "tested"):
            folder = "results/paper/" if text(one).startswith("paper") else ""
            for path in (f"{folder}recipes/claims/{row.get('data-report')}.json",
                         f"{folder}plots/claims/{row.get('data-report')}.csv"):  # fmt: skip
                assert path in named
                assert (ROOT / path).exists()


def test_figures_of_two_scales_stand_side_by_side(cards):
    """The paper scale's has the plain name; what there is of one scale alone has it, too."""
    two = 0
    for key, entry in FIGURES.items():
        ids = [figure.get("id") for figure in unpacked(cards[key])]
        drawn = {
            scale: {path.stem for path in (ROOT / folder / key[0] / key).glob("*.svg")} & set(entry["draw"])
            for scale, folder in (("paper", "results/paper/plots/figures"), ("quick", "plots/figures"))
        }
        assert (ROOT / f"results/paper/metrics/{key[0]}/{entry['nets']}.json").exists() or not drawn["paper"]
        second = "@quick" if drawn["paper"] else ""
        same = {
            name for name in drawn["paper"] & drawn["quick"] if plain(key, name, "paper") == plain(key, name, "quick")
        }
        wanted = [f"{key}.{name}" for name in drawn["paper"]] + [
            f"{key}.{name}{second}" for name in drawn["quick"] - same
        ]
        assert sorted(ids) == sorted(wanted)
        two += bool(second)
        captions = {figure.get("id"): text(figure.find("figcaption/span")) for figure in unpacked(cards[key])}
        for name, said in captions.items():
            assert f"{'paper' if drawn['paper'] and '@' not in name else 'quick'} scale" in said, name
            assert said.endswith("the same at the quick scale") == (name.removeprefix(f"{key}.") in same)
    assert two


def plain(key: str, name: str, scale: str) -> str:
    """A figure without the name of its scale."""
    folder = ROOT / ("results/paper" if scale == "paper" else "") / "plots/figures"
    return (folder / key[0] / key / f"{name}.svg").read_text(encoding="utf-8").replace(f"{scale} scale", "")


def test_results_of_older_code_or_settings_say_so(small, tmp_path):
    """Of the paper scale, as its recipes say; those of the run are made anew when the code changes."""
    write_recipes()
    paper = tmp_path / "results/paper"
    for name in ("metrics/b", "plots/b", "recipes/train", "recipes/claims"):
        (paper / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(name, paper / name)
    (paper / "plots/figures").symlink_to(ROOT / "plots/figures")
    TABLE.to_csv(paper / "plots/claims.csv")
    assert "of older code or settings" not in small()
    trained = paper / "recipes/train/b-simulate.json"
    recipe = json.loads(trained.read_text())
    recipe["settings"] |= {"replicas": 3, "scale": "paper"}  # a scale's own
    for setting in recipe["settings"]["settings"]:
        setting |= {"epochs": 1, "steps": 1}
    trained.write_text(json.dumps(recipe))
    assert "of older code or settings" not in small()
    recipe["settings"] |= {"activation": "leaky_relu", "loss": "none", "epochs_stated": 7}
    recipe["code"] |= {"stages/train.py": "0" * 16}
    trained.write_text(json.dumps(recipe))
    root = Tree(small()).root
    of_nets = {key for key, entry in FIGURES.items() if entry["nets"] == "b-simulate"}
    said = "lder code or settings: train@b-simulate (activation, loss, epochs_stated and 1 more)"
    for card in of_class(root, "card"):
        assert [text(badge) for badge in of_class(card, "stale")] == ["older"] * (card.get("id") in of_nets)
        assert (said in text(card)) == (card.get("id") in of_nets)
    for row in by_id(root, "ledger").find("tbody"):
        badges = [text(badge) for badge in of_class(of_class(row[0], "at")[0], "badge")]
        twice = len(of_class(row[0], "at")) == 2
        old = twice and row.get("id") in {
            key for key, claim in settings().claims.items() if claim.experiment in of_nets
        }
        assert badges.count("older") == old
        assert (said in text(row)) == old


# ------------------------------------------------------------------------------------------------------------ findings


def test_findings_are_decided_claims_one_for_a_question(root, claims):
    """With their verdicts, effects and axes; of those that rest on training, on nets that have learnt."""
    found = of_class(root, "finding")
    assert 3 <= len(found) <= 7
    within = {part: name for questions in CHAPTERS.values() for name, question in questions.items()
              for part in (name, *question.within)}  # fmt: skip
    asked = []
    for one in found:
        key = one.find("p/a").get("href").removeprefix("#")
        claim, verdict = claims[key], text(of_class(one, "verdict")[0])
        scale = re.search(r"(\d+) replicas, (\w+) scale", text(one))
        judged = (PAPER if scale[2] == "paper" else TABLE).loc[key]
        assert claim.tested
        assert judged["verdict"] in ("supported", "refuted")
        assert verdict.startswith(
            f"{MARKS[judged['verdict']]} This {'holds' if judged['verdict'] == 'supported' else 'does not hold'}"
        )
        assert (
            ("provisionally" in verdict)
            == isinstance(judged["provisional"], str)
            == ("provisional" in one.get("class").split())
        )
        assert int(scale[1]) == judged["replicas"]
        assert text(one.find("p/a")) == " ".join(claim.answer.split())
        assert ANSWERED[claim.question] in text(one.find("h3"))
        alike = [other for other in claims.values() if other.tested and other.question == claim.question]
        said = re.search(r"(\d+) claims? of (\d+) reports? on this: ([^.]+)\.", text(one))
        assert (int(said[1]), int(said[2])) == (len(alike), len({other.report for other in alike}))
        assert sum(map(int, re.findall(r"\d+", said[3]))) == len(alike)
        assert len(of_class(one, "axis")) == 1
        assert not any("not learnt" in text(badge) for badge in of_class(one, "badge"))
        asked.append(within[claim.question])
    assert asked == [name for name in QUESTIONS if name in asked]


@pytest.mark.usefixtures("small")
def test_findings_and_rows_say_what_was_measured():
    """With the means that were compared, signs as they are printed; a table of an earlier version has no such words."""
    words = {"measured": "loss of nets", "compared": "means 1e-05 (A) and -2 (B)"}
    TABLE.drop(columns=list(words), errors="ignore").to_csv("plots/claims.csv")
    assert of_class(Tree(report_page(settings())[0]).root, "finding")
    TABLE.assign(**words).to_csv("plots/claims.csv")
    root = Tree(report_page(settings())[0]).root
    told = "loss of nets: means 1·10⁻⁵ (A) and −2 (B)"
    found = of_class(root, "finding")
    assert found
    assert all(f"{told}; " in text(one) for one in found)
    rows = [row for row in by_id(root, "ledger").find("tbody") if of_class(row, "axis")]
    assert rows
    for row in rows:
        assert text(row[2]).startswith("loss of nets: ")
        assert f"Measured: {told}." in text(row[1])


# ------------------------------------------------------------------------------------------------------------ glossary


def test_quantities_are_explained_and_terms_lead_there(root, cards):
    lines = (ROOT / "docs/quantities.md").read_text(encoding="utf-8").splitlines()
    rows = [re.split(r"(?<!\\) ?\| ", line.removeprefix("| "))[:3] for line in lines if line.startswith("| ")][1:]
    (listed,) = of_class(root, "glossary")
    meanings = {text(term): text(meaning) for term, meaning in zip(listed.iter("dt"), listed.iter("dd"), strict=True)}
    assert list(meanings) == [name for name, _, _ in rows]
    for name, meaning, _ in rows:
        said = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("\\|", "|")
        assert meanings[name] == said
    for key, card in cards.items():
        wanted = [name for name, *told in rows if f"/{key}/" in "".join(told)]
        facts = dict(zip([text(found) for found in card.iter("dt")], card.iter("dd"), strict=True))
        assert (
            [text(term) for term in of_class(facts["quantities"], "term")] == wanted
            if wanted
            else ("quantities" not in facts)
        )
    for term in of_class(root, "term"):
        (place,) = (found for found in listed if found.get("id") == term.get("href").removeprefix("#"))
        assert text(place) == text(term).lower()
    assert of_class(by_id(root, "ledger"), "term")  # in how a claim is read


def test_the_first_quantity_of_a_text_is_explained():
    gap, sharp, sharper = (Term(name, "m", frozenset()) for name in ("gap", "sharpness", "sharpness of nets"))
    terms = [gap, sharp, sharper]
    assert explained("no & term", terms) == "no &amp; term"
    link = '<a class="term" href="#term-{}">{}</a>'
    assert explained("a < Sharpness, gap", terms) == f"a &lt; {link.format('sharpness', 'Sharpness')}, gap"
    assert explained("sharpness of nets", terms) == link.format("sharpness-of-nets", "sharpness of nets")
    assert explained("gaps", terms) == "gaps"


# ------------------------------------------------------------------------------------------------------ one whole file


def test_ids_are_unique_and_every_link_resolves(root):
    ids = [element.get("id") for element in root.iter() if "id" in element.attrib]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    targets = [value.removeprefix("#") for element in root.iter()
               for name, value in element.attrib.items() if name == "href" and value.startswith("#")]  # fmt: skip
    labels = [name for element in root.iter() for name in element.get("aria-labelledby", "").split()]
    shown = [name for element in root.iter() for value in element.attrib.values()
             for name in re.findall(r"url\(#([^)]+)\)", value)]  # fmt: skip
    assert len(targets) > len(TABLE) and labels and shown
    assert {*targets, *labels, *shown} - set(ids) == set()


def test_every_class_of_a_figure_has_its_rule(page, root):
    (style,) = root.iter("style")
    rules = re.findall(r"^\.(f\d+) \{", style.text, re.MULTILINE)
    used = {element.get("class") for svg in root.iter("svg") for element in svg.iter()
            if "axis" not in svg.get("class", "") and "class" in element.attrib}  # fmt: skip
    assert len(rules) == len(set(rules))
    assert used <= set(rules)  # others are of figures that are unpacked later


def test_nothing_comes_from_outside(page, root):
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name not in ("src", "srcset", "data", "action", "formaction", "poster", "background"), element.tag
            if name.endswith("href"):
                if element.get("download") is not None:  # a table of the repository
                    assert (ROOT / "report" / value).resolve().is_relative_to(ROOT), value
                else:
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
    """In a process of its own, in which sets have another order; the picture of the findings as well."""
    page = small()
    picture = report_page(settings())[1]
    write_recipes()
    environment = os.environ | {"PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"}
    subprocess.run([sys.executable, ROOT / "stages/report.py"], check=True, env=environment)  # noqa: S603 (a script of ours)
    assert Path("report/index.html").read_bytes() == page.encode()
    assert PICTURE.read_bytes() == picture.encode()
    assert picture.count("<circle") == len(of_class(Tree(page).root, "finding")) > 0
    assert ElementTree.fromstring(picture).get("viewBox")  # noqa: S314 (what was just written)


# --------------------------------------------------------------------------------------------------------- what is said


def test_words_of_a_report_are_words(small):
    TABLE.assign(because=f"because {WORDS}").to_csv("plots/claims.csv")
    tree = Tree(small(quote=f"quote {WORDS}", read=f"read {WORDS}"))
    assert len(list(tree.root.iter("script"))) == 1
    rows = {row.get("id"): row for row in by_id(tree.root, "ledger").find("tbody")}
    first = next(key for key in TABLE.index if key.startswith("b-"))
    assert all(f"{what} {WORDS}" in text(rows[first]) for what in ("quote", "read", "because"))
    assert all(f"because {WORDS}" in text(row) for row in rows.values())


def test_a_provisional_verdict_says_so_and_why_and_others_do_not(small):
    TABLE.assign(verdict="refuted", provisional="", because="").to_csv("plots/claims.csv")
    tree = Tree(small())
    rows = list(by_id(tree.root, "ledger").find("tbody"))
    assert not any("provisionally" in text(row[0]) or of_class(row[0], "badge") for row in rows)
    TABLE.assign(verdict="refuted", provisional=f"3 of 50 epochs {WORDS}").to_csv("plots/claims.csv")
    tree = Tree(small())
    assert len(list(tree.root.iter("script"))) == 1
    for row in by_id(tree.root, "ledger").find("tbody"):
        assert text(row[0]).startswith(f"{MARKS['refuted']} refuted provisionally 3 of 50 epochs {WORDS}")
        assert row.get("data-verdict") == "refuted"  # as the filter has it
    assert all("provisional" in mark.get("class").split() for mark in of_class(by_id(tree.root, "map"), "mark"))


def test_titles_and_labels_of_figures_are_words(small, tmp_path):
    content = yaml.safe_load((ROOT / "reports/b.yaml").read_text(encoding="utf-8"))
    key, entry = "b-gradient-norm", content["figures"]["b-gradient-norm"]
    entry["draw"]["gradient-norm"]["title"] = WORDS
    (tmp_path / "reports/b.yaml").unlink()
    (tmp_path / "reports/b.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    tree = Tree(small())
    assert len(list(tree.root.iter("script"))) == 1
    shown = by_id(tree.root, f"{key}.gradient-norm")
    assert shown.find("figcaption/button").get("data-title") == f"{key}: {WORDS}"
    assert next(shown.iter("svg")).get("aria-label").startswith(f"{WORDS}. ")


@pytest.mark.parametrize(("scale", "warned"), [("smoke", True), ("paper", False)])
def test_a_scale_that_is_not_the_reports_is_warned_of(scale, warned, small):
    root = Tree(small(scale)).root
    assert [f"The {scale} scale shows" in text(found) for found in of_class(root, "warning")] == [True] * warned


def test_the_head_counts_and_names_the_reports(root, small):
    for page, names in ((root, sorted(REPORTS)), (Tree(small()).root, ["b"])):
        title = f"Which claims of {len(names)} student report{'s' * (len(names) > 1)} hold?"
        assert text(next(page.iter("h1"))) == title
        assert text(next(page.iter("title"))) == f"netclaims: w{title[1:-1]}"
        assert f"The reports {' '.join(names)} do one" in text(page.find("body/header"))


def test_what_was_not_run_is_on_the_page_and_says_so(small, tmp_path):
    """In a clone in which another report has been run, or none."""
    (tmp_path / "metrics").unlink()
    TABLE.assign(verdict="not run", because="claims@b has not run").to_csv("plots/claims.csv")
    root = Tree(small()).root
    cards = of_class(root, "card")
    assert {card.get("id") for card in cards} == {key for key in FIGURES if key.startswith("b-")}
    for card in cards:
        assert text(of_class(card, "tally")[0]).endswith("not run")
        assert list(card.iter("figure")) == []
    rows = list(by_id(root, "ledger").find("tbody"))
    assert {row.get("data-verdict") for row in rows} == {"not run"}
    assert all("claims@b has not run" in text(row) for row in rows)
    assert of_class(root, "finding") == []


def test_figures_that_were_not_drawn_are_left_out(small, tmp_path):
    (tmp_path / "plots/figures").unlink()
    (tmp_path / "plots/figures").mkdir()
    for name in ("verdicts", "claims"):
        shutil.copy(ROOT / f"plots/figures/{name}.svg", "plots/figures")
    cards = of_class(Tree(small()).root, "card")
    assert cards
    assert [figure for card in cards for figure in card.iter("figure")] == []
    assert not any(text(of_class(card, "tally")[0]).endswith("not run") for card in cards)
