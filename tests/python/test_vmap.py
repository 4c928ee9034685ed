# SPDX-License-Identifier: MIT
"""vmap equals a loop: over indices and what they index, updates, keys, trees of axes, transforms, control flow."""
import itertools

import numpy as np
import pytest

import mlx.core as mx

X = mx.arange(24.0).reshape(2, 3, 4) / 7 - 1
I = mx.array([[0, 2], [1, 0]])
J = mx.array([1, 0])
V = mx.arange(16.0).reshape(2, 2, 4)
KEYS = mx.random.split(mx.random.key(3), 2)


def assign(x, key, value):
    x = x + 0
    x[key] = value
    return x


def updates(name):
    return lambda x, i, v: getattr(x.at[i], name)(v)


def straight():
    f = mx.custom_function(lambda a, b: mx.round(a) * b)
    f.vjp(lambda p, c, o: (c * p[1], c * p[0]))
    return f


def scan_sum(x, c):
    return mx.scan(lambda a, v: (mx.sin(a) + v, a * v), c, x)


CASES = {
    "rows of x": (lambda x, i: x[i], (X, I)),
    "x[i, j]": (lambda x, i, j: x[i, j], (X, I, J)),
    "x[:, i]": (lambda x, i: x[:, i], (X, I)),
    "x[i, 1:3]": (lambda x, i: x[i, 1:3], (X, I)),
    "x[..., None, i]": (lambda x, i: x[..., None, i], (X, I)),
    "x[i] of a number": (lambda x, i: x[i], (X, J)),
    "take": (lambda x, i: mx.take(x, i, axis=1), (X, I)),
    "take_along_axis": (lambda x, i: mx.take_along_axis(x, i[:, None], axis=0), (X, I)),
    "put_along_axis": (lambda x, i, v: mx.put_along_axis(x, i[:, None], v[:, :1], axis=0), (X[..., :1], I, V)),
    "slice at": (lambda x, s: mx.slice(x, s[None], axes=(0,), slice_size=(1, 4)), (X, J)),
    "slice_update at": (lambda x, v, s: mx.slice_update(x, v[:1], s[None], axes=(0,)), (X, V, J)),
    "x[i] = v": (lambda x, i, v: assign(x, i, v), (X, I, V)),
    "x[1:, 2] = v": (lambda x, v: assign(x, (slice(1, None), 2), v[:, 0]), (X, V)),
    "x[mask] = v": (lambda x, v: assign(x, x > 0, v[0, 0]), (X, V)),
    **{f"x.at[i].{name}": (updates(name), (X, I, V + 1))
       for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum")},
    "x.at[i, i].add": (lambda x, i: x.at[i, i].add(1.0), (X, I)),
    "uniform": (lambda k: mx.random.uniform(shape=(3,), key=k), (KEYS,)),
    "normal": (lambda k, s: mx.random.normal((3,), scale=1.0, key=k) * s, (KEYS, J)),
    "randint": (lambda k: mx.random.randint(0, 1000, (5,), key=k), (KEYS,)),
    "bernoulli": (lambda k, p: mx.random.bernoulli(p * 0.5, (9,), key=k), (KEYS, J)),
    "gumbel": (lambda k: mx.random.gumbel((3,), key=k), (KEYS,)),
    "split": (lambda k: mx.random.split(k, 3), (KEYS,)),
    "grad": (lambda x, i: mx.grad(lambda y: (y[i] ** 2).sum())(x), (X, I)),
    "grad of grad": (lambda x: mx.grad(lambda y: mx.grad(lambda z: (z ** 3).sum())(y).sum())(x), (X,)),
    "grad of at": (lambda x, i, v: mx.grad(lambda y: (x.at[i].add(y) ** 2).sum())(v), (X, I, V)),
    "vjp": (lambda x, v: mx.vjp(lambda y: mx.sin(y), [x], [x * 2])[1][0] * v.sum(), (X, V)),
    "jvp": (lambda x, v: mx.jvp(lambda y: mx.sin(y), [x], [x * 2])[1][0] * v.sum(), (X, V)),
    "checkpoint": (lambda x: mx.grad(lambda y: mx.checkpoint(lambda z: mx.exp(z * x))(y).sum())(x), (X,)),
    "custom_function": (straight(), (X, X * 3)),
    "grad of custom_function": (lambda a, b: mx.grad(lambda c: straight()(c, b).sum())(a), (X, X * 3)),
    "compile": (mx.compile(lambda x, v: mx.sin(x) * v.sum()), (X, V)),
    "compile of grad": (mx.compile(mx.grad(lambda x, v: (mx.sin(x) * v.sum()).sum())), (X, V)),
    "scan": (scan_sum, (X, V[:, 0])),
    "grad of scan": (mx.grad(lambda x, c: scan_sum(x, c)[1].sum(), argnums=1), (X, V[:, 0])),
    "while_loop": (lambda x, v: mx.while_loop(lambda a: a.sum() < 50, lambda a: a * 1.5 + 1 + v[0], x), (X, V)),
    "cond": (lambda j, x, v: mx.cond(j, lambda a, b: a * b[0], lambda a, b: a + 1, x, v), (J, X, V)),
    "jacrev": (lambda x: mx.jacrev(lambda a: mx.sin(a).sum(axis=0))(x), (X,)),
    "hessian": (lambda x: mx.hessian(lambda a: (mx.sin(a) * a).sum())(x[0]), (X,)),
    "depends": (lambda x, v: mx.depends(x, v), (X, V)),
    "sort": (lambda x, v: mx.sort(x * v[0]), (X, V)),
    "argsort": (lambda x, v: mx.argsort(x * v[0], axis=0), (X, V)),
    "partition": (lambda x, v: mx.partition(x * v[0], 1), (X, V)),
    "argpartition": (lambda x, v: mx.argpartition(x * v[0], -1), (X, V)),
    "topk": (lambda x, v: mx.topk(x * v[0], 1), (X, V)),
    "median": (lambda x, v: mx.median(x * v[0]), (X, V)),
    "searchsorted": (lambda x, v: mx.searchsorted(x[0], v), (X, V)),
}


def leaves(tree):
    return [v for t in tree for v in leaves(t)] if isinstance(tree, (tuple, list)) else [tree]


@pytest.mark.parametrize("name", CASES)
def test_a_loop(name):
    """Each choice of mapped arguments, along the first axis and along the last."""
    f, args = CASES[name]
    for mapped in itertools.product((True, False), repeat=len(args)):
        if not any(mapped):
            continue
        for axis in (0, -1):
            given = [mx.moveaxis(a, 0, axis) if m else a[0] for a, m in zip(args, mapped)]
            got = leaves(mx.vmap(f, in_axes=tuple(axis if m else None for m in mapped))(*given))
            loop = [leaves(f(*[a[k] if m else a[0] for a, m in zip(args, mapped)])) for k in range(2)]
            assert len(got) == len(loop[0])
            for g, *want in zip(got, *loop):
                np.testing.assert_allclose(np.array(g), np.stack([np.array(w) for w in want]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_loop_of_loops(name):
    """vmap of vmap: a new axis over the first argument, and the old one over all."""
    f, args = CASES[name]
    more = mx.stack([args[0], args[0][::-1]])
    axes = (0,) + (None,) * (len(args) - 1)
    got = leaves(mx.vmap(mx.vmap(f), in_axes=axes)(more, *args[1:]))
    loop = [leaves(mx.vmap(f)(more[k], *args[1:])) for k in range(2)]
    for g, *want in zip(got, *loop):
        np.testing.assert_allclose(np.array(g), np.stack([np.array(w) for w in want]), rtol=1e-5, atol=1e-5)


def test_trees_of_axes():
    f = mx.vmap(lambda d, y: {"a": d["p"] * y, "b": [d["q"][0]]}, in_axes=({"p": 0, "q": [None]}, -1),
                out_axes={"a": -1, "b": None})
    out = f({"p": X[0], "q": [X[1]]}, X[0].T)
    np.testing.assert_allclose(np.array(out["a"]), np.array((X[0] * X[0]).T), rtol=1e-6)
    assert out["b"][0].tolist() == X[1].tolist()
    p, q = mx.vmap(lambda d: (d["p"], d["q"]), out_axes=(0, 1))({"p": X, "q": X})
    assert p.tolist() == X.tolist() and q.tolist() == mx.moveaxis(X, 0, 1).tolist()


def test_grad_of_vmap():
    def f(x):
        return (mx.vmap(lambda a, b: mx.sin(a) @ b, in_axes=(0, None))(x, X[0].T) ** 2).sum()

    def loop(x):
        return sum(((mx.sin(x[k]) @ X[0].T) ** 2).sum() for k in range(2))

    np.testing.assert_allclose(np.array(mx.grad(f)(X)), np.array(mx.grad(loop)(X)), rtol=1e-5)


def test_compile_of_vmap():
    f = mx.compile(mx.vmap(lambda x: mx.sin(x).sum()))
    for _ in range(2):
        np.testing.assert_allclose(np.array(f(X)), np.sin(np.array(X)).sum(axis=(1, 2)), rtol=1e-5)
