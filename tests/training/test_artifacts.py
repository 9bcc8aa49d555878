"""The folder of an experiment: written, and read back."""

from math import inf, nan
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from netclaims.errors import SettingsError
from netclaims.files import read_table
from netclaims.training.artifacts import read_snapshots, read_weights, write_runs
from netclaims.training.loop import train
from netclaims.training.recorder import TrainingRecord
from netclaims.training.runs import Member, runs_of


@pytest.fixture
def trained(prepared):
    """Trains an experiment one run after the other, writes its folder, and gives runs and records."""

    def make(entry):
        runs = runs_of(entry, "cpu")
        records = [train(run, entry) for run in runs]
        write_runs(entry, runs, records)
        return runs, records, prepared / "runs" / "d-test"

    return make


NETS = [
    *("run", "member", "function", "model", "optimiser", "learning_rate", "batch_size", "shuffle_labels", "equal"),
    *("replica", "parameters", "diverged", "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy"),
]


def test_only_what_was_recorded_is_written(experiment, trained):
    *_, folder = trained(experiment())
    assert {path.name for path in folder.iterdir()} == {"nets.csv", "history.csv", "weights.safetensors"}


def test_a_row_for_every_net(experiment, trained):
    entry = experiment(
        models={"A": {"layers": [10]}, "B": {"layers": [16, 10]}},
        sweep={"batch_size": [60, 16], "equal": ["steps", "epochs"], "shuffle_labels": [0, 0.5]},
        epochs=2,
    )
    runs, records, _ = trained(entry)
    nets = read_table("d-test", "nets")
    assert list(nets) == NETS
    assert nets["function"].isna().all()
    expected = [(i, j, net.replica) for i, run in enumerate(runs) for j, net in enumerate(run.members)]
    assert [*zip(nets["run"], nets["member"], nets["replica"], strict=True)] == expected
    for net in nets.itertuples():
        run, record = runs[net.run], records[net.run]
        setting = (net.optimiser, net.learning_rate, net.batch_size, net.shuffle_labels, net.equal)
        assert (net.model, *setting) == (run.model, *run.setting.values())
        assert net.parameters == entry.parameters(run.model)
        assert (net.epoch, net.diverged) == (run.epochs, False)
        for name, values in record.history.items():
            assert getattr(net, name) == pytest.approx(values[net.member, -1].item(), rel=1e-5)


def test_the_nets_of_the_control_have_a_table_of_their_own_and_their_weights_with_the_others(experiment, trained):
    entry = experiment(
        models={"A": {"layers": [10]}, "B": {"layers": [16, 10]}},  # B trains one at a time
        sweep={"batch_size": [60, 16]},
        control=16,
        record={"gradient_norm": "step"},
        against="batch_size",
    )
    runs, records, folder = trained(entry)
    assert [run.control for run in runs] == [False] * 6 + [True] * 3
    nets, controls = read_table("d-test", "nets"), read_table("d-test", "controls")
    assert list(nets) == list(controls) == NETS
    assert nets["run"].drop_duplicates().tolist() == list(range(6))
    assert [*zip(controls["run"], controls["member"], strict=True)] == [(6, 0), (6, 1), (7, 0), (8, 0)]
    assert controls["model"].tolist() == ["A", "A", "B", "B"]
    assert controls["replica"].tolist() == [0, 1, 0, 1]
    assert controls["batch_size"].tolist() == [16] * 4
    for net in controls.itertuples():
        assert (net.epoch, net.diverged) == (3, False)
        for name, values in records[net.run].history.items():
            assert getattr(net, name) == pytest.approx(values[net.member, -1].item(), rel=1e-5)
    ours = nets[nets["batch_size"] == 16]
    assert (ours["train_loss"].to_numpy() != controls["train_loss"].to_numpy()).all()
    for name in ("history", "steps"):
        assert read_table("d-test", name)["run"].drop_duplicates().tolist() == list(range(6))
    weights = read_weights("d-test")
    assert list(weights) == list(range(9))
    for run, record in enumerate(records):
        assert all(torch.equal(w, weights[run][name]) for name, w in record.weights.items())
    assert {path.name for path in folder.iterdir()} == {
        *(f"{name}.csv" for name in ("nets", "controls", "history", "steps")),
        "weights.safetensors",
    }


def test_history_of_every_net(experiment, trained):
    runs, records, _ = trained(experiment("functions", functions=["sinc5", "quadratic"], epochs=5))
    history = read_table("d-test", "history")
    assert list(history) == ["run", "member", "epoch", "train_loss", "test_loss"]
    for (run, index), rows in history.groupby(["run", "member"]):
        assert rows["epoch"].tolist() == records[run].epochs
        assert rows["train_loss"].tolist() == pytest.approx(
            records[run].history["train_loss"][index].tolist(), rel=1e-5
        )
    assert len(history) == 4 * 6
    assert read_table("d-test", "nets")["function"].tolist() == ["sinc5", "sinc5", "quadratic", "quadratic"]
    assert runs[0].members[2] == Member("quadratic", 0)


def test_steps_of_every_net(experiment, trained):
    _, records, _ = trained(experiment(record={"gradient_norm": "step"}))
    steps = read_table("d-test", "steps")
    assert list(steps) == ["run", "member", "step", "loss", "gradient_norm"]
    for index, rows in steps.groupby("member"):
        assert rows["step"].tolist() == list(range(1, 13))
        for name in ("loss", "gradient_norm"):
            assert rows[name].tolist() == pytest.approx(records[0].steps[name][index].tolist(), rel=1e-5)


def test_gradient_norms_by_epoch_are_in_the_history(experiment, trained):
    _, records, folder = trained(experiment("functions", record={"gradient_norm": "epoch"}))
    nets, history = read_table("d-test", "nets"), read_table("d-test", "history")
    assert list(history) == ["run", "member", "epoch", "train_loss", "test_loss", "gradient_norm"]
    for index, rows in history.groupby("member"):
        expected = records[0].history["gradient_norm"][index].tolist()
        assert rows["gradient_norm"].tolist() == pytest.approx(expected, rel=1e-5)
        assert nets["gradient_norm"][index] == pytest.approx(expected[-1], rel=1e-5)
    assert not (folder / "steps.csv").exists()


def test_weights_come_back_bit_by_bit_in_the_order_of_the_layers(experiment, trained):
    layers = [*([3] * 10), 10]  # eleven layers: "10" sorts before "2"
    models = {"A": {"layers": layers}, "B": {"layers": [{"dense": 4, "bias": False}, 10]}}
    _, records, _ = trained(experiment(models=models))
    found = read_weights("d-test")
    assert list(found) == [0, 1]
    for run, weights in found.items():
        assert list(weights) == list(records[run].weights)
        assert all(torch.equal(w, records[run].weights[name]) for name, w in weights.items())


def test_more_than_ten_runs_keep_their_order(experiment, trained):
    rates = [0.01 * n for n in range(1, 13)]
    entry = experiment(learning_rate=None, sweep={"learning_rate": rates}, epochs=1, replicas=1)
    _, records, _ = trained(entry)
    found = read_weights("d-test")
    assert list(found) == list(range(12))
    for run, record in enumerate(records):
        assert torch.equal(found[run]["1.bias"], record.weights["1.bias"])


def test_outputs_of_nets_that_fit_a_function(experiment, trained):
    _, records, folder = trained(experiment("functions", functions=["sinc5", "quadratic"]))
    found = load_file(folder / "outputs.safetensors")
    assert list(found) == ["0"]
    assert torch.equal(found["0"], records[0].outputs)
    assert found["0"].shape == (4, 18)


def test_two_writings_give_the_same_bytes(experiment, trained):
    entry = experiment("functions", record={"gradient_norm": "step", "weights_every": 1})
    *_, folder = trained(entry)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 6
    trained(entry)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# ------------------------------------------------------------------------------------------------------- snapshots


def test_snapshots_of_all_runs_together(experiment, trained):
    entry = experiment(models={"A": {"layers": [16, 10]}}, record={"weights_every": 2}, epochs=4, replicas=3)
    _, records, _ = trained(entry)
    assert len(records) == 3
    found, replicas, epochs = read_snapshots("d-test", stops=False)
    assert (replicas, epochs) == ([0, 1, 2], [0, 2, 4])
    assert list(found) == ["1.weight", "1.bias", "2.weight", "2.bias"]
    for name, weight in found.items():
        assert weight.shape[:2] == (3, 3)
        assert torch.equal(weight, torch.cat([record.snapshots[name] for record in records]))
        assert torch.equal(weight[:, -1], torch.cat([record.weights[name] for record in records]))


@pytest.mark.parametrize("bad", [nan, 1e30])
@pytest.mark.usefixtures("prepared")
def test_snapshots_of_nets_that_diverged_are_left_out(bad, experiment, run_of):
    """The loss can be infinite where the weights are not."""
    entry = experiment(record={"weights_every": 1})
    run = run_of(entry, replicas=3)
    record = train(run, entry)
    record.snapshots["1.weight"][1, 2, 3, 5] = bad
    record.diverged[1] = True
    write_runs(entry, [run], [record])
    found, replicas, epochs = read_snapshots("d-test", stops=False)
    assert (replicas, epochs) == ([0, 2], [0, 1, 2, 3])
    assert all(torch.equal(weight, record.snapshots[name][[0, 2]]) for name, weight in found.items())


def cut(record, count) -> None:
    """Leave a run of one net with its first snapshots alone, as if it had ended after them."""
    record.snapshot_epochs = record.snapshot_epochs[:count]
    record.snapshots = {name: w[:, :count] for name, w in record.snapshots.items()}


@pytest.mark.parametrize(
    ("diverged", "kept", "epochs"),
    [([True, False], [1], [0, 1, 2, 3]), ([False, True], [0], [0, 1, 2, 3]), ([True, True], [], [])],
)
def test_a_run_that_ended_as_it_diverged_does_not_cut_the_others_short(diverged, kept, epochs, experiment, trained):
    entry = experiment(models={"A": {"layers": [16, 10]}}, record={"weights_every": 1})
    runs, records, _ = trained(entry)
    for record, gone in zip(records, diverged, strict=True):
        record.diverged = [gone]
        if gone:
            cut(record, 2)
    write_runs(entry, runs, records)
    found, replicas, there = read_snapshots("d-test", stops=False)
    assert (replicas, there) == (kept, epochs)
    for name, weight in found.items():
        assert weight.shape[0] == len(kept)
        assert not kept or torch.equal(weight, records[kept[0]].snapshots[name])


def expected_paths(records: list[TrainingRecord], epochs: list[int]) -> dict[str, torch.Tensor]:
    """The weights of every net at these epochs, from its record alone: after its end, those that it ended with."""
    nets = [record.member(i) for record in records for i in range(len(record.last))]
    return {
        name: torch.stack([
            torch.stack([
                one.snapshots[name][0, one.snapshot_epochs.index(epoch)] if epoch in one.snapshot_epochs
                else one.weights[name][0] for epoch in epochs
            ])
            for one in nets
        ])
        for name in nets[0].weights
    }  # fmt: skip


@pytest.mark.parametrize("layers", [[4, 10], [16, 10]])  # together, and one by one
@pytest.mark.parametrize("every", [1, 4, 40])
def test_nets_that_stopped_stand_still_until_the_longest_ends(every, layers, experiment, trained):
    record, stop = {"weights_every": every}, {"loss_change": 2e-2}
    entry = experiment(models={"A": {"layers": layers}}, record=record, stop=stop, epochs=40, replicas=3)
    _, records, _ = trained(entry)
    nets = read_table("d-test", "nets")
    assert nets["epoch"].nunique() > 1
    end = nets["epoch"].max()
    assert end < 40
    found, replicas, epochs = read_snapshots("d-test", stops=True)
    assert replicas == [0, 1, 2]
    assert epochs == sorted({*range(0, end, every), end})
    final = torch.cat([record.weights["1.weight"] for record in records])
    assert torch.equal(found["1.weight"][:, -1], final)
    expected = expected_paths(records, epochs)
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        assert torch.equal(weight, expected[name])


@pytest.mark.usefixtures("prepared")
def test_a_net_that_diverged_late_does_not_make_the_others_stand_on(experiment, run_of):
    entry = experiment(record={"weights_every": 1}, stop={"gradient_norm": 1e-9}, epochs=6)
    run = run_of(entry, replicas=3)
    record = train(run, entry)
    record.last, record.diverged = [2, 6, 4], [False, True, False]
    record.measured = [[at <= last for at in range(7)] for last in record.last]
    write_runs(entry, [run], [record])
    found, replicas, epochs = read_snapshots("d-test", stops=True)
    assert (replicas, epochs) == ([0, 2], [0, 1, 2, 3, 4])
    assert found["1.weight"].shape[:2] == (2, 5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"record": {"weights_every": 4}},
            "record.weights_every: at most its epochs; from initial weights alone, no path",
        ),
        (
            {"record": {"weights_every": 1}, "stop": {"gradient_norm": 1e9}},
            "stop: lower; all nets meet it at the start: no path",
        ),
    ],
)
def test_nets_without_a_path_are_told_in_one_line(changes, told, experiment, trained):
    trained(experiment(**changes))
    with pytest.raises(SettingsError) as error:
        read_snapshots("d-test", stops="stop" in changes)
    assert str(error.value) == f"{Path('reports/d.yaml')}: experiments.d-test.{told}"


def test_a_stopped_net_has_the_steps_and_the_history_that_it_has_alone(experiment, trained, run_of):
    stop, record = {"loss_change": 2e-2}, {"gradient_norm": "step", "weights_every": 1}
    entry = experiment(models={"A": {"layers": [4, 10]}}, stop=stop, record=record, epochs=40, replicas=3)
    runs, _, _ = trained(entry)
    assert len(runs) == 1
    nets = read_table("d-test", "nets")
    tables = {name: read_table("d-test", name).groupby("member") for name in ("history", "steps")}
    assert nets["epoch"].nunique() > 1
    for net in nets.itertuples():
        alone = train(run_of(entry, members=(Member(None, net.replica),)), entry)
        history, steps = (of_nets.get_group(net.member) for of_nets in tables.values())
        assert history["epoch"].tolist() == alone.epochs == list(range(net.epoch + 1))
        assert history["train_loss"].tolist() == pytest.approx(alone.history["train_loss"][0].tolist(), rel=1e-4)
        assert steps["step"].tolist() == list(range(1, 4 * net.epoch + 1))
        for name in ("loss", "gradient_norm"):
            assert steps[name].tolist() == pytest.approx(alone.steps[name][0].tolist(), rel=1e-3)


def test_steps_have_a_table_even_if_none_was_taken(experiment, trained):
    trained(experiment(record={"gradient_norm": "step"}, stop={"gradient_norm": 1e9}))
    steps = read_table("d-test", "steps")
    assert list(steps) == ["run", "member", "step", "loss", "gradient_norm"]
    assert steps.empty


# ------------------------------------------------------------------------------------------ stopped and diverged nets


@pytest.mark.usefixtures("prepared")
def test_history_ends_where_a_net_stopped_or_diverged(experiment, run_of):
    entry = experiment("functions")
    run = run_of(entry, replicas=3)
    losses = torch.tensor([[4.0, 3, 2, 1], [4, 2, 9, 9], [4, inf, nan, nan]])
    record = TrainingRecord(
        epochs=[0, 2, 4, 5],
        measured=[[True] * 4, [True, True, False, False], [True, True, False, False]],
        history={"train_loss": losses, "test_loss": losses + 1},
        last=[3, 1, 1],
        diverged=[False, False, True],
        weights={"1.weight": torch.zeros(3, 1, 1)},
        outputs=torch.zeros(3, 18),
    )
    write_runs(entry, [run], [record])
    nets, history = read_table("d-test", "nets"), read_table("d-test", "history")
    assert nets["epoch"].tolist() == [5, 2, 2]
    assert nets["diverged"].tolist() == [False, False, True]
    assert nets["train_loss"].tolist() == [1, 2, inf]
    assert nets["test_loss"].tolist() == [2, 3, inf]
    assert history.groupby("member")["epoch"].agg(list).tolist() == [[0, 2, 4, 5], [0, 2], [0, 2]]
    assert history.groupby("member")["train_loss"].agg(list).tolist() == [[4, 3, 2, 1], [4, 2], [4, inf]]


def test_a_net_that_diverged_in_training(experiment, trained):
    entry = experiment("functions", activation="leaky_relu", learning_rate=1e6, epochs=20)
    _, records, _ = trained(entry)
    nets, history = read_table("d-test", "nets"), read_table("d-test", "history")
    assert nets["diverged"].all()
    assert (~(nets["train_loss"].abs() < inf)).all()
    ends = history.groupby("member")["epoch"].max().tolist()
    assert ends == nets["epoch"].tolist() == [records[0].epochs[last] for last in records[0].last]
    assert max(ends) < 20
    finite = history["train_loss"].abs() < inf
    assert (~finite).groupby(history["member"]).sum().tolist() == [1, 1]  # the last record alone
