"""Whatever claim the check accepts is judged: hypothesis makes claims up, on tables of every kind, made up as well.

With `--fuzz 3000` there are so many on each table.
"""

import sys
import warnings
from collections import Counter
from contextlib import chdir
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netclaims.analysis.output import replicas_of
from netclaims.claims.check_claims import load_claims, nets_of
from netclaims.claims.experiment_tables import Tables
from netclaims.claims.judge import find, judge
from netclaims.claims.operands import TABLES
from netclaims.errors import SettingsError
from netclaims.files import write_json, write_table
from netclaims.paths import RUNS, metrics_of
from netclaims.present.claims_figure import draw_claims
from netclaims.recipes.resolve import training
from netclaims.settings.experiments import ExperimentEntry
from netclaims.tables.columns import SETTINGS, holds_words, is_category
from netclaims.tables.rows import values_of
from netclaims.training.runs import runs_of
from tests.made_up import numbers, rarely

REPORT = Path("reports/d.yaml")
CLAIM = {"report": "d", "quote": "it falls", "part": "3-3", "question": "capacity", "answer": "it does",
         "figure": "x", "read": "As it says."}  # fmt: skip
SERIES = {"history": ("epoch", range(4)), "steps": ("step", range(1, 6)), "pca": ("epoch", range(0, 6, 2)),
          "interpolate": ("alpha", np.linspace(-1, 2, 7))}  # fmt: skip


@pytest.fixture(scope="module")
def content(every_kind):
    """The same, with a figure for each to look at."""
    keys = dict.fromkeys(key for section in every_kind.values() for key in section)
    return every_kind | {"figures": {key: {"nets": nets_of(key, every_kind), "draw": {"x": {}}} for key in keys}}


def leave(key: str, nets: ExperimentEntry, content: dict, resolved, random: np.random.Generator, kind: str) -> None:
    """Write all tables of an experiment or an analysis, as their declarations have them."""
    rows = []
    for number, run in enumerate(runs_of(resolved, "cpu")):
        for index, net in enumerate(run.members):
            rows.append({"run": number, "member": index, "function": net.function, "model": run.model, **run.setting,
                         "replica": net.replica, "parameters": resolved.parameters(run.model)})  # fmt: skip
    rows = pd.DataFrame(rows)
    rows["diverged"] = random.random(len(rows)) < (0.3 if kind == "gaps" else 0)
    for name, table in TABLES.items():
        section = (content.get(name) or {}).get(key)
        if section is None and ((name not in SERIES and name != "nets") or key not in content["experiments"]):
            continue
        if section is None and name in ("pca", "interpolate"):
            continue
        there = [column.name for column in table.columns if column.stored and column.when(nets, section)]
        if name in ("history", "steps"):
            base = rows[["run", "member", "diverged"]]
        else:
            base = rows if name in ("nets", "sensitivity") else rows.drop(columns=["run", "member", *SETTINGS])
            values = values_of(table, nets, section)
            for column in ("region", "scope", "split", "pair"):
                if column in there:
                    base = base.merge(pd.Series(values[column], name=column), how="cross")
            base = base.drop_duplicates([name for name in table.by if name in base])
        if name in SERIES:
            base = base.merge(pd.Series(SERIES[name][1], name=SERIES[name][0]), how="cross")
        for column in (column for column in there if column not in base):
            if column == "kind":
                base[column] = random.choice(table.words["kind"], len(base))
            elif column == "epoch":
                base[column] = 3
            else:
                base[column] = numbers(random, len(base), kind)
                if "diverged" in base:
                    base.loc[base["diverged"], column] = np.nan
        path = RUNS / key / f"{name}.csv" if section is None else replicas_of(key, name)
        write_table(path, base[there])


@pytest.fixture(scope="module")
def left(content, params, tmp_path_factory):
    """All tables, by how good their numbers are or how many replicas there are; each in a folder of its own."""
    entries = {key: ExperimentEntry.model_validate(entry) for key, entry in content["experiments"].items()}
    found = {}
    for kind, replicas in {"plain": 4, "same": 4, "whole": 4, "gaps": 5, "huge": 3, "two": 2, "one": 1}.items():
        folder, random = tmp_path_factory.mktemp(kind), np.random.default_rng(0)
        with chdir(folder):
            resolved = {
                key: training(key, entry, params(replicas=replicas), None if entry.functions else 60)
                for key, entry in entries.items()
            }
            found[kind] = folder, {}
            for key in content["figures"]:
                nets = nets_of(key, content)
                leave(key, entries[nets], content, resolved[nets], random, kind)
                about = {"scale": "small", "data": "Noise", "epochs": 3, "epochs_stated": 3, "equal_steps": 45}
                write_json(metrics_of(nets), about)
                found[kind][1][key] = Tables(key, resolved[nets], "small", ("batch_size", [4, 16]))
    return entries, found


# -------------------------------------------------------------------------------------------------------------- entries

# Whose tables there are of each name.
KEYS = {
    "nets": ["d-sizes", "d-shares", "d-tuned", "d-fits", "d-one", "d-line"],
    "history": ["d-sizes", "d-shares", "d-tuned", "d-fits", "d-one"],
    "steps": ["d-sizes"],
    "fit": ["d-fits"],
    "hessian": ["d-fits"],
    "pca": ["d-one"],
    "interpolate": ["d-line", "d-norms"],
    "sensitivity": ["d-norms"],
}
LIMIT = st.sampled_from([-1, 0, 0.5, 3, 1e-3, 1e300])
TAKE = st.sampled_from(["start", "end", "lowest", "highest", "mean", "swing", "rise", "growth", "gain", "turns"])
UNTIL = st.one_of(*(st.fixed_dictionaries({name: LIMIT}) for name in ("below", "above")),
                  st.fixed_dictionaries({"fallen": st.sampled_from([0.5, 1])}))  # fmt: skip


@st.composite
def claims(draw, name, content, entries) -> dict:
    """A claim that is sound more often than not: mistakes of every kind are among them."""
    key = draw(st.sampled_from(KEYS[name]))
    names, experiment = [table for table in KEYS if key in KEYS[table]], entries[nets_of(key, content)]

    def columns(table: str, sound) -> list[str]:
        """Those of a table, mostly those that are sound."""
        there = sorted(TABLES[table].offered(experiment, (content.get(table) or {}).get(key)))
        return there if rarely(draw, 15) else list(filter(sound, there)) or there

    def measured(column: str) -> bool:
        return not holds_words(column) and not is_category(column) and column != "epoch"

    def operand(table: str, by: list[str], series: bool) -> dict:
        declared, section = TABLES[table], (content.get(table) or {}).get(key)
        found, where = {"of": f"{table}.{draw(st.sampled_from(columns(table, measured)))}"}, {}
        for column, known in values_of(declared, experiment, section).items():
            lacking = column in declared.by and column not in by and len(known) > 1
            there = known and column in declared.offered(experiment, section)
            if there and rarely(draw, 30) != lacking:
                one = st.sampled_from(known)
                several = [{"from": 0.2}, {"to": 20}] if isinstance(known[0], int | float) else [known, known[:1]]
                where[column] = draw(st.one_of(*[one] * 30, st.lists(one, min_size=1), st.sampled_from(several)))
        if declared.coordinate and rarely(draw, 10):
            where[declared.coordinate] = draw(st.sampled_from([{"from": 0.5}, 1, [0, 1, 2], {"to": 1}]))
        found |= {"where": where} if where else {}
        if declared.coordinate and series == (rarely(draw, 30)):
            found |= draw(st.one_of(st.fixed_dictionaries({"take": TAKE}), st.fixed_dictionaries({"until": UNTIL})))
        if declared.coordinate and rarely(draw, 5):
            found["during"] = draw(st.sampled_from([[0, 0.1], [0.5, 1], [0, 1], [0.2, 0.3]]))
        return found

    coordinate = TABLES[name].coordinate
    kinds = ["ordering", "equivalence"] if name == "fit" else ["trend", "ordering", "equivalence", "extreme", "shape"]
    kind = draw(st.sampled_from(kinds))
    each = draw(st.lists(st.sampled_from(columns(name, is_category)), max_size=2, unique=True))
    each = [column for column in each if column != "replica" or rarely(draw, 10)]
    if kind in ("ordering", "equivalence"):
        each += [coordinate] if coordinate and draw(st.booleans()) else []
        table = draw(st.sampled_from([name, *names]))
        sides = [operand(name, each, coordinate in each), operand(table, each, coordinate in each)]
        two = sides[1] if draw(st.booleans()) else draw(LIMIT)
        way, bound = draw(st.sampled_from(["higher", "lower"])), draw(st.sampled_from(["within", "beyond"]))
        found = {way: sides[0], "than": two} if kind == "ordering" else {"of": sides[0], "to": two, bound: 0.1}
        found["ratio"] = draw(st.booleans())
    else:
        settings = [setting for setting in ("batch_size", "shuffle_labels", "parameters") if setting not in each]
        places = columns(name, lambda column: column in settings or column == coordinate)
        if kind == "trend" and draw(st.booleans()):
            places = columns(name, measured)
        along = draw(st.sampled_from(places))
        whole = along == coordinate or (kind == "trend" and draw(st.booleans()))
        ways = {"trend": ["rises", "falls"], "extreme": ["lowest", "highest"], "shape": ["valley", "peak"]}
        found = {draw(st.sampled_from(ways[kind])): operand(name, [*each, along], whole), "along": along}
        if kind == "extreme":
            found["between"] = draw(st.sampled_from([[0, 0.4], [4, 16], [3, 20], [1, 1], [-10, 1e9]]))
        if kind == "shape":
            found["log"] = draw(st.booleans())
    return {"experiment": key, kind: found | ({"each": each} if each else {})}


@pytest.mark.parametrize("name", KEYS)
def test_whatever_is_accepted_is_judged(name, left, content, request):
    entries, tables = left
    seen, findings = Counter(), {}

    @settings(max_examples=request.config.getoption("--fuzz"), derandomize=True, deadline=None, database=None)
    @given(claim=claims(name, content, entries), kind=st.sampled_from(list(tables)))
    def judged(claim, kind):
        text = content | {"claims": {"d-claim": CLAIM | deepcopy(claim)}}
        try:
            (found,) = load_claims(REPORT, text, entries).values()
        except SettingsError as error:
            assert len(str(error).splitlines()) == 1
            seen["refused"] += 1
            return
        folder, left = tables[kind]
        with warnings.catch_warnings(action="ignore"), chdir(folder):
            findings[f"d-{len(findings)}"] = find(found, left[found.experiment], seed=0)
        seen[found.kind] += 1

    judged()
    verdicts = judge(dict.fromkeys(findings, "capacity"), findings)
    draw_claims(verdicts.assign(report="d", quote="it falls"), "small")
    sys.stdout.write(f"{name}: {dict(seen)}, {verdicts['verdict'].value_counts().to_dict()}\n")
    assert seen["refused"] <= seen.total() * 0.9
