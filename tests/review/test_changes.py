"""What a branch changes is found, with its reasons, and nothing else; see the fixture `branch` for what it does."""

import json
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from netclaims.errors import SettingsError
from netclaims.review import __main__ as command
from netclaims.review import staleness
from netclaims.review.base import ReviewError, find_base
from netclaims.review.changes import Flip
from netclaims.review.reruns import Rerun
from tests.review.conftest import recipe

RHO = ["ρ = 0.85 (0.7 to 0.95)", "p = 0.002 (t-test), 10 replicas"]


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


def test_causes_are_counted_by_the_stages_that_they_reach_directly(small):
    causes = [["a", "b"], ["b"], [], ["c", "b"]]
    reruns = [Rerun(str(i), "same results", some) for i, some in enumerate(causes)]
    assert list(replace(small.changes(), reruns=reruns).causes.items()) == [("b", 3), ("a", 1), ("c", 1)]


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
        return Flip(claim, "x", f"it says, {claim}", before, after, *effects)

    assert changes.flips[:2] == [flip("sides", "supported", "refuted"), flip("decided", "undecided", "supported")]
    assert sorted(changes.flips[2:], key=lambda flip: flip.claim) == [
        flip("gone", "refuted", None),
        flip("new", None, "supported"),
        flip("untestable", "refuted", "not testable"),
    ]
    assert [flip.weight for flip in changes.flips] == [0, 1, 2, 2, 2]


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


def test_plots_hold_both_revisions(branch, changes):
    base = changes.base.commit[:7]
    gone, final, new = (f"plots/d/d-capacity/{name}.csv" for name in ("curves", "final", "gap"))
    claims = "plots/claims.csv"
    assert list(changes.plots) == [claims, gone, final, new]
    revisions = {claims: {"workspace", base}, final: {"workspace", base}, gone: {base}, new: {"workspace"}}
    for name, plot in changes.plots.items():
        drawn = pd.DataFrame(plot["data"]["values"])
        assert set(drawn["rev"]) == revisions[name]
        if name == gone:
            continue
        table = pd.read_csv(branch.folder / name, dtype=str, keep_default_na=False)
        now = drawn[drawn["rev"] == "workspace"]
        assert now[table.columns].to_numpy().tolist() == table.to_numpy().tolist()
    drawn = pd.DataFrame(changes.plots[final]["data"]["values"]).query("parameters == '52650' and split == 'train'")
    assert dict(zip(drawn["rev"], drawn["model"], strict=True)) == {base: "M1", "workspace": "M one"}
    assert changes.plots[final]["title"]["text"] == "d-capacity at the end of training"  # as dvc.yaml has it


# ------------------------------------------------------------------------------------------------------- nothing or all


def test_nothing_differs_from_oneself(small):
    changes = small.changes("HEAD")
    assert changes.stages == 3
    assert [changes.reruns, changes.flips, changes.parameters, changes.metrics, changes.figures] == [[]] * 5
    assert changes.plots == changes.causes == changes.recipes == {}


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
    assert "### Recipes that are new\n\n`<b>`\n" in small.read("review/comment.md")


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
