"""Axes of figures: their scales, ticks and numbers, and bars of colours."""

from __future__ import annotations

from decimal import Decimal
from math import log10
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.ticker import (
    FixedLocator,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullFormatter,
    NullLocator,
    PercentFormatter,
    ScalarFormatter,
)

LOG_FROM = 5  # a logarithmic axis for less than this ratio only hides how small the range is
SYMLOG_DECADES = 6  # what is smaller than the largest by more than these counts as next to zero
LEVELS = 12
PLAIN = "{x:,.10g}"
WHOLE = ("epoch", "step", "rank", "component")
SHARES = ("accuracy", "accuracy_gap", "accuracy_barrier", "share", "shuffle_labels", "higher_neighbours")


def shape_axis(axes: Axes, column: str, which: str, scale: str, values: list[float]) -> None:
    """Set scale and number format of an axis.

    Args:
        axes: the panel.
        column: what the axis shows.
        which: `x` or `y`.
        scale: `linear`, `log` or `symlog`; `log` counts where the values span enough.
        values: those that it shows, without any that is not finite.
    """
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
    elif column in WHOLE and max(values, default=1) >= 1:
        axis.set_major_locator(MaxNLocator("auto", integer=True))
    elif column == "alpha":  # the nets themselves are at 0 and 1
        axis.set_major_locator(MultipleLocator(0.5 if max(values, default=1) - min(values, default=0) <= 1.5 else 1))
    elif column == "parameters":
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(PLAIN)
    elif column in SHARES:
        spanned = max(values, default=1) - min(values, default=0)
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))  # 92.5 % would read 92 %
        axis.set_major_formatter(PercentFormatter(1, decimals=0 if spanned > 0.04 else 1))
    elif which == "x" and scale == "linear":
        spanned, largest = max(values, default=1) - min(values, default=0), max(map(abs, values), default=1)
        many = 2 if spanned <= largest / 10 else 3 if largest >= 10_000 else 5  # the fewer the more digits they have
        axis.set_major_locator(MaxNLocator(many))
    elif scale == "log" and which == "x":  # so small a span has numbers of many digits, which need room
        axis.set_major_locator(MaxNLocator(4))


def label_decades(axes: Axes) -> None:
    """Label more than the decades on a logarithmic axis that shows less than two of them."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        if isinstance(axis.get_major_locator(), LogLocator) and high / low < 100:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(PLAIN)


def linear_within(values: list[float]) -> float:
    """Return up to which absolute value a symmetric logarithmic axis is linear: the smallest decade worth showing.

    That is the decade of the smallest value, but none further than `SYMLOG_DECADES` below the largest.
    """
    sizes = [abs(size) for size in values if size]
    return 10.0 ** max(_decade(min(sizes)), _decade(max(sizes)) + 1 - SYMLOG_DECADES)


def _decade(size: float) -> int:
    """Return the power of the largest decade that is not above a number, whose logarithm may be rounded up to one."""
    return Decimal(repr(float(size))).adjusted()


def decades(values: list[float], most: int) -> list[float]:
    """Return zero and powers of ten on both of its sides, as far as the values go and at most so many a side."""
    top = _decade(max(abs(size) for size in values))
    span = top - round(log10(linear_within(values)))
    powers = [float(f"1e{top - i}") for i in range(0, span + 1, span // most + 1)]  # 10.0 ** 30 is not 1e30
    return sorted([*(-p for p in powers if -p >= min(values)), 0.0, *(p for p in powers if p <= max(values))])


def levels(low: float, high: float) -> tuple[np.ndarray, LogNorm | None]:
    """Return heights of contours between two values, and the scale of their colours.

    Both are logarithmic where the values span enough; the scale is None where they do not.
    """
    if 0 < low * LOG_FROM <= high:
        return np.geomspace(low, high, LEVELS + 1), LogNorm(low, high)
    return MaxNLocator(LEVELS).tick_values(low, high), None


def colour_bar(axes: Axes, shown: ScalarMappable, name: str) -> None:
    """Set the colours of a panel and the values that they stand for to its right.

    Args:
        axes: the panel.
        shown: what is drawn in these colours.
        name: of the values.
    """
    log = {}
    if isinstance(shown.norm, LogNorm):
        few = shown.norm.vmax / shown.norm.vmin < 100
        log = {"ticks": LogLocator(subs=(1, 2, 5)), "format": PLAIN} if few else {"ticks": LogLocator()}
    bar = axes.figure.colorbar(shown, ax=axes, label=name, pad=0.02, aspect=30, **log)
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()


def name_ticks(axes: Axes, names: list[str], width: float) -> None:
    """Name categories below an axis, in several lines or else aslant, so that no names overlap.

    Args:
        axes: the panel; categories stand at 0, 1, ….
        names: of the categories.
        width: of the panel, in inches.
    """
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.grid(visible=False, axis="x")
    room = int((width - 0.7) / len(names) / 0.08)  # characters; the other axis takes the rest
    if max(len(word) for name in names for word in name.split()) <= room:
        axes.set_xticks(range(len(names)), [fill(name, width=room) for name in names])
    else:
        axes.set_xticks(range(len(names)), [fill(name, width=20) for name in names],
                        rotation=35, ha="right", rotation_mode="anchor")  # fmt: skip
