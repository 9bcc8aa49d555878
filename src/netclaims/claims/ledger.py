"""The ledger: a row for every claim, of each report in a table of its own, and of all reports together."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite, nan
from pathlib import Path

import pandas as pd

from netclaims.claims.verdicts import VERDICTS
from netclaims.files import read_csv, read_json, write_json, write_table
from netclaims.paths import METRICS, PLOTS, metrics_of
from netclaims.spread import rounded

SAID = ["claim", "report", "experiment", "kind", "scale", "data", "epochs", "epochs_stated", "quote"]
CAN_SHOW = ["p_least", "effect_least", "replicas_needed"]
JUDGED = [
    *("measured", "compared", "unit", "effect", "low", "high", "claimed_low", "claimed_high", "replicas", "test"),
    *("p", "p_holm", *CAN_SHOW),
]
COLUMNS = [*SAID, *JUDGED, "verdict", "because", "provisional"]


def verdicts_of(report: str) -> Path:
    """Return the table of a report's claims."""
    return PLOTS / "claims" / f"{report}.csv"


def stated_of(report: str) -> Path:
    """Return the file of the numbers that a report states, beside ours."""
    return METRICS / "stated" / f"{report}.json"


def write_verdicts(report: str, said: list[dict[str, str]], judged: pd.DataFrame) -> None:
    """Write the table of a report's claims, `plots/claims/<report>.csv`.

    Args:
        report: its name.
        said: claim, report, experiment, nets, kind, scale and quote of each, in order.
        judged: as `judge` gives it, in the same order.
    """
    found = pd.DataFrame([_trained(claim["nets"]) | claim for claim in said], columns=SAID)
    _write(verdicts_of(report), found.merge(judged.replace([inf, -inf], nan), on="claim"))


def _trained(nets: str) -> dict:
    """Return on what data nets were trained, and for how long, as their metrics say; nothing if they were not."""
    path = metrics_of(nets)
    return read_json(path) if path.exists() else {}


def _write(path: Path, table: pd.DataFrame) -> None:
    write_table(path, table.astype({"replicas": "Int64", "replicas_needed": "Int64"}))


def gather(said: list[dict[str, str]], scale: str) -> pd.DataFrame:
    """Return the rows of all claims, out of the tables of their reports.

    Where a report has none, or one of another scale, its claims count as not run.

    Args:
        said: claim, report, experiment, kind and quote of each, in the order of the rows.
        scale: that they have to be judged at.

    Raises:
        DataError: a table is not as its stage wrote it.
    """
    tables = {report: _read(report) for report in {claim["report"] for claim in said}}
    rows = []
    for claim in said:
        row = tables[claim["report"]].get(claim["claim"])
        if row is None or row["scale"] != scale:
            because = f"claims@{claim['report']} has not run" + ("" if row is None else f" at the {scale} scale")
            row = claim | {"scale": scale, "verdict": "not run", "because": because}
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _read(report: str) -> dict[str, dict]:
    """Return the rows of a report's table, by claim; none if there is no table."""
    path = verdicts_of(report)
    return {row["claim"]: row for row in read_csv(path).to_dict("records")} if path.exists() else {}


def counts(verdicts: Iterable[str]) -> dict[str, int]:
    """Count the claims of every verdict."""
    found = list(verdicts)
    return {name: found.count(name) for name in VERDICTS}


def write_ledger(table: pd.DataFrame, scale: str) -> None:
    """Write `metrics/claims.json`, the counts and the verdicts, and `plots/claims.csv`, a row for every claim.

    Of a claim that is tested, `claims.json` also says what its replicas can show: the smallest p value, the smallest
    effect, and about how many would decide it, as far as there are such.

    Args:
        table: as `gather` gives it.
        scale: that of the runs.
    """
    _write(PLOTS / "claims.csv", table)
    verdicts: dict[str, dict[str, str]] = {}
    power: dict[str, dict[str, dict[str, float]]] = {}
    for row in table.to_dict("records"):
        verdicts.setdefault(row["report"], {})[row["claim"]] = row["verdict"]
        if isfinite(row["p"]):
            can_show = {name: rounded(row[name]) for name in CAN_SHOW if row[name] > 0}
            power.setdefault(row["report"], {})[row["claim"]] = can_show
    numbers = {"scale": scale, "claims": len(table), "tested": int(table["p"].notna().sum())}
    provisional = table[table["provisional"].notna()]
    found = {"counts": counts(table["verdict"]), "provisional": counts(provisional["verdict"])}
    write_json(METRICS / "claims.json", numbers | found | {"verdicts": verdicts, "power": power})
