"""How figures look: colours, lines, letters."""

from __future__ import annotations

import matplotlib

from netclaims.tables.hessian import ENDS

# People with any common colour blindness tell these apart (Okabe & Ito 2008).
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
SCALE = "viridis"  # it is perceptually uniform
# These keep their colours from figure to figure, even where one of them is missing.
OWN_COLOURS = dict(zip(ENDS, PALETTE, strict=True))
TRUTH = "#000000"
QUIET = "#595959"
DASHES = {"train": "-", "test": (0, (4, 1.5))}
LOOK = {
    "svg.hashsalt": "netclaims",  # ids of elements are random otherwise
    "svg.fonttype": "none",  # words stay words, to search, to read aloud and to compare
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
    "path.simplify_threshold": 0.4,  # of a point, which nobody sees
    "figure.facecolor": "white",
}


def apply() -> None:
    """Set matplotlib up so that the same table always gives the same bytes, whatever the user's `matplotlibrc` says."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(LOOK)


def colours(names: list) -> dict:
    """Return a colour for each name.

    It is the name's own, or one of the palette, or of an ordered scale where the palette has too few.
    """
    if set(names) <= set(OWN_COLOURS):
        return {name: OWN_COLOURS[name] for name in names}
    if len(names) <= len(PALETTE):
        return dict(zip(names, PALETTE, strict=False))
    scale = matplotlib.colormaps[SCALE]
    return {name: scale(0.9 * i / (len(names) - 1)) for i, name in enumerate(names)}
