# SPDX-License-Identifier: MIT
"""examples/python/transformer_lm.py at a tiny size: what it leaves behind, and that it goes on after any death."""

import hashlib
import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

import mlx.core as mx

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
SCRIPT = ROOT / "examples" / "python" / "transformer_lm.py"
TINY = "--width 32 --layers 2 --heads 2 --hidden 64 --context 32 --batch 4 --warmup 5 --sample-bytes 8".split()
STEPS = ["--steps", "40", "--save-every", "10", "--eval-every", "20"]
LAST = "checkpoint-000040.safetensors"


def run(*arguments, check=True, **environment):
    command = [sys.executable, SCRIPT, *TINY, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})
    assert done.returncode == 0 or not check, done.stderr
    return done


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of texts: some for training, some for validation."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "deep").mkdir()
    for i in range(60):
        (folder / ("deep" if i % 2 else ".") / f"{i}.txt").write_text(f"{i}: a line of text, and a line\n" * 10)
    return folder


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """An uninterrupted run: its folder and its output."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return out, run("--data", data, "--out", out, *STEPS, "--log-losses", out.parent / "log").stdout


def test_last_line(whole):
    last = whole[1].splitlines()[-1]
    assert re.fullmatch(r"result: val_loss=\d+\.\d{3} tokens_per_s=\d+ device=\w+ seconds=\d+", last)


def test_run_folder(whole):
    out = whole[0]
    checkpoints = {f"checkpoint-{i:06d}.safetensors" for i in (0, 10, 20, 30, 40)}
    others = {"train.bin", "val.bin", "SHA256SUMS", "losses.json", "loss.png", "samples.txt"}
    assert {p.name for p in out.iterdir()} == checkpoints | others
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "samples.txt").read_text().startswith("def ")


def test_losses_fall_and_are_logged(whole):
    curves = json.loads((whole[0] / "losses.json").read_text())
    train = list(curves["train"].values())
    assert len(train) == 40 and list(curves["val"]) == ["20", "40"]
    assert sum(train[-5:]) < sum(train[:5])
    log = (whole[0].parent / "log").read_text().split()
    bits = mx.array([int(x, 16) for x in log], dtype=mx.uint32)
    assert bits.view(mx.float32).tolist() == train


def test_corpus_is_split_by_the_names_of_the_files(whole, data):
    names = sorted(p.relative_to(data).as_posix() for p in data.rglob("*.txt"))
    val = [n for n in names if zlib.crc32(n.encode()) % 20 == 0]
    assert val and (whole[0] / "val.bin").read_bytes() == b"\0".join((data / n).read_bytes() for n in val)
    train = b"\0".join((data / n).read_bytes() for n in names if n not in val)
    assert (whole[0] / "train.bin").read_bytes() == train


def test_checkpoint_holds_model_optimizer_and_config(whole):
    arrays, metadata = mx.load(str(whole[0] / LAST), return_metadata=True)
    config = json.loads(metadata["config"])
    assert metadata["step"] == "40" and config["width"] == 32 and len(config["train.bin"]) == 64
    assert arrays["model.layers.1.mlp.down.weight"].shape == (32, 64)
    assert arrays["optimizer.layers.1.mlp.down.weight.v"].shape == (32, 64)
    assert arrays["optimizer.step"].dtype == mx.uint64 and arrays["optimizer.step"].item() == 40
    first = mx.load(str(whole[0] / "checkpoint-000000.safetensors"))
    assert first.keys() == arrays.keys() and mx.all(first["optimizer.norm.weight.m"] == 0).item()


def documented_loss(weights, inputs, targets, config):
    """The loss by the ops of docs/transformer_lm.md, for weights in the order of that page."""
    batch, length, width, heads = (config[name] for name in ("batch", "context", "width", "heads"))
    size = width // heads
    embedding, *layers, norm = weights
    x = mx.take(embedding, inputs, axis=0)
    for i in range(config["layers"]):
        attention_norm, query, key, value, output, mlp_norm, gate, up, down = layers[9 * i : 9 * i + 9]
        y = mx.fast.rms_norm(x, attention_norm, 1e-5)
        q, k, v = ((y @ w.T).reshape(batch, length, heads, size).transpose(0, 2, 1, 3) for w in (query, key, value))
        q, k = (mx.fast.rope(z, size, traditional=False, base=10000.0, scale=1.0, offset=0) for z in (q, k))
        o = mx.fast.scaled_dot_product_attention(q, k, v, scale=size**-0.5, mask="causal")
        x = x + o.transpose(0, 2, 1, 3).reshape(batch, length, width) @ output.T
        y = mx.fast.rms_norm(x, mlp_norm, 1e-5)
        g = y @ gate.T
        x = x + ((g * mx.sigmoid(g)) * (y @ up.T)) @ down.T
    logits = mx.fast.rms_norm(x, norm, 1e-5) @ embedding.T
    return mx.mean(mx.fast.cross_entropy(logits, targets))


def documented_rate(i, config):
    step, lr, w = mx.array(i, mx.uint64), config["lr"], min(config["warmup"], config["steps"] // 2)
    rise, fall = max(1, w), config["steps"] - w
    a = mx.minimum(step, rise) * ((lr - 0.0) / rise) + 0.0
    b = 0.0 + (0.5 * (1.0 + mx.cos((math.pi / fall) * mx.minimum(step - w, fall)))) * (lr - 0.0)
    return mx.where(step < w, a, b)


def test_the_documented_ops_give_the_same_bits(whole):
    out = whole[0]
    arrays, metadata = mx.load(str(out / "checkpoint-000000.safetensors"), return_metadata=True)
    config = json.loads(metadata["config"])
    names = ["attention_norm", *(f"attention.{x}" for x in ("query", "key", "value", "output"))]
    names += ["mlp_norm", *(f"mlp.{x}" for x in ("gate", "up", "down"))]
    names = [f"layers.{i}.{name}" for i in range(config["layers"]) for name in names]
    weights = [arrays[f"model.{name}.weight"] for name in ("embedding", *names, "norm")]
    m, v = [mx.zeros_like(p) for p in weights], [mx.zeros_like(p) for p in weights]
    train = mx.array(memoryview((out / "train.bin").read_bytes()))
    loss_and_grad = mx.value_and_grad(lambda weights, *batch: documented_loss(weights, *batch, config))

    bits = []
    for i in range(config["steps"]):
        key = mx.random.key(config["seed"] + i)
        starts = mx.random.randint(0, train.size - config["context"], (config["batch"],), key=key)
        rows = train[starts[:, None] + mx.arange(config["context"] + 1)].astype(mx.int32)
        loss, grads = loss_and_grad(weights, rows[:, :-1], rows[:, 1:])
        total = 0.0
        for g in grads:
            total = total + mx.sum(mx.square(g))
        scale = mx.minimum(1.0 / (mx.sqrt(total) + 1e-6), 1.0)
        r = documented_rate(i, config)
        for j, g in enumerate(grads):
            g = g * scale
            p = weights[j] * (1 - r * 0.1)
            m[j] = 0.9 * m[j] + (1 - 0.9) * g
            v[j] = 0.95 * v[j] + (1 - 0.95) * mx.square(g)
            weights[j] = p - (r * m[j]) / (mx.sqrt(v[j]) + 1e-8)
        mx.eval(loss, weights, m, v)
        bits.append(struct.pack(">f", loss.item()).hex())
    assert bits == (out.parent / "log").read_text().split()


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGINT])
def test_resumed_run_ends_in_the_same_bytes(whole, data, tmp_path, death):
    out = tmp_path / "broken"
    command = [sys.executable, SCRIPT, *TINY, "--data", str(data), "--out", str(out), *STEPS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint-000010.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(death)
    output = process.communicate(timeout=120)[0]
    if death == signal.SIGINT and process.returncode != 0:  # else it was done before the signal came
        assert process.returncode == 130 and "--resume" in output
    resumed = run("--data", data, "--out", out, *STEPS, "--resume").stdout
    assert resumed.splitlines()[-1].startswith("result: ")
    assert (out / LAST).read_bytes() == (whole[0] / LAST).read_bytes()
    assert json.loads((out / "losses.json").read_text()) == json.loads((whole[0] / "losses.json").read_text())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--steps", "0"], "at least 1"),
        (["--width", "30", "--heads", "4"], "multiple"),
        (["--data", "no/such/place"], "no such file or folder"),
        (["--data", __file__, "--context", "100000"], "too little data"),
        (["--resume"], "no checkpoint"),
    ],
)
def test_refused(tmp_path, arguments, message):
    done = run("--out", tmp_path / "run", *arguments, check=False)
    assert done.returncode != 0 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten_and_not_resumed_with_other_settings(whole, data):
    done = run("--data", data, "--out", whole[0], *STEPS, check=False)
    assert done.returncode == 1 and "--resume" in done.stderr
    done = run("--data", data, "--out", whole[0], *STEPS, "--resume", "--lr", "0.1", check=False)
    assert done.returncode == 1 and "lr was 0.003" in done.stderr


def test_one_file_is_split_at_nine_tenths(tmp_path):
    text = tmp_path / "text"
    text.write_bytes(bytes(range(256)) * 16)
    run("--data", text, "--out", tmp_path / "run", "--steps", "1")
    assert (tmp_path / "run" / "train.bin").read_bytes() == text.read_bytes()[: 4096 * 9 // 10]
    assert (tmp_path / "run" / "val.bin").read_bytes() == text.read_bytes()[4096 * 9 // 10 :]


def test_without_a_gpu_it_stops_before_any_training(tmp_path):
    done = run("--device", "gpu", "--out", tmp_path / "run", check=False, MICA_CUDA="off")
    assert done.returncode == 1 and "ValueError: [set_default_device] There is no GPU" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not (BUILD / "libmica_sim.so").exists(), reason="the simulated GPU was not built")
def test_a_gpu_gives_the_losses_of_the_cpu(data, tmp_path):
    losses = {}
    for device in ("cpu", "gpu"):
        out = tmp_path / device
        done = run("--device", device, "--data", data, "--out", out, "--steps", 20, MICA_CUDA="sim",
                   MICA_SIM_DIR=str(BUILD), MICA_CACHE_DIR=str(BUILD / "tests" / "cuda_cache"))
        assert f"device={device}" in done.stdout.splitlines()[-1]
        losses[device] = list(json.loads((out / "losses.json").read_text())["train"].values())
    assert len(losses["gpu"]) == 20
    assert losses["gpu"] == pytest.approx(losses["cpu"], rel=1e-4)


def test_c_program_prints_the_same_losses(whole):
    """examples/c/transformer_lm.c, from the checkpoint of step 0, bit for bit."""
    program = BUILD / "examples" / "transformer_lm"
    out = whole[0]
    done = subprocess.run([program, out, "40"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (out.parent / "log").read_text()
