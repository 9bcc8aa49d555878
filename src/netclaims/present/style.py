"""How figures look: colours, names of quantities, number formats."""

from __future__ import annotations

from math import floor, log10
from textwrap import fill

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    PercentFormatter,
    ScalarFormatter,
)

from netclaims.data.functions import formula

# Okabe & Ito (2008): told apart by people with any common colour blindness.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
SCALE = "viridis"  # perceptually uniform
# What is shown in many figures, whether all of it is in a figure or not.
OWN_COLOURS = {"zero gradient": PALETTE[0], "on a kink": PALETTE[1], "elsewhere": PALETTE[2]}
LOG_FROM = 5  # a logarithmic axis for less than this ratio only hides how small the range is
SYMLOG_DECADES = 6  # what is smaller than the largest by more than these counts as next to zero
TRUTH = "#000000"
QUIET = "#595959"
LEVELS = 12
DASHES = {"train": "-", "test": (0, (4, 1.5))}

LOSSES = {"mse": "mean squared error", "cross_entropy": "cross-entropy (nats)"}
LABELS = {
    "epoch": "epoch",
    "step": "optimiser step",
    "alpha": "position α on the line",
    "pair": "pair of nets",
    "parameters": "number of parameters",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
    "shuffle_labels": "share of shuffled labels",
    "accuracy": "accuracy",
    "loss_gap": "test − training loss",
    "accuracy_gap": "training − test accuracy",
    "loss_barrier": "barrier of the loss",
    "accuracy_barrier": "barrier of the accuracy",
    "mean_square": "mean squared error",
    "gradient_norm": "gradient norm ‖∇L‖",
    "trained_gradient_norm": "gradient norm at the end of training",
    "gradient_curvature": "‖H g‖ / ‖g‖",
    "switching_distance": "distance of the nearest kink",
    "higher_neighbours": "neighbours with a higher loss",
    "minimal_ratio": "minimal ratio: share of positive eigenvalues",
    "minimal_ratio_nonzero": "minimal ratio without zero eigenvalues",
    "zero": "eigenvalues counted as zero",
    "null_expected": "rescaling directions expected",
    "largest_eigenvalue": "largest Hessian eigenvalue λ₁",
    "trace": "trace of the Hessian",
    "sharpness": "sharpness (%)",
    "density": "spectral density",
    "loss_by_input": "‖∂ℓ/∂x‖",
    "output_by_input": "‖∂p/∂x‖",
    "loss_by_parameters": "‖∂L/∂θ‖",
    "share": "share of the variance",
    "x": "x",
    "prediction": "y",
    "pc1": "first component",
    "pc2": "second component",
}
PLANE = ("first direction", "second direction")
VALUES = {
    "split": {"train": "training", "test": "test"},
    "equal": {"epochs": "equal epochs", "steps": "equal steps"},
}
PLAIN = "{x:,.10g}"
WHOLE = ("epoch", "step", "rank", "component")
SHARES = ("accuracy", "accuracy_gap", "accuracy_barrier", "share", "shuffle_labels", "higher_neighbours")


def apply() -> None:
    """Set matplotlib up so that the same table always gives the same bytes."""
    rcParams.update(
        {
            "svg.hashsalt": "netclaims",  # element ids are random otherwise
            "svg.fonttype": "none",  # words as words: to search, to read aloud, to compare
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
    """A colour for each name: its own, or one of the palette, or of an ordered scale where the palette has too few."""
    if set(names) <= set(OWN_COLOURS):
        return {name: OWN_COLOURS[name] for name in names}
    if len(names) <= len(PALETTE):
        return dict(zip(names, PALETTE, strict=False))
    from matplotlib import colormaps

    scale = colormaps[SCALE]
    return {name: scale(0.9 * i / (len(names) - 1)) for i, name in enumerate(names)}


def label(column: str, loss: str) -> str:
    """The name of a quantity with its unit, as an axis shows it."""
    return LOSSES[loss] if column == "loss" else LABELS.get(column, column.replace("_", " "))


def value(column: str, content: object) -> str:
    """What a column holds, as a legend or the title of a panel says it."""
    if column == "function":
        return formula(str(content))
    if column == "shuffle_labels":
        return f"{100 * float(content):g} % shuffled"
    return VALUES.get(column, {}).get(content, str(content))


def shape_axis(axes: Axes, column: str, which: str, scale: str, values: list[float]) -> None:
    """Scale and number format of the x or y axis that shows `column`; `log` counts where the values span enough."""
    axis = getattr(axes, f"{which}axis")
    if scale == "log":
        values = [size for size in values if size > 0] or [1.0]
    if scale == "log" and max(values) / min(values) >= LOG_FROM:
        getattr(axes, f"set_{which}scale")("log")
        if column == "batch_size":
            axis.set_major_locator(FixedLocator(sorted(set(values))))
            axis.set_major_formatter(ScalarFormatter())
            axes.tick_params(axis=which, rotation=45 if len(set(values)) > 6 else 0)
            axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    elif scale == "symlog" and any(values):
        getattr(axes, f"set_{which}scale")("symlog", linthresh=linear_within(values))
        axis.set_major_locator(FixedLocator(decades(values, 3 if which == "x" else 4)))
    elif column in WHOLE:
        axis.set_major_locator(MaxNLocator("auto", integer=True))
    elif column == "parameters":
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(PLAIN)
    elif column in SHARES:
        spanned = max(values, default=1) - min(values, default=0)
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))  # no 92.5 %, which would read 92 %
        axis.set_major_formatter(PercentFormatter(1, decimals=0 if spanned > 0.04 else 1))
    elif scale == "log" and which == "x":  # a span too small for it: numbers of many digits, which need room
        axis.set_major_locator(MaxNLocator(4))


def label_decades(axes: Axes) -> None:
    """Label more than the decades on a logarithmic axis that shows less than two of them."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        if isinstance(axis.get_major_locator(), LogLocator) and high / low < 100:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(PLAIN)


def linear_within(values: list[float]) -> float:
    """Up to which absolute value a symmetric logarithmic axis is linear: the smallest decade worth showing.

    That is the decade of the smallest value, but none further than `SYMLOG_DECADES` below the largest.
    """
    sizes = [abs(size) for size in values if size]
    return 10.0 ** max(floor(log10(min(sizes))), floor(log10(max(sizes))) + 1 - SYMLOG_DECADES)


def decades(values: list[float], most: int) -> list[float]:
    """Zero and powers of ten on both of its sides, as far as the values go and at most so many a side."""
    top = floor(log10(max(abs(size) for size in values)))
    span = top - round(log10(linear_within(values)))
    powers = [float(f"1e{top - i}") for i in range(0, span + 1, span // most + 1)]  # 10.0 ** 30 is not 1e30
    return sorted([*(-p for p in powers if -p >= min(values)), 0.0, *(p for p in powers if p <= max(values))])


def levels(low: float, high: float) -> tuple[np.ndarray, LogNorm | None]:
    """Heights of contours between two values, and the scale of their colours; logarithmic where they span enough."""
    if 0 < low * LOG_FROM <= high:
        return np.geomspace(low, high, LEVELS + 1), LogNorm(low, high)
    return MaxNLocator(LEVELS).tick_values(low, high), None


def colour_bar(figure: Figure, axes: Axes, shown: ScalarMappable, name: str) -> None:
    """The colours of a panel and the values that they stand for, to its right."""
    log = {"ticks": LogLocator(subs=(1, 2, 5)), "format": PLAIN} if isinstance(shown.norm, LogNorm) else {}
    bar = figure.colorbar(shown, ax=axes, label=name, pad=0.02, aspect=30, **log)
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()


def name_ticks(axes: Axes, names: list[str], width: float) -> None:
    """Names of categories below an axis in a panel of so many inches: in several lines or else aslant, none overlap."""
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.grid(visible=False, axis="x")
    room = int((width - 0.7) / len(names) / 0.08)  # characters, beside what the other axis takes
    if max(len(word) for name in names for word in name.split()) <= room:
        axes.set_xticks(range(len(names)), [fill(name, width=room) for name in names])
    else:
        axes.set_xticks(range(len(names)), [fill(name, width=20) for name in names],
                        rotation=35, ha="right", rotation_mode="anchor")  # fmt: skip
