# SPDX-License-Identifier: MIT
"""The default model of examples/python/transformer_lm.py and its train step in PyTorch."""
import torch
import torch.nn.functional as F
from torch import nn

from models.config import CONFIG, batches


def rope(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.heads
        self.attention_norm, self.mlp_norm = nn.RMSNorm(c.width, eps=1e-5), nn.RMSNorm(c.width, eps=1e-5)
        self.q, self.k, self.v, self.o = (nn.Linear(c.width, c.width, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(c.width, c.hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(c.hidden, c.width, bias=False)

    def forward(self, x, cos, sin):
        batch, length, width = x.shape
        h = self.attention_norm(x)
        q, k, v = (f(h).view(batch, length, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(rope(q, cos, sin), rope(k, cos, sin), v, is_causal=True)
        x = x + self.o(h.transpose(1, 2).reshape(batch, length, width))
        h = self.mlp_norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embedding = nn.Embedding(c.vocabulary, c.width)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = nn.RMSNorm(c.width, eps=1e-5)
        half = c.width // c.heads // 2
        angles = torch.arange(c.context)[:, None] * 10000.0 ** (-torch.arange(half) / half)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, x, y):
        h = self.embedding(x)
        for block in self.blocks:
            h = block(h, self.cos, self.sin)
        logits = self.norm(h) @ self.embedding.weight.T
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), y.view(-1))


def build(compiled, device="cpu"):
    torch.manual_seed(0)
    torch.set_grad_enabled(True)
    model = Model(CONFIG).to(device)
    loss_of = torch.compile(model) if compiled else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    data = [(torch.tensor(x, device=device), torch.tensor(y, device=device)) for x, y in batches()]
    state = {"step": 0}

    def step():
        x, y = data[state["step"] % len(data)]
        state["step"] += 1
        with torch.enable_grad():
            loss = loss_of(x, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()
    step.model, step.optimizer = model, optimizer
    torch.set_grad_enabled(False)
    return step


def peak_bytes():
    """The most that was allocated in a step, parameters and optimizer state included, by the profiler's record."""
    step = build(False)
    step()
    model, optimizer = step.model, step.optimizer
    tensors = [p for p in model.parameters()] + [p.grad for p in model.parameters()]
    tensors += [t for s in optimizer.state.values() for t in s.values() if torch.is_tensor(t)]
    live = peak = sum(t.nbytes for t in tensors)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda e: e.start_ns()):
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    return peak
