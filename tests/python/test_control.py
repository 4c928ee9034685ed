# SPDX-License-Identifier: MIT
"""scan, while_loop, cond, jacfwd, jacrev, hessian, linearize: JAX's recorded answers, and what they refuse."""
import importlib.util
import json
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import control_cases
import mlx.core as mx

GOLDEN = json.loads((Path(__file__).parent / "golden" / "jax.json").read_text())


class Mica:
    """mlx.core with JAX's forms of a few calls."""

    def __getattr__(self, name):
        return getattr(mx, name)

    def jvp(self, fun, primals, tangents):
        (out,), (t,) = mx.jvp(fun, list(primals), list(tangents))
        return out, t

    def int32(self, v):
        return mx.array(v, mx.int32)

    def to_float(self, v):
        return v.astype(mx.float32)


@pytest.fixture
def arguments():
    return [mx.array(v) for v in (control_cases.C, control_cases.X, control_cases.W)]


@pytest.mark.parametrize("case", control_cases.CASES, ids=lambda f: f.__name__)
def test_as_jax(case, arguments):
    got, want = control_cases.flatten(case(Mica(), *arguments)), GOLDEN[case.__name__]
    assert len(got) == len(want)
    for g, w in zip(got, want):
        assert np.shape(g) == np.shape(w)
        np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", control_cases.CASES, ids=lambda f: f.__name__)
def test_compiled(case, arguments):
    """The same under compile: the nodes are captured, replayed and fused around."""
    def f(*a):
        return leaves(case(Mica(), *a))

    def leaves(tree):
        if isinstance(tree, dict):
            return [v for k in sorted(tree) for v in leaves(tree[k])]
        if isinstance(tree, (list, tuple)):
            return [v for item in tree for v in leaves(item)]
        return [] if tree is None else [tree]

    for _ in range(2):
        for g, w in zip(mx.compile(f)(*arguments), GOLDEN[case.__name__]):
            np.testing.assert_allclose(g.tolist(), w, rtol=2e-5, atol=2e-5)


def test_the_body_is_called_once_and_lazily():
    calls = []

    def body(c, x):
        calls.append(1)
        return c + x, c

    c, ys = mx.scan(body, mx.array(0.0), mx.arange(1000.0))
    assert len(calls) == 1
    assert c.item() == 499500 and ys.shape == (1000,)
    assert len(calls) == 1


def test_numbers_and_empty_trees():
    c, ys = mx.scan(lambda c, x: (c + x, None), 0.0, mx.array([1.0, 2.0]))
    assert c.item() == 3 and ys is None
    assert mx.while_loop(lambda v: v < 10, lambda v: v + 3, 1).item() == 10
    assert mx.cond(True, lambda: mx.array(1), lambda: mx.array(2)).item() == 1
    c, ys = mx.scan(lambda c, x: (c, x * 2), (), mx.array([1.0, 2.0]))
    assert c == () and ys.tolist() == [2, 4]
    c, ys = mx.scan(lambda c, x: (c + 1, c), mx.array(0), None, length=0)
    assert c.item() == 0 and ys.shape == (0,)


def test_only_the_chosen_branch_runs():
    bad = mx.full((4,), float("nan"))
    assert mx.cond(mx.array(0), lambda a: a + bad, lambda a: a * 2, mx.ones(4)).tolist() == [2] * 4


@pytest.mark.parametrize("call, message", [
    (lambda: mx.scan(lambda c, x: (c, x), mx.zeros(2), mx.array(1.0)), "scalar"),
    (lambda: mx.scan(lambda c, x: (c, c), mx.zeros(2)), "length"),
    (lambda: mx.scan(lambda c, x: (c, c), mx.zeros(2), length=-1), "negative"),
    (lambda: mx.scan(lambda c, x: (c, c), mx.zeros(2), mx.zeros((3, 2)), length=4), "3 entries"),
    (lambda: mx.scan(lambda c, x: c, mx.zeros(3), mx.zeros((3, 2))), "pair"),
    (lambda: mx.scan(lambda c, x: ((c, c), x), mx.zeros(2), mx.zeros((3, 2))), "carries"),
    (lambda: mx.scan(lambda c, x: (c[:1], x), mx.zeros(2), mx.zeros((3, 2))), "carry 0"),
    (lambda: mx.scan(lambda c, x: (c.astype(mx.int32), x), mx.zeros(2), mx.zeros((3, 2))), "carry 0"),
    (lambda: mx.scan(lambda c, x: (c, "y"), mx.zeros(2), mx.zeros((3, 2))), "hold a str"),
    (lambda: mx.scan(lambda c, x: (None, x), mx.zeros(2), mx.zeros((3, 2))), "NoneType"),
    (lambda: mx.scan(lambda c, x: (c, x), "init", mx.zeros((3, 2))), "hold a str"),
    (lambda: mx.while_loop(lambda v: v, lambda v: v, mx.zeros(2)), "one scalar"),
    (lambda: mx.while_loop(lambda v: v.sum() > 0, lambda v: v[:1], mx.zeros(2)), "the carry 0"),
    (lambda: mx.while_loop(lambda v: v.sum() > 0, lambda v: (v, v), mx.zeros(2)), "values"),
    (lambda: mx.while_loop(lambda v: v.item() > 0, lambda v: v, mx.zeros(1)), "eval"),
    (lambda: mx.cond(mx.zeros(2), lambda: mx.zeros(1), lambda: mx.zeros(1)), "scalar"),
    (lambda: mx.cond(True, lambda: mx.zeros(1), lambda: mx.zeros(2)), "result 0"),
    (lambda: mx.cond(True, lambda: mx.zeros(1), lambda: (mx.zeros(1),)), "results"),
    (lambda: mx.grad(lambda x: mx.while_loop(lambda v: v < 3, lambda v: v * 2, x))(mx.array(1.0)),
     "no reverse mode"),
    (lambda: mx.jacrev(lambda x: x)(mx.array([1, 2])), "int32"),
    (lambda: mx.jacfwd(lambda x: x, argnums=1)(mx.array(1.0)), "argument 1"),
    (lambda: mx.jacfwd(lambda x: 3.0)(mx.array(1.0)), "must return arrays"),
    (lambda: mx.jacrev(lambda x: x, argnums=-1), "rising"),
    (lambda: mx.jacrev(lambda x: x, argnums=()), "No argument"),
    (lambda: mx.linearize(lambda x: x, 3.0), "only arrays"),
    (lambda: mx.linearize(lambda x: x * 2, mx.zeros(2))[1](mx.zeros(3)), "shape"),
    (lambda: mx.linearize(lambda x: x * 2, mx.zeros(2))[1](None), "must be arrays"),
    (lambda: mx.linearize(lambda x: x * 2, mx.zeros(2))[1](mx.zeros(2), mx.zeros(2)),
     "2 tangents"),
])
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_wrong_types():
    for call in (lambda: mx.scan(1, 2, 3), lambda: mx.while_loop(1, 2, 3), lambda: mx.cond(True, 1, 2),
                 lambda: mx.jacrev(3), lambda: mx.hessian(3), lambda: mx.linearize(3, mx.zeros(2)),
                 lambda: mx.jacrev(abs, argnums="a")):
        with pytest.raises(TypeError):
            call()


def test_what_a_body_raises_is_raised():
    class Own(Exception):
        pass

    def raises(*args):
        raise Own("words")

    for call in (lambda: mx.scan(raises, mx.zeros(2), mx.zeros(3)), lambda: mx.while_loop(raises, raises, mx.zeros(2)),
                 lambda: mx.cond(True, raises, raises), lambda: mx.jacrev(raises)(mx.zeros(2)),
                 lambda: mx.linearize(raises, mx.zeros(2))):
        with pytest.raises(Own):
            call()
    assert mx.grad(lambda x: x * x)(mx.array(2.0)).item() == 4


def test_linearize_computes_the_point_once():
    calls = []

    def f(x):
        calls.append(1)
        return mx.exp(x) * x

    x = mx.array([1.0, 2.0])
    _, linear = mx.linearize(f, x)
    want = mx.exp(x) * (1 + x)
    for k in (1.0, 2.0):
        assert mx.allclose(linear(k * mx.ones(2)), k * want).item()
    assert len(calls) == 1


def test_endless_loops_can_be_interrupted():
    y = mx.while_loop(lambda v: v > -1, lambda v: v + 1, mx.array(0.0))
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    started = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        mx.eval(y)
    assert time.monotonic() - started < 20
    timer.join()


def test_train_step_of_a_scanned_network():
    """A recurrent cell trained through scan: the loss falls."""
    mx.random.seed(0)
    params = {"w": mx.random.normal((8, 8)) * 0.3, "u": mx.random.normal((4, 8)) * 0.3, "v": mx.random.normal((8, 1))}
    xs = mx.random.normal((20, 16, 4))
    target = xs.sum(axis=(0, 2))[:, None] * 0.1

    def loss(p):
        h, _ = mx.scan(lambda h, x: (mx.tanh(h @ p["w"] + x @ p["u"]), None), mx.zeros((16, 8)), xs)
        return ((h @ p["v"] - target) ** 2).mean()

    first = loss(params).item()
    step = mx.value_and_grad(loss)
    for _ in range(30):
        value, grads = step(params)
        params = {k: params[k] - 0.1 * grads[k] for k in params}
        mx.eval(params)
    assert value.item() < 0.7 * first


def test_example():
    path = Path(__file__).parents[2] / "examples" / "python" / "recurrent.py"
    spec = importlib.util.spec_from_file_location("recurrent", path)
    recurrent = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recurrent)
    recurrent.main(2)


def test_jacobians_with_something_beside():
    x = mx.array([1.0, 2.0])
    f = lambda v: (v * v, {"sum": v.sum(), "n": 3})
    for j in (mx.jacfwd(f, has_aux=True), mx.jacrev(f, 0, True)):
        derivative, beside = j(x)
        assert derivative.tolist() == [[2, 0], [0, 4]]
        assert beside["sum"].item() == 3 and beside["n"] == 3
    hessian, beside = mx.hessian(lambda v: ((v ** 3).sum(), v + 1), has_aux=True)(x)
    assert hessian.tolist() == [[6, 0], [0, 12]] and beside.tolist() == [2, 3]
    (a, b), beside = mx.jacrev(lambda v, w: (v * w, w), argnums=(0, 1), has_aux=True)(x, x)
    assert a.tolist() == b.tolist() == [[1, 0], [0, 2]] and beside.tolist() == [1, 2]
    for bad in (lambda v: v, lambda v: [v, v], lambda v: (v, v, v)):
        with pytest.raises(ValueError, match="return a pair"):
            mx.jacfwd(bad, has_aux=True)(x)
