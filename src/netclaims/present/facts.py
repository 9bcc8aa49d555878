"""What an experiment is, in words: its data, networks and settings, those that its report states and those assumed."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from netclaims.data.functions import formula
from netclaims.nets.layers import Conv, Dense, Pool, Resize, shapes
from netclaims.settings.experiments import EXAMPLE, Experiment, load_experiments
from netclaims.settings.figures import load_figures
from netclaims.settings.strict_yaml import read_yaml

DATA_NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
# What other facts say, or what says nothing about the experiment itself.
ELSEWHERE = {"report", "title", "data", "functions", "models", "follows", "against", "assumed", "stated"}
NO_ANALYSES = {"experiments", "figures", "results", "claims"}


@dataclass(frozen=True)
class Facts:
    """One experiment; lists are of lines of text.

    `nets` is the experiment whose nets it looks at: itself where it is `trained`, an earlier one where it is an
    analysis alone. `title`, `data` and `networks` are those of `nets`. `figures` are names of files.
    """

    key: str
    nets: str
    title: str
    data: list[str]
    networks: list[str]
    stated: list[str]
    assumed: list[str]
    stages: list[str]
    figures: list[str]

    @property
    def trained(self) -> bool:
        """Whether it has a training of its own."""
        return self.key == self.nets


def facts_of_report(path: Path) -> list[Facts]:
    """Return the facts of every experiment of the report in `path`, those with figures first, in the order of these.

    Raises:
        SettingsError: anything in its experiments or figures is wrong.
    """
    experiments, figures, content = load_experiments(path), load_figures(path.stem), read_yaml(path)
    kinds = {name: entries for name, entries in content.items() if name not in NO_ANALYSES}
    found = []
    for key in dict.fromkeys([*figures, *experiments, *(key for entries in kinds.values() for key in entries)]):
        analyses = {kind: entries[key] for kind, entries in kinds.items() if key in entries}
        found.append(_facts(key, experiments, analyses, list(figures[key].draw) if key in figures else []))
    return found


def _facts(key: str, experiments: dict[str, Experiment], analyses: dict[str, dict], figures: list[str]) -> Facts:
    trained = key in experiments
    nets = key if trained else next(entry["nets"] for entry in analyses.values())
    experiment = experiments[nets]
    stated, assumed = _settings(experiment) if trained else ([f"nets of {nets}"], [])
    for kind, entry in analyses.items():
        of_analysis = _of_analysis(kind, entry)
        stated, assumed = stated + of_analysis[0], assumed + of_analysis[1]
    return Facts(
        key=key,
        nets=nets,
        title=experiment.title,
        data=[formula(name) for name in experiment.functions or []] or [DATA_NAMES[experiment.data]],
        networks=_networks(experiment),
        stated=stated,
        assumed=assumed,
        stages=[f"train@{nets}", *(f"{kind}@{key}" for kind in analyses)],
        figures=figures,
    )


def _networks(experiment: Experiment) -> list[str]:
    lines, assumed = [], experiment.assumed
    for name, model in experiment.models.items():
        mark = ""
        described = model.parameters and model.stated
        if ("models" in assumed and not described) or f"models.{name}" in assumed:
            mark = " (layers assumed)" if model.parameters else " (assumed)"
        said = f" (report: {model.stated})" if model.stated else ""
        layers = layout(experiment, name)
        lines.append(f"{name}: {layers} = {experiment.parameters(name):,}{mark}{said}")
    return lines + ([f"report: {experiment.stated}"] if experiment.stated else [])


def layout(experiment: Experiment, model: str) -> str:
    """Write a network in one line: 1-5-10-1 where all layers are dense, a list of layers otherwise."""
    found = shapes(experiment.models[model].layers, EXAMPLE[experiment.data])
    if all(isinstance(layer, Dense) for layer, _ in found):
        widths = [prod(EXAMPLE[experiment.data]), *(layer.dense for layer, _ in found)]
        unbiased = [str(number) for number, (layer, _) in enumerate(found, start=1) if not layer.bias]
        return "-".join(map(str, widths)) + (f" without biases in layer {', '.join(unbiased)}" if unbiased else "")
    words = []
    for layer, _ in found:
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


def _settings(experiment: Experiment) -> tuple[list[str], list[str]]:
    """Return the settings that the report states, and those assumed, each as a line."""
    stated, assumed = [], []
    values = experiment.model_dump(exclude_unset=True)
    if "batch_size" in experiment.follows:
        values["batch_size"] = "(knob)" if "batch_size" in experiment.assumed else "64 (knob)"
    for name, value in values.items():
        if name in ELSEWHERE:
            continue
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        for part, inner in parts:
            if (name, part) == ("record", "gradient_norm"):  # for an analysis, which has a row or a line of its own
                continue
            mine = name in experiment.assumed or f"{name}.{part}" in experiment.assumed
            (assumed if mine else stated).append(_line(name if part is None else f"{name} {part}", inner))
    assumed += ["the function" for name in experiment.assumed if name == "functions"]
    return stated, assumed


def _of_analysis(section: str, entry: dict) -> tuple[list[str], list[str]]:
    stated, assumed = [], []
    for name, value in entry.items():
        if name == "against" and section == "gradient":
            stated.append(f"gradient norm by {value}")
        elif name not in ("report", "nets", "data", "against", "assumed"):
            parts = value.items() if isinstance(value, dict) else [(None, value)]
            lines = [_line(f"{section} {name}" + (f" {part}" if part else ""), inner) for part, inner in parts]
            (assumed if name in entry.get("assumed", []) else stated).extend(lines)
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
        return np.format_float_scientific(value, trim="-", exp_digits=1) if small else f"{value:g}"
    return str(value).replace("_", " ")
