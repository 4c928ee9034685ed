# SPDX-License-Identifier: MIT
"""compile: what is traced anew, what state does, what it composes with, what is refused."""

import gc
import os
import random
import subprocess
import sys
import threading
import weakref
from collections import namedtuple
from functools import partial

import mlx.core as mx
import pytest


def counted(fun):
    """fun with a count of its calls."""

    def counting(*args, **kwargs):
        counting.calls += 1
        return fun(*args, **kwargs)

    counting.calls = 0
    return counting


X = mx.array([1.0, 2.0])


def test_a_function_is_traced_once_for_each_kind_of_arguments():
    f = counted(lambda x, k=1: x * k)
    c = mx.compile(f)
    for _ in range(3):
        assert c(X).tolist() == [1, 2]
        assert c(X, 1).tolist() == [1, 2]
        assert c(X, k=1).tolist() == [1, 2]
        assert c(X, k=2).tolist() == [2, 4]
        assert c(X, 1.5).tolist() == [1.5, 3]
    assert f.calls == 5
    assert c(mx.array([1, 2])).dtype == mx.int32
    assert c(mx.array([[1.0]])).tolist() == [[1]]
    assert c(mx.array([1.0])).tolist() == [1]
    assert f.calls == 8


def test_int_bool_and_float_constants_are_not_mixed_up():
    c = mx.compile(lambda x, k: x + k)
    one = mx.array([1])
    assert c(one, 1).dtype == mx.int32
    assert c(one, 1.0).dtype == mx.float32
    assert c(one, True).dtype == mx.int32
    assert c(mx.array([True]), 1).dtype == mx.int32
    assert c(mx.array([True]), True).dtype == mx.bool_
    assert mx.compile(lambda x, k: x)(X, 1 << 70).tolist() == [1, 2]


def test_structure_of_arguments_and_results():
    def f(tree, extra):
        a, (b, c) = tree["a"], tree["b"]
        return {"sum": a + b, "list": [c, (a, extra)], "text": "t", "none": None}

    c = mx.compile(f)
    for n in (3, 3, 4):
        out = c({"a": X, "b": (X, [X])}, n) if n == 4 else c({"a": X, "b": (X, X)}, n)
        assert out["sum"].tolist() == [2, 4]
        assert out["list"][1][1] == n and out["text"] == "t" and out["none"] is None
        assert isinstance(out["list"][1], tuple)
    assert c({"a": X, "b": (X, X)}, 3) is not c({"a": X, "b": (X, X)}, 3)


def test_named_tuples_keep_their_types():
    A, B = namedtuple("A", "x y"), namedtuple("B", "x y")
    f = counted(lambda t: type(t)(t.y, t.x))
    c = mx.compile(f)
    for kind in (A, B, A, B):
        out = c(kind(X, 2 * X))
        assert type(out) is kind and out.x.tolist() == [2, 4]
    assert f.calls == 2


def test_no_array_in_the_result():
    assert mx.compile(lambda x: 1)(X) == 1
    assert mx.compile(lambda x: None)(X) is None
    assert mx.compile(lambda: 3)() == 3
    assert mx.compile(lambda: mx.array(3))().item() == 3


@pytest.mark.parametrize("bad", [object(), 1j, b"a", {1}, mx.float32, slice(0, 1)])
def test_an_argument_of_another_type_is_refused(bad):
    with pytest.raises(ValueError, match="Function arguments must be trees of arrays or constants"):
        mx.compile(lambda x, y: x)(X, bad)


def test_what_cannot_be_compiled_is_a_type_error():
    with pytest.raises(TypeError, match="incompatible function arguments"):
        mx.compile(3)


def test_names_and_texts_are_those_of_the_function():
    def f(x):
        "text"
        return x

    c = mx.compile(f)
    assert c.__name__ == "f" and c.__doc__ == "text" and c.__wrapped__ is f if hasattr(f, "__wrapped__") else True


def test_a_function_that_raises_is_not_kept():
    f = counted(lambda x: [][0])
    c = mx.compile(f)
    for _ in range(2):
        with pytest.raises(IndexError):
            c(X)
    assert f.calls == 2


@pytest.mark.parametrize("read", [mx.eval, lambda x: x.item(), lambda x: x.tolist(), bool, lambda x: memoryview(x)])
def test_a_value_is_not_there_while_it_is_traced(read):
    c = mx.compile(lambda x: read(x.sum()))
    with pytest.raises(ValueError, match="Attempting to eval an array during function transformations"):
        c(X)


def test_a_tracer_that_leaked_has_no_value():
    leaked = []
    mx.compile(lambda x: leaked.append(x + 1) or x)(X)
    with pytest.raises(ValueError, match="Attempting to eval"):
        leaked[0].tolist()


def test_arguments_are_not_changed():
    def f(tree):
        tree["x"] = tree["x"] + 1
        tree["new"] = 3
        return tree["x"]

    tree = {"x": X}
    assert mx.compile(f)(tree).tolist() == [2, 3]
    assert list(tree) == ["x"] and tree["x"] is X


def test_a_cyclic_tree_is_refused():
    tree = []
    tree.append(tree)
    with pytest.raises(RecursionError):
        mx.compile(lambda t: X)(tree)
    with pytest.raises(RecursionError):
        mx.compile(lambda x: tree)(X)
    with pytest.raises(RecursionError):
        mx.compile(lambda x: x, inputs=tree)(X)


def test_state_is_read_and_written():
    state = [mx.array(1.0)]

    def f(x):
        state[0] = state[0] + x.sum()
        return state[0]

    c = mx.compile(counted(f), inputs=state, outputs=state)
    assert [c(X).item(), c(X).item(), state[0].item()] == [4, 7, 7]
    state[0] = mx.array(10.0)
    assert c(X).item() == 13 and state[0].item() == 13
    assert c.calls == 1


def test_state_may_grow():
    state = {"a": mx.array(0.0)}

    def f(x):
        state["a"] = state["a"] + 1
        state["new"] = {"deep": [x * 2]}
        return x

    c = mx.compile(f, inputs=state, outputs=state)
    for n in range(1, 4):
        c(X)
        assert state["a"].item() == n and state["new"]["deep"][0].tolist() == [2, 4]
    del state["new"]
    c(X)
    assert state["a"].item() == 4 and state["new"]["deep"][0].tolist() == [2, 4]


def test_state_that_is_changed_in_place():
    state = [mx.array([1.0, 2.0])]

    def f():
        state[0] += 1
        state[0][0] = 0
        return state[0].sum()

    c = mx.compile(f, inputs=state, outputs=state)
    assert [c().item(), c().item()] == [3, 4]
    assert state[0].tolist() == [0, 4]


def test_state_of_inputs_alone_is_left_as_it_was():
    state = {"w": X, "n": 3, "none": None}
    c = mx.compile(lambda x: x * state["w"], inputs=state)
    assert c(X).tolist() == [1, 4] and state["w"] is X
    state["w"] = 2 * X
    assert c(X).tolist() == [2, 8]


def test_state_is_restored_when_the_function_raises():
    state = [X]

    def f():
        raise KeyError("no")

    with pytest.raises(KeyError):
        mx.compile(f, inputs=state, outputs=state)()
    assert state[0] is X and state[0].tolist() == [1, 2]


def test_random_state():
    @partial(mx.compile, inputs=mx.random.state, outputs=mx.random.state)
    def draw():
        return mx.random.uniform(shape=(2,))

    mx.random.seed(0)
    want = [mx.random.uniform(shape=(2,)).tolist() for _ in range(3)]
    mx.random.seed(0)
    assert [draw().tolist(), draw().tolist(), mx.random.uniform(shape=(2,)).tolist()] == want
    fixed = mx.compile(lambda: mx.random.uniform())
    assert fixed().item() == fixed().item()


def test_training_step_with_state_of_modules():
    import mlx.nn as nn
    import mlx.optimizers as optim

    def train(compiled):
        mx.random.seed(1)
        model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 1))
        optimizer = optim.AdamW(learning_rate=optim.cosine_decay(1e-2, 20))
        state = [model.state, optimizer.state, mx.random.state]

        def loss(x, y):
            return nn.losses.mse_loss(model(x), y)

        def step(x, y):
            value, grads = nn.value_and_grad(model, loss)(x, y)
            optimizer.update(model, grads)
            return value

        if compiled:
            step = mx.compile(step, inputs=state, outputs=state)
        x, losses = mx.random.normal((16, 4)), []
        for _ in range(10):
            losses.append(step(x, x.sum(axis=1, keepdims=True)).item())
            mx.eval(state)
        return losses

    plain, compiled = train(False), train(True)
    assert plain == compiled and plain[-1] < plain[0]


def test_grad_of_compile_compile_of_grad_and_nesting():
    f = lambda x: (x**3).sum()
    assert mx.grad(mx.compile(f))(X).tolist() == [3, 12]
    assert mx.compile(mx.grad(f))(X).tolist() == [3, 12]
    assert mx.compile(mx.grad(lambda x: mx.grad(mx.compile(f))(x).sum()))(X).tolist() == [6, 12]
    inner = mx.compile(lambda x: x * 2)
    assert mx.compile(lambda x: inner(x) + inner(x))(X).tolist() == [4, 8]
    value, grad = mx.value_and_grad(mx.compile(f))(X)
    assert value.item() == 9
    out, tangents = mx.jvp(mx.compile(f), [X], [X])
    assert tangents[0].item() == 27


def test_vmap_of_compile_and_compile_of_vmap():
    f = counted(lambda x, y: (x * y).sum())
    c = mx.compile(f)
    rows = mx.array([[1.0, 2.0], [3.0, 4.0]])
    for _ in range(2):
        assert mx.vmap(c, in_axes=(0, None))(rows, X).tolist() == [5, 11]
        assert mx.compile(mx.vmap(c, in_axes=(0, None)))(rows, X).tolist() == [5, 11]
        assert mx.vmap(mx.grad(c), in_axes=(0, None))(rows, X).tolist() == [[1, 2], [1, 2]]
    assert f.calls == 1


def test_a_captured_tracer_is_not_kept():
    """A program that holds an argument of an open trace is right for that trace only."""

    def outer(w):
        c = outer.c
        outer.w = w
        return c(X).sum()

    outer.c = mx.compile(lambda x: x * outer.w)
    assert mx.grad(outer)(mx.array(2.0)).item() == 3
    assert mx.grad(outer)(mx.array(5.0)).item() == 3
    assert mx.value_and_grad(outer)(mx.array(5.0))[0].item() == 15


def test_shapeless():
    y = 1
    f = counted(lambda x: x + y)
    c = mx.compile(f, shapeless=True)
    assert c(mx.array([1, 2])).tolist() == [2, 3]
    y = 2
    assert c(mx.array([1, 2, 3])).tolist() == [2, 3, 4]
    assert c(mx.array([1.0, 2, 3])).tolist() == [3, 4, 5]
    assert c(mx.array([[1, 2]])).tolist() == [[3, 4]]
    assert f.calls == 3


def test_shapeless_reductions_are_not_traced_anew():
    z = 1
    f = counted(lambda x, y: x + y.sum(axis=0, keepdims=True) + z)
    c = mx.compile(f, shapeless=True)
    assert c(mx.ones((2, 3)), mx.ones((4, 3))).tolist() == [[6] * 3] * 2
    z = 2
    assert c(mx.ones((3, 2)), mx.ones((1, 2))).tolist() == [[3] * 2] * 3
    g = counted(lambda x: mx.expand_dims(mx.softmax(x @ x.T, axis=-1), -1).squeeze(-1))
    softmax = mx.compile(g, shapeless=True)
    assert softmax(mx.ones((2, 3))).shape == (2, 2) and softmax(mx.ones((5, 1))).shape == (5, 5)
    h = counted(lambda x, y: mx.argmax(mx.cumsum(mx.concatenate([x, y], axis=1), axis=0), axis=-1))
    joined = mx.compile(h, shapeless=True)
    assert joined(mx.ones((2, 3)), mx.ones((2, 1))).shape == (2,)
    assert joined(mx.ones((4, 1)), mx.ones((4, 5))).shape == (4,)
    assert f.calls == g.calls == h.calls == 1
    with pytest.raises(ValueError, match="differ along an axis"):
        joined(mx.ones((2, 3)), mx.ones((3, 3)))
    with pytest.raises(ValueError):
        mx.compile(lambda x, y: x @ y, shapeless=True)(mx.ones((2, 3)), mx.ones((2, 3)))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.mean(),
        lambda x: x.var(axis=0),
        lambda x: x / x.shape[0],
        lambda x: x * len(x),
        lambda x: sum(x),
        lambda x: x[:, -1],
        lambda x: x[: x.size // 2],
        lambda x: x.reshape(-1),
        lambda x: x.flatten(),
        lambda x: mx.unflatten(x, -1, (1, -1)),
        lambda x: mx.full_like(x, 5),
        lambda x: x + mx.zeros_like(x),
        lambda x: mx.tril(x),
        lambda x: mx.concatenate([x, x]),
        lambda x: mx.broadcast_to(x, x.shape),
        lambda x: mx.grad(lambda y: (y * y.sum(axis=0)).sum())(x),
        lambda x: mx.compile(lambda y: y.mean())(x) + x,
        lambda x: mx.argmax(x, axis=1),
        lambda x: mx.squeeze(x),
        lambda x: x[:, :3],
        lambda x: x[0],
        lambda x: mx.std(x, axis=0),
        lambda x: mx.grad(lambda y, b: (y * b).sum(), argnums=1)(x, x[:1]),
        lambda x: mx.vmap(lambda r: r - r.mean() + mx.ones_like(r))(x),
        lambda x: mx.scan(lambda c, r: (c + r.mean(), c), mx.array(0.0), x)[1],
    ],
)
def test_shapeless_functions_of_sizes_are_right(f):
    c = mx.compile(f, shapeless=True)
    for shape in ((2, 3), (4, 3), (1, 3), (2, 3), (2, 5), (5, 1)):
        x = mx.random.normal(shape)
        assert c(x).tolist() == f(x).tolist(), shape


def test_a_shapeless_gradient_sums_what_is_broadcast():
    grads = counted(mx.grad(lambda a, b: (mx.sin(a) * b).sum(), argnums=(0, 1)))
    c = mx.compile(grads, shapeless=True)
    for first, second in (((2, 3), (2, 3)), ((2, 3), (1, 3)), ((4, 1), (4, 5)), ((1, 2), (3, 1))):
        a, b = mx.random.normal(first), mx.random.normal(second)
        for got, want in zip(c(a, b), mx.grad(lambda a, b: (mx.sin(a) * b).sum(), argnums=(0, 1))(a, b)):
            assert got.shape == want.shape and mx.allclose(got, want, rtol=1e-6, atol=1e-6)
    assert grads.calls == 1


def test_shapeless_means_and_shapes_are_not_traced_anew():
    def several(x):
        return mx.flatten(mx.softmax(x) - x.mean()) * mx.var(x, ddof=1) + x.reshape(-1) + mx.ones_like(x).sum()

    f = counted(several)
    c = mx.compile(f, shapeless=True)
    for shape in ((2, 3), (4, 5), (1, 7)):
        x = mx.random.normal(shape)
        assert mx.allclose(c(x), several(x), rtol=1e-5, atol=1e-6), shape
    assert f.calls == 1
    with pytest.raises(ValueError, match="Cannot reshape"):
        g = mx.compile(lambda x: x.reshape(2, 3), shapeless=True)
        g(mx.ones((3, 2))), g(mx.ones((3, 3)))


@pytest.mark.parametrize(
    "labels, shapes",
    [
        ("ij,jk->ik", ("ab", "bc")),
        ("ij,ij", ("ab", "ab")),
        ("bijm,bmkl->klbij", ("abcd", "adbc")),
        ("bihd,bjhd->bhij", ("abcd", "accd")),
        ("ijm,mn,nk->kij", ("abc", "cd", "da")),
        ("imn,mnj->ji", ("abc", "bcd")),
        ("ij,k->jik", ("ab", "c")),
        ("...ij,...kj->...ik", ("abcd", "abbd")),
        ("i,i", ("a", "a")),
        ("i,ij", ("a", "ab")),
    ],
)
def test_shapeless_einsums_are_not_traced_anew(labels, shapes):
    f = counted(lambda *x: mx.einsum(labels, *x))
    grads = mx.grad(lambda *x: mx.sin(mx.einsum(labels, *x)).sum(), tuple(range(len(shapes))))
    c, d = mx.compile(f, shapeless=True), mx.compile(grads, shapeless=True)
    for sizes in ((2, 3, 4, 5), (4, 3, 2, 6), (1, 2, 1, 3)):
        x = [mx.random.normal([sizes["abcd".index(n)] for n in shape]) for shape in shapes]
        for got, want in zip((c(*x), *d(*x)), (mx.einsum(labels, *x), *grads(*x))):
            assert got.shape == want.shape and mx.allclose(got, want, rtol=1e-4, atol=1e-5), sizes
    assert f.calls == 1


STEPS = [
    lambda x, y: x * y,
    lambda x, y: x + mx.sin(y),
    lambda x, y: x - x.mean(-1, keepdims=True),
    lambda x, y: x * x.sum(0, keepdims=True),
    lambda x, y: mx.where(x > y, x, y * 0.5),
    lambda x, y: x.T.T + 1,
    lambda x, y: (x @ x.T) @ x * 0.1,
    lambda x, y: x[None].squeeze(0) * mx.ones_like(y),
    lambda x, y: mx.softmax(x) + mx.softmax(y, axis=-1),
    lambda x, y: x / (1 + mx.var(y, axis=0)),
]
SIZES = [((3, 4), (3, 4)), ((3, 4), (1, 4)), ((3, 1), (3, 4)), ((1, 1), (2, 5)), ((1, 4), (3, 1)), ((7, 2), (7, 1))]


@pytest.mark.parametrize("seed", range(40))
def test_random_shapeless_gradients(seed):
    draw = random.Random(seed)
    mx.random.seed(seed)
    steps = [(draw.choice(STEPS), draw.randrange(2)) for _ in range(6)]

    def f(*pair):
        v = list(pair)
        for step, i in steps:
            v[i] = step(v[i], v[1 - i])
        return v[0].sum() + v[1].mean()

    plain = counted(mx.grad(f, argnums=(0, 1)))
    c = mx.compile(plain, shapeless=True)
    mx.random.seed(seed)
    for sizes in draw.sample(SIZES, len(SIZES)):
        pair = [mx.random.normal(s, scale=0.3) for s in sizes]
        for got, want in zip(c(*pair), mx.grad(f, argnums=(0, 1))(*pair)):
            # sums of sums of 14 numbers of some tens, which nearly cancel
            assert got.shape == want.shape and mx.allclose(got, want, rtol=1e-4, atol=1e-4), (steps, sizes)


def test_enable_and_disable():
    f = counted(lambda x: x)
    c = mx.compile(f)
    mx.disable_compile()
    try:
        c(X), c(X)
        assert f.calls == 2
    finally:
        mx.enable_compile()
    c(X), c(X)
    assert f.calls == 3


@pytest.mark.parametrize("value", ["1", "0", ""])  # MLX asks only whether it is there
def test_the_environment_disables(value):
    code = (
        "import mlx.core as mx; n = [0]\n"
        "def f(x): n[0] += 1; return x\n"
        "c = mx.compile(f); c(mx.array(1)); c(mx.array(1)); mx.enable_compile(); c(mx.array(1)); c(mx.array(1))\n"
        "assert n == [3], n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "MLX_DISABLE_COMPILE": value})


def test_sizes_are_followed_back_through_long_chains():
    def loss(x, y):
        for _ in range(40):
            x = mx.where(x > y, x * 1.01, -x)
        return x.sum()

    f = counted(mx.grad(loss, argnums=(0, 1)))
    c = mx.compile(f, shapeless=True)
    for n in (3, 5):
        x, y = mx.random.normal((4, n)), mx.zeros((4, n))
        for got, want in zip(c(x, y), mx.grad(loss, argnums=(0, 1))(x, y)):
            assert mx.array_equal(got, want)
    assert f.calls == 1


def test_the_cache_is_bounded():
    f = counted(lambda x, n: x + n)
    c = mx.compile(f)
    big = mx.zeros((1000,))
    mx.eval(c(big, 0))
    before = mx.get_active_memory()
    for n in range(600):
        assert c(X, n)[0].item() == 1 + n
    assert mx.get_active_memory() - before < 400 * 192
    calls = f.calls
    c(X, 599)
    assert f.calls == calls
    c(X, 1)
    assert f.calls == calls + 1


def test_nothing_is_left_behind():
    class Owner:
        pass

    def make():
        owner, weights = Owner(), mx.zeros((1 << 18,))
        mx.eval(weights)
        c = mx.compile(lambda x: (x * weights[:2], owner and None), inputs={"w": weights})
        owner.itself = c
        return weakref.ref(owner), c(X)[0].tolist()

    gc.collect()
    before = mx.get_active_memory()
    ref, _ = make()
    gc.collect()
    assert ref() is None
    assert mx.get_active_memory() <= before + 4096


def test_references_of_arguments_and_results():
    c = mx.compile(lambda t, k: {"a": t["x"] + 1, "k": k})
    tree, text = {"x": X}, "text-%d" % os.getpid()
    c(tree, text)
    counts = sys.getrefcount(tree), sys.getrefcount(X), sys.getrefcount(text)
    for _ in range(100):
        c(tree, text)
    assert counts == (sys.getrefcount(tree), sys.getrefcount(X), sys.getrefcount(text))


def test_threads():
    f = counted(lambda x, k: mx.exp(x) * k)
    c, failures = mx.compile(f), []

    def work():
        for i in range(200):
            if c(X, i % 7).tolist() != (mx.exp(X) * (i % 7)).tolist():
                failures.append(i)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures and f.calls <= 28


def test_threads_with_state():
    state = [mx.array(0)]

    def step():
        state[0] = state[0] + 1

    c = mx.compile(step, inputs=state, outputs=state)
    threads = [threading.Thread(target=lambda: [c() for _ in range(100)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert state[0].item() == 400


def test_streams():
    c = mx.compile(lambda x: x + 1)
    s = mx.new_stream(mx.cpu)
    for _ in range(2):
        with mx.stream(s):
            assert c(X).tolist() == [2, 3]
        assert c(X).tolist() == [2, 3]
