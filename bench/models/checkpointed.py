# SPDX-License-Identifier: MIT
"""A transformer of 24 layers, each in a checkpoint or as it is: the most memory that its gradient needs."""
import mlx.core as mx
import mlx.nn as nn

LAYERS, DIMS, HEADS, BATCH, LENGTH = 24, 64, 4, 4, 128


def peak_bytes(checkpoints):
    mx.random.seed(0)
    model = nn.Module()
    model.layers = [nn.TransformerEncoderLayer(DIMS, HEADS, 4 * DIMS) for _ in range(LAYERS)]
    data = mx.random.normal((BATCH, LENGTH, DIMS))
    mx.eval(model.parameters(), data)

    def loss(x):
        for layer in model.layers:
            x = (nn.utils.checkpoint(layer) if checkpoints else layer)(x, None)
        return (x * x).mean()

    mx.synchronize()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    mx.eval(nn.value_and_grad(model, loss)(data))
    return mx.get_peak_memory() - before
