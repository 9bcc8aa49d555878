"""What a branch changes is found, with its reasons, and nothing else; see the fixture `branch` for what it does."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from netclaims.errors import SettingsError
from netclaims.review import __main__ as command
from netclaims.review import staleness
from netclaims.review.base import ReviewError, find_base
from netclaims.review.plots import find_plots
from netclaims.review.reruns import Rerun, behind, by_cause
from netclaims.review.verdicts import Flip, Interval, find_flips
from tests.review.conftest import recipe, rows

RHO = ["ρ = 0.85 [0.7, 0.95]", "p = 0.002 (t-test), 10 replicas"]


# ------------------------------------------------------------------------------------------------------------ the base


def test_the_base_is_where_the_branch_left(branch, changes):
    assert changes.base.commit == branch.git("rev-parse", "main~").strip()
    assert changes.base.subject == "Before <b>"


def test_a_base_can_be_any_commit(small):
    first = small.git("rev-parse", "HEAD").strip()
    small.git("tag", "a-tag")
    assert {find_base(name).commit for name in ("main", "HEAD", "a-tag", first, first[:7])} == {first}


# ------------------------------------------------------------------------------------------------------------- stages


def test_a_stage_that_ran_with_another_setting_is_told_with_the_knob(small):
    lock = json.loads(small.read("dvc.lock"))
    recipes, train = (lock["stages"][name] for name in ("recipes", "train"))
    for item in (recipes["deps"][0], recipes["outs"][0], train["deps"][0], train["outs"][1]):
        item["md5"] = "f" * 32
    small.write({"dvc.lock": json.dumps(lock), "params.yaml": "seed: 2\n"})
    small.write({"recipes/train.json": recipe({"nets": [{"seed": 2}]})})
    changes = small.changes()
    assert changes.stages == 3
    assert changes.reruns == [
        Rerun("recipes", "other results", ["params.yaml"]),
        Rerun("train", "other results", ["seed: 1 → 2"]),
    ]


def test_stages_are_grouped_by_causes_of_their_own():
    reruns = [Rerun(str(i), "same results", causes) for i, causes in enumerate([["b"], ["a", "b"], [], ["b"]])]
    assert [[rerun.stage for rerun in group] for group in by_cause(reruns).values()] == [["0", "3"], ["1"], ["2"]]
    assert list(by_cause(reruns)) == [("b",), ("a", "b"), ()]


def test_causes_reach_what_follows_and_no_other_experiment():
    """Of what draws or judges a whole report, its own causes count, and not those of other experiments."""
    reruns = [
        Rerun("train@a-x", "other results", ["batch_size: 64 → 1024"]),
        Rerun("train@a-y", "other results", ["seed: 0 → 1"]),
        Rerun("fit@a-z", "other results", ["fit.py"], ["train@a-x"]),
        Rerun("train@a-n", "new"),
        Rerun("claims@a", "other results", ["judge.py"], ["train@a-x", "train@a-y", "fit@a-z"]),
    ]
    assert behind(reruns, "a-z") == ("fit.py", "batch_size: 64 → 1024")
    assert behind(reruns, "a-y", "claims@a") == ("judge.py", "seed: 0 → 1")
    assert behind(reruns, "a-n") == ("stage is new",)
    assert behind(reruns, "a-other") == ()


def test_recipes_that_are_new_or_gone_are_told(small):
    small.write({"recipes/train.json": recipe({"seed": 2}), "recipes/fit/x.json": recipe({})})
    assert small.changes().recipes == {"new": ["fit/x"]}
    small.git("rm", "-qf", "recipes/train.json")
    assert small.changes().recipes == {"new": ["fit/x"], "gone": ["train"]}
    assert small.changes("HEAD").reruns == []


# ----------------------------------------------------------------------------------------------------------- verdicts


def test_flips_come_by_weight_with_their_effects(changes):
    def flip(claim: str, before: str | None, after: str | None) -> Flip:
        effects = [RHO if verdict == "supported" else [] for verdict in (before, after)]
        sides = tuple(Interval("rho", 0.85, 0.7, 0.95) if effect else None for effect in effects)
        return Flip(claim, "x", f"it says, {claim}", before, after, *effects, sides)

    assert changes.flips[:2] == [flip("sides", "supported", "refuted"), flip("decided", "undecided", "supported")]
    assert sorted(changes.flips[2:], key=lambda flip: flip.claim) == [
        flip("gone", "refuted", None),
        flip("new", None, "supported"),
        flip("untestable", "refuted", "not testable"),
    ]
    assert [flip.weight for flip in changes.flips] == [0, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",test,p_holm", ",test,p", "Verdicts: the ledger of then has another layout (no column p_holm)."),
        ("supported\n", "holds\n", "Verdicts: the ledger of then has another layout (verdicts of other names: holds)."),
        ("claim,", "claim\n,,,,,,,,,,,,,,,", "Verdicts: the ledger of then has another layout ("),
        ("two,", "one,", "Verdicts: the ledger of then has another layout (a claim stands there twice)."),
    ],
)
def test_a_ledger_of_another_layout_is_told_in_a_line(old, new, said):
    before = rows(("one", "supported"), ("two", "refuted"))
    flips, (line,) = find_flips(before.replace(old, new, 1), rows(("one", "refuted")))
    assert flips == []
    assert line.startswith(said)


def test_verdicts_are_compared_where_an_effect_is_in_a_unit_of_then():
    (flip,), lines = find_flips(rows(("one", "supported")).replace(",rho,", ",slope,"), rows(("one", "refuted")))
    assert (flip.before, flip.after, flip.effect_before) == ("supported", "refuted", RHO[1:])
    assert flip.intervals == (None, None)
    assert lines == ["Effects in a unit that is no longer: slope (1 claim)."]


# -------------------------------------------------------------------------------------------------- settings, metrics


def test_parameters_are_told_by_dotted_keys(changes):
    assert {(change.file, change.name): (change.before, change.after) for change in changes.parameters} == {
        ("params.yaml", "batch_size"): (64, 1024),
        ("reports/d.yaml", "experiments.d-capacity.epochs"): (5, 2),
    }


def test_metrics_come_by_their_shift(changes):
    """In standard deviations at the base; whether committed or not; what has no shift comes last."""
    net = "models.M1"
    found = [(change.name, change.before, change.after, change.shift) for change in changes.metrics]
    assert found[:3] == [
        (f"{net}.test_loss.mean", 1.0, 0.0, -2.0),
        (f"{net}.train_accuracy.mean", 1.0, 1.5, 1.0),
        (f"{net}.train_loss.mean", 1.0, 1.05, pytest.approx(0.1)),
    ]
    assert sorted(found[3:], key=str) == sorted(
        [
            ("data", "MNIST", "MNIST, all of it", None),
            (f"{net}.train_loss.sd", 0.5, 0.1, None),
            ("unshifted.equal.mean", 1.0, 2.0, None),
            ("unshifted.single.mean", 1.0, 2.0, None),
            ("unshifted.unknown.mean", 1.0, 2.0, None),
            ("unshifted.diverged.mean", 1.0, None, None),
            ("unshifted.did.mean", None, 2.0, None),
            ("unshifted.other.loss", 1.0, 2.0, None),
        ],
        key=str,
    )
    assert {change.file for change in changes.metrics} == {"metrics/d/d-capacity.json"}


# ---------------------------------------------------------------------------------------------------- figures and plots


def test_figures_before_and_after(branch, changes):
    """A renamed one is gone and new; one that Git does not know yet is new."""
    folder = branch.folder / "plots/figures/d/d-capacity"
    pairs = {pair.name: pair for pair in changes.figures}
    assert list(pairs) == ["d/d-capacity/gap", "d/d-capacity/loss", "d/d-capacity/renamed", "d/untracked"]
    gone, changed, renamed, untracked = pairs.values()
    assert (gone.before, gone.after) == ((folder / "renamed.svg").read_text(encoding="utf-8"), None)
    assert (renamed.before, renamed.after) == (None, gone.before)
    assert (untracked.before, untracked.after) == (None, "<svg/>")
    assert changed.after == (folder / "loss.svg").read_text(encoding="utf-8") == changed.before + "<!-- another -->"


def test_plots_hold_both_sides_with_data_scale_and_epochs(branch, changes):
    """As many digits as one sees; a table that is gone is told in a line."""
    final, new = (f"plots/d/d-capacity/{name}.csv" for name in ("final", "gap"))
    claims = "plots/claims.csv"
    assert list(changes.plots) == [claims, final, new]
    sides = {claims: ["after", "before"], final: ["after", "before"], new: ["after"]}
    for name, plot in changes.plots.items():
        drawn = pd.DataFrame(plot["data"]["values"])
        assert list(drawn["rev"].unique()) == sides[name]
        table = pd.read_csv(branch.folder / name)
        numbers = [column for column in table.select_dtypes("number") if column in plot["data"]["format"]["parse"]]
        now = drawn.loc[drawn["rev"] == "after", numbers].astype(float)
        assert now.to_numpy() == pytest.approx(table[numbers].to_numpy(), rel=5e-3, nan_ok=True)
    drawn = pd.DataFrame(changes.plots[final]["data"]["values"]).query("parameters == '52650' and split == 'train'")
    assert dict(zip(drawn["rev"], drawn["model"], strict=True)) == {"before": "M1", "after": "M one"}
    title = changes.plots[final]["title"]
    assert title["text"] == "d-capacity at the end of training"  # as dvc.yaml has it
    assert title["subtitle"][0].startswith("before: MNIST · quick scale · 0.17 of 5 epochs")
    assert title["subtitle"][1].startswith("after: MNIST, all of it · quick scale · 0.17 of 5 epochs")
    assert changes.incomparable == ["Tables that are gone: plots/d/d-capacity/curves.csv."]


def test_a_table_of_then_with_other_rows_is_not_drawn_beside_that_of_now(branch, tmp_path):
    """That is so where a column that the plot tells rows apart by is new, and not where a number is."""
    for name, column, sides in (("gap", "model", {"after"}), ("final", "accuracy", {"after", "before"})):
        path = f"plots/d/d-capacity/{name}.csv"
        text = branch.read(path)
        old = pd.read_csv(branch.folder / path).drop(columns=column).to_csv(index=False)
        plot = {
            "encoding": {"x": {"field": column}},
            "title": {},
            "data": {"format": {"parse": {"accuracy": "number"}}},
        }
        plot["data"]["values"] = [{"rev": "workspace"}, {"rev": "1234567"}]
        base = SimpleNamespace(commit="1234567" * 6, changed=lambda *_, path=path: [Path(path)])
        base.read = lambda asked, path=path, old=old: old if asked == Path(path) else None
        drawn = {"data": {path: [{"type": "vega", "content": plot}]}}
        with contextlib.chdir(branch.folder):
            plots, lines = find_plots(base, lambda *_, drawn=drawn: drawn)
        assert {row["rev"] for row in plots[path]["data"]["values"]} == sides, text[:80]
        assert (path in "".join(lines)) == (sides == {"after"})


# ------------------------------------------------------------------------------------------------------- nothing or all


def test_nothing_differs_from_oneself(small):
    changes = small.changes("HEAD")
    assert changes.stages == 3
    assert [changes.reruns, changes.flips, changes.parameters, changes.metrics, changes.figures] == [[]] * 5
    assert changes.plots == changes.recipes == {}


def test_results_that_the_base_does_not_have_are_new(small):
    small.git("checkout", "-q", "main")
    small.git("rm", "-qr", "dvc.lock", "metrics", "plots", "params.yaml", "recipes")
    small.commit("before")
    small.git("checkout", "-qb", "first-results")
    small.git("checkout", "branch", "--", ".")
    changes = small.changes()
    assert changes.reruns == [Rerun(stage, "new") for stage in ("recipes", "train", "figures")]
    assert changes.recipes == {"new": ["train"]}
    assert [(flip.claim, flip.before, flip.after) for flip in changes.flips] == [("one", None, "supported")]
    assert [(change.name, change.before, change.after) for change in changes.parameters] == [("seed", None, 1)]
    assert {(change.name, change.before, change.after) for change in changes.metrics} == {
        ("mean", None, 1.0),
        ("sd", None, 0.5),
    }
    assert [(pair.name, pair.before) for pair in changes.figures] == [("x", None)]
    assert list(changes.plots) == ["plots/claims.csv"]


# -------------------------------------------------------------------------------------------------------- the command


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["review", *words])
    command.main()


def test_the_command_writes_a_page_and_a_comment(small, monkeypatch, capsys):
    """With what is not in step: the lock of this repository is made up."""
    small.write({"params.yaml": "seed: 2\n"})
    run(monkeypatch, "main", "https://example.org/run")
    said = "0 of 3 stages ran again; 1 parameter differs"
    assert capsys.readouterr().out == f"{said}: review/index.html, review/comment.md\n"
    page, comment = (small.read(f"review/{name}") for name in ("index.html", "comment.md"))
    for text in (page, comment):
        assert f"{said}." in text
        assert "params.yaml modified" in text
    assert comment.endswith(": https://example.org/run\n")
    run(monkeypatch, "main")
    assert "https" not in small.read("review/comment.md")
    assert small.read("review/index.html") == page


def test_the_page_and_the_comment_name_recipes_that_are_new_or_gone(small, monkeypatch):
    small.git("mv", "recipes/train.json", "recipes/<b>.json")
    run(monkeypatch, "main")
    assert "<p>Recipes that are new: <code>&lt;b&gt;</code>.</p>" in small.read("review/index.html")
    assert "<p>Recipes that are gone: <code>train</code>.</p>" in small.read("review/index.html")
    assert "**Recipes that are new**: `<b>`\n" in small.read("review/comment.md")


def no_repository(small, patch) -> None:
    (small.folder / ".git").rename(small.folder / "moved")


def of_another_owner(small, patch) -> None:
    patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # which Git knows for its own tests


def settings_with_a_fault(small, patch) -> None:
    def refuse() -> None:
        raise SettingsError("params.yaml: seed: a number")

    patch.setattr(staleness, "all_recipes", refuse)


def no_common_commit(small, patch) -> None:
    small.git("checkout", "-q", "--orphan", "other")
    small.git("commit", "-qm", "another first")


def no_dvc(small, patch) -> None:
    (small.folder / ".dvc").rename(small.folder / "moved")


def no_pipeline(small, patch) -> None:
    small.write({"dvc.yaml": "stages: ["})


def a_merge_left_open(small, patch) -> None:
    small.write({"dvc.lock": "<<<<<<< HEAD\nstages: {}\n=======\n"})


@pytest.mark.parametrize(
    ("base", "damage", "said"),
    [
        ("no-such-branch", None, "BASE: a branch, tag or commit of this repository (found 'no-such-branch')"),
        ("", None, "BASE: a branch, tag or commit of this repository (found '')"),
        ("--help", None, "BASE: a branch, tag or commit of this repository (found '--help')"),
        ("-q", None, "BASE: a branch, tag or commit of this repository (found '-q')"),
        ("main..branch", None, "BASE: a branch, tag or commit of this repository (found 'main..branch')"),
        ("main:train.py", None, "BASE: a branch, tag or commit of this repository (found 'main:train.py')"),
        ("main", no_repository, "not a git repository"),
        ("main", of_another_owner, "git config --global --add safe.directory "),
        ("main", no_common_commit, "BASE: a commit with which HEAD has one in common (found 'main')"),
        ("main", no_dvc, "DVC repository"),
        ("main", no_pipeline, "dvc.yaml"),
        ("main", a_merge_left_open, "dvc.lock: cannot be read"),
        ("main", settings_with_a_fault, "params.yaml: seed: a number"),
    ],
)
def test_an_error_is_one_line_and_writes_nothing(small, monkeypatch, base, damage, said):
    small.write({"review/comment.md": "of before"})
    if damage:
        damage(small, monkeypatch)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, base)
    assert said in ended.value.code  # a text is written to stderr, and the status is 1
    assert "\n" not in ended.value.code
    assert [path.name for path in (small.folder / "review").iterdir()] == ["comment.md"]
    assert small.read("review/comment.md") == "of before"


def test_the_error_reaches_the_shell(small):
    done = subprocess.run([sys.executable, "-m", "netclaims.review", "-x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "BASE: a branch, tag or commit of this repository (found '-x')\n"
    assert not (small.folder / "review").exists()


@pytest.mark.parametrize("words", [(), ("main", "link", "more")])
def test_the_command_says_how_it_is_used(small, monkeypatch, words):
    with pytest.raises(SystemExit, match="usage"):
        run(monkeypatch, *words)


def test_a_base_that_is_not_there_is_an_error_of_its_own(small):
    with pytest.raises(ReviewError):
        find_base("no-such-branch")
