"""What README.md and docs/extending.md say to do, followed to the letter."""

import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from netclaims.new_report import begin
from netclaims.recipes.write import write_recipes
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.reports import load_settings

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
EXPERIMENT, ANALYSIS, FIGURES, CLAIM, DATA = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
REPORT = Path("reports/f.yaml")


def follow(report: Path) -> None:
    """Put the example into a report that has just been begun: each part where the text says."""
    text = report.read_text(encoding="utf-8")
    for section, block in {"experiments": EXPERIMENT, "figures": FIGURES, "claims": CLAIM}.items():
        assert text.count(f"\n{section}:\n") == 1
        text = text.replace(f"\n{section}:\n", f"\n{section}:\n{block}\n")
    report.write_text(f"{text}\n{ANALYSIS}", encoding="utf-8")


def test_a_report_an_experiment_and_a_claim_are_added_as_it_says(files):
    before = write_recipes()
    begin("f")
    assert write_recipes() == before + len(["train", "claims", "figures"])
    follow(REPORT)
    assert write_recipes() == before + len(["train", "claims", "figures"]) + len(["train", "sensitivity"])
    report = load_settings()[1][-1]
    assert list(report.experiments) == list(report.figures) == ["f-wider", "f-capacity"]
    assert list(report.claims) == ["f-wider-better", "f-capacity-better"]
    assert list(report.analyses["sensitivity"]) == ["f-wider"]
    assert report.experiments["f-wider"].parameters("DNN") == 407050


# --------------------------------------------------------------------------------------------------------- the table


def rows() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], list[str]]]:
    """Of every row what it is for, the options, what changes with them, and what goes."""
    table = GUIDE.partition("| what | how | what goes with it |\n|---|---|---|\n")[2].partition("\n\n")[0]
    changes: dict[str, Any] = {}
    gone: list[str] = []
    for line in table.splitlines():
        what, how, also = (cell.strip() for cell in line.strip("|").split("|"))
        if not also.startswith("the same"):
            changes, gone = {}, []
        changes, gone = changes | settings(also), gone + re.findall(r"without `(\w+)`", also)
        yield what, settings(how), changes, gone


def settings(cell: str) -> dict[str, Any]:
    return {key: value for text in re.findall(r"`(\w+: .*?)`", cell) for key, value in yaml.safe_load(text).items()}


ROWS = list(rows())
EXAMPLE = {"experiments": yaml.safe_load(EXPERIMENT), "figures": yaml.safe_load(FIGURES),
           "claims": yaml.safe_load(CLAIM)} | yaml.safe_load(ANALYSIS)  # fmt: skip


def with_row(options: dict[str, Any], changes: dict[str, Any], gone: list[str]) -> dict:
    """The example with an option of the table, and what goes with it wherever the example has such a key."""
    content = {section: entries for section, entries in deepcopy(EXAMPLE).items() if section not in gone}
    entry = content["experiments"]["f-wider"]
    swept = {"sweep": ["tune", "learning_rate"], "tune": ["sweep", "optimiser"]}
    for name, value in options.items():
        for replaced in swept.get(name, []):
            entry.pop(replaced, None)
        if name in entry["models"]:
            entry["models"][name] = value
        else:
            entry[name] = value
    left = dict(changes)
    if "learning_rate" in left:
        entry["learning_rate"] = left.pop("learning_rate")
    figure = content["figures"]["f-wider"]["draw"]["accuracy"]
    if "columns" in left:
        figure["columns"] = left.pop("columns")
    picked = left.pop("where", None)
    if picked is not None:
        for side in ("higher", "than"):
            operand = content["claims"]["f-wider-better"]["ordering"][side]
            operand["where"] = {"model": operand["where"]["model"]} | picked
    for name, value in left.items():
        places = [
            block for block in (entry, content.get("sensitivity", {}).get("f-wider", {}), figure) if name in block
        ]
        assert places, name
        for block in places:
            block[name] = value
    return content


@pytest.fixture
def alone(files):
    """The same with report f alone."""
    shutil.rmtree("reports")
    REPORT.parent.mkdir()
    Path("dvc.yaml").unlink()
    return files


@pytest.mark.parametrize(("options", "changes", "gone"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_row_of_the_table_can_be_swapped_into_the_example(options, changes, gone, alone):
    assert options
    content = with_row(options, changes, gone)
    assert content != EXAMPLE
    REPORT.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    write_recipes()
    assert Path("recipes/train/f-wider.json").exists()
    assert Path("recipes/sensitivity/f-wider.json").exists() == ("sensitivity" not in gone)


def test_the_table_has_every_option_that_there_is():
    """What the example has not, and no row, names parts of functions or numbers that say what they are."""
    told = {*EXAMPLE["experiments"]["f-wider"], *(name for _, options, _, _ in ROWS for name in options)}
    told |= {name for _, _, changes, _ in ROWS for name in changes}
    assert set(ExperimentEntry.model_fields) - told == {
        "batch_size", "functions", "least_replicas", "momentum", "points", "replicas", "stated",
    }  # fmt: skip


def test_how_long_it_takes_to_fit_a_function_goes_by_unexplained_variance(alone):
    (share,) = re.findall(r"of functions `({unexplained: .*?})`", GUIDE)
    net = EXAMPLE["experiments"]["f-wider"] | {"data": "functions", "functions": ["sin_affine"], "points": 50,
        "loss": "mse", "models": {"DNN": {"layers": [5, 1]}}, "fitted": yaml.safe_load(share)}  # fmt: skip
    REPORT.write_text(yaml.safe_dump({"experiments": {"f-wider": net}}), encoding="utf-8")
    write_recipes()
    assert Path("recipes/train/f-wider.json").exists()


# ------------------------------------------------------------------------------------------------------------- images


def test_the_data_set_is_valid(files):
    shown, params = yaml.safe_load(DATA), yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["datasets"] |= shown["datasets"]
    params["scales"]["quick"] |= shown["scales"]["quick"]
    Path("params.yaml").write_text(yaml.dump(params), encoding="utf-8")
    found, _ = load_settings()
    assert found.chosen_scale.data.mnist in shown["datasets"]
