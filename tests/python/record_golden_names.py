#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Record golden/names.json, the public names of MLX's modules and classes: run it with the interpreter of an
environment that has Apple's mlx[cpu].

    python tests/python/record_golden_names.py
"""
import enum
import importlib
import inspect
import json
from pathlib import Path

import mlx.core as mx

FILE = Path(__file__).parent / "golden" / "names.json"


PYTHON_MODULES = ["mlx.nn", "mlx.nn.init", "mlx.nn.losses", "mlx.optimizers", "mlx.utils"]


def core_names(owner, prefix):
    for name in dir(owner):
        value = getattr(owner, name)
        if name.startswith("_") and (not isinstance(owner, type) or isinstance(owner, enum.EnumMeta)):
            continue
        if name.startswith("__") and value is getattr(object, name, None) or name in ("__module__", "__weakref__"):
            continue
        yield prefix + name
        if inspect.ismodule(value) or (inspect.isclass(value) and value.__module__ == "mlx.core"):
            yield from core_names(value, f"{prefix}{name}.")


def python_names(module):
    for name, value in vars(importlib.import_module(module)).items():
        home = ".".join(module.split(".")[:2])
        if name.startswith("_") or not (getattr(value, "__module__", None) or "").startswith(home):
            continue
        yield f"{module}.{name}"
        if inspect.isclass(value):
            yield from (f"{module}.{name}.{method}" for method in vars(value) if not method.startswith("_"))


def main():
    if hasattr(mx, "mica_version"):
        raise SystemExit("this mlx.core is Mica: its names prove nothing about itself")
    names = set(core_names(mx, "mlx.core.")).union(*map(python_names, PYTHON_MODULES))
    FILE.write_text(json.dumps(sorted(names), indent=0) + "\n")


if __name__ == "__main__":
    main()
