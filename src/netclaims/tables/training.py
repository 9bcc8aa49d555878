"""What training writes for each net: `nets.csv`, `history.csv` and `steps.csv` in `runs/<experiment>/`."""

from __future__ import annotations

from typing import Any

from netclaims.tables.columns import SETTINGS, Column, Table, named, on_images, tells_apart


def _norm_by_epoch(experiment: Any, entry: dict[str, Any] | None) -> bool:
    return experiment.record.gradient_norm == "epoch"


WHICH = named("run", "member", offered=False)
LOSSES = (*named("train_loss", "test_loss"), *named("train_accuracy", "test_accuracy", when=on_images))
# A net has this row in `controls.csv` as well, and the row of an analysis of single nets begins with it.
NET = (
    *WHICH,
    *named("function", "model", *SETTINGS, "replica", "parameters", "diverged", "epoch"),
    *LOSSES,
    Column("gradient_norm", when=_norm_by_epoch),  # at the end of training
    Column("layers", stored=False),  # with weights
)
OF_ITS_NET = (
    *named("replica", "parameters", "layers", stored=False),
    *(Column(name, when=tells_apart(name), stored=False) for name in ("function", "model", *SETTINGS)),
)
BY = ("function", "model", *SETTINGS, "replica")

NETS = Table(
    "nets", (*NET, Column("loss_gap", stored=False), Column("accuracy_gap", when=on_images, stored=False)), by=BY
)
HISTORY = Table(
    "history",
    (
        *WHICH,
        Column("epoch"),
        *LOSSES,
        Column("gradient_norm", when=_norm_by_epoch),
        *named("train_loss_change", "test_loss_change", stored=False),
        *OF_ITS_NET,
    ),
    by=BY,
    coordinate="epoch",
)
STEPS = Table(
    "steps",
    (*WHICH, *named("step", "loss", "gradient_norm"), Column("loss_change", stored=False), *OF_ITS_NET),
    by=BY,
    coordinate="step",
)
