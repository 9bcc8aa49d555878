"""What training and the analyses write for figures: means over replicas, in `plots/<report>/<key>/<table>.csv`."""

from __future__ import annotations

from typing import Any

from netclaims.tables.columns import (
    SETTINGS,
    Column,
    Condition,
    Table,
    always,
    named,
    on_images,
    tells_apart,
)
from netclaims.tables.fit import DRAWN
from netclaims.tables.hessian import HESSIAN as HESSIAN_OF_NETS
from netclaims.tables.interpolate import INTERPOLATE as INTERPOLATE_OF_NETS
from netclaims.tables.interpolate import with_sensitivities

SPLIT = ("train", "test")
SENSITIVITIES = ("loss_by_input", "output_by_input", "loss_by_parameters")


def _spread(*names: str, when: Condition = always) -> tuple[Column, ...]:
    """Return quantities with their smallest and largest values over replicas."""
    return named(*(f"{name}{end}" for name in names for end in ("", "_low", "_high")), when=when)


def _against(along: str) -> Condition:
    return lambda experiment, entry: entry["against"] == along


def _fitted(experiment: Any, entry: dict[str, Any] | None) -> bool:
    return experiment.fitted is not None


KINDS = ("function", "model", *SETTINGS)
# `series` is what a legend calls a net: its model and its swept settings.
OF_KIND = (Column("series"), *(Column(name, when=tells_apart(name)) for name in KINDS))
OF_SPLIT = Column("split", words=SPLIT)
OF_PAIR = Column("pair", words=tuple(INTERPOLATE_OF_NETS.words["pair"]))

CURVES = Table(
    "curves",
    (*OF_KIND, OF_SPLIT, Column("epoch"), *_spread("loss"), *_spread("accuracy", when=on_images)),
    by=(*KINDS, "split"),
    coordinate="epoch",
)
FINAL = Table(
    "final",
    (*OF_KIND, OF_SPLIT, Column("parameters"), *_spread("loss"), *_spread("accuracy", when=on_images)),
    by=(*KINDS, "split"),
    every_setting=True,
)
GAP = Table(
    "gap",
    (
        *(*OF_KIND, Column("parameters")),
        *_spread("loss_gap"),
        *_spread("accuracy_gap", when=on_images),
        *_spread("epochs_to_fit", when=_fitted),
    ),
    by=KINDS,
    every_setting=True,
)
FIT = Table(
    "fit",
    (*named("function", "model", "x", "truth"), *_spread("prediction")),
    by=("function", "model"),
    coordinate="x",
)
ERRORS = Table(
    "errors",
    (*named("function", "model"), Column("region", words=DRAWN), *_spread("mean_square")),
    by=("function", "model", "region"),
)
PCA = Table("pca", named("scope", "replica", "epoch", "pc1", "pc2"), by=("scope", "replica"), coordinate="epoch")
EXPLAINED = Table(
    "explained",
    (
        Column("scope"),
        Column("basis", words=("all runs", "each run its own", "random walk, all runs", "random walk, each its own")),
        *(Column("component"), *_spread("share")),
    ),
    by=("scope", "basis"),
    coordinate="component",
)
OF_PLANE = Column("plane", words=("main components", "random, filter-normalised"))
SURFACE = Table("surface", (OF_PLANE, *named("x", "y", "loss")), by=("plane", "y"), coordinate="x")
PATH = Table(
    "path",
    (OF_PLANE, Column("at", words=("on the path", "in the plane")), *named("epoch", "x", "y", "loss")),
    by=("plane", "at"),
    coordinate="epoch",
)
GRADIENT = Table(
    "gradient",
    (
        *OF_KIND,
        *(Column(along, when=_against(along)) for along in ("epoch", "step")),
        *_spread("loss", "gradient_norm"),
    ),
    by=(*KINDS, "epoch", "step"),
)
HESSIAN = Table("hessian", tuple(column for column in HESSIAN_OF_NETS.columns if column.stored), HESSIAN_OF_NETS.by)
SPECTRUM = Table(
    "spectrum",
    (
        *(Column(name, words=tuple(HESSIAN_OF_NETS.words[name])) for name in ("start", "kind")),
        Column("part", words=("Hessian", "Gauss-Newton part", "residual part")),
        *(Column("rank"), *_spread("eigenvalue")),
    ),
    by=("start", "kind", "part"),
    coordinate="rank",
)
INTERPOLATE = Table(
    "interpolate",
    (
        *(Column("model"), OF_PAIR, OF_SPLIT, Column("alpha"), *_spread("loss", "accuracy")),
        *_spread(*SENSITIVITIES, when=with_sensitivities),
    ),
    by=("model", "pair", "split"),
    coordinate="alpha",
)
BARRIERS = Table(
    "barriers",
    (Column("model"), OF_PAIR, OF_SPLIT, *_spread("loss_barrier", "accuracy_barrier")),
    by=("model", "pair", "split"),
)
SENSITIVITY = Table(
    "sensitivity",
    (*OF_KIND, Column("parameters"), *_spread(*SENSITIVITIES, "largest_eigenvalue", "trace", "sharpness")),
    by=KINDS,
)
DENSITY = Table("density", (*OF_KIND, Column("eigenvalue"), *_spread("density")), by=KINDS, coordinate="eigenvalue")

# By who writes them: training, or an analysis by the section of the report file that asks for it.
PLOTTED = {
    "train": (CURVES, FINAL, GAP),
    "fit": (FIT, ERRORS),
    "pca": (PCA, EXPLAINED, SURFACE, PATH),
    "gradient": (GRADIENT,),
    "hessian": (HESSIAN, SPECTRUM),
    "interpolate": (INTERPOLATE, BARRIERS),
    "sensitivity": (SENSITIVITY, DENSITY),
}
# Rank correlations in metrics, by analysis.
CORRELATIONS = {
    "hessian": [
        f"{nets}.{name}"
        for nets in ("critical_points", "descended")
        for name in ("spearman", "spearman_nonzero", "spearman_neighbours")
    ]
}
