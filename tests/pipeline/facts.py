"""What the pipeline is, read from the reports and from the code: what its tests expect of dvc.yaml."""

import ast
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
REPORTS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
           for path in sorted((ROOT / "reports").glob("*.yaml"))}  # fmt: skip
EXPERIMENTS = {key: entry for report in REPORTS.values() for key, entry in report["experiments"].items()}
KINDS = ["fit", "pca", "gradient", "hessian", "interpolate", "sensitivity"]
NETS = {f"{kind}@{key}": entry["nets"]
        for report in REPORTS.values() for kind in KINDS for key, entry in report.get(kind, {}).items()}  # fmt: skip


def trainings(condition):
    return {f"train@{key}" for key, entry in EXPERIMENTS.items() if condition(entry)}


def analyses(trained):
    """The analyses of the nets of these trainings."""
    return {stage for stage, nets in NETS.items() if f"train@{nets}" in trained}


DATA = {"prepare@functions", "prepare@mnist", "prepare@cifar10"}
TRAINING = trainings(lambda entry: True)
IN_BATCHES = trainings(lambda entry: "batch_size" not in {**entry, **entry.get("sweep", {}), **entry.get("tune", {})})
OWN_REPLICAS = trainings(lambda entry: "replicas" in entry)
ANALYSES = set(NETS)
RANDOM = {stage for stage in ANALYSES if stage.startswith(("hessian", "pca", "sensitivity"))}
FIGURES = {f"figures@{report}" for report in REPORTS}
ALL = {"check", "docs", "claims", "ledger", "report"} | DATA | TRAINING | ANALYSES | FIGURES


def kind(stage: str) -> str:
    """The name of a stage without its key: that of its script."""
    return stage.partition("@")[0]


def imported(path: Path, seen: set[Path]) -> set[Path]:
    """The package's modules that a file imports, and those that they import."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            module = ROOT / "src" / Path(*name.split(".")).with_suffix(".py")
            if name.startswith("netclaims.") and module.exists() and module not in seen:
                seen.add(module)
                imported(module, seen)
    return seen
