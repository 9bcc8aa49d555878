"""The settings as they are committed, and what is said of the sections beside `experiments`."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml

from netclaims.errors import SettingsError
from netclaims.paths import SETTINGS
from netclaims.settings.check import SECTIONS, check_settings, settings_files
from netclaims.settings.params import load_params
from netclaims.settings.strict_yaml import read_yaml

ROOT = Path(__file__).parents[2]
REPORTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "reports").glob("*.yaml")}


@pytest.fixture
def files(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fault() -> str:
    with pytest.raises(SettingsError) as caught:
        check_settings()
    return str(caught.value)


@pytest.mark.parametrize("name", ["params.yaml", *(f"reports/{report}.yaml" for report in sorted(REPORTS))])
def test_files_mean_the_same_once_dvc_has_written_them_anew(name, files):
    """As it does for `dvc exp run -S`, by YAML 1.2: it leaves the quotes away of a yes, which we would read as true."""
    before = read_yaml(files / name)
    with modify_yaml(str(files / name)) as content:
        content["more"] = 1
    assert read_yaml(files / name) == before | {"more": 1}


def fault_with(path: Path, old: str, new: str) -> str:
    """What is wrong with one report file, the others away, after a change."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return fault()


@pytest.mark.usefixtures("files")
def test_the_committed_settings_are_valid():
    assert check_settings() == sum(len(content["experiments"]) for content in REPORTS.values()) > 30


# -------------------------------------------------------------------------------------- the entries one by one, for DVC


@pytest.mark.usefixtures("files")
def test_every_entry_that_a_stage_depends_on_has_a_file_and_no_other():
    with Repo(str(ROOT)) as repo:
        stages = {stage.name: {str(dep) for dep in stage.deps} for stage in repo.index.stages}
    found = {path.as_posix() for path, _ in settings_files()}
    assert {dep for deps in stages.values() for dep in deps if dep.startswith("data/settings/")} == found
    of_entries = [name for name in stages if "@" in name and not name.startswith("prepare")]
    assert len(of_entries) == len(found) > 80
    for name in of_entries:
        kind, _, key = name.partition("@")
        section = "experiments" if kind == "train" else kind
        assert f"data/settings/{section}/{key}.json" in stages[name]


def test_a_file_is_its_entry_and_a_change_elsewhere_leaves_it_alone(files):
    before = dict(settings_files())
    content = REPORTS["d"]
    assert json.loads(before[SETTINGS / "experiments" / "d-capacity.json"]) == content["experiments"]["d-capacity"]
    assert json.loads(before[SETTINGS / "hessian" / "d-minimal-ratio.json"]) == content["hessian"]["d-minimal-ratio"]
    assert json.loads(before[SETTINGS / "figures" / "d.json"]) == content["figures"]
    path = files / "reports" / "d.yaml"
    text = path.read_text(encoding="utf-8").replace("radius: 1.0e-3", "radius: 1.0e-2")
    path.write_text(f"# a remark\n{text}", encoding="utf-8")
    after = dict(settings_files())
    assert [path for path in before if before[path] != after[path]] == [SETTINGS / "hessian" / "d-minimal-ratio.json"]
    assert before.keys() == after.keys()


def test_the_five_reports_have_entries_in_every_section():
    assert sorted(REPORTS) == ["a", "b", "c", "d", "e"]
    assert {section for content in REPORTS.values() for section in content} == {
        "experiments",
        *SECTIONS,
        "results",
        "claims",
    }


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("experiments", "d-x; touch ran"),
        ("experiments", "d-/../../x"),
        ("fit", "d-$(touch ran)"),
        ("figures", "d-`touch ran`"),
    ],
)
def test_a_name_that_a_shell_would_run_or_that_leads_elsewhere_is_refused(section, name, files):
    """DVC puts the names of entries into commands and paths."""
    entries = REPORTS["d"][section]
    content = REPORTS["d"] | {section: entries | {name: entries["d-simulate"]}}
    for path in (files / "reports").iterdir():
        path.unlink()
    (files / "reports" / "d.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    assert fault() == f"reports/d.yaml: {section}.{name}: named d-<name>, of at most 100 letters, digits, _ and -"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\npca:", "\npka:", "pka: unknown section; there are experiments, fit, pca, gradient, hessian, interpolate, "),
        ("  d-trajectory: {report", "  - {report", "pca: a mapping of experiments to their settings (found [{'report'"),
        ("  d-trajectory: {report", "  e-a: {report", "pca.e-a: named d-<name>, of at most 100 letters, "),
        ("{report: d, nets: d-trajectory, ", "{report: d, ", "pca.d-trajectory.nets: required, and not there"),
        (
            "nets: d-trajectory, ",
            "nets: d-path, ",
            "pca.d-trajectory.nets: no experiment 'd-path'; there are d-simulate, ",
        ),
        (
            "nets: d-trajectory, ",
            "nets: e-trajectory, ",
            "pca.d-trajectory.nets: no experiment 'e-trajectory'; there are ",
        ),
        (
            "nets: d-trajectory, ",
            "nets: d-capacity, ",
            "pca.d-trajectory: works on an experiment that records weights_",
        ),
        (
            "{report: d, nets: d-traj",
            "{report: e, nets: d-traj",
            "pca.d-trajectory.report: the experiment has d (found ",
        ),
        ("layer: 1,", "layer: 0,", "pca.d-trajectory.layer: input should be greater than or equal to 1 (found 0)"),
        ("layer: 1,", "layer: 4,", "pca.d-trajectory.layer: the net has 3 layers (found 4)"),
        ("assumed: [points, examples]}", "assumed: [points, size]}", "pca.d-trajectory.assumed: the entry has no size"),
        (
            "report: d, nets: d-simulate}",
            "report: d, nets: d-capacity}",
            "fit.d-simulate: works on an experiment that fits ",
        ),
        (
            "against: step",
            "against: epoch",
            "gradient.d-gradient-norm.against: the experiment has step (found 'epoch')",
        ),
        (
            "against: step",
            "against: batch_size",
            "gradient.d-gradient-norm.against: input should be 'step' or 'epoch' ",
        ),
        ("gradient_norm: step", "weights_every: 1", "gradient.d-gradient-norm"),
        (
            "{layers: [16, 8, 1], parameters: 177}",
            "{layers: [16, 8, {dense: 1, bias: false}]}",
            "hessian.d-minimal-ratio: works on an experiment that fits functions with biases in every layer",
        ),
        (
            "      batch_size: [64, 1024]\n",
            "      batch_size: [64, 1024]\n      shuffle_labels: [0, 1]\n",
            "interpolate.d-interpolation.nets: sweeps shuffle_labels besides batch_size",
        ),
        ("iterations: 40", "iterations: many", "hessian.d-minimal-ratio.iterations: "),
        (
            "data: mnist, over",
            "data: cifar10, over",
            "interpolate.d-interpolation.data: the experiment has mnist (found ",
        ),
        (
            "nets: d-interpolation, data",
            "nets: d-actual-task, data",
            "interpolate.d-interpolation.data: the experiment ",
        ),
        (
            "nets: d-interpolation, data",
            "nets: d-capacity, data",
            "interpolate.d-interpolation.between: batch_size is ",
        ),
        (
            "between: [64, 1024]",
            "between: [64, 512]",
            "interpolate.d-interpolation.between: batch_size is not swept at ",
        ),
        (
            "against: batch_size, examples",
            "against: learning_rate, examples",
            "sensitivity.d-sensitivity.against: the ",
        ),
        (
            "    nets: d-simulate",
            "    nets: d-x",
            "figures.d-simulate.nets: no experiment 'd-x'; there are d-simulate, ",
        ),
        ("    nets: d-simulate\n", "", "figures.d-simulate.nets: required, and not there"),
        ("kind: scatter", "kind: pie", "figures.d-minimal-ratio.draw.minimal-ratio.kind: "),
        ("y: [curves.accuracy]", "y: [accuracy]", "figures.d-actual-task.draw.accuracy.y.0: "),
    ],
)
def test_a_mistake_in_a_section_is_one_line(files, old, new, message):
    found = fault_with(files / "reports" / "d.yaml", old, new)
    assert found.startswith(f"reports/d.yaml: {message}")
    assert "\n" not in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # The entry has its own name and the nets of another: what it repeats is that experiment's, not its own name's.
        (
            "nets: c-sensitivity-batch-size, data: cifar10, over",
            "nets: c-sensitivity-batch-size, data: mnist, over",
            "interpolate.c-interpolation-batch-size.data: the experiment has cifar10 (found 'mnist')",
        ),
        (
            "nets: c-sensitivity-batch-size, data: cifar10, over",
            "nets: c-sensitivity-learning-rate, data: cifar10, over",
            "interpolate.c-interpolation-batch-size.between: batch_size is not swept at [64.0, 1024.0]; values: []",
        ),
        (
            "nets: c-trajectory, data: cifar10",
            "nets: c-simulate, data: functions",
            "pca.c-trajectory: works on an experiment that records weights_every, of one net",
        ),
        (
            "c-gradient-norm: {report: c, nets: c-simulate,",
            "c-gradient-norm: {report: c, nets: c-simulate-stop,",
            "gradient.c-gradient-norm",
        ),
    ],
)
def test_an_analysis_is_checked_against_the_experiment_whose_nets_it_takes(files, old, new, message):
    found = fault_with(files / "reports" / "c.yaml", old, new)
    assert found.startswith(f"reports/c.yaml: {message}")
    assert "\n" not in found


OTHERS = {"ordering", "equivalence", "extreme", "shape"}
CLAIMS = {kind: next((key, entry) for key, entry in REPORTS["d"]["claims"].items()
                     if {kind} == {kind, *OTHERS} & {*entry})
          for kind in ("trend", "arithmetic")}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("trend", {"quote": " ".join(["word"] * 13)}, ".quote: at most 12 words (found 'word word"),
        ("trend", {"trend": None}, ".trend: give it or ordering, equivalence, extreme, shape, arithmetic, "),
        ("trend", {"report": "e"}, ": named <report>-<name>, with report: d"),
        ("trend", {"experiment": "d-x"}, ": experiment: no 'd-x'; there are d-simulate, "),
        ("trend", {"figure": "pie"}, " has no 'pie'; it has "),
        ("trend", {"trend": {"falls": {"of": "nets.height"}, "along": "epoch"}}, ": nets.height: no such column; "),
        ("arithmetic", {"arithmetic": {"computed": {"a": "1 / 0"}, "holds": "a == 1"}}, ": computed.a: division "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_mistake_in_a_claim_is_one_line(files, kind, changes, message):
    key, entry = CLAIMS[kind]
    shutil.rmtree(files / "reports")
    (files / "reports").mkdir()
    text = yaml.dump(REPORTS["d"] | {"claims": {key: entry | changes}}, sort_keys=False)
    (files / "reports" / "d.yaml").write_text(text, encoding="utf-8")
    found = fault()
    assert found.startswith(f"reports/d.yaml: claims.{key}")
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (
            {"d-x": {"loss": {"stated": 1, "of": "nets.train_loss"}}},
            ".d-x: experiment: no 'd-x'; there are d-simulate, ",
        ),
        ({"d-capacity": {"loss": {"of": "nets.train_loss"}}}, ".d-capacity.loss.stated: required, and not there"),
        (
            {"d-capacity": {"loss": {"stated": 1, "of": "nets.height"}}},
            ".d-capacity.loss: nets.height: no such column; ",
        ),
    ],
    ids=["experiment", "number", "column"],
)
def test_a_mistake_in_a_stated_number_is_one_line(files, results, message):
    shutil.rmtree(files / "reports")
    (files / "reports").mkdir()
    text = yaml.dump(REPORTS["d"] | {"results": results}, sort_keys=False)
    (files / "reports" / "d.yaml").write_text(text, encoding="utf-8")
    found = fault()
    assert found.startswith(f"reports/d.yaml: results{message}")
    assert "\n" not in found


def test_claims_are_checked_with_the_experiments_that_their_analyses_look_at(files):
    """The nets of an interpolation are another experiment's, and so are the values that they were trained with."""
    report = REPORTS["c"]
    claim = next(entry for entry in REPORTS["d"]["claims"].values() if "definition" in entry or "untestable" in entry)
    test = {"report": "c", "experiment": "c-interpolation-batch-size", "figure": None, "definition": None,
            "untestable": None, "arithmetic": {"computed": {"a": "layers('nobody')"}, "holds": "a == 1"}}  # fmt: skip
    shutil.rmtree(files / "reports")
    (files / "reports").mkdir()
    path = files / "reports" / "c.yaml"
    path.write_text(yaml.dump(report | {"claims": {"c-it": claim | test}}, sort_keys=False), encoding="utf-8")
    assert fault().startswith("reports/c.yaml: claims.c-it: computed.a: ")
    (model,) = report["experiments"]["c-sensitivity-batch-size"]["models"]
    path.write_text(path.read_text(encoding="utf-8").replace("nobody", model), encoding="utf-8")
    assert check_settings() == len(report["experiments"])


def test_faults_of_several_files_are_all_told(files):
    for name in ("params.yaml", "reports/b.yaml", "reports/d.yaml"):
        (files / name).write_text("- a list\n", encoding="utf-8")
    places = [line.partition(":")[0] for line in fault().splitlines()]
    assert places == ["params.yaml", "reports/b.yaml", "reports/d.yaml"]


def test_the_data_set_of_the_readme_is_valid(files):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "datasets:" in block]
    shown, params = yaml.safe_load(block), yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["datasets"] |= shown["datasets"]
    params["scales"]["quick"] |= shown["scales"]["quick"]
    Path("params.yaml").write_text(yaml.dump(params), encoding="utf-8")
    check_settings()
    assert load_params().chosen_scale.data.mnist in shown["datasets"]
