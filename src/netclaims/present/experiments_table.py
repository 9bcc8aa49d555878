"""The page of all experiments, in Markdown: what each report states, and what this project had to choose."""

from __future__ import annotations

from netclaims.paths import FIGURES, report_of
from netclaims.present.facts import Facts
from netclaims.present.in_words import in_words
from netclaims.present.markdown import plain
from netclaims.present.wording import minus

HEAD = """# The experiments

Written by the stage `docs` from [reports/](../reports). Some reports look at the same nets twice; then the second
experiment is an analysis of the nets of the first. Epochs, sizes of data sets and replicas are those of the `paper`
scale. "The knob" is the batch size in [params.yaml](../params.yaml).

A network is written by its layers and the number of its parameters: 784-256-10 has 784 inputs, a dense layer of 256
units and one of 10; elsewhere a number is a dense layer, and `conv 16 k3 p1` a convolution to 16 channels of kernel 3
and padding 1. (assumed): the report does not give the network; (layers assumed): it gives only the count. "report:" is
followed by what the report says where we build something else, mostly because its words and its numbers differ.
"""


def experiments_table(reports: dict[str, list[Facts]]) -> str:
    """Return the page: a section for each report, a block for each experiment."""
    return "\n".join([HEAD, *(_section(report, facts) for report, facts in reports.items())])


def _section(report: str, experiments: list[Facts]) -> str:
    return "\n".join([f"## Report {report}\n", *map(_block, experiments)])


def _block(facts: Facts) -> str:
    folder = f"../{FIGURES / report_of(facts.key) / facts.key}"
    lines = {
        "Data": "; ".join(plain(minus(name)) for name in facts.data),
        "Networks": "".join(f"\n  - {plain(line)}" for line in facts.networks) if facts.trained else "",
        "The report states": "; ".join(plain(in_words(line)) for line in facts.stated),
        "We assume": "; ".join(plain(in_words(line)) for line in facts.assumed),
        "Stages": ", ".join(f"`{stage}`" for stage in facts.stages),
        "Figures": ", ".join(f"[{name}]({folder}/{name}.svg)" for name in facts.figures),
    }
    title = f": {plain(facts.title)}" if facts.trained else ""
    told = "".join(f"- **{name}:** {text}\n".replace(":** \n", ":**\n") for name, text in lines.items() if text)
    return f"### {facts.key}{title}\n\n{told}"
