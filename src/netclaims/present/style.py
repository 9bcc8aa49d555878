"""How figures look: colours, names of quantities, number formats."""

from __future__ import annotations

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.ticker import (
    FixedLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    PercentFormatter,
    ScalarFormatter,
    StrMethodFormatter,
)

# Okabe & Ito (2008): told apart by people with any common colour blindness.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
LOG_FROM = 5  # a logarithmic axis for less than this ratio only hides how small the range is
TRUTH = "#000000"
QUIET = "#595959"
DASHES = {"train": "-", "test": (0, (4, 1.5))}
SPLITS = {"train": "training", "test": "test"}

LOSSES = {"mse": "mean squared error", "cross_entropy": "cross-entropy (nats)"}
LABELS = {
    "epoch": "epoch",
    "step": "optimiser step",
    "alpha": "position α on the line",
    "parameters": "number of parameters",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
    "accuracy": "accuracy",
    "gradient_norm": "gradient norm ‖∇L‖",
    "minimal_ratio": "minimal ratio: share of positive eigenvalues",
    "loss_by_input": "‖∂ℓ/∂x‖",
    "output_by_input": "‖∂p/∂x‖",
    "loss_by_parameters": "‖∂L/∂θ‖",
    "x": "x",
    "prediction": "y",
    "pc1": "first component",
    "pc2": "second component",
}


def apply() -> None:
    """Set matplotlib up so that the same table always gives the same bytes."""
    rcParams.update(
        {
            "svg.hashsalt": "netclaims",  # element ids are random otherwise
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#E4E4E4",
            "grid.linewidth": 0.6,
            "axes.axisbelow": True,
            "axes.titlesize": 9,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "lines.linewidth": 1.4,
            "figure.facecolor": "white",
        }
    )


def colours(names: list) -> dict:
    """A colour for each name: the palette, or an ordered scale where there are more names than it has."""
    if len(names) <= len(PALETTE):
        return dict(zip(names, PALETTE, strict=False))
    from matplotlib import colormaps

    scale = colormaps["viridis"]
    return {name: scale(0.9 * i / (len(names) - 1)) for i, name in enumerate(names)}


def label(column: str, loss: str) -> str:
    """The name of a quantity with its unit, as an axis shows it."""
    return LOSSES[loss] if column == "loss" else LABELS.get(column, column.replace("_", " "))


def shape_axis(axes: Axes, column: str, which: str, log: bool, values: list[float]) -> None:
    """Scale and number format of the x or y axis that shows `column`; `log` counts where the values span enough."""
    axis = getattr(axes, f"{which}axis")
    if log:
        values = [value for value in values if value > 0] or [1.0]
    if log and max(values) / min(values) >= LOG_FROM:
        getattr(axes, f"set_{which}scale")("log")
        if column == "batch_size":
            axis.set_major_locator(FixedLocator(sorted(set(values))))
            axis.set_major_formatter(ScalarFormatter())
            axes.tick_params(axis=which, rotation=45 if len(set(values)) > 6 else 0)
            axis.set_minor_locator(NullLocator())
        elif max(values) / min(values) < 100:  # the decades alone would label too little
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    elif column in ("epoch", "step"):
        axis.set_major_locator(MaxNLocator("auto", integer=True))
    elif column == "parameters":
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    elif column == "accuracy":
        axis.set_major_formatter(PercentFormatter(1, decimals=0 if max(values) - min(values) > 0.04 else 1))
