# SPDX-License-Identifier: MIT
"""Ways to tell a transformer where in the sequence a vector stands."""

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["ALiBi", "RoPE", "SinusoidalPositionalEncoding"]


class RoPE(Module):
    """Rotary positions (Su et al., https://arxiv.org/abs/2104.09864): pairs of features are rotated by an
    angle that grows with the position.

    Parameters
    ----------
    dims : int
        How many features are rotated; more are left as they are.
    traditional : bool
        Rotate neighbours (0, 1), (2, 3), ... instead of features that are ``dims / 2`` apart.
    base : float
        Pair ``i`` turns by ``base^(-2 i / dims)`` a position.
    scale : float
        Multiplies the positions.
    """

    def __init__(self, dims, traditional=False, base=10000, scale=1.0):
        super().__init__()
        self.dims = dims
        self.traditional = traditional
        self.base = base
        self.scale = scale

    def _extra_repr(self):
        return f"{self.dims}, traditional={self.traditional}"

    def __call__(self, x, offset=0):
        """Rotate ``x`` of shape ``(..., length, features)``; position 0 is ``offset``."""
        return mx.fast.rope(
            x, self.dims, traditional=self.traditional, base=self.base, scale=self.scale, offset=offset
        )


class SinusoidalPositionalEncoding(Module):
    """Sines and cosines of many frequencies (Vaswani et al., https://arxiv.org/abs/1706.03762).

    Parameters
    ----------
    dims : int
        Size of the encoding: ``dims / 2`` sines, then as many cosines.
    min_freq, max_freq : float
        The frequencies are spaced evenly in the logarithm, from ``max_freq`` down to ``min_freq``.
    scale : float, optional
        Multiplies the result; sqrt(2 / dims) if None.
    cos_first : bool
        Put the cosines first.
    full_turns : bool
        Multiply the frequencies by 2 pi.
    """

    def __init__(self, dims, min_freq=0.0001, max_freq=1, scale=None, cos_first=False, full_turns=False):
        super().__init__()
        one_to_zero = 1 - mx.arange(0, dims // 2) / (dims // 2 - 1)
        low, high = math.log(min_freq), math.log(max_freq)
        sigmas = mx.exp(one_to_zero * (high - low) + low)
        if full_turns:
            sigmas = sigmas * (2 * math.pi)
        self._sigmas = sigmas  # an underscore: not a parameter
        self.scale = scale or (2 / dims) ** 0.5
        self.cos_first = cos_first

    def __call__(self, x):
        """The encodings of the positions ``x``: one more axis, of size ``dims``."""
        y = x[..., None] * self["_sigmas"]
        cosines, sines = mx.cos(y), mx.sin(y)
        y = mx.concatenate([cosines, sines] if self.cos_first else [sines, cosines], axis=-1)
        return y if self.scale == 1 else y * self.scale


class ALiBi(Module):
    """Attention with linear biases (Press et al., https://arxiv.org/abs/2108.12409): scores fall with the
    distance, for each head at its own slope."""

    @staticmethod
    def create_alibi_matrix(q_sequence_length, k_sequence_length, num_heads, offset, dtype=mx.float32):
        """The bias ``-slope * |q - k|``, of shape ``(1, num_heads, q_sequence_length - offset,
        k_sequence_length)``; the first query stands at ``offset``."""
        queries = mx.arange(offset, q_sequence_length)
        keys = mx.arange(0, k_sequence_length)
        distance = -mx.abs(mx.expand_dims(queries[:, None] - keys[None, :], axis=(0, 1)))
        slope = ALiBi.create_alibi_slope(num_heads=num_heads, dtype=dtype)
        return (distance * slope).astype(dtype)

    @staticmethod
    def create_alibi_slope(num_heads, dtype=mx.float32):
        """The slopes, of shape ``(num_heads, 1, 1)``: a geometric series for a power of two; for other
        numbers every second slope of twice as many heads is added."""

        def powers(n, step, count):
            start = 2 ** (-8 / n)
            return [start ** (1 + i * step) for i in range(count)]

        n = 2 ** math.floor(math.log2(num_heads))
        slopes = powers(n, 1, n) + powers(2 * n, 2, num_heads - n)
        return mx.expand_dims(mx.array(slopes, dtype=dtype), axis=(-1, -2))

    def __call__(self, attention_scores, offset=0, mask=None):
        """Add the bias, and a mask if given, to scores of shape ``(N, num_heads, queries, keys)``."""
        bias = ALiBi.create_alibi_matrix(
            q_sequence_length=attention_scores.shape[-2] + offset,
            k_sequence_length=attention_scores.shape[-1],
            num_heads=attention_scores.shape[1],
            offset=offset,
            dtype=attention_scores.dtype,
        )
        if mask is not None:
            bias = bias + mask
        return attention_scores + bias
