"""The tables that the pipeline leaves of an experiment, and the rows of them that a claim looks at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype, is_numeric_dtype

from netclaims.analysis.output import replicas_of
from netclaims.claims.entries import Needs
from netclaims.claims.operands import Operand, Range, Wanted
from netclaims.data.functions import formula
from netclaims.experiment import Experiment
from netclaims.files import read_csv, read_json, read_table
from netclaims.nets.layers import weighted_layers
from netclaims.paths import RUNS, metrics_of
from netclaims.tables.columns import EXACT
from netclaims.training.selection import tuned, with_series

# What a net comes to that diverged. It is worse than any other, which is all that a test of ranks or of signs needs to
# know: worst ranks (Lachin 1999, Controlled Clinical Trials 20). Without it, what diverges would be left out of the
# claims that it speaks for or against the most.
WORST = {"train_loss": np.inf, "test_loss": np.inf, "train_accuracy": -np.inf, "test_accuracy": -np.inf}


class UntestableError(Exception):
    """There is nothing to test a claim on, for the reason given."""


class NotRunError(UntestableError):
    """The stage that makes the numbers has not run, or not at this scale."""


@dataclass(frozen=True)
class Tables:
    """The tables of an experiment and of its analyses, each read once.

    Of nets that were tuned there are those of the best setting, or of `every_setting`. `nets`, `history` and `steps`
    are what training wrote, with the settings of each net, its number of `layers` with weights, and in `nets` the
    generalisation gaps; Operand says which other columns are worked out here. Where a net diverged, its losses are
    infinite, its accuracies below all others, and the rest is undefined.

    Attributes:
        key: the experiment or the analysis, whose tables lie under its name.
        experiment: the one that it looks at.
        scale: what its nets have to be trained at to count; anything goes if None.
        line: of an interpolation, the swept setting and its two values.
        every_setting: whether nets of all settings of a tuning are there, and not those of the best alone.
    """

    key: str
    experiment: Experiment
    scale: str | None = None
    line: tuple[str, list[float]] | None = None
    every_setting: bool = False
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def of(self, operand: Operand) -> Tables:
        """Return these tables, or those of every setting where the operand says which of the tuned ones it means."""
        return self._of_every_setting if operand.where.keys() & set(self.experiment.tuned) else self

    @cached_property
    def _of_every_setting(self) -> Tables:
        return replace(self, every_setting=True, _kept={})

    def check_training(self, needs: Needs | None) -> None:
        """Raise an error if the nets were not trained, or at another scale, or for fewer epochs than are needed.

        Raises:
            NotRunError: they were not, or at another scale.
            UntestableError: for fewer epochs.
        """
        trained = read_json(_there(metrics_of(self.experiment.key), f"train@{self.experiment.key}"))
        if self.scale and trained["scale"] != self.scale:
            raise NotRunError(f"its nets were trained at the {trained['scale']} scale")
        if needs and trained["epochs"] < needs.epochs:
            raise UntestableError(f"{trained['epochs']} of the {needs.epochs} epochs it speaks of")

    def check_batches(self, named: list[Wanted | None]) -> None:
        """Raise UntestableError if a batch size is named that does not fit into the training set.

        Nets of such a batch size were trained with one batch of all there is, as those of any other too large one.
        """
        for wanted in named:
            ends = [wanted.from_, wanted.to] if isinstance(wanted, Range) else wanted
            for value in ends if isinstance(ends, list) else [ends]:
                if value is not None and value > self.experiment.train_size:
                    size = self.experiment.train_size
                    raise UntestableError(f"a batch of {value:,.10g} is all of the {size:,} training examples here")

    def read(self, name: str) -> pd.DataFrame:
        """Return the table of that name.

        Raises:
            NotRunError: the stage that writes it has not run.
        """
        if name not in self._kept:
            self._kept[name] = self._read(name)
        return self._kept[name]

    def _read(self, name: str) -> pd.DataFrame:
        if name in ("nets", "history", "steps"):
            _there(RUNS / self.experiment.key / f"{name}.csv", f"train@{self.experiment.key}")
        else:
            _there(replicas_of(self.key, name), f"{name}@{self.key}")
        if name in ("history", "steps"):
            which = ["run", "member", "replica", "parameters", "layers", "diverged", *self.experiment.identity]
            table = read_table(self.experiment.key, name).merge(self.read("nets")[which], on=["run", "member"])
            losses = [column for column in table if column.endswith("loss")]
            changes = table.groupby(["run", "member"])[losses].diff().abs()
            table = table.join(changes.add_suffix("_change"))
            if name == "history" and "train_loss" in table:
                table["train_loss_bend"] = _sticks_out(table, "train_loss").abs()
            if name == "history" and "gradient_norm" in table:
                table["gradient_norm_spike"] = _sticks_out(table, "gradient_norm")
            return _with_worst(table).drop(columns="diverged")
        if name == "pca":
            table = read_csv(replicas_of(self.key, name))
            norms = self.read("history").filter(["replica", "epoch", "gradient_norm"])
            return table.merge(norms, on=["replica", "epoch"], how="left") if "gradient_norm" in norms else table
        if name != "nets":
            return _with_worst(self._with_layers(read_csv(replicas_of(self.key, name))))
        nets = read_table(self.experiment.key, "nets")
        nets = self._with_layers(nets if self.every_setting else tuned(self.experiment, nets))
        nets["loss_gap"] = nets["test_loss"] - nets["train_loss"]
        if not self.experiment.functions:
            nets["accuracy_gap"] = nets["train_accuracy"] - nets["test_accuracy"]
        return _with_worst(nets)

    def nets_of(self, operand: Operand) -> pd.DataFrame:
        """Return the rows of the nets that an operand looks at, in whichever table.

        Other tables have columns of the same names that mean something else: `epoch` is a place there, and not the end.
        """
        nets = self.of(operand).read("nets")
        known = (
            nets.columns if operand.table == "nets" else ["replica", "parameters", "layers", *self.experiment.identity]
        )
        where = {name: wanted for name, wanted in operand.where.items() if name in known}
        nets = nets[picked(nets, operand.model_copy(update={"where": where}))]
        if operand.table == "interpolate":
            over, between = self.line
            nets = nets[nets[over].isin(between)]
        return nets

    def diverged(self, operand: Operand) -> list[str]:
        """Say which of the nets that an operand looks at diverged, in words: a line for each kind of net."""
        nets = self.nets_of(operand)
        if not nets["diverged"].any():
            return []
        if self.experiment.functions:
            nets = nets.assign(function=nets["function"].map(formula))
        names = ["series", "function"] if self.experiment.functions else ["series"]
        kinds = with_series(self.experiment, nets).groupby(names, sort=False)["diverged"]
        return [f"{of.sum()} of {len(of)} nets diverged ({', '.join(kind)})" for kind, of in kinds if of.any()]

    def _with_layers(self, table: pd.DataFrame) -> pd.DataFrame:
        if "model" not in table:
            return table
        layers = {model: weighted_layers(of) for model, of in self.experiment.models.items()}
        return table.assign(layers=table["model"].map(layers))


def _there(path: Path, stage: str) -> Path:
    """Return a path if there is a file; `stage` is the one that writes it."""
    if not path.exists():
        raise NotRunError(f"{stage} has not run")
    return path


def _sticks_out(table: pd.DataFrame, column: str) -> pd.Series:
    """Return how far the logarithm of a column lies above the middle of those before and after it, in each net."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a loss may be 0, or infinite
        logarithms = np.log(table[column]).replace([np.inf, -np.inf], np.nan)
    nets = logarithms.groupby([table["run"], table["member"]])
    return logarithms - (nets.shift(1) + nets.shift(-1)) / 2


def _with_worst(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with what counts for a net that diverged, where it is known which did."""
    if "mean_square" in table:  # tables of fits have a gap there
        return table.fillna({"mean_square": np.inf, "right_sign": 0.0})
    if "diverged" in table:
        for name in WORST.keys() & set(table):
            table[name] = table[name].mask(table["diverged"] & ~np.isfinite(table[name]), WORST[name])
    return table


def picked(table: pd.DataFrame, operand: Operand) -> pd.Series:
    """Tell which rows of a table `where` picks."""
    chosen = pd.Series(True, index=table.index)
    for name, wanted in operand.where.items():
        chosen &= _matches(table[name], wanted)
    return chosen


def _matches(column: pd.Series, wanted: Wanted) -> pd.Series:
    """Tell which rows hold what is wanted: the very number where it was set or counted, one close to it elsewhere."""
    if isinstance(wanted, list):
        return np.logical_or.reduce([_matches(column, value) for value in wanted])
    if isinstance(wanted, Range):
        return within(column, wanted.from_, wanted.to)
    if isinstance(wanted, str) or not is_numeric_dtype(column):
        return column.astype(str) == str(wanted)
    return column == wanted if _exact(column) else pd.Series(np.isclose(column, wanted), index=column.index)


def within(column: pd.Series, low: float | None, high: float | None) -> pd.Series:
    """Tell which numbers of a column lie from one to another, both included; either end may be left open.

    Args:
        column: the numbers.
        low: the smallest, None if open.
        high: the largest, None if open.
    """
    room = 0.0 if _exact(column) else 1e-9
    return column.between(-np.inf if low is None else low - room, np.inf if high is None else high + room)


def _exact(column: pd.Series) -> bool:
    return column.name in EXACT or is_integer_dtype(column)
