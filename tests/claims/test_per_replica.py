"""From the tables that training and the analyses leave to one number a replica."""

from dataclasses import replace
from math import inf, isnan, log, nan

import numpy as np
import pandas as pd
import pytest

from netclaims.claims.experiment_tables import Tables, UntestableError
from netclaims.claims.operands import EntryError, Operand
from netclaims.claims.per_replica import values_per_replica
from netclaims.claims.series import TAKE
from netclaims.files import write_table

TWO = {"models": {"A": {"layers": [10]}, "B": {"layers": [{"conv": 2}, {"pool": 4}, 6, 10]}}}
SWEEP = {"sweep": {"batch_size": [4, 8, 16]}, "against": "batch_size"}
ENDS = ("batch_size", [4.0, 16.0])  # of a line between nets of this sweep
TUNE = {
    "functions": ["sinc5", "quadratic"],
    "optimiser": None,
    "learning_rate": None,
    "tune": {"optimiser": ["adam", "sgd"], "learning_rate": [0.1, 0.01]},
}


@pytest.fixture
def of_series(leave, experiment):
    """Numbers of series of the training loss, a list for each replica, at epochs 0, 1, ... or as given."""

    def make(*losses, epochs=None, by=("replica",), **operand):
        def course(net):
            values = losses[net["replica"]]
            return {"epoch": epochs or range(len(values)), "train_loss": values}

        tables = leave(experiment(), replicas=len(losses), history=course)
        return values_per_replica(tables, of("history.train_loss", **operand), list(by))

    return make


def of(column, **keys) -> Operand:
    return Operand.model_validate({"of": column} | keys)


# ------------------------------------------------------------------------------------------------------------- tables


def test_nets_have_gaps_and_their_number_of_layers(leave, experiment):
    nets = leave(experiment(**TWO), lambda net: {"train_loss": 0.5 + net["replica"]}).read("nets")
    assert nets["loss_gap"].tolist() == [1.5, 0.5, -0.5] * 2  # test less training
    assert nets["accuracy_gap"].tolist() == [0.25] * 6  # training less test
    assert dict(zip(nets["model"], nets["layers"], strict=True)) == {"A": 1, "B": 3}


def test_nets_that_fit_functions_have_no_accuracy(leave, experiment):
    nets = leave(experiment("functions"), lambda net: {"test_loss": 4.0}).read("nets")
    assert nets["loss_gap"].tolist() == [3, 3, 3]
    assert "accuracy_gap" not in nets


@pytest.mark.parametrize(("name", "coordinate"), [("history", "epoch"), ("steps", "step")])
def test_series_know_their_net(name, coordinate, leave, experiment):
    entry = experiment(**TWO | SWEEP)
    course = {name: lambda net: {coordinate: [1, 2], "loss": [net["run"], net["replica"]]}}
    table = leave(entry, **course).read(name)
    assert len(table) == 2 * 3 * 3 * 2
    found = table.set_index(["model", "batch_size", "replica", coordinate])["loss"]
    assert found["A", 16].tolist() == [2, 0, 2, 1, 2, 2]
    assert found["B", 4].tolist() == [3, 0, 3, 1, 3, 2]
    assert table.groupby("model")[["layers", "parameters"]].first().to_numpy().tolist() == [[1, 7850], [3, 684]]


def test_of_nets_that_were_tuned_there_are_the_best(leave, experiment):
    best = {"sinc5": ("sgd", 0.1), "quadratic": ("adam", 0.01)}

    def loss(net):
        chosen = (net["optimiser"], net["learning_rate"]) == best[net["function"]]
        return {"train_loss": 2.0 if chosen else 9.0 * net["replica"]}  # 0 in one replica, but worse in the mean

    course = {"history": lambda net: {"epoch": [0, 1], "train_loss": [5, net["learning_rate"]]}}
    tables = leave(experiment("functions", **TUNE), loss, **course)
    nets = tables.read("nets")
    assert nets["train_loss"].tolist() == [2.0] * 6
    assert nets.groupby("function")[["optimiser", "learning_rate"]].first().to_dict("index") == {
        name: {"optimiser": optimiser, "learning_rate": rate} for name, (optimiser, rate) in best.items()
    }
    found, _ = values_per_replica(
        tables, of("history.train_loss", where={"function": "sinc5"}, take="end"), ["replica"]
    )
    assert found["value"].tolist() == [0.1] * 3
    another = {"function": "sinc5", "optimiser": "adam", "learning_rate": 0.01}
    for name, take, expected in (("history", "end", [0.01] * 3), ("nets", None, [0, 9, 18])):
        found, _ = values_per_replica(tables, of(f"{name}.train_loss", where=another, take=take), ["replica"])
        assert found["value"].tolist() == expected
    assert tables.nets_of(of("nets.train_loss", where=another))["train_loss"].tolist() == [0, 9, 18]


def test_tables_of_an_analysis_lie_under_its_own_name(leave, experiment, tmp_path):
    leave(experiment(**TWO), history=lambda net: {"epoch": [0, 1]})
    line = pd.DataFrame({"model": ["A", "B"], "replica": 0, "alpha": 0.5, "loss": [1.0, 2.0]})
    write_table(tmp_path / "runs" / "d-line.interpolate.csv", line)
    write_table(tmp_path / "runs" / "d-line.pca.csv", line.drop(columns="model"))
    tables = Tables("d-line", experiment(**TWO))
    assert tables.read("interpolate")["layers"].tolist() == [1, 3]
    assert list(tables.read("pca")) == ["replica", "alpha", "loss"]
    assert len(tables.read("nets")) == 6


def test_every_table_is_read_once(leave, experiment, tmp_path):
    tables = leave(experiment())
    found = tables.read("nets")
    (tmp_path / "runs" / "d-a" / "nets.csv").unlink()
    assert tables.read("nets") is found


# ---------------------------------------------------------------------------------------------------- rows and columns


def test_one_number_a_replica(leave, experiment):
    tables = leave(experiment(), lambda net: {"test_loss": [0.5, nan, 4.0][net["replica"]]})
    found, remark = values_per_replica(tables, of("nets.test_loss"), ["replica"])
    pd.testing.assert_frame_equal(found, pd.DataFrame({"replica": [0, 1, 2], "value": [0.5, nan, 4.0]}))
    assert remark == ""


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["A4", "A8", "A16", "B4", "B8", "B16"]),
        ({"model": "B"}, ["B4", "B8", "B16"]),
        ({"batch_size": 8.0}, ["A8", "B8"]),
        ({"model": "A", "batch_size": [4.0, 16.0]}, ["A4", "A16"]),
        ({"model": ["B", "A"], "batch_size": 16.0}, ["A16", "B16"]),
        ({"batch_size": {"from": 8}}, ["A8", "A16", "B8", "B16"]),
        ({"batch_size": {"to": 8}}, ["A4", "A8", "B4", "B8"]),
        ({"batch_size": {"from": 5, "to": 8}, "layers": {"from": 2}}, ["B8"]),
        ({"layers": 3.0, "batch_size": {"from": 4, "to": 4}}, ["B4"]),
    ],
)
def test_where_picks_rows(where, expected, leave, experiment):
    tables = leave(experiment(**TWO | SWEEP), replicas=1)
    found, _ = values_per_replica(tables, of("nets.test_loss", where=where), ["replica", "model", "batch_size"])
    assert [f"{model}{size}" for model, size in zip(found["model"], found["batch_size"], strict=True)] == expected


def test_where_finds_a_setting_of_more_digits_than_tables_have(leave, experiment):
    rates = {"learning_rate": None, "sweep": {"learning_rate": [1 / 3, 0.334]}}
    tables = leave(experiment(**rates), lambda net: {"test_loss": net["learning_rate"]})
    found, _ = values_per_replica(tables, of("nets.test_loss", where={"learning_rate": 1 / 3}), ["replica"])
    assert found["value"].tolist() == [0.333333] * 3


def parameters_of(net) -> dict:
    return {
        "parameters": {"A": 1_000_000, "B": 1_000_005}[net["model"]],
        "test_loss": 1.0 if net["model"] == "A" else 2.0,
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (1_000_000, {1}),
        (1_000_005.0, {2}),
        ([1_000_000, 1_000_005], {1, 2}),
        ({"from": 1_000_001}, {2}),
        (999_999, None),
    ],
)
def test_sizes_of_nets_that_hardly_differ_are_two(where, expected, leave, experiment):
    asked = of("nets.test_loss", where={"parameters": where}), ["replica", "model"]
    tables = leave(experiment(**TWO), parameters_of)
    if expected is None:
        with pytest.raises(UntestableError):
            values_per_replica(tables, *asked)
    else:
        assert set(values_per_replica(tables, *asked)[0]["value"]) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("learning_rate", [0.001234567, 0.001234568]),
        ("learning_rate", [1e-10, 1.00001e-10]),
        ("batch_size", [1234567, 1234568]),
        ("shuffle_labels", [0.12345678, 0.12345679]),
    ],
)
def test_where_finds_the_very_value_of_a_sweep(name, values, leave, experiment):
    own = {"learning_rate": {"learning_rate": None}, "shuffle_labels": {}, "batch_size": {"batch_size": None}}[name]
    own |= {"sweep": {name: values}}
    tables = leave(experiment(images=2_000_000, **own), lambda net: {"test_loss": values.index(net[name])})
    assert sorted(tables.read("nets")[name].unique()) == values
    for i, value in enumerate(values):
        for wanted in (value, [value], {"from": value, "to": value}):
            found, _ = values_per_replica(tables, of("nets.test_loss", where={name: wanted}), ["replica"])
            assert found["value"].tolist() == [i] * 3
    found, _ = values_per_replica(tables, of("nets.test_loss"), ["replica", name])
    assert len(found) == 6


def test_where_finds_a_place_on_a_line_to_the_digits_that_tables_have(leave, experiment, tmp_path):
    training = leave(experiment(**SWEEP)).experiment
    line = pd.DataFrame({"replica": 0, "model": "A", "alpha": np.linspace(-1, 2, 10), "loss": range(10)})
    write_table(tmp_path / "runs" / "d-a.interpolate.csv", line)
    for alpha, expected in ((1 / 3, 4), (0.333333, 4), (0, 3), (-1, 0)):
        asked = of("interpolate.loss", where={"alpha": alpha}, take="end"), ["replica"]
        assert values_per_replica(Tables("d-a", training, line=ENDS), *asked)[0]["value"].tolist() == [expected]


def test_where_finds_what_is_no_number(leave, experiment):
    tables = leave(experiment(), lambda net: {"diverged": net["replica"] == 1, "train_loss": net["replica"]})
    for wanted, expected in (("True", [1]), ("False", [0, 2])):
        found, _ = values_per_replica(tables, of("nets.train_loss", where={"diverged": wanted}), ["replica"])
        assert found["value"].tolist() == expected


@pytest.mark.parametrize(
    ("where", "by", "said"),
    [
        ({}, ["replica"], "say which by model, batch_size$"),
        ({"model": "A"}, ["replica"], "say which by batch_size$"),
        ({"batch_size": 4.0}, ["replica"], "say which by model$"),
        ({}, ["replica", "batch_size"], "say which by model$"),
        ({"batch_size": {"from": 8}}, ["replica", "model"], "say which by batch_size$"),
    ],
)
def test_several_rows_a_replica_are_a_mistake(where, by, said, leave, experiment):
    tables = leave(experiment(**TWO | SWEEP), history=lambda net: {"epoch": [0, 1], "train_loss": [2.0, 1.0]})
    for operand in (of("nets.test_loss", where=where), of("history.train_loss", where=where, take="end")):
        with pytest.raises(EntryError, match=said):
            values_per_replica(tables, operand, by)


def test_several_rows_of_an_analysis_are_a_mistake(leave, experiment, tmp_path):
    training = leave(experiment(**SWEEP)).experiment
    pairs = pd.DataFrame({"replica": 0, "model": "A", "pair": ["two starts", "control"], "split": "test"})
    write_table(tmp_path / "runs" / "d-line.interpolate.csv", pairs.assign(alpha=0.5, loss=1.0))
    with pytest.raises(EntryError, match=r"^interpolate\.loss has several rows a replica: say which by pair$"):
        values_per_replica(Tables("d-line", training, line=ENDS), of("interpolate.loss", take="end"), ["replica"])


@pytest.mark.parametrize(
    ("operand", "by", "said"),
    [
        (of("nets.sharpness"), ["replica"], "the table nets has no column sharpness"),
        (of("nets.test_loss", where={"region": "edges"}), ["replica"], "the table nets has no column region"),
        (of("nets.test_loss"), ["replica", "scope"], "the table nets has no column scope"),
        (
            of("history.gradient_norm", take="end"),
            ["replica", "epoch"],
            "the table history has no column gradient_norm",
        ),
    ],
)
def test_a_column_that_is_not_there_is_a_mistake(operand, by, said, leave, experiment):
    tables = leave(experiment(), history=lambda net: {"epoch": [0], "train_loss": [1.0]})
    with pytest.raises(EntryError, match=said):
        values_per_replica(tables, operand, by)


def test_runs_that_nobody_made(leave, experiment):
    where = {"batch_size": {"from": 32}, "model": "A"}
    with pytest.raises(UntestableError, match=r"no run has what it needs: batch_size .*32.*, model A$"):
        values_per_replica(leave(experiment(**SWEEP)), of("nets.test_loss", where=where), ["replica"])


# ------------------------------------------------------------------------------------------------------------- series


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        ("start", 4),
        ("end", 2),
        ("lowest", 1),
        ("highest", 5),
        ("mean", 3.4),
        ("swing", np.sqrt((9 + 16 + 0 + 9) / 4 / 2)),
        ("rise", 1 / 4),
    ],
)
def test_what_is_taken_of_a_series(take, expected, of_series):
    found, remark = of_series([4, 1, 5, 5, 2], [8, 2, 10, 10, 4], take=take)
    assert found["value"].tolist() == pytest.approx([expected, expected * (1 if take == "rise" else 2)])
    assert found["replica"].tolist() == [0, 1]
    assert (list(found), remark) == (["replica", "value"], "")


def test_every_way_to_take_is_known():
    assert set(TAKE) == set(Operand.model_fields["take"].annotation.__args__[0].__args__)


def test_a_series_may_lie_in_any_order(of_series):
    found, _ = of_series([4, 1, 3, 2], epochs=[3, 0, 2, 1], take="start")
    assert found["value"].tolist() == [1]
    found, _ = of_series([4, 1, 3, 2], epochs=[3, 0, 2, 1], take="rise")
    assert found["value"].tolist() == [1]


def test_the_swing_of_noise_is_its_deviation_and_a_trend_hardly_adds_to_it(of_series):
    noise = np.random.default_rng(0).normal(0, 2, 400)
    found, _ = of_series(noise, noise + 0.1 * np.arange(400), take="swing")
    assert found["value"].tolist() == pytest.approx([noise.std()] * 2, rel=0.1)
    assert found["value"].diff()[1] < 0.02


def test_a_net_that_diverged_has_no_number(of_series):
    for operand in ({"take": "start"}, {"take": "lowest"}, {"take": "mean"}):
        found, remark = of_series([3, 1, 2], [3, 1, nan], [3, 1, inf], **operand)
        assert found["value"].isna().tolist() == [False, True, True]
        assert remark == ""


def test_a_net_that_diverged_is_the_worst_in_the_end_and_never_gets_anywhere(of_series):
    assert of_series([3, 1, 2], [3, 1, inf], take="end")[0]["value"].tolist() == [2, inf]
    for until, first in (({"below": 2.0}, 1), ({"fallen": 0.95}, 1), ({"below": 1.5}, 1)):
        found, remark = of_series([3, 1, 2], [3, 1, inf], until=until)
        assert (found["value"].tolist(), remark) == ([first, inf], "")
    found, remark = of_series([3, 1, 2], [3, 1, inf], [3, 3, 3], until={"below": 2})
    assert (found["value"].tolist(), remark) == (
        [1, inf, 2],
        "1 of 3 never get there, and count with their full length",
    )
    with pytest.raises(UntestableError, match=r"^no run gets train_loss below 2"):
        of_series([3, 3, 3], [3, 1, inf], until={"below": 2})


def test_losses_of_nets_that_diverged_are_infinite_and_their_gaps_undefined(leave, experiment):
    gone = dict.fromkeys(["train_loss", "test_loss", "train_accuracy", "test_accuracy"], nan)

    def course(net):
        return {"epoch": [0, 1], "train_loss": [2.0, nan], "test_loss": [2.0, nan], "gradient_norm": [1.0, nan]}

    tables = leave(experiment(), lambda net: {"diverged": True} | gone, replicas=1, history=course)
    (net,) = tables.read("nets").to_dict("records")
    assert [net["train_loss"], net["test_loss"], net["train_accuracy"], net["test_accuracy"]] == [inf, inf, -inf, -inf]
    assert isnan(net["loss_gap"])
    assert isnan(net["accuracy_gap"])
    history = tables.read("history")
    assert history["train_loss"].tolist() == [2, inf]
    assert history["gradient_norm"].isna().tolist() == [False, True]
    assert "diverged" not in history


def test_fits_of_nets_that_diverged_are_infinitely_bad(leave, experiment, tmp_path):
    tables = leave(experiment("functions"))
    fits = pd.DataFrame({"replica": [0, 1], "mean_square": [0.5, nan], "right_sign": [1, nan]})
    write_table(tmp_path / "runs" / "d-a.fit.csv", fits)
    assert tables.read("fit")["mean_square"].tolist() == [0.5, inf]
    assert tables.read("fit")["right_sign"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, "2 of 3 nets diverged (A, batch size 8); 1 of 3 nets diverged (B, batch size 16)"),
        ({"model": "B"}, "1 of 3 nets diverged (B, batch size 16)"),
        ({"batch_size": {"to": 8}, "replica": [0, 1]}, "1 of 2 nets diverged (A, batch size 8)"),
        ({"model": "B", "batch_size": 8}, ""),
    ],
)
def test_nets_that_diverged_are_counted_by_kind(where, expected, leave, experiment):
    bad = {("A", 8, 1), ("A", 8, 2), ("B", 16, 0)}
    tables = leave(
        experiment(**TWO | SWEEP),
        lambda net: {"diverged": (net["model"], net["batch_size"], net["replica"]) in bad},
    )
    by = ["replica", "model", "batch_size"]
    assert values_per_replica(tables, of("nets.test_loss", where=where), by)[1] == expected


def test_nets_that_fit_functions_diverge_by_function(leave, experiment):
    tables = leave(
        experiment("functions", functions=["sinc5", "quadratic"]), lambda net: {"diverged": net["function"] == "sinc5"}
    )
    assert tables.diverged(of("nets.test_loss")) == ["3 of 3 nets diverged (A, sin(5πx)/(5πx))"]


def test_of_nets_on_a_line_those_at_its_ends_are_counted(leave, experiment, tmp_path):
    tables = leave(experiment(**SWEEP), lambda net: {"diverged": net["batch_size"] > 4})
    tables = replace(tables, line=("batch_size", [4, 8]))
    rows = pd.DataFrame({"replica": [0, 0, 0], "alpha": [0, 0.5, 1], "loss": [1, nan, nan]})
    write_table(tmp_path / "runs" / "d-a.interpolate.csv", rows)
    remark = values_per_replica(tables, of("interpolate.loss"), ["replica", "alpha"])[1]
    assert remark == "3 of 3 nets diverged (batch size 8)"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("take", "defined"), [("start", True), ("mean", True), ("swing", False), ("rise", False)])
def test_a_series_of_one_value(take, defined, of_series):
    assert of_series([3.0], take=take)[0]["value"].notna().tolist() == [defined]


@pytest.mark.parametrize(
    ("during", "take", "expected"),
    [
        ([0, 0.5], "end", 5),  # an end of a part belongs to it
        ([0.5, 1], "start", 5),
        ([0.6, 0.9], "mean", 7.5),
        ([0, 0.1], "rise", 1),
        ([0, 0.15], "highest", 1),
        ([0.85, 1], "lowest", 9),
    ],
)
def test_during_a_part_of_the_course(during, take, expected, of_series):
    found, _ = of_series(range(11), during=during, take=take)
    assert found["value"].tolist() == pytest.approx([expected])


def test_during_is_a_part_of_each_series_and_not_of_the_longest(of_series):
    """A rule may have stopped a replica long before the others."""
    found, _ = of_series(range(101), range(11), during=[0.5, 0.8], take="end")
    assert found["value"].tolist() == [80, 8]
    found, _ = of_series(range(101), range(11), during=[0.5, 0.8], take="start")
    assert found["value"].tolist() == [50, 5]


@pytest.mark.parametrize(
    ("during", "expected"),
    [([0, 0.1], [-1, -0.7]), ([0, 0.5], [-1, 0.5]), ([0.5, 1], [0.5, 2]), ([0.9, 1], [1.7, 2]), ([0, 1], [-1, 2])],
)
def test_a_part_of_a_line_is_one_of_the_way_from_its_first_place_to_its_last(
    during, expected, leave, experiment, tmp_path
):
    training = leave(experiment(**SWEEP)).experiment
    line = pd.DataFrame({"replica": 0, "model": "A", "alpha": np.linspace(-1, 2, 31)})
    write_table(tmp_path / "runs" / "d-a.interpolate.csv", line.assign(loss=line["alpha"]))
    found, _ = values_per_replica(
        Tables("d-a", training, line=ENDS), of("interpolate.loss", during=during), ["replica", "alpha"]
    )
    assert [found["alpha"].min(), found["alpha"].max()] == expected
    assert len(found) == round(10 * (expected[1] - expected[0])) + 1


@pytest.mark.parametrize(("during", "expected"), [([0, 0.1], [1, 10]), ([0.9, 1], [90, 100]), ([0, 0.005], None)])
def test_a_part_of_the_steps_begins_where_the_first_one_does(during, expected, leave, experiment):
    """The first tenth of 100 steps, of which the first is number 1, is ten of them."""
    steps = range(1, 101)
    tables = leave(experiment(), replicas=1, steps=lambda net: {"step": steps, "loss": steps})
    asked = of("steps.loss", during=during), ["replica", "step"]
    if expected is None:
        with pytest.raises(UntestableError):
            values_per_replica(tables, *asked)
    else:
        found, _ = values_per_replica(tables, *asked)
        assert found["step"].tolist() == [*range(expected[0], expected[1] + 1)]


def test_a_part_of_what_where_picks(of_series):
    found, _ = of_series(range(101), during=[0, 0.1], where={"epoch": {"from": 50}}, by=["replica", "epoch"])
    assert found["epoch"].tolist() == [*range(50, 56)]


@pytest.mark.parametrize("losses", [[3, inf], [3, 2, 4, 1, 2, 2, 2, 2, nan]])
def test_of_a_net_that_diverged_there_is_no_part_either(losses, of_series):
    """Its course has no length, and others still have a number."""
    found, _ = of_series(range(11), losses, during=[0.2, 0.8], take="lowest")
    assert found["value"].tolist() == pytest.approx([2, nan], nan_ok=True)


@pytest.mark.parametrize("by", [["replica"], ["replica", "model"]])
def test_a_part_of_the_course_with_no_record_in_it(by, of_series):
    """Where a scale cuts training to one epoch."""
    with pytest.raises(UntestableError):
        of_series([2.0, 1.0], [2.0, 1.0], during=[0.2, 0.8], take="mean", by=by)


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ({"below": 3}, 20),
        ({"below": 2.5}, 40),
        ({"below": 9}, 0),
        ({"above": 6}, 10),
        ({"above": 5}, 0),
        ({"fallen": 0.5}, 20),
        ({"fallen": 0.95}, 60),
    ],
)
def test_how_far_until(until, expected, of_series):
    """The first record where it is so, by its epoch, even if it is not so later on; the limit itself is enough."""
    found, remark = of_series([5, 7, 3, 4, 2, 1.2, 1.25], epochs=[0, 10, 20, 30, 40, 70, 60], until=until)
    assert found["value"].tolist() == [expected]
    assert remark == ""


def test_series_that_never_get_there_count_with_their_full_length(of_series):
    found, remark = of_series([5, 3, 2, 1], [5, 4, 3], [9, 9, 9, 9, 9], until={"below": 2.0})
    assert found["value"].tolist() == [2, 2, 4]
    assert remark == "2 of 3 never get there, and count with their full length"


def test_if_no_series_gets_there_the_claim_is_not_testable(of_series):
    with pytest.raises(UntestableError, match=r"^no run gets train_loss above 10 in the epochs that it has$"):
        of_series([5, 3, 2, 1], [5, 4, 3], until={"above": 10.0})


def test_all_of_a_series(of_series):
    found, remark = of_series([5, 3], [4, nan], by=["replica", "epoch"])
    expected = pd.DataFrame({"replica": [0, 0, 1, 1], "epoch": [0, 1, 0, 1], "value": [5, 3, 4, nan]})
    pd.testing.assert_frame_equal(found, expected)
    assert remark == ""
    found, _ = of_series([5, 3, 1], by=["replica", "epoch"], during=[0, 0.5])
    assert found["epoch"].tolist() == [0, 1]


def test_series_of_every_model_and_setting(leave, experiment):
    course = {"history": lambda net: {"epoch": [0, 1], "train_loss": [9, net["batch_size"] + net["replica"] / 4]}}
    tables = leave(experiment(**TWO | SWEEP), replicas=2, **course)
    by = ["replica", "model", "batch_size"]
    found, _ = values_per_replica(tables, of("history.train_loss", take="end"), by)
    assert list(found) == [*by, "value"]
    assert len(found) == 2 * 2 * 3
    assert (found["value"] == found["batch_size"] + found["replica"] / 4).all()


def test_distances_of_snapshots_start_with_the_second_one(leave, experiment, tmp_path):
    leave(experiment(), history=lambda net: {"epoch": [0, 2, 4]})
    pca = {"scope": "whole model", "replica": [0, 0, 0, 1, 1, 1], "epoch": [0, 2, 4] * 2}
    write_table(tmp_path / "runs" / "d-a.pca.csv", pd.DataFrame(pca | {"step": [nan, 3, 1, nan, 5, 6]}))
    tables = Tables("d-a", experiment())
    for operand, expected in (
        ({"take": "start"}, [3, 5]),
        ({"take": "mean"}, [2, 5.5]),
        ({"take": "rise"}, [0, 1]),
        ({"until": {"below": 1.0}}, [4, 4]),
        ({"until": {"above": 2.0}}, [2, 2]),
    ):
        assert values_per_replica(tables, of("pca.step", **operand), ["replica"])[0]["value"].tolist() == expected


def test_a_line_starts_where_its_coordinate_is_lowest(leave, experiment, tmp_path):
    training = leave(experiment(**SWEEP)).experiment
    line = {"replica": 0, "model": "A", "pair": "two starts", "split": ["test"] * 4 + ["train"] * 4}
    line |= {"alpha": [0, -1, 2, 1] * 2, "loss": [3.0, 8.0, 7.0, 1.0, 0, 0, 0, 0]}
    write_table(tmp_path / "runs" / "d-a.interpolate.csv", pd.DataFrame(line))
    tables = Tables("d-a", training, line=ENDS)
    for operand, expected in (({"take": "start"}, 8), ({"take": "end"}, 7), ({"until": {"fallen": 0.9}}, 1)):
        found, _ = values_per_replica(tables, of("interpolate.loss", where={"split": "test"}, **operand), ["replica"])
        assert found["value"].tolist() == [expected]


# -------------------------------------------------------------------------------------------------- over a setting


def test_nets_of_a_replica_are_a_series_over_a_setting(leave, experiment):
    losses = {4: [5, 1], 8: [3, 2], 16: [4, 3]}
    tables = leave(
        experiment(**SWEEP), lambda net: {"train_loss": losses[net["batch_size"]][net["replica"]]}, replicas=2
    )
    for operand, expected in (
        ({"take": "start"}, [5, 1]),
        ({"take": "growth"}, [0.8, 3]),
        ({"take": "gain"}, [-1, 2]),
        ({"take": "turns"}, [1, 0]),
        ({"until": {"below": 4}}, [8, 4]),
        ({"take": "end", "where": {"batch_size": {"to": 8}}}, [3, 2]),
    ):
        found = values_per_replica(tables, of("nets.train_loss", over="batch_size", **operand), ["replica"])[0]
        assert found["value"].tolist() == pytest.approx(expected)


def test_how_far_a_course_has_fallen(leave, experiment):
    falls = {"epoch": [0, 1, 2, 3, 4], "train_loss": [101, 51, 6.5, 5.5, 1]}
    tables = leave(experiment(), history=lambda net: falls)
    for share, epoch in ((0, 0), (0.5, 1), (0.945, 2), (0.95, 3), (1, 4)):
        operand = of("history.train_loss", until={"fallen": share})
        assert values_per_replica(tables, operand, ["replica"])[0]["value"].tolist() == [epoch] * 3
    flat = leave(experiment(), history=lambda net: {"epoch": [0, 1, 2], "train_loss": [2, 3, 2]})
    operand = of("history.train_loss", until={"fallen": 0.95})  # it never lies higher than where it starts
    assert values_per_replica(flat, operand, ["replica"])[0]["value"].tolist() == [0] * 3


def test_turns_are_changes_of_direction(leave, experiment):
    for course, expected in (([1, 2, 1, 2], 1), ([1, 2, 3, 4], 0), ([1, 2, 2, 1], 0), ([1, 2, 3, 1], 0.5)):
        tables = leave(experiment(), history=lambda net, course=course: {"epoch": range(4), "test_loss": course})
        assert values_per_replica(tables, of("history.test_loss", take="turns"), ["replica"])[0]["value"][0] == expected
    short = leave(experiment(), history=lambda net: {"epoch": [0, 1], "test_loss": [1, 2]})
    assert values_per_replica(short, of("history.test_loss", take="turns"), ["replica"])[0]["value"].isna().all()


def test_growth_from_nothing_is_undefined(leave, experiment):
    tables = leave(experiment(), history=lambda net: {"epoch": [0, 1], "test_loss": [0, 2]})
    assert values_per_replica(tables, of("history.test_loss", take="growth"), ["replica"])[0]["value"].isna().all()


# ------------------------------------------------------------------------------------------------- spikes, and bends


def test_a_steady_decay_has_no_spikes_and_no_bends(leave, experiment):
    decay = [8.0, 4, 2, 1]
    table = leave(experiment(), history=lambda net: {"epoch": range(4), "train_loss": decay, "gradient_norm": decay})
    for name in ("train_loss_bend", "gradient_norm_spike"):
        assert table.read("history")[name].tolist() == pytest.approx([nan, 0, 0, nan] * 3, nan_ok=True)


def test_spikes_and_bends_are_those_of_logarithms_in_a_net(leave, experiment):
    course = {"epoch": range(5), "train_loss": [8.0, 4, 2, 2, 0], "gradient_norm": [1.0, 1, 9, 1, 1]}
    table = leave(experiment(), history=lambda net: course).read("history")
    third, two = log(9), log(2)
    assert table["gradient_norm_spike"].tolist() == pytest.approx(
        [nan, -third / 2, third, -third / 2, nan] * 3, nan_ok=True
    )
    assert table["train_loss_bend"].tolist() == pytest.approx([nan, 0, two / 2, nan, nan] * 3, nan_ok=True)


@pytest.mark.parametrize(
    ("column", "operand", "expected"),
    [
        ("train_loss_bend", {"take": "highest"}, log(2) / 2),
        ("train_loss_bend", {"take": "end"}, log(2) / 2),
        ("train_loss_bend", {"take": "start", "during": [0, 0.5]}, 0),
        ("train_loss_change", {"take": "end"}, 0),
        ("train_loss_change", {"until": {"below": 2}}, 2),
        ("train_loss_change", {"take": "mean", "during": [0.5, 1]}, 1),
    ],
)
def test_what_has_no_value_at_an_end_is_reduced_without_it(column, operand, expected, leave, experiment):
    """Losses 8, 4, 2, 2: of the first there is no change, and of neither end a bend."""
    tables = leave(experiment(), history=lambda net: {"epoch": range(4), "train_loss": [8.0, 4, 2, 2]})
    found = values_per_replica(tables, of(f"history.{column}", **operand), ["replica"])[0]
    assert found["value"].tolist() == pytest.approx([expected] * 3)


def test_the_nets_of_a_part_of_their_courses_are_all_of_them(leave, experiment):
    """`epoch` is a place of a course; of a net it is the end."""
    tables = leave(experiment(**TWO), history=lambda net: {"epoch": range(4), "train_loss": [8.0, 4, 2, 2]})
    ends = set(tables.read("nets")["epoch"])
    assert len(tables.nets_of(of("history.train_loss", where={"epoch": {"to": min(ends) - 1}}))) == 6
    assert len(tables.nets_of(of("history.train_loss", where={"model": "A", "epoch": {"to": 1}}))) == 3
    assert len(tables.nets_of(of("nets.train_loss", where={"epoch": {"to": min(ends) - 1}}))) == 0


def test_snapshots_have_the_gradient_norm_of_their_epoch(leave, experiment, tmp_path):
    norms = {"epoch": [0, 1, 2], "gradient_norm": [3.0, 2, 1]}
    tables = leave(experiment(), replicas=2, history=lambda net: norms)
    pca = {"scope": "whole model", "replica": [1, 1, 0, 0], "epoch": [0, 2] * 2, "step": [nan, 1, nan, 2]}
    write_table(tmp_path / "runs" / "d-a.pca.csv", pd.DataFrame(pca))
    assert tables.read("pca")["gradient_norm"].tolist() == [3, 1, 3, 1]
