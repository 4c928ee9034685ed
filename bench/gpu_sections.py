# SPDX-License-Identifier: MIT
"""The sections of gpu.sh.  Each writes a row as soon as it has one:
{"name", "value", "unit"} and, where they mean something, "share" of what ("of"), "goal" and "met", "note"."""
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TINY = "--tiny" in sys.argv
GPU = {"MICA_DEVICE": "gpu"}


class Section(NamedTuple):
    what: str
    limit: int
    run: Callable
    asked: bool = False  # runs only where --only names it


def row(name, value, unit, **more):
    with open(sys.argv[2], "a") as f:
        f.write(json.dumps({"name": name, "value": value, "unit": unit, **more}) + "\n")


def program(name):
    for folder in os.environ["MICA_BIN"].split(":"):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise FileNotFoundError(f"{name} is not in {os.environ['MICA_BIN']}")


def output_of(*command, **environment):
    done = subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment})
    if done.returncode:
        name = os.path.basename(str(command[0]))
        raise RuntimeError(f"{name} ends with status {done.returncode}: {done.stdout[-500:]}")
    return done.stdout


# ---- laws, vectors

def law_part(part, parts, filters):
    """(held, failed) of one part; what failed is told as soon as the part is through."""
    done = subprocess.run([program("mica_tests"), "--device", "gpu", "--shard", f"{part}/{parts}", *filters],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    print(done.stdout, flush=True)
    for line in [x for x in done.stdout.splitlines() if x.startswith(("FAIL", "the program stopped"))][:20]:
        row("failure", None, "", note=line.replace("|", "/")[:300])
    counts = re.search(r"(\d+) passed, (\d+) failed", done.stdout)
    if not counts:
        row("failure", None, "", note=f"part {part} of {parts} ends with status {done.returncode}")
    return (int(counts[1]), int(counts[2])) if counts else (0, 1)


def laws():
    parts = min(16, os.cpu_count())
    filters = ["exp/", "softmax/last"] if TINY else []
    with ThreadPoolExecutor(parts) as pool:
        counts = list(pool.map(lambda part: law_part(part, parts, filters), range(1, parts + 1)))
    passed, failed = (sum(column) for column in zip(*counts))
    row("laws that hold", passed, "", goal="all", met=failed == 0 and passed > 0, note=f"{failed} failed")


def vectors():
    """What each wrapper of an instruction answers; becomes tests/golden when the device is a real one."""
    path = os.path.join(os.environ["OUT"], "arch_vectors.txt")
    source = os.path.join(ROOT, "tests", "cuda", "arch_vectors.cu")
    print(output_of(program("cuda_arch_vectors"), source, "record", path))
    with open(path) as f:
        text = f.read()
    golden = os.path.join(ROOT, "tests", "golden", "arch_vectors.txt")
    note = text.splitlines()[0][2:]
    if os.path.exists(golden):
        print(output_of(program("cuda_arch_vectors"), source, "compare", golden))
        note += "; equal to the recorded ones"
    row("wrappers recorded", len(re.findall(r"^[a-z]\w+ \d+$", text, re.M)), "", note=note)


def python():
    """Python's tests with the GPU as default device."""
    missing = [name for name in ("pytest", "hypothesis", "numpy") if not importlib.util.find_spec(name)]
    if missing:
        row("Python's tests", None, "", note=f"not run: this Python has no {', '.join(missing)}")
        return
    tests = os.path.join(ROOT, "tests", "python")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if not TINY and importlib.util.find_spec("xdist"):
        command += ["-n", str(min(8, os.cpu_count()))]
    done = subprocess.run([*command, os.path.join(tests, "test_where.py") if TINY else tests], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", env={**os.environ, **GPU})
    print(done.stdout, flush=True)
    for line in [x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR"))][:20]:
        row("failure", None, "", note=line.replace("|", "/")[:300])
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout)}
    row("Python's tests that pass", counts.get("passed", 0), "", goal="all", met=done.returncode == 0,
        note=", ".join(f"{n} {word}" for word, n in counts.items() if word != "passed") or "none failed")


# ---- ceilings

def copy_ceiling():
    size = 1 << 20 if TINY else 1 << 31
    return json.loads(output_of(program("gpu_ceilings"), "copy", size, 0.01 if TINY else 0.1))["bytes_per_second"]


def gemm_ceiling(dtype, n):
    return json.loads(output_of(program("gpu_ceilings"), "gemm", dtype, n, n, n, 0.002 if TINY else 0.01))


def torch_or_none():
    try:
        import torch
        return torch if torch.cuda.is_available() else None
    except ImportError:
        return None


def torch_copy(torch):
    x = torch.ones(1 << 29, device="cuda")
    y = torch.empty_like(x)
    seconds = best_of(lambda n: ([y.copy_(x) for _ in range(n)], torch.cuda.synchronize()))
    return 2 * x.nbytes / seconds


def torch_gemm(torch, dtype, n):
    torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
    kind = torch.float32 if dtype == "tf32" else getattr(torch, dtype)
    a, b = (torch.randn(n, n, device="cuda").to(kind) for _ in range(2))
    return 2 * n**3 / best_of(lambda count: ([a @ b for _ in range(count)], torch.cuda.synchronize()))


def sizes_of_products():
    return [("tf32", 64), ("bfloat16", 64)] if TINY else [("float32", 4096), ("tf32", 8192), ("bfloat16", 8192),
                                                          ("float16", 8192), ("bfloat16", 2048)]


def ceilings():
    row("copy, 16 bytes a thread", copy_ceiling(), "B/s", note="read and written bytes")
    torch = torch_or_none()
    if torch:
        row("copy, torch", torch_copy(torch), "B/s")
    for dtype, n in sizes_of_products():
        found = gemm_ceiling(dtype, n)
        row(f"cuBLASLt, {dtype} {n}", found["flops_per_second"], "FLOP/s",
            note=f"best of {found['algorithms']} algorithms; the first takes "
                 f"{found['first_seconds'] / found['best_seconds']:.3f} times as long")
        if torch:
            row(f"torch, {dtype} {n}", torch_gemm(torch, dtype, n), "FLOP/s")


# ---- bandwidth

def best_of(loop, samples=5):
    """Seconds of one call: loop(n) makes n and waits; the difference of two lengths has no start and no wait in it.

    The best of each length first: the best of differences would be that with the slowest short loop."""
    least = 0.002 if TINY else 0.04
    n = 1
    loop(n)
    while True:
        began = time.perf_counter()
        loop(n)
        if time.perf_counter() - began >= least:
            break
        n *= 2
    short = long = float("inf")
    for _ in range(2 if TINY else samples):
        began = time.perf_counter()
        loop(n)
        middle = time.perf_counter()
        loop(3 * n)
        short, long = min(short, middle - began), min(long, time.perf_counter() - middle)
    return (long - short) / (2 * n) if long > short else long / (3 * n)


def seconds_of(mx, call):
    def loop(n):
        for _ in range(n):
            mx.async_eval(call())
        mx.synchronize()
    return best_of(loop)


def bandwidth_cases(mx, n):
    """Name, call, bytes read and written; rows of 4096."""
    wide = 64 if TINY else 4096
    x = mx.random.normal((n // wide, wide))
    y = mx.random.normal((n // wide, wide))
    h, g = x.astype(mx.bfloat16), y.astype(mx.bfloat16)
    weight, bias = mx.ones(wide), mx.zeros(wide)
    weight16, bias16 = weight.astype(mx.bfloat16), bias.astype(mx.bfloat16)
    table, rows = mx.random.normal((4 * wide, wide)), mx.random.randint(0, 4 * wide, (n // wide,))
    mx.eval(x, y, h, g, weight, bias, weight16, bias16, table, rows)
    bytes32, bytes16 = 4 * n, 2 * n
    norm_grad = mx.grad(lambda x, w: mx.fast.rms_norm(x, w, 1e-5).sum(), argnums=(0, 1))
    return [
        ("add", lambda: x + y, 3 * bytes32), ("add bfloat16", lambda: h + g, 3 * bytes16),
        ("times a number", lambda: x * 3, 2 * bytes32), ("exp", lambda: mx.exp(x), 2 * bytes32),
        ("tanh bfloat16", lambda: mx.tanh(h), 2 * bytes16), ("add a row", lambda: x + bias, 2 * bytes32),
        ("cast to bfloat16", lambda: x.astype(mx.bfloat16), bytes32 + bytes16),
        ("compare and choose", lambda: mx.where(x > y, x, y), 3 * bytes32),
        ("copy transposed", lambda: mx.contiguous(x.T), 2 * bytes32),
        ("copy every second column", lambda: mx.contiguous(x[:, ::2]), bytes32 + bytes32 // 2),
        ("sum", lambda: x.sum(), bytes32), ("sum bfloat16", lambda: h.sum(), bytes16),
        ("sum of rows", lambda: x.sum(axis=-1), bytes32), ("sum of columns", lambda: x.sum(axis=0), bytes32),
        ("max", lambda: x.max(), bytes32), ("argmax of rows", lambda: mx.argmax(x, axis=-1), bytes32),
        ("cumsum of rows", lambda: mx.cumsum(x, axis=-1), 2 * bytes32),
        ("softmax", lambda: mx.softmax(x, axis=-1), 2 * bytes32),
        ("softmax bfloat16", lambda: mx.softmax(h, axis=-1), 2 * bytes16),
        ("logsumexp", lambda: mx.logsumexp(x, axis=-1), bytes32),
        ("rms_norm", lambda: mx.fast.rms_norm(x, weight, 1e-5), 2 * bytes32),
        ("rms_norm bfloat16", lambda: mx.fast.rms_norm(h, weight16, 1e-5), 2 * bytes16),
        ("layer_norm", lambda: mx.fast.layer_norm(x, weight, bias, 1e-5), 2 * bytes32),
        ("layer_norm bfloat16", lambda: mx.fast.layer_norm(h, weight16, bias16, 1e-5), 2 * bytes16),
        ("rms_norm, its gradient", lambda: norm_grad(x, weight)[0], 3 * bytes32),
        ("take rows", lambda: mx.take(table, rows, axis=0), 2 * bytes32),
        ("random.normal", lambda: mx.random.normal((n,)), bytes32),
    ]


def bandwidth():
    import mlx.core as mx
    mx.set_default_device(mx.gpu)
    ceiling = copy_ceiling()
    for name, call, size in bandwidth_cases(mx, 1 << 14 if TINY else 1 << 28):
        rate = size / seconds_of(mx, call)
        share = rate / ceiling
        row(name, rate, "B/s", share=share, of="copy", goal="90%", met=None if TINY else share >= 0.9)


def matmul():
    import mlx.core as mx
    mx.set_default_device(mx.gpu)
    for dtype, n in sizes_of_products():
        if dtype == "float32":
            continue  # float32 products round to TF32 as in MLX, unless MLX_ENABLE_TF32=0
        kind = mx.float32 if dtype == "tf32" else getattr(mx, dtype)
        a, b = (mx.random.normal((n, n)).astype(kind) for _ in range(2))
        mx.eval(a, b)
        best = gemm_ceiling(dtype, n)["flops_per_second"]
        rate = 2 * n**3 / seconds_of(mx, lambda: a @ b)
        row(f"{dtype} {n}", rate, "FLOP/s", share=rate / best, of="cuBLASLt's best", goal="97%",
            met=None if TINY else rate / best >= 0.97)


# ---- attention

def shapes_of_attention():
    """Batches, query heads, key heads, queries, keys, head size, causal."""
    if TINY:
        return [(1, 2, 1, 32, 32, 64, True), (1, 4, 1, 1, 128, 64, False)]
    return [(4, 32, 32, 4096, 4096, 128, False), (4, 32, 32, 4096, 4096, 128, True), (4, 32, 32, 4096, 4096, 64, True),
            (4, 32, 8, 4096, 4096, 128, True), (1, 32, 8, 1, 8192, 128, False), (32, 32, 8, 1, 8192, 128, False)]


def mica_attention(mx, q, k, v, causal, gradient):
    q, k, v = (mx.random.normal(x).astype(mx.bfloat16) for x in (q, k, v))
    mx.eval(q, k, v)

    def forward(q, k, v):
        mask = "causal" if causal else None
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1]**-0.5, mask=mask)
    if not gradient:
        return seconds_of(mx, lambda: forward(q, k, v))
    backward = mx.grad(lambda *x: forward(*x).sum(), argnums=(0, 1, 2))
    return seconds_of(mx, lambda: backward(q, k, v))


def torch_attention(torch, q, k, v, causal, gradient):
    """Seconds with the fastest of PyTorch's kernels for these shapes."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    found = []
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
        try:
            with sdpa_kernel(backend):
                found.append(one_torch_attention(torch, q, k, v, causal, gradient))
        except RuntimeError as error:
            print(backend, error)
    return min(found) if found else one_torch_attention(torch, q, k, v, causal, gradient)


def one_torch_attention(torch, q, k, v, causal, gradient):
    q, k, v = (torch.randn(*x, device="cuda", dtype=torch.bfloat16, requires_grad=gradient) for x in (q, k, v))

    def once():
        shared = q.shape[1] != k.shape[1]
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=shared)
        return torch.autograd.grad(y.sum(), (q, k, v)) if gradient else y
    return best_of(lambda n: ([once() for _ in range(n)], torch.cuda.synchronize()))


def attention():
    import mlx.core as mx
    mx.set_default_device(mx.gpu)
    torch = torch_or_none()
    if not torch:
        row("torch", None, "", note="is not here: nothing to compare with")
    for batch, heads, key_heads, queries, keys, width, causal in shapes_of_attention():
        shapes = (batch, heads, queries, width), (batch, key_heads, keys, width), (batch, key_heads, keys, width)
        name = f"{batch} x {heads}/{key_heads} heads, {queries} x {keys}, {width}" + (", causal" if causal else "")
        amount, unit, goal = 4 * batch * heads * queries * keys * width / (2 if causal else 1), "FLOP/s", 400e12
        if queries == 1:
            amount, unit, goal = 4 * batch * key_heads * keys * width, "B/s", 0.8 * copy_ceiling()
        for gradient in (False, True)[:1 if queries == 1 else 2]:
            done = amount * (3.5 if gradient else 1)
            own = done / mica_attention(mx, *shapes, causal, gradient)
            peer = done / torch_attention(torch, *shapes, causal, gradient) if torch else None
            least = goal * (323 / 400 if gradient else 1)  # 400 forward and 300 backward
            row(name + (", with gradients" if gradient else ""), own, unit, goal=f"{least:.3g} {unit}",
                met=None if TINY else own >= least, **({"share": own / peer, "of": "torch"} if torch else {}))


# ---- steps

def logistic(mx):
    x = mx.random.normal((1000, 100))
    y = (mx.random.normal((1000,)) > 0).astype(mx.float32)
    w = [1e-2 * mx.random.normal((100,))]
    grad = mx.grad(lambda w: mx.mean(mx.logaddexp(0, x @ w) - y * (x @ w)))

    def step():
        w[0] = w[0] - 0.1 * grad(w[0])
        mx.eval(w[0])
    return step


def steps():
    import mlx.core as mx
    mx.set_default_device(mx.gpu)
    step = logistic(mx)
    rate = 1 / best_of(lambda n: [step() for _ in range(n)])
    row("logistic regression, 1000 x 100", rate, "steps/s", goal="5000", met=None if TINY else rate >= 5000)
    a, b, count = mx.ones(10), mx.ones(10), 100 if TINY else 1000

    def chain():
        x = a
        for _ in range(count):
            x = x + b
        mx.async_eval(x)
    per_op = best_of(lambda n: ([chain() for _ in range(n)], mx.synchronize())) / count
    row("host and device, an op in a chain of 1000", per_op, "s", goal="2 us", met=None if TINY else per_op <= 2e-6)
    one = best_of(lambda n: [mx.eval(a + b) for _ in range(n)])
    row("one op and its wait", one, "s")


# ---- train

MODELS = {"small": {}, "large": {"width": 1024, "layers": 8, "heads": 16, "hidden": 2816, "context": 512, "batch": 16}}
if TINY:
    MODELS = {"small": {"width": 32, "layers": 1, "heads": 2, "hidden": 64, "context": 16, "batch": 2}}


def without_tqdm():
    """The example draws a progress bar, which nothing here needs."""
    try:
        import tqdm  # noqa: F401
    except ImportError:
        sys.modules["tqdm"] = types.SimpleNamespace(tqdm=None)


def step_of(name):
    if name == "mica":
        import mlx.core as mx
        mx.set_default_device(mx.gpu)
        without_tqdm()
        return importlib.import_module("models.lm_mlx").build()
    if name == "jax":
        return importlib.import_module("models.lm_jax").build()
    import torch
    torch.backends.cuda.matmul.allow_tf32 = True  # as Mica and JAX
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return importlib.import_module("models.lm_torch").build(name == "torch-compiled", device)


def train_one(name, model):
    """In a process of its own: prints the seconds of a step."""
    from models.config import CONFIG
    vars(CONFIG).update(MODELS[model])
    step = step_of(name)
    for _ in range(3):
        loss = step()
    best = best_of(lambda n: [step() for _ in range(n)], samples=3)
    print(json.dumps({"seconds": best, "loss": loss, "tokens": CONFIG.batch * CONFIG.context}))


def environment_of(name):
    """Peers find the libraries that they were made with, not ours."""
    ours = os.path.join(ROOT, "lib")
    folders = [f for f in os.environ.get("LD_LIBRARY_PATH", "").split(":") if name == "mica" or f != ours]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}


def in_child(what, name, model, limit):
    """What `what`-one prints for an implementation and a model, or why it does not."""
    command = [sys.executable, __file__, what + "-one", name, model] + (["--tiny"] if TINY else [])
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment_of(name), timeout=400 if TINY else limit)
    except subprocess.TimeoutExpired as error:
        return f"stopped after {error.timeout:.0f} s"
    print(done.stderr[-3000:], flush=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no reason"])[-1][:200].replace("|", "/")
    return json.loads(done.stdout.splitlines()[-1])


def train():
    mica = {}
    for name in ("mica", "torch", "jax", "torch-compiled"):  # the slowest to start comes last
        for model in MODELS:
            found = in_child("train", name, model, 100)
            if isinstance(found, str):
                row(f"{model}, {name}", None, "s", note=found)
                continue
            if name == "mica":
                mica[model] = found["seconds"]
            against = f"{found['seconds'] / mica[model]:.2f} times Mica's, " if name != "mica" and model in mica else ""
            row(f"{model}, {name}", found["seconds"], "s",
                note=f"{against}{found['tokens'] / found['seconds']:,.0f} tokens/s, loss {found['loss']:.3f}")


# ---- decode

def llamas():
    from models.llama_config import SHAPES, TINY as tiny
    return {"tiny": tiny} if TINY else SHAPES


def decode_one(name, model):
    """In a process of its own: prints the seconds of a prompt and of a token after it, and the most bytes in use."""
    c = llamas()[model]
    if name == "mica":
        import mlx.core as mx
        mx.set_default_device(mx.gpu)
        read, write, peak = importlib.import_module("models.llama_mlx").build(c)
    else:
        read, write, peak = importlib.import_module("models.llama_torch").build(c)
    read()
    prompt = best_of(lambda n: [read() for _ in range(n)], samples=3)
    write(3)
    print(json.dumps({"prompt": prompt, "token": best_of(write, samples=3), "peak": peak()}))


def decode():
    from models import llama_config
    ceiling = copy_ceiling()
    for model, c in llamas().items():
        mica = {}
        for name in ("mica", "torch"):
            found = in_child("decode", name, model, 280)
            if isinstance(found, str):
                row(f"{model}, {name}", None, "s", note=found)
                continue
            mica = mica or found
            against = lambda what: f"{found[what] / mica[what]:.2f} times Mica's" if name != "mica" else ""
            read = 2 * (llama_config.weights_read(c) + llama_config.cache_read(c, c.prompt))
            share = read / found["token"] / ceiling
            row(f"{model}, {name}, a token", found["token"], "s", share=share, of="copy", note=against("token"),
                goal="80%", met=share >= 0.8 if name == "mica" and model == "8B" else None)
            row(f"{model}, {name}, a prompt of {c.prompt}", llama_config.operations(c, c.prompt) / found["prompt"],
                "FLOP/s", note=against("prompt"))
            row(f"{model}, {name}, most memory in use", found["peak"], "B", note=against("peak"))


# ---- start

FIRST = "import mlx.core as mx; print((mx.ones((1000,)) + 1).sum().item())"
STEP = f"""import sys; sys.path.insert(0, {HERE!r}); sys.argv += ["", "--tiny"][:{2 if TINY else 0}]
import gpu_sections as g
from models.config import CONFIG
vars(CONFIG).update(g.MODELS["small"]); print(g.step_of("mica")())"""


def start_once(code, **environment):
    began = time.perf_counter()
    output_of(sys.executable, "-c", code, **environment, **GPU)
    return time.perf_counter() - began


def start_with(code, again, ready):
    """Seconds of processes that find an empty cache the first time, and what the first left there then."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"MICA_CACHE_DIR": folder} | ({} if ready else {"MICA_CUBINS": "off"})
        return [start_once(code, **environment) for _ in range(1 + again)]


def ready_kernels():
    """The archive beside the library: made with -DMICA_CUBINS=ON, as bundles and wheels are."""
    import mlx.core as mx
    folder = os.path.dirname(mx.__file__)
    return any(os.path.exists(os.path.join(folder, place, "libmica.cubins")) for place in ("lib", "../.."))


def start():
    output_of(sys.executable, "-c", FIRST, **GPU)  # the files are in the page cache from here on
    for name, code in (("first result", FIRST), ("first train step", STEP)):
        def best(what, times):
            met = None if TINY or name != "first result" else min(times) <= 1
            row(f"process start to {name}, {what}", min(times), "s", goal="1 s", met=met)

        try:
            cold, *warm = start_with(code, 1 if TINY else 3, ready=False)
            row(f"process start to {name}, no kernel compiled yet", cold, "s")
            best("kernels from the disk", warm)
            if ready_kernels():
                best("kernels compiled ahead", [start_with(code, 0, ready=True)[0] for _ in range(1 if TINY else 3)])
            else:
                row(f"process start to {name}, kernels compiled ahead", None, "s", note="there is no libmica.cubins")
        except RuntimeError as error:  # the others are measured
            row(f"process start to {name}", None, "s", note=str(error)[:200])


# The limits of those that are not asked for add up to less than nine minutes.
SECTIONS = {
    "laws": Section("the laws on the device", 160, laws),
    "vectors": Section("golden vectors of instructions", 20, vectors),
    "ceilings": Section("what the device can do at most", 40, ceilings),
    "bandwidth": Section("elementwise work, reductions, rows", 50, bandwidth),
    "matmul": Section("matrix products", 30, matmul),
    "attention": Section("attention", 120, attention, asked=True),
    "steps": Section("tiny steps", 15, steps),
    "train": Section("the train step of the language model", 165, train),
    "decode": Section("Llama's shapes in bfloat16, random weights", 1150, decode, asked=True),
    "start": Section("start of a process", 50, start),
    "python": Section("Python's tests on the device", 1200, python, asked=True),
}

if __name__ == "__main__":
    if sys.argv[1] in ("train-one", "decode-one"):
        {"train-one": train_one, "decode-one": decode_one}[sys.argv[1]](*sys.argv[2:4])
    else:
        SECTIONS[sys.argv[1]].run()
