"""What the stage that judges claims knows of them: their tests as they were written, and nothing that is only shown."""

import json
from contextlib import chdir
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from netclaims.claims.entries import ClaimTest
from netclaims.claims.judge import Conclusions, Look, Sentence
from netclaims.experiment import Experiment
from netclaims.recipes.conclusions import conclusions
from netclaims.settings.reports import Report, load_report, load_settings
from netclaims.training.settings import Training

ROOT = Path(__file__).parents[2]
LINES = {
    key: entry
    for path in (ROOT / "reports").glob("*.yaml")
    for key, entry in yaml.safe_load(path.read_text(encoding="utf-8")).get("interpolate", {}).items()
}


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    with chdir(ROOT):
        return load_settings()[1]


def read_back(settings: dict) -> Conclusions:
    """The settings as the stage reads them, out of a file."""
    return TypeAdapter(Conclusions).validate_python(json.loads(json.dumps(settings)))


@pytest.fixture(scope="module")
def found(recipes, reports) -> list[tuple[Report, Conclusions]]:
    """Every report with what it concludes."""
    texts = {report.name: recipes[Path(f"recipes/claims/{report.name}.json")] for report in reports}
    return [(report, read_back(json.loads(texts[report.name])["settings"])) for report in reports]


# ------------------------------------------------------------------------------------------------ claims of the project


def test_every_claim_is_judged_by_the_test_of_its_entry(found):
    for report, judged in found:
        assert list(judged.claims) == list(report.claims)
        for key, claim in report.claims.items():
            test = ClaimTest(**{name: getattr(claim, name) for name in ClaimTest.model_fields})
            one = judged.claims[key]
            assert one == Sentence(claim.experiment, claim.question, claim.quote, test, claim.again), key
            assert (one.test.kind, one.test.comparisons) == (claim.kind, claim.comparisons)


def test_claims_are_judged_on_nets_as_they_were_trained(found, recipes):
    for report, judged in found:
        used = {claim.experiment for claim in judged.claims.values()} | set(judged.stated)
        used |= {claim.again for claim in judged.claims.values() if claim.again}
        assert {key: look.nets for key, look in judged.looks.items()} == {key: report.nets_of(key) for key in used}
        assert set(judged.experiments) == {look.nets for look in judged.looks.values()}
        for key, experiment in judged.experiments.items():
            settings = json.loads(recipes[Path(f"recipes/train/{key}.json")])["settings"]
            training = TypeAdapter(Training).validate_python(settings)
            fields = Experiment.__dataclass_fields__
            assert experiment == Experiment(**{name: getattr(training, name) for name in fields})


def test_interpolations_have_the_line_along_which_they_lie(found):
    looks = {key: look for _, judged in found for key, look in judged.looks.items()}
    experiments = {key: experiment for _, judged in found for key, experiment in judged.experiments.items()}
    assert {key for key, look in looks.items() if look.line} == set(LINES) & set(looks)
    assert len(LINES) > 3
    for key in set(LINES) & set(looks):
        (over, between), entry = looks[key].line, LINES[key]
        largest = experiments[looks[key].nets].train_size
        assert over == entry["over"]
        assert between == [min(value, largest) if over == "batch_size" else value for value in entry["between"]]


# ---------------------------------------------------------------------------------------------------- what reaches what


@pytest.mark.parametrize(
    ("name", "value"),
    [("read", "Otherwise."), ("answer", "they do"), ("part", "9-9"), ("figure", "loss")],
)
def test_what_pages_alone_show_of_a_claim_makes_none_be_judged_again(name, value, reached):
    def change(content):
        claim = content["claims"]["d-capacity-overfit"]
        assert claim[name] != value
        claim[name] = value

    assert reached("d", change) == {"ledger", "report"}


@pytest.mark.parametrize("name", ["quote", "question", "ordering", "untestable", "stated", "line", "title", "epochs"])
def test_what_decides_a_verdict_or_stands_in_the_ledger_reaches_it(name, reached):
    def change(content):
        claim = content["claims"]["d-capacity-overfit"]
        match name:
            case "quote":
                claim["quote"] = "in other words"
            case "question":
                claim["question"] = "depth"
            case "epochs":
                content["experiments"]["d-trajectory"]["epochs"] += 1
            case "ordering":
                claim["ordering"] = {"lower": {"of": "nets.test_loss"}, "than": 7, "each": ["model"]}
            case "untestable":
                claim["untestable"] = "Nobody made that run."
                del claim["ordering"]
            case "stated":
                next(iter(next(iter(content["results"].values())).values()))["stated"] += 1
            case "line":
                content["interpolate"]["d-interpolation"]["between"] = [1024, 64]
            case "title":
                content["experiments"]["d-capacity"]["title"] = "Other words"

    expected = {
        "quote": {"claims/d", "ledger", "report"},
        "question": {"claims/d", "ledger", "report"},  # claims on one question are judged together
        "ordering": {"claims/d"},
        "untestable": {"claims/d", "ledger", "report"},  # which say of what kind the test is
        "stated": {"claims/d"},
        "line": {"claims/d", "interpolate/d-interpolation", "docs", "report"},
        "epochs": {"claims/d", "train/d-trajectory", "docs", "report"},
        "title": {"docs", "report"},
    }
    assert reached("d", change) == expected[name]


# --------------------------------------------------------------------------------------------------- claims of any kind

LOSS, COURSE = {"of": "nets.test_loss"}, {"of": "history.test_loss"}
ONE = LOSS | {"where": {"batch_size": 8}}
TESTS = [
    {"trend": {"falls": LOSS, "along": "batch_size"}},
    {"trend": [{"rises": COURSE | {"during": [0.5, 1]}, "along": "epoch", "each": ["batch_size"]}]},
    {"ordering": {"higher": LOSS | {"where": {"batch_size": {"from": 16}}}, "than": [1, ONE], "ratio": True}},
    {"ordering": {"lower": COURSE | {"until": {"fallen": 0.95}}, "than": 1e-9, "each": ["batch_size"]},
     "needs": {"epochs": 25}},
    {"ordering": {"lower": COURSE | {"take": "swing", "where": {"epoch": {"from": 1, "to": 2}}}, "than": 3,
                  "each": ["batch_size"]}},
    {"equivalence": {"of": LOSS | {"where": {"batch_size": [8, 16], "model": "A"}}, "to": 0, "beyond": 0.5,
                     "each": ["batch_size"]}},
    {"extreme": {"highest": LOSS, "along": "batch_size", "between": [8, 16]}},
    {"shape": {"peak": LOSS, "along": "batch_size", "log": True}, "ordering": [{"lower": ONE, "than": 0}]},
    {"arithmetic": {"computed": {"n": 7850, "counted": "parameters('A')", "share": 0.1}, "holds": "n == counted"}},
    {"definition": "So the word is defined."},
    {"untestable": "Nobody made that run."},
]  # fmt: skip


@pytest.fixture
def written(tmp_path, monkeypatch, entry, experiment, params):
    """The report of claims that have these tests, and what the recipe makes of them."""
    monkeypatch.chdir(tmp_path)
    nets = {"sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}

    def make(*tests, **sections) -> tuple[Report, dict]:
        loss = {"title": "A title", "x": "epoch", "y": ["curves.loss"], "lines": "series"}
        claim = {"report": "d", "quote": "it falls", "part": "3-3", "experiment": "d-test", "question": "capacity",
                 "answer": "it does", "figure": "loss", "read": "As it says."}  # fmt: skip
        content = {"experiments": {"d-test": entry(**nets)}} | sections
        content["figures"] = {"d-test": {"nets": "d-test", "question": "capacity", "draw": {"loss": loss}}}
        content["claims"] = {f"d-{number}": claim | test for number, test in enumerate(tests)}
        Path("reports").mkdir(exist_ok=True)
        Path("reports/d.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        report = load_report(Path("reports/d.yaml"))
        return report, conclusions(params(seed=3), report, {"d-test": experiment(**nets)}, {}, "1a2b")

    return make


def test_tests_of_every_kind_are_read_back_as_they_were_written(written):
    report, settings = written(*TESTS)
    found = read_back(settings)
    assert (found.seed, found.scale) == (3, "small")
    for (key, claim), test in zip(report.claims.items(), TESTS, strict=True):
        assert found.claims[key].test == ClaimTest.model_validate(test), test
        assert found.claims[key].test.comparisons == claim.comparisons


def test_a_claim_in_the_recipe_is_what_was_given_and_no_default(written):
    _, settings = written({"ordering": {"lower": ONE, "than": [2]}})
    assert settings["claims"] == {
        "d-0": {"experiment": "d-test", "question": "capacity", "quote": "it falls",
                "test": {"ordering": [{"lower": ONE, "than": [2]}]}},
    }  # fmt: skip


def test_a_stated_number_is_read_back_with_all_that_it_asks_for(written):
    numbers = {
        "A": COURSE
        | {"where": {"batch_size": 4}}
        | {"stated": 2, "about": True, "until": {"below": 1}, "needs": {"epochs": 5}},
        "B": LOSS | {"stated": 0.5, "where": {"batch_size": {"to": 8}}, "lowest_along": "batch_size"},
    }
    report, settings = written(results={"d-test": numbers})
    found = read_back(settings)
    assert found.stated == report.results
    assert found.looks == {"d-test": Look("d-test", None)}


def test_a_report_that_concludes_nothing_has_nothing_to_look_at(written):
    _, settings = written()
    found = read_back(settings)
    assert (found.claims, found.stated, found.looks, found.experiments, found.tables()) == ({}, {}, {}, {}, {})


def test_a_report_is_judged_again_when_any_of_its_tables_is_made_anew(reached):
    """Also of an analysis that only adds to what no metric sums up; not when one of another report is."""

    def change(content):
        content["pca"]["d-trajectory"]["points"] += 1

    assert reached("d", change) == {"claims/d", "pca/d-trajectory", "docs", "report"}
