# SPDX-License-Identifier: MIT
"""Chains that a program writes by hand: each takes a library's functions and float32 arrays.

What is worth measuring here is how often an array goes to memory and back, so nothing here calls a fused function.
"""


def gelu(m, x):
    return x * (1 + m.erf(x * 0.7071067811865476)) * 0.5


def gelu_tanh(m, x):
    return 0.5 * x * (1 + m.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def swiglu(m, gate, up):
    return gate * m.sigmoid(gate) * up


def adam(m, weight, grad, mean, square):
    mean = 0.9 * mean + 0.1 * grad
    square = 0.999 * square + 0.001 * m.square(grad)
    return weight - 1e-3 * (mean / (m.sqrt(square) + 1e-8)), mean, square


def binary_cross_entropy(m, logit, target):
    return m.log1p(m.exp(-m.abs(logit))) + m.maximum(logit, 0 * logit) - logit * target


def twenty_steps(m, x, y):
    for _ in range(4):
        x = m.maximum(x * y + 0.5, y) - 0.25 * x
    return x


CHAINS = {"gelu": (gelu, 1), "gelu tanh": (gelu_tanh, 1), "swiglu": (swiglu, 2), "adam": (adam, 4),
          "cross entropy": (binary_cross_entropy, 2), "twenty steps": (twenty_steps, 2)}


# Along rows.


def layer_norm(m, x, weight, bias):
    centred = x - m.mean(x, axis=-1, keepdims=True)
    return centred * m.rsqrt(m.mean(m.square(centred), axis=-1, keepdims=True) + 1e-5) * weight + bias


def rms_norm(m, x, weight):
    return x * m.rsqrt(m.mean(m.square(x), axis=-1, keepdims=True) + 1e-5) * weight


def masked_softmax(m, x, mask):
    return m.softmax(x * 0.125 + mask, axis=-1)


def softmax_cross_entropy(m, x, target):
    return m.sum((m.logsumexp(x, axis=-1, keepdims=True) - x) * target, axis=-1)


# Formula, arrays of rows, arrays of one row.
ROW_CHAINS = {"layer norm": (layer_norm, 1, 2), "rms norm": (rms_norm, 1, 1), "masked softmax": (masked_softmax, 2, 0),
              "softmax cross entropy": (softmax_cross_entropy, 2, 0)}
