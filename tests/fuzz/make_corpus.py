# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzz targets into tests/fuzz/corpus with this interpreter's mlx.core and NumPy."""
import os

import mlx.core as mx
import numpy as np

corpus = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def at(form, name):
    return os.path.join(corpus, form, name)


def write_all():
    x, y = mx.array([[1, 2, 3], [4, 5, 6]], mx.int16), mx.array([True, False])
    mx.save(at("npy", "rows.npy"), x)
    mx.save(at("npy", "half.npy"), x.astype(mx.bfloat16).T)
    np.save(at("npy", "big_endian.npy"), np.arange(3, dtype=">c8"))
    mx.save_safetensors(at("safetensors", "two.safetensors"), {"x": x, "y": y}, {"note": "text"})
    mx.save_safetensors(at("safetensors", "none.safetensors"), {})
    np.savez(at("npz", "stored.npz"), x=np.array(x), y=np.array(y))
    np.savez_compressed(at("npz", "deflated.npz"), x=np.array(x))


write_all()
