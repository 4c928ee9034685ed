# SPDX-License-Identifier: MIT
"""The train step of examples/python/transformer_lm.py itself, for Mica and MLX."""
import importlib.util
import os

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

from models.config import CONFIG, batches
from peers import ROOT


def example():
    path = os.path.join(ROOT, "examples", "python", "transformer_lm.py")
    spec = importlib.util.spec_from_file_location("transformer_lm", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build():
    lm = example()
    mx.random.seed(0)
    model = lm.LanguageModel(CONFIG.width, CONFIG.layers, CONFIG.heads, CONFIG.hidden)
    optimizer = lm.make_optimizer({"steps": 2000, "warmup": 100, "lr": 3e-3})
    optimizer.init(model.trainable_parameters())
    loss_and_grad = nn.value_and_grad(
        model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")
    )
    data = [(mx.array(x), mx.array(y)) for x, y in batches()]
    count = [0]

    def step():
        x, y = data[count[0] % len(data)]
        count[0] += 1
        loss, grads = loss_and_grad(x, y)
        grads, _ = optim.clip_grad_norm(grads, 1.0)
        optimizer.update(model, grads)
        mx.eval(loss, model.parameters(), optimizer.state)
        return loss.item()
    return step
