"""Why stages ran again, from two versions of a made-up `dvc.lock` and of the recipes that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netclaims.review.base import Change, ReviewError, find_base
from netclaims.review.reruns import Rerun, find_reruns
from tests.review.conftest import Repository, recipe

OLD, NEW = "0" * 32, "f" * 32
LOOP = "netclaims.training.loop"
PARAMETERS = [
    Change("params.yaml", "batch_size", 64, 1024),
    Change("params.yaml", "replicas", 5, 10),
    Change("reports/d.yaml", "experiments.d-capacity.epochs", 5, 2),
    Change("reports/d.yaml", "experiments.d-other.epochs", 5, 2),
    Change("reports/d.yaml", "experiments.d-twice.sweep.learning_rate", [0.1], [0.2]),
    Change("reports/d.yaml", "experiments.d-twice.tune.learning_rate", [0.1], [0.2]),
    Change("reports/d.yaml", "figures.d-capacity.draw.loss.title", "Loss", "The loss"),
]


def entry(cmd: str, deps: dict[str, str], outs: dict[str, str]) -> dict:
    kinds = {kind: [{"path": path, "hash": "md5", "md5": md5} for path, md5 in paths.items()]
             for kind, paths in {"deps": deps, "outs": outs}.items()}  # fmt: skip
    return {"cmd": cmd} | kinds


class Two:
    """A repository with one commit of some stages, and other versions of them in its working tree."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder)
        self.texts: tuple[dict, dict] = {}, {}
        self.stages: tuple[dict, dict] = {}, {}

    def add(
        self,
        stage: str,
        recipes: tuple[str | None, str | None] | None = None,
        deps: tuple[dict, dict] = ({}, {}),
        outs: tuple[dict, dict] | None = None,
        cmd: tuple[str, str] = ("run", "run"),
    ) -> None:
        """A stage at the base and now: its recipes, what else it depends on, and what it writes."""
        name = f"recipes/{stage.replace('@', '/')}.json"
        for i in (0, 1):
            own = {}
            if recipes and recipes[i] is not None:
                self.texts[i][name] = recipes[i]
                own = {name: OLD if i == 0 or recipes[0] == recipes[1] else NEW}
            self.stages[i][stage] = entry(cmd[i], own | deps[i], (outs or ({stage: OLD}, {stage: OLD}))[i])

    def reruns(self) -> dict[str, Rerun]:
        for i in (0, 1):
            for name in self.texts[0].keys() - self.texts[i].keys():
                (self.repository.folder / name).unlink()
            lock = json.dumps({"schema": "2.0", "stages": self.stages[i]})
            self.repository.write(self.texts[i] | {"dvc.lock": lock})
            if i == 0:
                self.repository.commit("before")
        found, count = find_reruns(find_base("HEAD"), PARAMETERS)
        assert count == len(self.stages[1])
        return {rerun.stage: rerun for rerun in found}


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    monkeypatch.chdir(tmp_path)
    return Two(tmp_path)


def settings(**values: object) -> str:
    return recipe(values)


@pytest.mark.parametrize(
    ("stage", "before", "after", "causes"),
    [
        # knobs, and entries of the stage itself, by their names in params.yaml and reports/
        ("train@d-capacity", settings(replicas=5), settings(replicas=10), ["replicas: 5 → 10"]),
        (
            "train@d-capacity",
            settings(nets={"epochs": 5}),
            settings(nets={"epochs": 2}),
            ["experiments.d-capacity.epochs: 5 → 2"],
        ),
        (
            "figures@d",
            settings(of=[{"title": "Loss"}]),
            settings(of=[{"title": "The loss"}]),
            ["figures.d-capacity.draw.loss.title: Loss → The loss"],
        ),
        # what changed in another way than any of these, and what could come from two of them
        ("train@d-capacity", settings(nets={"epochs": 5}), settings(nets={"epochs": 3}), ["nets.epochs: 5 → 3"]),
        ("train@d-third", settings(epochs=5), settings(epochs=2), ["epochs: 5 → 2"]),
        (
            "train@d-twice",
            settings(x={"learning_rate": [0.1]}),
            settings(x={"learning_rate": [0.2]}),
            ["x.learning_rate: [0.1] → [0.2]"],
        ),
        # once of what changes alike in all entries of a list, and not where these are not the same
        (
            "train@x",
            settings(of=[{"lr": 1, "steps": 8}, {"lr": 2, "steps": 8}, {"lr": 3, "steps": 9}]),
            settings(of=[{"lr": 1, "steps": 4}, {"lr": 2, "steps": 4}, {"lr": 3, "steps": 5}]),
            ["of[].steps: 8 → 4", "of[].steps: 9 → 5"],
        ),
        ("train@x", settings(of=[{"lr": 1}]), settings(of=[{"lr": 1}, {"lr": 2}]), ["of: 1 → 2 entries"]),
        ("train@x", settings(of=[1, 2]), settings(of=[1, 3]), ["of: [1, 2] → [1, 3]"]),
        # what is new or gone
        (
            "train@x",
            settings(a=1, b={"c": 1}, d=None, e={"f": 1}),
            settings(d=0, e={"f": 1, "g": {"h": 1}}),
            ["a: 1 → none", "b: gone", "d: none → 0", "e.g: new"],
        ),
        ("train@x", settings(seed=0), settings(seed={"of": [1, 2]}), ["seed: 0 → {'of': [1, 2]}"]),
        ("train@x", settings(a="x" * 300), settings(a=""), [f"a: {'x' * 100}… → "]),
        # code and libraries
        ("train@x", recipe({}, {LOOP: "1", "a": "1"}), recipe({}, {LOOP: "2", "a": "1"}), [LOOP]),
        ("train@x", recipe({}, {"a": "1", "b": "1"}), recipe({}, {"b": "1", "c": "1"}), ["a: gone", "c: new"]),
        (
            "train@x",
            recipe({}, libraries={"torch": "2.9.0", "numpy": "2.3.4", "ray": "2.50"}),
            recipe({}, libraries={"torch": "2.9.1", "numpy": "2.3.4", "scipy": "1.16"}),
            ["torch 2.9.0 → 2.9.1", "ray 2.50 → none", "scipy none → 1.16"],
        ),
        (
            "train@x",
            recipe({"a": 1}, {LOOP: "1"}, {"torch": "1"}),
            recipe({"a": 2}, {LOOP: "2"}, {"torch": "2"}),
            ["a: 1 → 2", LOOP, "torch 1 → 2"],
        ),
    ],
)
def test_of_a_recipe_all_that_differs_is_told_and_nothing_else(two, stage, before, after, causes):
    two.add(stage, (before, after), outs=({"runs": OLD}, {"runs": NEW}))
    two.add("train@d-same", (before, before))
    assert two.reruns() == {stage: Rerun(stage, "other results", causes)}


def test_stages_before_are_named_and_not_the_files_that_they_wrote(two):
    two.add("train@x", (settings(a=1), settings(a=2)), outs=({"runs/x": OLD, "metrics/x.json": OLD},
                                                             {"runs/x": NEW, "metrics/x.json": NEW}))  # fmt: skip
    two.add("train@y", (settings(a=1), settings(a=2)), outs=({"runs/y": OLD}, {"runs/y": OLD}))
    reads = {"runs/x": OLD, "runs/y": OLD, "metrics/x.json": OLD}
    two.add("fit@x", (recipe({}), recipe({})), deps=(reads, reads | {"runs/x": NEW, "metrics/x.json": NEW}))
    two.add("pca@x", (recipe({}), recipe({}, {LOOP: "2"})), deps=({"runs/x": OLD}, {"runs/x": NEW}))
    reruns = two.reruns()
    assert reruns["train@y"] == Rerun("train@y", "same results", ["a: 1 → 2"])
    assert reruns["fit@x"] == Rerun("fit@x", "same results", [], ["train@x"])
    assert reruns["pca@x"] == Rerun("pca@x", "same results", [LOOP], ["train@x"])


def test_what_reads_a_folder_follows_all_who_wrote_there(two):
    two.add("train@x", outs=({"runs/x": OLD}, {"runs/x": NEW}))
    two.add("train@y", outs=({"runs/y": OLD}, {"runs/y": OLD}))
    two.add("train@new", outs=({}, {"runs/new": NEW}))
    two.add("train@gone", outs=({"runs/gone": OLD}, {}))
    two.add("train@elsewhere", outs=({"runs-x": OLD}, {"runs-x": NEW}))
    two.add("claims", (recipe({}), recipe({})), deps=({"runs": OLD}, {"runs": NEW}))
    del two.stages[0]["train@new"], two.stages[1]["train@gone"]
    reruns = two.reruns()
    assert (reruns["claims"].causes, set(reruns["claims"].follows)) == ([], {"train@x", "train@new", "train@gone"})
    assert (reruns["train@new"], reruns["train@gone"]) == (Rerun("train@new", "new"), Rerun("train@gone", "gone"))


def test_another_command_other_sources_and_what_has_no_reason(two):
    two.add("docs", (recipe({}), recipe({})), cmd=("run", "run --all"))
    two.add("recipes", deps=({"reports": OLD, "stages": OLD}, {"reports": NEW, "stages": OLD}))
    two.add("train@x", (recipe({}), recipe({})), outs=({"runs/x": OLD}, {"runs/x": NEW}))
    assert two.reruns() == {
        "docs": Rerun("docs", "same results", ["another command"]),
        "recipes": Rerun("recipes", "same results", ["reports"]),
        "train@x": Rerun("train@x", "other results", ["no change of code or settings"]),
    }


def test_a_base_from_before_there_were_recipes(two):
    """The recipe stands for the sources that the stage depended on, and what it reads of other stages is told."""
    two.add("check", outs=({"data/settings": OLD}, {}))
    two.add("train@x", (None, settings(a=1)), deps=({"src": OLD, "data/settings": OLD}, {}),
            outs=({"runs/x": OLD}, {"runs/x": NEW}))  # fmt: skip
    two.add("fit@x", (None, recipe({})), deps=({"runs/x": OLD, "src": OLD}, {"runs/x": NEW}))
    del two.stages[1]["check"]
    assert two.reruns() == {
        "check": Rerun("check", "gone"),
        "train@x": Rerun("train@x", "other results", ["recipe is new"]),
        "fit@x": Rerun("fit@x", "same results", ["recipe is new"], ["train@x"]),
    }


@pytest.mark.parametrize(("now", "causes"), [(recipe({}), []), (recipe({}, {LOOP: "2"}), [LOOP])])
def test_what_depends_on_all_recipes_follows_them_and_tells_its_own(two, now, causes):
    two.add("recipes", outs=({"recipes": OLD}, {"recipes": NEW}))
    two.texts[0]["recipes/report.json"], two.texts[1]["recipes/report.json"] = recipe({}), now
    two.add("report", deps=({"recipes": OLD}, {"recipes": NEW}))
    assert two.reruns()["report"] == Rerun("report", "same results", causes, ["recipes"])


def test_a_recipe_that_differs_in_nothing_that_it_says_is_named_itself(two):
    two.add("train@x", (recipe({}), recipe({}) + "\n"))
    assert two.reruns()["train@x"].causes == ["recipes/train/x.json"]


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", '["a"]\n', '{"settings": 1}\n'])
def test_a_recipe_that_cannot_be_read_is_one_line(two, text):
    two.add("train@x", (recipe({}), text))
    with pytest.raises(ReviewError, match=r"^recipes/train/x\.json: cannot be read: .+$"):
        two.reruns()
