# SPDX-License-Identifier: MIT
"""Elementwise chains that a program writes by hand: each takes a library's functions and float32 arrays.

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
