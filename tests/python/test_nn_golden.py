# SPDX-License-Identifier: MIT
"""mlx.nn and mlx.optimizers compute what Apple's do: the cases of nn_cases.py against golden/nn.npz."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import mlx.nn as nn
import nn_cases



def read_golden():
    """The arrays of each case, and their dtypes; the file's format is told in record_golden_nn.py."""
    with np.load(Path(__file__).parent / "golden" / "nn.npz") as file:
        cases, values = json.loads(file["about"].tobytes())["cases"], file["values"]
    arrays, dtypes, at = {}, {}, 0
    for name, index in cases.items():
        arrays[name], dtypes[name] = {}, {path: dtype for path, (dtype, _) in index.items()}
        for path, (_, shape) in index.items():
            size = math.prod(shape)
            arrays[name][path] = values[at : at + size].reshape(shape)
            at += size
    return arrays, dtypes


GOLDEN, DTYPES = read_golden()

# Roundings along the way, each of half a unit of the largest value. Sums and iterated steps take more.
ROUNDINGS = {"layer": 64, "activation": 16, "loss": 32, "init": 16, "optimizer": 32, "schedule": 8}
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}


def test_every_case_is_recorded():
    assert set(DTYPES) == set(nn_cases.CASES)


def largest(x):
    return np.max(np.abs(x[np.isfinite(x)]), initial=0)


@pytest.mark.parametrize("name", nn_cases.CASES)
def test_case(name):
    kind = name.partition("/")[0]

    arrays, dtypes = nn_cases.run_case(name)
    assert dtypes == DTYPES[name]
    whole = max((largest(want) for want in GOLDEN[name].values() if want.dtype.kind == "f"), default=0)
    for path, x in arrays.items():
        want = GOLDEN[name][path]
        assert x.shape == want.shape, path
        if dtypes[path] not in EPSILON:
            np.testing.assert_array_equal(x, want, err_msg=path)
            continue
        size = largest(want)
        # What is zero in exact arithmetic (the gradient of attention's key bias) holds the rounding errors of terms as
        # large as the other arrays'.
        if size < 1e-6 * whole:
            size = whole
        tolerance = ROUNDINGS[kind] * EPSILON[dtypes[path]] / 2 * max(size, 1e-3)
        np.testing.assert_allclose(x, want, rtol=0, atol=tolerance, err_msg=f"{name}: {path}")
