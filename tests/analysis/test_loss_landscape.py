"""Planes through weight space, and the loss on them."""

from math import nan

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch.nn import functional

from netclaims.analysis import loss_landscape as surface
from netclaims.analysis.loss_landscape import (
    Plane,
    filter_normalised,
    losses_on,
    main_plane,
    plane_numbers,
    random_plane,
)
from netclaims.data.examples import Examples
from netclaims.nets.evaluation import evaluate
from netclaims.nets.network import flatten, unflatten
from netclaims.training.random_streams import stream

CONVOLUTIONS = [{"conv": 3}, {"pool": 2}, {"conv": 4}, {"pool": 2}, 5]
EPOCHS = [0, 2, 4, 6, 8, 10]


def chance():
    return stream(0, "test", "surface")


def snapshots_of(network, count=6) -> dict[str, torch.Tensor]:
    """A run of weights in float64 that moves less and less."""
    generator = stream("steps")
    run = {}
    for name, w in network.initial([stream("start")]).items():
        steps = 0.3 * torch.randn(count, *w.shape[1:], generator=generator, dtype=torch.float64)
        run[name] = w.double() + (steps / torch.arange(1, count + 1).view(-1, *[1] * (w.dim() - 1))).cumsum(0)
    return run


@pytest.fixture
def small(network_of):
    """A classifier of images, a run of it, and data, all in float64."""
    network = network_of(CONVOLUTIONS, (2, 8, 8), "relu")
    x = torch.randn(12, 2, 8, 8, generator=stream("x"), dtype=torch.float64)
    return network, snapshots_of(network), Examples(x, torch.randint(5, (1, 12), generator=stream("y")))


def planes_of(run, points=5) -> list[Plane]:
    return [main_plane(run, EPOCHS, points), random_plane(run, EPOCHS, points, chance())]


# ----------------------------------------------------------------------------------------------- the main components


def test_main_plane_is_that_of_scikit_learn(small):
    _, run, _ = small
    plane, points = main_plane(run, EPOCHS, 7), flatten(run).numpy()
    exact = PCA(2, svd_solver="full").fit(points)
    scores = exact.transform(points)
    sign = np.sign((plane.projected.numpy() * scores).sum(0))
    np.testing.assert_allclose(plane.projected, scores * sign, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(plane.directions, exact.components_ * sign[:, None], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(plane.origin, exact.mean_, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-14)
    assert (
        plane.projected.gather(0, plane.projected.abs().argmax(0, keepdim=True)) > 0
    ).all()  # whatever sign the SVD gives
    assert plane.epochs == EPOCHS
    assert plane.snapshots is run


@settings(max_examples=50, deadline=None, derandomize=True)
@given(long=st.floats(0.01, 100), ratio=st.floats(0, 1), points=st.sampled_from([3, 4, 21]), count=st.integers(3, 9))
def test_grid_covers_the_path_and_a_quarter_more(long, ratio, points, count):
    random = np.random.default_rng(count)
    path = random.normal(size=(count, 2)) * [long, long * ratio]
    axes = np.linalg.qr(random.normal(size=(30, 2)))[0].T
    plane = main_plane({"1.weight": torch.from_numpy(path @ axes + 3).unsqueeze(2)}, list(range(count)), points)
    low, high = plane.projected.aminmax(dim=0)
    extent = high - low
    for axis, grid in enumerate((plane.x, plane.y)):
        assert len(grid) == points
        np.testing.assert_allclose(grid.diff(), (grid[-1] - grid[0]) / (points - 1), rtol=1e-9)
        assert (grid[0] + grid[-1]).item() == pytest.approx((low + high)[axis].item(), abs=1e-9 * long)
        expected = 1.5 * max(extent[axis], extent.max() / 5)
        assert (grid[-1] - grid[0]).item() == pytest.approx(expected.item(), rel=1e-9)
        assert grid[0] < low[axis] - extent[axis] / 4.001
        assert grid[-1] > high[axis] + extent[axis] / 4.001


def test_two_snapshots_lie_on_one_axis(small):
    network, run, data = small
    short = {name: w[[0, -1]] for name, w in run.items()}
    plane = main_plane(short, [0, 10], 5)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
    distance = (flatten(short)[1] - flatten(short)[0]).norm().item()
    assert (plane.projected[:, 0].max() - plane.projected[:, 0].min()).item() == pytest.approx(distance, rel=1e-12)
    np.testing.assert_allclose(plane.projected[:, 1], 0, atol=1e-12)
    assert (plane.y[-1] - plane.y[0]).item() == pytest.approx(0.3 * distance, rel=1e-9)
    grid, path = losses_on(network, plane, "cross_entropy", data)
    assert grid["loss"].notna().all()
    assert plane_numbers(plane, path) == pytest.approx({"largest_relative_gap": 0, "variance_in_plane": 1}, abs=1e-12)


# ------------------------------------------------------------------------------------------------- random directions


@pytest.mark.parametrize(
    ("layers", "example"), [(CONVOLUTIONS, (2, 8, 8)), ([4, 3], (2,)), ([{"dense": 4, "bias": False}, 3], (2,))]
)
def test_every_filter_of_a_direction_is_as_long_as_that_of_the_weights(layers, example, network_of):
    weights = {name: w[-1:] for name, w in snapshots_of(network_of(layers, example)).items()}
    found = filter_normalised(weights, chance())
    assert list(found) == list(weights)
    for name, w in weights.items():
        assert found[name].shape == (2, *w.shape[1:])
        assert found[name].dtype == torch.float64
        if name.endswith("bias"):
            assert not found[name].any()
            continue
        for direction in found[name]:
            for drawn, own in zip(direction, w[0], strict=True):
                assert drawn.square().sum().item() == pytest.approx(own.square().sum().item(), rel=1e-12)
        one, other = found[name].flatten(2)
        assert (functional.cosine_similarity(one, other).abs() < 1 - 1e-6).any()


def test_directions_within_a_filter_are_gaussian_ones_of_the_stream():
    weight = torch.tensor([[[3.0, 4.0], [0.0, 0.0], [0.6, 0.8]]])
    found = filter_normalised({"1.weight": weight, "1.bias": torch.ones(1, 3)}, chance())
    drawn = torch.randn(2, 3, 2, generator=chance(), dtype=torch.float64)
    expected = drawn / drawn.square().sum(2, keepdim=True).sqrt() * torch.tensor([[5.0], [0.0], [1.0]])
    np.testing.assert_allclose(found["1.weight"], expected, rtol=1e-6, atol=1e-12)  # 0.6 and 0.8 are of float32
    assert not found["1.weight"][:, 1].any()  # a dead filter stays dead


def test_a_filter_of_a_convolution_is_an_output_channel():
    weight = torch.randn(1, 4, 3, 2, 2, generator=stream("weight"), dtype=torch.float64)
    found = filter_normalised({"1.weight": weight}, chance())["1.weight"]
    drawn = torch.randn(2, 4, 3, 2, 2, generator=chance(), dtype=torch.float64)
    scale = (weight.square().sum((2, 3, 4)) / drawn.square().sum((2, 3, 4))).sqrt()
    np.testing.assert_allclose(found, torch.einsum("dfchw,df->dfchw", drawn, scale), rtol=1e-12)


def test_random_plane_is_around_the_last_snapshot(small):
    _, run, _ = small
    plane = random_plane(run, EPOCHS, 5, chance())
    final = {name: w[-1:] for name, w in run.items()}
    assert torch.equal(plane.origin, flatten(final)[0])
    assert torch.equal(plane.directions, flatten(filter_normalised(final, chance())))
    assert plane.x.tolist() == plane.y.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert (plane.epochs, plane.projected.tolist()) == ([10], [[0, 0]])
    for points in (3, 4, 11, 21, 50):
        axis = random_plane(run, EPOCHS, points, chance()).x
        np.testing.assert_allclose(axis, np.linspace(-1, 1, points), atol=1e-15)
        assert torch.equal(axis, -axis.flip(0))  # with an exact 0 in the middle
    assert not torch.allclose(plane.directions, random_plane(run, EPOCHS, 5, stream(1, "surface")).directions)


def test_the_surface_around_a_net_does_not_change_when_its_layers_are_rescaled(small):
    network, run, data = small  # Li et al. 2018, section 4: a net of ReLUs is the same function at any of these scales
    factors = {"1.weight": 20, "1.bias": 20, "2.weight": 0.35, "2.bias": 7, "3.weight": 1 / 7, "3.bias": 1}
    scaled = {name: w * factors[name] for name, w in run.items()}
    one, other = (
        losses_on(network, random_plane(weights, EPOCHS, 5, chance()), "cross_entropy", data)[0]["loss"]
        for weights in (run, scaled)
    )
    np.testing.assert_allclose(one, other, rtol=1e-11)
    assert one.nunique() == 25


# --------------------------------------------------------------------------------------------------------- the losses


def test_losses_are_those_of_torch_modules_at_every_position(small, module_of):
    network, run, data = small
    for plane in planes_of(run):
        table, _ = losses_on(network, plane, "cross_entropy", data)
        assert list(table) == ["plane", "x", "y", "loss"]
        assert set(table["plane"]) == {plane.name}
        assert table[["x", "y"]].to_numpy().tolist() == [[x, y] for x in plane.x.tolist() for y in plane.y.tolist()]
        for row in table.to_dict("records"):
            flat = plane.origin + row["x"] * plane.directions[0] + row["y"] * plane.directions[1]
            module = module_of(CONVOLUTIONS, (2, 8, 8), "relu", unflatten(flat.unsqueeze(0), run))
            expected = functional.cross_entropy(module(data.x), data.y[0]).item()
            assert row["loss"] == pytest.approx(expected, rel=1e-12)
        assert table["loss"].nunique() == 25


def test_loss_of_a_linear_model_is_a_paraboloid(network_of):
    network = network_of([1], (3,))
    x = torch.randn(20, 3, generator=stream("x"), dtype=torch.float64)
    y = torch.randn(1, 20, 1, generator=stream("y"), dtype=torch.float64)
    for plane in planes_of(snapshots_of(network), 7):
        table, _ = losses_on(network, plane, "mse", Examples(x, y))
        inputs = torch.cat([x, torch.ones(20, 1)], 1)  # of the weights and the bias
        residual, along = inputs @ plane.origin - y[0, :, 0], inputs @ plane.directions.T
        at = torch.tensor(table[["x", "y"]].to_numpy())
        expected = (
            residual.square().mean()
            + 2 * at @ (along * residual.unsqueeze(1)).mean(0)
            + torch.einsum("pi,ij,pj->p", at, along.T @ along / 20, at)
        )
        np.testing.assert_allclose(table["loss"], expected, rtol=1e-12)


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_positions_do_not_mix(at_once, small, monkeypatch):
    network, run, data = small
    plane = planes_of(run)[0]
    expected = losses_on(network, plane, "cross_entropy", data)
    monkeypatch.setattr(surface, "POSITIONS_AT_ONCE", at_once)
    for found, table in zip(losses_on(network, plane, "cross_entropy", data), expected, strict=True):
        pd.testing.assert_frame_equal(found, table, rtol=1e-12)


def test_snapshots_on_the_path_and_in_the_plane(small):
    network, run, data = small
    plane = planes_of(run)[0]
    _, path = losses_on(network, plane, "cross_entropy", data)
    assert list(path) == ["plane", "at", "epoch", "x", "y", "loss"]
    assert path["at"].tolist() == ["on the path"] * 6 + ["in the plane"] * 6
    assert path["epoch"].tolist() == EPOCHS * 2
    exact = PCA(2, svd_solver="full").fit(flatten(run).numpy())
    projected = torch.from_numpy(exact.inverse_transform(exact.transform(flatten(run).numpy())))
    for at, weights in (("on the path", run), ("in the plane", unflatten(projected, run))):
        rows = path[path["at"] == at]
        np.testing.assert_array_equal(rows[["x", "y"]], plane.projected)
        np.testing.assert_allclose(rows["loss"], evaluate(network, weights, "cross_entropy", data)[0], rtol=1e-11)
    assert not np.allclose(path["loss"][:6], path["loss"][6:], rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_middle_of_the_random_plane_is_the_last_snapshot(dtype, small):
    network, run, data = small
    run = {name: w.to(dtype) for name, w in run.items()}
    data = Examples(data.x.to(dtype), data.y)
    table, path = losses_on(network, planes_of(run)[1], "cross_entropy", data)
    final = evaluate(network, {name: w[-1:] for name, w in run.items()}, "cross_entropy", data)[0].item()
    assert path.drop(columns="plane").to_numpy().tolist() == [
        [at, 10, 0, 0, final] for at in ("on the path", "in the plane")
    ]
    middle = table[(table["x"] == 0) & (table["y"] == 0)]["loss"].tolist()
    assert middle == pytest.approx([final], rel=10 * torch.finfo(dtype).eps)


def test_a_path_in_a_plane_has_no_gap(small):
    network, run, data = small
    flat = flatten(run)
    planar = torch.randn(6, 2, generator=stream("planar"), dtype=torch.float64) @ flat[:2] + flat[2]
    plane = main_plane(unflatten(planar, run), EPOCHS, 3)
    _, path = losses_on(network, plane, "cross_entropy", data)
    assert plane_numbers(plane, path) == pytest.approx({"largest_relative_gap": 0, "variance_in_plane": 1}, abs=1e-11)


def test_numbers_of_a_plane(small):
    _, run, _ = small
    plane = planes_of(run)[0]
    on, within = [2.0, 1.0, 0.5, 1.0, 1.0, 4.0], [2.0, 1.2, 0.3, 1.0, 1.0, 5.0]
    path = pd.DataFrame({"at": ["on the path"] * 6 + ["in the plane"] * 6, "loss": on + within})
    numbers = plane_numbers(plane, path)
    assert numbers["largest_relative_gap"] == pytest.approx(0.4)
    exact = PCA(2, svd_solver="full").fit(flatten(run).numpy())
    assert numbers["variance_in_plane"] == pytest.approx(exact.explained_variance_ratio_.sum(), rel=1e-12)
    assert 0.3 < numbers["variance_in_plane"] < 0.95
    for lost in (0, 8):  # on the path, and in the plane
        path.loc[lost, "loss"] = nan
        assert plane_numbers(plane, path)["largest_relative_gap"] is None
        path.loc[lost, "loss"] = 1.0


def test_a_run_that_stands_still_has_no_variance(small):
    network, run, data = small
    still = {name: w[-1:].round(decimals=1).repeat(4, *[1] * (w.dim() - 1)) for name, w in run.items()}
    plane = main_plane(still, [0, 1, 2, 3], 3)
    grid, path = losses_on(network, plane, "cross_entropy", data)
    assert grid["loss"].notna().all()
    assert plane_numbers(plane, path) == {"largest_relative_gap": 0, "variance_in_plane": None}


def test_losses_that_are_not_finite_are_left_out(network_of):
    network = network_of([4, 1], (3,), "relu")
    run = {name: w.float() for name, w in snapshots_of(network).items()}
    run["2.weight"] = run["2.weight"] * 1e25  # the square of the output overflows
    x = torch.randn(8, 3, generator=stream("x"))
    data = Examples(x, torch.zeros(1, 8, 1))
    assert evaluate(network, run, "mse", data)[0].isinf().any()
    for plane in planes_of(run):
        for table in losses_on(network, plane, "mse", data):
            assert table["loss"].isna().any()
            assert not np.isinf(table["loss"]).any()


def test_the_same_tables_every_time(small):
    network, run, data = small
    for one, other in zip(planes_of(run), planes_of(run), strict=True):
        for table, again in zip(
            losses_on(network, one, "cross_entropy", data),
            losses_on(network, other, "cross_entropy", data),
            strict=True,
        ):
            pd.testing.assert_frame_equal(table, again, check_exact=True)
