# SPDX-License-Identifier: MIT
"""The default sizes of examples/python/transformer_lm.py, and batches that all implementations get alike; made
without NumPy, which a machine with a GPU may lack."""
import random
from types import SimpleNamespace

CONFIG = SimpleNamespace(vocabulary=256, width=128, layers=4, heads=4, hidden=352, context=128, batch=8)


def batches(count=16):
    """Windows of skewed bytes, with their successors, as lists."""
    draw = random.Random(0).random
    windows = [[[int(256 * draw() ** 3) for _ in range(CONFIG.context + 1)] for _ in range(CONFIG.batch)]
               for _ in range(count)]
    return [([row[:-1] for row in w], [row[1:] for row in w]) for w in windows]
