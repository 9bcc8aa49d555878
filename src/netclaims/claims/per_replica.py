"""From the tables that the pipeline leaves to a number for every replica."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from netclaims.analysis.output import replicas_of
from netclaims.claims.arithmetic import weighted_layers
from netclaims.claims.entries import EntryError, Needs, Operand, Range, Until
from netclaims.data.functions import formula
from netclaims.files import read_csv, read_json, read_table
from netclaims.paths import metrics_of
from netclaims.settings.analyses import InterpolateSettings, load_section
from netclaims.settings.experiments import Experiment
from netclaims.training.selection import identity, tuned, with_series

# What a net comes to that diverged. It is worse than any other, which is all that a test of ranks or of signs needs to
# know: worst ranks (Lachin 1999, Controlled Clinical Trials 20). Without it, what diverges would be left out of the
# claims that it speaks for or against the most.
WORST = {"train_loss": np.inf, "test_loss": np.inf, "train_accuracy": -np.inf, "test_accuracy": -np.inf}


class UntestableError(Exception):
    """There is nothing to test a claim on, for the reason given."""


@dataclass(frozen=True)
class Tables:
    """The tables of an experiment and of its analyses, each read once.

    Of nets that were tuned there are those of the best setting. `nets`, `history` and `steps` are what training wrote,
    with the settings of each net, its number of `layers` with weights, and in `nets` the generalisation gaps. Where a
    net diverged, its losses are infinite, its accuracies below all others, and the rest is undefined.

    Attributes:
        key: the experiment or the analysis, whose tables lie under its name.
        nets: the experiment that it looks at.
        experiment: its settings.
        scale: what its nets have to be trained at to count; anything goes if None.
    """

    key: str
    nets: str
    experiment: Experiment
    scale: str | None = None
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def check_training(self, needs: Needs | None) -> None:
        """Raise UntestableError if the nets were trained at another scale, or for fewer epochs than are needed."""
        trained = read_json(metrics_of(self.nets))
        if self.scale and trained["scale"] != self.scale:
            raise UntestableError(f"its nets were trained at the {trained['scale']} scale")
        if needs and trained["epochs"] < needs.epochs:
            raise UntestableError(f"{trained['epochs']} of the {needs.epochs} epochs it speaks of")

    def read(self, name: str) -> pd.DataFrame:
        """The table of that name."""
        if name not in self._kept:
            self._kept[name] = self._read(name)
        return self._kept[name]

    def _read(self, name: str) -> pd.DataFrame:
        if name in ("history", "steps"):
            which = ["run", "member", "replica", "parameters", "layers", "diverged", *identity(self.experiment)]
            table = read_table(self.nets, name).merge(self.read("nets")[which], on=["run", "member"])
            losses = [column for column in table if column.endswith("loss")]
            changes = table.groupby(["run", "member"])[losses].diff().abs()
            return _with_worst(table.join(changes.add_suffix("_change"))).drop(columns="diverged")
        if name != "nets":
            return _with_worst(self._with_layers(read_csv(replicas_of(self.key, name))))
        nets = self._with_layers(tuned(self.experiment, read_table(self.nets, "nets")))
        nets["loss_gap"] = nets["test_loss"] - nets["train_loss"]
        if not self.experiment.functions:
            nets["accuracy_gap"] = nets["train_accuracy"] - nets["test_accuracy"]
        return _with_worst(nets)

    def diverged(self, operand: Operand) -> list[str]:
        """Which of the nets that an operand looks at diverged, in words: a line for each kind of net."""
        nets = self.read("nets")
        if not nets["diverged"].any():
            return []
        where = {name: wanted for name, wanted in operand.where.items() if name in nets}
        nets = nets[picked(nets, operand.model_copy(update={"where": where}))]
        if operand.table == "interpolate":
            line = load_section("interpolate", self.key, InterpolateSettings)
            nets = nets[nets[line.over].isin(line.between)]
        if self.experiment.functions:
            nets = nets.assign(function=nets["function"].map(formula))
        names = ["series", "function"] if self.experiment.functions else ["series"]
        kinds = with_series(self.experiment, nets).groupby(names, sort=False)["diverged"]
        return [f"{of.sum()} of {len(of)} nets diverged ({', '.join(kind)})" for kind, of in kinds if of.any()]

    def _with_layers(self, table: pd.DataFrame) -> pd.DataFrame:
        if "model" not in table:
            return table
        layers = {model: weighted_layers(self.experiment, model) for model in self.experiment.models}
        return table.assign(layers=table["model"].map(layers))


def _with_worst(table: pd.DataFrame) -> pd.DataFrame:
    """The table with what counts for a net that diverged, where it is known which did."""
    if "mean_square" in table:  # of fits, which have a gap there
        return table.fillna({"mean_square": np.inf})
    if "diverged" in table:
        for name in WORST.keys() & set(table):
            table[name] = table[name].mask(table["diverged"] & ~np.isfinite(table[name]), WORST[name])
    return table


def numbers(tables: Tables, operand: Operand, by: list[str]) -> tuple[pd.DataFrame, str]:
    """The operand's number in every group of rows.

    Args:
        by: the columns that tell the numbers apart: the replica, and what else varies; of a series its coordinate too,
            where all of it is wanted.

    Returns:
        A table of `by` and `value`; and a remark where series do not get as far as the operand says, and where nets
        diverged. The value of such a net is infinite where it is known to be worse than all others, and else undefined.

    Raises:
        UntestableError: there are no rows, or no series gets as far as the operand says.
        EntryError: a column is not there, or there are several rows for a number.
    """
    table = tables.read(operand.table)
    if missing := [name for name in (operand.column, *operand.where, *by) if name not in table]:
        raise EntryError(f"the table {operand.table} has no column {', '.join(missing)}")
    table = table[picked(table, operand)]
    if table.empty:
        raise UntestableError(f"no run has what it needs: {_words(operand)}")
    if operand.during:
        table = _part(table, operand, [name for name in by if name != operand.coordinate])
    remarks = tables.diverged(operand)
    series = operand.coordinate and operand.coordinate not in by
    several = table.duplicated([*by, *([operand.coordinate] if series else [])])
    if several.any():
        differ = [name for name in (*identity(tables.experiment), "split", "pair", "region", "scope")
                  if name in table and name not in by and len(table[name].unique()) > 1]  # fmt: skip
        raise EntryError(f"{operand.of} has several rows a replica: say which by {', '.join(differ) or 'where'}")
    if not series:
        return table[[*by, operand.column]].rename(columns={operand.column: "value"}), "; ".join(remarks)
    found = [(*key, *_reduced(rows, operand)) for key, rows in table.groupby(by, sort=False)]
    result = pd.DataFrame(found, columns=[*by, "value", "reached"])
    short = int((~result["reached"] & np.isfinite(result["value"])).sum())
    if operand.until and not result["reached"].any():
        rule = ", ".join(f"{name} {value:g}" for name, value in operand.until.model_dump(exclude_none=True).items())
        raise UntestableError(f"no run gets {operand.column} {rule} in the {operand.coordinate}s that it has")
    if short:
        remarks.append(f"{short} of {len(result)} never get there, and count with their full length")
    return result.drop(columns="reached"), "; ".join(remarks)


def _part(table: pd.DataFrame, operand: Operand, by: list[str]) -> pd.DataFrame:
    """The part of every series that `during` says, of its own length."""
    length = table.groupby(by)[operand.coordinate].transform("max")
    start, end = (share * length for share in operand.during)
    finite = np.isfinite(table[operand.column]) | (operand.table == "pca")  # whose first snapshot has no step before it
    diverged = ~finite.groupby([table[name] for name in by]).transform("all")  # stays as it is, and has no number
    found = table[diverged | table[operand.coordinate].between(start - 1e-9, end + 1e-9)]
    if len(found[by].drop_duplicates()) < len(table[by].drop_duplicates()):
        words = " to ".join(f"{100 * share:g} %" for share in operand.during)
        raise UntestableError(f"no record of {operand.column} from {words} of the course")
    return found


def picked(table: pd.DataFrame, operand: Operand) -> pd.Series:
    """Which rows of a table `where` picks."""
    chosen = pd.Series(True, index=table.index)
    for name, wanted in operand.where.items():
        if isinstance(wanted, Range):
            low = -np.inf if wanted.from_ is None else wanted.from_
            high = np.inf if wanted.to is None else wanted.to
            chosen &= table[name].between(low - 1e-9, high + 1e-9)
        else:
            several = wanted if isinstance(wanted, list) else [wanted]
            chosen &= np.logical_or.reduce([_equals(table[name], value) for value in several])
    return chosen


def _equals(column: pd.Series, value: str | float) -> pd.Series:
    if isinstance(value, str) or not pd.api.types.is_numeric_dtype(column):
        return column.astype(str) == str(value)
    return pd.Series(np.isclose(column, value), index=column.index)


def _words(operand: Operand) -> str:
    return ", ".join(f"{name} {wanted}" for name, wanted in operand.where.items()) or operand.of


TAKE: dict[str, Callable[[np.ndarray], float]] = {
    "start": lambda y: y[0],
    "end": lambda y: y[-1],
    "lowest": np.min,
    "highest": np.max,
    "mean": np.mean,
    "swing": lambda y: np.sqrt(np.mean(np.diff(y) ** 2) / 2),
    "rise": lambda y: np.mean(np.diff(y) > 0),
}


def _reduced(rows: pd.DataFrame, operand: Operand) -> tuple[float, bool]:
    """What is taken of a series, and whether it got as far as `until` says.

    Of a net that diverged the end is infinite, and so is the way to wherever `until` says: it does not stay there.
    """
    rows = rows.sort_values(operand.coordinate)
    x, y = rows[operand.coordinate].to_numpy(), rows[operand.column].to_numpy(float)
    if operand.coordinate == "epoch" and operand.table == "pca":  # the first snapshot has no step before it
        x, y = x[~np.isnan(y)], y[~np.isnan(y)]
    if operand.table == "history" and np.isinf(y[-1]) and (operand.until or operand.take == "end"):
        return (float("inf"), False) if operand.until else (float(y[-1]), True)
    if not np.isfinite(y).all() or len(y) < (2 if operand.take in ("swing", "rise") else 1):
        return float("nan"), True
    if operand.until is None:
        return float(TAKE[operand.take](y)), True
    there = np.flatnonzero(_there(y, operand.until))
    return (float(x[there[0]]), True) if len(there) else (float(x[-1]), False)


def _there(y: np.ndarray, until: Until) -> np.ndarray:
    if until.below is not None:
        return y <= until.below
    if until.above is not None:
        return y >= until.above
    return y <= y.min() * (1 + until.within)
