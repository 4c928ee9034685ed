# SPDX-License-Identifier: MIT
"""Affine and bilinear maps."""

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["Bilinear", "Identity", "Linear"]


class Identity(Module):
    """Returns its input. All arguments of the constructor are ignored."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def __call__(self, x):
        return x


class Linear(Module):
    """The affine map ``y = x W^T + b``.

    Parameters
    ----------
    input_dims, output_dims : int
        Sizes of the last axis of the input and of the output.
    bias : bool
        Whether to add ``b``.

    Attributes
    ----------
    weight : array
        ``W``, of shape ``(output_dims, input_dims)``; from the uniform distribution on (-k, k),
        k = 1 / sqrt(input_dims).
    bias : array
        ``b``, of shape ``(output_dims,)``, from the same distribution.
    """

    def __init__(self, input_dims, output_dims, bias=True):
        super().__init__()
        k = math.sqrt(1 / input_dims)
        self.weight = mx.random.uniform(low=-k, high=k, shape=(output_dims, input_dims))
        if bias:
            self.bias = mx.random.uniform(low=-k, high=k, shape=(output_dims,))

    def _extra_repr(self):
        output_dims, input_dims = self["weight"].shape
        return f"input_dims={input_dims}, output_dims={output_dims}, bias={'bias' in self}"

    def __call__(self, x):
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T


class Bilinear(Module):
    """The bilinear map ``y_i = x2^T W_i x1 + b_i``.

    Parameters
    ----------
    input1_dims, input2_dims, output_dims : int
        Sizes of the last axes of ``x1``, ``x2`` and ``y``.
    bias : bool
        Whether to add ``b``.

    Attributes
    ----------
    weight : array
        ``W``, of shape ``(output_dims, input2_dims, input1_dims)``; from the uniform distribution on
        (-k, k), k = 1 / sqrt(input1_dims).
    bias : array
        ``b``, of shape ``(output_dims,)``, from the same distribution.
    """

    def __init__(self, input1_dims, input2_dims, output_dims, bias=True):
        super().__init__()
        k = math.sqrt(1 / input1_dims)
        self.weight = mx.random.uniform(low=-k, high=k, shape=(output_dims, input2_dims, input1_dims))
        if bias:
            self.bias = mx.random.uniform(low=-k, high=k, shape=(output_dims,))

    def _extra_repr(self):
        output_dims, input2_dims, input1_dims = self["weight"].shape
        return (
            f"input1_dims={input1_dims}, input2_dims={input2_dims}, output_dims={output_dims}, "
            f"bias={'bias' in self}"
        )

    def __call__(self, x1, x2):
        weight = self["weight"]
        output_dims, input2_dims, input1_dims = weight.shape
        batch = x1.shape[:-1]

        # W x1 for all outputs in one product; then x2 with each.
        y = x1.reshape(-1, input1_dims) @ weight.reshape(-1, input1_dims).T
        y = y.reshape(-1, output_dims, input2_dims).swapaxes(-2, -1)
        y = x2.reshape(-1, 1, input2_dims) @ y
        y = y.reshape(*batch, output_dims)
        return y + self["bias"] if "bias" in self else y
