# SPDX-License-Identifier: MIT
"""x[key], x[key] = v and x.at[key] against NumPy, over random index expressions; then what NumPy does not say."""
import numpy as np
import pytest
from hypothesis import given, strategies as st

import mlx.core as mx

SIZES = st.integers(0, 4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)


@st.composite
def slices(draw, n):
    bound = st.none() | st.integers(-n - 2, n + 2)
    return slice(draw(bound), draw(bound), draw(st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3])))


@st.composite
def index_arrays(draw, n, shape):
    dtype = draw(st.sampled_from(["int32", "int64", "uint8", "int8"]))
    low = 0 if dtype.startswith("u") else -n
    values = draw(st.lists(st.integers(low, n - 1), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return np.array(values, dtype).reshape(shape)


@st.composite
def keys(draw, shape, arrays=True, masks=True):
    """A tuple that indexes `shape` in NumPy.  At most one mask; no ellipsis of no axes, on which MLX and NumPy differ
    when it stands between arrays."""
    taken = draw(st.integers(0, len(shape)))
    block = draw(st.sampled_from([(), (1,), (3,), (2, 1), (2, 3), (0,)]))
    key, axis, mask_free = [], 0, masks and draw(st.booleans())
    ellipsis_at = draw(st.integers(0, taken)) if taken < len(shape) and draw(st.booleans()) else -1
    while axis < taken:
        if axis == ellipsis_at:
            key.append(Ellipsis)
            ellipsis_at = -1
        real_axis = axis if Ellipsis not in [k for k in key if k is Ellipsis] else len(shape) - taken + axis
        n = shape[real_axis]
        kind = draw(st.sampled_from(["int", "slice", "slice", "none", "array", "mask"]))
        if kind == "none":
            key.append(None)
            if len(key) > 8:
                break
            continue
        if kind == "int" and n > 0:
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "array" and arrays and n > 0:
            trimmed = block[draw(st.integers(0, len(block))):]
            key.append(draw(index_arrays(n, trimmed)))
        elif kind == "mask" and arrays and mask_free:
            covered = draw(st.integers(1, min(2, taken - axis)))
            if ellipsis_at >= 0 and axis < ellipsis_at < axis + covered:
                covered = 1
            size = int(np.prod(shape[real_axis:real_axis + covered]))
            bits = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            key.append(np.array(bits, bool).reshape(shape[real_axis:real_axis + covered]))
            axis += covered - 1
            mask_free = False
        else:
            key.append(draw(slices(n)))
        axis += 1
    return tuple(key)


def numbers(shape, dtype=np.int32):
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


def as_mx(key, how):
    """The same key with its arrays as mx.arrays (0), NumPy arrays (1) or lists (2)."""
    def one(k):
        if not isinstance(k, np.ndarray):
            return k
        if how == 1 or (how == 2 and (k.size == 0 or k.ndim == 0)):
            return k
        return mx.array(k) if how == 0 else k.tolist()
    out = tuple(one(k) for k in key)
    return out[0] if len(out) == 1 and how else out


def fits(x, key):
    try:
        x[key]
    except IndexError:  # arrays that do not broadcast
        return False
    return True


def same(got, want):
    got = np.array(got)
    assert got.shape == np.shape(want)
    assert np.array_equal(got, want)


@given(st.data())
def test_get_is_numpys(data):
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    x = numbers(shape)
    if not fits(x, key):
        with pytest.raises(ValueError):
            mx.eval(mx.array(x)[as_mx(key, 0)])
        return
    same(mx.array(x)[as_mx(key, data.draw(st.integers(0, 2)))], x[key])


@given(st.data())
def test_get_of_a_strided_array_is_numpys(data):
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    x = numbers(shape[::-1])
    if fits(x.T, key):
        same(mx.array(x).T[as_mx(key, 0)], x.T[key])


def value_for(data, part_shape):
    """A value that broadcasts to the shape, each element another."""
    start = data.draw(st.integers(0, len(part_shape)))
    shape = tuple(n if data.draw(st.booleans()) else 1 for n in part_shape[start:])
    return numbers(shape) + 1000


@given(st.data())
def test_set_is_numpys(data):
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    x = numbers(shape)
    if not fits(x, key):
        return
    if len(key) == 1 and isinstance(key[0], np.ndarray) and key[0].dtype == bool:
        # MLX's rule for a lone mask: the values follow each other, or one row is for all places.
        value = numbers(x[key].shape) + 1000 if data.draw(st.booleans()) else value_for(data, x.shape[key[0].ndim:])
    else:
        value = value_for(data, x[key].shape)
    y, before = mx.array(x), mx.array(x)
    alias, view = y, y + 0
    y[as_mx(key, data.draw(st.integers(0, 2)))] = mx.array(value)
    x[key] = value
    same(y, x)
    assert alias is y
    same(view, before)


@pytest.mark.parametrize("name, ufunc", [("add", np.add), ("subtract", np.subtract), ("multiply", np.multiply),
                                         ("maximum", np.maximum), ("minimum", np.minimum)])
@given(st.data())
def test_at_counts_every_duplicate(name, ufunc, data):
    shape = data.draw(SHAPES)
    key = data.draw(keys(shape))
    x = numbers(shape)
    if not fits(x, key):
        return
    value = value_for(data, x[key].shape)
    y = mx.array(x)
    got = getattr(y.at[as_mx(key, 0)], name)(mx.array(value))
    want = x.copy()
    # Broadcast first: NumPy 2.4 reads past the end of a value that ufunc.at has to broadcast.
    ufunc.at(want, key, np.broadcast_to(value, x[key].shape).copy())
    same(got, want)
    same(y, x)
    assert got.dtype == y.dtype


def test_at_divide():
    x = mx.array([8.0, 9.0, 10.0])
    assert x.at[0].divide(4).tolist() == [2.0, 9.0, 10.0]
    assert x.at[mx.array([0, 0])].divide(2).tolist() == [2.0, 9.0, 10.0]
    i = mx.array([-7, 9, 5])
    assert i.at[0].divide(2).tolist() == [-3, 9, 5]
    assert i.at[mx.array([0, 0, 1])].divide(mx.array([2, 2, 0])).tolist() == [-1, 0, 5]
    assert i.at[1:].divide(mx.array([2, 0])).tolist() == [-7, 4, 0]


def test_at_needs_an_index_and_casts_the_value():
    x = mx.array([4, 5, 6])
    with pytest.raises(ValueError):
        x.at.add(1)
    with pytest.raises(TypeError):
        x.at[0].add()
    assert x.at[0].add(2.7).tolist() == [6, 5, 6]
    assert x.at[0].add(value=1).tolist() == [5, 5, 6]
    with pytest.raises(ValueError):
        x.at[0].add("a")
    with pytest.raises(ValueError):
        mx.array([True]).at[0].subtract(True)


def test_handles():
    x = mx.array([1, 2])
    assert x[...] is not x
    assert x[...].tolist() == x[()].tolist() == [1, 2]
    assert mx.array(3)[...].item() == 3
    assert mx.array(3)[None].shape == (1,)
    assert x[mx.array(1)].shape == ()
    assert x[mx.array(1, dtype=mx.uint8), None].shape == (1,)
    assert x[np.int64(1)].item() == x[np.array(1)].item() == 2


@pytest.mark.parametrize("key", [3, -4, (0, 4), (slice(None), -5), 2 ** 40, 2 ** 70, -(2 ** 70), (mx.array([0]), 4)])
def test_ints_are_checked(key):
    x = mx.zeros((3, 4))
    with pytest.raises(IndexError):
        x[key]
    with pytest.raises(IndexError):
        x[key] = 1
    with pytest.raises(IndexError):
        x.at[key].add(1)
    assert mx.all(x == 0)


def test_values_of_index_arrays_are_clamped_on_reads_and_dropped_on_writes():
    x = mx.array([1, 2, 3])
    far = mx.array([0, 3, 100, -3, -4, -100])
    assert x[far].tolist() == [1, 3, 3, 1, 1, 1]
    y = mx.array(x)
    y[far] = mx.array([10, 20, 30, 40, 50, 60])
    assert y.tolist() == [40, 2, 3]
    assert x.at[far].add(1).tolist() == [3, 2, 3]
    assert x[mx.array([2 ** 32 - 1], dtype=mx.uint32)].tolist() == [3]


def test_the_last_duplicate_wins():
    x = mx.zeros((4,))
    x[mx.array([1, 2, 1, 1])] = mx.array([1.0, 2.0, 3.0, 4.0])
    assert x.tolist() == [0, 4, 2, 0]


BAD_KEYS = [1.0, "a", (0, "a"), range(2), object(), {}, b"ab", True, (0, False), slice(1.0, 2), slice(None, "a"),
            slice(None, None, 0), (..., ...), (0, 0, 0), (0,) * 40, mx.array([1.0]), [1.5], [[0], [1, 2]],
            mx.array([1 + 2j]), mx.array([True, False]), slice(mx.array(0), 2), (None,) * 17]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_is_a_value_error(key):
    x = mx.zeros((3, 4))
    with pytest.raises(ValueError):
        x[key]
    assert x.shape == (3, 4)


def test_0_d_arrays_have_no_axis_to_index():
    with pytest.raises(ValueError):
        mx.array(1)[0]
    with pytest.raises(ValueError):
        mx.array(1)[0] = 2
    x = mx.array(1)
    x[...] = 7
    assert x.item() == 7
    x[()] = 8
    assert x.item() == 8


@pytest.mark.parametrize("value", ["a", [1, 2, 3, 4], object(), mx.zeros((3,)), mx.zeros((2, 4)), mx.zeros((3, 4, 4))])
def test_a_bad_value_changes_nothing(value):
    x = mx.ones((3, 4))
    with pytest.raises(ValueError):
        x[0] = value
    with pytest.raises((ValueError, TypeError)):
        x[0] = None
    assert mx.all(x == 1)


def test_values_are_cast_to_the_dtype():
    x = mx.zeros((2,), dtype=mx.int32)
    x[0] = 1.7
    x[1] = mx.array(2.9)
    assert x.tolist() == [1, 2] and x.dtype == mx.int32
    with pytest.raises(ValueError):
        x8 = mx.zeros((2,), dtype=mx.uint8)
        x8[0] = 300
    x[0] = np.array([5], np.int64)
    assert x.tolist() == [5, 2]
    y = mx.zeros((3, 4))
    y[0] = mx.ones((1, 1, 4))
    assert y.sum().item() == 4


def test_elements_cannot_be_deleted():
    x = mx.zeros((3,))
    with pytest.raises(AttributeError):
        del x[0]


def test_assignment_is_seen_by_other_names_and_not_by_earlier_results():
    x = mx.array([1, 2, 3])
    y, part = x, x[1:]
    x[1] = 20
    assert y.tolist() == [1, 20, 3]
    assert part.tolist() == [2, 3]


# ---- Masks

def test_masked_set():
    x = mx.arange(12).reshape(3, 4)
    x[x > 8] = 0
    assert x.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 0, 0, 0]]
    x[mx.array([True, False, True])] = mx.array([1, 2, 3, 4])
    assert x.tolist() == [[1, 2, 3, 4], [4, 5, 6, 7], [1, 2, 3, 4]]
    x[[False, True, False]] = -1
    x[np.array([False, False, True])] = 9
    assert x.tolist() == [[1, 2, 3, 4], [-1] * 4, [9] * 4]
    x[True] = 5
    assert x.tolist() == [[5] * 4] * 3
    x[False] = 6
    assert x.tolist() == [[5] * 4] * 3


def test_values_for_a_mask_are_consumed_in_order():
    x = mx.zeros((2, 3), dtype=mx.int32)
    x[mx.array([[True, False, True], [False, True, True]])] = mx.array([1, 2, 3, 4, 5])
    assert x.tolist() == [[1, 0, 2], [0, 3, 4]]
    with pytest.raises(RuntimeError):
        x[mx.array([[True, True, True], [False, True, True]])] = mx.array([1, 2, 3])
        mx.eval(x)


def test_masks_of_another_shape():
    x = mx.zeros((3, 4))
    for mask in (mx.array([True, False]), mx.ones((3, 3), dtype=mx.bool_), mx.ones((3, 4, 1), dtype=mx.bool_)):
        with pytest.raises(ValueError):
            x[mask]
        with pytest.raises(ValueError):
            x[mask] = 1
            mx.eval(x)


def test_masks_beside_other_indices():
    n = numbers((3, 4, 2))
    mask = np.array([True, False, True, True])
    for key in [(slice(None), mask), (0, mask), (mask[:3], slice(None), 1), (Ellipsis, np.array([True, False])),
                (np.ones((3, 4), bool), 0)]:
        x = mx.array(n)
        same(x[as_mx(key, 0)], n[key])
        want = n.copy()
        want[key] = 7
        x[as_mx(key, 0)] = 7
        same(x, want)


# ---- Derivatives

def test_gradients_flow_through_reads_and_writes():
    index = mx.array([0, 2, 2])
    got = mx.grad(lambda x: (x[index] * mx.array([1.0, 2.0, 3.0])).sum())(mx.zeros((3,)))
    assert got.tolist() == [1, 0, 5]

    def through_assignment(x, v):
        y = x * 2
        y[1] = v
        y[index] = y[index] * 3
        return (y * mx.array([1.0, 10.0, 100.0])).sum()
    dx, dv = mx.grad(through_assignment, argnums=(0, 1))(mx.ones((3,)), mx.array(5.0))
    assert dx.tolist() == [6, 0, 600]
    assert dv.item() == 10

    dx = mx.grad(lambda x: (x.at[index].add(x[:3]) * mx.array([1.0, 10.0, 100.0])).sum())(mx.ones((3,)))
    assert dx.tolist() == [2, 110, 200]


def test_vmap_of_indexing():
    x = numbers((4, 3), np.float32)
    i = np.array([2, 0, 1, 1])
    got = mx.vmap(lambda row, k: row[k])(mx.array(x), mx.array(i))
    same(got, x[np.arange(4), i])
    same(mx.vmap(lambda row: row[::-1])(mx.array(x)), x[:, ::-1])


def test_axes_without_elements():
    x = mx.zeros((0, 3))
    assert x[mx.array([], dtype=mx.int32)].shape == (0, 3)
    assert mx.zeros((2, 0, 3))[:, mx.zeros((4, 0), dtype=mx.int32), None].shape == (2, 4, 0, 1, 3)
    with pytest.raises(ValueError):
        x[mx.array([0])]
    x[mx.array([0])] = 1  # dropped, as every index that is out of range
    assert x.at[mx.array([5])].add(1).shape == (0, 3)
