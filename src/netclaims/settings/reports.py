"""Reading `params.yaml` and all of `reports/*.yaml`, with every fault that is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from netclaims.claims.check_claims import load_claims
from netclaims.claims.entries import Claim
from netclaims.claims.stated_entries import Stated, load_results
from netclaims.errors import SettingsError, shown, told_with
from netclaims.paths import REPORTS
from netclaims.settings.analyses import ANALYSES, Section
from netclaims.settings.check_figures import check_figures
from netclaims.settings.experiments import ExperimentEntry, check_key, load_experiments
from netclaims.settings.figures import FiguresSettings
from netclaims.settings.params import Params, load_params
from netclaims.settings.schema import validate
from netclaims.settings.strict_yaml import read_yaml

Entry = TypeVar("Entry", Section, FiguresSettings)
PIPELINE = Path("dvc.yaml")  # lies beside params.yaml
# Where it names every report besides `vars`, and how.
LISTS = {"params": "reports/{}.yaml", "stages.claims.foreach": "{}", "stages.figures.foreach": "{}"}
# A name has no hyphen, at which `<report>-<name>` is taken apart, and is not that of a folder for all reports.
NAME = re.compile(r"(?!(?:claims|figures|stated)$)[A-Za-z0-9][A-Za-z0-9_]{0,49}")
RULE = "at most 50 letters, digits and _, and not claims, figures or stated"


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
    with told_with(faults):
        params = load_params()
    paths = sorted(path for path in REPORTS.glob("*.yaml") if not path.name.startswith("."))  # as editors leave them
    if not paths:
        faults.append(f"{REPORTS}: no report there, expected a file <report>.yaml for each")
    for path in paths:
        with told_with(faults):
            reports.append(load_report(path))
    with told_with(faults):
        faults += _unlisted(paths)
    _raise(faults)
    return params, reports


def _unlisted(paths: list[Path]) -> Iterator[str]:
    """Yield in what the report files in `dvc.yaml`, if there is one, differ from those that there are."""
    if not PIPELINE.exists():
        return
    pipeline = read_yaml(PIPELINE)
    listed = {
        Path(os.path.normpath(text.partition(":")[0])) for text in _texts(pipeline, "vars")
    }  # `: some of its keys`
    for path in paths:
        if path not in listed and NAME.fullmatch(path.stem):
            yield f"{PIPELINE}: vars: {path} is not listed, here and under params, claims and figures: it has no stages"
    for path in sorted(listed.difference(paths)):
        if path.parent == REPORTS:
            yield f"{PIPELINE}: vars: {path}: no such report; there are {', '.join(map(str, paths)) or 'none'}"
    for place, entry in LISTS.items():
        texts = _texts(pipeline, *place.split("."))
        for path in (path for path in paths if path in listed and entry.format(path.stem) not in texts):
            yield f"{PIPELINE}: {place}: {entry.format(path.stem)} is not listed, as {path} is under vars"


def _texts(content: Any, *keys: str) -> list[str]:
    """Return the texts of a list that lies under these keys; none if there is no list."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return [text for text in content if isinstance(text, str)] if isinstance(content, list) else []


def load_report(path: Path) -> Report:
    """Read and check one file of `reports/`.

    Raises:
        SettingsError: a line for every fault in it.
    """
    if not NAME.fullmatch(path.stem):
        raise SettingsError(f"{shown(str(path))[1:-1]}: named <report>.yaml, of {RULE}")
    content, report, faults = read_yaml(path), Report(path, load_experiments(path)), []
    for section, entries in content.items():
        if section in ("experiments", "results", "claims"):
            continue
        if section not in (*ANALYSES, "figures"):
            known = ", ".join(["experiments", *ANALYSES, "figures", "results", "claims"])
            faults.append(f"{path}: {section}: unknown section; there are {known}")
        elif not isinstance(entries, dict):
            rule = "a mapping of experiments to their settings"
            faults.append(f"{path}: {section}: {rule} (found {shown(entries)})")
        elif section in ANALYSES:
            for key, entry in entries.items():
                with told_with(faults):
                    report.analyses[section][key] = _analysis(section, key, entry, report)
    _raise(faults)  # what follows looks at the analyses
    for key, entry in (content.get("figures") or {}).items():
        with told_with(faults):
            report.figures[key] = _figures(key, entry, report)
    _raise(faults)  # likewise, and at the figures
    with told_with(faults):
        report.results.update(load_results(path, content, report.experiments))
    with told_with(faults):
        report.claims.update(load_claims(path, content, report.experiments))
    _raise(faults)
    return report


def _raise(faults: list[str]) -> None:
    if faults:
        raise SettingsError("\n".join(faults))


def _analysis(section: str, key: str, content: Any, report: Report) -> Section:
    where = f"{report.path}: {section}.{key}"
    entry = _checked(ANALYSES[section], section, key, content, report)
    for name, fault in entry.faults(report.experiments[entry.nets]):
        raise SettingsError(f"{f'{where}.{name}' if name else where}: {fault}")
    _same_nets(where, key, entry, report)
    return entry


def _figures(key: str, content: Any, report: Report) -> FiguresSettings:
    where = f"{report.path}: figures.{key}"
    entry = _checked(FiguresSettings, "figures", key, content, report)
    _same_nets(where, key, entry, report)
    lines = [
        f"{where}.{name}: {fault}" for name, fault in check_figures(entry, key, report.experiments, report.analyses)
    ]
    _raise(lines)
    return entry


def _checked(block: type[Entry], section: str, key: str, content: Any, report: Report) -> Entry:
    """Read an entry, and check that it is named after the report and that its nets are there."""
    check_key(key, report.path, section)
    entry = validate(block, content, report.path, f"{section}.{key}")
    if entry.nets not in report.experiments:
        known = ", ".join(report.experiments)
        raise SettingsError(f"{report.path}: {section}.{key}.nets: no experiment {entry.nets!r}; there are {known}")
    return entry


def _same_nets(where: str, key: str, entry: Section | FiguresSettings, report: Report) -> None:
    """Check that all that has one name is of the nets of one experiment: its tables lie in one folder."""
    nets = {key: key for key in report.experiments} | {
        key: other.nets for entries in report.analyses.values() for key, other in entries.items()
    }
    if nets.get(key, entry.nets) != entry.nets:
        raise SettingsError(f"{where}.nets: what is named {key} is of the nets of {nets[key]} (found {entry.nets!r})")
