# SPDX-License-Identifier: MIT
"""docs/missing.txt names what MLX has and Mica does not: nothing that is there, and all that the golden file of MLX's
names (record_golden_names.py) has besides."""
import importlib
import json
from pathlib import Path

import pytest

import mlx.core as mx

ROOT = Path(__file__).parents[2]
MISSING = [line for line in (ROOT / "docs" / "missing.txt").read_text().split("\n") if line.startswith("mlx.")]
NAMES = json.loads((Path(__file__).parent / "golden" / "names.json").read_text())


def there(name):
    """Is the longest prefix that can be imported followed by attributes that exist?"""
    parts = name.split(".")
    value = importlib.import_module("mlx.core" if parts[1] == "core" else ".".join(parts[:2]))
    for part in parts[2:]:
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def test_what_is_said_to_be_missing_is():
    assert [name for name in MISSING if there(name)] == []


def test_what_is_missing_is_said():
    known = set(MISSING)
    assert [n for n in NAMES if not there(n) and n not in known and n.rpartition(".")[0] not in known] == []


def test_the_error_says_where_to_look():
    with pytest.raises(AttributeError, match="docs/missing.txt"):
        mx.no_such_function
    with pytest.raises(ImportError):
        importlib.import_module("mlx.core.no_such_module")
