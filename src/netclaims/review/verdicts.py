"""Which verdicts are others than at the base, by the two ledgers; the one of then can be of another layout."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from io import StringIO
from math import isfinite

import pandas as pd

from netclaims.claims.verdicts import VERDICTS
from netclaims.files import parse_csv
from netclaims.paths import PLOTS
from netclaims.present.wording import UNITS, effect

CLAIMS = PLOTS / "claims.csv"
# What a ledger needs for a comparison, whichever version wrote it.
COLUMNS = {"claim", "experiment", "quote", "unit", "effect", "low", "high", "replicas", "p_holm", "verdict"}


@dataclass(frozen=True)
class Interval:
    """An effect in a unit, and the ends of its interval; nan where there is none."""

    unit: str
    effect: float
    low: float
    high: float


@dataclass(frozen=True)
class Flip:
    """A claim whose verdict is another; None where there is none, as the claim is new or gone."""

    claim: str
    experiment: str
    quote: str
    before: str | None
    after: str | None
    effect_before: list[str]
    effect_after: list[str]
    intervals: tuple[Interval | None, Interval | None] = (None, None)  # before and after

    @property
    def weight(self) -> int:
        """Return 0 for a change of sides, 1 for one from or to undecided, 2 for another, 3 for a claim new or gone."""
        if self.before is None or self.after is None:
            return 3
        sides = {"supported", "refuted"}
        if {self.before, self.after} == sides:
            return 0
        return 1 if {self.before, self.after} <= sides | {"undecided"} else 2


def find_flips(before: str | None, after: str | None) -> tuple[list[Flip], list[str]]:
    """Compare two ledgers.

    Args:
        before: the text of the ledger at the base, if there is one.
        after: that of now.

    Returns:
        The claims with another verdict, the most telling first; and a line for what cannot be compared.
    """
    tables = []
    for text, when in ((before, "then"), (after, "now")):
        table, fault = _ledger(text)
        if fault:
            return [], [f"Verdicts: the ledger of {when} has another layout ({fault})."]
        tables.append(table)
    found = []
    for claim in dict.fromkeys([*tables[0].index, *tables[1].index]):
        rows = [table.loc[claim] if claim in table.index else None for table in tables]
        verdicts = [None if row is None else row["verdict"] for row in rows]
        if verdicts[0] != verdicts[1]:
            told = rows[0] if rows[1] is None else rows[1]
            effects = [[] if row is None else effect(row) for row in rows]
            intervals = tuple(None if row is None else _interval(row) for row in rows)
            found.append(Flip(claim, told["experiment"], told["quote"], *verdicts, *effects, intervals))
    units = Counter(unit for table in tables for unit in table.attrs["other"])
    lines = [
        f"Effects in a unit that is no longer: {unit} ({count} claim{'s' * (count > 1)})."
        for unit, count in units.items()
    ]
    return sorted(found, key=lambda flip: flip.weight), lines


def _ledger(text: str | None) -> tuple[pd.DataFrame, str]:
    """Return a ledger by claim, without effects in other units than those of now, and what keeps it from being one."""
    if not text:
        empty = pd.DataFrame()
        empty.attrs["other"] = []
        return empty, ""
    try:
        table = parse_csv(StringIO(text))
    except ValueError as error:
        return pd.DataFrame(), " ".join(str(error).split())
    if missing := sorted(COLUMNS - set(table)):
        return table, f"no column {', '.join(missing)}"
    if others := sorted({str(verdict) for verdict in table["verdict"]} - VERDICTS.keys()):
        return table, f"verdicts of other names: {', '.join(others)}"
    if table["claim"].duplicated().any():
        return table, "a claim stands there twice"
    numbers = ["effect", "low", "high", "p_holm", "replicas"]
    table[numbers] = table[numbers].apply(pd.to_numeric, errors="coerce")
    other = table["unit"].notna() & ~table["unit"].isin(UNITS)
    units = table.loc[other, "unit"].tolist()
    table = table.astype({"unit": object})
    table.loc[other, "unit"] = None
    table = table.set_index("claim")
    table.attrs["other"] = units
    return table, ""


def _interval(row: pd.Series) -> Interval | None:
    if not isinstance(row["unit"], str) or not isfinite(row["effect"]):
        return None
    return Interval(row["unit"], *(float(row[name]) for name in ("effect", "low", "high")))
