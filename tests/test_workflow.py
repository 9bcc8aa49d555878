"""The workflows: what their jobs may do, and what they call."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {f"{name}.{key}": job for name, workflow in WORKFLOWS.items() for key, job in workflow["jobs"].items()}
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def test_only_the_comment_may_write_and_it_runs_nothing_of_the_change():
    assert all(workflow["permissions"] == {} for workflow in WORKFLOWS.values())
    allowed = {name: job["permissions"] for name, job in JOBS.items()}
    assert allowed.pop("pipeline.comment") == {"pull-requests": "write"}
    assert all(permissions == {"contents": "read"} for permissions in allowed.values())
    comment = JOBS["pipeline.comment"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in comment["if"]
    assert "||" not in comment["if"]
    used = [step["uses"].partition("@")[0] for step in comment["steps"] if "uses" in step]
    assert used == ["actions/download-artifact"]
    (script,) = [step["run"] for step in comment["steps"] if "run" in step]
    assert re.fullmatch(r'gh pr comment "\$NUMBER" --body-file [^ ]+ --edit-last --create-if-none', script)


def test_it_is_not_started_with_rights_that_a_fork_lacks():
    started = {name: workflow[True] for name, workflow in WORKFLOWS.items()}  # YAML 1.1 reads the key `on` so
    assert {name: set(events) for name, events in started.items()} == {
        "pipeline": {"pull_request", "push", "workflow_dispatch"},
        "audit": {"pull_request", "schedule", "workflow_dispatch"},
        "nightly": {"schedule", "workflow_dispatch"},
    }
    assert started["pipeline"]["push"] == {"branches": ["main"]}


def test_every_action_is_pinned_by_a_hash_with_its_version_beside_it():
    lines = re.findall(r"^ *-? *uses: (.*)$", "\n".join(TEXTS.values()), flags=re.MULTILINE)
    assert len(lines) == sum("uses" in step for step in STEPS)
    for line in lines:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
    assert len({line.partition("@")[0] for line in lines}) == len(set(lines)), "one action, two versions"


def test_no_credentials_are_left_in_a_checkout():
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 4
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", JOBS)
def test_no_run_goes_on_for_ever(name):
    assert 0 < JOBS[name]["timeout-minutes"] <= 120


@pytest.mark.parametrize("script", [step["run"] for step in STEPS if "run" in step])
def test_scripts_take_no_text_of_an_event_and_call_what_exists(script):
    assert "${{" not in script
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(re.findall(r"^ *make ([a-z-]+)", script, flags=re.MULTILINE)) <= set(targets)
    for called in re.findall(r"^ *(\.ci/\S+)", script, flags=re.MULTILINE):
        assert (ROOT / called).stat().st_mode & 0o100, f"{called} cannot be run"


def test_results_are_judged_before_anything_is_run():
    scripts = [step.get("run", "") for step in JOBS["pipeline.pipeline"]["steps"]]
    order = [
        next(i for i, script in enumerate(scripts) if call in script)
        for call in ("make in-step", "dvc checkout", "make repro", "git diff --exit-code", "make review")
    ]
    assert order == sorted(order)


def test_the_audit_is_no_part_of_the_tests_and_does_not_pass_over_what_the_index_does_not_know():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = dict(re.findall(r"^([a-z-]+):(.*(?:\n\t.*)*)", makefile, flags=re.MULTILINE))
    assert "audit" not in rules["test"] + rules["lint"]
    assert "pip-audit --strict " in rules["audit"]
    assert [step.get("run") for step in JOBS["audit.audit"]["steps"]][2:] == ["make audit"]
    assert WORKFLOWS["audit"][True]["pull_request"]["paths"][0] == "requirements.txt"


def test_every_change_is_tested_and_every_night_all_that_the_tests_of_a_change_leave_out():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = dict(re.findall(r"^([a-z-]+):.*((?:\n\t.*)*)", makefile, flags=re.MULTILINE))
    assert JOBS["pipeline.test"]["steps"][-1]["run"] == ".ci/run"
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").endswith("\nmake test\n")
    assert JOBS["nightly.test-all"]["steps"][-1]["run"] == "make test-all"
    own = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    options = set(re.findall(r'addoption\(\s*"(--[a-z-]+)"', own)) - {"--kill-seed"}
    assert set(re.findall(r"--\S+", rules["test-all"])) == options
    assert rules["test-all"].startswith(rules["test"].rstrip())
