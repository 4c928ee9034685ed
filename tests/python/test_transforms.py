# SPDX-License-Identifier: MIT
"""grad, value_and_grad, vjp, jvp, vmap and eval: arguments, trees, containers, errors.  The rules of the ops are proven
in C."""
import inspect
from collections import namedtuple

import numpy as np
import pytest

import mlx.core as mx

Point = namedtuple("Point", "x y")


class PlainTuple(tuple):
    pass


class PlainDict(dict):
    pass


@pytest.fixture
def a():
    return mx.array([1.0, 2.0])


@pytest.fixture
def b():
    return mx.array([3.0, 4.0])


def product(a, b):
    return (a * b).sum()


# ---- argnums and argnames

def test_argnums(a, b):
    assert mx.grad(product)(a, b).tolist() == [3, 4]
    assert mx.grad(product, None)(a, b=b).tolist() == [3, 4]
    assert mx.grad(product, 1)(a, b).tolist() == [1, 2]
    assert mx.grad(product, [0])(a, b).tolist() == [3, 4]
    for argnums in ((0, 1), [1, 0]):
        da, db = mx.grad(product, argnums=argnums)(a, b)
        assert da.tolist() == [3, 4] and db.tolist() == [1, 2]


def test_argnames(a, b):
    positional, named = mx.grad(product, argnames="b")(a, b=b)
    assert positional is None and named["b"].tolist() == [1, 2]
    positional, named = mx.grad(product, argnums=0, argnames=["b"])(a, b=b)
    assert positional.tolist() == [3, 4] and named["b"].tolist() == [1, 2]
    _, named = mx.grad(product, argnames=("a", "b"))(a=a, b=b)
    assert list(named) == ["a", "b"] and named["a"].tolist() == [3, 4]
    _, named = mx.grad(product, argnames=("a", "a"))(a=a, b=b)
    assert list(named) == ["a"]


@pytest.mark.parametrize("argnums, argnames", [(-1, []), ([], []), ([0, 0], []), ((0, -2), [])])
def test_bad_argnums_are_refused_at_once(argnums, argnames):
    for transform in (mx.grad, mx.value_and_grad):
        with pytest.raises(ValueError):
            transform(product, argnums, argnames)


@pytest.mark.parametrize("arguments", [("a",), (1.5,), (None, 3), (None, [1]), (["a"],)])
def test_arguments_of_a_wrong_type(arguments):
    with pytest.raises(TypeError):
        mx.grad(product, *arguments)


def test_what_is_not_there_has_no_gradient(a, b):
    for call in (lambda: mx.grad(product, 2)(a, b), lambda: mx.grad(product, [0, 3])(a, b), lambda: mx.grad(product)(),
                 lambda: mx.grad(product, 0)(a=a, b=b), lambda: mx.grad(product, argnames=["c"])(a, b=b),
                 lambda: mx.grad(product, argnames=["b"])(a, b)):
        with pytest.raises(ValueError):
            call()


def test_not_a_function():
    for transform in (mx.grad, mx.value_and_grad, mx.vmap):
        with pytest.raises(TypeError):
            transform(3)
    with pytest.raises(TypeError):
        mx.vjp("f", [mx.array(1.0)], [mx.array(1.0)])


# ---- Values

def test_auxiliary_values_pass_through(a):
    (value, text, x), grad = mx.value_and_grad(lambda x: (x.sum(), "aux", x))(a)
    assert value.item() == 3 and text == "aux" and x.tolist() == [1, 2] and grad.tolist() == [1, 1]
    value, grad = mx.value_and_grad(lambda x: (x.sum(),))(a)
    assert isinstance(value, tuple) and grad.tolist() == [1, 1]


@pytest.mark.parametrize("bad", [lambda x: x, lambda x: x[:1], lambda x: [x.sum()], lambda x: None, lambda x: 1.0,
                                 lambda x: (), lambda x: (1, x.sum()), lambda x: (x, 1), lambda x: "s"])
def test_a_function_without_a_scalar(bad, a):
    with pytest.raises(ValueError):
        mx.value_and_grad(bad)(a)
    with pytest.raises(ValueError):
        mx.grad(bad)(a)


def test_grad_takes_no_tuple(a):
    with pytest.raises(ValueError):
        mx.grad(lambda x: (x.sum(), 1))(a)


def test_dtypes_of_gradients(a):
    assert mx.grad(lambda x: x.sum())(a.astype(mx.float16)).dtype == mx.float16
    assert mx.grad(lambda x: x.astype(mx.float16).sum())(a).dtype == mx.float32
    assert mx.grad(lambda x: (x * 2).sum())(mx.array([1, 2])).dtype == mx.int32
    assert mx.grad(lambda x: (x * x).sum())(mx.array([1 + 2j])).dtype == mx.complex64


def test_arguments_that_are_not_used_get_zeros(a, b):
    assert mx.grad(lambda x, y: y.sum(), argnums=(0, 1))(a, b)[0].tolist() == [0, 0]


# ---- Trees

def test_trees_keep_their_form(a, b):
    tree = {"a": a, "b": [b, (a, Point(a, b))], "c": PlainTuple([b]), "e": [], "d": PlainDict(x=a)}

    def loss(t):
        return (t["a"] * t["b"][0]).sum() + t["b"][1][1].y.sum() + 3 * t["c"][0].sum() + t["d"]["x"].sum()
    g = mx.grad(loss)(tree)
    assert list(g) == list(tree)
    assert type(g["b"][1]) is tuple and type(g["b"][1][1]) is Point
    assert type(g["c"]) is PlainTuple and type(g["d"]) is dict and g["e"] == []
    assert g["a"].tolist() == [3, 4] and g["b"][0].tolist() == [1, 2] and g["b"][1][0].tolist() == [0, 0]
    assert g["b"][1][1].x.tolist() == [0, 0] and g["b"][1][1].y.tolist() == [1, 1]
    assert g["c"][0].tolist() == [3, 3] and g["d"]["x"].tolist() == [1, 1]


@pytest.mark.parametrize("argument", [3, 3.0, None, "s", {"a": 1}, [None], {}, [], (), np.ones(2)])
def test_only_trees_of_arrays_can_be_differentiated_by(argument):
    with pytest.raises(ValueError):
        mx.grad(lambda x: mx.array(1.0))(argument)


def test_one_array_in_two_places(a):
    g = mx.grad(lambda t: (t[0] * t[1] * t[1]).sum())([a, a])
    assert g[0].tolist() == [1, 4] and g[1].tolist() == [2, 8]


def test_one_container_in_two_arguments(a):
    shared = [a]
    g = mx.grad(lambda s, t: (s[0] * t[0]).sum(), argnums=(0, 1))(shared, shared)
    assert shared[0] is a
    assert len(g) == 2


def test_a_list_that_holds_itself():
    loop = []
    loop.append(loop)
    for call in (lambda: mx.grad(lambda x: x)(loop), lambda: mx.eval(loop)):
        with pytest.raises(RecursionError):
            call()


# ---- Containers during and after the call

def test_containers_are_filled_in_place_and_restored(a, b):
    params = {"a": a, "b": [b]}
    seen = []

    def loss(p):
        seen.append(p is params and p["a"] is not a and p["b"][0] is not b)
        return (params["a"] * p["b"][0]).sum()
    g = mx.grad(loss)(params)
    assert seen == [True]
    assert g["a"].tolist() == [3, 4] and g["b"][0].tolist() == [1, 2]
    assert params["a"] is a and params["b"][0] is b


def test_containers_are_restored_after_an_exception(a, b):
    params = {"a": a, "b": [b, (a, [b])]}

    def bad(p):
        raise KeyError("mine")
    for transform in (mx.grad, mx.value_and_grad):
        with pytest.raises(KeyError, match="mine"):
            transform(bad)(params)
        with pytest.raises(ValueError):
            transform(lambda p: p["a"])(params)
        assert params["a"] is a and params["b"][0] is b and params["b"][1][0] is a and params["b"][1][1][0] is b
    assert mx.grad(lambda p: p["a"].sum())(params)["a"].tolist() == [1, 1]


def test_what_the_function_puts_into_a_container_stays(a, b):
    params = {"a": a, "b": b}

    def loss(p):
        p["a"] = p["a"] * 2
        p["new"] = p["b"] * 3
        return p["a"].sum()
    g = mx.grad(loss)(params)
    assert g["a"].tolist() == [2, 2] and g["b"].tolist() == [0, 0] and list(g) == ["a", "b"]
    assert params["a"].tolist() == [2, 4] and params["b"] is b and params["new"].tolist() == [9, 12]


def test_what_the_function_removes_is_gone_but_has_a_gradient(a, b):
    params = [a, b]

    def loss(p):
        return p.pop().sum() + p[0].sum()
    g = mx.grad(loss)(params)
    assert len(g) == 2 and g[1].tolist() == [1, 1]
    assert len(params) == 1 and params[0] is a


def test_assignment_inside(a):
    def set_in_place(x):
        x[0] = 5
        return x.sum()
    assert mx.grad(set_in_place)(a).tolist() == [0, 1]
    assert a.tolist() == [1, 2]
    params = [a]

    def scale_in_place(p):
        p[0] *= 2
        return p[0].sum()
    assert mx.grad(scale_in_place)(params)[0].tolist() == [2, 2]
    assert params[0].tolist() == [2, 4] and a.tolist() == [1, 2]


def test_eval_print_and_branches_inside(a):
    def loss(x):
        y = x * x
        mx.eval(y)
        assert "array" in repr(y)
        return (y * 3).sum() if y[0].item() < 100 else y.sum()
    assert mx.grad(loss)(a).tolist() == [6, 12]


def test_a_leaked_tracer_is_an_ordinary_array(a):
    leaked = []

    def loss(x):
        leaked.extend([x, x * 2])
        return x.sum()
    mx.grad(loss)(a)
    assert leaked[0].tolist() == [1, 2] and (leaked[1] + leaked[0]).tolist() == [3, 6]


# ---- The function that a transform returns

def documented(x, scale=2):
    "A text."
    return (x * scale).sum()


documented.tag = 3


@pytest.mark.parametrize("transform", [mx.grad, mx.value_and_grad, mx.vmap])
def test_attributes_are_those_of_the_function(transform):
    f = transform(documented)
    assert callable(f)
    assert (f.__name__, f.__doc__, f.__module__, f.tag) == ("documented", "A text.", __name__, 3)
    assert str(inspect.signature(f)) == "(x, scale=2)"
    assert f is not documented and type(f) is not type(documented)
    with pytest.raises(AttributeError):
        f.nothing
    with pytest.raises(AttributeError):
        f.other = 1
    assert f.__call__ is not documented.__call__


def test_methods_and_keywords(a):
    class Model:
        def loss(self, x, k=1):
            return (k * x).sum()
    assert mx.grad(Model().loss)(a, k=3).tolist() == [3, 3]
    assert mx.grad(fun=Model().loss, argnums=0)(a).tolist() == [1, 1]


# ---- Nesting

def test_derivatives_of_derivatives():
    def cube(x):
        return x * x * x
    x = mx.array(2.0)
    assert mx.grad(cube)(x).item() == 12
    assert mx.grad(mx.grad(cube))(x).item() == 12
    assert mx.grad(mx.grad(mx.grad(cube)))(x).item() == 6
    _, (second,) = mx.jvp(mx.grad(cube), [x], [mx.array(1.0)])
    assert second.item() == 12
    assert mx.vmap(mx.grad(cube))(mx.array([1.0, 2.0])).tolist() == [3, 12]
    assert mx.grad(lambda v: mx.vmap(cube)(v).sum())(mx.array([1.0, 2.0])).tolist() == [3, 12]


def test_the_inner_derivative_sees_the_outer_argument():
    def outer(x):
        return x * mx.grad(lambda y: x * y * y)(mx.array(1.0))
    assert mx.grad(outer)(mx.array(3.0)).item() == 12  # x * 2x


# ---- vjp and jvp

def test_vjp(a, b):
    outs, grads = mx.vjp(lambda x, y: (x * y, x), (a, b), (mx.ones(2), a))
    assert type(outs) is list and type(grads) is list
    assert [o.tolist() for o in outs] == [[3, 8], [1, 2]]
    assert [g.tolist() for g in grads] == [[4, 6], [1, 2]]
    outs, grads = mx.vjp(lambda x: [x, x * 2], [a], [a, b])
    assert grads[0].tolist() == [7, 10]
    outs, grads = mx.vjp(lambda x: x * 2, [a], [mx.array([1, 2])])
    assert grads[0].tolist() == [2, 4] and grads[0].dtype == mx.float32


def test_outputs_of_stop_gradient_take_no_cotangent(a, b):
    _, grads = mx.vjp(lambda x: (mx.stop_gradient(x), x * 2), [a], [b])
    assert grads[0].tolist() == [6, 8]


def test_jvp(a, b):
    outs, tangents = mx.jvp(lambda x, y: x * y, [a, b], [a, b])
    assert type(outs) is list and type(tangents) is list
    assert outs[0].tolist() == [3, 8] and tangents[0].tolist() == [6, 16]
    _, tangents = mx.jvp(lambda x: (b, x * 2, mx.stop_gradient(x)), [a], [a])
    assert [t.tolist() for t in tangents] == [[0, 0], [2, 4], [0, 0]]


def test_products_that_do_not_fit(a, b):
    for call in (lambda: mx.vjp(lambda x: x, [a], []), lambda: mx.vjp(lambda x: x, [a], [mx.ones(3)]),
                 lambda: mx.vjp(lambda x: x.sum(), [a], [mx.ones(1)]), lambda: mx.jvp(lambda x: x, [a], []),
                 lambda: mx.jvp(lambda x: x, [a], [mx.ones((2, 2))])):
        with pytest.raises(ValueError):
            call()
    for transform in (mx.vjp, mx.jvp):
        with pytest.raises(TypeError):
            transform(lambda x: x, [1.0], [a])
        with pytest.raises(RuntimeError):
            transform(lambda x: 3, [a], [a])


# ---- vmap

@pytest.fixture
def m():
    return mx.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])


def test_vmap_axes(m):
    n = np.array(m)
    assert mx.vmap(lambda x, y: x * y)(m, m).tolist() == (n * n).tolist()
    assert mx.vmap(lambda x: x * 2, in_axes=1)(m).tolist() == (2 * n.T).tolist()
    assert mx.vmap(lambda x: x * 2, in_axes=1, out_axes=1)(m).tolist() == (2 * n).tolist()
    assert mx.vmap(lambda x: x, in_axes=-1)(m).tolist() == n.T.tolist()
    assert mx.vmap(lambda x: x, out_axes=-1)(m).tolist() == n.T.tolist()
    got = mx.vmap(lambda x, y: x * y, in_axes=(0, None))(m, mx.array([1.0, 2.0, 3.0]))
    assert got.tolist() == (n * np.array([1, 2, 3])).tolist()
    assert mx.vmap(lambda x: x.sum(), in_axes=(0,))(m).tolist() == n.sum(1).tolist()


def test_vmap_trees(m):
    n = np.array(m)
    got = mx.vmap(lambda d, y: d["a"] + d["b"] + y, in_axes=(0, None))({"a": m, "b": m}, mx.array(1.0))
    assert got.tolist() == (2 * n + 1).tolist()
    got = mx.vmap(lambda d, y: d["a"] + d["b"] + y, in_axes=({"a": 0, "b": 1}, 0))({"a": m, "b": m.T}, m)
    assert got.tolist() == (3 * n).tolist()
    got = mx.vmap(lambda d: d[0] + d[1][0])((m, [m]))
    assert got.tolist() == (2 * n).tolist()
    out = mx.vmap(lambda x: {"a": x, "b": (x, [x])}, out_axes={"a": 0, "b": (0, [1])})(m)
    assert out["a"].tolist() == n.tolist() and out["b"][1][0].tolist() == n.T.tolist()
    assert type(out["b"]) is tuple and type(out["b"][1]) is list


def test_vmap_outputs_without_the_axis(m):
    b = mx.array([3.0, 4.0])
    mapped, constant = mx.vmap(lambda x: (x, b))(m)
    assert constant.tolist() == [[3, 4], [3, 4]]
    mapped, constant = mx.vmap(lambda x: (x, b), out_axes=(0, None))(m)
    assert constant.tolist() == [3, 4]


def test_vmap_nests():
    a, b = mx.array([1.0, 2.0]), mx.array([3.0, 4.0])
    outer = mx.vmap(mx.vmap(lambda x, y: x * y, in_axes=(0, None)), in_axes=(None, 0))(a, b)
    assert outer.tolist() == [[3, 6], [4, 8]]


def test_vmap_errors(m):
    def first(x, y):
        return x

    def same(x):
        return x
    for call in (lambda: mx.vmap(first, in_axes=(None, None))(m, m), lambda: mx.vmap(first)(m, m.T),
                 lambda: mx.vmap(same, in_axes=3)(m), lambda: mx.vmap(same, out_axes=3)(m),
                 lambda: mx.vmap(same)(mx.array(1.0)), lambda: mx.vmap(lambda: m)(),
                 lambda: mx.vmap(first, in_axes=(0,))(m, m), lambda: mx.vmap(first, in_axes=[0, 0])(m, m),
                 lambda: mx.vmap(same, in_axes="a")(m), lambda: mx.vmap(same, in_axes=1.0)(m),
                 lambda: mx.vmap(same, out_axes=(0, 0))(m), lambda: mx.vmap(lambda x: {"a": x}, out_axes={"b": 0})(m),
                 lambda: mx.vmap(first, in_axes=(0, None))(m, 2.0), lambda: mx.vmap(lambda x: 2.0)(m),
                 lambda: mx.vmap(lambda x: (x, None))(m), lambda: mx.vmap(same)(np.ones((2, 3)))):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(TypeError):
        mx.vmap(lambda x: x)(x=m)
    with pytest.raises(TypeError):
        mx.vmap(lambda x: x, in_axes=None)


def test_placeholders_cannot_be_evaluated(m):
    leaked = []

    def keep(x):
        leaked.append(x)
        return x
    for bad in (lambda x: x * x.sum().item(), lambda x: (mx.eval(x), x)[1], lambda x: x if x[0] > 0 else x):
        with pytest.raises(ValueError):
            mx.vmap(bad)(m)
    mx.vmap(keep)(m)
    with pytest.raises((ValueError, RuntimeError)):
        mx.eval(leaked[0])
    with pytest.raises(ValueError):
        mx.vmap(lambda x: (mx.async_eval(x * 2), x)[1])(m)


def test_vmap_leaves_containers_alone(m):
    d = {"a": m}
    mx.vmap(lambda x: x["a"])(d)
    assert d["a"] is m


# ---- eval

def test_eval_takes_trees_and_ignores_the_rest(a, b):
    x, y, z = a + b, a * b, a - b
    assert mx.eval(None, 3, "a", [x, {"k": (y,)}], Point(z, 1), {1, 2}) is None
    assert mx.eval() is None
    assert x.tolist() == [4, 6]
    with pytest.raises(TypeError):
        mx.eval(x=a)
    assert mx.async_eval(a + 1, [b + 1]) is None


def test_eval_of_the_random_state():
    assert mx.eval(mx.random.state, [mx.random.state]) is None


def test_what_vjp_and_jvp_must_be_given():
    for transform, name in ((mx.vjp, "vjp"), (mx.jvp, "jvp")):
        for returned in (None, 3, [mx.array(1.0), "a"]):
            with pytest.raises(RuntimeError, match=rf"\[{name}\] The function must return an array"):
                transform(lambda x: returned, [mx.array(1.0)], [mx.array(1.0)])
