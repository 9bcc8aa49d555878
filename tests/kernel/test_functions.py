"""exp, log and tanh of the kernel against numpy's in float64, in units in the last place of float32."""

from ctypes import POINTER, c_float

import numpy as np
import pytest

from netclaims.kernel import functions
from netclaims.kernel.vectors import FLOATS, INTEGER, LANES, add_sums, compiled, load, store, total

numba = pytest.importorskip("numba")


def callable_of(kernel):
    """A function of the kernel, of arrays."""
    pointer = numba.types.CPointer(numba.types.float32)

    @numba.cfunc(numba.types.none(pointer, pointer, numba.types.int64))
    def over(x, y, count):
        for i in range(0, count, LANES):
            store(y, i, 0, kernel(load(1, x, i, 0)))

    def call(x):
        given = np.resize(np.asarray(x, np.float32), -(-len(x) // LANES) * LANES)
        found = np.empty_like(given)
        over.ctypes(*(array.ctypes.data_as(POINTER(c_float)) for array in (given, found)), len(given))
        return found[: len(x)]

    return call


@pytest.fixture(scope="module")
def of():
    return {name: callable_of(getattr(functions, name)) for name in ("exp", "log", "tanh")}


def ulps(found, x, exact) -> float:
    """The largest error, in units in the last place of the exact result rounded to float32."""
    expected = exact(x.astype(np.float64))
    unit = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
    return float((np.abs(found - expected) / unit).max())


COUNT = 400_000


@pytest.mark.parametrize(
    ("name", "x", "most"),
    [
        ("exp", np.linspace(-87.3, 0, COUNT), 1.3),
        ("exp", -np.geomspace(1e-30, 1, COUNT), 1.3),
        ("exp", np.linspace(0, 88, COUNT), 1.3),
        ("log", np.linspace(1, 10, COUNT), 1),  # of the sum over so many classes
        ("log", np.geomspace(1e-37, 1e38, COUNT), 1),
        ("tanh", np.linspace(-12, 12, COUNT), 6),
        ("tanh", np.geomspace(1e-37, 1, COUNT), 6),
        ("tanh", -np.geomspace(1e-3, 10, COUNT), 6),
    ],
)
def test_within_so_many_ulps_of_numpy(name, x, most, of):
    x = x.astype(np.float32)
    assert 0.4 < ulps(of[name](x), x, getattr(np, name)) <= most


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", [0.0, -0.0, -100.0, -np.inf], [1, 1, 0, 0]),
        ("log", [1.0], [0]),
        ("tanh", [0.0, 9.1, -9.1, np.inf, -np.inf, 3e38], [0, 1, -1, 1, -1, 1]),
    ],
)
def test_where_the_result_is_known(name, x, expected, of):
    np.testing.assert_allclose(of[name](x), expected, rtol=0, atol=1e-37)


@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
def test_what_is_undefined_stays_so(name, of):
    assert np.isnan(of[name]([np.nan])).all()
    assert np.isnan(of["log"]([np.inf])).all()


def test_tanh_is_never_beyond_1_and_odd(of):
    x = np.geomspace(1e-6, 50, COUNT)
    found = of["tanh"](x)
    assert found.max() <= 1
    np.testing.assert_array_equal(of["tanh"](-x), -found)


def test_sums_of_a_vector_take_every_number():
    """Numbers whose sum tells which of them were added."""

    @compiled(FLOATS, FLOATS, INTEGER)
    def both(x, y, count):
        add_sums(y, 0, 1, load(2, x, 0, count))
        y[2] = total(load(1, x, 0, 0))

    pointer = numba.types.CPointer(numba.types.float32)
    run = numba.cfunc(numba.types.none(pointer, pointer, numba.types.int64))(lambda x, y, count: both(x, y, count))
    x = np.concatenate([2.0 ** np.arange(LANES), -(2.0 ** np.arange(LANES))]).astype(np.float32)
    y = np.array([0.5, 0, 0], np.float32)
    run.ctypes(*(array.ctypes.data_as(POINTER(c_float)) for array in (x, y)), LANES)
    assert y.tolist() == [2.0**LANES - 0.5, 1 - 2.0**LANES, 2.0**LANES - 1]
