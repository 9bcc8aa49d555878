"""Principal components of weights during training, and of random walks."""

from math import pi, sqrt

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.decomposition import PCA

from netclaims.analysis import weight_pca as trajectory
from netclaims.analysis.weight_pca import (
    WALKS,
    apart,
    distances,
    explained_shares,
    principal_components,
    random_walks,
    shares_by_basis,
    step_products,
    together,
    trajectories,
    upright,
)
from netclaims.training.random_streams import stream

REPLICAS = [0, 1, 3]  # replica 2 diverged
BASES = ["all runs", "each run its own", "random walk, all runs", "random walk, each its own"]


def walk():
    return stream(0, "test", "walk")


@pytest.fixture
def snapshots():
    """Three nets at four epochs, with a tenth layer beside the first."""
    shapes = {"1.weight": (4, 2), "1.bias": (4,), "2.weight": (3, 4), "10.weight": (2, 3), "10.bias": (2,)}
    return {name: torch.randn(3, 4, *shape, generator=stream(name)) for name, shape in shapes.items()}


def points_of(snapshots, start="") -> np.ndarray:
    """The same weights as (members, epochs, weights) in float64, of layers whose names start so."""
    chosen = [w.flatten(2).double().numpy() for name, w in snapshots.items() if name.startswith(start)]
    return np.concatenate(chosen, 2)


def products_of(points) -> torch.Tensor:
    return step_products(torch.tensor(points, dtype=torch.float64))


def random_points(members, epochs, weights, seed=0) -> np.ndarray:
    """Runs that start anywhere and move less and less, off the origin."""
    random = np.random.default_rng(seed)
    steps = random.normal(size=(members, epochs, weights)) / np.arange(1, epochs + 1)[None, :, None]
    return 5 + steps.cumsum(1)


# ----------------------------------------------------------------------------------------------------- inner products


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    members=st.integers(1, 4), epochs=st.integers(2, 6), weights=st.integers(1, 30), at_once=st.sampled_from([1, 7, 99])
)
def test_inner_products_are_those_of_steps_and_of_centred_points(members, epochs, weights, at_once):
    points = random_points(members, epochs, weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectory, "WEIGHTS_AT_ONCE", at_once)
        products = products_of(points)
    start = points[:, :1] - points[:, :1].mean(0)
    steps = np.concatenate([start, np.diff(points, axis=1)], 1)
    np.testing.assert_allclose(products, np.einsum("rtp,sup->rtsu", steps, steps), rtol=1e-12, atol=1e-12)
    rows = points.reshape(-1, weights)
    centred = rows - rows.mean(0)
    np.testing.assert_allclose(together(products), centred @ centred.T, rtol=1e-11, atol=1e-11)
    own = points - points.mean(1, keepdims=True)
    np.testing.assert_allclose(apart(products), own @ own.transpose(0, 2, 1), rtol=1e-11, atol=1e-11)


def test_several_sets_of_inner_products_at_once():
    both = [products_of(random_points(3, 4, 9, seed)) for seed in (1, 2)]
    for found in (together, apart):
        stacked = found(torch.stack(both))
        for i in range(2):
            assert torch.equal(stacked[i], found(both[i]))


def test_inner_products_of_tensors_add_up(snapshots):
    total = sum(step_products(w) for w in snapshots.values())
    np.testing.assert_allclose(total, products_of(points_of(snapshots)), rtol=1e-12, atol=1e-13)
    assert total.dtype == torch.float64


def test_small_steps_far_from_the_origin_are_not_lost():
    base = random_points(2, 6, 50) * 1e-6
    far = base + np.arange(2)[:, None, None] * 1e3  # the runs are far from each other, too
    own = far - far.mean(1, keepdims=True)
    expected = own @ own.transpose(0, 2, 1)
    np.testing.assert_allclose(apart(products_of(far)), expected, atol=1e-6 * expected.max())


# --------------------------------------------------------------------------------------------- principal components


def pca_of(points, components=2):
    """Of the rows of points (rows, weights), from their inner products."""
    centred = points - points.mean(0)
    return principal_components(torch.from_numpy(centred @ centred.T), components)


@pytest.mark.parametrize(("count", "size"), [(12, 30), (30, 5)])
def test_components_are_those_of_the_singular_value_decomposition(count, size):
    points = np.random.default_rng(0).normal(size=(count, size)) * np.linspace(1, 3, size) + 7
    scores, variance = pca_of(points, 3)
    exact = PCA(3, svd_solver="full")
    expected = exact.fit_transform(points)
    sign = np.sign((scores.numpy() * expected).sum(0))
    np.testing.assert_allclose(scores.numpy() * sign, expected, rtol=1e-10, atol=1e-10)
    assert variance == pytest.approx(np.trace(np.cov(points.T)), rel=1e-12)
    np.testing.assert_allclose(pca_of(points)[0], scores[:, :2], rtol=1e-12)
    farthest = scores.abs().argmax(0)
    assert (scores[farthest, torch.arange(3)] > 0).all()


def test_points_on_a_line_have_one_score():
    line = np.arange(9)[:, None] ** 2 * np.random.default_rng(5).normal(size=30)
    scores, _ = pca_of(line, 9)
    np.testing.assert_allclose(scores[:, 0].diff().abs(), np.linalg.norm(np.diff(line, axis=0), axis=1), rtol=1e-12)
    np.testing.assert_allclose(scores[:, 1:], 0, atol=1e-5)


def test_upright():
    scores = torch.tensor([[1.0, -1.0, 0.0], [-3.0, 2.0, 0.0], [2.0, -1.0, 0.0]])
    assert upright(scores).tolist() == [-1, 1, 1]
    assert torch.equal(upright(-scores)[:2], -upright(scores)[:2])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(members=st.integers(1, 3), epochs=st.integers(2, 8), weights=st.integers(1, 25), seed=st.integers(0, 9))
def test_shares_are_those_of_scikit_learn(members, epochs, weights, seed):
    points = random_points(members, epochs, weights, seed)
    products = products_of(points)
    for found, sets in ((together(products)[None], points.reshape(1, -1, weights)), (apart(products), points)):
        shares = explained_shares(found, weights)
        assert shares.shape == (len(sets), min(10, sets.shape[1] - 1, weights))
        for share, rows in zip(shares, sets, strict=True):
            expected = PCA(svd_solver="full").fit(rows).explained_variance_ratio_[: len(share)]
            np.testing.assert_allclose(share, expected, atol=2e-12)
        assert (shares >= 0).all()


def test_all_shares_add_up_to_one():
    assert explained_shares(apart(products_of(random_points(4, 8, 50))), 50).sum(1).tolist() == pytest.approx([1] * 4)


def test_a_share_that_is_a_rounding_error_is_0():
    points = np.arange(9)[:, None] ** 2 * np.random.default_rng(5).normal(size=30)
    assert explained_shares(apart(products_of(points[None])), 30)[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert not explained_shares(apart(products_of(points[None])), 30).signbit().any()  # nor a negative 0


def test_a_planted_plane_is_found():
    random = np.random.default_rng(1)
    axes = np.linalg.qr(random.normal(size=(40, 2)))[0].T
    path = random.normal(size=(25, 2)) * [5, 1]
    points = path @ axes + random.normal(size=40) + 1e-6 * random.normal(size=(25, 40))
    scores, variance = pca_of(points)
    shares = explained_shares(together(products_of(points[None])), 40)
    assert shares[:2].sum() == pytest.approx(1, abs=1e-9)
    assert shares[0] > shares[1] > 0.01
    np.testing.assert_allclose(torch.cdist(scores, scores), np.linalg.norm(path[:, None] - path, axis=2), atol=1e-4)
    assert variance == pytest.approx(path.var(axis=0, ddof=1).sum(), rel=1e-6)


def test_noise_has_no_plane():
    points = np.random.default_rng(2).normal(size=(1, 400, 40))
    assert explained_shares(together(products_of(points)), 40)[:2].sum() < 0.15


def test_turned_moved_and_stretched_weights_have_the_same_shares():
    points = random_points(3, 6, 20)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(20, 20)))[0]
    moved = (points @ turn) * 7 - np.arange(20)
    one, other = (shares_by_basis(products_of(p), 20, walk()) for p in (points, moved))
    for basis in BASES:
        np.testing.assert_allclose(one[basis], other[basis], rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------------------------------------------ random walks


def bridge(epochs: int) -> np.ndarray:
    """Shares of a walk of equal steps at right angles, all as many as it has: closed form.

    Its centred positions are the pseudo-inverse of the difference operator, so that their inner products are that of
    the Laplacian of a path graph, with eigenvalues 2 - 2 cos(πk/T) and the trace (T² - 1) / 6.
    """
    k = np.arange(1, epochs)
    return 1 / (2 - 2 * np.cos(pi * k / epochs)) / ((epochs**2 - 1) / 6)


@pytest.mark.parametrize("epochs", [2, 3, 9, 16, 100])
def test_steps_at_right_angles_have_the_shares_of_the_closed_form(epochs):
    steps = torch.eye(2 * epochs, dtype=torch.float64).view(2, epochs, 2, epochs)
    expected = bridge(epochs)
    assert expected.sum() == pytest.approx(1, rel=1e-12)
    for shares in explained_shares(apart(3 * steps), 10**9):
        np.testing.assert_allclose(shares, expected[:10], rtol=1e-9, atol=1e-12)


def test_a_long_walk_in_many_dimensions_has_the_limit_of_antognini_and_sohl_dickstein():
    epochs, weights = 300, 10**9
    steps = torch.eye(epochs, dtype=torch.float64).view(1, epochs, 1, epochs)
    walks = random_walks(steps, weights, 2, walk())
    for shares in explained_shares(apart(walks), weights).flatten(0, 1):
        np.testing.assert_allclose(shares, bridge(epochs)[:10], rtol=1e-3)
        np.testing.assert_allclose(shares, 6 / (pi * np.arange(1, 11)) ** 2, rtol=1e-2)


def simulated(steps, weights, count, seed) -> np.ndarray:
    """Points of random walks like these runs, (count, members, epochs, weights), one number at a time."""
    members, epochs = steps.shape[:2]
    square = np.einsum("rtrt->rt", steps)
    length = np.sqrt(square.sum(0) / np.array([max(members - 1, 1), *[members] * (epochs - 1)]) / weights)
    taken = np.random.default_rng(seed).normal(size=(count, members, epochs, weights)) * length[:, None]
    return taken.cumsum(2)


def drawn(products, weights) -> dict[str, torch.Tensor]:
    """Of every draw its size, its shape, and an entry that no eigenvalue shows."""
    return {
        "variance": products.diagonal(dim1=1, dim2=2).sum(1),
        "share": explained_shares(products, weights)[:, 0],
        "ends": products[:, 0, -1],
    }


@pytest.mark.parametrize(
    ("members", "epochs", "weights"), [(3, 5, 40), (3, 5, 15), (3, 5, 14), (3, 5, 4), (4, 6, 1), (1, 6, 9), (8, 2, 30)]
)
def test_walks_are_those_of_a_simulation_number_by_number(members, epochs, weights):
    steps, count = products_of(random_points(members, epochs, weights)), 1500
    points = simulated(steps.numpy(), weights, count, seed=4)
    walks = random_walks(steps, weights, count, walk())
    rows = points.reshape(count, -1, weights)
    centred, own = rows - rows.mean(1, keepdims=True), points - points.mean(2, keepdims=True)
    for found, exact in ((together(walks), centred), (apart(walks)[:, -1], own[:, -1])):
        one, other = (
            drawn(products, weights) for products in (found, torch.from_numpy(exact @ exact.transpose(0, 2, 1)))
        )
        for name in one:
            if one[name].std() > 1e-9:  # of one component the share is 1
                assert stats.ks_2samp(one[name], other[name]).pvalue > 1e-3, name


def test_inner_products_of_gaussian_vectors_have_the_moments_of_wishart():
    vectors, weights, count = 12, 50, 20_000
    steps = torch.eye(vectors, dtype=torch.float64).view(1, vectors, 1, vectors) * weights
    found = random_walks(steps, weights, count, walk()).view(count, vectors, vectors)
    np.testing.assert_allclose(found.mean(0), weights * np.eye(vectors), atol=5 * sqrt(2 * weights / count))
    deviation = sqrt(weights) * np.sqrt(1 + np.eye(vectors))
    np.testing.assert_allclose(found.std(0), deviation, rtol=0.05)
    logs = torch.linalg.slogdet(found)[1].numpy()  # a sum over independent log χ² (Muirhead 1982, theorem 3.2.15)
    exact = sum(stats.loggamma((weights - i) / 2, loc=np.log(2)).mean() for i in range(vectors))
    assert logs.mean() == pytest.approx(exact, abs=5 * logs.std() / sqrt(count))


def test_walks_take_the_steps_that_were_measured():
    points = random_points(5, 4, 60)
    found = random_walks(products_of(points), 60, 4000, walk())
    rows = found.flatten(1, 2).flatten(2, 3)
    square = rows.diagonal(dim1=1, dim2=2).view(-1, 5, 4).mean(0)
    steps = (np.diff(points, axis=1) ** 2).sum(2).mean(0)
    np.testing.assert_allclose(square[:, 1:], np.tile(steps, (5, 1)), rtol=0.02)
    starts = rows.view(-1, 5, 4, 5, 4)[:, :, 0, :, 0]  # of the walks, less their own mean: as far apart as the runs
    centred = starts - starts.mean(1, keepdim=True)
    spread = (centred - centred.mean(2, keepdim=True)).diagonal(dim1=1, dim2=2).mean()
    measured = ((points[:, 0] - points[:, 0].mean(0)) ** 2).sum(1).mean()
    assert spread.item() == pytest.approx(measured, rel=0.02)


def test_no_more_dimensions_than_weights():
    walks = random_walks(products_of(random_points(4, 5, 3)), 3, 6, walk())
    eigenvalues = torch.linalg.eigvalsh(walks.view(6, 20, 20))
    assert (eigenvalues[:, :17].abs() < 1e-12 * eigenvalues[:, -1:]).all()
    assert (eigenvalues[:, 17:] > 1e-3).all()


def test_walks_of_equal_streams_are_equal_and_draws_differ():
    steps = products_of(random_points(3, 4, 9))
    one, other = (random_walks(steps, 9, 5, walk()) for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.allclose(one, random_walks(steps, 9, 5, stream(1, "test", "walk")))
    corners = one[:, 0, 0, 0, 0]  # of the χ² variables alone
    assert len(set(corners.tolist())) == 5


# ------------------------------------------------------------------------------------------------------------ tables


def test_a_path_for_every_run_in_every_scope(snapshots):
    epochs, scopes = [0, 3, 6, 9], {"layer 1": 1, "layer 10": 10, "whole model": None}
    table, numbers, _ = trajectories(snapshots, REPLICAS, epochs, scopes, walk())
    assert list(table) == ["scope", "replica", "epoch", "pc1", "pc2"]
    assert table["scope"].tolist() == [scope for scope in scopes for _ in range(12)]
    assert table["replica"].tolist() == 3 * [0, 0, 0, 0, 1, 1, 1, 1, 3, 3, 3, 3]
    assert table["epoch"].tolist() == 9 * epochs
    for scope, start in zip(scopes, ("1.", "10.", ""), strict=True):
        points = points_of(snapshots, start).reshape(12, -1)
        found = table.loc[table["scope"] == scope, ["pc1", "pc2"]].to_numpy()
        np.testing.assert_allclose(found, pca_of(points)[0], rtol=1e-10, atol=1e-10)
        assert list(numbers[scope]) == ["weights", "explained", "variance", "share_of_first_two"]
        expected = PCA(2, svd_solver="full").fit(points).explained_variance_ratio_
        assert numbers[scope]["explained"] == pytest.approx(expected, abs=1e-11)
        assert numbers[scope]["variance"] == pytest.approx(points.var(axis=0, ddof=1).sum(), rel=1e-12)
    assert [numbers[scope]["weights"] for scope in scopes] == [12, 8, 32]


def test_shares_of_every_basis(snapshots):
    scopes = {"layer 2": 2, "whole model": None}
    _, numbers, table = trajectories(snapshots, REPLICAS, [0, 1, 2, 3], scopes, walk())
    assert list(table) == ["scope", "basis", "component", "share", "share_low", "share_high"]
    chance = walk()
    for scope, start in zip(scopes, ("2.", ""), strict=True):
        points = points_of(snapshots, start)
        shares = shares_by_basis(products_of(points), points.shape[2], chance)
        assert [(len(shares[basis]), shares[basis].shape[1]) for basis in BASES] == [
            (1, 10), (3, 3), (WALKS, 10), (WALKS, 3)
        ]  # fmt: skip
        rows = table[table["scope"] == scope]
        assert list(dict.fromkeys(rows["basis"])) == BASES
        for basis, found in shares.items():
            some = rows[rows["basis"] == basis]
            assert some["component"].tolist() == list(range(1, found.shape[1] + 1))
            np.testing.assert_allclose(some["share"], found.mean(0), rtol=1e-9)
            np.testing.assert_allclose(some["share_low"], found.amin(0), rtol=1e-9)
            np.testing.assert_allclose(some["share_high"], found.amax(0), rtol=1e-9)
            two = found[:, :2].sum(1)
            number = numbers[scope]["share_of_first_two"][basis]
            assert number["mean"] == pytest.approx(two.mean().item(), rel=1e-5)
            assert number["sd"] == (None if len(two) == 1 else pytest.approx(two.std().item(), rel=1e-5))
        own = [PCA(svd_solver="full").fit(run).explained_variance_ratio_ for run in points]
        np.testing.assert_allclose(shares["each run its own"], np.stack(own)[:, :3], atol=1e-11)
        np.testing.assert_allclose(
            shares["all runs"][0],
            PCA(10, svd_solver="full").fit(points.reshape(12, -1)).explained_variance_ratio_,
            atol=1e-11,
        )


def test_shares_of_walks_alone_are_means_over_the_walks_of_a_draw():
    steps = products_of(random_points(3, 5, 30))
    shares = shares_by_basis(steps, 30, walk())
    walks = random_walks(steps, 30, WALKS, walk())
    np.testing.assert_allclose(shares["random walk, all runs"], explained_shares(together(walks), 30))
    means = [explained_shares(apart(draw), 30).mean(0) for draw in walks]
    np.testing.assert_allclose(shares["random walk, each its own"], torch.stack(means), rtol=1e-9)


def test_the_same_tables_every_time(snapshots):
    scopes = {"whole model": None}
    one, other = (trajectories(snapshots, REPLICAS, [0, 1, 2, 3], scopes, walk()) for _ in range(2))
    for i in (0, 2):
        pd.testing.assert_frame_equal(one[i], other[i], check_exact=True)
    assert one[1] == other[1]


def test_one_run_by_itself_is_all_runs(snapshots):
    alone = {name: w[:1] for name, w in snapshots.items()}
    _, numbers, table = trajectories(alone, [0], [0, 1, 2, 3], {"all": None}, walk())
    shares = {basis: rows["share"].to_numpy() for basis, rows in table.groupby("basis")}
    np.testing.assert_allclose(shares["all runs"], shares["each run its own"], rtol=1e-9)
    np.testing.assert_allclose(shares["random walk, all runs"], shares["random walk, each its own"], rtol=1e-9)
    assert numbers["all"]["share_of_first_two"]["each run its own"]["sd"] is None


def test_two_snapshots_have_one_component(snapshots):
    short = {name: w[:, :2] for name, w in snapshots.items()}
    _, _, table = trajectories(short, REPLICAS, [0, 1], {"all": None}, walk())
    for basis in ("each run its own", "random walk, each its own"):
        rows = table[table["basis"] == basis]
        assert rows[["component", "share", "share_low", "share_high"]].to_numpy().tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("epochs", [2, 3])
def test_as_many_components_as_there_are_explain_all_and_no_rounding_error_is_told(epochs, snapshots):
    short = {name: w[:, :epochs] for name, w in snapshots.items()}
    _, numbers, _ = trajectories(short, REPLICAS, list(range(epochs)), {"layer 1": 1, "all": None}, walk())
    for scope in numbers.values():
        for basis in ("each run its own", "random walk, each its own"):
            assert scope["share_of_first_two"][basis] == {"mean": 1.0, "sd": 0.0}


@pytest.mark.parametrize("epochs", [2, 5, 9])
def test_a_run_that_stands_still_has_no_share_of_its_own(epochs):
    points = random_points(3, epochs, 11)
    points[1] = points[1, :1]  # not one weight changes, as where every unit is dead
    _, numbers, table = trajectories(
        {"1.weight": torch.from_numpy(points)}, REPLICAS, list(range(epochs)), {"all": None}, walk()
    )
    assert table[table["basis"] == "each run its own"]["share"].isna().all()
    assert table[table["basis"] != "each run its own"]["share"].notna().all()
    assert numbers["all"]["share_of_first_two"]["each run its own"] == {"mean": None, "sd": None}


def test_runs_that_move_along_one_line_each_in_one_plane():
    start, moves = torch.zeros(6), torch.eye(6)[:2]
    lengths = torch.tensor([0.0, 1.0, 4.0])
    weight = torch.stack([start + lengths.unsqueeze(1) * move for move in moves])  # (2 nets, 3 epochs, 6)
    table, numbers, _ = trajectories({"1.weight": weight}, [0, 1], [0, 1, 2], {"all": None}, walk())
    assert sum(numbers["all"]["explained"]) == pytest.approx(1)
    assert numbers["all"]["share_of_first_two"]["each run its own"] == {"mean": 1.0, "sd": 0.0}
    paths = [rows[["pc1", "pc2"]].to_numpy() for _, rows in table.groupby("replica")]
    np.testing.assert_allclose(paths[0][0], paths[1][0], atol=1e-12)  # both from one point
    for path in paths:
        np.testing.assert_allclose(np.linalg.norm(path - path[0], axis=1), lengths, atol=1e-6)
    assert (paths[0][2] - paths[0][0]) @ (paths[1][2] - paths[1][0]) == pytest.approx(0, abs=1e-6)  # at right angles


def test_distances_in_weight_space_are_those_of_the_points(snapshots):
    epochs, scopes = [0, 3, 6, 9], {"layer 1": 1, "layer 10": 10, "whole model": None}
    table = distances(snapshots, REPLICAS, epochs, scopes)
    assert list(table) == ["scope", "replica", "epoch", "from_mean", "per_weight", "step", "in_plane", "nearest"]
    assert table["scope"].tolist() == [scope for scope in scopes for _ in range(12)]
    for scope, start in zip(scopes, ("1.", "10.", ""), strict=True):
        points = points_of(snapshots, start)
        found = table[table["scope"] == scope].set_index(["replica", "epoch"])
        from_mean = np.linalg.norm(points - points.mean(0), axis=2)
        steps = np.linalg.norm(np.diff(points, axis=1), axis=2)
        for i, epoch in enumerate(epochs):
            rows = found.xs(epoch, level="epoch")
            assert rows.index.tolist() == REPLICAS
            np.testing.assert_allclose(rows["from_mean"], from_mean[:, i], rtol=1e-10)
            np.testing.assert_allclose(rows["per_weight"], from_mean[:, i] / sqrt(points.shape[2]), rtol=1e-10)
            np.testing.assert_allclose(rows["step"], steps[:, i - 1] if i else np.full(3, np.nan), rtol=1e-10)


def test_distances_in_the_plane_are_those_of_the_points_in_it(snapshots):
    """By the singular value decomposition of the points."""
    table = distances(snapshots, REPLICAS, [0, 3, 6, 9], {"whole model": None}).set_index(["replica", "epoch"])
    points = points_of(snapshots, "")

    def centred_and_axes(runs):
        mean = runs.mean((0, 1))
        return points - mean, np.linalg.svd((runs - mean).reshape(-1, runs.shape[2]), full_matrices=False)[2][:2]

    centred, axes = centred_and_axes(points)
    plane = centred @ axes.T  # (runs, epochs, 2)
    share = []
    for run in range(3):
        from_others, of_others = centred_and_axes(np.delete(points, run, 0))
        share.append(((from_others[run] @ of_others.T) ** 2).sum(1) / (from_others[run] ** 2).sum(1))
    between = np.linalg.norm(plane[:, None] - plane[None], axis=3)
    between[np.arange(3), np.arange(3)] = np.inf
    np.testing.assert_allclose(table["in_plane"].to_numpy().reshape(4, 3).T, share, rtol=1e-8)
    np.testing.assert_allclose(table["nearest"].to_numpy().reshape(4, 3).T, between.min(1), rtol=1e-6)


def test_one_run_alone_is_at_its_own_mean(snapshots):
    table = distances({name: w[:1] for name, w in snapshots.items()}, [4], [0, 1, 2, 3], {"all": None})
    np.testing.assert_allclose(table["from_mean"], 0, atol=1e-7)
