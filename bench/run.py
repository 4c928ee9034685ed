#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make bench: every implementation in its own process, measured in alternation, compared case by case.

A round takes one sample of each implementation in turn (A B C A B C ...), while the others are stopped, so that neither
a drifting clock nor another library's waiting threads favour one of them.  Medians count.  The table goes to the
terminal and with all samples and the machine to bench/results/DATE-HOST.md and .json.
"""
import argparse
import datetime
import fnmatch
import json
import os
import signal
import socket
import subprocess
import sys

import machine
import peers
import report
from cases import CASES

ROOT = peers.ROOT
HERE = os.path.dirname(os.path.abspath(__file__))
IMPLEMENTATIONS = ["mica", "mlx", "mlx-compiled", "torch", "torch-compiled", "jax", "numpy"]


class Process:
    """A worker, stopped whenever it is not asked."""

    def __init__(self, name, command, environment):
        self.name = name
        self.process = subprocess.Popen(command, env=environment, cwd=HERE, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.stopped = False

    def ask(self, line):
        if self.stopped:
            self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(line + "\n")
        answer = self.process.stdout.readline()
        self.process.send_signal(signal.SIGSTOP)
        self.stopped = True
        if not answer:
            raise RuntimeError(f"the worker of {self.name} died: {self.process.poll()}")
        return answer

    def close(self):
        if self.stopped:
            self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait(timeout=30)


class Library(Process):
    def __init__(self, name, python, threads, environment):
        super().__init__(name, [python, os.path.join(HERE, "worker.py"), name], environment)

    def request(self, **request):
        return json.loads(self.ask(json.dumps(request)))

    def prepare(self, index, shortest):
        return self.request(do="prepare", case=index, min=shortest)

    def sample(self):
        return self.request(do="sample")


class Machine(Process):
    """The machine itself.  `peak`: seconds of a streaming copy of the same bytes, or of the same multiply-adds in
    registers.  `pass`: of a pass that reads and writes as much as the operation, where that is not half and half; a
    processor may well copy faster than it can read."""

    def __init__(self, name, threads):
        super().__init__(name, [machine.compile_peak(), str(threads)], os.environ)

    def prepare(self, index, shortest):
        case = CASES[index]
        if self.name == "pass":
            self.line = f"pass {case.reads} {case.writes}" if case.reads != case.writes else None
        elif case.reads:
            self.line = f"copy {case.reads + case.writes}"
        else:
            self.line = f"fma {case.flops}" if case.flops else None
        return {"seconds": 0.0} if self.line else {"absent": True}

    def sample(self):
        return {"value": float(self.ask(self.line))}


def start(names, threads):
    """The workers by name; one that cannot run is named with its reason and left out."""
    common = {**os.environ, "BENCH_THREADS": str(threads), "OMP_NUM_THREADS": str(threads),
              "PYTHONDONTWRITEBYTECODE": "1"}
    processes, facts = {name: Machine(name, threads) for name in ("peak", "pass")}, {}
    for name in names:
        try:
            if name == "mica":
                python = os.path.join(ROOT, ".venv", "bin", "python")
                environment = {**common, **machine.mica_environment()}
            else:
                python, environment = peers.interpreter(name.split("-")[0]), common
            process = Library(name, python, threads, environment)
            facts[name] = process.request(do="info")
            if "error" in facts[name]:
                process.close()
                raise RuntimeError(facts[name]["error"])
            processes[name] = process
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            facts[name] = {"error": str(error)}
            print(f"bench: without {name}: {error}", file=sys.stderr)
    return processes, facts


def measure(index, processes, rounds, shortest):
    """One case: all samples by implementation, and what went wrong."""
    samples, errors, limit = {}, {}, {}
    for name, process in processes.items():
        answer = process.prepare(index, shortest)
        if "error" in answer:
            errors[name] = answer["error"]
        elif "absent" not in answer:
            samples[name] = []
            limit[name] = rounds if answer["seconds"] < 1 else 3 if answer["seconds"] < 5 else 1
    for number in range(rounds):
        for name in list(samples):
            if number >= limit[name]:
                continue
            answer = processes[name].sample()
            if "error" in answer:
                errors[name] = answer["error"]
                del samples[name]
            else:
                samples[name].append(answer["value"])
    return samples, errors


def chosen(pattern):
    """Indices of the cases whose name contains the pattern, or matches it as a glob."""
    return [i for i, case in enumerate(CASES) if not pattern or pattern in case.name
            or fnmatch.fnmatch(case.name, pattern)]


def arguments():
    parser = argparse.ArgumentParser(description="Mica against its peers, case by case")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose name contains or matches this")
    parser.add_argument("--peers", metavar="A,B", help=f"of {','.join(IMPLEMENTATIONS)} (default: all)")
    parser.add_argument("--threads", type=int, default=2, help="threads and processors for everyone (default 2)")
    parser.add_argument("--quick", action="store_true", help="3 short rounds instead of 9; nothing is stored")
    parser.add_argument("--force", action="store_true", help="measure on a busy machine too; the result says so")
    parser.add_argument("--list", action="store_true", help="print the cases")
    return parser.parse_args()


def store(result, text):
    folder = os.path.join(HERE, "results")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{datetime.date.today():%Y-%m-%d}-{socket.gethostname()}")
    with open(path + ".json", "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    with open(path + ".md", "w") as f:
        f.write(text)
    print(f"bench: stored {os.path.relpath(path, ROOT)}.md and .json", file=sys.stderr)


def main():
    options = arguments()
    indices = chosen(options.only)
    if options.list or not indices:
        print("\n".join(case.name for case in CASES))
        return 0 if indices else 2
    busy = machine.busy()
    if busy and not options.force:
        print(f"bench: the machine is busy ({busy}); wait, or measure anyway with --force", file=sys.stderr)
        return 2
    machine.use_processors(options.threads)
    names = options.peers.split(",") if options.peers else IMPLEMENTATIONS
    if unknown := set(names) - set(IMPLEMENTATIONS):
        print(f"bench: no implementation is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    processes, facts = start(names, options.threads)
    rounds, shortest = (3, 0.005) if options.quick else (9, 0.02)
    result = {"date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC", "rounds": rounds,
              "forced_while": busy, "machine": machine.facts(options.threads), "implementations": facts, "cases": []}
    for index in indices:
        samples, errors = measure(index, processes, rounds, shortest)
        row = report.row(CASES[index], samples, errors, result["cases"])
        result["cases"].append(row)
        print(report.line(row), flush=True)
    for process in processes.values():
        process.close()
    text = report.markdown(result)
    print("\n" + text)
    if not options.quick:
        store(result, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
