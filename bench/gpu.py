# SPDX-License-Identifier: MIT
"""Runs the sections of gpu_sections.py, each in a process and a time limit of its own, and writes what they found.

A section that fails or is stopped is a line in the table; what it had measured until then stays."""
import argparse
import json
import os
import platform
import subprocess
import sys
import time

import gpu_sections

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ["OUT"]


def driver_says():
    """nvidia-smi's words on the device, or why there are none."""
    query = "name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit,pstate"
    try:
        done = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"], capture_output=True,
                              text=True, timeout=30)
        return done.stdout.strip() or done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no nvidia-smi: {error}"


def facts():
    code = ("import json, mlx.core as mx; print(json.dumps({'mica': mx.mica_version, 'gpu': mx.device_info(mx.gpu), "
            "'cpu': mx.device_info(mx.cpu)}, default=str))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    mica = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-2000:]}
    return {"python": platform.python_version(), "processors": os.cpu_count(), "kernel": platform.release(),
            "nvidia_smi": driver_says(), **mica}


def run_section(name, tiny):
    path = os.path.join(OUT, f".{name}.jsonl")
    limit = gpu_sections.SECTIONS[name].limit * (4 if tiny else 1)  # the simulated device compiles slowly
    open(path, "w").close()
    began, error = time.time(), None
    command = [sys.executable, os.path.join(HERE, "gpu_sections.py"), name, path] + (["--tiny"] if tiny else [])
    with open(os.path.join(OUT, "log.txt"), "a") as log:
        log.write(f"==== {name}\n")
        log.flush()
        child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            if child.wait(limit):
                error = f"it ends with status {child.returncode}: see log.txt"
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()
            error = f"stopped after {limit} s"
    with open(path) as f:
        rows = [json.loads(line) for line in f]
    os.unlink(path)
    return {"seconds": round(time.time() - began, 1), "error": error, "rows": rows}


def quantity(value, unit):
    if value is None:
        return "-"
    if unit == "s":
        for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
            if value >= scale:
                return f"{value / scale:.3g} {name}"
        return f"{value * 1e9:.3g} ns"
    if unit in ("B/s", "FLOP/s"):
        scale, name = (1e12, "T") if value >= 1e12 else (1e9, "G")
        return f"{value / scale:.4g} {name}{unit}"
    return f"{value:,.4g} {unit}".strip() if isinstance(value, float) else f"{value:,} {unit}".strip()


def markdown(result):
    machine = result["machine"]
    lines = [f"# {result['date']}, {machine.get('gpu', {}).get('device_name', 'no GPU')}", "",
             f"{machine['nvidia_smi']}; {machine['processors']} processors, Python {machine['python']}, "
             f"Linux {machine['kernel']}.", ""]
    if result["tiny"]:
        lines += ["**Tiny sizes: these numbers prove that the script runs, and nothing else.**", ""]
    for name, section in result["sections"].items():
        lines += [f"## {name}: {gpu_sections.SECTIONS[name].what} ({section['seconds']} s)", ""]
        if section["error"]:
            lines += [f"**FAILED: {section['error']}**", ""]
        if section["rows"]:
            lines += ["| what | measured | share | goal | |", "|---|---|---|---|---|"]
        for row in section["rows"]:
            share = "" if row.get("share") is None else f"{row['share']:.1%} of {row['of']}"
            goal = "" if row.get("met") is None else f"{row['goal']}: {'met' if row['met'] else 'MISSED'}"
            lines.append(f"| {row['name']} | {quantity(row['value'], row['unit'])} | {share} | {goal} | "
                         f"{row.get('note', '')} |")
        lines.append("")
    return "\n".join(lines)


def write(result):
    for name, text in (("raw.json", json.dumps(result, indent=1)), ("table.md", markdown(result))):
        path = os.path.join(OUT, name)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="sections, separated by commas")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    every_run = [name for name, section in gpu_sections.SECTIONS.items() if not section.asked]
    names = arguments.only.split(",") if arguments.only else every_run
    if unknown := [name for name in names if name not in gpu_sections.SECTIONS]:
        parser.error(f"no section {unknown[0]}; there are {', '.join(gpu_sections.SECTIONS)}")
    result = {"date": time.strftime("%Y-%m-%d %H:%M"), "tiny": arguments.tiny, "machine": facts(), "sections": {}}
    write(result)
    for name in names:
        result["sections"][name] = run_section(name, arguments.tiny)
        write(result)
        section = result["sections"][name]
        print(f"{name}: {section['error'] or 'done'}, {len(section['rows'])} rows, {section['seconds']} s", flush=True)
    sys.exit(any(section["error"] for section in result["sections"].values()))


if __name__ == "__main__":
    main()
