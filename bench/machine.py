# SPDX-License-Identifier: MIT
"""The machine of a measurement: whether it is quiet, what it is, and the C programs measured beside the libraries."""
import ctypes
import ctypes.util
import os
import platform
import subprocess
import time

from peers import ROOT

BUILD = os.path.join(ROOT, "build")
CACHE = os.path.join(ROOT, ".cache", "bench")


def busy_share(seconds=1.0):
    """The share of all processors' time that was used in the next `seconds`."""
    def read():
        with open("/proc/stat") as f:
            fields = [int(x) for x in f.readline().split()[1:]]
        return sum(fields[:8]), fields[3] + fields[4]
    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def busy():
    """Why a measurement would not be fair now, or None."""
    load, share = os.getloadavg()[0], busy_share()
    if load > 0.25 * os.cpu_count():
        return f"load average {load:.2f} on {os.cpu_count()} processors"
    if share > 0.10:
        return f"{share:.0%} of the processors' time was used in the last second"
    return None


def use_processors(count):
    """Binds this process, and so all workers, to the first `count` processors."""
    available = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, available[:count])


def compile_c(source, name, *arguments):
    os.makedirs(CACHE, exist_ok=True)
    program = os.path.join(CACHE, name)
    subprocess.run([os.environ.get("CC", "gcc"), "-O3", "-march=native", "-ffp-contract=fast", "-o", program,
                    os.path.join(ROOT, "bench", "c", source), *arguments], check=True)
    return program


def compile_peak():
    return compile_c("peak.c", "peak", "-lpthread")


def libmica():
    path = os.path.join(BUILD, "libmica.so")
    if not os.path.exists(path):
        raise OSError("build/libmica.so is not there; run make build")
    return path


def mica_environment():
    library = libmica()
    flags = "-I", os.path.join(ROOT, "include"), library, f"-Wl,-rpath,{BUILD}"
    return {"PYTHONPATH": os.path.join(BUILD, "python"), "BENCH_NODE": compile_c("node.c", "node", *flags),
            "BENCH_REPLAY": compile_c("replay.c", "replay", *flags)}


def openblas_core():
    """The kernels that the system's OpenBLAS chose for this processor."""
    name = ctypes.util.find_library("openblas")
    if not name:
        return None
    library = ctypes.CDLL(name)
    library.openblas_get_corename.restype = ctypes.c_char_p
    return library.openblas_get_corename().decode()


def facts(threads):
    with open("/proc/cpuinfo") as f:
        lines = [line.split(":", 1) for line in f if ":" in line]
    cpu = {key.strip(): value.strip() for key, value in lines}
    flags = cpu.get("flags", "").split()
    wide = [flag for flag in ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "avx512_vnni", "amx_bf16")
            if flag in flags]
    return {"cpu": cpu.get("model name", platform.machine()), "processors": os.cpu_count(), "threads_used": threads,
            "simd": " ".join(wide), "kernel": platform.release(), "openblas_core": openblas_core(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)}
