# SPDX-License-Identifier: MIT
"""mlx.core.random: bits equal to MLX's (tests/golden/random.npz), the state, errors."""
import importlib
import os
import sys
import threading

import numpy as np
import pytest

import mlx.core as mx

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")
sys.path.insert(0, GOLDEN)
from random_cases import CASES, bits  # noqa: E402

RECORDED = np.load(os.path.join(GOLDEN, "random.npz"))
KEY = mx.random.key(0)


def test_every_case_is_recorded():
    assert set(RECORDED.files) == set(CASES)


@pytest.mark.parametrize("name", list(CASES))
def test_bits_are_mlxs(name):
    got, want = bits(mx, CASES[name](mx)), RECORDED[name]
    assert got.dtype == want.dtype and got.shape == want.shape
    assert got.tobytes() == want.tobytes()


# ---- The state

def test_each_draw_without_a_key_advances_the_state():
    mx.random.seed(3)
    first, second = mx.random.uniform(shape=(4,)), mx.random.uniform(shape=(4,))
    assert first.tolist() != second.tolist()
    mx.random.seed(3)
    assert mx.random.uniform(shape=(4,)).tolist() == first.tolist()
    state = mx.random.state[0].tolist()
    mx.random.uniform(key=KEY)
    assert mx.random.state[0].tolist() == state


def test_the_state_object():
    state = mx.random.state
    assert len(state) == 1
    assert state[0].dtype == mx.uint32 and state[0].shape == (2,)
    assert state[-1].tolist() == state[0].tolist() == [k.tolist() for k in state][0]
    with pytest.raises(IndexError):
        state[1]
    with pytest.raises((AttributeError, TypeError)):
        state[0] = KEY
    with pytest.raises(TypeError):
        state["a"]


def test_threads_have_states_of_their_own():
    mx.random.seed(5)
    mine = mx.random.state[0].tolist()
    other = []

    def work():
        mx.random.seed(6)
        mx.random.uniform()
        other.append(mx.random.state[0].tolist())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert mx.random.state[0].tolist() == mine != other[0]


def test_the_submodule_can_be_imported():
    assert importlib.import_module("mlx.core.random") is mx.random
    assert sys.modules["mlx.core.random"].uniform is mx.random.uniform


# ---- Arguments

def test_forms_of_arguments():
    r = mx.random
    assert r.uniform(0, 1, [2], mx.float16, KEY, None).dtype == mx.float16
    assert r.uniform(dtype=None, key=KEY).dtype == mx.float32
    assert r.uniform(np.float32(2), 3, key=KEY).item() >= 2
    assert r.uniform(shape=np.array([2]), key=KEY).shape == (2,)
    assert r.uniform(shape=(0,), key=KEY).shape == (0,)
    assert r.uniform(key=KEY, stream=mx.cpu).shape == ()
    assert r.randint(0, 10, (3,), None, KEY).dtype == mx.int32
    assert r.normal((2,), None, key=KEY).dtype == mx.float32
    assert r.categorical(mx.zeros((2, 5)), -1, None, None, KEY).shape == (2,)
    assert r.seed(seed=1) is None and r.key(seed=1).dtype == mx.uint32


TYPE_ERRORS = {
    "negative seed": lambda r: r.seed(-1),
    "negative key": lambda r: r.key(-1),
    "large key": lambda r: r.key(2 ** 64),
    "float key": lambda r: r.key(1.0),
    "int shape": lambda r: r.uniform(shape=3),
    "key of ints": lambda r: r.uniform(key=3),
    "unknown name": lambda r: r.uniform(foo=1),
    "one bound": lambda r: r.randint(3),
    "no loc": lambda r: r.laplace(loc=None),
    "one limit": lambda r: r.truncated_normal(1),
    "list of logits": lambda r: r.categorical([1.0, 2.0]),
}
VALUE_ERRORS = {
    "split a short key": lambda r: r.split(mx.array([1, 2, 3])),
    "split floats": lambda r: r.split(mx.array([1.0, 2.0])),
    "split ints": lambda r: r.split(mx.array([1, 2])),
    "split into less than none": lambda r: r.split(KEY, -1),
    "text": lambda r: r.uniform("a"),
    "list": lambda r: r.uniform([1, 2], 3),
    "int dtype": lambda r: r.uniform(dtype=mx.int32),
    "complex dtype": lambda r: r.uniform(dtype=mx.complex64),
    "bounds beyond the shape": lambda r: r.uniform(mx.array([0.0, 10.0]), 1),
    "negative shape": lambda r: r.uniform(shape=(-1,)),
    "a key of another dtype": lambda r: r.uniform(key=mx.array([1])),
    "normal ints": lambda r: r.normal((2,), mx.int32),
    "randint floats": lambda r: r.randint(0, 10, (3,), mx.float32),
    "bernoulli of ints": lambda r: r.bernoulli(1),
    "bernoulli shape": lambda r: r.bernoulli(mx.array([0.0, 1.0]), (3,)),
    "truncated ints": lambda r: r.truncated_normal(-1, 1, dtype=mx.int32),
    "both": lambda r: r.categorical(mx.zeros((2, 5)), shape=(3, 2), num_samples=3),
    "shape": lambda r: r.categorical(mx.zeros((2, 5)), shape=(3, 3)),
    "axis": lambda r: r.categorical(mx.zeros((2, 5)), 2),
    "0-d logits": lambda r: r.categorical(mx.array(1.0)),
    "no categories": lambda r: r.categorical(mx.zeros((2, 0))),
}


@pytest.mark.parametrize("name", TYPE_ERRORS)
def test_wrong_types(name):
    with pytest.raises(TypeError):
        mx.eval(TYPE_ERRORS[name](mx.random))


@pytest.mark.parametrize("name", VALUE_ERRORS)
def test_wrong_values(name):
    with pytest.raises(ValueError):
        mx.eval(VALUE_ERRORS[name](mx.random))


def test_float64_is_not_drawn():
    with pytest.raises(RuntimeError):
        mx.eval(mx.random.uniform(dtype=mx.float64))


# ---- Distributions, coarsely

def test_moments():
    n = 100_000
    u = np.array(mx.random.uniform(shape=(n,), key=KEY))
    z = np.array(mx.random.normal((n,), key=KEY))
    assert 0 <= u.min() and u.max() < 1
    # Six standard errors of the mean: sigma / sqrt(n).
    assert abs(u.mean() - 0.5) < 6 * 12 ** -0.5 / n ** 0.5
    assert abs(z.mean()) < 6 / n ** 0.5
    assert abs(z.var() - 1) < 6 * 2 ** 0.5 / n ** 0.5
    i = np.array(mx.random.randint(3, 9, (n,), key=KEY))
    assert set(i.tolist()) == set(range(3, 9))
