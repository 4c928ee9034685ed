# SPDX-License-Identifier: MIT
"""How each implementation does each kind of case: a method takes the case and returns the call to measure.

A kind without a method does not exist there and is a dash in the table.  Each call ends with the result in memory.
"""
import os
import platform
import subprocess
import sys
import time

import numpy as np

from chains import CHAINS, ROW_CHAINS

THREADS = int(os.environ.get("BENCH_THREADS", "2"))
ROW = 1000


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def matrix_shape(n):
    """A shape of n elements close to a square: 1000 x 1000, 5000 x 6000."""
    rows = next(r for r in range(int(n**0.5), 0, -1) if n % r == 0)
    return rows, n // rows


def import_time_of(module):
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"

    def call():
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    return call


class Implementation:
    """Every case whose expression is the same but for the library: subclasses give array, done and the functions."""
    kinds = None        # what it is measured at; None: everything it has

    def unary(self, shape, function):
        x = self.array(normal(*shape))
        return lambda: self.done(function(x))

    def matmul(self, case):
        a, b = (self.array(normal(case.n, case.n), case.dtype) for _ in range(2))
        function = self.function("matmul")
        return lambda: self.done(function(a, b))

    def add(self, case):
        a, b = self.array(normal(case.n)), self.array(normal(case.n))
        function = self.function("add")
        return lambda: self.done(function(a, b))

    def flat(self, case):
        return self.unary((case.n,), self.function(case.kind))

    def rows(self, case):
        return self.unary((case.n // ROW, ROW), self.function(case.kind))

    def matrix(self, case):
        return self.unary(matrix_shape(case.n), self.function(case.kind))

    cast = sum = max = exp = tanh = erf = sort = argsort = flat
    rms_norm = layer_norm = softmax = sort_rows = topk_rows = rows
    copy_transposed = copy_every_second = matrix

    def transform(self, case):
        shape = case.n // int(case.chain), int(case.chain)
        x = self.array((normal(*shape) + 1j * normal(*shape)).astype(np.complex64), "complex64")
        function = self.function("fft")
        return lambda: self.done(function(x))

    def tiny_add(self, case):
        a, b = self.array(normal(case.n)), self.array(normal(case.n))
        done, repeat = self.done, range(case.repeat)

        def call():
            for _ in repeat:
                done(a + b)
        return call

    def chain(self, case):
        a, b = self.array(normal(case.n)), self.array(normal(case.n))
        done, repeat = self.done, range(case.repeat)

        def call():
            x = a
            for _ in repeat:
                x = x + b
            done(x)
        return call

    def compile(self, function):
        return function

    def fused(self, case):
        formula, count = CHAINS[case.chain]
        inputs = [self.array(abs(normal(case.n)) + 0.01) for _ in range(count)]
        function = self.compile(lambda *x: formula(self.math, *x))
        return lambda: self.done(function(*inputs))

    def fused_rows(self, case):
        formula, count, shared = ROW_CHAINS[case.chain]
        inputs = [self.array(normal(case.n // ROW, ROW)) for _ in range(count)]
        inputs += [self.array(normal(ROW)) for _ in range(shared)]
        function = self.compile(lambda *x: formula(self.math, *x))
        return lambda: self.done(function(*inputs))

    def call_compiled(self, case):
        """A chain of `case.chain` additions, compiled; the results are let go uncomputed where that is possible."""
        a, b = self.array(normal(case.n)), self.array(normal(case.n))
        ops, repeat = range(int(case.chain)), range(case.repeat)

        def adds(x, y):
            for _ in ops:
                x = x + y
            return x

        function = self.always_compile(adds)
        function(a, b)

        def call():
            for _ in repeat:
                function(a, b)
        return call

    def import_time(self, case):
        return import_time_of(self.module)


class Mlx(Implementation):
    """Apple's MLX and Mica: one interface."""
    module = "mlx.core"

    def __init__(self):
        import mlx.core as mx
        self.mx = self.math = mx
        mx.set_default_device(mx.cpu)
        self.done = mx.eval
        weight, bias = mx.ones(ROW), mx.zeros(ROW)
        mx.eval(weight, bias)
        self.functions = {
            "matmul": lambda a, b: a @ b,
            "add": lambda a, b: a + b,
            "cast": lambda x: x.astype(mx.bfloat16),
            "sum": lambda x: mx.sum(x),
            "max": lambda x: mx.max(x),
            "fft": lambda x: mx.fft.fft(x),
            "exp": lambda x: mx.exp(x),
            "tanh": lambda x: mx.tanh(x),
            "erf": lambda x: mx.erf(x),
            "softmax": lambda x: mx.softmax(x, axis=-1),
            "sort": mx.sort, "sort_rows": mx.sort, "argsort": mx.argsort, "topk_rows": lambda x: mx.topk(x, 8),
            "rms_norm": lambda x: mx.fast.rms_norm(x, weight, 1e-5),
            "layer_norm": lambda x: mx.fast.layer_norm(x, weight, bias, 1e-5),
            "copy_transposed": lambda x: mx.contiguous(x.T),
            "copy_every_second": lambda x: mx.contiguous(x[:, ::2]),
        }

    def function(self, kind):
        return self.functions[kind]

    def array(self, x, dtype="float32"):
        a = self.mx.array(x).astype(getattr(self.mx, dtype))
        self.mx.eval(a)
        return a

    def make_node(self, case):
        a, b = self.array(normal(case.n)), self.array(normal(case.n))
        repeat = range(case.repeat)

        def call():
            for _ in repeat:
                a + b
        return call

    def fused_first(self, case):
        """Of arrays of a size that was not seen before."""
        formula, count = CHAINS[case.chain]
        sizes = iter(range(case.n, 2 * case.n))

        def call():
            n = next(sizes)
            inputs = [self.array(normal(n)) for _ in range(count)]
            start = time.perf_counter()
            self.done(self.compile(lambda *x: formula(self.math, *x))(*inputs))
            return time.perf_counter() - start
        return call

    def train_step(self, case):
        from models import lm_mlx
        return lm_mlx.build()

    def train_peak(self, case):
        from models import lm_mlx
        step, mx = lm_mlx.build(), self.mx

        def call():
            step()
            mx.reset_peak_memory()
            step()
            return mx.get_peak_memory()
        return call

    def checkpoint_peak(self, case):
        """What a gradient needs beside data and parameters, of a transformer of 24 layers."""
        from models import checkpointed
        return lambda: 100.0 * checkpointed.peak_bytes(True) / checkpointed.peak_bytes(False)

    def info(self):
        return {"version": self.mx.__version__, "python": platform.python_version()}


class MlxCompiled(Mlx):
    """mx.compile, which calls a C++ compiler: for chains only."""
    kinds = {"fused", "fused_rows", "compiled_call"}

    def compile(self, function):
        return self.mx.compile(function)

    always_compile, compiled_call = compile, Mlx.call_compiled


class Mica(Mlx):
    def __init__(self):
        super().__init__()
        if not hasattr(self.mx, "mica_version"):
            raise ImportError("this mlx.core is not Mica's; run it with PYTHONPATH=build/python")

    def program(self, *arguments, of="BENCH_NODE"):
        def call():
            return float(subprocess.run([os.environ[of], *arguments], capture_output=True, text=True,
                                        check=True).stdout)
        return call

    def always_compile(self, function):
        return self.mx.compile(function)

    compiled_call = Mlx.call_compiled

    def c_replay(self, case):
        return self.program(of="BENCH_REPLAY")

    def c_node(self, case):
        return self.program()

    def c_node_alive(self, case):
        return self.program("alive")

    def info(self):
        facts = self.mx.device_info(self.mx.cpu)
        return super().info() | {"mica_version": self.mx.mica_version, "threads": facts["thread_count"],
                                 "simd_level": facts["simd_level"], "blas_core": facts["blas_core"]}


class Numpy(Implementation):
    module = "numpy"
    fused = fused_rows = None  # nothing to fuse with

    def __init__(self):
        def softmax(x):
            e = np.exp(x - x.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)

        def layer_norm(x):
            centred = x - x.mean(axis=-1, keepdims=True)
            return centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)

        self.functions = {
            "fft": np.fft.fft,
            "matmul": np.matmul, "add": np.add, "sum": np.sum, "max": np.max, "exp": np.exp, "tanh": np.tanh,
            "softmax": softmax, "layer_norm": layer_norm,
            "sort": np.sort, "sort_rows": np.sort, "argsort": np.argsort,
            "topk_rows": lambda x: np.partition(x, -8)[..., -8:],
            "cast": lambda x: x.astype(np.float16),
            "rms_norm": lambda x: x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-5),
            "copy_transposed": lambda x: np.ascontiguousarray(x.T),
            "copy_every_second": lambda x: np.ascontiguousarray(x[:, ::2]),
        }

    erf = fused = None  # NumPy has no erf, and makes an array of each step

    def function(self, kind):
        return self.functions[kind]

    def array(self, x, dtype="float32"):
        return x.astype(dtype)

    def done(self, x):
        return x

    def matmul(self, case):
        # Its float16 product is a plain loop (minutes), and it has no bfloat16.
        return super().matmul(case) if case.dtype == "float32" else None

    def info(self):
        return {"version": np.__version__, "python": platform.python_version()}


class Torch(Implementation):
    module = "torch"
    compiled = False

    def __init__(self):
        import torch
        import torch.nn.functional as F
        self.torch = self.math = torch
        torch.set_num_threads(THREADS)
        torch.set_grad_enabled(False)
        weight, bias = torch.ones(ROW), torch.zeros(ROW)
        self.functions = {
            "fft": torch.fft.fft,
            "matmul": torch.matmul, "add": torch.add, "sum": torch.sum, "max": torch.max, "exp": torch.exp,
            "tanh": torch.tanh, "erf": torch.erf,
            "cast": lambda x: x.to(torch.bfloat16),
            "softmax": lambda x: torch.softmax(x, -1),
            "sort": torch.sort, "sort_rows": torch.sort, "argsort": torch.argsort,
            "topk_rows": lambda x: torch.topk(x, 8),
            "rms_norm": lambda x: F.rms_norm(x, (ROW,), weight, 1e-5),
            "layer_norm": lambda x: F.layer_norm(x, (ROW,), weight, bias, 1e-5),
            "copy_transposed": lambda x: x.T.contiguous(),
            "copy_every_second": lambda x: x[:, ::2].contiguous(),
        }

    def function(self, kind):
        return self.functions[kind]

    def array(self, x, dtype="float32"):
        return self.torch.from_numpy(x).to(getattr(self.torch, dtype))

    def done(self, x):
        return x

    def train_step(self, case):
        from models import lm_torch
        return lm_torch.build(self.compiled)

    def train_peak(self, case):
        from models import lm_torch
        return lambda: lm_torch.peak_bytes()

    def info(self):
        return {"version": self.torch.__version__, "threads": self.torch.get_num_threads(),
                "cpu_capability": self.torch.backends.cpu.get_cpu_capability(), "python": platform.python_version()}


class TorchCompiled(Torch):
    """torch.compile, for the train step and chains: single operations are the same kernels."""
    compiled = True
    kinds = {"train_step", "fused", "fused_rows", "compiled_call"}

    def compile(self, function):
        self.torch._dynamo.reset()  # else it makes a kernel for any size after the second one
        return self.torch.compile(function, dynamic=False)

    always_compile, compiled_call = compile, Torch.call_compiled


class Jax(Implementation):
    module = "jax.numpy"

    def __init__(self):
        import jax
        import jax.numpy as jnp
        self.jax, self.jnp = jax, jnp

        def norm(x):
            return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-5)

        functions = {
            "fft": jnp.fft.fft,
            "matmul": jnp.matmul, "add": jnp.add, "sum": jnp.sum, "max": jnp.max, "exp": jnp.exp, "tanh": jnp.tanh,
            "erf": jax.lax.erf, "rms_norm": norm,
            "layer_norm": lambda x: norm(x - jnp.mean(x, axis=-1, keepdims=True)),
            "cast": lambda x: x.astype(jnp.bfloat16),
            "softmax": lambda x: jax.nn.softmax(x, axis=-1),
            "copy_transposed": lambda x: x.T,
            "copy_every_second": lambda x: x[:, ::2],
        }
        self.functions = {kind: jax.jit(function) for kind, function in functions.items()}

        class Functions:
            erf, sigmoid = jax.lax.erf, jax.nn.sigmoid
            tanh, sqrt, square, exp, log1p = jnp.tanh, jnp.sqrt, jnp.square, jnp.exp, jnp.log1p
            abs, maximum, mean, sum = jnp.abs, jnp.maximum, jnp.mean, jnp.sum
            rsqrt, softmax, logsumexp = jax.lax.rsqrt, jax.nn.softmax, jax.nn.logsumexp
        self.math = Functions

    def function(self, kind):
        return self.functions[kind]

    def array(self, x, dtype="float32"):
        return self.jnp.asarray(x).astype(dtype).block_until_ready()

    def compile(self, function):
        return self.jax.jit(function)

    def done(self, x):
        return self.jax.block_until_ready(x)

    def train_step(self, case):
        from models import lm_jax
        return lm_jax.build()

    def info(self):
        return {"version": self.jax.__version__, "python": platform.python_version()}


IMPLEMENTATIONS = {"mica": Mica, "mlx": Mlx, "mlx-compiled": MlxCompiled, "torch": Torch,
                   "torch-compiled": TorchCompiled, "jax": Jax, "numpy": Numpy}


def make(name):
    return IMPLEMENTATIONS[name]()
