"""Reading `params.yaml` and all of `reports/*.yaml`, with every fault that is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netclaims.claims.check_claims import load_claims
from netclaims.claims.entries import Claim
from netclaims.claims.stated_entries import Stated, load_results
from netclaims.errors import SettingsError, shown
from netclaims.paths import REPORTS
from netclaims.settings.analyses import ANALYSES, Section
from netclaims.settings.experiments import ExperimentEntry, check_key, load_experiments
from netclaims.settings.figures import FiguresSettings
from netclaims.settings.params import Params, load_params
from netclaims.settings.schema import validate
from netclaims.settings.strict_yaml import read_yaml

PIPELINE = Path("dvc.yaml")  # lies beside params.yaml
# A name has no hyphen, at which `<report>-<name>` is taken apart. The figures of all reports lie in plots/figures.
NAME = re.compile(r"(?!figures$)[A-Za-z0-9][A-Za-z0-9_]{0,49}")


@dataclass(frozen=True)
class Report:
    """One file of `reports/`, checked.

    Attributes:
        path: the file.
        experiments: what is trained, by name.
        analyses: for every kind of analysis its entries, by name.
        figures: what is drawn of every experiment or analysis.
        results: numbers that the report states, by experiment and name.
        claims: what the report concludes, by name.
    """

    path: Path
    experiments: dict[str, ExperimentEntry]
    analyses: dict[str, dict[str, Section]] = field(default_factory=lambda: {kind: {} for kind in ANALYSES})
    figures: dict[str, FiguresSettings] = field(default_factory=dict)
    results: dict[str, dict[str, Stated]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the report is called: the name of its file."""
        return self.path.stem

    def nets_of(self, key: str) -> str:
        """Return the experiment that trained the nets of an experiment or of an analysis."""
        if key in self.experiments:
            return key
        return next(entries[key].nets for entries in (*self.analyses.values(), self.figures) if key in entries)


def load_settings() -> tuple[Params, list[Report]]:
    """Read and check `params.yaml` and every file in `reports/`, in the order of their names.

    Raises:
        SettingsError: a line for every fault that was found, over all files.
    """
    faults: list[str] = []
    params, reports = None, []
    try:
        params = load_params()
    except SettingsError as error:
        faults.append(str(error))
    paths = sorted(path for path in REPORTS.glob("*.yaml") if not path.name.startswith("."))  # as editors leave them
    if not paths:
        faults.append(f"{REPORTS}: no report there, expected a file <report>.yaml for each")
    for path in paths:
        try:
            reports.append(load_report(path))
        except SettingsError as error:
            faults.append(str(error))
    try:
        faults += _unlisted(paths)
    except SettingsError as error:
        faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return params, reports


def _unlisted(paths: list[Path]) -> Iterator[str]:
    """Yield in what the report files in `dvc.yaml`, if there is one, differ from those that there are."""
    if not PIPELINE.exists():
        return
    entries = read_yaml(PIPELINE).get("vars")
    texts = [entry for entry in entries if isinstance(entry, str)] if isinstance(entries, list) else []
    listed = {Path(os.path.normpath(text.partition(":")[0])) for text in texts}  # some of its keys may follow a colon
    for path in paths:
        if path not in listed and NAME.fullmatch(path.stem):
            yield f"{PIPELINE}: vars: {path} is not listed, here and under params, claims and figures: it has no stages"
    for path in sorted(listed.difference(paths)):
        if path.parent == REPORTS:
            yield f"{PIPELINE}: vars: {path}: no such report; there are {', '.join(map(str, paths)) or 'none'}"


def load_report(path: Path) -> Report:
    """Read and check one file of `reports/`.

    Raises:
        SettingsError: anything in it is wrong.
    """
    if not NAME.fullmatch(path.stem):
        rule = "named <report>.yaml, the report's name being at most 50 letters, digits and _, and not figures"
        raise SettingsError(f"{shown(str(path))[1:-1]}: {rule}")
    content, report = read_yaml(path), Report(path, load_experiments(path))
    for section, entries in content.items():
        if section in ("experiments", "results", "claims"):
            continue
        if section not in (*ANALYSES, "figures"):
            known = ", ".join(["experiments", *ANALYSES, "figures", "results", "claims"])
            raise SettingsError(f"{path}: {section}: unknown section; there are {known}")
        if not isinstance(entries, dict):
            rule = "a mapping of experiments to their settings"
            raise SettingsError(f"{path}: {section}: {rule} (found {shown(entries)})")
        place = report.figures if section == "figures" else report.analyses[section]
        place |= {key: _entry(section, key, entry, report) for key, entry in entries.items()}
    report.results.update(load_results(path, content, report.experiments))
    report.claims.update(load_claims(path, content, report.experiments))
    return report


def _entry(section: str, key: str, content: Any, report: Report) -> Section | FiguresSettings:
    path, where = report.path, f"{section}.{key}"
    check_key(key, path, section)
    entry = validate(ANALYSES.get(section, FiguresSettings), content, path, where)
    if entry.nets not in report.experiments:
        known = ", ".join(report.experiments)
        raise SettingsError(f"{path}: {where}.nets: no experiment {entry.nets!r}; there are {known}")
    if section in ANALYSES:
        for name, fault in entry.faults(report.experiments[entry.nets]):
            raise SettingsError(f"{path}: {f'{where}.{name}' if name else where}: {fault}")
    return entry
