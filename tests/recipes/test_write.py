"""Recipes in files: one for every stage of the pipeline, rewritten where what it holds has changed."""

import json
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from netclaims.errors import SettingsError
from netclaims.recipes.write import all_recipes, write_recipes

ROOT = Path(__file__).parents[2]
REPORTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "reports").glob("*.yaml")}


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def differing(before: dict[Path, str], after: dict[Path, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {path.relative_to("recipes").with_suffix("").as_posix() for path in before if before[path] != after[path]}


@pytest.mark.usefixtures("files")
def test_every_stage_depends_on_a_recipe_of_its_own_and_there_is_no_other(recipes):
    with Repo(str(ROOT)) as repo:
        stages = {stage.name: {str(dep) for dep in stage.deps} for stage in repo.index.stages}
    of_stages = {name: {dep for dep in deps if dep.startswith("recipes/")} for name, deps in stages.items()}
    del of_stages["recipes"]
    assert "recipes" in stages["report"]  # all of them: it says which results ran with other code than today's
    of_stages["report"] = {"recipes/report.json"}
    assert of_stages == {name: {f"recipes/{name.replace('@', '/')}.json"} for name in of_stages}
    assert {path.as_posix() for path in recipes} == set().union(*of_stages.values())
    assert len(of_stages) > 90


def test_a_change_of_an_entry_is_one_of_its_recipe_and_a_remark_is_none(files, recipes):
    path = files / "reports" / "d.yaml"
    replaced(path, "radius: 1.0e-3", "radius: 1.0e-2")
    path.write_text(f"# a remark\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    after = all_recipes()
    assert differing(recipes, after) == {
        "hessian/d-minimal-ratio",
        "claims/d",
        "docs",
        "report",
    }  # what reads and shows it
    found = [json.loads(some[Path("recipes/hessian/d-minimal-ratio.json")]) for some in (recipes, after)]
    assert [recipe["settings"]["radius"] for recipe in found] == [1e-3, 1e-2]
    assert found[0]["code"] == found[1]["code"]


@pytest.mark.parametrize(
    ("old", "new", "own"),
    [
        ("batch_size: 64 ", "batch_size: 65 ", {"batch_size"}),
        ("replicas: 5 ", "replicas: 6 ", {"replicas", "least_replicas"}),  # there are ten at the least
        ("seed: 0 ", "seed: 1 ", set()),
    ],
)
def test_a_knob_reaches_the_trainings_that_leave_it_open(files, recipes, old, new, own):
    replaced(files / "params.yaml", old, new)
    found = {name for name in differing(recipes, all_recipes()) if name.startswith("train/")}
    entries = {key: entry for report in REPORTS.values() for key, entry in report["experiments"].items()}
    expected = {
        f"train/{key}"
        for key, entry in entries.items()
        if not own & {*entry, *entry.get("sweep", {}), *entry.get("tune", {})}
    }
    assert (len(expected) < len(entries)) == bool(own)
    assert found == expected


@pytest.mark.parametrize(
    ("old", "new"), [("device: auto ", "device: cpu "), ("max_replicas: 2\n", "max_replicas: 3\n")]
)
def test_a_device_and_a_scale_that_is_not_chosen_reach_nothing(files, recipes, old, new):
    replaced(files / "params.yaml", old, new)
    assert all_recipes() == recipes


def test_only_files_that_change_are_written_and_what_belongs_to_no_stage_goes(files, recipes):
    assert write_recipes() == len(recipes)
    held = {path: path.read_text(encoding="utf-8") for path in Path("recipes").rglob("*") if path.is_file()}
    assert held == recipes
    times = {path: path.stat().st_mtime_ns for path in recipes}
    more = [Path("recipes/train/d-gone.json"), Path("recipes/gone/d-x.json"), Path("recipes/train/d-capacity.json.new")]
    for path in more:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    edited = Path("recipes/train/d-capacity.json")
    edited.write_text("{}")
    write_recipes()
    assert {path: path.read_text(encoding="utf-8") for path in Path("recipes").rglob("*") if path.is_file()} == recipes
    assert not Path("recipes/gone").exists()
    assert {path for path in recipes if path.stat().st_mtime_ns != times[path]} == {edited}


def test_what_a_deleted_experiment_left_in_runs_goes_and_nothing_else(files):
    kept = ["d-capacity/nets.csv", "d-trajectory/history.csv", "d-trajectory.pca.csv", ".unfinished"]
    gone = ["d-gone/nets.csv", "d-gone.fit.csv", "d-capacity.pca.csv", "d-capacity.csv", "notes.txt"]
    for name in (*kept, *gone):
        path = files / "runs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    write_recipes()
    left = {path.relative_to(files / "runs").as_posix() for path in (files / "runs").rglob("*") if path.is_file()}
    assert left == set(kept)
    assert not (files / "runs" / "d-gone").exists()


def test_nothing_is_written_of_settings_that_are_wrong(files):
    write_recipes()
    before = {path: path.read_bytes() for path in Path("recipes").rglob("*.json")}
    replaced(files / "reports" / "d.yaml", "radius: 1.0e-3", "radius: 0")
    replaced(files / "params.yaml", "seed: 0 ", "seed: 1 ")
    with pytest.raises(SettingsError, match="radius"):
        write_recipes()
    assert {path: path.read_bytes() for path in Path("recipes").rglob("*.json")} == before
