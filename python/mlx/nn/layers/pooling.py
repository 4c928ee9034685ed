# SPDX-License-Identifier: MIT
"""Pooling: the largest value or the mean of a window that slides over the spatial axes.

The input has the shape ``(N, *space, C)``. Windows that lie side by side are a reshape of it, reduced as axes.
Others are taken place by place: for each place in the window a strided slice, and all slices are folded.
"""

import functools
import itertools
import math

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"]


def _side_by_side(x, sizes):
    """The windows as a reshape of shape ``(N, *outputs, *sizes, C)``: nothing is copied."""
    split = [m for n, size in zip(x.shape[1:-1], sizes) for m in (n // size, size)]
    n = len(sizes)
    return x.reshape(x.shape[0], *split, x.shape[-1]).transpose(
        0, *range(1, 2 * n, 2), *range(2, 2 * n + 1, 2), 2 * n + 1
    )


def _shifted(x, sizes, strides):
    """For each place in the window, what all windows have there: slices of shape ``(N, *outputs, C)``."""
    space = x.shape[1:-1]
    counts = [max(0, (n - size) // stride + 1) for n, size, stride in zip(space, sizes, strides)]
    for place in itertools.product(*map(range, sizes)):
        cuts = [slice(i, i + c * s, s) if c else slice(0, 0) for i, c, s in zip(place, counts, strides)]
        yield x[(slice(None), *cuts)]


class _Pool(Module):
    """Pads and cuts the windows; a subclass folds them."""

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
        if min(values) < (0 if name == "padding" else 1):
            raise ValueError(f"[{type(self).__name__}] '{name}' is too small: {value}")
        return values

    def _extra_repr(self):
        padding = tuple(before for before, _ in self._padding)
        return f"kernel_size={tuple(self._kernel_size)}, stride={tuple(self._stride)}, padding={padding}"

    def __call__(self, x):
        if x.ndim != self._space + 2:
            raise ValueError(f"[{type(self).__name__}] expected {self._space + 2} dimensions, got {x.ndim}")
        if any(before > 0 for before, _ in self._padding):
            width = [(0, 0), *self._padding, (0, 0)]
            value = mx.array(self._padding_value, x.dtype) if self._padding_value == 0 else self._lowest(x.dtype)
            x = mx.pad(x, width, constant_values=value)
        sizes, strides = self._kernel_size, self._stride
        if sizes == strides and all(n % size == 0 for n, size in zip(x.shape[1:], sizes)):
            return self._of_axes(_side_by_side(x, sizes), tuple(range(1 + self._space, 1 + 2 * self._space)))
        return self._of_slices(_shifted(x, sizes, strides))

    @staticmethod
    def _lowest(dtype):
        if mx.issubdtype(dtype, mx.floating):
            return mx.array(-math.inf, dtype)
        return mx.array(False if dtype == mx.bool_ else mx.iinfo(dtype).min, dtype)


class _MaxPool(_Pool):
    _padding_value = -math.inf

    def _of_axes(self, windows, axes):
        return mx.max(windows, axis=axes)

    def _of_slices(self, slices):
        return functools.reduce(mx.maximum, slices)


class _AvgPool(_Pool):
    def _of_axes(self, windows, axes):
        return mx.mean(windows, axis=axes)

    def _of_slices(self, slices):
        slices = list(slices)
        dtype = slices[0].dtype if mx.issubdtype(slices[0].dtype, mx.inexact) else mx.float32
        if dtype in (mx.float16, mx.bfloat16):  # too coarse to sum in
            slices = [x.astype(mx.float32) for x in slices]
        return (functools.reduce(mx.add, slices) / len(slices)).astype(dtype)


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
