"""What the pipeline is, read from the reports and from the code: what its tests expect of dvc.yaml and of recipes."""

import ast
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
REPORTS = {path.stem: yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
           for path in sorted((ROOT / "reports").glob("[a-z]*.yaml"))}  # fmt: skip
EXPERIMENTS = {key: entry for report in REPORTS.values() for key, entry in report["experiments"].items()}
TWO = ["d", "e"]  # reports that have between them every kind of stage and of data, and nearly every setting
# What others of the two have as well: trained, analysed and judged with them it would take three times as long.
LEFT_OUT = {
    "d-capacity", "d-gradient-norm", "d-trajectory", "e-capacity", "e-capacity-convolutions", "e-interpolation",
    "e-minimal-ratio", "e-random-labels", "e-sensitivity", "e-simulate",
}  # fmt: skip
KINDS = ["fit", "pca", "gradient", "hessian", "interpolate", "sensitivity"]
NETS = {f"{kind}@{key}": entry["nets"]
        for report in REPORTS.values() for kind in KINDS for key, entry in report.get(kind, {}).items()}  # fmt: skip


def trainings(condition):
    return {f"train@{key}" for key, entry in EXPERIMENTS.items() if condition(entry)}


def analyses(trained):
    """The analyses of the nets of these trainings."""
    return {stage for stage, nets in NETS.items() if f"train@{nets}" in trained}


def replicas(entry, knob, most):
    """How many replicas of its nets an experiment has."""
    return min(entry.get("replicas") or max(knob, entry.get("least_replicas", 1)), most)


DATA = {"prepare@functions", "prepare@mnist", "prepare@cifar10"}
TRAINING = trainings(lambda entry: True)
OF_IMAGES = trainings(lambda entry: entry["data"] != "functions")
IN_BATCHES = trainings(lambda entry: "batch_size" not in {**entry, **entry.get("sweep", {}), **entry.get("tune", {})})
OWN_REPLICAS = trainings(lambda entry: "replicas" in entry)
ANALYSES = set(NETS)
RANDOM = {stage for stage in ANALYSES if stage.startswith(("hessian", "pca", "sensitivity"))}
FIGURES = {f"figures@{report}" for report in REPORTS}
CLAIMS = {f"claims@{report}" for report in REPORTS}
WITH_RECIPE = {"docs", "ledger", "report"} | DATA | TRAINING | ANALYSES | CLAIMS | FIGURES
ALL = {"recipes"} | WITH_RECIPE


def kind(stage: str) -> str:
    """The name of a stage without its key: that of its script."""
    return stage.partition("@")[0]


def with_claims(stages: set[str]) -> set[str]:
    """Stages, and those that judge the claims of a report of which they train or analyse nets."""
    keys = {stage.partition("@")[2] for stage in stages & (TRAINING | ANALYSES)}
    return stages | {f"claims@{key.partition('-')[0]}" for key in keys}


def of_reports(stages, reports) -> set[str]:
    """Those of some stages that a pipeline of these reports has."""
    keys = {stage: stage.partition("@")[2] for stage in stages}
    return {stage for stage, key in keys.items() if not key or stage in DATA or key.partition("-")[0] in reports}


def without(content: dict, left_out: set[str]) -> dict:
    """A report without some entries, and without what is drawn of them, compared and claimed."""
    found = {
        section: {key: entry for key, entry in entries.items() if entry.get("experiment", key) not in left_out}
        for section, entries in content.items()
    }
    return {section: entries for section, entries in found.items() if entries}


SHORTENED = {report: without(REPORTS[report], LEFT_OUT) for report in TWO}
ONE_TRAINING = {"d": without(REPORTS["d"], REPORTS["d"]["experiments"].keys() - {"d-gradient-norm"})}


def of_contents(stages, contents) -> set[str]:
    """Those of some stages that a pipeline has of reports with these contents."""
    left_out = LEFT_OUT if contents is SHORTENED else set()
    return {stage for stage in of_reports(stages, contents) if stage.partition("@")[2] not in left_out}


def of_kinds(kinds) -> set[str]:
    """The stages with these scripts."""
    return {stage for stage in WITH_RECIPE if kind(stage) in kinds}


def path_of(module: str) -> Path | None:
    path = ROOT / "src" / Path(*module.split("."))
    files = [path.with_suffix(".py"), path / "__init__.py"] if module.startswith("netclaims.") else []
    return next((file for file in files if file.exists()), None)


@cache
def names_imported(path: Path) -> frozenset[str]:
    """What a file imports, by its full name, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


INIT = ROOT / "src" / "netclaims" / "__init__.py"  # runs before any other module of the package
# What these say and do is in no result: how scripts start and end, digests, and where work is done.
NO_RESULT = {ROOT / "src" / "netclaims" / name for name in (
    "command.py", "errors.py", "parallel/cores.py", "parallel/processes.py", "parallel/ray_cluster.py",
    "training/device.py", "recipes/code.py", "recipes/read.py",
)}  # fmt: skip


@cache
def imported(path: Path) -> frozenset[Path]:
    """The package's modules that a file imports, and those that they import, as far as they are in results."""
    seen, waiting = {INIT}, [path, INIT]
    while waiting:
        names = names_imported(waiting.pop())
        names |= {name.rpartition(".")[0] for name in names}  # a package runs before what is in it
        modules = {found for name in names if (found := path_of(name)) not in {None, *NO_RESULT}}
        waiting += modules - seen
        seen |= modules
    return frozenset(seen)


def script(name: str) -> Path:
    return ROOT / "stages" / f"{name}.py"


SCRIPTS = sorted({kind(stage) for stage in WITH_RECIPE})
MODULES = sorted((ROOT / "src" / "netclaims").rglob("*.py"))


def stages_that_import(module: Path) -> set[str]:
    return of_kinds({name for name in SCRIPTS if module in imported(script(name))})


def stages_that_use(library: str) -> set[str]:
    """The stages whose code imports something of a library, by the name that code imports."""
    found = set()
    for name in SCRIPTS:
        names = {one for path in (script(name), *imported(script(name))) for one in names_imported(path)}
        if library in {one.partition(".")[0] for one in names}:
            found.add(name)
    return of_kinds(found)
