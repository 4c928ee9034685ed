# SPDX-License-Identifier: MIT
"""Hypothesis: the same examples in every run of `make test`, new and many more ones in `make full`."""
import os
import signal

import pytest
from hypothesis import settings

os.environ.setdefault("MLX_ENABLE_TF32", "0")  # float32 products on a GPU are compared with float32's precision

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background ignores it

settings.register_profile("test", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("full", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


@pytest.fixture(autouse=True)
def no_error_is_left():
    """A stream keeps its first error for synchronize, also one that was raised: not for the next test."""
    import mlx.core as mx

    yield
    try:
        mx.synchronize()
    except RuntimeError:
        pass
