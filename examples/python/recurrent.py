# SPDX-License-Identifier: MIT
"""A recurrent network that learns to add the numbers that are marked in a sequence, trained through ``mx.scan``.

The loop over the sequence is one node of the graph, so its body is traced once whatever the length; the gradient runs
it backward and keeps one state a step.  ``mx.while_loop`` and ``mx.hessian`` appear at the end.

    python examples/python/recurrent.py [--steps 400]
"""
import argparse

import mlx.core as mx


def init(hidden=32):
    def normal(*shape):
        return mx.random.normal(shape) / shape[0] ** 0.5
    return {"in": normal(2, hidden), "state": normal(hidden, hidden), "out": normal(hidden, 1)}


def run(p, xs):
    """xs (length, batch, 2) -> (batch,): the state after the last step, read out."""
    def step(h, x):
        return mx.tanh(h @ p["state"] + x @ p["in"]), None
    h, _ = mx.scan(step, mx.zeros((xs.shape[1], p["state"].shape[0])), xs)
    return (h @ p["out"])[:, 0]


def batch(length=12, size=64):
    numbers, marks = mx.random.uniform(shape=(length, size)), mx.random.bernoulli(0.2, (length, size))
    return mx.stack([numbers, marks], axis=-1), (numbers * marks).sum(axis=0)


def main(steps):
    mx.random.seed(0)
    p = init()
    loss = lambda p, xs, want: ((run(p, xs) - want) ** 2).mean()
    step = mx.value_and_grad(loss)
    for i in range(steps):
        value, grads = step(p, *batch())
        p = {k: p[k] - 0.05 * grads[k] for k in p}
        mx.eval(p)
        if i % 100 == 0 or i == steps - 1:
            print(f"step {i:4d}  loss {value.item():.4f}")

    # Newton's method for the minimum of a function of two numbers: a loop until the step is small.
    f = lambda x: (x[0] - 1) ** 4 + mx.exp(x[1]) - 2 * x[1]
    def newton(v):
        x, _ = v
        h, g = mx.hessian(f)(x), mx.grad(f)(x)
        d = h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]
        move = mx.stack([h[1, 1] * g[0] - h[0, 1] * g[1], h[0, 0] * g[1] - h[1, 0] * g[0]]) / d
        return x - move, (move * move).sum()
    x, _ = mx.while_loop(lambda v: v[1] > 1e-6, newton, (mx.array([3.0, 0.0]), mx.array(1.0)))
    print("minimum near", [round(v, 2) for v in x.tolist()])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=400)
    main(parser.parse_args().steps)
