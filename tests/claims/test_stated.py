"""Numbers that the reports state, and ours beside them: a mistake is one line, and ours are those of the replicas."""

import json
from contextlib import chdir
from dataclasses import replace
from math import inf, nan, sqrt
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pydantic import TypeAdapter

from netclaims.claims.experiment_tables import Tables
from netclaims.claims.judge import Conclusions
from netclaims.claims.stated import beside, write_stated
from netclaims.claims.stated_entries import Stated, load_results
from netclaims.errors import SettingsError
from netclaims.files import write_table
from netclaims.recipes.write import all_recipes
from netclaims.settings.reports import Report, load_report, load_settings

ROOT = Path(__file__).parents[2]
REPORT = Path("reports/d.yaml")
LOSS = {"stated": 0.5, "of": "nets.test_loss", "where": {"batch_size": 4}}
SWEEP = {"batch_size": None, "sweep": {"batch_size": [4, 8, 16]},
         "against": "batch_size"}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- entries


@pytest.fixture(scope="module")
def content(entry):
    """A report of an experiment that sweeps a setting, and of an analysis of its nets."""
    line = {"report": "d", "nets": "d-a", "data": "mnist", "over": "batch_size", "between": [4, 8]}
    line |= {"alpha": [0, 1], "points": 3}
    return {
        "experiments": {"d-a": entry(**SWEEP | {"record": {"gradient_norm": "epoch"}})},
        "interpolate": {"d-line": line},
        "figures": {"d-a": {"nets": "d-a", "draw": {}}},
        "claims": {"d-claim": {"experiment": "d-a"}},
    }


@pytest.fixture(scope="module")
def load(content, checked):
    """Reads the section as it stands in `reports/d.yaml`."""
    experiments = {"d-a": checked(**SWEEP | {"record": {"gradient_norm": "epoch"}})}
    return lambda results: load_results(REPORT, content | {"results": results}, experiments)


@pytest.fixture(scope="module")
def fault(load):
    """The one line that is said of a mistake, after the section's name."""

    def said(results) -> str:
        with pytest.raises(SettingsError) as caught:
            load(results)
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(f"{REPORT}: results")
        return message.removeprefix(f"{REPORT}: results")

    return said


@pytest.mark.parametrize("results", [None, {}])
def test_a_report_without_stated_numbers(results, content, load):
    assert load(results) == load_results(REPORT, content, {}) == {}


def test_entries_come_by_experiment_and_name_and_in_order(load):
    end = {"stated": 3, "about": True, "of": "history.test_loss", "where": {"batch_size": 8}, "take": "end"}
    where = {"split": "test", "pair": "two starts"}
    place = {"stated": 0.5, "of": "interpolate.loss", "where": where, "lowest_along": "alpha"}
    found = load({"d-line": {"alpha of the lowest loss": place}, "d-a": {"A, in the end": end, "A-2": LOSS}})
    assert [(key, list(entries)) for key, entries in found.items()] == [
        ("d-line", ["alpha of the lowest loss"]),
        ("d-a", ["A, in the end", "A-2"]),
    ]
    one, other = found["d-line"]["alpha of the lowest loss"], found["d-a"]["A, in the end"]
    assert (one.stated, one.about, one.along, one.needs) == (0.5, False, "alpha", None)
    assert (other.stated, other.about, other.along, other.take) == (3, True, None, "end")


@pytest.mark.parametrize("results", [["d-a"], "d-a", 3])
def test_the_section_is_a_mapping(results, fault):
    assert fault(results) == f": a mapping of experiments to their numbers (found {results!r})"


@pytest.mark.parametrize("entries", [None, {}, ["A"], 3])
def test_the_numbers_of_an_experiment_are_a_mapping(entries, fault):
    assert fault({"d-a": entries}) == f".d-a: a mapping of names to numbers (found {entries!r})"


@pytest.mark.parametrize("key", ["d-b", "d-claim", "e-a", 3])
def test_an_experiment_or_an_analysis_has_to_be_there(key, fault):
    assert fault({key: {"A": LOSS}}) == f".{key}: experiment: no {key!r}; there are d-a, d-line"


# `dvc metrics diff` joins keys by dots.
@pytest.mark.parametrize("name", ["a.b", "", " a", "<b>", "α", "a|b", "a\n"])
def test_names_are_plain(name, fault):
    assert fault({"d-a": {name: LOSS}}) == f".d-a: named by letters, digits, spaces, commas, - (found {name!r})"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (None, ": input should be a valid dictionary or instance of Stated (found None)"),
        ({"of": "nets.test_loss"}, ".stated: required, and not there"),
        ({"stated": 3}, ".of: required, and not there"),
        (LOSS | {"stated": "many"}, ".stated: "),
        (LOSS | {"stated": True}, ".stated: "),
        (LOSS | {"stated": [1, 2]}, ".stated: "),
        (LOSS | {"about": 3}, ".about: input should be a valid boolean (found 3)"),
        (LOSS | {"within": 3}, ".within: unknown key"),
        (LOSS | {"needs": {"epochs": 0}}, ".needs.epochs: "),
        (LOSS | {"of": "tables.loss"}, ".of: no table 'tables'; there are nets, history, "),
        (LOSS | {"take": "end"}, ".take: goes with a table of series: history, "),
        (LOSS | {"of": "history.test_loss"}, ".take: history.test_loss is a series: say what to take of it"),
        (LOSS | {"of": "history.test_loss", "highest_along": "batch_size"}, ".take: history.test_loss is a series"),
        (LOSS | {"lowest_along": "batch_size", "highest_along": "batch_size"}, ".highest_along: give it or lowest_al"),
        (
            LOSS | {"of": "history.test_loss", "take": "end", "highest_along": "epoch"},
            ".highest_along: epoch is the course of the series, of which nothing is left to take",
        ),
        (LOSS | {"of": "nets.height"}, ": nets.height: no such column; there are accuracy_gap, batch_size, "),
        (LOSS | {"where": {"region": "edges"}}, ": nets.region: no such column; there are "),
        (LOSS | {"where": {"model": "B"}}, ": nets.test_loss where model: no 'B'; there are ['A']"),
        (LOSS | {"where": {"batch_size": 5}}, ": nets.test_loss where batch_size: no 5.0; there are [4"),
        (LOSS | {"of": "steps.loss", "take": "end"}, ": steps.loss: the experiment does not record it"),
        (LOSS | {"of": "interpolate.loss", "take": "end"}, ": interpolate.loss: d-a has no entry under interpolate"),
        (LOSS | {"lowest_along": "alpha"}, ": nets.alpha: no such column; there are "),
        (LOSS | {"lowest_along": "model"}, ": model holds words, and no place along it is a number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_in_an_entry_is_one_line(stated, message, fault):
    assert fault({"d-a": {"A, loss": stated}}).startswith(f".d-a.A, loss{message}")


def test_entries_of_an_analysis_are_checked_against_its_own_tables(load, fault):
    place = {"stated": 0.5, "of": "interpolate.loss", "lowest_along": "alpha"}
    assert load({"d-line": {"alpha": place | {"where": {"pair": "control", "split": "train"}}}})
    assert fault({"d-line": {"alpha": place | {"where": {"pair": "two"}}}}).startswith(
        ".d-line.alpha: interpolate.loss where pair: no 'two'; there are ['two starts', "
    )


def test_every_fault_is_told(load):
    with pytest.raises(SettingsError) as caught:
        load({"d-a": {"A": LOSS, "B": LOSS | {"stated": "many"}, "C": LOSS | {"where": {}}}, "d-b": {"D": LOSS}})
    told = [line.removeprefix(f"{REPORT}: results.") for line in str(caught.value).splitlines()]
    assert [line.partition(": ")[0] for line in told] == ["d-a.B.stated", "d-a.C", "d-b"]
    assert told[1] == "d-a.C: nets.test_loss has several rows a replica: say which by batch_size"


# ------------------------------------------------------------------------------------------------------------- numbers


@pytest.fixture
def trained(leave, experiment):
    """Tables of three replicas, and metrics that say for how many epochs they were trained."""

    def make(*args, epochs=3, changes=None, **series) -> Tables:
        return leave(experiment(**changes or {}), *args, about={"epochs": epochs}, **series)

    return make


def of(column, stated=2, **keys) -> Stated:
    return Stated.model_validate({"stated": stated, "of": column} | keys)


def test_mean_deviation_smallest_and_largest_over_replicas(trained):
    tables = trained(lambda net: {"test_loss": [1.0, 4.0, 2.0][net["replica"]]})
    found = beside(of("nets.test_loss", stated=1.919), tables)
    sd = sqrt(((1 - 7 / 3) ** 2 + (4 - 7 / 3) ** 2 + (2 - 7 / 3) ** 2) / 2)
    assert found == {"stated": 1.919, "mean": 2.33333, "sd": round(sd, 5), "low": 1, "high": 4, "replicas": 3}
    assert list(found) == ["stated", "mean", "sd", "low", "high", "replicas"]


def test_what_is_stated_as_about_so_says_so(trained):
    assert beside(of("nets.test_loss", about=True), trained())["about"] is True
    assert "about" not in beside(of("nets.test_loss", about=False), trained())


@pytest.mark.parametrize(("stated", "outside"), [(0.99, True), (1, False), (2.5, False), (4, False), (4.01, True)])
def test_what_is_stated_lies_outside_if_all_replicas_are_on_one_side(stated, outside, trained):
    tables = trained(lambda net: {"test_loss": [1.0, 4.0, 2.0][net["replica"]]})
    assert beside(of("nets.test_loss", stated=stated), tables).get("outside", False) == outside


def test_of_one_replica_there_is_no_deviation(trained):
    found = beside(of("nets.test_loss"), trained(replicas=1))
    assert found == {"stated": 2, "mean": 2, "sd": None, "low": 2, "high": 2, "replicas": 1}


@pytest.mark.parametrize("bad", [nan, inf])
def test_replicas_that_diverged_are_left_out_and_counted(bad, trained):
    tables = trained(lambda net: {"test_loss": [1.0, bad, 3.0][net["replica"]]})
    found = beside(of("nets.test_loss"), tables)
    said = "1 of 3 replicas left out: a value is undefined"
    assert found == {"stated": 2, "mean": 2, "sd": 1.41421, "low": 1, "high": 3, "replicas": 2, "remark": said}


def test_where_all_diverged_there_is_no_number(trained):
    found = beside(of("nets.test_loss"), trained(lambda net: {"test_loss": nan}))
    nothing = {"mean": None, "sd": None, "low": None, "high": None, "replicas": 0}
    assert found == {"stated": 2, **nothing, "remark": "3 of 3 replicas left out: a value is undefined"}


def test_what_is_taken_of_a_series(trained):
    course = {"history": lambda net: {"epoch": [0, 1, 2], "test_accuracy": [0.1, 0.5 + net["replica"] / 10, 0.4]}}
    found = beside(of("history.test_accuracy", take="highest"), trained(**course))
    assert (found["mean"], found["low"], found["high"]) == (0.6, 0.5, 0.7)


def test_how_far_until_says_which_never_get_there(trained):
    course = {"history": lambda net: {"epoch": [0, 1, 2], "train_loss": [3, 2 + net["replica"], 2]}}
    found = beside(of("history.train_loss", until={"below": 2.0}), trained(**course))
    assert (found["low"], found["high"], "remark" in found) == (1, 2, False)
    course = {"history": lambda net: {"epoch": [0, 1, 2], "train_loss": [3, 2 + net["replica"], 3]}}
    found = beside(of("history.train_loss", until={"below": 2.0}), trained(**course))
    assert found["remark"] == "2 of 3 never get there, and count with their full length"
    found = beside(of("history.train_loss", until={"below": 1.0}), trained(**course))
    assert (found["mean"], found["replicas"]) == (None, 0)
    assert found["remark"] == "no run gets train_loss below 1 in the epochs that it has"


@pytest.mark.parametrize(("epochs", "mean"), [(3, 1), (4, 1), (2, None)])
def test_with_fewer_epochs_than_it_needs_there_is_no_number(epochs, mean, trained):
    course = {"history": lambda net: {"epoch": [0, 1, 2], "train_loss": [3, 1, 1]}}
    entry = of("history.train_loss", until={"fallen": 0.95}, needs={"epochs": 3})
    found = beside(entry, trained(epochs=epochs, **course))
    assert found["mean"] == mean
    assert found.get("remark") == (None if mean else "2 of the 3 epochs it speaks of")


def test_of_nets_of_another_scale_there_is_no_number(trained):
    found = beside(of("nets.test_loss"), replace(trained(), scale="paper"))
    assert (found["mean"], found["remark"]) == (None, "its nets were trained at the small scale")


@pytest.mark.parametrize(
    ("wanted", "batch"),
    [(13500, "13,500"), ([4, 61], "61"), ({"from": 100}, "100"), ({"from": 4, "to": 2048}, "2,048")],
)
def test_of_a_batch_size_above_the_training_set_there_is_no_number(wanted, batch, trained):
    found = beside(of("nets.test_loss", where={"batch_size": wanted}), trained())
    assert (found["mean"], found["replicas"]) == (None, 0)
    assert found["remark"] == f"a batch of {batch} is all of the 60 training examples here"


@pytest.mark.parametrize("wanted", [60, [60], {"to": 60}, {"from": 17, "to": 60}])
def test_of_a_batch_of_all_there_is_there_is_one(wanted, trained):
    changes = {"batch_size": "full"}
    assert beside(of("nets.test_loss", where={"batch_size": wanted}), trained(changes=changes))["mean"] == 2


# By replica and setting; of several places the first.
SETTINGS = {(0, 4): 3.0, (0, 8): 1.0, (0, 16): 2.0, (1, 4): 5.0, (1, 8): 1.0, (1, 16): 0.5, (2, 4): 1.0, (2, 8): 1.0,
            (2, 16): 9.0}  # fmt: skip


@pytest.mark.parametrize(("side", "places"), [("lowest_along", [8, 16, 4]), ("highest_along", [4, 4, 16])])
def test_where_along_a_setting_it_is_best(side, places, trained):
    tables = trained(lambda net: {"test_loss": SETTINGS[net["replica"], net["batch_size"]]}, changes=SWEEP)
    found = beside(of("nets.test_loss", **{side: "batch_size"}), tables)
    assert (found["mean"], found["low"], found["high"]) == (pytest.approx(sum(places) / 3, rel=1e-5), 4, 16)
    assert found["sd"] == pytest.approx(pd.Series(places).std(), rel=1e-5)
    assert found["replicas"] == 3


def test_a_replica_with_an_undefined_value_has_no_best_place(trained):
    losses = SETTINGS | {(1, 4): nan}
    tables = trained(lambda net: {"test_loss": losses[net["replica"], net["batch_size"]]}, changes=SWEEP)
    found = beside(of("nets.test_loss", lowest_along="batch_size"), tables)
    assert (found["mean"], found["replicas"]) == (6, 2)
    assert found["remark"] == "1 of 3 replicas left out: a value is undefined"


def test_where_along_a_line_it_is_lowest(trained, tmp_path):
    training = trained(changes=SWEEP).experiment
    losses = {"two starts": [[2, 1, 3], [3, 2, 1]], "control": [[0, 1, 2], [0, 1, 2]]}
    rows = [{"replica": replica, "model": "A", "pair": pair, "alpha": alpha, "loss": loss}
            for pair, runs in losses.items() for replica, run in enumerate(runs)
            for alpha, loss in zip([0.2, -1, 0.5], run, strict=True)]  # fmt: skip
    write_table(tmp_path / "runs" / "d-line.interpolate.csv", pd.DataFrame(rows))
    tables = Tables("d-line", training, line=("batch_size", [4.0, 16.0]))
    found = beside(of("interpolate.loss", where={"pair": "two starts"}, lowest_along="alpha"), tables)
    assert (found["low"], found["high"], found["replicas"]) == (-1, 0.5, 2)
    within = of("interpolate.loss", where={"pair": "control", "alpha": {"from": -2, "to": 1}}, highest_along="alpha")
    assert beside(within, tables)["mean"] == 0.5


def test_the_file_has_scale_experiments_and_names(trained, tmp_path):
    tables = trained(lambda net: {"train_loss": 1 / 3})
    entries = {"B, loss": of("nets.train_loss"), "A, loss": of("nets.test_loss", stated=3)}
    write_stated("d", {"d-a": entries}, {"d-a": tables}, "small")
    text = (tmp_path / "metrics" / "stated" / "d.json").read_text(encoding="utf-8")
    ours = {"sd": 0.0, "replicas": 3}
    assert json.loads(text) == {
        "scale": "small",
        "data": {"d-a": "Noise"},
        "d-a": {
            "B, loss": {"stated": 2.0, "mean": 0.333333, "low": 0.333333, "high": 0.333333, "outside": True} | ours,
            "A, loss": {"stated": 3.0, "mean": 2.0, "low": 2.0, "high": 2.0, "outside": True} | ours,
        },
    }
    assert text.index("B, loss") < text.index("A, loss")
    write_stated("d", {}, {}, "small")
    assert json.loads((tmp_path / "metrics" / "stated" / "d.json").read_text(encoding="utf-8")) == {"scale": "small"}


def test_of_what_was_not_run_there_is_no_number(trained, tmp_path):
    tables = trained()
    (tmp_path / "metrics" / "d" / "d-a.json").unlink()
    found = beside(of("nets.test_loss"), tables)
    assert (found["stated"], found["mean"], found["remark"]) == (2.0, None, "train@d-a has not run")


def test_a_number_that_fails_is_named_and_the_others_are_there(trained, tmp_path, capsys):
    tables = trained(changes=SWEEP)
    one = of("nets.test_loss", where={"batch_size": 4})
    write_stated("d", {"d-a": {"A, loss": of("nets.test_loss"), "B, loss": one}}, {"d-a": tables}, "small")
    message = "nets.test_loss has several rows a replica: say which by batch_size"
    assert capsys.readouterr().err == f"reports/d.yaml: results.d-a.A, loss: {message}\n"
    found = json.loads((tmp_path / "metrics" / "stated" / "d.json").read_text(encoding="utf-8"))["d-a"]
    none = dict.fromkeys(("mean", "sd", "low", "high")) | {"replicas": 0, "remark": f"not worked out: {message}"}
    assert {name: found["A, loss"][name] for name in none} == none
    assert found["B, loss"]["mean"] == 2.0


# ------------------------------------------------------------------------------------------------------- report files


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    with chdir(ROOT):
        return load_settings()[1]


def test_the_shipped_entries_of_all_reports_are_valid(reports):
    for report in reports:
        written = yaml.safe_load((ROOT / report.path).read_text(encoding="utf-8"))["results"]
        found = {key: list(entries) for key, entries in report.results.items()}
        assert found == {key: list(entries) for key, entries in written.items()}
        assert found
        for key, entries in report.results.items():
            assert key.startswith(f"{report.name}-")
            for stated in entries.values():
                assert "accuracy" not in stated.column or stated.along or 0 <= stated.stated <= 1  # shares, no per cent


def test_the_shipped_entries_say_which_of_several_nets_they_mean(reports):
    """Each leaves one row a replica: all else that an experiment varies is picked, or is what the place is along."""
    trained = {key: report.experiments[report.nets_of(key)] for report in reports for key in report.results}
    for key, entries in ((key, entries) for report in reports for key, entries in report.results.items()):
        experiment = trained[key]
        several = {"model": len(experiment.models), "function": len(experiment.functions or [])}
        several |= {name: len(values) for name, values in experiment.sweep.varied.items()}
        for name, stated in entries.items():
            if stated.table in ("nets", "history", "steps", "sensitivity"):
                picked = {*stated.where, stated.along}
                assert {column for column, count in several.items() if count > 1} <= picked, name


def test_the_recipe_of_a_report_has_its_stated_numbers_with_tables_of_their_own(reports):
    with chdir(ROOT):
        recipes = all_recipes()
    for report in reports:
        settings = json.loads(recipes[Path(f"recipes/claims/{report.name}.json")])["settings"]
        found = TypeAdapter(Conclusions).validate_python(settings)
        assert found.stated == report.results
        tables = found.tables()
        for key in report.results:
            assert (tables[key].key, tables[key].experiment.key) == (key, report.nets_of(key))


def test_a_mistake_in_a_report_file(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "reports" / "e.yaml"
    path.parent.mkdir()
    content = {"experiments": {"e-a": entry(report="e")}, "results": {"e-a": {"A, loss": LOSS}}}
    path.write_text(yaml.dump(content, sort_keys=False), encoding="utf-8")
    assert list(load_report(Path("reports/e.yaml")).results["e-a"]) == ["A, loss"]
    path.write_text(path.read_text(encoding="utf-8").replace("nets.test_loss", "nets.height"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^reports/e.yaml: results.e-a.A, loss: nets.height: no such column"):
        load_report(Path("reports/e.yaml"))
