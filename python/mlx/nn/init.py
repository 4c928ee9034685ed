# SPDX-License-Identifier: MIT
"""Initializers: each function here returns a function that makes an array of the shape of its argument.

>>> init = nn.init.he_normal()
>>> weight = init(mx.zeros((64, 32)))
"""

import math

import mlx.core as mx


def constant(value, dtype=mx.float32):
    """All elements are ``value``."""

    def initializer(a):
        return mx.full(a.shape, value, dtype=dtype)

    return initializer


def normal(mean=0.0, std=1.0, dtype=mx.float32):
    """The normal distribution."""

    def initializer(a):
        return mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)

    return initializer


def uniform(low=0.0, high=1.0, dtype=mx.float32):
    """The uniform distribution on [low, high)."""

    def initializer(a):
        return mx.random.uniform(low, high, a.shape, dtype=dtype)

    return initializer


def identity(dtype=mx.float32):
    """The identity matrix; the argument must be square."""

    def initializer(a):
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise ValueError(f"The input array must be a square matrix but got shape {a.shape}.")
        return mx.eye(a.shape[0], dtype=dtype)

    return initializer


def _fans(a):
    """Inputs and outputs of a unit of weights of shape ``(output, *kernel, input)``."""
    if a.ndim < 2:
        raise ValueError(
            f"Glorot / He initialization requires at least 2 dimensional input but input with {a.ndim} dimensions."
        )
    kernel = math.prod(a.shape[1:-1])
    return a.shape[-1] * kernel, a.shape[0] * kernel


def _fan(a, mode):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Invalid mode: {mode}. Valid modes are: fan_in, fan_out")
    fan_in, fan_out = _fans(a)
    return fan_in if mode == "fan_in" else fan_out


def glorot_normal(dtype=mx.float32):
    """Normal with the standard deviation ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot and Bengio,
    https://proceedings.mlr.press/v9/glorot10a.html). The initializer takes ``(a, gain=1.0)``."""

    def initializer(a, gain=1.0):
        std = gain * math.sqrt(2.0 / sum(_fans(a)))
        return mx.random.normal(shape=a.shape, scale=std, dtype=dtype)

    return initializer


def glorot_uniform(dtype=mx.float32):
    """Uniform on (-limit, limit), limit = ``gain * sqrt(6 / (fan_in + fan_out))`` (see
    :func:`glorot_normal`). The initializer takes ``(a, gain=1.0)``."""

    def initializer(a, gain=1.0):
        limit = gain * math.sqrt(6.0 / sum(_fans(a)))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def he_normal(dtype=mx.float32):
    """Normal with the standard deviation ``gain / sqrt(fan)`` (He et al.,
    https://arxiv.org/abs/1502.01852). The initializer takes ``(a, mode="fan_in", gain=1.0)``; the
    other mode is ``"fan_out"``."""

    def initializer(a, mode="fan_in", gain=1.0):
        std = gain / math.sqrt(_fan(a, mode))
        return mx.random.normal(shape=a.shape, scale=std, dtype=dtype)

    return initializer


def he_uniform(dtype=mx.float32):
    """Uniform on (-limit, limit), limit = ``gain * sqrt(3 / fan)``; the initializer takes the same
    arguments as that of :func:`he_normal`."""

    def initializer(a, mode="fan_in", gain=1.0):
        limit = gain * math.sqrt(3.0 / _fan(a, mode))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def sparse(sparsity, mean=0.0, std=1.0, dtype=mx.float32):
    """Normal, with the fraction ``sparsity`` of each row set to zero (Martens,
    https://icml.cc/Conferences/2010/papers/458.pdf). The argument must have 2 dimensions."""

    def initializer(a):
        if a.ndim != 2:
            raise ValueError("Only tensors with 2 dimensions are supported")
        rows, columns = a.shape
        zeros = math.ceil(sparsity * columns)
        order = mx.argsort(mx.random.uniform(shape=a.shape), axis=1)
        values = mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)
        values[mx.arange(rows).reshape(rows, 1), order[:, :zeros]] = 0
        return values

    return initializer


def orthogonal(gain=1.0, dtype=mx.float32):
    """A matrix with orthogonal rows or columns of length ``gain``, whichever are fewer (Saxe et al.,
    https://arxiv.org/abs/1312.6120). The argument must have 2 dimensions."""

    def initializer(a):
        if a.ndim != 2:
            raise ValueError(f"Orthogonal initialization requires a 2D array but got a {a.ndim}D array.")
        rows, columns = a.shape
        n = max(rows, columns)
        q, r = mx.linalg.qr(mx.random.normal(shape=(n, n)), stream=mx.cpu)
        # The signs of r make the distribution uniform over all rotations (Mezzadri,
        # https://arxiv.org/abs/math-ph/0609050).
        q = q * mx.sign(mx.diag(r))
        return (gain * q[:rows, :columns]).astype(dtype)

    return initializer
