# SPDX-License-Identifier: MIT
"""Normalisation: subtract a mean, divide by a standard deviation, scale and shift by learned vectors.

The layers differ in the axes over which mean and variance are taken.
"""

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "RMSNorm"]


def _scale_and_shift(module, x):
    if "weight" not in module:
        return x
    return module["weight"] * x + module["bias"]


class LayerNorm(Module):
    """Layer normalisation over the last axis (Ba et al., https://arxiv.org/abs/1607.06450):
    ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Parameters
    ----------
    dims : int
        Size of the last axis.
    eps : float
        Added to the variance.
    affine : bool
        Whether there is a ``weight``.
    bias : bool
        Whether there is a ``bias`` too, if ``affine``.

    Attributes
    ----------
    weight, bias : array
        Of shape ``(dims,)``; ones and zeros at first.
    """

    def __init__(self, dims, eps=1e-5, affine=True, bias=True):
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            if bias:
                self.bias = mx.zeros((dims,))
        self.eps = eps
        self.dims = dims

    def _extra_repr(self):
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x):
        return mx.fast.layer_norm(x, self.get("weight"), self.get("bias"), self.eps)


class RMSNorm(Module):
    """Root mean square normalisation over the last axis (Zhang and Sennrich,
    https://arxiv.org/abs/1910.07467): ``x / sqrt(mean(x^2) + eps) * weight``.

    The mean is taken in float32, whatever the dtype.

    Parameters
    ----------
    dims : int
        Size of the last axis.
    eps : float
        Added to the mean.

    Attributes
    ----------
    weight : array
        Of shape ``(dims,)``; ones at first.
    """

    def __init__(self, dims, eps=1e-5):
        super().__init__()
        self.weight = mx.ones((dims,))
        self.eps = eps

    def _extra_repr(self):
        return f"{self['weight'].shape[0]}, eps={self.eps}"

    def __call__(self, x):
        return mx.fast.rms_norm(x, self["weight"], self.eps)


class InstanceNorm(Module):
    """Instance normalisation: over the spatial axes of each example and channel (Ulyanov et al.,
    https://arxiv.org/abs/1607.08022).

    The input has the shape ``(N, ..., dims)`` and at least 3 dimensions.

    Parameters
    ----------
    dims : int
        Number of channels.
    eps : float
        Added to the variance.
    affine : bool
        Whether to scale and shift by ``weight`` and ``bias``, of shape ``(dims,)``.
    """

    def __init__(self, dims, eps=1e-5, affine=False):
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            self.bias = mx.zeros((dims,))
        self.dims = dims
        self.eps = eps

    def _extra_repr(self):
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x):
        axes = tuple(range(1, x.ndim - 1))
        mean = mx.mean(x, axis=axes, keepdims=True)
        var = mx.var(x, axis=axes, keepdims=True)
        return _scale_and_shift(self, (x - mean) * mx.rsqrt(var + self.eps))


class GroupNorm(Module):
    """Group normalisation: over the spatial axes and a group of features (Wu and He,
    https://arxiv.org/abs/1803.08494).

    The input has the shape ``(N, ..., dims)``.

    Parameters
    ----------
    num_groups : int
        Number of groups; it divides ``dims``.
    dims : int
        Number of features.
    eps : float
        Added to the variance.
    affine : bool
        Whether to scale and shift by ``weight`` and ``bias``, of shape ``(dims,)``.
    pytorch_compatible : bool
        Neighbouring features form a group, as in PyTorch. If False, group ``i`` has the features
        ``i, i + num_groups, i + 2 * num_groups, ...``
    """

    def __init__(self, num_groups, dims, eps=1e-5, affine=True, pytorch_compatible=False):
        super().__init__()
        if affine:
            self.bias = mx.zeros((dims,))
            self.weight = mx.ones((dims,))
        self.num_groups = num_groups
        self.dims = dims
        self.eps = eps
        self.pytorch_compatible = pytorch_compatible

    def _extra_repr(self):
        return (
            f"{self.num_groups}, {self.dims}, eps={self.eps}, affine={'weight' in self}, "
            f"pytorch_compatible={self.pytorch_compatible}"
        )

    def _neighbours(self, x):
        batch, *space, dims = x.shape
        size = dims // self.num_groups
        groups = x.reshape(batch, -1, self.num_groups, size).transpose(0, 2, 1, 3)
        rows = mx.fast.layer_norm(groups.reshape(batch, self.num_groups, -1), None, None, self.eps)
        groups = rows.reshape(batch, self.num_groups, -1, size).transpose(0, 2, 1, 3)
        return groups.reshape(batch, *space, dims)

    def _interleaved(self, x):
        groups = x.reshape(x.shape[0], -1, self.num_groups)
        mean = mx.mean(groups, axis=1, keepdims=True)
        var = mx.var(groups, axis=1, keepdims=True)
        return ((groups - mean) * mx.rsqrt(var + self.eps)).reshape(x.shape)

    def __call__(self, x):
        y = self._neighbours(x) if self.pytorch_compatible else self._interleaved(x)
        return _scale_and_shift(self, y)


class BatchNorm(Module):
    """Batch normalisation: over all axes but the last (Ioffe and Szegedy,
    https://arxiv.org/abs/1502.03167).

    The input has the shape ``(N, C)``, ``(N, L, C)`` or ``(N, H, W, C)``. In training mode the statistics
    are those of the batch; in evaluation mode the running ones, if they are kept.

    Parameters
    ----------
    num_features : int
        ``C``.
    eps : float
        Added to the variance.
    momentum : float
        Weight of a new batch in the running statistics.
    affine : bool
        Whether to scale and shift by ``weight`` and ``bias``, of shape ``(C,)``.
    track_running_stats : bool
        Whether to keep ``running_mean`` and ``running_var`` (unbiased), of shape ``(C,)``. They are frozen.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = mx.ones((num_features,))
            self.bias = mx.zeros((num_features,))
        if track_running_stats:
            self.running_mean = mx.zeros((num_features,))
            self.running_var = mx.ones((num_features,))
            self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def unfreeze(self, *args, **kwargs):
        """As :meth:`Module.unfreeze`, but the running statistics stay frozen."""
        super().unfreeze(*args, **kwargs)
        return self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def _extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={'weight' in self}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def __call__(self, x):
        if x.ndim < 2 or x.ndim > 4:
            raise ValueError(f"Expected input tensor to have 2, 3 or 4 dimensions, but got {x.ndim}")

        count = x.size // max(1, x.shape[-1])  # values for each feature
        if self.training and count == 1:
            raise ValueError("BatchNorm training requires more than one value per channel.")
        if self.training or not self.track_running_stats:
            axes = tuple(range(x.ndim - 1))
            mean, var = mx.mean(x, axis=axes), mx.var(x, axis=axes)
        else:
            mean, var = self["running_mean"], self["running_var"]
        if self.training and self.track_running_stats:
            old, new = 1 - self.momentum, self.momentum
            unbiased = var * (count / max(1, count - 1))
            self.running_mean = old * self["running_mean"] + new * mean
            self.running_var = old * self["running_var"] + new * unbiased

        return _scale_and_shift(self, (x - mean) * mx.rsqrt(var + self.eps))
