"""The same work on a Ray cluster, whose nodes are all on this machine: the same bytes, and nothing lost with a node."""

import os
import sys
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
import torch

from netclaims.errors import SettingsError
from netclaims.parallel.jobs import in_parallel
from netclaims.parallel.ray_cluster import on_cluster
from netclaims.training import all_runs
from netclaims.training.all_runs import train_all
from netclaims.training.loop import train
from netclaims.training.runs import runs_of

ray = pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [pytest.mark.usefixtures("prepared"), pytest.mark.filterwarnings("ignore")]

MODELS = {"A": {"layers": [10]}, "B": {"layers": [16, 10]}, "C": {"layers": [3, 10]}}


@pytest.fixture(scope="module")
def cluster():
    """A cluster whose head does no work, and a way to add nodes of one core to it."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_DASHBOARD_ENABLED", "0")
        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        patch.setenv("RAY_ADDRESS", found.address)
        yield found
        found.shutdown()


@pytest.fixture(scope="module")
def nodes(cluster):
    """Two nodes of one core each."""
    found = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    return found


def same(one, other) -> bool:
    return (one.epochs, one.last, one.diverged) == (other.epochs, other.last, other.diverged) and all(
        a.keys() == b.keys() and all(torch.equal(x, b[name]) for name, x in a.items())
        for a, b in ((one.weights, other.weights), (one.history, other.history), (one.steps, other.steps))
    )


def test_what_is_done_is_kept_before_the_rest_is_and_an_error_is_the_jobs_own(nodes, tmp_path):
    """So that a training on a cluster, interrupted, goes on with what is not finished."""
    kept = {}

    def fails_after(other: Path | None) -> str:
        while other and not other.exists():
            sleep(0.05)
        if other:
            raise SettingsError("job 1: bad")
        return "done"

    def keep(place, result):
        kept[place] = result
        (tmp_path / str(place)).touch()

    with pytest.raises(SettingsError, match=r"^job 1: bad$"):
        on_cluster([(fails_after, (None,)), (fails_after, (tmp_path / "0",))], "two jobs", keep)
    assert kept == {0: "done"}


def test_work_is_spread_in_processes_of_one_thread_and_what_a_lost_node_was_at_is_done_by_another(
    nodes, cluster, experiment, tmp_path, monkeypatch
):
    """And all come to what they come to on one machine. The last of these: it takes one of the nodes away."""
    entry = experiment(models=MODELS, optimiser="adam", record={"gradient_norm": "step"}, shuffle_labels=0.5)
    runs = runs_of(entry, "cpu")

    def traced(run, entry):
        node = ray.get_runtime_context().get_node_id()
        with (tmp_path / f"started-{runs.index(run)}").open("a") as file:
            file.write(f"{node} {os.getpid()} {torch.get_num_threads()}\n")
        while not (tmp_path / "go").exists() or (tmp_path / "go").read_text() in ("", node):
            sleep(0.05)  # on the lost node until it is noticed: its worker outlives it by a moment
        return train(run, entry)

    def started() -> dict[str, list[list[str]]]:
        lines = {path.name: path.read_text().splitlines() for path in tmp_path.glob("started-*")}
        return {name: [line.split() for line in some] for name, some in lines.items() if some}

    found = []
    monkeypatch.setattr(all_runs, "train", traced)
    working = Thread(target=lambda: found.extend(train_all(runs, entry, {})))
    working.start()
    deadline = monotonic() + 120
    while len(started()) < 2 and monotonic() < deadline:  # one job on each node
        sleep(0.05)
    before = {job: node for job, ((node, *_),) in started().items()}
    lost = nodes[1].node_id
    assert sorted(before.values()) == sorted(node.node_id for node in nodes)
    cluster.remove_node(nodes[1], allow_graceful=False)
    (tmp_path / "go").write_text(lost)
    working.join(180)
    assert not working.is_alive()
    assert all(same(trace, train(run, entry)) for run, trace in zip(runs, found, strict=True))
    (interrupted,) = (job for job, node in before.items() if node == lost)
    assert [node for node, *_ in started()[interrupted]] == [lost, nodes[0].node_id]
    done = [way for ways in started().values() for way in ways]
    assert {threads for *_, threads in done} == {"1"}
    assert str(os.getpid()) not in {process for _, process, _ in done}


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no.such.host.invalid:6379", "127.0.0.1:x"])
def test_no_cluster_is_one_line(address, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(SettingsError, match=r"^RAY_ADDRESS: no cluster to use: .+\Z"):
        in_parallel(abs, [(1,)], "one job")


def test_without_ray_it_is_one_line(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"^RAY_ADDRESS: set, and Ray is not installed: pip install .+\Z"):
        in_parallel(abs, [(1,)], "one job")
