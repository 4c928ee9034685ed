# SPDX-License-Identifier: MIT
"""What happens at import: its time, a second import, sub-interpreters, Apple's distribution beside ours."""
import shutil
import subprocess
import sys
from pathlib import Path

import mlx.core as mx

FOLDER = Path(mx.__file__).parent.parent


def python(code, folder=FOLDER):
    return subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"],
                          capture_output=True, text=True, timeout=100)


def test_import_takes_less_than_50_ms():
    code = "import time; t = time.perf_counter(); import mlx.core; print(time.perf_counter() - t)"
    assert min(float(python(code).stdout) for _ in range(3)) < 0.05


def test_a_second_import_shares_the_objects_of_the_first():
    result = python("import mlx.core as a\ndel sys.modules['mlx.core']\nimport mlx.core as b\n"
                    "print(a.array is b.array, (a.array([1]) + b.array([2])).item(), b.float32 is a.float32)")
    assert result.stdout.split() == ["True", "3", "True"], result.stderr


def test_sub_interpreters_are_refused():
    code = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import mlx.core"
    result = python(f"import _xxsubinterpreters as s\nimport mlx.core\ni = s.create()\ns.run_string(i, {code!r})")
    assert result.returncode != 0 and "sub-interpreter" in result.stderr, result.stderr


def test_apples_distribution_in_the_same_folder(tmp_path):
    (tmp_path / "mlx").mkdir()
    shutil.copy(mx.__file__, tmp_path / "mlx")
    assert python("import mlx.core as mx; print(mx.array(1).item())", tmp_path).stdout.strip() == "1"
    (tmp_path / "mlx_lm-0.1.dist-info").mkdir()
    (tmp_path / "mlx-lm-0.1.dist-info").mkdir()
    assert python("import mlx.core", tmp_path).returncode == 0
    (tmp_path / "mlx-0.32.2.dist-info").mkdir()
    result = python("import mlx.core", tmp_path)
    assert "ImportError" in result.stderr and "pip uninstall -y mlx mica-mlx" in result.stderr


def test_submodules_can_be_imported():
    result = python("import mlx.core.random, mlx.core.fast\n"
                    "from mlx.core.metal import is_available\nprint(is_available())")
    assert result.stdout.strip() == "False", result.stderr


def test_exit_with_views_and_closures_alive():
    result = python("import mlx.core as mx\nx = mx.array([1.0]) + 1\nview = memoryview(x)\ncapsule = x.__dlpack__()\n"
                    "g = mx.grad(lambda v: v * v)\ny = g(mx.array(2.0))\nprint(y.item())")
    assert result.returncode == 0 and result.stdout.strip() == "4.0", result.stderr
