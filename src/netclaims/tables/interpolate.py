"""What the analysis `interpolate` writes for each pair of nets: `runs/<key>.interpolate.csv`."""

from __future__ import annotations

from typing import Any

from netclaims.tables.columns import Column, Table, named


def _with_sensitivities(experiment: Any, entry: dict[str, Any] | None) -> bool:
    return bool(entry.get("examples"))


INTERPOLATE = Table(
    "interpolate",
    (
        *named("model", "replica"),
        Column("pair", words=("two starts", "two starts, matched", "one start", "control")),
        Column("split", words=("train", "test")),
        *named("alpha", "loss", "accuracy"),
        *named("loss_by_input", "output_by_input", "loss_by_parameters", when=_with_sensitivities),
        Column("layers", stored=False),
    ),
    coordinate="alpha",
)
