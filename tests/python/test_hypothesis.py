# SPDX-License-Identifier: MIT
"""Ops against NumPy over random shapes, dtypes and views.

Sums of n float32 values may differ by n rounding steps of the sum of magnitudes; what only moves or compares elements
is equal bit for bit.
"""
import numpy as np
from hypothesis import given, strategies as st

import mlx.core as mx

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
REAL = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint32", "float32"]
UNIT = {"float16": 2.0**-10, "float32": 2.0**-23}


@st.composite
def values(draw, shape, dtype):
    count = int(np.prod(shape))
    if dtype == "bool":
        items = st.booleans()
    elif dtype.startswith("float"):
        items = st.integers(-64, 64).map(lambda i: i / 8)
    else:
        items = st.integers(0 if dtype.startswith("u") else -9, 9)
    return np.array(draw(st.lists(items, min_size=count, max_size=count)), dtype).reshape(shape)


@st.composite
def arrays(draw, dtypes=REAL, shapes=SHAPES, min_ndim=0):
    """A NumPy array and the same as mx.array, which may be a transposed or reversed view of its memory."""
    shape = draw(shapes.filter(lambda s: len(s) >= min_ndim))
    n = draw(values(shape, draw(st.sampled_from(dtypes))))
    x = mx.array(n)
    if n.ndim and draw(st.booleans()):
        order = draw(st.permutations(range(n.ndim)))
        n, x = n.transpose(order), x.transpose(order)
    if n.ndim and draw(st.booleans()):
        n, x = n[::-1], x[::-1]
    return n, x


@st.composite
def broadcast_pairs(draw, dtypes=REAL):
    """Two arrays whose shapes broadcast."""
    shape = draw(SHAPES)

    def part():
        kept = shape[draw(st.integers(0, len(shape))):]
        s = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in kept)
        return draw(arrays(dtypes, st.just(s)))
    a, b = part(), part()
    try:
        np.broadcast_shapes(a[0].shape, b[0].shape)
    except ValueError:
        b = a  # a view moved an axis
    return a, b


@st.composite
def array_and_axes(draw, min_ndim=0):
    n, x = draw(arrays(min_ndim=min_ndim))
    if draw(st.booleans()):
        return n, x, None
    axes = draw(st.lists(st.integers(0, n.ndim - 1), unique=True, max_size=n.ndim)) if n.ndim else []
    return n, x, tuple(a - n.ndim if draw(st.booleans()) else a for a in axes)


def equal(x, n):
    assert x.shape == n.shape, (x.shape, n.shape)
    assert np.array_equal(np.array(x), n, equal_nan=n.dtype.kind == "f")


@given(broadcast_pairs(), st.sampled_from(["add", "subtract", "multiply", "maximum", "minimum"]))
def test_arithmetic(pair, name):
    (a, x), (b, y) = pair
    dtype = mx.result_type(x, y)
    if dtype == mx.bool_ and name == "subtract":
        return
    result = getattr(mx, name)(x, y)
    assert result.dtype == dtype
    wide = np.dtype(repr(dtype)[9:])
    equal(result, getattr(np, name)(a.astype(wide), b.astype(wide)))


@given(broadcast_pairs(), st.sampled_from(["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]))
def test_comparisons(pair, name):
    (a, x), (b, y) = pair
    result = getattr(mx, name)(x, y)
    assert result.dtype == mx.bool_
    equal(result, getattr(np, name)(a.astype(np.float64), b.astype(np.float64)))


@given(broadcast_pairs(["int32", "float32"]))
def test_division_and_remainder(pair):
    (a, x), (b, y) = pair
    with np.errstate(all="ignore"):
        quotient = np.array(x / y)
        expected = a.astype(np.float32) / b.astype(np.float32)
        assert np.array_equal(quotient, expected, equal_nan=True)
        safe = np.where(b == 0, 1, b).astype(b.dtype)
        wide = np.dtype(repr(mx.result_type(x, y))[9:])
        equal(mx.remainder(x, mx.array(safe)), np.remainder(a.astype(wide), safe.astype(wide)))


@given(array_and_axes(), st.booleans(), st.sampled_from(["sum", "prod", "max", "min", "all", "any"]))
def test_reductions(case, keep, name):
    n, x, axes = case
    if name in ("max", "min") and (n.size == 0 or axes == ()):
        return
    if axes == () and name in ("sum", "prod"):
        return
    result = getattr(mx, name)(x, axis=axes, keepdims=keep)
    wide = n.astype(np.float64) if name in ("sum", "prod") else n
    expected = getattr(np, name)(wide, axis=axes, keepdims=keep)
    if name in ("sum", "prod"):
        assert result.shape == expected.shape
        if n.dtype.kind == "f":
            bound = getattr(np, name)(np.abs(wide), axis=axes, keepdims=keep) * max(n.size, 1) * UNIT["float32"]
            assert np.all(np.abs(np.array(result) - expected) <= bound)
        else:  # the low bits of an exact sum
            exact = getattr(np, name)(n.astype(object), axis=axes, keepdims=keep)
            got = np.array(result)
            bits = 8 * got.dtype.itemsize
            assert np.all(np.equal(np.vectorize(lambda a, b: (int(a) - int(b)) % 2**bits, otypes=[object])(
                got, exact), 0)) if got.size else True
    else:
        equal(result, expected)


@given(array_and_axes(), st.booleans())
def test_means_and_variances(case, keep):
    n, x, axes = case
    if n.size == 0 or axes == ():
        return
    wide = n.astype(np.float64)
    for name in ("mean", "var", "std"):
        result = np.array(getattr(mx, name)(x, axis=axes, keepdims=keep))
        expected = getattr(np, name)(wide, axis=axes, keepdims=keep)
        assert result.shape == expected.shape and result.dtype == np.float32
        scale = np.max(np.abs(wide), initial=1.0) ** (2 if name == "var" else 1)
        slack = 4 * n.size * UNIT["float32"] * scale
        assert np.all(np.abs(result - expected) <= (np.sqrt(slack * scale) if name == "std" else slack))


@given(arrays(min_ndim=1), st.data())
def test_scans(case, data):
    n, x = case
    axis = data.draw(st.integers(-n.ndim, n.ndim - 1))
    if n.dtype.kind == "f":
        return
    expected = np.cumsum(n, axis=axis, dtype=np.int32 if n.dtype == bool else n.dtype)
    equal(mx.cumsum(x, axis=axis), expected)
    if n.shape[axis]:
        flipped = np.flip(np.cumsum(np.flip(n, axis), axis=axis, dtype=expected.dtype), axis)
        equal(mx.cumsum(x, axis=axis, reverse=True), flipped)
        equal(mx.cumsum(x, axis=axis, inclusive=False), expected - n)
    equal(mx.cummax(x, axis=axis), np.maximum.accumulate(n, axis=axis))


@given(arrays(min_ndim=1), st.data())
def test_arg_extremes(case, data):
    n, x = case
    axis = data.draw(st.integers(-n.ndim, n.ndim - 1))
    if n.size == 0:
        return
    equal(mx.argmax(x, axis=axis), np.argmax(n, axis=axis).astype(np.uint32))
    equal(mx.argmin(x, axis=axis, keepdims=True), np.argmin(n, axis=axis, keepdims=True).astype(np.uint32))


@given(arrays(), st.data())
def test_movement(case, data):
    n, x = case
    equal(mx.flatten(x), n.reshape(-1))
    equal(mx.contiguous(x), n)
    equal(mx.expand_dims(x, 0), n[None])
    equal(mx.squeeze(x), n.squeeze())
    if n.ndim == 0:
        return
    axis = data.draw(st.integers(-n.ndim, n.ndim - 1))
    other = data.draw(st.integers(-n.ndim, n.ndim - 1))
    count = data.draw(st.integers(0, 3))
    equal(mx.swapaxes(x, axis, other), np.swapaxes(n, axis, other))
    equal(mx.moveaxis(x, axis, other), np.moveaxis(n, axis, other))
    equal(mx.flip(x, axis), np.flip(n, axis))
    equal(mx.repeat(x, count, axis), np.repeat(n, count, axis))
    equal(mx.tile(x, (count, 2)), np.tile(n, (count, 2)))
    equal(mx.roll(x, count - 1, axis), np.roll(n, count - 1, axis))
    equal(mx.roll(x, count), np.roll(n, count))
    equal(mx.concatenate([x, x], axis), np.concatenate([n, n], axis))
    equal(mx.stack([x, x], axis), np.stack([n, n], axis))
    parts = data.draw(st.lists(st.integers(0, n.shape[axis]), max_size=3).map(sorted))
    for got, wanted in zip(mx.split(x, parts, axis), np.split(n, parts, axis), strict=True):
        equal(got, wanted)


@given(arrays(), st.data())
def test_pad(case, data):
    n, x = case
    if n.ndim == 0:
        return
    widths = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=n.ndim, max_size=n.ndim))
    equal(mx.pad(x, widths, constant_values=1), np.pad(n, widths, constant_values=1))
    if n.size and n.dtype != bool:
        for mode in ("edge", "symmetric"):
            equal(mx.pad(x, widths, mode), np.pad(n, widths, mode))
        if min(n.shape) > 1:
            equal(mx.pad(x, widths, "reflect"), np.pad(n, widths, "reflect"))


def test_a_row_may_have_any_stride_along_its_axis_of_size_1():
    x = mx.array([[5.0], [4.0]]).T
    assert mx.take(x, mx.array([0, 0]), 0).tolist() == [[5, 4], [5, 4]]
    assert mx.pad(x, [(2, 0), (0, 0)], "edge").tolist() == [[5, 4]] * 3


@given(broadcast_pairs(), st.data())
def test_where_and_clip(pair, data):
    (a, x), (b, y) = pair
    wide = np.dtype(repr(mx.result_type(x, y))[9:])
    equal(mx.where(x == y, x, y), np.where(a == b, a, b).astype(wide))
    if wide != bool:
        low, high = sorted(data.draw(st.tuples(st.integers(0, 9), st.integers(0, 9))))
        equal(mx.clip(x + y, low, high), np.clip(a.astype(wide) + b.astype(wide), low, high).astype(wide))


@given(st.integers(0, 3), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from(list(UNIT)))
def test_matmul(batch, rows, inner, columns, dtype):
    rng = np.random.default_rng(rows * 1681 + inner * 41 + columns)
    a = rng.uniform(-1, 1, (batch, rows, inner)).astype(dtype)
    b = rng.uniform(-1, 1, (inner, columns)).astype(dtype)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bound = (np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))) * (inner + 1) * UNIT["float32"]
    bound += np.abs(exact) * UNIT[dtype] + (2.0**-24 if dtype == "float16" else 0)
    for got in (mx.array(a) @ mx.array(b), mx.array(a) @ mx.array(b.T.copy()).T,
                mx.array(a.swapaxes(1, 2).copy()).swapaxes(1, 2) @ mx.array(b)):
        assert got.shape == exact.shape
        assert np.all(np.abs(np.array(got).astype(np.float64) - exact) <= bound)


@given(arrays(["float32"], min_ndim=1), st.data())
def test_softmax_and_logsumexp(case, data):
    n, x = case
    axis = data.draw(st.integers(-n.ndim, n.ndim - 1))
    if n.size == 0:
        return
    wide = n.astype(np.float64)
    e = np.exp(wide - wide.max(axis=axis, keepdims=True))
    total = e.sum(axis=axis, keepdims=True)
    assert np.allclose(np.array(mx.softmax(x, axis=axis)), e / total, rtol=16 * UNIT["float32"], atol=2.0**-126)
    expected = np.log(total) + wide.max(axis=axis, keepdims=True)
    got = np.array(mx.logsumexp(x, axis=axis, keepdims=True))
    assert np.allclose(got, expected, rtol=16 * UNIT["float32"], atol=16 * UNIT["float32"])


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5).filter(bool))
def test_arange(start, stop, step):
    equal(mx.arange(start, stop, step), np.arange(start, stop, step, np.int32))
    equal(mx.arange(float(start), stop, step / 2), np.arange(start, stop, step / 2, np.float32))


@given(st.data())
def test_einsum(data):
    sizes = dict(zip("abcde", data.draw(st.lists(st.integers(1, 3), min_size=5, max_size=5))))
    terms = data.draw(st.lists(st.text("abcde", max_size=4), min_size=1, max_size=4))
    used = sorted(set("".join(terms)))
    output = "".join(data.draw(st.permutations(used))[:data.draw(st.integers(0, len(used)))])
    operands = [data.draw(values(tuple(sizes[c] for c in term), "float32")) for term in terms]
    subscripts = ",".join(terms) + "->" + output
    expected = np.einsum(subscripts, *[o.astype(np.float64) for o in operands])
    bound = np.einsum(subscripts, *[np.abs(o.astype(np.float64)) for o in operands]) * 300 * UNIT["float32"]
    got = mx.einsum(subscripts, *map(mx.array, operands))
    assert got.shape == expected.shape
    assert np.all(np.abs(np.array(got) - expected) <= bound)
