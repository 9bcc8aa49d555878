"""The figure of how cost grows: one panel for replicas, parameters, examples and batch size each."""

from __future__ import annotations

from statistics import median
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from benchmarks.table import AXES
from netclaims.present import style
from netclaims.present.axes import PLAIN, label_decades

LINES = {"ours": "netclaims, one core", "homework": "homework loop, all cores"}


def draw_scaling(curves: dict[str, Any]) -> Figure:
    """Draw seconds against each setting, on logarithmic axes: the median of the repeats, and a band for all of them."""
    style.apply()
    figure = Figure(figsize=(10, 3), layout="constrained")
    panels = figure.subplots(1, len(curves["axes"]))
    for axes, (axis, table) in zip(panels, curves["axes"].items(), strict=True):
        for (who, name), colour in zip(LINES.items(), style.PALETTE, strict=False):
            seconds = table["seconds"][who]
            axes.plot(table["values"], [median(s) for s in seconds], color=colour, marker="o", ms=3, label=name)
            low, high = [min(s) for s in seconds], [max(s) for s in seconds]
            axes.fill_between(table["values"], low, high, color=colour, alpha=0.2, lw=0)
        axes.set(xscale="log", yscale="log", xlabel=AXES[axis])
        axes.xaxis.set_major_locator(FixedLocator(table["values"]))
        axes.xaxis.set_major_formatter(PLAIN)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
        if axis == "parameters":
            axes.tick_params(axis="x", rotation=30)
        label_decades(axes)
    panels[0].set_ylabel("seconds for all replicas")
    panels[1].set_ylabel("seconds for a net and an epoch")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=len(LINES))
    return figure
