# SPDX-License-Identifier: MIT
"""Pooling: the largest value or the mean of a window that slides over the spatial axes.

The input has the shape ``(N, *space, C)``. The windows are a strided view of it, one more axis for each
spatial one, which is then reduced.
"""

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"]


def _sliding_windows(x, sizes, strides):
    """A view of shape ``(N, *outputs, *sizes, C)``."""
    if x.ndim < 3:
        raise ValueError(
            "To extract sliding windows at least 1 spatial dimension (3 total) is needed but the input only "
            f"has {x.ndim} dimensions."
        )
    space = x.shape[1:-1]
    if not len(space) == len(sizes) == len(strides):
        raise ValueError(
            f"To extract sliding windows, the lengths of window_shapes and window_strides must be equal to the "
            f"number of spatial dimensions, not {len(sizes)} and {len(strides)} for {len(space)}."
        )
    # Windows side by side without a gap are a reshape, which costs nothing and has a cheap gradient.
    if all(size == stride and n % size == 0 for n, size, stride in zip(space, sizes, strides)):
        split = [m for n, size in zip(space, sizes) for m in (n // size, size)]
        axes = [*range(1, 2 * len(space), 2), *range(2, 2 * len(space) + 1, 2)]
        return x.reshape(x.shape[0], *split, x.shape[-1]).transpose(0, *axes, 2 * len(space) + 1)

    steps = [math.prod(x.shape[i + 1 :]) for i in range(x.ndim)]  # of the contiguous array
    outputs = [max(0, (n - size) // stride + 1) for n, size, stride in zip(space, sizes, strides)]
    shape = [x.shape[0], *outputs, *sizes, x.shape[-1]]
    skips = [steps[0], *(s * stride for s, stride in zip(steps[1:-1], strides)), *steps[1:-1], 1]
    return mx.as_strided(x, shape, skips)


class _Pool(Module):
    """Pads, cuts the windows, and lets ``_reduce`` do the rest."""

    _space = 0
    _padding_value = 0

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self._kernel_size = self._each_axis("kernel_size", kernel_size)
        self._stride = self._each_axis("stride", kernel_size if stride is None else stride)
        self._padding = [(p, p) for p in self._each_axis("padding", padding)]

    def _each_axis(self, name, value):
        n = self._space
        values = [value] * n if isinstance(value, int) else list(value) if isinstance(value, (list, tuple)) else []
        if len(values) != n or not all(isinstance(v, int) for v in values):
            plural = "integer" if n == 1 else "integers"
            raise ValueError(
                f"[{type(self).__name__}] '{name}' must be an integer or a tuple containing {n} {plural}"
            )
        return values

    def _extra_repr(self):
        padding = tuple(before for before, _ in self._padding)
        return f"kernel_size={tuple(self._kernel_size)}, stride={tuple(self._stride)}, padding={padding}"

    def __call__(self, x):
        if any(before > 0 for before, _ in self._padding):
            width = [(0, 0), *self._padding, (0, 0)]
            value = mx.array(self._padding_value, x.dtype) if self._padding_value == 0 else self._lowest(x.dtype)
            x = mx.pad(x, width, constant_values=value)
        windows = _sliding_windows(x, self._kernel_size, self._stride)
        n = self._space
        return self._reduce(windows, tuple(range(1 + n, 1 + 2 * n)))

    @staticmethod
    def _lowest(dtype):
        if mx.issubdtype(dtype, mx.floating):
            return mx.array(-math.inf, dtype)
        return mx.array(False if dtype == mx.bool_ else mx.iinfo(dtype).min, dtype)


class _MaxPool(_Pool):
    _padding_value = -math.inf

    def _reduce(self, windows, axes):
        return mx.max(windows, axis=axes)


class _AvgPool(_Pool):
    def _reduce(self, windows, axes):
        return mx.mean(windows, axis=axes)


_PARAMETERS = """

    Parameters
    ----------
    kernel_size : int or tuple of int
        Size of the window.
    stride : int or tuple of int, optional
        Distance between windows; ``kernel_size`` if None.
    padding : int or tuple of int
        {padding} added on both sides of each spatial axis.
    """


def _document(cls):
    text = "the largest value" if issubclass(cls, _MaxPool) else "the mean"
    padding = "Minus infinity" if issubclass(cls, _MaxPool) else "Zeros, which count in the mean, are"
    shape = {1: "(N, L, C)", 2: "(N, H, W, C)", 3: "(N, D, H, W, C)"}[cls._space]
    cls.__doc__ = f"Takes {text} of each window of an input of shape ``{shape}``." + _PARAMETERS.format(padding=padding)
    return cls


@_document
class MaxPool1d(_MaxPool):
    _space = 1


@_document
class MaxPool2d(_MaxPool):
    _space = 2


@_document
class MaxPool3d(_MaxPool):
    _space = 3


@_document
class AvgPool1d(_AvgPool):
    _space = 1


@_document
class AvgPool2d(_AvgPool):
    _space = 2


@_document
class AvgPool3d(_AvgPool):
    _space = 3
