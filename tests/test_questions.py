"""The questions: one registry, of which every name is used and none is unknown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from netclaims.claims.entries import Claim
from netclaims.errors import SettingsError
from netclaims.paths import KEY
from netclaims.questions import ACROSS, ANSWERED, CHAPTERS, QUESTIONS, of_assignment, of_claims
from netclaims.settings.schema import validate

ROOT = Path(__file__).parents[1]
REPORTS = [yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
           for path in sorted((ROOT / "reports").glob("*.yaml"))]  # fmt: skip


def test_the_assignment_asks_nine_questions_in_three_chapters():
    assert [len(questions) for questions in CHAPTERS.values()] == [2, 3, 4]
    assert list(QUESTIONS) == [name for questions in CHAPTERS.values() for name in questions]


def test_every_name_and_every_text_stands_once():
    within = [name for questions in CHAPTERS.values() for question in questions.values() for name in question.within]
    assert sorted(ANSWERED) == sorted([*QUESTIONS, *within, *ACROSS])
    assert len(set(ANSWERED.values())) == len(ANSWERED)
    assert all(KEY.fullmatch(name) for name in ANSWERED)
    assert all(text.endswith("?") for text in ANSWERED.values())


def test_every_narrower_question_is_one_that_a_claim_answers():
    asked = {claim["question"] for report in REPORTS for claim in report["claims"].values()}
    assert asked <= set(ANSWERED)
    assert set(ANSWERED) - asked <= set(QUESTIONS)


def test_a_claim_answers_a_question_within_that_of_its_figures_where_that_has_any():
    """A claim that stands in an experiment on one question and answers another is told here by name."""
    parents = {part: name for questions in CHAPTERS.values() for name, question in questions.items()
               for part in (name, *question.within)}  # fmt: skip
    elsewhere = set()
    for report in REPORTS:
        of = {key: figures["question"] for key, figures in report["figures"].items()}
        for claim in report["claims"].values():
            parent = parents.get(claim["question"])
            if parent and parent != of[claim["experiment"]]:
                elsewhere.add((claim["question"], of[claim["experiment"]]))
    assert elsewhere == {
        ("vanishing-gradient", "trajectory"), ("vanishing-gradient", "gradient-norm"), ("capacity", "actual-task"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("known", "name"), [(of_assignment, "capacity"), (of_claims, "capacity"), (of_claims, "depth")]
)
def test_a_known_name_is_itself(known, name):
    assert known(name) == name


@pytest.mark.parametrize(("known", "questions"), [(of_assignment, QUESTIONS), (of_claims, ANSWERED)])
@pytest.mark.parametrize("name", ["", "size", "What do more parameters bring?"])
def test_an_unknown_name_is_told_what_there_is(known, questions, name):
    with pytest.raises(ValueError, match=r"^one of ") as caught:
        known(name)
    assert str(caught.value) == f"one of {', '.join(questions)}"


def test_the_check_refuses_a_claim_on_an_unknown_question():
    claim = {"report": "d", "quote": "it falls", "part": "3-3", "experiment": "d-nets", "answer": "it does",
             "read": "As it says.", "definition": "so the word is defined"}  # fmt: skip
    assert validate(Claim, claim | {"question": "depth"}, Path("reports/d.yaml"), "claims.d-one").question == "depth"
    with pytest.raises(SettingsError) as caught:
        validate(Claim, claim | {"question": "Does it fall?"}, Path("reports/d.yaml"), "claims.d-one")
    assert str(caught.value) == (
        f"reports/d.yaml: claims.d-one.question: one of {', '.join(ANSWERED)} (found 'Does it fall?')"
    )


def test_the_narrower_questions_are_not_for_figures():
    with pytest.raises(ValueError, match=r"^one of simulate, actual-task, "):
        of_assignment("depth")


def test_no_library_is_needed_to_know_the_questions():
    code = "import sys; before = set(sys.modules); import netclaims.questions; print(*set(sys.modules) - before)"
    words = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    found = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 (a list, no shell)
    assert not {"pydantic", "numpy", "pandas", "matplotlib", "torch"} & set(found.stdout.split())
