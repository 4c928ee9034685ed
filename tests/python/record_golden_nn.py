#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Record golden/nn.npz: run it with the interpreter of an environment that has Apple's mlx[cpu] and numpy.

    python tests/python/record_golden_nn.py

All values lie in one float32 vector (integers are small); "about" is JSON with the dtype and shape of each array.
"""

import json
from pathlib import Path

import numpy as np

import mlx.core as mx
import nn_cases

FILE = Path(__file__).parent / "golden" / "nn.npz"


def main():
    if hasattr(mx, "mica_version"):
        raise SystemExit("this mlx.core is Mica: its values prove nothing about itself")
    index, values = {}, []
    for name in nn_cases.CASES:
        arrays, dtypes = nn_cases.run_case(name)
        index[name] = {path: [dtypes[path], x.shape] for path, x in arrays.items()}
        values += [x.astype(np.float32).ravel() for x in arrays.values()]
    values = np.concatenate(values)
    about = json.dumps({"mlx": mx.__version__, "cases": index}, separators=(",", ":"))
    np.savez_compressed(FILE, about=np.frombuffer(about.encode(), np.uint8), values=values)
    print(f"{FILE}: {len(index)} cases, {values.size:,} numbers, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
