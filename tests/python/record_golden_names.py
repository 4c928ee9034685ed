#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Record golden/names.json, the public names of mlx.core and below: run it with the interpreter of an environment that
has Apple's mlx[cpu].

    python tests/python/record_golden_names.py
"""
import enum
import inspect
import json
from pathlib import Path

import mlx.core as mx

FILE = Path(__file__).parent / "golden" / "names.json"


def names(owner, prefix):
    for name in dir(owner):
        value = getattr(owner, name)
        if name.startswith("_") and (not isinstance(owner, type) or isinstance(owner, enum.EnumMeta)):
            continue
        if name.startswith("__") and value is getattr(object, name, None) or name in ("__module__", "__weakref__"):
            continue
        yield prefix + name
        if inspect.ismodule(value) or (inspect.isclass(value) and value.__module__ == "mlx.core"):
            yield from names(value, f"{prefix}{name}.")


def main():
    if hasattr(mx, "mica_version"):
        raise SystemExit("this mlx.core is Mica: its names prove nothing about itself")
    FILE.write_text(json.dumps(sorted(set(names(mx, "mlx.core."))), indent=0) + "\n")


if __name__ == "__main__":
    main()
