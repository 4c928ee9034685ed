# SPDX-License-Identifier: MIT
"""Upsampling: new values between those of an array of shape ``(N, *space, C)``.

Every method is the same: each output point of an axis is a weighted sum of a few input points of that axis.
One axis is done after the other.
"""

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["Upsample", "upsample_cubic", "upsample_linear", "upsample_nearest"]


def _each_axis(x, scale_factor):
    if x.ndim < 3:
        raise ValueError(
            "[Upsample] The input should have at least 1 spatial dimension which means it should be at least 3D but "
            f"{x.ndim}D was provided"
        )
    n = x.ndim - 2
    scales = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * n
    if len(scales) != n:
        raise ValueError(
            f"[Upsample] One scale per spatial dimension is required but scale_factor={scales} and the number of "
            f"spatial dimensions were {n}"
        )
    for size, scale in zip(x.shape[1:-1], scales):
        if int(size * scale) < 1:
            raise ValueError(f"[Upsample] scale_factor={scale} leaves nothing of a dimension of size {size}")
    return enumerate(scales, 1)


def _positions(size, scale, align_corners):
    """Where the output points lie, in units of input points."""
    count = int(size * scale)
    if align_corners:
        return [i * (size - 1) / max(1, count - 1) for i in range(count)]
    # Both grids have the same middle.
    return [(i - (count - 1) / 2) / scale + (size - 1) / 2 for i in range(count)]


def _interpolate(x, axis, positions, weight_of, reach):
    """Sum the inputs at a distance under ``reach`` of each position, weighted; outside is the border."""
    last = x.shape[axis] - 1
    first = [math.floor(p - reach) + 1 for p in positions]
    shape = [1] * x.ndim
    shape[axis] = len(positions)
    total = 0
    for tap in range(math.ceil(2 * reach)):
        indices = mx.array([min(max(f + tap, 0), last) for f in first])
        weights = mx.array([weight_of(p, f + tap) for p, f in zip(positions, first)], dtype=mx.float32)
        total = total + mx.take(x, indices, axis=axis) * weights.reshape(shape)
    return total


def _upsample(x, scale_factor, kernel, radius, align_corners, antialias):
    if antialias and align_corners:
        raise ValueError(
            "[Upsample] antialias=True with align_corners=True is not supported. Use align_corners=False for "
            "antialiased interpolation."
        )
    for axis, scale in _each_axis(x, scale_factor):
        size = x.shape[axis]
        positions = _positions(size, scale, align_corners)
        if not antialias:
            x = _interpolate(x, axis, positions, lambda p, i: kernel(p - i), radius)
            continue

        # A wider kernel, so that no input is skipped; its part beyond the border is cut off, the rest sums to 1.
        narrowing = min(scale, 1.0)

        def smooth(p, i):
            return kernel((p - i) * narrowing) if 0 <= i < size else 0.0

        reach = radius / narrowing
        sums = {p: sum(smooth(p, i) for i in range(math.floor(p - reach), math.ceil(p + reach) + 1)) for p in positions}
        x = _interpolate(x, axis, positions, lambda p, i: smooth(p, i) / sums[p], reach)
    return x


def upsample_nearest(x, scale_factor):
    """Repeat the nearest input point.

    Parameters
    ----------
    x : array
        Of shape ``(N, *space, C)``.
    scale_factor : float or tuple of float
        For all spatial axes, or for each.
    """
    for axis, scale in _each_axis(x, scale_factor):
        size, count = x.shape[axis], int(x.shape[axis] * scale)
        if scale < 1:
            indices = mx.array([i * size // count for i in range(count)])
        else:
            positions = (mx.arange(count).astype(mx.float32) + 0.5) * (size / count) - 0.5
            indices = mx.clip(mx.round(positions), 0, size - 1).astype(mx.int32)
        x = mx.take(x, indices, axis=axis)
    return x


def upsample_linear(x, scale_factor, align_corners=False, antialias=False):
    """Draw a line between the two nearest input points.

    Parameters
    ----------
    x : array
        Of shape ``(N, *space, C)``.
    scale_factor : float or tuple of float
        For all spatial axes, or for each.
    align_corners : bool
        The first and last points of input and output lie at the same places; else the middles do.
    antialias : bool
        Where the scale is under 1, average over all inputs.
    """
    return _upsample(x, scale_factor, lambda d: max(0.0, 1 - abs(d)), 1, align_corners, antialias)


def upsample_cubic(x, scale_factor, align_corners=False, antialias=False):
    """Draw a cubic through the four nearest input points (Keys, https://doi.org/10.1109/TASSP.1981.1163711).

    The parameters are those of :func:`upsample_linear`. The free parameter of the cubic is -0.75, and -0.5
    with ``antialias``.
    """
    a = -0.5 if antialias else -0.75

    def kernel(d):
        d = abs(d)
        if d <= 1:
            return ((a + 2) * d - (a + 3)) * d * d + 1
        return (((d - 5) * d + 8) * d - 4) * a if d < 2 else 0.0

    return _upsample(x, scale_factor, kernel, 2, align_corners, antialias)


class Upsample(Module):
    """Change the size of the spatial axes of an input of shape ``(N, *space, C)``.

    Parameters
    ----------
    scale_factor : float or tuple of float
        For all spatial axes, or for each; the new size is rounded down.
    mode : str
        ``"nearest"``, ``"linear"`` or ``"cubic"``; see :func:`upsample_nearest`, :func:`upsample_linear` and
        :func:`upsample_cubic`.
    align_corners, antialias : bool
        As for :func:`upsample_linear`; ``"nearest"`` ignores the first and refuses the second.
    """

    def __init__(self, scale_factor, mode="nearest", align_corners=False, antialias=False):
        super().__init__()
        if mode not in ("nearest", "linear", "cubic"):
            raise ValueError(f"[Upsample] Got unsupported upsampling algorithm: {mode}")
        if antialias and mode == "nearest":
            raise ValueError("[Upsample] Antialiasing is not supported for nearest neighbor upsampling")
        if antialias and align_corners:
            raise ValueError(
                "[Upsample] antialias=True with align_corners=True is not supported. Use align_corners=False for "
                "antialiased interpolation."
            )
        several = isinstance(scale_factor, (tuple, list))
        self.scale_factor = tuple(map(float, scale_factor)) if several else float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.antialias = antialias

    def _extra_repr(self):
        return f"scale_factor={self.scale_factor}, mode={self.mode!r}, align_corners={self.align_corners}"

    def __call__(self, x):
        if self.mode == "nearest":
            return upsample_nearest(x, self.scale_factor)
        if self.mode == "linear":
            return upsample_linear(x, self.scale_factor, self.align_corners, self.antialias)
        return upsample_cubic(x, self.scale_factor, self.align_corners, self.antialias)
