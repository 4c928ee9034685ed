# SPDX-License-Identifier: MIT
"""llama_mlx.py in PyTorch: compiled with CUDA graphs, keys and values at fixed places, as PyTorch's own examples do."""
import torch
import torch.nn.functional as F

from models.llama_config import products


def turned(x, at, head):
    half = head // 2
    angles = at[:, None] * 500000.0 ** (-torch.arange(half, device=x.device) / half)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Llama:
    def __init__(self, c, device):
        draw = lambda *shape: (0.02 * torch.randn(shape, device=device)).to(torch.bfloat16)
        self.c, self.head, self.device = c, c.width // c.heads, device
        self.embedding = draw(c.vocabulary, c.width)
        self.layers = [{name: draw(*shape) for name, shape in products(c).items()} for _ in range(c.layers)]
        self.ones = torch.ones(c.width, device=device, dtype=torch.bfloat16)
        shape = 1, c.key_heads, c.room, self.head
        self.cache = [[torch.zeros(shape, device=device, dtype=torch.bfloat16) for _ in "kv"] for _ in self.layers]

    def attend(self, w, cache, x, at):
        c, length = self.c, x.shape[1]
        split = lambda y, heads: y.view(1, length, heads, self.head).transpose(1, 2)
        q = turned(split(x @ w["query"].T, c.heads), at, self.head)
        k, v = turned(split(x @ w["key"].T, c.key_heads), at, self.head), split(x @ w["value"].T, c.key_heads)
        cache[0].index_copy_(2, at, k)
        cache[1].index_copy_(2, at, v)
        if length > 1:  # a prompt, which nothing precedes
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        else:
            seen = torch.arange(c.room, device=x.device)[None, :] <= at[:, None]
            y = F.scaled_dot_product_attention(q, *cache, attn_mask=seen, enable_gqa=True)
        return y.transpose(1, 2).reshape(1, length, c.width) @ w["output"].T

    def next(self, tokens, at):
        norm = lambda x: F.rms_norm(x, (self.c.width,), self.ones, 1e-5)
        x = self.embedding[tokens]
        for w, cache in zip(self.layers, self.cache):
            x = x + self.attend(w, cache, norm(x), at)
            h = norm(x)
            x = x + (F.silu(h @ w["gate"].T) * (h @ w["up"].T)) @ w["down"].T
        return (norm(x[:, -1:]) @ self.embedding.T).argmax(-1)


def build(c, device="cuda"):
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    model = Llama(c, device)
    prompt = torch.randint(0, c.vocabulary, (1, c.prompt), device=device)
    places = torch.arange(c.prompt, device=device)
    steps = [torch.tensor([i], device=device) for i in range(c.prompt, c.room)]
    graphs = {"mode": "reduce-overhead"} if device == "cuda" else {}
    one, wait = torch.compile(model.next, **graphs), torch.cuda.synchronize if device == "cuda" else lambda: None

    def read():
        model.next(prompt, places)
        wait()

    def write(n):
        token = prompt[:, -1:]
        for i in range(n):
            token = one(token, steps[i % len(steps)]).clone()  # a graph's result is gone when it runs again
        wait()
        return token.item()
    if device != "cuda":
        return read, write, lambda: 0
    torch.cuda.reset_peak_memory_stats()
    return read, write, torch.cuda.max_memory_allocated
