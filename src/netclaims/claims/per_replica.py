"""From the tables that the pipeline leaves to a number for every replica."""

from __future__ import annotations

import numpy as np
import pandas as pd

from netclaims.claims.experiment_tables import Tables, UntestableError, picked
from netclaims.claims.operands import EntryError, Operand
from netclaims.claims.series import part, reduced


def values_per_replica(tables: Tables, operand: Operand, by: list[str]) -> tuple[pd.DataFrame, str]:
    """Return the operand's number in every group of rows.

    Args:
        tables: where to look.
        operand: what to look for.
        by: the columns that tell the numbers apart: the replica, and what else varies; of a series its coordinate too,
            where all of it is wanted.

    Returns:
        A table of `by` and `value`; and a remark where series do not get as far as the operand says, and where nets
        diverged. The value of such a net is infinite where it is known to be worse than all others, and else undefined.

    Raises:
        UntestableError: there are no rows, or no series gets as far as the operand says.
        EntryError: a column is not there, or there are several rows for a number.
    """
    table = tables.of(operand).read(operand.table)
    if missing := [name for name in (operand.column, *operand.where, *by) if name not in table]:
        raise EntryError(f"the table {operand.table} has no column {', '.join(missing)}")
    table = table[picked(table, operand)]
    if table.empty:
        raise UntestableError(f"no run has what it needs: {_words(operand)}")
    if operand.during:
        table = part(table, operand, [name for name in by if name != operand.coordinate])
    remarks = tables.diverged(operand)
    series = operand.coordinate and operand.coordinate not in by
    several = table.duplicated([*by, *([operand.coordinate] if series else [])])
    if several.any():
        differ = [name for name in (*tables.experiment.identity, "split", "pair", "region", "scope")
                  if name in table and name not in by and len(table[name].unique()) > 1]  # fmt: skip
        raise EntryError(f"{operand.of} has several rows a replica: say which by {', '.join(differ) or 'where'}")
    if not series:
        return table[[*by, operand.column]].rename(columns={operand.column: "value"}), "; ".join(remarks)
    found = [(*key, *reduced(rows, operand)) for key, rows in table.groupby(by, sort=False)]
    result = pd.DataFrame(found, columns=[*by, "value", "reached"])
    short = int((~result["reached"] & np.isfinite(result["value"])).sum())
    if operand.until and not result["reached"].any():
        rule = ", ".join(f"{name} {value:g}" for name, value in operand.until.model_dump(exclude_none=True).items())
        raise UntestableError(f"no run gets {operand.column} {rule} in the {operand.coordinate}s that it has")
    if short:
        remarks.append(f"{short} of {len(result)} never get there, and count with their full length")
    return result.drop(columns="reached"), "; ".join(remarks)


def _words(operand: Operand) -> str:
    return ", ".join(f"{name} {wanted}" for name, wanted in operand.where.items()) or operand.of
