# SPDX-License-Identifier: MIT
"""The type mx.array: identity, operators in place, memory shared with others, life."""
import copy
import gc
import pickle
import sys
import weakref

import numpy as np
import pytest

import mlx.core as mx

DTYPES = [mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64, mx.float16,
          mx.float32, mx.float64, mx.bfloat16, mx.complex64]


def test_hash_and_weak_references_are_by_identity():
    x, y = mx.array([1, 2]), mx.array([1, 2])
    assert hash(x) == hash(x) and len({x, y}) == 2
    ref = weakref.ref(x)
    assert ref() is x
    del x
    assert ref() is None


@pytest.mark.parametrize("operation", ["+=", "-=", "*=", "//=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>="])
def test_in_place_keeps_the_object_and_leaves_other_arrays(operation):
    x = y = mx.array([5, 6, 7])
    other = x[:2]
    expected = np.array([5, 6, 7])
    names = {"y": y, "e": expected}
    exec(f"y {operation} 2; e {operation} 2", names)
    assert names["y"] is x
    assert x.tolist() == names["e"].tolist()
    assert other.tolist() == [5, 6]


def test_in_place_may_change_the_dtype_but_not_for_division():
    x = mx.array([1, 2])
    x += 0.5
    assert x.dtype == mx.float32 and x.tolist() == [1.5, 2.5]
    x /= 2
    assert x.tolist() == [0.75, 1.25]
    x = mx.array([1, 2])
    with pytest.raises(ValueError):
        x /= 2
    assert x.tolist() == [1, 2]
    with pytest.raises(ValueError, match="inplace addition"):
        x += "a"
    with pytest.raises(TypeError):
        x @= 2


def test_comparison_with_none_is_false():
    x = mx.array([1])
    assert (x == None) is False and (x != None) is True  # noqa: E711


def test_reflected_operators_of_numpy():
    x = mx.array([1, 2])
    assert isinstance(np.array([1.0]) + x, np.ndarray)
    y = x + np.array([0.5])
    assert y.dtype == mx.float32 and y.tolist() == [1.5, 2.5]
    assert (x + np.int64(1)).dtype == mx.int64


def test_objects_that_hold_an_array():
    class Method:
        def __mlx_array__(self):
            return mx.array([5.0])

    class Property:
        @property
        def __mlx_array__(self):
            return mx.array([5.0])

    class Wrong:
        def __mlx_array__(self):
            return 5.0
    x = mx.array([1, 2])
    for held in (Method(), Property(), mx.ArrayLike(5.0), mx.ArrayLike(mx.array([5.0]))):
        assert (x + held).tolist() == [6, 7] == (held + x).tolist() if hasattr(held, "__add__") else [6, 7]
        assert (x + held).tolist() == mx.add(held, x).tolist() == [6, 7]
        assert mx.array(held).tolist() in ([5.0], 5.0)
    with pytest.raises(TypeError):
        x + Wrong()


def test_an_error_of_the_object_is_the_error():
    class Broken:
        def __mlx_array__(self):
            raise KeyError("mine")
    with pytest.raises(KeyError, match="mine"):
        mx.array([1]) + Broken()
    with pytest.raises(KeyError, match="mine"):
        mx.exp(Broken())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pickle_and_copies(dtype):
    x = mx.array([[0, 1], [2, 3]]).astype(dtype)
    for y in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x), mx.array(x)):
        assert y is not x and y.dtype == dtype and y.shape == x.shape
        assert y.tolist() == x.tolist()
    y = copy.deepcopy({"a": [x]})["a"][0]
    y += 1
    assert x.tolist() == mx.array([[0, 1], [2, 3]]).astype(dtype).tolist()


def test_subclass():
    class Mine(mx.array):
        def __init__(self, *args, note=None):
            super().__init__(*args)
            self.note = note
    x = Mine([1, 2], note="n")
    assert isinstance(x, mx.array) and x.note == "n" and (x + 1).tolist() == [2, 3] and mx.sum(x).item() == 3
    assert mx.array.__new__(mx.array).shape == (0,)
    ref = weakref.ref(x)
    del x
    gc.collect()
    assert ref() is None


def test_iteration_goes_over_the_array_as_it_was():
    x = mx.array([1, 2, 3])
    seen = []
    for row in x:
        x += 10
        seen.append(row.item())
    assert seen == [1, 2, 3] and x.tolist() == [31, 32, 33]
    it = iter(x)
    assert iter(it) is it
    with pytest.raises(TypeError):
        iter(mx.array(1))
    with pytest.raises(TypeError):
        len(mx.array(1))


# ---- Memory shared with others ---------------------------------------------------------------------------------------

def test_a_view_shares_memory_and_outlives_the_object():
    x = mx.array([1, 2, 3])
    view = memoryview(x)
    view[0] = 9
    assert x.tolist() == [9, 2, 3]
    array = np.asarray(x)
    array[1] = 8
    assert x.tolist() == [9, 8, 3] and view[1] == 8
    x += 1  # another node: the view keeps the old one
    assert array.tolist() == [9, 8, 3] and x.tolist() == [10, 9, 4]
    del x
    gc.collect()
    big = [mx.zeros((3,), mx.int32) + i for i in range(50)]
    mx.eval(big)
    assert array.tolist() == [9, 8, 3]


@pytest.mark.parametrize("make", [np.asarray, np.from_dlpack, memoryview])
def test_a_view_of_a_broadcast_array_has_an_address_for_each_element(make):
    x = mx.broadcast_to(mx.array([1, 2, 3]), (2, 3))
    zeros = mx.zeros((2, 3), mx.int32)
    for array in (x, zeros):
        before = array.tolist()
        view = make(array)
        view[1, 1] = 9
        before[1][1] = 9
        assert array.tolist() == before == view.tolist()


def test_a_view_of_a_transpose_is_strided():
    x = mx.arange(6).reshape(2, 3)
    y = x.T
    assert memoryview(y).shape == (3, 2)
    assert np.array(y).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert bytes(memoryview(y).tobytes()) == np.arange(6, dtype=np.int32).reshape(2, 3).T.tobytes()


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3)])
def test_views_of_nothing(shape):
    x = mx.zeros(shape)
    assert np.array(x).shape == shape and memoryview(x).nbytes == 0
    assert np.from_dlpack(x).shape == shape


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != mx.bfloat16], ids=str)
def test_numpy_and_dlpack_round_trips(dtype):
    x = mx.array([[0, 1], [2, 3]]).astype(dtype)
    for array in (np.array(x), np.asarray(x), np.from_dlpack(x), x.__array__()):
        assert array.tolist() == x.tolist() and str(array.dtype) in repr(dtype)
        assert mx.array(array, dtype).tolist() == x.tolist()
        back = mx.from_dlpack(array)
        assert back.dtype == dtype and back.tolist() == x.tolist()
    assert x.__array__(dtype=np.float64).dtype == np.float64 if dtype != mx.complex64 else True


def test_dlpack_arguments():
    x = mx.array([1.0, 2.0])
    assert "dltensor" in repr(x.__dlpack__()) and "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 0)))
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(TypeError):
        x.__dlpack__(max_version=1)
    shared = np.from_dlpack(x)
    copied = np.from_dlpack(x, copy=True) if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else np.array(x)
    x += 1
    assert shared.tolist() == copied.tolist() == [1, 2]
    for _ in range(1000):
        x.__dlpack__()  # a capsule that nobody takes frees itself


def test_foreign_memory_is_copied_unless_asked():
    source = np.arange(3, dtype=np.int32)
    copied, shared = mx.array(source), mx.asarray(source, copy=False)
    source[0] = 7
    assert copied.tolist() == [0, 1, 2] and shared.tolist() == [7, 1, 2]
    shared_too = mx.from_dlpack(source, copy=False)
    assert shared_too.tolist() == [7, 1, 2]
    with pytest.raises(ValueError):
        mx.asarray(source, dtype=mx.float32, copy=False)
    with pytest.raises(ValueError):
        mx.asarray([1, 2], copy=False)


def test_foreign_memory_is_given_back():
    class Source(np.ndarray):
        pass
    source = np.arange(1000, dtype=np.float32).view(Source)
    ref = weakref.ref(source)
    shared = mx.asarray(source, copy=False)
    result = shared * 2
    del source, shared
    assert result.sum().item() == 999000
    del result
    mx.eval(mx.zeros((1,)) + 1)
    gc.collect()
    mx.eval(mx.zeros((1,)) + 1)
    assert ref() is None


def test_objects_die_and_memory_comes_back():
    mx.clear_cache()
    x = mx.zeros((1000, 1000))
    mx.eval(x)
    before = mx.get_active_memory()
    for _ in range(20):
        y = (x + 1).reshape(-1)[:10].tolist()
        z = np.array(x + 2)
        del y, z
    gc.collect()
    assert mx.get_active_memory() <= before + 4096


def test_reference_counts_of_arguments_do_not_move():
    x, key, shape = mx.array([1.0, 2.0]), "axis", (1, 2)
    watched = [x, key, shape, None, True, mx.float32, mx.cpu]
    before = [sys.getrefcount(o) for o in watched]
    for _ in range(200):
        mx.sum(x, axis=0, keepdims=True, stream=mx.cpu).astype(mx.float32)
        x.reshape(shape)
        mx.reshape(x, shape)
        x + 1
        mx.concatenate([x, x])
        try:
            mx.sum(x, axis="a")
        except TypeError:
            pass
        try:
            mx.matmul(x, mx.zeros((5, 5)))
        except ValueError:
            pass
    after = [sys.getrefcount(o) for o in watched]
    assert all(abs(a - b) < 20 for a, b in zip(after, before))
