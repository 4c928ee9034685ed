# SPDX-License-Identifier: MIT
"""The examples of README.md compile, run and print what they say."""
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(ROOT, "README.md")) as f:
    BLOCKS = re.findall(r"^```(python|c)\n(.*?)^```$", f.read(), re.S | re.M)


def expected(block):
    return re.search(r"prints: (.*?)(?: \*/)?$", block, re.M)[1]


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "python"])
def test_python(block):
    result = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == (expected(block) + "\n", "")


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "c"])
def test_c(block, tmp_path):
    build = os.path.join(ROOT, "build")
    (tmp_path / "example.c").write_text(block)
    include = os.path.join(ROOT, "include")
    command = [os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", include, "example.c",
               "-o", "example", "-L", build, "-lmlxc" if "<mlx/c/" in block else "-lmica", f"-Wl,-rpath,{build}"]
    subprocess.run(command, cwd=tmp_path, check=True)
    result = subprocess.run([str(tmp_path / "example")], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, expected(block) + "\n", "")


def test_there_is_an_example_of_each_face():
    assert [language for language, _ in BLOCKS] == ["python", "c", "c"]
