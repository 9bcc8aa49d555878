"""dvc.yaml against the files that it names: every stage runs its script, and depends on its recipe and on results."""

import re
from pathlib import Path

import pytest
import yaml

from tests.pipeline.facts import ALL, CLAIMS, EXPERIMENTS, FIGURES, REPORTS, ROOT, WITH_RECIPE, kind

CONTENT = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = CONTENT["stages"]
FILES = [f"reports/{report}.yaml" for report in REPORTS]


def definition(name: str) -> dict:
    return STAGES[name].get("do", STAGES[name])


def dependencies(name: str) -> dict[str, list[str]]:
    """What the stages of a name depend on, one for each key, as DVC resolves it."""
    deps = definition(name)["deps"]
    keys = STAGES[name].get("foreach")
    if keys is None:
        return {name: deps}
    if isinstance(keys, list):
        return {f"{name}@{key}": [dep.replace("${item}", key) for dep in deps] for key in keys}
    section, found = keys.strip("${}"), {}
    for key, entry in ((key, entry) for report in REPORTS.values() for key, entry in report.get(section, {}).items()):
        known = {"key": key} | {f"item.{name}": value for name, value in entry.items()}
        found[f"{name}@{key}"] = [
            re.sub(r"\$\{([\w.]+)\}", lambda text, known=known: known[text[1]], dep) for dep in deps
        ]
    return found


DEPENDENCIES = {stage: deps for name in STAGES for stage, deps in dependencies(name).items()}


def test_the_stages_are_those_of_the_reports():
    assert set(DEPENDENCIES) == ALL


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_runs_the_script_of_its_name_on_its_key(name):
    key = (
        " ${item}" if isinstance(STAGES[name].get("foreach"), list) else " ${key}" if "foreach" in STAGES[name] else ""
    )
    assert definition(name)["cmd"] == f"python stages/{name}.py{key}"
    assert (ROOT / "stages" / f"{name}.py").exists()


def test_every_script_is_a_stage():
    assert {path.stem for path in (ROOT / "stages").glob("*.py")} == set(STAGES)


def test_the_first_stage_depends_on_all_that_recipes_are_made_of():
    (recipes,) = definition("recipes")["outs"]
    assert recipes == {"recipes": {"cache": False, "persist": True}}
    assert definition("recipes")["deps"] == ["params.yaml", "reports", "src/netclaims", "stages"]


@pytest.mark.parametrize("stage", sorted(WITH_RECIPE))
def test_every_other_stage_depends_on_its_recipe_and_on_results_and_on_nothing_else(stage):
    name, _, key = stage.partition("@")
    recipe = f"recipes/{name}/{key}.json" if key else f"recipes/{name}.json"
    if stage == "report":  # says of all stages whether their results are those of the code
        recipe = "recipes"
    assert set(definition(name)) <= {"desc", "cmd", "deps", "outs", "metrics", "plots"}  # no params
    others = [dep for dep in DEPENDENCIES[stage] if dep != recipe]
    assert len(others) == len(DEPENDENCIES[stage]) - 1
    if stage == "report":
        assert set(others) == {"docs/quantities.md", "metrics", "plots", "reports", "results/paper"}
    elif kind(stage) in ("claims", "ledger", "figures"):
        assert {Path(dep).parts[0] for dep in others} <= {"metrics", "plots"}
    else:
        experiment = EXPERIMENTS.get(key) or EXPERIMENTS.get(next((Path(d).name for d in others if "runs/" in d), ""))
        allowed = {f"data/{experiment['data']}"} if experiment else set()
        assert {dep for dep in others if not dep.startswith("runs/")} <= allowed


def test_every_report_is_named_wherever_reports_are():
    assert CONTENT["vars"] == FILES
    assert CONTENT["params"] == ["params.yaml", *FILES]
    assert {stage for stage in DEPENDENCIES if kind(stage) in ("claims", "figures")} == CLAIMS | FIGURES


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_judged_and_drawn_on_its_own_results(report):
    """So that no other report has to be trained for it."""
    of_report = {
        f"metrics/{report}",
        f"plots/{report}",
        f"recipes/claims/{report}.json",
        f"recipes/figures/{report}.json",
    }
    assert {*DEPENDENCIES[f"claims@{report}"], *DEPENDENCIES[f"figures@{report}"]} == of_report


def test_recipes_in_git_are_those_of_the_stages():
    written = {path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes").rglob("*.json")}
    named = {dep for deps in DEPENDENCIES.values() for dep in deps if dep.startswith("recipes/")}
    assert written == named | {"recipes/report.json"}  # that stage depends on all of them


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_says_what_it_is_for(name):
    assert len(definition(name)["desc"]) > 3


def test_the_lines_are_few_enough_to_read():
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 200


def test_the_picture_of_the_pipeline_shows_every_stage():
    picture = (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
    boxes = re.findall(r'<text class="s"[^>]*>([^<]+)</text>', picture)
    assert sorted(name for box in boxes for name in box.replace("·", " ").split()) == sorted(STAGES)
