#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train a small GPT on Python's own standard library, byte by byte, and let it write some Python.

    python transformer_lm.py --steps 50          a first look (the default is 2,000 steps)
    python transformer_lm.py --data my_texts/    any text file or folder
    python transformer_lm.py --resume            go on after Ctrl-C, or after a crash

The run folder (runs/lm-001, ...) gets train.bin and val.bin with their SHA256SUMS, losses.json, loss.png, samples.txt
and checkpoints, the first from before step 1. A checkpoint is a .safetensors file of the float32 arrays

    model.embedding.weight                                       (256, width), used for input and output
    model.layers.N.attention_norm.weight, mlp_norm.weight        (width,)
    model.layers.N.attention.{query,key,value,output}.weight     (width, width), applied as x @ weight.T
    model.layers.N.mlp.{gate,up}.weight, mlp.down.weight         (hidden, width), (width, hidden)
    model.norm.weight                                            (width,)
    optimizer.<the same path>.{m,v}, optimizer.step (uint64), optimizer.learning_rate

and its metadata, "step" and "config", say how to go on. A run is a function of its config and data: the same seed
gives the same bytes, interrupted or not.
"""

import argparse
import contextlib
import hashlib
import json
import os
import signal
import struct
import sys
import sysconfig
import time
import zlib
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten
from tqdm import tqdm

VAL_WINDOWS = 256
NOT_CORPUS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__"}


# The model: x + attention(norm(x)), then x + mlp(norm(x)), layer after layer.


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def __call__(self, x):
        batch, length, width = x.shape
        size = width // self.heads
        shape = (batch, length, self.heads, size)
        query, key, value = (f(x).reshape(shape).transpose(0, 2, 1, 3) for f in (self.query, self.key, self.value))
        query, key = (mx.fast.rope(y, size, traditional=False, base=10000.0, scale=1.0, offset=0) for y in (query, key))
        y = mx.fast.scaled_dot_product_attention(query, key, value, scale=size**-0.5, mask="causal")
        return self.output(y.transpose(0, 2, 1, 3).reshape(batch, length, width))


class MLP(nn.Module):  # SwiGLU: one half decides how much of the other passes (arxiv.org/abs/2002.05202)
    def __init__(self, width, hidden):
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def __call__(self, x):
        return self.down(nn.silu(self.gate(x)) * self.up(x))


class Layer(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.attention_norm = nn.RMSNorm(width)
        self.attention = Attention(width, heads)
        self.mlp_norm = nn.RMSNorm(width)
        self.mlp = MLP(width, hidden)

    def __call__(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class LanguageModel(nn.Module):
    def __init__(self, width, layers, heads, hidden):
        super().__init__()
        self.embedding = nn.Embedding(256, width)
        self.layers = [Layer(width, heads, hidden) for _ in range(layers)]
        self.norm = nn.RMSNorm(width)

    def __call__(self, tokens):
        """Logits of the next byte, of shape (batch, length, 256)."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.embedding.as_linear(self.norm(x))


# The data: two long strings of bytes, of which we read windows.


def read_corpus(data):
    """Training and validation bytes of a text file, a folder, or (None) the standard library."""
    root = Path(data or sysconfig.get_path("stdlib"))
    if root.is_file():
        files = [("", root)]
    elif root.is_dir():
        found = ((p.relative_to(root), p) for p in root.rglob("*" if data else "*.py"))
        skip = set() if data else NOT_CORPUS
        files = sorted((rel.as_posix(), p) for rel, p in found if p.is_file() and not skip & set(rel.parts[:-1]))
    else:
        sys.exit(f"--data {data}: no such file or folder")

    train, val = [], []
    for name, path in files:
        (val if zlib.crc32(name.encode()) % 20 == 0 else train).append(path.read_bytes())
    if train and val:
        return b"\0".join(train), b"\0".join(val)
    text = b"\0".join(train + val)  # a file or two: the last tenth is for validation
    return text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]


def open_texts(out, data, context, resumed):
    """Both texts as arrays, and their SHA-256. A run keeps the data that it began with."""
    names = ("train.bin", "val.bin")
    texts = [(out / name).read_bytes() for name in names] if resumed else read_corpus(data)
    if min(map(len, texts)) < context + VAL_WINDOWS:
        sys.exit(f"too little data: {len(texts[0])} bytes to learn from and {len(texts[1])} to validate with")
    out.mkdir(parents=True, exist_ok=True)
    if not resumed:
        for name, text in zip(names, texts):
            write_atomically(out / name, lambda temporary: Path(temporary).write_bytes(text))
    sums = {name: hashlib.sha256(text).hexdigest() for name, text in zip(names, texts)}
    (out / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    return [mx.array(memoryview(text)) for text in texts], sums


def windows(text, starts, context):
    """Inputs and targets, each of shape (len(starts), context): the targets are one byte ahead."""
    rows = text[starts[:, None] + mx.arange(context + 1)].astype(mx.int32)
    return rows[:, :-1], rows[:, 1:]


def write_atomically(path, write):
    """Whoever looks sees the old file or the whole new one, also after kill -9."""
    temporary = path.with_name(".new-" + path.name)
    write(str(temporary))
    os.replace(temporary, path)


def save_checkpoint(out, step, config, model, optimizer):
    # tree_flatten drops the first character of the prefix: "model.embedding.weight".
    arrays = dict(tree_flatten(model.parameters(), prefix=".model"))
    arrays.update(tree_flatten(optimizer.state, prefix=".optimizer"))
    arrays = dict(sorted(arrays.items()))  # else the bytes of the file depend on the dict's history
    metadata = {"step": str(step), "config": json.dumps(config, sort_keys=True)}
    path = out / f"checkpoint-{step:06d}.safetensors"
    write_atomically(path, lambda name: mx.save_safetensors(name, arrays, metadata))


def load_checkpoint(path, config, model, optimizer):
    """Put a checkpoint into model and optimizer; returns its step."""
    arrays, metadata = mx.load(str(path), return_metadata=True)
    saved = json.loads(metadata["config"])
    if changed := [f"{name} was {saved.get(name)}" for name in config if saved.get(name) != config[name]]:
        sys.exit(f"{path} belongs to another run: {', '.join(changed)}")
    tree = tree_unflatten(arrays)
    model.update(tree["model"])
    optimizer.state = tree["optimizer"]
    return int(metadata["step"])


def open_run_folder(out, resume):
    """The folder, and its newest checkpoint if we resume."""
    if out is None:
        taken = sorted(Path("runs").glob("lm-[0-9][0-9][0-9]"))
        number = int(taken[-1].name[3:]) if taken else 0
        out = Path("runs") / f"lm-{number if resume else number + 1:03d}"
    checkpoints = sorted(out.glob("checkpoint-*.safetensors"))
    if checkpoints and not resume:
        sys.exit(f"{out} holds a run: add --resume to go on with it, or choose another --out")
    if resume and not checkpoints:
        sys.exit(f"--resume: no checkpoint in {out}")
    return out, checkpoints[-1] if resume else None


def read_losses(path, last_step):
    """Both curves up to ``last_step``: after a crash the file may know more than the checkpoint."""
    curves = json.loads(path.read_text()) if path.exists() else {"train": {}, "val": {}}
    return {name: {int(s): x for s, x in curve.items() if int(s) <= last_step} for name, curve in curves.items()}


def plot(path, losses):
    try:
        import matplotlib
    except ImportError:
        return print(f"no {path.name}: matplotlib is not installed (pip install matplotlib)")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5))
    axes.plot(*zip(*losses["train"].items()), linewidth=0.6, label="training")
    axes.plot(*zip(*losses["val"].items()), marker="o", label="validation")
    axes.set(xlabel="step", ylabel="loss (nats a byte)")
    axes.legend()
    write_atomically(path, lambda name: figure.savefig(name, dpi=120))


def validation_loss(model, text, context):
    """The mean over fixed windows, spread evenly over the text."""
    starts = mx.arange(VAL_WINDOWS) * ((text.size - context - 1) // VAL_WINDOWS)
    total = 0.0
    for i in range(0, VAL_WINDOWS, 32):
        inputs, targets = windows(text, starts[i : i + 32], context)
        total += nn.losses.cross_entropy(model(inputs), targets, reduction="sum").item()
    return total / (VAL_WINDOWS * context)


def sample(model, prompt, count, context, seed, rows=3, temperature=0.8):
    """``rows`` continuations of ``prompt`` by ``count`` bytes."""
    tokens = mx.array([list(prompt)] * rows)
    for i in range(count):
        logits = model(tokens[:, -context:])[:, -1]
        chosen = mx.random.categorical(logits / temperature, key=mx.random.key(seed + i))
        tokens = mx.concatenate([tokens, chosen[:, None].astype(tokens.dtype)], axis=1)
        mx.eval(tokens)
    return [bytes(row).decode("utf-8", "replace") for row in tokens.tolist()]


def make_optimizer(config):
    """w *= 1 - r * decay;  m = b1 * m + (1 - b1) * g;  v = b2 * v + (1 - b2) * g^2;  w -= r * m / (sqrt(v) + 1e-8)
    for the clipped gradient g and the rate r, which rises in a line and falls in half a cosine wave."""
    warmup = min(config["warmup"], config["steps"] // 2)
    rise = optim.linear_schedule(0.0, config["lr"], max(1, warmup))
    fall = optim.cosine_decay(config["lr"], config["steps"] - warmup)
    return optim.AdamW(optim.join_schedules([rise, fall], [warmup]), betas=[0.9, 0.95], weight_decay=0.1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--data", help="a text file or a folder (default: Python's standard library)")
    add("--out", type=Path, help="the run folder (default: a new one, runs/lm-001, runs/lm-002, ...)")
    add("--resume", action="store_true", help="go on from the newest checkpoint")
    add("--device", choices=("cpu", "gpu"), help="default: what MLX chooses")
    add("--profile", metavar="FILE", help="record ten steps: FILE is for https://ui.perfetto.dev (Mica only)")
    add("--log-losses", metavar="FILE", help="write each step's loss as the hex digits of its float32")
    numbers = dict(steps=2000, batch=8, context=128, width=128, layers=4, heads=4, hidden=352, lr=3e-3, warmup=100)
    numbers |= dict(seed=0, eval_every=500, save_every=500, sample_bytes=300)
    for name, value in numbers.items():
        add(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default {value}")
    args = parser.parse_args()
    if min(getattr(args, name) for name in numbers if name not in ("lr", "warmup", "seed", "sample_bytes")) < 1:
        parser.error("sizes and numbers of steps must be at least 1")
    if args.width % (2 * args.heads):
        parser.error(f"--width {args.width} must be a multiple of twice --heads {args.heads}")
    return args


def train(args, model, optimizer, texts, first, losses, save):
    """Steps ``first`` to ``args.steps``, or to Ctrl-C; returns the number of the last and the seconds they took."""

    def stop_soon(*_):  # Ctrl-C lets the step end; a second one does not wait
        stop.append(True)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    stop = []
    signal.signal(signal.SIGINT, stop_soon)
    loss_and_grad = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))
    step, seconds = first, 0.0
    bar = tqdm(total=args.steps, initial=first, unit="step", dynamic_ncols=True)
    recording = contextlib.ExitStack()

    while step < args.steps and not stop:
        if args.profile and step == first + 5:  # the first steps are slower
            profile = recording.enter_context(mx.profiler.profile(args.profile))
        if args.profile and step == first + 15:
            recording.close()
            bar.write(profile.table())
        began = time.perf_counter()
        key = mx.random.key(args.seed + step)
        starts = mx.random.randint(0, texts[0].size - args.context, (args.batch,), key=key)
        loss, grads = loss_and_grad(*windows(texts[0], starts, args.context))
        grads, _ = optim.clip_grad_norm(grads, 1.0)
        optimizer.update(model, grads)
        mx.eval(loss, model.parameters(), optimizer.state)
        seconds += time.perf_counter() - began

        step += 1
        losses["train"][step] = loss.item()
        speed = (step - first) * args.batch * args.context / seconds
        bar.update()
        bar.set_postfix_str(f"loss {losses['train'][step]:.3f}, {speed:,.0f} tokens/s")
        if step % args.eval_every == 0 or step == args.steps:
            losses["val"][step] = validation_loss(model, texts[1], args.context)
            bar.write(f"step {step}: validation loss {losses['val'][step]:.4f}")
        if step % args.save_every == 0 or step == args.steps:
            save(step)
    bar.close()
    recording.close()
    if step < args.steps:
        save(step)
    return step, seconds


def main():
    args = parse_arguments()
    if args.device:
        mx.set_default_device(mx.gpu if args.device == "gpu" else mx.cpu)
    device = "gpu" if mx.default_device() == mx.gpu else "cpu"
    out, checkpoint = open_run_folder(args.out, args.resume)
    texts, sums = open_texts(out, args.data, args.context, args.resume)

    names = ("steps", "batch", "context", "width", "layers", "heads", "hidden", "lr", "warmup", "seed")
    config = {name: getattr(args, name) for name in names} | sums
    mx.random.seed(args.seed)
    model = LanguageModel(args.width, args.layers, args.heads, args.hidden)
    optimizer = make_optimizer(config)
    optimizer.init(model.trainable_parameters())
    first = load_checkpoint(checkpoint, config, model, optimizer) if checkpoint else 0
    losses = read_losses(out / "losses.json", first)

    def save(step):
        write_atomically(out / "losses.json", lambda name: Path(name).write_text(json.dumps(losses)))
        save_checkpoint(out, step, config, model, optimizer)

    if not checkpoint:
        save(0)
    size = sum(x.size for _, x in tree_flatten(model.parameters()))
    print(f"{size:,} parameters, {texts[0].size:,} bytes to learn from, {device}, {out} after step {first}")
    step, seconds = train(args, model, optimizer, texts, first, losses, save)

    if args.log_losses:
        bits = [struct.pack(">f", loss).hex() for s, loss in losses["train"].items() if s > first]
        Path(args.log_losses).write_text("\n".join(bits) + "\n")
    if step < args.steps:
        print(f"stopped after step {step}; the same command with --resume --out {out} goes on")
        sys.exit(130)
    plot(out / "loss.png", losses)
    samples, line = sample(model, b"def ", args.sample_bytes, args.context, args.seed), "\n" + "-" * 80 + "\n"
    (out / "samples.txt").write_text(line.join(samples) + "\n", encoding="utf-8")
    print(line[1:] + samples[0] + line[:-1])
    speed = (step - first) * args.batch * args.context / seconds if seconds else 0
    print(f"result: val_loss={losses['val'][step]:.3f} tokens_per_s={speed:.0f} device={device} seconds={seconds:.0f}")


if __name__ == "__main__":
    main()
