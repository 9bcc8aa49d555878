"""Our numbers beside those that the reports state."""

from __future__ import annotations

from functools import partial
from math import isnan

import pandas as pd

from netclaims.claims.compare import block, finite
from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.ledger import stated_of
from netclaims.claims.per_replica import values_per_replica
from netclaims.claims.stated_entries import Stated
from netclaims.errors import attempt
from netclaims.files import read_json, write_json
from netclaims.paths import metrics_of, report_path
from netclaims.spread import rounded


def beside(stated: Stated, tables: Tables) -> dict[str, float | int | str | bool | None]:
    """Set ours beside a stated number: mean, standard deviation (n - 1), smallest and largest over replicas, how many.

    Replicas in which a value is undefined are left out. Where none is left, or there is nothing to look at, ours are
    null. A `remark` says why, and whatever else a reader has to know, if anything; `about` is there if the report says
    about, `read` where the entry says how the report's words were read, and `outside` where the stated number is none
    that a replica came close to: below all of ours, or above.

    Raises:
        EntryError: the entry asks for what is not there.
    """
    try:
        values, remark = _of_replicas(stated, tables)
    except UntestableError as reason:
        values, remark = pd.Series(dtype=float), str(reason)
    return _beside(stated, values, remark)


def _beside(stated: Stated, values: pd.Series, remark: str) -> dict[str, float | int | str | bool | None]:
    spread = {"mean": values.mean(), "sd": values.std(), "low": values.min(), "high": values.max()}
    ours = {name: None if isnan(value) else rounded(value) for name, value in spread.items()}
    more = {"about": True} if stated.about else {}
    more |= {"outside": True} if len(values) and not values.min() <= stated.stated <= values.max() else {}
    more |= {"remark": remark} if remark else {}
    more |= {"read": stated.read} if stated.read else {}
    return {"stated": stated.stated, **ours, "replicas": len(values), **more}


def _of_replicas(stated: Stated, tables: Tables) -> tuple[pd.Series, str]:
    """Return our number of every replica that has one, and a remark."""
    tables.check_training(stated.needs)
    tables.check_batches([stated.where.get("batch_size")])
    if stated.along is None:
        table, remark = finite(*values_per_replica(tables, stated, ["replica"]), ["value"])
        return table["value"], remark
    table, remark = values_per_replica(tables, stated, ["replica", stated.along])
    values, places, remark = block(table, stated.along, remark)
    return pd.Series(places[values.argmin(axis=1) if stated.lowest_along else values.argmax(axis=1)]), remark


def write_stated(report: str, results: dict[str, dict[str, Stated]], tables: dict[str, Tables], scale: str) -> None:
    """Write `metrics/stated/<report>.json`: by experiment and name, every stated number beside ours.

    Args:
        report: its name.
        results: the stated numbers by experiment or analysis, and name.
        tables: those of every experiment and analysis.
        scale: that of the runs.

    A number that cannot be worked out is told, and its remark says why. `data` has the data set of each experiment, as
    far as its nets are trained.

    Raises:
        DataError: a table is not as its stage wrote it.
    """
    found: dict[str, dict] = {}
    for key, entries in results.items():
        for name, stated in entries.items():
            found.setdefault(key, {})[name] = attempt(
                f"{report_path(key)}: results.{key}.{name}",
                partial(beside, stated, tables[key]),
                lambda reason, stated=stated: _beside(stated, pd.Series(dtype=float), f"not worked out: {reason}"),
            )
    about = {key: metrics_of(tables[key].experiment.key) for key in found}
    data = {key: read_json(path)["data"] for key, path in about.items() if path.exists()}
    write_json(stated_of(report), {"scale": scale, **({"data": data} if data else {}), **found})
