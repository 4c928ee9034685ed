# SPDX-License-Identifier: MIT
"""MICA_TRACE=where: an error at eval names the Python line that made the node."""
import os
import subprocess
import sys

import pytest

PROGRAM = """
import mlx.core as mx
import mlx.nn as nn

def ratio(a, b):
    return mx.divide(a, b)  # line 6

def fail(x):
    try:
        mx.eval(x)
    except RuntimeError as e:
        print(e)

zero = mx.zeros((2,))
mx.eval(zero)
fail(ratio(zero, zero).sum())
norm = nn.RMSNorm(2)
norm.weight = norm.weight * float("inf")
fail(norm(zero))  # line 19
compiled = mx.compile(ratio)
for _ in range(2):  # captured, then made again
    fail(compiled(zero, zero))  # line 22
fail(mx.scan(lambda c, x: (ratio(c, x), c), zero, mx.zeros((3, 2)))[0])
"""


def run(tmp_path, **env):
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {k: v for k, v in os.environ.items() if k != "MICA_TRACE"} | env
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in sys.path)
    return subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True,
                          timeout=60, check=True).stdout


def test_the_line_is_the_programs(tmp_path):
    text = run(tmp_path, MICA_CHECK_NAN="1", MICA_TRACE="where")
    assert "[divide] made a NaN" in text
    assert "\n  made at " in text
    assert "program.py:6, in ratio\n" in text
    assert "program.py:19, in <module>\n  through " in text and "normalization.py" in text
    assert text.count("program.py:6, in ratio") == 4
    assert text.count("made again at ") == 3 and text.count("program.py:22, in <module>") == 2
    assert text.count("[divide]") == text.count("made at") - 1 == 4  # each error has one line; one is of rms_norm


def test_nothing_is_said_without_it(tmp_path):
    text = run(tmp_path, MICA_CHECK_NAN="1")
    assert "[divide] made a NaN" in text and "made at" not in text


@pytest.mark.parametrize("trace", ["where", "where,jit"])
def test_it_is_one_of_a_list(tmp_path, trace):
    assert "program.py:6" in run(tmp_path, MICA_CHECK_NAN="1", MICA_TRACE=trace)
