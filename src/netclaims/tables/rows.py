"""What columns of tables may hold, and which rows are still several once some columns are told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from netclaims.nets.layers import weighted_layers
from netclaims.tables.columns import SETTINGS, Table
from netclaims.tables.hessian import STARTS


def values_of(table: Table, experiment: Any, entry: dict[str, Any] | None) -> dict[str, list]:
    """Return what columns of a table may hold, of those of which it is known before anything runs.

    Args:
        table: with these columns.
        experiment: whose nets it is of, as its entry in the report file.
        entry: that of the analysis which writes the table, if it is one.
    """
    values = {
        "model": list(experiment.models),
        "function": experiment.functions or [],
        "optimiser": [experiment.optimiser],
        "learning_rate": [experiment.learning_rate],
        "shuffle_labels": [experiment.shuffle_labels or 0.0],
        "equal": ["epochs"],
        "parameters": sorted({experiment.parameters(model) for model in experiment.models}),
        "layers": sorted({weighted_layers(layers) for layers in experiment.networks.values()}),
    }
    if isinstance(experiment.batch_size, int):
        values["batch_size"] = [experiment.batch_size]
    if table.name in ("pca", "explained"):
        values["scope"] = [f"layer {entry.get('layer', 1)}", "whole model"]
    found = values | experiment.varied | table.words
    if "start" in found:
        found["start"] = entry.get("starts", STARTS[:1])
    return found


def several(table: Table, experiment: Any, entry: dict[str, Any] | None, told: Collection[str]) -> list[str]:
    """Name the columns in which rows may differ that agree in the columns that are told.

    A name of a series tells model and swept settings, and a number of parameters or layers the model, if no other
    model has as many.

    Args:
        table: whose rows are meant.
        experiment: whose nets it is of, as its entry in the report file.
        entry: that of the analysis which writes the table, if it is one.
        told: columns whose value is known of every row.
    """
    told = set(told)
    if "series" in told:
        told |= {"model", *experiment.sweep.varied}
    counts = {"parameters": map(experiment.parameters, experiment.models)}
    counts["layers"] = map(weighted_layers, experiment.networks.values())
    for name, found in counts.items():
        if name in told and len(set(found)) == len(experiment.models):
            told.add("model")
    varied = experiment.varied if table.every_setting else experiment.sweep.varied
    told |= {name for name in SETTINGS if name not in varied}
    told |= {name for name, values in values_of(table, experiment, entry).items() if len(values) < 2}
    there = table.offered(experiment, entry)
    return [name for name in table.by if name in there and name not in told]
