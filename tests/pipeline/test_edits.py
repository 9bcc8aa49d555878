"""Edits of a report's pipeline as people make them, with DVC itself: what runs, what is refused, what is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import ran
from tests.pipeline.test_interruption import entries, lock, until, victims

TARGET, TRAINING = "gradient@d-gradient-norm", "train@d-gradient-norm"
CHAIN = ["prepare@mnist", TRAINING, TARGET]
LOOP, ANALYSIS = "src/netclaims/training/loop.py", "src/netclaims/analysis/gradient_norm.py"
LONG = 100  # seconds in which a stage has begun, on a machine with much else to do


@pytest.fixture(scope="module")
def done(one_training, tmp_path_factory):
    """A repository of a report in which a small target has run."""
    clone = one_training.copy(tmp_path_factory.mktemp("done"))
    assert ran(repro(clone)) == ["recipes", *CHAIN]
    clone.git("add", "-A")
    clone.git("commit", "-qm", "results")
    return clone


@pytest.fixture
def clone(done, tmp_path):
    return done.copy(tmp_path / "clone")


def repro(clone, *words: str):
    result = clone.dvc("repro", *(words or [TARGET]))
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def prepend(clone, name: str, line: str) -> None:
    path = clone.folder / name
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def append(clone, name: str, line: str) -> None:
    path = clone.folder / name
    path.write_text(f"{path.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")


def with_entry(clone, old: str, new: str) -> None:
    """Another setting of the experiment that the target looks at."""
    path = clone.folder / "reports" / "d.yaml"
    before, name, after = path.read_text(encoding="utf-8").partition("\n  d-gradient-norm:\n")
    assert old in after.partition("\n\n")[0]
    path.write_text(before + name + after.replace(old, new, 1), encoding="utf-8")


# ------------------------------------------------------------------------------------------------ between two runs


def test_a_comment_and_a_docstring_run_the_recipes_alone_and_a_swap_file_nothing(clone):
    before = lock(clone)
    prepend(clone, LOOP, '"""Another docstring."""  # and a comment')
    assert ran(repro(clone)) == ["recipes"]
    assert {stage for stage, entry in entries(lock(clone)).items() if entry != entries(before)[stage]} == {"recipes"}
    changed = ["M", "dvc.lock", "M", LOOP]
    assert clone.git("status", "--porcelain").split() == changed
    for name in (LOOP, "stages/train.py", "reports/d.yaml"):
        path = clone.folder / name
        for left in (f".{path.name}.swp", f"._{path.name}", f".#{path.name}"):
            path.with_name(left).write_bytes(b"\0left")
    assert ran(repro(clone)) == []
    assert clone.script("recipes").returncode == 0
    assert clone.git("status", "--porcelain").split() == changed


CODE = {
    LOOP: [TRAINING],  # which gives the same bytes, so that nothing follows
    ANALYSIS: [TARGET],
    "src/netclaims/present/style.py": [],
    "src/netclaims/data/mnist_m.py": ["prepare@mnist"],
    "stages/gradient.py": [TARGET],
}


@pytest.mark.parametrize("name", CODE)
def test_code_runs_what_imports_it_and_no_more_where_the_results_are_the_same(request, clone, name):
    """`test_caching` shows of every module whose recipe it is in; here, that DVC runs what has another recipe."""
    if name not in (LOOP, ANALYSIS) and not request.config.getoption("--every-case"):
        pytest.skip("seconds for what test_caching shows of every module: --every-case")
    append(clone, name, "EDITED = 1")
    assert ran(repro(clone)) == ["recipes", *CODE[name]]


def test_parameters_that_differ_are_told(clone):
    clone.edit("params.yaml", "batch_size: 64", "batch_size: 32")
    with_entry(clone, "epochs: 5", "epochs: 6")
    told = clone.dvc("params", "diff", "--md").stdout
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.split("\n")[2:] if line]
    assert ["params.yaml", "batch_size", "64", "32"] in lines
    assert ["reports/d.yaml", "experiments.d-gradient-norm.epochs", "5", "6"] in lines
    assert len(lines) == 2


def test_settings_are_tried(clone):
    """A knob, and a setting of an entry."""
    entry = "reports/d.yaml:experiments.d-gradient-norm.epochs=2"
    result = clone.dvc("exp", "run", "-S", "batch_size=32", "-S", entry, TARGET)
    assert result.returncode == 0, result.stdout + result.stderr
    assert ran(result) == ["recipes", TRAINING, TARGET]
    recipe = yaml.safe_load((clone.folder / "recipes/train/d-gradient-norm.json").read_text(encoding="utf-8"))
    assert recipe["settings"]["settings"][0]["batch_size"] == 32
    assert recipe["settings"]["epochs_stated"] == 2
    assert clone.in_step_of(CHAIN) == []
    shown = clone.dvc("exp", "show", "--csv").stdout
    assert len(shown.splitlines()) == 4  # names of columns, workspace, HEAD and the experiment


# ------------------------------------------------------------------------------------------------- one stage by hand


def digests(folder: Path) -> dict[Path, str]:
    return {
        path.relative_to(folder): md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for name in ("data", "metrics", "plots", "recipes", "runs")
        for path in (folder / name).rglob("*")
        if path.is_file()
    }


def test_a_script_by_hand_gives_what_its_stage_gives_once_the_recipes_are_written(clone):
    before = digests(clone.folder)
    plot = clone.folder / "plots/d/d-gradient-norm/gradient.csv"
    plot.unlink()
    assert clone.script("gradient", "d-gradient-norm").returncode == 0
    assert digests(clone.folder) == before
    append(clone, ANALYSIS, "EDITED = 1")
    refused = clone.script("gradient", "d-gradient-norm")
    place = "recipes/gradient/d-gradient-norm.json"
    said = f"{place}: written for other code than netclaims.analysis.gradient_norm; `dvc repro` writes it anew\n"
    assert (refused.returncode, refused.stderr) == (1, said)
    plot.unlink()
    assert clone.script("recipes").returncode == 0
    assert clone.script("gradient", "d-gradient-norm").returncode == 0
    assert plot.exists()
    assert ran(repro(clone)) == ["recipes", TARGET]


def test_a_single_stage_stores_the_results_of_the_recipe_that_there_is_and_that_is_told(clone):
    with_entry(clone, "epochs: 5", "epochs: 6")
    before = entries(lock(clone))[TRAINING]
    result = repro(clone, "--single-item", "--force", TRAINING)
    assert ran(result) == [TRAINING]
    assert entries(lock(clone))[TRAINING] == before
    (line,) = clone.in_step_of([TRAINING])
    assert line.startswith(f"{TRAINING}: ")
    assert "epochs_stated: 5 → 6" in line
    assert ran(repro(clone)) == ["recipes", TRAINING, TARGET]
    assert clone.in_step_of(CHAIN) == []


# --------------------------------------------------------------------------------------------------- during a run


@pytest.fixture(scope="module")
def slow(short_training, tmp_path_factory):
    """A repository with data and recipes, in which a training saves checkpoints."""
    clone = short_training.copy(tmp_path_factory.mktemp("slow"))
    repro(clone, "prepare@mnist")
    return clone


@contextmanager
def suspended(session: int) -> Iterator[None]:
    """Let the stage that DVC runs wait, however long this takes."""
    (stage,) = victims(session, "stage")
    stage.suspend()
    workers = victims(session, "worker")
    for process in workers:
        process.suspend()
    try:
        yield
    finally:
        for process in (*workers, stage):
            process.resume()


def edited_while_it_trains(clone, log: Path, edit: Callable[[], None]) -> tuple[int, str]:
    """The status and the words of a `dvc repro` of the target during whose training something is edited."""
    run = clone.start("dvc", "repro", TARGET, log=log)
    begun = until(lambda: list((clone.folder / "checkpoints").glob("*/*.safetensors")), LONG)
    assert begun, log.read_text(encoding="utf-8")
    with suspended(run.pid):
        edit()
    return run.wait(), log.read_text(encoding="utf-8")


EDITED = [("code", "entry", "analysis"), ("code", "entry"), ("code",), ("entry",), ("analysis",)]


@pytest.mark.parametrize("edited", EDITED, ids=" and ".join)
def test_what_is_edited_while_a_stage_runs_runs_it_again_and_what_starts_later_refuses(request, slow, tmp_path, edited):
    """The code of a training, its entry, and the code of the analysis that comes after it."""
    if edited != EDITED[0] and not request.config.getoption("--every-case"):
        pytest.skip("of all three at once all is told: --every-case")
    clone = slow.copy(tmp_path / "clone")
    old = (clone.folder / "recipes/train/d-gradient-norm.json").read_bytes()

    def edit() -> None:
        if "code" in edited:
            append(clone, LOOP, "EDITED = 1")
        if "entry" in edited:
            with_entry(clone, "learning_rate: 0.001", "learning_rate: 0.002")
        if "analysis" in edited:
            append(clone, ANALYSIS, "EDITED = 1")

    code, said = edited_while_it_trains(clone, tmp_path / "log", edit)
    assert "Traceback" not in said
    place = "recipes/gradient/d-gradient-norm.json"
    refused = f"{place}: written for other code than netclaims.analysis.gradient_norm; `dvc repro` writes it anew"
    assert (refused in said.splitlines()) == ("analysis" in edited) == (code != 0), said
    # The training went to its end all the same, as one of the recipe that it began with.
    (recipe,) = [dep for dep in entries(lock(clone))[TRAINING]["deps"] if dep["path"].startswith("recipes/")]
    assert recipe["md5"] == md5(old, usedforsecurity=False).hexdigest()
    told = clone.in_step_of([TRAINING])
    trains_again = bool({"code", "entry"} & {*edited})
    assert len(told) == trains_again
    assert ("netclaims.training.loop" in "".join(told)) == ("code" in edited)
    assert ("learning_rate: 0.001 → 0.002" in "".join(told)) == ("entry" in edited)
    assert ran(repro(clone, "recipes")) == ["recipes"]
    left = clone.stages_to_run()
    assert (TRAINING in left) == trains_again
    assert (TARGET in left) == ("analysis" in edited)  # else it looks at the same nets, if they come out the same
    if "entry" not in edited:  # as they do here
        assert ran(repro(clone)) == [TRAINING] * ("code" in edited) + [TARGET] * ("analysis" in edited)
        assert clone.in_step_of(CHAIN) == []


def test_recipes_that_are_written_anew_while_a_stage_runs_fail_it(request, slow, tmp_path):
    """Otherwise DVC, which looks at dependencies last, would store the results as those of the new recipe."""
    if not request.config.getoption("--every-case"):
        pytest.skip("half a minute for a rare case: --every-case")
    clone = slow.copy(tmp_path / "clone")

    def edit() -> None:
        with_entry(clone, "learning_rate: 0.001", "learning_rate: 0.002")
        assert clone.script("recipes").returncode == 0

    code, said = edited_while_it_trains(clone, tmp_path / "log", edit)
    assert code != 0
    line = "recipes/train/d-gradient-norm.json: written anew while this ran; `dvc repro` runs it again"
    assert line in said.splitlines()
    assert "Traceback" not in said
    assert TRAINING in ran(repro(clone))
    assert clone.in_step_of(CHAIN) == []
