"""Principal components of weights during training."""

import numpy as np
import pytest
import torch

from netclaims.analysis.trajectory import principal_components, rows, trajectories


@pytest.fixture
def snapshots():
    """Three nets at four epochs, with a tenth layer beside the first."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"1.weight": (4, 2), "1.bias": (4,), "2.weight": (3, 4), "10.weight": (2, 3), "10.bias": (2,)}
    return {name: torch.randn(3, 4, *shape, generator=generator) for name, shape in shapes.items()}


def test_a_row_is_a_net_at_an_epoch(snapshots):
    found = rows(snapshots, None)
    assert found.shape == (12, 8 + 4 + 12 + 6 + 2)
    assert found.dtype == np.float64
    for net in range(3):
        for epoch in range(4):
            expected = torch.cat([w[net, epoch].flatten() for w in snapshots.values()])
            np.testing.assert_array_equal(found[4 * net + epoch], expected)


@pytest.mark.parametrize(
    ("layer", "names"), [(1, ["1.weight", "1.bias"]), (2, ["2.weight"]), (10, ["10.weight", "10.bias"])]
)
def test_weights_and_biases_of_one_layer_alone(layer, names, snapshots):
    np.testing.assert_array_equal(rows(snapshots, layer), rows({name: snapshots[name] for name in names}, None))


@pytest.mark.parametrize(("count", "size"), [(12, 30), (30, 5)])
def test_components_are_those_of_the_singular_value_decomposition(count, size):
    points = np.random.default_rng(0).normal(size=(count, size)) * np.linspace(1, 3, size) + 7
    scores, explained, variance = principal_components(points)
    centred = points - points.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    assert scores.shape == (count, 2)
    for axis in range(2):
        expected = left[:, axis] * values[axis]
        np.testing.assert_allclose(scores[:, axis] * np.sign(scores[0, axis] * expected[0]), expected, atol=1e-10)
    np.testing.assert_allclose(explained, values[:2] ** 2 / (values**2).sum())
    assert variance == pytest.approx((values**2).sum() / (count - 1))
    assert variance == pytest.approx(np.trace(np.cov(points.T)))
    three = principal_components(points, 3)
    np.testing.assert_allclose(three[0][:, :2], scores, atol=1e-10)
    assert three[1].shape == (3,)


def test_a_planted_plane_is_found():
    random = np.random.default_rng(1)
    axes = np.linalg.qr(random.normal(size=(40, 2)))[0].T
    path = random.normal(size=(25, 2)) * [5, 1]
    points = path @ axes + random.normal(size=40) + 1e-6 * random.normal(size=(25, 40))
    scores, explained, variance = principal_components(points)
    assert explained.sum() == pytest.approx(1, abs=1e-9)
    assert explained[0] > explained[1] > 0.01
    distances = np.linalg.norm(path[:, None] - path[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(scores[:, None] - scores[None], axis=2), distances, atol=1e-4)
    assert variance == pytest.approx(path.var(axis=0, ddof=1).sum(), rel=1e-6)


def test_noise_has_no_plane():
    points = np.random.default_rng(2).normal(size=(400, 40))
    assert principal_components(points)[1].sum() < 0.15


def test_a_path_for_every_run_in_every_scope(snapshots):
    epochs, scopes = [0, 3, 6, 9], {"layer 1": 1, "whole model": None}
    table, numbers = trajectories(snapshots, epochs, scopes)
    assert list(table) == ["scope", "replica", "epoch", "pc1", "pc2"]
    assert table["scope"].tolist() == ["layer 1"] * 12 + ["whole model"] * 12
    assert table["replica"].tolist() == 2 * [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert table["epoch"].tolist() == 6 * epochs
    for scope, layer in scopes.items():
        points = rows(snapshots, layer)
        scores, explained, variance = principal_components(points)
        found = table.loc[table["scope"] == scope, ["pc1", "pc2"]].to_numpy()
        np.testing.assert_allclose(found, scores)
        expected = {"weights": points.shape[1], "explained": list(explained), "variance": variance}
        assert numbers[scope] == expected
    assert (numbers["layer 1"]["weights"], numbers["whole model"]["weights"]) == (12, 32)


def test_runs_that_move_along_one_line_each_in_one_plane():
    start, moves = torch.zeros(6), torch.eye(6)[:2]
    steps = torch.tensor([0.0, 1.0, 4.0])
    weight = torch.stack([start + steps.unsqueeze(1) * move for move in moves])  # (2 nets, 3 epochs, 6)
    table, numbers = trajectories({"1.weight": weight}, [0, 1, 2], {"all": None})
    assert sum(numbers["all"]["explained"]) == pytest.approx(1)
    paths = [rows[["pc1", "pc2"]].to_numpy() for _, rows in table.groupby("replica")]
    np.testing.assert_allclose(paths[0][0], paths[1][0], atol=1e-12)  # both from one point
    for path in paths:
        np.testing.assert_allclose(np.linalg.norm(path - path[0], axis=1), steps, atol=1e-6)
    assert (paths[0][2] - paths[0][0]) @ (paths[1][2] - paths[1][0]) == pytest.approx(0, abs=1e-6)  # at right angles
