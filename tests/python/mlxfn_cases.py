# SPDX-License-Identifier: MIT
"""Functions that are exported, (name, function, arguments): for the test and for recording what MLX does."""

import mlx.core as mx
import mlx.nn as nn

X = mx.array([[1.0, -2.0, 3.0], [4.0, 5.5, -6.0]])
I = mx.array([7, -8, 9])
B = mx.array([[True, False, True], [False, False, True]])
S = mx.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
Q = mx.arange(32, dtype=mx.float32).reshape(1, 2, 4, 4) / 16

UNARY = """abs negative sign square floor ceil round sqrt rsqrt reciprocal exp expm1 log log2 log10 log1p sin cos
    tan sinh cosh tanh arcsin arccos arctan arcsinh arctanh erf erfinv sigmoid isnan logical_not""".split()
BINARY = """add subtract multiply divide floor_divide remainder power maximum minimum logaddexp arctan2 equal not_equal
    less less_equal greater greater_equal""".split()

CASES = [
    ("unary", lambda a: tuple(getattr(mx, name)(a) for name in UNARY) + (mx.arccosh(1 + a),), (mx.abs(X) / 8,)),
    ("binary", lambda a, b: tuple(getattr(mx, name)(a, b) for name in BINARY), (mx.abs(X), mx.array([2.0, 3.0, 5.0]))),
]
CASES += [
    ("int_division", lambda a: (a // 2, a % 4, *mx.divmod(a, 3)), (mx.abs(I),)),
    ("bits", lambda a: (a & 5, a | 5, a ^ 5, a << 2, a >> 1), (I,)),
    ("invert", lambda a: mx.bitwise_invert(a), (I,)),
    ("logic", lambda a: (mx.logical_and(a, ~a), mx.logical_or(a, ~a)), (B,)),
    ("casts", lambda a: (a.astype(mx.int32), a.astype(mx.float16), a.astype(mx.bool_)), (X,)),
    ("complex", lambda a: (mx.real(a), mx.imag(a), mx.conjugate(a)), (mx.array([1 + 2j, 3 - 4j]),)),
    ("reductions", lambda a: (a.sum(0), a.prod(), a.min(1), a.max(1, keepdims=True), a.mean(0), a.var()), (X,)),
    ("all_any", lambda a: (mx.all(a), mx.any(a, axis=0)), (B,)),
    ("logsumexp", lambda a: mx.logsumexp(a, axis=0), (X,)),
    ("args", lambda a: (mx.argmax(a, axis=1), mx.argmin(a)), (X,)),
    ("sums", lambda a: (mx.cumsum(a, 0), mx.cumprod(a, 1, reverse=True)), (X,)),
    ("extremes", lambda a: (mx.cummax(a, 1), mx.cummin(a, 0, inclusive=False)), (X,)),
    ("softmax", lambda a: mx.softmax(a, axis=0), (X,)),
    ("where", lambda a: mx.where(a > 2, a, 0.0), (X,)),
    ("matmul", lambda a: (a @ a.T, a[0] @ a[1]), (X,)),
    ("addmm", lambda a: mx.addmm(mx.array(1.0), a, a.T, 2.0, 3.0), (X,)),
    ("layout", lambda a: (a.T, a.reshape(3, 2), a.flatten(), mx.expand_dims(a, 1), a[None].squeeze(0)), (X,)),
    ("unflatten", lambda a: mx.unflatten(a, 1, (3, 1)), (X,)),
    ("broadcast", lambda a: mx.broadcast_to(a, (2, 2, 3)), (X,)),
    ("tile", lambda a: mx.tile(a, (2, 1)), (X,)),
    ("pad", lambda a: mx.pad(a, ((1, 0), (0, 2))), (X,)),
    ("slices", lambda a: (a[:, -1], a[1:, ::2], a[::-1], a[:, ::-2]), (X,)),
    ("split", lambda a: tuple(mx.split(a, 3, axis=1)), (X,)),
    ("join", lambda a: (mx.concatenate([a, a], axis=1), mx.stack([a, a])), (X,)),
    ("diagonal", lambda a: (mx.diagonal(a), mx.diagonal(a, 1), mx.diagonal(a, -1)), (X,)),
    ("take", lambda a, i: (mx.take(a, i, axis=1), a[i]), (X, mx.array([1, 0]))),
    ("take_along", lambda a: mx.take_along_axis(a, mx.array([[0], [2]]), axis=1), (X,)),
    ("scatters", lambda a: (a.at[mx.array([0, 1])].add(1.0), a.at[mx.array([1])].maximum(2.0)), (X,)),
    ("put_along", lambda a: mx.put_along_axis(a, mx.array([[0], [2]]), mx.array(9.0), axis=1), (X,)),
    ("slice_update", lambda a: mx.slice_update(a, a[:1] * 2, mx.array([1]), (0,)), (X,)),
    ("strided", lambda a: mx.as_strided(a, (2, 2), (1, 2), 1), (X,)),
    ("view", lambda a: mx.view(a, mx.uint32), (X,)),
    ("searchsorted", lambda a: mx.searchsorted(mx.array([-1.0, 0.0, 2.0]), a), (X,)),
    ("fft", lambda a: (mx.fft.rfft(a), mx.fft.ifft(a, n=4, axis=0), mx.fft.irfft(a, n=5, norm="ortho")), (X,)),
    ("fft_axes", lambda a: (mx.fft.irfftn(a, norm="forward"), mx.fft.fft2(a, axes=[1, 0])), (X,)),
    ("sorts", lambda a: (mx.sort(a), mx.sort(a, axis=0), mx.argsort(a), mx.argsort(a, axis=None)), (X,)),
    ("partitions", lambda a: (mx.topk(a, 1), mx.partition(mx.sort(a), 1), mx.argpartition(mx.sort(a), -1)), (X,)),
    ("median", lambda a: (mx.median(a), mx.median(a, axis=1)), (X,)),
    ("permutation", lambda k: mx.random.permutation(5, key=k), (mx.random.key(3),)),
    ("inverses", lambda a: (mx.linalg.inv(a), mx.linalg.tri_inv(a, upper=True), mx.linalg.cholesky(a)), (S,)),
    ("factors", lambda a: (mx.linalg.qr(a)[1], *mx.linalg.eigh(a, "U"), mx.linalg.svd(a, compute_uv=False)), (S,)),
    ("values", lambda a: (mx.linalg.svd(a)[1], mx.linalg.eigvalsh(a), mx.linalg.eigvals(a), mx.linalg.pinv(a)), (S,)),
    ("constants", lambda a: a + mx.zeros((2, 3)) + mx.arange(3) + mx.array([1.0, 2.0, 3.0]), (X,)),
    ("tril", lambda a: mx.tril(a), (X,)),
    ("rms_norm", lambda a: mx.fast.rms_norm(a, mx.array([1.0, 2.0, 3.0]), 1e-5), (X,)),
    ("layer_norm", lambda a: mx.fast.layer_norm(a, mx.array([1.0, 2.0, 3.0]), None, 1e-5), (X,)),
    ("rope", lambda a: mx.fast.rope(a, 4, traditional=False, base=1e4, scale=1.0, offset=2), (Q,)),
    ("rope_pairs", lambda a: mx.fast.rope(a, 2, traditional=True, base=1e4, scale=0.5, offset=0), (Q,)),
    ("attention", lambda q: mx.fast.scaled_dot_product_attention(q, q, q, scale=0.5, mask="causal"), (Q,)),
    ("gelu", lambda a: (nn.gelu(a), nn.silu(a)), (X,)),
    ("cross_entropy", lambda a: nn.losses.cross_entropy(a, mx.array([0, 2])), (X,)),
    ("fast_cross_entropy", lambda a: mx.fast.cross_entropy(a, mx.array([0, 2])), (X,)),
    ("gradient", lambda a: mx.grad(lambda b: nn.losses.cross_entropy(b @ b.T, mx.array([0, 1])).sum())(a), (X,)),
    ("random", lambda k: mx.random.uniform(shape=(2, 2), key=k), (mx.random.key(3),)),
    ("outputs", lambda a, b: (a, b, a), (X, I)),
]
SHAPELESS = [
    (
        "any_size",
        lambda a, b: mx.softmax(a * 2 + b.sum(axis=0, keepdims=True), axis=-1).sum(-1),
        (X, X),
        (X.T, mx.ones((4, 2))),
    ),
    ("any_product", lambda a: mx.tanh(a @ a.T), (X,), (X.T,)),
    ("any_mean", lambda a: a - a.mean(axis=1, keepdims=True) + mx.mean(a) * mx.var(a, axis=0), (X,), (X.T,)),
    ("any_std", lambda a: mx.std(a, axis=-1, ddof=1), (X,), (X.T,)),
    ("any_norm", lambda a, w: mx.fast.layer_norm(a, w, None, 1e-5), (X, X[0]), (X.T, X[:, 0])),
    ("any_bare_norm", lambda a: mx.fast.rms_norm(a, None, 1e-5), (X,), (X.T,)),
    ("any_flat", lambda a: mx.flatten(a) + mx.unflatten(a, -1, (1, 3)).reshape(-1), (X,), (mx.ones((5, 3)),)),
    ("any_rows", lambda a: mx.reshape(a, (-1, 2)), (X,), (mx.ones((5, 4)),)),
    ("any_softmax", lambda a: mx.softmax(a) * mx.logsumexp(a, axis=(0, 1)), (X,), (X.T,)),
    ("any_place", lambda a: mx.argmax(a), (X,), (X.T,)),
    ("any_order", lambda a: (mx.sort(a), mx.argsort(a, axis=0), mx.partition(a, 0).min(-1)), (X,), (X.T,)),
    ("any_ones", lambda a: mx.ones_like(a) - a, (X,), (X.T,)),
    ("any_gradient", lambda a: mx.grad(lambda b: mx.square(b).mean())(a), (X,), (X.T,)),
    (
        "any_layer",
        lambda x: mx.grad(lambda x, w, b: mx.square(mx.tanh(x @ w + b)).mean(), argnums=(0, 1, 2))(x, X.T, X.sum(1)),
        (X,),
        (mx.concatenate([X, X * 0.5, X - 1]),),
    ),
    (
        "any_einsum",
        lambda a, b: (mx.einsum("ij,kj->ki", a, b), mx.einsum("ij->ji", b)),
        (X, X),
        (mx.concatenate([X, X]) * 0.5, mx.concatenate([X, -X, X])[:3]),
    ),
    ("any_inner", lambda a, b: mx.inner(a, b), (X, X), (X.T, mx.ones((2, X.shape[0])))),
]
