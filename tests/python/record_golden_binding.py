#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Record golden/binding.json: run it with the interpreter of an environment that has Apple's mlx[cpu] and numpy.

    python tests/python/record_golden_binding.py
"""
import json
import sys
from pathlib import Path

import numpy as np

import binding_cases
import mlx.core as mx

FILE = Path(__file__).parent / "golden" / "binding.json"


def main():
    if hasattr(mx, "mica_version"):
        raise SystemExit("this mlx.core is Mica: its answers prove nothing about itself")
    names = {"mx": mx, "np": np}
    names.update({name: eval(text, names) for name, text in binding_cases.ARRAYS.items()})
    answers = {}
    for group, expression in binding_cases.cases():
        print(expression, file=sys.stderr)  # the last line names what MLX crashes on
        answers[expression] = binding_cases.answer(expression, names)
    lines = [f"{json.dumps(e)}: {json.dumps(a)}" for e, a in answers.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
