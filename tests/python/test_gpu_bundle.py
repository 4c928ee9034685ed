# SPDX-License-Identifier: MIT
"""What is packed for a machine with a GPU works where it was unpacked, here on the simulated one at tiny sizes."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlx.core as mx

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
SECTIONS = ["laws", "vectors", "ceilings", "bandwidth", "matmul", "steps", "train", "start"]

pytestmark = [pytest.mark.skipif(not (BUILD / "libmica_sim.so").exists(), reason="the simulated GPU was not built"),
              pytest.mark.skipif(mx.default_device() == mx.gpu, reason="asks for the GPU itself: runs once")]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run([ROOT / "tools" / "gpu_bundle", BUILD, folder / "gpu.tar.gz"], check=True)
    subprocess.run(["tar", "xzf", folder / "gpu.tar.gz", "-C", folder], check=True)
    assert (folder / "gpu.tar.gz").stat().st_size < 40 << 20
    return folder / "mica-gpu"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """Without any package, as on a machine that reaches no registry."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def gpu_sh(bundle, out, *arguments, python=sys.executable):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"OUT": str(out), "PYTHON": str(python), "MICA_CUDA": "sim", "MICA_SIM_DIR": str(BUILD),
                    "MICA_CACHE_DIR": str(BUILD / "tests" / "cuda_cache")}
    return subprocess.run([bundle / "bench" / "gpu.sh", *arguments], capture_output=True, text=True, env=environment,
                          timeout=500)


def test_every_section_runs(bundle, bare_python, tmp_path):
    done = gpu_sh(bundle, tmp_path, "--tiny", python=bare_python)
    raw = json.loads((tmp_path / "raw.json").read_text())
    log = (tmp_path / "log.txt").read_text()
    assert list(raw["sections"]) == SECTIONS and raw["machine"]["gpu"]["device_name"].startswith("Mica simulated")
    assert {name: s["error"] for name, s in raw["sections"].items()} == dict.fromkeys(SECTIONS), log[-5000:]
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for section in raw["sections"].values() for row in section["rows"]}
    assert rows["laws that hold"]["met"] and rows["laws that hold"]["value"] > 100, rows.get("failure")
    for name in ("copy, 16 bytes a thread", "softmax bfloat16", "bfloat16 64", "logistic regression, 1000 x 100",
                 "small, mica", "process start to first result, kernels from the disk",
                 "process start to first train step, kernels from the disk"):
        assert rows[name]["value"] > 0, name
    for peer in ("torch", "jax"):
        assert rows[f"small, {peer}"]["note"] == f"ModuleNotFoundError: No module named '{peer}'"
    table = (tmp_path / "table.md").read_text()
    assert [line.split()[1][:-1] for line in table.splitlines() if line.startswith("## ")] == SECTIONS
    assert "FAILED" not in table and not list(tmp_path.glob(".*"))


def test_a_section_that_is_not_there_and_one_that_fails(bundle, tmp_path):
    done = gpu_sh(bundle, tmp_path / "a", "--only", "lwas")
    assert done.returncode == 2 and "no section lwas" in done.stderr
    (bundle / "bin" / "cuda_arch_vectors").rename(bundle / "bin" / "away")
    done = gpu_sh(bundle, tmp_path / "b", "--tiny", "--only", "vectors,ceilings")
    (bundle / "bin" / "away").rename(bundle / "bin" / "cuda_arch_vectors")
    raw = json.loads((tmp_path / "b" / "raw.json").read_text())
    assert done.returncode == 1 and raw["sections"]["vectors"]["error"] and not raw["sections"]["ceilings"]["error"]
    assert "**FAILED: it ends with status 1" in (tmp_path / "b" / "table.md").read_text()


def test_python_where_it_is_asked_for(bundle, tmp_path):
    done = gpu_sh(bundle, tmp_path, "--tiny", "--only", "python")
    row = json.loads((tmp_path / "raw.json").read_text())["sections"]["python"]["rows"][-1]
    assert done.returncode == 0 and row["met"] and row["value"] >= 3, (tmp_path / "log.txt").read_text()[-3000:]


def test_decode_where_it_is_asked_for(bundle, bare_python, tmp_path):
    done = gpu_sh(bundle, tmp_path, "--tiny", "--only", "decode", python=bare_python)
    rows = json.loads((tmp_path / "raw.json").read_text())["sections"]["decode"]["rows"]
    assert done.returncode == 0, (tmp_path / "log.txt").read_text()[-3000:]
    assert [row["name"] for row in rows] == [f"tiny, mica, {what}" for what in (
        "a token", "a prompt of 16", "most memory in use")] + ["tiny, torch"]
    assert all(row["value"] > 0 for row in rows[:3]) and rows[3]["note"].startswith("ModuleNotFoundError")


def test_it_takes_less_than_nine_minutes():
    code = "import gpu_sections; print(sum(s.limit for s in gpu_sections.SECTIONS.values() if not s.asked))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "bench", check=True)
    assert int(done.stdout) < 9 * 60


def test_the_vectors_name_every_wrapper():
    wrappers = (ROOT / "src" / "cuda" / "kernels" / "dev_arch.cuh").read_text()
    names = set(re.findall(r"__forceinline__ [\w ]+?(\w+)\(", wrappers)) - {"shared_address"}  # an address is anything
    assert len(names) > 15
    vectors = (ROOT / "tests" / "cuda" / "arch_vectors.cu").read_text()
    assert {name for name in names if name not in vectors} == set()
