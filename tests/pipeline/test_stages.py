"""dvc.yaml against the files that it names."""

import re

import pytest
import yaml

from tests.pipeline.facts import ROOT, imported

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def definition(name: str) -> dict:
    return STAGES[name].get("do", STAGES[name])


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_runs_the_script_of_its_name_on_its_key(name):
    key = (
        " ${item}" if isinstance(STAGES[name].get("foreach"), list) else " ${key}" if "foreach" in STAGES[name] else ""
    )
    assert definition(name)["cmd"] == f"python stages/{name}.py{key}"
    assert (ROOT / "stages" / f"{name}.py").exists()


def test_every_script_is_a_stage():
    assert {path.stem for path in (ROOT / "stages").glob("*.py")} == set(STAGES)


@pytest.mark.parametrize("name", STAGES)
def test_the_dependencies_cover_what_the_script_imports(name):
    deps = [ROOT / dep for dep in definition(name)["deps"] if "${" not in dep]
    script = ROOT / "stages" / f"{name}.py"
    needed = {script, *imported(script, set())}
    assert len(needed) > 3, "the script imports next to nothing: is this test reading it right?"
    uncovered = {path for path in needed if not any(path.is_relative_to(dep) for dep in deps)}
    assert not uncovered


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_says_what_it_is_for(name):
    assert len(definition(name)["desc"]) > 3


def test_the_lines_are_few_enough_to_read():
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 300


def test_the_picture_of_the_pipeline_shows_every_stage():
    picture = (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
    boxes = re.findall(r'<text class="s"[^>]*>([^<]+)</text>', picture)
    assert sorted(name for box in boxes for name in box.replace("·", " ").split()) == sorted(STAGES)
