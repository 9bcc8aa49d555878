"""Whatever figure the check accepts is drawn and told: hypothesis makes figures up, and tables of every kind to show.

With `--fuzz 6000` there are 1,000 of each table.
"""

import sys
import warnings
from collections import Counter
from contextlib import chdir

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from netclaims.claims.check_claims import nets_of
from netclaims.files import write_json, write_table
from netclaims.paths import metrics_of, plots_of
from netclaims.present.alt_text import describe
from netclaims.present.figures import draw
from netclaims.present.svg import save
from netclaims.present.tables import panels
from netclaims.recipes.resolve import training
from netclaims.settings.analyses import ANALYSES
from netclaims.settings.check_figures import check_figures
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.figures import FiguresSettings
from netclaims.tables.columns import is_category
from netclaims.tables.plots import CORRELATIONS, PLOTTED
from netclaims.tables.rows import values_of
from netclaims.training.runs import runs_of
from netclaims.training.selection import with_series
from tests.made_up import numbers, rarely

PLACES = {"epoch": range(4), "step": range(1, 20), "alpha": np.linspace(-1, 2, 7), "x": np.linspace(-1, 1, 4),
          "y": np.linspace(-1, 1, 4), "rank": range(1, 5), "component": range(1, 4),
          "eigenvalue": np.linspace(-3, 30, 8), "replica": range(3)}  # fmt: skip
KINDS = ["lines", "points", "scatter", "paths", "contours"]


def tables_of(key: str, report: dict) -> dict:
    """Every table that lies under a name, with the entry of the analysis that writes it."""
    of = {table.name: (table, None) for table in PLOTTED["train"]} if key in report["experiments"] else {}
    for kind in ANALYSES:
        if key in report[kind]:
            of |= {table.name: (table, report[kind][key]) for table in PLOTTED[kind]}
    return of


def made_up(table, entry, experiment, resolved, random, kind: str) -> pd.DataFrame:
    """A table as its declaration has it."""
    there = [column.name for column in table.columns if column.when(experiment, entry)]
    nets = pd.DataFrame(
        {"function": net.function, "model": run.model, **run.setting, "parameters": resolved.parameters(run.model)}
        for run in runs_of(resolved, "cpu")
        for net in run.members
    )
    base = with_series(resolved, nets)
    base = (
        base[[name for name in there if name in base]].drop_duplicates()
        if "model" in there
        else pd.DataFrame({"_": [0]})
    )
    values = {name: of for name, of in values_of(table, experiment, entry).items() if name not in base} | PLACES
    coordinate = [table.coordinate] if table.coordinate else []
    for name in (name for name in (*table.by, *coordinate) if name in there and name not in base):
        base = base.merge(pd.Series(values[name], name=name), how="cross")
    if kind == "few" and "split" not in there:  # kinds of nets that there are none of
        base = base.iloc[: len(base) // 2]
    for name in (name for name in there if name not in base):
        base[name] = random.choice(table.words[name], len(base)) if name == "kind" else numbers(random, len(base), kind)
    return base[there]


@pytest.fixture(scope="module")
def left(every_kind, params, tmp_path_factory):
    """All tables, by how good their numbers are, in a folder of its own for each; and what is said of all nets."""
    entries = {key: ExperimentEntry.model_validate(entry) for key, entry in every_kind["experiments"].items()}
    about = {
        key: {
            "data": "Some digits", "scale": "small", "train_examples": 60, "test_examples": 24, "epochs": 3,
            "epochs_stated": 9, "replicas": 3, "loss": entry.loss, "models": {"A": {"diverged": 1}},
        }
        for key, entry in entries.items()
    }  # fmt: skip
    resolved = {key: training(key, entry, params(), None if entry.functions else 60) for key, entry in entries.items()}
    folders = {}
    for kind in ("plain", "same", "whole", "gaps", "huge", "few"):
        folders[kind], random = tmp_path_factory.mktemp(kind), np.random.default_rng(0)
        with chdir(folders[kind]):
            for key in dict.fromkeys(key for section in every_kind.values() for key in section):
                nets = nets_of(key, every_kind)
                for name, (table, entry) in tables_of(key, every_kind).items():
                    rows = made_up(table, entry, entries[nets], resolved[nets], random, kind)
                    write_table(plots_of(key) / f"{name}.csv", rows)
            found = {"rho": 0.5, "low": -0.1, "high": 0.9, "n": 5}
            found |= dict.fromkeys(("rho", "low", "high")) if kind == "same" else {}
            names = {name.partition(".")[2]: found for name in CORRELATIONS["hessian"]}
            write_json(metrics_of("d-fits", "hessian"), {"critical_points": names, "descended": names})
    return entries, about, folders


@st.composite
def figures(draw, name, report, entries) -> tuple[str, dict]:
    """A figure of a table and whose it is, sound more often than not: mistakes of every kind are among them."""
    keys = dict.fromkeys(key for section in report.values() for key in section)
    key = draw(st.sampled_from([key for key in keys if name in tables_of(key, report)]))
    experiment, tables = entries[nets_of(key, report)], tables_of(key, report)
    table, entry = tables[name]
    there = sorted(table.offered(experiment, entry))

    def pick(sound) -> str:
        """Most times a column that is sound."""
        return draw(st.sampled_from(there if rarely(draw, 20) else list(filter(sound, there)) or there))

    kinds = {"pca": ["paths"], "surface": ["contours"], "hessian": ["scatter"], "errors": ["points"], "gap": ["points"],
             "barriers": ["points"], "final": ["lines", "points"]}.get(name, ["lines"])  # fmt: skip
    kinds = KINDS if rarely(draw, 10) else kinds
    found = {
        "title": draw(st.sampled_from(["A title", "Of $5 & <more>", "x" * 90])),
        "kind": draw(st.sampled_from(kinds)),
    }
    places = {"points": is_category, "contours": lambda name: name == "x"}
    measured_along = {"learning_rate", "batch_size", "shuffle_labels", "parameters", "epoch", "step"}
    coordinates = {table.coordinate} if table.coordinate else measured_along
    found["x"] = pick(places.get(found["kind"], lambda column: column in coordinates and column in there))
    taken = {found["x"], "series", "replica", "y", "epoch", "step", "rank", "component", "alpha", "eigenvalue"}
    several = draw(st.integers(1, 2))
    found["y"] = [
        f"{name}.{pick(lambda column: not is_category(column) and column not in taken)}" for _ in range(several)
    ]
    if rarely(draw, 7):
        other = draw(st.sampled_from(sorted(tables)))
        found["y"].append(
            f"{other}.{draw(st.sampled_from(sorted(tables[other][0].offered(experiment, tables[other][1]))))}"
        )
    values = values_of(table, experiment, entry)
    open_columns = [column for column in table.by if column in there and column != found["x"]]
    only = {}
    for column in open_columns:
        if len(values.get(column, [])) > 1 and rarely(draw, 4):
            only[column] = draw(st.sampled_from(values[column]))
    left = [column for column in open_columns if column not in only and len(values.get(column, ["", ""])) > 1]
    for place in ("lines", "columns"):
        if found["kind"] not in ("paths", "contours") or place == "columns":
            sound = [column for column in left if place == "columns" or not ("truth" in there and column == "function")]
            if sound and not rarely(draw, 10):
                found[place] = left.pop(left.index(draw(st.sampled_from(sound))))
            elif rarely(draw, 10):
                found[place] = pick(is_category)
    if "series" in there and draw(st.booleans()):
        found["lines"] = "series"
    if not rarely(draw, 4):  # what neither lines nor panels tell apart
        only |= {column: draw(st.sampled_from(values[column])) for column in left if column in values}
    if only:
        found["only"] = only
    shown = [found["x"], *(column.partition(".")[2] for column in found["y"])]
    found["log"] = draw(st.lists(st.sampled_from(shown), unique=True))
    found["symlog"] = [
        column for column in draw(st.lists(st.sampled_from(shown), unique=True)) if column not in found["log"]
    ]
    if rarely(draw, 5):
        found |= {"chance": True} if "accuracy" in shown else {"x_label": "$"}
    if rarely(draw, 4) and ("hessian" in tables or rarely(draw, 6)):
        found["note"] = f"hessian.{draw(st.sampled_from([*CORRELATIONS['hessian'], 'critical_points']))}"
    if found["kind"] == "contours" and draw(st.booleans()):
        found["path"] = draw(st.sampled_from(["path"] * 9 + ["surface"]))
    return key, found


@pytest.mark.parametrize("name", [table.name for tables in PLOTTED.values() for table in tables])
def test_whatever_is_accepted_is_drawn(name, left, every_kind, request, tmp_path):
    entries, about, folders = left
    analyses = {
        kind: {key: ANALYSES[kind].model_validate(entry) for key, entry in every_kind[kind].items()}
        for kind in ANALYSES
    }
    seen = Counter()

    @settings(max_examples=request.config.getoption("--fuzz") // 6, derandomize=True, deadline=None, database=None)
    @given(made=figures(name, every_kind, entries), kind=st.sampled_from(list(folders)))
    def drawn(made, kind):
        key, figure = made
        nets = nets_of(key, every_kind)
        try:
            found = FiguresSettings.model_validate({"nets": nets, "question": "capacity", "draw": {"x": figure}})
            faults = list(check_figures(found, key, entries, analyses))
        except ValidationError as error:
            faults = [((), one["msg"]) for one in error.errors()]
        if faults:
            assert all("\n" not in said for _, said in faults)
            seen["refused"] += 1
            return
        spec = found.draw["x"].plain(classes=10)
        with warnings.catch_warnings(action="ignore"), chdir(folders[kind]):
            save(draw(key, spec, about[nets]), tmp_path / "x.svg")
            assert "nan" not in describe(spec, panels(key, spec, about[nets]), about[nets])
        seen[figure["kind"]] += 1

    drawn()
    sys.stdout.write(f"{name}: {dict(seen)}\n")
    assert seen.total() - seen["refused"] >= max(1, seen.total() // 20)  # some are drawn
