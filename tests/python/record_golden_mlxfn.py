# SPDX-License-Identifier: MIT
"""Records golden/mlxfn.zip: files that mlx[cpu] wrote with the values it computes, and files of ours that it has read.

Run it with the Python of an environment that has mlx[cpu], after make build; it calls itself with the .venv (or
MICA_PYTHON) and the argument FOLDER to have this library's files written there.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile

import mlx.core as mx
from mlxfn_cases import CASES, SHAPELESS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ARCHIVE = os.path.join(HERE, "golden", "mlxfn.zip")


def as_tuple(y):
    return tuple(y) if isinstance(y, (tuple, list)) else (y,)


def values(results):
    parts = [mx.view(y, mx.float32) if y.dtype == mx.complex64 else y for y in results]
    return [[str(y.dtype), list(y.shape), part.tolist()] for y, part in zip(results, parts)]


def close(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and bool(mx.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True))


def cases():
    for name, f, args in CASES:
        yield name, f, args, args, False
    for name, f, args, others in SHAPELESS:
        yield name, f, args, others, True


def write_ours(folder):
    for name, f, args, _, shapeless in cases():
        mx.export_function(os.path.join(folder, name + ".mlxfn"), f, *args, shapeless=shapeless)


def record(folder):
    expected, own = {}, os.path.join(folder, "mlx.mlxfn")
    with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as z:
        for name, f, args, call, shapeless in cases():
            want = as_tuple(f(*call))
            path = os.path.join(folder, name + ".mlxfn")
            got = mx.import_function(path)(*call)
            if len(got) != len(want) or not all(map(close, got, want)):
                print("MLX reads other values from ours:", name, got, want)
                continue
            z.writestr(zipfile.ZipInfo(name + ".ours"), open(path, "rb").read())
            try:
                mx.export_function(own, f, *args, shapeless=shapeless)
            except Exception as e:
                print("MLX cannot write", name, e)
            else:
                z.writestr(zipfile.ZipInfo(name + ".mlx"), open(own, "rb").read())
            expected[name] = values(want)
        z.writestr(zipfile.ZipInfo("expected.json"), json.dumps(expected))
    print(len(expected), "cases,", os.path.getsize(ARCHIVE), "bytes")


def main():
    with tempfile.TemporaryDirectory() as folder:
        python = os.environ.get("MICA_PYTHON", os.path.join(ROOT, ".venv", "bin", "python"))
        paths = os.path.join(ROOT, "build", "python")
        subprocess.run([python, __file__, folder], check=True, env={**os.environ, "PYTHONPATH": paths})
        record(folder)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write_ours(sys.argv[1])
    else:
        main()
