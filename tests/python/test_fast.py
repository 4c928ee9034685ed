# SPDX-License-Identifier: MIT
"""mlx.core.fast against the formulas in float64, and its arguments."""
import importlib

import numpy as np
import pytest

import mlx.core as mx

# A few roundings of the dtype and of the float32 inside.
EPSILON = {mx.float32: 2 ** -23, mx.float16: 2 ** -10, mx.bfloat16: 2 ** -7}
FLOATS = list(EPSILON)


def draw(shape, dtype=mx.float32, seed=0):
    return mx.array(np.random.default_rng(seed).standard_normal(shape, np.float32)).astype(dtype)


def wide(x):
    return np.array(x.astype(mx.float32)).astype(np.float64)


def close(got, want, dtype, ulps=16):
    assert got.dtype == dtype
    got = wide(got)
    assert got.shape == want.shape
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    assert np.abs(got - want).max(initial=0) <= ulps * EPSILON[dtype] * scale


# ---- Norms

@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(5,), (3, 64), (2, 3, 129), (0, 4)])
def test_norms(shape, dtype):
    x, w, b = draw(shape, dtype), draw(shape[-1:], dtype, 1), draw(shape[-1:], dtype, 2)
    n = wide(x)
    rms = n / np.sqrt((n ** 2).mean(-1, keepdims=True) + 1e-5)
    close(mx.fast.rms_norm(x, w, 1e-5), rms * wide(w), dtype)
    close(mx.fast.rms_norm(x, None, eps=1e-5), rms, dtype)
    norm = (n - n.mean(-1, keepdims=True)) / np.sqrt(n.var(-1, keepdims=True) + 1e-5)
    close(mx.fast.layer_norm(x, w, b, 1e-5), norm * wide(w) + wide(b), dtype)
    close(mx.fast.layer_norm(x, None, None, 1e-5), norm, dtype)


def test_gradients_of_norms():
    x, w, b = draw((3, 16)), draw((16,), seed=1), draw((16,), seed=2)

    def rms(x, w):
        return x * mx.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w

    def norm(x, w, b):
        d = x - x.mean(-1, keepdims=True)
        return d * mx.rsqrt((d * d).mean(-1, keepdims=True) + 1e-5) * w + b
    k = draw((3, 16), seed=3)
    got = mx.grad(lambda x, w: (mx.fast.rms_norm(x, w, 1e-5) * k).sum(), (0, 1))(x, w)
    want = mx.grad(lambda x, w: (rms(x, w) * k).sum(), (0, 1))(x, w)
    for g, v in zip(got, want):
        close(g, wide(v), mx.float32, 64)
    got = mx.grad(lambda x, w, b: (mx.fast.layer_norm(x, w, b, 1e-5) * k).sum(), (0, 1, 2))(x, w, b)
    want = mx.grad(lambda x, w, b: (norm(x, w, b) * k).sum(), (0, 1, 2))(x, w, b)
    for g, v in zip(got, want):
        close(g, wide(v), mx.float32, 64)


# ---- Rotary positions

def rotate(n, dims, traditional, angle_of, scale, offset):
    out = n.copy()
    half = dims // 2
    t = (offset + np.arange(n.shape[-2]))[:, None] * scale
    angle = t * angle_of(np.arange(half))[None, :]
    c, s = np.cos(angle), np.sin(angle)
    if traditional:
        first, second = n[..., 0:dims:2], n[..., 1:dims:2]
        out[..., 0:dims:2], out[..., 1:dims:2] = first * c - second * s, first * s + second * c
    else:
        first, second = n[..., :half], n[..., half:dims]
        out[..., :half], out[..., half:dims] = first * c - second * s, first * s + second * c
    return out


@pytest.mark.parametrize("traditional", [False, True])
@pytest.mark.parametrize("dims", [2, 8, 16])
@pytest.mark.parametrize("offset", [0, 5])
def test_rope(dims, traditional, offset):
    x = draw((2, 3, 7, 16))
    got = mx.fast.rope(x, dims, traditional=traditional, base=10000.0, scale=0.5, offset=offset)
    want = rotate(wide(x), dims, traditional, lambda i: 10000.0 ** (-i / (dims / 2)), 0.5, offset)
    close(got, want, mx.float32, 64)
    freqs = mx.array(np.linspace(1, 3, dims // 2, dtype=np.float32))
    got = mx.fast.rope(x, dims, traditional=traditional, base=None, scale=1.0, offset=mx.array(offset), freqs=freqs)
    want = rotate(wide(x), dims, traditional, lambda i: 1 / wide(freqs)[i], 1.0, offset)
    close(got, want, mx.float32, 64)


def test_rope_with_an_offset_for_each_row():
    x = draw((2, 3, 7, 16))
    got = mx.fast.rope(x, 16, traditional=False, base=100.0, scale=1.0, offset=mx.array([3, 9]))
    for row, offset in enumerate((3, 9)):
        alone = mx.fast.rope(x[row:row + 1], 16, traditional=False, base=100.0, scale=1.0, offset=offset)
        close(got[row:row + 1], wide(alone), mx.float32)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rope_keeps_the_dtype(dtype):
    x = draw((1, 4, 8), dtype)
    got = mx.fast.rope(x, 8, traditional=False, base=10000.0, scale=1.0, offset=0)
    close(got, rotate(wide(x), 8, False, lambda i: 10000.0 ** (-i / 4), 1.0, 0), dtype)


# ---- Attention

def attend(q, k, v, scale, mask=None, sinks=None):
    q, k, v = wide(q), wide(k), wide(v)
    repeats = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, repeats, 1), np.repeat(v, repeats, 1)
    scores = q @ k.transpose(0, 1, 3, 2) * scale
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if sinks is not None:
        extra = np.broadcast_to(wide(sinks)[None, :, None, None], scores.shape[:3] + (1,))
        scores = np.concatenate([scores, extra], -1)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights[..., :k.shape[2]] @ v


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("lengths", [(5, 5), (3, 9), (1, 7)])
def test_attention(lengths, heads, dtype):
    (lq, lk), (nq, nk) = lengths, heads
    q, k, v = draw((2, nq, lq, 16), dtype), draw((2, nk, lk, 16), dtype, 1), draw((2, nk, lk, 8), dtype, 2)
    sdpa = mx.fast.scaled_dot_product_attention
    close(sdpa(q, k, v, scale=0.25), attend(q, k, v, 0.25), dtype)
    causal = np.tril(np.ones((lq, lk), bool), lk - lq)
    close(sdpa(q, k, v, scale=0.25, mask="causal"), attend(q, k, v, 0.25, causal), dtype)
    close(sdpa(q, k, v, scale=0.25, mask=mx.array(causal)), attend(q, k, v, 0.25, causal), dtype)
    bias = draw((nq, lq, lk), dtype, 3)
    close(sdpa(q, k, v, scale=0.25, mask=bias), attend(q, k, v, 0.25, wide(bias)), dtype)
    sinks = draw((nq,), dtype, 4)
    close(sdpa(q, k, v, scale=0.25, sinks=sinks), attend(q, k, v, 0.25, sinks=sinks), dtype)


def test_gradient_of_attention():
    q, k, v = draw((1, 2, 4, 8)), draw((1, 2, 4, 8), seed=1), draw((1, 2, 4, 8), seed=2)

    def plain(q, k, v):
        return (mx.softmax(q @ k.swapaxes(-1, -2) * 0.3, axis=-1) @ v * v).sum()

    def fast(q, k, v):
        return (mx.fast.scaled_dot_product_attention(q, k, v, scale=0.3) * v).sum()
    for g, w in zip(mx.grad(fast, (0, 1, 2))(q, k, v), mx.grad(plain, (0, 1, 2))(q, k, v)):
        close(g, wide(w), mx.float32, 64)


# ---- Arguments

def test_the_submodule_can_be_imported():
    assert importlib.import_module("mlx.core.fast") is mx.fast


M = mx.zeros((2, 3))
ROPE = {"traditional": False, "base": 10.0, "scale": 1.0, "offset": 0}
Q, K = mx.ones((1, 4, 3, 8)), mx.ones((1, 2, 5, 8))


def sdpa(f, *args, **kwargs):
    return f.scaled_dot_product_attention(*args, **kwargs)


VALUE_ERRORS = {
    "rms_norm weight size": lambda f: f.rms_norm(M, mx.ones(4), 1e-5),
    "rms_norm weight ndim": lambda f: f.rms_norm(M, mx.ones((2, 3)), 1e-5),
    "rms_norm 0-d": lambda f: f.rms_norm(mx.array(1.0), None, 1e-5),
    "rms_norm ints": lambda f: f.rms_norm(mx.array([1, 2]), None, 1e-5),
    "layer_norm bias size": lambda f: f.layer_norm(M, mx.ones(3), mx.ones(2), 1e-5),
    "layer_norm ints": lambda f: f.layer_norm(mx.array([1, 2]), None, None, 1e-5),
    "rope 2-d": lambda f: f.rope(M, 2, **ROPE),
    "rope odd dims": lambda f: f.rope(M[None], 3, **ROPE),
    "rope dims": lambda f: f.rope(M[None], 4, **ROPE),
    "rope no dims": lambda f: f.rope(M[None], 0, **ROPE),
    "rope negative dims": lambda f: f.rope(M[None], -2, **ROPE),
    "rope neither": lambda f: f.rope(M[None], 2, **{**ROPE, "base": None}),
    "rope both": lambda f: f.rope(M[None], 2, **ROPE, freqs=mx.ones(1)),
    "rope freqs size": lambda f: f.rope(M[None], 2, **{**ROPE, "base": None}, freqs=mx.ones(2)),
    "rope offsets": lambda f: f.rope(M[None], 2, **{**ROPE, "offset": mx.array([1, 2])}),
    "rope float offset": lambda f: f.rope(M[None], 2, **{**ROPE, "offset": 1.5}),
    "rope ints": lambda f: f.rope(M[None].astype(mx.int32), 2, **ROPE),
    "sdpa mask name": lambda f: sdpa(f, Q, K, K, scale=1.0, mask="other"),
    "sdpa mask shape": lambda f: sdpa(f, Q, K, K, scale=1.0, mask=mx.ones((3, 4), dtype=mx.bool_)),
    "sdpa mask ndim": lambda f: sdpa(f, Q, K, K, scale=1.0, mask=mx.ones((1, 1, 1, 3, 5))),
    "sdpa mask dtype": lambda f: sdpa(f, *[x.astype(mx.float16) for x in (Q, K, K)], scale=1.0, mask=mx.ones((3, 5))),
    "sdpa sinks": lambda f: sdpa(f, Q, K, K, scale=1.0, sinks=mx.ones(3)),
    "sdpa rank": lambda f: sdpa(f, Q[0], K, K, scale=1.0),
    "sdpa head size": lambda f: sdpa(f, Q, K[..., :4], K, scale=1.0),
    "sdpa lengths": lambda f: sdpa(f, Q, K, K[:, :, :3], scale=1.0),
    "sdpa heads": lambda f: sdpa(f, Q[:, :3], K, K, scale=1.0),
    "sdpa ints": lambda f: sdpa(f, *[x.astype(mx.int32) for x in (Q, K, K)], scale=1.0),
    "sdpa fused": lambda f: sdpa(f, Q, K, K, scale=1.0, force_fused=True),
}
TYPE_ERRORS = {
    "rms_norm without eps": lambda f: f.rms_norm(M, None),
    "rms_norm of a list": lambda f: f.rms_norm([1.0], None, 1e-5),
    "rope without names": lambda f: f.rope(M[None], 2, base=10.0),
    "sdpa without scale": lambda f: sdpa(f, Q, K, K),
    "sdpa scale by position": lambda f: sdpa(f, Q, K, K, 1.0),
    "sdpa mask of ints": lambda f: sdpa(f, Q, K, K, scale=1.0, mask=3),
}


@pytest.mark.parametrize("name", VALUE_ERRORS)
def test_wrong_values(name):
    with pytest.raises(ValueError):
        mx.eval(VALUE_ERRORS[name](mx.fast))


@pytest.mark.parametrize("name", TYPE_ERRORS)
def test_wrong_types(name):
    with pytest.raises(TypeError):
        TYPE_ERRORS[name](mx.fast)


def test_cross_entropy():
    x, t = mx.array([[1.0, 2, 3], [4, 5, 7]]), mx.array([0, -1])
    loss = mx.fast.cross_entropy(x, t)
    near = lambda a, b: np.testing.assert_allclose(np.array(a.astype(mx.float32)), b, rtol=1e-6, atol=1e-6)
    near(loss, [2.4076059, 0.1698460])
    assert mx.fast.cross_entropy(x.astype(mx.bfloat16), t).dtype == mx.float32
    for dtype in (mx.uint8, mx.int64, mx.uint32):
        near(mx.fast.cross_entropy(x, mx.array([0, 2], dtype)), [2.4076059, 0.1698460])
    slope = mx.grad(lambda a: mx.fast.cross_entropy(a, t).sum())(x)
    near(slope, [[-0.9099695, 0.2447285, 0.6652410], [0.0420101, 0.1141952, -0.1562053]])
    half = mx.grad(lambda a: mx.fast.cross_entropy(a, t).sum())(x.astype(mx.float16))
    assert half.dtype == mx.float16
    np.testing.assert_allclose(np.array(half), np.array(slope), rtol=1e-3)
    mapped = mx.vmap(mx.fast.cross_entropy, in_axes=(None, 0))(x, mx.array([[0, 2], [1, 1]]))
    near(mapped, [[2.4076059, 0.1698460], [1.4076059, 2.1698460]])
    second = mx.grad(lambda a: mx.grad(lambda b: mx.fast.cross_entropy(b, t).sum())(a)[0, 0])(x)
    p = np.exp(x[0]) / np.exp(x[0]).sum()
    near(second[0], p[0] * (np.array([1, 0, 0]) - p))
    assert mx.fast.cross_entropy(mx.zeros((0, 3)), mx.zeros((0,), mx.int32)).shape == (0,)
    with pytest.raises(ValueError, match=r"targets of shape \(1\) for logits of shape \(2,3\)"):
        mx.fast.cross_entropy(x, mx.array([0]))
    with pytest.raises(ValueError, match="integer class indices, not float32"):
        mx.fast.cross_entropy(x, mx.array([0.0, 1]))
    with pytest.raises(TypeError):
        mx.fast.cross_entropy(x, None)
