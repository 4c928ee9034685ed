# SPDX-License-Identifier: MIT
"""Programs with control flow and whole Jacobians, written for Mica and for JAX: `x` is mlx.core or an adapter of JAX
(record_golden_jax.py).  Each returns arrays, or trees of them."""

X = [[0.3, -0.7, 0.2], [0.9, 0.1, -0.4], [-0.2, 0.5, 0.6], [0.8, -0.1, 0.3]]
C = [0.5, -0.25, 1.5]
W = [1.25, 0.75, -0.5]


def step(x, w):
    def f(c, v):
        n = x.sin(c) * w + v
        return n, n * c
    return f


def scan_sum(x, reverse=False):
    def f(c, xs, w):
        c, ys = x.scan(step(x, w), c, xs, reverse=reverse)
        return c.sum() + (ys * ys).sum()
    return f


def scan(x, c, xs, w):
    return x.scan(step(x, w), c, xs)


def scan_reverse(x, c, xs, w):
    return x.scan(step(x, w), c, xs, reverse=True)


def scan_of_trees(x, c, xs, w):
    def f(carry, v):
        n = carry["a"] * v["p"] + carry["b"]
        return {"a": n, "b": carry["b"] * 0.5}, (n, {"q": v["p"].sum()})
    return x.scan(f, {"a": c, "b": w}, {"p": xs})


def scan_length(x, c, xs, w):
    return x.scan(lambda a, _: (a * 1.5, None), c, None, length=4)[0]


def grad_of_scan(x, c, xs, w):
    return [x.grad(scan_sum(x, r), argnums=i)(c, xs, w) for r in (False, True) for i in (0, 1, 2)]


def jvp_of_scan(x, c, xs, w):
    return [x.jvp(scan_sum(x), (c, xs, w), (w, xs, c))]


def grad_of_grad_of_scan(x, c, xs, w):
    return x.grad(lambda a: (x.grad(scan_sum(x), argnums=2)(c, xs, a) ** 2).sum())(w)


def vmap_of_scan(x, c, xs, w):
    f = lambda c, xs: x.scan(step(x, w), c, xs)
    g = lambda c, xs: x.scan(step(x, w[0]), c, xs)
    return [x.vmap(f, in_axes=(0, None))(xs, xs), x.vmap(g, in_axes=(None, 1))(c[0], xs)]


def vmap_of_grad_of_scan(x, c, xs, w):
    return x.vmap(x.grad(scan_sum(x), argnums=2), in_axes=(0, None, 0))(xs, xs, xs)


def scan_with_counter(x, c, xs, w):
    def f(a, v):
        i, s = a
        return (i + 1, s + v * x.to_float(i)), i
    return x.scan(f, (x.int32(0), c), xs)


def grad_of_scan_with_counter(x, c, xs, w):
    def f(c, xs):
        (_, s), _ = scan_with_counter(x, c, xs, w)
        return (s * s).sum()
    return [x.grad(f, argnums=i)(c, xs) for i in (0, 1)]


def scan_in_scan(x, c, xs, w):
    def inner(a, v):
        return a * v + 0.1, a
    def outer(a, v):
        b, ys = x.scan(inner, a, v)
        return b, ys.sum()
    return x.grad(lambda c, xs: x.scan(outer, c.sum(), xs)[0] + x.scan(outer, c.sum(), xs)[1].sum())(c, xs)


def while_loop(x, c, xs, w):
    return x.while_loop(lambda v: v[0] < 5, lambda v: (v[0] + 1, x.sin(v[1]) * w + v[1]), (x.int32(1), c))


def jvp_of_while_loop(x, c, xs, w):
    def f(c, w):
        return x.while_loop(lambda v: (v * v).sum() < 20, lambda v: v * 1.5 + w, c)
    return [x.jvp(f, (c, w), (w, c))]


def vmap_of_while_loop(x, c, xs, w):
    f = lambda v, lim: x.while_loop(lambda v: v < lim, lambda v: v * 2 + 0.1, v)
    lims = w * 7 + 4
    return [x.vmap(f)(c + 1, lims), x.vmap(f, in_axes=(None, 0))(c[0], lims),
            x.vmap(f, in_axes=(0, None))(c + 1, lims[0])]


def cond(x, c, xs, w):
    f = lambda p: x.cond(p, lambda a, b: (a * b, a + w), lambda a, b: (x.sin(a), b), c, w)
    return [f(c[0] > 0), f(c[1] > 0)]


def grad_of_cond(x, c, xs, w):
    def f(a, b):
        return (x.cond(a.sum() > b.sum(), lambda a, b: a * b, lambda a, b: a * a * w, a, b) * xs).sum()
    return [x.grad(f, argnums=i)(*p) for i in (0, 1) for p in ((c, w), (w, c))]


def jvp_of_cond(x, c, xs, w):
    f = lambda a: x.cond(a[0] > 0, lambda a: x.sin(a) * w, lambda a: a * a, a)
    return [x.jvp(f, (c,), (w,)), x.jvp(f, (-c,), (w,))]


def vmap_of_cond(x, c, xs, w):
    f = lambda p, a: x.cond(p > 0, lambda a: a * w, lambda a: x.sin(a), a)
    return [x.vmap(f)(xs[:, 0], xs), x.vmap(f, in_axes=(None, 0))(c[0], xs), x.vmap(f, in_axes=(0, None))(xs[:, 0], c)]


def grad_of_vmap_of_cond(x, c, xs, w):
    f = lambda p, a: x.cond(p > 0, lambda a: a * a * w, lambda a: x.sin(a), a)
    return x.grad(lambda a: x.vmap(f)(xs[:, 0], a).sum())(xs)


def jacobians(x, c, xs, w):
    f = lambda a, b: {"p": x.sin(a) * b, "q": (a * a).sum()}
    return [j(f, argnums=k)(c, w) for j in (x.jacfwd, x.jacrev) for k in (0, 1, (0, 1))]


def jacobian_of_a_tree(x, c, xs, w):
    f = lambda p: (p["a"] * p["b"], xs * p["a"])
    return [j(f)({"a": c, "b": w}) for j in (x.jacfwd, x.jacrev)]


def hessian(x, c, xs, w):
    f = lambda a, b: (x.sin(a) * b * b).sum()
    return [x.hessian(f)(c, w), x.hessian(f, argnums=(0, 1))(c, w)]


def hessian_of_scan(x, c, xs, w):
    return x.hessian(scan_sum(x), argnums=2)(c, xs, w)


def linearize(x, c, xs, w):
    out, f = x.linearize(lambda a, b: {"p": x.sin(a) * b, "q": (a * a).sum()}, c, w)
    return [out, f(w, c), f(c, c)]


CASES = [f for f in list(globals().values()) if callable(f) and f.__name__ not in ("step", "scan_sum")]


def flatten(tree):
    """The leaves as nested lists, in an order that does not depend on the kind of containers."""
    if isinstance(tree, dict):
        return [v for k in sorted(tree) for v in flatten(tree[k])]
    if isinstance(tree, (list, tuple)):
        return [v for item in tree for v in flatten(item)]
    return [] if tree is None else [tree.tolist()]
