"""What the experiments of a report are, in words, from their entries."""

from __future__ import annotations

from math import prod

import numpy as np

from netclaims.data.functions import DOMAIN, formula
from netclaims.data.registry import DATA_KINDS
from netclaims.digits import all_digits
from netclaims.nets.layers import Conv, Dense, Pool, Resize
from netclaims.present.facts import Facts
from netclaims.settings.analyses import Section
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.reports import Report

# Other facts say these, or they say nothing about the experiment itself.
ELSEWHERE = {"report", "title", "data", "functions", "models", "against", "assumed", "stated"}


def facts_of_report(report: Report) -> list[Facts]:
    """Return the facts of every experiment of a report, those with figures first, in the order of these."""
    found = []
    analysed = (key for entries in report.analyses.values() for key in entries)
    for key in dict.fromkeys([*report.figures, *report.experiments, *analysed]):
        analyses = {kind: entries[key] for kind, entries in report.analyses.items() if key in entries}
        figures = list(report.figures[key].draw) if key in report.figures else []
        found.append(_facts(key, report.experiments, analyses, figures))
    return found


def _facts(
    key: str, experiments: dict[str, ExperimentEntry], analyses: dict[str, Section], figures: list[str]
) -> Facts:
    trained = key in experiments
    nets = key if trained else next(entry.nets for entry in analyses.values())
    experiment = experiments[nets]
    of_nets = _settings(experiment)
    stated, assumed = of_nets if trained else ([f"nets of {nets}"], [])
    for kind, entry in analyses.items():
        of_analysis = _of_analysis(kind, entry)
        stated, assumed = stated + of_analysis[0], assumed + of_analysis[1]
    return Facts(
        key=key,
        nets=nets,
        title=experiment.title,
        data=[formula(name) for name in experiment.functions or []] or [DATA_KINDS[experiment.data].title],
        networks=_networks(experiment),
        notes=_notes(experiment),
        nets_assumed=of_nets[1],
        stated=stated,
        assumed=assumed,
        stages=[f"train@{nets}", *(f"{kind}@{key}" for kind in analyses)],
        figures=figures,
    )


def _networks(experiment: ExperimentEntry) -> list[str]:
    lines, assumed = [], experiment.assumed
    for name, model in experiment.models.items():
        mark = ""
        if "models" in assumed or f"models.{name}" in assumed:
            mark = " (layers assumed)" if model.parameters else " (assumed)"
        said = f" (report: {model.stated})" if model.stated else ""
        layers = layout(experiment, name)
        lines.append(f"{name}: {layers} = {experiment.parameters(name):,}{mark}{said}")
    return lines + ([f"report: {experiment.stated}"] if experiment.stated else [])


def _notes(experiment: ExperimentEntry) -> list[str]:
    notes = {name: model.stated for name, model in experiment.models.items()} | {"all nets": experiment.stated}
    return [f"for {name} the report has {said}" for name, said in notes.items() if said]


def layout(experiment: ExperimentEntry, model: str) -> str:
    """Write a network in one line: 1-5-10-1 where all layers are dense, a list of layers otherwise."""
    found = experiment.layers(model)
    if all(isinstance(layer, Dense) for layer in found):
        widths = [prod(DATA_KINDS[experiment.data].shape), *(layer.dense for layer in found)]
        unbiased = [str(number) for number, layer in enumerate(found, start=1) if not layer.bias]
        return "-".join(map(str, widths)) + (f" without biases in layer {', '.join(unbiased)}" if unbiased else "")
    words = []
    for layer in found:
        match layer:
            case Conv():
                words.append(f"conv {layer.conv} k{layer.kernel} p{layer.padding}")
            case Pool():
                words.append(f"pool {layer.pool}")
            case Resize():
                words.append(f"resize {layer.resize}")
            case Dense():
                words.append(f"{layer.dense}" + ("" if layer.bias else " without bias"))
            case _:
                words.append("softmax")
    return ", ".join(words)


def _settings(experiment: ExperimentEntry) -> tuple[list[str], list[str]]:
    """Return the settings that the report states, and those assumed, each as a line."""
    stated, assumed = [], []
    values = experiment.model_dump(exclude_unset=True)
    if experiment.functions:
        values["domain"] = list(DOMAIN)
    if experiment.follows_batch_size:
        values["batch_size"] = "(knob)" if "batch_size" in experiment.assumed else "64 (knob)"
    for name, value in values.items():
        if name in ELSEWHERE:
            continue
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        for part, inner in parts:
            if (name, part) == ("record", "gradient_norm"):  # its analysis has a row or a line of its own
                continue
            mine = name in experiment.assumed or f"{name}.{part}" in experiment.assumed
            (assumed if mine else stated).append(_line(name if part is None else f"{name} {part}", inner))
    whole = {"data": "the data set", "functions": "the function"}
    whole |= {f"functions.{name}": f"the function {formula(name)}" for name in experiment.functions or []}
    assumed += [words for name, words in whole.items() if name in experiment.assumed]
    return stated, assumed


def _of_analysis(section: str, entry: Section) -> tuple[list[str], list[str]]:
    stated, assumed = [], []
    for name, value in entry.model_dump(exclude_unset=True).items():
        if name == "against" and section == "gradient":
            stated.append(f"gradient norm by {value}")
        elif name not in ("report", "nets", "data", "against", "assumed"):
            parts = value.items() if isinstance(value, dict) else [(None, value)]
            lines = [_line(f"{section} {name}" + (f" {part}" if part else ""), inner) for part, inner in parts]
            (assumed if name in entry.assumed else stated).extend(lines)
    return stated, assumed


def _line(name: str, value: object) -> str:
    words = name.replace("_", " ")
    if isinstance(value, list):
        return f"{words} {', '.join(_value(item).replace(',', '') for item in value)}"
    return f"{words} {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        small = 0 < abs(value) < 1e-3
        return np.format_float_scientific(value, trim="-", exp_digits=1) if small else all_digits(value)
    return str(value).replace("_", " ")
