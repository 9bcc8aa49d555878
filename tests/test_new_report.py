"""`make report-new`: a report that works as it is, all of it or nothing."""

import re
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from netclaims import new_report
from netclaims.errors import SettingsError
from netclaims.new_report import TEMPLATE, begin, main
from netclaims.settings.reports import load_settings

ROOT = Path(__file__).parents[1]
PIPELINE = (ROOT / "dvc.yaml").read_text(encoding="utf-8")


def held(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", ["f", "group_7", "A" * 50])
def test_a_new_report_is_valid_with_an_experiment_a_figure_and_a_claim(name, files):
    assert begin(name) == Path("reports", f"{name}.yaml")
    (report,) = (report for report in load_settings()[1] if report.name == name)
    assert list(report.experiments) == list(report.figures) == [f"{name}-capacity"]
    assert list(report.claims) == [f"{name}-capacity-better"]
    assert not [line for line in report.path.read_text(encoding="utf-8").splitlines() if "NAME" in line]


def test_of_the_pipeline_four_lists_change_and_nothing_else(files):
    begin("f")
    text = Path("dvc.yaml").read_text(encoding="utf-8")
    assert text.replace(", reports/f.yaml]", "]").replace("d, e, f]", "d, e]") == PIPELINE
    assert (text.count(", reports/f.yaml]"), text.count("d, e, f]")) == (2, 2)
    content = yaml.safe_load(text)
    assert content["vars"][-1] == content["params"][-1] == "reports/f.yaml"
    assert content["stages"]["claims"]["foreach"] == content["stages"]["figures"]["foreach"] == [*"abcdef"]


def test_one_follows_on_another(files):
    for name in ("f", "g"):
        begin(name)
    assert [report.name for report in load_settings()[1]] == [*"abcdefg"]


def test_lists_of_a_line_for_each_and_ends_of_lines_stay_as_they_are(files):
    lists = {
        "foreach: [a, b, c, d, e]": "foreach:\n      - a\n      - b\n      - c # third\n      - d\n      - e # last"
    }
    text = PIPELINE
    for old, new in lists.items():
        text = text.replace(old, new)
    Path("dvc.yaml").write_bytes(text.replace("\n", "\r\n").encode())
    begin("f")
    found = Path("dvc.yaml").read_bytes().decode()
    assert found.count("\r\n      - e\n      - f # last\r\n") == 2
    assert [*load_settings()[1]][-1].name == "f"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("d", "reports/d.yaml: there is a report of this name"),
        ("D", "reports/d.yaml: there is a report of this name"),  # one folder, on some systems
        *((name, f"no name of a report: {name!r}; expected at most 50 letters, digits and _, and not claims, figures "
           "or stated")
          for name in ("", "my-report", "f.g", "f g", "../f", "é", "figures", "claims", "stated", "a" * 51)),
        *((name, f"no name of a report: {name!r}; YAML reads it as something else than a word")
          for name in ("2018", "1e3", "0x1F", "true", "Null", "no", "on")),
    ],
)  # fmt: skip
def test_a_name_that_is_taken_or_is_none(name, message, files):
    before = held(files)
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        begin(name)
    assert held(files) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("vars: [reports/a.yaml, ", "vars: [reports/f.yaml, ", "vars: reports/f.yaml is listed already"),
        ("vars: [", "values: [", "vars: expected a list of reports"),
        ("    foreach: [a, b, c, d, e]", "    foreach: all", "stages.claims.foreach: expected a list of reports"),
        ("stages:", "stages: [", "while parsing"),
    ],
)
def test_a_pipeline_in_which_it_cannot_be_listed(old, new, message, files):
    assert old in PIPELINE
    Path("dvc.yaml").write_text(PIPELINE.replace(old, new, 1), encoding="utf-8")
    before = held(files)
    with pytest.raises(SettingsError, match=f"^dvc.yaml: {re.escape(message)}[^\n]*$"):
        begin("f")
    assert held(files) == before


@pytest.mark.parametrize("step", [0, 1])
def test_nothing_is_left_of_one_that_could_not_be_written(step, files, monkeypatch):
    before, steps, replace = held(files), [], new_report.os.replace

    def replaced(source, target):
        steps.append(target)
        if len(steps) > step:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(new_report.os, "replace", replaced)
    with pytest.raises(SystemExit, match=r"^(reports/f|dvc)\.yaml: No space left on device$"):
        main(["f"])
    monkeypatch.undo()
    assert held(files) == before


def test_it_is_said_in_a_line(files, capsys):
    main(["f"])
    said = "reports/f.yaml: one experiment, figure and claim to go on from, listed in dvc.yaml\n"
    assert capsys.readouterr().out == said
    assert said in (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^reports/f\.yaml: there is a report of this name$"):
        main(["f"])
    with pytest.raises(SystemExit, match=r"^no name of a report: 'two words'; "):
        main(["two", "words"])


def test_make_calls_it(files):
    """Without setting anything up."""
    shutil.copy(ROOT / "Makefile", files)
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    Path(".venv/bin/python").chmod(0o755)
    make = shutil.which("make")
    result = subprocess.run(  # noqa: S603 (words of this module)
        [make, "--no-print-directory", "--old-file=.venv/.ready", "report-new", "NAME=f"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("reports/f.yaml: ")


def test_the_template_says_where_keys_stand():
    """Every file that its comments name is there."""
    named = re.findall(r"src/netclaims/[\w/]+\.py", TEMPLATE.read_text(encoding="utf-8"))
    assert len(named) == 5
    with chdir(ROOT):
        assert all(Path(name).exists() for name in named)
