# SPDX-License-Identifier: MIT
"""Records tests/c/golden_random.h with the `mlx` of the running interpreter: bytes and their FNV-1a hash, by case.

tests/c/test_random.c draws the same cases by the same names through the native interface.
"""
import os

import mlx.core as mx
import numpy as np

from random_cases import bits

f32, f16, bf16, c64 = mx.float32, mx.float16, mx.bfloat16, mx.complex64
LOGITS = np.linspace(-3, 3, 60, dtype=np.float32).reshape(3, 4, 5) ** 2


def key(n):
    return mx.random.key(n)


def logits():
    return mx.array(LOGITS)


r = mx.random
CASES = {
    "key": lambda: key(2 ** 32 + 7),
    "split": lambda: r.split(key(5), 33),
    "split into none": lambda: r.split(key(5), 0),
    "many words": lambda: r.split(key(6), 70001),
    "uniform f32": lambda: r.uniform(shape=(100003,), key=key(1)),
    "uniform f16": lambda: r.uniform(shape=(5003,), dtype=f16, key=key(1)),
    "uniform bf16": lambda: r.uniform(shape=(5003,), dtype=bf16, key=key(1)),
    "uniform bounds": lambda: r.uniform(mx.array([0.0, -1.0, 3.0]), mx.array([[1.0], [5.0]]), (40, 2, 3), f32, key(2)),
    "normal f32": lambda: r.normal((100003,), key=key(7)),
    "normal f16": lambda: r.normal((5003,), f16, loc=-1.5, scale=3.0, key=key(7)),
    "normal bf16": lambda: r.normal((5003,), bf16, loc=-1.5, scale=3.0, key=key(7)),
    "normal c64": lambda: r.normal((5003,), c64, loc=-1.5, scale=3.0, key=key(7)),
    "laplace f32": lambda: r.laplace((5003,), loc=-1.5, scale=3.0, key=key(8)),
    "laplace bf16": lambda: r.laplace((5003,), bf16, key=key(8)),
    "gumbel f32": lambda: r.gumbel((100003,), key=key(9)),
    "gumbel f16": lambda: r.gumbel((5003,), f16, key=key(9)),
    "truncated f32": lambda: r.truncated_normal(-1.0, 2.0, (5003,), f32, key(10)),
    "truncated bf16": lambda: r.truncated_normal(-1.0, 2.0, (5003,), bf16, key(10)),
    "truncated f16": lambda: r.truncated_normal(-1.0, 2.0, (5003,), f16, key(10)),
    "randint i32": lambda: r.randint(-5, 1000, (5003,), mx.int32, key(4)),
    "randint i64": lambda: r.randint(-2 ** 40, 2 ** 40, (5003,), mx.int64, key(4)),
    "randint u8 wraps": lambda: r.randint(0, 300, (5003,), mx.uint8, key(4)),
    "randint bool": lambda: r.randint(0, 2, (5003,), mx.bool_, key(4)),
    "randint nothing": lambda: r.randint(5, 5, (7,), mx.int32, key(4)),
    "bernoulli": lambda: r.bernoulli(mx.array([0.0, 0.2, 1.0]), (5000, 3), key(5)),
    "bernoulli f16": lambda: r.bernoulli(mx.array([0.1, 0.2, 0.9], f16), (5000, 3), key(5)),
    "categorical": lambda: r.categorical(logits(), key=key(1)),
    "categorical axis": lambda: r.categorical(logits(), 1, key=key(1)),
    "categorical count": lambda: r.categorical(logits(), 0, num_samples=500, key=key(1)),
    "categorical shape": lambda: r.categorical(logits(), 1, shape=(200, 3, 5), key=key(1)),
    "categorical one": lambda: r.categorical(logits().reshape(-1), num_samples=5003, key=key(1)),
    "categorical one f16": lambda: r.categorical(logits().reshape(1, 60).astype(f16), shape=(2, 3, 1), key=key(1)),
    "categorical one, infinite": lambda: r.categorical(mx.array([1.0, np.inf, 2.0, np.inf]), shape=(500,), key=key(1)),
    "categorical one, all minus infinity": lambda: r.categorical(mx.array([-np.inf] * 3), shape=(500,), key=key(1)),
    "vmap": lambda: mx.vmap(lambda k: mx.random.normal((5,), key=k))(mx.random.split(key(2), 7)),
}


def hash_of(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 % 2 ** 64
    return h


def row(name, make):
    data = np.ascontiguousarray(bits(mx, make())).tobytes()
    return f'    {{"{name}", {len(data)}, 0x{hash_of(data):016x}u}},'


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "c", "golden_random.h")
with open(path, "w") as f:
    f.write("""/* SPDX-License-Identifier: MIT
 *
 * MLX's random numbers: bytes and FNV-1a hash of each case, recorded by tests/golden/record_random_c.py.  data table */
static const golden_draw golden[] = {
""" + "\n".join(row(name, make) for name, make in CASES.items()) + "\n};\n")
