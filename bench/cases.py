# SPDX-License-Identifier: MIT
"""What is measured, and what Mica means to reach: one list for all implementations, no library in it.

A goal compares medians: ("mlx", 5) reads "at least 5 times as fast as mlx", ("copy", 0.8) "at least 80% of the speed of
the streaming copy measured beside it", ("at most", 1e-6) is a bound on Mica's own value in the case's unit.
"""
from dataclasses import dataclass, field

from chains import CHAINS, ROW_CHAINS

SIZES = (1_000_000, 30_000_000)


@dataclass(frozen=True)
class Case:
    name: str
    kind: str                     # the method of an implementation that builds it
    n: int = 0
    dtype: str = "float32"
    unit: str = "s"
    timed: bool = True            # False: the call returns its own measurement
    chain: str = ""               # its formula, in chains.py
    repeat: int = 1               # operations in a call; results are given for one
    reads: int = 0                # bytes that the operation must read
    writes: int = 0               # ... and write
    flops: int = 0
    goals: tuple = field(default=())


def matmul_cases():
    for n in (512, 1024, 2048):
        yield Case(f"matmul float32 {n}", "matmul", n, flops=2 * n**3, goals=(("torch", 1.0), ("fma", 0.85)))
        for dtype in ("bfloat16", "float16"):
            yield Case(f"matmul {dtype} {n}", "matmul", n, dtype, flops=2 * n**3,
                       goals=((f"mica: matmul float32 {n}", 1.0),))


# Bytes an element that each memory-bound operation cannot avoid to read and to write.
MEMORY_BOUND = {"add": (8, 4), "cast": (4, 2), "sum": (4, 0), "max": (4, 0), "rms_norm": (4, 4), "layer_norm": (4, 4),
                "copy_transposed": (4, 4), "copy_every_second": (4, 2)}


def elementwise_cases():
    for n in SIZES:
        for kind, (reads, writes) in MEMORY_BOUND.items():
            yield Case(f"{kind} {n:.0e}", kind, n, reads=reads * n, writes=writes * n, goals=(("copy", 0.8),))
        for kind in ("exp", "softmax", "tanh", "erf"):
            yield Case(f"{kind} {n:.0e}", kind, n, goals=(("mlx", 20.0), ("torch", 1.0)))


# Numbers, and numbers of a line.
TRANSFORMS = {"2^10": (1 << 10, 1 << 10), "2^20": (1 << 20, 1 << 20), "1000003, a prime": (1000003, 1000003),
              "1024 of 1024": (1 << 20, 1 << 10)}


def transform_cases():
    for name, (n, line) in TRANSFORMS.items():
        yield Case(f"fft {name}", "transform", n, chain=str(line), goals=(("torch", 1.0), ("mlx", 1.0)))


def sort_cases():
    for kind in ("sort", "argsort"):
        for n in (1_000, 100_000, 10_000_000):
            yield Case(f"{kind} {n:.0e}", kind, n, goals=(("numpy", 1.0), ("torch", 1.0), ("mlx", 1.0)))
    for kind in ("sort_rows", "topk_rows"):
        yield Case(f"{kind} 4e+06", kind, 4_000_000, goals=(("numpy", 1.0), ("torch", 1.0), ("mlx", 1.0)))


def overhead_cases():
    yield Case("c = a + b; eval, 10 elements", "tiny_add", 10, repeat=200, goals=(("at most", 1e-6),))
    yield Case("make a node", "make_node", 10, repeat=1000, goals=(("at most", 200e-9),))
    yield Case("chain of 1000 adds, an op", "chain", 10, repeat=1000, goals=(("at most", 0.5e-6),))
    yield Case("make a node from C", "c_node", timed=False, goals=(("at most", 60e-9),))
    yield Case("make a node from C, a million alive", "c_node_alive", timed=False, goals=(("at most", 100e-9),))
    yield Case("import", "import_time", timed=False, goals=(("at most", 50e-3),))


def fusion_cases():
    for chain in CHAINS:
        for n in (1_000, 100_000, 1_000_000, 10_000_000):
            yield Case(f"fused {chain} {n:.0e}", "fused", n, chain=chain,
                       goals=(("mlx", 10.0), ("mlx-compiled", 10.0), ("torch-compiled", 0.9)))
    for chain in ROW_CHAINS:
        for n in (1_000, 100_000, 1_000_000, 10_000_000):
            yield Case(f"fused {chain} {n:.0e}", "fused_rows", n, chain=chain,
                       goals=(("mlx", 10.0), ("mlx-compiled", 10.0), ("torch-compiled", 0.9)))
    yield Case("first result of a fused chain", "fused_first", 1000, timed=False, chain="gelu",
               goals=(("at most", 5e-3),))


def compile_cases():
    """Calls of compiled functions: nothing is computed but where the implementation does so at once."""
    for ops in (1, 10, 100):
        yield Case(f"call of a compiled chain of {ops} adds", "compiled_call", 10, chain=str(ops), repeat=50,
                   goals=(("at most", 2e-6 + ops * 50e-9), ("mlx-compiled", 1.0)))
    yield Case("make an op again from C", "c_replay", timed=False, goals=(("at most", 50e-9),))


def training_cases():
    yield Case("train step", "train_step", goals=(("mlx", 5.0), ("torch", 1.0)))
    yield Case("train step, peak bytes", "train_peak", unit="B", timed=False, goals=(("torch", 1.0),))
    yield Case("24 layers in checkpoints, percent of their bytes", "checkpoint_peak", unit="%", timed=False,
               goals=(("at most", 40.0),))


CASES = [*training_cases(), *matmul_cases(), *elementwise_cases(), *transform_cases(), *sort_cases(),
         *fusion_cases(), *overhead_cases(), *compile_cases()]
