#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What first programs on a GPU do: their kernels are compiled when the library is built (cmake/cubins.cmake).

Values mean nothing here, kernels do not run: dtypes, layouts and what is computed together decide which there are."""
import sys
import types
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples" / "python"))
sys.modules.setdefault("tqdm", types.SimpleNamespace(tqdm=None))  # the example shows a bar, which is not used here
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from transformer_lm import LanguageModel, make_optimizer

HALF = mx.bfloat16


def elementwise():
    """At a prompt: each result by itself."""
    for dtype in (mx.float32, HALF):
        x = mx.arange(1, 1001).astype(dtype).reshape(10, 100)
        y, row = x + 1, x[0]
        unary = (mx.exp, mx.square, mx.sqrt, mx.log, mx.tanh, mx.sigmoid, mx.negative, mx.abs, mx.sin, mx.cos)
        binary = (mx.add, mx.subtract, mx.multiply, mx.divide, mx.maximum)
        mx.eval(y, row)
        for f in unary[: None if dtype == mx.float32 else 2]:
            mx.eval(f(x))
        for f in binary:
            mx.eval(f(x, y))
            if dtype == mx.float32:
                mx.eval(f(x, row))
        mx.eval(x.astype(mx.int32), x > y)
    i = mx.arange(1000)
    mx.eval(i + 1, i * 2, i.astype(mx.float32), i < 5, mx.where(i < 5, i, 0))
    mx.eval(mx.zeros((10, 10)), mx.ones((10, 10)), mx.full((10, 10), 0.5), mx.eye(4))


def movement_and_reductions():
    x, i = mx.random.normal((64, 128)), mx.random.randint(0, 64, (32,))
    mx.eval(x, i, mx.random.uniform(shape=(64, 128)), mx.random.split(mx.random.key(0)))
    for y in (x, x.astype(HALF)):
        mx.eval(mx.contiguous(y.T), mx.concatenate([y, y]), y[i], y[:, ::2] + 0)
        for f in (mx.sum, mx.mean, mx.max):
            mx.eval(f(y))
            mx.eval(f(y, axis=-1))
        mx.eval(mx.sum(y, axis=0), mx.argmax(y, axis=-1), mx.softmax(y, axis=-1), mx.logsumexp(y, axis=-1))
    mx.eval(mx.cumsum(x, axis=-1), mx.random.categorical(x), mx.all(x == x))


def attention():
    for dtype in (mx.float32, HALF):
        for size in (64, 128):
            for length in (256, 1):
                q = mx.zeros((1, 8, length, size), dtype)
                k = v = mx.zeros((1, 2, 256, size), dtype)
                mx.eval(mx.fast.scaled_dot_product_attention(q, k, v, scale=0.1, mask="causal" if length > 1 else None))


def language_model(dtype):
    """The train step of examples/python/transformer_lm.py, and the next byte."""
    model = LanguageModel(128, 2, 4, 352)
    model.set_dtype(dtype)
    optimizer = make_optimizer({"steps": 2000, "warmup": 100, "lr": 3e-3})
    step = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))
    tokens = mx.random.randint(0, 256, (8, 129))
    for _ in range(3):
        loss, gradients = step(tokens[:, :-1], tokens[:, 1:])
        gradients, _ = optim.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        mx.eval(loss, model.parameters(), optimizer.state)
    mx.eval(mx.random.categorical(model(tokens[:1, :100])[:, -1] / 0.8))


def perceptron():
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = optim.SGD(learning_rate=0.1)
    step = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))
    x, y = mx.random.normal((16, 32)), mx.random.randint(0, 10, (16,))
    for _ in range(3):
        loss, gradients = step(x, y)
        optimizer.update(model, gradients)
        mx.eval(loss, model.parameters())


for program in (elementwise, movement_and_reductions, attention, partial(language_model, mx.float32),
                partial(language_model, HALF), perceptron):
    program()
