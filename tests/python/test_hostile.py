# SPDX-License-Identifier: MIT
"""Hostile arguments for every public function (hostile.py), in children with little memory and little time."""
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import hostile
import mlx.core as mx

HERE = Path(__file__).parent
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
FIRST = random.randrange(1 << 30) if FULL else 0
SEEDS = 200 if FULL else 12 if mx.default_device() == mx.cpu else 3  # each makes kernels that nothing else uses


def run(log, first, seeds, *names):
    """What hostile.py printed, and the last line of its log."""
    result = subprocess.run([sys.executable, "-W", "ignore", str(HERE / "hostile.py"), str(first), str(seeds), *names],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "HOSTILE_LOG": str(log)})
    last = log.read_text(encoding="ascii").splitlines()[-1]
    return result.returncode, "\n".join(l for l in result.stdout.splitlines() if "is deprecated" not in l), last


@pytest.mark.parametrize("part", range(4 if FULL else 1))
def test_only_documented_errors_come_out(part, tmp_path):
    status, output, last = run(tmp_path / "log", FIRST + part * SEEDS, SEEDS)
    assert status == 0 and last.startswith("done"), f"it ends with {status} in {last}\n{output[-3000:]}"
    assert not output, f"first seed {FIRST}:\n{output[:5000]}"


def test_every_function_is_called():
    names = hostile.targets()
    assert len(names) > 450
    for name in ("mx.add", "mx.random.split", "mx.fast.rope", "array.__setitem__", "array.sum", "at.add", "nn.Linear",
                 "nn.losses.mse_loss", "optim.Adam", "utils.tree_map", "mx.load", "mx.grad"):
        assert name in names
    assert {name for name, target in names.items() if target[1] is None} == set()


@pytest.mark.parametrize("error, native, bad", [
    (SystemError("x"), True, True), (SystemError("x"), False, True), (MemoryError(), True, True),
    (MemoryError("[add] x"), True, False), (KeyboardInterrupt(), True, False), (ValueError("[add] x"), True, False),
    (ValueError(), True, True), (ArithmeticError("x"), True, True), (ArithmeticError("x"), False, False),
])
def test_the_rules_can_be_broken(error, native, bad):
    assert bool(hostile.complaint(error, native)) == bad
