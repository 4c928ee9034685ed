# SPDX-License-Identifier: MIT
"""One implementation in its own process and environment: reads a request a line, answers a JSON object a line.

    {"do": "info"}                          -> versions and thread counts
    {"do": "prepare", "case": N, "min": s}  -> builds case N, warms it up, fits the loop to `min` seconds a sample
    {"do": "sample"}                        -> the value of one sample, in the case's unit, for one operation
"""
import gc
import json
import os
import sys
import time

from cases import CASES
from implementations import make


class Worker:
    def __init__(self, name):
        self.implementation = make(name)
        self.case = self.call = None
        self.loops = 1

    def info(self, request):
        return self.implementation.info()

    def prepare(self, request):
        self.call = None
        gc.collect()
        self.case = CASES[request["case"]]
        kinds = self.implementation.kinds
        build = getattr(self.implementation, self.case.kind, None) if kinds is None or self.case.kind in kinds else None
        self.call = build and build(self.case)
        if self.call is None:
            return {"absent": True}
        if not self.case.timed:
            return {"seconds": 0.0}
        once = self.time_of_call()
        if once < 5:
            once = self.time_of_call()
        self.loops = max(1, round(request["min"] / max(once, 1e-9)))
        for _ in range(self.loops if once < 1 else 0):
            self.call()
        return {"seconds": once, "loops": self.loops}

    def time_of_call(self):
        start = time.perf_counter()
        self.call()
        return time.perf_counter() - start

    def sample(self, request):
        if not self.case.timed:
            return {"value": self.call()}
        call = self.call
        start = time.perf_counter()
        for _ in range(self.loops):
            call()
        return {"value": (time.perf_counter() - start) / self.loops / self.case.repeat}


def main():
    # A library that prints must not end up in the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            worker = worker or Worker(sys.argv[1])
            answer = getattr(worker, request["do"])(request)
        except Exception as error:  # the table shows it, the other implementations go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
