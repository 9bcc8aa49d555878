"""The table of all experiments, in Markdown: what each report states, and what this project had to choose."""

from __future__ import annotations

from netclaims.paths import FIGURES, report_of
from netclaims.present.facts import Facts
from netclaims.present.markdown import plain, table

HEAD = """# The experiments

Written by the stage `docs` from [reports/](../reports). An experiment is an entry of `experiments` there; some
reports look at the same nets twice, and then the second experiment is an analysis of the nets of the first. *Stated*
are the settings that the report gives, *assumed* those that it leaves open; epochs, sizes of data sets and replicas
are those of the `paper` scale. A batch size "(knob)" is that of [params.yaml](../params.yaml).

A network is written by its layers and the number of its parameters: 784-256-10 has 784 inputs, a dense layer of 256
units and one of 10; elsewhere a number is a dense layer, and `conv 16 k3 p1` a convolution to 16 channels of kernel 3
and padding 1. (assumed): the report does not give the network; (layers assumed): it gives only the count. "report:" is
followed by what the report says where that is not what is built, mostly as its words and numbers cannot both be had.
"""


def experiments_table(reports: dict[str, list[Facts]]) -> str:
    """Return the page: a section and a table for each report, a row for each experiment."""
    return "\n".join([HEAD, *(_section(report, facts) for report, facts in reports.items())])


def _section(report: str, experiments: list[Facts]) -> str:
    head = ["experiment", "data", "networks and parameters", "stated", "assumed", "stages", "figures"]
    return f"## Report {report}\n\n" + table(
        head, [["<br>".join(cell) for cell in _cells(facts)] for facts in experiments]
    )


def _cells(facts: Facts) -> list[list[str]]:
    """Return the cells of one row, each a list of lines."""
    return [
        [f"**`{facts.key}`**", *([plain(facts.title)] if facts.trained else [])],
        facts.data,
        [plain(line) for line in facts.networks] if facts.trained else [],
        [plain(line) for line in facts.stated],
        [plain(line) for line in facts.assumed],
        [f"`{stage}`" for stage in facts.stages],
        [f"[{name}](../{FIGURES / report_of(facts.key) / facts.key / name}.svg)" for name in facts.figures],
    ]
