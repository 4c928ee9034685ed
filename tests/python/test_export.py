# SPDX-License-Identifier: MIT
"""export_function, exporter, import_function: files of ours and of MLX, arguments, what is refused, bytes that lie."""

import json
import os
import zipfile

import mlx.core as mx
import pytest
from mlxfn_cases import CASES, SHAPELESS

ARCHIVE = zipfile.ZipFile(os.path.join(os.path.dirname(__file__), "golden", "mlxfn.zip"))
EXPECTED = json.loads(ARCHIVE.read("expected.json"))
ALL = [(name, f, args, args) for name, f, args in CASES] + SHAPELESS
NAMES = [case[0] for case in ALL]
X = mx.array([[1.0, -2.0, 3.0], [4.0, 5.5, -6.0]])


def import_bytes(tmp_path, data):
    path = tmp_path / "f.mlxfn"
    path.write_bytes(data)
    return mx.import_function(str(path))


def check(got, want):
    assert len(got) == len(want)
    for y, (dtype, shape, numbers) in zip(got, want):
        assert str(y.dtype) == dtype and list(y.shape) == shape
        y = mx.view(y, mx.float32) if y.dtype == mx.complex64 else y
        expected = mx.array(numbers, dtype=y.dtype).reshape(y.shape)
        assert mx.allclose(y, expected, rtol=1e-5 if y.dtype != mx.float16 else 1e-3, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_what_mlx_wrote_and_read(case, tmp_path):
    name, f, args, call = case
    check(import_bytes(tmp_path, ARCHIVE.read(name + ".ours"))(*call), EXPECTED[name])
    if name + ".mlx" in ARCHIVE.namelist():
        check(import_bytes(tmp_path, ARCHIVE.read(name + ".mlx"))(*call), EXPECTED[name])


@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_round_trip(case, tmp_path):
    name, f, args, call = case
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, f, *args, shapeless=case in SHAPELESS)
    g = mx.import_function(path)
    check(g(*call), EXPECTED[name])
    check(g(*call), EXPECTED[name])


def test_arguments(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda a, *, z, b: a - b * z, X, z=2 * X, b=X)
    f = mx.import_function(path)
    want = (X - X * 2 * X).tolist()
    assert f(X, b=X, z=2 * X)[0].tolist() == want
    assert f((X,), {"z": 2 * X, "b": X})[0].tolist() == want
    mx.export_function(path, lambda a, b: a + b, (X, X))
    f = mx.import_function(path)
    assert f(X, X)[0].tolist() == f((X, X))[0].tolist() == f([X, X])[0].tolist() == (X + X).tolist()
    for bad in [(X, 1), (1,), (X, {"b": X}), ((X,), (X,))]:
        with pytest.raises(ValueError, match="Inputs can either be"):
            f(*bad)


def test_no_program_fits(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda a: a, X)
    f = mx.import_function(path)
    for args, kwargs in [((X, X), {}), ((X[0],), {}), ((X.astype(mx.int32),), {}), ((), {"a": X}), ((), {})]:
        with pytest.raises(ValueError, match=r"No imported function(.|\n)*\(float32\(2,3\)\)"):
            f(*args, **kwargs)


def test_exporter_and_metadata(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    with mx.exporter(path, lambda a, b=None: a if b is None else a + b, metadata="about") as export:
        export(X)
        export(X, X)
        export(X, b=X)
        with pytest.raises(RuntimeError, match="twice"):
            export(X)
        assert not os.path.exists(path)
    f, text = mx.import_function(path, return_metadata=True)
    assert text == "about"
    assert f(X)[0].tolist() == X.tolist()
    assert f(X, X)[0].tolist() == f(X, b=X)[0].tolist() == (X + X).tolist()
    with pytest.raises(RuntimeError, match="closed"):
        export(X)
    assert os.listdir(tmp_path) == ["f.mlxfn"]


def test_what_the_function_must_return(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    for bad in (3, None, {"a": X}, (X, 1)):
        with pytest.raises(ValueError, match="Outputs can be either"):
            mx.export_function(path, lambda a: bad, X)
    with pytest.raises(ZeroDivisionError):
        mx.export_function(path, lambda a: 1 // 0, X)
    assert os.listdir(tmp_path) == []
    mx.export_function(path, lambda a: [], X)
    assert mx.import_function(path)(X) == ()


def test_shapeless(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda a, b: mx.exp(a) * b, X, X[0], shapeless=True)
    f = mx.import_function(path)
    for shape in ((4, 1), (1, 2), (2, 2)):
        y = mx.random.normal(shape)
        assert f(y, mx.ones(2))[0].tolist() == (mx.exp(y) * mx.ones(2)).tolist()
    with pytest.raises(ValueError):
        f(mx.ones((2, 3)), mx.ones(2))
    for sized, what in [
        (lambda a: a[:, -1], r"depends on the sizes of its inputs \(slice does\)"),
        (lambda a: a / a.shape[0], "depends on the sizes"),
        (lambda a: mx.unflatten(a, 0, (1, -1)), "unflatten with a -1"),
        (lambda a: mx.grad(lambda b: (b * a).sum())(a.T.reshape(a.shape)), "depends on the sizes"),
    ]:
        with pytest.raises(ValueError, match=what):
            mx.export_function(path, sized, X, shapeless=True)
    with pytest.raises(ValueError, match="which inputs are broadcast"):
        mx.export_function(path, mx.grad(lambda a, b: (a * b).sum()), X, X, shapeless=True)


def test_a_shapeless_file_that_holds_sizes_is_refused_for_others(tmp_path):
    """MLX writes such files; it goes on with the first sizes, or fails."""
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda a: a[:, 1:], X)
    data = bytearray(open(path, "rb").read())
    at = 8 + data[0] + 4
    assert data[at] == 0
    data[at] = 1
    f = import_bytes(tmp_path, bytes(data))
    assert f(X)[0].tolist() == X[:, 1:].tolist()
    with pytest.raises(ValueError, match=r"Slice was exported for an array of shape \(2,3\)"):
        f(mx.ones((2, 4)))


def test_an_imported_function_in_a_shapeless_one(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda a: a.mean(axis=0), X, shapeless=True)
    f = mx.compile(mx.import_function(path), shapeless=True)
    for shape in ((2, 3), (5, 4), (1, 1)):
        x = mx.random.normal(shape)
        assert f(x)[0].tolist() == x.mean(axis=0).tolist()


def exported(tmp_path, f, *args, **kwargs):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, f, *args, **kwargs)
    return mx.import_function(path)


def walk(x):
    return mx.scan(lambda c, v: (mx.sin(c) * 0.5 + v, c.sum()), mx.zeros(3), x)


doubled = mx.custom_function(lambda x: x * 2)
doubled.vjp(lambda x, cotangent, output: cotangent * 100)


@pytest.mark.parametrize(
    "f",
    [
        walk,
        lambda x: mx.scan(lambda c, v: (c + v, {"a": c, "b": v * 2}), x[0], x, reverse=True)[1]["a"],
        mx.grad(lambda x: walk(x)[1].sum()),
        lambda x: mx.jvp(lambda y: walk(y)[0], [x], [x])[1],
        mx.vmap(lambda x: mx.scan(lambda c, v: (c + v, c * x.sum()), mx.array(0.0), x)[1]),
        lambda x: mx.scan(lambda c, v: (c + mx.scan(lambda a, b: (a * b, a), c, v)[1].sum(), c), mx.array(1.0), x),
        lambda x: mx.scan(lambda c, v: (c + v, c), mx.zeros(3), x[:0]),
        lambda x: mx.scan(lambda c, v: (c * 2, None), x, None, length=3)[0],
        lambda x: mx.cond(x.sum() > 0, lambda v: (v * 2, v), lambda v: (-v, v + 1), x),
        mx.grad(lambda x: mx.cond(x.sum() > 0, lambda v: v * v, mx.exp, x).sum()),
        mx.grad(lambda x: mx.checkpoint(lambda v: mx.sin(v) * v)(x).sum()),
        lambda x: (doubled(x), mx.grad(lambda v: doubled(v).sum())(x)),
        mx.compile(lambda x: mx.sin(x) + x.mean()),
        mx.compile(lambda x: mx.sin(x) + x.mean(), shapeless=True),
    ],
)
def test_loops_and_functions_with_rules_are_written_in_plain_primitives(f, tmp_path):
    as_list = lambda y: list(y) if isinstance(y, (tuple, list)) else [y]
    g = exported(tmp_path, f, X)
    for x in (X, -X):
        for got, want in zip(g(x), as_list(f(x)), strict=True):
            assert got.shape == want.shape and mx.allclose(got, want, rtol=1e-5, atol=1e-6)


def test_what_has_no_plain_form(tmp_path):
    loop = lambda x: mx.while_loop(lambda c: c.sum() < 9, lambda c: c * 2, x)
    with pytest.raises(ValueError, match="while_loop has no counterpart"):
        exported(tmp_path, loop, X)
    with pytest.raises(ValueError, match="too many to be written one by one"):
        exported(tmp_path, walk, mx.ones((200_000, 3)))
    with pytest.raises(ValueError, match=r"depends on the sizes of its inputs \(scan does\)"):
        exported(tmp_path, walk, X, shapeless=True)
    assert os.listdir(tmp_path) == []


def test_callback():
    told = []
    mx.export_function(told.append, lambda a, *, k: (mx.softmax(a.sum(1) * k, axis=-1), a), X, k=mx.array(2.0))
    assert [t["type"] for t in told[:4]] == ["inputs", "keyword_inputs", "outputs", "constants"]
    assert told[0]["inputs"] == [("A", (2, 3), mx.float32), ("B", (), mx.float32)]
    assert told[1]["keywords"] == [("k", "B")]
    assert told[2]["outputs"][1] == ("A", (2, 3), mx.float32)
    assert [t["name"] for t in told[4:]] == ["Reduce", "Squeeze", "Broadcast", "Multiply", "Softmax"]
    assert told[4]["arguments"] == [2, (1,)]
    assert told[-1]["outputs"][0][0] == told[2]["outputs"][0][0]
    with pytest.raises(KeyError):
        mx.export_function(lambda item: {}["no"], lambda a: a, X)


def test_transforms_of_an_imported_function(tmp_path):
    path = str(tmp_path / "f.mlxfn")
    mx.export_function(path, lambda a: (a**3).sum(), X)
    f = mx.import_function(path)
    want = (3 * X * X).tolist()
    assert mx.grad(lambda a: f(a)[0])(X).tolist() == want
    assert mx.compile(mx.grad(lambda a: f(a)[0]))(X).tolist() == want
    assert mx.vmap(lambda a: f(a)[0])(mx.stack([X, 2 * X])).shape == (2,)


def test_files_that_are_not_there():
    with pytest.raises(RuntimeError, match="no/such"):
        mx.import_function("no/such.mlxfn")
    with pytest.raises(RuntimeError):
        mx.import_function(__file__)
    with pytest.raises(RuntimeError):
        mx.export_function("no/such/folder.mlxfn", lambda a: a, X)


@pytest.mark.parametrize("name", ["layout.mlx", "split.mlx", "any_size.ours"])
def test_truncated_files(name, tmp_path):
    data = ARCHIVE.read(name)
    for n in range(len(data)):
        with pytest.raises(RuntimeError):
            import_bytes(tmp_path, data[:n])
    with pytest.raises(RuntimeError):
        import_bytes(tmp_path, data + b"\0")


@pytest.mark.parametrize("name", ["take.mlx", "scatters.ours"])
def test_files_with_one_wrong_byte(name, tmp_path):
    """Either an error or some result; never a crash."""
    data = ARCHIVE.read(name)
    calls = {case[0]: case[3] for case in ALL}[name.split(".")[0]]
    for i in range(len(data)):
        wrong = data[i] ^ (1, 0x80, 0xFF)[i % 3]
        try:
            mx.eval(import_bytes(tmp_path, data[:i] + bytes([wrong]) + data[i + 1 :])(*calls))
        except (RuntimeError, ValueError, IndexError, OverflowError, MemoryError, TypeError):
            pass
