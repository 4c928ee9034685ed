# SPDX-License-Identifier: MIT
"""What MLX answered to the expressions of binding_cases.py is what Mica answers, but for the differences named here."""
import json
from pathlib import Path

import numpy as np
import pytest

import binding_cases
import mlx.core as mx

GOLDEN = json.loads((Path(__file__).parent / "golden" / "binding.json").read_text())

# expression: (Mica's answer, why)
DIFFERENT = {
    "mx.arange(x)": ("raises TypeError", "the same class; listed to show that an array is no bound"),
    "mx.linalg.norm(m, 2)": ("array(7.34847, dtype=float32)", "ints are float32 to every norm"),
    "mx.exp(np.array([1.0]))": ("array([2.71828], dtype=float32)", "a NumPy operand is what mx.array makes of it"),
}


@pytest.fixture(scope="module")
def names():
    names = {"mx": mx, "np": np}
    names.update({name: eval(text, names) for name, text in binding_cases.ARRAYS.items()})
    return names


def test_golden_is_current():
    assert sorted(GOLDEN) == sorted({expression for _, expression in binding_cases.cases()})


@pytest.mark.parametrize("expression", list(GOLDEN))
def test_answer(expression, names):
    expected = DIFFERENT.get(expression, (GOLDEN[expression],))[0]
    answer = binding_cases.answer(expression, names)
    if answer != expected and expression.startswith("mx.fft.") and mx.default_device() == mx.gpu:
        cpu = eval(expression[:-1] + ", stream=mx.cpu)", names)  # what is rounded to zero is the library's
        np.testing.assert_allclose(eval(expression, names), cpu, atol=1e-5)
        return
    assert answer == expected
