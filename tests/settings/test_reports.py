"""All settings together: as they are committed, and what is said of report files and of what lies beside them."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import modify_yaml

from netclaims.errors import SettingsError
from netclaims.settings.analyses import ANALYSES
from netclaims.settings.reports import load_report, load_settings
from netclaims.settings.strict_yaml import read_yaml

ROOT = Path(__file__).parents[2]
REPORTS = {path.stem: yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
           for path in (ROOT / "reports").glob("*.yaml")}  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "reports", tmp_path / "reports")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fault() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
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


def test_the_committed_settings_are_valid(files):
    shutil.copy(ROOT / "dvc.yaml", files)
    params, reports = load_settings()
    written = yaml.safe_load((files / "params.yaml").read_text(encoding="utf-8"))
    assert (params.seed, params.scale, list(params.datasets)) == (0, "quick", list(written["datasets"]))
    assert [report.name for report in reports] == sorted(REPORTS)
    for report in reports:
        content = REPORTS[report.name]
        assert report.path == Path("reports") / f"{report.name}.yaml"
        assert list(report.experiments) == list(content["experiments"])
        assert {kind: list(entries) for kind, entries in report.analyses.items()} == {
            kind: list(content.get(kind, {})) for kind in ANALYSES
        }
        assert list(report.figures) == list(content["figures"])
        assert list(report.claims) == list(content["claims"])
        assert {key: list(numbers) for key, numbers in report.results.items()} == {
            key: list(numbers) for key, numbers in content["results"].items()
        }
        assert load_report(report.path) == report
    assert sum(len(report.experiments) for report in reports) > 30


def test_the_nets_of_an_experiment_of_an_analysis_and_of_figures(files):
    report = load_report(files / "reports" / "c.yaml")
    assert report.nets_of("c-trajectory") == "c-trajectory"
    assert report.nets_of("c-interpolation-batch-size") == "c-sensitivity-batch-size"
    trained = {key for key in REPORTS["c"]["figures"] if key not in REPORTS["c"]["experiments"]}
    assert trained
    for key in trained:
        assert report.nets_of(key) == REPORTS["c"]["figures"][key]["nets"]


def test_the_five_reports_have_entries_in_every_section():
    assert sorted(REPORTS) == ["a", "b", "c", "d", "e"]
    assert {section for content in REPORTS.values() for section in content} == {
        "experiments",
        *ANALYSES,
        "figures",
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
            "{layers: [16, 8, 1]}",
            "{layers: [16, 8, {dense: 1, bias: false}]}",
            "hessian.d-minimal-ratio: works on an experiment that fits functions with biases in every layer",
        ),
        (
            "      batch_size: [64, 1024]\n",
            "      batch_size: [64, 1024]\n      shuffle_labels: [0, 1]\n",
            "interpolate.d-interpolation: works on an experiment that shuffles no labels: it is measured on the true ",
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
            "interpolate.c-interpolation-batch-size: works on an experiment that sweeps batch_size, and nothing",
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
    _, (found,) = load_settings()
    assert list(found.claims) == ["c-it"]


def test_faults_of_several_files_are_all_told(files):
    for name in ("params.yaml", "reports/b.yaml", "reports/d.yaml"):
        (files / name).write_text("- a list\n", encoding="utf-8")
    places = [line.partition(":")[0] for line in fault().splitlines()]
    assert places == ["params.yaml", "reports/b.yaml", "reports/d.yaml"]


# --------------------------------------------------------------------------------------- an analysis of another kind

NET = {
    "report": "f",
    "title": "A small classifier",
    "data": "mnist",
    "models": {"B": {"layers": [{"pool": 4}, 10]}},
    "activation": "relu",
    "loss": "cross_entropy",
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "epochs": 3,
    "against": "parameters",
}
PCA = {"pca": {"f-net": {"report": "f", "nets": "f-net", "data": "mnist", "points": 5, "examples": 50}}}
LINE = {"report": "f", "nets": "f-net", "data": "mnist", "over": "batch_size", "between": [20, 100], "alpha": [-1, 2]}
CURVATURE = {"examples": 50, "iterations": 5, "starts": 1, "probes": 3, "epsilon": 1e-3}
SENSITIVE = {"report": "f", "nets": "f-net", "data": "mnist", "against": "batch_size", "examples": 50}
INTERPOLATE = {"interpolate": {"f-net": LINE | {"points": 13}}}
SENSITIVITY = {"sensitivity": {"f-net": SENSITIVE | {"curvature": CURVATURE}}}
WEIGHTS = {"record": {"weights_every": 1}}
SWEPT = {"sweep": {"batch_size": [20, 100]}, "against": "batch_size"}
TRUE_LABELS = "works on an experiment that shuffles no labels: it is measured on the true ones"


def write_report(folder: Path, name: str, **content) -> Path:
    """The settings of the project, with one report in place of its own."""
    shutil.rmtree(folder / "reports", ignore_errors=True)
    (folder / "reports").mkdir()
    path = folder / "reports" / f"{name}.yaml"
    path.write_text(yaml.dump(content, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "analyses", "expected"),
    [
        (
            WEIGHTS | {"learning_rate": None, "sweep": {"learning_rate": [1e-4, 1e-2]}, "against": "learning_rate"},
            PCA,
            "pca.f-net: works on an experiment that records weights_every, of one net with one setting",
        ),
        (WEIGHTS | {"shuffle_labels": 1.0}, PCA, f"pca.f-net: {TRUE_LABELS}"),
        (SWEPT | {"shuffle_labels": 1.0}, INTERPOLATE | SENSITIVITY, f"interpolate.f-net: {TRUE_LABELS}"),
        (SWEPT | {"shuffle_labels": 1.0}, SENSITIVITY, f"sensitivity.f-net: {TRUE_LABELS}"),
        (
            {"augment": {"crop": 10**9}},
            {},
            "experiments.f-net.augment.crop: at most 27, as images have 28 pixels a side (found 1000000000)",
        ),
        (WEIGHTS, PCA, None),
        (SWEPT, INTERPOLATE | SENSITIVITY, None),
        ({"augment": {"crop": 27}}, {}, None),
    ],
)
def test_an_analysis_gets_nets_that_it_can_say_something_of(files, changes, analyses, expected):
    content = {key: value for key, value in (NET | changes).items() if value is not None}
    write_report(files, "f", experiments={"f-net": content}, **analyses)
    if expected:
        assert fault().splitlines()[0] == f"reports/f.yaml: {expected}"
    else:
        _, (report,) = load_settings()
        assert {kind: {"f-net"} for kind in analyses} == {
            kind: entries.keys() for kind, entries in report.analyses.items() if entries
        }


@pytest.mark.parametrize("entries", [["f-net"], "f-net", [{"f-net": 1}], 7, None])
@pytest.mark.parametrize("section", [*ANALYSES, "figures"])
def test_a_section_that_is_no_mapping(section, entries, files):
    write_report(files, "f", experiments={"f-net": NET}, **{section: entries})
    expected = f"reports/f.yaml: {section}: a mapping of experiments to their settings (found {entries!r})"
    assert fault() == expected


# ------------------------------------------------------------------------------------------- reports by their files


@pytest.mark.parametrize("name", ["f", "F2", "my_report", "7", "a" * 50])
def test_what_a_report_may_be_called(name, files):
    write_report(files, name, experiments={f"{name}-net": NET | {"report": name}})
    _, (report,) = load_settings()
    assert report.name == name


@pytest.mark.parametrize(
    "name",
    [
        "my-report",
        "f-",
        "_f",
        "f.g",
        "f g",
        "é",
        "${f}",
        "$(touch ran)",
        "a\nb",
        "a" * 51,
        "figures",
        "claims",
        "stated",
    ],
)
def test_a_report_is_called_by_one_word(name, files):
    """Of the name of an entry, the report is what comes before the first hyphen."""
    write_report(files, name, experiments={f"{name}-net": NET | {"report": name}})
    rule = "named <report>.yaml, of at most 50 letters, digits and _, and not claims, figures or stated"
    assert fault() == f"reports/{name}.yaml: {rule}".replace("\n", "\\n")


def listing(files: Path, *entries) -> None:
    """What DVC is told of the files of reports, under `vars`; all else is as for those of this project."""
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8")) | {"vars": list(entries)}
    (files / "dvc.yaml").write_text(yaml.dump(pipeline), encoding="utf-8")


ALL = [f"reports/{name}.yaml" for name in "abcde"]


@pytest.mark.parametrize(
    "entries",
    [ALL, [*ALL[::-1], {"more": 1}, "params.yaml"], [f"./{path}" for path in ALL], [*ALL[1:], f"{ALL[0]}:fit,pca"]],
)
def test_reports_that_dvc_knows_of(entries, files):
    listing(files, *entries)
    assert len(load_settings()[1]) == 5


def test_a_report_that_dvc_does_not_know_of(files):
    listing(files, *ALL[:3])
    assert fault().splitlines() == [
        f"dvc.yaml: vars: {path} is not listed, here and under params, claims and figures: it has no stages"
        for path in ALL[3:]
    ]
    listing(files, *ALL)
    write_report(files, "f", experiments={"f-net": NET})
    for name in ("a", "b", "c", "d", "e"):
        shutil.copy(ROOT / "reports" / f"{name}.yaml", files / "reports")
    rule = "is not listed, here and under params, claims and figures: it has no stages"
    assert fault() == f"dvc.yaml: vars: reports/f.yaml {rule}"


@pytest.mark.parametrize(
    ("place", "entry"),
    [("params", "reports/d.yaml"), ("stages.claims.foreach", "d"), ("stages.figures.foreach", "d")],
)
def test_a_report_that_dvc_knows_of_by_half(place, entry, files):
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    *keys, last = place.split(".")
    block = pipeline
    for key in keys:
        block = block[key]
    block[last].remove(entry)
    (files / "dvc.yaml").write_text(yaml.dump(pipeline), encoding="utf-8")
    assert fault() == f"dvc.yaml: {place}: {entry} is not listed, as reports/d.yaml is under vars"


def test_a_report_that_dvc_looks_for_in_vain(files):
    listing(files, *ALL, "reports/g.yaml", "other/h.yaml")
    assert fault() == f"dvc.yaml: vars: reports/g.yaml: no such report; there are {', '.join(ALL)}"


@pytest.mark.parametrize("content", ["stages: {}\n", "vars:\n", "vars: reports/a.yaml\n", "vars: [1, [2]]\n"])
def test_a_pipeline_without_reports(content, files):
    (files / "dvc.yaml").write_text(content)
    assert [line.partition(" is not listed")[0] for line in fault().splitlines()] == [
        f"dvc.yaml: vars: {path}" for path in ALL
    ]


def test_a_pipeline_that_cannot_be_read_is_told_once(files):
    (files / "dvc.yaml").write_text("vars: [\n")
    assert re.fullmatch(r"dvc\.yaml:2:1: .+", fault())


def test_a_badly_named_report_is_told_once(files):
    listing(files, *ALL)
    (files / "reports" / "a-b.yaml").write_text("experiments: {}\n")
    assert fault().startswith("reports/a-b.yaml: named <report>.yaml, ")
    assert "\n" not in fault()


@pytest.mark.usefixtures("files")
def test_without_a_pipeline_nothing_is_said_of_it():
    assert not Path("dvc.yaml").exists()
    load_settings()
