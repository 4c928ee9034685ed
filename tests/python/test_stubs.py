# SPDX-License-Identifier: MIT
"""tools/stubs writes Python that can be parsed and that names what the module has."""
import ast
import os
import subprocess
import sys
from pathlib import Path

import mlx.core as mx

TOOL = Path(__file__).parents[2] / "tools" / "stubs"


def test_stubs(tmp_path):
    environment = dict(os.environ, PYTHONPATH=str(Path(mx.__file__).parent.parent))
    subprocess.run([sys.executable, TOOL, tmp_path], check=True, env=environment, timeout=100)
    tree = ast.parse((tmp_path / "core" / "__init__.pyi").read_text())
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    arguments = ast.unparse(functions["softmax"].args)
    assert arguments.startswith("a: array, /, axis: Union[None, int, Sequence[int]]=None, *")
    assert ast.get_docstring(functions["softmax"]).startswith("exp(a - max a)")
    array = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "array")
    assert {"sum", "tolist", "__add__", "shape"} <= {n.name for n in array.body if isinstance(n, ast.FunctionDef)}
    for name in ("random", "fast", "metal"):
        ast.parse((tmp_path / "core" / f"{name}.pyi").read_text())
