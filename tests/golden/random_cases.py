# SPDX-License-Identifier: MIT
"""Draws whose bits are compared with MLX's: name -> a function of the module mlx.core that makes an array."""
import numpy as np

FLOATS = ("float32", "float16", "bfloat16")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool_")

CASES = {}


def case(name, make):
    CASES[name] = make


def seeded(seed, draw):
    """Draws from the thread's state."""
    def make(mx):
        mx.random.seed(seed)
        return draw(mx)
    return make


for seed in (0, 1, 42, 2 ** 32 + 7, 2 ** 64 - 1):
    case(f"key({seed})", lambda mx, seed=seed: mx.random.key(seed))
for count in (0, 1, 2, 3, 10, 33):
    case(f"split {count}", lambda mx, count=count: mx.random.split(mx.random.key(5), count))

for dtype in FLOATS:
    for n in (1, 2, 3, 8, 301):
        case(f"uniform {dtype} {n}",
             lambda mx, d=dtype, n=n: mx.random.uniform(shape=(n,), dtype=getattr(mx, d), key=mx.random.key(n)))
    case(f"uniform bounds {dtype}",
         lambda mx, d=dtype: mx.random.uniform(-2.5, 7, (5, 7), getattr(mx, d), mx.random.key(1)))
    case(f"uniform array bounds {dtype}",
         lambda mx, d=dtype: mx.random.uniform(mx.array([0.0, -1.0, 3.0]), mx.array([[1.0], [5.0]]), (4, 2, 3),
                                               getattr(mx, d), mx.random.key(2)))
    for name in ("normal", "gumbel", "laplace"):
        case(f"{name} {dtype}",
             lambda mx, f=name, d=dtype: getattr(mx.random, f)((301,), getattr(mx, d), key=mx.random.key(7)))
    for name in ("normal", "laplace"):
        case(f"{name} loc scale {dtype}",
             lambda mx, f=name, d=dtype: getattr(mx.random, f)((3, 50), getattr(mx, d), loc=-1.5, scale=3.0,
                                                               key=mx.random.key(8)))
    case(f"truncated_normal {dtype}",
         lambda mx, d=dtype: mx.random.truncated_normal(-1.0, 2.0, (301,), getattr(mx, d), mx.random.key(9)))
case("normal complex64", lambda mx: mx.random.normal((101,), mx.complex64, key=mx.random.key(3)))
case("normal array loc", lambda mx: mx.random.normal((4, 2), loc=mx.array([1.0, 2.0]), scale=mx.array(0.5),
                                                     key=mx.random.key(3)))
case("truncated_normal array bounds",
     lambda mx: mx.random.truncated_normal(mx.array([-1.0, 0.0]), mx.array(1.0), key=mx.random.key(9)))

for dtype in INTS:
    case(f"randint {dtype}",
         lambda mx, d=dtype: mx.random.randint(0, 100 if d != "bool_" else 2, (101,), getattr(mx, d), mx.random.key(4)))
case("randint large", lambda mx: mx.random.randint(-2 ** 31, 2 ** 31 - 1, (101,), mx.int32, mx.random.key(4)))
case("randint int64", lambda mx: mx.random.randint(-2 ** 40, 2 ** 40, (101,), mx.int64, mx.random.key(4)))
case("randint array bounds", lambda mx: mx.random.randint(mx.array([0, 100]), mx.array([10, 200]), (50, 2),
                                                          key=mx.random.key(4)))
case("randint empty range", lambda mx: mx.random.randint(5, 5, (7,), key=mx.random.key(4)))
case("randint floats", lambda mx: mx.random.randint(0.5, 9.7, (50,), key=mx.random.key(4)))

case("bernoulli", lambda mx: mx.random.bernoulli(0.3, (301,), mx.random.key(5)))
case("bernoulli array", lambda mx: mx.random.bernoulli(mx.array([0.0, 0.2, 1.0]), (50, 3), mx.random.key(5)))
case("bernoulli own shape", lambda mx: mx.random.bernoulli(mx.array([[0.5, 0.5], [0.1, 0.9]]), key=mx.random.key(6)))


def logits(mx):
    return mx.array(np.linspace(-3, 3, 60, dtype=np.float32).reshape(3, 4, 5) ** 2)


case("categorical", lambda mx: mx.random.categorical(logits(mx), key=mx.random.key(1)))
case("categorical axis", lambda mx: mx.random.categorical(logits(mx), 1, key=mx.random.key(1)))
case("categorical count", lambda mx: mx.random.categorical(logits(mx), num_samples=50, key=mx.random.key(1)))
case("categorical shape", lambda mx: mx.random.categorical(logits(mx), shape=(20, 3, 4), key=mx.random.key(1)))
case("categorical one", lambda mx: mx.random.categorical(logits(mx)[0, 0], key=mx.random.key(1)))
case("categorical one, many draws",
     lambda mx: mx.random.categorical(logits(mx)[0, 0], num_samples=101, key=mx.random.key(1)))
case("categorical half", lambda mx: mx.random.categorical(logits(mx).astype(mx.float16), key=mx.random.key(1)))
case("categorical int", lambda mx: mx.random.categorical(mx.array([[1, 2, 3], [3, 2, 1]]), num_samples=20,
                                                         key=mx.random.key(1)))

case("state after seed", seeded(17, lambda mx: mx.random.state[0]))
case("draws from the state",
     seeded(17, lambda mx: mx.concatenate([mx.random.uniform(shape=(3,)), mx.random.normal((3,)),
                                           mx.random.gumbel((2,)), mx.random.uniform(shape=(5,))])))
case("state after draws", seeded(17, lambda mx: (mx.random.uniform(), mx.random.randint(0, 5), mx.random.state[0])[2]))
case("vmap of draws", lambda mx: mx.vmap(lambda k: mx.random.uniform(shape=(5,), key=k))(
    mx.random.split(mx.random.key(2), 4)))


def bits(mx, x):
    """The array as NumPy; bfloat16, which NumPy lacks, as its bits."""
    return np.array(x.view(mx.uint16) if x.dtype == mx.bfloat16 else x)
