# SPDX-License-Identifier: MIT
"""Python objects to arrays and back: NumPy arrays of any strides, nested lists, buffers, over random examples."""
import array as stdlib_array
import ctypes

import numpy as np
import pytest
from hypothesis import given, strategies as st

import mlx.core as mx

NUMPY_DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32",
                "float64", "complex64"]
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def arrays(draw):
    """A NumPy array: any dtype, transposed, reversed, sliced, broadcast or Fortran-ordered."""
    dtype, shape = draw(st.sampled_from(NUMPY_DTYPES)), draw(SHAPES)
    count = int(np.prod(shape))
    x = (np.arange(count) % 97).astype(dtype).reshape(shape)
    if draw(st.booleans()):
        x = np.asfortranarray(x)
    if x.ndim and draw(st.booleans()):
        x = x.transpose(draw(st.permutations(range(x.ndim))))
    if x.ndim and draw(st.booleans()):
        step = draw(st.sampled_from([-2, -1, 2]))
        x = x[tuple(slice(None, None, step if i == 0 else 1) for i in range(x.ndim))]
    if draw(st.booleans()):
        x = np.broadcast_to(x, (2, *x.shape))
    return x


def same(x, expected):
    assert x.shape == expected.shape
    assert np.array_equal(np.array(x), expected)


@given(arrays())
def test_any_numpy_array_is_copied_right(source):
    x = mx.array(source)
    wanted = "float32" if source.dtype == np.float64 else str(source.dtype)
    assert repr(x.dtype) == "mlx.core." + wanted
    same(x, source)
    same(mx.array(source, mx.float64) if source.dtype != np.complex64 else x, source)
    assert mx.array(source).tolist() == source.tolist()


@given(arrays())
def test_memoryview_and_asarray_see_the_same(source):
    x = mx.asarray(source)
    view = memoryview(x)
    assert view.shape == source.shape
    if source.dtype not in (np.float16, np.complex64):  # for these memoryview has no tolist
        assert view.tolist() == x.tolist()
    same(x, source)


@given(arrays())
def test_nested_lists_of_what_numpy_lists(source):
    wanted = {"b": mx.bool_, "u": mx.int32, "i": mx.int32, "f": mx.float32, "c": mx.complex64}[source.dtype.kind]
    x = mx.array(source.tolist())
    if 0 in source.shape:  # the list ends at the first empty axis
        assert x.size == 0
        return
    assert x.dtype == wanted
    same(x, source)


@given(st.lists(st.one_of(st.booleans(), st.integers(-2**63, 2**63 - 1), st.floats(width=32), st.just(1j)), min_size=1))
def test_the_highest_kind_of_a_list_wins(values):
    x = mx.array(values)
    if any(isinstance(v, complex) for v in values):
        expected = mx.complex64
    elif any(isinstance(v, float) for v in values):
        expected = mx.float32
    elif any(not isinstance(v, bool) and not -2**31 <= v < 2**31 for v in values):
        expected = mx.int64
    else:
        expected = mx.bool_ if all(isinstance(v, bool) for v in values) else mx.int32
    assert x.dtype == expected and x.shape == (len(values),)
    if expected in (mx.int32, mx.int64, mx.bool_):
        assert x.tolist() == [int(v) if expected != mx.bool_ else v for v in values]


@given(st.integers(-2**63, 2**63 - 1), st.sampled_from(["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32",
                                                        "int64", "float32", "bool_"]))
def test_a_weak_int_fits_or_is_an_error(value, name):
    x = mx.zeros((1,), getattr(mx, name))
    if name in ("float32", "bool_", "int64", "uint64"):
        return
    info = np.iinfo(name)
    if info.min <= value <= info.max:
        assert (x + value).dtype == x.dtype and (x + value).item() == value
    else:
        with pytest.raises(ValueError, match="overflow"):
            x + value


@given(st.recursive(st.integers(0, 9), lambda children: st.lists(children, max_size=3), max_leaves=12))
def test_ragged_lists_are_value_errors(tree):
    try:
        expected = np.array(tree)
    except ValueError:
        with pytest.raises(ValueError):
            mx.array(tree)
        return
    if isinstance(tree, list) and expected.dtype == object:
        return
    x = mx.array(tree)
    assert x.shape == expected.shape and x.tolist() == expected.tolist()


def test_sixteen_dimensions_at_most():
    tree = 1
    for _ in range(16):
        tree = [tree]
    assert mx.array(tree).ndim == 16
    with pytest.raises(ValueError):
        mx.array([tree])
    with pytest.raises(ValueError):
        mx.array(np.zeros((1,) * 17))
    with pytest.raises(ValueError):
        mx.zeros((1,) * 17)
    with pytest.raises(ValueError):
        mx.zeros((2,)).reshape(*(1,) * 16, 2)


def test_other_buffers():
    assert mx.array(stdlib_array.array("d", [1.5, 2.5])).tolist() == [1.5, 2.5]
    assert mx.array(stdlib_array.array("l", [1, -2])).dtype == mx.int64
    assert mx.array((ctypes.c_float * 3)(1, 2, 3)).tolist() == [1, 2, 3]
    assert mx.array(memoryview(b"abcdef").cast("B", (2, 3))).tolist() == [[97, 98, 99], [100, 101, 102]]
    assert mx.array(memoryview(b"abcdef")[::2]).tolist() == [97, 99, 101]


def test_what_has_no_dtype_here_is_a_value_error():
    for value in (np.array(["a"]), np.array([object()]), np.array([1], "datetime64[s]"), np.zeros(2, "i4,f4")):
        with pytest.raises(ValueError):
            mx.array(value)


def test_complex128_becomes_complex64():
    x = mx.array(np.array([1 + 2j, 3.5]))
    assert x.dtype == mx.complex64 and x.tolist() == [1 + 2j, 3.5]


def test_a_python_int_beyond_64_bits():
    with pytest.raises(OverflowError):
        mx.array(2**70)
    with pytest.raises(OverflowError):
        mx.array([1, -2**63 - 1])
    assert mx.array(2**64 - 1, mx.uint64).item() == 2**64 - 1
    assert mx.array([2**64 - 1, 0], mx.uint64).tolist() == [2**64 - 1, 0]
    assert (mx.array([1.0]) + 2**70).item() == 2.0**70


def test_items_keep_every_bit():
    assert mx.array(0.1, mx.float64).item() == 0.1
    assert mx.array(-2**63).item() == -2**63
    assert mx.array([2**53 + 1], mx.int64).tolist() == [2**53 + 1]
    assert mx.array(1 / 3).item() == float(np.float32(1 / 3))
