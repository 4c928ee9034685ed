# SPDX-License-Identifier: MIT
"""What libmica exports is what docs/exports.txt says: a new symbol is a decision, a lost one a breakage."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_exports():
    library = ROOT / "build" / "libmica.so"
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[2].split("@")[0] for line in lines.splitlines()}
    expected = set((ROOT / "docs" / "exports.txt").read_text().split())
    assert sorted(name for name in exported if not name.startswith("_")) == sorted(expected)
