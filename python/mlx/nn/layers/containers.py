# SPDX-License-Identifier: MIT
"""Modules that only hold others."""

from mlx.nn.layers.base import Module

__all__ = ["Sequential"]


class Sequential(Module):
    """Call modules, or any callables, one after the other.

    Parameters
    ----------
    *modules : callable
        Each gets the result of the one before. They are kept in the list ``layers``.
    """

    def __init__(self, *modules):
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
