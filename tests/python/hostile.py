# SPDX-License-Identifier: MIT
"""Calls every public function with seeded hostile arguments; test_hostile.py runs this in a child process.

    python hostile.py FIRST_SEED SEEDS [NAME...]

Parameters are read from the signature that each docstring begins with.  Each gets a value that its annotation allows
or, often enough, one that no sane caller passes.  Every call is written to the file HOSTILE_LOG before it is made,
so that after a crash its last line names the culprit.  Prints what broke a rule; nothing means that all is well."""
import faulthandler
import inspect
import io
import math
import os
import random
import re
import resource
import sys
import tempfile
import threading

import numpy as np

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.utils as utils

DEVICE = mx.default_device()
MEMORY = int(os.environ.get("HOSTILE_MEMORY", 3 << 30))  # address space beyond what the start took; 0: for sanitizers
SECONDS = 20  # for one call
SMALL = 1 << 17  # results of at most so many elements are evaluated
DOCUMENTED = (TypeError, ValueError, IndexError, OverflowError, RuntimeError, MemoryError, NotImplementedError)
MODULES = {"mx": mx, "mx.random": mx.random, "mx.fast": mx.fast, "mx.cuda": mx.cuda, "mx.metal": mx.metal}
PYTHON = {"nn": nn, "nn.losses": nn.losses, "nn.init": nn.init, "optim": optim, "utils": utils}
# Not called: they change the process for all that follows, and have tests of their own.
SKIPPED = {"mx.clear_streams", "mx.set_memory_limit", "mx.set_wired_limit", "mx.set_cache_limit", "mx.new_stream",
           "mx.new_thread_unsafe_stream", "mx.metal.set_memory_limit", "mx.metal.set_cache_limit",
           "mx.metal.set_wired_limit", "mx.new_thread_local_stream"}


class Hostile(Exception):
    """Raised by the objects below: it may come out of any call."""


class Raises:
    def _raise(self, *args, **kwargs):
        raise Hostile("a method of an argument")
    __index__ = __len__ = __getitem__ = __iter__ = __float__ = __int__ = __bool__ = __call__ = __array__ = _raise
    __complex__ = __eq__ = __fspath__ = __mlx_array__ = __add__ = __radd__ = __enter__ = __contains__ = _raise
    __hash__ = None


class LyingSequence:
    """Says that it is longer than it is."""
    def __len__(self):
        return 1 << 40

    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i


class EndlessSequence:
    """Ends after two items for whoever believes len(), and else after many."""
    def __len__(self):
        return 2

    def __getitem__(self, i):
        if i > 3000:
            raise IndexError
        return 1


class NegativeLength(LyingSequence):
    def __len__(self):
        return -1


class WrongIndex:
    """Its special methods return the wrong types."""
    def __index__(self):
        return "3"
    __float__ = __len__ = __array__ = __mlx_array__ = __iter__ = __fspath__ = __int__ = __index__


class Mutator:
    """Changes the victim while a call reads its arguments."""
    def __init__(self, victim):
        self.victim = victim

    def _mutate(self, value):
        if isinstance(self.victim, (list, dict)):
            self.victim.clear()
        else:
            self.victim += 1
            self.victim[...] = mx.zeros(self.victim.shape)
        return value

    def __index__(self):
        return self._mutate(1)

    def __float__(self):
        return self._mutate(1.0)

    def __mlx_array__(self):
        return self._mutate(mx.ones((2,)))


class IndexMutator:
    """The same without __mlx_array__, so that it is read as a number."""
    def __init__(self, victim):
        self.victim = victim
    _mutate = Mutator._mutate
    __index__ = Mutator.__index__


class Lists(list):
    """A list whose items are not what its storage holds."""
    def __getitem__(self, i):
        raise Hostile("a list")

    def __len__(self):
        return 7


class Dicts(dict):
    def items(self):
        return [1, (2,), (3, 4, 5)]

    def keys(self):
        raise Hostile("a dict")


class BadFile:
    """An open file that gives and takes nonsense."""
    def read(self, *n):
        return "text"

    def readinto(self, view):
        return 1 << 50

    def write(self, data):
        return -5

    def seek(self, *at):
        return -1

    def tell(self):
        return -(1 << 62)
    closed = False


class IntWithCode(int):
    """An int whose conversions run code, beside floats in a list that it changes."""
    victim = None

    def __float__(self):
        if self.victim is not None:
            self.victim += [1.5] * 1000
        return 1.0
    __index__ = __float__


def list_with_code():
    value = [1.5, IntWithCode(3), 2.5]
    value[1].victim = value
    return value


def list_that_shrinks():
    """Its second item empties the list while it is read."""
    value = [mx.ones((2,)), None] + [mx.ones((2,)) for _ in range(50)]
    value[1] = Mutator(value)
    return value


def arrays_itself():
    value = [mx.ones((2,))]
    value += [value, value]
    return value


def dict_that_shrinks():
    """Its first value empties the dict."""
    value = {}
    value["a"] = Mutator(value)
    value.update({str(i): mx.ones((2,)) for i in range(50)})
    return value


def deep(make, depth):
    value = make([])
    for _ in range(depth):
        value = make([value])
    return value


def itself():
    value = [1]
    value.append(value)
    return value


def itself_dict():
    value = {}
    value["a"] = value
    return value


DTYPES = (mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64, mx.float16,
          mx.float32, mx.float64, mx.bfloat16, mx.complex64)
SHAPES = ((), (0,), (1,), (2,), (3,), (5,), (2, 3), (3, 2), (2, 2), (0, 3), (3, 0), (1, 1), (2, 3, 4), (1, 0, 2), (2,
    1, 3, 2),
          (1,) * 16, (2,) + (1,) * 15)
BIG_INTS = (-1, -2, -17, 16, 17, 1 << 15, 1 << 31, (1 << 31) - 1, -(1 << 31), -(1 << 31) - 1, 1 << 32, 1 << 40,
    (1 << 62),
            (1 << 63) - 1, 1 << 63, -(1 << 63), -(1 << 63) - 1, 1 << 64, 1 << 200)
FLOATS = (0.0, -0.0, 0.5, -1.5, math.nan, math.inf, -math.inf, 1e-320, 1e300, 3.4e38, -1e30)
TEXTS = ("", "a", "\0", "x\0y.npy", "\ud800", "ä€𝄞", "i,j->ij", "ij,jk->ik", "...ij->...ji", "ii", "->", "i" * 3000,
         "constant", "edge", "reflect", "causal", "none.npy", "a.npz", "a.safetensors", "%s%n", "../../" * 40, "cpu",
         ".")
OBJECTS = (
    lambda r: None, lambda r: object(), lambda r: Raises(), lambda r: LyingSequence(), lambda r: EndlessSequence(),
    lambda r: NegativeLength(), lambda r: WrongIndex(), lambda r: Lists(
        [1, 2]), lambda r: Dicts(a=1), lambda r: BadFile(),
    lambda r: r.choice(BIG_INTS), lambda r: r.choice(
        FLOATS), lambda r: r.choice(TEXTS), lambda r: r.choice((True, False)),
    lambda r: complex(r.choice(FLOATS), r.choice(
        FLOATS)), lambda r: b"bytes\0", lambda r: bytearray(7), lambda r: set(),
    lambda r: deep(list, 40), lambda r: deep(tuple, 5000), lambda r: deep(lambda v: {"k": v}, 3000), lambda r: itself(),
    lambda r: itself_dict(), lambda r: range(1 << 62), lambda r: (
        i for i in (1, 2)), lambda r: lambda *a: None, lambda r: mx,
    lambda r: mx.array, lambda r: mx.float32, lambda r: mx.floating, lambda r: float, lambda r: r.choice(DTYPES),
    lambda r: np.zeros((2, 3))[::-1], lambda r: np.array(["a"]
                       ), lambda r: np.array([object()]), lambda r: np.zeros((1,) * 20),
    lambda r: np.float16(2), lambda r: np.datetime64("2020-01-01"), lambda r: np.zeros((3,), dtype="i4,f4"),
    lambda r: memoryview(b"abc"), lambda r: np.zeros(
    (2,), ">i4"), lambda r: np.longdouble(1), lambda r: slice(
        None, None, 0),
    lambda r: slice(1 << 70, None, -(1 << 70)), lambda r: slice("a", 1.5), lambda r: Ellipsis, lambda r: [1, [2, [3]]],
    lambda r: [1, "a"], lambda r: [[1, 2], [3]], lambda r: [
        mx.ones((2,)), mx.ones((3,))], lambda r: mx.cpu, lambda r: mx.gpu,
    lambda r: mx.Device(
    mx.cpu, 0), lambda r: mx.default_stream(
        mx.cpu), lambda r: mx.ones(
            (2,)).at, lambda r: mx.ones(
                (2,)).at[0],
    lambda r: iter(mx.ones((2,))), lambda r: mx.random.state, lambda r: [1 << 31, 1 << 31, 1 << 31],
    lambda r: (1 << 62, 4), lambda r: [1] * 17, lambda r: (-1,) * 3, lambda r: (0, 1 << 40), lambda r: [1 << 40, 0],
    lambda r: [None], lambda r: (
    1.5, 2), lambda r: [
        True, False], lambda r: threading.Lock(), lambda r: {
            "a": mx.ones(2)},
    lambda r: list_with_code(), lambda r: list_that_shrinks(), lambda r: arrays_itself(), lambda r: dict_that_shrinks(),
    lambda r: {"a": dict_that_shrinks()}, lambda r: (list_that_shrinks(), 1),
)


def array(r):
    shape, dtype = r.choice(SHAPES), r.choice(DTYPES)
    if r.random() < 0.5:  # the call's favourite, so that some calls succeed
        shape, dtype = r.shape, r.dtype
    size = math.prod(shape)
    kind = r.random()
    if kind < 0.1:
        values = [r.choice(FLOATS) for _ in range(size)]
        x = mx.array(np.array(values, dtype=np.float32).reshape(shape))
        return x if dtype == mx.bool_ else x.astype(dtype)
    if kind < 0.2:  # whole numbers of all sizes: bad indices
        x = mx.array(np.array([max(-(1 << 63), min(r.choice(BIG_INTS), (1 << 63) - 1)) for _ in range(size)],
                              dtype=np.int64).reshape(shape))
        return x.astype(dtype)
    x = mx.array(np.arange(size, dtype=np.float32).reshape(shape) - r.choice((0, 1))).astype(dtype)
    if kind < 0.3:
        x = mx.broadcast_to(x, (2,) + x.shape[1:]) if x.shape[:1] == (1,) else x.T
    return x


def function(r):
    return r.choice((
        lambda *a: a[0] if a else mx.array(1.0), lambda *a: sum((x.sum() for x in a), mx.array(0.0)),
        lambda *a: None, lambda *a: 3, lambda *a: [mx.array(1.0)
                                                            ], lambda *a: (a[0].sum(), itself()), lambda *a: {"x": a},
        lambda x: x * x, lambda: mx.array(1.0), lambda *a: a[0].item(), lambda *a: mx.eval(*a) or a[0],
        lambda *a: (_ for _ in a), lambda *a: [x.astype(mx.int32) for x in a], lambda *a: mx.ones((1 << 40, 1 << 10)),
        lambda *a: mx.grad(lambda y: (y * y).sum())(a[0]), lambda *a: mx.vmap(lambda y: y + 1)(a[0]), Raises(), len))


def ints(r):
    return [r.choice((0, 1, 2, -1, 3, r.choice(BIG_INTS))) for _ in range(r.choice((0, 1, 2, 2, 3, 17)))]


def plain(r, kind):
    """A value that the annotation allows."""
    kind = re.sub(r"Optional\[(.*)\]$", r"\1", kind)
    options = [k.strip() for k in re.split(r"[,\[\]]", kind) if k.strip() and k.strip() not in ("Union", "None")]
    if "Sequence[int]" in kind and r.random() < 0.7:
        return r.choice((ints, lambda r: tuple(ints(r))))(r)
    if kind.startswith(("list[array", "Sequence[array")):
        return [array(r) for _ in range(r.choice((0, 1, 2, 3)))]
    if "dict" in options:
        return r.choice(({}, {"a": mx.ones((2,))}, {"\0": mx.ones((0,))}, {1: mx.ones(2)}, {"a": "b"}, {"a": 1}))
    choice = r.choice(options or ["object"])
    if "array" in options and r.random() < 0.8:
        choice = "array"
    return {
        "array": array, "scalar": lambda r: r.choice((0, 1, -1, 2.5, True, 1j)), "int": lambda r: r.choice((0, 1, 2,
        -1, 3)),
        "bool": lambda r: r.choice((True, False)), "float": lambda r: r.choice(FLOATS),
        "Dtype": lambda r: r.choice(DTYPES),
        "DtypeCategory": lambda r: r.choice((mx.floating, mx.generic)), "str": lambda r: r.choice(TEXTS),
        "StreamOrDevice": lambda r: r.choice((None, mx.cpu)), "Callable": function, "file": open_file,
        "Stream": lambda r: mx.default_stream(mx.cpu), "Device": lambda r: mx.Device(mx.cpu),
        "DeviceType": lambda r: mx.cpu,
        "Sequence": ints, "list": ints, "tuple": lambda r: tuple(ints(r)),
    }.get(choice, lambda r: r.choice((array(r), 1, 0.5)))(r)


def value(r, kind, others):
    """A value of this kind, or anything else, or something that changes another argument."""
    dice = r.random()
    if dice >= r.hostility:
        return plain(r, kind)
    dice /= r.hostility
    if dice < 0.2:
        return array(r)
    if dice < 0.4 and ("int" in kind or "Sequence" in kind):
        return r.choice((r.choice(BIG_INTS), ints(r)))
    victims = [o for o in others if isinstance(o, (mx.array, list)) and o is not others]
    if dice < 0.55 and victims:
        make = r.choice((Mutator, IndexMutator))(r.choice(victims))
        return r.choice((make, [make], (1, make), [1.0, make]))
    return r.choice(OBJECTS)(r)


# ---- What is called
def slot_parameters(f):
    names = re.findall(r"\w+", (getattr(f, "__text_signature__", None) or "").replace("$self", ""))
    return [(n, "Union[int, array]" if n == "key" else "Union[scalar, array]", True, False) for n in names]


def split_parameters(text):
    parts, level, part = [], 0, ""
    for c in text:
        level += (c in "[({") - (c in "])}")
        if c == "," and level == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    return [p.strip() for p in parts + [part] if p.strip()]


def parameters(document):
    """[(name, kind, required, by name only)] of the signature in a docstring's first line."""
    line = (document or "").splitlines()[0] if document else ""
    match = re.match(r"\w+\((.*)\)( -> .*)?$", line)
    if not match:
        return None
    out, by_name = [], False
    for part in split_parameters(match[1]):
        if part == "/":
            continue
        if part == "*":
            by_name = True
            continue
        name, _, rest = part.partition(":")
        kind, has_default, _ = (rest or part.partition("=")[2] and ("object =" + part.partition("=")[2])).partition("=")
        name = name.partition("=")[0].strip()
        if name == "self":
            continue
        if name.startswith("*"):
            by_name = True
            out += [("*" if name.count("*") == 1 else "**", kind.strip() or "array", False, False)]
            continue
        out.append((name, kind.strip() or "object", not has_default, by_name))
    return out


def python_parameters(f):
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return [("a", "array", False, False), ("b", "array", False, False)]
    out = []
    for p in signature.parameters.values():
        kind = str(p.annotation).replace("mlx.core.", "").replace("<class '", "").replace("'>", "")
        kind = "object" if p.annotation is p.empty else kind
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            out.append(("*" if p.kind == p.VAR_POSITIONAL else "**", "array", False, False))
        elif p.name != "self":
            out.append((p.name, kind, p.default is p.empty, p.kind == p.KEYWORD_ONLY))
    return out


def targets():
    """{name: (callable, parameters, is it ours in C?)}; a method is a callable that makes its object."""
    found = {}
    for prefix, module in MODULES.items():
        for name, f in vars(module).items():
            if callable(f) and not name.startswith("_") and f"{prefix}.{name}" not in SKIPPED:
                found[f"{prefix}.{name}"] = (f, parameters(f.__doc__) or [("*", "object", False, False)], True)
    for name in dir(mx.array):
        f = getattr(mx.array, name)
        plain_object = name in object.__dict__ and getattr(object, name) == f
        if not callable(f) or plain_object or name in ("__new__", "__init_subclass__", "__class__", "__subclasshook__",
                                                       "__setattr__", "__getattribute__", "__delattr__"):
            continue
        found[f"array.{name}"] = (f, [("self", "array", True, False)] +
     (parameters(f.__doc__) or slot_parameters(f)), True)
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
        found[f"at.{name}"] = (lambda x, i, v, name=name: getattr(x.at[i], name)(v),
                               [("x", "array", True, False), ("i", "Union[int, array]", True, False),
                                ("v", "Union[scalar, array]", True, False)], True)
    for name in ("upper", "size", "T", "shape"):
        found[f"array.get.{name}"] = (lambda x, name=name: getattr(x, name, None), [("x", "array", True, False)], True)
    for prefix, module in PYTHON.items():
        for name, f in vars(module).items():
            if callable(f) and not name.startswith("_") and getattr(f, "__module__", "").startswith("mlx."):
                found[f"{prefix}.{name}"] = (f, python_parameters(f), False)
    return found


def floats(*shape):
    return mx.arange(float(math.prod(shape))).reshape(shape) / 8


# Good calls of functions that random arguments hardly ever satisfy; some of the arguments are then replaced.
RECIPES = {
    "mx.finfo": lambda: (mx.float16,), "mx.iinfo": lambda: (mx.int8,),
    "mx.slice": lambda: (floats(4, 4), mx.array([1]), (0,), (2, 4)),
    "mx.slice_update": lambda: (floats(4, 4), floats(2, 4), mx.array([1]), (0,)),
    "mx.einsum": lambda: ("ij,jk->ik", floats(2, 3), floats(3, 4)),
    "mx.tensordot": lambda: (floats(2, 3), floats(3, 4), 1),
    "mx.put_along_axis": lambda: (floats(2, 3), mx.array([[0], [2]]), floats(2, 1), 1),
    "mx.as_strided": lambda: (floats(6), (2, 2), (1, 2), 1),
    "mx.pad": lambda: (floats(2, 3), ((1, 2), (0, 3))),
    "mx.vjp": lambda: (lambda x: x * x, [floats(3)], [floats(3)]), "mx.jvp": lambda: (lambda x: x * x, [floats(3)],
    [floats(3)]),
    "mx.random.split": lambda: (mx.random.key(1), 3), "mx.random.randint": lambda: (0, 10, (3,)),
    "mx.random.categorical": lambda: (floats(3, 4), -1), "mx.gather_mm": lambda: (floats(2, 3, 4), floats(2, 4, 5),
    mx.array([1])),
    "mx.fast.rope": lambda: (floats(1, 2, 3, 8), 8, {"traditional": False, "base": 1e4, "scale": 1.0, "offset": 0}),
    "mx.fast.rms_norm": lambda: (floats(2, 8), floats(8), 1e-5),
    "mx.fast.layer_norm": lambda: (floats(2, 8), floats(8), floats(8), 1e-5),
    "mx.fast.scaled_dot_product_attention": lambda: (floats(1, 4, 3, 8), floats(1, 2, 5, 8), floats(1, 2, 5, 8),
                                                     {"scale": 0.5, "mask": floats(3, 5)}),
    "nn.Embedding": lambda: (3, 4), "nn.Bilinear": lambda: (2, 3, 4), "nn.Linear": lambda: (3, 4),
    "nn.MultiHeadAttention": lambda: (8, 2), "nn.GRU": lambda: (3, 4), "nn.LSTM": lambda: (3, 4),
    "nn.RNN": lambda: (3, 4),
    "nn.TransformerEncoder": lambda: (1, 8, 2), "nn.TransformerEncoderLayer": lambda: (8, 2),
    "nn.losses.cross_entropy": lambda: (floats(2, 3), mx.array([0, 2])), "nn.losses.nll_loss": lambda: (floats(2, 3),
    mx.array([0, 2])),
    "nn.losses.l1_loss": lambda: (floats(3), floats(3)), "nn.losses.binary_cross_entropy": lambda: (floats(3),
    floats(3)),
    "nn.losses.gaussian_nll_loss": lambda: (floats(3), floats(3), floats(3)),
    "nn.losses.smooth_l1_loss": lambda: (floats(3), floats(3)),
    "nn.losses.cosine_similarity_loss": lambda: (floats(3, 2), floats(3, 2)),
    "nn.losses.margin_ranking_loss": lambda: (floats(3), floats(3), floats(3)),
    "utils.tree_merge": lambda: ({"a": 1}, {"b": 2}), "utils.tree_map_with_path": lambda: (lambda p, x: x, {"a": 1}),
    "optim.join_schedules": lambda: ([lambda s: s, lambda s: s], [3]),
    "array.__setitem__": lambda: (floats(3, 4), (mx.array([0, 2]), slice(1, 3)), floats(2, 2)),
    "array.__getitem__": lambda: (floats(3, 4), (mx.array([0, 2]), slice(1, 3))),
    "at.add": lambda: (floats(3, 4), (mx.array([0, 2]), slice(1, 3)), 1.5),
}


def arguments_of_recipe(r, name):
    recipe, used = RECIPES[name](), []

    def some(good):
        used.append(good if r.random() >= r.hostility else value(r, "Union[int, array]", used))
        return used[-1]
    named = recipe[-1] if name.startswith("mx.fast") and isinstance(recipe[-1], dict) else {}
    return [some(v) for v in recipe[:len(recipe) - bool(named)]], {k: some(v) for k, v in named.items()}


def arguments(r, params):
    positional, named = [], {}
    everything = []
    for name, kind, required, by_name in params:
        if name == "*":
            positional += [value(r, kind, everything) for _ in range(r.choice((0, 1, 2, 3)))]
        elif name == "**":
            if r.random() < 0.3:
                named[r.choice(("a", "shape", "é", "file", "x"))] = value(r, kind, everything)
        elif required or r.random() < 0.35:
            v = value(r, kind, everything)
            everything.append(v)
            if by_name or (not required and len(positional) < len(params)) and not required:
                named[name] = v
            else:
                positional.append(v)
    dice = r.random()
    if dice < 0.02:
        named["no_such_name"] = 1
    elif dice < 0.04 and positional:
        positional.pop()
    elif dice < 0.05:
        positional += [array(r)] * 25
    return positional, named


# ---- What may come out
def describe(v, depth=0):
    if isinstance(v, mx.array):
        return f"array{v.shape}:{str(v.dtype)[9:]}"
    if isinstance(v, (list, tuple)) and type(v) in (list, tuple) and depth < 2 and len(v) < 20:
        return "[" + ", ".join(describe(i, depth + 1) for i in v) + "]"
    if isinstance(v, (int, float, str, bytes, complex, type(None))):
        return repr(v)[:60]
    return type(v).__name__


def use(result, depth=0):
    """Results can be evaluated, or raise one of the documented errors."""
    if isinstance(result, mx.array):
        if result.size <= SMALL:
            mx.eval(result)
            if result.size < 100:
                repr(result)
    elif isinstance(result, (list, tuple)) and depth < 3:
        for item in list(result)[:20]:
            use(item, depth + 1)
    elif isinstance(result, dict) and depth < 3:
        for item in list(dict.values(result))[:20]:
            use(item, depth + 1)


def complaint(error, native):
    """What is wrong with an exception, or None."""
    text = str(error)
    if isinstance(error, (Hostile, KeyboardInterrupt)):
        return None
    if isinstance(error, SystemError):
        return "a SystemError"
    if not native:
        return None if isinstance(error, Exception) else "no Exception"  # Python's own lists may say MemoryError()
    if isinstance(error, (RecursionError, AttributeError, BufferError, StopIteration, OSError, KeyError)):
        return None
    if not isinstance(error, DOCUMENTED):
        return "an undocumented class"
    return None if text else "an exception without a text"


def call(name, target, seed, log):
    f, params, native = target
    r = random.Random(f"{name}:{seed}")
    r.shape, r.dtype, r.hostility = r.choice(SHAPES), r.choice(DTYPES), r.choice((0, 0.15, 0.3, 0.6))
    if name in RECIPES and r.random() < 0.6:
        positional, named = arguments_of_recipe(r, name)
    else:
        positional, named = arguments(r, params)
    given = [describe(v) for v in positional] + [f"{k}={describe(v)}" for k, v in named.items()]
    text = f"{name} seed {seed}: ({', '.join(given)})"
    log(text)
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    try:
        result = f(*positional, **named)
        if inspect.isgenerator(result) or isinstance(result, mx.ArrayIterator):
            result = [v for v, _ in zip(result, range(10))]
        elif callable(result) and not isinstance(result, type) and r.random() < 0.8:
            result = result(*[value(r, "array", []) for _ in range(r.choice((0, 1, 1, 1, 2)))])
        use(result)
        return None, "", text
    except BaseException as error:
        return complaint(error, native), f"{type(error).__name__}: {str(error)[:300]}", text
    finally:
        faulthandler.cancel_dump_traceback_later()
        mx.set_default_device(DEVICE)


def write_files():
    """Good files under the names among TEXTS, for load."""
    x = mx.arange(6.0).reshape(2, 3)
    mx.save("none.npy", x)
    mx.savez("a.npz", x=x, y=x.T)
    mx.save_safetensors("a.safetensors", {"x": x}, {"k": "v"})


def open_file(r):
    """A file object that holds a good file, or one that was cut or has other bytes somewhere, or noise."""
    with open(r.choice(("none.npy", "a.npz", "a.safetensors")), "rb") as f:
        data = bytearray(f.read())
        name = f.name
    kind = r.random()
    if kind < 0.3:
        data = data[:r.randrange(len(data))]
    elif kind < 0.7:
        for _ in range(r.choice((1, 3, 20))):
            data[r.randrange(min(len(data), 300))] = r.choice((0, 1, 0x7f, 0x80, 0xff, ord("9"), ord("{"), ord("]")))
    elif kind < 0.8:
        data = r.randbytes(99)
    f = io.BytesIO(data)
    f.name = name
    return f


def main(first, count, *names):
    faulthandler.enable()
    if MEMORY:
        mx.eval(mx.ones(2) + 1)  # the device has started: a simulated one has taken the room of its memory
        limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    sys.unraisablehook = lambda info: print("unraisable:", type(info.exc_value).__name__, info.exc_value, info.object)
    channel = open(
    os.environ.get(
        "HOSTILE_LOG",
        os.devnull),
        "w",
        buffering=1,
        encoding="ascii",
         errors="backslashreplace")

    def log(text):
        channel.write(text + "\n")
    found = targets()
    chosen = [n for n in found if not names or any(re.fullmatch(p, n) for p in names)]
    verbose = os.environ.get("HOSTILE_VERBOSE")
    calls = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_files()
        for seed in range(int(first), int(first) + int(count)):
            for name in chosen:
                bad, outcome, text = call(name, found[name], seed, log)
                calls += 1
                if bad or verbose:
                    print((f"{bad}: " if bad else "") + text.encode("ascii", "backslashreplace").decode() + "\n    " +
                          outcome.encode("ascii", "backslashreplace").decode().replace("\n", " "), flush=True)
        os.chdir("/")
    log(f"done: {calls} calls of {len(chosen)} functions")


if __name__ == "__main__":
    main(*sys.argv[1:])
