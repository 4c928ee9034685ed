# SPDX-License-Identifier: MIT
"""The environments of the implementations that Mica is measured against.

Each peer comes from PyPI into .cache/peers/NAME once; BENCH_PEER_NAME=/path/to/python gives an existing one instead.
`python bench/peers.py mlx` makes that environment and prints its interpreter.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NUMPY = "numpy==2.4.6"
PACKAGES = {
    "mlx": ["mlx[cpu]==0.32.2", NUMPY, "tqdm==4.70.1"],     # tqdm: the example imports it
    "torch": ["torch==2.15.0", NUMPY],
    "jax": ["jax[cpu]==0.10.2", NUMPY],
    "numpy": [NUMPY],
}


def interpreter(name):
    """The Python of a peer; makes its environment where there is none."""
    given = os.environ.get(f"BENCH_PEER_{name.upper()}")
    if given:
        return given
    folder = os.path.join(ROOT, ".cache", "peers", name)
    python, stamp = os.path.join(folder, "bin", "python"), os.path.join(folder, "stamp")
    wanted = "\n".join(PACKAGES[name])
    if os.path.exists(stamp) and open(stamp).read() == wanted:
        return python
    print(f"bench: making {os.path.relpath(folder, ROOT)} with {', '.join(PACKAGES[name])}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES[name]], check=True,
                   stdout=sys.stderr)
    with open(stamp, "w") as f:
        f.write(wanted)
    return python


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in PACKAGES:
        sys.exit(f"usage: peers.py {'|'.join(PACKAGES)}")
    print(interpreter(sys.argv[1]))
