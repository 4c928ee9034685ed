# SPDX-License-Identifier: MIT
"""The session of docs/seeing.md: its programs run and show what the page says."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(ROOT, "docs", "seeing.md")) as f:
    BLOCKS = re.findall(r"^```python\n(.*?)^```$", f.read(), re.S | re.M)


def run(folder, name, program, **env):
    (folder / name).write_text(program)
    environment = {k: v for k, v in os.environ.items() if k not in ("MICA_TRACE", "MICA_CHECK_NAN", "MICA_FUSE")} | env
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in sys.path)
    return subprocess.run([sys.executable, name], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=120)


def test_the_graph_and_the_time(tmp_path):
    assert len(BLOCKS) == 4
    result = run(tmp_path, "look.py", "".join(BLOCKS[:3]))
    assert result.returncode == 0, result.stderr
    assert "matmul" in result.stdout and re.search(r"^step +10 ", result.stdout, re.M)
    assert (tmp_path / "step.svg").read_text().startswith("<svg")
    assert any(e["name"] == "step" for e in json.loads((tmp_path / "trace.json").read_text())["traceEvents"])


def test_the_nan_and_the_line(tmp_path):
    assert run(tmp_path, "nan.py", BLOCKS[3]).stdout == "nan\n"
    stderr = run(tmp_path, "nan.py", BLOCKS[3], MICA_CHECK_NAN="1", MICA_TRACE="where").stderr
    assert "[sqrt] made a NaN at element 0 of its output of shape (3) (MICA_CHECK_NAN).\n  made at " in stderr
    assert "nan.py:4, in distance" in stderr


def test_what_ran(tmp_path):
    stderr = run(tmp_path, "nan.py", BLOCKS[3], MICA_TRACE="eval,fuse").stderr
    assert "[eval] " in stderr and "[fuse] " in stderr
    assert "[fuse] group" not in run(tmp_path, "nan.py", BLOCKS[3], MICA_TRACE="eval,fuse", MICA_FUSE="0").stderr
