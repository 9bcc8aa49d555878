"""What the analysis `interpolate` writes for each pair of nets: `runs/<key>.interpolate.csv`."""

from __future__ import annotations

from typing import Any

from netclaims.tables.columns import Column, Table, named


def with_sensitivities(experiment: Any, entry: dict[str, Any] | None) -> bool:
    """Hold where sensitivities are measured along the line as well."""
    return bool(entry.get("examples"))


INTERPOLATE = Table(
    "interpolate",
    (
        *named("model", "replica"),
        Column("pair", words=("two starts", "two starts, matched", "one start", "control")),
        Column("split", words=("train", "test")),
        *named("alpha", "loss", "accuracy"),
        *named("loss_by_input", "output_by_input", "loss_by_parameters", when=with_sensitivities),
        Column("layers", stored=False),
    ),
    by=("model", "pair", "split", "replica"),
    coordinate="alpha",
)
