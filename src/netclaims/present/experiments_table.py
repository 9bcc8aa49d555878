"""The table of all experiments, in Markdown: what each report states, and what this project had to choose."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from netclaims.learn.config import EXAMPLE, Experiment, load_experiments
from netclaims.learn.functions import formula
from netclaims.learn.layers import Conv, Dense, Pool, Resize, shapes
from netclaims.learn.paths import FIGURES, REPORTS, report_of
from netclaims.learn.settings import read_yaml
from netclaims.present.config import load_figures

DATA_NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
# What the other columns of the table show, or what says nothing about the experiment itself.
ELSEWHERE = {"report", "title", "data", "functions", "models", "follows", "against", "chosen", "stated"}
HEAD = """# The experiments

Written by the stage `docs` from [reports/](../reports). An experiment is an entry of `experiments` there; some reports
look at the same nets twice, and then the second experiment is an analysis of the nets of the first. *Stated* are the
settings that the report gives, *chosen* those that it leaves open; epochs, sizes of data sets and replicas are those of
the `paper` scale. A batch size "(knob)" is that of [params.yaml](../params.yaml).

A network is written by its layers and the number of its parameters: 784-256-10 has 784 inputs, a dense layer of 256
units and one of 10; elsewhere a number is a dense layer, and `conv 16 k3 p1` a convolution to 16 channels of kernel 3
and padding 1. *(chosen)*: the report does not give the network; *(layers chosen)*: it gives only the count. *report:*
is what the report says where its words and its numbers cannot both be had.
"""


def experiments_table() -> str:
    """The page: a section and a table for each report, a row for each experiment."""
    return "\n".join([HEAD, *(_section(path) for path in sorted(REPORTS.glob("*.yaml")))])


def _section(path: Path) -> str:
    experiments, figures, content = load_experiments(path), load_figures(path.stem), read_yaml(path)
    kinds = {name: entries for name, entries in content.items() if name not in ("experiments", "figures", "claims")}
    head = ["experiment", "data", "networks and parameters", "stated", "chosen", "stages", "figures"]
    rows = [head, ["---"] * len(head)]
    for key in dict.fromkeys([*figures, *experiments, *(key for entries in kinds.values() for key in entries)]):
        analyses = {kind: entries[key] for kind, entries in kinds.items() if key in entries}
        cells = _cells(key, experiments, analyses, list(figures[key].draw) if key in figures else [])
        rows.append(["<br>".join(cell).replace("|", "\\|") for cell in cells])
    return f"## Report {path.stem}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(
    key: str, experiments: dict[str, Experiment], analyses: dict[str, dict], figures: list[str]
) -> list[list[str]]:
    """The cells of one row, each a list of lines."""
    trained = key in experiments
    nets = key if trained else next(entry["nets"] for entry in analyses.values())
    experiment = experiments[nets]
    stated, chosen = _settings(experiment) if trained else ([f"nets of `{nets}`"], [])
    for kind, entry in analyses.items():
        of_analysis = _of_analysis(kind, entry)
        stated, chosen = stated + of_analysis[0], chosen + of_analysis[1]
    return [
        [f"**`{key}`**", *([experiment.title] if trained else [])],
        [formula(name) for name in experiment.functions or []] or [DATA_NAMES[experiment.data]],
        _networks(experiment) if trained else [],
        stated,
        chosen,
        [f"`train@{nets}`", *(f"`{kind}@{key}`" for kind in analyses)],
        [f"[{name}](../{FIGURES / report_of(key) / key / name}.svg)" for name in figures],
    ]


def _networks(experiment: Experiment) -> list[str]:
    lines, chosen = [], experiment.chosen
    for name, model in experiment.models.items():
        mark = ""
        described = model.parameters and model.stated
        if ("models" in chosen and not described) or f"models.{name}" in chosen:
            mark = " *(layers chosen)*" if model.parameters else " *(chosen)*"
        said = f" *report: {model.stated}*" if model.stated else ""
        layers = layout(experiment, name)
        lines.append(f"{name}: {layers} = {experiment.parameters(name):,}{mark}{said}")
    return lines + ([f"*report: {experiment.stated}*"] if experiment.stated else [])


def layout(experiment: Experiment, model: str) -> str:
    """A network in one line: 1-5-10-1 where all layers are dense, a list of layers otherwise."""
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
    """The settings that the report states, and those chosen, each as a line."""
    stated, chosen = [], []
    values = experiment.model_dump(exclude_unset=True)
    if "batch_size" in experiment.follows:
        values["batch_size"] = "(knob)" if "batch_size" in experiment.chosen else "64 (knob)"
    for name, value in values.items():
        if name in ELSEWHERE:
            continue
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        for part, inner in parts:
            if (name, part) == ("record", "gradient_norm"):  # for an analysis, which has a row or a line of its own
                continue
            mine = name in experiment.chosen or f"{name}.{part}" in experiment.chosen
            (chosen if mine else stated).append(_line(name if part is None else f"{name} {part}", inner))
    chosen += ["the function" for name in experiment.chosen if name == "functions"]
    return stated, chosen


def _of_analysis(section: str, entry: dict) -> tuple[list[str], list[str]]:
    stated, chosen = [], []
    for name, value in entry.items():
        if name == "against" and section == "gradient":
            stated.append(f"gradient norm by {value}")
        elif name not in ("report", "nets", "data", "against", "chosen"):
            parts = value.items() if isinstance(value, dict) else [(None, value)]
            lines = [_line(f"{section} {name}" + (f" {part}" if part else ""), inner) for part, inner in parts]
            (chosen if name in entry.get("chosen", []) else stated).extend(lines)
    return stated, chosen


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
