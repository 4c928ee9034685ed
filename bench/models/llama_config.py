# SPDX-License-Identifier: MIT
"""Shapes of Llama 3 (Grattafiori et al., 2024), whose weights are drawn at random here."""
from types import SimpleNamespace

TINY = SimpleNamespace(width=64, layers=2, heads=4, key_heads=2, hidden=96, vocabulary=128, room=64, prompt=16)
SHAPES = {
    "1B": SimpleNamespace(width=2048, layers=16, heads=32, key_heads=8, hidden=8192, vocabulary=128256, room=4096,
                          prompt=2048),
    "8B": SimpleNamespace(width=4096, layers=32, heads=32, key_heads=8, hidden=14336, vocabulary=128256, room=4096,
                          prompt=2048),
}


def products(c):
    """Shapes (outputs, inputs) of the matrices of a layer."""
    head = c.width // c.heads
    return {"query": (c.width, c.width), "key": (c.key_heads * head, c.width), "value": (c.key_heads * head, c.width),
            "output": (c.width, c.width), "gate": (c.hidden, c.width), "up": (c.hidden, c.width),
            "down": (c.width, c.hidden)}


def weights_read(c):
    """Numbers that one token reads: every matrix, and the embedding as the head."""
    layer = sum(rows * columns for rows, columns in products(c).values())
    return c.layers * layer + c.vocabulary * c.width


def cache_read(c, tokens):
    return 2 * c.layers * c.key_heads * (c.width // c.heads) * tokens


def operations(c, tokens):
    """Of reading a prompt: two a weight and token, but of the head for the last token only; causal attention."""
    layer = sum(rows * columns for rows, columns in products(c).values())
    return 2 * c.layers * (tokens * layer + tokens * tokens * c.width) + 2 * c.vocabulary * c.width
