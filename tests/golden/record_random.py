# SPDX-License-Identifier: MIT
"""Records tests/golden/random.npz with the `mlx` of the running interpreter: the bits of each case."""
import os

import mlx.core as mx
import numpy as np
from random_cases import CASES, bits

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "random.npz")
np.savez_compressed(path, **{name: bits(mx, make(mx)) for name, make in CASES.items()})
print(f"{path}: {len(CASES)} cases, {os.path.getsize(path)} bytes, MLX {mx.__version__}")
