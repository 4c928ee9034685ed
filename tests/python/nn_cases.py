# SPDX-License-Identifier: MIT
"""What is compared with the recorded values: every layer, activation, loss, initializer, optimizer and schedule.

A case is a function without arguments that returns a tree of arrays. ``record_golden_nn.py`` runs all of them under
Apple's mlx and keeps the results in ``golden/nn.npz``; ``test_nn_golden.py`` runs them under ours.
"""

import numpy as np

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map

CASES = {}


def case(name):
    def add(fn):
        assert name not in CASES, name
        CASES[name] = fn
        return fn

    return add


def numbers(*shape, seed=0, dtype=mx.float32, low=-3.0, high=3.0):
    """The same numbers whatever mlx.core is."""
    values = np.random.RandomState(seed).uniform(low, high, shape).astype(np.float32)
    return mx.array(values).astype(dtype)


def layer(name, make, *inputs, train=True, grad=True):
    """Initial parameters, output, state after the call, and a gradient (by the parameters, else by the input)."""

    @case("layer/" + name)
    def run():
        mx.random.seed(7)
        module = make()
        module.train(train)
        first = module.parameters()
        mx.random.seed(8)
        output = module(*inputs)
        result = {"first": first, "output": output, "after": module.parameters()}
        if grad:

            def loss(*inputs):
                mx.random.seed(8)
                y = module(*inputs)
                y = y[0] + y[1] if isinstance(y, tuple) else y
                return mx.sum(y * numbers(*y.shape, seed=9))

            if tree_flatten(module.trainable_parameters()):
                result["grad"] = nn.value_and_grad(module, loss)(*inputs)[1]
            else:
                result["grad"] = mx.grad(loss)(*inputs)
        return result


X = numbers(2, 5, 8, seed=1)
IMAGE = numbers(2, 6, 4, 8, seed=2)
VOLUME = numbers(1, 4, 5, 6, 2, seed=3)
MASK = mx.where(numbers(5, 5, seed=4) > 0, 0.0, -1e9)

layer("linear", lambda: nn.Linear(8, 3), X)
layer("linear-no-bias", lambda: nn.Linear(8, 3, bias=False), X)
layer("bilinear", lambda: nn.Bilinear(8, 4, 3), X, numbers(2, 5, 4, seed=5))
layer("bilinear-no-bias", lambda: nn.Bilinear(8, 4, 3, bias=False), X[0, 0], numbers(4, seed=5), grad=False)
layer("identity", lambda: nn.Identity(1, a=2), X)
layer("embedding", lambda: nn.Embedding(10, 4), mx.array([[1, 2, 1], [9, 0, 1]]))
layer("sequential", lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)), X)
layer("layer-norm", lambda: nn.LayerNorm(8), X)
layer("layer-norm-no-bias", lambda: nn.LayerNorm(8, eps=1e-3, bias=False), X)
layer("layer-norm-plain", lambda: nn.LayerNorm(8, affine=False), X)
layer("rms-norm", lambda: nn.RMSNorm(8), X)
layer("instance-norm", lambda: nn.InstanceNorm(8), IMAGE)
layer("instance-norm-affine", lambda: nn.InstanceNorm(8, affine=True), X)
layer("group-norm", lambda: nn.GroupNorm(2, 8), IMAGE)
layer("group-norm-torch", lambda: nn.GroupNorm(2, 8, pytorch_compatible=True), IMAGE)
layer("group-norm-plain", lambda: nn.GroupNorm(4, 8, affine=False), X)
layer("batch-norm", lambda: nn.BatchNorm(8), IMAGE)
layer("batch-norm-eval", lambda: nn.BatchNorm(8), X, train=False)
layer("batch-norm-momentum", lambda: nn.BatchNorm(8, momentum=0.4, affine=False), X[0])
layer("batch-norm-no-stats", lambda: nn.BatchNorm(8, track_running_stats=False), X, train=False)
layer("dropout", lambda: nn.Dropout(0.3), X)
layer("dropout-eval", lambda: nn.Dropout(0.3), X, train=False)
layer("dropout-zero", lambda: nn.Dropout(0.0), X)
layer("dropout2d", lambda: nn.Dropout2d(0.5), IMAGE)
layer("dropout2d-3", lambda: nn.Dropout2d(0.5), IMAGE[0])
layer("dropout3d", lambda: nn.Dropout3d(0.5), VOLUME)
layer("dropout-half", lambda: nn.Dropout(0.3), X.astype(mx.float16), grad=False)
layer("rope", lambda: nn.RoPE(8), X)
layer("rope-traditional", lambda: nn.RoPE(4, traditional=True, base=100, scale=0.5), X)
layer("sinusoidal", lambda: nn.SinusoidalPositionalEncoding(8), mx.arange(6), grad=False)
layer(
    "sinusoidal-cos",
    lambda: nn.SinusoidalPositionalEncoding(6, 0.01, 2, scale=1.0, cos_first=True, full_turns=True),
    numbers(2, 3, seed=6, low=0),
    grad=False,
)
layer("alibi", lambda: nn.ALiBi(), numbers(2, 6, 5, 5, seed=6))
layer("attention", lambda: nn.MultiHeadAttention(8, 2), X, X, X)
layer("attention-mask", lambda: nn.MultiHeadAttention(8, 4, bias=True), X, X, X, MASK)
layer(
    "attention-dims",
    lambda: nn.MultiHeadAttention(8, 2, 8, 6, 4, value_dims=12, value_output_dims=5),
    X,
    numbers(2, 3, 6, seed=10),
    numbers(2, 3, 4, seed=11),
)
layer("encoder", lambda: nn.TransformerEncoder(2, 8, 2, 12), X, MASK)
layer("encoder-last", lambda: nn.TransformerEncoder(1, 8, 2, activation=nn.gelu, norm_first=False), X, None)
layer("decoder", lambda: nn.TransformerDecoder(1, 8, 2, 12), X, numbers(2, 3, 8, seed=12), MASK, None)
layer("decoder-last", lambda: nn.TransformerDecoder(1, 8, 2, norm_first=False), X, X, None, MASK)
layer("transformer", lambda: nn.Transformer(8, 2, 1, 1, 12, dropout=0.1), X, X, MASK, MASK, None)
layer("rnn", lambda: nn.RNN(8, 3), X)
layer("rnn-relu", lambda: nn.RNN(8, 3, bias=False, nonlinearity=nn.relu), X[0], numbers(3, seed=13))
layer("gru", lambda: nn.GRU(8, 3), X)
layer("gru-hidden", lambda: nn.GRU(8, 3, bias=False), X[0], numbers(3, seed=13))
layer("gru-hidden-bias", lambda: nn.GRU(8, 3), X, numbers(2, 3, seed=13))
layer("lstm", lambda: nn.LSTM(8, 3), X)
layer("lstm-hidden", lambda: nn.LSTM(8, 3, bias=False), X, numbers(2, 3, seed=13), numbers(2, 3, seed=14))
for kind in ("Max", "Avg"):
    layer(f"{kind}Pool1d", lambda kind=kind: getattr(nn, kind + "Pool1d")(2), numbers(2, 7, 3, seed=15))
    layer(f"{kind}Pool1d-pad", lambda kind=kind: getattr(nn, kind + "Pool1d")(3, 2, 1), numbers(2, 6, 3, seed=15))
    layer(f"{kind}Pool1d-whole", lambda kind=kind: getattr(nn, kind + "Pool1d")(3), numbers(2, 6, 3, seed=15))
    layer(f"{kind}Pool2d", lambda kind=kind: getattr(nn, kind + "Pool2d")((3, 2), 1, (1, 0)), IMAGE)
    layer(f"{kind}Pool2d-whole", lambda kind=kind: getattr(nn, kind + "Pool2d")(2), IMAGE)
    layer(f"{kind}Pool3d", lambda kind=kind: getattr(nn, kind + "Pool3d")(2, (1, 2, 3)), VOLUME)
    layer(f"{kind}Pool3d-whole", lambda kind=kind: getattr(nn, kind + "Pool3d")((2, 5, 3)), VOLUME)

layer("AvgPool2d-half", lambda: nn.AvgPool2d(3, 1, 1), IMAGE.astype(mx.bfloat16), grad=False)
layer("AvgPool1d-int", lambda: nn.AvgPool1d(2, 1), mx.arange(12).reshape(2, 3, 2), grad=False)
layer("MaxPool1d-int", lambda: nn.MaxPool1d(2, 1, 1), mx.arange(12).reshape(2, 3, 2) - 20, grad=False)
layer("MaxPool1d-too-large", lambda: nn.MaxPool1d(5), X[:, :4], grad=False)

for mode in ("nearest", "linear", "cubic"):
    for align in (False, True):
        for scale in (2.0, 1.5, (0.5, 3.0)):
            name = f"upsample-{mode}-{'aligned-' if align else ''}{scale}"
            layer(name, lambda m=mode, a=align, s=scale: nn.Upsample(s, m, a), IMAGE)
    if mode != "nearest":
        layer(f"upsample-{mode}-smooth", lambda m=mode: nn.Upsample(0.5, m, antialias=True), IMAGE)
        layer(f"upsample-{mode}-smooth-up", lambda m=mode: nn.Upsample((0.4, 2.0), m, antialias=True), IMAGE)
    layer(f"upsample-{mode}-1d", lambda m=mode: nn.Upsample(3, m), X)

POINTS = mx.concatenate([numbers(40, seed=16), mx.array([0.0, -0.5, 0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 20.0, -20.0])])
ACTIVATIONS = (
    "sigmoid relu relu2 relu6 leaky_relu elu selu celu softplus softsign softshrink hard_shrink hard_tanh hardswish "
    "tanh silu mish gelu gelu_approx gelu_fast_approx step log_sigmoid softmax softmin log_softmax glu"
).split()
ARGUMENTS = {"leaky_relu": (0.3,), "elu": (0.7,), "celu": (0.7,), "softshrink": (1.2,), "hard_shrink": (1.2,)}
ARGUMENTS |= {"hard_tanh": (-0.3, 2.0), "step": (0.4,), "glu": (1,)}
ARGUMENTS |= {"softmax": (0,), "softmin": (0,), "log_softmax": (0,)}


def activation(name):
    fn = getattr(nn, name)

    @case("activation/" + name)
    def run():
        result = {"f32": fn(POINTS), "f16": fn(POINTS.astype(mx.float16)), "bf16": fn(POINTS.astype(mx.bfloat16))}
        result["rows"] = fn(POINTS.reshape(5, 10))
        if name != "step":
            result["grad"] = mx.grad(lambda x: mx.sum(fn(x) * numbers(*fn(x).shape, seed=17)))(POINTS[:40])
        if name in ARGUMENTS:
            result["with"] = fn(POINTS.reshape(5, 10), *ARGUMENTS[name])
        return result


for name in ACTIVATIONS:
    activation(name)


@case("activation/prelu")
def prelu():
    return nn.prelu(POINTS, mx.array(0.1)), nn.prelu(POINTS.reshape(5, 10), mx.arange(10) / 10)


CLASSES = (
    "Sigmoid ReLU ReLU2 ReLU6 LeakyReLU ELU SELU CELU Softplus Softsign Softshrink HardShrink HardTanh Hardswish Tanh "
    "SiLU Mish GELU Step LogSigmoid Softmax Softmin LogSoftmax GLU PReLU"
).split()
for name in CLASSES:
    case("activation/" + name)(lambda name=name: getattr(nn, name)()(POINTS.reshape(5, 10)))
for name in ("precise", "tanh", "fast"):
    case("activation/GELU-" + name)(lambda name=name: nn.GELU(name)(POINTS))
case("activation/PReLU-3")(lambda: nn.PReLU(3, 0.5)(POINTS[:48].reshape(16, 3)))
case("activation/GLU-0")(lambda: nn.GLU(axis=0)(POINTS))

LOGITS = numbers(4, 5, seed=20)
CLASS = mx.array([0, 4, 2, 2])
P = mx.softmax(numbers(4, 5, seed=21), axis=-1)
UNIT = numbers(4, 5, seed=22, low=0.01, high=0.99)
SIGNS = mx.where(numbers(4, 5, seed=23) > 0, 1.0, -1.0)
WEIGHTS = numbers(4, 5, seed=24, low=0.1)
LOSSES = {
    "cross_entropy": [
        ((LOGITS, CLASS), {}),
        ((LOGITS, P), {}),
        ((LOGITS, CLASS), {"weights": WEIGHTS[:, 0], "label_smoothing": 0.2}),
        ((LOGITS, P), {"label_smoothing": 0.1}),
        ((LOGITS, mx.array([0, 1, 2, 3, 0])), {"axis": 0}),
        ((LOGITS.astype(mx.float16), CLASS), {}),
    ],
    "binary_cross_entropy": [
        ((LOGITS, UNIT), {}),
        ((LOGITS, UNIT), {"weights": WEIGHTS}),
        ((UNIT, P), {"with_logits": False}),
        ((mx.array([0.0, 1.0, 0.5]), mx.array([1.0, 0.0, 1.0])), {"with_logits": False}),
    ],
    "l1_loss": [((LOGITS, P), {})],
    "mse_loss": [((LOGITS, P), {})],
    "nll_loss": [((LOGITS, CLASS), {}), ((LOGITS, mx.array([0, 1, 2, 3, 0])), {"axis": 0})],
    "gaussian_nll_loss": [((LOGITS, P, WEIGHTS), {}), ((LOGITS, P, WEIGHTS), {"full": True, "eps": 1.0})],
    "kl_div_loss": [((LOGITS, mx.log(P)), {}), ((LOGITS, mx.log(P)), {"axis": 0})],
    "smooth_l1_loss": [((LOGITS, P), {}), ((LOGITS, P), {"beta": 0.5})],
    "triplet_loss": [((LOGITS, P, WEIGHTS), {}), ((LOGITS, P, WEIGHTS), {"axis": 0, "p": 3, "margin": 2.0})],
    "hinge_loss": [((LOGITS, SIGNS), {})],
    "huber_loss": [((LOGITS, P), {}), ((LOGITS, P), {"delta": 0.3})],
    "log_cosh_loss": [((LOGITS, P), {})],
    "cosine_similarity_loss": [((LOGITS, P), {}), ((LOGITS, P), {"axis": 0, "eps": 100.0})],
    "margin_ranking_loss": [((LOGITS, P, SIGNS), {}), ((LOGITS, P, SIGNS), {"margin": 0.5})],
}


def loss(name, i, args, options):
    fn = getattr(nn.losses, name)

    @case(f"loss/{name}-{i}")
    def run():
        result = {r: fn(*args, reduction=r, **options) for r in ("none", "mean", "sum")}
        result["default"] = fn(*args, **options)
        result["grad"] = mx.grad(lambda x: fn(x, *args[1:], reduction="sum", **options))(args[0])
        return result


for name, uses in LOSSES.items():
    for i, (args, options) in enumerate(uses):
        loss(name, i, args, options)

INITIALIZERS = {
    "constant": ((0.5,), [{}]),
    "normal": ((1.0, 2.0), [{}]),
    "uniform": ((-1.0, 2.0), [{}]),
    "glorot_normal": ((), [{}, {"gain": 2.0}]),
    "glorot_uniform": ((), [{}, {"gain": 2.0}]),
    "he_normal": ((), [{}, {"mode": "fan_out", "gain": 2.0}]),
    "he_uniform": ((), [{}, {"mode": "fan_out", "gain": 2.0}]),
    "sparse": ((0.3,), [{}]),
}


def initializer(name, args, calls):
    @case("init/" + name)
    def run():
        mx.random.seed(3)
        shapes = [(4, 5)] if name == "sparse" else [(4, 5), (3, 2, 4)]
        half = getattr(nn.init, name)(*args, dtype=mx.float16)
        initialize = getattr(nn.init, name)(*args)
        return [initialize(mx.zeros(shape), **call) for shape in shapes for call in calls] + [half(mx.zeros((4, 5)))]


for name, (args, calls) in INITIALIZERS.items():
    initializer(name, args, calls)
case("init/identity")(lambda: nn.init.identity()(mx.zeros((3, 3))))

SHAPES = {"matrix": (4, 3), "wide": (3, 5), "vector": (3,), "four": (3, 2, 2, 4), "scalar": ()}
OPTIMIZERS = {
    "SGD": lambda o: o.SGD(0.1),
    "SGD-momentum": lambda o: o.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "SGD-dampening": lambda o: o.SGD(0.1, momentum=0.9, dampening=0.2),
    "SGD-nesterov": lambda o: o.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "RMSprop": lambda o: o.RMSprop(0.1, alpha=0.9),
    "Adagrad": lambda o: o.Adagrad(0.1),
    "AdaDelta": lambda o: o.AdaDelta(0.1),
    "Adam": lambda o: o.Adam(0.1),
    "Adam-corrected": lambda o: o.Adam(0.1, bias_correction=True),
    "AdamW": lambda o: o.AdamW(0.1, betas=[0.9, 0.95], weight_decay=0.1),
    "AdamW-corrected": lambda o: o.AdamW(0.1, weight_decay=0.1, bias_correction=True),
    "AdamW-schedule": lambda o: o.AdamW(o.join_schedules([o.linear_schedule(0, 0.1, 3), o.cosine_decay(0.1, 9)], [3])),
    "Adamax": lambda o: o.Adamax(0.1),
    "Lion": lambda o: o.Lion(0.1),
    "Lion-decay": lambda o: o.Lion(0.1, weight_decay=0.1),
    "Adafactor": lambda o: o.Adafactor(),
    "Adafactor-rate": lambda o: o.Adafactor(0.1, relative_step=False, beta_1=0.9, weight_decay=0.1),
    "Adafactor-warmup": lambda o: o.Adafactor(warmup_init=True, scale_parameter=False, clip_threshold=0.5),
    "Muon": lambda o: o.Muon(0.1),
    "Muon-plain": lambda o: o.Muon(0.1, nesterov=False, weight_decay=0.0, ns_steps=3),
    "MultiOptimizer": lambda o: o.MultiOptimizer([o.Muon(0.1), o.AdamW(0.1)], [lambda path, x: x.ndim == 2]),
}


def optimizer(name, make, dtype_name):
    dtype = getattr(mx, dtype_name)

    @case(f"optimizer/{name}-{dtype_name}")
    def run():
        def tree(seed):
            return {k: numbers(*shape, seed=seed + i, dtype=dtype) for i, (k, shape) in enumerate(SHAPES.items())}

        rule, parameters, results = make(optim), tree(30), []
        for step in range(5):
            parameters = rule.apply_gradients(tree(40 + 10 * step), parameters)
            if dtype_name == "float32":  # `+ 0`: Apple's Adafactor changes its arguments in place
                results.append(tree_map(lambda x: x + 0, parameters))
        return results, parameters, rule.state


for name, make in OPTIMIZERS.items():
    optimizer(name, make, "float32")
    # A Newton-Schulz iteration in half precision depends on the order of every sum.
    if "Muon" not in name and name != "MultiOptimizer":
        optimizer(name, make, "float16")

SCHEDULES = {
    "exponential_decay": lambda o: o.exponential_decay(0.1, 0.99),
    "step_decay": lambda o: o.step_decay(0.1, 0.9, 10),
    "cosine_decay": lambda o: o.cosine_decay(0.1, 50, 0.01),
    "linear_schedule": lambda o: o.linear_schedule(0.01, 0.1, 50),
    "join_schedules": lambda o: o.join_schedules([o.linear_schedule(0, 0.1, 20), o.cosine_decay(0.1, 50)], [20]),
}
for name, make in SCHEDULES.items():
    case("schedule/" + name)(
        lambda make=make: mx.stack([mx.array(make(optim)(mx.array(i, mx.uint64))) for i in range(0, 80, 3)])
    )


@case("optimizer/clip_grad_norm")
def clip():
    grads = {"a": numbers(3, 4, seed=50), "b": [numbers(5, seed=51)]}
    return optim.clip_grad_norm(grads, 1.0), optim.clip_grad_norm(grads, 1000.0)


def run_case(name):
    """The arrays of a case, by path, as NumPy arrays (halves as float32), and their dtypes."""
    arrays, dtypes = {}, {}
    for path, x in tree_flatten(CASES[name]()):
        dtypes[path] = str(x.dtype).rpartition(".")[2]
        arrays[path] = np.array(x.astype(mx.float32) if dtypes[path] in ("float16", "bfloat16") else x)
    return arrays, dtypes
