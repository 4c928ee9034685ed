# SPDX-License-Identifier: MIT
"""Dropout: zero a random part in training, so that no unit relies on another."""

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["Dropout", "Dropout2d", "Dropout3d"]


class _Dropout(Module):
    """What the three share: a mask, and the rest scaled so that the expected value stays."""

    def __init__(self, p=0.5):
        super().__init__()
        if p < 0 or p >= 1:
            raise ValueError(f"The dropout probability {p} is not in [0, 1)")
        self._p_1 = 1 - p

    def _extra_repr(self):
        return f"p={1 - self._p_1}"

    def _drop(self, x, mask_shape):
        mask = mx.random.bernoulli(self._p_1, mask_shape)
        return (1 / self._p_1) * (mask * x)


class Dropout(_Dropout):
    """Zero each element with probability ``p`` and multiply the others by ``1 / (1 - p)`` (Srivastava et
    al., https://jmlr.org/papers/v15/srivastava14a.html). Does nothing in evaluation mode.

    Parameters
    ----------
    p : float
        The probability, in [0, 1).
    """

    def __call__(self, x):
        if self._p_1 == 1 or not self.training:
            return x
        return self._drop(x, x.shape)


class Dropout2d(_Dropout):
    """Zero whole channels with probability ``p`` (Tompson et al., https://arxiv.org/abs/1411.4280).

    The input has the shape ``(H, W, C)`` or ``(N, H, W, C)``. Does nothing in evaluation mode.

    Parameters
    ----------
    p : float
        The probability, in [0, 1).
    """

    def __call__(self, x):
        if x.ndim not in (3, 4):
            raise ValueError(f"Received input with {x.ndim} dimensions. Expected 3 or 4 dimensions.")
        if self._p_1 == 1 or not self.training:
            return x
        return self._drop(x, [*x.shape[:-3], 1, 1, x.shape[-1]])


class Dropout3d(_Dropout):
    """As :class:`Dropout2d`, for the shapes ``(D, H, W, C)`` and ``(N, D, H, W, C)``.

    Parameters
    ----------
    p : float
        The probability, in [0, 1).
    """

    def __call__(self, x):
        if x.ndim not in (4, 5):
            raise ValueError(f"Received input with {x.ndim} dimensions. Expected 4 or 5 dimensions.")
        if self._p_1 == 1 or not self.training:
            return x
        return self._drop(x, [*x.shape[:-4], 1, 1, 1, x.shape[-1]])
