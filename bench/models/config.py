# SPDX-License-Identifier: MIT
"""The default sizes of examples/python/transformer_lm.py, and batches that all implementations get alike."""
from types import SimpleNamespace

import numpy as np

CONFIG = SimpleNamespace(vocabulary=256, width=128, layers=4, heads=4, hidden=352, context=128, batch=8)


def batches(count=16):
    """Windows of skewed bytes, with their successors."""
    rng = np.random.default_rng(0)
    windows = (256 * rng.random((count, CONFIG.batch, CONFIG.context + 1)) ** 3).astype(np.int32)
    return [(w[:, :-1].copy(), w[:, 1:].copy()) for w in windows]
