# SPDX-License-Identifier: MIT
"""Recurrent layers. The input has the shape ``(..., L, D)``, the states ``(..., H)``.

The input's projections of all steps are one product; the loop does only what needs the last state.
"""

import math

import mlx.core as mx
from mlx.nn.layers.activations import tanh
from mlx.nn.layers.base import Module

__all__ = ["GRU", "LSTM", "RNN"]


def _project(x, weight, bias):
    return x @ weight.T if bias is None else mx.addmm(bias, x, weight.T)


class RNN(Module):
    """The Elman network, ``h' = tanh(Wxh x + Whh h + b)`` (Elman,
    https://doi.org/10.1207/s15516709cog1402_1).

    Parameters
    ----------
    input_size, hidden_size : int
        ``D`` and ``H``.
    bias : bool
        Whether to add ``b``.
    nonlinearity : callable, optional
        Instead of tanh.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity=None):
        super().__init__()
        self.nonlinearity = nonlinearity or tanh
        if not callable(self.nonlinearity):
            raise ValueError(f"Nonlinearity must be callable. Current value: {nonlinearity}.")
        k = 1.0 / math.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.Wxh = mx.random.uniform(low=-k, high=k, shape=(hidden_size, input_size))
        self.Whh = mx.random.uniform(low=-k, high=k, shape=(hidden_size, hidden_size))
        self.bias = mx.random.uniform(low=-k, high=k, shape=(hidden_size,)) if bias else None

    def _extra_repr(self):
        return (
            f"input_dims={self.Wxh.shape[1]}, hidden_size={self.hidden_size}, "
            f"nonlinearity={self.nonlinearity}, bias={self.bias is not None}"
        )

    def __call__(self, x, hidden=None):
        """The hidden states of all steps, of shape ``(..., L, H)``."""
        x = _project(x, self.Wxh, self.bias)
        states = []
        for t in range(x.shape[-2]):
            step = x[..., t, :]
            if hidden is not None:
                step = mx.addmm(step, hidden, self.Whh.T)
            hidden = self.nonlinearity(step)
            states.append(hidden)
        return mx.stack(states, axis=-2)


class GRU(Module):
    """The gated recurrent unit (Cho et al., https://arxiv.org/abs/1406.1078)::

        r  = sigmoid(Wxr x + Whr h + br)
        z  = sigmoid(Wxz x + Whz h + bz)
        n  = tanh(Wxn x + bn + r * (Whn h + bhn))
        h' = (1 - z) * n + z * h

    Parameters
    ----------
    input_size, hidden_size : int
        ``D`` and ``H``.
    bias : bool
        Whether to add the biases.
    """

    def __init__(self, input_size, hidden_size, bias=True):
        super().__init__()
        self.hidden_size = hidden_size
        k = 1.0 / math.sqrt(hidden_size)
        self.Wx = mx.random.uniform(low=-k, high=k, shape=(3 * hidden_size, input_size))
        self.Wh = mx.random.uniform(low=-k, high=k, shape=(3 * hidden_size, hidden_size))
        self.b = mx.random.uniform(low=-k, high=k, shape=(3 * hidden_size,)) if bias else None
        self.bhn = mx.random.uniform(low=-k, high=k, shape=(hidden_size,)) if bias else None

    def _extra_repr(self):
        return f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, bias={self.b is not None}"

    def __call__(self, x, hidden=None):
        """The hidden states of all steps, of shape ``(..., L, H)``."""
        x = _project(x, self.Wx, self.b)
        x_rz, x_n = mx.split(x, [2 * self.hidden_size], axis=-1)
        states = []
        for t in range(x.shape[-2]):
            rz, n, h_n = x_rz[..., t, :], x_n[..., t, :], self.bhn
            if hidden is not None:
                h_rz, h_n = mx.split(hidden @ self.Wh.T, [2 * self.hidden_size], axis=-1)
                rz = rz + h_rz
                if self.bhn is not None:
                    h_n = h_n + self.bhn
            r, z = mx.split(mx.sigmoid(rz), 2, axis=-1)
            n = mx.tanh(n if h_n is None else n + r * h_n)
            hidden = (1 - z) * n if hidden is None else (1 - z) * n + z * hidden
            states.append(hidden)
        return mx.stack(states, axis=-2)


class LSTM(Module):
    """Long short-term memory (Hochreiter and Schmidhuber, https://doi.org/10.1162/neco.1997.9.8.1735)::

        i, f, o = sigmoid(Wx x + Wh h + b)    of their own thirds
        g       = tanh(Wxg x + Whg h + bg)
        c'      = f * c + i * g
        h'      = o * tanh(c')

    Parameters
    ----------
    input_size, hidden_size : int
        ``D`` and ``H``.
    bias : bool
        Whether to add ``b``.
    """

    def __init__(self, input_size, hidden_size, bias=True):
        super().__init__()
        self.hidden_size = hidden_size
        k = 1.0 / math.sqrt(hidden_size)
        self.Wx = mx.random.uniform(low=-k, high=k, shape=(4 * hidden_size, input_size))
        self.Wh = mx.random.uniform(low=-k, high=k, shape=(4 * hidden_size, hidden_size))
        self.bias = mx.random.uniform(low=-k, high=k, shape=(4 * hidden_size,)) if bias else None

    def _extra_repr(self):
        return f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, bias={self.bias is not None}"

    def __call__(self, x, hidden=None, cell=None):
        """The hidden and the cell states of all steps, each of shape ``(..., L, H)``."""
        x = _project(x, self.Wx, self.bias)
        hiddens, cells = [], []
        for t in range(x.shape[-2]):
            ifgo = x[..., t, :]
            if hidden is not None:
                ifgo = mx.addmm(ifgo, hidden, self.Wh.T)
            i, f, g, o = mx.split(ifgo, 4, axis=-1)
            i, f, g, o = mx.sigmoid(i), mx.sigmoid(f), mx.tanh(g), mx.sigmoid(o)
            cell = i * g if cell is None else f * cell + i * g
            hidden = o * mx.tanh(cell)
            hiddens.append(hidden)
            cells.append(cell)
        return mx.stack(hiddens, axis=-2), mx.stack(cells, axis=-2)
