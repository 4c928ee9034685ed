#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tests and measures Mica on a machine with a GPU; writes $OUT/table.md and $OUT/raw.json after every section.
#
#   OUT=results bench/gpu.sh [--only SECTION[,SECTION...]] [--tiny]
#
# Sections: laws vectors ceilings bandwidth matmul steps train start; where --only names them also attention, decode (19
# minutes with PyTorch, Llama's shapes) and python (Python's tests, with pytest and hypothesis).  --tiny: sizes for the simulated device.
# Needs Python 3.11 or later, an NVIDIA driver and NVRTC (in the system, in CUDA_HOME or in the nvidia-* wheels); cuBLASLt for matmul.
set -eu
bench=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$bench")
: "${OUT:=$PWD/gpu-results}"
if [ -d "$root/bin" ]; then # a bundle: make gpu-bundle
    PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}"
    LD_LIBRARY_PATH="$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    MICA_BIN="$root/bin"
else
    PYTHONPATH="$root/build/python${PYTHONPATH:+:$PYTHONPATH}"
    LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"
    MICA_BIN="$root/build:$root/build/tests"
fi
: "${PYTHON:=python3}"
# NVIDIA's libraries may exist only in the wheels of this Python, where our programs would not look.
wheels=$("$PYTHON" -c 'import glob, sys; print(":".join(f for p in sys.path if p for f in glob.glob(p + "/nvidia/*/lib")))')
MICA_CUDA_PATH="${MICA_CUDA_PATH:+$MICA_CUDA_PATH:}$wheels"
mkdir -p "$OUT"
export OUT PYTHONPATH LD_LIBRARY_PATH MICA_BIN MICA_CUDA_PATH
exec "$PYTHON" "$bench/gpu.py" "$@"
