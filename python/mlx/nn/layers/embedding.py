# SPDX-License-Identifier: MIT
"""Rows of a table, looked up by index."""

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

__all__ = ["Embedding"]


class Embedding(Module):
    """A table of learned vectors.

    Parameters
    ----------
    num_embeddings : int
        Number of rows (the size of the vocabulary).
    dims : int
        Length of a row.

    Attributes
    ----------
    weight : array
        The table, of shape ``(num_embeddings, dims)``; normal with standard deviation 1 / sqrt(dims).
    """

    def __init__(self, num_embeddings, dims):
        super().__init__()
        self.weight = mx.random.normal(shape=(num_embeddings, dims), scale=math.sqrt(1 / dims))

    def _extra_repr(self):
        num_embeddings, dims = self["weight"].shape
        return f"{num_embeddings}, {dims}"

    def __call__(self, x):
        return self["weight"][x]

    def as_linear(self, x):
        """``x W^T``: the table as the output layer of a model that ties both (Press and Wolf,
        https://arxiv.org/abs/1608.05859). ``x`` has the shape ``(..., dims)``."""
        return x @ self["weight"].T
