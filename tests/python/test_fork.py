# SPDX-License-Identifier: MIT
"""A forked child may use everything on the CPU: arrays of the parent, new ones, threads, transforms."""
import multiprocessing
import os
import threading

import numpy as np
import pytest

import mlx.core as mx

pytestmark = pytest.mark.skipif(mx.default_device() == mx.gpu,
                                reason="the GPU stays the parent's: tests/c/test_threads.c")


def in_child(work):
    """Runs work() in a forked child; its exit status says whether it returned True within ten seconds."""
    child = os.fork()
    if child == 0:
        threading.Timer(10, os._exit, (2,)).start()
        status = 1
        try:
            status = 0 if work() is True else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def big(n=1 << 20):
    return mx.arange(n).astype(mx.float32)


def test_a_child_after_the_parent_used_its_threads():
    x = big()
    assert (x + 1).sum().item() > 0  # the pool is running
    lazy = x * 2

    def work():
        y = (x + 1)[:10]
        return y.tolist() == list(range(1, 11)) and lazy[3].item() == 6 and big().max().item() == (1 << 20) - 1
    assert in_child(work) == 0
    assert lazy[3].item() == 6


def test_transforms_in_a_child():
    w = mx.ones((64, 64))
    mx.eval(w @ w)

    def work():
        g = mx.grad(lambda w: (w @ w).sum())(w)
        v = mx.vmap(lambda r: r.sum())(w)
        return bool(mx.all(g == 128)) and v.tolist() == [64] * 64
    assert in_child(work) == 0


def test_a_fork_while_other_threads_evaluate():
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            mx.eval(big(1 << 16) * 2)
    threads = [threading.Thread(target=busy) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(10):
            assert in_child(lambda: (big(1 << 16) + 1)[5].item() == 6) == 0
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_async_work_before_a_fork():
    y = big() * 3
    mx.async_eval(y)
    assert in_child(lambda: big()[7].item() == 7) == 0
    assert y[2].item() == 6


def square(i):
    return (mx.array([float(i)]) ** 2).item()


def test_multiprocessing_with_fork():
    mx.eval(big())
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(square, range(8)).get(timeout=30) == [float(i * i) for i in range(8)]


def test_random_numbers_go_on_in_a_child():
    mx.random.seed(3)
    want = mx.random.uniform(shape=(3,)).tolist()
    mx.random.seed(3)
    assert in_child(lambda: np.array_equal(mx.random.uniform(shape=(3,)).tolist(), want)) == 0
