# SPDX-License-Identifier: MIT
"""custom_function, checkpoint and depends: forms of arguments and results, who is called, errors, memory."""
import gc
import weakref

import pytest

import mlx.core as mx
import mlx.nn as nn


@pytest.fixture
def x():
    return mx.array([1.0, 2.0])


@pytest.fixture
def y():
    return mx.array([3.0, 4.0])


def function(fun, **rules):
    f = mx.custom_function(fun)
    for name, rule in rules.items():
        assert getattr(f, name)(rule) is f
    return f


# ---- rules

def test_vjp_gets_tuples_of_several(x, y):
    seen = []

    def rule(primals, cotangents, outputs):
        seen.append((primals, cotangents, outputs))
        return cotangents[0] * 100, cotangents[1] * 7

    f = function(lambda a, b: (a * b, a + b), vjp=rule)
    outputs, grads = mx.vjp(f, [x, y], [mx.ones(2), mx.ones(2)])
    assert [o.tolist() for o in outputs] == [[3, 8], [4, 6]]
    assert [g.tolist() for g in grads] == [[100, 100], [7, 7]]
    (primals, cotangents, outputs), = seen
    assert isinstance(primals, tuple) and isinstance(cotangents, tuple) and isinstance(outputs, tuple)
    assert primals[1].tolist() == [3, 4] and outputs[0].tolist() == [3, 8]
    assert mx.grad(lambda a: f(a, y)[0].sum())(x).tolist() == [100, 100]


def test_one_argument_is_bare(x):
    f = function(lambda a: a * 2, vjp=lambda p, c, o: c * 5, jvp=lambda p, t: t * 9, vmap=lambda p, a: (p * 11, a))
    assert f(x).tolist() == [2, 4]
    assert mx.grad(lambda a: f(a).sum())(x).tolist() == [5, 5]
    assert mx.jvp(f, [x], [mx.ones(2)])[1][0].tolist() == [9, 9]
    assert mx.vmap(f)(x).tolist() == [11, 22]
    assert mx.vmap(f, in_axes=1)(mx.ones((2, 3))).shape == (3, 2)


def test_trees_and_other_arguments(x, y):
    f = mx.custom_function(lambda p, s: {"a": p["w"] * s, "b": [p["v"]], "n": 3})
    f.vjp(lambda p, c, o: ({"w": c["a"] * p[1], "v": c["b"][0] * 10}, None))
    f.jvp(lambda p, t: {"a": t[0]["w"], "b": [t[0]["v"]], "n": 3})
    out = f({"w": x, "v": y}, 2.0)
    assert out["a"].tolist() == [2, 4] and out["n"] == 3
    grad = mx.grad(lambda p: (f(p, 2.0)["a"] + f(p, 2.0)["b"][0]).sum())({"w": x, "v": y})
    assert grad["w"].tolist() == [2, 2] and grad["v"].tolist() == [10, 10]
    seen = []
    f.jvp(lambda p, t: seen.append(t) or {"a": t[0]["w"] * 6, "b": None, "n": 3})
    f = function(lambda p, s: {"a": p["w"] * s, "b": [p["v"]]},
                 jvp=lambda p, t: seen.append(t) or {"a": t[0]["w"] * 6, "b": [None]})
    _, (t,) = mx.jvp(lambda w: f({"w": w, "v": y}, mx.array(2.0))["a"], [x], [x])
    assert t.tolist() == [6, 12] and seen[0][0]["v"] is None and seen[0][1] is None


def test_keywords(x, y):
    f = function(lambda a, k=None: a * k, vjp=lambda p, c, o, k: c * k * 7, jvp=lambda p, t: t)
    assert f(x, k=y).tolist() == [3, 8]
    assert mx.grad(lambda a: f(a, k=y).sum())(x).tolist() == [21, 28]
    with pytest.raises(ValueError, match="positional"):
        mx.jvp(lambda a: f(a, k=y), [x], [x])


def test_without_rules_the_function_is_called(x):
    f = mx.custom_function(lambda a, flag: a * 2 if flag else 3.0)
    assert f(x, False) == 3.0
    assert mx.grad(lambda a: f(a, True).sum())(x).tolist() == [2, 2]


def test_missing_rules_are_derived(x, y):
    f = function(lambda a, b: a * b, jvp=lambda p, t: t[0] * 100)
    assert mx.grad(lambda a: f(a, y).sum())(x).tolist() == [3, 4]
    f = function(lambda a, b: a * b, vjp=lambda p, c, o: (c * 100, c))
    assert mx.jvp(lambda a: f(a, y), [x], [x])[1][0].tolist() == [3, 8]
    assert mx.vmap(f, in_axes=(0, None))(x, y).tolist() == [[3, 4], [6, 8]]


def test_captured_arrays_are_constants(x, y):
    def g(a, b):
        return function(lambda c: c * b, vjp=lambda p, c, o: c * 5)(a).sum()

    da, db = mx.grad(g, argnums=(0, 1))(x, y)
    assert da.tolist() == [5, 5] and db.tolist() == [0, 0]


def test_a_batch_keeps_the_rules(y):
    f = function(lambda a, b: a * b, vjp=lambda p, c, o: (c * 100, c * 7))
    rows = mx.ones((3, 2))
    assert mx.grad(lambda a: mx.vmap(f, in_axes=(0, None))(a, y).sum())(rows).tolist() == [[100, 100]] * 3
    assert mx.grad(lambda b: mx.vmap(f, in_axes=(0, None))(rows, b).sum())(y).tolist() == [21, 21]
    assert mx.vmap(mx.grad(lambda a: f(a, y).sum()))(rows).tolist() == [[100, 100]] * 3
    nested = mx.vmap(mx.vmap(f, in_axes=(0, None)), in_axes=(0, None))
    assert mx.grad(lambda a: nested(a, y).sum())(mx.ones((4, 3, 2))).tolist() == [[[100, 100]] * 3] * 4


def test_vmap_rule_takes_the_place_of_the_function(x):
    calls = []

    def rule(inputs, axes):
        calls.append(axes)
        return inputs[0] * inputs[1], 0

    f = function(lambda a, b: mx.array(a.item()), vmap=rule)  # cannot be mapped itself
    assert f(mx.array(2.0), x).item() == 2
    g = function(lambda a, b: a * b, vmap=rule)
    assert mx.vmap(g, in_axes=(0, None))(x, mx.array(3.0)).tolist() == [3, 6]
    assert calls == [(0, None)]


def test_rules_are_differentiated_themselves(x):
    f = function(lambda a: a, vjp=lambda p, c, o: c * p * p)
    assert mx.grad(lambda a: mx.grad(lambda b: f(b).sum())(a).sum())(x).tolist() == [2, 4]


def test_straight_through(x):
    @mx.custom_function
    def quantize(a):
        return mx.round(a)

    @quantize.vjp
    def straight(a, cotangent, output):
        return cotangent

    assert mx.grad(lambda a: (quantize(a) ** 2).sum())(mx.array([1.2, 2.7])).tolist() == [2, 6]


def test_as_a_method(x):
    class Layer:
        scale = 3

        @mx.custom_function
        def apply(self, a):
            return a * self.scale

    Layer.__dict__["apply"].vjp(lambda p, c, o: (None, c * 50))
    assert mx.grad(lambda a: Layer().apply(a).sum())(x).tolist() == [50, 50]


# ---- errors

@pytest.mark.parametrize("returned, message", [
    (lambda c: c[0], "a mlx.core.array was returned where a tuple"),
    (lambda c: (c[0],), "1 cotangents were returned, but 2"),
    (lambda c: (c[0],) * 3, "3 cotangents were returned, but 2"),
    (lambda c: (c[0], 3.0), "arrays or None, not a float"),
    (lambda c: (c[0], c[1].sum()), "the cotangent of input 1 has shape"),
    (lambda c: {"a": c[0]}, "a dict was returned"),
    (lambda c: None, "a NoneType was returned"),
])
def test_wrong_cotangents(x, y, returned, message):
    f = function(lambda a, b: (a * b, a + b), vjp=lambda p, c, o: returned(c))
    with pytest.raises(ValueError, match=message):
        mx.vjp(f, [x, y], [mx.ones(2), mx.ones(2)])


def test_none_is_a_zero_cotangent(x, y):
    f = function(lambda a, b: a * b, vjp=lambda p, c, o: (c, None))
    assert [g.tolist() for g in mx.vjp(f, [x, y], [mx.ones(2)])[1]] == [[1, 1], [0, 0]]


@pytest.mark.parametrize("rule", [lambda p, t: 5, lambda p, t: (t, t), lambda p, t: t.sum(), lambda p, t: {"a": t}])
def test_wrong_tangents(x, rule):
    with pytest.raises(ValueError, match="custom_function"):
        mx.jvp(function(lambda a: a, jvp=rule), [x], [x])


@pytest.mark.parametrize("rule", [lambda i, a: i, lambda i, a: (i, 5), lambda i, a: (i, "s"), lambda i, a: (5, 0),
                                  lambda i, a: (mx.ones((7,)), 0)])
def test_wrong_batches(x, rule):
    with pytest.raises(ValueError, match="custom_function"):
        mx.vmap(function(lambda a: a, vmap=rule))(x)


def test_what_a_rule_raises_is_raised(x):
    class Own(Exception):
        pass

    def raises(*args):
        raise Own("words")

    f = function(lambda a: a * 1, vjp=raises, jvp=raises, vmap=raises)
    with pytest.raises(Own):
        mx.grad(lambda a: f(a).sum())(x)
    with pytest.raises(Own):
        mx.jvp(f, [x], [x])
    with pytest.raises(Own):
        mx.vmap(f)(x)
    g = function(raises, vjp=raises)
    with pytest.raises(Own):
        g(x)
    assert mx.grad(lambda a: (a * a).sum())(x).tolist() == [2, 4]


def test_wrong_arguments():
    for make in (mx.custom_function, mx.checkpoint, mx.custom_function(abs).vjp, mx.custom_function(abs).jvp,
                 mx.custom_function(abs).vmap):
        with pytest.raises(TypeError):
            make(3)


def test_nothing_leaks(x):
    class Token:
        pass

    def run(transform):
        token = Token()
        f = function(lambda a: (token, a * 1)[1], vjp=lambda p, c, o: (token, c)[1])
        mx.eval(transform(f))
        return weakref.ref(token)

    def fails(f):
        g = function(lambda a: a * 1, vjp=lambda p, c, o: 1 / len([]))
        with pytest.raises(ZeroDivisionError):
            mx.grad(lambda a: g(f(a)).sum())(x)

    transforms = [lambda f: f(x), lambda f: mx.grad(lambda a: f(a).sum())(x), lambda f: mx.jvp(f, [x], [x]),
                  lambda f: mx.vmap(f)(x), fails]
    for transform in transforms:
        token = run(transform)
        gc.collect()
        mx.eval(x + 1)
        mx.synchronize()
        assert token() is None


def test_cotangents_of_keyword_arguments():
    x, k = mx.array([1.0, 2.0]), {"a": mx.array([3.0, 4.0]), "b": mx.array(2.0)}

    def gradients(rule):
        f = mx.custom_function(lambda x, *, k, n=1: x * k["a"] * k["b"])
        f.vjp(rule)
        dx, dk = mx.grad(lambda x, k: f(x, k=k, n=3).sum(), argnums=(0, 1))(x, k)
        return dx.tolist(), dk["a"].tolist(), dk["b"].item()

    assert gradients(lambda p, c, o, k, n: c * 7) == ([7, 7], [0, 0], 0)
    assert gradients(lambda p, c, o, k, n: (c * 7, {"k": {"a": c * n, "b": c.sum()}})) == ([7, 7], [3, 3], 2)
    assert gradients(lambda p, c, o, k, n: (c * 7, {"k": {"a": c * n, "b": None}})) == ([7, 7], [3, 3], 0)
    assert gradients(lambda p, c, o, k, n: (None, {})) == ([0, 0], [0, 0], 0)
    assert gradients(lambda p, c, o, k, n: (c, {"k": None})) == ([1, 1], [0, 0], 0)
    with pytest.raises(ValueError, match="lack an entry 'b'"):
        gradients(lambda p, c, o, k, n: (c, {"k": {"a": c}}))


# ---- checkpoint

def test_checkpoint(x, y):
    calls = []

    def f(d, s, k=2):
        calls.append(1)
        return {"a": mx.exp(d["x"] * s) * k, "n": 5}

    c = mx.checkpoint(f)
    assert c.__name__ == "f" and c({"x": x}, 3)["n"] == 5
    calls.clear()
    want = mx.grad(lambda x, k: f({"x": x}, 3, k=k)["a"].sum(), argnums=(0, 1))(x, y)
    calls.clear()
    got = mx.grad(lambda x, k: c({"x": x}, 3, k=k)["a"].sum(), argnums=(0, 1))(x, y)
    assert len(calls) == 2
    assert [g.tolist() for g in got] == [w.tolist() for w in want]
    hessian = mx.grad(lambda a: mx.grad(lambda b: c({"x": b}, 1)["a"].sum())(a).sum())(x)
    assert mx.allclose(hessian, 2 * mx.exp(x)).item()
    assert mx.allclose(mx.vmap(lambda a: c({"x": a}, 1)["a"])(x), 2 * mx.exp(x)).item()


def test_checkpoint_draws_the_same_numbers():
    def noisy(a):
        return a * mx.random.normal((4,))

    for f in (noisy, mx.checkpoint(noisy)):
        mx.random.seed(3)
        (out,), (grad,) = mx.vjp(f, [mx.ones(4)], [mx.ones(4)])
        assert out.tolist() == grad.tolist()
        after = mx.random.normal((4,)).tolist()
        assert after != out.tolist()
        mx.random.seed(3)
        noisy(mx.ones(4))
        assert after == mx.random.normal((4,)).tolist()


def layers(count, dims):
    return [nn.TransformerEncoderLayer(dims, 2, 4 * dims) for _ in range(count)]


def test_memory_of_a_checkpointed_model():
    """24 layers: under 40% of what the plain model needs for its gradient; the same numbers."""
    mx.random.seed(0)
    model = nn.Module()
    model.layers = layers(24, 32)
    data = mx.random.normal((2, 128, 32))
    mx.eval(model.parameters(), data)

    def loss(plain):
        def run(x):
            for layer in model.layers:
                x = layer(x, None) if plain else nn.utils.checkpoint(layer)(x, None)
            return (x * x).mean()
        return run

    peaks, grads = [], []
    for plain in (True, False):
        f = nn.value_and_grad(model, loss(plain))
        mx.synchronize()
        start = mx.get_active_memory()
        mx.reset_peak_memory()
        value, grad = f(data)
        mx.eval(value, grad)
        peaks.append(mx.get_peak_memory() - start)
        grads.append(grad)
    size = sum(v.nbytes for _, v in mlx_flatten(grads[0]))
    assert peaks[1] - size < 0.4 * (peaks[0] - size), peaks
    for (name, a), (_, b) in zip(mlx_flatten(grads[0]), mlx_flatten(grads[1])):
        assert mx.allclose(a, b, rtol=1e-4, atol=1e-6).item(), name


def mlx_flatten(tree):
    from mlx.utils import tree_flatten
    return tree_flatten(tree)


# ---- depends

def test_depends(x, y):
    assert mx.depends(x, y).tolist() == [1, 2]
    assert [a.tolist() for a in mx.depends([x, y], (y, x))] == [[1, 2], [3, 4]]
    assert mx.depends([], y) == [] and mx.depends(x, []).tolist() == [1, 2]
    da, db = mx.grad(lambda a, b: mx.depends(a, b).sum(), argnums=(0, 1))(x, y)
    assert da.tolist() == [1, 1] and db.tolist() == [0, 0]
    assert mx.vmap(mx.depends, in_axes=(None, 0))(x, y).tolist() == [[1, 2], [1, 2]]
    for bad in ((1, y), (x, 1), ("a", "b")):
        with pytest.raises(TypeError):
            mx.depends(*bad)
