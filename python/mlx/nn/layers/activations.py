# SPDX-License-Identifier: MIT
"""Activation functions, and a module for each. All work element by element unless they say else."""

import math

import mlx.core as mx
from mlx.nn.layers.base import Module


def sigmoid(x):
    """``1 / (1 + exp(-x))``."""
    return mx.sigmoid(x)


def relu(x):
    """The rectified linear unit, ``max(x, 0)``."""
    return mx.maximum(x, 0)


def relu2(x):
    """The squared ReLU, ``max(x, 0)^2`` (So et al., https://arxiv.org/abs/2109.08668)."""
    return mx.square(mx.maximum(x, 0))


def relu6(x):
    """``min(max(x, 0), 6)``."""
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x, negative_slope=0.01):
    """``max(negative_slope * x, x)``."""
    return mx.maximum(negative_slope * x, x)


def prelu(x, alpha):
    """The ReLU with a learned slope, ``max(x, 0) + alpha * min(x, 0)`` (He et al.,
    https://arxiv.org/abs/1502.01852). ``alpha`` is an array."""
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def elu(x, alpha=1.0):
    """The exponential linear unit: ``x`` above 0, ``alpha * (exp(x) - 1)`` below (Clevert et al.,
    https://arxiv.org/abs/1511.07289)."""
    return mx.where(x > 0, x, alpha * (mx.exp(x) - 1))


def selu(x):
    """The scaled ELU: ``1.0507 * elu(x, 1.67326)`` (Klambauer et al., https://arxiv.org/abs/1706.02515)."""
    return elu(x, 1.67326) * 1.0507


def celu(x, alpha=1.0):
    """The ELU with a continuous slope: ``max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)`` (Barron,
    https://arxiv.org/abs/1704.07483)."""
    return mx.maximum(x, 0.0) + alpha * (mx.exp(mx.minimum(x, 0.0) / alpha) - 1)


def softplus(x):
    """The smooth ReLU, ``log(1 + exp(x))``."""
    return mx.logaddexp(x, 0)


def softsign(x):
    """``x / (1 + |x|)``."""
    return mx.divide(x, 1 + mx.abs(x))


def softshrink(x, lambd=0.5):
    """``x`` moved towards 0 by ``lambd``, and 0 where ``|x| <= lambd``."""
    return mx.where(mx.abs(x) > lambd, x - mx.sign(x) * lambd, 0)


def hard_shrink(x, lambd=0.5):
    """``x``, but 0 where ``|x| <= lambd``."""
    return mx.where(mx.abs(x) > lambd, x, 0)


def hard_tanh(x, min_val=-1.0, max_val=1.0):
    """``x`` clipped to ``[min_val, max_val]``."""
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hardswish(x):
    """``x * min(max(x + 3, 0), 6) / 6`` (Howard et al., https://arxiv.org/abs/1905.02244)."""
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def tanh(x):
    """The hyperbolic tangent."""
    return mx.tanh(x)


def silu(x):
    """The sigmoid linear unit or swish, ``x * sigmoid(x)`` (Elfwing et al.,
    https://arxiv.org/abs/1702.03118)."""
    return x * mx.sigmoid(x)


def mish(x):
    """``x * tanh(softplus(x))`` (Misra, https://arxiv.org/abs/1908.08681)."""
    return x * mx.tanh(softplus(x))


def gelu(x):
    """The Gaussian error linear unit: ``x`` times the normal distribution function of ``x`` (Hendrycks
    and Gimpel, https://arxiv.org/abs/1606.08415)."""
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x):
    """:func:`gelu` by ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))``: off by under 0.0005
    for x in [-6, 6]."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x):
    """:func:`gelu` by ``x * sigmoid(1.702 * x)``: off by under 0.015 for x in [-6, 6]."""
    return x * mx.sigmoid(1.702 * x)


def glu(x, axis=-1):
    """The gated linear unit: the first half of ``axis`` times the sigmoid of the second (Dauphin et al.,
    https://arxiv.org/abs/1612.08083)."""
    a, b = mx.split(x, 2, axis=axis)
    return a * mx.sigmoid(b)


def step(x, threshold=0.0):
    """1 from ``threshold`` on, else 0, as int32."""
    return mx.where(x >= threshold, 1, 0)


def log_sigmoid(x):
    """``log(sigmoid(x))``, without overflow."""
    return -softplus(-x)


def softmax(x, axis=-1):
    """``exp(x) / sum(exp(x))`` along ``axis``."""
    return mx.softmax(x, axis=axis)


def softmin(x, axis=-1):
    """``softmax(-x)`` along ``axis``."""
    return mx.softmax(-x, axis=axis)


def log_softmax(x, axis=-1):
    """``log(softmax(x))`` along ``axis``, without overflow."""
    return x - mx.logsumexp(x, axis=axis, keepdims=True)


class Sigmoid(Module):
    """:func:`sigmoid` as a module."""

    def __call__(self, x):
        return sigmoid(x)


class ReLU(Module):
    """:func:`relu` as a module."""

    def __call__(self, x):
        return relu(x)


class ReLU2(Module):
    """:func:`relu2` as a module."""

    def __call__(self, x):
        return relu2(x)


class ReLU6(Module):
    """:func:`relu6` as a module."""

    def __call__(self, x):
        return relu6(x)


class LeakyReLU(Module):
    """:func:`leaky_relu` as a module."""

    def __init__(self, negative_slope=0.01):
        super().__init__()
        self._negative_slope = negative_slope

    def __call__(self, x):
        return leaky_relu(x, self._negative_slope)


class PReLU(Module):
    """:func:`prelu` with learned slopes.

    Parameters
    ----------
    num_parameters : int
        How many slopes: one, or one for each feature.
    init : float
        Their first value.

    Attributes
    ----------
    weight : array
        The slopes, of shape ``(num_parameters,)``.
    """

    def __init__(self, num_parameters=1, init=0.25):
        super().__init__()
        self.weight = mx.full([num_parameters], init)

    def __call__(self, x):
        return prelu(x, self["weight"])


class ELU(Module):
    """:func:`elu` as a module."""

    def __init__(self, alpha=1.0):
        super().__init__()
        self._alpha = alpha

    def __call__(self, x):
        return elu(x, self._alpha)


class SELU(Module):
    """:func:`selu` as a module."""

    def __call__(self, x):
        return selu(x)


class CELU(Module):
    """:func:`celu` as a module."""

    def __init__(self, alpha=1.0):
        super().__init__()
        self._alpha = alpha

    def __call__(self, x):
        return celu(x, self._alpha)


class Softplus(Module):
    """:func:`softplus` as a module."""

    def __call__(self, x):
        return softplus(x)


class Softsign(Module):
    """:func:`softsign` as a module."""

    def __call__(self, x):
        return softsign(x)


class Softshrink(Module):
    """:func:`softshrink` as a module."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def __call__(self, x):
        return softshrink(x, self.lambd)


class HardShrink(Module):
    """:func:`hard_shrink` as a module."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def __call__(self, x):
        return hard_shrink(x, self.lambd)


class HardTanh(Module):
    """:func:`hard_tanh` between -1 and 1 as a module."""

    def __call__(self, x):
        return hard_tanh(x)


class Hardswish(Module):
    """:func:`hardswish` as a module."""

    def __call__(self, x):
        return hardswish(x)


class Tanh(Module):
    """:func:`tanh` as a module."""

    def __call__(self, x):
        return tanh(x)


class SiLU(Module):
    """:func:`silu` as a module."""

    def __call__(self, x):
        return silu(x)


class Mish(Module):
    """:func:`mish` as a module."""

    def __call__(self, x):
        return mish(x)


class GELU(Module):
    """:func:`gelu` or one of its approximations.

    Parameters
    ----------
    approx : str
        ``"none"``: :func:`gelu`; ``"precise"`` or ``"tanh"``: :func:`gelu_approx`; ``"fast"``:
        :func:`gelu_fast_approx`.
    """

    _functions = {"none": gelu, "precise": gelu_approx, "tanh": gelu_approx, "fast": gelu_fast_approx}

    def __init__(self, approx="none"):
        super().__init__()
        if approx not in self._functions:
            raise ValueError(
                f"The approximation should be in {list(self._functions)} but {approx!r} was given"
            )
        self._approx = approx

    def __call__(self, x):
        return self._functions[self._approx](x)


class GLU(Module):
    """:func:`glu` as a module."""

    def __init__(self, axis=-1):
        super().__init__()
        self.axis = axis

    def __call__(self, x):
        return glu(x, self.axis)


class Step(Module):
    """:func:`step` as a module."""

    def __init__(self, threshold=0.0):
        super().__init__()
        self.threshold = threshold

    def __call__(self, x):
        return step(x, self.threshold)


class LogSigmoid(Module):
    """:func:`log_sigmoid` as a module."""

    def __call__(self, x):
        return log_sigmoid(x)


class Softmax(Module):
    """:func:`softmax` along the last axis as a module."""

    def __call__(self, x):
        return softmax(x)


class Softmin(Module):
    """:func:`softmin` along the last axis as a module."""

    def __call__(self, x):
        return softmin(x)


class LogSoftmax(Module):
    """:func:`log_softmax` along the last axis as a module."""

    def __call__(self, x):
        return log_softmax(x)


# Everything public that is defined here.
__all__ = sorted(
    name for name, value in globals().items() if getattr(value, "__module__", None) == __name__ and name[0] != "_"
)
