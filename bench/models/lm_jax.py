# SPDX-License-Identifier: MIT
"""The default model of examples/python/transformer_lm.py and its train step in JAX, one jitted function."""
import functools

import jax
import jax.numpy as jnp

from models.config import CONFIG, batches

LR, B1, B2, DECAY, EPS = 3e-3, 0.9, 0.95, 0.1, 1e-8


def rms_norm(x, weight):
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-5) * weight


def rope(x):
    half = x.shape[-1] // 2
    angles = jnp.arange(x.shape[-2])[:, None] * 10000.0 ** (-jnp.arange(half) / half)
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * jnp.cos(angles) - b * jnp.sin(angles), b * jnp.cos(angles) + a * jnp.sin(angles)], -1)


def block(x, p):
    batch, length, width = x.shape
    h = rms_norm(x, p["attention_norm"])
    q, k, v = (jnp.swapaxes((h @ p[n]).reshape(batch, length, CONFIG.heads, -1), 1, 2) for n in ("q", "k", "v"))
    scores = rope(q) @ jnp.swapaxes(rope(k), -1, -2) * (width // CONFIG.heads) ** -0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    h = jax.nn.softmax(scores, axis=-1) @ v
    x = x + jnp.swapaxes(h, 1, 2).reshape(batch, length, width) @ p["o"]
    h = rms_norm(x, p["mlp_norm"])
    return x + (jax.nn.silu(h @ p["gate"]) * (h @ p["up"])) @ p["down"]


def loss_of(params, x, y):
    h = params["embedding"][x]
    for p in params["blocks"]:
        h = block(h, p)
    logits = rms_norm(h, params["norm"]) @ params["embedding"].T
    return jnp.mean(jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, y[..., None], -1)[..., 0])


def initial(c):
    keys = iter(jax.random.split(jax.random.key(0), 1 + 7 * c.layers))

    def linear(n_in, n_out):
        return jax.random.uniform(next(keys), (n_in, n_out), minval=-(n_in**-0.5), maxval=n_in**-0.5)
    sizes = {"q": (c.width, c.width), "k": (c.width, c.width), "v": (c.width, c.width), "o": (c.width, c.width),
             "gate": (c.width, c.hidden), "up": (c.width, c.hidden), "down": (c.hidden, c.width)}
    ones = jnp.ones(c.width)
    blocks = [{"attention_norm": ones, "mlp_norm": ones} | {n: linear(*s) for n, s in sizes.items()}
              for _ in range(c.layers)]
    return {"embedding": linear(c.vocabulary, c.width), "blocks": blocks, "norm": ones}


@functools.partial(jax.jit, donate_argnums=(0, 1, 2))
def train_step(params, first, second, count, x, y):
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in jax.tree.leaves(grads)))
    grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, 1.0 / (norm + 1e-6)), grads)
    first = jax.tree.map(lambda m, g: B1 * m + (1 - B1) * g, first, grads)
    second = jax.tree.map(lambda v, g: B2 * v + (1 - B2) * jnp.square(g), second, grads)

    def update(p, m, v):
        return p * (1 - LR * DECAY) - LR * (m / (1 - B1**count)) / (jnp.sqrt(v / (1 - B2**count)) + EPS)
    return jax.tree.map(update, params, first, second), first, second, loss


def build():
    params = jax.tree.map(jnp.array, initial(CONFIG))       # leaves of their own, for they are donated
    state = [params, jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params)]
    data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches()]
    count = [0]

    def step():
        x, y = data[count[0] % len(data)]
        count[0] += 1
        *state[:], loss = train_step(*state, jnp.float32(count[0]), x, y)
        return float(loss)
    return step
